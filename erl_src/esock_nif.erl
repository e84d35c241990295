%% @private
%% @doc The functions in Rust, and nothing else: rustler does not allow the upgrade of a NIF, so this module is never reloaded.
%%
%% A call that may wait takes `Handle' and `How', see native/src/process/model.rs. `How' is
%% <ul>
%% <li>`nowait': the call returns what the API returns;</li>
%% <li>`select': the same, but never `completion';</li>
%% <li>`zero': the call does not wait, and returns `{error, timeout}', or `yield' while a ring is about to deliver something;</li>
%% <li>`more': as `zero', after a call that returned `{more, Part}';</li>
%% <li>a number, how often the caller has yielded: the call returns `yield', `wait' or `{wait, Part}'.</li>
%% </ul>
%% `{more, Part}' is the result of a call that sent or received as much as one call may. The caller goes on with the rest.
%% If the rest belongs to the same data, the caller keeps the turn, and no other process sends in between.
-module(esock_nif).

-export([info/0, info/1]).
-export([open/2, open/4]).
-export([protocol/2]).
-export([pack/1, unpack/2]).
-export([bind/2]).
-export([listen/2]).
-export([shutdown/2]).
-export([sockname/1]).
-export([peername/1]).
-export([connect/1, connect/4]).
-export([accept/3, accept_many/4]).
-export([send/5]).
-export([sendto/6]).
-export([recv/5]).
-export([recvfrom/5]).
-export([sendmsg/5]).
-export([sendv/4]).
-export([sendmmsg/5]).
-export([sendfile/4, sendfile/6, file/3, readahead/2]).
-export([recvmsg/6]).
-export([recvmmsg/6]).
-export([setopt_native/3]).
-export([getopt_native/3]).
-export([wait/4]).
-export([cancel/3]).
-export([close/1, close_linger/1]).
-export([setopt/3, checkopt/3]).
-export([getopt/2]).
-export([getopt/3]).
-export([domain/1]).
-export([open_in/5]).
-export([ioctl/3, ioctl_requests/0, ioctl_flags/0]).
-export([bindx/3, connectx/2, names/3, peeloff/2]).
-export([monitors/2, number_of_monitors/0]).
-export([debug/1, socket_debug/1]).
-export([number_of/0]).
-export([which_sockets/1]).
-export([use_registry/1]).
-export([io_backend/1]).
-export([busy_poller/1, busy_poll/1, busy_polling/1, read_ahead/1]).
-export([monitor/1]).
-export([cancel_monitor/1]).
-export([lookup/3, cancel_lookup/1, lookups/0, lookup_slot/1]).
-export([gethostname/0, sethostname/1, if_nametoindex/1, if_indextoname/1]).
-export([options/0]).
-export([msg_flags/0]).
-export([protocols/0]).
-export([accept_from/3, socketpair/4, dup/1, detach/2, close_fd/1, fd/1, inheritable/1, set_inheritable/2, nonblocking/1]).
-export([monitor/2]).
-export([constants/0]).

-nifs([info/0, info/1, open/2, open/4, protocol/2, pack/1, unpack/2, bind/2, listen/2, shutdown/2, sockname/1, peername/1, connect/1,
       connect/4, accept/3, accept_many/4, send/5, sendto/6, recv/5, recvfrom/5, sendmsg/5, sendv/4, sendmmsg/5,
       sendfile/4, sendfile/6, file/3, readahead/2, recvmsg/6, recvmmsg/6, setopt_native/3, getopt_native/3, wait/4, cancel/3,
       close/1, close_linger/1, setopt/3, checkopt/3, getopt/2, domain/1, number_of/0, which_sockets/1, use_registry/1, io_backend/1,
       busy_poller/1, busy_poll/1, busy_polling/1, read_ahead/1, monitor/1, cancel_monitor/1, options/0, msg_flags/0,
       protocols/0, constants/0, getopt/3, open_in/5, ioctl/3, ioctl_requests/0, ioctl_flags/0, bindx/3, connectx/2,
       names/3, peeloff/2, monitors/2, number_of_monitors/0, debug/1, socket_debug/1, accept_from/3, socketpair/4, dup/1,
       detach/2, close_fd/1, fd/1, inheritable/1, set_inheritable/2, nonblocking/1, monitor/2,
       lookup/3, cancel_lookup/1, lookups/0, lookup_slot/1, gethostname/0, sethostname/1, if_nametoindex/1, if_indextoname/1]).

%% In the place of the size of control messages: receive at most so many descriptors.
-type rights() :: {fds, Max :: non_neg_integer(), fd | socket}.

-on_load(on_load/0).

-type how() :: nowait | select | zero | more | non_neg_integer().
-type wait() :: yield | wait | {wait, term()}.
-type error() :: {error, term()}.
-type cursor() :: non_neg_integer().
-type page(Entry) :: {[Entry], Next :: cursor() | done}.

-define(NIF, erlang:nif_error(not_loaded)).

on_load() ->
    Lib = filename:join(priv_dir(), "esock_nif"),
    Settings = [{use_registry, registry()}, {io_backend, backend()}, {busy_poll, busy_poll()}, {read_ahead, read_ahead()}],
    case erlang:load_nif(Lib, maps:from_list([{Key, Value} || {Key, {ok, Value}} <- Settings])) of
        ok -> _ = spawn(esock_busy_poll, init, []), ok;
        Error -> Error
    end.

priv_dir() ->
    case code:priv_dir(esock) of
        {error, bad_name} -> filename:join(filename:dirname(filename:dirname(code:which(?MODULE))), "priv");
        Dir -> Dir
    end.

%% The application environment takes precedence over the environment variable. It is unknown until the application is loaded, so
%% esock_app reads it again when the application starts.
registry() ->
    setting(use_registry, "ESOCK_USE_SOCKET_REGISTRY", [true, false]).

backend() ->
    setting(io_backend, "ESOCK_IO_BACKEND", [epoll, io_uring, auto]).

busy_poll() ->
    setting(busy_poll, "ESOCK_BUSY_POLL", [true, false, always]).

read_ahead() ->
    case {environment(read_ahead), string:to_integer(os:getenv("ESOCK_READ_AHEAD", ""))} of
        {Size, _} when is_integer(Size), Size >= 0 -> {ok, Size};
        {_, {Size, []}} when is_integer(Size), Size >= 0 -> {ok, Size};
        _ -> undefined
    end.

setting(Key, Variable, Values) ->
    Set = environment(Key),
    case lists:member(Set, Values) of
        true -> {ok, Set};
        false -> variable(os:getenv(Variable), Values)
    end.

environment(Key) ->
    try application:get_env(esock, Key, undefined) catch error:badarg -> undefined end.

variable(false, _Values) ->
    undefined;
variable(Text, Values) ->
    case [Value || Value <- Values, atom_to_list(Value) =:= Text] of
        [Value] -> {ok, Value};
        [] -> undefined
    end.

-spec info() -> map().
info() -> ?NIF.

-spec info(reference()) -> map().
info(_Socket) -> ?NIF.

-spec open(integer(), map()) -> {ok | signals, esock:socket()} | error().
open(_FD, _Options) -> ?NIF.

-spec open(term(), term(), integer(), map()) -> {ok | signals, esock:socket()} | netns | error().
open(_Domain, _Type, _Protocol, _Options) -> ?NIF.

-spec pack(term()) -> {ok, binary()} | {error, term()}.
pack(_Address) -> ?NIF.

-spec unpack(binary(), integer()) -> map() | {error, enomem}.
unpack(_Bytes, _Protocol) -> ?NIF.

-spec protocol(atom() | integer(), atom()) -> integer() | undefined.
protocol(_Domain, _Name) -> ?NIF.

-spec bind(reference(), term()) -> ok | error().
bind(_Socket, _Address) -> ?NIF.

-spec listen(reference(), integer()) -> ok | error().
listen(_Socket, _Backlog) -> ?NIF.

-spec shutdown(reference(), term()) -> ok | error().
shutdown(_Socket, _How) -> ?NIF.

-spec sockname(reference()) -> {ok, esock:sockaddr()} | error().
sockname(_Socket) -> ?NIF.

-spec peername(reference()) -> {ok, esock:sockaddr()} | error().
peername(_Socket) -> ?NIF.

-spec connect(reference()) -> ok | error().
connect(_Socket) -> ?NIF.

-spec connect(reference(), term(), nowait | reference(), how()) ->
          ok | {select | completion, term()} | error() | wait().
connect(_Socket, _Address, _Handle, _How) -> ?NIF.

-spec accept(reference(), nowait | reference(), how()) ->
          {ok | signals, esock:socket()} | {select | completion, term()} | error() | wait().
accept(_Socket, _Handle, _How) -> ?NIF.

-spec accept_many(reference(), pos_integer(), nowait | reference(), how()) ->
          {ok | signals, [esock:socket(), ...]} | {select | completion, term()} | error() | wait().
accept_many(_Socket, _Max, _Handle, _How) -> ?NIF.

-spec send(reference(), binary(), term(), nowait | reference(), how()) ->
          ok | {ok | more, binary()} | {select | completion, term()} | error() | wait().
send(_Socket, _Data, _Flags, _Handle, _How) -> ?NIF.

-spec sendto(reference(), binary(), term(), term(), nowait | reference(), how()) ->
          ok | {ok | more, binary()} | {select | completion, term()} | error() | wait().
sendto(_Socket, _Data, _Dest, _Flags, _Handle, _How) -> ?NIF.

-spec recv(reference(), non_neg_integer() | {some, pos_integer()}, term(), nowait | reference(), how()) ->
          {ok, binary()} | {select | completion, term()} | error() | wait().
recv(_Socket, _Length, _Flags, _Handle, _How) -> ?NIF.

-spec wait(reference(), Events :: 0..31, nowait | reference(), how()) ->
          {ok, 0..31} | {select, esock:select_info()} | error() | wait().
wait(_Socket, _Events, _Handle, _How) -> ?NIF.

-spec recvfrom(reference(), non_neg_integer(), term(), nowait | reference(), how()) ->
          {ok, {esock:sockaddr_recv(), binary()}} | {select | completion, term()} | error() | wait().
recvfrom(_Socket, _Size, _Flags, _Handle, _How) -> ?NIF.

-spec sendmsg(reference(), map(), term(), nowait | reference(), how()) ->
          ok | {ok | more, [binary()]} | {select | completion, term()} | error() | wait().
sendmsg(_Socket, _Msg, _Flags, _Handle, _How) -> ?NIF.

-spec sendv(reference(), [binary()], nowait | reference(), how()) ->
          ok | {ok | more, [binary()]} | {select | completion, term()} | error() | wait().
sendv(_Socket, _IOV, _Handle, _How) -> ?NIF.

-spec sendmmsg(reference(), [map()], term(), nowait | reference(), how()) ->
          {ok | more, [non_neg_integer()]} | {select | completion, term()} | error() | wait().
sendmmsg(_Socket, _Msgs, _Flags, _Handle, _How) -> ?NIF.

-spec sendfile(reference(), integer(), {integer(), non_neg_integer()}, term(), nowait | reference(), how()) ->
          {ok, non_neg_integer()} | {select | completion, term()} | error() | wait().
sendfile(_Socket, _Fd, _Part, _Tag, _Handle, _How) -> ?NIF.

-spec sendfile(reference(), File :: reference(), {integer(), non_neg_integer()}, nowait | reference()) ->
          {ok, non_neg_integer()} | {completion, term()} | error().
sendfile(_Socket, _File, _Part, _Handle) -> ?NIF.

-spec file(reference(), integer(), {integer(), non_neg_integer()}) -> reference() | undefined | error().
file(_Socket, _Fd, _Part) -> ?NIF.

-spec readahead(integer(), {integer(), non_neg_integer()}) -> ok.
readahead(_Fd, _Part) -> ?NIF.

-spec recvmsg(reference(), non_neg_integer(), non_neg_integer() | rights(), term(), nowait | reference(), how()) ->
          {ok | signals, map()} | {select | select_read, term()} | error() | wait().
recvmsg(_Socket, _Size, _CtrlSize, _Flags, _Handle, _How) -> ?NIF.

-spec recvmmsg(reference(), pos_integer(), {non_neg_integer(), non_neg_integer()}, term(), nowait | reference(), how()) ->
          {ok, [map()]} | {select | select_read, term()} | error() | wait().
recvmmsg(_Socket, _Count, _Sizes, _Flags, _Handle, _How) -> ?NIF.

-spec setopt_native(reference(), term(), term()) -> ok | error().
setopt_native(_Socket, _Option, _Value) -> ?NIF.

-spec getopt_native(reference(), term(), term()) -> {ok, integer() | boolean() | binary()} | error().
getopt_native(_Socket, _Option, _Spec) -> ?NIF.

-spec cancel(reference(), atom(), reference()) -> ok | select_sent | sending | not_found | error().
cancel(_Socket, _Op, _Handle) -> ?NIF.

-spec close(reference()) -> ok | linger | error().
close(_Socket) -> ?NIF.

-spec close_linger(reference()) -> ok | error().
close_linger(_Socket) -> ?NIF.

-spec constants() -> [{atom() | {option | cmsg, atom()}, [string()], [{atom(), integer()}]}].
constants() -> ?NIF.

-spec checkopt(reference(), term(), term()) -> ok | error().
checkopt(_Socket, _Option, _Value) -> ?NIF.

-spec setopt(reference(), term(), term()) -> ok | error().
setopt(_Socket, _Option, _Value) -> ?NIF.

-spec getopt(reference(), term()) -> {ok, term()} | error().
getopt(_Socket, _Option) -> ?NIF.

-spec domain(reference()) -> {ok, esock:domain() | integer()} | error().
domain(_Socket) -> ?NIF.

-spec number_of() -> non_neg_integer().
number_of() -> ?NIF.

-spec which_sockets(cursor()) -> page(esock:socket()).
which_sockets(_Cursor) -> ?NIF.

-spec use_registry(boolean()) -> ok.
use_registry(_On) -> ?NIF.

-spec io_backend(epoll | io_uring | auto) -> ok.
io_backend(_Name) -> ?NIF.

-spec busy_poller(non_neg_integer()) -> ok.
busy_poller(_Index) -> ?NIF.

-spec busy_poll(non_neg_integer()) -> boolean().
busy_poll(_Index) -> ?NIF.

-spec read_ahead(non_neg_integer()) -> ok.
read_ahead(_Bytes) -> ?NIF.

-spec busy_polling(boolean() | always) -> ok.
busy_polling(_When) -> ?NIF.

-spec monitor(reference()) -> reference().
monitor(_Socket) -> ?NIF.

-spec cancel_monitor(reference()) -> boolean().
cancel_monitor(_MRef) -> ?NIF.

-spec options() -> [{{atom(), atom()}, boolean()}].
options() -> ?NIF.

-spec msg_flags() -> [{atom(), integer()}].
msg_flags() -> ?NIF.

-spec protocols() -> [{atom(), integer()}].
protocols() -> ?NIF.

-spec getopt(reference(), term(), map()) -> {ok, term()} | error().
getopt(_Socket, _Option, _Value) -> ?NIF.

-spec open_in(binary(), term(), term(), integer(), map()) -> {ok | signals, esock:socket()} | error().
open_in(_Path, _Domain, _Type, _Protocol, _Options) -> ?NIF.

-spec ioctl(reference(), atom(), [term()]) -> ok | {ok, term()} | error().
ioctl(_Socket, _Request, _Arguments) -> ?NIF.

-spec ioctl_requests() -> [{atom(), boolean()}].
ioctl_requests() -> ?NIF.

-spec ioctl_flags() -> [{atom(), boolean()}].
ioctl_flags() -> ?NIF.

-spec bindx(reference(), [term()], boolean()) -> ok | error().
bindx(_Socket, _Addresses, _Add) -> ?NIF.

-spec connectx(reference(), [term()]) -> {ok, integer()} | error().
connectx(_Socket, _Addresses) -> ?NIF.

-spec names(reference(), integer(), boolean()) -> {ok, [esock:sockaddr()]} | error().
names(_Socket, _AssocId, _Own) -> ?NIF.

-spec peeloff(reference(), integer()) -> {ok, esock:socket()} | error().
peeloff(_Socket, _AssocId) -> ?NIF.

-spec monitors(reference(), cursor()) -> page({reference(), pid()}).
monitors(_Socket, _Cursor) -> ?NIF.

-spec accept_from(reference(), nowait | reference(), how()) ->
          {ok | signals, {esock:socket(), esock:sockaddr_recv()}} | {select | completion, term()} | error() | wait().
accept_from(_Socket, _Handle, _How) -> ?NIF.

-spec socketpair(term(), term(), integer(), map()) -> {ok | signals, {esock:socket(), esock:socket()}} | error().
socketpair(_Domain, _Type, _Protocol, _Options) -> ?NIF.

-spec dup(reference()) -> {ok | signals, esock:socket()} | yield | error().
dup(_Socket) -> ?NIF.

-spec detach(reference(), boolean()) -> {ok, non_neg_integer()} | yield | error().
detach(_Socket, _Nonblock) -> ?NIF.

-spec close_fd(integer()) -> ok | error().
close_fd(_FD) -> ?NIF.

-spec fd(reference()) -> {ok, non_neg_integer()} | error().
fd(_Socket) -> ?NIF.

-spec inheritable(reference() | integer()) -> {ok, boolean()} | error().
inheritable(_SocketOrFD) -> ?NIF.

-spec set_inheritable(reference() | integer(), boolean()) -> ok | error().
set_inheritable(_SocketOrFD, _On) -> ?NIF.

-spec nonblocking(integer()) -> {ok, boolean()} | error().
nonblocking(_FD) -> ?NIF.

-spec monitor(reference(), Named :: term()) -> reference().
monitor(_Socket, _Named) -> ?NIF.

-spec number_of_monitors() -> non_neg_integer().
number_of_monitors() -> ?NIF.

-spec debug(boolean()) -> ok.
debug(_On) -> ?NIF.

-spec socket_debug(boolean()) -> ok.
socket_debug(_On) -> ?NIF.

%% A text is a binary; it may be missing where `undefined' stands.
-type lookup() ::
        {addresses, binary() | undefined, binary() | undefined, {integer(), integer(), integer(), integer()} | undefined} |
        {names, binary(), integer()} | {host, binary(), integer()} | {addr, binary(), integer()} |
        {service, binary(), binary() | undefined} | {port, 0..65535, binary() | undefined}.

-spec lookup(reference(), {Threads :: non_neg_integer(), Queue :: non_neg_integer()}, lookup()) -> ok | busy.
lookup(_Handle, _Limits, _Query) -> ?NIF.

-spec cancel_lookup(reference()) -> ok | sending | not_found.
cancel_lookup(_Handle) -> ?NIF.

-spec lookup_slot(non_neg_integer()) -> {ok, reference()} | busy.
lookup_slot(_Most) -> ?NIF.

-spec lookups() ->
          {Threads :: non_neg_integer(), Running :: non_neg_integer(), Waiting :: non_neg_integer(), Slots :: non_neg_integer()}.
lookups() -> ?NIF.

-spec gethostname() -> {ok, binary()} | error().
gethostname() -> ?NIF.

-spec sethostname(binary()) -> ok | error().
sethostname(_Name) -> ?NIF.

-spec if_nametoindex(binary() | string()) -> {ok, pos_integer()} | error().
if_nametoindex(_Name) -> ?NIF.

-spec if_indextoname(non_neg_integer()) -> {ok, binary()} | error().
if_indextoname(_Index) -> ?NIF.

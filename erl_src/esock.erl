%% @doc Sockets: the API of OTP's module `socket', on pollers and waiting lines of its own.
%%
%% Functions, returns, raised errors and messages are those of `socket' in Erlang/OTP; README.md lists what differs. A
%% program for `socket' runs with the module name changed.
%%
%% == Waiting ==
%%
%% The functions that can wait take a last argument:
%% <ul>
%% <li>`infinity', or a number of milliseconds: the caller waits;</li>
%% <li>`0': the call does not wait, and answers `{error, timeout}' where it would have to;</li>
%% <li>`nowait': the call answers `{select, {select_info, Tag, Handle}}' where it would have to wait;</li>
%% <li>a reference: as `nowait', with the caller's own reference as `Handle'.</li>
%% </ul>
%% Who was answered `select' gets exactly one of these messages, unless he cancels with {@link cancel/2}:
%% <ul>
%% <li>`{'$socket', Socket, select, Handle}': call again;</li>
%% <li>`{'$socket', Socket, abort, {Handle, Reason}}': the socket was closed (`Reason = closed'), or another process in
%% the same line met an error that concerns everybody.</li>
%% </ul>
%% Of several processes that receive (or accept, or send) on one socket, one has the turn and the others stand in line.
%% Who was sent `select' keeps the turn until he calls again or cancels. A process has one place in a line: calling again
%% with another handle before the message has come makes the earlier handle void.
-module(esock).

-compile({no_auto_import, [monitor/1]}).

-export([open/1, open/2, open/3, open/4]).
-export([bind/2]).
-export([connect/1, connect/2, connect/3]).
-export([listen/1, listen/2]).
-export([accept/1, accept/2]).
-export([send/2, send/3, send/4]).
-export([sendto/3, sendto/4, sendto/5]).
-export([recv/1, recv/2, recv/3, recv/4]).
-export([recvfrom/1, recvfrom/2, recvfrom/3, recvfrom/4]).
-export([shutdown/2]).
-export([close/1]).
-export([cancel/2]).
-export([setopt/3]).
-export([getopt/2]).
-export([sockname/1]).
-export([peername/1]).
-export([number_of/0]).
-export([which_sockets/0, which_sockets/1]).
-export([use_registry/1]).
-export([monitor/1]).
-export([cancel_monitor/1]).
-export([info/0, info/1]).
-export([i/0, i/1, i/2]).
-export([supports/0, supports/1, supports/2]).
-export([is_supported/1, is_supported/2, is_supported/3]).
-export([to_list/1]).
-export([which_socket_kind/1]).

-export_type([socket/0, socket_handle/0, select_tag/0, select_handle/0, select_info/0, invalid/0]).
-export_type([domain/0, type/0, protocol/0, port_number/0, in_addr/0, in6_addr/0]).
-export_type([sockaddr/0, sockaddr_recv/0, sockaddr_in/0, sockaddr_in6/0, sockaddr_un/0, sockaddr_unspec/0]).
-export_type([sockaddr_native/0, msg_flag/0, level/0, otp_socket_option/0, socket_option/0, linger/0, ip_tos/0]).
-export_type([socket_counters/0, socket_info/0, info/0, info_keys/0]).

-type socket() :: {'$socket', socket_handle()}.
-opaque socket_handle() :: reference().
-opaque select_tag() :: atom() | {atom(), ContData :: term()}.
-type select_handle() :: reference().
-type select_info() :: {select_info, select_tag(), select_handle()}.
-type invalid() :: {invalid, What :: term()}.
-type posix() :: inet:posix() | atom().

-type domain() :: inet | inet6 | local | unspec.
-type type() :: stream | dgram | raw | rdm | seqpacket.
-type protocol() :: atom().
-type port_number() :: 0..65535.
-type in_addr() :: {0..255, 0..255, 0..255, 0..255}.
-type in6_addr() :: {0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535}.
-type sockaddr_in() ::
        #{family := inet, port => port_number(), addr => any | broadcast | loopback | in_addr()}.
-type sockaddr_in6() ::
        #{family := inet6, port => port_number(), addr => any | loopback | in6_addr(),
          flowinfo => 0..16#FFFFF, scope_id => 0..16#FFFFFFFF}.
-type sockaddr_un() :: #{family := local, path := binary() | string()}.
-type sockaddr_unspec() :: #{family := unspec, addr => binary()}.
-type sockaddr_native() :: #{family := integer(), addr => binary()}.
-type sockaddr() :: sockaddr_in() | sockaddr_in6() | sockaddr_un() | sockaddr_unspec() | sockaddr_native().
-type sockaddr_recv() :: sockaddr() | binary().
-type msg_flag() :: cmsg_cloexec | confirm | ctrunc | dontroute | eor | errqueue | more | oob | peek | trunc.
-type level() :: otp | socket | protocol().
-type linger() :: #{onoff := boolean(), linger := non_neg_integer()}.
-type ip_tos() :: lowdelay | throughput | reliability | mincost.
-type otp_socket_option() ::
        controlling_process | debug | domain | fd | iow | meta | rcvbuf | use_registry.
-type socket_option() ::
        {socket, acceptconn | broadcast | domain | keepalive | linger | protocol | rcvbuf | rcvlowat | reuseaddr |
                 reuseport | sndbuf | timestamp | type} |
        {ip, tos | ttl} |
        {ipv6, v6only} |
        {tcp, congestion | cork | keepcnt | keepidle | keepintvl | maxseg | nodelay | user_timeout}.
-type socket_counters() :: #{atom() := non_neg_integer()}.
-type socket_info() ::
        #{domain := domain() | integer(),
          type := type() | integer(),
          protocol := protocol() | integer(),
          owner := pid() | undefined,
          ctype := normal | fromfd | {fromfd, integer()},
          counters := socket_counters(),
          num_readers := non_neg_integer(),
          num_writers := non_neg_integer(),
          num_acceptors := non_neg_integer(),
          rstates := [atom()],
          wstates := [atom()]}.
-type info() ::
        #{counters := #{atom() := non_neg_integer()},
          iov_max := non_neg_integer(),
          use_registry := boolean(),
          io_backend := #{name := atom(), pollers := pos_integer()},
          atom() => term()}.
-type info_keys() ::
        [domain | type | protocol | fd | owner | local_address | remote_address | recv | sent | state].

-define(SOCKET(Ref), {'$socket', Ref}).
-define(INFO(Tag, Handle), {select_info, Tag, Handle}).
-define(IS_SOCKET(Ref), is_reference(Ref)).
%% The backlog of listen/1 in socket.
-define(BACKLOG, 5).

%%% ---- Life ---------------------------------------------------------------------------------------------------------

%% @equiv open(FD, #{})
-spec open(FD :: integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD) when is_integer(FD) -> open(FD, #{});
open(FD) -> erlang:error(badarg, [FD]).

%% @doc A socket on a descriptor that is open already, or with the domain and type given.
%%
%% Of a descriptor the socket uses a duplicate, which is closed with it; with `#{dup => false}' the descriptor itself,
%% which is not. Further options: `debug', `use_registry' (booleans).
-spec open(FD :: integer(), Opts :: map()) -> {ok, socket()} | {error, posix() | invalid()};
          (domain() | integer(), type() | integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD, Opts) when is_integer(FD), is_map(Opts) -> esock_nif:open(FD, Opts);
open(FD, Opts) when is_map(Opts) -> erlang:error(badarg, [FD, Opts]);
open(Domain, Type) -> open(Domain, Type, 0).

%% @doc As {@link open/4} without options, or with the default protocol.
-spec open(domain() | integer(), type() | integer(), Opts :: map() | default | protocol() | integer()) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Opts) when is_map(Opts) -> open(Domain, Type, 0, Opts);
open(Domain, Type, Protocol) -> open(Domain, Type, Protocol, #{}).

%% @doc A new socket, socket(2). The caller becomes the controlling process: the socket is closed when it ends.
%%
%% Options: `use_registry' (whether {@link which_sockets/0} shows it; the default is {@link use_registry/1}'s) and
%% `debug'. The descriptor is closed on exec.
-spec open(domain() | integer(), type() | integer(), default | protocol() | integer(), Opts :: map()) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Protocol, Opts) when is_map(Opts) ->
    case protocol(Protocol) of
        undefined -> {error, {invalid, {protocol, Protocol}}};
        Number -> esock_nif:open(Domain, Type, Number, Opts)
    end;
open(Domain, Type, Protocol, Opts) ->
    erlang:error(badarg, [Domain, Type, Protocol, Opts]).

protocol(Number) when is_integer(Number) -> Number;
protocol({raw, Number}) when is_integer(Number) -> Number;
protocol(default) -> 0;
protocol(Name) when is_atom(Name) -> esock_nif:protocol(Name);
protocol(Other) -> erlang:error({invalid, {protocol, Other}}).

%% @doc Gives the socket an address, bind(2). `any', `loopback' and `broadcast' are those of the socket's domain.
-spec bind(socket(), sockaddr() | any | broadcast | loopback) -> ok | {error, posix() | closed | invalid()}.
bind(?SOCKET(Ref), Addr) when ?IS_SOCKET(Ref), is_atom(Addr) ->
    bind_atom(Ref, Addr);
bind(?SOCKET(Ref), Addr) when ?IS_SOCKET(Ref) ->
    esock_nif:bind(Ref, Addr);
bind(Socket, Addr) ->
    erlang:error(badarg, [Socket, Addr]).

bind_atom(Ref, Addr) when Addr =:= any; Addr =:= broadcast; Addr =:= loopback ->
    case esock_nif:domain(Ref) of
        {ok, Domain} when Domain =:= inet; Domain =:= inet6 -> esock_nif:bind(Ref, #{family => Domain, addr => Addr});
        {ok, _} -> {error, eafnosupport};
        {error, _} = Error -> Error
    end;
bind_atom(_Ref, Addr) ->
    {error, {invalid, {sockaddr, Addr}}}.

%% @equiv listen(Socket, 5)
-spec listen(socket()) -> ok | {error, posix() | closed}.
listen(Socket) -> listen(Socket, ?BACKLOG).

%% @doc Has the socket take connections, listen(2).
-spec listen(socket(), Backlog :: integer()) -> ok | {error, posix() | closed}.
listen(?SOCKET(Ref), Backlog) when ?IS_SOCKET(Ref), is_integer(Backlog) -> esock_nif:listen(Ref, Backlog);
listen(Socket, Backlog) -> erlang:error(badarg, [Socket, Backlog]).

%% @doc The end of a connect that answered `select', once the message has come. Raises `{invalid, state}' where the
%% caller has no connect under way; `{error, already}': it has not ended yet.
-spec connect(socket()) -> ok | {error, posix() | closed | already}.
connect(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:connect(Ref);
connect(Socket) -> erlang:error(badarg, [Socket]).

%% @equiv connect(Socket, SockAddr, infinity)
-spec connect(socket(), sockaddr()) -> ok | {error, posix() | closed | invalid() | already}.
connect(Socket, SockAddr) -> connect(Socket, SockAddr, infinity).

%% @doc Connects to an address, connect(2). After `{select, _}' and its message, {@link connect/1} tells the end.
%% `{error, already}': a connect is under way. A connect that timed out goes on in the system.
-spec connect(socket(), sockaddr(), timeout() | nowait | select_handle()) ->
          ok | {select, select_info()} | {error, posix() | closed | invalid() | already | timeout}.
connect(?SOCKET(Ref), SockAddr, Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {connect, SockAddr}, Timeout);
        How -> esock_nif:connect(Ref, SockAddr, Timeout, How)
    end;
connect(Socket, SockAddr, Timeout) ->
    erlang:error(badarg, [Socket, SockAddr, Timeout]).

%% @equiv accept(ListenSocket, infinity)
-spec accept(socket()) -> {ok, socket()} | {error, posix() | closed | invalid()}.
accept(Socket) -> accept(Socket, infinity).

%% @doc Takes a connection, accept(2). The caller becomes the new socket's controlling process. The new socket inherits
%% `{otp, debug | iow | rcvbuf | use_registry}'. Errors of the moment, such as `emfile', leave the listener and those
%% who wait on it as they are.
-spec accept(socket(), timeout() | nowait | select_handle()) ->
          {ok, socket()} | {select, select_info()} | {error, posix() | closed | invalid() | timeout}.
accept(?SOCKET(Ref), Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, accept, Timeout);
        How -> esock_nif:accept(Ref, Timeout, How)
    end;
accept(Socket, Timeout) ->
    erlang:error(badarg, [Socket, Timeout]).

%% @doc Closes one direction or both, shutdown(2).
-spec shutdown(socket(), read | write | read_write) -> ok | {error, posix() | closed}.
shutdown(?SOCKET(Ref), How) when ?IS_SOCKET(Ref) -> esock_nif:shutdown(Ref, How);
shutdown(Socket, How) -> erlang:error(badarg, [Socket, How]).

%% @doc Closes the socket for everybody. Whoever waits on it is sent `abort' with `closed', whoever monitors it `'DOWN''.
%% Waits for as long as `{socket, linger}' says.
-spec close(socket()) -> ok | {error, posix() | closed}.
close(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    case esock_nif:close(Ref) of
        linger -> esock_nif:close_linger(Ref);
        Result -> Result
    end;
close(Socket) ->
    erlang:error(badarg, [Socket]).

%%% ---- Data ---------------------------------------------------------------------------------------------------------

%% @equiv send(Socket, Data, [], infinity)
-spec send(socket(), iodata()) -> ok | {ok, binary()} | {error, term()}.
send(Socket, Data) -> send(Socket, Data, [], infinity).

%% @doc As {@link send/4} with `infinity', or without flags.
-spec send(socket(), iodata(), [msg_flag() | integer()] | select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | {select, select_info() | {select_info(), binary()}} | {error, term()}.
send(Socket, Data, Flags) when is_list(Flags); is_tuple(Flags) -> send(Socket, Data, Flags, infinity);
send(Socket, Data, Timeout) -> send(Socket, Data, [], Timeout).

%% @doc Sends on a connected socket, send(2).
%%
%% `{select, {SelectInfo, Rest}}': a part of a stream's data has gone; `Rest' is to be sent after the message, with
%% `SelectInfo' in place of the flags. `{ok, Rest}': a message was cut by the system. `{error, {Reason, Rest}}': a part
%% has gone before the error or the timeout.
-spec send(socket(), iodata(), [msg_flag() | integer()] | select_info(), timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | {select, select_info() | {select_info(), binary()}} |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
send(?SOCKET(Ref), Data, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref), is_binary(Data) ->
    case Tag of
        {send, Flags} -> send_binary(Ref, Data, Flags, Timeout);
        _ -> {error, {invalid, Cont}}
    end;
send(?SOCKET(Ref), Data, Flags, Timeout) when ?IS_SOCKET(Ref), is_binary(Data), is_list(Flags) ->
    send_binary(Ref, Data, Flags, Timeout);
send(?SOCKET(Ref) = Socket, Data, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Data) ->
    send(Socket, binary(Data), Flags, Timeout);
send(Socket, Data, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Data, Flags, Timeout]).

send_binary(Ref, Data, Flags, Timeout) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {send, Data, Flags}, Timeout);
        How -> esock_nif:send(Ref, Data, Flags, Timeout, How)
    end.

%% @equiv sendto(Socket, Data, Dest, [], infinity)
-spec sendto(socket(), iodata(), sockaddr() | select_info()) -> ok | {ok, binary()} | {error, term()}.
sendto(Socket, Data, Dest) -> sendto(Socket, Data, Dest, []).

%% @doc As {@link sendto/5} with `infinity', or without flags; or the continuation of one, whose `SelectInfo' stands in
%% place of destination and flags.
-spec sendto(socket(), iodata(), sockaddr() | select_info(),
             [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | {select, select_info() | {select_info(), binary()}} | {error, term()}.
sendto(Socket, Data, ?INFO(_, _) = Cont, []) ->
    sendto(Socket, Data, Cont, infinity);
sendto(Socket, Data, Dest, Flags) when is_list(Flags) ->
    sendto(Socket, Data, Dest, Flags, infinity);
sendto(?SOCKET(Ref) = Socket, Data, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref) ->
    case Tag of
        {sendto, {Dest, Flags}} -> sendto(Socket, Data, Dest, Flags, Timeout);
        _ -> {error, {invalid, Cont}}
    end;
sendto(Socket, Data, Dest, Timeout) ->
    sendto(Socket, Data, Dest, [], Timeout).

%% @doc Sends to an address, sendto(2). Answers as {@link send/4}.
-spec sendto(socket(), iodata(), sockaddr(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | {select, select_info() | {select_info(), binary()}} |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
sendto(?SOCKET(Ref), Data, Dest, Flags, Timeout) when ?IS_SOCKET(Ref), is_binary(Data), is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {sendto, Data, Dest, Flags}, Timeout);
        How -> esock_nif:sendto(Ref, Data, Dest, Flags, Timeout, How)
    end;
sendto(?SOCKET(Ref) = Socket, Data, Dest, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Data) ->
    sendto(Socket, binary(Data), Dest, Flags, Timeout);
sendto(Socket, Data, Dest, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Data, Dest, Flags, Timeout]).

binary(Data) ->
    try
        list_to_binary(Data)
    catch
        error:badarg -> erlang:error({invalid, {data, Data}})
    end.

%% @equiv recv(Socket, 0, [], infinity)
-spec recv(socket()) -> {ok, binary()} | {error, term()}.
recv(Socket) -> recv(Socket, 0, [], infinity).

%% @doc As {@link recv/4} with `infinity', and without flags or a length.
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer()) -> {ok, binary()} | {error, term()}.
recv(Socket, Flags) when is_list(Flags) -> recv(Socket, 0, Flags, infinity);
recv(Socket, Length) -> recv(Socket, Length, [], infinity).

%% @doc As {@link recv/4} without a length, without flags, or with `infinity'.
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer(),
           [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, binary()} | {select, select_info() | {select_info(), binary()}} | {error, term()}.
recv(Socket, Flags, Timeout) when is_list(Flags) -> recv(Socket, 0, Flags, Timeout);
recv(Socket, Length, Flags) when is_list(Flags) -> recv(Socket, Length, Flags, infinity);
recv(Socket, Length, Timeout) -> recv(Socket, Length, [], Timeout).

%% @doc Receives on a connected socket, recv(2).
%%
%% Of a stream, exactly `Length' bytes, or with 0 what there is, up to `{otp, rcvbuf}'. Of messages, one, cut at
%% `Length'. `{select, {SelectInfo, Data}}': that much of `Length' is there, the rest is to be received after the
%% message. `{error, {Reason, Data}}': so much came before the error or the timeout. `{error, closed}': the socket is
%% closed, or the stream has ended.
-spec recv(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, binary()} | {select, select_info() | {select_info(), binary()}} |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
recv(?SOCKET(Ref), Length, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Length), Length >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recv, Length, Flags}, Timeout);
        How -> esock_nif:recv(Ref, Length, Flags, Timeout, How)
    end;
recv(Socket, Length, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Length, Flags, Timeout]).

%% @equiv recvfrom(Socket, 0, [], infinity)
-spec recvfrom(socket()) -> {ok, {sockaddr_recv(), binary()}} | {error, term()}.
recvfrom(Socket) -> recvfrom(Socket, 0, [], infinity).

%% @doc As {@link recvfrom/4} with `infinity', and without flags or a size.
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer()) ->
          {ok, {sockaddr_recv(), binary()}} | {error, term()}.
recvfrom(Socket, Flags) when is_list(Flags) -> recvfrom(Socket, 0, Flags, infinity);
recvfrom(Socket, Size) -> recvfrom(Socket, Size, [], infinity).

%% @doc As {@link recvfrom/4} without a size, without flags, or with `infinity'.
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer(),
               [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | {select, select_info()} | {error, term()}.
recvfrom(Socket, Flags, Timeout) when is_list(Flags) -> recvfrom(Socket, 0, Flags, Timeout);
recvfrom(Socket, Size, Flags) when is_list(Flags) -> recvfrom(Socket, Size, Flags, infinity);
recvfrom(Socket, Size, Timeout) -> recvfrom(Socket, Size, [], Timeout).

%% @doc Receives a message and its sender's address, recvfrom(2). A message longer than `Size' (0: `{otp, rcvbuf}') is
%% cut.
-spec recvfrom(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | {select, select_info()} |
          {error, posix() | closed | invalid() | timeout}.
recvfrom(?SOCKET(Ref), Size, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recvfrom, Size, Flags}, Timeout);
        How -> esock_nif:recvfrom(Ref, Size, Flags, Timeout, How)
    end;
recvfrom(Socket, Size, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Size, Flags, Timeout]).

-compile({inline, [wait/1]}).
wait(infinity) -> block;
wait(nowait) -> nowait;
wait(0) -> zero;
wait(Timeout) when is_integer(Timeout), Timeout > 0 -> block;
wait(Handle) when is_reference(Handle) -> nowait;
wait(Timeout) -> erlang:error({invalid, {timeout, Timeout}}).

%% @doc Ends the wait of the calling process under a handle. Nothing is sent under it from then on, and what was sent is
%% taken out of the inbox. `{error, {invalid, SelectInfo}}': the process does not wait under it.
-spec cancel(socket(), select_info()) -> ok | {error, closed | invalid()}.
cancel(?SOCKET(Ref), ?INFO(Tag, Handle) = Info) when ?IS_SOCKET(Ref), is_reference(Handle) ->
    Op = case Tag of
             {Name, _} when is_atom(Name) -> Name;
             Name when is_atom(Name) -> Name
         end,
    case esock_wait:cancel(Ref, Op, Handle) of
        invalid -> {error, {invalid, Info}};
        Result -> Result
    end;
cancel(Socket, Info) ->
    erlang:error(badarg, [Socket, Info]).

%%% ---- Options and names --------------------------------------------------------------------------------------------

%% @doc Sets an option, setsockopt(2); doc/options.md has them all.
-spec setopt(socket(), {otp, otp_socket_option()} | socket_option(), Value :: term()) ->
          ok | {error, posix() | closed | invalid()}.
setopt(?SOCKET(Ref), Option, Value) when ?IS_SOCKET(Ref) -> esock_nif:setopt(Ref, Option, Value);
setopt(Socket, Option, Value) -> erlang:error(badarg, [Socket, Option, Value]).

%% @doc The value of an option, getsockopt(2).
-spec getopt(socket(), {otp, otp_socket_option()} | socket_option()) ->
          {ok, Value :: term()} | {error, posix() | closed | invalid()}.
getopt(?SOCKET(Ref), Option) when ?IS_SOCKET(Ref) -> esock_nif:getopt(Ref, Option);
getopt(Socket, Option) -> erlang:error(badarg, [Socket, Option]).

%% @doc The socket's own address, getsockname(2).
-spec sockname(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
sockname(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:sockname(Ref);
sockname(Socket) -> erlang:error(badarg, [Socket]).

%% @doc The peer's address, getpeername(2).
-spec peername(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
peername(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:peername(Ref);
peername(Socket) -> erlang:error(badarg, [Socket]).

%%% ---- Registry and monitors ----------------------------------------------------------------------------------------

%% @doc How many sockets are registered.
-spec number_of() -> non_neg_integer().
number_of() -> esock_nif:number_of().

%% @doc The registered sockets.
-spec which_sockets() -> [socket()].
which_sockets() -> esock_nif:which_sockets().

%% @doc The registered sockets of a domain, type, protocol or owner, or those whose {@link info/1} a function takes.
-spec which_sockets(inet | inet6 | local | stream | dgram | seqpacket | sctp | tcp | udp | pid() |
                    fun((socket_info()) -> boolean())) -> [socket()].
which_sockets(Filter) ->
    [Socket || Socket <- which_sockets(), esock_info:matches(Filter, info(Socket))].

%% @doc Whether sockets opened from now on are registered, unless {@link open/4} says otherwise. At the start: the
%% application environment `use_registry', or the system's `ESOCK_USE_SOCKET_REGISTRY', or `true'.
-spec use_registry(boolean()) -> ok.
use_registry(On) when is_boolean(On) -> esock_nif:use_registry(On).

%% @doc Has the caller sent `{'DOWN', MRef, socket, Socket, closed}' when the socket is closed; at once if it is. The
%% socket is registered from then on.
-spec monitor(socket()) -> reference().
monitor(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:monitor(Ref);
monitor(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Ends a monitor. `false': there is none of that reference. Raises `badarg' where it is another process's.
-spec cancel_monitor(MRef :: reference()) -> boolean().
cancel_monitor(MRef) when is_reference(MRef) -> esock_nif:cancel_monitor(MRef);
cancel_monitor(MRef) -> erlang:error(badarg, [MRef]).

%%% ---- Information --------------------------------------------------------------------------------------------------

%% @doc About the library: how many sockets are open, and what they wait with (`io_backend').
-spec info() -> info().
info() -> esock_nif:info().

%% @doc About a socket: what it is, what it has done (`counters'), who waits.
-spec info(socket()) -> socket_info().
info(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:info(Ref);
info(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Prints the registered sockets.
-spec i() -> ok.
i() -> esock_info:print(which_sockets(), default).

%% @doc Prints the registered sockets with those columns, or those of a domain, protocol or type.
-spec i(info_keys() | inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream) -> ok.
i(Keys) when is_list(Keys) -> esock_info:print(which_sockets(), Keys);
i(Filter) when is_atom(Filter) -> esock_info:print(which_sockets(Filter), default).

%% @doc Prints the registered sockets of a domain, protocol or type with those columns.
-spec i(inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream, info_keys()) -> ok.
i(Filter, Keys) when is_atom(Filter), is_list(Keys) -> esock_info:print(which_sockets(Filter), Keys).

%% @doc What there is here: options, protocols, message flags, and features of the system.
-spec supports() -> [{Key1 :: term(), boolean() | [{Key2 :: term(), boolean()}]}].
supports() -> esock_info:supports().

%% @doc One of the lists of {@link supports/0}.
-spec supports(Key1 :: term()) -> [{Key2 :: term(), boolean()}].
supports(Key) -> esock_info:supports(Key).

%% @doc The options of a level.
-spec supports(Key1 :: term(), Key2 :: term()) -> [{Key3 :: term(), boolean()}].
supports(options, Level) when is_atom(Level) -> [{Opt, true} || {{L, Opt}, true} <- supports(options), L =:= Level];
supports(_Key1, _Key2) -> [].

%% @doc Whether a feature is there.
-spec is_supported(Key1 :: term()) -> boolean().
is_supported(Key) -> esock_info:is_supported(Key).

%% @doc Whether an option, protocol or message flag is there.
-spec is_supported(Key1 :: term(), Key2 :: term()) -> boolean().
is_supported(Key1, Key2) -> lists:member({Key2, true}, supports(Key1)).

%% @doc Whether an option is there.
-spec is_supported(options, Level :: atom(), Opt :: atom()) -> boolean().
is_supported(options, Level, Opt) when is_atom(Level), is_atom(Opt) -> is_supported(options, {Level, Opt}).

%% @doc The socket as text.
-spec to_list(socket()) -> string().
to_list(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    "#Ref" ++ Id = ref_to_list(Ref),
    "#Socket" ++ Id;
to_list(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc `compat' for a socket that carries `{otp, meta}', as those of `gen_tcp' and `gen_udp' do, else `plain'.
-spec which_socket_kind(socket()) -> plain | compat.
which_socket_kind(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) ->
    case esock_nif:getopt(Ref, {otp, meta}) of
        {ok, undefined} -> plain;
        {ok, _} -> compat;
        {error, _} -> erlang:error(badarg, [Socket])
    end;
which_socket_kind(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc Servers: listeners, processes for their connections, loops, UDP servers that answer from the address that was asked, and
%% restarts without a lost connection.
%%
%% A server of one function:
%% ```
%% {ok, Server} = esock_server:start_link(#{listen => 0, handler => fun({esock_server, S, _Info}) ->
%%     {ok, Data} = esock:recv(S),
%%     ok = esock:send(S, Data)
%% end}),
%% {ok, #{listeners := [#{port := Port}]}} = esock_server:info(Server),
%% {ok, #{cut_off := 0}} = esock_server:drain(Server, 5000),
%% ok = esock_server:stop(Server).
%% '''
%% A listener belongs to the process that made it, and closes with it, as every socket of {@link esock}.
%%
%% == Errors ==
%%
%% `{error, {listen_failed, Address, Reason}}' names the address. `Reason' is a {@link esock:posix()}, `{option, Option, Reason}',
%% `{steer, How, Reason}', or of a Unix path `{locked, Who}'. If all of several addresses fail, it is
%% `{error, {listen_failed, [{Address, Reason}]}}'. A name that has no address is `{error, {resolve_failed, Name, Reason}}'. An
%% unknown option is `{error, {invalid, {option, Key}}}', a wrong value `{error, {invalid, {option, Key, Value}}}'.
-module(esock_server).

-export([listen/1, listen/2, listen_all/2, listen_all/3, listen_group/2, listen_fd/2, from_systemd/0, from_systemd/1, close/1]).
-export([start_link/1, child_spec/1, info/1, drain/2, stop/1, adopt/3]).
-export([accept_loop/2, accept_loop/3, tcp_server_loop/2, tcp_server_loop/3, unix_server_loop/2, unix_server_loop/3]).
-export([udp_sockets/1, udp_sockets/2, udp_recv/2, udp_reply/2, udp_server_loop/2, udp_server_loop/3, udp_server_loop_on/2]).
-export([handover/2, handover/3, takeover/1, takeover/2, pass/3, keep/2]).

-export_type([address/0, host/0, listen_options/0, unix_options/0, group_options/0, fd_options/0, peercred/0]).
-export_type([handler/0, connection/0, connection_info/0, options/0, info/0, loop_options/0, udp_options/0, source/0]).
-export_type([handover_options/0, takeover_options/0, giver/0]).

-type host() :: any | loopback | inet:hostname() | binary() | inet:ip_address().
%% A host: a name, an address, or all addresses (`any'). Example: `"localhost"'.

-type address() :: esock:port_number() | {host(), esock:port_number()} | esock:sockaddr() | {unix, file:name_all()}.
%% Where to listen. A port alone is all addresses. The path of a Unix socket that begins with a NUL byte is an abstract name, an
%% empty one lets the kernel choose such a name. Examples: `8080', `{"localhost", 80}', `{unix, "/run/echo"}'.

-type listen_options() ::
        #{reuseaddr => boolean(), reuseport => boolean(), dualstack => boolean() | auto, backlog => max | non_neg_integer(),
          nodelay => boolean(), family => inet6_first | inet_first | inet6 | inet | any, same_port => boolean(),
          options => [{esock:socket_option(), term()}], open => map(),
          resolver => fun((inet:hostname(), inet | inet6) -> {ok, [inet:ip_address()]} | {error, term()})}.
%% `reuseaddr' (default `true') is SO_REUSEADDR, so that a port is free at once after a restart; `reuseport' (`false') SO_REUSEPORT.
%% `dualstack': a socket of IPv6 also takes IPv4, whose addresses it shows as mapped ones. `auto' (the default) does so for all
%% addresses, and uses IPv4 if there is no IPv6; with `true' that is an error; `false' is one family, IPv4 by default. `backlog':
%% `max' (the default) is 4096; the kernel limits it to net.core.somaxconn. `nodelay' (`true'): TCP_NODELAY of every connection.
%% `family' (`inet6_first'): which addresses a name or `any' has, and their order. `same_port' (`true'): with port 0 all listeners of
%% {@link listen_all/3} have one port. `options' are set before bind(2). `open' are options of {@link esock:open/4}, such as
%% `io_backend' and `netns'. `resolver' (inet:getaddrs/2) finds the addresses of a name.

-type unix_options() ::
        #{type => stream | seqpacket | dgram, mode => 0..8#7777, owner => {Uid :: non_neg_integer(), Gid :: non_neg_integer()},
          stale => boolean(), unlink => boolean(), lock => boolean(), backlog => max | non_neg_integer(),
          options => [{esock:socket_option(), term()}], open => map()}.
%% Options of a Unix path. `type': default `stream'. `mode' and `owner' of the file are set before the socket listens. `stale'
%% (`true'): a socket on the path on which nothing listens is removed, if it belongs to this user; anything else stays, and is
%% `eaddrinuse'. `unlink' (`true'): the file is removed when the socket has closed, for whatever reason, if it is still the same
%% file. `lock' (`false'): a file with the ending `.lock' holds the number of this process of the system; if another live process
%% holds it, the error is `{locked, Pid}'.

-type group_options() ::
        #{sockets => 1..1024, steer => none | cpu | hash | incoming_cpu, atom() => term()}.
%% As {@link listen_options()}, and: `sockets', how many (default: one for each scheduler); `steer', which of them gets a connection.
%% `none' (the default): the kernel's hash. `cpu', `hash': a filter of `esock_bpf', by the processor or by the packet's hash, where
%% esock has the option `attach_reuseport_cbpf'. `incoming_cpu': SO_INCOMING_CPU of socket N is N - 1.

-type fd_options() ::
        #{port => esock:port_number(), family => inet | inet6 | local, own => boolean(), backlog => max | non_neg_integer(), open => map()}.
%% `port' and `family': what the descriptor has to be bound to. The socket uses a duplicate that is closed on exec; with `own' (`true')
%% the descriptor itself is closed at once.

-type peercred() ::
        fun((#{pid := integer(), uid := integer(), gid := integer()}) -> boolean()) | #{uid => [integer()], gid => [integer()]}.
%% Which peers of a Unix socket are served: those for which the function is `true', or whose user or group is in the lists. The
%% others are closed. Connections of other families pass.

-type handler() :: fun((connection()) -> term()) | {module(), atom(), [term()]}.
%% What serves a connection: `Fun(Connection)' or `Module:Function(Connection, Arg...)', in a process of its own that is started with
%% {@link proc_lib}. The socket belongs to this process and closes when it ends, unless the handler has given it to another one.
%% It may become a `gen_server' with `gen_server:enter_loop/3'.

-type connection() :: {esock_server, esock:socket(), connection_info()}.
%% A connection.

-type connection_info() :: #{server := pid(), address => esock:sockaddr() | undefined, taken_over => term()}.
%% The server, and the address of the listener; of a connection of {@link adopt/3} `taken_over'.

-type options() ::
        #{listen => address() | {all, host(), esock:port_number()} | {group, address()} | [address()],
          listen_options => map(), listeners => [esock:socket()], handler := handler(),
          acceptors => 1..1024, max_connections => pos_integer() | infinity, peercred => peercred(),
          shutdown => timeout() | brutal_kill, notify => boolean(), spawn_options => [term()], id => term()}.
%% `listen' with `listen_options' opens the listeners; `listeners' are open already, and are given to the server if they belong to
%% the caller. `acceptors': processes that accept (default 1; of a group one for each listener). `max_connections' (`infinity'): at
%% most so many are accepted; the others wait in the backlog. `shutdown' (5000): milliseconds from `shutdown' to `kill', as of a
%% supervisor's child. `notify' (`false'): connections are sent messages, see {@link drain/2} and {@link handover/3}.
%% `spawn_options': of the connections' processes, see `erlang:spawn_opt/4'. `id' is for {@link child_spec/1}.

-type info() ::
        #{state := running | stopping | draining | stopped, listeners := [esock:sockaddr()], acceptors := non_neg_integer(),
          max_connections := pos_integer() | infinity, active := non_neg_integer(), accepted := non_neg_integer(),
          rejected := non_neg_integer(), failed := non_neg_integer()}.
%% `active': connections that are served; while an acceptor accepts, up to 64 more. `accepted', `rejected' (by `peercred') and
%% `failed' (errors of accept(2), such as `emfile') count from the start of the server.

-type loop_options() :: #{close => boolean(), peercred => peercred(), atom() => term()}.
%% `close' (`false'): the socket is closed when the function has returned. The loops that listen take {@link listen_options()} too.

-type udp_options() ::
        #{reuseaddr => boolean(), reuseport => boolean(), family => inet6_first | inet_first | inet6 | inet | any,
          options => [{esock:socket_option(), term()}], open => map(), resolver => fun((inet:hostname(), inet | inet6) -> term())}.
%% As {@link listen_options()}; `reuseaddr' is `false' by default.

-type source() ::
        #{socket := esock:socket(), remote := esock:sockaddr(), port := esock:port_number(), local => esock:sockaddr(),
          ifindex => non_neg_integer(), ecn := 0..3, flags := list()}.
%% Where a datagram came from: the sender (`remote'), the address that it asked (`local'), the interface, and the ECN bits of
%% RFC 3168. `port' is the port of the socket.

-type handover_options() :: #{timeout => timeout(), idle => non_neg_integer(), peercred => peercred()}.
%% `timeout' (60000): milliseconds for the whole. `idle' (5000): milliseconds in which connections may pass their sockets on.
%% `peercred': who may take over; by default this user.

-type takeover_options() :: #{timeout => timeout(), peercred => peercred(), open => map()}.
%% `timeout' (60000): milliseconds for each message. `peercred': who may give; by default this user, since its terms are decoded.
%% `open': options of {@link esock:open/2}, such as `io_backend'.

-opaque giver() :: {pid(), reference(), integer()}.
%% Who asks a connection to pass its socket on.

%%% ---- Listeners ------------------------------------------------------------------------------------------------------

%% @equiv listen(Address, #{})
-spec listen(address()) -> {ok, esock:socket()} | {error, term()}.
listen(Address) -> listen(Address, #{}).
%% @doc A listener. It is bound with SO_REUSEADDR, for both families if the address is a port alone, with a backlog of 4096.
%% `{error, {listen_failed, Address, Reason}}' names the address that failed. See unix(7), ip(7), ipv6(7), listen(2).
%% ```
%% {ok, L} = esock_server:listen({"localhost", 0}, #{family => inet}),
%% {ok, #{port := Port}} = esock:sockname(L),
%% {error, {listen_failed, #{port := Port}, eaddrinuse}} = esock_server:listen({"localhost", Port}, #{family => inet}),
%% ok = esock_server:close(L).
%% '''
-spec listen(address(), listen_options() | unix_options()) -> {ok, esock:socket()} | {error, term()}.
listen(Address, Opts) -> esock_server_listen:listen(Address, Opts).

%% @equiv listen_all(Host, Port, #{})
-spec listen_all(host(), esock:port_number()) -> {ok, [esock:socket(), ...]} | {error, term()}.
listen_all(Host, Port) -> listen_all(Host, Port, #{}).
%% @doc A listener on each address of a host; IPv6 listeners take IPv6 only. Addresses that fail are left out;
%% `{error, {listen_failed, [{Address, Reason}]}}' if all fail. With port 0 all have the port that the kernel chooses for the
%% first; `{error, {same_port, eaddrinuse}}' if 16 such ports are taken in another family.
%% ```
%% {ok, Listeners} = esock_server:listen_all(any, 0),
%% lists:foreach(fun esock_server:close/1, Listeners).
%% '''
-spec listen_all(host(), esock:port_number(), listen_options()) -> {ok, [esock:socket(), ...]} | {error, term()}.
listen_all(Host, Port, Opts) -> esock_server_listen:listen_all(Host, Port, Opts).

%% @doc Several listeners on one address (SO_REUSEPORT): each has a backlog of its own, and the kernel distributes the connections.
%% If one of them closes, the connections in its backlog are reset. `{error, {listen_failed, Address, {steer, How, enotsup}}}' if
%% this system or esock cannot steer so.
%% ```
%% {ok, [_, _] = Group} = esock_server:listen_group({loopback, 0}, #{sockets => 2}),
%% lists:foreach(fun esock_server:close/1, Group).
%% '''
-spec listen_group(address(), group_options()) -> {ok, [esock:socket(), ...]} | {error, term()}.
listen_group(Address, Opts) -> esock_server_listen:listen_group(Address, Opts).

%% @doc A listener on a descriptor that is bound. If it is not what is expected, it stays as it is, and the error is
%% `{error, {port_mismatch, Got, Want}}', `{error, {family_mismatch, Got, Want}}' or `{error, {type_mismatch, Got, stream}}'.
%% ```
%% {ok, L} = esock_server:listen_fd(3, #{family => inet6, port => 443}).
%% '''
-spec listen_fd(FD :: integer(), fd_options()) -> {ok, esock:socket()} | {error, term()}.
listen_fd(FD, Opts) -> esock_server_fd:listen_fd(FD, Opts).

%% @equiv from_systemd(#{})
-spec from_systemd() -> {ok, [{Name :: binary(), esock:socket()}]} | {error, term()}.
from_systemd() -> from_systemd(#{}).
%% @doc The listeners that systemd has opened for this process, sd_listen_fds(3), in their order, with the names of
%% LISTEN_FDNAMES (else `<<"unknown">>'). Returns `{ok, []}' if there are none, or they are for another process (LISTEN_PID). The
%% variables are removed from the environment.
%% ```
%% {ok, Listeners} = esock_server:from_systemd(#{family => inet6}).
%% '''
-spec from_systemd(fd_options()) -> {ok, [{Name :: binary(), esock:socket()}]} | {error, term()}.
from_systemd(Opts) -> esock_server_fd:from_systemd(Opts).

%% @doc Closes a listener. When it returns, the file of a Unix listener has been removed by the process that guards it. Returns as
%% {@link esock:close/1}, which leaves the removal to that process.
%% ```
%% {ok, L} = esock_server:listen({unix, "/tmp/esock_example"}, #{mode => 8#600}),
%% ok = esock_server:close(L).
%% '''
-spec close(esock:socket()) -> ok | {error, esock:posix() | closed}.
close(Socket) ->
    Guards = esock_server_guard:of_socket(Socket),
    Result = esock:close(Socket),
    lists:foreach(fun esock_server_guard:await/1, Guards),
    Result.

%%% ---- Servers --------------------------------------------------------------------------------------------------------

%% @doc Starts a server: a supervisor, linked to the caller, with its listeners and acceptors, and one process for each connection.
%% A process that accepts supervises its connections: they end with it. If it returns `{error, Reason}', as {@link listen/2}, the
%% caller also gets the exit signal of the process that has failed, as from supervisor:start_link/2, unless an option is wrong.
%% ```
%% {ok, Server} = esock_server:start_link(#{listen => 8080, handler => {my_protocol, serve, [state]}, max_connections => 1000}).
%% '''
-spec start_link(options()) -> {ok, pid()} | {error, term()}.
start_link(Opts) -> esock_server_sup:start(Opts).

%% @doc The child of a supervisor that is a server with these options.
%% ```
%% #{id := echo, type := supervisor} = esock_server:child_spec(#{id => echo, listen => 7, handler => {echo, serve, []}}).
%% '''
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(Opts) ->
    #{id => maps:get(id, Opts, ?MODULE), start => {?MODULE, start_link, [Opts]}, type => supervisor, shutdown => infinity}.

%% @doc What a server does, and what it has counted. `{error, closed}' if it has ended.
%% ```
%% {ok, #{active := Active, listeners := [#{port := Port}]}} = esock_server:info(Server).
%% '''
-spec info(pid()) -> {ok, info()} | {error, closed}.
info(Server) ->
    case esock_server_sup:call(Server, info) of
        #{} = Info -> {ok, Info};
        {error, closed} = Error -> Error
    end.

%% @doc Stops accepting, closes the listeners, and waits until all connections have ended. After `Timeout' milliseconds the rest are
%% ended as a supervisor does. Returns how many ended by themselves and how many were cut off; `{error, already}' if another process
%% drains. With the option `notify' each connection is sent `{esock_server, drain}', so that one that is idle can end. The server
%% runs on, without listeners: {@link stop/1}. The kernel resets connections that are still in the backlog; {@link handover/3}
%% loses none.
%% ```
%% {ok, #{ended := Ended, cut_off := CutOff}} = esock_server:drain(Server, 30_000).
%% '''
-spec drain(pid(), timeout()) -> {ok, #{ended := non_neg_integer(), cut_off := non_neg_integer()}} | {error, closed | already | term()}.
drain(Server, Timeout) when Timeout =:= infinity; is_integer(Timeout), Timeout >= 0 -> esock_server_sup:call(Server, {drain, Timeout});
drain(Server, Timeout) -> erlang:error({invalid, {timeout, Timeout}}, [Server, Timeout]).

%% @doc Ends a server and its connections. Returns when they have ended; `{error, closed}' if the server had ended before.
%% ```
%% ok = esock_server:stop(Server).
%% '''
-spec stop(pid()) -> ok | {error, closed}.
stop(Server) -> esock_server_sup:stop(Server).

%% @doc Has a server serve a connection of the caller. Its handler gets `Term' as `taken_over'. The connection counts, but is not held
%% back by `max_connections'.
%% ```
%% ok = esock_server:adopt(Server, Socket, State).
%% '''
-spec adopt(pid(), esock:socket(), term()) -> ok | {error, term()}.
adopt(Server, Socket, Term) -> esock_server_sup:adopt(Server, Socket, Term).

%%% ---- Loops ----------------------------------------------------------------------------------------------------------

%% @equiv accept_loop(Listeners, #{}, Fun)
-spec accept_loop([esock:socket()], fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
accept_loop(Listeners, Fun) -> accept_loop(Listeners, #{}, Fun).
%% @doc Calls `Fun(Socket, Peer)' for each connection to one of the listeners, one after the other, in the calling process, which owns
%% the socket. The socket stays open unless `close' is set. Returns `ok' when `Fun' has returned `stop', or when all listeners are
%% closed; an error of a listener such as `einval'.
%% ```
%% ok = esock_server:accept_loop([Listener], #{close => true}, fun(S, _Peer) -> esock:send(S, "bye"), stop end).
%% '''
-spec accept_loop([esock:socket()], loop_options(), fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
accept_loop(Listeners, Opts, Fun) -> esock_server_loop:accept_loop(Listeners, Opts, Fun).

%% @equiv tcp_server_loop(Address, #{}, Fun)
-spec tcp_server_loop(address(), fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
tcp_server_loop(Address, Fun) -> tcp_server_loop(Address, #{}, Fun).
%% @doc {@link listen_all/3} and {@link accept_loop/3}; the listeners are closed at the end.
%% ```
%% esock_server:tcp_server_loop({"localhost", 8080}, fun(S, _Peer) -> esock:close(S) end).
%% '''
-spec tcp_server_loop(address(), loop_options(), fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
tcp_server_loop(Address, Opts, Fun) -> esock_server_loop:tcp(Address, Opts, Fun).

%% @equiv unix_server_loop(Path, #{}, Fun)
-spec unix_server_loop(file:name_all(), fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
unix_server_loop(Path, Fun) -> unix_server_loop(Path, #{}, Fun).
%% @doc {@link listen/2} on a Unix path and {@link accept_loop/3}; the file is removed at the end.
%% ```
%% esock_server:unix_server_loop("/run/echo", #{mode => 8#660}, fun(S, _Peer) -> esock:close(S) end).
%% '''
-spec unix_server_loop(file:name_all(), loop_options(), fun((esock:socket(), esock:sockaddr()) -> term())) -> ok | {error, term()}.
unix_server_loop(Path, Opts, Fun) -> esock_server_loop:unix(Path, Opts, Fun).

%%% ---- UDP ------------------------------------------------------------------------------------------------------------

%% @equiv udp_sockets(Address, #{})
-spec udp_sockets(address()) -> {ok, [esock:socket(), ...]} | {error, term()}.
udp_sockets(Address) -> udp_sockets(Address, #{}).
%% @doc UDP sockets on each address of a host, on one port. For all addresses that is one socket a family: it learns with each
%% datagram which address was asked (IP_PKTINFO of ip(7), IPV6_RECVPKTINFO of ipv6(7)). Errors as {@link listen_all/3}.
%% ```
%% {ok, Sockets} = esock_server:udp_sockets(0),
%% lists:foreach(fun esock:close/1, Sockets).
%% '''
-spec udp_sockets(address(), udp_options()) -> {ok, [esock:socket(), ...]} | {error, term()}.
udp_sockets(Address, Opts) -> esock_server_udp:sockets(Address, Opts).

%% @doc A datagram on one of these sockets, and its source. `Timeout' is in milliseconds; `{error, timeout}', `{error, closed}', or as
%% {@link esock:recvmsg/5}.
%% ```
%% {ok, [S | _]} = esock_server:udp_sockets({loopback, 0}),
%% {error, timeout} = esock_server:udp_recv(S, 0).
%% '''
-spec udp_recv(esock:socket(), timeout()) -> {ok, {binary(), source()}} | {error, term()}.
udp_recv(Socket, Timeout) -> esock_server_udp:recv(Socket, Timeout).

%% @doc Answers a datagram: from the address that was asked, on the interface on which it arrived, ECN-capable if it was. If the
%% address that was asked is a multicast group, the kernel chooses the source. `{error, emsgsize}': the answer is too long.
%% ```
%% {ok, {Data, Source}} = esock_server:udp_recv(Socket, 5000),
%% ok = esock_server:udp_reply(Source, Data).
%% '''
-spec udp_reply(source(), iodata()) -> ok | {error, term()}.
udp_reply(Source, Data) -> esock_server_udp:reply(Source, Data).

%% @equiv udp_server_loop(Address, #{}, Fun)
-spec udp_server_loop(address(), fun((binary(), source()) -> term())) -> ok | {error, term()}.
udp_server_loop(Address, Fun) -> udp_server_loop(Address, #{}, Fun).
%% @doc {@link udp_sockets/2} and {@link udp_server_loop_on/2}; the sockets are closed at the end.
%% ```
%% esock_server:udp_server_loop(7, fun(Data, Source) -> esock_server:udp_reply(Source, Data) end).
%% '''
-spec udp_server_loop(address(), udp_options(), fun((binary(), source()) -> term())) -> ok | {error, term()}.
udp_server_loop(Address, Opts, Fun) -> esock_server_udp:loop(Address, Opts, Fun).

%% @doc Calls `Fun(Data, Source)' for each datagram on one of the sockets, in the calling process. Returns `ok' when `Fun' has returned
%% `stop', or when all are closed.
%% ```
%% {ok, Sockets} = esock_server:udp_sockets(0),
%% esock_server:udp_server_loop_on(Sockets, fun(Data, Source) -> esock_server:udp_reply(Source, Data) end).
%% '''
-spec udp_server_loop_on([esock:socket()], fun((binary(), source()) -> term())) -> ok | {error, term()}.
udp_server_loop_on(Sockets, Fun) -> esock_server_udp:loop_on(Sockets, Fun).

%%% ---- Restarts -------------------------------------------------------------------------------------------------------

%% @equiv handover(Path, What, #{})
-spec handover(file:name_all(), pid() | [esock:socket()] | map()) ->
          {ok, #{listeners := non_neg_integer(), connections := non_neg_integer()}} | {error, term()}.
handover(Path, What) -> handover(Path, What, #{}).
%% @doc Waits on a Unix path for a program that calls {@link takeover/2}, gives it listeners and idle connections (SCM_RIGHTS of
%% unix(7)), and closes them here. `What' is a server, a list of listeners, or a map with `server', `listeners' and `connections'
%% (`[{Socket, Term}]').
%%
%% The backlog goes with the listener: no connection is refused or lost. A server stops accepting when the other program has
%% everything; {@link drain/2} waits for the connections that stay. If the server has `notify' set, each connection is sent
%% `{esock_server, handover, Giver}' first, and answers with {@link pass/3} or {@link keep/2} between two requests; one that does
%% not answer in the time of `idle' stays. Returns how many the other program has confirmed. If it fails before the last listener
%% is confirmed, the listeners are as before.
%% ```
%% {ok, #{listeners := 1}} = esock_server:handover("/run/echo.handover", Server),
%% {ok, _} = esock_server:drain(Server, 30_000).
%% '''
-spec handover(file:name_all(), pid() | [esock:socket()] | map(), handover_options()) ->
          {ok, #{listeners := non_neg_integer(), connections := non_neg_integer()}} | {error, term()}.
handover(Path, What, Opts) -> esock_server_handover:give(Path, What, Opts).

%% @equiv takeover(Path, #{})
-spec takeover(file:name_all()) -> {ok, #{listeners := [esock:socket()], connections := [{esock:socket(), term()}]}} | {error, term()}.
takeover(Path) -> takeover(Path, #{}).
%% @doc Takes over what another program gives with {@link handover/3}. The sockets belong to the caller. `enoent' or `econnrefused':
%% nothing is given on this path.
%% ```
%% {ok, #{listeners := Listeners, connections := Connections}} = esock_server:takeover("/run/echo.handover"),
%% {ok, Server} = esock_server:start_link(#{listeners => Listeners, handler => fun echo:serve/1}),
%% [ok = esock_server:adopt(Server, S, Term) || {S, Term} <- Connections].
%% '''
-spec takeover(file:name_all(), takeover_options()) ->
          {ok, #{listeners := [esock:socket()], connections := [{esock:socket(), term()}]}} | {error, term()}.
takeover(Path, Opts) -> esock_server_handover:take(Path, Opts).

%% @doc Gives the socket of a connection to the program that takes over, with a term for its handler, and closes it here. The caller must
%% not wait on the socket, and must have handled all that it has received. `{error, {invalid, read_ahead}}': a ring has read bytes
%% ahead. After any error the connection goes on here.
%% ```
%% receive {esock_server, handover, Giver} -> esock_server:pass(Giver, Socket, State) end.
%% '''
-spec pass(giver(), esock:socket(), term()) -> ok | {error, term()}.
pass(Giver, Socket, Term) -> esock_server_handover:pass(Giver, Socket, {pass, Term}).

%% @doc Tells the giver that this connection stays: it does not wait for it any longer.
%% ```
%% receive {esock_server, handover, Giver} -> esock_server:keep(Giver, Socket) end.
%% '''
-spec keep(giver(), esock:socket()) -> ok | {error, term()}.
keep(Giver, Socket) -> esock_server_handover:pass(Giver, Socket, keep).

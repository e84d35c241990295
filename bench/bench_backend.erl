%% One interface for everything that is compared: `esock', `socket', `gen_tcp', `gen_udp' (the inet driver), `gen_tcp_socket'
%% (gen_tcp on OTP's socket).
-module(bench_backend).

-export([there/1, listen/1, port/2, accept/2, connect/2, send/3, recv/2, recv/3, close/2, reset_on_close/2, connect_to_be_closed/2]).
-export([udp/1, sendto/4, recvfrom/2]).

there(floor) -> filelib:is_regular(os:getenv("FLOOR", ""));
there(_) -> true.

options(gen_tcp_socket) -> [{inet_backend, socket} | options(gen_tcp)];
options(gen_tcp) -> [binary, inet, {active, false}, {nodelay, true}].

listen(Mod) when Mod =:= esock; Mod =:= socket ->
    {ok, L} = Mod:open(inet, stream, tcp),
    ok = Mod:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = Mod:listen(L, 4096),
    L;
listen(Gen) ->
    {ok, L} = gen_tcp:listen(0, options(Gen) ++ [{backlog, 4096}, {ip, {127, 0, 0, 1}}]),
    L.

port(Mod, L) when Mod =:= esock; Mod =:= socket ->
    {ok, #{port := Port}} = Mod:sockname(L),
    Port;
port(_, L) ->
    {ok, Port} = inet:port(L),
    Port.

accept(Mod, L) when Mod =:= esock; Mod =:= socket ->
    {ok, S} = Mod:accept(L),
    ok = Mod:setopt(S, {tcp, nodelay}, true),
    S;
accept(_, L) ->
    {ok, S} = gen_tcp:accept(L),
    S.

connect(Mod, Port) when Mod =:= esock; Mod =:= socket ->
    {ok, S} = Mod:open(inet, stream, tcp),
    ok = Mod:connect(S, #{family => inet, addr => loopback, port => Port}),
    ok = Mod:setopt(S, {tcp, nodelay}, true),
    S;
connect(Gen, Port) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, options(Gen)),
    S.

send(esock, S, Data) -> ok = esock:send(S, Data);
send(socket, S, Data) -> ok = socket:send(S, Data);
send(_, S, Data) -> ok = gen_tcp:send(S, Data).

%% What there is.
recv(esock, S) -> esock:recv(S);
recv(socket, S) -> socket:recv(S);
recv(_, S) -> gen_tcp:recv(S, 0).

recv(esock, S, Length) -> esock:recv(S, Length);
recv(socket, S, Length) -> socket:recv(S, Length);
recv(_, S, Length) -> gen_tcp:recv(S, Length).

close(Mod, S) when Mod =:= esock; Mod =:= socket -> Mod:close(S);
close(gen_udp, S) -> gen_udp:close(S);
close(_, S) -> gen_tcp:close(S).

%% Closing resets: no TIME_WAIT, among thousands of which the next connect would look for a port. Inherited from the
%% listener.
reset_on_close(Mod, L) when Mod =:= esock; Mod =:= socket -> ok = Mod:setopt(L, {socket, linger}, #{onoff => true, linger => 0});
reset_on_close(_, L) -> ok = inet:setopts(L, [{linger, {true, 0}}]).

%% Connects to a peer that resets the connection, perhaps before connect has looked.
connect_to_be_closed(Mod, Port) when Mod =:= esock; Mod =:= socket ->
    {ok, S} = Mod:open(inet, stream, tcp),
    case Mod:connect(S, #{family => inet, addr => loopback, port => Port}) of
        ok -> {error, _} = Mod:recv(S, 0);
        {error, econnreset} -> ok
    end,
    ok = Mod:close(S);
connect_to_be_closed(Gen, Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, options(Gen)) of
        {ok, S} -> {error, _} = gen_tcp:recv(S, 0), gen_tcp:close(S);
        {error, econnreset} -> ok
    end.

%% A UDP socket on loopback, and where to send to it. Large buffers: nothing is to be dropped.
udp(gen_udp) ->
    {ok, S} = gen_udp:open(0, [binary, inet, {active, false}, {ip, {127, 0, 0, 1}}, {recbuf, 4_000_000}, {sndbuf, 1_000_000}]),
    {ok, Port} = inet:port(S),
    {S, {{127, 0, 0, 1}, Port}};
udp(Mod) ->
    {ok, S} = Mod:open(inet, dgram, udp),
    ok = Mod:bind(S, #{family => inet, addr => loopback, port => 0}),
    ok = Mod:setopt(S, {socket, rcvbuf}, 4_000_000),
    ok = Mod:setopt(S, {socket, sndbuf}, 1_000_000),
    {ok, Addr} = Mod:sockname(S),
    {S, Addr}.

sendto(gen_udp, S, {Ip, Port}, Data) -> ok = gen_udp:send(S, Ip, Port, Data);
sendto(esock, S, Addr, Data) -> ok = esock:sendto(S, Data, Addr);
sendto(socket, S, Addr, Data) -> ok = socket:sendto(S, Data, Addr).

%% The data, and whom to answer.
recvfrom(gen_udp, S) -> {ok, {Ip, Port, Data}} = gen_udp:recv(S, 0), {Data, {Ip, Port}};
recvfrom(esock, S) -> {ok, {Addr, Data}} = esock:recvfrom(S), {Data, Addr};
recvfrom(socket, S) -> {ok, {Addr, Data}} = socket:recvfrom(S), {Data, Addr}.

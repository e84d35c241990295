%% One interface for all backends: `esock', `esock_uring' (esock with the back end io_uring), `socket', `gen_tcp' and `gen_udp'
%% (the inet driver), `gen_tcp_socket' (gen_tcp on OTP's socket), `gen_tcp_once'. In loop/2 `gen_tcp' is {active, true}: it sends
%% messages without flow control. `gen_tcp_once' is {active, once}: it sends one message on request, as the sockets do.
-module(bench_backend).

-export([there/1, listen/1, port/2, accept/2, connect/2, send/3, recv/2, recv/3, close/2, reset_on_close/2, connect_to_be_closed/2]).
-export([udp/1, sendto/4, recvfrom/2]).
-export([loop/2]).

-define(IS_SOCKET(B), B =:= esock; B =:= esock_uring; B =:= socket).

there(floor) -> filelib:is_regular(os:getenv("FLOOR", ""));
there(_) -> true.

options(gen_tcp_socket) -> [{inet_backend, socket} | options(gen_tcp)];
options(gen_tcp_once) -> options(gen_tcp);
options(gen_tcp) -> [binary, inet, {active, false}, {nodelay, true}].

m(esock_uring) -> esock;
m(Backend) -> Backend.

open(esock_uring) -> {ok, S} = esock:open(inet, stream, tcp, #{io_backend => io_uring}), S;
open(Mod) -> {ok, S} = Mod:open(inet, stream, tcp), S.

listen(Mod) when ?IS_SOCKET(Mod) ->
    L = open(Mod),
    ok = (m(Mod)):bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = (m(Mod)):listen(L, 4096),
    L;
listen(Gen) ->
    {ok, L} = gen_tcp:listen(0, options(Gen) ++ [{backlog, 4096}, {ip, {127, 0, 0, 1}}]),
    L.

port(Mod, L) when ?IS_SOCKET(Mod) ->
    {ok, #{port := Port}} = (m(Mod)):sockname(L),
    Port;
port(_, L) ->
    {ok, Port} = inet:port(L),
    Port.

accept(Mod, L) when ?IS_SOCKET(Mod) ->
    {ok, S} = (m(Mod)):accept(L),
    ok = (m(Mod)):setopt(S, {tcp, nodelay}, true),
    S;
accept(_, L) ->
    {ok, S} = gen_tcp:accept(L),
    S.

connect(Mod, Port) when ?IS_SOCKET(Mod) ->
    S = open(Mod),
    ok = (m(Mod)):connect(S, #{family => inet, addr => loopback, port => Port}),
    ok = (m(Mod)):setopt(S, {tcp, nodelay}, true),
    S;
connect(Gen, Port) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, options(Gen)),
    S.

send(esock, S, Data) -> ok = esock:send(S, Data);
send(esock_uring, S, Data) -> ok = esock:send(S, Data);
send(socket, S, Data) -> ok = socket:send(S, Data);
send(_, S, Data) -> ok = gen_tcp:send(S, Data).

%% Receives the bytes that are there, and waits for at least one.
recv(esock, S) -> esock:recv(S);
recv(esock_uring, S) -> esock:recv(S);
recv(socket, S) -> socket:recv(S);
recv(_, S) -> gen_tcp:recv(S, 0).

recv(esock, S, Length) -> esock:recv(S, Length);
recv(esock_uring, S, Length) -> esock:recv(S, Length);
recv(socket, S, Length) -> socket:recv(S, Length);
recv(_, S, Length) -> gen_tcp:recv(S, Length).

close(Mod, S) when ?IS_SOCKET(Mod) -> (m(Mod)):close(S);
close(gen_udp, S) -> gen_udp:close(S);
close(_, S) -> gen_tcp:close(S).

%% Makes close reset accepted connections, which inherit SO_LINGER from the listener. So they leave no TIME_WAIT. Among thousands
%% of those connect would have to search for a free port.
reset_on_close(Mod, L) when ?IS_SOCKET(Mod) -> ok = (m(Mod)):setopt(L, {socket, linger}, #{onoff => true, linger => 0});
reset_on_close(_, L) -> ok = inet:setopts(L, [{linger, {true, 0}}]).

%% Connects to a peer that resets the connection, perhaps before connect returns.
connect_to_be_closed(Mod, Port) when ?IS_SOCKET(Mod) ->
    S = open(Mod),
    case (m(Mod)):connect(S, #{family => inet, addr => loopback, port => Port}) of
        ok -> {error, _} = (m(Mod)):recv(S, 0);
        {error, econnreset} -> ok
    end,
    ok = (m(Mod)):close(S);
connect_to_be_closed(Gen, Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, options(Gen)) of
        {ok, S} -> {error, _} = gen_tcp:recv(S, 0), gen_tcp:close(S);
        {error, econnreset} -> ok
    end.

%% A UDP socket on loopback, and its address. Its buffers are large, so that no datagram is dropped.
udp(gen_udp) ->
    {ok, S} = gen_udp:open(0, [binary, inet, {active, false}, {ip, {127, 0, 0, 1}}, {recbuf, 4_000_000}, {sndbuf, 1_000_000}]),
    {ok, Port} = inet:port(S),
    {S, {{127, 0, 0, 1}, Port}};
udp(Mod) ->
    {ok, S} = Mod:open(inet, dgram, udp),
    ok = (m(Mod)):bind(S, #{family => inet, addr => loopback, port => 0}),
    ok = (m(Mod)):setopt(S, {socket, rcvbuf}, 4_000_000),
    ok = (m(Mod)):setopt(S, {socket, sndbuf}, 1_000_000),
    {ok, Addr} = (m(Mod)):sockname(S),
    {S, Addr}.

sendto(gen_udp, S, {Ip, Port}, Data) -> ok = gen_udp:send(S, Ip, Port, Data);
sendto(esock, S, Addr, Data) -> ok = esock:sendto(S, Data, Addr);
sendto(socket, S, Addr, Data) -> ok = socket:sendto(S, Data, Addr).

%% The data, and the address of its sender.
recvfrom(gen_udp, S) -> {ok, {Ip, Port, Data}} = gen_udp:recv(S, 0), {Data, {Ip, Port}};
recvfrom(esock, S) -> {ok, {Addr, Data}} = esock:recvfrom(S), {Data, Addr};
recvfrom(socket, S) -> {ok, {Addr, Data}} = socket:recvfrom(S), {Data, Addr}.

%% Receives in a process that waits for messages, like one that has other messages to handle, and calls `Fun' with the data.
loop({Backend, S} = What, Fun) when ?IS_SOCKET(Backend) ->
    case (m(Backend)):recv(S, 0, nowait) of
        {ok, Data} -> Fun(Data), loop(What, Fun);
        {completion, {_, _, Handle}} ->
            receive {'$socket', S, completion, {Handle, {ok, Data}}} -> Fun(Data), loop(What, Fun);
                    {'$socket', S, completion, {Handle, {error, closed}}} -> closed
            end;
        {select, {_, _, Handle}} -> receive {'$socket', S, select, Handle} -> loop(What, Fun) end;
        {error, closed} -> closed
    end;
loop({gen_tcp_once, S} = What, Fun) ->
    ok = inet:setopts(S, [{active, once}]),
    receive {tcp, S, Data} -> Fun(Data), loop(What, Fun);
            {tcp_closed, S} -> closed
    end;
loop({Gen, S}, Fun) ->
    ok = inet:setopts(S, [{active, true}]),
    active(Gen, S, Fun).

active(Gen, S, Fun) ->
    receive {tcp, S, Data} -> Fun(Data), active(Gen, S, Fun);
            {tcp_closed, S} -> closed
    end.

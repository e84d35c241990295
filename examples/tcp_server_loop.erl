%% Ruby's Socket.tcp_server_loop: listens on every local address family with the same port, and calls a function with each connection
%% and the address of its peer. The server here answers lines with what a function makes of them.
-module(tcp_server_loop).
-export([start/1, loop/2, lines/2]).

%% Two sockets, as in Ruby: the one for IPv6 takes IPv6 only, so that both can have the port.
start(Port) ->
    {ok, L6} = listen(inet6, Port),
    {ok, #{port := Bound}} = esock:sockname(L6),
    {ok, L4} = listen(inet, Bound),
    {ok, [L6, L4], Bound}.

listen(Family, Port) ->
    {ok, L} = esock:open(Family, stream, tcp),
    ok = esock:setopt(L, {socket, reuseaddr}, true),
    Family =:= inet6 andalso (ok = esock:setopt(L, {ipv6, v6only}, true)),
    ok = esock:bind(L, #{family => Family, addr => any, port => Port}),
    ok = esock:listen(L, 4096),
    {ok, L}.

%% Returns when the listeners are closed.
loop(Listeners, Fun) ->
    Loops = [spawn_monitor(fun() -> accept(L, Fun) end) || L <- Listeners],
    [receive {'DOWN', MRef, process, Pid, _} -> ok end || {Pid, MRef} <- Loops].

accept(L, Fun) ->
    case esock:accept(L) of
        {ok, S} -> {ok, Peer} = esock:peername(S), Fun(S, Peer), esock:close(S), accept(L, Fun);
        {error, closed} -> ok
    end.

lines(S, Answer) -> {ok, R} = esock_io:new(S), answer(R, Answer).

answer(R, Answer) ->
    case esock_io:readline(R) of
        {ok, Line, Next} -> ok = esock_io:write(Next, [Answer(Line), $\n]), answer(Next, Answer);
        _ -> ok
    end.

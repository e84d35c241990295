%% The echo server of Python's documentation of `socket' (examples): one connection, until its end. Then it serves the next one.
%% erlc echo_server.erl && erl -noshell -pa . -pa PATH/esock/ebin -run echo_server main 50007
-module(echo_server).
-export([main/1, start/1, serve/1]).

main([Port]) ->
    {ok, L, _} = start(list_to_integer(Port)),
    serve(L).

%% `reuseaddr' lets a server start again while connections of the one before are in TIME_WAIT.
start(Port) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:setopt(L, {socket, reuseaddr}, true),
    ok = esock:bind(L, #{family => inet, addr => any, port => Port}),
    ok = esock:listen(L, 1),
    {ok, #{port := Bound}} = esock:sockname(L),
    {ok, L, Bound}.

%% Returns when the listener is closed.
serve(L) ->
    case esock:accept(L) of
        {ok, S} -> echo(S), esock:close(S), serve(L);
        {error, closed} -> ok
    end.

echo(S) ->
    case esock:recv_some(S, 1024, [], infinity) of
        {ok, Data} -> ok = esock:send(S, Data), echo(S);
        eof -> ok
    end.

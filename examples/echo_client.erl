%% The echo client of Python's documentation of `socket' (examples), for both families: it tries each address of the name.
%% erlc echo_client.erl && erl -noshell -pa . -pa PATH/esock/ebin -run echo_client main localhost 50007 -s init stop
-module(echo_client).
-export([main/1, ask/3]).

main([Host, Port]) ->
    {ok, Data} = ask(Host, list_to_integer(Port), <<"Hello, world">>),
    io:format("Received ~p~n", [Data]).

ask(Host, Port, Data) ->
    case connect([{Family, Addr} || Family <- [inet6, inet], {ok, Addrs} <- [inet:getaddrs(Host, Family)], Addr <- Addrs], Port) of
        {ok, S} ->
            ok = esock:send(S, Data),
            Answer = esock:recv(S, byte_size(Data), 5000),
            ok = esock:close(S),
            Answer;
        Error -> Error
    end.

connect([], _) -> {error, no_address};
connect([{Family, Addr} | More], Port) ->
    {ok, S} = esock:open(Family, stream, tcp),
    case esock:connect(S, #{family => Family, addr => Addr, port => Port}, 5000) of
        ok -> {ok, S};
        {error, _} = Error ->
            ok = esock:close(S),
            if More =:= [] -> Error; true -> connect(More, Port) end
    end.

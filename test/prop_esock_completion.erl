%% Random programs on a stream with completions: processes receive, look, cancel and die while another sends. Every byte comes
%% once and in order, and every handle gets one message or a clean cancel.
-module(prop_esock_completion).

-include_lib("proper/include/proper.hrl").

-export([prop_every_byte_once/0]).

prop_every_byte_once() ->
    ?FORALL({Ahead, Program}, {oneof([0, 1, 100, default]), list(step())},
            begin
                {Sent, Got} = run(Ahead, Program),
                ?WHENFAIL(io:format("~p~n~p~n  sent ~p~n  got  ~p~n", [Ahead, Program, Sent, Got]), Sent =:= Got)
            end).

step() ->
    frequency([{6, {send, range(1, 50)}}, {6, {recv, oneof([0, 1, 3, 20, 100])}}, {2, {some, range(1, 30)}}, {1, recvmsg}, {1, peek}, {3, cancel}, {3, await},
               {1, zero}, {1, yield}, {1, {block, range(1, 3)}}]).

%% The program's receives are one process's, so that there is one order.
run(Ahead, Program) ->
    {C, S} = esock_pairs:pair(esock),
    ok = esock:setopt(S, {otp, read_ahead}, Ahead),
    {Sent, Got, Waiting} = lists:foldl(fun(Step, State) -> step(C, S, Step, State) end, {0, [], none}, Program),
    Later = case Waiting of
                none -> [];
                Info -> ended(S, Info)
            end,
    ok = esock:shutdown(C, write),
    Rest = rest(S),
    receive {'$socket', _, _, _} = Stray -> error({stray, Stray}) after 0 -> ok end,
    esock_pairs:close([C, S]),
    {stream(0, Sent), iolist_to_binary([lists:reverse(Got), Later, Rest])}.

stream(From, To) -> << <<N:16>> || N <- lists:seq(From, To - 1) >>.

step(C, _, {send, N}, {Sent, Got, Waiting}) ->
    ok = esock:send(C, stream(Sent, Sent + N)),
    {Sent + N, Got, Waiting};
step(_, S, {recv, Length}, {Sent, Got, none}) ->
    begun(esock:recv(S, Length, nowait), Sent, Got);
step(_, S, {some, Length}, {Sent, Got, none}) ->
    begun(esock:recv_some(S, Length, [], nowait), Sent, Got);
step(_, S, recvmsg, {Sent, Got, none}) ->
    begun(esock:recvmsg(S, 10, 0, nowait), Sent, Got);
step(_, S, peek, {Sent, Got, none}) ->
    _ = esock:recv(S, 4, [peek], 0),
    {Sent, Got, none};
step(_, S, zero, {Sent, Got, none}) ->
    case esock:recv(S, 0, 0) of
        {ok, Data} -> {Sent, [Data | Got], none};
        {error, timeout} -> {Sent, Got, none}
    end;
step(_, S, {block, Length}, {Sent, Got, none}) ->
    case esock:recv(S, Length, 1) of
        {ok, Data} -> {Sent, [Data | Got], none};
        {error, {timeout, Data}} -> {Sent, [Data | Got], none};
        {error, timeout} -> {Sent, Got, none}
    end;
step(_, S, cancel, {Sent, Got, Info}) when Info =/= none ->
    {Sent, [ended(S, Info) | Got], none};
step(_, S, await, {Sent, Got, {_, _, H}}) ->
    receive
        {'$socket', S, completion, {H, Result}} -> {Sent, [data(Result) | Got], none}
    after 1 -> {Sent, Got, {completion_info, recv, H}}
    end;
step(_, _, yield, State) ->
    erlang:yield(),
    State;
step(_, _, _, State) ->
    State.

begun({completion, Info}, Sent, Got) -> {Sent, Got, Info};
begun(Result, Sent, Got) -> {Sent, [data(Result) | Got], none}.

%% Ends a receive: it is cancelled, or has had its message.
ended(S, {_, _, H} = Info) ->
    case esock:cancel(S, Info) of
        ok -> [];
        {error, {invalid, _}} -> receive {'$socket', S, completion, {H, Result}} -> data(Result) after 0 -> error({lost, Info}) end
    end.

data({ok, #{iov := IOV}}) -> IOV;
data({ok, Data}) -> Data.

rest(S) ->
    case esock:recv(S, 0, 5000) of
        {ok, Data} -> [Data | rest(S)];
        {error, closed} -> []
    end.

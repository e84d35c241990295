%% Random programs on a stream with completions: a process receives, peeks and cancels, and other processes die in a receive.
%% Every byte is received once and in order, and every handle gets one message or a clean cancel.
-module(prop_esock_completion).

-include_lib("proper/include/proper.hrl").

-export([prop_every_byte_once/0]).
-export([prop_nothing_of_before/0]).

prop_every_byte_once() ->
    ?FORALL({Ahead, Program}, {oneof([0, 1, 100, default]), list(step())},
            begin
                {Sent, Got} = run(Ahead, Program),
                ?WHENFAIL(io:format("~p~n~p~n  sent ~p~n  got  ~p~n", [Ahead, Program, Sent, Got]), Sent =:= Got)
            end).

step() ->
    frequency([{1, oneof([oob, atmark, {peek_off, oneof([0, -1])}, timestamp, number, {ahead, oneof([0, 10, 1000])}, duplicate, killed])},
               {6, {send, range(1, 50)}}, {6, {recv, oneof([0, 1, 3, 20, 100])}}, {2, {some, range(1, 30)}}, {1, recvmsg}, {1, peek}, {3, cancel}, {3, await},
               {1, zero}, {1, yield}, {1, {block, range(1, 3)}}]).

%% One process makes the receives of the program, so that there is one order.
run(Ahead, Program) ->
    {C, S} = esock_pairs:pair(esock),
    ok = esock:setopt(S, {otp, read_ahead}, Ahead),
    %% With oobinline urgent data is among the bytes of the stream.
    lists:member(oob, Program) andalso (ok = esock:setopt(S, {socket, oobinline}, true)),
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
step(C, _, oob, {Sent, Got, Waiting}) ->
    <<First, Second>> = stream(Sent, Sent + 1),
    ok = esock:send(C, <<First>>),
    ok = esock:send(C, <<Second>>, [oob]),
    {Sent + 1, Got, Waiting};
step(_, S, atmark, State) ->
    {ok, _} = esock:ioctl(S, atmark),
    State;
step(_, S, {peek_off, Offset}, State) ->
    ok = esock:setopt(S, {socket, peek_off}, Offset),
    State;
step(_, S, timestamp, State) ->
    ok = esock:setopt(S, {socket, timestamp}, true),
    State;
step(_, S, number, State) ->
    {ok, _} = esock:getopt(S, {otp, fd}),
    State;
step(_, S, {ahead, Most}, State) ->
    ok = esock:setopt(S, {otp, read_ahead}, Most),
    State;
%% The descriptor is used outside the socket: read-ahead is turned off, the bytes read ahead are received, and then the number is
%% asked for and read from.
step(_, S, duplicate, {Sent, Got, none}) ->
    ok = esock:setopt(S, {otp, read_ahead}, 0),
    Ahead = ahead(S),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, D} = esock:open(Fd, #{dup => true}),
    Data = case esock:recv_some(D, 3, [], 0) of
               {ok, Some} -> Some;
               {error, timeout} -> []
           end,
    ok = esock:close(D),
    {Sent, [[Ahead, Data] | Got], none};
%% Bytes gathered for a process that ends stay in the socket.
step(_, S, killed, {Sent, Got, none}) ->
    {Pid, MRef} = spawn_monitor(fun() ->
                                    %% If nothing is gathered, the process has received a part.
                                    exit({ended, case esock:recv(S, 1_000_000, nowait) of {select, {_, Part}} -> Part; _ -> [] end})
                                end),
    receive {'DOWN', MRef, process, Pid, {ended, Part}} -> {Sent, [Part | Got], none} end;
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
step(_, S, await, {Sent, Got, {select_info, _, H} = Info}) ->
    receive
        {'$socket', S, select, H} -> begun(esock:recv(S, 1, nowait), Sent, Got)
    after 1 -> {Sent, Got, Info}
    end;
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

ahead(S) ->
    case esock:info(S) of
        #{read_ahead := 0} -> [];
        #{read_ahead := N} -> {ok, Data} = esock:recv_some(S, N, [], 1000), [Data, ahead(S)]
    end.

begun({completion, Info}, Sent, Got) -> {Sent, Got, Info};
begun({select, {Info, Part}}, Sent, Got) when is_binary(Part) -> {Sent, [Part | Got], Info};
begun({select, Info}, Sent, Got) -> {Sent, Got, Info};
begun(Result, Sent, Got) -> {Sent, [data(Result) | Got], none}.

%% Ends a receive: cancels it, or takes its message if the cancel is too late.
ended(S, {_, _, H} = Info) ->
    case esock:cancel(S, Info) of
        ok -> [];
        {error, {invalid, _}} -> receive {'$socket', S, completion, {H, Result}} -> data(Result) after 0 -> error({lost, Info}) end
    end.

data({ok, #{iov := IOV}}) -> IOV;
data({ok, Data}) -> Data.

%% A connection ends at any point, and the next one on the same descriptor gets only the bytes of its own peer.
prop_nothing_of_before() ->
    ?FORALL({Ahead, Program, Then}, {oneof([0, 100, default]), list(before()), range(1, 100)},
            begin
                Got = try reconnected(Ahead, Program, Then) catch Class:Reason:Stack -> {Class, Reason, Stack} end,
                Sent = stream(1000, 1000 + Then),
                ?WHENFAIL(io:format("~p~n~p~n  sent ~p~n  got  ~p~n", [Ahead, Program, Sent, Got]), Sent =:= Got)
            end).

before() ->
    frequency([{6, {send, range(1, 50)}}, {6, {recv, oneof([0, 1, 3, 20, 100])}}, {1, peek}, {3, cancel}, {3, await}, {1, zero}, {1, yield}, {1, killed}, {1, oob}, {1, finish}]).

reconnected(Ahead, Program, Then) ->
    {L, C, S} = esock_pairs:trio(esock),
    ok = esock:setopt(C, {otp, read_ahead}, Ahead),
    {_, _, Waiting} = lists:foldl(fun(Step, State) -> before(S, C, Step, State) end, {0, [], none}, Program),
    %% A receive that is pending is cancelled, or gets its message.
    Waits = case Waiting =:= none orelse rand:uniform(2) =:= 1 andalso esock:cancel(C, Waiting) =:= ok of
                true -> none;
                false -> Waiting
            end,
    ok = esock:connect(C, #{family => unspec}),
    ok = esock:close(S),
    {ok, Addr} = esock:sockname(L),
    ok = esock:connect(C, Addr),
    {ok, Second} = esock:accept(L),
    ok = esock:send(Second, stream(1000, 1000 + Then)),
    ok = esock:shutdown(Second, write),
    Rest = rest(C),
    Own = case Waits of
              {_, _, H} -> receive {'$socket', C, completion, {H, Result}} -> own(Result); {'$socket', C, abort, {H, _}} -> [] after 5000 -> error(no_message) end;
              none -> []
          end,
    %% A reset leaves no TIME_WAIT: thousands of those would leave no port for the next connection.
    ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}),
    esock_pairs:close([C, Second, L]),
    receive {'$socket', _, _, _} = Stray -> error({stray, Stray}) after 0 -> ok end,
    iolist_to_binary([Own, Rest]).

%% A receive that was begun before may get bytes of the first connection, which are zeros: then all its bytes are zeros.
own({ok, <<0, _/binary>> = Data}) -> <<0:(bit_size(Data))>> =:= Data orelse error({mixed, Data}), [];
own({ok, Data}) -> Data;
own({error, {_, Data}}) -> own({ok, Data});
own({error, _}) -> [].

before(S, _, finish, State) -> _ = esock:shutdown(S, write), State;
before(S, _, {send, N}, {Sent, Got, Waiting}) ->
    _ = esock:send(S, <<0:N/unit:16>>),
    {Sent, Got, Waiting};
before(S, _, oob, State) -> _ = esock:send(S, <<0>>, [oob]), State;
before(_, C, {recv, Length}, {Sent, Got, none}) ->
    case esock:recv(C, Length, nowait) of
        {completion, Info} -> {Sent, Got, Info};
        _ -> {Sent, Got, none}
    end;
before(_, C, cancel, {Sent, Got, {_, _, H} = Info}) ->
    %% If the cancel is too late, the message is there.
    _ = esock:cancel(C, Info) =:= ok orelse receive {'$socket', C, completion, {H, _}} -> ok end,
    {Sent, Got, none};
before(_, C, await, {Sent, Got, {_, _, H} = Info}) ->
    receive {'$socket', C, completion, {H, _}} -> {Sent, Got, none} after 1 -> {Sent, Got, Info} end;
before(_, C, peek, {_, _, none} = State) -> _ = esock:recv(C, 4, [peek], 0), State;
before(_, C, zero, {_, _, none} = State) -> _ = esock:recv(C, 0, 0), State;
before(_, C, killed, {_, _, none} = State) -> step(x, C, killed, State);
before(_, _, yield, State) -> erlang:yield(), State;
before(_, _, _, State) -> State.

rest(S) ->
    case esock:recv(S, 0, 5000) of
        {ok, Data} -> [Data | rest(S)];
        {error, closed} -> []
    end.

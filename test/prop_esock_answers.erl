%% Random programs of one process on one socket: pending completions, selects, blocking calls, calls with time-out 0 and cancels
%% in any mixture, then the end of the stream, a reset, a refusal or a close. Each handle gets one message or a clean cancel. A
%% blocking call at the end answers the event, and not a time-out.
-module(prop_esock_answers).

-include_lib("proper/include/proper.hrl").

-export([prop_one_answer_each/1]).

%% Milliseconds after which an expected message counts as missing.
-define(PATIENCE, 10_000).

prop_one_answer_each(Backend) ->
    ?FORALL({Kind, Steps, Event}, program(),
            begin
                Result = run(Backend, Kind, Steps, Event),
                ?WHENFAIL(io:format("~p ~p~n~p~n~p~n  ~p~n", [Backend, Kind, Steps, Event, Result]), Result =:= ok)
            end).

program() ->
    ?LET(Kind, oneof([{tcp, read}, {tcp, write}, {udp, read}, {local, read}, {local, write}]),
         {Kind, list(step()), {oneof([nowait, block]), event(Kind)}}).

step() ->
    frequency([{6, {nowait, range(1, 20)}}, {3, {select, range(1, 20)}}, {2, {block, range(1, 20)}}, {2, zero}, {3, {cancel, range(0, 5)}},
               {2, {data, range(1, 30)}}, {1, message}, {1, yield}]).

event({udp, read}) -> oneof([close, refuse]);
event({local, _}) -> oneof([close, peer_close]);
event({_, read}) -> oneof([close, peer_close, shut_down, reset]);
event({_, write}) -> oneof([close, peer_close, reset]).

%% Runs the program in a process of its own, which owns no sockets: the caller owns them.
run(Backend, Kind, Steps, Event) ->
    {S, Peer} = sockets(Backend, Kind),
    {Pid, MRef} = spawn_monitor(fun() -> exit({result, program({S, Peer, Kind}, Steps, Event)}) end),
    Result = receive
                 {'DOWN', MRef, process, Pid, {result, R}} -> R;
                 {'DOWN', MRef, process, Pid, Reason} -> Reason
             after 3 * ?PATIENCE ->
                     {stuck, erlang:process_info(Pid, [current_stacktrace, messages]), esock:info(S)}
             end,
    exit(Pid, kill),
    _ = [esock:close(X) || X <- [S, Peer], X =/= none],
    Result.

sockets(Backend, {udp, _}) ->
    {ok, Gone} = esock:open(inet, dgram, udp),
    ok = esock:bind(Gone, loopback),
    {ok, Nobody} = esock:sockname(Gone),
    ok = esock:close(Gone),
    {ok, S} = esock:open(inet, dgram, udp, #{io_backend => Backend}),
    ok = esock:connect(S, Nobody),
    {S, none};
sockets(Backend, {Domain, Direction}) ->
    {Family, Addr} = case Domain of
                         tcp -> {inet, #{family => inet, addr => loopback, port => 0}};
                         local -> {local, #{family => local, path => <<>>}}
                     end,
    {ok, L} = esock:open(Family, stream, default, #{io_backend => Backend}),
    ok = esock:bind(L, Addr),
    ok = esock:listen(L),
    {ok, Name} = esock:sockname(L),
    {ok, Peer} = esock:open(Family, stream, default, #{io_backend => epoll}),
    ok = esock:connect(Peer, Name),
    {ok, S} = esock:accept(L),
    ok = esock:close(L),
    Direction =:= write andalso fill(S),
    {S, Peer}.

fill(S) ->
    case esock:send(S, <<0:524288>>, 0) of
        ok -> fill(S);
        {error, {timeout, _}} -> fill(S);
        {error, timeout} -> ok
    end.

%% The state has three parts. `Open': handles without a message yet, the oldest first. `Own': the handle of the process's own wait
%% (select) among them, whose place the next call takes. `Void': handles whose places were taken, each of which gets one message.
program(Sockets, Steps, {How, Event}) ->
    {Open, Own, Void} = lists:foldl(fun(Step, State) -> step(Sockets, Step, State) end, {[], none, []}, Steps),
    finish(Sockets, How, Event, {Open, Own, Void}).

step(Sockets, {nowait, N}, State) -> begun(call(Sockets, N, nowait), State);
step(Sockets, {select, N}, State) -> begun(call(Sockets, N, select), State);
step(Sockets, {block, N}, State) ->
    case call(Sockets, N, 1) of
        {'EXIT', {invalid, state}} -> State;
        _ -> taken(State)
    end;
step(Sockets, zero, State) ->
    case call(Sockets, 1, 0) of
        {'EXIT', {invalid, state}} -> State;
        %% The call leaves the wait from before, if that has had no message.
        {error, timeout} -> State;
        _ -> taken(State)
    end;
step({S, _, _}, {cancel, N}, {Open, Own, Void} = State) when N < length(Open) ->
    Entry = lists:nth(N + 1, Open),
    {_, _, H} = Info = plain(Entry),
    case esock:cancel(S, Info) of
        ok -> without(H, State);
        {error, {invalid, _}} ->
            %% The message was sent before: it is taken out of the inbox.
            _ = messages(H),
            {Open -- [Entry], case Own of H -> none; _ -> Own end, Void}
    end;
step({_, Peer, {_, read}}, {data, N}, State) when Peer =/= none ->
    ok = esock:send(Peer, <<0:N/unit:8>>),
    State;
step({_, Peer, {_, write}}, {data, _}, State) ->
    _ = esock:recv(Peer, 0, 0),
    State;
step(_, message, {[{_, _, H} = Info | Open], Own, Void} = State) ->
    case messages(H) of
        [_] when H =:= Own -> {Open ++ [{notified, Info}], Own, Void};
        [_] -> {Open, Own, Void};
        [] -> State
    end;
step(_, _, State) ->
    erlang:yield(),
    State.

call({S, _, {_, read}}, N, select) -> tried(fun() -> esock_nif:recv(element(2, S), N, [], nowait, select) end);
call({S, _, {_, read}}, N, How) -> tried(fun() -> esock:recv(S, N, How) end);
call({S, _, {_, write}}, N, select) -> tried(fun() -> esock_nif:send(element(2, S), <<0:(N * 80000)>>, [], nowait, select) end);
call({S, _, {_, write}}, N, How) -> tried(fun() -> esock:send(S, <<0:(N * 80000)>>, How) end).

tried(Call) ->
    try Call() catch error:Reason -> {'EXIT', Reason} end.

begun({select, {{select_info, _, _} = Info, _}}, State) -> waits(Info, State);
begun({select, {select_info, _, _} = Info}, State) -> waits(Info, State);
begun({completion, Info}, State) ->
    {Open, none, Void} = taken(State),
    {Open ++ [Info], none, Void};
begun({'EXIT', {invalid, state}}, State) -> State;
begun(Result, State) when Result =:= ok; element(1, Result) =:= ok; element(1, Result) =:= error -> taken(State).

waits({_, _, H} = Info, State) ->
    {Open, none, Void} = taken(State),
    {Open ++ [Info], H, Void}.

%% A call takes the place of the process's own wait from before.
taken({_, none, _} = State) -> State;
taken({Open, Own, Void}) ->
    Notified = [H || {notified, {_, _, H}} <- Open, H =:= Own],
    {[Info || Info <- Open, element(3, plain(Info)) =/= Own], none, [Own || Notified =:= []] ++ Void}.

without(H, {Open, Own, Void}) ->
    {[Info || Info <- Open, element(3, plain(Info)) =/= H], case Own of H -> none; _ -> Own end, Void}.

plain({notified, Info}) -> Info;
plain(Info) -> Info.

%% The event at the end, with or without a blocking call that waits for it.
finish({S, _, _} = Sockets, How, Event, State) ->
    Self = self(),
    Ended = atomics:new(1, []),
    Actor = spawn_link(fun() ->
                               How =:= block andalso until_waiting(Self, Ended),
                               happens(Event, Sockets),
                               Self ! {self(), happened}
                       end),
    {Answer, After} = case How of
                          block ->
                              Result = call(Sockets, 100, ?PATIENCE),
                              {Result, case Result of {'EXIT', {invalid, state}} -> State; _ -> taken(State) end};
                          nowait ->
                              {none, State}
                      end,
    atomics:put(Ended, 1, 1),
    receive {Actor, happened} -> ok end,
    _ = esock:close(S),
    check(Answer, After).

until_waiting(Pid, Ended) ->
    case {process_info(Pid, [status, current_function]), atomics:get(Ended, 1)} of
        {[{status, waiting}, {current_function, {esock_wait, _, _}}], _} -> ok;
        {_, 1} -> ok;
        _ -> erlang:yield(), until_waiting(Pid, Ended)
    end.

happens(close, {S, _, _}) -> esock:close(S);
happens(peer_close, {_, Peer, _}) -> esock:close(Peer);
happens(shut_down, {_, Peer, _}) -> esock:shutdown(Peer, write);
happens(reset, {_, Peer, _}) ->
    ok = esock:setopt(Peer, {socket, linger}, #{onoff => true, linger => 0}),
    esock:close(Peer);
happens(refuse, {S, _, _} = Sockets) ->
    case esock:send(S, <<"?">>, 0) of
        ok -> ok;
        %% This is the refusal of an earlier datagram.
        {error, _} -> happens(refuse, Sockets)
    end.

check({error, timeout}, _) -> {no_answer, timeout};
check({error, {timeout, _}}, _) -> {no_answer, timeout};
check(_, {Open, _, Void}) ->
    Waiting = [Info || {_, _, _} = Info <- Open],
    case [Info || {_, _, H} = Info <- Waiting, not has_message(H)] of
        [] ->
            More = [Info || {_, _, H} = Info <- [plain(I) || I <- Open], messages(H) =/= []],
            Voids = [{H, Messages} || H <- Void, Messages <- [messages(H)], length(Messages) =/= 1],
            receive {'$socket', _, _, _} = Stray -> {stray, Stray} after 0 -> case {More, Voids} of {[], []} -> ok; _ -> {not_once, More, Voids} end end;
        Silent ->
            {silent, Silent}
    end.

has_message(H) ->
    receive
        {'$socket', _, _, H} -> true;
        {'$socket', _, _, {H, _}} -> true
    after ?PATIENCE -> false
    end.

messages(H) ->
    receive
        {'$socket', _, _, H} = Message -> [Message | messages(H)];
        {'$socket', _, _, {H, _}} = Message -> [Message | messages(H)]
    after 0 -> []
    end.

%% Dials of `esock_dial_plan' in a simulated network, with a simulated clock: resolvers that are slow, empty or silent, addresses that
%% refuse, hang or answer late. A model of RFC 8305 says which attempts start and when, what wins, and when the dial ends.
%%
%% The model computes the times of a round from the network; it has no events and no state. All times are random numbers of up to a
%% billion, so that no two events fall together by chance.
-module(prop_esock_dial).

-include_lib("proper/include/proper.hrl").

-export([prop_dials/0]).

-define(MS, 1_000_000).

prop_dials() ->
    ?FORALL(World, world(),
        begin
            Expected = model(World),
            Found = simulate(World),
            ?WHENFAIL(io:format("world ~p~nmodel ~p~nplan  ~p~n", [World, Expected, Found]),
                      aggregate([maps:get(result, Expected)], Expected =:= Found))
        end).

%%% ---- Networks -------------------------------------------------------------------------------------------------------

%% PropEr's integers grow with its size: this one has them all from the beginning.
ms(Most) -> ms(0, Most).
ms(Least, Most) -> resize(Most * ?MS, integer(Least * ?MS + 1, Most * ?MS)).
or_infinity(Time) -> oneof([infinity, Time]).

world() ->
    ?LET({Family, Race, Lookup}, {oneof([inet6_first, inet_first, inet6, inet, any]), boolean(), boolean()},
         map([{family, Family}, {race, Race}, {lookup, Lookup}, {timeout, ms(6000)}, {attempt_timeout, or_infinity(ms(900))},
              {resolve_timeout, or_infinity(ms(300))}, {attempt_delay, ms(400)}, {resolution_delay, ms(100)},
              {retry_on, list(oneof([econnrefused, timeout, gai]))}, {pause, ms(200, 2000)},
              {stop_after, oneof([never, integer(1, 3)])}, {rounds, non_empty(resize(4, list(round_of(Lookup))))}])).

map(Pairs) -> ?LET(All, Pairs, maps:from_list(All)).

%% What the resolver answers, and what the addresses do, in one round.
round_of(true) -> map([{inet, answer(addresses(inet))}, {inet6, answer(addresses(inet6))}, {any, answer(mixed())}, {hosts, hosts()}]);
round_of(false) -> map([{addresses, mixed()}, {hosts, hosts()}]).

answer(Addresses) ->
    frequency([{5, {oneof([ms(1), ms(60), ms(400)]), {ok, Addresses}}}, {2, {ms(400), {error, oneof([nxdomain, timeout])}}},
               {1, {ms(200), {ok, []}}}, {1, never}]).

addresses(Family) -> ?LET(Ns, resize(6, list(integer(1, 4))), [address(Family, N) || N <- Ns]).
mixed() -> resize(8, list(?LET({Family, N}, {oneof([inet, inet6]), integer(1, 3)}, address(Family, N)))).

address(inet, N) -> #{family => inet, addr => {10, 0, 0, N}, port => 80};
address(inet6, N) -> #{family => inet6, addr => {16#fd00, 0, 0, 0, 0, 0, 0, N}, port => 80}.

%% Whether most addresses fail, or any.
hosts() ->
    ?LET(Bad, boolean(),
         map([{address(Family, N), host(Bad)} || Family <- [inet, inet6], N <- lists:seq(1, 4)])).

host(Bad) ->
    Fails = [{3, {oneof([0, ms(30), ms(600)]), {error, oneof([econnrefused, ehostunreach])}}}, {1, never}],
    frequency(Fails ++ [{case Bad of true -> 1; false -> 4 end, {oneof([0, ms(100), ms(800)]), ok}}]).

queries(inet) -> [inet];
queries(inet6) -> [inet6];
queries(any) -> [any];
queries(_) -> [inet6, inet].

%% The network of a round; the last one stays. Addresses that the caller gives stay too.
network(N, #{rounds := [#{addresses := Addresses} | _] = Rounds}) ->
    (lists:nth(min(N, length(Rounds)), Rounds))#{addresses := Addresses};
network(N, #{rounds := Rounds}) -> lists:nth(min(N, length(Rounds)), Rounds).

%%% ---- The model ------------------------------------------------------------------------------------------------------

model(World) -> model_round(1, 0, [], [], World).

model_round(N, T0, Starts0, Failures0, #{timeout := Deadline} = World) ->
    Network = network(N, World),
    Answers = answers(T0, Network, World),
    Attempts = attempts(T0, Answers, Network, World),
    Wins = lists:sort([{End, Address} || {Address, _, End, ok} <- Attempts, End < Deadline]),
    Ends = [End || {_, _, End, _} <- Attempts] ++ [At || {_, At, _} <- Answers],
    Over = lists:max([T0 | Ends]),
    case Wins of
        [{Win, Address} | _] ->
            #{result => ok, address => Address, at => Win, starts => Starts0 ++ starts(Attempts, Win + 1)};
        [] when Over < Deadline ->
            Failed = failures(T0, Answers, Attempts, Deadline, Network),
            after_round(N, Over, Starts0 ++ starts(Attempts, Deadline), Failures0 ++ Failed, retries(Answers, Attempts, World), World);
        [] ->
            ended(timeout, Deadline, Starts0 ++ starts(Attempts, Deadline),
                  Failures0 ++ failures(T0, Answers, Attempts, Deadline, Network))
    end.

starts(Attempts, Before) -> [{Address, Start} || {Address, Start, _, _} <- Attempts, Start < Before].

ended(Reason, At, Starts, Failures) ->
    #{result => Reason, at => At, starts => Starts, count => length(Failures),
      failures => case length(Failures) > 100 of true -> many; false -> lists:sort(Failures) end}.

after_round(_, Over, Starts, Failures, false, _) -> ended(failed, Over, Starts, Failures);
after_round(N, Over, Starts, Failures, true, #{stop_after := N}) -> ended(stopped, Over, Starts, Failures);
after_round(_, Over, Starts, Failures, true, #{pause := Pause, timeout := Deadline}) when Over + Pause >= Deadline ->
    ended(timeout, Over, Starts, Failures);
after_round(N, Over, Starts, Failures, true, #{pause := Pause} = World) -> model_round(N + 1, Over + Pause, Starts, Failures, World).

%% When each query ends, and with what.
answers(_, _, #{lookup := false}) -> [];
answers(T0, Network, #{family := Family, resolve_timeout := Limit}) ->
    [case map_get(Query, Network) of
         {Delay, Answer} when Delay < Limit -> {Query, T0 + Delay, Answer};
         _ when Limit =:= infinity -> {Query, infinity, never};
         _ -> {Query, T0 + Limit, {error, timeout}}
     end || Query <- queries(Family)].

%% When each address can be attempted, in the order of the class: {From, Class, Address}.
candidates(T0, _, #{addresses := Addresses}, World) -> once(classes(T0, Addresses, World));
candidates(_, Answers, _, World) -> once(lists:append([classes(At, Addresses, World) || {_, At, {ok, Addresses}} <- lists:keysort(2, Answers)])).

classes(At, Addresses, #{family := any, race := true}) ->
    [{At, case F =:= family(Addresses) of true -> 1; false -> 2 end, A} || #{family := F} = A <- Addresses];
classes(At, Addresses, #{family := any}) -> [{At, 1, A} || A <- Addresses];
classes(At, Addresses, #{family := Family}) ->
    [{At, case F =:= preferred(Family) of true -> 1; false -> 2 end, A} || #{family := F} = A <- Addresses].

family([#{family := Family} | _]) -> Family.

preferred(Family) when Family =:= inet; Family =:= inet_first -> inet;
preferred(_) -> inet6.

once([]) -> [];
once([{_, _, A} = First | Rest]) -> [First | once([C || {_, _, B} = C <- Rest, B =/= A])].

%% When the first attempt may start: RFC 8305 section 3.
gate(T0, [], _) -> T0;
gate(_, [{_, At, _}], _) -> At;
gate(_, Answers, #{family := Family, race := Race, resolution_delay := Delay}) ->
    {value, {_, Preferred, _}, [{_, Other, Answer}]} = lists:keytake(preferred(Family), 1, Answers),
    case Answer of
        {ok, [_ | _]} when Race, Other < Preferred -> min(Preferred, Other + Delay);
        _ -> Preferred
    end.

%% All attempts that would start if nothing won: {Address, Start, End, Outcome}.
attempts(T0, Answers, Network, World) ->
    Gate = gate(T0, Answers, World),
    attempts(Gate, 2, candidates(T0, Answers, Network, World), [], Network, World).

attempts(_, _, [], Done, _, _) -> lists:reverse(Done);
attempts(infinity, _, _, Done, _, _) -> lists:reverse(Done);
attempts(Allowed, Last, Candidates, Done, #{hosts := Hosts} = Network, World) ->
    Start = max(Allowed, lists:min([From || {From, _, _} <- Candidates])),
    Win = lists:min([infinity | [End || {_, _, End, ok} <- Done]]),
    case Start >= Win of
        true -> lists:reverse(Done);
        false ->
            {_, Class, Address} = Candidate = pick(Start, Last, Candidates, World),
            {End, Outcome} = outcome(Start, map_get(Address, Hosts), World),
            %% Section 5: after the delay, or when an attempt fails.
            Failed = [End || {error, _} <- [Outcome]] ++ [E || {_, _, E, {error, _}} <- Done, E > Start],
            Next = lists:min([delayed(Start, World) | Failed]),
            attempts(Next, Class, Candidates -- [Candidate], [{Address, Start, End, Outcome} | Done], Network, World)
    end.

delayed(Start, #{race := true, attempt_delay := Delay}) -> Start + Delay;
delayed(_, _) -> infinity.

outcome(Start, {Delay, Outcome}, #{attempt_timeout := Limit}) when Delay < Limit -> {Start + Delay, Outcome};
outcome(_, _, #{attempt_timeout := infinity}) -> {infinity, {error, never}};
outcome(Start, _, #{attempt_timeout := Limit}) -> {Start + Limit, {error, timeout}}.

%% Section 4: the families alternate.
pick(At, Last, Candidates, #{race := Race}) ->
    There = [C || {From, _, _} = C <- Candidates, From =< At],
    Wanted = case Race of true -> 3 - Last; false -> 1 end,
    case [C || {_, Class, _} = C <- There, Class =:= Wanted] of
        [Candidate | _] -> Candidate;
        [] -> hd(There)
    end.

failures(T0, Answers, Attempts, Deadline, Network) ->
    [{resolve, no_address, 0} || #{addresses := []} <- [Network]] ++
    [case At < Deadline of
         true -> {resolve, case Answer of {error, Reason} -> Reason; {ok, []} -> no_address end, At - T0};
         false -> {resolve, timeout, Deadline - T0}
     end || {_, At, Answer} <- Answers, At >= Deadline orelse element(1, Answer) =:= error orelse Answer =:= {ok, []}] ++
    [case End < Deadline of
         true -> {Address, element(2, Outcome), End - Start};
         false -> {Address, timeout, Deadline - Start}
     end || {Address, Start, End, Outcome} <- Attempts, Start < Deadline].

retries(Answers, Attempts, #{retry_on := Reasons}) ->
    Found = [A || {_, _, {ok, [_ | _]}} = A <- Answers],
    lists:any(fun({_, _, _, {error, Reason}}) -> lists:member(Reason, Reasons) end, Attempts)
        orelse (Answers =/= [] andalso Found =:= [] andalso lists:member(gai, Reasons)).

%%% ---- The simulation of the plan -------------------------------------------------------------------------------------

-record(sim, {world, now = 0, queue = [], plan, round = 0, starts = [], running = #{}, resolving = false}).

simulate(#{family := Family, lookup := Lookup, retry_on := Reasons, pause := Pause, stop_after := StopAfter} = World) ->
    Target = case Lookup of
                 true -> {resolve, queries(Family)};
                 false -> {addresses, map_get(addresses, network(1, World))}
             end,
    Retries = fun({gai, _}) -> lists:member(gai, Reasons);
                 (Reason) -> lists:member(Reason, Reasons)
              end,
    {ok, Backoff} = esock_dial_backoff:new(fun(N, _) when N =:= StopAfter -> stop; (_, _) -> Pause end),
    Keys = [timeout, attempt_timeout, resolve_timeout, race, family, attempt_delay, resolution_delay],
    Config = (maps:with(Keys, World))#{target => Target, retries => Retries, backoff => Backoff, observed => true},
    {Actions, Plan} = esock_dial_plan:new(Config, 0),
    perform(Actions, #sim{world = World, plan = Plan, round = case Lookup of true -> 0; false -> 1 end}).

perform([], #sim{queue = Queue, plan = Plan, now = Now} = Sim) ->
    case {esock_dial_plan:wake(Plan), lists:sort(Queue)} of
        {Wake, [{At, _, Event} | Rest]} when At =< Wake -> event(Event, Sim#sim{now = At, queue = Rest});
        %% The time never stands still.
        {Wake, _} when is_integer(Wake), Wake > Now -> event(time, Sim#sim{now = Wake})
    end;
perform([Action | Actions], Sim) -> perform(Action, Actions, Sim).

perform({resolve, Ids}, Actions, #sim{now = Now, queue = Queue, world = World, resolving = false} = Sim) ->
    [{Round, _} | _] = Ids,
    New = [{Now + Delay, make_ref(), {resolved, Id, Answer}}
           || {_, Query} = Id <- Ids, {Delay, Answer} <- [map_get(Query, network(Round, World))]],
    perform(Actions, Sim#sim{queue = New ++ Queue, round = Round, resolving = true});
perform(stop_resolving, Actions, Sim) -> perform(Actions, Sim#sim{resolving = false});
perform({connect, Id, Address}, [], #sim{now = Now, queue = Queue, world = World, round = Round, starts = Starts, running = Running} = Sim) ->
    #{hosts := Hosts} = network(Round, World),
    Begun = Sim#sim{starts = [{Address, Now} | Starts], running = Running#{Id => Address}},
    case map_get(Address, Hosts) of
        never -> perform([], Begun);
        {0, Outcome} -> event(outcome(Id, Outcome), Begun);
        {Delay, Outcome} -> perform([], Begun#sim{queue = [{Now + Delay, make_ref(), outcome(Id, Outcome)} | Queue]})
    end;
perform({close, Id}, Actions, #sim{running = Running} = Sim) when is_map_key(Id, Running) ->
    perform(Actions, Sim#sim{running = maps:remove(Id, Running)});
perform({event, #{event := Event}}, Actions, Sim) when is_atom(Event) -> perform(Actions, Sim);
perform(no_listener, Actions, #sim{running = Running, world = #{lookup := Lookup}, round = Round} = Sim) when Running =:= #{} ->
    perform(Actions, Sim#sim{resolving = false, round = case Lookup of true -> Round; false -> Round + 1 end});
perform({done, {ok, Id}}, [], #sim{now = Now, starts = Starts, running = Running}) ->
    %% All others are closed.
    [{Id, Address}] = maps:to_list(Running),
    #{result => ok, address => Address, at => Now, starts => lists:reverse(Starts)};
perform({done, {error, #{reason := Reason, elapsed := Now, attempts := Attempts, omitted := Omitted}}}, [],
        #sim{now = Now, starts = Starts, running = Running}) when Running =:= #{} ->
    #{result => Reason, at => Now, starts => lists:reverse(Starts), count => length(Attempts) + Omitted,
      failures => case Omitted > 0 of true -> many; false -> lists:sort(Attempts) end}.

outcome(Id, ok) -> {connected, Id};
outcome(Id, {error, Reason}) -> {failed, Id, Reason}.

%% Answers of queries and attempts that have ended still come: the plan ignores them.
event(Event, #sim{now = Now, plan = Plan, running = Running} = Sim) ->
    {Actions, Next} = esock_dial_plan:event(Event, Now, Plan),
    Left = case Event of {failed, Id, _} -> maps:remove(Id, Running); _ -> Running end,
    perform(Actions, Sim#sim{plan = Next, running = Left}).

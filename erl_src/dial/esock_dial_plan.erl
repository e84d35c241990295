%% @private
%% @doc What a dial does next: a pure state machine. Events and the time go in, actions come out.
%%
%% It knows nothing of sockets, processes and clocks: `esock_dial_run' does the actions, and the property
%% `prop_esock_dial' drives it with a simulated network. The unit of time is the caller's; it is milliseconds in use.
%%
%% A dial is a series of rounds. A round asks the resolver, attempts the addresses, and ends with the first connection, or when
%% nothing is left to attempt. With `race' the attempts of a round overlap as RFC 8305 describes; without it they follow one
%% another.
-module(esock_dial_plan).

-export([new/2, event/3, wake/1]).

-export_type([plan/0, config/0, target/0, action/0, event/0, address/0]).

-type address() :: #{family := atom(), atom() => term()}.
%% A socket address.

-type target() :: {resolve, [esock_dial:query()]} | {addresses, [address()]}.
%% What to ask the resolver in each round, or the addresses.

-type config() ::
        #{target := target(), timeout := timeout(), attempt_timeout := timeout(), resolve_timeout := timeout(),
          race := boolean(), family := esock_dial:family(), attempt_delay := pos_integer(),
          resolution_delay := non_neg_integer(), retries := fun((term()) -> boolean()),
          backoff := esock_dial_backoff:state(), observed := boolean(), _ => _}.
%% How to dial; {@link esock_dial} documents the keys.

-type resolve_id() :: {Round :: pos_integer(), esock_dial:query()}.

-type event() ::
        {resolved, resolve_id(), {ok, [address()]} | {error, term()}} | {connected, Id :: pos_integer()} |
        {failed, Id :: pos_integer(), Reason :: term()} | time.
%% What has happened. Events of ids that have ended are ignored.

-type action() ::
        {resolve, [resolve_id()]} | stop_resolving | {connect, Id :: pos_integer(), address()} |
        {close, Id :: pos_integer()} | {event, map()} | no_listener | {done, {ok, Id :: pos_integer()} | {error, map()}}.
%% What to do, in this order. `done' is the last.

%% Failed attempts that the result lists.
-define(ATTEMPTS, 100).

-record(attempt, {address :: address(), since :: integer(), until :: integer() | infinity}).

-record(plan, {config :: config(),
               began :: integer(),
               deadline :: integer() | infinity,
               round = 0 :: non_neg_integer(),
               %% Resolver queries under way: when each began, and its deadline.
               asked = #{} :: #{esock_dial:query() => {integer(), integer() | infinity}},
               %% When the first attempt of the round may start.
               gate = closed :: open | closed | integer(),
               %% Addresses to attempt: of the preferred family, and of the other. The class of the last attempt.
               first = [] :: [address()], second = [] :: [address()], last = second :: first | second,
               known = #{} :: #{address() => []},
               preferred :: inet | inet6 | any,
               running = #{} :: #{pos_integer() => #attempt{}},
               %% When the next attempt may start while others run.
               next :: integer() | infinity,
               id = 1 :: pos_integer(),
               %% Whether this round has met a reason to retry; its last failure, and those of the resolver.
               retry = false :: boolean(), reason :: term(), unresolved = [] :: [term()],
               failures = [] :: [{address() | resolve, term(), integer()}], count = 0 :: non_neg_integer(),
               backoff :: esock_dial_backoff:state(),
               %% The end of the pause between two rounds.
               pause = none :: none | integer(),
               %% In reverse order.
               actions = [] :: [action()]}).

-opaque plan() :: #plan{}.
%% The state of a dial.

%% @doc Begins a dial at the time `Now'.
-spec new(config(), integer()) -> {[action()], plan()}.
new(#{timeout := Timeout, family := Family, backoff := Backoff} = Config, Now) ->
    Plan = #plan{config = Config, began = Now, deadline = later(Now, Timeout), preferred = preferred(Family), next = Now,
                 backoff = Backoff},
    %% With a timeout of 0 too, what connects at once is connected.
    emitted(progress(begin_round(Plan, Now), Now)).

preferred(any) -> any;
preferred(Family) when Family =:= inet; Family =:= inet_first -> inet;
preferred(_) -> inet6.

later(_, infinity) -> infinity;
later(Now, Delay) -> Now + Delay.

emitted(#plan{actions = Actions} = Plan) -> {lists:reverse(Actions), Plan#plan{actions = []}}.

%% @doc What to do after an event at the time `Now', which never goes back.
-spec event(event(), integer(), plan()) -> {[action()], plan()}.
event(Event, Now, Plan) -> emitted(advance(apply_event(Event, Now, Plan), Now)).

%% @doc The time of the next `time' event, or `infinity' if none is needed.
-spec wake(plan()) -> integer() | infinity.
%% A pause ends before the deadline.
wake(#plan{pause = Pause}) when is_integer(Pause) -> Pause;
wake(#plan{deadline = Deadline, asked = Asked, running = Running, gate = Gate, next = Next} = Plan) ->
    Queries = maps:fold(fun(_, {_, Until}, Wake) -> min(Until, Wake) end, Deadline, Asked),
    Attempts = maps:fold(fun(_, #attempt{until = Until}, Wake) -> min(Until, Wake) end, Queries, Running),
    case Gate of
        open when Plan#plan.first =/= []; Plan#plan.second =/= [] -> min(Attempts, Next);
        Time when is_integer(Time) -> min(Attempts, Time);
        _ -> Attempts
    end.

%%% ---- Events ---------------------------------------------------------------------------------------------------------

apply_event(time, _, Plan) -> Plan;
apply_event({resolved, {Round, Query}, Result}, Now, #plan{round = Round, asked = Asked} = Plan) when is_map_key(Query, Asked) ->
    resolved(Query, Result, Now, Plan);
apply_event({connected, Id}, Now, #plan{running = Running} = Plan) when is_map_key(Id, Running) -> connected(Id, Now, Plan);
apply_event({failed, Id, Reason}, Now, #plan{running = Running} = Plan) when is_map_key(Id, Running) ->
    failed(Id, Reason, Now, Plan);
apply_event(_, _, Plan) -> Plan.

resolved(Query, Result, Now, #plan{asked = Asked} = Plan0) ->
    {Since, _} = map_get(Query, Asked),
    Plan = Plan0#plan{asked = maps:remove(Query, Asked)},
    case Result of
        {ok, [_ | _] = Addresses} ->
            Published = publish(Plan, Now, fun() -> #{event => resolved, query => Query, addresses => Addresses, ms => Now - Since} end),
            add(Addresses, Published);
        {ok, []} -> unresolved(Query, no_address, Since, Now, Plan);
        {error, Reason} -> unresolved(Query, Reason, Since, Now, Plan)
    end.

unresolved(Query, Reason, Since, Now, Plan0) ->
    Failed = failure(resolve, Reason, Now - Since, Plan0),
    Plan = Failed#plan{unresolved = [Reason | Failed#plan.unresolved]},
    publish(Plan, Now, fun() -> #{event => unresolved, query => Query, reason => Reason, ms => Now - Since} end).

connected(Id, Now, #plan{running = Running} = Plan) ->
    {#attempt{address = Address, since = Since}, Losers} = maps:take(Id, Running),
    Published = publish(Plan#plan{running = Losers}, Now, fun() -> #{event => connected, address => Address, ms => Now - Since} end),
    act({done, {ok, Id}}, release(Published)).

failed(Id, Reason, Now, #plan{running = Running} = Plan0) ->
    {#attempt{address = Address, since = Since}, Others} = maps:take(Id, Running),
    Plan = failure(Address, Reason, Now - Since, Plan0#plan{running = Others, next = Now}),
    Published = publish(Plan, Now, fun() -> #{event => failed, address => Address, reason => Reason, ms => Now - Since} end),
    retryable(Reason, Published).

retryable(Reason, #plan{retry = Retry, config = #{retries := Retries}} = Plan) ->
    Plan#plan{retry = Retry orelse Retries(Reason), reason = Reason}.

failure(What, Reason, Ms, #plan{failures = Failures, count = Count} = Plan) ->
    %% A long dial keeps twice as many at most.
    Kept = case Count > 0 andalso Count rem ?ATTEMPTS =:= 0 of
               true -> lists:sublist(Failures, ?ATTEMPTS);
               false -> Failures
           end,
    Plan#plan{failures = [{What, Reason, Ms} | Kept], count = Count + 1}.

%% The addresses by their class. Of an address that comes twice the first counts.
add([#{family := Family} | _] = Addresses, #plan{preferred = any, config = #{race := true}} = Plan) ->
    add(Addresses, Plan#plan{preferred = Family});
add(Addresses, #plan{first = First, second = Second, known = Known, preferred = Preferred} = Plan) ->
    {New, All} = lists:foldl(fun unknown/2, {[], Known}, Addresses),
    {Mine, Others} = lists:partition(fun(#{family := F}) -> Preferred =:= any orelse F =:= Preferred end, lists:reverse(New)),
    Plan#plan{first = First ++ Mine, second = Second ++ Others, known = All}.

unknown(Address, {_, Known} = Found) when is_map_key(Address, Known) -> Found;
unknown(Address, {New, Known}) -> {[Address | New], Known#{Address => []}}.

%%% ---- Progress -------------------------------------------------------------------------------------------------------

advance(#plan{actions = [{done, _} | _]} = Plan, _) -> Plan;
advance(#plan{deadline = Deadline} = Plan, Now) when Deadline =< Now -> finish(timeout, Now, Plan);
advance(#plan{pause = Pause} = Plan, Now) when is_integer(Pause), Pause =< Now ->
    advance(begin_round(Plan#plan{pause = none}, Now), Now);
advance(#plan{pause = Pause} = Plan, _) when is_integer(Pause) -> Plan;
advance(Plan, Now) -> progress(Plan, Now).

progress(Plan, Now) ->
    case open_gate(expire_attempts(expire_queries(Plan, Now), Now), Now) of
        #plan{gate = open} = Open -> proceed(start(Open, Now), Now);
        Closed -> Closed
    end.

proceed(#plan{asked = Asked, running = Running, first = [], second = []} = Plan, Now) when Asked =:= #{}, Running =:= #{} ->
    end_round(Plan, Now);
proceed(Plan, _) -> Plan.

begin_round(#plan{config = #{target := Target, family := Family}, round = Before} = Plan0, Now) ->
    Round = Before + 1,
    Plan = Plan0#plan{round = Round, known = #{}, last = second, gate = closed, next = Now, retry = false,
                      unresolved = [], preferred = preferred(Family)},
    case Target of
        {addresses, []} -> failure(resolve, no_address, 0, Plan);
        {addresses, Addresses} -> add(Addresses, Plan);
        {resolve, Queries} ->
            Until = later(Now, map_get(resolve_timeout, Plan#plan.config)),
            Published = publish(Plan, Now, fun() -> #{event => resolving, queries => Queries} end),
            act({resolve, [{Round, Query} || Query <- Queries]},
                Published#plan{asked = maps:from_list([{Query, {Now, Until}} || Query <- Queries])})
    end.

expire_queries(#plan{asked = Asked} = Plan, Now) ->
    Late = lists:sort([Query || {Query, {_, Until}} <- maps:to_list(Asked), Until =< Now]),
    Expired = lists:foldl(fun(Query, P) -> resolved(Query, {error, timeout}, Now, P) end, Plan, Late),
    case Late =/= [] andalso Expired#plan.asked =:= #{} of
        true -> act(stop_resolving, Expired);
        false -> Expired
    end.

expire_attempts(#plan{running = Running} = Plan, Now) ->
    Late = lists:sort([Id || {Id, #attempt{until = Until}} <- maps:to_list(Running), Until =< Now]),
    lists:foldl(fun(Id, P) -> failed(Id, timeout, Now, act({close, Id}, P)) end, Plan, Late).

%% RFC 8305 section 3: the first attempt waits for the answer about the preferred family, but not longer than the resolution
%% delay after the answer about the other. Without a race it waits for the preferred family.
open_gate(#plan{gate = open} = Plan, _) -> Plan;
open_gate(#plan{asked = Asked} = Plan, _) when Asked =:= #{} -> Plan#plan{gate = open};
open_gate(#plan{preferred = any} = Plan, _) -> Plan;
open_gate(#plan{asked = Asked, preferred = Preferred} = Plan, _) when not is_map_key(Preferred, Asked) -> Plan#plan{gate = open};
open_gate(#plan{gate = closed, second = [_ | _], config = #{race := true, resolution_delay := Delay}} = Plan, Now) ->
    open_gate(Plan#plan{gate = Now + Delay}, Now);
open_gate(#plan{gate = Time} = Plan, Now) when is_integer(Time), Time =< Now -> Plan#plan{gate = open};
open_gate(Plan, _) -> Plan.

%% RFC 8305 section 5: one attempt starts at a time. The next one starts after the attempt delay, or when one has failed.
start(#plan{first = [], second = []} = Plan, _) -> Plan;
start(#plan{next = Next} = Plan, Now) when Next =< Now -> start_one(Plan, Now);
start(Plan, _) -> Plan.

start_one(#plan{id = Id, running = Running, config = #{attempt_timeout := Timeout} = Config} = Plan0, Now) ->
    {Address, Plan} = take(Plan0),
    Attempt = #attempt{address = Address, since = Now, until = later(Now, Timeout)},
    Next = case Config of
               #{race := true, attempt_delay := Delay} -> Now + Delay;
               _ -> infinity
           end,
    Published = publish(Plan, Now, fun() -> #{event => connecting, address => Address} end),
    act({connect, Id, Address}, Published#plan{id = Id + 1, running = Running#{Id => Attempt}, next = Next}).

%% RFC 8305 section 4: the families alternate, and the preferred one begins. Without a race it goes first.
take(#plan{first = [Address | Rest], second = Second, last = Last, config = #{race := Race}} = Plan)
  when Second =:= []; Last =:= second; not Race ->
    {Address, Plan#plan{first = Rest, last = first}};
take(#plan{second = [Address | Rest]} = Plan) -> {Address, Plan#plan{second = Rest, last = second}}.

%%% ---- Ends -----------------------------------------------------------------------------------------------------------

%% That the resolver fails is a reason to retry only if there was nothing to attempt.
end_round(#plan{known = Known, unresolved = Unresolved} = Plan, Now) when Known =:= #{} ->
    retry(lists:foldr(fun(Reason, P) -> retryable({gai, Reason}, P) end, Plan, Unresolved), Now);
end_round(Plan, Now) -> retry(Plan, Now).

retry(#plan{retry = false} = Plan, Now) -> finish(failed, Now, Plan);
retry(#plan{backoff = Backoff, reason = Reason, deadline = Deadline, round = Round} = Plan, Now) ->
    case esock_dial_backoff:next(Backoff, Reason) of
        stop -> finish(stopped, Now, Plan);
        {Delay, _} when Now + Delay >= Deadline -> finish(timeout, Now, Plan);
        {Delay, Next} ->
            Published = publish(Plan, Now, fun() -> #{event => retrying, round => Round, reason => Reason, delay => Delay} end),
            act(no_listener, Published#plan{backoff = Next, pause = Now + Delay})
    end.

finish(Reason, Now, #plan{asked = Asked, running = Running, began = Began} = Plan0) ->
    Queries = lists:sort([Since || {Since, _} <- maps:values(Asked)]),
    Asking = lists:foldl(fun(Since, P) -> failure(resolve, timeout, Now - Since, P) end, Plan0, Queries),
    Attempts = [Attempt || {_, Attempt} <- lists:sort(maps:to_list(Running))],
    Plan = lists:foldl(fun(#attempt{address = A, since = S}, P) -> failure(A, timeout, Now - S, P) end, Asking, Attempts),
    #plan{failures = Failures, count = Count} = Plan,
    Kept = lists:reverse(lists:sublist(Failures, ?ATTEMPTS)),
    Published = publish(Plan, Now, fun() -> #{event => gave_up, reason => Reason, attempts => Count} end),
    act({done, {error, #{reason => Reason, elapsed => Now - Began, attempts => Kept, omitted => Count - length(Kept)}}},
        release(Published)).

%% Nothing that has begun is left.
release(#plan{asked = Asked, running = Running} = Plan0) ->
    Plan = lists:foldl(fun(Id, P) -> act({close, Id}, P) end, Plan0, lists:sort(maps:keys(Running))),
    Released = Plan#plan{running = #{}, asked = #{}, first = [], second = []},
    case Asked =:= #{} of
        true -> Released;
        false -> act(stop_resolving, Released)
    end.

act(Action, #plan{actions = Actions} = Plan) -> Plan#plan{actions = [Action | Actions]}.

publish(#plan{config = #{observed := false}} = Plan, _, _) -> Plan;
publish(#plan{began = Began} = Plan, Now, Event) -> act({event, (Event())#{elapsed => Now - Began}}, Plan).

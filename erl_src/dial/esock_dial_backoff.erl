%% @private
%% @doc The pauses between the rounds of a dial: pure functions. {@link esock_dial} documents the values.
-module(esock_dial_backoff).

-export([new/1, next/2, reset/1]).

-export_type([state/0]).

-record(exponential, {first :: pos_integer(), multiplier :: number(), jitter :: number(), max :: pos_integer(),
                      current :: number(), random :: rand:state() | undefined}).

-opaque state() :: {fixed, non_neg_integer()} | #exponential{} | {own, esock_dial:own_backoff(), pos_integer()}.
%% Where a backoff is.

-define(MAX_MS, 16#FFFFFFFF).
-define(IS_MS(Ms), is_integer(Ms), Ms >= 0, Ms =< ?MAX_MS).

%% @doc The state before the first pause. Without a seed the first pause of `exponential' seeds the generator.
-spec new(term()) -> {ok, state()} | error.
new({fixed, Ms}) when ?IS_MS(Ms) -> {ok, {fixed, Ms}};
new({exponential, Given}) when is_map(Given) ->
    Defaults = #{initial => 500, multiplier => 1.5, jitter => 0.5, max => 60_000, seed => undefined},
    case maps:keys(Given) -- maps:keys(Defaults) of
        [] -> exponential(maps:merge(Defaults, Given));
        _ -> error
    end;
new(Own) when is_function(Own, 2) -> {ok, {own, Own, 1}};
new(_) -> error.

exponential(#{initial := First, multiplier := Multiplier, jitter := Jitter, max := Max, seed := Seed})
  when is_integer(First), First > 0, is_integer(Max), Max >= First, Max =< ?MAX_MS, is_number(Multiplier), Multiplier >= 1,
       Multiplier =< 1000, is_number(Jitter), Jitter >= 0, Jitter < 1, Seed =:= undefined orelse is_integer(Seed) ->
    Random = case Seed of undefined -> undefined; _ -> rand:seed_s(exsss, Seed) end,
    {ok, #exponential{first = First, multiplier = Multiplier, jitter = Jitter, max = Max, current = First, random = Random}};
exponential(_) ->
    error.

%% @doc The next pause, after the failure `Reason'.
-spec next(state(), term()) -> {non_neg_integer(), state()} | stop.
next({fixed, Ms} = State, _) ->
    {Ms, State};
next(#exponential{random = undefined} = State, Reason) ->
    next(State#exponential{random = rand:seed_s(exsss)}, Reason);
next(#exponential{current = Current, jitter = Jitter, multiplier = Multiplier, max = Max, random = Random} = State, _) ->
    Least = round(Current - Jitter * Current),
    Most = round(Current + Jitter * Current),
    {Extra, Next} = rand:uniform_s(Most - Least + 1, Random),
    {Least + Extra - 1, State#exponential{current = min(Current * Multiplier, Max), random = Next}};
next({own, Own, N}, Reason) ->
    case Own(N, Reason) of
        stop -> stop;
        Ms when ?IS_MS(Ms) -> {Ms, {own, Own, N + 1}};
        Other -> erlang:error({invalid, {backoff, Other}})
    end.

%% @doc The state before the first pause again. The generator of `exponential' goes on.
-spec reset(state()) -> state().
reset({fixed, _} = State) -> State;
reset(#exponential{first = First} = State) -> State#exponential{current = First};
reset({own, Own, _}) -> {own, Own, 1}.

%% Properties, reproducible: a failure says the seed, and ESOCK_SEED=A,B,C runs the same again.
-module(esock_check).

-export([property/3]).

%% ESOCK_PROPER or ESOCK_PROGRAMS, whichever is named, says how many cases.
property(Property, {Variable, Default}, Options) ->
    Count = list_to_integer(os:getenv(Variable, integer_to_list(Default))),
    Seed = seed(os:getenv("ESOCK_SEED")),
    %% PropEr takes the generator of the process where there is one.
    _ = rand:seed(exsplus, Seed),
    case proper:quickcheck(Property, [{numtests, Count}, long_result | Options]) of
        true ->
            ok;
        Shrunk ->
            {A, B, C} = Seed,
            ct:pal("Again: ESOCK_SEED=~w,~w,~w ~s=~w", [A, B, C, Variable, Count]),
            ct:fail([{seed, Seed}, {shrunk, Shrunk}])
    end.

seed(false) -> os:timestamp();
seed(Text) -> list_to_tuple([list_to_integer(N) || N <- string:lexemes(Text, ",")]).

%% Reproducible properties: a failure prints the seed, and ESOCK_SEED=A,B,C runs the same cases again.
-module(esock_check).

-export([property/3]).

%% Checks a property. The environment variable `Variable' (ESOCK_PROPER or ESOCK_PROGRAMS) sets the number of cases.
property(Property, {Variable, Default}, Options) ->
    Count = list_to_integer(os:getenv(Variable, integer_to_list(Default))),
    Seed = seed(os:getenv("ESOCK_SEED")),
    %% PropEr uses the random generator of the process if it is seeded.
    _ = rand:seed(exsplus, Seed),
    case proper:quickcheck(Property, [{numtests, Count}, long_result | Options]) of
        true ->
            ok;
        Shrunk ->
            {A, B, C} = Seed,
            ct:pal("To run it again: ESOCK_SEED=~w,~w,~w ~s=~w", [A, B, C, Variable, Count]),
            ct:fail([{seed, Seed}, {shrunk, Shrunk}])
    end.

seed(false) -> os:timestamp();
seed(Text) -> list_to_tuple([list_to_integer(N) || N <- string:lexemes(Text, ",")]).

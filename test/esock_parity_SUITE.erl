%% doc/parity.md: each feature of the five systems has one row, and what a row names exists: tests, functions, options.
-module(esock_parity_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%% With the back end io_uring some suites leave cases out.
all() ->
    esock_pairs:cases([every_row_once, tests_exist, rows_without_a_test, functions_exist, options_exist, files_exist], [tests_exist]).

%% The sections of the four systems: prefix, first and last row.
-define(RANGES, [{"C", 27}, {"S", 91},
                 {"P1.", 7}, {"P2.", 25}, {"P3.", 22}, {"P4.", 29}, {"P5.", 34}, {"P6.", 6}, {"P7.", 9},
                 {"R1.", 26}, {"R2.", 11}, {"R3.", 3}, {"R4.", 18}]).

%% The constants of Linux; some of the 20 sections are several rows.
-define(GROUPS, [{10, ["TCP", "UDP", "MPTCP", "TLS", "SCTP", "ioctl", "others"]}, {11, ["frames", "options", "BCM"]}, {13, ["netlink", "vsock"]},
                 {14, ["options", "topology"]}, {16, ["RDS", "QIPCRTR", "control", "XDP", "others"]},
                 {18, ["AI", "EAI", "NI", "IFF", "INADDR", "IPPORT", "DSCP"]}]).

numbers() ->
    [Prefix ++ integer_to_list(N) || {Prefix, Last} <- ?RANGES, N <- lists:seq(1, Last)] ++
        lists:append([constants("6." ++ integer_to_list(N), proplists:get_value(N, ?GROUPS, [])) || N <- lists:seq(1, 20)]).

constants(Section, []) -> [Section];
constants(Section, Groups) -> [Section ++ " " ++ Group || Group <- Groups].

%% The rows of the page: number, what it is, the part of esock, the tests.
rows() -> rows(esock_docs_SUITE:page("doc/parity.md")).

rows(Page) ->
    Rows = [binary:split(binary:part(Line, 2, byte_size(Line) - 4), <<" | ">>, [global])
            || <<"| ", _/binary>> = Line <- binary:split(Page, <<"\n">>, [global])],
    [list_to_tuple(Cells) || [Number | _] = Cells <- Rows, Number =/= <<"row">>].

%% All that a pattern matches in a text.
all_of(Text, Pattern) ->
    case re:run(Text, Pattern, [global, {capture, all_but_first, list}]) of
        {match, Found} -> Found;
        nomatch -> []
    end.

every_row_once(_) ->
    ?assertEqual(308, lists:sum([Last || {_, Last} <- ?RANGES])),
    ?assertEqual(numbers(), [binary_to_list(Number) || {Number, _, _, _} <- rows()]),
    [?assertNotEqual({Number, <<>>}, {Number, Cell}) || {Number, What, Esock, Test} <- rows(), Cell <- [What, Esock, Test]].

tests_exist(_) ->
    Named = [{Number, Test} || {Number, _, _, Tests} <- rows(), Tests =/= <<"-">>, Test <- binary:split(Tests, <<", ">>, [global])],
    ?assert(length(Named) > 400),
    Cases = maps:from_list([{Suite, cases(Suite)} || {_, Test} <- Named, [Suite, _] <- all_of(Test, "^`([a-z_]+):([a-z_0-9]+)`$")]),
    ?assertEqual([], [N || {_, Test} = N <- Named, not exists(Test, Cases)]).

cases(Suite) -> (list_to_atom("esock_" ++ Suite ++ "_SUITE")):all().

exists(Test, Cases) ->
    case {all_of(Test, "^`([a-z_]+):([a-z_0-9]+)`$"), all_of(Test, "^`(core/[a-z_/]+\\.rs)`$")} of
        {[[Suite, Case]], []} -> lists:member(list_to_atom(Case), maps:get(Suite, Cases));
        {[], [[File]]} -> filelib:is_regular(filename:join([esock_docs_SUITE:root(), "test", File]));
        _ -> false
    end.

%% Why a row may have no part in esock, and so no test.
-define(REASON, "^(not on Linux$|not yet: `esock[a-z_]*`$|left out: [^ ]+ .*)").

rows_without_a_test(_) ->
    ?assertEqual([], [{Number, Esock} || {Number, _, Esock, <<"-">>} <- rows(), re:run(Esock, ?REASON) =:= nomatch]),
    %% What is not there cannot have been tested; where another system's feature has another answer, that can.
    ?assertEqual([], [{Number, Esock} || {Number, _, <<First:4/binary, _/binary>> = Esock, Test} <- rows(), Test =/= <<"-">>,
                                         lists:member(First, [<<"not ">>, <<"left">>]), Esock =/= <<"not on Linux">>]),
    %% A wrong reason is found.
    [?assertEqual(nomatch, re:run(Wrong, ?REASON)) || Wrong <- ["", "-", "not yet", "not yet: `gen_tcp`", "left out", "left out: "]].

%% `name/1', `module:name/1,2', `name/0..4'.
functions_exist(_) ->
    Named = [{Number, Module, Name, Arity}
             || {Number, _, Esock, _} <- rows(), [Module, Name, Arities] <- all_of(Esock, "`(?:([a-z_]+):)?([a-z_0-9]+)/([0-9.,]+)`"),
                Arity <- arities(Arities)],
    ?assert(length(Named) > 300),
    ?assertEqual([], [N || {_, Module, Name, Arity} = N <- Named, not exported(Module, list_to_atom(Name), Arity)]).

arities(Text) ->
    case [list_to_integer(N) || N <- string:lexemes(Text, ".,")] of
        [From, To] -> case string:find(Text, "..") of nomatch -> [From, To]; _ -> lists:seq(From, To) end;
        Each -> Each
    end.

exported("", Name, Arity) -> exported("esock", Name, Arity);
exported(Module, Name, Arity) -> lists:member({Name, Arity}, (list_to_atom(Module)):module_info(exports)).

options_exist(_) ->
    Named = [{Number, list_to_atom(Level), list_to_atom(Name)}
             || {Number, _, Esock, _} <- rows(), [Level, Name] <- all_of(Esock, "`\\{([a-z_0-9]+), ([a-z_0-9]+)\\}`")],
    ?assert(length(Named) > 80),
    There = [Option || {Option, true} <- esock:options()],
    ?assertEqual([], [N || {_, Level, Name} = N <- Named, not lists:member({Level, Name}, There)]).

files_exist(_) ->
    Named = [File || {_, _, Esock, _} <- rows(), [File] <- all_of(Esock, "`(examples/[a-z_.]+)`")],
    ?assert(length(Named) > 3),
    [?assert(filelib:is_regular(filename:join(esock_docs_SUITE:root(), File)), File) || File <- Named].

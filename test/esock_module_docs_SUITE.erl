%% The examples in the documentation of every module beside esock itself (esock_docs_SUITE has those): they parse, call functions that
%% are there, and name families instead of numbering them.
-module(esock_module_docs_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [parse, calls, names, found].

%% Every example with its file and line.
examples() ->
    Root = esock_docs_SUITE:root(),
    Files = filelib:wildcard("erl_src/**/*.erl", Root) -- ["erl_src/esock.erl"],
    ?assert(length(Files) > 10),
    [{{File, Line}, Text} || File <- Files, {Line, Text} <- blocks(lines(filename:join(Root, File)), outside)].

lines(File) ->
    {ok, Text} = file:read_file(File),
    lists:enumerate(string:split(unicode:characters_to_list(Text), "\n", all)).

%% A block begins with three backquotes and ends with three apostrophes, each on a comment line of its own.
blocks([], outside) -> [];
blocks([{Line, "%% ```"} | Lines], outside) -> blocks(Lines, {Line, []});
blocks([_ | Lines], outside) -> blocks(Lines, outside);
blocks([{_, "%% '''"} | Lines], {Begin, Text}) -> [{Begin, lists:append(lists:reverse(Text))} | blocks(Lines, outside)];
blocks([{Line, "%%" ++ Code} | Lines], {Begin, Text}) when Line - Begin < 100 -> blocks(Lines, {Begin, ["\n", Code | Text]}).

parsed({Place, Text}) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    Result = erl_parse:parse_exprs(Tokens),
    ?assertMatch({_, _, {ok, _}}, {Place, Text, Result}),
    {Place, element(2, Result)}.

%% No comment has a beginning of an example that is not one of those.
found(_) ->
    [begin
         Count = length(blocks(Lines, outside)),
         ?assertEqual({File, Count}, {File, length([x || {_, "%%" ++ L} <- Lines, string:find(L, "```") =/= nomatch])})
     end || File <- filelib:wildcard(filename:join(esock_docs_SUITE:root(), "erl_src/**/*.erl")),
            filename:basename(File) =/= "esock.erl", Lines <- [lines(File)]],
    ?assert(length(examples()) > 50).

parse(_) -> [parsed(Example) || Example <- examples()].

%% {Module, Function, Arguments} of the calls in an expression.
remote({call, _, {remote, _, {atom, _, M}, {atom, _, F}}, Args}) -> [{M, F, Args} | remote(Args)];
remote(Tuple) when is_tuple(Tuple) -> remote(tuple_to_list(Tuple));
remote([Head | Tail]) -> remote(Head) ++ remote(Tail);
remote(_) -> [].

calls(_) ->
    [begin
         {module, M} = code:ensure_loaded(M),
         ?assert(erlang:function_exported(M, F, length(Args)), {Place, M, F, length(Args)})
     end || Example <- examples(), {Place, Exprs} <- [parsed(Example)], {M, F, Args} <- remote(Exprs)].

names(_) ->
    [?assertNotMatch({_, {integer, _, _}}, {Place, Domain})
     || Example <- examples(), {Place, Exprs} <- [parsed(Example)], {esock, open, [Domain, _ | _]} <- remote(Exprs)],
    Families = [{Place, Family} || Example <- examples(), {Place, Exprs} <- [parsed(Example)], Family <- families(Exprs)],
    ?assertEqual([], [Bad || {_, {integer, _, _}} = Bad <- Families]).

%% The values of the key `family' of maps.
families({Kind, _, {atom, _, family}, Value}) when Kind =:= map_field_assoc; Kind =:= map_field_exact -> [Value];
families(Tuple) when is_tuple(Tuple) -> families(tuple_to_list(Tuple));
families([Head | Tail]) -> families(Head) ++ families(Tail);
families(_) -> [].

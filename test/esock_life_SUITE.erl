%% The library in the life of a node: start, environment, code purge, halt. The library as a dependency. Its documents.
-module(esock_life_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [differences_are_tested, documented, shell_help, registry_by_environment, registry_by_application,
         halt_while_waiting, bound_schedulers, stop_while_waiting, purge, emulator_without_nif, dependency],
        [differences_are_tested]).

%% The root of the project.
root() ->
    {match, [Root]} = re:run(filename:absname(code:which(esock)), "^(.*)/_build/", [{capture, [1], list}]),
    Root.

read(File) ->
    {ok, Text} = file:read_file(filename:join(root(), File)),
    Text.

%% Runs a program. Answers its exit status and output.
program(Program, Args, Options) ->
    Port = open_port({spawn_executable, os:find_executable(Program)},
                     [{args, Args}, exit_status, stderr_to_stdout, binary | Options]),
    output(Port, <<>>).

output(Port, Got) ->
    receive
        {Port, {data, Data}} -> output(Port, <<Got/binary, Data/binary>>);
        {Port, {exit_status, Status}} -> {Status, Got}
    end.

%% Runs code in a node of its own.
in_node(Code) -> in_node(Code, []).
in_node(Code, Options) ->
    Ebin = filename:dirname(code:which(esock)),
    program("erl", ["-noshell", "-pa", Ebin, "-eval", Code], Options).

%% Each row of doc/differences.md names test cases that exist.
differences_are_tested(_) ->
    Rows = [Row || <<"| ", _/binary>> = Row <- binary:split(read("doc/differences.md"), <<"\n">>, [global]),
                   re:run(Row, "shown by \\|$") =:= nomatch],
    ?assert(length(Rows) > 50),
    [begin
         Last = lists:last(binary:split(Row, <<" | ">>, [global])),
         {match, Cases} = re:run(Last, "`([a-z]+):([a-z_0-9]+)`", [global, {capture, all_but_first, list}]),
         [?assert(lists:member(list_to_atom(Case), (list_to_atom("esock_" ++ Suite ++ "_SUITE")):all()), {Suite, Case}) || [Suite, Case] <- Cases]
     end || Row <- Rows].

%% Every exported function of the API has a specification and documentation.
documented(_) ->
    File = filename:join(root(), "erl_src/esock.erl"),
    {esock, Doc} = edoc:get_doc(File, [{preprocess, true}]),
    Text = lists:flatten(xmerl:export_simple([Doc], xmerl_xml)),
    {ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(esock), [abstract_code]),
    Specified = [Function || {attribute, _, spec, {Function, _}} <- Forms],
    [begin
         ?assert(lists:member({Name, Arity}, Specified), {Name, Arity}),
         ?assertNotEqual(nomatch, string:find(Text, lists:concat(["name=\"", Name, "\" arity=\"", Arity, "\""])))
     end || {Name, Arity} <- esock:module_info(exports), Name =/= module_info].

registry_by_environment(_) ->
    Code = "io:write(maps:get(use_registry, esock:info())), halt().",
    ?assertEqual({0, <<"true">>}, in_node(Code)),
    ?assertEqual({0, <<"false">>}, in_node(Code, [{env, [{"ESOCK_USE_SOCKET_REGISTRY", "false"}]}])).

registry_by_application(_) ->
    Code = "application:load(esock), application:set_env(esock, use_registry, false), ok = application:start(esock),"
        "io:write(maps:get(use_registry, esock:info())), halt().",
    ?assertEqual({0, <<"false">>}, in_node(Code)).

waiting() ->
    "Wait = fun() -> {ok, S} = esock:open(inet, dgram), esock:recv(S) end,"
        "Pids = [spawn(Wait) || _ <- lists:seq(1, 100)],"
        "W = fun W() -> case [P || P <- Pids, process_info(P, status) =/= {status, waiting}] of"
        "                   [] -> ok; _ -> erlang:yield(), W() end end, W(),".

halt_while_waiting(_) ->
    [?assertEqual({7, <<>>}, in_node(waiting() ++ "halt(7).")) || _ <- lists:seq(1, 5)].

stop_while_waiting(_) ->
    ?assertEqual({0, <<>>}, in_node(waiting() ++ "init:stop().")).

%% The NIF module is deleted, purged and loaded again: sockets and pollers from before do no harm.
purge(_) ->
    Code = "process_flag(trap_exit, true), {ok, S} = esock:open(inet, dgram), {_, _} = esock:recv(S, 0, nowait),"
        "true = code:delete(esock_nif), _ = code:purge(esock_nif), erlang:garbage_collect(),"
        "Try = (catch begin {ok, T} = esock:open(inet, dgram), esock:close(T) end),"
        "io:format(\"~w\", [Try =:= ok orelse element(1, Try) =:= 'EXIT']), halt().",
    ?assertEqual({0, <<"true">>}, in_node(Code)).

%% Without its shared library the module fails with a reason, and the node goes on.
emulator_without_nif(Config) ->
    Dir = filename:join([proplists:get_value(priv_dir, Config), "esock", "ebin"]),
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    Ebin = filename:dirname(code:which(esock)),
    [{ok, _} = file:copy(File, filename:join(Dir, filename:basename(File))) || File <- filelib:wildcard(Ebin ++ "/*")],
    {0, Out} = program("erl", ["-noshell", "-pa", Dir, "-eval", "io:write(catch esock:info()), halt()."], []),
    ?assertMatch({match, _}, re:run(Out, "esock_nif")).

%% rebar3 compiles a project that depends on esock, including the NIF, and it runs.
dependency(Config) ->
    Dir = filename:join(proplists:get_value(priv_dir, Config), "user"),
    ok = filelib:ensure_dir(filename:join([Dir, "src", "x"])),
    ok = filelib:ensure_dir(filename:join([Dir, "_checkouts", "x"])),
    ok = file:make_symlink(root(), filename:join([Dir, "_checkouts", "esock"])),
    ok = file:write_file(filename:join(Dir, "rebar.config"), "{deps, [esock]}.\n"),
    ok = file:write_file(filename:join([Dir, "src", "user.app.src"]),
                         "{application, user, [{vsn, \"1\"}, {applications, [kernel, stdlib, esock]}]}.\n"),
    ok = file:write_file(filename:join([Dir, "src", "uses.erl"]),
                         "-module(uses).\n-export([run/0]).\nrun() -> {ok, S} = esock:open(inet, stream), esock:close(S).\n"),
    {Status, Out} = program("rebar3", ["compile"], [{cd, Dir}]),
    ?assertEqual({0, Out}, {Status, Out}),
    Paths = filelib:wildcard(Dir ++ "/_build/default/{lib,checkouts}/*/ebin"),
    ?assertEqual({0, <<"ok">>}, program("erl", ["-noshell", "-pa" | Paths] ++
                                            ["-eval", "{ok, _} = application:ensure_all_started(user),"
                                             "io:write(uses:run()), halt()."], [])).

%% Poller threads may run on every processor of the node, even if they are started by a scheduler bound to one.
bound_schedulers(_) ->
    Code = "esock:info(), {ok, Tasks} = file:list_dir(\"/proc/self/task\"),"
        "Of = fun(T, F) -> {ok, B} = file:read_file([\"/proc/self/task/\", T, \"/\", F]), B end,"
        "Cpus = fun(T) -> {match, [C]} = re:run(Of(T, \"status\"), \"Cpus_allowed_list:\\\\s+(\\\\S+)\", [{capture, [1], list}]), C end,"
        "Ours = [Cpus(T) || T <- Tasks, string:prefix(Of(T, \"comm\"), \"esock\") =/= nomatch],"
        "io:format(\"~w\", [lists:usort(Ours) =:= [Cpus(os:getpid())]]), halt().",
    Ebin = filename:dirname(code:which(esock)),
    case program("erl", ["-noshell", "+sbt", "db", "-pa", Ebin, "-eval", Code], []) of
        {1, <<"setting scheduler bind type 'db' failed", _/binary>>} -> {skip, "no processor topology"};
        Result -> ?assertEqual({0, <<"true">>}, Result)
    end.

%% `h(esock, recv, 4)' in the shell shows the documentation.
shell_help(_) ->
    %% The doc chunks are written to the build folder of each profile, also that of the tests.
    {ok, Docs} = code:get_doc(esock),
    {docs_v1, _, erlang, _, #{<<"en">> := _}, _, Functions} = Docs,
    [Doc] = [D || {{function, recv, 4}, _, _, #{<<"en">> := D}, _} <- Functions],
    ?assertNotEqual(nomatch, string:find(lists:flatten(io_lib:format("~p", [Doc])), "recv(2)")).

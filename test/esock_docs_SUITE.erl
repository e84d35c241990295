%% What a newcomer reads first: the program of README, which is run as it stands, and the texts that h(esock) shows.
-module(esock_docs_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() -> [readme_program, every_text].

root() -> filename:join(code:lib_dir(esock), "../../../..").

%% In a node with few descriptors: it serves when they have run out and clients have gone away with resets, and after that.
readme_program(Config) ->
    {ok, Text} = file:read_file(filename:join(root(), "README.md")),
    [_, Rest] = binary:split(Text, <<"```erlang\n">>),
    [Program, _] = binary:split(Rest, <<"```\n">>),
    Dir = proplists:get_value(priv_dir, Config),
    File = filename:join(Dir, "echo.erl"),
    ok = file:write_file(File, Program),
    {ok, echo} = compile:file(File, [{outdir, Dir}, warnings_as_errors]),
    Args = ["-mode", "embedded", "-pa", Dir | lists:append([["-pa", P] || P <- code:get_path(), P =/= "."])],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args,
                                      exec => {"/bin/sh", ["-c", "ulimit -n 80; exec erl \"$@\"", "erl"]}}),
    [{module, M} = peer:call(Peer, code, load_file, [M]) || M <- [esock, esock_nif, esock_busy_poll, esock_wait, echo]],
    Port = free_port(),
    peer:cast(Peer, echo, serve, [Port]),
    Addr = #{family => inet, addr => loopback, port => Port},
    esock_async_SUITE:until(fun() -> {ok, S} = esock:open(inet, stream, tcp), Is = esock:connect(S, Addr), ok = esock:close(S), Is =:= ok end),
    Clients = [begin {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr), ok = esock:send(C, "hello"), C end || _ <- lists:seq(1, 120)],
    Served = [C || C <- Clients, esock:recv(C, 5, [], 300) =:= {ok, <<"hello">>}],
    ?assert(length(Served) > 10 andalso length(Served) < 100),
    {Reset, Closed} = lists:partition(fun(_) -> rand:uniform(2) =:= 1 end, Clients),
    [ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}) || C <- Reset],
    [ok = esock:close(C) || C <- Reset ++ Closed],
    {ok, New} = esock:open(inet, stream, tcp),
    ok = esock:connect(New, Addr),
    ok = esock:send(New, "still here"),
    ?assertEqual({ok, <<"still here">>}, esock:recv(New, 10, [], 30_000)),
    ok = esock:close(New),
    peer:stop(Peer).

free_port() ->
    {ok, S} = esock:open(inet, stream, tcp),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, #{port := Port}} = esock:sockname(S),
    ok = esock:close(S),
    Port.

%% Every exported function and type has its own text, and no other is there.
every_text(_) ->
    case code:lib_dir(edoc) of
        {error, _} -> {skip, no_edoc};
        _ ->
            {ok, Bytes} = file:read_file(filename:join(code:lib_dir(esock), "doc/chunks/esock.chunk")),
            {docs_v1, _, erlang, _, #{<<"en">> := _}, _, Docs} = binary_to_term(Bytes),
            {ok, {esock, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(esock), [abstract_code]),
            Types = lists:append([Names || {attribute, _, export_type, Names} <- Forms]),
            Functions = esock:module_info(exports) -- [{module_info, 0}, {module_info, 1}],
            ?assertEqual(lists:sort([{function, F, A} || {F, A} <- Functions] ++ [{type, T, A} || {T, A} <- Types]),
                         lists:sort([Name || {Name, _, _, _, _} <- Docs])),
            %% Every type that is declared is exported: those of the arguments are.
            ?assertEqual([], [{T, length(Args)} || {attribute, _, Kind, {T, _, Args}} <- Forms, Kind =:= type orelse Kind =:= opaque] -- Types),
            Texts = [{Name, text(Text)} || {Name, _, _, #{<<"en">> := Text}, _} <- Docs],
            ?assertEqual([], [Name || {Name, _, _, _, _} <- Docs] -- [Name || {Name, Text} <- Texts, byte_size(Text) > 5]),
            %% None is another's: a comment before a type would be the type's before it.
            Of = [Text || {{type, _, _}, Text} <- Texts],
            ?assertEqual([], Of -- lists:usort(Of)),
            [?assertMatch({_, {_, _}}, {T, binary:match(proplists:get_value({type, T, 0}, Texts), Word)})
             || {T, Word} <- [{socket, <<"socket">>}, {sockaddr_ll, <<"packet(7)">>}, {ip_tos, <<"three readings">>}, {ioctl_device_flag, <<"netdevice(7)">>}]],
            %% Quotes are markup, not text.
            ?assertEqual([], [Name || {Name, Text} <- Texts, binary:match(Text, [<<"`">>, <<"''">>, <<"{@">>]) =/= nomatch])
    end.

text(Text) when is_binary(Text) -> Text;
text(Texts) when is_list(Texts) -> iolist_to_binary([text(Text) || Text <- Texts]);
text({_Tag, _Attributes, Texts}) -> text(Texts).

%% The documentation: the programs of README.md run unchanged, and h(esock) shows a text for each function and type, with examples that
%% parse and run.
-module(esock_docs_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() -> [readme_erlang, readme_elixir, readme_length, every_text, examples, type_examples, html].

root() -> filename:join(code:lib_dir(esock), "../../../..").

page(File) ->
    {ok, Text} = file:read_file(filename:join(root(), File)),
    Text.

%% The first block of code in a language under a heading.
block(Text, Heading, Language) ->
    [_, Below] = binary:split(Text, <<"\n## ", Heading/binary, "\n">>),
    [Section | _] = binary:split(Below, <<"\n## ">>),
    [_, Rest] = binary:split(Section, <<"```", Language/binary, "\n">>),
    [Program, _] = binary:split(Rest, <<"```\n">>),
    Program.

%% In a node with few descriptors: it serves after descriptors have run out and clients have reset their connections.
readme_erlang(Config) ->
    Program = block(page("README.md"), <<"A server in Erlang">>, <<"erlang">>),
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
    esock_async_SUITE:until(fun() ->
        {ok, S} = esock:open(inet, stream, tcp),
        Connected = esock:connect(S, Addr),
        ok = esock:close(S),
        Connected =:= ok
    end),
    Connect = fun() ->
        {ok, C} = esock:open(inet, stream, tcp),
        ok = esock:connect(C, Addr),
        ok = esock:send(C, "hello"),
        C
    end,
    Clients = [Connect() || _ <- lists:seq(1, 120)],
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

%% In a node of its own, which ends when the test closes its input.
readme_elixir(Config) ->
    case os:find_executable("elixir") of
        false -> {skip, no_elixir};
        Elixir ->
            File = filename:join(proplists:get_value(priv_dir, Config), "echo.ex"),
            ok = file:write_file(File, block(page("README.md"), <<"A server in Elixir">>, <<"elixir">>)),
            Port = free_port(),
            Code = "spawn(fn -> IO.read(:line); System.halt(0) end); Echo.serve(" ++ integer_to_list(Port) ++ ")",
            Node = open_port({spawn_executable, Elixir}, [{args, ["-pa", filename:dirname(code:which(esock)), "-r", File, "-e", Code]}, binary, stderr_to_stdout]),
            Addr = #{family => inet, addr => loopback, port => Port},
            ok = reached(Addr, Node, 300),
            %% The server serves all clients at once, and continues after resets.
            Clients = [begin {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr), C end || _ <- lists:seq(1, 50)],
            [ok = esock:send(C, "hello") || C <- Clients],
            [?assertEqual({ok, <<"hello">>}, esock:recv(C, 5, [], 10_000)) || C <- Clients],
            [ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}) || C <- Clients],
            [ok = esock:close(C) || C <- Clients],
            {ok, New} = esock:open(inet, stream, tcp),
            ok = esock:connect(New, Addr),
            ok = esock:send(New, "still here"),
            ?assertEqual({ok, <<"still here">>}, esock:recv(New, 10, [], 10_000)),
            ok = esock:close(New),
            true = port_close(Node)
    end.

%% If the node prints something, it has failed.
reached(_Addr, _Node, 0) -> never;
reached(Addr, Node, Tries) ->
    {ok, S} = esock:open(inet, stream, tcp),
    Connected = esock:connect(S, Addr),
    ok = esock:close(S),
    case Connected of
        ok -> ok;
        {error, econnrefused} -> receive {Node, {data, Text}} -> {printed, Text} after 100 -> reached(Addr, Node, Tries - 1) end
    end.

readme_length(_) ->
    Lines = binary:matches(page("README.md"), <<"\n">>),
    ?assert(length(Lines) =< 150).

free_port() ->
    {ok, S} = esock:open(inet, stream, tcp),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, #{port := Port}} = esock:sockname(S),
    ok = esock:close(S),
    Port.

%% `make docs' builds the pages, and finds no broken link.
html(Config) ->
    Markdown = [P || P <- ["python3", "/usr/bin/python3"], os:cmd(P ++ " -c 'import markdown, pygments' && echo there") =:= "there\n"],
    case Markdown =/= [] andalso code:lib_dir(edoc) of
        Edoc when is_list(Edoc) ->
            Out = filename:join(proplists:get_value(priv_dir, Config), "html"),
            Printed = os:cmd("cd '" ++ root() ++ "' && ./doc/site/build.sh '" ++ Out ++ "' 2>&1; echo \"status $?\""),
            ?assertMatch({_, {match, _}}, {Printed, re:run(Printed, " 0 broken, .*\nstatus 0\n$")}),
            {ok, Api} = file:read_file(filename:join(Out, "esock.html")),
            [?assertMatch({_, {_, _}}, {Text, binary:match(Api, Text)}) || Text <- [<<"id=\"recv-4\"">>, <<"href=\"options.html\"">>]],
            %% Each Markdown page is there, and the README is the first.
            [?assert(filelib:is_regular(filename:join(Out, filename:basename(Page, ".md") ++ ".html")), Page)
             || Page <- filelib:wildcard(filename:join(root(), "doc/*.md")) ++ ["index.md", "architecture.md"]];
        _ -> {skip, no_markdown}
    end.

%% Every exported function and type has a text of its own, and nothing else has one.
every_text(_) ->
    with_docs(fun(_, Docs) ->
        Forms = forms(),
        Types = lists:append([Names || {attribute, _, export_type, Names} <- Forms]),
        Functions = esock:module_info(exports) -- [{module_info, 0}, {module_info, 1}],
        ?assertEqual(lists:sort([{function, F, A} || {F, A} <- Functions] ++ [{type, T, A} || {T, A} <- Types]),
                     lists:sort([Name || {Name, _} <- Docs])),
        %% Every declared type is exported, since those of arguments are.
        Declared = [{T, length(Args)} || {attribute, _, Kind, {T, _, Args}} <- Forms, Kind =:= type orelse Kind =:= opaque],
        ?assertEqual([], Declared -- Types),
        Texts = [{Name, text(Doc)} || {Name, Doc} <- Docs],
        ?assertEqual([], [Name || {Name, Text} <- Texts, byte_size(Text) < 6]),
        %% EDoc takes a comment before a type for the text of the type before it: then two types would have one text, or
        %% another's.
        Of = [Text || {{type, _, _}, Text} <- Texts],
        ?assertEqual([], Of -- lists:usort(Of)),
        [?assertMatch({_, {_, _}}, {T, binary:match(proplists:get_value({type, T, 0}, Texts), Word)})
         || {T, Word} <- [{socket, <<"socket">>}, {sockaddr_ll, <<"packet(7)">>}, {ip_tos, <<"three readings">>},
                          {ioctl_device_flag, <<"netdevice(7)">>}]],
        %% Markup is not shown as text: an apostrophe ends a quotation that began with one backquote.
        Markup = [<<"`">>, <<"''">>, <<"{@">>, <<"{$">>, <<"----">>],
        ?assertEqual([], [Name || {Name, Text} <- Texts, binary:match(Text, Markup) =/= nomatch])
    end).

%% Each block in the texts of the module and of its functions is Erlang. It runs, unless its first line says what it needs, in a
%% process of its own, with the sockets that the text of the module names.
examples(_) ->
    with_docs(fun(Module, Docs) ->
        Functions = [{Name, Doc} || {{function, _, _} = Name, Doc} <- Docs],
        Examples = [{Name, text(Pre)} || {Name, Doc} <- [{module, Module} | Functions], {pre, _, Pre} <- elements(Doc)],
        %% A function without an example refers to another by its text, or prints.
        Without = [Name || {Name, Doc} <- Functions, not lists:keymember(Name, 1, Examples),
                           binary:match(text(Doc), <<"Equivalent to">>) =:= nomatch],
        ?assertEqual([{function, i, 0}], Without),
        Parsed = [{Name, Text, parsed(Name, Text)} || {Name, Text} <- Examples],
        %% The examples have `nowait' answer `select', as it does with epoll.
        #{io_backend := #{name := Backend}} = esock:info(),
        ok = esock_nif:io_backend(epoll),
        try [runs(Name, Exprs) || {Name, Text, Exprs} <- Parsed, can_run(Text)] after esock_nif:io_backend(Backend) end
    end).

%% Each type says how to write one: the code behind the word "Example" is a value, the code behind "To match" a pattern.
type_examples(_) ->
    with_docs(fun(_, Docs) ->
        Types = [{Name, Doc} || {{type, _, _} = Name, Doc} <- Docs, Name =/= {type, socket_handle, 0}],
        Values = [{Name, Code} || {Name, Doc} <- Types, Code <- codes_after(<<"Example">>, Doc)],
        Patterns = [{Name, Code} || {Name, Doc} <- Types, Code <- codes_after(<<"To match">>, Doc)],
        ?assertEqual([], [Name || {Name, _} <- Types] -- [Name || {Name, _} <- Values ++ Patterns]),
        [parsed(Name, <<Code/binary, ".">>) || {Name, Code} <- Patterns],
        [?assertMatch({_, {value, _, []}}, {Name, erl_eval:exprs(parsed(Name, <<Code/binary, ".">>), [])})
         || {Name, Code} <- Values]
    end).

can_run(Text) ->
    case string:trim(Text) of
        <<"%% Needs io_uring.", _/binary>> ->
            {Can, _} = esock:open(inet, stream, tcp, #{io_backend => io_uring, use_registry => false}),
            Can =:= ok;
        <<"%% Needs", _/binary>> -> false;
        _ -> true
    end.

runs(Name, Exprs) ->
    {Pid, Ref} = spawn_monitor(fun() -> erl_eval:exprs(Exprs, sockets()) end),
    receive {'DOWN', Ref, process, Pid, Reason} -> ?assertEqual({Name, normal}, {Name, Reason})
    after 20_000 -> exit(Pid, kill), ct:fail({Name, waits})
    end.

sockets() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, loopback),
    ok = esock:listen(L, 16),
    {ok, Addr} = esock:sockname(L),
    {ok, S} = esock:open(inet, stream, tcp),
    ok = esock:connect(S, Addr),
    {ok, P} = esock:accept(L),
    {ok, U} = esock:open(inet, dgram, udp),
    ok = esock:bind(U, loopback),
    {ok, UdpAddr} = esock:sockname(U),
    [{'Addr', Addr}, {'Listener', L}, {'Peer', P}, {'Socket', S}, {'Udp', U}, {'UdpAddr', UdpAddr}].

parsed(Name, Text) ->
    case erl_scan:string(unicode:characters_to_list(Text)) of
        {ok, Tokens, _} ->
            Result = erl_parse:parse_exprs(Tokens),
            ?assertMatch({_, _, {ok, _}}, {Name, Text, Result}),
            element(2, Result);
        Error -> ct:fail({Name, Text, Error})
    end.

%% Without EDoc there is no chunk.
with_docs(Test) ->
    case code:lib_dir(edoc) of
        {error, _} -> {skip, no_edoc};
        _ ->
            {ok, Bytes} = file:read_file(filename:join(code:lib_dir(esock), "doc/chunks/esock.chunk")),
            {docs_v1, _, erlang, _, #{<<"en">> := Module}, _, Docs} = binary_to_term(Bytes),
            _ = Test(Module, [{Name, maps:get(<<"en">>, Doc, [])} || {Name, _, _, Doc, _} <- Docs]),
            ok
    end.

forms() ->
    {ok, {esock, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(esock), [abstract_code]),
    Forms.

elements(Texts) when is_list(Texts) -> lists:append([elements(Text) || Text <- Texts]);
elements({_, _, Texts} = Element) -> [Element | elements(Texts)];
elements(Text) when is_binary(Text) -> [].

%% The code behind a word, but not that of links.
codes_after(Word, Doc) ->
    Flat = lists:append([case Part of {p, _, Parts} -> Parts; _ -> [Part] end || Part <- Doc]),
    Behind = lists:dropwhile(fun(Text) -> not is_binary(Text) orelse binary:match(Text, Word) =:= nomatch end, Flat),
    [text(Code) || {code, _, Code} <- Behind].

text(Text) when is_binary(Text) -> Text;
text(Texts) when is_list(Texts) -> iolist_to_binary([text(Text) || Text <- Texts]);
text({_Tag, _Attributes, Texts}) -> text(Texts).

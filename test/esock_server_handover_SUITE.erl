%% Restarts without loss: listeners and idle connections go from one node (a program of its own) to another, under load.
-module(esock_server_handover_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-import(esock_server_SUITE, [until/1, port/1, tcp/1, asks/2, server/1, info/2, path/1, have/0, nothing_left/1, exists/1, ends/1]).

suite() -> [{timetrap, {seconds, 120}}].

all() -> [under_load, idle_connections, unix_file, plain_sockets, nobody_comes, strangers, partner_dies, connection_stays, errors].

%%% ---- A program ------------------------------------------------------------------------------------------------------

node_of_its_own() ->
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => ["-pa" | [P || P <- code:get_path(), P =/= "."]]}),
    Peer.

%% Runs for ever in the peer, and owns what it opens.
in_peer(Peer, Fun, Args) -> peer:call(Peer, ?MODULE, start, [Fun, Args], 60_000).

start(Fun, Args) ->
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() -> Self ! {self(), apply(?MODULE, Fun, Args)}, receive stop -> ok end end),
    receive {Pid, Result} -> Result; {'DOWN', MRef, process, _, Why} -> {died, Why} end.

%% A server whose connections answer each line with the number of their program.
first(Listen) ->
    {ok, Server} = esock_server:start_link(#{listen => Listen, acceptors => 2, notify => true, handler => {?MODULE, session, []}}),
    register(server, Server),
    {ok, #{listeners := [Address]}} = esock_server:info(Server),
    Address.

second(Path) ->
    {ok, #{listeners := Ls, connections := Cs}} = come(Path, 500),
    {ok, Server} = esock_server:start_link(#{listeners => Ls, acceptors => 2, notify => true, handler => {?MODULE, session, []}}),
    register(server, Server),
    [ok = esock_server:adopt(Server, S, Term) || {S, Term} <- Cs],
    {length(Ls), length(Cs)}.

%% The other program may not have begun to give.
come(Path, 0) -> esock_server:takeover(Path);
come(Path, Tries) ->
    case esock_server:takeover(Path) of
        {error, Reason} when Reason =:= enoent; Reason =:= econnrefused -> receive after 10 -> come(Path, Tries - 1) end;
        Result -> Result
    end.

give(Path) -> esock_server:handover(Path, whereis(server), #{idle => 5000}).
drain() -> esock_server:drain(whereis(server), 20_000).
served() -> esock_server:info(whereis(server)).

session({esock_server, S, Info}) -> session(S, maps:get(taken_over, Info, <<>>)).

session(S, Got) ->
    case binary:split(Got, <<"\n">>) of
        [_Line, Rest] -> _ = esock:send(S, [os:getpid(), "\n"]), session(S, Rest);
        [Part] -> wait(S, Part)
    end.

%% Between two receives it is idle; what has come of a line travels with it.
wait(S, Part) ->
    case esock:recv(S, 0, nowait) of
        {ok, Data} -> session(S, <<Part/binary, Data/binary>>);
        {select, {select_info, _, H} = I} ->
            receive
                {'$socket', S, select, H} -> wait(S, Part);
                {'$socket', S, abort, {H, _}} -> ok;
                {esock_server, handover, Giver} -> ok = esock:cancel(S, I), passed(esock_server:pass(Giver, S, Part), S, Part);
                {esock_server, drain} when Part =:= <<>> -> ok = esock:cancel(S, I), esock:shutdown(S, write), esock:recv(S, 0, 5000)
            end;
        {completion, {completion_info, _, H} = I} ->
            receive
                {'$socket', S, completion, {H, {ok, Data}}} -> session(S, <<Part/binary, Data/binary>>);
                {'$socket', S, completion, {H, _}} -> ok;
                {'$socket', S, abort, {H, _}} -> ok;
                {esock_server, handover, Giver} ->
                    case esock:cancel(S, I) of
                        ok -> passed(esock_server:pass(Giver, S, Part), S, Part);
                        {error, _} ->
                            ok = esock_server:keep(Giver, S),
                            receive {'$socket', S, completion, {H, {ok, Data}}} -> session(S, <<Part/binary, Data/binary>>);
                                    {'$socket', S, _, _} -> ok
                            end
                    end
            end;
        {error, _} -> ok
    end.

passed(ok, _, _) -> ok;
passed({error, _}, S, Part) -> wait(S, Part).

%%% ---- Cases ----------------------------------------------------------------------------------------------------------

%% Clients that connect, ask and close, as fast as they can, until they are told to stop: the programs that answered, and the failures.
clients(Port, Count) ->
    Over = atomics:new(1, []),
    Pids = [spawn_monitor(fun() -> exit({asked, ask(Port, Over, #{}, [])}) end) || _ <- lists:seq(1, Count)],
    {Over, Pids}.

ask(Port, Over, By, Failed) ->
    case atomics:get(Over, 1) of
        1 -> {By, Failed};
        0 ->
            case once(Port) of
                {ok, Who} -> ask(Port, Over, maps:update_with(Who, fun(N) -> N + 1 end, 1, By), Failed);
                Error -> ask(Port, Over, By, [Error | Failed])
            end
    end.

once(Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, line}], 5000) of
        {ok, C} ->
            ok = gen_tcp:send(C, "who\n"),
            Result = gen_tcp:recv(C, 0, 10_000),
            %% No TIME_WAIT: the ports would run out.
            ok = inet:setopts(C, [{linger, {true, 0}}]),
            ok = gen_tcp:close(C),
            Result;
        Error -> Error
    end.

answers({Over, Pids}) ->
    atomics:put(Over, 1, 1),
    Results = [receive {'DOWN', MRef, process, _, Why} -> {asked, R} = Why, R end || {_, MRef} <- Pids],
    {lists:foldl(fun({By, _}, All) -> maps:fold(fun(K, N, Acc) -> maps:update_with(K, fun(M) -> M + N end, N, Acc) end, All, By) end, #{}, Results),
     lists:append([Failed || {_, Failed} <- Results])}.

%% Three programs, one after the other, under load, with idle connections: none is refused, none is lost.
under_load(_) ->
    [A, B, C] = Peers = [node_of_its_own() || _ <- [1, 2, 3]],
    #{port := Port} = in_peer(A, first, [{{127, 0, 0, 1}, 0}]),
    Idle = [tcp(Port) || _ <- lists:seq(1, 50)],
    Pid = fun(Peer) -> list_to_binary(peer:call(Peer, os, getpid, []) ++ "\n") end,
    Lines = fun(Wanted) -> [begin ok = gen_tcp:send(I, "a line\n"), ?assertEqual({ok, Wanted}, gen_tcp:recv(I, byte_size(Wanted), 10_000)) end || I <- Idle] end,
    Lines(Pid(A)),
    Load = clients(Port, 8),
    [begin
         Path = path(none),
         {ok, #{accepted := Before}} = peer:call(Old, ?MODULE, served, []),
         until(fun() -> {ok, #{accepted := Now}} = peer:call(Old, ?MODULE, served, []), Now > Before + 200 end),
         %% Half of a request is there, and travels.
         [ok = gen_tcp:send(I, "half a ") || I <- Idle],
         Self = self(),
         spawn_link(fun() -> Self ! {given, peer:call(Old, ?MODULE, give, [Path], 60_000)} end),
         {1, Taken} = in_peer(New, second, [Path]),
         receive {given, Given} -> ?assertMatch({ok, #{listeners := 1, connections := Taken}}, Given) end,
         ?assert(Taken >= 50, Taken),
         Lines(Pid(New)),
         ?assertMatch({ok, #{cut_off := 0}}, peer:call(Old, ?MODULE, drain, [], 60_000)),
         until(fun() -> {ok, #{accepted := Now}} = peer:call(New, ?MODULE, served, []), Now > 200 end),
         ok = peer:stop(Old)
     end || {Old, New} <- [{A, B}, {B, C}]],
    {By, Failed} = answers(Load),
    ?assertEqual([], Failed),
    ?assertEqual(3, map_size(By)),
    ct:pal("answers by program: ~p", [By]),
    [ok = gen_tcp:close(I) || I <- Idle],
    ok = peer:stop(C),
    _ = Peers.

%% In one node: which connections go and which stay.
idle_connections(_) ->
    Before = have(),
    {Old, Port} = server(#{notify => true, handler => {?MODULE, session, []}}),
    Cs = [tcp(Port) || _ <- lists:seq(1, 20)],
    Own = list_to_binary(os:getpid() ++ "\n"),
    [begin ok = gen_tcp:send(C, "x\n"), {ok, Own} = gen_tcp:recv(C, byte_size(Own), 5000) end || C <- Cs],
    Path = path(none),
    Self = self(),
    spawn_link(fun() -> Self ! {given, esock_server:handover(Path, Old, #{})} end),
    {ok, #{listeners := Ls, connections := Taken}} = come(Path, 500),
    receive {given, Given} -> ?assertEqual({ok, #{listeners => 1, connections => 20}}, Given) end,
    ?assertEqual(20, length(Taken)),
    until(fun() -> info(Old, active) =:= 0 end),
    ok = esock_server:stop(Old),
    {ok, New} = esock_server:start_link(#{listeners => Ls, handler => {?MODULE, session, []}}),
    [ok = esock_server:adopt(New, S, Term) || {S, Term} <- Taken],
    [begin ok = gen_tcp:send(C, "x\n"), ?assertEqual({ok, Own}, gen_tcp:recv(C, byte_size(Own), 5000)), ok = gen_tcp:close(C) end || C <- [tcp(Port) | Cs]],
    ok = esock_server:stop(New),
    nothing_left(Before).

%% The file of a Unix listener, and its lock, go to the program that takes over.
unix_file(_) ->
    Peer = node_of_its_own(),
    File = path(none),
    {ok, L} = esock_server:listen({unix, File}, #{lock => true}),
    Path = path(none),
    Self = self(),
    spawn_link(fun() -> Self ! {given, esock_server:handover(Path, [L], #{})} end),
    {1, 0} = in_peer(Peer, second, [Path]),
    receive {given, Given} -> ?assertEqual({ok, #{listeners => 1, connections => 0}}, Given) end,
    ?assertEqual({error, closed}, esock:sockname(L)),
    ?assert(exists(File)),
    Theirs = list_to_integer(peer:call(Peer, os, getpid, [])),
    ?assertMatch({error, {listen_failed, _, {locked, Theirs}}}, esock_server:listen({unix, File}, #{lock => true})),
    {ok, C} = esock:open(local, stream),
    ok = esock:connect(C, #{family => local, path => File}),
    ok = esock:send(C, "x\n"),
    ?assertEqual({ok, list_to_binary(integer_to_list(Theirs) ++ "\n")}, esock:recv(C, 0, 5000)),
    ok = esock:close(C),
    ?assertMatch({ok, _}, peer:call(Peer, ?MODULE, drain, [], 60_000)),
    ?assertEqual({false, false}, {exists(File), exists(File ++ ".lock")}),
    ok = peer:stop(Peer).

plain_sockets(_) ->
    Before = have(),
    {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}),
    {C, S} = esock_pairs:pair(),
    Path = path(none),
    Self = self(),
    ok = esock:send(C, "unread"),
    Giver = spawn_link(fun() -> Self ! {given, esock_server:handover(Path, #{listeners => [L], connections => [{S, {a, term}}]})} end),
    {ok, #{listeners := [M], connections := [{T, {a, term}}]}} = come(Path, 500),
    receive {given, Given} -> ?assertEqual({ok, #{listeners => 1, connections => 1}}, Given) end,
    ?assertEqual({error, closed}, esock:recv(S)),
    ?assertEqual({ok, <<"unread">>}, esock:recv(T, 0, 5000)),
    ?assertEqual({ok, self()}, esock:getopt(M, {otp, controlling_process})),
    ends(Giver),
    esock_pairs:close([M, T, C]),
    ?assertNot(exists(Path)),
    nothing_left(Before).

nobody_comes(_) ->
    Before = have(),
    {Server, Port} = server(#{}),
    ?assertEqual({error, timeout}, esock_server:handover(path(none), Server, #{timeout => 50})),
    %% It serves on.
    C = tcp(Port),
    ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
    ok = gen_tcp:close(C),
    Path = path(none),
    ?assertEqual({error, enoent}, esock_server:takeover(Path)),
    %% A giver that is killed leaves nothing.
    Giver = spawn(fun() -> esock_server:handover(Path, Server) end),
    until(fun() -> exists(Path) end),
    exit(Giver, kill),
    until(fun() -> not exists(Path) end),
    ok = esock_server:stop(Server),
    nothing_left(Before).

%% Another user is not given anything, and nothing is taken from one.
strangers(_) ->
    {Server, _} = server(#{}),
    Path = path(none),
    Self = self(),
    spawn_link(fun() -> Self ! {given, esock_server:handover(Path, Server, #{peercred => fun(_) -> false end, timeout => 500})} end),
    ?assertMatch({error, _}, come(Path, 500)),
    receive {given, Given} -> ?assertEqual({error, timeout}, Given) end,
    spawn_link(fun() -> Self ! {given, esock_server:handover(Path, Server, #{timeout => 5000})} end),
    until(fun() -> exists(Path) end),
    ?assertEqual({error, eperm}, until_there(fun() -> esock_server:takeover(Path, #{peercred => fun(_) -> false end}) end)),
    receive {given, Failed} -> ?assertMatch({error, _}, Failed) end,
    ?assertEqual(running, info(Server, state)),
    ok = esock_server:stop(Server).

until_there(Fun) ->
    case Fun() of
        {error, econnrefused} -> erlang:yield(), until_there(Fun);
        Result -> Result
    end.

%% The other program ends in the middle: the server serves on.
partner_dies(_) ->
    Before = have(),
    {Server, Port} = server(#{listen => [{{127, 0, 0, 1}, 0}, {{127, 0, 0, 2}, 0}]}),
    [begin
         Path = path(none),
         Self = self(),
         Giver = spawn(fun() -> Self ! {given, esock_server:handover(Path, Server, #{timeout => 10_000})} end),
         until(fun() -> exists(Path) end),
         {ok, S} = esock:open(local, seqpacket),
         ok = until_there(fun() -> esock:connect(S, #{family => local, path => Path}) end),
         [begin
              {ok, #{ctrl := [#{type := rights, value := [Fd]}]}} = esock:recvmsg(S),
              {ok, T} = esock:open(Fd, #{dup => false, own => true}),
              ok = esock:close(T),
              ok = esock:send(S, Answer)
          end || Answer <- Answers],
         ok = esock:close(S),
         receive {given, Given} -> ?assertMatch({error, _}, Given) end,
         ends(Giver),
         ?assertEqual(running, info(Server, state)),
         C = tcp(Port),
         ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
         ok = gen_tcp:close(C)
     end || Answers <- [[], ["ok"], ["no"], ["ok", "ok"]]],
    ok = esock_server:stop(Server),
    nothing_left(Before).

silent({esock_server, S, _}) -> esock_server_SUITE:echo_on(S).
keeps({esock_server, S, _}) -> _ = esock:send(S, "go"), receive {esock_server, handover, G} -> ok = esock_server:keep(G, S), esock_server_SUITE:echo_on(S) end.

%% Connections that do not answer, or want to stay, are served on.
connection_stays(_) ->
    Before = have(),
    [begin
         {Server, Port} = server(#{notify => true, handler => {?MODULE, Handler, []}}),
         C = tcp(Port),
         _ = [{ok, <<"go">>} = gen_tcp:recv(C, 2, 5000) || Handler =:= keeps],
         until(fun() -> info(Server, active) =:= 1 end),
         Path = path(none),
         Self = self(),
         spawn_link(fun() -> Self ! {given, esock_server:handover(Path, Server, #{idle => 100})} end),
         {ok, #{listeners := [L], connections := []}} = come(Path, 500),
         receive {given, Given} -> ?assertEqual({ok, #{listeners => 1, connections => 0}}, Given) end,
         ?assertEqual({ok, <<"still">>}, asks(C, <<"still">>)),
         ok = gen_tcp:close(C),
         ?assertEqual({ok, #{ended => 1, cut_off => 0}}, begin {ok, R} = esock_server:drain(Server, 5000), {ok, R#{ended := 1}} end),
         ok = esock:close(L),
         ok = esock_server:stop(Server)
     end || Handler <- [silent, keeps]],
    nothing_left(Before).

errors(_) ->
    ?assertEqual({error, {invalid, {handover, x}}}, esock_server:handover("x", x)),
    ?assertEqual({error, {invalid, {option, colour}}}, esock_server:handover("x", #{colour => red})),
    ?assertEqual({error, {invalid, {option, timeout, x}}}, esock_server:handover("x", [], #{timeout => x})),
    Dead = spawn(fun() -> ok end),
    ends(Dead),
    ?assertEqual({error, closed}, esock_server:handover("x", Dead)).

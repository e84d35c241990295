%% Servers of esock_server: their connections and processes, limits, drains, kills, upgrades. The clients are of gen_tcp.
-module(esock_server_conn_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-import(esock_server_SUITE, [until/1, port/1, tcp/1, tcp/2, asks/2, echo_on/1, server/1, info/2, path/1, ends/1, have/0, nothing_left/1]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [handlers, connection_is_owner, limit, limit_of_many, drained, cut_off, notified, supervised, killed_connections, killed_processes,
     killed_servers, killed_under_load, listener_closed, no_descriptors, code_change, adopted, wrong_options].

with_args({esock_server, S, #{server := Server, address := Address}}, To, Word) ->
    To ! {Word, self(), Server, Address, esock:getopt(S, {otp, controlling_process}), proc_lib:translate_initial_call(self())},
    echo_on(S).

handlers(_) ->
    Before = have(),
    {Server, Port} = server(#{handler => {?MODULE, with_args, [self(), word]}}),
    C = tcp(Port),
    ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
    receive
        {word, Pid, Server, #{port := Port}, Owner, Initial} ->
            ?assertEqual({ok, Pid}, Owner),
            ?assertEqual({esock_server_connection, init, 2}, Initial)
    end,
    ok = gen_tcp:close(C),
    until(fun() -> info(Server, active) =:= 0 end),
    ok = esock_server:stop(Server),
    {Of, P} = server(#{handler => fun({esock_server, S, _}) -> esock:send(S, "done") end}),
    D = tcp(P),
    %% The socket closes when the function returns.
    ?assertEqual({ok, <<"done">>}, gen_tcp:recv(D, 4, 5000)),
    ?assertEqual({error, closed}, gen_tcp:recv(D, 0, 5000)),
    ok = gen_tcp:close(D),
    ok = esock_server:stop(Of),
    ?assertEqual({error, closed}, esock_server:stop(Of)),
    ?assertEqual({error, closed}, esock_server:info(Of)),
    ?assertEqual({error, closed}, esock_server:drain(Of, 0)),
    nothing_left(Before).

%% A handler may give the socket to another process; a crash closes it.
connection_is_owner(_) ->
    Self = self(),
    {Server, Port} = server(#{handler => fun({esock_server, S, _}) -> ok = esock:setopt(S, {otp, controlling_process}, Self), Self ! {given, S} end}),
    C = tcp(Port),
    S = receive {given, Socket} -> Socket end,
    until(fun() -> info(Server, active) =:= 0 end),
    ok = esock:send(S, "mine"),
    ?assertEqual({ok, <<"mine">>}, gen_tcp:recv(C, 4, 5000)),
    ok = esock:close(S),
    ok = gen_tcp:close(C),
    ok = esock_server:stop(Server),
    {Crash, P} = server(#{handler => fun(_) -> exit(crash) end}),
    D = tcp(P),
    ?assertEqual({error, closed}, gen_tcp:recv(D, 0, 5000)),
    until(fun() -> info(Crash, active) =:= 0 end),
    ok = esock_server:stop(Crash).

%% No accept beyond the limit: the others wait in the backlog, as ss shows (Recv-Q).
limit(_) ->
    {Server, Port} = server(#{max_connections => 3}),
    Served = [tcp(Port) || _ <- lists:seq(1, 3)],
    [?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)) || C <- Served],
    Waiting = [tcp(Port) || _ <- lists:seq(1, 5)],
    [ok = gen_tcp:send(C, "y") || C <- Waiting],
    os:find_executable("ss") =:= false orelse
        until(fun() -> lists:nth(2, string:lexemes(os:cmd("ss -Hltn sport = :" ++ integer_to_list(Port)), " ")) =:= "5" end),
    ?assertEqual({3, 3}, {info(Server, active), info(Server, accepted)}),
    %% Each end lets one in, in their order.
    [begin
         ok = gen_tcp:close(Old),
         ?assertEqual({ok, <<"y">>}, gen_tcp:recv(New, 1, 5000))
     end || {Old, New} <- lists:zip(Served ++ lists:sublist(Waiting, 2), Waiting)],
    [ok = gen_tcp:close(C) || C <- lists:nthtail(2, Waiting)],
    until(fun() -> info(Server, active) =:= 0 end),
    ?assertEqual(8, info(Server, accepted)),
    ok = esock_server:stop(Server).

%% Several acceptors and listeners share the limit, and none of them is forgotten.
limit_of_many(_) ->
    Count = counters:new(1, []),
    Most = atomics:new(1, []),
    Handler = fun({esock_server, S, _}) ->
                      counters:add(Count, 1, 1),
                      Now = counters:get(Count, 1),
                      _ = Now > atomics:get(Most, 1) andalso atomics:put(Most, 1, Now),
                      {ok, _} = esock:recv(S, 1),
                      counters:sub(Count, 1, 1),
                      _ = esock:send(S, "z")
              end,
    {Server, _} = server(#{listen => [{{127, 0, 0, 1}, 0}, {{127, 0, 0, 2}, 0}, {unix, <<>>}], acceptors => 4, max_connections => 2, handler => Handler}),
    {ok, #{listeners := [#{port := A}, #{port := B}, #{family := local}]}} = esock_server:info(Server),
    Work = fun(Host, Port) -> [begin C = tcp(Host, Port), {ok, <<"z">>} = asks(C, <<"z">>), gen_tcp:close(C) end || _ <- lists:seq(1, 100)], exit(done) end,
    Pids = [spawn_monitor(fun() -> Work(Host, Port) end) || {Host, Port} <- [{{127, 0, 0, 1}, A}, {{127, 0, 0, 2}, B}], _ <- lists:seq(1, 6)],
    [receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(done, Reason) end || {_, MRef} <- Pids],
    until(fun() -> info(Server, active) =:= 0 end),
    ?assert(atomics:get(Most, 1) =< 2, atomics:get(Most, 1)),
    ?assertEqual(1200, info(Server, accepted)),
    ok = esock_server:stop(Server).

drained(_) ->
    {Server, Port} = server(#{acceptors => 2}),
    Cs = [A | Rest] = [tcp(Port) || _ <- lists:seq(1, 4)],
    [?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)) || C <- Cs],
    Self = self(),
    spawn_link(fun() -> Self ! {drained, esock_server:drain(Server, 20_000)} end),
    until(fun() -> info(Server, state) =:= draining andalso info(Server, listeners) =:= [] end),
    ?assertEqual({error, already}, esock_server:drain(Server, 0)),
    ?assertEqual({error, econnrefused}, gen_tcp:connect({127, 0, 0, 1}, Port, [])),
    %% What is in flight goes on.
    ?assertEqual({ok, <<"late">>}, asks(A, <<"late">>)),
    [ok = gen_tcp:close(C) || C <- Rest],
    until(fun() -> info(Server, active) =:= 1 end),
    receive {drained, _} -> ct:fail(early) after 0 -> ok end,
    ok = gen_tcp:close(A),
    receive {drained, Result} -> ?assertEqual({ok, #{ended => 4, cut_off => 0}}, Result) end,
    ?assertEqual(stopped, info(Server, state)),
    ?assertEqual({ok, #{ended => 0, cut_off => 0}}, esock_server:drain(Server, infinity)),
    ok = esock_server:stop(Server).

stubborn({esock_server, S, _}) -> process_flag(trap_exit, true), _ = esock:send(S, "here"), receive never -> ok end.

%% Those that do not end are ended: `shutdown', then `kill'.
cut_off(_) ->
    Before = have(),
    [begin
         {Server, Port} = server(#{handler => {M, F, []}, shutdown => Shutdown}),
         Cs = [tcp(Port) || _ <- lists:seq(1, 3)],
         [begin ok = gen_tcp:send(C, "here"), ?assertEqual({ok, <<"here">>}, gen_tcp:recv(C, 4, 5000)) end || C <- Cs],
         ?assertEqual({ok, #{ended => 0, cut_off => 3}}, esock_server:drain(Server, 10)),
         [?assertMatch({error, _}, gen_tcp:recv(C, 0, 5000)) || C <- Cs],
         [ok = gen_tcp:close(C) || C <- Cs],
         ok = esock_server:stop(Server)
     end || {M, F, Shutdown} <- [{esock_server_SUITE, echo, 5000}, {?MODULE, stubborn, 20}, {?MODULE, stubborn, brutal_kill}]],
    %% A stop does so too.
    {Server, Port} = server(#{handler => {?MODULE, stubborn, []}, shutdown => 20}),
    C = tcp(Port),
    {ok, _} = gen_tcp:recv(C, 4, 5000),
    ok = esock_server:stop(Server),
    ?assertEqual({error, closed}, gen_tcp:recv(C, 0, 5000)),
    ok = gen_tcp:close(C),
    nothing_left(Before).

notified(_) ->
    {Server, Port} = server(#{notify => true, handler => fun({esock_server, S, _}) -> _ = esock:send(S, "go"), receive {esock_server, drain} -> esock:send(S, "bye") end end}),
    C = tcp(Port),
    ?assertEqual({ok, <<"go">>}, gen_tcp:recv(C, 2, 5000)),
    ?assertEqual({ok, #{ended => 1, cut_off => 0}}, esock_server:drain(Server, 10_000)),
    ?assertEqual({ok, <<"bye">>}, gen_tcp:recv(C, 0, 5000)),
    ok = gen_tcp:close(C),
    ok = esock_server:stop(Server).

%% The child of a supervisor of OTP.
supervised(_) ->
    Before = have(),
    {ok, Sup} = supervisor:start_link(?MODULE, []),
    Spec = fun(Id, Port) -> esock_server:child_spec(#{id => Id, listen => {{127, 0, 0, 1}, Port}, handler => {esock_server_SUITE, echo, []}}) end,
    {ok, Server} = supervisor:start_child(Sup, Spec(echo, 0)),
    ?assertMatch({error, {already_started, Server}}, supervisor:start_child(Sup, Spec(echo, 0))),
    [#{port := Port}] = info(Server, listeners),
    C = tcp(Port),
    ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
    ?assertMatch([{echo, Server, supervisor, [esock_server]}], supervisor:which_children(Sup)),
    ?assertMatch({error, {{listen_failed, #{port := Port}, eaddrinuse}, _}}, supervisor:start_child(Sup, Spec(second, Port))),
    ok = supervisor:terminate_child(Sup, echo),
    ?assertEqual({error, closed}, gen_tcp:recv(C, 0, 5000)),
    ok = gen_tcp:close(C),
    ok = gen_server:stop(Sup),
    nothing_left(Before).

init([]) -> {ok, {#{}, []}}.

killed({esock_server, S, _}) -> {ok, _} = esock:recv(S), exit(self(), kill).

%% 10,000 connections whose processes are killed.
killed_connections(_) ->
    Before = have(),
    {Server, Port} = server(#{acceptors => 2, handler => {?MODULE, killed, []}}),
    Work = fun() ->
                   [begin
                        C = tcp(Port),
                        ok = inet:setopts(C, [{linger, {true, 0}}]),
                        ok = gen_tcp:send(C, "x"),
                        {error, _} = gen_tcp:recv(C, 0, 10_000),
                        gen_tcp:close(C)
                    end || _ <- lists:seq(1, 1250)],
                   exit(done)
           end,
    Pids = [spawn_monitor(Work) || _ <- lists:seq(1, 8)],
    [receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(done, Reason) end || {_, MRef} <- Pids],
    until(fun() -> info(Server, active) =:= 0 end),
    ?assertEqual(10_000, info(Server, accepted)),
    ok = esock_server:stop(Server),
    nothing_left(Before).

pools(Server) ->
    {pools, Sup, _, _} = lists:keyfind(pools, 1, supervisor:which_children(Server)),
    [Pid || {_, Pid, _, _} <- supervisor:which_children(Sup), is_pid(Pid)].

%% Whatever is killed: the connections of a killed acceptor end, the server serves on, and nothing is left.
killed_processes(Config) ->
    Before = have(),
    Path = path(Config),
    {Server, _} = server(#{listen => {unix, Path}, acceptors => 2, max_connections => 20}),
    [begin
         Cs = [client(Path) || _ <- lists:seq(1, 10)],
         Victim = case Kind of pool -> hd(pools(Server)); keeper -> esock_server_sup:keeper(Server) end,
         exit(Victim, kill),
         ends(Victim),
         [ok = esock:close(C) || C <- Cs],
         until(fun() -> serves(Server) end),
         D = client(Path),
         ?assertEqual({ok, <<"x">>}, esock:recv(D, 1, 5000)),
         ok = esock:close(D)
     end || Kind <- [pool, keeper, pool, keeper]],
    ok = esock_server:stop(Server),
    nothing_left(Before).

serves(Server) ->
    case esock_server:info(Server) of
        {ok, #{acceptors := 2, active := 0}} -> true;
        _ -> false
    end.

%% While the keeper starts anew there is no listener.
client(Path) ->
    {ok, C} = esock:open(local, stream),
    until(fun() -> esock:connect(C, #{family => local, path => Path}) =:= ok end),
    ok = esock:send(C, "x"),
    C.

owned() -> owned(#{}).
owned(Opts) ->
    Self = self(),
    Owner = spawn(fun() -> {S, P} = server(Opts), Self ! {server, S, P}, receive stop -> ok end end),
    receive {server, Server, Port} -> {Owner, Server, Port} end.

%% The whole server, with connections; its owner; a process that drains.
killed_servers(_) ->
    Before = have(),
    [begin
         {Owner, S, P} = owned(),
         Cs = [tcp(P) || _ <- lists:seq(1, 10)],
         [{ok, <<"x">>} = asks(C, <<"x">>) || C <- Cs],
         case Kind of
             server -> exit(S, kill);
             owner -> exit(Owner, kill);
             drainer ->
                 Drainer = spawn(fun() -> esock_server:drain(S, infinity) end),
                 until(fun() -> info(S, state) =:= draining end),
                 exit(Drainer, kill),
                 ends(Drainer),
                 exit(Owner, kill)
         end,
         [?assertEqual({error, closed}, gen_tcp:recv(C, 0, 10_000)) || C <- Cs],
         [ok = gen_tcp:close(C) || C <- Cs],
         exit(Owner, kill),
         nothing_left(Before)
     end || Kind <- [server, owner, drainer]].

%% Servers that are killed while connections arrive.
killed_under_load(_) ->
    Before = have(),
    [begin
         {Owner, S, P} = owned(#{acceptors => 2}),
         Clients = [spawn_monitor(fun() -> flood(P) end) || _ <- lists:seq(1, 4)],
         until(fun() -> info(S, accepted) > 20 * N end),
         exit(Owner, kill),
         [receive {'DOWN', MRef, process, _, _} -> ok end || {_, MRef} <- Clients],
         until(fun() -> not is_process_alive(S) end)
     end || N <- lists:seq(1, 20)],
    nothing_left(Before).

flood(Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {linger, {true, 0}}]) of
        {ok, C} -> _ = gen_tcp:send(C, "x"), _ = gen_tcp:recv(C, 1, 5000), ok = gen_tcp:close(C), flood(Port);
        {error, _} -> ok
    end.

%% If another process closes the listener, the server listens anew.
listener_closed(_) ->
    {Server, Port} = server(#{}),
    [L] = esock_server_sup:call(Server, listeners),
    ok = esock:close(L),
    until(fun() -> case esock_server:info(Server) of {ok, #{listeners := [#{port := P}], acceptors := 1}} -> P =/= Port; _ -> false end end),
    [#{port := New}] = info(Server, listeners),
    C = tcp(New),
    ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
    ok = gen_tcp:close(C),
    ok = esock_server:stop(Server).

%% In a node with few descriptors: all are served in the end, and the failures are counted.
no_descriptors(_) ->
    Args = ["-mode", "embedded", "-pa" | [P || P <- code:get_path(), P =/= "."]],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args, exec => {"/bin/sh", ["-c", "ulimit -n 60; exec erl \"$@\"", "erl"]}}),
    Modules = [list_to_atom(filename:basename(F, ".beam")) || F <- filelib:wildcard(filename:join(code:lib_dir(esock), "ebin/*.beam"))],
    [{module, M} = peer:call(Peer, code, load_file, [M]) || M <- Modules ++ [?MODULE, esock_server_SUITE]],
    Port = peer:call(Peer, ?MODULE, few, []),
    Cs = [tcp(Port) || _ <- lists:seq(1, 100)],
    %% Each of them is closed when it has been served, so that the others get their turns.
    [begin ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)), ok = gen_tcp:close(C) end || C <- Cs],
    ?assert(peer:call(Peer, ?MODULE, failed, []) > 0),
    ok = peer:stop(Peer).

few() ->
    {_, Server, Port} = owned(),
    register(few, Server),
    Port.

failed() -> info(whereis(few), failed).

code_change(_) ->
    {Server, Port} = server(#{}),
    C = tcp(Port),
    ?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)),
    [begin
         ok = sys:suspend(Pid),
         ok = sys:change_code(Pid, Module, undefined, []),
         ok = sys:resume(Pid)
     end || {Pid, Module} <- [{esock_server_sup:keeper(Server), esock_server_keeper} | [{Pool, esock_server_pool} || Pool <- pools(Server)]]],
    %% The same code twice: no process runs the one that is purged.
    [begin
         {M, Binary, File} = code:get_object_code(M),
         _ = code:soft_purge(M),
         {module, M} = code:load_binary(M, File, Binary),
         ?assertEqual({ok, <<"y">>}, asks(C, <<"y">>)),
         ?assertEqual({M, true}, {M, code:soft_purge(M)})
     end || _ <- [1, 2], M <- [esock_server_keeper, esock_server_pool, esock_server_sup, esock_server]],
    D = tcp(Port),
    ?assertEqual({ok, <<"z">>}, asks(D, <<"z">>)),
    [ok = gen_tcp:close(X) || X <- [C, D]],
    ok = esock_server:stop(Server).

adopted(_) ->
    Self = self(),
    {Server, _} = server(#{max_connections => 1, handler => fun({esock_server, S, #{taken_over := Term}}) -> Self ! Term, echo_on(S) end}),
    {C, S} = esock_pairs:pair(),
    ok = esock_server:adopt(Server, S, {some, state}),
    receive {some, state} -> ok end,
    ok = esock:send(C, "hello"),
    ?assertEqual({ok, <<"hello">>}, esock:recv(C, 5, 5000)),
    ?assertEqual(1, info(Server, active)),
    ?assertEqual({error, {invalid, not_owner}}, esock_server:adopt(Server, S, x)),
    ok = esock:close(C),
    until(fun() -> info(Server, active) =:= 0 end),
    ok = esock_server:stop(Server),
    {D, T} = esock_pairs:pair(),
    ?assertEqual({error, closed}, esock_server:adopt(Server, T, x)),
    esock_pairs:close([D, T]).

wrong_options(_) ->
    Trap = process_flag(trap_exit, true),
    H = fun(_) -> ok end,
    No = fun() -> ok end,
    [?assertEqual(Want, esock_server:start_link(Opts)) ||
        {Opts, Want} <- [{#{}, {error, {invalid, {option, handler}}}}, {#{handler => H}, {error, {invalid, {option, listen}}}},
                         {#{handler => H, listen => 0, listeners => [x]}, {error, {invalid, {option, listen}}}},
                         {#{handler => H, listen => 0, colour => red}, {error, {invalid, {option, colour}}}},
                         {#{handler => No, listen => 0}, {error, {invalid, {option, handler, No}}}},
                         {#{handler => H, listen => 0, max_connections => 0}, {error, {invalid, {option, max_connections, 0}}}},
                         {#{handler => H, listen => 0, spawn_options => [monitor]}, {error, {invalid, {option, spawn_options, [monitor]}}}},
                         {#{handler => H, listen => 0, listen_options => #{colour => red}}, {error, {invalid, {option, colour}}}}]],
    ?assertMatch({error, {listen_failed, #{addr := {192, 0, 2, 1}}, eaddrnotavail}},
                 esock_server:start_link(#{handler => H, listen => [{{127, 0, 0, 1}, 0}, {{192, 0, 2, 1}, 0}]})),
    ?assertError({invalid, {timeout, -1}}, esock_server:drain(self(), -1)),
    process_flag(trap_exit, Trap).

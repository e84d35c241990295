%% Busy polling: the helper, a process, polls in place of the poller thread while events are dense. If the helper is killed,
%% suspended or reloaded, no event is lost.
%%
%% test/run.sh runs all suites with busy polling at every event (ESOCK_BUSY_POLL=always).
-module(esock_busy_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(BACKENDS, [epoll, io_uring]).

all() ->
    [takes_over, never, turned_off, by_environment, by_application, killed, suspended, paused, purged, purged_in_use, embedded, short_rounds,
     belongs_to_the_node, holds_no_binaries].

%% Each case runs in a node of its own: there is one helper for each poller, and a helper that was killed is not replaced.
in_node(Fun) -> in_node(Fun, []).
in_node(Fun, Env) ->
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, env => Env,
                                      args => ["-pa" | [P || P <- code:get_path(), P =/= "."]]}),
    Result = peer:call(Peer, ?MODULE, apply_fun, [Fun], 60_000),
    peer:stop(Peer),
    Result.

apply_fun(Fun) -> Fun().

on_both(Fun) ->
    [in_node(fun() -> Fun(Backend) end) || Backend <- ?BACKENDS, there(Backend)].

there(Backend) ->
    case esock:open(inet, stream, tcp, #{io_backend => Backend}) of
        {ok, S} -> ok = esock:close(S), true;
        {error, {invalid, _}} -> false
    end.

helpers() ->
    [P || P <- processes(), process_info(P, initial_call) =:= {initial_call, {esock_busy_poll, init, 0}}].

%% The node's helper, once it hibernates and waits to be asked.
settled() ->
    until(fun() -> [rest || P <- helpers(), process_info(P, current_function) =:= {current_function, {erlang, hibernate, 3}}] =/= [] end),
    [Helper] = helpers(),
    Helper.

busy() ->
    #{io_backend := #{busy := Busy}} = esock:info(),
    Busy.

%% Runs echoes between 10 clients, which check each byte, and servers that wait for messages, during `During'. Answers how many.
traffic(Backend, During) ->
    {L, Addr} = esock_pairs:listener(esock, #{io_backend => Backend}),
    Servers = [spawn_monitor(fun() -> {ok, S} = esock:accept(L), serve(S) end) || _ <- lists:seq(1, 10)],
    Clients = [spawn_monitor(fun() ->
                   {ok, C} = esock:open(inet, stream, tcp, #{io_backend => Backend}),
                   ok = esock:connect(C, Addr),
                   echo(C, 0)
               end) || _ <- lists:seq(1, 10)],
    During(),
    [Pid ! stop || {Pid, _} <- Clients],
    Counts = [receive {'DOWN', M, _, _, {echoes, N}} -> N; {'DOWN', M, _, _, Reason} -> error(Reason) end || {_, M} <- Clients],
    [receive {'DOWN', M, _, _, Reason} -> ?assertEqual(normal, Reason) end || {_, M} <- Servers],
    ok = esock:close(L),
    lists:sum(Counts).

serve(S) ->
    case esock:recv(S, 0, nowait) of
        {ok, Data} -> ok = esock:send(S, Data), serve(S);
        {select, {_, _, H}} -> receive {'$socket', S, select, H} -> serve(S) end;
        {completion, {_, _, H}} ->
            receive
                {'$socket', S, completion, {H, {ok, Data}}} -> ok = esock:send(S, Data), serve(S);
                {'$socket', S, completion, {H, {error, closed}}} -> ok = esock:close(S)
            end;
        {error, closed} -> ok = esock:close(S)
    end.

echo(C, N) ->
    Data = <<N:64, 0:448>>,
    ok = esock:send(C, Data),
    {ok, Data} = esock:recv(C, 64),
    receive stop -> ok = esock:close(C), exit({echoes, N + 1}) after 0 -> echo(C, N + 1) end.

until(What) ->
    case What() of
        true -> ok;
        false -> receive after 1 -> until(What) end
    end.

%% The helper polls while there is traffic, and stops when that is over.
takes_over(_) ->
    on_both(fun(Backend) ->
        ?assert(traffic(Backend, fun() -> until(fun() -> busy() =:= 1 end) end) > 0),
        until(fun() -> busy() =:= 0 end)
    end).

never(_) ->
    in_node(fun() ->
        ok = esock_nif:busy_polling(false),
        ?assertError(badarg, esock_nif:busy_polling(sometimes)),
        Helper = settled(),
        {reductions, Before} = process_info(Helper, reductions),
        traffic(epoll, fun() -> [begin 0 = busy(), receive after 1 -> ok end end || _ <- lists:seq(1, 200)] end),
        ?assertEqual({reductions, Before}, process_info(Helper, reductions))
    end).

turned_off(_) ->
    in_node(fun() ->
        traffic(epoll, fun() ->
            until(fun() -> busy() =:= 1 end),
            ok = esock_nif:busy_polling(false),
            until(fun() -> busy() =:= 0 end),
            [begin 0 = busy(), receive after 1 -> ok end end || _ <- lists:seq(1, 100)]
        end)
    end).

by_environment(_) ->
    Reductions = fun() ->
        {ok, _} = esock:open(inet, stream, tcp),
        Helper = settled(),
        {reductions, Before} = process_info(Helper, reductions),
        traffic(epoll, fun() -> receive after 100 -> ok end end),
        {reductions, After} = process_info(Helper, reductions),
        After - Before
    end,
    ?assertEqual(0, in_node(Reductions, [{"ESOCK_BUSY_POLL", "false"}])),
    ?assert(in_node(Reductions, [{"ESOCK_BUSY_POLL", "always"}]) > 0).

by_application(_) ->
    in_node(fun() ->
        ok = application:load(esock),
        ok = application:set_env(esock, busy_poll, false),
        ok = application:start(esock),
        traffic(epoll, fun() -> [begin 0 = busy(), receive after 1 -> ok end end || _ <- lists:seq(1, 100)] end),
        ok = application:stop(esock)
    end).

%% If the helper is killed, the thread takes polling back, and no event is lost.
killed(_) ->
    on_both(fun(Backend) ->
        ?assert(traffic(Backend, fun() ->
            until(fun() -> busy() =:= 1 end),
            [Helper] = helpers(),
            exit(Helper, kill),
            until(fun() -> busy() =:= 0 end),
            %% Meanwhile the thread asks the killed helper once more.
            receive after 100 -> ok end
        end) > 0),
        ?assert(traffic(Backend, fun() -> receive after 50 -> 0 = busy() end end) > 0)
    end).

suspended(_) ->
    on_both(fun(Backend) ->
        ?assert(traffic(Backend, fun() ->
            [begin
                 until(fun() -> busy() =:= 1 end),
                 [Helper] = helpers(),
                 true = erlang:suspend_process(Helper),
                 until(fun() -> busy() =:= 0 end),
                 receive after 20 -> ok end,
                 true = erlang:resume_process(Helper)
             end || _ <- lists:seq(1, 5)]
        end) > 0)
    end).

%% The whole node is stopped (SIGSTOP) for 80 ms, longer than the 50 ms after which the thread takes polling back from an absent
%% helper.
paused(_) ->
    in_node(fun() ->
        Self = os:getpid(),
        traffic(epoll, fun() ->
            [begin
                 until(fun() -> busy() =:= 1 end),
                 os:cmd("kill -STOP " ++ Self ++ "; sleep 0.08; kill -CONT " ++ Self)
             end || _ <- lists:seq(1, 20)],
            until(fun() -> busy() =:= 1 end)
        end)
    end).

%% The module is reloaded twice: the helper goes on in the new code.
purged(_) ->
    in_node(fun() ->
        {ok, _} = esock:open(inet, stream, tcp),
        Helper = settled(),
        reload(),
        Helper = settled()
    end).

purged_in_use(_) ->
    in_node(fun() ->
        traffic(epoll, fun() ->
            until(fun() -> busy() =:= 1 end),
            Before = helpers(),
            reload(),
            ?assertEqual(Before, helpers()),
            until(fun() -> busy() =:= 1 end)
        end)
    end).

reload() ->
    [begin
         {module, esock_busy_poll} = code:load_file(esock_busy_poll),
         until(fun() -> code:soft_purge(esock_busy_poll) end)
     end || _ <- [1, 2]].

%% In a release (embedded mode) all modules are loaded at the start: the helper starts all the same.
embedded(Config) ->
    Dir = proplists:get_value(priv_dir, Config),
    [_ = application:load(App) || App <- [kernel, stdlib, esock]],
    [{ok, Kernel}, {ok, Stdlib}, {ok, Esock}] = [application:get_key(App, vsn) || App <- [kernel, stdlib, esock]],
    ok = file:write_file(filename:join(Dir, "r.rel"),
                         io_lib:format("~p.~n", [{release, {"r", "1"}, {erts, erlang:system_info(version)},
                                                  [{kernel, Kernel}, {stdlib, Stdlib}, {esock, Esock}]}])),
    {ok, _, _} = systools:make_script(filename:join(Dir, "r"), [{path, [filename:dirname(code:which(esock))]}, {outdir, Dir}, local, silent, no_warn_sasl]),
    Code = "F = fun F(0) -> none; F(N) -> case [P || P <- processes(), process_info(P, current_function) =:= {current_function, {erlang, hibernate, 3}},"
           " process_info(P, initial_call) =:= {initial_call, {esock_busy_poll, init, 0}}] of [_] -> there; [] -> receive after 1 -> F(N - 1) end end end,"
           " io:format(\"~p ~p\", [code:get_mode(), F(20000)]), halt().",
    Port = open_port({spawn_executable, os:find_executable("erl")},
                     [{args, ["-noshell", "-mode", "embedded", "-boot", filename:join(Dir, "r"), "-eval", Code]}, exit_status, stderr_to_stdout, binary]),
    ?assertEqual({0, <<"embedded there">>}, esock_life_SUITE:output(Port, <<>>)).

%% With 100,000 completions to do, no round of the helper holds its scheduler for 50 ms.
short_rounds(_) ->
    there(io_uring) andalso in_node(fun() ->
        {C, S} = esock_pairs:pair(),
        {ok, Fd} = esock:getopt(C, {otp, fd}),
        {ok, Q} = esock:open(Fd, #{dup => true, io_backend => io_uring}),
        fill(Q),
        Handles = [begin {completion, {_, _, H}} = esock:send(Q, <<"0123456789">>, [], nowait), H end || _ <- lists:seq(1, 100_000)],
        [Helper] = helpers(),
        erlang:system_monitor(self(), [{long_schedule, 50}]),
        %% Echoes keep the helper polling while the completions become possible.
        traffic(epoll, fun() ->
            until(fun() -> busy() =:= 1 end),
            spawn_link(fun() -> drain(S) end),
            [receive {'$socket', Q, completion, {H, ok}} -> ok end || H <- Handles]
        end),
        ?assertEqual([], [Info || {monitor, P, long_schedule, Info} <- flush(), P =:= Helper])
    end).

fill(S) ->
    case esock:send(S, binary:copy(<<0>>, 65536), [], nowait) of
        ok -> fill(S);
        {completion, _} -> ok
    end.

drain(S) ->
    case esock:recv(S) of
        {ok, _} -> drain(S);
        {error, _} -> ok
    end.

flush() ->
    receive Message -> [Message | flush()] after 0 -> [] end.

%% The helper belongs to the node: the process that opens the first socket may end, and its application may be stopped.
belongs_to_the_node(_) ->
    in_node(fun() ->
        Leader = spawn(fun() -> receive stop -> ok end end),
        {_, M} = spawn_monitor(fun() -> group_leader(Leader, self()), {ok, _} = esock:open(inet, stream, tcp) end),
        receive {'DOWN', M, _, _, normal} -> ok end,
        Helper = settled(),
        ?assertEqual({group_leader, whereis(init)}, process_info(Helper, group_leader)),
        ?assertEqual({links, []}, process_info(Helper, links))
    end).

%% The helper holds no binaries that it received for other processes.
holds_no_binaries(_) ->
    there(io_uring) andalso in_node(fun() ->
        ok = esock_nif:busy_polling(always),
        {ok, A} = esock:open(inet, dgram, udp, #{io_backend => io_uring}),
        {ok, B} = esock:open(inet, dgram, udp),
        [ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}) || S <- [A, B]],
        {ok, Addr} = esock:sockname(A),
        [begin
             {completion, {_, _, H}} = esock:recv(A, 2000, nowait),
             Data = rand:bytes(1000),
             ok = esock:sendto(B, Data, Addr),
             receive {'$socket', A, completion, {H, {ok, Data}}} -> ok end
         end || _ <- lists:seq(1, 100)],
        until(fun() -> busy() =:= 0 end),
        [Helper] = helpers(),
        until(fun() -> process_info(Helper, [status, binary]) =:= [{status, waiting}, {binary, []}] end)
    end).

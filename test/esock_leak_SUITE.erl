%% Nothing is left behind: descriptors, monitors, registrations, resources.
%%
%% Each case opens sockets in one way of abandoning them, and then everything must be as it was before.
-module(esock_leak_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [listener/0, udp/0]).

-compile([export_all, nowarn_export_all]).

%% 10,000 in all.
-define(EACH, 1250).

all() ->
    [closed, forgotten, owner_ends, owner_killed_waiting, accepted_forgotten, killed_in_a_burst, half_connected, monitored,
     closed_under_waiters, registered_while_closed, cloexec, emfile, ten_thousand_waits, signals_attended].

init_per_suite(Config) ->
    %% What is made once and stays: pollers, tables.
    {ok, S} = esock:open(inet, dgram),
    {error, timeout} = esock:recv(S, 0, 1),
    ok = esock:close(S),
    Config.

end_per_suite(_) ->
    ok.

state() ->
    #{counters := #{num_sockets := Sockets}} = esock:info(),
    #{sockets => Sockets, registered => esock:number_of(), descriptors => length(descriptors()),
      monitors => monitors()}.

descriptors() ->
    {ok, Names} = file:list_dir("/proc/self/fd"),
    [Fd || Fd <- Names, {ok, _} <- [file:read_link("/proc/self/fd/" ++ Fd)]].

%% Monitors that resources have on this process.
monitors() ->
    {monitored_by, By} = process_info(self(), monitored_by),
    length([Ref || Ref <- By, is_reference(Ref)]).

%% Runs a way of abandoning in a process of its own, EACH times.
abandon(Way) ->
    erlang:garbage_collect(),
    Before = state(),
    {Pid, MRef} = spawn_monitor(fun() -> [Way() || _ <- lists:seq(1, ?EACH)], exit(done) end),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assert(Reason =:= done orelse Reason =:= killed) end,
    back_to(Before).

%% Destructors run when the collector of a process does, and callbacks when their thread has time.
back_to(Before) -> back_to(Before, 5000).

back_to(Before, 0) ->
    ?assertEqual(Before, state());
back_to(Before, N) ->
    [erlang:garbage_collect(P) || N rem 100 =:= 0, P <- processes()],
    case state() of
        Before -> ok;
        _ -> receive after 2 -> back_to(Before, N - 1) end
    end.

closed(_) ->
    abandon(fun() -> {S, _} = udp(), {_, _} = esock:recv(S, 0, nowait), ok = esock:close(S) end).

%% Nobody refers to it, and its owner lives on.
forgotten(_) ->
    Before = state(),
    (fun() -> [udp() || _ <- lists:seq(1, ?EACH)] end)(),
    back_to(Before).

owner_ends(_) ->
    Before = state(),
    Pids = [spawn_monitor(fun() -> udp() end) || _ <- lists:seq(1, ?EACH)],
    [receive {'DOWN', MRef, _, Pid, _} -> ok end || {Pid, MRef} <- Pids],
    back_to(Before).

owner_killed_waiting(_) ->
    Before = state(),
    Self = self(),
    Pids = [spawn_monitor(fun() -> {S, _} = udp(), {_, _} = esock:recv(S, 0, nowait), Self ! waiting, esock:recv(S) end)
            || _ <- lists:seq(1, ?EACH)],
    [receive waiting -> ok end || _ <- Pids],
    [exit(Pid, kill) || {Pid, _} <- Pids],
    [receive {'DOWN', MRef, _, Pid, _} -> ok end || {Pid, MRef} <- Pids],
    back_to(Before).

accepted_forgotten(_) ->
    {L, Addr} = listener(),
    abandon(fun() ->
                    {ok, C} = esock:open(inet, stream, tcp),
                    ok = esock:setopt(C, {socket, linger}, abort),
                    ok = esock:connect(C, Addr),
                    {ok, _} = esock:accept(L),
                    ok = esock:close(C)
            end),
    ok = esock:close(L).

%% Whoever is killed while it takes connections, wherever it is: they are closed with it.
killed_in_a_burst(_) ->
    {L, Addr} = listener(),
    Before = state(),
    Abort = fun(S) -> ok = esock:setopt(S, {socket, linger}, abort) end,
    [begin
         {Pid, MRef} = spawn_monitor(fun Take() -> {ok, _} = esock:accept_many(L, 10), Take() end),
         Cs = [begin {ok, C} = esock:open(inet, stream, tcp), Abort(C), ok = esock:connect(C, Addr), C end || _ <- lists:seq(1, 5)],
         exit(Pid, kill),
         receive {'DOWN', MRef, process, Pid, killed} -> ok end,
         [ok = esock:close(S) || {ok, Left} <- [esock:accept_many(L, 10, 0)], S <- Left],
         [ok = esock:close(C) || C <- Cs]
     end || _ <- lists:seq(1, ?EACH div 5)],
    back_to(Before),
    ok = esock:close(L).

half_connected(_) ->
    {L, Addr} = listener(),
    abandon(fun() ->
                    {ok, C} = esock:open(inet, stream, tcp),
                    ok = esock:setopt(C, {socket, linger}, abort),
                    _ = esock:connect(C, Addr, nowait)
            end),
    ok = esock:close(L).

monitored(_) ->
    Before = state(),
    {S, _} = udp(),
    Pids = [spawn_monitor(fun() -> [esock:monitor(S) || _ <- lists:seq(1, 3)] end) || _ <- lists:seq(1, ?EACH)],
    [receive {'DOWN', MRef, _, Pid, _} -> ok end || {Pid, MRef} <- Pids],
    M = esock:monitor(S),
    ok = esock:close(S),
    receive {'DOWN', M, socket, S, closed} -> ok end,
    back_to(Before).

closed_under_waiters(_) ->
    Before = state(),
    Self = self(),
    [begin
         {S, _} = udp(),
         Pids = [spawn_monitor(fun() -> Self ! waiting, exit(esock:recv(S)) end) || _ <- [1, 2, 3]],
         [receive waiting -> ok end || _ <- Pids],
         ok = esock:close(S),
         [receive {'DOWN', MRef, _, Pid, {error, closed}} -> ok end || {Pid, MRef} <- Pids]
     end || _ <- lists:seq(1, ?EACH div 4)],
    back_to(Before).

%% Registration that races with close leaves no entry.
registered_while_closed(_) ->
    Before = state(),
    [begin
         {ok, S} = esock:open(inet, dgram, udp, #{use_registry => false}),
         {Pid, MRef} = spawn_monitor(fun() -> esock:setopt(S, {otp, use_registry}, true) end),
         _ = esock:close(S),
         receive {'DOWN', MRef, process, Pid, normal} -> ok end
     end || _ <- lists:seq(1, 10_000)],
    back_to(Before).

%% No program that the node starts inherits a socket.
cloexec(_) ->
    {L, Addr} = listener(),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, D} = esock:open(Fd),
    [?assertEqual({X, 8#2000000}, {X, flags(X) band 8#2000000}) || X <- [L, C, S, D]],
    [ok = esock:close(X) || X <- [L, C, S, D]].

flags(S) ->
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, Info} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
    {match, [Flags]} = re:run(Info, "flags:\\s+([0-7]+)", [{capture, all_but_first, list}]),
    list_to_integer(Flags, 8).

%% Out of descriptors: an error, and the listener goes on when there are some again. In a node of its own.
emfile(_) ->
    %% Loading a module needs a descriptor: they are loaded first.
    Code = "[{module, M} = code:ensure_loaded(M) || M <- [esock, esock_nif, esock_wait]],"
        "{ok, L} = esock:open(inet, stream, tcp),"
        "ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}), ok = esock:listen(L, 100),"
        "{ok, A} = esock:sockname(L), {ok, C} = esock:open(inet, stream, tcp),"
        "Self = self(),"
        "P = spawn(fun() -> R1 = esock:accept(L), Self ! R1, receive go -> Self ! element(1, esock:accept(L)) end end),"
        "Fill = fun F(Acc) -> case esock:open(inet, dgram) of {ok, S} -> F([S | Acc]); E -> {E, Acc} end end,"
        "{E, Open} = Fill([]), ok = esock:connect(C, A), R = receive X -> X end,"
        "[esock:close(S) || S <- Open], P ! go, R2 = receive Y -> Y end,"
        "io:format(\"~w\", [{E, R, R2}]), halt().",
    Ebin = filename:dirname(code:which(esock)),
    Out = os:cmd("sh -c 'ulimit -n 64; erl -noshell -pa " ++ Ebin ++ " -eval '\"'\"'" ++ Code ++ "'\"'\"' 2>&1'"),
    ?assertEqual("{{error,emfile},{error,emfile},ok}", Out).

%% Waiting and being woken costs nothing that stays, whoever waits.
ten_thousand_waits(_) ->
    {S, _} = udp(),
    {ok, Addr} = esock:sockname(S),
    Before = state(),
    Self = self(),
    Receive = fun(_) -> {ok, _} = esock:recv(S), Self ! next end,
    Pid = spawn_link(fun() -> lists:foreach(Receive, lists:seq(1, 10_000)), unmonitored(1000), Self ! done,
                              receive stop -> ok end end),
    [begin ok = esock:sendto(S, <<"x">>, Addr), receive next -> ok end end || _ <- lists:seq(1, 10_000)],
    receive done -> ok end,
    Pid ! stop,
    back_to(Before),
    ok = esock:close(S).

%% The end of a monitor is a signal to the process: it is handled when it is next scheduled.
unmonitored(N) when N > 0 ->
    case monitors() of
        0 -> ok;
        _ -> erlang:yield(), unmonitored(N - 1)
    end.

%% A process that opens and closes and never waits: the ends of the watches over it do not pile up in its queue, where they
%% were some 100 bytes each, and every collection went through them.
signals_attended(_) ->
    Self = self(),
    erlang:garbage_collect(),
    Before = erlang:memory(system),
    {Pid, MRef} = spawn_monitor(fun() ->
                                        [begin {ok, S} = esock:open(inet, dgram), ok = esock:close(S) end || _ <- lists:seq(1, 50_000)],
                                        Self ! opened,
                                        busy()
                                end),
    receive opened -> ok end,
    %% The schedulers free what has ended in their own time; signals stay for as long as the process does.
    esock_async_SUITE:until(fun() -> erlang:memory(system) - Before < 2_000_000 end),
    exit(Pid, kill),
    receive {'DOWN', MRef, process, Pid, killed} -> ok end.

busy() -> busy().

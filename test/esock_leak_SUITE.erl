%% No leaks of descriptors, monitors, registry entries and resources.
%%
%% Each case abandons sockets in one way. Then all counts must be as they were before.
-module(esock_leak_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [listener/0, udp/0]).

-compile([export_all, nowarn_export_all]).

%% How often a case abandons its sockets: 10,000 times in all cases together.
-define(EACH, 1250).

all() ->
    [closed, forgotten, owner_ends, owner_killed_waiting, accepted_forgotten, killed_in_a_burst, half_connected, monitored,
     closed_under_waiters, former_owner_waits, owners_end_under_a_waiter, completed_for_others,
     killed_in_the_middle_of_close, registered_while_closed, cloexec, given_file, emfile, ten_thousand_waits, signals_attended].

init_per_suite(Config) ->
    %% The first wait makes what stays for the life of the node: pollers and tables.
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

%% The monitors of resources on this process.
monitors() ->
    {monitored_by, By} = process_info(self(), monitored_by),
    length([Ref || Ref <- By, is_reference(Ref)]).

%% Calls `Way' ?EACH times in a process of its own, and waits until the counts are as before.
abandon(Way) ->
    erlang:garbage_collect(),
    Before = state(),
    {Pid, MRef} = spawn_monitor(fun() -> [Way() || _ <- lists:seq(1, ?EACH)], exit(done) end),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assert(Reason =:= done orelse Reason =:= killed) end,
    back_to(Before).

%% The count of resource monitors on a process. On OTP 25 the signal that ends a monitor stays in the signal queue until the
%% process handles it, which process_info of the queue length makes it do.
monitors(Pid) ->
    _ = process_info(Pid, message_queue_len),
    {monitored_by, By} = process_info(Pid, monitored_by),
    length([Ref || Ref <- By, is_reference(Ref)]).

%% Waits until a process has `Count' monitors: threads end monitors later.
monitors_are(Count, Pid) -> monitors_are(Count, Pid, 5000).

monitors_are(Count, Pid, 0) -> ?assertEqual(Count, monitors(Pid));
monitors_are(Count, Pid, N) ->
    case monitors(Pid) of
        Count -> ok;
        _ -> receive after 2 -> monitors_are(Count, Pid, N - 1) end
    end.

%% Waits until the counts are as before: destructors run with a garbage collection, and callbacks later on their thread.
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

%% Sockets outside the registry, without references: the collector closes them although their owner lives.
forgotten(_) ->
    Before = state(),
    (fun() -> [esock:open(inet, dgram, udp, #{use_registry => false}) || _ <- lists:seq(1, ?EACH)] end)(),
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

%% If a process is killed during accept_many, at any point, its accepted connections are closed.
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

%% Entering the registry races with close: no entry stays.
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

%% A descriptor of a file, not a socket, is refused and left open and unchanged, also with `own => true'.
given_file(_) ->
    {ok, File} = file:open(code:which(?MODULE), [read, raw, binary]),
    {file_descriptor, prim_file, _} = File,
    <<Fd:32/native>> = prim_file:get_handle(File),
    {ok, Flags} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
    [begin
         Options = #{dup => Dup, own => true},
         ?assertEqual({error, enotsock}, esock:open(Fd, Options))
     end || Dup <- [false, true]],
    ?assertEqual({ok, Flags}, file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd))),
    ?assertEqual({ok, <<"FOR1">>}, file:read(File, 4)),
    ok = file:close(File).

%% Without free descriptors accept answers emfile, and succeeds when there are some again. In a node of its own.
emfile(_) ->
    %% Loading a module needs a descriptor, so the modules are loaded first.
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

%% 10,000 waits of a process on a socket of another leave nothing behind.
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

%% Waits until this process has no monitors: a monitor ends by a signal, which the process handles when it is scheduled.
unmonitored(N) when N > 0 ->
    case monitors() of
        0 -> ok;
        _ -> erlang:yield(), unmonitored(N - 1)
    end.

%% A process that opens and closes sockets and never waits does not accumulate the signals of ended monitors in its signal queue.
%% They would take some 100 bytes each, and each garbage collection would go through them.
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
    %% The schedulers free ended monitors later; accumulated signals would stay as long as the process.
    esock_async_SUITE:until(fun() -> erlang:memory(system) - Before < 2_000_000 end),
    exit(Pid, kill),
    receive {'DOWN', MRef, process, Pid, killed} -> ok end.

busy() -> busy().

%% An owner gives the socket away and gets it back while it waits: it has two monitors, as the owner and as a waiter.
former_owner_waits(_) ->
    Self = self(),
    Before = monitors(Self),
    {S, _} = udp(),
    monitors_are(Before + 1, Self),
    {_, Info} = esock:recv(S, 0, nowait),
    Other = spawn_link(fun Back() -> receive {back, To} -> ok = esock:setopt(S, {otp, controlling_process}, To), To ! done, Back() end end),
    Give = fun() -> ok = esock:setopt(S, {otp, controlling_process}, Other) end,
    Back = fun() -> Other ! {back, Self}, receive done -> ok end end,
    [begin Give(), Back() end || _ <- lists:seq(1, 1000)],
    monitors_are(Before + 2, Self),
    ok = esock:cancel(S, Info),
    monitors_are(Before + 1, Self),
    %% The process waits and is no longer the owner: it has one monitor.
    {_, Read} = esock:recv(S, 0, nowait),
    Give(),
    monitors_are(Before + 1, Self),
    ok = esock:cancel(S, Read),
    monitors_are(Before, Self),
    Back(),
    {_, _} = esock:recv(S, 0, nowait),
    Give(),
    Back(),
    ok = esock:close(S),
    monitors_are(Before, Self).

%% A process waits on the sockets of other processes, which end.
owners_end_under_a_waiter(_) ->
    Self = self(),
    Before = monitors(Self),
    Sockets = [begin
                   {Pid, MRef} = spawn_monitor(fun() -> {S, _} = udp(), Self ! {self(), S}, receive stop -> ok end end),
                   S = receive {Pid, Socket} -> Socket end,
                   {_, Info} = esock:recv(S, 0, nowait),
                   {Pid, MRef, S, element(3, Info)}
               end || _ <- lists:seq(1, 50)],
    monitors_are(Before + 50, Self),
    [exit(Pid, kill) || {Pid, _, _, _} <- Sockets],
    [receive {'DOWN', MRef, _, _, _} -> ok end || {_, MRef, _, _} <- Sockets],
    [receive {'$socket', S, abort, {H, closed}} -> ok end || {_, _, S, H} <- Sockets],
    monitors_are(Before, Self).

%% Waits on a socket of another process that end with data or by a cancel leave no monitor.
completed_for_others(_) ->
    Self = self(),
    Owner = spawn_link(fun() -> {S, Addr} = udp(), Self ! {self(), S, Addr}, receive stop -> ok end end),
    {S, Addr} = receive {Owner, Socket, A} -> {Socket, A} end,
    Before = monitors(Self),
    [begin
         {_, {_, _, H} = Info} = esock:recv(S, 0, nowait),
         case N rem 2 of
             0 ->
                 ok = esock:cancel(S, Info);
             1 ->
                 ok = esock:sendto(S, <<"x">>, Addr),
                 receive
                     {'$socket', S, select, H} -> {ok, <<"x">>} = esock:recv(S, 0, nowait);
                     {'$socket', S, completion, {H, {ok, <<"x">>}}} -> ok
                 end
         end
     end || N <- lists:seq(1, 200)],
    monitors_are(Before, Self),
    Owner ! stop.

%% A close that may block has two steps. If the process is killed between them, the descriptor is closed all the same.
killed_in_the_middle_of_close(_) ->
    {L, Addr} = listener(),
    Before = state(),
    Sockets = [begin
                   {Pid, MRef} = spawn_monitor(
                                   fun() ->
                                           {ok, {'$socket', Ref} = S} = esock:open(inet, stream, tcp),
                                           ok = esock:setopt(S, {socket, linger}, #{onoff => true, linger => 60}),
                                           linger = esock_nif:close(Ref),
                                           exit({half, S})
                                   end),
                   receive {'DOWN', MRef, _, Pid, {half, S}} -> S end
               end || _ <- lists:seq(1, ?EACH)],
    back_to(Before),
    [?assertEqual({error, closed}, esock:close(S)) || S <- Sockets],
    ?assertEqual({ok, Addr}, esock:sockname(L)),
    ok = esock:close(L).

%% The registry and the monitors of sockets: their answers, the time of a call on a scheduler with many entries, and that no
%% monitor of a process stays.
-module(esock_registry_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_async_SUITE, [until/1]).
-import(esock_pairs, [udp/0, close/1]).

-compile([export_all, nowarn_export_all]).

all() ->
    [kept, pages, who_stays, monitored_by_once, monitors_of, monitors_of_a_gone_socket, cancelled_in_any_order, monitors_counted,
     cancelled, closed, closed_by_another, closed_before, signals_attended, registered_while_closed, monitored_while_closed,
     charged, scheduler].

sockets(N) ->
    [begin {ok, S} = esock:open(inet, dgram, udp), S end || _ <- lists:seq(1, N)].

monitors(S, N) ->
    [esock:monitor(S) || _ <- lists:seq(1, N)].

%% Calls `Fun' in a new process, which lives until it gets `stop'. Answers the process and the result.
actor(Fun) ->
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), Fun()}, receive stop -> ok end end),
    {Pid, receive {Pid, Result} -> Result end}.

%%% Sockets that the registry keeps.

%% A process that opens a listener or a connection, and keeps no reference to it, owns it until it ends.
kept(_) ->
    {Pid, Addr} = actor(fun() ->
                            {ok, L} = esock:open(inet, stream, tcp),
                            ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
                            ok = esock:listen(L),
                            {ok, Addr} = esock:sockname(L),
                            Addr
                        end),
    collected(Pid),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    %% The same for a connection, in a process with a wait that has ended.
    {Holder, _} = actor(fun() ->
                            {ok, H} = esock:open(inet, stream, tcp),
                            {error, timeout} = esock:recv(C, 0, 1),
                            esock:connect(H, Addr)
                        end),
    collected(Holder),
    ?assertMatch([_], esock:which_sockets(Holder)),
    ?assertMatch([_], esock:which_sockets(Pid)),
    [begin unlink(P), exit(P, kill) end || P <- [Pid, Holder]],
    until(fun() -> esock:which_sockets(Pid) ++ esock:which_sockets(Holder) =:= [] end),
    {ok, D} = esock:open(inet, stream, tcp),
    ?assertEqual({error, econnrefused}, esock:connect(D, Addr)),
    close([C, D]).

collected(Pid) -> [true = erlang:garbage_collect(Pid) || _ <- [1, 2, 3]].

%%% Answers.

pages(_) ->
    Before = esock:which_sockets(),
    Ss = sockets(3000),
    ?assertEqual(lists:sort(Ss), lists:sort(esock:which_sockets() -- Before)),
    close(Ss),
    ?assertEqual([], esock:which_sockets() -- Before).

%% Sockets are opened and closed between the pages of a walk: those that stay open are found, each once.
who_stays(_) ->
    {Stay, Go} = lists:split(2000, sockets(3000)),
    Found = walk(0, Go),
    [?assertEqual(1, maps:get(S, Found)) || S <- Stay],
    close(Stay).

walk(done, Go) ->
    close(Go),
    #{};
walk(Cursor, Go) ->
    {Page, Next} = esock_nif:which_sockets(Cursor),
    {Now, Later} = lists:split(min(10, length(Go)), Go),
    close(Now),
    Come = sockets(length(Now)),
    Found = walk(Next, Later),
    close(Come),
    lists:foldl(fun(S, Counts) -> maps:update_with(S, fun(N) -> N + 1 end, 1, Counts) end, Found, Page).

monitored_by_once(_) ->
    {S, _} = udp(),
    _ = monitors(S, 3),
    {Pid, _} = actor(fun() -> monitors(S, 2) end),
    ?assertEqual(lists:sort([self(), Pid]), lists:sort(esock:monitored_by(S))),
    ?assertEqual(5, esock:number_of_monitors(S)),
    Pid ! stop,
    until(fun() -> esock:monitored_by(S) =:= [self()] end),
    close([S]).

monitors_of(_) ->
    [S, T] = sockets(2),
    {Ms, Ns} = {monitors(S, 1000), monitors(T, 10)},
    {Pid, Os} = actor(fun() -> monitors(S, 500) ++ monitors(T, 5) end),
    ?assertEqual(lists:sort(Ms ++ lists:sublist(Os, 500)), lists:sort(esock:which_monitors(S))),
    ?assertEqual(lists:sort(Ms ++ Ns), lists:sort(esock:which_monitors(self()))),
    ?assertEqual(lists:sort(Os), lists:sort(esock:which_monitors(Pid))),
    ?assertEqual({1500, 15, 1010, 505}, {esock:number_of_monitors(S), esock:number_of_monitors(T),
                                         esock:number_of_monitors(self()), esock:number_of_monitors(Pid)}),
    Pid ! stop,
    close([S, T]),
    ?assertEqual({0, []}, {esock:number_of_monitors(S), esock:which_monitors(self())}).

monitors_of_a_gone_socket(_) ->
    Gone = {'$socket', make_ref()},
    ?assertEqual({0, [], []}, {esock:number_of_monitors(Gone), esock:which_monitors(Gone), esock:monitored_by(Gone)}).

%% Cancelling a monitor leaves the others. A new monitor may take its place in the table.
cancelled_in_any_order(_) ->
    {S, _} = udp(),
    Numbered = lists:zip(lists:seq(1, 1000), monitors(S, 1000)),
    {Even, Odd} = lists:partition(fun({N, _}) -> N rem 2 =:= 0 end, Numbered),
    [?assert(esock:cancel_monitor(M)) || {_, M} <- Even],
    More = monitors(S, 500),
    [?assertNot(esock:cancel_monitor(M)) || {_, M} <- Even],
    Left = [M || {_, M} <- Odd] ++ More,
    ?assertEqual(lists:sort(Left), lists:sort(esock:which_monitors(S))),
    close([S]),
    [receive {'DOWN', M, socket, S, closed} -> ok end || M <- Left],
    receive {'DOWN', _, socket, _, _} = Other -> error(Other) after 0 -> ok end,
    [?assertNot(esock:cancel_monitor(M)) || M <- Left].

monitors_counted(_) ->
    Before = esock:number_of_monitors(),
    [S, T] = sockets(2),
    Ms = monitors(S, 100),
    _ = monitors(T, 10),
    {Pid, _} = actor(fun() -> monitors(S, 50) end),
    ?assertEqual(Before + 160, esock:number_of_monitors()),
    [esock:cancel_monitor(M) || M <- lists:sublist(Ms, 30)],
    ?assertEqual(Before + 130, esock:number_of_monitors()),
    close([T]),
    ?assertEqual(Before + 120, esock:number_of_monitors()),
    _ = monitors(T, 7),
    ?assertEqual(Before + 120, esock:number_of_monitors()),
    Pid ! stop,
    until(fun() -> esock:number_of_monitors() =:= Before + 70 end),
    close([S]),
    ?assertEqual(Before, esock:number_of_monitors()).

%%% The VM's monitor of a process ends with the socket's monitor, even while its reference is kept.

%% Calls `Run', which begins and ends monitors, in a process that keeps their references: if the resource behind a monitor is
%% collected, process_info may still list it, and the VM crashes (OTP 25). For that reason the process owns no socket either.
unwatched(Run) ->
    Self = self(),
    Pid = spawn_link(fun() ->
                             receive go -> ok end,
                             Ms = Run(),
                             Self ! ended,
                             receive stop -> Self ! {kept, Ms} end
                     end),
    Before = process_info(Pid, monitored_by),
    Pid ! go,
    receive ended -> ok end,
    until(fun() -> process_info(Pid, monitored_by) =:= Before end),
    Pid ! stop,
    receive {kept, [_ | _]} -> ok end.

cancelled(_) ->
    {S, _} = udp(),
    unwatched(fun() -> Ms = monitors(S, 100), [true = esock:cancel_monitor(M) || M <- Ms], Ms end),
    close([S]).

closed(_) ->
    {S, _} = udp(),
    unwatched(fun() ->
                      Ms = monitors(S, 100),
                      close([S]),
                      [receive {'DOWN', M, socket, S, closed} -> ok end || M <- Ms],
                      Ms
              end).

closed_by_another(_) ->
    {S, _} = udp(),
    unwatched(fun() -> Ms = monitors(S, 100), {Pid, _} = actor(fun() -> close([S]) end), Pid ! stop, Ms end).

closed_before(_) ->
    {S, _} = udp(),
    close([S]),
    unwatched(fun() -> monitors(S, 100) end).

%% A process that monitors and never waits does not accumulate the signals of the VM's monitors: they would take 5 MB.
signals_attended(_) ->
    {S, _} = udp(),
    Self = self(),
    Before = erlang:memory(system),
    spawn_link(fun() ->
                       [true = esock:cancel_monitor(esock:monitor(S)) || _ <- lists:seq(1, 20_000)],
                       erlang:garbage_collect(),
                       Self ! {grown, erlang:memory(system) - Before}
               end),
    Grown = receive {grown, Bytes} -> Bytes end,
    ?assert(Grown < 2_000_000),
    close([S]).

%%% Races with close.

registered_while_closed(_) ->
    meanwhile(fun(S) -> esock:setopt(S, {otp, use_registry}, true) end).

monitored_while_closed(_) ->
    meanwhile(fun(S) -> M = esock:monitor(S), receive {'DOWN', M, socket, S, closed} -> ok end end).

%% One process opens and closes sockets while another calls `Do' with them: no socket and no monitor stays in the registry.
meanwhile(Do) ->
    {Sockets, Monitors} = {esock:number_of(), esock:number_of_monitors()},
    Self = self(),
    Pid = spawn_link(fun Loop() -> receive {S, Self} -> _ = Do(S), Self ! {done, S}, Loop(); stop -> ok end end),
    [begin
         {ok, S} = esock:open(inet, dgram, udp, #{use_registry => false}),
         Pid ! {S, Self},
         %% The calls race at different points.
         [erlang:yield() || _ <- lists:seq(1, N rem 4)],
         ok = esock:close(S),
         receive {done, S} -> ok end
     end || N <- lists:seq(1, 10_000)],
    Pid ! stop,
    ?assertEqual({Sockets, Monitors}, {esock:number_of(), esock:number_of_monitors()}).

%%% Schedulers.

%% Long calls count reductions, so that the process is scheduled out in time: some reductions for each entry, whatever the load.
charged(_) ->
    [S | _] = Ss = sockets(3000),
    _ = monitors(S, 3000),
    Calls = [{which_sockets, 4, fun() -> esock:which_sockets() end},
             {which_monitors, 4, fun() -> esock:which_monitors(S) end},
             {monitored_by, 4, fun() -> esock:monitored_by(S) end},
             {info, 12, fun() -> [esock:info(X) || X <- Ss] end}],
    Free = [{Name, Count} || {Name, Least, Call} <- Calls, Count <- [reductions(Call)], Count < Least * 3000],
    close(Ss),
    ?assertEqual([], Free).

reductions(Call) ->
    Reductions = fun() -> element(2, process_info(self(), reductions)) end,
    {Pid, Count} = actor(fun() -> Before = Reductions(), _ = Call(), Reductions() - Before end),
    Pid ! stop,
    Count.

%% With 15,000 sockets, and 20,000 monitors of one of them, no call holds a scheduler for 2 ms.
scheduler(_) ->
    [S | _] = Ss = sockets(min(15_000, descriptors() - 1000)),
    {Pid, _} = actor(fun() -> monitors(S, 20_000) end),
    Calls = #{which_sockets => fun() -> esock:which_sockets() end,
              number_of_monitors => fun() -> esock:number_of_monitors() end,
              number_of_monitors_of_process => fun() -> esock:number_of_monitors(Pid) end,
              number_of_monitors_of_socket => fun() -> esock:number_of_monitors(S) end,
              which_monitors_of_process => fun() -> esock:which_monitors(Pid) end,
              which_monitors_of_socket => fun() -> esock:which_monitors(S) end,
              monitored_by => fun() -> esock:monitored_by(S) end,
              %% The calls that a filter makes for each socket. They are few, so that the system seldom preempts the scheduler.
              info => fun() -> [esock:info(X) || X <- lists:sublist(Ss, 3000)] end,
              monitor_and_cancel => fun() -> [true = esock:cancel_monitor(M) || M <- monitors(S, 3000)] end},
    Held = maps:filter(fun(_, Call) -> holds(Call, 3) end, Calls),
    Pid ! stop,
    close(Ss),
    ?assertEqual([], maps:keys(Held)).

descriptors() ->
    case string:trim(os:cmd("ulimit -n")) of
        "unlimited" -> 1_000_000;
        Limit -> list_to_integer(Limit)
    end.

%% Whether a call holds its scheduler in each of `Tries' runs. A run in which the system preempted a scheduler does not count.
holds(Call, Tries) -> holds(Call, Tries, 30).

holds(_Call, 0, _) -> true;
holds(_Call, _, 0) -> ct:comment("the machine is too busy to tell"), false;
holds(Call, Tries, Busy) ->
    Before = preempted(),
    case {held(Call), preempted()} of
        {[], _} -> false;
        {Infos, Before} -> ct:pal("~p", [Infos]), holds(Call, Tries - 1, Busy);
        _ -> holds(Call, Tries, Busy - 1)
    end.

%% How often scheduler threads of the VM were preempted by the system.
preempted() ->
    Threads = filelib:wildcard("/proc/self/task/*"),
    lists:sum([Count || Thread <- Threads, {ok, Name} <- [file:read_file(Thread ++ "/comm")],
                        string:find(Name, "sched") =/= nomatch,
                        {ok, Status} <- [file:read_file(Thread ++ "/status")],
                        {match, [Digits]} <- [re:run(Status, "nonvoluntary_ctxt_switches:\\s+(\\d+)", [{capture, all_but_first, list}])],
                        Count <- [list_to_integer(Digits)]]).

%% Reports of a process that held its scheduler for 2 ms or more. Its heap is large, so that garbage collection is not measured.
held(Call) ->
    Self = self(),
    Watcher = spawn_link(fun() ->
                                 _ = erlang:system_monitor(self(), [{long_schedule, 2}]),
                                 Self ! watching,
                                 receive {stop, Pid} -> Self ! {held, [Info || {Who, Info} <- reports(), Who =:= Pid]} end
                         end),
    receive watching -> ok end,
    {Pid, MRef} = spawn_opt(fun() -> _ = Call(), ok end,
                            [monitor, {min_heap_size, 1_000_000}, {min_bin_vheap_size, 50_000_000}]),
    receive {'DOWN', MRef, process, Pid, normal} -> ok end,
    Watcher ! {stop, Pid},
    receive {held, Infos} -> Infos end.

reports() ->
    receive {monitor, Pid, long_schedule, Info} -> [{Pid, Info} | reports()] after 0 -> [] end.

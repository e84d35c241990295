%% Waiting for events without reading: esock:wait/3, select/2, receives of urgent data, and descriptors that are no sockets.
-module(esock_wait_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [pair/0, listener/0, udp/0, local_pair/2, close/1]).
-import(esock_async_SUITE, [until/1]).

-compile([export_all, nowarn_export_all]).

-define(ALL, [read, write, priority, hup, error]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [ways, as_poll, same_events_as_python, arguments, beside_readers, acceptors, connecting, room, hang_up, hang_up_beside_completions,
     error_event, priority_event, cancel, cancel_crosses, same_handle, closed, owner_ends, former_owner_waits, waiters_killed,
     one_message_each, read_ahead, ring_is_ended, urgent, urgent_beside_a_reader, urgent_not_to_come, error_queue, selected,
     select_waits, select_fails, select_leaves_nothing, other_descriptors, poll_only_does_nothing_else, poll_only_opened,
     poll_only_is_not_changed, no_descriptors].

init_per_suite(Config) -> esock_leak_SUITE:init_per_suite(Config).

end_per_suite(_) -> ok.

%% The message of a wait, which comes.
notified(S, H) -> receive {'$socket', S, select, H} -> ok after 10_000 -> ct:fail(no_message) end.

not_notified(S) -> receive {'$socket', S, _, _} = Early -> ct:fail({in_vain, Early}) after 30 -> ok end.

waits(S, Events) ->
    {select, {select_info, wait, H}} = esock:wait(S, Events, nowait),
    H.

%% Calls `Fun' in a process; it sends the result as `{Pid, Result}'.
spawned(Fun) ->
    Self = self(),
    spawn_link(fun() -> Self ! {self(), Fun()} end).

result(Pid) -> receive {Pid, Result} -> Result after 10_000 -> ct:fail({no_result, Pid}) end.

%% A process that blocks in `wait': it is among the observers when its process waits in a receive.
blocked(Fun) ->
    Pid = spawned(Fun),
    until(fun() -> process_info(Pid, status) =:= {status, waiting} end),
    Pid.

ways(_) ->
    {C, S} = pair(),
    ?assertEqual({error, timeout}, esock:wait(S, [read], 0)),
    ?assertEqual({error, timeout}, esock:wait(S, [read], 20)),
    ?assertEqual({error, timeout}, esock:wait_readable(S, 20)),
    ?assertEqual(ok, esock:wait_writable(S, infinity)),
    Blocked = [blocked(fun() -> esock:wait(S, [read], T) end) || T <- [infinity, 60_000]],
    H = waits(S, [read]),
    Own = make_ref(),
    ?assertEqual({select, {select_info, wait, Own}}, esock:wait(S, [read, hup], Own)),
    {select, {select_info, wait, H3}} = esock:wait_readable(S, nowait),
    ok = esock:send(C, "hello"),
    [notified(S, Each) || Each <- [H, Own, H3]],
    [?assertEqual({ok, [read]}, result(Pid)) || Pid <- Blocked],
    [?assertEqual({ok, [read]}, esock:wait(S, [read], T)) || T <- [0, 10, infinity, nowait, make_ref()]],
    ?assertEqual({ok, [read, write]}, esock:wait(S, ?ALL, 0)),
    ?assertEqual(ok, esock:wait_readable(S, 0)),
    ?assertEqual({ok, <<"hello">>}, esock:recv(S, 5)),
    not_notified(S),
    close([C, S]).

%% The states of poll(2).
as_poll(_) ->
    {ok, Fresh} = esock:open(inet, stream, tcp),
    ?assertEqual({ok, [hup]}, esock:wait(Fresh, [], 0)),
    ?assertEqual({ok, [write, hup]}, esock:wait(Fresh, [read, write], 0)),
    {C, S} = pair(),
    ?assertEqual({error, timeout}, esock:wait(S, [], 0)),
    ok = esock:shutdown(C, write),
    %% The end of the stream is readable. It is a hang-up for a caller that asks for it.
    ?assertEqual({ok, [read]}, esock:wait(S, [read], 5000)),
    ?assertEqual({ok, [read, hup]}, esock:wait(S, [read, hup], 0)),
    ?assertEqual({error, timeout}, esock:wait(S, [error], 0)),
    ok = esock:shutdown(S, write),
    ?assertEqual({ok, [hup]}, esock:wait(S, [error], 5000)),
    close([Fresh, C, S]).

%% poll(2) of Python on the same open sockets, for each set of events.
same_events_as_python(Config) ->
    {L, _} = listener(),
    Fresh = opened(),
    {Pending, _} = listener(),
    {ok, PendingAddr} = esock:sockname(Pending),
    Connecting = connected(PendingAddr),
    {C1, Idle} = pair(),
    {C2, Bytes} = pair(), ok = esock:send(C2, "x"),
    {C3, Urgent} = pair(), ok = esock:send(C3, "u", [oob]),
    {C4, Ended} = pair(), ok = esock:shutdown(C4, write),
    {C5, Own} = pair(), ok = esock:shutdown(Own, read),
    {C6, Both} = pair(), [ok = esock:shutdown(E, read_write) || E <- [C6, Both]],
    {C7, Reset} = pair(), ok = esock:setopt(C7, {socket, linger}, #{onoff => true, linger => 0}), ok = esock:close(C7),
    {C8, Full} = pair(), fill(Full),
    {Udp, _} = udp(),
    {Datagram, DatagramAddr} = udp(), ok = esock:sendto(Datagram, "x", DatagramAddr),
    {Refused, RefusedAddr} = udp(), ok = esock:setopt(Refused, {ip, recverr}, true), ok = esock:sendto(Refused, "x", RefusedAddr#{port := 1}),
    Locals = [local_pair(esock, Type) || Type <- [stream, dgram, seqpacket]],
    GoneLocals = [begin {A, B} = local_pair(esock, Type), ok = esock:close(A), B end || Type <- [stream, seqpacket]],
    [{ok, _} = esock:wait(S, Events, 5000)
     || {S, Events} <- [{Pending, [read]}, {Bytes, [read]}, {Urgent, [priority]}, {Ended, [hup]}, {Both, [hup]}, {Reset, [hup]},
                        {Datagram, [read]}, {Refused, [error]}]],
    Sockets = [{fresh, Fresh}, {listener, L}, {pending, Pending}, {idle, Idle}, {bytes, Bytes}, {urgent, Urgent}, {ended, Ended},
               {own, Own}, {both, Both}, {reset, Reset}, {full, Full}, {udp, Udp}, {datagram, Datagram}, {refused, Refused}] ++
              [{local, E} || {A, B} <- Locals, E <- [A, B]] ++ [{gone, E} || E <- GoneLocals],
    Fds = [begin {ok, Fd} = esock:getopt(S, {otp, fd}), Fd end || {_, S} <- Sockets],
    Masks = lists:seq(0, 31),
    Script = io_lib:format(
               "import ctypes, select\n"
               "libc = ctypes.CDLL(None, use_errno=True)\n"
               "process = libc.syscall(434, ~s, 0)\n"
               "names = [(1, select.POLLIN), (2, select.POLLOUT), (4, select.POLLERR), (8, select.POLLRDHUP), (16, select.POLLPRI)]\n"
               "for number in ~w:\n"
               "    fd = libc.syscall(438, process, number, 0)\n"
               "    assert fd >= 0, ctypes.get_errno()\n"
               "    for mask in ~w:\n"
               "        poll = select.poll()\n"
               "        poll.register(fd, sum(bit for n, bit in names if mask & n))\n"
               "        got = sum(got for _, got in poll.poll(0))\n"
               "        print(sum(n for n, bit in names if got & bit) | (8 if got & select.POLLHUP else 0))\n", [os:getpid(), Fds, Masks]),
    esock_oracle:python(Config, Script, fun(Printed) ->
        Theirs = [binary_to_integer(Line) || Line <- binary:split(Printed, <<"\n">>, [global, trim])],
        Ours = [{What, Mask, bits(esock:wait(S, esock_events:names(Mask), 0))} || {What, S} <- Sockets, Mask <- Masks],
        ?assertEqual(length(Ours), length(Theirs)),
        ?assertEqual([], [{What, Mask, {ours, Our}, {theirs, Their}} || {{What, Mask, Our}, Their} <- lists:zip(Ours, Theirs), Our =/= Their]),
        close([L, Connecting, C1, C2, C3, C4, C5, C6, C8]),
        close([S || {_, S} <- Sockets, S =/= L])
    end).

opened() -> {ok, S} = esock:open(inet, stream, tcp), S.

connected(Addr) ->
    S = opened(),
    ok = esock:connect(S, Addr),
    S.

bits({error, timeout}) -> 0;
bits({ok, Events}) -> {ok, Number} = esock_events:number(Events), Number.

fill(S) ->
    case esock:send(S, binary:copy(<<"x">>, 100_000), 0) of
        {error, timeout} -> ok;
        _ -> fill(S)
    end.

arguments(_) ->
    {C, S} = pair(),
    ?assertEqual({error, {invalid, {event, readable}}}, esock:wait(S, [read, readable], 0)),
    ?assertEqual({error, {invalid, {event, 1}}}, esock:wait(S, [1], nowait)),
    [?assertError(badarg, esock:wait(Socket, Events, 0))
     || {Socket, Events} <- [{S, read}, {S, [read | write]}, {foo, [read]}, {{'$socket', make_ref()}, [read]}, {element(2, S), [read]}]],
    [?assertError({invalid, {timeout, T}}, esock:wait(S, [read], T)) || T <- [-1, foo, 1.0]],
    [?assertError({invalid, {timeout, T}}, esock:select([S], T)) || T <- [-1, foo, nowait, make_ref()]],
    ?assertEqual({error, {invalid, {sockets, []}}}, esock:select([], 0)),
    ?assertEqual({error, {invalid, {event, foo}}}, esock:select([C, {S, [foo]}], 0)),
    [?assertError(badarg, esock:select(Sockets, 0)) || Sockets <- [S, foo, [foo], [S | foo], [{S, read}], [{foo, [read]}], [{'$socket', foo}]]],
    ?assertError(badarg, esock:cancel(S, {select_info, foo, make_ref()})),
    Never = {select_info, wait, make_ref()},
    ?assertEqual({error, {invalid, Never}}, esock:cancel(S, Never)),
    close([C, S]).

%% Readers keep their turns, their order and their bytes; each observer gets its event.
beside_readers(_) ->
    {C, S} = pair(),
    Readers = [blocked(fun() -> esock:recv(S, 3, 20_000) end) || _ <- [1, 2]],
    Observers = [blocked(fun() -> esock:wait(S, [read, hup], infinity) end) || _ <- lists:seq(1, 20)],
    H = waits(S, [hup]),
    ok = esock:send(C, "onetwo"),
    ?assertEqual([{ok, <<"one">>}, {ok, <<"two">>}], [result(Pid) || Pid <- Readers]),
    %% A wait is for what is there: what the readers have taken before the event is no event.
    ok = esock:send(C, "more"),
    [?assertEqual({ok, [read]}, result(Pid)) || Pid <- Observers],
    ?assertEqual({ok, <<"more">>}, esock:recv(S)),
    not_notified(S),
    ok = esock:close(C),
    notified(S, H),
    %% The counters of the readers know nothing of it.
    until(fun() -> maps:get(num_observers, esock:info(S)) =:= 0 end),
    ?assertMatch(#{num_readers := 0, num_writers := 0}, esock:info(S)),
    ok = esock:close(S).

acceptors(_) ->
    {L, Addr} = listener(),
    Acceptor = blocked(fun() -> {ok, A} = esock:accept(L), ok = esock:close(A) end),
    Hs = [waits(L, [read]) || _ <- [1, 2, 3]],
    C = connected(Addr),
    ok = result(Acceptor),
    %% The acceptor may have taken the connection before the poller looked.
    C2 = connected(Addr),
    [notified(L, H) || H <- Hs],
    ?assertEqual({ok, [read]}, esock:wait(L, [read, write], 0)),
    {ok, A} = esock:accept(L),
    ?assertEqual({error, timeout}, esock:wait(L, [read], 0)),
    close([L, C, C2, A]).

connecting(_) ->
    {L, Addr, First} = esock_pairs:full(),
    S = opened(),
    Later = esock:connect(S, Addr, nowait),
    ?assertMatch({_, {_, _, _}}, Later),
    {ok, A} = esock:accept(L),
    ?assertEqual(ok, esock:wait_writable(S, 20_000)),
    {ok, B} = esock:accept(L),
    close([L, First, S, A, B]),
    %% A refused connect is an error event for those that only wait.
    Port = esock_docs_SUITE:free_port(),
    R = opened(),
    H = case esock:connect(R, #{family => inet, addr => loopback, port => Port}, nowait) of
            {error, econnrefused} -> none;
            {_, {_, _, Handle}} -> Handle
        end,
    {ok, Now} = esock:wait(R, [write], 5000),
    ?assert(lists:member(hup, Now)),
    H =:= none orelse receive {'$socket', R, _, _} -> ok after 5000 -> ct:fail(no_message) end,
    ok = esock:close(R).

room(_) ->
    {C, S} = pair(),
    fill(S),
    ?assertEqual({error, timeout}, esock:wait(S, [write], 0)),
    Blocked = blocked(fun() -> esock:wait_writable(S, infinity) end),
    H = waits(S, [write]),
    drain(C),
    notified(S, H),
    ?assertEqual(ok, result(Blocked)),
    close([C, S]).

drain(C) ->
    case esock:recv(C, 0, 200) of
        {ok, _} -> drain(C);
        {error, timeout} -> ok
    end.

%% The end of the peer is an event without reading, also behind bytes.
hang_up(_) ->
    [begin
         {C, S} = Pair(),
         H = waits(S, [hup]),
         ok = esock:send(C, "unread"),
         not_notified(S),
         ok = End(C),
         notified(S, H),
         {ok, Now} = esock:wait(S, [hup], 0),
         ?assertEqual(hup, hd(Now)),
         ?assertEqual({ok, <<"unread">>}, esock:recv(S, 6, 5000)),
         _ = esock:close(C),
         ok = esock:close(S)
     end || Pair <- [fun esock_pairs:pair/0, fun() -> local_pair(esock, stream) end],
            End <- [fun(C) -> esock:shutdown(C, write) end, fun esock:close/1]].

hang_up_beside_completions(_) ->
    {C, S} = pair(),
    {_, {_, _, Read}} = esock:recv(S, 0, nowait),
    H = waits(S, [hup]),
    ok = esock:close(C),
    notified(S, H),
    receive {'$socket', S, select, Read} -> {error, closed} = esock:recv(S, 0, nowait);
            {'$socket', S, completion, {Read, {error, closed}}} -> ok
    after 5000 -> ct:fail(no_message) end,
    ok = esock:close(S).

error_event(_) ->
    {S, Addr} = udp(),
    ok = esock:setopt(S, {ip, recverr}, true),
    Blocked = blocked(fun() -> esock:wait(S, [], infinity) end),
    H = waits(S, [read]),
    ok = esock:sendto(S, "?", Addr#{port := 1}),
    notified(S, H),
    ?assertEqual({ok, [error]}, result(Blocked)),
    ?assertEqual({ok, [error]}, esock:wait(S, [read], 0)),
    {ok, #{flags := [errqueue]}} = esock:recvmsg(S, 0, 0, [errqueue], 0),
    ?assertEqual({error, timeout}, esock:wait(S, [read], 0)),
    ok = esock:close(S).

priority_event(_) ->
    {C, S} = pair(),
    H = waits(S, [priority]),
    ok = esock:send(C, "bytes"),
    not_notified(S),
    ok = esock:send(C, "!", [oob]),
    notified(S, H),
    ?assertEqual({ok, [read, priority]}, esock:wait(S, [read, priority], 0)),
    ?assertEqual({ok, <<"!">>}, esock:recv(S, 1, [oob], 0)),
    ?assertEqual({error, timeout}, esock:wait(S, [priority], 0)),
    ?assertEqual({ok, <<"bytes">>}, esock:recv(S, 5, 5000)),
    close([C, S]).

cancel(_) ->
    {C, S} = pair(),
    {select, Info} = esock:wait(S, [read], nowait),
    %% The handle of another process.
    ?assertEqual({error, {invalid, Info}}, result(spawned(fun() -> esock:cancel(S, Info) end))),
    ?assertEqual(ok, esock:cancel(S, Info)),
    ?assertEqual({error, {invalid, Info}}, esock:cancel(S, Info)),
    %% A cancelled receive is none of the observers, and the other way round.
    {_, Receive} = esock:recv(S, 0, nowait),
    {select, Wait} = esock:wait(S, [read], nowait),
    ok = esock:cancel(S, Receive),
    ok = esock:cancel(S, Wait),
    %% The message has been sent.
    {select, {_, _, H} = Sent} = esock:wait(S, [read], nowait),
    ok = esock:send(C, "x"),
    until(fun() -> {messages, Messages} = process_info(self(), messages), lists:member({'$socket', S, select, H}, Messages) end),
    ?assertEqual(ok, esock:cancel(S, Sent)),
    not_notified(S),
    close([C, S]),
    ?assertEqual({error, closed}, esock:cancel(S, Sent)).

%% A cancel while the event comes: afterwards there is no message, in 2,000 rounds.
cancel_crosses(_) ->
    {C, S} = pair(),
    [begin
         {select, Info} = esock:wait(S, [read], nowait),
         ok = esock:send(C, "x"),
         _ = [erlang:yield() || _ <- lists:seq(1, N rem 8)],
         ?assertEqual(ok, esock:cancel(S, Info)),
         receive {'$socket', S, _, _} = Late -> ct:fail({late, Late}) after 0 -> ok end,
         {ok, <<"x">>} = esock:recv(S, 1, 5000)
     end || N <- lists:seq(1, 2000)],
    not_notified(S),
    close([C, S]).

same_handle(_) ->
    {C, S} = pair(),
    H = make_ref(),
    [?assertEqual({select, {select_info, wait, H}}, esock:wait(S, Events, H)) || Events <- [[read], [hup], [read, hup]]],
    ok = esock:send(C, "x"),
    notified(S, H),
    not_notified(S),
    %% An answer ends the wait under the handle too.
    {ok, <<"x">>} = esock:recv(S, 1, 5000),
    {select, _} = esock:wait(S, [read], H),
    ?assertEqual({ok, [write]}, esock:wait(S, [write], H)),
    ok = esock:send(C, "x"),
    not_notified(S),
    close([C, S]).

closed(_) ->
    {C, S} = pair(),
    Many = [waits(S, [read]) || _ <- lists:seq(1, 200)],
    Blocked = [blocked(fun() -> esock:wait(S, [read], T) end) || T <- [infinity, 60_000]] ++ [blocked(fun() -> esock:select([S], infinity) end)],
    ok = esock:close(S),
    %% No duplicate keeps the connection.
    ?assertEqual({error, closed}, esock:recv(C, 0, 5000)),
    [receive {'$socket', S, abort, {H, closed}} -> ok after 5000 -> ct:fail(no_abort) end || H <- Many],
    ?assertEqual([{error, closed}, {error, closed}, {error, {closed, S}}], [result(Pid) || Pid <- Blocked]),
    [?assertEqual({error, closed}, esock:wait(S, [read], T)) || T <- [0, 10, nowait, infinity]],
    not_notified(S),
    ok = esock:close(C).

owner_ends(_) ->
    {Ended, _} = result(spawned(fun() -> udp() end)),
    until(fun() -> esock:wait(Ended, [read], 0) =:= {error, closed} end),
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() -> Self ! {opened, udp()}, receive stop -> ok end end),
    {S, _} = receive {opened, Udp} -> Udp end,
    Many = [waits(S, [read]) || _ <- lists:seq(1, 100)],
    exit(Pid, kill),
    receive {'DOWN', MRef, _, _, _} -> ok end,
    [receive {'$socket', S, abort, {H, closed}} -> ok after 5000 -> ct:fail(no_abort) end || H <- Many],
    not_notified(S).

%% A wait of the former owner ends with the process.
former_owner_waits(_) ->
    {C, S} = pair(),
    Before = esock_leak_SUITE:state(),
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() ->
                                    ok = receive go -> ok end,
                                    {select, _} = esock:wait(S, [read], nowait),
                                    ok = esock:setopt(S, {otp, controlling_process}, Self),
                                    Self ! given,
                                    receive stop -> ok end
                                end),
    ok = esock:setopt(S, {otp, controlling_process}, Pid),
    Pid ! go,
    receive given -> ok end,
    exit(Pid, kill),
    receive {'DOWN', MRef, _, _, _} -> ok end,
    esock_leak_SUITE:back_to(Before),
    close([C, S]).

%% 10,000 waits whose processes are killed leave no descriptor and no monitor.
waiters_killed(_) ->
    {C, S} = pair(),
    Before = esock_leak_SUITE:state(),
    Self = self(),
    [begin
         Pids = [spawn_monitor(fun() ->
                                   case N rem 3 of
                                       0 -> {select, _} = esock:wait(S, [read], nowait);
                                       1 -> [{select, _} = esock:wait(S, [read, hup], nowait) || _ <- [1, 2]];
                                       2 -> ok
                                   end,
                                   Self ! {waiting, self()},
                                   esock:wait(S, [priority], infinity)
                               end) || N <- lists:seq(1, 50)],
         [receive {waiting, Pid} -> ok end || {Pid, _} <- Pids],
         Round rem 2 =:= 0 andalso (ok = esock:send(C, "x")),
         [exit(Pid, kill) || {Pid, _} <- Pids],
         [receive {'DOWN', MRef, _, _, _} -> ok end || {_, MRef} <- Pids],
         Round rem 2 =:= 0 andalso ({ok, <<"x">>} = esock:recv(S, 1, 5000))
     end || Round <- lists:seq(1, 200)],
    esock_leak_SUITE:back_to(Before),
    ?assertMatch(#{num_observers := 0}, esock:info(S)),
    close([C, S]).

%% Events, cancels and a close from several processes cross: each handle that was not cancelled has one message.
one_message_each(_) -> [one_message_each() || _ <- lists:seq(1, 40)].

one_message_each() ->
    {C, S} = pair(),
    Waiters = [spawned(fun() -> [waited(S) || _ <- lists:seq(1, 30)], quiet(S) end) || _ <- lists:seq(1, 6)],
    Sender = spawned(fun() -> sends(C) end),
    Reader = spawned(fun() -> reads(S) end),
    receive after rand:uniform(10) -> ok end,
    ok = esock:close(S),
    [?assertEqual([], result(Pid)) || Pid <- Waiters],
    ok = esock:close(C),
    [result(Pid) || Pid <- [Sender, Reader]].

waited(S) ->
    case esock:wait(S, [read], nowait) of
        {select, {select_info, wait, H} = Info} ->
            case rand:uniform(2) of
                1 -> true = lists:member(esock:cancel(S, Info), [ok, {error, closed}]);
                2 -> receive {'$socket', S, select, H} -> ok;
                             {'$socket', S, abort, {H, closed}} -> ok
                     after 20_000 -> ct:fail(no_message)
                     end
            end;
        {ok, _} -> erlang:yield();
        {error, closed} -> ok
    end.

quiet(S) -> receive {'$socket', S, _, _} = More -> [More] after 20 -> [] end.

sends(C) ->
    case esock:send(C, "x", 1000) of
        ok -> erlang:yield(), sends(C);
        {error, _} -> ok
    end.

reads(S) ->
    case esock:recv(S, 0, 1000) of
        {ok, _} -> reads(S);
        {error, timeout} -> reads(S);
        {error, _} -> ok
    end.

%% Bytes that a length gathers, or that a ring has read ahead, are readable.
read_ahead(_) ->
    {C, S} = esock_pairs:pair(esock, #{io_backend => lists:last(esock_pairs:backends())}),
    ok = esock:setopt(S, {otp, read_ahead}, 65536),
    case esock:recv(S, 100, nowait) of
        {select, Info} ->
            ok = esock:cancel(S, Info);
        {completion, Info} ->
            ok = esock:send(C, "part"),
            until(fun() -> maps:get(read_ahead, esock:info(S)) =:= 4 end),
            [?assertEqual({ok, [read]}, esock:wait(S, [read], T)) || T <- [0, 1000, nowait]],
            ?assertEqual({error, timeout}, esock:wait(S, [priority], 0)),
            ok = esock:cancel(S, Info),
            ?assertEqual({error, {timeout, <<"part">>}}, esock:recv(S, 100, [], 0))
    end,
    close([C, S]).

%% While a process waits for bytes, no ring takes them away unseen: a wait begins while a ring receives, in any order with bytes.
ring_is_ended(_) ->
    {C, S} = esock_pairs:pair(esock, #{io_backend => lists:last(esock_pairs:backends())}),
    ok = esock:setopt(S, {otp, read_ahead}, 65536),
    [begin
         Receive = esock:recv(S, 0, nowait),
         Observer = spawned(fun() -> esock:wait(S, [read], 10_000) end),
         N rem 2 =:= 0 andalso until(fun() -> process_info(Observer, status) =:= {status, waiting} end),
         N rem 3 =:= 0 andalso ({error, timeout} = esock:wait(S, [read], 0)),
         ok = esock:send(C, "x"),
         case Receive of
             {select, {_, _, H}} -> receive {'$socket', S, select, H} -> {ok, <<"x">>} = esock:recv(S, 0, nowait) end;
             {completion, {_, _, H}} -> receive {'$socket', S, completion, {H, {ok, <<"x">>}}} -> ok end
         end,
         %% The completion may have taken the byte before anything else looked.
         ok = esock:send(C, "y"),
         ?assertEqual({ok, [read]}, result(Observer)),
         {ok, <<"y">>} = esock:recv(S, 1, 5000)
     end || N <- lists:seq(1, 300)],
    close([C, S]).

%% A receive of urgent data waits for it.
urgent(_) ->
    [begin
         {C, S} = Pair(),
         ?assertEqual({error, einval}, esock:recv(S, 1, [oob], 0)),
         ?assertEqual({error, timeout}, esock:recv(S, 1, [oob], 20)),
         Blocked = blocked(fun() -> esock:recv(S, 1, [oob], infinity) end),
         ok = esock:send(C, "bytes"),
         ok = esock:send(C, "!", [oob]),
         ?assertEqual({ok, <<"!">>}, result(Blocked)),
         {select, {select_info, recv, H}} = esock:recv(S, 1, [oob], nowait),
         ok = esock:send(C, "?", [oob]),
         notified(S, H),
         ?assertEqual({ok, <<"?">>}, esock:recv(S, 1, [oob], nowait)),
         {select, Info} = esock:recv(S, 1, [oob], nowait),
         ?assertEqual(ok, esock:cancel(S, Info)),
         ?assertEqual({error, {invalid, Info}}, esock:cancel(S, Info)),
         {select, {_, _, H2}} = esock:recv(S, 1, [oob], nowait),
         Closed = blocked(fun() -> esock:recv(S, 1, [oob], infinity) end),
         ok = esock:close(S),
         receive {'$socket', S, abort, {H2, closed}} -> ok after 5000 -> ct:fail(no_abort) end,
         ?assertEqual({error, closed}, result(Closed)),
         ok = esock:close(C)
     end || Pair <- [fun esock_pairs:pair/0 | [fun() -> local_pair(esock, stream) end || local_urgent()]]].

%% Unix streams have urgent data since Linux 5.15, if it is configured.
local_urgent() ->
    {C, S} = local_pair(esock, stream),
    Can = esock:send(C, "!", [oob], 0) =:= ok,
    close([C, S]),
    Can.

%% It takes no turn: bytes in front of the urgent byte are read meanwhile.
urgent_beside_a_reader(_) ->
    {C, S} = pair(),
    Urgent = blocked(fun() -> esock:recv(S, 1, [oob], infinity) end),
    Reader = blocked(fun() -> esock:recv(S, 5, infinity) end),
    ok = esock:send(C, "bytes"),
    ?assertEqual({ok, <<"bytes">>}, result(Reader)),
    Next = blocked(fun() -> esock:recv(S, 4, infinity) end),
    ok = esock:send(C, "!", [oob]),
    ?assertEqual({ok, <<"!">>}, result(Urgent)),
    ok = esock:send(C, "more"),
    ?assertEqual({ok, <<"more">>}, result(Next)),
    close([C, S]).

%% Where nothing can come, the answer is that of the system.
urgent_not_to_come(_) ->
    ?assertEqual({error, einval}, esock:recv(opened(), 1, [oob], 1000)),
    {C, S} = pair(),
    ok = esock:setopt(S, {socket, oobinline}, true),
    ?assertEqual({error, einval}, esock:recv(S, 1, [oob], infinity)),
    ok = esock:setopt(S, {socket, oobinline}, false),
    Blocked = blocked(fun() -> esock:recv(S, 1, [oob], infinity) end),
    ok = esock:shutdown(C, write),
    ?assertMatch({error, Reason} when Reason =:= einval; Reason =:= closed, result(Blocked)),
    ?assertMatch({error, Reason} when Reason =:= einval; Reason =:= closed, esock:recv(S, 1, [oob], infinity)),
    {L, _} = listener(),
    ?assertMatch({error, Reason} when is_atom(Reason), esock:recv(L, 1, [oob], infinity)),
    close([C, S, L]).

%% A receive of the error queue waits for an entry.
error_queue(_) ->
    {S, Addr} = udp(),
    ok = esock:setopt(S, {ip, recverr}, true),
    Blocked = blocked(fun() -> esock:recvmsg(S, 0, 0, [errqueue], infinity) end),
    ?assertEqual({error, timeout}, esock:recvmsg(S, 0, 0, [errqueue], 0)),
    ok = esock:sendto(S, "?", Addr#{port := 1}),
    ?assertMatch({ok, #{flags := [errqueue]}}, result(Blocked)),
    ok = esock:close(S).

selected(_) ->
    {C, S} = pair(),
    {C2, S2} = pair(),
    {U, Addr} = udp(),
    ?assertEqual({error, timeout}, esock:select([S, S2, U], 0)),
    ?assertEqual({ok, [{S, [write]}, {U, [write]}]}, esock:select([{S, [write]}, S2, {U, [read, write]}], infinity)),
    ok = esock:send(C2, "x"),
    ok = esock:sendto(U, "x", Addr),
    {ok, _} = esock:wait(S2, [read], 5000),
    {ok, _} = esock:wait(U, [read], 5000),
    [?assertEqual({ok, [{S2, [read]}, {U, [read]}]}, esock:select([S, S2, U], T)) || T <- [0, 10, infinity]],
    %% A socket that is there twice.
    ?assertEqual({ok, [{S2, [read, write]}, {S, [write]}]}, esock:select([{S2, [read]}, {S, [write]}, {S2, [write]}], 0)),
    close([C, S, C2, S2, U]).

select_waits(_) ->
    Pairs = [pair() || _ <- lists:seq(1, 50)],
    Sockets = [S || {_, S} <- Pairs],
    ?assertEqual({error, timeout}, esock:select(Sockets, 30)),
    [begin
         {C, S} = lists:nth(N, Pairs),
         Blocked = blocked(fun() -> esock:select([{E, [read, hup]} || E <- Sockets], infinity) end),
         ok = esock:send(C, "x"),
         ?assertEqual({ok, [{S, [read]}]}, result(Blocked)),
         {ok, <<"x">>} = esock:recv(S, 1)
     end || N <- [1, 25, 50]],
    [close([C, S]) || {C, S} <- Pairs].

select_fails(_) ->
    {C, S} = pair(),
    {Gone, _} = udp(),
    ok = esock:close(Gone),
    [?assertEqual({error, {closed, Gone}}, esock:select([S, Gone, C], T)) || T <- [0, 10, infinity]],
    close([C, S]).

%% No message, descriptor or monitor is left, whichever way it ends.
select_leaves_nothing(_) ->
    Pairs = [pair() || _ <- lists:seq(1, 10)],
    Sockets = [S || {_, S} <- Pairs],
    {Gone, _} = udp(),
    ok = esock:close(Gone),
    Before = esock_leak_SUITE:state(),
    [begin
         Sender = spawned(fun() -> [ok = esock:send(C, "x") || {C, _} <- Pairs], ok end),
         {ok, _} = esock:select(Sockets, infinity),
         ok = result(Sender),
         [{ok, <<"x">>} = esock:recv(S, 1) || S <- Sockets],
         {error, timeout} = esock:select(Sockets, 1),
         {error, {closed, Gone}} = esock:select(Sockets ++ [Gone], infinity),
         {Pid, MRef} = spawn_monitor(fun() -> esock:select(Sockets, infinity) end),
         N rem 2 =:= 0 andalso until(fun() -> process_info(Pid, status) =:= {status, waiting} end),
         exit(Pid, kill),
         receive {'DOWN', MRef, _, _, _} -> ok end
     end || N <- lists:seq(1, 100)],
    receive {'$socket', _, _, _} = Left -> ct:fail({left, Left}) after 0 -> ok end,
    esock_leak_SUITE:back_to(Before),
    [close([C, S]) || {C, S} <- Pairs].

%% Descriptors of other kinds, from a program that makes their events: they come over a Unix socket.
other_descriptors(Config) ->
    with_python(Config, fun(Peer, Next) ->
        Open = fun(Name) ->
                   {ok, S} = esock:open(Next(Name), #{poll_only => true, dup => false, own => true}),
                   S
               end,
        [begin
             S = Open(Name),
             ?assertEqual({Name, {error, timeout}}, {Name, esock:wait(S, Events, 0)}),
             H = waits(S, Events),
             Blocked = blocked(fun() -> esock:wait(S, Events, 20_000) end),
             ok = esock:send(Peer, "go\n"),
             notified(S, H),
             ?assertEqual({Name, {ok, Now}}, {Name, result(Blocked)}),
             ?assertEqual({Name, {ok, [{S, Now}]}}, {Name, esock:select([{S, Events}], 0)}),
             ok = esock:close(S)
         end || {Name, Events, Now} <- [{"eventfd", [read], [read]}, {"timerfd", [read], [read]}, {"inotify", [read], [read]},
                                        {"pidfd", [read], [read]}, {"pipe", [read], [read]}, {"pipe_end", [read], [hup]},
                                        {"tty", [read], [read]}]],
        S = Open("file"),
        ?assertEqual({ok, [read, write]}, esock:wait(S, [read, write], infinity)),
        ?assertEqual({error, eperm}, esock:wait(S, [hup], nowait)),
        ok = esock:close(S)
    end).

%% Calls `Fun' with a socket to a Python program, and a function that has it make a descriptor and send it.
with_python(Config, Fun) ->
    Name = "esock_wait_" ++ os:getpid() ++ "_" ++ integer_to_list(erlang:unique_integer([positive])),
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, #{family => local, path => [0 | Name]}),
    ok = esock:listen(L),
    Script = filename:join(proplists:get_value(priv_dir, Config), "descriptors.py"),
    ok = file:write_file(Script,
        "import socket, os, sys, ctypes, struct, subprocess, tempfile\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "s = socket.socket(socket.AF_UNIX); s.connect('\\0' + sys.argv[1])\n"
        "lines = s.makefile()\n"
        "def give(fd): socket.send_fds(s, [b'.'], [fd])\n"
        "def go(): lines.readline()\n"
        "for name in lines:\n"
        "    name = name.strip()\n"
        "    if name == 'eventfd':\n"
        "        fd = libc.eventfd(0, 0); give(fd); go(); os.write(fd, struct.pack('Q', 1))\n"
        "    elif name == 'timerfd':\n"
        "        fd = libc.timerfd_create(1, 0); give(fd); go()\n"
        "        libc.timerfd_settime(fd, 0, struct.pack('qqqq', 0, 0, 0, 1000000), None)\n"
        "    elif name == 'inotify':\n"
        "        d = tempfile.mkdtemp(); fd = libc.inotify_init1(0)\n"
        "        libc.inotify_add_watch(fd, d.encode(), 0x100); give(fd); go(); open(d + '/x', 'w').close()\n"
        "    elif name == 'pidfd':\n"
        "        p = subprocess.Popen(['cat'], stdin=subprocess.PIPE); fd = libc.syscall(434, p.pid, 0)\n"
        "        give(fd); go(); p.stdin.close()\n"
        "    elif name == 'pipe':\n"
        "        r, w = os.pipe(); give(r); go(); os.write(w, b'x')\n"
        "    elif name == 'pipe_end':\n"
        "        r, w = os.pipe(); give(r); go(); os.close(w)\n"
        "    elif name == 'tty':\n"
        "        try: m, t = os.openpty()\n"
        "        except OSError: t, m = os.pipe()  # a system without /dev/ptmx\n"
        "        give(t); go(); os.write(m, b'x\\n')\n"
        "    elif name == 'file':\n"
        "        f = tempfile.TemporaryFile(); give(f.fileno())\n"),
    case os:find_executable("python3") of
        false -> ok = esock:close(L), {skip, no_python3};
        Python ->
            Port = open_port({spawn_executable, Python}, [{args, [Script, Name]}, exit_status, stderr_to_stdout, binary]),
            {ok, Peer} = esock:accept(L, 20_000),
            Next = fun(What) ->
                       ok = esock:send(Peer, [What, "\n"]),
                       {ok, #{ctrl := [#{type := rights, data := <<Fd:32/native>>}]}} = esock:recvmsg(Peer, 1, 0, [], 10_000),
                       Fd
                   end,
            Fun(Peer, Next),
            close([Peer, L]),
            receive {Port, {exit_status, 0}} -> ok; {Port, Other} -> ct:fail(Other) after 20_000 -> ct:fail(python_runs) end
    end.

%% Everything but waiting, closing and the options of level otp.
poll_only_does_nothing_else(_) ->
    {C, Real} = pair(),
    {ok, Fd} = esock:getopt(Real, {otp, fd}),
    {ok, S} = esock:open(Fd, #{poll_only => true}),
    Addr = #{family => inet, addr => loopback, port => 0},
    Calls = [fun() -> esock:recv(S, 0, T) end || T <- [0, 10, nowait, infinity]] ++
            [fun() -> esock:send(S, "x", T) end || T <- [0, 10, nowait]] ++
            [fun() -> esock:recvfrom(S, 0, 0) end, fun() -> esock:recvmsg(S, 0) end, fun() -> esock:recvmmsg(S, 1, 0, 0, [], 0) end,
             fun() -> esock:recv(S, 1, [oob], 10) end, fun() -> esock:recv_some(S, 1, [], 0) end,
             fun() -> esock:sendto(S, "x", Addr) end, fun() -> esock:sendmsg(S, #{iov => [<<"x">>]}) end,
             fun() -> esock:sendv(S, [<<"x">>]) end, fun() -> esock:bind(S, Addr) end, fun() -> esock:listen(S) end,
             fun() -> esock:accept(S, 0) end, fun() -> esock:accept_many(S, 1, 0) end, fun() -> esock:connect(S, Addr) end,
             fun() -> esock:shutdown(S, write) end, fun() -> esock:sockname(S) end, fun() -> esock:peername(S) end,
             fun() -> esock:getopt(S, {socket, rcvbuf}) end, fun() -> esock:setopt(S, {socket, rcvbuf}, 1000) end,
             fun() -> esock:getopt_native(S, {1, 3}, 4) end, fun() -> esock:setopt_native(S, {1, 2}, <<1:32/native>>) end,
             fun() -> esock:ioctl(S, nread) end, fun() -> esock:ioctl(S, gifconf) end],
    ?assertEqual([], [{N, Result} || {N, Call} <- lists:zip(lists:seq(1, length(Calls)), Calls), Result <- [Call()], Result =/= {error, enotsock}]),
    ?assertMatch({ok, N} when is_integer(N) andalso N =/= Fd, esock:getopt(S, {otp, fd})),
    ?assertEqual({ok, self()}, esock:getopt(S, {otp, controlling_process})),
    ok = esock:setopt(S, {otp, meta}, here),
    ?assertMatch(#{domain := unspec, ctype := {fromfd, Fd}}, esock:info(S)),
    MRef = esock:monitor(S),
    ok = esock:send(C, "x"),
    ?assertEqual({ok, [read]}, esock:wait(S, [read], 5000)),
    ok = esock:close(S),
    receive {'DOWN', MRef, socket, S, closed} -> ok end,
    ?assertEqual({error, closed}, esock:recv(S)),
    ?assertEqual({ok, <<"x">>}, esock:recv(Real, 1)),
    close([C, Real]).

poll_only_opened(_) ->
    ?assertEqual({error, ebadf}, esock:open(123_456, #{poll_only => true})),
    ?assertEqual({error, ebadf}, esock:open(123_456, #{poll_only => true, dup => false})),
    ?assertEqual({error, ebadf}, esock:open(-1, #{poll_only => true})),
    {C, Real} = pair(),
    {ok, Fd} = esock:getopt(Real, {otp, fd}),
    {ok, Lent} = esock:open(Fd, #{poll_only => true, dup => false}),
    ?assertEqual({ok, Fd}, esock:getopt(Lent, {otp, fd})),
    ok = esock:close(Lent),
    ok = esock:send(Real, "x"),
    %% The socket that closes the descriptor closes the one on it first.
    {ok, Again} = esock:open(Fd, #{poll_only => true, dup => false}),
    H = waits(Again, [read]),
    ok = esock:close(Real),
    receive {'$socket', Again, abort, {H, closed}} -> ok after 5000 -> ct:fail(no_abort) end,
    ?assertEqual({ok, <<"x">>}, esock:recv(C, 1)),
    ok = esock:close(C).

%% Others share the open file: its flags stay.
poll_only_is_not_changed(Config) ->
    with_python(Config, fun(_, Next) ->
        Fd = Next("pipe"),
        Flags = fun() ->
                    {ok, Text} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
                    {match, [Octal]} = re:run(Text, "flags:\t(\\d+)", [{capture, all_but_first, list}]),
                    list_to_integer(Octal, 8)
                end,
        Before = Flags(),
        0 = Before band 8#4000,
        {ok, S} = esock:open(Fd, #{poll_only => true}),
        {error, timeout} = esock:wait(S, [read], 20),
        ?assertEqual(Before, Flags()),
        ok = esock:close(S),
        {ok, Owned} = esock:open(Fd, #{poll_only => true, dup => false, own => true}),
        ok = esock:close(Owned),
        ?assertEqual({error, enoent}, file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)))
    end).

%% A wait needs a descriptor. Without one it fails, and the socket goes on.
no_descriptors(_) ->
    Args = ["-mode", "embedded" | lists:append([["-pa", P] || P <- code:get_path(), P =/= "."])],
    {ok, Node, _} = peer:start_link(#{connection => standard_io, args => Args,
                                      exec => {"/bin/sh", ["-c", "ulimit -n 80; exec erl \"$@\"", "erl"]}}),
    [{module, M} = peer:call(Node, code, load_file, [M]) || M <- [esock, esock_nif, esock_busy_poll, esock_wait, esock_events, esock_pairs, ?MODULE]],
    ?assertEqual(ok, peer:call(Node, ?MODULE, without_descriptors, [])),
    peer:stop(Node).

without_descriptors() ->
    {C, S} = pair(),
    Infos = all_that_wait(S),
    {error, emfile} = esock:wait(S, [read], nowait),
    {error, emfile} = esock:wait(S, [read], 1000),
    {error, {emfile, S}} = esock:select([S], 1000),
    {error, emfile} = esock:recv(S, 1, [oob], 1000),
    {error, timeout} = esock:wait(S, [read], 0),
    ok = esock:cancel(S, hd(Infos)),
    {select, {select_info, wait, H}} = esock:wait(S, [read], nowait),
    ok = esock:send(C, "x"),
    ok = notified(S, H),
    [ok = notified(S, Each) || {_, _, Each} <- tl(Infos)],
    {ok, <<"x">>} = esock:recv(S, 1),
    close([C, S]),
    ok.

all_that_wait(S) ->
    case esock:wait(S, [read], nowait) of
        {select, Info} -> [Info | all_that_wait(S)];
        {error, emfile} -> []
    end.

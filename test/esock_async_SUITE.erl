%% Waiting: select, abort, cancel, order, the death of owners and of waiting processes.
-module(esock_async_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [full/0, listener/0, pair/0, udp/0]).

-compile([export_all, nowarn_export_all]).

suite() ->
    [{timetrap, {seconds, 60}}].

all() ->
    esock_pairs:cases(
        [select_once, own_handle, line_in_order, one_event_many_acceptors, cancel_clean, cancel_sent, cancel_in_line,
         cancel_by_stranger, cancel_of_another_socket, same_handle_twice, close_aborts_all, close_under_blocked,
         owner_death, waiter_death_passes_turn, twice_in_line, exclusive_claims, connect_nowait, connect_states,
         controlling_process, controlling_process_dead, error_aborts_line, send_select, monitors, monitor_closed,
         monitor_cancel, monitor_owner_death, registry, registry_off, destructor, long_inbox, reader_writer_storm, handed_over_with_a_handle, woken_then_zero,
         woken_then_zero_to_write, closer_killed_in_linger, connect_once, connect_timed_out, connect_again_and_again,
         end_of_stream_by_recvmsg, woken_for_something],
        [select_once, own_handle, line_in_order, cancel_clean, cancel_sent, cancel_in_line, cancel_by_stranger,
         cancel_of_another_socket, same_handle_twice, close_aborts_all, owner_death, waiter_death_passes_turn,
         twice_in_line, exclusive_claims, connect_nowait, connect_states, error_aborts_line, send_select,
         handed_over_with_a_handle, woken_then_zero, woken_then_zero_to_write, closer_killed_in_linger,
         connect_once, end_of_stream_by_recvmsg, woken_for_something]).

%%% Actors: processes that call the functions sent to them, one at a time, and answer the results.

actor() ->
    Self = self(),
    spawn_link(fun() -> actor(Self) end).

actor(Parent) ->
    receive
        {do, Tag, Fun} ->
            Parent ! {Tag, try Fun() catch error:Reason -> {'EXIT', {Reason, []}} end},
            actor(Parent);
        stop ->
            ok
    end.

do(Pid, Fun) ->
    await(start(Pid, Fun)).

start(Pid, Fun) ->
    Tag = make_ref(),
    Pid ! {do, Tag, Fun},
    Tag.

await(Tag) ->
    receive {Tag, Result} -> Result after 10_000 -> ct:fail({no_answer, process_info(self(), messages)}) end.

message() ->
    receive {'$socket', _, _, _} = Message -> Message after 10_000 -> ct:fail(no_message) end.

no_message() ->
    receive {'$socket', _, _, _} = Message -> ct:fail({stray, Message}) after 0 -> ok end.

until(Fun) -> until(Fun, 10_000).
until(Fun, N) when N > 0 ->
    case Fun() of
        true -> ok;
        false -> receive after 1 -> until(Fun, N - 1) end
    end.

waiters(S, Key, N) ->
    until(fun() -> maps:get(Key, esock:info(S)) =:= N end).

%%% Select.

select_once(_) ->
    {C, S} = pair(),
    {select, {select_info, recv, H}} = esock:recv(S, 0, nowait),
    ok = esock:send(C, "a"),
    ?assertEqual({'$socket', S, select, H}, message()),
    ok = esock:send(C, "b"),
    %% One message for a handle, however many bytes arrive.
    {ok, Data} = esock:recv(S, 2),
    ?assertEqual(<<"ab">>, Data),
    no_message().

own_handle(_) ->
    {C, S} = pair(),
    H = make_ref(),
    ?assertEqual({select, {select_info, recv, H}}, esock:recv(S, 0, [], H)),
    ok = esock:send(C, "a"),
    ?assertEqual({'$socket', S, select, H}, message()),
    ?assertEqual({ok, <<"a">>}, esock:recv(S, 0, [], H)).

line_in_order(_) ->
    {S, Addr} = udp(),
    {T, _} = udp(),
    Actors = [actor() || _ <- lists:seq(1, 5)],
    [{select, _} = do(A, fun() -> esock:recv(S, 0, nowait) end) || A <- Actors],
    ?assertMatch(#{num_readers := 5}, esock:info(S)),
    %% Each waiter gets the turn when the one before it has received a datagram.
    lists:foreach(
      fun({N, A}) ->
              ok = esock:sendto(T, <<N>>, Addr),
              {'$socket', S, select, _} = do(A, fun message/0),
              {ok, <<N>>} = do(A, fun() -> esock:recv(S, 0, nowait) end)
      end, lists:enumerate(Actors)),
    ?assertMatch(#{num_readers := 0}, esock:info(S)),
    [do(A, fun no_message/0) || A <- Actors].

one_event_many_acceptors(_) ->
    {L, Addr} = listener(),
    Actors = [actor() || _ <- lists:seq(1, 10)],
    Tags = [start(A, fun() -> {ok, S} = esock:accept(L), {ok, _} = esock:peername(S), ok end) || A <- Actors],
    waiters(L, num_acceptors, 10),
    [begin {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr) end || _ <- Actors],
    [ok = await(Tag) || Tag <- Tags].

%%% Cancel.

cancel_clean(_) ->
    {C, S} = pair(),
    {select, Info} = esock:recv(S, 0, nowait),
    ok = esock:cancel(S, Info),
    ok = esock:send(C, "a"),
    ?assertEqual({ok, <<"a">>}, esock:recv(S)),
    no_message(),
    ?assertEqual({error, {invalid, Info}}, esock:cancel(S, Info)).

cancel_sent(_) ->
    {C, S} = pair(),
    [begin
         {select, Info} = esock:recv(S, 0, nowait),
         ok = esock:send(C, "a"),
         %% The message may be in flight, in the inbox, or not sent yet: after the cancel there is none.
         ok = esock:cancel(S, Info),
         no_message(),
         {ok, <<"a">>} = esock:recv(S, 1)
     end || _ <- lists:seq(1, 2000)],
    no_message().

cancel_in_line(_) ->
    {C, S} = pair(),
    A = actor(),
    {select, _} = do(A, fun() -> esock:recv(S, 0, nowait) end),
    {select, Info} = esock:recv(S, 0, nowait),
    ?assertMatch(#{num_readers := 2}, esock:info(S)),
    ok = esock:cancel(S, Info),
    ?assertMatch(#{num_readers := 1}, esock:info(S)),
    ok = esock:send(C, "a"),
    {'$socket', S, select, _} = do(A, fun message/0),
    {ok, <<"a">>} = do(A, fun() -> esock:recv(S, 0, nowait) end),
    no_message().

cancel_by_stranger(_) ->
    {C, S} = pair(),
    {select, {_, _, H} = Info} = esock:recv(S, 0, nowait),
    ?assertEqual({error, {invalid, Info}}, do(actor(), fun() -> esock:cancel(S, Info) end)),
    ok = esock:send(C, "a"),
    ?assertEqual({'$socket', S, select, H}, message()).

cancel_of_another_socket(_) ->
    {C, S} = pair(),
    {select, Info} = esock:recv(S, 0, nowait),
    ?assertEqual({error, {invalid, Info}}, esock:cancel(C, Info)),
    ok = esock:cancel(S, Info).

same_handle_twice(_) ->
    {C, S} = pair(),
    H = make_ref(),
    {select, Info} = esock:recv(S, 0, [], H),
    {select, Info} = esock:recv(S, 0, [], H),
    ok = esock:send(C, "a"),
    ?assertEqual({'$socket', S, select, H}, message()),
    {ok, <<"a">>} = esock:recv(S, 0, [], H),
    no_message().

%%% Close and death.

close_aborts_all(_) ->
    {_, S} = pair(),
    {select, {_, _, H}} = esock:recv(S, 0, nowait),
    A = actor(),
    {select, {_, _, HA}} = do(A, fun() -> esock:recv(S, 0, nowait) end),
    ok = esock:close(S),
    ?assertEqual({'$socket', S, abort, {H, closed}}, message()),
    ?assertEqual({'$socket', S, abort, {HA, closed}}, do(A, fun message/0)),
    ?assertEqual({error, closed}, esock:close(S)),
    ?assertEqual({error, closed}, esock:recv(S)).

close_under_blocked(_) ->
    {_, S} = pair(),
    A = actor(),
    Tag = start(A, fun() -> esock:recv(S) end),
    waiters(S, num_readers, 1),
    ok = esock:close(S),
    ?assertEqual({error, closed}, await(Tag)),
    do(A, fun no_message/0).

owner_death(_) ->
    Owner = actor(),
    unlink(Owner),
    {S, Fd} = do(Owner, fun() -> {S, _} = udp(), {ok, Fd} = esock:getopt(S, {otp, fd}), {S, Fd} end),
    {select, {_, _, H}} = esock:recv(S, 0, nowait),
    exit(Owner, kill),
    ?assertEqual({'$socket', S, abort, {H, closed}}, message()),
    ?assertEqual({error, closed}, esock:recv(S)),
    until(fun() -> file:read_link("/proc/self/fd/" ++ integer_to_list(Fd)) =:= {error, enoent} end).

waiter_death_passes_turn(_) ->
    {C, S} = pair(),
    First = actor(),
    unlink(First),
    {select, _} = do(First, fun() -> esock:recv(S, 0, nowait) end),
    {select, {_, _, H}} = esock:recv(S, 0, nowait),
    ok = esock:send(C, "a"),
    %% The first waiter has the turn, and dies with it.
    exit(First, kill),
    ?assertEqual({'$socket', S, select, H}, message()),
    ?assertEqual({ok, <<"a">>}, esock:recv(S, 0, nowait)).

twice_in_line(_) ->
    {_, S} = pair(),
    {select, _} = do(actor(), fun() -> esock:recv(S, 0, nowait) end),
    {select, _} = esock:recv(S, 0, nowait),
    ?assertError({invalid, state}, esock:recv(S, 0, nowait)).

exclusive_claims(_) ->
    {L, _} = listener(),
    {select, _} = esock:accept(L, nowait),
    ?assertEqual({error, {invalid, state}}, esock:recv(L, 0, nowait)).

%%% Connect.

connect_nowait(_) ->
    {_, Addr} = listener(),
    {ok, C} = esock:open(inet, stream, tcp),
    case esock:connect(C, Addr, nowait) of
        ok ->
            ok;
        {select, {select_info, connect, H}} ->
            ?assertEqual({'$socket', C, select, H}, message()),
            ok = esock:connect(C)
    end,
    {ok, Addr} = esock:peername(C).

connect_states(_) ->
    {_, Addr} = listener(),
    {ok, C} = esock:open(inet, stream, tcp),
    ?assertError({invalid, state}, esock:connect(C)),
    ok = esock:connect(C, Addr),
    ?assertError({invalid, state}, esock:connect(C)),
    {ok, D} = esock:open(inet, stream, tcp),
    %% A listener that never accepts, with a backlog of 0, which is full: connects to it stay under way.
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L, 0),
    {ok, Full} = esock:sockname(L),
    do(actor(), fun() -> fill(Full, 8) end),
    {select, Info} = esock:connect(D, Full, nowait),
    ?assertEqual({error, already}, esock:connect(D)),
    ?assertEqual({error, already}, do(actor(), fun() -> esock:connect(D, Full, nowait) end)),
    ?assertEqual({error, {invalid, state}}, esock:send(D, "x", nowait)),
    ok = esock:cancel(D, Info),
    {ok, E} = esock:open(inet, stream, tcp),
    ?assertEqual({error, timeout}, esock:connect(E, Full, 20)),
    no_message().

fill(_Addr, 0) -> ok;
fill(Addr, N) ->
    {ok, C} = esock:open(inet, stream, tcp),
    _ = esock:connect(C, Addr, nowait),
    fill(Addr, N - 1).

%%% Owners.

controlling_process(_) ->
    {S, _} = udp(),
    A = actor(),
    ?assertEqual({error, {invalid, not_owner}},
                 do(A, fun() -> esock:setopt(S, {otp, controlling_process}, A) end)),
    ok = esock:setopt(S, {otp, controlling_process}, A),
    ?assertEqual({ok, A}, esock:getopt(S, {otp, controlling_process})),
    ?assertEqual({error, {invalid, not_owner}}, esock:setopt(S, {otp, controlling_process}, self())),
    MRef = esock:monitor(S),
    A ! stop,
    receive {'DOWN', MRef, socket, S, closed} -> ok end.

controlling_process_dead(_) ->
    {S, _} = udp(),
    {Pid, MRef} = spawn_monitor(fun() -> ok end),
    receive {'DOWN', MRef, process, Pid, _} -> ok end,
    ok = esock:setopt(S, {otp, controlling_process}, Pid),
    ?assertEqual({error, closed}, esock:recv(S, 0, nowait)).

error_aborts_line(_) ->
    {C, S} = pair(),
    A = actor(),
    {select, {_, _, H}} = esock:recv(S, 0, nowait),
    {select, {_, _, HA}} = do(A, fun() -> esock:recv(S, 0, nowait) end),
    ok = esock:close(C),
    ?assertEqual({'$socket', S, select, H}, message()),
    ?assertEqual({error, closed}, esock:recv(S, 0, nowait)),
    ?assertEqual({'$socket', S, abort, {HA, closed}}, do(A, fun message/0)).

send_select(_) ->
    {C, S} = pair(),
    Data = binary:copy(<<"0123456789">>, 3_000_000),
    {select, {Info, Rest}} = esock:send(C, Data, nowait),
    {select_info, {send, _}, H} = Info,
    {ok, Got} = esock:recv(S, byte_size(Data) - byte_size(Rest)),
    ?assertEqual({'$socket', C, select, H}, message()),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, esock:send(C, Rest, Info, infinity)} end),
    %% The first sender keeps the turn until it calls again or cancels.
    ok = esock:cancel(C, Info),
    {ok, More} = esock:recv(S, byte_size(Rest)),
    ?assertEqual(Data, <<Got/binary, More/binary>>),
    receive {sent, Result} -> ok = Result end.

%%% Monitors and registry.

monitors(_) ->
    {S, _} = udp(),
    {M1, M2} = {esock:monitor(S), esock:monitor(S)},
    ok = esock:close(S),
    receive {'DOWN', M1, socket, S, closed} -> ok end,
    receive {'DOWN', M2, socket, S, closed} -> ok end.

monitor_closed(_) ->
    {S, _} = udp(),
    ok = esock:close(S),
    M = esock:monitor(S),
    receive {'DOWN', M, socket, S, closed} -> ok end.

monitor_cancel(_) ->
    {S, _} = udp(),
    M = esock:monitor(S),
    ?assertMatch({'EXIT', {badarg, _}}, do(actor(), fun() -> esock:cancel_monitor(M) end)),
    ?assert(esock:cancel_monitor(M)),
    ?assertNot(esock:cancel_monitor(M)),
    ?assertNot(esock:cancel_monitor(make_ref())),
    ok = esock:close(S),
    receive {'DOWN', M, _, _, _} -> ct:fail(down) after 0 -> ok end.

monitor_owner_death(_) ->
    Owner = actor(),
    unlink(Owner),
    S = do(Owner, fun() -> {S, _} = udp(), S end),
    M = esock:monitor(S),
    exit(Owner, kill),
    receive {'DOWN', M, socket, S, closed} -> ok end.

registry(_) ->
    {S, _} = udp(),
    ?assert(lists:member(S, esock:which_sockets())),
    ?assert(lists:member(S, esock:which_sockets(udp))),
    ?assert(lists:member(S, esock:which_sockets(self()))),
    ?assertNot(lists:member(S, esock:which_sockets(tcp))),
    ?assert(lists:member(S, esock:which_sockets(fun(#{type := Type}) -> Type =:= dgram end))),
    N = esock:number_of(),
    ok = esock:close(S),
    ?assertEqual(N - 1, esock:number_of()),
    ?assertNot(lists:member(S, esock:which_sockets())).

registry_off(_) ->
    {ok, S} = esock:open(inet, dgram, udp, #{use_registry => false}),
    ?assertNot(lists:member(S, esock:which_sockets())),
    ?assertEqual({ok, false}, esock:getopt(S, {otp, use_registry})),
    ok = esock:setopt(S, {otp, use_registry}, true),
    ?assert(lists:member(S, esock:which_sockets())),
    ok = esock:use_registry(false),
    try
        {ok, T} = esock:open(inet, dgram, udp),
        ?assertNot(lists:member(T, esock:which_sockets())),
        {ok, U} = esock:open(inet, dgram, udp, #{use_registry => true}),
        ?assert(lists:member(U, esock:which_sockets()))
    after
        esock:use_registry(true)
    end.

%% The collector closes a socket without references. A monitor keeps a socket alive, and reports its close.
destructor(_) ->
    Fd = (fun() ->
              {ok, S} = esock:open(inet, dgram, udp, #{use_registry => false}),
              {ok, Fd} = esock:getopt(S, {otp, fd}),
              Fd
          end)(),
    erlang:garbage_collect(),
    until(fun() -> file:read_link("/proc/self/fd/" ++ integer_to_list(Fd)) =:= {error, enoent} end),
    %% A monitored socket is in the registry and stays open.
    M = (fun() -> {ok, S} = esock:open(inet, dgram, udp, #{use_registry => false}), esock:monitor(S) end)(),
    erlang:garbage_collect(),
    [Kept] = [S || S <- esock:which_sockets(self()), lists:member(M, esock:monitored_by(S)) orelse lists:member(self(), esock:monitored_by(S))],
    ok = esock:close(Kept),
    receive {'DOWN', M, socket, Kept, closed} -> ok end.

%%% Load.

%% A call that waits does not search the messages that were in the inbox before.
long_inbox(_) ->
    {C, S} = pair(),
    Echo = spawn_link(fun Loop() -> {ok, Data} = esock:recv(S, 1), ok = esock:send(S, Data), Loop() end),
    [self() ! {noise, N} || N <- lists:seq(1, 100_000)],
    Time = fun() ->
                   {Us, _} = timer:tc(fun() -> [begin ok = esock:send(C, "x"), {ok, _} = esock:recv(C, 1) end
                                                || _ <- lists:seq(1, 200)] end),
                   Us
           end,
    ct:pal("200 round trips behind 100,000 messages: ~w us", [Time()]),
    unlink(Echo),
    exit(Echo, kill).

%% Many processes read and write one pair of datagram sockets: no datagram and no message is lost or doubled.
reader_writer_storm(_) ->
    {ok, S} = esock:open(local, dgram),
    Path = <<0, "esock_storm", (integer_to_binary(erlang:unique_integer([positive])))/binary>>,
    ok = esock:bind(S, #{family => local, path => Path}),
    {Readers, Each, Writers} = {8, 500, 4},
    Total = Readers * Each,
    Read = [begin A = actor(), start(A, fun() -> [{ok, _} = esock:recv(S) || _ <- lists:seq(1, Each)], no_message() end) end
            || _ <- lists:seq(1, Readers)],
    Write = [begin
                 A = actor(),
                 start(A, fun() ->
                                  {ok, T} = esock:open(local, dgram),
                                  ok = esock:connect(T, #{family => local, path => Path}),
                                  [ok = esock:send(T, <<N:32>>) || N <- lists:seq(1, Total div Writers)],
                                  no_message()
                          end)
             end || _ <- lists:seq(1, Writers)],
    [ok = await(Tag) || Tag <- Write ++ Read],
    ?assertMatch(#{num_readers := 0, counters := #{read_pkg := Total}}, esock:info(S)).

%% A process that has given the socket away, and has the turn there, passes the turn on when it ends.
handed_over_with_a_handle(_) ->
    {S, Addr} = udp(),
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() ->
                                        {ok, T} = esock:open(inet, dgram, udp),
                                        ok = esock:bind(T, #{family => inet, addr => loopback, port => 0}),
                                        {select, _} = esock:recv(T, 0, nowait),
                                        ok = esock:setopt(T, {otp, controlling_process}, Self),
                                        Self ! {self(), T}
                                end),
    T = receive {Pid, Socket} -> Socket end,
    receive {'DOWN', MRef, process, Pid, normal} -> ok end,
    {ok, AddrT} = esock:sockname(T),
    ok = esock:sendto(S, <<"hello">>, AddrT),
    ?assertEqual({ok, <<"hello">>}, esock:recv(T, 0, 5000)),
    _ = Addr,
    [ok = esock:close(X) || X <- [S, T]].

%% A woken waiter that finds nothing, and does not wait again (time-out 0), passes the turn on.
woken_then_zero(_) ->
    {S, Addr} = udp(),
    {select, {_, _, Handle}} = esock:recv(S, 0, nowait),
    Self = self(),
    Pid = spawn_link(fun() ->
                             {select, {_, _, H}} = esock:recv(S, 0, nowait),
                             Self ! waiting,
                             receive {'$socket', S, select, H} -> Self ! {self(), esock:recv(S, 0, 0)} end
                     end),
    receive waiting -> ok end,
    ok = esock:sendto(S, <<"one">>, Addr),
    receive {'$socket', S, select, Handle} -> ok end,
    %% A third process takes the datagram out of turn.
    Thief = spawn_link(fun() -> Self ! {self(), esock:recv(S, 0, 0)} end),
    receive {Thief, Stolen} -> ?assertEqual({ok, <<"one">>}, Stolen) end,
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    ok = esock:sendto(S, <<"two">>, Addr),
    receive {Pid, Result} -> ?assertEqual({ok, <<"two">>}, Result) end,
    ok = esock:close(S).

woken_then_zero_to_write(_) ->
    {ok, To} = esock:open(local, dgram),
    ok = esock:bind(To, #{family => local, path => <<>>}),
    {ok, Addr} = esock:sockname(To),
    [{ok, From}, {ok, Other}] = [esock:open(local, dgram) || _ <- [1, 2]],
    Fill = fun Fill(N) -> case esock:sendto(From, <<"x">>, Addr, 0) of ok -> Fill(N + 1); {error, timeout} -> N end end,
    Count = Fill(0),
    {select, {_, _, Handle}} = esock:sendto(From, <<"x">>, Addr, nowait),
    {ok, <<"x">>} = esock:recv(To, 0, 1000),
    receive {'$socket', From, select, Handle} -> ok end,
    %% Another sender takes the room.
    ok = esock:sendto(Other, <<"x">>, Addr),
    {error, timeout} = esock:sendto(From, <<"x">>, Addr, 0),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! waiting, Self ! {self(), esock:sendto(From, <<"last">>, Addr, 5000)} end),
    receive waiting -> ok end,
    [{ok, <<"x">>} = esock:recv(To, 0, 1000) || _ <- lists:seq(1, Count)],
    receive {Pid, Result} -> ?assertEqual(ok, Result) end,
    [ok = esock:close(X) || X <- [To, From, Other]].

%% If a process that closes with SO_LINGER is killed, all waiters still get their abort messages.
closer_killed_in_linger(_) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    ok = esock:setopt(L, {socket, linger}, #{onoff => true, linger => 10}),
    Self = self(),
    Pids = [spawn_link(fun() ->
                               {select, {_, _, H}} = esock:accept(L, nowait),
                               Self ! waiting,
                               receive {'$socket', L, abort, {H, closed}} -> Self ! {self(), aborted} end
                       end) || _ <- lists:seq(1, 500)],
    [receive waiting -> ok end || _ <- Pids],
    M = esock:monitor(L),
    Closer = spawn(fun() -> Self ! closing, esock:close(L) end),
    receive closing -> exit(Closer, kill) end,
    %% If it was killed before its call, it has closed nothing.
    _ = esock:close(L),
    [receive {Pid, aborted} -> ok end || Pid <- Pids],
    receive {'DOWN', M, socket, L, closed} -> ok end.

%% connect/1 before the connection is there answers `already', and the select message of the connect still comes.
connect_once(_) ->
    {L, Addr, C1} = full(),
    {ok, C2} = esock:open(inet, stream, tcp),
    {select, {_, _, Handle}} = esock:connect(C2, Addr, nowait),
    {error, already} = esock:connect(C2),
    {ok, S1} = esock:accept(L),
    receive {'$socket', C2, select, Handle} -> ok end,
    ?assertEqual(ok, esock:connect(C2)),
    [ok = esock:close(X) || X <- [L, C1, C2, S1]].

%% A connect times out by the call's time-out, and by that of the system.
connect_timed_out(_) ->
    {L, Addr, C} = full(),
    %% The connect goes on in the system after the call's time-out: `socket' and esock answer ealready.
    [begin
         {ok, S} = M:open(inet, stream, tcp),
         ?assertEqual({error, timeout}, M:connect(S, Addr, 20)),
         ?assertEqual({error, ealready}, M:connect(S, Addr, nowait)),
         ok = M:close(S)
     end || M <- [socket, esock]],
    {ok, D} = esock:open(inet, stream, tcp),
    ok = esock:setopt(D, {tcp, user_timeout}, 300),
    ?assertEqual({error, etimedout}, esock:connect(D, Addr)),
    [ok = esock:close(X) || X <- [L, C, D]].

%% Each call makes one connect(2), also on a socket on which earlier attempts make trying again before a wait pay.
connect_again_and_again(_) ->
    {L, Addr, C} = full(),
    {ok, S} = esock:open(inet, stream, tcp),
    Closed = Addr#{port := 1},
    Refused = [esock:connect(S, Closed) || _ <- lists:seq(1, 20)],
    ?assertEqual([], [R || R <- Refused, not lists:member(R, [{error, econnrefused}, {error, econnaborted}])]),
    ?assertEqual({error, timeout}, esock:connect(S, Addr, 50)),
    [ok = esock:close(X) || X <- [L, C, S]].

%% When a call gets the end of the stream, whichever function it is, the other waiters are aborted.
end_of_stream_by_recvmsg(_) ->
    {C, S} = pair(),
    {select, {_, _, Handle}} = esock:recv(S, 0, nowait),
    Self = self(),
    Pid = spawn_link(fun() ->
                             {select, {_, _, H}} = esock:recv(S, 0, nowait),
                             Self ! waiting,
                             receive {'$socket', S, abort, {H, closed}} -> Self ! {self(), aborted} end
                     end),
    receive waiting -> ok end,
    ok = esock:shutdown(C, write),
    receive {'$socket', S, select, Handle} -> ok end,
    ?assertEqual({error, closed}, esock:recvmsg(S, nowait)),
    receive {Pid, aborted} -> ok end,
    [ok = esock:close(X) || X <- [C, S]].

%% An event for bytes that an earlier call has taken sends no select message: the call after a message gets bytes.
woken_for_something(_) ->
    {C, S} = pair(),
    lists:foreach(
      fun(N) ->
              {select, _} = esock:recv(S, 0, nowait),
              ok = esock:send(C, <<"a">>),
              Handle = rest(S, N rem 3),
              receive {'$socket', S, select, Handle} -> ct:fail({in_vain, N}) after 1 -> ok end,
              ok = esock:send(C, <<"b">>),
              receive {'$socket', S, select, Handle} -> ok end,
              {ok, <<"b">>} = esock:recv(S, 0, nowait),
              %% The message of the first handle, if it was sent.
              receive {'$socket', S, _, _} -> ok after 0 -> ok end
      end, lists:seq(1, 500)),
    [ok = esock:close(X) || X <- [C, S]].

%% After `Yields' yields, receives the byte that is there, and waits for more.
rest(S, 0) ->
    case esock:recv(S, 10, nowait) of
        {select, {{select_info, _, Handle}, <<"a">>}} -> Handle;
        {select, _} -> rest(S, 0)
    end;
rest(S, Yields) ->
    erlang:yield(),
    rest(S, Yields - 1).

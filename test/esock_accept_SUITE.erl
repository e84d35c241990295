%% Accepting: bursts, the waiter queue, running out of descriptors (emfile), groups of listeners on one port.
-module(esock_accept_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_async_SUITE, [actor/0, await/1, do/2, start/2, waiters/3]).
-import(esock_pairs, [close/1, listener/0, listener/1]).

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [many_takes_what_is_there, many_is_bounded, many_waits, many_selects, many_arguments, many_inherits, many_closed,
         many_in_line, first_in_line, ten_at_once, ten_blocked, emfile_backs_off, emfile_select, emfile_line, emfile_zero,
         emfile_many, unregistrable, turn_given_up_without_registration, local_sender, reuseport, shut_down, shut_down_as_socket],
        [shut_down_as_socket, many_selects, many_in_line, first_in_line, ten_at_once, emfile_select, emfile_line]).

until(Fun) -> esock_async_SUITE:until(Fun).
message() -> esock_async_SUITE:message().
no_message() -> esock_async_SUITE:no_message().

connect(Addr) ->
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    C.

connect(Addr, N) ->
    [connect(Addr) || _ <- lists:seq(1, N)].

names(Clients) ->
    [begin {ok, Addr} = esock:sockname(C), Addr end || C <- Clients].

peers(Accepted) ->
    [begin {ok, Addr} = esock:peername(S), Addr end || S <- Accepted].

counters(L) ->
    #{counters := #{acc_success := Success, acc_fails := Fails, acc_tries := Tries, acc_waits := Waits}} = esock:info(L),
    {Success, Fails, Tries, Waits}.

%%% Bursts.

many_takes_what_is_there(_) ->
    {L, Addr} = listener(),
    Cs = connect(Addr, 5),
    {ok, [_, _, _] = First} = esock:accept_many(L, 3),
    {ok, [_, _] = Second} = esock:accept_many(L, 3, 0),
    ?assertEqual(names(Cs), peers(First ++ Second)),
    ?assertEqual({5, 0, 5, 0}, counters(L)),
    ?assertEqual({error, timeout}, esock:accept_many(L, 3, 0)),
    ?assertEqual({error, timeout}, esock:accept_many(L, 3, 1)),
    close([L | Cs ++ First ++ Second]).

many_is_bounded(_) ->
    {L, Addr} = listener(),
    Cs = connect(Addr, 70),
    {ok, First} = esock:accept_many(L, 1 bsl 70),
    {ok, Second} = esock:accept_many(L, 1000),
    ?assertEqual({64, 6}, {length(First), length(Second)}),
    ?assertEqual(names(Cs), peers(First ++ Second)),
    close([L | Cs ++ First ++ Second]).

many_waits(_) ->
    {L, Addr} = listener(),
    A = actor(),
    Tag = start(A, fun() -> {ok, Ss} = esock:accept_many(L, 10), {Ss, peers(Ss)} end),
    waiters(L, num_acceptors, 1),
    C = connect(Addr),
    {[S], Peers} = await(Tag),
    ?assertEqual(names([C]), Peers),
    close([L, C, S]).

many_selects(_) ->
    {L, Addr} = listener(),
    {select, {select_info, accept, H} = Info} = esock:accept_many(L, 10, nowait),
    ok = esock:cancel(L, Info),
    Own = make_ref(),
    ?assertEqual({select, {select_info, accept, Own}}, esock:accept_many(L, 10, Own)),
    ?assertNotEqual(H, Own),
    Cs = connect(Addr, 2),
    ?assertEqual({'$socket', L, select, Own}, message()),
    {ok, [_, _] = Ss} = esock:accept_many(L, 10, Own),
    no_message(),
    close([L | Cs ++ Ss]).

%% accept_many answers or raises the same as accept for wrong arguments.
many_arguments(_) ->
    {L, _} = listener(),
    {ok, U} = esock:open(inet, dgram, udp),
    {ok, Unbound} = esock:open(inet, stream, tcp),
    {ok, Closed} = esock:open(inet, stream, tcp),
    ok = esock:close(Closed),
    What = fun(Call) -> try Call() catch Class:Reason -> {Class, Reason} end end,
    [?assertEqual({S, T, What(fun() -> esock:accept(S, T) end)}, {S, T, What(fun() -> esock:accept_many(S, 1, T) end)})
     || S <- [L, U, Unbound, Closed, foo, {'$socket', foo}, make_ref()], T <- [0, 1, -1, foo, 1.0]],
    [?assertEqual({S, What(fun() -> esock:accept(S) end)}, {S, What(fun() -> esock:accept_many(S, 1) end)})
     || S <- [U, Unbound, Closed, foo]],
    [?assertError(badarg, esock:accept_many(L, Max, 0)) || Max <- [0, -1, foo, 1.0]],
    close([L, U, Unbound]).

many_inherits(_) ->
    {ok, L} = esock:open(inet, stream, tcp, #{use_registry => false}),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L, 16),
    {ok, Addr} = esock:sockname(L),
    ok = esock:setopt(L, {otp, rcvbuf}, 4711),
    ok = esock:setopt(L, {otp, iow}, true),
    Cs = connect(Addr, 2),
    A = actor(),
    Ss = do(A, fun() -> {ok, Ss} = esock:accept_many(L, 10), Ss end),
    [?assertEqual({ok, Value}, esock:getopt(S, {otp, Option}))
     || S <- Ss, {Option, Value} <- [{rcvbuf, 4711}, {iow, true}, {use_registry, false}, {controlling_process, A}]],
    %% The caller owns the accepted sockets: its death closes them.
    Ms = [esock:monitor(S) || S <- Ss],
    A ! stop,
    [receive {'DOWN', M, socket, _, closed} -> ok end || M <- Ms],
    close([L | Cs]).

many_closed(_) ->
    {L, _} = listener(),
    Tag = start(actor(), fun() -> esock:accept_many(L, 10) end),
    waiters(L, num_acceptors, 1),
    ok = esock:close(L),
    ?assertEqual({error, closed}, await(Tag)),
    ?assertEqual({error, closed}, esock:accept_many(L, 10)).

%% accept and accept_many share a waiter queue. One that takes a burst leaves the rest to the next waiter.
many_in_line(_) ->
    {L, Addr} = listener(),
    [A, B, C] = Actors = [actor() || _ <- [1, 2, 3]],
    [{select, _} = do(X, fun() -> esock:accept_many(L, 2, nowait) end) || X <- Actors],
    Cs = connect(Addr, 4),
    {'$socket', L, select, _} = do(A, fun message/0),
    [do(X, fun no_message/0) || X <- [B, C]],
    {ok, [_, _] = Ss1} = do(A, fun() -> esock:accept_many(L, 2, nowait) end),
    {'$socket', L, select, _} = do(B, fun message/0),
    do(C, fun no_message/0),
    {ok, S2} = do(B, fun() -> esock:accept(L, nowait) end),
    {'$socket', L, select, _} = do(C, fun message/0),
    {ok, [S3]} = do(C, fun() -> esock:accept_many(L, 2, nowait) end),
    ?assertEqual(names(Cs), peers(Ss1 ++ [S2, S3])),
    close([L | Cs]).

%%% The waiter queue.

%% A connection wakes the head of the queue and no other waiter. The next connection wakes the next waiter.
first_in_line(_) ->
    {L, Addr} = listener(),
    Actors = [actor() || _ <- lists:seq(1, 5)],
    [{select, _} = do(A, fun() -> esock:accept(L, nowait) end) || A <- Actors],
    lists:foldl(
      fun(_, [A | Behind]) ->
              C = connect(Addr),
              {'$socket', L, select, _} = do(A, fun message/0),
              [do(B, fun no_message/0) || B <- Behind],
              {ok, S} = do(A, fun() -> esock:accept(L, nowait) end),
              ?assertEqual(names([C]), peers([S])),
              [do(B, fun no_message/0) || B <- [A | Behind]],
              Behind
      end, Actors, Actors),
    ?assertMatch(#{num_acceptors := 0}, esock:info(L)),
    ?assertEqual({5, 0, 6, 1}, counters(L)).

%% Ten connections are in the backlog when the first waiter is woken: each goes to the next waiter, which is woken when it becomes
%% the head of the queue.
ten_at_once(_) ->
    {L, Addr} = listener(),
    Actors = [actor() || _ <- lists:seq(1, 10)],
    [{select, _} = do(A, fun() -> esock:accept(L, nowait) end) || A <- Actors],
    Cs = connect(Addr, 10),
    Ss = [begin
              {'$socket', L, select, _} = do(A, fun message/0),
              [do(B, fun no_message/0) || B <- Actors],
              {ok, S} = do(A, fun() -> esock:accept(L, nowait) end),
              S
          end || A <- Actors],
    ?assertEqual(names(Cs), peers(Ss)),
    [do(B, fun no_message/0) || B <- Actors].

%% The same with blocking calls.
ten_blocked(_) ->
    {L, Addr} = listener(),
    Tags = [begin
                Tag = start(actor(), fun() -> {ok, S} = esock:accept(L), peers([S]) end),
                waiters(L, num_acceptors, N),
                Tag
            end || N <- lists:seq(1, 10)],
    Cs = connect(Addr, 10),
    ?assertEqual(names(Cs), lists:append([await(Tag) || Tag <- Tags])).

%%% Running out of descriptors, in a node of its own with a limit of 64.

starved(Case) ->
    Args = ["-mode", "embedded", "-pa" | [P || P <- code:get_path(), P =/= "."]],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args,
                                      exec => {"/bin/sh", ["-c", "ulimit -n 64; exec erl \"$@\"", "erl"]}}),
    %% Loading a module needs a descriptor, so these are loaded before.
    [{module, M} = peer:call(Peer, code, load_file, [M])
     || M <- [esock, esock_nif, esock_busy_poll, esock_wait, esock_pairs, esock_async_SUITE, ct, ?MODULE]],
    peer:call(Peer, ?MODULE, Case, [], 60_000),
    peer:stop(Peer).

%% A listener, N clients that are not connected, and sockets opened until emfile.
fill(N) ->
    {L, Addr} = listener(),
    %% The first wait registers the listener: that is done before descriptors run out.
    {error, timeout} = esock:accept(L, 1),
    Cs = [begin {ok, C} = esock:open(inet, stream, tcp), C end || _ <- lists:seq(1, N)],
    {L, Addr, Cs, fill_up([])}.

fill_up(Open) ->
    case esock:open(inet, dgram) of
        {ok, S} -> fill_up([S | Open]);
        {error, emfile} -> Open
    end.

%% Calls accept until it succeeds, and reports the time of each emfile.
insist(L, Parent) ->
    case esock:accept(L) of
        {error, emfile} -> Parent ! {emfile, self(), erlang:monotonic_time(microsecond)}, insist(L, Parent);
        {ok, S} -> Parent ! {accepted, self(), S}, receive stop -> ok end
    end.

%% If a socket cannot be registered with the poller, the call answers the error and does not hang. (The second socket on one
%% descriptor registers a duplicate, which needs a descriptor.)
unregistrable(_) -> starved(unregistrable).
unregistrable() ->
    {S, Addr} = esock_pairs:udp(),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, T} = esock:open(Fd, #{dup => false}),
    {error, timeout} = esock:recv(S, 0, 1),
    Full = fill_up([]),
    {error, emfile} = esock:recv(T, 0, 5000),
    ok = esock:sendto(S, <<"x">>, Addr),
    {ok, <<"x">>} = esock:recv(S, 0, 5000),
    close(Full),
    ok = esock:sendto(S, <<"y">>, Addr),
    {ok, <<"y">>} = esock:recv(T, 0, 5000),
    close([T, S]).

%% A call that has received a part, and cannot be registered for the rest, does not keep the turn.
turn_given_up_without_registration(_) -> starved(turn_given_up_without_registration).
turn_given_up_without_registration() ->
    {C, S} = esock_pairs:pair(),
    {error, timeout} = esock:recv(S, 0, 1),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, T} = esock:open(Fd, #{dup => false}),
    ok = esock:send(C, <<"hello">>),
    Full = fill_up([]),
    Self = self(),
    spawn_link(fun() -> Self ! {first, esock:recv(T, 10, 2000)} end),
    receive {first, First} -> {error, {emfile, <<"hello">>}} = First end,
    ok = esock:send(C, <<"world">>),
    {ok, <<"world">>} = esock:recv(T, 5, 2000),
    close(Full ++ [T, C, S]).

%% If there is no descriptor for a probe socket (src/socket/probe.rs), a waiting Unix datagram sender still sends when there is
%% room.
local_sender(_) -> starved(local_sender).
local_sender() ->
    {C, To} = esock_pairs:local_pair(esock, dgram),
    {ok, Addr} = esock:sockname(To),
    {ok, From} = esock:open(local, dgram),
    Send = fun S(N) -> case esock:sendto(From, <<"x">>, Addr, 0) of ok -> S(N + 1); {error, timeout} -> N end end,
    Count = Send(0),
    Full = fill_up([]),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, esock:sendto(From, <<"last">>, Addr)} end),
    until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
    [{ok, <<"x">>} = esock:recv(To, 0, 1000) || _ <- lists:seq(1, Count)],
    receive {sent, Result} -> ok = Result end,
    {ok, <<"last">>} = esock:recv(To, 0, 1000),
    close(Full ++ [C, To, From]).

%% Repeated calls get emfile after pauses that double. When there are descriptors again, the call gets the connection in the
%% backlog, without a new one.
emfile_backs_off(_) -> starved(emfile_backs_off).
emfile_backs_off() ->
    {L, Addr, [C], [S | Rest]} = fill(1),
    Self = self(),
    {0, 0, Tries, Waits} = counters(L),
    Pid = spawn_link(fun() -> insist(L, Self) end),
    ok = esock:connect(C, Addr),
    At = [receive {emfile, Pid, T} -> T end || _ <- lists:seq(1, 6)],
    %% The first error begins a pause of 5 ms, and the second error comes after it at the earliest.
    ?assert(lists:last(At) - hd(At) >= 1000 * (5 + 10 + 20 + 40 + 80)),
    {0, Fails, TriesNow, WaitsNow} = counters(L),
    %% An error takes one attempt when the call is made and one at the end of the pause; a new connection takes one more.
    ?assert(TriesNow - Tries =< 2 * Fails + 2),
    ?assert(WaitsNow - Waits =< Fails + 2),
    ok = esock:close(S),
    receive {accepted, Pid, _} -> ok end,
    Pid ! stop,
    close([L, C | Rest]).

%% The same with nowait.
emfile_select(_) -> starved(emfile_select).
emfile_select() ->
    {L, Addr, [C], [S | Rest]} = fill(1),
    ok = esock:connect(C, Addr),
    {error, emfile} = esock:accept(L, nowait),
    {select, {select_info, accept, H}} = select(L),
    ok = esock:close(S),
    ?assertEqual({'$socket', L, select, H}, message()),
    {ok, A} = esock:accept(L, nowait),
    no_message(),
    close([L, C, A | Rest]).

%% Calls accept until it waits: the first call of each pause gets emfile, a second one in the same pause waits.
select(L) ->
    case esock:accept(L, nowait) of
        {error, emfile} -> select(L);
        Select -> Select
    end.

%% Waiters behind the head stay in the queue when the head gets emfile (`socket' aborts them). All get a connection in the end.
emfile_line(_) -> starved(emfile_line).
emfile_line() ->
    ?assertMatch({'$socket', _, abort, {_, emfile}}, second_in_line(socket)),
    ?assertMatch({'$socket', _, select, _}, second_in_line(esock)),
    {L, Addr, Cs, Open} = fill(3),
    Self = self(),
    Pids = [spawn_link(fun() -> insist(L, Self) end) || _ <- Cs],
    [ok = esock:connect(C, Addr) || C <- Cs],
    [receive {emfile, Pid, _} -> ok end || Pid <- Pids],
    close(Open),
    [receive {accepted, Pid, _} -> ok end || Pid <- Pids],
    close([L | Cs]).

%% The message that the second waiter gets when the head of the queue gets emfile.
second_in_line(M) ->
    {L, Addr} = listener(M),
    Self = self(),
    {select, {_, _, H}} = M:accept(L, nowait),
    Second = spawn_link(fun() ->
                                {select, _} = M:accept(L, nowait),
                                Self ! {waiting, self()},
                                Self ! {got, message()},
                                receive stop -> ok end
                        end),
    receive {waiting, Second} -> ok end,
    {ok, C} = M:open(inet, stream, tcp),
    Open = fill_up([]),
    ok = M:connect(C, Addr),
    receive {'$socket', L, select, H} -> ok end,
    {error, emfile} = M:accept(L, nowait),
    Got = receive {got, Message} -> Message end,
    close(Open),
    [ok = M:close(S) || S <- [L, C]],
    Second ! stop,
    Got.

%% A call with time-out 0 gets the error at once, every time.
emfile_zero(_) -> starved(emfile_zero).
emfile_zero() ->
    {L, Addr, [C], [S | Rest]} = fill(1),
    ok = esock:connect(C, Addr),
    [?assertEqual({error, emfile}, esock:accept(L, 0)) || _ <- lists:seq(1, 100)],
    ok = esock:close(S),
    {ok, A} = esock:accept(L, 0),
    close([L, C, A | Rest]).

%% accept_many answers the connections accepted before the error; the next call gets the error.
emfile_many(_) -> starved(emfile_many).
emfile_many() ->
    {L, Addr, Cs, [S1, S2 | Rest]} = fill(5),
    [ok = esock:connect(C, Addr) || C <- Cs],
    close([S1, S2]),
    {ok, [_, _] = First} = esock:accept_many(L, 10),
    ?assertEqual({error, emfile}, esock:accept_many(L, 10)),
    ?assertMatch({2, 1, _, _}, counters(L)),
    close(Rest),
    {ok, [_, _, _] = Second} = esock:accept_many(L, 10),
    ?assertEqual(names(Cs), peers(First ++ Second)),
    close([L | Cs ++ First ++ Second]).

%%% Groups of listeners on one port (SO_REUSEPORT).

%% Listeners on one port share its connections. When one is closed, the other gets them all.
reuseport(_) ->
    Self = self(),
    {L1, Addr} = shared(#{family => inet, addr => loopback, port => 0}),
    {L2, Addr} = shared(Addr),
    Serve = fun Serve(L) ->
                    case esock:accept(L) of
                        {ok, S} -> Self ! {served, L}, ok = esock:close(S), Serve(L);
                        {error, closed} -> ok
                    end
            end,
    [spawn_link(fun() -> Serve(L) end) || L <- [L1, L2]],
    Served = fun(N) -> [begin C = connect(Addr), receive {served, L} -> ok end, ok = esock:close(C), L end
                        || _ <- lists:seq(1, N)] end,
    ?assertEqual(lists:usort([L1, L2]), lists:usort(Served(200))),
    ok = esock:close(L1),
    ?assertEqual([L2], lists:usort(Served(50))),
    ok = esock:close(L2).

shared(To) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:setopt(L, {socket, reuseport}, true),
    ok = esock:bind(L, To),
    ok = esock:listen(L, 16),
    {ok, Addr} = esock:sockname(L),
    {L, Addr}.

%% After shutdown of a listener all waiting accepts get einval.
shut_down(_) ->
    {L, _} = esock_pairs:listener(),
    Self = self(),
    Pids = [begin
                Pid = spawn_link(fun() -> Self ! {self(), esock:accept(L)} end),
                until(fun() -> maps:get(num_acceptors, esock:info(L)) =:= N end),
                Pid
            end || N <- [1, 2, 3]],
    ok = esock:shutdown(L, read_write),
    ?assertEqual([{error, einval}, {error, einval}, {error, einval}], [receive {Pid, Answer} -> Answer end || Pid <- Pids]),
    ok = esock:close(L).

shut_down_as_socket(_) ->
    ?assertEqual(shut_down_of(socket), shut_down_of(esock)).

shut_down_of(M) ->
    {L, _} = esock_pairs:listener(M),
    Self = self(),
    Pids = [begin
                Pid = spawn_link(fun() ->
                                     {select, {select_info, accept, H}} = M:accept(L, nowait),
                                     Self ! waits,
                                     Told = receive
                                                {'$socket', L, select, H} -> {select, M:accept(L, nowait)};
                                                {'$socket', L, abort, {H, Reason}} -> {abort, Reason}
                                            end,
                                     Self ! {self(), Told}
                                 end),
                receive waits -> Pid end
            end || _ <- [1, 2, 3]],
    ok = M:shutdown(L, read_write),
    Answers = [receive {Pid, Answer} -> Answer end || Pid <- Pids],
    ok = M:close(L),
    Answers.

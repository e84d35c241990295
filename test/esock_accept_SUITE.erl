%% Accepting: the line of acceptors, what happens when descriptors run out, groups of listeners.
-module(esock_accept_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_async_SUITE, [actor/0, await/1, do/2, start/2, waiters/3]).
-import(esock_pairs, [close/1, listener/0, listener/1]).

-compile([export_all, nowarn_export_all]).

all() ->
    [first_in_line, ten_at_once, ten_blocked, emfile_backs_off, emfile_select, emfile_line, emfile_zero, reuseport].

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

%%% The line.

%% A connection wakes who came first, and nobody else; he goes, and the next connection is the next one's.
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

%% Ten connections are there when the first is woken: each goes to the next in line, who is woken when it is his turn.
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

%% The same where they wait in the call.
ten_blocked(_) ->
    {L, Addr} = listener(),
    Tags = [begin
                Tag = start(actor(), fun() -> {ok, S} = esock:accept(L), peers([S]) end),
                waiters(L, num_acceptors, N),
                Tag
            end || N <- lists:seq(1, 10)],
    Cs = connect(Addr, 10),
    ?assertEqual(names(Cs), lists:append([await(Tag) || Tag <- Tags])).

%%% Descriptors run out. In a node of its own that may have few.

starved(Case) ->
    Args = ["-mode", "embedded", "-pa" | [P || P <- code:get_path(), P =/= "."]],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args,
                                      exec => {"/bin/sh", ["-c", "ulimit -n 64; exec erl \"$@\"", "erl"]}}),
    %% Loading a module needs a descriptor.
    [{module, M} = peer:call(Peer, code, load_file, [M])
     || M <- [esock, esock_nif, esock_wait, esock_pairs, esock_async_SUITE, ct, ?MODULE]],
    peer:call(Peer, ?MODULE, Case, [], 60_000),
    peer:stop(Peer).

%% A listener, clients, and descriptors opened until there are no more.
fill(N) ->
    {L, Addr} = listener(),
    %% What is made when somebody first waits is made before.
    {error, timeout} = esock:accept(L, 1),
    Cs = [begin {ok, C} = esock:open(inet, stream, tcp), C end || _ <- lists:seq(1, N)],
    {L, Addr, Cs, fill_up([])}.

fill_up(Open) ->
    case esock:open(inet, dgram) of
        {ok, S} -> fill_up([S | Open]);
        {error, emfile} -> Open
    end.

%% Accepts, whatever errors it takes, and says when each came.
insist(L, Parent) ->
    case esock:accept(L) of
        {error, emfile} -> Parent ! {emfile, self(), erlang:monotonic_time(microsecond)}, insist(L, Parent);
        {ok, S} -> Parent ! {accepted, self(), S}, receive stop -> ok end
    end.

%% Who calls again is answered again, after pauses that double; and gets the connection when there are descriptors,
%% though no other comes.
emfile_backs_off(_) -> starved(emfile_backs_off).
emfile_backs_off() ->
    {L, Addr, [C], [S | Rest]} = fill(1),
    Self = self(),
    {0, 0, Tries, Waits} = counters(L),
    Pid = spawn_link(fun() -> insist(L, Self) end),
    ok = esock:connect(C, Addr),
    At = [receive {emfile, Pid, T} -> T end || _ <- lists:seq(1, 6)],
    %% The first tells of the shortage, and a pause of 5 ms begins: no sooner comes the second.
    ?assert(lists:last(At) - hd(At) >= 1000 * (5 + 10 + 20 + 40 + 80)),
    {0, Fails, TriesNow, WaitsNow} = counters(L),
    %% An error costs an attempt when the call comes, and one at the end of the pause; a connection that comes, another.
    ?assert(TriesNow - Tries =< 2 * Fails + 2),
    ?assert(WaitsNow - Waits =< Fails + 2),
    ok = esock:close(S),
    receive {accepted, Pid, _} -> ok end,
    Pid ! stop,
    close([L, C | Rest]).

%% The same for who does not wait in the call.
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

%% An error each pause, until a call comes within one.
select(L) ->
    case esock:accept(L, nowait) of
        {error, emfile} -> select(L);
        Select -> Select
    end.

%% Nobody in the line is forgotten, or sent home for what another has met.
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

%% What the second in line is told when the first meets the shortage.
second_in_line(M) ->
    {L, Addr} = listener(M),
    Self = self(),
    {select, {_, _, H}} = M:accept(L, nowait),
    Second = spawn_link(fun() ->
                                {select, _} = M:accept(L, nowait),
                                Self ! {waiting, self()},
                                Self ! {told, message()},
                                receive stop -> ok end
                        end),
    receive {waiting, Second} -> ok end,
    {ok, C} = M:open(inet, stream, tcp),
    Open = fill_up([]),
    ok = M:connect(C, Addr),
    receive {'$socket', L, select, H} -> ok end,
    {error, emfile} = M:accept(L, nowait),
    Told = receive {told, Message} -> Message end,
    close(Open),
    [ok = M:close(S) || S <- [L, C]],
    Second ! stop,
    Told.

%% A call that does not wait is answered at once, as often as it is made.
emfile_zero(_) -> starved(emfile_zero).
emfile_zero() ->
    {L, Addr, [C], [S | Rest]} = fill(1),
    ok = esock:connect(C, Addr),
    [?assertEqual({error, emfile}, esock:accept(L, 0)) || _ <- lists:seq(1, 100)],
    ok = esock:close(S),
    {ok, A} = esock:accept(L, 0),
    close([L, C, A | Rest]).

%%% Groups.

%% Listeners that share a port share the connections; when one has gone, the other has them all.
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

%% Completions: on sockets with the back end io_uring a `nowait' call that would block answers {completion, Info}. The message has
%% the result that the blocking call would have answered. Every handle gets one completion, one abort, or a clean cancel.
-module(esock_completion_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_async_SUITE, [no_message/0, until/1]).
-import(esock_pairs, [full/0, listener/0, local_pair/2, pair/0, udp/0]).

-compile([export_all, nowarn_export_all]).

suite() ->
    [{timetrap, {seconds, 60}}].

all() ->
    [named, chosen_by_environment, refused, refused_node_works, accept_connect, connect_refused, connect_in_time, receive_later, receive_at_once, exact, exact_cut_short,
     exact_longer_than_ahead, much_gathered, beside_a_length, own_handle, some, peeked, of_messages, batch, local_stream, rights, select_read, cancel_keeps_bytes, cancel_too_late,
     cancel_in_line, cancel_storm, line_in_order, many_acceptors, accept_many, close_aborts, close_frees_port, peer_reset, error_asked_for, peer_killed,
     owner_death, owner_killed_in_flight, waiter_death, handed_over, send_later, send_gathered, send_cancelled, send_broken, reads_ahead, bounded_ahead, no_ahead, shut_down,
     looked_at_the_end, ended_by_another, looked_beside, error_queue_beside, refused_beside, cut_send, discarded, several_at_once, large_beside,
     told_as_it_goes, gathered_and_closed, duplicate_keeps_nothing, unread_and_closed, close_crosses_end, ring_descriptor, lengths_in_turn, blocking_beside, closed_in_flight, no_ring_unasked, every_byte_once, nothing_of_before].

init_per_suite(Config) ->
    case esock:open(inet, stream, tcp, #{io_backend => io_uring}) of
        {ok, S} ->
            ok = esock:close(S),
            ok = esock_nif:io_backend(io_uring),
            %% The cases run with read-ahead, because rings that receive are the most involved.
            ok = esock_nif:read_ahead(65536),
            Config;
        {error, {invalid, {io_backend, Reason}}} ->
            {skip, {no_io_uring, Reason}}
    end.

end_per_suite(_) ->
    ok = esock_nif:read_ahead(list_to_integer(os:getenv("ESOCK_READ_AHEAD", "0"))),
    ok = esock_nif:io_backend(hd(esock_pairs:cases([epoll, io_uring], [epoll]))).


%% Some peers and launchers are Python programs.
init_per_testcase(Case, Config) ->
    case lists:member(Case, [refused, refused_node_works, peer_killed]) andalso os:find_executable("python3") of
        false when Case =:= refused; Case =:= refused_node_works; Case =:= peer_killed -> {skip, no_python3};
        _ -> Config
    end.

end_per_testcase(_, _) ->
    ok.

%%% Messages, and processes that make calls.

completion(S, H) ->
    receive
        {'$socket', S, completion, {H, Result}} -> Result;
        {'$socket', S, abort, {H, Reason}} -> {abort, Reason}
    after 10_000 -> ct:fail({no_message, process_info(self(), messages), esock:info(S)})
    end.

%% A process that calls `Fun', and then the function that then/2 sends to it. Its messages stay in its inbox.
spawned(Fun) ->
    Self = self(),
    Ref = make_ref(),
    {Pid, MRef} = spawn_monitor(fun() -> Self ! {Ref, Fun()}, receive {Ref, Next} -> Self ! {Ref, Next()} end end),
    {Pid, Ref, receive {Ref, Result} -> Result; {'DOWN', MRef, _, _, Reason} -> ct:fail(Reason) after 10_000 -> ct:fail({no_result, process_info(Pid)}) end}.

then({Pid, Ref, _}, Fun) ->
    Pid ! {Ref, Fun},
    receive {Ref, Result} -> Result; {'DOWN', _, _, Pid, Reason} when Reason =/= normal -> ct:fail(Reason) after 10_000 -> ct:fail(no_result) end.

%%% The choice of the back end.

named(_) ->
    {ok, S} = esock:open(inet, stream, tcp, #{io_backend => io_uring}),
    {ok, T} = esock:open(inet, stream, tcp, #{io_backend => epoll}),
    {ok, U} = esock:open(inet, stream, tcp, #{io_backend => auto}),
    ?assertMatch([#{io_backend := io_uring}, #{io_backend := epoll}], [esock:info(X) || X <- [S, T]]),
    #{io_backend := #{name := io_uring, rings := Rings, memory := Memory, pollers := Rings}} = esock:info(),
    ?assert(Rings >= 1 andalso Memory =< Rings * 2 * 1024 * 1024),
    ?assertEqual({error, {invalid, {io_backend, kqueue}}}, esock:open(inet, stream, tcp, #{io_backend => kqueue})),
    esock_pairs:close([S, T, U]).

chosen_by_environment(_) ->
    Code = "{ok, S} = esock:open(inet, stream), #{io_backend := B} = esock:info(S), io:put_chars(atom_to_list(B)), halt().",
    ?assertEqual("io_uring", node_says("ESOCK_IO_BACKEND=io_uring", [], Code)),
    ?assertEqual("epoll", node_says("ESOCK_IO_BACKEND=nonsense", [], Code)),
    ?assertEqual("io_uring", node_says("", ["-esock io_backend io_uring"], "ok = application:load(esock), {ok, _} = application:ensure_all_started(esock), " ++ Code)).

%% If the system refuses rings, open with `io_uring' answers the reason, and with `auto' it uses epoll.
refused(_) ->
    Code = "{error, {invalid, {io_backend, R}}} = esock:open(inet, stream, tcp, #{io_backend => io_uring}),"
           " {ok, S} = esock:open(inet, stream, tcp, #{io_backend => auto}), #{io_backend := epoll} = esock:info(S),"
           " #{io_backend := #{name := epoll, rings := 0, refused := R}} = esock:info(), io:format(\"~p\", [R]), halt().",
    [?assertEqual(Name, node_says(launcher(Number), [], Code)) || {Number, Name} <- [{"1", "eperm"}, {"38", "enosys"}]],
    ?assertMatch("{memlock," ++ _, node_says("ulimit -l 1234; " ++ launcher("12"), [], Code)).

%% On such a node sockets work with `auto' as the default.
refused_node_works(_) ->
    Code = "{ok, L} = esock:open(inet, stream), ok = esock:bind(L, loopback), ok = esock:listen(L), {ok, A} = esock:sockname(L),"
           " {select, {select_info, accept, H}} = esock:accept(L, nowait), {ok, C} = esock:open(inet, stream), ok = esock:connect(C, A),"
           " receive {_, L, select, H} -> ok end, {ok, S} = esock:accept(L), ok = esock:send(S, <<1:8000000>>, infinity),"
           " {ok, <<1:8000000>>} = esock:recv(C, 1000000), io:put_chars(\"works\"), halt().",
    ?assertEqual("works", node_says("ESOCK_IO_BACKEND=auto " ++ launcher("1"), [], Code)).

launcher(Errno) ->
    "python3 " ++ filename:join([code:lib_dir(esock), "test", "programs", "no_io_uring.py"]) ++ " " ++ Errno.

node_says(Before, Flags, Code) ->
    Ebin = filename:dirname(code:which(esock)),
    os:cmd(lists:join(" ", ["unset ESOCK_IO_BACKEND;", Before, "erl -noshell -pa", Ebin, Flags, "-eval", "'" ++ Code ++ "'", "2>&1"])).

%%% Connections.

accept_connect(_) ->
    {L, Addr} = listener(),
    {completion, {completion_info, accept, H}} = esock:accept(L, nowait),
    {ok, C} = esock:open(inet, stream, tcp),
    case esock:connect(C, Addr, nowait) of
        ok -> ok;
        {completion, {completion_info, connect, HC}} -> ?assertEqual(ok, completion(C, HC))
    end,
    {ok, S} = completion(L, H),
    %% The caller owns the accepted socket, which has the listener's back end.
    ?assertEqual({ok, self()}, esock:getopt(S, {otp, controlling_process})),
    ?assertMatch(#{io_backend := io_uring}, esock:info(S)),
    ok = esock:send(C, "a"),
    ?assertEqual({ok, <<"a">>}, esock:recv(S)),
    no_message(),
    esock_pairs:close([L, C, S]).

connect_refused(_) ->
    {L, Addr} = listener(),
    ok = esock:close(L),
    {ok, C} = esock:open(inet, stream, tcp),
    case esock:connect(C, Addr, nowait) of
        {error, econnrefused} -> ok;
        {completion, {completion_info, connect, H}} -> ?assertEqual({error, econnrefused}, completion(C, H))
    end,
    esock_pairs:close([C]).

%% While a connect is under way other calls cannot send or connect, and cancel ends the wait.
connect_in_time(_) ->
    {L, Addr, C} = full(),
    {ok, C2} = esock:open(inet, stream, tcp),
    {completion, {_, _, H}} = esock:connect(C2, Addr, nowait),
    ?assertEqual({error, {invalid, state}}, esock:send(C2, "x", nowait)),
    {ok, C3} = esock:open(inet, stream, tcp),
    {completion, Info} = esock:connect(C3, Addr, nowait),
    ok = esock:cancel(C3, Info),
    %% The accept makes room in the backlog, so that the system's next try connects.
    {ok, S} = esock:accept(L),
    ?assertEqual(ok, completion(C2, H)),
    no_message(),
    esock_pairs:close([L, C, C2, C3, S]).

%%% Receiving.

receive_later(_) ->
    {C, S} = pair(),
    [begin
         {completion, {completion_info, recv, H}} = esock:recv(S, 0, nowait),
         ok = esock:send(C, Data),
         ?assertEqual({ok, Data}, completion(S, H))
     end || Data <- [<<"a">>, <<"bc">>, crypto:strong_rand_bytes(3000), <<"d">>]],
    no_message(),
    esock_pairs:close([C, S]).

receive_at_once(_) ->
    {C, S} = pair(),
    ok = esock:send(C, "abc"),
    until(fun() -> {ok, N} = esock:ioctl(S, nread), N =:= 3 end),
    ?assertEqual({ok, <<"a">>}, esock:recv(S, 1, nowait)),
    ?assertEqual({ok, <<"bc">>}, esock:recv(S, 0, nowait)),
    no_message(),
    esock_pairs:close([C, S]).

exact(_) ->
    {C, S} = pair(),
    {completion, {completion_info, recv, H}} = esock:recv(S, 10, nowait),
    [begin ok = esock:send(C, [X]), no_message() end || X <- "123456789"],
    ok = esock:send(C, "0ab"),
    ?assertEqual({ok, <<"1234567890">>}, completion(S, H)),
    %% The bytes beyond the length stay.
    ?assertEqual({ok, <<"ab">>}, esock:recv(S, 2, nowait)),
    esock_pairs:close([C, S]).

exact_cut_short(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "1234"),
    ok = esock:close(C),
    ?assertEqual({error, {closed, <<"1234">>}}, completion(S, H)),
    ?assertEqual({error, closed}, esock:recv(S, 10, nowait)),
    ?assertEqual(eof, esock:recv_some(S, 10, [], nowait)),
    esock_pairs:close([S]).

exact_longer_than_ahead(_) ->
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(20_000_000),
    {completion, {_, _, H}} = esock:recv(S, byte_size(Data), nowait),
    Sender = spawned(fun() -> ok end),
    ok = then(Sender, fun() -> esock:send(C, Data) end),
    {ok, Got} = completion(S, H),
    ?assert(Got =:= Data),
    ?assertMatch(#{read_ahead := 0}, esock:info(S)),
    esock_pairs:close([C, S]).

%% More than 1 MB of a length is gathered already, too much to copy on a scheduler: a receive of it completes, whether the poller
%% thread or the helper polls.
much_gathered(_) ->
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(6_000_000),
    {completion, Info} = esock:recv(S, byte_size(Data) + 1, nowait),
    ok = esock:send(C, Data),
    until(fun() -> ahead(S) =:= byte_size(Data) end),
    ok = esock:cancel(S, Info),
    {completion, {_, _, H}} = esock:recv(S, 5_000_000, nowait),
    {ok, First} = completion(S, H),
    %% A blocking call gets the rest, in parts.
    {ok, Rest} = esock:recv(S, 1_000_000),
    ?assert(<<First/binary, Rest/binary>> =:= Data),
    ?assertEqual(0, ahead(S)),
    %% So does a call with time-out 0.
    {completion, Info2} = esock:recv(S, byte_size(Data) + 1, nowait),
    ok = esock:send(C, Data),
    until(fun() -> ahead(S) =:= byte_size(Data) end),
    ok = esock:cancel(S, Info2),
    ?assert({ok, Data} =:= esock:recv(S, byte_size(Data), 0)),
    %% The end of the stream cuts such a length short.
    {completion, {_, _, H2}} = esock:recv(S, byte_size(Data) + 1, nowait),
    ok = esock:send(C, Data),
    ok = esock:close(C),
    {error, {closed, Cut}} = completion(S, H2),
    ?assert(Cut =:= Data),
    esock_pairs:close([S]).

%% Urgent data is not among the bytes of the stream: a receive of it does not wait for a length.
beside_a_length(_) ->
    {C, S} = pair(),
    ok = esock:send(C, "u", [oob]),
    until(fun() -> esock:ioctl(S, atmark) =:= {ok, true} end),
    ?assertEqual({ok, <<"u">>}, esock:recv(S, 5, [oob], nowait)),
    ok = esock:send(C, "abcde"),
    ?assertEqual({ok, <<"abcde">>}, esock:recv(S, 5, [], 5000)),
    esock_pairs:close([C, S]).

own_handle(_) ->
    {C, S} = pair(),
    H = make_ref(),
    ?assertEqual({completion, {completion_info, recv, H}}, esock:recv(S, 0, [], H)),
    ok = esock:send(C, "a"),
    ?assertEqual({ok, <<"a">>}, completion(S, H)),
    ?assertEqual({completion, {completion_info, recv, H}}, esock:recv(S, 1, [], H)),
    ok = esock:send(C, "b"),
    ?assertEqual({ok, <<"b">>}, completion(S, H)),
    esock_pairs:close([C, S]).

some(_) ->
    {C, S} = pair(),
    {completion, {completion_info, recv, H}} = esock:recv_some(S, 4, [], nowait),
    ok = esock:send(C, "ab"),
    ?assertEqual({ok, <<"ab">>}, completion(S, H)),
    {completion, {_, _, H2}} = esock:recv_some(S, 4, [], nowait),
    ok = esock:shutdown(C, write),
    ?assertEqual(eof, completion(S, H2)),
    esock_pairs:close([C, S]).

%% A peek leaves the bytes, in the read-ahead buffer or in the kernel.
peeked(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 0, [peek], nowait),
    ok = esock:send(C, "abc"),
    ?assertEqual({ok, <<"abc">>}, completion(S, H)),
    ?assertEqual({ok, <<"ab">>}, esock:recv(S, 2, [peek], nowait)),
    ?assertEqual({ok, <<"abc">>}, esock:recv(S, 3)),
    esock_pairs:close([C, S]).

of_messages(_) ->
    {S, AddrS} = udp(),
    {T, AddrT} = udp(),
    {completion, {completion_info, recvfrom, H1}} = esock:recvfrom(S, 0, nowait),
    ok = esock:sendto(T, "one", AddrS),
    ?assertEqual({ok, {AddrT, <<"one">>}}, completion(S, H1)),
    {completion, {completion_info, recvmsg, H2}} = esock:recvmsg(S, nowait),
    ok = esock:sendto(T, "two", AddrS),
    ?assertMatch({ok, #{addr := AddrT, iov := [<<"two">>], ctrl := [], flags := []}}, completion(S, H2)),
    {completion, {completion_info, recv, H3}} = esock:recv(S, 2, nowait),
    ok = esock:sendto(T, "three", AddrS),
    ?assertEqual({ok, <<"th">>}, completion(S, H3)),
    ok = esock:setopt(S, {ip, recvttl}, true),
    {completion, {_, _, H4}} = esock:recvmsg(S, nowait),
    ok = esock:sendto(T, "", AddrS),
    ?assertMatch({ok, #{iov := [<<>>], ctrl := [#{level := ip, type := ttl}]}}, completion(S, H4)),
    esock_pairs:close([S, T]).

batch(_) ->
    {S, AddrS} = udp(),
    {T, _} = udp(),
    {completion, {completion_info, recvmmsg, H}} = esock:recvmmsg(S, 8, 0, 0, [], nowait),
    ok = esock:sendmmsg(T, [#{iov => [<<N>>], addr => AddrS} || N <- lists:seq(1, 4)], [], infinity),
    {ok, [#{iov := [<<1>>]} | Rest]} = completion(S, H),
    %% The batch has the messages that arrived before the attempt; the others follow.
    Left = 3 - length(Rest),
    [{ok, [_]} = esock:recvmmsg(S, 1, 0, 0, [], infinity) || _ <- lists:seq(1, Left)],
    esock_pairs:close([S, T]).

local_stream(_) ->
    {C, S} = local_pair(esock, stream),
    {completion, {_, _, H}} = esock:recv(S, 6, nowait),
    ok = esock:send(C, "abc"),
    ok = esock:send(C, "def"),
    ?assertEqual({ok, <<"abcdef">>}, completion(S, H)),
    esock_pairs:close([C, S]).

%% A receive of descriptors answers select, so that the process takes them itself: in a completion to a process that has ended
%% they would stay open.
rights(_) ->
    {C, S} = local_pair(esock, stream),
    {U, _} = udp(),
    {ok, Fd} = esock:getopt(U, {otp, fd}),
    {select, {_, _, H}} = esock:recvmsg(S, nowait),
    ok = esock:sendmsg(C, #{iov => [<<"x">>], ctrl => [#{level => socket, type => rights, data => <<Fd:32/native>>}]}),
    receive {'$socket', S, select, H} -> ok after 10_000 -> ct:fail(no_message) end,
    {ok, #{iov := [<<"x">>], ctrl := [#{level := socket, type := rights, data := Data}]}} = esock:recvmsg(S, nowait),
    ?assertMatch({select, _}, esock:recvmmsg(S, 2, 0, 0, [], nowait)),
    <<Got:32/native>> = Data,
    {ok, V} = esock:open(Got, #{dup => false, own => true}),
    ?assertEqual(esock:sockname(U), esock:sockname(V)),
    esock_pairs:close([C, S, U, V]).

%% With select_read a successful receive begins the next wait, so that no call is made while there are no bytes.
select_read(_) ->
    {C, S} = pair(),
    ok = esock:setopt(S, {otp, select_read}, true),
    {completion, {completion_info, recv, H0}} = esock:recv(S, 0, nowait),
    Last = lists:foldl(
             fun(N, H) ->
                     ok = esock:send(C, <<N>>),
                     ?assertEqual({ok, <<N>>}, completion(S, H)),
                     ok = esock:send(C, <<N, N>>),
                     until(fun() -> arrived(S) =:= 2 end),
                     case esock:recv(S, 0, nowait) of
                         {completion, {{completion_info, recv, Next}, <<N, N>>}} -> Next;
                         %% The ring has them and is about to deliver them.
                         {completion, {completion_info, recv, These}} ->
                             ?assertEqual({ok, <<N, N>>}, completion(S, These)),
                             {completion, {completion_info, recv, Next}} = esock:recv(S, 0, nowait),
                             Next
                     end
             end, H0, lists:seq(1, 20)),
    ok = esock:close(C),
    ?assertEqual({error, closed}, completion(S, Last)),
    esock_pairs:close([S]).

ahead(S) ->
    #{read_ahead := N} = esock:info(S),
    N.

%% Bytes that have arrived, in the read-ahead buffer and in the kernel.
arrived(S) ->
    {ok, N} = esock:ioctl(S, nread),
    N.

%%% Cancel.

cancel_keeps_bytes(_) ->
    {C, S} = pair(),
    lists:foreach(
      fun(N) ->
              {completion, Info} = esock:recv(S, 10, nowait),
              ok = esock:send(C, <<N, N, N>>),
              until(fun() -> ahead(S) =:= 3 end),
              ok = esock:cancel(S, Info),
              no_message(),
              ?assertEqual({ok, <<N, N, N>>}, esock:recv(S, 3, nowait))
      end, lists:seq(1, 50)),
    esock_pairs:close([C, S]).

%% If the result has been sent, its message stays, and cancel answers an error.
cancel_too_late(_) ->
    {C, S} = pair(),
    {completion, {_, _, H} = Info} = esock:recv(S, 0, nowait),
    ok = esock:send(C, "a"),
    until(fun() -> {message_queue_len, 1} =:= process_info(self(), message_queue_len) end),
    ?assertEqual({error, {invalid, Info}}, esock:cancel(S, Info)),
    ?assertEqual({ok, <<"a">>}, completion(S, H)),
    no_message(),
    esock_pairs:close([C, S]).

cancel_in_line(_) ->
    {S, Addr} = udp(),
    {T, _} = udp(),
    {completion, {_, _, H1}} = esock:recv(S, 0, nowait),
    Other = spawned(fun() -> esock:recv(S, 0, nowait) end),
    {_, _, {completion, Info}} = Other,
    ok = then(Other, fun() -> esock:cancel(S, Info) end),
    ok = esock:sendto(T, "a", Addr),
    ?assertEqual({ok, <<"a">>}, completion(S, H1)),
    esock_pairs:close([S, T]).

%% A cancel races with a byte: the byte is in a message, or still in the stream.
cancel_storm(_) ->
    {C, S} = pair(),
    {Completed, Kept} = lists:foldl(
             fun(N, {Completions, Cancels}) ->
                     {completion, {_, _, H} = Info} = esock:recv(S, 1, nowait),
                     ok = esock:send(C, <<N>>),
                     [erlang:yield() || _ <- lists:seq(1, N rem 7)],
                     case esock:cancel(S, Info) of
                         ok -> no_message(), {ok, <<N>>} = esock:recv(S, 1), {Completions, Cancels + 1};
                         {error, {invalid, Info}} -> {ok, <<N>>} = completion(S, H), {Completions + 1, Cancels}
                     end
             end, {0, 0}, [N rem 256 || N <- lists:seq(1, 3000)]),
    ct:pal("completed ~p, kept ~p", [Completed, Kept]),
    no_message(),
    esock_pairs:close([C, S]).

%%% Several waiters.

line_in_order(_) ->
    {S, Addr} = udp(),
    {T, _} = udp(),
    All = [spawned(fun() -> esock:recv(S, 0, nowait) end) || _ <- lists:seq(1, 20)],
    ?assertMatch(#{num_readers := 20}, esock:info(S)),
    [ok = esock:sendto(T, <<N>>, Addr) || N <- lists:seq(1, 20)],
    Results = [then(One, fun() -> completion(S, H) end) || {_, _, {completion, {_, _, H}}} = One <- All],
    ?assertEqual([{ok, <<N>>} || N <- lists:seq(1, 20)], Results),
    ?assertMatch(#{num_readers := 0}, esock:info(S)),
    esock_pairs:close([S, T]).

many_acceptors(_) ->
    {L, Addr} = listener(),
    All = [spawned(fun() -> esock:accept(L, nowait) end) || _ <- lists:seq(1, 300)],
    Clients = [begin {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr), C end || _ <- All],
    [begin
         {ok, S} = then(One, fun() -> {ok, S} = completion(L, H), {ok, _} = esock:peername(S), {ok, S} end),
         %% Its owner has ended, which closes it.
         until(fun() -> esock:peername(S) =:= {error, closed} end)
     end || {_, _, {completion, {_, _, H}}} = One <- All],
    ?assertMatch(#{num_acceptors := 0}, esock:info(L)),
    esock_pairs:close([L | Clients]).

accept_many(_) ->
    {L, Addr} = listener(),
    {completion, {completion_info, accept, H}} = esock:accept_many(L, 5, nowait),
    Clients = [begin {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr), C end || _ <- lists:seq(1, 5)],
    {ok, [_ | _] = Some} = completion(L, H),
    Others = [begin {ok, S} = esock:accept(L), S end || _ <- lists:seq(length(Some) + 1, 5)],
    [?assertMatch({ok, _}, esock:peername(S)) || S <- Some ++ Others],
    esock_pairs:close([L | Some ++ Others ++ Clients]).

%%% Close, errors, death of a process.

close_aborts(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "abc"),
    Other = spawned(fun() -> esock:recv(S, 0, nowait) end),
    ok = esock:close(S),
    ?assertEqual({abort, closed}, completion(S, H)),
    {_, _, {completion, {_, _, H2}}} = Other,
    ?assertEqual({abort, closed}, then(Other, fun() -> completion(S, H2) end)),
    no_message(),
    ?assertEqual({error, closed}, esock:recv(S, 0, nowait)),
    esock_pairs:close([C]).

%% When close has answered, the descriptor is closed, also if a ring was receiving: the address is free for another socket.
close_frees_port(_) ->
    lists:foreach(
      fun(_) ->
              {L, To} = listener(),
              %% No other socket gets a port that bind(2) has chosen. connect(2) may choose a port that another connection has.
              {ok, C} = esock:open(inet, stream, tcp),
              ok = esock:bind(C, loopback),
              {ok, Addr} = esock:sockname(C),
              ok = esock:connect(C, To),
              {ok, S} = esock:accept(L),
              {completion, _} = esock:recv(C, 0, nowait),
              {completion, {_, _, H}} = esock:recv(S, 0, nowait),
              ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}),
              ok = esock:close(C),
              {ok, New} = esock:open(inet, stream, tcp),
              ?assertEqual(ok, esock:bind(New, Addr)),
              ?assertMatch({error, _}, completion(S, H)),
              receive {'$socket', C, abort, _} -> ok after 10_000 -> ct:fail(no_abort) end,
              esock_pairs:close([New, S, L])
      end, lists:seq(1, 200)).

peer_reset(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> arrived(S) =:= 3 end),
    ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}),
    ok = esock:close(C),
    ?assertEqual({error, {econnreset, <<"abc">>}}, completion(S, H)),
    esock_pairs:close([S]).

%% An error of the socket is answered once: by getopt of {socket, error}, or by the next call, also if the ring has received it.
error_asked_for(_) ->
    [begin
         {C, S} = pair(),
         {completion, Info} = esock:recv(S, 0, nowait),
         ok = esock:cancel(S, Info),
         ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}),
         ok = esock:close(C),
         until(fun() -> {ok, Error} = esock:getopt(S, {socket, error}), Error =:= econnreset end),
         ?assertEqual({ok, none}, esock:getopt(S, {socket, error})),
         ?assertEqual({error, closed}, esock:recv(S, 0, 5000)),
         esock_pairs:close([S])
     end || _ <- lists:seq(1, 20)].

%% When the peer's program is killed, the system ends the stream.
peer_killed(_) ->
    {L, #{port := Port}} = listener(),
    Program = "import socket, sys\ns = socket.create_connection(('127.0.0.1', int(sys.argv[1])))\ns.sendall(b'x' * 1000)\nsys.stdin.read()",
    Peer = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", Program, integer_to_list(Port)]}]),
    {os_pid, Pid} = erlang:port_info(Peer, os_pid),
    {ok, S} = esock:accept(L),
    {ok, _} = esock:recv(S, 1000),
    {completion, {_, _, H}} = esock:recv(S, 1, nowait),
    "" = os:cmd("kill -9 " ++ integer_to_list(Pid)),
    ?assertEqual({error, closed}, completion(S, H)),
    esock_pairs:close([L, S]).

owner_death(_) ->
    {C, S} = pair(),
    {Pid, _, {completion, _}} = Owner = spawned(fun() -> receive go -> ok after 0 -> ok end, esock:recv(S, 0, nowait) end),
    ok = esock:setopt(S, {otp, controlling_process}, Pid),
    {completion, {_, _, H}} = esock:recv(S, 0, nowait),
    ok = then(Owner, fun() -> ok end),
    ?assertEqual({abort, closed}, completion(S, H)),
    %% The descriptor is closed as well: the peer gets the end of the stream.
    ?assertEqual({error, closed}, esock:recv(C, 0, 10_000)),
    esock_pairs:close([C]).

%% Whenever the owner of a socket is killed during a receive, the descriptor is closed.
owner_killed_in_flight(_) ->
    lists:foreach(
      fun(N) ->
              {L, Addr} = listener(),
              Self = self(),
              {Pid, MRef} = spawn_monitor(
                              fun() ->
                                      {ok, C} = esock:open(inet, stream, tcp),
                                      ok = esock:connect(C, Addr),
                                      {completion, _} = esock:recv(C, 100, nowait),
                                      Self ! {self(), C},
                                      receive never -> ok end
                              end),
              {ok, S} = esock:accept(L),
              receive {Pid, _} -> ok after 10_000 -> ct:fail(no_socket) end,
              ok = esock:send(S, binary:copy(<<"x">>, N rem 120)),
              exit(Pid, kill),
              receive {'DOWN', MRef, process, Pid, killed} -> ok end,
              %% The end of the stream, or a reset because data was unread.
              {error, _} = esock:recv(S, 1, 10_000),
              esock_pairs:close([L, S])
      end, lists:seq(1, 200)).

waiter_death(_) ->
    {C, S} = pair(),
    {Pid, _, {completion, _}} = spawned(fun() -> esock:recv(S, 5, nowait) end),
    {completion, {_, _, H}} = esock:recv(S, 3, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> arrived(S) =:= 3 end),
    exit(Pid, kill),
    receive {'DOWN', _, process, Pid, killed} -> ok end,
    %% The bytes gathered for the killed process go to the next waiter.
    ?assertEqual({ok, <<"abc">>}, completion(S, H)),
    esock_pairs:close([C, S]).

handed_over(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 3, nowait),
    ok = esock:send(C, "ab"),
    until(fun() -> arrived(S) =:= 2 end),
    {Pid, _, ok} = Other = spawned(fun() -> ok end),
    ok = esock:setopt(S, {otp, controlling_process}, Pid),
    ok = esock:send(C, "cdef"),
    ?assertEqual({ok, <<"abc">>}, completion(S, H)),
    ?assertEqual({ok, <<"def">>}, then(Other, fun() -> esock:recv(S, 3) end)),
    esock_pairs:close([C]).

%%% Sending.

send_later(_) ->
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(20_000_000),
    {completion, {completion_info, send, H}} = esock:send(C, Data, nowait),
    %% Data of another process is sent after it.
    Other = spawned(fun() -> esock:send(C, <<"after">>, nowait) end),
    {_, _, {completion, {_, _, H2}}} = Other,
    {ok, Got} = esock:recv(S, byte_size(Data)),
    ?assert(Got =:= Data),
    ?assertEqual(ok, completion(C, H)),
    ?assertEqual(ok, then(Other, fun() -> completion(C, H2) end)),
    ?assertEqual({ok, <<"after">>}, esock:recv(S, 5)),
    no_message(),
    esock_pairs:close([C, S]).

send_gathered(_) ->
    Data = crypto:strong_rand_bytes(10_000_000),
    Parts = [Part || <<Part:10000/binary>> <= Data],
    lists:foreach(
      fun({Name, Send}) ->
              {C, S} = pair(),
              {completion, {completion_info, Name, H}} = Send(C),
              {ok, Got} = esock:recv(S, byte_size(Data)),
              ?assert(Got =:= Data),
              ?assertEqual(ok, completion(C, H)),
              esock_pairs:close([C, S])
      end,
      [{sendv, fun(C) -> esock:sendv(C, Parts, nowait) end},
       {sendmsg, fun(C) -> esock:sendmsg(C, #{iov => Parts}, nowait) end},
       {sendto, fun(C) -> {ok, To} = esock:peername(C), esock:sendto(C, Data, To, nowait) end}]).

%% A cancelled send has sent a part; the rest is not sent.
send_cancelled(_) ->
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(20_000_000),
    {completion, Info} = esock:send(C, Data, nowait),
    ok = esock:cancel(C, Info),
    ok = esock:shutdown(C, write),
    {error, {closed, Got}} = esock:recv(S, byte_size(Data)),
    ?assertEqual(Got, binary:part(Data, 0, byte_size(Got))),
    #{counters := #{write_byte := Sent}} = esock:info(C),
    ?assertEqual(byte_size(Got), Sent),
    no_message(),
    esock_pairs:close([C, S]).

send_broken(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:send(C, binary:copy(<<"x">>, 20_000_000), nowait),
    ok = esock:close(S),
    {error, {Reason, _Rest}} = completion(C, H),
    ?assert(lists:member(Reason, [econnreset, epipe])),
    esock_pairs:close([C]).

%%% Reading ahead.

%% After a wait a ring receives, unless events are dense: bytes for which no call waits are in the read-ahead buffer.
reads_ahead(_) ->
    {C, S} = pair(),
    until(fun() ->
        {completion, {_, _, H}} = esock:recv(S, 0, nowait),
        ok = esock:send(C, "a"),
        {ok, <<"a">>} = completion(S, H),
        ok = esock:send(C, "bc"),
        Seen = lists:any(fun(_) -> receive after 1 -> ahead(S) =:= 2 end end, lists:seq(1, 50)),
        {ok, <<"bc">>} = esock:recv(S, 2),
        Seen
    end),
    esock_pairs:close([C, S]).

%% For a reader that makes no calls no more is read ahead than the limit, plus what the ring's buffers hold.
bounded_ahead(_) ->
    {C, S} = pair(),
    ok = esock:setopt(S, {otp, read_ahead}, 10_000),
    ?assertEqual({ok, 10_000}, esock:getopt(S, {otp, read_ahead})),
    {completion, {_, _, H}} = esock:recv(S, 1, nowait),
    Data = crypto:strong_rand_bytes(30_000_000),
    {completion, {_, _, HC}} = esock:send(C, Data, nowait),
    {ok, First} = completion(S, H),
    %% The TCP window closes, and the sender waits.
    #{io_backend := #{memory := Memory}} = esock:info(),
    Most = lists:max([begin receive after 5 -> ok end, #{read_ahead := N} = esock:info(S), N end || _ <- lists:seq(1, 20)]),
    ?assert(Most =< 10_000 + Memory),
    ?assertMatch(#{num_writers := 1}, esock:info(C)),
    {ok, Rest} = esock:recv(S, byte_size(Data) - 1),
    ?assert(<<First/binary, Rest/binary>> =:= Data),
    ?assertEqual(ok, completion(C, HC)),
    ?assertMatch(#{read_ahead := 0}, esock:info(S)),
    esock_pairs:close([C, S]).

no_ahead(_) ->
    {C, S} = pair(),
    ok = esock:setopt(S, {otp, read_ahead}, 0),
    {completion, {_, _, H}} = esock:recv(S, 1, nowait),
    ok = esock:send(C, "abc"),
    ?assertEqual({ok, <<"a">>}, completion(S, H)),
    ?assertMatch(#{read_ahead := 0}, esock:info(S)),
    ?assertEqual({ok, <<"bc">>}, esock:recv(S, 2)),
    [?assertEqual({error, {invalid, {socket_option, {otp, read_ahead}, Bad}}}, bad(S, Bad)) || Bad <- [-1, x, 1.0]],
    esock_pairs:close([C, S]).

bad(S, Value) ->
    case esock:setopt(S, {otp, read_ahead}, Value) of
        {error, {invalid, Value}} -> {error, {invalid, {socket_option, {otp, read_ahead}, Value}}};
        Other -> Other
    end.

shut_down(_) ->
    {C, S} = pair(),
    {completion, Info} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> arrived(S) =:= 3 end),
    ok = esock:cancel(S, Info),
    ok = esock:shutdown(S, read),
    ?assertEqual({ok, <<"abc">>}, esock:recv(S, 3)),
    ?assertEqual({error, closed}, esock:recv(S, 1)),
    esock_pairs:close([C, S]).

%% Receives of lengths, peeks, different functions, blocking and not: the bytes come in order.
lengths_in_turn(_) ->
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(300_000),
    Self = self(),
    Sender = spawn_link(fun() -> pieces(C, Data, 1), Self ! sent end),
    Got = lengths(S, byte_size(Data), 1, []),
    ?assert(iolist_to_binary(Got) =:= Data),
    receive sent -> ok end,
    unlink(Sender),
    no_message(),
    esock_pairs:close([C, S]).

pieces(_, <<>>, _) -> ok;
pieces(C, Data, N) ->
    Size = min(byte_size(Data), 1 + (N * 37) rem 900),
    <<Piece:Size/binary, Rest/binary>> = Data,
    ok = esock:send(C, Piece),
    N rem 5 =:= 0 andalso erlang:yield(),
    pieces(C, Rest, N + 1).

lengths(_, 0, _, Got) -> lists:reverse(Got);
lengths(S, Left, N, Got) ->
    Length = min(Left, 1 + (N * 53) rem 700),
    {ok, Data} = case N rem 6 of
                     0 -> esock:recv(S, Length);
                     1 -> later(S, esock:recv(S, Length, nowait));
                     2 -> later(S, esock:recv(S, 0, nowait));
                     3 -> esock:recv_some(S, Length, [], infinity);
                     4 -> {ok, #{iov := [Part]}} = later(S, esock:recvmsg(S, Length, 0, nowait)), {ok, Part};
                     5 -> {ok, Seen} = esock:recv(S, 1, [peek], infinity),
                          {ok, <<Seen:1/binary, _/binary>> = Read} = later(S, esock:recv(S, Length, nowait)),
                          {ok, Read}
                 end,
    lengths(S, Left - byte_size(Data), N + 1, [Data | Got]).

later(S, {completion, {_, _, H}}) -> completion(S, H);
later(_, Result) -> Result.

%% Blocking calls and completions share the waiter queue.
blocking_beside(_) ->
    {S, Addr} = udp(),
    {T, _} = udp(),
    {completion, {_, _, H}} = esock:recv(S, 0, nowait),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:recv(S, 0)} end),
    until(fun() -> #{num_readers := N} = esock:info(S), N =:= 2 end),
    [ok = esock:sendto(T, X, Addr) || X <- ["one", "two"]],
    ?assertEqual({ok, <<"one">>}, completion(S, H)),
    receive {Pid, Result} -> ?assertEqual({ok, <<"two">>}, Result) after 10_000 -> ct:fail(no_answer) end,
    ?assertEqual({error, timeout}, esock:recv(S, 0, 10)),
    no_message(),
    esock_pairs:close([S, T]).

%% A peek at more bytes than the stream will have ends with the stream, and answers the bytes that are there.
looked_at_the_end(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 10, [peek], nowait),
    ok = esock:send(C, "abc"),
    ok = esock:shutdown(C, write),
    ?assertEqual({error, {closed, <<"abc">>}}, completion(S, H)),
    ?assertEqual({error, {closed, <<"abc">>}}, esock:recv(S, 10, [peek], nowait)),
    ?assertEqual({ok, <<"abc">>}, esock:recv(S, 3, nowait)),
    ?assertEqual({error, closed}, esock:recv(S, 3, nowait)),
    esock_pairs:close([C, S]).

%% If another call gets the end of the stream first, the waiter gets one message, a completion or an abort.
ended_by_another(_) ->
    lists:foreach(
      fun(N) ->
              {C, S} = pair(),
              {completion, {_, _, H}} = esock:recv(S, 10, nowait),
              Other = spawned(fun() -> ok end),
              ok = esock:close(C),
              [erlang:yield() || _ <- lists:seq(1, N rem 5)],
              {error, _} = then(Other, fun() -> esock:recv(S, 0, [], N rem 2) end),
              ?assert(lists:member(completion(S, H), [{error, closed}, {abort, closed}])),
              no_message(),
              esock_pairs:close([S])
      end, lists:seq(1, 1000)).

%% A peek with time-out 0 leaves the process's own completion pending.
looked_beside(_) ->
    {C, S} = pair(),
    lists:foreach(
      fun(N) ->
              {completion, {_, _, H}} = esock:recv(S, 3, nowait),
              ok = esock:send(C, <<N, N, N>>),
              _ = esock:recv(S, 1, [peek], 0),
              ?assertEqual({ok, <<N, N, N>>}, completion(S, H))
      end, [N rem 256 || N <- lists:seq(1, 1000)]),
    no_message(),
    esock_pairs:close([C, S]).

%% The error queue is read from the kernel while a ring receives the bytes of the stream.
error_queue_beside(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(C, 0, nowait),
    Other = spawned(fun() -> esock:recvmsg(C, 0, 0, [errqueue], nowait) end),
    %% SO_TIMESTAMPING: TX_SOFTWARE, SOFTWARE, OPT_ID and OPT_TSONLY (SOF_TIMESTAMPING_*), without the bytes sent
    ok = esock:setopt_native(C, {socket, 37}, <<(2 bor 16 bor 128 bor 2048):32/native>>),
    ok = esock:send(C, "stamped"),
    ok = esock:send(S, "x"),
    ?assertEqual({ok, <<"x">>}, completion(C, H)),
    {_, _, {completion, {_, _, H2}}} = Other,
    ?assertMatch({ok, #{flags := Flags}} when Flags =/= [], then(Other, fun() -> completion(C, H2) end)),
    esock_pairs:close([C, S]).

%% The error of a refused connect goes to the connecting process, also if another process waits to read.
refused_beside(_) ->
    {L, Addr} = listener(),
    ok = esock:close(L),
    [begin
         {ok, C} = esock:open(inet, stream, tcp),
         case esock:connect(C, Addr, nowait) of
             {error, econnrefused} -> ok;
             {completion, {_, _, H}} ->
                 Other = spawned(fun() -> esock:recv(C, 0, nowait) end),
                 ?assertEqual({error, econnrefused}, completion(C, H)),
                 ?assertMatch({_, _, {_, _}}, Other)
         end,
         esock_pairs:close([C])
     end || _ <- lists:seq(1, 50)].

%% The completion of a failed send has the data that was not sent, as the answer of a blocking call has.
cut_send(_) ->
    Data = binary:copy(<<"x">>, 20_000_000),
    [begin
         {C, S} = pair(),
         {completion, {_, _, H}} = Send(C),
         {ok, _} = esock:recv(S, 1000),
         ok = esock:close(S),
         {error, {Reason, Rest}} = completion(C, H),
         ?assert(lists:member(Reason, [econnreset, epipe])),
         #{counters := #{write_byte := Sent}} = esock:info(C),
         ?assertEqual(byte_size(Data), Sent + iolist_size(Rest)),
         esock_pairs:close([C])
     end || Send <- [fun(C) -> esock:send(C, Data, nowait) end, fun(C) -> esock:sendv(C, [<<"y">>, binary:part(Data, 1, byte_size(Data) - 1)], nowait) end,
                     fun(C) -> esock:sendmsg(C, #{iov => [Data]}, nowait) end]].

discarded(_) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:recv(S, 10, [trunc], nowait),
    ok = esock:send(C, "abc"),
    ?assertMatch({ok, <<_:3/binary>>}, completion(S, H)),
    ok = esock:send(C, "def"),
    ?assertEqual({ok, <<"def">>}, esock:recv(S, 3)),
    esock_pairs:close([C, S]).

%% A process may have many completions pending, and its blocking call waits behind them.
several_at_once(_) ->
    {C, S} = pair(),
    Handles = [begin {completion, {_, _, H} = Info} = esock:recv(S, 2, nowait), {H, Info} end || _ <- lists:seq(1, 5)],
    {_, Third} = lists:nth(3, Handles),
    ok = esock:cancel(S, Third),
    spawn_link(fun() -> [begin ok = esock:send(C, <<N, N>>), erlang:yield() end || N <- [1, 2, 4, 5, 6]] end),
    ?assertEqual({ok, <<6, 6>>}, esock:recv(S, 2)),
    ?assertEqual([{ok, <<N, N>>} || N <- [1, 2, 4, 5]], [completion(S, H) || {H, Info} <- Handles, Info =/= Third]),
    no_message(),
    esock_pairs:close([C, S]).

%% A large send does not delay the completions of other sockets.
large_beside(_) ->
    {C, S} = pair(),
    Data = binary:copy(<<"x">>, 100_000_000),
    {completion, {_, _, H}} = esock:send(C, Data, nowait),
    Reader = spawned(fun() -> ok end),
    {U, Addr} = udp(),
    {Pid, Ref, _} = Reader,
    Pid ! {Ref, fun() -> {ok, Got} = esock:recv(S, byte_size(Data)), byte_size(Got) end},
    [begin
         {completion, {_, _, HU}} = esock:recv(U, 0, nowait),
         ok = esock:sendto(U, <<N>>, Addr),
         ?assertEqual({ok, <<N>>}, completion(U, HU))
     end || N <- lists:seq(1, 100)],
    ?assertEqual(ok, completion(C, H)),
    receive {Ref, Size} -> ?assertEqual(byte_size(Data), Size) after 10_000 -> ct:fail(no_answer) end,
    esock_pairs:close([C, S, U]).

%% Calls that answer a count of messages or bytes sent (sendmmsg, sendfile through a process) answer select on any socket.
told_as_it_goes(_) ->
    {C, S} = local_pair(esock, stream),
    Msgs = [#{iov => [binary:copy(<<"x">>, 100_000)]} || _ <- lists:seq(1, 100)],
    {select_write, {{select_info, sendmmsg, H}, Count}} = esock:sendmmsg(C, Msgs, [], nowait),
    ?assert(Count < 100),
    {ok, _} = esock:recv(S, Count * 100_000),
    receive {'$socket', C, select, H} -> ok after 10_000 -> ct:fail(no_message) end,
    %% A file that is served by a process.
    {C2, S2} = pair(),
    {ok, File} = file:open(filename:join(code:lib_dir(esock), "ebin/esock.beam"), [read, binary]),
    Fill = fun Fill(Sent) ->
                   case esock:sendfile(C2, File, 0, 0, nowait) of
                       {ok, N} -> Fill(Sent + N);
                       {select, {{select_info, _, _} = Info, N}} -> ok = esock:cancel(C2, Info), Sent + N;
                       {select, {select_info, _, _} = Info} -> ok = esock:cancel(C2, Info), Sent
                   end
           end,
    Sent = Fill(0),
    {ok, _} = esock:recv(S2, Sent),
    ok = file:close(File),
    esock_pairs:close([C, S, C2, S2]).

gathered_and_closed(_) ->
    {C, S} = local_pair(esock, stream),
    {completion, {_, _, H}} = esock:recv(S, 5, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> ahead(S) =:= 3 end),
    ok = esock:close(S),
    ?assertEqual({abort, closed}, completion(S, H)),
    ?assertEqual({error, closed}, esock:recv(C, 0, 5000)),
    esock_pairs:close([C]).

%% A socket on a lent descriptor or a duplicate gathers nothing: bytes that it has not answered stay for the other socket, and its
%% close ends nothing.
duplicate_keeps_nothing(_) ->
    [duplicate_keeps_nothing(End, Pair(), Dup)
     || End <- [cancel, close], Pair <- [fun() -> pair() end, fun() -> local_pair(esock, stream) end], Dup <- [true, false]].

duplicate_keeps_nothing(End, {C, S}, Dup) ->
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, D} = esock:open(Fd, #{dup => Dup}),
    %% A receive that needs no gathering is completed all the same.
    {completion, {_, _, H0}} = esock:recv(D, 0, nowait),
    ok = esock:send(C, "0"),
    ?assertEqual({ok, <<"0">>}, completion(D, H0)),
    {select, {select_info, recv, H}} = esock:recv(D, 10, nowait),
    ok = esock:send(C, "abcd"),
    receive {'$socket', D, select, H} -> ok end,
    {select, {{select_info, recv, H2} = Info, <<"abcd">>}} = esock:recv(D, 10, nowait),
    ok = esock:send(C, "efgh"),
    receive {'$socket', D, select, H2} -> ok end,
    ?assertEqual(0, ahead(D)),
    End =:= cancel andalso (ok = esock:cancel(D, Info)),
    ok = esock:close(D),
    ?assertEqual({ok, <<"efgh">>}, esock:recv(S, 4, 5000)),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock:recv(C, 0, 5000)),
    esock_pairs:close([C]).

%% A connection that is closed with unread bytes is reset, also if they are in the read-ahead buffer.
unread_and_closed(_) ->
    {C, S} = pair(),
    {completion, Info} = esock:recv(S, 5, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> ahead(S) =:= 3 end),
    ok = esock:cancel(S, Info),
    ok = esock:close(S),
    ?assertEqual({error, econnreset}, esock:recv(C, 0, 5000)),
    esock_pairs:close([C]).

%% The end of the stream races with close: the handle gets one message of either kind.
close_crosses_end(_) ->
    lists:foreach(
      fun(N) ->
              {C, S} = pair(),
              {completion, {_, _, H}} = esock:recv(S, 1, nowait),
              ok = esock:close(C),
              [erlang:yield() || _ <- lists:seq(1, N rem 20)],
              ok = esock:close(S),
              ?assert(lists:member(completion(S, H), [{abort, closed}, {error, closed}])),
              no_message()
      end, lists:seq(1, 2000)).

%% Programs that the node starts do not inherit the descriptor of a ring (close-on-exec).
ring_descriptor(_) ->
    Ring = [Fd || Fd <- esock_leak_SUITE:descriptors(), {ok, "anon_inode:[io_uring]"} <- [file:read_link("/proc/self/fd/" ++ Fd)]],
    ?assertMatch([_ | _], Ring),
    [begin
         {ok, Text} = file:read_file("/proc/self/fdinfo/" ++ Fd),
         {match, [Flags]} = re:run(Text, "flags:\\s+([0-7]+)", [{capture, [1], list}]),
         ?assert(list_to_integer(Flags, 8) band 8#2000000 =/= 0)
     end || Fd <- Ring],
    ?assertEqual("", os:cmd("ls -l /proc/self/fd | grep io_uring")).

%% Many connections are closed with a receive in flight: each handle gets one message, and no descriptor stays open.
closed_in_flight(_) ->
    {ok, Limits} = file:read_file("/proc/self/limits"),
    {match, [Soft]} = re:run(Limits, "Max open files +(\\d+)", [{capture, [1], list}]),
    Pairs = min(5000, (list_to_integer(Soft) - 500) div 2),
    Descriptors = length(esock_leak_SUITE:descriptors()),
    {L, Addr} = listener(),
    All = [begin
               {ok, C} = esock:open(inet, stream, tcp),
               ok = esock:connect(C, Addr),
               {ok, S} = esock:accept(L),
               {C, S}
           end || _ <- lists:seq(1, Pairs)],
    Handles = [begin {completion, {_, _, H}} = esock:recv(X, 1, nowait), {X, H} end || {C, S} <- All, X <- [C, S]],
    [ok = esock:close(X) || {X, _} <- Handles],
    Messages = [completion(X, H) || {X, H} <- Handles],
    %% If its peer was closed before, a socket may get the end of the stream instead of an abort.
    ?assertEqual([], [T || T <- Messages, T =/= {abort, closed}, T =/= {error, closed}]),
    no_message(),
    ok = esock:close(L),
    ?assertEqual(Descriptors, length(esock_leak_SUITE:descriptors())).

%% Without a socket that needs one there is no ring and no ring thread.
no_ring_unasked(_) ->
    Code = "{ok, S} = esock:open(inet, stream), #{io_backend := #{rings := 0, memory := 0}} = esock:info(),"
           " Rings = [T || T <- filelib:wildcard(\"/proc/self/task/*/comm\"), {ok, <<\"esock_ring\", _/binary>>} <- [file:read_file(T)]],"
           " io:format(\"~p\", [Rings]), halt().",
    ?assertEqual("[]", node_says("", [], Code)).

every_byte_once(_) ->
    esock_check:property(prop_esock_completion:prop_every_byte_once(), {"ESOCK_PROGRAMS", 200}, [{to_file, user}]).

nothing_of_before(_) ->
    esock_check:property(prop_esock_completion:prop_nothing_of_before(), {"ESOCK_PROGRAMS", 200}, [{to_file, user}]).

%% Streams over TCP.
-module(esock_stream_SUITE).

-include_lib("common_test/include/ct.hrl").
-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [trio/0]).

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [echo, fewer_than_asked_for, partial_recv, timeout_keeps_data, large_transfer, large_look, end_of_file, refused, huge_length, nothing_to_accept, full_inbox],
        [fewer_than_asked_for, partial_recv, huge_length]).

close(Sockets) ->
    esock_pairs:close(tuple_to_list(Sockets)).

echo(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, ["he", <<"llo">>]),
    ?assertEqual({ok, <<"hello">>}, esock:recv(S)),
    close(Trio).

%% A call with time-out 0 answers all bytes of a large length that are there, in as many attempts as that takes.
large_look(_) ->
    {_, C, S} = Trio = trio(),
    Data = crypto:strong_rand_bytes(3_000_000),
    case esock:setopt(S, {socket, rcvbufforce}, 16_000_000) of
        ok ->
            ok = esock:send(C, Data),
            Come = fun Come() -> {ok, N} = esock:ioctl(S, nread), N =:= byte_size(Data) orelse begin erlang:yield(), Come() end end,
            true = Come(),
            ?assert({ok, Data} =:= esock:recv(S, byte_size(Data), [peek], 0)),
            ?assert({error, {timeout, Data}} =:= esock:recv(S, byte_size(Data) + 1, 0));
        {error, eperm} ->
            ok
    end,
    %% A send with time-out 0 answers the rest, which has its own length, not that of a receive.
    Large = binary:copy(Data, 30),
    {error, {timeout, Rest}} = esock:send(C, Large, 0),
    ?assert(byte_size(Rest) > 1_000_000),
    close(Trio).

partial_recv(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, "abc"),
    {select, {{select_info, _, Handle}, <<"abc">>}} = esock:recv(S, 6, nowait),
    ok = esock:send(C, "def"),
    receive {'$socket', S, select, Handle} -> ok end,
    ?assertEqual({ok, <<"def">>}, esock:recv(S, 3, nowait)),
    close(Trio).

timeout_keeps_data(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, "xy"),
    ?assertEqual({error, {timeout, <<"xy">>}}, esock:recv(S, 6, 50)),
    ?assertEqual({error, timeout}, esock:recv(S, 6, 50)),
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    close(Trio).

large_transfer(_) ->
    {_, C, S} = Trio = trio(),
    Data = rand:bytes(20_000_000),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, esock:send(C, Data)} end),
    {ok, Got} = esock:recv(S, byte_size(Data)),
    ?assertEqual(erlang:md5(Data), erlang:md5(Got)),
    receive {sent, Result} -> ok = Result end,
    close(Trio).

end_of_file(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, "bye"),
    ok = esock:shutdown(C, write),
    ?assertEqual({error, {closed, <<"bye">>}}, esock:recv(S, 10)),
    ?assertEqual({error, closed}, esock:recv(S)),
    close(Trio).

refused(_) ->
    {L, _, _} = Trio = trio(),
    {ok, Addr} = esock:sockname(L),
    close(Trio),
    {ok, C} = esock:open(inet, stream, tcp),
    ?assertEqual({error, econnrefused}, esock:connect(C, Addr)),
    ok = esock:close(C).

huge_length(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, "x"),
    {select, {_, <<"x">>}} = esock:recv(S, 4 bsl 30, nowait),
    ?assertMatch({error, {invalid, {integer_range, _}}}, esock:recv(S, 1 bsl 70, nowait)),
    close(Trio).

nothing_to_accept(_) ->
    {L, _, _} = Trio = trio(),
    ?assertEqual({error, timeout}, esock:accept(L, 0)),
    close(Trio).

%% Fewer bytes than a length: the answers are those of OTP 29 (the releases differ).
fewer_than_asked_for(_) ->
    {_, C, S} = Trio = trio(),
    ok = esock:send(C, "abc"),
    ?assertEqual({error, {timeout, <<"abc">>}}, esock:recv(S, 6, 30)),
    ok = esock:send(C, "de"),
    {ok, <<"de">>} = esock:recv(S, 2, [peek], 5000),
    ?assertEqual({error, {timeout, <<"de">>}}, esock:recv(S, 6, 0)),
    ?assertMatch({select, {select_info, recv, _}}, esock:recv(S, 6, nowait)),
    ok = esock:send(C, "fg"),
    ?assertMatch({ok, <<"fg">>}, esock:recv(S, 2, 5000)),
    close(Trio).

%% A call that waits does not scan the messages that were in the inbox before. A scan of 1,000,000 takes some 5 ms, and a call far
%% less: the least of 15 times is compared with that of an empty inbox.
-define(MESSAGES, 1_000_000).

full_inbox(_) ->
    Empty = least_times(0),
    Full = least_times(?MESSAGES),
    [?assert(F < E + 2500, {Name, E, F}) || {{Name, E}, {Name, F}} <- lists:zip(Empty, Full)].

least_times(Messages) ->
    {Pid, MRef} = spawn_monitor(fun() ->
                                    %% Garbage collection does not go through the messages.
                                    process_flag(message_queue_data, off_heap),
                                    [self() ! {message, N} || N <- lists:seq(1, Messages)],
                                    exit({times, times()})
                                end),
    receive {'DOWN', MRef, process, Pid, {times, Times}} -> Times; {'DOWN', MRef, process, Pid, Reason} -> ct:fail(Reason) end.

times() ->
    {L, Addr} = esock_pairs:listener(),
    {C, S} = esock_pairs:pair(),
    Peer = spawn_link(fun Peer() -> receive {In, Do} -> receive after In -> ok end, Do(), Peer() end end),
    Later = fun(Do) -> Peer ! {1, Do} end,
    Times = [{connect, least(fun() -> {ok, X} = esock:open(inet, stream, tcp), ok = esock:connect(X, Addr), esock:close(X) end)},
             {recv, least(fun() -> Later(fun() -> ok = esock:send(C, "x") end), {ok, _} = esock:recv(S) end)},
             {recvmsg, least(fun() -> Later(fun() -> ok = esock:send(C, "x") end), {ok, _} = esock:recvmsg(S) end)},
             {timeout, least(fun() -> {error, timeout} = esock:recv(S, 0, 1) end)},
             {cancel, least(fun() -> {_, Info} = esock:recv(S, 0, nowait), ok = esock:cancel(S, Info) end)},
             {accept, least(fun() -> accept_until(L, Later, Addr) end)},
             {send, least(fun() -> fill(S), Later(fun() -> empty(C) end), ok = esock:send(S, <<0:800_000>>) end)}],
    esock_pairs:close([L, C, S]),
    Times.

least(Fun) -> lists:min([element(1, timer:tc(Fun)) || _ <- lists:seq(1, 15)]).

accept_until(L, Later, Addr) ->
    Later(fun() -> {ok, X} = esock:open(inet, stream, tcp), ok = esock:connect(X, Addr), esock:close(X) end),
    {ok, A} = esock:accept(L),
    esock:close(A).

fill(S) ->
    case esock:send(S, <<0:800_000>>, 0) of
        ok -> fill(S);
        _ -> ok
    end.

empty(C) ->
    case esock:recv(C, 0, 5) of
        {ok, _} -> empty(C);
        _ -> ok
    end.

%% Several sockets on one open file description, or on one descriptor: all can wait, in both directions, and each may close first.
-module(esock_shared_SUITE).

-include_lib("eunit/include/eunit.hrl").

-import(esock_async_SUITE, [until/1]).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [both_wait, both_wait_to_write, lent_closes_first, owner_closes_first, owner_ends_first, three, duplicate, number_used_again, forgotten].

%% Calls `Fun' with a peer C, a socket S that owns its descriptor, and a socket T on the same descriptor or on a duplicate.
each(Options, Fun) ->
    [begin
         {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
         {ok, Fd} = esock:getopt(S, {otp, fd}),
         {ok, T} = esock:open(Fd, Options#{io_backend => Backend}),
         Fun(C, S, T),
         [_ = esock:close(X) || X <- [C, S, T]]
     end || Backend <- esock_pairs:backends()].

%% A process that waits for one byte.
reader(S) ->
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:recv(S, 1)} end),
    until(fun() -> maps:get(num_readers, esock:info(S)) =:= 1 end),
    Pid.

writer(S) ->
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:send(S, <<0:800000>>)} end),
    until(fun() -> maps:get(num_writers, esock:info(S)) =:= 1 end),
    Pid.

answer(Pid) -> receive {Pid, Answer} -> Answer after 5000 -> no_answer end.

both_wait(_) ->
    each(#{dup => false}, fun both_wait/3),
    each(#{dup => true}, fun both_wait/3).

both_wait(C, S, T) ->
    Pids = [reader(S), reader(T)],
    ok = esock:send(C, "a"),
    ok = esock:send(C, "b"),
    ?assertEqual([<<"a">>, <<"b">>], lists:sort([Byte || {ok, Byte} <- [answer(Pid) || Pid <- Pids]])),
    %% The same with nowait.
    {_, {_, _, H}} = wait(T),
    ok = esock:send(C, "c"),
    receive {'$socket', T, select, H} -> ?assertEqual({ok, <<"c">>}, esock:recv(T, 0, nowait));
            {'$socket', T, completion, {H, Result}} -> ?assertEqual({ok, <<"c">>}, Result) end.

wait(S) ->
    case esock:recv(S, 0, nowait) of
        {select, _} = Wait -> Wait;
        {completion, _} = Wait -> Wait
    end.

both_wait_to_write(_) ->
    each(#{dup => false},
         fun(C, S, T) ->
                 fill(S),
                 Pids = [writer(S), writer(T)],
                 Self = self(),
                 Drain = spawn_link(fun() -> drain(C), Self ! {self(), ok} end),
                 ?assertEqual([ok, ok], [answer(Pid) || Pid <- Pids]),
                 ok = esock:close(T),
                 ok = esock:close(S),
                 ok = answer(Drain)
         end).

fill(S) ->
    case esock:send(S, <<0:800000>>, 0) of
        ok -> fill(S);
        _ -> ok
    end.

drain(C) ->
    case esock:recv(C) of
        {ok, _} -> drain(C);
        {error, closed} -> ok
    end.

%% When the socket on the lent descriptor is closed, the waits and events of the owner's socket stay.
lent_closes_first(_) ->
    each(#{dup => false},
         fun(C, S, T) ->
                 [Of, Other] = [reader(T), reader(S)],
                 ok = esock:close(T),
                 ?assertEqual({error, closed}, answer(Of)),
                 ok = esock:send(C, "a"),
                 ?assertEqual({ok, <<"a">>}, answer(Other))
         end),
    %% The same if the socket on the lent descriptor was the first to wait, and so has the registration.
    each(#{dup => false},
         fun(C, S, T) ->
                 {error, timeout} = esock:recv(T, 0, 1),
                 Other = reader(S),
                 ok = esock:close(T),
                 ok = esock:send(C, "a"),
                 ?assertEqual({ok, <<"a">>}, answer(Other))
         end).

%% When the socket that owns the descriptor is closed, the sockets on the lent descriptor are closed too: the number may be reused
%% at once.
owner_closes_first(_) ->
    each(#{dup => false},
         fun(C, S, T) ->
                 Pids = [reader(T), reader(S)],
                 {_, Info} = {x, esock:monitor(T)},
                 ok = esock:close(S),
                 ?assertEqual([{error, closed}, {error, closed}], [answer(Pid) || Pid <- Pids]),
                 receive {'DOWN', Info, socket, T, closed} -> ok end,
                 ?assertEqual({error, closed}, esock:recv(T, 0, 0)),
                 ?assertEqual({error, closed}, esock:close(T)),
                 %% That ends the connection.
                 ?assertEqual({error, closed}, esock:recv(C, 0, 5000))
         end).

owner_ends_first(_) ->
    each(#{dup => false},
         fun(C, S, T) ->
                 Pid = reader(T),
                 {Owner, MRef} = spawn_monitor(fun() -> receive stop -> ok end end),
                 ok = esock:setopt(S, {otp, controlling_process}, Owner),
                 Owner ! stop,
                 receive {'DOWN', MRef, _, _, _} -> ok end,
                 ?assertEqual({error, closed}, answer(Pid)),
                 ?assertEqual({error, closed}, esock:recv(C, 0, 5000))
         end).

three(_) ->
    each(#{dup => false},
         fun(C, S, T) ->
                 {ok, Fd} = esock:getopt(S, {otp, fd}),
                 {ok, U} = esock:open(Fd, #{dup => false}),
                 Pids = [reader(S), reader(T), reader(U)],
                 [ok = esock:send(C, X) || X <- ["a", "b", "c"]],
                 ?assertEqual([<<"a">>, <<"b">>, <<"c">>], lists:sort([Byte || {ok, Byte} <- [answer(Pid) || Pid <- Pids]])),
                 ok = esock:close(S),
                 ?assertEqual([{error, closed}, {error, closed}], [esock:close(X) || X <- [T, U]])
         end).

%% Two descriptors of one open file description: closing one socket ends nothing of the other.
duplicate(_) ->
    each(#{dup => true},
         fun(C, S, T) ->
                 Pid = reader(T),
                 ok = esock:close(S),
                 ok = esock:send(C, "a"),
                 ?assertEqual({ok, <<"a">>}, answer(Pid)),
                 ok = esock:send(T, "b"),
                 ?assertEqual({ok, <<"b">>}, esock:recv(C, 1, 5000))
         end).

%% A lent descriptor is closed by its owner, and another socket gets its number: that socket's events stay when the first socket
%% is closed.
number_used_again(_) ->
    {ok, U} = socket:open(inet, dgram, udp),
    {ok, Fd} = socket:getopt(U, {otp, fd}),
    {ok, T} = esock:open(Fd, #{dup => false}),
    {error, timeout} = esock:recv(T, 0, 1),
    %% The duplicate keeps the file description open, and so the registration in epoll.
    {ok, Keeps} = esock:open(Fd, #{dup => true}),
    ok = socket:close(U),
    {S, Addr, Others} = with_number(Fd, []),
    Pid = spawn_link(fun() -> receive {From, go} -> From ! {self(), esock:recv(S, 0)} end end),
    Pid ! {self(), go},
    until(fun() -> maps:get(num_readers, esock:info(S)) =:= 1 end),
    ok = esock:close(T),
    {D, _} = esock_pairs:udp(),
    ok = esock:sendto(D, "a", Addr),
    ?assertEqual({ok, <<"a">>}, answer(Pid)),
    esock_pairs:close([D, S, Keeps | Others]).

with_number(Fd, Others) when length(Others) < 100 ->
    {S, Addr} = esock_pairs:udp(),
    case esock:getopt(S, {otp, fd}) of
        {ok, Fd} -> {S, Addr, Others};
        {ok, _} -> with_number(Fd, [S | Others])
    end.

%% No descriptor and no registry entry stays, whichever socket is closed first.
forgotten(_) ->
    Count = fun() -> {ok, Names} = file:list_dir("/proc/self/fd"), {length(Names), esock:number_of()} end,
    Before = Count(),
    each(#{dup => false}, fun(_, S, T) -> [reader(X) || X <- [S, T]], ok = esock:close(S) end),
    each(#{dup => false}, fun(_, S, T) -> [reader(X) || X <- [T, S]], ok = esock:close(T) end),
    until(fun() -> Count() =:= Before end).

%% What differs from OTP's `socket', on purpose: the rows of the README's list that no other suite shows.
-module(esock_differs_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [superseded_handle, connect_before_the_end, port_too_large, number_too_large, option_that_is_no_pair, trunc_is_safe,
     send_einval_is_its_own, registered_and_forgotten, congestion_is_a_name, flowinfo_is_the_number, accepted_is_connected,
     partial_sends_count, info_names_the_back_end].

udp() ->
    {ok, S} = esock:open(inet, dgram, udp),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(S),
    {S, Addr}.

pair() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    {L, C, S}.

superseded_handle(_) ->
    {S, Addr} = udp(),
    {select, {_, _, First}} = esock:recv(S, 0, nowait),
    {select, {_, _, Second}} = esock:recv(S, 0, nowait),
    ok = esock:sendto(S, <<"x">>, Addr),
    receive {'$socket', S, select, Second} -> ok end,
    receive {'$socket', S, _, First} -> ct:fail(first) after 0 -> ok end,
    ok = esock:close(S).

connect_before_the_end(_) ->
    %% A backlog of 0 holds one connection; the next connect stays under way.
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L, 0),
    {ok, Addr} = esock:sockname(L),
    {ok, C1} = esock:open(inet, stream, tcp),
    ok = esock:connect(C1, Addr),
    {ok, C2} = esock:open(inet, stream, tcp),
    {select, _} = esock:connect(C2, Addr, nowait),
    ?assertEqual({error, already}, esock:connect(C2)),
    [ok = esock:close(S) || S <- [L, C1, C2]].

port_too_large(_) ->
    {S, _} = udp(),
    Addr = #{family => inet, addr => loopback, port => 65536 + 80},
    ?assertMatch({error, {invalid, _}}, esock:connect(S, Addr)),
    ?assertMatch({error, {invalid, _}}, esock:sendto(S, <<"x">>, Addr)),
    ok = esock:close(S).

number_too_large(_) ->
    N = 1 bsl 40,
    {ok, S} = esock:open(inet, stream, tcp),
    ?assertEqual({error, {invalid, {integer_range, N}}}, esock:listen(S, N)),
    ?assertEqual({error, {invalid, {integer_range, N}}}, esock:open(inet, stream, N)),
    ok = esock:close(S).

option_that_is_no_pair(_) ->
    {S, _} = udp(),
    ?assertEqual({error, {invalid, {socket_option, nodelay}}}, esock:getopt(S, nodelay)),
    ?assertEqual({error, {invalid, {socket_option, nodelay}}}, esock:setopt(S, nodelay, true)),
    ok = esock:close(S).

trunc_is_safe(_) ->
    {S, Addr} = udp(),
    ok = esock:sendto(S, <<"longer than the buffer">>, Addr),
    ?assertMatch({ok, {_, <<"longer">>}}, esock:recvfrom(S, 6, [trunc], 1000)),
    ok = esock:sendto(S, <<"longer than the buffer">>, Addr),
    ?assertMatch({ok, <<"longer">>}, esock:recv(S, 6, [trunc], 1000)),
    ok = esock:sendto(S, <<"longer than the buffer">>, Addr),
    ?assertMatch({ok, #{iov := [<<"longer">>], length := 22, flags := [trunc]}}, esock:recvmsg(S, 6, 0, [trunc], 1000)),
    ok = esock:close(S),
    %% On a stream the system throws the bytes away: zeros stand for them, never what another socket received.
    {L, C, A} = pair(),
    ok = esock:send(C, <<"a secret">>),
    {ok, <<"a secret">>} = esock:recv(A, 8),
    ok = esock:send(C, <<"discarded">>),
    ?assertEqual({ok, <<0:72>>}, esock:recv(A, 9, [trunc], 1000)),
    [ok = esock:close(X) || X <- [L, C, A]].

%% One has the turn and fails by its own argument: the next one is woken all the same.
send_einval_is_its_own(_) ->
    {ok, To} = esock:open(local, dgram),
    ok = esock:bind(To, #{family => local, path => <<>>}),
    {ok, Addr} = esock:sockname(To),
    {ok, From} = esock:open(local, dgram),
    ok = fill(From, Addr),
    Self = self(),
    Pid = spawn_link(fun() ->
                             {select, {_, _, H}} = esock:sendto(From, <<"y">>, Addr, nowait),
                             Self ! waiting,
                             receive {'$socket', From, Tag, H} -> Self ! {self(), Tag} end
                     end),
    receive waiting -> ok end,
    Inet = #{family => inet, addr => loopback, port => 1},
    ?assertEqual({error, einval}, esock:sendto(From, <<"x">>, Inet, nowait)),
    {ok, _} = esock:recv(To, 0, 1000),
    receive {Pid, select} -> ok end,
    [ok = esock:close(S) || S <- [To, From]].

%% Sends until it would wait.
fill(From, Addr) ->
    case esock:sendto(From, <<"x">>, Addr, nowait) of
        ok -> fill(From, Addr);
        {select, _} -> ok
    end.

registered_and_forgotten(_) ->
    Before = esock:number_of(),
    Pid = spawn(fun() ->
                        (fun() -> {ok, _} = esock:open(inet, dgram, udp, #{use_registry => true}) end)(),
                        receive collect -> erlang:garbage_collect() end,
                        receive stop -> ok end
                end),
    Pid ! collect,
    back_to(Before, 1000),
    ?assert(is_process_alive(Pid)),
    Pid ! stop.

back_to(Before, N) when N > 0 ->
    case esock:number_of() of
        Before -> ok;
        _ -> receive after 5 -> back_to(Before, N - 1) end
    end.

congestion_is_a_name(_) ->
    {ok, S} = esock:open(inet, stream, tcp),
    {ok, Name} = esock:getopt(S, {tcp, congestion}),
    ?assertNot(lists:member(0, Name)),
    ok = esock:setopt(S, {tcp, congestion}, Name),
    ok = esock:close(S).

flowinfo_is_the_number(_) ->
    {ok, S} = esock:open(inet6, dgram, udp),
    ok = esock:bind(S, #{family => inet6, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(S),
    ?assertMatch(#{flowinfo := 0}, Addr),
    %% A flow label has 20 bits; the kernel refuses one that was not leased, and not one that is 0.
    ok = esock:sendto(S, <<"x">>, Addr#{flowinfo => 0}),
    {ok, {#{flowinfo := 0}, <<"x">>}} = esock:recvfrom(S, 0, 1000),
    ok = esock:close(S).

accepted_is_connected(_) ->
    {L, C, S} = pair(),
    #{wstates := Connection} = esock:info(S),
    #{wstates := Listener} = esock:info(L),
    ?assert(lists:member(connected, Connection)),
    ?assertNot(lists:member(connected, Listener)),
    [ok = esock:close(X) || X <- [L, C, S]].

partial_sends_count(_) ->
    {L, C, S} = pair(),
    {select, {Info, Rest}} = esock:send(C, binary:copy(<<0>>, 1 bsl 24), nowait),
    ok = esock:cancel(C, Info),
    #{counters := #{write_byte := Sent}} = esock:info(C),
    ?assertEqual((1 bsl 24) - byte_size(Rest), Sent),
    [ok = esock:close(X) || X <- [L, C, S]].

info_names_the_back_end(_) ->
    #{io_backend := #{name := epoll, pollers := N}} = esock:info(),
    ?assert(N >= 1).

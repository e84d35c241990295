%% Datagrams over UDP.
-module(esock_dgram_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [boundaries, empty, largest, too_long, addresses, connected, nowait_peek, broadcast_needs_option, timeouts, raw, rcvbuf_pair, length_of_a_listener],
        [nowait_peek]).

udp(Family) ->
    {ok, S} = esock:open(Family, dgram, udp),
    ok = esock:bind(S, loopback),
    {ok, Addr} = esock:sockname(S),
    {S, Addr}.

boundaries(_) ->
    {A, _} = udp(inet),
    {B, To} = udp(inet),
    [ok = esock:sendto(A, binary:copy(<<N>>, N), To) || N <- [1, 10, 100, 1000]],
    [?assertEqual({ok, binary:copy(<<N>>, N)}, esock:recv(B)) || N <- [1, 10, 100, 1000]],
    ?assertMatch(#{counters := #{read_pkg := 4, read_byte := 1111, read_pkg_max := 1000}}, esock:info(B)).

empty(_) ->
    {A, To} = udp(inet),
    ok = esock:sendto(A, <<>>, To),
    ?assertEqual({ok, {To, <<>>}}, esock:recvfrom(A)).

largest(_) ->
    {A, To} = udp(inet),
    Data = rand:bytes(65507),
    ok = esock:sendto(A, Data, To),
    ?assertEqual({ok, Data}, esock:recv(A, 70000)).

%% A datagram longer than the system allows fails. One longer than the receiver's buffer is cut, with `trunc' too, where `socket'
%% aborts the VM.
too_long(_) ->
    {A, To} = udp(inet),
    ?assertEqual({error, emsgsize}, esock:sendto(A, binary:copy(<<0>>, 65508), To)),
    [begin
         ok = esock:sendto(A, <<"0123456789">>, To),
         ?assertEqual({ok, <<"0123">>}, esock:recv(A, 4, Flags))
     end || Flags <- [[], [trunc]]],
    ok = esock:sendto(A, <<"0123456789">>, To),
    ?assertEqual({ok, {To, <<"0123">>}}, esock:recvfrom(A, 4, [trunc])).

addresses(_) ->
    [begin
         {A, From} = udp(Family),
         {B, To} = udp(Family),
         ok = esock:sendto(A, "who", To),
         ?assertEqual({ok, {From, <<"who">>}}, esock:recvfrom(B))
     end || Family <- [inet, inet6]].

connected(_) ->
    {A, AddrA} = udp(inet),
    {B, AddrB} = udp(inet),
    {C, _} = udp(inet),
    ok = esock:connect(A, AddrB),
    ok = esock:sendto(C, "stranger", AddrA),
    ok = esock:sendto(B, "peer", AddrA),
    %% Only datagrams of the peer arrive.
    ?assertEqual({ok, <<"peer">>}, esock:recv(A)),
    ok = esock:connect(A, #{family => unspec}),
    ?assertEqual({error, enotconn}, esock:peername(A)).

nowait_peek(_) ->
    {A, To} = udp(inet),
    {select, {select_info, recvfrom, H}} = esock:recvfrom(A, 0, nowait),
    ok = esock:sendto(A, "x", To),
    receive {'$socket', A, select, H} -> ok end,
    ?assertEqual({ok, {To, <<"x">>}}, esock:recvfrom(A, 0, [peek], nowait)),
    ?assertEqual({ok, {To, <<"x">>}}, esock:recvfrom(A, 0, nowait)).

broadcast_needs_option(_) ->
    {ok, A} = esock:open(inet, dgram, udp),
    To = #{family => inet, addr => broadcast, port => 9},
    ?assertEqual({error, eacces}, esock:sendto(A, "x", To)),
    ok = esock:setopt(A, {socket, broadcast}, true),
    ?assertEqual({ok, true}, esock:getopt(A, {socket, broadcast})).

timeouts(_) ->
    {A, _} = udp(inet),
    ?assertEqual({error, timeout}, esock:recv(A, 0, 0)),
    ?assertEqual({error, timeout}, esock:recvfrom(A, 0, 5)),
    ?assertMatch(#{num_readers := 0}, esock:info(A)).

%% A raw socket receives its own echo request. The case is skipped without CAP_NET_RAW.
raw(_) ->
    case esock:open(inet, raw, icmp) of
        {ok, S} ->
            Sum = 16#FFFF - 16#0800,
            Request = <<8, 0, Sum:16, 0:16, 0:16>>,
            ok = esock:sendto(S, Request, #{family => inet, addr => loopback}),
            {ok, <<4:4, _:4, _:19/binary, Got/binary>>} = esock:recv(S, 0, 5000),
            ?assertEqual(Request, Got);
        {error, eperm} ->
            {skip, "no CAP_NET_RAW"}
    end.

%% The count in `{otp, rcvbuf}' holds for streams only: a datagram is cut at the size, with any time-out.
rcvbuf_pair(_) ->
    {ok, S} = esock:open(inet, dgram, udp),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(S),
    ok = esock:setopt(S, {otp, rcvbuf}, {3, 4}),
    [ok = esock:sendto(S, <<"abcdefgh">>, Addr) || _ <- [1, 2]],
    ?assertEqual([{ok, <<"abcd">>}, {ok, <<"abcd">>}], [esock:recv(S, 0, T) || T <- [5000, 0]]),
    ok = esock:close(S).

%% If a socket cannot report how many bytes there are to read (FIONREAD), a huge length allocates no huge buffer.
length_of_a_listener(_) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    {Time, Result} = timer:tc(fun() -> [esock:recv(L, 1 bsl 32, nowait) || _ <- lists:seq(1, 1000)] end),
    ct:pal("~w us", [Time]),
    ?assertEqual([{error, enotconn}], lists:usort(Result)),
    ok = esock:close(L).

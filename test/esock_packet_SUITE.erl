%% Packet sockets, packet(7): they need CAP_NET_RAW.
-module(esock_packet_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() -> [messages, same_as_socket, bound, sent, addresses].

-define(AF_PACKET, 17).
-define(IP, 16#0800).

init_per_suite(Config) ->
    case esock:open(?AF_PACKET, raw, 0) of
        {ok, S} -> ok = esock:close(S), Config;
        {error, Reason} -> {skip, Reason}
    end.

end_per_suite(_) -> ok.

suite() -> [{timetrap, {seconds, 60}}].

%% The number of a protocol as socket(2) takes it.
net(Protocol) -> <<N:16/native>> = <<Protocol:16>>, N.

%% A packet socket on loopback, and a UDP socket with its address and port.
open_with_udp(M, Type) ->
    {ok, P} = M:open(?AF_PACKET, Type, net(?IP)),
    {ok, U} = esock:open(inet, dgram, udp),
    ok = esock:bind(U, #{family => inet, addr => loopback, port => 0}),
    {ok, #{port := Port} = Addr} = esock:sockname(U),
    {P, U, Addr, Port}.

%% The first packet with this port and this data.
packet_with(Receive, Port, Data) ->
    {Addr, Packet} = Receive(),
    case binary:match(Packet, <<Port:16>>) =/= nomatch andalso binary:match(Packet, Data) of
        {_, _} -> {Addr, Packet};
        _ -> packet_with(Receive, Port, Data)
    end.

receives(M, P) ->
    [fun() -> {ok, {Addr, Data}} = M:recvfrom(P, 0, [], 5000), {Addr, Data} end,
     fun() -> {ok, #{addr := Addr, iov := [Data]}} = M:recvmsg(P, 0, 0, [], 5000), {Addr, Data} end]
    ++ [fun() -> {ok, [#{addr := Addr, iov := [Data]} | _]} = M:recvmmsg(P, 1, 0, 0, [], 5000), {Addr, Data} end || M =:= esock].

messages(_) ->
    [begin
         {P, U, Addr, Port} = open_with_udp(esock, Type),
         [begin
              ok = esock:sendto(U, <<"esock", N>>, Addr),
              {From, Packet} = packet_with(Receive, Port, <<"esock", N>>),
              ?assertMatch(#{family := packet, ifindex := 1, protocol := ?IP, hatype := loopback, addr := <<0:48>>}, From),
              ?assert(lists:member(maps:get(pkttype, From), [host, outgoing])),
              %% Packets of type `dgram' have no link-layer header.
              ?assertEqual(Type, case Packet of <<0:96, 16#0800:16, _/binary>> -> raw; <<4:4, _/bits>> -> dgram end)
          end || {N, Receive} <- lists:enumerate(receives(esock, P))],
         esock_pairs:close([P, U])
     end || Type <- [raw, dgram]].

same_as_socket(_) ->
    [Otp, Ours] = [begin
                       {P, U, Addr, Port} = open_with_udp(M, raw),
                       Froms = [begin
                                    ok = esock:sendto(U, <<"same", N>>, Addr),
                                    {From, _} = packet_with(Receive, Port, <<"same", N>>),
                                    maps:remove(pkttype, From)
                                end || {N, Receive} <- lists:enumerate(lists:sublist(receives(M, P), 2))],
                       ok = M:close(P),
                       ok = esock:close(U),
                       Froms
                   end || M <- [socket, esock]],
    ?assertEqual(Otp, Ours).

%% bind to an interface and protocol.
bound(_) ->
    {ok, P} = esock:open(?AF_PACKET, dgram, 0),
    ?assertMatch({ok, #{family := packet, ifindex := 0, protocol := 0, addr := <<>>}}, esock:sockname(P)),
    ok = esock:bind(P, #{family => packet, ifindex => 1, protocol => ?IP}),
    ?assertMatch({ok, #{family := packet, ifindex := 1, protocol := ?IP, hatype := loopback, pkttype := host, addr := <<0:48>>}}, esock:sockname(P)),
    ?assertEqual({error, enodev}, esock:bind(P, #{family => packet, ifindex => 1 bsl 30, protocol => ?IP})),
    ok = esock:close(P).

%% A UDP datagram built by hand: other packet sockets receive it. (The UDP socket does not: the kernel takes no loopback address
%% from a packet that was sent so.)
sent(_) ->
    {P, U, #{addr := {127, 0, 0, 1}}, Port} = open_with_udp(esock, dgram),
    {Q, V, _, _} = open_with_udp(esock, dgram),
    To = #{family => packet, ifindex => 1, protocol => ?IP, addr => <<0:48>>},
    Hears = hd(receives(esock, Q)),
    [begin
         ok = Send(datagram(Port, <<"by hand", N>>)),
         {From, Packet} = packet_with(Hears, Port, <<"by hand", N>>),
         ?assertEqual(datagram(Port, <<"by hand", N>>), Packet),
         %% An address from a receive is valid for a send.
         ok = esock:sendto(P, datagram(Port, <<"again", N>>), From),
         {_, _} = packet_with(Hears, Port, <<"again", N>>)
     end || {N, Send} <- [{1, fun(D) -> esock:sendto(P, D, To) end}, {2, fun(D) -> esock:sendmsg(P, #{addr => To, iov => [D]}) end},
                          {3, fun(D) -> esock:sendmmsg(P, [#{addr => To, iov => [D]}], [], infinity) end}]],
    esock_pairs:close([P, U, Q, V]).

%% An IPv4 packet with a UDP datagram from port 7, without a UDP checksum.
datagram(Port, Data) ->
    Length = 8 + byte_size(Data),
    Head = fun(Sum) -> <<4:4, 5:4, 0, (20 + Length):16, 0:32, 64, 17, Sum:16, 127, 0, 0, 1, 127, 0, 0, 1>> end,
    Words = lists:sum([Word || <<Word:16>> <= Head(0)]),
    <<(Head(16#FFFF - ((Words band 16#FFFF) + (Words bsr 16))))/binary, 7:16, Port:16, Length:16, 0:16, Data/binary>>.

addresses(_) ->
    {ok, P} = esock:open(?AF_PACKET, dgram, 0),
    [?assertEqual({error, {invalid, {sockaddr, Bad}}}, esock:bind(P, Bad))
     || Extra <- [#{protocol => 65536}, #{protocol => foo}, #{pkttype => foo}, #{pkttype => 256}, #{hatype => foo}, #{hatype => -1},
                  #{ifindex => foo}, #{ifindex => 1 bsl 31}, #{addr => <<0:72>>}, #{addr => foo}],
        Bad <- [Extra#{family => packet}]],
    Strange = #{family => packet, port => 1},
    ?assertEqual({error, {invalid, {sockaddr, {keys, [port]}, Strange}}}, esock:bind(P, Strange)),
    ok = esock:close(P).

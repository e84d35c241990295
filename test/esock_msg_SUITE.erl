%% Messages: sendmsg and recvmsg with control messages, sendv, batches, files, urgent data, the error queue.
-module(esock_msg_SUITE).

-include_lib("stdlib/include/assert.hrl").
-include_lib("kernel/include/file.hrl").

-import(esock_pairs, [udp/0, udp/1, pair/0, pair/1, local_pair/2, close/1]).

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [same_as_socket, gather, partial, too_many_parts, continuation, tos_ttl, timestamps, pktinfo_in, pktinfo_out, ipv6, rights, rights_once,
         credentials, ctrunc, error_queue, origdstaddr, empty, peek, oob, recvmmsg, recvmmsg_waits, recvmmsg_more_than_room, sendmmsg, sendmmsg_rest, sendmmsg_many,
         gso, gso_not_longer, gso_many, gso_batch, gso_waits, gso_bad, gso_not_udp, gso_refused, gso_fragments, gro, gro_room, gro_batch, gro_given,
         select_read, sendfile_raw, sendfile_served, sendfile_partial, sendfile_closed, sendfile_counters, sendfile_bad,
         ctrl_as_received, ioctls, interfaces, netns, connect_unreachable, monitors, tables],
        [same_as_socket, partial, continuation, recvmmsg_waits, select_read, sendfile_partial]).

%% A message without the `value' of control messages that `socket' does not decode.
plain({ok, #{ctrl := Ctrl} = Msg}) ->
    {ok, esock_same_SUITE:plain(Msg#{ctrl := lists:sort([plain_ctrl(C) || C <- Ctrl])})};
plain(Other) ->
    esock_same_SUITE:plain(Other).

plain_ctrl(#{type := Type} = C) when Type =:= rights; Type =:= credentials; Type =:= timestamp; Type =:= timestampns ->
    maps:with([level, type], C);
plain_ctrl(#{type := tos} = C) -> maps:remove(value, C);
plain_ctrl(C) -> C.

%% `socket' and esock answer the same in each program of a table.
same_as_socket(_) ->
    Programs = [{N, P} || {N, P} <- programs()],
    Different = [{N, Diff} || {N, P} <- Programs, Diff <- [different(run(P, socket), run(P, esock))], Diff =/= []],
    [ct:pal("~p", [D]) || D <- Different],
    ?assertEqual([], Different).

%% The differences between two lists of answers. `lacks' stands for a request that the oracle of this release lacks.
different(Otp, Ours) when is_list(Otp), is_list(Ours), length(Otp) =:= length(Ours) ->
    [{A, B} || {A, B} <- lists:zip(Otp, Ours), A =/= B, A =/= lacks];
different(Same, Same) -> [];
different(Otp, Ours) -> {Otp, Ours}.

run(P, M) ->
    {Pid, MRef} = spawn_monitor(fun() -> exit({result, try P(M) catch C:R:St -> {C, R, St} end}) end),
    receive {'DOWN', MRef, process, Pid, {result, R}} -> R end.

programs() ->
    [{udp, fun(M) ->
                   {A, AddrA} = udp(M), {B, _} = udp(M),
                   [M:sendmsg(B, #{addr => AddrA, iov => [<<"one ">>, <<"two">>]}), plain(M:recvmsg(A)),
                    M:sendmsg(B, #{addr => AddrA, iov => []}), plain(M:recvmsg(A)),
                    M:sendmsg(B, #{addr => AddrA, iov => [<<"long message">>]}), plain(M:recvmsg(A, 4, 0)),
                    M:recvmsg(A, 0), M:sendmsg(B, #{iov => [<<"nowhere">>]}),
                    M:connect(B, AddrA), M:sendmsg(B, #{iov => [<<"connected">>]}), plain(M:recvmsg(A, [peek])),
                    plain(M:recvmsg(A, 0, 0, [], 1000)), plain(M:recvmsg(A, nowait))]
           end},
     {tcp, fun(M) ->
                   {C, S} = pair(M),
                   [M:sendmsg(C, #{iov => [<<"one ">>, <<"two">>]}), plain(M:recvmsg(S)),
                    M:sendmsg(C, #{iov => [<<"abcdef">>]}), plain(M:recvmsg(S, 3, 0)), plain(M:recvmsg(S, 0, 0)),
                    M:close(C), plain(M:recvmsg(S)), plain(M:recvmsg(S, 0))]
           end},
     {local_dgram, fun(M) ->
                           {C, S} = local_pair(M, dgram),
                           [M:sendmsg(C, #{iov => [<<"x">>]}), plain(M:recvmsg(S)), M:recvmsg(S, 0)]
                   end},
     {seqpacket, fun(M) ->
                         {C, S} = local_pair(M, seqpacket),
                         [M:sendmsg(C, #{iov => [<<"ab">>, <<"c">>]}), plain(M:recvmsg(S)), M:close(C), plain(M:recvmsg(S))]
                 end},
     {ctrl, fun(M) ->
                    {A, AddrA} = udp(M), {B, _} = udp(M),
                    [M:setopt(A, {ip, recvttl}, true), M:setopt(A, {ip, recvtos}, true), M:setopt(A, {ip, pktinfo}, true),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, value => 9},
                                                                          #{level => ip, type => tos, value => 16}]}),
                     plain(M:recvmsg(A)),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, data => <<7:32/native>>}]}),
                     plain(M:recvmsg(A)), plain(M:recvmsg(A, 0, 8, [], 0)),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => [#{level => ip, type => nosuch, value => 9}]}),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, value => foo}]}),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => [#{level => nosuch, type => ttl, value => 1}]}),
                     M:sendmsg(B, #{addr => AddrA, iov => [<<"x">>], ctrl => []})]
            end},
     {rights, fun(M) ->
                      {C, S} = local_pair(M, stream),
                      {ok, Fd} = M:getopt(C, {otp, fd}),
                      [M:sendmsg(C, #{iov => [<<"x">>], ctrl => [#{level => socket, type => rights, data => <<Fd:32/native>>}]}),
                       plain(M:recvmsg(S)), M:setopt(S, {socket, passcred}, true), M:sendmsg(C, #{iov => [<<"y">>]}),
                       plain(M:recvmsg(S))]
              end},
     {iov, fun(M) ->
                   {C, _} = pair(M),
                   [try M:sendmsg(C, #{iov => IOV}) catch Cl:R -> {Cl, R} end || IOV <- [[], [<<>>], [foo], [<<"x">> | <<"y">>], ["x"]]]
           end},
     {errors, fun(M) ->
                      {ok, S} = M:open(inet, stream, tcp),
                      [M:recvmsg(S), M:sendmsg(S, #{iov => [<<"x">>]}), M:close(S), M:recvmsg(S), M:sendmsg(S, #{iov => [<<"x">>]})]
              end},
     {sendfile, fun(M) ->
                        {C, S} = pair(M),
                        {ok, F} = file:open(code:which(lists), [read, raw, binary]),
                        [M:sendfile(C, F, 0, 1000), size_of(M:recv(S, 1000)), M:sendfile(C, F, 500, 10), M:recv(S, 10),
                         M:sendfile(C, F, 10_000_000, 10), M:sendfile(C, F, 0, 0, 0) =/= foo,
                         try M:sendfile(C, foo) catch Cl:R -> {Cl, R} end,
                         try M:sendfile(C, F, foo, 1) catch Cl2:R2 -> {Cl2, R2} end,
                         try M:sendfile(C, F, 0, -1) catch Cl3:R3 -> {Cl3, R3} end]
                end},
     {ioctl, fun(M) ->
                     {A, AddrA} = udp(M), {C, _} = pair(M),
                     ok = M:sendto(A, <<"12345">>, AddrA),
                     [ioctl(M, [S | Args]) ||
                         {S, Args} <- [{A, [nread]}, {C, [atmark]}, {A, [gifconf]}, {A, [gifindex, "lo"]}, {A, [gifname, 1]},
                                       {A, [gifaddr, "lo"]}, {A, [gifnetmask, "lo"]}, {A, [gifmtu, "lo"]},
                                       {A, [giftxqlen, "lo"]}, {A, [gifflags, "lo"]}, {A, [gifhwaddr, "lo"]},
                                       {A, [gifmap, "lo"]}, {A, [gifbrdaddr, "lo"]}, {A, [gifdstaddr, "lo"]},
                                       {A, [gifaddr, "nosuch"]}, {A, [gifname, 99999]}, {A, [sifmtu, "nosuch", 1500]},
                                       {A, [sifflags, "nosuch", #{up => true}]}, {A, [genaddr, "lo"]},
                                       {A, [sifaddr, "nosuch", #{family => inet, addr => {127, 0, 0, 9}}]}]]
             end}].

ioctl(M, Args) ->
    try apply(M, ioctl, Args) of
        %% After the six bytes of a hardware address `socket' shows bytes of uninitialized memory.
        {ok, #{family := loopback, addr := <<Hw:6/binary, _/binary>>}} -> {ok, Hw};
        Result -> Result
    catch error:badarg -> lacks; error:function_clause -> lacks end.

size_of({ok, B}) -> {ok, byte_size(B)};
size_of(E) -> E.

gather(_) ->
    {C, S} = pair(),
    ok = esock:sendv(C, [<<"a">>, <<>>, <<"bc">>]),
    ?assertEqual({ok, <<"abc">>}, esock:recv(S, 3)),
    ok = esock:sendv(C, [], 1000),
    ?assertEqual({error, {invalid, iov}}, esock:sendv(C, [foo])),
    ?assertEqual({error, {invalid, iov}}, esock:sendv(C, foo)),
    ?assertEqual([<<"c">>, <<"d">>], esock:rest_iov(2, [<<"a">>, <<"bc">>, <<"d">>])),
    ?assertEqual([], esock:rest_iov(0, [])),
    close([C, S]).

%% A send of a part answers the rest, which is sent after the select message. Every byte arrives, in order.
partial(_) ->
    {C, S} = pair(),
    Big = [crypto:strong_rand_bytes(1_000_000) || _ <- lists:seq(1, 20)],
    Self = self(),
    spawn_link(fun() -> Self ! {sum, receive_sum(S, 20_000_000, crypto:hash_init(sha256))} end),
    send_rest(C, esock:sendv(C, Big, nowait), sendv),
    receive {sum, Sum} -> ?assertEqual(crypto:hash(sha256, Big), Sum) end,
    spawn_link(fun() -> Self ! {sum, receive_sum(S, 20_000_000, crypto:hash_init(sha256))} end),
    send_rest(C, esock:sendmsg(C, #{iov => Big}, nowait), sendmsg),
    receive {sum, Sum2} -> ?assertEqual(crypto:hash(sha256, Big), Sum2) end,
    spawn_link(fun() -> Self ! {sum, receive_sum(S, 20_000_000, crypto:hash_init(sha256))} end),
    ok = esock:sendmsg(C, #{iov => Big}),
    receive {sum, Sum3} -> ?assertEqual(crypto:hash(sha256, Big), Sum3) end,
    ?assertMatch({error, {timeout, [_ | _]}}, esock:sendv(C, Big, 20)),
    close([C, S]).

send_rest(_, ok, _) -> ok;
send_rest(C, {select, {{select_info, _, Handle} = Info, Rest}}, F) ->
    receive {'$socket', C, select, Handle} -> ok end,
    send_rest(C, esock:F(C, Rest, Info, nowait), F);
send_rest(C, {select, {select_info, _, Handle} = Info}, F) ->
    receive {'$socket', C, select, Handle} -> exit({again, Info, F}) end.

receive_sum(_, 0, Hash) -> crypto:hash_final(Hash);
receive_sum(S, Left, Hash) ->
    {ok, Data} = esock:recv(S, 0),
    receive_sum(S, Left - byte_size(Data), crypto:hash_update(Hash, Data)).

%% More parts than one system call takes: several calls on a stream, but one call for a datagram.
too_many_parts(_) ->
    IOV = [<<N:32>> || N <- lists:seq(1, 5000)],
    {C, S} = pair(),
    ok = esock:sendv(C, IOV),
    ?assertEqual({ok, iolist_to_binary(IOV)}, esock:recv(S, 20_000)),
    {A, Addr} = udp(),
    ok = esock:sendmsg(A, #{addr => Addr, iov => IOV}),
    ?assertMatch({ok, #{iov := [Data]}} when byte_size(Data) =:= 20_000, esock:recvmsg(A, 30_000, 0)),
    close([C, S, A]).

continuation(_) ->
    {C, S} = pair(),
    {select, {{select_info, {sendmsg, _}, Handle} = Info, _}} = esock:sendmsg(C, #{iov => [binary:copy(<<0>>, 1 bsl 24)]}, nowait),
    ?assertMatch({error, {invalid, _}}, esock:sendmsg(C, [<<"x">>], {select_info, {sendto, x}, Handle})),
    ?assertError(badarg, esock:sendmsg(C, foo, Info)),
    ok = esock:cancel(C, Info),
    close([C, S]).

value(Type, {ok, #{ctrl := Ctrl}}) -> [V || #{type := T, value := V} <- Ctrl, T =:= Type].

tos_ttl(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {ip, recvttl}, true),
    ok = esock:setopt(A, {ip, recvtos}, true),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, value => 9},
                                                                     #{level => ip, type => tos, value => ef}]}),
    Msg = esock:recvmsg(A),
    ?assertMatch([9], value(ttl, Msg)),
    ?assertMatch([#{dscp := ef}], value(tos, Msg)),
    close([A]).

timestamps(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {socket, timestamp}, true),
    Now = os:system_time(second),
    ok = esock:sendto(A, <<"x">>, Addr),
    [#{sec := Sec, usec := _}] = value(timestamp, esock:recvmsg(A)),
    ?assert(abs(Sec - Now) < 60),
    ok = esock:setopt(A, {socket, timestamp}, false),
    ok = esock:setopt(A, {socket, timestampns}, true),
    ok = esock:sendto(A, <<"x">>, Addr),
    ?assertMatch([#{sec := _, nsec := _}], value(timestampns, esock:recvmsg(A))),
    close([A]).

pktinfo_in(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {ip, pktinfo}, true),
    ok = esock:sendto(A, <<"x">>, Addr),
    ?assertEqual([#{ifindex => 1, spec_dst => {127, 0, 0, 1}, addr => {127, 0, 0, 1}}], value(pktinfo, esock:recvmsg(A))),
    close([A]).

%% The control message pktinfo sets the source address of a datagram.
pktinfo_out(_) ->
    {A, Addr} = udp(),
    {ok, B} = esock:open(inet, dgram, udp),
    ok = esock:sendmsg(B, #{addr => Addr, iov => [<<"x">>],
                            ctrl => [#{level => ip, type => pktinfo, value => #{ifindex => 0, spec_dst => {127, 0, 0, 7}}}]}),
    ?assertMatch({ok, #{addr := #{addr := {127, 0, 0, 7}}}}, esock:recvmsg(A)),
    close([A, B]).

ipv6(_) ->
    {ok, A} = esock:open(inet6, dgram, udp),
    ok = esock:bind(A, #{family => inet6, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(A),
    [ok = esock:setopt(A, {ipv6, O}, true) || O <- [recvpktinfo, recvhoplimit, recvtclass]],
    ok = esock:sendmsg(A, #{addr => Addr, iov => [<<"x">>], ctrl => [#{level => ipv6, type => hoplimit, value => 5},
                                                                     #{level => ipv6, type => tclass, value => 8}]}),
    Msg = esock:recvmsg(A),
    ?assertEqual({[#{addr => {0, 0, 0, 0, 0, 0, 0, 1}, ifindex => 1}], [5], [8]},
                 {value(pktinfo, Msg), value(hoplimit, Msg), value(tclass, Msg)}),
    close([A]).

%% A descriptor that was passed through a Unix socket is close-on-exec, and can be used.
rights(_) ->
    {C, S} = local_pair(esock, stream),
    {A, Addr} = udp(),
    {ok, Fd} = esock:getopt(A, {otp, fd}),
    ok = esock:sendmsg(C, #{iov => [<<"here">>], ctrl => [#{level => socket, type => rights, value => [Fd]}]}),
    [[New]] = value(rights, esock:recvmsg(S)),
    {ok, Flags} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(New)),
    {match, [Octal]} = re:run(Flags, "flags:\\s+([0-7]+)", [{capture, all_but_first, list}]),
    ?assertNotEqual(0, list_to_integer(Octal, 8) band 8#2000000),
    {ok, B} = esock:open(New),
    ok = esock:sendto(B, <<"through it">>, Addr),
    ?assertEqual({ok, <<"through it">>}, esock:recv(A)),
    close([A, B, C, S]).

%% Control messages are sent with the first byte, and once, however many calls the data takes.
rights_once(_) ->
    {C, S} = local_pair(esock, stream),
    {ok, Fd} = esock:getopt(C, {otp, fd}),
    Self = self(),
    IOV = [binary:copy(<<N>>, 1000) || N <- lists:seq(1, 3000)],
    spawn_link(fun() -> Self ! {sent, esock:sendmsg(C, #{iov => IOV, ctrl => [#{level => socket, type => rights, value => [Fd]}]})} end),
    Collect = fun Collect(Left, Fds) when Left > 0 ->
                      {ok, #{iov := [Data]}} = Msg = esock:recvmsg(S, 65536, 0, [], 5000),
                      Collect(Left - byte_size(Data), value(rights, Msg) ++ Fds);
                  Collect(0, Fds) -> Fds
              end,
    ?assertMatch([[_]], Collect(3_000_000, [])),
    receive {sent, Result} -> ?assertEqual(ok, Result) end,
    close([C, S]).

credentials(_) ->
    {C, S} = local_pair(esock, dgram),
    ok = esock:setopt(S, {socket, passcred}, true),
    ok = esock:send(C, <<"x">>),
    Pid = list_to_integer(os:getpid()),
    ?assertMatch([#{pid := Pid}], value(credentials, esock:recvmsg(S))),
    close([C, S]).

ctrunc(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {socket, timestamp}, true),
    ok = esock:sendto(A, <<"x">>, Addr),
    ?assertMatch({ok, #{flags := [ctrunc], ctrl := []}}, esock:recvmsg(A, 0, 8)),
    close([A]).

%% The error queue reports a refused datagram, and the address that reported it.
error_queue(_) ->
    {A, _} = udp(),
    ok = esock:setopt(A, {ip, recverr}, true),
    ok = esock:connect(A, #{family => inet, addr => loopback, port => 1}),
    ok = esock:send(A, <<"x">>),
    {ok, #{flags := Flags}} = Msg = esock:recvmsg(A, [errqueue], 5000),
    ?assert(lists:member(errqueue, Flags)),
    ?assertMatch([#{error := econnrefused, origin := icmp, type := dest_unreach, code := port_unreach,
                    offender := #{addr := {127, 0, 0, 1}}}], value(recverr, Msg)),
    close([A]).

origdstaddr(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {ip, recvorigdstaddr}, true),
    ok = esock:sendto(A, <<"x">>, Addr),
    ?assertEqual([Addr], value(origdstaddr, esock:recvmsg(A))),
    close([A]).

empty(_) ->
    {A, Addr} = udp(),
    ok = esock:sendmsg(A, #{addr => Addr, iov => []}),
    ?assertMatch({ok, #{iov := [<<>>]}}, esock:recvmsg(A)),
    close([A]).

peek(_) ->
    {A, Addr} = udp(),
    ok = esock:sendto(A, <<"look">>, Addr),
    ?assertEqual(esock:recvmsg(A, [peek]), esock:recvmsg(A, [])),
    close([A]).

oob(_) ->
    {C, S} = pair(),
    ok = esock:send(C, <<"ab">>, [oob]),
    ?assertEqual({ok, <<"a">>}, esock:recv(S, 0, 5000)),
    ?assertEqual({ok, true}, esock:ioctl(S, atmark)),
    ?assertEqual({ok, <<"b">>}, esock:recv(S, 1, [oob], 5000)),
    close([C, S]).

recvmmsg(_) ->
    {A, Addr} = udp(),
    {B, AddrB} = udp(),
    [ok = esock:sendto(B, <<N>>, Addr) || N <- lists:seq(1, 10)],
    {ok, Msgs} = esock:recvmmsg(A, 4, 100, 0, [], infinity),
    ?assertEqual([{[<<N>>], AddrB} || N <- [1, 2, 3, 4]], [{IOV, From} || #{iov := IOV, addr := From, flags := [], ctrl := []} <- Msgs]),
    {ok, Rest} = esock:recvmmsg(A, 1000, 0, 0, [], 0),
    ?assertEqual([[<<N>>] || N <- lists:seq(5, 10)], [IOV || #{iov := IOV} <- Rest]),
    ?assertEqual({error, timeout}, esock:recvmmsg(A, 4, 0, 0, [], 0)),
    [?assertError(badarg, esock:recvmmsg(A, V, 0, 0, [], 0)) || V <- [0, -1, foo]],
    close([A, B]).

recvmmsg_waits(_) ->
    {A, Addr} = udp(),
    {select, {select_info, recvmmsg, Handle}} = esock:recvmmsg(A, 4, 0, 0, [], nowait),
    ok = esock:sendto(A, <<"x">>, Addr),
    receive {'$socket', A, select, Handle} -> ok end,
    ?assertMatch({ok, [#{iov := [<<"x">>]}]}, esock:recvmmsg(A, 4, 0, 0, [], nowait)),
    Self = self(),
    spawn_link(fun() -> Self ! {got, esock:recvmmsg(A, 4, 0, 0, [], infinity)} end),
    ok = esock:sendto(A, <<"y">>, Addr),
    receive {got, Got} -> ?assertMatch({ok, [#{iov := [<<"y">>]}]}, Got) end,
    close([A]).

sendmmsg(_) ->
    {A, Addr} = udp(),
    Msgs = [#{addr => Addr, iov => [<<N:16>>]} || N <- lists:seq(1, 50)],
    ok = esock:sendmmsg(A, Msgs, [], infinity),
    ?assertEqual([{ok, <<N:16>>} || N <- lists:seq(1, 50)], [esock:recv(A) || _ <- Msgs]),
    ok = esock:sendmmsg(A, [], [], 0),
    ?assertError({invalid, {msg, foo}}, esock:sendmmsg(A, [foo], [], 0)),
    ?assertError(badarg, esock:sendmmsg(A, [#{}], [], 0)),
    ?assertMatch({error, {invalid, {iov, _}}}, esock:sendmmsg(A, [#{addr => Addr, iov => [foo]}], [], 0)),
    close([A]).

%% If there are more messages than one call takes, the next calls get them. No message has bytes of another.
recvmmsg_more_than_room(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {socket, rcvbufforce}, 8_000_000),
    Datagrams = [binary:copy(<<N:16>>, 1 + N rem 50) || N <- lists:seq(1, 500)],
    ok = esock:sendmmsg(A, [#{addr => Addr, iov => [D]} || D <- Datagrams], [], infinity),
    %% Calls with each kind of time-out get them all, in order.
    Waits = [fun() -> esock:recvmmsg(A, 200, 0, 0, [], 0) end, fun() -> esock:recvmmsg(A, 200, 0, 0, [], nowait) end,
             fun() -> esock:recvmmsg(A, 300, 0, 0, [], 1000) end],
    ?assertEqual(Datagrams, lists:append([begin {ok, Msgs} = Wait(), iov(Msgs) end || Wait <- Waits])),
    ?assertEqual({error, timeout}, esock:recvmmsg(A, 1, 0, 0, [], 0)),
    %% One call answers all that are there, also with room for a single byte of each, and more than the system takes at once.
    ok = esock:sendmmsg(A, [#{addr => Addr, iov => [<<N>>]} || N <- lists:seq(1, 1500)], [], infinity),
    {ok, Small} = esock:recvmmsg(A, 5000, 1, 1, [], 0),
    ?assertEqual([<<N>> || N <- lists:seq(1, 1500)], iov(Small)),
    %% A message that is larger than the buffer for batches gets a buffer of its own.
    {C, S} = local_pair(esock, dgram),
    [ok = esock:setopt(E, {socket, sndbufforce}, 8_000_000) || E <- [C, S]],
    Big = crypto:strong_rand_bytes(1_000_000),
    ok = esock:sendmmsg(C, [#{iov => [Big]}, #{iov => [<<"small">>]}], [], infinity),
    {ok, Two} = esock:recvmmsg(S, 2, 1_048_576, 1_048_576, [], 1000),
    ?assertEqual([Big, <<"small">>], iov(Two) ++ [Next || length(Two) =:= 1, {ok, Next} <- [esock:recv(S, 0, 1000)]]),
    close([A, C, S]).

%% Received control messages can be sent as they are: `data' and `value' agree. If they do not agree, the send fails.
ctrl_as_received(_) ->
    {A, Addr} = udp(),
    [ok = esock:setopt(A, {ip, Option}, true) || Option <- [recvtos, recvttl, pktinfo]],
    ok = esock:sendto(A, <<"x">>, Addr),
    {ok, #{ctrl := Ctrl} = Msg} = esock:recvmsg(A, 0, 0, [], 1000),
    ?assertMatch([_, _, _], [C || #{data := _, value := _} = C <- Ctrl]),
    ok = esock:sendmsg(A, maps:with([addr, iov, ctrl], Msg)),
    ?assertMatch({ok, #{iov := [<<"x">>]}}, esock:recvmsg(A, 0, 0, [], 1000)),
    [Ttl] = [C || #{type := ttl} = C <- Ctrl],
    Other = [Ttl#{value := 7}],
    ?assertMatch({error, {invalid, {msg, ctrl, #{ctrl := Other}}}}, esock:sendmsg(A, #{addr => Addr, iov => [<<"x">>], ctrl => Other})),
    %% The same for descriptors.
    {C, D} = local_pair(esock, stream),
    {ok, Fd} = esock:getopt(A, {otp, fd}),
    ok = esock:sendmsg(C, #{iov => [<<"x">>], ctrl => [#{level => socket, type => rights, value => [Fd]}]}),
    {ok, #{ctrl := [#{data := <<Got:32/native>>, value := [Got]}] = Rights}} = esock:recvmsg(D, 0, 0, [], 1000),
    ok = esock:sendmsg(D, #{iov => [<<"y">>], ctrl => Rights}),
    {ok, #{ctrl := [#{value := [Again]}]}} = esock:recvmsg(C, 0, 0, [], 1000),
    Owned = [begin {ok, S} = esock:open(N, #{dup => false, own => true}), S end || N <- [Got, Again]],
    close([A, C, D | Owned]).

iov(Msgs) -> [iolist_to_binary(IOV) || #{iov := IOV} <- Msgs].

recvmmsg_all(S, Size) ->
    case esock:recvmmsg(S, 64, Size, 0, [], 0) of
        {ok, Msgs} -> Msgs ++ recvmmsg_all(S, Size);
        {error, timeout} -> []
    end.

%% sendmmsg with nowait or a time-out answers what was not sent; with infinity it sends everything.
sendmmsg_rest(_) ->
    {C, S} = local_pair(esock, dgram),
    Msgs = [#{iov => [<<N:16>>]} || N <- lists:seq(1, 1000)],
    {select_write, {{select_info, sendmmsg, Handle}, Count}} = esock:sendmmsg(C, Msgs, [], nowait),
    ?assert(Count > 0 andalso Count < 1000),
    {ok, <<1:16>>} = esock:recv(S),
    receive {'$socket', C, select, Handle} -> ok end,
    {ok, Rest} = esock:sendmmsg(C, lists:nthtail(Count, Msgs), [], 20),
    ?assertEqual([[<<N:16>>] || N <- lists:seq(1001 - length(Rest), 1000)], Rest),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, esock:sendmmsg(C, [#{iov => IOV} || IOV <- Rest], [], infinity)} end),
    ?assertEqual([{ok, <<N:16>>} || N <- lists:seq(2, 1000)], [esock:recv(S) || _ <- lists:seq(2, 1000)]),
    receive {sent, Result} -> ?assertEqual(ok, Result) end,
    close([C, S]).

%% More messages than one system call takes.
sendmmsg_many(_) ->
    {C, S} = local_pair(esock, dgram),
    Self = self(),
    Msgs = [#{iov => [<<N:16>>]} || N <- lists:seq(1, 3000)],
    spawn_link(fun() -> Self ! {sent, esock:sendmmsg(C, Msgs, [], infinity)} end),
    ?assertEqual([{ok, <<N:16>>} || N <- lists:seq(1, 3000)], [esock:recv(S) || _ <- Msgs]),
    receive {sent, Result} -> ?assertEqual(ok, Result) end,
    close([C, S]).

datagrams(Data, Size) when byte_size(Data) > Size ->
    <<First:Size/binary, Rest/binary>> = Data,
    [First | datagrams(Rest, Size)];
datagrams(Data, _Size) -> [Data].

%% gso sends datagrams of the given size, the last one shorter. Each of them has the control messages.
gso(_) ->
    [begin
         {A, Addr} = udp6(Domain),
         {ok, B} = esock:open(Domain, dgram, udp),
         Data = crypto:strong_rand_bytes(20_000),
         <<Head:7777/binary, Tail/binary>> = Data,
         ok = esock:sendmsg(B, #{addr => Addr, iov => [Head, <<>>, Tail], gso => 1200}),
         ?assertEqual(datagrams(Data, 1200), [recv_now(A) || _ <- lists:seq(1, 17)]),
         ok = esock:connect(B, Addr),
         ok = esock:sendmsg(B, #{iov => [Data], gso => 10_000}, [], 1000),
         ?assertEqual(datagrams(Data, 10_000), [recv_now(A, 10_000) || _ <- [1, 2]]),
         ?assertEqual({error, timeout}, esock:recv(A, 0, 0)),
         close([A, B])
     end || Domain <- [inet, inet6]],
    {A, Addr} = udp(),
    ok = esock:setopt(A, {ip, recvttl}, true),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [<<0:2400>>], gso => 100, ctrl => [#{level => ip, type => ttl, value => 9}]}),
    ?assertEqual([[9], [9], [9]], [value(ttl, esock:recvmsg(A, 0)) || _ <- [1, 2, 3]]),
    close([A]).

udp6(inet) -> udp();
udp6(inet6) ->
    {ok, S} = esock:open(inet6, dgram, udp),
    ok = esock:bind(S, #{family => inet6, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(S),
    {S, Addr}.

recv_now(S) -> recv_now(S, 0).
recv_now(S, Size) ->
    {ok, Data} = esock:recv(S, Size, 0),
    Data.

gso_not_longer(_) ->
    {A, Addr} = udp(),
    [begin
         Data = crypto:strong_rand_bytes(Length),
         ok = esock:sendmsg(A, #{addr => Addr, iov => [Data], gso => Size}),
         ?assertEqual(Data, recv_now(A, 65_535))
     end || {Length, Size} <- [{0, 1200}, {1, 1}, {1199, 1200}, {1200, 1200}, {100, 65_535}, {65_507, 65_535}]],
    ok = esock:sendmsg(A, #{addr => Addr, iov => [], gso => 1}),
    ?assertEqual(<<>>, recv_now(A)),
    ?assertEqual({error, emsgsize}, esock:sendmsg(A, #{addr => Addr, iov => [<<0:(8 * 65_508)>>], gso => 65_508})),
    close([A]).

%% More datagrams and more bytes than one system call, and one attempt, send.
gso_many(_) ->
    [begin
         {A, Addr} = udp(),
         ok = esock:setopt(A, {socket, rcvbufforce}, 64_000_000),
         Data = crypto:strong_rand_bytes(Length),
         ?assertEqual(Count, length(datagrams(Data, Size))),
         ok = esock:sendmsg(A, #{addr => Addr, iov => datagrams(Data, Part), gso => Size}, [], Wait),
         ?assertEqual(erlang:crc32(Data), erlang:crc32([recv_now(A, 65_535) || _ <- lists:seq(1, Count)])),
         ?assertEqual({error, timeout}, esock:recv(A, 0, 0)),
         close([A])
     end || {Length, Size, Count, Part} <- [{20_000, 100, 200, 20_000}, {100_000, 1200, 84, 7}, {3_000_001, 1400, 2143, 3_000_001},
                                            {3_000_001, 30_000, 101, 1000}],
            Wait <- [infinity, 5000, 0, nowait]].

gso_batch(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {socket, rcvbufforce}, 64_000_000),
    Data = crypto:strong_rand_bytes(100_000),
    Msgs = [#{addr => Addr, iov => [Data], gso => 1200}, #{addr => Addr, iov => [<<"plain">>]}, #{addr => Addr, iov => [Data], gso => 9000}],
    Expected = datagrams(Data, 1200) ++ [<<"plain">>] ++ datagrams(Data, 9000),
    [begin
         ok = esock:sendmmsg(A, Msgs, [], Wait),
         ?assertEqual(Expected, [recv_now(A, 65_535) || _ <- Expected])
     end || Wait <- [infinity, 1000, 0, nowait]],
    %% More messages than one attempt sends.
    Many = lists:append(lists:duplicate(10, Msgs)),
    ok = esock:sendmmsg(A, Many, [], infinity),
    ?assertEqual(lists:append(lists:duplicate(10, Expected)), [recv_now(A, 65_535) || _ <- lists:seq(1, 10), _ <- Expected]),
    close([A]).

gso_bad(_) ->
    {A, Addr} = udp(),
    [begin
         Msg = #{addr => Addr, iov => [<<"data">>], gso => Bad},
         ?assertEqual({error, {invalid, {gso, Bad}}}, esock:sendmsg(A, Msg)),
         ?assertEqual({error, {invalid, {gso, Bad}}}, esock:sendmsg(A, Msg, [], nowait)),
         ?assertEqual({error, {invalid, {gso, Bad}}}, esock:sendmmsg(A, [Msg], [], 0))
     end || Bad <- [0, -1, 65_536, 1 bsl 70, foo, 1.0, <<1>>, [1], true]],
    ?assertEqual({error, timeout}, esock:recv(A, 0, 0)),
    close([A]).

%% gso fails on sockets that are not UDP: they would send the data as one message.
gso_not_udp(_) ->
    {C, S} = pair(),
    {D, E} = local_pair(esock, dgram),
    [begin
         ?assertEqual({error, {invalid, {gso, 2}}}, esock:sendmsg(X, #{iov => [<<"data">>], gso => 2})),
         ?assertEqual({error, {invalid, {gso, 2}}}, esock:sendmmsg(X, [#{iov => [<<"data">>], gso => 2}], [], 1000))
     end || X <- [C, D]],
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    close([C, S, D, E]).

%% UDP-Lite has the option UDP_SEGMENT but no segmentation: the kernel answers EIO, as for a device without checksum offload. Then
%% the datagrams are sent without segmentation.
gso_refused(_) ->
    case [esock:open(inet, dgram, 136) || _ <- [1, 2]] of
        [{ok, A}, {ok, B}] ->
            ok = esock:bind(A, #{family => inet, addr => loopback, port => 0}),
            {ok, Addr} = esock:sockname(A),
            ok = esock:setopt(A, {socket, rcvbufforce}, 64_000_000),
            Asked = #{level => udp, type => segment, value => 1200},
            ?assertEqual({error, eio}, esock:sendmsg(B, #{addr => Addr, iov => [<<0:(8 * 2000)>>], ctrl => [Asked]})),
            Data = crypto:strong_rand_bytes(2_000_000),
            [begin
                 ok = esock:sendmsg(B, #{addr => Addr, iov => [Data], gso => 1200}, [], Wait),
                 ?assertEqual(datagrams(Data, 1200), [recv_now(A) || _ <- datagrams(Data, 1200)]),
                 ok = esock:sendmmsg(B, [#{addr => Addr, iov => [Data], gso => 1200}, #{addr => Addr, iov => [<<"end">>]}], [], Wait),
                 ?assertEqual(datagrams(Data, 1200) ++ [<<"end">>], [recv_now(A) || _ <- [1 | datagrams(Data, 1200)]])
             end || Wait <- [infinity, 0, nowait]],
            close([A, B]);
        Opened ->
            close([S || {ok, S} <- Opened]),
            {skip, "no UDP-Lite"}
    end.

%% Datagrams that are longer than the MTU: segmentation refuses them, so they are sent without it, and IP fragments them.
gso_fragments(_) ->
    in_netns(fun(Name) ->
        {ok, S} = esock:open(inet, dgram, udp, #{netns => "/run/netns/" ++ Name}),
        ok = esock:ioctl(S, sifflags, "lo", #{up => true}),
        ok = esock:ioctl(S, sifmtu, "lo", 1400),
        ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
        {ok, Addr} = esock:sockname(S),
        Data = crypto:strong_rand_bytes(7000),
        ok = esock:sendmsg(S, #{addr => Addr, iov => [Data], gso => 3000}),
        ?assertEqual(datagrams(Data, 3000), [recv_now(S) || _ <- [1, 2, 3]]),
        %% With mtu_discover `do' IP must not fragment.
        ok = esock:setopt(S, {ip, mtu_discover}, do),
        ?assertEqual({error, emsgsize}, esock:sendmsg(S, #{addr => Addr, iov => [Data], gso => 3000})),
        ok = esock:close(S)
    end).

%% On an interface with a limited rate a send blocks and waits, and all data arrives once.
gso_waits(_) ->
    in_netns(fun(Name) ->
        Tc = os:cmd("ip -n " ++ Name ++ " link set lo up && tc -n " ++ Name ++
                        " qdisc add dev lo root tbf rate 40mbit burst 70000 limit 10000000 2>&1"),
        case Tc of "" -> gso_waits_in("/run/netns/" ++ Name); _ -> {skip, Tc} end
    end).

gso_waits_in(Netns) ->
    [A, B] = [begin {ok, S} = esock:open(inet, dgram, udp, #{netns => Netns}), S end || _ <- [1, 2]],
    ok = esock:bind(A, #{family => inet, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(A),
    ok = esock:setopt(A, {socket, rcvbufforce}, 64_000_000),
    Data = crypto:strong_rand_bytes(1_000_000),
    Datagrams = datagrams(Data, 1200),
    Self = self(),
    Receive = fun() -> spawn_link(fun() -> Self ! {got, [begin {ok, D} = esock:recv(A, 0, 20_000), D end || _ <- Datagrams]} end) end,
    Msg = #{addr => Addr, iov => [Data], gso => 1200, ctrl => [#{level => ip, type => ttl, value => 9}]},
    Receive(),
    {select, {{select_info, {sendmsg, {#{gso := 1200, ctrl := [_]}, []}}, _}, [_ | _]}} = Sent = esock:sendmsg(B, Msg, nowait),
    send_rest(B, Sent, sendmsg),
    receive {got, Got} -> ?assert(Datagrams =:= Got) end,
    Receive(),
    ok = esock:sendmsg(B, Msg),
    receive {got, Got2} -> ?assert(Datagrams =:= Got2) end,
    Receive(),
    ok = esock:sendmmsg(B, [Msg], [], infinity),
    receive {got, Got3} -> ?assert(Datagrams =:= Got3) end,
    {error, {timeout, Rest}} = esock:sendmsg(B, Msg, [], 0),
    Put = 1_000_000 - iolist_size(Rest),
    ?assert(Put > 0 andalso Put rem 1200 =:= 0),
    ?assertEqual(Data, iolist_to_binary([[begin {ok, D} = esock:recv(A, 0, 20_000), D end || _ <- lists:seq(1, Put div 1200)] | Rest])),
    close([A, B]).

%% With gro a receive answers many datagrams in one message, with their size.
gro(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {udp, gro}, true),
    ?assertEqual({ok, true}, esock:getopt(A, {udp, gro})),
    Data = crypto:strong_rand_bytes(20_000),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [Data], gso => 1200}),
    Msgs = gro_all(A, 20_000),
    ?assert(length(Msgs) < 17),
    ?assertEqual(Data, iolist_to_binary(iov(Msgs))),
    [#{gro := 1200, ctrl := [#{level := udp, type := gro, value := 1200}], flags := []} | _] = Msgs,
    %% A single datagram has no size.
    ok = esock:sendmsg(A, #{addr => Addr, iov => [<<"one">>]}),
    {ok, One} = esock:recvmsg(A),
    ?assertMatch(#{iov := [<<"one">>], ctrl := []}, One),
    ?assertNot(is_map_key(gro, One)),
    ok = esock:setopt(A, {udp, gro}, false),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [Data], gso => 1200}),
    ?assertEqual(datagrams(Data, 1200), [recv_now(A) || _ <- lists:seq(1, 17)]),
    close([A]).

gro_all(_, 0) -> [];
gro_all(S, Left) ->
    {ok, #{iov := [Data]} = Msg} = esock:recvmsg(S, 0),
    [Msg | gro_all(S, Left - byte_size(Data))].

%% With gro, a receive without a size truncates nothing, whatever `{otp, rcvbuf}' is.
gro_room(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {otp, rcvbuf}, 1000),
    ok = esock:setopt(A, {udp, gro}, true),
    Data = crypto:strong_rand_bytes(60_000),
    Send = fun() -> ok = esock:sendmsg(A, #{addr => Addr, iov => [Data], gso => 1400}) end,
    [begin Send(), ?assertEqual(Data, iolist_to_binary(all_of(Receive, 60_000))) end
     || Receive <- [fun() -> recv_now(A) end,
                    fun() -> {ok, {_, D}} = esock:recvfrom(A, 0, 0), D end,
                    fun() -> {ok, #{iov := D, flags := []}} = esock:recvmsg(A, 0), D end,
                    fun() -> {ok, Msgs} = esock:recvmmsg(A, 8, 0, 0, [], 0), iov(Msgs) end]],
    Send(),
    ?assertMatch({ok, #{iov := [<<_:100/binary>>], flags := [trunc]}}, esock:recvmsg(A, 100, 0)),
    ?assertEqual({ok, 1000}, esock:getopt(A, {otp, rcvbuf})),
    close([A]).

all_of(_, 0) -> [];
all_of(Receive, Left) when Left > 0 ->
    Data = Receive(),
    [Data | all_of(Receive, Left - iolist_size(Data))].

gro_batch(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {socket, rcvbufforce}, 64_000_000),
    ok = esock:setopt_native(A, {udp, gro}, true),
    Data = crypto:strong_rand_bytes(1_000_000),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [Data], gso => 1300}),
    Msgs = recvmmsg_all(A, 0),
    ?assert(length(Msgs) < 100),
    ?assertEqual(erlang:crc32(Data), erlang:crc32(iov(Msgs))),
    [?assertMatch(#{gro := 1300, flags := []}, Msg) || #{iov := [D]} = Msg <- Msgs, byte_size(D) > 1300],
    close([A]).

%% A socket opened on a descriptor that has gro turned on already.
gro_given(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {udp, gro}, true),
    {ok, Fd} = esock:getopt(A, {otp, fd}),
    {ok, B} = esock:open(Fd),
    ok = esock:sendmsg(A, #{addr => Addr, iov => [<<0:(8 * 50_000)>>], gso => 1000}),
    ?assertEqual(50_000, iolist_size(iov(gro_all(B, 50_000)))),
    close([A, B]).

%% With select_read a receive that answers data has begun the wait for the next.
select_read(_) ->
    {A, Addr} = udp(),
    ok = esock:setopt(A, {otp, select_read}, true),
    ok = esock:sendto(A, <<"one">>, Addr),
    {select_read, {{select_info, recv, H1}, <<"one">>}} = esock:recv(A, 0, nowait),
    ok = esock:sendto(A, <<"two">>, Addr),
    receive {'$socket', A, select, H1} -> ok end,
    {select_read, {{select_info, recvfrom, H2} = Info, {_, <<"two">>}}} = esock:recvfrom(A, 0, nowait),
    ok = esock:cancel(A, Info),
    receive {'$socket', A, _, H2} -> ct:fail(cancelled) after 0 -> ok end,
    ok = esock:sendto(A, <<"three">>, Addr),
    ?assertMatch({select_read, {_, #{iov := [<<"three">>]}}}, esock:recvmsg(A, nowait)),
    ok = esock:sendto(A, <<"four">>, Addr),
    ?assertEqual({ok, <<"four">>}, esock:recv(A)),
    close([A]).

file(Config, Size) ->
    Path = filename:join(proplists:get_value(priv_dir, Config), "file"),
    Data = crypto:strong_rand_bytes(Size),
    ok = file:write_file(Path, Data),
    {Path, Data}.

sendfile_raw(Config) ->
    {Path, Data} = file(Config, 5_000_000),
    {C, S} = pair(),
    {ok, F} = file:open(Path, [read, raw, binary]),
    Self = self(),
    spawn_link(fun() -> Self ! {sum, receive_sum(S, 5_000_000, crypto:hash_init(sha256))} end),
    ?assertEqual({ok, 5_000_000}, esock:sendfile(C, F)),
    receive {sum, Sum} -> ?assertEqual(crypto:hash(sha256, Data), Sum) end,
    ?assertEqual({ok, 100}, esock:sendfile(C, F, 1000, 100)),
    ?assertEqual({ok, binary:part(Data, 1000, 100)}, esock:recv(S, 100)),
    ?assertEqual({ok, 10}, esock:sendfile(C, F, 4_999_990, 100)),
    ?assertEqual({ok, binary:part(Data, 4_999_990, 10)}, esock:recv(S, 10)),
    ?assertEqual({ok, 0}, esock:sendfile(C, F, 5_000_000, 100)),
    ok = file:close(F),
    close([C, S]).

%% A file that is served by a process, or read through a buffer, is sent by copying its bytes.
sendfile_served(Config) ->
    {Path, Data} = file(Config, 3_000_000),
    {C, S} = pair(),
    Self = self(),
    [begin
         {ok, F} = file:open(Path, Modes),
         spawn_link(fun() -> Self ! {sum, receive_sum(S, 2_999_000, crypto:hash_init(sha256))} end),
         ?assertEqual({ok, 2_999_000}, esock:sendfile(C, F, 1000, 0)),
         receive {sum, Sum} -> ?assertEqual(crypto:hash(sha256, binary:part(Data, 1000, 2_999_000)), Sum) end,
         ok = file:close(F)
     end || Modes <- [[read, binary], [read, raw, binary, {read_ahead, 4096}]]],
    close([C, S]).

sendfile_partial(Config) ->
    {Path, Data} = file(Config, 20_000_000),
    {C, S} = pair(),
    {ok, F} = file:open(Path, [read, raw, binary]),
    Self = self(),
    {select, {{select_info, {sendfile, _}, Handle} = Info, Sent}} = esock:sendfile(C, F, 0, 0, nowait),
    ?assert(Sent > 0 andalso Sent < 20_000_000),
    spawn_link(fun() -> Self ! {sum, receive_sum(S, 20_000_000, crypto:hash_init(sha256))} end),
    receive {'$socket', C, select, Handle} -> ok end,
    ?assertEqual({ok, 20_000_000 - Sent}, esock:sendfile(C, Info, Sent, 20_000_000 - Sent)),
    receive {sum, Sum} -> ?assertEqual(crypto:hash(sha256, Data), Sum) end,
    ?assertMatch({error, {timeout, N}} when N > 0, esock:sendfile(C, F, 0, 0, 20)),
    ok = file:close(F),
    close([C, S]).

sendfile_closed(Config) ->
    {Path, _} = file(Config, 20_000_000),
    {C, S} = pair(),
    {ok, F} = file:open(Path, [read, raw, binary]),
    ok = esock:setopt(S, {socket, linger}, abort),
    ok = esock:close(S),
    Result = esock:sendfile(C, F),
    ?assertMatch({error, _}, Result),
    {error, Why} = Result,
    ?assert(lists:member(case Why of {R, _} -> R; R -> R end, [econnreset, epipe])),
    ok = esock:close(C),
    ?assertEqual({error, closed}, esock:sendfile(C, F)),
    ok = file:close(F).

sendfile_counters(Config) ->
    {Path, _} = file(Config, 1000),
    {C, S} = pair(),
    {ok, F} = file:open(Path, [read, raw, binary]),
    #{counters := Before} = esock:info(C),
    ?assertNot(is_map_key(sendfile_byte, Before)),
    {ok, 1000} = esock:sendfile(C, F, 0, 1000),
    #{counters := After} = esock:info(C),
    ?assertMatch(#{sendfile := 1, sendfile_byte := 1000, sendfile_pkg := 1, sendfile_pkg_max := 1000, sendfile_max := 1000,
                   sendfile_tries := 1, sendfile_fails := 0, sendfile_waits := 0, write_byte := 0}, After),
    ok = file:close(F),
    close([C, S]).

sendfile_bad(Config) ->
    {Path, _} = file(Config, 10),
    {C, S} = pair(),
    {ok, F} = file:open(Path, [read, raw, binary]),
    ok = file:close(F),
    ?assertMatch({error, _}, esock:sendfile(C, F)),
    [?assertError(badarg, esock:sendfile(C, X)) || X <- [foo, 7, {foo, bar}]],
    ?assertMatch({error, {invalid, _}}, esock:sendfile(C, {select_info, send, make_ref()})),
    close([C, S]).

ioctls(_) ->
    {C, S} = pair(),
    ?assertEqual({ok, 0}, esock:ioctl(C, nwrite)),
    {ok, Space} = esock:ioctl(C, nspace),
    ?assert(Space > 0),
    ok = esock:send(C, <<"12345">>),
    {ok, _} = esock:recv(S, 1, 5000),
    ?assertEqual({ok, 4}, esock:ioctl(S, nread)),
    ?assertMatch({error, {invalid, {ioctl_request, tcp_info}}}, esock:ioctl(C, tcp_info)),
    ?assert(lists:member({gifconf, true}, esock:supports(ioctl_requests))),
    ?assert(lists:member({up, true}, esock:supports(ioctl_flags))),
    ?assert(lists:member({dying, false}, esock:supports(ioctl_flags))),
    close([C, S]).

%% Runs `Fun' with the name of a new network namespace, so that nothing of the host is changed.
in_netns(Fun) ->
    Name = "esock" ++ os:getpid(),
    case os:cmd("ip netns add " ++ Name ++ " 2>&1") of
        "" -> try Fun(Name) after os:cmd("ip netns del " ++ Name) end;
        Why -> {skip, Why}
    end.

interfaces(_) ->
    in_netns(fun(Name) ->
        {ok, S} = esock:open(inet, dgram, udp, #{netns => "/run/netns/" ++ Name}),
        {ok, Down} = esock:ioctl(S, gifflags, "lo"),
        ?assertNot(lists:member(up, Down)),
        ok = esock:ioctl(S, sifflags, "lo", #{up => true}),
        {ok, Up} = esock:ioctl(S, gifflags, "lo"),
        ?assert(lists:member(up, Up) andalso lists:member(loopback, Up)),
        ok = esock:ioctl(S, sifmtu, "lo", 1400),
        ?assertEqual({ok, 1400}, esock:ioctl(S, gifmtu, "lo")),
        ok = esock:ioctl(S, siftxqlen, "lo", 77),
        ?assertEqual({ok, 77}, esock:ioctl(S, giftxqlen, "lo")),
        ok = esock:ioctl(S, sifaddr, "lo", #{family => inet, addr => {127, 0, 0, 9}}),
        ?assertMatch({ok, #{addr := {127, 0, 0, 9}}}, esock:ioctl(S, gifaddr, "lo")),
        ok = esock:ioctl(S, sifnetmask, "lo", #{family => inet, addr => {255, 255, 0, 0}}),
        ?assertMatch({ok, #{addr := {255, 255, 0, 0}}}, esock:ioctl(S, gifnetmask, "lo")),
        ?assertMatch({error, {invalid, _}}, esock:ioctl(S, sifflags, "lo", #{nosuch => true})),
        ok = esock:close(S)
    end).

%% In a network namespace without a route, connect fails as with `socket'.
connect_unreachable(_) ->
    in_netns(fun(Name) ->
        Ends = [begin
                    {ok, S} = M:open(inet, Type, default, #{netns => "/run/netns/" ++ Name}),
                    End = [M:connect(S, #{family => inet, addr => {192, 0, 2, 1}, port => 9}, When) || When <- [infinity, 1000, nowait]],
                    ok = M:close(S),
                    End
                end || M <- [socket, esock], Type <- [stream, dgram]],
        ?assertEqual(lists:duplicate(4, lists:duplicate(3, {error, enetunreach})), Ends)
    end).

netns(_) ->
    in_netns(fun(Name) ->
        {ok, S} = esock:open(inet, dgram, udp, #{netns => "/run/netns/" ++ Name}),
        %% The loopback interface of the namespace is down: no address can be reached.
        ?assertEqual({error, enetunreach}, esock:sendto(S, <<"x">>, #{family => inet, addr => loopback, port => 9})),
        {T, Addr} = udp(),
        ok = esock:sendto(T, <<"in this namespace">>, Addr),
        {ok, <<"in this namespace">>} = esock:recv(T),
        {ok, B} = esock:open(inet, dgram, udp, #{netns => list_to_binary("/run/netns/" ++ Name)}),
        ?assertEqual({error, enetunreach}, esock:sendto(B, <<"x">>, #{family => inet, addr => loopback, port => 9})),
        close([B]),
        ?assertEqual({error, enoent}, esock:open(inet, dgram, udp, #{netns => "/nosuch"})),
        ?assertError(badarg, esock:open(inet, dgram, udp, #{netns => foo})),
        close([S, T])
    end).

monitors(_) ->
    {A, _} = udp(),
    Before = esock:number_of_monitors(),
    M = esock:monitor(A),
    ?assertEqual(Before + 1, esock:number_of_monitors()),
    ?assertEqual({1, [M], [M], [self()]}, {esock:number_of_monitors(A), esock:which_monitors(A),
                                           [R || R <- esock:which_monitors(self()), R =:= M], esock:monitored_by(A)}),
    true = esock:cancel_monitor(M),
    ?assertEqual([], esock:monitored_by(A)),
    close([A]).

tables(_) ->
    #{protocols := #{tcp := 6, 6 := [tcp]}, msg_flags := #{peek := 2}, options := #{{tcp, nodelay} := true}} = esock:tables(),
    ?assertError(badarg, esock:table(nosuch)),
    ?assert(esock:protocol(tcp) andalso lists:member({udp, true}, esock:protocols())),
    ?assertEqual(#{family => inet, addr => any, port => 0}, esock:mk_sockaddr(inet, any)),
    ?assertEqual(#{family => local, path => "/x"}, esock:mk_sockaddr(local, "/x")).

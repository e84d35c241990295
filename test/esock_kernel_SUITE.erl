%% Families that few kernels have: SCTP, TIPC, vsock on loopback, and the protocols of CAN. `make test-kernel` runs this suite in a
%% kernel that has them all. The oracles are OTP's gen_sctp, Python's socket, and /proc.
-module(esock_kernel_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [sctp_stream, sctp_events, sctp_bindx, sctp_connectx, sctp_refused, sctp_peeloff, sctp_options, sctp_association, sctp_sndrcv, sctp_abort,
     sctp_send_failed, sctp_stream_reset, sctp_adaptation, sctp_nowait, sctp_gen_sctp, sctp_python,
     tipc_service, tipc_stream, tipc_python, vsock_stream, vsock_seqpacket, vsock_python, isotp, isotp_python, j1939, j1939_python, bcm].

%% A skip where the kernel lacks the family.
needs({Domain, Type, Protocol}, Fun) ->
    case esock:open(Domain, Type, Protocol) of
        {ok, S} -> ok = esock:close(S), Fun();
        {error, Reason} -> {skip, {Domain, Protocol, Reason}}
    end.

%%% ---- SCTP

sctp(Fun) -> needs({inet, seqpacket, sctp}, Fun).

-define(WAIT, 10000).

host(N) -> #{family => inet, addr => {127, 0, 0, N}, port => 0}.

%% The events of an association, and the sndrcv of each message.
events() -> #{data_io => true, association => true, address => true, send_failure => true, peer_error => true, shutdown => true,
              partial_delivery => true, adaptation_layer => true}.

%% A socket of type `seqpacket' on 127.0.0.N with events, and its address.
many(N) ->
    {ok, S} = esock:open(inet, seqpacket, sctp),
    ok = esock:bind(S, host(N)),
    ok = esock:listen(S, true),
    ok = esock:setopt(S, {sctp, events}, events()),
    {ok, Addr} = esock:sockname(S),
    {S, Addr}.

%% Two such sockets with an association between them, and its number at each of them.
associated() ->
    {A, AddrA} = many(1),
    {B, AddrB} = many(1),
    {ok, IdA} = esock:connect(A, [AddrB]),
    ?assertEqual(IdA, up(A)),
    IdB = up(B),
    {{A, AddrA, IdA}, {B, AddrB, IdB}}.

up(S) ->
    #{state := comm_up, error := 0, assoc_id := Id} = event(S, assoc_change),
    Id.

%% The next notification of that type. Others, and messages, are dropped.
event(S, Type) ->
    case esock:recvmsg(S, 0, 0, [], ?WAIT) of
        {ok, #{notification := #{type := Type} = Event, flags := Flags}} ->
            ?assert(lists:member(notification, Flags)),
            Event;
        {ok, _} -> event(S, Type)
    end.

%% The next message, with its sndrcv. Notifications are dropped.
data(S) ->
    case esock:recvmsg(S, 0, 0, [], ?WAIT) of
        {ok, #{notification := _}} -> data(S);
        {ok, #{iov := [Data], ctrl := Ctrl, flags := Flags} = Message} ->
            {Data, [Value || #{level := sctp, type := sndrcv, value := Value} <- Ctrl], Flags, maps:get(addr, Message, none)}
    end.

sndrcv(Id, Value) -> #{level => sctp, type => sndrcv, value => maps:merge(#{stream => 0, assoc_id => Id}, Value)}.

sctp_stream(_) ->
    sctp(fun() ->
        {ok, L} = esock:open(inet, stream, sctp),
        ok = esock:setopt(L, {sctp, initmsg}, #{num_ostreams => 5, max_instreams => 6, max_attempts => 3, max_init_timeo => 2000}),
        ok = esock:bind(L, host(1)),
        ok = esock:listen(L),
        {ok, Addr} = esock:sockname(L),
        {ok, C} = esock:open(inet, stream, sctp),
        ok = esock:connect(C, Addr, ?WAIT),
        {ok, S} = esock:accept(L, ?WAIT),
        ?assertMatch(#{domain := inet, type := stream, protocol := sctp}, esock:info(S)),
        ?assertEqual(esock:sockname(C), esock:peername(S)),
        ?assertEqual({ok, Addr}, esock:peername(C)),
        %% Messages stay whole, whatever their type.
        [ok = esock:send(C, M) || M <- [<<"one">>, <<"two">>, binary:copy(<<"x">>, 30000)]],
        ?assertEqual([{ok, <<"one">>}, {ok, <<"two">>}, {ok, binary:copy(<<"x">>, 30000)}], [esock:recv(S, Size, [], ?WAIT) || Size <- [0, 0, 30000]]),
        ?assertMatch({ok, Id} when is_integer(Id), esock:getopt(S, {otp, assoc_id})),
        ok = esock:close(C),
        ?assertMatch({error, closed}, esock:recv(S, 0, [], ?WAIT)),
        esock_pairs:close([S, L])
    end).

sctp_events(_) ->
    sctp(fun() ->
        {A, AddrA} = many(1),
        {B, AddrB} = many(1),
        %% The first message begins the association.
        ok = esock:sendto(A, <<"hello">>, AddrB),
        ?assertMatch(#{state := comm_up, error := 0, inbound_streams := In, outbound_streams := Out} when In > 0 andalso Out > 0, event(A, assoc_change)),
        {ok, #{notification := #{type := assoc_change, state := comm_up, assoc_id := Id} = Event, flags := Flags, addr := From}} = esock:recvmsg(B, 0, 0, [], ?WAIT),
        ?assertEqual(AddrA, From),
        ?assertEqual([assoc_id, error, flags, inbound_streams, outbound_streams, state, type], lists:sort(maps:keys(Event))),
        ?assert(lists:member(eor, Flags) andalso lists:member(notification, Flags)),
        ?assertMatch({<<"hello">>, [#{stream := 0, ssn := 0, assoc_id := Id}], [eor], AddrA}, data(B)),
        ok = esock:close(A),
        ?assertMatch(#{assoc_id := Id, flags := 0}, event(B, shutdown_event)),
        ?assertMatch(#{state := shutdown_comp, assoc_id := Id}, event(B, assoc_change)),
        ok = esock:close(B)
    end).

%% The addresses of each endpoint, as the kernel lists them.
listed(Port) ->
    {ok, Eps} = file:read_file("/proc/net/sctp/eps"),
    [lists:sort([list_to_binary(inet:ntoa(A)) || Text <- Addrs, {ok, A} <- [inet:parse_address(binary_to_list(Text))]])
     || Line <- binary:split(Eps, <<"\n">>, [global]), [_, _, _, _, _, P, _, _ | Addrs] <- [words(Line)], P =:= integer_to_binary(Port)].

words(Line) -> [W || W <- re:split(Line, "\\s+"), W =/= <<>>].

sctp_bindx(_) ->
    sctp(fun() ->
        {ok, S} = esock:open(inet, seqpacket, sctp),
        ok = esock:bind(S, host(1)),
        ok = esock:listen(S, true),
        {ok, #{port := Port}} = esock:sockname(S),
        At = fun(N) -> (host(N))#{port => Port} end,
        ok = esock:bind(S, [At(2), At(3)], add),
        {ok, Three} = esock:socknames(S, 0),
        ?assertEqual([At(1), At(2), At(3)], lists:sort(Three)),
        ?assertEqual([[<<"127.0.0.1">>, <<"127.0.0.2">>, <<"127.0.0.3">>]], listed(Port)),
        ok = esock:bind(S, [At(1)], remove),
        {ok, Two} = esock:socknames(S, 0),
        ?assertEqual([At(2), At(3)], lists:sort(Two)),
        ?assertEqual([[<<"127.0.0.2">>, <<"127.0.0.3">>]], listed(Port)),
        ?assertEqual({error, einval}, esock:bind(S, [At(9)], remove)),
        ?assertEqual({error, einval}, esock:bind(S, [(host(4))#{port => Port bxor 1}], add)),
        %% The last address remains.
        ok = esock:bind(S, [At(2)], remove),
        ?assertEqual({error, ebusy}, esock:bind(S, [At(3)], remove)),
        ?assertEqual({error, einval}, esock:bind(S, [], add)),
        ok = esock:close(S),
        {ok, Six} = esock:open(inet6, seqpacket, sctp),
        ok = esock:bind(Six, [#{family => inet6, addr => loopback, port => 0}], add),
        ?assertMatch({ok, [#{family := inet6, addr := {0, 0, 0, 0, 0, 0, 0, 1}}]}, esock:socknames(Six, 0)),
        ok = esock:close(Six)
    end).

sctp_connectx(_) ->
    sctp(fun() ->
        {B, #{port := Port} = One} = many(1),
        Two = One#{addr := {127, 0, 0, 2}},
        ok = esock:bind(B, [Two], add),
        {A, #{port := PortA} = AddrA} = many(1),
        ok = esock:bind(A, [AddrA#{addr := {127, 0, 0, 3}}], add),
        {ok, Id} = esock:connect(A, [One, Two]),
        ?assertEqual(Id, up(A)),
        IdB = up(B),
        Sorted = fun({ok, Addrs}) -> lists:sort(Addrs) end,
        ?assertEqual([One, Two], Sorted(esock:peernames(A, Id))),
        ?assertEqual([AddrA, AddrA#{addr := {127, 0, 0, 3}}], Sorted(esock:socknames(A, Id))),
        ?assertEqual(Sorted(esock:socknames(A, Id)), Sorted(esock:peernames(B, IdB))),
        {ok, Assocs} = file:read_file("/proc/net/sctp/assocs"),
        ?assertMatch([_, _], [L || L <- binary:split(Assocs, <<"\n">>, [global]), binary:match(L, [integer_to_binary(P) || P <- [Port, PortA]]) =/= nomatch,
                                   length(words(L)) > 12]),
        ?assertEqual({error, eisconn}, esock:connect(A, [One])),
        ?assertEqual([{error, einval}, {error, einval}], [esock:peernames(A, Id + 1000), esock:socknames(A, Id + 1000)]),
        ok = esock:sendmsg(A, #{iov => [<<"by id">>], ctrl => [sndrcv(Id, #{})]}, [], ?WAIT),
        ?assertMatch({<<"by id">>, [#{assoc_id := IdB}], _, _}, data(B)),
        esock_pairs:close([A, B])
    end).

%% Nobody listens there.
sctp_refused(_) ->
    sctp(fun() ->
        {ok, S} = esock:open(inet, stream, sctp),
        ?assertEqual({error, econnrefused}, esock:connect(S, (host(1))#{port => 9}, ?WAIT)),
        ok = esock:close(S),
        {A, _} = many(1),
        {ok, Id} = esock:connect(A, [(host(1))#{port => 9}]),
        ?assertMatch(#{state := cant_str_assoc, assoc_id := Id}, event(A, assoc_change)),
        ok = esock:close(A)
    end).

sctp_peeloff(_) ->
    sctp(fun() ->
        {{A, AddrA, Id}, {B, _, IdB}} = associated(),
        ok = esock:setopt(A, {sctp, nodelay}, true),
        ok = esock:setopt(A, {otp, rcvbuf}, 4321),
        {ok, P, Errors} = esock:peeloff(A, Id, [{sctp, nodelay}, {sctp, no_such}]),
        ?assertMatch([{{sctp, no_such}, get, _}], Errors),
        ?assertEqual([{ok, true}, {ok, 4321}, {ok, self()}], [esock:getopt(P, O) || O <- [{sctp, nodelay}, {otp, rcvbuf}, {otp, controlling_process}]]),
        %% The kernel keeps the type.
        ?assertEqual({ok, seqpacket}, esock:getopt(P, {socket, type})),
        ?assertMatch(#{type := stream, protocol := sctp, domain := inet}, esock:info(P)),
        {ok, Fd} = esock:getopt(P, {otp, fd}),
        {ok, Info} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
        {match, [Flags]} = re:run(Info, "flags:\\s+([0-7]+)", [{capture, all_but_first, list}]),
        ?assertEqual(8#2004000, list_to_integer(Flags, 8) band 8#2004000),
        ?assertMatch({ok, [_]}, esock:peernames(P, Id)),
        ok = esock:setopt(P, {sctp, events}, events()),
        ok = esock:send(P, <<"alone">>),
        ?assertMatch({<<"alone">>, [#{assoc_id := IdB}], _, _}, data(B)),
        ok = esock:sendmsg(B, #{iov => [<<"back">>], addr => AddrA, ctrl => [sndrcv(IdB, #{})]}, [], ?WAIT),
        ?assertMatch({<<"back">>, _, _, _}, data(P)),
        ?assertEqual({error, einval}, esock:peeloff(A, Id)),
        esock_pairs:close([P]),
        ?assertMatch(#{assoc_id := IdB}, event(B, shutdown_event)),
        esock_pairs:close([A, B])
    end).

%% What is set is read again.
sctp_options(_) ->
    sctp(fun() ->
        {ok, S} = esock:open(inet, seqpacket, sctp),
        Rows = [{adaptation_layer, #{ind => 7}}, {adaption_layer, #{ind => 8}}, {autoclose, 9}, {disable_fragments, true}, {nodelay, true},
                {i_want_mapped_v4_addr, false}, {maxseg, 1000}, {fragment_interleave, 1}, {partial_delivery_point, 5000},
                {events, maps:merge(events(), maps:from_list([{K, false} || K <- [authentication, sender_dry, stream_reset, assoc_reset, stream_change, send_failure_event]]))},
                {initmsg, #{num_ostreams => 3, max_instreams => 4, max_attempts => 5, max_init_timeo => 6000}},
                {rtoinfo, #{assoc_id => 0, initial => 2000, max => 9000, min => 500}},
                {associnfo, #{assoc_id => 0, asocmaxrxt => 4, number_peer_destinations => 0, peer_rwnd => 0, local_rwnd => 0, cookie_life => 5000}},
                {context, #{assoc_id => 0, value => 77}}, {maxburst, #{assoc_id => 0, value => 6}},
                {default_send_param, #{stream => 2, ssn => 0, flags => [unordered], ppid => 9, context => 8, time_to_live => 7, tsn => 0, cum_tsn => 0, assoc_id => 0}}],
        [?assertEqual({O, ok}, {O, esock:setopt(S, {sctp, O}, V)}) || {O, V} <- Rows, O =/= associnfo],
        Read = [{O, V, esock:getopt(S, {sctp, O})} || {O, V} <- Rows, O =/= associnfo, O =/= adaptation_layer],
        ?assertEqual([], [Row || {_, V, Got} = Row <- Read, Got =/= {ok, V}]),
        ok = esock:setopt(S, {sctp, associnfo}, proplists:get_value(associnfo, Rows)),
        ?assertMatch({ok, #{asocmaxrxt := 4, cookie_life := 5000, number_peer_destinations := 0}}, esock:getopt(S, {sctp, associnfo})),
        %% What the kernel refuses.
        ?assertEqual({error, einval}, esock:setopt(S, {sctp, rtoinfo}, #{assoc_id => 0, initial => 1, max => 2, min => 3})),
        ?assertEqual({error, einval}, esock:setopt(S, {sctp, maxseg}, 1)),
        ok = esock:close(S)
    end).

%% The options of an association, and getopt/3 for one of several.
sctp_association(_) ->
    sctp(fun() ->
        {{A, _, Id}, {B, AddrB, IdB}} = associated(),
        ok = esock:sendmsg(A, #{iov => [<<"x">>], ctrl => [sndrcv(Id, #{})]}, [], ?WAIT),
        {<<"x">>, _, _, _} = data(B),
        {ok, Status} = esock:getopt(A, {sctp, status}, #{assoc_id => Id}),
        ?assertMatch(#{assoc_id := Id, state := established, primary := #{address := AddrB, state := active, assoc_id := Id}, in_streams := In} when In > 0, Status),
        ?assertMatch({ok, #{assoc_id := Id, address := AddrB, state := active, mtu := Mtu, cwnd := Cwnd}} when Mtu > 1000 andalso Cwnd > 0,
                     esock:getopt(A, {sctp, get_peer_addr_info}, #{assoc_id => Id, address => AddrB})),
        ?assertEqual({error, einval}, esock:getopt(A, {sctp, status}, #{assoc_id => Id + 1000})),
        ?assertEqual({error, einval}, esock:getopt(A, {sctp, get_peer_addr_info}, #{assoc_id => Id, address => AddrB#{port := 1}})),
        ?assertMatch({error, {invalid, {socket_option, {sctp, status}, #{foo := 1}}}}, esock:getopt(A, {sctp, status}, #{foo => 1})),
        ok = esock:setopt(A, {sctp, rtoinfo}, #{assoc_id => Id, initial => 0, max => 0, min => 250}),
        ok = esock:setopt(A, {sctp, primary_addr}, #{assoc_id => Id, addr => AddrB}),
        ?assertEqual({error, einval}, esock:setopt(A, {sctp, primary_addr}, #{assoc_id => Id, addr => host(7)})),
        ok = esock:setopt(A, {sctp, peer_addr_params}, #{assoc_id => Id, addr => AddrB, heatbeat_interval => 1234, path_max_rxt => 3,
                                                         flags => [enable_heartbeats]}),
        ?assertEqual({error, eperm}, esock:setopt(B, {sctp, set_peer_primary_addr}, #{assoc_id => IdB, addr => AddrB})),
        %% Of one association the number is in the value: {otp, assoc_id} and these are for sockets with one.
        {ok, L} = esock:open(inet, stream, sctp),
        ok = esock:bind(L, host(1)),
        ok = esock:listen(L),
        {ok, Addr} = esock:sockname(L),
        {ok, C} = esock:open(inet, stream, sctp),
        ok = esock:connect(C, Addr, ?WAIT),
        {ok, One} = esock:accept(L, ?WAIT),
        {ok, OneId} = esock:getopt(One, {otp, assoc_id}),
        ?assertMatch({ok, #{assoc_id := OneId, state := established}}, esock:getopt(One, {sctp, status})),
        ok = esock:send(C, <<"y">>),
        {ok, <<"y">>} = esock:recv(One, 0, [], ?WAIT),
        ?assertMatch({ok, #{in_packets := N, in_ordered_chunks := 1}} when N > 0, esock:getopt(One, {sctp, get_assoc_stats})),
        ?assertMatch({ok, #{addr := #{family := inet}}}, esock:getopt(One, {sctp, primary_addr})),
        ok = esock:setopt(One, {sctp, peer_addr_params}, #{assoc_id => OneId, addr => element(2, esock:peername(One)), heatbeat_interval => 4321,
                                                           path_max_rxt => 3, flags => [enable_heartbeats]}),
        ?assertMatch({ok, #{flags := [_ | _]}}, esock:getopt(One, {sctp, peer_addr_params})),
        esock_pairs:close([A, B, L, C, One])
    end).

%% Streams, unordered messages, and the protocol's identifier.
sctp_sndrcv(_) ->
    sctp(fun() ->
        {{A, _, Id}, {B, AddrB, _}} = associated(),
        Sent = [{3, #{ppid => 16#01020304, context => 5}}, {3, #{}}, {4, #{flags => [unordered]}}, {9, #{ppid => 1, flags => [sack_immediately]}}],
        [ok = esock:sendmsg(A, #{addr => AddrB, iov => [<<"on ">>, integer_to_binary(Stream)], ctrl => [sndrcv(Id, Info#{stream => Stream})]}, [], ?WAIT)
         || {Stream, Info} <- Sent],
        Got = [data(B) || _ <- Sent],
        ?assertEqual([<<"on 3">>, <<"on 3">>, <<"on 4">>, <<"on 9">>], [Data || {Data, _, _, _} <- Got]),
        ?assertMatch([#{stream := 3, ssn := 0, ppid := 16#01020304, flags := []}, #{stream := 3, ssn := 1, ppid := 0}, #{stream := 4, flags := [unordered]},
                      #{stream := 9, ssn := 0, ppid := 1}], [Info || {_, [Info], _, _} <- Got]),
        [One, Two | _] = [Tsn || {_, [#{tsn := Tsn}], _, _} <- Got],
        ?assertEqual(1, (Two - One) band 16#FFFFFFFF),
        ?assertEqual({error, einval}, esock:sendmsg(A, #{addr => AddrB, iov => [<<"x">>], ctrl => [sndrcv(Id, #{stream => 60000})]}, [], ?WAIT)),
        %% The settings of an association's first packet.
        {C, _} = many(1),
        ok = esock:sendmsg(C, #{addr => AddrB, iov => [<<"few">>],
                                ctrl => [#{level => sctp, type => init, value => #{num_ostreams => 2, max_instreams => 1, max_attempts => 0, max_init_timeo => 0}}]}, [], ?WAIT),
        ?assertMatch(#{outbound_streams := 2, inbound_streams := 1}, event(C, assoc_change)),
        esock_pairs:close([A, B, C])
    end).

%% The end by flags of a message.
sctp_abort(_) ->
    sctp(fun() ->
        {{A, _, Id}, {B, AddrB, IdB}} = associated(),
        ok = esock:sendmsg(A, #{addr => AddrB, iov => [<<"why">>], ctrl => [sndrcv(Id, #{flags => [abort]})]}, [], ?WAIT),
        ?assertMatch(#{state := comm_lost, assoc_id := IdB}, event(B, assoc_change)),
        ?assertMatch(#{state := comm_lost, assoc_id := Id}, event(A, assoc_change)),
        {ok, Again} = esock:connect(A, [AddrB]),
        ?assertEqual(Again, up(A)),
        IdB2 = up(B),
        ok = esock:sendmsg(A, #{addr => AddrB, iov => [], ctrl => [sndrcv(Again, #{flags => [eof]})]}, [], ?WAIT),
        ?assertMatch(#{assoc_id := IdB2}, event(B, shutdown_event)),
        esock_pairs:close([A, B])
    end).

%% The peer does not receive, and aborts: the messages that it has not taken come back.
sctp_send_failed(_) ->
    sctp(fun() ->
        {ok, L} = esock:open(inet, stream, sctp),
        ok = esock:setopt(L, {socket, rcvbuf}, 4096),
        ok = esock:bind(L, host(1)),
        ok = esock:listen(L),
        {ok, Addr} = esock:sockname(L),
        {ok, C} = esock:open(inet, stream, sctp),
        ok = esock:connect(C, Addr, ?WAIT),
        {ok, S} = esock:accept(L, ?WAIT),
        ok = esock:setopt(C, {sctp, events}, events()),
        ok = esock:setopt(S, {socket, linger}, #{onoff => true, linger => 0}),
        Message = binary:copy(<<"m">>, 1000),
        full = fill(C, Message),
        ok = esock:close(S),
        #{info := Info, data := Data, error := _} = event(C, send_failed),
        ?assertMatch(#{stream := 1, ppid := 42}, Info),
        ?assertEqual(Message, Data),
        esock_pairs:close([C, L])
    end).

fill(S, Message) ->
    case esock:sendmsg(S, #{iov => [Message], ctrl => [sndrcv(0, #{stream => 1, ppid => 42})]}, [], 0) of
        ok -> fill(S, Message);
        {error, timeout} -> full
    end.

%% Options without a name, by numbers: reconfig_supported (117), enable_stream_reset (118) and reset_streams (119).
sctp_stream_reset(_) ->
    sctp(fun() ->
        [{A, _}, {B, AddrB}] = [many(1), many(1)],
        [begin
             ok = esock:setopt_native(S, {sctp, 117}, <<0:32, 1:32/native>>),
             ok = esock:setopt_native(S, {sctp, 118}, <<0:32, 7:32/native>>),
             ok = esock:setopt(S, {sctp, events}, (events())#{stream_reset => true, stream_change => true, assoc_reset => true, sender_dry => true})
         end || S <- [A, B]],
        {ok, Id} = esock:connect(A, [AddrB]),
        Id = up(A),
        IdB = up(B),
        ok = esock:sendmsg(A, #{iov => [<<"x">>], ctrl => [sndrcv(Id, #{stream => 1})]}, [], ?WAIT),
        ?assertMatch(#{assoc_id := Id}, event(A, sender_dry)),
        ok = esock:setopt_native(A, {sctp, 119}, <<Id:32/native, 2:16/native, 2:16/native, 1:16/native, 3:16/native>>),
        ?assertMatch(#{assoc_id := Id, flags := [outgoing_ssn], stream_list := [1, 3]}, event(A, stream_reset)),
        ?assertMatch(#{assoc_id := IdB, flags := [incoming_ssn], stream_list := [1, 3]}, event(B, stream_reset)),
        %% add_streams (121)
        {ok, #{out_streams := Out}} = esock:getopt(A, {sctp, status}, #{assoc_id => Id}),
        ok = esock:setopt_native(A, {sctp, 121}, <<Id:32/native, 0:16, 2:16/native>>),
        ?assertMatch(#{assoc_id := Id, flags := []}, event(A, stream_change)),
        {ok, #{out_streams := More}} = esock:getopt(A, {sctp, status}, #{assoc_id => Id}),
        ?assertEqual(Out + 2, More),
        %% reset_assoc (120)
        ok = esock:setopt_native(A, {sctp, 120}, <<Id:32/native>>),
        ?assertMatch(#{assoc_id := Id, flags := [], local_tsn := _, remote_tsn := _}, event(A, assoc_reset)),
        esock_pairs:close([A, B])
    end).

sctp_adaptation(_) ->
    sctp(fun() ->
        [{A, _}, {B, AddrB}] = [many(1), many(1)],
        ok = esock:setopt(A, {sctp, adaptation_layer}, #{ind => 16#12345678}),
        {ok, Id} = esock:connect(A, [AddrB]),
        Id = up(A),
        ?assertMatch(#{adaption_ind := 16#12345678}, event(B, adaptation_event)),
        esock_pairs:close([A, B])
    end).

%% Without waiting, and with a process that dies.
sctp_nowait(_) ->
    sctp(fun() ->
        {{A, _, Id}, {B, AddrB, _}} = associated(),
        Call = fun(How) -> esock:recvmsg(B, 0, 0, [], How) end,
        ?assertEqual(nothing, drained(B, Call)),
        {Pid, Ref} = spawn_monitor(fun() -> {ok, _} = esock:recvmsg(B, 0, 0, [], infinity) end),
        exit(Pid, kill),
        receive {'DOWN', Ref, process, Pid, killed} -> ok end,
        Later = Call(nowait),
        ok = esock:sendmsg(A, #{addr => AddrB, iov => [<<"later">>], ctrl => [sndrcv(Id, #{})]}, [], ?WAIT),
        case Later of
            {select, {select_info, _, Handle}} ->
                receive {'$socket', B, select, Handle} -> ok after ?WAIT -> ct:fail(no_message) end,
                ?assertMatch({<<"later">>, [_], _, _}, data(B));
            {completion, {completion_info, _, Handle}} ->
                receive
                    {'$socket', B, completion, {Handle, Result}} -> ?assertMatch({ok, #{iov := [<<"later">>], ctrl := [#{type := sndrcv}]}}, Result)
                after ?WAIT -> ct:fail(no_message)
                end
        end,
        esock_pairs:close([A, B])
    end).

drained(S, Call) ->
    case esock_pairs:eventually({esock, S}, {Call, 100}) of
        {ok, #{notification := _}} -> drained(S, Call);
        nothing -> nothing
    end.

%% The peer is OTP's gen_sctp.
sctp_gen_sctp(_) ->
    sctp(fun() ->
        {ok, G} = gen_sctp:open([{ip, {127, 0, 0, 1}}, {active, false}, binary]),
        {ok, Port} = inet:port(G),
        ok = gen_sctp:listen(G, true),
        {A, #{port := PortA}} = many(1),
        {ok, Id} = esock:connect(A, [(host(1))#{port => Port}]),
        Id = up(A),
        {ok, {{127, 0, 0, 1}, PortA, _, Up}} = gen_sctp:recv(G, ?WAIT),
        {sctp_assoc_change, comm_up, 0, Out, In, GId} = Up,
        {ok, #{in_streams := Out, out_streams := In}} = esock:getopt(A, {sctp, status}, #{assoc_id => Id}),
        ok = esock:sendmsg(A, #{iov => [<<"ping">>], ctrl => [sndrcv(Id, #{stream => 2, ppid => 77})]}, [], ?WAIT),
        {ok, {_, PortA, [Info], <<"ping">>}} = gen_sctp:recv(G, ?WAIT),
        %% #sctp_sndrcvinfo{stream, ssn, flags, ppid, ...}. The kernel does not look at ppid; gen_sctp takes it for big-endian.
        <<Ppid:32/big>> = <<77:32/native>>,
        ?assertEqual({sctp_sndrcvinfo, 2, 0, [], Ppid}, list_to_tuple(lists:sublist(tuple_to_list(Info), 5))),
        ok = gen_sctp:send(G, GId, 1, <<"pong">>),
        ?assertMatch({<<"pong">>, [#{stream := 1, assoc_id := Id}], [eor], #{port := Port}}, data(A)),
        ok = gen_sctp:close(G),
        ?assertMatch(#{assoc_id := Id}, event(A, shutdown_event)),
        ok = esock:close(A)
    end).

%% The peer is Python's socket.
sctp_python(Config) ->
    sctp(fun() ->
        {ok, L} = esock:open(inet, stream, sctp),
        ok = esock:bind(L, host(1)),
        ok = esock:listen(L),
        {ok, #{port := Port}} = esock:sockname(L),
        peer(Config, "import socket\ns = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132)\n"
                     "s.connect(('127.0.0.1', " ++ integer_to_list(Port) ++ "))\n"
                     "s.send(b'one'); s.send(b'two'); say(s.recv(100)); hear(); s.close()\n",
             fun(Peer) ->
                 {ok, S} = esock:accept(L, ?WAIT),
                 ?assertEqual([{ok, <<"one">>}, {ok, <<"two">>}], [esock:recv(S, 0, [], ?WAIT) || _ <- [1, 2]]),
                 ok = esock:send(S, <<"three">>),
                 ?assertEqual(<<"b'three'">>, heard(Peer)),
                 say(Peer),
                 ?assertMatch({error, closed}, esock:recv(S, 0, [], ?WAIT)),
                 esock_pairs:close([S, L])
             end)
    end).

%%% ---- TIPC

-define(SERVICE, 18888).

service(Instance) -> #{family => tipc, kind => service, scope => node, type => ?SERVICE, instance => Instance, domain => 0}.

range(Lower, Upper) -> #{family => tipc, kind => range, scope => node, type => ?SERVICE, lower => Lower, upper => Upper}.

tipc_service(_) ->
    needs({tipc, rdm, default}, fun() ->
        {ok, S} = esock:open(tipc, rdm),
        ok = esock:bind(S, range(1, 9)),
        {ok, C} = esock:open(tipc, rdm),
        ok = esock:sendto(C, <<"to 5">>, service(5)),
        {ok, {#{family := tipc, kind := socket} = From, <<"to 5">>}} = esock:recvfrom(S, 0, [], ?WAIT),
        {ok, #{kind := socket, ref := Ref, node := Node}} = esock:sockname(C),
        ?assertMatch(#{ref := Ref, node := Node}, From),
        ok = esock:sendto(S, <<"back">>, From),
        ?assertMatch({ok, {#{kind := socket}, <<"back">>}}, esock:recvfrom(C, 0, [], ?WAIT)),
        %% To all of a range; and to none.
        ok = esock:sendto(C, <<"to all">>, range(2, 3)),
        ?assertMatch({ok, {_, <<"to all">>}}, esock:recvfrom(S, 0, [], ?WAIT)),
        ?assertMatch({error, Reason} when Reason =:= ehostunreach; Reason =:= enetunreach, esock:sendto(C, <<"x">>, service(10))),
        ?assertMatch(#{domain := tipc, type := rdm}, esock:info(S)),
        esock_pairs:close([S, C])
    end).

tipc_stream(_) ->
    needs({tipc, stream, default}, fun() ->
        {ok, L} = esock:open(tipc, stream),
        ok = esock:bind(L, range(20, 20)),
        ok = esock:listen(L),
        {ok, C} = esock:open(tipc, stream),
        S = met(C, service(20), L),
        transfer(C, S),
        ?assertMatch([{ok, #{family := tipc, kind := socket}}, {ok, #{family := tipc, kind := socket}}], [esock:peername(X) || X <- [C, S]]),
        ok = esock:shutdown(C, read_write),
        ?assertEqual({error, closed}, esock:recv(S, 0, [], ?WAIT)),
        ok = esock:close(C),
        {ok, X} = esock:open(tipc, seqpacket),
        ?assertMatch({error, _}, esock:connect(X, service(21), ?WAIT)),
        esock_pairs:close([S, L, X]),
        {P, Q} = pair(tipc),
        ok = esock:send(P, <<"pair">>),
        ?assertEqual({ok, <<"pair">>}, esock:recv(Q, 0, [], ?WAIT)),
        %% Without shutdown, close is a reset.
        ok = esock:close(P),
        ?assertEqual({error, econnreset}, esock:recv(Q, 0, [], ?WAIT)),
        ok = esock:close(Q)
    end).

%% Both ends of a connection between sockets of type seqpacket.
pair(Domain) ->
    {ok, L} = esock:open(Domain, seqpacket),
    ok = esock:bind(L, range(30, 30)),
    ok = esock:listen(L),
    {ok, C} = esock:open(Domain, seqpacket),
    S = met(C, service(30), L),
    ok = esock:close(L),
    {C, S}.

%% A connection of TIPC: connect waits for accept, and not only for the listener.
met(C, Addr, L) ->
    Me = self(),
    {Pid, Ref} = spawn_monitor(fun() ->
        {ok, S} = esock:accept(L, ?WAIT),
        ok = esock:setopt(S, {otp, controlling_process}, Me),
        exit({accepted, S})
    end),
    ok = esock:connect(C, Addr, ?WAIT),
    receive {'DOWN', Ref, process, Pid, {accepted, S}} -> S end.

%% More than the buffers hold, in both directions.
transfer(A, B) ->
    Data = crypto:strong_rand_bytes(1 bsl 20),
    [begin
         {Pid, Ref} = spawn_monitor(fun() -> ok = esock:send(From, Data, [], ?WAIT) end),
         ?assertEqual({ok, Data}, esock:recv(To, byte_size(Data), [], 60000)),
         receive {'DOWN', Ref, process, Pid, Reason} -> ?assertEqual(normal, Reason) end
     end || {From, To} <- [{A, B}, {B, A}]].

tipc_python(Config) ->
    needs({tipc, rdm, default}, fun() ->
        {ok, C} = esock:open(tipc, rdm),
        peer(Config, "import socket\ns = socket.socket(socket.AF_TIPC, socket.SOCK_RDM)\n"
                     "s.bind((socket.TIPC_ADDR_NAMESEQ, 18888, 40, 41, socket.TIPC_NODE_SCOPE)); say('bound')\n"
                     "data, addr = s.recvfrom(100); say((data, addr[0] == socket.TIPC_ADDR_ID, addr[1:3])); s.sendto(b'back', addr)\n",
             fun(Peer) ->
                 <<"bound">> = heard(Peer),
                 ok = esock:sendto(C, <<"ping">>, service(41)),
                 {ok, #{ref := Ref, node := Node}} = esock:sockname(C),
                 ?assertEqual(iolist_to_binary(io_lib:format("(b'ping', True, (~w, ~w))", [Node, Ref])), heard(Peer)),
                 ?assertMatch({ok, {#{family := tipc, kind := socket}, <<"back">>}}, esock:recvfrom(C, 0, [], ?WAIT)),
                 ok = esock:close(C)
             end)
    end).

%%% ---- vsock on loopback

vsock_listener(Type) ->
    {ok, L} = esock:open(vsock, Type),
    ok = esock:bind(L, #{family => vsock, cid => local, port => any}),
    ok = esock:listen(L),
    {ok, #{family := vsock, cid := local, port := Port}} = esock:sockname(L),
    {L, #{family => vsock, cid => local, port => Port}}.

vsock_pair(Type) ->
    {L, Addr} = vsock_listener(Type),
    {ok, C} = esock:open(vsock, Type),
    ok = esock:connect(C, Addr, ?WAIT),
    {ok, S} = esock:accept(L, ?WAIT),
    ok = esock:close(L),
    {C, S, Addr}.

%% A skip where there are vsock sockets, and no loopback.
vsock(Type, Fun) ->
    needs({vsock, Type, default}, fun() ->
        {ok, Probe} = esock:open(vsock, Type),
        Bound = esock:bind(Probe, #{family => vsock, cid => local, port => any}),
        ok = esock:close(Probe),
        case Bound of
            ok -> Fun(vsock_pair(Type));
            {error, eaddrnotavail} -> {skip, no_loopback}
        end
    end).

vsock_stream(_) ->
    vsock(stream, fun({C, S, #{port := Port} = Addr}) ->
        ?assertMatch({ok, #{family := vsock, cid := local, port := Port}}, esock:peername(C)),
        {ok, #{port := From}} = esock:sockname(C),
        ?assertMatch({ok, #{family := vsock, cid := local, port := From}}, esock:peername(S)),
        transfer(C, S),
        ok = esock:shutdown(C, write),
        ?assertEqual({error, closed}, esock:recv(S, 0, [], ?WAIT)),
        ok = esock:send(S, <<"still">>),
        ?assertEqual({ok, <<"still">>}, esock:recv(C, 0, [], ?WAIT)),
        esock_pairs:close([C, S]),
        {ok, X} = esock:open(vsock, stream),
        ?assertEqual({error, econnreset}, esock:connect(X, Addr, ?WAIT)),
        ok = esock:close(X)
    end).

vsock_seqpacket(_) ->
    vsock(seqpacket, fun({C, S, _}) ->
        [ok = esock:send(C, M) || M <- [<<"one">>, <<"two">>]],
        ?assertEqual([{ok, <<"one">>}, {ok, <<"two">>}], [esock:recv(S, 0, [], ?WAIT) || _ <- [1, 2]]),
        esock_pairs:close([C, S])
    end).

vsock_python(Config) ->
    vsock(stream, fun({C, S, _}) ->
        esock_pairs:close([C, S]),
        {L, #{port := Port}} = vsock_listener(stream),
        peer(Config, "import socket\ns = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)\n"
                     "s.connect((1, " ++ integer_to_list(Port) ++ ")); s.sendall(b'ping'); say(s.recv(100)); say(s.getsockname()[1])\n",
             fun(Peer) ->
                 {ok, A} = esock:accept(L, ?WAIT),
                 ?assertEqual({ok, <<"ping">>}, esock:recv(A, 4, [], ?WAIT)),
                 ok = esock:send(A, <<"pong">>),
                 ?assertEqual(<<"b'pong'">>, heard(Peer)),
                 {ok, #{cid := local, port := From}} = esock:peername(A),
                 ?assertEqual(integer_to_binary(From), heard(Peer)),
                 esock_pairs:close([A, L])
             end)
    end).

%%% ---- CAN

%% A virtual bus in a network namespace of its own: the options of its sockets, and its index.
on_bus({Type, Protocol}, Fun) ->
    needs({can, Type, Protocol}, fun() ->
        esock_netlink_SUITE:in_netns(fun(Opts) ->
            case esock_netlink:new_link(#{name => "vcan0", linkinfo => #{kind => <<"vcan">>}}, Opts) of
                ok ->
                    ok = esock_netlink:set_link("vcan0", #{up => true}, Opts),
                    {ok, #{index := Index}} = esock_netlink:link("vcan0", Opts),
                    Fun(Opts, Index);
                {error, Reason} -> {skip, Reason}
            end
        end)
    end).

tp(Index, Rx, Tx) -> #{family => can, proto => isotp, ifindex => Index, rx_id => Rx, tx_id => Tx}.

%% A message of several frames between two sockets. A third one sees the frames of ISO 15765-2.
isotp(_) ->
    on_bus({dgram, isotp}, fun(Opts, Index) ->
        [A, B] = [begin {ok, S} = esock:open(can, dgram, isotp, Opts), S end || _ <- [a, b]],
        {ok, Padding} = esock_can:encode_option(isotp_opts, #{flags => [tx_padding], txpad => 16#55}),
        ok = esock:setopt_native(A, esock_can:option(isotp_opts), Padding),
        {ok, Read} = esock:getopt_native(A, esock_can:option(isotp_opts), byte_size(Padding)),
        ?assertMatch({ok, #{flags := [tx_padding], txpad := 16#55}}, esock_can:decode_option(isotp_opts, Read)),
        {ok, Control} = esock_can:encode_option(isotp_recv_fc, #{bs => 4, stmin => 0}),
        ok = esock:setopt_native(B, esock_can:option(isotp_recv_fc), Control),
        ok = esock:bind(A, tp(Index, 16#123, 16#321)),
        ok = esock:bind(B, tp(Index, 16#321, 16#123)),
        ?assertEqual({ok, tp(Index, 16#123, 16#321)}, esock:sockname(A)),
        {ok, Raw} = esock:open(can, raw, raw, Opts),
        ok = esock:bind(Raw, #{family => can, ifindex => Index}),
        ok = esock:send(A, <<"short">>),
        ?assertEqual({ok, <<"short">>}, esock:recv(B, 0, [], ?WAIT)),
        ?assertMatch(#{id := 16#321, data := <<5, "short", 16#55, 16#55>>}, frame(Raw)),
        Long = list_to_binary(lists:seq(1, 100)),
        ok = esock:send(A, Long),
        ?assertMatch({ok, {#{family := can, proto := isotp, ifindex := Index}, Long}}, esock:recvfrom(B, 0, [], ?WAIT)),
        ?assertMatch(#{id := 16#321, data := <<16#10, 100, 1, 2, 3, 4, 5, 6>>}, frame(Raw)),
        ?assertMatch(#{id := 16#123, data := <<16#30, 4, 0, _/binary>>}, frame(Raw)),
        ?assertMatch(#{id := 16#321, data := <<16#21, 7, 8, 9, 10, 11, 12, 13>>}, frame(Raw)),
        esock_pairs:close([A, B, Raw])
    end).

frame(Raw) ->
    {ok, Bytes} = esock:recv(Raw, 0, [], ?WAIT),
    {ok, Frame} = esock_can:decode_frame(Bytes),
    Frame.

isotp_python(Config) ->
    on_bus({dgram, isotp}, fun(Opts, Index) ->
        {ok, S} = esock:open(can, dgram, isotp, Opts),
        ok = esock:bind(S, tp(Index, 16#98DA01F1, 16#98DAF101)),
        peer(Config, Opts, "import socket\ns = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_ISOTP)\n"
                           "s.bind(('vcan0', 0x18DAF101 | socket.CAN_EFF_FLAG, 0x18DA01F1 | socket.CAN_EFF_FLAG)); say('bound')\n"
                           "say(s.recv(100)); s.send(bytes(range(50)))\n",
             fun(Peer) ->
                 <<"bound">> = heard(Peer),
                 ok = esock:send(S, <<"more than a frame">>),
                 ?assertEqual(<<"b'more than a frame'">>, heard(Peer)),
                 ?assertEqual({ok, list_to_binary(lists:seq(0, 49))}, esock:recv(S, 0, [], ?WAIT)),
                 ok = esock:close(S)
             end)
    end).

j1939(Index, Fields) -> maps:merge(#{family => can, proto => j1939, ifindex => Index}, Fields).

%% One frame, several frames between two nodes, and a broadcast. Of what comes the control messages have the destination and the priority.
j1939(_) ->
    on_bus({dgram, j1939}, fun(Opts, Index) ->
        [A, B] = [begin
                      {ok, S} = esock:open(can, dgram, j1939, Opts),
                      ok = esock:setopt(S, {socket, broadcast}, true),
                      ok = esock:bind(S, j1939(Index, #{addr => Addr})),
                      S
                  end || Addr <- [16#20, 16#30]],
        ?assertEqual({ok, j1939(Index, #{addr => 16#20, name => none, pgn => none})}, esock:sockname(A)),
        [begin
             ok = esock:sendto(A, Data, j1939(Index, #{addr => 16#30, pgn => 16#12300})),
             {ok, {From, Got}} = esock:recvfrom(B, 0, [], ?WAIT),
             ?assertEqual(Data, Got),
             %% The kernel leaves out the interface of a message of several frames.
             ?assertEqual(j1939(0, #{addr => 16#20, pgn => 16#12300, name => none}), From#{ifindex := 0})
         end || Data <- [<<"short">>, list_to_binary(lists:seq(1, 200))]],
        ok = esock:sendto(A, <<"all">>, j1939(Index, #{pgn => 16#FEF1})),
        {ok, #{addr := #{addr := 16#20, pgn := 16#FEF1}, iov := [<<"all">>], ctrl := Ctrl}} = esock:recvmsg(B, 0, 0, [], ?WAIT),
        %% SCM_J1939_DEST_ADDR, which a broadcast lacks, and SCM_J1939_PRIO
        Of = fun(Messages) -> lists:sort([{Type, Data} || #{level := 107, type := Type, data := Data} <- Messages]) end,
        ?assertEqual([{3, <<6>>}], Of(Ctrl)),
        ok = esock:sendto(A, <<"one">>, j1939(Index, #{addr => 16#30, pgn => 16#12300})),
        {ok, #{iov := [<<"one">>], ctrl := CtrlOfOne}} = esock:recvmsg(B, 0, 0, [], ?WAIT),
        ?assertEqual([{1, <<16#30>>}, {3, <<6>>}], Of(CtrlOfOne)),
        %% A filter drops the rest.
        {ok, Filter} = esock_can:encode_option(j1939_filter, [#{pgn => 16#FEF2, pgn_mask => 16#3FFFF}]),
        ok = esock:setopt_native(B, esock_can:option(j1939_filter), Filter),
        [ok = esock:sendto(A, Data, j1939(Index, #{pgn => Pgn})) || {Data, Pgn} <- [{<<"no">>, 16#FEF1}, {<<"yes">>, 16#FEF2}]],
        ?assertMatch({ok, <<"yes">>}, esock:recv(B, 0, [], ?WAIT)),
        esock_pairs:close([A, B])
    end).

j1939_python(Config) ->
    on_bus({dgram, j1939}, fun(Opts, Index) ->
        {ok, S} = esock:open(can, dgram, j1939, Opts),
        ok = esock:bind(S, j1939(Index, #{addr => 16#21, name => 16#1122334455667788})),
        ?assertEqual({ok, j1939(Index, #{addr => 16#21, name => 16#1122334455667788, pgn => none})}, esock:sockname(S)),
        ok = esock:close(S),
        {ok, P} = esock:open(can, dgram, j1939, Opts),
        ok = esock:bind(P, j1939(Index, #{addr => 16#22})),
        peer(Config, Opts, "import socket\ns = socket.socket(socket.AF_CAN, socket.SOCK_DGRAM, socket.CAN_J1939)\n"
                           "s.bind(('vcan0', socket.J1939_NO_NAME, socket.J1939_NO_PGN, 0x40)); say('bound')\n"
                           "data, addr = s.recvfrom(100); say((data, addr))\n"
                           "s.sendto(b'a long answer', ('vcan0', socket.J1939_NO_NAME, 0x12300, 0x22)); say('sent')\n",
             fun(Peer) ->
                 <<"bound">> = heard(Peer),
                 ok = esock:sendto(P, <<"ping">>, j1939(Index, #{addr => 16#40, pgn => 16#12300})),
                 ?assertEqual(<<"(b'ping', ('vcan0', 0, 74496, 34))">>, heard(Peer)),
                 ?assertMatch({ok, {#{addr := 16#40, pgn := 16#12300}, <<"a long answer">>}}, esock:recvfrom(P, 0, [], ?WAIT)),
                 ok = esock:close(P)
             end)
    end).

%% The kernel sends a frame several times, and says when one changes.
bcm(_) ->
    on_bus({dgram, bcm}, fun(Opts, Index) ->
        [A, B] = [begin
                      {ok, S} = esock:open(can, dgram, bcm, Opts),
                      ok = esock:connect(S, #{family => can, ifindex => Index}),
                      S
                  end || _ <- [a, b]],
        {ok, Raw} = esock:open(can, raw, raw, Opts),
        ok = esock:bind(Raw, #{family => can, ifindex => Index}),
        send_bcm(B, #{op => rx_setup, flags => [rx_filter_id], id => 16#111}),
        send_bcm(A, #{op => tx_setup, flags => [settimer, starttimer, tx_countevt], id => 16#111, count => 3, ival1 => #{sec => 0, usec => 10000},
                      frames => [#{id => 16#111, data => <<"tick">>}]}),
        [?assertMatch(#{id := 16#111, data := <<"tick">>}, frame(Raw)) || _ <- [1, 2, 3]],
        ?assertMatch(#{op := tx_expired, id := 16#111}, bcm_message(A)),
        ?assertMatch(#{op := rx_changed, id := 16#111, frames := [#{data := <<"tick">>}]}, bcm_message(B)),
        send_bcm(A, #{op => tx_read, id => 16#111}),
        ?assertMatch(#{op := tx_status, id := 16#111, frames := [#{id := 16#111}]}, bcm_message(A)),
        {ok, Unknown} = esock_can:bcm_encode(#{op => tx_delete, id => 16#222}),
        ?assertEqual({error, einval}, esock:send(A, Unknown)),
        esock_pairs:close([A, B, Raw])
    end).

send_bcm(S, Message) ->
    {ok, Bytes} = esock_can:bcm_encode(Message),
    ok = esock:send(S, Bytes).

bcm_message(S) ->
    {ok, Bytes} = esock:recv(S, 0, [], ?WAIT),
    {ok, Message} = esock_can:bcm_decode(Bytes),
    Message.

%%% ---- A peer in Python

%% Runs a script beside the calls in `Fun'. `say' prints a line, which heard/1 returns; `hear' waits for say/1.
peer(Config, Script, Fun) -> peer(Config, #{}, Script, Fun).

peer(Config, Opts, Script, Fun) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        _ ->
            File = filename:join(proplists:get_value(priv_dir, Config), "peer.py"),
            ok = file:write_file(File, ["import sys\ndef say(x): print(x, flush=True)\ndef hear(): sys.stdin.readline()\n", Script]),
            In = case Opts of #{netns := Path} -> "nsenter --net=" ++ Path ++ " "; _ -> "" end,
            Port = open_port({spawn, In ++ "python3 " ++ File}, [{line, 1000}, exit_status, stderr_to_stdout, binary]),
            Result = Fun(Port),
            receive {Port, {exit_status, Status}} -> ?assertEqual(0, Status) after ?WAIT -> ct:fail(python3) end,
            Result
    end.

heard(Port) ->
    receive
        {Port, {data, {eol, Line}}} -> Line;
        {Port, {exit_status, Status}} -> ct:fail({python3, Status})
    after ?WAIT -> ct:fail(python3)
    end.

say(Port) -> true = port_command(Port, "go\n").

%% Intended differences from OTP's `socket': the rows of doc/differences.md that no other suite tests.
-module(esock_differs_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [full/0, trio/0, udp/0]).

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [refused_beside_a_reader, superseded_handle, connect_before_the_end, port_too_large, number_too_large, option_that_is_no_pair, trunc_is_safe,
         send_einval_is_its_own, congestion_is_a_name, flowinfo_is_the_number, accepted_is_connected,
         partial_sends_count, system_calls_count, info_has_what_otps_has, info_names_the_back_end, given_descriptor,
         rdm, end_of_stream, errors_as_text, peek_off, rcvbuf_auto, rcvbuf_auto_whole, errors_of_a_call, types],
        [refused_beside_a_reader, superseded_handle, connect_before_the_end, send_einval_is_its_own, partial_sends_count, info_names_the_back_end,
         end_of_stream, errors_of_a_call]).

superseded_handle(_) ->
    {S, Addr} = udp(),
    {select, {_, _, First}} = esock:recv(S, 0, nowait),
    {select, {_, _, Second}} = esock:recv(S, 0, nowait),
    ?assertEqual([{'$socket', S, abort, {First, cancelled}}], messages()),
    ok = esock:sendto(S, <<"x">>, Addr),
    receive {'$socket', S, select, Second} -> ok end,
    {ok, <<"x">>} = esock:recv(S, 0, nowait),
    %% A blocking call, and one that fails, take the place of the wait too.
    {C, T} = esock_pairs:pair(),
    [begin
         {select, {_, _, H}} = esock:recv(T, 0, nowait),
         _ = Call(),
         ?assertEqual([{'$socket', T, abort, {H, cancelled}}], messages())
     end || Call <- [fun() -> esock:recv(T, 0, 1) end, fun() -> {error, einval} = esock:recv(T, 1, [oob], 0) end]],
    esock_pairs:close([C, T]),
    %% A call with time-out 0 that finds nothing leaves the wait, and a call with the same handle continues it.
    H = make_ref(),
    {select, {_, _, H}} = esock:recv(S, 0, [], H),
    {error, timeout} = esock:recv(S, 0, 0),
    {select, {_, _, H}} = esock:recv(S, 0, [], H),
    ?assertEqual([], messages()),
    ok = esock:close(S),
    ?assertEqual([{'$socket', S, abort, {H, closed}}], messages()).

messages() -> receive Message -> [Message | messages()] after 0 -> [] end.

%% A read before connect/1 takes the error, which the kernel reports once. `socket' then answers `ok' to the connect; esock
%% answers the error again.
refused_beside_a_reader(_) ->
    [?assertEqual(Answer, refused_beside_a_reader_of(M)) || {M, Answer} <- [{socket, ok}, {esock, {error, econnrefused}}]].

refused_beside_a_reader_of(M) ->
    {ok, C} = M:open(inet, stream, tcp),
    To = #{family => inet, addr => loopback, port => 1},
    case M:connect(C, To, nowait) of
        {select, {select_info, connect, H}} ->
            receive {'$socket', C, select, H} -> ok end,
            _ = spawn_monitor(fun() -> {error, econnrefused} = M:recv(C, 0, [], 0) end),
            receive {'DOWN', _, process, _, normal} -> ok end,
            Answer = M:connect(C),
            ok = M:close(C),
            Answer
    end.

connect_before_the_end(_) ->
    {L, Addr, C1} = full(),
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
    %% On a stream the kernel discards the bytes: the answer has zeros in their place, never bytes of another socket.
    {L, C, A} = trio(),
    ok = esock:send(C, <<"a secret">>),
    {ok, <<"a secret">>} = esock:recv(A, 8),
    ok = esock:send(C, <<"discarded">>),
    ?assertEqual({ok, <<0:72>>}, esock:recv(A, 9, [trunc], 1000)),
    [ok = esock:close(X) || X <- [L, C, A]].

%% A call that has the turn and fails by its own argument passes the turn on: the next waiter still gets its select message.
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

%% Sends until a send would block.
fill(From, Addr) ->
    case esock:sendto(From, <<"x">>, Addr, nowait) of
        ok -> fill(From, Addr);
        {select, _} -> ok
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
    %% A flow label has 20 bits; the kernel refuses a label that was not leased, except 0.
    ok = esock:sendto(S, <<"x">>, Addr#{flowinfo => 0}),
    {ok, {#{flowinfo := 0}, <<"x">>}} = esock:recvfrom(S, 0, 1000),
    {ok, C} = esock:open(inet6, dgram, udp),
    %% IPV6_FLOWLABEL_MGR leases a chosen label (struct in6_flowlabel_req: IPV6_FL_A_GET, IPV6_FL_S_ANY, IPV6_FL_F_CREATE).
    Label = 16#54321,
    Lease = <<1:128, Label:32, 0, 255, 1:16/native, 0:16, 0:16, 0:32>>,
    case esock:setopt_native(C, {ipv6, 32}, Lease) of
        ok ->
            %% IPV6_FLOWINFO_SEND
            ok = esock:setopt_native(C, {ipv6, 33}, 1),
            ok = esock:setopt(S, {ipv6, flowinfo}, true),
            ok = esock:connect(C, Addr#{flowinfo => Label}),
            ?assertMatch({ok, #{flowinfo := Label}}, esock:peername(C)),
            ok = esock:send(C, <<"labelled">>),
            {ok, #{ctrl := Ctrl}} = esock:recvmsg(S),
            ?assertMatch([<<Label:32>>], [Data || #{level := ipv6, type := flowinfo, data := Data} <- Ctrl]);
        {error, Reason} ->
            ct:comment("no flow labels here: ~p", [Reason])
    end,
    [ok = esock:close(X) || X <- [S, C]].

accepted_is_connected(_) ->
    {L, C, S} = trio(),
    #{wstates := Connection} = esock:info(S),
    #{wstates := Listener} = esock:info(L),
    ?assert(lists:member(connected, Connection)),
    ?assertNot(lists:member(connected, Listener)),
    [ok = esock:close(X) || X <- [L, C, S]].

partial_sends_count(_) ->
    {L, C, S} = trio(),
    {select, {Info, Rest}} = esock:send(C, binary:copy(<<0>>, 1 bsl 24), nowait),
    ok = esock:cancel(C, Info),
    #{counters := #{write_byte := Sent}} = esock:info(C),
    ?assertEqual((1 bsl 24) - byte_size(Rest), Sent),
    [ok = esock:close(X) || X <- [L, C, S]].

%% 3 * 1,024 parts take three system calls, and each counts as a try.
system_calls_count(_) ->
    {L, C, S} = trio(),
    ok = esock:sendv(C, lists:duplicate(3 * 1024, <<"x">>)),
    {ok, _} = esock:recv(S, 3 * 1024),
    ?assertMatch(#{counters := #{write_tries := 3, write_pkg := 1, write_byte := 3072}}, esock:info(C)),
    [ok = esock:close(X) || X <- [L, C, S]].

%% info/0 and info/1 have all keys of `socket' of this release.
info_has_what_otps_has(_) ->
    ?assertEqual([], without(socket:info(), esock:info())),
    {S, T} = {element(1, esock_pairs:udp(socket)), element(1, udp())},
    ?assertEqual([], without(socket:info(S), esock:info(T))),
    ?assertMatch(#{load_nif_result := ok, eei := true}, esock:info()),
    ok = socket:close(S),
    ok = esock:close(T).

%% The keys that the second map lacks, in nested maps too.
without(Otps, Ours) ->
    lists:append([case Ours of
                      #{Key := Our} when is_map(Value), is_map(Our) -> without(Value, Our);
                      #{Key := _} -> [];
                      #{} -> [Key]
                  end || {Key, Value} <- maps:to_list(Otps)]).

info_names_the_back_end(_) ->
    #{io_backend := #{name := epoll, pollers := N}} = esock:info(),
    ?assert(N >= 1).

%% With `dup => false' the descriptor stays open when the socket is closed; with `own => true' it is closed.
given_descriptor(_) ->
    {S, _} = udp(),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, D} = esock:open(Fd, #{dup => true}),
    {ok, New} = esock:getopt(D, {otp, fd}),
    {ok, L} = esock:open(New, #{dup => false}),
    ok = esock:close(L),
    ?assertMatch({ok, _}, file:read_link("/proc/self/fd/" ++ integer_to_list(New))),
    %% D still owns that descriptor. One without an owner is made by passing a descriptor through a Unix socket.
    {ok, P} = esock:open(local, dgram),
    ok = esock:bind(P, #{family => local, path => <<>>}),
    {ok, Addr} = esock:sockname(P),
    ok = esock:sendmsg(P, #{addr => Addr, iov => [<<"x">>], ctrl => [#{level => socket, type => rights, value => [Fd]}]}),
    {ok, #{ctrl := [#{value := [Passed]}]}} = esock:recvmsg(P),
    {ok, O} = esock:open(Passed, #{dup => false, own => true}),
    ok = esock:close(O),
    ?assertNotMatch({ok, _}, file:read_link("/proc/self/fd/" ++ integer_to_list(Passed))),
    [ok = esock:close(X) || X <- [S, D, P]].

%% The kernel knows the type `rdm', but no domain here has it.
rdm(_) ->
    ?assertEqual({error, esocktnosupport}, esock:open(inet, rdm)).

errors_as_text(_) ->
    [?assertNotMatch("unknown" ++ _, esock:format_error(R))
     || R <- [closed, timeout, already, econnrefused, {invalid, {sockaddr, x}}, {timeout, <<"x">>}, {error, closed}]].

%% With the default `{otp, rcvbuf}' (auto) a receive answers the bytes that are there, in a binary of their size. No datagram is
%% cut.
rcvbuf_auto(_) ->
    {L, C, S} = trio(),
    ?assertEqual({ok, auto}, esock:getopt(S, {otp, rcvbuf})),
    [begin
         Data = rand:bytes(Size),
         ok = esock:send(C, Data),
         ok = until_there(S, Size),
         {ok, Got} = esock:recv(S),
         ?assertEqual(Data, Got),
         %% For binaries on the heap (up to 64 bytes) OTP 27 counts bits.
         Size =< 64 orelse ?assertEqual(Size, binary:referenced_byte_size(Got))
     end || Size <- [1, 64, 65, 10_000, 40_000, 70_000, 100_000, 50_000, 10]],
    ok = esock:setopt(S, {otp, rcvbuf}, 4),
    ok = esock:send(C, <<"12345678">>),
    ?assertEqual({ok, <<"1234">>}, esock:recv(S)),
    [begin ok = esock:setopt(S, {otp, rcvbuf}, Auto), ?assertEqual({ok, auto}, esock:getopt(S, {otp, rcvbuf})) end
     || Auto <- [auto, default]],
    ?assertEqual({ok, <<"5678">>}, esock:recv(S)),
    ok = esock:setopt(S, {otp, rcvbuf}, {2, default}),
    ?assertEqual({ok, {2, 8192}}, esock:getopt(S, {otp, rcvbuf})),
    {A, Addr} = udp(),
    Datagram = rand:bytes(60_000),
    ok = esock:sendto(A, Datagram, Addr),
    ?assertMatch({ok, {_, Datagram}}, esock:recvfrom(A)),
    [ok = esock:close(X) || X <- [L, C, S, A]].

%% The automatic size follows earlier receives of a stream only. A message, and a receive of a length, are answered whole.
rcvbuf_auto_whole(_) ->
    [begin
         {A, B} = esock_pairs:local_pair(esock, Type),
         [begin
              Message = rand:bytes(Size),
              ok = esock:send(A, Message),
              ?assertEqual({Type, {ok, Message}}, {Type, esock:recv(B)})
          end || Size <- [33_000, 150_000]],
         esock_pairs:close([A, B])
     end || Type <- [dgram, seqpacket]],
    {L, C, S} = trio(),
    ok = esock:setopt(S, {socket, rcvbufforce}, 4_000_000),
    Data = rand:bytes(262_144),
    ok = esock:send(C, binary:part(Data, 0, 32_768)),
    ok = until_there(S, 32_768),
    {ok, _} = esock:recv(S),
    ok = esock:send(C, Data),
    ok = until_there(S, 262_144),
    ?assertEqual({ok, Data}, esock:recv(S, 262_144, 5000)),
    esock_pairs:close([L, C, S]).

%% An error about the arguments of a call is only that call's: other waiters go on waiting, as with OTP.
errors_of_a_call(_) ->
    {L, C, S} = trio(),
    {select, {_, _, Handle}} = esock:recv(S, 0, nowait),
    Self = self(),
    spawn_link(fun() -> Self ! {oob, esock:recv(S, 1, [oob], 0)} end),
    receive {oob, Result} -> ?assertEqual({error, einval}, Result) end,
    ok = esock:send(C, <<"x">>),
    receive {'$socket', S, What, H} -> ?assertEqual({select, Handle}, {What, H}) end,
    ?assertEqual({ok, <<"x">>}, esock:recv(S)),
    esock_pairs:close([L, C, S]).

until_there(S, Size) ->
    case esock:ioctl(S, nread) of
        {ok, Size} -> ok;
        {ok, Less} when Less < Size -> until_there(S, Size)
    end.

%% With peek_off a peek goes on where the last one ended; the call does not loop.
peek_off(_) ->
    {ok, A} = esock:open(local, dgram),
    ok = esock:bind(A, #{family => local, path => <<>>}),
    {ok, Addr} = esock:sockname(A),
    ?assert(esock:is_supported(options, {socket, peek_off})),
    ok = esock:setopt(A, {socket, peek_off}, 0),
    ok = esock:sendto(A, <<"abcd">>, Addr),
    ?assertEqual({ok, <<"ab">>}, esock:recv(A, 2, [peek], 1000)),
    ?assertEqual({ok, <<"cd">>}, esock:recv(A, 2, [peek], 1000)),
    ok = esock:close(A).

%% esock exports every type of OTP 29's socket.
types(_) ->
    {ok, {_, [{abstract_code, {_, Forms}}]}} = beam_lib:chunks(code:which(esock), [abstract_code]),
    Ours = lists:append([Types || {attribute, _, export_type, Types} <- Forms]),
    Theirs = [socket, socket_handle, select_tag, select_handle, select_info, completion_tag, completion_handle,
              completion_info, invalid, eei, socket_counters, socket_info, domain, type, protocol, port_number, in_addr,
              in6_addr, sockaddr, sockaddr_recv, sockaddr_in, sockaddr_in6, sockaddr_un, sockaddr_ll, sockaddr_dl,
              sockaddr_unspec, sockaddr_native, interface_type, msg_flag, level, otp_socket_option, socket_option, linger,
              timeval, timespec, ip_mreq, ip_mreq_source, ip_msfilter, ip_pmtudisc, ip_tos, iptos_value, iptos_tos,
              iptos_dscp, iptos_native, ip_pktinfo, ipv6_mreq, ipv6_pmtudisc, ipv6_hops, ipv6_pktinfo, sctp_assoc_id,
              sctp_setadaption, sctp_assocparams, sctp_event_subscribe, sctp_initmsg, sctp_rtoinfo, sctp_snd_rcv_info,
              sctp_set_peer_primary_address, sctp_set_primary_address, sctp_set_adaptation_layer_ind,
              sctp_peer_address_parameters, sctp_pap_flags, sctp_pap_flag, sctp_assoc_stats, sctp_status,
              sctp_peer_address_info, sctp_peer_address_state, msg, msg_send, msg_recv, cmsg, cmsg_send, cmsg_recv,
              ee_origin, icmp_dest_unreach, icmpv6_dest_unreach, extended_err, info_keys, ioctl_device_flag,
              ioctl_device_map],
    ?assertEqual([], [{T, 0} || T <- Theirs] -- Ours).

%% recv_some answers `eof' at the end of a stream, and {error, closed} only on a closed socket.
end_of_stream(_) ->
    {L, C, S} = trio(),
    ok = esock:send(C, <<"abcdef">>),
    ?assertEqual({ok, <<"abcd">>}, esock:recv_some(S, 4, [], 5000)),
    ?assertEqual({ok, <<"ef">>}, esock:recv_some(S, 4, [], infinity)),
    ?assertEqual({error, timeout}, esock:recv_some(S, 4, [], 0)),
    {select, {select_info, recv, Handle}} = esock:recv_some(S, 4, [], nowait),
    ok = esock:shutdown(C, write),
    receive {'$socket', S, select, Handle} -> ok end,
    ?assertEqual(eof, esock:recv_some(S, 4, [], nowait)),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock:recv_some(S, 4, [], nowait)),
    ?assertError(badarg, esock:recv_some(C, 0, [], nowait)),
    [ok = esock:close(X) || X <- [L, C]].

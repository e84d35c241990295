%% @private
%% @doc Messages of sock_diag(7): `struct inet_diag_req_v2' and `struct inet_diag_msg' of linux/inet_diag.h, both ways. Messages of
%% other families than IPv4 and IPv6 are bytes.
-module(esock_netlink_diag).

-export([types/0, body/1, encode/2, decode/2]).

-import(esock_layout, [at/2, invalid/1]).

%% TCP_* states of tcp_states.h.
-define(STATES,
        [{established, 1}, {syn_sent, 2}, {syn_recv, 3}, {fin_wait1, 4}, {fin_wait2, 5}, {time_wait, 6}, {closed, 7}, {close_wait, 8},
         {last_ack, 9}, {listen, 10}, {closing, 11}, {new_syn_recv, 12}, {bound_inactive, 13}]).
-define(INET, 2).
-define(INET6, 10).

%% @doc The types of messages.
-spec types() -> esock_layout:table().
types() -> [{sock_diag_by_family, 20}, {sock_destroy, 21}].

%% @doc The bytes of a request, or of an answer (`true').
-spec encode(boolean(), map() | binary()) -> binary().
encode(_, <<Family, _/binary>> = Bytes) when Family =/= ?INET, Family =/= ?INET6 -> Bytes;
encode(_, <<>>) -> <<>>;
encode(Answer, Map) when is_map(Map) -> esock_netlink_attr:encode_body(body(Answer), flat(Map));
encode(_, _) -> invalid([]).

%% @doc The map, or the bytes of another family.
-spec decode(boolean(), binary()) -> map() | binary().
decode(Answer, <<Family, _/binary>> = Bytes) when Family =:= ?INET; Family =:= ?INET6 ->
    Map = esock_netlink_attr:decode_body(body(Answer), Bytes),
    #{family := Name, sport := Sport, src := Src, dport := Dport, dst := Dst} = Map,
    Rest = maps:without([sport, src, dport, dst], Map),
    Rest#{local => address(Name, Src, Sport), peer => address(Name, Dst, Dport)};
decode(_, Bytes) -> Bytes.

address(inet, <<A, B, C, D, _/binary>>, Port) -> #{family => inet, addr => {A, B, C, D}, port => Port};
address(inet6, Bytes, Port) -> #{family => inet6, addr => list_to_tuple([Part || <<Part:16>> <= Bytes]), port => Port}.

flat(#{family := Family} = Map) when Family =:= inet; Family =:= inet6 ->
    Local = at(local, fun() -> sockaddr(Family, maps:get(local, Map, none)) end),
    Peer = at(peer, fun() -> sockaddr(Family, maps:get(peer, Map, none)) end),
    maps:merge(maps:without([local, peer], ids_unknown(Map)), flat(Local, Peer));
flat(_) -> invalid([family]).

flat({Src, Sport}, {Dst, Dport}) -> #{src => Src, sport => Sport, dst => Dst, dport => Dport}.

%% The keys that flat/2 makes are no keys of the caller's.
ids_unknown(Map) ->
    case [Key || Key <- [dport, dst, sport, src], is_map_key(Key, Map)] of
        [] -> Map;
        [Key | _] -> invalid([Key])
    end.

sockaddr(_, none) -> {<<0:128>>, 0};
sockaddr(Family, #{addr := Addr, port := Port} = Map) ->
    ok = esock_layout:only([family, addr, port], Map),
    maps:get(family, Map, Family) =:= Family orelse invalid([family]),
    _ = at(port, fun() -> esock_layout:to_bytes(be16, Port) end),
    {at(addr, fun() -> bytes(Family, Addr) end), Port};
sockaddr(_, _) -> invalid([]).

bytes(_, any) -> <<0:128>>;
bytes(inet, {_, _, _, _} = Addr) -> <<(parts(u8, Addr))/binary, 0:96>>;
bytes(inet6, Addr) when tuple_size(Addr) =:= 8 -> parts(be16, Addr);
bytes(_, _) -> invalid([]).

parts(Type, Addr) ->
    << <<(at(N, fun() -> esock_layout:to_bytes(Type, Part) end))/binary>> || {N, Part} <- lists:enumerate(tuple_to_list(Addr)) >>.

family() -> {family, {enum, u8, [{inet, ?INET}, {inet6, ?INET6}]}}.

%% struct inet_diag_sockid. The cookie of a request: of the one socket that is asked for, 16#FFFFFFFFFFFFFFFF of any.
id() ->
    [{sport, be16, 0}, {dport, be16, 0}, {src, {bytes, 16}, <<0:128>>}, {dst, {bytes, 16}, <<0:128>>}, {interface, u32, 0},
     {cookie, u64, 16#FFFFFFFFFFFFFFFF}].

%% @doc A request (`false') or an answer, with the addresses and ports apart.
-spec body(boolean()) -> esock_netlink_attr:body().
body(false) ->
    Protocols = [{tcp, 6}, {udp, 17}, {dccp, 33}, {sctp, 132}, {udplite, 136}, {raw, 255}],
    States = [{State, 1 bsl Number} || {State, Number} <- ?STATES],
    Extensions = [{Name, 1 bsl (Number - 1)} || {Name, Number, _} <- extensions(), Number =< 8],
    {[family(), {protocol, {enum, u8, Protocols}, tcp}, {ext, {flags, u8, Extensions}, []}, {pad, 1},
      {states, {flags, u32, States}, []} | id()],
     [{bytecode, 1, binary}, {bpf_storages, 2, binary}, {request_protocol, 3, u32}]};
body(true) ->
    Timers = [{off, 0}, {on, 1}, {keepalive, 2}, {time_wait, 3}, {persist, 4}],
    {[family(), {state, {enum, u8, ?STATES}}, {timer, {enum, u8, Timers}, off}, {retransmits, u8, 0}] ++ id() ++
     [{expires, u32, 0}, {rqueue, u32, 0}, {wqueue, u32, 0}, {uid, u32, 0}, {inode, u32, 0}],
     extensions()}.

words(Names) -> [{Name, u32, 0} || Name <- Names].

%% INET_DIAG_*.
extensions() ->
    [{meminfo, 1, {struct, words([rmem, wmem, fmem, tmem])}},
     {tcp_info, 2, {struct, tcp_info()}},
     {vegas, 3, {struct, words([enabled, rttcnt, rtt, minrtt])}},
     {congestion, 4, string}, {tos, 5, u8}, {tclass, 6, u8},
     {skmeminfo, 7, {struct, words([rmem_alloc, rcvbuf, wmem_alloc, sndbuf, fwd_alloc, wmem_queued, optmem, backlog, drops])}},
     {shutdown, 8, {flags, u8, [{read, 1}, {write, 2}]}},
     {dctcp, 9, {struct, [{enabled, u16, 0}, {ce_state, u16, 0} | words([alpha, ab_ecn, ab_tot])]}},
     {protocol, 10, u8}, {v6only, 11, u8}, {locals, 12, binary}, {peers, 13, binary}, {mark, 15, u32},
     {bbr, 16, {struct, words([bw_lo, bw_hi, min_rtt, pacing_gain, cwnd_gain])}},
     {class_id, 17, u32}, {md5sig, 18, binary},
     {ulp_info, 19, {nested, [{name, 1, string}, {tls, 2, binary}, {mptcp, 3, binary}]}},
     {bpf_storage, 20, binary}, {cgroup_id, 21, u64},
     {sockopt, 22, {flags, u16, sockopts()}}].

%% struct inet_diag_sockopt: bits in the order of the machine, from the lowest on those with little endian.
sockopts() ->
    [{Name, 1 bsl N} || {N, Name} <- lists:zip(lists:seq(0, 10), [recverr, is_icsk, freebind, hdrincl, mc_loop, transparent, mc_all,
                                                                  nodefrag, bind_address_no_port, recverr_rfc4884, defer_connect])].

%% struct tcp_info of linux/tcp.h, with the names of {tcp, info}: times in microseconds (rto, ato, rtt, rttvar, rcv_rtt, min_rtt,
%% busy_time, rwnd_limited, sndbuf_limited) or milliseconds (last_*, total_rto_time), rates in bytes per second, sizes in bytes.
tcp_info() ->
    [{state, {enum, u8, ?STATES}, 0} | [{Name, u8, 0} || Name <- [ca_state, retransmits, probes, backoff, options, wscale]]] ++
    [{app_limited, u8, 0} |
     words([rto, ato, snd_mss, rcv_mss, unacked, sacked, lost, retrans, fackets, last_data_sent, last_ack_sent, last_data_recv,
            last_ack_recv, pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering, rcv_rtt, rcv_space,
            total_retrans])] ++
    longs([pacing_rate, max_pacing_rate, bytes_acked, bytes_received]) ++
    words([segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out]) ++
    longs([delivery_rate, busy_time, rwnd_limited, sndbuf_limited]) ++ words([delivered, delivered_ce]) ++
    longs([bytes_sent, bytes_retrans]) ++ words([dsack_dups, reord_seen, rcv_ooopack, snd_wnd, rcv_wnd, rehash]) ++
    [{total_rto, u16, 0}, {total_rto_recoveries, u16, 0}, {total_rto_time, u32, 0}].

longs(Names) -> [{Name, u64, 0} || Name <- Names].

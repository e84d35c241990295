%% @private
%% @doc The tables of rtnetlink(7): names, structs and attributes of linux/rtnetlink.h, if_link.h, if_addr.h, neighbour.h, veth.h.
-module(esock_netlink_tables).

-export([types/0, flags/2, family/1, body/1, errors/0, groups/0]).

%% RFC 2863 operational status, IF_OPER_* of if.h.
-define(OPERSTATES,
        [{unknown, 0}, {notpresent, 1}, {down, 2}, {lowerlayerdown, 3}, {testing, 4}, {dormant, 5}, {up, 6}]).
%% IFF_* of if.h, netdevice(7).
-define(IFF,
        [{up, 16#1}, {broadcast, 16#2}, {debug, 16#4}, {loopback, 16#8}, {pointopoint, 16#10}, {notrailers, 16#20},
         {running, 16#40}, {noarp, 16#80}, {promisc, 16#100}, {allmulti, 16#200}, {master, 16#400}, {slave, 16#800},
         {multicast, 16#1000}, {portsel, 16#2000}, {automedia, 16#4000}, {dynamic, 16#8000}, {lower_up, 16#10000},
         {dormant, 16#20000}, {echo, 16#40000}]).
%% ARPHRD_* of if_arp.h.
-define(HARDWARE,
        [{netrom, 0}, {ether, 1}, {eether, 2}, {ax25, 3}, {ieee802, 6}, {arcnet, 7}, {infiniband, 32}, {slip, 256},
         {can, 280}, {ppp, 512}, {rawip, 519}, {tunnel, 768}, {tunnel6, 769}, {loopback, 772}, {sit, 776},
         {ipgre, 778}, {ieee80211, 801}, {ieee80211_prism, 802}, {ieee80211_radiotap, 803}, {ieee802154, 804},
         {netlink, 824}, {'6lowpan', 825}, {vsockmon, 826}, {none, 65534}, {void, 65535}]).
%% struct rtnl_link_stats64, in packets and bytes.
-define(STATS,
        [{rx_packets, u64, 0}, {tx_packets, u64, 0}, {rx_bytes, u64, 0}, {tx_bytes, u64, 0}, {rx_errors, u64, 0},
         {tx_errors, u64, 0}, {rx_dropped, u64, 0}, {tx_dropped, u64, 0}, {multicast, u64, 0}, {collisions, u64, 0},
         {rx_length_errors, u64, 0}, {rx_over_errors, u64, 0}, {rx_crc_errors, u64, 0}, {rx_frame_errors, u64, 0},
         {rx_fifo_errors, u64, 0}, {rx_missed_errors, u64, 0}, {tx_aborted_errors, u64, 0},
         {tx_carrier_errors, u64, 0}, {tx_fifo_errors, u64, 0}, {tx_heartbeat_errors, u64, 0},
         {tx_window_errors, u64, 0}, {rx_compressed, u64, 0}, {tx_compressed, u64, 0}, {rx_nohandler, u64, 0},
         {rx_otherhost_dropped, u64, 0}]).
%% struct rtnl_link_ifmap.
-define(MAP,
        [{mem_start, u64, 0}, {mem_end, u64, 0}, {base_addr, u64, 0}, {irq, u16, 0}, {dma, u8, 0}, {port, u8, 0},
         {pad, 4}]).
%% IFA_F_* of if_addr.h.
-define(ADDR_FLAGS,
        [{secondary, 16#1}, {nodad, 16#2}, {optimistic, 16#4}, {dadfailed, 16#8}, {homeaddress, 16#10},
         {deprecated, 16#20}, {tentative, 16#40}, {permanent, 16#80}, {managetempaddr, 16#100},
         {noprefixroute, 16#200}, {mcautojoin, 16#400}, {stable_privacy, 16#800}]).
%% struct ifa_cacheinfo: seconds (16#FFFFFFFF: for ever), and hundredths of seconds since boot.
-define(ADDR_CACHEINFO,
        [{preferred, u32, 0}, {valid, u32, 0}, {created, u32, 0}, {updated, u32, 0}]).
%% RT_SCOPE_*.
-define(SCOPES,
        [{universe, 0}, {site, 200}, {link, 253}, {host, 254}, {nowhere, 255}]).
%% RT_TABLE_*.
-define(TABLES,
        [{unspec, 0}, {compat, 252}, {default, 253}, {main, 254}, {local, 255}]).
%% RTN_*.
-define(ROUTE_TYPES,
        [{unspec, 0}, {unicast, 1}, {local, 2}, {broadcast, 3}, {anycast, 4}, {multicast, 5}, {blackhole, 6},
         {unreachable, 7}, {prohibit, 8}, {throw, 9}, {nat, 10}, {xresolve, 11}]).
%% RTPROT_*.
-define(ROUTE_PROTOCOLS,
        [{unspec, 0}, {redirect, 1}, {kernel, 2}, {boot, 3}, {static, 4}, {gated, 8}, {ra, 9}, {mrt, 10},
         {zebra, 11}, {bird, 12}, {dnrouted, 13}, {xorp, 14}, {ntk, 15}, {dhcp, 16}, {mrouted, 17}, {keepalived, 18},
         {babel, 42}, {openr, 99}, {bgp, 186}, {isis, 187}, {ospf, 188}, {rip, 189}, {eigrp, 192}]).
%% RTNH_F_*.
-define(HOP_FLAGS,
        [{dead, 16#1}, {pervasive, 16#2}, {onlink, 16#4}, {offload, 16#8}, {linkdown, 16#10}, {unresolved, 16#20},
         {trap, 16#40}]).
%% RTNH_F_* and RTM_F_*.
-define(ROUTE_FLAGS,
        [{dead, 16#1}, {pervasive, 16#2}, {onlink, 16#4}, {offloaded, 16#8}, {linkdown, 16#10}, {unresolved, 16#20},
         {trapped, 16#40}, {notify, 16#100}, {cloned, 16#200}, {equalize, 16#400}, {prefix, 16#800},
         {lookup_table, 16#1000}, {fib_match, 16#2000}, {offload, 16#4000}, {trap, 16#8000},
         {offload_failed, 16#20000000}]).
%% RTAX_*.
-define(METRICS,
        [{lock, 1, u32}, {mtu, 2, u32}, {window, 3, u32}, {rtt, 4, u32}, {rttvar, 5, u32}, {ssthresh, 6, u32},
         {cwnd, 7, u32}, {advmss, 8, u32}, {reordering, 9, u32}, {hoplimit, 10, u32}, {initcwnd, 11, u32},
         {features, 12, u32}, {rto_min, 13, u32}, {initrwnd, 14, u32}, {quickack, 15, u32}, {cc_algo, 16, string},
         {fastopen_no_cookie, 17, u32}]).
%% struct rta_cacheinfo.
-define(ROUTE_CACHEINFO,
        [{clntref, u32, 0}, {lastuse, u32, 0}, {expires, s32, 0}, {error, u32, 0}, {used, u32, 0}, {id, u32, 0},
         {ts, u32, 0}, {tsage, u32, 0}]).
%% NUD_*.
-define(NEIGH_STATES,
        [{incomplete, 16#1}, {reachable, 16#2}, {stale, 16#4}, {delay, 16#8}, {probe, 16#10}, {failed, 16#20},
         {noarp, 16#40}, {permanent, 16#80}]).
%% NTF_*.
-define(NEIGH_FLAGS,
        [{use, 16#1}, {self, 16#2}, {master, 16#4}, {proxy, 16#8}, {ext_learned, 16#10}, {offloaded, 16#20},
         {sticky, 16#40}, {router, 16#80}]).
%% struct nda_cacheinfo: clock ticks since then (of sysconf(_SC_CLK_TCK)).
-define(NEIGH_CACHEINFO,
        [{confirmed, u32, 0}, {used, u32, 0}, {updated, u32, 0}, {refcnt, u32, 0}]).

%% @doc The types of messages: RTM_* and those of every protocol.
-spec types() -> esock_layout:table().
types() ->
    [{noop, 1}, {error, 2}, {done, 3}, {overrun, 4}, {newlink, 16}, {dellink, 17}, {getlink, 18}, {setlink, 19},
     {newaddr, 20}, {deladdr, 21}, {getaddr, 22}, {newroute, 24}, {delroute, 25}, {getroute, 26}, {newneigh, 28},
     {delneigh, 29}, {getneigh, 30}].

%% @doc NLM_F_*. The upper ones depend on the type of the message, and for {@link esock_netlink:encode/2} on its protocol.
-spec flags(route | sock_diag | raw, 0..16#FFFF) -> esock_layout:table().
flags(_, Type) when Type =:= 2; Type =:= 3 -> any_flags() ++ [{capped, 16#100}, {ack_tlvs, 16#200}];
flags(route, Type) when Type >= 16, Type band 3 =:= 0 ->
    any_flags() ++ [{replace, 16#100}, {excl, 16#200}, {create, 16#400}, {append, 16#800}];
flags(route, Type) when Type >= 16, Type band 3 =:= 1 -> any_flags() ++ [{nonrec, 16#100}, {bulk, 16#200}];
flags(_, _) -> any_flags() ++ [{dump, 16#300}, {root, 16#100}, {match, 16#200}, {atomic, 16#400}].

any_flags() -> [{request, 1}, {multi, 2}, {ack, 4}, {echo, 8}, {dump_intr, 16#10}, {dump_filtered, 16#20}].

%% @doc Address families, AF_*, as a field of that size.
-spec family(u8 | u16) -> esock_layout:type().
family(Size) ->
    {enum, Size, [{unspec, 0}, {local, 1}, {inet, 2}, {bridge, 7}, {inet6, 10}, {netlink, 16}, {packet, 17}, {mpls, 28}, {can, 29},
                  {ipmr, 128}, {ip6mr, 129}]}.

%% @doc The bodies of the messages of rtnetlink: the struct, and the attributes behind it.
-spec body(link | addr | route | neigh | nexthop) -> esock_netlink_attr:body().
body(link) ->
    {[{family, family(u8), unspec}, {pad, 1}, {type, {enum, u16, ?HARDWARE}, 0}, {index, s32, 0}, {flags, {flags, u32, ?IFF}, []},
      {change, {flags, u32, ?IFF}, []}], link()};
body(addr) ->
    {[{family, family(u8), unspec}, {prefixlen, u8, 0}, {flags8, {flags, u8, ?ADDR_FLAGS}, []}, {scope, {enum, u8, ?SCOPES}, universe},
      {index, u32, 0}], addr()};
body(route) ->
    {[{family, family(u8), unspec}, {dst_len, u8, 0}, {src_len, u8, 0}, {tos, u8, 0}, {table, {enum, u8, ?TABLES}, unspec},
      {protocol, {enum, u8, ?ROUTE_PROTOCOLS}, unspec}, {scope, {enum, u8, ?SCOPES}, universe},
      {type, {enum, u8, ?ROUTE_TYPES}, unspec}, {flags, {flags, u32, ?ROUTE_FLAGS}, []}], route()};
body(neigh) ->
    {[{family, family(u8), unspec}, {pad, 3}, {index, s32, 0}, {state, {flags, u16, ?NEIGH_STATES}, []},
      {flags, {flags, u8, ?NEIGH_FLAGS}, []}, {type, {enum, u8, ?ROUTE_TYPES}, unspec}], neigh()};
body(nexthop) ->
    %% Its length, then.
    {[{pad, 2}, {flags, {flags, u8, ?HOP_FLAGS}, []}, {hops, u8, 0}, {index, s32, 0}], route()}.

%% IFLA_*.
link() ->
    [{address, 1, binary}, {broadcast, 2, binary}, {name, 3, {string, 15}}, {mtu, 4, u32}, {link, 5, u32},
     {qdisc, 6, string}, {stats32, 7, binary}, {cost, 8, binary}, {priority, 9, binary}, {master, 10, u32},
     {wireless, 11, binary}, {protinfo, 12, binary}, {txqlen, 13, u32}, {map, 14, {struct, ?MAP}}, {weight, 15, u32},
     {operstate, 16, {enum, u8, ?OPERSTATES}},
     {linkmode, 17, {enum, u8, [{default, 0}, {dormant, 1}, {testing, 2}]}}, {linkinfo, 18, {nested, linkinfo()}},
     {net_ns_pid, 19, u32}, {alias, 20, {string, 255}}, {num_vf, 21, u32}, {vfinfo_list, 22, binary},
     {stats, 23, {struct, ?STATS}}, {vf_ports, 24, binary}, {port_self, 25, binary}, {af_spec, 26, binary},
     {group, 27, u32}, {net_ns_fd, 28, u32}, {ext_mask, 29, u32}, {promiscuity, 30, u32}, {num_tx_queues, 31, u32},
     {num_rx_queues, 32, u32}, {carrier, 33, u8}, {phys_port_id, 34, binary}, {carrier_changes, 35, u32},
     {phys_switch_id, 36, binary}, {link_netnsid, 37, s32}, {phys_port_name, 38, string}, {proto_down, 39, u8},
     {gso_max_segs, 40, u32}, {gso_max_size, 41, u32}, {xdp, 43, binary}, {event, 44, u32}, {new_netnsid, 45, s32},
     {target_netnsid, 46, s32}, {carrier_up_count, 47, u32}, {carrier_down_count, 48, u32}, {new_ifindex, 49, s32},
     {min_mtu, 50, u32}, {max_mtu, 51, u32},
     {prop_list, 52, {nested, [{alt_ifname, 53, {multi, {string, 127}}}]}}, {alt_ifname, 53, {string, 127}},
     {perm_address, 54, binary}, {proto_down_reason, 55, binary},
     {parent_dev_name, 56, string}, {parent_dev_bus_name, 57, string}, {gro_max_size, 58, u32},
     {tso_max_size, 59, u32}, {tso_max_segs, 60, u32}, {allmulti, 61, u32},
     {devlink_port, 62, binary}, {gso_ipv4_max_size, 63, u32}, {gro_ipv4_max_size, 64, u32}, {dpll_pin, 65, binary},
     {max_pacing_offload_horizon, 66, u32}, {netns_immutable, 67, u8}, {headroom, 68, u16}, {tailroom, 69, u16}].

%% IFLA_INFO_*, and the data of a kind of link.
linkinfo() ->
    [{kind, 1, string},
     {data, 2, {union, kind, #{<<"veth">> => {nested, [{peer, 1, {body, link}}]}, <<"vlan">> => {nested, [{id, 1, u16}]}}}},
     {xstats, 3, binary}, {slave_kind, 4, string}, {slave_data, 5, binary}].

%% IFA_*.
addr() ->
    [{address, 1, ip}, {local, 2, ip}, {label, 3, {string, 15}}, {broadcast, 4, ip}, {anycast, 5, ip},
     {cacheinfo, 6, {struct, ?ADDR_CACHEINFO}}, {multicast, 7, ip}, {flags, 8, {flags, u32, ?ADDR_FLAGS}},
     {priority, 9, u32}, {target_netnsid, 10, s32}, {proto, 11, u8}].

%% RTA_*.
route() ->
    [{dst, 1, ip}, {src, 2, ip}, {iif, 3, u32}, {oif, 4, u32}, {gateway, 5, ip}, {priority, 6, u32},
     {prefsrc, 7, ip}, {metrics, 8, {nested, ?METRICS}}, {multipath, 9, nexthops}, {flow, 11, u32},
     {cacheinfo, 12, {struct, ?ROUTE_CACHEINFO}}, {table_id, 15, {enum, u32, ?TABLES}}, {mark, 16, u32},
     {mfc_stats, 17, binary}, {via, 18, via}, {newdst, 19, binary}, {pref, 20, u8}, {encap_type, 21, u16},
     {encap, 22, binary}, {expires, 23, u32}, {uid, 25, u32}, {ttl_propagate, 26, u8}, {ip_proto, 27, u8},
     {sport, 28, be16}, {dport, 29, be16}, {nh_id, 30, u32}].

%% NDA_*.
neigh() ->
    [{dst, 1, ip}, {lladdr, 2, binary}, {cacheinfo, 3, {struct, ?NEIGH_CACHEINFO}}, {probes, 4, u32}, {vlan, 5, u16},
     {port, 6, be16}, {vni, 7, u32}, {ifindex, 8, u32}, {master, 9, u32}, {link_netnsid, 10, s32},
     {src_vni, 11, u32}, {protocol, 12, u8}, {nh_id, 13, u32}, {fdb_ext_attrs, 14, binary},
     {flags_ext, 15, {flags, u32, [{managed, 1}]}}].

%% @doc Errors and their numbers, asm-generic/errno.h. OTP's names where a number has two.
-spec errors() -> esock_layout:table().
errors() ->
    [{eperm, 1}, {enoent, 2}, {esrch, 3}, {eintr, 4}, {eio, 5}, {enxio, 6}, {e2big, 7}, {enoexec, 8}, {ebadf, 9},
     {echild, 10}, {eagain, 11}, {enomem, 12}, {eacces, 13}, {efault, 14}, {enotblk, 15}, {ebusy, 16}, {eexist, 17},
     {exdev, 18}, {enodev, 19}, {enotdir, 20}, {eisdir, 21}, {einval, 22}, {enfile, 23}, {emfile, 24}, {enotty, 25},
     {etxtbsy, 26}, {efbig, 27}, {enospc, 28}, {espipe, 29}, {erofs, 30}, {emlink, 31}, {epipe, 32}, {edom, 33},
     {erange, 34}, {edeadlk, 35}, {enametoolong, 36}, {enolck, 37}, {enosys, 38}, {enotempty, 39}, {eloop, 40},
     {enomsg, 42}, {eidrm, 43}, {echrng, 44}, {el2nsync, 45}, {el3hlt, 46}, {el3rst, 47}, {elnrng, 48},
     {eunatch, 49}, {enocsi, 50}, {el2hlt, 51}, {ebade, 52}, {ebadr, 53}, {exfull, 54}, {enoano, 55}, {ebadrqc, 56},
     {ebadslt, 57}, {ebfont, 59}, {enostr, 60}, {enodata, 61}, {etime, 62}, {enosr, 63}, {enonet, 64}, {enopkg, 65},
     {eremote, 66}, {enolink, 67}, {eadv, 68}, {esrmnt, 69}, {ecomm, 70}, {eproto, 71}, {emultihop, 72},
     {edotdot, 73}, {ebadmsg, 74}, {eoverflow, 75}, {enotuniq, 76}, {ebadfd, 77}, {eremchg, 78}, {elibacc, 79},
     {elibbad, 80}, {elibscn, 81}, {elibmax, 82}, {elibexec, 83}, {eilseq, 84}, {erestart, 85}, {estrpipe, 86},
     {eusers, 87}, {enotsock, 88}, {edestaddrreq, 89}, {emsgsize, 90}, {eprototype, 91}, {enoprotoopt, 92},
     {eprotonosupport, 93}, {esocktnosupport, 94}, {enotsup, 95}, {epfnosupport, 96}, {eafnosupport, 97},
     {eaddrinuse, 98}, {eaddrnotavail, 99}, {enetdown, 100}, {enetunreach, 101}, {enetreset, 102},
     {econnaborted, 103}, {econnreset, 104}, {enobufs, 105}, {eisconn, 106}, {enotconn, 107}, {eshutdown, 108},
     {etoomanyrefs, 109}, {etimedout, 110}, {econnrefused, 111}, {ehostdown, 112}, {ehostunreach, 113},
     {ealready, 114}, {einprogress, 115}, {estale, 116}, {euclean, 117}, {enotnam, 118}, {enavail, 119},
     {eisnam, 120}, {eremoteio, 121}, {edquot, 122}, {enomedium, 123}, {emediumtype, 124}, {ecanceled, 125},
     {enokey, 126}, {ekeyexpired, 127}, {ekeyrevoked, 128}, {ekeyrejected, 129}, {eownerdead, 130},
     {enotrecoverable, 131}, {erfkill, 132}].

%% @doc The groups of rtnetlink, RTNLGRP_*.
-spec groups() -> esock_layout:table().
groups() ->
    [{link, 1}, {notify, 2}, {neigh, 3}, {tc, 4}, {ipv4_ifaddr, 5}, {ipv4_mroute, 6}, {ipv4_route, 7},
     {ipv4_rule, 8}, {ipv6_ifaddr, 9}, {ipv6_mroute, 10}, {ipv6_route, 11}, {ipv6_ifinfo, 12}, {ipv6_prefix, 18},
     {ipv6_rule, 19}, {nd_useropt, 20}, {ipv4_netconf, 24}, {ipv6_netconf, 25}, {mdb, 26}, {nsid, 28}, {nexthop, 32},
     {brvlan, 33}, {tunnel, 35}, {stats, 36}].

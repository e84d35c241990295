%% @doc Sockets: the API of OTP's module `socket', on pollers and waiting lines of its own.
%%
%% Functions, returns, raised errors and messages are those of `socket' in Erlang/OTP; README.md lists what differs. A
%% program for `socket' runs with the module name changed.
%%
%% == Waiting ==
%%
%% The functions that can wait take a last argument:
%% <ul>
%% <li>`infinity', or a number of milliseconds: the caller waits;</li>
%% <li>`0': the call does not wait, and answers `{error, timeout}' where it would have to;</li>
%% <li>`nowait': the call answers `{select, {select_info, Tag, Handle}}' where it would have to wait;</li>
%% <li>a reference: as `nowait', with the caller's own reference as `Handle'.</li>
%% </ul>
%% Who was answered `select' gets exactly one of these messages, unless he cancels with {@link cancel/2}:
%% <ul>
%% <li>`{'$socket', Socket, select, Handle}': call again;</li>
%% <li>`{'$socket', Socket, abort, {Handle, Reason}}': the socket was closed (`Reason = closed'), or another process in
%% the same line met an error that concerns everybody.</li>
%% </ul>
%% Of several processes that receive (or accept, or send) on one socket, one has the turn and the others stand in line.
%% Who was sent `select' keeps the turn until he calls again or cancels. A process has one place in a line: calling again
%% before the message has come takes the place of the wait from before, whose handle is sent `abort' with `cancelled'.
%%
%% == Completions ==
%%
%% On a socket with the back end `io_uring' ({@link open/4}) a call with `nowait' or a handle answers
%% `{completion, {completion_info, Op, Handle}}' where another would answer `select', and then the caller is sent one of
%% <ul>
%% <li>`{'$socket', Socket, completion, {Handle, Result}}': the call is done; `Result' is what it would have answered if it
%% had waited;</li>
%% <li>`{'$socket', Socket, abort, {Handle, Reason}}', as above.</li>
%% </ul>
%% With `{otp, select_read}' set, a receive that gets something at once answers `{completion, {Info, Data}}': the next one is
%% under way. A process may wait for any number of completions. {@link sendmmsg/4}, messages with `gso' and {@link sendfile/5}
%% of a file that was not opened `raw' answer `select' on any socket, and so does {@link recv/4} of a length of a stream that was
%% opened by its descriptor. A program that handles both answers runs on either.
-module(esock).

-compile({no_auto_import, [monitor/1]}).

-export([open/1, open/2, open/3, open/4]).
-export([bind/2, bind/3]).
-export([peeloff/2, peeloff/3]).
-export([connect/1, connect/2, connect/3]).
-export([listen/1, listen/2]).
-export([accept/1, accept/2]).
-export([accept_many/2, accept_many/3]).
-export([send/2, send/3, send/4]).
-export([sendto/3, sendto/4, sendto/5]).
-export([recv/1, recv/2, recv/3, recv/4]).
-export([recv_some/4]).
-export([recvfrom/1, recvfrom/2, recvfrom/3, recvfrom/4]).
-export([sendmsg/2, sendmsg/3, sendmsg/4]).
-export([sendmmsg/4]).
-export([sendv/2, sendv/3, sendv/4, rest_iov/2]).
-export([sendfile/2, sendfile/3, sendfile/4, sendfile/5]).
-export([recvmsg/1, recvmsg/2, recvmsg/3, recvmsg/4, recvmsg/5]).
-export([recvmmsg/6]).
-export([shutdown/2]).
-export([close/1]).
-export([cancel/2]).
-export([setopt/3, setopt/4, setopt_native/3]).
-export([getopt/2, getopt/3, getopt_native/3]).
-export([sockname/1, socknames/2]).
-export([peername/1, peernames/2]).
-export([ioctl/2, ioctl/3, ioctl/4]).
-export([number_of/0]).
-export([which_sockets/0, which_sockets/1]).
-export([use_registry/1]).
-export([monitor/1]).
-export([cancel_monitor/1]).
-export([number_of_monitors/0, number_of_monitors/1]).
-export([which_monitors/1]).
-export([monitored_by/1]).
-export([debug/1, socket_debug/1]).
-export([info/0, info/1]).
-export([i/0, i/1, i/2]).
-export([supports/0, supports/1, supports/2]).
-export([is_supported/1, is_supported/2, is_supported/3]).
-export([options/0, options/1, options/2, option/1, option/2]).
-export([protocols/0, protocol/1]).
-export([tables/0, table/1]).
-export([mk_sockaddr/2, mk_sockaddr/3]).
-export([format_error/1]).
-export([to_list/1]).
-export([which_socket_kind/1]).

-export_type([socket/0, socket_handle/0, select_tag/0, select_handle/0, select_info/0, invalid/0, eei/0]).
-export_type([completion_tag/0, completion_handle/0, completion_info/0]).
-export_type([domain/0, type/0, protocol/0, port_number/0, in_addr/0, in6_addr/0]).
-export_type([sockaddr/0, sockaddr_recv/0, sockaddr_in/0, sockaddr_in6/0, sockaddr_un/0, sockaddr_ll/0, sockaddr_dl/0]).
-export_type([sockaddr_unspec/0, sockaddr_native/0, interface_type/0, msg_flag/0]).
-export_type([level/0, otp_socket_option/0, socket_option/0, linger/0, timeval/0, timespec/0]).
-export_type([ip_mreq/0, ip_mreq_source/0, ip_msfilter/0, ip_pmtudisc/0, ip_tos/0, iptos_value/0, iptos_tos/0]).
-export_type([iptos_dscp/0, iptos_native/0, ip_pktinfo/0, ipv6_mreq/0, ipv6_pmtudisc/0, ipv6_hops/0, ipv6_pktinfo/0]).
-export_type([sctp_assoc_id/0, sctp_setadaption/0, sctp_assocparams/0, sctp_event_subscribe/0, sctp_initmsg/0]).
-export_type([sctp_rtoinfo/0, sctp_snd_rcv_info/0, sctp_set_peer_primary_address/0, sctp_set_primary_address/0]).
-export_type([sctp_set_adaptation_layer_ind/0, sctp_peer_address_parameters/0, sctp_pap_flags/0, sctp_pap_flag/0]).
-export_type([sctp_assoc_stats/0, sctp_status/0, sctp_peer_address_info/0, sctp_peer_address_state/0]).
-export_type([msg/0, msg_send/0, msg_recv/0, cmsg/0, cmsg_send/0, cmsg_recv/0]).
-export_type([ee_origin/0, icmp_dest_unreach/0, icmpv6_dest_unreach/0, extended_err/0]).
-export_type([later/0, later/1, posix/0, uint8/0, uint16/0, uint32/0, uint64/0, cmsg_native/0, native_value/0]).
-export_type([socket_counters/0, socket_info/0, info/0, info_keys/0, ioctl_device_flag/0, ioctl_device_map/0]).

-type socket() :: {'$socket', socket_handle()}.
%% A socket. Only its controlling process hands it over or has it end with itself; any process may use it.

-opaque socket_handle() :: reference().
%% What is in a socket: nothing to look into.

-type select_tag() :: atom() | {atom(), ContData :: term()}.
%% What a wait is for: the name of the function, and for a send what goes on where the message comes.

-type select_handle() :: reference().
%% The reference in the message of a wait. A caller may give one of its own instead of `nowait'.

-type select_info() :: {select_info, select_tag(), select_handle()}.
%% A wait, for {@link cancel/2}.

-type completion_tag() :: atom().
%% The name of the function that is to be completed.

-type completion_handle() :: reference().
%% The reference in the message of a completion.

-type completion_info() :: {completion_info, completion_tag(), completion_handle()}.
%% A pending completion, for {@link cancel/2}.

-type later() :: {select, select_info()} | {completion, completion_info()}.
%% The answer to a call that would have to wait. Which of the two is the back end's.

-type later(Part) ::
        {select, select_info() | {select_info(), Part}} | {completion, completion_info() | {completion_info(), Part}}.
%% The same, with what has gone or come already.

-type invalid() :: {invalid, What :: term()}.
%% What is wrong with an argument.

-type eei() :: #{info := atom(), raw_info := term()}.
%% More about an error: of Windows, so that no call here answers it.

-type posix() :: inet:posix() | atom().
%% An error of the system, errno(3), in small letters.

-type domain() :: inet | inet6 | local | unspec.
%% A communication domain, socket(2). Where an atom is missing its number does, AF_* of address_families(7).

-type type() :: stream | dgram | raw | rdm | seqpacket.
%% A communication type, socket(2).

-type protocol() :: atom().
%% A protocol by its name, `default' for the one of the domain and type: {@link protocols/0} has them.

-type port_number() :: 0..65535.
%% A port, in host order.

-type in_addr() :: {0..255, 0..255, 0..255, 0..255}.
%% An IPv4 address, as in {@link inet}.

-type in6_addr() :: {0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535}.
%% An IPv6 address, as in {@link inet}.

-type uint8() :: 0..16#FF.
%% A byte.

-type uint16() :: 0..16#FFFF.
%% A number of 16 bits.

-type uint32() :: 0..16#FFFFFFFF.
%% A number of 32 bits.

-type uint64() :: 0..16#FFFFFFFFFFFFFFFF.
%% A number of 64 bits.

-type sockaddr_in() ::
        #{family := inet, port => port_number(), addr => any | broadcast | loopback | in_addr()}.
%% ip(7). Without an address it is `any', without a port 0: one of the system's choice.

-type sockaddr_in6() ::
        #{family := inet6, port => port_number(), addr => any | loopback | in6_addr(),
          flowinfo => 0..16#FFFFF, scope_id => uint32()}.
%% ipv6(7). `flowinfo' is the number, `scope_id' the index of the interface of a link-local address.

-type sockaddr_un() :: #{family := local, path := binary() | string()}.
%% unix(7). A path of at most 108 bytes; an abstract name begins with a NUL; nothing is a name of the system's choice.

-type sockaddr_ll() ::
        #{family := packet, protocol => 0..65535, ifindex => integer(), pkttype => atom() | 0..255,
          hatype => atom() | 0..65535, addr => binary()}.
%% packet(7), of the link. What is left out is 0, or nothing; `protocol' is in host order, `addr' has at most 8 bytes.

-type sockaddr_dl() ::
        #{family := link, index := non_neg_integer(), type := interface_type(), nlen := non_neg_integer(),
          alen := non_neg_integer(), slen := non_neg_integer(), data := binary()}.
%% Of BSD: no socket here has one.

-type interface_type() :: atom() | non_neg_integer().
%% A kind of interface, of BSD.

-type sockaddr_unspec() :: #{family := unspec, addr => binary()}.
%% No family: {@link connect/2} to it ends a connection, or the association of a datagram socket with its peer.

-type sockaddr_native() :: #{family := integer(), addr => binary()}.
%% An address of any other family: its number, and the bytes behind it.

-type sockaddr() ::
        sockaddr_in() | sockaddr_in6() | sockaddr_un() | sockaddr_ll() | sockaddr_dl() | sockaddr_unspec() |
        sockaddr_native().
%% An address that a function takes.

-type sockaddr_recv() :: sockaddr() | binary().
%% An address that a function answers.

-type msg_flag() :: cmsg_cloexec | confirm | ctrunc | dontroute | eor | errqueue | more | nosignal | oob | peek | trunc.
%% MSG_* of send(2) and recv(2). {@link is_supported/2} tells which the system has; a number is a flag by itself.

-type msg() :: msg_send() | msg_recv().
%% A message to send, or one that came.

-type msg_send() ::
        #{addr => sockaddr(), iov := erlang:iovec(), ctrl => [cmsg_send() | cmsg_native()], gso => 1..65535}.
%% A message to send. `gso': the size of the datagrams that the data goes as.

-type msg_recv() ::
        #{addr => sockaddr_recv(), iov := erlang:iovec(), ctrl := [cmsg_recv() | cmsg_native()],
          flags := [msg_flag() | integer()], length => non_neg_integer(), gro => pos_integer()} |
        #{addr => sockaddr_recv(), notification := #{type := atom() | integer(), atom() => term()}, ctrl := [cmsg_native()],
          flags := [notification | msg_flag() | integer()]}.
%% A message that came. `length', where the flag `trunc' was given and the message was cut: how long it was. `gro', where it was made of
%% several datagrams: how long each of them is but the last, which may be shorter. With `notification' it is one of SCTP's, RFC 6458
%% section 6.1.

-type cmsg_native() :: #{level := level() | integer(), type := atom() | integer(), data := binary()}.
%% A control message of which no table knows the type, cmsg(3).

-type cmsg() :: cmsg_recv() | cmsg_send().
%% A control message, cmsg(3).

-type cmsg_recv() ::
        #{level := level() | integer(), type := atom() | integer(), data := binary(), value => term()}.
%% One that came: its bytes, and what they say where the type is known.

-type cmsg_send() ::
        #{level := level() | integer(), type := atom() | integer(), data => native_value(), value => term()}.
%% One to send: its bytes, or what they are to say, or both, as one that came has them.

-type native_value() :: integer() | boolean() | binary().
%% Bytes for the system; a number or a boolean stands for a C int.

-type ee_origin() :: none | local | icmp | icmp6 | txstatus | zerocopy.
%% Where an error of the error queue comes from, ip(7).

-type icmp_dest_unreach() :: net_unreach | host_unreach | port_unreach | frag_needed | net_unknown | host_unknown.
%% The `code' of such an error from IPv4.

-type icmpv6_dest_unreach() ::
        noroute | adm_prohibited | not_neighbour | addr_unreach | port_unreach | policy_fail | reject_route.
%% The `code' of such an error from IPv6.

-type extended_err() ::
        #{error := posix(), origin := ee_origin() | uint8(), type := atom() | uint8(), code := atom() | uint8(),
          info := uint32(), data := uint32(), offender := sockaddr_recv()}.
%% What the error queue has, ip(7): the `value' of a control message of type `recverr'.

-type level() :: otp | socket | protocol().
%% The level of an option or a control message: who looks at it. `otp' is this library.

-type linger() :: #{onoff := boolean(), linger := non_neg_integer()}.
%% SO_LINGER of socket(7), in seconds.

-type timeval() :: #{sec := integer(), usec := integer()}.
%% A time, in seconds and microseconds.

-type timespec() :: #{sec := integer(), nsec := integer()}.
%% A time, in seconds and nanoseconds.

-type ip_mreq() :: #{multiaddr := in_addr(), interface := in_addr()}.
%% A multicast group and the interface, by its address, ip(7).

-type ip_mreq_source() :: #{multiaddr := in_addr(), interface := in_addr(), sourceaddr := in_addr()}.
%% The same, with the one sender that is heard, or not.

-type ip_msfilter() ::
        #{multiaddr := in_addr(), interface := in_addr(), mode := include | exclude, slist := [in_addr()]}.
%% The senders of a group that are heard, or not, ip(7).

-type ip_pmtudisc() :: want | dont | do | probe.
%% Whether the MTU of the path is found out, IP_MTU_DISCOVER of ip(7).

-type ip_tos() ::
        #{native := iptos_native(), tos := iptos_tos(), dscp := iptos_dscp() | non_neg_integer()}.
%% What getopt answers: one byte in three readings. setopt takes an {@link iptos_value()}.

-type iptos_value() :: iptos_tos() | iptos_dscp() | iptos_native() | lowdelay | throughput | reliability | mincost.
%% What setopt takes for `{ip, tos}'.

-type iptos_tos() ::
        #{precedence := netcontrol | internetcontrol | critical_ecp | flashoverride | flash | immediate | priority |
                        routine | 0..7,
          tos := default | lowdelay | throughput | reliability | mincost | 0..15}.
%% The byte as RFC 1349 has it.

-type iptos_dscp() ::
        cs0 | le | cs1 | af11 | af12 | af13 | cs2 | af21 | af22 | af23 | cs3 | af31 | af32 | af33 | cs4 | af41 | af42 |
        af43 | cs5 | voice_admit | nqb | ef | cs6 | cs7.
%% The byte as RFC 2474 has it, and those after it.

-type iptos_native() :: non_neg_integer().
%% The byte.

-type ip_pktinfo() :: #{ifindex := non_neg_integer(), spec_dst := in_addr(), addr := in_addr()}.
%% IP_PKTINFO of ip(7): the interface, and the addresses on this side and in the header.

-type ipv6_mreq() :: #{multiaddr := in6_addr(), interface := non_neg_integer()}.
%% A multicast group and the interface, by its index, ipv6(7).

-type ipv6_pmtudisc() :: want | dont | do | probe.
%% Whether the MTU of the path is found out, IPV6_MTU_DISCOVER of ipv6(7).

-type ipv6_hops() :: default | uint8().
%% A hop limit, or the system's.

-type ipv6_pktinfo() :: #{addr := in6_addr(), ifindex := integer()}.
%% IPV6_PKTINFO of ipv6(7): the address on this side, and the interface.

-type sctp_assoc_id() :: integer().
%% The number of an association, RFC 6458.

-type sctp_setadaption() :: #{adaption_ind := uint32()}.
%% The adaptation layer, by its old name.

-type sctp_set_adaptation_layer_ind() :: #{ind := uint32()}.
%% The adaptation layer, RFC 6458 section 8.1.10.

-type sctp_assocparams() ::
        #{assoc_id := sctp_assoc_id(), asocmaxrxt := uint16(), number_peer_destinations := uint16(),
          peer_rwnd := uint32(), local_rwnd := uint32(), cookie_life := uint32()}.
%% Parameters of an association, RFC 6458 section 8.1.2.

-type sctp_event_subscribe() ::
        #{data_io := boolean(), association := boolean(), address := boolean(), send_failure := boolean(),
          peer_error := boolean(), shutdown := boolean(), partial_delivery := boolean(), adaptation_layer => boolean(),
          authentication => boolean(), sender_dry => boolean(), stream_reset => boolean(), assoc_reset => boolean(),
          stream_change => boolean(), send_failure_event => boolean()}.
%% Which notifications come, RFC 6458 section 6.2.1.

-type sctp_initmsg() ::
        #{num_ostreams := uint16(), max_instreams := uint16(), max_attempts := uint16(), max_init_timeo := uint16()}.
%% How associations begin, RFC 6458 section 8.1.3.

-type sctp_rtoinfo() :: #{assoc_id := sctp_assoc_id(), initial := uint32(), max := uint32(), min := uint32()}.
%% Times of retransmission in milliseconds, RFC 6458 section 8.1.1.

-type sctp_snd_rcv_info() ::
        #{stream := uint16(), ssn => uint16(), flags => [unordered | addr_over | abort | sack_immediately | eof],
          ppid => uint32(), context => uint32(), time_to_live => uint32(), tsn => uint32(), cum_tsn => uint32(),
          assoc_id := sctp_assoc_id()}.
%% About a message, RFC 6458 section 5.3.2.

-type sctp_set_peer_primary_address() :: #{assoc_id := sctp_assoc_id(), addr := sockaddr()}.
%% The address that the peer is asked to prefer, RFC 6458 section 8.3.1.

-type sctp_set_primary_address() :: #{assoc_id := sctp_assoc_id(), addr := sockaddr()}.
%% The address of the peer that is preferred, RFC 6458 section 8.1.9.

-type sctp_peer_address_parameters() ::
        #{assoc_id := sctp_assoc_id(), addr := sockaddr(), heatbeat_interval := uint32(), path_max_rxt := uint16(),
          path_mtu => uint32(), sack_delay => uint32(), flags => sctp_pap_flags(), ipv6_flowlabel => uint32(),
          dscp => uint8()}.
%% How an address of the peer is watched, RFC 6458 section 8.1.12.

-type sctp_pap_flags() :: integer() | [sctp_pap_flag()].
%% The flags of those parameters, or their bits.

-type sctp_pap_flag() ::
        enable_heartbeats | disable_heartbeats | send_heartbeat_immediately | enable_pmtu_discovery |
        disable_pmtu_discovery | enable_sack | disable_sack | set_heartbeat_delay_to_zero | ipv6_flowlabel | dscp.
%% SPP_* of RFC 6458 section 8.1.12.

-type sctp_status() ::
        #{assoc_id := sctp_assoc_id(), state := atom(), rwnd := uint32(), unacked_data := uint16(),
          pending_data := uint16(), in_streams := uint16(), out_streams := uint16(), fragmentation_point := uint32(),
          primary := sctp_peer_address_info()}.
%% The state of an association, RFC 6458 section 8.2.1.

-type sctp_assoc_stats() ::
        #{assoc_id := sctp_assoc_id(), max_rto_addr := sockaddr(), max_rto := uint64(), in_sacks := uint64(),
          out_sacks := uint64(), in_packets := uint64(), out_packets := uint64(), rtx_chunks := uint64(),
          out_of_seq_tsns := uint64(), in_dup_chunks := uint64(), gap_ack_recv := uint64(),
          in_unordered_chunks := uint64(), out_unordered_chunks := uint64(), in_ordered_chunks := uint64(),
          out_ordered_chunks := uint64(), in_ctrl_chunks := uint64(), out_ctrl_chunks := uint64()}.
%% What an association has sent and received, sctp(7).

-type sctp_peer_address_info() ::
        #{assoc_id := sctp_assoc_id(), address := sockaddr(), state := sctp_peer_address_state(), cwnd := uint32(),
          srtt := uint32(), rto := uint32(), mtu := uint32()}.
%% The state of one address of the peer, RFC 6458 section 8.2.2.

-type sctp_peer_address_state() :: inactive | potentially_failed | active | unconfirmed | unknown.
%% Whether such an address is in use.

-type otp_socket_option() ::
        assoc_id | controlling_process | debug | domain | fd | iow | meta | rcvbuf | rcvctrlbuf | read_ahead | select_read |
        sndctrlbuf | use_registry.
%% An option of level `otp', which this library keeps. `doc/options.md' has them all, with the types of their values.

-type socket_option() :: {Level :: socket | ip | ipv6 | tcp | udp | sctp, Opt :: atom()}.
%% An option: {@link supports/1} tells which the system has, `doc/options.md' the types of their values.

-type socket_counters() :: #{atom() := non_neg_integer()}.
%% What a socket has sent, received and accepted: bytes, packages, tries, waits and failures. They do not wrap.

-type socket_info() ::
        #{domain := domain() | integer(),
          type := type() | integer(),
          protocol := protocol() | integer(),
          owner := pid() | undefined,
          ctype := normal | fromfd | {fromfd, integer()},
          counters := socket_counters(),
          io_backend := epoll | io_uring,
          read_ahead := non_neg_integer(),
          num_readers := non_neg_integer(),
          num_writers := non_neg_integer(),
          num_acceptors := non_neg_integer(),
          rstates := [atom()],
          wstates := [atom()]}.
%% What {@link info/1} answers. `read_ahead': bytes that were received and are kept for who reads next.

-type info() ::
        #{counters := #{atom() := non_neg_integer()},
          iov_max := non_neg_integer(),
          use_registry := boolean(),
          io_backend := #{name := epoll | io_uring | auto, pollers := pos_integer(), rings := non_neg_integer(),
                          memory := non_neg_integer(), busy := non_neg_integer(), sctp := #{atom() := boolean()},
                          refused => posix() | {memlock, non_neg_integer()}},
          atom() => term()}.
%% What {@link info/0} answers.

-type info_keys() ::
        [domain | type | protocol | fd | owner | local_address | remote_address | recv | sent | state].
%% The columns that {@link i/1} prints.

-type ioctl_device_flag() ::
        up | broadcast | debug | loopback | pointopoint | notrailers | knowsepoch | running | noarp | promisc | allmulti |
        master | oactive | slave | simplex | link0 | link1 | link2 | multicast | portsel | automedia | cantconfig |
        ppromisc | dynamic | monitor | staticarp | dying | renaming | nogroup | lower_up | dormant | echo.
%% A flag of an interface, netdevice(7).

-type ioctl_device_map() ::
        #{mem_start := non_neg_integer(), mem_end := non_neg_integer(), base_addr := non_neg_integer(),
          irq := non_neg_integer(), dma := non_neg_integer(), port := non_neg_integer()}.
%% What an interface has of the hardware, netdevice(7).

-define(SOCKET(Ref), {'$socket', Ref}).
-define(INFO(Tag, Handle), {select_info, Tag, Handle}).
-define(IS_SOCKET(Ref), is_reference(Ref)).
%% The backlog of listen/1 in socket.
-define(BACKLOG, 5).

%%% ---- Life ---------------------------------------------------------------------------------------------------------

%% @equiv open(FD, #{})
-spec open(FD :: integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD) when is_integer(FD) -> open(FD, #{});
open(FD) -> erlang:error(badarg, [FD]).

%% @doc A socket on a descriptor that is open already, or with the domain and type given.
%%
%% Of a descriptor the socket uses a duplicate, which is closed with it; with `#{dup => false}' the descriptor itself,
%% which is not, unless `own => true' gives it to the socket (a descriptor that came as a control message, say). Further
%% options: `debug', `use_registry' (booleans).
-spec open(FD :: integer(), Opts :: map()) -> {ok, socket()} | {error, posix() | invalid()};
          (domain() | integer(), type() | integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD, Opts) when is_integer(FD), is_map(Opts) -> esock_wait:taken(esock_nif:open(FD, Opts));
open(FD, Opts) when is_map(Opts) -> erlang:error(badarg, [FD, Opts]);
open(Domain, Type) -> open(Domain, Type, 0).

%% @doc As {@link open/4} without options, or with the default protocol.
-spec open(domain() | integer(), type() | integer(), Opts :: map() | default | protocol() | integer() | {raw, integer()}) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Opts) when is_map(Opts) -> open(Domain, Type, 0, Opts);
open(Domain, Type, Protocol) -> open(Domain, Type, Protocol, #{}).

%% @doc A new socket, socket(2). The caller becomes the controlling process: the socket is closed when it ends.
%%
%% Options: `use_registry' (whether {@link which_sockets/0} shows it, and it lives until it is closed or its owner ends; a socket
%% outside the registry is also closed by the collector when nobody refers to it; the default is {@link use_registry/1}'s) and
%% `debug'; `netns', the path of a network namespace that the socket is to be in, setns(2); `io_backend', `epoll',
%% `io_uring', or `auto' (io_uring where the system has it for us). The default is the application environment's
%% `io_backend', or that of the system's `ESOCK_IO_BACKEND', or `epoll'. `{error, {invalid, {io_backend, Reason}}}': the
%% system refuses a ring, with a `posix()', or `{memlock, Bytes}' where RLIMIT_MEMLOCK is too low; or it is none of these
%% names. The descriptor is closed on exec.
-spec open(domain() | integer(), type() | integer(), default | protocol() | integer() | {raw, integer()}, Opts :: map()) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Protocol, Opts) when is_map(Opts) ->
    case number(Protocol) of
        undefined -> {error, {invalid, {protocol, Protocol}}};
        Number -> open_number(Domain, Type, Number, Opts)
    end;
open(Domain, Type, Protocol, Opts) ->
    erlang:error(badarg, [Domain, Type, Protocol, Opts]).

number(Number) when is_integer(Number) -> Number;
number({raw, Number}) when is_integer(Number) -> Number;
number(default) -> 0;
number(Name) when is_atom(Name) -> esock_nif:protocol(Name);
number(Other) -> erlang:error({invalid, {protocol, Other}}).

open_number(Domain, Type, Number, Opts) ->
    case esock_nif:open(Domain, Type, Number, Opts) of
        netns ->
            #{netns := Path} = Opts,
            case path(Path) of
                Bytes when is_binary(Bytes) -> esock_wait:taken(esock_nif:open_in(Bytes, Domain, Type, Number, Opts));
                false -> erlang:error(badarg, [Domain, Type, Number, Opts]);
                _ -> {error, {invalid, {path, Path}}}
            end;
        Result ->
            esock_wait:taken(Result)
    end.

path(Path) when is_list(Path) -> unicode:characters_to_binary(Path, file:native_name_encoding());
path(Path) -> is_binary(Path) andalso Path.

%% @doc Gives the socket an address, bind(2). `any', `loopback' and `broadcast' are those of the socket's domain.
-spec bind(socket(), sockaddr() | any | broadcast | loopback) -> ok | {error, posix() | closed | invalid()}.
bind(?SOCKET(Ref), Addr) when ?IS_SOCKET(Ref), is_atom(Addr) ->
    bind_atom(Ref, Addr);
bind(?SOCKET(Ref), Addr) when ?IS_SOCKET(Ref) ->
    esock_nif:bind(Ref, Addr);
bind(Socket, Addr) ->
    erlang:error(badarg, [Socket, Addr]).

bind_atom(Ref, Addr) when Addr =:= any; Addr =:= broadcast; Addr =:= loopback ->
    case esock_nif:domain(Ref) of
        {ok, Domain} when Domain =:= inet; Domain =:= inet6 -> esock_nif:bind(Ref, #{family => Domain, addr => Addr});
        {ok, _} -> {error, eafnosupport};
        {error, _} = Error -> Error
    end;
bind_atom(_Ref, Addr) ->
    {error, {invalid, {sockaddr, Addr}}}.

%% @doc Adds addresses to an SCTP socket, or removes them, RFC 6458 section 9.1.
-spec bind(socket(), [sockaddr_in() | sockaddr_in6()], add | remove) -> ok | {error, posix() | closed | invalid()}.
bind(?SOCKET(Ref), Addrs, Action) when ?IS_SOCKET(Ref), is_list(Addrs), Action =:= add orelse Action =:= remove ->
    esock_nif:bindx(Ref, Addrs, Action =:= add);
bind(Socket, Addrs, Action) ->
    erlang:error(badarg, [Socket, Addrs, Action]).

%% @equiv peeloff(Socket, AssocId, [])
-spec peeloff(socket(), sctp_assoc_id()) -> {ok, socket()} | {error, posix() | closed}.
peeloff(Socket, AssocId) -> peeloff(Socket, AssocId, []).

%% @doc A socket of its own for one association of an SCTP socket, RFC 6458 section 9.2. The caller owns it.
%%
%% `Options' are read from the socket and set on the new one. `{ok, NewSocket, Errors}': those that could not be are
%% `{Option, get | set, Reason}' in `Errors'.
-spec peeloff(socket(), sctp_assoc_id(), Options :: [socket_option()]) ->
          {ok, socket()} | {ok, socket(), [{socket_option(), get | set, posix() | invalid()}]} | {error, posix() | closed}.
peeloff(?SOCKET(Ref) = Socket, AssocId, Options) when ?IS_SOCKET(Ref), is_integer(AssocId), is_list(Options) ->
    case esock_nif:peeloff(Ref, AssocId) of
        {ok, New} ->
            case [E || Option <- Options, {_, _, _} = E <- [inherit(Socket, New, Option)]] of
                [] -> {ok, New};
                Errors -> {ok, New, Errors}
            end;
        {error, _} = Error ->
            Error
    end;
peeloff(Socket, AssocId, Options) ->
    erlang:error(badarg, [Socket, AssocId, Options]).

inherit(From, To, Option) ->
    case getopt(From, Option) of
        {ok, Value} ->
            case setopt(To, Option, Value) of
                ok -> ok;
                {error, Reason} -> {Option, set, Reason}
            end;
        {error, Reason} ->
            {Option, get, Reason}
    end.

%% @equiv listen(Socket, 5)
-spec listen(socket()) -> ok | {error, posix() | closed}.
listen(Socket) -> listen(Socket, ?BACKLOG).

%% @doc Has the socket take connections, listen(2). `true' and `false' are for SCTP: associations are taken, or not.
-spec listen(socket(), Backlog :: integer() | boolean()) -> ok | {error, posix() | closed | invalid()}.
listen(Socket, true) -> listen(Socket, ?BACKLOG);
listen(Socket, false) -> listen(Socket, 0);
listen(?SOCKET(Ref), Backlog) when ?IS_SOCKET(Ref), is_integer(Backlog) -> esock_nif:listen(Ref, Backlog);
listen(Socket, Backlog) -> erlang:error(badarg, [Socket, Backlog]).

%% @doc The end of a connect that answered `select', once the message has come. Raises `{invalid, state}' where the
%% caller has no connect under way; `{error, already}': it has not ended yet.
-spec connect(socket()) -> ok | {error, posix() | closed | already}.
connect(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:connect(Ref);
connect(Socket) -> erlang:error(badarg, [Socket]).

%% @equiv connect(Socket, SockAddr, infinity)
-spec connect(socket(), sockaddr() | [sockaddr()]) ->
          ok | {ok, sctp_assoc_id()} | {error, posix() | closed | invalid() | already}.
connect(Socket, SockAddr) -> connect(Socket, SockAddr, infinity).

%% @doc Connects to an address, connect(2). After `{select, _}' and its message, {@link connect/1} tells the end.
%% `{error, already}': a connect is under way. A connect that timed out goes on in the system. To `#{family => unspec}' it ends the
%% connection, or a datagram socket's with its peer: nothing that has come from there is left to the next.
-spec connect(socket(), sockaddr() | [sockaddr()], timeout() | nowait | select_handle()) ->
          ok | {ok, sctp_assoc_id()} | later() | {error, posix() | closed | invalid() | already | timeout}.
connect(?SOCKET(Ref), SockAddrs, Timeout) when ?IS_SOCKET(Ref), is_list(SockAddrs) ->
    _ = wait(Timeout),
    esock_nif:connectx(Ref, SockAddrs);
connect(?SOCKET(Ref), SockAddr, Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {connect, SockAddr}, Timeout);
        How -> esock_wait:settled(fun() -> esock_nif:connect(Ref, SockAddr, Timeout, How) end)
    end;
connect(Socket, SockAddr, Timeout) ->
    erlang:error(badarg, [Socket, SockAddr, Timeout]).

%% @equiv accept(ListenSocket, infinity)
-spec accept(socket()) -> {ok, socket()} | {error, posix() | closed | invalid()}.
accept(Socket) -> accept(Socket, infinity).

%% @doc Takes a connection, accept(2). The caller becomes the new socket's controlling process. The new socket inherits
%% `{otp, debug | iow | rcvbuf | use_registry}'.
%%
%% An error of the moment is for who tried, and the listener goes on; those in line keep their places. Where something has
%% run out (`emfile', `enfile', `enobufs', `enomem'), a pause of 5 milliseconds begins that doubles each time, up to 100. In
%% the pause a connection is taken if that is possible by then; otherwise the call waits, if it is one that can (with
%% `nowait' it answers `select'), and who has the turn tries again at the end of the pause, whether a connection has
%% come or not: the backlog is not forgotten. So there is one error in each pause, and a loop over `accept' does not
%% spin.
-spec accept(socket(), timeout() | nowait | select_handle()) ->
          {ok, socket()} | later() | {error, posix() | closed | invalid() | timeout}.
accept(?SOCKET(Ref), Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, accept, Timeout);
        How -> esock_wait:taken(esock_nif:accept(Ref, Timeout, How))
    end;
accept(Socket, Timeout) ->
    erlang:error(badarg, [Socket, Timeout]).

%% @equiv accept_many(ListenSocket, Max, infinity)
-spec accept_many(socket(), Max :: pos_integer()) -> {ok, [socket(), ...]} | {error, posix() | closed | invalid()}.
accept_many(Socket, Max) -> accept_many(Socket, Max, infinity).

%% @doc Takes the connections that are there, up to `Max' and at least one, in their order; where there is none it waits
%% as {@link accept/2} does, in the same line. No call takes more than 64: a scheduler is not to be held for long. An error
%% that comes after some were taken is answered to the next call, if it lasts. `socket' has no such function.
-spec accept_many(socket(), Max :: pos_integer(), timeout() | nowait | select_handle()) ->
          {ok, [socket(), ...]} | later() | {error, posix() | closed | invalid() | timeout}.
accept_many(?SOCKET(Ref), Max, Timeout) when ?IS_SOCKET(Ref), is_integer(Max), Max > 0 ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {accept, Max}, Timeout);
        How -> esock_wait:taken(esock_nif:accept_many(Ref, Max, Timeout, How))
    end;
accept_many(Socket, Max, Timeout) ->
    erlang:error(badarg, [Socket, Max, Timeout]).

%% @doc Closes one direction or both, shutdown(2).
-spec shutdown(socket(), read | write | read_write) -> ok | {error, posix() | closed}.
shutdown(?SOCKET(Ref), How) when ?IS_SOCKET(Ref) -> esock_nif:shutdown(Ref, How);
shutdown(Socket, How) -> erlang:error(badarg, [Socket, How]).

%% @doc Closes the socket for everybody. Whoever waits on it is sent `abort' with `closed', whoever monitors it <code>'DOWN'</code>.
%% Waits for as long as `{socket, linger}' says.
-spec close(socket()) -> ok | {error, posix() | closed}.
close(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    case esock_nif:close(Ref) of
        linger -> esock_nif:close_linger(Ref);
        Result -> Result
    end;
close(Socket) ->
    erlang:error(badarg, [Socket]).

%%% ---- Data ---------------------------------------------------------------------------------------------------------

%% @equiv send(Socket, Data, [], infinity)
-spec send(socket(), iodata()) -> ok | {ok, binary()} | {error, term()}.
send(Socket, Data) -> send(Socket, Data, [], infinity).

%% @doc As {@link send/4} with `infinity', or without flags.
-spec send(socket(), iodata(), [msg_flag() | integer()] | select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) | {error, term()}.
send(Socket, Data, Flags) when is_list(Flags); is_tuple(Flags) -> send(Socket, Data, Flags, infinity);
send(Socket, Data, Timeout) -> send(Socket, Data, [], Timeout).

%% @doc Sends on a connected socket, send(2).
%%
%% `{select, {SelectInfo, Rest}}': a part of a stream's data has gone; `Rest' is to be sent after the message, with
%% `SelectInfo' in place of the flags. `{ok, Rest}': a message was cut by the system. `{error, {Reason, Rest}}': a part
%% has gone before the error or the timeout.
-spec send(socket(), iodata(), [msg_flag() | integer()] | select_info(), timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
send(?SOCKET(Ref), Data, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref), is_binary(Data) ->
    case Tag of
        {send, Flags} -> send_binary(Ref, Data, Flags, Timeout);
        _ -> {error, {invalid, Cont}}
    end;
send(?SOCKET(Ref), Data, Flags, Timeout) when ?IS_SOCKET(Ref), is_binary(Data), is_list(Flags) ->
    send_binary(Ref, Data, Flags, Timeout);
send(?SOCKET(Ref) = Socket, Data, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Data) ->
    send(Socket, binary(Data), Flags, Timeout);
send(Socket, Data, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Data, Flags, Timeout]).

send_binary(Ref, Data, Flags, Timeout) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {send, Data, Flags}, Timeout);
        How ->
            case esock_nif:send(Ref, Data, Flags, Timeout, How) of
                {more, Rest} -> gone_on(send_binary(Ref, Rest, Flags, Timeout), Rest);
                Result -> Result
            end
    end.

%% What is answered where a part had gone before, and `Rest' was left.
gone_on({select, ?INFO(_, _) = Info}, Rest) -> {select, {Info, Rest}};
gone_on({error, Reason}, Rest) when is_atom(Reason) -> {error, {Reason, Rest}};
gone_on({error, {invalid, _} = Reason}, Rest) -> {error, {Reason, Rest}};
gone_on(Result, _Rest) -> Result.

%% @equiv sendto(Socket, Data, Dest, [], infinity)
-spec sendto(socket(), iodata(), sockaddr() | select_info()) -> ok | {ok, binary()} | {error, term()}.
sendto(Socket, Data, Dest) -> sendto(Socket, Data, Dest, []).

%% @doc As {@link sendto/5} with `infinity', or without flags; or the continuation of one, whose `SelectInfo' stands in
%% place of destination and flags.
-spec sendto(socket(), iodata(), sockaddr() | select_info(),
             [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) | {error, term()}.
sendto(Socket, Data, ?INFO(_, _) = Cont, []) ->
    sendto(Socket, Data, Cont, infinity);
sendto(Socket, Data, Dest, Flags) when is_list(Flags) ->
    sendto(Socket, Data, Dest, Flags, infinity);
sendto(?SOCKET(Ref) = Socket, Data, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref) ->
    case Tag of
        {sendto, {Dest, Flags}} -> sendto(Socket, Data, Dest, Flags, Timeout);
        _ -> {error, {invalid, Cont}}
    end;
sendto(Socket, Data, Dest, Timeout) ->
    sendto(Socket, Data, Dest, [], Timeout).

%% @doc Sends to an address, sendto(2). Answers as {@link send/4}.
-spec sendto(socket(), iodata(), sockaddr(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
sendto(?SOCKET(Ref) = Socket, Data, Dest, Flags, Timeout) when ?IS_SOCKET(Ref), is_binary(Data), is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {sendto, Data, Dest, Flags}, Timeout);
        How ->
            case esock_nif:sendto(Ref, Data, Dest, Flags, Timeout, How) of
                {more, Rest} -> gone_on(sendto(Socket, Rest, Dest, Flags, Timeout), Rest);
                Result -> Result
            end
    end;
sendto(?SOCKET(Ref) = Socket, Data, Dest, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Data) ->
    sendto(Socket, binary(Data), Dest, Flags, Timeout);
sendto(Socket, Data, Dest, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Data, Dest, Flags, Timeout]).

binary(Data) ->
    try
        list_to_binary(Data)
    catch
        error:badarg -> erlang:error({invalid, {data, Data}})
    end.

%% @equiv recv(Socket, 0, [], infinity)
-spec recv(socket()) -> {ok, binary()} | {error, term()}.
recv(Socket) -> recv(Socket, 0, [], infinity).

%% @doc As {@link recv/4} with `infinity', and without flags or a length.
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer()) -> {ok, binary()} | {error, term()}.
recv(Socket, Flags) when is_list(Flags) -> recv(Socket, 0, Flags, infinity);
recv(Socket, Length) -> recv(Socket, Length, [], infinity).

%% @doc As {@link recv/4} without a length, without flags, or with `infinity'.
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer(),
           [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, binary()} | later(binary()) | {select_read, {select_info(), binary()}} | {error, term()}.
recv(Socket, Flags, Timeout) when is_list(Flags) -> recv(Socket, 0, Flags, Timeout);
recv(Socket, Length, Flags) when is_list(Flags) -> recv(Socket, Length, Flags, infinity);
recv(Socket, Length, Timeout) -> recv(Socket, Length, [], Timeout).

%% @doc Receives on a connected socket, recv(2).
%%
%% Of a stream, exactly `Length' bytes, or with 0 what there is, up to `{otp, rcvbuf}' (`auto': 256 KB). Of messages, one, cut at
%% `Length'. `{select, {SelectInfo, Data}}': that much of `Length' is there, the rest is to be received after the
%% message. `{error, {Reason, Data}}': so much came before the error or the timeout. With `peek' it waits for `Length' bytes of a stream
%% too, and they stay; `{error, enobufs}': the buffer ({socket, rcvbuf}) has no room for so much. `{error, closed}': the socket is
%% closed, or the stream has ended.
-spec recv(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, binary()} | later(binary()) | {select_read, {select_info(), binary()}} |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
recv(?SOCKET(Ref), Length, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Length), Length >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recv, Length, Flags}, Timeout);
        zero -> esock_wait:look(Ref, {recv, Length, Flags});
        How -> esock_nif:recv(Ref, Length, Flags, Timeout, How)
    end;
recv(Socket, Length, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Length, Flags, Timeout]).

%% @doc Receives what there is, up to `Max' bytes, with one recv(2): as other languages' `recv'. `eof' is the end of a
%% stream, which {@link recv/4} does not tell from a socket that was closed here, or of a Unix connection of records (`seqpacket'),
%% which it does not tell from an empty record: `{ok, <<>>}'.
-spec recv_some(socket(), Max :: pos_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, binary()} | eof | later() | {select_read, {select_info(), binary()}} |
          {completion, {completion_info(), binary()}} | {error, posix() | closed | invalid() | timeout}.
recv_some(?SOCKET(Ref), Max, Flags, Timeout) when ?IS_SOCKET(Ref), is_integer(Max), Max > 0, is_list(Flags) ->
    Result = case wait(Timeout) of
                 block -> esock_wait:run(Ref, {recv, {some, Max}, Flags}, Timeout);
                 zero -> esock_wait:look(Ref, {recv, {some, Max}, Flags});
                 How -> esock_nif:recv(Ref, {some, Max}, Flags, Timeout, How)
             end,
    case Result =:= {error, closed} andalso esock_nif:getopt(Ref, {otp, domain}) of
        {ok, _} -> eof;
        _ -> Result
    end;
recv_some(Socket, Max, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Max, Flags, Timeout]).

%% @equiv recvfrom(Socket, 0, [], infinity)
-spec recvfrom(socket()) -> {ok, {sockaddr_recv(), binary()}} | {error, term()}.
recvfrom(Socket) -> recvfrom(Socket, 0, [], infinity).

%% @doc As {@link recvfrom/4} with `infinity', and without flags or a size.
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer()) ->
          {ok, {sockaddr_recv(), binary()}} | {error, term()}.
recvfrom(Socket, Flags) when is_list(Flags) -> recvfrom(Socket, 0, Flags, infinity);
recvfrom(Socket, Size) -> recvfrom(Socket, Size, [], infinity).

%% @doc As {@link recvfrom/4} without a size, without flags, or with `infinity'.
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer(),
               [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | later() | {select_read, {select_info(), {sockaddr_recv(), binary()}}} |
          {completion, {completion_info(), {sockaddr_recv(), binary()}}} | {error, term()}.
recvfrom(Socket, Flags, Timeout) when is_list(Flags) -> recvfrom(Socket, 0, Flags, Timeout);
recvfrom(Socket, Size, Flags) when is_list(Flags) -> recvfrom(Socket, Size, Flags, infinity);
recvfrom(Socket, Size, Timeout) -> recvfrom(Socket, Size, [], Timeout).

%% @doc Receives a message and its sender's address, recvfrom(2). A message longer than `Size' (0: `{otp, rcvbuf}') is
%% cut.
-spec recvfrom(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | later() | {select_read, {select_info(), {sockaddr_recv(), binary()}}} |
          {completion, {completion_info(), {sockaddr_recv(), binary()}}} |
          {error, posix() | closed | invalid() | timeout}.
recvfrom(?SOCKET(Ref), Size, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recvfrom, Size, Flags}, Timeout);
        zero -> esock_wait:look(Ref, {recvfrom, Size, Flags});
        How -> esock_nif:recvfrom(Ref, Size, Flags, Timeout, How)
    end;
recvfrom(Socket, Size, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Size, Flags, Timeout]).

%% @doc As {@link sendmsg/4} with `[]' and `infinity'.
-spec sendmsg(socket(), msg_send()) -> ok | {ok, erlang:iovec()} | {error, term()}.
sendmsg(Socket, Msg) -> sendmsg(Socket, Msg, [], infinity).

%% @doc As {@link sendmsg/4} with `infinity', or without flags.
-spec sendmsg(socket(), msg_send() | erlang:iovec(),
              [msg_flag() | integer()] | select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) | {error, term()}.
sendmsg(Socket, Msg, Flags) when is_list(Flags); is_tuple(Flags) -> sendmsg(Socket, Msg, Flags, infinity);
sendmsg(Socket, Msg, Timeout) -> sendmsg(Socket, Msg, [], Timeout).

%% @doc Sends the parts of `iov' as one message, or one behind the other on a stream, sendmsg(2); to `addr' if it is there,
%% with the control messages of `ctrl'.
%%
%% With `gso' (UDP) the data goes as datagrams of that size, the last of what is left, with one system call for up to 64
%% of them and 65,507 bytes (UDP_SEGMENT); each with the control messages. What the system cannot send so (there is
%% IPsec on the way, or before Linux 6.11 an interface without checksums; the datagrams are longer than the MTU), goes
%% datagram by datagram with as few calls as can be; the next send tries anew.
%%
%% `{select, {SelectInfo, Rest}}': a part of a stream's data, or with `gso' some of the datagrams, has gone; `Rest', or a
%% message with it, is to be sent after the message, with `SelectInfo' in place of the flags. `{error, {Reason, Rest}}': a
%% part has gone before the error.
-spec sendmsg(socket(), msg_send() | erlang:iovec(), [msg_flag() | integer()] | select_info(),
              timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, erlang:iovec()}}.
sendmsg(?SOCKET(Ref) = Socket, Rest, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref) ->
    case {Tag, Rest} of
        {{sendmsg, {Msg, Flags}}, #{iov := IOV}} -> sendmsg(Socket, Msg#{iov := IOV}, Flags, Timeout);
        {{sendmsg, {Msg, Flags}}, _} when is_list(Rest) -> sendmsg(Socket, Msg#{iov := Rest}, Flags, Timeout);
        {{sendmsg, _}, _} -> erlang:error(badarg, [Socket, Rest, Cont, Timeout]);
        _ -> {error, {invalid, Cont}}
    end;
sendmsg(?SOCKET(Ref), #{iov := IOV} = Msg, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Flags) ->
    fitting(Ref, IOV, Msg, wait(Timeout), fun(Fitting, How) -> sendmsg_fitting(Ref, Fitting, Flags, Timeout, How) end);
sendmsg(Socket, Msg, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Msg, Flags, Timeout]).

sendmsg_fitting(Ref, Msg, Flags, Timeout, block) ->
    esock_wait:run(Ref, {sendmsg, Msg, Flags}, Timeout);
sendmsg_fitting(Ref, Msg, Flags, Handle, How) ->
    case esock_nif:sendmsg(Ref, Msg, Flags, Handle, How) of
        {more, Rest} ->
            gone_on(sendmsg_fitting(Ref, esock_wait:rest(Msg, Rest), Flags, Handle, How), Rest);
        {select, {?INFO({sendmsg, {_, _}}, NewHandle), Rest}} ->
            {select, {?INFO({sendmsg, {esock_wait:rest(Msg, Rest), Flags}}, NewHandle), Rest}};
        Result ->
            Result
    end.

%% Calls with data that the NIF can take: more than it takes at once is made so first, and is not completed for the caller,
%% since all of it would have to be copied for that.
fitting(Ref, IOV, Data, How, Call) ->
    case esock_iov:long(IOV) andalso esock_iov:fit(Ref, Data) of
        false -> Call(Data, How);
        {ok, Fitting} when How =:= nowait -> Call(Fitting, select);
        {ok, Fitting} -> Call(Fitting, How);
        {error, _} = Error -> Error
    end.

%% @doc Sends several messages with as few system calls as can be, sendmmsg(2).
%%
%% `ok': all of them. `{ok, Rest}': the time was over, or there was an error, after some; `Rest' are the `iov's of those
%% that were not sent, the first perhaps cut. `{select_write, {SelectInfo, Count}}': so many were sent; the others are to
%% be sent after the message.
%%
%% A message may have `gso', as with {@link sendmsg/4}. One that has gone in part, which can be only where one system call
%% does not take it, is not in `Count'.
-spec sendmmsg(socket(), [msg_send()], [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          ok | {ok, [erlang:iovec()]} | later() | {select_write, {select_info(), non_neg_integer()}} |
          {error, posix() | closed | invalid() | timeout}.
sendmmsg(?SOCKET(Ref) = Socket, Msgs, Flags, Timeout) when ?IS_SOCKET(Ref), is_list(Msgs), is_list(Flags) ->
    case {wait(Timeout), bad_msg(Msgs)} of
        {_, {value, Bad}} -> erlang:error({invalid, Bad});
        {_, badarg} -> erlang:error(badarg, [Socket, Msgs, Flags, Timeout]);
        {_, []} -> ok;
        {How, _} -> sendmmsg_fitting(Ref, esock_iov:fit_all(Ref, Msgs), Flags, Timeout, How)
    end;
sendmmsg(Socket, Msgs, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Msgs, Flags, Timeout]).

%% What of a list of messages is none, so that none of them is sent; or the messages.
bad_msg(Msgs) -> bad_msg(Msgs, Msgs).

bad_msg([#{iov := _, addr := Addr} | _], _) when not is_map(Addr) -> {value, {sockaddr, Addr}};
bad_msg([#{iov := IOV} | Rest], Msgs) when is_list(IOV) -> bad_msg(Rest, Msgs);
bad_msg([Msg | _], _) when not is_map(Msg) -> {value, {msg, Msg}};
bad_msg([], Msgs) -> Msgs;
bad_msg(_, _) -> badarg.

sendmmsg_fitting(_Ref, {error, _} = Error, _Flags, _Timeout, _How) -> Error;
sendmmsg_fitting(Ref, {ok, Msgs}, Flags, Timeout, block) -> esock_wait:run(Ref, {sendmmsg, Msgs, Flags}, Timeout);
sendmmsg_fitting(Ref, {ok, Msgs}, Flags, Handle, How) when is_reference(Handle) ->
    sendmmsg_nowait(Ref, Msgs, Flags, Handle, How, none);
sendmmsg_fitting(Ref, {ok, Msgs}, Flags, _Timeout, How) ->
    sendmmsg_nowait(Ref, Msgs, Flags, make_ref(), How, none).

%% `Count': how many have gone whole, or `none' where nothing has gone at all.
sendmmsg_nowait(Ref, Msgs, Flags, Handle, How, Count) ->
    case esock_nif:sendmmsg(Ref, Msgs, Flags, Handle, How) of
        {more, Sent} ->
            case esock_wait:unsent(Msgs, Sent) of
                {_, []} -> ok;
                {More, Rest} -> sendmmsg_nowait(Ref, Rest, Flags, Handle, How, sum(Count, More))
            end;
        {select, {?INFO(_, _) = Info, Sent}} ->
            {More, _Rest} = esock_wait:unsent(Msgs, Sent),
            {select_write, {Info, sum(Count, More)}};
        {select, Info} when Count =/= none ->
            {select_write, {Info, Count}};
        {error, {timeout, Sent}} ->
            {_, Rest} = esock_wait:unsent(Msgs, Sent),
            {ok, [IOV || #{iov := IOV} <- Rest]};
        {error, _} when Count =/= none ->
            %% A message that went in part has the turn still.
            _ = esock_wait:cancel(Ref, sendmmsg, Handle),
            {ok, [IOV || #{iov := IOV} <- Msgs]};
        Result ->
            Result
    end.

sum(none, More) -> More;
sum(Count, More) -> Count + More.

%% @equiv sendv(Socket, IOV, infinity)
-spec sendv(socket(), erlang:iovec()) -> ok | {ok, erlang:iovec()} | {error, term()}.
sendv(Socket, IOV) -> sendv(Socket, IOV, infinity).

%% @doc Sends the parts of an I/O vector on a connected socket, without joining them first. Answers as {@link sendmsg/4}; the
%% third argument may be the continuation of an earlier call.
-spec sendv(socket(), erlang:iovec(), select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) | {error, term()}.
sendv(?SOCKET(Ref) = Socket, IOV, ?INFO(Tag, _) = Cont) when ?IS_SOCKET(Ref) ->
    case Tag of
        {sendv, _} -> sendv(Socket, IOV, infinity);
        _ -> erlang:error(badarg, [Socket, IOV, Cont])
    end;
sendv(?SOCKET(Ref), IOV, Timeout) when ?IS_SOCKET(Ref) ->
    case fitting(Ref, IOV, IOV, wait(Timeout), fun(Fitting, How) -> sendv_fitting(Ref, Fitting, Timeout, How) end) of
        %% What it is, is not said here.
        {error, {invalid, {iov, _}}} -> {error, {invalid, iov}};
        Result -> Result
    end;
sendv(Socket, IOV, Timeout) ->
    erlang:error(badarg, [Socket, IOV, Timeout]).

%% @doc The continuation of a {@link sendv/3} that answered `select'.
-spec sendv(socket(), erlang:iovec(), select_info(), timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) | {error, term()}.
sendv(?SOCKET(Ref) = Socket, IOV, ?INFO(Tag, _) = Cont, Timeout) when ?IS_SOCKET(Ref), is_list(IOV) ->
    case Tag of
        {sendv, _} -> sendv(Socket, IOV, Timeout);
        _ -> {error, {invalid, Cont}}
    end;
sendv(Socket, IOV, Cont, Timeout) ->
    erlang:error(badarg, [Socket, IOV, Cont, Timeout]).

sendv_fitting(Ref, IOV, Timeout, block) ->
    esock_wait:run(Ref, {sendv, IOV}, Timeout);
sendv_fitting(Ref, IOV, Handle, How) ->
    case esock_nif:sendv(Ref, IOV, Handle, How) of
        {more, Rest} -> gone_on(sendv_fitting(Ref, Rest, Handle, How), Rest);
        Result -> Result
    end.

%% @doc What is left of an I/O vector when so many bytes of it have gone.
-spec rest_iov(non_neg_integer(), erlang:iovec()) -> erlang:iovec().
rest_iov(0, []) ->
    [];
rest_iov(Written, [Part | IOV]) when Written >= byte_size(Part) ->
    rest_iov(Written - byte_size(Part), IOV);
rest_iov(Written, [Part | IOV]) ->
    <<_:Written/binary, Rest/binary>> = Part,
    [Rest | IOV].

%% @equiv sendfile(Socket, File, 0, 0, infinity)
-spec sendfile(socket(), file:fd() | pid() | select_info()) -> {ok, non_neg_integer()} | {error, term()}.
sendfile(Socket, File) -> sendfile(Socket, File, 0, 0, infinity).

%% @equiv sendfile(Socket, File, 0, 0, Timeout)
-spec sendfile(socket(), file:fd() | pid() | select_info(), timeout() | nowait | select_handle()) ->
          {ok, non_neg_integer()} | later(non_neg_integer()) | {error, term()}.
sendfile(Socket, File, Timeout) -> sendfile(Socket, File, 0, 0, Timeout).

%% @equiv sendfile(Socket, File, Offset, Count, infinity)
-spec sendfile(socket(), file:fd() | pid() | select_info(), integer(), non_neg_integer()) ->
          {ok, non_neg_integer()} | {error, term()}.
sendfile(Socket, File, Offset, Count) -> sendfile(Socket, File, Offset, Count, infinity).

%% @doc Sends `Count' bytes of an open file from `Offset', or with 0 all from there to its end. Of a file opened `raw' by
%% sendfile(2), without passing through the node; of any other by copying.
%%
%% `{ok, Sent}': fewer than `Count' where the file ends. `{select, {SelectInfo, Sent}}': so many bytes have gone; the
%% others are to be sent after the message, with `SelectInfo' in place of the file, and the offset and count that are left.
%% A completion comes when all has gone, up to where the file ended when it was asked for; the file may be closed meanwhile.
%% Threads that may wait for a disk send what does not go at once.
%% `{error, {Reason, Sent}}': so many went before the error or the timeout.
-spec sendfile(socket(), file:fd() | pid() | select_info(), integer(), non_neg_integer(),
               timeout() | nowait | select_handle()) ->
          {ok, non_neg_integer()} | later(non_neg_integer()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, non_neg_integer()}}.
sendfile(?SOCKET(Ref) = Socket, File, Offset, Count, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Offset), is_integer(Count), Count >= 0 ->
    case File of
        ?INFO({sendfile, Handle}, _) -> sendfile(Socket, Handle, Offset, Count, Timeout);
        ?INFO(_, _) -> {error, {invalid, File}};
        %% The process that calls cannot answer itself.
        _ when is_pid(File), File =/= self(); is_tuple(File), element(1, File) =:= file_descriptor ->
            esock_sendfile:send(Socket, File, Offset, Count, sendfile_wait(wait(Timeout), Timeout));
        _ -> erlang:error(badarg, [Socket, File, Offset, Count, Timeout])
    end;
sendfile(Socket, File, Offset, Count, Timeout) ->
    erlang:error(badarg, [Socket, File, Offset, Count, Timeout]).

sendfile_wait(block, infinity) -> {block, infinity};
sendfile_wait(block, Timeout) -> {block, erlang:monotonic_time(millisecond) + Timeout};
sendfile_wait(How, Handle) -> {How, Handle}.

%% @equiv recvmsg(Socket, 0, 0, [], infinity)
-spec recvmsg(socket()) -> {ok, msg_recv()} | {error, term()}.
recvmsg(Socket) -> recvmsg(Socket, 0, 0, [], infinity).

%% @doc As {@link recvmsg/5} with flags, or with a timeout.
-spec recvmsg(socket(), [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} | {error, term()}.
recvmsg(Socket, Flags) when is_list(Flags) -> recvmsg(Socket, 0, 0, Flags, infinity);
recvmsg(Socket, Timeout) -> recvmsg(Socket, 0, 0, [], Timeout).

%% @doc As {@link recvmsg/5} with flags and a timeout, or with sizes.
-spec recvmsg(socket(), [msg_flag() | integer()] | non_neg_integer(),
              timeout() | nowait | select_handle() | non_neg_integer()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} | {error, term()}.
recvmsg(Socket, Flags, Timeout) when is_list(Flags) -> recvmsg(Socket, 0, 0, Flags, Timeout);
recvmsg(Socket, Size, CtrlSize) when is_integer(Size), is_integer(CtrlSize) ->
    recvmsg(Socket, Size, CtrlSize, [], infinity);
recvmsg(Socket, Size, CtrlSize) ->
    erlang:error(badarg, [Socket, Size, CtrlSize]).

%% @equiv recvmsg(Socket, Size, CtrlSize, [], Timeout)
-spec recvmsg(socket(), non_neg_integer(), non_neg_integer(), timeout() | nowait | select_handle()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} | {error, term()}.
recvmsg(Socket, Size, CtrlSize, Timeout) -> recvmsg(Socket, Size, CtrlSize, [], Timeout).

%% @doc Receives a message with its sender's address, control messages and flags, recvmsg(2).
%%
%% A message longer than `Size' (0: `{otp, rcvbuf}') is cut, and `trunc' is in its flags; with the flag `trunc' given,
%% `length' says how long it was. Control messages beyond `CtrlSize' bytes (0: `{otp, rcvctrlbuf}') are lost, and `ctrunc'
%% is in its flags. Descriptors that come along (`rights') are closed on exec, and the receiver's to close.
%%
%% With `{udp, gro}' set, one message may be many datagrams of one sender, which the system has put together: `gro' in the
%% message is their size, and so is the control message `#{level => udp, type => gro}' that it is made of. A `Size' of 0 is
%% 65,535 then, or `{otp, rcvbuf}' if that is more. {@link recv/4} and {@link recvfrom/4} cannot tell where datagrams end.
-spec recvmsg(socket(), non_neg_integer(), non_neg_integer(), [msg_flag() | integer()],
              timeout() | nowait | select_handle()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} |
          {error, posix() | closed | invalid() | timeout}.
recvmsg(?SOCKET(Ref), Size, CtrlSize, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_integer(CtrlSize), CtrlSize >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recvmsg, Size, CtrlSize, Flags}, Timeout);
        zero -> esock_wait:look(Ref, {recvmsg, Size, CtrlSize, Flags});
        How -> esock_nif:recvmsg(Ref, Size, CtrlSize, Flags, Timeout, How)
    end;
recvmsg(Socket, Size, CtrlSize, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Size, CtrlSize, Flags, Timeout]).

%% @doc Receives the messages that are there, up to `Count' and at least one, recvmmsg(2). Each is as
%% {@link recvmsg/5} has it. Where so many do not have room in 1 MB, if each is of the full size and has its control messages (of
%% the default sizes: 113), it is as many calls as are needed.
-spec recvmmsg(socket(), pos_integer(), non_neg_integer(), non_neg_integer(), [msg_flag() | integer()],
               timeout() | nowait | select_handle()) ->
          {ok, [msg_recv()]} | later() | {select_read, {select_info(), [msg_recv()]}} |
          {completion, {completion_info(), [msg_recv()]}} |
          {error, posix() | closed | invalid() | timeout}.
recvmmsg(?SOCKET(Ref), Count, Size, CtrlSize, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Count), Count >= 1, is_integer(Size), Size >= 0, is_integer(CtrlSize), CtrlSize >= 0,
       is_list(Flags) ->
    Sizes = {Size, CtrlSize},
    Result = case wait(Timeout) of
                 block -> esock_wait:run(Ref, {recvmmsg, Count, Sizes, Flags}, Timeout);
                 zero -> esock_wait:look(Ref, {recvmmsg, Count, Sizes, Flags});
                 How -> esock_nif:recvmmsg(Ref, Count, Sizes, Flags, Timeout, How)
             end,
    messages(Result, {Ref, Count, Sizes, Flags}, []);
recvmmsg(Socket, Count, Size, CtrlSize, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Count, Size, CtrlSize, Flags, Timeout]).

%% One call of the system's does not take so many.
messages({more, Msgs}, {Ref, Count, Sizes, Flags}, Before) ->
    Left = Count - length(Msgs),
    messages(esock_nif:recvmmsg(Ref, Left, Sizes, Flags, nowait, more), {Ref, Left, Sizes, Flags}, [Msgs | Before]);
messages({ok, Msgs}, _Args, [_ | _] = Before) -> {ok, lists:append(lists:reverse(Before, [Msgs]))};
messages(Nothing, _Args, [_ | _] = Before) when Nothing =:= yield; element(1, Nothing) =:= error ->
    {ok, lists:append(lists:reverse(Before))};
messages(Result, _Args, []) -> Result.

-compile({inline, [wait/1]}).
wait(infinity) -> block;
wait(nowait) -> nowait;
wait(0) -> zero;
wait(Timeout) when is_integer(Timeout), Timeout > 0 -> block;
wait(Handle) when is_reference(Handle) -> nowait;
wait(Timeout) -> erlang:error({invalid, {timeout, Timeout}}).

%% @doc Ends the wait of the calling process under a handle. Nothing is sent under it from then on, and what was sent is
%% taken out of the inbox. `{error, {invalid, Info}}': the process does not wait under it; of a `completion_info', the
%% result may be in the inbox, and stays there. Of a stream no byte is lost with a receive; of a send, a part may have
%% gone (the counter `write_byte' of {@link info/1}).
-spec cancel(socket(), select_info() | completion_info()) -> ok | {error, closed | invalid()}.
cancel(?SOCKET(Ref), {Kind, Tag, Handle} = Info)
  when ?IS_SOCKET(Ref), is_reference(Handle), Kind =:= select_info orelse Kind =:= completion_info ->
    Op = case Tag of
             {Name, _} when is_atom(Name) -> Name;
             Name when is_atom(Name) -> Name
         end,
    case esock_wait:cancel(Ref, Op, Handle) of
        invalid -> {error, {invalid, Info}};
        Result -> Result
    end;
cancel(Socket, Info) ->
    erlang:error(badarg, [Socket, Info]).

%%% ---- Options and names --------------------------------------------------------------------------------------------

%% @doc Sets an option, setsockopt(2); doc/options.md has them all.
-spec setopt(socket(), {otp, otp_socket_option()} | socket_option(), Value :: term()) ->
          ok | {error, posix() | closed | invalid()}.
setopt(?SOCKET(Ref), Option, Value) when ?IS_SOCKET(Ref) ->
    esock_wait:settled(fun() -> esock_nif:setopt(Ref, Option, Value) end);
setopt(Socket, Option, Value) -> erlang:error(badarg, [Socket, Option, Value]).

%% @doc As {@link setopt/3} with level and option apart, or {@link setopt_native/3} with an option's number and a binary.
-spec setopt(socket(), level() | integer(), Opt :: atom() | integer(), Value :: term()) ->
          ok | {error, posix() | closed | invalid()}.
setopt(Socket, Level, Opt, Value) when is_integer(Opt), is_binary(Value) -> setopt_native(Socket, {Level, Opt}, Value);
setopt(Socket, Level, Opt, Value) -> setopt(Socket, {Level, Opt}, Value).

%% @doc Sets an option by its name or number with a value in the system's form: an integer or a boolean is an int, a
%% binary is taken as it is.
-spec setopt_native(socket(), socket_option() | {level() | integer(), integer()}, integer() | boolean() | binary()) ->
          ok | {error, posix() | closed | invalid()}.
setopt_native(?SOCKET(Ref), Option, Value) when ?IS_SOCKET(Ref) ->
    esock_wait:settled(fun() -> esock_nif:setopt_native(Ref, Option, Value) end);
setopt_native(Socket, Option, Value) -> erlang:error(badarg, [Socket, Option, Value]).

%% @doc The value of an option, getsockopt(2).
-spec getopt(socket(), {otp, otp_socket_option()} | socket_option()) ->
          {ok, Value :: term()} | {error, posix() | closed | invalid()}.
getopt(?SOCKET(Ref), Option) when ?IS_SOCKET(Ref) -> esock_wait:settled(fun() -> esock_nif:getopt(Ref, Option) end);
getopt(Socket, Option) -> erlang:error(badarg, [Socket, Option]).

%% @doc As {@link getopt/2} with level and option apart, or {@link getopt_native/3} with an option `{Number, ValueSpec}'.
%% `{sctp, get_peer_addr_info | status}' take a map that says of which association and address.
-spec getopt(socket(), level() | integer() | {sctp, get_peer_addr_info | status}, Opt :: term()) ->
          {ok, Value :: term()} | {error, posix() | closed | invalid()}.
getopt(?SOCKET(Ref), {sctp, Name} = Option, Value)
  when ?IS_SOCKET(Ref), is_map(Value), Name =:= get_peer_addr_info orelse Name =:= status ->
    esock_nif:getopt(Ref, Option, Value);
getopt(Socket, Level, {Opt, Spec}) when is_integer(Opt) -> getopt_native(Socket, {Level, Opt}, Spec);
getopt(Socket, Level, Opt) -> getopt(Socket, {Level, Opt}).

%% @doc The value of an option in the system's form. `ValueSpec' is `integer', `boolean', the size of the value, or a binary
%% of that size, which the system may read first.
-spec getopt_native(socket(), socket_option() | {level() | integer(), integer()},
                    ValueSpec :: integer | boolean | non_neg_integer() | binary()) ->
          {ok, integer() | boolean() | binary()} | {error, posix() | closed | invalid()}.
getopt_native(?SOCKET(Ref), Option, Spec) when ?IS_SOCKET(Ref) -> esock_nif:getopt_native(Ref, Option, Spec);
getopt_native(Socket, Option, Spec) -> erlang:error(badarg, [Socket, Option, Spec]).

%% @doc The socket's own address, getsockname(2).
-spec sockname(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
sockname(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:sockname(Ref);
sockname(Socket) -> erlang:error(badarg, [Socket]).

%% @doc The peer's address, getpeername(2).
-spec peername(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
peername(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:peername(Ref);
peername(Socket) -> erlang:error(badarg, [Socket]).

%% @doc The addresses of the socket's own side of an SCTP association, RFC 6458 section 9.5.
-spec socknames(socket(), sctp_assoc_id()) -> {ok, [sockaddr_recv()]} | {error, posix() | closed | invalid()}.
socknames(?SOCKET(Ref), AssocId) when ?IS_SOCKET(Ref), is_integer(AssocId) -> esock_nif:names(Ref, AssocId, true);
socknames(Socket, AssocId) -> erlang:error(badarg, [Socket, AssocId]).

%% @doc The addresses of the peer's side of an SCTP association, RFC 6458 section 9.3.
-spec peernames(socket(), sctp_assoc_id()) -> {ok, [sockaddr_recv()]} | {error, posix() | closed | invalid()}.
peernames(?SOCKET(Ref), AssocId) when ?IS_SOCKET(Ref), is_integer(AssocId) -> esock_nif:names(Ref, AssocId, false);
peernames(Socket, AssocId) -> erlang:error(badarg, [Socket, AssocId]).

%% @doc Asks about the socket, or about all interfaces, ioctl(2).
%%
%% `gifconf': `{ok, [#{name, addr}]}' of every interface that has an IPv4 address. `nread': bytes to read, `nwrite': bytes
%% not yet acknowledged, `nspace': what the send buffer still takes. `atmark': whether the next byte is urgent data.
-spec ioctl(socket(), gifconf | nread | nwrite | nspace | atmark | tcp_info) ->
          {ok, term()} | {error, posix() | closed | invalid()}.
ioctl(?SOCKET(Ref), Request)
  when ?IS_SOCKET(Ref), Request =:= gifconf orelse Request =:= nread orelse Request =:= nwrite orelse
       Request =:= nspace orelse Request =:= atmark orelse Request =:= tcp_info ->
    esock_wait:settled(fun() -> esock_nif:ioctl(Ref, Request, []) end);
ioctl(Socket, Request) ->
    erlang:error(badarg, [Socket, Request]).

%% @doc Asks about an interface, by its name (`gifname': by its number), netdevice(7).
-spec ioctl(socket(), atom(), string() | integer() | atom()) -> ok | {ok, term()} | {error, posix() | closed | invalid()}.
ioctl(?SOCKET(Ref), gifname, Index) when ?IS_SOCKET(Ref), is_integer(Index) ->
    esock_nif:ioctl(Ref, gifname, [Index]);
ioctl(?SOCKET(Ref), Request, Name)
  when ?IS_SOCKET(Ref), is_list(Name),
       Request =:= gifindex orelse Request =:= gifaddr orelse Request =:= gifdstaddr orelse Request =:= gifbrdaddr orelse
       Request =:= gifnetmask orelse Request =:= gifmtu orelse Request =:= gifhwaddr orelse Request =:= genaddr orelse
       Request =:= giftxqlen orelse Request =:= gifflags orelse Request =:= gifmap ->
    esock_nif:ioctl(Ref, Request, [Name]);
ioctl(?SOCKET(Ref), tcp_info, 0) when ?IS_SOCKET(Ref) ->
    esock_nif:ioctl(Ref, tcp_info, [0]);
ioctl(?SOCKET(Ref), Request, Value)
  when ?IS_SOCKET(Ref),
       (Request =:= rcvall andalso (Value =:= off orelse Value =:= on orelse Value =:= iplevel)) orelse
       ((Request =:= rcvall_igmpmcast orelse Request =:= rcvall_mcast) andalso (Value =:= off orelse Value =:= on)) ->
    esock_nif:ioctl(Ref, Request, [Value]);
ioctl(Socket, Request, Arg) ->
    erlang:error(badarg, [Socket, Request, Arg]).

%% @doc Changes something of an interface, netdevice(7). It takes CAP_NET_ADMIN. `sifflags' takes `#{Flag => boolean()}', the
%% flags that are to change.
-spec ioctl(socket(), atom(), string(), term()) -> ok | {error, posix() | closed | invalid()}.
ioctl(?SOCKET(Ref), Request, Name, Value)
  when ?IS_SOCKET(Ref), is_list(Name), is_map(Value),
       Request =:= sifflags orelse Request =:= sifaddr orelse Request =:= sifdstaddr orelse Request =:= sifbrdaddr orelse
       Request =:= sifnetmask orelse Request =:= sifhwaddr ->
    esock_nif:ioctl(Ref, Request, [Name, Value]);
ioctl(?SOCKET(Ref), Request, Name, Value)
  when ?IS_SOCKET(Ref), is_list(Name), is_integer(Value), Request =:= sifmtu orelse Request =:= siftxqlen ->
    esock_nif:ioctl(Ref, Request, [Name, Value]);
ioctl(Socket, Request, Name, Value) ->
    erlang:error(badarg, [Socket, Request, Name, Value]).

%%% ---- Registry and monitors ----------------------------------------------------------------------------------------

%% @doc How many sockets are registered.
-spec number_of() -> non_neg_integer().
number_of() -> esock_nif:number_of().

%% @doc The registered sockets.
-spec which_sockets() -> [socket()].
which_sockets() -> esock_info:pages(fun esock_nif:which_sockets/1).

%% @doc The registered sockets of a domain, type, protocol or owner, or those whose {@link info/1} a function takes.
-spec which_sockets(inet | inet6 | local | stream | dgram | seqpacket | sctp | tcp | udp | pid() |
                    fun((socket_info()) -> boolean())) -> [socket()].
which_sockets(Filter) ->
    [Socket || Socket <- which_sockets(), esock_info:matches(Filter, info(Socket))].

%% @doc Whether sockets opened from now on are registered, unless {@link open/4} says otherwise. At the start: the
%% application environment `use_registry', or the system's `ESOCK_USE_SOCKET_REGISTRY', or `true'.
-spec use_registry(boolean()) -> ok.
use_registry(On) when is_boolean(On) -> esock_nif:use_registry(On).

%% @doc Has the caller sent `{'DOWN', MRef, socket, Socket, closed}' when the socket is closed; at once if it is. The
%% socket is registered from then on.
-spec monitor(socket()) -> reference().
monitor(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> attended(esock_nif:monitor(Ref));
monitor(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Ends a monitor. `false': there is none of that reference. Raises `badarg' where it is another process's.
-spec cancel_monitor(MRef :: reference()) -> boolean().
cancel_monitor(MRef) when is_reference(MRef) -> attended(esock_nif:cancel_monitor(MRef));
cancel_monitor(MRef) -> erlang:error(badarg, [MRef]).

%% The VM's watch over the caller is a signal to it, and so is its end.
attended(Result) ->
    {ok, Result} = esock_wait:taken({signals, Result}),
    Result.

%% @doc How many monitors there are.
-spec number_of_monitors() -> non_neg_integer().
number_of_monitors() -> esock_nif:number_of_monitors().

%% @doc How many monitors a process has, or a socket.
-spec number_of_monitors(pid() | socket()) -> non_neg_integer().
number_of_monitors(PidOrSocket) -> length(which_monitors(PidOrSocket)).

%% @doc The monitors of a process, or of a socket.
-spec which_monitors(pid() | socket()) -> [reference()].
which_monitors(Pid) when is_pid(Pid) -> [MRef || ?SOCKET(Ref) <- which_sockets(), {MRef, P} <- monitors(Ref), P =:= Pid];
which_monitors(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> [MRef || {MRef, _} <- monitors(Ref)];
which_monitors(Other) -> erlang:error(badarg, [Other]).

monitors(Ref) -> esock_info:pages(fun(Cursor) -> esock_nif:monitors(Ref, Cursor) end).

%% @doc The processes that monitor a socket, each once.
-spec monitored_by(socket()) -> [pid()].
monitored_by(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> lists:usort([Pid || {_, Pid} <- monitors(Ref)]);
monitored_by(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Kept for programs that call it: {@link info/0} shows the setting, and nothing is printed.
-spec debug(boolean()) -> ok.
debug(On) when is_boolean(On) -> esock_nif:debug(On);
debug(On) -> erlang:error(badarg, [On]).

%% @doc Whether sockets opened from now on have `{otp, debug}' set.
-spec socket_debug(boolean()) -> ok.
socket_debug(On) when is_boolean(On) -> esock_nif:socket_debug(On);
socket_debug(On) -> erlang:error(badarg, [On]).

%%% ---- Information --------------------------------------------------------------------------------------------------

%% @doc About the library: how many sockets are open, and what they wait with (`io_backend'): the back end of sockets that
%% name none, the threads that poll (`pollers') and the rings with their memory in bytes, how many pollers are relieved by
%% a process at this moment because there is much to do (`busy'), and why there are no rings, if they were `refused'.
-spec info() -> info().
info() -> esock_nif:info().

%% @doc About a socket: what it is, what it has done (`counters'), who waits.
-spec info(socket()) -> socket_info().
info(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:info(Ref);
info(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Prints the registered sockets.
-spec i() -> ok.
i() -> esock_info:print(which_sockets(), default).

%% @doc Prints the registered sockets with those columns, or those of a domain, protocol or type.
-spec i(info_keys() | inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream) -> ok.
i(Keys) when is_list(Keys) -> esock_info:print(which_sockets(), Keys);
i(Filter) when is_atom(Filter) -> esock_info:print(which_sockets(Filter), default).

%% @doc Prints the registered sockets of a domain, protocol or type with those columns.
-spec i(inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream, info_keys()) -> ok.
i(Filter, Keys) when is_atom(Filter), is_list(Keys) -> esock_info:print(which_sockets(Filter), Keys).

%% @doc What there is here: options, protocols, message flags, and features of the system.
-spec supports() -> [{Key1 :: term(), boolean() | [{Key2 :: term(), boolean()}]}].
supports() -> esock_info:supports().

%% @doc One of the lists of {@link supports/0}.
-spec supports(Key1 :: term()) -> [{Key2 :: term(), boolean()}].
supports(Key) -> esock_info:supports(Key).

%% @doc The options of a level.
-spec supports(Key1 :: term(), Key2 :: term()) -> [{Key3 :: term(), boolean()}].
supports(options, Level) when is_atom(Level) -> [{Opt, On} || {{L, Opt}, On} <- supports(options), L =:= Level];
supports(_Key1, _Key2) -> [].

%% @doc Whether a feature is there.
-spec is_supported(Key1 :: term()) -> boolean().
is_supported(Key) -> esock_info:is_supported(Key).

%% @doc Whether an option, protocol or message flag is there.
-spec is_supported(Key1 :: term(), Key2 :: term()) -> boolean().
is_supported(Key1, Key2) -> lists:member({Key2, true}, supports(Key1)).

%% @doc Whether an option is there.
-spec is_supported(options, Level :: atom(), Opt :: atom()) -> boolean().
is_supported(options, Level, Opt) when is_atom(Level), is_atom(Opt) -> is_supported(options, {Level, Opt}).

%% @doc The options, each with whether it is there.
-spec options() -> [{{level(), atom()}, boolean()}].
options() -> lists:sort(supports(options)).

%% @doc The options of a level, each with whether it is there.
-spec options(level()) -> [{atom(), boolean()}].
options(Level) -> [{Opt, On} || {{L, Opt}, On} <- options(), L =:= Level].

%% @doc The options of a level that are there, or those that are not.
-spec options(level(), boolean()) -> [atom()].
options(Level, Supported) -> [Opt || {Opt, On} <- options(Level), On =:= Supported].

%% @doc Whether an option is there.
-spec option({level(), atom()}) -> boolean().
option({Level, Opt}) -> lists:member(Opt, options(Level, true)).

%% @equiv option({Level, Opt})
-spec option(level(), atom()) -> boolean().
option(Level, Opt) -> option({Level, Opt}).

%% @doc The protocols.
-spec protocols() -> [{protocol(), boolean()}].
protocols() -> lists:sort(supports(protocols)).

%% @doc Whether a protocol is there.
-spec protocol(protocol()) -> boolean().
protocol(Name) -> lists:member({Name, true}, protocols()).

%% @doc Every table of {@link table/1}.
-spec tables() -> #{atom() => map()}.
tables() -> maps:from_list([{Name, table(Name)} || Name <- [ioctl_flags, ioctl_requests, msg_flags, options, protocols]]).

%% @doc Names and what they stand for: `protocols' both ways, `msg_flags' with their bits, and of the others whether they are
%% there.
-spec table(protocols | options | msg_flags | ioctl_requests | ioctl_flags) -> map().
table(Name) -> esock_info:table(Name).

%% @equiv mk_sockaddr(Family, Addr, 0)
-spec mk_sockaddr(inet | inet6 | local, term()) -> sockaddr().
mk_sockaddr(local, Path) -> #{family => local, path => Path};
mk_sockaddr(Family, Addr) -> mk_sockaddr(Family, Addr, 0).

%% @doc The address of a host and a port.
-spec mk_sockaddr(inet | inet6, any | broadcast | loopback | in_addr() | in6_addr(), port_number()) -> sockaddr().
mk_sockaddr(inet, Addr, Port) -> #{family => inet, addr => Addr, port => Port};
mk_sockaddr(inet6, Addr, Port) -> #{family => inet6, addr => Addr, port => Port, flowinfo => 0, scope_id => 0}.

%% @doc An error reason of this module as text: those of the system, and `closed', `timeout', `already' and `{invalid, What}',
%% which `inet:format_error/1' does not know.
-spec format_error(term()) -> string().
format_error({error, Reason}) -> format_error(Reason);
format_error(closed) -> "the socket is closed";
format_error(timeout) -> "the time is over";
format_error(already) -> "a connect is under way";
format_error({invalid, What}) -> lists:flatten(io_lib:format("invalid: ~tp", [What]));
format_error({Reason, _Data}) -> format_error(Reason);
format_error(Reason) when is_atom(Reason) -> inet:format_error(Reason);
format_error(Reason) -> lists:flatten(io_lib:format("~tp", [Reason])).

%% @doc The socket as text.
-spec to_list(socket()) -> string().
to_list(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    "#Ref" ++ Id = ref_to_list(Ref),
    "#Socket" ++ Id;
to_list(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc `compat' for a socket that carries `{otp, meta}', as those of `gen_tcp' and `gen_udp' do, else `plain'.
-spec which_socket_kind(socket()) -> plain | compat.
which_socket_kind(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) ->
    case esock_nif:getopt(Ref, {otp, meta}) of
        {ok, undefined} -> plain;
        {ok, _} -> compat;
        {error, _} -> erlang:error(badarg, [Socket])
    end;
which_socket_kind(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc Sockets with the API of the module `socket' of OTP, implemented in Rust.
%%
%% Functions, return values, raised errors and messages are those of `socket' in Erlang/OTP 29, on every release from 25.
%% doc/differences.md lists what differs. A program for `socket' runs with the module name changed. The sections of manual pages, such
%% as recv(2), are those of Linux.
%%
%% == Errors ==
%%
%% A function returns `{error, Reason}'. `Reason' is
%% <ul>
%% <li>a {@link posix()}: the system call failed;</li>
%% <li>`closed': the socket is closed, or, of a receive, the peer has ended the stream;</li>
%% <li>`timeout': the time is over;</li>
%% <li>`{invalid, What}': an argument is wrong. `{invalid, state}': on this socket a call of another kind waits in the same
%% direction (an accept excludes a receive, a connect excludes a send);</li>
%% <li>`{Reason, Part}': the call failed after a part of a stream's data was received or sent. `Part' is what was received, or
%% what is still to be sent.</li>
%% </ul>
%% An argument of the wrong type raises `badarg', or `{invalid, What}' where `socket' does. A timeout that is none of those
%% below raises `{invalid, {timeout, Timeout}}'.
%%
%% == Waiting ==
%%
%% A call that would block waits as its last argument says:
%% <ul>
%% <li>`infinity' (the default), or a positive number of milliseconds: the call blocks the calling process until then;</li>
%% <li>`0': the call does not wait, and returns `{error, timeout}' in place of waiting;</li>
%% <li>`nowait': the call returns `{select, {select_info, Tag, Handle}}' in place of waiting;</li>
%% <li>a reference: as `nowait', with this reference as `Handle'.</li>
%% </ul>
%% After a `select' answer the calling process receives exactly one of these messages, unless it cancels the wait with
%% {@link cancel/2}:
%% <ul>
%% <li>``{'$socket', Socket, select, Handle}'': call again;</li>
%% <li>``{'$socket', Socket, abort, {Handle, Reason}}'': the wait has ended. `Reason' is `closed' if the socket was closed, or
%% if a call ahead in the queue met the end of the stream; `cancelled' if a later call of the same process replaced the wait;
%% a {@link posix()} if another call met an error that ends all waits in this direction.</li>
%% </ul>
%% Each socket has two directions: receives and accepts wait for reading, sends and connects for writing. In each direction
%% the waiters form a queue. The head of the queue has the turn: it alone is sent `select', and it keeps the turn until it
%% calls again or cancels. The waiters behind the head follow in the order of their calls. A process has one place in each
%% direction. If the head calls again before its message has come, the new call replaces the wait, whose handle is sent
%% `abort' with `cancelled'. If a waiter behind the head calls again, the call raises `{invalid, state}'. A receive with
%% timeout 0 is attempted even if another process has the turn; any other call with timeout 0 then returns `{error, timeout}'.
%%
%% == Completions ==
%%
%% On a socket with the back end `io_uring' ({@link open/4}) a call with `nowait' or a handle returns
%% `{completion, {completion_info, Op, Handle}}' in place of `select'. Then the calling process receives exactly one of
%% <ul>
%% <li>``{'$socket', Socket, completion, {Handle, Result}}'': the call is done, and `Result' is what the blocking call would
%% have returned;</li>
%% <li>``{'$socket', Socket, abort, {Handle, Reason}}'': as above.</li>
%% </ul>
%% With `{otp, select_read}' set, a receive that gets data at once returns `{completion, {Info, Data}}': the next receive is
%% in flight. A process may have any number of completions in flight. These calls return `select' on every socket:
%% {@link sendmmsg/4}, messages with `gso' or with more than 1,024 parts, {@link sendv/3} of as many parts, {@link sendfile/5}
%% of a file that was not opened `raw', {@link recv/4} of a length from a stream that was opened by its descriptor,
%% {@link recvmsg/5}, {@link recvmmsg/6} and {@link recv_fds/4} on a Unix socket. A program that handles both answers runs with
%% either back end.
%%
%% == Examples ==
%%
%% In the examples `Listener' is a listening TCP socket and `Addr' its address; `Socket' and `Peer' are the two ends of a TCP
%% connection; `Udp' is a UDP socket and `UdpAddr' its address. All are on loopback. A whole client:
%% ```
%% {ok, Client} = esock:open(inet, stream, tcp),
%% ok = esock:connect(Client, Addr),
%% ok = esock:send(Client, "hello"),
%% ok = esock:close(Client).
%% '''
%% The same receive with each way of waiting:
%% ```
%% {error, timeout} = esock:recv(Socket, 0, 0),
%% {error, timeout} = esock:recv(Socket, 0, 100),
%% {select, {select_info, recv, Handle}} = esock:recv(Socket, 0, nowait),
%% ok = esock:send(Peer, "hello"),
%% receive {'$socket', Socket, select, Handle} -> {ok, <<"hello">>} = esock:recv(Socket, 0, nowait) end.
%% '''
%% With completions:
%% ```
%% %% Needs io_uring.
%% {ok, S} = esock:open(inet, stream, tcp, #{io_backend => io_uring}),
%% ok = esock:connect(S, Addr),
%% {completion, {completion_info, recv, Handle}} = esock:recv(S, 0, nowait),
%% {ok, T} = esock:accept(Listener),
%% ok = esock:send(T, "hello"),
%% receive {'$socket', S, completion, {Handle, {ok, <<"hello">>}}} -> ok end.
%% '''
-module(esock).

-compile({no_auto_import, [monitor/1, monitor/2]}).

-export([open/0, open/1, open/2, open/3, open/4]).
-export([socketpair/0, socketpair/1, socketpair/2, socketpair/3, socketpair/4]).
-export([dup/1, from_inet/1, to_fd/1, listen_fds/0, listen_fds/1]).
-export([controlling_process/2]).
-export([bind/2, bind/3]).
-export([peeloff/2, peeloff/3]).
-export([connect/1, connect/2, connect/3]).
-export([listen/1, listen/2]).
-export([accept/1, accept/2]).
-export([accept_from/1, accept_from/2]).
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
-export([send_fds/3, send_fds/4, send_fd/2]).
-export([recv_fds/2, recv_fds/3, recv_fds/4, recv_fd/1, recv_fd/2]).
-export([wait/3, wait_readable/2, wait_writable/2, select/2]).
-export([shutdown/2]).
-export([close/1]).
-export([detach/1, detach/2, close_fd/1, fileno/1, with_fd/2]).
-export([get_inheritable/1, set_inheritable/2]).
-export([cancel/2]).
-export([setopt/3, setopt/4, setopts/2, setopt_native/3]).
-export([getopt/2, getopt/3, getopt_native/3]).
-export([peercred/1, take_error/1, original_dst/1, cookie/1, set_keepalive/2]).
-export([sockname/1, socknames/2, port/1]).
-export([peername/1, peernames/2]).
-export([ioctl/2, ioctl/3, ioctl/4]).
-export([number_of/0]).
-export([which_sockets/0, which_sockets/1]).
-export([use_registry/1]).
-export([monitor/1, monitor/2]).
-export([cancel_monitor/1]).
-export([number_of_monitors/0, number_of_monitors/1]).
-export([which_monitors/1]).
-export([monitored_by/1]).
-export([debug/1, socket_debug/1]).
-export([info/0, info/1]).
-export([i/0, i/1, i/2]).
-export([supports/0, supports/1, supports/2]).
-export([is_supported/1, is_supported/2, is_supported/3]).
-export([probe/1]).
-export([const/1, const_name/2, constants/1]).
-export([options/0, options/1, options/2, option/1, option/2]).
-export([protocols/0, protocol/1]).
-export([tables/0, table/1]).
-export([mk_sockaddr/2, mk_sockaddr/3]).
-export([format_error/1, format/1]).
-export([to_list/1]).
-export([which_socket_kind/1]).

-export_type([event/0]).
-export_type([socket/0, socket_handle/0, select_tag/0, select_handle/0, select_info/0, invalid/0, eei/0]).
-export_type([completion_tag/0, completion_handle/0, completion_info/0]).
-export_type([domain/0, type/0, protocol/0, port_number/0, in_addr/0, in6_addr/0]).
-export_type([sockaddr/0, sockaddr_recv/0, sockaddr_in/0, sockaddr_in6/0, sockaddr_un/0, sockaddr_ll/0, sockaddr_dl/0]).
-export_type([sockaddr_nl/0, sockaddr_vm/0, sockaddr_can/0, sockaddr_tipc/0, sockaddr_bt/0, sockaddr_alg/0, sockaddr_qrtr/0,
              sockaddr_xdp/0, sockaddr_llc/0, sockaddr_mctp/0]).
-export_type([sockaddr_unspec/0, sockaddr_native/0, interface_type/0, msg_flag/0]).
-export_type([level/0, otp_socket_option/0, socket_option/0, linger/0, timeval/0, timespec/0]).
-export_type([interface/0, group_filter/0, bpf_program/0, timestamping_flag/0, tls_crypto_info/0]).
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

%%% ---- Types: sockets and waiting -----------------------------------------------------------------------------------
%% EDoc takes the comment behind a type as its text, and reads comments of this file only: in an included file the types would
%% have none. A comment between two types needs an empty line on either side.

-type socket() :: {'$socket', socket_handle()}.
%% A socket. Any process may use it. Only its controlling process (the owner: the process that opened or accepted it) may set
%% `{otp, controlling_process}' and `{otp, meta}'. The socket is closed when its owner ends. To match one in a message:
%% ``{'$socket', Socket, select, Handle}''.

-opaque socket_handle() :: reference().
%% The reference inside a {@link socket()}, without a meaning for callers.

-type select_tag() :: atom() | {atom(), ContData :: term()}.
%% What a wait is for: the name of the function. Those that send carry what their continuation needs, such as the flags.
%% Examples: `recv', `accept', `{send, [more]}'.

-type select_handle() :: reference().
%% The reference that the message of a wait carries: the caller's own, or a new one for `nowait'. Example: `make_ref()'.

-type select_info() :: {select_info, select_tag(), select_handle()}.
%% A wait that ends with a `select' or an `abort' message. {@link cancel/2} takes it. {@link send/4}, {@link sendto/5},
%% {@link sendmsg/4}, {@link sendv/4} and {@link sendfile/5} take it as a continuation, to send the rest. Example:
%% `{select_info, recv, make_ref()}'.

-type event() :: read | write | error | hup | priority.
%% An event of a descriptor, poll(2). `read': a receive or an accept would not block. `write': a send would not block, or a connect
%% has ended. `hup': the peer sends no more (POLLRDHUP), or the connection has ended in both directions (POLLHUP). `priority':
%% there is urgent data (POLLPRI). `error': the socket has an error, or an entry in its error queue (POLLERR). Example: `hup'.

-type completion_tag() :: atom().
%% The name of the function that is completed. Examples: `recv', `send'. {@link accept_from/2} and {@link accept_many/3}
%% have `accept', {@link recv_fds/4} has `recvmsg'.

-type completion_handle() :: reference().
%% The reference that the message of a completion carries: the caller's own, or a new one for `nowait'. Example: `make_ref()'.

-type completion_info() :: {completion_info, completion_tag(), completion_handle()}.
%% A completion in flight, on a socket with the back end `io_uring'. {@link cancel/2} takes it. Example:
%% `{completion_info, recv, make_ref()}'.

-type later() :: {select, select_info()} | {completion, completion_info()}.
%% The answer to `nowait' (or a handle) of a call that would block: a message follows. The back end of the socket decides
%% which of the two it is: `epoll' answers `select', `io_uring' answers `completion'. Examples:
%% `{select, {select_info, recv, make_ref()}}', `{completion, {completion_info, recv, make_ref()}}'.

-type later(Part) ::
        {select, select_info() | {select_info(), Part}} | {completion, completion_info() | {completion_info(), Part}}.
%% As {@link later()}, with the partial result of the call, if there is one: received data, or the data that is still to be
%% sent. Example: `{select, {{select_info, {send, []}, make_ref()}, <<"rest">>}}'.

%%% ---- Types: errors and numbers ------------------------------------------------------------------------------------

-type invalid() :: {invalid, What :: term()}.
%% The reason of an error in the arguments. `What' names the argument. Examples:
%% `{invalid, {socket_option, {socket, colour}}}', `{invalid, {integer_range, 4294967296}}'. `{invalid, state}': another kind
%% of call waits in the direction that this one needs.

-type eei() :: #{info := atom(), raw_info := term()}.
%% Extended error information, which OTP's `socket' has on Windows. No function of this module returns it. Example:
%% `#{info => unknown, raw_info => 10061}'.

-type posix() :: inet:posix() | atom().
%% An error of the system by its name in lower case, errno(3); `errno_N' for a number N without a name. Examples:
%% `econnrefused', `emfile'. {@link format_error/1} makes text of it.

-type uint8() :: 0..16#FF.
%% An unsigned number of 8 bits. Example: `255'.

-type uint16() :: 0..16#FFFF.
%% An unsigned number of 16 bits. Example: `65535'.

-type uint32() :: 0..16#FFFFFFFF.
%% An unsigned number of 32 bits. Example: `4294967295'.

-type uint64() :: 0..16#FFFFFFFFFFFFFFFF.
%% An unsigned number of 64 bits. Example: `18446744073709551615'.

%%% ---- Types: kinds of sockets --------------------------------------------------------------------------------------

-type domain() ::
        inet | inet6 | local | unix | unspec | ax25 | ipx | appletalk | netrom | bridge | atmpvc | x25 | rose |
        decnet | netbeui | security | key | netlink | route | packet | ash | econet | atmsvc | rds | sna | irda |
        pppox | wanpipe | llc | ib | mpls | can | tipc | bluetooth | iucv | rxrpc | isdn | phonet | ieee802154 |
        caif | alg | nfc | vsock | kcm | qipcrtr | smc | xdp | mctp.
%% A communication domain, socket(2) and address_families(7). Functions take its number AF_* too. They return the name; of two
%% names for one number (`unix', `route') the other one. Examples: `inet' (IPv4), `inet6' (IPv6), `local' (Unix sockets).

-type type() :: stream | dgram | raw | rdm | seqpacket | dccp | packet.
%% A communication type, socket(2). Functions take the number SOCK_* of any other type, and return it. Examples: `stream',
%% `dgram'.

-type protocol() :: atom().
%% A protocol by its name in the IANA registry, or `default': the protocol of the domain and type. {@link protocols/0} lists
%% the names. Examples: `tcp', `udp', `default'.

-type port_number() :: 0..65535.
%% A port number in the host's byte order. With 0 bind(2) chooses a free port. Example: `8080'.

%%% ---- Types: addresses ---------------------------------------------------------------------------------------------

-type in_addr() :: {0..255, 0..255, 0..255, 0..255}.
%% An IPv4 address, as {@link inet} has it. Example: `{127, 0, 0, 1}'.

-type in6_addr() :: {0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535, 0..65535}.
%% An IPv6 address, as {@link inet} has it. Example: `{0, 0, 0, 0, 0, 0, 0, 1}'.

-type sockaddr_in() ::
        #{family := inet, port => port_number(), addr => any | broadcast | loopback | in_addr()}.
%% An address of IPv4, ip(7). The default of `addr' is `any' (0.0.0.0), the default of `port' 0. Functions return `addr' as a
%% tuple. Examples: `#{family => inet, addr => loopback, port => 8080}',
%% `#{family => inet, addr => {192, 0, 2, 1}, port => 53}'.

-type sockaddr_in6() ::
        #{family := inet6, port => port_number(), addr => any | loopback | in6_addr(),
          flowinfo => 0..16#FFFFF, scope_id => uint32() | string()}.
%% An address of IPv6, ipv6(7). `scope_id' is the index or the name of the interface of a link-local address. `flowinfo' is a number in
%% the host's byte order; OTP's `socket' has the bytes of the network's order in it. Defaults: `addr' `any' (the address
%% `::'), all others 0. Example: `#{family => inet6, addr => loopback, port => 8080}'.

-type sockaddr_un() :: #{family := local, path := binary() | string()}.
%% An address of a Unix socket, unix(7): a path of at most 108 bytes. A string is encoded as UTF-8, a binary is taken as it
%% is. Functions return a binary. An abstract name begins with a NUL byte; a NUL in any other path is an error. With an empty
%% path bind(2) chooses an abstract name. Examples: `#{family => local, path => "/tmp/echo"}',
%% `#{family => local, path => <<0, "echo">>}'.

-type sockaddr_ll() ::
        #{family := packet, protocol => 0..65535, ifindex => integer() | string(), pkttype => atom() | 0..255,
          hatype => atom() | 0..65535, addr => binary()}.
%% An address of the link layer, packet(7), for sockets of domain `packet'. `protocol' (an EtherType) is in the host's byte order.
%% `ifindex' may be the name of an interface. `pkttype' is `host', `broadcast', `multicast', `otherhost', `outgoing', `loopback', `user', `kernel', or a number; `hatype'
%% an ARPHRD_* such as `ether' or `loopback', or a number. `addr' has at most 8 bytes. All default to 0, or to no bytes.
%% Example: `#{family => packet, protocol => 16#0800, ifindex => 1}'.

-type sockaddr_dl() ::
        #{family := link, index := non_neg_integer(), type := interface_type(), nlen := non_neg_integer(),
          alen := non_neg_integer(), slen := non_neg_integer(), data := binary()}.
%% An address of the link layer on BSD, for programs that name the type. Functions neither take nor return it on Linux.
%% Example: `#{family => link, index => 1, type => ether, nlen => 0, alen => 0, slen => 0, data => <<>>}'.

-type interface_type() :: atom() | non_neg_integer().
%% A kind of interface in a {@link sockaddr_dl()}. Example: `ether'.

-type sockaddr_unspec() :: #{family := unspec, addr => binary()}.
%% An address of no family, AF_UNSPEC. To {@link connect/2} it means: end the connection, or the association of a datagram
%% socket with its peer. {@link recvfrom/4} returns it for a sender without an address, and for the peer of a TCP stream.
%% Example: `#{family => unspec}'.

-type sockaddr_nl() :: #{family := netlink, pid => uint32(), groups => uint32() | [1..32]}.
%% An address of netlink(7). With `pid' 0 (default) the kernel is meant, or with bind(2) a number that the kernel chooses.
%% `groups' is a mask of multicast groups, or a list of their numbers; functions return the mask. `esock_netlink' has
%% the messages. Example: `#{family => netlink, groups => [1]}'.

-type sockaddr_vm() ::
        #{family := vsock, cid => any | hypervisor | local | host | uint32(), port => any | uint32(), flags => [to_host] | 0..255}.
%% An address of vsock(7): between a virtual machine and its host. Defaults: 0. Example: `#{family => vsock, cid => host, port => 1024}'.

-type sockaddr_can() ::
        #{family := can, ifindex => non_neg_integer() | string(), proto => isotp | j1939, rx_id => uint32(), tx_id => uint32(),
          name => none | uint64(), pgn => none | 0..16#40000, addr => none | byte()}.
%% An address of a CAN bus. `ifindex' is the index or the name of an interface, 0 (default) is all of them. With `proto => isotp'
%% it must have `rx_id' and `tx_id', as `esock_can:encode_id/1' makes them. With `proto => j1939' it has `name', `pgn' and `addr',
%% by default `none'. Examples: `#{family => can, ifindex => 0}',
%% `#{family => can, proto => isotp, ifindex => 2, rx_id => 16#123, tx_id => 16#321}'.

-type sockaddr_tipc() ::
        #{family := tipc, kind := service | range | socket, scope => zone | cluster | node | byte(), type => uint32(),
          instance => uint32(), domain => uint32(), lower => uint32(), upper => uint32(), ref => uint32(), node => uint32()}.
%% An address of TIPC. `service' has `type', `instance' and `domain'; `range' has `type', `lower' and `upper'; `socket' has `ref'
%% and `node'. Example: `#{family => tipc, kind => service, type => 18888, instance => 17, scope => cluster}'.

-type sockaddr_bt() ::
        #{family := bluetooth, proto := l2cap | hci | sco | rfcomm, bdaddr => any | local | all | string(), psm => 0..65535,
          cid => 0..65535, bdaddr_type => bredr | le_public | le_random | byte(), channel => atom() | 0..65535, dev => 0..65535}.
%% An address of Bluetooth. `l2cap' has `psm', `bdaddr', `cid' and `bdaddr_type'; `rfcomm' has `bdaddr' and `channel'; `sco' has
%% `bdaddr'; `hci' has `dev' and `channel' (`raw', `user', `monitor', `control' or `logging').
%% Example: `#{family => bluetooth, proto => rfcomm, bdaddr => "00:1B:DC:0F:12:34", channel => 3}'.

-type sockaddr_alg() ::
        #{family := alg, type := string() | binary(), name := string() | binary(), feat => uint32(), mask => uint32()}.
%% An algorithm of the kernel's cryptography: its type (`hash', `skcipher', `aead', `rng', `akcipher') of 1 to 13 bytes, and its name
%% of 1 to 63 bytes. `feat' and `mask' are flags of the kernel's crypto API, by default 0. Functions return the texts as strings.
%% `esock_alg:open/3' binds a socket to an algorithm. Example: `#{family => alg, type => "hash", name => "sha256"}'.

-type sockaddr_qrtr() :: #{family := qipcrtr, node => uint32(), port => uint32()}.
%% An address of the Qualcomm IPC router. Example: `#{family => qipcrtr, node => 1, port => 15}'.

-type sockaddr_xdp() ::
        #{family := xdp, ifindex => non_neg_integer() | string(), queue_id => uint32(), shared_umem_fd => uint32(),
          flags => [shared_umem | copy | zerocopy | use_need_wakeup | use_sg] | 0..65535}.
%% An address of AF_XDP: a queue of an interface. Example: `#{family => xdp, ifindex => 2, queue_id => 0}'.

-type sockaddr_llc() ::
        #{family := llc, arphrd => 0..65535, test => byte(), xid => byte(), ua => byte(), sap => byte(), mac => binary()}.
%% An address of IEEE 802.2 LLC. `mac' has at most 6 bytes. Example: `#{family => llc, arphrd => 1, sap => 16#42}'.

-type sockaddr_mctp() :: #{family := mctp, network => uint32(), addr => byte(), type => byte(), tag => byte()}.
%% An address of the management component transport protocol. Example: `#{family => mctp, network => 1, addr => 8, type => 1}'.

-type sockaddr_native() :: #{family := atom() | integer(), addr => binary()}.
%% An address of a family without a form here: its name or its number AF_*, and the bytes of the `struct sockaddr' behind the
%% family. Example (X.25): `#{family => x25, addr => <<"0123456789", 0:48>>}'.

-type sockaddr() ::
        sockaddr_in() | sockaddr_in6() | sockaddr_un() | sockaddr_ll() | sockaddr_dl() | sockaddr_nl() | sockaddr_vm() |
        sockaddr_can() | sockaddr_tipc() | sockaddr_bt() | sockaddr_alg() | sockaddr_qrtr() | sockaddr_xdp() | sockaddr_llc() |
        sockaddr_mctp() | sockaddr_unspec() | sockaddr_native().
%% An address that functions take. A map with an unknown key is `{error, {invalid, {sockaddr, {keys, Keys}, Map}}}', a map
%% that is no address `{error, {invalid, {sockaddr, Map}}}'. A term that is no map raises `{invalid, {sockaddr, Term}}'.
%% Example: `#{family => inet, addr => loopback, port => 8080}'.

-type sockaddr_recv() :: sockaddr() | binary().
%% An address that functions return. Example: `#{family => inet, addr => {127, 0, 0, 1}, port => 8080}'. The binary is for
%% programs that match it as OTP's type has it: an unknown family is a {@link sockaddr_native()} here.

%%% ---- Types: messages ----------------------------------------------------------------------------------------------

-type msg_flag() ::
        batch | cmsg_cloexec | confirm | ctrunc | dontroute | dontwait | eor | errqueue | fastopen | more | nosignal | oob |
        peek | probe | sock_devmem | trunc | waitall | waitforone.
%% A flag MSG_* of send(2) and recv(2). A list of flags has at most 64 elements; an integer in it stands for its bits. An
%% unknown name is `{error, {invalid, {msg_flag, Name}}}', and so is an integer with the bit of MSG_ZEROCOPY; anything else
%% raises `{invalid, {msg_flags, Rest}}'. Examples: `peek' (leave the data in the socket), `more' (more data follows), `oob'
%% (urgent data of TCP), `errqueue' (receive from the error queue).
%%
%% `dontwait' is implied: how a call waits is its last argument. `waitall' is what a receive of a length does on a stream.
%% `fastopen', of {@link sendto/5} and {@link sendmsg/4} on a TCP socket, begins a connection with the data in its first packet,
%% tcp(7); without a cookie of the peer it returns `{error, einprogress}', and the data is to be sent again. `batch',
%% `waitforone', `probe' and `sock_devmem' are passed to the kernel.

-type msg() :: msg_send() | msg_recv().
%% A message to send, or a received one. Example: `#{iov => [<<"data">>]}'.

-type msg_send() ::
        #{addr => sockaddr(), iov := erlang:iovec(), ctrl => [cmsg_send() | cmsg_native()], gso => 1..65535}.
%% A message to send with {@link sendmsg/4} or {@link sendmmsg/4}: the `struct msghdr' of sendmsg(2). `iov' is the data,
%% `addr' the destination (default: the peer), `ctrl' the control messages (default: none). `gso' is the size in bytes of the
%% UDP datagrams that the data is cut into. Examples: `#{iov => [<<"head">>, <<"body">>]}',
%% `#{addr => #{family => inet, addr => loopback, port => 53}, iov => [<<"query">>], ctrl => [#{level => ip, type => ttl,
%% value => 1}]}', `#{iov => [binary:copy(<<"x">>, 3600)], gso => 1200}'.

-type msg_recv() ::
        #{addr => sockaddr_recv(), iov := erlang:iovec(), ctrl := [cmsg_recv() | cmsg_native()],
          flags := [msg_flag() | integer()], length => non_neg_integer(), gro => pos_integer()} |
        #{addr => sockaddr_recv(), notification := #{type := atom() | integer(), atom() => term()}, ctrl := [cmsg_native()],
          flags := [notification | msg_flag() | integer()]}.
%% A message of {@link recvmsg/5} or {@link recvmmsg/6}. `addr' is the sender, and is missing if the system names none. `iov'
%% has the data, one binary. `length' is there if the caller gave the flag `trunc' and the message was cut: the length of the
%% whole message in bytes. `gro' is there if the kernel put several datagrams together: the size of each in bytes; the last
%% may be shorter. The map with `notification' is an SCTP notification, RFC 6458 section 6.1: its `type', such as
%% `assoc_change', and its fields. Example:
%% `#{addr => #{family => inet, addr => {127, 0, 0, 1}, port => 5353}, iov => [<<"data">>], ctrl => [], flags => []}'.

-type cmsg_native() :: #{level := level() | integer(), type := atom() | integer(), data := binary()}.
%% A control message as bytes, cmsg(3): for a type without a name here. Level and type may be numbers. Example (UDP_SEGMENT):
%% `#{level => 17, type => 103, data => <<1200:16/native>>}'.

-type cmsg() :: cmsg_recv() | cmsg_send().
%% A control message, cmsg(3). Example: `#{level => ip, type => ttl, value => 64}'.

-type cmsg_recv() ::
        #{level := level() | integer(), type := atom() | integer(), data := binary(), value => term()}.
%% A received control message: its bytes (`data'), and their meaning (`value') if the type is known. Values by level:
%% `socket': `rights' (list of descriptors), `credentials' (`#{pid, uid, gid}'), `pidfd' (a descriptor), `security' (string),
%% `timestamp' ({@link timeval()}), `timestampns' ({@link timespec()}), `timestamping' (a map with those of `software',
%% `system' and `hardware' that were taken, each a {@link timespec()}), `timestamping_opt_stats' (the state of the connection),
%% `timestamping_pktinfo' (`#{ifindex, pkt_length}'), `ts_opt_id', `txtime', `inq', `mark', `priority', `rxq_ovfl' (numbers),
%% `wifi_status' (boolean), `devmem_linear', `devmem_dmabuf' (maps). `ip': `pktinfo' ({@link ip_pktinfo()}), `tos'
%% ({@link ip_tos()}), `ttl', `checksum', `recvfragsize' (numbers), `protocol', `security' (string), `recverr'
%% ({@link extended_err()}), `origdstaddr' ({@link sockaddr()}), `recvopts', `retopts' (bytes). `ipv6': `pktinfo'
%% ({@link ipv6_pktinfo()}), `hoplimit', `tclass', `flowinfo', `recvfragsize' (numbers), `dontfrag' (boolean), `pathmtu'
%% (`#{addr, mtu}'), `recverr', `origdstaddr', `dstopts', `hopopts', `rthdr', `rthdrdstopts' (bytes), and `rfc2292_pktinfo'
%% and others of RFC 2292. `sctp': `sndrcv' ({@link sctp_snd_rcv_info()}), `init' ({@link sctp_initmsg()}), `sndinfo',
%% `rcvinfo', `nxtinfo', `prinfo', `authinfo' (maps), `dstaddrv4', `dstaddrv6' (addresses). `udp': `gro', `segment' (numbers).
%% `tcp': `inq' (number). `tls': `set_record_type', `get_record_type' (numbers). `alg': `op' (`encrypt' or `decrypt'), `iv'
%% (bytes), `aead_assoclen'. `packet': `auxdata' (map). `netlink', `can_raw', `can_j1939', `tipc', `rds', `vsock': as their
%% manuals have them. An option such as `{ip, recvttl}' has the kernel send them.
%% Example: `#{level => ip, type => ttl, data => <<64:32/native>>, value => 64}'.

-type cmsg_send() ::
        #{level := level() | integer(), type := atom() | integer(), data => native_value(), value => term()}.
%% A control message to send: `value' as {@link cmsg_recv()} lists it, or `data'. A map with both is sent if both say the
%% same, so that a received control message can be sent on. All of a message take at most `{otp, sndctrlbuf}' bytes (default
%% 1024). Examples: `#{level => socket, type => rights, value => [0]}' (a descriptor for a Unix socket),
%% `#{level => ip, type => tos, value => lowdelay}',
%% `#{level => ip, type => pktinfo, value => #{ifindex => 0, spec_dst => {127, 0, 0, 1}}}',
%% `#{level => ip, type => ttl, data => 1}'.

-type native_value() :: integer() | boolean() | binary().
%% A value in the system's form. An integer or a boolean is a C `int', a binary is taken as it is. Examples: `1', `true',
%% `<<1:32/native>>'.

%%% ---- Types: the error queue ---------------------------------------------------------------------------------------

-type ee_origin() :: none | local | icmp | icmp6 | txstatus | zerocopy | txtime.
%% Where an entry of the error queue comes from, SO_EE_ORIGIN_* of ip(7). `txstatus' is a timestamp of a sent packet: `info' is
%% 0 (sent), 1 (given to the queueing discipline), 2 (acknowledged) or 3 (completed), and with `opt_id' `data' is the number of
%% the packet. Example: `icmp'.

-type icmp_dest_unreach() :: net_unreach | host_unreach | port_unreach | frag_needed | net_unknown | host_unknown.
%% The `code' of an {@link extended_err()} of origin `icmp' and type `dest_unreach', RFC 792 and RFC 1122. Example:
%% `port_unreach'.

-type icmpv6_dest_unreach() ::
        noroute | adm_prohibited | not_neighbour | addr_unreach | port_unreach | policy_fail | reject_route.
%% The `code' of an {@link extended_err()} of origin `icmp6' and type `dest_unreach', RFC 4443. Example: `port_unreach'.

-type extended_err() ::
        #{error := posix(), origin := ee_origin() | uint8(), type := atom() | uint8(), code := atom() | uint8(),
          info := uint32(), data := uint32(), offender := sockaddr_recv()}.
%% An error of the error queue, `struct sock_extended_err' of ip(7): the `value' of a control message of type `recverr'. The
%% options `{ip, recverr}' and `{ipv6, recverr}' have the kernel keep such errors; `recvmsg(Socket, [errqueue])' receives
%% them. `offender' is the address of the node that sent the error. Example:
%% `#{error => econnrefused, origin => icmp, type => dest_unreach, code => port_unreach, info => 0, data => 0, offender =>
%% #{family => inet, addr => {127, 0, 0, 1}, port => 0}}'.

%%% ---- Types: options and their values ------------------------------------------------------------------------------

-type level() :: otp | socket | protocol().
%% The level of an option or of a control message: `otp' for options of this library, `socket' for SOL_SOCKET, or a protocol
%% or family that {@link socket_option()} lists.
%% Examples: `socket', `tcp'.

-type otp_socket_option() ::
        assoc_id | controlling_process | debug | domain | fd | iow | meta | rcvbuf | rcvctrlbuf | read_ahead | select_read |
        sndctrlbuf | use_registry.
%% An option of level `otp', such as `{otp, rcvbuf}', which this library keeps: {@link setopt/3} and {@link getopt/2} explain
%% them. Example: `rcvbuf'.

-type socket_option() ::
        {Level :: socket | ip | ipv6 | tcp | udp | sctp | mcast | icmp | icmpv6 | raw | udplite | mptcp | tls | packet |
                  netlink | can_raw | can_isotp | can_j1939 | tipc | vsock | alg | rds | xdp | smc | kcm | mctp | llc |
                  bluetooth | l2cap | rfcomm | sco | hci,
         Opt :: atom()}.
%% An option of the system. {@link supports/1} lists them, `doc/options.md' has the types of their values. Level `mcast' has
%% the options of RFC 3678 for groups of IPv4 and IPv6: the address of the group says which. {@link probe/1} asks the running
%% kernel for an option. Examples: `{tcp, nodelay}', `{socket, reuseaddr}', `{mcast, join_group}'.

-type linger() :: #{onoff := boolean(), linger := non_neg_integer()}.
%% The value of `{socket, linger}', SO_LINGER of socket(7): how long {@link close/1} waits for data to be sent, in seconds.
%% With 0 seconds a close resets the connection; `abort' in place of the map sets that. `{seconds, 5}' stands for the map in
%% the example, and `off' for no linger. Example: `#{onoff => true, linger => 5}'.

-type timeval() :: #{sec := integer(), usec := integer()}.
%% A time in seconds and microseconds, `struct timeval'. Example: `#{sec => 1, usec => 500000}'.

-type timespec() :: #{sec := integer(), nsec := integer()}.
%% A time in seconds and nanoseconds, `struct timespec'. Example: `#{sec => 1, nsec => 500000000}'.

-type ip_mreq() :: #{multiaddr := in_addr(), interface := any | loopback | in_addr() | {index, interface()} | string()}.
%% The value of `{ip, add_membership}' and `{ip, drop_membership}', ip(7): a multicast group, and the interface by its
%% address, its index or its name; `any' in its place lets the system choose. Examples:
%% `#{multiaddr => {224, 0, 0, 251}, interface => {0, 0, 0, 0}}', `#{multiaddr => {224, 0, 0, 251}, interface => "lo"}'.

-type interface() :: non_neg_integer() | string().
%% An interface by its index (0: none, or the system chooses), or by its name in the network namespace of the socket. A name
%% that no interface has is `{error, enodev}', in a control message `{error, {invalid, _}}'. Functions return the index.
%% Examples: `1', `"eth0"'.

-type group_filter() ::
        #{interface := interface(), group := sockaddr(), mode := include | exclude, slist := [sockaddr()]}.
%% The value of `{mcast, msfilter}', RFC 3678: the senders of a multicast group, of IPv4 or IPv6, from which the socket
%% receives (`include'), or does not (`exclude'). To set it the socket has joined the group. At most 128 senders. Example:
%% `#{interface => 1, group => #{family => inet, addr => {232, 1, 1, 1}}, mode => include, slist => []}'.

-type bpf_program() :: [{Code :: uint16(), Jt :: uint8(), Jf :: uint8(), K :: uint32()}, ...].
%% A program of classic BPF, at most 4,096 instructions of `struct sock_filter', linux/filter.h: the value of
%% `{socket, attach_filter}', `{socket, attach_reuseport_cbpf}' and `{packet, fanout_data}'. Example (accept every packet):
%% `[{6, 0, 0, 16#FFFFFFFF}]'.

-type timestamping_flag() ::
        tx_hardware | tx_software | rx_hardware | rx_software | software | sys_hardware | raw_hardware | opt_id | tx_sched |
        tx_ack | opt_cmsg | opt_tsonly | opt_stats | opt_pktinfo | opt_tx_swhw | bind_phc | opt_id_tcp | opt_rx_filter |
        tx_completion.
%% A flag SOF_TIMESTAMPING_* in the value of `{socket, timestamping}', timestamping.rst of Linux: which packets get a
%% timestamp, and which times are reported. Times of sent packets are in the error queue: `recvmsg(Socket, [errqueue])'.
%% Example: `tx_software'.

-type tls_crypto_info() ::
        #{version := 'tlsv1.2' | 'tlsv1.3' | uint16(),
          cipher := aes_gcm_128 | aes_gcm_256 | aes_ccm_128 | chacha20_poly1305 | sm4_gcm | sm4_ccm | aria_gcm_128 |
                    aria_gcm_256,
          iv => binary(), key => binary(), salt => binary(), rec_seq => binary()}.
%% The value of `{tls, tx}' and `{tls, rx}', linux/tls.h: the keys with which the kernel encrypts what is sent, and decrypts
%% what is received. Set `{tcp, ulp}' to `"tls"' first. The cipher says how long each part is: `iv' 8 bytes, `key' 16 or 32,
%% `salt' 4, `rec_seq' 8; of `chacha20_poly1305' `iv' 12 and no `salt'. Example:
%% ``#{version => 'tlsv1.3', cipher => aes_gcm_128, iv => <<0:64>>, key => <<0:128>>, salt => <<0:32>>, rec_seq => <<0:64>>}''.

-type ip_mreq_source() :: #{multiaddr := in_addr(), interface := in_addr(), sourceaddr := in_addr()}.
%% The value of `{ip, add_source_membership}', `{ip, block_source}' and the like, ip(7): {@link ip_mreq()} and one sender.
%% Example: `#{multiaddr => {232, 1, 1, 1}, interface => {0, 0, 0, 0}, sourceaddr => {192, 0, 2, 1}}'.

-type ip_msfilter() ::
        #{multiaddr := in_addr(), interface := in_addr(), mode := include | exclude, slist := [in_addr()]}.
%% The value of `{ip, msfilter}', ip(7): the senders of a multicast group from which the socket receives (`include'), or does
%% not (`exclude'). Example:
%% `#{multiaddr => {232, 1, 1, 1}, interface => {0, 0, 0, 0}, mode => include, slist => [{192, 0, 2, 1}]}'.

-type ip_pmtudisc() :: want | dont | do | probe | interface | omit.
%% The value of `{ip, mtu_discover}': how the kernel discovers the path MTU, IP_MTU_DISCOVER of ip(7). Example: `do' (never
%% fragment).

-type ip_tos() ::
        #{native := iptos_native(), tos := iptos_tos(), dscp := iptos_dscp() | non_neg_integer()}.
%% What getopt of `{ip, tos}' returns: one byte in three readings, on every OTP release. setopt takes an
%% {@link iptos_value()}. Example: `#{native => 16, tos => #{precedence => routine, tos => lowdelay}, dscp => 4}'.

-type iptos_value() :: iptos_tos() | iptos_dscp() | iptos_native() | lowdelay | throughput | reliability | mincost.
%% What setopt of `{ip, tos}' takes: the byte in one of its readings. Examples: `lowdelay', `ef', `16'.

-type iptos_tos() ::
        #{precedence := netcontrol | internetcontrol | critical_ecp | flashoverride | flash | immediate | priority |
                        routine | 0..7,
          tos := default | lowdelay | throughput | reliability | mincost | 0..15}.
%% The type of service as RFC 791 and RFC 1349 read it: precedence in bits 5 to 7, service in bits 1 to 4. Example:
%% `#{precedence => routine, tos => lowdelay}'.

-type iptos_dscp() ::
        cs0 | le | cs1 | af11 | af12 | af13 | cs2 | af21 | af22 | af23 | cs3 | af31 | af32 | af33 | cs4 | af41 | af42 |
        af43 | cs5 | voice_admit | nqb | ef | cs6 | cs7.
%% The type of service as RFC 2474 reads it: a differentiated services code point, in bits 2 to 7. Example: `ef'.

-type iptos_native() :: non_neg_integer().
%% The byte of the type of service as a number. Example: `16'.

-type ip_pktinfo() :: #{ifindex := interface(), spec_dst := in_addr(), addr := in_addr()}.
%% The `value' of a control message `{ip, pktinfo}', IP_PKTINFO of ip(7): the index of the interface, the local address, and
%% the destination in the header. In a message to send `spec_dst' is the source address, and `spec_dst' and `addr' may be left
%% out. Example: `#{ifindex => 1, spec_dst => {127, 0, 0, 1}, addr => {127, 0, 0, 1}}'.

-type ipv6_mreq() :: #{multiaddr := in6_addr(), interface := interface()}.
%% The value of `{ipv6, add_membership}' and `{ipv6, drop_membership}', ipv6(7): a multicast group, and the interface
%% (0: the system chooses). Example: `#{multiaddr => {16#ff02, 0, 0, 0, 0, 0, 0, 16#fb}, interface => 0}'.

-type ipv6_pmtudisc() :: want | dont | do | probe | interface | omit.
%% The value of `{ipv6, mtu_discover}': how the kernel discovers the path MTU, IPV6_MTU_DISCOVER of ipv6(7). Example: `want'.

-type ipv6_hops() :: default | uint8().
%% The value of `{ipv6, unicast_hops}' and `{ipv6, multicast_hops}', ipv6(7): a hop limit, or `default' for the system's.
%% Example: `64'.

-type ipv6_pktinfo() :: #{addr := in6_addr(), ifindex := interface()}.
%% The `value' of a control message `{ipv6, pktinfo}', IPV6_PKTINFO of ipv6(7): the local address and the index of the
%% interface. In a message to send `addr' is the source address. Example: `#{addr => {0, 0, 0, 0, 0, 0, 0, 1}, ifindex => 1}'.

%%% ---- Types: SCTP --------------------------------------------------------------------------------------------------

-type sctp_assoc_id() :: integer().
%% The number of an SCTP association, RFC 6458. Example: `1'.

-type sctp_setadaption() :: #{adaption_ind := uint32()}.
%% The adaptation layer by OTP's old name, for programs that name the type. `{sctp, adaption_layer}' takes and returns a
%% {@link sctp_set_adaptation_layer_ind()}. Example: `#{adaption_ind => 7}'.

-type sctp_set_adaptation_layer_ind() :: #{ind := uint32()}.
%% The value of `{sctp, adaptation_layer}': the indication that is sent to the peer, RFC 6458 section 8.1.10. Example:
%% `#{ind => 7}'.

-type sctp_assocparams() ::
        #{assoc_id := sctp_assoc_id(), asocmaxrxt := uint16(), number_peer_destinations := uint16(),
          peer_rwnd := uint32(), local_rwnd := uint32(), cookie_life := uint32()}.
%% The value of `{sctp, associnfo}', RFC 6458 section 8.1.2: retransmissions, windows in bytes, and `cookie_life' in
%% milliseconds. In setopt 0 leaves a parameter as it is. Example:
%% `#{assoc_id => 0, asocmaxrxt => 5, number_peer_destinations => 0, peer_rwnd => 0, local_rwnd => 0, cookie_life => 60000}'.

-type sctp_event_subscribe() ::
        #{data_io := boolean(), association := boolean(), address := boolean(), send_failure := boolean(),
          peer_error := boolean(), shutdown := boolean(), partial_delivery := boolean(), adaptation_layer => boolean(),
          authentication => boolean(), sender_dry => boolean(), stream_reset => boolean(), assoc_reset => boolean(),
          stream_change => boolean(), send_failure_event => boolean()}.
%% The value of `{sctp, events}': the notifications that {@link recvmsg/5} returns, RFC 6458 section 6.2.1. `data_io' adds the
%% control message `sndrcv' to data. Keys that may be left out are `false' then. Example:
%% `#{data_io => true, association => true, address => false, send_failure => false, peer_error => false, shutdown => true,
%% partial_delivery => false}'.

-type sctp_initmsg() ::
        #{num_ostreams := uint16(), max_instreams := uint16(), max_attempts := uint16(), max_init_timeo := uint16()}.
%% The value of `{sctp, initmsg}': parameters of new associations, RFC 6458 section 8.1.3. `max_init_timeo' is in
%% milliseconds. In setopt 0 leaves a parameter as it is. Example:
%% `#{num_ostreams => 10, max_instreams => 10, max_attempts => 0, max_init_timeo => 0}'.

-type sctp_rtoinfo() :: #{assoc_id := sctp_assoc_id(), initial := uint32(), max := uint32(), min := uint32()}.
%% The value of `{sctp, rtoinfo}': retransmission timeouts in milliseconds, RFC 6458 section 8.1.1. In setopt 0 leaves a
%% parameter as it is. Example: `#{assoc_id => 0, initial => 3000, max => 60000, min => 1000}'.

-type sctp_snd_rcv_info() ::
        #{stream := uint16(), ssn => uint16(), flags => [unordered | addr_over | abort | sack_immediately | eof],
          ppid => uint32(), context => uint32(), time_to_live => uint32(), tsn => uint32(), cum_tsn => uint32(),
          assoc_id := sctp_assoc_id()}.
%% The `value' of a control message `{sctp, sndrcv}', and the value of `{sctp, default_send_param}', RFC 6458 section 5.3.2.
%% `time_to_live' is in milliseconds. Keys that may be left out are 0 then. Example:
%% `#{stream => 1, ppid => 46, assoc_id => 0}'.

-type sctp_set_peer_primary_address() :: #{assoc_id := sctp_assoc_id(), addr := sockaddr()}.
%% The value of `{sctp, set_peer_primary_addr}': the local address that the peer is asked to prefer, RFC 6458 section 8.3.1.
%% Example: `#{assoc_id => 1, addr => #{family => inet, addr => loopback, port => 5000}}'.

-type sctp_set_primary_address() :: #{assoc_id := sctp_assoc_id(), addr := sockaddr()}.
%% The value of `{sctp, primary_addr}': the peer's address to which data goes first, RFC 6458 section 8.1.9. Example:
%% `#{assoc_id => 1, addr => #{family => inet, addr => {192, 0, 2, 1}, port => 5000}}'.

-type sctp_peer_address_parameters() ::
        #{assoc_id := sctp_assoc_id(), addr := sockaddr(), heatbeat_interval := uint32(), path_max_rxt := uint16(),
          path_mtu => uint32(), sack_delay => uint32(), flags => sctp_pap_flags(), ipv6_flowlabel => uint32(),
          dscp => uint8()}.
%% The value of `{sctp, peer_addr_params}': how the kernel probes an address of the peer, RFC 6458 section 8.1.12.
%% `heatbeat_interval' (OTP's spelling) and `sack_delay' are in milliseconds, `path_mtu' is in bytes. Example:
%% `#{assoc_id => 1, addr => #{family => inet, addr => {192, 0, 2, 1}, port => 5000}, heatbeat_interval => 30000,
%% path_max_rxt => 5, flags => [enable_heartbeats]}'.

-type sctp_pap_flags() :: integer() | [sctp_pap_flag()].
%% The flags of {@link sctp_peer_address_parameters()}, or their bits. Example: `[enable_heartbeats, disable_pmtu_discovery]'.

-type sctp_pap_flag() ::
        enable_heartbeats | disable_heartbeats | send_heartbeat_immediately | enable_pmtu_discovery |
        disable_pmtu_discovery | enable_sack | disable_sack | set_heartbeat_delay_to_zero | ipv6_flowlabel | dscp.
%% A flag SPP_* of RFC 6458 section 8.1.12. Example: `enable_heartbeats'.

-type sctp_status() ::
        #{assoc_id := sctp_assoc_id(), state := atom(), rwnd := uint32(), unacked_data := uint16(),
          pending_data := uint16(), in_streams := uint16(), out_streams := uint16(), fragmentation_point := uint32(),
          primary := sctp_peer_address_info()}.
%% The value of `{sctp, status}', read only: the state of an association, RFC 6458 section 8.2.1. `state' is such as
%% `established'. To ask for one association: `getopt(Socket, {sctp, status}, #{assoc_id => AssocId})'. Example of what to ask
%% with: `#{assoc_id => 1}'.

-type sctp_assoc_stats() ::
        #{assoc_id := sctp_assoc_id(), max_rto_addr := sockaddr(), max_rto := uint64(), in_sacks := uint64(),
          out_sacks := uint64(), in_packets := uint64(), out_packets := uint64(), rtx_chunks := uint64(),
          out_of_seq_tsns := uint64(), in_dup_chunks := uint64(), gap_ack_recv := uint64(),
          in_unordered_chunks := uint64(), out_unordered_chunks := uint64(), in_ordered_chunks := uint64(),
          out_ordered_chunks := uint64(), in_ctrl_chunks := uint64(), out_ctrl_chunks := uint64()}.
%% The value of `{sctp, get_assoc_stats}', read only: what an association has sent and received, sctp(7). To match a part of
%% one: `#{in_packets := In, out_packets := Out}'.

-type sctp_peer_address_info() ::
        #{assoc_id := sctp_assoc_id(), address := sockaddr(), state := sctp_peer_address_state(), cwnd := uint32(),
          srtt := uint32(), rto := uint32(), mtu := uint32()}.
%% The value of `{sctp, get_peer_addr_info}', read only: the state of one address of the peer, RFC 6458 section 8.2.2. `srtt'
%% and `rto' are in milliseconds, `cwnd' and `mtu' in bytes. Example of what to ask with:
%% `#{assoc_id => 1, address => #{family => inet, addr => {192, 0, 2, 1}, port => 5000}}'.

-type sctp_peer_address_state() :: inactive | potentially_failed | active | unconfirmed | unknown.
%% The state of an address of the peer, RFC 6458 section 8.2.2. Example: `active'.

%%% ---- Types: information and ioctl ---------------------------------------------------------------------------------

-type socket_counters() :: #{atom() := non_neg_integer()}.
%% The counters of one socket, of 64 bits: they do not wrap. For `read', `write' and `sendfile' each: `read_byte' (bytes),
%% `read_pkg' (packages: messages, or on a stream calls that moved bytes), `read_pkg_max' (the largest package in bytes),
%% `read_tries' (attempts), `read_waits' (attempts that had to wait), `read_fails' (failed attempts). For accept:
%% `acc_success', `acc_tries', `acc_waits', `acc_fails'. `sendfile_max' is the most that one system call sent. Those of
%% `sendfile' are there after its first use. To match one: `#{read_byte := Bytes}'.

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
          num_observers := non_neg_integer(),
          rstates := [atom()],
          wstates := [atom()]}.
%% What {@link info/1} returns. `ctype': `{fromfd, FD}' for a socket on a duplicate of `FD', `fromfd' on a lent descriptor.
%% `read_ahead': bytes in the read-ahead buffer, which no call has taken yet. `num_readers', `num_writers' and
%% `num_acceptors': waiters, the head of the queue among them. `num_observers': waits for events ({@link wait/3}). `rstates' and
%% `wstates' have those of `bound', `listening', `accepting', `connecting', `connected', `selected' (a call has waited), `closing' and
%% `closed' that apply. To match a part of one: `#{owner := Pid, counters := #{write_byte := Sent}}'.

-type info() ::
        #{counters := #{atom() := non_neg_integer()},
          iov_max := non_neg_integer(),
          use_registry := boolean(),
          io_backend := #{name := epoll | io_uring | auto, pollers := pos_integer(), rings := non_neg_integer(),
                          memory := non_neg_integer(), busy := non_neg_integer(), sctp := #{atom() := boolean()},
                          refused => posix() | {memlock, non_neg_integer()}},
          atom() => term()}.
%% What {@link info/0} returns. `counters': how many sockets are open (`num_sockets'), by domain, type and protocol too.
%% `iov_max': the most parts of an I/O vector in one system call. `use_registry': see {@link use_registry/1}. To match a part
%% of one: `#{counters := #{num_sockets := Count}}'.

-type info_keys() ::
        [domain | type | protocol | fd | owner | local_address | remote_address | recv | sent | state].
%% The columns that {@link i/1} and {@link i/2} print; `recv' and `sent' are bytes. Example: `[fd, owner, recv, sent]'.

-type ioctl_device_flag() ::
        up | broadcast | debug | loopback | pointopoint | notrailers | knowsepoch | running | noarp | promisc | allmulti |
        master | oactive | slave | simplex | link0 | link1 | link2 | multicast | portsel | automedia | cantconfig |
        ppromisc | dynamic | monitor | staticarp | dying | renaming | nogroup | lower_up | dormant | echo.
%% A flag IFF_* of an interface, netdevice(7). `table(ioctl_flags)' tells which the system has. Example: `up'.

-type ioctl_device_map() ::
        #{mem_start := non_neg_integer(), mem_end := non_neg_integer(), base_addr := non_neg_integer(),
          irq := non_neg_integer(), dma := non_neg_integer(), port := non_neg_integer()}.
%% The hardware parameters of an interface, `struct ifmap' of netdevice(7): what `ioctl(Socket, gifmap, Name)' returns.
%% Example: `#{mem_start => 0, mem_end => 0, base_addr => 0, irq => 0, dma => 0, port => 0}'.

-define(SOCKET(Ref), {'$socket', Ref}).
-define(INFO(Tag, Handle), {select_info, Tag, Handle}).
-define(IS_SOCKET(Ref), is_reference(Ref)).
%% The backlog of listen/1, that of `socket'.
-define(BACKLOG, 5).

%%% ---- Life ---------------------------------------------------------------------------------------------------------

%% @equiv open(inet, stream)
-spec open() -> {ok, socket()} | {error, posix() | invalid()}.
open() -> open(inet, stream).

%% @equiv open(FD, #{})
-spec open(FD :: integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD) when is_integer(FD) -> open(FD, #{});
open(FD) -> erlang:error(badarg, [FD]).

%% @doc Opens a socket on the open descriptor `FD', or a new socket of a domain and a type with the default protocol:
%% `open(Domain, Type)' is `open(Domain, Type, default, #{})', see {@link open/4}.
%%
%% The calling process becomes the controlling process. Options with a descriptor:
%% <ul>
%% <li>`dup' (default `true'): the socket uses a duplicate of `FD', and closes the duplicate. With `false' it uses `FD'
%% itself, and leaves it open when the socket is closed;</li>
%% <li>`own' (default `false'): with `dup => false' the socket closes `FD', and sets it to close-on-exec. If `open' fails, `FD'
%% stays open. This is for a descriptor that came in a control message. OTP's `socket' has no such option;</li>
%% <li>`domain', `type', `protocol': what the descriptor is to be. If it is something else, `open' returns
%% `{error, {invalid, {Key, Value}}}' with what the option says. The protocol `default' is any;</li>
%% <li>`poll_only' (default `false'): `FD' may be any descriptor, such as a pipe or an eventfd(2). It is used for waiting alone
%% ({@link wait/3}, {@link select/2}) and is not changed. {@link close/1}, {@link monitor/1}, {@link info/1} and the options of level
%% `otp' work. Everything else is `{error, enotsock}', even if `FD' is a socket. OTP's `socket' has no such option;</li>
%% <li>`debug', `use_registry', `io_backend', `cloexec': as with {@link open/4}.</li>
%% </ul>
%% Domain, type and protocol are read from the descriptor, which is set to non-blocking. With `dup => false' two sockets may
%% use one descriptor; if the socket that closes it is closed, the other one is closed first.
%%
%% Returns `{ok, Socket}'; `{error, enotsock}' if `FD' is the descriptor of something else, and `{error, ebadf}' if it is not open,
%% with `own => true' or one of `domain', `type' and `protocol', else `{error, {invalid, {options, domain, Opts}}}' as OTP's
%% `socket'; `{error, {invalid, {integer_range, FD}}}', or another {@link posix()}.
%% ```
%% {ok, FD} = esock:getopt(Udp, {otp, fd}),
%% {ok, Same} = esock:open(FD, #{}),
%% ok = esock:close(Same).
%% '''
-spec open(FD :: integer(), Opts :: map()) -> {ok, socket()} | {error, posix() | invalid()};
          (domain() | integer(), type() | integer()) -> {ok, socket()} | {error, posix() | invalid()}.
open(FD, Opts) when is_integer(FD), is_map(Opts) -> esock_wait:with_signals(esock_nif:open(FD, Opts));
open(FD, Opts) when is_map(Opts) -> erlang:error(badarg, [FD, Opts]);
open(Domain, Type) -> open(Domain, Type, 0).

%% @doc As {@link open/4} with the default protocol, or without options.
%% ```
%% {ok, S} = esock:open(inet, dgram, udp),
%% {ok, T} = esock:open(inet, stream, #{use_registry => false}),
%% ok = esock:close(S),
%% ok = esock:close(T).
%% '''
-spec open(domain() | integer(), type() | integer(), Opts :: map() | default | protocol() | integer() | {raw, integer()} | {ethertype, 0..65535}) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Opts) when is_map(Opts) -> open(Domain, Type, 0, Opts);
open(Domain, Type, Protocol) -> open(Domain, Type, Protocol, #{}).

%% @doc Opens a new socket, socket(2). The calling process becomes the controlling process: the socket is closed when that
%% process ends.
%%
%% `Domain' and `Type' are names or numbers. `Protocol' is a name, a number, `{raw, Number}', or of a packet
%% socket `{ethertype, Type}'; `default' is the protocol of the domain and type. Options:
%% <ul>
%% <li>`use_registry' (default: {@link use_registry/1}): a registered socket is listed by {@link which_sockets/0}, and lives
%% until it is closed or its owner ends. A socket outside the registry is also closed by the garbage collector when no process
%% refers to it;</li>
%% <li>`debug' (default: {@link socket_debug/1}): the value of `{otp, debug}';</li>
%% <li>`cloexec' (default `true'): the descriptor is closed when the node executes a program. With `false' the program inherits
%% it. Ports are started by a process of the VM that has no sockets, so this concerns libraries that call exec(2). OTP's
%% `socket' has no such option: its descriptors are inherited;</li>
%% <li>`netns': the path of a network namespace in which the socket is created, setns(2). It needs CAP_SYS_ADMIN;</li>
%% <li>`io_backend': `epoll', `io_uring', or `auto' (io_uring if the system allows it, else epoll). The default is the
%% application environment `io_backend', or the environment variable `ESOCK_IO_BACKEND', or `epoll'. OTP's `socket' has no
%% such option.</li>
%% </ul>
%% Errors:
%% <ul>
%% <li>`{error, {invalid, {domain | type | protocol, Term}}}': an unknown name. A protocol that is neither name nor number
%% raises `{invalid, {protocol, Term}}';</li>
%% <li>`{error, {invalid, {io_backend, Reason}}}': an unknown name, or the system refuses a ring. `Reason' is the name, a
%% {@link posix()}, or `{memlock, Bytes}' if the limit RLIMIT_MEMLOCK is too low;</li>
%% <li>`{error, {invalid, {integer_range, Number}}}', `{error, {invalid, {path, Path}}}',
%% `{error, {invalid, {cloexec, Term}}}';</li>
%% <li>a {@link posix()}, such as `emfile' or `eprotonosupport'.</li>
%% </ul>
%% ```
%% {ok, S} = esock:open(inet6, stream, tcp, #{io_backend => auto}),
%% ok = esock:close(S).
%% '''
%% ```
%% %% Needs CAP_SYS_ADMIN and a network namespace "blue".
%% {ok, S} = esock:open(inet, stream, tcp, #{netns => "/run/netns/blue"}).
%% '''
-spec open(domain() | integer(), type() | integer(), default | protocol() | integer() | {raw, integer()} | {ethertype, 0..65535}, Opts :: map()) ->
          {ok, socket()} | {error, posix() | invalid()}.
open(Domain, Type, Protocol, Opts) when is_map(Opts) ->
    case number(Domain, Protocol) of
        undefined -> {error, {invalid, {protocol, Protocol}}};
        Number -> open_number(Domain, Type, Number, Opts)
    end;
open(Domain, Type, Protocol, Opts) ->
    erlang:error(badarg, [Domain, Type, Protocol, Opts]).

number(_, Number) when is_integer(Number) -> Number;
number(_, {raw, Number}) when is_integer(Number) -> Number;
%% The kernel wants the type of an Ethernet frame in network order.
number(_, {ethertype, Type}) when is_integer(Type), Type >= 0, Type =< 16#ffff -> <<Number:16/native>> = <<Type:16/big>>, Number;
number(_, default) -> 0;
number(Domain, Name) when is_atom(Name) -> esock_nif:protocol(Domain, Name);
number(_, Other) -> erlang:error({invalid, {protocol, Other}}).

open_number(Domain, Type, Number, Opts) ->
    case esock_nif:open(Domain, Type, Number, Opts) of
        netns ->
            #{netns := Path} = Opts,
            case path(Path) of
                Bytes when is_binary(Bytes) -> esock_wait:with_signals(esock_nif:open_in(Bytes, Domain, Type, Number, Opts));
                false -> erlang:error(badarg, [Domain, Type, Number, Opts]);
                _ -> {error, {invalid, {path, Path}}}
            end;
        Result ->
            esock_wait:with_signals(Result)
    end.

path(Path) when is_list(Path) -> unicode:characters_to_binary(Path, file:native_name_encoding());
path(Path) -> is_binary(Path) andalso Path.

%% @equiv socketpair(local, stream, default, #{})
-spec socketpair() -> {ok, {socket(), socket()}} | {error, posix()}.
socketpair() -> socketpair(local, stream, default, #{}).

%% @equiv socketpair(Domain, stream, default, #{})
-spec socketpair(domain() | integer()) -> {ok, {socket(), socket()}} | {error, posix() | invalid()}.
socketpair(Domain) -> socketpair(Domain, stream, default, #{}).

%% @equiv socketpair(Domain, Type, default, #{})
-spec socketpair(domain() | integer(), type() | integer()) -> {ok, {socket(), socket()}} | {error, posix() | invalid()}.
socketpair(Domain, Type) -> socketpair(Domain, Type, default, #{}).

%% @equiv socketpair(Domain, Type, Protocol, #{})
-spec socketpair(domain() | integer(), type() | integer(), default | protocol() | integer() | {raw, integer()}) ->
          {ok, {socket(), socket()}} | {error, posix() | invalid()}.
socketpair(Domain, Type, Protocol) -> socketpair(Domain, Type, Protocol, #{}).

%% @doc Opens two sockets that are connected to each other, socketpair(2). The calling process becomes the controlling process
%% of both.
%%
%% Linux makes pairs of the domain `local', of the types `stream', `dgram' and `seqpacket', and of TIPC. `Opts' are those of
%% {@link open/4}, for both sockets, without `netns'. Returns `{ok, {Socket1, Socket2}}', or errors as {@link open/4};
%% `{error, eopnotsupp}' for another domain. OTP's `socket' has no such function.
%% ```
%% {ok, {A, B}} = esock:socketpair(local, seqpacket, default, #{use_registry => false}),
%% ok = esock:send(A, "hello"),
%% {ok, <<"hello">>} = esock:recv(B).
%% '''
-spec socketpair(domain() | integer(), type() | integer(), default | protocol() | integer() | {raw, integer()},
                 Opts :: map()) ->
          {ok, {socket(), socket()}} | {error, posix() | invalid()}.
socketpair(_Domain, _Type, _Protocol, #{netns := Path}) ->
    {error, {invalid, {netns, Path}}};
socketpair(Domain, Type, Protocol, Opts) when is_map(Opts) ->
    case number(Domain, Protocol) of
        undefined -> {error, {invalid, {protocol, Protocol}}};
        Number -> esock_wait:with_signals(esock_nif:socketpair(Domain, Type, Number, Opts))
    end;
socketpair(Domain, Type, Protocol, Opts) ->
    erlang:error(badarg, [Domain, Type, Protocol, Opts]).

%% @doc Makes another socket of the same connection, listener or association: on a duplicate of the descriptor, fcntl(2) with
%% F_DUPFD_CLOEXEC.
%%
%% The calling process becomes the controlling process of the new socket, which inherits the back end and the options of level
%% `otp' but `meta' and `controlling_process'. Each socket has waiters of its own, and closes its own descriptor; the connection
%% ends when both are closed. What is in the read-ahead buffer stays with `Socket'. As after `getopt(Socket, {otp, fd})' no ring
%% reads the stream ahead any more. Returns `{ok, NewSocket}', or an error such as `emfile' or `closed'. OTP's `socket' has no
%% such function.
%% ```
%% {ok, Same} = esock:dup(Socket),
%% ok = esock:close(Socket),
%% ok = esock:send(Same, "hello"),
%% {ok, <<"hello">>} = esock:recv(Peer).
%% '''
-spec dup(socket()) -> {ok, socket()} | {error, posix() | closed}.
dup(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    esock_wait:with_signals(esock_wait:until_released(fun() -> esock_nif:dup(Ref) end));
dup(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc Makes a socket of one of `gen_tcp' or `gen_udp', with either of their back ends: on a duplicate of its descriptor.
%%
%% The original stays open and belongs to its owner. Both are ends of the same connection, so only one of them is to receive.
%% Bytes that the original has already received (in a packet mode, or while it was active) stay there: open it with
%% `{active, false}' and receive nothing with it. Closing the original does not end the connection; the new socket
%% is closed on its own. `gen_tcp:shutdown/2' ends it for both. Options that the system keeps, such as `nodelay', are those of
%% both.
%%
%% Returns `{ok, Socket}'; `{error, {invalid, {active, Active}}}' if the original is active and does not listen: it would
%% receive the bytes; `{error, closed}', or a {@link posix()}. OTP's `socket' has no such function.
%% ```
%% {ok, Inet} = gen_udp:open(0, [{active, false}]),
%% {ok, S} = esock:from_inet(Inet),
%% ok = gen_udp:close(Inet),
%% ok = esock:close(S).
%% '''
-spec from_inet(inet:socket()) -> {ok, socket()} | {error, posix() | closed | invalid()}.
from_inet(InetSocket) when is_port(InetSocket) -> esock_fd:from_inet(InetSocket);
from_inet({'$inet', _, {_, {'$socket', _}}} = InetSocket) -> esock_fd:from_inet(InetSocket);
from_inet(Other) -> erlang:error(badarg, [Other]).

%% @doc Returns the number of a new duplicate of the socket's descriptor, for a library that takes descriptors, such as `gen_tcp'
%% and `gen_udp' with the option `{fd, FD}'. {@link from_inet/1} is the other way.
%%
%% The number is the caller's to close, with {@link close_fd/1}, unless the library does: `gen_tcp' and `gen_udp' leave it open,
%% so close it after them. It is non-blocking and close-on-exec. The socket is used as
%% before, but no ring reads its stream ahead any more; what was read ahead stays with it, so that it returns
%% `{error, {read_ahead, Bytes}}' as {@link detach/1} does. Returns `{ok, FD}', or another error. OTP's `socket' has no such
%% function.
%% ```
%% {ok, FD} = esock:to_fd(Udp),
%% {ok, Inet} = gen_udp:open(0, [{fd, FD}, {active, false}]),
%% {ok, #{port := Port}} = esock:sockname(Udp),
%% {ok, Port} = inet:port(Inet),
%% ok = gen_udp:close(Inet),
%% ok = esock:close_fd(FD).
%% '''
-spec to_fd(socket()) -> {ok, FD :: non_neg_integer()} | {error, posix() | closed | invalid() | {read_ahead, pos_integer()}}.
to_fd(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) -> esock_fd:to_fd(Socket);
to_fd(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Makes another process the owner of the socket: `setopt(Socket, {otp, controlling_process}, Pid)'. Only the owner may.
%% Returns `ok', `{error, {invalid, not_owner}}' or `{error, closed}'. If `Pid' has ended, the socket closes. OTP's `socket' has
%% only the option.
%% ```
%% Pid = spawn(fun() -> receive go -> ok end end),
%% ok = esock:controlling_process(Socket, Pid),
%% {error, {invalid, not_owner}} = esock:controlling_process(Socket, self()).
%% '''
-spec controlling_process(socket(), pid()) -> ok | {error, closed | invalid()}.
controlling_process(?SOCKET(Ref) = Socket, Pid) when ?IS_SOCKET(Ref), is_pid(Pid) ->
    setopt(Socket, {otp, controlling_process}, Pid);
controlling_process(Socket, Pid) ->
    erlang:error(badarg, [Socket, Pid]).

%% @equiv listen_fds(#{})
-spec listen_fds() -> {ok, #{binary() => [non_neg_integer(), ...]}} | {error, posix() | invalid()}.
listen_fds() -> listen_fds(#{}).

%% @doc Returns the descriptors that a service manager, such as systemd, has passed to this node, by their names:
%% sd_listen_fds(3). It reads the environment variables LISTEN_PID, LISTEN_FDS and LISTEN_FDNAMES. Several descriptors may have
%% one name; without LISTEN_FDNAMES the name is `<<"unknown">>'. The descriptors are set to close-on-exec. {@link open/2} with
%% `#{dup => false, own => true}' makes a socket of one.
%%
%% With `unset => true' (default `false') the variables are removed from the environment. Returns `{ok, #{Name => FDs}}',
%% which is empty if the variables are not set or are for another process; `{error, {invalid, {env, Variable}}}' if a variable
%% makes no sense; `{error, ebadf}' if a descriptor is not open; `{error, {invalid, {Key, Value}}}' for a wrong option.
%% ```
%% {ok, FDs} = esock:listen_fds(#{unset => true}),
%% true = is_map(FDs).
%% '''
%% ```
%% %% Needs a service manager.
%% {ok, #{<<"http">> := [FD]}} = esock:listen_fds(),
%% {ok, Passed} = esock:open(FD, #{dup => false, own => true, domain => inet6, type => stream}).
%% '''
-spec listen_fds(Opts :: map()) -> {ok, #{binary() => [non_neg_integer(), ...]}} | {error, posix() | invalid()}.
listen_fds(Opts) when is_map(Opts) -> esock_fd:listen_fds(Opts);
listen_fds(Opts) -> erlang:error(badarg, [Opts]).

%% @doc Gives the socket an address, bind(2).
%%
%% `any', `loopback' and `broadcast' stand for that address of the socket's own domain with port 0, which has the system
%% choose a free port: {@link sockname/1} returns it. IPv6 has no `broadcast'. On a socket of another domain than `inet' and
%% `inet6' these names are `{error, eafnosupport}'. Returns `ok', or an error such as `eaddrinuse', `eacces' or `closed'.
%% ```
%% {ok, S} = esock:open(inet, stream, tcp),
%% ok = esock:setopt(S, {socket, reuseaddr}, true),
%% ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
%% {ok, #{port := Port}} = esock:sockname(S).
%% '''
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

%% @doc Adds local addresses to an SCTP socket (`add'), or removes them (`remove'), sctp_bindx of RFC 6458 section 9.1. At
%% most 256 addresses; more raise `badarg'. Returns `ok', or an error.
%% ```
%% %% Needs SCTP.
%% {ok, S} = esock:open(inet, seqpacket, sctp),
%% ok = esock:bind(S, #{family => inet, addr => {127, 0, 0, 1}, port => 5000}),
%% ok = esock:bind(S, [#{family => inet, addr => {127, 0, 0, 2}, port => 5000}], add).
%% '''
-spec bind(socket(), [sockaddr_in() | sockaddr_in6()], add | remove) -> ok | {error, posix() | closed | invalid()}.
bind(?SOCKET(Ref), Addrs, Action) when ?IS_SOCKET(Ref), is_list(Addrs), Action =:= add orelse Action =:= remove ->
    esock_nif:bindx(Ref, Addrs, Action =:= add);
bind(Socket, Addrs, Action) ->
    erlang:error(badarg, [Socket, Addrs, Action]).

%% @equiv peeloff(Socket, AssocId, [])
-spec peeloff(socket(), sctp_assoc_id()) -> {ok, socket()} | {error, posix() | closed}.
peeloff(Socket, AssocId) -> peeloff(Socket, AssocId, []).

%% @doc Makes a new socket of one association of an SCTP socket of type `seqpacket', sctp_peeloff of RFC 6458 section 9.2.
%%
%% The calling process becomes the controlling process of the new socket, whose type is `stream'. It inherits the options of
%% level `otp'. Each of `Options' is read from the old socket and set on the new one. Returns `{ok, NewSocket}', or
%% `{ok, NewSocket, Errors}' if an option could not be read (`{Option, get, Reason}') or set (`{Option, set, Reason}'), or
%% `{error, Reason}'.
%% ```
%% %% Needs SCTP.
%% {ok, Own} = esock:peeloff(Socket, AssocId, [{sctp, nodelay}]).
%% '''
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

%% @doc Has the socket accept connections, listen(2). `Backlog' is how many connections may wait to be accepted; the kernel
%% limits it to net.core.somaxconn. `true' is 5 and `false' is 0: on an SCTP socket of type `seqpacket' they turn new
%% associations on and off. Returns `ok', or an error such as `eaddrinuse'. A number that does not fit a C `int' is
%% `{error, {invalid, {integer_range, Backlog}}}'.
%% ```
%% {ok, L} = esock:open(inet, stream, tcp),
%% ok = esock:bind(L, loopback),
%% ok = esock:listen(L, 1024).
%% '''
-spec listen(socket(), Backlog :: integer() | boolean()) -> ok | {error, posix() | closed | invalid()}.
listen(Socket, true) -> listen(Socket, ?BACKLOG);
listen(Socket, false) -> listen(Socket, 0);
listen(?SOCKET(Ref), Backlog) when ?IS_SOCKET(Ref), is_integer(Backlog) -> esock_nif:listen(Ref, Backlog);
listen(Socket, Backlog) -> erlang:error(badarg, [Socket, Backlog]).

%% @doc Ends a connect that answered `select', after the `select' message. Only the process that began it may call this.
%%
%% Returns `ok' if the socket is connected, the error of the connect, such as `econnrefused', or `{error, already}' if it is
%% still in progress: then another `select' message follows. If the calling process has no connect in progress, it raises
%% `{invalid, state}'. OTP's `socket' asks the kernel and returns `ok' too early.
%% ```
%% {ok, S} = esock:open(inet, stream, tcp),
%% case esock:connect(S, Addr, nowait) of
%%     ok -> ok;
%%     {select, {select_info, connect, Handle}} ->
%%         receive {'$socket', S, select, Handle} -> ok = esock:connect(S) end
%% end.
%% '''
-spec connect(socket()) -> ok | {error, posix() | closed | already}.
connect(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:connect(Ref);
connect(Socket) -> erlang:error(badarg, [Socket]).

%% @equiv connect(Socket, SockAddr, infinity)
-spec connect(socket(), sockaddr() | [sockaddr()]) ->
          ok | {ok, sctp_assoc_id()} | {error, posix() | closed | invalid() | already}.
connect(Socket, SockAddr) -> connect(Socket, SockAddr, infinity).

%% @doc Connects the socket to an address, connect(2). Of a datagram socket it sets the peer.
%%
%% Returns
%% <ul>
%% <li>`ok': the socket is connected;</li>
%% <li>`{select, SelectInfo}' or `{completion, CompletionInfo}', with `nowait' or a handle. After the `select' message
%% {@link connect/1} returns the result;</li>
%% <li>`{error, Reason}': `timeout', `econnrefused', `ehostunreach' and others; `already' if a connect is in progress on this
%% socket; `eagain' if the backlog of a Unix listener is full.</li>
%% </ul>
%% A connect that has timed out goes on in the kernel; {@link close/1} ends it. `#{family => unspec}' ends the connection of a
%% stream, or the association of a datagram socket with its peer, and drops pending errors and the read-ahead buffer. A list
%% of addresses is for SCTP: it begins one association with all of them, sctp_connectx of RFC 6458 section 9.9, and returns
%% `{ok, AssocId}'; this does not wait, whatever `Timeout' says.
%% ```
%% {ok, S} = esock:open(inet, stream, tcp),
%% ok = esock:connect(S, Addr, 5000).
%% '''
-spec connect(socket(), sockaddr() | [sockaddr()], timeout() | nowait | select_handle()) ->
          ok | {ok, sctp_assoc_id()} | later() | {error, posix() | closed | invalid() | already | timeout}.
connect(?SOCKET(Ref), SockAddrs, Timeout) when ?IS_SOCKET(Ref), is_list(SockAddrs) ->
    _ = wait(Timeout),
    esock_nif:connectx(Ref, SockAddrs);
connect(?SOCKET(Ref), SockAddr, Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {connect, SockAddr}, Timeout);
        How -> esock_wait:until_released(fun() -> esock_nif:connect(Ref, SockAddr, Timeout, How) end)
    end;
connect(Socket, SockAddr, Timeout) ->
    erlang:error(badarg, [Socket, SockAddr, Timeout]).

%% @equiv accept(ListenSocket, infinity)
-spec accept(socket()) -> {ok, socket()} | {error, posix() | closed | invalid()}.
accept(Socket) -> accept(Socket, infinity).

%% @doc Accepts a connection, accept(2).
%%
%% Returns
%% <ul>
%% <li>`{ok, NewSocket}'. The calling process becomes its controlling process. It inherits the back end, and the options of
%% level `otp' but `meta' and `controlling_process'; the descriptor is closed on exec;</li>
%% <li>`{select, SelectInfo}' or `{completion, CompletionInfo}', with `nowait' or a handle;</li>
%% <li>`{error, Reason}': `timeout', `closed', `einval' if the socket does not listen, `emfile' and others. All but `closed'
%% and `einval' concern this call only: the waiters behind it keep their places.</li>
%% </ul>
%% After `emfile', `enfile', `enobufs' or `enomem' accept backs off: 5 ms, doubling to 100. One call in each pause returns the
%% error. During the pause a call takes a connection if it can; otherwise it waits (with `nowait' it returns `select'; with 0
%% it returns the error), and the head of the queue tries again at the end of the pause, even if no connection has arrived. So
%% a loop over `accept' does not spin. OTP's `socket' returns the error to each call.
%% ```
%% {ok, Client} = esock:open(inet, stream, tcp),
%% ok = esock:connect(Client, Addr),
%% {ok, New} = esock:accept(Listener),
%% ok = esock:setopt(New, {otp, controlling_process}, self()).
%% '''
-spec accept(socket(), timeout() | nowait | select_handle()) ->
          {ok, socket()} | later() | {error, posix() | closed | invalid() | timeout}.
accept(?SOCKET(Ref), Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, accept, Timeout);
        How -> esock_wait:with_signals(esock_nif:accept(Ref, Timeout, How))
    end;
accept(Socket, Timeout) ->
    erlang:error(badarg, [Socket, Timeout]).

%% @equiv accept_from(ListenSocket, infinity)
-spec accept_from(socket()) -> {ok, {socket(), sockaddr_recv()}} | {error, posix() | closed | invalid()}.
accept_from(Socket) -> accept_from(Socket, infinity).

%% @doc Accepts a connection and returns the address of the peer with it, accept(2), with one system call. The address is that
%% of the connect, even if the peer has gone since: {@link peername/1} returns `enotconn' then. It waits as {@link accept/2} does,
%% in the same queue.
%%
%% Returns `{ok, {NewSocket, SockAddr}}', or as {@link accept/2}. The tag of `select' is `accept'. OTP's `socket' has no such
%% function.
%% ```
%% {ok, Client} = esock:open(inet, stream, tcp),
%% ok = esock:connect(Client, Addr),
%% {ok, From} = esock:sockname(Client),
%% {ok, {New, From}} = esock:accept_from(Listener),
%% {error, timeout} = esock:accept_from(Listener, 0).
%% '''
-spec accept_from(socket(), timeout() | nowait | select_handle()) ->
          {ok, {socket(), sockaddr_recv()}} | later() | {error, posix() | closed | invalid() | timeout}.
accept_from(?SOCKET(Ref), Timeout) when ?IS_SOCKET(Ref) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, accept_from, Timeout);
        How -> esock_wait:with_signals(esock_nif:accept_from(Ref, Timeout, How))
    end;
accept_from(Socket, Timeout) ->
    erlang:error(badarg, [Socket, Timeout]).

%% @equiv accept_many(ListenSocket, Max, infinity)
-spec accept_many(socket(), Max :: pos_integer()) -> {ok, [socket(), ...]} | {error, posix() | closed | invalid()}.
accept_many(Socket, Max) -> accept_many(Socket, Max, infinity).

%% @doc Accepts the connections in the backlog, at least one and at most `Max', in their order. If the backlog is empty it
%% waits as {@link accept/2} does, in the same queue.
%%
%% One call accepts at most 64 connections, so that it does not hold a scheduler for long. An error after the first connection
%% ends the call; the next call meets it, if it lasts. Returns `{ok, [NewSocket]}', or as {@link accept/2}. The tag of
%% `select' and `completion' is `accept'. OTP's `socket' has no such function.
%% ```
%% {ok, Client} = esock:open(inet, stream, tcp),
%% ok = esock:connect(Client, Addr),
%% {ok, [_ | _]} = esock:accept_many(Listener, 64).
%% '''
-spec accept_many(socket(), Max :: pos_integer(), timeout() | nowait | select_handle()) ->
          {ok, [socket(), ...]} | later() | {error, posix() | closed | invalid() | timeout}.
accept_many(?SOCKET(Ref), Max, Timeout) when ?IS_SOCKET(Ref), is_integer(Max), Max > 0 ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {accept, Max}, Timeout);
        How -> esock_wait:with_signals(esock_nif:accept_many(Ref, Max, Timeout, How))
    end;
accept_many(Socket, Max, Timeout) ->
    erlang:error(badarg, [Socket, Max, Timeout]).

%% @doc Ends one direction of a connection, or both, shutdown(2).
%%
%% After `write' the peer meets the end of the stream when it has received everything. After `read' receives return
%% `{error, closed}' when the buffer is empty. `read_write' does both. The socket is still to be closed. Returns `ok', or an
%% error such as `enotconn'. Another `How' raises `{invalid, {how, How}}'.
%% ```
%% ok = esock:shutdown(Socket, write),
%% {error, closed} = esock:recv(Peer).
%% '''
-spec shutdown(socket(), read | write | read_write) -> ok | {error, posix() | closed}.
shutdown(?SOCKET(Ref), How) when ?IS_SOCKET(Ref) -> esock_nif:shutdown(Ref, How);
shutdown(Socket, How) -> erlang:error(badarg, [Socket, How]).

%% @doc Closes the socket, close(2). Any process may do so.
%%
%% Every process that waits on the socket is sent ``{'$socket', Socket, abort, {Handle, closed}}'', and blocked calls return
%% `{error, closed}'. Every process that monitors it is sent ``{'DOWN', MRef, socket, Socket, closed}''. If `{socket, linger}'
%% is set, the call waits for data to be sent, at most so many seconds. If a ring reads the stream ahead, the call waits until
%% the ring has released the descriptor. A lent descriptor stays open (`dup => false' of {@link open/2}). Returns `ok',
%% `{error, closed}' if the socket was closed before, or the error of close(2).
%% ```
%% {ok, S} = esock:open(inet, dgram, udp),
%% ok = esock:close(S),
%% {error, closed} = esock:close(S).
%% '''
-spec close(socket()) -> ok | {error, posix() | closed}.
close(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    case esock_nif:close(Ref) of
        linger -> esock_nif:close_linger(Ref);
        Result -> Result
    end;
close(Socket) ->
    erlang:error(badarg, [Socket]).

%% @equiv detach(Socket, #{})
-spec detach(socket()) -> {ok, FD :: non_neg_integer()} | {error, posix() | closed | {read_ahead, pos_integer()}}.
detach(Socket) -> detach(Socket, #{}).

%% @doc Ends the socket as {@link close/1} does, but leaves its descriptor open, and returns the number. Any process may do so.
%%
%% Waiters and monitors learn that the socket is closed, and all calls on it return `{error, closed}'. The descriptor is the
%% caller's from then on: `open(FD, #{dup => false, own => true})' makes a socket of it again, {@link close_fd/1} closes it. It
%% has no owner: if the process ends, it stays open. With `nonblock => false' (default `true') it is set to blocking, for a
%% program that expects that. Sockets on the same descriptor (`dup => false' of {@link open/2}) keep it.
%%
%% Nothing of a stream is lost. If bytes were read ahead that no call has received, `detach' returns
%% `{error, {read_ahead, Bytes}}', and the socket stays as it is: receive so many bytes (no ring reads more ahead), and call
%% again. An error that is pending on the socket is returned once, as any next call would.
%%
%% Returns `{ok, FD}'; `{error, closed}'; `{error, {invalid, {Key, Value}}}' for a wrong option. OTP's `socket' has no such
%% function.
%% ```
%% {ok, FD} = esock:detach(Socket),
%% {error, closed} = esock:send(Socket, "hello"),
%% {ok, Again} = esock:open(FD, #{dup => false, own => true}),
%% ok = esock:send(Again, "hello"),
%% {ok, <<"hello">>} = esock:recv(Peer).
%% '''
-spec detach(socket(), Opts :: map()) ->
          {ok, FD :: non_neg_integer()} | {error, posix() | closed | invalid() | {read_ahead, pos_integer()}}.
detach(?SOCKET(Ref), Opts) when ?IS_SOCKET(Ref), is_map(Opts) -> esock_fd:detach(Ref, Opts);
detach(Socket, Opts) -> erlang:error(badarg, [Socket, Opts]).

%% @doc Closes a descriptor by its number, close(2): one that {@link detach/1}, {@link recv_fds/4} or {@link listen_fds/0} has
%% returned, of a socket, a file or a pipe.
%%
%% The descriptor of a socket of this library is never closed: that is `{error, {invalid, {fd, FD}}}'. Those of the rest of the
%% node (files, ports, sockets of OTP) are not known here: do not pass them. Returns `ok', `{error, ebadf}' if the number is not
%% open, `{error, {invalid, {integer_range, FD}}}', or another {@link posix()}. OTP's `socket' has no such function.
%% ```
%% {ok, FD} = esock:fileno(Socket),
%% {error, {invalid, {fd, FD}}} = esock:close_fd(FD),
%% {ok, FD} = esock:detach(Socket),
%% ok = esock:close_fd(FD).
%% '''
-spec close_fd(FD :: integer()) -> ok | {error, posix() | invalid()}.
close_fd(FD) when is_integer(FD) -> esock_nif:close_fd(FD);
close_fd(FD) -> erlang:error(badarg, [FD]).

%% @doc Returns the number of the descriptor: `getopt(Socket, {otp, fd})'. It is the socket's, so do not close it. No ring reads
%% this stream ahead afterwards. Returns `{ok, FD}' or `{error, closed}'. OTP's `socket' has no such function.
%% ```
%% {ok, FD} = esock:fileno(Socket),
%% {ok, FD} = esock:getopt(Socket, {otp, fd}).
%% '''
-spec fileno(socket()) -> {ok, FD :: non_neg_integer()} | {error, closed}.
fileno(Socket) -> getopt(Socket, {otp, fd}).

%% @doc Calls a function with a descriptor that stays open until the function has returned, and returns its result.
%% <ul>
%% <li>`with_fd(Socket, fun(FD) -> Result end)': `FD' is the number of a duplicate of the socket's descriptor. It is closed
%% afterwards, and if the calling process is killed, whatever happens to the socket. As after {@link fileno/1} no ring reads the
%% stream ahead any more;</li>
%% <li>`with_fd(FD, fun(Socket) -> Result end)': `Socket' is a socket on the open descriptor `FD', for example to set options. It
%% ends afterwards, and `FD' stays open and blocking or non-blocking as before.</li>
%% </ul>
%% Returns what the function returns, or `{error, Reason}' without a call: `closed', `emfile', `enotsock' and others. OTP's
%% `socket' has no such function.
%% ```
%% {ok, Stat} = esock:with_fd(Socket, fun(FD) -> file:read_link_info("/proc/self/fd/" ++ integer_to_list(FD)) end),
%% {ok, FD} = esock:detach(Peer),
%% {ok, stream} = esock:with_fd(FD, fun(S) -> esock:getopt(S, {socket, type}) end),
%% ok = esock:close_fd(FD).
%% '''
-spec with_fd(socket(), fun((FD :: non_neg_integer()) -> Result)) -> Result | {error, posix() | closed};
             (FD :: integer(), fun((socket()) -> Result)) -> Result | {error, posix() | invalid()}.
with_fd(?SOCKET(Ref) = Socket, Fun) when ?IS_SOCKET(Ref), is_function(Fun, 1) -> esock_fd:with_fd(Socket, Fun);
with_fd(FD, Fun) when is_integer(FD), is_function(Fun, 1) -> esock_fd:with_view(FD, Fun);
with_fd(Other, Fun) -> erlang:error(badarg, [Other, Fun]).

%% @doc Returns whether programs that the node executes inherit the descriptor, that is, whether it is not close-on-exec: of a
%% socket, or of a descriptor by its number. Returns `{ok, boolean()}', `{error, closed}' or `{error, ebadf}'. OTP's `socket'
%% has no such function.
%% ```
%% {ok, false} = esock:get_inheritable(Socket).
%% '''
-spec get_inheritable(socket() | integer()) -> {ok, boolean()} | {error, posix() | closed | invalid()}.
get_inheritable(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:inheritable(Ref);
get_inheritable(FD) when is_integer(FD) -> esock_nif:inheritable(FD);
get_inheritable(Other) -> erlang:error(badarg, [Other]).

%% @doc Sets whether programs that the node executes inherit the descriptor, FD_CLOEXEC of fcntl(2): of a socket, or of a
%% descriptor by its number. Ports are started by a process of the VM that has no sockets, so this concerns libraries that call
%% exec(2). Returns `ok', `{error, closed}' or `{error, ebadf}'. OTP's `socket' has no such function.
%% ```
%% ok = esock:set_inheritable(Socket, true),
%% {ok, true} = esock:get_inheritable(Socket).
%% '''
-spec set_inheritable(socket() | integer(), boolean()) -> ok | {error, posix() | closed | invalid()}.
set_inheritable(?SOCKET(Ref), On) when ?IS_SOCKET(Ref), is_boolean(On) -> esock_nif:set_inheritable(Ref, On);
set_inheritable(FD, On) when is_integer(FD), is_boolean(On) -> esock_nif:set_inheritable(FD, On);
set_inheritable(Other, On) -> erlang:error(badarg, [Other, On]).

%%% ---- Data ---------------------------------------------------------------------------------------------------------

%% @equiv send(Socket, Data, [], infinity)
-spec send(socket(), iodata()) -> ok | {ok, binary()} | {error, term()}.
send(Socket, Data) -> send(Socket, Data, [], infinity).

%% @doc As {@link send/4} with timeout `infinity', or without flags. The third argument is a list of flags, the `SelectInfo'
%% of an earlier call, a timeout, `nowait' or a handle.
%% ```
%% ok = esock:send(Socket, ["hel", <<"lo">>], [more]),
%% ok = esock:send(Socket, "!", 5000).
%% '''
-spec send(socket(), iodata(), [msg_flag() | integer()] | select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) | {error, term()}.
send(Socket, Data, Flags) when is_list(Flags); is_tuple(Flags) -> send(Socket, Data, Flags, infinity);
send(Socket, Data, Timeout) -> send(Socket, Data, [], Timeout).

%% @doc Sends data on a connected socket, send(2).
%%
%% `Data' is a binary, or an I/O list, which is joined first ({@link sendv/3} does not join). `Flags' are those of
%% {@link msg_flag()}. To go on after a partial result, give the `SelectInfo' in the place of the flags. Returns
%% <ul>
%% <li>`ok': the kernel has taken all data;</li>
%% <li>`{ok, Rest}': the kernel has cut a message. `Rest' was not sent;</li>
%% <li>`{select, SelectInfo}' or `{completion, CompletionInfo}', with `nowait' or a handle: nothing was sent yet;</li>
%% <li>`{select, {SelectInfo, Rest}}': a part of a stream's data was sent. After the `select' message send `Rest' with
%% `SelectInfo';</li>
%% <li>`{error, Reason}': `timeout', `closed', `epipe', `econnreset', `emsgsize' and others. `{error, {Reason, Rest}}': a part
%% was sent before the error or the timeout.</li>
%% </ul>
%% A completion sends all data: its result is `ok' or an error. Data that is no I/O list raises `{invalid, {data, Data}}'. A
%% `SelectInfo' of another function is `{error, {invalid, SelectInfo}}'.
%% ```
%% Send = fun Send(Data, Flags) ->
%%     case esock:send(Socket, Data, Flags, nowait) of
%%         ok -> ok;
%%         {select, {{_, _, Handle} = Info, Rest}} -> receive {'$socket', _, select, Handle} -> Send(Rest, Info) end;
%%         {select, {_, _, Handle} = Info} -> receive {'$socket', _, select, Handle} -> Send(Data, Info) end
%%     end end,
%% ok = Send(<<"hello">>, []).
%% '''
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
                {more, Rest} -> after_part(send_binary(Ref, Rest, Flags, Timeout), Rest);
                Result -> Result
            end
    end.

%% The result of an attempt after a part was sent: it carries `Rest' even if this attempt sent nothing.
after_part({select, ?INFO(_, _) = Info}, Rest) -> {select, {Info, Rest}};
after_part({error, Reason}, Rest) when is_atom(Reason) -> {error, {Reason, Rest}};
after_part({error, {invalid, _} = Reason}, Rest) -> {error, {Reason, Rest}};
after_part(Result, _Rest) -> Result.

%% @equiv sendto(Socket, Data, Dest, [], infinity)
-spec sendto(socket(), iodata(), sockaddr() | select_info()) -> ok | {ok, binary()} | {error, term()}.
sendto(Socket, Data, Dest) -> sendto(Socket, Data, Dest, []).

%% @doc As {@link sendto/5} with timeout `infinity', or without flags. To go on after a partial result, give the `SelectInfo'
%% of the earlier call in the place of destination and flags.
%% ```
%% ok = esock:sendto(Udp, "ping", UdpAddr, 5000).
%% '''
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

%% @doc Sends data to an address, sendto(2): on a datagram socket one message. Returns as {@link send/4}; `edestaddrreq',
%% `enetunreach', `eisconn' and others as {@link posix()}. A destination that is no map raises `{invalid, {sockaddr, Dest}}'.
%% ```
%% ok = esock:sendto(Udp, "ping", UdpAddr, [], infinity),
%% {ok, {UdpAddr, <<"ping">>}} = esock:recvfrom(Udp).
%% '''
-spec sendto(socket(), iodata(), sockaddr(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          ok | {ok, binary()} | later(binary()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
sendto(?SOCKET(Ref) = Socket, Data, Dest, Flags, Timeout) when ?IS_SOCKET(Ref), is_binary(Data), is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {sendto, Data, Dest, Flags}, Timeout);
        How ->
            case esock_nif:sendto(Ref, Data, Dest, Flags, Timeout, How) of
                {more, Rest} -> after_part(sendto(Socket, Rest, Dest, Flags, Timeout), Rest);
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

%% @doc As {@link recv/4} with timeout `infinity'. The second argument is a length in bytes (without flags), or a list of
%% flags (without a length).
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, <<"hello">>} = esock:recv(Socket, 5).
%% '''
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer()) -> {ok, binary()} | {error, term()}.
recv(Socket, Flags) when is_list(Flags) -> recv(Socket, 0, Flags, infinity);
recv(Socket, Length) -> recv(Socket, Length, [], infinity).

%% @doc As {@link recv/4} without a length, without flags, or with timeout `infinity': `recv(Socket, Flags, Timeout)',
%% `recv(Socket, Length, Timeout)' or `recv(Socket, Length, Flags)'.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, <<"h">>} = esock:recv(Socket, 1, 5000),
%% {ok, <<"ello">>} = esock:recv(Socket, [], 5000).
%% '''
-spec recv(socket(), [msg_flag() | integer()] | non_neg_integer(),
           [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, binary()} | later(binary()) | {select_read, {select_info(), binary()}} | {error, term()}.
recv(Socket, Flags, Timeout) when is_list(Flags) -> recv(Socket, 0, Flags, Timeout);
recv(Socket, Length, Flags) when is_list(Flags) -> recv(Socket, Length, Flags, infinity);
recv(Socket, Length, Timeout) -> recv(Socket, Length, [], Timeout).

%% @doc Receives from a connected socket, recv(2).
%%
%% From a stream it receives exactly `Length' bytes; with `Length' 0 it receives what is there, up to `{otp, rcvbuf}' bytes
%% (default `auto': 256 KB). From any other socket it receives one message, cut at `Length' bytes (0: `{otp, rcvbuf}').
%% `Flags' are those of {@link msg_flag()}. Returns
%% <ul>
%% <li>`{ok, Data}', a binary;</li>
%% <li>`{select, SelectInfo}' or `{completion, CompletionInfo}', with `nowait' or a handle;</li>
%% <li>`{select, {SelectInfo, Data}}': `Data' is a part of the length. After the `select' message receive the rest;</li>
%% <li>`{select_read, {SelectInfo, Data}}', or `{completion, {CompletionInfo, Data}}', with `{otp, select_read}' set: the
%% data, and the next wait has begun;</li>
%% <li>`{error, closed}': the socket is closed, or the stream has ended ({@link recv_some/4} tells the two apart);</li>
%% <li>`{error, {Reason, Data}}': a part of the length came before the error, the end of the stream (`closed') or the
%% timeout;</li>
%% <li>`{error, Reason}': `timeout', `econnreset', `enotconn' and others.</li>
%% </ul>
%% A completion of a length gathers all of it. With `peek' and a length it waits until the stream has so many bytes, and
%% leaves them there; `{error, enobufs}': the buffer of the socket (`{socket, rcvbuf}') has no room for so many. OTP's
%% `socket' returns the bytes that are there.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, <<"hello">>} = esock:recv(Socket, 0, [peek], 5000),
%% {error, {timeout, <<"hello">>}} = esock:recv(Socket, 10, [], 100).
%% '''
-spec recv(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, binary()} | later(binary()) | {select_read, {select_info(), binary()}} |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, binary()}}.
recv(?SOCKET(Ref), Length, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Length), Length >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recv, Length, Flags}, Timeout);
        zero -> esock_wait:once(Ref, {recv, Length, Flags});
        How -> esock_nif:recv(Ref, Length, Flags, Timeout, How)
    end;
recv(Socket, Length, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Length, Flags, Timeout]).

%% @doc Receives what is there, at most `Max' bytes, with one recv(2), as `recv' of other languages does. OTP's `socket' has
%% no such function.
%%
%% Returns `{ok, Data}', `eof' at the end of a stream, and everything else as {@link recv/4}, without partial results.
%% {@link recv/4} returns `{error, closed}' at the end of a stream, as for a socket that was closed here, and `{ok, <<>>}' at
%% the end of a `seqpacket' connection of a Unix socket, as for an empty record; this function returns `eof' for both ends.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, <<"hello">>} = esock:recv_some(Socket, 4096, [], 5000),
%% ok = esock:close(Peer),
%% eof = esock:recv_some(Socket, 4096, [], 5000).
%% '''
-spec recv_some(socket(), Max :: pos_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, binary()} | eof | later() | {select_read, {select_info(), binary()}} |
          {completion, {completion_info(), binary()}} | {error, posix() | closed | invalid() | timeout}.
recv_some(?SOCKET(Ref), Max, Flags, Timeout) when ?IS_SOCKET(Ref), is_integer(Max), Max > 0, is_list(Flags) ->
    Result = case wait(Timeout) of
                 block -> esock_wait:run(Ref, {recv, {some, Max}, Flags}, Timeout);
                 zero -> esock_wait:once(Ref, {recv, {some, Max}, Flags});
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

%% @doc As {@link recvfrom/4} with timeout `infinity'. The second argument is a size in bytes (without flags), or a list of
%% flags (without a size).
%% ```
%% ok = esock:sendto(Udp, "ping", UdpAddr),
%% {ok, {UdpAddr, <<"ping">>}} = esock:recvfrom(Udp, 1500).
%% '''
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer()) ->
          {ok, {sockaddr_recv(), binary()}} | {error, term()}.
recvfrom(Socket, Flags) when is_list(Flags) -> recvfrom(Socket, 0, Flags, infinity);
recvfrom(Socket, Size) -> recvfrom(Socket, Size, [], infinity).

%% @doc As {@link recvfrom/4} without a size, without flags, or with timeout `infinity': `recvfrom(Socket, Flags, Timeout)',
%% `recvfrom(Socket, Size, Timeout)' or `recvfrom(Socket, Size, Flags)'.
%% ```
%% {error, timeout} = esock:recvfrom(Udp, 1500, 100).
%% '''
-spec recvfrom(socket(), [msg_flag() | integer()] | non_neg_integer(),
               [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | later() | {select_read, {select_info(), {sockaddr_recv(), binary()}}} |
          {completion, {completion_info(), {sockaddr_recv(), binary()}}} | {error, term()}.
recvfrom(Socket, Flags, Timeout) when is_list(Flags) -> recvfrom(Socket, 0, Flags, Timeout);
recvfrom(Socket, Size, Flags) when is_list(Flags) -> recvfrom(Socket, Size, Flags, infinity);
recvfrom(Socket, Size, Timeout) -> recvfrom(Socket, Size, [], Timeout).

%% @doc Receives a message and the address of its sender, recvfrom(2).
%%
%% A message longer than `Size' bytes is cut (0: `{otp, rcvbuf}', default 256 KB); {@link recvmsg/5} reports that. Returns
%% `{ok, {Source, Data}}', and `select', `completion', `select_read' and errors as {@link recv/4}, without partial results.
%% `Source' is `#{family => unspec, addr => <<>>}' if the system names no sender, as of a TCP stream.
%% ```
%% ok = esock:sendto(Udp, "ping", UdpAddr),
%% {ok, {UdpAddr, <<"ping">>}} = esock:recvfrom(Udp, 0, [peek], 5000),
%% {ok, {UdpAddr, <<"pi">>}} = esock:recvfrom(Udp, 2, [], 5000).
%% '''
-spec recvfrom(socket(), non_neg_integer(), [msg_flag() | integer()], timeout() | nowait | select_handle()) ->
          {ok, {sockaddr_recv(), binary()}} | later() | {select_read, {select_info(), {sockaddr_recv(), binary()}}} |
          {completion, {completion_info(), {sockaddr_recv(), binary()}}} |
          {error, posix() | closed | invalid() | timeout}.
recvfrom(?SOCKET(Ref), Size, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recvfrom, Size, Flags}, Timeout);
        zero -> esock_wait:once(Ref, {recvfrom, Size, Flags});
        How -> esock_nif:recvfrom(Ref, Size, Flags, Timeout, How)
    end;
recvfrom(Socket, Size, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Size, Flags, Timeout]).

%% @equiv sendmsg(Socket, Msg, [], infinity)
-spec sendmsg(socket(), msg_send()) -> ok | {ok, erlang:iovec()} | {error, term()}.
sendmsg(Socket, Msg) -> sendmsg(Socket, Msg, [], infinity).

%% @doc As {@link sendmsg/4} with timeout `infinity', or without flags. The third argument is a list of flags, the
%% `SelectInfo' of an earlier call, a timeout, `nowait' or a handle.
%% ```
%% ok = esock:sendmsg(Socket, #{iov => [<<"hel">>, <<"lo">>]}, 5000).
%% '''
-spec sendmsg(socket(), msg_send() | erlang:iovec(),
              [msg_flag() | integer()] | select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) | {error, term()}.
sendmsg(Socket, Msg, Flags) when is_list(Flags); is_tuple(Flags) -> sendmsg(Socket, Msg, Flags, infinity);
sendmsg(Socket, Msg, Timeout) -> sendmsg(Socket, Msg, [], Timeout).

%% @doc Sends a message, sendmsg(2): the binaries of `iov' as one message, or one after the other on a stream.
%%
%% `Msg' is a {@link msg_send()}: the message goes to `addr' if it is there, with the control messages of `ctrl'. On a stream
%% they go with the first byte, once. To go on after a partial result, give the rest (or a message with it) and the
%% `SelectInfo' in the place of the flags.
%%
%% With `gso' (UDP only) the data goes as datagrams of that many bytes; the last one may be shorter. One system call takes up
%% to 64 datagrams and 65,507 bytes, UDP_SEGMENT of udp(7); each datagram has the control messages. If the system refuses
%% (IPsec, before Linux 6.11 an interface without checksum offload, datagrams longer than the MTU), the datagrams go one by
%% one, with as few calls as possible; the next send tries again. OTP's `socket' does not have `gso'.
%%
%% Returns
%% <ul>
%% <li>`ok': all data was sent;</li>
%% <li>`{ok, Rest}': the kernel has cut a message. `Rest' is the I/O vector that was not sent;</li>
%% <li>`{select, SelectInfo}' or `{completion, CompletionInfo}', with `nowait' or a handle. `{select, {SelectInfo, Rest}}': a
%% part of a stream's data, or with `gso' some of the datagrams, was sent;</li>
%% <li>`{error, Reason}', or `{error, {Reason, Rest}}' if a part was sent before. `emsgsize': the message is too long.
%% `{invalid, {iov, Why}}', `{invalid, {gso, Size}}', `{invalid, {msg, ctrl, #{ctrl => Ctrl}}}': that part of the message is
%% wrong, or longer than `{otp, sndctrlbuf}'.</li>
%% </ul>
%% ```
%% Ttl = #{level => ip, type => ttl, value => 9},
%% ok = esock:sendmsg(Udp, #{addr => UdpAddr, iov => [<<"pi">>, <<"ng">>], ctrl => [Ttl]}, [], 5000),
%% {ok, {UdpAddr, <<"ping">>}} = esock:recvfrom(Udp).
%% '''
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
    with_fitted(Ref, IOV, Msg, wait(Timeout), fun(Fitting, How) -> sendmsg_fitting(Ref, Fitting, Flags, Timeout, How) end);
sendmsg(Socket, Msg, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Msg, Flags, Timeout]).

sendmsg_fitting(Ref, Msg, Flags, Timeout, block) ->
    esock_wait:run(Ref, {sendmsg, Msg, Flags}, Timeout);
sendmsg_fitting(Ref, Msg, Flags, Handle, How) ->
    case esock_nif:sendmsg(Ref, Msg, Flags, Handle, How) of
        {more, Rest} ->
            after_part(sendmsg_fitting(Ref, esock_wait:rest(Msg, Rest), Flags, Handle, How), Rest);
        {select, {?INFO({sendmsg, {_, _}}, NewHandle), Rest}} ->
            {select, {?INFO({sendmsg, {esock_wait:rest(Msg, Rest), Flags}}, NewHandle), Rest}};
        Result ->
            Result
    end.

%% Calls with data that the NIF can take. Longer data is made fit first (esock_iov:fit/2), and such a call returns `select',
%% never `completion': a completion would have to copy all of it.
with_fitted(Ref, IOV, Data, How, Call) ->
    case esock_iov:long(IOV) andalso esock_iov:fit(Ref, Data) of
        false -> Call(Data, How);
        {ok, Fitting} when How =:= nowait -> Call(Fitting, select);
        {ok, Fitting} -> Call(Fitting, How);
        {error, _} = Error -> Error
    end.

%% @doc Sends several messages with as few system calls as possible, sendmmsg(2). A message may have `gso', as with
%% {@link sendmsg/4}.
%%
%% Returns
%% <ul>
%% <li>`ok': all messages were sent;</li>
%% <li>`{ok, Rest}': an error or the timeout came after some messages. `Rest' are the I/O vectors of those that were not sent;
%% the first may be the rest of a message. OTP's `socket' returns `ok';</li>
%% <li>`{select, SelectInfo}', with `nowait' or a handle: nothing was sent. `{select_write, {SelectInfo, Count}}': `Count'
%% messages were sent whole; send the others after the `select' message. A message that was sent in part is not in `Count'.
%% This function never returns `completion';</li>
%% <li>`{error, Reason}': nothing was sent. As {@link sendmsg/4}.</li>
%% </ul>
%% A message without an I/O list raises `badarg', an element that is no map `{invalid, {msg, Element}}'; then nothing is sent.
%% ```
%% ok = esock:sendmmsg(Udp, [#{addr => UdpAddr, iov => [<<N>>]} || N <- [1, 2, 3]], [], 5000),
%% {ok, [#{iov := [<<1>>]} | _]} = esock:recvmmsg(Udp, 16, 1500, 0, [], 5000).
%% '''
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

%% The first element of a list that is no message, so that none is sent; or the messages.
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

%% `Count': the number of messages that were sent whole, or `none' if nothing was sent at all.
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
            %% The call still has the turn if a part of a message was sent.
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

%% @doc Sends the binaries of an I/O vector on a connected socket without joining them, sendmsg(2). The third argument is a
%% timeout, `nowait', a handle, or the `SelectInfo' of an earlier call.
%%
%% Returns as {@link sendmsg/4}; `Rest' is an I/O vector. A list that is no I/O vector is `{error, {invalid, iov}}'. The empty
%% list is `ok'. A `SelectInfo' of another function raises `badarg'.
%% ```
%% ok = esock:sendv(Socket, [<<"hel">>, <<"lo">>], 5000).
%% '''
-spec sendv(socket(), erlang:iovec(), select_info() | timeout() | nowait | select_handle()) ->
          ok | {ok, erlang:iovec()} | later(erlang:iovec()) | {error, term()}.
sendv(?SOCKET(Ref) = Socket, IOV, ?INFO(Tag, _) = Cont) when ?IS_SOCKET(Ref) ->
    case Tag of
        {sendv, _} -> sendv(Socket, IOV, infinity);
        _ -> erlang:error(badarg, [Socket, IOV, Cont])
    end;
sendv(?SOCKET(Ref), IOV, Timeout) when ?IS_SOCKET(Ref) ->
    case with_fitted(Ref, IOV, IOV, wait(Timeout), fun(Fitting, How) -> sendv_fitting(Ref, Fitting, Timeout, How) end) of
        %% `socket' does not say what is wrong with the vector.
        {error, {invalid, {iov, _}}} -> {error, {invalid, iov}};
        Result -> Result
    end;
sendv(Socket, IOV, Timeout) ->
    erlang:error(badarg, [Socket, IOV, Timeout]).

%% @doc Sends the rest of an I/O vector after a {@link sendv/3} that returned `{select, {SelectInfo, Rest}}', once the
%% `select' message has come. Returns as {@link sendv/3}. A `SelectInfo' of another function is
%% `{error, {invalid, SelectInfo}}'.
%% ```
%% {select, {Info, Rest}} = esock:sendv(Socket, [binary:copy(<<"x">>, 20000000)], nowait),
%% {ok, _} = esock:recv(Peer, 20000000 - iolist_size(Rest)),
%% receive {'$socket', Socket, select, _} -> esock:sendv(Socket, Rest, Info, nowait) end.
%% '''
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
        {more, Rest} -> after_part(sendv_fitting(Ref, Rest, Handle, How), Rest);
        Result -> Result
    end.

%% @doc Returns the rest of an I/O vector after its first `Written' bytes. `Written' is at most the size of the vector.
%% ```
%% [<<"o">>] = esock:rest_iov(4, [<<"hel">>, <<"lo">>]).
%% '''
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

%% @doc Sends `Count' bytes of an open file from the byte `Offset' on; with `Count' 0 everything up to the end of the file.
%%
%% A file that was opened `raw' goes by sendfile(2), without a copy in the node. Any other file is read and sent; `socket'
%% raises `badarg' for it. `File' is what `file:open/2' returned, or the `SelectInfo' of an earlier call. Returns
%% <ul>
%% <li>`{ok, Sent}': the number of bytes, fewer than `Count' if the file ends;</li>
%% <li>`{select, SelectInfo}', with `nowait' or a handle: nothing was sent. `{select, {SelectInfo, Sent}}': so many bytes were
%% sent. After the `select' message call again with `SelectInfo' as the file, and with the remaining offset and count;</li>
%% <li>`{completion, CompletionInfo}', for a file opened `raw': its result comes when everything up to the end that the file
%% had at the call is sent. Threads that may wait for a disk send what does not go at once. The file may be closed
%% meanwhile;</li>
%% <li>`{error, Reason}', or `{error, {Reason, Sent}}' if so many bytes were sent before the error or the timeout.
%% `{invalid, {integer_range, Number}}': offset or count does not fit 63 bits.</li>
%% </ul>
%% The calling process as `File', or a term that is no file, raises `badarg'.
%%
%% ```
%% {ok, File} = file:open(code:which(lists), [read, raw, binary]),
%% {ok, 4} = esock:sendfile(Socket, File, 0, 4, 5000),
%% {ok, <<_:4/binary>>} = esock:recv(Peer, 4),
%% ok = file:close(File).
%% '''
-spec sendfile(socket(), file:fd() | pid() | select_info(), integer(), non_neg_integer(),
               timeout() | nowait | select_handle()) ->
          {ok, non_neg_integer()} | later(non_neg_integer()) |
          {error, posix() | closed | invalid() | timeout | {posix() | closed | timeout, non_neg_integer()}}.
sendfile(?SOCKET(Ref) = Socket, File, Offset, Count, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Offset), is_integer(Count), Count >= 0 ->
    case File of
        ?INFO({sendfile, Handle}, _) -> sendfile(Socket, Handle, Offset, Count, Timeout);
        ?INFO(_, _) -> {error, {invalid, File}};
        %% The calling process cannot serve a file to itself.
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

%% @doc As {@link recvmsg/5} with sizes 0. The second argument is a list of flags (timeout `infinity'), or a timeout, `nowait'
%% or a handle (no flags).
%% ```
%% {error, timeout} = esock:recvmsg(Udp, 100).
%% '''
-spec recvmsg(socket(), [msg_flag() | integer()] | timeout() | nowait | select_handle()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} | {error, term()}.
recvmsg(Socket, Flags) when is_list(Flags) -> recvmsg(Socket, 0, 0, Flags, infinity);
recvmsg(Socket, Timeout) -> recvmsg(Socket, 0, 0, [], Timeout).

%% @doc As {@link recvmsg/5}: `recvmsg(Socket, Flags, Timeout)' with sizes 0, or `recvmsg(Socket, Size, CtrlSize)' with
%% timeout `infinity'.
%% ```
%% ok = esock:sendto(Udp, "ping", UdpAddr),
%% {ok, #{iov := [<<"ping">>]}} = esock:recvmsg(Udp, 1500, 0).
%% '''
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

%% @doc Receives a message with the address of its sender, its control messages and its flags, recvmsg(2).
%%
%% A message longer than `Size' bytes is cut (0: `{otp, rcvbuf}', default 256 KB), and `trunc' is in its flags; if `Flags' has
%% `trunc', the key `length' is the whole length. Control messages beyond `CtrlSize' bytes (0: `{otp, rcvctrlbuf}', default
%% 1024) are lost, and `ctrunc' is in its flags. Received descriptors (`rights') are closed on exec, and are the caller's to
%% close: {@link open/2} with `own' takes one.
%%
%% With the option `{udp, gro}' a message may be many datagrams of one sender, which the kernel has put together. The key
%% `gro' is the size of each in bytes, as is the control message `#{level => udp, type => gro}'. A `Size' of 0 is at least
%% 65,535 then. {@link recv/4} and {@link recvfrom/4} cannot tell where the datagrams end.
%%
%% Returns `{ok, Msg}' with a {@link msg_recv()}; `{select, SelectInfo}' or `{completion, CompletionInfo}' with `nowait' or a
%% handle (on a Unix socket always `select'); with `{otp, select_read}' set `{select_read, {SelectInfo, Msg}}' or
%% `{completion, {CompletionInfo, Msg}}'; or an error as {@link recv/4}.
%% ```
%% ok = esock:setopt(Udp, {ip, recvttl}, true),
%% ok = esock:sendto(Udp, "ping", UdpAddr),
%% {ok, #{addr := UdpAddr, iov := [<<"ping">>], ctrl := [#{type := ttl, value := _}]}} = esock:recvmsg(Udp, 0, 0, [], 5000).
%% '''
-spec recvmsg(socket(), non_neg_integer(), non_neg_integer(), [msg_flag() | integer()],
              timeout() | nowait | select_handle()) ->
          {ok, msg_recv()} | later() | {select_read, {select_info(), msg_recv()}} |
          {completion, {completion_info(), msg_recv()}} |
          {error, posix() | closed | invalid() | timeout}.
recvmsg(?SOCKET(Ref), Size, CtrlSize, Flags, Timeout)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_integer(CtrlSize), CtrlSize >= 0, is_list(Flags) ->
    case wait(Timeout) of
        block -> esock_wait:run(Ref, {recvmsg, Size, CtrlSize, Flags}, Timeout);
        zero -> esock_wait:once(Ref, {recvmsg, Size, CtrlSize, Flags});
        How -> esock_nif:recvmsg(Ref, Size, CtrlSize, Flags, Timeout, How)
    end;
recvmsg(Socket, Size, CtrlSize, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Size, CtrlSize, Flags, Timeout]).

%% @doc Receives the messages that are there, at least one and at most `Count', recvmmsg(2). If there is none it waits as
%% {@link recvmsg/5} does.
%%
%% `Size' and `CtrlSize' are those of {@link recvmsg/5} for each message, but a `Size' of 0 is 8,192 bytes if `{otp, rcvbuf}'
%% is `auto'. One system call has room for 1 MB, sizes and control messages together (113 messages of the default sizes); a
%% larger `Count' takes as many calls as are needed. A call may return fewer messages than `Count' though there are more: one
%% attempt receives at most 1,024. Returns `{ok, [Msg]}', or as {@link recvmsg/5}.
%% ```
%% ok = esock:sendto(Udp, "1", UdpAddr),
%% ok = esock:sendto(Udp, "2", UdpAddr),
%% {ok, [#{iov := [<<"1">>]}, #{iov := [<<"2">>]}]} = esock:recvmmsg(Udp, 64, 0, 0, [], 5000).
%% '''
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
                 zero -> esock_wait:once(Ref, {recvmmsg, Count, Sizes, Flags});
                 How -> esock_nif:recvmmsg(Ref, Count, Sizes, Flags, Timeout, How)
             end,
    messages(Result, {Ref, Count, Sizes, Flags}, []);
recvmmsg(Socket, Count, Size, CtrlSize, Flags, Timeout) ->
    erlang:error(badarg, [Socket, Count, Size, CtrlSize, Flags, Timeout]).

%% Goes on after `more': one call of the NIF does not receive so many messages.
messages({more, Msgs}, {Ref, Count, Sizes, Flags}, Before) ->
    Left = Count - length(Msgs),
    messages(esock_nif:recvmmsg(Ref, Left, Sizes, Flags, nowait, more), {Ref, Left, Sizes, Flags}, [Msgs | Before]);
messages({ok, Msgs}, _Args, [_ | _] = Before) -> {ok, lists:append(lists:reverse(Before, [Msgs]))};
messages(Nothing, _Args, [_ | _] = Before) when Nothing =:= yield; element(1, Nothing) =:= error ->
    {ok, lists:append(lists:reverse(Before))};
messages(Result, _Args, []) -> Result.

%% @equiv send_fds(Socket, Data, FDs, #{})
-spec send_fds(socket(), iodata(), [socket() | file:fd() | integer()]) -> ok | {ok, erlang:iovec()} | {error, term()}.
send_fds(Socket, Data, FDs) -> send_fds(Socket, Data, FDs, #{}).

%% @doc Sends data with descriptors to the process at the other end of a Unix socket, SCM_RIGHTS of unix(7). The receiver gets
%% descriptors of its own for the same files; the sender keeps its own and closes them as before.
%%
%% `FDs' are 1 to 253 (252 with the default `{otp, sndctrlbuf}') sockets of this library, files that were opened `raw', or
%% numbers. A socket stays open until it is sent, whoever closes it meanwhile. On a stream the descriptors go with the first
%% byte, so `Data' must have one. Options:
%% <ul>
%% <li>`addr': the destination, as in {@link msg_send()};</li>
%% <li>`flags': a list of {@link msg_flag()};</li>
%% <li>`timeout': milliseconds or `infinity' (the default).</li>
%% </ul>
%% Returns `ok', or as {@link sendmsg/4}. `{error, {read_ahead, Bytes}}': a socket in `FDs' has bytes that no call has received
%% and that its receiver would miss. `{error, {invalid, {fd, Term}}}', `{error, {invalid, {fds, FDs}}}',
%% `{error, {invalid, {iov, empty}}}', `{error, {invalid, {Key, Value}}}': that argument is wrong. OTP's `socket' has no such
%% function.
%% ```
%% {ok, {A, B}} = esock:socketpair(),
%% ok = esock:send_fds(A, "a connection", [Socket]),
%% {ok, #{iov := [<<"a connection">>], fds := [Same]}} = esock:recv_fds(B, 1),
%% ok = esock:send(Same, "hello"),
%% {ok, <<"hello">>} = esock:recv(Peer).
%% '''
-spec send_fds(socket(), iodata(), [socket() | file:fd() | integer()], Opts :: map()) ->
          ok | {ok, erlang:iovec()} |
          {error, posix() | closed | timeout | invalid() | {read_ahead, pos_integer()} |
                  {posix() | closed | timeout, erlang:iovec()}}.
send_fds(?SOCKET(Ref) = Socket, Data, FDs, Opts) when ?IS_SOCKET(Ref), is_list(FDs), is_map(Opts) ->
    esock_rights:send(Socket, Data, FDs, Opts);
send_fds(Socket, Data, FDs, Opts) ->
    erlang:error(badarg, [Socket, Data, FDs, Opts]).

%% @doc Sends one descriptor with one byte, a zero: `send_fds(Socket, <<0>>, [FD])'. {@link recv_fd/1} receives it, as does
%% `recv_io' of Ruby.
%% ```
%% {ok, {A, B}} = esock:socketpair(),
%% ok = esock:send_fd(A, Socket),
%% {ok, _Same} = esock:recv_fd(B).
%% '''
-spec send_fd(socket(), socket() | file:fd() | integer()) -> ok | {error, term()}.
send_fd(Socket, FD) -> send_fds(Socket, <<0>>, [FD], #{}).

%% @equiv recv_fds(Socket, 0, Max, #{})
-spec recv_fds(socket(), Max :: non_neg_integer()) -> {ok, map()} | {error, term()}.
recv_fds(Socket, Max) -> recv_fds(Socket, 0, Max, #{}).

%% @equiv recv_fds(Socket, Size, Max, #{})
-spec recv_fds(socket(), Size :: non_neg_integer(), Max :: non_neg_integer()) -> {ok, map()} | {error, term()}.
recv_fds(Socket, Size, Max) -> recv_fds(Socket, Size, Max, #{}).

%% @doc Receives data and up to `Max' descriptors from a Unix socket, SCM_RIGHTS of unix(7). `Size' is that of
%% {@link recvmsg/5}. Options:
%% <ul>
%% <li>`as': with `socket' (the default) each descriptor becomes a socket, whose controlling process is the caller. One that is
%% not a socket is closed, and `{error, enotsock}' stands in its place. With `fd' they are numbers;</li>
%% <li>`flags': a list of {@link msg_flag()};</li>
%% <li>`timeout': milliseconds, `infinity' (the default), `nowait' or a handle.</li>
%% </ul>
%% Returns `{ok, Msg}': a {@link msg_recv()} with the key `fds', and without control messages of type `rights'; or `select' and
%% errors as {@link recvmsg/5}. Descriptors beyond `Max' are closed, and `ctrunc' is in the flags; it is there too if the system
%% could not give the node all of them (`emfile'). All are close-on-exec.
%%
%% A socket is closed when its owner ends. A number has no owner: close it with {@link close_fd/1}, and if the process may be
%% killed, receive sockets. What OTP can do with the number of something else:
%% <ul>
%% <li>a regular file: `file:open("/proc/self/fd/" ++ integer_to_list(FD), [read, raw, binary])' opens the same file, also if it
%% was deleted. The permissions are checked again, and the position is 0. Then close `FD';</li>
%% <li>a pipe: `open_port({fd, FD, FD}, [in, binary, eof])' for the end to read from, `[out, binary]' for the other. The port
%% uses the number itself and leaves it open: close `FD' after the port, and after the other side has received what the port has
%% sent, since a thread of the VM may write even after the port has ended. `file' opens a pipe as it does a regular file, and
%% blocks a thread of the VM for as long as nothing comes;</li>
%% <li>a directory: `file:list_dir("/proc/self/fd/" ++ integer_to_list(FD))';</li>
%% <li>a socket is for {@link open/2}: `file' cannot open one (`enxio'). What has no file to open (an epoll, a timer, a process)
%% is of no use to `file' or a port: it can only be sent on, or closed.</li>
%% </ul>
%% OTP's `socket' has no such function.
%% ```
%% {ok, {A, B}} = esock:socketpair(),
%% {ok, File} = file:open(code:which(lists), [read, raw, binary]),
%% ok = esock:send_fds(A, "a file", [File]),
%% {ok, #{fds := [FD], flags := []}} = esock:recv_fds(B, 0, 1, #{as => fd}),
%% {ok, Same} = file:open("/proc/self/fd/" ++ integer_to_list(FD), [read, raw, binary]),
%% ok = esock:close_fd(FD),
%% {ok, <<"FOR1">>} = file:read(Same, 4).
%% '''
-spec recv_fds(socket(), Size :: non_neg_integer(), Max :: non_neg_integer(), Opts :: map()) ->
          {ok, map()} | later() | {select_read, {select_info(), map()}} | {completion, {completion_info(), map()}} |
          {error, posix() | closed | timeout | invalid()}.
recv_fds(?SOCKET(Ref), Size, Max, Opts)
  when ?IS_SOCKET(Ref), is_integer(Size), Size >= 0, is_integer(Max), Max >= 0, is_map(Opts) ->
    Timeout = maps:get(timeout, Opts, infinity),
    esock_rights:recv(Ref, Size, min(Max, 253), Opts, {wait(Timeout), Timeout});
recv_fds(Socket, Size, Max, Opts) ->
    erlang:error(badarg, [Socket, Size, Max, Opts]).

%% @equiv recv_fd(Socket, #{})
-spec recv_fd(socket()) -> {ok, socket() | non_neg_integer()} | {error, term()}.
recv_fd(Socket) -> recv_fd(Socket, #{}).

%% @doc Receives one byte with one descriptor, as {@link send_fd/2} sends it. `Opts' are those of {@link recv_fds/4}, without
%% waiting by messages. Returns `{ok, Socket}', or `{ok, FD}' with `as => fd'; `{error, enomsg}' if the byte came without a
%% descriptor; or errors as {@link recv_fds/4}, `enotsock' for the descriptor of something else.
%% ```
%% {ok, {A, B}} = esock:socketpair(),
%% ok = esock:send(A, "x"),
%% {error, enomsg} = esock:recv_fd(B, #{timeout => 1000}).
%% '''
-spec recv_fd(socket(), Opts :: map()) -> {ok, socket() | non_neg_integer()} | {error, term()}.
recv_fd(_Socket, #{timeout := Timeout}) when not is_integer(Timeout), Timeout =/= infinity ->
    {error, {invalid, {timeout, Timeout}}};
recv_fd(Socket, Opts) ->
    case recv_fds(Socket, 1, 1, Opts) of
        {ok, #{fds := [{error, _} = Error]}} -> Error;
        {ok, #{fds := [FD]}} -> {ok, FD};
        {ok, #{fds := []}} -> {error, enomsg};
        {error, _} = Error -> Error
    end.

-compile({inline, [wait/1]}).
wait(infinity) -> block;
wait(nowait) -> nowait;
wait(0) -> zero;
wait(Timeout) when is_integer(Timeout), Timeout > 0 -> block;
wait(Handle) when is_reference(Handle) -> nowait;
wait(Timeout) -> erlang:error({invalid, {timeout, Timeout}}).

%% @doc Ends a wait or a completion of the calling process.
%%
%% After `ok' no message follows under the handle; a `select' or `abort' message that was sent before is taken out of the
%% message queue. The next waiter gets the turn. `{error, {invalid, Info}}': the process does not wait under this handle. If
%% `Info' is a `completion_info', the completion may have ended before: then its message is in the queue, and stays there.
%% `{error, closed}': the socket is closed. An `Info' that names no function raises `badarg'.
%%
%% A cancelled receive loses no byte of a stream. A cancelled send may have sent a part; the counter `write_byte' of
%% {@link info/1} counts it. After a cancel in OTP's `socket' the message may still come.
%% ```
%% {select, Info} = esock:recv(Socket, 0, nowait),
%% ok = esock:cancel(Socket, Info),
%% {error, {invalid, Info}} = esock:cancel(Socket, Info).
%% '''
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

%%% ---- Waiting for events -------------------------------------------------------------------------------------------

%% @doc Waits until a socket has one of `Events', as poll(2) does. It receives nothing, takes no turn of the queues of readers and
%% writers, and disturbs none of their waits. Any number of processes may wait at the same time. OTP's `socket' has no such function.
%%
%% `Events' are the events to wait for, see {@link event()}. `error', and a hang-up in both directions as `hup', are returned even
%% if `Events' does not have them; `[]' waits for these alone. Bytes that esock has read ahead count as readable. Returns
%% <ul>
%% <li>`{ok, Now}', the events that there are now, at least one: `read', `write', `priority', `hup' and `error' in this order;</li>
%% <li>`{select, {select_info, wait, Handle}}', with `nowait' or a handle, if there is none, with either back end. Later the calling
%% process receives ``{'$socket', Socket, select, Handle}'', and `wait(Socket, Events, 0)' returns the events, unless another
%% process has taken them since; or ``{'$socket', Socket, abort, {Handle, closed}}''. {@link cancel/2} ends the wait. If the process
%% calls again under the same handle, the new wait replaces the old one;</li>
%% <li>`{error, timeout}';</li>
%% <li>`{error, closed}': the socket is closed;</li>
%% <li>`{error, {invalid, {event, Term}}}': `Term' in `Events' is no event;</li>
%% <li>a {@link posix()}: while it waits, each wait has a duplicate of the descriptor, so it may fail with `emfile'. `eperm': the
%% descriptor is one of a file, which is always readable and writable.</li>
%% </ul>
%% A process that only holds a connection learns of its peer's end with `wait(Socket, [hup], nowait)'. A socket whose own side was
%% shut down for reading has that event too.
%%
%% For a descriptor that is no socket (a pipe, a terminal, eventfd(2), timerfd_create(2), inotify(7), pidfd_open(2)), open it with
%% `poll_only', see {@link open/2}.
%% ```
%% {error, timeout} = esock:wait(Socket, [read], 0),
%% {select, {select_info, wait, Handle}} = esock:wait(Socket, [read, hup], nowait),
%% ok = esock:send(Peer, "hello"),
%% receive {'$socket', Socket, select, Handle} -> {ok, [read]} = esock:wait(Socket, [read, hup], 0) end,
%% {ok, <<"hello">>} = esock:recv(Socket).
%% '''
%% ```
%% {select, {select_info, wait, Handle}} = esock:wait(Socket, [hup], nowait),
%% ok = esock:close(Peer),
%% receive {'$socket', Socket, select, Handle} -> {ok, [hup]} = esock:wait(Socket, [hup], 0) end.
%% '''
-spec wait(socket(), [event()], timeout() | nowait | select_handle()) ->
          {ok, [event(), ...]} | {select, select_info()} | {error, posix() | closed | invalid() | timeout}.
wait(?SOCKET(Ref) = Socket, Events, Timeout) when ?IS_SOCKET(Ref) ->
    case esock_events:number(Events) of
        {ok, Number} -> wait_for(Ref, Number, Timeout);
        badarg -> erlang:error(badarg, [Socket, Events, Timeout]);
        Error -> Error
    end;
wait(Socket, Events, Timeout) ->
    erlang:error(badarg, [Socket, Events, Timeout]).

wait_for(Ref, Number, Timeout) ->
    Result = case wait(Timeout) of
                 block -> esock_wait:run(Ref, {wait, Number}, Timeout);
                 zero -> esock_wait:once(Ref, {wait, Number});
                 How -> esock_nif:wait(Ref, Number, Timeout, How)
             end,
    case Result of
        {ok, Now} -> {ok, esock_events:names(Now)};
        _ -> Result
    end.

%% @doc Waits until a receive or an accept would not block, without receiving: there is data, a connection, the end of the stream, an
%% error or a hang-up. Returns `ok', and otherwise as {@link wait/3} with `[read]'.
%% ```
%% {error, timeout} = esock:wait_readable(Socket, 0),
%% ok = esock:send(Peer, "hello"),
%% ok = esock:wait_readable(Socket, 5000).
%% '''
-spec wait_readable(socket(), timeout() | nowait | select_handle()) ->
          ok | {select, select_info()} | {error, posix() | closed | invalid() | timeout}.
wait_readable(Socket, Timeout) -> without_events(wait(Socket, [read], Timeout)).

%% @doc Waits until a send would not block, without sending: there is room, the connect under way has ended, or there is an error or
%% a hang-up. Returns `ok', and otherwise as {@link wait/3} with `[write]'.
%% ```
%% ok = esock:wait_writable(Socket, 5000).
%% '''
-spec wait_writable(socket(), timeout() | nowait | select_handle()) ->
          ok | {select, select_info()} | {error, posix() | closed | invalid() | timeout}.
wait_writable(Socket, Timeout) -> without_events(wait(Socket, [write], Timeout)).

without_events({ok, _}) -> ok;
without_events(Result) -> Result.

%% @doc Waits until one of many sockets has an event, as select(2) and poll(2) do. OTP's `socket' has no such function.
%%
%% `Sockets' is a list of sockets, for `[read]', and of pairs of a socket and its events, see {@link wait/3}. If a socket is there
%% twice, its events are those of both entries. `Timeout' is in milliseconds, or `infinity'. A call that waits has a duplicate of each
%% descriptor meanwhile. To wait for many sockets for long, {@link wait/3} with `nowait' costs less. Returns
%% <ul>
%% <li>`{ok, [{Socket, Now}]}', the sockets that have events, in the order of the list, with the events that there are now;</li>
%% <li>`{error, timeout}';</li>
%% <li>`{error, {Reason, Socket}}': the call failed for this socket. `Reason' is `closed' or a {@link posix()}, such as
%% `emfile';</li>
%% <li>`{error, {invalid, {event, Term}}}', `{error, {invalid, {sockets, []}}}': the list is empty.</li>
%% </ul>
%% ```
%% {error, timeout} = esock:select([Socket, {Peer, [read, hup]}], 0),
%% ok = esock:send(Peer, "hello"),
%% {ok, [{Socket, [read]}]} = esock:select([Socket, {Peer, [read, hup]}], 5000),
%% {ok, [{Peer, [write]}]} = esock:select([{Peer, [read, write]}], infinity).
%% '''
-spec select([socket() | {socket(), [event()]}], timeout()) ->
          {ok, [{socket(), [event(), ...]}, ...]} |
          {error, timeout | invalid() | {posix() | closed, socket()}}.
select(Sockets, Timeout) ->
    _ = wait(Timeout) =/= nowait orelse erlang:error({invalid, {timeout, Timeout}}),
    case esock_events:entries(Sockets) of
        {ok, Entries} -> esock_wait:select(Entries, Timeout);
        badarg -> erlang:error(badarg, [Sockets, Timeout]);
        Error -> Error
    end.

%%% ---- Options and names --------------------------------------------------------------------------------------------

%% @doc Sets an option, setsockopt(2). `doc/options.md' lists all options with the types of their values.
%%
%% Returns `ok'; `{error, {invalid, {socket_option, Option}}}' for an unknown or read-only option;
%% `{error, {invalid, {socket_option, Option, Value}}}' for a wrong value; `{error, closed}', or a {@link posix()}. The
%% options of level `otp', which an accepted socket inherits but for the first two:
%% <ul>
%% <li>`controlling_process': a pid, the new owner. Only the owner may set it: `{error, {invalid, not_owner}}';</li>
%% <li>`meta': any term. Only the owner may set it;</li>
%% <li>`rcvbuf': how many bytes a receive without a length takes: `auto' (the default: what is there, up to 256 KB), `default'
%% (`auto'), a size, or `{Count, Size}': on a stream a blocking receive takes up to `Count' times `Size' bytes. In a pair a
%% `Size' of `default' is 8192. OTP's default is 8192;</li>
%% <li>`rcvctrlbuf', `sndctrlbuf': bytes for the control messages of one message (default 1024);</li>
%% <li>`select_read' (default `false'): a receive with `nowait' that gets data begins the next wait at once;</li>
%% <li>`read_ahead': how many bytes a ring reads ahead of a TCP stream with `io_uring' (default: the application environment
%% `read_ahead', the environment variable `ESOCK_READ_AHEAD', or 0). It is not in `socket';</li>
%% <li>`use_registry': `true' registers the socket. It cannot be turned off;</li>
%% <li>`debug', `iow' (default `false'): kept for programs that set them; nothing is printed, and counters do not wrap.</li>
%% </ul>
%% ```
%% ok = esock:setopt(Socket, {tcp, nodelay}, true),
%% ok = esock:setopt(Socket, {otp, rcvbuf}, 65536),
%% {error, {invalid, {socket_option, {socket, type}}}} = esock:setopt(Socket, {socket, type}, dgram).
%% '''
-spec setopt(socket(), {otp, otp_socket_option()} | socket_option(), Value :: term()) ->
          ok | {error, posix() | closed | invalid()}.
setopt(?SOCKET(Ref), Option, Value) when ?IS_SOCKET(Ref) ->
    esock_wait:until_released(fun() -> esock_nif:setopt(Ref, Option, Value) end);
setopt(Socket, Option, Value) -> erlang:error(badarg, [Socket, Option, Value]).

%% @doc Sets several options: a list of `{Option, Value}', in its order, or a map, in the order of its keys.
%%
%% All values are checked before any is set: each can be encoded, and the interfaces that it names are there. Returns `ok'; or
%% `{error, {Option, Reason}}' for the first option that is wrong or that the system refuses, where `Reason' is that of
%% {@link setopt/3}. If a check fails, nothing is set. If the system refuses an option, those before it stay set. An argument
%% that is neither raises `badarg'.
%% ```
%% ok = esock:setopts(Socket, [{{tcp, nodelay}, true}, {{socket, keepalive}, true}]),
%% ok = esock:setopts(Socket, #{{tcp, keepidle} => 60, {tcp, keepcnt} => 3}),
%% {error, {{tcp, nodelay}, {invalid, _}}} = esock:setopts(Socket, [{{socket, keepalive}, false}, {{tcp, nodelay}, 7}]).
%% '''
-spec setopts(socket(), [{{otp, otp_socket_option()} | socket_option(), term()}] |
                        #{{otp, otp_socket_option()} | socket_option() => term()}) ->
          ok | {error, {Option :: term(), posix() | closed | invalid()}}.
setopts(?SOCKET(Ref) = Socket, Options) when ?IS_SOCKET(Ref), is_map(Options) ->
    setopts(Socket, lists:sort(maps:to_list(Options)));
setopts(?SOCKET(Ref) = Socket, Options) when ?IS_SOCKET(Ref), is_list(Options) -> esock_option:set(Socket, Options);
setopts(Socket, Options) -> erlang:error(badarg, [Socket, Options]).

%% @doc As {@link setopt/3} with level and option as two arguments; or, if `Opt' is a number and `Value' a binary, as
%% {@link setopt_native/3}.
%% ```
%% ok = esock:setopt(Socket, tcp, nodelay, true),
%% ok = esock:setopt(Socket, 6, 1, <<1:32/native>>).
%% '''
-spec setopt(socket(), level() | integer(), Opt :: atom() | integer(), Value :: term()) ->
          ok | {error, posix() | closed | invalid()}.
setopt(Socket, Level, Opt, Value) when is_integer(Opt), is_binary(Value) -> setopt_native(Socket, {Level, Opt}, Value);
setopt(Socket, Level, Opt, Value) -> setopt(Socket, {Level, Opt}, Value).

%% @doc Sets an option with a value in the system's form, setsockopt(2). `Option' is a name, or `{Level, Number}'; `Value' is
%% an integer or a boolean (a C `int'), or a binary, which is taken as it is. Returns as {@link setopt/3}; a wrong value is
%% `{error, {invalid, value}}'. Options of level `otp' have no such form. TCP_ZEROCOPY_RECEIVE and XDP_UMEM_REG are
%% `{error, {invalid, {socket_option, Option}}}': their bytes say where the kernel writes.
%% ```
%% ok = esock:setopt_native(Socket, {tcp, nodelay}, 1),
%% ok = esock:setopt_native(Socket, {tcp, 1}, <<1:32/native>>).
%% '''
-spec setopt_native(socket(), socket_option() | {level() | integer(), integer()}, integer() | boolean() | binary()) ->
          ok | {error, posix() | closed | invalid()}.
setopt_native(?SOCKET(Ref), Option, Value) when ?IS_SOCKET(Ref) ->
    esock_wait:until_released(fun() -> esock_nif:setopt_native(Ref, Option, Value) end);
setopt_native(Socket, Option, Value) -> erlang:error(badarg, [Socket, Option, Value]).

%% @doc Reads an option, getsockopt(2). `doc/options.md' lists all options with the types of their values; {@link setopt/3}
%% explains those of level `otp'.
%%
%% These of level `otp' are read only: `domain', `assoc_id' (of an SCTP socket), and `fd', the number of the descriptor: it is
%% the socket's, so do not close it. After a call for `fd' no ring reads this stream ahead; the call waits until the ring has
%% released it. `{socket, peerpidfd}' returns a new descriptor, which the caller has to close. Returns `{ok, Value}'; `{error, {invalid, {socket_option, Option}}}' for an unknown or write-only option;
%% `{error, closed}', or a {@link posix()} such as `enoprotoopt'.
%% ```
%% {ok, stream} = esock:getopt(Socket, {socket, type}),
%% {ok, none} = esock:getopt(Socket, {socket, error}),
%% {ok, Owner} = esock:getopt(Socket, {otp, controlling_process}).
%% '''
-spec getopt(socket(), {otp, otp_socket_option()} | socket_option()) ->
          {ok, Value :: term()} | {error, posix() | closed | invalid()}.
getopt(?SOCKET(Ref), Option) when ?IS_SOCKET(Ref) -> esock_wait:until_released(fun() -> esock_nif:getopt(Ref, Option) end);
getopt(Socket, Option) -> erlang:error(badarg, [Socket, Option]).

%% @doc As {@link getopt/2} with level and option as two arguments; or, with an option `{Number, ValueSpec}', as
%% {@link getopt_native/3}.
%%
%% An option as the second argument, such as `{sctp, status}', `{ip, msfilter}' or `{mcast, msfilter}', takes a map as the
%% third: the keys of the value that say what is asked for, for example which association, or which group. A wrong map is
%% `{error, {invalid, {socket_option, Option, Map}}}'.
%% ```
%% {ok, stream} = esock:getopt(Socket, socket, type),
%% {ok, 1} = esock:getopt(Socket, socket, {3, integer}).
%% '''
%% ```
%% %% Needs SCTP.
%% {ok, #{state := established}} = esock:getopt(Socket, {sctp, status}, #{assoc_id => AssocId}).
%% '''
-spec getopt(socket(), level() | integer() | socket_option(), Opt :: term()) ->
          {ok, Value :: term()} | {error, posix() | closed | invalid()}.
getopt(?SOCKET(Ref), {Level, Name} = Option, Value) when ?IS_SOCKET(Ref), is_atom(Level), is_atom(Name), is_map(Value) ->
    esock_nif:getopt(Ref, Option, Value);
getopt(Socket, Level, {Opt, Spec}) when is_integer(Opt) -> getopt_native(Socket, {Level, Opt}, Spec);
getopt(Socket, Level, Opt) -> getopt(Socket, {Level, Opt}).

%% @doc Reads an option in the system's form, getsockopt(2). `Option' is a name, or `{Level, Number}'. `ValueSpec' is
%% `integer' or `boolean' (a C `int'), the size of the value in bytes (at most 1 MB), or a binary of that size, which the
%% system may read first. Returns `{ok, Value}', for a size or a binary as a binary; errors as {@link getopt/2}. A wrong
%% `ValueSpec' is `{error, {invalid, {value_spec, ValueSpec}}}', a negative size `{error, einval}'. The options that
%% {@link setopt_native/3} refuses are refused here too. A filter, SO_GET_FILTER, needs room for all of it, or the answer is `{error, einval}'.
%% ```
%% {ok, Bytes} = esock:getopt_native(Socket, {socket, rcvbuf}, integer),
%% {ok, <<Bytes:32/native>>} = esock:getopt_native(Socket, {socket, rcvbuf}, 4).
%% '''
-spec getopt_native(socket(), socket_option() | {level() | integer(), integer()},
                    ValueSpec :: integer | boolean | non_neg_integer() | binary()) ->
          {ok, integer() | boolean() | binary()} | {error, posix() | closed | invalid()}.
getopt_native(?SOCKET(Ref), Option, Spec) when ?IS_SOCKET(Ref) -> esock_nif:getopt_native(Ref, Option, Spec);
getopt_native(Socket, Option, Spec) -> erlang:error(badarg, [Socket, Option, Spec]).

%% @doc Returns the credentials of the process at the other end of a Unix socket, when it connected or made the pair:
%% `getopt(Socket, {socket, peercred})', SO_PEERCRED of unix(7). Returns `{ok, #{pid, uid, gid}}', or an error. Sockets of other
%% domains have pid 0, uid and gid -1. OTP's `socket' has no such function.
%% ```
%% {ok, {A, _B}} = esock:socketpair(),
%% {ok, #{pid := Pid, uid := _, gid := _}} = esock:peercred(A),
%% true = integer_to_list(Pid) =:= os:getpid().
%% '''
-spec peercred(socket()) -> {ok, #{pid := integer(), uid := integer(), gid := integer()}} | {error, posix() | closed}.
peercred(Socket) -> getopt(Socket, {socket, peercred}).

%% @doc Returns the pending error of the socket and clears it: `getopt(Socket, {socket, error})', SO_ERROR of socket(7). Returns
%% `{ok, none}', `{ok, Reason}' with a {@link posix()}, or `{error, closed}'. OTP's `socket' has no such function.
%% ```
%% {ok, none} = esock:take_error(Socket).
%% '''
-spec take_error(socket()) -> {ok, none | posix()} | {error, posix() | closed}.
take_error(Socket) -> getopt(Socket, {socket, error}).

%% @doc Returns the address that a connection was made to before netfilter redirected it to this node, SO_ORIGINAL_DST of
%% iptables-extensions(8) (REDIRECT). Returns `{ok, SockAddr}', or an error: `enoent' if it was not redirected, `enoprotoopt'
%% without netfilter, `eopnotsupp' for a domain without it. OTP's `socket' has no such function.
%% ```
%% %% Needs a rule that redirects.
%% {ok, #{family := inet, port := 443}} = esock:original_dst(Socket).
%% '''
-spec original_dst(socket()) -> {ok, sockaddr()} | {error, posix() | closed}.
original_dst(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) -> esock_connection:original_dst(Socket);
original_dst(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Returns the number by which the kernel knows the socket, SO_COOKIE: no other socket of the network namespace has it,
%% before the next start of the system. `ss -e' shows it in hexadecimal as `sk'. Returns `{ok, Number}', or an error. OTP's
%% `socket' has no such function.
%% ```
%% {ok, Cookie} = esock:cookie(Socket),
%% {ok, Same} = esock:dup(Socket),
%% {ok, Cookie} = esock:cookie(Same).
%% '''
-spec cookie(socket()) -> {ok, uint64()} | {error, posix() | closed}.
cookie(Socket) ->
    case getopt_native(Socket, {socket, 57}, 8) of
        {ok, <<Cookie:64/native>>} -> {ok, Cookie};
        {error, _} = Error -> Error
    end.

%% @doc Turns keepalive probes on or off, tcp(7): `{socket, keepalive}', and with a map those of these options that it has:
%% `idle' (seconds without data before the first probe, `{tcp, keepidle}'), `interval' (seconds between probes,
%% `{tcp, keepintvl}') and `count' (probes without an answer before the connection ends, `{tcp, keepcnt}'). A map turns them on.
%%
%% If an option cannot be set, those that were set get their old values again. Returns `ok'; `{error, {invalid, {Key, Value}}}'
%% for an unknown key or a value that is not positive; or a {@link posix()}: `einval' if the system finds the value too large
%% (32,767 seconds, 127 probes). OTP's `socket' has no such function.
%% ```
%% ok = esock:set_keepalive(Socket, #{idle => 60, interval => 10, count => 6}),
%% {ok, true} = esock:getopt(Socket, {socket, keepalive}),
%% {ok, 60} = esock:getopt(Socket, {tcp, keepidle}),
%% ok = esock:set_keepalive(Socket, false).
%% '''
-spec set_keepalive(socket(), boolean() | #{idle => pos_integer(), interval => pos_integer(), count => pos_integer()}) ->
          ok | {error, posix() | closed | invalid()}.
set_keepalive(?SOCKET(Ref) = Socket, How) when ?IS_SOCKET(Ref), is_boolean(How) orelse is_map(How) ->
    esock_connection:set_keepalive(Socket, How);
set_keepalive(Socket, How) ->
    erlang:error(badarg, [Socket, How]).

%% @doc Returns the local address of the socket, getsockname(2): `{ok, SockAddr}', or an error. Before {@link bind/2} and
%% {@link connect/2} it is all zeros; of a Unix socket it has an empty path.
%% ```
%% {ok, #{family := inet, addr := {127, 0, 0, 1}, port := Port}} = esock:sockname(Listener).
%% '''
-spec sockname(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
sockname(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:sockname(Ref);
sockname(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Returns the local port, from {@link sockname/1}: `{ok, Port}', which is 0 before {@link bind/2} and {@link connect/2}, or
%% an error; `{error, eafnosupport}' for a socket without ports. OTP's `socket' has no such function.
%% ```
%% {ok, Port} = esock:port(Listener),
%% #{port := Port} = Addr.
%% '''
-spec port(socket()) -> {ok, port_number()} | {error, posix() | closed}.
port(Socket) ->
    case sockname(Socket) of
        {ok, #{port := Port}} -> {ok, Port};
        {ok, _} -> {error, eafnosupport};
        {error, _} = Error -> Error
    end.

%% @doc Returns the address of the peer, getpeername(2): `{ok, SockAddr}', or an error, `enotconn' if the socket has no peer.
%% ```
%% {ok, Here} = esock:sockname(Socket),
%% {ok, Here} = esock:peername(Peer),
%% {error, enotconn} = esock:peername(Listener).
%% '''
-spec peername(socket()) -> {ok, sockaddr_recv()} | {error, posix() | closed}.
peername(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:peername(Ref);
peername(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Returns the local addresses of an SCTP association, sctp_getladdrs of RFC 6458 section 9.5: `{ok, [SockAddr]}', or an
%% error. `AssocId' 0 is the socket itself. A number that does not fit a C `int' is
%% `{error, {invalid, {integer_range, AssocId}}}'.
%% ```
%% %% Needs SCTP.
%% {ok, [_ | _]} = esock:socknames(Socket, AssocId).
%% '''
-spec socknames(socket(), sctp_assoc_id()) -> {ok, [sockaddr_recv()]} | {error, posix() | closed | invalid()}.
socknames(?SOCKET(Ref), AssocId) when ?IS_SOCKET(Ref), is_integer(AssocId) -> esock_nif:names(Ref, AssocId, true);
socknames(Socket, AssocId) -> erlang:error(badarg, [Socket, AssocId]).

%% @doc Returns the addresses of the peer of an SCTP association, sctp_getpaddrs of RFC 6458 section 9.3: `{ok, [SockAddr]}',
%% or an error. A number that does not fit a C `int' is `{error, {invalid, {integer_range, AssocId}}}'.
%% ```
%% %% Needs SCTP.
%% {ok, [_ | _]} = esock:peernames(Socket, AssocId).
%% '''
-spec peernames(socket(), sctp_assoc_id()) -> {ok, [sockaddr_recv()]} | {error, posix() | closed | invalid()}.
peernames(?SOCKET(Ref), AssocId) when ?IS_SOCKET(Ref), is_integer(AssocId) -> esock_nif:names(Ref, AssocId, false);
peernames(Socket, AssocId) -> erlang:error(badarg, [Socket, AssocId]).

%% @doc Asks about the socket, or about all interfaces, ioctl(2). Requests and what `{ok, Value}' has:
%% <ul>
%% <li>`gifconf': `[#{name, addr}]', every interface that has an IPv4 address, netdevice(7);</li>
%% <li>`nread': the number of bytes to read, those of the read-ahead buffer among them;</li>
%% <li>`nwrite': the number of bytes in the send buffer that the peer has not acknowledged. On Linux OTP's `socket' has
%% neither this nor the next;</li>
%% <li>`nwrite_unsent': the number of bytes of a TCP stream that were not sent yet, SIOCOUTQNSD. `socket' has no such
%% request;</li>
%% <li>`nspace': the number of bytes that the send buffer still takes;</li>
%% <li>`atmark': a boolean, whether the next byte is urgent data, tcp(7). No ring reads this stream ahead from then on.</li>
%% </ul>
%% A request that the system does not have (`tcp_info' on Linux) is `{error, {invalid, {ioctl_request, Request}}}'; any other
%% atom raises `badarg'.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, _} = esock:recv(Socket, 5, [peek]),
%% {ok, 5} = esock:ioctl(Socket, nread),
%% {ok, [#{name := _, addr := #{family := inet}} | _]} = esock:ioctl(Socket, gifconf).
%% '''
-spec ioctl(socket(), gifconf | nread | nwrite | nwrite_unsent | nspace | atmark | tcp_info) ->
          {ok, term()} | {error, posix() | closed | invalid()}.
ioctl(?SOCKET(Ref), Request)
  when ?IS_SOCKET(Ref), Request =:= gifconf orelse Request =:= nread orelse Request =:= nwrite orelse
       Request =:= nwrite_unsent orelse Request =:= nspace orelse Request =:= atmark orelse Request =:= tcp_info ->
    esock_wait:until_released(fun() -> esock_nif:ioctl(Ref, Request, []) end);
ioctl(Socket, Request) ->
    erlang:error(badarg, [Socket, Request]).

%% @doc Asks about an interface by its name, a string, netdevice(7). Requests and what `{ok, Value}' has:
%% <ul>
%% <li>`gifname': the name. It takes the index of the interface in the place of the name;</li>
%% <li>`gifindex', `gifmtu', `giftxqlen': a number (the MTU in bytes);</li>
%% <li>`gifaddr', `gifdstaddr', `gifbrdaddr', `gifnetmask': a {@link sockaddr_in()};</li>
%% <li>`gifhwaddr': `#{family, addr}', the hardware address in 14 bytes, zeros behind it;</li>
%% <li>`gifflags': a list of {@link ioctl_device_flag()}. The system has 16 bits here, so that `lower_up', `dormant' and
%% `echo' are never among them;</li>
%% <li>`gifmap': an {@link ioctl_device_map()}.</li>
%% </ul>
%% Errors: `enodev', `eaddrnotavail' and others. Requests of other systems (`genaddr', `rcvall', `tcp_info') are
%% `{error, {invalid, {ioctl_request, Request}}}'; any other atom raises `badarg'.
%% ```
%% {ok, Index} = esock:ioctl(Udp, gifindex, "lo"),
%% {ok, "lo"} = esock:ioctl(Udp, gifname, Index),
%% {ok, Flags} = esock:ioctl(Udp, gifflags, "lo"),
%% true = lists:member(up, Flags).
%% '''
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

%% @doc Changes an interface, by its name, netdevice(7). It needs CAP_NET_ADMIN, else it returns `{error, eperm}'. Requests
%% and their values:
%% <ul>
%% <li>`sifflags': `#{Flag => boolean()}', the flags to set and to clear. An unknown flag is
%% `{error, {invalid, {ioctl_flag, Map}}}';</li>
%% <li>`sifaddr', `sifdstaddr', `sifbrdaddr', `sifnetmask': a {@link sockaddr_in()};</li>
%% <li>`sifhwaddr': `#{family, addr}', as `gifhwaddr' returns it;</li>
%% <li>`sifmtu' (bytes), `siftxqlen': a number.</li>
%% </ul>
%% Returns `ok', `{error, einval}' for a wrong value, or a {@link posix()}.
%% ```
%% %% Needs CAP_NET_ADMIN.
%% ok = esock:ioctl(Udp, sifflags, "eth0", #{promisc => true}),
%% ok = esock:ioctl(Udp, sifmtu, "eth0", 1400).
%% '''
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

%% @doc Returns the number of registered sockets.
%% ```
%% true = esock:number_of() >= 1.
%% '''
-spec number_of() -> non_neg_integer().
number_of() -> esock_nif:number_of().

%% @doc Returns the registered sockets. A socket that is opened or closed during the call may be missing or there.
%% ```
%% true = lists:member(Socket, esock:which_sockets()).
%% '''
-spec which_sockets() -> [socket()].
which_sockets() -> esock_info:pages(fun esock_nif:which_sockets/1).

%% @doc Returns the registered sockets that a filter selects: a domain, a type, a protocol, the pid of an owner, or a function
%% that returns `true' for the {@link info/1} of a socket. Another filter raises `badarg' if there are registered sockets.
%% ```
%% true = lists:member(Socket, esock:which_sockets(self())),
%% true = lists:member(Socket, esock:which_sockets(fun(#{type := Type}) -> Type =:= stream end)).
%% '''
-spec which_sockets(inet | inet6 | local | stream | dgram | seqpacket | sctp | tcp | udp | pid() |
                    fun((socket_info()) -> boolean())) -> [socket()].
which_sockets(Filter) ->
    [Socket || Socket <- which_sockets(), esock_info:matches(Filter, info(Socket))].

%% @doc Sets whether new sockets are registered; the option `use_registry' of {@link open/4} goes before it. The initial value
%% is the application environment `use_registry', or the environment variable `ESOCK_USE_SOCKET_REGISTRY', or `true'. Returns
%% `ok'.
%% ```
%% ok = esock:use_registry(true).
%% '''
-spec use_registry(boolean()) -> ok.
use_registry(On) when is_boolean(On) -> esock_nif:use_registry(On).

%% @doc Monitors a socket: when it is closed, the calling process is sent ``{'DOWN', MRef, socket, Socket, closed}'', at once
%% if it is closed already. Returns `MRef'. The socket is registered from then on.
%% ```
%% MRef = esock:monitor(Socket),
%% ok = esock:close(Socket),
%% receive {'DOWN', MRef, socket, Socket, closed} -> ok end.
%% '''
-spec monitor(socket()) -> reference().
monitor(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> signalled(esock_nif:monitor(Ref));
monitor(Socket) -> erlang:error(badarg, [Socket]).

%% @doc As {@link monitor/1}. With `msocket => Term' the message is ``{'DOWN', MRef, socket, Term, closed}'': a library that wraps
%% sockets names its own term to its users. In OTP this is the monitor that `inet:monitor/1' makes of a `gen_tcp' socket on
%% `socket'. Another key raises `badarg'.
%% ```
%% MRef = esock:monitor(Socket, #{msocket => {my_socket, 1}}),
%% ok = esock:close(Socket),
%% receive {'DOWN', MRef, socket, {my_socket, 1}, closed} -> ok end.
%% '''
-spec monitor(socket(), #{msocket => term()}) -> reference().
monitor(?SOCKET(Ref), #{msocket := Named} = Opts) when ?IS_SOCKET(Ref), map_size(Opts) =:= 1 ->
    signalled(esock_nif:monitor(Ref, Named));
monitor(Socket, Opts) when Opts =:= #{} ->
    monitor(Socket);
monitor(Socket, Opts) ->
    erlang:error(badarg, [Socket, Opts]).

%% @doc Ends a monitor of the calling process. Returns `true', or `false' if there is no such monitor any more; then its
%% message may be in the message queue. If another process started the monitor, it raises `badarg'.
%% ```
%% MRef = esock:monitor(Socket),
%% true = esock:cancel_monitor(MRef),
%% false = esock:cancel_monitor(MRef).
%% '''
-spec cancel_monitor(MRef :: reference()) -> boolean().
cancel_monitor(MRef) when is_reference(MRef) -> signalled(esock_nif:cancel_monitor(MRef));
cancel_monitor(MRef) -> erlang:error(badarg, [MRef]).

%% The VM monitors the calling process. The start and the end of that are signals to the process.
signalled(Result) ->
    {ok, Result} = esock_wait:with_signals({signals, Result}),
    Result.

%% @doc Returns the number of monitors, of all processes and sockets.
%% ```
%% true = esock:number_of_monitors() >= 0.
%% '''
-spec number_of_monitors() -> non_neg_integer().
number_of_monitors() -> esock_nif:number_of_monitors().

%% @doc Returns the number of monitors of a process, or of a socket.
%% ```
%% 0 = esock:number_of_monitors(Socket),
%% _ = esock:monitor(Socket),
%% 1 = esock:number_of_monitors(self()).
%% '''
-spec number_of_monitors(pid() | socket()) -> non_neg_integer().
number_of_monitors(PidOrSocket) -> length(which_monitors(PidOrSocket)).

%% @doc Returns the monitors that a process has started, or those on a socket, as references.
%% ```
%% MRef = esock:monitor(Socket),
%% [MRef] = esock:which_monitors(Socket).
%% '''
-spec which_monitors(pid() | socket()) -> [reference()].
which_monitors(Pid) when is_pid(Pid) -> [MRef || ?SOCKET(Ref) <- which_sockets(), {MRef, P} <- monitors(Ref), P =:= Pid];
which_monitors(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> [MRef || {MRef, _} <- monitors(Ref)];
which_monitors(Other) -> erlang:error(badarg, [Other]).

monitors(Ref) -> esock_info:pages(fun(Cursor) -> esock_nif:monitors(Ref, Cursor) end).

%% @doc Returns the processes that monitor a socket, each once.
%% ```
%% _ = esock:monitor(Socket),
%% true = esock:monitored_by(Socket) =:= [self()].
%% '''
-spec monitored_by(socket()) -> [pid()].
monitored_by(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> lists:usort([Pid || {_, Pid} <- monitors(Ref)]);
monitored_by(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Sets the key `debug' of {@link info/0}, for programs that call this function of `socket'. Nothing is printed. Returns
%% `ok'.
%% ```
%% ok = esock:debug(false).
%% '''
-spec debug(boolean()) -> ok.
debug(On) when is_boolean(On) -> esock_nif:debug(On);
debug(On) -> erlang:error(badarg, [On]).

%% @doc Sets whether new sockets have the option `{otp, debug}' set, for programs that call this function of `socket'. Nothing
%% is printed. Returns `ok'.
%% ```
%% ok = esock:socket_debug(false).
%% '''
-spec socket_debug(boolean()) -> ok.
socket_debug(On) when is_boolean(On) -> esock_nif:socket_debug(On);
socket_debug(On) -> erlang:error(badarg, [On]).

%%% ---- Information --------------------------------------------------------------------------------------------------

%% @doc Returns information about the library, see {@link info()}. OTP's `socket' does not have the key `io_backend':
%% <ul>
%% <li>`name': the back end of sockets that name none;</li>
%% <li>`pollers': the number of poller threads, and `busy': how many of them the process `esock_busy_poll' stands in for at
%% this moment;</li>
%% <li>`rings', `memory': the number of rings, and their memory in bytes;</li>
%% <li>`refused': if the system refused rings, its reason: a {@link posix()} or `{memlock, Bytes}'.</li>
%% </ul>
%% ```
%% #{io_backend := #{name := _, pollers := _, rings := _}} = esock:info().
%% '''
-spec info() -> info().
info() -> esock_nif:info().

%% @doc Returns information about a socket, open or closed, see {@link socket_info()}: its kind, its owner, its counters, its
%% waiters.
%% ```
%% ok = esock:send(Socket, "hello"),
%% #{type := stream, protocol := tcp, counters := #{write_byte := 5}} = esock:info(Socket).
%% '''
-spec info(socket()) -> socket_info().
info(?SOCKET(Ref)) when ?IS_SOCKET(Ref) -> esock_nif:info(Ref);
info(Socket) -> erlang:error(badarg, [Socket]).

%% @doc Prints a table of the registered sockets. Returns `ok'.
-spec i() -> ok.
i() -> esock_info:print(which_sockets(), default).

%% @doc Prints a table of the registered sockets with the given columns, or of those of a domain, protocol or type with the
%% default columns. Returns `ok'.
%% ```
%% ok = esock:i([fd, owner, local_address, state]),
%% ok = esock:i(tcp).
%% '''
-spec i(info_keys() | inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream) -> ok.
i(Keys) when is_list(Keys) -> esock_info:print(which_sockets(), Keys);
i(Filter) when is_atom(Filter) -> esock_info:print(which_sockets(Filter), default).

%% @doc Prints a table of the registered sockets of a domain, protocol or type with the given columns. Returns `ok'.
%% ```
%% ok = esock:i(tcp, [fd, recv, sent]).
%% '''
-spec i(inet | inet6 | local | sctp | tcp | udp | dgram | seqpacket | stream, info_keys()) -> ok.
i(Filter, Keys) when is_atom(Filter), is_list(Keys) -> esock_info:print(which_sockets(Filter), Keys).

%% @doc Returns what this system and library support: the lists of {@link supports/1} by their keys, and the features `sctp',
%% `ipv6', `local', `netns' and `sendfile', each with a boolean.
%% ```
%% true = proplists:get_value(ipv6, esock:supports()).
%% '''
-spec supports() -> [{Key1 :: term(), boolean() | [{Key2 :: term(), boolean()}]}].
supports() -> esock_info:supports().

%% @doc Returns one list of {@link supports/0}: `options' (of `{{Level, Opt}, boolean()}'), `protocols', `msg_flags',
%% `ioctl_requests' or `ioctl_flags' (of `{Name, boolean()}'). Any other key is the empty list.
%% ```
%% true = lists:member({peek, true}, esock:supports(msg_flags)).
%% '''
-spec supports(Key1 :: term()) -> [{Key2 :: term(), boolean()}].
supports(Key) -> esock_info:supports(Key).

%% @doc Returns the options of a level, each with whether it is supported: `supports(options, Level)'. Other arguments are the
%% empty list.
%% ```
%% true = lists:member({nodelay, true}, esock:supports(options, tcp)).
%% '''
-spec supports(Key1 :: term(), Key2 :: term()) -> [{Key3 :: term(), boolean()}].
supports(options, Level) when is_atom(Level) -> [{Opt, On} || {{L, Opt}, On} <- supports(options), L =:= Level];
supports(_Key1, _Key2) -> [].

%% @doc Returns whether a feature of {@link supports/0} is supported: `sctp', `ipv6', `local', `netns' or `sendfile'. Any
%% other term is `false'.
%% ```
%% true = esock:is_supported(ipv6).
%% '''
-spec is_supported(Key1 :: term()) -> boolean().
is_supported(Key) -> esock_info:is_supported(Key).

%% @doc Returns whether an option, a protocol, a message flag, an ioctl request or a flag of an interface is supported. The
%% first argument is a key of {@link supports/1}.
%% ```
%% true = esock:is_supported(protocols, tcp),
%% true = esock:is_supported(options, {tcp, nodelay}).
%% '''
-spec is_supported(Key1 :: term(), Key2 :: term()) -> boolean().
is_supported(Key1, Key2) -> lists:member({Key2, true}, supports(Key1)).

%% @doc Returns whether an option is supported.
%% ```
%% true = esock:is_supported(options, tcp, nodelay).
%% '''
-spec is_supported(options, Level :: atom(), Opt :: atom()) -> boolean().
is_supported(options, Level, Opt) when is_atom(Level), is_atom(Opt) -> is_supported(options, {Level, Opt}).

%% @doc Asks the running kernel whether it has an option, a domain or a protocol, while {@link is_supported/2} tells what this
%% build knows. Opens sockets of the right kinds, tries, and closes them.
%%
%% `What' is an option `{Level, Opt}', `{domain, Domain}', `{protocol, Protocol}', or the name of a domain or a protocol.
%% Returns `true', `false', or `{error, Reason}' if the answer cannot be found: a {@link posix()} such as `eperm' (a raw socket
%% without the capability), or {@link invalid()} for a name that nothing has.
%% ```
%% true = esock:probe({tcp, info}),
%% true = esock:probe({domain, inet}),
%% false = esock:probe({socket, setfib}).
%% '''
-spec probe({level(), atom()} | {domain, domain() | integer()} | {protocol, protocol()} | atom()) ->
          boolean() | {error, posix() | invalid()}.
probe(What) -> esock_option:probe(What).

%% @doc Returns the number of a constant: of C by its name (an atom or a string, in any case), or of a class as
%% {@link constants/1} names them, or of an option.
%%
%% Returns `{ok, Number}', or `{error, {invalid, {constant, Name}}}' for an unknown name. PF_* and AF_* are the same.
%% ```
%% {ok, 2} = esock:const('SO_REUSEADDR'),
%% {ok, 2} = esock:const("PF_INET"),
%% {ok, 1} = esock:const({tcp, nodelay}),
%% {ok, 16} = esock:const({domain, 16}),
%% {ok, 2} = esock:const({msg_flag, peek}).
%% '''
-spec const(atom() | string() | {Class :: term(), atom() | integer()}) -> {ok, integer()} | {error, invalid()}.
const(Name) -> esock_constant:number(Name).

%% @doc Returns the name of a number in a class of {@link constants/1}: `{ok, Name}', or `error' if there is none.
%% ```
%% {ok, inet} = esock:const_name(domain, 2),
%% {ok, nodelay} = esock:const_name({option, tcp}, 1),
%% error = esock:const_name(type, 77).
%% '''
-spec const_name(Class :: term(), integer()) -> {ok, atom()} | error.
const_name(Class, Number) -> esock_constant:name(Class, Number).

%% @doc Returns the names of a class with their numbers.
%%
%% Classes are `domain' (AF_*), `type' (SOCK_*), `protocol' (IPPROTO_*), `level' (SOL_*), `msg_flag' (MSG_*), `shutdown'
%% (SHUT_*), `errno', `interface_flag' (IFF_*), `hatype' (ARPHRD_*), `{option, Level}' (SO_*, TCP_* and others),
%% `{cmsg, Level}' (SCM_* and others), `value' (single constants of C, such as `somaxconn'), and those of the values of
%% options, such as `timestamping' (SOF_TIMESTAMPING_*). `constants(class)' has the names of those that are atoms. Any other
%% term is the empty map.
%% ```
%% #{stream := 1, dgram := 2} = esock:constants(type),
%% #{nodelay := 1} = esock:constants({option, tcp}).
%% '''
-spec constants(Class :: term()) -> #{atom() => integer()}.
constants(Class) -> esock_constant:class(Class).

%% @doc Returns all options in order, each with whether it is supported.
%% ```
%% true = lists:member({{tcp, nodelay}, true}, esock:options()).
%% '''
-spec options() -> [{{level(), atom()}, boolean()}].
options() -> lists:sort(supports(options)).

%% @doc Returns the options of a level in order, each with whether it is supported.
%% ```
%% true = lists:member({nodelay, true}, esock:options(tcp)).
%% '''
-spec options(level()) -> [{atom(), boolean()}].
options(Level) -> [{Opt, On} || {{L, Opt}, On} <- options(), L =:= Level].

%% @doc Returns the names of the options of a level that are supported (`true'), or those that are not (`false').
%% ```
%% true = lists:member(nodelay, esock:options(tcp, true)).
%% '''
-spec options(level(), boolean()) -> [atom()].
options(Level, Supported) -> [Opt || {Opt, On} <- options(Level), On =:= Supported].

%% @doc Returns whether an option is supported.
%% ```
%% true = esock:option({tcp, nodelay}).
%% '''
-spec option({level(), atom()}) -> boolean().
option({Level, Opt}) -> lists:member(Opt, options(Level, true)).

%% @equiv option({Level, Opt})
-spec option(level(), atom()) -> boolean().
option(Level, Opt) -> option({Level, Opt}).

%% @doc Returns the names of the protocols, each with `true'. They are built in: /etc/protocols is not read.
%% ```
%% true = lists:member({tcp, true}, esock:protocols()).
%% '''
-spec protocols() -> [{protocol(), boolean()}].
protocols() -> lists:sort(supports(protocols)).

%% @doc Returns whether a protocol is known by this name.
%% ```
%% true = esock:protocol(tcp),
%% false = esock:protocol(carrier_pigeon).
%% '''
-spec protocol(protocol()) -> boolean().
protocol(Name) -> lists:member({Name, true}, protocols()).

%% @doc Returns all tables of {@link table/1} by their names.
%% ```
%% #{options := #{{tcp, nodelay} := true}} = esock:tables().
%% '''
-spec tables() -> #{atom() => map()}.
tables() -> maps:from_list([{Name, table(Name)} || Name <- [ioctl_flags, ioctl_requests, msg_flags, options, protocols]]).

%% @doc Returns a table as a map: `protocols' (names to numbers, numbers to lists of names), `msg_flags' (names to bits),
%% `options', `ioctl_requests' or `ioctl_flags' (names to whether they are supported). Any other name raises `badarg'.
%% ```
%% #{tcp := 6, 6 := [tcp]} = esock:table(protocols).
%% '''
-spec table(protocols | options | msg_flags | ioctl_requests | ioctl_flags) -> map().
table(Name) -> esock_info:table(Name).

%% @doc Makes an address: `mk_sockaddr(local, Path)' of a Unix socket, or `mk_sockaddr(Family, Addr)' with port 0. The
%% arguments are not checked.
%% ```
%% #{family := local, path := "/tmp/echo"} = esock:mk_sockaddr(local, "/tmp/echo").
%% '''
-spec mk_sockaddr(inet | inet6 | local, term()) -> sockaddr().
mk_sockaddr(local, Path) -> #{family => local, path => Path};
mk_sockaddr(Family, Addr) -> mk_sockaddr(Family, Addr, 0).

%% @doc Makes an address of IPv4 or IPv6 of a host address and a port. `flowinfo' and `scope_id' of an IPv6 address are 0. The
%% arguments are not checked.
%% ```
%% #{family := inet, addr := loopback, port := 8080} = esock:mk_sockaddr(inet, loopback, 8080).
%% '''
-spec mk_sockaddr(inet | inet6, any | broadcast | loopback | in_addr() | in6_addr(), port_number()) -> sockaddr().
mk_sockaddr(inet, Addr, Port) -> #{family => inet, addr => Addr, port => Port};
mk_sockaddr(inet6, Addr, Port) -> #{family => inet6, addr => Addr, port => Port, flowinfo => 0, scope_id => 0}.

%% @doc Returns an error reason as text, or that of `{error, Reason}'. It knows those of the system, and `closed', `timeout',
%% `already' and `{invalid, What}', which `inet:format_error/1' does not know. Of `{Reason, Part}' it is the text of `Reason'.
%% OTP's `socket' has no such function.
%% ```
%% "connection refused" = esock:format_error({error, econnrefused}),
%% "the socket is closed" = esock:format_error(closed).
%% '''
-spec format_error(term()) -> string().
format_error({error, Reason}) -> format_error(Reason);
format_error(closed) -> "the socket is closed";
format_error(timeout) -> "the time is over";
format_error(already) -> "a connect is under way";
format_error({invalid, What}) -> lists:flatten(io_lib:format("invalid: ~tp", [What]));
format_error({Reason, _Data}) -> format_error(Reason);
format_error(Reason) when is_atom(Reason) -> inet:format_error(Reason);
format_error(Reason) -> lists:flatten(io_lib:format("~tp", [Reason])).

%% @doc Returns a socket or an address as text, for logs. No name is resolved.
%%
%% Of a socket: its reference, the number of its descriptor, domain, type and protocol, its addresses and its states, or `closed'.
%% Of a {@link sockaddr()}: `127.0.0.1:80', `[::1]:80', `[fe80::1%2]:80' (with the index of the interface), a path, `@name' for
%% an abstract name, `unnamed' for an empty path. A map of another form is shown as a term. OTP's `socket' has no such function.
%% ```
%% "[::1]:80" = esock:format(#{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 80}),
%% "#Socket<" ++ _ = esock:format(Socket).
%% '''
-spec format(socket() | sockaddr_recv()) -> string().
format(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) -> esock_format:socket(Socket);
format(Addr) when is_map(Addr); is_binary(Addr) -> esock_format:address(Addr);
format(Other) -> erlang:error(badarg, [Other]).

%% @doc Returns the socket as text, for logs.
%% ```
%% "#Socket<" ++ _ = esock:to_list(Socket).
%% '''
-spec to_list(socket()) -> string().
to_list(?SOCKET(Ref)) when ?IS_SOCKET(Ref) ->
    "#Ref" ++ Id = ref_to_list(Ref),
    "#Socket" ++ Id;
to_list(Socket) ->
    erlang:error(badarg, [Socket]).

%% @doc Returns `compat' if the option `{otp, meta}' of the socket is set, as `gen_tcp' and `gen_udp' on `socket' do, else
%% `plain'. A closed socket raises `badarg'.
%% ```
%% plain = esock:which_socket_kind(Socket).
%% '''
-spec which_socket_kind(socket()) -> plain | compat.
which_socket_kind(?SOCKET(Ref) = Socket) when ?IS_SOCKET(Ref) ->
    case esock_nif:getopt(Ref, {otp, meta}) of
        {ok, undefined} -> plain;
        {ok, _} -> compat;
        {error, _} -> erlang:error(badarg, [Socket])
    end;
which_socket_kind(Socket) ->
    erlang:error(badarg, [Socket]).

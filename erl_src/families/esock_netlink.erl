%% @doc Netlink: messages with the kernel about links, addresses, routes, neighbours and sockets. See netlink(7), rtnetlink(7) and
%% sock_diag(7).
%%
%% {@link encode/2} and {@link decode/2} are the codec: messages as maps, bytes as the kernel has them. The other functions open a
%% socket, or use the one of the option `socket', and work on the network namespace of the option `netns':
%% ```
%% {ok, Links} = esock_netlink:links(),
%% {ok, Sockets} = esock_netlink:sock_diag(#{states => [established]}),
%% Opts = #{netns => "/run/netns/lab"},
%% ok = esock_netlink:new_veth("a", "b", Opts),
%% ok = esock_netlink:set_link("a", #{up => true}, Opts),
%% ok = esock_netlink:add_address("a", {{10, 0, 0, 1}, 24}, Opts).
%% '''
%% A path in `{error, {invalid, Path}}' leads to the wrong part from the outside in: keys of maps, and positions in lists from 1.
%% `[2, body, mtu]' is the value of `mtu' in the body of the second message; `{attribute, 3}' is the third attribute, which has a
%% wrong length.
-module(esock_netlink).

%% link/2 is a BIF of newer releases.
-compile({no_auto_import, [link/1, link/2]}).

-export([encode/1, encode/2, decode/1, decode/2]).
-export([address/2, pid/1, open/1, open/2]).
-export([request/2, request/3, change/3]).
-export([links/0, links/1, link/1, link/2]).
-export([addresses/0, addresses/1]).
-export([routes/0, routes/1, route/1, route/2]).
-export([neighbours/0, neighbours/1, neighbour/3]).
-export([new_veth/3, new_link/2, set_link/3, delete_link/2]).
-export([add_address/3, delete_address/3]).
-export([subscribe/1, subscribe/2, unsubscribe/1]).
-export([sock_diag/0, sock_diag/1]).

-export_type([link/0, addr/0, route/0, neigh/0, diag/0]).
-export_type([family/0, message/0, body/0, flag/0, path/0, options/0, reason/0, link_id/0, event/0, group/0, diag_filter/0]).

-type family() :: route | sock_diag | raw.
%% The protocol of messages, netlink(7): rtnetlink, sock_diag, or another, whose bodies are bytes.

-type message() ::
        #{type := atom() | esock:uint16(), flags => [flag() | integer()], seq => esock:uint32(), pid => esock:uint32(),
          body => body()}.
%% A message, `struct nlmsghdr' of linux/netlink.h. `type': `noop', `error', `done', `overrun', those of `route' (`newlink',
%% `dellink', `getlink', `setlink', and the first three of `addr', `route' and `neigh'), those of `sock_diag' (`sock_diag_by_family',
%% `sock_destroy'), or a number. Without flags it has none, without `seq' or `pid' these are 0.

-type body() :: binary() | map().
%% The body behind the header. A type with a name has a map: the fields of the struct and the attributes by their names, other attributes
%% as `Number => Bytes'. A type without a name has bytes. An `error' has `error' (`ok', or the name of the error), `request' (the header
%% of the request, with its length and, unless the flag `capped' is set, its `payload') and, with the flag `ack_tlvs', `ack'
%% (`message', `offset', `cookie', `policy', `missing_type', `missing_nest').

-type flag() ::
        request | multi | ack | echo | dump_intr | dump_filtered | dump | root | match | atomic | replace | excl | create | append |
        nonrec | bulk | capped | ack_tlvs.
%% NLM_F_* of linux/netlink.h. From `dump' on they share bits, and the type of the message says which it has.

-type path() :: esock_layout:path().
%% The place of the wrong part: keys and positions, from the outside in.

-type link() ::
        #{index := integer(), name => binary(), type := atom() | esock:uint16(), flags := [atom() | integer()], mtu => esock:uint32(),
          operstate => atom(), address => binary(), broadcast => binary(), qdisc => binary(), link => esock:uint32(),
          master => esock:uint32(), linkinfo => #{kind => binary(), atom() | integer() => term()}, stats => #{atom() => esock:uint64()},
          atom() | integer() => term()}.
%% An interface: `struct ifinfomsg' and the attributes of linux/if_link.h. `mtu' is in bytes, `stats' in packets and bytes; `link' is the
%% index of the other end of a veth pair.

-type addr() ::
        #{family := atom() | byte(), index := esock:uint32(), prefixlen := byte(), scope := atom() | byte(), address => inet:ip_address(),
          local => inet:ip_address(), broadcast => inet:ip_address(), label => binary(), flags => [atom() | integer()],
          cacheinfo => #{valid | preferred | created | updated => esock:uint32()}, atom() | integer() => term()}.
%% An address: `struct ifaddrmsg' and the attributes of linux/if_addr.h. `index' is the interface, `prefixlen' in bits. Lifetimes are in
%% seconds (16#FFFFFFFF: for ever), `created' and `updated' in hundredths of seconds since the boot.

-type route() ::
        #{family := atom() | byte(), dst_len := byte(), src_len := byte(), table := atom() | byte(), protocol := atom() | byte(),
          scope := atom() | byte(), type := atom() | byte(), flags := [atom() | integer()], dst => inet:ip_address(),
          gateway => inet:ip_address(), oif => esock:uint32(), prefsrc => inet:ip_address(), priority => esock:uint32(),
          table_id => atom() | esock:uint32(), multipath => [map()], atom() | integer() => term()}.
%% A route: `struct rtmsg' and the attributes of linux/rtnetlink.h. `dst_len' is in bits; without `dst' it is the default route. `oif' is
%% the index of the interface.

-type neigh() ::
        #{family := atom() | byte(), index := integer(), state := [atom() | integer()], flags := [atom() | integer()],
          type := atom() | byte(), dst => inet:ip_address(), lladdr => binary(), atom() | integer() => term()}.
%% An entry of a neighbour table: `struct ndmsg' and the attributes of linux/neighbour.h.

-type diag() ::
        #{family := inet | inet6, state := atom() | byte(), local := esock:sockaddr(), peer := esock:sockaddr(),
          interface := esock:uint32(), cookie := esock:uint64(), timer := atom() | byte(), retransmits := byte(),
          expires := esock:uint32(), rqueue := esock:uint32(), wqueue := esock:uint32(), uid := esock:uint32(), inode := esock:uint32(),
          tcp_info => #{atom() => term()}, skmeminfo => #{atom() => esock:uint32()}, meminfo => #{atom() => esock:uint32()},
          congestion => binary(), atom() | integer() => term()}.
%% A socket: `struct inet_diag_msg' and the attributes of linux/inet_diag.h. `expires' is in milliseconds, the queues and the memory in
%% bytes; `tcp_info' has the keys and units of the option `{tcp, info}'.

-type options() ::
        #{netns => file:name_all(), socket => esock:socket(), timeout => timeout(), family => inet | inet6 | atom(),
          groups => [group()]}.
%% `netns': the path of a network namespace, setns(2); without it the one of the node. `socket': one of {@link open/2}, used by no
%% other process at the same time; without it the function opens one and closes it. `timeout', in milliseconds: for the answer to a
%% request; 5000 by default. `family': of the addresses that a list has; without it all. `groups': for {@link open/2}.

-type reason() ::
        esock:posix() | closed | timeout | {invalid, term()} | {esock:posix() | integer(), Ack :: map()}.
%% Why a function fails. `{Error, Ack}': the kernel refuses the request; `Ack' is the extended acknowledgement: `message' (a text),
%% `offset' (of the attribute that is wrong, in bytes), or nothing.

-type link_id() :: pos_integer() | string() | binary().
%% An interface: its index or its name.

-type group() :: atom() | pos_integer().
%% A group of rtnetlink: RTNLGRP_* of linux/rtnetlink.h in small letters without the prefix (`link', `ipv4_ifaddr'), or its number.

-type event() ::
        {link, added | deleted | up | down | changed, link()} | {address, added | deleted, addr()} |
        {route, added | deleted, route()} | {neighbour, added | deleted, neigh()} | {other, message()} | overrun | {error, reason()}.
%% A change. A link is up while it has the flags `up' and `running': it is switched on and has a carrier. A new link in that state is
%% `added' and then `up'. `overrun': the receive buffer was full, and the kernel dropped events. `{error, _}' is the last event.

-type diag_filter() ::
        #{family => inet | inet6, protocol => tcp | udp | udplite | raw | 0..255, states => [atom()], local_port => 0..65535,
          peer_port => 0..65535, extensions => [atom()], netns => file:name_all(), socket => esock:socket(), timeout => timeout()}.
%% The sockets that {@link sock_diag/1} lists. The default of `protocol' is TCP; without another key the list is not limited by it.


%% @equiv encode(Messages, route)
-spec encode(message() | [message()]) -> {ok, binary()} | {error, {invalid, path()}}.
encode(Messages) -> encode(Messages, route).

%% @doc The bytes of one message or of several. Each message begins at a multiple of 4 bytes, netlink(3). A key that the message does
%% not have, a wrong type and a value out of its range give `{error, {invalid, Path}}'.
%% ```
%% {ok, Bytes} = esock_netlink:encode(#{type => getlink, flags => [request, dump], seq => 1}, route).
%% '''
-spec encode(message() | [message()], family()) -> {ok, binary()} | {error, {invalid, path()}}.
encode(Messages, Family) -> esock_layout:result(fun() -> esock_netlink_msg:encode(Family, Messages) end).

%% @equiv decode(Bytes, route)
-spec decode(binary()) -> {ok, [message()]} | {error, {invalid, path()}}.
decode(Bytes) -> decode(Bytes, route).

%% @doc The messages in the bytes of one receive. It raises for no bytes: wrong ones give `{error, {invalid, Path}}'. If a struct inside
%% an attribute is longer or shorter than this version's, the map has the fields that are in both.
%% ```
%% {ok, [#{type := newlink, body := #{name := <<"lo">>}} | _]} = esock_netlink:decode(Bytes, route).
%% '''
-spec decode(binary(), family()) -> {ok, [message()]} | {error, {invalid, path()}}.
decode(Bytes, Family) -> esock_layout:result(fun() -> esock_netlink_msg:decode(Family, Bytes) end).

%% @doc The address of a netlink socket, `struct sockaddr_nl' of netlink(7): the port number (0: of the kernel's choice, or the kernel)
%% and the bits of the groups 1 to 32.
%% ```
%% ok = esock:sendto(Socket, Bytes, esock_netlink:address(0, 0)).
%% '''
-spec address(esock:uint32(), esock:uint32()) -> esock:sockaddr_nl().
address(Pid, Groups) -> #{family => netlink, pid => Pid, groups => Groups}.

%% @doc The port number in an address of a netlink socket: 0 is the kernel. `{error, {invalid, [address]}}': it is another family's.
%% ```
%% {ok, {From, Bytes}} = esock:recvfrom(Socket),
%% {ok, 0} = esock_netlink:pid(From).
%% '''
-spec pid(map()) -> {ok, esock:uint32()} | {error, {invalid, path()}}.
pid(#{family := netlink, pid := Pid}) -> {ok, Pid};
pid(_) -> {error, {invalid, [address]}}.

%% @equiv open(Protocol, #{})
-spec open(route | sock_diag | non_neg_integer()) -> {ok, esock:socket()} | {error, reason()}.
open(Protocol) -> open(Protocol, #{}).

%% @doc A netlink socket of a protocol, by its name or NETLINK_* number, with extended acknowledgements (NETLINK_EXT_ACK) and strict
%% checks of requests (NETLINK_GET_STRICT_CHK, Linux 4.20), bound to a port of the kernel's choice, and in the groups of the option
%% `groups' (NETLINK_ADD_MEMBERSHIP). The caller owns it; {@link esock:close/1} closes it.
%% ```
%% {ok, Socket} = esock_netlink:open(route, #{groups => [link]}).
%% '''
-spec open(route | sock_diag | non_neg_integer(), options()) -> {ok, esock:socket()} | {error, reason()}.
open(Protocol, Opts) -> esock_netlink_request:open(Protocol, Opts).

%% @equiv request(Socket, Message, 5000)
-spec request(esock:socket(), message()) -> {ok, [message()]} | {error, reason()}.
request(Socket, Message) -> request(Socket, Message, 5000).

%% @doc Sends a request and collects the answers up to the acknowledgement, or with the flag `dump' up to `done', within `Timeout'
%% milliseconds. It sets `seq' and the flag `request', and without `dump' the flag `ack'. One process at a time uses a socket for
%% requests. `{error, eintr}': the list has changed while the kernel sent it, so that it may have gaps.
%% ```
%% {ok, S} = esock_netlink:open(route),
%% {ok, [#{body := #{mtu := 65536}}]} = esock_netlink:request(S, #{type => getlink, body => #{name => "lo"}}, 1000).
%% '''
-spec request(esock:socket(), message(), timeout()) -> {ok, [message()]} | {error, reason()}.
request(Socket, Message, Timeout) -> esock_netlink_request:run(Socket, Message, Timeout).

%% @doc Sends a request of rtnetlink(7) that changes something, and waits for its acknowledgement. `{Type, Flags}' has the flags of the
%% message. Without them `newlink', `newaddr', `newroute' and `newneigh' have `create' and `excl', others none. It needs CAP_NET_ADMIN.
%% ```
%% ok = esock_netlink:change(newroute, #{family => inet, dst_len => 24, dst => {10, 1, 0, 0}, oif => 3, table => main, scope => link,
%%                                       protocol => static, type => unicast}, #{}).
%% '''
-spec change(atom() | {atom(), [flag()]}, map(), options()) -> ok | {error, reason()}.
change(Type, Body, Opts) -> esock_netlink_request:change(Type, Body, Opts).

list(Type, Body, Opts) -> esock_netlink_request:list_bodies(Type, Body, Opts).

one(Type, Body, Opts) -> esock_netlink_request:one(Type, Body, Opts).

of_family(Opts) when is_map(Opts) -> maps:with([family], Opts);
of_family(_) -> #{}.

%% @equiv links(#{})
-spec links() -> {ok, [link()]} | {error, reason()}.
links() -> links(#{}).

%% @doc The interfaces, RTM_GETLINK of rtnetlink(7): each a {@link link()} with the attributes that the kernel sends.
%% ```
%% {ok, [#{index := 1, name := <<"lo">>, type := loopback} | _]} = esock_netlink:links().
%% '''
-spec links(options()) -> {ok, [link()]} | {error, reason()}.
links(Opts) -> list(getlink, #{}, Opts).

%% @equiv link(Link, #{})
-spec link(link_id()) -> {ok, link()} | {error, reason()}.
link(Link) -> link(Link, #{}).

%% @doc One interface, as {@link links/1} has it. `{error, {enodev, _}}': there is none.
%% ```
%% {ok, #{mtu := Mtu}} = esock_netlink:link("eth0", #{}).
%% '''
-spec link(link_id(), options()) -> {ok, link()} | {error, reason()}.
link(Link, Opts) -> one(getlink, link_key(Link), Opts).

link_key(Index) when is_integer(Index) -> #{index => Index};
link_key(Name) -> #{name => Name}.

%% @equiv addresses(#{})
-spec addresses() -> {ok, [addr()]} | {error, reason()}.
addresses() -> addresses(#{}).

%% @doc The addresses of the interfaces, RTM_GETADDR of rtnetlink(7).
%% ```
%% {ok, [#{index := 1, local := {127, 0, 0, 1}, prefixlen := 8} | _]} = esock_netlink:addresses(#{family => inet}).
%% '''
-spec addresses(options()) -> {ok, [addr()]} | {error, reason()}.
addresses(Opts) -> list(getaddr, of_family(Opts), Opts).

%% @equiv routes(#{})
-spec routes() -> {ok, [route()]} | {error, reason()}.
routes() -> routes(#{}).

%% @doc The routes of all tables, RTM_GETROUTE of rtnetlink(7).
%% ```
%% {ok, Routes} = esock_netlink:routes(#{family => inet}),
%% [Gateway || #{gateway := Gateway, dst_len := 0} <- Routes].
%% '''
-spec routes(options()) -> {ok, [route()]} | {error, reason()}.
routes(Opts) -> list(getroute, of_family(Opts), Opts).

%% @equiv route(Addr, #{})
-spec route(inet:ip_address()) -> {ok, route()} | {error, reason()}.
route(Addr) -> route(Addr, #{}).

%% @doc The route that a packet to an address takes, as `ip route get' shows it. `{error, {enetunreach, _}}': there is none.
%% ```
%% {ok, #{gateway := _, oif := _}} = esock_netlink:route({192, 0, 2, 1}, #{}).
%% '''
-spec route(inet:ip_address(), options()) -> {ok, route()} | {error, reason()}.
route(Addr, Opts) ->
    {Family, Bits} = family(Addr),
    one(getroute, #{family => Family, dst => Addr, dst_len => Bits}, Opts).

family(Addr) when is_tuple(Addr), tuple_size(Addr) =:= 4 -> {inet, 32};
family(_) -> {inet6, 128}.

%% @equiv neighbours(#{})
-spec neighbours() -> {ok, [neigh()]} | {error, reason()}.
neighbours() -> neighbours(#{}).

%% @doc The neighbour tables (ARP and neighbour discovery), RTM_GETNEIGH of rtnetlink(7).
%% ```
%% {ok, Entries} = esock_netlink:neighbours(#{family => inet}).
%% '''
-spec neighbours(options()) -> {ok, [neigh()]} | {error, reason()}.
neighbours(Opts) -> list(getneigh, of_family(Opts), Opts).

%% @doc One entry of the neighbour tables, by interface and address. `{error, {enoent, _}}': there is none.
%% ```
%% {ok, #{lladdr := <<_:6/binary>>}} = esock_netlink:neighbour("eth0", {192, 0, 2, 1}, #{}).
%% '''
-spec neighbour(link_id(), inet:ip_address(), options()) -> {ok, neigh()} | {error, reason()}.
neighbour(Link, Addr, Opts) ->
    {Family, _} = family(Addr),
    with_index(Link, Opts, fun(Index, Same) -> one(getneigh, #{family => Family, index => Index, dst => Addr}, Same) end).

with_index(Index, Opts, Fun) when is_integer(Index) -> Fun(Index, Opts);
with_index(Link, Opts, Fun) ->
    case link(Link, Opts) of
        {ok, #{index := Index}} -> Fun(Index, Opts);
        Error -> Error
    end.

%% @doc Makes a pair of virtual Ethernet interfaces, veth(4), both down and in the namespace of `Opts'. It needs CAP_NET_ADMIN.
%% `{error, {eexist, _}}': there is such a name.
%% ```
%% ok = esock_netlink:new_veth("a", "b", #{netns => "/run/netns/lab"}).
%% '''
-spec new_veth(string() | binary(), string() | binary(), options()) -> ok | {error, reason()}.
new_veth(Name, Peer, Opts) ->
    new_link(#{name => Name, linkinfo => #{kind => <<"veth">>, data => #{peer => #{name => Peer}}}}, Opts).

%% @doc Makes an interface, RTM_NEWLINK of rtnetlink(7), from the attributes that {@link links/1} shows. `linkinfo' says its kind.
%% ```
%% ok = esock_netlink:new_link(#{name => "d", mtu => 1400, linkinfo => #{kind => <<"dummy">>}}, Opts).
%% '''
-spec new_link(map(), options()) -> ok | {error, reason()}.
new_link(Link, Opts) -> change(newlink, Link, Opts).

%% @doc Changes an interface: `up => true' and `up => false' switch it on and off; other keys are attributes that
%% {@link links/1} shows, such as `mtu' (bytes), `name' (a new one), `address' or `net_ns_fd'. It needs CAP_NET_ADMIN.
%% ```
%% ok = esock_netlink:set_link("a", #{up => true, mtu => 1400}, Opts).
%% '''
-spec set_link(link_id(), map(), options()) -> ok | {error, reason()}.
set_link(Link, Changes, Opts) ->
    case esock_layout:result(fun() -> esock_netlink_request:switched(Changes) end) of
        {ok, Body} -> with_index(Link, Opts, fun(Index, Same) -> change(setlink, Body#{index => Index}, Same) end);
        Error -> Error
    end.

%% @doc Removes an interface; of a veth pair both. It needs CAP_NET_ADMIN.
%% ```
%% ok = esock_netlink:delete_link("a", Opts).
%% '''
-spec delete_link(link_id(), options()) -> ok | {error, reason()}.
delete_link(Link, Opts) -> change(dellink, link_key(Link), Opts).

%% @doc Gives an interface an address with a prefix of so many bits, RTM_NEWADDR of rtnetlink(7). It needs CAP_NET_ADMIN.
%% `{error, {eexist, _}}': it has the address.
%% ```
%% ok = esock_netlink:add_address("a", {{10, 0, 0, 1}, 24}, Opts).
%% '''
-spec add_address(link_id(), {inet:ip_address(), 0..128}, options()) -> ok | {error, reason()}.
add_address(Link, Addr, Opts) -> address(newaddr, Link, Addr, Opts).

%% @doc Takes an address from an interface. `{error, {eaddrnotavail, _}}': it has no such address.
%% ```
%% ok = esock_netlink:delete_address("a", {{10, 0, 0, 1}, 24}, Opts).
%% '''
-spec delete_address(link_id(), {inet:ip_address(), 0..128}, options()) -> ok | {error, reason()}.
delete_address(Link, Addr, Opts) -> address(deladdr, Link, Addr, Opts).

address(Type, Link, {Addr, Bits}, Opts) ->
    {Family, _} = family(Addr),
    Body = #{family => Family, prefixlen => Bits, local => Addr, address => Addr},
    with_index(Link, Opts, fun(Index, Same) -> change(Type, Body#{index => Index}, Same) end);
address(_, _, _, _) -> {error, {invalid, [address]}}.

%% @equiv subscribe(Groups, #{})
-spec subscribe([group() | address | route | neighbour]) -> {ok, esock:socket()} | {error, reason()}.
subscribe(Groups) -> subscribe(Groups, #{}).

%% @doc Subscribes the caller to changes: for each {@link event()} from now on it receives `{esock_netlink, Subscription, Event}'.
%% `address' and `route' are the groups of both IPv4 and IPv6, `neighbour' is `neigh'; other groups are those of rtnetlink(7). The
%% subscription ends with {@link unsubscribe/1} or with the caller.
%% ```
%% {ok, Subscription} = esock_netlink:subscribe([link, address]),
%% receive {esock_netlink, Subscription, {link, down, #{name := Name}}} -> Name end.
%% '''
-spec subscribe([group() | address | route | neighbour], options()) -> {ok, esock:socket()} | {error, reason()}.
subscribe(Groups, Opts) -> esock_netlink_events:start(Groups, Opts).

%% @doc Ends a subscription. Events that were sent before may still be in the mailbox.
%% ```
%% ok = esock_netlink:unsubscribe(Subscription).
%% '''
-spec unsubscribe(esock:socket()) -> ok | {error, closed | esock:posix()}.
unsubscribe(Subscription) -> esock:close(Subscription).

%% @equiv sock_diag(#{})
-spec sock_diag() -> {ok, [diag()]} | {error, reason()}.
sock_diag() -> sock_diag(#{}).

%% @doc The sockets of all programs in the namespace, sock_diag(7), as `ss -ti' shows them: each a {@link diag()}. `extensions' names the
%% attributes to ask for; without it all of them. `tcp_info' is as {@link esock:getopt/2} answers `{tcp, info}'.
%% ```
%% {ok, Sockets} = esock_netlink:sock_diag(#{protocol => tcp, states => [established]}),
%% [{Peer, Rtt} || #{peer := Peer, tcp_info := #{rtt := Rtt}} <- Sockets].
%% '''
-spec sock_diag(diag_filter()) -> {ok, [diag()]} | {error, reason()}.
sock_diag(Filter) ->
    case esock_layout:result(fun() -> esock_netlink_request:diag_bodies(Filter) end) of
        {ok, Bodies} ->
            esock_netlink_request:with_socket(sock_diag, maps:with([netns, socket, timeout], Filter),
                        fun(Socket, Timeout) -> esock_netlink_request:diag(Socket, Bodies, Timeout) end);
        Error -> Error
    end.

%% @doc Socket addresses as maps, texts and bytes: functions without a socket.
%%
%% Where a function takes an IP address it takes a tuple as {@link inet} has it; where it takes a `sockaddr' it takes a map with
%% the defaults of {@link esock:sockaddr()}. The predicates take both, and answer `false' for an address of another family. An
%% IPv4-mapped IPv6 address (`::ffff:0:0/96', RFC 4291 section 2.5.5.2) is to them the IPv4 address that it maps, since the
%% kernel connects to that. {@link is_ipv6/1}, {@link is_v4mapped/1} and {@link mc_scope/1} alone look at the IPv6 address.
%% {@link esock_cidr} has networks, {@link esock_addr_order} the order of RFC 6724.
%% ```
%% {ok, A} = esock_addr:parse("[fe80::1%eth0]:443"),
%% #{family := inet6, port := 443, scope_id := "eth0"} = A,
%% "[fe80::1%eth0]:443" = esock_addr:format(A),
%% true = esock_addr:is_link_local(A).
%% '''
-module(esock_addr).

-export([pack/1, unpack/1, unpack/2]).
-export([parse/1, format/1, parse_ip/1, format_ip/1, host/1]).
-export([tcp/2, local/1, ip_of/1, ip/1, bytes/1, equal/2, compare/2]).
-export([inet_pton/2, inet_ntop/2, inet_aton/1, inet_ntoa/1, htons/1, ntohs/1, htonl/1, ntohl/1]).
-export([is_ip/1, is_ipv4/1, is_ipv6/1, is_local/1, is_unnamed/1, is_abstract/1, pathname/1, abstract_name/1]).
-export([is_unspecified/1, is_loopback/1, is_private/1, is_multicast/1, is_broadcast/1, is_link_local/1, is_site_local/1]).
-export([is_unique_local/1, is_v4mapped/1, is_v4compat/1, mc_scope/1, to_ipv4/1, to_ipv6/1, well_known/1]).
-export([characters/1]).

-export_type([addr/0]).

-type addr() :: inet:ip_address() | esock:sockaddr().
%% What predicates take. Example: `{127, 0, 0, 1}'.

%%% ---- Bytes

%% @doc The bytes of the `struct sockaddr' of an address, as bind(2) takes them.
%%
%% An error names the key whose value is wrong, `{invalid, {sockaddr, Key, Address}}', or keys that the family does not
%% have, `{invalid, {sockaddr, {keys, Keys}, Address}}'. A term that is no map raises `{invalid, {sockaddr, Term}}'.
%% ```
%% {ok, <<2:16/native, 80:16, 127, 0, 0, 1, 0:64>>} =
%%     esock_addr:pack(#{family => inet, addr => loopback, port => 80}).
%% '''
-spec pack(esock:sockaddr()) -> {ok, binary()} | {error, {invalid, term()}}.
pack(Address) -> esock_nif:pack(Address).

%% @doc As {@link unpack/2} for a family whose addresses have one form.
-spec unpack(binary()) -> esock:sockaddr().
unpack(Bytes) -> unpack(Bytes, 0).

%% @doc The address in the bytes of a `struct sockaddr'. Addresses of `can' and `bluetooth' have a form for each protocol:
%% `Protocol' is its number, 0 for the plain one. Bytes that are no address of their family are answered as
%% `#{family => Family, addr => Bytes}'. Raises `badarg' for more than 128 bytes.
%% ```
%% #{family := vsock, cid := host, port := 1024} =
%%     esock_addr:unpack(<<40:16/native, 0:16, 1024:32/native, 2:32/native, 0:32>>).
%% '''
-spec unpack(binary(), Protocol :: integer()) -> esock:sockaddr().
unpack(Bytes, Protocol) -> esock_nif:unpack(Bytes, Protocol).

%% @doc The 4 or 16 bytes of an IP address in the network's order.
-spec bytes(inet:ip_address()) -> binary().
bytes(IP) when tuple_size(IP) =:= 4 -> << <<N>> || N <- tuple_to_list(IP) >>;
bytes(IP) when tuple_size(IP) =:= 8 -> << <<N:16>> || N <- tuple_to_list(IP) >>.

%% @doc The IP address of 4 or 16 bytes.
-spec ip(binary()) -> inet:ip_address().
ip(<<A, B, C, D>>) -> {A, B, C, D};
ip(<<Bytes:16/binary>>) -> list_to_tuple([N || <<N:16>> <= Bytes]).

%%% ---- Text

%% @doc The address of a text, the inverse of {@link format/1}: `"127.0.0.1:80"', `"127.0.0.1"', `"[::1]:80"', `"::1"',
%% `"[fe80::1%eth0]:80"', `"/tmp/socket"', `"@abstract"', `"unix:relative"', `"vsock:2:1024"', `"netlink:0000..."'. IP addresses
%% are those of inet_pton(3); names are not resolved, `esock_net:getaddrinfo/4' does that. A zone, RFC 4007 section 11, of
%% digits alone is an index; any other is a name. Without a port it is 0. Hexadecimal digits have to be a whole address of their family.
%% ```
%% {ok, #{family := inet, addr := {127, 0, 0, 1}, port := 80}} = esock_addr:parse("127.0.0.1:80").
%% '''
-spec parse(string() | binary()) -> {ok, esock:sockaddr()} | {error, {invalid, {sockaddr, term()}}}.
parse(Text) -> esock_addr_form:parse(Text).

%% @doc The text of an address. A port of 0, and a `flowinfo', are left out. A Unix path that begins with `/' and is printable
%% ASCII stands for itself; other bytes are `%XX' behind `unix:' or, of an abstract name, `@'. Families other than `inet',
%% `inet6', `local' and `vsock' are the name of the family, a colon, and the bytes of the address as hexadecimal digits. A map that is no address
%% raises `{invalid, {sockaddr, Map}}'.
%% ```
%% "[::1]:80" = esock_addr:format(#{family => inet6, addr => loopback, port => 80}).
%% '''
-spec format(esock:sockaddr()) -> string().
format(Address) -> esock_addr_form:format(Address).

%% @doc The IP address of a text in the notation of inet_pton(3): strict, without a zone.
%% ```
%% {ok, {0, 0, 0, 0, 0, 0, 0, 1}} = esock_addr:parse_ip("::1"),
%% {error, einval} = esock_addr:parse_ip("127.1").
%% '''
-spec parse_ip(string() | binary()) -> {ok, inet:ip_address()} | {error, einval}.
parse_ip(Text) -> esock_addr_form:parse_ip(Text).

%% @doc The text of an IP address, as inet_ntop(3) and RFC 5952 have it.
%% ```
%% "2001:db8::1" = esock_addr:format_ip({16#2001, 16#DB8, 0, 0, 0, 0, 0, 1}).
%% '''
-spec format_ip(inet:ip_address()) -> string().
format_ip(IP) when tuple_size(IP) =:= 4 -> esock_addr_text:format4(IP);
format_ip(IP) when tuple_size(IP) =:= 8 -> esock_addr_text:format6(IP).

%% @doc The IP address of a host in any of its forms: `""', `any' and `"<any>"' (0.0.0.0), `broadcast' and `"<broadcast>"',
%% `loopback' (127.0.0.1), a tuple, a text, 4 or 16 bytes, or an integer below 2^32: an IPv4 address in the host's byte order.
%% A binary of 4 or 16 bytes that is the text of an address is that address.
%% ```
%% {ok, {127, 0, 0, 1}} = esock_addr:host(16#7F000001).
%% '''
-spec host(term()) -> {ok, inet:ip_address()} | {error, einval}.
host(Host) -> esock_addr_form:host(Host).

%% @private
-spec characters(string() | binary()) -> {ok, string()} | error.
characters(Text) -> esock_addr_form:characters(Text).

%%% ---- Making and comparing

%% @doc The `sockaddr' of a host in one of the forms of {@link host/1} and a port. It serves TCP, UDP and SCTP alike.
%% ```
%% {ok, #{family := inet, addr := {127, 0, 0, 1}, port := 80}} = esock_addr:tcp(loopback, 80).
%% '''
-spec tcp(term(), esock:port_number()) -> {ok, esock:sockaddr()} | {error, einval}.
tcp(Host, Port) when is_integer(Port), Port >= 0, Port =< 65535 ->
    case host(Host) of
        {ok, IP} when tuple_size(IP) =:= 4 -> {ok, #{family => inet, addr => IP, port => Port}};
        {ok, IP} -> {ok, #{family => inet6, addr => IP, port => Port, flowinfo => 0, scope_id => 0}};
        {error, _} = Error -> Error
    end;
tcp(_, _) -> {error, einval}.

%% @doc The `sockaddr' of a Unix socket. `enametoolong': its path has more than 108 bytes. `einval': no path has these characters.
%% ```
%% {ok, #{family := local, path := <<"/tmp/s">>}} = esock_addr:local("/tmp/s").
%% '''
-spec local(string() | binary()) -> {ok, esock:sockaddr()} | {error, einval | enametoolong}.
local(Path) ->
    case is_list(Path) andalso unicode:characters_to_binary(Path) of
        false when is_binary(Path), byte_size(Path) =< 108 -> {ok, #{family => local, path => Path}};
        Bytes when is_binary(Bytes), byte_size(Bytes) =< 108 -> {ok, #{family => local, path => Bytes}};
        Bytes when is_binary(Bytes); Bytes =:= false, is_binary(Path) -> {error, enametoolong};
        _ -> {error, einval}
    end.

%% @doc The IP address of a `sockaddr', or `undefined' if it has none.
%% ```
%% {127, 0, 0, 1} = esock_addr:ip_of(#{family => inet, addr => loopback}).
%% '''
-spec ip_of(addr()) -> inet:ip_address() | undefined.
ip_of(Addr) -> esock_addr_form:ip_of(Addr).

%% @doc Whether two addresses are the same to the kernel: their bytes are, so that defaults, names of addresses and names of
%% interfaces do not matter. An IPv4 address and the IPv6 address that maps it are not.
%% ```
%% true = esock_addr:equal(#{family => inet, port => 1}, #{family => inet, addr => {0, 0, 0, 0}, port => 1}).
%% '''
-spec equal(esock:sockaddr(), esock:sockaddr()) -> boolean().
equal(A, B) -> compare(A, B) =:= 0.

%% @doc Compares two addresses by their families, then by IP address, port and zone, or by their bytes: -1, 0 or 1. An address that
%% cannot be packed is greater than all others.
%% ```
%% -1 = esock_addr:compare(#{family => inet, addr => {10, 0, 0, 1}}, #{family => inet, addr => {10, 0, 0, 2}}).
%% '''
-spec compare(esock:sockaddr(), esock:sockaddr()) -> -1 | 0 | 1.
compare(A, B) ->
    case {esock_addr_form:key(A), esock_addr_form:key(B)} of
        {Key, Key} -> 0;
        {KeyA, KeyB} when KeyA < KeyB -> -1;
        _ -> 1
    end.

%%% ---- As in libc

%% @doc The bytes of a text, inet_pton(3).
%% ```
%% {ok, <<127, 0, 0, 1>>} = esock_addr:inet_pton(inet, "127.0.0.1").
%% '''
-spec inet_pton(inet | inet6, string() | binary()) -> {ok, binary()} | {error, einval}.
inet_pton(Family, Text) ->
    case parse_ip(Text) of
        {ok, IP} when Family =:= inet, tuple_size(IP) =:= 4; Family =:= inet6, tuple_size(IP) =:= 8 -> {ok, bytes(IP)};
        _ -> {error, einval}
    end.

%% @doc The text of bytes, inet_ntop(3). `einval': these are not 4 or 16 bytes.
%% ```
%% {ok, "::1"} = esock_addr:inet_ntop(inet6, <<1:128>>).
%% '''
-spec inet_ntop(inet | inet6, binary()) -> {ok, string()} | {error, einval}.
inet_ntop(inet, <<_:32>> = Bytes) -> {ok, format_ip(ip(Bytes))};
inet_ntop(inet6, <<_:128>> = Bytes) -> {ok, format_ip(ip(Bytes))};
inet_ntop(Family, _) when Family =:= inet; Family =:= inet6 -> {error, einval}.

%% @doc The bytes of an IPv4 address in the notation of inet_aton(3): one to four numbers, decimal, octal (`0...') or hexadecimal
%% (`0x...'). The last one fills the bytes that are left.
%% ```
%% {ok, <<127, 0, 0, 1>>} = esock_addr:inet_aton("0x7f.1").
%% '''
-spec inet_aton(string() | binary()) -> {ok, <<_:32>>} | {error, einval}.
inet_aton(Text) ->
    case characters(Text) of
        {ok, Characters} ->
            case esock_addr_text:aton(Characters) of
                {ok, N} -> {ok, <<N:32>>};
                error -> {error, einval}
            end;
        error -> {error, einval}
    end.

%% @doc The text of 4 bytes, inet_ntoa(3).
%% ```
%% {ok, "127.0.0.1"} = esock_addr:inet_ntoa(<<127, 0, 0, 1>>).
%% '''
-spec inet_ntoa(binary()) -> {ok, string()} | {error, einval}.
inet_ntoa(Bytes) -> inet_ntop(inet, Bytes).

%% @doc The number whose bytes in the host's order are those of `N' in the network's order, byteorder(3). `badarg' for a number
%% outside 0..65535.
%% ```
%% 16#1234 = esock_addr:ntohs(esock_addr:htons(16#1234)).
%% '''
-spec htons(esock:uint16()) -> esock:uint16().
htons(N) when is_integer(N), N >= 0, N =< 16#FFFF -> <<M:16/native>> = <<N:16>>, M;
htons(_) -> error(badarg).

%% @doc The inverse of {@link htons/1}.
-spec ntohs(esock:uint16()) -> esock:uint16().
ntohs(N) -> htons(N).

%% @doc As {@link htons/1} for 32 bits.
-spec htonl(esock:uint32()) -> esock:uint32().
htonl(N) when is_integer(N), N >= 0, N =< 16#FFFFFFFF -> <<M:32/native>> = <<N:32>>, M;
htonl(_) -> error(badarg).

%% @doc The inverse of {@link htonl/1}.
-spec ntohl(esock:uint32()) -> esock:uint32().
ntohl(N) -> htonl(N).

%%% ---- Kinds of addresses

%% @doc Whether it is an address of IPv4 or IPv6.
-spec is_ip(addr()) -> boolean().
is_ip(Addr) -> ip_of(Addr) =/= undefined.

%% @doc Whether it is an address of IPv4. One that IPv6 maps is not.
-spec is_ipv4(addr()) -> boolean().
is_ipv4(Addr) -> is_tuple(ip_of(Addr)) andalso tuple_size(ip_of(Addr)) =:= 4.

%% @doc Whether it is an address of IPv6.
-spec is_ipv6(addr()) -> boolean().
is_ipv6(Addr) -> is_tuple(ip_of(Addr)) andalso tuple_size(ip_of(Addr)) =:= 8.

%% @doc Whether it is an address of a Unix socket.
-spec is_local(addr()) -> boolean().
is_local(#{family := local}) -> true;
is_local(_) -> false.

%% @doc Whether it is that of a Unix socket without a name: its path is empty.
-spec is_unnamed(addr()) -> boolean().
is_unnamed(Addr) -> esock_addr_form:path(Addr) =:= <<>>.

%% @doc Whether it is the abstract name of a Unix socket: its path begins with a NUL, unix(7). An empty path counts too, since
%% bind(2) chooses an abstract name for it.
-spec is_abstract(addr()) -> boolean().
is_abstract(Addr) ->
    case esock_addr_form:path(Addr) of
        <<First, _/binary>> -> First =:= 0;
        Path -> Path =:= <<>>
    end.

%% @doc The path of a Unix socket in the file system, or `undefined'.
%% ```
%% <<"/tmp/s">> = esock_addr:pathname(#{family => local, path => "/tmp/s"}).
%% '''
-spec pathname(addr()) -> binary() | undefined.
pathname(Addr) ->
    case esock_addr_form:path(Addr) of
        <<First, _/binary>> = Path when First =/= 0 -> Path;
        _ -> undefined
    end.

%% @doc The abstract name of a Unix socket without its NUL, or `undefined'.
%% ```
%% <<"name">> = esock_addr:abstract_name(#{family => local, path => <<0, "name">>}).
%% '''
-spec abstract_name(addr()) -> binary() | undefined.
abstract_name(Addr) ->
    case esock_addr_form:path(Addr) of
        <<0, Name/binary>> -> Name;
        _ -> undefined
    end.

%% @doc Whether it is `0.0.0.0' or `::'.
-spec is_unspecified(addr()) -> boolean().
is_unspecified(Addr) -> esock_addr_form:is(unspecified, Addr).

%% @doc Whether it is in `127.0.0.0/8', or `::1'.
%% ```
%% true = esock_addr:is_loopback({127, 0, 0, 1}).
%% '''
-spec is_loopback(addr()) -> boolean().
is_loopback(Addr) -> esock_addr_form:is(loopback, Addr).

%% @doc Whether it is private: `10.0.0.0/8', `172.16.0.0/12', `192.168.0.0/16' (RFC 1918), or `fc00::/7' (RFC 4193).
-spec is_private(addr()) -> boolean().
is_private(Addr) -> esock_addr_form:is(private, Addr).

%% @doc Whether it is in `224.0.0.0/4' or `ff00::/8'.
-spec is_multicast(addr()) -> boolean().
is_multicast(Addr) -> esock_addr_form:is(multicast, Addr).

%% @doc Whether it is `255.255.255.255'. The broadcast address of a network is {@link esock_cidr:last/1}.
-spec is_broadcast(addr()) -> boolean().
is_broadcast(Addr) -> esock_addr_form:is(broadcast, Addr).

%% @doc Whether it is in `169.254.0.0/16' (RFC 3927) or `fe80::/10'.
-spec is_link_local(addr()) -> boolean().
is_link_local(Addr) -> esock_addr_form:is(link_local, Addr).

%% @doc Whether it is in `fec0::/10', which RFC 3879 has deprecated.
-spec is_site_local(addr()) -> boolean().
is_site_local(Addr) -> esock_addr_form:is(site_local, Addr).

%% @doc Whether it is in `fc00::/7', RFC 4193.
-spec is_unique_local(addr()) -> boolean().
is_unique_local(Addr) -> esock_addr_form:is(unique_local, Addr).

%% @doc Whether it is in `::ffff:0:0/96'.
-spec is_v4mapped(addr()) -> boolean().
is_v4mapped(Addr) -> esock_addr_form:maps(v4mapped, Addr).

%% @doc Whether it is in `::/96', and neither `::' nor `::1'. RFC 4291 has deprecated these.
-spec is_v4compat(addr()) -> boolean().
is_v4compat(Addr) -> esock_addr_form:maps(v4compat, Addr).

%% @doc The scope of a multicast address of IPv6, RFC 7346: its name, the number of a scope without a name, or `undefined' for any
%% other address.
%% ```
%% link_local = esock_addr:mc_scope({16#FF02, 0, 0, 0, 0, 0, 0, 1}).
%% '''
-spec mc_scope(addr()) ->
          interface_local | link_local | realm_local | admin_local | site_local | organization_local | global | 0..15 | undefined.
mc_scope(Addr) -> esock_addr_form:mc_scope(Addr).

%% @doc The IPv4 address that an IPv6 address maps or is compatible to. `einval' for any other IPv6 address.
%% ```
%% {ok, {127, 0, 0, 1}} = esock_addr:to_ipv4({0, 0, 0, 0, 0, 16#FFFF, 16#7F00, 1}).
%% '''
-spec to_ipv4(addr()) -> {ok, addr()} | {error, einval}.
to_ipv4(Addr) -> esock_addr_form:to_ipv4(Addr).

%% @doc The IPv6 address that maps an IPv4 address. The port of a `sockaddr' stays.
%% ```
%% {ok, {0, 0, 0, 0, 0, 16#FFFF, 16#7F00, 1}} = esock_addr:to_ipv6({127, 0, 0, 1}).
%% '''
-spec to_ipv6(addr()) -> {ok, addr()} | {error, einval}.
to_ipv6(Addr) -> esock_addr_form:to_ipv6(Addr).

%% @doc An address by its name INADDR_* of netinet/in.h, or `in6addr_any' or `in6addr_loopback'.
%% ```
%% {ok, {224, 0, 0, 1}} = esock_addr:well_known(allhosts_group).
%% '''
-spec well_known(atom()) -> {ok, inet:ip_address()} | {error, einval}.
well_known(Name) -> esock_addr_form:well_known(Name).

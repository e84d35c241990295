%% @doc Networks in CIDR notation, RFC 4632: pure functions.
%%
%% A network is the pair of its first address and the length of its prefix in bits. IPv4 and IPv6 do not contain one another: an
%% IPv4-mapped IPv6 address, RFC 4291 section 2.5.5.2, is matched as the IPv4 address by {@link match/2}.
%% ```
%% {ok, Net} = esock_cidr:parse("10.0.0.0/8"),
%% true = esock_cidr:match({10, 1, 2, 3}, Net),
%% "10.0.0.0/8" = esock_cidr:format(Net).
%% '''
-module(esock_cidr).

-export([parse/1, format/1]).
-export([network/2, netmask/2, prefix/1, first/1, last/1]).
-export([match/2, contains/2]).

-export_type([cidr/0]).

-type cidr() :: {esock:in_addr(), 0..32} | {esock:in6_addr(), 0..128}.
%% A network: its first address, and the length of its prefix in bits. Example: `{{10, 0, 0, 0}, 8}'.

%% @doc The network of a text. A text without a length is the network of that one address. Bits behind the prefix become 0.
%% ```
%% {ok, {{10, 0, 0, 0}, 8}} = esock_cidr:parse("10.1.2.3/8"),
%% {ok, {{0, 0, 0, 0, 0, 0, 0, 1}, 128}} = esock_cidr:parse("::1").
%% '''
-spec parse(string() | binary()) -> {ok, cidr()} | {error, {invalid, {cidr, term()}}}.
parse(Text) when is_list(Text); is_binary(Text) ->
    Wrong = {error, {invalid, {cidr, Text}}},
    case esock_addr:characters(Text) of
        {ok, Characters} ->
            [Addr | Length] = string:split(Characters, "/"),
            case esock_addr:parse_ip(Addr) of
                {ok, IP} -> with_length(network(IP, bits(IP, Length)), Wrong);
                {error, _} -> Wrong
            end;
        error -> Wrong
    end.

with_length({ok, Net}, _) -> {ok, Net};
with_length({error, _}, Wrong) -> Wrong.

bits(IP, []) -> width(IP);
bits(_, [[D | _] = Digits]) when D >= $0, D =< $9, length(Digits) =< 3 ->
    case string:to_integer(Digits) of
        {N, []} -> N;
        _ -> -1
    end;
bits(_, _) -> -1.

width(IP) when tuple_size(IP) =:= 4 -> 32;
width(IP) when tuple_size(IP) =:= 8 -> 128.

%% @doc The text of a network.
%% ```
%% "fd00::/8" = esock_cidr:format({{16#FD00, 0, 0, 0, 0, 0, 0, 0}, 8}).
%% '''
-spec format(cidr()) -> string().
format({IP, Length}) -> esock_addr:format_ip(IP) ++ "/" ++ integer_to_list(Length).

%% @doc The network of an address with a prefix of so many bits.
%% ```
%% {ok, {{192, 0, 2, 0}, 24}} = esock_cidr:network({192, 0, 2, 77}, 24).
%% '''
-spec network(inet:ip_address(), integer()) -> {ok, cidr()} | {error, {invalid, {cidr, term()}}}.
network(IP, Length) ->
    Width = width(IP),
    case is_integer(Length) andalso Length >= 0 andalso Length =< Width of
        true -> {ok, {address(integer(IP) band mask(Length, Width), Width), Length}};
        false -> {error, {invalid, {cidr, {IP, Length}}}}
    end.

mask(Length, Width) -> ((1 bsl Length) - 1) bsl (Width - Length).

integer(IP) when tuple_size(IP) =:= 4 -> <<N:32>> = esock_addr:bytes(IP), N;
integer(IP) when tuple_size(IP) =:= 8 -> <<N:128>> = esock_addr:bytes(IP), N.

address(N, Width) -> esock_addr:ip(<<N:Width>>).

%% @doc The netmask of a prefix of so many bits. Raises `badarg' if the family has no prefix of that length.
%% ```
%% {255, 255, 240, 0} = esock_cidr:netmask(inet, 20).
%% '''
-spec netmask(inet | inet6, 0..128) -> inet:ip_address().
netmask(inet, Length) when Length >= 0, Length =< 32 -> address(mask(Length, 32), 32);
netmask(inet6, Length) when Length >= 0, Length =< 128 -> address(mask(Length, 128), 128);
netmask(_, _) -> error(badarg).

%% @doc The length of the prefix of a netmask in bits. `einval': its ones are not all in front of its zeros.
%% ```
%% {ok, 20} = esock_cidr:prefix({255, 255, 240, 0}),
%% {error, einval} = esock_cidr:prefix({255, 0, 255, 0}).
%% '''
-spec prefix(inet:ip_address()) -> {ok, 0..128} | {error, einval}.
prefix(Mask) ->
    {Width, N} = {width(Mask), integer(Mask)},
    Length = length([1 || <<1:1>> <= <<N:Width>>]),
    case mask(Length, Width) of
        N -> {ok, Length};
        _ -> {error, einval}
    end.

%% @doc The first address of a network.
%% ```
%% {10, 0, 0, 0} = esock_cidr:first({{10, 1, 2, 3}, 8}).
%% '''
-spec first(cidr()) -> inet:ip_address().
first({IP, Length}) ->
    {ok, {First, _}} = network(IP, Length),
    First.

%% @doc The last address of a network: of IPv4, its broadcast address.
%% ```
%% {10, 255, 255, 255} = esock_cidr:last({{10, 0, 0, 0}, 8}).
%% '''
-spec last(cidr()) -> inet:ip_address().
last({IP, Length}) ->
    Width = width(IP),
    address(integer(IP) bor ((1 bsl (Width - Length)) - 1), Width).

%% @doc Whether an address, or the address of a `sockaddr', is in a network, or in one of a list of networks.
%% ```
%% true = esock_cidr:match({10, 1, 2, 3}, {{10, 0, 0, 0}, 8}),
%% false = esock_cidr:match(#{family => inet, addr => {11, 0, 0, 1}}, [{{10, 0, 0, 0}, 8}]).
%% '''
-spec match(inet:ip_address() | esock:sockaddr(), cidr() | [cidr()]) -> boolean().
match(Addr, Nets) when is_list(Nets) -> lists:any(fun(Net) -> match(Addr, Net) end, Nets);
match(Addr, {Net, Length}) ->
    case plain(esock_addr:ip_of(Addr), Net) of
        IP when tuple_size(IP) =:= tuple_size(Net) ->
            Shift = width(IP) - Length,
            integer(IP) bsr Shift =:= integer(Net) bsr Shift;
        _ -> false
    end.

plain({0, 0, 0, 0, 0, 16#FFFF, _, _} = IP, Net) when tuple_size(Net) =:= 4 -> {ok, IPv4} = esock_addr:to_ipv4(IP), IPv4;
plain(IP, _) -> IP.

%% @doc Whether the first network contains the second one.
%% ```
%% true = esock_cidr:contains({{10, 0, 0, 0}, 8}, {{10, 1, 0, 0}, 16}).
%% '''
-spec contains(cidr(), cidr()) -> boolean().
contains({Outer, Length}, {Inner, Longer}) ->
    tuple_size(Outer) =:= tuple_size(Inner) andalso Length =< Longer andalso match(Inner, {Outer, Length}).

%% Properties of addresses, networks and control messages.
-module(prop_esock_addr).

-include_lib("proper/include/proper.hrl").

-compile([export_all, nowarn_export_all]).

%%% ---- Generators

ip4() -> {byte(), byte(), byte(), byte()}.

ip6() -> ?LET(Words, vector(8, frequency([{3, 0}, {1, 16#FFFF}, {1, 16#FE80}, {3, range(0, 16#FFFF)}])), list_to_tuple(Words)).

ip() -> oneof([ip4(), ip6()]).

zone() -> oneof([0, range(1, 16#FFFFFFFF), ?LET(Rest, resize(14, list(oneof([range($a, $z), range($0, $9), $., $-]))), [$e | Rest])]).

port() -> oneof([0, range(0, 65535)]).

inet() -> ?LET({A, P}, {ip4(), port()}, #{family => inet, addr => A, port => P}).

inet6() -> ?LET({A, P, Z}, {ip6(), port(), zone()}, #{family => inet6, addr => A, port => P, flowinfo => 0, scope_id => Z}).

path() ->
    Byte = frequency([{5, range(1, 255)}, {1, $/}, {1, $%}, {1, $@}]),
    Bytes = ?LET(List, resize(100, list(Byte)), list_to_binary(List)),
    oneof([Bytes, ?LET(B, Bytes, <<0, B/binary>>), ?LET(B, Bytes, <<$/, B/binary>>), ?LET(B, binary(50), <<0, B/binary>>)]).

local() -> ?LET(P, path(), #{family => local, path => binary:part(P, 0, min(108, byte_size(P)))}).

vsock() ->
    ?LET({C, P}, {oneof([any, hypervisor, local, host, range(3, 16#FFFFFFFE)]), oneof([any, range(0, 16#FFFFFFFE)])},
         #{family => vsock, cid => C, port => P, flags => []}).

other() ->
    oneof([?LET({P, G}, {range(0, 16#FFFFFFFF), range(0, 16#FFFFFFFF)}, #{family => netlink, pid => P, groups => G}),
           ?LET(I, range(0, 1000), #{family => can, ifindex => I}),
           ?LET({N, P}, {range(0, 16#FFFFFFFF), range(0, 16#FFFFFFFF)}, #{family => qipcrtr, node => N, port => P}),
           ?LET(B, binary(20), #{family => x25, addr => B}),
           ?LET(B, binary(20), #{family => 200, addr => B})]).

sockaddr() -> oneof([inet(), inet6(), local(), vsock(), other()]).

%% Texts that are nearly addresses.
text() ->
    ?LET({IP, Cuts}, {ip(), list({range(0, 40), oneof([range($0, $9), range($a, $f), $:, $., $%, $/, $x, range(0, 255)]), oneof([put, drop])})},
         lists:foldl(fun mutate/2, esock_addr:format_ip(IP), Cuts)).

mutate({At, C, How}, Text) when At < length(Text) ->
    {Before, [Old | After]} = lists:split(At, Text),
    case How of
        put -> Before ++ [C, Old | After];
        drop -> Before ++ After
    end;
mutate(_, Text) -> Text.

%%% ---- Properties

prop_round_trip() -> ?FORALL(A, sockaddr(), {ok, A} =:= esock_addr:parse(esock_addr:format(A))).

prop_ip_round_trip() ->
    ?FORALL(IP, ip(),
            begin
                Text = esock_addr:format_ip(IP),
                {ok, IP} =:= esock_addr:parse_ip(Text) andalso of_otp(IP, inet:ntoa(IP)) andalso
                    {ok, IP} =:= inet:parse_strict_address(Text) andalso IP =:= esock_addr:ip(esock_addr:bytes(IP))
            end).

%% OTP takes the second word of a link-local address for a zone.
of_otp(IP, Text) -> lists:member($%, Text) orelse {ok, IP} =:= esock_addr:parse_ip(Text).

%% What is parsed is what OTP parses, and formats to what parses again. OTP takes more: zones, and numbers in other bases.
prop_texts() ->
    ?FORALL(Text, text(),
            case esock_addr:parse_ip(Text) of
                {ok, IP} -> {ok, IP} =:= inet:parse_strict_address(Text) andalso {ok, IP} =:= esock_addr:parse_ip(esock_addr:format_ip(IP));
                {error, einval} -> true
            end).

%% No text and no term raises anything, and what is parsed can be formatted to itself again.
prop_any_text() ->
    ?FORALL(Text, oneof([text(), binary(), list(byte()), string(), ?LET(A, sockaddr(), lists:foldl(fun mutate/2, esock_addr:format(A), [{3, $:, put}]))]),
            case esock_addr:parse(Text) of
                {ok, A} -> {ok, A} =:= esock_addr:parse(esock_addr:format(A));
                {error, {invalid, {sockaddr, Text}}} -> true
            end).

prop_compare() ->
    ?FORALL({A, B, C}, {sockaddr(), sockaddr(), sockaddr()},
            begin
                AB = esock_addr:compare(A, B),
                AB =:= -esock_addr:compare(B, A) andalso esock_addr:equal(A, A) andalso
                    (AB > 0 orelse esock_addr:compare(B, C) > 0 orelse esock_addr:compare(A, C) =< 0)
            end).

prop_predicates() ->
    ?FORALL(IP, ip4(),
            begin
                {ok, Mapped} = esock_addr:to_ipv6(IP),
                {ok, IP} =:= esock_addr:to_ipv4(Mapped) andalso esock_addr:is_v4mapped(Mapped) andalso
                    lists:all(fun(Is) -> esock_addr:Is(IP) =:= esock_addr:Is(Mapped) end,
                              [is_ip, is_unspecified, is_loopback, is_private, is_multicast, is_broadcast, is_link_local])
            end).

prop_cidr() ->
    ?FORALL({IP, N}, {ip(), range(0, 128)},
            begin
                Length = if tuple_size(IP) =:= 4 -> N rem 33; true -> N end,
                {ok, Net} = esock_cidr:network(IP, Length),
                {ok, Net} =:= esock_cidr:parse(esock_cidr:format(Net)) andalso esock_cidr:match(IP, Net) andalso
                    esock_cidr:match(esock_cidr:first(Net), Net) andalso esock_cidr:match(esock_cidr:last(Net), Net) andalso
                    {ok, Length} =:= esock_cidr:prefix(esock_cidr:netmask(if tuple_size(IP) =:= 4 -> inet; true -> inet6 end, Length)) andalso
                    esock_cidr:contains({esock_cidr:first({IP, 0}), 0}, Net)
            end).

cmsg() ->
    ?LET({{L, T}, D}, {oneof([{socket, oneof([rights, credentials, 77])}, {ip, oneof([tos, ttl])}, {ipv6, tclass}, {udp, segment}, {300, range(-5, 5)}]), binary()},
         #{level => L, type => T, data => D}).

prop_cmsg() ->
    ?FORALL(Messages, list(cmsg()),
            begin
                {ok, Bytes} = esock_cmsg:build(Messages),
                Spaces = esock_cmsg:space([byte_size(D) || #{data := D} <- Messages]),
                {ok, Messages} =:= esock_cmsg:parse(Bytes) andalso byte_size(Bytes) =:= Spaces andalso
                    lists:all(fun(#{level := L, type := T} = M) -> esock_cmsg:is(M, L, T) andalso element(1, esock_cmsg:find(Bytes, L, T)) =:= ok end, Messages)
            end).

%% Any bytes: whole messages, or an error.
prop_cmsg_bytes() ->
    ?FORALL({Messages, Cut, Junk}, {list(cmsg()), range(0, 30), binary()},
            begin
                {ok, Bytes} = esock_cmsg:build(Messages),
                All = <<(binary:part(Bytes, 0, max(0, byte_size(Bytes) - Cut)))/binary, Junk/binary>>,
                case esock_cmsg:parse(All) of
                    {ok, Found} -> is_list(Found);
                    {error, {invalid, [At]}} -> At > 0
                end
            end).

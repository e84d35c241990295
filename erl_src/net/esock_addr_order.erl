%% @doc The order of RFC 6724 section 6: which of several addresses of a host to connect to first.
%%
%% libc's getaddrinfo(3) returns addresses in its order; answers of DNS have none. The rules here are 1, 2, 5, 6, 8, 9 (IPv6) and 10
%% with the policy table of section 2.1; 3, 4 and 7 need what the kernel keeps to itself.
-module(esock_addr_order).

-export([sort/1, sort/2, source/1]).

%% @doc Sorts IP addresses by the address that this host would use to connect to each, {@link source/1}. Nothing is sent.
%% ```
%% [{127, 0, 0, 1}] = esock_addr_order:sort([{127, 0, 0, 1}]).
%% '''
-spec sort([inet:ip_address()]) -> [inet:ip_address()].
sort([Addr]) -> [Addr];
sort(Addrs) -> sort(Addrs, fun source/1).

%% @doc Sorts IP addresses by the addresses that `Source' names, `undefined' if there is none.
%% ```
%% [{10, 0, 0, 1}, {192, 0, 2, 1}] =
%%     esock_addr_order:sort([{192, 0, 2, 1}, {10, 0, 0, 1}],
%%                           fun({10, _, _, _}) -> {10, 0, 0, 2}; (_) -> undefined end).
%% '''
-spec sort([inet:ip_address()], fun((inet:ip_address()) -> inet:ip_address() | undefined)) -> [inet:ip_address()].
sort(Addrs, Source) ->
    Keys = [{key(v6(Addr), source6(Source(Addr))), Addr} || Addr <- Addrs],
    [Addr || {_, Addr} <- lists:keysort(1, Keys)].

%% @doc The address that the kernel would connect from, or `undefined' if there is no route: that of a UDP socket after connect(2).
%% ```
%% {127, 0, 0, 1} = esock_addr_order:source({127, 0, 0, 1}).
%% '''
-spec source(inet:ip_address()) -> inet:ip_address() | undefined.
source(Addr) ->
    Family = if tuple_size(Addr) =:= 4 -> inet; true -> inet6 end,
    case esock:open(Family, dgram, udp) of
        {ok, S} ->
            Source = connected(S, #{family => Family, addr => Addr, port => 9}),
            _ = esock:close(S),
            Source;
        {error, _} -> undefined
    end.

connected(S, Address) ->
    case esock:connect(S, Address) of
        ok ->
            case esock:sockname(S) of
                {ok, #{addr := Source}} -> Source;
                {error, _} -> undefined
            end;
        {error, _} -> undefined
    end.

source6(undefined) -> undefined;
source6(Addr) -> v6(Addr).

v6(Addr) -> {ok, IPv6} = esock_addr:to_ipv6(Addr), IPv6.

%% The rules in their order: smaller is earlier. The sort is stable, which is rule 10.
key(_, undefined) -> [1];
key(Addr, Source) ->
    {Label, Precedence} = policy(Addr),
    {SourceLabel, _} = policy(Source),
    [0, differ(scope(Addr), scope(Source)), differ(Label, SourceLabel), -Precedence, scope(Addr), -common(Addr, Source)].

differ(Same, Same) -> 0;
differ(_, _) -> 1.

%% Label and precedence, RFC 6724 section 2.1.
policy({0, 0, 0, 0, 0, 0, 0, 1}) -> {0, 50};
policy({0, 0, 0, 0, 0, 16#FFFF, _, _}) -> {4, 35};
policy({0, 0, 0, 0, 0, 0, _, _}) -> {3, 1};
policy({16#2002, _, _, _, _, _, _, _}) -> {2, 30};
policy({16#2001, 0, _, _, _, _, _, _}) -> {5, 5};
policy({A, _, _, _, _, _, _, _}) when A band 16#FE00 =:= 16#FC00 -> {13, 3};
policy({A, _, _, _, _, _, _, _}) when A band 16#FFC0 =:= 16#FEC0 -> {11, 1};
policy({16#3FFE, _, _, _, _, _, _, _}) -> {12, 1};
policy(_) -> {1, 40}.

%% The scopes of section 3.1: those of multicast, and of unicast those that correspond to them.
scope({A, _, _, _, _, _, _, _}) when A bsr 8 =:= 16#FF -> A band 15;
scope(Addr) ->
    case {esock_addr:is_loopback(Addr) orelse esock_addr:is_link_local(Addr), esock_addr:is_site_local(Addr)} of
        {true, _} -> 2;
        {_, true} -> 5;
        _ -> 14
    end.

%% How many bits of the prefix, 64 bits, are the same. Between networks of IPv4 that says nothing.
common({0, 0, 0, 0, 0, 16#FFFF, _, _}, _) -> 0;
common(Addr, Source) ->
    {<<A:64, _/binary>>, <<B:64, _/binary>>} = {esock_addr:bytes(Addr), esock_addr:bytes(Source)},
    leading(<<(A bxor B):64>>, 0).

leading(<<0:1, Rest/bitstring>>, Count) -> leading(Rest, Count + 1);
leading(_, Count) -> Count.

%% @private
%% @doc What {@link esock_net} documents about interfaces, by rtnetlink(7), as getifaddrs(3) of libc does it.
-module(esock_net_if).

-export([list/1, selected/2, addresses/1, addresses/2, names/1, inet6/1, congestion/0]).

-define(FLAGS, [up, broadcast, debug, loopback, pointopoint, notrailers, running, noarp, promisc, allmulti, master, slave, multicast,
                portsel, automedia, dynamic, lower_up, dormant, echo]).

%% @doc All entries: first one for each link, then one for each address.
-spec list(map()) -> {ok, [map()]} | {error, term()}.
list(Opts) ->
    case esock_netlink:links(Opts) of
        {ok, Links} ->
            case esock_netlink:addresses(Opts) of
                {ok, Addresses} ->
                    ByIndex = maps:from_list([{Index, Link} || #{index := Index} = Link <- Links]),
                    {ok, [entry(Link) || Link <- Links] ++
                         [address(A, maps:get(Index, ByIndex)) || #{index := Index} = A <- Addresses, is_map_key(Index, ByIndex)]};
                Error -> error_of(Error)
            end;
        Error -> error_of(Error)
    end.

%% Netlink's reason has the kernel's words with it.
error_of({error, {Posix, Extra}}) when is_atom(Posix), is_map(Extra) -> {error, Posix};
error_of({error, _} = Error) -> Error.

flags(#{flags := Flags}) ->
    [Name || Name <- ?FLAGS, lists:member(Name, Flags)] ++ [Other || Other <- Flags, not lists:member(Other, ?FLAGS)].

entry(#{index := Index, name := Name, type := Type} = Link) ->
    Packet = fun(Bytes) ->
                 #{family => packet, protocol => 0, ifindex => Index, hatype => Type, pkttype => host, addr => Bytes}
             end,
    Entry = #{name => binary_to_list(Name), ifindex => Index, flags => flags(Link), addr => Packet(maps:get(address, Link, <<>>))},
    with_stats(other_end(Entry, fun(_) -> Packet(maps:get(broadcast, Link)) end, maps:is_key(broadcast, Link)), Link).

with_stats(Entry, #{stats := Stats}) -> Entry#{stats => Stats};
with_stats(Entry, _) -> Entry.

%% As OTP's net: the flags of the interface say which it is.
other_end(#{flags := Flags} = Entry, Make, There) ->
    case {There, lists:member(broadcast, Flags), lists:member(pointopoint, Flags)} of
        {true, true, _} -> Entry#{broadaddr => Make(broadaddr)};
        {true, false, true} -> Entry#{dstaddr => Make(dstaddr)};
        _ -> Entry
    end.

address(#{family := Family, index := Index, prefixlen := Length} = A, Link) ->
    Own = maps:get(local, A, maps:get(address, A, undefined)),
    Entry = #{name => label(A, Link), ifindex => Index, flags => flags(Link), addr => sockaddr(Family, Own, Index),
              netmask => sockaddr(Family, esock_cidr:netmask(Family, Length), 0)},
    Peer = maps:get(address, A, Own),
    case {other_end(Entry, fun(_) -> Peer end, true), A} of
        {#{dstaddr := _}, _} when Peer =/= Own -> Entry#{dstaddr => sockaddr(Family, Peer, Index)};
        {#{broadaddr := _}, #{broadcast := Broadcast}} -> Entry#{broadaddr => sockaddr(Family, Broadcast, Index)};
        _ -> Entry
    end.

label(#{label := Label}, _) -> binary_to_list(Label);
label(_, #{name := Name}) -> binary_to_list(Name).

sockaddr(inet, Addr, _) -> #{family => inet, addr => Addr, port => 0};
sockaddr(inet6, Addr, Index) ->
    %% Only the zone of these matters.
    Scope = case esock_addr:is_link_local(Addr) orelse esock_addr:mc_scope(Addr) =:= link_local of
                true -> Index;
                false -> 0
            end,
    #{family => inet6, addr => Addr, port => 0, flowinfo => 0, scope_id => Scope}.

%% @doc The entries that a filter of {@link esock_net:getifaddrs/2} selects.
-spec selected(esock_net:filter(), map()) -> {ok, [map()]} | {error, term()}.
selected(Filter, Opts) when is_atom(Filter); is_map(Filter); is_function(Filter, 1) ->
    case list(Opts) of
        {ok, Entries} -> {ok, filter(Filter, Entries)};
        Error -> Error
    end;
selected(_, _) -> error(badarg).

filter(Fun, Entries) when is_function(Fun, 1) -> lists:filtermap(Fun, Entries);
filter(#{} = Filter, Entries) ->
    Wanted = maps:merge(#{family => default, flags => any}, Filter),
    [Entry || Entry <- Entries, matches(Wanted, Entry)];
filter(hwaddr, Entries) -> filter(#{family => [link, packet]}, Entries);
filter(Family, Entries) -> filter(#{family => Family}, Entries).

matches(#{family := Family, flags := Wanted}, #{addr := #{family := Has}, flags := Flags}) ->
    family(Family, Has) andalso (Wanted =:= any orelse [] =:= Wanted -- Flags).

family(all, _) -> true;
family(default, _) -> true;
family(Families, Has) when is_list(Families) -> lists:member(Has, Families);
family(Family, Has) -> Family =:= Has.

%% @doc What {@link esock_net:ip_address_list/1} documents.
-spec addresses(map()) -> {ok, [esock:sockaddr()]} | {error, term()}.
addresses(Opts) ->
    case maps:keys(maps:without([family, up, loopback, netns], Opts)) of
        [] -> addresses(maps:without([netns], Opts), maps:with([netns], Opts));
        [Key | _] -> {error, {invalid, {option, Key}}}
    end.

%% @doc The IP addresses of this host.
-spec addresses(map(), map()) -> {ok, [esock:sockaddr()]} | {error, term()}.
addresses(Wanted, Opts) ->
    case list(Opts) of
        {ok, Entries} -> {ok, [Addr || #{addr := #{family := F} = Addr} = E <- Entries, F =/= packet, wanted(Wanted, E)]};
        Error -> Error
    end.

wanted(Wanted, #{addr := #{family := Family} = Addr, flags := Flags}) ->
    lists:all(fun({family, F}) -> F =:= Family;
                 ({up, Up}) -> Up =:= lists:member(up, Flags);
                 ({loopback, Loopback}) -> Loopback =:= esock_addr:is_loopback(Addr)
              end, maps:to_list(Wanted)).

%% @doc The indices and names of all interfaces.
-spec names(map()) -> {ok, [{pos_integer(), string()}]} | {error, term()}.
names(Opts) ->
    case esock_netlink:links(Opts) of
        {ok, Links} -> {ok, [{Index, binary_to_list(Name)} || #{index := Index, name := Name} <- Links]};
        Error -> error_of(Error)
    end.

%% @doc Whether something can be done with a socket of IPv6.
-spec inet6(fun((esock:socket()) -> ok | {error, term()})) -> boolean().
inet6(Try) ->
    case esock:open(inet6, stream, tcp) of
        {ok, S} ->
            Done = Try(S),
            _ = esock:close(S),
            Done =:= ok;
        {error, _} -> false
    end.

%% @doc What {@link esock_net:tcp_congestion_available/0} documents.
-spec congestion() -> {ok, [string()]} | {error, esock:posix()}.
congestion() ->
    case file:read_file("/proc/sys/net/ipv4/tcp_available_congestion_control") of
        {ok, Text} -> {ok, string:lexemes(binary_to_list(Text), " \n")};
        {error, Reason} -> {error, Reason}
    end.

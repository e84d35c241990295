%% @private
%% @doc Where a dial goes, and from where: hosts, ports and source addresses of the caller as socket addresses.
-module(esock_dial_target).

-export([target/3, port/1, resolved/2, source/1, lookup/2]).

-export_type([sources/0]).

-type sources() :: #{atom() => esock:sockaddr()}.
%% A source address for each family.

%% @doc The addresses of a host that is an address or a list of them, or the queries for its name. Another term raises `badarg'.
-spec target(term(), esock:port_number(), esock_dial:family()) ->
          {ok, {esock_dial:host_name(), esock_dial_plan:target()}} | error.
target([Head | _] = Host, Port, Family) when is_integer(Head) -> name(Host, Port, Family);
target(Host, Port, Family) when is_binary(Host), Host =/= <<>> ->
    case unicode:characters_to_list(Host) of
        Text when is_list(Text) -> name(Text, Port, Family);
        _ -> error
    end;
target(Host, _, Family) when is_atom(Host) -> {ok, {atom_to_list(Host), {resolve, queries(Family)}}};
target(Addresses, Port, Family) when is_list(Addresses) -> addresses(Addresses, Port, Family);
target(Address, Port, Family) -> addresses([Address], Port, Family).

name(Name, Port, Family) ->
    case {io_lib:printable_unicode_list(Name), literal(Name)} of
        {false, _} -> error;
        {true, {ok, Address}} -> addresses([Address], Port, Family);
        {true, error} -> {ok, {Name, {resolve, queries(Family)}}}
    end.

%% "fe80::1%eth0" too: RFC 4007 section 11. inet:parse_address/1 drops the zone.
literal(Name) ->
    {Text, Zone} = lists:splitwith(fun(Char) -> Char =/= $% end, Name),
    case {inet:parse_strict_address(Text), Zone} of
        {{ok, Address}, []} -> {ok, Address};
        {{ok, Address}, [$%, _ | _]} when tuple_size(Address) =:= 8 ->
            {ok, #{family => inet6, addr => Address, scope_id => scope(tl(Zone))}};
        _ -> error
    end.

scope(Zone) ->
    case string:to_integer(Zone) of
        {Index, []} when Index >= 0 -> Index;
        _ -> Zone
    end.

queries(inet) -> [inet];
queries(inet6) -> [inet6];
queries(any) -> [any];
%% RFC 8305 section 3: the query for IPv6 goes first.
queries(_) -> [inet6, inet].

addresses(Addresses, Port, Family) ->
    case resolved(Addresses, Port) of
        {ok, All} -> {ok, {[], {addresses, [A || #{family := F} = A <- All, is_wanted(F, Family)]}}};
        {error, _} -> error
    end.

is_wanted(inet, inet6) -> false;
is_wanted(inet6, inet) -> false;
is_wanted(_, _) -> true.

%% @doc Addresses as a resolver answers them, as socket addresses. A port in a map has precedence.
-spec resolved([term()], esock:port_number()) -> {ok, [esock_dial_plan:address()]} | {error, {invalid, {address, term()}}}.
resolved(Addresses, Port) -> resolved(Addresses, Port, []).

resolved([Address | Rest], Port, Done) ->
    case sockaddr(Address, Port) of
        error -> {error, {invalid, {address, Address}}};
        Sockaddr -> resolved(Rest, Port, [Sockaddr | Done])
    end;
resolved([], _, Done) -> {ok, lists:reverse(Done)};
resolved(Tail, _, _) -> {error, {invalid, {address, Tail}}}.

sockaddr({_, _, _, _} = Address, Port) -> checked(Address, #{family => inet, addr => Address, port => Port});
sockaddr({_, _, _, _, _, _, _, _} = Address, Port) -> checked(Address, #{family => inet6, addr => Address, port => Port});
sockaddr(#{family := Family} = Address, Port) when Family =:= inet; Family =:= inet6 -> maps:merge(#{port => Port}, Address);
sockaddr(#{family := Family} = Address, _) when is_atom(Family) -> Address;
sockaddr(_, _) -> error.

checked(Address, Sockaddr) ->
    case inet:ntoa(Address) of
        {error, _} -> error;
        _ -> Sockaddr
    end.

%% @doc The number of a port, or of the service of TCP with this name, services(5).
-spec port(term()) -> {ok, esock:port_number()} | {error, {invalid, term()}} | error.
port(Port) when is_integer(Port), Port >= 0, Port =< 65535 -> {ok, Port};
port(Port) when is_integer(Port) -> {error, {invalid, {port, Port}}};
port(Service) when is_atom(Service) -> service(atom_to_list(Service), Service);
port(Service) when is_binary(Service) -> service(binary_to_list(Service), Service);
port([_ | _] = Service) ->
    case io_lib:printable_list(Service) of
        true -> service(Service, Service);
        false -> error
    end;
port(_) -> error.

service(Text, Service) ->
    case string:to_integer(Text) of
        {Port, []} when is_integer(Port) -> port(Port);
        _ ->
            case is_name(Text) andalso inet:getservbyname(list_to_atom(Text), tcp) of
                {ok, Port} -> {ok, Port};
                _ -> {error, {invalid, {service, Service}}}
            end
    end.

%% `inet' takes the names of services as atoms, which are never freed: no text that is longer than a name becomes one. RFC 6335
%% section 5.1: at most 15 letters, digits and hyphens; older names have more.
is_name(Text) -> length(Text) =< 32 andalso lists:all(fun(C) -> C > 32 andalso C < 127 end, Text).

%% @doc The source addresses by family.
-spec source(term()) -> {ok, sources()} | error.
source(undefined) -> {ok, #{}};
source([Head | _] = Sources) when not is_integer(Head) ->
    lists:foldl(fun(Source, {ok, Map}) ->
                        case one_source(Source) of
                            {ok, #{family := Family} = Sockaddr} when not is_map_key(Family, Map) -> {ok, Map#{Family => Sockaddr}};
                            _ -> error
                        end;
                   (_, error) -> error
                end, {ok, #{}}, Sources);
source(Source) -> source([Source]).

one_source({Address, Port}) when is_integer(Port), Port >= 0, Port =< 65535 -> one_source(Address, Port);
one_source(Address) -> one_source(Address, 0).

one_source([Head | _] = Text, Port) when is_integer(Head) ->
    case io_lib:printable_list(Text) andalso literal(Text) of
        {ok, Address} -> one_source(Address, Port);
        _ -> error
    end;
one_source(Text, Port) when is_binary(Text) -> one_source(binary_to_list(Text), Port);
one_source(Address, Port) ->
    case sockaddr(Address, Port) of
        error -> error;
        Sockaddr -> {ok, Sockaddr}
    end.

%% @doc The default resolver: inet:getaddrs/2, which blocks the calling process. With `any' the addresses of both families, those of
%% IPv6 first.
-spec lookup(esock_dial:host_name(), esock_dial:query()) -> {ok, [inet:ip_address()]} | {error, inet:posix()}.
lookup(Host, any) ->
    case {lookup(Host, inet6), lookup(Host, inet)} of
        {{ok, Six}, {ok, Four}} -> {ok, Six ++ Four};
        {{ok, Six}, _} -> {ok, Six};
        {_, Four} -> Four
    end;
lookup(Host, Family) -> inet:getaddrs(Host, Family).

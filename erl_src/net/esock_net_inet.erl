%% @private
%% @doc Addresses by OTP's resolver: the hosts file as {@link inet_hosts} has it, and DNS by {@link inet_res}.
-module(esock_net_inet).

-export([addresses/1]).

-define(PASSIVE, 1).
-define(CANONNAME, 2).
-define(NUMERICHOST, 4).
-define(V4MAPPED, 8).
-define(ALL, 16#10).
-define(ADDRCONFIG, 16#20).
-define(NUMERICSERV, 16#400).

%% @doc The elements of the list, and the least TTL in seconds.
-spec addresses(map()) -> {ok, [map()], non_neg_integer() | undefined} | {error, term()}.
addresses(#{host := undefined, service := undefined}) -> {error, {gai, enoname}};
addresses(#{family := Family}) when Family =/= 0, Family =/= 2, Family =/= 10 -> {error, {gai, efamily}};
addresses(Asked) ->
    case kinds(Asked) of
        {ok, Kinds} ->
            case hosts(Asked) of
                {ok, Name, Found} -> {ok, infos(Asked, Name, Kinds, esock_addr_order:sort([IP || {IP, _} <- Found])), ttl(Found)};
                Error -> Error
            end;
        Error -> Error
    end.

ttl(Found) ->
    case [Ttl || {_, Ttl} <- Found, is_integer(Ttl)] of
        [] -> undefined;
        Ttls -> lists:min(Ttls)
    end.

%%% ---- Types and ports

%% Type, protocol and port of the sockets for each address.
kinds(#{service := Service, flags := Flags} = Asked) ->
    case [Kind || Kind <- [{1, tcp, "tcp"}, {2, udp, "udp"}, {3, ip, undefined}], wanted(Kind, Asked)] of
        [] -> {error, {gai, esocktype}};
        Kinds ->
            case lists:append([port(Kind, Service, Flags) || Kind <- Kinds]) of
                [] -> {error, {gai, eservice}};
                Ports -> {ok, Ports}
            end
    end.

wanted({Type, Name, _}, #{type := T, protocol := P}) ->
    (T =:= 0 orelse T =:= Type) andalso (P =:= 0 orelse Type =:= 3 orelse esock_nif:protocol(inet, Name) =:= P).

port({Type, Name, _}, undefined, _) -> [{type(Type), Name, 0}];
port({Type, Name, Protocol}, Service, Flags) ->
    case {string:to_integer(Service), Flags band ?NUMERICSERV} of
        {{Port, <<>>}, _} when Port =< 65535, Port >= 0 -> [{type(Type), Name, Port}];
        {_, 0} when Protocol =/= undefined ->
            case esock_net_lookup:query(getservbyname, {service, Service, list_to_binary(Protocol)}, infinity) of
                {ok, #{port := Port}} -> [{type(Type), Name, Port}];
                {error, _} -> []
            end;
        _ -> []
    end.

type(1) -> stream;
type(2) -> dgram;
type(3) -> raw.

infos(#{flags := Flags}, Name, Kinds, Addrs) ->
    [First | Rest] = [#{family => family(IP), socktype => Type, protocol => Protocol, addr => sockaddr(IP, Port)}
                      || IP <- Addrs, {Type, Protocol, Port} <- Kinds],
    case Flags band ?CANONNAME of
        0 -> [First | Rest];
        _ -> [First#{canonname => Name} | Rest]
    end.

family(IP) when tuple_size(IP) =:= 4 -> inet;
family(_) -> inet6.

sockaddr(IP, Port) ->
    {ok, Address} = esock_addr:tcp(IP, Port),
    Address.

%%% ---- Addresses

hosts(#{host := undefined, flags := Flags, family := Family}) ->
    Name = if Flags band ?PASSIVE =/= 0 -> any; true -> loopback end,
    {ok, "localhost", [{own(Name, F), undefined} || F <- families(Family)]};
hosts(#{host := Host, family := Family, flags := Flags} = Asked) ->
    Text = unicode:characters_to_list(Host),
    case esock_addr:parse_ip(Host) of
        {ok, IP} -> literal(IP, Text, Asked);
        {error, _} when Flags band ?NUMERICHOST =/= 0 -> {error, {gai, enoname}};
        {error, _} -> names(candidates(Text), configured(families(Family), Flags), Asked, {error, {gai, enoname}})
    end.

own(any, inet) -> {0, 0, 0, 0};
own(any, inet6) -> {0, 0, 0, 0, 0, 0, 0, 0};
own(loopback, inet) -> {127, 0, 0, 1};
own(loopback, inet6) -> {0, 0, 0, 0, 0, 0, 0, 1}.

families(0) -> [inet6, inet];
families(2) -> [inet];
families(10) -> [inet6].

literal(IP, Text, #{family := Family, flags := Flags}) ->
    case {family(IP), lists:member(family(IP), families(Family)), Flags band ?V4MAPPED} of
        {_, true, _} -> {ok, Text, [{IP, undefined}]};
        {inet, false, Mapped} when Mapped =/= 0 -> {ok, Text, mapped([{IP, undefined}])};
        _ -> {error, {gai, eaddrfamily}}
    end.

mapped(Found) -> [{element(2, esock_addr:to_ipv6(IP)), Ttl} || {IP, Ttl} <- Found].

%% ADDRCONFIG: families with an address that is not a loopback.
configured(Families, Flags) when Flags band ?ADDRCONFIG =/= 0 ->
    case esock_net_if:addresses(#{loopback => false}, #{}) of
        {ok, Own} -> [F || F <- Families, lists:any(fun(#{family := Has}) -> Has =:= F end, Own)];
        {error, _} -> Families
    end;
configured(Families, _) -> Families.

%% A name with a dot is tried as it is first.
candidates(Name) ->
    Searched = [Name ++ "." ++ Domain || Domain <- inet_db:res_option(search), Domain =/= ""],
    case {lists:last(Name), lists:member($., Name)} of
        {$., _} -> [lists:droplast(Name)];
        {_, true} -> [Name | Searched];
        {_, false} -> Searched ++ [Name]
    end.

names([], _, _, Error) -> Error;
names([Name | Rest], Families, Asked, Error) ->
    case name(Name, Families, Asked) of
        {ok, _, _} = Found -> Found;
        {error, {gai, enoname}} -> names(Rest, Families, Asked, Error);
        {error, _} = Other -> Other
    end.

name(Name, Families, #{flags := Flags} = Asked) ->
    Answers = [lookup(Name, Family, Asked) || Family <- Families],
    Mapped = case {Families, Flags band ?V4MAPPED, Flags band ?ALL} of
                 {[inet6], M, A} when M =/= 0, A =/= 0; M =/= 0, element(1, hd(Answers)) =:= error ->
                     case lookup(Name, inet, Asked) of
                         {ok, Canonical, Found} -> [{ok, Canonical, mapped(Found)}];
                         Error -> [Error]
                     end;
                 _ -> []
             end,
    joined([A || {ok, _, _} = A <- Answers ++ Mapped], Answers).

joined([{ok, Canonical, _} | _] = Good, _) -> {ok, Canonical, lists:append([Found || {ok, _, Found} <- Good])};
%% A family without records says that the name is there; a failure matters more.
joined([], Errors) ->
    Reasons = [Reason || {error, Reason} <- Errors],
    {error, {gai, hd([R || R <- [eagain, efail, enodata, enoname], lists:member(R, Reasons)] ++ [enoname])}}.

lookup(Name, Family, Asked) ->
    case inet_hosts:gethostbyname(Name, Family) of
        {ok, {hostent, Canonical, _, _, _, [_ | _] = IPs}} -> {ok, Canonical, [{IP, undefined} || IP <- IPs]};
        _ -> dns(Name, Family, Asked)
    end.

dns(Name, Family, #{nameservers := Servers}) ->
    Type = if Family =:= inet -> a; true -> aaaa end,
    Opts = case Servers of
               [] -> [];
               _ -> [{nameservers, Servers}]
           end,
    case inet_res:resolve(Name, in, Type, Opts) of
        {ok, Message} -> records(Type, inet_dns:msg(Message, anlist));
        {error, {nxdomain, _}} -> {error, enoname};
        {error, nxdomain} -> {error, enoname};
        {error, {Code, _}} when Code =:= formerr; Code =:= notimp; Code =:= badvers -> {error, efail};
        {error, Code} when Code =:= formerr; Code =:= notimp; Code =:= badvers -> {error, efail};
        %% No server answers, or none is willing to.
        {error, _} -> {error, eagain}
    end.

records(Type, Records) ->
    case [{inet_dns:rr(R, domain), inet_dns:rr(R, data), inet_dns:rr(R, ttl)} || R <- Records, inet_dns:rr(R, type) =:= Type] of
        [] -> {error, enodata};
        [{Canonical, _, _} | _] = Found ->
            Ttls = [inet_dns:rr(R, ttl) || R <- Records],
            {ok, Canonical, [{IP, lists:min(Ttls)} || {_, IP, _} <- Found]}
    end.

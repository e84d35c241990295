%% @private
%% @doc The arguments of lookups: what a caller gives, checked and as numbers.
-module(esock_net_args).

-export([addresses/3, query/1, text/1]).

-define(PASSIVE, 1).
-define(NUMERICHOST, 4).
-define(NUMERICSERV, 16#400).
-define(DEFAULTS,
        #{family => 0, type => 0, protocol => 0, flags => 0, resolver => libc, reverse => false, nameservers => []}).

%% @doc The arguments of {@link esock_net:getaddrinfo/4}.
-spec addresses(term(), term(), term()) -> {ok, map()} | {error, {invalid, term()}}.
addresses(Host, Service, #{} = Opts) ->
    case options(maps:to_list(Opts), ?DEFAULTS) of
        {ok, Asked} ->
            {H, HostFlags} = host(Host),
            {S, ServiceFlags} = service(Service, H),
            {ok, Asked#{host => H, service => S, flags := maps:get(flags, Asked) bor HostFlags bor ServiceFlags}};
        Error -> Error
    end;
addresses(_, _, _) -> error(badarg).

host(undefined) -> {undefined, 0};
host(loopback) -> {undefined, 0};
host(any) -> {undefined, ?PASSIVE};
host(IP) when is_tuple(IP) ->
    case esock_addr:ip_of(IP) of
        undefined -> error(badarg);
        _ -> {list_to_binary(esock_addr:format_ip(IP)), ?NUMERICHOST}
    end;
host(Name) -> {text(Name), 0}.

%% libc refuses a host and a service that are both missing.
service(undefined, _) -> {undefined, 0};
service(Port, _) when is_integer(Port), Port >= 0, Port =< 65535 -> {integer_to_binary(Port), ?NUMERICSERV};
service(Service, _) -> {text(Service), 0}.

%% @doc The bytes of a text without a NUL, as libc takes it.
-spec text(term()) -> binary().
text(Text) when is_list(Text); is_binary(Text) ->
    case unicode:characters_to_binary(Text) of
        Bytes when is_binary(Bytes), byte_size(Bytes) =< 4096 ->
            case binary:match(Bytes, <<0>>) of
                nomatch -> Bytes;
                _ -> error(badarg)
            end;
        _ -> error(badarg)
    end;
text(_) -> error(badarg).

options([], Asked) -> {ok, Asked};
options([{Key, Value} | Rest], Asked) ->
    case option(Key, Value) of
        {ok, Number} -> options(Rest, Asked#{Key => Number});
        error -> {error, {invalid, {option, Key}}};
        {error, What} -> {error, {invalid, {option, [Key, What]}}}
    end.

option(family, Family) -> valid(family(Family));
option(type, Type) -> valid(type(Type));
option(protocol, Protocol) -> valid(protocol(Protocol));
option(flags, Flags) -> esock_net_names:flags(ai, Flags);
option(resolver, Resolver) when Resolver =:= libc; Resolver =:= inet -> {ok, Resolver};
option(reverse, Reverse) when is_boolean(Reverse) -> {ok, Reverse};
option(cache, Cache) when is_pid(Cache); is_atom(Cache); is_tuple(Cache) -> {ok, Cache};
option(nameservers, Servers) when is_list(Servers) ->
    case lists:all(fun is_server/1, Servers) of
        true -> {ok, Servers};
        false -> error
    end;
option(_, _) -> error.

is_server({IP, Port}) -> esock_addr:ip_of(IP) =/= undefined andalso is_integer(Port) andalso Port > 0 andalso Port < 65536;
is_server(_) -> false.

valid(N) when N >= 0 -> {ok, N};
valid(_) -> error.

family(inet) -> 2;
family(inet6) -> 10;
family(unspec) -> 0;
family(N) when is_integer(N), N >= 0, N < 1 bsl 16 -> N;
family(_) -> -1.

type(any) -> 0;
type(stream) -> 1;
type(dgram) -> 2;
type(raw) -> 3;
type(rdm) -> 4;
type(seqpacket) -> 5;
type(dccp) -> 6;
type(N) when is_integer(N), N >= 0, N < 1 bsl 16 -> N;
type(_) -> -1.

protocol(default) -> 0;
protocol(N) when is_integer(N), N >= 0, N < 1 bsl 16 -> N;
protocol(Name) when is_atom(Name) ->
    case esock_nif:protocol(inet, Name) of
        N when is_integer(N) -> N;
        undefined -> -1
    end;
protocol(_) -> -1.

%% @doc The query of libc, for `esock_nif:lookup/3'.
-spec query(map()) -> tuple().
query(#{host := Host, service := Service, flags := Flags, family := Family, type := Type, protocol := Protocol}) ->
    {addresses, Host, Service, {Flags, Family, Type, Protocol}}.

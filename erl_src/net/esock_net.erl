%% @doc Names, services and interfaces: the functions of OTP's `net', and those of netdb.h and net/if.h that it lacks.
%%
%% {@link getaddrinfo/1}, {@link getaddrinfo/2}, {@link getnameinfo/1} and {@link getnameinfo/2} answer errors as `net' does, bare
%% codes such as `enoname'. All others return `{error, {gai, Code}}': {@link gai_error()}, so that `eagain' of a resolver
%% and that of the system differ.
%%
%% == Waiting ==
%%
%% libc's resolver blocks. It runs on threads of the NIF, so that no scheduler waits: at most `resolver_threads' (default 32) of the
%% environment of the application `esock', started as they are needed. Up to `resolver_queue' (default 1024) lookups wait for a
%% thread; one more returns `{error, {gai, busy}}'. A lookup cannot be interrupted: if its caller cancels it, reaches the timeout
%% or ends, the thread stays busy until libc answers. With `resolver => inet' OTP's resolver asks, from a process for each
%% lookup, at most `resolver_processes' (default 1024) of them.
%%
%% `Timeout' is `infinity', or milliseconds: the call returns `{error, timeout}' then. With `nowait', or a reference as the handle,
%% a call returns `{completion, {completion_info, Tag, Handle}}', and the caller receives exactly one message
%% ``{'$esock_net', Handle, Result}'', unless {@link cancel/1} ends the lookup. Any other value raises `{invalid, {timeout, Timeout}}'.
%% ```
%% {completion, {completion_info, _, Handle}} = esock_net:getaddrinfo("localhost", 80, #{type => stream}, nowait),
%% receive {'$esock_net', Handle, {ok, [#{addr := #{port := 80}} | _]}} -> ok end.
%% '''
-module(esock_net).

-export([getaddrinfo/1, getaddrinfo/2, getaddrinfo/3, getaddrinfo/4, foreach_addr/4, cancel/1, info/0]).
-export([getnameinfo/1, getnameinfo/2, getnameinfo/3]).
-export([gethostbyname/1, gethostbyname_ex/1, gethostbyname_ex/2, gethostbyaddr/1, gethostbyaddr/2]).
-export([gethostname/0, sethostname/1, getfqdn/0, getfqdn/1]).
-export([getservbyname/1, getservbyname/2, getservbyport/1, getservbyport/2, port/2, getprotobyname/1, getprotobynumber/1]).
-export([getifaddrs/0, getifaddrs/1, getifaddrs/2, ip_address_list/0, ip_address_list/1]).
-export([if_name2index/1, if_index2name/1, if_names/0, if_nametoindex/1, if_indextoname/1, if_nameindex/0, if_nameindex/1]).
-export([call/4, cast/4, broadcast/3, ping/1, sleep/1, debug/1]).
-export([has_dualstack/0, ipv6_usable/0, tcp_congestion_available/0, gai_strerror/1, format_error/1]).

-export_type([gai_error/0, error/0, handle/0, completion/0, address_info/0, options/0, ai_flag/0, name_info/0, ni_flag/0, hostent/0,
              servent/0, ifaddr/0, filter/0, wait/0]).

-type gai_error() ::
        ebadflags | enoname | eagain | efail | enodata | efamily | esocktype | eservice | eaddrfamily | emem | eoverflow |
        einprogress | ecanceled | enotcanceled | ealldone | eintr | eidnencode | busy | {system, esock:posix()} | integer().
%% EAI_* of getaddrinfo(3). `{system, Posix}' is EAI_SYSTEM with its error, `busy': too many lookups wait. Example: `enoname'.

-type error() :: {error, {gai, gai_error()} | timeout | {invalid, term()}}.
%% Why a lookup has no result. `{invalid, {option, Key}}': an option is unknown, or its value is. Example: `{error, timeout}'.

-type handle() :: reference().
%% What a message of a lookup is known by.

-type wait() :: timeout() | nowait | handle().
%% How a call waits. Example: `5000'.

-type completion() :: {completion, {completion_info, Tag :: term(), handle()}}.
%% The answer of a call that does not wait.

-type address_info() ::
        #{family := esock:domain() | integer(), socktype := any | esock:type() | integer(), protocol := esock:protocol() | integer(),
          addr := esock:sockaddr(), canonname => string(), hostname => string()}.
%% An element of the list of getaddrinfo(3), with the keys that `net' of OTP 27 and 29 returns (that of OTP 25 has `type').
%% Example: `#{family => inet, socktype => stream, protocol => tcp, addr => #{family => inet, addr => {127, 0, 0, 1}, port => 80}}'.

-type ai_flag() :: passive | canonname | numerichost | v4mapped | all | addrconfig | idn | canonidn | numericserv | non_neg_integer().
%% AI_* of getaddrinfo(3), or bits.

-type options() ::
        #{family => unspec | inet | inet6 | non_neg_integer(), type => any | esock:type() | non_neg_integer(),
          protocol => esock:protocol() | non_neg_integer(), flags => [ai_flag()], resolver => libc | inet,
          nameservers => [{inet:ip_address(), 1..65535}], cache => esock_net_cache:cache(), reverse => boolean()}.
%% Hints, each 0 by default. `resolver': libc (default) with all that nsswitch.conf(5) names, or `inet', OTP's `inet_hosts' and
%% `inet_res', in the order of RFC 6724; `nameservers' are those it asks instead of resolv.conf(5)'s. `cache': see
%% {@link esock_net_cache}. `reverse': each element gets `hostname', the name of its address, if it has one.

-type name_info() :: #{host := string(), service := string()}.
%% The names of an address. Example: `#{host => "localhost", service => "http"}'.

-type ni_flag() :: numerichost | numericserv | nofqdn | namereqd | dgram | idn | non_neg_integer().
%% NI_* of getnameinfo(3), or bits.

-type hostent() :: #{name := string(), aliases := [string()], addrs := [inet:ip_address()]}.
%% A host, gethostbyname(3).

-type servent() :: #{name := string(), aliases := [string()], port := esock:port_number(), protocol := string()}.
%% A service, services(5).

-type ifaddr() ::
        #{name := string(), ifindex := pos_integer(), flags := [atom() | integer()], addr => esock:sockaddr(),
          netmask => esock:sockaddr(), broadaddr => esock:sockaddr(), dstaddr => esock:sockaddr(), stats => map()}.
%% An entry of getifaddrs(3): of family `packet' one for each interface, with its MAC address and `stats' (packets and bytes).

-type filter() ::
        all | default | inet | inet6 | packet | link | hwaddr | fun((ifaddr()) -> boolean()) |
        #{family => all | default | atom() | [atom()], flags => any | [atom()]}.
%% Which entries: of a family, with all of these flags, or those for which the function answers `true'.

%%% ---- Addresses

%% @doc As {@link getaddrinfo/2} without a service.
-spec getaddrinfo(string()) -> {ok, [address_info()]} | {error, term()}.
getaddrinfo(Host) when is_list(Host) -> getaddrinfo(Host, undefined).

%% @doc The addresses of a host and a service, as `net:getaddrinfo/2' of OTP: without hints, with bare codes as errors.
%% ```
%% {ok, [#{family := inet} | _]} = esock_net:getaddrinfo("127.0.0.1", "80").
%% '''
-spec getaddrinfo(string() | undefined, string() | undefined) -> {ok, [address_info()]} | {error, term()}.
getaddrinfo(Host, Service)
  when is_list(Host), is_list(Service); is_list(Host), Service =:= undefined; Host =:= undefined, is_list(Service) ->
    bare(esock_net_lookup:query(getaddrinfo, {addresses, maybe_text(Host), maybe_text(Service), undefined}, infinity)).

maybe_text(undefined) -> undefined;
maybe_text(Text) -> esock_net_args:text(Text).

bare({error, {gai, {system, _}}}) -> {error, esystem};
bare({error, {gai, Code}}) -> {error, Code};
bare(Result) -> Result.

%% @doc As {@link getaddrinfo/4} with `infinity'.
-spec getaddrinfo(any | loopback | undefined | string() | binary() | inet:ip_address(), string() | binary() | 0..65535 | undefined, options()) ->
          {ok, [address_info()]} | error().
getaddrinfo(Host, Service, Opts) -> getaddrinfo(Host, Service, Opts, infinity).

%% @doc The addresses of a host and a service, getaddrinfo(3). `any' is the address to listen on all interfaces, `loopback' and
%% `undefined' this host; `Service' is a name of services(5), a port, or `undefined'.
%% ```
%% {ok, [#{addr := #{family := inet, port := 443}} | _]} =
%%     esock_net:getaddrinfo("localhost", 443, #{family => inet, type => stream}, 5000).
%% '''
-spec getaddrinfo(any | loopback | undefined | string() | binary() | inet:ip_address(), string() | binary() | 0..65535 | undefined,
                  options(), wait()) -> {ok, [address_info()]} | completion() | error().
getaddrinfo(Host, Service, Opts, Timeout) -> esock_net_lookup:addresses(Host, Service, Opts, Timeout).

%% @doc Calls a function with each address, and returns `ok'.
-spec foreach_addr(term(), term(), options(), fun((address_info()) -> term())) -> ok | error().
foreach_addr(Host, Service, Opts, Fun) ->
    case getaddrinfo(Host, Service, Opts) of
        {ok, Found} -> lists:foreach(Fun, Found);
        Error -> Error
    end.

%% @doc Ends a lookup that does not wait. Afterwards its message is not in the inbox, and does not come. `{invalid, Info}': there is no
%% such lookup of this process: its message has been received, or it was cancelled.
-spec cancel({completion_info, term(), handle()}) -> ok | {error, {invalid, term()}}.
cancel(Info) -> esock_net_lookup:cancel(Info).

%% @doc The lookups of this node: `threads' of libc's resolver, how many lookups are `running' on them and `waiting' for one, and
%% `processes' that make one.
-spec info() -> #{threads := non_neg_integer(), running := non_neg_integer(), waiting := non_neg_integer(), processes := non_neg_integer()}.
info() ->
    {Threads, Running, Waiting, Processes} = esock_nif:lookups(),
    #{threads => Threads, running => Running, waiting => Waiting, processes => Processes}.

%% @doc As {@link getnameinfo/2} without flags.
-spec getnameinfo(esock:sockaddr()) -> {ok, name_info()} | {error, term()}.
getnameinfo(Address) -> getnameinfo(Address, undefined).

%% @doc The names of a host and a service, as `net:getnameinfo/2' of OTP: with bare codes as errors.
%% ```
%% {ok, #{host := "127.0.0.1", service := "80"}} =
%%     esock_net:getnameinfo(#{family => inet, addr => loopback, port => 80}, [numerichost, numericserv]).
%% '''
-spec getnameinfo(esock:sockaddr(), [ni_flag()] | undefined) -> {ok, name_info()} | {error, term()}.
getnameinfo(Address, undefined) -> getnameinfo(Address, []);
getnameinfo(Address, Flags) -> bare(getnameinfo(Address, Flags, infinity)).

%% @doc The names of a host and a service, getnameinfo(3).
-spec getnameinfo(esock:sockaddr(), [ni_flag()], wait()) -> {ok, name_info()} | completion() | error().
getnameinfo(Address, Flags, Timeout) when is_map(Address), is_list(Flags) ->
    case {esock_addr:pack(Address), esock_net_names:flags(ni, Flags)} of
        {{ok, Bytes}, {ok, Bits}} -> esock_net_lookup:query(getnameinfo, {names, Bytes, Bits}, Timeout);
        {{error, _} = Error, _} -> Error;
        {_, {error, Flag}} -> {error, {invalid, {flag, Flag}}}
    end;
getnameinfo(_, _, _) -> error(badarg).

%%% ---- Hosts

%% @doc An IPv4 address of a host.
%% ```
%% {ok, {127, 0, 0, 1}} = esock_net:gethostbyname("localhost").
%% '''
-spec gethostbyname(string() | binary()) -> {ok, inet:ip4_address()} | error().
gethostbyname(Host) -> esock_net_db:address(Host).

%% @doc As {@link gethostbyname_ex/2} with `infinity'.
-spec gethostbyname_ex(string() | binary()) -> {ok, hostent()} | error().
gethostbyname_ex(Host) -> gethostbyname_ex(Host, infinity).

%% @doc The canonical name, the other names and the IPv4 addresses of a host, gethostbyname(3).
-spec gethostbyname_ex(string() | binary(), wait()) -> {ok, hostent()} | completion() | error().
gethostbyname_ex(Host, Timeout) -> esock_net_lookup:query(gethostbyname, {host, esock_net_args:text(Host), 2}, Timeout).

%% @doc As {@link gethostbyaddr/2} with `infinity'.
-spec gethostbyaddr(inet:ip_address() | string() | binary()) -> {ok, hostent()} | error().
gethostbyaddr(Addr) -> gethostbyaddr(Addr, infinity).

%% @doc The names of an address, or of the first address of a host, gethostbyaddr(3).
%% ```
%% {ok, #{name := "localhost"}} = esock_net:gethostbyaddr({127, 0, 0, 1}).
%% '''
-spec gethostbyaddr(inet:ip_address() | string() | binary(), wait()) -> {ok, hostent()} | completion() | error().
gethostbyaddr(Addr, Timeout) -> esock_net_db:host_of(Addr, Timeout).

%% @doc The name of this host, gethostname(2).
-spec gethostname() -> {ok, string()} | {error, esock:posix()}.
gethostname() -> esock_net_db:text(esock_nif:gethostname()).

%% @doc Sets the name of this host, sethostname(2): at most 64 bytes. Errors: `eperm', `einval'.
-spec sethostname(string() | binary()) -> ok | {error, esock:posix()}.
sethostname(Name) -> esock_nif:sethostname(esock_net_args:text(Name)).

%% @doc As {@link getfqdn/1} of this host.
-spec getfqdn() -> {ok, string()} | {error, esock:posix()}.
getfqdn() -> getfqdn("").

%% @doc The full name of a host: the first of its names that has a dot, else its name; a host that no resolver knows is the name
%% itself. `""', `"0.0.0.0"' and `"::"' are this host.
-spec getfqdn(string()) -> {ok, string()} | {error, esock:posix()}.
getfqdn(Host) -> esock_net_db:full_name(Host).

%%% ---- Services and protocols

%% @doc As {@link getservbyname/2} with any protocol.
-spec getservbyname(string()) -> {ok, esock:port_number()} | {error, enoent | term()}.
getservbyname(Name) -> getservbyname(Name, any).

%% @doc The port of a service of services(5). `enoent': there is none of that name (OTP's `net' answers `einval').
%% ```
%% {ok, 80} = esock_net:getservbyname("http", tcp).
%% '''
-spec getservbyname(string() | binary(), any | atom() | string()) -> {ok, esock:port_number()} | {error, enoent | term()}.
getservbyname(Name, Protocol) -> esock_net_db:service(Name, Protocol).

%% @doc As {@link getservbyport/2} with any protocol.
-spec getservbyport(esock:port_number()) -> {ok, string()} | {error, enoent | term()}.
getservbyport(Port) -> getservbyport(Port, any).

%% @doc The name of the service of a port, services(5).
-spec getservbyport(esock:port_number(), any | atom() | string()) -> {ok, string()} | {error, enoent | term()}.
getservbyport(Port, Protocol) -> esock_net_db:service_of(Port, Protocol).

%% @doc The port that a number, the text of one (decimal, `0x...', `0...') or the name of a service stands for.
%% ```
%% {ok, 80} = esock_net:port("0x50", tcp).
%% '''
-spec port(string() | esock:port_number(), any | atom() | string()) -> {ok, esock:port_number()} | {error, enoent | term()}.
port(Service, Protocol) -> esock_net_db:port(Service, Protocol).

%% @doc The number of a protocol: of protocols(5), else of {@link esock:protocols/0}.
%% ```
%% {ok, 6} = esock_net:getprotobyname("tcp").
%% '''
-spec getprotobyname(string() | atom()) -> {ok, 0..255} | {error, enoent}.
getprotobyname(Name) when is_atom(Name) -> getprotobyname(atom_to_list(Name));
getprotobyname(Name) -> esock_net_db:protocol(Name).

%% @doc The name of a protocol by its number.
-spec getprotobynumber(0..255) -> {ok, string()} | {error, enoent}.
getprotobynumber(Number) when is_integer(Number), Number >= 0, Number =< 255 -> esock_net_db:protocol_name(Number).

%%% ---- Interfaces

%% @doc As {@link getifaddrs/1} with `default'.
-spec getifaddrs() -> {ok, [ifaddr()]} | {error, term()}.
getifaddrs() -> getifaddrs(default).

%% @doc As {@link getifaddrs/2}: with a filter, or of a network namespace by its path.
-spec getifaddrs(filter() | file:filename_all()) -> {ok, [ifaddr()]} | {error, term()}.
getifaddrs(Path) when is_list(Path); is_binary(Path) -> getifaddrs(default, Path);
getifaddrs(Filter) -> selected(Filter, #{}).

%% @doc The interfaces and their addresses, getifaddrs(3), in a network namespace, setns(2), with all flags IFF_*.
%% ```
%% {ok, [#{name := "lo", flags := [up | _]}]} = esock_net:getifaddrs(#{family => inet, flags => [loopback]}).
%% '''
-spec getifaddrs(filter(), file:filename_all() | #{netns => file:filename_all()}) -> {ok, [ifaddr()]} | {error, term()}.
getifaddrs(Filter, #{} = Opts) -> selected(Filter, Opts);
getifaddrs(Filter, Path) -> selected(Filter, #{netns => Path}).

selected(Filter, Opts) -> esock_net_if:selected(Filter, Opts).

%% @doc As {@link ip_address_list/1} of all interfaces.
-spec ip_address_list() -> {ok, [esock:sockaddr()]} | {error, term()}.
ip_address_list() -> ip_address_list(#{}).

%% @doc The IP addresses of this host. Options, default all: `family', `up' (whether the interface is), `loopback' (whether the address
%% is), `netns' (the path of a network namespace).
-spec ip_address_list(#{family => inet | inet6, up => boolean(), loopback => boolean(), netns => file:filename_all()}) ->
          {ok, [esock:sockaddr()]} | {error, term()}.
ip_address_list(Opts) -> esock_net_if:addresses(Opts).

%% @doc The index of an interface, if_nametoindex(3). `enodev': there is none of that name.
-spec if_name2index(string()) -> {ok, pos_integer()} | {error, esock:posix()}.
if_name2index(Name) when is_list(Name), length(Name) > 15 -> {error, enodev};
if_name2index(Name) -> esock_nif:if_nametoindex(Name).

%% @doc The name of an interface, if_indextoname(3). `enxio': there is none of that index.
-spec if_index2name(non_neg_integer()) -> {ok, string()} | {error, esock:posix()}.
if_index2name(Index) -> esock_net_db:text(esock_nif:if_indextoname(Index)).

%% @doc The indices and names of all interfaces, as `net:if_names/0' of OTP.
-spec if_names() -> {ok, [{pos_integer(), string()}]} | {error, term()}.
if_names() -> esock_net_if:names(#{}).

%% @equiv if_name2index(Name)
-spec if_nametoindex(string()) -> {ok, pos_integer()} | {error, esock:posix()}.
if_nametoindex(Name) -> if_name2index(Name).

%% @equiv if_index2name(Index)
-spec if_indextoname(non_neg_integer()) -> {ok, string()} | {error, esock:posix()}.
if_indextoname(Index) -> if_index2name(Index).

%% @equiv if_names()
-spec if_nameindex() -> {ok, [{pos_integer(), string()}]} | {error, term()}.
if_nameindex() -> if_names().

%% @doc As {@link if_nameindex/0} in a network namespace by its path.
-spec if_nameindex(file:filename_all()) -> {ok, [{pos_integer(), string()}]} | {error, term()}.
if_nameindex(Path) -> esock_net_if:names(#{netns => Path}).

%%% ---- What there is

%% @doc Whether one socket of IPv6 can serve IPv4 too, {@link esock:setopt/3} with `{ipv6, v6only}'.
-spec has_dualstack() -> boolean().
has_dualstack() -> esock_net_if:inet6(fun(S) -> esock:setopt(S, {ipv6, v6only}, false) end).

%% @doc Whether IPv6 can be used: a socket can be bound to `::1'.
-spec ipv6_usable() -> boolean().
ipv6_usable() -> esock_net_if:inet6(fun(S) -> esock:bind(S, #{family => inet6, addr => loopback, port => 0}) end).

%% @doc The names that `{tcp, congestion}' may have, tcp(7).
-spec tcp_congestion_available() -> {ok, [string()]} | {error, esock:posix()}.
tcp_congestion_available() -> esock_net_if:congestion().

%% @doc The text of a code EAI_*, gai_strerror(3): its name or its number, or `{system, Posix}'.
%% ```
%% "Name or service not known" = esock_net:gai_strerror(enoname).
%% '''
-spec gai_strerror(gai_error() | esystem) -> string().
gai_strerror(Code) -> esock_net_names:text(Code).

%% @doc The text of the reason of an error of this module.
-spec format_error(term()) -> string().
format_error(Reason) -> esock_net_names:format(Reason).

%%% ---- Deprecated in OTP's `net', and here for programs that call them

%% @doc As {@link rpc:call/4}.
-spec call(node(), module(), atom(), [term()]) -> term().
call(Node, Module, Function, Args) -> rpc:call(Node, Module, Function, Args).

%% @doc As {@link rpc:cast/4}.
-spec cast(node(), module(), atom(), [term()]) -> true.
cast(Node, Module, Function, Args) -> rpc:cast(Node, Module, Function, Args).

%% @doc As {@link rpc:eval_everywhere/3}.
-spec broadcast(module(), atom(), [term()]) -> abcast.
broadcast(Module, Function, Args) -> rpc:eval_everywhere(Module, Function, Args).

%% @doc As {@link net_adm:ping/1}.
-spec ping(node()) -> pang | pong.
ping(Node) -> net_adm:ping(Node).

%% @doc As {@link timer:sleep/1}.
-spec sleep(timeout()) -> ok.
sleep(Time) -> timer:sleep(Time).

%% @doc Debug output of `net': there is none here.
-spec debug(boolean()) -> ok.
debug(On) when is_boolean(On) -> ok;
debug(_) -> error(badarg).

%% Names, services and interfaces, beside OTP's `net', Python and `ip'; slow resolvers in a VM of its own (esock_net_private).
-module(esock_net_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [as_net, interfaces_as_net, lookups_of_python, services_of_python, texts_of_python, interfaces_of_ip, in_a_namespace,
     addresses_of_host, waiting, cancelled, any_way_at_once, wrong_arguments, cache, cache_size, order_of_libc, what_there_is, rpc,
     private_answers, private_names, private_slow, private_below_the_pool, private_bounded, private_killed, private_given_up,
     private_cached, private_ends].

private_answers(Config) -> esock_net_private:run(Config, answers).
private_names(Config) -> esock_net_private:run(Config, names).
private_slow(Config) -> esock_net_private:run(Config, slow).
private_below_the_pool(Config) -> esock_net_private:run(Config, below_the_pool).
private_bounded(Config) -> esock_net_private:run(Config, bounded).
private_killed(Config) -> esock_net_private:run(Config, killed).
private_given_up(Config) -> esock_net_private:run(Config, given_up).
private_cached(Config) -> esock_net_private:run(Config, cached).
private_ends(Config) -> esock_net_private:run(Config, ends).

%% Minimal systems have no hosts file, and OTP and libc take names from the other two.
init_per_testcase(Case, Config) ->
    Files = [File || File <- ["/etc/hosts", "/etc/services", "/etc/protocols"], not filelib:is_regular(File)],
    case lists:member(Case, [as_net, lookups_of_python, services_of_python, waiting, cancelled, cache]) of
        true when Files =/= [] -> {skip, {without, Files}};
        _ -> Config
    end.

end_per_testcase(_, _) -> ok.

%%% ---- Beside OTP's net

as_net(_) ->
    [?assertEqual({Args, as_29(apply(net, F, Args))}, {Args, apply(esock_net, F, Args)})
     || {F, Args} <- [{getaddrinfo, ["localhost"]}, {getaddrinfo, ["127.0.0.1"]}, {getaddrinfo, ["::1", "80"]}, {getaddrinfo, [undefined, "http"]},
                      {getaddrinfo, ["localhost", "http"]}, {getaddrinfo, ["127.0.0.1", "no_such_service"]}, {getaddrinfo, ["no such host", undefined]},
                      {getnameinfo, [#{family => inet, addr => {127, 0, 0, 1}, port => 80}]},
                      {getnameinfo, [#{family => inet, addr => {127, 0, 0, 1}, port => 53}, [dgram, numerichost]]},
                      {getnameinfo, [#{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 7, scope_id => 0, flowinfo => 0}, [numerichost, numericserv]]},
                      {getnameinfo, [#{family => local, path => <<"/tmp/x">>}]},
                      {gethostname, []}, {if_names, []}, {if_name2index, ["lo"]}, {if_name2index, ["no_such_if"]}, {if_index2name, [1]}, {if_index2name, [99999]}]],
    [?assertError(_, esock_net:getaddrinfo(A, B)) || {A, B} <- [{undefined, undefined}, {foo, "1"}, {"x", 80}, {[0], "1"}]],
    [?assertError(_, esock_net:getnameinfo(A, B)) || {A, B} <- [{foo, []}, {#{family => inet}, foo}]],
    ?assertEqual({error, {invalid, {flag, foo}}}, esock_net:getnameinfo(#{family => inet}, [foo])),
    %% From OTP 27.1 on it has services; a service that is not there is `einval' to it.
    case erlang:function_exported(net, getservbyname, 2) of
        true -> [?assertEqual(known(net:getservbyname(Name, P)), esock_net:getservbyname(Name, P)) || Name <- ["http", "domain"], P <- [any, tcp, udp]];
        false -> ok
    end.

known({error, einval}) -> {error, enoent};
known(Result) -> Result.

%% On OTP 25 the key is another one than its documentation has.
as_29({ok, [#{protocol := _} | _] = Found}) ->
    {ok, [case maps:take(type, Info) of {Type, Rest} -> Rest#{socktype => Type}; error -> Info end || Info <- Found]};
as_29(Result) -> Result.

%% The keys and flags that net does not have.
plain(Entries) ->
    lists:sort([maps:without([ifindex, stats], E#{flags := lists:sort(Flags -- [allmulti, lower_up, dormant, echo])}) || #{flags := Flags} = E <- Entries]).

interfaces_as_net(_) ->
    [begin
         {ok, Ours} = esock_net:getifaddrs(Filter),
         {ok, Theirs} = net:getifaddrs(Filter),
         ?assertEqual({Filter, plain(Theirs)}, {Filter, plain(Ours)})
     end || Filter <- [all, inet, inet6, packet, #{family => all, flags => [loopback, up]}, #{family => inet6, flags => any},
                       fun(#{name := Name}) -> Name =:= "lo" end]],
    %% The default of OTP 29; others leave some families out.
    {ok, Default} = esock_net:getifaddrs(),
    {ok, All} = net:getifaddrs(all),
    ?assertEqual(plain([E || #{addr := _} = E <- All]), plain(Default)),
    %% Statistics go on.
    Same = fun(A, B) -> {{ok, As}, {ok, Bs}} = {esock_net:getifaddrs(A), esock_net:getifaddrs(B)}, ?assertEqual(plain(As), plain(Bs)) end,
    Same(packet, hwaddr),
    ?assertEqual({ok, []}, esock_net:getifaddrs(link)),
    Same(default, #{family => [inet, inet6, packet]}),
    ?assertError(badarg, esock_net:getifaddrs(1)).

%%% ---- Beside Python and ip

python(Config, Script, Fun) -> esock_oracle:python(Config, "import socket\n" ++ Script, fun(Output) -> Fun(string:lexemes(binary_to_list(Output), "\n")) end).

lookups_of_python(Config) ->
    Asked = [{Host, Service, Family, Type, Flags} || Host <- ["127.0.0.1", "::1", "localhost", undefined], Service <- [80, "http", "53"], Family <- [0, 2, 10],
                                                     Type <- [0, 1, 2, 3], Flags <- [0, 1, 2, 4, 16#400]],
    Script = ["def a(*x):\n try: return sorted((int(f), int(t), p, c, s[0], s[1]) for f, t, p, c, s in socket.getaddrinfo(*x))\n except socket.gaierror as e: return e.errno\n",
              [io_lib:format("print(a(~s, ~s, ~w, ~w, 0, ~w))\n", [quoted(H), quoted(S), F, T, Fl]) || {H, S, F, T, Fl} <- Asked]],
    python(Config, lists:flatten(Script), fun(Lines) ->
        [?assertEqual({A, Line}, {A, as_python(esock_net:getaddrinfo(H, S, #{family => F, type => T, flags => [Fl]}))})
         || {{H, S, F, T, Fl} = A, Line} <- lists:zip(Asked, Lines)] end).

quoted(undefined) -> "None";
quoted(N) when is_integer(N) -> integer_to_list(N);
quoted(Text) -> "'" ++ Text ++ "'".

as_python({ok, Found}) ->
    Number = fun(Name, Names) -> proplists:get_value(Name, Names, Name) end,
    All = lists:sort([{Number(F, [{inet, 2}, {inet6, 10}]), Number(T, [{stream, 1}, {dgram, 2}, {raw, 3}]), Number(P, [{ip, 0}, {tcp, 6}, {udp, 17}]),
                       maps:get(canonname, I, ""), esock_addr:format_ip(IP), Port}
                      || #{family := F, socktype := T, protocol := P, addr := #{addr := IP, port := Port}} = I <- Found]),
    lists:flatten(["[", lists:join(", ", [io_lib:format("(~w, ~w, ~w, '~s', '~s', ~w)", tuple_to_list(E)) || E <- All]), "]"]);
as_python({error, {gai, Code}}) ->
    integer_to_list(proplists:get_value(Code, [{ebadflags, -1}, {enoname, -2}, {eagain, -3}, {efail, -4}, {enodata, -5}, {efamily, -6}, {esocktype, -7},
                                               {eservice, -8}, {eaddrfamily, -9}])).

services_of_python(Config) ->
    Names = ["http", "https", "domain", "ssh", "smtp", "ntp", "no_such"],
    Ports = [80, 443, 53, 22, 123, 1],
    Protocols = ["tcp", "udp", "icmp", "igmp", "ipv6-icmp", "sctp", "udplite", "esp", "no_such"],
    Script = ["def t(f, *a):\n try: return f(*a)\n except OSError: return '-'\n",
              [io_lib:format("print(t(socket.getservbyname, '~s'~s))\n", [N, P]) || N <- Names, P <- ["", ", 'tcp'", ", 'udp'"]],
              [io_lib:format("print(t(socket.getservbyport, ~w~s))\n", [N, P]) || N <- Ports, P <- ["", ", 'tcp'", ", 'udp'"]],
              [io_lib:format("print(t(socket.getprotobyname, '~s'))\n", [P]) || P <- Protocols]],
    Value = fun({ok, V}) when is_integer(V) -> integer_to_list(V); ({ok, V}) -> V; ({error, enoent}) -> "-" end,
    Ours = [Value(esock_net:getservbyname(N, P)) || N <- Names, P <- [any, tcp, udp]] ++ [Value(esock_net:getservbyport(N, P)) || N <- Ports, P <- [any, tcp, udp]] ++
        [Value(esock_net:getprotobyname(P)) || P <- Protocols],
    [?assertEqual({ok, N}, esock_net:getprotobyname(list_to_atom(P))) || P <- ["tcp", "udp"], {ok, N} <- [esock_net:getprotobyname(P)]],
    ?assertEqual({ok, "tcp"}, esock_net:getprotobynumber(6)),
    ?assertEqual({error, enoent}, esock_net:getprotobynumber(254)),
    [?assertEqual({ok, 80}, esock_net:port(P, tcp)) || P <- [80, "80", "0x50", "0120", "http"]],
    [?assertEqual({error, enoent}, esock_net:port(P, tcp)) || P <- ["65536", "0x", "08", "", "-1", "80x"]],
    [?assertError(badarg, esock_net:getservbyport(P)) || P <- [-1, 65536, a]],
    python(Config, lists:flatten(Script), fun(Lines) -> ?assertEqual(Lines, Ours) end).

%% The texts of glibc; some releases have none for EAI_OVERFLOW.
texts_of_python(Config) ->
    Codes = [-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -100, -101, -102, -103, -104, -105, 5],
    Script = "import ctypes\nf = ctypes.CDLL(None).gai_strerror; f.restype = ctypes.c_char_p\nfor c in " ++ lists:flatten(io_lib:format("~w", [Codes])) ++ ": print(f(c).decode())\n",
    ?assertEqual("Name or service not known", esock_net:gai_strerror(enoname)),
    ?assertEqual("Name or service not known", esock_net:format_error({gai, enoname})),
    [?assert(is_list(esock_net:format_error(R))) || R <- [{gai, {system, enomem}}, {gai, busy}, {gai, -77}, {invalid, {option, x}}, timeout, enodev]],
    python(Config, Script, fun(Lines) -> ?assertEqual(Lines, [esock_net:gai_strerror(C) || C <- Codes]) end).

%% MAC, index, flags and counters of ip. Counters go on meanwhile, so these are of an interface that is down, and of an own namespace.
interfaces_of_ip(Config) ->
    Script = "import json, subprocess\nfor l in json.loads(subprocess.run(['ip', '-j', '-s', 'link'], capture_output=True).stdout):\n"
        " print(l['ifindex'], l['ifname'], l['address'].replace(':', ''), 'UP' in l['flags'], 'stats64' in l)\n",
    case os:find_executable("ip") of
        false -> {skip, no_ip};
        _ ->
            {ok, Links} = esock_net:getifaddrs(packet),
            [?assertMatch(#{rx_bytes := _, tx_packets := _}, Stats) || #{stats := Stats} <- Links],
            ?assertEqual(length(Links), length([1 || #{stats := _} <- Links])),
            python(Config, Script, fun(Lines) ->
                ?assertEqual(Lines, [lists:flatten(io_lib:format("~w ~s ~s ~s True", [I, N, string:lowercase(binary:encode_hex(Mac)),
                                                                                     string:titlecase(atom_to_list(lists:member(up, F)))]))
                                     || #{ifindex := I, name := N, flags := F, addr := #{addr := Mac}} <- Links]) end)
    end.

%% A namespace with a pair of interfaces, as `ip' in it sees them; statistics of what goes through.
in_a_namespace(_) ->
    esock_netlink_SUITE:in_netns(fun(#{netns := Path} = Opts) ->
        ok = esock_netlink:new_veth("va", "vb", Opts),
        [ok = esock_netlink:set_link(L, #{up => true}, Opts) || L <- ["va", "vb", "lo"]],
        ok = esock_netlink:add_address("va", {{10, 9, 8, 7}, 24}, Opts),
        ok = esock_netlink:add_address("va", {{16#FE80, 0, 0, 0, 0, 0, 0, 9}, 64}, Opts),
        {ok, Inet} = esock_net:getifaddrs(inet, Path),
        ?assertEqual({ok, Inet}, esock_net:getifaddrs(inet, Opts)),
        [Va] = [E || #{name := "va"} = E <- Inet],
        ?assertMatch(#{addr := #{addr := {10, 9, 8, 7}}, netmask := #{addr := {255, 255, 255, 0}}, ifindex := _}, Va),
        {ok, All} = esock_net:getifaddrs(Path),
        ?assertEqual(["lo", "va", "vb"], lists:usort([N || #{name := N} <- All])),
        #{ifindex := Index} = Va,
        ?assertMatch([_ | _], [E || #{name := "va", addr := #{family := inet6, addr := {16#FE80, 0, 0, 0, 0, 0, 0, 9}, scope_id := I}} = E <- All, I =:= Index]),
        {ok, Names} = esock_net:if_nameindex(Path),
        ?assert(lists:member({Index, "va"}, Names)),
        {ok, Own} = esock_net:ip_address_list(#{netns => Path, family => inet, loopback => false}),
        ?assertMatch([#{addr := {10, 9, 8, 7}}], Own),
        %% Counters: of what lo carries.
        {ok, S} = esock:open(inet, dgram, udp, Opts),
        ok = esock:sendto(S, <<0:8000>>, #{family => inet, addr => loopback, port => 9}),
        ok = esock:close(S),
        {ok, [#{stats := #{tx_packets := Packets, tx_bytes := Bytes}}]} = esock_net:getifaddrs(#{family => packet, flags => [loopback]}, Path),
        ?assert(Packets >= 1 andalso Bytes >= 1028) end),
    ?assertMatch({error, enoent}, esock_net:getifaddrs(default, "/no/such/namespace")).

addresses_of_host(_) ->
    {ok, All} = esock_net:ip_address_list(),
    {ok, Entries} = net:getifaddrs(default),
    ?assertEqual(lists:sort([A || #{addr := #{family := F} = A} <- Entries, F =/= packet]), lists:sort(All)),
    {ok, Four} = esock_net:ip_address_list(#{family => inet, up => true, loopback => true}),
    ?assert(lists:member(#{family => inet, addr => {127, 0, 0, 1}, port => 0}, Four)),
    ?assertEqual({error, {invalid, {option, foo}}}, esock_net:ip_address_list(#{foo => 1})).

%%% ---- Waiting

waiting(_) ->
    Handle = make_ref(),
    {completion, {completion_info, getaddrinfo, Handle}} = esock_net:getaddrinfo("localhost", 80, #{type => stream}, Handle),
    receive {'$esock_net', Handle, {ok, [#{addr := #{port := 80}} | _]}} -> ok end,
    {completion, {completion_info, getnameinfo, Name}} = esock_net:getnameinfo(#{family => inet, addr => loopback, port => 80}, [numerichost], nowait),
    receive {'$esock_net', Name, {ok, #{host := "127.0.0.1"}}} -> ok end,
    {completion, {completion_info, _, Host}} = esock_net:gethostbyname_ex("localhost", nowait),
    receive {'$esock_net', Host, {ok, #{name := "localhost"}}} -> ok end,
    {completion, {completion_info, _, Addr}} = esock_net:gethostbyaddr({127, 0, 0, 1}, nowait),
    receive {'$esock_net', Addr, {ok, #{addrs := [{127, 0, 0, 1}]}}} -> ok end,
    {completion, {completion_info, _, Inet}} = esock_net:getaddrinfo("127.0.0.1", 80, #{type => stream, resolver => inet}, nowait),
    receive {'$esock_net', Inet, {ok, [#{addr := #{port := 80}}]}} -> ok end,
    ok = esock_net:foreach_addr("127.0.0.1", 1, #{}, fun(Info) -> self() ! {each, Info} end),
    receive {each, #{family := inet}} -> ok end,
    [?assertError({invalid, {timeout, T}}, esock_net:getaddrinfo("localhost", 80, #{}, T)) || T <- [-1, 1 bsl 32, foo, 1.0]].

%% A cancel at any moment: no message afterwards, whatever came first.
cancelled(_) ->
    Counts = [begin
                  {completion, {_, _, Handle} = Info} = esock_net:getaddrinfo("127.0.0.1", 80, #{resolver => Resolver}, nowait),
                  [erlang:yield() || _ <- lists:seq(1, N rem 7)],
                  ok = esock_net:cancel(Info),
                  receive {'$esock_net', Handle, _} = M -> error(M) after 0 -> ok end,
                  ?assertEqual({error, {invalid, Info}}, esock_net:cancel(Info)),
                  Resolver
              end || Resolver <- [libc, inet], N <- lists:seq(1, 1000)],
    ?assertEqual(2000, length(Counts)),
    [?assertError({invalid, {completion_info, I}}, esock_net:cancel(I)) || I <- [foo, {completion_info, x, y}]],
    ?assertMatch({error, {invalid, _}}, esock_net:cancel({completion_info, getaddrinfo, make_ref()})),
    %% Another process's lookup is not there for this one.
    Self = self(),
    Pid = spawn_link(fun() ->
                         {completion, I} = esock_net:getaddrinfo("localhost", 80, #{}, nowait),
                         Self ! {info, I},
                         receive {'$esock_net', _, R} -> Self ! {result, R} end
                     end),
    receive {info, Info} -> ?assertMatch({error, {invalid, _}}, esock_net:cancel(Info)) end,
    receive {result, {ok, _}} -> ok end,
    true = unlink(Pid),
    esock_async_SUITE:until(fun() -> maps:without([threads], esock_net:info()) =:= #{running => 0, waiting => 0, processes => 0} end).

%% Many processes at once: each gets its own answers, and nothing else.
any_way_at_once(_) ->
    Self = self(),
    Pids = [spawn_link(fun() ->
                           [begin
                                Port = P * 100 + N,
                                {ok, [#{addr := #{port := Port}}]} = esock_net:getaddrinfo("127.0.0.1", Port, #{type => stream, resolver => R}, 20000)
                            end || N <- lists:seq(1, 50), R <- [libc, libc, inet]],
                           {messages, []} = process_info(self(), messages),
                           Self ! {self(), done}
                       end) || P <- lists:seq(1, 50)],
    [receive {Pid, done} -> ok end || Pid <- Pids],
    ok.

wrong_arguments(_) ->
    [?assertEqual({error, {invalid, {option, Key}}}, esock_net:getaddrinfo("localhost", 80, Opts))
     || {Key, Opts} <- [{foo, #{foo => 1}}, {family, #{family => foo}}, {family, #{family => -1}}, {type, #{type => foo}}, {protocol, #{protocol => "tcp"}},
                        {protocol, #{protocol => no_such}}, {resolver, #{resolver => dns}}, {cache, #{cache => 1}}, {reverse, #{reverse => 1}},
                        {nameservers, #{nameservers => [{1, 2, 3, 4}]}}, {nameservers, #{nameservers => [{{1, 2, 3, 4}, 0}]}}, {1, #{1 => 2}}]],
    [?assertEqual({error, {invalid, {option, [flags, Wrong]}}}, esock_net:getaddrinfo("localhost", 80, #{flags => Flags}))
     || {Flags, Wrong} <- [{[foo], foo}, {foo, foo}, {[-1], -1}, {[passive | foo], foo}]],
    [?assertError(badarg, esock_net:getaddrinfo(Host, Service, Opts))
     || {Host, Service, Opts} <- [{foo, 80, #{}}, {"a", -1, #{}}, {"a", 65536, #{}}, {"a", foo, #{}}, {[0], 80, #{}}, {<<0>>, 80, #{}}, {"a", 80, []}, {{1, 2}, 80, #{}},
                                  {lists:duplicate(5000, $a), 80, #{}}, {[16#D800], 80, #{}}]],
    ?assertEqual({error, {gai, enoname}}, esock_net:getaddrinfo(undefined, undefined, #{})),
    [?assertError(_, F()) || F <- [fun() -> esock_net:sethostname(foo) end, fun() -> esock_net:if_name2index(foo) end, fun() -> esock_net:if_index2name(a) end,
                                   fun() -> esock_net:gethostbyaddr(foo) end, fun() -> esock_nif:lookup(make_ref(), {1, 1}, foo) end,
                                   fun() -> esock_nif:lookup(foo, {1, 1}, {service, <<"http">>, undefined}) end]].

cache(_) ->
    {ok, Cache} = esock_net_cache:start_link(#{name => ?FUNCTION_NAME, ttl => 3600000}),
    Ask = fun(How) -> esock_net:getaddrinfo("localhost", 80, #{cache => How}) end,
    {ok, Found} = Ask(Cache),
    {ok, Found} = Ask(?FUNCTION_NAME),
    ?assertMatch(#{size := 1, hits := 1, misses := 1}, esock_net_cache:info(Cache)),
    ok = esock_net_cache:clear(Cache),
    ?assertMatch(#{size := 0}, esock_net_cache:info(Cache)),
    [?assertEqual({error, {invalid, {option, Key}}}, esock_net_cache:start_link(#{Key => Value})) || {Key, Value} <- [{size, 0}, {ttl, a}, {foo, 1}, {name, "x"}]],
    #{start := {M, F, A}} = esock_net_cache:child_spec(#{}),
    {ok, Other} = apply(M, F, A),
    [ok = gen_server:stop(C) || C <- [Cache, Other]],
    %% One that has ended is as none.
    {ok, Found} = Ask(Cache),
    {ok, Found} = Ask(?FUNCTION_NAME).

%% A bounded cache, whatever is stored again and again.
cache_size(_) ->
    {ok, Cache} = esock_net_cache:start_link(#{size => 3}),
    [ok = esock_net_cache:store(Cache, N rem 5, N, 60) || N <- lists:seq(1, 100)],
    [ok = esock_net_cache:store(Cache, same, N, undefined) || N <- lists:seq(1, 100)],
    ?assertMatch(#{size := 3}, esock_net_cache:info(Cache)),
    ?assertEqual({ok, 100}, esock_net_cache:lookup(Cache, same)),
    ?assertEqual({ok, 100}, esock_net_cache:lookup(Cache, 0)),
    ?assertEqual(miss, esock_net_cache:lookup(Cache, 3)),
    ok = esock_net_cache:store(Cache, same, 1, 0),
    ?assertEqual(miss, esock_net_cache:lookup(Cache, same)),
    ok = gen_server:stop(Cache).

%% Sources are those of the kernel.
order_of_libc(_) ->
    ?assertEqual({127, 0, 0, 1}, esock_addr_order:source({127, 0, 0, 1})),
    ?assertEqual([{0, 0, 0, 0, 0, 0, 0, 1}, {127, 0, 0, 1}], esock_addr_order:sort([{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}])).

what_there_is(Config) ->
    ?assert(lists:member("cubic", element(2, esock_net:tcp_congestion_available())) orelse lists:member("reno", element(2, esock_net:tcp_congestion_available()))),
    Script = "print(socket.has_dualstack_ipv6())\ntry:\n s = socket.socket(socket.AF_INET6); s.bind(('::1', 0)); print(True)\nexcept OSError: print(False)\n"
        "print(sorted(socket.if_nameindex()) == sorted([(socket.if_nametoindex(n), socket.if_indextoname(i)) for i, n in socket.if_nameindex()]))\nprint(socket.if_nameindex())\n",
    python(Config, Script, fun([Dual, Usable, "True", Names]) ->
        ?assertEqual({Dual, Usable}, {string:titlecase(atom_to_list(esock_net:has_dualstack())), string:titlecase(atom_to_list(esock_net:ipv6_usable()))}),
        {ok, Ours} = esock_net:if_nameindex(),
        ?assertEqual(Names, lists:flatten(["[", lists:join(", ", [io_lib:format("(~w, '~s')", [I, N]) || {I, N} <- Ours]), "]"])) end),
    ?assertEqual({ok, 1}, esock_net:if_nametoindex("lo")),
    ?assertEqual({ok, "lo"}, esock_net:if_indextoname(1)),
    ?assertEqual({error, enodev}, esock_net:if_nametoindex("a name that is too long")).

%% The functions of net that OTP has deprecated.
rpc(_) ->
    ?assertEqual(ok, esock_net:debug(false)),
    ?assertError(badarg, esock_net:debug(1)),
    ?assertEqual(2, esock_net:call(node(), lists, max, [[1, 2]])),
    ?assert(esock_net:cast(node(), lists, max, [[1]])),
    ?assertEqual(pang, esock_net:ping('no@such.host.invalid')),
    ?assertEqual(ok, esock_net:sleep(0)),
    _ = esock_net:broadcast(lists, max, [[1]]),
    ok.

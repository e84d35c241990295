%% Addresses, networks and control messages as pure functions: properties, and what Python and Ruby say of the same.
-module(esock_addr_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 300}}].

all() ->
    [round_trip, ip_round_trip, texts, any_text, comparing, predicates, networks, control_messages, control_bytes,
     texts_of_python, networks_of_python, predicates_of_python, predicates_of_ruby, sizes_of_python, byteorder,
     forms, digits, wrong, hosts, unix_names, zones, kinds, libc_names, messages, order, examples].

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 2000}, [quiet]).

round_trip(_) -> check(prop_esock_addr:prop_round_trip()).
ip_round_trip(_) -> check(prop_esock_addr:prop_ip_round_trip()).
texts(_) -> check(prop_esock_addr:prop_texts()).
any_text(_) -> check(prop_esock_addr:prop_any_text()).
comparing(_) -> check(prop_esock_addr:prop_compare()).
predicates(_) -> check(prop_esock_addr:prop_predicates()).
networks(_) -> check(prop_esock_addr:prop_cidr()).
control_messages(_) -> check(prop_esock_addr:prop_cmsg()).
control_bytes(_) -> check(prop_esock_addr:prop_cmsg_bytes()).

%%% ---- Others

samples(Type, Count) -> [element(2, proper_gen:pick(Type, 20)) || _ <- lists:seq(1, Count)].

hex(Text) -> string:lowercase(binary_to_list(binary:encode_hex(iolist_to_binary(Text)))).

%% A file of lines, and what a program says about it, as Erlang terms, one a line.
ask(Config, {Program, Ending, Script}, Lines) ->
    case os:find_executable(Program) of
        false -> {skip, Program};
        _ ->
            Base = filename:join(proplists:get_value(priv_dir, Config), integer_to_list(erlang:unique_integer([positive]))),
            ok = file:write_file(Base ++ ".txt", [[Line, "\n"] || Line <- Lines]),
            ok = file:write_file(Base ++ Ending, Script),
            string:lexemes(os:cmd(Program ++ " " ++ Base ++ Ending ++ " < " ++ Base ++ ".txt"), "\n")
    end.

compare({skip, _} = Skip, _) -> Skip;
compare(Theirs, Ours) ->
    ?assertEqual(length(Ours), length(Theirs)),
    [?assertEqual({Input, Their}, {Input, Our}) || {Their, {Input, Our}} <- lists:zip(Theirs, Ours)],
    ok.

%% inet_pton, inet_aton and inet_ntop of Python are libc's.
texts_of_python(Config) ->
    Texts = [T || T <- samples(prop_esock_addr:text(), 3000) ++ samples(aton_text(), 1000), not lists:member(0, T)],
    Script = "import socket, sys\n"
        "def t(f, *a):\n try: return f(*a).hex()\n except OSError: return '-'\n"
        "for l in sys.stdin:\n"
        " s = bytes.fromhex(l).decode('latin1')\n"
        " if any(ord(c) > 126 or c.isspace() for c in s): print('. . .'); continue\n"
        " a, b = t(socket.inet_pton, socket.AF_INET, s), t(socket.inet_pton, socket.AF_INET6, s)\n"
        " n = socket.inet_ntop(socket.AF_INET6, bytes.fromhex(b)) if b != '-' else '-'\n"
        " print(a, b, n, t(socket.inet_aton, s))\n",
    Ours = [{T, case lists:any(fun(C) -> C > 126 orelse lists:member(C, "\s\t\r\n\v\f" ++ [28, 29, 30, 31]) end, T) of
                    true -> ". . .";
                    false -> lists:flatten(lists:join(" ", [of_text(inet, T), of_text(inet6, T), ntop(T), aton(T)]))
                end} || T <- Texts],
    compare(ask(Config, {"python3", ".py", Script}, [hex(T) || T <- Texts]), Ours).

aton_text() ->
    Number = proper_types:oneof([proper_types:range(0, 300), proper_types:range(0, 1 bsl 33)]),
    Form = fun(N, 0) -> integer_to_list(N); (N, 1) -> "0x" ++ integer_to_list(N, 16); (N, 2) -> "0" ++ integer_to_list(N, 8); (N, 3) -> integer_to_list(N) ++ "9" end,
    Part = proper_types:bind({Number, proper_types:range(0, 3)}, fun({N, F}) -> Form(N, F) end, false),
    proper_types:bind(proper_types:non_empty(proper_types:list(Part)), fun(Parts) -> lists:append(lists:join(".", Parts)) end, false).

of_text(Family, T) -> result(esock_addr:inet_pton(Family, T)).
aton(T) -> result(esock_addr:inet_aton(T)).
result({ok, Bytes}) -> hex(Bytes);
result({error, einval}) -> "-".

ntop(T) ->
    case esock_addr:inet_pton(inet6, T) of
        {ok, Bytes} -> element(2, esock_addr:inet_ntop(inet6, Bytes));
        _ -> "-"
    end.

networks_of_python(Config) ->
    Nets = [{IP, if tuple_size(IP) =:= 4 -> N rem 33; true -> N end, Other}
            || {IP, N, Other} <- samples({prop_esock_addr:ip(), proper_types:range(0, 128), prop_esock_addr:ip()}, 3000)],
    Script = "import ipaddress, sys\n"
        "h = lambda x: x.packed.hex()\n"
        "for l in sys.stdin:\n"
        " ip, n, o = l.split(); n = ipaddress.ip_network(ip + '/' + n, False); o = ipaddress.ip_address(o)\n"
        " print(h(n.network_address), h(n.broadcast_address), h(n.netmask), n.prefixlen, o.version == n.version and o in n)\n",
    Lines = [io_lib:format("~s ~w ~s", [esock_addr:format_ip(IP), N, esock_addr:format_ip(O)]) || {IP, N, O} <- Nets],
    Ours = [begin
                {ok, {First, N} = Net} = esock_cidr:network(IP, N),
                Family = if tuple_size(IP) =:= 4 -> inet; true -> inet6 end,
                In = tuple_size(O) =:= tuple_size(IP) andalso esock_cidr:match(O, Net),
                {Net, lists:flatten(lists:join(" ", [hex(esock_addr:bytes(A)) || A <- [First, esock_cidr:last(Net), esock_cidr:netmask(Family, N)]]
                                                    ++ [integer_to_list(N), string:titlecase(atom_to_list(In))]))}
            end || {IP, N, O} <- Nets],
    compare(ask(Config, {"python3", ".py", Script}, Lines), Ours).

%% Addresses of all prefixes that matter.
some_ips() ->
    Prefixes = [{10, 0, 0, 1}, {127, 1, 2, 3}, {172, 16, 0, 1}, {172, 32, 0, 1}, {192, 168, 1, 1}, {169, 254, 1, 1}, {224, 0, 0, 1}, {239, 255, 255, 255},
                {255, 255, 255, 255}, {0, 0, 0, 0}, {240, 0, 0, 1}] ++
        [list_to_tuple([W, X, 0, 0, 0, 0, Y, Z]) || W <- [0, 16#FE80, 16#FEBF, 16#FEC0, 16#FEFF, 16#FC00, 16#FDFF, 16#FE00, 16#2001] ++ [16#FF00 + N || N <- lists:seq(0, 31)],
                                                     X <- [0, 1], {Y, Z} <- [{0, 0}, {0, 1}, {0, 2}, {1, 0}]],
    Prefixes ++ samples(prop_esock_addr:ip(), 2000).

%% Python's is_private is not RFC 1918's, so that one is not asked. Of addresses that map IPv4, versions of Python differ.
predicates_of_python(Config) ->
    IPs = [IP || IP <- some_ips(), not esock_addr:is_v4mapped(IP)],
    Script = "import ipaddress, sys\n"
        "for l in sys.stdin:\n"
        " a = ipaddress.ip_address(l.strip())\n"
        " print(*[int(x) for x in (a.is_loopback, a.is_multicast, a.is_unspecified, a.is_link_local, a.version == 6 and a.is_site_local)])\n",
    Ours = [{IP, bits([esock_addr:Is(IP) || Is <- [is_loopback, is_multicast, is_unspecified, is_link_local, is_site_local]])} || IP <- IPs],
    compare(ask(Config, {"python3", ".py", Script}, [esock_addr:format_ip(IP) || IP <- IPs]), Ours).

bits(Values) -> lists:flatten(lists:join(" ", [if V -> "1"; true -> "0" end || V <- Values])).

predicates_of_ruby(Config) ->
    IPs = some_ips(),
    Script = "require 'socket'\n"
        "STDIN.each_line { |l| a = Addrinfo.tcp(l.strip, 80); b = Addrinfo.ip(l.strip)\n"
        " v = [a.ip?, a.ipv4?, a.ipv6?, a.ipv4_private?, a.ipv4_loopback?, a.ipv4_multicast?, a.ipv6_unspecified?, a.ipv6_loopback?, a.ipv6_multicast?,\n"
        "      a.ipv6_linklocal?, a.ipv6_sitelocal?, a.ipv6_unique_local?, a.ipv6_v4mapped?, a.ipv6_v4compat?, a.ipv6_mc_nodelocal?, a.ipv6_mc_linklocal?,\n"
        "      a.ipv6_mc_sitelocal?, a.ipv6_mc_orglocal?, a.ipv6_mc_global?]\n"
        " t = a.ipv6? && a.ipv6_to_ipv4\n"
        " puts [v.map { |x| x ? 1 : 0 }, a.inspect_sockaddr, b.inspect_sockaddr, t ? t.ip_address : '-'].join(' ') }\n",
    compare(ask(Config, {"ruby", ".rb", Script}, [esock_addr:format_ip(IP) || IP <- IPs]), [{IP, as_ruby(IP)} || IP <- IPs]).

as_ruby(IP) ->
    {V4, V6} = {esock_addr:is_ipv4(IP), esock_addr:is_ipv6(IP)},
    %% Ruby's predicates of IPv6 do not look at the IPv4 address that one maps.
    Own = fun(Is) -> V6 andalso not esock_addr:is_v4mapped(IP) andalso esock_addr:Is(IP) end,
    Scope = fun(Name) -> esock_addr:mc_scope(IP) =:= Name end,
    Values = [esock_addr:is_ip(IP), V4, V6, V4 andalso esock_addr:is_private(IP), V4 andalso esock_addr:is_loopback(IP),
              V4 andalso esock_addr:is_multicast(IP), Own(is_unspecified), Own(is_loopback), Own(is_multicast), Own(is_link_local),
              Own(is_site_local), Own(is_unique_local), esock_addr:is_v4mapped(IP), esock_addr:is_v4compat(IP),
              Scope(interface_local), Scope(link_local), Scope(site_local), Scope(organization_local), Scope(global)],
    {ok, A} = esock_addr:tcp(IP, 80),
    To4 = case V6 andalso esock_addr:to_ipv4(IP) of
              {ok, Four} -> esock_addr:format_ip(Four);
              _ -> "-"
          end,
    lists:flatten(lists:join(" ", [bits(Values), esock_addr:format(A), esock_addr:format(A#{port := 0}), To4])).

sizes_of_python(Config) ->
    Sizes = lists:seq(0, 100),
    Script = "import socket, sys\nfor l in sys.stdin: print(socket.CMSG_LEN(int(l)), socket.CMSG_SPACE(int(l)))\n",
    Ours = [{N, lists:concat([esock_cmsg:len(N), " ", esock_cmsg:space(N)])} || N <- Sizes],
    compare(ask(Config, {"python3", ".py", Script}, [integer_to_list(N) || N <- Sizes]), Ours).

byteorder(Config) ->
    Numbers = [0, 1, 255, 256, 4660, 65535],
    Script = "import socket, sys\nfor l in sys.stdin: n = int(l); print(socket.htons(n), socket.ntohs(n), socket.htonl(n * 65537), socket.ntohl(n * 65537))\n",
    Ours = [{N, lists:concat([esock_addr:htons(N), " ", esock_addr:ntohs(N), " ", esock_addr:htonl(N * 65537), " ", esock_addr:ntohl(N * 65537)])} || N <- Numbers],
    [?assertError(badarg, esock_addr:F(N)) || {F, N} <- [{htons, 65536}, {ntohs, -1}, {htonl, 1 bsl 32}, {ntohl, a}]],
    compare(ask(Config, {"python3", ".py", Script}, [integer_to_list(N) || N <- Numbers]), Ours).

%%% ---- Ours alone

forms(_) ->
    [?assertEqual({Text, {ok, Address}}, {Text, esock_addr:parse(Text)})
     || {Text, Address} <- [{"127.0.0.1:80", #{family => inet, addr => {127, 0, 0, 1}, port => 80}},
                            {<<"127.0.0.1">>, #{family => inet, addr => {127, 0, 0, 1}, port => 0}},
                            {"::1", #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 0, flowinfo => 0, scope_id => 0}},
                            {"[::]", #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 0}, port => 0, flowinfo => 0, scope_id => 0}},
                            {"[fe80::1%eth0]:443", #{family => inet6, addr => {16#FE80, 0, 0, 0, 0, 0, 0, 1}, port => 443, flowinfo => 0, scope_id => "eth0"}},
                            {"fe80::1%7", #{family => inet6, addr => {16#FE80, 0, 0, 0, 0, 0, 0, 1}, port => 0, flowinfo => 0, scope_id => 7}},
                            {"/tmp/a b", #{family => local, path => <<"/tmp/a b">>}},
                            {"@name", #{family => local, path => <<0, "name">>}},
                            {"@a%00b", #{family => local, path => <<0, "a", 0, "b">>}},
                            {"unix:", #{family => local, path => <<>>}},
                            {"unix:a%25", #{family => local, path => <<"a%">>}},
                            {"vsock:2:1024", #{family => vsock, cid => host, port => 1024, flags => []}},
                            {"netlink:00000700000000000000", #{family => netlink, pid => 7, groups => 0}}]],
    ?assertEqual("[::1]:80", esock_addr:format(#{family => inet6, addr => loopback, port => 80, flowinfo => 5})),
    ?assertEqual("255.255.255.255", esock_addr:format(#{family => inet, addr => broadcast})),
    ?assertEqual("0.0.0.0:1", esock_addr:format(#{family => inet, port => 1})),
    ?assertEqual("unix:/%01", esock_addr:format(#{family => local, path => <<"/", 1>>})).

%% Digits of any length after the number of any family: what is parsed can be formatted to itself.
digits(_) ->
    [?assertEqual({Text, {ok, Address}}, {Text, esock_addr:parse(esock_addr:format(Address))})
     || Family <- lists:seq(0, 60), Length <- lists:seq(0, 126), Byte <- ["00", "01", "ff"],
        Text <- [integer_to_list(Family) ++ ":" ++ lists:append(lists:duplicate(Length, Byte))],
        {ok, Address} <- [esock_addr:parse(Text)]].

wrong(_) ->
    [?assertEqual({error, {invalid, {sockaddr, Text}}}, esock_addr:parse(Text))
     || Text <- ["", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:1:2", "localhost:80", "[::1", "[::1]80", "[127.0.0.1]:1", "::1%",
                 "[::1]:", "unix:%0", "unix:%zz", "unix:a%00b", "vsock:1", "vsock:a:1", "vsock:1:4294967296", "no_such_family:00", "netlink:0", "netlink:zz",
                 "fe80::1%0123456789012345", "::1%a/b", lists:duplicate(200, $/), [16#3B1], <<255>>, [a], "1.2.3.4%1",
                 "2:", "2:01020304", "inet:0000010203040000000000000000", "10:00", "1:2f61", "40:00", "17:", "packet:0102"]],
    ?assertError({invalid, {sockaddr, foo}}, esock_addr:format(foo)),
    ?assertError({invalid, {sockaddr, _}}, esock_addr:format(#{family => inet, addr => {1, 2, 3}})),
    [?assertMatch({error, {invalid, {cidr, _}}}, esock_cidr:parse(T)) || T <- ["", "1.2.3.4/33", "1.2.3.4/", "1.2.3.4/+1", "1.2.3.4/1/2", "::/129", "x/1", [256]]],
    ?assertEqual({error, einval}, esock_cidr:prefix({255, 0, 255, 0})),
    ?assertError(badarg, esock_cidr:netmask(inet, 33)).

hosts(_) ->
    [?assertEqual({Host, {ok, IP}}, {Host, esock_addr:host(Host)})
     || {Host, IP} <- [{"", {0, 0, 0, 0}}, {any, {0, 0, 0, 0}}, {"<any>", {0, 0, 0, 0}}, {"<broadcast>", {255, 255, 255, 255}}, {broadcast, {255, 255, 255, 255}},
                       {loopback, {127, 0, 0, 1}}, {16#7F000001, {127, 0, 0, 1}}, {{1, 2, 3, 4}, {1, 2, 3, 4}}, {"1.2.3.4", {1, 2, 3, 4}},
                       {<<"::1">>, {0, 0, 0, 0, 0, 0, 0, 1}}, {<<1, 2, 3, 4>>, {1, 2, 3, 4}}, {<<1:128>>, {0, 0, 0, 0, 0, 0, 0, 1}}]],
    [?assertEqual({error, einval}, esock_addr:host(Host)) || Host <- [foo, -1, 1 bsl 32, {1, 2, 3}, {1, 2, 3, 256}, "localhost", <<1, 2>>, 1.0]],
    ?assertEqual({error, einval}, esock_addr:tcp(any, 65536)),
    ?assertMatch({ok, #{family := inet6, port := 1}}, esock_addr:tcp("::1", 1)),
    ?assertEqual({ok, {224, 0, 0, 106}}, esock_addr:well_known(allsnoopers_group)),
    ?assertEqual({error, einval}, esock_addr:well_known(foo)).

%% The kernel agrees on which names are abstract and unnamed.
unix_names(_) ->
    {ok, S} = esock:open(local, stream),
    {ok, None} = esock:sockname(S),
    ?assert(esock_addr:is_unnamed(None)),
    ok = esock:bind(S, #{family => local, path => ""}),
    {ok, Chosen} = esock:sockname(S),
    ?assertEqual({true, false, undefined}, {esock_addr:is_abstract(Chosen), esock_addr:is_unnamed(Chosen), esock_addr:pathname(Chosen)}),
    ?assertEqual(5, byte_size(esock_addr:abstract_name(Chosen))),
    ?assertEqual({ok, Chosen}, esock_addr:parse(esock_addr:format(Chosen))),
    ok = esock:close(S),
    ?assertEqual(<<"/tmp/", 195, 164>>, esock_addr:pathname(#{family => local, path => "/tmp/" ++ [228]})),
    ?assertEqual({error, enametoolong}, esock_addr:local(lists:duplicate(109, $a))),
    ?assertEqual({error, einval}, esock_addr:local([16#D800])),
    ?assertEqual({ok, #{family => local, path => <<"a">>}}, esock_addr:local("a")),
    [?assertNot(esock_addr:Is(#{family => inet})) || Is <- [is_local, is_unnamed, is_abstract]].

%% A zone by name and one by index are the same to the kernel.
zones(_) ->
    {ok, Named} = esock_addr:parse("[fe80::1%lo]:1"),
    {ok, Numbered} = esock_addr:parse("[fe80::1%1]:1"),
    ?assert(esock_addr:equal(Named, Numbered)),
    {ok, Gone} = esock_addr:parse("fe80::1%no_such_if"),
    ?assertEqual(1, esock_addr:compare(Gone, Named)),
    ?assertNot(esock_addr:equal(Numbered, Numbered#{scope_id := 2})).

kinds(_) ->
    ?assert(esock_addr:is_loopback(#{family => inet, addr => loopback})),
    ?assert(esock_addr:is_unspecified(#{family => inet6})),
    ?assertNot(esock_addr:is_broadcast(#{family => inet6, addr => loopback})),
    [?assertNot(esock_addr:Is(#{family => netlink})) || Is <- [is_ip, is_ipv4, is_ipv6, is_private, is_multicast, is_v4mapped]],
    ?assertEqual(undefined, esock_addr:mc_scope({224, 0, 0, 1})),
    ?assertEqual({ok, #{family => inet, addr => {127, 0, 0, 1}, port => 5}},
                 esock_addr:to_ipv4(#{family => inet6, addr => {0, 0, 0, 0, 0, 16#FFFF, 16#7F00, 1}, port => 5, scope_id => 0})),
    ?assertEqual({error, einval}, esock_addr:to_ipv4({0, 0, 0, 0, 0, 0, 0, 1})),
    ?assertEqual({error, einval}, esock_addr:to_ipv6(#{family => local, path => "x"})).

libc_names(_) ->
    ?assertEqual({ok, <<127, 0, 0, 1>>}, esock_addr:inet_aton("127.1")),
    ?assertEqual({error, einval}, esock_addr:inet_aton("")),
    ?assertEqual({ok, "127.0.0.1"}, esock_addr:inet_ntoa(<<127, 0, 0, 1>>)),
    ?assertEqual({error, einval}, esock_addr:inet_ntop(inet, <<1, 2, 3>>)),
    ?assertEqual({error, einval}, esock_addr:inet_pton(inet, "::1")).

messages(_) ->
    Message = #{level => socket, type => rights, data => <<3:32/native>>},
    ?assertEqual({ok, Message}, esock_cmsg:find([#{level => ip, type => ttl, data => <<>>}, Message], 1, 1)),
    ?assertEqual({error, not_found}, esock_cmsg:find([Message], ip, ttl)),
    ?assertEqual({error, {invalid, [1]}}, esock_cmsg:find(<<0:128>>, ip, ttl)),
    [?assertEqual({error, {invalid, Path}}, esock_cmsg:build([Message, Wrong]))
     || {Path, Wrong} <- [{[2, level], Message#{level := foo}}, {[2, type], Message#{type := foo}}, {[2, data], Message#{data := []}}, {[2], foo}]],
    ?assertEqual({error, {invalid, [2]}}, esock_cmsg:build([Message | foo])),
    ?assertNot(esock_cmsg:is(Message, foo, bar)),
    ?assertError(badarg, esock_cmsg:len(-1)),
    ?assertError(badarg, esock_cmsg:space([{socket, foo}])).

%% RFC 6724, with the addresses of this host made up.
order(_) ->
    Sort = fun(Pairs) -> esock_addr_order:sort([D || {D, _} <- Pairs], fun(D) -> proplists:get_value(D, Pairs) end) end,
    [G, U, M, L, S] = [element(2, esock_addr:parse_ip(T)) || T <- ["2001:db8::1", "fd00::1", "198.51.100.1", "fe80::1", "2002:c633:6401::1"]],
    ?assertEqual([G, M], Sort([{M, {198, 51, 100, 2}}, {G, G}])),
    %% Rule 1: an address without a route is last.
    ?assertEqual([M, G], Sort([{G, undefined}, {M, {198, 51, 100, 2}}])),
    %% Rule 2: the scopes of the address and of the source match.
    ?assertEqual([M, G], Sort([{G, L}, {M, {198, 51, 100, 2}}])),
    %% Rule 5: so do their labels.
    ?assertEqual([S, G], Sort([{G, S}, {S, S}])),
    %% Rule 6: precedence, here of IPv4 before that of unique local addresses.
    ?assertEqual([M, U], Sort([{U, U}, {M, {198, 51, 100, 2}}])),
    %% Rule 8: the smaller scope.
    ?assertEqual([L, G], Sort([{G, G}, {L, L}])),
    %% Rule 9: the longer prefix in common. Rule 10: else as they were.
    [A, B] = [element(2, esock_addr:parse_ip(T)) || T <- ["2001:db8:1::1", "2001:db8:2::1"]],
    ?assertEqual([B, A], Sort([{A, B}, {B, B}])),
    ?assertEqual([{10, 0, 0, 2}, {10, 0, 0, 1}], Sort([{{10, 0, 0, 2}, {10, 0, 0, 3}}, {{10, 0, 0, 1}, {10, 0, 0, 3}}])).

%% Every example in the documentation of these modules runs as it stands.
examples(_) ->
    case lists:all(fun filelib:is_regular/1, ["/etc/hosts", "/etc/services"]) of
        true -> run_examples();
        false -> {skip, no_names}
    end.

run_examples() ->
    Counts = [begin
                  Source = proplists:get_value(source, M:module_info(compile)),
                  {ok, Text} = file:read_file(Source),
                  Examples = blocks(string:split(binary_to_list(Text), "\n", all)),
                  [evaluate(M, Example) || Example <- Examples],
                  length(Examples)
              end || M <- [esock_addr, esock_addr_order, esock_cidr, esock_cmsg, esock_net, esock_net_cache]],
    ?assert(lists:min(Counts) > 0, Counts).

blocks(Lines) ->
    case lists:dropwhile(fun(L) -> L =/= "%% ```" end, Lines) of
        [] -> [];
        [_ | Rest] ->
            {Block, After} = lists:splitwith(fun(L) -> L =/= "%% '''" end, Rest),
            [lists:append([string:slice(L, 3) ++ "\n" || L <- Block]) | blocks(After)]
    end.

evaluate(M, Text) ->
    {ok, Tokens, _} = erl_scan:string(Text),
    {ok, Expressions} = erl_parse:parse_exprs(Tokens),
    try erl_eval:exprs(Expressions, [])
    catch Class:Reason -> ct:fail({M, Text, Class, Reason})
    end.

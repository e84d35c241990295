%% Netlink: the codec by properties, and the functions against `ip' and `ss', which others wrote.
-module(esock_netlink_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [round_trip, wrong_values, any_bytes, golden, same_bytes_again, lists_of_messages, arguments,
     links, addresses, routes, neighbours, gets, refused, open_groups,
     veth, events, subscription_ends, overrun, sock_diag, sock_diag_filters, list_is_whole].

suite() -> [{timetrap, {seconds, 120}}].

init_per_suite(Config) -> Config.
end_per_suite(_) -> ok.

-define(FAMILIES, [route, sock_diag, raw]).

%%% ---- Codec

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 500}, [quiet]).

round_trip(_) ->
    [check(prop_esock_families:round_trip(prop_esock_families:netlink(F), fun(Ms) -> esock_netlink:encode(Ms, F) end,
                                          fun(Bytes) -> esock_netlink:decode(Bytes, F) end)) || F <- ?FAMILIES].

wrong_values(_) ->
    Some = fun(F) -> proper_types:non_empty(prop_esock_families:netlink(F)) end,
    [check(prop_esock_families:wrong_values(Some(F), fun(Ms) -> esock_netlink:encode(Ms, F) end)) || F <- ?FAMILIES].

any_bytes(_) ->
    [check(prop_esock_families:any_bytes(bytes(F), fun(Bytes) -> esock_netlink:decode(Bytes, F) end)) || F <- ?FAMILIES].

bytes(F) ->
    proper_types:bind(prop_esock_families:netlink(F), fun(Ms) -> {ok, Bytes} = esock_netlink:encode(Ms, F), Bytes end, true).

%% What Python's struct makes of linux/netlink.h, rtnetlink.h and inet_diag.h.
golden(Config) ->
    Script = "import struct\n"
        "def tlv(t, b): return struct.pack('=HH', 4 + len(b), t) + b + b'\\0' * (-len(b) % 4)\n"
        "def msg(t, f, b): return struct.pack('=IHHII', 16 + len(b), t, f, 7, 8) + b + b'\\0' * (-len(b) % 4)\n"
        "peer = struct.pack('=BxHiII', 0, 0, 0, 0, 0) + tlv(3, b'b\\0')\n"
        "info = tlv(0x8012, tlv(1, b'veth\\0') + tlv(0x8002, tlv(1, peer)))\n"
        "print((msg(16, 0x605, struct.pack('=BxHiII', 0, 0, 0, 0, 0) + tlv(3, b'a\\0') + tlv(4, struct.pack('=I', 1400)) + info)\n"
        " + msg(20, 5, struct.pack('=BBBBI', 2, 24, 0, 0, 3) + tlv(1, b'\\n\\0\\0\\1') + tlv(2, b'\\n\\0\\0\\1'))\n"
        " + msg(26, 0x301, struct.pack('=8BI', 10, 0, 0, 0, 0, 0, 0, 0, 0))).hex())\n"
        "print(msg(20, 0x301, struct.pack('=BBBxI', 2, 6, 3, 1 << 10) + struct.pack('!HH', 80, 0) + b'\\0' * 32 +\n"
        " struct.pack('=IQ', 0, 2**64 - 1)).hex())\n",
    esock_oracle:python(Config, Script, fun(Output) ->
        [Route, Diag] = [binary:decode_hex(Line) || Line <- string:lexemes(Output, "\n")],
        Head = #{seq => 7, pid => 8},
        Addr = {10, 0, 0, 1},
        ?assertEqual({ok, Route},
                     esock_netlink:encode([Head#{type => newlink, flags => [request, ack, create, excl],
                                                 body => #{name => "a", mtu => 1400,
                                                           linkinfo => #{kind => <<"veth">>, data => #{peer => #{name => "b"}}}}},
                                           Head#{type => newaddr, flags => [request, ack],
                                                 body => #{family => inet, prefixlen => 24, index => 3, address => Addr, local => Addr}},
                                           Head#{type => getroute, flags => [request, dump], body => #{family => inet6}}])),
        ?assertMatch({ok, [#{type := newlink, body := #{linkinfo := #{data := #{peer := #{name := <<"b">>}}}}}, #{}, #{}]},
                     esock_netlink:decode(Route)),
        ?assertEqual({ok, Diag},
                     esock_netlink:encode(Head#{type => sock_diag_by_family, flags => [request, dump],
                                                body => #{family => inet, ext => [meminfo, tcp_info], states => [listen],
                                                          local => #{addr => {0, 0, 0, 0}, port => 80}}}, sock_diag)) end).

%% What the kernel sends, decoded and encoded again, says the same.
same_bytes_again(_) ->
    [begin
         {ok, S} = esock_netlink:open(route),
         {ok, Messages} = esock_netlink:request(S, #{type => Type, flags => [dump]}),
         {ok, Bytes} = esock_netlink:encode(Messages),
         ?assertEqual({ok, Messages}, esock_netlink:decode(Bytes)),
         ok = esock:close(S)
     end || Type <- [getlink, getaddr, getroute, getneigh]].

lists_of_messages(_) ->
    ?assertEqual({ok, <<>>}, esock_netlink:encode([])),
    ?assertEqual({ok, []}, esock_netlink:decode(<<>>)),
    {ok, One} = esock_netlink:encode(#{type => 300, body => <<1>>}),
    %% 17 bytes, and 3 up to the next message.
    ?assertMatch(<<17:32/native, 300:16/native, 0:80, 1, 0:24>>, One),
    ?assertEqual({ok, [#{type => 300, flags => [], seq => 0, pid => 0, body => <<1>>}]}, esock_netlink:decode(binary_part(One, 0, 17))),
    ?assertMatch({ok, [#{}, #{}]}, esock_netlink:decode(<<One/binary, One/binary>>)),
    ?assertEqual({error, {invalid, [2, length]}}, esock_netlink:decode(<<One/binary, 0>>)),
    ?assertEqual({error, {invalid, [1, length]}}, esock_netlink:decode(<<15:32/native, 0:96>>)),
    Link = fun(Attributes) -> <<(32 + byte_size(Attributes)):32/native, 16:16/native, 0:208, Attributes/binary>> end,
    ?assertEqual({error, {invalid, [1, body, {attribute, 2}]}},
                 esock_netlink:decode(Link(<<8:16/native, 4:16/native, 1:32/native, 9:16/native, 4:16/native, 1:32>>))),
    ?assertEqual({error, {invalid, [1, body, mtu]}}, esock_netlink:decode(Link(<<6:16/native, 4:16/native, 1:32>>))),
    ?assertMatch({ok, [#{body := #{mtu := 1, 999 := <<2>>}}]},
                 esock_netlink:decode(Link(<<8:16/native, 4:16/native, 1:32/native, 5:16/native, 999:16/native, 2, 0:24>>))).

arguments(_) ->
    Link = fun(Body) -> esock_netlink:encode([#{type => noop}, #{type => newlink, body => Body}]) end,
    [?assertEqual({Body, {error, {invalid, [2, body | Path]}}}, {Body, Link(Body)})
     || {Body, Path} <- [{#{mtu => -1}, [mtu]}, {#{mtu => 1 bsl 32}, [mtu]}, {#{mtu => a}, [mtu]}, {#{foo => 1}, [foo]},
                         {#{4 => <<1:32>>}, [4]}, {#{-1 => <<>>}, [-1]}, {#{16#10000 => <<>>}, [16#10000]}, {#{"mtu" => 1}, ["mtu"]},
                         {#{name => <<"0123456789abcdef">>}, [name]}, {#{name => <<"a", 0>>}, [name]}, {#{name => [16#D800]}, [name]},
                         {#{name => [a]}, [name]}, {#{flags => [foo]}, [flags, foo]}, {#{flags => up}, [flags]}, {#{flags => [up | up]}, [flags]},
                         {#{flags => [1 bsl 32]}, [flags]}, {#{type => foo}, [type]}, {#{family => 256}, [family]},
                         {#{linkinfo => #{data => #{}}}, [linkinfo, data]}, {#{prop_list => #{alt_ifname => []}}, [prop_list, alt_ifname]},
                         {#{linkinfo => #{kind => <<"veth">>, data => #{peer => #{mtu => x}}}}, [linkinfo, data, peer, mtu]},
                         {#{xdp => binary:copy(<<0>>, 65532)}, [xdp]}, {foo, []}, {<<>>, []}]],
    [?assertEqual({M, {error, {invalid, Path}}}, {M, esock_netlink:encode(M)})
     || {M, Path} <- [{#{}, [type]}, {foo, []}, {#{type => foo}, [type]}, {#{type => 65536}, [type]}, {#{type => noop, seq => -1}, [seq]},
                      {#{type => noop, foo => 1}, [foo]}, {#{type => noop, body => #{}}, [body]}, {#{type => newlink, flags => [nonrec]}, [flags, nonrec]},
                      {#{type => newroute, body => #{family => inet, multipath => [#{}, #{hops => 256}]}}, [body, multipath, 2, hops]},
                      {#{type => newroute, body => #{dst => {1, 2, 3}}}, [body, dst]}, {#{type => newroute, body => #{dst => {1, 2, 3, 256}}}, [body, dst, 4]},
                      {[#{type => noop} | foo], []}]],
    ?assertEqual({error, {invalid, []}}, esock_netlink:decode(foo)),
    ?assertEqual({error, {invalid, [foo]}}, esock_netlink:links(#{foo => 1})),
    ?assertEqual({error, {invalid, []}}, esock_netlink:links(foo)),
    [?assertEqual({error, {invalid, [Key]}}, esock_netlink:links(#{Key => foo})) || Key <- [netns, socket, timeout, family, groups]],
    ?assertEqual({error, {invalid, [timeout]}}, esock_netlink:links(#{timeout => -1})),
    ?assertEqual({error, {invalid, [dst]}}, esock_netlink:route(foo)),
    ?assertEqual({error, {invalid, [mtu]}}, esock_netlink:new_link(#{mtu => foo}, #{})),
    ?assertEqual({error, {invalid, [linkinfo, data, peer, name]}}, esock_netlink:new_veth("a", foo, #{})),
    ?assertEqual({error, {invalid, [prefixlen]}}, esock_netlink:add_address(1, {{127, 0, 0, 1}, 256}, #{})),
    {ok, S} = esock_netlink:open(route),
    ?assertEqual({error, {invalid, [timeout]}}, esock_netlink:request(S, #{type => getlink}, foo)),
    ?assertEqual({error, {invalid, []}}, esock_netlink:request(S, foo, 0)),
    ?assertEqual({error, {invalid, [flags]}}, esock_netlink:request(S, #{type => getlink, flags => foo}, 0)),
    ok = esock:close(S),
    ?assertEqual({error, {invalid, [family]}}, esock_netlink:addresses(#{family => foo})).

%%% ---- Lists, beside those of ip

ip(Config, What, Format, Fun) ->
    case {os:find_executable("ip"), os:find_executable("python3")} of
        {false, _} -> {skip, no_ip};
        {_, false} -> {skip, no_python3};
        _ ->
            File = filename:join(proplists:get_value(priv_dir, Config), "ip.py"),
            ok = file:write_file(File, ["import json, sys\nfor l in json.load(sys.stdin):\n", Format]),
            %% What changes while both look is looked at again.
            esock_async_SUITE:until(fun() ->
                Lines = string:lexemes(os:cmd("ip -j " ++ What ++ " | python3 " ++ File), "\n"),
                Ours = Fun(),
                lists:sort(Lines) =:= lists:sort(Ours) orelse begin ct:log("ip:~n~p~nesock:~n~p", [Lines -- Ours, Ours -- Lines]), false end
            end)
    end.

text(Format, Args) -> lists:flatten(io_lib:format(Format, Args)).

mac(Bytes) -> lists:flatten(lists:join(":", [io_lib:format("~2.16.0b", [B]) || <<B>> <= Bytes])).

names() ->
    {ok, Links} = esock_netlink:links(),
    maps:from_list([{I, binary_to_list(N)} || #{index := I, name := N} <- Links]).

links(Config) ->
    Flags = #{up => "UP", broadcast => "BROADCAST", loopback => "LOOPBACK", pointopoint => "POINTOPOINT", noarp => "NOARP",
              multicast => "MULTICAST", lower_up => "LOWER_UP", promisc => "PROMISC", allmulti => "ALLMULTI"},
    ip(Config, "-d link",
       "  print(l['ifindex'], l['ifname'], l['mtu'], l['qdisc'], l['operstate'], l['link_type'], l['txqlen'], l.get('address', ''), l.get('broadcast', ''),\n"
       "        l['num_tx_queues'], l['gso_max_size'], l.get('linkinfo', {}).get('info_kind', '-'),\n"
       "        ','.join(sorted(f for f in l['flags'] if f not in ('NO-CARRIER', 'DOWN'))))\n",
       fun() ->
           {ok, Links} = esock_netlink:links(),
           [text("~w ~s ~w ~s ~s ~s ~w ~s ~s ~w ~w ~s ~s",
                 [I, N, M, Q, string:uppercase(atom_to_list(O)), T, maps:get(txqlen, L), mac(maps:get(address, L, <<>>)), mac(maps:get(broadcast, L, <<>>)), Tx, Gso,
                  maps:get(kind, maps:get(linkinfo, L, #{}), "-"),
                  lists:join(",", lists:sort([maps:get(F, Flags) || F <- Fs, is_map_key(F, Flags)]))])
            || #{index := I, name := N, mtu := M, qdisc := Q, operstate := O, type := T, flags := Fs,
                 num_tx_queues := Tx, gso_max_size := Gso} = L <- Links]
       end).

addresses(Config) ->
    ip(Config, "addr",
       "  for a in l['addr_info']:\n"
       "    print(l['ifindex'], a['family'], a['local'], a['prefixlen'], a['scope'], a.get('broadcast', '-'), a.get('label', '-'),\n"
       "          a['valid_life_time'], a['preferred_life_time'])\n",
       fun() ->
           {ok, Addresses} = esock_netlink:addresses(),
           [text("~w ~w ~s ~w ~s ~s ~s ~w ~w",
                 [I, F, inet:ntoa(maps:get(local, A, maps:get(address, A))), P,
                  case S of universe -> global; _ -> S end,
                  case A of #{broadcast := B} -> inet:ntoa(B); _ -> "-" end, maps:get(label, A, "-"), V, Pr])
            || #{index := I, family := F, prefixlen := P, scope := S, cacheinfo := #{valid := V, preferred := Pr}} = A <- Addresses]
       end).

routes(Config) ->
    ip(Config, "-4 -d route show table all",
       "  d = l['dst'] if '/' in l['dst'] or l['dst'] == 'default' else l['dst'] + '/32'\n"
       "  print(d, l['type'], l.get('gateway', '-'), l.get('dev', '-'), l.get('prefsrc', '-'), l.get('table', 'main'), l['scope'], l['protocol'])\n",
       fun() ->
           Names = names(),
           {ok, Routes} = esock_netlink:routes(#{family => inet}),
           [text("~s ~w ~s ~s ~s ~w ~s ~w",
                 [case R of #{dst := D} -> text("~s/~w", [inet:ntoa(D), Len]); _ -> "default" end, T,
                  case R of #{gateway := G} -> inet:ntoa(G); _ -> "-" end, case R of #{oif := O} -> maps:get(O, Names); _ -> "-" end,
                  case R of #{prefsrc := S} -> inet:ntoa(S); _ -> "-" end, Table,
                  case Scope of universe -> global; _ -> Scope end, P])
            || #{dst_len := Len, type := T, table_id := Table, scope := Scope, protocol := P} = R <- Routes]
       end).

neighbours(Config) ->
    ip(Config, "neigh show nud all",
       "  print(l['dst'], l['dev'], l.get('lladdr', '-'), ','.join(l['state']))\n",
       fun() ->
           Names = names(),
           {ok, Entries} = esock_netlink:neighbours(),
           [text("~s ~s ~s ~s", [inet:ntoa(D), maps:get(I, Names), case E of #{lladdr := L} -> mac(L); _ -> "-" end,
                                 lists:join(",", [string:uppercase(atom_to_list(S)) || S <- State])])
            || #{dst := D, index := I, state := State} = E <- Entries]
       end).

gets(_) ->
    {ok, #{index := 1, name := <<"lo">>} = Lo} = esock_netlink:link("lo"),
    {ok, #{index := 1, type := loopback}} = esock_netlink:link(<<"lo">>),
    {ok, #{name := <<"lo">>}} = esock_netlink:link(1),
    ?assertMatch(#{mtu := 65536, address := <<0:48>>, stats := #{rx_packets := N}} when is_integer(N), Lo),
    ?assertMatch({ok, #{dst := {127, 0, 0, 1}, oif := 1, type := local}}, esock_netlink:route({127, 0, 0, 1})),
    ?assertMatch({ok, #{dst := {0, 0, 0, 0, 0, 0, 0, 1}}}, esock_netlink:route({0, 0, 0, 0, 0, 0, 0, 1})),
    {ok, S} = esock_netlink:open(route),
    {ok, [#{type := newlink, body := #{index := 1}}]} = esock_netlink:request(S, #{type => getlink, body => #{index => 1}}, 1000),
    {ok, #{index := 1}} = esock_netlink:link("lo", #{socket => S}),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock_netlink:link("lo", #{socket => S})).

refused(_) ->
    ?assertMatch({error, {enodev, #{}}}, esock_netlink:link("nosuch")),
    ?assertMatch({error, {enodev, #{}}}, esock_netlink:link(1 bsl 30)),
    %% The kernel says why.
    {ok, S} = esock_netlink:open(route),
    ?assertMatch({error, {einval, #{message := <<_, _/binary>>}}},
                 esock_netlink:request(S, #{type => getlink, flags => [dump], body => #{type => can, family => unspec}}, 1000)),
    ok = esock:close(S),
    ?assertEqual({error, enoent}, esock_netlink:links(#{netns => "/nosuch"})),
    ?assertEqual({error, {invalid, [index]}}, esock_netlink:link(1 bsl 31)),
    ?assertEqual({error, {invalid, [name]}}, esock_netlink:link("a name that is too long")),
    ?assertEqual({error, {invalid, [up]}}, esock_netlink:set_link("lo", #{up => maybe_so}, #{})),
    ?assertEqual({error, {invalid, [address]}}, esock_netlink:add_address("lo", foo, #{})).

open_groups(_) ->
    {ok, S} = esock_netlink:open(route, #{groups => [link, ipv4_ifaddr, 36]}),
    {ok, #{family := netlink, pid := Pid, groups := Groups} = Addr} = esock:sockname(S),
    ?assertEqual(1 bor (1 bsl 4), Groups),
    ?assertEqual(Addr, esock_netlink:address(Pid, Groups)),
    ?assertEqual({ok, Pid}, esock_netlink:pid(Addr)),
    ?assertEqual({error, {invalid, [address]}}, esock_netlink:pid(#{family => inet, addr => {0, 0, 0, 0}})),
    ok = esock:close(S),
    ?assertEqual({error, {invalid, [groups]}}, esock_netlink:open(route, #{groups => [foo]})),
    ?assertEqual({error, {invalid, [groups]}}, esock_netlink:open(route, #{groups => foo})),
    ?assertEqual({error, {invalid, []}}, esock_netlink:open(foo)),
    ?assertEqual({error, {invalid, [groups]}}, esock_netlink:subscribe([foo])),
    ?assertEqual({error, {invalid, [groups]}}, esock_netlink:subscribe(foo)).

%%% ---- In a namespace of our own

%% It lives as long as a program in it.
in_netns(Fun) ->
    Port = open_port({spawn, "unshare -n sh -c 'echo in $$; read end' 2>&1"}, [{line, 200}, exit_status]),
    receive
        {Port, {data, {eol, "in " ++ Pid}}} ->
            try Fun(#{netns => "/proc/" ++ Pid ++ "/ns/net"})
            after port_close(Port)
            end;
        {Port, {data, {eol, Why}}} -> {skip, Why};
        {Port, {exit_status, Status}} -> {skip, {unshare, Status}}
    end.

in_it(#{netns := Path}, Command) -> os:cmd("nsenter --net=" ++ Path ++ " " ++ Command).

veth(_) ->
    in_netns(fun(Opts) ->
        ok = esock_netlink:new_veth("va", "vb", Opts),
        ?assertMatch({error, {eexist, _}}, esock_netlink:new_veth("va", "vb", Opts)),
        {ok, #{index := A, link := B, linkinfo := #{kind := <<"veth">>}, flags := Down}} = esock_netlink:link("va", Opts),
        ?assertNot(lists:member(up, Down)),
        ok = esock_netlink:set_link("va", #{up => true, mtu => 1400}, Opts),
        ok = esock_netlink:set_link(B, #{up => true, name => "vc"}, Opts),
        ok = esock_netlink:add_address("va", {{10, 9, 8, 7}, 24}, Opts),
        ?assertMatch({error, {eexist, _}}, esock_netlink:add_address("va", {{10, 9, 8, 7}, 24}, Opts)),
        ok = esock_netlink:add_address("vc", {{16#fd00, 0, 0, 0, 0, 0, 0, 9}, 64}, Opts),
        {ok, #{mtu := 1400, flags := Up}} = esock_netlink:link(A, Opts),
        ?assert(lists:member(up, Up)),
        ?assertMatch({ok, [#{local := {10, 9, 8, 7}, prefixlen := 24, index := A}]}, esock_netlink:addresses(Opts#{family => inet})),
        {ok, Six} = esock_netlink:addresses(Opts#{family => inet6}),
        ?assertMatch([_], [X || #{address := {16#fd00, 0, 0, 0, 0, 0, 0, 9}, index := I} = X <- Six, I =:= B]),
        ok = esock_netlink:change(newroute, #{family => inet, dst_len => 16, dst => {10, 77, 0, 0}, oif => A, table => main,
                                              gateway => {10, 9, 8, 1}, protocol => static, type => unicast}, Opts),
        ?assertMatch({ok, #{gateway := {10, 9, 8, 1}, oif := A}}, esock_netlink:route({10, 77, 1, 2}, Opts)),
        ok = esock_netlink:change(newneigh, #{family => inet, index => A, dst => {10, 9, 8, 1}, lladdr => <<2:48>>, state => [permanent]}, Opts),
        ?assertMatch({ok, #{lladdr := <<2:48>>, state := [permanent]}}, esock_netlink:neighbour("va", {10, 9, 8, 1}, Opts)),
        ?assertMatch({error, {enoent, _}}, esock_netlink:neighbour(A, {10, 9, 8, 2}, Opts)),
        seen_by_ip(Opts),
        ok = esock_netlink:delete_address("va", {{10, 9, 8, 7}, 24}, Opts),
        ?assertMatch({error, {eaddrnotavail, _}}, esock_netlink:delete_address("va", {{10, 9, 8, 7}, 24}, Opts)),
        ok = esock_netlink:delete_link("va", Opts),
        ?assertMatch({error, {enodev, _}}, esock_netlink:link(B, Opts)),
        ?assertMatch({error, {enotsup, #{message := <<"Unknown device type">>}}},
                     esock_netlink:new_link(#{name => "d", linkinfo => #{kind => <<"nosuch">>}}, Opts)) end).

seen_by_ip(Opts) ->
    case os:find_executable("ip") of
        false -> ok;
        _ ->
            Seen = in_it(Opts, "sh -c 'ip -d link; ip addr; ip route; ip neigh'"),
            [?assertMatch({Text, {match, _}, _}, {Text, re:run(Seen, Text), Seen})
             || Text <- ["va@vc: <[^>]*UP", "mtu 1400", "veth", "inet 10.9.8.7/24 ", "inet6 fd00::9/64 ",
                         "10.77.0.0/16 via 10.9.8.1 dev va proto static", "10.9.8.1 dev va lladdr 00:00:00:00:00:02 PERMANENT"]]
    end.

event(Subscription, Pattern) ->
    receive {esock_netlink, Subscription, Event} ->
            case Pattern(Event) of
                true -> ok;
                false -> event(Subscription, Pattern)
            end
    after 20_000 -> ct:fail({no_event, process_info(self(), messages)})
    end.

link_event(Subscription, Change, Name) ->
    event(Subscription, fun({link, C, #{name := N}}) -> C =:= Change andalso N =:= Name; (_) -> false end).

events(_) ->
    in_netns(fun(Opts) ->
        {ok, S} = esock_netlink:subscribe([link, address, route, neighbour], Opts),
        ok = esock_netlink:new_veth("va", "vb", Opts),
        %% The peer comes first.
        link_event(S, added, <<"vb">>),
        link_event(S, added, <<"va">>),
        ok = esock_netlink:set_link("va", #{up => true}, Opts),
        %% The other end is off: no carrier.
        link_event(S, changed, <<"va">>),
        ok = esock_netlink:set_link("vb", #{up => true}, Opts),
        link_event(S, up, <<"va">>),
        ok = esock_netlink:add_address("va", {{10, 9, 8, 7}, 24}, Opts),
        event(S, fun({address, added, #{local := {10, 9, 8, 7}, prefixlen := 24, label := <<"va">>}}) -> true; (_) -> false end),
        event(S, fun({route, added, #{dst := {10, 9, 8, 0}, dst_len := 24, table_id := main}}) -> true; (_) -> false end),
        {ok, #{index := A}} = esock_netlink:link("va", Opts),
        Entry = #{family => inet, index => A, dst => {10, 9, 8, 1}, lladdr => <<2:48>>, state => [permanent]},
        ok = esock_netlink:change(newneigh, Entry, Opts),
        event(S, fun({neighbour, added, #{dst := {10, 9, 8, 1}}}) -> true; (_) -> false end),
        ok = esock_netlink:change(delneigh, maps:with([family, index, dst], Entry), Opts),
        event(S, fun({neighbour, deleted, #{dst := {10, 9, 8, 1}}}) -> true; (_) -> false end),
        ok = esock_netlink:delete_address("va", {{10, 9, 8, 7}, 24}, Opts),
        event(S, fun({address, deleted, #{local := {10, 9, 8, 7}}}) -> true; (_) -> false end),
        ok = esock_netlink:set_link("vb", #{up => false}, Opts),
        link_event(S, down, <<"va">>),
        ok = esock_netlink:delete_link("va", Opts),
        link_event(S, deleted, <<"va">>),
        ok = esock_netlink:unsubscribe(S) end).

%% Of the subscriber's end, or its own.
subscription_ends(_) ->
    Processes = fun() -> [P || P <- processes(), {_, {esock_netlink_events, _, _}} <- [process_info(P, initial_call)]] ++
                             [P || P <- processes(), {_, Stack} <- [process_info(P, current_stacktrace)], lists:keymember(esock_netlink_events, 1, Stack)] end,
    {ok, S} = esock_netlink:subscribe([link]),
    esock_async_SUITE:until(fun() -> Processes() =/= [] end),
    ok = esock_netlink:unsubscribe(S),
    esock_async_SUITE:until(fun() -> Processes() =:= [] end),
    ?assertEqual({error, closed}, esock_netlink:unsubscribe(S)),
    {Pid, MRef} = spawn_monitor(fun() -> {ok, _} = esock_netlink:subscribe([link]) end),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    esock_async_SUITE:until(fun() -> Processes() =:= [] end).

%% Where events are more than the buffer holds: the process that receives them is held.
overrun(_) ->
    in_netns(fun(Opts) ->
        {ok, S} = esock_netlink:subscribe([link], Opts),
        Receiver = fun() -> [P || P <- processes(), {_, Stack} <- [process_info(P, current_stacktrace)], lists:keymember(esock_netlink_events, 1, Stack)] end,
        esock_async_SUITE:until(fun() -> length(Receiver()) =:= 1 end),
        [Pid] = Receiver(),
        true = erlang:suspend_process(Pid),
        ok = esock:setopt(S, {socket, rcvbuf}, 4096),
        ok = esock_netlink:new_veth("va", "vb", Opts),
        [ok = esock_netlink:set_link("va", #{up => Up}, Opts) || _ <- lists:seq(1, 20), Up <- [true, false]],
        true = erlang:resume_process(Pid),
        event(S, fun(Event) -> Event =:= overrun end),
        ok = esock_netlink:delete_link("va", Opts),
        link_event(S, deleted, <<"va">>),
        ok = esock_netlink:unsubscribe(S) end).

%%% ---- Sockets

connection() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    ok = esock:send(C, binary:copy(<<1>>, 5000)),
    {ok, _} = esock:recv(S, 5000),
    ok = esock:send(S, <<"answer">>),
    {ok, _} = esock:recv(C, 6),
    {ok, #{port := From}} = esock:sockname(C),
    {[L, C, S], From, maps:get(port, Addr)}.

sock_diag(_) ->
    {[_, C, _] = Sockets, From, To} = connection(),
    Keys = [state, snd_mss, rcv_mss, pmtu, advmss, snd_cwnd, rtt, bytes_sent, bytes_acked, bytes_received, segs_out, segs_in, rto],
    One = fun() ->
              {ok, [Found]} = esock_netlink:sock_diag(#{family => inet, states => [established], local_port => From, peer_port => To}),
              Found
          end,
    %% An acknowledgement that the system put off changes some of it once more.
    esock_async_SUITE:until(fun() ->
        #{tcp_info := Info} = One(),
        {ok, Own} = esock:getopt(C, {tcp, info}),
        maps:with(Keys, Own) =:= maps:with(Keys, Info)
    end),
    #{tcp_info := Info} = Found = One(),
    Loopback = {127, 0, 0, 1},
    ?assertMatch(#{state := established, rqueue := 0, wqueue := 0, congestion := <<_, _/binary>>, skmeminfo := #{rcvbuf := _},
                   local := #{family := inet, addr := Loopback, port := From}, peer := #{addr := Loopback, port := To}}, Found),
    ?assertEqual(string:trim(os:cmd("id -u")), integer_to_list(maps:get(uid, Found))),
    ?assertMatch(#{bytes_sent := 5000, bytes_received := 6}, Info),
    Result = beside_ss(From, To, One),
    esock_pairs:close(Sockets),
    Result.

beside_ss(From, To, One) ->
    case os:find_executable("ss") of
        false -> {comment, "no ss"};
        _ ->
            esock_async_SUITE:until(fun() ->
                Found = One(),
                Seen = os:cmd(text("ss -tineH 'sport = :~w and dport = :~w'", [From, To])),
                Missing = [Text || Text <- as_ss(From, Found), string:find(Seen, Text) =:= nomatch],
                Missing =:= [] orelse begin ct:log("~p~n~s", [Missing, Seen]), false end
            end)
    end.

as_ss(From, #{congestion := Congestion, inode := Inode, tcp_info := Info}) ->
    #{wscale := W, snd_mss := Mss, rcv_mss := RcvMss, pmtu := Pmtu, advmss := AdvMss, snd_cwnd := Cwnd, rto := Rto, segs_out := Out, rtt := Rtt,
      rcv_space := Space} = Info,
    ["ESTAB", text("127.0.0.1:~w", [From]), text("ino:~w ", [Inode]), binary_to_list(Congestion), text("wscale:~w,~w", [W band 15, W bsr 4]),
     text(" mss:~w ", [Mss]), text(" rcvmss:~w ", [RcvMss]), text(" pmtu:~w ", [Pmtu]), text(" advmss:~w ", [AdvMss]), text(" cwnd:~w ", [Cwnd]),
     text(" rto:~w ", [Rto div 1000]), " bytes_sent:5000 ", " bytes_received:6 ", text(" segs_out:~w ", [Out]), text(" rcv_space:~w ", [Space]),
     text(" rtt:~s/", [rtt(Rtt)])].

%% Milliseconds as ss has them: %g.
rtt(Micro) -> string:trim(string:trim(float_to_list(Micro / 1000, [{decimals, 3}]), trailing, "0"), trailing, ".").

sock_diag_filters(_) ->
    {ok, U} = esock:open(inet6, dgram, udp),
    ok = esock:bind(U, #{family => inet6, addr => loopback, port => 0}),
    {ok, #{port := Port}} = esock:sockname(U),
    {ok, [One]} = esock_netlink:sock_diag(#{protocol => udp, local_port => Port, family => inet6}),
    ?assertMatch(#{family := inet6, local := #{family := inet6, addr := {0, 0, 0, 0, 0, 0, 0, 1}, port := Port}}, One),
    ?assertMatch({ok, []}, esock_netlink:sock_diag(#{protocol => udp, local_port => Port, family => inet})),
    {Sockets, _, To} = connection(),
    {ok, Listening} = esock_netlink:sock_diag(#{states => [listen], extensions => []}),
    ?assert(lists:any(fun(#{local := #{port := P}}) -> P =:= To end, Listening)),
    ?assertEqual([listen], lists:usort([S || #{state := S} <- Listening])),
    ?assertNot(lists:any(fun(One1) -> is_map_key(tcp_info, One1) end, Listening)),
    esock_pairs:close([U | Sockets]),
    [?assertEqual({Filter, {error, {invalid, Path}}}, {Filter, esock_netlink:sock_diag(Filter)})
     || {Filter, Path} <- [{#{foo => 1}, [foo]}, {foo, []}, {#{family => local}, [family]}, {#{protocol => foo}, [protocol]},
                           {#{states => [foo]}, [states, foo]}, {#{states => listen}, [states]}, {#{local_port => 65536}, [local_port]},
                           {#{peer_port => foo}, [peer_port]}, {#{extensions => [foo]}, [extensions, foo]}]],
    in_netns(fun(Opts) -> ?assertEqual({ok, []}, esock_netlink:sock_diag(Opts)) end).

%% Longer than one datagram of the kernel's.
list_is_whole(_) ->
    in_netns(fun(Opts) ->
        Names = [{text("a~w", [N]), text("b~w", [N])} || N <- lists:seq(1, 30)],
        {ok, S} = esock_netlink:open(route, Opts),
        [ok = esock_netlink:new_veth(A, B, #{socket => S}) || {A, B} <- Names],
        {ok, Links} = esock_netlink:links(#{socket => S}),
        ?assertEqual(lists:sort(["lo" | lists:append([[A, B] || {A, B} <- Names])]), lists:sort([binary_to_list(N) || #{name := N} <- Links])),
        ok = esock:close(S) end).

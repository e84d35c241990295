%% Families of addresses by name: what this kernel has with sockets, the others by the bytes of their addresses, which python3 and the
%% kernel's headers give.
-module(esock_families_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [netlink, vsock, xdp, packet, udplite_and_mptcp, opened_by_name, names, bytes, bytes_of_python, wrong_fields, interface_names, native].

%% The kernel answers a request for an interface that is not there with an error, from its own address.
netlink(_) ->
    {ok, S} = esock:open(netlink, raw, route),
    ok = esock:bind(S, #{family => netlink, groups => [1, 5]}),
    {ok, #{family := netlink, pid := Pid, groups := 2#10001}} = esock:sockname(S),
    ?assert(Pid > 0),
    Request = <<32:32/native, 18:16/native, 1:16/native, 7:32/native, 0:32, 0:32, 16#7fffffff:32/native, 0:64>>,
    ok = esock:sendto(S, Request, #{family => netlink}),
    {ok, {#{family := netlink, pid := 0, groups := 0}, <<_:32, 2:16/native, _:16, 7:32/native, Pid:32/native, _/binary>>}} = esock:recvfrom(S),
    ?assertMatch({ok, netlink}, esock:getopt(S, {otp, domain})),
    ?assertMatch(#{domain := netlink, protocol := route}, esock:info(S)),
    ok = esock:close(S).

vsock(_) ->
    case esock:open(vsock, stream) of
        {ok, S} ->
            ok = esock:bind(S, #{family => vsock, cid => any, port => any}),
            ?assertMatch({ok, #{family := vsock, cid := any, port := Port}} when is_integer(Port), esock:sockname(S)),
            ok = esock:close(S);
        {error, eafnosupport} -> {skip, eafnosupport}
    end.

%% Without memory for packets it can be opened, and not bound.
xdp(_) ->
    case esock:open(xdp, raw) of
        {ok, S} ->
            ?assertMatch({error, Reason} when Reason =:= einval; Reason =:= enodev; Reason =:= eopnotsupp,
                         esock:bind(S, #{family => xdp, ifindex => "lo", queue_id => 0, flags => [copy]})),
            ok = esock:close(S);
        {error, Reason} -> {skip, Reason}
    end.

packet(_) ->
    {ok, S} = esock:open(packet, raw, {ethertype, 16#0800}),
    ok = esock:bind(S, #{family => packet, protocol => 16#0800, ifindex => "lo"}),
    ?assertMatch({ok, #{family := packet, ifindex := 1, hatype := loopback, protocol := 16#0800}}, esock:sockname(S)),
    ok = esock:close(S).

udplite_and_mptcp(_) ->
    [begin
         {ok, S} = esock:open(inet, Type, Protocol),
         ?assertMatch(#{protocol := Protocol}, esock:info(S)),
         ok = esock:close(S)
     end || {Type, Protocol} <- [{dgram, udplite}, {stream, mptcp}], esock:open(inet, Type, Protocol) =/= {error, eprotonosupport}].

%% A name opens what its number opens, here as for python3; most families are not there.
opened_by_name(_) ->
    Kinds = [{rds, 21, seqpacket, 5}, {llc, 26, dgram, 2}, {can, 29, dgram, 2}, {tipc, 30, rdm, 4}, {bluetooth, 31, seqpacket, 5},
             {alg, 38, seqpacket, 5}, {vsock, 40, stream, 1}, {kcm, 41, dgram, 2}, {qipcrtr, 42, dgram, 2}, {smc, 43, stream, 1},
             {xdp, 44, raw, 3}, {mctp, 45, dgram, 2}, {netlink, 16, raw, 3}],
    Opened = fun(Domain, Type) ->
        case esock:open(Domain, Type) of
            {ok, S} ->
                ok = esock:close(S),
                ok;
            {error, Reason} ->
                {ok, Number} = esock:const({errno, Reason}),
                Number
        end
    end,
    Said = python(["import socket\ndef o(d, t):\n try: socket.socket(d, t).close(); return 'ok'\n except OSError as e: return e.errno\n",
                   [io_lib:format("print(o(~w, ~w))\n", [Number, Type]) || {_, Number, _, Type} <- Kinds]]),
    ?assertEqual(string:lexemes(Said, "\n"), [lists:concat([Opened(Name, Type)]) || {Name, _, Type, _} <- Kinds]),
    [?assertEqual({Name, Opened(Number, Type)}, {Name, Opened(Name, Type)}) || {Name, Number, Type, _} <- Kinds].

%% Every name of a domain has the number that python3 has for it.
names(_) ->
    Python = ["ax25", "ipx", "appletalk", "netrom", "bridge", "atmpvc", "x25", "rose", "decnet", "netbeui", "security", "key", "netlink",
              "route", "packet", "ash", "econet", "atmsvc", "rds", "sna", "irda", "pppox", "wanpipe", "llc", "can", "tipc", "bluetooth",
              "alg", "vsock", "qipcrtr", "unix", "inet", "inet6"],
    Ask = ["import socket; print([(lambda f: f if f is None else int(f))(getattr(socket, 'AF_'+n.upper() if n != 'decnet' else 'AF_DECnet', None)) for n in ",
           io_lib:format("~p", [Python]), "])"],
    Numbers = numbers(python(Ask)),
    [begin
         {Name, Number} = {list_to_atom(N), Number},
         {ok, #{family := Named}} = {ok, esock_addr:unpack(<<Number:16/native, 0:1008>>, 0)},
         ?assertEqual({N, Number}, {N, binary:decode_unsigned(binary:part(element(2, esock_addr:pack(address(Name))), 0, 2), little)}),
         ?assert(is_atom(Named), N)
     end || {N, Number} <- lists:zip(Python, Numbers), Number =/= none].

address(unix) -> #{family => local, path => <<"x">>};
address(route) -> #{family => netlink};
address(tipc) -> #{family => tipc, kind => socket};
address(alg) -> #{family => alg, type => "hash", name => "sha1"};
address(bluetooth) -> #{family => bluetooth, proto => sco, bdaddr => any};
address(Name) -> #{family => Name}.

python(Program) -> os:cmd("python3 -c \"" ++ lists:flatten(string:replace(lists:flatten(Program), "\"", "'", all)) ++ "\"").

numbers(Printed) ->
    [case string:trim(N) of "None" -> none; Number -> list_to_integer(Number) end
     || N <- string:split(string:trim(string:trim(Printed), both, "[]"), ",", all)].

%% Addresses and their bytes behind the family, from the kernel's headers.
cases() ->
    [{#{family => netlink, pid => 1234, groups => 16#80000001}, 0, <<0:16, 1234:32/native, 16#80000001:32/native>>},
     {#{family => vsock, cid => host, port => 1024, flags => []}, 0, <<0:16, 1024:32/native, 2:32/native, 0, 0:24>>},
     {#{family => vsock, cid => any, port => any, flags => [to_host]}, 0, <<0:16, -1:32, -1:32, 1, 0:24>>},
     {#{family => can, ifindex => 7}, 1, <<0:16, 7:32/native, 0:128>>},
     {#{family => can, proto => isotp, ifindex => 7, rx_id => 16#123, tx_id => 16#80000321}, 6,
      <<0:16, 7:32/native, 16#123:32/native, 16#80000321:32/native, 0:64>>},
     {#{family => can, proto => j1939, ifindex => 7, name => 1 bsl 63, pgn => 16#3FFFF, addr => 254}, 7,
      <<0:16, 7:32/native, (1 bsl 63):64/native, 16#3FFFF:32/native, 254, 0:24>>},
     {#{family => tipc, kind => service, scope => cluster, type => 18888, instance => 17, domain => 0}, 0,
      <<2, 2, 18888:32/native, 17:32/native, 0:32>>},
     {#{family => tipc, kind => range, scope => node, type => 18888, lower => 1, upper => 9}, 0,
      <<1, 3, 18888:32/native, 1:32/native, 9:32/native>>},
     {#{family => tipc, kind => socket, scope => 0, ref => 5, node => 6}, 0, <<3, 0, 5:32/native, 6:32/native, 0:32>>},
     {#{family => bluetooth, proto => l2cap, psm => 16#1001, bdaddr => "12:23:34:45:56:67", cid => 4, bdaddr_type => le_public}, 0,
      <<16#1001:16/little, 16#67, 16#56, 16#45, 16#34, 16#23, 16#12, 4:16/little, 1, 0>>},
     {#{family => bluetooth, proto => rfcomm, bdaddr => "00:00:00:FF:FF:FF", channel => 30}, 3, <<255, 255, 255, 0, 0, 0, 30, 0>>},
     {#{family => bluetooth, proto => sco, bdaddr => "00:00:00:00:00:00"}, 2, <<0:48>>},
     {#{family => bluetooth, proto => hci, dev => 1, channel => control}, 1, <<1:16/native, 3:16/native>>},
     {#{family => alg, type => "hash", name => "sha256", feat => 0, mask => 5}, 0,
      <<"hash", 0:80, 0:32, 5:32/native, "sha256", 0:464>>},
     {#{family => qipcrtr, node => 1, port => 15}, 0, <<0:16, 1:32/native, 15:32/native>>},
     {#{family => xdp, flags => [copy, use_need_wakeup], ifindex => 3, queue_id => 1, shared_umem_fd => 9}, 0,
      <<10:16/native, 3:32/native, 1:32/native, 9:32/native>>},
     {#{family => llc, arphrd => 1, test => 2, xid => 3, ua => 4, sap => 5, mac => <<1, 2, 3, 4, 5, 6>>}, 0,
      <<1:16/native, 2, 3, 4, 5, 1, 2, 3, 4, 5, 6, 0:16>>},
     {#{family => mctp, network => 1, addr => 8, type => 2, tag => 7}, 0, <<0:16, 1:32/native, 8, 2, 7, 0>>}].

bytes(_) ->
    [begin
         {ok, <<_:16, Packed/binary>>} = esock_addr:pack(Address),
         ?assertEqual({Address, Bytes}, {Address, Packed}),
         {ok, Whole} = esock_addr:pack(Address),
         ?assertEqual(Address, esock_addr:unpack(Whole, Protocol)),
         %% The kernel may leave out the zeros at the end.
         ?assertMatch(#{family := _}, esock_addr:unpack(binary:part(Whole, 0, 4), Protocol))
     end || {Address, Protocol, Bytes} <- cases()],
    {ok, <<_:16, 0:16, 0:32, 2#10001:32/native>>} = esock_addr:pack(#{family => netlink, groups => [1, 5]}),
    {ok, <<_:16, 255, 255, 255, 255, 255, 255>>} = esock_addr:pack(#{family => bluetooth, proto => sco, bdaddr => all}).

%% What python3 binds is what we decode: of the families that are here.
bytes_of_python(_) ->
    ?assertEqual("('lo', 2048, 0, 772, b'\\x00\\x00\\x00\\x00\\x00\\x00')\n",
                 python(["import socket; s = socket.socket(17, 3, 8); s.bind(('lo', 2048)); print(s.getsockname())"])),
    {ok, S} = esock:open(packet, raw, {ethertype, 2048}),
    ok = esock:bind(S, #{family => packet, ifindex => "lo", protocol => 2048}),
    ?assertMatch({ok, #{protocol := 2048, pkttype := host, hatype := loopback, addr := <<0:48>>}}, esock:sockname(S)),
    ok = esock:close(S).

%% The error names the key.
wrong_fields(_) ->
    [?assertEqual({error, {invalid, {sockaddr, Key, Address}}}, esock_addr:pack(Address))
     || {Key, Address} <- [{pid, #{family => netlink, pid => -1}}, {groups, #{family => netlink, groups => [33]}}, {groups, #{family => netlink, groups => [0]}},
                           {groups, #{family => netlink, groups => foo}}, {cid, #{family => vsock, cid => nowhere}}, {port, #{family => vsock, port => 1 bsl 32}},
                           {ifindex, #{family => can, ifindex => "no_such_if"}}, {ifindex, #{family => can, ifindex => lists:seq(1, 100)}},
                           {kind, #{family => tipc}}, {kind, #{family => tipc, kind => foo}}, {proto, #{family => bluetooth, bdaddr => any}},
                           {bdaddr, #{family => bluetooth, proto => sco, bdaddr => "1:2:3:4:5:6"}}, {bdaddr, #{family => bluetooth, proto => sco, bdaddr => here}},
                           {type, #{family => alg, type => "a name of more than 14"}}, {type, #{family => alg, name => <<"sha">>}}, {name, #{family => alg, type => "hash"}},
                           {flags, #{family => xdp, flags => [foo]}}, {mac, #{family => llc, mac => <<0:56>>}}]],
    ?assertEqual({error, {invalid, {sockaddr, {keys, [port]}, #{family => netlink, port => 1}}}}, esock_addr:pack(#{family => netlink, port => 1})),
    ?assertEqual({error, {invalid, {sockaddr, family, #{}}}}, esock_addr:pack(#{})),
    ?assertError({invalid, {sockaddr, foo}}, esock_addr:pack(foo)),
    ?assertError(badarg, esock_addr:unpack(<<0:1032>>)),
    ?assertError(badarg, esock_addr:unpack(foo)).

interface_names(_) ->
    {ok, S} = esock:open(inet6, dgram),
    ok = esock:bind(S, #{family => inet6, addr => loopback, scope_id => "lo"}),
    ok = esock:close(S),
    ?assertMatch({ok, <<_:16, _:16, 0:32, 1:128, 1:32/native>>}, esock_addr:pack(#{family => inet6, addr => loopback, scope_id => "lo"})),
    ?assertMatch({error, {invalid, {sockaddr, _}}}, esock_addr:pack(#{family => inet6, scope_id => "no_such_if"})).

%% A family without a form: its name, or its number.
native(_) ->
    [?assertEqual({ok, <<9:16/native, "01">>}, esock_addr:pack(#{family => Family, addr => <<"01">>})) || Family <- [x25, 9]],
    ?assertEqual(#{family => x25, addr => <<"01">>}, esock_addr:unpack(<<9:16/native, "01">>)),
    ?assertEqual(#{family => 200, addr => <<"01">>}, esock_addr:unpack(<<200:16/native, "01">>)),
    ?assertEqual({ok, <<16:16/native, 0:80>>}, esock_addr:pack(#{family => 16, addr => <<0:80>>})).

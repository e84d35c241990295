%% esock_packet: its structs beside the headers of Linux and Python's struct; the options between the ends of a veth, beside `ip' and
%% Python's getsockopt.
-module(esock_packet_options_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [structs, structs_of_linux, structs_of_python, round_trips, wrong_values, any_bytes, control_messages, arguments,
     plain_options, read_by_python, memberships, memberships_end, interface_of_the_namespace, auxdata, vlan, statistics, drops,
     ignore_outgoing, fanout, fanout_unique].

suite() -> [{timetrap, {seconds, 60}}].

-define(ALL, 16#0003).
%% An EtherType for experiments: nobody else sends packets of it.
-define(OURS, 16#88B5).

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 500}, [quiet]).

invalid(Path) -> {error, {invalid, Path}}.

%%% ---- Codec

options() ->
    [add_membership, drop_membership, statistics, copy_thresh, auxdata, origdev, version, reserve, loss, vnet_hdr, timestamp, fanout,
     tx_has_off, qdisc_bypass, rollover_stats, fanout_data, ignore_outgoing].

structs(_) ->
    ?assertEqual([{ok, <<3:32/native, 1:16/native, 0:16, 0:64>>}, {ok, <<3:32/native, 0:16/native, 6:16/native, 1, 0, 16#5E, 0, 0, 7, 0, 0>>},
                  {ok, <<3:32/native, 3:16/native, 20:16/native, 0:160>>}],
                 [esock_packet:encode_option(add_membership, M) || M <- [#{ifindex => 3, type => promisc}, #{ifindex => 3, type => multicast, addr => <<1, 0, 16#5E, 0, 0, 7>>},
                                                                         #{ifindex => 3, type => unicast, addr => <<0:160>>}]]),
    ?assertEqual([{ok, <<16#C0010007:32/native>>}, {ok, <<0:32>>}, {ok, <<16#00010000:32/native, 9:32/native>>}],
                 [esock_packet:encode_option(fanout, F) || F <- [#{id => 7, mode => lb, flags => [ignore_outgoing, defrag]}, #{mode => hash},
                                                                 #{mode => lb, max_members => 9}]]),
    ?assertEqual({ok, #{id => 7, mode => qm, flags => [uniqueid]}}, esock_packet:decode_option(fanout, <<16#20050007:32/native>>)),
    ?assertEqual([{ok, true}, {ok, true}, {ok, false}], [esock_packet:decode_option(auxdata, B) || B <- [<<1:32/native>>, <<5:32/native>>, <<0:32>>]]),
    ?assertEqual({ok, #{packets => 1, drops => 2}}, esock_packet:decode_option(statistics, <<1:32/native, 2:32/native>>)),
    ?assertEqual({ok, v3}, esock_packet:decode_option(version, <<2:32/native>>)),
    [?assertEqual({O, V, invalid(Path)}, {O, V, esock_packet:encode_option(O, V)})
     || {O, V, Path} <- [{foo, 1, [option]}, {auxdata, 1, []}, {version, v4, []}, {copy_thresh, a, []}, {add_membership, foo, []}, {add_membership, #{}, [ifindex]},
                         {add_membership, #{ifindex => 1}, [type]}, {add_membership, #{ifindex => -1, type => promisc}, [ifindex]},
                         {add_membership, #{ifindex => "lo", type => promisc}, [ifindex]}, {add_membership, #{ifindex => 1, type => foo}, [type]},
                         {add_membership, #{ifindex => 1, type => unicast, addr => <<0:264>>}, [addr]}, {add_membership, #{ifindex => 1, type => promisc, foo => 1}, [foo]},
                         {fanout, #{}, [mode]}, {fanout, #{mode => lb, id => 65536}, [id]}, {fanout, #{mode => foo}, [mode]}, {fanout, #{mode => lb, flags => [foo]}, [flags, foo]},
                         {fanout, #{mode => lb, flags => [1]}, [flags]}, {fanout, #{mode => lb, max_members => -1}, [max_members]}, {fanout, 7, []},
                         {timestamp, [foo], [foo]}, {statistics, #{packets => 1}, [drops]}]],
    [?assertEqual({O, B, invalid(Path)}, {O, B, esock_packet:decode_option(O, B)})
     || {O, B, Path} <- [{foo, <<>>, [option]}, {auxdata, <<1>>, []}, {auxdata, foo, []}, {statistics, <<0:96>>, []}, {fanout, <<0:16>>, []}, {fanout, <<0:40>>, [max_members]},
                         {add_membership, <<0:48, 33:16/native, 0:264>>, [addr]}, {add_membership, <<0:16>>, [ifindex]},
                         {add_membership, <<0:48>>, [addr]}, {add_membership, <<0:48, 9:16/native, 0:64>>, [addr]}]].

structs_of_linux(Config) ->
    Options = options(),
    Upper = fun(Name) -> string:uppercase(atom_to_list(Name)) end,
    Statuses = [copy, losing, csumnotready, vlan_valid, blk_tmo, vlan_tpid_valid, csum_valid, ts_software, ts_sys_hardware, ts_raw_hardware],
    Modes = [hash, lb, cpu, rollover, rnd, qm, cbpf, ebpf],
    Flags = [rollover, uniqueid, defrag],
    Types = [multicast, promisc, allmulti, unicast],
    Int = fun(Name) -> ["printf(\"%u\\n\", (unsigned) ", Name, ");\n"] end,
    Program = ["#include <stdio.h>\n#include <stddef.h>\n#include <sys/socket.h>\n#include <linux/if_packet.h>\n#include <linux/net_tstamp.h>\nint main() {\n",
               Int("SOL_PACKET"), [Int(["PACKET_", Upper(O)]) || O <- Options], [Int(["TP_STATUS_", Upper(S)]) || S <- Statuses],
               [Int(["PACKET_FANOUT_", Upper(M)]) || M <- Modes], [Int(["PACKET_FANOUT_FLAG_", Upper(F)]) || F <- Flags],
               [Int(["PACKET_MR_", Upper(T)]) || T <- Types], [Int(["TPACKET_", V]) || V <- ["V1", "V2", "V3"]],
               [Int(["SOF_TIMESTAMPING_", Upper(T)]) || T <- [software, sys_hardware, raw_hardware]],
               [Int(N) || N <- ["sizeof(struct packet_mreq)", "offsetof(struct packet_mreq, mr_type)", "offsetof(struct packet_mreq, mr_alen)",
                                "offsetof(struct packet_mreq, mr_address)", "sizeof(struct tpacket_stats)", "sizeof(struct tpacket_rollover_stats)",
                                "sizeof(struct tpacket_auxdata)", "offsetof(struct tpacket_auxdata, tp_vlan_tpid)"]], "}\n"],
    esock_oracle:c(Config, Program, fun(Output) ->
        Numbers = [binary_to_integer(N) || N <- binary:split(Output, <<"\n">>, [global, trim])],
        Fanout = fun(F) -> {ok, <<N:32/native>>} = esock_packet:encode_option(fanout, F), N bsr 16 end,
        Membership = fun(M) -> {ok, B} = esock_packet:encode_option(add_membership, maps:merge(#{ifindex => 0, type => 0}, M)), B end,
        Status = fun(S) -> hd([1 bsl N || N <- lists:seq(0, 31), {ok, #{status := Names}} <- [esock_packet:decode_auxdata(<<(1 bsl N):32/native, 0:128>>)], Names =:= [S]]) end,
        Word = fun(O, V) -> {ok, <<N:32/native>>} = esock_packet:encode_option(O, V), N end,
        At = fun(B, Sought) -> {Place, _} = binary:match(B, Sought), Place end,
        Size = fun(O) -> hd([N || N <- lists:seq(1, 64), {ok, _} <- [esock_packet:decode_option(O, <<0:N/unit:8>>)]]) end,
        Ours = [263 | [element(2, {263, _} = esock_packet:option(O)) || O <- Options]] ++ [Status(S) || S <- Statuses] ++
            [Fanout(#{mode => M}) || M <- Modes] ++ [Fanout(#{mode => hash, flags => [F]}) || F <- Flags] ++
            [N || T <- Types, <<_:32, N:16/native, _/binary>> <- [Membership(#{type => T})]] ++ [Word(version, V) || V <- [v1, v2, v3]] ++
            [Word(timestamp, [T]) || T <- [software, sys_hardware, raw_hardware]] ++
            [byte_size(Membership(#{})), At(Membership(#{type => 16#0707}), <<16#0707:16>>), At(Membership(#{addr => <<1, 2, 3, 4>>}), <<4:16/native>>),
             At(Membership(#{addr => <<1, 2, 3, 4>>}), <<1, 2, 3, 4>>), Size(statistics), Size(rollover_stats),
             hd([N || N <- lists:seq(1, 64), {ok, _} <- [esock_packet:decode_auxdata(<<0:N/unit:8>>)]]),
             hd([N || N <- lists:seq(4, 18), {ok, #{vlan_tpid := 16#7777}} <-
                  [esock_packet:decode_auxdata(<<16#40:32/native, 0:(N - 4)/unit:8, 16#7777:16, 0:(18 - N)/unit:8>>)]])],
        ?assertEqual(Numbers, Ours) end).

structs_of_python(Config) ->
    Script = "import struct, socket\n"
        "print(struct.pack('@iHH8s', 5, 0, 6, bytes([1, 0, 0x5e, 1, 2, 3])).hex())\n"
        "print(struct.pack('@I', 9 | (2 | 0x1000) << 16).hex())\n"
        "print(struct.pack('@IIIHHHH', 0x51, 1500, 1400, 0, 14, 0x2005, 0x8100).hex())\n"
        "print(struct.pack('@QQQ', 1, 2**64 - 1, 3).hex())\n"
        "print(socket.PACKET_HOST, socket.PACKET_OTHERHOST, socket.PACKET_OUTGOING)\n",
    esock_oracle:python(Config, Script, fun(Output) ->
        [Membership, Fanout, Aux, Rollover, <<"0 3 4">>] = binary:split(Output, <<"\n">>, [global, trim]),
        ?assertEqual({ok, binary:decode_hex(Membership)}, esock_packet:encode_option(add_membership, #{ifindex => 5, type => multicast, addr => <<1, 0, 16#5E, 1, 2, 3>>})),
        ?assertEqual({ok, binary:decode_hex(Fanout)}, esock_packet:encode_option(fanout, #{id => 9, mode => cpu, flags => [rollover]})),
        ?assertEqual({ok, #{status => [user, vlan_valid, vlan_tpid_valid], len => 1500, snaplen => 1400, mac => 0, net => 14, vlan_tci => 16#2005, vlan_tpid => 16#8100}},
                     esock_packet:decode_auxdata(binary:decode_hex(Aux))),
        ?assertEqual({ok, #{all => 1, huge => 1 bsl 64 - 1, failed => 3}}, esock_packet:decode_option(rollover_stats, binary:decode_hex(Rollover))) end).

value() ->
    [U8, U16, U32] = [prop_esock_families:int(Bits) || Bits <- [8, 16, 32]],
    Bits = fun(Option, Word) -> ?LET(N, Word, begin {ok, V} = esock_packet:decode_option(Option, <<N:32/native>>), {Option, V} end) end,
    oneof([?LET({I, T, Size}, {prop_esock_families:int(31), oneof([promisc, allmulti, multicast, unicast, 9]), range(0, 32)},
                ?LET(Addr, binary(Size), {add_membership, #{ifindex => I, type => T, addr => Addr}})),
           ?LET({Id, Mode, Flags, Most}, {U16, U8, U8, oneof([none, U32])},
                begin
                    {ok, F} = esock_packet:decode_option(fanout, <<(Id bor (Mode bsl 16) bor (Flags bsl 24)):32/native>>),
                    {fanout, case Most of none -> F; _ -> F#{max_members => Most} end}
                end),
           ?LET(O, oneof([auxdata, origdev, loss, vnet_hdr, tx_has_off, qdisc_bypass, ignore_outgoing]), {O, boolean()}),
           {copy_thresh, ?LET(N, U32, N - (1 bsl 31))}, {oneof([reserve, fanout_data, vnet_hdr_sz]), U32}, Bits(version, U32), Bits(timestamp, U32),
           ?LET({P, D}, {U32, U32}, {statistics, #{packets => P, drops => D}}),
           ?LET({A, H, F}, {prop_esock_families:int(64), U32, U32}, {rollover_stats, #{all => A, huge => H, failed => F}})]).

round_trips(_) ->
    check(?FORALL({Option, Value}, value(),
                  begin {ok, Bytes} = esock_packet:encode_option(Option, Value), esock_packet:decode_option(Option, Bytes) =:= {ok, Value} end)).

wrong_values(_) ->
    check(?FORALL({{Option, Value}, Pick}, {?SUCHTHAT({_, V}, value(), is_map(V)), non_neg_integer()},
                  begin
                      Keys = [foo | maps:keys(Value)],
                      Key = lists:nth(Pick rem length(Keys) + 1, Keys),
                      esock_packet:encode_option(Option, Value#{Key => {wrong}}) =:= invalid([Key])
                  end)).

any_bytes(_) ->
    [check(prop_esock_families:any_bytes(binary(24), fun(Bytes) -> esock_packet:decode_option(O, Bytes) end)) || O <- options()],
    check(prop_esock_families:any_bytes(binary(20), fun esock_packet:decode_auxdata/1)),
    check(?FORALL(Ctrl, oneof([any(), list(oneof([any(), ?LET(Data, oneof([binary(), any()]), #{level => 263, type => 8, data => Data})]))]),
                  case esock_packet:auxdata(Ctrl) of {ok, _} -> true; none -> true; {error, {invalid, Path}} -> is_list(Path) end)).

control_messages(_) ->
    Data = <<1:32/native, 60:32/native, 50:32/native, 0:16, 14:16/native, 7:16/native, 9:16/native>>,
    Aux = #{status => [user], len => 60, snaplen => 50, mac => 0, net => 14, vlan_tci => none, vlan_tpid => none},
    Other = #{level => socket, type => timestamp, data => <<0:128>>, value => #{sec => 0, usec => 0}},
    [?assertEqual({ok, Aux}, esock_packet:auxdata(Ctrl))
     || M <- [#{level => 263, type => 8, data => Data}, #{level => packet, type => auxdata, data => Data, value => #{}}], Ctrl <- [[M], [Other, M], [M, Other]]],
    ?assertEqual([none, none, invalid([2, data, len]), invalid([])],
                 [esock_packet:auxdata(C) || C <- [[], [Other, #{level => 263, type => 9, data => <<>>}], [Other, #{level => 263, type => 8, data => <<0:32>>}], foo]]).

%% A socket of another family, one that is closed, and what is no option.
arguments(_) ->
    {ok, U} = esock:open(inet, dgram, udp),
    ?assertEqual([invalid([option]), invalid([option]), invalid([]), invalid([ifindex]), invalid([ifindex]), {error, enodev}],
                 [esock_packet:setopt(U, foo, true), esock_packet:getopt(U, foo), esock_packet:setopt(U, auxdata, 1)] ++
                 [esock_packet:setopt(U, add_membership, #{type => promisc, ifindex => I}) || I <- [lists:duplicate(16, $a), [256], "no_such_if"]]),
    %% Level 263 is not one of UDP.
    [?assertMatch({error, Reason} when is_atom(Reason), Answer) || Answer <- [esock_packet:setopt(U, auxdata, true), esock_packet:getopt(U, statistics)]],
    ok = esock:close(U),
    ?assertEqual([{error, closed}, {error, closed}, {error, closed}],
                 [esock_packet:setopt(U, auxdata, true), esock_packet:getopt(U, statistics), esock_packet:setopt(U, add_membership, #{type => promisc, ifindex => "lo"})]),
    [?assertError(badarg, Call()) || Call <- [fun() -> esock_packet:setopt(foo, auxdata, true) end, fun() -> esock_packet:getopt(foo, auxdata) end]].

%%% ---- With the kernel

open(Opts, Name, Protocol) ->
    {ok, S} = esock:open(packet, raw, {ethertype, Protocol}, Opts),
    {ok, Index} = esock:ioctl(S, gifindex, Name),
    ok = esock:bind(S, #{family => packet, protocol => Protocol, ifindex => Index}),
    S.

%% Two ends of a veth in a namespace of their own.
on_veth(Fun) ->
    case esock:open(packet, raw, {ethertype, ?OURS}) of
        {error, Reason} -> {skip, Reason};
        {ok, S} ->
            ok = esock:close(S),
            esock_netlink_SUITE:in_netns(fun(Opts) ->
                ok = esock_netlink:new_veth("va", "vb", Opts),
                [ok = esock_netlink:set_link(Name, #{up => true}, Opts) || Name <- ["va", "vb"]],
                %% While an end does not run, a send to the other is `ok' and the packet is dropped.
                [esock_async_SUITE:until(fun() -> running(Opts, Name) end) || Name <- ["va", "vb"]],
                Fun(Opts) end)
    end.

running(Opts, Name) ->
    {ok, #{flags := Flags}} = esock_netlink:link(Name, Opts),
    lists:member(running, Flags).

%% The next packet. If there is none, the failure says how many the kernel has counted for the socket, and whether one is there.
recvmsg(S) -> recvmsg(S, 0).
recvmsg(S, Size) ->
    case esock:recvmsg(S, Size, 0, [], 5000) of
        {ok, Message} -> {ok, Message};
        {error, Reason} -> ct:fail({Reason, esock_packet:getopt(S, statistics), esock:recvmsg(S, Size, 0, [], 0)})
    end.

mac(Opts, Name) ->
    {ok, #{address := Mac}} = esock_netlink:link(Name, Opts),
    Mac.

frame(To, Data) -> <<To:6/binary, 2, 0, 0, 0, 0, 1, ?OURS:16, Data/binary, 0:(max(0, 46 - byte_size(Data)))/unit:8>>.

plain_options(_) ->
    on_veth(fun(Opts) ->
        S = open(Opts, "va", 0),
        [begin
             ?assertEqual({O, {ok, Default}}, {O, esock_packet:getopt(S, O)}),
             [begin ok = esock_packet:setopt(S, O, V), ?assertEqual({O, {ok, V}}, {O, esock_packet:getopt(S, O)}) end || V <- Values]
         end || {O, Default, Values} <- [{auxdata, false, [true, false]}, {origdev, false, [true]}, {version, v1, [v3, v2]}, {reserve, 0, [128]}, {loss, false, [true]},
                                         {vnet_hdr, false, [true, false]}, {timestamp, [], [[raw_hardware]]}, {tx_has_off, false, [true]}, {qdisc_bypass, false, [true]},
                                         {ignore_outgoing, false, [true]}]],
        ok = esock_packet:setopt(S, copy_thresh, 100),
        %% What the kernel only reads, and only sets.
        ?assertMatch([{error, enoprotoopt}, {error, enoprotoopt}, {error, enoprotoopt}],
                     [esock_packet:setopt(S, statistics, #{packets => 0, drops => 0}), esock_packet:setopt(S, rollover_stats, #{all => 0, huge => 0, failed => 0}),
                      esock_packet:getopt(S, add_membership)]),
        ?assertEqual({error, einval}, esock_packet:getopt(S, rollover_stats)),
        ok = esock:close(S) end).

%% Python asks for the same socket, by a duplicate of its descriptor in /proc.
read_by_python(Config) ->
    case esock:open(packet, raw, {ethertype, ?OURS}) of
        {error, Reason} -> {skip, Reason};
        {ok, S} ->
            ok = esock:bind(S, #{family => packet, protocol => ?OURS, ifindex => "lo"}),
            ok = esock_packet:setopt(S, fanout, #{id => 4711, mode => rnd, flags => [rollover]}),
            [ok = esock_packet:setopt(S, O, true) || O <- [auxdata, ignore_outgoing]],
            {ok, Fd} = esock:getopt(S, {otp, fd}),
            Script = io_lib:format(
                "import os, socket\n"
                "fd = os.pidfd_open(~s)\n"
                "import ctypes\n"
                "got = ctypes.CDLL(None, use_errno=True).syscall(438, fd, ~w, 0)\n"
                "s = socket.socket(fileno=got)\n"
                "print(s.getsockopt(263, 18), s.getsockopt(263, 8), s.getsockopt(263, 23), s.getsockopt(263, 9), s.family.name)\n", [os:getpid(), Fd]),
            Result = esock_oracle:python(Config, Script, fun(Output) ->
                case binary:match(Output, <<"AF_PACKET">>) of
                    nomatch -> {skip, Output};
                    _ -> ?assertEqual(iolist_to_binary(io_lib:format("~w 1 1 0 AF_PACKET\n", [signed(4711 bor (16#1004 bsl 16))])), Output)
                end end),
            ok = esock:close(S),
            Result
    end.

signed(N) -> <<S:32/signed>> = <<N:32>>, S.

%% What the interface counts and lists, by `ip' and `bridge'.
memberships(_) ->
    on_veth(fun(Opts) ->
        S = open(Opts, "vb", ?OURS),
        Rows = [{#{type => promisc, ifindex => "vb"}, "ip -d link show vb", "promiscuity 1"},
                {#{type => multicast, ifindex => "vb", addr => <<1, 0, 16#5E, 7, 7, 7>>}, "ip maddr show dev vb", "01:00:5e:07:07:07"},
                {#{type => unicast, ifindex => "vb", addr => <<2, 9, 8, 7, 6, 5>>}, "bridge fdb show dev vb", "02:09:08:07:06:05"},
                {#{type => allmulti, ifindex => "vb"}, "ip -d link show vb", "allmulti 1"}],
        Shown = [os:find_executable(Tool) =/= false || Tool <- ["ip", "bridge", "nsenter"]] =:= [true, true, true],
        Sees = fun(Command, Text, Expected) ->
                   Printed = esock_netlink_SUITE:in_it(Opts, Command),
                   ?assertEqual({Printed, Text, Expected}, {Printed, Text, string:find(Printed, Text) =/= nomatch})
               end,
        [begin
             _ = [Sees(Command, Text, false) || Shown],
             ok = esock_packet:setopt(S, add_membership, M),
             _ = [Sees(Command, Text, true) || Shown],
             ok = esock_packet:setopt(S, drop_membership, M),
             _ = [Sees(Command, Text, false) || Shown]
         end || {M, Command, Text} <- Rows],
        %% An address that is not as long as those of the interface; an interface that is not there.
        ?assertEqual([{error, einval}, {error, enodev}, {error, enodev}],
                     [esock_packet:setopt(S, add_membership, M) || M <- [#{type => multicast, ifindex => "vb", addr => <<1, 2>>}, #{type => promisc, ifindex => "no"},
                                                                        #{type => promisc, ifindex => 1 bsl 30}]]),
        ok = esock:close(S) end).

promiscuity(Opts) ->
    {ok, #{promiscuity := N}} = esock_netlink:link("vb", Opts),
    N.

%% Memberships end with the socket, and with the process that owns it.
memberships_end(_) ->
    on_veth(fun(Opts) ->
        Join = fun() -> S = open(Opts, "vb", ?OURS), ok = esock_packet:setopt(S, add_membership, #{type => promisc, ifindex => "vb"}), S end,
        S = Join(),
        ?assertEqual(1, promiscuity(Opts)),
        {Pid, Ref} = spawn_monitor(fun() -> _ = Join(), receive stop -> ok end end),
        esock_async_SUITE:until(fun() -> promiscuity(Opts) =:= 2 end),
        exit(Pid, kill),
        receive {'DOWN', Ref, process, Pid, killed} -> ok end,
        esock_async_SUITE:until(fun() -> promiscuity(Opts) =:= 1 end),
        ok = esock:close(S),
        esock_async_SUITE:until(fun() -> promiscuity(Opts) =:= 0 end) end).

%% A name is one of the socket's namespace: "vb" is not there outside of it.
interface_of_the_namespace(_) ->
    on_veth(fun(Opts) ->
        {ok, S} = esock:open(packet, raw, {ethertype, ?OURS}),
        ?assertEqual({error, enodev}, esock_packet:setopt(S, add_membership, #{type => promisc, ifindex => "vb"})),
        ok = esock:close(S),
        T = open(Opts, "vb", ?OURS),
        ok = esock_packet:setopt(T, add_membership, #{type => promisc, ifindex => "vb"}),
        ok = esock:close(T) end).

auxdata(_) ->
    on_veth(fun(Opts) ->
        [A, B] = [open(Opts, Name, ?OURS) || Name <- ["va", "vb"]],
        Frame = frame(mac(Opts, "vb"), binary:copy(<<"x">>, 186)),
        ok = esock:send(A, Frame),
        {ok, #{ctrl := []}} = recvmsg(B),
        ok = esock_packet:setopt(B, auxdata, true),
        ok = esock:send(A, Frame),
        {ok, #{iov := [Frame], ctrl := Ctrl, addr := #{pkttype := host}}} = recvmsg(B),
        {ok, Aux} = esock_packet:auxdata(Ctrl),
        ?assertMatch(#{len := 200, snaplen := 200, mac := 0, net := 14, vlan_tci := none, vlan_tpid := none}, Aux),
        ?assert(lists:member(user, maps:get(status, Aux))),
        %% A short buffer: the length is that of the packet.
        ok = esock:send(A, Frame),
        {ok, #{iov := [<<_:20/binary>>], flags := [trunc], ctrl := Short}} = recvmsg(B, 20),
        ?assertMatch({ok, #{len := 200}}, esock_packet:auxdata(Short)),
        %% A packet for another host.
        ok = esock:send(A, frame(<<2, 9, 9, 9, 9, 9>>, <<"other">>)),
        ?assertMatch({ok, #{addr := #{pkttype := otherhost, addr := <<2, 0, 0, 0, 0, 1>>, hatype := ether, protocol := ?OURS}}}, recvmsg(B)),
        esock_pairs:close([A, B]) end).

%% The kernel takes the tag out of the packet: it is in the control message only.
vlan(_) ->
    on_veth(fun(Opts) ->
        [A, B] = [open(Opts, Name, ?ALL) || Name <- ["va", "vb"]],
        ok = esock_packet:setopt(B, auxdata, true),
        <<Head:12/binary, Rest/binary>> = Frame = frame(mac(Opts, "vb"), <<"tagged">>),
        ok = esock:send(A, <<Head/binary, 16#8100:16, 3:3, 0:1, 42:12, Rest/binary>>),
        {Frame, Ctrl} = received(B, Frame),
        ?assertMatch({ok, #{vlan_tci := 16#602A, vlan_tpid := 16#8100}}, esock_packet:auxdata(Ctrl)),
        esock_pairs:close([A, B]) end).

%% The kernel's own packets (IPv6) are there too.
received(S, Frame) ->
    case recvmsg(S) of
        {ok, #{iov := [Frame], ctrl := Ctrl}} -> {Frame, Ctrl};
        {ok, _} -> received(S, Frame)
    end.

statistics(_) ->
    on_veth(fun(Opts) ->
        [A, B] = [open(Opts, Name, ?OURS) || Name <- ["va", "vb"]],
        ?assertEqual({ok, #{packets => 0, drops => 0}}, esock_packet:getopt(B, statistics)),
        [ok = esock:send(A, frame(mac(Opts, "vb"), <<N:32>>)) || N <- lists:seq(1, 25)],
        [{ok, _} = esock:recv(B, 0, [], 5000) || _ <- lists:seq(1, 25)],
        ?assertEqual({ok, #{packets => 25, drops => 0}}, esock_packet:getopt(B, statistics)),
        ?assertEqual({ok, #{packets => 0, drops => 0}}, esock_packet:getopt(B, statistics)),
        esock_pairs:close([A, B]) end).

%% More than the receive buffer holds: the packets that are there and those that are not are all of them.
drops(_) ->
    on_veth(fun(Opts) ->
        [A, B] = [open(Opts, Name, ?OURS) || Name <- ["va", "vb"]],
        ok = esock_packet:setopt(B, auxdata, true),
        ok = esock:setopt(B, {socket, rcvbuf}, 2304),
        Frame = frame(mac(Opts, "vb"), binary:copy(<<"d">>, 1000)),
        [ok = esock:send(A, Frame) || _ <- lists:seq(1, 100)],
        {Read, #{packets := 100, drops := Drops}} = count(B, 0, 100),
        ?assertEqual(100 - Read, Drops),
        ?assert(Drops > 0),
        esock_pairs:close([A, B]) end).

%% Packets read, and the sum of the statistics, once that counts so many packets.
count(S, Read, All) -> count(S, Read, All, #{packets => 0, drops => 0}).

count(S, Read, All, #{packets := P, drops := D}) ->
    {ok, #{packets := P1, drops := D1}} = esock_packet:getopt(S, statistics),
    Sum = #{packets => P + P1, drops => D + D1},
    case esock:recv(S, 0, [], 0) of
        {ok, _} -> count(S, Read + 1, All, Sum);
        {error, timeout} when P + P1 < All -> count(S, Read, All, Sum);
        {error, timeout} -> {Read, Sum}
    end.

%% A socket sees what others send through its interface, unless it ignores that.
ignore_outgoing(_) ->
    on_veth(fun(Opts) ->
        [A, B, Sees, Ignores] = [open(Opts, Name, ?ALL) || Name <- ["va", "vb", "va", "va"]],
        ok = esock_packet:setopt(Ignores, ignore_outgoing, true),
        [Out, In] = [frame(mac(Opts, Name), Data) || {Name, Data} <- [{"vb", <<"out">>}, {"va", <<"in">>}]],
        ok = esock:send(A, Out),
        ok = esock:send(B, In),
        ?assertEqual([{outgoing, Out}, {host, In}], ours(Sees, 2)),
        ?assertEqual([{host, In}], ours(Ignores, 1)),
        esock_pairs:close([A, B, Sees, Ignores]) end).

%% The first packets of our type.
ours(_, 0) -> [];
ours(S, Count) ->
    case recvmsg(S) of
        {ok, #{iov := [<<_:96, ?OURS:16, _/binary>> = Frame], addr := #{pkttype := Type}}} -> [{Type, Frame} | ours(S, Count - 1)];
        {ok, _} -> ours(S, Count)
    end.

%% Two sockets take packets in turns. A group has one mode.
fanout(_) ->
    on_veth(fun(Opts) ->
        [A, B, C, D] = [open(Opts, Name, ?OURS) || Name <- ["va", "vb", "vb", "vb"]],
        ?assertEqual({ok, #{id => 0, mode => hash, flags => []}}, esock_packet:getopt(B, fanout)),
        ?assertEqual({error, einval}, esock_packet:getopt(B, rollover_stats)),
        [ok = esock_packet:setopt(S, fanout, #{id => 77, mode => lb, flags => [rollover]}) || S <- [B, C]],
        ?assertEqual({ok, #{id => 77, mode => lb, flags => [rollover]}}, esock_packet:getopt(C, fanout)),
        ?assertEqual({error, ealready}, already(esock_packet:setopt(C, fanout, #{id => 77, mode => lb, flags => [rollover]}))),
        ?assertEqual({error, einval}, esock_packet:setopt(D, fanout, #{id => 77, mode => rnd})),
        [ok = esock:send(A, frame(mac(Opts, "vb"), <<N:32>>)) || N <- lists:seq(1, 40)],
        %% The one outside of the group has all.
        [{ok, _} = esock:recv(D, 0, [], 5000) || _ <- lists:seq(1, 40)],
        [Bs, Cs] = [[begin {ok, <<_:112, N:32, _/binary>>} = esock:recv(S, 0, [], 5000), N end || _ <- lists:seq(1, 20)] || S <- [B, C]],
        ?assertEqual(lists:seq(1, 40), lists:sort(Bs ++ Cs)),
        ?assertMatch({ok, #{all := 0, huge := 0, failed := 0}}, esock_packet:getopt(B, rollover_stats)),
        esock_pairs:close([A, B, C, D]) end).

already({error, Reason}) when Reason =:= already; Reason =:= ealready -> {error, ealready};
already(Other) -> Other.

fanout_unique(_) ->
    on_veth(fun(Opts) ->
        [B, C, D] = [open(Opts, "vb", ?OURS) || _ <- [b, c, d]],
        [ok = esock_packet:setopt(S, fanout, #{mode => hash, flags => [uniqueid]}) || S <- [B, C]],
        [{ok, #{id := Id}}, {ok, #{id := Other}}] = [esock_packet:getopt(S, fanout) || S <- [B, C]],
        ?assertNotEqual(Id, Other),
        %% Another socket joins the group by the identifier that the kernel has made.
        ok = esock_packet:setopt(D, fanout, #{id => Id, mode => hash}),
        ?assertMatch({ok, #{id := Id}}, esock_packet:getopt(D, fanout)),
        esock_pairs:close([B, C, D]) end).

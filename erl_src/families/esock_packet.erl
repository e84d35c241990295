%% @doc Options of packet sockets, and what the kernel says about each packet. See packet(7) and linux/if_packet.h. Addresses are
%% {@link esock:sockaddr_ll()}.
%% ```
%% {ok, S} = esock:open(packet, raw),
%% ok = esock_packet:setopt(S, auxdata, true),
%% ok = esock_packet:setopt(S, add_membership, #{type => promisc, ifindex => "eth0"}),
%% ok = esock:bind(S, #{family => packet, protocol => 16#0003, ifindex => "eth0"}),
%% {ok, #{addr := _, iov := [_Packet], ctrl := Ctrl}} = esock:recvmsg(S),
%% {ok, #{len := _, vlan_tci := _}} = esock_packet:auxdata(Ctrl),
%% {ok, #{packets := _, drops := _}} = esock_packet:getopt(S, statistics).
%% '''
%% A socket without a protocol receives nothing before {@link esock:bind/2} gives it one: no packet comes from another interface, or
%% without its options. The protocol 16#0003, ETH_P_ALL, stands for every protocol.
%%
%% A path in `{error, {invalid, Path}}' leads to what is wrong from the outside in: keys of maps, and positions in lists from 1.
-module(esock_packet).

-export([setopt/3, getopt/2]).
-export([option/1, encode_option/2, decode_option/2]).
-export([auxdata/1, decode_auxdata/1]).

-export_type([path/0, option/0, value/0, membership/0, fanout/0, auxdata/0, status/0]).

-type path() :: esock_layout:path().
%% Where something is wrong: keys and positions, from the outside in.

-type option() ::
        add_membership | drop_membership | statistics | copy_thresh | auxdata | origdev | version | reserve | loss | vnet_hdr |
        timestamp | fanout | tx_has_off | qdisc_bypass | rollover_stats | fanout_data | ignore_outgoing | vnet_hdr_sz.
%% PACKET_* of linux/if_packet.h in small letters. The kernel reads all but the memberships and `fanout_data'; it sets all but
%% `statistics' and `rollover_stats'.

-type value() ::
        boolean() | integer() | membership() | fanout() | v1 | v2 | v3 |
        [software | sys_hardware | raw_hardware | pos_integer()] |
        #{packets := esock:uint32(), drops := esock:uint32()} |
        #{all := esock:uint64(), huge := esock:uint64(), failed := esock:uint64()}.
%% The value of an option. `add_membership', `drop_membership': a {@link membership()}. `fanout': a {@link fanout()}. `statistics': how
%% many packets arrived since the last read, the lost ones included, and how many of them found no room. `rollover_stats': packets that
%% the mode `rollover' moved to another socket, those of large flows among them, and those for which no socket had room. `version': of
%% the rings. `timestamp': a list of bits. `copy_thresh', `reserve', `fanout_data' (the descriptor of an eBPF program), `vnet_hdr_sz':
%% numbers. The others: booleans.

-type membership() ::
        #{ifindex := non_neg_integer() | string(), type := multicast | promisc | allmulti | unicast | esock:uint16(),
          addr => binary()}.
%% Which packets an interface takes in for a socket, `struct packet_mreq' of packet(7): all (`promisc'), all multicast packets
%% (`allmulti'), those to one hardware address `addr' (`multicast', `unicast'), of at most 32 bytes. The membership ends with the
%% socket. The name of an interface is one in the socket's network namespace.

-type fanout() ::
        #{id => esock:uint16(), mode := hash | lb | cpu | rollover | rnd | qm | cbpf | ebpf | byte(),
          flags => [rollover | uniqueid | ignore_outgoing | defrag | pos_integer()], max_members => esock:uint32()}.
%% A group of sockets that share the packets of an interface: each packet goes to one of them. `mode' selects it: by a hash of the flow,
%% in turns (`lb'), by the processor, the first with room (`rollover'), at random, by the queue of the device, by a program. `id' is 0 by
%% default; with `uniqueid' the kernel selects one. `max_members' needs Linux 5.10. The kernel reports `id', `mode' and `flags'. It
%% reports all 0 for a socket without a group.

-type status() ::
        user | copy | losing | csumnotready | vlan_valid | blk_tmo | vlan_tpid_valid | csum_valid | gso_tcp | ts_software |
        ts_sys_hardware | ts_raw_hardware | pos_integer().
%% TP_STATUS_* of linux/if_packet.h. `losing': packets were dropped since the last read of `statistics'. `csumnotready': the checksum
%% is not computed yet. `csum_valid': the checksum is right.

-type auxdata() ::
        #{status := [status()], len := esock:uint32(), snaplen := esock:uint32(), mac := esock:uint16(), net := esock:uint16(),
          vlan_tci := none | esock:uint16(), vlan_tpid := none | esock:uint16()}.
%% What the kernel says about a packet, `struct tpacket_auxdata'. `len': bytes of the packet. `snaplen': bytes that a filter left of it.
%% `mac', `net': the offsets of the headers of the link layer and the network layer. `vlan_tci', `vlan_tpid': the VLAN tag, which the
%% kernel takes out of the packet.

-define(SOL_PACKET, 263).
-define(AUXDATA, 8).
-define(MAX_ADDR, 32).

-import(esock_layout, [at/2, invalid/1]).

%%% ---- Tables

%% Numbers and types of the options. PACKET_RX_RING and what else needs memory shared with the kernel is not there.
options() ->
    #{add_membership => {1, membership}, drop_membership => {2, membership},
      statistics => {6, {struct, [{packets, u32}, {drops, u32}]}}, copy_thresh => {7, s32}, auxdata => {?AUXDATA, boolean},
      origdev => {9, boolean}, version => {10, {enum, u32, [{v1, 0}, {v2, 1}, {v3, 2}]}}, reserve => {12, u32}, loss => {14, boolean},
      vnet_hdr => {15, boolean},
      timestamp => {17, {flags, u32, [{software, 16#10}, {sys_hardware, 16#20}, {raw_hardware, 16#40}]}},
      fanout => {18, fanout}, tx_has_off => {19, boolean}, qdisc_bypass => {20, boolean},
      rollover_stats => {21, {struct, [{all, u64}, {huge, u64}, {failed, u64}]}}, fanout_data => {22, u32},
      ignore_outgoing => {23, boolean}, vnet_hdr_sz => {24, u32}}.

membership() -> [{ifindex, s32}, {type, {enum, u16, [{multicast, 0}, {promisc, 1}, {allmulti, 2}, {unicast, 3}]}}].

fanout() ->
    [{id, u16, 0}, {mode, {enum, u8, [{hash, 0}, {lb, 1}, {cpu, 2}, {rollover, 3}, {rnd, 4}, {qm, 5}, {cbpf, 6}, {ebpf, 7}]}},
     {flags, {flags, u16, [{rollover, 16#1000}, {uniqueid, 16#2000}, {ignore_outgoing, 16#4000}, {defrag, 16#8000}]}, []}].

auxdata() ->
    [{status, {flags, u32, statuses()}}, {len, u32}, {snaplen, u32}, {mac, u16}, {net, u16}, {vlan_tci, u16}, {vlan_tpid, u16}].

statuses() ->
    [{user, 1}, {copy, 2}, {losing, 4}, {csumnotready, 8}, {vlan_valid, 16#10}, {blk_tmo, 16#20}, {vlan_tpid_valid, 16#40},
     {csum_valid, 16#80}, {gso_tcp, 16#100}, {ts_software, 1 bsl 29}, {ts_sys_hardware, 1 bsl 30}, {ts_raw_hardware, 1 bsl 31}].

%%% ---- Sockets

%% @doc Sets an option. A wrong value is found before the kernel sees it.
%% ```
%% ok = esock_packet:setopt(S, fanout, #{id => 7, mode => hash, flags => [defrag]}).
%% '''
-spec setopt(esock:socket(), option(), value()) -> ok | {error, esock:posix() | closed | {invalid, path()}}.
setopt(Socket, Option, Value) ->
    case index(Socket, Option, Value) of
        {ok, Indexed} ->
            case encode_option(Option, Indexed) of
                {ok, Bytes} -> esock:setopt_native(Socket, option(Option), Bytes);
                Error -> Error
            end;
        Error -> Error
    end.

%% The socket knows the interfaces of its namespace.
index(Socket, Option, #{ifindex := [_ | _] = Name} = Value) when Option =:= add_membership; Option =:= drop_membership ->
    case io_lib:latin1_char_list(Name) andalso length(Name) < 16 andalso esock:ioctl(Socket, gifindex, Name) of
        {ok, Index} -> {ok, Value#{ifindex := Index}};
        {error, Reason} when is_atom(Reason) -> {error, Reason};
        _ -> {error, {invalid, [ifindex]}}
    end;
index(_, _, Value) -> {ok, Value}.

%% @doc Reads an option. `statistics' and `rollover_stats' begin at 0 again after they are read.
%% ```
%% {ok, #{packets := 12, drops := 0}} = esock_packet:getopt(S, statistics).
%% '''
-spec getopt(esock:socket(), option()) -> {ok, value()} | {error, esock:posix() | closed | {invalid, path()}}.
getopt(Socket, Option) ->
    case esock_layout:result(fun() -> row(Option) end) of
        {ok, {Number, Type}} ->
            case esock:getopt_native(Socket, {?SOL_PACKET, Number}, width(Type)) of
                {ok, Bytes} -> decode_option(Option, Bytes);
                {error, {invalid, _}} -> {error, {invalid, []}};
                {error, Reason} -> {error, Reason}
            end;
        Error -> Error
    end.

width({struct, Layout}) -> lists:sum([esock_layout:width(Type) || {_, Type} <- Layout]);
width(membership) -> 16;
width(_) -> 4.

row(Option) ->
    case options() of
        #{Option := Row} -> Row;
        _ -> invalid([option])
    end.

%%% ---- Codec

%% @doc Level and number of an option, for {@link esock:setopt_native/3}.
%% ```
%% {263, 18} = esock_packet:option(fanout).
%% '''
-spec option(option()) -> {Level :: integer(), Option :: integer()}.
option(Option) -> {?SOL_PACKET, element(1, map_get(Option, options()))}.

%% @doc The bytes of an option's value. The interface of a membership is an index here.
%% ```
%% {ok, <<3:32/native, 1:16/native, 0:16, 0:64>>} =
%%     esock_packet:encode_option(add_membership, #{type => promisc, ifindex => 3}).
%% '''
-spec encode_option(option(), value()) -> {ok, binary()} | {error, {invalid, path()}}.
encode_option(Option, Value) ->
    esock_layout:result(fun() ->
        {_, Type} = row(Option),
        encode(Type, Value)
    end).

encode(boolean, true) -> <<1:32/native>>;
encode(boolean, false) -> <<0:32>>;
encode(boolean, _) -> invalid([]);
encode({struct, Layout}, Value) -> esock_layout:encode(Layout, Value);
encode(membership, Value) when is_map(Value) ->
    Head = esock_layout:encode(membership(), maps:remove(addr, Value)),
    map_get(ifindex, Value) >= 0 orelse invalid([ifindex]),
    Addr = addr(maps:get(addr, Value, <<>>)),
    <<Head/binary, (byte_size(Addr)):16/native, Addr/binary, 0:(max(0, 8 - byte_size(Addr)))/unit:8>>;
encode(membership, _) -> invalid([]);
encode(fanout, Value) when is_map(Value) ->
    <<Id:16/native, Mode, Flags:16/native>> = esock_layout:encode(fanout(), maps:remove(max_members, Value)),
    Flags band 16#FF =:= 0 orelse invalid([flags]),
    <<(Id bor ((Mode bor Flags) bsl 16)):32/native, (most(Value))/binary>>;
encode(fanout, _) -> invalid([]);
encode(Type, Value) -> esock_layout:to_bytes(Type, Value).

addr(Addr) when is_binary(Addr), byte_size(Addr) =< ?MAX_ADDR -> Addr;
addr(_) -> invalid([addr]).

most(#{max_members := Most}) -> at(max_members, fun() -> esock_layout:to_bytes(u32, Most) end);
most(_) -> <<>>.

%% @doc The value of an option's bytes.
%% ```
%% {ok, #{id := 7, mode := lb, flags := []}} = esock_packet:decode_option(fanout, <<16#10007:32/native>>).
%% '''
-spec decode_option(option(), binary()) -> {ok, value()} | {error, {invalid, path()}}.
decode_option(Option, Bytes) ->
    esock_layout:result(fun() ->
        {_, Type} = row(Option),
        is_binary(Bytes) orelse invalid([]),
        decode(Type, Bytes)
    end).

decode(boolean, Bytes) -> esock_layout:from_bytes(u32, Bytes) =/= 0;
decode({struct, Layout}, Bytes) -> whole(esock_layout:decode(Layout, Bytes));
decode(membership, Bytes) ->
    {Membership, Rest} = esock_layout:decode(membership(), Bytes),
    case Rest of
        <<Length:16/native, Addr:Length/binary, _/binary>> when Length =< ?MAX_ADDR -> Membership#{addr => Addr};
        _ -> invalid([addr])
    end;
decode(fanout, <<Fanout:32/native, Rest/binary>>) ->
    Flags = (Fanout bsr 16) band 16#FF00,
    {Map, <<>>} = esock_layout:decode(fanout(), <<Fanout:16/native, (Fanout bsr 16):8, Flags:16/native>>),
    case Rest of
        <<>> -> Map;
        <<Most:32/native>> -> Map#{max_members => Most};
        _ -> invalid([max_members])
    end;
decode(fanout, _) -> invalid([]);
decode(Type, Bytes) -> esock_layout:from_bytes(Type, Bytes).

whole({Value, <<>>}) -> Value;
whole(_) -> invalid([]).

%% @doc What the control messages of a received packet say about it, once the option `auxdata' is set. `none': no message does.
%% ```
%% {ok, #{ctrl := Ctrl}} = esock:recvmsg(S),
%% {ok, #{status := _, vlan_tci := none}} = esock_packet:auxdata(Ctrl).
%% '''
-spec auxdata([esock:cmsg_recv()]) -> {ok, auxdata()} | none | {error, {invalid, path()}}.
auxdata(Ctrl) when is_list(Ctrl) -> auxdata(Ctrl, 1);
auxdata(_) -> {error, {invalid, []}}.

auxdata([], _) -> none;
auxdata([#{level := Level, type := Type, data := Data} | _], N)
  when Level =:= ?SOL_PACKET, Type =:= ?AUXDATA; Level =:= packet, Type =:= auxdata ->
    esock_layout:result(fun() -> at(N, fun() -> at(data, fun() -> aux(Data) end) end) end);
auxdata([_ | Ctrl], N) -> auxdata(Ctrl, N + 1);
auxdata(_, _) -> {error, {invalid, []}}.

%% @doc What the data of a control message PACKET_AUXDATA says.
%% ```
%% {ok, #{status := [user, vlan_valid], len := 60, vlan_tci := 5, vlan_tpid := none}} =
%%     esock_packet:decode_auxdata(<<16#11:32/native, 60:32/native, 60:32/native, 0:16, 14:16/native, 5:16/native, 0:16>>).
%% '''
-spec decode_auxdata(binary()) -> {ok, auxdata()} | {error, {invalid, path()}}.
decode_auxdata(Bytes) -> esock_layout:result(fun() -> aux(Bytes) end).

aux(Bytes) when is_binary(Bytes) ->
    {#{status := Status, vlan_tci := Tci, vlan_tpid := Tpid} = Aux, _} = esock_layout:decode(auxdata(), Bytes),
    Aux#{vlan_tci := tag(vlan_valid, Status, Tci), vlan_tpid := tag(vlan_tpid_valid, Status, Tpid)};
aux(_) -> invalid([]).

%% Without its bit a part of the tag is not valid.
tag(Valid, Status, Part) ->
    case lists:member(Valid, Status) of
        true -> Part;
        false -> none
    end.

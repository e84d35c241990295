%% @doc Classic BPF: filters for sockets, as readable terms, as instructions and as bytes; their check, and an interpreter. See
%% linux/filter.h, and for the instructions Documentation/networking/filter.rst of Linux.
%%
%% A filter sees a packet, an accumulator `A', an index `X' and 16 words of memory, all of 32 bits. It returns how many bytes of
%% the packet the socket gets; 0 drops the packet. {@link assemble/1} makes the instructions, which {@link check/1} accepts as the
%% kernel does, from terms:
%% ```
%% {ok, Filter} = esock_bpf:assemble([{ld, h, {abs, 12}},
%%                                    {jeq, 16#0800, accept, drop},
%%                                    {label, accept}, {ret, 16#FFFFFFFF},
%%                                    {label, drop}, {ret, 0}]),
%% {ok, 0} = esock_bpf:run(Filter, <<0:96, 16#86DD:16>>).
%% '''
-module(esock_bpf).

-export([assemble/1, disassemble/1, check/1]).
-export([encode/1, decode/1]).
-export([run/2, run/3]).
-export([accept_all/0, drop_all/0, ethertype/1, port/1]).
-export([steer_by_cpu/1, steer_by_queue/1, steer_by_hash/1]).

-export_type([filter/0, code/0, instruction/0, load/0, label/0, alu/0, condition/0, ancillary/0, environment/0, reason/0]).

-type code() :: {Code :: 0..16#FFFF, Jt :: 0..255, Jf :: 0..255, K :: 0..16#FFFFFFFF}.
%% An instruction as `struct sock_filter' of linux/filter.h has it. `Jt' and `Jf' are how many instructions a jump leaves out.

-type filter() :: [code()].
%% A filter, the value of the option `{socket, attach_filter}': 1 to 4096 instructions.

-type label() :: atom() | integer().
%% A place in the terms. `next' is the instruction behind the jump.

-type load() ::
        {abs | ind | net | link, K :: 0..16#FFFFFFFF}.
%% Bytes of the packet: at `K'; at `X + K'; at `K' behind the beginning of the network header or the link header (SKF_NET_OFF,
%% SKF_LL_OFF).

-type alu() :: add | sub | mul | 'div' | 'or' | 'and' | lsh | rsh | mod | 'xor'.
%% Arithmetic: `A' becomes `A op K', or `A op X'.

-type condition() :: jeq | jgt | jge | jset.
%% The condition of a jump: `A = K', `A > K', `A >= K', `A band K =/= 0'. With `x', the operand is `X' instead of `K'.

-type ancillary() ::
        protocol | pkttype | ifindex | nlattr | nlattr_nest | mark | queue | hatype | rxhash | cpu | alu_xor_x | vlan_tag |
        vlan_tag_present | pay_offset | random | vlan_tpid.
%% The kernel's data about a packet, beside its bytes: SKF_AD_* of linux/filter.h.

-type instruction() ::
        {ld, w | h | b, load()} | {ld, {imm, K :: non_neg_integer()} | {mem, 0..15} | len | ancillary()} |
        {ldx, {imm, K :: non_neg_integer()} | {mem, 0..15} | len | {msh, K :: non_neg_integer()}} |
        {st, 0..15} | {stx, 0..15} | {alu(), K :: non_neg_integer() | x} | neg | tax | txa |
        {ja, label()} | {condition(), K :: non_neg_integer() | x, True :: label(), False :: label()} |
        {ret, K :: non_neg_integer() | a} | {label, label()} | {code, 0..16#FFFF, 0..255, 0..255, non_neg_integer()}.
%% A readable instruction. `ld' loads `A' (a word, half or byte in network order, a number, memory, the packet's length, or the
%% kernel's data about it), `ldx' loads `X' (`msh': four times the low half of the byte at `K', the length of an IPv4 header), `st' and `stx'
%% store them, `tax' and `txa' copy `A' to `X' and back. `code' is an instruction as it is.

-type environment() :: #{ancillary() | net | link => integer()}.
%% For {@link run/3}: the kernel's data about the packet, and the offsets of its network header and link header in bytes. The default of
%% each key is 0.

-type reason() :: {invalid, {instruction, pos_integer(), Why :: term()} | {length, non_neg_integer()} | [term()]}.
%% The wrong part: an instruction, by its position from 1 (`fields', `code', `unknown', `range', `memory', `not_stored',
%% `division_by_zero', `shift', `jump', `last', `{label, Label}', `{duplicate, Label}'); the number of instructions; or an argument.

-define(ALL, 16#FFFFFFFF).

%% @doc The instructions of a filter from terms. The filter is checked as by {@link check/1}; the position in an error is the one in the
%% list of terms, labels included. Jumps go forward: a label that is not behind its jump gives `jump', one further than 255
%% instructions (without a condition, further than the filter) too.
%% ```
%% {ok, [{16#30, 0, 0, 9}, {16#15, 0, 1, 17}, {6, 0, 0, 65535}, {6, 0, 0, 0}]} =
%%     esock_bpf:assemble([{ld, b, {abs, 9}}, {jeq, 17, next, drop}, {ret, 65535}, {label, drop}, {ret, 0}]).
%% '''
-spec assemble([instruction()]) -> {ok, filter()} | {error, reason()}.
assemble(Terms) -> esock_bpf_asm:assemble(Terms).

%% @doc The terms of a filter, with the positions of instructions as labels. {@link assemble/1} makes the same filter of them.
%% ```
%% {ok, [{ld, cpu}, {mod, 4}, {ret, a}]} = esock_bpf:disassemble(Filter).
%% '''
-spec disassemble(filter()) -> {ok, [instruction()]} | {error, reason()}.
disassemble(Filter) ->
    case check(Filter) of
        ok -> {ok, esock_bpf_asm:terms(Filter)};
        Error -> Error
    end.

%% @doc Whether the kernel takes the filter: 1 to 4096 instructions with known codes, jumps forward and inside, memory words 0 to 15
%% that are stored before they are loaded, no division by the constant 0, no shift by a constant over 31, a return at the end.
%% ```
%% {error, {invalid, {instruction, 2, last}}} = esock_bpf:check([{0, 0, 0, 1}, {7, 0, 0, 0}]).
%% '''
-spec check(term()) -> ok | {error, reason()}.
check(Filter) -> esock_bpf_asm:check(Filter).

%% @doc The bytes of a filter: an array of `struct sock_filter' of linux/filter.h, 8 bytes each, in the byte order of the machine. The
%% filter is checked.
%% ```
%% {ok, <<6:16/native, 0, 0, 0:32>>} = esock_bpf:encode([{6, 0, 0, 0}]).
%% '''
-spec encode(filter()) -> {ok, binary()} | {error, reason()}.
encode(Filter) ->
    case check(Filter) of
        ok -> {ok, << <<Code:16/native, Jt, Jf, K:32/native>> || {Code, Jt, Jf, K} <- Filter >>};
        Error -> Error
    end.

%% @doc The filter of bytes, which are as {@link encode/1} makes them. The filter is checked.
%% `{error, {invalid, {length, Bytes}}}': the size is no multiple of 8.
%% ```
%% {ok, [{6, 0, 0, 0}]} = esock_bpf:decode(<<6:16/native, 0, 0, 0:32>>).
%% '''
-spec decode(binary()) -> {ok, filter()} | {error, reason()}.
decode(Bytes) when is_binary(Bytes), byte_size(Bytes) rem 8 =:= 0 ->
    Filter = [{Code, Jt, Jf, K} || <<Code:16/native, Jt, Jf, K:32/native>> <= Bytes],
    case check(Filter) of
        ok -> {ok, Filter};
        Error -> Error
    end;
decode(Bytes) when is_binary(Bytes) -> {error, {invalid, {length, byte_size(Bytes)}}};
decode(_) -> {error, {invalid, []}}.

%% @equiv run(Filter, Packet, #{})
-spec run(filter(), binary()) -> {ok, 0..16#FFFFFFFF} | {error, reason()}.
run(Filter, Packet) -> run(Filter, Packet, #{}).

%% @doc Runs a filter on a packet as the kernel does, and answers what the filter returns. If the filter loads bytes outside of the packet,
%% or divides by an `X' of 0, that is 0. The filter is checked; a checked filter raises for no packet.
%% ```
%% {ok, 2} = esock_bpf:run(Filter, <<>>, #{cpu => 6}).
%% '''
-spec run(filter(), binary(), environment()) -> {ok, 0..16#FFFFFFFF} | {error, reason()}.
run(Filter, Packet, Env) when is_binary(Packet), is_map(Env) ->
    case {check(Filter), known(Env)} of
        {ok, ok} -> {ok, esock_bpf_run:run(Filter, Packet, Env)};
        {ok, Error} -> Error;
        {Error, _} -> Error
    end;
run(_, Packet, _) when not is_binary(Packet) -> {error, {invalid, [packet]}};
run(_, _, _) -> {error, {invalid, [environment]}}.

known(Env) ->
    Names = [net, link | [Name || {Name, _} <- esock_bpf_asm:ancillary()]],
    case [Key || {Key, Value} <- maps:to_list(Env), not lists:member(Key, Names) orelse not is_integer(Value)] of
        [] -> ok;
        [Key | _] -> {error, {invalid, [environment, Key]}}
    end.

%% @doc A filter that takes every packet whole.
%% ```
%% {ok, 16#FFFFFFFF} = esock_bpf:run(esock_bpf:accept_all(), <<"packet">>).
%% '''
-spec accept_all() -> filter().
accept_all() -> [{6, 0, 0, ?ALL}].

%% @doc A filter that drops every packet. A socket that has it until it is bound receives nothing from before.
%% ```
%% {ok, 0} = esock_bpf:run(esock_bpf:drop_all(), <<"packet">>).
%% '''
-spec drop_all() -> filter().
drop_all() -> [{6, 0, 0, 0}].

%% @doc A filter for packet sockets of type `raw', packet(7), on Ethernet, that takes the frames with one of these types: numbers of
%% linux/if_ether.h, such as 16#0800 (IPv4). At most 255 of them.
%% ```
%% {ok, Filter} = esock_bpf:ethertype([16#0800, 16#86DD]).
%% '''
-spec ethertype([0..16#FFFF]) -> {ok, filter()} | {error, reason()}.
ethertype(Types) when is_list(Types), length(Types) >= 1, length(Types) =< 255 ->
    case [N || {N, Type} <- lists:enumerate(Types), not (is_integer(Type) andalso Type >= 0 andalso Type =< 16#FFFF)] of
        [] -> assemble([{ld, h, {abs, 12}}] ++ [{jeq, Type, accept, next} || Type <- Types] ++ ends());
        [N | _] -> {error, {invalid, [N]}}
    end;
ethertype(_) -> {error, {invalid, []}}.

ends() -> [{ret, 0}, {label, accept}, {ret, ?ALL}].

%% @doc A filter for packet sockets of type `raw', packet(7), on Ethernet, that takes the packets of TCP, UDP and SCTP over IPv4 and IPv6
%% that come from the port or go to it, as `tcpdump port N' does. Fragments of IPv4 without ports, and IPv6 with extension headers, are
%% dropped.
%% ```
%% {ok, Filter} = esock_bpf:port(443).
%% '''
-spec port(0..65535) -> {ok, filter()} | {error, reason()}.
port(Port) when is_integer(Port), Port >= 0, Port =< 65535 ->
    assemble([{ld, h, {abs, 12}}, {jeq, 16#86DD, v6, next}, {jeq, 16#0800, v4, drop}, {label, v6}, {ld, b, {abs, 20}}] ++
             transport(ports6, drop) ++
             [{label, ports6}, {ld, h, {abs, 54}}, {jeq, Port, accept, next}, {ld, h, {abs, 56}}, {jeq, Port, accept, drop},
              {label, v4}, {ld, b, {abs, 23}}] ++
             transport(ports4, drop) ++
             [{label, ports4}, {ld, h, {abs, 20}}, {jset, 16#1FFF, drop, next}, {ldx, {msh, 14}}, {ld, h, {ind, 14}},
              {jeq, Port, accept, next}, {ld, h, {ind, 16}}, {jeq, Port, accept, drop}, {label, drop}] ++ ends());
port(_) -> {error, {invalid, []}}.

%% SCTP, TCP, UDP.
transport(Yes, No) -> [{jeq, 132, Yes, next}, {jeq, 6, Yes, next}, {jeq, 17, Yes, No}].

%% @doc A filter that chooses one of `Count' sockets of a reuseport group, SO_ATTACH_REUSEPORT_CBPF of socket(7), by the processor that
%% receives the packet: socket `Cpu rem Count', in the order in which they were bound.
%% ```
%% {ok, Filter} = esock_bpf:steer_by_cpu(erlang:system_info(schedulers)).
%% '''
-spec steer_by_cpu(1..65535) -> {ok, filter()} | {error, reason()}.
steer_by_cpu(Count) -> steer(cpu, Count).

%% @doc As {@link steer_by_cpu/1}, by the receive queue of the network card.
%% ```
%% {ok, Filter} = esock_bpf:steer_by_queue(8).
%% '''
-spec steer_by_queue(1..65535) -> {ok, filter()} | {error, reason()}.
steer_by_queue(Count) -> steer(queue, Count).

%% @doc As {@link steer_by_cpu/1}, by the hash of the packet's addresses and ports: one connection always meets the same socket.
%% ```
%% {ok, Filter} = esock_bpf:steer_by_hash(8).
%% '''
-spec steer_by_hash(1..65535) -> {ok, filter()} | {error, reason()}.
steer_by_hash(Count) -> steer(rxhash, Count).

steer(What, Count) when is_integer(Count), Count >= 1, Count =< 65535 -> assemble([{ld, What}, {mod, Count}, {ret, a}]);
steer(_, _) -> {error, {invalid, []}}.

%% Classic BPF: the assembler, the check and the interpreter, with the kernel as oracle.
-module(esock_bpf_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [codes, labels, wrong_terms, checks, same_as_the_kernel, checked_never_raise, round_trips, any_bytes, ancillary_loads, headers,
     netlink_attributes, ready_filters, arguments, steering].

suite() -> [{timetrap, {seconds, 120}}].

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 1000}, [quiet]).

%% Numbers of linux/bpf_common.h.
codes(_) ->
    Rows = [{{ld, w, {abs, 1}}, {16#20, 0, 0, 1}}, {{ld, h, {abs, 1}}, {16#28, 0, 0, 1}}, {{ld, b, {abs, 1}}, {16#30, 0, 0, 1}},
            {{ld, w, {ind, 2}}, {16#40, 0, 0, 2}}, {{ld, h, {ind, 2}}, {16#48, 0, 0, 2}}, {{ld, b, {ind, 2}}, {16#50, 0, 0, 2}},
            {{ld, b, {net, 9}}, {16#30, 0, 0, 16#FFF00009}}, {{ld, h, {link, 12}}, {16#28, 0, 0, 16#FFE0000C}},
            {{ld, {imm, 3}}, {0, 0, 0, 3}}, {{ld, len}, {16#80, 0, 0, 0}}, {{ld, cpu}, {16#20, 0, 0, 16#FFFFF024}},
            {{ld, vlan_tpid}, {16#20, 0, 0, 16#FFFFF03C}},
            {{ldx, {imm, 4}}, {1, 0, 0, 4}}, {{ldx, len}, {16#81, 0, 0, 0}}, {{ldx, {msh, 14}}, {16#B1, 0, 0, 14}},
            {{st, 15}, {2, 0, 0, 15}}, {{stx, 0}, {3, 0, 0, 0}}, {{ld, {mem, 15}}, {16#60, 0, 0, 15}}, {{ldx, {mem, 0}}, {16#61, 0, 0, 0}},
            {{add, 1}, {16#04, 0, 0, 1}}, {{add, x}, {16#0C, 0, 0, 0}}, {{sub, 1}, {16#14, 0, 0, 1}}, {{mul, x}, {16#2C, 0, 0, 0}},
            {{'div', 2}, {16#34, 0, 0, 2}}, {{'or', 1}, {16#44, 0, 0, 1}}, {{'and', 1}, {16#54, 0, 0, 1}}, {{lsh, 31}, {16#64, 0, 0, 31}},
            {{rsh, x}, {16#7C, 0, 0, 0}}, {neg, {16#84, 0, 0, 0}}, {{mod, 7}, {16#94, 0, 0, 7}}, {{'xor', x}, {16#AC, 0, 0, 0}},
            {tax, {7, 0, 0, 0}}, {txa, {16#87, 0, 0, 0}}, {{ja, next}, {5, 0, 0, 0}}, {{jeq, 1, next, next}, {16#15, 0, 0, 1}},
            {{jgt, x, next, next}, {16#2D, 0, 0, 0}}, {{jge, 1, next, next}, {16#35, 0, 0, 1}}, {{jset, 1, next, next}, {16#45, 0, 0, 1}},
            {{ret, 5}, {6, 0, 0, 5}}, {{ret, a}, {16#16, 0, 0, 0}}],
    {Terms, Codes} = lists:unzip(Rows),
    ?assertEqual({ok, Codes}, esock_bpf:assemble(Terms)),
    ?assertEqual({ok, Terms}, esock_bpf:disassemble(Codes)).

labels(_) ->
    Terms = [{ld, h, {abs, 12}}, {jeq, 1, yes, no}, {ja, no}, {label, yes}, {ret, 1}, {label, no}, {label, end_of_it}, {ret, 0}],
    {ok, Filter} = esock_bpf:assemble(Terms),
    ?assertEqual([{16#28, 0, 0, 12}, {16#15, 1, 2, 1}, {5, 0, 0, 1}, {6, 0, 0, 1}, {6, 0, 0, 0}], Filter),
    ?assertEqual({ok, [{ld, h, {abs, 12}}, {jeq, 1, 3, 4}, {ja, 4}, {label, 3}, {ret, 1}, {label, 4}, {ret, 0}]}, esock_bpf:disassemble(Filter)),
    %% 255 instructions are left out, not 256.
    Far = fun(N) -> esock_bpf:assemble([{jeq, 0, far, next}] ++ lists:duplicate(N, tax) ++ [{label, far}, {ret, 0}]) end,
    ?assertMatch({ok, [{16#15, 255, 0, 0} | _]}, Far(255)),
    ?assertEqual({error, {invalid, {instruction, 1, jump}}}, Far(256)),
    {ok, [{5, 0, 0, 300} | _]} = esock_bpf:assemble([{ja, far}] ++ lists:duplicate(300, tax) ++ [{label, far}, {ret, 0}]).

wrong_terms(_) ->
    [?assertEqual({Term, {error, {invalid, {instruction, 3, Why}}}},
                  {Term, esock_bpf:assemble([{label, before}, {ld, {imm, 0}}, Term, {label, behind}, {ret, 0}])})
     || {Term, Why} <- [{foo, unknown}, {{foo, 1}, unknown}, {{foo, 1, behind, behind}, unknown}, {{ld, foo}, unknown}, {{ld, {foo, 1}}, unknown},
                        {{ld, w, foo}, unknown}, {{ld, d, {abs, 1}}, unknown}, {{ld, w, {foo, 1}}, unknown}, {{ldx, foo}, unknown},
                        {{ldx, cpu}, unknown}, {{}, unknown}, {1, unknown},
                        {{ld, {imm, -1}}, range}, {{ld, {imm, 1 bsl 32}}, range}, {{ld, w, {abs, foo}}, range}, {{ld, w, {net, 16#FFFFF}}, range},
                        {{add, foo}, range}, {{ret, x}, range}, {{jeq, foo, next, next}, range},
                        {{ja, nowhere}, {label, nowhere}}, {{jeq, 1, behind, "foo"}, {label, "foo"}}, {{ja, before}, jump}, {{jeq, 1, next, before}, jump},
                        {{label, before}, {duplicate, before}}, {{label, next}, {label, next}}, {{label, "foo"}, {label, "foo"}},
                        {{st, 16}, memory}, {{ld, {mem, 16}}, memory}, {{ld, {mem, 1}}, not_stored}, {{ldx, {mem, 1}}, not_stored},
                        {{'div', 0}, division_by_zero}, {{mod, 0}, division_by_zero}, {{lsh, 32}, shift}, {{rsh, 99}, shift},
                        {{ld, w, {abs, 16#FFFFF040}}, range}, {{code, 16#FF, 0, 0, 0}, code}, {{code, -1, 0, 0, 0}, fields}, {{code, 5, 0, 0, 9}, jump}]],
    ?assertEqual({error, {invalid, {length, 0}}}, esock_bpf:assemble([{label, a}])),
    ?assertEqual({error, {invalid, {instruction, 2, last}}}, esock_bpf:assemble([{label, a}, tax])),
    ?assertEqual({error, {invalid, []}}, esock_bpf:assemble(foo)),
    ?assertEqual({error, {invalid, []}}, esock_bpf:assemble([tax | foo])).

checks(_) ->
    Ret = {6, 0, 0, 0},
    ?assertEqual(ok, esock_bpf:check([Ret])),
    ?assertEqual(ok, esock_bpf:check(lists:duplicate(4096, Ret))),
    [?assertEqual({Filter, {error, {invalid, Why}}}, {Filter, esock_bpf:check(Filter)})
     || {Filter, Why} <- [{[], {length, 0}}, {lists:duplicate(4097, Ret), {length, 4097}}, {foo, []}, {[Ret | foo], []},
                          {[{5, 0, 0, 0}], {instruction, 1, jump}}, {[{5, 0, 0, 1}, Ret], {instruction, 1, jump}},
                          {[{16#15, 0, 1, 0}, Ret], {instruction, 1, jump}}, {[{16#15, 1, 0, 0}, Ret], {instruction, 1, jump}},
                          {[Ret, {7, 0, 0, 0}], {instruction, 2, last}}, {[{16#0E, 0, 0, 0}, Ret], {instruction, 1, code}},
                          {[foo], {instruction, 1, fields}}, {[{6, 256, 0, 0}], {instruction, 1, fields}}, {[{6, 0, 0, -1}], {instruction, 1, fields}},
                          {[{6, 0, 0, 1.0}], {instruction, 1, fields}}, {[{16#10000, 0, 0, 0}, Ret], {instruction, 1, fields}},
                          %% Stored on one of two ways only.
                          {[{16#15, 0, 1, 0}, {2, 0, 0, 1}, {16#60, 0, 0, 1}, Ret], {instruction, 3, not_stored}}]],
    ?assertEqual(ok, esock_bpf:check([{2, 0, 0, 1}, {16#15, 0, 1, 0}, {7, 0, 0, 0}, {16#60, 0, 0, 1}, Ret])).

%%% ---- The kernel says the same

%% The lines are filters and packets; the answers of a Unix socket with the filter: refused, dropped, or how much came.
kernel() ->
    "import socket, struct, ctypes, sys\n"
    "for line in open(sys.argv[1]):\n"
    "    code, packet = (bytes.fromhex(x) for x in line.split(','))\n"
    "    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "    b.setblocking(False)\n"
    "    buf = ctypes.create_string_buffer(code, len(code))\n"
    "    try:\n"
    "        b.setsockopt(socket.SOL_SOCKET, 26, struct.pack('@HP', len(code) // 8, ctypes.addressof(buf)))\n"
    "        a.send(packet)\n"
    "        print(len(b.recv(9999)))\n"
    "    except BlockingIOError: print('dropped')\n"
    "    except OSError as e: print('refused' if e.errno == 22 else e)\n"
    "    a.close(); b.close()\n".

same_as_the_kernel(Config) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        _ ->
            Dir = proplists:get_value(priv_dir, Config),
            [Script, Lines] = [filename:join(Dir, File) || File <- ["kernel.py", "filters.txt"]],
            ok = file:write_file(Script, kernel()),
            Count = list_to_integer(os:getenv("ESOCK_PROPER", "3000")),
            Pairs = [pick({likely_filter(), ?LET(Size, range(1, 40), binary(Size))}) || _ <- lists:seq(1, Count)],
            ok = file:write_file(Lines, [[binary:encode_hex(raw(F)), ",", binary:encode_hex(P), "\n"] || {F, P} <- Pairs]),
            Answers = string:lexemes(os:cmd("python3 " ++ Script ++ " " ++ Lines), "\n"),
            ?assertEqual({length(Pairs), []}, {length(Answers), [{F, P, A, ours(F, P)} || {{F, P}, A} <- lists:zip(Pairs, Answers), A =/= ours(F, P)]}),
            Kinds = [length([A || A <- Answers, Is(A)]) || Is <- [fun(A) -> A =:= "refused" end, fun(A) -> A =:= "dropped" end, fun(A) -> hd(A) =< $9 end]],
            ?assert(lists:min(Kinds) > Count div 50),
            {comment, lists:flatten(io_lib:format("refused, dropped, received: ~w", [Kinds]))}
    end.

pick(Type) -> {ok, Term} = proper_gen:pick(Type, 12), Term.

raw(Filter) -> << <<Code:16/native, Jt, Jf, K:32/native>> || {Code, Jt, Jf, K} <- Filter >>.

ours(Filter, Packet) ->
    case esock_bpf:run(Filter, Packet) of
        {ok, 0} -> "dropped";
        {ok, N} -> integer_to_list(min(N, byte_size(Packet)));
        {error, {invalid, _}} -> "refused"
    end.

known() ->
    [16#00, 16#20, 16#28, 16#30, 16#40, 16#48, 16#50, 16#60, 16#80, 16#01, 16#61, 16#81, 16#B1, 16#02, 16#03, 16#07, 16#87, 16#84, 16#05,
     16#15, 16#1D, 16#25, 16#2D, 16#35, 16#3D, 16#45, 16#4D, 16#06, 16#16]
    ++ [16#04 bor Op bor Src || Op <- [0, 16#10, 16#20, 16#30, 16#40, 16#50, 16#60, 16#70, 16#90, 16#A0], Src <- [0, 8]].

%% Without what a packet of a Unix socket has otherwise than ours.
likely_filter() ->
    Ancillary = [16#FFFFF000 + N || N <- [0, 12, 16, 20, 24, 40, 44, 48, 2, 64]],
    K = frequency([{12, range(0, 40)}, {1, oneof([16#FFFFFFFF, 16#7FFFFFFF, 16#80000000, 31, 32, 16#DFFFFF00])}, {2, range(0, 16#FFFF)},
                   {1, oneof(Ancillary)}]),
    Code = frequency([{60, oneof(known())}, {1, range(0, 16#FFFF)}]),
    Instruction = {Code, range(0, 2), range(0, 2), K},
    ?LET({Start, Middle, Last}, {oneof([[], [{0, 0, 0, 7}, {2, 0, 0, 1}, {2, 0, 0, 2}, {7, 0, 0, 0}]]), list(Instruction),
                                 frequency([{20, oneof([{6, 0, 0, 9}, {16#16, 0, 0, 0}])}, {1, Instruction}])},
         [memory(I) || I <- Start ++ Middle ++ [Last]]).

%% Mostly words that are stored.
memory({Code, Jt, Jf, K}) when Code =:= 16#60; Code =:= 16#61; Code =:= 2; Code =:= 3 -> {Code, Jt, Jf, K rem 17 rem 3};
memory({16#05, Jt, Jf, K}) -> {16#05, Jt, Jf, K rem 4};
memory({Code, Jt, Jf, K}) when Code =:= 16#64; Code =:= 16#74 -> {Code, Jt, Jf, K rem 33};
memory(Instruction) -> Instruction.

%%% ---- Properties

checked_never_raise(_) ->
    check(?FORALL({Filter, Packet}, {likely_filter(), binary()},
                  case esock_bpf:check(Filter) of
                      ok -> {ok, N} = esock_bpf:run(Filter, Packet), N >= 0 andalso N =< 16#FFFFFFFF;
                      {error, {invalid, _}} = Error -> esock_bpf:run(Filter, Packet) =:= Error
                  end)),
    check(?FORALL(Filter, list({integer(), integer(), integer(), integer()}),
                  case esock_bpf:check(Filter) of ok -> true; {error, {invalid, _}} -> true end)).

valid() -> ?SUCHTHATMAYBE(Filter, likely_filter(), esock_bpf:check(Filter) =:= ok).

round_trips(_) ->
    check(?FORALL(Filter, valid(),
                  case esock_bpf:encode(Filter) of
                      {error, _} = Error -> Error =:= esock_bpf:check(Filter);
                      {ok, Bytes} ->
                          {ok, Terms} = esock_bpf:disassemble(Filter),
                          esock_bpf:decode(Bytes) =:= {ok, Filter} andalso esock_bpf:assemble(Terms) =:= {ok, Filter}
                  end)).

any_bytes(_) ->
    check(?FORALL(Bytes, binary(), case esock_bpf:decode(Bytes) of {ok, _} -> true; {error, {invalid, _}} -> true end)),
    ?assertEqual({error, {invalid, {length, 7}}}, esock_bpf:decode(<<0:56>>)),
    ?assertEqual({error, {invalid, {length, 0}}}, esock_bpf:decode(<<>>)),
    ?assertEqual({error, {invalid, []}}, esock_bpf:decode(foo)).

ancillary_loads(_) ->
    [begin
         {ok, Filter} = esock_bpf:assemble([{ld, Name}, {ret, a}]),
         ?assertEqual({Name, {ok, 7}}, {Name, esock_bpf:run(Filter, <<>>, #{Name => 7})}),
         ?assertEqual({Name, {ok, 0}}, {Name, esock_bpf:run(Filter, <<>>)})
     end || {Name, _} <- esock_bpf_asm:ancillary(), Name =/= nlattr, Name =/= nlattr_nest, Name =/= alu_xor_x],
    {ok, Xor} = esock_bpf:assemble([{ldx, {imm, 5}}, {ld, {imm, 3}}, {ld, alu_xor_x}, {ret, a}]),
    ?assertEqual({ok, 6}, esock_bpf:run(Xor, <<>>)).

headers(_) ->
    {ok, Net} = esock_bpf:assemble([{ld, b, {net, 1}}, {ret, a}]),
    {ok, Link} = esock_bpf:assemble([{ld, b, {link, 0}}, {ret, a}]),
    Packet = <<1, 2, 3, 4>>,
    ?assertEqual([{ok, 4}, {ok, 2}, {ok, 0}, {ok, 3}], [esock_bpf:run(Net, Packet, #{net => 2}), esock_bpf:run(Net, Packet),
                                                        esock_bpf:run(Net, Packet, #{net => 3}), esock_bpf:run(Link, Packet, #{link => 2})]).

netlink_attributes(_) ->
    {ok, Message} = esock_netlink:encode(#{type => newlink, body => #{mtu => 1400, linkinfo => #{kind => <<"vlan">>, data => #{id => 9}}}}),
    Find = fun(At, Name, Type) ->
               {ok, Filter} = esock_bpf:assemble([{ldx, {imm, Type}}, {ld, {imm, At}}, {ld, Name}, {ret, a}]),
               {ok, Found} = esock_bpf:run(Filter, Message),
               Found
           end,
    32 = Find(32, nlattr, 4),
    Info = Find(32, nlattr, 18),
    ?assertMatch(<<_:Info/binary, _:16, 16#8012:16/native, _/binary>>, Message),
    Kind = Find(Info, nlattr_nest, 1),
    ?assertMatch(<<_:Kind/binary, 9:16/native, 1:16/native, "vlan", 0, _/binary>>, Message),
    ?assertEqual([0, 0, 0], [Find(32, nlattr, 77), Find(9999, nlattr, 4), Find(Info, nlattr_nest, 77)]).

%%% ---- Ready filters

ether(Type, Payload) -> <<1:48, 2:48, Type:16, Payload/binary>>.

ip4(Protocol, Options, Fragment, Payload) ->
    Words = 5 + byte_size(Options) div 4,
    ether(16#0800, <<4:4, Words:4, 0, 0:16, 0:16, 0:3, Fragment:13, 64, Protocol, 0:16, 127, 0, 0, 1, 127, 0, 0, 1, Options/binary, Payload/binary>>).

ip6(Protocol, Payload) -> ether(16#86DD, <<6:4, 0:28, 0:16, Protocol, 64, 1:128, 2:128, Payload/binary>>).

ready_filters(_) ->
    ?assertEqual({ok, 16#FFFFFFFF}, esock_bpf:run(esock_bpf:accept_all(), <<>>)),
    ?assertEqual({ok, 0}, esock_bpf:run(esock_bpf:drop_all(), <<>>)),
    {ok, Types} = esock_bpf:ethertype([16#0800, 16#86DD]),
    ?assertEqual([true, true, false, false], [taken(Types, P) || P <- [ip4(6, <<>>, 0, <<>>), ip6(6, <<>>), ether(16#0806, <<>>), <<1>>]]),
    {ok, _} = esock_bpf:ethertype(lists:seq(1, 255)),
    {ok, Filter} = esock_bpf:port(443),
    From = <<443:16, 1:16, 0:32>>,
    To = <<1:16, 443:16, 0:32>>,
    Other = <<1:16, 2:16, 443:16, 443:16>>,
    [?assertEqual({Protocol, Options, [true, true, false, false]},
                  {Protocol, Options, [taken(Filter, P) || P <- [ip4(Protocol, Options, 0, From), ip4(Protocol, Options, 0, To),
                                                                 ip4(Protocol, Options, 0, Other), ip4(Protocol, Options, 9, From)]]})
     || Protocol <- [6, 17, 132], Options <- [<<>>, <<0:64>>]],
    ?assertEqual([true, true, false], [taken(Filter, ip6(17, P)) || P <- [From, To, Other]]),
    ?assertEqual([false, false, false, false], [taken(Filter, P) || P <- [ip4(1, <<>>, 0, From), ip6(58, From), ether(16#0806, From), <<>>]]).

taken(Filter, Packet) ->
    {ok, N} = esock_bpf:run(Filter, Packet),
    ?assert(N =:= 0 orelse N =:= 16#FFFFFFFF),
    N > 0.

steering(_) ->
    [begin
         {ok, Filter} = esock_bpf:Steer(4),
         ?assertEqual([0, 1, 3, 0], [begin {ok, N} = esock_bpf:run(Filter, <<>>, #{What => V}), N end || V <- [0, 1, 7, 16#FFFFFFFC]])
     end || {Steer, What} <- [{steer_by_cpu, cpu}, {steer_by_queue, queue}, {steer_by_hash, rxhash}]].

arguments(_) ->
    Invalid = fun(Path) -> {error, {invalid, Path}} end,
    ?assertEqual([Invalid([2]), Invalid([]), Invalid([]), Invalid([])],
                 [esock_bpf:ethertype(T) || T <- [[1, 65536], [], foo, lists:duplicate(256, 1)]]),
    ?assertEqual([Invalid([]), Invalid([])], [esock_bpf:port(P) || P <- [-1, foo]]),
    ?assertEqual([Invalid([]), Invalid([])], [esock_bpf:steer_by_cpu(N) || N <- [0, foo]]),
    All = esock_bpf:accept_all(),
    ?assertEqual([Invalid([packet]), Invalid([environment]), Invalid([environment, foo]), Invalid([environment, cpu])],
                 [esock_bpf:run(All, foo), esock_bpf:run(All, <<>>, foo), esock_bpf:run(All, <<>>, #{foo => 1}), esock_bpf:run(All, <<>>, #{cpu => a})]),
    ?assertEqual(Invalid({instruction, 1, fields}), esock_bpf:run([foo], <<>>)).

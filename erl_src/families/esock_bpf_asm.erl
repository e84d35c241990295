%% @private
%% @doc Classic BPF: terms to instructions and back, and the check that the kernel makes (bpf_check_classic of net/core/filter.c).
-module(esock_bpf_asm).

-export([assemble/1, terms/1, check/1]).
-export([ancillary/0]).

-define(MAX, 4096).
-define(WORD, 16#FFFFFFFF).
%% SKF_AD_OFF, SKF_NET_OFF and SKF_LL_OFF as numbers without a sign.
-define(ANCILLARY, 16#FFFFF000).
-define(NET, 16#FFF00000).
-define(LINK, 16#FFE00000).
-define(IS_K(K), (is_integer(K) andalso K >= 0 andalso K =< ?WORD)).

%% @doc SKF_AD_*, without SKF_AD_OFF.
-spec ancillary() -> [{esock_bpf:ancillary(), non_neg_integer()}].
ancillary() ->
    [{protocol, 0}, {pkttype, 4}, {ifindex, 8}, {nlattr, 12}, {nlattr_nest, 16}, {mark, 20}, {queue, 24}, {hatype, 28}, {rxhash, 32},
     {cpu, 36}, {alu_xor_x, 40}, {vlan_tag, 44}, {vlan_tag_present, 48}, {pay_offset, 52}, {random, 56}, {vlan_tpid, 60}].

alu() -> [{add, 0}, {sub, 16#10}, {mul, 16#20}, {'div', 16#30}, {'or', 16#40}, {'and', 16#50}, {lsh, 16#60}, {rsh, 16#70}, {mod, 16#90},
          {'xor', 16#A0}].

conditions() -> [{jeq, 16#10}, {jgt, 16#20}, {jge, 16#30}, {jset, 16#40}].

%%% ---- From terms

%% @doc The filter of terms.
-spec assemble([esock_bpf:instruction()]) -> {ok, esock_bpf:filter()} | {error, esock_bpf:reason()}.
assemble(Terms) when is_list(Terms), length(Terms) >= 0 ->
    try
        {Labels, Numbered} = labels(Terms, 1, 0, #{}, []),
        Filter = [code(Term, {N, At, Labels}) || {Term, N, At} <- Numbered],
        renumbered(check(Filter), Filter, Numbered)
    catch throw:{instruction, N, Why} -> {error, {invalid, {instruction, N, Why}}}
    end;
assemble(_) -> {error, {invalid, []}}.

%% An error's position in the terms.
renumbered(ok, Filter, _) -> {ok, Filter};
renumbered({error, {invalid, {instruction, At, Why}}}, _, Numbered) ->
    {_, N, _} = lists:nth(At, Numbered),
    {error, {invalid, {instruction, N, Why}}};
renumbered(Error, _, _) -> Error.

%% The instructions with their positions in the terms and among themselves, and the position of the instruction behind each label.
labels([], _, _, Labels, Numbered) -> {Labels, lists:reverse(Numbered)};
labels([{label, Label} | Terms], N, At, Labels, Numbered) ->
    case is_map_key(Label, Labels) of
        _ when not is_atom(Label), not is_integer(Label); Label =:= next -> wrong(N, {label, Label});
        true -> wrong(N, {duplicate, Label});
        false -> labels(Terms, N + 1, At, Labels#{Label => At}, Numbered)
    end;
labels([Term | Terms], N, At, Labels, Numbered) -> labels(Terms, N + 1, At + 1, Labels, [{Term, N, At} | Numbered]).

-spec wrong(pos_integer(), term()) -> no_return().
wrong(N, Why) -> throw({instruction, N, Why}).

code(neg, _) -> {16#84, 0, 0, 0};
code(tax, _) -> {16#07, 0, 0, 0};
code(txa, _) -> {16#87, 0, 0, 0};
code({code, Code, Jt, Jf, K}, _) -> {Code, Jt, Jf, K};
code({ja, Label}, Place) -> {16#05, 0, 0, distance(Label, Place, ?WORD)};
code({ret, a}, _) -> {16#16, 0, 0, 0};
code({ret, K}, Place) -> {16#06, 0, 0, k(K, Place)};
code({st, M}, Place) -> {16#02, 0, 0, k(M, Place)};
code({stx, M}, Place) -> {16#03, 0, 0, k(M, Place)};
code({ld, Source}, Place) -> load(Source, Place);
code({ldx, Source}, Place) -> load_x(Source, Place);
code({ld, Size, Source}, Place) -> packet(Size, Source, Place);
code({Alu, Operand}, Place) -> operation(lists:keyfind(Alu, 1, alu()), 16#04, Operand, {0, 0}, Place);
code({Condition, Operand, True, False}, Place) ->
    Found = lists:keyfind(Condition, 1, conditions()),
    operation(Found, 16#05, Operand, {distance(True, Place, 255), distance(False, Place, 255)}, Place);
code(_, {N, _, _}) -> wrong(N, unknown).

operation({_, Op}, Class, x, {Jt, Jf}, _) -> {Class bor Op bor 16#08, Jt, Jf, 0};
operation({_, Op}, Class, K, {Jt, Jf}, Place) -> {Class bor Op, Jt, Jf, k(K, Place)};
operation(false, _, _, _, {N, _, _}) -> wrong(N, unknown).

load({imm, K}, Place) -> {16#00, 0, 0, k(K, Place)};
load({mem, M}, Place) -> {16#60, 0, 0, k(M, Place)};
load(len, _) -> {16#80, 0, 0, 0};
load(Name, {N, _, _}) ->
    case lists:keyfind(Name, 1, ancillary()) of
        {Name, Offset} -> {16#20, 0, 0, ?ANCILLARY + Offset};
        false -> wrong(N, unknown)
    end.

load_x({imm, K}, Place) -> {16#01, 0, 0, k(K, Place)};
load_x({mem, M}, Place) -> {16#61, 0, 0, k(M, Place)};
load_x(len, _) -> {16#81, 0, 0, 0};
load_x({msh, K}, Place) -> {16#B1, 0, 0, k(K, Place)};
load_x(_, {N, _, _}) -> wrong(N, unknown).

packet(Size, {Mode, K}, {N, _, _} = Place) ->
    case {lists:keyfind(Size, 1, [{w, 0}, {h, 16#08}, {b, 16#10}]), lists:keyfind(Mode, 1, modes())} of
        {{_, SizeBits}, {_, ModeBits, Base}} -> {SizeBits bor ModeBits, 0, 0, k(Base + k(K, Place), Place)};
        _ -> wrong(N, unknown)
    end;
packet(_, _, {N, _, _}) -> wrong(N, unknown).

modes() -> [{abs, 16#20, 0}, {ind, 16#40, 0}, {net, 16#20, ?NET}, {link, 16#20, ?LINK}].

k(K, _) when ?IS_K(K) -> K;
k(_, {N, _, _}) -> wrong(N, range).

%% How many instructions a jump leaves out.
distance(next, _, _) -> 0;
distance(Label, {N, At, Labels}, Max) ->
    case Labels of
        #{Label := To} when To > At, To - At - 1 =< Max -> To - At - 1;
        #{Label := _} -> wrong(N, jump);
        _ -> wrong(N, {label, Label})
    end.

%%% ---- To terms

%% @doc The terms of a checked filter.
-spec terms(esock_bpf:filter()) -> [esock_bpf:instruction()].
terms(Filter) ->
    Numbered = [{At, term(Code, At)} || {At, Code} <- lists:zip(lists:seq(0, length(Filter) - 1), Filter)],
    Targets = lists:append([targets(Term) || {_, Term} <- Numbered]),
    lists:append([[{label, At} || lists:member(At, Targets)] ++ [Term] || {At, Term} <- Numbered]).

targets({ja, Label}) -> [Label];
targets({_, _, True, False}) -> [True, False];
targets(_) -> [].

%% If assemble/1 makes another instruction of the term, the term is `code'.
term({Code, Jt, Jf, K} = Instruction, At) ->
    Term = readable(Instruction, At),
    Labels = maps:from_list([{To, To} || To <- targets(Term), To =/= next]),
    try code(Term, {1, At, Labels}) of
        Instruction -> Term;
        _ -> {code, Code, Jt, Jf, K}
    catch throw:{instruction, _, _} -> {code, Code, Jt, Jf, K}
    end.

readable({16#84, _, _, _}, _) -> neg;
readable({16#07, _, _, _}, _) -> tax;
readable({16#87, _, _, _}, _) -> txa;
readable({16#05, _, _, K}, At) -> {ja, target(At, K)};
readable({16#16, _, _, _}, _) -> {ret, a};
readable({16#06, _, _, K}, _) -> {ret, K};
readable({16#02, _, _, K}, _) -> {st, K};
readable({16#03, _, _, K}, _) -> {stx, K};
readable({16#00, _, _, K}, _) -> {ld, {imm, K}};
readable({16#60, _, _, K}, _) -> {ld, {mem, K}};
readable({16#80, _, _, _}, _) -> {ld, len};
readable({16#01, _, _, K}, _) -> {ldx, {imm, K}};
readable({16#61, _, _, K}, _) -> {ldx, {mem, K}};
readable({16#81, _, _, _}, _) -> {ldx, len};
readable({16#B1, _, _, K}, _) -> {ldx, {msh, K}};
readable({16#20, _, _, K}, _) when K >= ?ANCILLARY ->
    {Name, _} = lists:keyfind(K - ?ANCILLARY, 2, ancillary()),
    {ld, Name};
readable({Code, _, _, K}, _) when Code band 16#E7 =:= 16#20 -> {ld, unit(Code band 16#18), absolute(K)};
readable({Code, _, _, K}, _) when Code band 16#E7 =:= 16#40 -> {ld, unit(Code band 16#18), {ind, K}};
readable({Code, _, _, K}, _) when Code band 7 =:= 4 ->
    {Alu, _} = lists:keyfind(Code band 16#F0, 2, alu()),
    {Alu, operand(Code, K)};
readable({Code, Jt, Jf, K}, At) ->
    {Condition, _} = lists:keyfind(Code band 16#F0, 2, conditions()),
    {Condition, operand(Code, K), target(At, Jt), target(At, Jf)}.

operand(Code, _) when Code band 16#08 =/= 0 -> x;
operand(_, K) -> K.

target(_, 0) -> next;
target(At, Distance) -> At + 1 + Distance.

unit(0) -> w;
unit(16#08) -> h;
unit(16#10) -> b.

absolute(K) when K >= ?NET, K < ?ANCILLARY -> {net, K - ?NET};
absolute(K) when K >= ?LINK, K < ?NET -> {link, K - ?LINK};
absolute(K) -> {abs, K}.

%%% ---- The check

%% @doc Whether the kernel takes the filter.
-spec check(term()) -> ok | {error, esock_bpf:reason()}.
check([_ | _] = Filter) ->
    case count(Filter, 0) of
        improper -> {error, {invalid, []}};
        Length when Length > ?MAX -> {error, {invalid, {length, Length}}};
        Length -> checked(Filter, Length)
    end;
check([]) -> {error, {invalid, {length, 0}}};
check(_) -> {error, {invalid, []}}.

count([], N) -> N;
count([_ | Rest], N) -> count(Rest, N + 1);
count(_, _) -> improper.

checked(Filter, Length) ->
    try
        _ = [fine(Code, N, Length) || {N, Code} <- lists:enumerate(Filter)],
        lists:member(element(1, lists:last(Filter)), [16#06, 16#16]) orelse wrong(Length, last),
        stored(Filter, 1, 0, #{})
    catch throw:{instruction, N, Why} -> {error, {invalid, {instruction, N, Why}}}
    end.

fine({Code, Jt, Jf, K}, N, Length)
  when is_integer(Code), Code >= 0, Code =< 16#FFFF, is_integer(Jt), Jt >= 0, Jt =< 255, is_integer(Jf), Jf >= 0, Jf =< 255, ?IS_K(K) ->
    case allowed(Code, Jt, Jf, K, Length - N) of
        true -> true;
        Why -> wrong(N, Why)
    end;
fine(_, N, _) -> wrong(N, fields).

%% `Behind': how many instructions there are behind this one.
allowed(16#05, _, _, K, Behind) -> K < Behind orelse jump;
allowed(Code, _, _, K, _) when Code =:= 16#34; Code =:= 16#94 -> K =/= 0 orelse division_by_zero;
allowed(Code, _, _, K, _) when Code =:= 16#64; Code =:= 16#74 -> K < 32 orelse shift;
allowed(Code, _, _, K, _) when Code =:= 16#02; Code =:= 16#03; Code =:= 16#60; Code =:= 16#61 -> K < 16 orelse memory;
allowed(Code, _, _, K, _) when Code =:= 16#20; Code =:= 16#28; Code =:= 16#30 ->
    K < ?ANCILLARY orelse lists:keymember(K - ?ANCILLARY, 2, ancillary()) orelse range;
allowed(Code, Jt, Jf, _, Behind) when Code =:= 16#15; Code =:= 16#1D; Code =:= 16#25; Code =:= 16#2D; Code =:= 16#35; Code =:= 16#3D;
                                      Code =:= 16#45; Code =:= 16#4D ->
    (Jt < Behind andalso Jf < Behind) orelse jump;
allowed(Code, _, _, _, _) -> lists:member(Code, others()) orelse code.

%% Without rules of their own.
others() ->
    [16#00, 16#01, 16#40, 16#48, 16#50, 16#80, 16#81, 16#B1, 16#84, 16#06, 16#16, 16#07, 16#87] ++
    [16#04 bor Op bor Src || {_, Op} <- alu(), Src <- [0, 16#08]].

%% On every way to a load of memory the word is stored: `Valid' are the bits of those words, `Masks' those at the targets of jumps.
stored([], _, _, _) -> ok;
stored([{Code, Jt, Jf, K} | Rest], N, Before, Masks) ->
    Valid = Before band maps:get(N, Masks, 16#FFFF),
    case Code of
        _ when Code =:= 16#02; Code =:= 16#03 -> stored(Rest, N + 1, Valid bor (1 bsl K), Masks);
        _ when (Code =:= 16#60 orelse Code =:= 16#61), Valid band (1 bsl K) =:= 0 -> wrong(N, not_stored);
        16#05 -> stored(Rest, N + 1, 16#FFFF, masked([N + 1 + K], Valid, Masks));
        _ when Code band 7 =:= 5 -> stored(Rest, N + 1, 16#FFFF, masked([N + 1 + Jt, N + 1 + Jf], Valid, Masks));
        _ -> stored(Rest, N + 1, Valid, Masks)
    end.

masked(Targets, Valid, Masks) ->
    lists:foldl(fun(To, Acc) -> Acc#{To => maps:get(To, Acc, 16#FFFF) band Valid} end, Masks, Targets).

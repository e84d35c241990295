%% @private
%% @doc An interpreter of checked filters of classic BPF, as the kernel runs them.
-module(esock_bpf_run).

-export([run/3]).

-record(state, {a = 0 :: non_neg_integer(), x = 0 :: non_neg_integer(), memory = #{} :: #{0..15 => non_neg_integer()},
                packet :: binary(), env :: esock_bpf:environment()}).

-define(WORD, 16#FFFFFFFF).
-define(ANCILLARY, 16#FFFFF000).
-define(NET, 16#FFF00000).
-define(LINK, 16#FFE00000).

%% @doc The value that the filter returns.
-spec run(esock_bpf:filter(), binary(), esock_bpf:environment()) -> 0..16#FFFFFFFF.
run(Filter, Packet, Env) -> step(Filter, #state{packet = Packet, env = Env}).

step([{Code, Jt, Jf, K} | Rest], State) ->
    case Code band 7 of
        5 -> step(lists:nthtail(skip(Code, Jt, Jf, K, State), Rest), State);
        6 -> returned(Code, K, State);
        _ ->
            case execute(Code, K, State) of
                stop -> 0;
                Next -> step(Rest, Next)
            end
    end.

returned(16#06, K, _) -> K;
returned(16#16, _, #state{a = A}) -> A.

skip(16#05, _, _, K, _) -> K;
skip(Code, Jt, Jf, K, #state{a = A, x = X}) ->
    case holds(Code band 16#F0, A, operand(Code, K, X)) of
        true -> Jt;
        false -> Jf
    end.

operand(Code, _, X) when Code band 16#08 =/= 0 -> X;
operand(_, K, _) -> K.

holds(16#10, A, V) -> A =:= V;
holds(16#20, A, V) -> A > V;
holds(16#30, A, V) -> A >= V;
holds(16#40, A, V) -> A band V =/= 0.

%% ld, ldx, st, stx, alu, misc.
execute(16#00, K, State) -> State#state{a = K};
execute(16#60, K, State) -> State#state{a = map_get(K, State#state.memory)};
execute(16#80, _, State) -> State#state{a = byte_size(State#state.packet)};
execute(16#01, K, State) -> State#state{x = K};
execute(16#61, K, State) -> State#state{x = map_get(K, State#state.memory)};
execute(16#81, _, State) -> State#state{x = byte_size(State#state.packet)};
execute(16#B1, K, State) -> loaded(bytes(1, K, State), fun(Byte) -> State#state{x = 4 * (Byte band 15)} end);
execute(16#02, K, #state{memory = Memory, a = A} = State) -> State#state{memory = Memory#{K => A}};
execute(16#03, K, #state{memory = Memory, x = X} = State) -> State#state{memory = Memory#{K => X}};
execute(16#07, _, State) -> State#state{x = State#state.a};
execute(16#87, _, State) -> State#state{a = State#state.x};
execute(16#84, _, State) -> State#state{a = -State#state.a band ?WORD};
execute(Code, K, #state{a = A, x = X} = State) when Code band 7 =:= 4 ->
    loaded(alu(Code band 16#F0, A, operand(Code, K, X)), fun(Value) -> State#state{a = Value band ?WORD} end);
execute(Code, K, State) when Code band 16#E0 =:= 16#20, K >= ?ANCILLARY ->
    {Name, _} = lists:keyfind(K - ?ANCILLARY, 2, esock_bpf_asm:ancillary()),
    loaded(ancillary(Name, State), fun(Value) -> State#state{a = Value band ?WORD} end);
execute(Code, K, State) ->
    Offset = case Code band 16#E0 of
                 16#20 -> K;
                 16#40 -> (K + State#state.x) band ?WORD
             end,
    loaded(bytes(width(Code band 16#18), Offset, State), fun(Value) -> State#state{a = Value} end).

loaded(stop, _) -> stop;
loaded(Value, Fun) -> Fun(Value).

width(0) -> 4;
width(16#08) -> 2;
width(16#10) -> 1.

alu(16#00, A, V) -> A + V;
alu(16#10, A, V) -> A - V;
alu(16#20, A, V) -> A * V;
alu(16#30, _, 0) -> stop;
alu(16#30, A, V) -> A div V;
alu(16#40, A, V) -> A bor V;
alu(16#50, A, V) -> A band V;
%% The kernel shifts by the low five bits.
alu(16#60, A, V) -> A bsl (V band 31);
alu(16#70, A, V) -> A bsr (V band 31);
alu(16#90, _, 0) -> stop;
alu(16#90, A, V) -> A rem V;
alu(16#A0, A, V) -> A bxor V.

bytes(Size, Offset, #state{packet = Packet, env = Env}) ->
    case place(Offset, Env) of
        At when is_integer(At), At >= 0, At + Size =< byte_size(Packet) -> binary:decode_unsigned(binary_part(Packet, At, Size));
        _ -> stop
    end.

%% From 2 GB on an offset is a negative number, of which two ranges mean something.
place(Offset, _) when Offset < 1 bsl 31 -> Offset;
place(Offset, Env) when Offset >= ?NET -> maps:get(net, Env, 0) + Offset - ?NET;
place(Offset, Env) when Offset >= ?LINK -> maps:get(link, Env, 0) + Offset - ?LINK;
place(_, _) -> stop.

ancillary(alu_xor_x, #state{a = A, x = X}) -> A bxor X;
ancillary(nlattr, #state{a = A, x = X, packet = Packet}) -> attribute(A, X, Packet);
ancillary(nlattr_nest, #state{a = A, x = X, packet = Packet}) -> nested(A, X, Packet);
ancillary(Name, #state{env = Env}) -> maps:get(Name, Env, 0).

%% Where the first netlink attribute of a type is from an offset on, or 0.
attribute(At, Type, Packet) when At + 4 =< byte_size(Packet) ->
    <<_:At/binary, Rest/binary>> = Packet,
    find(At, Type, Rest);
attribute(_, _, _) -> 0.

find(At, Type, <<Size:16/native, Number:16/native, _/binary>> = Bytes) when Size >= 4, Size =< byte_size(Bytes) ->
    case Number band 16#3FFF of
        Type -> At;
        _ ->
            Whole = min(Size + (-Size band 3), byte_size(Bytes)),
            <<_:Whole/binary, Rest/binary>> = Bytes,
            find(At + Whole, Type, Rest)
    end;
find(_, _, _) -> 0.

%% The same inside of the attribute at the offset.
nested(At, Type, Packet) when At + 4 =< byte_size(Packet) ->
    <<_:At/binary, Size:16/native, _:16, Rest/binary>> = Packet,
    case Size - 4 of
        Length when Length >= 0, Size =< byte_size(Packet) - At -> find(At + 4, Type, binary_part(Rest, 0, Length));
        _ -> 0
    end;
nested(_, _, _) -> 0.

%% @private
%% @doc Frames of CAN, `struct can_frame', `canfd_frame' and `canxl_frame' of linux/can.h, and error frames, linux/can/error.h.
-module(esock_can_frame).

-export([encode/1, decode/1]).
-export([id/1, id_of/1]).
-export([of_error/1, error/1, classes/0]).

-import(esock_layout, [at/2, invalid/1]).

-define(EFF, 16#80000000).
-define(RTR, 16#40000000).
-define(ERR, 16#20000000).
-define(EFF_MASK, 16#1FFFFFFF).
-define(SFF_MASK, 16#7FF).
%% CANXL_XLF.
-define(XL, 16#80).

%% @doc The number of an identifier. Throws `{invalid, Path}'.
-spec id(map()) -> esock:uint32().
id(#{id := Id} = Map) ->
    [Eff, Rtr, Err] = [at(Key, fun() -> flag(maps:get(Key, Map, false), Bit) end) || {Key, Bit} <- flags()],
    at(id, fun() -> in_range(Id, max_id(Eff bor Err)) end),
    Id bor Eff bor Rtr bor Err;
id(_) -> invalid([id]).

flags() -> [{eff, ?EFF}, {rtr, ?RTR}, {err, ?ERR}].

flag(true, Bit) -> Bit;
flag(false, _) -> 0;
flag(_, _) -> invalid([]).

max_id(0) -> ?SFF_MASK;
max_id(_) -> ?EFF_MASK.

in_range(N, Max) when is_integer(N), N >= 0, N =< Max -> true;
in_range(_, _) -> invalid([]).

%% @doc The identifier of a number. Throws `{invalid, [id]}'.
-spec id_of(esock:uint32()) -> map().
id_of(Number) when is_integer(Number), Number >= 0, Number =< 16#FFFFFFFF ->
    Id = Number band ?EFF_MASK,
    Id =< max_id(Number band (?EFF bor ?ERR)) orelse invalid([id]),
    maps:from_list([{id, Id} | [{Key, Number band Bit =/= 0} || {Key, Bit} <- flags()]]);
id_of(_) -> invalid([id]).

%% @doc The bytes of a frame. Throws `{invalid, Path}'.
-spec encode(map()) -> binary().
encode(Frame) when is_map(Frame) -> encode(maps:get(type, Frame, classic), Frame);
encode(_) -> invalid([]).

encode(classic, Frame) ->
    ok = esock_layout:only([type, id, eff, rtr, err, data, dlc], Frame),
    Id = id(Frame),
    Data = data(Frame, 0, 8),
    <<Id:32/native, (byte_size(Data)), 0, 0, (dlc(Frame, Data)), (filled(Data, 8))/binary>>;
encode(fd, Frame) ->
    ok = esock_layout:only([type, id, eff, rtr, err, data, flags], Frame),
    Id = id(Frame),
    Data = data(Frame, 0, 64),
    Flags = at(flags, fun() -> esock_layout:to_bytes(fd_flags(), maps:get(flags, Frame, [])) end),
    <<Id:32/native, (byte_size(Data)), Flags/binary, 0:16, (filled(Data, 64))/binary>>;
encode(xl, Frame) ->
    Data = data(Frame, 1, 2048),
    Head = esock_layout:encode(xl(), maps:without([type, data], Frame)),
    <<Prio:16/native, Vcid, Flags, Sdt, Af/binary>> = Head,
    Prio =< ?SFF_MASK orelse invalid([prio]),
    Flags band ?XL =:= 0 orelse invalid([flags]),
    <<(Prio bor (Vcid bsl 16)):32/native, (Flags bor ?XL), Sdt, (byte_size(Data)):16/native, Af/binary, Data/binary>>;
encode(_, _) -> invalid([type]).

fd_flags() -> {flags, u8, [{brs, 1}, {esi, 2}, {fdf, 4}]}.

xl() ->
    [{prio, u16}, {vcid, u8, 0}, {flags, {flags, u8, [{sec, 1}, {rrs, 2}]}, []}, {sdt, u8, 0}, {af, u32, 0}].

data(Frame, Min, Max) ->
    case maps:get(data, Frame, <<>>) of
        Data when is_binary(Data), byte_size(Data) >= Min, byte_size(Data) =< Max -> Data;
        _ -> invalid([data])
    end.

%% Only of 8 bytes there is more than one length code.
dlc(#{dlc := Dlc}, Data) when is_integer(Dlc), Dlc >= 9, Dlc =< 15, byte_size(Data) =:= 8 -> Dlc;
dlc(#{dlc := _}, _) -> invalid([dlc]);
dlc(_, _) -> 0.

filled(Data, Size) -> <<Data/binary, 0:(Size - byte_size(Data))/unit:8>>.

%% @doc The frame of bytes. Throws `{invalid, Path}'.
-spec decode(binary()) -> map().
decode(<<Prio:32/native, 1:1, Flags:7, Sdt, Size:16/native, Af:4/binary, Data/binary>>) ->
    (Size >= 1 andalso Size =< 2048 andalso Size =:= byte_size(Data)) orelse invalid([data]),
    Prio band 16#FF00F800 =:= 0 orelse invalid([prio]),
    {Head, <<>>} = esock_layout:decode(xl(), <<Prio:16/native, (Prio bsr 16), Flags, Sdt, Af/binary>>),
    Head#{type => xl, data => Data};
decode(<<Number:32/native, Size, _:16, Dlc, Data:8/binary>>) ->
    Size =< 8 orelse invalid([data]),
    Frame = (id_of(Number))#{type => classic, data => binary_part(Data, 0, Size)},
    case Size =:= 8 andalso Dlc >= 9 andalso Dlc =< 15 of
        true -> Frame#{dlc => Dlc};
        false -> Frame
    end;
decode(<<Number:32/native, Size, Flags:1/binary, _:16, Data:64/binary>>) ->
    Size =< 64 orelse invalid([data]),
    (id_of(Number))#{type => fd, flags => esock_layout:from_bytes(fd_flags(), Flags), data => binary_part(Data, 0, Size)};
decode(_) -> invalid([]).

%%% ---- Error frames

%% @doc CAN_ERR_* of linux/can/error.h, classes of errors.
-spec classes() -> esock_layout:table().
classes() ->
    [{tx_timeout, 1}, {lostarb, 2}, {ctrl, 4}, {prot, 8}, {trx, 16#10}, {ack, 16#20}, {busoff, 16#40}, {buserror, 16#80},
     {restarted, 16#100}, {cnt, 16#200}].

%% The 8 bytes of data.
error_layout() ->
    [{lostarb, u8, 0},
     {ctrl, {flags, u8, [{rx_overflow, 1}, {tx_overflow, 2}, {rx_warning, 4}, {tx_warning, 8}, {rx_passive, 16#10}, {tx_passive, 16#20},
                         {active, 16#40}]}, []},
     {prot, {flags, u8, [{bit, 1}, {form, 2}, {stuff, 4}, {bit0, 8}, {bit1, 16#10}, {overload, 16#20}, {active, 16#40}, {tx, 16#80}]}, []},
     {loc, {enum, u8, locations()}, unspec},
     {trx, {enum, u8, [{unspec, 0}, {canh_no_wire, 4}, {canh_short_to_bat, 5}, {canh_short_to_vcc, 6}, {canh_short_to_gnd, 7},
                       {canl_no_wire, 16#40}, {canl_short_to_bat, 16#50}, {canl_short_to_vcc, 16#60}, {canl_short_to_gnd, 16#70},
                       {canl_short_to_canh, 16#80}]}, unspec},
     {pad, 1}, {tx_errors, u8, 0}, {rx_errors, u8, 0}].

locations() ->
    [{unspec, 0}, {sof, 3}, {id28_21, 2}, {id20_18, 6}, {srtr, 4}, {ide, 5}, {id17_13, 7}, {id12_05, 16#0F}, {id04_00, 16#0E}, {rtr, 16#0C},
     {res1, 16#0D}, {res0, 9}, {dlc, 16#0B}, {data, 16#0A}, {crc_seq, 8}, {crc_del, 16#18}, {ack, 16#19}, {ack_del, 16#1B}, {eof, 16#1A},
     {interm, 16#12}].

%% @doc The frame of an error. Throws `{invalid, Path}'.
-spec of_error(map()) -> map().
of_error(#{class := Class} = Error) ->
    <<Id:32/native>> = at(class, fun() -> esock_layout:to_bytes({flags, u32, classes()}, Class) end),
    Id =< ?EFF_MASK orelse invalid([class]),
    Data = esock_layout:encode(error_layout(), maps:remove(class, Error)),
    #{type => classic, id => Id, eff => false, rtr => false, err => true, data => Data};
of_error(Error) when is_map(Error) -> invalid([class]);
of_error(_) -> invalid([]).

%% @doc The error of an error frame. Throws `{invalid, Path}'.
-spec error(map()) -> map().
error(#{err := true, id := Id, data := Data}) when is_integer(Id), Id >= 0, Id =< ?EFF_MASK, is_binary(Data), byte_size(Data) =:= 8 ->
    {Error, <<>>} = esock_layout:decode(error_layout(), Data),
    Error#{class => esock_layout:names(Id, classes())};
error(#{err := true, data := Data}) when is_binary(Data), byte_size(Data) =:= 8 -> invalid([id]);
error(#{err := true}) -> invalid([data]);
error(Frame) when is_map(Frame) -> invalid([err]);
error(_) -> invalid([]).

%% @private
%% @doc The parts of CAN beside frames: messages of the broadcast manager (linux/can/bcm.h) and the structs of options
%% (linux/can/isotp.h, linux/can/j1939.h).
-module(esock_can_bcm).

-export([encode/1, decode/1]).
-export([option/2, option_of/2]).

-import(esock_layout, [at/2, invalid/1]).

-define(ID_KEYS, [id, eff, rtr, err]).
-define(MAX_FRAMES, 256).

%%% ---- Broadcast manager

ops() ->
    [{tx_setup, 1}, {tx_delete, 2}, {tx_read, 3}, {tx_send, 4}, {rx_setup, 5}, {rx_delete, 6}, {rx_read, 7}, {tx_status, 8}, {tx_expired, 9},
     {rx_status, 10}, {rx_timeout, 11}, {rx_changed, 12}].

flags() ->
    [{settimer, 1}, {starttimer, 2}, {tx_countevt, 4}, {tx_announce, 8}, {tx_cp_can_id, 16#10}, {rx_filter_id, 16#20}, {rx_check_dlc, 16#40},
     {rx_no_autotimer, 16#80}, {rx_announce_resume, 16#100}, {tx_reset_multi_idx, 16#200}, {rx_rtr_frame, 16#400}, {can_fd_frame, 16#800}].

%% Its longs are those of the machine, and the frames behind it begin at a multiple of 8.
head() ->
    Long = erlang:system_info(wordsize),
    Zero = #{sec => 0, usec => 0},
    [{op, {enum, u32, ops()}}, {flags, {flags, u32, flags()}, []}, {count, u32, 0}] ++ [{pad, 4} || Long =:= 8] ++
    [{ival1, {timeval, Long}, Zero}, {ival2, {timeval, Long}, Zero}].

behind() -> [{can_id, u32}, {nframes, u32}] ++ [{pad, 4} || erlang:system_info(wordsize) =:= 4].

%% @doc The bytes of a message. Throws `{invalid, Path}'.
-spec encode(map()) -> binary().
encode(Message) when is_map(Message) ->
    Head = esock_layout:encode(head(), maps:without([frames | ?ID_KEYS], Message)),
    Id = esock_can_frame:id(maps:merge(#{id => 0}, maps:with(?ID_KEYS, Message))),
    Frames = maps:get(frames, Message, []),
    (is_list(Frames) andalso length(Frames) =< ?MAX_FRAMES) orelse invalid([frames]),
    Bytes = at(frames, fun() -> frames(Frames, 1, type(Head)) end),
    <<Head/binary, (esock_layout:encode(behind(), #{can_id => Id, nframes => length(Frames)}))/binary, Bytes/binary>>;
encode(_) -> invalid([]).

type(<<_:32, Flags:32/native, _/binary>>) when Flags band 16#800 =/= 0 -> fd;
type(_) -> classic.

frames([], _, _) -> <<>>;
frames([Frame | Frames], N, Type) ->
    Bytes = at(N, fun() -> frame(Frame, Type) end),
    <<Bytes/binary, (frames(Frames, N + 1, Type))/binary>>.

frame(Frame, Type) when is_map(Frame) ->
    maps:get(type, Frame, Type) =:= Type orelse invalid([type]),
    esock_can_frame:encode(Frame#{type => Type});
frame(_, _) -> invalid([]).

%% @doc The message of bytes. Throws `{invalid, Path}'.
-spec decode(binary()) -> map().
decode(Bytes) when is_binary(Bytes) ->
    {Head, Rest} = esock_layout:decode(head(), Bytes),
    {#{can_id := Number, nframes := Count}, Frames} = esock_layout:decode(behind(), Rest),
    Type = type(Bytes),
    byte_size(Frames) =:= Count * width(Type) orelse invalid([frames]),
    maps:merge(Head, (esock_can_frame:id_of(Number))#{frames => at(frames, fun() -> frames_of(Frames, 1, Type) end)});
decode(_) -> invalid([]).

width(classic) -> 16;
width(fd) -> 72.

frames_of(<<>>, _, _) -> [];
frames_of(Bytes, N, Type) ->
    Size = width(Type),
    <<Bytes1:Size/binary, Rest/binary>> = Bytes,
    [at(N, fun() -> typed(esock_can_frame:decode(Bytes1), Type) end) | frames_of(Rest, N + 1, Type)].

typed(#{type := Type} = Frame, Type) -> Frame;
typed(_, _) -> invalid([type]).

%%% ---- Options

option_layout(isotp_opts) ->
    [{flags, {flags, u32, isotp_flags()}, []}, {frame_txtime, u32, 50000}, {ext_address, u8, 0}, {txpad, u8, 16#CC}, {rxpad, u8, 16#CC},
     {rx_ext_address, u8, 0}];
option_layout(isotp_recv_fc) -> [{bs, u8, 0}, {stmin, u8, 0}, {wftmax, u8, 0}];
option_layout(isotp_ll_opts) ->
    [{mtu, u8, 16}, {tx_dl, u8, 8}, {tx_flags, {flags, u8, [{brs, 1}, {esi, 2}, {fdf, 4}]}, []}];
option_layout(j1939_filter) ->
    [{name, u64, 0}, {name_mask, u64, 0}, {pgn, u32, 0}, {pgn_mask, u32, 0}, {addr, u8, 0}, {addr_mask, u8, 0}, {pad, 6}];
option_layout(_) -> invalid([option]).

isotp_flags() ->
    [{listen_mode, 1}, {extend_addr, 2}, {tx_padding, 4}, {rx_padding, 8}, {chk_pad_len, 16#10}, {chk_pad_data, 16#20}, {half_duplex, 16#40},
     {force_txstmin, 16#80}, {force_rxstmin, 16#100}, {rx_ext_addr, 16#200}, {wait_tx_done, 16#400}, {sf_broadcast, 16#800},
     {cf_broadcast, 16#1000}, {dyn_fc_parms, 16#2000}].

%% @doc The bytes of an option's value. Throws `{invalid, Path}'.
-spec option(esock_can:option(), term()) -> binary().
option(err_filter, Classes) -> esock_layout:to_bytes({flags, u32, esock_can_frame:classes()}, Classes);
option(j1939_filter, Filters) when is_list(Filters), length(Filters) =< 512 ->
    Layout = option_layout(j1939_filter),
    << <<(at(N, fun() -> esock_layout:encode(Layout, Filter) end))/binary>> || {N, Filter} <- lists:enumerate(Filters) >>;
option(j1939_filter, _) -> invalid([]);
option(Option, Value) -> esock_layout:encode(option_layout(Option), Value).

%% @doc The value of an option's bytes. Throws `{invalid, Path}'.
-spec option_of(esock_can:option(), binary()) -> map() | [map() | atom() | integer()].
option_of(err_filter, Bytes) -> esock_layout:from_bytes({flags, u32, esock_can_frame:classes()}, Bytes);
option_of(j1939_filter, Bytes) when is_binary(Bytes) -> structs(option_layout(j1939_filter), Bytes, 1);
option_of(Option, Bytes) when is_binary(Bytes) ->
    case esock_layout:decode(option_layout(Option), Bytes) of
        {Value, <<>>} -> Value;
        _ -> invalid([])
    end;
option_of(_, _) -> invalid([]).

structs(_, <<>>, _) -> [];
structs(Layout, Bytes, N) ->
    {Value, Rest} = at(N, fun() -> esock_layout:decode(Layout, Bytes) end),
    [Value | structs(Layout, Rest, N + 1)].

%% @doc CAN: frames, identifiers, filters, messages of the broadcast manager and options as maps, and the bytes that Linux has for
%% them, both ways. Addresses are {@link esock:sockaddr_can()}. See Documentation/networking/can.rst of Linux and linux/can.h.
%% ```
%% {ok, S} = esock:open(can, raw, raw),
%% ok = esock:bind(S, #{family => can, ifindex => "vcan0"}),
%% {ok, Bytes} = esock_can:encode_frame(#{id => 16#123, data => <<1, 2, 3>>}),
%% ok = esock:send(S, Bytes),
%% {ok, Received} = esock:recv(S),
%% {ok, #{id := _, data := _}} = esock_can:decode_frame(Received).
%% '''
%% A path in `{error, {invalid, Path}}' leads to the wrong part from the outside in: keys of maps, and positions in lists from 1.
-module(esock_can).

-export([encode_frame/1, decode_frame/1]).
-export([encode_id/1, decode_id/1]).
-export([encode_filters/1, decode_filters/1, matches/2]).
-export([encode_error/1, decode_error/1]).
-export([bcm_encode/1, bcm_decode/1]).
-export([option/1, encode_option/2, decode_option/2]).

-export_type([frame/0, can_id/0, filter/0, error/0, bcm/0, option/0, path/0]).

-type path() :: esock_layout:path().
%% The place of the wrong part: keys and positions, from the outside in.

-type can_id() :: #{id := 0..16#1FFFFFFF, eff => boolean(), rtr => boolean(), err => boolean()}.
%% An identifier, `canid_t' of linux/can.h: of 11 bits, or with `eff' (extended frame format) of 29; `rtr': a remote transmission request;
%% `err': an error frame, whose identifier is its classes. The booleans are false by default.

-type frame() ::
        #{type => classic, id := 0..16#1FFFFFFF, eff => boolean(), rtr => boolean(), err => boolean(), data => binary(), dlc => 9..15} |
        #{type := fd, id := 0..16#1FFFFFFF, eff => boolean(), rtr => boolean(), err => boolean(), data => binary(),
          flags => [brs | esi | fdf | integer()]} |
        #{type := xl, prio := 0..16#7FF, vcid => 0..255, flags => [sec | rrs | integer()], sdt => 0..255, af => 0..16#FFFFFFFF,
          data := binary()}.
%% A frame. `classic' (the default) has up to 8 bytes of data, and with 8 a raw length code `dlc'; `fd' up to 64 (bit rate switch, error
%% state indicator, FD format); `xl' 1 to 2048 (priority, virtual network, simple extended content, remote request substitution, type of
%% the data, acceptance field). A decoded frame has all keys but `dlc', which it has if the frame does.

-type filter() :: {Id :: esock:uint32(), Mask :: esock:uint32()} | {inv, Id :: esock:uint32(), Mask :: esock:uint32()}.
%% A filter of CAN_RAW_FILTER: the frames with `Received band Mask =:= Id band Mask', or with `inv' the others. The numbers are identifiers
%% as {@link encode_id/1} makes them.

-type error() ::
        #{class := [atom() | integer()], lostarb => 0..255, ctrl => [atom() | integer()], prot => [atom() | integer()],
          loc => atom() | 0..255, trx => atom() | 0..255, tx_errors => 0..255, rx_errors => 0..255}.
%% An error frame, linux/can/error.h: classes; the bit in which arbitration was lost; the state of the controller; the violation of
%% the protocol, and its place in the frame; the state of the transceiver; the error counters.

-type bcm() ::
        #{op := atom() | esock:uint32(), flags => [atom() | integer()], count => esock:uint32(), ival1 => esock:timeval(),
          ival2 => esock:timeval(), id => 0..16#1FFFFFFF, eff => boolean(), rtr => boolean(), err => boolean(), frames => [frame()]}.
%% A message of the broadcast manager, `struct bcm_msg_head' of linux/can/bcm.h. `op': `tx_setup', `tx_delete', `tx_read', `tx_send',
%% `rx_setup', `rx_delete', `rx_read', `tx_status', `tx_expired', `rx_status', `rx_timeout', `rx_changed'. `flags': `settimer',
%% `starttimer', `tx_countevt', `tx_announce', `tx_cp_can_id', `rx_filter_id', `rx_check_dlc', `rx_no_autotimer',
%% `rx_announce_resume', `tx_reset_multi_idx', `rx_rtr_frame', `can_fd_frame'. `count' messages go in intervals `ival1' (seconds and
%% microseconds), then in intervals `ival2'. The frames, at most 256, are `classic', or with the flag `can_fd_frame' all `fd'.

-type option() :: isotp_opts | isotp_recv_fc | isotp_ll_opts | j1939_filter | err_filter.
%% An option whose value is a struct or bits.

-define(INVERTED, 16#20000000).
-define(MAX_FILTERS, 512).

-import(esock_layout, [at/2, invalid/1]).

%% @doc The bytes of a frame: 16 of a classic one, 72 of FD, 12 and the data of XL. The default of each key is 0 or false.
%% ```
%% {ok, <<16#123:32/native, 2, 0:24, 7, 8, 0:48>>} = esock_can:encode_frame(#{id => 16#123, data => <<7, 8>>}).
%% '''
-spec encode_frame(frame()) -> {ok, binary()} | {error, {invalid, path()}}.
encode_frame(Frame) -> esock_layout:result(fun() -> esock_can_frame:encode(Frame) end).

%% @doc The frame of the bytes that one receive has: the size and the flag of XL tell the type.
%% ```
%% {ok, #{type := classic, id := 16#123, eff := false, data := <<7, 8>>}} = esock_can:decode_frame(Bytes).
%% '''
-spec decode_frame(binary()) -> {ok, frame()} | {error, {invalid, path()}}.
decode_frame(Bytes) -> esock_layout:result(fun() -> esock_can_frame:decode(Bytes) end).

%% @doc An identifier with its flags as the number that frames and filters have: CAN_EFF_FLAG 16#80000000, CAN_RTR_FLAG 16#40000000,
%% CAN_ERR_FLAG 16#20000000.
%% ```
%% {ok, 16#98765432} = esock_can:encode_id(#{id => 16#18765432, eff => true}).
%% '''
-spec encode_id(can_id()) -> {ok, esock:uint32()} | {error, {invalid, path()}}.
encode_id(Id) ->
    esock_layout:result(fun() ->
        ok = esock_layout:only([id, eff, rtr, err], Id),
        esock_can_frame:id(Id)
    end).

%% @doc The identifier of a number. `{error, {invalid, [id]}}': it has more than 11 bits without the flag for that.
%% ```
%% {ok, #{id := 16#123, eff := false, rtr := true, err := false}} = esock_can:decode_id(16#40000123).
%% '''
-spec decode_id(esock:uint32()) -> {ok, can_id()} | {error, {invalid, path()}}.
decode_id(Number) -> esock_layout:result(fun() -> esock_can_frame:id_of(Number) end).

%% @doc The bytes of filters, `struct can_filter' of linux/can.h: the value of the option CAN_RAW_FILTER (level 101, option 1). Up to 512;
%% with none the socket receives nothing.
%% ```
%% {ok, Bytes} = esock_can:encode_filters([{16#123, 16#7FF}, {inv, 16#200, 16#700}]),
%% ok = esock:setopt_native(S, {101, 1}, Bytes).
%% '''
-spec encode_filters([filter()]) -> {ok, binary()} | {error, {invalid, path()}}.
encode_filters(Filters) when is_list(Filters), length(Filters) =< ?MAX_FILTERS ->
    esock_layout:result(fun() -> << <<(at(N, fun() -> filter(Filter) end))/binary>> || {N, Filter} <- lists:enumerate(Filters) >> end);
encode_filters(_) -> {error, {invalid, []}}.

filter({inv, Id, Mask}) -> filter(Id, ?INVERTED, Mask);
filter({Id, Mask}) -> filter(Id, 0, Mask);
filter(_) -> invalid([]).

filter(Id, Flag, Mask) ->
    <<Number:32/native>> = at(id, fun() -> esock_layout:to_bytes(u32, Id) end),
    Number band ?INVERTED =:= 0 orelse invalid([id]),
    <<(Number bor Flag):32/native, (at(mask, fun() -> esock_layout:to_bytes(u32, Mask) end))/binary>>.

%% @doc The filters of bytes.
%% ```
%% {ok, [{16#123, 16#7FF}]} = esock_can:decode_filters(<<16#123:32/native, 16#7FF:32/native>>).
%% '''
-spec decode_filters(binary()) -> {ok, [filter()]} | {error, {invalid, path()}}.
decode_filters(Bytes) when is_binary(Bytes), byte_size(Bytes) rem 8 =:= 0, byte_size(Bytes) =< 8 * ?MAX_FILTERS ->
    {ok, [filter_of(Id, Mask) || <<Id:32/native, Mask:32/native>> <= Bytes]};
decode_filters(_) -> {error, {invalid, []}}.

filter_of(Id, Mask) when Id band ?INVERTED =/= 0 -> {inv, Id - ?INVERTED, Mask};
filter_of(Id, Mask) -> {Id, Mask}.

%% @doc Whether a frame with the identifier passes one of the filters, as the kernel asks without CAN_RAW_JOIN_FILTERS.
%% ```
%% true = esock_can:matches([{16#120, 16#7F0}], 16#123).
%% '''
-spec matches([filter()], esock:uint32()) -> boolean().
matches(Filters, Number) -> lists:any(fun(Filter) -> passes(Filter, Number) end, Filters).

passes({inv, Id, Mask}, Number) -> not passes({Id, Mask}, Number);
passes({Id, Mask}, Number) -> Number band Mask =:= Id band Mask.

%% @doc The frame of an error, as controllers make it: tests and simulations need it.
%% ```
%% {ok, #{err := true, id := 16#40}} = esock_can:encode_error(#{class => [busoff]}).
%% '''
-spec encode_error(error()) -> {ok, frame()} | {error, {invalid, path()}}.
encode_error(Error) -> esock_layout:result(fun() -> esock_can_frame:of_error(Error) end).

%% @doc The error of an error frame, linux/can/error.h. The option CAN_RAW_ERR_FILTER selects the error frames that a socket receives.
%% `{error, {invalid, [err]}}': it is another frame.
%% ```
%% {ok, #{class := [ctrl, cnt], ctrl := [rx_overflow], tx_errors := 96}} = esock_can:decode_error(Frame).
%% '''
-spec decode_error(frame()) -> {ok, error()} | {error, {invalid, path()}}.
decode_error(Frame) -> esock_layout:result(fun() -> esock_can_frame:error(Frame) end).

%% @doc The bytes of a message to the broadcast manager, for a socket of type `dgram' and protocol 2 that is connected to an interface.
%% ```
%% {ok, Bytes} = esock_can:bcm_encode(#{op => tx_setup, flags => [settimer, starttimer], ival2 => #{sec => 0, usec => 100000},
%%                                      id => 16#123, frames => [#{id => 16#123, data => <<1>>}]}),
%% ok = esock:send(S, Bytes).
%% '''
-spec bcm_encode(bcm()) -> {ok, binary()} | {error, {invalid, path()}}.
bcm_encode(Message) -> esock_layout:result(fun() -> esock_can_bcm:encode(Message) end).

%% @doc The message of the bytes that the broadcast manager sends.
%% ```
%% {ok, #{op := rx_changed, id := 16#123, frames := [#{data := _}]}} = esock_can:bcm_decode(Bytes).
%% '''
-spec bcm_decode(binary()) -> {ok, bcm()} | {error, {invalid, path()}}.
bcm_decode(Bytes) -> esock_layout:result(fun() -> esock_can_bcm:decode(Bytes) end).

%% @doc Level and number of an option, for {@link esock:setopt_native/3}.
%% ```
%% {106, 1} = esock_can:option(isotp_opts).
%% '''
-spec option(option()) -> {Level :: integer(), Option :: integer()}.
option(err_filter) -> {101, 2};
option(isotp_opts) -> {106, 1};
option(isotp_recv_fc) -> {106, 2};
option(isotp_ll_opts) -> {106, 5};
option(j1939_filter) -> {107, 1}.

%% @doc The bytes of an option's value. `isotp_opts': `#{flags, frame_txtime, ext_address, txpad, rxpad, rx_ext_address}' with
%% `frame_txtime' in nanoseconds; `isotp_recv_fc': `#{bs, stmin, wftmax}'; `isotp_ll_opts': `#{mtu, tx_dl, tx_flags}' (linux/can/isotp.h);
%% `j1939_filter': a list of `#{name, name_mask, pgn, pgn_mask, addr, addr_mask}' (linux/can/j1939.h); `err_filter': classes of errors.
%% ```
%% {ok, Bytes} = esock_can:encode_option(isotp_opts, #{flags => [tx_padding], txpad => 16#55}),
%% ok = esock:setopt_native(S, esock_can:option(isotp_opts), Bytes).
%% '''
-spec encode_option(option(), map() | [map() | atom() | integer()]) -> {ok, binary()} | {error, {invalid, path()}}.
encode_option(Option, Value) -> esock_layout:result(fun() -> esock_can_bcm:option(Option, Value) end).

%% @doc The value of an option's bytes.
%% ```
%% {ok, #{bs := 8, stmin := 0, wftmax := 0}} = esock_can:decode_option(isotp_recv_fc, <<8, 0, 0>>).
%% '''
-spec decode_option(option(), binary()) -> {ok, map() | [map() | atom() | integer()]} | {error, {invalid, path()}}.
decode_option(Option, Bytes) -> esock_layout:result(fun() -> esock_can_bcm:option_of(Option, Bytes) end).

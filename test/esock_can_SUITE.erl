%% CAN: the codecs by properties, beside Python's struct and the headers of Linux; and a virtual bus where the kernel has one.
-module(esock_can_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [frames, frames_of_python, numbers_of_linux, ids, filters, errors, bcm, bcm_of_python, addresses, addresses_of_python, options,
     round_trips, wrong_values, any_bytes, bus].

suite() -> [{timetrap, {seconds, 120}}].

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 500}, [quiet]).

invalid(Path) -> {error, {invalid, Path}}.

frames(_) ->
    Classic = #{type => classic, id => 16#123, eff => false, rtr => false, err => false, data => <<7, 8>>},
    ?assertEqual({ok, <<16#123:32/native, 2, 0, 0, 0, 7, 8, 0:48>>}, esock_can:encode_frame(#{id => 16#123, data => <<7, 8>>})),
    ?assertEqual({ok, Classic}, esock_can:decode_frame(<<16#123:32/native, 2, 0, 0, 0, 7, 8, 0:48>>)),
    {ok, Full} = esock_can:encode_frame(#{id => 1, data => <<0:64>>, dlc => 15}),
    ?assertMatch(<<_:32, 8, 0, 0, 15, 0:64>>, Full),
    ?assertMatch({ok, #{dlc := 15}}, esock_can:decode_frame(Full)),
    {ok, Fd} = esock_can:encode_frame(#{type => fd, id => 16#1FFFFFFF, eff => true, flags => [brs, fdf], data => binary:copy(<<1>>, 64)}),
    ?assertMatch(<<16#9FFFFFFF:32/native, 64, 5, 0, 0, 1, _:63/binary>>, Fd),
    ?assertMatch({ok, #{type := fd, flags := [brs, fdf], eff := true}}, esock_can:decode_frame(Fd)),
    {ok, Xl} = esock_can:encode_frame(#{type => xl, prio => 16#7FF, vcid => 3, flags => [sec], sdt => 4, af => 5, data => <<1:(2048 * 8)>>}),
    ?assertMatch(<<16#307FF:32/native, 16#81, 4, 2048:16/native, 5:32/native, _:2048/binary>>, Xl),
    ?assertMatch({ok, #{type := xl, prio := 16#7FF, vcid := 3, flags := [sec]}}, esock_can:decode_frame(Xl)),
    [?assertEqual({Frame, invalid(Path)}, {Frame, esock_can:encode_frame(Frame)})
     || {Frame, Path} <- [{foo, []}, {#{}, [id]}, {#{id => 16#800}, [id]}, {#{id => -1}, [id]}, {#{id => 1 bsl 29, eff => true}, [id]}, {#{id => a}, [id]},
                          {#{id => 1, eff => 1}, [eff]}, {#{id => 1, data => <<0:72>>}, [data]}, {#{id => 1, data => "1"}, [data]},
                          {#{id => 1, dlc => 9}, [dlc]}, {#{id => 1, data => <<0:64>>, dlc => 8}, [dlc]}, {#{id => 1, flags => []}, [flags]},
                          {#{type => fd, id => 1, data => <<0:520>>}, [data]}, {#{type => fd, id => 1, flags => [sec]}, [flags, sec]},
                          {#{type => xl, prio => 1}, [data]}, {#{type => xl, data => <<1>>}, [prio]}, {#{type => xl, prio => 16#800, data => <<1>>}, [prio]},
                          {#{type => xl, prio => 1, data => <<0:(2049 * 8)>>}, [data]}, {#{type => xl, prio => 1, id => 1, data => <<1>>}, [id]},
                          {#{type => xl, prio => 1, flags => [16#80], data => <<1>>}, [flags]}, {#{type => foo, id => 1}, [type]}]],
    [?assertEqual({Bytes, invalid(Path)}, {Bytes, esock_can:decode_frame(Bytes)})
     || {Bytes, Path} <- [{foo, []}, {<<>>, []}, {<<0:120>>, []}, {<<0:32, 9, 0:88>>, [data]}, {<<16#800:32/native, 0:96>>, [id]}, {<<0:32, 65, 0:536>>, [data]},
                          {<<0:32, 16#80, 0, 2:16/native, 0:32, 1>>, [data]}, {<<16#800:32/native, 16#80, 0, 1:16/native, 0:32, 1>>, [prio]}]].

%% The struct of the example in CPython's documentation, and those of the other frames.
frames_of_python(Config) ->
    Script = "import struct\n"
        "print(struct.pack('=IB3x8s', 0x123, 3, b'abc').hex())\n"
        "print(struct.pack('=IB3x8s', 0x80000000 | 0x18765432, 0, b'').hex())\n"
        "print(struct.pack('=IBB2x64s', 0x40000001, 12, 3, b'hello, world').hex())\n"
        "print((struct.pack('=IBBHI', 0x20055, 0x83, 9, 5, 0xdeadbeef) + b'12345').hex())\n",
    Frames = [#{type => classic, id => 16#123, eff => false, rtr => false, err => false, data => <<"abc">>},
              #{type => classic, id => 16#18765432, eff => true, rtr => false, err => false, data => <<>>},
              #{type => fd, id => 1, eff => false, rtr => true, err => false, flags => [brs, esi], data => <<"hello, world">>},
              #{type => xl, prio => 16#55, vcid => 2, flags => [sec, rrs], sdt => 9, af => 16#DEADBEEF, data => <<"12345">>}],
    esock_oracle:python(Config, Script, fun(Output) ->
        Lines = [binary:decode_hex(Line) || Line <- binary:split(Output, <<"\n">>, [global, trim])],
        ?assertEqual([{ok, Line} || Line <- Lines], [esock_can:encode_frame(Frame) || Frame <- Frames]),
        ?assertEqual([{ok, Frame} || Frame <- Frames], [esock_can:decode_frame(Line) || Line <- Lines]) end).

%% Each name of ours and its number, in the headers.
numbers_of_linux(Config) ->
    Names = [{"CAN_ERR_", Name, Number} || {Name, Number} <- esock_can_frame:classes(), Name =/= ctrl] ++ [{"CAN_ERR_", crtl, 4}] ++
        [{"CAN_ERR_CRTL_", Name, data(1, #{ctrl => [Name]})} || Name <- [rx_overflow, tx_overflow, rx_warning, tx_warning, rx_passive, tx_passive, active]] ++
        [{"CAN_ERR_PROT_", Name, data(2, #{prot => [Name]})} || Name <- [bit, form, stuff, bit0, bit1, overload, active, tx]] ++
        [{"CAN_ERR_PROT_LOC_", Name, data(3, #{loc => Name})}
         || Name <- [unspec, sof, id28_21, id20_18, srtr, ide, id17_13, id12_05, id04_00, rtr, res1, res0, dlc, data, crc_seq, crc_del, ack, ack_del, eof, interm]] ++
        [{"CAN_ERR_TRX_", Name, data(4, #{trx => Name})}
         || Name <- [unspec, canh_no_wire, canh_short_to_bat, canh_short_to_vcc, canh_short_to_gnd, canl_no_wire, canl_short_to_bat, canl_short_to_vcc,
                     canl_short_to_gnd, canl_short_to_canh]] ++
        [{"", Name, bcm_word(0, #{op => Name})} || Name <- bcm_ops()] ++
        [{"", Name, bcm_word(1, #{op => 1, flags => [Name]})} || Name <- bcm_flags()] ++
        [{"CAN_ISOTP_", Name, isotp_flag(Name)} || Name <- [listen_mode, extend_addr, tx_padding, rx_padding, chk_pad_len, chk_pad_data, half_duplex,
                                                           force_txstmin, force_rxstmin, rx_ext_addr, wait_tx_done, sf_broadcast, cf_broadcast]],
    Program = ["#include <stdio.h>\n#include <stddef.h>\n#include <sys/socket.h>\n#include <linux/can.h>\n#include <linux/can/error.h>\n#include <linux/can/bcm.h>\n"
               "#include <linux/can/isotp.h>\n#include <linux/can/raw.h>\n#include <linux/can/j1939.h>\nint main() {\n",
               [["printf(\"%u\\n\", (unsigned) ", Prefix, string:uppercase(atom_to_list(Name)), ");\n"] || {Prefix, Name, _} <- Names],
               "printf(\"%zu %zu %zu %zu %zu %zu %zu\\n\", sizeof(struct bcm_msg_head), sizeof(struct sockaddr_can), sizeof(struct can_isotp_options),\n"
               "       sizeof(struct can_isotp_fc_options), sizeof(struct can_isotp_ll_options), sizeof(struct j1939_filter), sizeof(struct can_filter));\n"
               "printf(\"%d %d %d %d %d %d %d\\n\", SOL_CAN_RAW, CAN_RAW_ERR_FILTER, SOL_CAN_ISOTP, CAN_ISOTP_OPTS, CAN_ISOTP_RECV_FC, CAN_ISOTP_LL_OPTS, SO_J1939_FILTER);\n"
               "printf(\"%zu %zu %zu %zu %zu %zu\\n\", offsetof(struct sockaddr_can, can_ifindex), offsetof(struct sockaddr_can, can_addr.tp.rx_id),\n"
               "       offsetof(struct sockaddr_can, can_addr.tp.tx_id), offsetof(struct sockaddr_can, can_addr.j1939.name),\n"
               "       offsetof(struct sockaddr_can, can_addr.j1939.pgn), offsetof(struct sockaddr_can, can_addr.j1939.addr));\n"
               "printf(\"%u %u %u\\n\", J1939_NO_NAME, J1939_NO_PGN, J1939_NO_ADDR);\n}\n"],
    esock_oracle:c(Config, Program, fun(Output) ->
        {Numbers, [Sizes, Options, Offsets, Nothing]} = lists:split(length(Names), binary:split(Output, <<"\n">>, [global, trim])),
        ?assertEqual([], [{Row, N} || {{_, _, Number} = Row, N} <- lists:zip(Names, Numbers), integer_to_binary(Number) =/= N]),
        Size = fun({ok, Bytes}) -> byte_size(Bytes) end,
        {ok, Addr} = pack(#{proto => j1939}),
        ?assertEqual(Sizes, iolist_to_binary(lists:join(" ", [integer_to_list(N) || N <-
            [Size(esock_can:bcm_encode(#{op => tx_read})), byte_size(Addr), Size(esock_can:encode_option(isotp_opts, #{})),
             Size(esock_can:encode_option(isotp_recv_fc, #{})), Size(esock_can:encode_option(isotp_ll_opts, #{})),
             Size(esock_can:encode_option(j1939_filter, [#{}])), Size(esock_can:encode_filters([{0, 0}]))]]))),
        ?assertEqual(<<"101 2 106 1 2 5 1">>, Options),
        At = fun(A, Sought) -> {ok, Bytes} = pack(A), {Place, _} = binary:match(Bytes, Sought), Place end,
        ?assertEqual(Offsets, iolist_to_binary(lists:join(" ", [integer_to_list(N) || N <-
            [At(#{ifindex => 16#01010101}, <<16#01010101:32>>), At(#{proto => isotp, rx_id => 16#01010101, tx_id => 0}, <<16#01010101:32>>),
             At(#{proto => isotp, rx_id => 0, tx_id => 16#01010101}, <<16#01010101:32>>), At(#{proto => j1939, name => 16#0101010101010101}, <<16#0101010101010101:64>>),
             At(#{proto => j1939, pgn => 16#00010101}, <<16#00010101:32/native>>), At(#{proto => j1939, addr => 16#77}, <<16#77>>)]]))),
        {ok, <<_:64, Name:64/native, Pgn:32/native, NoAddr, _:24>>} = pack(#{proto => j1939}),
        ?assertEqual(Nothing, iolist_to_binary(io_lib:format("~w ~w ~w", [Name, Pgn, NoAddr]))),
        ?assertEqual([{101, 2}, {106, 1}, {106, 2}, {106, 5}, {107, 1}],
                     [esock_can:option(O) || O <- [err_filter, isotp_opts, isotp_recv_fc, isotp_ll_opts, j1939_filter]]) end).

data(At, Error) ->
    {ok, #{data := Data}} = esock_can:encode_error(Error#{class => []}),
    binary:at(Data, At).

bcm_ops() ->
    [tx_setup, tx_delete, tx_read, tx_send, rx_setup, rx_delete, rx_read, tx_status, tx_expired, rx_status, rx_timeout, rx_changed].

bcm_flags() ->
    [settimer, starttimer, tx_countevt, tx_announce, tx_cp_can_id, rx_filter_id, rx_check_dlc, rx_no_autotimer, rx_announce_resume,
     tx_reset_multi_idx, rx_rtr_frame, can_fd_frame].

bcm_word(At, Message) ->
    {ok, Bytes} = esock_can:bcm_encode(Message),
    <<N:32/native>> = binary_part(Bytes, 4 * At, 4),
    N.

isotp_flag(Name) ->
    {ok, <<N:32/native, _/binary>>} = esock_can:encode_option(isotp_opts, #{flags => [Name]}),
    N.

ids(_) ->
    ?assertEqual({ok, 16#98765432}, esock_can:encode_id(#{id => 16#18765432, eff => true})),
    ?assertEqual({ok, 16#40000123}, esock_can:encode_id(#{id => 16#123, rtr => true})),
    ?assertEqual({ok, #{id => 16#123, eff => false, rtr => true, err => false}}, esock_can:decode_id(16#40000123)),
    ?assertEqual({ok, 16#3FFFFFFF}, esock_can:encode_id(#{id => 16#1FFFFFFF, err => true})),
    ?assertEqual([invalid([id]), invalid([id]), invalid([id])], [esock_can:decode_id(N) || N <- [16#800, -1, 1 bsl 32]]),
    ?assertEqual([invalid([data]), invalid([]), invalid([id])], [esock_can:encode_id(I) || I <- [#{id => 1, data => <<>>}, 1, #{eff => true}]]).

filters(_) ->
    Filters = [{16#123, 16#7FF}, {inv, 16#200, 16#700}, {16#80000001, 16#DFFFFFFF}],
    Bytes = <<16#123:32/native, 16#7FF:32/native, 16#20000200:32/native, 16#700:32/native, 16#80000001:32/native, 16#DFFFFFFF:32/native>>,
    ?assertEqual({ok, Bytes}, esock_can:encode_filters(Filters)),
    ?assertEqual({ok, Filters}, esock_can:decode_filters(Bytes)),
    ?assertEqual({ok, <<>>}, esock_can:encode_filters([])),
    ?assertMatch({ok, _}, esock_can:encode_filters(lists:duplicate(512, {0, 0}))),
    [?assertEqual({F, invalid(Path)}, {F, esock_can:encode_filters(F)})
     || {F, Path} <- [{lists:duplicate(513, {0, 0}), []}, {foo, []}, {[foo], [1]}, {[{0, 0}, {-1, 0}], [2, id]}, {[{0, 1 bsl 32}], [1, mask]},
                      {[{16#20000000, 0}], [1, id]}]],
    ?assertEqual([invalid([]), invalid([])], [esock_can:decode_filters(B) || B <- [<<0:56>>, foo]]),
    ?assertEqual([true, false, false, true, true],
                 [esock_can:matches(F, N) || {F, N} <- [{[{16#120, 16#7F0}], 16#123}, {[{16#120, 16#7F0}], 16#133}, {[], 1}, {[{inv, 16#120, 16#7F0}], 16#133},
                                                        {[{1, 16#7FF}, {2, 16#7FF}], 2}]]).

errors(_) ->
    Error = #{class => [ctrl, prot, cnt], lostarb => 0, ctrl => [rx_overflow, tx_passive], prot => [stuff, tx], loc => crc_seq, trx => unspec,
              tx_errors => 96, rx_errors => 128},
    {ok, Frame} = esock_can:encode_error(Error),
    ?assertEqual(#{type => classic, id => 16#20C, eff => false, rtr => false, err => true, data => <<0, 16#21, 16#84, 8, 0, 0, 96, 128>>}, Frame),
    {ok, Bytes} = esock_can:encode_frame(Frame),
    {ok, Received} = esock_can:decode_frame(Bytes),
    ?assertEqual({ok, Error}, esock_can:decode_error(Received)),
    ?assertMatch({ok, #{class := [tx_timeout, 16#400], loc := 16#77, trx := 16#45, ctrl := [16#80]}},
                 esock_can:decode_error(Frame#{id := 16#401, data := <<0, 16#80, 0, 16#77, 16#45, 0, 0, 0>>})),
    ?assertEqual([invalid([err]), invalid([data]), invalid([id]), invalid([id]), invalid([])],
                 [esock_can:decode_error(F) || F <- [Frame#{err := false}, Frame#{data := <<>>}, Frame#{id := 1 bsl 29}, Frame#{id := a}, foo]]),
    ?assertEqual([invalid([class]), invalid([class, foo]), invalid([foo]), invalid([loc]), invalid([rx_errors]), invalid([])],
                 [esock_can:encode_error(E) || E <- [#{}, #{class => [foo]}, #{class => [], foo => 1}, #{class => [], loc => foo},
                                                     #{class => [], rx_errors => 256}, foo]]).

bcm(_) ->
    Zero = #{sec => 0, usec => 0},
    {ok, Bytes} = esock_can:bcm_encode(#{op => rx_setup, id => 5}),
    ?assertEqual({ok, #{op => rx_setup, flags => [], count => 0, ival1 => Zero, ival2 => Zero, id => 5, eff => false, rtr => false, err => false, frames => []}},
                 esock_can:bcm_decode(Bytes)),
    [?assertEqual({M, invalid(Path)}, {M, esock_can:bcm_encode(M)})
     || {M, Path} <- [{foo, []}, {#{}, [op]}, {#{op => foo}, [op]}, {#{op => tx_setup, foo => 1}, [foo]}, {#{op => tx_setup, flags => [foo]}, [flags, foo]},
                      {#{op => tx_setup, ival1 => 5}, [ival1]}, {#{op => tx_setup, ival1 => #{sec => 0, usec => a}}, [ival1, usec]},
                      {#{op => tx_setup, id => 16#800}, [id]}, {#{op => tx_setup, frames => foo}, [frames]},
                      {#{op => tx_setup, frames => [#{id => 1}, #{id => 16#800}]}, [frames, 2, id]},
                      {#{op => tx_setup, frames => [#{type => fd, id => 1}]}, [frames, 1, type]},
                      {#{op => tx_setup, flags => [can_fd_frame], frames => [#{type => classic, id => 1}]}, [frames, 1, type]},
                      {#{op => tx_setup, frames => lists:duplicate(257, #{id => 1})}, [frames]}, {#{op => tx_setup, count => -1}, [count]}]],
    ?assertEqual(invalid([frames]), esock_can:bcm_decode(<<Bytes/binary, 0>>)),
    ?assertEqual(invalid([nframes]), esock_can:bcm_decode(binary_part(Bytes, 0, byte_size(Bytes) - 4))),
    ?assertEqual(invalid([op]), esock_can:bcm_decode(<<>>)).

%% The struct as the machine's C has it.
bcm_of_python(Config) ->
    Script = "import struct, socket\n"
        "head = struct.pack('@IIIllllII0q', socket.CAN_BCM_TX_SETUP, 3, 10, 1, 2, 3, 100000, 0x80000123, 2)\n"
        "print((head + struct.pack('=IB3x8s', 1, 1, b'a') + struct.pack('=IB3x8s', 2, 2, b'bc')).hex())\n"
        "print((struct.pack('@IIIllllII0q', 12, 0x800, 0, 0, 0, 0, 0, 7, 1) + struct.pack('=IBB2x64s', 7, 1, 0, b'z')).hex())\n",
    Zero = #{sec => 0, usec => 0},
    Frame = #{eff => false, rtr => false, err => false},
    Messages = [#{op => tx_setup, flags => [settimer, starttimer], count => 10, ival1 => #{sec => 1, usec => 2}, ival2 => #{sec => 3, usec => 100000},
                  id => 16#123, eff => true, rtr => false, err => false,
                  frames => [Frame#{type => classic, id => 1, data => <<"a">>}, Frame#{type => classic, id => 2, data => <<"bc">>}]},
                #{op => rx_changed, flags => [can_fd_frame], count => 0, ival1 => Zero, ival2 => Zero, id => 7, eff => false, rtr => false, err => false,
                  frames => [Frame#{type => fd, id => 7, flags => [], data => <<"z">>}]}],
    esock_oracle:python(Config, Script, fun(Output) ->
        Lines = [binary:decode_hex(Line) || Line <- binary:split(Output, <<"\n">>, [global, trim])],
        ?assertEqual([{ok, Line} || Line <- Lines], [esock_can:bcm_encode(M) || M <- Messages]),
        ?assertEqual([{ok, M} || M <- Messages], [esock_can:bcm_decode(Line) || Line <- Lines]) end).

%% Each address of the bytes behind the family, and back.
addresses(_) ->
    Rows = [{0, #{ifindex => 3}, <<0:16, 3:32/native, 0:128>>},
            {1, #{ifindex => 0}, <<0:176>>},
            {6, #{proto => isotp, ifindex => 3, rx_id => 16#7E8, tx_id => 16#98DA10F1}, <<0:16, 3:32/native, 16#7E8:32/native, 16#98DA10F1:32/native, 0:64>>},
            {7, #{proto => j1939, ifindex => 4, name => 5, pgn => 16#3FFFF, addr => 16#20},
             <<0:16, 4:32/native, 5:64/native, 16#3FFFF:32/native, 16#20, 0:24>>},
            {7, #{proto => j1939, ifindex => 4, name => 16#FFFFFFFFFFFFFFFF, pgn => 0, addr => 0},
             <<0:16, 4:32/native, -1:64, 0:32, 0, 0:24>>},
            {7, #{proto => j1939, ifindex => 4, name => none, pgn => none, addr => none},
             <<0:16, 4:32/native, 0:64, 16#40000:32/native, 16#FF, 0:24>>}],
    [begin
         Native = <<29:16/native, Bytes/binary>>,
         ?assertEqual({ok, Native}, pack(Address)),
         ?assertEqual(Address#{family => can}, esock_addr:unpack(Native, Protocol))
     end || {Protocol, Address, Bytes} <- Rows],
    {_, _, Nothing} = lists:last(Rows),
    ?assertEqual({ok, <<29:16/native, Nothing/binary>>}, pack(#{proto => j1939, ifindex => 4})),
    ?assertEqual(pack(#{proto => j1939, pgn => none}), pack(#{proto => j1939, pgn => 16#40000})),
    ?assertEqual({ok, <<29:16/native, 0:16, 1:32/native, 0:128>>}, pack(#{ifindex => 1})),
    ?assertEqual(pack(#{ifindex => 1}), pack(#{ifindex => "lo"})),
    %% The kernel leaves out what the protocol does not have.
    ?assertEqual(#{family => can, ifindex => 7}, esock_addr:unpack(<<29:16/native, 0:16, 7:32/native>>, 1)),
    [?assertEqual({A, wrong(Key, A)}, {A, pack(A)})
     || {A, Key} <- [{#{proto => foo}, {keys, [proto]}}, {#{proto => isotp, tx_id => 1}, rx_id}, {#{proto => isotp, rx_id => 1}, tx_id},
                     {#{rx_id => 1}, {keys, [rx_id]}}, {#{ifindex => -1}, ifindex}, {#{ifindex => "no_such_if"}, ifindex},
                     {#{proto => j1939, pgn => 16#40001}, pgn}, {#{proto => j1939, pgn => -1}, pgn}, {#{proto => j1939, addr => 256}, addr},
                     {#{proto => j1939, addr => foo}, addr}, {#{proto => j1939, name => foo}, name}, {#{proto => j1939, name => 1 bsl 64}, name}]].

pack(Address) -> esock_addr:pack(Address#{family => can}).

wrong(Key, Address) -> {error, {invalid, {sockaddr, Key, Address#{family => can}}}}.

%% The structs of linux/can.h by Python's struct: a system without CAN has no socket to ask.
addresses_of_python(Config) ->
    Script = "import struct\n"
        "print(struct.pack('=HxxiII8x', 29, 3, 0x7e8, 0x98da10f1).hex())\n"
        "print(struct.pack('=HxxiQIB3x', 29, 4, 0, 0x40000, 0xff).hex())\n"
        "print(struct.pack('=Hxxi16x', 29, 3).hex())\n",
    esock_oracle:python(Config, Script, fun(Output) ->
        ?assertEqual([{ok, binary:decode_hex(Line)} || Line <- binary:split(Output, <<"\n">>, [global, trim])],
                     [pack(A) || A <- [#{proto => isotp, ifindex => 3, rx_id => 16#7E8, tx_id => 16#98DA10F1},
                                       #{proto => j1939, ifindex => 4}, #{ifindex => 3}]]) end).

options(_) ->
    ?assertEqual({ok, <<16#45:32/native, 50000:32/native, 1, 16#CC, 16#CC, 2>>},
                 esock_can:encode_option(isotp_opts, #{flags => [listen_mode, tx_padding, half_duplex], ext_address => 1, rx_ext_address => 2})),
    ?assertEqual({ok, <<16, 8, 0>>}, esock_can:encode_option(isotp_ll_opts, #{})),
    ?assertEqual({ok, <<8, 0, 0>>}, esock_can:encode_option(isotp_recv_fc, #{bs => 8})),
    ?assertEqual({ok, <<16#48:32/native>>}, esock_can:encode_option(err_filter, [busoff, prot])),
    ?assertEqual({ok, [prot, busoff]}, esock_can:decode_option(err_filter, <<16#48:32/native>>)),
    Filter = #{name => 1, name_mask => 2, pgn => 3, pgn_mask => 4, addr => 5, addr_mask => 6},
    ?assertEqual({ok, <<1:64/native, 2:64/native, 3:32/native, 4:32/native, 5, 6, 0:48>>}, esock_can:encode_option(j1939_filter, [Filter])),
    ?assertEqual({ok, []}, esock_can:decode_option(j1939_filter, <<>>)),
    ?assertEqual([invalid([foo]), invalid([]), invalid([2, pgn]), invalid([]), invalid([option]), invalid([foo])],
                 [esock_can:encode_option(O, V) || {O, V} <- [{isotp_opts, #{foo => 1}}, {isotp_recv_fc, foo}, {j1939_filter, [Filter, #{pgn => a}]},
                                                             {j1939_filter, foo}, {foo, #{}}, {err_filter, [foo]}]]),
    ?assertEqual([invalid([]), invalid([wftmax]), invalid([2, name]), invalid([]), invalid([])],
                 [esock_can:decode_option(O, B) || {O, B} <- [{isotp_recv_fc, <<0:32>>}, {isotp_recv_fc, <<0:16>>}, {j1939_filter, <<0:264>>},
                                                             {err_filter, <<1>>}, {isotp_opts, foo}]]).

%%% ---- Properties

id() ->
    ?LET({Eff, Rtr, Err, Id, Short}, {boolean(), boolean(), boolean(), prop_esock_families:int(29), prop_esock_families:int(11)},
         #{id => case Eff orelse Err of true -> Id; false -> Short end, eff => Eff, rtr => Rtr, err => Err}).

frame() -> oneof([classic(), fd(), xl()]).

classic() ->
    ?LET({Id, Size, Dlc}, {id(), range(0, 8), oneof([none, range(9, 15)])},
         ?LET(Data, binary(Size), with_dlc(Dlc, Id#{type => classic, data => Data}))).

with_dlc(Dlc, #{data := Data} = Frame) when Dlc =/= none, byte_size(Data) =:= 8 -> Frame#{dlc => Dlc};
with_dlc(_, Frame) -> Frame.

fd() ->
    ?LET({Id, Size, Flags}, {id(), range(0, 64), prop_esock_families:of_type({flags, u8, [{brs, 1}, {esi, 2}, {fdf, 4}]})},
         ?LET(Data, binary(Size), Id#{type => fd, data => Data, flags => Flags})).

xl() ->
    ?LET({Prio, Vcid, Bits, Sdt, Af, Size},
         {prop_esock_families:int(11), byte(), prop_esock_families:int(7), byte(), prop_esock_families:int(32), oneof([range(1, 40), 2048])},
         ?LET(Data, binary(Size), #{type => xl, prio => Prio, vcid => Vcid, flags => esock_layout:names(Bits, [{sec, 1}, {rrs, 2}]), sdt => Sdt,
                                    af => Af, data => Data})).

message() ->
    Ops = [{Name, bcm_word(0, #{op => Name})} || Name <- bcm_ops()],
    Bits = [{Name, bcm_word(1, #{op => 1, flags => [Name]})} || Name <- bcm_flags()],
    Long = erlang:system_info(wordsize),
    ?LET({Op, Flags, Count, Ival1, Ival2, Id},
         {prop_esock_families:of_type({enum, u32, Ops}), prop_esock_families:of_type({flags, u32, Bits}), prop_esock_families:int(32),
          prop_esock_families:of_type({timeval, Long}), prop_esock_families:of_type({timeval, Long}), id()},
         ?LET(Frames, list(case lists:member(can_fd_frame, Flags) of true -> fd(); false -> classic() end),
              Id#{op => Op, flags => Flags, count => Count, ival1 => Ival1, ival2 => Ival2, frames => Frames})).

%% An address, and the protocol of its socket.
address() ->
    [Index, Id] = [prop_esock_families:int(Bits) || Bits <- [31, 32]],
    oneof([?LET({P, I}, {range(0, 5), Index}, {P, #{family => can, ifindex => I}}),
           ?LET({I, Rx, Tx}, {Index, Id, Id}, {6, #{family => can, proto => isotp, ifindex => I, rx_id => Rx, tx_id => Tx}}),
           ?LET({I, Name, Pgn, Addr}, {Index, oneof([none, range(1, 1 bsl 64 - 1)]), oneof([none, range(0, 16#3FFFF)]), oneof([none, range(0, 254)])},
                {7, #{family => can, proto => j1939, ifindex => I, name => Name, pgn => Pgn, addr => Addr}})]).

error_map() ->
    ?LET({Class, Data}, {prop_esock_families:int(29), binary(8)},
         begin
             <<Head:5/binary, _, Counters:2/binary>> = Data,
             {ok, Error} = esock_can:decode_error(#{err => true, id => Class, data => <<Head/binary, 0, Counters/binary>>}),
             Error
         end).

option() ->
    oneof([?LET(Layout, prop_esock_families:layout(option_layout(O)), {O, Layout}) || O <- [isotp_opts, isotp_recv_fc, isotp_ll_opts]] ++
          [?LET(Filters, list(prop_esock_families:layout(option_layout(j1939_filter))), {j1939_filter, Filters}),
           ?LET(Classes, prop_esock_families:of_type({flags, u32, esock_can_frame:classes()}), {err_filter, Classes})]).

option_layout(j1939_filter) -> [{name, u64}, {name_mask, u64}, {pgn, u32}, {pgn_mask, u32}, {addr, u8}, {addr_mask, u8}];
option_layout(isotp_opts) -> [{flags, {flags, u32, [{Name, isotp_flag(Name)} || Name <- [listen_mode, extend_addr, dyn_fc_parms]]}}, {frame_txtime, u32},
                              {ext_address, u8}, {txpad, u8}, {rxpad, u8}, {rx_ext_address, u8}];
option_layout(isotp_recv_fc) -> [{bs, u8}, {stmin, u8}, {wftmax, u8}];
option_layout(isotp_ll_opts) -> [{mtu, u8}, {tx_dl, u8}, {tx_flags, {flags, u8, [{brs, 1}, {esi, 2}, {fdf, 4}]}}].

round_trips(_) ->
    Trip = fun(Type, Encode, Decode) -> check(prop_esock_families:round_trip(Type, Encode, Decode)) end,
    Trip(frame(), fun esock_can:encode_frame/1, fun esock_can:decode_frame/1),
    Trip(id(), fun esock_can:encode_id/1, fun esock_can:decode_id/1),
    Trip(message(), fun esock_can:bcm_encode/1, fun esock_can:bcm_decode/1),
    Trip(error_map(), fun esock_can:encode_error/1, fun esock_can:decode_error/1),
    check(?FORALL({Protocol, Address}, address(),
                  begin {ok, Bytes} = esock_addr:pack(Address), esock_addr:unpack(Bytes, Protocol) =:= Address end)),
    %% Of flags without a name the numbers are those of the names that this test does not know.
    check(?FORALL({Option, Value}, option(),
                  begin
                      {ok, Bytes} = esock_can:encode_option(Option, Value),
                      {ok, Same} = esock_can:decode_option(Option, Bytes),
                      esock_can:encode_option(Option, Same) =:= {ok, Bytes}
                  end)),
    U32 = prop_esock_families:int(32),
    Filter = ?LET({Id, Mask, Inv}, {U32, U32, boolean()},
                  case {Id band 16#DFFFFFFF, Inv} of {I, true} -> {inv, I, Mask}; {I, false} -> {I, Mask} end),
    Trip(list(Filter), fun esock_can:encode_filters/1, fun esock_can:decode_filters/1).

wrong_values(_) ->
    Wrong = fun(Type, Encode) -> check(prop_esock_families:wrong_values(Type, Encode)) end,
    Wrong(frame(), fun esock_can:encode_frame/1),
    Wrong(message(), fun esock_can:bcm_encode/1),
    Wrong(error_map(), fun esock_can:encode_error/1),
    %% Of an address the error has the key. Without its family or its protocol it is another address.
    check(?FORALL({{_, Address}, Pick}, {address(), non_neg_integer()},
                  begin
                      Keys = [foo | maps:keys(maps:without([family, proto], Address))],
                      Key = lists:nth(Pick rem length(Keys) + 1, Keys),
                      Wrong1 = Address#{Key => {wrong}},
                      Named = case Key of foo -> {keys, [foo]}; _ -> Key end,
                      esock_addr:pack(Wrong1) =:= {error, {invalid, {sockaddr, Named, Wrong1}}}
                  end)).

any_bytes(_) ->
    Any = fun(Type, Encode, Decode) -> check(prop_esock_families:any_bytes(?LET(Term, Type, begin {ok, Bytes} = Encode(Term), Bytes end), Decode)) end,
    Any(frame(), fun esock_can:encode_frame/1, fun esock_can:decode_frame/1),
    Any(message(), fun esock_can:bcm_encode/1, fun esock_can:bcm_decode/1),
    %% Any bytes behind the family are an address.
    [check(prop_esock_families:any_bytes(?LET({_, Address}, address(), begin {ok, <<_:16, Bytes/binary>>} = esock_addr:pack(Address), Bytes end),
                                         fun(Bytes) ->
                                             #{family := can, ifindex := _} = Read = esock_addr:unpack(<<29:16/native, (binary:part(Bytes, 0, min(126, byte_size(Bytes))))/binary>>, Protocol),
                                             {ok, Read}
                                         end))
     || Protocol <- [1, 6, 7, -1]],
    [check(prop_esock_families:any_bytes(binary(), fun(Bytes) -> esock_can:decode_option(Option, Bytes) end))
     || Option <- [isotp_opts, isotp_recv_fc, isotp_ll_opts, j1939_filter, err_filter]],
    check(prop_esock_families:any_bytes(binary(), fun esock_can:decode_filters/1)).

%% Two sockets on a virtual bus in a namespace of their own.
bus(_) ->
    case esock:open(can, raw, raw) of
        {error, Reason} -> {skip, Reason};
        {ok, Probe} ->
            ok = esock:close(Probe),
            esock_netlink_SUITE:in_netns(fun(Opts) -> on_bus(Opts, esock_netlink:new_link(#{name => "vcan0", linkinfo => #{kind => <<"vcan">>}}, Opts)) end)
    end.

on_bus(_, {error, Reason}) -> {skip, Reason};
on_bus(Opts, ok) ->
    ok = esock_netlink:set_link("vcan0", #{up => true}, Opts),
    {ok, #{index := Index}} = esock_netlink:link("vcan0", Opts),
    Address = #{family => can, ifindex => Index},
    [A, B] = [begin {ok, S} = esock:open(can, raw, raw, Opts), ok = esock:bind(S, Address), S end || _ <- [a, b]],
    {ok, Filters} = esock_can:encode_filters([{16#100, 16#700}]),
    ok = esock:setopt_native(B, {101, 1}, Filters),
    [begin {ok, Bytes} = esock_can:encode_frame(#{id => Id, data => <<Id:16>>}), ok = esock:send(A, Bytes) end || Id <- [16#200, 16#123]],
    {ok, {From, Bytes}} = esock:recvfrom(B, 0, [], 5000),
    ?assertEqual(Address, From),
    ?assertMatch({ok, #{id := 16#123, data := <<16#123:16>>}}, esock_can:decode_frame(Bytes)),
    esock_pairs:close([A, B]).

%% AF_ALG: the codec by properties, beside the headers of Linux; the operations where the kernel has the family, beside OTP's crypto.
-module(esock_alg_SUITE).

-include_lib("proper/include/proper.hrl").
-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [addresses, structs_of_linux, addresses_of_python, control_messages, round_trips, wrong_values, any_bytes, arguments, plans, sent,
     not_there, hashes, ciphers, authenticated, random].

suite() -> [{timetrap, {seconds, 120}}].

check(Property) -> ok = esock_check:property(Property, {"ESOCK_PROPER", 1000}, [quiet]).

invalid(Path) -> {error, {invalid, Path}}.

addresses(_) ->
    Native = <<38:16/native, "hash", 0:80, 0:64, "sha256", 0:464>>,
    [?assertEqual({ok, Native}, pack(#{type => Type, name => Name})) || {Type, Name} <- [{"hash", <<"sha256">>}, {<<"hash">>, "sha256"}]],
    ?assertEqual(#{family => alg, type => "hash", name => "sha256", feat => 0, mask => 0}, esock_addr:unpack(Native)),
    {ok, Bytes} = pack(#{type => "aead", name => "gcm(aes)", feat => 1, mask => 2}),
    ?assertMatch(<<38:16/native, "aead", 0:80, 1:32/native, 2:32/native, "gcm(aes)", 0:448>>, Bytes),
    [?assertMatch({_, {ok, _}}, {A, pack(A)}) || A <- [#{type => lists:duplicate(13, $a), name => binary:copy(<<"a">>, 63)}]],
    Wrong = [{#{name => "a"}, type}, {#{type => "hash"}, name}, {#{type => "", name => "a"}, type}, {#{type => "hash", name => <<>>}, name},
             {#{type => "01234567890123", name => "a"}, type}, {#{type => "hash", name => binary:copy(<<"a">>, 64)}, name},
             {#{type => <<"a", 0>>, name => "a"}, type}, {#{type => hash, name => "a"}, type}, {#{type => [300], name => "a"}, type},
             {#{type => "hash", name => [$a | $b]}, name}, {#{type => "hash", name => <<1:1>>}, name},
             {#{type => "hash", name => "a", feat => -1}, feat}, {#{type => "hash", name => "a", mask => foo}, mask}],
    [?assertEqual({A, {error, {invalid, {sockaddr, Key, A#{family => alg}}}}}, {A, pack(A)}) || {A, Key} <- Wrong],
    %% A socket is opened for none of them.
    [?assertEqual({A, invalid([Key])}, {A, esock_alg:open(Type, Name, maps:without([type, name], A))}) || {#{type := Type, name := Name} = A, Key} <- Wrong],
    [?assertEqual({Opts, invalid(Path)}, {Opts, esock_alg:open("hash", "sha256", Opts)})
     || {Opts, Path} <- [{foo, []}, {#{foo => 1}, [foo]}, {#{family => inet}, [family]}, {#{type => "aead"}, [type]}]].

pack(Address) -> esock_addr:pack(Address#{family => alg}).

structs_of_linux(Config) ->
    Program = "#include <stdio.h>\n#include <stddef.h>\n#include <sys/socket.h>\n#include <linux/if_alg.h>\nint main() {\n"
        "printf(\"%d %zu %zu %zu %zu %zu\\n\", AF_ALG, sizeof(struct sockaddr_alg), offsetof(struct sockaddr_alg, salg_type),\n"
        "       offsetof(struct sockaddr_alg, salg_feat), offsetof(struct sockaddr_alg, salg_mask), offsetof(struct sockaddr_alg, salg_name));\n"
        "printf(\"%d %d %d %d %d %d %d %zu\\n\", ALG_SET_KEY, ALG_SET_IV, ALG_SET_OP, ALG_SET_AEAD_ASSOCLEN, ALG_SET_AEAD_AUTHSIZE, ALG_OP_DECRYPT,\n"
        "       ALG_OP_ENCRYPT, sizeof(struct af_alg_iv));\n}\n",
    esock_oracle:c(Config, Program, fun(Output) ->
        {ok, <<Family:16/native, _/binary>> = Addr} = pack(#{type => "t", name => "n", feat => 16#01010101, mask => 16#02020202}),
        At = [element(1, binary:match(Addr, Bytes)) || Bytes <- [<<"t">>, <<16#01010101:32>>, <<16#02020202:32>>, <<"n">>]],
        {ok, [#{type := Op, data := <<Encrypt:32/native>>}, #{type := Iv, data := IvBytes}, #{type := Assoc}]} =
            esock_alg:encode_ctrl(#{op => encrypt, iv => <<>>, assoclen => 0}),
        {ok, [#{data := <<Decrypt:32/native>>}]} = esock_alg:encode_ctrl(#{op => decrypt}),
        Line = fun(Numbers) -> iolist_to_binary([lists:join(" ", [integer_to_list(N) || N <- Numbers]), "\n"]) end,
        ?assertEqual(Output, <<(Line([Family, byte_size(Addr) | At]))/binary,
                               (Line([1, Iv, Op, Assoc, 5, Decrypt, Encrypt, byte_size(IvBytes)]))/binary>>) end).

%% CPython's own form of an address, for the constants, and its struct for the rest.
addresses_of_python(Config) ->
    Script = "import socket, struct\n"
        "print(getattr(socket, 'AF_ALG', 38), getattr(socket, 'SOL_ALG', 279), getattr(socket, 'ALG_SET_OP', 3), getattr(socket, 'ALG_SET_IV', 2))\n"
        "print(struct.pack('=14sII64s', b'skcipher', 8, 9, b'cbc(aes)').hex())\n"
        "print(struct.pack('=I16s', 16, bytes(range(16))).hex())\n",
    esock_oracle:python(Config, Script, fun(Output) ->
        [Numbers, Address, Iv] = binary:split(Output, <<"\n">>, [global, trim]),
        ?assertEqual(<<"38 279 3 2">>, Numbers),
        ?assertEqual({ok, <<38:16/native, (binary:decode_hex(Address))/binary>>},
                     pack(#{type => "skcipher", name => "cbc(aes)", feat => 8, mask => 9})),
        ?assertEqual({ok, [#{level => 279, type => 2, data => binary:decode_hex(Iv)}]}, esock_alg:encode_ctrl(#{iv => list_to_binary(lists:seq(0, 15))})) end).

control_messages(_) ->
    ?assertEqual({ok, []}, esock_alg:encode_ctrl(#{})),
    ?assertEqual([invalid([foo]), invalid([op]), invalid([iv]), invalid([assoclen]), invalid([])],
                 [esock_alg:encode_ctrl(C) || C <- [#{foo => 1}, #{op => sign}, #{iv => "iv"}, #{assoclen => 1 bsl 32}, foo]]),
    Message = fun(Type, Data) -> #{level => 279, type => Type, data => Data} end,
    ?assertEqual({ok, #{op => 7, iv => <<1, 2>>, assoclen => 3}},
                 esock_alg:decode_ctrl([Message(3, <<7:32/native>>), Message(2, <<2:32/native, 1, 2, 0, 0>>), Message(4, <<3:32/native>>)])),
    ?assertEqual([invalid([1, data]), invalid([1, data]), invalid([2]), invalid([1]), invalid([1]), invalid([])],
                 [esock_alg:decode_ctrl(M) || M <- [[Message(3, <<>>)], [Message(2, <<3:32/native, 1, 2>>)], [Message(3, <<0:32>>), Message(9, <<>>)],
                                                    [#{level => socket, type => 3, data => <<0:32>>}], [foo], foo]]).

%%% ---- Properties

text(Max) -> ?LET({First, Rest}, {range(1, 255), list(range(1, 255))}, lists:sublist([First | Rest], Max)).

address() ->
    ?LET({Type, Name, Feat, Mask}, {text(13), text(63), prop_esock_families:int(32), prop_esock_families:int(32)},
         #{family => alg, type => Type, name => Name, feat => Feat, mask => Mask}).

ctrl() ->
    ?LET(Pairs, list(oneof([{op, oneof([encrypt, decrypt, 2, 16#FFFFFFFF])}, {iv, binary()}, {assoclen, prop_esock_families:int(32)}])), maps:from_list(Pairs)).

round_trips(_) ->
    check(prop_esock_families:round_trip(address(), fun esock_addr:pack/1, fun(Bytes) -> {ok, esock_addr:unpack(Bytes)} end)),
    %% A binary says the same as a string.
    check(?FORALL(#{type := Type, name := Name} = Address, address(),
                  esock_addr:pack(Address#{type := list_to_binary(Type), name := list_to_binary(Name)}) =:= esock_addr:pack(Address))),
    check(prop_esock_families:round_trip(ctrl(), fun esock_alg:encode_ctrl/1, fun esock_alg:decode_ctrl/1)).

wrong_values(_) ->
    %% The path of one that is opened is the key: there is no socket for it.
    check(?FORALL({Address, Key}, {address(), oneof([type, name, feat, mask, foo])},
                  begin
                      #{type := Type, name := Name} = Wrong = Address#{Key => {wrong}},
                      esock_alg:open(Type, Name, maps:without([family, type, name], Wrong)) =:= invalid([Key])
                  end)),
    check(prop_esock_families:wrong_values(ctrl(), fun esock_alg:encode_ctrl/1)).

any_bytes(_) ->
    Address = ?LET(A, address(), begin {ok, <<_:16, Bytes/binary>>} = esock_addr:pack(A), Bytes end),
    check(prop_esock_families:any_bytes(Address, fun(Bytes) ->
        #{family := alg, type := _, name := _} = Read = esock_addr:unpack(<<38:16/native, (binary:part(Bytes, 0, min(126, byte_size(Bytes))))/binary>>),
        {ok, Read} end)),
    check(prop_esock_families:any_bytes(binary(), fun(Bytes) -> esock_alg:decode_ctrl([#{level => 279, type => 2, data => Bytes}]) end)),
    check(?FORALL(Messages, list(oneof([any(), #{level => 279, type => range(0, 5), data => oneof([binary(), any()])}])),
                  case esock_alg:decode_ctrl(Messages) of {ok, _} -> true; {error, {invalid, Path}} -> is_list(Path) end)).

%% Before a socket is opened: with or without the family.
arguments(_) ->
    Key = <<0:128>>,
    ?assertEqual([invalid([data]), invalid([key]), invalid([name]), invalid([key])],
                 [esock_alg:hash("sha256", foo), esock_alg:hash("sha256", <<>>, key), esock_alg:hash("", <<>>), esock_alg:encrypt("cbc(aes)", key, <<>>, #{})]),
    [?assertEqual({Opts, invalid(Path)}, {Opts, esock_alg:decrypt("cbc(aes)", Key, <<1>>, Opts)})
     || {Opts, Path} <- [{foo, []}, {#{foo => 1}, [foo]}, {#{iv => foo}, [iv]}, {#{type => hash}, [type]}, {#{assoc => foo}, [assoc]},
                         {#{authsize => 0}, [authsize]}, {#{authsize => foo}, [authsize]}, {#{timeout => -1}, [timeout]}, {#{type => skcipher, assoc => <<>>}, [assoc]},
                         {#{type => skcipher, authsize => 1}, [authsize]}, {#{type => aead}, [data]}]],
    ?assertEqual(invalid([data]), esock_alg:encrypt("cbc(aes)", Key, foo, #{})),
    ?assertEqual([invalid([size]), invalid([size]), invalid([]), invalid([foo]), invalid([seed])],
                 [esock_alg:rng("stdrng", 0), esock_alg:rng("stdrng", 129), esock_alg:rng("stdrng", 1, foo), esock_alg:rng("stdrng", 1, #{foo => 1}),
                  esock_alg:rng("stdrng", 1, #{seed => foo})]),
    {ok, S} = esock:open(inet, dgram, udp),
    ?assertEqual([invalid([key]), invalid([authsize]), invalid([op]), invalid([])],
                 [esock_alg:set_key(S, foo), esock_alg:set_authsize(S, 0), esock_alg:sendmsg(S, [], #{op => foo}, 0), esock_alg:sendmsg(S, [], foo, 0)]),
    %% Another socket has no keys.
    ?assertMatch({error, Reason} when is_atom(Reason), esock_alg:set_key(S, Key)),
    ok = esock:close(S),
    ?assertEqual([invalid([type]), invalid([foo]), invalid([])], [esock_alg:open(foo, "a"), esock_alg:open("hash", "a", #{foo => 1}), esock_alg:open("hash", "a", foo)]).

%% How much goes and comes.
plans(_) ->
    Plan = fun(Op, Size, Opts) -> #{send := Send, size := Answer, skip := Skip} = esock_alg_crypt:plan(Op, binary:copy(<<1>>, Size), Opts),
                                  {byte_size(Send), Answer, Skip} end,
    ?assertEqual([{32, 32, 0}, {40, 56, 8}, {40, 24, 8}, {10, 14, 0}],
                 [Plan(encrypt, 32, #{iv => <<0:128>>}), Plan(encrypt, 32, #{assoc => <<0:64>>}), Plan(decrypt, 32, #{assoc => [<<0:32>>, <<0:32>>]}),
                  Plan(encrypt, 10, #{type => aead, authsize => 4})]),
    ?assertMatch(#{type := "aead", ctrl := #{op := encrypt, iv := <<1>>, assoclen := 2}}, esock_alg_crypt:plan(encrypt, <<>>, #{iv => <<1>>, assoc => <<0:16>>})),
    ?assertMatch(#{type := "skcipher", ctrl := #{op := decrypt}, timeout := infinity}, esock_alg_crypt:plan(decrypt, <<>>, #{timeout => infinity})).

%% A Unix socket takes control messages of other levels, and leaves them alone: what is sent is a message that goes.
sent(_) ->
    Path = fun(Name) -> #{family => local, path => <<0, "esock_alg", (list_to_binary(os:getpid()))/binary, Name>>} end,
    [A, B] = [begin {ok, S} = esock:open(local, dgram), ok = esock:bind(S, Path(Name)), S end || Name <- "ab"],
    ok = esock:connect(A, Path($b)),
    ok = esock_alg:sendmsg(A, [<<"pl">>, <<"ain">>], #{op => encrypt, iv => <<0:128>>, assoclen => 2}, 1000),
    ok = esock_alg:sendmsg(A, [<<"flags">>], #{flags => []}, 1000),
    ?assertEqual([{ok, <<"plain">>}, {ok, <<"flags">>}], [esock:recv(B, 0, [], 1000) || _ <- [1, 2]]),
    esock_pairs:close([A, B]).

%%% ---- With the kernel

family() ->
    case esock:open(alg, seqpacket) of
        {ok, S} -> ok = esock:close(S), true;
        {error, Reason} -> Reason
    end.

with_family(Fun) ->
    case {family(), code:ensure_loaded(crypto)} of
        {true, {module, crypto}} -> Fun();
        {true, _} -> {skip, no_crypto};
        {Reason, _} -> {skip, Reason}
    end.

%% Each function that opens a socket says so, and leaves none behind.
not_there(_) ->
    Before = length(esock:which_sockets()),
    Answers = [esock_alg:open("hash", "sha256"), esock_alg:hash("nosuch", <<>>), esock_alg:hash("hmac(nosuch)", <<>>, <<"key">>),
               esock_alg:encrypt("nosuch", <<0:128>>, <<>>, #{}), esock_alg:decrypt("nosuch", <<0:128>>, <<0:128>>, #{type => aead}), esock_alg:rng("nosuch", 16)],
    case family() of
        true -> ?assertMatch([{ok, _} | _], Answers), ?assertEqual([{error, enoent}], lists:usort(tl(Answers)));
        Reason -> ?assertEqual([{error, Reason}], lists:usort(Answers)), ?assertEqual(eafnosupport, Reason)
    end,
    _ = [ok = esock:close(S) || {ok, S} <- Answers],
    ?assertEqual(Before, length(esock:which_sockets())).

hashes(_) ->
    with_family(fun() ->
        [?assertEqual({ok, crypto:hash(sha256, Data)}, esock_alg:hash("sha256", Data)) || Data <- [<<>>, "abc", binary:copy(<<"x">>, 32768), binary:copy(<<"y">>, 100001)]],
        ?assertEqual({ok, crypto:mac(hmac, sha256, <<"key">>, <<"data">>)}, esock_alg:hash("hmac(sha256)", <<"data">>, <<"key">>)) end).

ciphers(_) ->
    with_family(fun() ->
        [Key, Iv, Plain] = [crypto:strong_rand_bytes(N) || N <- [16, 16, 4096]],
        {ok, Sealed} = esock_alg:encrypt("cbc(aes)", Key, Plain, #{iv => Iv}),
        ?assertEqual(crypto:crypto_one_time(aes_128_cbc, Key, Iv, Plain, true), Sealed),
        ?assertEqual({ok, Plain}, esock_alg:decrypt("cbc(aes)", Key, Sealed, #{iv => Iv})),
        ?assertEqual({error, einval}, esock_alg:encrypt("cbc(aes)", <<1>>, Plain, #{iv => Iv})) end).

authenticated(_) ->
    with_family(fun() ->
        [Key, Iv, Plain, Assoc] = [crypto:strong_rand_bytes(N) || N <- [16, 12, 100, 20]],
        Opts = #{iv => Iv, assoc => Assoc, authsize => 16},
        {ok, Sealed} = esock_alg:encrypt("gcm(aes)", Key, Plain, Opts),
        {Bytes, Tag} = crypto:crypto_one_time_aead(aes_128_gcm, Key, Iv, Plain, Assoc, 16, true),
        ?assertEqual(<<Bytes/binary, Tag/binary>>, Sealed),
        ?assertEqual({ok, Plain}, esock_alg:decrypt("gcm(aes)", Key, Sealed, Opts)),
        ?assertEqual({error, ebadmsg}, esock_alg:decrypt("gcm(aes)", Key, Sealed, Opts#{assoc => <<0>>})) end).

random(_) ->
    with_family(fun() ->
        {ok, One} = esock_alg:rng("stdrng", 32),
        {ok, Two} = esock_alg:rng("stdrng", 32),
        ?assertEqual({32, 32, false}, {byte_size(One), byte_size(Two), One =:= Two}) end).

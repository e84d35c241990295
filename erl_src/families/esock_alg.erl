%% @doc The kernel's cryptography over sockets of the family AF_ALG: hashes, ciphers, authenticated ciphers and random numbers. See
%% Documentation/crypto/userspace-if.rst of Linux and linux/if_alg.h; `/proc/crypto' lists the algorithms.
%% ```
%% {ok, Digest} = esock_alg:hash("sha256", <<"data">>),
%% {ok, Sealed} = esock_alg:encrypt("cbc(aes)", Key, Plain, #{iv => Iv}),
%% {ok, Plain} = esock_alg:decrypt("cbc(aes)", Key, Sealed, #{iv => Iv}).
%% '''
%% If the kernel lacks the family, each function that opens a socket answers `{error, eafnosupport}'. If it lacks the algorithm, the answer
%% is `{error, enoent}'.
%%
%% Step by step: {@link open/2} opens a transformation, {@link set_key/2} sets its key, {@link accept/1} opens a socket for an operation,
%% {@link sendmsg/4} sends the data, and {@link esock:recv/2} receives the result.
-module(esock_alg).

-export([encode_ctrl/1, decode_ctrl/1]).
-export([open/2, open/3, set_key/2, set_authsize/2, accept/1, sendmsg/4]).
-export([hash/2, hash/3, encrypt/4, decrypt/4, rng/2, rng/3]).

-export_type([path/0, ctrl/0, crypt_options/0, reason/0]).

-type path() :: esock_layout:path().
%% The place of the wrong part: keys and positions, from the outside in.

-type ctrl() :: #{op => encrypt | decrypt | esock:uint32(), iv => binary(), assoclen => esock:uint32()}.
%% The control messages of an operation: its direction, the initialization vector, and the number of bytes of associated data in front of
%% the data.

-type crypt_options() ::
        #{iv => binary(), type => skcipher | aead, assoc => iodata(), authsize => 1..16#FFFF, timeout => timeout()}.
%% `type': `aead' if `assoc' or `authsize' is there, otherwise `skcipher'. `assoc': data that is authenticated and not encrypted.
%% `authsize': bytes of the tag; 16 by default. `timeout': in milliseconds, for each step; 5000 by default.

-type reason() :: esock:posix() | closed | timeout | {invalid, term()} | {esock:posix() | closed | timeout, erlang:iovec() | binary()}.
%% Why a function fails. `ebadmsg': the tag does not match. `emsgsize': the data is more than the kernel takes for one operation. Data
%% behind the reason is the rest that was not sent, or the part that was received.

-define(SOL_ALG, 279).
-define(SET_KEY, 1).
-define(SET_IV, 2).
-define(SET_OP, 3).
-define(SET_ASSOCLEN, 4).
-define(SET_AUTHSIZE, 5).
%% The room for a digest: more than any algorithm makes.
-define(DIGEST, 1024).
-define(TIMEOUT, 5000).
%% Data of a hash goes in parts of this size: the kernel takes 16 pages with one call.
-define(PART, 32768).

-import(esock_layout, [at/2, invalid/1]).

%% @doc The control messages of an operation, for the key `ctrl' of a message: ALG_SET_OP, ALG_SET_IV (`struct af_alg_iv'),
%% ALG_SET_AEAD_ASSOCLEN.
%% ```
%% {ok, [#{level := 279, type := 3, data := <<1:32/native>>}]} = esock_alg:encode_ctrl(#{op => encrypt}).
%% '''
-spec encode_ctrl(ctrl()) -> {ok, [esock:cmsg_native()]} | {error, {invalid, path()}}.
encode_ctrl(Ctrl) ->
    esock_layout:result(fun() ->
        ok = esock_layout:only([op, iv, assoclen], Ctrl),
        [#{level => ?SOL_ALG, type => Type, data => at(Key, fun() -> ctrl(Key, map_get(Key, Ctrl)) end)}
         || {Key, Type} <- ctrl_types(), is_map_key(Key, Ctrl)]
    end).

ctrl_types() -> [{op, ?SET_OP}, {iv, ?SET_IV}, {assoclen, ?SET_ASSOCLEN}].

op() -> {enum, u32, [{decrypt, 0}, {encrypt, 1}]}.

ctrl(op, Op) -> esock_layout:to_bytes(op(), Op);
ctrl(assoclen, Length) -> esock_layout:to_bytes(u32, Length);
ctrl(iv, Iv) when is_binary(Iv) -> <<(byte_size(Iv)):32/native, Iv/binary>>;
ctrl(iv, _) -> invalid([]).

%% @doc The operation of control messages. `{error, {invalid, [N]}}': message `N' has another level or type.
%% ```
%% {ok, #{op := encrypt}} = esock_alg:decode_ctrl([#{level => 279, type => 3, data => <<1:32/native>>}]).
%% '''
-spec decode_ctrl([esock:cmsg_native()]) -> {ok, ctrl()} | {error, {invalid, path()}}.
decode_ctrl(Messages) when is_list(Messages) -> esock_layout:result(fun() -> decode_ctrl(Messages, 1, #{}) end);
decode_ctrl(_) -> {error, {invalid, []}}.

decode_ctrl([], _, Ctrl) -> Ctrl;
decode_ctrl([#{level := ?SOL_ALG, type := Type, data := Data} | Messages], N, Ctrl) ->
    case lists:keyfind(Type, 2, ctrl_types()) of
        {Key, Type} -> decode_ctrl(Messages, N + 1, Ctrl#{Key => at(N, fun() -> at(data, fun() -> ctrl_of(Key, Data) end) end)});
        false -> invalid([N])
    end;
decode_ctrl([_ | _], N, _) -> invalid([N]);
decode_ctrl(_, _, _) -> invalid([]).

ctrl_of(op, Data) when is_binary(Data) -> esock_layout:from_bytes(op(), Data);
ctrl_of(assoclen, Data) when is_binary(Data) -> esock_layout:from_bytes(u32, Data);
ctrl_of(iv, <<Length:32/native, Iv:Length/binary, _/binary>>) -> Iv;
ctrl_of(_, _) -> invalid([]).

%% @equiv open(Type, Name, #{})
-spec open(string() | binary(), string() | binary()) -> {ok, esock:socket()} | {error, reason()}.
open(Type, Name) -> open(Type, Name, #{}).

%% @doc A socket that is bound to an algorithm: a transformation. `Opts': `feat' and `mask' of the address. The caller owns it;
%% {@link esock:close/1} closes it. `{error, eafnosupport}': the kernel does not have the family. `{error, enoent}': it does not have the
%% algorithm.
%% ```
%% {ok, Transformation} = esock_alg:open("skcipher", "cbc(aes)").
%% '''
-spec open(string() | binary(), string() | binary(), #{feat => esock:uint32(), mask => esock:uint32()}) ->
          {ok, esock:socket()} | {error, reason()}.
open(Type, Name, Opts) ->
    case esock_layout:result(fun() -> address(Type, Name, Opts) end) of
        {ok, Address} -> bound(esock:open(alg, seqpacket), Address);
        Error -> Error
    end.

%% What is wrong is found before there is a socket.
address(Type, Name, Opts) ->
    ok = esock_layout:only([feat, mask], Opts),
    Address = Opts#{family => alg, type => Type, name => Name},
    case esock_addr:pack(Address) of
        {ok, _} -> Address;
        {error, {invalid, {sockaddr, Key, _}}} -> invalid([Key])
    end.

bound({ok, Socket}, Address) ->
    case esock:bind(Socket, Address) of
        ok -> {ok, Socket};
        Error ->
            _ = esock:close(Socket),
            Error
    end;
bound(Error, _) -> Error.

%% @doc Sets the key of a transformation, ALG_SET_KEY, before the first {@link accept/1}. `{error, einval}': the algorithm has no keys of
%% this size.
%% ```
%% ok = esock_alg:set_key(Transformation, <<0:128>>).
%% '''
-spec set_key(esock:socket(), binary()) -> ok | {error, reason()}.
set_key(Socket, Key) when is_binary(Key) -> esock:setopt_native(Socket, {?SOL_ALG, ?SET_KEY}, Key);
set_key(_, _) -> {error, {invalid, [key]}}.

%% @doc Sets the size of the tag of an authenticated cipher in bytes, ALG_SET_AEAD_AUTHSIZE: the kernel reads it as the length of the
%% option.
%% ```
%% ok = esock_alg:set_authsize(Transformation, 16).
%% '''
-spec set_authsize(esock:socket(), 1..16#FFFF) -> ok | {error, reason()}.
set_authsize(Socket, Size) when is_integer(Size), Size >= 1, Size =< 16#FFFF ->
    esock:setopt_native(Socket, {?SOL_ALG, ?SET_AUTHSIZE}, <<0:Size/unit:8>>);
set_authsize(_, _) -> {error, {invalid, [authsize]}}.

%% @doc A socket for operations of a transformation, accept(2). It has no peer.
%% ```
%% {ok, Operation} = esock_alg:accept(Transformation).
%% '''
-spec accept(esock:socket()) -> {ok, esock:socket()} | {error, reason()}.
accept(Socket) -> esock:accept(Socket, ?TIMEOUT).

%% @doc Sends data to an operation with its control messages, within so many milliseconds. `flags' are those of {@link esock:sendmsg/4};
%% with `more' other data follows.
%% ```
%% ok = esock_alg:sendmsg(Operation, [Plain], #{op => encrypt, iv => Iv, flags => []}, 1000).
%% '''
-spec sendmsg(esock:socket(), erlang:iovec(), map(), timeout()) -> ok | {ok, erlang:iovec()} | {error, reason()}.
sendmsg(Socket, IOV, Options, Timeout) when is_map(Options) ->
    case encode_ctrl(maps:remove(flags, Options)) of
        {ok, Ctrl} -> sent(esock:sendmsg(Socket, #{iov => IOV, ctrl => Ctrl}, maps:get(flags, Options, []), Timeout));
        Error -> Error
    end;
sendmsg(_, _, _, _) -> {error, {invalid, []}}.

%% A call with a timeout answers no `select'.
sent(ok) -> ok;
sent({ok, Rest}) -> {ok, Rest};
sent({error, _} = Error) -> Error.

%% @equiv hash(Name, Data, <<>>)
-spec hash(string() | binary(), iodata()) -> {ok, binary()} | {error, reason()}.
hash(Name, Data) -> hash(Name, Data, <<>>).

%% @doc The digest of data, or with a key its authentication code: the name is then one such as `hmac(sha256)'.
%% ```
%% {ok, <<_:32/binary>>} = esock_alg:hash("hmac(sha256)", <<"data">>, <<"key">>).
%% '''
-spec hash(string() | binary(), iodata(), Key :: binary()) -> {ok, binary()} | {error, reason()}.
hash(Name, Data, Key) ->
    case bytes(data, Data) of
        _ when not is_binary(Key) -> {error, {invalid, [key]}};
        {ok, Bytes} -> operation("hash", Name, [{key, Key} || Key =/= <<>>], fun(Socket) -> digest(Socket, Bytes) end);
        Error -> Error
    end.

digest(Socket, <<Part:?PART/binary, Rest/binary>>) when Rest =/= <<>> ->
    case sendmsg(Socket, [Part], #{flags => [more]}, ?TIMEOUT) of
        ok -> digest(Socket, Rest);
        Result -> unsent(Result)
    end;
digest(Socket, Bytes) ->
    case sendmsg(Socket, [Bytes], #{}, ?TIMEOUT) of
        ok -> esock:recv(Socket, ?DIGEST, [], ?TIMEOUT);
        Result -> unsent(Result)
    end.

unsent({ok, _}) -> {error, emsgsize};
unsent(Error) -> Error.

bytes(Key, Data) ->
    try {ok, iolist_to_binary(Data)}
    catch error:badarg -> {error, {invalid, [Key]}}
    end.

%% @doc Encrypts data, as much as the kernel takes for one operation: 16 pages, and what the send buffer holds. The result of an
%% authenticated cipher is the encrypted data and the tag.
%% ```
%% {ok, Sealed} = esock_alg:encrypt("gcm(aes)", Key, Plain, #{iv => <<0:96>>, assoc => Header, authsize => 16}).
%% '''
-spec encrypt(string() | binary(), Key :: binary(), iodata(), crypt_options()) -> {ok, binary()} | {error, reason()}.
encrypt(Name, Key, Data, Opts) -> crypt(encrypt, Name, Key, Data, Opts).

%% @doc Decrypts what {@link encrypt/4} with the same arguments made. `{error, ebadmsg}': the tag does not match.
%% ```
%% {ok, Plain} = esock_alg:decrypt("gcm(aes)", Key, Sealed, #{iv => <<0:96>>, assoc => Header, authsize => 16}).
%% '''
-spec decrypt(string() | binary(), Key :: binary(), iodata(), crypt_options()) -> {ok, binary()} | {error, reason()}.
decrypt(Name, Key, Data, Opts) -> crypt(decrypt, Name, Key, Data, Opts).

crypt(_, _, Key, _, _) when not is_binary(Key) -> {error, {invalid, [key]}};
crypt(Op, Name, Key, Data, Opts) ->
    case esock_layout:result(fun() -> esock_alg_crypt:plan(Op, Data, Opts) end) of
        {ok, #{type := Type, authsize := Size} = Plan} ->
            Settings = [{key, Key}] ++ [{authsize, Size} || Type =:= "aead"],
            operation(Type, Name, Settings, fun(Socket) -> esock_alg_crypt:run(Socket, Plan) end);
        Error -> Error
    end.

%% @equiv rng(Name, Size, #{})
-spec rng(string() | binary(), 1..128) -> {ok, binary()} | {error, reason()}.
rng(Name, Size) -> rng(Name, Size, #{}).

%% @doc So many random bytes, at most 128, of a generator. `seed' is set as its key.
%% ```
%% {ok, <<_:16/binary>>} = esock_alg:rng("stdrng", 16, #{seed => <<>>}).
%% '''
-spec rng(string() | binary(), 1..128, #{seed => binary()}) -> {ok, binary()} | {error, reason()}.
rng(Name, Size, Opts) when is_integer(Size), Size >= 1, Size =< 128, is_map(Opts) ->
    case esock_layout:result(fun() -> seed(Opts) end) of
        {ok, Seed} -> operation("rng", Name, [{key, Seed}], fun(Socket) -> esock:recv(Socket, Size, [], ?TIMEOUT) end);
        Error -> Error
    end;
rng(_, _, Opts) when is_map(Opts) -> {error, {invalid, [size]}};
rng(_, _, _) -> {error, {invalid, []}}.

seed(Opts) ->
    ok = esock_layout:only([seed], Opts),
    case maps:get(seed, Opts, <<>>) of
        Seed when is_binary(Seed) -> Seed;
        _ -> invalid([seed])
    end.

%% Closes both sockets, also after an error.
operation(Type, Name, Settings, Fun) ->
    case open(Type, Name) of
        {ok, Socket} ->
            try set(Socket, Settings, Fun)
            after _ = esock:close(Socket)
            end;
        Error -> Error
    end.

set(Socket, [], Fun) ->
    case accept(Socket) of
        {ok, Operation} ->
            try Fun(Operation)
            after _ = esock:close(Operation)
            end;
        Error -> Error
    end;
set(Socket, [{Setting, Value} | Settings], Fun) ->
    case setting(Socket, Setting, Value) of
        ok -> set(Socket, Settings, Fun);
        Error -> Error
    end.

setting(Socket, key, Key) -> set_key(Socket, Key);
setting(Socket, authsize, Size) -> set_authsize(Socket, Size).

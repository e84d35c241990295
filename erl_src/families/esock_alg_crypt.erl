%% @private
%% @doc Operations of ciphers over AF_ALG: the bytes to send, the number of bytes to receive, and the part of them that is the result.
-module(esock_alg_crypt).

-export([plan/3, run/2]).

-import(esock_layout, [at/2, invalid/1]).

-define(TIMEOUT, 5000).
-define(AUTHSIZE, 16).

%% @doc The plan of an operation: its control messages, its bytes, the size of the answer. Throws `{invalid, Path}'.
-spec plan(encrypt | decrypt, iodata(), esock_alg:crypt_options()) ->
          #{type := string(), authsize := pos_integer(), ctrl := map(), send := binary(), size := non_neg_integer(),
            skip := non_neg_integer(), timeout := timeout()}.
plan(Op, Data, Opts) ->
    ok = esock_layout:only([iv, type, assoc, authsize, timeout], Opts),
    Type = type(Opts),
    Bytes = at(data, fun() -> bytes(Data) end),
    Assoc = at(assoc, fun() -> bytes(maps:get(assoc, Opts, <<>>)) end),
    AuthSize = at(authsize, fun() -> authsize(maps:get(authsize, Opts, ?AUTHSIZE)) end),
    #{type => Type, authsize => AuthSize, ctrl => ctrl(Type, Op, Assoc, Opts), send => <<Assoc/binary, Bytes/binary>>,
      size => answer(Type, Op, byte_size(Assoc) + byte_size(Bytes), AuthSize), skip => byte_size(Assoc),
      timeout => at(timeout, fun() -> timeout(maps:get(timeout, Opts, ?TIMEOUT)) end)}.

type(Opts) ->
    case maps:get(type, Opts, default(Opts)) of
        aead -> "aead";
        skcipher when is_map_key(assoc, Opts) -> invalid([assoc]);
        skcipher when is_map_key(authsize, Opts) -> invalid([authsize]);
        skcipher -> "skcipher";
        _ -> invalid([type])
    end.

default(#{assoc := _}) -> aead;
default(#{authsize := _}) -> aead;
default(_) -> skcipher.

bytes(Data) ->
    try iolist_to_binary(Data)
    catch error:badarg -> invalid([])
    end.

authsize(Size) when is_integer(Size), Size >= 1, Size =< 16#FFFF -> Size;
authsize(_) -> invalid([]).

timeout(infinity) -> infinity;
timeout(Timeout) when is_integer(Timeout), Timeout >= 0 -> Timeout;
timeout(_) -> invalid([]).

ctrl(Type, Op, Assoc, Opts) ->
    Iv = case Opts of
             #{iv := Bytes} when is_binary(Bytes) -> #{iv => Bytes};
             #{iv := _} -> invalid([iv]);
             _ -> #{}
         end,
    case Type of
        "aead" -> Iv#{op => Op, assoclen => byte_size(Assoc)};
        _ -> Iv#{op => Op}
    end.

%% An authenticated cipher answers the associated data too.
answer("aead", encrypt, Length, AuthSize) -> Length + AuthSize;
answer("aead", decrypt, Length, AuthSize) when Length >= AuthSize -> Length - AuthSize;
answer("aead", decrypt, _, _) -> invalid([data]);
answer(_, _, Length, _) -> Length.

%% @doc The result of an operation on its socket.
-spec run(esock:socket(), map()) -> {ok, binary()} | {error, esock_alg:reason()}.
run(Socket, #{ctrl := Ctrl, send := Bytes, size := Size, skip := Skip, timeout := Timeout}) ->
    case esock_alg:sendmsg(Socket, [Bytes], Ctrl, Timeout) of
        ok -> skipped(Skip, esock:recv(Socket, max(1, Size), [], Timeout));
        {ok, _} -> {error, emsgsize};
        Error -> Error
    end.

skipped(Skip, {ok, Bytes}) when byte_size(Bytes) >= Skip -> {ok, binary_part(Bytes, Skip, byte_size(Bytes) - Skip)};
skipped(_, {ok, _}) -> {error, ebadmsg};
skipped(_, Error) -> Error.

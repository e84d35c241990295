%% @private
%% @doc Layouts of C structs: lists of fields that turn a map into the bytes of a struct, and the bytes into the map. An error is thrown as
%% `{invalid, Path}': the keys and positions of the wrong part, from the outside in.
-module(esock_layout).

-export([result/1, at/2, invalid/1]).
-export([encode/2, decode/2, decode_known/2, keys/1]).
-export([to_bytes/2, from_bytes/2, width/1]).
-export([names/2, split/2, only/2]).

-export_type([path/0, layout/0, field/0, type/0, table/0]).

-type path() :: [term()].
%% Keys of maps and positions in lists (from 1), from the outside in.

-type table() :: [{Name :: atom(), Number :: integer()}].
%% Names and their numbers.

-type type() ::
        u8 | u16 | u32 | u64 | s32 | be16 | be32 | {enum, type(), table()} | {flags, type(), table()} |
        {bytes, non_neg_integer()} | {text, pos_integer()} | {timeval, 4 | 8}.
%% The form of a value in memory. `u8' to `s32': an integer in the machine's byte order; `be16', `be32': in network order. `enum': a name
%% (a number without a name stays a number). `flags': a list of names of bits; the bits without a name are one integer at its end.
%% `bytes': exactly that many bytes. `text': a text of at most that many bytes, filled with NUL bytes. `timeval': two longs of that size,
%% seconds and microseconds.

-type field() :: {Name :: atom(), type()} | {Name :: atom(), type(), Default :: term()} | {pad, Bytes :: pos_integer()}.
%% A field. Without a default the map has to have it.

-type layout() :: [field()].
%% A struct.

%% @doc Runs a function that throws `{invalid, Path}' for wrong input, and makes an error of it.
-spec result(fun(() -> Value)) -> {ok, Value} | {error, {invalid, path()}}.
result(Fun) ->
    try {ok, Fun()}
    catch throw:{invalid, Path} -> {error, {invalid, Path}}
    end.

%% @doc Runs a function on the part of the input at `Key'. If the function throws `{invalid, Path}', `Key' goes in front of the path.
-spec at(term(), fun(() -> Value)) -> Value.
at(Key, Fun) ->
    try Fun()
    catch throw:{invalid, Path} -> throw({invalid, [Key | Path]})
    end.

%% @doc Throws `{invalid, Path}'.
-spec invalid(path()) -> no_return().
invalid(Path) -> throw({invalid, Path}).

%% @doc The bytes of a struct. A key that is no field, a field that is missing, a wrong value: `{invalid, [Key | _]}' is thrown.
-spec encode(layout(), map()) -> binary().
encode(Layout, Map) ->
    ok = only(keys(Layout), Map),
    << <<(encode_field(Field, Map))/binary>> || Field <- Layout >>.

encode_field({pad, Bytes}, _) -> <<0:Bytes/unit:8>>;
encode_field({Name, Type}, Map) when is_map_key(Name, Map) -> at(Name, fun() -> to_bytes(Type, map_get(Name, Map)) end);
encode_field({Name, _}, _) -> invalid([Name]);
encode_field({Name, Type, Default}, Map) -> at(Name, fun() -> to_bytes(Type, maps:get(Name, Map, Default)) end).

%% @doc The fields of a struct and the bytes behind it. If the bytes end too early, `{invalid, [Name]}' is thrown.
-spec decode(layout(), binary()) -> {map(), binary()}.
decode(Layout, Bytes) -> decode(Layout, Bytes, #{}).

decode([], Rest, Map) ->
    {Map, Rest};
decode([Field | Layout], Bytes, Map) ->
    case take(Field, Bytes) of
        {Value, Rest} -> decode(Layout, Rest, set(Field, Value, Map));
        short -> invalid([element(1, Field)])
    end.

%% @doc The fields that the bytes hold: the struct of an older kernel is shorter, that of a newer one longer.
-spec decode_known(layout(), binary()) -> map().
decode_known(Layout, Bytes) -> decode_known(Layout, Bytes, #{}).

decode_known([], _, Map) ->
    Map;
decode_known([Field | Layout], Bytes, Map) ->
    case take(Field, Bytes) of
        {Value, Rest} -> decode_known(Layout, Rest, set(Field, Value, Map));
        short -> Map
    end.

take(Field, Bytes) ->
    Size = field_size(Field),
    case Bytes of
        <<Value:Size/binary, Rest/binary>> -> {Value, Rest};
        _ -> short
    end.

field_size({pad, Bytes}) -> Bytes;
field_size({_, Type}) -> width(Type);
field_size({_, Type, _}) -> width(Type).

set({pad, _}, _, Map) -> Map;
set(Field, Value, Map) ->
    Name = element(1, Field),
    Map#{Name => at(Name, fun() -> from_bytes(element(2, Field), Value) end)}.

%% @doc The names of the fields.
-spec keys(layout()) -> [atom()].
keys(Layout) -> [element(1, Field) || Field <- Layout, element(1, Field) =/= pad].

%% @doc `ok' if the map has no other keys. Otherwise `{invalid, [Key]}' is thrown; for a term that is no map `{invalid, []}'.
-spec only([term()], term()) -> ok.
only(Keys, Map) when is_map(Map) ->
    case lists:sort(maps:keys(maps:without(Keys, Map))) of
        [] -> ok;
        [Key | _] -> invalid([Key])
    end;
only(_, _) ->
    invalid([]).

%% @doc The map's part with the keys of the layout, and the rest.
-spec split(layout(), term()) -> {map(), map()}.
split(Layout, Map) when is_map(Map) -> {maps:with(keys(Layout), Map), maps:without(keys(Layout), Map)};
split(_, _) -> invalid([]).

%% @doc How many bytes a value of the type has.
-spec width(type()) -> non_neg_integer().
width(u8) -> 1;
width(u16) -> 2;
width(be16) -> 2;
width(u64) -> 8;
width({enum, Type, _}) -> width(Type);
width({flags, Type, _}) -> width(Type);
width({bytes, Size}) -> Size;
width({text, Size}) -> Size;
width({timeval, Size}) -> 2 * Size;
width(_) -> 4.

%% @doc The bytes of a value. For a wrong value `{invalid, Path}' is thrown.
-spec to_bytes(type(), term()) -> binary().
to_bytes(u8, N) when is_integer(N), N >= 0, N < 1 bsl 8 -> <<N>>;
to_bytes(u16, N) when is_integer(N), N >= 0, N < 1 bsl 16 -> <<N:16/native>>;
to_bytes(u32, N) when is_integer(N), N >= 0, N < 1 bsl 32 -> <<N:32/native>>;
to_bytes(u64, N) when is_integer(N), N >= 0, N < 1 bsl 64 -> <<N:64/native>>;
to_bytes(s32, N) when is_integer(N), N >= -(1 bsl 31), N < 1 bsl 31 -> <<N:32/native-signed>>;
to_bytes(be16, N) when is_integer(N), N >= 0, N < 1 bsl 16 -> <<N:16>>;
to_bytes(be32, N) when is_integer(N), N >= 0, N < 1 bsl 32 -> <<N:32>>;
to_bytes({enum, Type, Table}, Name) when is_atom(Name) ->
    case lists:keyfind(Name, 1, Table) of
        {Name, Number} -> to_bytes(Type, Number);
        false -> invalid([])
    end;
to_bytes({enum, Type, _}, Number) -> to_bytes(Type, Number);
to_bytes({flags, Type, Table}, Flags) -> to_bytes(Type, bits(Flags, Table, 0));
to_bytes({bytes, Size}, Bytes) when is_binary(Bytes), byte_size(Bytes) =:= Size -> Bytes;
to_bytes({text, Size}, Text) when is_binary(Text), byte_size(Text) =< Size ->
    case binary:match(Text, <<0>>) of
        nomatch -> <<Text/binary, 0:(Size - byte_size(Text))/unit:8>>;
        _ -> invalid([])
    end;
to_bytes({timeval, Size}, Time) ->
    ok = only([sec, usec], Time),
    << <<(at(Key, fun() -> long(Size, maps:get(Key, Time, none)) end))/binary>> || Key <- [sec, usec] >>;
to_bytes(_, _) -> invalid([]).

long(Size, N) when is_integer(N), N >= -(1 bsl (8 * Size - 1)), N < 1 bsl (8 * Size - 1) -> <<N:Size/native-signed-unit:8>>;
long(_, _) -> invalid([]).

bits([], _, Bits) -> Bits;
bits([Flag | Flags], Table, Bits) when is_atom(Flag) ->
    case lists:keyfind(Flag, 1, Table) of
        {Flag, Number} -> bits(Flags, Table, Bits bor Number);
        false -> invalid([Flag])
    end;
bits([Flag | Flags], Table, Bits) when is_integer(Flag), Flag >= 0 -> bits(Flags, Table, Bits bor Flag);
bits([Flag | _], _, _) -> invalid([Flag]);
bits(_, _, _) -> invalid([]).

%% @doc The value of bytes, which are as many as the type has; if they are not, `{invalid, []}' is thrown.
-spec from_bytes(type(), binary()) -> term().
from_bytes(u8, <<N>>) -> N;
from_bytes(u16, <<N:16/native>>) -> N;
from_bytes(u32, <<N:32/native>>) -> N;
from_bytes(u64, <<N:64/native>>) -> N;
from_bytes(s32, <<N:32/native-signed>>) -> N;
from_bytes(be16, <<N:16>>) -> N;
from_bytes(be32, <<N:32>>) -> N;
from_bytes({enum, Type, Table}, Bytes) ->
    Number = from_bytes(Type, Bytes),
    case lists:keyfind(Number, 2, Table) of
        {Name, _} -> Name;
        false -> Number
    end;
from_bytes({flags, Type, Table}, Bytes) -> names(from_bytes(Type, Bytes), Table);
from_bytes({bytes, Size}, Bytes) when byte_size(Bytes) =:= Size -> Bytes;
from_bytes({text, Size}, Bytes) when byte_size(Bytes) =:= Size -> hd(binary:split(Bytes, <<0>>));
from_bytes({timeval, Size}, Bytes) ->
    case Bytes of
        <<Sec:Size/native-signed-unit:8, Usec:Size/native-signed-unit:8>> -> #{sec => Sec, usec => Usec};
        _ -> invalid([])
    end;
from_bytes(_, _) -> invalid([]).

%% @doc The names of bits in the order of the table; the bits without a name are an integer at the end.
-spec names(non_neg_integer(), table()) -> [atom() | pos_integer()].
names(0, _) -> [];
names(Bits, []) -> [Bits];
names(Bits, [{Name, Number} | Table]) when Bits band Number =:= Number -> [Name | names(Bits band bnot Number, Table)];
names(Bits, [_ | Table]) -> names(Bits, Table).

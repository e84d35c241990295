%% @private
%% @doc Attributes of netlink messages, `struct nlattr' of linux/netlink.h: a map becomes a list of attributes by a schema, and the
%% list becomes the map. An attribute without a name in the schema is `Number => Bytes', both ways.
-module(esock_netlink_attr).

-export([encode/2, decode/2]).
-export([encode_body/2, decode_body/2]).
-export([pad/1]).

-export_type([schema/0, type/0, body/0]).

-type schema() :: [{Name :: atom(), Number :: 1..16#3FFF, type()}].
%% The attributes that have names, in the order of their numbers.

-type type() ::
        esock_layout:type() | binary | string | {string, MaxBytes :: pos_integer()} | flag | ip | via | nexthops |
        {struct, esock_layout:layout()} | {nested, schema()} | {body, Name :: atom()} | {multi, type()} |
        {union, Key :: atom(), #{binary() => type()}}.
%% The payload of an attribute. `string': a text with a NUL byte behind it. `flag': no bytes (the value is `true'). `ip': an address of 4 or
%% 16 bytes. `via': a `struct rtvia'. `nexthops': a list of `struct rtnexthop'. `nested': attributes. `body': a struct with attributes behind
%% it, by its name in {@link esock_netlink_tables}. `multi': several attributes with one number, as a list. `union': the type depends on the
%% text of the attribute `Key'.

-type body() :: {esock_layout:layout(), schema()}.
%% A struct with attributes behind it.

-import(esock_layout, [at/2, invalid/1]).

%% NLA_F_NESTED, and NLA_TYPE_MASK.
-define(NESTED, 16#8000).
-define(NUMBER, 16#3FFF).

%% @doc The bytes of a struct and the attributes behind it.
-spec encode_body(body(), map()) -> binary().
encode_body({Layout, Schema}, Map) ->
    {Head, Attributes} = esock_layout:split(Layout, Map),
    <<(pad(esock_layout:encode(Layout, Head)))/binary, (encode(Schema, Attributes))/binary>>.

%% @doc The struct and the attributes in one map.
-spec decode_body(body(), binary()) -> map().
decode_body({Layout, Schema}, Bytes) ->
    {Head, Rest} = esock_layout:decode(Layout, Bytes),
    Size = byte_size(Bytes) - byte_size(Rest),
    maps:merge(decode(Schema, skip(Rest, -Size band 3)), Head).

%% @doc The bytes with zeros behind them up to a multiple of 4.
-spec pad(binary()) -> binary().
pad(Bytes) -> <<Bytes/binary, 0:(-byte_size(Bytes) band 3)/unit:8>>.

skip(Bytes, Size) ->
    case Bytes of
        <<_:Size/binary, Rest/binary>> -> Rest;
        _ -> <<>>
    end.

%% @doc The attributes of a map, in the order of their numbers.
-spec encode(schema(), map()) -> binary().
encode(Schema, Map) when is_map(Map) ->
    Numbered = lists:sort([{number(Key, Schema), Key, Value} || {Key, Value} <- maps:to_list(Map)]),
    << <<(at(Key, fun() -> attribute(Number, Key, Value, Schema, Map) end))/binary>> || {Number, Key, Value} <- Numbered >>;
encode(_, _) -> invalid([]).

number(Key, Schema) when is_integer(Key), Key >= 0, Key =< 16#FFFF ->
    case lists:keymember(Key band ?NUMBER, 2, Schema) of
        false -> Key;
        true -> invalid([Key])
    end;
number(Key, Schema) ->
    case lists:keyfind(Key, 1, Schema) of
        {Key, Number, _} -> Number;
        false -> invalid([Key])
    end.

attribute(Number, Key, Value, _, _) when is_integer(Key) -> tlv(Number, to_bytes(binary, Value));
attribute(Number, Key, Value, Schema, Map) ->
    {Key, Number, Type} = lists:keyfind(Key, 1, Schema),
    case Type of
        {multi, One} -> multi(Number, One, Value, 1);
        _ -> typed(Number, of_union(Type, Map), Value)
    end.

multi(_, _, [], 1) -> invalid([]);
multi(_, _, [], _) -> <<>>;
multi(Number, Type, [Value | Values], N) ->
    First = at(N, fun() -> typed(Number, Type, Value) end),
    <<First/binary, (multi(Number, Type, Values, N + 1))/binary>>;
multi(_, _, _, _) -> invalid([]).

typed(Number, {nested, _} = Type, Value) -> tlv(Number bor ?NESTED, to_bytes(Type, Value));
typed(Number, Type, Value) -> tlv(Number, to_bytes(Type, Value)).

tlv(Number, Bytes) when byte_size(Bytes) =< 16#FFFF - 4 ->
    pad(<<(byte_size(Bytes) + 4):16/native, Number:16/native, Bytes/binary>>);
tlv(_, _) -> invalid([]).

%% Bytes where nothing else is known.
of_union({union, Key, Types}, Map) -> maps:get(maps:get(Key, Map, undefined), Types, binary);
of_union(Type, _) -> Type.

to_bytes(binary, Bytes) when is_binary(Bytes) -> Bytes;
to_bytes(string, Text) -> to_bytes({string, 16#FFFF}, Text);
to_bytes({string, Max}, Text) when is_list(Text) -> to_bytes({string, Max}, bytes(Text));
to_bytes({string, Max}, Text) when is_binary(Text), byte_size(Text) =< Max ->
    case binary:match(Text, <<0>>) of
        nomatch -> <<Text/binary, 0>>;
        _ -> invalid([])
    end;
to_bytes(flag, true) -> <<>>;
to_bytes(ip, Addr) -> ip(Addr);
to_bytes(via, Via) ->
    ok = esock_layout:only([family, addr], Via),
    Family = esock_layout:encode([{family, esock_netlink_tables:family(u16)}], maps:with([family], Via)),
    <<Family/binary, (at(addr, fun() -> ip_or_bytes(maps:get(addr, Via, none)) end))/binary>>;
to_bytes(nexthops, Hops) -> nexthops(Hops, 1);
to_bytes({struct, Layout}, Map) -> esock_layout:encode(Layout, Map);
to_bytes({nested, Schema}, Map) -> encode(Schema, Map);
to_bytes({body, Name}, Map) -> encode_body(esock_netlink_tables:body(Name), Map);
to_bytes(Type, Value) when is_atom(Type), Type =/= binary, Type =/= flag -> esock_layout:to_bytes(Type, Value);
to_bytes({Kind, _, _} = Type, Value) when Kind =:= enum; Kind =:= flags -> esock_layout:to_bytes(Type, Value);
to_bytes({bytes, _} = Type, Value) -> esock_layout:to_bytes(Type, Value);
to_bytes(_, _) -> invalid([]).

bytes(Text) ->
    try unicode:characters_to_binary(Text) of
        Bytes when is_binary(Bytes) -> Bytes;
        _ -> invalid([])
    catch error:badarg -> invalid([])
    end.

ip({A, B, C, D}) -> << <<(at(N, fun() -> esock_layout:to_bytes(u8, Part) end))/binary>> || {N, Part} <- lists:enumerate([A, B, C, D]) >>;
ip(Addr) when is_tuple(Addr), tuple_size(Addr) =:= 8 ->
    << <<(at(N, fun() -> esock_layout:to_bytes(be16, Part) end))/binary>> || {N, Part} <- lists:enumerate(tuple_to_list(Addr)) >>;
ip(_) -> invalid([]).

ip_or_bytes(Addr) when is_binary(Addr) -> Addr;
ip_or_bytes(Addr) -> ip(Addr).

nexthops([], _) -> <<>>;
nexthops([Hop | Hops], N) -> <<(at(N, fun() -> nexthop(Hop) end))/binary, (nexthops(Hops, N + 1))/binary>>;
nexthops(_, _) -> invalid([]).

nexthop(Hop) ->
    case encode_body(esock_netlink_tables:body(nexthop), Hop) of
        <<_:16, Body/binary>> when byte_size(Body) + 2 =< 16#FFFF -> <<(byte_size(Body) + 2):16/native, Body/binary>>;
        _ -> invalid([])
    end.

%% @doc The map of a list of attributes.
-spec decode(schema(), binary()) -> map().
decode(Schema, Bytes) -> resolve(Schema, collect(Schema, Bytes, 1, #{})).

collect(_, <<>>, _, Map) -> Map;
collect(Schema, <<Size:16/native, Raw:16/native, Bytes/binary>>, N, Map) when Size >= 4, Size - 4 =< byte_size(Bytes) ->
    Length = Size - 4,
    <<Value:Length/binary, Rest/binary>> = Bytes,
    Found = lists:keyfind(Raw band ?NUMBER, 2, Schema),
    collect(Schema, skip(Rest, -Size band 3), N + 1, found(Found, Raw, Value, Map));
collect(_, _, N, _) -> invalid([{attribute, N}]).

found(false, Raw, Value, Map) -> Map#{Raw => Value};
found({Name, _, {multi, Type}}, _, Value, Map) ->
    %% In reverse until resolve/2.
    Values = maps:get(Name, Map, []),
    try from_bytes(Type, Value) of
        New -> Map#{Name => [New | Values]}
    catch throw:{invalid, Path} -> invalid([Name, length(Values) + 1 | Path])
    end;
found({Name, _, {union, _, _}}, _, Value, Map) -> Map#{Name => Value};
found({Name, _, Type}, _, Value, Map) -> Map#{Name => at(Name, fun() -> from_bytes(Type, Value) end)}.

%% Unions come last: their types depend on other attributes.
resolve(Schema, Map) ->
    lists:foldl(fun({Name, _, {union, _, _} = Type}, Acc) when is_map_key(Name, Acc) ->
                        Acc#{Name := at(Name, fun() -> from_bytes(of_union(Type, Acc), map_get(Name, Acc)) end)};
                   ({Name, _, {multi, _}}, Acc) when is_map_key(Name, Acc) ->
                        Acc#{Name := lists:reverse(map_get(Name, Acc))};
                   (_, Acc) -> Acc
                end, Map, Schema).

from_bytes(binary, Bytes) -> Bytes;
from_bytes(string, Bytes) -> hd(binary:split(Bytes, <<0>>));
from_bytes({string, _}, Bytes) -> hd(binary:split(Bytes, <<0>>));
from_bytes(flag, _) -> true;
from_bytes(ip, Bytes) ->
    case address(Bytes) of
        Addr when is_tuple(Addr) -> Addr;
        _ -> invalid([])
    end;
from_bytes(via, Bytes) ->
    {Via, Addr} = esock_layout:decode([{family, esock_netlink_tables:family(u16)}], Bytes),
    Via#{addr => address(Addr)};
from_bytes(nexthops, Bytes) -> hops(Bytes, 1);
from_bytes({struct, Layout}, Bytes) -> esock_layout:decode_known(Layout, Bytes);
from_bytes({nested, Schema}, Bytes) -> decode(Schema, Bytes);
from_bytes({body, Name}, Bytes) -> decode_body(esock_netlink_tables:body(Name), Bytes);
from_bytes(Type, Bytes) -> esock_layout:from_bytes(Type, Bytes).

%% Of another size, the bytes.
address(<<A, B, C, D>>) -> {A, B, C, D};
address(<<Parts:16/binary>>) -> list_to_tuple([Part || <<Part:16>> <= Parts]);
address(Bytes) -> Bytes.

hops(<<>>, _) -> [];
hops(<<Size:16/native, _/binary>> = Bytes, N) when Size >= 8, Size =< byte_size(Bytes) ->
    <<Body:Size/binary, Rest/binary>> = Bytes,
    Hop = at(N, fun() -> decode_body(esock_netlink_tables:body(nexthop), Body) end),
    [Hop | hops(skip(Rest, -Size band 3), N + 1)];
hops(_, N) -> invalid([N]).

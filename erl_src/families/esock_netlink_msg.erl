%% @private
%% @doc Codec of netlink messages, netlink(7): `struct nlmsghdr' and the body behind it.
-module(esock_netlink_msg).

-export([encode/2, decode/2]).
-export([errno/1]).

-import(esock_layout, [at/2, invalid/1]).

%% The size of struct nlmsghdr.
-define(HEADER, 16).
-define(ERROR, 2).
-define(DONE, 3).
-define(CAPPED, 16#100).
-define(ACK_TLVS, 16#200).

%% @doc The bytes of one message or of several. Throws `{invalid, Path}'.
-spec encode(esock_netlink:family(), esock_netlink:message() | [esock_netlink:message()]) -> binary().
encode(Family, Messages) when is_list(Messages) -> messages(Family, Messages, 1);
encode(Family, Message) -> message(Family, Message).

messages(_, [], _) -> <<>>;
messages(Family, [Message | Messages], N) ->
    First = at(N, fun() -> message(Family, Message) end),
    <<First/binary, (messages(Family, Messages, N + 1))/binary>>;
messages(_, _, _) -> invalid([]).

message(Family, Message) ->
    ok = esock_layout:only([type, flags, seq, pid, body], Message),
    is_map_key(type, Message) orelse invalid([type]),
    <<Type:16/native>> = at(type, fun() -> esock_layout:to_bytes(type(Family), map_get(type, Message)) end),
    Head = esock_layout:encode(head(Family, Type), maps:without([type, body], Message)),
    <<Flags:16/native, _/binary>> = Head,
    Body = at(body, fun() -> body(kind(Family, Type, Flags), Flags, maps:get(body, Message, none)) end),
    Size = ?HEADER + byte_size(Body),
    esock_netlink_attr:pad(<<Size:32/native, Type:16/native, Head/binary, Body/binary>>).

%% Behind the size and the type.
head(Family, Type) ->
    [{flags, {flags, u16, esock_netlink_tables:flags(Family, Type)}, []}, {seq, u32, 0}, {pid, u32, 0}].

type(route) -> {enum, u16, esock_netlink_tables:types()};
type(sock_diag) -> {enum, u16, control() ++ esock_netlink_diag:types()};
type(_) -> {enum, u16, control()}.

control() -> lists:sublist(esock_netlink_tables:types(), 4).

%% The form of the body behind the header.
kind(_, ?ERROR, _) -> error;
kind(_, ?DONE, _) -> done;
kind(route, Type, _) when Type >= 16, Type =< 30, Type =/= 23, Type =/= 27 ->
    {body, element(Type div 4 - 3, {link, addr, route, neigh})};
kind(sock_diag, Type, Flags) when Type =:= 20; Type =:= 21 -> {diag, Type =:= 20 andalso Flags band 1 =:= 0};
kind(_, _, _) -> bytes.

body(bytes, _, none) -> <<>>;
body(bytes, _, Bytes) when is_binary(Bytes) -> Bytes;
body(bytes, _, _) -> invalid([]);
body(Kind, Flags, none) -> body(Kind, Flags, #{});
body({body, Name}, _, Map) -> esock_netlink_attr:encode_body(esock_netlink_tables:body(Name), Map);
body({diag, Answer}, _, Map) -> esock_netlink_diag:encode(Answer, Map);
body(done, _, Map) when map_size(Map) =:= 0 -> <<>>;
body(done, Flags, Map) ->
    ok = esock_layout:only([error, ack], Map),
    <<(error_bytes(Map))/binary, (ack(Flags, Map))/binary>>;
body(error, Flags, Map) ->
    ok = esock_layout:only([error, request, ack], Map),
    Request = at(request, fun() -> request(Flags, maps:get(request, Map, none)) end),
    <<(error_bytes(Map))/binary, (esock_netlink_attr:pad(Request))/binary, (ack(Flags, Map))/binary>>.

error_bytes(#{error := Error}) -> at(error, fun() -> error_number(Error) end);
error_bytes(_) -> invalid([error]).

error_number(ok) -> <<0:32>>;
error_number(Error) when is_atom(Error) ->
    case lists:keyfind(Error, 1, esock_netlink_tables:errors()) of
        {Error, Number} -> <<(-Number):32/native>>;
        false -> invalid([])
    end;
error_number(Number) -> esock_layout:to_bytes(s32, Number).

%% The request that an error is about: capped, its header only.
request(Flags, Request) ->
    {Payload, Head} = payload(Request),
    Bytes = esock_layout:encode(request_layout(), Head),
    <<Size:32/native, _/binary>> = Bytes,
    case Flags band ?CAPPED of
        0 when Size =:= ?HEADER + byte_size(Payload) -> <<Bytes/binary, Payload/binary>>;
        0 -> invalid([length]);
        _ when Payload =:= <<>> -> Bytes;
        _ -> invalid([payload])
    end.

payload(#{payload := Payload} = Request) when is_binary(Payload) -> {Payload, maps:remove(payload, Request)};
payload(#{payload := _}) -> invalid([payload]);
payload(Request) -> {<<>>, Request}.

request_layout() -> [{length, u32}, {type, u16}, {flags, u16, 0}, {seq, u32, 0}, {pid, u32, 0}].

ack(Flags, Map) when Flags band ?ACK_TLVS =/= 0 ->
    at(ack, fun() -> esock_netlink_attr:encode(ack_schema(), maps:get(ack, Map, #{})) end);
ack(_, #{ack := _}) -> invalid([ack]);
ack(_, _) -> <<>>.

%% NLMSGERR_ATTR_*.
ack_schema() ->
    [{message, 1, string}, {offset, 2, u32}, {cookie, 3, binary}, {policy, 4, binary}, {missing_type, 5, u32}, {missing_nest, 6, u32}].

%% @doc The messages of bytes. Throws `{invalid, Path}'.
-spec decode(esock_netlink:family(), binary()) -> [esock_netlink:message()].
decode(Family, Bytes) when is_binary(Bytes) -> decode(Family, Bytes, 1);
decode(_, _) -> invalid([]).

decode(_, <<>>, _) ->
    [];
decode(Family, <<Size:32/native, _/binary>> = Bytes, N) when Size >= ?HEADER, Size =< byte_size(Bytes) ->
    <<_:32, Message:(Size - 4)/binary, Rest/binary>> = Bytes,
    Padding = min(-Size band 3, byte_size(Rest)),
    <<_:Padding/binary, Next/binary>> = Rest,
    [at(N, fun() -> one(Family, Message) end) | decode(Family, Next, N + 1)];
decode(_, _, N) ->
    invalid([N, length]).

one(Family, <<Number:16/native, Head:10/binary, Bytes/binary>>) ->
    Type = esock_layout:from_bytes(type(Family), <<Number:16/native>>),
    <<Flags:16/native, _/binary>> = Head,
    {Map, <<>>} = esock_layout:decode(head(Family, Number), Head),
    Map#{type => Type, body => at(body, fun() -> unpack(kind(Family, Number, Flags), Flags, Bytes) end)}.

unpack(bytes, _, Bytes) -> Bytes;
unpack({body, Name}, _, Bytes) -> esock_netlink_attr:decode_body(esock_netlink_tables:body(Name), Bytes);
unpack({diag, Answer}, _, Bytes) -> esock_netlink_diag:decode(Answer, Bytes);
unpack(done, _, <<>>) -> #{};
unpack(done, Flags, <<Error:32/native-signed, Rest/binary>>) -> acked(Flags, Rest, #{error => errno(Error)});
unpack(error, Flags, <<Error:32/native-signed, Rest/binary>>) ->
    {Request, Attributes} = at(request, fun() -> requested(Flags, Rest) end),
    acked(Flags, Attributes, #{error => errno(Error), request => Request});
unpack(_, _, _) -> invalid([error]).

requested(Flags, Bytes) ->
    {#{length := Size} = Head, Rest} = esock_layout:decode(request_layout(), Bytes),
    case {Flags band ?CAPPED, Size - ?HEADER} of
        {0, Length} when Length >= 0, Length =< byte_size(Rest) ->
            <<Payload:Length/binary, Behind/binary>> = Rest,
            Padding = min(-Size band 3, byte_size(Behind)),
            <<_:Padding/binary, Attributes/binary>> = Behind,
            {Head#{payload => Payload}, Attributes};
        {0, _} -> invalid([length]);
        _ -> {Head, Rest}
    end.

acked(Flags, Bytes, Map) when Flags band ?ACK_TLVS =/= 0 ->
    Map#{ack => at(ack, fun() -> esock_netlink_attr:decode(ack_schema(), Bytes) end)};
acked(_, _, Map) -> Map.

%% @doc The name of an error that a message carries: 0 is `ok', a number without a name stands for itself.
-spec errno(integer()) -> ok | atom() | integer().
errno(0) -> ok;
errno(Number) ->
    case lists:keyfind(-Number, 2, esock_netlink_tables:errors()) of
        {Name, _} -> Name;
        false -> Number
    end.

%% Properties of the codecs in erl_src/families: what is encoded is decoded as it was, what is wrong is found where it is, and no bytes
%% make a decoder raise.
-module(prop_esock_families).

-include_lib("proper/include/proper.hrl").

-export([round_trip/3, wrong_values/2, any_bytes/2]).
-export([layout/1, of_type/1, flags/1, int/1]).
-export([netlink/1]).

%% `Encode(X)' is `{ok, Bytes}' and `Decode(Bytes)' is `{ok, X}'.
round_trip(Terms, Encode, Decode) ->
    ?FORALL(Term, Terms,
            begin
                {ok, Bytes} = Encode(Term),
                Decoded = Decode(Bytes),
                ?WHENFAIL(io:format("~p~n~p~n~p~n", [Term, Bytes, Decoded]), Decoded =:= {ok, Term})
            end).

%% A wrong value at any place of a term gives the path to that place.
wrong_values(Terms, Encode) ->
    ?FORALL({Term, Pick}, {Terms, non_neg_integer()},
            begin
                Paths = paths(Term),
                Path = lists:nth(Pick rem length(Paths) + 1, Paths),
                Answer = Encode(replace(Path, Term)),
                ?WHENFAIL(io:format("~p~n~p: ~p~n", [Term, Path, Answer]), Answer =:= {error, {invalid, Path}})
            end).

paths(Map) when is_map(Map) ->
    [[Key | Path] || {Key, Value} <- maps:to_list(Map), Path <- [[] | paths(Value)]] ++ [[no_such_key]];
paths(Maps) when is_list(Maps) ->
    [[N | Path] || {N, Value} <- lists:enumerate(Maps), is_map(Value), Path <- paths(Value)];
paths(_) -> [].

replace([], _) -> {wrong};
replace([N | Path], List) when is_list(List) ->
    {Before, [Value | Behind]} = lists:split(N - 1, List),
    Before ++ [replace(Path, Value) | Behind];
replace([Key | Path], Map) -> Map#{Key => replace(Path, maps:get(Key, Map, none))}.

%% Any bytes, and those of a term with a few changed, cut or doubled.
any_bytes(Bytes, Decode) ->
    ?FORALL(Some, oneof([binary(), spoiled(Bytes)]),
            begin
                Answer = Decode(Some),
                ?WHENFAIL(io:format("~p~n~p~n", [Some, Answer]), answer(Answer))
            end).

answer({ok, _}) -> true;
answer({error, {invalid, Path}}) -> is_list(Path);
answer(_) -> false.

spoiled(Bytes) ->
    ?LET({Good, Changes, Cut}, {Bytes, list({non_neg_integer(), byte()}), oneof([0, 0, non_neg_integer()])},
         cut(lists:foldl(fun change/2, Good, Changes), Cut)).

change(_, <<>>) -> <<>>;
change({At, Byte}, Bytes) ->
    Before = At rem byte_size(Bytes),
    <<Head:Before/binary, _, Rest/binary>> = Bytes,
    <<Head/binary, Byte, Rest/binary>>.

cut(Bytes, Cut) -> binary_part(Bytes, 0, byte_size(Bytes) - min(Cut, byte_size(Bytes))).

%%% ---- Generators from the tables of the codecs

layout(Layout) ->
    maps([{element(1, Field), of_type(element(2, Field))} || Field <- Layout, element(1, Field) =/= pad], []).

maps(Always, Sometimes) ->
    ?LET(Chosen, [oneof([absent, {Key, Value}]) || {Key, Value} <- Sometimes],
         ?LET(Pairs, Always, maps:from_list(Pairs ++ [Pair || {_, _} = Pair <- Chosen]))).

int(Bits) -> oneof([range(0, 1 bsl Bits - 1), range(0, 3), 1 bsl Bits - 1]).

of_type(u8) -> int(8);
of_type(u16) -> int(16);
of_type(be16) -> int(16);
of_type(u32) -> int(32);
of_type(be32) -> int(32);
of_type(u64) -> int(64);
of_type(s32) -> ?LET(N, int(32), N - (1 bsl 31));
of_type({enum, Type, Table}) ->
    oneof([oneof([Name || {Name, _} <- Table]), ?SUCHTHAT(N, of_type(Type), not lists:keymember(N, 2, Table))]);
of_type({flags, Type, Table}) -> ?LET(Bits, of_type(Type), esock_layout:names(Bits, Table));
of_type({bytes, Size}) -> binary(Size);
of_type({text, Size}) -> text(Size);
of_type({timeval, Size}) ->
    Half = 1 bsl (8 * Size - 1),
    ?LET({Sec, Usec}, {int(8 * Size), int(8 * Size)}, #{sec => Sec - Half, usec => Usec - Half});
of_type(binary) -> binary();
of_type(string) -> text(40);
of_type({string, Max}) -> text(Max);
of_type(flag) -> true;
of_type(ip) -> oneof([ip4(), ip6()]);
of_type(via) -> ?LET({F, A}, {of_type(esock_netlink_tables:family(u16)), oneof([ip4(), ip6(), binary(6)])}, #{family => F, addr => A});
of_type(nexthops) -> ?SIZED(Size, case Size of 0 -> []; _ -> ?LAZY(resize(Size div 4, list(body(nexthop)))) end);
of_type({struct, Layout}) -> layout(Layout);
of_type({nested, Schema}) -> ?LAZY(schema(Schema));
of_type({body, Name}) -> ?LAZY(?SIZED(Size, resize(Size div 4, body(Name))));
of_type({multi, Type}) -> non_empty(list(of_type(Type))).

flags(Table) -> of_type({flags, u16, Table}).

text(Max) -> ?LET(Bytes, list(range(1, 255)), list_to_binary(lists:sublist(Bytes, Max))).

ip4() -> {byte(), byte(), byte(), byte()}.
ip6() -> ?LET(Parts, vector(8, int(16)), list_to_tuple(Parts)).

body(Name) ->
    {Layout, Schema} = esock_netlink_tables:body(Name),
    ?LET({Head, Attributes}, {layout(Layout), schema(Schema)}, maps:merge(Attributes, Head)).

schema(Schema) ->
    Unions = [{Key, Name, Types} || {Name, _, {union, Key, Types}} <- Schema],
    Known = [{Name, Type} || {Name, _, Type} <- Schema, not lists:keymember(Name, 2, Unions)],
    Unknown = [{Number, binary} || Number <- [16#3FFE, 16#BFFD]],
    %% Few of many, so that messages stay short.
    ?LET(Some, few(?LET({Name, Type}, oneof(Known ++ Unknown), {Name, of_type(Type)})),
         lists:foldl(fun union/2, maps:from_list(Some), Unions)).

few(Type) -> ?LET(Count, range(0, 4), vector(Count, Type)).

union({Key, Name, Types}, Map) ->
    ?LET({Kind, Of}, oneof(maps:to_list(Types)), ?LET(Value, of_type(Of), Map#{Key => Kind, Name => Value})).

%%% ---- Messages of netlink

netlink(Family) -> few(message(Family)).

message(Family) ->
    Types = [{{error, 2}, error}, {{done, 3}, done}, {{noop, 1}, bytes}, {{300, 300}, bytes} | types(Family)],
    ?LET({{Name, Number}, Kind}, oneof(Types),
         ?LET({Flags, Seq, Pid}, {flags(esock_netlink_tables:flags(Family, Number)), int(32), int(32)},
              ?LET(Body, body(Kind, Flags), #{type => Name, flags => Flags, seq => Seq, pid => Pid, body => Body}))).

types(route) -> [{Type, Kind} || {_, Number} = Type <- esock_netlink_tables:types(), Number >= 16,
                                 Kind <- [{route, element(Number div 4 - 3, {link, addr, route, neigh})}]];
types(sock_diag) -> [{Type, {diag, Number}} || {_, Number} = Type <- esock_netlink_diag:types()];
types(raw) -> [].

body(bytes, _) -> binary();
body({route, Name}, _) -> body(Name);
body({diag, 20}, Flags) -> diag(not lists:member(request, Flags));
body({diag, 21}, _) -> diag(false);
body(done, Flags) -> oneof([#{} | [ack(Flags, [{error, errno()}]) || true <- [true]]]);
body(error, Flags) ->
    Capped = lists:member(capped, Flags),
    Request = ?LET({Length, Type, Bits, Seq, Pid, Payload}, {int(32), int(16), int(16), int(32), int(32), binary()},
                   request(Capped, Payload, #{length => Length, type => Type, flags => Bits, seq => Seq, pid => Pid})),
    ack(Flags, [{error, errno()}, {request, Request}]).

request(true, _, Head) -> Head;
request(false, Payload, Head) -> Head#{length := 16 + byte_size(Payload), payload => Payload}.

errno() -> oneof([ok, eperm, enodev, enotsup, edeadlk, erfkill, -4000, 17]).

ack(Flags, Pairs) ->
    case lists:member(ack_tlvs, Flags) of
        true -> maps([{ack, maps([], [{message, text(40)}, {offset, int(32)}, {cookie, binary()}, {missing_type, int(32)}])} | Pairs], []);
        false -> maps(Pairs, [])
    end.

diag(Answer) ->
    {Layout, Schema} = esock_netlink_diag:body(Answer),
    ?LET({Head, Attributes, Family}, {layout(Layout), schema(Schema), oneof([inet, inet6])},
         begin
             Rest = maps:without([src, sport, dst, dport], maps:merge(Attributes, Head)),
             ?LET({Local, Peer}, {sockaddr(Family), sockaddr(Family)}, Rest#{family => Family, local => Local, peer => Peer})
         end).

sockaddr(Family) ->
    ?LET({Addr, Port}, {case Family of inet -> ip4(); inet6 -> ip6() end, int(16)}, #{family => Family, addr => Addr, port => Port}).

%% @private
%% @doc What {@link esock_addr} documents: the forms and the kinds of addresses.
-module(esock_addr_form).

-export([parse/1, format/1, parse_ip/1, host/1, characters/1]).
-export([ip_of/1, path/1, key/1, is/2, maps/2, mc_scope/1, to_ipv4/1, to_ipv6/1, well_known/1]).

%%% ---- Text

%% @doc The characters of a text of at most 4096.
-spec characters(string() | binary()) -> {ok, string()} | error.
characters(Text) when is_binary(Text), byte_size(Text) =< 4096 -> {ok, binary_to_list(Text)};
characters(Text) when is_list(Text) -> list_characters(Text, Text, 4096);
characters(_) -> error.

list_characters(Text, [C | Rest], Left) when is_integer(C), C >= 0, C < 256, Left > 0 -> list_characters(Text, Rest, Left - 1);
list_characters(Text, [], _) -> {ok, Text};
list_characters(_, _, _) -> error.

-spec parse_ip(string() | binary()) -> {ok, inet:ip_address()} | {error, einval}.
parse_ip(Text) ->
    case characters(Text) of
        {ok, Characters} -> either(esock_addr_text:parse4(Characters), fun() -> esock_addr_text:parse6(Characters) end);
        error -> {error, einval}
    end.

either({ok, _} = Found, _) -> Found;
either(error, Other) ->
    case Other() of
        {ok, _} = Found -> Found;
        error -> {error, einval}
    end.

-spec parse(string() | binary()) -> {ok, esock:sockaddr()} | {error, {invalid, {sockaddr, term()}}}.
parse(Text) ->
    Found = case characters(Text) of
                {ok, Characters} -> text(Characters);
                error -> error
            end,
    case Found of
        {ok, _} -> Found;
        error -> {error, {invalid, {sockaddr, Text}}}
    end.

text([$/ | _] = Path) -> local(list_to_binary(Path));
text([$@ | Name]) -> escaped(Name, <<0>>);
text("unix:" ++ Path) -> escaped(Path, <<>>);
text("vsock:" ++ Rest) -> vsock(string:split(Rest, ":", all));
text([$[ | Rest]) ->
    case string:split(Rest, "]") of
        [Addr, ""] -> inet6(Addr, "0");
        [Addr, [$: | Port]] -> inet6(Addr, Port);
        _ -> error
    end;
text(Text) ->
    case {string:split(Text, ":", all), esock_addr_text:parse4(hd(string:split(Text, ":")))} of
        {[_], {ok, Addr}} -> {ok, #{family => inet, addr => Addr, port => 0}};
        {[_, Port], {ok, Addr}} -> with_port(Port, fun(N) -> #{family => inet, addr => Addr, port => N} end);
        {[Family, Hex], error} -> hexadecimal(Family, Hex);
        {_, error} -> inet6(Text, "0");
        _ -> error
    end.

with_port(Text, Fun) ->
    case number(Text, 16#FFFF) of
        {ok, Port} -> {ok, Fun(Port)};
        error -> error
    end.

number([D | _] = Text, Most) when D >= $0, D =< $9, length(Text) =< 10 ->
    case string:to_integer(Text) of
        {N, []} when N =< Most -> {ok, N};
        _ -> error
    end;
number(_, _) -> error.

inet6(Text, Port) ->
    [Addr | Zone] = string:split(Text, "%"),
    case {esock_addr_text:parse6(Addr), zone(Zone)} of
        {{ok, IP}, {ok, Scope}} ->
            with_port(Port, fun(N) -> #{family => inet6, addr => IP, port => N, flowinfo => 0, scope_id => Scope} end);
        _ -> error
    end.

zone([]) -> {ok, 0};
zone([Text]) when length(Text) > 0, length(Text) < 16 ->
    case {number(Text, 16#FFFFFFFF), lists:all(fun(C) -> C > $\s andalso C < 127 andalso C =/= $/ andalso C =/= $] end, Text)} of
        {{ok, Index}, _} -> {ok, Index};
        {error, true} -> {ok, Text};
        _ -> error
    end;
zone(_) -> error.

%% The system has no path with a NUL within, and none longer.
local(<<0, _/binary>> = Path) when byte_size(Path) =< 108 -> {ok, #{family => local, path => Path}};
local(Path) when byte_size(Path) =< 108 ->
    case binary:match(Path, <<0>>) of
        nomatch -> {ok, #{family => local, path => Path}};
        _ -> error
    end;
local(_) -> error.

escaped(Text, Before) ->
    case esock_addr_text:unescape(Text) of
        {ok, Bytes} -> local(<<Before/binary, Bytes/binary>>);
        error -> error
    end.

vsock([Cid, Port]) ->
    case {number(Cid, 16#FFFFFFFF), number(Port, 16#FFFFFFFF)} of
        {{ok, C}, {ok, P}} -> {ok, plain(#{family => vsock, cid => C, port => P})};
        _ -> error
    end;
vsock(_) -> error.

%% The map that the system's bytes have.
plain(Address) ->
    {ok, Bytes} = esock_nif:pack(Address),
    esock_nif:unpack(Bytes, 0).

hexadecimal(Family, Hex) when length(Hex) rem 2 =:= 0, length(Hex) =< 252 ->
    case [list_to_integer([A, B], 16) || {A, B} <- pairs(Hex), is_hex(A), is_hex(B)] of
        Bytes when length(Bytes) * 2 =:= length(Hex) -> of_family(Family, list_to_binary(Bytes));
        _ -> error
    end;
hexadecimal(_, _) -> error.

pairs([A, B | Rest]) -> [{A, B} | pairs(Rest)];
pairs([]) -> [].

is_hex(C) -> C >= $0 andalso C =< $9 orelse C >= $a andalso C =< $f.

of_family(Text, Bytes) ->
    case family(Text) of
        {ok, Family} ->
            case esock_nif:pack(#{family => Family, addr => <<>>}) of
                {ok, <<Number:2/binary, _/binary>>} -> whole(esock_nif:unpack(<<Number/binary, Bytes/binary>>, 0));
                {error, _} -> native(Family, Bytes)
            end;
        error -> error
    end.

%% A family whose addresses have fields: its number comes from an address with defaults.
native(Family, Bytes) ->
    case [Number || Address <- [#{family => Family}, #{family => Family, kind => socket}, #{family => Family, proto => sco, bdaddr => any}],
                    {ok, <<Number:2/binary, _/binary>>} <- [esock_nif:pack(Address)]] of
        [Number | _] -> whole(esock_nif:unpack(<<Number/binary, Bytes/binary>>, 0));
        [] -> error
    end.

%% No address are bytes of a family that has a notation of its own, and bytes that are too few: they could not be formatted.
whole(#{family := Family}) when Family =:= inet; Family =:= inet6; Family =:= local; Family =:= vsock -> error;
whole(Address) ->
    case esock_nif:pack(Address) of
        {ok, Bytes} -> case esock_nif:unpack(Bytes, 0) of Address -> {ok, Address}; _ -> error end;
        {error, _} -> error
    end.

family(Text) ->
    case number(Text, 16#FFFF) of
        {ok, Number} -> {ok, Number};
        error ->
            try {ok, list_to_existing_atom(Text)}
            catch error:badarg -> error
            end
    end.

-spec format(esock:sockaddr()) -> string().
format(#{family := inet} = A) -> esock_addr_text:format4(ip_of_map(A)) ++ port(A);
format(#{family := inet6} = A) ->
    Text = esock_addr_text:format6(ip_of_map(A)) ++ scope(maps:get(scope_id, A, 0)),
    case port(A) of
        "" -> Text;
        Port -> "[" ++ Text ++ "]" ++ Port
    end;
format(#{family := local} = A) -> format_path(path(A));
format(#{family := vsock} = A) ->
    {ok, <<_:32, Port:32/native, Cid:32/native, _/binary>>} = packed(A),
    lists:append(["vsock:", integer_to_list(Cid), ":", integer_to_list(Port)]);
format(#{family := Family} = A) ->
    {ok, <<_:16, Bytes/binary>>} = packed(A),
    Name = if is_atom(Family) -> atom_to_list(Family); true -> integer_to_list(Family) end,
    Name ++ ":" ++ string:lowercase(binary_to_list(binary:encode_hex(Bytes)));
format(A) -> error({invalid, {sockaddr, A}}).

packed(A) ->
    case esock_nif:pack(A) of
        {ok, _} = Packed -> Packed;
        {error, _} -> error({invalid, {sockaddr, A}})
    end.

ip_of_map(A) ->
    case ip_of(A) of
        undefined -> error({invalid, {sockaddr, A}});
        IP -> IP
    end.

port(A) ->
    case maps:get(port, A, 0) of
        0 -> "";
        Port -> ":" ++ integer_to_list(Port)
    end.

scope(0) -> "";
scope(Index) when is_integer(Index) -> "%" ++ integer_to_list(Index);
scope(Name) -> "%" ++ Name.

format_path(<<0, Name/binary>>) -> "@" ++ esock_addr_text:escape(Name);
format_path(<<$/, _/binary>> = Path) ->
    case lists:all(fun(C) -> C >= $\s andalso C < 127 end, binary_to_list(Path)) of
        true -> binary_to_list(Path);
        false -> "unix:" ++ esock_addr_text:escape(Path)
    end;
format_path(Path) when is_binary(Path) -> "unix:" ++ esock_addr_text:escape(Path).

-spec host(term()) -> {ok, inet:ip_address()} | {error, einval}.
host(Any) when Any =:= any; Any =:= ""; Any =:= <<>>; Any =:= "<any>"; Any =:= <<"<any>">> -> {ok, {0, 0, 0, 0}};
host(All) when All =:= broadcast; All =:= "<broadcast>"; All =:= <<"<broadcast>">> -> {ok, {255, 255, 255, 255}};
host(loopback) -> {ok, {127, 0, 0, 1}};
host(N) when is_integer(N), N >= 0, N < 1 bsl 32 -> {ok, esock_addr:ip(<<N:32>>)};
host(IP) when is_tuple(IP) ->
    case ip_of(IP) of
        undefined -> {error, einval};
        _ -> {ok, IP}
    end;
host(Text) when is_list(Text); is_binary(Text) ->
    case parse_ip(Text) of
        {ok, IP} -> {ok, IP};
        {error, _} when is_binary(Text), byte_size(Text) =:= 4; is_binary(Text), byte_size(Text) =:= 16 ->
            {ok, esock_addr:ip(Text)};
        Error -> Error
    end;
host(_) -> {error, einval}.

%%% ---- Parts

-spec ip_of(term()) -> inet:ip_address() | undefined.
ip_of(IP) when is_tuple(IP) ->
    Most = case tuple_size(IP) of 4 -> 255; 8 -> 16#FFFF; _ -> -1 end,
    case lists:all(fun(N) -> is_integer(N) andalso N >= 0 andalso N =< Most end, tuple_to_list(IP)) of
        true when Most > 0 -> IP;
        _ -> undefined
    end;
ip_of(#{family := inet} = A) -> named(maps:get(addr, A, any), {0, 0, 0, 0}, {127, 0, 0, 1}, {255, 255, 255, 255});
ip_of(#{family := inet6} = A) -> named(maps:get(addr, A, any), {0, 0, 0, 0, 0, 0, 0, 0}, {0, 0, 0, 0, 0, 0, 0, 1}, undefined);
ip_of(_) -> undefined.

named(any, Any, _, _) -> Any;
named(loopback, _, Loopback, _) -> Loopback;
named(broadcast, _, _, Broadcast) -> Broadcast;
named(IP, Any, _, _) when is_tuple(IP), tuple_size(IP) =:= tuple_size(Any) -> ip_of(IP);
named(_, _, _, _) -> undefined.

-spec path(term()) -> binary() | undefined.
path(#{family := local, path := Path}) when is_binary(Path) -> Path;
path(#{family := local, path := Path}) when is_list(Path) ->
    case unicode:characters_to_binary(Path) of
        Bytes when is_binary(Bytes) -> Bytes;
        _ -> undefined
    end;
path(_) -> undefined.

%% @doc What two addresses are compared by.
-spec key(esock:sockaddr()) -> term().
key(Address) ->
    case esock_nif:pack(Address) of
        {ok, <<2:16/native, Port:16, Addr:4/binary, _/binary>>} -> {2, {Addr, Port}};
        {ok, <<10:16/native, Port:16, Flow:32, Addr:16/binary, Scope:32/native>>} -> {10, {Addr, Port, Scope, Flow}};
        {ok, <<Family:16/native, Bytes/binary>>} -> {Family, Bytes};
        {error, _} -> {16#10000, Address}
    end.

%%% ---- Kinds

-spec is(atom(), term()) -> boolean().
is(Kind, Addr) ->
    case ip_of(Addr) of
        {0, 0, 0, 0, 0, 16#FFFF, G, H} -> is4(Kind, {G bsr 8, G band 255, H bsr 8, H band 255});
        IP when is_tuple(IP), tuple_size(IP) =:= 8 -> is6(Kind, IP);
        undefined -> false;
        IP -> is4(Kind, IP)
    end.

is4(unspecified, IP) -> IP =:= {0, 0, 0, 0};
is4(broadcast, IP) -> IP =:= {255, 255, 255, 255};
is4(loopback, {A, _, _, _}) -> A =:= 127;
is4(multicast, {A, _, _, _}) -> A band 16#F0 =:= 16#E0;
is4(link_local, {A, B, _, _}) -> A =:= 169 andalso B =:= 254;
is4(private, {A, B, _, _}) -> A =:= 10 orelse A =:= 172 andalso B band 16#F0 =:= 16 orelse A =:= 192 andalso B =:= 168;
is4(_, _) -> false.

is6(unspecified, IP) -> IP =:= {0, 0, 0, 0, 0, 0, 0, 0};
is6(loopback, IP) -> IP =:= {0, 0, 0, 0, 0, 0, 0, 1};
is6(multicast, IP) -> element(1, IP) bsr 8 =:= 16#FF;
is6(link_local, IP) -> element(1, IP) band 16#FFC0 =:= 16#FE80;
is6(site_local, IP) -> element(1, IP) band 16#FFC0 =:= 16#FEC0;
is6(Kind, IP) when Kind =:= unique_local; Kind =:= private -> element(1, IP) band 16#FE00 =:= 16#FC00;
is6(_, _) -> false.

-spec maps(v4mapped | v4compat, term()) -> boolean().
maps(Kind, Addr) ->
    case ip_of(Addr) of
        {0, 0, 0, 0, 0, 16#FFFF, _, _} -> Kind =:= v4mapped;
        {0, 0, 0, 0, 0, 0, G, H} -> Kind =:= v4compat andalso {G, H} > {0, 1};
        _ -> false
    end.

-spec mc_scope(term()) -> atom() | 0..15.
mc_scope(Addr) ->
    case ip_of(Addr) of
        IP when is_tuple(IP), tuple_size(IP) =:= 8, element(1, IP) bsr 8 =:= 16#FF -> scope_name(element(1, IP) band 15);
        _ -> undefined
    end.

scope_name(1) -> interface_local;
scope_name(2) -> link_local;
scope_name(3) -> realm_local;
scope_name(4) -> admin_local;
scope_name(5) -> site_local;
scope_name(8) -> organization_local;
scope_name(14) -> global;
scope_name(N) -> N.

-spec to_ipv4(term()) -> {ok, term()} | {error, einval}.
to_ipv4(Addr) ->
    case ip_of(Addr) of
        {_, _, _, _} -> {ok, Addr};
        {0, 0, 0, 0, 0, M, G, H} when M =:= 16#FFFF; M =:= 0, {G, H} > {0, 1} ->
            {ok, with_ip(Addr, inet, {G bsr 8, G band 255, H bsr 8, H band 255})};
        _ -> {error, einval}
    end.

-spec to_ipv6(term()) -> {ok, term()} | {error, einval}.
to_ipv6(Addr) ->
    case ip_of(Addr) of
        {A, B, C, D} -> {ok, with_ip(Addr, inet6, {0, 0, 0, 0, 0, 16#FFFF, A bsl 8 bor B, C bsl 8 bor D})};
        undefined -> {error, einval};
        _ -> {ok, Addr}
    end.

with_ip(Addr, _, IP) when is_tuple(Addr) -> IP;
with_ip(Addr, Family, IP) -> (maps:with([port], Addr))#{family => Family, addr => IP}.

-spec well_known(atom()) -> {ok, inet:ip_address()} | {error, einval}.
well_known(any) -> {ok, {0, 0, 0, 0}};
well_known(broadcast) -> {ok, {255, 255, 255, 255}};
well_known(none) -> {ok, {255, 255, 255, 255}};
well_known(loopback) -> {ok, {127, 0, 0, 1}};
well_known(unspec_group) -> {ok, {224, 0, 0, 0}};
well_known(allhosts_group) -> {ok, {224, 0, 0, 1}};
well_known(allrtrs_group) -> {ok, {224, 0, 0, 2}};
well_known(allsnoopers_group) -> {ok, {224, 0, 0, 106}};
well_known(max_local_group) -> {ok, {224, 0, 0, 255}};
well_known(in6addr_any) -> {ok, {0, 0, 0, 0, 0, 0, 0, 0}};
well_known(in6addr_loopback) -> {ok, {0, 0, 0, 0, 0, 0, 0, 1}};
well_known(_) -> {error, einval}.

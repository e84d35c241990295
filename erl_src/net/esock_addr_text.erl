%% @private
%% @doc IP addresses as text: the strict notation of inet_pton(3) and inet_ntop(3), and that of inet_aton(3).
-module(esock_addr_text).

-export([parse4/1, parse6/1, format4/1, format6/1, aton/1]).
-export([escape/1, unescape/1]).

%% @doc Four decimal numbers without leading zeros.
-spec parse4(string()) -> {ok, esock:in_addr()} | error.
parse4(Text) ->
    case [octet(Part) || Part <- string:split(Text, ".", all)] of
        [A, B, C, D] when A =/= error, B =/= error, C =/= error, D =/= error -> {ok, {A, B, C, D}};
        _ -> error
    end.

octet("0") -> 0;
octet([D | _] = Part) when D =/= $0, length(Part) =< 3 ->
    case number(Part, 10) of
        N when is_integer(N), N =< 255 -> N;
        _ -> error
    end;
octet(_) -> error.

%% The digits of a base and nothing else: list_to_integer/2 takes a sign too.
number([], _) -> error;
number(Digits, Base) ->
    case lists:all(fun(D) -> digit(D) < Base end, Digits) of
        true -> list_to_integer(Digits, Base);
        false -> error
    end.

digit(D) when D >= $0, D =< $9 -> D - $0;
digit(D) when D >= $a, D =< $f -> D - $a + 10;
digit(D) when D >= $A, D =< $F -> D - $A + 10;
digit(_) -> 16.

%% @doc Eight groups of up to four hexadecimal digits, RFC 4291 section 2.2, without a zone.
-spec parse6(string()) -> {ok, esock:in6_addr()} | error.
parse6(Text) ->
    case string:split(Text, "::", all) of
        [All] -> words(groups(All, last), 8);
        [Before, After] -> compressed(part(Before, first), part(After, last));
        _ -> error
    end.

part("", _) -> [];
part(Text, Place) -> groups(Text, Place).

compressed(Before, After) when is_list(Before), is_list(After), length(Before) + length(After) =< 7 ->
    words(Before ++ lists:duplicate(8 - length(Before) - length(After), 0) ++ After, 8);
compressed(_, _) -> error.

words(Words, Count) when is_list(Words), length(Words) =:= Count -> {ok, list_to_tuple(Words)};
words(_, _) -> error.

%% The words of groups; the last group of the address may be an IPv4 address.
groups(Text, Place) ->
    Groups = string:split(Text, ":", all),
    {Front, [Last]} = lists:split(length(Groups) - 1, Groups),
    Words = lists:append([group(G) || G <- Front], tail(Last, Place)),
    case lists:member(error, Words) of
        true -> error;
        false -> Words
    end.

tail(Group, last) ->
    case parse4(Group) of
        {ok, {A, B, C, D}} -> [A bsl 8 bor B, C bsl 8 bor D];
        error -> [group(Group)]
    end;
tail(Group, first) -> [group(Group)].

group(Group) when length(Group) =< 4 -> number(Group, 16);
group(_) -> error.

%% @doc Four decimal numbers.
-spec format4(esock:in_addr()) -> string().
format4({A, B, C, D}) ->
    lists:append(lists:join(".", [integer_to_list(N) || N <- [A, B, C, D]])).

%% @doc The text of inet_ntop(3) of glibc, which is that of RFC 5952: small letters, `::' for the first longest run of two zeros
%% or more, and an IPv4 address at the end of one that maps it or is compatible to it.
-spec format6(esock:in6_addr()) -> string().
format6({0, 0, 0, 0, 0, 16#FFFF, G, H}) -> "::ffff:" ++ format4(bytes(G, H));
format6({0, 0, 0, 0, 0, 0, G, H}) when G =/= 0 -> "::" ++ format4(bytes(G, H));
format6(Addr) ->
    Words = tuple_to_list(Addr),
    case longest(Words, 0, {0, 1}) of
        {_, 1} -> hex(Words);
        {At, Length} ->
            {Before, Rest} = lists:split(At, Words),
            hex(Before) ++ "::" ++ hex(lists:nthtail(Length, Rest))
    end.

bytes(G, H) -> {G bsr 8, G band 255, H bsr 8, H band 255}.

longest([], _, Best) -> Best;
longest([0 | _] = Words, At, {_, Most} = Best) ->
    Run = length(lists:takewhile(fun(W) -> W =:= 0 end, Words)),
    longest(lists:nthtail(Run, Words), At + Run, if Run > Most -> {At, Run}; true -> Best end);
longest([_ | Words], At, Best) -> longest(Words, At + 1, Best).

hex(Words) -> string:lowercase(lists:append(lists:join(":", [integer_to_list(W, 16) || W <- Words]))).

%% @doc One to four numbers: decimal, octal (0...) or hexadecimal (0x...); the last one fills the bytes that are left.
-spec aton(string()) -> {ok, esock:uint32()} | error.
aton(Text) ->
    Numbers = [aton_number(Part) || Part <- string:split(Text, ".", all)],
    Count = length(Numbers),
    case lists:member(error, Numbers) orelse Count > 4 of
        true -> error;
        false ->
            {Front, [Last]} = lists:split(Count - 1, Numbers),
            Left = 8 * (5 - Count),
            case lists:all(fun(N) -> N < 256 end, Front) andalso Last < 1 bsl Left of
                true -> {ok, lists:foldl(fun(N, Sum) -> Sum bsl 8 bor N end, 0, Front) bsl Left bor Last};
                false -> error
            end
    end.

aton_number([$0, X | Digits]) when X =:= $x; X =:= $X -> number(Digits, 16);
aton_number([$0 | [_ | _] = Digits]) -> number(Digits, 8);
aton_number(Digits) -> number(Digits, 10).

%% @doc Bytes as text: what is not printable ASCII, and the percent sign, as `%XX'.
-spec escape(binary()) -> string().
escape(Bytes) -> lists:append([escape_byte(B) || <<B>> <= Bytes]).

escape_byte(B) when B > $\s, B < 127, B =/= $% -> [B];
escape_byte(B) -> lists:flatten(io_lib:format("%~2.16.0B", [B])).

%% @doc The bytes of such a text.
-spec unescape(string()) -> {ok, binary()} | error.
unescape(Text) -> unescape(Text, <<>>).

unescape([], Bytes) -> {ok, Bytes};
unescape([$%, A, B | Rest], Bytes) ->
    case number([A, B], 16) of
        error -> error;
        Byte -> unescape(Rest, <<Bytes/binary, Byte>>)
    end;
unescape([C | Rest], Bytes) when C =/= $%, C < 256 -> unescape(Rest, <<Bytes/binary, C>>);
unescape(_, _) -> error.

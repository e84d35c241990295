%% @doc Buffers of control messages, cmsg(3): pure functions.
%%
%% {@link esock:sendmsg/4} and {@link esock:recvmsg/5} have control messages as lists of maps, and need none of this. It is for the
%% sizes of buffers, and for bytes that come from elsewhere.
%% ```
%% {ok, Buffer} = esock_cmsg:build([#{level => socket, type => rights, data => <<3:32/native>>}]),
%% {ok, [#{level := socket, type := rights, data := <<3:32/native>>}]} = esock_cmsg:parse(Buffer).
%% '''
-module(esock_cmsg).

-export([len/1, space/1, build/1, parse/1, find/3, is/3]).

-export_type([cmsg/0, level/0, type/0, path/0]).

-type level() :: socket | ip | tcp | udp | ipv6 | integer().
%% A level SOL_* or its number. {@link parse/1} answers the name if there is one. Example: `socket'.

-type type() :: atom() | integer().
%% A type of a control message: a name of {@link esock:cmsg_recv()}, or its number. Example: `rights'.

-type cmsg() :: #{level := level(), type := type(), data := binary()}.
%% A control message. Example: `#{level => ip, type => ttl, data => <<64:32/native>>}'.

-type path() :: [pos_integer() | atom()].
%% Where something is wrong: the position of the message from 1, and its key.

-define(WORD, (erlang:system_info(wordsize))).
-define(LEVELS, [{ip, 0}, {socket, 1}, {tcp, 6}, {udp, 17}, {ipv6, 41}]).
-define(TYPES,
        #{socket => [{rights, 1}, {credentials, 2}, {pidfd, 4}, {timestamp, 29}, {timestampns, 35}, {mark, 36}, {timestamping, 37},
                     {rxq_ovfl, 40}, {txtime, 61}],
          ip => [{tos, 1}, {ttl, 2}, {recvopts, 6}, {retopts, 7}, {pktinfo, 8}, {recverr, 11}, {origdstaddr, 20}],
          udp => [{segment, 103}, {gro, 104}],
          ipv6 => [{flowinfo, 11}, {recverr, 25}, {pktinfo, 50}, {hoplimit, 52}, {hopopts, 54}, {rthdr, 57}, {dstopts, 59},
                   {tclass, 67}, {origdstaddr, 74}],
          tcp => []}).

%% @doc CMSG_LEN: the length of a control message with so many bytes of data, without padding at its end. Raises `badarg' for a number
%% that is negative or above 2^31 - 1.
%% ```
%% 20 = esock_cmsg:len(4).                  % on a machine of 64 bits
%% '''
-spec len(non_neg_integer()) -> pos_integer().
len(Bytes) when is_integer(Bytes), Bytes >= 0, Bytes < 1 bsl 31 -> header() + Bytes;
len(_) -> error(badarg).

%% @doc CMSG_SPACE: the room that a control message with so many bytes of data takes in a buffer; or all of a list of messages do, each
%% a number of bytes or `{Level, Type}'. Of these it knows types of a fixed size: `{socket, credentials}' and the numbers and
%% addresses of `socket', `ip', `ipv6' and `udp'. Raises `badarg' for any other.
%% ```
%% 24 = esock_cmsg:space(4),                % on a machine of 64 bits
%% 24 + 32 = esock_cmsg:space([4, {socket, credentials}]).
%% '''
-spec space(non_neg_integer() | [non_neg_integer() | {level(), type()}]) -> non_neg_integer().
space(Messages) when is_list(Messages) -> lists:sum([space(data_size(Message)) || Message <- Messages]);
space(Bytes) -> aligned(len(Bytes)).

data_size({socket, credentials}) -> 12;
data_size({socket, T}) when T =:= timestamp; T =:= timestampns -> 2 * ?WORD;
data_size({socket, timestamping}) -> 6 * ?WORD;
data_size({socket, txtime}) -> 8;
data_size({socket, T}) when T =:= mark; T =:= rxq_ovfl; T =:= pidfd; T =:= rights -> 4;
data_size({ip, pktinfo}) -> 12;
data_size({ip, tos}) -> 1;
data_size({ip, origdstaddr}) -> 16;
data_size({ip, ttl}) -> 4;
data_size({ipv6, pktinfo}) -> 20;
data_size({ipv6, origdstaddr}) -> 28;
data_size({ipv6, T}) when T =:= hoplimit; T =:= tclass; T =:= flowinfo -> 4;
data_size({udp, segment}) -> 2;
data_size({udp, gro}) -> 4;
data_size(Bytes) when is_integer(Bytes) -> Bytes;
data_size(_) -> error(badarg).

%% The length, a word, and level and type. Each part of a message begins at a multiple of a word.
header() -> aligned(?WORD + 8).

aligned(Bytes) -> (Bytes + ?WORD - 1) band bnot (?WORD - 1).

%% @doc The bytes of control messages. An error names the position of the message from 1, and its key.
%% ```
%% {ok, <<_/binary>>} = esock_cmsg:build([#{level => 17, type => 103, data => <<1200:16/native>>}]),
%% {error, {invalid, [1, type]}} = esock_cmsg:build([#{level => ip, type => no_such, data => <<>>}]).
%% '''
-spec build([cmsg()]) -> {ok, binary()} | {error, {invalid, path()}}.
build(Messages) when is_list(Messages) -> build(Messages, 1, []).

build([], _, Parts) -> {ok, iolist_to_binary(lists:reverse(Parts))};
build([Message | Rest], At, Parts) ->
    case message(Message) of
        {ok, Part} -> build(Rest, At + 1, [Part | Parts]);
        {error, Key} -> {error, {invalid, [At | Key]}}
    end;
build(_, At, _) -> {error, {invalid, [At]}}.

message(#{level := Level, type := Type, data := Data}) ->
    case {number(Level, ?LEVELS), number(Type, types(Level))} of
        {error, _} -> {error, [level]};
        {_, error} -> {error, [type]};
        {L, T} when is_binary(Data), byte_size(Data) < 1 bsl 31 -> {ok, bytes(L, T, Data)};
        _ -> {error, [data]}
    end;
message(_) -> {error, []}.

bytes(Level, Type, Data) ->
    {Word, Padding} = {?WORD, 8 * (space(byte_size(Data)) - len(byte_size(Data)))},
    <<(len(byte_size(Data))):Word/native-unit:8, Level:32/native, Type:32/native, Data/binary, 0:Padding>>.

number(Number, _) when is_integer(Number), Number >= -1 bsl 31, Number < 1 bsl 31 -> Number;
number(Name, Names) ->
    case lists:keyfind(Name, 1, Names) of
        {_, Number} -> Number;
        false -> error
    end.

%% A level may be given by its number too.
types(Level) -> maps:get(name(Level, ?LEVELS), ?TYPES, []).

name(Number, Names) ->
    case lists:keyfind(Number, 2, Names) of
        {Name, _} -> Name;
        false -> Number
    end.

%% @doc The control messages in bytes, as CMSG_NXTHDR goes through them. The last one may lack its padding. An error names the
%% position, from 1, of a message whose length is not there.
%% ```
%% {error, {invalid, [1]}} = esock_cmsg:parse(<<0:128>>).
%% '''
-spec parse(binary()) -> {ok, [cmsg()]} | {error, {invalid, path()}}.
parse(Bytes) when is_binary(Bytes) -> parse(Bytes, 1, []).

parse(<<>>, _, Messages) -> {ok, lists:reverse(Messages)};
parse(Bytes, At, Messages) ->
    Word = ?WORD,
    case Bytes of
        <<Length:Word/native-unit:8, L:32/native-signed, T:32/native-signed, Rest/binary>>
          when Length >= Word + 8, Length - Word - 8 =< byte_size(Rest) ->
            Data = binary:copy(binary:part(Rest, 0, Length - Word - 8)),
            {Level, Next} = {name(L, ?LEVELS), min(aligned(Length), byte_size(Bytes))},
            Message = #{level => Level, type => name(T, types(Level)), data => Data},
            parse(binary:part(Bytes, Next, byte_size(Bytes) - Next), At + 1, [Message | Messages]);
        _ -> {error, {invalid, [At]}}
    end.

%% @doc The first control message of that level and type, in the `ctrl' of a received message or in bytes.
%% ```
%% {ok, #{data := <<3:32/native>>}} =
%%     esock_cmsg:find([#{level => socket, type => rights, data => <<3:32/native>>}], socket, rights).
%% '''
-spec find([map()] | binary(), level(), type()) -> {ok, map()} | {error, not_found | {invalid, path()}}.
find(Messages, Level, Type) when is_list(Messages) ->
    case [Message || Message <- Messages, is(Message, Level, Type)] of
        [Message | _] -> {ok, Message};
        [] -> {error, not_found}
    end;
find(Bytes, Level, Type) ->
    case parse(Bytes) of
        {ok, Messages} -> find(Messages, Level, Type);
        {error, _} = Error -> Error
    end.

%% @doc Whether a control message has that level and type: names and numbers are the same.
%% ```
%% true = esock_cmsg:is(#{level => socket, type => rights, data => <<>>}, 1, 1).
%% '''
-spec is(map(), level(), type()) -> boolean().
is(#{level := L, type := T}, Level, Type) ->
    number(L, ?LEVELS) =:= number(Level, ?LEVELS) andalso number(Level, ?LEVELS) =/= error andalso
        number(T, types(L)) =:= number(Type, types(Level)) andalso number(Type, types(Level)) =/= error;
is(_, _, _) -> false.

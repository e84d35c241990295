%% @private
%% @doc The buffered reader of {@link esock_io}: the bytes received and not yet read, and how calls take from them.
%%
%% A call looks at the buffer first, and receives only if the buffer does not hold the answer. What it receives goes into the
%% buffer before anything else happens, so every result, also `timeout', carries a reader that has all bytes.
-module(esock_io_reader).

-export([new/2]).
-export([read/3, exactly/3, peek/3, line/2, line/3, until/4, packet/4]).
-export([unread/2, feed/2, buffered/1, socket/1, take/2]).
-export([deadline/1, left/1, options/2]).

-export_type([reader/0]).

-record(reader, {socket :: esock:socket(),
                 %% Received, and not read.
                 data = <<>> :: binary(),
                 %% The end of lines, or the pattern, that the first `clean' bytes of `data' are known not to have.
                 pattern = <<"\n">> :: binary() | {packet, binary()},
                 clean = 0 :: non_neg_integer(),
                 eol = lf :: esock_io:eol(),
                 keep = false :: boolean(),
                 %% Bytes: the most that a line or a packet may have, and the most that one receive asks for.
                 limit = 65_536 :: pos_integer() | infinity,
                 read_size = 65_536 :: pos_integer()}).

-opaque reader() :: #reader{}.

%% Bytes that one receive asks for at most if a call needs many.
-define(MOST, 1_048_576).

%%% ---- The buffer ----------------------------------------------------------------------------------------------------

-spec new(esock:socket(), esock_io:options()) -> {ok, reader()} | {error, esock:invalid()}.
new({'$socket', _} = Socket, Opts) when is_map(Opts) ->
    case options(Opts, [eol, keep, limit, read_size]) of
        ok -> {ok, set(#reader{socket = Socket}, Opts)};
        Error -> Error
    end;
new(Socket, Opts) ->
    erlang:error(badarg, [Socket, Opts]).

%% @doc Whether a map of options has known keys only.
-spec options(map(), [atom()]) -> ok | {error, esock:invalid()}.
options(Opts, Known) ->
    case maps:keys(maps:without(Known, Opts)) of
        [] -> ok;
        [Key | _] -> {error, {invalid, {option, Key}}}
    end.

set(Reader, Opts) -> maps:fold(fun option/3, Reader, Opts).

option(eol, Eol, Reader) when Eol =:= lf; Eol =:= crlf; Eol =:= any -> Reader#reader{eol = Eol};
option(keep, Keep, Reader) when is_boolean(Keep) -> Reader#reader{keep = Keep};
option(limit, infinity, Reader) -> Reader#reader{limit = infinity};
option(limit, Limit, Reader) when is_integer(Limit), Limit > 0 -> Reader#reader{limit = Limit};
option(read_size, Size, Reader) when is_integer(Size), Size > 0 -> Reader#reader{read_size = Size};
option(Key, Value, _) -> erlang:error({invalid, {option, {Key, Value}}}).

-spec unread(reader(), iodata()) -> reader().
unread(#reader{data = Data} = Reader, Front) ->
    Reader#reader{data = append(iolist_to_binary(Front), Data), clean = 0}.

-spec feed(reader(), iodata()) -> reader().
feed(#reader{data = Data} = Reader, More) ->
    Reader#reader{data = append(Data, iolist_to_binary(More))}.

-spec buffered(reader()) -> binary().
buffered(#reader{data = Data}) -> Data.

-spec socket(reader()) -> esock:socket().
socket(#reader{socket = Socket}) -> Socket.

%% @doc Takes at most `Max' bytes out of the buffer. It does not receive.
-spec take(reader(), non_neg_integer() | infinity) -> {binary(), reader()}.
take(#reader{data = Data} = Reader, Max) when Max >= byte_size(Data) ->
    {Data, Reader#reader{data = <<>>, clean = 0}};
take(#reader{data = Data} = Reader, Max) ->
    <<Taken:Max/binary, Rest/binary>> = Data,
    {Taken, Reader#reader{data = Rest, clean = 0}}.

%% The VM appends in place where it can, so a buffer that grows by many small receives is copied a few times only.
append(<<>>, More) -> More;
append(Data, <<>>) -> Data;
append(Data, More) -> <<Data/binary, More/binary>>.

%%% ---- Receiving ------------------------------------------------------------------------------------------------------

%% @doc The end of a call with a timeout in milliseconds, of the monotonic time. `0', `nowait' and a handle stay what they are.
-spec deadline(esock_io:wait()) -> esock_io:wait() | {until, integer()}.
deadline(Timeout) when is_integer(Timeout), Timeout > 0 -> {until, erlang:monotonic_time(millisecond) + Timeout};
deadline(Wait) -> Wait.

%% @doc What is left until then, as the timeout of a call of {@link esock}.
-spec left(esock_io:wait() | {until, integer()}) -> esock_io:wait().
left({until, Deadline}) -> max(0, Deadline - erlang:monotonic_time(millisecond));
left(Wait) -> Wait.

%% Receives into the buffer, in one attempt that takes at least one byte. `Missing' bytes would be enough.
fetch(#reader{socket = Socket, read_size = Size} = Reader, Missing, Wait) ->
    case esock:recv_some(Socket, max(Size, min(Missing, ?MOST)), [], left(Wait)) of
        {ok, Data} -> {ok, feed(Reader, Data)};
        eof -> ended(Reader);
        {error, Reason} -> {error, Reason, Reader};
        {How, {Info, Data}} -> {later(How), Info, feed(Reader, Data)};
        {How, Info} -> {How, Info, Reader}
    end.

later(select_read) -> select;
later(completion) -> completion.

ended(#reader{data = <<>>} = Reader) -> {eof, Reader};
ended(#reader{data = Data} = Reader) -> {error, {eof, byte_size(Data)}, Reader}.

%% Receives until `Goal' is reached: `Goal(Reader)' is `{more, Missing, Reader}', or the result of the call. After a receive that
%% was not enough the deadline counts even if more has arrived, so that a fast sender cannot prolong the call.
gather(Reader, Goal, Wait) ->
    case Goal(Reader) of
        {more, Missing, Next} -> received(fetch(Next, Missing, Wait), Goal, Wait);
        Result -> Result
    end.

received({ok, Reader}, Goal, {until, Deadline} = Wait) ->
    case erlang:monotonic_time(millisecond) < Deadline of
        true -> gather(Reader, Goal, Wait);
        false -> in_time(Goal(Reader))
    end;
received({ok, Reader}, Goal, Wait) -> gather(Reader, Goal, Wait);
received(Other, _, _) -> Other.

in_time({more, _, Reader}) -> {error, timeout, Reader};
in_time(Result) -> Result.

%%% ---- Bytes -------------------------------------------------------------------------------------------------------------

-spec read(reader(), pos_integer(), esock_io:wait()) -> esock_io:result(binary()).
read(Reader, Max, Wait) when is_integer(Max), Max > 0 ->
    gather(Reader, fun(R) -> some(R, Max) end, deadline(Wait)).

some(#reader{data = <<>>} = Reader, Max) -> {more, Max, Reader};
some(Reader, Max) -> answer(take(Reader, Max)).

answer({Data, Reader}) -> {ok, Data, Reader}.

-spec exactly(reader(), non_neg_integer(), esock_io:wait()) -> esock_io:result(binary()).
exactly(Reader, N, Wait) when is_integer(N), N >= 0 ->
    case at_least(Reader, N, deadline(Wait)) of
        {ok, Enough} -> answer(take(Enough, N));
        Other -> Other
    end.

-spec peek(reader(), non_neg_integer(), esock_io:wait()) -> esock_io:result(binary()).
peek(Reader, N, Wait) when is_integer(N), N >= 0 ->
    case at_least(Reader, N, deadline(Wait)) of
        {ok, Enough} -> {ok, binary:part(Enough#reader.data, 0, N), Enough};
        Other -> Other
    end.

%% A reader with at least `N' bytes. Parts of many bytes are collected in a list and joined once.
at_least(#reader{data = Data} = Reader, N, _) when byte_size(Data) >= N -> {ok, Reader};
at_least(#reader{data = Data} = Reader, N, Wait) -> parts(Reader#reader{data = <<>>}, N - byte_size(Data), [Data], Wait).

parts(Reader, Missing, Parts, Wait) ->
    case fetch(Reader, Missing, Wait) of
        {ok, #reader{data = Data}} when byte_size(Data) >= Missing ->
            {ok, joined(Reader, [Data | Parts])};
        {ok, #reader{data = Data}} ->
            more_parts(Reader, Missing - byte_size(Data), [Data | Parts], Wait);
        {eof, _} ->
            ended(joined(Reader, Parts));
        {How, What, #reader{data = Data}} ->
            {How, What, joined(Reader, [Data | Parts])}
    end.

more_parts(Reader, Missing, Parts, {until, Deadline} = Wait) ->
    case erlang:monotonic_time(millisecond) < Deadline of
        true -> parts(Reader, Missing, Parts, Wait);
        false -> {error, timeout, joined(Reader, Parts)}
    end;
more_parts(Reader, Missing, Parts, Wait) -> parts(Reader, Missing, Parts, Wait).

joined(Reader, Parts) -> Reader#reader{data = iolist_to_binary(lists:reverse(Parts))}.

%%% ---- Lines -------------------------------------------------------------------------------------------------------------

-spec line(reader(), esock_io:wait()) -> esock_io:result(binary()).
line(#reader{data = Data, eol = lf, keep = false, clean = 0, limit = Limit} = Reader, Wait) ->
    %% The common case, a line that is in the buffer, without a deadline and a closure.
    case binary:match(Data, <<"\n">>) of
        {Pos, 1} when Pos < Limit ->
            <<Line:Pos/binary, _, Rest/binary>> = Data,
            {ok, Line, Reader#reader{data = Rest}};
        _ ->
            pattern(Reader, <<"\n">>, Reader, Wait)
    end;
line(Reader, Wait) ->
    pattern(Reader, ending(Reader#reader.eol), Reader, Wait).

%% @doc With options for this call.
-spec line(reader(), esock_io:line_options(), esock_io:wait()) -> esock_io:result(binary()) | {error, esock:invalid(), reader()}.
line(Reader, Opts, Wait) ->
    with_options(Reader, Opts, [eol, keep, limit], fun(How) -> pattern(Reader, ending(How#reader.eol), How, Wait) end).

-spec until(reader(), binary(), esock_io:until_options(), esock_io:wait()) ->
          esock_io:result(binary()) | {error, esock:invalid(), reader()}.
until(Reader, Pattern, Opts, Wait) when is_binary(Pattern), Pattern =/= <<>> ->
    with_options(Reader, Opts, [keep, limit], fun(How) -> pattern(Reader, Pattern, How#reader{eol = lf}, Wait) end).

with_options(Reader, Opts, Known, Fun) ->
    case options(Opts, Known) of
        ok -> Fun(set(Reader, Opts));
        {error, Reason} -> {error, Reason, Reader}
    end.

ending(crlf) -> <<"\r\n">>;
ending(_) -> <<"\n">>.

%% `How' has the options of the call.
pattern(Reader, Pattern, How, Wait) ->
    gather(Reader, fun(R) -> find(R, Pattern, How) end, deadline(Wait)).

find(#reader{data = Data} = Reader, Pattern, #reader{limit = Limit} = How) ->
    From = unsearched(Reader, Pattern),
    case binary:match(Data, Pattern, [{scope, {From, byte_size(Data) - From}}]) of
        {Pos, Len} when Pos + Len =< Limit -> found(Reader, Pos, Len, How);
        nomatch when byte_size(Data) < Limit ->
            {more, 1, Reader#reader{pattern = Pattern, clean = max(0, byte_size(Data) - byte_size(Pattern) + 1)}};
        _ -> {error, {too_long, Limit}, Reader}
    end.

unsearched(#reader{pattern = Pattern, clean = Clean}, Pattern) -> Clean;
unsearched(_, _) -> 0.

found(#reader{data = Data} = Reader, Pos, Len, How) ->
    {_, Rest} = split_binary(Data, Pos + Len),
    {ok, binary:part(Data, 0, kept(Data, Pos, Len, How)), Reader#reader{data = Rest, clean = 0}}.

kept(_, Pos, Len, #reader{keep = true}) -> Pos + Len;
kept(Data, Pos, _, #reader{eol = any}) when Pos > 0 ->
    case binary:at(Data, Pos - 1) of
        $\r -> Pos - 1;
        _ -> Pos
    end;
kept(_, Pos, _, _) -> Pos.

%%% ---- Packets -----------------------------------------------------------------------------------------------------------

-spec packet(reader(), esock_io:packet_type(), esock_io:packet_options(), esock_io:wait()) -> esock_io:result(term()).
packet(Reader, Type, Opts, Wait) ->
    gather(Reader, fun(R) -> decode(R, Type, Opts, limit(Type, Opts, R)) end, deadline(Wait)).

%% With a size of their own the options decide, and decode_packet/3 checks it.
limit(Raw, _, _) when Raw =:= raw; Raw =:= 0 -> infinity;
limit(_Type, Opts, #reader{limit = Limit}) ->
    case sized(Opts) of
        false -> Limit;
        true -> infinity
    end.

sized(Opts) -> lists:any(fun(Size) -> proplists:get_value(Size, Opts, 0) =/= 0 end, [packet_size, line_length]).

%% The byte behind a header says whether the header goes on in the next line.
-define(LOOKS_AHEAD(Type), (Type =:= httph orelse Type =:= httph_bin)).

decode(#reader{data = Data} = Reader, Type, Opts, Limit) ->
    case unended(Reader, Type, Opts) orelse erlang:decode_packet(Type, Data, Opts) of
        {ok, Packet, Rest} when byte_size(Data) - byte_size(Rest) =< Limit ->
            {ok, Packet, Reader#reader{data = Rest, clean = 0}};
        {more, Length} when is_integer(Length), Length =< Limit ->
            {more, Length - byte_size(Data), Reader};
        {more, undefined} when byte_size(Data) < Limit; byte_size(Data) =:= Limit, ?LOOKS_AHEAD(Type) ->
            {more, 1, searched(Reader, Type, Opts)};
        true when byte_size(Data) < Limit; byte_size(Data) =:= Limit, ?LOOKS_AHEAD(Type) ->
            {more, 1, Reader#reader{clean = byte_size(Data)}};
        {error, Reason} ->
            {error, Reason, Reader};
        _ ->
            {error, {too_long, Limit}, Reader}
    end.

%% Packets made of lines are decoded again when there is another end of a line, not with every byte: else a peer that sends
%% byte by byte has the node read the same bytes over and over. The last byte that was seen can be such an end, because what
%% follows it says whether the header is complete. With a size in the options every byte counts, and the options bound the work.
unended(#reader{data = Data, clean = Clean, pattern = Pattern}, Type, Opts) when Clean > 0 ->
    End = delimiter(Type, Opts),
    Pattern =:= {packet, End} andalso
        binary:match(Data, End, [{scope, {Clean - 1, byte_size(Data) - Clean + 1}}]) =:= nomatch;
unended(_, _, _) -> false.

searched(#reader{data = Data} = Reader, Type, Opts) ->
    case delimiter(Type, Opts) of
        none -> Reader;
        End -> Reader#reader{pattern = {packet, End}, clean = byte_size(Data)}
    end.

delimiter(Type, Opts) when Type =:= line; Type =:= http; Type =:= http_bin; Type =:= httph; Type =:= httph_bin ->
    case sized(Opts) of
        true -> none;
        false when Type =:= line -> <<(proplists:get_value(line_delimiter, Opts, $\n))>>;
        false -> <<"\n">>
    end;
delimiter(_, _) -> none.

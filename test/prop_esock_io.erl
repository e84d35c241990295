%% The property of esock_io: whatever the places where a stream is cut, and whatever calls time out, the calls return what a model says that
%% has all bytes in one binary. The model of packets is erlang:decode_packet/3 on the whole.
-module(prop_esock_io).

-include_lib("proper/include/proper.hrl").

-export([prop_stream/1]).

prop_stream(Backend) ->
    ?FORALL({Limit, Size, Eol, Keep, Steps}, {oneof([3, 10, 40, 65536, infinity]), range(1, 50), eol(), boolean(), list(step())},
            begin
                {C, S} = esock_pairs:local_pair(esock, stream, #{io_backend => Backend}),
                Opts = #{limit => Limit, read_size => Size, eol => Eol, keep => Keep},
                {ok, Reader} = esock_io:new(S, Opts),
                try run(Steps, C, Reader, {<<>>, open}, Opts) of
                    ok -> true;
                    Wrong -> io:format("~p~n~p~n", [Opts, Wrong]), false
                catch
                    Class:Reason:Stack -> io:format("~p~n~p~n", [Opts, {Class, Reason, Stack}]), false
                after
                    _ = esock:close(C),
                    esock:close(S)
                end
            end).

step() ->
    frequency([{8, {send, bytes()}}, {1, close},
               {3, {line, wait()}}, {2, {line, line_options(), wait()}},
               {2, {read, range(1, 30), wait()}}, {2, {exactly, range(0, 60), wait()}}, {1, {peek, range(0, 60), wait()}},
               {2, {until, oneof([<<"\r\n\r\n">>, <<"ab">>, <<"aab">>, <<0>>]), until_options(), wait()}},
               {6, ?LET(Type, type(), {packet, Type, options(Type), wait()})},
               {1, {unread, bytes()}}, {1, {feed, bytes()}}]).

eol() -> oneof([lf, crlf, any]).
wait() -> oneof([0, 1, 5000, infinity]).
until_options() -> ?LET(Keep, boolean(), #{keep => Keep}).
line_options() -> oneof([?LET(Eol, eol(), #{eol => Eol}), until_options(), ?LET(Limit, oneof([1, 5, 30, infinity]), #{limit => Limit})]).

bytes() ->
    oneof([binary(), <<"\n">>, <<"\r">>, <<"\r\n">>, <<"\r\n\r\n">>, <<"a">>, <<"aab">>, <<" ">>, <<0, 3>>, <<0, 0, 0, 2>>, <<"line\n">>,
           <<"GET / HTTP/1.1\r\n">>, <<"Host: a\r\n">>, <<"HTTP/1.0 200 OK\r\n">>, <<3, 0, 0, 7>>, <<1, 1, 0, 0, 0, 1, 0, 0>>, <<16#30, 2>>,
           ?LET({N, B}, {oneof([8, 16, 32]), binary()}, <<(byte_size(B)):N, B/binary>>)]).

type() ->
    oneof([raw, 0, 1, 2, 4, asn1, cdr, sunrm, fcgi, ssl_tls, tpkt, line, http, http_bin, httph, httph_bin]).

options(line) -> oneof([[], [], [{line_length, range(1, 20)}], [{line_delimiter, $a}], [{packet_size, range(0, 20)}]]);
options(_) -> oneof([[], [], [{packet_size, range(0, 40)}]]).

%%% ---- Running, against the model ------------------------------------------------------------------------------------------------
%% The model is the bytes that were sent and not read, and whether the stream is open. Where a call has to wait, it times out: nothing
%% is sent meanwhile. A Unix socket delivers at once.

run([], C, Reader, {Bytes, State}, _) ->
    State =:= open andalso (ok = esock:shutdown(C, write)),
    case esock_io:read_exactly(Reader, byte_size(Bytes), 5000) of
        {ok, Bytes, Last} -> ended(esock_io:read(Last, 1, 5000));
        Other -> {at_the_end, Other, Bytes}
    end;
run([{send, Data} | Steps], C, Reader, {Bytes, open}, Opts) ->
    ok = esock:send(C, Data),
    run(Steps, C, Reader, {<<Bytes/binary, Data/binary>>, open}, Opts);
run([{send, _} | Steps], C, Reader, Model, Opts) -> run(Steps, C, Reader, Model, Opts);
run([close | Steps], C, Reader, {Bytes, open}, Opts) ->
    ok = esock:shutdown(C, write),
    run(Steps, C, Reader, {Bytes, closed}, Opts);
run([close | Steps], C, Reader, Model, Opts) -> run(Steps, C, Reader, Model, Opts);
run([{unread, Data} | Steps], C, Reader, {Bytes, State}, Opts) ->
    run(Steps, C, esock_io:unread(Reader, Data), {<<Data/binary, Bytes/binary>>, State}, Opts);
run([{feed, Data} | Steps], C, Reader, {Bytes, State}, Opts) ->
    %% Fed bytes come behind the buffer, and before those that the system has.
    Own = byte_size(esock_io:buffered(Reader)),
    <<Buffered:Own/binary, Rest/binary>> = Bytes,
    run(Steps, C, esock_io:feed(Reader, Data), {<<Buffered/binary, Data/binary, Rest/binary>>, State}, Opts);
run([Call | Steps], C, Reader, {Bytes, State} = Model, Opts) ->
    Expected = model(Call, Bytes, Opts, State),
    case matches(Expected, call(Call, Reader, Expected), Bytes) of
        {ok, Next, Left} -> run(Steps, C, Next, {Left, State}, Opts);
        {wrong, Answer} -> {Call, Model, {expected, Expected}, {got, Answer}}
    end.

ended({eof, _}) -> ok;
ended(Other) -> {no_end, Other}.

%% A call whose answer is there may wait long. One that has to time out waits briefly.
time(0, _) -> 0;
time(_, timeout) -> 1;
time(1, _) -> 5000;
time(Time, _) -> Time.

call({line, T}, R, E) -> esock_io:readline(R, time(T, E));
call({line, Opts, T}, R, E) -> esock_io:readline(R, Opts, time(T, E));
call({read, N, T}, R, E) -> esock_io:read(R, N, time(T, E));
call({exactly, N, T}, R, E) -> esock_io:read_exactly(R, N, time(T, E));
call({peek, N, T}, R, E) -> esock_io:peek(R, N, time(T, E));
call({until, P, Opts, T}, R, E) -> esock_io:read_until(R, P, Opts, time(T, E));
call({packet, Type, Opts, T}, R, E) -> esock_io:read_packet(R, Type, Opts, time(T, E)).

matches({ok, Value, Left}, {ok, Value, Next}, _) -> {ok, Next, Left};
matches({prefix, Max}, {ok, Value, Next}, Bytes) when byte_size(Value) =< Max, Value =/= <<>> ->
    Size = byte_size(Value),
    case Bytes of
        <<Value:Size/binary, Left/binary>> -> {ok, Next, Left};
        _ -> {wrong, Value}
    end;
matches(timeout, {error, timeout, Next}, Bytes) -> {ok, Next, Bytes};
matches({error, Reason}, {error, Reason, Next}, Bytes) -> {ok, Next, Bytes};
matches({either, This, Other}, {error, _, _} = Answer, Bytes) ->
    case matches(This, Answer, Bytes) of
        {wrong, _} -> matches(Other, Answer, Bytes);
        Right -> Right
    end;
matches(eof, {eof, Next}, Bytes) -> {ok, Next, Bytes};
matches(_, Answer, _) -> {wrong, Answer}.

waits(_, open) -> timeout;
waits(<<>>, closed) -> eof;
waits(Bytes, closed) -> {error, {eof, byte_size(Bytes)}}.

model({read, _, _}, <<>>, _, State) -> waits(<<>>, State);
model({read, Max, _}, _, _, _) -> {prefix, Max};
model({exactly, N, _}, Bytes, _, State) -> first(N, Bytes, State, fun(Rest) -> Rest end);
model({peek, N, _}, Bytes, _, State) -> first(N, Bytes, State, fun(_) -> Bytes end);
model({line, _}, Bytes, Opts, State) -> line(Bytes, Opts, State);
model({line, Own, _}, Bytes, Opts, State) -> line(Bytes, maps:merge(Opts, Own), State);
model({until, Pattern, Own, _}, Bytes, Opts, State) -> split(Pattern, Bytes, (maps:merge(Opts, Own))#{eol => lf}, State);
model({packet, Raw, _, _}, Bytes, _, State) when Raw =:= raw; Raw =:= 0 ->
    case Bytes of
        <<>> -> waits(<<>>, State);
        %% What is there: the buffer, or one receive.
        _ -> {prefix, byte_size(Bytes)}
    end;
model({packet, Type, Opts, _}, Bytes, #{limit := Limit}, State) ->
    case [Size || {Key, Size} <- Opts, Key =/= line_delimiter, Size > 0] of
        [] -> packet(Type, Opts, Bytes, Limit, State);
        [_] -> packet(Type, Opts, Bytes, infinity, State)
    end.

first(N, Bytes, _, Left) when byte_size(Bytes) >= N ->
    <<Data:N/binary, Rest/binary>> = Bytes,
    {ok, Data, Left(Rest)};
first(_, Bytes, State, _) -> waits(Bytes, State).

line(Bytes, #{eol := crlf} = Opts, State) -> split(<<"\r\n">>, Bytes, Opts, State);
line(Bytes, Opts, State) -> split(<<"\n">>, Bytes, Opts, State).

split(Pattern, Bytes, #{limit := Limit, keep := Keep, eol := Eol}, State) ->
    case binary:split(Bytes, Pattern) of
        [Data, Rest] when byte_size(Data) + byte_size(Pattern) =< Limit ->
            {ok, iolist_to_binary(case {Keep, Eol} of
                                      {true, _} -> [Data, Pattern];
                                      {false, any} -> re:replace(Data, "\r\\z", "");
                                      {false, _} -> Data
                                  end), Rest};
        [_] when byte_size(Bytes) < Limit -> waits(Bytes, State);
        _ -> {error, {too_long, Limit}}
    end.

packet(Type, Opts, Bytes, Limit, State) ->
    case erlang:decode_packet(Type, Bytes, Opts) of
        {ok, Packet, Rest} when byte_size(Bytes) - byte_size(Rest) =< Limit -> {ok, Packet, Rest};
        {more, Length} when is_integer(Length), Length =< Limit -> waits(Bytes, State);
        {more, undefined} when byte_size(Bytes) < Limit -> waits(Bytes, State);
        %% The byte behind a header belongs to its decoding.
        {more, undefined} when byte_size(Bytes) =:= Limit, (Type =:= httph orelse Type =:= httph_bin) -> waits(Bytes, State);
        %% If the first bytes do not show it, the limit may be met before.
        {error, Reason} when byte_size(Bytes) >= Limit -> {either, {error, Reason}, {error, {too_long, Limit}}};
        {error, Reason} -> {error, Reason};
        _ -> {error, {too_long, Limit}}
    end.

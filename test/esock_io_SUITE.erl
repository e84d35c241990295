%% esock_io: readers, copies, files, relays. The other ends are python3, gen_tcp with `{packet, _}', and decode_packet/3.
-module(esock_io_SUITE).

-compile([export_all, nowarn_export_all]).

-include_lib("stdlib/include/assert.hrl").

all() ->
    [stream, lines, line_ends, too_long, endless_line, bytes, until_pattern, end_inside, timeouts_lose_nothing, deadline_is_one, nowait, byte_by_byte,
     packets_as_gen_tcp, http_as_gen_tcp, long_packets, python_lines, python_reads, bad_arguments,
     copy_counts, copy_reader, copy_backpressure, copy_to_file, copy_from_file, copy_fails,
     sendfile_parts, sendfile_proc, sendfile_pipe, sendfile_fails,
     relay_both_ways, relay_half_close, relay_reader, relay_backpressure, relay_timeouts, relay_fails, relay_python, relay_killed].

init_per_testcase(_, Config) ->
    [{sockets, lists:sort(esock:which_sockets())} | Config].

%% No case leaves a socket or a message behind.
end_per_testcase(_, Config) ->
    ?assertEqual({messages, []}, process_info(self(), messages)),
    Before = proplists:get_value(sockets, Config),
    eventually(fun() -> esock:which_sockets() -- Before =:= [] end).

eventually(Fun) -> eventually(Fun, 1000).
eventually(_, 0) -> ct:fail(never);
eventually(Fun, Tries) -> Fun() orelse receive after 5 -> eventually(Fun, Tries - 1) end.

suite() -> [{timetrap, {seconds, 60}}].

backend() -> hd(esock_pairs:cases([epoll, io_uring], [epoll])).

%% The property, with ESOCK_PROGRAMS cases.
stream(_) ->
    ok = esock_check:property(prop_esock_io:prop_stream(backend()), {"ESOCK_PROGRAMS", 600}, [quiet]).

pair() -> esock_pairs:pair(esock).

with_reader(Opts, Fun) ->
    {C, S} = pair(),
    {ok, R} = esock_io:new(S, Opts),
    Fun(C, R),
    esock_pairs:close([C, S]).

lines(_) ->
    with_reader(#{}, fun(C, R0) ->
        ok = esock:send(C, "one\n\ntwo\r\nthr"),
        {ok, <<"one">>, R1} = esock_io:readline(R0),
        {ok, <<>>, R2} = esock_io:readline(R1, 5000),
        {ok, <<"two\r">>, R3} = esock_io:readline(R2, 0),
        ?assertEqual(<<"thr">>, esock_io:buffered(R3)),
        {error, timeout, R4} = esock_io:readline(R3, 0),
        ok = esock:send(C, "ee\n"),
        {ok, <<"three">>, R5} = esock_io:readline(R4, 5000),
        ok = esock:shutdown(C, write),
        {eof, _} = esock_io:readline(R5, 5000)
    end).

line_ends(_) ->
    Text = <<"a\r\nb\nc\r\r\n\n\r\n">>,
    Read = fun(Eol, Keep) ->
                   {C, S} = pair(),
                   ok = esock:send(C, Text),
                   ok = esock:close(C),
                   {ok, R} = esock_io:new(S),
                   Lines = all_lines(R, #{eol => Eol, keep => Keep}),
                   ok = esock:close(S),
                   Lines
           end,
    ?assertEqual([<<"a\r">>, <<"b">>, <<"c\r\r">>, <<>>, <<"\r">>], Read(lf, false)),
    ?assertEqual([<<"a\r\n">>, <<"b\n">>, <<"c\r\r\n">>, <<"\n">>, <<"\r\n">>], Read(lf, true)),
    ?assertEqual([<<"a">>, <<"b\nc\r">>, <<"\n">>], Read(crlf, false)),
    ?assertEqual([<<"a\r\n">>, <<"b\nc\r\r\n">>, <<"\n\r\n">>], Read(crlf, true)),
    ?assertEqual([<<"a">>, <<"b">>, <<"c\r">>, <<>>, <<>>], Read(any, false)),
    ?assertEqual([<<"a\r\n">>, <<"b\n">>, <<"c\r\r\n">>, <<"\n">>, <<"\r\n">>], Read(any, true)).

all_lines(R, Opts) ->
    case esock_io:readline(R, Opts, 5000) of
        {ok, Line, Next} -> [Line | all_lines(Next, Opts)];
        {eof, _} -> []
    end.

%% The limit counts the end of the line, whatever is in the buffer.
too_long(_) ->
    with_reader(#{limit => 6}, fun(C, R0) ->
        ok = esock:send(C, "12345\n123456\nok\n"),
        {ok, <<"12345">>, R1} = esock_io:readline(R0, 5000),
        {error, {too_long, 6}, R2} = esock_io:readline(R1, 5000),
        {error, {too_long, 6}, R3} = esock_io:readline(R2, 5000),
        {ok, <<"123456">>, R4} = esock_io:readline(R3, #{limit => 7}, 5000),
        {ok, <<"ok">>, _} = esock_io:readline(R4, 5000)
    end).

%% A peer that never ends its line: the buffer stays small, and what comes after it can be read.
endless_line(_) ->
    with_reader(#{limit => 10_000, read_size => 1000}, fun(C, R0) ->
        Data = binary:copy(<<"x">>, 1_000_000),
        {Sender, MRef} = spawn_monitor(fun() -> ok = esock:send(C, [Data, "\nend\n"]) end),
        {error, {too_long, 10_000}, R1} = esock_io:readline(R0, 5000),
        ?assert(byte_size(esock_io:buffered(R1)) =< 11_000),
        {ok, Data, R2} = esock_io:read_exactly(R1, 1_000_000, 5000),
        {ok, <<>>, R3} = esock_io:readline(R2, 5000),
        {ok, <<"end">>, _} = esock_io:readline(R3, 5000),
        receive {'DOWN', MRef, process, Sender, Reason} -> ?assertEqual(normal, Reason) end
    end).

bytes(_) ->
    with_reader(#{read_size => 4}, fun(C, R0) ->
        ok = esock:send(C, "0123456789"),
        {ok, <<"0">>, R1} = esock_io:read(R0, 1, 5000),
        ?assertEqual(<<"123">>, esock_io:buffered(R1)),
        {ok, <<"123">>, R2} = esock_io:read(R1, 100, 5000),
        {ok, <<"45">>, R3} = esock_io:peek(R2, 2, 5000),
        {ok, <<"45678">>, R4} = esock_io:read_exactly(R3, 5, 5000),
        {ok, <<>>, R5} = esock_io:read_exactly(R4, 0, 0),
        R6 = esock_io:unread(R5, ["ab", <<"c">>]),
        {ok, <<"abc9">>, R7} = esock_io:peek(R6, 4, 5000),
        {ok, <<"abc9">>, R8} = esock_io:read_exactly(R7, 4, 0),
        ?assertEqual(<<>>, esock_io:buffered(R8)),
        R9 = esock_io:feed(R8, "fed\n"),
        {ok, <<"fed">>, _} = esock_io:readline(R9, 0),
        ok = esock_io:write(R9, "answer"),
        {ok, <<"answer">>} = esock:recv(C, 6, 5000),
        ok = esock_io:write(esock_io:socket(R9), ["more"], 5000),
        {ok, <<"more">>} = esock:recv(C, 4, 5000)
    end).

until_pattern(_) ->
    with_reader(#{}, fun(C, R0) ->
        ok = esock:send(C, "a: 1\r\nb: 2\r\n\r\nbody\r\n\r"),
        {ok, <<"a: 1\r\nb: 2">>, R1} = esock_io:read_until(R0, <<"\r\n\r\n">>),
        {error, timeout, R2} = esock_io:read_until(R1, <<"\r\n\r\n">>, 0),
        ok = esock:send(C, "\nrest"),
        {ok, <<"body\r\n\r\n">>, R3} = esock_io:read_until(R2, <<"\r\n\r\n">>, #{keep => true}, 5000),
        {error, {too_long, 3}, R4} = esock_io:read_until(R3, <<"x">>, #{limit => 3}, 5000),
        {ok, <<"rest">>, _} = esock_io:read_exactly(R4, 4, 5000)
    end).

end_inside(_) ->
    with_reader(#{}, fun(C, R0) ->
        ok = esock:send(C, "part"),
        ok = esock:close(C),
        {error, {eof, 4}, R1} = esock_io:readline(R0, 5000),
        {error, {eof, 4}, R2} = esock_io:read_exactly(R1, 5, 5000),
        {error, {eof, 4}, R3} = esock_io:peek(R2, 5, 5000),
        {error, {eof, 4}, R4} = esock_io:read_until(R3, <<"x">>, 5000),
        {error, {eof, 4}, R5} = esock_io:read_packet(R4, 2, 5000),
        {ok, <<"part">>, R6} = esock_io:read(R5, 100, 5000),
        {eof, R7} = esock_io:read(R6, 100, 5000),
        {eof, _} = esock_io:read_packet(R7, 4, 5000)
    end, open_end).

%% The case closes the client itself.
with_reader(Opts, Fun, open_end) ->
    {C, S} = pair(),
    {ok, R} = esock_io:new(S, Opts),
    Fun(C, R),
    ok = esock:close(S).

%% A million bytes arrive in pieces, and calls time out between them.
timeouts_lose_nothing(_) ->
    with_reader(#{}, fun(C, R) ->
        Data = crypto:strong_rand_bytes(1_000_000),
        {_, MRef} = spawn_monitor(fun() -> pieces(C, Data) end),
        {Timeouts, Last} = exactly(R, Data, 0),
        {eof, _} = esock_io:read(Last, 1, 5000),
        receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end,
        ct:log("~b timeouts", [Timeouts])
    end).

pieces(C, <<Piece:7919/binary, Rest/binary>>) -> ok = esock:send(C, Piece), erlang:yield(), pieces(C, Rest);
pieces(C, Last) -> ok = esock:send(C, Last), ok = esock:shutdown(C, write).

exactly(R, Data, Timeouts) ->
    case esock_io:read_exactly(R, byte_size(Data), Timeouts rem 2) of
        {ok, Data, Last} -> {Timeouts, Last};
        {error, timeout, Next} -> exactly(Next, Data, Timeouts + 1)
    end.

%% A peer that sends without an end does not prolong a call: the deadline is that of the call, not of each receive.
deadline_is_one(_) ->
    with_reader(#{limit => infinity}, fun(C, R) ->
        {Pid, MRef} = spawn_monitor(fun() -> flood(C) end),
        Start = erlang:monotonic_time(millisecond),
        {error, timeout, _} = esock_io:readline(R, 100),
        ?assert(erlang:monotonic_time(millisecond) - Start >= 100),
        {error, timeout, _} = esock_io:read_exactly(R, 1 bsl 50, 100),
        exit(Pid, kill),
        receive {'DOWN', MRef, process, _, _} -> ok end
    end).

flood(C) -> ok = esock:send(C, binary:copy(<<"x">>, 1000)), flood(C).

nowait(_) ->
    with_reader(#{}, fun(C, R0) ->
        ok = esock:send(C, "on"),
        R1 = wait_for(fun(R, Wait) -> esock_io:readline(R, Wait) end, R0, C, "e\ntwo"),
        {error, timeout, R2} = esock_io:readline(R1, 0),
        ok = esock:send(C, "\n"),
        {ok, <<"two">>, _} = esock_io:readline(R2, 5000)
    end).

%% Calls with `nowait' until the line is there; sends `More' after the first wait has begun.
wait_for(Call, R, C, More) ->
    case Call(R, nowait) of
        {ok, <<"one">>, Next} -> Next;
        {select, {select_info, recv, H}, Next} ->
            ok = esock:send(C, More),
            receive {'$socket', _, select, H} -> wait_for(Call, Next, C, "") end;
        {completion, {completion_info, recv, H}, Next} ->
            ok = esock:send(C, More),
            receive {'$socket', _, completion, {H, {ok, Data}}} -> wait_for(Call, esock_io:feed(Next, Data), C, "") end
    end.

%% A long line and a long header of HTTP that come byte by byte are not searched again from the start with each byte: ten times as many
%% bytes take about ten times as many reductions, not a hundred times.
byte_by_byte(_) ->
    [begin
         {Short, Long} = {reductions(Call, 3000), reductions(Call, 30_000)},
         ?assert(Long < 30 * Short, {Short, Long})
     end || Call <- [fun(R) -> esock_io:readline(R, 0) end,
                     fun(R) -> esock_io:read_until(R, <<"\r\n\r\n">>, 0) end,
                     fun(R) -> esock_io:read_packet(R, line, 0) end,
                     fun(R) -> esock_io:read_packet(R, httph_bin, 0) end]].

reductions(Call, N) ->
    {C, S} = pair(),
    {ok, R} = esock_io:new(S),
    {reductions, Before} = process_info(self(), reductions),
    _ = lists:foldl(fun(_, Reader) -> {error, timeout, Next} = Call(esock_io:feed(Reader, <<"x">>)), Next end, R, lists:seq(1, N)),
    {reductions, After} = process_info(self(), reductions),
    esock_pairs:close([C, S]),
    After - Before.

%%% ---- Packets --------------------------------------------------------------------------------------------------------

%% The same bytes, sent to a gen_tcp socket with that packet type and to a reader, in pieces of random sizes.
packets_as_gen_tcp(_) ->
    [begin
         Wire = iolist_to_binary([wire(Type, N) || N <- lists:seq(1, 40)]),
         Expected = by_gen_tcp(Type, [], Wire),
         ?assertEqual({Type, 40}, {Type, length(Expected)}),
         ?assertEqual({Type, Expected}, {Type, by_reader(Type, [], Wire)})
     end || Type <- [1, 2, 4, line, asn1, cdr, sunrm, fcgi, tpkt]],
    Lines = <<"one;two;;three;">>,
    ?assertEqual(by_gen_tcp(line, [{line_delimiter, $;}], Lines), by_reader(line, [{line_delimiter, $;}], Lines)).

wire(line, N) -> [lists:duplicate(rand:uniform(200) - 1, $a + N rem 26), $\n];
wire(1, _) -> sized(8);
wire(2, _) -> sized(16);
wire(4, _) -> sized(32);
wire(asn1, _) -> [16#30, sized7()];
wire(sunrm, _) -> B = random(), <<1:1, (byte_size(B)):31, B/binary>>;
wire(fcgi, _) -> B = random(), <<1, 6, 1:16, (byte_size(B)):16, 0, 0, B/binary>>;
wire(tpkt, _) -> B = random(), <<3, 0, (byte_size(B) + 4):16, B/binary>>;
wire(cdr, _) -> B = random(), <<"GIOP", 1, 0, 0, 0, (byte_size(B)):32, B/binary>>.

random() -> crypto:strong_rand_bytes(rand:uniform(250)).
sized(Bits) -> B = random(), <<(byte_size(B)):Bits, B/binary>>.
sized7() -> B = crypto:strong_rand_bytes(rand:uniform(120)), <<(byte_size(B)), B/binary>>.

by_gen_tcp(Type, Options, Wire) ->
    {L, #{port := Port}} = esock_pairs:listener(),
    {ok, G} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, Type} | Options]),
    {ok, S} = esock:accept(L),
    Packets = received(S, Wire, fun() -> gen_all(G) end),
    ok = gen_tcp:close(G),
    ok = esock:close(L),
    Packets.

gen_all(G) ->
    case gen_tcp:recv(G, 0, 5000) of
        {ok, Packet} -> [Packet | gen_all(G)];
        {error, closed} -> []
    end.

by_reader(Type, Options, Wire) -> by_reader(Wire, fun(R) -> esock_io:read_packet(R, Type, Options, 5000) end).

by_reader(Wire, Call) ->
    {C, S} = pair(),
    {ok, R} = esock_io:new(S, #{read_size => rand:uniform(300)}),
    Packets = received(C, Wire, fun() -> reader_all(R, Call) end),
    ok = esock:close(S),
    Packets.

reader_all(R, Call) ->
    case Call(R) of
        {ok, Packet, Next} -> [Packet | reader_all(Next, Call)];
        {eof, _} -> []
    end.

%% Sends in pieces, and closes.
received(S, Wire, Fun) ->
    {Pid, MRef} = spawn_monitor(fun() -> receive go -> random_pieces(S, Wire) end end),
    ok = esock:setopt(S, {otp, controlling_process}, Pid),
    Pid ! go,
    Result = Fun(),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    Result.

random_pieces(S, <<>>) -> ok = esock:close(S);
random_pieces(S, Wire) ->
    {Piece, Rest} = split_binary(Wire, min(byte_size(Wire), rand:uniform(150))),
    ok = esock:send(S, Piece),
    random_pieces(S, Rest).

http_as_gen_tcp(_) ->
    Wire = <<"GET /a?b HTTP/1.1\r\nHost: example\r\nX-Folded: one\r\n two\r\nAccept: */*\r\n\r\n">>,
    {L, #{port := Port}} = esock_pairs:listener(),
    {ok, G} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {packet, http_bin}]),
    {ok, S} = esock:accept(L),
    ok = esock:send(S, Wire),
    Expected = [element(2, {ok, _} = gen_tcp:recv(G, 0, 5000)) || _ <- lists:seq(1, 5)],
    esock_pairs:close([L, S]),
    ok = gen_tcp:close(G),
    {C, T} = pair(),
    {ok, R0} = esock_io:new(T, #{read_size => 5}),
    ok = esock:send(C, Wire),
    {ok, Request, R1} = esock_io:read_packet(R0, http_bin, 5000),
    {Headers, _} = lists:mapfoldl(fun(_, R) -> {ok, Header, Next} = esock_io:read_packet(R, httph_bin, 5000), {Header, Next} end,
                                  R1, lists:seq(1, 4)),
    ?assertEqual(Expected, [Request | Headers]),
    esock_pairs:close([C, T]).

%% A header that announces too much is refused at once, before the bytes are there.
long_packets(_) ->
    with_reader(#{limit => 100}, fun(C, R0) ->
        ok = esock:send(C, <<16#40000000:32>>),
        {error, {too_long, 100}, R1} = esock_io:read_packet(R0, 4, 5000),
        {error, invalid, R2} = esock_io:read_packet(R1, 4, [{packet_size, 1000}], 5000),
        {ok, <<16#40000000:32>>, R3} = esock_io:read_exactly(R2, 4, 0),
        ok = esock:send(C, <<200:32, 1:1600>>),
        {error, {too_long, 100}, R4} = esock_io:read_packet(R3, 4, 5000),
        {ok, <<1:1600>>, R5} = esock_io:read_packet(R4, 4, [{packet_size, 1000}], 5000),
        ok = esock:send(C, lists:duplicate(100, $a)),
        {error, {too_long, 100}, R6} = esock_io:read_packet(R5, line, 5000),
        {ok, <<"aaaaaaaaaa">>, _} = esock_io:read_packet(R6, line, [{line_length, 10}], 5000)
    end).

%%% ---- python3 ---------------------------------------------------------------------------------------------------------

%% python3 writes lines with its buffered file object, and reads those that a reader has read back.
python_lines(_) ->
    Sent = python("f = s.makefile('rwb')\n"
                  "for n in range(2000): f.write(b'%d ' % n + b'x' * (n % 300) + b'\\r\\n')\n"
                  "f.flush(); s.shutdown(socket.SHUT_WR)\n"
                  "back = f.read()\n"
                  "print(len(back), hashlib.sha256(back).hexdigest())\n",
                  fun(S) ->
                          {ok, R} = esock_io:new(S, #{eol => crlf}),
                          Lines = all_lines(R, #{}),
                          ?assertEqual(2000, length(Lines)),
                          [ok = esock_io:write(S, [Line, $\n]) || Line <- Lines],
                          ok = esock:shutdown(S, write)
                  end),
    Back = iolist_to_binary([[integer_to_binary(N), $\s, lists:duplicate(N rem 300, $x), $\n] || N <- lists:seq(0, 1999)]),
    ?assertEqual(iolist_to_binary([integer_to_binary(byte_size(Back)), $\s, sha256(Back), $\n]), Sent).

sha256(Data) -> string:lowercase(binary:encode_hex(crypto:hash(sha256, Data))).

%% Lines that esock writes are those that python3's readline() reads.
python_reads(_) ->
    Answer = python("f = s.makefile('rb'); print([f.readline(), f.read(3), f.readline(), f.read()])\n",
                    fun(S) -> ok = esock_io:write(S, "one\r\nabcdef\nrest"), ok = esock:shutdown(S, write) end),
    ?assertEqual(<<"[b'one\\r\\n', b'abc', b'def\\n', b'rest']\n">>, Answer).

%% Runs a program of python3 that has connected its socket `s', and `Fun' with the other end. Returns what it printed.
python(Program, Fun) ->
    {L, #{port := Port}} = esock_pairs:listener(),
    Head = "import socket, hashlib, sys\ns = socket.create_connection(('127.0.0.1', " ++ integer_to_list(Port) ++ "))\n",
    P = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", Head ++ Program]}, binary, exit_status]),
    {ok, S} = esock:accept(L, 30_000),
    _ = Fun(S),
    Output = output(P, []),
    esock_pairs:close([L, S]),
    Output.

output(P, Printed) ->
    receive
        {P, {data, Data}} -> output(P, [Printed, Data]);
        {P, {exit_status, Status}} -> ?assertEqual({0, Printed}, {Status, Printed}), iolist_to_binary(Printed)
    after 30_000 -> ct:fail({no_end, Printed})
    end.

bad_arguments(_) ->
    {C, S} = pair(),
    {ok, R} = esock_io:new(S),
    ?assertEqual({error, {invalid, {option, colour}}}, esock_io:new(S, #{colour => red})),
    ?assertMatch({error, {invalid, {option, read_size}}, R}, esock_io:readline(R, #{read_size => 1}, 0)),
    ?assertMatch({error, {invalid, {option, eol}}, R}, esock_io:read_until(R, <<"x">>, #{eol => lf}, 0)),
    ?assertEqual({error, {invalid, {option, x}}}, esock_io:copy(S, C, #{x => 1})),
    ?assertMatch({error, {invalid, {option, x}}, R}, esock_io:copy(R, C, #{x => 1})),
    ?assertEqual({error, {invalid, {option, x}}}, esock_io:sendfile_all(S, "/etc/hosts", #{x => 1})),
    ?assertEqual({error, {invalid, {option, x}}}, esock_io:relay(S, C, #{x => 1})),
    ?assertError({invalid, {option, {eol, cr}}}, esock_io:new(S, #{eol => cr})),
    ?assertError({invalid, {option, {count, -1}}}, esock_io:copy(S, C, #{count => -1})),
    ?assertError({invalid, {option, {chunk, 0}}}, esock_io:relay(S, C, #{chunk => 0})),
    ?assertError(badarg, esock_io:new(not_a_socket)),
    ?assertError(badarg, esock_io:relay(S, S)),
    ?assertError(badarg, esock_io:copy({file, "a"}, {file, "b"})),
    ?assertError(badarg, esock_io:read_packet(R, no_type)),
    ?assertError(function_clause, esock_io:read(R, 0)),
    esock_pairs:close([C, S]).

%%% ---- Copies -----------------------------------------------------------------------------------------------------------

%% Two connections: what goes into the first comes out of `From'; what goes into `To' comes out of the last.
bridge() ->
    {A, From} = pair(),
    {To, B} = pair(),
    {A, From, To, B}.

bridge_close({A, From, To, B}) -> esock_pairs:close([A, From, To, B]).

copy_counts(_) ->
    {A, From, To, B} = Bridge = bridge(),
    ok = esock:send(A, "0123456789"),
    {ok, 4} = esock_io:copy(From, To, #{count => 4, timeout => 5000}),
    {ok, 0} = esock_io:copy(From, To, #{count => 0}),
    {error, {timeout, 6, <<>>}} = esock_io:copy(From, To, #{count => 7, chunk => 2, timeout => 50}),
    {ok, <<"0123456789">>} = esock:recv(B, 10, 5000),
    ok = esock:send(A, "abc"),
    ok = esock:shutdown(A, write),
    {ok, 3} = esock_io:copy(From, To),
    {ok, <<"abc">>} = esock:recv(B, 3, 5000),
    bridge_close(Bridge).

copy_reader(_) ->
    {A, From, To, B} = bridge(),
    {ok, R0} = esock_io:new(From),
    ok = esock:send(A, "length 5\nhelloline\n"),
    {ok, <<"length 5">>, R1} = esock_io:readline(R0, 5000),
    {ok, 5, R2} = esock_io:copy(R1, To, #{count => 5}),
    {ok, <<"hello">>} = esock:recv(B, 5, 5000),
    {ok, <<"line">>, R3} = esock_io:readline(R2, 5000),
    ok = esock:shutdown(A, write),
    {ok, 0, R4} = esock_io:copy(R3, To),
    %% What could not be sent is in the reader.
    ok = esock:close(To),
    {error, {closed, 0}, R5} = esock_io:copy(esock_io:unread(R4, "kept"), To),
    {ok, <<"kept">>, _} = esock_io:read(R5, 100, 0),
    esock_pairs:close([A, From, B]).

%% A target that is not read stops the source: the sender is held up, and all arrives once it is read.
copy_backpressure(_) ->
    {A, From, To, B} = Bridge = bridge(),
    Data = crypto:strong_rand_bytes(30_000_000),
    {_, Sender} = spawn_monitor(fun() -> ok = esock:send(A, Data), ok = esock:shutdown(A, write) end),
    {error, {timeout, Copied, Unsent}} = esock_io:copy(From, To, #{timeout => 300}),
    ?assert(Copied < 30_000_000),
    {_, Receiver} = spawn_monitor(fun() -> received(B, Data) end),
    ok = esock:send(To, Unsent),
    {ok, More} = esock_io:copy(From, To, #{timeout => 30_000}),
    ?assertEqual(30_000_000, Copied + byte_size(Unsent) + More),
    [receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end || MRef <- [Sender, Receiver]],
    bridge_close(Bridge).

%% A failure does not carry the data: printing it would take gigabytes.
received(S, Data) ->
    case esock:recv(S, byte_size(Data), 30_000) of
        {ok, Data} -> ok;
        {ok, _} -> exit(other_data);
        {error, {Reason, Part}} -> exit({Reason, byte_size(Part)});
        {error, Reason} -> exit(Reason)
    end.

copy_to_file(Config) ->
    Name = filename:join(proplists:get_value(priv_dir, Config), "copied"),
    {C, S} = pair(),
    Data = crypto:strong_rand_bytes(1_000_000),
    {_, MRef} = spawn_monitor(fun() -> ok = esock:send(C, Data), ok = esock:shutdown(C, write) end),
    ok = file:write_file(Name, binary:copy(<<"old">>, 1_000_000)),
    {ok, 600_000} = esock_io:copy(S, {file, Name}, #{count => 600_000}),
    {ok, Fd} = file:open(Name, [append, raw, binary]),
    {ok, R} = esock_io:new(S),
    {ok, 400_000, _} = esock_io:copy(R, {file, Fd}),
    ok = file:close(Fd),
    ?assertEqual({ok, Data}, file:read_file(Name)),
    {error, {enoent, 0, <<>>}} = esock_io:copy(S, {file, "/no/such/folder"}),
    receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end,
    esock_pairs:close([C, S]).

copy_from_file(Config) ->
    Data = crypto:strong_rand_bytes(300_000),
    Name = file_of(Config, Data),
    {C, S} = pair(),
    {_, MRef} = spawn_monitor(fun() -> received(S, Data) end),
    {ok, 300_000} = esock_io:copy({file, Name}, C),
    receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end,
    esock_pairs:close([C, S]).

file_of(Config, Data) ->
    Name = filename:join(proplists:get_value(priv_dir, Config), "sent" ++ integer_to_list(erlang:unique_integer([positive]))),
    ok = file:write_file(Name, Data),
    Name.

copy_fails(_) ->
    {A, From, To, B} = bridge(),
    ok = esock:close(From),
    {error, {closed, 0, <<>>}} = esock_io:copy(From, To),
    {error, {closed, 0, <<>>}} = esock_io:copy(From, {file, "/dev/null"}),
    {C, D} = pair(),
    ok = esock:send(C, "data"),
    {error, {enospc, 0, <<"data">>}} = esock_io:copy(D, {file, "/dev/full"}, #{count => 4}),
    esock_pairs:close([A, To, B, C, D]).

%%% ---- Files ------------------------------------------------------------------------------------------------------------

sendfile_parts(Config) ->
    Data = crypto:strong_rand_bytes(100_000),
    Name = file_of(Config, Data),
    {ok, Raw} = file:open(Name, [read, raw, binary]),
    {ok, Served} = file:open(Name, [read, binary]),
    [begin
         {C, S} = pair(),
         {ok, 100_000} = esock_io:sendfile_all(C, File),
         {ok, 10} = esock_io:sendfile_all(C, File, #{offset => 99_990}),
         {ok, 5} = esock_io:sendfile_all(C, File, #{offset => 7, count => 5, timeout => 5000}),
         {ok, 1} = esock_io:sendfile_all(C, File, #{offset => 99_999, count => 5}),
         {ok, 0} = esock_io:sendfile_all(C, File, #{count => 0}),
         {ok, 0} = esock_io:sendfile_all(C, File, #{offset => 200_000}),
         All = iolist_to_binary([Data, binary:part(Data, 99_990, 10), binary:part(Data, 7, 5), binary:last(Data)]),
         ?assertEqual({ok, All}, esock:recv(S, byte_size(All), 5000)),
         esock_pairs:close([C, S])
     end || File <- [Name, Raw, Served]],
    ok = file:close(Raw),
    ok = file:close(Served).

%% The kernel refuses sendfile(2) here; cat reads what the peer should get.
sendfile_proc(_) ->
    [begin
         {C, S} = pair(),
         Expected = list_to_binary(os:cmd("cat " ++ Name)),
         {ok, Fd} = file:open(Name, [read, raw, binary]),
         {error, einval} = esock:sendfile(C, Fd, 0, 0, 5000),
         ok = file:close(Fd),
         ?assertEqual({ok, byte_size(Expected)}, esock_io:sendfile_all(C, Name)),
         {ok, 4} = esock_io:sendfile_all(C, Name, #{offset => 1, count => 4}),
         ?assertEqual({ok, <<Expected/binary, (binary:part(Expected, 1, 4))/binary>>}, esock:recv(S, byte_size(Expected) + 4, 5000)),
         esock_pairs:close([C, S])
     end || File <- ["limits", "cgroup"], Name <- ["/proc/" ++ os:getpid() ++ "/" ++ File]],
    {C, S} = pair(),
    {ok, 10} = esock_io:sendfile_all(C, "/dev/zero", #{count => 10}),
    ?assertEqual({ok, <<0:80>>}, esock:recv(S, 10, 5000)),
    esock_pairs:close([C, S]).

%% A pipe has no positions.
sendfile_pipe(Config) ->
    Name = filename:join(proplists:get_value(priv_dir, Config), "pipe"),
    "" = os:cmd("mkfifo " ++ Name),
    P = open_port({spawn_executable, "/bin/sh"}, [{args, ["-c", "printf hello > " ++ Name]}, exit_status]),
    {C, S} = pair(),
    ?assertEqual({ok, 5}, esock_io:sendfile_all(C, Name)),
    ?assertEqual({ok, <<"hello">>}, esock:recv(S, 5, 5000)),
    receive {P, {exit_status, 0}} -> ok end,
    esock_pairs:close([C, S]).

sendfile_fails(Config) ->
    {C, S} = pair(),
    {error, {enoent, 0}} = esock_io:sendfile_all(C, "/no/such/file"),
    {error, {eisdir, 0}} = esock_io:sendfile_all(C, "/tmp"),
    %% Nobody reads: both ways of sending time out, and say how much is gone.
    Name = file_of(Config, binary:copy(<<0>>, 30_000_000)),
    {error, {timeout, Sent}} = esock_io:sendfile_all(C, Name, #{timeout => 100}),
    ?assert(Sent > 0 andalso Sent < 30_000_000),
    {ok, _} = esock:recv(S, Sent, 5000),
    {error, {timeout, Copied}} = esock_io:copy({file, "/dev/zero"}, C, #{timeout => 100}),
    ?assert(Copied > 0),
    ok = esock:close(C),
    {error, {closed, 0}} = esock_io:sendfile_all(C, "/proc/self/limits"),
    {error, {closed, 0}} = esock_io:sendfile_all(C, Name),
    ok = esock:close(S).

%%% ---- Relays -----------------------------------------------------------------------------------------------------------

%% Runs a relay in a process of its own that owns the sockets in the middle.
relaying({_, From, To, _}, Opts) ->
    Self = self(),
    Pid = spawn(fun() -> receive go -> Self ! {self(), esock_io:relay(From, To, Opts)} end, receive stop -> ok end end),
    [ok = esock:setopt(S, {otp, controlling_process}, Pid) || S <- [From, To]],
    Pid ! go,
    Pid.

relayed(Pid) ->
    Result = receive {Pid, R} -> R after 30_000 -> ct:fail(no_end) end,
    ?assertEqual({messages, []}, process_info(Pid, messages)),
    ?assertMatch({monitors, []}, process_info(Pid, monitors)),
    ?assertMatch({links, []}, process_info(Pid, links)),
    MRef = monitor(process, Pid),
    Pid ! stop,
    receive {'DOWN', MRef, process, Pid, _} -> ok end,
    Result.

relay_both_ways(_) ->
    [begin
         {A, _, _, B} = Bridge = bridge(),
         Relay = relaying(Bridge, #{chunk => Chunk}),
         {There, Back} = {crypto:strong_rand_bytes(3_000_000), crypto:strong_rand_bytes(2_000_000)},
         Ends = [both(A, There, Back), both(B, Back, There)],
         [receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end || MRefs <- Ends, MRef <- MRefs],
         ?assertEqual({ok, {3_000_000, 2_000_000}}, relayed(Relay)),
         esock_pairs:close([A, B])
     end || Chunk <- [1_000_000, 65_536, 5000]].

%% Sends `Send' and ends the stream, and receives `Receive' and the end.
both(S, Send, Receive) ->
    {_, Sender} = spawn_monitor(fun() -> ok = esock:send(S, Send), ok = esock:shutdown(S, write) end),
    {_, Receiver} = spawn_monitor(fun() ->
                                          received(S, Receive),
                                          eof = esock:recv_some(S, 1, [], 30_000)
                                  end),
    [Sender, Receiver].

%% One direction ends, and the other goes on.
relay_half_close(_) ->
    {A, _, _, B} = Bridge = bridge(),
    Relay = relaying(Bridge, #{}),
    ok = esock:send(A, "question"),
    ok = esock:shutdown(A, write),
    {ok, <<"question">>} = esock:recv(B, 8, 5000),
    eof = esock:recv_some(B, 1, [], 5000),
    [begin ok = esock:send(B, "answer"), {ok, <<"answer">>} = esock:recv(A, 6, 5000) end || _ <- lists:seq(1, 10)],
    ok = esock:shutdown(B, write),
    eof = esock:recv_some(A, 1, [], 5000),
    ?assertEqual({ok, {8, 60}}, relayed(Relay)),
    esock_pairs:close([A, B]).

relay_reader(_) ->
    {A, From, To, B} = Bridge = bridge(),
    ok = esock:send(A, "CONNECT b\nearly"),
    {ok, R0} = esock_io:new(From),
    {ok, <<"CONNECT b">>, R1} = esock_io:readline(R0, 5000),
    ok = esock:send(A, " late"),
    ok = esock:shutdown(A, write),
    ok = esock:shutdown(B, write),
    {ok, {10, 0}} = esock_io:relay(R1, To, #{timeout => 5000}),
    {ok, <<"early late">>} = esock:recv(B, 10, 5000),
    bridge_close(Bridge).

%% A peer that does not read holds up its own direction only, and the source of that direction.
relay_backpressure(_) ->
    {A, _, _, B} = Bridge = bridge(),
    Relay = relaying(Bridge, #{}),
    {error, {timeout, _}} = esock:send(A, binary:copy(<<0>>, 50_000_000), 500),
    ok = esock:send(B, "still"),
    {ok, <<"still">>} = esock:recv(A, 5, 5000),
    ?assert(element(2, process_info(Relay, binary)) =:= [] orelse
            lists:sum([Size || {_, Size, _} <- element(2, process_info(Relay, binary))]) < 2_000_000),
    MRef = monitor(process, Relay),
    exit(Relay, kill),
    receive {'DOWN', MRef, process, _, _} -> ok end,
    esock_pairs:close([A, B]).

%% What was received and not sent is in the error, so the bytes can be counted: none is lost.
relay_timeouts(_) ->
    {A, From, To, B} = Bridge = bridge(),
    ok = esock:send(A, "one"),
    {error, {timeout, #{sent := {3, 0}, unsent := {<<>>, <<>>}}}} = esock_io:relay(From, To, #{timeout => 100}),
    ok = esock:send(B, "two"),
    {error, {idle_timeout, #{sent := {0, 3}, unsent := {<<>>, <<>>}}}} = esock_io:relay(From, To, #{idle_timeout => 100, timeout => 60_000}),
    {ok, <<"one">>} = esock:recv(B, 3, 5000),
    {ok, <<"two">>} = esock:recv(A, 3, 5000),
    Data = crypto:strong_rand_bytes(30_000_000),
    {_, Sender} = spawn_monitor(fun() -> ok = esock:send(A, Data), ok = esock:shutdown(A, write) end),
    {error, {idle_timeout, #{sent := {Sent, 0}, unsent := {Unsent, <<>>}}}} = esock_io:relay(From, To, #{idle_timeout => 200}),
    {_, Receiver} = spawn_monitor(fun() -> received(B, Data), ok = esock:shutdown(B, write) end),
    ok = esock:send(To, Unsent),
    {ok, {More, 0}} = esock_io:relay(From, To, #{timeout => 30_000}),
    ?assertEqual(30_000_000, Sent + byte_size(Unsent) + More),
    [receive {'DOWN', MRef, process, _, Reason} -> ?assertEqual(normal, Reason) end || MRef <- [Sender, Receiver]],
    bridge_close(Bridge).

relay_fails(_) ->
    {A, From, To, B} = Bridge = bridge(),
    Relay = relaying(Bridge, #{}),
    ok = esock:send(A, "x"),
    {ok, <<"x">>} = esock:recv(B, 1, 5000),
    ok = esock:setopt(A, {socket, linger}, #{onoff => true, linger => 0}),
    ok = esock:close(A),
    {error, {econnreset, #{sent := {1, 0}}}} = relayed(Relay),
    {error, {closed, #{sent := {0, 0}}}} = esock_io:relay(From, To),
    ok = esock:close(B),
    %% Closed by another process in the middle.
    {C, _, V, D} = Next = bridge(),
    Relay2 = relaying(Next, #{}),
    ok = esock:send(C, "x"),
    {ok, <<"x">>} = esock:recv(D, 1, 5000),
    ok = esock:close(V),
    {error, {closed, #{sent := {1, 0}}}} = relayed(Relay2),
    esock_pairs:close([C, D]).

%% python3 on both sides of the relay: one echoes lines in capitals, the other one asks and checks.
relay_python(_) ->
    {L, #{port := Port}} = esock_pairs:listener(),
    Server = "import socket, sys\nl = socket.create_server(('127.0.0.1', 0))\nprint(l.getsockname()[1], flush=True)\n"
             "s, _ = l.accept()\nf = s.makefile('rwb')\nfor line in f: f.write(line.upper()); f.flush()\n"
             "f.write(b'BYE\\n'); f.flush(); s.shutdown(socket.SHUT_WR)\n",
    P = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", Server]}, binary, exit_status, {line, 100}]),
    To = receive {P, {data, {eol, Text}}} -> binary_to_integer(Text) after 30_000 -> ct:fail(no_server) end,
    Client = "import socket\ns = socket.create_connection(('127.0.0.1', " ++ integer_to_list(Port) ++ "))\nf = s.makefile('rwb')\n"
             "for n in range(500): f.write(b'line %d\\n' % n)\nf.flush(); s.shutdown(socket.SHUT_WR)\n"
             "print(f.read() == b''.join(b'LINE %d\\n' % n for n in range(500)) + b'BYE\\n')\n",
    Q = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", Client]}, binary, exit_status]),
    {ok, A} = esock:accept(L, 30_000),
    {ok, B} = esock:open(inet, stream, tcp),
    ok = esock:connect(B, #{family => inet, addr => loopback, port => To}),
    {ok, {Sent, Back}} = esock_io:relay(A, B, #{timeout => 30_000}),
    ?assertEqual(Sent + 4, Back),
    esock_pairs:close([L, A, B]),
    ?assertEqual(<<"True\n">>, output(Q, [])),
    ?assertEqual(<<>>, output(P, [])).

%% A relay that is killed leaves no process and no socket; both peers see the end.
relay_killed(_) ->
    Processes = processes(),
    {A, _, _, B} = Bridge = bridge(),
    Relay = relaying(Bridge, #{}),
    ok = esock:send(A, "x"),
    {ok, <<"x">>} = esock:recv(B, 1, 5000),
    exit(Relay, kill),
    eof = esock:recv_some(A, 1, [], 5000),
    eof = esock:recv_some(B, 1, [], 5000),
    eventually(fun() -> processes() -- Processes =:= [] end),
    esock_pairs:close([A, B]).

%% Unix sockets, unix(7): paths, abstract names, unnamed sockets; streams, datagrams, sequenced packets.
-module(esock_local_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    esock_pairs:cases(
        [path, path_as_string, abstract, abstract_with_nul, unnamed, longest, longest_path, too_long, nul_in_a_path, dgram, seqpacket, end_of_records, in_use,
         backlog_full, dgram_unconnected, dgram_sleeps, dgram_large_sleeps, dgram_next_in_line, dgram_receiver_gone, dgram_peers, printed],
        [dgram]).

addr(Path) -> #{family => local, path => Path}.

abstract(Type, Name) ->
    {ok, S} = esock:open(local, Type),
    Path = <<0, Name/binary, (integer_to_binary(erlang:unique_integer([positive])))/binary>>,
    ok = esock:bind(S, addr(Path)),
    {S, Path}.

echo(L, Addr) ->
    ok = esock:listen(L),
    {ok, C} = esock:open(local, stream),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    ok = esock:send(C, "ping"),
    ?assertEqual({ok, <<"ping">>}, esock:recv(S, 4)),
    {C, S}.

path(Config) ->
    Path = list_to_binary(filename:join(proplists:get_value(priv_dir, Config), "s")),
    {ok, L} = esock:open(local, stream),
    case esock:bind(L, addr(Path)) of
        ok ->
            ?assertEqual({ok, addr(Path)}, esock:sockname(L)),
            {C, _} = echo(L, addr(Path)),
            ?assertEqual({ok, addr(Path)}, esock:peername(C));
        {error, {invalid, {sockaddr, _}}} ->
            ?assert(byte_size(Path) > 107)
    end.

path_as_string(_) ->
    Path = "/tmp/esock_å" ++ integer_to_list(erlang:unique_integer([positive])),
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, addr(Path)),
    ?assertEqual({ok, addr(unicode:characters_to_binary(Path))}, esock:sockname(L)),
    ok = file:delete(Path).

abstract(_) ->
    {L, Path} = abstract(stream, <<"esock">>),
    ?assertEqual({ok, addr(Path)}, esock:sockname(L)),
    echo(L, addr(Path)).

abstract_with_nul(_) ->
    {L, Path} = abstract(stream, <<"es", 0, "ck">>),
    ?assertEqual({ok, addr(Path)}, esock:sockname(L)),
    echo(L, addr(Path)).

unnamed(_) ->
    {L, Path} = abstract(stream, <<"un">>),
    {C, S} = echo(L, addr(Path)),
    ?assertEqual({ok, addr(<<>>)}, esock:sockname(C)),
    ?assertEqual({ok, addr(<<>>)}, esock:peername(S)),
    %% Binding to an empty path makes the kernel choose an abstract name (autobind), unix(7).
    {ok, T} = esock:open(local, dgram),
    ok = esock:bind(T, addr(<<>>)),
    ?assertMatch({ok, #{path := <<0, _:5/binary>>}}, esock:sockname(T)).

longest(_) ->
    {ok, L} = esock:open(local, stream),
    Unique = integer_to_binary(erlang:unique_integer([positive])),
    Path = <<0, Unique/binary, (binary:copy(<<"x">>, 107 - byte_size(Unique)))/binary>>,
    ok = esock:bind(L, addr(Path)),
    echo(L, addr(Path)).

%% The longest path has 108 bytes, without a NUL after them.
longest_path(_) ->
    Unique = integer_to_binary(erlang:unique_integer([positive])),
    [begin
         Path = <<"/tmp/", Unique/binary, (binary:copy(<<"x">>, Size - 5 - byte_size(Unique)))/binary>>,
         {ok, L} = esock:open(local, stream),
         ok = esock:bind(L, addr(Path)),
         ?assertEqual({ok, addr(Path)}, esock:sockname(L)),
         {C, _} = echo(L, addr(Path)),
         ?assertEqual({ok, addr(Path)}, esock:peername(C)),
         ok = file:delete(Path)
     end || Size <- [107, 108]].

%% A path with a NUL is refused: the kernel would take it for another, shorter path.
nul_in_a_path(_) ->
    {ok, S} = esock:open(local, dgram),
    [begin
         A = addr(Path),
         ?assertEqual({error, {invalid, {sockaddr, A}}}, esock:bind(S, A)),
         ?assertEqual({error, {invalid, {sockaddr, A}}}, esock:connect(S, A)),
         ?assertEqual({error, {invalid, {sockaddr, A}}}, esock:sendto(S, "x", A))
     end || Path <- [<<"/tmp/a", 0, "b">>, <<"/tmp/a", 0>>, [$a, 0]]],
    ok = esock:close(S).

%% recv_some tells an empty record from the end of the connection.
end_of_records(_) ->
    [begin
         {C, S} = esock_pairs:local_pair(esock, seqpacket, #{io_backend => Backend}),
         Wait = esock:recv_some(S, 10, [], nowait),
         ok = esock:send(C, <<>>),
         ?assertEqual({ok, <<>>}, had(S, Wait)),
         [ok = esock:send(C, D) || D <- ["a", <<>>]],
         ?assertEqual({ok, <<"a">>}, esock:recv_some(S, 10, [], 1000)),
         ok = esock:close(C),
         %% The empty record was sent before the peer closed.
         ?assertEqual({ok, <<>>}, esock:recv_some(S, 10, [], 1000)),
         ?assertEqual([eof, eof], [esock:recv_some(S, 10, [], T) || T <- [0, 1000]]),
         ?assertEqual(eof, had(S, esock:recv_some(S, 10, [], nowait))),
         ?assertEqual({ok, false}, esock:getopt(S, {socket, passcred})),
         %% recv answers the end as an empty record, as OTP does.
         ?assertEqual({ok, <<>>}, esock:recv(S, 0, 1000)),
         ok = esock:close(S)
     end || Backend <- esock_pairs:backends()].

had(S, {select, {_, _, H}}) -> receive {'$socket', S, select, H} -> esock:recv_some(S, 10, [], nowait) end;
had(S, {completion, {_, _, H}}) -> receive {'$socket', S, completion, {H, Result}} -> Result end;
had(_, Result) -> Result.

too_long(_) ->
    {ok, L} = esock:open(local, stream),
    [begin
         A = addr(binary:copy(<<"x">>, N)),
         ?assertEqual({error, {invalid, {sockaddr, A}}}, esock:bind(L, A))
     end || N <- [109, 255]],
    B = addr(binary:copy(<<"x">>, 256)),
    ?assertEqual({error, {invalid, {sockaddr, path, B}}}, esock:bind(L, B)).

dgram(_) ->
    {A, PathA} = abstract(dgram, <<"a">>),
    {B, PathB} = abstract(dgram, <<"b">>),
    ok = esock:sendto(A, "x", addr(PathB)),
    ?assertEqual({ok, {addr(PathA), <<"x">>}}, esock:recvfrom(B)),
    %% The receiver's queue is full: the sender waits until there is room.
    Count = fill(A, addr(PathB), 0),
    {select, {select_info, {sendto, _}, H} = Info} = esock:sendto(A, "more", addr(PathB), nowait),
    [{ok, <<"fill">>} = esock:recv(B) || _ <- lists:seq(1, Count)],
    receive {'$socket', A, select, H} -> ok end,
    ok = esock:sendto(A, <<"more">>, Info, nowait),
    ?assertEqual({ok, <<"more">>}, esock:recv(B)).

fill(S, To, N) ->
    case esock:sendto(S, "fill", To, 0) of
        ok -> fill(S, To, N + 1);
        {error, timeout} -> N
    end.

seqpacket(_) ->
    {L, Path} = abstract(seqpacket, <<"seq">>),
    ok = esock:listen(L),
    {ok, C} = esock:open(local, seqpacket),
    ok = esock:connect(C, addr(Path)),
    {ok, S} = esock:accept(L),
    ok = esock:send(C, "one"),
    ok = esock:send(C, "two"),
    ?assertEqual({ok, <<"on">>}, esock:recv(S, 2)),
    ?assertEqual({ok, <<"two">>}, esock:recv(S)),
    ok = esock:close(C),
    %% recv answers the end of a packet connection as an empty packet, as OTP does.
    ?assertEqual({ok, <<>>}, esock:recv(S)).

in_use(_) ->
    {_, Path} = abstract(stream, <<"used">>),
    {ok, L} = esock:open(local, stream),
    ?assertEqual({error, eaddrinuse}, esock:bind(L, addr(Path))).

%% The kernel has no event for room in the backlog of a Unix listener: connect answers EAGAIN, unix(7). OTP takes that for a
%% connect under way, and answers `ok' for a socket that is not connected.
backlog_full(_) ->
    {L, Path} = abstract(stream, <<"full">>),
    ok = esock:listen(L, 0),
    {ok, A} = esock:open(local, stream),
    ok = esock:connect(A, addr(Path)),
    {ok, B} = esock:open(local, stream),
    ?assertEqual({error, eagain}, esock:connect(B, addr(Path))),
    {ok, _} = esock:accept(L),
    ok = esock:connect(B, addr(Path)).

%% The kernel has no event for an unconnected sender when there is room in the receiver's queue; the sender is woken all the same.
dgram_unconnected(_) ->
    {To, Path} = abstract(dgram, <<"q">>),
    {ok, From} = esock:open(local, dgram),
    Count = fill(From, addr(Path), 0),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:sendto(From, <<"last">>, addr(Path))} end),
    ?assertEqual({error, timeout}, esock:sendto(From, <<"x">>, addr(Path), 20)),
    [{ok, <<"fill">>} = esock:recv(To, 0, 1000) || _ <- lists:seq(1, Count)],
    receive {Pid, Result} -> ?assertEqual(ok, Result) end,
    ?assertEqual({ok, <<"last">>}, esock:recv(To, 0, 1000)),
    [ok = esock:close(S) || S <- [To, From]].

%% Such a sender waits until there is room, without repeated attempts.
dgram_sleeps(_) ->
    [dgram_sleeps(Backend, Send) || Backend <- esock_pairs:backends(),
                                    Send <- [fun(S, A) -> esock:sendto(S, <<"last">>, A) end,
                                             fun(S, A) -> later(S, esock:sendto(S, <<"last">>, A, nowait), A) end,
                                             fun(S, A) -> esock:sendmsg(S, #{addr => A, iov => [<<"last">>]}) end,
                                             fun(S, A) -> esock:sendmmsg(S, [#{addr => A, iov => [<<"last">>]}], [], infinity) end]].

dgram_sleeps(Backend, Send) ->
    {To, Path} = abstract(dgram, <<"q">>),
    {ok, From} = esock:open(local, dgram, default, #{io_backend => Backend}),
    Count = fill(From, addr(Path), 0),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), Send(From, addr(Path))} end),
    esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
    #{counters := #{write_tries := Tries}} = esock:info(From),
    receive {Pid, Early} -> ct:fail(Early) after 300 -> ok end,
    #{counters := #{write_tries := After}} = esock:info(From),
    ?assert(After - Tries =< 1),
    {ok, <<"fill">>} = esock:recv(To, 0, 1000),
    receive {Pid, Result} -> ?assertEqual(ok, Result) after 5000 -> ct:fail(no_room) end,
    [{ok, <<"fill">>} = esock:recv(To, 0, 1000) || _ <- lists:seq(2, Count)],
    ?assertEqual({ok, <<"last">>}, esock:recv(To, 0, 1000)),
    [ok = esock:close(S) || S <- [To, From]].

later(S, {select, {select_info, _, H}}, Addr) ->
    %% After the select message the send succeeds.
    receive {'$socket', S, select, H} -> esock:sendto(S, <<"last">>, Addr, nowait) end;
later(S, {completion, {completion_info, _, H}}, _) ->
    receive {'$socket', S, completion, {H, Result}} -> Result end.

%% A sender whose own buffer is full before the receiver's queue waits too, without repeated attempts.
dgram_large_sleeps(_) ->
    [begin
         {To, Path} = abstract(dgram, <<"q">>),
         {ok, From} = esock:open(local, dgram, default, #{io_backend => Backend}),
         Large = <<0:(8 * 60_000)>>,
         Fill = fun Fill(N) -> case esock:sendto(From, Large, addr(Path), 0) of ok -> Fill(N + 1); {error, timeout} -> N end end,
         Count = Fill(0),
         Self = self(),
         Pid = spawn_link(fun() -> Self ! {self(), esock:sendto(From, Large, addr(Path))} end),
         esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
         #{counters := #{write_tries := Tries}} = esock:info(From),
         receive {Pid, Early} -> ct:fail(Early) after 200 -> ok end,
         #{counters := #{write_tries := After}} = esock:info(From),
         ?assert(After - Tries =< 1),
         [{ok, Large} = esock:recv(To, 0, 1000) || _ <- lists:seq(1, Count)],
         receive {Pid, Result} -> ?assertEqual(ok, Result) after 5000 -> ct:fail(no_room) end,
         [ok = esock:close(S) || S <- [To, From]]
     end || Backend <- esock_pairs:backends()].

%% The next waiter waits for room at its own receiver, not at that of the waiter before it.
dgram_next_in_line(_) ->
    [{A, PathA}, {B, PathB}] = [abstract(dgram, <<"q">>) || _ <- [1, 2]],
    {ok, From} = esock:open(local, dgram),
    [_ = fill(From, addr(Path), 0) || Path <- [PathA, PathB]],
    Self = self(),
    Send = fun(Path, N) ->
               Pid = spawn(fun() -> Self ! {self(), esock:sendto(From, <<"last">>, addr(Path))} end),
               esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= N end),
               Pid
           end,
    First = Send(PathA, 1),
    Second = Send(PathB, 2),
    exit(First, kill),
    esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
    {ok, <<"fill">>} = esock:recv(B, 0, 1000),
    receive {Second, Result} -> ?assertEqual(ok, Result) after 5000 -> ct:fail(no_room) end,
    [ok = esock:close(S) || S <- [A, B, From]].

%% A sender that waits gets econnrefused when its receiver is closed.
dgram_receiver_gone(_) ->
    {To, Path} = abstract(dgram, <<"q">>),
    {ok, From} = esock:open(local, dgram),
    _ = fill(From, addr(Path), 0),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:sendto(From, <<"last">>, addr(Path))} end),
    esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
    ok = esock:close(To),
    receive {Pid, Result} -> ?assertEqual({error, econnrefused}, Result) after 5000 -> ct:fail(no_answer) end,
    %% A cancelled wait leaves no descriptor of a probe socket.
    {To2, Path2} = abstract(dgram, <<"q">>),
    _ = fill(From, addr(Path2), 0),
    Before = descriptors(),
    {select, Info} = esock_nif:sendto(element(2, From), <<"x">>, addr(Path2), [], nowait, select),
    ?assert(descriptors() > Before),
    ok = esock:cancel(From, Info),
    ?assertEqual(Before, descriptors()),
    [ok = esock:close(S) || S <- [To2, From]].

descriptors() ->
    {ok, Names} = file:list_dir("/proc/self/fd"),
    length(Names).

%% If the receiver is connected to the sender, only the sender's own buffer limits it, and that has events.
dgram_peers(_) ->
    {To, Path} = abstract(dgram, <<"q">>),
    {From, PathFrom} = abstract(dgram, <<"f">>),
    ok = esock:connect(To, addr(PathFrom)),
    Count = fill(From, addr(Path), 0),
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), esock:sendto(From, <<"last">>, addr(Path))} end),
    esock_async_SUITE:until(fun() -> maps:get(num_writers, esock:info(From)) =:= 1 end),
    [{ok, <<"fill">>} = esock:recv(To, 0, 1000) || _ <- lists:seq(1, Count)],
    receive {Pid, Result} -> ?assertEqual(ok, Result) after 5000 -> ct:fail(no_room) end,
    [ok = esock:close(S) || S <- [To, From]].

%% i/0 prints any path, also with non-Latin characters.
printed(Config) ->
    {ok, S} = esock:open(local, dgram),
    Path = filename:join("/tmp", "esock-" ++ os:getpid() ++ [16#416]),
    ok = esock:bind(S, addr(Path)),
    ok = esock:i(),
    ok = esock:close(S),
    ok = file:delete(Path),
    Config.

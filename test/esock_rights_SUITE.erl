%% Descriptors in messages of Unix sockets: send_fds, recv_fds and what becomes of descriptors that nobody takes. The oracles are
%% python3 (socket.send_fds, socket.recv_fds), /proc and OTP's `file'.
-module(esock_rights_SUITE).

-include_lib("eunit/include/eunit.hrl").

-import(esock_async_SUITE, [until/1]).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [sockets, numbers, files, one, most, surplus_closed, nobody_takes, not_sockets, truncated_by_the_system, waits, wait_cancelled, other_control,
     datagram, closed_while_sent, unread, refused, to_python, from_python, pipe_for_a_port, file_and_directory, from_a_plain_send,
     receiver_killed, sender_killed, rounds, bad_arguments].

init_per_suite(Config) -> esock_leak_SUITE:init_per_suite(Config).

end_per_suite(_) -> ok.

pair() -> pair(stream).
pair(Type) -> {ok, {A, B}} = esock:socketpair(local, Type), {A, B}.

file() -> file([read, raw, binary]).
file(Modes) -> {ok, File} = file:open(code:which(lists), Modes), File.

target(Fd) -> esock_fd_SUITE:target(Fd).

%% What a socket's descriptor refers to.
refers(S) -> {ok, Fd} = esock:fileno(S), target(Fd).

sockets(_) ->
    [begin
         {A, B} = pair(Type),
         {C, S} = esock_pairs:pair(),
         {U, _} = esock_pairs:udp(),
         ok = esock:send_fds(A, ["he", <<"llo">>], [S, U]),
         {ok, #{iov := [<<"hello">>], fds := [S2, U2], flags := Flags, ctrl := []}} = esock:recv_fds(B, 100, 2),
         ?assertNot(lists:member(ctrunc, Flags)),
         ?assertEqual([refers(S), refers(U)], [refers(S2), refers(U2)]),
         ?assertEqual({ok, self()}, esock:getopt(S2, {otp, controlling_process})),
         ?assertMatch([#{domain := inet, type := stream, protocol := tcp}, #{type := dgram}], [esock:info(S2), esock:info(U2)]),
         ?assertEqual([{ok, false}, {ok, false}], [esock:get_inheritable(X) || X <- [S2, U2]]),
         ok = esock:close(S),
         ok = esock:send(S2, "x"),
         ?assertEqual({ok, <<"x">>}, esock:recv(C, 1, 5000)),
         esock_pairs:close([A, B, C, S2, U, U2])
     end || Type <- [stream, seqpacket]].

numbers(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    {ok, Fd} = esock:fileno(U),
    ok = esock:send_fds(A, "x", [Fd, Fd]),
    {ok, #{fds := [One, Other]}} = esock:recv_fds(B, 0, 2, #{as => fd}),
    ?assertNotEqual(One, Other),
    [begin
         ?assertEqual(refers(U), target(N)),
         ?assertEqual({ok, false}, esock:get_inheritable(N)),
         ok = esock:close_fd(N)
     end || N <- [One, Other]],
    ?assertMatch({ok, _}, esock:sockname(U)),
    esock_pairs:close([A, B, U]).

files(_) ->
    {A, B} = pair(),
    [begin
         File = file(Modes),
         ok = esock:send_fds(A, "x", [File]),
         ok = file:close(File),
         {ok, #{fds := [Fd]}} = esock:recv_fds(B, 0, 1, #{as => fd}),
         ?assertEqual({ok, code:which(lists)}, target(Fd)),
         ok = esock:close_fd(Fd),
         ?assertEqual({error, {invalid, {fd, File}}}, esock:send_fds(A, "x", [File]))
     end || Modes <- [[read, raw, binary]]],
    Listed = file([read, raw]),
    ok = esock:send_fd(A, Listed),
    {ok, Fd} = esock:recv_fd(B, #{as => fd}),
    ok = esock:close_fd(Fd),
    ok = file:close(Listed),
    %% A file that a process serves has no number here.
    Served = file([read, binary]),
    ?assertEqual({error, {invalid, {fd, Served}}}, esock:send_fds(A, "x", [Served])),
    ok = file:close(Served),
    esock_pairs:close([A, B]).

one(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    ok = esock:send_fd(A, U),
    {ok, S} = esock:recv_fd(B),
    ?assertEqual(refers(U), refers(S)),
    ok = esock:send(A, "x"),
    ?assertEqual({error, enomsg}, esock:recv_fd(B)),
    ?assertEqual({error, timeout}, esock:recv_fd(B, #{timeout => 0})),
    File = file(),
    ok = esock:send_fd(A, File),
    ?assertEqual({error, enotsock}, esock:recv_fd(B)),
    ok = file:close(File),
    ?assertEqual({error, {invalid, {timeout, nowait}}}, esock:recv_fd(B, #{timeout => nowait})),
    ok = esock:close(A),
    ?assertEqual({error, closed}, esock:recv_fd(B)),
    esock_pairs:close([B, S, U]).

%% 252 with the default {otp, sndctrlbuf}, 253 at the most.
most(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    {ok, Fd} = esock:fileno(U),
    Before = esock_leak_SUITE:state(),
    Send = fun(Count) -> esock:send_fds(A, "x", lists:duplicate(Count, Fd)) end,
    Receive = fun(Count) ->
                      {ok, #{fds := Fds, flags := Flags}} = esock:recv_fds(B, 0, 1000, #{as => fd}),
                      ?assertEqual({Count, false}, {length(Fds), lists:member(ctrunc, Flags)}),
                      [ok = esock:close_fd(N) || N <- Fds]
              end,
    ok = Send(252),
    Receive(252),
    ?assertMatch({error, {invalid, {msg, ctrl, _}}}, Send(253)),
    ok = esock:setopt(A, {otp, sndctrlbuf}, 2048),
    ok = Send(253),
    Receive(253),
    ?assertMatch({error, {invalid, {fds, _}}}, Send(254)),
    %% The same with 253 sockets.
    ok = esock:send_fds(A, "x", lists:duplicate(100, U)),
    {ok, #{fds := Sockets}} = esock:recv_fds(B, 100),
    ?assertEqual(100, length(Sockets)),
    esock_pairs:close(Sockets),
    esock_leak_SUITE:back_to(Before),
    esock_pairs:close([A, B, U]).

surplus_closed(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    Before = esock_leak_SUITE:state(),
    [begin
         ok = esock:send_fds(A, "x", [U, U, U, U, U]),
         {ok, #{fds := Fds, flags := Flags}} = esock:recv_fds(B, 0, Max, #{as => As}),
         ?assertEqual({Max, true}, {length(Fds), lists:member(ctrunc, Flags)}),
         [ok = case As of fd -> esock:close_fd(Fd); socket -> esock:close(Fd) end || Fd <- Fds],
         esock_leak_SUITE:back_to(Before)
     end || Max <- [0, 1, 2, 3, 4], As <- [fd, socket]],
    esock_pairs:close([A, B, U]).

%% Without a receiver the kernel closes them; a receive without control messages, and one that is not for descriptors, too.
nobody_takes(_) ->
    Before = esock_leak_SUITE:state(),
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    ok = esock:send_fds(A, "x", [U]),
    {ok, <<"x">>} = esock:recv(B),
    ok = esock:send_fds(A, "y", [U]),
    ok = esock:send_fds(A, "z", [U, U, U]),
    esock_pairs:close([A, B, U]),
    esock_leak_SUITE:back_to(Before).

%% Where sockets are asked for, something else is closed, and an error stands in its place.
not_sockets(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    File = file(),
    Before = esock_leak_SUITE:state(),
    ok = esock:send_fds(A, "x", [File, U, File]),
    {ok, #{fds := [{error, enotsock}, S, {error, enotsock}]}} = esock:recv_fds(B, 3),
    ?assertEqual(refers(U), refers(S)),
    ok = esock:close(S),
    esock_leak_SUITE:back_to(Before),
    ok = file:close(File),
    esock_pairs:close([A, B, U]).

%% A node without free descriptors: the kernel says `ctrunc', and what was there is taken.
truncated_by_the_system(_) ->
    Code = "[{module, M} = code:ensure_loaded(M) || M <- [esock, esock_nif, esock_wait, esock_fd, esock_rights, maps, lists]],"
        "{ok, {A, B}} = esock:socketpair(), {ok, U} = esock:open(inet, dgram),"
        "{ok, Fd} = esock:fileno(U), ok = esock:send_fds(A, <<120>>, lists:duplicate(10, Fd)),"
        "Fill = fun F(Acc) -> case esock:open(inet, dgram) of {ok, S} -> F([S | Acc]); {error, emfile} -> Acc end end,"
        "[S1, S2, S3 | More] = Fill([]), [ok = esock:close(S) || S <- [S1, S2, S3]],"
        "{ok, #{fds := Fds, flags := Flags}} = esock:recv_fds(B, 10),"
        "[ok = esock:close(S) || S <- More], io:format(\"~w\", [{length(Fds), lists:member(ctrunc, Flags)}]), halt().",
    Ebin = filename:dirname(code:which(esock)),
    Out = os:cmd("sh -c 'ulimit -n 64; erl -noshell -pa " ++ Ebin ++ " -eval '\"'\"'" ++ Code ++ "'\"'\"' 2>&1'"),
    ?assertEqual("{3,true}", Out).

%% Every way of waiting. On a Unix socket nothing is completed: the process that takes descriptors takes them itself.
waits(_) ->
    [begin
         {ok, {A, B}} = esock:socketpair(local, stream, default, #{io_backend => Backend}),
         {U, _} = esock_pairs:udp(),
         ?assertEqual({error, timeout}, esock:recv_fds(B, 0, 1, #{timeout => 0})),
         ?assertEqual({error, timeout}, esock:recv_fds(B, 0, 1, #{timeout => 10})),
         Self = self(),
         [begin
              Pid = spawn_link(fun() -> {ok, #{fds := [S]}} = esock:recv_fds(B, 0, 1, #{timeout => Wait}), Self ! refers(S) end),
              until(fun() -> maps:get(num_readers, esock:info(B)) =:= 1 end),
              ok = esock:send_fds(A, "x", [U], #{timeout => 5000}),
              Refers = refers(U),
              receive Refers -> unlink(Pid) end
          end || Wait <- [infinity, 60_000]],
         Handle = make_ref(),
         [begin
              {select, {select_info, recvmsg, H}} = esock:recv_fds(B, 0, 1, #{timeout => Wait}),
              ?assert(Wait =:= nowait orelse Wait =:= H),
              ok = esock:send_fds(A, "x", [U]),
              receive {'$socket', B, select, H} -> ok end,
              {ok, #{fds := [S]}} = esock:recv_fds(B, 0, 1, #{timeout => Wait}),
              ?assertEqual(refers(U), refers(S)),
              ok = esock:close(S)
          end || Wait <- [nowait, Handle]],
         %% A peek gets descriptors of its own.
         ok = esock:send_fds(A, "x", [U]),
         [begin {ok, #{fds := [S]}} = esock:recv_fds(B, 0, 1, #{flags => Flags}), ok = esock:close(S) end || Flags <- [[peek], [peek], []]],
         ok = esock:setopt(B, {otp, select_read}, true),
         ok = esock:send_fds(A, "x", [U]),
         {select_read, {{select_info, recvmsg, _} = Info, #{fds := [Last], ctrl := []}}} = esock:recv_fds(B, 0, 1, #{timeout => nowait}),
         ok = esock:cancel(B, Info),
         esock_pairs:close([A, B, U, Last])
     end || Backend <- esock_pairs:backends()].

wait_cancelled(_) ->
    {A, B} = pair(),
    {select, Info} = esock:recv_fds(B, 0, 1, #{timeout => nowait}),
    ok = esock:cancel(B, Info),
    {select, {_, _, H}} = esock:recv_fds(B, 0, 1, #{timeout => nowait}),
    ok = esock:close(B),
    receive {'$socket', B, abort, {H, closed}} -> ok end,
    ok = esock:close(A).

%% Other control messages stay in `ctrl', and take no room from the descriptors.
other_control(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    ok = esock:setopt(B, {socket, passcred}, true),
    ok = esock:send_fds(A, "x", [U]),
    {ok, #{fds := [S], ctrl := [#{type := credentials, value := #{pid := Pid}}]}} = esock:recv_fds(B, 1),
    ?assertEqual(os:getpid(), integer_to_list(Pid)),
    esock_pairs:close([A, B, S, U]).

datagram(_) ->
    {ok, B} = esock:open(local, dgram),
    ok = esock:bind(B, #{family => local, path => <<>>}),
    {ok, Addr} = esock:sockname(B),
    {ok, A} = esock:open(local, dgram),
    ok = esock:bind(A, #{family => local, path => <<>>}),
    {ok, From} = esock:sockname(A),
    {U, _} = esock_pairs:udp(),
    ok = esock:send_fds(A, "hello", [U], #{addr => Addr}),
    {ok, #{addr := From, iov := [<<"he">>], fds := [S], flags := Flags}} = esock:recv_fds(B, 2, 1),
    ?assert(lists:member(trunc, Flags)),
    %% A datagram may be empty.
    ok = esock:send_fds(A, "", [U], #{addr => Addr}),
    {ok, #{iov := [<<>>], fds := [T]}} = esock:recv_fds(B, 1),
    ?assertMatch({error, enotconn}, esock:send_fds(A, "x", [U])),
    esock_pairs:close([A, B, S, T, U]).

%% A socket goes as it was when the call began, although another process closes it while the send waits.
closed_while_sent(_) ->
    {A, B} = pair(),
    {C, S} = esock_pairs:pair(),
    esock_shared_SUITE:fill(A),
    Self = self(),
    Sender = spawn_link(fun() -> Self ! {self(), esock:send_fds(A, "x", [S])} end),
    until(fun() -> maps:get(num_writers, esock:info(A)) =:= 1 end),
    ok = esock:close(S),
    Fds = drained(B, Sender, []),
    ?assertMatch([_], Fds),
    [T] = Fds,
    ok = esock:send(T, "hello"),
    ?assertEqual({ok, <<"hello">>}, esock:recv(C, 5, 5000)),
    esock_pairs:close([A, B, C, T]).

drained(B, Sender, Fds) ->
    case esock:recv_fds(B, 0, 1, #{timeout => 100}) of
        {ok, #{fds := New}} -> drained(B, Sender, Fds ++ New);
        {error, timeout} -> receive {Sender, Sent} -> ?assertEqual(ok, Sent), Fds after 0 -> drained(B, Sender, Fds) end
    end.

%% A socket with bytes that its receiver would miss is not sent.
unread(_) ->
    {A, B} = pair(),
    esock_fd_SUITE:with_ring(fun(_, S) ->
        ?assertEqual({error, {read_ahead, 3}}, esock:send_fds(A, "x", [S])),
        {ok, <<"bcd">>} = esock:recv(S, 3),
        ok = esock:send_fds(A, "x", [S]),
        {ok, T} = esock:recv_fd(B),
        ok = esock:close(T)
    end),
    esock_pairs:close([A, B]).

refused(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    [?assertEqual({error, {invalid, {fd, Bad}}}, esock:send_fds(A, "x", [Bad])) || Bad <- [foo, {a, b}, "x", <<1>>, self()]],
    [?assertEqual({error, {invalid, {fds, Bad}}}, esock:send_fds(A, "x", Bad)) || Bad <- [[], [U | U]]],
    ?assertEqual({error, ebadf}, esock:send_fds(A, "x", [1_000_000])),
    ?assertEqual({error, ebadf}, esock:send_fds(A, "x", [-1])),
    ?assertMatch({error, {invalid, _}}, esock:send_fds(A, "x", [1 bsl 40])),
    ?assertEqual({error, {invalid, {iov, empty}}}, esock:send_fds(A, [], [U])),
    [?assertEqual({error, {invalid, Wrong}}, esock:send_fds(A, "x", [U], maps:from_list([Wrong])))
     || Wrong <- [{foo, 1}, {addr, foo}, {flags, foo}, {timeout, nowait}, {timeout, -1}]],
    [?assertEqual({error, {invalid, Wrong}}, esock:recv_fds(B, 0, 1, maps:from_list([Wrong]))) || Wrong <- [{foo, 1}, {as, foo}, {flags, foo}]],
    ?assertError({invalid, {timeout, foo}}, esock:recv_fds(B, 0, 1, #{timeout => foo})),
    ?assertMatch({error, {invalid, {msg_flag, foo}}}, esock:recv_fds(B, 0, 1, #{flags => [foo]})),
    ?assertMatch({error, {invalid, _}}, esock:recv_fds(B, 1 bsl 70, 1, #{timeout => 0})),
    %% Nothing of these was sent.
    ?assertEqual({error, timeout}, esock:recv(B, 0, 0)),
    ok = esock:close(U),
    ?assertEqual({error, closed}, esock:send_fds(A, "x", [U])),
    ok = esock:close(A),
    ?assertEqual({error, closed}, esock:send_fds(A, "x", [0])),
    ok = esock:close(B).

%%% ---- with python3, and with `file' and ports of OTP

%% A program in python3 that is connected to a listener, and the accepted socket.
with_python(Program, Fun) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        Python ->
            Name = "esock_rights_" ++ os:getpid(),
            {ok, L} = esock:open(local, stream),
            ok = esock:bind(L, #{family => local, path => [0 | Name]}),
            ok = esock:listen(L),
            Code = "import socket, os, sys\ns = socket.socket(socket.AF_UNIX)\ns.connect(chr(0) + sys.argv[1])\n" ++ Program,
            Port = open_port({spawn_executable, Python}, [{args, ["-c", Code, Name]}, binary, stderr_to_stdout, exit_status]),
            {ok, S} = esock:accept(L, 30_000),
            ok = esock:close(L),
            Fun(S),
            ok = esock:close(S),
            ?assertEqual(0, esock_fd_SUITE:exit_status(Port, <<>>))
    end.

to_python(_) ->
    Program = "m, fds, flags, _ = socket.recv_fds(s, 100, 10)\nassert m == b'take', m\nassert len(fds) == 2, fds\n"
        "t = socket.socket(fileno=fds[0])\nassert t.type == socket.SOCK_STREAM and t.family == socket.AF_INET\nt.setblocking(True)\n"
        "t.sendall(b'from python')\nt.close()\nassert os.read(fds[1], 4) == b'FOR1'\ns.recv(1)\n",
    with_python(Program, fun(S) ->
        {C, T} = esock_pairs:pair(),
        File = file(),
        ok = esock:send_fds(S, "take", [T, File]),
        ok = esock:close(T),
        ok = file:close(File),
        ?assertEqual({ok, <<"from python">>}, esock:recv(C, 11, 30_000)),
        ?assertEqual({error, closed}, esock:recv(C, 0, 30_000)),
        ok = esock:close(C)
    end).

from_python(_) ->
    Program = "a, b = socket.socketpair()\nf = open('/dev/null')\n"
        "socket.send_fds(s, [b'gi', b'ven'], [a.fileno(), f.fileno()])\na.close()\nb.sendall(b'hello')\nassert b.recv(5) == b'world'\ns.recv(1)\n",
    Before = esock_leak_SUITE:state(),
    with_python(Program, fun(S) ->
        {ok, #{iov := [<<"given">>], fds := [A, {error, enotsock}]}} = esock:recv_fds(S, 100, 10, #{timeout => 30_000}),
        ?assertMatch(#{domain := local, type := stream}, esock:info(A)),
        ?assertEqual({ok, <<"hello">>}, esock:recv(A, 5, 30_000)),
        ok = esock:send(A, "world"),
        ok = esock:close(A)
    end),
    esock_leak_SUITE:back_to(Before).

%% A pipe is for a port: the end to read from, and the end to write to. The port leaves the number open.
pipe_for_a_port(_) ->
    Program = "r, w = os.pipe()\nsocket.send_fds(s, [b'r'], [r])\nos.close(r)\nos.write(w, b'hello')\nos.close(w)\n"
        "r, w = os.pipe()\nsocket.send_fds(s, [b'w'], [w])\nos.close(w)\nx = os.read(r, 5)\nassert x == b'world', x\ns.send(b'.')\nassert os.read(r, 5) == b''\ns.recv(1)\n",
    with_python(Program, fun(S) ->
        {ok, #{fds := [R]}} = esock:recv_fds(S, 1, 1, #{as => fd, timeout => 30_000}),
        In = open_port({fd, R, R}, [in, binary, eof]),
        ?assertEqual(<<"hello">>, collected(In, <<>>)),
        gone(In),
        ?assertMatch({ok, "pipe:" ++ _}, target(R)),
        ok = esock:close_fd(R),
        {ok, #{fds := [W]}} = esock:recv_fds(S, 1, 1, #{as => fd, timeout => 30_000}),
        Out = open_port({fd, W, W}, [out, binary]),
        true = port_command(Out, "world"),
        %% A thread of the VM may write after the port has ended.
        {ok, <<".">>} = esock:recv(S, 1, 30_000),
        gone(Out),
        ok = esock:close_fd(W)
    end).

%% Closes a port, and waits until it has ended: until then it may use the number.
gone(Port) ->
    MRef = erlang:monitor(port, Port),
    true = port_close(Port),
    receive {'DOWN', MRef, port, Port, _} -> ok end.

collected(Port, Data) ->
    receive {Port, {data, More}} -> collected(Port, <<Data/binary, More/binary>>); {Port, eof} -> Data end.

%% A regular file and a directory are opened again by their number, also if they were deleted; a socket cannot be.
file_and_directory(Config) ->
    {A, B} = pair(),
    Path = filename:join(proplists:get_value(priv_dir, Config), "deleted"),
    ok = file:write_file(Path, "content"),
    {ok, File} = file:open(Path, [read, raw, binary]),
    {ok, Dir} = file:open(proplists:get_value(priv_dir, Config), [read, raw, directory]),
    {ok, <<"con">>} = file:read(File, 3),
    ok = esock:send_fds(A, "x", [File, Dir, A]),
    [ok = file:close(X) || X <- [File, Dir]],
    {ok, #{fds := [F, D, S] = Fds}} = esock:recv_fds(B, 0, 3, #{as => fd}),
    {ok, Names} = file:list_dir(number(D)),
    ?assert(lists:member("deleted", Names)),
    ok = file:delete(Path),
    {ok, Again} = file:open(number(F), [read, raw, binary]),
    ?assertEqual({ok, <<"content">>}, file:read(Again, 100)),
    ok = file:close(Again),
    ?assertEqual({error, enxio}, file:open(number(S), [read, raw])),
    [ok = esock:close_fd(Fd) || Fd <- Fds],
    esock_pairs:close([A, B]).

number(Fd) -> "/proc/self/fd/" ++ integer_to_list(Fd).

%% The message is that of sendmsg, in either direction.
from_a_plain_send(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    {ok, Fd} = esock:fileno(U),
    ok = esock:sendmsg(A, #{iov => [<<"x">>], ctrl => [#{level => socket, type => rights, value => [Fd]}]}),
    {ok, S} = esock:recv_fd(B),
    ok = esock:send_fd(B, S),
    {ok, #{iov := [<<0>>], ctrl := [#{type := rights, value := [Got]}]}} = esock:recvmsg(A),
    ?assertEqual(refers(U), target(Got)),
    ok = esock:close_fd(Got),
    esock_pairs:close([A, B, S, U]).

%%% ---- no leaks

%% A process that is killed anywhere in a receive leaves no descriptor.
receiver_killed(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    Before = esock_leak_SUITE:state(),
    [begin
         {Pid, MRef} = spawn_monitor(fun Take() -> {ok, #{fds := S}} = esock:recv_fds(B, 0, 3), esock_pairs:close(S), Take() end),
         [ok = esock:send_fds(A, "x", [U, U, U, U]) || _ <- lists:seq(1, 3)],
         [erlang:yield() || _ <- lists:seq(1, rand:uniform(50))],
         exit(Pid, kill),
         receive {'DOWN', MRef, process, Pid, killed} -> ok end
     end || _ <- lists:seq(1, 500)],
    Drain = fun Drain() -> case esock:recv_fds(B, 0, 0, #{timeout => 0}) of {ok, _} -> Drain(); {error, timeout} -> ok end end,
    Drain(),
    esock_leak_SUITE:back_to(Before),
    esock_pairs:close([A, B, U]).

sender_killed(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    Before = esock_leak_SUITE:state(),
    [begin
         {Pid, MRef} = spawn_monitor(fun Give() -> ok = esock:send_fds(A, "x", [U, U]), Give() end),
         [erlang:yield() || _ <- lists:seq(1, rand:uniform(50))],
         exit(Pid, kill),
         receive {'DOWN', MRef, process, Pid, killed} -> ok end,
         Drain = fun Drain() -> case esock:recv_fds(B, 0, 0, #{timeout => 0}) of {ok, _} -> Drain(); {error, timeout} -> ok end end,
         Drain()
     end || _ <- lists:seq(1, 500)],
    esock_leak_SUITE:back_to(Before),
    esock_pairs:close([A, B, U]).

%% 10,000 descriptors in each form.
rounds(_) ->
    {A, B} = pair(),
    {U, _} = esock_pairs:udp(),
    File = file(),
    Before = esock_leak_SUITE:state(),
    {Pid, MRef} = spawn_monitor(fun() ->
        [begin
             {ok, Fd} = esock:fileno(U),
             ok = esock:send_fds(A, "x", [U, Fd, Fd]),
             {ok, #{fds := [S]}} = esock:recv_fds(B, 1),
             ok = esock:close(S),
             ok = esock:send_fds(A, "x", [Fd, Fd]),
             {ok, #{fds := [N]}} = esock:recv_fds(B, 0, 1, #{as => fd}),
             ok = esock:close_fd(N)
         end || _ <- lists:seq(1, 10_000)],
        exit(done)
    end),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual(done, Reason) end,
    [begin ok = esock:send_fd(A, File), {error, enotsock} = esock:recv_fd(B) end || _ <- lists:seq(1, 10_000)],
    esock_leak_SUITE:back_to(Before),
    ok = file:close(File),
    esock_pairs:close([A, B, U]).

bad_arguments(_) ->
    {A, B} = pair(),
    Bad = [{send_fds, [foo, "x", [0]]}, {send_fds, [A, foo, [0]]}, {send_fds, [A, "x", foo]}, {send_fds, [A, "x", [0], foo]}, {send_fd, [foo, 0]},
           {recv_fds, [foo, 1]}, {recv_fds, [B, foo]}, {recv_fds, [B, -1]}, {recv_fds, [B, -1, 1]}, {recv_fds, [B, 0, 1, foo]}, {recv_fd, [foo]}],
    [?assertError(badarg, apply(esock, F, Args), {F, Args}) || {F, Args} <- Bad],
    esock_pairs:close([A, B]).

%% What a socket knows of itself and of its peer: credentials, the pending error, the cookie, keepalive, the redirected address, texts,
%% and monitors that name another term. The oracles are python3, ss, id and OTP's inet:monitor/1.
-module(esock_peer_SUITE).

-include_lib("eunit/include/eunit.hrl").

-import(esock_async_SUITE, [until/1]).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() ->
    [credentials, credentials_of_another, error_taken, cookie_as_ss_shows, keepalive, keepalive_all_or_nothing, keepalive_wrong, redirected,
     redirected_bytes, addresses, sockets, closed_sockets, monitor_named, monitor_as_otp, monitor_closed, bad_arguments].

init_per_suite(Config) -> esock_leak_SUITE:init_per_suite(Config).

end_per_suite(_) -> ok.

credentials(_) ->
    {ok, {A, B}} = esock:socketpair(),
    Number = fun(Command) -> list_to_integer(string:trim(os:cmd(Command))) end,
    Expected = {ok, #{pid => list_to_integer(os:getpid()), uid => Number("id -u"), gid => Number("id -g")}},
    ?assertEqual(Expected, esock:peercred(A)),
    {C, S} = esock_pairs:pair(),
    ?assertEqual({ok, #{pid => 0, uid => -1, gid => -1}}, esock:peercred(C)),
    esock_pairs:close([A, B, C, S]),
    ?assertEqual({error, closed}, esock:peercred(A)).

credentials_of_another(_) ->
    Program = "import struct\nc = s.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)\n"
        "s.sendall(struct.pack('i', os.getpid()) + c)\ns.recv(1)\n",
    esock_rights_SUITE:with_python(Program, fun(S) ->
        {ok, <<Pid:32/native, Ours:32/native, Uid:32/native, Gid:32/native>>} = esock:recv(S, 16),
        ?assertMatch({ok, #{pid := Pid, uid := Uid, gid := Gid}}, esock:peercred(S)),
        ?assertEqual(integer_to_list(Ours), os:getpid())
    end).

%% Of a UDP socket whose peer refuses. The error is reported once.
error_taken(_) ->
    {U, Addr} = esock_pairs:udp(),
    ok = esock:close(U),
    {ok, S} = esock:open(inet, dgram),
    ok = esock:connect(S, Addr),
    ?assertEqual({ok, none}, esock:take_error(S)),
    ok = esock:send(S, "x"),
    Taken = fun Taken() -> case esock:take_error(S) of {ok, none} -> receive after 1 -> Taken() end; Found -> Found end end,
    ?assertEqual({ok, econnrefused}, Taken()),
    ?assertEqual({ok, none}, esock:take_error(S)),
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock:take_error(S)).

cookie_as_ss_shows(_) ->
    {C, S} = esock_pairs:pair(),
    {ok, Cookie} = esock:cookie(C),
    {ok, Other} = esock:cookie(S),
    ?assertNotEqual(Cookie, Other),
    ?assertEqual({ok, Cookie}, esock:cookie(C)),
    case os:find_executable("ss") of
        false -> ok;
        _ ->
            {ok, #{port := Port}} = esock:sockname(C),
            Shown = os:cmd(lists:flatten(io_lib:format("ss -tneH sport = :~w", [Port]))),
            {match, [Hex]} = re:run(Shown, "sk:([0-9a-f]+)", [{capture, all_but_first, list}]),
            ?assertEqual(Cookie, list_to_integer(Hex, 16))
    end,
    esock_pairs:close([C, S]),
    ?assertEqual({error, closed}, esock:cookie(C)).

options(S) -> [element(2, esock:getopt(S, Option)) || Option <- [{socket, keepalive}, {tcp, keepidle}, {tcp, keepintvl}, {tcp, keepcnt}]].

%% As python3 reads it from the same socket.
keepalive(_) ->
    {C, S} = esock_pairs:pair(),
    [false, Idle, Interval, Count] = options(S),
    ok = esock:set_keepalive(S, true),
    ?assertEqual([true, Idle, Interval, Count], options(S)),
    ok = esock:set_keepalive(S, false),
    ok = esock:set_keepalive(S, #{}),
    ?assertEqual([true, Idle, Interval, Count], options(S)),
    ok = esock:set_keepalive(S, #{interval => 7}),
    ?assertEqual([true, Idle, 7, Count], options(S)),
    ok = esock:set_keepalive(S, #{idle => 60, interval => 10, count => 6}),
    ?assertEqual([true, 60, 10, 6], options(S)),
    Program = "_, fds, _, _ = socket.recv_fds(s, 1, 1)\nt = socket.socket(fileno=fds[0])\n"
        "assert t.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1\n"
        "assert [t.getsockopt(socket.IPPROTO_TCP, o) for o in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)] == [60, 10, 6]\n"
        "s.recv(1)\n",
    esock_rights_SUITE:with_python(Program, fun(P) -> ok = esock:send_fd(P, S) end),
    ok = esock:set_keepalive(S, false),
    ?assertEqual([false, 60, 10, 6], options(S)),
    esock_pairs:close([C, S]),
    ?assertEqual({error, closed}, esock:set_keepalive(S, true)),
    ?assertEqual({error, closed}, esock:set_keepalive(S, #{idle => 1})).

%% A value that the system refuses, after others were set.
keepalive_all_or_nothing(_) ->
    {C, S} = esock_pairs:pair(),
    Before = options(S),
    ?assertEqual({error, einval}, esock:set_keepalive(S, #{idle => 60, interval => 10, count => 128})),
    ?assertEqual(Before, options(S)),
    ?assertEqual({error, einval}, esock:set_keepalive(S, #{idle => 60, interval => 32768})),
    ?assertEqual(Before, options(S)),
    esock_pairs:close([C, S]),
    {U, _} = esock_pairs:udp(),
    ?assertMatch({error, _}, esock:set_keepalive(U, #{idle => 60})),
    ?assertEqual({ok, false}, esock:getopt(U, {socket, keepalive})),
    ok = esock:close(U).

keepalive_wrong(_) ->
    {C, S} = esock_pairs:pair(),
    [?assertEqual({error, {invalid, Wrong}}, esock:set_keepalive(S, maps:from_list([{idle, 60}, Wrong])))
     || Wrong <- [{interval, 0}, {interval, -1}, {interval, foo}, {count, 1 bsl 31}, {foo, 1}, {1, 1}, {idle, 1.0}]],
    ?assertMatch([false | _], options(S)),
    esock_pairs:close([C, S]).

%% A connection that nothing redirected, and sockets that cannot be redirected.
redirected(_) ->
    {C, S} = esock_pairs:pair(),
    {error, Reason} = esock:original_dst(S),
    ?assert(lists:member(Reason, [enoprotoopt, enoent])),
    {ok, {A, B}} = esock:socketpair(),
    ?assertEqual({error, eopnotsupp}, esock:original_dst(A)),
    {ok, V6} = esock:open(inet6, stream),
    ?assertMatch({error, _}, esock:original_dst(V6)),
    esock_pairs:close([A, B, C, S, V6]),
    ?assertEqual({error, closed}, esock:original_dst(S)).

%% The addresses as the system would return them, as python3 packs them.
redirected_bytes(_) ->
    Code = "import socket,struct,sys\\n"
        "sys.stdout.write((struct.pack(\"=H\",2)+struct.pack(\"!H\",443)+socket.inet_aton(\"192.0.2.1\")+bytes(8)).hex()+\" \"+"
        "(struct.pack(\"=H\",10)+struct.pack(\"!HI\",80,5)+socket.inet_pton(10,\"fe80::1\")+struct.pack(\"=I\",3)).hex())",
    Printed = os:cmd("printf '" ++ Code ++ "' | python3"),
    [V4, V6] = [list_to_integer(Hex, 16) || Hex <- string:lexemes(Printed, " \n")],
    ?assertEqual({ok, #{family => inet, addr => {192, 0, 2, 1}, port => 443}}, esock_connection:address(<<V4:128>>)),
    ?assertEqual({ok, #{family => inet6, addr => {16#fe80, 0, 0, 0, 0, 0, 0, 1}, port => 80, flowinfo => 5, scope_id => 3}},
                 esock_connection:address(<<V6:224>>)),
    ?assertEqual({error, einval}, esock_connection:address(<<1, 2, 3>>)).

%%% ---- texts

addresses(_) ->
    [?assertEqual(Text, esock:format(Addr)) ||
        {Text, Addr} <- [{"127.0.0.1:80", #{family => inet, addr => {127, 0, 0, 1}, port => 80}},
                         {"loopback:80", #{family => inet, addr => loopback, port => 80}},
                         {"0.0.0.0:0", #{family => inet}},
                         {"[::1]:80", #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 80, flowinfo => 0, scope_id => 0}},
                         {"[fe80::1%2]:80", #{family => inet6, addr => {16#fe80, 0, 0, 0, 0, 0, 0, 1}, port => 80, scope_id => 2}},
                         {"[::]:0", #{family => inet6}},
                         {"[::ffff:192.0.2.1]:1", #{family => inet6, addr => {0, 0, 0, 0, 0, 16#ffff, 16#c000, 16#201}, port => 1}},
                         {"/tmp/echo", #{family => local, path => "/tmp/echo"}},
                         {"/tmp/echo", #{family => local, path => <<"/tmp/echo">>}},
                         {"@echo", #{family => local, path => <<0, "echo">>}},
                         {"unnamed", #{family => local, path => <<>>}},
                         {[16#e9], #{family => local, path => [16#e9]}},
                         {[16#e9], #{family => local, path => <<16#e9>>}},
                         {"unspec", #{family => unspec, addr => <<>>}},
                         {"#{addr => <<1,2>>,family => 77}", #{addr => <<1, 2>>, family => 77}},
                         {"packet(1,<<1,2,3>>)", #{family => packet, ifindex => 1, addr => <<1, 2, 3>>}},
                         {"<<1,2>>", <<1, 2>>}]],
    %% A text of any map.
    [?assert(io_lib:printable_unicode_list(esock:format(Addr)), Addr)
     || Addr <- [#{}, #{family => inet, addr => foo, port => bar}, #{family => inet, addr => {1, 2}}, #{family => inet6, addr => [], scope_id => x},
                 #{family => local, path => [1 bsl 40]}, #{family => local, path => [foo]}, #{family => local}, #{family => packet, ifindex => foo}]].

%% Nothing changes on the socket: a ring reads on.
sockets(_) ->
    {L, Addr} = esock_pairs:listener(),
    C = esock_fd_SUITE:connected(Addr),
    {ok, S} = esock:accept(L),
    {ok, Here} = esock:sockname(C),
    [?assertNotEqual(nomatch, string:find(esock:format(X), Part))
     || {X, Parts} <- [{C, ["#Socket<", "fd=", "inet/stream/tcp", esock:format(Here) ++ " -> " ++ esock:format(Addr), "connected"]},
                       {L, ["listening", esock:format(Addr)]}, {S, [esock:format(Addr) ++ " -> " ++ esock:format(Here)]}],
        Part <- Parts],
    {ok, Fd} = esock:fileno(C),
    ?assertNotEqual(nomatch, string:find(esock:format(C), "fd=" ++ integer_to_list(Fd) ++ " ")),
    {ok, {A, B}} = esock:socketpair(local, dgram),
    ?assertNotEqual(nomatch, string:find(esock:format(A), "local/dgram/default unnamed -> unnamed")),
    esock_pairs:close([A, B, C, S, L]),
    case lists:member(io_uring, esock_pairs:backends()) of
        false -> ok;
        true ->
            {D, T} = esock_ahead_SUITE:received({io_uring, 65536}),
            _ = esock:format(T),
            ok = esock:send(D, "bcd"),
            until(fun() -> maps:get(read_ahead, esock:info(T)) =:= 3 end),
            esock_pairs:close([D, T])
    end.

closed_sockets(_) ->
    {U, _} = esock_pairs:udp(),
    ok = esock:close(U),
    Text = esock:format(U),
    ?assertMatch({match, _}, re:run(Text, "^#Socket<[0-9.]+> inet/dgram/udp closed$")),
    ?assertEqual(1, string:str(Text, esock:to_list(U))).

%%% ---- monitors

monitor_named(_) ->
    {U, _} = esock_pairs:udp(),
    Named = {my_socket, make_ref(), "a term of any size", lists:seq(1, 1000)},
    MRef = esock:monitor(U, #{msocket => Named}),
    Plain = esock:monitor(U, #{}),
    ?assertEqual(lists:sort([MRef, Plain]), lists:sort(esock:which_monitors(U))),
    Cancelled = esock:monitor(U, #{msocket => cancelled}),
    true = esock:cancel_monitor(Cancelled),
    ok = esock:close(U),
    receive {'DOWN', MRef, socket, Named, closed} -> ok end,
    receive {'DOWN', Plain, socket, U, closed} -> ok end,
    receive {'DOWN', Cancelled, _, _, _} = Message -> ct:fail(Message) after 0 -> ok end.

%% The message has the shape of that of inet:monitor/1 for a socket of gen_tcp on `socket', which uses this option.
monitor_as_otp(_) ->
    {ok, L} = gen_tcp:listen(0, [{inet_backend, socket}]),
    MRef = inet:monitor(L),
    ok = gen_tcp:close(L),
    Otp = receive {'DOWN', MRef, Type, What, Info} -> {Type, What =:= L, Info} end,
    {S, _} = esock_pairs:udp(),
    Wrapped = {'$inet', ?MODULE, {self(), S}},
    Ours = esock:monitor(S, #{msocket => Wrapped}),
    ok = esock:close(S),
    receive {'DOWN', Ours, Type2, What2, Info2} -> ?assertEqual(Otp, {Type2, What2 =:= Wrapped, Info2}) end.

monitor_closed(_) ->
    {U, _} = esock_pairs:udp(),
    ok = esock:close(U),
    MRef = esock:monitor(U, #{msocket => late}),
    receive {'DOWN', MRef, socket, late, closed} -> ok end.

bad_arguments(_) ->
    {U, _} = esock_pairs:udp(),
    Bad = [{monitor, [U, foo]}, {monitor, [foo, #{}]}, {monitor, [U, #{foo => 1}]}, {monitor, [U, #{msocket => 1, foo => 1}]}, {peercred, [foo]},
           {take_error, [foo]}, {cookie, [foo]}, {original_dst, [foo]}, {set_keepalive, [U, foo]}, {set_keepalive, [foo, true]}, {format, [foo]},
           {format, [{'$socket', foo}]}],
    [?assertError(badarg, apply(esock, F, Args), {F, Args}) || {F, Args} <- Bad],
    ok = esock:close(U).

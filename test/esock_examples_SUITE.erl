%% The programs in examples/, each with what it is written after on the other side: programs of Python's documentation of `socket' in
%% python3, Ruby's loops in ruby, in both directions.
-module(esock_examples_SUITE).

-compile([export_all, nowarn_export_all]).

-include_lib("stdlib/include/assert.hrl").

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [short, echo_client, echo_server, restart, dual_client, dual_server, udp, udp_other_address, pass_fds, sniffer,
     tcp_server_loop, ruby_tcp_server_loop, unix_server_loop, ruby_unix_server_loop, ruby_udp_server_loop,
     elixir_udp_server, elixir_tcp_server, elixir_client].

folder() -> filename:join(code:lib_dir(esock), "../../../../examples").

init_per_suite(Config) ->
    Dir = proplists:get_value(priv_dir, Config),
    true = code:add_patha(Dir),
    [{ok, Module} = compile:file(filename:join(folder(), atom_to_list(Module)), [{outdir, Dir}, return_errors, warnings_as_errors])
     || Module <- modules()],
    Config.

end_per_suite(Config) -> code:del_path(proplists:get_value(priv_dir, Config)).

modules() -> [echo_server, echo_client, echo_dual, echo_udp, pass_fds, sniffer, tcp_server_loop, unix_server_loop].

%% Each example has at most 40 lines.
short(_) ->
    Names = [atom_to_list(Module) ++ ".erl" || Module <- modules()] ++ ["udp_server.exs", "tcp_server.exs", "client.exs"],
    [begin
         {ok, Text} = file:read_file(filename:join(folder(), Name)),
         ?assert(length(binary:split(Text, <<"\n">>, [global])) =< 41, Name)
     end || Name <- Names].

%%% ---- Other programs ---------------------------------------------------------------------------------------------------

program(Name, Args) ->
    case os:find_executable(Name) of
        false -> throw({skip, Name ++ " is not there"});
        Path -> open_port({spawn_executable, Path}, [{args, [iolist_to_binary(Arg) || Arg <- Args]}, binary, exit_status, stderr_to_stdout, {line, 1000}])
    end.

python(Program) -> program("python3", ["-uc", ["import socket, array, os, struct, sys\n", Program]]).
ruby(Program) -> program("ruby", ["-rsocket", "-e", ["$stdout.sync = true\n", Program]]).
elixir(Name, Args) ->
    program("elixir", ["-pa", filename:dirname(code:which(esock)), filename:join(folder(), Name) | Args]).

line(P) ->
    receive
        {P, {data, {eol, Line}}} -> Line;
        {P, {exit_status, Status}} -> ct:fail({ended, Status})
    after 60_000 -> ct:fail(no_line)
    end.

port(P) -> binary_to_integer(line(P)).

%% The program ends by itself. What it prints, and does not end with success, is a failure.
ends(P) -> ends(P, []).
ends(P, Lines) ->
    receive
        {P, {data, {eol, Line}}} -> ends(P, [Line | Lines]);
        {P, {exit_status, Status}} -> ?assertEqual({0, Lines}, {Status, Lines}), lists:reverse(Lines)
    after 60_000 -> ct:fail({no_end, Lines})
    end.

%% A server that runs for ever.
stop(P) ->
    {os_pid, Pid} = erlang:port_info(P, os_pid),
    _ = os:cmd("kill " ++ integer_to_list(Pid)),
    receive {P, {exit_status, _}} -> ok end.

%% A process that runs `Fun', which has to return once the sockets are closed.
serving(Fun, Sockets, Clients) ->
    {Pid, MRef} = spawn_monitor(Fun),
    [ok = esock:setopt(S, {otp, controlling_process}, Pid) || S <- Sockets],
    Result = Clients(),
    esock_pairs:close(Sockets),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    Result.

%%% ---- Echo (Python) --------------------------------------------------------------------------------------------------

-define(PYTHON_SERVER(Setup),
        Setup "print(s.getsockname()[1])\nconn, addr = s.accept()\n"
        "with conn:\n    while True:\n        data = conn.recv(1024)\n        if not data: break\n        conn.sendall(data)\n").

-define(PYTHON_CLIENT,
        "s = socket.create_connection((sys.argv[1], int(sys.argv[2])))\n"
        "with s:\n    s.sendall(b'Hello, world')\n    data = s.recv(1024)\nprint('Received', repr(data))\n").

python_client(Host, Port) ->
    P = program("python3", ["-c", "import socket, sys\n" ?PYTHON_CLIENT, Host, integer_to_list(Port)]),
    ?assertEqual([<<"Received b'Hello, world'">>], ends(P)).

echo_client(_) ->
    P = python(?PYTHON_SERVER("s = socket.socket(socket.AF_INET, socket.SOCK_STREAM)\ns.bind(('', 0))\ns.listen(1)\n")),
    ?assertEqual({ok, <<"Hello, world">>}, echo_client:ask("127.0.0.1", port(P), <<"Hello, world">>)),
    [] = ends(P).

echo_server(_) ->
    {ok, L, Port} = echo_server:start(0),
    serving(fun() -> echo_server:serve(L) end, [L], fun() -> [python_client("127.0.0.1", Port) || _ <- [1, 2]] end).

%% The server has closed a connection first, which stays in TIME_WAIT; a new server gets the port at once.
restart(_) ->
    {ok, L, Port} = echo_server:start(0),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, #{family => inet, addr => loopback, port => Port}),
    {ok, S} = esock:accept(L),
    ok = esock:close(S),
    eof = esock:recv_some(C, 1, [], 5000),
    esock_pairs:close([C, L]),
    {ok, Again, Port} = echo_server:start(Port),
    ok = esock:close(Again).

dual_client(_) ->
    [begin
         P = python(?PYTHON_SERVER("s = socket.create_server((" ++ Host ++ ", 0), family=socket." ++ Family ++ ")\n")),
         ?assertEqual({ok, <<"Hello, world">>}, echo_client:ask("localhost", port(P), <<"Hello, world">>)),
         [] = ends(P)
     end || {Family, Host} <- [{"AF_INET", "'127.0.0.1'"} | [{"AF_INET6", "'::1'"} || ipv6_name()]]].

ipv6_name() -> inet:getaddrs("localhost", inet6) =:= {ok, [{0, 0, 0, 0, 0, 0, 0, 1}]}.

dual_server(_) ->
    {ok, L, Port} = echo_dual:start(0),
    serving(fun() -> echo_dual:serve(L) end, [L], fun() -> [python_client(Host, Port) || Host <- ["127.0.0.1", "::1"]] end).

%%% ---- UDP ----------------------------------------------------------------------------------------------------------------

udp(_) ->
    P = python("s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.bind(('127.0.0.1', 0))\nprint(s.getsockname()[1])\n"
               "data, addr = s.recvfrom(1024)\ns.sendto(data, addr)\n"),
    ?assertMatch({ok, {_, <<"hello">>}}, echo_udp:ask(port(P), <<"hello">>)),
    [] = ends(P).

%% A client that is connected to 127.0.0.2 takes answers from that address only.
udp_other_address(_) ->
    {ok, S, Port} = echo_udp:start(0),
    serving(fun() -> echo_udp:serve(S) end, [S], fun() ->
        P = program("python3", ["-c", "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(10)\n"
                                "s.connect(('127.0.0.2', int(sys.argv[1])))\ns.send(b'who?')\nprint(s.recv(100))\n",
                                integer_to_list(Port)]),
        ?assertEqual([<<"b'who?'">>], ends(P))
    end).

%%% ---- Descriptors ---------------------------------------------------------------------------------------------------------

-define(SEND_FDS,
        "def send_fds(sock, msg, fds):\n"
        "    return sock.sendmsg([msg], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', fds))])\n").
-define(RECV_FDS,
        "def recv_fds(sock, msglen, maxfds):\n"
        "    fds = array.array('i')\n"
        "    msg, ancdata, flags, addr = sock.recvmsg(msglen, socket.CMSG_LEN(maxfds * fds.itemsize))\n"
        "    for cmsg_level, cmsg_type, cmsg_data in ancdata:\n"
        "        if cmsg_level == socket.SOL_SOCKET and cmsg_type == socket.SCM_RIGHTS:\n"
        "            fds.frombytes(cmsg_data[:len(cmsg_data) - (len(cmsg_data) % fds.itemsize)])\n"
        "    return msg, list(fds)\n").

%% A connection from esock to python3, which writes into it, and one back.
pass_fds(_) ->
    Path = <<0, "esock examples ", (integer_to_binary(erlang:unique_integer([positive])))/binary, (list_to_binary(os:getpid()))/binary>>,
    <<0, Name/binary>> = Path,
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, #{family => local, path => Path}),
    ok = esock:listen(L),
    P = python([?SEND_FDS, ?RECV_FDS, "s = socket.socket(socket.AF_UNIX)\ns.connect('\\0", Name, "')\n"
                "msg, fds = recv_fds(s, 100, 2)\nt = [socket.socket(fileno=fd) for fd in fds]\n"
                "for x in t: x.sendall(msg)\na, b = socket.socketpair()\nsend_fds(s, b'back', [b.fileno()])\n"
                "b.close(); print(a.recv(100)); s.recv(1)\n"]),
    {ok, U} = esock:accept(L, 30_000),
    Pairs = [esock_pairs:pair(), esock_pairs:pair()],
    ok = pass_fds:send_fds(U, "hello", [begin {ok, Fd} = esock:getopt(B, {otp, fd}), Fd end || {_, B} <- Pairs]),
    [?assertEqual({ok, <<"hello">>}, esock:recv(A, 5, 30_000)) || {A, _} <- Pairs],
    {ok, <<"back">>, [Fd]} = pass_fds:recv_fds(U, 100, 1),
    {ok, Back} = esock:open(Fd, #{dup => false, own => true}),
    ok = esock:send(Back, "thanks"),
    ?assertEqual(<<"b'thanks'">>, line(P)),
    esock_pairs:close([U, L, Back | [S || {A, B} <- Pairs, S <- [A, B]]]),
    [] = ends(P).

%%% ---- Sniffer ---------------------------------------------------------------------------------------------------------------

sniffer(_) ->
    case sniffer:open("lo") of
        {ok, S} -> sniffs(S), sniffed();
        {error, Reason} -> {skip, Reason}
    end.

%% python3 sends until the example has seen a datagram: with other traffic on loopback the kernel may drop some.
sniffs(S) ->
    P = python("import time\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
               "while True: s.sendto(b'sniff me', ('127.0.0.1', 9)); time.sleep(0.01)\n"),
    ?assertMatch(#{from := {127, 0, 0, 1}, to := {127, 0, 0, 1}, protocol := 17}, found(S)),
    ok = esock:close(S),
    stop(P).

found(S) ->
    case sniffer:next(S, 30_000) of
        {ok, #{payload := <<_:64, "sniff me">>} = Packet} -> Packet;
        {ok, _} -> found(S)
    end.

%% esock sends until a sniffer in python3 has seen a datagram.
sniffed() ->
    P = python("s = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))\ns.bind(('lo', 0x0800))\nprint('ready')\n"
               "while True:\n    data, _ = s.recvfrom(65565)\n    if data.endswith(b'from esock'): break\nprint(data[9])\n"),
    <<"ready">> = line(P),
    {ok, U} = esock:open(inet, dgram, udp),
    ?assertEqual(<<"17">>, sent_until(P, U)),
    ok = esock:close(U),
    [] = ends(P).

sent_until(P, U) ->
    %% The error of the datagram before: nobody listens on that port.
    _ = esock:sendto(U, "from esock", #{family => inet, addr => loopback, port => 9}),
    receive {P, {data, {eol, Line}}} -> Line after 10 -> sent_until(P, U) end.

%%% ---- Ruby's loops ----------------------------------------------------------------------------------------------------------

tcp_server_loop(_) ->
    {ok, Ls, Port} = tcp_server_loop:start(0),
    Fun = fun(S, #{family := Family}) -> tcp_server_loop:lines(S, fun(Line) -> [atom_to_list(Family), " ", string:uppercase(Line)] end) end,
    serving_each(Ls, Fun, fun() ->
        [?assertEqual([Text], ends(ruby(["Socket.tcp('", Host, "', ", integer_to_list(Port), ") {|s| s.puts 'one'; puts s.gets }\n"])))
         || {Host, Text} <- [{"127.0.0.1", <<"inet ONE">>}, {"::1", <<"inet6 ONE">>}]]
    end).

%% The listeners belong to this process: the loops only use them.
serving_each(Ls, Fun, Clients) ->
    {Pid, MRef} = spawn_monitor(fun() -> tcp_server_loop:loop(Ls, Fun) end),
    _ = Clients(),
    esock_pairs:close(Ls),
    receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual(normal, Reason) end.

ruby_tcp_server_loop(_) ->
    P = ruby("Socket.tcp_server_sockets(0) {|socks| puts socks[0].local_address.ip_port\n"
             "Socket.accept_loop(socks) {|s, _| s.write(s.readpartial(100)); s.close } }\n"),
    Port = port(P),
    [?assertEqual({ok, <<"hello">>}, echo_client:ask(Host, Port, <<"hello">>)) || Host <- ["127.0.0.1", "localhost"]],
    stop(P).

path(Config) -> filename:join(proplists:get_value(priv_dir, Config), "sock" ++ integer_to_list(erlang:unique_integer([positive]))).

unix_server_loop(Config) ->
    Path = short_path(path(Config)),
    %% A socket that nobody listens on any more.
    {ok, Stale} = esock:open(local, stream),
    ok = esock:bind(Stale, #{family => local, path => Path}),
    ok = esock:close(Stale),
    {ok, L} = unix_server_loop:start(Path),
    serving(fun() -> unix_server_loop:loop(L, fun(S) -> {ok, _} = esock_io:copy(S, S) end) end, [L], fun() ->
        {error, eaddrinuse} = unix_server_loop:start(Path),
        ?assertEqual([<<"ping">>], ends(ruby(["Socket.unix('", Path, "') {|s| s.puts 'ping'; puts s.gets }\n"])))
    end),
    ok = file:delete(Path).

%% A path of a socket has at most 108 bytes.
short_path(Path) when length(Path) =< 100 -> Path;
short_path(Path) -> "/tmp/esock_examples_" ++ os:getpid() ++ filename:basename(Path).

ruby_unix_server_loop(Config) ->
    Path = short_path(path(Config)),
    P = ruby(["Socket.unix_server_socket('", Path, "') {|l| puts 'ready'\n"
              "Socket.accept_loop(l) {|s, _| s.write(s.readpartial(100)); s.close } }\n"]),
    <<"ready">> = line(P),
    {ok, S} = esock:open(local, stream),
    ok = esock:connect(S, #{family => local, path => Path}),
    ok = esock:send(S, "hello"),
    {ok, <<"hello">>} = esock:recv(S, 5, 5000),
    eof = esock:recv_some(S, 1, [], 5000),
    ok = esock:close(S),
    stop(P),
    _ = file:delete(Path).

ruby_udp_server_loop(_) ->
    P = ruby("Socket.udp_server_sockets('127.0.0.1', 0) {|socks| puts socks[0].local_address.ip_port\n"
             "Socket.udp_server_loop_on(socks) {|msg, src| src.reply msg } }\n"),
    ?assertMatch({ok, {_, <<"hello">>}}, echo_udp:ask(port(P), <<"hello">>)),
    stop(P),
    {ok, S, Port} = echo_udp:start(0),
    serving(fun() -> echo_udp:serve(S) end, [S], fun() ->
        Q = ruby(["u = UDPSocket.new; u.connect('127.0.0.1', ", integer_to_list(Port), "); u.send('ruby', 0); puts u.recv(100)\n"]),
        ?assertEqual([<<"ruby">>], ends(Q))
    end).

%%% ---- Elixir ---------------------------------------------------------------------------------------------------------------

elixir_udp_server(_) ->
    P = elixir("udp_server.exs", []),
    Client = "import socket, sys\ns = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\ns.settimeout(10)\n"
             "for m in [b'one', b'stop']: s.sendto(m, ('127.0.0.1', int(sys.argv[1]))); print(s.recv(100))\n",
    ?assertEqual([<<"b'ONE'">>, <<"b'stopped'">>], ends(program("python3", ["-c", Client, integer_to_list(port(P))]))),
    [] = ends(P).

elixir_tcp_server(_) ->
    P = elixir("tcp_server.exs", []),
    Port = integer_to_list(port(P)),
    ?assertEqual([<<"ONE">>, <<"TWO">>], ends(ruby(["Socket.tcp('127.0.0.1', ", Port, ") {|s| s.puts 'one'; s.write \"two\\r\\n\"\n"
                                                    "puts s.gets, s.gets }\n"]))),
    Client = "import socket, sys\nf = socket.create_connection(('127.0.0.1', int(sys.argv[1]))).makefile('rw')\n"
             "f.write('three\\n'); f.flush(); print(f.readline().strip())\n",
    ?assertEqual([<<"THREE">>], ends(program("python3", ["-c", Client, Port]))),
    stop(P).

elixir_client(_) ->
    P = python(?PYTHON_SERVER("s = socket.create_server(('127.0.0.1', 0))\n")),
    Q = elixir("client.exs", [integer_to_list(port(P)), "one", "two"]),
    ?assertEqual([<<"one">>, <<"two">>], ends(Q)),
    [] = ends(P).

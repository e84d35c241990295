%% The loops of esock_server, UDP, and the documentation. Ruby and python3 are at the other end.
-module(esock_server_loop_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-import(esock_server_SUITE, [until/1, port/1, tcp/1, tcp/2, asks/2, path/1, have/0, nothing_left/1, exists/1, python/2, ruby/2, six/0]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [accept_loop, loop_is_left, ruby_client, loop_on_unix, udp_asked, udp_asked_six, udp_ecn, udp_loop, udp_errors, docs].

%% In a process of its own. `looped' returns what the loop returns; no message may be left.
looping(Fun) -> Self = self(), spawn_link(fun() -> Self ! {self(), Fun(), process_info(self(), messages)} end).

looped(Pid) -> receive {Pid, Result, Messages} -> ?assertEqual({messages, []}, Messages), Result after 10_000 -> ct:fail(loops) end.

%% Several listeners; one that is busy does not keep the others waiting; `stop' ends it.
accept_loop(_) ->
    Before = have(),
    Loop = looping(fun() ->
        Resolver = fun(_, inet) -> {ok, [{127, 0, 0, N} || N <- [1, 2, 3]]}; (_, _) -> {error, nxdomain} end,
        {ok, Ls} = esock_server:listen_all("x", 0, #{resolver => Resolver}),
        Port = port(hd(Ls)),
        {Busy, BusyRef} = spawn_monitor(fun() -> esock_server_conn_SUITE:flood(Port) end),
        Others = [spawn_monitor(fun() -> C = tcp({127, 0, 0, N}, Port), {ok, <<"x">>} = asks(C, <<"x">>), exit(served) end) || N <- [2, 3, 2, 3]],
        Count = counters:new(1, []),
        Result = esock_server:accept_loop(Ls, #{close => true}, fun(S, #{family := inet, port := _}) ->
            Got = esock:recv(S, 1),
            _ = [esock:send(S, Data) || {ok, Data} <- [Got]],
            {ok, #{addr := Own}} = esock:sockname(S),
            _ = Own =/= {127, 0, 0, 1} andalso counters:add(Count, 1, 1),
            case counters:get(Count, 1) of 4 -> stop; _ -> ok end
        end),
        [receive {'DOWN', MRef, process, _, Why} -> ?assertEqual(served, Why) end || {_, MRef} <- Others],
        [ok = esock:close(L) || L <- Ls],
        receive {'DOWN', BusyRef, process, Busy, _} -> ok end,
        Result
    end),
    ?assertEqual(ok, looped(Loop)),
    ?assertEqual({error, {invalid, no_sockets}}, esock_server:accept_loop([], fun(_, _) -> ok end)),
    nothing_left(Before).

three() -> [begin {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}), L end || _ <- [1, 2, 3]].

%% However a loop ends, no wait and no message is left behind.
loop_is_left(_) ->
    Before = have(),
    Raises = looping(fun() ->
        Ls = three(),
        C = tcp(port(lists:last(Ls))),
        Result = try esock_server:accept_loop(Ls, fun(S, _) -> _ = esock:close(S), throw(enough) end) catch throw:enough -> thrown end,
        %% Nothing waits: another process gets the turn at once.
        Self = self(),
        [begin
             D = tcp(port(L)),
             spawn_link(fun() -> {ok, S} = esock:accept(L, 5000), ok = esock:close(S), Self ! {taken, L} end),
             receive {taken, L} -> ok end,
             ok = gen_tcp:close(D)
         end || L <- Ls],
        [ok = esock:close(L) || L <- Ls],
        ok = gen_tcp:close(C),
        Result
    end),
    ?assertEqual(thrown, looped(Raises)),
    %% The listeners close, one after the other.
    [begin
         Closed = looping(fun() ->
             Ls = lists:sublist(three(), N),
             Self = self(),
             spawn(fun() -> until(fun() -> process_info(Self, status) =:= {status, waiting} end), [ok = esock:close(L) || L <- Ls] end),
             esock_server:accept_loop(Ls, fun(_, _) -> ok end)
         end),
         ?assertEqual(ok, looped(Closed))
     end || N <- [1, 2, 3]],
    %% A socket that does not listen.
    {ok, U} = esock:open(inet, stream, tcp),
    {ok, V} = esock:open(inet, stream, tcp),
    ?assertEqual({error, einval}, esock_server:accept_loop([U], fun(_, _) -> ok end)),
    ?assertEqual({error, einval}, esock_server:accept_loop([U, V], fun(_, _) -> ok end)),
    esock_pairs:close([U, V]),
    nothing_left(Before).

free_port() ->
    {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}),
    Port = port(L),
    ok = esock:close(L),
    Port.

ruby_client(_) ->
    Client = "require 'socket'; s=nil\n"
        "500.times{ begin; s=Socket.tcp('127.0.0.1',ARGV[0].to_i); break; rescue Errno::ECONNREFUSED; sleep 0.01; end }\n"
        "s.write('from ruby'); s.close_write; puts s.read",
    Port = free_port(),
    Loop = looping(fun() -> esock_server:tcp_server_loop({{127, 0, 0, 1}, Port}, #{close => true}, fun(S, #{addr := {127, 0, 0, 1}}) ->
        {error, {closed, Data}} = esock:recv(S, 1000),
        _ = esock:send(S, string:uppercase(Data)),
        stop
    end) end),
    case ruby(Client, [Port]) of
        none -> unlink(Loop), exit(Loop, kill), {skip, no_ruby};
        Said ->
            ?assertEqual(<<"FROM RUBY">>, Said),
            ?assertEqual(ok, looped(Loop)),
            ?assertEqual({error, econnrefused}, gen_tcp:connect({127, 0, 0, 1}, Port, []))
    end.

loop_on_unix(_) ->
    Path = path(none),
    Loop = looping(fun() -> esock_server:unix_server_loop(Path, #{mode => 8#600, close => true}, fun(S, #{family := local}) ->
        {ok, Data} = esock:recv(S),
        ok = esock:send(S, ["got ", Data]),
        stop
    end) end),
    Script = "import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\n"
        "for i in range(500):\n try: s.connect(sys.argv[1]); break\n except OSError: time.sleep(0.01)\n"
        "s.sendall(b'it'); print(s.makefile().read())",
    ?assertEqual(<<"got it">>, python(Script, [Path])),
    ?assertEqual(ok, looped(Loop)),
    ?assertNot(exists(Path)).

%%% ---- UDP ------------------------------------------------------------------------------------------------------------

serving(Sockets) -> looping(fun() -> esock_server:udp_server_loop_on(Sockets, fun(Data, Source) -> esock_server:udp_reply(Source, ["re ", Data]) end) end).

%% Asks each address, and prints from where the answer comes.
-define(ASK, "import socket,sys\nfor h in sys.argv[2:]:\n"
             " s=socket.socket(socket.AF_INET6 if ':' in h else socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(5)\n"
             " s.sendto(b'x',(h,int(sys.argv[1]))); print(s.recvfrom(9)[1][0])\n").

udp_asked(_) ->
    {ok, [S]} = esock_server:udp_sockets(0, #{family => inet}),
    Loop = serving([S]),
    Asked = ["127.0.0.1", "127.0.0.2", "127.0.0.77", "127.1.2.3"],
    ?assertEqual(Asked, string:lexemes(binary_to_list(python(?ASK, [port(S) | Asked])), "\n")),
    ok = esock:close(S),
    ?assertEqual(ok, looped(Loop)).

%% In a namespace with several addresses of IPv6, and a second interface.
udp_asked_six(_) ->
    esock_netlink_SUITE:in_netns(fun(#{netns := Path} = Ns) ->
        In = fun(Command) -> esock_netlink_SUITE:in_it(Ns, Command) end,
        [_ = In("ip " ++ C) || C <- ["link set lo up", "link add d0 type veth peer name d1", "link set d0 up", "link set d1 up", "addr add 10.9.8.7/24 dev d0",
                                     "-6 addr add fd00::1/128 dev lo nodad", "-6 addr add fd00::2/64 dev d0 nodad"]],
        {ok, Ss} = esock_server:udp_sockets(0, #{open => #{netns => Path}}),
        ?assertMatch([_, _], Ss),
        [Port] = lists:usort([port(S) || S <- Ss]),
        Loop = serving(Ss),
        File = path(none) ++ ".py",
        ok = file:write_file(File, ?ASK),
        Asked = ["::1", "fd00::1", "fd00::2", "127.0.0.5", "10.9.8.7", "fd00::2"],
        Out = In(lists:flatten(lists:join(" ", ["python3", File, integer_to_list(Port) | Asked]))),
        ok = file:delete(File),
        ?assertEqual(Asked, string:lexemes(Out, "\n")),
        esock_pairs:close(Ss),
        ?assertEqual(ok, looped(Loop))
    end).

%% The bits as python sends them and finds them in the answer: IP_RECVTOS is 13, IPV6_RECVTCLASS 66, IPV6_TCLASS 67.
udp_ecn(_) ->
    {ok, Ss} = esock_server:udp_sockets(0),
    Loop = serving(Ss),
    Script = "import socket,sys\n"
        "def ask(f,h,l,snd,rcv,e):\n"
        " s=socket.socket(f,socket.SOCK_DGRAM); s.settimeout(5); s.setsockopt(l,rcv,1); s.setsockopt(l,snd,e)\n"
        " s.sendto(b'x',(h,int(sys.argv[1]))); m=s.recvmsg(9,99); return int.from_bytes(m[1][0][2],sys.byteorder)\n"
        "print([ask(socket.AF_INET,'127.0.0.1',0,socket.IP_TOS,13,e) for e in range(4)])\n"
        "if len(sys.argv)>2: print([ask(socket.AF_INET6,'::1',41,67,66,e) for e in range(4)])",
    Six = six(),
    ?assertEqual(case Six of true -> <<"[0, 1, 2, 2]\n[0, 1, 2, 2]">>; false -> <<"[0, 1, 2, 2]">> end, python(Script, [port(hd(Ss)) | ["six" || Six]])),
    esock_pairs:close(Ss),
    ?assertEqual(ok, looped(Loop)).

udp_loop(_) ->
    Port = free_port(),
    Loop = looping(fun() ->
        esock_server:udp_server_loop({{127, 0, 0, 1}, Port}, fun(<<"stop">>, Source) -> ok = esock_server:udp_reply(Source, "stopped"), stop;
                                                                (_, #{remote := #{port := From}} = Source) -> esock_server:udp_reply(Source, integer_to_list(From)) end)
    end),
    {ok, C} = gen_udp:open(0, [binary, {active, false}]),
    Own = integer_to_binary(element(2, inet:port(C))),
    Ask = fun(Text) -> _ = gen_udp:send(C, {127, 0, 0, 1}, Port, Text), gen_udp:recv(C, 0, 100) end,
    until(fun() -> Ask("x") =:= {ok, {{127, 0, 0, 1}, Port, Own}} end),
    until(fun() -> element(1, Ask("stop")) =:= ok end),
    ?assertEqual(ok, looped(Loop)),
    ok = gen_udp:close(C),
    {ok, [S]} = esock_server:udp_sockets({{127, 0, 0, 1}, 0}),
    ?assertEqual({error, timeout}, esock_server:udp_recv(S, 0)),
    {ok, D} = gen_udp:open(0, [binary]),
    {ok, Mine} = inet:port(D),
    Here = port(S),
    ok = gen_udp:send(D, {127, 0, 0, 1}, Here, "once"),
    {ok, {<<"once">>, Source}} = esock_server:udp_recv(S, 5000),
    ?assertMatch(#{socket := S, remote := #{addr := {127, 0, 0, 1}, port := Mine}, ifindex := 1, ecn := 0,
                   local := #{family := inet, addr := {127, 0, 0, 1}, port := Here}}, Source),
    ?assertEqual({error, emsgsize}, esock_server:udp_reply(Source, binary:copy(<<"x">>, 70_000))),
    ok = gen_udp:close(D),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock_server:udp_recv(S, 5000)).

udp_errors(_) ->
    {ok, [S]} = esock_server:udp_sockets({{127, 0, 0, 1}, 0}),
    Port = port(S),
    ?assertMatch({error, {listen_failed, [{#{port := Port}, eaddrinuse}]}}, esock_server:udp_sockets({{127, 0, 0, 1}, Port})),
    ?assertMatch({error, {invalid, {address, _}}}, esock_server:udp_sockets({unix, "x"})),
    ?assertEqual({error, {invalid, no_sockets}}, esock_server:udp_server_loop_on([], fun(_, _) -> ok end)),
    %% Answers that nobody takes (ICMP) do not end the loop.
    Loop = serving([S]),
    [begin {ok, C} = gen_udp:open(0), ok = gen_udp:send(C, {127, 0, 0, 1}, Port, "x"), ok = gen_udp:close(C) end || _ <- lists:seq(1, 50)],
    {ok, D} = gen_udp:open(0, [binary, {active, false}]),
    ok = gen_udp:send(D, {127, 0, 0, 1}, Port, "x"),
    ?assertEqual({ok, {{127, 0, 0, 1}, Port, <<"re x">>}}, gen_udp:recv(D, 0, 5000)),
    ok = gen_udp:close(D),
    ok = esock:close(S),
    ?assertEqual(ok, looped(Loop)).

%%% ---- Documentation --------------------------------------------------------------------------------------------------

%% Each exported function has a text, and the examples parse.
docs(_) ->
    {ok, Source} = file:read_file(filename:join(esock_docs_SUITE:root(), "erl_src/server/esock_server.erl")),
    {match, Examples} = re:run(Source, "%% ```\n(.*?)%% '''", [global, dotall, {capture, all_but_first, list}]),
    ?assert(length(Examples) > 20),
    [begin
         {ok, Tokens, _} = erl_scan:string(re:replace(E, "^%% ", "", [global, multiline, {return, list}])),
         ?assertMatch({E, {ok, _}}, {E, erl_parse:parse_exprs(Tokens)})
     end || [E] <- Examples],
    {match, Texts} = re:run(Source, "%% @(?:doc|equiv) (?:[^\n]|\n%)*\n-spec ([a-z_]+)\\(", [global, {capture, all_but_first, list}]),
    Functions = lists:usort([atom_to_list(F) || {F, _} <- esock_server:module_info(exports), F =/= module_info]),
    ?assertEqual(Functions, lists:usort(lists:append(Texts))),
    {match, Types} = re:run(Source, "\n-(?:type|opaque) [^%]*\\.\n%% ", [global]),
    ?assertEqual(length(Types), length(binary:matches(Source, [<<"\n-type ">>, <<"\n-opaque ">>]))).

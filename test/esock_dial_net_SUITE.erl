%% esock_dial in namespaces that drop packets, and beside Python, Ruby and gen_tcp.
-module(esock_dial_net_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
-import(esock_dial_peers, [leaves_nothing/1, closed_port/0, failed/1, reasons/1, answers/1, in_net/1, index/2, won/3]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ONCE, #{retry_on => []}).
-define(DEAD, {10, 9, 8, 1}).
-define(DEAD6, {16#fd00, 0, 0, 0, 0, 0, 0, 1}).
-define(SELF6, {0, 0, 0, 0, 0, 0, 0, 1}).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [dead_first_address, dead_family, sequential, dropped_for_ever, losers_are_closed, shared_source_port, zones,
     asyncio, other_servers, same_as_ruby].

%%% ---- Namespaces ------------------------------------------------------------------------------------------------------

dead_first_address(_) ->
    in_net(fun(Opts, Port) ->
        {?LOOPBACK, Ms} = won([?DEAD, ?LOOPBACK], Port, Opts),
        ct:pal("dead first address: ~b ms", [Ms]),
        ?assert(Ms >= 250),
        ?assert(Ms < 2000),
        %% Three dead ones, and a shorter delay.
        {{127, 0, 0, 2}, Short} = won([?DEAD, {10, 9, 8, 2}, {10, 9, 8, 3}, {127, 0, 0, 2}], Port, Opts#{attempt_delay => 20}),
        ?assert(Short >= 60),
        %% An address without a route fails at once: no delay.
        {?LOOPBACK, _} = won([{198, 51, 100, 1}, ?LOOPBACK], Port, Opts#{attempt_delay => 60_000, timeout => infinity})
    end).

dead_family(_) ->
    in_net(fun(Opts, Port) ->
        Resolver = answers(#{inet6 => {ok, [?DEAD6]}, inet => {ok, [?LOOPBACK]}}),
        {?LOOPBACK, Ms} = won("name", Port, Opts#{resolver => Resolver}),
        ?assert(Ms >= 250),
        Reverse = answers(#{inet6 => {ok, [?SELF6]}, inet => {ok, [?DEAD]}}),
        {?SELF6, _} = won("name", Port, Opts#{resolver => Reverse, attempt_delay => 60_000}),
        {?SELF6, Other} = won("name", Port, Opts#{resolver => Reverse, family => inet_first}),
        ?assert(Other >= 250),
        %% The preferred family, if both work.
        Both = answers(#{inet6 => {ok, [?SELF6]}, inet => {ok, [?LOOPBACK]}, any => {ok, [?LOOPBACK, ?SELF6]}}),
        [?assertMatch({Family, {Won, _}}, {Family, won("name", Port, Opts#{resolver => Both, family => Family, race => Race,
                                                                            attempt_delay => 60_000, resolution_delay => 60_000})})
         || {Family, Won} <- [{inet6_first, ?SELF6}, {inet_first, ?LOOPBACK}, {inet, ?LOOPBACK}, {inet6, ?SELF6}, {any, ?LOOPBACK}],
            Race <- [true, false]],
        %% The other family first, because its answer comes first.
        Slow = fun(_, inet) -> {ok, [?LOOPBACK]}; (_, inet6) -> receive never -> ok end end,
        {?LOOPBACK, Late} = won("name", Port, Opts#{resolver => Slow}),
        ?assert(Late >= 50)
    end).

sequential(_) ->
    in_net(fun(Opts, Port) ->
        Once = Opts#{race => false, attempt_timeout => 100},
        {?LOOPBACK, Ms} = won([?DEAD, ?LOOPBACK], Port, Once),
        ?assert(Ms >= 100),
        %% All of one family before the other.
        Self = self(),
        Observe = fun(#{event := connecting, address := #{addr := A}}) -> Self ! A; (_) -> ok end,
        #{reason := failed, attempts := [_, _, _]} =
            failed(esock_dial:connect([?DEAD, ?DEAD6, {10, 9, 8, 2}], Port, Once#{retry_on => [], on_event => Observe})),
        [?assertEqual(A, receive A -> A after 0 -> none end) || A <- [?DEAD6, ?DEAD, {10, 9, 8, 2}]],
        %% The time of an attempt is of the class etimedout.
        #{reason := stopped, attempts := [_, _]} =
            failed(esock_dial:connect(?DEAD, Port, Once#{attempt_timeout => 10, backoff => fun(2, timeout) -> stop; (_, _) -> 0 end}))
    end).

dropped_for_ever(_) ->
    in_net(fun(Opts, Port) ->
        #{reason := timeout, elapsed := Elapsed, attempts := Attempts} =
            leaves_nothing(fun() -> failed(esock_dial:connect([?DEAD, {10, 9, 8, 2}, ?DEAD6], Port, Opts#{timeout => 400, attempt_delay => 50})) end),
        ?assertMatch([{#{addr := ?DEAD6}, timeout, _}, {#{addr := ?DEAD}, timeout, _}, {#{addr := {10, 9, 8, 2}}, timeout, _}], Attempts),
        ?assert(Elapsed >= 400 andalso Elapsed < 2000),
        %% Killed and cancelled in the middle.
        leaves_nothing(fun() ->
            {Pid, Monitor} = spawn_monitor(fun() -> esock_dial:connect([?DEAD, ?DEAD6], Port, Opts) end),
            esock_async_SUITE:until(fun() -> [S || S <- esock:which_sockets(Pid)] =/= [] end),
            exit(Pid, kill),
            receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
            {completion, Info} = esock_dial:connect([?DEAD, ?DEAD6], Port, Opts#{nowait => true}),
            {completion_info, {dial, Dialer}, _} = Info,
            esock_async_SUITE:until(fun() -> esock:which_sockets(Dialer) =/= [] end),
            ok = esock_dial:cancel(Info)
        end)
    end).

losers_are_closed(_) ->
    in_net(fun(Opts, Port) ->
        Self = self(),
        Open = counters:new(1, []),
        Observe = fun(#{event := connected}) -> counters:put(Open, 1, length(esock:which_sockets(Self))); (_) -> ok end,
        [begin
             {{127, 0, 0, 2}, _} = won([?DEAD, {10, 9, 8, 2}, {10, 9, 8, 3}, {127, 0, 0, 2}], Port, Opts#{attempt_delay => 10, on_event => Observe}),
             %% The listeners and all four attempts, before the losers are closed.
             ?assert(counters:get(Open, 1) >= 6)
         end || _ <- lists:seq(1, 20)]
    end).

%% asyncio has Happy Eyeballs too: the same address wins.
asyncio(_) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        _ -> in_net(fun(#{open := Net} = Opts, Port) ->
                 [?assertEqual({Hosts, element(1, won(Hosts, Port, Opts#{family => any}))}, {Hosts, python_wins(Hosts, Port, Net)})
                  || Hosts <- [[?DEAD, ?LOOPBACK], [?DEAD6, ?LOOPBACK], [?SELF6, ?LOOPBACK], [?LOOPBACK, ?SELF6], [?DEAD, ?DEAD6, ?SELF6],
                               [{198, 51, 100, 1}, {127, 0, 0, 2}], [?DEAD, {10, 9, 8, 2}, ?SELF6, ?LOOPBACK]]]
             end)
    end.

python_wins(Hosts, Port, Net) ->
    Program = "import asyncio, socket, sys\n"
              "port, hosts = int(sys.argv[1]), sys.argv[2:]\n"
              "async def main():\n"
              "    loop = asyncio.get_running_loop()\n"
              "    async def infos(*args, **kwargs):\n"
              "        return [(socket.AF_INET6 if ':' in h else socket.AF_INET, socket.SOCK_STREAM, 6, '', (h, port)) for h in hosts]\n"
              "    loop.getaddrinfo = infos\n"
              "    r, w = await asyncio.open_connection('name', port, happy_eyeballs_delay=0.25)\n"
              "    print(w.get_extra_info('peername')[0])\n"
              "asyncio.run(main())\n",
    File = filename:join("/tmp", "esock_dial_" ++ os:getpid() ++ ".py"),
    ok = file:write_file(File, Program),
    Said = esock_netlink_SUITE:in_it(Net, lists:join(" ", ["python3", File, integer_to_list(Port) | [inet:ntoa(H) || H <- Hosts]])),
    ok = file:delete(File),
    {ok, Address} = inet:parse_address(string:trim(Said)),
    Address.

%% Four ports for eight connections from one address: to two peers. A bind that chooses the port runs out of them.
shared_source_port(_) ->
    in_net(fun(#{open := Net} = Opts, Port) ->
        _ = esock_netlink_SUITE:in_it(Net, "sh -c 'echo 41000 41003 > /proc/sys/net/ipv4/ip_local_port_range'"),
        From = Opts#{source => {127, 0, 0, 9}, retry_on => []},
        Sockets = [begin {ok, S} = esock_dial:connect(To, Port, From), S end || To <- [?LOOPBACK, {127, 0, 0, 2}], _ <- [1, 2, 3, 4]],
        Ports = [P || S <- Sockets, {ok, #{addr := {127, 0, 0, 9}, port := P}} <- [esock:sockname(S)]],
        ?assertEqual({8, [41000, 41001, 41002, 41003]}, {length(Ports), lists:usort(Ports)}),
        esock_pairs:close(Sockets)
    end).

%% An address with a zone, by name and by number.
zones(_) ->
    in_net(fun(#{open := #{netns := Path}} = Opts, Port) ->
        Index = index("va", #{netns => Path}),
        Local = {16#fe80, 0, 0, 0, 0, 0, 0, 7},
        ok = esock_netlink:change(newaddr, #{family => inet6, prefixlen => 64, index => Index, flags => [nodad], address => Local}, #{netns => Path}),
        Number = "fe80::7%" ++ integer_to_list(Index),
        {ok, S} = esock_dial:connect(Number, Port, Opts#{retry_on => []}),
        ?assertMatch({ok, #{addr := Local, scope_id := Index}}, esock:peername(S)),
        ok = esock:close(S),
        %% A name is one of the node's own namespace.
        ?assertMatch(#{attempts := [{#{addr := Local, scope_id := "nosuch0"}, _, _}]},
                     failed(esock_dial:connect("fe80::7%nosuch0", Port, #{retry_on => []})))
    end).

%%% ---- Other programs --------------------------------------------------------------------------------------------------

%% Echo servers of Python and Ruby.
other_servers(_) ->
    Python = "import socketserver\n"
             "class H(socketserver.StreamRequestHandler):\n"
             "    def handle(self): self.wfile.write(self.rfile.readline())\n"
             "s = socketserver.TCPServer(('127.0.0.1', 0), H)\n"
             "print(s.server_address[1], flush=True)\ns.handle_request()\n",
    Ruby = "require 'socket'\ns = TCPServer.new('127.0.0.1', 0)\nputs s.addr[1]\nSTDOUT.flush\nc = s.accept\nc.write(c.gets)\nc.close\n",
    %% Those that this system has.
    [begin
         Port = open_port({spawn_executable, Program}, [{args, [Flag, Code]}, {line, 100}, exit_status]),
         Number = receive {Port, {data, {eol, Line}}} -> list_to_integer(string:trim(Line)) end,
         {ok, {ok, Answer}} = esock_dial:with_connection("127.0.0.1", Number, #{}, fun(S) -> ok = esock:send(S, "hello\n"), esock:recv(S, 6, 5000) end),
         ?assertEqual(<<"hello\n">>, Answer),
         receive {Port, {exit_status, 0}} -> ok end
     end || {Name, Flag, Code} <- [{"python3", "-c", Python}, {"ruby", "-e", Ruby}], Program <- [os:find_executable(Name)], is_list(Program)],
    %% OTP's own listener.
    {ok, G} = gen_tcp:listen(0, [binary, {active, false}, {ip, ?LOOPBACK}]),
    {ok, GPort} = inet:port(G),
    {ok, S} = esock_dial:connect(?LOOPBACK, GPort),
    {ok, A} = gen_tcp:accept(G, 5000),
    ok = esock:send(S, "hello"),
    ?assertEqual({ok, <<"hello">>}, gen_tcp:recv(A, 5, 5000)),
    ok = esock:close(S),
    [ok = gen_tcp:close(T) || T <- [A, G]].

%% Socket.tcp with a local address of another family, and with a refused port.
same_as_ruby(_) ->
    case os:find_executable("ruby") of
        false -> {skip, no_ruby};
        _ ->
            {L, Port} = closed_port(),
            Says = fun(Local) ->
                os:cmd(lists:flatten(io_lib:format("ruby -rsocket -e 'begin; Socket.tcp(\"127.0.0.1\", ~b, ~ts); rescue SystemCallError, SocketError => e; puts e.class; end'",
                                                   [Port, Local])))
            end,
            ?assertMatch({match, _}, re:run(Says("nil"), "ECONNREFUSED")),
            ?assertEqual([econnrefused], reasons(failed(esock_dial:connect("127.0.0.1", Port, ?ONCE)))),
            ?assertMatch({match, _}, re:run(Says("\"::1\""), "SocketError")),
            ?assertEqual([no_local_address], reasons(failed(esock_dial:connect("127.0.0.1", Port, #{source => "::1"})))),
            ?assertMatch({match, _}, re:run(Says("\"198.51.100.1\""), "EADDRNOTAVAIL")),
            ?assertEqual([eaddrnotavail], reasons(failed(esock_dial:connect("127.0.0.1", Port, #{source => "198.51.100.1"})))),
            ok = esock:close(L)
    end.

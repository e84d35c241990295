%% What tests of resolvers run in a VM of its own, in namespaces of its own: it has the only name server, on loopback, and its own
%% hosts file.
-module(esock_net_private).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

%%% ---- Outside

%% Runs a case in such a VM. It is a skip where the system gives no namespaces.
run(Config, Case) ->
    Dir = filename:join(proplists:get_value(priv_dir, Config), atom_to_list(Case)),
    ok = filelib:ensure_dir(filename:join(Dir, "x")),
    ok = file:write_file(filename:join(Dir, "resolv.conf"), "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n"),
    ok = file:write_file(filename:join(Dir, "hosts"),
                         "127.0.0.1 localhost\n::1 localhost\n192.0.2.7 short full.example.test other\n192.0.2.8 short\n2001:db8::7 six.example.test\n"),
    ok = file:write_file(filename:join(Dir, "nsswitch.conf"), "hosts: files dns\nservices: files\nprotocols: files\n"),
    ok = file:write_file(filename:join(Dir, "run.sh"), script(Dir, Case)),
    case {os:find_executable("python3"), os:cmd("unshare -m -n -u ip link && echo there")} of
        {false, _} when Case =:= answers; Case =:= names -> {skip, no_python3};
        {_, Output} -> start(Dir, lists:suffix("there\n", Output), Output)
    end.

start(Dir, true, _) ->
    Args = ["-m", "-n", "-u", "sh", filename:join(Dir, "run.sh")],
    Port = open_port({spawn_executable, os:find_executable("unshare")}, [{args, Args}, stderr_to_stdout, {line, 1000}, exit_status]),
    output(Port, []);
start(_, false, Why) -> {skip, Why}.

script(Dir, Case) ->
    Paths = [["-pa ", filename:dirname(code:which(M)), " "] || M <- [esock, ?MODULE]],
    ["set -e\nip link set lo up\nip addr add 198.51.100.2/24 dev lo\nip addr add 2001:db8::2/64 dev lo nodad\nip addr add fd00::2/64 dev lo nodad\n",
     [["mount --bind ", filename:join(Dir, File), " /etc/", File, "\n"] || File <- ["resolv.conf", "hosts", "nsswitch.conf"]],
     "exec erl -noshell ", Paths, "-s ", atom_to_list(?MODULE), " inside ", atom_to_list(Case), "\n"].

output(Port, Lines) ->
    receive
        {Port, {data, {_, Line}}} -> output(Port, [Line | Lines]);
        {Port, {exit_status, 0}} -> ct:log("~ts", [lists:join("\n", lists:reverse(Lines))]), ok;
        {Port, {exit_status, Status}} -> ct:fail("~w~n~ts", [Status, lists:join("\n", lists:reverse(Lines))])
    end.

%%% ---- Inside

inside([Case]) ->
    Test = self(),
    Server = spawn_link(fun() -> serve(Test) end),
    receive {Server, ready} -> ok end,
    try ?MODULE:Case(Server) of
        _ -> halt(0)
    catch C:R:S ->
        io:format("~p~n", [{C, R, S}]),
        halt(1)
    end.

%% Answers what answer/2 says; questions about `slow...' are held until `release'. The test process is told what is asked.
serve(Test) ->
    {ok, Socket} = gen_udp:open(53, [binary, {ip, {127, 0, 0, 1}}, {active, true}, {recbuf, 1 bsl 20}]),
    Test ! {self(), ready},
    serve(Socket, Test, []).

serve(Socket, Test, Held) ->
    receive
        {udp, Socket, IP, Port, Packet} ->
            {ok, Query} = inet_dns:decode(Packet),
            [Question] = inet_dns:msg(Query, qdlist),
            {Name, Type} = {string:lowercase(inet_dns:dns_query(Question, domain)), inet_dns:dns_query(Question, type)},
            Test ! {asked, Name, Type},
            Reply = fun() -> gen_udp:send(Socket, IP, Port, reply(Query, answer(Name, Type))) end,
            case Name of
                "slow" ++ _ -> serve(Socket, Test, [Reply | Held]);
                _ -> ok = Reply(), serve(Socket, Test, Held)
            end;
        release ->
            [Reply() || Reply <- Held],
            serve(Socket, Test, [])
    end.

reply(Query, {Code, Records}) ->
    Header = inet_dns:make_header(inet_dns:msg(Query, header), [{qr, true}, {aa, true}, {ra, true}, {rcode, Code}]),
    Answers = [inet_dns:make_rr([{domain, Domain}, {type, Type}, {class, in}, {ttl, Ttl}, {data, Data}]) || {Domain, Type, Ttl, Data} <- Records],
    inet_dns:encode(inet_dns:make_msg([{header, Header}, {qdlist, inet_dns:msg(Query, qdlist)}, {anlist, Answers}])).

answer("fast.test", a) -> {0, [{"fast.test", a, 1, {192, 0, 2, 1}}]};
answer("fast.test", aaaa) -> {0, [{"fast.test", aaaa, 60, {16#2001, 16#DB8, 0, 0, 0, 0, 0, 1}}]};
answer("four.test", a) -> {0, [{"four.test", a, 60, {192, 0, 2, 4}}]};
answer("four.test", _) -> {0, []};
answer("alias.test", Type) -> {0, [{"alias.test", cname, 60, "four.test"} | element(2, answer("four.test", Type))]};
answer("empty.test", _) -> {0, []};
answer("order.test", a) -> {0, [{"order.test", a, 60, A} || A <- [{10, 1, 1, 1}, {127, 0, 0, 1}, {198, 51, 100, 9}]]};
answer("order.test", aaaa) ->
    {0, [{"order.test", aaaa, 60, element(2, esock_addr:parse_ip(A))} || A <- ["2001:db8:9::1", "::1", "2001:db8::9"]]};
answer("broken.test", _) -> {2, []};
answer("slow" ++ _ = Name, a) -> {0, [{Name, a, 60, {192, 0, 2, 99}}]};
answer("slow" ++ _, _) -> {0, []};
answer(_, _) -> {3, []}.

python(Expression) ->
    Script = "import socket\ntry: print(" ++ Expression ++ ")\nexcept socket.gaierror as e: print('gai', e.errno)\nexcept OSError as e: print('error')\n",
    ok = file:write_file("/tmp/esock_net_private.py." ++ os:getpid(), Script),
    string:trim(os:cmd("python3 /tmp/esock_net_private.py." ++ os:getpid() ++ "; rm /tmp/esock_net_private.py." ++ os:getpid())).

%% What Python prints of `[a[4][0] for a in ...]', which is libc's order.
addresses({ok, Found}) -> lists:flatten(io_lib:format("[~s]", [lists:join(", ", [["'", esock_addr:format_ip(IP), "'"] || #{addr := #{addr := IP}} <- Found])]));
addresses({error, {gai, Code}}) -> "gai " ++ integer_to_list(proplists:get_value(Code, [{enoname, -2}, {eagain, -3}, {efail, -4}, {enodata, -5}, {eaddrfamily, -9}])).

%% Both resolvers answer what Python does.
answers(_) ->
    [begin
         Python = python(io_lib:format("[a[4][0] for a in socket.getaddrinfo('~s', 80, ~w, socket.SOCK_STREAM, 0, ~w)]", [Name, Family, Bits])),
         Hints = #{family => Family, type => stream, flags => [Bits]},
         [?assertEqual({Name, Family, Bits, Resolver, Python}, {Name, Family, Bits, Resolver, addresses(esock_net:getaddrinfo(Name, 80, Hints#{resolver => Resolver}))})
          || Resolver <- [libc, inet]]
     end || {Name, Families, Flags} <- [{"fast.test", [0, 2, 10], [0]}, {"four.test", [0, 2, 10], [0, 8]}, {"empty.test", [0], [0]}, {"none.test", [0, 2], [0]},
                                        {"broken.test", [0], [0]}, {"alias.test", [0], [0]}, {"127.0.0.1", [0, 10], [0, 8, 4]}, {"::1", [2], [0]}, {"x.test", [0], [4]},
                                        {"order.test", [0, 10, 2], [0]}, {"localhost", [0], [0]}, {"six.example.test", [0], [0]}, {"fast.test", [10], [8 bor 16]}],
            Family <- Families, Bits <- Flags],
    [?assertMatch({ok, [#{canonname := "four.test"} | _]}, esock_net:getaddrinfo("alias.test", 80, #{flags => [canonname], resolver => R})) || R <- [libc, inet]],
    ?assertEqual({error, {gai, eservice}}, esock_net:getaddrinfo("fast.test", "no_such", #{resolver => inet})),
    ?assertEqual({error, {gai, esocktype}}, esock_net:getaddrinfo("fast.test", 80, #{resolver => inet, type => seqpacket})),
    ?assertEqual({error, {gai, efamily}}, esock_net:getaddrinfo("fast.test", 80, #{resolver => inet, family => 1})),
    %% Another name server, which is not there.
    ?assertEqual({error, {gai, eagain}}, esock_net:getaddrinfo("fast.test", 80, #{resolver => inet, nameservers => [{{127, 0, 0, 1}, 9}]})).

names(_) ->
    [?assertEqual({Addr, python(io_lib:format("socket.gethostbyaddr('~s')", [esock_addr:format_ip(Addr)]))}, {Addr, hostent(esock_net:gethostbyaddr(Addr))})
     || Addr <- [{192, 0, 2, 7}, {127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}, {16#2001, 16#DB8, 0, 0, 0, 0, 0, 7}]],
    [?assertEqual({Name, python(io_lib:format("socket.gethostbyname_ex('~s')", [Name]))}, {Name, hostent(esock_net:gethostbyname_ex(Name))})
     || Name <- ["short", "other", "localhost", "alias.test"]],
    ?assertEqual({ok, {192, 0, 2, 4}}, esock_net:gethostbyname("alias.test")),
    ?assertEqual({error, {gai, enoname}}, esock_net:gethostbyname("none.test")),
    ?assertEqual({error, {gai, enoname}}, esock_net:gethostbyaddr({203, 0, 113, 1})),
    ?assertEqual({ok, "full.example.test"}, esock_net:getfqdn("short")),
    [?assertEqual({Name, {ok, python(io_lib:format("socket.getfqdn('~s')", [Name]))}}, {Name, esock_net:getfqdn(Name)})
     || Name <- ["short", "other", "none.test", "localhost", "192.0.2.7"]],
    ok = esock_net:sethostname("short"),
    ?assertEqual({ok, "short"}, esock_net:gethostname()),
    ?assertEqual({ok, "full.example.test"}, esock_net:getfqdn()),
    ?assertEqual({ok, python("socket.getfqdn()")}, esock_net:getfqdn("0.0.0.0")),
    ?assertEqual({error, einval}, esock_net:sethostname(lists:duplicate(65, $a))),
    A = #{family => inet, addr => {192, 0, 2, 7}, port => 80},
    ?assertEqual({ok, #{host => "short", service => "http"}}, esock_net:getnameinfo(A)),
    ?assertEqual({error, enoname}, esock_net:getnameinfo(A#{addr := {203, 0, 113, 1}}, [namereqd])),
    ?assertEqual({error, {gai, enoname}}, esock_net:getnameinfo(A#{addr := {203, 0, 113, 1}}, [namereqd], 5000)),
    {ok, [#{hostname := "short"}]} = esock_net:getaddrinfo("192.0.2.7", 80, #{type => stream, reverse => true}),
    {ok, [#{addr := _} = Unnamed]} = esock_net:getaddrinfo("203.0.113.1", 80, #{type => stream, reverse => true}),
    ?assertNot(is_map_key(hostname, Unnamed)).

hostent({ok, #{name := Name, aliases := Aliases, addrs := Addrs}}) ->
    List = fun(Texts) -> ["[", lists:join(", ", [["'", T, "'"] || T <- Texts]), "]"] end,
    lists:flatten(["('", Name, "', ", List(Aliases), ", ", List([esock_addr:format_ip(A) || A <- Addrs]), ")"]);
hostent(_) -> "error".

%% 200 lookups that no server answers.
slow(Server) ->
    Slow = [begin
                {completion, Info} = esock_net:getaddrinfo("slow" ++ integer_to_list(N) ++ ".test", 80, #{family => inet}, nowait),
                Info
            end || N <- lists:seq(1, 200)],
    _ = asked(32, []),
    ?assertMatch(#{running := 32, waiting := 168}, esock_net:info()),
    %% Numbers and services have a thread of their own, inet a process.
    Quick = [{Name, timer:tc(Fun)} || {Name, Fun} <- [{literal, fun() -> esock_net:getaddrinfo("127.0.0.1", 80, #{type => stream}, 5000) end},
                                                      {any, fun() -> esock_net:getaddrinfo(any, 80, #{type => stream}, 5000) end},
                                                      {service, fun() -> esock_net:getservbyname("http") end},
                                                      {numeric, fun() -> esock_net:getnameinfo(#{family => inet, addr => loopback, port => 80}, [numerichost], 5000) end},
                                                      {inet, fun() -> esock_net:getaddrinfo("fast.test", 80, #{resolver => inet}, 5000) end}]],
    io:format("while 200 lookups are slow, us: ~p~n", [[{Name, Time} || {Name, {Time, _}} <- Quick]]),
    [?assertMatch({_, {_, {ok, _}}}, Q) || Q <- Quick],
    %% Cancelled ones leave the queue at once; those that run keep their threads.
    {Running, Waiting} = lists:split(32, Slow),
    [ok = esock_net:cancel(Info) || Info <- Waiting],
    ?assertMatch(#{running := 32, waiting := 0}, esock_net:info()),
    %% libc's fast lookup has the first thread that is free.
    {completion, {_, _, Fast}} = esock_net:getaddrinfo("fast.test", 80, #{family => inet, type => stream}, nowait),
    ?assertEqual(ok, esock_net:cancel(hd(Running))),
    Server ! release,
    {Time, ok} = timer:tc(fun() -> receive {'$esock_net', Fast, {ok, [_]}} -> ok end end),
    io:format("a fast lookup of libc behind 32 slow ones, after these: ~w us~n", [Time]),
    [receive {'$esock_net', Ref, {ok, [#{addr := #{addr := {192, 0, 2, 99}}} | _]}} -> ok end || {_, _, Ref} <- tl(Running)],
    wait(fun() -> maps:with([running, waiting], esock_net:info()) =:= #{running => 0, waiting => 0} end),
    nothing_left().

%% With one thread less busy, libc's lookup does not wait.
below_the_pool(Server) ->
    ok = application:set_env(esock, resolver_threads, 8),
    [{completion, _} = esock_net:getaddrinfo("slow" ++ integer_to_list(N) ++ ".test", 80, #{family => inet}, nowait) || N <- lists:seq(1, 7)],
    _ = asked(7, []),
    {Time, {ok, [_]}} = timer:tc(fun() -> esock_net:getaddrinfo("fast.test", 80, #{family => inet, type => stream}, 5000) end),
    io:format("beside 7 slow ones of 8 threads: ~w us~n", [Time]),
    Server ! release.

%% The queue has an end.
bounded(Server) ->
    ok = application:set_env(esock, resolver_threads, 2),
    ok = application:set_env(esock, resolver_queue, 3),
    Slow = fun(N) -> esock_net:getaddrinfo("slow" ++ integer_to_list(N) ++ ".test", 80, #{family => inet, type => stream}, nowait) end,
    Five = [Slow(N) || N <- lists:seq(1, 5)],
    ?assertMatch([{completion, _}, {completion, _}, {completion, _}, {completion, _}, {completion, _}], Five),
    ?assertEqual({error, {gai, busy}}, Slow(6)),
    ?assertEqual({error, {gai, busy}}, esock_net:gethostbyname_ex("fast.test", 1000)),
    {completion, Last} = lists:last(Five),
    ok = esock_net:cancel(Last),
    ?assertMatch({completion, _}, Slow(7)),
    Server ! release,
    ok = application:set_env(esock, resolver_processes, 1),
    {completion, Inet} = esock_net:getaddrinfo("slow.inet", 80, #{resolver => inet}, nowait),
    ?assertEqual({error, {gai, busy}}, esock_net:getaddrinfo("fast.test", 80, #{resolver => inet})),
    ok = esock_net:cancel(Inet),
    wait(fun() -> maps:get(processes, esock_net:info()) =:= 0 end),
    ?assertMatch({ok, _}, esock_net:getaddrinfo("fast.test", 80, #{resolver => inet})).

%% Whoever is killed leaves no place taken, no process and no port. The first round starts what stays for good.
killed(Server) ->
    ok = application:set_env(esock, resolver_threads, 2),
    ok = kill_round(Server),
    Before = {processes(), erlang:ports()},
    ok = kill_round(Server),
    wait(fun() -> {processes(), erlang:ports()} =:= Before end).

kill_round(Server) ->
    [begin
         Pids = [spawn(fun() -> _ = esock_net:getaddrinfo("slow" ++ integer_to_list(N) ++ ".test", 80, #{family => inet, resolver => Resolver}, infinity) end)
                 || N <- lists:seq(1, 100)],
         _ = asked(2, []),
         [begin M = monitor(process, Pid), exit(Pid, kill), receive {'DOWN', M, _, _, _} -> ok end end || Pid <- Pids],
         wait(fun() -> #{waiting := W, processes := P} = esock_net:info(), {W, P} =:= {0, 0} end)
     end || Resolver <- [libc, inet]],
    Server ! release,
    wait(fun() -> maps:get(running, esock_net:info()) =:= 0 end),
    forget().

forget() ->
    receive {asked, _, _} -> forget()
    after 0 -> ok
    end.

%% A timeout, and a cancel in every state, leave nothing in the inbox.
given_up(Server) ->
    [begin
         ?assertEqual({error, timeout}, esock_net:getaddrinfo("slow.test", 80, #{family => inet, resolver => R}, 50)),
         ?assertEqual({error, timeout}, esock_net:getaddrinfo("slow.test", 80, #{family => inet, resolver => R}, 0)),
         Handle = make_ref(),
         {completion, {completion_info, _, Handle} = Info} = esock_net:getaddrinfo("slow.test", 80, #{family => inet, resolver => R}, Handle),
         ok = esock_net:cancel(Info),
         ?assertEqual({error, {invalid, Info}}, esock_net:cancel(Info))
     end || R <- [libc, inet]],
    ?assertEqual({error, timeout}, esock_net:gethostbyaddr("slow.test", 50)),
    Server ! release.

%% An entry lives for the least TTL of DNS, which is a second.
cached(_) ->
    {ok, Cache} = esock_net_cache:start_link(#{ttl => 100000}),
    Ask = fun() -> esock_net:getaddrinfo("fast.test", 80, #{type => stream, resolver => inet, cache => Cache}) end,
    {ok, Found} = Ask(),
    [receive {asked, "fast.test", Type} -> ok end || Type <- [a, aaaa]],
    ?assertEqual({ok, Found}, Ask()),
    ?assertEqual({ok, Found}, esock_net:getaddrinfo("fast.test", 80, #{type => stream, resolver => inet, cache => Cache}, nowait)),
    ?assertMatch(#{size := 1, hits := 2, misses := 1}, esock_net_cache:info(Cache)),
    receive {asked, _, _} = Asked -> error(Asked) after 0 -> ok end,
    wait(fun() -> {ok, Found} = Ask(), receive {asked, "fast.test", _} -> true after 0 -> false end end),
    %% libc names no TTL; other hints are another entry.
    {ok, [Libc]} = esock_net:getaddrinfo("four.test", 80, #{type => stream, cache => Cache}),
    {ok, [Libc]} = esock_net:getaddrinfo("four.test", 80, #{type => stream, cache => Cache}),
    {ok, [_]} = esock_net:getaddrinfo("four.test", 80, #{type => dgram, cache => Cache}),
    ?assertMatch(#{size := 3}, esock_net_cache:info(Cache)),
    %% Errors are not kept.
    {error, _} = esock_net:getaddrinfo("none.test", 80, #{cache => Cache}),
    ?assertMatch(#{size := 3}, esock_net_cache:info(Cache)),
    ok = esock_net_cache:clear(Cache),
    ?assertMatch(#{size := 0}, esock_net_cache:info(Cache)).

%% The VM ends although threads wait for a server: this case returns, and halt/1 follows.
ends(_) ->
    [{completion, _} = esock_net:getaddrinfo("slow" ++ integer_to_list(N) ++ ".test", 80, #{}, nowait) || N <- lists:seq(1, 20)],
    _ = asked(20, []).

%% Waits until so many different names have been asked for.
asked(Count, Names) when length(Names) =:= Count -> Names;
asked(Count, Names) ->
    receive {asked, Name, _} -> asked(Count, lists:usort([Name | Names]))
    after 20000 -> error({asked, Names, esock_net:info()})
    end.

wait(Fun) -> wait(Fun, 10000).

wait(Fun, 0) -> error({never, Fun, esock_net:info()});
wait(Fun, Left) ->
    case Fun() of
        true -> ok;
        false -> receive after 1 -> wait(Fun, Left - 1) end
    end.

nothing_left() ->
    receive {'$esock_net', _, _} = Message -> error(Message)
    after 0 -> ok
    end.

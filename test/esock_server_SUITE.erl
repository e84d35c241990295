%% Listeners of esock_server against python3, ss and the file system. The functions for tests are used by the other suites of servers.
-module(esock_server_SUITE).

-include_lib("stdlib/include/assert.hrl").
-include_lib("kernel/include/file.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [defaults, backlog, dual_stack, families, failures, options, every_address, same_port, group, steering, given_fd, systemd,
     unix_stale, unix_kept, unix_mode, unix_lock, unix_end, unix_race, peercred].

%%% ---- Tools ----------------------------------------------------------------------------------------------------------

until(Fun) -> esock_async_SUITE:until(Fun).

port(S) -> {ok, #{port := Port}} = esock:sockname(S), Port.

python(Script, Args) -> run("python3", Script, "-c", Args).
ruby(Script, Args) -> run("ruby", Script, "-e", Args).

%% The output of a script, or `none' where there is no such program.
run(Program, Script, Flag, Args) ->
    case os:find_executable(Program) of
        false -> none;
        Path ->
            Port = open_port({spawn_executable, Path}, [{args, [Flag, Script | [text(A) || A <- Args]]}, binary, exit_status, stderr_to_stdout]),
            output(Port, <<>>)
    end.

output(Port, Out) ->
    receive
        {Port, {data, Data}} -> output(Port, <<Out/binary, Data/binary>>);
        {Port, {exit_status, _}} -> string:trim(Out)
    end.

text(N) when is_integer(N) -> integer_to_list(N);
text(Text) -> Text.

tcp(Port) -> tcp({127, 0, 0, 1}, Port).
tcp(Host, Port) ->
    {ok, C} = gen_tcp:connect(Host, Port, [binary, {active, false} | [inet6 || tuple_size(Host) =:= 8]]),
    C.

asks(C, Question) ->
    ok = gen_tcp:send(C, Question),
    gen_tcp:recv(C, byte_size(Question), 10_000).

echo({esock_server, S, _}) -> echo_on(S).
echo_on(S) ->
    case esock:recv(S) of
        {ok, Data} -> _ = esock:send(S, Data), echo_on(S);
        {error, _} -> ok
    end.

server(Opts) ->
    {ok, Server} = esock_server:start_link(maps:merge(#{listen => {{127, 0, 0, 1}, 0}, handler => {?MODULE, echo, []}}, Opts)),
    {ok, #{listeners := [Address | _]}} = esock_server:info(Server),
    {Server, maps:get(port, Address, none)}.

info(Server, Key) -> {ok, #{Key := Value}} = esock_server:info(Server), Value.

%% A path of a Unix socket has at most 108 bytes.
path(_) -> "/tmp/esock_" ++ os:getpid() ++ "_" ++ integer_to_list(erlang:unique_integer([positive])).

ends(Pid) ->
    MRef = monitor(process, Pid),
    receive {'DOWN', MRef, process, _, Reason} -> Reason after 10_000 -> ct:fail(lives) end.

%% What the node has now, to compare. Descriptors are closed in the background.
have() -> {esock:number_of(), length(element(2, file:list_dir("/proc/self/fd"))), length(processes())}.

nothing_left(Before) ->
    try until(fun() -> have() =:= Before end)
    catch _:Reason -> ct:fail({Reason, Before, have()})
    end,
    receive M -> ct:fail({message, M}) after 0 -> ok end.

six() ->
    case gen_tcp:listen(0, [inet6, {ip, {0, 0, 0, 0, 0, 0, 0, 1}}]) of
        {ok, L} -> gen_tcp:close(L), true;
        {error, _} -> false
    end.

%%% ---- Listeners ------------------------------------------------------------------------------------------------------

defaults(_) ->
    {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}),
    ?assertEqual({ok, true}, esock:getopt(L, {socket, reuseaddr})),
    C = tcp(port(L)),
    {ok, S} = esock:accept(L),
    %% The kernel hands the option on.
    ?assertEqual({ok, true}, esock:getopt(S, {tcp, nodelay})),
    Port = port(L),
    %% The connection is in TIME_WAIT on this side, and the port is free at once.
    esock_pairs:close([S, L]),
    ok = gen_tcp:close(C),
    {ok, Again} = esock_server:listen({{127, 0, 0, 1}, Port}, #{nodelay => false, options => [{{socket, rcvbuf}, 20000}], open => #{debug => true}}),
    ?assertEqual({ok, false}, esock:getopt(Again, {tcp, nodelay})),
    ?assertEqual({ok, 40000}, esock:getopt(Again, {socket, rcvbuf})),
    ?assertEqual({ok, true}, esock:getopt(Again, {otp, debug})),
    esock_pairs:close([Again]).

%% ss shows it as Send-Q.
backlog(_) ->
    {ok, Limit} = file:read_file("/proc/sys/net/core/somaxconn"),
    Most = min(4096, binary_to_integer(string:trim(Limit))),
    [begin
         {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}, Opts),
         Line = os:cmd("ss -Hltn sport = :" ++ integer_to_list(port(L))),
         ?assertMatch([_, "0", Backlog | _], string:lexemes(Line, " "), Line),
         ok = esock:close(L)
     end || os:find_executable("ss") =/= false,
            {Opts, Backlog} <- [{#{}, integer_to_list(Most)}, {#{backlog => 7}, "7"}]].

dual_stack(_) ->
    Script = "import socket,sys\n"
        "for h in sys.argv[2:]:\n"
        " try: socket.create_connection((h,int(sys.argv[1])),5); print('yes')\n"
        " except OSError: print('no')",
    [begin
         {ok, L} = esock_server:listen(0, Opts),
         ?assertEqual({Opts, Says}, {Opts, python(Script, [port(L), "127.0.0.1", "::1"])}),
         ok = esock:close(L)
     end || six(), os:find_executable("python3") =/= false,
            {Opts, Says} <- [{#{}, <<"yes\nyes">>}, {#{dualstack => true}, <<"yes\nyes">>}, {#{dualstack => false}, <<"yes\nno">>},
                             {#{dualstack => false, family => inet6}, <<"no\nyes">>}, {#{family => inet}, <<"yes\nno">>},
                             {#{family => inet_first}, <<"yes\nno">>}]].

families(_) ->
    ?assertEqual({error, {invalid, {option, dualstack, true}}}, esock_server:listen(0, #{dualstack => true, family => inet})),
    [begin
         {ok, L} = esock_server:listen(What, Opts),
         {ok, #{family := Family}} = esock:sockname(L),
         ?assertEqual({What, Want}, {What, Family}),
         ok = esock:close(L)
     end || {What, Opts, Want} <- [{{"127.0.0.1", 0}, #{}, inet}, {{<<"127.0.0.1">>, 0}, #{}, inet}, {#{family => inet, addr => loopback}, #{}, inet},
                                   {{loopback, 0}, #{family => inet}, inet}, {{localhost, 0}, #{family => inet}, inet},
                                   {{unix, <<>>}, #{}, local}, {#{family => local, path => <<>>}, #{}, local}] ++
                                  [{{"::1", 0}, #{}, inet6} || six()]],
    %% A resolver of one's own.
    Self = self(),
    {ok, L} = esock_server:listen({"some.where", 0}, #{resolver => fun(Name, Family) -> Self ! {Name, Family}, case Family of inet -> {ok, [{127, 0, 0, 9}]}; _ -> {error, nxdomain} end end}),
    ?assertMatch({ok, #{addr := {127, 0, 0, 9}}}, esock:sockname(L)),
    [receive {"some.where", F} -> ok after 0 -> ct:fail(F) end || F <- [inet6, inet]],
    ok = esock:close(L).

failures(_) ->
    Before = have(),
    {ok, L} = esock_server:listen({{127, 0, 0, 1}, 0}),
    Port = port(L),
    ?assertEqual({error, {listen_failed, #{family => inet, addr => {127, 0, 0, 1}, port => Port}, eaddrinuse}}, esock_server:listen({{127, 0, 0, 1}, Port})),
    ?assertMatch({error, {listen_failed, #{addr := {192, 0, 2, 1}}, eaddrnotavail}}, esock_server:listen({{192, 0, 2, 1}, 0})),
    ?assertMatch({error, {listen_failed, #{port := Port}, {invalid, {socket_option, {tcp, colour}}}}},
                 esock_server:listen({{127, 0, 0, 1}, Port}, #{options => [{{tcp, colour}, red}]})),
    ?assertMatch({error, {listen_failed, #{path := <<"/no/such/folder">>}, enoent}}, esock_server:listen({unix, "/no/such/folder"})),
    ?assertMatch({error, {resolve_failed, "no.such.name.invalid", _}},
                 esock_server:listen({"no.such.name.invalid", 0}, #{resolver => fun(_, _) -> {error, nxdomain} end})),
    ?assertMatch({error, {listen_failed, [{#{addr := {127, 0, 0, 1}}, eaddrinuse}]}}, esock_server:listen_all({127, 0, 0, 1}, Port)),
    ok = esock:close(L),
    nothing_left(Before).

options(_) ->
    [?assertEqual({error, {invalid, {option, colour}}}, F()) ||
        F <- [fun() -> esock_server:listen(0, #{colour => red}) end, fun() -> esock_server:listen_all(any, 0, #{colour => red}) end,
              fun() -> esock_server:listen_group(0, #{colour => red}) end, fun() -> esock_server:listen_fd(0, #{colour => red}) end,
              fun() -> esock_server:listen({unix, <<>>}, #{colour => red}) end, fun() -> esock_server:udp_sockets(0, #{colour => red}) end,
              fun() -> esock_server:accept_loop([], #{colour => red}, fun(_, _) -> ok end) end,
              fun() -> esock_server:handover("x", [], #{colour => red}) end, fun() -> esock_server:takeover("x", #{colour => red}) end]],
    [?assertEqual({error, {invalid, {option, K, V}}}, esock_server:listen(0, #{K => V})) ||
        {K, V} <- [{reuseaddr, 1}, {dualstack, sometimes}, {backlog, -1}, {family, can}, {options, [x]}, {open, []}, {resolver, fun() -> ok end}]],
    ?assertEqual({error, {invalid, {option, mode}}}, esock_server:listen(0, #{mode => 8#600})),
    ?assertEqual({error, {invalid, {options, []}}}, esock_server:listen(0, [])),
    [?assertEqual({error, {invalid, {address, A}}}, esock_server:listen(A)) || A <- [-1, 65536, {any, 65536}, foo, {}]],
    ?assertEqual({error, {invalid, {host, {1, 2}}}}, esock_server:listen({{1, 2}, 0})),
    ?assertEqual({error, {invalid, {path, 1}}}, esock_server:listen({unix, 1})).

every_address(_) ->
    Resolver = fun(_, inet) -> {ok, [{127, 0, 0, 1}, {192, 0, 2, 1}, {127, 0, 0, 2}, {127, 0, 0, 1}]}; (_, inet6) -> {error, nxdomain} end,
    {ok, Ls} = esock_server:listen_all("both", 0, #{resolver => Resolver, same_port => true}),
    Names = [Name || L <- Ls, {ok, Name} <- [esock:sockname(L)]],
    %% The one that this machine does not have is left out.
    ?assertEqual([{127, 0, 0, 1}, {127, 0, 0, 2}], lists:sort([A || #{addr := A} <- Names])),
    ?assertMatch([_], lists:usort([P || #{port := P} <- Names])),
    [begin C = tcp(A, P), ok = gen_tcp:close(C) end || #{addr := A, port := P} <- Names],
    esock_pairs:close(Ls),
    {ok, Own} = esock_server:listen_all("both", 0, #{resolver => Resolver, same_port => false}),
    ?assertMatch([_, _], Own),
    esock_pairs:close(Own).

same_port(_) ->
    {ok, Ls} = esock_server:listen_all(any, 0),
    [Port] = lists:usort([port(L) || L <- Ls]),
    ?assertEqual(case six() of true -> [inet, inet6]; false -> [inet] end, lists:sort([F || L <- Ls, {ok, #{family := F}} <- [esock:sockname(L)]])),
    C = tcp(Port),
    %% The listener of IPv6 leaves IPv4 to the other one.
    [L4] = [L || L <- Ls, {ok, #{family := inet}} <- [esock:sockname(L)]],
    {ok, S} = esock:accept(L4, 5000),
    ok = gen_tcp:close(C),
    esock_pairs:close([S | Ls]),
    %% A port that is taken in the second family starts all over.
    Self = self(),
    {ok, [A, B]} = esock_server_listen:same_port([#{n => 1}, #{n => 2}], fun(#{n := N, port := P} = Asked) ->
        Self ! {asked, N, P},
        case {N, get(taken)} of
            {2, undefined} -> put(taken, P), {error, {listen_failed, Asked, eaddrinuse}};
            _ -> esock_server:listen({{127, 0, 0, N}, P})
        end
    end),
    Asked = [receive {asked, N, P} -> {N, P} after 0 -> none end || _ <- [1, 2, 3, 4]],
    ?assertMatch([{1, 0}, {2, _}, {1, 0}, {2, _}], Asked),
    ?assertEqual(port(A), port(B)),
    erase(taken),
    esock_pairs:close([A, B]),
    ?assertEqual({error, {same_port, eaddrinuse}},
                 esock_server_listen:same_port([#{n => 1}, #{n => 2}], fun(#{n := 1}) -> esock_server:listen({{127, 0, 0, 1}, 0}); (X) -> {error, {listen_failed, X, eaddrinuse}} end)).

group(_) ->
    {ok, Ls} = esock_server:listen_group({{127, 0, 0, 1}, 0}, #{sockets => 4}),
    ?assertMatch([_, _, _, _], Ls),
    [Port] = lists:usort([port(L) || L <- Ls]),
    Clients = [tcp(Port) || _ <- lists:seq(1, 100)],
    Taken = [begin {ok, Ss} = drain_backlog(L, []), Ss end || L <- Ls],
    ?assertEqual(100, length(lists:append(Taken))),
    %% The kernel's hash uses all of them.
    ?assert(lists:all(fun(Ss) -> length(Ss) > 0 end, Taken)),
    [ok = gen_tcp:close(C) || C <- Clients],
    esock_pairs:close(Ls ++ lists:append(Taken)),
    {ok, Own} = esock_server:listen_group({{127, 0, 0, 1}, 0}, #{}),
    ?assertEqual(erlang:system_info(schedulers_online), length(Own)),
    esock_pairs:close(Own),
    ?assertMatch({error, {listen_failed, #{family := local}, eopnotsupp}}, esock_server:listen_group({unix, <<>>}, #{})),
    %% A server with one acceptor for each.
    {Server, P} = server(#{listen => {group, {{127, 0, 0, 1}, 0}}, listen_options => #{sockets => 3}}),
    ?assertEqual(3, info(Server, acceptors)),
    Cs = [tcp(P) || _ <- lists:seq(1, 30)],
    [?assertEqual({ok, <<"x">>}, asks(C, <<"x">>)) || C <- Cs],
    ?assertEqual(30, info(Server, accepted)),
    [ok = gen_tcp:close(C) || C <- Cs],
    ok = esock_server:stop(Server).

drain_backlog(L, Got) ->
    case esock:accept_many(L, 64, 0) of
        {ok, Ss} -> drain_backlog(L, Got ++ Ss);
        {error, timeout} -> {ok, Got}
    end.

steering(_) ->
    {ok, Ls} = esock_server:listen_group({{127, 0, 0, 1}, 0}, #{sockets => 2, steer => incoming_cpu}),
    ?assertEqual([{ok, <<N:32/native>>} || N <- [0, 1]], [esock:getopt_native(L, {socket, 49}, 4) || L <- Ls]),
    esock_pairs:close(Ls),
    Before = have(),
    [case {esock:is_supported(options, socket, attach_reuseport_cbpf), esock_server:listen_group({{127, 0, 0, 1}, 0}, #{sockets => 2, steer => How})} of
         {true, {ok, Group}} -> esock_pairs:close(Group);
         {false, Result} -> ?assertMatch({error, {listen_failed, #{port := _}, {steer, How, enotsup}}}, Result)
     end || How <- [cpu, hash]],
    nothing_left(Before).

given_fd(_) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    Port = port(L),
    {ok, Fd} = esock:getopt(L, {otp, fd}),
    ?assertEqual({error, {port_mismatch, Port, 1}}, esock_server:listen_fd(Fd, #{port => 1})),
    ?assertEqual({error, {family_mismatch, inet, inet6}}, esock_server:listen_fd(Fd, #{port => Port, family => inet6})),
    ?assertEqual({error, {invalid, {fd, -1}}}, esock_server:listen_fd(-1, #{})),
    %% It listens now, and is still the socket's own.
    {ok, S} = esock_server:listen_fd(Fd, #{port => Port, family => inet, own => false}),
    C = tcp(Port),
    {ok, New} = esock:accept(S, 5000),
    ok = gen_tcp:close(C),
    esock_pairs:close([New, S]),
    ?assertMatch({ok, _}, esock:sockname(L)),
    {ok, U} = esock:open(inet, dgram, udp),
    {ok, UFd} = esock:getopt(U, {otp, fd}),
    ?assertEqual({error, {type_mismatch, dgram, stream}}, esock_server:listen_fd(UFd, #{})),
    ?assertMatch({error, _}, esock_server:listen_fd(1_000_000, #{})),
    esock_pairs:close([L, U]).

%% python3 stands for systemd: it opens the listeners, and becomes the node.
systemd(Config) ->
    Script = "import os,socket,sys\n"
        "a=socket.create_server(('127.0.0.1',0)); b=socket.socket(socket.AF_UNIX); b.bind(sys.argv[1]); b.listen()\n"
        "fds=[os.dup(a.fileno()),os.dup(b.fileno())]\n"
        "x=[os.fcntl if 0 else __import__('fcntl').fcntl(f,__import__('fcntl').F_DUPFD,20) for f in fds]\n"
        "os.dup2(x[0],3); os.dup2(x[1],4)\n"
        "os.environ.update(LISTEN_FDS='2',LISTEN_PID=str(os.getpid()),LISTEN_FDNAMES='web:admin')\n"
        "os.execvp('erl',['erl']+sys.argv[2:])\n",
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        Python ->
            Path = path(Config),
            {ok, Peer, _} = peer:start_link(#{connection => standard_io, exec => {Python, ["-c", Script, Path]},
                                              args => ["-pa" | [P || P <- code:get_path(), P =/= "."]], wait_boot => 60_000}),
            Got = peer:call(Peer, ?MODULE, from_systemd, [], 30_000),
            ?assertMatch([{<<"web">>, #{family := inet, port := _}, true}, {<<"admin">>, #{family := local}, true}], Got),
            [{_, #{port := Port}, _}, _] = Got,
            C = tcp(Port),
            ?assertEqual({ok, <<"hello">>}, asks(C, <<"hello">>)),
            ok = gen_tcp:close(C),
            ok = peer:stop(Peer)
    end.

%% In the peer, in a process that stays: the listeners, whether they are close-on-exec; the variables are gone. The first one serves.
from_systemd() ->
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() ->
        {ok, [{_, Web} | _] = All} = esock_server:from_systemd(#{}),
        {ok, []} = esock_server:from_systemd(),
        false = os:getenv("LISTEN_FDS"),
        Result = [{N, element(2, esock:sockname(S)), close_on_exec(S)} || {N, S} <- All],
        {ok, _} = esock_server:start_link(#{listeners => [Web], handler => {?MODULE, echo, []}}),
        Self ! {self(), Result},
        receive stop -> ok end
    end),
    receive {Pid, Result} -> Result; {'DOWN', MRef, _, _, Why} -> Why end.

close_on_exec(S) ->
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {ok, FdInfo} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
    {match, [Flags]} = re:run(FdInfo, "flags:\t([0-7]+)", [{capture, all_but_first, list}]),
    list_to_integer(Flags, 8) band 8#2000000 =/= 0.

%%% ---- Unix listeners -------------------------------------------------------------------------------------------------

exists(Path) -> element(1, file:read_link_info(Path)) =:= ok.

%% Python binds a path and ends: its socket stays behind.
left_behind(Path) -> <<>> = python("import socket,sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()", [Path]).

%% A program that was killed leaves its socket behind.
unix_stale(Config) ->
    Path = path(Config),
    left_behind(Path),
    ?assert(exists(Path)),
    ?assertMatch({error, {listen_failed, #{}, eaddrinuse}}, esock_server:listen({unix, Path}, #{stale => false})),
    {ok, L} = esock_server:listen({unix, Path}),
    %% One that is served stays.
    ?assertEqual({error, {listen_failed, #{family => local, path => list_to_binary(Path)}, eaddrinuse}}, esock_server:listen({unix, Path})),
    ?assertEqual(<<"connected">>, python("import socket,sys; s=socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); print('connected')", [Path])),
    ok = esock_server:close(L),
    ?assertNot(exists(Path)),
    {ok, Q} = esock_server:listen({unix, Path}, #{type => seqpacket}),
    ?assertMatch({error, {listen_failed, #{}, eaddrinuse}}, esock_server:listen({unix, Path})),
    ok = esock_server:close(Q).

%% What is no socket, or another user's, is not removed.
unix_kept(Config) ->
    Path = path(Config),
    ok = file:write_file(Path, "data"),
    ?assertMatch({error, {listen_failed, #{}, eaddrinuse}}, esock_server:listen({unix, Path})),
    ?assertEqual({ok, <<"data">>}, file:read_file(Path)),
    ok = file:delete(Path),
    ok = file:make_symlink("/no/where", Path),
    ?assertMatch({error, {listen_failed, #{}, eaddrinuse}}, esock_server:listen({unix, Path})),
    ?assert(exists(Path)),
    ok = file:delete(Path),
    case esock_server_unix:user() of
        0 ->
            left_behind(Path),
            ok = file:change_owner(Path, 12345),
            ?assertMatch({error, {listen_failed, #{}, eaddrinuse}}, esock_server:listen({unix, Path})),
            ?assert(exists(Path)),
            ok = file:delete(Path);
        _ -> ok
    end.

unix_mode(Config) ->
    Path = path(Config),
    {ok, L} = esock_server:listen({unix, Path}, #{mode => 8#640}),
    {ok, #file_info{mode = Mode}} = file:read_link_info(Path),
    ?assertEqual(8#640, Mode band 8#7777),
    ok = esock_server:close(L),
    case esock_server_unix:user() of
        0 ->
            {ok, M} = esock_server:listen({unix, Path}, #{owner => {12, 34}, mode => 8#600}),
            ?assertMatch({ok, #file_info{uid = 12, gid = 34}}, file:read_link_info(Path)),
            ok = esock_server:close(M);
        _ ->
            ?assertMatch({error, {listen_failed, _, eperm}}, esock_server:listen({unix, Path}, #{owner => {0, 0}}))
    end,
    ?assertNot(exists(Path)).

unix_lock(Config) ->
    Path = path(Config),
    Lock = Path ++ ".lock",
    {ok, L} = esock_server:listen({unix, Path}, #{lock => true}),
    Pid = list_to_integer(os:getpid()),
    ?assertEqual({error, {listen_failed, #{family => local, path => list_to_binary(Path)}, {locked, Pid}}},
                 esock_server:listen({unix, Path}, #{lock => true})),
    {ok, Text} = file:read_file(Lock),
    ok = esock_server:close(L),
    ?assertEqual({false, false}, {exists(Path), exists(Lock)}),
    %% Locks of processes that have ended, the second with a number that is in use again, and what is no lock.
    [begin
         ok = file:write_file(Lock, Left),
         {ok, M} = esock_server:listen({unix, Path}, #{lock => true}),
         ?assertEqual({ok, Text}, file:read_file(Lock)),
         ok = esock_server:close(M)
     end || Left <- ["4999999 1\n", os:getpid() ++ " 1\n", "", "nonsense"]],
    %% A listen that fails leaves no lock.
    ok = file:write_file(Path, ""),
    {error, _} = esock_server:listen({unix, Path}, #{lock => true}),
    ?assertNot(exists(Lock)).

%% The file goes when the socket closes, however that happens; another one's file stays.
unix_end(Config) ->
    Before = have(),
    Path = path(Config),
    {ok, A} = esock_server:listen({unix, Path}),
    ok = esock:close(A),
    until(fun() -> not exists(Path) end),
    Self = self(),
    Owner = spawn(fun() -> Self ! esock_server:listen({unix, Path}, #{lock => true}), receive stop -> ok end end),
    receive {ok, _} -> ok end,
    exit(Owner, kill),
    until(fun() -> not exists(Path) andalso not exists(Path ++ ".lock") end),
    {ok, C} = esock_server:listen({unix, Path}),
    ok = file:delete(Path),
    left_behind(Path),
    ok = esock_server:close(C),
    ?assert(exists(Path)),
    {ok, D} = esock_server:listen({unix, Path}, #{unlink => false}),
    ok = esock_server:close(D),
    ?assert(exists(Path)),
    %% A guard that is killed leaves the file, and the next listener removes it.
    {ok, E} = esock_server:listen({unix, Path}),
    [Guard] = esock_server_guard:of_socket(E),
    exit(Guard, kill),
    ends(Guard),
    ok = esock_server:close(E),
    {ok, F} = esock_server:listen({unix, Path}),
    ok = esock_server:close(F),
    ?assertNot(exists(Path)),
    nothing_left(Before).

%% Many processes want the same path: one at a time has it, and the file is always the one of the holder.
unix_race(Config) ->
    Path = path(Config),
    Pids = [spawn_monitor(fun() -> exit({held, held(Path, 50, 0)}) end) || _ <- lists:seq(1, 8)],
    Held = [receive {'DOWN', MRef, process, _, Why} -> {held, N} = Why, N end || {_, MRef} <- Pids],
    ?assert(lists:sum(Held) > 0),
    ?assertNot(exists(Path)).

held(_, 0, Held) -> Held;
held(Path, N, Held) ->
    case esock_server:listen({unix, Path}, #{lock => N rem 2 =:= 0}) of
        {ok, L} ->
            {ok, C} = esock:open(local, stream),
            ok = esock:connect(C, #{family => local, path => Path}),
            {ok, S} = esock:accept(L, 5000),
            esock_pairs:close([C, S]),
            ok = esock_server:close(L),
            held(Path, N - 1, Held + 1);
        {error, {listen_failed, _, eaddrinuse}} -> held(Path, N - 1, Held);
        {error, {listen_failed, _, {locked, _}}} -> held(Path, N - 1, Held)
    end.

peercred(Config) ->
    Path = path(Config),
    User = esock_server_unix:user(),
    Script = "import socket,sys\ns=socket.socket(socket.AF_UNIX)\ntry:\n s.connect(sys.argv[1]); s.sendall(b'hi'); print(len(s.recv(9)))\n"
        "except OSError: print(0)",
    Self = self(),
    [begin
         {Server, none} = server(#{listen => {unix, Path}, peercred => Filter}),
         ?assertEqual(Says, python(Script, [Path])),
         ?assertEqual({Rejected, 1}, {info(Server, rejected), info(Server, accepted)}),
         ok = esock_server:stop(Server)
     end || {Filter, Says, Rejected} <- [{#{uid => [User]}, <<"2">>, 0}, {#{uid => [User + 1]}, <<"0">>, 1}, {#{uid => [], gid => []}, <<"0">>, 1},
                                         {fun(#{pid := Pid}) -> Self ! {pid, Pid}, true end, <<"2">>, 0}]],
    receive {pid, Pid} -> ?assertNotEqual(list_to_integer(os:getpid()), Pid) after 0 -> ct:fail(no_pid) end.

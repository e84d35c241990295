%% The workloads. A run takes a backend and milliseconds. It answers `#{count, time, cpu}', the times in microseconds
%% (bench_stats:timed/1), and further figures.
-module(bench_rows).

-export([all/0, echoes/3, loop_echoes/3, serve/3, idle_memory/2, idle_cpu/2]).

-import(bench_backend, [send/3, recv/2, recv/3, close/2]).

-define(TCP, [esock, esock_uring, socket, gen_tcp, gen_tcp_socket]).
-define(LOOP, [esock, esock_uring, socket, gen_tcp]).
-define(SERVED, ?LOOP ++ [gen_tcp_once]).
-define(UDP, [esock, socket, gen_udp]).

%% Name, unit, backends, and the run.
all() ->
    [{pp1, "echoes/s", ?TCP ++ [floor], fun(B, Ms) -> echo(B, 1, Ms) end},
     {pp50, "echoes/s", ?TCP ++ [floor], fun(B, Ms) -> echo(B, 50, Ms) end},
     {pp500, "echoes/s", ?TCP ++ [floor], fun(B, Ms) -> echo(B, 500, Ms) end},
     {loop1, "echoes/s", ?LOOP, fun(B, Ms) -> echo(B, 1, fun serve_loop/2, Ms) end},
     {loop50, "echoes/s", ?LOOP, fun(B, Ms) -> echo(B, 50, fun serve_loop/2, Ms) end},
     {loop500, "echoes/s", ?LOOP, fun(B, Ms) -> echo(B, 500, fun serve_loop/2, Ms) end},
     {sparse, "messages/s", ?LOOP, fun sparse/2},
     {neighbour1, "pings/s", ?TCP, fun(B, Ms) -> neighbour(B, 1, infinity, Ms) end},
     {neighbour50, "pings/s", ?TCP, fun(B, Ms) -> neighbour(B, 50, infinity, Ms) end},
     {neighbour_paced, "pings/s", ?TCP, fun(B, Ms) -> neighbour(B, 80, paced, Ms) end},
     {pp50_idle, "echoes/s", ?LOOP, fun(B, Ms) -> with_idle(B, idle_most(), fun() -> echo(B, 50, Ms) end) end},
     {bulk64k_1, "bytes/s", ?TCP ++ [floor], fun(B, Ms) -> bulk(B, 65536, 1, Ms) end},
     {bulk64k_16, "bytes/s", ?TCP ++ [floor], fun(B, Ms) -> bulk(B, 65536, 16, Ms) end},
     {bulk1m_1, "bytes/s", ?TCP ++ [floor], fun(B, Ms) -> bulk(B, 1048576, 1, Ms) end},
     {bulk1m_16, "bytes/s", ?TCP ++ [floor], fun(B, Ms) -> bulk(B, 1048576, 16, Ms) end},
     {accept1, "accepts/s", ?TCP ++ [floor], fun(B, Ms) -> accept(B, 1, Ms) end},
     {accept8, "accepts/s", ?TCP, fun(B, Ms) -> accept(B, 8, Ms) end},
     {open, "pairs/s", [esock, socket, floor], fun(B, Ms) -> open_close(B, true, Ms) end},
     {open_unlisted, "pairs/s", [esock, socket], fun(B, Ms) -> open_close(B, false, Ms) end},
     {udp1, "echoes/s", ?UDP ++ [floor], fun udp_echo/2},
     {flood, "datagrams/s", ?UDP ++ [floor], fun(B, Ms) -> flood(B, 1, Ms) end},
     {flood8, "datagrams/s", batching() ++ [gen_udp, floor], fun(B, Ms) -> flood(B, 8, Ms) end},
     {flood64, "datagrams/s", batching() ++ [gen_udp, floor], fun(B, Ms) -> flood(B, 64, Ms) end},
     {flood_gso, "datagrams/s", [esock, gen_udp, floor], fun(B, Ms) -> flood(B, gso, Ms) end}
     | [{list_to_atom("scale" ++ integer_to_list(N)), "echoes/s", ?LOOP, fun(B, Ms) -> echo(B, N, Ms) end}
        || N <- [1, 10, 100, 1000, idle_most()]]]
        ++ [Row || bench_backend:there(floor), Row <- served()].

%% The clients are in another program: the CPU time is the server's alone.
served() ->
    [{served50, "echoes/s", ?SERVED, fun(B, Ms) -> served(B, "echo_client", 50, fun serve_loop/2, Ms) end},
     {sparse2000, "messages/s", ?SERVED, fun(B, Ms) -> served_sparse(B, 2000, Ms) end},
     {sparse10000, "messages/s", ?SERVED, fun(B, Ms) -> served_sparse(B, min(10_000, files()), Ms) end}].

%% `socket' has sendmmsg since OTP 29.
batching() ->
    {module, _} = code:ensure_loaded(socket),
    [esock | [socket || erlang:function_exported(socket, sendmmsg, 4)]].

%% A connection takes two descriptors.
idle_most() -> min(10_000, files() div 2).

%% The limit of open files (RLIMIT_NOFILE), less 500 for other purposes.
files() ->
    {ok, Limits} = file:read_file("/proc/self/limits"),
    {match, [Soft]} = re:run(Limits, "Max open files +(\\d+)", [{capture, [1], list}]),
    list_to_integer(Soft) - 500.

%%% Bare threads.

bare(Arguments) ->
    Line = os:cmd(lists:flatten(lists:join(" ", [os:getenv("FLOOR") | Arguments]))),
    [Count, Cpu, Elapsed, P50, P99] = [list_to_integer(W) || W <- string:lexemes(Line, " \n")],
    Percentiles = maps:from_list([{K, Ns / 1000} || {K, Ns} <- [{p50, P50}, {p99, P99}], Ns > 0]),
    Percentiles#{count => Count, time => Elapsed, cpu => Cpu}.

text(N) -> integer_to_list(N).

%%% Echoes of 64 bytes over TCP, with a process at each end of each connection.

echo(Backend, Connections, Ms) ->
    echo(Backend, Connections, fun serve/2, Ms).

echo(floor, Connections, _, Ms) ->
    bare(["echo", text(Connections), text(Ms)]);
echo(Backend, Connections, Serve, Ms) ->
    with_echoes(Backend, Connections, Serve, fun(Clients, Latencies) ->
        Outcome = bench_stats:timed(fun() ->
            [Pid ! {go, infinity} || Pid <- Clients],
            receive after Ms -> ok end,
            [Pid ! stop || Pid <- Clients],
            lists:sum([receive {count, Pid, N} -> N end || Pid <- Clients])
        end),
        maps:merge(Outcome, bench_stats:percentiles(Latencies))
    end).

echoes(Backend, Connections, Each) -> echoes(Backend, Connections, fun serve/2, Each).

echoes(Backend, Connections, Serve, Each) ->
    with_echoes(Backend, Connections, Serve, fun(Clients, _) ->
        [Pid ! {go, Each} || Pid <- Clients],
        lists:sum([receive {count, Pid, N} -> N end || Pid <- Clients])
    end).

loop_echoes(Backend, Connections, Each) -> echoes(Backend, Connections, fun serve_loop/2, Each).

with_echoes(Backend, Connections, Serve, Work) ->
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Self = self(),
    Latencies = bench_stats:latencies(),
    Servers = [spawn_link(fun() -> Serve(Backend, bench_backend:accept(Backend, L)) end) || _ <- lists:seq(1, Connections)],
    Clients = [spawn_link(fun() -> client(Self, Backend, Port, Latencies) end) || _ <- lists:seq(1, Connections)],
    [receive {ready, Pid} -> ok end || Pid <- Clients],
    Result = Work(Clients, Latencies),
    ended(Servers ++ Clients, fun() -> [Pid ! close || Pid <- Clients] end),
    close(Backend, L),
    Result.

%% Calls `Tell', which makes processes end, and waits until they have ended. `noproc': one had ended before it handled the
%% monitor. A process that fails ends the benchmark by its link.
ended(Pids, Tell) ->
    Ends = [monitor(process, Pid) || Pid <- Pids],
    _ = Tell(),
    [receive {'DOWN', MRef, _, _, Reason} when Reason =:= normal; Reason =:= noproc -> ok end || MRef <- Ends].

serve(Backend, S) ->
    case recv(Backend, S) of
        {ok, Data} -> send(Backend, S, Data), serve(Backend, S);
        {error, closed} -> close(Backend, S)
    end.

serve_loop(Backend, S) ->
    closed = bench_backend:loop({Backend, S}, fun(Data) -> send(Backend, S, Data) end),
    close(Backend, S).

client(Parent, Backend, Port, Latencies) ->
    S = bench_backend:connect(Backend, Port),
    Parent ! {ready, self()},
    receive {go, Most} -> Parent ! {count, self(), trips(Backend, S, Latencies, Most, 0)} end,
    receive close -> close(Backend, S) end.

trips(_, _, _, Count, Count) ->
    Count;
trips(Backend, S, Latencies, Most, Count) ->
    Data = <<Count:64, 0:448>>,
    Start = erlang:monotonic_time(nanosecond),
    send(Backend, S, Data),
    {ok, Data} = recv(Backend, S, 64),
    bench_stats:add(Latencies, erlang:monotonic_time(nanosecond) - Start),
    receive stop -> Count + 1
    after pause(Most) -> trips(Backend, S, Latencies, Most, Count + 1)
    end.

%% The time between two echoes in ms: none, or 1, which makes some 500 echoes a second.
pause(paced) -> 1;
pause(_) -> 0.

%%% Idle connections.

with_idle(Backend, Connections, Work) ->
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Self = self(),
    {Servers, Clients} = lists:unzip([idle_pair(Backend, Self, L, Port) || _ <- lists:seq(1, Connections)]),
    Result = Work(),
    ended(Servers, fun() -> [close(Backend, C) || C <- Clients] end),
    close(Backend, L),
    Result.

idle_pair(Backend, Self, L, Port) ->
    Pid = spawn_link(fun() -> S = bench_backend:accept(Backend, L), Self ! accepted, serve(Backend, S) end),
    C = bench_backend:connect(Backend, Port),
    receive accepted -> ok end,
    {Pid, C}.

idle_cpu(Connections, Ms) ->
    with_idle(esock, min(Connections, idle_most()), fun() ->
        receive after 1000 -> ok end,
        {Node, Pollers} = {bench_stats:cpu(), bench_stats:pollers_cpu()},
        receive after Ms -> ok end,
        {bench_stats:cpu() - Node, bench_stats:pollers_cpu() - Pollers}
    end).

%% A Python program holds the other ends, so that the figures are of one end only.
idle_memory(Backend, Connections) ->
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Self = self(),
    Before = memory([]),
    Pids = [spawn_link(fun() -> once(Backend, L, Self) end) || _ <- lists:seq(1, Connections)],
    Script = io_lib:format("import socket,sys~ns=[socket.create_connection(('127.0.0.1',~b)) for _ in range(~b)]~n"
                           "for c in s: c.sendall(b'x'*64)~nprint('sent',flush=True)~nsys.stdin.read()", [Port, Connections]),
    Python = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", lists:flatten(Script)]}, binary, exit_status]),
    [receive {received, Pid} -> ok end || Pid <- Pids],
    %% A process that waits has begun its next recv.
    [until_waiting(Pid) || Pid <- Pids],
    [erlang:garbage_collect(Pid) || Pid <- Pids],
    After = memory(Pids),
    port_close(Python),
    [RssEach, BinaryEach, ProcessEach] = [(element(I, After) - element(I, Before)) / 1024 / Connections || I <- [1, 2, 3]],
    #{kb_each => RssEach - ProcessEach, process_kb => ProcessEach, binary_kb => BinaryEach}.

once(Backend, L, Parent) ->
    S = bench_backend:accept(Backend, L),
    {ok, _} = recv(Backend, S),
    Parent ! {received, self()},
    recv(Backend, S).

until_waiting(Pid) ->
    case process_info(Pid, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), until_waiting(Pid)
    end.

memory(Pids) ->
    {bench_stats:rss(), erlang:memory(binary), lists:sum([M || Pid <- Pids, {memory, M} <- [process_info(Pid, memory)]])}.

%%% 2,000 connections, each of which gets a message every 200 ms, while other processes keep half of each scheduler busy.
%%% Latency is the time from before the send to after the receive.

sparse(Backend, Ms) ->
    Connections = 2000,
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Latencies = bench_stats:latencies(),
    Self = self(),
    {Servers, Clients} =
        lists:unzip([begin
                         Pid = spawn_link(fun() -> S = bench_backend:accept(Backend, L), Self ! accepted, hear(Backend, S, Latencies) end),
                         C = bench_backend:connect(Backend, Port),
                         receive accepted -> ok end,
                         {Pid, C}
                     end || _ <- lists:seq(1, Connections)]),
    Busy = [spawn_link(fun() -> busy(0) end) || _ <- lists:seq(1, erlang:system_info(schedulers_online))],
    #{cpu := Cpu, count := Count} = Outcome =
        bench_stats:timed(fun() -> tick(Backend, list_to_tuple(Clients), 0, erlang:monotonic_time(millisecond) + Ms, 0) end),
    %% The CPU time of the busy processes is subtracted.
    Work = lists:sum([begin unlink(Pid), Pid ! {stop, self()}, receive {busy, Pid, Us} -> Us end end || Pid <- Busy]),
    ended(Servers, fun() -> [close(Backend, C) || C <- Clients] end),
    close(Backend, L),
    maps:merge(Outcome#{cpu := max(0, Cpu - Work), count := Count}, bench_stats:percentiles(Latencies)).

hear(Backend, S, Latencies) ->
    case recv(Backend, S) of
        {ok, <<Sent:64/signed, _/binary>>} ->
            bench_stats:add(Latencies, erlang:monotonic_time(nanosecond) - Sent),
            hear(Backend, S, Latencies);
        {error, closed} ->
            close(Backend, S)
    end.

%% Sends to the next 20 connections, then pauses for 1 ms (of a timer, so up to 2).
tick(Backend, Clients, At, Until, Count) ->
    [send(Backend, element((At + I) rem tuple_size(Clients) + 1, Clients), <<(erlang:monotonic_time(nanosecond)):64/signed, 0:448>>)
     || I <- lists:seq(1, 20)],
    receive after 1 -> ok end,
    case erlang:monotonic_time(millisecond) < Until of
        true -> tick(Backend, Clients, At + 20, Until, Count + 20);
        false -> Count + 20
    end.

%% Alternates work with pauses of 1 ms. The answer is the CPU time of the work in microseconds: units of work times the time of a
%% unit without competition.
busy(Units) ->
    receive {stop, From} -> From ! {busy, self(), round(Units * unit_us())}
    after 1 -> _ = spin(100_000), busy(Units + 1)
    end.

spin(0) -> 0;
spin(N) -> spin(N - 1).

unit_us() ->
    {Us, _} = timer:tc(fun() -> [spin(100_000) || _ <- lists:seq(1, 20)] end),
    Us / 20.

%%% Connections from clients in another program (bench/src/floor/client.rs), served by processes that wait for messages.

served(Backend, Client, Connections, Serve, Ms) ->
    serve(Backend, Connections, Serve, fun(Port, Pids) ->
        Program = open_port({spawn_executable, os:getenv("FLOOR")},
                            [{args, [Client, text(Port), text(Connections), text(Ms)]}, {line, 200}, exit_status]),
        receive {Program, {data, {eol, "ready"}}} -> ok end,
        [until_waiting(Pid) || Pid <- Pids],
        Outcome = bench_stats:timed(fun() ->
            true = port_command(Program, "go\n"),
            receive {Program, {data, {eol, Figures}}} -> list_to_integer(hd(string:lexemes(Figures, " "))) end
        end),
        %% The program closes its connections by ending.
        receive {Program, {exit_status, 0}} -> Outcome end
    end).

serve(Backend, Connections, Begin) ->
    serve(Backend, Connections, fun serve_loop/2, fun(Port, _) -> Begin(Port) end).

serve(Backend, Connections, Serve, Clients) ->
    L = bench_backend:listen(Backend),
    {Pids, Ends} = lists:unzip([spawn_monitor(fun() -> Serve(Backend, bench_backend:accept(Backend, L)) end)
                                || _ <- lists:seq(1, Connections)]),
    Result = Clients(bench_backend:port(Backend, L), Pids),
    [receive {'DOWN', MRef, _, _, normal} -> ok end || MRef <- Ends],
    close(Backend, L),
    Result.

%% 10,000 messages a second over all connections in turn. Latency is the time from before the send to after the receive, by
%% os:perf_counter/1, a clock that the other program reads too.
served_sparse(Backend, Connections, Ms) ->
    1_000_000_000 = erlang:convert_time_unit(1, second, perf_counter),
    Latencies = bench_stats:latencies(),
    Serve = fun(B, S) ->
        closed = bench_backend:loop({B, S}, fun(<<Sent:64, _/binary>>) ->
            bench_stats:add(Latencies, os:perf_counter(nanosecond) - Sent)
        end),
        close(B, S)
    end,
    maps:merge(served(Backend, "tell_client", Connections, Serve, Ms), bench_stats:percentiles(Latencies)).

%%% The latency of messages between two processes without sockets, which send one every millisecond, beside echoes. The echoes are
%%% as many as the backend can do, so not equally many for each, or (paced) equally many.

neighbour(Backend, Connections, How, Ms) ->
    Latencies = bench_stats:latencies(),
    Self = self(),
    Peer = spawn_link(fun pong/0),
    Pinger = spawn_link(fun() -> receive go -> Self ! {pings, ping(Peer, Latencies, 0)} end end),
    Outcome = with_echoes(Backend, Connections, fun serve/2, fun(Clients, _) ->
        bench_stats:timed(fun() ->
            [Pid ! {go, How} || Pid <- Clients],
            Pinger ! go,
            receive after Ms -> ok end,
            [Pid ! stop || Pid <- [Pinger | Clients]],
            [receive {count, Pid, _} -> ok end || Pid <- Clients],
            receive {pings, Count} -> Count end
        end)
    end),
    Peer ! stop,
    maps:merge(Outcome, bench_stats:percentiles(Latencies)).

ping(Peer, Latencies, Count) ->
    receive stop -> Count
    after 1 ->
            Start = erlang:monotonic_time(nanosecond),
            Peer ! {ping, self()},
            receive pong -> ok end,
            bench_stats:add(Latencies, erlang:monotonic_time(nanosecond) - Start),
            ping(Peer, Latencies, Count + 1)
    end.

pong() ->
    receive
        {ping, Pid} -> Pid ! pong, pong();
        stop -> ok
    end.

%%% Streams. The receiver counts all bytes. A CRC is checked before the measured run, because it would be most of the work.

bulk(floor, Size, Streams, Ms) ->
    bare(["bulk", text(Size), text(Streams), text(Ms)]);
bulk(Backend, Size, Streams, Ms) ->
    Data = rand:bytes(Size),
    true = checked(Backend, Data),
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Receivers = [spawn_link(fun() -> S = bench_backend:accept(Backend, L), counted(Backend, S, 0) end) || _ <- lists:seq(1, Streams)],
    Senders = [bench_backend:connect(Backend, Port) || _ <- lists:seq(1, Streams)],
    Self = self(),
    Outcome = bench_stats:timed(fun() ->
        Until = erlang:monotonic_time(millisecond) + Ms,
        Pids = [spawn_link(fun() -> Self ! {sent, self(), pour(Backend, S, Data, Until, 0)} end) || S <- Senders],
        Sent = lists:sum([receive {sent, Pid, N} -> N end || Pid <- Pids]),
        [close(Backend, S) || S <- Senders],
        [Pid ! {tell, Self} || Pid <- Receivers],
        Sent = lists:sum([receive {got, Pid, N} -> N end || Pid <- Receivers])
    end),
    close(Backend, L),
    Outcome.

pour(Backend, S, Data, Until, Sent) ->
    send(Backend, S, Data),
    case erlang:monotonic_time(millisecond) < Until of
        true -> pour(Backend, S, Data, Until, Sent + byte_size(Data));
        false -> Sent + byte_size(Data)
    end.

counted(Backend, S, Got) ->
    case recv(Backend, S) of
        {ok, Data} -> counted(Backend, S, Got + byte_size(Data));
        {error, closed} -> close(Backend, S), receive {tell, Pid} -> Pid ! {got, self(), Got} end
    end.

checked(Backend, Data) ->
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Self = self(),
    spawn_link(fun() -> S = bench_backend:accept(Backend, L), Self ! {crc, crc(Backend, S, erlang:crc32(<<>>))} end),
    C = bench_backend:connect(Backend, Port),
    [send(Backend, C, Data) || _ <- [1, 2, 3]],
    close(Backend, C),
    receive {crc, Crc} -> close(Backend, L), Crc =:= erlang:crc32([Data, Data, Data]) end.

crc(Backend, S, Crc) ->
    case recv(Backend, S) of
        {ok, Data} -> crc(Backend, S, erlang:crc32(Crc, Data));
        {error, closed} -> close(Backend, S), Crc
    end.

%%% Four clients connect, and the server resets their connections.

accept(floor, 1, Ms) ->
    bare(["accept", "4", text(Ms)]);
accept(Backend, Acceptors, Ms) ->
    L = bench_backend:listen(Backend),
    bench_backend:reset_on_close(Backend, L),
    Port = bench_backend:port(Backend, L),
    Count = counters:new(1, [write_concurrency]),
    Clients = [spawn_link(fun() -> reconnect(Backend, Port) end) || _ <- lists:seq(1, 4)],
    Servers = [spawn_link(fun() -> close_on(Backend, L, Count) end) || _ <- lists:seq(1, Acceptors)],
    Outcome = bench_stats:timed(fun() ->
        Before = counters:get(Count, 1),
        receive after Ms -> ok end,
        counters:get(Count, 1) - Before
    end),
    [begin unlink(Pid), MRef = monitor(process, Pid), exit(Pid, kill), receive {'DOWN', MRef, _, _, _} -> ok end end
     || Pid <- Clients ++ Servers],
    close(Backend, L),
    Outcome.

reconnect(Backend, Port) ->
    bench_backend:connect_to_be_closed(Backend, Port),
    reconnect(Backend, Port).

close_on(Backend, L, Count) ->
    {ok, S} = case Backend of
                  Ours when Ours =:= esock; Ours =:= esock_uring -> esock:accept(L);
                  socket -> socket:accept(L);
                  _ -> gen_tcp:accept(L)
              end,
    close(Backend, S),
    counters:add(Count, 1, 1),
    close_on(Backend, L, Count).

open_close(floor, _, Ms) ->
    bare(["openclose", text(Ms)]);
open_close(Mod, Listed, Ms) ->
    Options = #{use_registry => Listed},
    bench_stats:timed(fun() -> open_close(Mod, Options, erlang:monotonic_time(millisecond) + Ms, 0) end).

open_close(Mod, Options, Until, Count) ->
    [begin {ok, S} = Mod:open(inet, dgram, udp, Options), ok = Mod:close(S) end || _ <- lists:seq(1, 100)],
    case erlang:monotonic_time(millisecond) < Until of
        true -> open_close(Mod, Options, Until, Count + 100);
        false -> Count + 100
    end.

%%% UDP.

udp_echo(floor, Ms) ->
    bare(["udp1", text(Ms)]);
udp_echo(Backend, Ms) ->
    {S, Addr} = bench_backend:udp(Backend),
    {C, _} = bench_backend:udp(Backend),
    Latencies = bench_stats:latencies(),
    Server = spawn(fun() -> udp_serve(Backend, S) end),
    Outcome = bench_stats:timed(fun() -> udp_trips(Backend, C, Addr, Latencies, erlang:monotonic_time(millisecond) + Ms, 0) end),
    MRef = monitor(process, Server),
    exit(Server, kill),
    receive {'DOWN', MRef, _, _, _} -> ok end,
    [close(Backend, X) || X <- [S, C]],
    maps:merge(Outcome, bench_stats:percentiles(Latencies)).

udp_serve(Backend, S) ->
    {Data, From} = bench_backend:recvfrom(Backend, S),
    bench_backend:sendto(Backend, S, From, Data),
    udp_serve(Backend, S).

udp_trips(Backend, C, Addr, Latencies, Until, Count) ->
    Data = <<Count:64, 0:448>>,
    Start = erlang:monotonic_time(nanosecond),
    bench_backend:sendto(Backend, C, Addr, Data),
    {Data, _} = bench_backend:recvfrom(Backend, C),
    Now = erlang:monotonic_time(nanosecond),
    bench_stats:add(Latencies, Now - Start),
    case Count band 63 =:= 0 andalso Now div 1_000_000 >= Until of
        false -> udp_trips(Backend, C, Addr, Latencies, Until, Count + 1);
        true -> Count + 1
    end.

%% Datagrams of 1200 bytes one way, counted by the receiver. The receiver reports its progress, and no more than a window is in
%% flight, so that none is dropped.
-define(DATAGRAM, 1200).
-define(WINDOW, 1024).

flood(floor, Batch, Ms) ->
    bare(["flood", text(?DATAGRAM), text(case Batch of gso -> 0; _ -> Batch end), text(Ms)]);
flood(Backend, Batch, Ms) ->
    {S, Addr} = bench_backend:udp(Backend),
    {C, _} = bench_backend:udp(Backend),
    Batch =:= gso andalso Backend =:= esock andalso (ok = esock:setopt(S, {udp, gro}, true)),
    Got = counters:new(1, []),
    Self = self(),
    Data = rand:bytes(?DATAGRAM),
    %% gen_udp has no batches: it sends and receives datagrams one by one.
    How = case Backend of gen_udp -> 1; _ -> Batch end,
    Receiver = spawn(fun() -> drain(Backend, How, S, Data, Got, Self, 0) end),
    Outcome = bench_stats:timed(fun() ->
        Sent = flood(Backend, How, C, Addr, Data, Got, erlang:monotonic_time(millisecond) + Ms, 0),
        arrived(Got, Sent),
        Sent
    end),
    exit(Receiver, kill),
    [close(Backend, X) || X <- [S, C]],
    flush(),
    Outcome.

flood(Backend, How, C, Addr, Data, Got, Until, Sent) ->
    case erlang:monotonic_time(millisecond) >= Until of
        true -> Sent;
        false ->
            Now = burst(Backend, How, C, Addr, Data, 64, Sent),
            room(Got, Now),
            flood(Backend, How, C, Addr, Data, Got, Until, Now)
    end.

%% Sends at least `Left' datagrams.
burst(_, _, _, _, _, Left, Sent) when Left =< 0 ->
    Sent;
burst(Backend, 1, C, Addr, Data, Left, Sent) ->
    bench_backend:sendto(Backend, C, Addr, Data),
    burst(Backend, 1, C, Addr, Data, Left - 1, Sent + 1);
burst(esock, gso, C, Addr, Data, Left, Sent) ->
    ok = esock:sendmsg(C, #{addr => Addr, iov => lists:duplicate(32, Data), gso => ?DATAGRAM}),
    burst(esock, gso, C, Addr, Data, Left - 32, Sent + 32);
burst(Mod, Batch, C, Addr, Data, Left, Sent) ->
    ok = Mod:sendmmsg(C, lists:duplicate(Batch, #{addr => Addr, iov => [Data]}), [], infinity),
    burst(Mod, Batch, C, Addr, Data, Left - Batch, Sent + Batch).

%% Waits until the window has room for the next burst.
room(Got, Sent) ->
    case Sent - counters:get(Got, 1) > ?WINDOW - 64 of
        true -> receive got -> room(Got, Sent) end;
        false -> ok
    end.

arrived(Got, Sent) ->
    case counters:get(Got, 1) of
        Sent -> ok;
        _ -> receive got -> arrived(Got, Sent) end
    end.

drain(Backend, How, S, Data, Got, Sender, Unreported) ->
    New = case How of
              1 -> {Data, _} = bench_backend:recvfrom(Backend, S), 1;
              gso -> {ok, #{iov := [All]}} = esock:recvmsg(S), byte_size(All) div ?DATAGRAM;
              _ -> {ok, Msgs} = Backend:recvmmsg(S, How, ?DATAGRAM, 0, [], infinity), whole(Msgs, Data)
          end,
    counters:add(Got, 1, New),
    %% A message for every 64 datagrams. The count of datagrams sent is a multiple of 64, so the last ones are reported too.
    Unreported + New < 64 orelse (Sender ! got),
    drain(Backend, How, S, Data, Got, Sender, (Unreported + New) rem 64).

whole(Msgs, Data) ->
    [Data = One || #{iov := [One]} <- Msgs],
    length(Msgs).

flush() ->
    receive got -> flush() after 0 -> ok end.

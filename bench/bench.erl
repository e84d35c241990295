%% `make bench`: esock against OTP's `socket` and the inet driver (`gen_tcp`), in one VM, interleaved round by round.
%%
%% A row is one workload. Every round runs each backend once, in turning order; what is shown is the median of the
%% rounds, and the spread. CPU is user and system time of the whole process, from /proc/self/stat, per operation.
%% ROWS=echo50,accept and ROUNDS=5 narrow it; MS=1000 is the length of a run.
-module(bench).

-export([main/0, echoes/3, idle/1]).

main() ->
    %% A failure ends the node.
    {Pid, MRef} = spawn_monitor(fun table/0),
    receive {'DOWN', MRef, process, Pid, normal} -> halt(0);
            {'DOWN', MRef, process, Pid, _} -> halt(1)
    end.

table() ->
    Rounds = list_to_integer(os:getenv("ROUNDS", "5")),
    Ms = list_to_integer(os:getenv("MS", "1000")),
    Rows = [Row || Row <- rows(), wanted(element(1, Row))],
    io:format("OTP ~s, ~b schedulers, ~b rounds of ~b ms, medians (least - most)~n~n",
              [erlang:system_info(otp_release), erlang:system_info(schedulers_online), Rounds, Ms]),
    io:format("~-8s ~-8s ~22s ~14s ~10s ~10s~n", ["row", "on", "operations/s", "CPU us/op", "x socket", "x gen_tcp"]),
    [row(Name, Run, Rounds, Ms) || {Name, Run} <- Rows],
    ok.

rows() ->
    [{"echo1", fun(B, Ms) -> echo(B, 1, Ms) end},
     {"echo50", fun(B, Ms) -> echo(B, 50, Ms) end},
     {"echo500", fun(B, Ms) -> echo(B, 500, Ms) end},
     {"accept", fun accept/2}].

wanted(Name) ->
    case os:getenv("ROWS", "") of
        "" -> true;
        Rows -> lists:member(Name, string:tokens(Rows, ","))
    end.

row(Name, Run, Rounds, Ms) ->
    Backends = bench_backend:all(),
    [Run(B, 200) || B <- Backends],
    Results = [{B, measured(Run, B, Ms)} || Round <- lists:seq(1, Rounds), B <- turned(Backends, Round)],
    Of = fun(B) -> [Result || {Backend, Result} <- Results, Backend =:= B] end,
    Rate = fun(B) -> median([Rate || {Rate, _} <- Of(B)]) end,
    [begin
         Rates = [R || {R, _} <- Of(B)],
         io:format("~-8s ~-8s ~8b (~6b-~6b) ~14.1f ~10.2f ~10.2f~n",
                   [Name, B, round(Rate(B)), round(lists:min(Rates)), round(lists:max(Rates)),
                    median([Cpu || {_, Cpu} <- Of(B)]), Rate(B) / Rate(socket), Rate(B) / Rate(gen_tcp)])
     end || B <- Backends],
    io:nl().

turned(List, N) ->
    {Front, Back} = lists:split(N rem length(List), List),
    Back ++ Front.

measured(Run, Backend, Ms) ->
    Cpu = cpu(),
    Start = erlang:monotonic_time(microsecond),
    Count = Run(Backend, Ms),
    Time = erlang:monotonic_time(microsecond) - Start,
    {Count * 1.0e6 / Time, (cpu() - Cpu) / max(1, Count)}.

%% Microseconds of user and system time of this process.
cpu() ->
    {ok, Stat} = file:read_file("/proc/self/stat"),
    [_, Rest] = binary:split(Stat, <<") ">>),
    Fields = binary:split(Rest, <<" ">>, [global]),
    Ticks = binary_to_integer(lists:nth(12, Fields)) + binary_to_integer(lists:nth(13, Fields)),
    Ticks * 10_000.

median(Values) ->
    lists:nth((length(Values) + 1) div 2, lists:sort(Values)).

%% Round trips of 64 bytes over so many connections, each with a process at both ends.
echo(Backend, Connections, Ms) ->
    with_echoes(Backend, Connections, fun(Clients) ->
        [Pid ! {go, self()} || Pid <- Clients],
        receive after Ms -> ok end,
        [Pid ! stop || Pid <- Clients],
        lists:sum([receive {count, Pid, N} -> N end || Pid <- Clients])
    end).

%% So many echoes on each of so many connections, for a look at the system calls.
echoes(Backend, Connections, Each) ->
    with_echoes(Backend, Connections, fun(Clients) ->
        [Pid ! {go, self(), Each} || Pid <- Clients],
        lists:sum([receive {count, Pid, N} -> N end || Pid <- Clients])
    end).

%% What the whole node and our poller use in so many milliseconds in which 1,000 connections are idle.
idle(Ms) ->
    with_echoes(esock, 1000, fun(_) ->
        receive after 1000 -> ok end,
        Before = {cpu(), poller_cpu()},
        receive after Ms -> ok end,
        {Node, Poller} = Before,
        io:format("1,000 idle connections, ~b ms: the node used ~b ms of CPU, the poller ~b us~n",
                  [Ms, (cpu() - Node) div 1000, poller_cpu() - Poller])
    end).

%% Microseconds on a core of our poller thread(s).
poller_cpu() ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    lists:sum([run_time("/proc/self/task/" ++ Thread) || Thread <- Threads, named(Thread)]).

named(Thread) ->
    {ok, Name} = file:read_file("/proc/self/task/" ++ Thread ++ "/comm"),
    string:prefix(Name, "esock") =/= nomatch.

run_time(Task) ->
    {ok, Stat} = file:read_file(Task ++ "/schedstat"),
    [Ns | _] = binary:split(Stat, <<" ">>),
    binary_to_integer(Ns) div 1000.

with_echoes(Backend, Connections, Work) ->
    L = bench_backend:listen(Backend),
    Port = bench_backend:port(Backend, L),
    Self = self(),
    Servers = [spawn_link(fun() -> server(Backend, L) end) || _ <- lists:seq(1, Connections)],
    Clients = [spawn_link(fun() -> client(Self, Backend, Port) end) || _ <- lists:seq(1, Connections)],
    [receive {ready, Pid} -> ok end || Pid <- Clients],
    Result = Work(Clients),
    Ends = [monitor(process, Pid) || Pid <- Servers ++ Clients],
    [Pid ! close || Pid <- Clients],
    [receive {'DOWN', MRef, _, _, normal} -> ok end || MRef <- Ends],
    bench_backend:close(Backend, L),
    Result.

server(Backend, L) ->
    S = bench_backend:accept(Backend, L),
    own(Backend, S),
    serve(Backend, S).

own(gen_tcp, S) -> ok = inet:setopts(S, [{nodelay, true}]);
own(Backend, S) -> ok = Backend:setopt(S, {tcp, nodelay}, true).

serve(Backend, S) ->
    case bench_backend:recv(Backend, S, 0) of
        {ok, Data} -> bench_backend:send(Backend, S, Data), serve(Backend, S);
        {error, closed} -> bench_backend:close(Backend, S)
    end.

client(Parent, Backend, Port) ->
    S = bench_backend:connect(Backend, Port),
    Parent ! {ready, self()},
    receive
        {go, Parent} -> Parent ! {count, self(), trips(Backend, S, infinity, 0)};
        {go, Parent, Each} -> Parent ! {count, self(), trips(Backend, S, Each, 0)}
    end,
    receive close -> bench_backend:close(Backend, S) end.

trips(_, _, Count, Count) ->
    Count;
trips(Backend, S, Most, Count) ->
    Data = <<Count:64, 0:448>>,
    bench_backend:send(Backend, S, Data),
    {ok, Data} = bench_backend:recv(Backend, S, 64),
    receive stop -> Count + 1
    after 0 -> trips(Backend, S, Most, Count + 1)
    end.

%% Four clients connect and are closed on by one acceptor.
accept(Backend, Ms) ->
    L = bench_backend:listen(Backend),
    bench_backend:reset_on_close(Backend, L),
    Port = bench_backend:port(Backend, L),
    Clients = [spawn_link(fun() -> reconnect(Backend, Port) end) || _ <- lists:seq(1, 4)],
    Until = erlang:monotonic_time(millisecond) + Ms,
    Count = accepted(Backend, L, Until, 0),
    [begin unlink(Pid), exit(Pid, kill) end || Pid <- Clients],
    bench_backend:close(Backend, L),
    Count.

reconnect(Backend, Port) ->
    bench_backend:connect_to_be_closed(Backend, Port),
    reconnect(Backend, Port).

accepted(Backend, L, Until, Count) ->
    bench_backend:close(Backend, bench_backend:accept(Backend, L)),
    case erlang:monotonic_time(millisecond) >= Until of
        true -> Count + 1;
        false -> accepted(Backend, L, Until, Count + 1)
    end.

%% CPU time, memory, and latencies.
-module(bench_stats).

-export([timed/1, cpu/0, pollers_cpu/0, rss/0]).
-export([latencies/0, add/2, percentiles/1]).

%% Runs `Work', which answers a count or a map with one, and adds its time and CPU time in microseconds.
timed(Work) ->
    Cpu = cpu(),
    Start = erlang:monotonic_time(microsecond),
    Outcome = case Work() of Count when is_number(Count) -> #{count => Count}; Map -> Map end,
    Outcome#{time => erlang:monotonic_time(microsecond) - Start, cpu => cpu() - Cpu}.

%% CPU time of all threads in microseconds. No thread ends during a measurement. Clock ticks of 10 ms would be too coarse.
cpu() -> cpu(fun(_) -> true end).

%% CPU time of the threads whose names begin with `esock', among them the poller threads.
pollers_cpu() -> cpu(fun is_esock/1).

cpu(Which) ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    lists:sum([run_time("/proc/self/task/" ++ Thread) || Thread <- Threads, Which(Thread)]) div 1000.

is_esock(Thread) ->
    {ok, Name} = file:read_file("/proc/self/task/" ++ Thread ++ "/comm"),
    string:prefix(Name, "esock") =/= nomatch.

run_time(Task) ->
    {ok, Stat} = file:read_file(Task ++ "/schedstat"),
    [Ns | _] = binary:split(Stat, <<" ">>),
    binary_to_integer(Ns).

%% The resident set in bytes.
rss() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    binary_to_integer(lists:nth(2, binary:split(Statm, <<" ">>, [global]))) * 4096.

%% A histogram of latencies in nanoseconds: up to 1 ms in steps of 250 ns, above that up to 1 s in steps of 100 us.
-define(FINE, 4000).
-define(COARSE, 10_000).

latencies() -> counters:new(?FINE + ?COARSE, [write_concurrency]).

add(Latencies, Ns) when Ns < 1_000_000 -> counters:add(Latencies, max(0, Ns) div 250 + 1, 1);
add(Latencies, Ns) -> counters:add(Latencies, ?FINE + 1 + min(?COARSE - 1, Ns div 100_000), 1).

percentiles(Latencies) ->
    Counts = [{us(I), counters:get(Latencies, I)} || I <- lists:seq(1, ?FINE + ?COARSE)],
    Total = lists:sum([N || {_, N} <- Counts]),
    #{p50 => percentile(Counts, Total * 0.50), p99 => percentile(Counts, Total * 0.99)}.

us(I) when I =< ?FINE -> I * 0.25;
us(I) -> (I - ?FINE) * 100.0.

percentile([{Us, N} | _], Left) when N >= Left -> Us;
percentile([{_, N} | Rest], Left) -> percentile(Rest, Left - N);
percentile([], _) -> 0.0.

%% CPU time, memory, and latencies.
-module(bench_stats).

-export([timed/1, cpu/0, pollers_cpu/0, rss/0]).
-export([latencies/0, add/2, percentiles/1]).

%% Runs something that answers a count, or a map with one: how long it took, and how much CPU, in microseconds.
timed(Work) ->
    Cpu = cpu(),
    Start = erlang:monotonic_time(microsecond),
    Outcome = case Work() of Count when is_number(Count) -> #{count => Count}; Map -> Map end,
    Outcome#{time => erlang:monotonic_time(microsecond) - Start, cpu => cpu() - Cpu}.

%% Microseconds on a core of all threads; none ends while it is measured. Ticks of the clock, 10 ms, would be too coarse.
cpu() -> cpu(fun(_) -> true end).

%% Of our poller threads.
pollers_cpu() -> cpu(fun named/1).

cpu(Which) ->
    {ok, Threads} = file:list_dir("/proc/self/task"),
    lists:sum([run_time("/proc/self/task/" ++ Thread) || Thread <- Threads, Which(Thread)]) div 1000.

named(Thread) ->
    {ok, Name} = file:read_file("/proc/self/task/" ++ Thread ++ "/comm"),
    string:prefix(Name, "esock") =/= nomatch.

run_time(Task) ->
    {ok, Stat} = file:read_file(Task ++ "/schedstat"),
    [Ns | _] = binary:split(Stat, <<" ">>),
    binary_to_integer(Ns).

%% Bytes of the resident set.
rss() ->
    {ok, Statm} = file:read_file("/proc/self/statm"),
    binary_to_integer(lists:nth(2, binary:split(Statm, <<" ">>, [global]))) * 4096.

%% Latencies in nanoseconds: up to 1 ms in steps of 250 ns, from there up to 1 s in steps of 100 us.
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

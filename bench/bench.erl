%% `make bench`: esock against OTP's `socket', gen_tcp and gen_udp, gen_tcp on `socket', and bare threads, in turns.
%%
%% A row is one workload (bench_rows). Each round runs every backend once, in rotated order. The table shows the median of the
%% rounds, the least and the most. CPU time is user and system time of the operating-system process, per operation. The floor
%% is a program in Rust (bench/src/floor) that does the same work without a VM.
%%
%% Environment: ROWS=pp50,accept1 and BACKENDS=esock,socket select (default: all); ROUNDS (default 5); MS, the milliseconds of a
%% run (default 1000); JSON=file, to which the figures are written.
-module(bench).

-export([main/0, echoes/3, loop_echoes/3, serve/3, idle_memory/1, idle_cpu/1]).

main() ->
    %% A failure of the table ends the node with status 1.
    {Pid, MRef} = spawn_monitor(fun table/0),
    receive {'DOWN', MRef, process, Pid, normal} -> halt(0);
            {'DOWN', MRef, process, Pid, Reason} -> io:format("~p~n", [Reason]), halt(1)
    end.

table() ->
    Rounds = number("ROUNDS", 5),
    Ms = number("MS", 1000),
    Rows = [Row || {Name, _, _, _} = Row <- bench_rows:all(), wanted("ROWS", Name)],
    io:format("OTP ~s, ~b schedulers, ~b rounds of ~b ms, medians (least - most)~n",
              [erlang:system_info(otp_release), erlang:system_info(schedulers_online), Rounds, Ms]),
    Results = lists:append([row(Row, Rounds, Ms) || Row <- Rows]),
    os:getenv("JSON", "") =:= "" orelse ok =:= file:write_file(os:getenv("JSON"), json(Results, Rounds, Ms)) orelse exit(json),
    ok.

number(Variable, Default) -> list_to_integer(os:getenv(Variable, integer_to_list(Default))).

wanted(Variable, Name) ->
    case os:getenv(Variable, "") of
        "" -> true;
        Names -> lists:member(atom_to_list(Name), string:lexemes(Names, ","))
    end.

row({Name, Unit, Peers, Run}, Rounds, Ms) ->
    Backends = [B || B <- Peers, wanted("BACKENDS", B), bench_backend:there(B)],
    %% A first run of each backend is not counted: it loads code and grows buffers.
    [Run(B, min(Ms, 300)) || B <- Backends],
    Outcomes = [{B, progress(Name, B, Round, fun() -> measured(Run, B, Ms) end)} ||
                   Round <- lists:seq(1, Rounds), B <- turned(Backends, Round)],
    io:format(standard_error, "\r~60s\r", [""]),
    Lines = [line(Name, Unit, B, [O || {Backend, O} <- Outcomes, Backend =:= B]) || B <- Backends],
    io:format("~n~-16s ~-15s ~12s ~23s ~8s ~8s ~8s ~8s ~8s~n",
              [Name, "on", Unit, "(least - most)", "CPU us", "p50 us", "p99 us", "KB each", "esock x"]),
    [show(Line, Lines) || Line <- Lines],
    Lines.

progress(Name, Backend, Round, Work) ->
    io:format(standard_error, "\r~-16s ~-15s round ~b  ", [Name, Backend, Round]),
    Work().

turned(List, N) ->
    {Front, Back} = lists:split(N rem length(List), List),
    Back ++ Front.

%% A run answers the count of operations, their time and CPU time, and further figures; the floor measures itself.
measured(Run, Backend, Ms) ->
    erlang:garbage_collect(),
    case Run(Backend, Ms) of
        #{rate := _} = Outcome -> Outcome;
        #{count := Count, time := Time, cpu := Cpu} = Outcome ->
            Outcome#{rate => Count * 1.0e6 / max(1, Time), cpu_us => Cpu / max(1, Count)}
    end.

line(Name, Unit, Backend, Outcomes) ->
    Of = fun(Key) -> [V || #{Key := V} <- Outcomes] end,
    Rates = Of(rate),
    #{row => Name, unit => Unit, backend => Backend, rate => median(Rates), low => lists:min(Rates), high => lists:max(Rates),
      cpu_us => median(Of(cpu_us)), p50_us => median(Of(p50)), p99_us => median(Of(p99)), kb_each => median(Of(kb_each))}.

median([]) -> null;
median(Values) -> lists:nth((length(Values) + 1) div 2, lists:sort(Values)).

show(#{backend := B, rate := Rate, low := Low, high := High, cpu_us := Cpu} = Line, Lines) ->
    Esock = [R || #{backend := esock, rate := R} <- Lines],
    Ratio = case Esock of [R] when Rate > 0 -> R / Rate; _ -> null end,
    io:format("~-16s ~-15s ~12s ~23s ~8s ~8s ~8s ~8s ~8s~n",
              ["", B, figure(Rate), ["(", figure(Low), " - ", figure(High), ")"], figure(Cpu)] ++
                  [figure(maps:get(Key, Line)) || Key <- [p50_us, p99_us, kb_each]] ++ [figure(Ratio)]).

figure(null) -> "";
figure(F) when F >= 1000 -> io_lib:format("~b", [round(F)]);
figure(F) when F >= 10 -> io_lib:format("~.1f", [float(F)]);
figure(F) -> io_lib:format("~.2f", [float(F)]).

json(Results, Rounds, Ms) ->
    Text = fun(S) -> ["\"", string:replace(string:trim(S), "\"", "'", all), "\""] end,
    Rows = [["{", lists:join(",", [["\"", atom_to_list(K), "\":", value(V)] || {K, V} <- lists:sort(maps:to_list(R))]), "}"] || R <- Results],
    ["{\"machine\":", Text(os:getenv("MACHINE", "")), ",\"kernel\":", Text(os:getenv("KERNEL", "")),
     ",\"otp\":", Text(erlang:system_info(otp_release)), ",\"commit\":", Text(os:getenv("COMMIT", "")),
     ",\"rounds\":", integer_to_list(Rounds), ",\"ms\":", integer_to_list(Ms),
     ",\"rows\":[\n", lists:join(",\n", Rows), "\n]}\n"].

value(null) -> "null";
value(A) when is_atom(A) -> ["\"", atom_to_list(A), "\""];
value(N) when is_number(N) -> io_lib:format("~.6g", [float(N)]);
value(S) -> ["\"", S, "\""].

%%% For bench/*.sh, which run each of these in a VM of its own.

%% The same as echoes/3, with servers that wait for messages.
loop_echoes(Backend, Connections, Each) ->
    bench_rows:loop_echoes(Backend, Connections, Each).

%% `Each' echoes on each of `Connections', for counting the system calls.
echoes(Backend, Connections, Each) ->
    bench_rows:echoes(Backend, Connections, Each).

%% Serves clients of another program, which reads the port from `File', until they have closed their connections.
serve(Backend, Connections, File) ->
    bench_rows:serve(Backend, Connections, fun(Port) -> ok = file:write_file(File, integer_to_list(Port)) end).

%% Prints the memory of `Connections' that have received once and wait again, in KB for each: of the resident set without the
%% processes, of the process, and of the VM's binaries. Another program holds the other ends.
idle_memory([Name, Connections]) ->
    Backend = list_to_atom(Name),
    #{kb_each := Each, process_kb := Process, binary_kb := Binary} =
        bench_rows:idle_memory(Backend, list_to_integer(Connections)),
    io:format("~-15s ~8.2f KB each beside the process (~.2f KB), ~.2f KB of them binaries~n", [Backend, Each, Process, Binary]),
    halt(0).

%% Prints the CPU time of the whole node and of the esock threads in `Ms' milliseconds in which `Connections' are idle.
idle_cpu([Connections, Ms]) ->
    [N, Time] = [list_to_integer(A) || A <- [Connections, Ms]],
    {Node, Pollers} = bench_rows:idle_cpu(N, Time),
    io:format("~b idle connections, ~b ms: the node used ~b ms of CPU, the pollers ~b us~n", [N, Time, Node div 1000, Pollers]),
    halt(0).

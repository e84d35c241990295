%% `make bench`: esock against OTP's `socket', gen_tcp and gen_udp, gen_tcp on `socket', and bare threads, in turns.
%%
%% A row is one workload (bench_rows). Every round runs each backend once, in turning order; what is shown is the median of the
%% rounds, and the spread. CPU is user and system time of the whole process, per operation. The floor is a program of its
%% own, in Rust (bench/src/floor), that does the same work without a VM.
%%
%% ROWS=pp50,accept1 ROUNDS=3 MS=500 BACKENDS=esock,socket narrow it; JSON=file keeps the figures.
-module(bench).

-export([main/0, echoes/3, loop_echoes/3, serve/3, idle_memory/1, idle_cpu/1]).

main() ->
    %% A failure ends the node.
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
    %% The first run of each is not counted: code is loaded, buffers grow.
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

%% A run answers how many operations it did, and what else it knows; the floor measures itself.
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

%%% For bench/*.sh, each in a VM of its own.

%% The same, served by processes that wait for messages.
loop_echoes(Backend, Connections, Each) ->
    bench_rows:loop_echoes(Backend, Connections, Each).

%% So many echoes on each of so many connections, for a look at the system calls.
echoes(Backend, Connections, Each) ->
    bench_rows:echoes(Backend, Connections, Each).

%% The same, with clients in another program, which learns the port from a file; until they have closed.
serve(Backend, Connections, File) ->
    bench_rows:serve(Backend, Connections, fun(Port) -> ok = file:write_file(File, integer_to_list(Port)) end).

%% KB that each of so many connections takes, which have received once and wait: of the resident set, of the VM's binaries, and
%% less the processes. The other ends are another program's.
idle_memory([Name, Connections]) ->
    Backend = list_to_atom(Name),
    #{kb_each := Each, process_kb := Process, binary_kb := Binary} =
        bench_rows:idle_memory(Backend, list_to_integer(Connections)),
    io:format("~-15s ~8.2f KB each beside the process (~.2f KB), ~.2f KB of them binaries~n", [Backend, Each, Process, Binary]),
    halt(0).

%% What the whole node and our pollers use in so many milliseconds in which so many connections are idle.
idle_cpu([Connections, Ms]) ->
    [N, Time] = [list_to_integer(A) || A <- [Connections, Ms]],
    {Node, Pollers} = bench_rows:idle_cpu(N, Time),
    io:format("~b idle connections, ~b ms: the node used ~b ms of CPU, the pollers ~b us~n", [N, Time, Node div 1000, Pollers]),
    halt(0).

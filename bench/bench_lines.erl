%% Lines a second: esock_io against gen_tcp with `{packet, line}', passive, in turns. After `make build':
%%   erlc -o _build bench/bench_lines.erl && erl -noshell -pa _build/default/lib/esock/ebin -pa _build -s bench_lines main
%% Environment: ROUNDS (default 5), LINES (default 500000). A process in the same VM sends lines in chunks of 64 KB with gen_tcp. `request':
%% each line is answered before the next one is sent. Medians, and their ratio.
-module(bench_lines).

-export([main/0]).

main() ->
    Rounds = number("ROUNDS", 5),
    Lines = number("LINES", 500_000),
    io:format("~-24s ~12s ~12s ~7s  (~b rounds, lines/s, medians; least and most ratio)~n", ["", "gen_tcp", "esock_io", "ratio", Rounds]),
    [row(io_lib:format("stream, ~b bytes", [Size]), Rounds, fun(M) -> stream(M, Size, Lines) end) || Size <- [16, 80, 1000]],
    row("request, 80 bytes", Rounds, fun(M) -> request(M, 80, Lines div 25) end),
    halt(0).

number(Variable, Default) -> list_to_integer(os:getenv(Variable, integer_to_list(Default))).

row(Name, Rounds, Run) ->
    _ = [Run(M) || M <- [gen_tcp, esock]],
    Pairs = [{Run(gen_tcp), Run(esock)} || _ <- lists:seq(1, Rounds)],
    {G, E} = lists:unzip(Pairs),
    Ratios = [Y / X || {X, Y} <- Pairs],
    io:format("~-24s ~12b ~12b ~7.2f  (~.2f - ~.2f)~n", [Name, round(median(G)), round(median(E)), median(Ratios), lists:min(Ratios), lists:max(Ratios)]).

median(List) -> lists:nth((length(List) + 1) div 2, lists:sort(List)).

stream(M, Size, Lines) ->
    Per = max(1, 65_536 div Size),
    Chunk = binary:copy(line(Size), Per),
    Chunks = Lines div Per,
    {C, S} = pair(M),
    garbage_collect(),
    Sender = spawn_link(fun() -> receive go -> ok end,
                                 [ok = gen_tcp:send(C, Chunk) || _ <- lists:seq(1, Chunks)],
                                 receive stop -> ok end
                        end),
    ok = gen_tcp:controlling_process(C, Sender),
    Sender ! go,
    {Time, ok} = timer:tc(fun() -> read(M, S, Chunks * Per) end),
    Sender ! stop,
    close(M, S),
    Chunks * Per * 1_000_000 / Time.

read(_, _, 0) -> ok;
read(gen_tcp, S, N) -> {ok, _} = gen_tcp:recv(S, 0), read(gen_tcp, S, N - 1);
read(esock, R, N) -> {ok, _, Next} = esock_io:readline(R), read(esock, Next, N - 1).

request(M, Size, Lines) ->
    Line = line(Size),
    {C, S} = pair(M),
    Client = spawn_link(fun() -> receive go -> client(C, Line, Lines) end end),
    ok = gen_tcp:controlling_process(C, Client),
    Client ! go,
    {Time, ok} = timer:tc(fun() -> answer(M, S, Line, Lines) end),
    close(M, S),
    Lines * 1_000_000 / Time.

client(_, _, 0) -> ok;
client(C, Line, N) ->
    ok = gen_tcp:send(C, Line),
    {ok, _} = gen_tcp:recv(C, byte_size(Line)),
    client(C, Line, N - 1).

answer(_, _, _, 0) -> ok;
answer(gen_tcp, S, Line, N) -> {ok, _} = gen_tcp:recv(S, 0), ok = gen_tcp:send(S, Line), answer(gen_tcp, S, Line, N - 1);
answer(esock, R, Line, N) -> {ok, _, Next} = esock_io:readline(R), ok = esock_io:write(R, Line), answer(esock, Next, Line, N - 1).

line(Size) -> <<(binary:copy(<<"x">>, Size - 1))/binary, $\n>>.

%% A client of gen_tcp, and the server's end: with a buffer of 64 KB, as esock_io has.
pair(gen_tcp) ->
    {ok, L} = gen_tcp:listen(0, [binary, {active, false}, {packet, line}, {buffer, 65_536}, {ip, {127, 0, 0, 1}}, {nodelay, true}]),
    {ok, Port} = inet:port(L),
    C = connect(Port),
    {ok, S} = gen_tcp:accept(L),
    ok = gen_tcp:close(L),
    {C, S};
pair(esock) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback}),
    ok = esock:listen(L),
    {ok, #{port := Port}} = esock:sockname(L),
    C = connect(Port),
    {ok, S} = esock:accept(L),
    ok = esock:setopt(S, {tcp, nodelay}, true),
    ok = esock:close(L),
    {ok, R} = esock_io:new(S),
    {C, R}.

connect(Port) ->
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    C.

close(gen_tcp, S) -> gen_tcp:close(S);
close(esock, R) -> esock:close(esock_io:socket(R)).

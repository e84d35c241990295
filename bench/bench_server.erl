%% esock_server against a gen_tcp server of ranch's shape (bench/server.sh): connections a second, and memory of an idle connection.
%%
%% A connection is accepted and gets a process of its own. Row `close': that process resets it. Row `echo': it answers 64 bytes, and the
%% client (connect.c) resets the connection. The rounds alternate.
%% Memory is the growth of the resident set of a new node, with `IDLE' connections that a Python program holds.
%% Environment: ROUNDS (default 15), MS (300), THREADS of the client (16), IDLE (10000).
-module(bench_server).

-export([main/0, serve/2, idle/2]).

-define(KINDS, [esock_server, ranch_shape]).

main() ->
    [Rounds, Ms, Threads, Idle] = [number(N, D) || {N, D} <- [{"ROUNDS", 15}, {"MS", 300}, {"THREADS", 16}, {"IDLE", 10000}]],
    io:format("OTP ~s, ~b schedulers, ~b rounds of ~b ms, ~b client threads~n",
              [erlang:system_info(otp_release), erlang:system_info(schedulers_online), Rounds, Ms, Threads]),
    [rates(Row, Rounds, Ms, Threads) || Row <- [close, echo]],
    Idle =:= 0 andalso halt(0),
    [A, B] = [memory(K, Idle) || K <- ?KINDS],
    [io:format("~-14s ~8.2f KB for an idle connection, ~b of them~n", [K, Kb, Idle]) || {K, Kb} <- lists:zip(?KINDS, [A, B])],
    io:format("memory x ~.2f~n", [A / B]),
    halt(0).

number(Variable, Default) -> list_to_integer(os:getenv(Variable, integer_to_list(Default))).

median(List) -> lists:nth((length(List) + 1) div 2, lists:sort(List)).

rates(Row, Rounds, Ms, Threads) ->
    [rate(Row, K, 200, Threads) || K <- ?KINDS],
    All = [{K, rate(Row, K, Ms, Threads)} || _ <- lists:seq(1, Rounds), K <- ?KINDS],
    Medians = [{median([R || {Of, {R, _}} <- All, Of =:= K]), median([C || {Of, {_, C}} <- All, Of =:= K])} || K <- ?KINDS],
    [io:format("~-6s ~-14s ~8b connections/s ~6.1f us of CPU each~n", [Row, K, round(R), C])
     || {K, {R, C}} <- lists:zip(?KINDS, Medians)],
    %% Of each round, so that other load on the machine weighs less.
    io:format("~-6s connections/s x ~.2f, CPU x ~.2f (medians of the rounds' ratios)~n",
              [Row, median(ratios([R || {_, {R, _}} <- All])), median(ratios([C || {_, {_, C}} <- All]))]).

ratios([A, B | Rest]) -> [A / B | ratios(Rest)];
ratios([]) -> [].

rate(Row, Kind, Ms, Threads) ->
    {Port, Stop} = start(Kind, Row),
    Cpu = bench_stats:cpu(),
    Begin = erlang:monotonic_time(microsecond),
    Served = list_to_integer(string:trim(os:cmd(lists:join(" ", [os:getenv("CONNECT"), integer_to_list(Port), integer_to_list(Threads), integer_to_list(Ms), atom_to_list(Row)])))),
    Time = erlang:monotonic_time(microsecond) - Begin,
    After = bench_stats:cpu(),
    Stop(),
    {Served * 1_000_000 / Time, (After - Cpu) / Served}.

memory(Kind, Count) ->
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => ["+P", "1000000", "+Q", "262144", "-pa" | code:get_path()]}),
    Each = peer:call(Peer, ?MODULE, idle, [Kind, Count], infinity),
    peer:stop(Peer),
    Each.

idle(Kind, Count) ->
    %% Without the memory that the first connections of a node need.
    {Port, _} = start(Kind, echo),
    C = clients(Port, 100),
    port_close(C),
    Before = bench_stats:rss(),
    Clients = clients(Port, Count),
    After = bench_stats:rss(),
    port_close(Clients),
    (After - Before) / 1024 / Count.

clients(Port, Count) ->
    Script = io_lib:format("import socket,sys~ns=[socket.create_connection(('127.0.0.1',~b)) for _ in range(~b)]~n"
                           "for c in s: c.sendall(b'x'*64)~nfor c in s: c.recv(64)~nprint('all',end='',flush=True)~nsys.stdin.read()", [Port, Count]),
    Python = open_port({spawn_executable, os:find_executable("python3")}, [{args, ["-c", lists:flatten(Script)]}, binary, exit_status]),
    receive {Python, {data, <<"all">>}} -> Python end.

%%% ---- The servers ----------------------------------------------------------------------------------------------------

start(esock_server, Row) ->
    Reset = [{{socket, linger}, #{onoff => true, linger => 0}} || Row =:= close],
    {ok, Server} = esock_server:start_link(#{listen => {{127, 0, 0, 1}, 0}, listen_options => #{options => Reset},
                                             handler => {?MODULE, serve, [Row]},
                                             acceptors => number("ACCEPTORS", 1)}),
    {ok, #{listeners := [#{port := Port}]}} = esock_server:info(Server),
    {Port, fun() -> esock_server:stop(Server) end};
%% Ten acceptors, and for each a supervisor of connections to which it gives what it has accepted.
start(ranch_shape, Row) ->
    {ok, L} = gen_tcp:listen(0, [binary, {ip, {127, 0, 0, 1}}, {active, false}, {backlog, 1024}, {nodelay, true}, {reuseaddr, true},
                                 {send_timeout, 30000}, {send_timeout_close, true} | [{linger, {true, 0}} || Row =:= close]]),
    {ok, Port} = inet:port(L),
    Sups = [spawn(fun() -> process_flag(trap_exit, true), connections(Row) end) || _ <- lists:seq(1, 10)],
    Acceptors = [spawn(fun() -> accept(L, Sup) end) || Sup <- Sups],
    {Port, fun() -> [exit(P, kill) || P <- Acceptors ++ Sups], gen_tcp:close(L) end}.

accept(L, Sup) ->
    case gen_tcp:accept(L) of
        {ok, S} ->
            ok = gen_tcp:controlling_process(S, Sup),
            Sup ! {start_protocol, self(), S},
            receive Sup -> ok end;
        {error, Reason} when Reason =/= closed -> ok
    end,
    accept(L, Sup).

connections(Row) ->
    receive
        {start_protocol, To, S} ->
            Pid = proc_lib:spawn_link(?MODULE, serve, [{handshake, S}, Row]),
            ok = gen_tcp:controlling_process(S, Pid),
            Pid ! {handshake, S},
            put(Pid, active),
            To ! self(),
            connections(Row);
        {'EXIT', Pid, _} -> erase(Pid), connections(Row)
    end.

%% The process of a connection.
serve({esock_server, _, _}, close) -> ok;
serve({esock_server, S, _} = Connection, echo) ->
    case esock:recv(S) of
        {ok, Data} -> _ = esock:send(S, Data), serve(Connection, echo);
        {error, _} -> ok
    end;
serve({handshake, S} = Handshake, Row) -> receive Handshake -> ranch(S, Row) end.

ranch(S, close) -> gen_tcp:close(S);
ranch(S, echo) ->
    case gen_tcp:recv(S, 0) of
        {ok, Data} -> _ = gen_tcp:send(S, Data), ranch(S, echo);
        {error, _} -> gen_tcp:close(S)
    end.

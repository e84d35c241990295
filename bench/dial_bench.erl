%% The time of esock_dial:connect/3 against that of esock:connect/2, with OTP's gen_tcp:connect/4 beside them. All connect to a listener
%% on loopback in turns, within one run. The time to close is not counted.
%%
%%     erlc -o _build/bench bench/dial_bench.erl
%%     erl -noshell -pa _build/default/lib/esock/ebin -pa _build/bench -run dial_bench main 3000
-module(dial_bench).

-export([main/1]).

main(Args) ->
    Turns = case Args of [Text] -> list_to_integer(Text); [] -> 3000 end,
    {Listener, Port} = listener(),
    Acceptor = spawn_link(fun() -> accept(Listener) end),
    Kinds = kinds(Port),
    _ = [connect(Connect) || _ <- lists:seq(1, 100), {_, Connect} <- Kinds],
    %% One connection of each kind in a turn: what else the machine does meets all kinds alike.
    Times = [{Name, connect(Connect)} || _ <- lists:seq(1, Turns), {Name, Connect} <- shuffled(Kinds)],
    Base = median([T || {bare, T} <- Times]),
    io:format("~b connections of each kind, medians~n~-34s ~10s ~8s~n", [Turns, "", "us", "x bare"]),
    [begin
         Median = median([T || {N, T} <- Times, N =:= Name]),
         io:format("~-34s ~10.1f ~8.2f~n", [label(Name), Median, Median / Base])
     end || {Name, _} <- Kinds],
    unlink(Acceptor),
    exit(Acceptor, kill),
    halt(0).

label(bare) -> "esock:open, setopt, connect";
label(address) -> "esock_dial, an address";
label(text) -> "esock_dial, an address as text";
label(sequential) -> "esock_dial, race => false";
label(two) -> "esock_dial, two addresses";
label(nowait) -> "esock_dial, nowait";
label(name) -> "esock_dial, a name, own resolver";
label(localhost) -> "esock_dial, localhost over IPv4";
label(gen_tcp) -> "gen_tcp, an address";
label(gen_tcp_localhost) -> "gen_tcp, localhost".

kinds(Port) ->
    Loopback = {127, 0, 0, 1},
    Address = #{family => inet, addr => Loopback, port => Port},
    Resolver = fun(_, inet) -> {ok, [Loopback]}; (_, inet6) -> {error, nxdomain} end,
    Dial = fun(Host, Opts) -> fun() -> {ok, S} = esock_dial:connect(Host, Port, Opts), S end end,
    [{bare, fun() ->
                {ok, S} = esock:open(inet, stream, tcp),
                ok = esock:setopt(S, {tcp, nodelay}, true),
                ok = esock:connect(S, Address),
                S
            end},
     {address, Dial(Loopback, #{})},
     {text, Dial("127.0.0.1", #{})},
     {sequential, Dial(Loopback, #{race => false, timeout => 5000})},
     {two, Dial([Loopback, {127, 0, 0, 2}], #{})},
     {nowait, fun() ->
                  {completion, {completion_info, _, Ref}} = esock_dial:connect(Loopback, Port, #{nowait => true}),
                  receive {'$esock_dial', Ref, {ok, S}} -> S end
              end},
     {name, Dial("name", #{resolver => Resolver})},
     {localhost, Dial("localhost", #{family => inet})},
     {gen_tcp, fun() ->
                   {ok, S} = gen_tcp:connect(Loopback, Port, [{active, false}, {nodelay, true}]),
                   S
               end},
     {gen_tcp_localhost, fun() ->
                           {ok, S} = gen_tcp:connect("localhost", Port, [{active, false}, {nodelay, true}]),
                           S
                       end}].

%% Microseconds.
connect(Connect) ->
    Begun = erlang:monotonic_time(),
    S = Connect(),
    Took = erlang:monotonic_time() - Begun,
    reset(S),
    erlang:convert_time_unit(Took, native, nanosecond) / 1000.

%% No port stays in TIME_WAIT.
reset(S) when is_port(S) ->
    ok = inet:setopts(S, [{linger, {true, 0}}]),
    ok = gen_tcp:close(S);
reset(S) ->
    ok = esock:setopt(S, {socket, linger}, abort),
    ok = esock:close(S).

%% In a fixed order each kind would meet the caches that the same other kind leaves.
shuffled(List) -> [Kind || {_, Kind} <- lists:sort([{rand:uniform(), Kind} || Kind <- List])].

median(Values) -> lists:nth((length(Values) + 1) div 2, lists:sort(Values)).

listener() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => any, port => 0}),
    ok = esock:listen(L, 4096),
    {ok, #{port := Port}} = esock:sockname(L),
    {L, Port}.

accept(L) ->
    case esock:accept(L) of
        {ok, S} -> esock:close(S);
        {error, _} -> ok
    end,
    accept(L).

%% One TCP interface for everything that is compared. A backend is `esock`, `socket` or `gen_tcp`.
-module(bench_backend).

-export([all/0, listen/1, port/2, accept/2, connect/2, send/3, recv/3, close/2, reset_on_close/2, connect_to_be_closed/2]).

all() ->
    [esock, socket, gen_tcp].

listen(gen_tcp) ->
    {ok, L} = gen_tcp:listen(0, [binary, inet, {active, false}, {backlog, 1024}, {ip, {127, 0, 0, 1}}, {nodelay, true}]),
    L;
listen(Mod) ->
    {ok, L} = Mod:open(inet, stream, tcp),
    ok = Mod:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = Mod:listen(L, 1024),
    L.

port(gen_tcp, L) ->
    {ok, Port} = inet:port(L),
    Port;
port(Mod, L) ->
    {ok, #{port := Port}} = Mod:sockname(L),
    Port.

accept(gen_tcp, L) ->
    {ok, S} = gen_tcp:accept(L),
    S;
accept(Mod, L) ->
    {ok, S} = Mod:accept(L),
    S.

connect(gen_tcp, Port) ->
    {ok, S} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}, {nodelay, true}]),
    S;
connect(Mod, Port) ->
    {ok, S} = Mod:open(inet, stream, tcp),
    ok = Mod:connect(S, #{family => inet, addr => loopback, port => Port}),
    ok = Mod:setopt(S, {tcp, nodelay}, true),
    S.

send(Mod, S, Data) -> ok = Mod:send(S, Data).

recv(Mod, S, Length) -> Mod:recv(S, Length).

close(Mod, S) -> Mod:close(S).

%% Closing resets: no TIME_WAIT, among thousands of which the next connect would look for a port. Inherited from the
%% listener.
reset_on_close(gen_tcp, L) -> ok = inet:setopts(L, [{linger, {true, 0}}]);
reset_on_close(Mod, L) -> ok = Mod:setopt(L, {socket, linger}, #{onoff => true, linger => 0}).

%% Connects to a peer that resets the connection, perhaps before connect has looked.
connect_to_be_closed(gen_tcp, Port) ->
    case gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false}]) of
        {ok, S} -> {error, _} = gen_tcp:recv(S, 0), gen_tcp:close(S);
        {error, econnreset} -> ok
    end;
connect_to_be_closed(Mod, Port) ->
    {ok, S} = Mod:open(inet, stream, tcp),
    case Mod:connect(S, #{family => inet, addr => loopback, port => Port}) of
        ok -> {error, _} = Mod:recv(S, 0);
        {error, econnreset} -> ok
    end,
    ok = Mod:close(S).

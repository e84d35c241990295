%% A dual-stack server (Python: create_server(..., dualstack_ipv6=True)): one IPv6 socket serves IPv4 too; without IPv6, an IPv4
%% socket. Any number of connections at a time.
-module(echo_dual).
-export([start/1, serve/1]).

start(Port) ->
    case listen(inet6, Port) of
        {error, Reason} when Reason =:= eafnosupport; Reason =:= eaddrnotavail -> listen(inet, Port);
        Result -> Result
    end.

listen(Family, Port) ->
    case esock:open(Family, stream, tcp) of
        {ok, L} ->
            ok = esock:setopt(L, {socket, reuseaddr}, true),
            Family =:= inet6 andalso (ok = esock:setopt(L, {ipv6, v6only}, false)),
            bound(L, esock:bind(L, #{family => Family, addr => any, port => Port}));
        Error -> Error
    end.

bound(L, ok) ->
    ok = esock:listen(L, 128),
    {ok, #{port := Port}} = esock:sockname(L),
    {ok, L, Port};
bound(L, Error) -> ok = esock:close(L), Error.

serve(L) ->
    case esock:accept(L) of
        {ok, S} ->
            Pid = spawn(fun() -> receive go -> esock_io:copy(S, S) end end),
            ok = esock:setopt(S, {otp, controlling_process}, Pid),
            Pid ! go,
            serve(L);
        {error, closed} -> ok
    end.

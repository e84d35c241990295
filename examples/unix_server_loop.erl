%% Ruby's Socket.unix_server_loop: a stale path is removed if it is a socket and nobody listens there; connections are served one after the
%% other.
-module(unix_server_loop).
-export([start/1, loop/2]).

-include_lib("kernel/include/file.hrl").

start(Path) ->
    {ok, L} = esock:open(local, stream),
    ok = stale(file:read_link_info(Path), Path),
    case esock:bind(L, #{family => local, path => Path}) of
        ok -> ok = esock:listen(L, 128), {ok, L};
        Error -> ok = esock:close(L), Error
    end.

stale({ok, #file_info{type = other}}, Path) ->
    {ok, S} = esock:open(local, stream),
    _ = esock:connect(S, #{family => local, path => Path}) =:= {error, econnrefused} andalso file:delete(Path),
    esock:close(S);
stale(_, _) -> ok.

%% Returns when the listener is closed.
loop(L, Fun) ->
    case esock:accept(L) of
        {ok, S} -> Fun(S), _ = esock:close(S), loop(L, Fun);
        {error, closed} -> ok
    end.

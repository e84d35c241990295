%% @private
%% @doc Options of the functions of `esock_server': one row for each key, with the test of its value.
-module(esock_server_opts).

-export([check/2]).

%% @doc `ok' if all keys are of the sets `Sets', and their values pass the tests.
-spec check(term(), [listen | unix | group | fd | server | loop | udp | handover | takeover]) ->
          ok | {error, {invalid, term()}}.
check(Opts, Sets) when is_map(Opts) ->
    first(maps:to_list(Opts), lists:append([keys(Set) || Set <- Sets]));
check(Opts, _Sets) ->
    {error, {invalid, {options, Opts}}}.

first([], _) -> ok;
first([{Key, Value} | Rest], Keys) ->
    case lists:member(Key, Keys) andalso test(Key, Value) of
        true -> first(Rest, Keys);
        false ->
            case lists:member(Key, Keys) of
                true -> {error, {invalid, {option, Key, Value}}};
                false -> {error, {invalid, {option, Key}}}
            end
    end.

keys(listen) -> [reuseaddr, reuseport, dualstack, backlog, nodelay, family, options, open, resolver, same_port];
keys(unix) -> [type, mode, owner, stale, unlink, lock];
keys(group) -> [sockets, steer];
keys(fd) -> [port, family, own, backlog, open];
keys(server) ->
    [listen, listeners, listen_options, handler, acceptors, max_connections, peercred, shutdown, notify, spawn_options, id];
keys(loop) -> [close, peercred];
keys(udp) -> [reuseaddr, reuseport, family, options, open, resolver];
keys(handover) -> [timeout, idle, peercred];
keys(takeover) -> [timeout, peercred, open].

test(Key, Value) when Key =:= reuseaddr; Key =:= reuseport; Key =:= nodelay; Key =:= own; Key =:= stale; Key =:= unlink;
                      Key =:= lock; Key =:= close; Key =:= notify; Key =:= same_port ->
    is_boolean(Value);
test(dualstack, Value) -> is_boolean(Value) orelse Value =:= auto;
test(backlog, Value) -> Value =:= max orelse natural(Value);
test(family, Value) -> lists:member(Value, [inet6_first, inet_first, inet6, inet, any, local]);
test(options, Value) -> is_list(Value) andalso lists:all(fun(Option) -> is_tuple(Option) andalso tuple_size(Option) =:= 2 end, Value);
test(Key, Value) when Key =:= open; Key =:= listen_options -> is_map(Value);
test(resolver, Value) -> is_function(Value, 2);
test(type, Value) -> lists:member(Value, [stream, seqpacket, dgram]);
test(mode, Value) -> natural(Value) andalso Value =< 8#7777;
test(owner, {Uid, Gid}) -> natural(Uid) andalso natural(Gid);
test(sockets, Value) -> natural(Value) andalso Value >= 1 andalso Value =< 1024;
test(steer, Value) -> lists:member(Value, [none, cpu, hash, incoming_cpu]);
test(port, Value) -> natural(Value) andalso Value =< 65535;
test(listen, _) -> true;
test(listeners, Value) -> is_list(Value) andalso Value =/= [];
test(handler, {M, F, A}) -> is_atom(M) andalso is_atom(F) andalso is_list(A);
test(handler, Value) -> is_function(Value, 1);
test(acceptors, Value) -> natural(Value) andalso Value >= 1 andalso Value =< 1024;
test(max_connections, Value) -> Value =:= infinity orelse natural(Value) andalso Value >= 1;
test(peercred, #{} = Value) -> maps:fold(fun(K, V, All) -> All andalso lists:member(K, [uid, gid]) andalso is_list(V) end, true, Value);
test(peercred, Value) -> is_function(Value, 1);
test(shutdown, Value) -> Value =:= infinity orelse Value =:= brutal_kill orelse natural(Value);
test(spawn_options, Value) -> is_list(Value) andalso not lists:any(fun(O) -> O =:= monitor orelse O =:= link orelse is_tuple(O) andalso element(1, O) =:= monitor end, Value);
test(id, _) -> true;
test(timeout, Value) -> Value =:= infinity orelse natural(Value);
test(idle, Value) -> natural(Value);
test(_, _) -> false.

natural(Value) -> is_integer(Value) andalso Value >= 0.

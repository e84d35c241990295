%% @private
%% @doc The options of a dial: defaults, and checks of what the caller gives. {@link esock_dial} documents them.
-module(esock_dial_options).

-export([parse/2]).

-export_type([config/0]).

-type config() :: #{atom() => term()}.
%% All options, checked, in the form that `esock_dial_run' and `esock_dial_plan' use.

-define(MAX_MS, 16#FFFFFFFF).
-define(IS_MS(Ms), is_integer(Ms), Ms >= 0, Ms =< ?MAX_MS).

%% @doc The options with their defaults. `Retry' is the default of `retry_on'.
-spec parse(esock_dial:options(), [atom()]) -> {ok, config()} | {error, {invalid, term()}}.
parse(Opts, Retry) -> parse(maps:to_list(Opts), defaults(Retry), Retry).

parse([], Config, _) -> {ok, Config};
parse([{Key, Value} | Rest], Config, Retry) ->
    case option(Key, Value) of
        ok -> parse(Rest, Config#{Key => Value}, Retry);
        {ok, Name, Used} -> parse(Rest, Config#{Name => Used}, Retry);
        error -> {error, {invalid, {option, Key, Value}}};
        unknown -> {error, {invalid, {option, Key}}}
    end.

defaults(Retry) ->
    {ok, Retries} = retries(Retry),
    #{timeout => 30_000, attempt_timeout => infinity, resolve_timeout => infinity, family => inet6_first, race => true,
      attempt_delay => 250, resolution_delay => 50, retries => Retries, backoff => {fixed, 1000}, sources => #{},
      nodelay => true, keepalive => [], options => [], on_event => undefined, observed => false,
      resolver => fun esock_dial_target:lookup/2, nowait => false, open => #{}, type => stream}.

option(Key, Value) when Key =:= timeout; Key =:= attempt_timeout; Key =:= resolve_timeout -> check(is_timeout(Value));
option(family, Value) -> check(lists:member(Value, [inet6_first, inet_first, inet6, inet, any]));
option(race, Value) -> check(is_boolean(Value));
%% RFC 8305 section 5: an attempt delay is never below 10 ms.
option(attempt_delay, Value) -> check(is_timeout(Value) andalso Value =/= infinity andalso Value >= 10);
option(resolution_delay, Value) -> check(is_timeout(Value) andalso Value =/= infinity);
option(retry_on, Value) -> renamed(retries, retries(Value));
option(backoff, Value) -> renamed(backoff, esock_dial_backoff:new(Value));
option(source, Value) -> renamed(sources, esock_dial_target:source(Value));
option(nodelay, Value) -> check(is_boolean(Value));
option(keepalive, Value) -> renamed(keepalive, keepalive(Value));
option(options, Value) -> check(is_options(Value));
option(on_event, Value) -> check(Value =:= undefined orelse is_function(Value, 1));
option(resolver, Value) -> check(is_function(Value, 2));
option(nowait, Value) -> check(is_boolean(Value) orelse is_reference(Value));
option(open, Value) -> check(is_map(Value));
option(type, Value) -> check(Value =:= stream orelse Value =:= seqpacket);
option(_, _) -> unknown.

check(true) -> ok;
check(false) -> error.

renamed(Name, {ok, Value}) -> {ok, Name, Value};
renamed(_, error) -> error.

is_timeout(infinity) -> true;
is_timeout(Ms) when ?IS_MS(Ms) -> true;
is_timeout(_) -> false.

%% An attempt that reaches its time limit has timed out, as one has that the kernel gave up.
retries(Class) when is_function(Class, 1) -> {ok, fun(Reason) -> Class(Reason) =:= true end};
retries(Reasons) when is_list(Reasons) ->
    case lists:all(fun is_atom/1, Reasons) of
        true ->
            {ok, fun({gai, _}) -> lists:member(gai, Reasons);
                    (timeout) -> lists:member(etimedout, Reasons) orelse lists:member(timeout, Reasons);
                    (Reason) -> lists:member(Reason, Reasons)
                 end};
        false -> error
    end;
retries(_) -> error.

keepalive(false) -> {ok, []};
keepalive(true) -> {ok, [{{socket, keepalive}, true}]};
keepalive(#{} = Times) ->
    Options = [{{tcp, Option}, map_get(Key, Times)} || {Key, Option} <- keepalive_keys(), is_map_key(Key, Times)],
    Known = maps:keys(Times) -- [Key || {Key, _} <- keepalive_keys()] =:= [],
    case Known andalso lists:all(fun({_, N}) -> is_integer(N) andalso N > 0 end, Options) of
        true -> {ok, [{{socket, keepalive}, true} | Options]};
        false -> error
    end;
keepalive(_) -> error.

keepalive_keys() -> [{idle, keepidle}, {interval, keepintvl}, {count, keepcnt}].

is_options([]) -> true;
is_options([{_, _} | Rest]) -> is_options(Rest);
is_options(_) -> false.

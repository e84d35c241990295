%% @private
%% @doc How lookups run and wait: libc's on threads of the NIF, all others by a process of {@link esock_net_task}.
-module(esock_net_lookup).

-export([addresses/4, query/3, task/3, cancel/1]).

%%% ---- Waiting

%% @doc Runs a query of libc, `esock_nif:lookup/3'.
-spec query(atom(), tuple(), term()) -> term().
query(Tag, Query, Timeout) -> run(Tag, fun(Ref) -> start(Ref, Query) end, Timeout).

start(Ref, Query) ->
    Limits = {application:get_env(esock, resolver_threads, 32), application:get_env(esock, resolver_queue, 1024)},
    case esock_nif:lookup(Ref, Limits, Query) of
        ok -> libc;
        busy -> busy
    end.

%% @doc Runs a lookup that a process makes.
-spec task(atom(), fun(() -> term()), term()) -> term().
task(Tag, Fun, Timeout) ->
    Start = fun(Ref) ->
                case esock_net_task:start(Ref, Fun) of
                    {ok, Pid} -> Pid;
                    {error, busy} -> busy
                end
            end,
    run(Tag, Start, Timeout).

run(Tag, Start, Timeout) when Timeout =:= infinity; is_integer(Timeout), Timeout >= 0, Timeout < 1 bsl 32 ->
    Ref = make_ref(),
    case Start(Ref) of
        busy -> {error, {gai, busy}};
        How -> await({completion_info, tag(Tag, How), Ref}, Timeout)
    end;
run(Tag, Start, nowait) -> run(Tag, Start, make_ref());
run(Tag, Start, Ref) when is_reference(Ref) ->
    case Start(Ref) of
        busy -> {error, {gai, busy}};
        How -> {completion, {completion_info, tag(Tag, How), Ref}}
    end;
run(_, _, Timeout) -> error({invalid, {timeout, Timeout}}).

tag(Tag, libc) -> Tag;
tag(Tag, Pid) -> {Tag, Pid}.

await({completion_info, _, Ref} = Info, Timeout) ->
    receive {'$esock_net', Ref, Result} -> Result
    after Timeout ->
        case stop(Info) of
            {sent, Result} -> Result;
            _ -> {error, timeout}
        end
    end.

%% @doc What {@link esock_net:cancel/1} documents.
-spec cancel(term()) -> ok | {error, {invalid, term()}}.
cancel({completion_info, _, Ref} = Info) when is_reference(Ref) ->
    case stop(Info) of
        not_found -> {error, {invalid, Info}};
        _ -> ok
    end;
cancel(Info) -> error({invalid, {completion_info, Info}}).

%% Ends a lookup: `ok', or what was sent before.
stop({completion_info, {_, Pid}, Ref}) when is_pid(Pid) ->
    Alive = is_process_alive(Pid),
    ok = esock_net_task:cancel(Pid),
    case sent(Ref) of
        not_found when Alive -> ok;
        Sent -> Sent
    end;
stop({completion_info, _, Ref} = Info) ->
    case esock_nif:cancel_lookup(Ref) of
        ok -> ok;
        sending -> erlang:yield(), stop(Info);
        not_found -> sent(Ref)
    end.

sent(Ref) ->
    receive {'$esock_net', Ref, Result} -> {sent, Result}
    after 0 -> not_found
    end.

%%% ---- Addresses

%% @doc What {@link esock_net:getaddrinfo/4} documents.
-spec addresses(term(), term(), map(), term()) -> term().
addresses(Host, Service, Opts, Timeout) ->
    case esock_net_args:addresses(Host, Service, Opts) of
        {ok, Asked} -> cached(Asked, Timeout);
        {error, _} = Error -> Error
    end.

cached(#{cache := Cache} = Asked, Timeout) ->
    case esock_net_cache:lookup(Cache, key(Asked)) of
        {ok, Found} -> {ok, Found};
        miss -> resolve(Asked, Timeout)
    end;
cached(Asked, Timeout) -> resolve(Asked, Timeout).

key(Asked) -> maps:without([cache], Asked).

resolve(#{resolver := libc, reverse := false} = Asked, Timeout) when not is_map_key(cache, Asked) ->
    query(getaddrinfo, esock_net_args:query(Asked), Timeout);
resolve(Asked, Timeout) -> task(getaddrinfo, fun() -> work(Asked) end, Timeout).

work(#{reverse := Reverse} = Asked) ->
    case found(Asked) of
        {ok, Found, Ttl} ->
            Named = if Reverse -> [with_hostname(Info) || Info <- Found]; true -> Found end,
            ok = keep(Asked, Named, Ttl),
            {ok, Named};
        {error, _} = Error -> Error
    end.

found(#{resolver := inet} = Asked) -> esock_net_inet:addresses(Asked);
found(Asked) ->
    case query(getaddrinfo, esock_net_args:query(Asked), infinity) of
        {ok, Found} -> {ok, Found, undefined};
        Error -> Error
    end.

keep(#{cache := Cache} = Asked, Found, Ttl) -> esock_net_cache:store(Cache, key(Asked), Found, Ttl);
keep(_, _, _) -> ok.

%% NAMEREQD: a name, or none.
with_hostname(#{addr := Addr} = Info) ->
    {ok, Bytes} = esock_nif:pack(Addr),
    case query(getnameinfo, {names, Bytes, 8}, infinity) of
        {ok, #{host := Name}} -> Info#{hostname => Name};
        {error, _} -> Info
    end.

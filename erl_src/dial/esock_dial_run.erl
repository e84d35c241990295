%% @private
%% @doc Does what `esock_dial_plan' says: sockets, the resolver, events, time. The process that calls owns all of it.
%%
%% A step is `{wait, Timeout, Next}', where `Next' takes the next message of the dial, or `{done, Result}'. The waits of all attempts
%% have the same handle.
-module(esock_dial_run).

-export([start/2, next/2, release/1]).

-export_type([job/0, run/0, step/0, result/0]).

-type job() :: #{host := esock_dial:peer(), name := esock_dial:host_name(), port := esock:port_number() | undefined,
                 config := esock_dial_options:config()}.
%% What to dial: the caller's host for results, its name for the resolver.

-type result() :: {ok, esock:socket()} | {error, esock_dial:dial_error()}.
%% The end of a dial.

-type step() :: {wait, timeout(), run()} | {done, result()}.
%% What follows. A timeout is in milliseconds.

%% linux/in.h.
-define(IP_BIND_ADDRESS_NO_PORT, 24).

-record(run, {handle :: reference(), job :: job(), plan :: esock_dial_plan:plan() | undefined,
              attempts = [] :: [{pos_integer(), esock:socket(), esock_dial_plan:address()}],
              resolver = none :: none | {pid(), Monitor :: reference(), Alias :: reference(), [term()]}}).

-opaque run() :: #run{}.
%% A dial under way.

%% @doc Begins a dial of the calling process. Its messages carry `Handle'.
-spec start(job(), reference()) -> step().
start(#{config := Config} = Job, Handle) ->
    {Actions, Plan} = esock_dial_plan:new(Config, now_ms()),
    perform(Actions, #run{handle = Handle, job = Job, plan = Plan}).

%% @doc Goes on with a message of `esock_wait:many/2'.
-spec next(esock_wait:message(), run()) -> step().
next(timeout, Run) -> event(time, Run);
next({select, Socket}, Run) ->
    case lists:keyfind(Socket, 2, Run#run.attempts) of
        {Id, _, Address} -> connect(Id, Socket, Address, Run);
        false -> waiting(Run)
    end;
next({abort, Socket, Reason}, Run) ->
    case lists:keyfind(Socket, 2, Run#run.attempts) of
        {Id, _, _} -> event({failed, Id, Reason}, close(Id, Run));
        false -> waiting(Run)
    end;
next({message, {resolved, {_, _} = Id, {ok, Addresses}}}, #run{job = #{port := Port}} = Run) ->
    event({resolved, Id, esock_dial_target:resolved(Addresses, Port)}, Run);
next({message, {resolved, Id, Error}}, Run) -> event({resolved, Id, Error}, Run);
next({down, Monitor, Reason}, #run{resolver = {_, Monitor, _, Ids}} = Run) ->
    lost(Ids, {error, {exit, Reason}}, stop_resolving(Run));
next(_, Run) -> waiting(Run).

%% The process that asks has ended. The plan ignores the ids of queries that were answered.
lost([Id | Ids], Error, Run) ->
    case event({resolved, Id, Error}, Run) of
        {wait, _, Next} when Ids =/= [] -> lost(Ids, Error, Next);
        Step -> Step
    end.

waiting(#run{plan = Plan} = Run) ->
    case esock_dial_plan:wake(Plan) of
        infinity -> {wait, infinity, Run};
        %% The longest wait of `receive'.
        Time -> {wait, min(16#FFFFFFFF, max(0, Time - now_ms())), Run}
    end.

now_ms() -> erlang:monotonic_time(millisecond).

%% Functions of the caller may raise: then nothing of the dial is left either.
event(Event, #run{plan = Plan} = Run) ->
    try esock_dial_plan:event(Event, now_ms(), Plan) of
        {Actions, Next} -> perform(Actions, Run#run{plan = Next})
    catch Class:Reason:Stack -> raise(Class, Reason, Stack, Run)
    end.

-spec raise(error | exit | throw, term(), list(), #run{}) -> no_return().
raise(Class, Reason, Stack, Run) ->
    release(Run),
    erlang:raise(Class, Reason, Stack).

perform([], Run) -> waiting(Run);
%% An attempt starts last.
perform([{connect, Id, Address}], Run) ->
    case attempt(Address, Run) of
        {ok, Socket} -> connect(Id, Socket, Address, Run#run{attempts = [{Id, Socket, Address} | Run#run.attempts]});
        {error, Reason} -> event({failed, Id, Reason}, Run)
    end;
perform([{close, Id} | Actions], Run) -> perform(Actions, close(Id, Run));
%% Nothing follows: the first attempt waits for an answer.
perform([{resolve, Ids}], Run) -> resolve(Ids, stop_resolving(Run));
perform([stop_resolving | Actions], Run) -> perform(Actions, stop_resolving(Run));
perform([{event, Event} | Actions], #run{job = Job} = Run) ->
    try notify(Event, Job) of
        _ -> perform(Actions, Run)
    catch Class:Reason:Stack -> raise(Class, Reason, Stack, Run)
    end;
perform([no_listener | Actions], #run{job = #{host := Host, port := Port}} = Run) ->
    ok = esock_dial_log:no_listener(Host, Port),
    perform(Actions, Run);
perform([{done, {ok, Id}}], Run) ->
    {value, {_, Socket, _}, Others} = lists:keytake(Id, 1, Run#run.attempts),
    release(Run#run{attempts = Others}),
    {done, {ok, Socket}};
perform([{done, {error, Info}}], #run{job = #{host := Host, port := Port}} = Run) ->
    release(Run),
    {done, {error, {dial_failed, Info#{host => Host, port => Port}}}}.

notify(Event, #{host := Host, port := Port, config := #{on_event := Observer}}) -> Observer(Event#{host => Host, port => Port}).

%%% ---- Sockets --------------------------------------------------------------------------------------------------------

%% Options of the caller may be of any kind, and raise.
attempt(#{family := Family}, #run{job = #{config := #{sources := Sources} = Config}}) ->
    try opened(source(Family, Sources), Family, Config) of
        {ok, Socket, Source} -> prepare(Socket, Family, Source, Config);
        Error -> Error
    catch error:Reason -> {error, Reason}
    end.

source(_, Sources) when Sources =:= #{} -> {ok, none};
source(Family, Sources) ->
    case Sources of
        #{Family := Source} -> {ok, Source};
        _ -> {error, no_local_address}
    end.

opened({ok, Source}, Family, Config) ->
    case open(Family, Config) of
        {ok, Socket} -> {ok, Socket, Source};
        Error -> Error
    end;
opened(Error, _, _) -> Error.

open(local, #{type := Type, open := Opts}) -> esock:open(local, Type, default, Opts);
open(Family, #{open := Opts}) -> esock:open(Family, stream, tcp, Opts).

prepare(Socket, Family, Source, #{options := Options, keepalive := Keepalive, nodelay := Nodelay}) ->
    %% The socket works without it.
    _ = Nodelay andalso Family =/= local andalso esock:setopt(Socket, {tcp, nodelay}, true),
    try bind(set(Keepalive ++ Options, Family, Socket), Source, Socket) of
        ok -> {ok, Socket};
        {error, _} = Error -> unused(Socket, Error)
    catch error:Reason -> unused(Socket, {error, Reason})
    end.

unused(Socket, Error) ->
    _ = esock:close(Socket),
    Error.

bind(ok, none, _) -> ok;
bind(ok, #{port := 0} = Source, Socket) ->
    %% The connect chooses the port: connections to other peers may share it. Without the option (Linux 4.2) the bind does.
    _ = esock:setopt_native(Socket, {ip, ?IP_BIND_ADDRESS_NO_PORT}, true),
    esock:bind(Socket, Source);
bind(ok, Source, Socket) -> esock:bind(Socket, Source);
bind(Error, _, _) -> Error.

set([], _, _) -> ok;
set([{{ip, _}, _} | Options], Family, Socket) when Family =/= inet -> set(Options, Family, Socket);
set([{{ipv6, _}, _} | Options], Family, Socket) when Family =/= inet6 -> set(Options, Family, Socket);
set([{{tcp, _}, _} | Options], local, Socket) -> set(Options, local, Socket);
set([{Option, Value} | Options], Family, Socket) ->
    case esock:setopt(Socket, Option, Value) of
        ok -> set(Options, Family, Socket);
        {error, Reason} -> {error, Reason}
    end.

connect(Id, {'$socket', Ref}, Address, #run{handle = Handle} = Run) ->
    case call(Ref, {connect, Address}, Handle, 0) of
        ok -> event({connected, Id}, Run);
        wait -> waiting(Run);
        {error, Reason} -> event({failed, Id, Reason}, close(Id, Run))
    end.

%% As a blocking connect: it yields where that pays, and waits with a `select' message on every back end.
call(Ref, Op, Handle, Yields) ->
    try esock_wait:call(Ref, Op, Handle, Yields) of
        yield ->
            erlang:yield(),
            call(Ref, Op, Handle, Yields + 1);
        Result -> Result
    catch error:Reason -> {error, Reason}
    end.

close(Id, #run{handle = Handle, attempts = Attempts} = Run) ->
    case lists:keytake(Id, 1, Attempts) of
        {value, {_, {'$socket', Ref} = Socket, _}, Others} ->
            %% Its message is taken out of the inbox.
            _ = esock_wait:cancel(Ref, connect, Handle),
            _ = esock:close(Socket),
            Run#run{attempts = Others};
        false -> Run
    end.

%%% ---- The resolver ---------------------------------------------------------------------------------------------------

resolve(Ids, #run{handle = Handle, job = #{name := Name, config := #{resolver := Resolver}}} = Run) ->
    Alias = alias(),
    case esock_dial_resolver:start(Resolver, Name, [{Id, Query} || {_, Query} = Id <- Ids], Alias, Handle) of
        {ok, Pid} ->
            Monitor = erlang:monitor(process, Pid, [{tag, {down, Handle}}]),
            waiting(Run#run{resolver = {Pid, Monitor, Alias, Ids}});
        {error, Reason} ->
            true = unalias(Alias),
            ok = esock_wait:drop(Handle),
            lost(Ids, {error, {exit, Reason}}, Run)
    end.

stop_resolving(#run{resolver = none} = Run) -> Run;
stop_resolving(#run{handle = Handle, resolver = {Pid, Monitor, Alias, _}} = Run) ->
    ok = esock_dial_resolver:stop(Pid),
    true = unalias(Alias),
    true = demonitor(Monitor, [flush]),
    ok = esock_wait:drop(Handle),
    Run#run{resolver = none}.

%% @doc Ends a dial: nothing of it is left.
-spec release(run()) -> ok.
release(#run{attempts = Attempts} = Run) ->
    _ = lists:foldl(fun({Id, _, _}, R) -> close(Id, R) end, stop_resolving(Run), Attempts),
    ok.

%% @private
%% @doc The process of a server that owns its listeners, knows its pools, and counts for all of them.
-module(esock_server_keeper).

-behaviour(gen_server).

-export([start_link/1, pools/1, total/2]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

-export_type([slots/0]).

-type slots() :: tuple().
%% A reference of {@link atomics} for each pool: connections, whether the pool waits for another pool's connection to end, and the
%% numbers of accepted and of rejected connections and of failed accepts. Only that pool writes it, so a pool that is killed leaves
%% no wrong sum behind.

-define(FIELDS, 5).

%% @doc How many pools a server has: one, or for a group one for each listener.
-spec pools(map()) -> pos_integer().
pools(#{acceptors := Count}) -> Count;
pools(#{listen := {group, _}} = Opts) ->
    maps:get(sockets, maps:get(listen_options, Opts, #{}), erlang:system_info(schedulers_online));
pools(_) -> 1.

%% @doc The sum of a field over all pools.
-spec total(slots(), 1..?FIELDS) -> integer().
total(Slots, Field) -> total(Slots, Field, tuple_size(Slots), 0).

total(_, _, 0, Sum) -> Sum;
total(Slots, Field, N, Sum) -> total(Slots, Field, N - 1, Sum + atomics:get(element(N, Slots), Field)).

-spec start_link(map()) -> {ok, pid()} | {error, term()} | ignore.
start_link(Opts) -> gen_server:start_link(?MODULE, Opts, []).

-spec init(map()) -> {ok, map()} | {stop, term()}.
init(Opts) ->
    %% The supervisor's `shutdown' then runs terminate/2, which waits for the files of Unix listeners to be removed.
    _ = process_flag(trap_exit, true),
    case open(Opts) of
        {ok, Sockets} ->
            Slots = list_to_tuple([atomics:new(?FIELDS, []) || _ <- lists:seq(1, pools(Opts))]),
            {ok, #{opts => Opts, listeners => [listener(S) || S <- Sockets], slots => Slots, pools => #{}, state => running,
                   stopping => [], draining => none}};
        {error, Reason} -> {stop, {shutdown, Reason}}
    end.

open(#{listeners := Sockets}) -> {ok, Sockets};
open(#{listen := What} = Opts) -> listen(What, maps:get(listen_options, Opts, #{})).

listen({group, What}, Opts) -> esock_server:listen_group(What, Opts);
listen({all, Host, Port}, Opts) -> esock_server:listen_all(Host, Port, Opts);
listen([], _) -> {ok, []};
listen([What | Rest], Opts) ->
    case listen(What, Opts) of
        {ok, Sockets} ->
            case listen(Rest, Opts) of
                {ok, More} -> {ok, Sockets ++ More};
                Error -> lists:foreach(fun esock_server:close/1, Sockets), Error
            end;
        Error -> Error
    end;
listen(What, Opts) ->
    case esock_server:listen(What, Opts) of
        {ok, S} -> {ok, [S]};
        Error -> Error
    end.

listener(S) ->
    Address = case esock:sockname(S) of {ok, Name} -> Name; {error, _} -> undefined end,
    #{socket => S, address => Address, monitor => esock:monitor(S)}.

-spec handle_call(term(), gen_server:from(), map()) -> {reply, term(), map()} | {noreply, map()}.
handle_call({pool, N, Pid}, _From, #{pools := Pools, slots := Slots, state := Now} = State) ->
    %% A pool that was killed has counted in this slot; its connections have ended with it.
    lists:foreach(fun(Field) -> atomics:put(element(N, Slots), Field, 0) end, [1, 2]),
    gen_server:cast(self(), freed),
    {reply, {Now, Slots, share(N, State)}, State#{pools := Pools#{N => #{pid => Pid, monitor => monitor(process, Pid), phase => running}}}};
handle_call(info, _From, State) ->
    {reply, info(State), State};
handle_call(listeners, _From, #{listeners := Listeners} = State) ->
    {reply, [S || #{socket := S} <- Listeners], State};
handle_call(pools, _From, #{pools := Pools, opts := Opts} = State) ->
    {reply, {[Pid || #{pid := Pid} <- maps:values(Pools)], maps:get(notify, Opts, false)}, State};
handle_call(stop_accepting, From, #{stopping := Stopping} = State) ->
    {noreply, stop_accepting(State#{stopping := [From | Stopping]})};
handle_call({drain, _}, _From, #{draining := #{}} = State) ->
    {reply, {error, already}, State};
handle_call({drain, Timeout}, From, #{opts := Opts} = State) ->
    Timer = case Timeout of infinity -> none; _ -> erlang:start_timer(Timeout, self(), cut_off) end,
    Draining = #{from => From, timer => Timer, notify => maps:get(notify, Opts, false), began => none, cut => 0},
    {noreply, stop_accepting(State#{draining := Draining})};
handle_call(_, _From, State) ->
    {reply, {error, {invalid, call}}, State}.

-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(freed, State) -> tell(unpark, State), {noreply, State};
handle_cast({phase, N, Pid, Phase}, #{pools := Pools} = State) ->
    case Pools of
        #{N := #{pid := Pid} = Pool} -> {noreply, phases(State#{pools := Pools#{N := Pool#{phase := Phase}}})};
        _ -> {noreply, State}
    end;
handle_cast({cut, Count}, #{draining := #{cut := Cut} = Draining} = State) ->
    {noreply, State#{draining := Draining#{cut := Cut + Count}}};
handle_cast(_, State) -> {noreply, State}.

-spec handle_info(term(), map()) -> {noreply, map()} | {stop, term(), map()}.
handle_info({'DOWN', MRef, process, _, _}, #{pools := Pools} = State) ->
    {noreply, phases(State#{pools := maps:filter(fun(_, #{monitor := M}) -> M =/= MRef end, Pools)})};
handle_info({'DOWN', MRef, socket, _, _}, #{listeners := Listeners, state := Now} = State) ->
    case [L || #{monitor := M} = L <- Listeners, M =/= MRef] of
        %% Another process has closed them. The supervisor decides what follows.
        [] when Now =:= running, Listeners =/= [] -> {stop, {shutdown, closed}, State};
        Left -> {noreply, State#{listeners := Left}}
    end;
handle_info({timeout, Timer, cut_off}, #{draining := #{timer := Timer}} = State) ->
    tell(cut_off, State),
    {noreply, State};
handle_info(_, State) -> {noreply, State}.

-spec terminate(term(), map()) -> ok.
terminate(_, #{listeners := Listeners}) -> lists:foreach(fun close/1, Listeners).

-spec code_change(term(), map(), term()) -> {ok, map()}.
code_change(_, State, _) -> {ok, State}.

close(#{socket := S, monitor := MRef}) -> _ = esock:cancel_monitor(MRef), _ = esock_server:close(S), ok.

tell(What, #{pools := Pools}) -> maps:foreach(fun(_, #{pid := Pid}) -> gen_server:cast(Pid, What) end, Pools).

%% The listeners of a pool: all of them; of a group its own.
share(_, #{state := Now}) when Now =/= running -> [];
share(N, #{opts := #{listen := {group, _}}, listeners := Listeners, slots := Slots}) ->
    [{S, A} || {I, #{socket := S, address := A}} <- lists:zip(lists:seq(1, length(Listeners)), Listeners), (I - N) rem tuple_size(Slots) =:= 0];
share(_, #{listeners := Listeners}) -> [{S, A} || #{socket := S, address := A} <- Listeners].

%%% ---- Stopping and draining ------------------------------------------------------------------------------------------
%% The pools stop accepting (`stopped') and answer `empty' when they have no connection left. When all have stopped, the listeners
%% are closed; when all are empty, the drain has ended.

stop_accepting(#{state := running} = State) -> tell(stop_accepting, State), phases(State#{state := stopping});
stop_accepting(State) -> phases(State).

phases(#{state := running} = State) -> State;
phases(#{state := stopping, pools := Pools} = State) ->
    case lists:any(fun(#{phase := Phase}) -> Phase =:= running end, maps:values(Pools)) of
        true -> State;
        false -> phases(stopped(State))
    end;
phases(#{state := stopped, stopping := Stopping} = State) ->
    lists:foreach(fun(From) -> gen_server:reply(From, ok) end, Stopping),
    drained(State#{stopping := []}).

stopped(#{listeners := Listeners} = State) ->
    lists:foreach(fun close/1, Listeners),
    State#{state := stopped, listeners := []}.

drained(#{draining := none} = State) -> State;
drained(#{draining := #{began := none, notify := Notify} = Draining, slots := Slots} = State) ->
    _ = Notify andalso tell(notify, State),
    drained(State#{draining := Draining#{began := total(Slots, 1)}});
drained(#{draining := #{from := From, timer := Timer, began := Began, cut := Cut}, pools := Pools} = State) ->
    case lists:all(fun(#{phase := Phase}) -> Phase =:= empty end, maps:values(Pools)) of
        true ->
            _ = Timer =/= none andalso erlang:cancel_timer(Timer),
            gen_server:reply(From, {ok, #{ended => max(0, Began - Cut), cut_off => Cut}}),
            State#{draining := none};
        false -> State
    end.

info(#{opts := Opts, listeners := Listeners, slots := Slots, pools := Pools, state := Now, draining := Draining}) ->
    #{state => case {Now, Draining} of {stopped, #{}} -> draining; {stopping, #{}} -> draining; {Other, _} -> Other end,
      listeners => [Address || #{address := Address} <- Listeners],
      acceptors => map_size(Pools),
      max_connections => maps:get(max_connections, Opts, infinity),
      active => total(Slots, 1), accepted => total(Slots, 3), rejected => total(Slots, 4), failed => total(Slots, 5)}.

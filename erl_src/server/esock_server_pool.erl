%% @private
%% @doc A process that accepts connections of a server, starts a process for each, and supervises these: they are linked to it.
-module(esock_server_pool).

-behaviour(gen_server).

-export([start_link/3]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2, terminate/2, code_change/3]).

%% Connections that one call accepts at most, see esock:accept_many/3.
-define(BURST, 64).
%% Fields of the slot: see esock_server_keeper:slots().
-define(ACTIVE, 1).
-define(PARKED, 2).
-define(ACCEPTED, 3).
-define(REJECTED, 4).
-define(FAILED, 5).

-spec start_link(pid(), pos_integer(), map()) -> {ok, pid()} | {error, term()} | ignore.
start_link(Sup, N, Opts) -> gen_server:start_link(?MODULE, {Sup, N, Opts}, []).

-spec init({pid(), pos_integer(), map()}) -> {ok, term(), {continue, register}}.
init(Args) -> {ok, Args, {continue, register}}.

%% The supervisor is asked when it has started this process. Exits are trapped from here on only, so that a supervisor that stops
%% meanwhile does not wait for the answer.
-spec handle_continue(register, term()) -> {noreply, map()} | {stop, term(), term()}.
handle_continue(register, {Sup, N, Opts} = Args) ->
    case esock_server_sup:keeper(Sup) of
        undefined -> {stop, {shutdown, no_keeper}, Args};
        Keeper ->
            {Now, Slots, Listeners} = gen_server:call(Keeper, {pool, N, self()}, infinity),
            _ = process_flag(trap_exit, true),
            Filter = case Opts of #{peercred := P} -> esock_server_unix:peercred(P); _ -> none end,
            State = #{n => N, keeper => Keeper, slots => Slots, slot => element(N, Slots), opts => Opts,
                      max => maps:get(max_connections, Opts, infinity), filter => Filter,
                      handler => maps:get(handler, Opts), spawn => maps:get(spawn_options, Opts, []),
                      listeners => maps:from_list([{S, #{server => Sup, address => A}} || {S, A} <- Listeners]),
                      handle => make_ref(), waiting => #{}, parked => [], connections => #{}, accepts => true, cut => none},
            {noreply, begin_accepting(Now, State)}
    end.

begin_accepting(running, #{listeners := Listeners} = State) ->
    lists:foldl(fun accept/2, State, maps:keys(Listeners));
begin_accepting(_, State) -> stop_accepting(State).

-spec handle_call(term(), gen_server:from(), map()) -> {reply, term(), map()}.
handle_call(connections, _, #{connections := Connections} = State) -> {reply, maps:keys(Connections), State};
handle_call({adopt, Socket, Info}, _, State) ->
    add(?ACTIVE, 1, State),
    New = start(Socket, Info, State#{filter := none}),
    {reply, ok, New#{filter := maps:get(filter, State)}};
handle_call(_, _, State) -> {reply, {error, {invalid, call}}, State}.

-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(unpark, State) -> {noreply, unpark(State)};
handle_cast({accept, S}, #{accepts := true, listeners := Listeners} = State) when is_map_key(S, Listeners) -> {noreply, accept(S, State)};
handle_cast(stop_accepting, State) -> {noreply, stop_accepting(State)};
handle_cast(notify, #{connections := Connections} = State) ->
    lists:foreach(fun(Pid) -> Pid ! {esock_server, drain} end, maps:keys(Connections)),
    {noreply, State};
handle_cast(cut_off, #{connections := Connections, keeper := Keeper} = State) ->
    gen_server:cast(Keeper, {cut, map_size(Connections)}),
    {noreply, cut_off(State)};
handle_cast(_, State) -> {noreply, State}.

-spec handle_info(term(), map()) -> {noreply, map()}.
handle_info({'EXIT', Pid, _}, #{connections := Connections} = State) when is_map_key(Pid, Connections) ->
    {noreply, ended(State#{connections := maps:remove(Pid, Connections)})};
handle_info({'$socket', S, select, Handle}, #{handle := Handle, waiting := Waiting} = State) ->
    {noreply, accept(S, State#{waiting := maps:remove(S, Waiting)})};
handle_info({'$socket', S, abort, {Handle, _}}, #{handle := Handle, waiting := Waiting} = State) ->
    {noreply, accept(S, State#{waiting := maps:remove(S, Waiting)})};
handle_info({timeout, Timer, kill}, #{cut := Timer, connections := Connections} = State) ->
    kill(Connections, kill),
    {noreply, State};
handle_info(_, State) -> {noreply, State}.

%% As a supervisor: `shutdown', and after a time `kill'.
-spec terminate(term(), map() | tuple()) -> ok.
terminate(_, #{connections := _} = State) ->
    #{connections := Connections} = Cut = cut_off(stop_accepting(State)),
    gone(Connections, Cut);
terminate(_, _) -> ok.

gone(Connections, _) when map_size(Connections) =:= 0 -> ok;
gone(Connections, #{cut := Timer} = State) ->
    case receive {'EXIT', Pid, _} -> Pid; {timeout, Timer, kill} -> kill end of
        kill -> kill(Connections, kill), gone(Connections, State);
        Gone -> gone(maps:remove(Gone, Connections), State)
    end.

-spec code_change(term(), map(), term()) -> {ok, map()}.
code_change(_, State, _) -> {ok, State}.

%%% ---- Accepting ------------------------------------------------------------------------------------------------------

%% Accepts what is there, and waits if there is nothing. Each connection has its place before it is accepted.
accept(S, #{accepts := true, handle := Handle} = State) ->
    case reserve(State) of
        0 -> park(S, State);
        Places -> accepted(attempt(S, Places, Handle), S, Places, State)
    end;
accept(_, State) -> State.

%% The call that waits for `select' with either back end: a completion would accept without asking for a place.
attempt({'$socket', Ref}, Max, Handle) ->
    case esock_wait:call(Ref, {accept, Max}, Handle, 100) of
        {signals, _} = Result -> esock_wait:with_signals(Result);
        Result -> Result
    end.

accepted({ok, Sockets}, S, Places, #{listeners := Listeners} = State) ->
    Count = length(Sockets),
    release(Places - Count, State),
    add(?ACCEPTED, Count, State),
    New = lists:foldl(fun(Socket, Acc) -> start(Socket, maps:get(S, Listeners), Acc) end, State, Sockets),
    again(Count < Places, S, New);
accepted(wait, S, Places, #{waiting := Waiting} = State) ->
    release(Places, State),
    State#{waiting := Waiting#{S => true}};
accepted(yield, S, Places, State) ->
    release(Places, State),
    again(false, S, State);
accepted({error, Reason}, S, Places, State) ->
    release(Places, State),
    refused(Reason, S, State).

%% After a part of a burst the backlog is empty: the next call waits. Otherwise the messages that have come meanwhile go first.
again(true, S, State) -> accept(S, State);
again(false, S, State) -> gen_server:cast(self(), {accept, S}), State.

%% Errors of one connection, or of a lack of something, after which accept backs off. All others are of the listener.
refused(Reason, S, State) when Reason =:= emfile; Reason =:= enfile; Reason =:= enobufs; Reason =:= enomem; Reason =:= econnaborted;
                               Reason =:= eproto; Reason =:= enetdown; Reason =:= enoprotoopt; Reason =:= ehostdown;
                               Reason =:= enonet; Reason =:= ehostunreach; Reason =:= enetunreach; Reason =:= eperm; Reason =:= econnreset ->
    add(?FAILED, 1, State),
    again(false, S, State);
refused(_, S, #{listeners := Listeners} = State) -> State#{listeners := maps:remove(S, Listeners)}.

start(Socket, Info, #{filter := Filter, handler := Handler, spawn := Spawn, connections := Connections} = State) ->
    case esock_server_unix:allowed(Socket, Filter) of
        true ->
            Pid = esock_server_connection:start(Handler, {esock_server, Socket, Info}, Spawn),
            State#{connections := Connections#{Pid => []}};
        false ->
            _ = esock:close(Socket),
            add(?REJECTED, 1, State),
            release(1, State),
            State
    end.

%%% ---- Places ---------------------------------------------------------------------------------------------------------

reserve(#{max := infinity, slot := Slot}) -> atomics:add(Slot, ?ACTIVE, ?BURST), ?BURST;
reserve(#{max := Max, slot := Slot, slots := Slots}) ->
    atomics:add(Slot, ?ACTIVE, ?BURST),
    Over = min(?BURST, max(0, esock_server_keeper:total(Slots, ?ACTIVE) - Max)),
    atomics:sub(Slot, ?ACTIVE, Over),
    ?BURST - Over.

%% A pool that waits for a place is told, also after a reservation of which it has seen only the beginning.
release(0, _) -> ok;
release(Count, #{max := Max, slot := Slot, slots := Slots, keeper := Keeper}) ->
    atomics:sub(Slot, ?ACTIVE, Count),
    _ = Max =/= infinity andalso esock_server_keeper:total(Slots, ?PARKED) > 0 andalso gen_server:cast(Keeper, freed),
    ok.

add(Field, Count, #{slot := Slot}) -> atomics:add(Slot, Field, Count).

%% No place is free: the turn goes to others that accept on this listener, and the connections wait in its backlog.
park(S, #{slot := Slot, slots := Slots, max := Max, parked := Parked, waiting := Waiting, handle := Handle} = State) ->
    {'$socket', Ref} = S,
    _ = esock_wait:cancel(Ref, accept, Handle),
    atomics:put(Slot, ?PARKED, 1),
    New = State#{parked := [S | lists:delete(S, Parked)], waiting := maps:remove(S, Waiting)},
    %% A place may have become free before the mark was seen.
    case esock_server_keeper:total(Slots, ?ACTIVE) < Max of
        true -> gen_server:cast(self(), unpark), New;
        false -> New
    end.

unpark(#{parked := []} = State) -> State;
unpark(#{parked := Parked, slot := Slot} = State) ->
    atomics:put(Slot, ?PARKED, 0),
    lists:foldl(fun accept/2, State#{parked := []}, lists:reverse(Parked)).

ended(#{connections := Connections} = State) ->
    release(1, State),
    case map_size(Connections) of
        0 -> phase(State);
        _ -> State
    end.

%%% ---- Ending ---------------------------------------------------------------------------------------------------------

stop_accepting(#{waiting := Waiting, handle := Handle, slot := Slot} = State) ->
    lists:foreach(fun({'$socket', Ref}) -> _ = esock_wait:cancel(Ref, accept, Handle) end, maps:keys(Waiting)),
    atomics:put(Slot, ?PARKED, 0),
    phase(State#{accepts := false, waiting := #{}, parked := [], listeners := #{}}).

phase(#{accepts := true} = State) -> State;
phase(#{n := N, keeper := Keeper, connections := Connections} = State) ->
    Phase = case map_size(Connections) of 0 -> empty; _ -> stopped end,
    gen_server:cast(Keeper, {phase, N, self(), Phase}),
    State.

cut_off(#{connections := Connections, opts := Opts} = State) ->
    case maps:get(shutdown, Opts, 5000) of
        brutal_kill -> kill(Connections, kill), State;
        infinity -> kill(Connections, shutdown), State;
        Time -> kill(Connections, shutdown), State#{cut := erlang:start_timer(Time, self(), kill)}
    end.

kill(Connections, Reason) -> maps:foreach(fun(Pid, _) -> exit(Pid, Reason) end, Connections).

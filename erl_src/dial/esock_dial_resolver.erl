%% @private
%% @doc Asks the resolver for one round of a dial: a process for each query, and this one, which ends them with the dial.
%%
%% An answer is `{Handle, {resolved, Id, Result}}', sent to an alias of the process that dials. Nothing arrives after that
%% process has given its alias up. The processes end when it ends, or when it stops them.
-module(esock_dial_resolver).
-behaviour(gen_server).

-export([start/5, stop/1, ask/3]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

-record(state, {alias :: reference(), handle :: reference(), dialer :: reference(), ids :: #{pid() => term()}}).

%% @doc Starts the queries `{Id, Query}' about a host. `Handle' marks the answers to `Alias'.
-spec start(esock_dial:resolver(), esock_dial:host_name(), [{term(), esock_dial:query()}], reference(), reference()) ->
          {ok, pid()} | {error, term()}.
start(Resolver, Host, Queries, Alias, Handle) ->
    gen_server:start(?MODULE, {Resolver, Host, Queries, self(), Alias, Handle}, []).

%% @doc Ends the queries.
-spec stop(pid()) -> ok.
stop(Pid) ->
    %% Its processes are linked to it.
    true = exit(Pid, kill),
    ok.

%% @doc One query: calls the resolver. What is no answer is an error.
-spec ask(esock_dial:resolver(), esock_dial:host_name(), esock_dial:query()) -> no_return().
ask(Resolver, Host, Query) ->
    Result = try Resolver(Host, Query) of
                 {ok, Addresses} when is_list(Addresses) -> {ok, Addresses};
                 {error, _} = Error -> Error;
                 Other -> {error, {invalid, {resolver, Other}}}
             catch _:Reason -> {error, {exit, Reason}}
             end,
    exit({answer, Result}).

%% @private
-spec init(tuple()) -> {ok, #state{}}.
init({Resolver, Host, Queries, Dialer, Alias, Handle}) ->
    process_flag(trap_exit, true),
    Monitor = monitor(process, Dialer),
    %% Without proc_lib: that an answer is the exit reason is no crash to report.
    Ids = maps:from_list([{spawn_link(?MODULE, ask, [Resolver, Host, Query]), Id} || {Id, Query} <- Queries]),
    {ok, #state{alias = Alias, handle = Handle, dialer = Monitor, ids = Ids}}.

%% @private
-spec handle_call(term(), gen_server:from(), #state{}) -> {noreply, #state{}}.
handle_call(_, _, State) -> {noreply, State}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}}.
handle_cast(_, State) -> {noreply, State}.

%% @private
-spec handle_info(term(), #state{}) -> {noreply, #state{}} | {stop, normal, #state{}}.
handle_info({'EXIT', Pid, Reason}, #state{alias = Alias, handle = Handle, ids = Ids} = State) when is_map_key(Pid, Ids) ->
    {Id, Others} = maps:take(Pid, Ids),
    Result = case Reason of {answer, Answer} -> Answer; _ -> {error, {exit, Reason}} end,
    _ = Alias ! {Handle, {resolved, Id, Result}},
    case Others =:= #{} of
        true -> {stop, normal, State#state{ids = Others}};
        false -> {noreply, State#state{ids = Others}}
    end;
handle_info({'DOWN', Dialer, process, _, _}, #state{dialer = Dialer} = State) ->
    %% The linked processes end with this one: `shutdown' ends them, `normal' would not.
    lists:foreach(fun(Pid) -> exit(Pid, kill) end, maps:keys(State#state.ids)),
    {stop, normal, State};
handle_info(_, State) ->
    {noreply, State}.

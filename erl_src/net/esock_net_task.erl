%% @private
%% @doc A lookup that a process makes: it runs a function in a process of its own, and sends the caller the result. It ends when the
%% caller ends or cancels, and then kills that process.
-module(esock_net_task).
-behaviour(gen_server).

-export([start/2, cancel/1, work/1]).
-export([init/1, handle_call/3, handle_cast/2, handle_info/2, terminate/2]).

%% @doc Starts one for the calling process. `busy': there are as many as there may be.
-spec start(reference(), fun(() -> term())) -> {ok, pid()} | {error, busy}.
start(Ref, Fun) ->
    case gen_server:start(?MODULE, {self(), Ref, Fun}, []) of
        {ok, Pid} -> {ok, Pid};
        {error, _} -> {error, busy}
    end.

%% @doc Ends it. When this returns, the message is in the inbox or will not come.
-spec cancel(pid()) -> ok.
cancel(Pid) ->
    try gen_server:call(Pid, cancel, infinity)
    catch exit:_ -> ok
    end.

%% @doc The body of the process that looks up. It ends with the result.
-spec work(fun(() -> term())) -> no_return().
work(Fun) -> exit({result, Fun()}).

%% @private
-spec init({pid(), reference(), fun(() -> term())}) -> {ok, map()} | {stop, {shutdown, busy}}.
init({Caller, Ref, Fun}) ->
    _ = process_flag(trap_exit, true),
    case esock_nif:lookup_slot(application:get_env(esock, resolver_processes, 1024)) of
        {ok, Slot} ->
            _ = monitor(process, Caller),
            Worker = spawn_link(?MODULE, work, [Fun]),
            {ok, #{caller => Caller, ref => Ref, worker => Worker, slot => Slot}};
        busy -> {stop, {shutdown, busy}}
    end.

%% @private
-spec handle_call(term(), gen_server:from(), map()) -> {stop, normal, ok, map()}.
handle_call(cancel, _From, State) -> {stop, normal, ok, State}.

%% @private
-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast(_, State) -> {noreply, State}.

%% @private
-spec handle_info(term(), map()) -> {noreply, map()} | {stop, normal, map()}.
handle_info({'EXIT', Worker, Reason}, #{worker := Worker, caller := Caller, ref := Ref} = State) ->
    Caller ! {'$esock_net', Ref, result(Reason)},
    {stop, normal, State};
handle_info({'DOWN', _, process, Caller, _}, #{caller := Caller} = State) -> {stop, normal, State};
handle_info(_, State) -> {noreply, State}.

result({result, Result}) -> Result;
result(_) -> {error, {gai, efail}}.

%% @private
-spec terminate(term(), map()) -> ok.
terminate(_, #{worker := Worker}) -> exit(Worker, kill), ok.

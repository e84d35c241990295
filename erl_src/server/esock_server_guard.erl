%% @private
%% @doc The process that removes the file of a Unix listener when the listener has closed, by whomever and for whatever reason. It ends
%% with the listener.
-module(esock_server_guard).

-behaviour(gen_server).

-export([start/4, of_socket/1, guards/1, keep/1, await/1]).
%% The kernel may release the descriptor after the message about the close, and until then the listener answers: probes, and the
%% milliseconds between two of them. If it still answers then, another program listens on a file of the same number.
-define(PROBES, 100).
-define(PAUSE, 10).

-export([init/1, handle_call/3, handle_cast/2, handle_info/2]).

%% @doc A guard of a listener. It watches the socket when this returns.
-spec start(esock:socket(), binary(), term(), term()) -> {ok, pid()} | {error, term()}.
start(Socket, Path, Id, Lock) -> gen_server:start(?MODULE, {Socket, Path, Id, Lock}, []).

%% @doc The guards of a socket: one, or none.
-spec of_socket(esock:socket()) -> [pid()].
of_socket(Socket) ->
    [Pid || Pid <- esock:monitored_by(Socket), node(Pid) =:= node(),
            proc_lib:translate_initial_call(Pid) =:= {?MODULE, init, 1}].

%% @doc What it guards.
-spec guards(pid()) -> {Path :: binary(), Id :: term(), Lock :: term()}.
guards(Guard) -> gen_server:call(Guard, guards).

%% @doc Ends the guard; the file stays. Returns what it guarded.
-spec keep(pid()) -> {Path :: binary(), Id :: term(), Lock :: term()}.
keep(Guard) -> gen_server:call(Guard, keep).

%% @doc Waits until a guard has ended.
-spec await(pid()) -> ok.
await(Guard) ->
    MRef = monitor(process, Guard),
    receive {'DOWN', MRef, process, _, _} -> ok end.

-spec init({esock:socket(), binary(), term(), term()}) -> {ok, term(), hibernate}.
init({Socket, Path, Id, Lock}) -> {ok, {esock:monitor(Socket), {Path, Id, Lock}}, hibernate}.

-spec handle_call(term(), gen_server:from(), term()) -> {stop, normal, term(), term()} | {reply, term(), term()} | {noreply, term()}.
handle_call(guards, _, {_, What} = State) ->
    {reply, What, State};
handle_call(keep, _, {MRef, What}) ->
    _ = esock:cancel_monitor(MRef),
    {stop, normal, What, {MRef, What}};
handle_call(_, _, State) -> {noreply, State}.

-spec handle_cast(term(), term()) -> {noreply, term()}.
handle_cast(_, State) -> {noreply, State}.

-spec handle_info(term(), term()) -> {noreply, term()} | {stop, normal, term()}.
handle_info({'DOWN', MRef, socket, _, _}, {MRef, _} = State) -> remove(?PROBES, State);
handle_info({probe, Left}, State) -> remove(Left, State);
handle_info(_, State) -> {noreply, State}.

remove(Left, {_, {Path, Id, Lock}} = State) ->
    case esock_server_unix:remove(Path, Id, Lock) of
        listens when Left > 0 -> _ = erlang:send_after(?PAUSE, self(), {probe, Left - 1}), {noreply, State};
        _ -> {stop, normal, State}
    end.

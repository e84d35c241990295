%% @private
%% @doc The supervisors of a server: one for the keeper of the listeners and the pools that accept, and one for the pools. If the
%% keeper ends, the pools start anew after it.
-module(esock_server_sup).

-behaviour(supervisor).

-export([start/1, start_pools/2, keeper/1, call/2, stop/1, adopt/3]).
-export([init/1]).

%% @doc Starts the processes of a server.
-spec start(esock_server:options()) -> {ok, pid()} | {error, term()}.
start(Opts) ->
    case esock_server_opts:check(Opts, [server]) of
        ok -> complete(Opts);
        Error -> Error
    end.

complete(#{handler := _, listeners := Sockets} = Opts) when not is_map_key(listen, Opts) ->
    case start_link(Opts) of
        {ok, Server} = Ok ->
            Keeper = keeper(Server),
            %% Those of another process stay its own.
            lists:foreach(fun(S) -> _ = esock:setopt(S, {otp, controlling_process}, Keeper) end, Sockets),
            Ok;
        Error -> Error
    end;
complete(#{handler := _, listen := _} = Opts) when not is_map_key(listeners, Opts) -> start_link(Opts);
complete(#{handler := _}) -> {error, {invalid, {option, listen}}};
complete(_) -> {error, {invalid, {option, handler}}}.

start_link(Opts) ->
    case supervisor:start_link(?MODULE, {server, Opts}) of
        {ok, Sup} -> {ok, Sup};
        %% Of a child that does not start only its own reason is of use to the caller.
        {error, {shutdown, {failed_to_start_child, keeper, {shutdown, Reason}}}} -> {error, Reason};
        {error, _} = Error -> Error;
        ignore -> {error, ignore}
    end.

%% @doc Starts the supervisor of the pools.
-spec start_pools(pid(), map()) -> {ok, pid()} | {error, term()} | ignore.
start_pools(Sup, Opts) -> supervisor:start_link(?MODULE, {pools, Sup, Opts}).

%% @doc The keeper of a server.
-spec keeper(pid()) -> pid() | undefined.
keeper(Sup) ->
    try lists:keyfind(keeper, 1, supervisor:which_children(Sup)) of
        {keeper, Pid, _, _} when is_pid(Pid) -> Pid;
        _ -> undefined
    catch exit:_ -> undefined
    end.

%% @doc The answer of the keeper, or `{error, closed}' if the server ends.
-spec call(pid(), term()) -> term().
call(Sup, Request) ->
    case keeper(Sup) of
        undefined -> {error, closed};
        Keeper ->
            try gen_server:call(Keeper, Request, infinity)
            catch exit:_ -> {error, closed}
            end
    end.

%% @doc Ends a server.
-spec stop(pid()) -> ok | {error, closed}.
stop(Server) ->
    try gen_server:stop(Server)
    catch exit:_ -> {error, closed}
    end.

%% @doc Gives a connection of the caller to one of the pools, which starts its process.
-spec adopt(pid(), esock:socket(), term()) -> ok | {error, term()}.
adopt(Server, Socket, Term) ->
    case call(Server, pools) of
        {[_ | _] = Pools, _} ->
            Pool = lists:nth(rand:uniform(length(Pools)), Pools),
            case esock:setopt(Socket, {otp, controlling_process}, Pool) of
                ok ->
                    try gen_server:call(Pool, {adopt, Socket, #{server => Server, taken_over => Term}}, infinity)
                    catch exit:_ -> {error, closed}
                    end;
                Error -> Error
            end;
        _ -> {error, closed}
    end.

-spec init(term()) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init({server, Opts}) ->
    Keeper = #{id => keeper, start => {esock_server_keeper, start_link, [Opts]}, shutdown => 5000},
    Pools = #{id => pools, start => {?MODULE, start_pools, [self(), Opts]}, type => supervisor, shutdown => infinity},
    {ok, {#{strategy => rest_for_one, intensity => 10, period => 10}, [Keeper, Pools]}};
init({pools, Sup, Opts}) ->
    %% A pool waits `shutdown' for its connections, then kills them.
    Shutdown = case maps:get(shutdown, Opts, 5000) of
                   Time when is_integer(Time) -> Time + 5000;
                   brutal_kill -> 5000;
                   infinity -> infinity
               end,
    {ok, {#{strategy => one_for_one, intensity => 10, period => 10},
          [#{id => N, start => {esock_server_pool, start_link, [Sup, N, Opts]}, shutdown => Shutdown}
           || N <- lists:seq(1, esock_server_keeper:pools(Opts))]}}.

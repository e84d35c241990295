%% @doc The application `esock': it applies its environment when it is started.
%%
%% `{use_registry, boolean()}' says whether new sockets are registered, see {@link esock:use_registry/1};
%% `{io_backend, epoll | io_uring | auto}' which back end they have, see {@link esock:open/4};
%% `{busy_poll, boolean()}' whether a process polls in the place of a poller's thread while there is much to do, see
%% {@link esock_busy_poll}; `{read_ahead, Bytes}' how much a ring reads ahead of each stream of a socket with `io_uring'
%% (`{otp, read_ahead}', 0 if nobody says otherwise). The functions of {@link esock} work without the application being started.
-module(esock_app).
-behaviour(application).
-behaviour(supervisor).

-export([start/2]).
-export([stop/1]).
-export([init/1]).

%% @private
-spec start(application:start_type(), term()) -> {ok, pid()} | {error, term()}.
start(_Type, _Args) ->
    [ok = Apply(Value) || {Name, Apply} <- settings(), {ok, Value} <- [application:get_env(esock, Name)]],
    supervisor:start_link({local, ?MODULE}, ?MODULE, []).

settings() ->
    [{use_registry, fun esock:use_registry/1},
     {io_backend, fun esock_nif:io_backend/1},
     {busy_poll, fun esock_nif:busy_polling/1},
     {read_ahead, fun esock_nif:read_ahead/1}].

%% @private
-spec stop(term()) -> ok.
stop(_State) ->
    ok.

%% @private An application needs a process; this one has nothing to do.
-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    {ok, {#{}, []}}.

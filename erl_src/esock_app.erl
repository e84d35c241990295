%% @doc The application `esock': when it starts, it applies its environment.
%%
%% The functions of {@link esock} work without it. The keys of the environment apply to all new sockets:
%% <ul>
%% <li>`use_registry' (a boolean, default `true'): whether they are registered, see {@link esock:use_registry/1};</li>
%% <li>`io_backend' (`epoll', `io_uring' or `auto', default `epoll'): their back end, see {@link esock:open/4};</li>
%% <li>`busy_poll' (a boolean, default `true'): whether a process polls in place of a poller thread while events are dense, see
%% {@link esock_busy_poll}. `always' is for tests;</li>
%% <li>`resolver_threads' (default 32), `resolver_queue' (default 1024), `resolver_processes' (default 1024): the bounds of
%% {@link esock_net}'s lookups. A lookup reads them;</li>
%% <li>`read_ahead' (bytes, default 0): how much a ring reads ahead of each TCP stream with `io_uring', `{otp, read_ahead}' of
%% {@link esock:setopt/3}.</li>
%% </ul>
%% If the application is loaded when the first function is called, its environment applies from then on. Without the key the
%% environment variables `ESOCK_USE_SOCKET_REGISTRY', `ESOCK_IO_BACKEND', `ESOCK_BUSY_POLL' and `ESOCK_READ_AHEAD' apply.
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

%% @private An application needs a process. This one supervises nothing.
-spec init([]) -> {ok, {supervisor:sup_flags(), [supervisor:child_spec()]}}.
init([]) ->
    {ok, {#{}, []}}.

%% @private
%% @doc Polls in place of a poller thread while events are dense (ARCHITECTURE, "Busy polling"): one process for each poller. A
%% message has it begin; it asks for events and yields to other processes in turn, until the poller has it stop. If the process
%% has ended, the poller thread polls alone.
-module(esock_busy_poll).

-export([init/0, init/1, idle/1, poll/1]).

%% @private Started when `esock_nif' is loaded. Starts a process for each other poller.
-spec init() -> no_return().
init() ->
    %% In embedded mode a call to a module that is still being loaded fails, and does not wait for it.
    loaded(10_000) orelse exit(normal),
    %% The processes belong to the node, not to the application whose process was the first to open a socket.
    true = group_leader(whereis(init), self()),
    #{io_backend := #{pollers := Count}} = esock_nif:info(),
    [spawn(?MODULE, init, [Index]) || Index <- lists:seq(1, Count - 1)],
    init(0).

%% @private
-spec init(non_neg_integer()) -> no_return().
init(Index) ->
    ok = esock_nif:busy_poller(Index),
    erlang:hibernate(?MODULE, idle, [Index]).

loaded(0) ->
    false;
loaded(Tries) ->
    erlang:module_loaded(esock_nif) orelse
        receive after 1 -> loaded(Tries - 1) end.

%% @private Waits for the message to poll. It hibernates, so that what it received for other processes leaves no garbage.
-spec idle(non_neg_integer()) -> no_return().
idle(Index) ->
    receive
        busy_poll -> ?MODULE:poll(Index);
        _ -> erlang:hibernate(?MODULE, idle, [Index])
    end.

%% @private Each round runs the module's current code.
-spec poll(non_neg_integer()) -> no_return().
poll(Index) ->
    case esock_nif:busy_poll(Index) of
        true -> erlang:yield(), ?MODULE:poll(Index);
        false -> erlang:hibernate(?MODULE, idle, [Index])
    end.

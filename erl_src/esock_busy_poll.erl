%% @private
%% @doc Polls in the place of a poller's thread while events are dense (ARCHITECTURE, "Busy polling"): a process for each
%% poller, which is asked by a message, and asks for events between other processes' turns until the poller says that
%% it is over. Where such a process has ended, the thread does without it.
-module(esock_busy_poll).

-export([init/0, init/1, rest/1, busy/1]).

%% @private Begins with `esock_nif'.
-spec init() -> no_return().
init() ->
    %% Where all modules are loaded at the start, a function of one that is still being loaded is not waited for.
    loaded(10_000) orelse exit(normal),
    %% They are the node's, not those of the application that happened to be the first to open a socket.
    true = group_leader(whereis(init), self()),
    #{io_backend := #{pollers := Count}} = esock_nif:info(),
    [spawn(?MODULE, init, [Index]) || Index <- lists:seq(1, Count - 1)],
    init(0).

%% @private
-spec init(non_neg_integer()) -> no_return().
init(Index) ->
    ok = esock_nif:busy_poller(Index),
    erlang:hibernate(?MODULE, rest, [Index]).

loaded(0) ->
    false;
loaded(Tries) ->
    erlang:module_loaded(esock_nif) orelse
        receive after 1 -> loaded(Tries - 1) end.

%% @private Hibernates: what was received for others leaves no garbage here.
-spec rest(non_neg_integer()) -> no_return().
rest(Index) ->
    receive
        busy_poll -> ?MODULE:busy(Index);
        _ -> erlang:hibernate(?MODULE, rest, [Index])
    end.

%% @private Each round is in the module's current code.
-spec busy(non_neg_integer()) -> no_return().
busy(Index) ->
    case esock_nif:busy_poll(Index) of
        true -> erlang:yield(), ?MODULE:busy(Index);
        false -> erlang:hibernate(?MODULE, rest, [Index])
    end.

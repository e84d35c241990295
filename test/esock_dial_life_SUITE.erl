%% esock_dial: processes, Unix sockets, events, and what a dial leaves behind.
-module(esock_dial_life_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
-import(esock_dial_peers, [leaves_nothing/1, listener/0, closed_port/0, failed/1, answers/1, in_net/1]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ONCE, #{retry_on => []}).
-define(DEAD, {10, 9, 8, 1}).
-define(SELF6, {0, 0, 0, 0, 0, 0, 0, 1}).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [nowait, cancelled, killed, functions_that_raise, unix, unix_full, events, one_report, failed_dials_leave_nothing].

%%% ---- Processes -------------------------------------------------------------------------------------------------------

nowait(_) ->
    {L, Port} = listener(),
    Own = make_ref(),
    [begin
         {completion, {completion_info, {dial, Pid}, Ref}} = esock_dial:connect(Host, Port, #{nowait => Nowait, resolver => answers(#{inet => {ok, [?LOOPBACK]}})}),
         ?assert(is_pid(Pid) andalso (Nowait =:= true orelse Nowait =:= Ref)),
         S = receive {'$esock_dial', Ref, {ok, Socket}} -> Socket end,
         ?assertEqual({ok, self()}, esock:getopt(S, {otp, controlling_process})),
         {ok, A} = esock:accept(L, 5000),
         %% The process that dialled has ended, and the socket lives.
         esock_async_SUITE:until(fun() -> not is_process_alive(Pid) end),
         ok = esock:send(S, "hello"),
         ?assertEqual({ok, <<"hello">>}, esock:recv(A, 0, 5000)),
         esock_pairs:close([S, A])
     end || Nowait <- [true, Own], Host <- [?LOOPBACK, "name"]],
    ok = esock:close(L),
    {completion, {_, _, Failed}} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true, retry_on => []}),
    receive {'$esock_dial', Failed, {error, {dial_failed, #{attempts := [{_, econnrefused, _}]}}}} -> ok end.

cancelled(_) ->
    {L, Port} = listener(),
    leaves_nothing(fun() ->
        %% Before, while and after the message is sent.
        [begin
             {completion, Info} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true}),
             [erlang:yield() || _ <- lists:seq(1, N rem 50)],
             ok = esock_dial:cancel(Info),
             ?assertEqual({error, {invalid, Info}}, esock_dial:cancel(Info)),
             {ok, A} = drained(L),
             _ = [esock:close(S) || S <- A]
         end || N <- lists:seq(1, 500)],
        %% Its message has been received, or another process began it.
        {completion, {_, _, Ref} = Done} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true}),
        S = receive {'$esock_dial', Ref, {ok, Socket}} -> Socket end,
        ?assertEqual({error, {invalid, Done}}, esock_dial:cancel(Done)),
        ok = esock:close(S),
        {completion, Mine} = esock_dial:connect("name", Port, #{nowait => true, resolver => fun(_, _) -> receive never -> ok end end}),
        Self = self(),
        spawn(fun() -> Self ! {other, esock_dial:cancel(Mine)} end),
        receive {other, Answer} -> ?assertEqual({error, {invalid, Mine}}, Answer) end,
        ok = esock_dial:cancel(Mine),
        {ok, Left} = drained(L),
        [ok = esock:close(A) || A <- Left]
    end),
    ok = esock:close(L).

drained(L) ->
    case esock:accept(L, 0) of
        {ok, A} -> {ok, As} = drained(L), {ok, [A | As]};
        {error, timeout} -> {ok, []}
    end.

killed(_) ->
    Self = self(),
    Hangs = fun(_, _) -> Self ! {asked, self()}, receive never -> ok end end,
    leaves_nothing(fun() ->
        [begin
             {Pid, Monitor} = spawn_monitor(fun() ->
                 _ = esock_dial:connect("name", 1, #{resolver => Hangs, nowait => Nowait}),
                 receive never -> ok end
             end),
             Workers = [receive {asked, Worker} -> Worker end || _ <- [inet, inet6]],
             exit(Pid, kill),
             receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
             esock_async_SUITE:until(fun() -> not lists:any(fun is_process_alive/1, Workers) end)
         end || Nowait <- [true, false], _ <- lists:seq(1, 50)]
    end).

functions_that_raise(_) ->
    {L, Port} = closed_port(),
    Raises = fun(_) -> error(mine) end,
    leaves_nothing(fun() ->
        [?assertError(mine, esock_dial:connect(?LOOPBACK, Port, Opts))
         || Opts <- [#{on_event => Raises}, #{retry_on => Raises}, #{backoff => fun(_, _) -> error(mine) end},
                     #{on_event => fun(#{event := failed}) -> error(mine); (_) -> ok end}]],
        ?assertError({invalid, {backoff, x}}, esock_dial:connect(?LOOPBACK, Port, #{backoff => fun(_, _) -> x end})),
        #{level := Level} = logger:get_primary_config(),
        ok = logger:set_primary_config(level, none),
        try
            {completion, {_, {dial, Pid}, Ref}} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true, retry_on => Raises}),
            receive {'$esock_dial', Ref, {error, {raised, mine}}} -> ok end,
            esock_async_SUITE:until(fun() -> not is_process_alive(Pid) end)
        after ok = logger:set_primary_config(level, Level) end
    end),
    ok = esock:close(L),
    %% While attempts are under way.
    in_net(fun(Opts, Dead) ->
        leaves_nothing(fun() ->
            Second = fun(#{event := connecting, address := #{addr := {10, 9, 8, 2}}}) -> error(mine); (_) -> ok end,
            ?assertError(mine, esock_dial:connect([?DEAD, {10, 9, 8, 2}], Dead, Opts#{attempt_delay => 10, on_event => Second}))
        end)
    end).

%%% ---- Unix sockets ----------------------------------------------------------------------------------------------------

unix(_) ->
    Unique = integer_to_list(erlang:unique_integer([positive])) ++ os:getpid(),
    [leaves_nothing(fun() ->
        {ok, L} = esock:open(local, Type),
        ok = esock:bind(L, #{family => local, path => Path}),
        #{reason := failed, host := {unix, Path}, port := undefined, attempts := [{#{family := local}, econnrefused, _}]} =
            failed(esock_dial:connect_unix(Path, #{type => Type, retry_on => []})),
        ok = esock:listen(L),
        {ok, S} = case Type of stream -> esock_dial:connect_unix(Path); _ -> esock_dial:connect_unix(Path, #{type => Type, keepalive => true}) end,
        {ok, A} = esock:accept(L, 5000),
        ok = esock:send(S, "hello"),
        ?assertEqual({ok, <<"hello">>}, esock:recv(A, 0, 5000)),
        esock_pairs:close([S, A, L]),
        _ = file:delete(Path)
     end) || Type <- [stream, seqpacket], Path <- ["/tmp/esock_dial_" ++ Unique, <<0, (list_to_binary(Unique))/binary>>]],
    ?assertMatch(#{reason := failed, attempts := [{_, enoent, _}]}, failed(esock_dial:connect_unix("/nosuch/" ++ Unique))),
    ?assertMatch(#{attempts := [{_, {invalid, _}, _}]}, failed(esock_dial:connect_unix(lists:duplicate(200, $x)))).

%% A full backlog: the dial tries again until there is room.
unix_full(_) ->
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, #{family => local, path => <<>>}),
    ok = esock:listen(L, 0),
    {ok, #{path := Path}} = esock:sockname(L),
    {ok, First} = esock_dial:connect_unix(Path),
    Self = self(),
    Accepts = fun(#{event := retrying, reason := eagain}) -> Self ! esock:accept(L); (_) -> ok end,
    {ok, Second} = esock_dial:connect_unix(Path, #{backoff => {fixed, 1}, on_event => Accepts}),
    {ok, A} = receive {ok, _} = Accepted -> Accepted end,
    esock_pairs:close([First, Second, A, L]).

%%% ---- Events, logs, leaks ---------------------------------------------------------------------------------------------

events(_) ->
    {L, Port} = closed_port(),
    Self = self(),
    Tell = fun(#{host := "name", port := P, elapsed := Elapsed} = Event) when P =:= Port, Elapsed >= 0 -> Self ! {event, Event} end,
    _ = failed(esock_dial:connect("name", Port, #{resolver => answers(#{inet => {ok, [?LOOPBACK]}}), on_event => Tell,
                                                  backoff => fun(1, _) -> 0; (_, _) -> stop end})),
    Names = [case E of #{event := Name} when Name =:= resolved; Name =:= unresolved -> resolved; #{event := Name} -> Name end || E <- received()],
    Expected = [resolving, resolved, resolved, connecting, failed],
    %% The answer about IPv6 may come after the first attempt has failed.
    ?assertEqual(lists:sort(Expected ++ [retrying] ++ Expected ++ [gave_up]), lists:sort(Names)),
    ?assertEqual([resolving, gave_up], [hd(Names), lists:last(Names)]),
    ok = esock:listen(L),
    {ok, S} = esock_dial:connect("name", Port, #{resolver => answers(#{inet => {ok, [?LOOPBACK]}}), on_event => Tell}),
    ?assertMatch(#{event := connected, address := #{addr := ?LOOPBACK}, ms := _}, lists:last(received())),
    esock_pairs:close([S, L]).

received() -> receive {event, Event} -> [Event | received()] after 0 -> [] end.

%% Twenty processes dial at the same time: one report in 30 seconds.
one_report(_) ->
    {L, Port} = closed_port(),
    ok = atomics:put(persistent_term:get(esock_dial_log), 1, erlang:monotonic_time(millisecond)),
    ok = logger:add_handler(?MODULE, ?MODULE, #{config => #{to => self()}, level => warning}),
    try
        Dialers = [spawn_monitor(fun() -> esock_dial:connect(?LOOPBACK, Port, #{timeout => 50, backoff => {fixed, 2}}) end) || _ <- lists:seq(1, 20)],
        [receive {'DOWN', Monitor, process, Pid, Why} -> ?assertEqual(normal, Why) end || {Pid, Monitor} <- Dialers]
    after logger:remove_handler(?MODULE) end,
    ?assertMatch([#{what := no_listener_yet, host := ?LOOPBACK, port := Port, left_out := _}], reports()),
    ok = esock:close(L).

reports() -> receive {report, Report} -> [Report | reports()] after 0 -> [] end.

%% A logger handler.
log(#{msg := {report, #{what := no_listener_yet} = Report}, meta := #{report_cb := Text}}, #{config := #{to := To}}) ->
    {Format, Args} = Text(Report),
    _ = io_lib:format(Format, Args),
    To ! {report, Report};
log(_, _) -> ok.

failed_dials_leave_nothing(_) ->
    {L, Port} = closed_port(),
    Fails = answers(#{}),
    Resolver = answers(#{inet => {ok, [?LOOPBACK, {127, 0, 0, 2}]}}),
    Dials = [fun() -> failed(esock_dial:connect(?LOOPBACK, Port, ?ONCE)) end,
             fun() -> failed(esock_dial:connect([?LOOPBACK, {127, 0, 0, 2}, ?SELF6], Port, ?ONCE)) end,
             fun() -> failed(esock_dial:connect("name", Port, #{retry_on => [], resolver => Fails})) end,
             fun() -> failed(esock_dial:connect("name", Port, #{retry_on => [], resolver => Resolver})) end,
             fun() -> failed(esock_dial:connect(?LOOPBACK, Port, #{retry_on => [], options => [{{socket, colour}, 1}]})) end,
             fun() -> {completion, Info} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true}), ok = esock_dial:cancel(Info) end,
             fun() ->
                 {completion, {_, _, Ref}} = esock_dial:connect(?LOOPBACK, Port, #{nowait => true, retry_on => []}),
                 receive {'$esock_dial', Ref, {error, {dial_failed, _}}} -> ok end
             end,
             fun() ->
                 {Pid, Monitor} = spawn_monitor(fun() -> esock_dial:connect("name", Port, #{resolver => Resolver}) end),
                 exit(Pid, kill),
                 receive {'DOWN', Monitor, process, Pid, _} -> ok end
             end],
    %% What stays from the first is not counted: code, the poller's descriptors.
    [Dial() || Dial <- Dials],
    leaves_nothing(fun() -> [Dial() || _ <- lists:seq(1, 10_000 div length(Dials)), Dial <- Dials] end),
    ok = esock:close(L).

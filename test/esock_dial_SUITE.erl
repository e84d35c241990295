%% esock_dial: dials to real listeners, on loopback and in namespaces. Servers and clients of OTP, Python, Ruby and socat are the oracles.
-module(esock_dial_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ONCE, #{retry_on => []}).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [model, hosts, ports, refused, option_errors, bad_arguments, socket_options, source, connection_block,
     retries_until_there_is_a_listener, never_sleeps_past_the_deadline, deadline_of_all_rounds, own_backoff, backoffs,
     resolves_again, resolver_failures, retry_classes, timeout_zero,
     dead_first_address, dead_family, sequential, dropped_for_ever, losers_are_closed, asyncio,
     nowait, cancelled, killed, functions_that_raise, shared_source_port, zones, unix, unix_full, events, one_report, failed_dials_leave_nothing,
     other_servers, same_as_ruby, error_texts, examples].

%% The plan against a model of RFC 8305; ESOCK_PROGRAMS networks (default 600).
model(_) -> ok = esock_check:property(prop_esock_dial:prop_dials(), {"ESOCK_PROGRAMS", 600}, [quiet]).

%%% ---- What is left ---------------------------------------------------------------------------------------------------

%% Everything that a dial may leave behind.
left() ->
    {ok, Descriptors} = file:list_dir("/proc/self/fd"),
    #{descriptors => length(Descriptors), processes => length(processes()), sockets => esock:number_of(),
      messages => process_info(self(), messages), monitors => process_info(self(), monitors), links => process_info(self(), links)}.

leaves_nothing(Fun) ->
    Before = left(),
    Result = Fun(),
    %% Processes that were killed, and sockets of dead owners, end in the background.
    esock_async_SUITE:until(fun() -> no_more(left(), Before) end),
    Result.

no_more(#{descriptors := D, processes := P, sockets := S} = Now, #{descriptors := D0, processes := P0, sockets := S0} = Before) ->
    D =< D0 andalso P =< P0 andalso S =< S0 andalso maps:with([messages, monitors, links], Now) =:= maps:with([messages, monitors, links], Before).

listener() -> listener(?LOOPBACK).
listener(Address) ->
    {ok, L} = esock:open(case tuple_size(Address) of 4 -> inet; 8 -> inet6 end, stream, tcp),
    listen(L, Address).

listen(L, Address) ->
    ok = esock:setopt(L, {socket, reuseaddr}, true),
    ok = esock:bind(L, #{family => case tuple_size(Address) of 4 -> inet; 8 -> inet6 end, addr => Address, port => 0}),
    ok = esock:listen(L, 128),
    {ok, #{port := Port}} = esock:sockname(L),
    {L, Port}.

%% A port that refuses: bound, without a listener.
closed_port() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => ?LOOPBACK, port => 0}),
    {ok, #{port := Port}} = esock:sockname(L),
    {L, Port}.

failed(Result) ->
    ?assertMatch({error, {dial_failed, _}}, Result),
    {error, {dial_failed, Info}} = Result,
    Info.

reasons(#{attempts := Attempts}) -> [Reason || {_, Reason, _} <- Attempts].

answers(Answers) -> fun(_, Family) -> maps:get(Family, Answers, {error, nxdomain}) end.

%%% ---- Hosts, ports, options ------------------------------------------------------------------------------------------

hosts(_) ->
    {L, Port} = listener(),
    Resolver = answers(#{inet => {ok, [?LOOPBACK]}, any => {ok, [?LOOPBACK]}}),
    Address = #{family => inet, addr => ?LOOPBACK},
    [leaves_nothing(fun() ->
        {ok, S} = esock_dial:connect(Host, Port, Opts#{resolver => Resolver}),
        {ok, A} = esock:accept(L, 5000),
        ?assertMatch({ok, #{addr := ?LOOPBACK, port := Port}}, esock:peername(S)),
        ?assertEqual({ok, self()}, esock:getopt(S, {otp, controlling_process})),
        ok = esock:send(S, "hello"),
        ?assertEqual({ok, <<"hello">>}, esock:recv(A, 0, 5000)),
        esock_pairs:close([S, A])
     end) || Host <- [?LOOPBACK, "127.0.0.1", <<"127.0.0.1">>, "name", <<"name">>, name, [?LOOPBACK], [?LOOPBACK, {127, 0, 0, 2}],
                      Address, Address#{port => Port}, [Address#{port => Port}]],
             Opts <- [#{}, #{race => false}, #{family => any}]],
    %% The port of a map has precedence.
    {ok, S} = esock_dial:connect(Address#{port => Port}, 1, ?ONCE),
    %% The default resolver, and the default options.
    {ok, T} = esock_dial:connect(localhost(), Port),
    esock_pairs:close([S, T, L]).

%% Some systems have no hosts(5).
localhost() ->
    case inet:getaddrs("localhost", inet) of
        {ok, _} -> "localhost";
        {error, _} -> "127.0.0.1"
    end.

ports(_) ->
    {L, Port} = listener(),
    [begin
         {ok, S} = esock_dial:connect(?LOOPBACK, Given, ?ONCE),
         ok = esock:close(S)
     end || Given <- [Port, integer_to_list(Port), integer_to_binary(Port)]],
    ok = esock:close(L),
    [?assertMatch(#{port := Number}, failed(esock_dial:connect({127, 0, 0, 77}, Service, ?ONCE)))
     || {Service, Number} <- [{"http", 80}, {http, 80}, {<<"https">>, 443}], inet:getservbyname(http, tcp) =:= {ok, 80}],
    ?assertEqual({error, {invalid, {service, "no such service"}}}, esock_dial:connect(?LOOPBACK, "no such service")),
    [?assertEqual({error, {invalid, {port, N}}}, esock_dial:connect(?LOOPBACK, N)) || N <- [-1, 65536]].

refused(_) ->
    {L, Port} = closed_port(),
    #{host := ?LOOPBACK, port := Port, reason := failed, elapsed := Elapsed, omitted := 0, attempts := [{Address, econnrefused, Ms}]} =
        leaves_nothing(fun() -> failed(esock_dial:connect(?LOOPBACK, Port, ?ONCE)) end),
    ?assertEqual(#{family => inet, addr => ?LOOPBACK, port => Port}, Address),
    ?assert(Ms =< Elapsed andalso Elapsed < 5000),
    %% As gen_tcp says.
    ?assertEqual({error, econnrefused}, gen_tcp:connect(?LOOPBACK, Port, [])),
    %% Each address is attempted once.
    ?assertMatch(#{attempts := [{_, econnrefused, _}, {_, econnrefused, _}]},
                 failed(esock_dial:connect([?LOOPBACK, {127, 0, 0, 2}, ?LOOPBACK], Port, ?ONCE))),
    %% None is of the family.
    ?assertMatch(#{attempts := [{resolve, no_address, 0}]}, failed(esock_dial:connect(?LOOPBACK, Port, #{family => inet6}))),
    ok = esock:close(L).

option_errors(_) ->
    ?assertEqual({error, {invalid, {option, colour}}}, esock_dial:connect(?LOOPBACK, 1, #{colour => red})),
    ?assertEqual({error, {invalid, {option, colour}}}, esock_dial:connect_unix("/x", #{colour => red})),
    [?assertEqual({error, {invalid, {option, Key, Value}}}, esock_dial:connect(?LOOPBACK, 1, #{Key => Value}))
     || {Key, Values} <- [{timeout, [-1, nowait, 1.0, 1 bsl 32]}, {attempt_timeout, [x]}, {resolve_timeout, [-1]}, {family, [local, 2]},
                          {race, [1]}, {attempt_delay, [9, infinity]}, {resolution_delay, [-1, infinity]},
                          {retry_on, [all, [1], fun() -> true end]},
                          {backoff, [1000, {fixed, -1}, {exponential, #{initial => 0}}, {exponential, #{initial => 10, max => 9}},
                                     {exponential, #{jitter => 1}}, {exponential, #{jitter => -0.1}}, {exponential, #{multiplier => 0.9}},
                                     {exponential, #{colour => red}}, fun(_) -> 1 end]},
                          {source, ["name", {1, 2, 3}, [?LOOPBACK, {127, 0, 0, 2}], {?LOOPBACK, -1}, {999, 0, 0, 1}]},
                          {nodelay, [1]}, {keepalive, [x, #{idle => 0}, #{colour => red}]}, {options, [x, [x], [{a, b} | c]]},
                          {open, [[]]}, {type, [dgram]}, {on_event, [x, fun() -> ok end]}, {nowait, [x]}, {resolver, [x]}],
        Value <- Values].

bad_arguments(_) ->
    [?assertError(badarg, esock_dial:connect(Host, 1, #{})) || Host <- [1, <<>>, {1, 2}, {256, 0, 0, 1}, [?LOOPBACK | x], [x], #{}, "a\0b"]],
    [?assertError(badarg, esock_dial:connect(?LOOPBACK, Port, #{})) || Port <- [{}, 1.0, [], [$a | x], #{}]],
    ?assertError(badarg, esock_dial:connect(?LOOPBACK, 1, [])),
    ?assertError(badarg, esock_dial:connect_unix(path, #{})),
    ?assertError(badarg, esock_dial:cancel(make_ref())),
    ?assertError(badarg, esock_dial:with_connection(?LOOPBACK, 1, #{nowait => true}, fun(_) -> ok end)),
    %% No address: a list that is empty is the empty name.
    ?assertMatch(#{attempts := [{resolve, no_address, 0}]}, failed(esock_dial:connect([], 1, #{}))).

socket_options(_) ->
    {L, Port} = listener(),
    Dial = fun(Opts) -> {ok, S} = esock_dial:connect(?LOOPBACK, Port, maps:merge(?ONCE, Opts)), S end,
    Values = fun(S, Options) -> Read = [element(2, esock:getopt(S, O)) || O <- Options], ok = esock:close(S), Read end,
    ?assertEqual([true, false], Values(Dial(#{}), [{tcp, nodelay}, {socket, keepalive}])),
    ?assertEqual([false, true], Values(Dial(#{nodelay => false, keepalive => true}), [{tcp, nodelay}, {socket, keepalive}])),
    ?assertEqual([true, 7, 3, 2], Values(Dial(#{keepalive => #{idle => 7, interval => 3, count => 2}}),
                                         [{socket, keepalive}, {tcp, keepidle}, {tcp, keepintvl}, {tcp, keepcnt}])),
    %% The options of another family are left out.
    ?assertEqual([99, {5, 6}], Values(Dial(#{options => [{{ip, ttl}, 99}, {{ipv6, unicast_hops}, 3}, {{otp, rcvbuf}, {5, 6}}]}),
                                      [{ip, ttl}, {otp, rcvbuf}])),
    leaves_nothing(fun() ->
        ?assertMatch([{invalid, _}], reasons(failed(esock_dial:connect(?LOOPBACK, Port, #{options => [{{socket, colour}, red}]})))),
        ?assertMatch([_], reasons(failed(esock_dial:connect(?LOOPBACK, Port, #{open => #{netns => "/nosuch"}})))),
        ?assertMatch([_], reasons(failed(esock_dial:connect(?LOOPBACK, Port, #{open => #{netns => 1}}))))
    end),
    ok = esock:close(L).

source(_) ->
    {L, Port} = listener(),
    [begin
         {ok, S} = esock_dial:connect(?LOOPBACK, Port, #{source => Source}),
         {ok, A} = esock:accept(L, 5000),
         ?assertMatch({ok, #{addr := {127, 0, 0, 9}}}, esock:peername(A)),
         esock_pairs:close([S, A])
     end || Source <- [{127, 0, 0, 9}, "127.0.0.9", <<"127.0.0.9">>, {"127.0.0.9", 0}, #{family => inet, addr => {127, 0, 0, 9}},
                       [{0, 0, 0, 0, 0, 0, 0, 1}, {127, 0, 0, 9}]]],
    %% A port of its own.
    {Free, Local} = closed_port(),
    ok = esock:close(Free),
    {ok, T} = esock_dial:connect(?LOOPBACK, Port, #{source => {?LOOPBACK, Local}, options => [{{socket, reuseaddr}, true}]}),
    ?assertMatch({ok, #{port := Local}}, esock:sockname(T)),
    ?assertEqual([no_local_address], reasons(failed(esock_dial:connect(?LOOPBACK, Port, #{source => {0, 0, 0, 0, 0, 0, 0, 1}})))),
    ?assertEqual([eaddrnotavail], reasons(failed(esock_dial:connect(?LOOPBACK, Port, #{source => {198, 51, 100, 1}})))),
    esock_pairs:close([T, L]).

connection_block(_) ->
    {L, Port} = listener(),
    leaves_nothing(fun() ->
        ?assertEqual({ok, {ok, ?LOOPBACK}}, esock_dial:with_connection(?LOOPBACK, Port, #{}, fun(S) ->
            {ok, #{addr := Addr}} = esock:peername(S), {ok, Addr} end)),
        ?assertError(mine, esock_dial:with_connection(?LOOPBACK, Port, #{}, fun(_) -> error(mine) end))
    end),
    ok = esock:close(L),
    ?assertMatch({error, {dial_failed, _}}, esock_dial:with_connection(?LOOPBACK, Port, ?ONCE, fun(_) -> ok end)).

%%% ---- Rounds ---------------------------------------------------------------------------------------------------------

retries_until_there_is_a_listener(_) ->
    {L, Port} = closed_port(),
    Listens = fun(#{event := retrying, round := 2}) -> ok = esock:listen(L, 5); (_) -> ok end,
    leaves_nothing(fun() ->
        {ok, S} = esock_dial:connect(?LOOPBACK, Port, #{backoff => {fixed, 20}, on_event => Listens}),
        ok = esock:close(S)
    end),
    ok = esock:close(L).

never_sleeps_past_the_deadline(_) ->
    {L, Port} = closed_port(),
    %% c10d's rule: with a pause of 1000 ms and less than that left, there is no pause at all.
    #{reason := timeout, elapsed := Elapsed, attempts := [{_, econnrefused, _}]} = failed(esock_dial:connect(?LOOPBACK, Port, #{timeout => 1000})),
    ?assert(Elapsed < 1000),
    ok = esock:close(L).

deadline_of_all_rounds(_) ->
    {L, Port} = closed_port(),
    #{reason := timeout, elapsed := Elapsed, attempts := Attempts, omitted := Omitted} =
        failed(esock_dial:connect(?LOOPBACK, Port, #{timeout => 300, backoff => {fixed, 2}})),
    %% A loaded machine takes its time to see the deadline.
    ?assert(Elapsed < 3000),
    %% The list is bounded.
    ?assert(length(Attempts) =< 100 andalso (Omitted =:= 0 orelse length(Attempts) =:= 100)),
    ok = esock:close(L).

own_backoff(_) ->
    {L, Port} = closed_port(),
    Self = self(),
    Own = fun(N, Reason) -> Self ! {N, Reason}, case N of 3 -> stop; _ -> N end end,
    #{reason := stopped, attempts := [_, _, _]} = failed(esock_dial:connect(?LOOPBACK, Port, #{backoff => Own})),
    [receive {N, econnrefused} -> ok after 0 -> ct:fail(N) end || N <- [1, 2, 3]],
    ok = esock:close(L).

%% The values of c10d: the interval grows by the multiplier up to the greatest, the jitter may exceed that.
backoffs(_) ->
    {ok, B} = esock_dial:backoff_new({exponential, #{initial => 500, multiplier => 1.5, jitter => 0.5, max => 1000, seed => 7}}),
    Pauses = pauses(B, 200),
    ?assertEqual(Pauses, pauses(B, 200)),
    [First, Second | Rest] = Pauses,
    ?assert(First >= 250 andalso First =< 750),
    ?assert(Second >= 375 andalso Second =< 1125),
    [?assert(P >= 500 andalso P =< 1500) || P <- tl(Rest)],
    ?assert(lists:max(Rest) > 1000 andalso length(lists:usort(Rest)) > 50),
    {ok, Seeded} = esock_dial:backoff_new({exponential, #{}}),
    {P1, Next} = esock_dial:backoff_next(Seeded, x),
    {P2, _} = esock_dial:backoff_next(esock_dial:backoff_reset(Next), x),
    [?assert(P >= 250 andalso P =< 750) || P <- [P1, P2]],
    ?assertEqual({error, {invalid, {backoff, x}}}, esock_dial:backoff_new(x)).

pauses(_, 0) -> [];
pauses(B, N) ->
    {Ms, Next} = esock_dial:backoff_next(B, econnrefused),
    [Ms | pauses(Next, N - 1)].

resolves_again(_) ->
    {L, Port} = listener({127, 0, 0, 3}),
    Asked = counters:new(1, []),
    Resolver = fun(_, inet6) -> {error, nxdomain};
                  (_, inet) ->
                       counters:add(Asked, 1, 1),
                       case counters:get(Asked, 1) of
                           1 -> {error, try_again};
                           2 -> {ok, [{127, 0, 0, 2}]};
                           _ -> {ok, [{127, 0, 0, 3}]}
                       end
               end,
    {ok, S} = leaves_nothing_but_one(fun() -> esock_dial:connect("name", Port, #{resolver => Resolver, backoff => {fixed, 1}}) end),
    ?assertEqual(3, counters:get(Asked, 1)),
    esock_pairs:close([S, L]).

leaves_nothing_but_one(Fun) ->
    Before = #{descriptors := D, sockets := S} = left(),
    Result = Fun(),
    esock_async_SUITE:until(fun() -> no_more(left(), Before#{descriptors := D + 1, sockets := S + 1}) end),
    Result.

resolver_failures(_) ->
    Dial = fun(Resolver, Opts) -> leaves_nothing(fun() -> failed(esock_dial:connect("name", 1, Opts#{resolver => Resolver})) end) end,
    ?assertEqual([nxdomain, nxdomain], reasons(Dial(answers(#{}), ?ONCE))),
    ?assertEqual([no_address], reasons(Dial(answers(#{inet => {ok, []}}), #{retry_on => [], family => inet}))),
    ?assertMatch([{exit, mine}, {exit, mine}], reasons(Dial(fun(_, _) -> error(mine) end, ?ONCE))),
    ?assertMatch([{exit, killed}], reasons(Dial(fun(_, _) -> exit(self(), kill) end, #{retry_on => [], family => inet}))),
    ?assertMatch([{invalid, {resolver, x}}], reasons(Dial(fun(_, _) -> x end, #{retry_on => [], family => inet}))),
    ?assertMatch([{invalid, {address, x}}], reasons(Dial(fun(_, _) -> {ok, [x]} end, #{retry_on => [], family => inet}))),
    %% A resolver that never answers, within the deadline and within its own time.
    Hangs = fun(_, _) -> receive never -> ok end end,
    ?assertMatch(#{reason := timeout, attempts := [{resolve, timeout, _}, {resolve, timeout, _}]}, Dial(Hangs, #{timeout => 50})),
    ?assertMatch(#{reason := failed, attempts := [{resolve, timeout, _}, {resolve, timeout, _}]},
                 Dial(Hangs, #{resolve_timeout => 50, retry_on => []})),
    %% One family hangs: the other connects after the resolution delay.
    {L, Port} = listener(),
    {ok, S} = leaves_nothing_but_one(fun() -> esock_dial:connect("name", Port, #{resolver => fun(H, inet6) -> Hangs(H, inet6);
                                                                                           (_, inet) -> {ok, [?LOOPBACK]} end}) end),
    %% The process that asks is killed: no dial waits for it.
    Kills = fun(_, inet) ->
                    [Guard] = links(self()),
                    exit(Guard, kill),
                    receive never -> ok end
            end,
    ?assertMatch([{exit, _}], reasons(Dial(Kills, #{retry_on => [], family => inet}))),
    esock_pairs:close([S, L]).

%% The process that a resolver's process is linked to.
links(Pid) ->
    {links, Links} = process_info(Pid, links),
    Links.

retry_classes(_) ->
    {L, Port} = closed_port(),
    Rounds = fun(RetryOn, Host) ->
                     Own = fun(2, _) -> stop; (_, _) -> 0 end,
                     #{attempts := Attempts} = failed(esock_dial:connect(Host, Port, #{retry_on => RetryOn, backoff => Own, family => inet,
                                                                                       resolver => answers(#{})})),
                     length(Attempts)
             end,
    ?assertEqual([2, 1, 2, 1], [Rounds(R, ?LOOPBACK) || R <- [[econnrefused], [gai], fun(R) -> R =:= econnrefused end, fun(_) -> false end]]),
    ?assertEqual([1, 2, 2, 1], [Rounds(R, "name") || R <- [[econnrefused], [gai], fun(R) -> R =:= {gai, nxdomain} end, fun(_) -> no end]]),
    ok = esock:close(L).

timeout_zero(_) ->
    {L, Port} = listener(),
    leaves_nothing(fun() ->
        case esock_dial:connect(?LOOPBACK, Port, #{timeout => 0}) of
            {ok, S} -> ok = esock:close(S);
            Error -> ?assertMatch(#{reason := timeout, attempts := [{_, timeout, _}]}, failed(Error))
        end
    end),
    ok = esock:close(L).

%%% ---- Namespaces -----------------------------------------------------------------------------------------------------

%% A namespace in which 10.9.8.1 to 10.9.8.3 and fd00::1 drop what is sent to them, and nothing has a route to 198.51.100.0/24. Fun gets
%% its options, and the port of listeners at 127.0.0.1, 127.0.0.2 and ::1.
in_net(Fun) ->
    esock_netlink_SUITE:in_netns(fun(#{netns := Path} = Net) ->
        ok = esock_netlink:set_link("lo", #{up => true}, Net),
        ok = esock_netlink:new_veth("va", "vb", Net),
        [ok = esock_netlink:set_link(Link, #{up => true}, Net) || Link <- ["va", "vb"]],
        ok = esock_netlink:add_address("va", {{10, 9, 8, 7}, 24}, Net),
        ok = esock_netlink:change(newaddr, #{family => inet6, prefixlen => 64, index => index("va", Net), flags => [nodad],
                                             address => {16#fd00, 0, 0, 0, 0, 0, 0, 7}}, Net),
        [ok = esock_netlink:change(newneigh, #{family => Family, index => index("va", Net), dst => Dead, lladdr => <<2:48>>, state => [permanent]}, Net)
         || {Family, Dead} <- [{inet, {10, 9, 8, N}} || N <- [1, 2, 3]] ++ [{inet6, {16#fd00, 0, 0, 0, 0, 0, 0, 1}}]],
        {ok, L4} = esock:open(inet, stream, tcp, Net),
        {_, Port} = listen(L4, {0, 0, 0, 0}),
        {ok, L6} = esock:open(inet6, stream, tcp, Net),
        ok = esock:setopt(L6, {ipv6, v6only}, true),
        ok = esock:bind(L6, #{family => inet6, port => Port}),
        ok = esock:listen(L6, 128),
        try Fun(#{open => #{netns => Path}}, Port) after esock_pairs:close([L4, L6]) end
    end).

index(Name, Net) ->
    {ok, #{index := Index}} = esock_netlink:link(Name, Net),
    Index.

-define(DEAD, {10, 9, 8, 1}).
-define(DEAD6, {16#fd00, 0, 0, 0, 0, 0, 0, 1}).
-define(SELF6, {0, 0, 0, 0, 0, 0, 0, 1}).

%% The address that won, and the milliseconds.
won(Host, Port, Opts) ->
    Begun = erlang:monotonic_time(millisecond),
    {ok, S} = leaves_nothing_but_one(fun() -> esock_dial:connect(Host, Port, Opts) end),
    Ms = erlang:monotonic_time(millisecond) - Begun,
    {ok, #{addr := Address}} = esock:peername(S),
    ok = esock:close(S),
    {Address, Ms}.

dead_first_address(_) ->
    in_net(fun(Opts, Port) ->
        {?LOOPBACK, Ms} = won([?DEAD, ?LOOPBACK], Port, Opts),
        ct:pal("dead first address: ~b ms", [Ms]),
        ?assert(Ms >= 250),
        ?assert(Ms < 2000),
        %% Three dead ones, and a shorter delay.
        {{127, 0, 0, 2}, Short} = won([?DEAD, {10, 9, 8, 2}, {10, 9, 8, 3}, {127, 0, 0, 2}], Port, Opts#{attempt_delay => 20}),
        ?assert(Short >= 60),
        %% An address without a route fails at once: no delay.
        {?LOOPBACK, _} = won([{198, 51, 100, 1}, ?LOOPBACK], Port, Opts#{attempt_delay => 60_000, timeout => infinity})
    end).

dead_family(_) ->
    in_net(fun(Opts, Port) ->
        Resolver = answers(#{inet6 => {ok, [?DEAD6]}, inet => {ok, [?LOOPBACK]}}),
        {?LOOPBACK, Ms} = won("name", Port, Opts#{resolver => Resolver}),
        ?assert(Ms >= 250),
        Reverse = answers(#{inet6 => {ok, [?SELF6]}, inet => {ok, [?DEAD]}}),
        {?SELF6, _} = won("name", Port, Opts#{resolver => Reverse, attempt_delay => 60_000}),
        {?SELF6, Other} = won("name", Port, Opts#{resolver => Reverse, family => inet_first}),
        ?assert(Other >= 250),
        %% The preferred family, if both work.
        Both = answers(#{inet6 => {ok, [?SELF6]}, inet => {ok, [?LOOPBACK]}, any => {ok, [?LOOPBACK, ?SELF6]}}),
        [?assertMatch({Family, {Won, _}}, {Family, won("name", Port, Opts#{resolver => Both, family => Family, race => Race,
                                                                            attempt_delay => 60_000, resolution_delay => 60_000})})
         || {Family, Won} <- [{inet6_first, ?SELF6}, {inet_first, ?LOOPBACK}, {inet, ?LOOPBACK}, {inet6, ?SELF6}, {any, ?LOOPBACK}],
            Race <- [true, false]],
        %% The other family first, because its answer comes first.
        Slow = fun(_, inet) -> {ok, [?LOOPBACK]}; (_, inet6) -> receive never -> ok end end,
        {?LOOPBACK, Late} = won("name", Port, Opts#{resolver => Slow}),
        ?assert(Late >= 50)
    end).

sequential(_) ->
    in_net(fun(Opts, Port) ->
        Once = Opts#{race => false, attempt_timeout => 100},
        {?LOOPBACK, Ms} = won([?DEAD, ?LOOPBACK], Port, Once),
        ?assert(Ms >= 100),
        %% All of one family before the other.
        Self = self(),
        Observe = fun(#{event := connecting, address := #{addr := A}}) -> Self ! A; (_) -> ok end,
        #{reason := failed, attempts := [_, _, _]} =
            failed(esock_dial:connect([?DEAD, ?DEAD6, {10, 9, 8, 2}], Port, Once#{retry_on => [], on_event => Observe})),
        [?assertEqual(A, receive A -> A after 0 -> none end) || A <- [?DEAD6, ?DEAD, {10, 9, 8, 2}]],
        %% The time of an attempt is of the class etimedout.
        #{reason := stopped, attempts := [_, _]} =
            failed(esock_dial:connect(?DEAD, Port, Once#{attempt_timeout => 10, backoff => fun(2, timeout) -> stop; (_, _) -> 0 end}))
    end).

dropped_for_ever(_) ->
    in_net(fun(Opts, Port) ->
        #{reason := timeout, elapsed := Elapsed, attempts := Attempts} =
            leaves_nothing(fun() -> failed(esock_dial:connect([?DEAD, {10, 9, 8, 2}, ?DEAD6], Port, Opts#{timeout => 400, attempt_delay => 50})) end),
        ?assertMatch([{#{addr := ?DEAD6}, timeout, _}, {#{addr := ?DEAD}, timeout, _}, {#{addr := {10, 9, 8, 2}}, timeout, _}], Attempts),
        ?assert(Elapsed >= 400 andalso Elapsed < 2000),
        %% Killed and cancelled in the middle.
        leaves_nothing(fun() ->
            {Pid, Monitor} = spawn_monitor(fun() -> esock_dial:connect([?DEAD, ?DEAD6], Port, Opts) end),
            esock_async_SUITE:until(fun() -> [S || S <- esock:which_sockets(Pid)] =/= [] end),
            exit(Pid, kill),
            receive {'DOWN', Monitor, process, Pid, killed} -> ok end,
            {completion, Info} = esock_dial:connect([?DEAD, ?DEAD6], Port, Opts#{nowait => true}),
            {completion_info, {dial, Dialer}, _} = Info,
            esock_async_SUITE:until(fun() -> esock:which_sockets(Dialer) =/= [] end),
            ok = esock_dial:cancel(Info)
        end)
    end).

losers_are_closed(_) ->
    in_net(fun(Opts, Port) ->
        Self = self(),
        Open = counters:new(1, []),
        Observe = fun(#{event := connected}) -> counters:put(Open, 1, length(esock:which_sockets(Self))); (_) -> ok end,
        [begin
             {{127, 0, 0, 2}, _} = won([?DEAD, {10, 9, 8, 2}, {10, 9, 8, 3}, {127, 0, 0, 2}], Port, Opts#{attempt_delay => 10, on_event => Observe}),
             %% The listeners and all four attempts, before the losers are closed.
             ?assert(counters:get(Open, 1) >= 6)
         end || _ <- lists:seq(1, 20)]
    end).

%% asyncio has Happy Eyeballs too: the same address wins.
asyncio(_) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        _ -> in_net(fun(#{open := Net} = Opts, Port) ->
                 [?assertEqual({Hosts, element(1, won(Hosts, Port, Opts#{family => any}))}, {Hosts, python_wins(Hosts, Port, Net)})
                  || Hosts <- [[?DEAD, ?LOOPBACK], [?DEAD6, ?LOOPBACK], [?SELF6, ?LOOPBACK], [?LOOPBACK, ?SELF6], [?DEAD, ?DEAD6, ?SELF6],
                               [{198, 51, 100, 1}, {127, 0, 0, 2}], [?DEAD, {10, 9, 8, 2}, ?SELF6, ?LOOPBACK]]]
             end)
    end.

python_wins(Hosts, Port, Net) ->
    Program = "import asyncio, socket, sys\n"
              "port, hosts = int(sys.argv[1]), sys.argv[2:]\n"
              "async def main():\n"
              "    loop = asyncio.get_running_loop()\n"
              "    async def infos(*args, **kwargs):\n"
              "        return [(socket.AF_INET6 if ':' in h else socket.AF_INET, socket.SOCK_STREAM, 6, '', (h, port)) for h in hosts]\n"
              "    loop.getaddrinfo = infos\n"
              "    r, w = await asyncio.open_connection('name', port, happy_eyeballs_delay=0.25)\n"
              "    print(w.get_extra_info('peername')[0])\n"
              "asyncio.run(main())\n",
    File = filename:join("/tmp", "esock_dial_" ++ os:getpid() ++ ".py"),
    ok = file:write_file(File, Program),
    Said = esock_netlink_SUITE:in_it(Net, lists:join(" ", ["python3", File, integer_to_list(Port) | [inet:ntoa(H) || H <- Hosts]])),
    ok = file:delete(File),
    {ok, Address} = inet:parse_address(string:trim(Said)),
    Address.

%%% ---- Processes ------------------------------------------------------------------------------------------------------

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

%% Four ports for eight connections from one address: to two peers. A bind that chooses the port runs out of them.
shared_source_port(_) ->
    in_net(fun(#{open := Net} = Opts, Port) ->
        _ = esock_netlink_SUITE:in_it(Net, "sh -c 'echo 41000 41003 > /proc/sys/net/ipv4/ip_local_port_range'"),
        From = Opts#{source => {127, 0, 0, 9}, retry_on => []},
        Sockets = [begin {ok, S} = esock_dial:connect(To, Port, From), S end || To <- [?LOOPBACK, {127, 0, 0, 2}], _ <- [1, 2, 3, 4]],
        Ports = [P || S <- Sockets, {ok, #{addr := {127, 0, 0, 9}, port := P}} <- [esock:sockname(S)]],
        ?assertEqual({8, [41000, 41001, 41002, 41003]}, {length(Ports), lists:usort(Ports)}),
        esock_pairs:close(Sockets)
    end).

%% An address with a zone, by name and by number.
zones(_) ->
    in_net(fun(#{open := #{netns := Path}} = Opts, Port) ->
        Index = index("va", #{netns => Path}),
        Local = {16#fe80, 0, 0, 0, 0, 0, 0, 7},
        ok = esock_netlink:change(newaddr, #{family => inet6, prefixlen => 64, index => Index, flags => [nodad], address => Local}, #{netns => Path}),
        Number = "fe80::7%" ++ integer_to_list(Index),
        {ok, S} = esock_dial:connect(Number, Port, Opts#{retry_on => []}),
        ?assertMatch({ok, #{addr := Local, scope_id := Index}}, esock:peername(S)),
        ok = esock:close(S),
        %% A name is one of the node's own namespace.
        ?assertMatch(#{attempts := [{#{addr := Local, scope_id := "nosuch0"}, _, _}]},
                     failed(esock_dial:connect("fe80::7%nosuch0", Port, #{retry_on => []})))
    end).

%%% ---- Unix sockets ---------------------------------------------------------------------------------------------------

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

%%% ---- Events, logs, leaks --------------------------------------------------------------------------------------------

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

%%% ---- Oracles --------------------------------------------------------------------------------------------------------

%% Echo servers of Python and Ruby.
other_servers(_) ->
    Python = "import socketserver\n"
             "class H(socketserver.StreamRequestHandler):\n"
             "    def handle(self): self.wfile.write(self.rfile.readline())\n"
             "s = socketserver.TCPServer(('127.0.0.1', 0), H)\n"
             "print(s.server_address[1], flush=True)\ns.handle_request()\n",
    Ruby = "require 'socket'\ns = TCPServer.new('127.0.0.1', 0)\nputs s.addr[1]\nSTDOUT.flush\nc = s.accept\nc.write(c.gets)\nc.close\n",
    %% Those that this system has.
    [begin
         Port = open_port({spawn_executable, Program}, [{args, [Flag, Code]}, {line, 100}, exit_status]),
         Number = receive {Port, {data, {eol, Line}}} -> list_to_integer(string:trim(Line)) end,
         {ok, {ok, Answer}} = esock_dial:with_connection("127.0.0.1", Number, #{}, fun(S) -> ok = esock:send(S, "hello\n"), esock:recv(S, 6, 5000) end),
         ?assertEqual(<<"hello\n">>, Answer),
         receive {Port, {exit_status, 0}} -> ok end
     end || {Name, Flag, Code} <- [{"python3", "-c", Python}, {"ruby", "-e", Ruby}], Program <- [os:find_executable(Name)], is_list(Program)],
    %% OTP's own listener.
    {ok, G} = gen_tcp:listen(0, [binary, {active, false}, {ip, ?LOOPBACK}]),
    {ok, GPort} = inet:port(G),
    {ok, S} = esock_dial:connect(?LOOPBACK, GPort),
    {ok, A} = gen_tcp:accept(G, 5000),
    ok = esock:send(S, "hello"),
    ?assertEqual({ok, <<"hello">>}, gen_tcp:recv(A, 5, 5000)),
    ok = esock:close(S),
    [ok = gen_tcp:close(T) || T <- [A, G]].

%% Socket.tcp with a local address of another family, and with a refused port.
same_as_ruby(_) ->
    case os:find_executable("ruby") of
        false -> {skip, no_ruby};
        _ ->
            {L, Port} = closed_port(),
            Says = fun(Local) ->
                os:cmd(lists:flatten(io_lib:format("ruby -rsocket -e 'begin; Socket.tcp(\"127.0.0.1\", ~b, ~ts); rescue SystemCallError, SocketError => e; puts e.class; end'",
                                                   [Port, Local])))
            end,
            ?assertMatch({match, _}, re:run(Says("nil"), "ECONNREFUSED")),
            ?assertEqual([econnrefused], reasons(failed(esock_dial:connect("127.0.0.1", Port, ?ONCE)))),
            ?assertMatch({match, _}, re:run(Says("\"::1\""), "SocketError")),
            ?assertEqual([no_local_address], reasons(failed(esock_dial:connect("127.0.0.1", Port, #{source => "::1"})))),
            ?assertMatch({match, _}, re:run(Says("\"198.51.100.1\""), "EADDRNOTAVAIL")),
            ?assertEqual([eaddrnotavail], reasons(failed(esock_dial:connect("127.0.0.1", Port, #{source => "198.51.100.1"})))),
            ok = esock:close(L)
    end.

error_texts(_) ->
    Error = {dial_failed, #{host => "name", port => 80, reason => timeout, elapsed => 12, omitted => 3,
                            attempts => [{resolve, nxdomain, 1}, {resolve, {exit, x}, 1}, {#{family => inet, addr => ?LOOPBACK, port => 80}, econnrefused, 2},
                                         {#{family => inet6, addr => ?SELF6, port => 80}, timeout, 3}, {#{family => local, path => "/x"}, no_local_address, 0},
                                         {resolve, no_address, 0}]}},
    Text = esock_dial:format_error({error, Error}),
    [?assertNotEqual({Part, nomatch}, {Part, string:find(Text, Part)})
     || Part <- ["\"name\"", "port 80", "12 ms", "127.0.0.1:80: connection refused (2 ms)", "[::1]:80: the time is over (3 ms)", "resolver: ", "and 3 before"]],
    ?assertNotEqual(nomatch, string:find(esock_dial:format_error({raised, mine}), "mine")),
    ?assertEqual("the socket is closed", esock_dial:format_error(closed)).

%% The examples of the documentation run.
examples(_) ->
    {L, Port} = listener(),
    Source = filename:join(esock_docs_SUITE:root(), "erl_src/dial/esock_dial.erl"),
    {ok, Text} = file:read_file(Source),
    Blocks = [hd(binary:split(Block, <<"%% '''">>)) || Block <- tl(binary:split(Text, <<"%% ```\n">>, [global]))],
    Examples = [iolist_to_binary(re:replace(Block, "^%% ?", "", [multiline, global])) || Block <- Blocks],
    ?assert(length(Examples) >= 10),
    [begin
         {ok, Tokens, _} = erl_scan:string(lists:flatten(string:replace(binary_to_list(Example), "\"localhost\"", [$", localhost(), $"], all))),
         {ok, Exprs} = erl_parse:parse_exprs(Tokens),
         {value, _, _} = erl_eval:exprs(Exprs, [{'Port', Port}])
     end || Example <- Examples],
    ok = esock:close(L).

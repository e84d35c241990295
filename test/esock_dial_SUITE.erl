%% esock_dial: hosts, options, rounds, and the plan against a model of RFC 8305.
-module(esock_dial_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).
-import(esock_dial_peers, [leaves_nothing/1, leaves_nothing_but_one/1, listener/0, listener/1, closed_port/0, failed/1,
                           reasons/1, answers/1, localhost/0]).

-define(LOOPBACK, {127, 0, 0, 1}).
-define(ONCE, #{retry_on => []}).
-define(SELF6, {0, 0, 0, 0, 0, 0, 0, 1}).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [model, hosts, ports, refused, option_errors, bad_arguments, socket_options, source, connection_block,
     retries_until_there_is_a_listener, never_sleeps_past_the_deadline, deadline_of_all_rounds, own_backoff, backoffs,
     resolves_again, resolver_failures, retry_classes, timeout_zero, error_texts, examples].

%% The plan against a model of RFC 8305; ESOCK_PROGRAMS networks (default 600).
model(_) -> ok = esock_check:property(prop_esock_dial:prop_dials(), {"ESOCK_PROGRAMS", 600}, [quiet]).

%%% ---- Hosts, ports, options -------------------------------------------------------------------------------------------

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

%%% ---- Rounds ----------------------------------------------------------------------------------------------------------

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

%%% ---- Texts -----------------------------------------------------------------------------------------------------------

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

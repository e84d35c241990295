%% Peers for the tests of esock_dial, and what a dial leaves behind.
-module(esock_dial_peers).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(LOOPBACK, {127, 0, 0, 1}).

%%% ---- What is left ----------------------------------------------------------------------------------------------------

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

leaves_nothing_but_one(Fun) ->
    Before = #{descriptors := D, sockets := S} = left(),
    Result = Fun(),
    esock_async_SUITE:until(fun() -> no_more(left(), Before#{descriptors := D + 1, sockets := S + 1}) end),
    Result.

%% Some systems have no hosts(5).
localhost() ->
    case inet:getaddrs("localhost", inet) of
        {ok, _} -> "localhost";
        {error, _} -> "127.0.0.1"
    end.

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

%% The address that won, and the milliseconds.
won(Host, Port, Opts) ->
    Begun = erlang:monotonic_time(millisecond),
    {ok, S} = leaves_nothing_but_one(fun() -> esock_dial:connect(Host, Port, Opts) end),
    Ms = erlang:monotonic_time(millisecond) - Begun,
    {ok, #{addr := Address}} = esock:peername(S),
    ok = esock:close(S),
    {Address, Ms}.

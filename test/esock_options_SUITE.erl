%% Each option on each kind of socket: get, set values of every class, get again. Options of the oracle (`socket' of this release)
%% are compared with it; the others are tested against written expectations.
-module(esock_options_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [same, every_name, lists, tos, names, peercred, error, rxq_ovfl, mark, busy_poll, rcvbufforce, tcp_info, tcp_syncnt, md5sig, udp_segment, udp_gro,
     ip_options, timeouts, multicast, msfilter, ipv6_buffers, aliases, ctrl_buffers, native, write_only, read_only,
     not_here, sctp].

kinds() -> [tcp, udp, local, local_dgram, tcp6, udp6].

socket(M, Kind) ->
    {ok, S} = case Kind of
                  tcp -> M:open(inet, stream, tcp);
                  udp -> M:open(inet, dgram, udp);
                  local -> M:open(local, stream);
                  local_dgram -> M:open(local, dgram);
                  tcp6 -> M:open(inet6, stream, tcp);
                  udp6 -> M:open(inet6, dgram, udp);
                  raw -> M:open(inet, raw, icmp)
              end,
    S.

values() ->
    [true, false, 0, 1, 2, 7, 255, 256, -1, -2, 70000, 1 bsl 31, 1 bsl 70, foo, 1.5, <<1>>, <<1, 1, 1, 0>>, "lo", "reno", "", [foo], {}, #{},
     default, any, loopback, want, dont, do, probe, lowdelay, inet, inet6, null, abort, {127, 0, 0, 1}, {0, 0, 0, 256},
     #{onoff => true, linger => 2}, #{onoff => true, linger => -1}, #{onoff => false}, #{sec => 1, usec => 0},
     #{multiaddr => {224, 0, 0, 251}, interface => any}, #{multiaddr => {224, 0, 0, 251}, interface => {127, 0, 0, 1}},
     #{multiaddr => {127, 0, 0, 1}, interface => any},
     #{multiaddr => {224, 0, 0, 251}, interface => any, sourceaddr => {127, 0, 0, 1}},
     #{multiaddr => {65282, 0, 0, 0, 0, 0, 0, 251}, interface => 1}, #{multiaddr => foo, interface => 1},
     #{multiaddr => {224, 0, 0, 251}, interface => any, mode => include, slist => [{127, 0, 0, 1}]}].

%% Options that differ on purpose (doc/differences.md), or have different forms in different releases.
elsewhere() ->
    [{tcp, user_timeout} || list_to_integer(erlang:system_info(otp_release)) < 29] ++
    [{ip, tos}, {tcp, congestion}, {socket, bindtodevice}, {ipv6, authhdr}, {ipv6, dstopts}, {ipv6, hopopts}, {ipv6, rthdr},
     {ipv6, hoplimit}, {socket, peek_off}, {ip, pktoptions}, {ipv6, pktoptions}, {ip, multicast_if}, {ipv6, multicast_if}].

same(_) ->
    {module, socket} = code:ensure_loaded(socket),
    Options = [O || {{Level, _} = O, true} <- socket:supports(options), lists:member(Level, [otp, socket, ip, ipv6, tcp, udp])] -- elsewhere(),
    ?assert(length(Options) > 60),
    Different = [{Kind, Option, Diff} || Kind <- kinds(), Option <- Options, Diff <- [compare(Kind, Option)], Diff =/= []],
    ct:pal("~w options, ~w kinds of sockets, ~w values", [length(Options), length(kinds()), length(values())]),
    [ct:pal("~p", [D]) || D <- Different],
    ?assertEqual([], Different).

compare(Kind, Option) ->
    Otp = outcomes(socket, Kind, Option),
    Ours = outcomes(esock, Kind, Option),
    [{Value, A, B} || {Value, A, B} <- lists:zip3([get | values()], Otp, Ours), A =/= B].

%% Each value has a new socket, so that setting one does not change the next.
outcomes(M, Kind, Option) ->
    [try_get(M, Kind, Option) | [try_set(M, Kind, Option, Value) || Value <- values()]].

try_get(M, Kind, Option) ->
    S = socket(M, Kind),
    Result = get(M, S, Option),
    ok = M:close(S),
    Result.

try_set(M, Kind, Option, Value) ->
    S = socket(M, Kind),
    Set = try M:setopt(S, Option, Value) catch Class:Reason -> {Class, Reason} end,
    Get = get(M, S, Option),
    ok = M:close(S),
    {Set, Get}.

get(M, S, Option) ->
    try M:getopt(S, Option) catch Class:Reason -> {Class, Reason} end.

%% esock knows the name of every option in OTP 29's types.
every_name(_) ->
    Known = [O || {O, _} <- esock:supports(options)],
    Names = [{socket, O} || O <- [acceptconn, acceptfilter, bindtodevice, broadcast, bsp_state, busy_poll, debug, domain, dontroute, error,
                                  exclusiveaddruse, keepalive, linger, mark, maxdg, max_msg_size, oobinline, passcred,
                                  peek_off, peercred, priority, protocol, rcvbuf, rcvbufforce, rcvlowat, rcvtimeo,
                                  reuseaddr, reuseport, rxq_ovfl, setfib, sndbuf, sndbufforce, sndlowat, sndtimeo, timestamp,
                                  timestampns, type]] ++
        [{ip, O} || O <- [add_membership, add_source_membership, block_source, dontfrag, drop_membership,
                          drop_source_membership, freebind, hdrincl, minttl, msfilter, mtu, mtu_discover, multicast_all,
                          multicast_if, multicast_loop, multicast_ttl, nodefrag, options, pktinfo, recvdstaddr, recverr,
                          recvif, recvopts, recvorigdstaddr, recvtos, recvttl, retopts, router_alert, sndsrcaddr, sendsrcaddr,
                          tos, transparent, ttl, unblock_source]] ++
        [{ipv6, O} || O <- [addrform, add_membership, authhdr, auth_level, checksum, drop_membership, dstopts,
                            esp_trans_level, esp_network_level, faith, flowinfo, hopopts, ipcomp_level, join_group,
                            leave_group, mtu, mtu_discover, multicast_hops, multicast_if, multicast_loop, portrange,
                            pktoptions, recverr, recvhoplimit, hoplimit, recvpktinfo, pktinfo, recvtclass, router_alert,
                            rthdr, tclass, unicast_hops, use_min_mtu, v6only]] ++
        [{tcp, O} || O <- [congestion, cork, info, keepcnt, keepidle, keepintvl, maxseg, md5sig, nodelay, noopt, nopush, syncnt,
                           user_timeout]] ++
        [{udp, cork}],
    ?assertEqual([], Names -- Known).

lists(_) ->
    ?assert(esock:is_supported(options, {socket, peercred})),
    ?assertNot(esock:is_supported(options, {socket, bsp_state})),
    ?assertEqual(lists:sort(esock:supports(options, tcp)),
                 lists:sort([{O, On} || {{tcp, O}, On} <- esock:supports(options)])),
    ?assert(lists:member({nodelay, true}, esock:options(tcp))),
    ?assertEqual(lists:sort(esock:options(tcp, true) ++ esock:options(tcp, false)), [O || {O, _} <- esock:options(tcp)]),
    ?assert(esock:option(tcp, nodelay) andalso not esock:option({tcp, noopt})).

%% The type of service has the form of OTP 29: a map of three readings.
tos(_) ->
    S = socket(esock, udp),
    Get = fun() -> {ok, Tos} = esock:getopt(S, {ip, tos}), Tos end,
    Set = fun(Value) -> ok = esock:setopt(S, {ip, tos}, Value), Get() end,
    ?assertEqual(#{native => 0, tos => #{precedence => routine, tos => default}, dscp => cs0}, Get()),
    ?assertEqual(#{native => 16, tos => #{precedence => routine, tos => lowdelay}, dscp => 4}, Set(lowdelay)),
    ?assertEqual(#{native => 46 bsl 2, tos => #{precedence => critical_ecp, tos => 12}, dscp => ef}, Set(ef)),
    ?assertMatch(#{native := 16#e8, tos := #{precedence := netcontrol, tos := throughput}},
                 Set(#{precedence => netcontrol, tos => throughput})),
    ?assertMatch(#{native := 8}, Set(8)),
    [?assertEqual({error, {invalid, {socket_option, {ip, tos}, V}}}, esock:setopt(S, {ip, tos}, V))
     || V <- [foo, default, #{}, #{precedence => 8, tos => 0}, #{precedence => foo, tos => 0}, "x"]],
    ok = esock:close(S).

%% Names are answered without the NULs after them.
names(_) ->
    S = socket(esock, tcp),
    {ok, Name} = esock:getopt(S, {tcp, congestion}),
    ?assert(length(Name) > 2 andalso lists:all(fun(C) -> C > 32 end, Name)),
    ok = esock:setopt(S, {socket, bindtodevice}, "lo"),
    ?assertEqual({ok, "lo"}, esock:getopt(S, {socket, bindtodevice})),
    ?assertMatch({error, {invalid, _}}, esock:setopt(S, {socket, bindtodevice}, "a name that is too long")),
    ok = esock:close(S).

peercred(_) ->
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, #{family => local, path => <<>>}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    C = socket(esock, local),
    ok = esock:connect(C, Addr),
    Pid = list_to_integer(os:getpid()),
    ?assertMatch({ok, #{pid := Pid, uid := _, gid := _}}, esock:getopt(C, {socket, peercred})),
    [ok = esock:close(S) || S <- [L, C]].

error(_) ->
    S = socket(esock, udp),
    ?assertEqual({ok, none}, esock:getopt(S, {socket, error})),
    ok = esock:connect(S, #{family => inet, addr => loopback, port => 1}),
    ok = esock:send(S, <<"x">>),
    %% The ICMP message that refuses the datagram arrives before the send returns.
    ?assertEqual({ok, econnrefused}, esock:getopt(S, {socket, error})),
    ?assertEqual({ok, none}, esock:getopt(S, {socket, error})),
    ok = esock:close(S).

on_off(Kind, Option) ->
    S = socket(esock, Kind),
    [begin ok = esock:setopt(S, Option, On), ?assertEqual({ok, On}, esock:getopt(S, Option)) end || On <- [true, false]],
    ?assertMatch({error, {invalid, _}}, esock:setopt(S, Option, 1)),
    ok = esock:close(S).

number(Kind, Option, Number) ->
    S = socket(esock, Kind),
    ok = esock:setopt(S, Option, Number),
    ?assertEqual({ok, Number}, esock:getopt(S, Option)),
    ?assertMatch({error, {invalid, _}}, esock:setopt(S, Option, foo)),
    ok = esock:close(S).

rxq_ovfl(_) -> on_off(udp, {socket, rxq_ovfl}).
mark(_) -> number(udp, {socket, mark}, 7).
udp_gro(_) -> [on_off(Kind, {udp, gro}) || Kind <- [udp, udp6]].
busy_poll(_) -> number(udp, {socket, busy_poll}, 0).
udp_segment(_) ->
    [number(Kind, {udp, segment}, 1200) || Kind <- [udp, udp6]],
    S = socket(esock, udp),
    ?assertEqual({error, einval}, esock:setopt(S, {udp, segment}, 65_536)),
    ok = esock:close(S),
    T = socket(esock, tcp),
    [?assertMatch({error, Errno} when is_atom(Errno), esock:setopt(T, {udp, O}, V)) || {O, V} <- [{segment, 1200}, {gro, true}]],
    ok = esock:close(T).
tcp_syncnt(_) -> number(tcp, {tcp, syncnt}, 3).

rcvbufforce(_) ->
    S = socket(esock, udp),
    [begin
         ok = esock:setopt(S, {socket, Force}, 8_000_000),
         ?assertEqual({ok, 16_000_000}, esock:getopt(S, {socket, Size}))
     end || {Force, Size} <- [{rcvbufforce, rcvbuf}, {sndbufforce, sndbuf}]],
    ok = esock:close(S).

tcp_info(_) ->
    S = socket(esock, tcp),
    {ok, #{state := closed, rto := Rto} = Info} = esock:getopt(S, {tcp, info}),
    %% No pacing: all 64 bits are set.
    ?assertMatch(#{max_pacing_rate := 16#ffffffffffffffff}, Info),
    ?assert(is_integer(Rto) andalso map_size(Info) > 40),
    ok = esock:listen(S),
    ?assertMatch({ok, #{state := listen}}, esock:getopt(S, {tcp, info})),
    ok = esock:close(S).

md5sig(_) ->
    S = socket(esock, tcp),
    Sig = #{addr => #{family => inet, addr => loopback, port => 0}, key => <<"secret">>},
    case esock:setopt(S, {tcp, md5sig}, Sig) of
        ok -> ok;
        %% A kernel without TCP MD5 signatures.
        {error, Reason} -> ?assert(lists:member(Reason, [enoprotoopt, enomem, eopnotsupp, enoent]))
    end,
    ?assertMatch({error, {invalid, _}}, esock:setopt(S, {tcp, md5sig}, Sig#{key => binary:copy(<<0>>, 81)})),
    ok = esock:close(S).

ip_options(_) ->
    S = socket(esock, udp),
    ?assertEqual({ok, <<>>}, esock:getopt(S, {ip, options})),
    %% Three no-operation options, and the end of options.
    ok = esock:setopt(S, {ip, options}, <<1, 1, 1, 0>>),
    ?assertEqual({ok, <<1, 1, 1, 0>>}, esock:getopt(S, {ip, options})),
    ?assertMatch({error, {invalid, _}}, esock:setopt(S, {ip, options}, binary:copy(<<1>>, 41))),
    ok = esock:close(S).

timeouts(_) ->
    S = socket(esock, tcp),
    [begin
         ok = esock:setopt(S, {socket, O}, #{sec => 2, usec => 500_000}),
         ?assertEqual({ok, #{sec => 2, usec => 500_000}}, esock:getopt(S, {socket, O}))
     end || O <- [rcvtimeo, sndtimeo]],
    ok = esock:close(S).

%% Joins a group on the loopback interface and receives a datagram sent to it.
multicast(_) ->
    S = socket(esock, udp),
    Group = {224, 0, 0, 251},
    ok = esock:setopt(S, {socket, reuseaddr}, true),
    ok = esock:bind(S, #{family => inet, addr => any, port => 0}),
    {ok, #{port := Port}} = esock:sockname(S),
    Membership = #{multiaddr => Group, interface => {127, 0, 0, 1}},
    ok = esock:setopt(S, {ip, add_membership}, Membership),
    ok = esock:setopt(S, {ip, multicast_if}, {127, 0, 0, 1}),
    ok = esock:setopt(S, {ip, multicast_loop}, true),
    ok = esock:sendto(S, <<"group">>, #{family => inet, addr => Group, port => Port}),
    ?assertMatch({ok, {_, <<"group">>}}, esock:recvfrom(S, 0, 5000)),
    ok = esock:setopt(S, {ip, drop_membership}, Membership),
    ?assertEqual({error, eaddrnotavail}, esock:setopt(S, {ip, drop_membership}, Membership)),
    ok = esock:close(S).

msfilter(_) ->
    S = socket(esock, udp),
    Group = {224, 0, 0, 251},
    ok = esock:setopt(S, {ip, add_membership}, #{multiaddr => Group, interface => {127, 0, 0, 1}}),
    Filter = #{multiaddr => Group, interface => {127, 0, 0, 1}, mode => include, slist => [{127, 0, 0, 1}, {127, 0, 0, 2}]},
    ok = esock:setopt(S, {ip, msfilter}, Filter),
    [?assertMatch({error, {invalid, _}}, esock:setopt(S, {ip, msfilter}, F))
     || F <- [Filter#{mode => foo}, Filter#{slist => foo}, Filter#{slist => [foo]}, maps:remove(slist, Filter)]],
    ok = esock:close(S).

%% On Linux these options are buffers; the booleans are the options with `recv' before the name.
ipv6_buffers(_) ->
    S = socket(esock, udp6),
    [begin
         ?assertEqual({ok, <<>>}, esock:getopt(S, {ipv6, O})),
         ?assertMatch({error, {invalid, _}}, esock:setopt(S, {ipv6, O}, true))
     end || O <- [dstopts, hopopts, rthdr]],
    %% Destination options: next header, length, and padding of four bytes.
    ok = esock:setopt(S, {ipv6, dstopts}, <<0, 0, 1, 4, 0, 0, 0, 0>>),
    ok = esock:close(S),
    [on_off(udp6, {ipv6, O}) || O <- [recvdstopts, recvhopopts, recvrthdr, hoplimit, pktinfo]].

aliases(_) ->
    on_off(tcp, {tcp, nopush}),
    S = socket(esock, udp6),
    M = #{multiaddr => {65282, 0, 0, 0, 0, 0, 0, 251}, interface => 1},
    ok = esock:setopt(S, {ipv6, join_group}, M),
    ok = esock:setopt(S, {ipv6, leave_group}, M),
    ok = esock:close(S).

ctrl_buffers(_) ->
    S = socket(esock, udp),
    [begin
         ?assertEqual({ok, 1024}, esock:getopt(S, {otp, O})),
         ok = esock:setopt(S, {otp, O}, 2048),
         ?assertEqual({ok, 2048}, esock:getopt(S, {otp, O})),
         ok = esock:setopt(S, {otp, O}, default),
         ?assertEqual({ok, 1024}, esock:getopt(S, {otp, O}))
     end || O <- [rcvctrlbuf, sndctrlbuf]],
    ok = esock:close(S).

native(_) ->
    S = socket(esock, tcp),
    ok = esock:setopt_native(S, {socket, keepalive}, true),
    ?assertEqual({ok, true}, esock:getopt_native(S, {socket, keepalive}, boolean)),
    ok = esock:setopt(S, tcp, 1, <<1:32/native>>),
    ?assertEqual({ok, 1}, esock:getopt(S, tcp, {1, integer})),
    ?assertEqual({ok, <<1:32/native>>}, esock:getopt_native(S, {6, 1}, 4)),
    ?assertEqual({ok, <<1:32/native>>}, esock:getopt_native(S, {tcp, nodelay}, <<0:32>>)),
    ok = esock:close(S).

write_only(_) ->
    S = socket(esock, udp),
    [?assertEqual({error, {invalid, {socket_option, O}}}, esock:getopt(S, O))
     || O <- [{ip, add_membership}, {ip, msfilter}, {socket, rcvbufforce}]],
    ok = esock:close(S).

read_only(_) ->
    S = socket(esock, udp),
    [?assertEqual({error, {invalid, {socket_option, O}}}, esock:setopt(S, O, 1))
     || O <- [{socket, type}, {socket, error}, {ip, mtu}, {otp, fd}, {otp, domain}]],
    ok = esock:close(S).

not_here(_) ->
    S = socket(esock, udp),
    [begin
         ?assertEqual({error, {invalid, {socket_option, O}}}, esock:setopt(S, O, 1)),
         ?assertEqual({error, {invalid, {socket_option, O}}}, esock:getopt(S, O))
     end || {O, false} <- esock:supports(options)],
    ok = esock:close(S).

%% SCTP options on a TCP socket: the values are encoded, and the kernel refuses the option. test/core/wire/layout.rs tests the
%% bytes.
sctp(_) ->
    S = socket(esock, tcp),
    Good = [{rtoinfo, #{assoc_id => 0, initial => 1, max => 2, min => 1}},
            {initmsg, #{num_ostreams => 1, max_instreams => 1, max_attempts => 1, max_init_timeo => 1}},
            {nodelay, true}, {autoclose, 1}, {maxseg, 100}],
    [?assert(lists:member(esock:setopt(S, {sctp, O}, V), [{error, enoprotoopt}, {error, eopnotsupp}])) || {O, V} <- Good],
    [?assertMatch({error, {invalid, _}}, esock:setopt(S, {sctp, O}, foo)) || {O, _} <- Good],
    ok = esock:close(S).

%% Every option of the system by its name, on each kind of socket that has it: read, set to what was read, read again. The bytes are
%% compared with those that python3 reads, and each codec refuses wrong values.
-module(esock_option_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [every_option, python, wrong_values, timestamping, pacing, txtime, interfaces, names_of_interfaces, meminfo, cookie, peers, filter,
     filter_native, writes_elsewhere, lock_filter, filter_bounds, reuseport_filter, tcp_info, tcp_options, fastopen, repair, tls,
     port_range, multicast_by_index,
     groups, group_filters, ip_filters, ipv6_options, icmp_filters, packet, netlink, vsock, udp, linger, bind_device, original_dst,
     mptcp, setopts, setopts_checks_first, setopts_arguments, const, const_python, probe, probe_and_read, frag_size,
     tcp_inq, pidfd, pidfd_closed, transmit_times, transmit_statistics, flags, protocols, clean].

kinds() ->
    [{inet, dgram, udp}, {inet, stream, tcp}, {inet, raw, icmp}, {inet, dgram, 136}, {inet, stream, 262}, {inet6, dgram, udp},
     {inet6, stream, tcp}, {inet6, raw, 58}, {local, stream, 0}, {local, dgram, 0}, {17, raw, 16#0300}, {16, raw, 0}, {40, stream, 0}, {44, raw, 0}].

open(Kind) ->
    {Domain, Type, Protocol} = Kind,
    esock:open(Domain, Type, Protocol).

%% The options of the system, and those that other suites test by hand because setting them changes what other options answer.
options() -> [O || {{Level, _} = O, true} <- esock:options(), Level =/= otp].

%% Reads each option on each kind of socket, sets it to what it has read, and reads it again. Errors of the kernel are counted
%% by their names; an option is either there or refused with one of these.
every_option(_) ->
    Kinds = [Kind || Kind <- kinds(), opens(Kind)],
    Rounds = [{Option, Kind, round_trip(Kind, Option)} || Kind <- Kinds, Option <- options()],
    Same = lists:usort([Option || {Option, _, same} <- Rounds]),
    Read = lists:usort([Option || {Option, _, read} <- Rounds]) -- Same,
    ct:pal("~w kinds; set and read again: ~w; read: ~w~n~p~nread only here:~n~p", [length(Kinds), length(Same), length(Read), Same, Read]),
    Errors = lists:usort([Reason || {_, _, {refused, Reason}} <- Rounds]),
    ct:pal("refused with ~p", [Errors]),
    Wrong = [R || {_, _, {wrong, _}} = R <- Rounds],
    ?assertEqual([], Wrong),
    ?assert(length(Same) > 140),
    ?assertEqual([], Errors -- [enoprotoopt, eopnotsupp, enotsup, einval, eperm, eacces, enotconn, enodata, enoent, ebusy, enodev,
                                eisconn, edestaddrreq, eaddrnotavail, e2big, efault, einprogress, enobufs, enomem, eprotonosupport,
                                ebadf, invalid]).

opens(Kind) ->
    case open(Kind) of
        {ok, S} -> esock:close(S) =:= ok;
        {error, _} -> false
    end.

round_trip(Kind, Option) ->
    {ok, S} = open(Kind),
    Result = case esock:getopt(S, Option) of
                 {ok, Value} -> set_again(S, Option, Value);
                 {error, {invalid, {socket_option, Option}}} -> {refused, invalid};
                 {error, Reason} when is_atom(Reason) -> {refused, Reason};
                 Other -> {wrong, Other}
             end,
    ok = esock:close(S),
    Result.

%% A type of service is read in three ways, and set in one of them.
set_again(S, {ip, tos} = Option, #{native := Byte} = Value) ->
    case {esock:setopt(S, Option, Byte), esock:getopt(S, Option)} of {ok, {ok, Value}} -> same; Other -> {wrong, Other} end;
set_again(S, Option, Value) ->
    case esock:setopt(S, Option, Value) of
        ok -> read_again(S, Option, Value);
        %% It can only be read.
        {error, {invalid, {socket_option, Option}}} -> read;
        %% A value that is read but that no codec can set: a filter that is not there.
        {error, {invalid, {socket_option, Option, []}}} -> read;
        {error, Reason} when is_atom(Reason) -> {refused, Reason};
        Other -> {wrong, {set, Value, Other}}
    end.

%% The kernel doubles the sizes of buffers.
read_again(S, {socket, Buffer} = Option, Value) when Buffer =:= sndbuf; Buffer =:= rcvbuf ->
    Doubled = 2 * Value,
    case esock:getopt(S, Option) of {ok, Doubled} -> same; {ok, Bound} when Bound >= Value -> same; Other -> {wrong, Other} end;
read_again(S, Option, Value) ->
    case esock:getopt(S, Option) of
        {ok, Value} -> same;
        %% The descriptor of the peer's process is a new one each time, and a quick acknowledgement is not permanent.
        {ok, Other} -> case lists:member(Option, [{tcp, quickack}, {tcp, window_clamp}, {tcp, timestamp}]) of true -> same; false -> {wrong, {Value, Other}} end;
        Other -> {wrong, {Value, Other}}
    end.

%%% python3 as the oracle: it takes a duplicate of the descriptor, and reads the option by its own constants.

python(_) ->
    Cases = [{udp, {socket, mark}, 7, "SOL_SOCKET", "SO_MARK", <<7:32/native>>},
             {udp, {socket, broadcast}, true, "SOL_SOCKET", "SO_BROADCAST", <<1:32/native>>},
             {udp, {socket, incoming_cpu}, 0, "SOL_SOCKET", "SO_INCOMING_CPU", <<0:32/native>>},
             {udp, {socket, timestamping}, [tx_software, software, opt_id], "SOL_SOCKET", "37", <<(2 + 16 + 128):32/native, 0:32>>},
             {udp, {socket, max_pacing_rate}, 1_000_000, "SOL_SOCKET", "47", <<1_000_000:64/native>>},
             {udp, {socket, max_pacing_rate}, unlimited, "SOL_SOCKET", "47", <<-1:64/native>>},
             {udp, {socket, zerocopy}, true, "SOL_SOCKET", "60", <<1:32/native>>},
             {udp, {socket, txtime}, #{clockid => tai, flags => [report_errors]}, "SOL_SOCKET", "61", <<11:32/native, 2:32/native>>},
             {udp, {socket, bindtoifindex}, "lo", "SOL_SOCKET", "62", <<1:32/native>>},
             {udp, {socket, bindtodevice}, "lo", "SOL_SOCKET", "SO_BINDTODEVICE", <<"lo", 0>>},
             {udp, {socket, prefer_busy_poll}, true, "SOL_SOCKET", "69", <<1:32/native>>},
             {udp, {socket, no_check}, true, "SOL_SOCKET", "11", <<1:32/native>>},
             {udp, {socket, buf_lock}, [snd, rcv], "SOL_SOCKET", "72", <<3:32/native>>},
             {udp, {socket, linger}, {seconds, 5}, "SOL_SOCKET", "SO_LINGER", <<1:32/native, 5:32/native>>},
             {udp, {ip, bind_address_no_port}, true, "IPPROTO_IP", "24", <<1:32/native>>},
             {udp, {ip, local_port_range}, {40_000, 50_000}, "IPPROTO_IP", "51", <<40_000:16/native, 50_000:16/native>>},
             {udp, {ip, unicast_if}, "lo", "IPPROTO_IP", "50", <<1:32/big>>},
             {udp, {ip, mtu_discover}, omit, "IPPROTO_IP", "10", <<5:32/native>>},
             {udp, {ip, recvfragsize}, true, "IPPROTO_IP", "25", <<1:32/native>>},
             {udp, {ip, multicast_if}, {127, 0, 0, 1}, "IPPROTO_IP", "IP_MULTICAST_IF", <<127, 0, 0, 1>>},
             {udp6, {ipv6, tclass}, ef, "IPPROTO_IPV6", "IPV6_TCLASS", <<184:32/native>>},
             {udp6, {ipv6, dontfrag}, true, "IPPROTO_IPV6", "IPV6_DONTFRAG", <<1:32/native>>},
             {udp6, {ipv6, multicast_if}, "lo", "IPPROTO_IPV6", "IPV6_MULTICAST_IF", <<1:32/native>>},
             {udp6, {ipv6, unicast_if}, {index, 1}, "IPPROTO_IPV6", "76", <<1:32/big>>},
             {udp6, {ipv6, addr_preferences}, [tmp, home], "IPPROTO_IPV6", "72", <<16#401:32/native>>},
             {udp6, {ipv6, recvpathmtu}, true, "IPPROTO_IPV6", "IPV6_RECVPATHMTU", <<1:32/native>>},
             {tcp, {tcp, defer_accept}, 1, "IPPROTO_TCP", "TCP_DEFER_ACCEPT", <<1:32/native>>},
             {tcp, {tcp, quickack}, false, "IPPROTO_TCP", "TCP_QUICKACK", <<0:32/native>>},
             {tcp, {tcp, notsent_lowat}, 16_384, "IPPROTO_TCP", "TCP_NOTSENT_LOWAT", <<16_384:32/native>>},
             {tcp, {tcp, linger2}, 10, "IPPROTO_TCP", "TCP_LINGER2", <<10:32/native>>},
             {tcp, {tcp, fastopen_connect}, true, "IPPROTO_TCP", "30", <<1:32/native>>},
             {tcp, {tcp, user_timeout}, 3000, "IPPROTO_TCP", "TCP_USER_TIMEOUT", <<3000:32/native>>},
             {tcp, {socket, txrehash}, enabled, "SOL_SOCKET", "74", <<1:32/native>>},
             {udp, {udp, no_check6_tx}, true, "IPPROTO_UDP", "101", <<1:32/native>>},
             {udp, {udp, encap}, espinudp, "IPPROTO_UDP", "100", <<2:32/native>>},
             {udplite, {udplite, send_cscov}, 20, "IPPROTO_UDPLITE", "UDPLITE_SEND_CSCOV", <<20:32/native>>},
             {icmp, {icmp, filter}, [3, 11], "255", "1", <<(8 + 2048):32/native>>},
             {packet, {packet, version}, v2, "263", "10", <<1:32/native>>},
             {packet, {packet, auxdata}, true, "263", "8", <<1:32/native>>}],
    Sockets = [begin
                   S = socket(Kind),
                   ?assertEqual({Option, ok}, {Option, esock:setopt(S, Option, Value)}),
                   S
               end || {Kind, Option, Value, _, _, _} <- Cases],
    Asked = [io_lib:format("~w ~s ~s ~w~n", [fd(S), Level, Name, 16])
             || {S, {_, _, _, Level, Name, _}} <- lists:zip(Sockets, Cases)],
    Script = "import os, sys, socket, ctypes\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "pid = libc.syscall(434, " ++ os:getpid() ++ ", 0)\n"
        "def const(name): return int(name) if name.isdigit() else getattr(socket, name)\n"
        "for line in sys.stdin:\n"
        "    fd, level, name, size = line.split()\n"
        "    s = socket.socket(fileno=libc.syscall(438, pid, int(fd), 0))\n"
        "    print(s.getsockopt(const(level), const(name), int(size)).hex())\n",
    Found = python3(Script, Asked),
    ?assertEqual(length(Cases), length(Found), Found),
    Expected = [binary_to_list(hex(Bytes)) || {_, _, _, _, _, Bytes} <- Cases],
    [?assertEqual({Option, Hex}, {Option, Got}) || {{_, Option, _, _, _, _}, Hex, Got} <- lists:zip3(Cases, Expected, Found)],
    [ok = esock:close(S) || S <- Sockets].

hex(Bytes) -> << <<(integer_to_binary(Half, 16))/binary>> || <<Half:4>> <= Bytes, true >>.

%% Runs a program, and returns the lines that it prints, in upper case.
python3(Script, Input) ->
    Id = integer_to_list(erlang:unique_integer([positive])),
    File = fun(Ending) -> filename:join("/tmp", "esock_option_" ++ os:getpid() ++ "_" ++ Id ++ Ending) end,
    ok = file:write_file(File(".py"), Script),
    ok = file:write_file(File(".in"), Input),
    Printed = os:cmd("python3 " ++ File(".py") ++ " < " ++ File(".in") ++ " 2>&1"),
    [ok = file:delete(File(Ending)) || Ending <- [".py", ".in"]],
    string:lexemes(string:uppercase(Printed), "\n").

fd(S) ->
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    Fd.

socket(Kind) ->
    {ok, S} = case Kind of
                  udp -> esock:open(inet, dgram, udp);
                  tcp -> esock:open(inet, stream, tcp);
                  udp6 -> esock:open(inet6, dgram, udp);
                  tcp6 -> esock:open(inet6, stream, tcp);
                  icmp -> esock:open(inet, raw, icmp);
                  icmp6 -> esock:open(inet6, raw, 58);
                  udplite -> esock:open(inet, dgram, 136);
                  packet -> esock:open(17, raw, 0);
                  netlink -> esock:open(16, raw, 0);
                  vsock -> esock:open(40, stream, 0);
                  local -> esock:open(local, stream)
              end,
    S.

%%% Wrong values.

%% No option takes any of these, whatever its codec. Nothing raises.
wrong_values(_) ->
    Sockets = [socket(Kind) || Kind <- [udp, tcp6]],
    Never = [1.5, self(), make_ref(), fun() -> ok end, [foo | bar], {}, {a, b, c, d, e}, 1 bsl 80, -(1 bsl 80), no_such_name,
             #{no_such_key => 1}, [#{}], [1.5], [{1.5, 2}], [{-1, -1, -1, -1}], {index, foo}, {seconds, foo}, {index, 1.5},
             lists:duplicate(5000, 255), binary:copy(<<0>>, 70_000), <<1:7>>],
    %% With these every key is optional.
    Empty = [{can_j1939, filter}],
    [begin
         Result = try esock:setopt(S, Option, Value) catch Class:Reason -> {Class, Reason} end,
         case Result of
             {error, {invalid, {socket_option, Option, Value}}} -> ok;
             {error, {invalid, {socket_option, Option}}} -> ok;
             {error, enoprotoopt} -> ok;
             _ when Value =:= [#{}] -> ?assert(lists:member(Option, Empty));
             %% The one key of a map may be left out, and then the kernel reads zeros.
             _ when Value =:= #{no_such_key => 1} -> ?assertEqual({tcp, ao_info}, Option);
             _ -> ?assertEqual({Option, Value, refused}, {Option, Value, Result})
         end
     end || S <- Sockets, Option <- options(), Value <- Never],
    [ok = esock:close(S) || S <- Sockets].

invalid(S, Option, Values) ->
    [?assertEqual({error, {invalid, {socket_option, Option, Value}}}, esock:setopt(S, Option, Value)) || Value <- Values].

same(S, Option, Values) ->
    [begin
         ?assertEqual({Option, Value, ok}, {Option, Value, esock:setopt(S, Option, Value)}),
         ?assertEqual({Option, {ok, Value}}, {Option, esock:getopt(S, Option)})
     end || Value <- Values].

%%% Level socket.

timestamping(_) ->
    S = socket(udp),
    O = {socket, timestamping},
    same(S, O, [[tx_software, rx_software, software], [tx_software, software, opt_id, tx_sched, opt_tsonly], []]),
    ok = esock:setopt(S, O, 2 + 16),
    ?assertEqual({ok, [tx_software, software]}, esock:getopt(S, O)),
    invalid(S, O, [[foo], foo, #{flags => [software]}, #{bind_phc => 1}, #{flags => [foo], bind_phc => 0}, -1 bsl 40]),
    %% No clock of hardware is bound: the map is the list.
    ok = esock:setopt(S, O, #{flags => [software], bind_phc => 0}),
    ?assertEqual({ok, [software]}, esock:getopt(S, O)),
    ok = esock:close(S).

pacing(_) ->
    S = socket(tcp),
    O = {socket, max_pacing_rate},
    ?assertEqual({ok, unlimited}, esock:getopt(S, O)),
    same(S, O, [1, 5_000_000_000, unlimited]),
    invalid(S, O, [-1, foo, limited, 1 bsl 64, <<>>]),
    ok = esock:close(S).

txtime(_) ->
    S = socket(udp),
    O = {socket, txtime},
    same(S, O, [#{clockid => tai, flags => [deadline_mode, report_errors]}, #{clockid => monotonic, flags => []}]),
    invalid(S, O, [#{}, #{clockid => foo}, #{clockid => tai, flags => [foo]}, tai]),
    ok = esock:close(S).

%% An interface by its index, as a tuple or by its name.
interfaces(_) ->
    S = socket(udp),
    O = {socket, bindtoifindex},
    [begin
         ok = esock:setopt(S, O, Interface),
         ?assertEqual({ok, 1}, esock:getopt(S, O)),
         ok = esock:setopt(S, O, 0)
     end || Interface <- [1, {index, 1}, "lo"]],
    ?assertEqual({error, enodev}, esock:setopt(S, O, "nosuch0")),
    invalid(S, O, [-1, "", "a name that is too long", lo, <<"lo">>, {index, -1}, {name, "lo"}, {index}, 1 bsl 31]),
    ok = esock:close(S).

%% A name is one of the socket's network namespace: "gifb0" is in another one than that of the node.
names_of_interfaces(_) ->
    Id = "esock_g" ++ os:getpid(),
    case os:cmd("ip netns add " ++ Id ++ " && ip -n " ++ Id ++ " link add gifb0 type ifb && echo there") of
        "there\n" ->
            try
                {ok, S} = esock:open(inet, dgram, udp, #{netns => "/var/run/netns/" ++ Id}),
                ok = esock:setopt(S, {socket, bindtoifindex}, "gifb0"),
                {ok, Index} = esock:getopt(S, {socket, bindtoifindex}),
                ?assertEqual(integer_to_list(Index), hd(string:lexemes(os:cmd("ip -n " ++ Id ++ " -o link show gifb0"), ":"))),
                Here = socket(udp),
                ?assertEqual({error, enodev}, esock:setopt(Here, {socket, bindtoifindex}, "gifb0")),
                [ok = esock:close(Each) || Each <- [S, Here]]
            after os:cmd("ip netns del " ++ Id)
            end;
        Printed -> 
            _ = os:cmd("ip netns del " ++ Id),
            {skip, Printed}
    end.

meminfo(_) ->
    S = socket(udp),
    {ok, #{rcvbuf := Rcvbuf} = Memory} = esock:getopt(S, {socket, meminfo}),
    ?assertEqual({ok, Rcvbuf}, esock:getopt(S, {socket, rcvbuf})),
    ?assertEqual(9, map_size(Memory)),
    ok = esock:close(S).

cookie(_) ->
    S = socket(udp),
    {ok, Cookie} = esock:getopt(S, {socket, cookie}),
    ?assert(is_integer(Cookie) andalso Cookie > 0),
    ?assertEqual({ok, Cookie}, esock:getopt(S, {socket, cookie})),
    ?assertMatch({ok, N} when is_integer(N) andalso N > 0, esock:getopt(S, {socket, netns_cookie})),
    ?assertEqual({error, {invalid, {socket_option, {socket, cookie}}}}, esock:setopt(S, {socket, cookie}, 1)),
    ok = esock:close(S).

%% Who is at the other end: the address, the groups, the process as a descriptor, which is closed on exec.
peers(_) ->
    {C, S} = esock_pairs:pair(),
    {ok, Addr} = esock:sockname(S),
    ?assertEqual({ok, Addr}, esock:getopt(C, {socket, peername})),
    [ok = esock:close(Each) || Each <- [C, S]],
    {A, B} = esock_pairs:local_pair(esock, stream),
    {ok, Pidfd} = esock:getopt(A, {socket, peerpidfd}),
    {ok, Info} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Pidfd)),
    ?assertMatch({match, _}, re:run(Info, "Pid:\\s+" ++ os:getpid() ++ "\n")),
    ?assertMatch({match, _}, re:run(Info, "flags:\\s+0?2\\d{6}\n")),
    {ok, Groups} = esock:getopt(A, {socket, peergroups}),
    ?assertEqual(lists:sort(Groups), lists:usort([list_to_integer(G) || G <- string:lexemes(os:cmd("id -G"), " \n"), lists:member(list_to_integer(G), Groups)])),
    [ok = esock:close(Each) || Each <- [A, B]].

%%% Filters.

accept_all() -> [{6, 0, 0, 16#FFFFFFFF}].
drop_all() -> [{6, 0, 0, 0}].

%% A filter takes packets away, and what is read is what was set.
filter(_) ->
    {S, Addr} = esock_pairs:udp(),
    T = socket(udp),
    O = {socket, attach_filter},
    ?assertEqual({ok, []}, esock:getopt(S, O)),
    ok = esock:setopt(S, O, drop_all()),
    ok = esock:sendto(T, <<"dropped">>, Addr),
    %% Keeps packets of 8 bytes of UDP header and 4 of data.
    Four = [{16#80, 0, 0, 0}, {16#15, 0, 1, 12}, {6, 0, 0, 16#FFFFFFFF}, {6, 0, 0, 0}],
    ok = esock:setopt(S, O, Four),
    ?assertEqual({ok, Four}, esock:getopt(S, O)),
    ?assertEqual({ok, Four}, esock:getopt(S, {socket, get_filter})),
    [ok = esock:sendto(T, Data, Addr) || Data <- [<<"five!">>, <<"four">>]],
    ?assertMatch({ok, {_, <<"four">>}}, esock:recvfrom(S, 0, 5000)),
    ok = esock:setopt(S, {socket, detach_filter}, true),
    ?assertEqual({error, enoent}, esock:setopt(S, {socket, detach_filter}, true)),
    ?assertEqual({ok, []}, esock:getopt(S, O)),
    ok = esock:sendto(T, <<"after">>, Addr),
    ?assertMatch({ok, {_, <<"after">>}}, esock:recvfrom(S, 0, 5000)),
    [ok = esock:close(Each) || Each <- [S, T]].

%% SO_GET_FILTER counts in instructions. By number the room is in bytes, and nothing is written past it.
filter_native(_) ->
    S = socket(udp),
    ok = esock:setopt(S, {socket, attach_filter}, lists:duplicate(99, {0, 0, 0, 1}) ++ accept_all()),
    [?assertEqual({error, einval}, esock:getopt_native(S, {1, 26}, Room)) || Room <- [0, 1, 100, 799]],
    [?assertMatch({ok, <<_:800/binary>>}, esock:getopt_native(S, {1, 26}, Room)) || Room <- [800, 4096]],
    ok = esock:setopt(S, {socket, detach_filter}, true),
    ?assertEqual({ok, <<>>}, esock:getopt_native(S, {1, 26}, 100)),
    ok = esock:close(S).

%% Options whose bytes say where the kernel writes cannot be used by number.
writes_elsewhere(_) ->
    {ok, S} = esock:open(inet, stream),
    [begin
         ?assertEqual({error, {invalid, {socket_option, O}}}, esock:getopt_native(S, O, <<0:512>>)),
         ?assertEqual({error, {invalid, {socket_option, O}}}, esock:setopt_native(S, O, <<0:512>>))
     end || O <- [{6, 35}, {tcp, 35}, {283, 4}]],
    ok = esock:close(S).

lock_filter(_) ->
    S = socket(udp),
    ok = esock:setopt(S, {socket, attach_filter}, accept_all()),
    ok = esock:setopt(S, {socket, lock_filter}, true),
    ?assertEqual({ok, true}, esock:getopt(S, {socket, lock_filter})),
    ?assertEqual({error, eperm}, esock:setopt(S, {socket, lock_filter}, false)),
    ?assertEqual({error, eperm}, esock:setopt(S, {socket, detach_filter}, true)),
    ok = esock:close(S).

filter_bounds(_) ->
    S = socket(udp),
    O = {socket, attach_filter},
    Nops = fun(N) -> lists:duplicate(N - 1, {0, 0, 0, 1}) ++ accept_all() end,
    ok = esock:setopt(S, {socket, rcvbuf}, 1_000_000),
    case esock:setopt(S, O, Nops(4096)) of
        ok -> ?assertEqual({ok, Nops(4096)}, esock:getopt(S, O));
        %% The program counts for net.core.optmem_max.
        {error, enomem} -> ok
    end,
    invalid(S, O, [Nops(4097), [], foo, [{6, 0, 0}], [{65_536, 0, 0, 0}], [{6, 256, 0, 0}], [{6, 0, -1, 0}], [{6, 0, 0, 1 bsl 32}], [foo],
                   {6, 0, 0, 0}, <<6:16/native, 0:48>>, [{6, 0, 0, 0} | foo]]),
    %% The kernel checks what the program does: a jump out of it.
    ?assertEqual({error, einval}, esock:setopt(S, O, [{16#15, 9, 9, 0}, {6, 0, 0, 0}])),
    invalid(S, {socket, detach_filter}, [false, 1]),
    ok = esock:close(S).

%% The program chooses the second of two sockets on one port.
reuseport_filter(_) ->
    A = socket(udp),
    ok = esock:setopt(A, {socket, reuseport}, true),
    ok = esock:bind(A, #{family => inet, addr => loopback, port => 0}),
    {ok, Addr} = esock:sockname(A),
    B = socket(udp),
    ok = esock:setopt(B, {socket, reuseport}, true),
    ok = esock:bind(B, Addr),
    ok = esock:setopt(A, {socket, attach_reuseport_cbpf}, [{6, 0, 0, 1}]),
    T = socket(udp),
    [ok = esock:sendto(T, <<N>>, Addr) || N <- lists:seq(1, 20)],
    [?assertMatch({ok, {_, <<N>>}}, esock:recvfrom(B, 0, 5000)) || N <- lists:seq(1, 20)],
    ?assertEqual({error, timeout}, esock:recvfrom(A, 0, 0)),
    ok = esock:setopt(A, {socket, detach_reuseport_bpf}, true),
    ?assertEqual({error, {invalid, {socket_option, {socket, attach_reuseport_cbpf}}}}, esock:getopt(A, {socket, attach_reuseport_cbpf})),
    [ok = esock:close(S) || S <- [A, B, T]].

%%% TCP.

%% The map has a key for each field that the kernel writes: `ss' prints the same numbers.
tcp_info(_) ->
    {C, S} = esock_pairs:pair(),
    ok = esock:send(C, <<"hello">>),
    {ok, <<"hello">>} = esock:recv(S, 5),
    {ok, Info} = esock:getopt(C, {tcp, info}),
    ?assertMatch(#{state := established, bytes_sent := 5, snd_wscale := W, rcv_wscale := R, total_rto_time := 0}
                   when W < 15 andalso R < 15, Info),
    {ok, Bytes} = esock:getopt_native(C, {tcp, info}, 1024),
    ?assert(map_size(Info) > 60 orelse byte_size(Bytes) < 280),
    [{ok, #{port := From}}, {ok, #{port := To}}] = [esock:sockname(C), esock:peername(C)],
    Ss = os:cmd(io_lib:format("ss -tin 'sport = :~w and dport = :~w' 2>/dev/null", [From, To])),
    case re:run(Ss, "wscale:(\\d+),(\\d+).* mss:(\\d+).* bytes_sent:(\\d+)", [{capture, all_but_first, list}]) of
        {match, Found} ->
            #{snd_wscale := Snd, rcv_wscale := Rcv, snd_mss := Mss} = Info,
            ?assertEqual([Snd, Rcv, Mss, 5], [list_to_integer(N) || N <- Found]);
        nomatch -> ct:pal("no ss: ~s", [Ss])
    end,
    [ok = esock:close(Each) || Each <- [C, S]].

tcp_options(_) ->
    S = socket(tcp),
    same(S, {tcp, notsent_lowat}, [0, 65_536, 1 bsl 32 - 1]),
    same(S, {tcp, thin_linear_timeouts}, [true, false]),
    same(S, {tcp, save_syn}, [0, 1, 2]),
    same(S, {tcp, inq}, [true, false]),
    same(S, {tcp, fastopen_connect}, [true, false]),
    same(S, {tcp, fastopen_no_cookie}, [true, false]),
    same(S, {tcp, linger2}, [-1, 10]),
    ok = esock:setopt(S, {tcp, quickack}, false),
    ?assertEqual({ok, false}, esock:getopt(S, {tcp, quickack})),
    ?assertEqual({ok, false}, esock:getopt(S, {tcp, is_mptcp})),
    ?assertMatch({ok, Info} when is_binary(Info), esock:getopt(S, {tcp, cc_info})),
    ?assertEqual({ok, ""}, esock:getopt(S, {tcp, ulp})),
    [invalid(S, {tcp, O}, [foo, -1, 1 bsl 32]) || O <- [notsent_lowat]],
    ok = esock:close(S).

%% Data in the first packet: the second connection has the cookie that the first one got. A listener keeps the SYN of each.
fastopen(_) ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:setopt(L, {tcp, fastopen}, 16),
    ?assertEqual({ok, 16}, esock:getopt(L, {tcp, fastopen})),
    ok = esock:setopt(L, {tcp, save_syn}, 1),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    [begin
         C = socket(tcp),
         ok = esock:setopt(C, {tcp, fastopen_connect}, true),
         ok = esock:connect(C, Addr),
         ok = esock:send(C, <<"first">>),
         {ok, A} = esock:accept(L, 5000),
         ?assertEqual({ok, <<"first">>}, esock:recv(A, 5, 5000)),
         %% It is an IPv4 header, and it is there once.
         ?assertMatch({ok, <<4:4, _/bits>>}, esock:getopt(A, {tcp, saved_syn})),
         ?assertEqual({ok, <<>>}, esock:getopt(A, {tcp, saved_syn})),
         [ok = esock:close(Each) || Each <- [C, A]]
     end || _ <- [1, 2]],
    ok = esock:close(L).

%% The state of a connection, read in repair mode; the connection goes on afterwards.
repair(_) ->
    {C, S} = esock_pairs:pair(),
    ok = esock:send(C, <<"before">>),
    {ok, <<"before">>} = esock:recv(S, 6),
    case esock:setopt(C, {tcp, repair}, on) of
        ok ->
            ?assertEqual({ok, on}, esock:getopt(C, {tcp, repair})),
            same(C, {tcp, repair_queue}, [send]),
            {ok, Sent} = esock:getopt(C, {tcp, queue_seq}),
            ?assert(is_integer(Sent)),
            {ok, #{snd_wnd := _, rcv_wnd := _} = Window} = esock:getopt(C, {tcp, repair_window}),
            ok = esock:setopt(C, {tcp, repair_window}, Window),
            same(C, {tcp, repair_queue}, [recv, none]),
            %% Code 2: the maximum segment size.
            ?assert(lists:member(esock:setopt(C, {tcp, repair_options}, [{2, 1000}]), [ok, {error, eperm}])),
            invalid(C, {tcp, repair_options}, [[{2}], [foo], {2, 1000}, [{-1, 0}]]),
            ok = esock:setopt(C, {tcp, repair}, off),
            ok = esock:send(C, <<"after">>),
            ?assertEqual({ok, <<"after">>}, esock:recv(S, 5, 5000));
        {error, eperm} -> ok
    end,
    invalid(C, {tcp, repair}, [foo, recv, <<>>]),
    [ok = esock:close(Each) || Each <- [C, S]].

crypto(Cipher, Iv, Key, Salt) ->
    #{version => 'tlsv1.3', cipher => Cipher, iv => binary:copy(<<1>>, Iv), key => binary:copy(<<2>>, Key),
      salt => binary:copy(<<3>>, Salt), rec_seq => <<0:64>>}.

%% With a kernel that has TLS both ends exchange data by the same key. Any kernel refuses wrong parts.
tls(_) ->
    {C, S} = esock_pairs:pair(),
    Good = crypto(aes_gcm_128, 8, 16, 4),
    invalid(C, {tls, tx}, [Good#{key => <<1>>}, maps:remove(salt, Good), Good#{cipher => foo}, Good#{version => foo},
                           Good#{cipher => aes_gcm_256}, crypto(chacha20_poly1305, 8, 32, 0), foo, #{}, Good#{iv => "12345678"}]),
    case esock:setopt(C, {tcp, ulp}, "tls") of
        ok ->
            ?assertEqual({ok, "tls"}, esock:getopt(C, {tcp, ulp})),
            ok = esock:setopt(S, {tcp, ulp}, "tls"),
            ok = esock:setopt(C, {tls, tx}, Good),
            ?assertEqual({ok, Good}, esock:getopt(C, {tls, tx})),
            ok = esock:setopt(S, {tls, rx}, Good),
            ok = esock:send(C, <<"secret">>),
            ?assertEqual({ok, <<"secret">>}, esock:recv(S, 6, 5000));
        {error, enoent} -> ?assertEqual({error, enoprotoopt}, esock:setopt(C, {tls, tx}, Good))
    end,
    [ok = esock:close(Each) || Each <- [C, S]].

%%% Level ip, ipv6, mcast.

port_range(_) ->
    S = socket(udp),
    O = {ip, local_port_range},
    same(S, O, [{40_000, 40_001}, {0, 0}, {50_000, 0}]),
    ?assertEqual({error, einval}, esock:setopt(S, O, {2, 1})),
    invalid(S, O, [{1}, {1, 2, 3}, {-1, 5}, {1, 65_536}, [1, 2], foo, 7]),
    ok = esock:setopt(S, O, {41_000, 41_001}),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, #{port := Port}} = esock:sockname(S),
    ?assert(Port =:= 41_000 orelse Port =:= 41_001),
    ok = esock:close(S).

%% Membership by index, by name and by address; sending through an interface by its name.
multicast_by_index(_) ->
    Group = {239, 7, 7, 7},
    [begin
         S = socket(udp),
         ok = esock:bind(S, #{family => inet, addr => any, port => 0}),
         {ok, #{port := Port}} = esock:sockname(S),
         ok = esock:setopt(S, {ip, add_membership}, #{multiaddr => Group, interface => Interface}),
         ?assertEqual({error, eaddrinuse}, esock:setopt(S, {ip, add_membership}, #{multiaddr => Group, interface => {127, 0, 0, 1}})),
         ok = esock:setopt(S, {ip, multicast_if}, Interface),
         ok = esock:sendto(S, <<"group">>, #{family => inet, addr => Group, port => Port}),
         ?assertMatch({ok, {_, <<"group">>}}, esock:recvfrom(S, 0, 5000)),
         ok = esock:setopt(S, {ip, drop_membership}, #{multiaddr => Group, interface => Interface}),
         ok = esock:close(S)
     end || Interface <- [{127, 0, 0, 1}, loopback, {index, 1}, "lo", {index, "lo"}]],
    S6 = socket(udp6),
    M = #{multiaddr => {16#ff02, 0, 0, 0, 0, 0, 0, 16#77}, interface => "lo"},
    ok = esock:setopt(S6, {ipv6, add_membership}, M),
    ok = esock:setopt(S6, {ipv6, drop_membership}, M#{interface => 1}),
    ?assertEqual({error, enodev}, esock:setopt(S6, {ipv6, add_membership}, M#{interface => "nosuch0"})),
    invalid(S6, {ipv6, add_membership}, [M#{interface => -1}, M#{interface => lo}, maps:remove(interface, M)]),
    ok = esock:close(S6).

%% Groups and senders by RFC 3678, of IPv4 and IPv6.
groups(_) ->
    [begin
         S = socket(Kind),
         Addr = fun(A) -> #{family => Family, addr => A} end,
         Group = #{interface => "lo", group => Addr(G)},
         Source = Group#{source => Addr(From)},
         Set = fun(Name, Value) -> esock:setopt(S, {mcast, Name}, Value) end,
         ok = Set(join_group, Group),
         ?assertEqual({error, eaddrinuse}, Set(join_group, Group)),
         ok = Set(block_source, Source),
         ?assertEqual({error, eaddrnotavail}, Set(block_source, Source)),
         ok = Set(unblock_source, Source),
         ok = Set(leave_group, Group#{interface => 1}),
         ?assertEqual({error, eaddrnotavail}, Set(leave_group, Group)),
         ok = Set(join_source_group, Source#{group => Addr(Ssm)}),
         ok = Set(leave_source_group, Source#{group => Addr(Ssm), interface => {index, 1}}),
         invalid(S, {mcast, join_group}, [foo, #{}, Group#{interface => lo}, Group#{group => foo}, maps:remove(group, Group)]),
         ?assertEqual({error, enodev}, Set(join_group, Group#{interface => "nosuch0"})),
         ok = esock:close(S)
     end || {Kind, Family, G, From, Ssm} <- [{udp, inet, {239, 1, 2, 3}, {192, 0, 2, 1}, {232, 1, 2, 3}},
                                             {udp6, inet6, {16#ff02, 0, 0, 0, 0, 0, 0, 16#99}, {0, 0, 0, 0, 0, 0, 0, 1},
                                              {16#ff32, 0, 0, 0, 0, 0, 0, 16#99}}]].

group_filters(_) ->
    [begin
         S = socket(Kind),
         Addr = fun(A) -> #{family => Family, addr => A} end,
         Group = #{interface => "lo", group => Addr(G)},
         ok = esock:setopt(S, {mcast, join_group}, Group),
         Filter = Group#{mode => include, slist => [Addr(A) || A <- Senders]},
         ok = esock:setopt(S, {mcast, msfilter}, Filter),
         {ok, #{mode := include, slist := Found, interface := 1}} = esock:getopt(S, {mcast, msfilter}, Group),
         ?assertEqual(lists:sort(Senders), lists:sort([A || #{addr := A} <- Found])),
         ?assertEqual({error, {invalid, {socket_option, {mcast, msfilter}}}}, esock:getopt(S, {mcast, msfilter})),
         ?assertEqual({error, enodev}, esock:getopt(S, {mcast, msfilter}, Group#{interface => "nosuch0"})),
         ?assertMatch({error, {invalid, {socket_option, {mcast, msfilter}, _}}}, esock:getopt(S, {mcast, msfilter}, #{group => foo})),
         invalid(S, {mcast, msfilter}, [Filter#{mode => foo}, Filter#{slist => foo}, Filter#{slist => [foo]}, Group,
                                        Filter#{slist => lists:duplicate(129, Addr(G))}]),
         ok = esock:close(S)
     end || {Kind, Family, G, Senders} <- [{udp, inet, {239, 1, 2, 3}, [{192, 0, 2, 1}, {192, 0, 2, 2}]},
                                           {udp6, inet6, {16#ff02, 0, 0, 0, 0, 0, 0, 16#99}, [{8193, 3512, 0, 0, 0, 0, 0, 1}]}]].

ip_filters(_) ->
    S = socket(udp),
    Group = #{multiaddr => {239, 1, 2, 3}, interface => {127, 0, 0, 1}},
    ok = esock:setopt(S, {ip, add_membership}, Group),
    Filter = Group#{mode => exclude, slist => [{192, 0, 2, 1}]},
    ok = esock:setopt(S, {ip, msfilter}, Filter),
    ?assertEqual({ok, Filter}, esock:getopt(S, {ip, msfilter}, Group)),
    ok = esock:close(S).

ipv6_options(_) ->
    S = socket(udp6),
    [same(S, {ipv6, O}, [true, false])
     || O <- [recvorigdstaddr, recvfragsize, recvpathmtu, dontfrag, autoflowlabel, flowinfo_send, freebind, multicast_all,
              transparent, recverr_rfc4884, rfc2292_pktinfo, rfc2292_hoplimit]],
    same(S, {ipv6, minhopcount}, [0, 255]),
    same(S, {ipv6, tclass}, [7]),
    invalid(S, {ipv6, tclass}, [foo, lowdelay, #{}]),
    ?assertEqual({error, enotconn}, esock:getopt(S, {ipv6, pathmtu})),
    ok = esock:connect(S, #{family => inet6, addr => loopback, port => 9}),
    ?assertMatch({ok, #{mtu := 65_536, addr := #{family := _}}}, esock:getopt(S, {ipv6, pathmtu})),
    M = #{multiaddr => {0, 0, 0, 0, 0, 0, 0, 1}, interface => "lo"},
    ?assertMatch({error, _}, esock:setopt(S, {ipv6, leave_anycast}, M)),
    ok = esock:setopt(S, {ipv6, sticky_pktinfo}, #{addr => {0, 0, 0, 0, 0, 0, 0, 1}, ifindex => "lo"}),
    %% A label stays for some seconds after its socket: another run of this test needs another one.
    Label = #{dst => {0, 0, 0, 0, 0, 0, 0, 1}, label => rand:uniform(16#FFFFF), action => get, share => excl, flags => [create]},
    ok = esock:setopt(S, {ipv6, flowlabel_mgr}, Label),
    invalid(S, {ipv6, flowlabel_mgr}, [Label#{action => foo}, Label#{label => -1}, maps:remove(dst, Label)]),
    ok = esock:close(S).

icmp_filters(_) ->
    S = socket(icmp),
    same(S, {icmp, filter}, [[], [0, 3, 8, 31]]),
    invalid(S, {icmp, filter}, [[32], [-1], foo, [foo]]),
    T = socket(icmp6),
    same(T, {icmpv6, filter}, [[], [1, 128, 255], lists:seq(0, 255)]),
    invalid(T, {icmpv6, filter}, [[256], [foo]]),
    {ok, Raw} = esock:open(inet6, raw, 200),
    same(Raw, {raw, checksum}, [-1, 2]),
    [ok = esock:close(Each) || Each <- [S, T, Raw]].

original_dst(_) ->
    {C, S} = esock_pairs:pair(),
    ?assertMatch({error, Reason} when Reason =:= enoent; Reason =:= enoprotoopt, esock:getopt(C, {ip, original_dst})),
    [ok = esock:close(Each) || Each <- [C, S]].

%%% Other families.

packet(_) ->
    S = socket(packet),
    [same(S, {packet, O}, [true, false]) || O <- [auxdata, origdev, ignore_outgoing, qdisc_bypass]],
    same(S, {packet, version}, [v2, v1]),
    M = #{ifindex => "lo", type => promisc},
    ok = esock:setopt(S, {packet, add_membership}, M),
    ok = esock:setopt(S, {packet, drop_membership}, M#{ifindex => 1}),
    ok = esock:setopt(S, {packet, add_membership}, M#{type => multicast, addr => <<1, 0, 16#5e, 1, 2, 3>>}),
    invalid(S, {packet, add_membership}, [#{}, M#{type => foo}, M#{addr => <<0:72>>}, M#{ifindex => lo}]),
    ?assertMatch({ok, #{packets := _, drops := _}}, esock:getopt(S, {packet, statistics})),
    ok = esock:bind(S, #{family => packet, protocol => 3, ifindex => 1}),
    ok = esock:setopt(S, {packet, fanout}, #{id => 4711, mode => hash}),
    ?assertEqual({ok, #{id => 4711, mode => hash}}, esock:getopt(S, {packet, fanout})),
    invalid(S, {packet, fanout}, [#{id => 1}, #{id => 1, mode => foo}, #{id => 65_536, mode => lb}, #{id => 1, mode => #{type => lb}}]),
    ok = esock:close(S),
    T = socket(packet),
    ok = esock:bind(T, #{family => packet, protocol => 3, ifindex => 1}),
    ok = esock:setopt(T, {packet, fanout}, #{id => 4712, mode => #{type => cbpf, flags => [defrag]}}),
    ?assertEqual({ok, #{id => 4712, mode => #{type => cbpf, flags => [defrag]}}}, esock:getopt(T, {packet, fanout})),
    ok = esock:setopt(T, {packet, fanout_data}, [{6, 0, 0, 0}]),
    %% The address, the length and the headers of a received packet.
    ok = esock:setopt(T, {packet, auxdata}, true),
    {U, Addr} = esock_pairs:udp(),
    ok = esock:sendto(U, <<"seen">>, Addr),
    {ok, #{ctrl := Ctrl}} = esock:recvmsg(T, 0, 0, 5000),
    ?assertMatch([#{value := #{len := Len, snaplen := Len, status := [_ | _]}}], [C || #{type := auxdata} = C <- Ctrl]),
    [ok = esock:close(Each) || Each <- [T, U]].

netlink(_) ->
    S = socket(netlink),
    [same(S, {netlink, O}, [true, false]) || O <- [cap_ack, ext_ack, get_strict_chk, no_enobufs, broadcast_error, pktinfo]],
    ?assertMatch({ok, []}, esock:getopt(S, {netlink, list_memberships})),
    ok = esock:setopt(S, {netlink, add_membership}, 1),
    ok = esock:setopt(S, {netlink, add_membership}, 7),
    ?assertEqual({ok, [1, 7]}, esock:getopt(S, {netlink, list_memberships})),
    ok = esock:setopt(S, {netlink, drop_membership}, 1),
    ?assertEqual({ok, [7]}, esock:getopt(S, {netlink, list_memberships})),
    invalid(S, {netlink, add_membership}, [foo, -1]),
    ok = esock:close(S).

vsock(_) ->
    case esock:open(40, stream, 0) of
        {ok, S} ->
            same(S, {vsock, buffer_size}, [65_536]),
            same(S, {vsock, connect_timeout}, [#{sec => 3, usec => 0}]),
            ?assertMatch({ok, Most} when Most >= 65_536, esock:getopt(S, {vsock, buffer_max_size})),
            invalid(S, {vsock, buffer_size}, [-1, foo]),
            ok = esock:close(S);
        {error, eafnosupport} -> {skip, eafnosupport}
    end.

udp(_) ->
    S = socket(udp6),
    [same(S, {udp, O}, [true, false]) || O <- [no_check6_tx, no_check6_rx]],
    ok = esock:setopt(S, {udp, encap}, none),
    invalid(S, {udp, encap}, [foo]),
    {ok, L} = esock:open(inet, dgram, 136),
    [same(L, {udplite, O}, [0, 8]) || O <- [send_cscov, recv_cscov]],
    [ok = esock:close(Each) || Each <- [S, L]].

mptcp(_) ->
    {ok, S} = esock:open(inet, stream, mptcp),
    ?assertMatch({ok, #{subflows := 0, token := _}}, esock:getopt(S, {mptcp, info})),
    ?assertEqual({ok, true}, esock:getopt(S, {tcp, is_mptcp})),
    ok = esock:close(S).

linger(_) ->
    S = socket(tcp),
    O = {socket, linger},
    ok = esock:setopt(S, O, {seconds, 3}),
    ?assertEqual({ok, #{onoff => true, linger => 3}}, esock:getopt(S, O)),
    ok = esock:setopt(S, O, off),
    ?assertMatch({ok, #{onoff := false}}, esock:getopt(S, O)),
    invalid(S, O, [{seconds, -1}, {seconds, foo}, {minutes, 1}, on, default]),
    ok = esock:close(S).

bind_device(_) ->
    S = socket(udp),
    O = {socket, bindtodevice},
    ok = esock:setopt(S, O, "lo"),
    ok = esock:setopt(S, O, none),
    ?assertEqual({ok, ""}, esock:getopt(S, O)),
    invalid(S, O, [nosuch, <<"lo">>, 1]),
    ok = esock:close(S).

%%% Several options.

setopts(_) ->
    S = socket(tcp),
    ok = esock:setopts(S, [{{tcp, nodelay}, true}, {{socket, keepalive}, true}, {{otp, rcvbuf}, 4096}, {{tcp, nodelay}, false}]),
    ?assertEqual([{ok, false}, {ok, true}, {ok, 4096}],
                 [esock:getopt(S, O) || O <- [{tcp, nodelay}, {socket, keepalive}, {otp, rcvbuf}]]),
    ok = esock:setopts(S, #{{tcp, keepidle} => 60, {tcp, keepcnt} => 3, {tcp, keepintvl} => 5}),
    ?assertEqual([{ok, 60}, {ok, 3}, {ok, 5}], [esock:getopt(S, {tcp, O}) || O <- [keepidle, keepcnt, keepintvl]]),
    ok = esock:setopts(S, []),
    ok = esock:setopts(S, #{}),
    %% What the system refuses is known only then: the options before it stay set.
    ?assertEqual({error, {{tcp, keepcnt}, einval}}, esock:setopts(S, [{{tcp, nodelay}, true}, {{tcp, keepcnt}, 100_000}, {{tcp, keepidle}, 9}])),
    ?assertEqual([{ok, true}, {ok, 60}], [esock:getopt(S, {tcp, O}) || O <- [nodelay, keepidle]]),
    ok = esock:close(S),
    ?assertEqual({error, {{tcp, nodelay}, closed}}, esock:setopts(S, [{{tcp, nodelay}, true}])).

%% If a check fails, nothing is set.
setopts_checks_first(_) ->
    S = socket(tcp),
    [begin
         ?assertEqual({error, {Option, Reason}}, esock:setopts(S, [{{tcp, nodelay}, true}, {Option, Value}])),
         ?assertEqual({Option, {ok, false}}, {Option, esock:getopt(S, {tcp, nodelay})})
     end || {Option, Value, Reason} <- [{O, V, {invalid, {socket_option, O, V}}}
                                        || {O, V} <- [{{tcp, keepcnt}, foo}, {{otp, rcvbuf}, -1}, {{otp, debug}, 1}, {{otp, use_registry}, false},
                                                      {{otp, controlling_process}, foo}, {{otp, rcvctrlbuf}, 0}, {{otp, read_ahead}, foo}]] ++
             [{O, 1, {invalid, {socket_option, O}}} || O <- [{tcp, nosuch}, {socket, type}, {otp, fd}, {socket, setfib}, foo, {tcp, noopt}]] ++
             [{{socket, bindtoifindex}, "nosuch0", enodev}, {{hci, filter}, #{}, enoprotoopt}]],
    ok = esock:close(S).

setopts_arguments(_) ->
    S = socket(tcp),
    [?assertError(badarg, esock:setopts(Socket, Options))
     || {Socket, Options} <- [{S, foo}, {S, [foo]}, {S, [{{tcp, nodelay}, true} | foo]}, {S, {}}, {foo, []}, {foo, #{}}]],
    ok = esock:close(S).

%%% Constants.

const(_) ->
    [?assertEqual({Name, {ok, Number}}, {Name, esock:const(Name)})
     || {Name, Number} <- [{'SO_REUSEADDR', 2}, {"so_reuseaddr", 2}, {'PF_INET6', 10}, {'AF_UNIX', 1}, {{socket, reuseaddr}, 2},
                           {{domain, inet}, 2}, {{type, stream}, 1}, {{protocol, tcp}, 6}, {{level, tcp}, 6}, {{msg_flag, peek}, 2},
                           {{cmsg, nosuch, 1}, none}, {'MSG_DONTWAIT', 16#40}, {'TCP_INFO', 11}, {'ECONNREFUSED', 111},
                           {'SOF_TIMESTAMPING_OPT_ID', 128}, {'SHUT_RDWR', 2}, {'SOMAXCONN', 4096}, {{timestamping, software}, 16}],
        Number =/= none],
    [?assertEqual({error, {invalid, {constant, Name}}}, esock:const(Name))
     || Name <- [nosuch, "SO_NOSUCH", {tcp, nosuch}, {nosuch, nodelay}, 7, <<"SO_DEBUG">>, {cmsg, socket, rights}, [foo], "SO_DEBUG" ++ foo,
                 lists:duplicate(300, $A), {domain, nosuch}]],
    Classes = [domain, type, protocol, level, msg_flag, errno, timestamping, {option, tcp}, {option, socket}, {cmsg, socket}],
    [begin
         Names = esock:constants(Class),
         ?assert(map_size(Names) > 3),
         %% Each number has a name, which has that number.
         [begin
              {ok, First} = esock:const_name(Class, Number),
              ?assertMatch(#{First := Number}, Names)
          end || Number <- maps:values(Names)]
     end || Class <- Classes],
    ?assertEqual([], lists:sort([C || C <- Classes, is_atom(C)]) -- maps:keys(esock:constants(class))),
    ?assertEqual(#{}, esock:constants(nosuch)),
    ?assertEqual({ok, rights}, esock:const_name({cmsg, socket}, 1)),
    [?assertEqual(error, esock:const_name(Class, Number)) || {Class, Number} <- [{domain, 9999}, {nosuch, 1}, {type, foo}]],
    %% Every option of the system is there.
    ?assertEqual([], [O || {Level, _} = O <- options(), not maps:is_key(element(2, O), esock:constants({option, Level}))]).

%% The constants of python3 that esock knows have the same numbers.
const_python(_) ->
    Lines = python3("import socket\n"
                    "for name in dir(socket):\n"
                    "    value = getattr(socket, name)\n"
                    "    if name.isupper() and isinstance(value, int) and not isinstance(value, bool): print(name, int(value))\n", ""),
    %% TCP_MD5SIG of CPython takes a key of one address; our option of this name is the kernel's TCP_MD5SIG_EXT.
    All = [{Name, list_to_integer(Number)} || [Name, Number] <- [string:lexemes(Line, " ") || Line <- Lines], Name =/= "TCP_MD5SIG"],
    ?assert(length(All) > 250),
    {Known, Unknown} = lists:partition(fun({Name, _}) -> element(1, esock:const(Name)) =:= ok end, All),
    ct:pal("~w known, not known: ~p", [length(Known), [Name || {Name, _} <- Unknown]]),
    ?assert(length(Known) > 300),
    %% Masks of bits that differ in their sign, and CPython's names for what the kernel does not have.
    ?assertEqual([], [{Name, Number, esock:const(Name)} || {Name, Number} <- Known, esock:const(Name) =/= {ok, Number}]).

%%% What the kernel has.

probe(_) ->
    [?assertEqual({What, true}, {What, esock:probe(What)})
     || What <- [inet, local, tcp, udp, {domain, inet6}, {domain, 16}, {protocol, udp}, {socket, reuseaddr}, {socket, attach_filter},
                 {socket, detach_filter}, {ip, add_membership}, {ipv6, v6only}, {tcp, info}, {tcp, repair}, {udp, segment},
                 {mcast, join_group}, {netlink, cap_ack}, {otp, rcvbuf}]],
    [?assertEqual({What, false}, {What, esock:probe(What)})
     || What <- [{socket, setfib}, {tcp, noopt}, {domain, 45}, {ipv6, authhdr}]],
    [?assertMatch({What, {error, {invalid, _}}}, {What, esock:probe(What)})
     || What <- [nosuch, {nosuch, x}, {tcp, nosuch}, {domain, nosuch}, {protocol, nosuch}, 7, {tcp, 1}, "tcp", {a, b, c}]],
    %% What it opens it closes, in the registry too.
    Before = {esock:number_of(), length(element(2, file:list_dir("/proc/self/fd")))},
    [_ = esock:probe(O) || O <- options(), _ <- [1, 2]],
    ?assertEqual(Before, {esock:number_of(), length(element(2, file:list_dir("/proc/self/fd")))}).

%% An option that can be read on some kind of socket is one that the kernel has.
probe_and_read(_) ->
    Kinds = [Kind || Kind <- kinds(), opens(Kind)],
    Read = lists:usort([Option || {Domain, Type, Protocol} <- Kinds, {ok, S} <- [esock:open(Domain, Type, Protocol)],
                                  Option <- options(), {ok, _} <- [esock:getopt(S, Option)], ok =/= closed]),
    ?assert(length(Read) > 150),
    %% The kernel has TLS in a connection only, and sockets of Bluetooth are not here.
    ?assertEqual([], [O || O <- Read, esock:probe(O) =/= true]).

%%% Control messages.

%% The size of the largest fragment of a datagram that came in several.
frag_size(_) ->
    {S, Addr} = esock_pairs:udp(),
    ok = esock:setopt(S, {ip, recvfragsize}, true),
    ok = esock:setopt(S, {ip, recvttl}, true),
    T = socket(udp),
    ok = esock:sendmsg(T, #{addr => Addr, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, value => 7}]}),
    {ok, #{ctrl := Ctrl}} = esock:recvmsg(S, 0, 0, 5000),
    ?assertMatch([#{value := 7}], [C || #{type := Ttl} = C <- Ctrl, lists:member(Ttl, [ttl, recvttl])]),
    %% Priority and mark go with a message.
    ok = esock:setopt(S, {socket, rcvmark}, true),
    ok = esock:setopt(S, {socket, rcvpriority}, true),
    ok = esock:sendmsg(T, #{addr => Addr, iov => [<<"y">>], ctrl => [#{level => socket, type => mark, value => 42},
                                                                     #{level => socket, type => priority, value => 3}]}),
    {ok, #{ctrl := Both}} = esock:recvmsg(S, 0, 0, 5000),
    ?assertEqual([{mark, 42}, {priority, 3}], lists:sort([{Type, V} || #{level := socket, type := Type, value := V} <- Both])),
    %% The interface by its name, and the source address.
    ok = esock:setopt(S, {ip, pktinfo}, true),
    Info = fun(Name) -> #{level => ip, type => pktinfo, value => #{ifindex => Name, spec_dst => {127, 0, 0, 7}}} end,
    [begin
         ok = esock:sendmsg(T, #{addr => Addr, iov => [<<"z">>], ctrl => [Info(Interface)]}),
         {ok, #{ctrl := Infos, addr := #{addr := {127, 0, 0, 7}}}} = esock:recvmsg(S, 0, 0, 5000),
         ?assertMatch([#{value := #{ifindex := 1}}], [C || #{type := pktinfo} = C <- Infos])
     end || Interface <- ["lo", 1, {index, 1}]],
    ok = esock:sendmmsg(T, [#{addr => Addr, iov => [<<"m">>], ctrl => [Info("lo")]}], [], 5000),
    ?assertMatch({error, {invalid, _}}, esock:sendmsg(T, #{addr => Addr, iov => [<<"z">>], ctrl => [Info("nosuch0")]})),
    [ok = esock:close(Each) || Each <- [S, T]].

%% How many bytes are left in the queue, with each receive.
tcp_inq(_) ->
    {C, S} = esock_pairs:pair(),
    ok = esock:setopt(S, {tcp, inq}, true),
    ok = esock:send(C, <<"12345678">>),
    {ok, _} = esock:recv(S, 8, [peek], 5000),
    {ok, #{iov := [<<"123">>], ctrl := Ctrl}} = esock:recvmsg(S, 3, 0, 5000),
    ?assertMatch([#{value := 5}], [M || #{level := tcp, type := inq} = M <- Ctrl]),
    ?assertEqual({ok, 0}, esock:ioctl(C, nwrite_unsent)),
    [ok = esock:close(Each) || Each <- [C, S]].

%% The process that sent a message, as a descriptor that is closed on exec, and its credentials.
pidfd(_) ->
    {A, B} = esock_pairs:local_pair(esock, stream),
    ok = esock:setopt(B, {socket, passpidfd}, true),
    ok = esock:setopt(B, {socket, passcred}, true),
    ok = esock:send(A, <<"from whom">>),
    {ok, #{ctrl := Ctrl}} = esock:recvmsg(B, 0, 0, 5000),
    Pid = list_to_integer(os:getpid()),
    ?assertMatch([#{value := #{pid := Pid}}], [M || #{type := credentials} = M <- Ctrl]),
    [#{value := Pidfd}] = [M || #{type := pidfd} = M <- Ctrl],
    {ok, Info} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Pidfd)),
    ?assertMatch({match, _}, re:run(Info, "Pid:\\s+" ++ os:getpid() ++ "\n")),
    ?assertMatch({match, _}, re:run(Info, "flags:\\s+0?2\\d{6}\n")),
    ok = esock:close_fd(Pidfd),
    [ok = esock:close(Each) || Each <- [A, B]].

%% A receive that does not hand out the descriptor of the sender's process closes it: the end of a seqpacket connection is told
%% by a look at the control messages, and recv_fds answers with the passed descriptors alone.
pidfd_closed(_) ->
    {A, B} = esock_pairs:local_pair(esock, seqpacket),
    {C, D} = esock_pairs:local_pair(esock, stream),
    [ok = esock:setopt(S, {socket, passpidfd}, true) || S <- [B, D]],
    ok = esock:send(A, <<"record">>),
    ok = esock:close(A),
    ok = esock:send(C, <<"x">>),
    Before = pidfds(),
    ?assertEqual({ok, <<"record">>}, esock:recv_some(B, 10, [], 5000)),
    ?assertMatch({ok, #{iov := [<<"x">>], fds := []}}, esock:recv_fds(D, 10, 1)),
    ?assertEqual(Before, pidfds()),
    [ok = esock:close(Each) || Each <- [B, C, D]].

pidfds() ->
    [Fd || Fd <- esock_leak_SUITE:descriptors(), {ok, "anon_inode:[pidfd]"} <- [file:read_link("/proc/self/fd/" ++ Fd)]] ++
        [Fd || Fd <- esock_leak_SUITE:descriptors(), {ok, "pidfd:" ++ _} <- [file:read_link("/proc/self/fd/" ++ Fd)]].

%% Protocols and types by their names, and a protocol in a control message.
protocols(_) ->
    [?assertEqual({Name, {ok, Number}}, {Name, esock:const({protocol, Name})})
     || {Name, Number} <- [{icmp, 1}, {l2tp, 115}, {ethernet, 143}, {aggfrag, 144}, {smc, 256}, {mptcp, 262}, {beetph, 94}, {mtp, 92}]],
    {ok, Raw} = esock:open(inet, raw, raw),
    To = #{family => inet, addr => loopback},
    [?assertNotMatch({Value, {error, {invalid, _}}},
                     {Value, esock:sendmsg(Raw, #{addr => To, iov => [<<0:160>>], ctrl => [#{level => ip, type => protocol, value => Value}]})})
     || Value <- [udp, 17]],
    ?assertMatch({error, {invalid, _}},
                 esock:sendmsg(Raw, #{addr => To, iov => [<<0:160>>], ctrl => [#{level => ip, type => protocol, value => nosuch}]})),
    ?assertMatch({error, Reason} when is_atom(Reason), esock:open(inet, dccp, 33)),
    ok = esock:close(Raw).

%% The times at which a packet was sent, in the error queue with its number; python3 reads the same bytes.
transmit_times(_) ->
    {S, Addr} = esock_pairs:udp(),
    ok = esock:setopt(S, {socket, timestamping}, [tx_software, tx_sched, software, opt_id, opt_tsonly, opt_cmsg]),
    Before = os:system_time(nanosecond),
    [ok = esock:sendto(S, <<N>>, Addr) || N <- [0, 1]],
    Got = [begin {ok, Message} = esock:recvmsg(S, 0, 0, [errqueue], 5000), Message end || _ <- lists:seq(1, 4)],
    After = os:system_time(nanosecond),
    Parts = [{Time, Error, Bytes}
             || #{ctrl := Ctrl} <- Got,
                #{type := timestamping, value := #{software := Time}, data := Bytes} <- Ctrl,
                #{type := recverr, value := Error} <- Ctrl],
    ?assertEqual(4, length(Parts)),
    %% 1: given to the queueing discipline, 0: sent. Each packet has its number.
    ?assertEqual([{0, 0}, {0, 1}, {1, 0}, {1, 1}],
                 lists:sort([{Packet, Info} || {_, #{origin := txstatus, error := enomsg, info := Info, data := Packet}, _} <- Parts])),
    [?assert(Sec * 1_000_000_000 + Nsec >= Before andalso Sec * 1_000_000_000 + Nsec =< After) || {#{sec := Sec, nsec := Nsec}, _, _} <- Parts],
    Printed = python3("import struct, sys\n"
                      "for line in sys.stdin:\n"
                      "    sec, nsec, a, b, c, d = struct.unpack('qqqqqq', bytes.fromhex(line.strip()))\n"
                      "    print(sec, nsec, a + b + c + d)\n", [[hex(Bytes), "\n"] || {_, _, Bytes} <- Parts]),
    ?assertEqual([lists:flatten(io_lib:format("~w ~w 0", [Sec, Nsec])) || {#{sec := Sec, nsec := Nsec}, _, _} <- Parts], Printed),
    %% python3 with the same options gets messages of the same types and sizes.
    Same = python3("import socket, select\n"
                   "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
                   "s.bind(('127.0.0.1', 0))\n"
                   "s.setsockopt(socket.SOL_SOCKET, 37, 2 + 256 + 16 + 128 + 2048 + 1024)\n"
                   "s.sendto(b'x', s.getsockname())\n"
                   "p = select.poll(); p.register(s, 0); p.poll(5000)\n"
                   "_, ctrl, _, _ = s.recvmsg(0, 1024, socket.MSG_ERRQUEUE)\n"
                   "print(sorted((level, kind, len(data)) for level, kind, data in ctrl))\n", ""),
    #{ctrl := Ours} = hd(Got),
    Numbers = lists:sort([{level(L), kind(T), byte_size(D)} || #{level := L, type := T, data := D} <- Ours]),
    Expected = lists:flatten(["[", lists:join(", ", [io_lib:format("(~w, ~w, ~w)", [A, B, C]) || {A, B, C} <- Numbers]), "]"]),
    ?assertEqual([Expected], Same),
    ok = esock:close(S).

level(Level) -> element(2, esock:const({level, Level})).
kind(timestamping) -> 37;
kind(recverr) -> 11.

%% With each time the state of the connection: TCP counts bytes.
transmit_statistics(_) ->
    {C, S} = esock_pairs:pair(),
    ok = esock:setopt(C, {socket, timestamping}, [tx_software, software, opt_id, opt_id_tcp, opt_tsonly, opt_stats]),
    ok = esock:send(C, <<"hello">>),
    {ok, #{ctrl := Ctrl}} = esock:recvmsg(C, 0, 1024, [errqueue], 5000),
    [#{value := Stats}] = [M || #{type := timestamping_opt_stats} = M <- Ctrl],
    ?assertMatch(#{snd_cwnd := Window, bytes_sent := _, srtt := _} when Window > 0, Stats),
    ?assertMatch([#{value := #{data := 4}}], [M || #{type := recverr} = M <- Ctrl]),
    {ok, <<"hello">>} = esock:recv(S, 5),
    [ok = esock:close(Each) || Each <- [C, S]].

%%% Flags.

flags(_) ->
    {S, Addr} = esock_pairs:udp(),
    ok = esock:sendto(S, <<"data">>, Addr, [dontwait, confirm]),
    ?assertEqual({ok, <<"data">>}, esock:recv(S, 0, [dontwait], 5000)),
    ?assertEqual({error, {invalid, {msg_flag, zerocopy}}}, esock:sendto(S, <<"data">>, Addr, [zerocopy])),
    %% Nothing keeps the data until the kernel has read it.
    [?assertEqual({error, {invalid, {msg_flag, N}}}, Send([N]))
     || N <- [16#4000000, 16#4000001], Send <- [fun(F) -> esock:sendto(S, <<"data">>, Addr, F) end, fun(F) -> esock:send(S, <<"data">>, F) end,
                                                fun(F) -> esock:sendmsg(S, #{addr => Addr, iov => [<<"data">>]}, F) end]],
    {C, T} = esock_pairs:pair(),
    ok = esock:send(C, <<"all of it">>),
    ?assertEqual({ok, <<"all of it">>}, esock:recv(T, 9, [waitall], 5000)),
    [ok = esock:close(Each) || Each <- [S, C, T]].

%% 10,000 rounds of a filter, a named interface and a probe leave nothing behind.
clean(_) ->
    S = socket(udp),
    Count = fun() -> length(element(2, file:list_dir("/proc/self/fd"))) end,
    Before = Count(),
    [begin
         ok = esock:setopt(S, {socket, attach_filter}, accept_all()),
         ok = esock:setopt(S, {socket, bindtoifindex}, "lo"),
         {error, _} = esock:setopts(S, [{{socket, bindtoifindex}, "nosuch0"}])
     end || _ <- lists:seq(1, 10_000)],
    ?assertEqual(Before, Count()),
    ok = esock:close(S).

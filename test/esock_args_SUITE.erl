%% Each function, with each of its arguments replaced by terms of every class: OTP's socket and esock answer, or raise, the
%% same. A table has valid arguments for each function. The oracle is OTP's socket of the release that runs the test.
-module(esock_args_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    [exports, arguments, written].

%% esock exports every function of OTP 29's socket, and every function of the oracle.
exports(_) ->
    Ours = esock:module_info(exports),
    ?assertEqual([], otp29() -- Ours),
    Hidden = [{behaviour_info, 1}, {ensure_sockaddr, 1}, {f, 2}],
    ?assertEqual([], (socket:module_info(exports) -- Hidden) -- Ours).

otp29() ->
    [{F, A} || {F, As} <- [{number_of, [0]}, {which_sockets, [0, 1]}, {number_of_monitors, [0, 1]}, {which_monitors, [1]},
                           {monitored_by, [1]}, {debug, [1]}, {socket_debug, [1]}, {use_registry, [1]}, {info, [0, 1]},
                           {i, [0, 1, 2]}, {tables, [0]}, {table, [1]}, {monitor, [1]}, {cancel_monitor, [1]},
                           {supports, [0, 1, 2]}, {is_supported, [1, 2, 3]}, {to_list, [1]}, {open, [1, 2, 3, 4]},
                           {bind, [2, 3]}, {connect, [1, 2, 3]}, {listen, [1, 2]}, {accept, [1, 2]}, {peeloff, [2, 3]},
                           {send, [2, 3, 4]}, {sendto, [3, 4, 5]}, {sendmsg, [2, 3, 4]}, {sendmmsg, [4]}, {sendv, [2, 3, 4]},
                           {rest_iov, [2]}, {sendfile, [2, 3, 4, 5]}, {recv, [1, 2, 3, 4]}, {recvfrom, [1, 2, 3, 4]},
                           {recvmsg, [1, 2, 3, 4, 5]}, {recvmmsg, [6]}, {close, [1]}, {shutdown, [2]}, {setopt, [3, 4]},
                           {setopt_native, [3]}, {getopt, [2, 3]}, {getopt_native, [3]}, {sockname, [1]}, {socknames, [2]},
                           {peername, [1]}, {peernames, [2]}, {ioctl, [2, 3, 4]}, {cancel, [2]}, {which_socket_kind, [1]},
                           {options, [0, 1, 2]}, {option, [1, 2]}, {protocols, [0]}, {protocol, [1]}, {mk_sockaddr, [2, 3]}],
               A <- As].

%% Functions and good arguments. `s' is a UDP socket, `t' a TCP socket, `a' an address, `d' a file opened raw. Functions
%% that the oracle lacks are tested with the oracle of a newer release (`make test-otp'), and in `written/1'.
table() ->
    [{open, [[inet], [inet, dgram], [inet, dgram, udp], [inet, dgram, udp, #{}]]},
     {bind, [[s, any], [s, [a], add]]},
     {peeloff, [[s, 1], [s, 1, []]]},
     {socknames, [[s, 0]]},
     {peernames, [[s, 0]]},
     {connect, [[t], [t, a], [t, a, nowait]]},
     {listen, [[t], [t, 5]]},
     {accept, [[t, 0]]},
     {send, [[s, <<"x">>], [s, <<"x">>, []], [s, <<"x">>, 0], [s, <<"x">>, [], 0]]},
     {sendto, [[s, <<"x">>, a], [s, <<"x">>, a, []], [s, <<"x">>, a, [], 0]]},
     {sendmsg, [[s, #{iov => [<<"x">>], addr => a}], [s, #{iov => [<<"x">>], addr => a}, []],
                [s, #{iov => [<<"x">>], addr => a}, [], 0]]},
     {sendv, [[s, [<<"x">>]], [s, [<<"x">>], 0]]},
     {sendmmsg, [[s, [#{iov => [<<"x">>], addr => a}], [], 0]]},
     {sendfile, [[t, d], [t, d, 0], [t, d, 0, 1], [t, d, 0, 1, 0]]},
     {recvmmsg, [[s, 1, 0, 0, [], 0]]},
     {recv, [[s, 0, 0], [s, 0, [], 0]]},
     {recvfrom, [[s, 0, 0], [s, 0, [], 0]]},
     {recvmsg, [[s, 0], [s, [], 0], [s, 0, 0, 0], [s, 0, 0, [], 0]]},
     {close, [[s]]},
     {shutdown, [[s, read]]},
     {setopt, [[s, {socket, broadcast}, true], [s, socket, broadcast, true]]},
     {setopt_native, [[s, {socket, broadcast}, <<1:32/native>>], [s, {1, 6}, 1]]},
     {getopt, [[s, {socket, broadcast}], [s, socket, broadcast]]},
     {getopt_native, [[s, {socket, broadcast}, integer], [s, {1, 6}, 4], [s, {1, 6}, <<0:32>>]]},
     {sockname, [[s]]},
     {peername, [[s]]},
     {ioctl, [[s, nread], [s, atmark], [s, gifconf], [s, gifname, 1], [s, gifindex, "lo"], [s, gifaddr, "lo"],
              [s, gifmtu, "lo"], [s, gifflags, "lo"], [s, sifmtu, "nosuch", 1500]]},
     {cancel, [[s, {select_info, recv, r}], [s, {completion_info, recv, r}]]},
     {monitor, [[s]]},
     {cancel_monitor, [[r]]},
     {info, [[s]]},
     {to_list, [[s]]},
     {which_socket_kind, [[s]]},
     {number_of_monitors, [[p]]},
     {is_supported, [[ipv6], [options, {socket, broadcast}], [msg_flags, peek], [options, socket, broadcast]]},
     {supports, [[msg_flags, peek]]},
     {use_registry, [[true]]},
     {option, [[{socket, broadcast}], [socket, broadcast]]},
     {options, [[otp], [udp, true]]},
     {protocol, [[tcp]]}].

bad() ->
    [foo, 7, -1, 1.5, 1 bsl 70, <<"y">>, <<1:3>>, "y", [], [foo], [7], [a | b], {a, b}, {a, b, c}, {}, #{}, #{family => foo},
     #{family => inet, addr => foo}, #{family => inet, port => -1}, #{family => local, path => 7}, #{iov => foo},
     #{iov => [foo]}, #{iov => [<<"x">> | y]}, #{iov => [<<"x">>], ctrl => foo}, #{iov => [<<"x">>], ctrl => [foo]},
     {'$socket', foo}, {'$socket', r}, p, f, {socket, foo}, {foo, bar}, {socket, 7}, {7, 7}].

%% Cases that differ on purpose (doc/differences.md), or in which the releases differ.
differs(connect, 2, Addrs, _) when is_list(Addrs) -> true;
differs(listen, 2, N, _) when is_integer(N), N > 1 bsl 31 -> true;
differs(listen, 2, On, _) when is_boolean(On) -> true;
differs(open, _, N, _) when is_integer(N), N > 1 bsl 31 -> true;
differs(_, _, #{port := -1}, _) -> true;
differs(connect, 2, #{family := _}, _) -> otp() >= 29;
differs(sendmsg, 2, #{ctrl := _}, _) -> true;
%% Whether a connect is refused within the time-out depends on the kernel.
differs(connect, 3, N, _) when is_integer(N), N > 0 -> true;
differs(number_of_monitors, _, {'$socket', _}, _) -> true;
differs(to_list, _, {'$socket', r}, _) -> true;
differs(ioctl, 4, N, _) when is_integer(N) -> true;
%% A list in place of the time-out is a list of flags, and the call waits for ever; a number in that place is a size.
differs(F, At, Flags, At) when is_list(Flags), F =:= recv orelse F =:= recvfrom orelse F =:= recvmsg -> true;
differs(recvmsg, At, N, 3) when is_integer(N), At > 1 -> true;
%% bind/3 is exported but cannot be used before OTP 29; on OTP 29 it has no clause for an empty list of addresses.
differs(bind, 2, [], 3) -> true;
differs(bind, _, _, 3) -> otp() < 29;
%% Without SCTP in the system the outcome of `socket' depends on its build.
differs(peeloff, At, _, _) when At > 1 -> true;
%% `a' is an address, which is no message: `socket' fails at its parts, with another reason.
differs(sendmmsg, 2, [a | b], _) -> true;
%% OTP 25 passes a length of -1 to the system, and the call may not return.
differs(getopt_native, 3, -1, _) -> true;
differs(_, _, _, _) -> false.

%% If `socket' raises an exception of its implementation, esock answers `{invalid, _}', or raises badarg.
normalized({error, function_clause}) -> {error, badarg};
normalized({error, {bad_generator, _}}) -> {error, badarg};
normalized({error, {case_clause, {invalid, _} = Invalid}}) -> {error, Invalid};
normalized({throw, {invalid, _} = Invalid}) -> {error, Invalid};
normalized({invalid, {integer_range, _}} = Invalid) -> {error, Invalid};
normalized(Outcome) -> Outcome.

arguments(_) ->
    {module, socket} = code:ensure_loaded(socket),
    Cases = [{F, Good, At, Bad} ||
                {F, Goods} <- table(), Good <- Goods, erlang:function_exported(socket, F, length(Good)),
                At <- lists:seq(1, length(Good)), Bad <- bad(), not differs(F, At, Bad, length(Good))],
    Different = [{Case, {socket, Otp}, {esock, Ours}} ||
                    Case <- Cases, {Otp, Ours} <- [{normalized(outcome(socket, Case)), normalized(outcome(esock, Case))}], Otp =/= Ours],
    ct:pal("~w calls, ~w differ", [length(Cases), length(Different)]),
    [ct:pal("~p", [D]) || D <- Different],
    ?assertEqual([], Different).

%% Makes the call in a process with its own sockets, whose end closes them.
outcome(M, {F, Good, At, Bad}) ->
    {Pid, MRef} = spawn_monitor(fun() -> exit({outcome, call(M, F, replace(Good, At, Bad))}) end),
    receive
        {'DOWN', MRef, process, Pid, {outcome, Outcome}} -> Outcome;
        {'DOWN', MRef, process, Pid, Reason} -> {died, Reason}
    after 30_000 ->
            ct:pal("hangs: ~p", [{M, F, Good, At, Bad}]),
            exit(Pid, kill),
            hangs
    end.

replace(Good, At, Bad) ->
    {Before, [_ | After]} = lists:split(At - 1, Good),
    Before ++ [Bad | After].

call(M, F, Args0) ->
    {ok, S} = M:open(inet, dgram, udp),
    ok = M:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, T} = M:open(inet, stream, tcp),
    {ok, A} = M:sockname(S),
    {ok, D} = file:open(code:which(lists), [read, raw, binary]),
    Args = terms(Args0, #{s => S, t => T, a => A#{port := 9}, d => D, r => make_ref(), p => self(), f => fun() -> ok end}),
    try esock_same_SUITE:plain(apply(M, F, Args))
    catch
        Class:{invalid, Reason} -> {Class, {invalid, esock_same_SUITE:plain(Reason)}};
        Class:Reason -> {Class, Reason}
    end.

terms(Name, Map) when is_atom(Name) -> maps:get(Name, Map, Name);
terms([H | T], Map) -> [terms(H, Map) | terms(T, Map)];
terms(Tuple, Map) when is_tuple(Tuple) -> list_to_tuple([terms(T, Map) || T <- tuple_to_list(Tuple)]);
terms(M, Map) when is_map(M) -> maps:map(fun(_, V) -> terms(V, Map) end, M);
terms(Term, _) -> Term.

%% Functions that the oracle may lack. None of the sockets is an SCTP socket, so the system refuses calls with valid arguments.
written(_) ->
    Sctp = [{peeloff, [s, 1]}, {peeloff, [s, 1, []]}, {socknames, [s, 0]}, {peernames, [s, 0]}, {bind, [s, [a], add]},
            {bind, [s, [a], remove]}, {connect, [s, [a]]}],
    [?assertMatch({F, Args, {error, Errno}} when is_atom(Errno), {F, Args, call(esock, F, Args)}) || {F, Args} <- Sctp],
    Bad = [{peeloff, [foo, 1]}, {peeloff, [s, foo]}, {peeloff, [s, 1, #{}]}, {socknames, [s, foo]}, {peernames, [foo, 1]},
           {bind, [s, foo, add]}, {bind, [s, [], foo]}, {bind, [s, [a | b], add]}, {sendv, [foo, []]}, {sendmmsg, [s, foo, [], 0]},
           {sendmmsg, [s, [#{}], [], 0]}, {sendmmsg, [s, [#{iov => foo}], [], 0]}, {sendmmsg, [s, [#{iov => []}, #{iov => <<"x">>}], [], 0]}, {sendmmsg, [s, [#{iov => []} | b], [], 0]}, {sendmmsg, [s, [], foo, 0]},
           {recvmmsg, [s, 0, 0, 0, [], 0]}, {recvmmsg, [s, -1, 0, 0, [], 0]}, {recvmmsg, [s, 1, -1, 0, [], 0]},
           {recvmmsg, [s, 1, 0, foo, [], 0]}, {recvmmsg, [s, 1, 0, 0, foo, 0]}, {sendfile, [t, foo]},
           {sendfile, [t, d, foo, 1]}, {sendfile, [t, d, 0, -1]}, {sendfile, [foo, d]}],
    [?assertEqual({F, Args, {error, badarg}}, {F, Args, call(esock, F, Args)}) || {F, Args} <- Bad],
    Invalid = [{sendmmsg, [s, [foo], [], 0]}, {sendv, [s, foo]}, {sendv, [s, [foo]]}, {sendv, [s, [], foo]},
               {sendmmsg, [s, [#{iov => []}], [foo], 0]}, {sendmmsg, [s, [], [], foo]}, {recvmmsg, [s, 1, 0, 0, [foo], 0]},
               {recvmmsg, [s, 1, 0, 0, [], foo]}, {recvmmsg, [s, 1, 1 bsl 70, 0, [], 0]}, {sendfile, [t, d, 0, 0, foo]},
               {bind, [s, [foo], add]}, {connect, [s, [#{family => foo}]]}],
    [?assertMatch({F, Args, {error, {invalid, _}}}, {F, Args, call(esock, F, Args)}) || {F, Args} <- Invalid],
    ok.

otp() -> list_to_integer(erlang:system_info(otp_release)).

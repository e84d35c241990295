%% Descriptors: pairs, duplicates, giving a descriptor up and taking one, closing by number, inheritance, lending, sockets of
%% gen_tcp and gen_udp, and those of a service manager. The oracles are /proc, python3, ss and systemd-socket-activate.
-module(esock_fd_SUITE).

-include_lib("eunit/include/eunit.hrl").

-import(esock_async_SUITE, [until/1]).
-import(esock_pairs, [listener/0]).

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 120}}].

all() ->
    [pair_kinds, pair_options, pair_refused, pair_owner, dup_is_independent, dup_inherits, dup_keeps_bytes, detached, detached_waiters,
     detached_blocking, detached_lent, detached_unread, detached_in_order, detached_error, detached_once, given_kind, given_away,
     not_a_socket, close_by_number, close_refused, inherited, fileno_is_the_option, accepted_from, accepted_from_waits, accepted_from_local,
     accepted_from_gone, lent_to_a_function, lent_and_killed, view_of_a_descriptor, of_inet, of_inet_active, of_inet_closed, to_inet, to_inet_unread, named_functions,
     service_manager, service_manager_variables, rounds, rounds_killed, bad_arguments].

init_per_suite(Config) -> esock_leak_SUITE:init_per_suite(Config).

end_per_suite(_) -> ok.

%% The flags of a descriptor, from /proc.
flags(Fd) ->
    {ok, Info} = file:read_file("/proc/self/fdinfo/" ++ integer_to_list(Fd)),
    {match, [Flags]} = re:run(Info, "flags:\\s+([0-7]+)", [{capture, all_but_first, list}]),
    list_to_integer(Flags, 8).

cloexec(Fd) -> flags(Fd) band 8#2000000 =/= 0.
nonblock(Fd) -> flags(Fd) band 8#4000 =/= 0.

target(Fd) -> file:read_link("/proc/self/fd/" ++ integer_to_list(Fd)).

fd(S) -> {ok, Fd} = esock:fileno(S), Fd.

python(Code, Args) ->
    os:cmd(lists:flatten(lists:join($\s, ["python3 -c '" ++ Code ++ "'" | Args]))).

%% A process with a socket of its own that ends when it is told.
owner(Make) ->
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() -> Self ! {self(), Make()}, receive stop -> ok end end),
    receive {Pid, Made} -> {Pid, MRef, Made} end.

killed({Pid, MRef, _}) ->
    exit(Pid, kill),
    receive {'DOWN', MRef, process, Pid, killed} -> ok end.

%%% ---- socketpair

pair_kinds(_) ->
    [begin
         {ok, {A, B}} = esock:socketpair(local, Type),
         [?assertEqual({ok, Type}, esock:getopt(S, {socket, type})) || S <- [A, B]],
         [begin ok = esock:send(From, "hello"), ?assertEqual({ok, <<"hello">>}, esock:recv(To, 5, 5000)) end
          || {From, To} <- [{A, B}, {B, A}]],
         [?assertEqual({true, true}, {cloexec(fd(S)), nonblock(fd(S))}) || S <- [A, B]],
         ?assertMatch({ok, #{family := local, path := <<>>}}, esock:peername(A)),
         esock_pairs:close([A, B])
     end || Type <- [stream, dgram, seqpacket]],
    [begin {ok, {A, B}} = Made, ?assertMatch(#{domain := local, type := stream}, esock:info(A)), esock_pairs:close([A, B]) end
     || Made <- [esock:socketpair(), esock:socketpair(local), esock:socketpair(1, 1, 0)]].

%% The end of one is the end of the stream for the other, on each back end and in each way of waiting.
pair_options(_) ->
    [begin
         {ok, {A, B}} = esock:socketpair(local, stream, default, #{io_backend => Backend, use_registry => false}),
         ?assertEqual([Backend, Backend], [maps:get(io_backend, esock:info(S)) || S <- [A, B]]),
         ?assertNot(lists:member(A, esock:which_sockets())),
         Call = fun(Wait) -> esock:recv(B, 0, Wait) end,
         Self = self(),
         Sender = spawn_link(fun() -> until(fun() -> maps:get(num_readers, esock:info(B)) =:= 1 end), Self ! esock:send(A, "x") end),
         ?assertEqual({ok, <<"x">>}, esock_pairs:eventually({esock, B}, {Call, 5000})),
         receive ok -> unlink(Sender) end,
         ok = esock:close(A),
         ?assertEqual({error, closed}, esock:recv(B)),
         ok = esock:close(B)
     end || Backend <- esock_pairs:backends()],
    {ok, {C, D}} = esock:socketpair(local, stream, default, #{cloexec => false}),
    ?assertEqual([false, false], [cloexec(fd(S)) || S <- [C, D]]),
    esock_pairs:close([C, D]).

%% As python3 reports the refusals of the system.
pair_refused(_) ->
    Code = "import socket,errno,sys\ntry: socket.socketpair(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))\n"
        "except OSError as e: print(errno.errorcode[e.errno].lower(), end=\"\")\n",
    [begin
         {error, Reason} = esock:socketpair(Domain, Type, Protocol),
         ?assertEqual(python(Code, [integer_to_list(N) || N <- [Domain, Type, Protocol]]), atom_to_list(Reason))
     end || {Domain, Type, Protocol} <- [{2, 1, 0}, {10, 2, 0}, {1, 9, 0}, {1, 1, 6}, {999, 1, 0}]],
    ?assertEqual({error, {invalid, {domain, foo}}}, esock:socketpair(foo)),
    ?assertEqual({error, {invalid, {type, foo}}}, esock:socketpair(local, foo)),
    ?assertEqual({error, {invalid, {protocol, foo}}}, esock:socketpair(local, stream, foo)),
    ?assertEqual({error, {invalid, {netns, "/x"}}}, esock:socketpair(local, stream, default, #{netns => "/x"})),
    ?assertEqual({error, {invalid, {cloexec, 1}}}, esock:socketpair(local, stream, default, #{cloexec => 1})),
    ?assertEqual({error, {invalid, {io_backend, foo}}}, esock:socketpair(local, stream, default, #{io_backend => foo})).

pair_owner(_) ->
    Before = esock_leak_SUITE:state(),
    {_, _, {A, B}} = Owner = owner(fun() -> {ok, Pair} = esock:socketpair(), Pair end),
    ?assertEqual({error, {invalid, not_owner}}, esock:setopt(A, {otp, meta}, x)),
    killed(Owner),
    [until(fun() -> esock:send(S, "x") =:= {error, closed} end) || S <- [A, B]],
    esock_leak_SUITE:back_to(Before).

%%% ---- dup

dup_is_independent(_) ->
    [begin
         {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
         {ok, D} = esock:dup(S),
         ?assertEqual(target(fd(S)), target(fd(D))),
         ?assert(cloexec(fd(D))),
         ?assertNotEqual(fd(S), fd(D)),
         Self = self(),
         Pids = [spawn_link(fun() -> Self ! esock:recv(T, 1) end) || T <- [S, D]],
         [until(fun() -> maps:get(num_readers, esock:info(T)) =:= 1 end) || T <- [S, D]],
         ok = esock:send(C, "ab"),
         ?assertEqual([<<"a">>, <<"b">>], lists:sort([receive {ok, Byte} -> Byte end || _ <- Pids])),
         ok = esock:close(S),
         ok = esock:send(D, "x"),
         ?assertEqual({ok, <<"x">>}, esock:recv(C, 1)),
         ok = esock:close(D),
         ?assertEqual({error, closed}, esock:recv(C)),
         ?assertEqual({error, closed}, esock:dup(D)),
         ok = esock:close(C)
     end || Backend <- esock_pairs:backends()].

dup_inherits(_) ->
    {L, Addr} = listener(),
    ok = esock:setopt(L, {otp, rcvbuf}, 1234),
    {_, _, D} = Owner = owner(fun() -> {ok, D} = esock:dup(L), D end),
    ?assertEqual({ok, 1234}, esock:getopt(D, {otp, rcvbuf})),
    ?assertEqual({ok, element(1, Owner)}, esock:getopt(D, {otp, controlling_process})),
    ?assertMatch(#{domain := inet, type := stream, protocol := tcp}, esock:info(D)),
    %% A duplicate of a listener accepts, and the listener listens on when it is closed.
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(D, 5000),
    killed(Owner),
    {ok, C2} = esock:open(inet, stream, tcp),
    ok = esock:connect(C2, Addr),
    {ok, S2} = esock:accept(L, 5000),
    esock_pairs:close([C, S, C2, S2, L]).

%% What a ring has read ahead stays with the socket that it was read for.
dup_keeps_bytes(_) ->
    with_ring(fun(C, S) ->
        {ok, D} = esock:dup(S),
        {ok, <<"bcd">>} = esock:recv(S, 3),
        ok = esock:send(C, "efg"),
        {ok, <<"efg">>} = esock:recv(D, 3, 5000),
        ok = esock:close(D)
    end).

%% A connection on io_uring with the bytes "bcd" in the read-ahead buffer.
with_ring(Fun) ->
    case lists:member(io_uring, esock_pairs:backends()) of
        false -> {skip, no_io_uring};
        true ->
            {C, S} = esock_ahead_SUITE:received({io_uring, 65536}),
            ok = esock:send(C, "bcd"),
            until(fun() -> maps:get(read_ahead, esock:info(S)) =:= 3 end),
            Fun(C, S),
            _ = [esock:close(T) || T <- [C, S]],
            ok
    end.

%%% ---- detach

detached(_) ->
    [begin
         {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
         Fd = fd(S),
         Link = target(Fd),
         MRef = esock:monitor(S),
         ok = esock:send(C, "hello"),
         ?assertEqual({ok, Fd}, esock:detach(S)),
         receive {'DOWN', MRef, socket, S, closed} -> ok end,
         ?assertEqual(Link, target(Fd)),
         ?assertEqual({true, true}, {cloexec(Fd), nonblock(Fd)}),
         %% The handle is that of a closed socket.
         ?assertEqual(lists:duplicate(7, {error, closed}),
                      [esock:recv(S), esock:send(S, "x"), esock:close(S), esock:detach(S), esock:fileno(S), esock:sockname(S),
                       esock:dup(S)]),
         #{rstates := States} = esock:info(S),
         ?assert(lists:member(closed, States)),
         ?assertNot(lists:member(S, esock:which_sockets())),
         {ok, T} = esock:open(Fd, #{dup => false, own => true}),
         ?assertEqual({ok, <<"hello">>}, esock:recv(T, 5, 5000)),
         ok = esock:send(T, "back"),
         ?assertEqual({ok, <<"back">>}, esock:recv(C, 4, 5000)),
         ok = esock:close(T),
         ?assertEqual({error, enoent}, target(Fd)),
         ?assertEqual({error, closed}, esock:recv(C)),
         ok = esock:close(C)
     end || Backend <- esock_pairs:backends()].

%% All waiters of both directions receive `closed', and the poller has forgotten the descriptor: events of the next socket on it
%% are its own.
detached_waiters(_) ->
    [begin
         {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
         Self = self(),
         esock_shared_SUITE:fill(S),
         [spawn_link(fun() -> Self ! {ended, Call()} end)
          || Call <- [fun() -> esock:recv(S, 1) end, fun() -> esock:recv(S, 1) end, fun() -> esock:send(S, <<0:800000>>) end]],
         until(fun() -> #{num_readers := R, num_writers := W} = esock:info(S), {R, W} =:= {2, 1} end),
         {Kind, {_, _, H}} = esock:recv(S, 0, nowait),
         ?assert(lists:member(Kind, [select, completion])),
         {ok, Fd} = esock:detach(S),
         receive {'$socket', S, abort, {H, closed}} -> ok end,
         Ended = [receive {ended, Result} -> Result end || _ <- [1, 2, 3]],
         [?assert(Result =:= {error, closed} orelse element(1, element(2, Result)) =:= closed) || Result <- Ended],
         {ok, T} = esock:open(Fd, #{dup => false, own => true, io_backend => Backend}),
         spawn_link(fun() -> Self ! {got, esock:recv(T, 1)} end),
         until(fun() -> maps:get(num_readers, esock:info(T)) =:= 1 end),
         ok = esock:send(C, "x"),
         receive {got, Got} -> ?assertEqual({ok, <<"x">>}, Got) end,
         esock_pairs:close([C, T])
     end || Backend <- esock_pairs:backends()].

detached_blocking(_) ->
    {ok, {A, B}} = esock:socketpair(),
    {ok, Fd} = esock:detach(A, #{nonblock => false}),
    ?assertNot(nonblock(Fd)),
    ?assert(cloexec(Fd)),
    ok = esock:close_fd(Fd),
    {ok, Other} = esock:detach(B, #{nonblock => true}),
    ?assert(nonblock(Other)),
    ok = esock:close_fd(Other),
    ?assertEqual({error, closed}, esock:detach(B)).

%% Of a lent descriptor only the use ends. A socket that it is lent to keeps it when its owner gives it up.
detached_lent(_) ->
    {C, S} = esock_pairs:pair(),
    Fd = fd(S),
    {ok, T} = esock:open(Fd, #{dup => false}),
    {ok, U} = esock:open(Fd, #{dup => false}),
    ?assertEqual({ok, Fd}, esock:detach(T)),
    ok = esock:send(C, "a"),
    ?assertEqual({ok, <<"a">>}, esock:recv(S, 1)),
    ?assertEqual({ok, Fd}, esock:detach(S)),
    Self = self(),
    spawn_link(fun() -> Self ! {got, esock:recv(U, 1)} end),
    until(fun() -> maps:get(num_readers, esock:info(U)) =:= 1 end),
    ok = esock:send(C, "b"),
    receive {got, Got} -> ?assertEqual({ok, <<"b">>}, Got) end,
    %% It is in use, so it is not closed by number.
    ?assertEqual({error, {invalid, {fd, Fd}}}, esock:close_fd(Fd)),
    ok = esock:close(U),
    ok = esock:close_fd(Fd),
    ?assertEqual({error, closed}, esock:recv(C)),
    ok = esock:close(C).

%% Bytes that were read ahead are received before the descriptor leaves; those behind them go with it.
detached_unread(_) ->
    with_ring(fun(C, S) ->
        ?assertEqual({error, {read_ahead, 3}}, esock:detach(S)),
        ok = esock:send(C, "efg"),
        ?assertEqual({ok, <<"b">>}, esock:recv(S, 1)),
        ?assertEqual({error, {read_ahead, 2}}, esock:detach(S)),
        ?assertEqual({ok, <<"cd">>}, esock:recv(S, 2)),
        {ok, Fd} = esock:detach(S),
        {ok, T} = esock:open(Fd, #{dup => false, own => true}),
        ?assertEqual({ok, <<"efg">>}, esock:recv(T, 3, 5000)),
        ok = esock:close(T)
    end).

%% A stream that is handed from one socket to the next while its bytes arrive: each byte is received once, in order.
detached_in_order(_) ->
    [begin
         {C, S0} = esock_pairs:pair(esock, #{io_backend => Backend}),
         ok = esock:setopt(S0, {otp, read_ahead}, Ahead),
         Total = 200_000,
         Sent = << <<(N rem 251)>> || N <- lists:seq(1, Total) >>,
         Sender = spawn_link(fun() -> in_parts(C, Sent), receive stop -> ok end end),
         Got = handed(S0, Total, <<>>, Backend),
         ?assert(Got =:= Sent),
         Sender ! stop,
         ok = esock:close(C)
     end || {Backend, Ahead} <- [{epoll, 0}] ++ [{io_uring, A} || lists:member(io_uring, esock_pairs:backends()), A <- [0, 4096]]].

in_parts(_, <<>>) -> ok;
in_parts(C, <<Part:997/binary, Rest/binary>>) -> ok = esock:send(C, Part), in_parts(C, Rest);
in_parts(C, Rest) -> ok = esock:send(C, Rest).

handed(S, Total, Got, _) when byte_size(Got) =:= Total -> ok = esock:close(S), Got;
handed(S, Total, Got, Backend) ->
    Data = case esock:recv(S, 0, nowait) of
               {ok, Bytes} -> Bytes;
               {select, {select_info, _, H}} -> receive {'$socket', S, select, H} -> <<>> end;
               {completion, {completion_info, _, H}} -> receive {'$socket', S, completion, {H, {ok, Bytes}}} -> Bytes end
           end,
    All = <<Got/binary, Data/binary>>,
    case esock:detach(S) of
        {ok, Fd} ->
            {ok, T} = esock:open(Fd, #{dup => false, own => true, io_backend => Backend}),
            handed(T, Total, All, Backend);
        {error, {read_ahead, Unread}} ->
            {ok, More} = esock:recv(S, Unread),
            handed(S, Total, <<All/binary, More/binary>>, Backend)
    end.

%% An error that the kernel does not report again is reported by the call.
detached_error(_) ->
    with_ring(fun(C, S) ->
        ok = esock:setopt(C, {socket, linger}, abort),
        {ok, <<"bcd">>} = esock:recv(S, 3),
        {completion, {_, _, H}} = esock:recv(S, 0, nowait),
        ok = esock:close(C),
        receive {'$socket', S, completion, {H, {error, econnreset}}} -> ok;
                {'$socket', S, abort, {H, econnreset}} -> ok end,
        {ok, Fd} = esock:detach(S),
        ok = esock:close_fd(Fd)
    end).

%% Of many processes that detach and close at once, one gets the descriptor.
detached_once(_) ->
    Before = esock_leak_SUITE:state(),
    [begin
         {ok, {A, B}} = esock:socketpair(),
         Calls = [fun() -> esock:detach(A) end, fun() -> esock:detach(A) end, fun() -> esock:close(A) end],
         Pids = [spawn_monitor(fun() -> exit({result, Call()}) end) || Call <- Calls],
         Results = [receive {'DOWN', MRef, _, Pid, {result, R}} -> R end || {Pid, MRef} <- Pids],
         Won = [R || R <- Results, R =/= {error, closed}],
         ?assertMatch([_], Won),
         [ok = esock:close_fd(Fd) || {ok, Fd} <- Won],
         ?assertEqual({error, closed}, esock:recv(B)),
         ok = esock:close(B)
     end || _ <- lists:seq(1, 500)],
    esock_leak_SUITE:back_to(Before).

%%% ---- open of a descriptor

%% What the descriptor is to be is checked before anything is changed.
given_kind(_) ->
    {L, _} = listener(),
    {ok, Fd} = esock:detach(L, #{nonblock => false}),
    Options = #{dup => false, own => true, domain => inet, type => stream, protocol => tcp},
    [?assertEqual({error, {invalid, {Key, Value}}}, esock:open(Fd, Options#{Key => Value}))
     || {Key, Value} <- [{domain, inet6}, {domain, local}, {domain, 10}, {domain, foo}, {type, dgram}, {type, 2}, {type, foo},
                         {protocol, udp}, {protocol, 17}, {protocol, foo}, {domain, "inet"}, {cloexec, maybe_so}]],
    ?assertEqual({false, true}, {nonblock(Fd), cloexec(Fd)}),
    {ok, S} = esock:open(Fd, Options),
    ?assertEqual({error, timeout}, esock:accept(S, 0)),
    {ok, Fd} = esock:detach(S),
    [begin {ok, T} = esock:open(Fd, Same#{dup => false}), {ok, Fd} = esock:detach(T) end
     || Same <- [#{domain => 2, type => 1, protocol => 6}, #{protocol => default}, #{type => stream}]],
    ok = esock:close_fd(Fd).

%% A descriptor that is given is close-on-exec from then on, unless the caller asks for the contrary.
given_away(_) ->
    {ok, {A, B}} = esock:socketpair(),
    {ok, Fd} = esock:detach(A),
    [begin
         ok = esock:set_inheritable(Fd, true),
         {ok, S} = esock:open(Fd, Options#{dup => false}),
         ?assertEqual({Options, Cloexec}, {Options, cloexec(Fd)}),
         {ok, Fd} = esock:detach(S)
     end || {Options, Cloexec} <- [{#{own => true}, true}, {#{own => true, cloexec => false}, false}, {#{}, false}, {#{cloexec => true}, true}]],
    {ok, D} = esock:open(Fd, #{cloexec => false}),
    ?assertNot(cloexec(fd(D))),
    ok = esock:close(D),
    {_, _, _} = Owner = owner(fun() -> esock:open(Fd, #{dup => false, own => true}) end),
    killed(Owner),
    ?assertEqual({error, closed}, esock:recv(B)),
    ok = esock:close(B).

not_a_socket(_) ->
    {ok, File} = file:open(code:which(?MODULE), [read, raw, binary]),
    {file_descriptor, prim_file, _} = File,
    <<Fd:32/native>> = prim_file:get_handle(File),
    Said = [#{dup => false, own => true}, #{domain => inet}, #{type => stream}, #{protocol => default}],
    [?assertEqual({error, enotsock}, esock:open(Fd, Options)) || Options <- Said],
    %% Without these options the answer is that of `socket'.
    [?assertEqual({error, {invalid, {options, domain, Options}}}, esock:open(Fd, Options)) || Options <- [#{}, #{dup => false}, #{own => false}]],
    ok = file:close(File),
    [?assertEqual({error, ebadf}, esock:open(Bad, Options)) || Bad <- [Fd, -1, 1_000_000_000], Options <- Said],
    [?assertEqual({error, {invalid, {options, domain, #{}}}}, esock:open(Bad)) || Bad <- [Fd, -1, 1_000_000_000]],
    ?assertEqual({error, {invalid, {integer_range, 1 bsl 40}}}, esock:open(1 bsl 40)).

%%% ---- close_fd

close_by_number(_) ->
    {ok, {A, B}} = esock:socketpair(),
    {ok, D} = esock:dup(A),
    {ok, T} = esock:open(fd(D), #{dup => false}),
    [?assertEqual({error, {invalid, {fd, fd(S)}}}, esock:close_fd(fd(S))) || S <- [A, B, D, T]],
    ok = esock:send(A, "x"),
    ?assertEqual({ok, <<"x">>}, esock:recv(B)),
    Fd = fd(A),
    ok = esock:close(A),
    ?assertEqual({error, ebadf}, esock:close_fd(Fd)),
    ?assertEqual({error, ebadf}, esock:close_fd(-1)),
    ?assertEqual({error, {invalid, {integer_range, 1 bsl 31}}}, esock:close_fd(1 bsl 31)),
    {ok, Detached} = esock:detach(B),
    {ok, "socket:" ++ _} = target(Detached),
    ok = esock:close_fd(Detached),
    ?assertEqual({error, enoent}, target(Detached)),
    ok = esock:close(D).

%% The number of a socket in use is refused, whatever its processes do.
close_refused(_) ->
    {ok, {A, B}} = esock:socketpair(),
    Numbers = [fd(A), fd(B)],
    Self = self(),
    Closers = [spawn_link(fun() ->
                                  [{error, {invalid, {fd, Fd}}} = esock:close_fd(Fd) || _ <- lists:seq(1, 2000)],
                                  Self ! {self(), done}
                          end) || Fd <- Numbers],
    [begin
         ok = esock:send(A, "x"),
         ?assertEqual({ok, <<"x">>}, esock:recv(B, 1, 5000)),
         {ok, D} = esock:dup(A),
         ok = esock:close(D)
     end || _ <- lists:seq(1, 2000)],
    [receive {Pid, done} -> ok end || Pid <- Closers],
    esock_pairs:close([A, B]).

%%% ---- inheritance

inherited(_) ->
    {ok, S} = esock:open(inet, stream, tcp, #{cloexec => false}),
    {ok, T} = esock:open(inet, stream, tcp, #{cloexec => true}),
    ?assertEqual([{ok, true}, {ok, false}], [esock:get_inheritable(X) || X <- [S, T]]),
    ?assertEqual([false, true], [cloexec(fd(X)) || X <- [S, T]]),
    ok = esock:set_inheritable(S, false),
    ok = esock:set_inheritable(T, true),
    ?assertEqual([true, false], [cloexec(fd(X)) || X <- [S, T]]),
    Fd = fd(S),
    ok = esock:set_inheritable(Fd, true),
    ?assertEqual({ok, true}, esock:get_inheritable(S)),
    ?assertEqual({ok, true}, esock:get_inheritable(Fd)),
    %% What a socket makes is not inheritable.
    ok = esock:bind(S, loopback),
    ok = esock:listen(S),
    {ok, Addr} = esock:sockname(S),
    ok = esock:connect(T, Addr),
    {ok, {New, _}} = esock:accept_from(S),
    {ok, Dup} = esock:dup(S),
    ?assertEqual([{ok, false}, {ok, false}], [esock:get_inheritable(X) || X <- [New, Dup]]),
    esock_pairs:close([S, T, New, Dup]),
    ?assertEqual({error, closed}, esock:get_inheritable(S)),
    ?assertEqual({error, closed}, esock:set_inheritable(S, true)),
    ?assertEqual({error, ebadf}, esock:get_inheritable(-1)),
    ?assertEqual({error, ebadf}, esock:set_inheritable(-1, true)).

fileno_is_the_option(_) ->
    {S, _} = esock_pairs:udp(),
    {ok, Fd} = esock:fileno(S),
    ?assertEqual({ok, Fd}, esock:getopt(S, {otp, fd})),
    ?assertMatch({ok, "socket:" ++ _}, target(Fd)),
    ok = esock:close(S),
    ?assertEqual({error, closed}, esock:fileno(S)).

%%% ---- accept_from

connected(Addr) -> connected(Addr, #{}).
connected(Addr, Opts) ->
    {ok, C} = esock:open(maps:get(family, Addr), stream, default, Opts),
    ok = esock:connect(C, Addr),
    C.

accepted_from(_) ->
    [begin
         {L, Addr} = esock_pairs:listener(esock, #{io_backend => Backend}),
         C = connected(Addr),
         {ok, From} = esock:sockname(C),
         {ok, {S, Peer}} = esock:accept_from(L),
         ?assertEqual(From, Peer),
         ?assertEqual({ok, Peer}, esock:peername(S)),
         ?assertEqual({ok, self()}, esock:getopt(S, {otp, controlling_process})),
         ?assertEqual(Backend, maps:get(io_backend, esock:info(S))),
         ?assertMatch(#{counters := #{acc_success := 1}}, esock:info(L)),
         ?assertEqual({true, true}, {cloexec(fd(S)), nonblock(fd(S))}),
         esock_pairs:close([C, S, L]),
         ?assertEqual({error, closed}, esock:accept_from(L))
     end || Backend <- esock_pairs:backends()],
    {ok, D} = esock:open(inet, stream, tcp),
    ?assertEqual({error, einval}, esock:accept_from(D)),
    ok = esock:close(D).

%% All the ways of waiting that accept has, in the same queue.
accepted_from_waits(_) ->
    [begin
         {L, Addr} = esock_pairs:listener(esock, #{io_backend => Backend}),
         ?assertEqual({error, timeout}, esock:accept_from(L, 0)),
         ?assertEqual({error, timeout}, esock:accept_from(L, 10)),
         ?assertError({invalid, {timeout, foo}}, esock:accept_from(L, foo)),
         Self = self(),
         Pids = [spawn_link(fun() -> Self ! {self(), esock:accept_from(L, Wait)}, receive stop -> ok end end) || Wait <- [infinity, 60_000]],
         until(fun() -> maps:get(num_acceptors, esock:info(L)) =:= 2 end),
         Cs = [connected(Addr) || _ <- Pids],
         Peers = [receive {Pid, {ok, {_, Peer}}} -> Peer end || Pid <- Pids],
         ?assertEqual(lists:sort([element(2, esock:sockname(C)) || C <- Cs]), lists:sort(Peers)),
         [Pid ! stop || Pid <- Pids],
         Handle = make_ref(),
         [begin
              {Kind, {_, accept, H} = Info} = esock:accept_from(L, Wait),
              ?assert(Wait =:= nowait orelse H =:= Handle),
              C = connected(Addr),
              {ok, From} = esock:sockname(C),
              {ok, {S, Peer}} = receive
                                    {'$socket', L, select, H} -> esock:accept_from(L, 0);
                                    {'$socket', L, completion, {H, Result}} -> Result
                                end,
              ?assertEqual({Wait, Kind, From}, {Wait, Kind, Peer}),
              ?assertMatch({error, {invalid, _}}, esock:cancel(L, Info)),
              esock_pairs:close([C, S])
          end || Wait <- [nowait, Handle]],
         {_, Cancelled} = esock:accept_from(L, nowait),
         ok = esock:cancel(L, Cancelled),
         {_, {_, accept, H2}} = esock:accept_from(L, nowait),
         ok = esock:close(L),
         receive {'$socket', L, abort, {H2, closed}} -> ok end,
         esock_pairs:close(Cs)
     end || Backend <- esock_pairs:backends()].

accepted_from_local(_) ->
    {ok, L} = esock:open(local, stream),
    ok = esock:bind(L, #{family => local, path => <<>>}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    C = connected(Addr),
    ?assertMatch({ok, {_, #{family := local, path := <<>>}}}, esock:accept_from(L)),
    {ok, D} = esock:open(local, stream),
    ok = esock:bind(D, #{family => local, path => <<0, "esock_from">>}),
    ok = esock:connect(D, Addr),
    ?assertMatch({ok, {_, #{family := local, path := <<0, "esock_from">>}}}, esock:accept_from(L)),
    {ok, L6} = esock:open(inet6, stream),
    ok = esock:bind(L6, loopback),
    ok = esock:listen(L6),
    {ok, Addr6} = esock:sockname(L6),
    E = connected(Addr6),
    {ok, From6} = esock:sockname(E),
    {ok, {_, From6}} = esock:accept_from(L6),
    esock_pairs:close([C, D, E, L, L6]).

%% A peer that is gone has no name any more, but its address was there when it connected. So does python3.
accepted_from_gone(_) ->
    {L, Addr} = listener(),
    C = connected(Addr),
    {ok, From} = esock:sockname(C),
    ok = esock:setopt(C, {socket, linger}, abort),
    ok = esock:close(C),
    {ok, {S, Peer}} = esock:accept_from(L, 5000),
    ?assertEqual(From, Peer),
    ?assertEqual({error, enotconn}, esock:peername(S)),
    esock_pairs:close([S, L]).

%%% ---- with_fd

lent_to_a_function(_) ->
    Before = esock_leak_SUITE:state(),
    {C, S} = esock_pairs:pair(),
    Link = target(fd(S)),
    ?assertEqual({ok, Link}, {ok, esock:with_fd(S, fun target/1)}),
    %% It stays open although the socket is closed meanwhile, and closes afterwards.
    Fd = esock:with_fd(S, fun(Fd) ->
                                  ok = esock:close(S),
                                  ?assertEqual(Link, target(Fd)),
                                  ok = esock:send(C, "hello"),
                                  {ok, D} = esock:open(Fd),
                                  ?assertEqual({ok, <<"hello">>}, esock:recv(D, 5, 5000)),
                                  ok = esock:close(D),
                                  Fd
                          end),
    ?assertEqual({error, enoent}, target(Fd)),
    ?assertEqual({error, closed}, esock:recv(C)),
    ?assertEqual({error, closed}, esock:with_fd(S, fun(_) -> error(called) end)),
    ?assertError(oops, esock:with_fd(C, fun(_) -> error(oops) end)),
    ?assertThrow(oops, esock:with_fd(C, fun(_) -> throw(oops) end)),
    ok = esock:close(C),
    esock_leak_SUITE:back_to(Before).

lent_and_killed(_) ->
    {C, S} = esock_pairs:pair(),
    Before = esock_leak_SUITE:state(),
    Self = self(),
    [begin
         {Pid, MRef} = spawn_monitor(fun() -> esock:with_fd(S, fun(_) -> Self ! inside, receive never -> ok end end) end),
         receive inside -> ok end,
         exit(Pid, kill),
         receive {'DOWN', MRef, process, Pid, killed} -> ok end
     end || _ <- lists:seq(1, 200)],
    esock_leak_SUITE:back_to(Before),
    esock_pairs:close([C, S]).

view_of_a_descriptor(_) ->
    {C, S} = esock_pairs:pair(),
    {ok, Fd} = esock:detach(S, #{nonblock => false}),
    ?assertEqual({ok, true},
                 esock:with_fd(Fd, fun(View) -> ok = esock:setopt(View, {tcp, nodelay}, true), esock:getopt(View, {tcp, nodelay}) end)),
    ?assertError(oops, esock:with_fd(Fd, fun(_) -> error(oops) end)),
    ?assertNot(nonblock(Fd)),
    ?assertMatch({ok, _}, target(Fd)),
    {ok, T} = esock:open(Fd, #{dup => false, own => true}),
    %% A view does not make the socket's descriptor blocking.
    {ok, tcp} = esock:with_fd(Fd, fun(View) -> esock:getopt(View, {socket, protocol}) end),
    ?assert(nonblock(Fd)),
    ?assertEqual({ok, true}, esock:getopt(T, {tcp, nodelay})),
    esock_pairs:close([C, T]),
    ?assertEqual({error, ebadf}, esock:with_fd(Fd, fun(_) -> error(called) end)),
    {ok, File} = file:open(code:which(?MODULE), [read, raw, binary]),
    <<Number:32/native>> = prim_file:get_handle(File),
    ?assertEqual({error, enotsock}, esock:with_fd(Number, fun(_) -> error(called) end)),
    ok = file:close(File).

%%% ---- from_inet

inet_backends() -> [[], [{inet_backend, socket}]].

%% The original may be closed first: the connection goes on. A listener accepts, a UDP socket has the same port.
of_inet(_) ->
    Before = esock_leak_SUITE:state(),
    [begin
         {ok, L} = gen_tcp:listen(0, Inet ++ [binary, {ip, {127, 0, 0, 1}}]),
         {ok, Port} = inet:port(L),
         {ok, S} = esock:from_inet(L),
         ?assertMatch({ok, #{port := Port}}, esock:sockname(S)),
         ok = gen_tcp:close(L),
         {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, Inet ++ [binary, {active, false}]),
         {ok, Peer} = esock:accept(S, 5000),
         {ok, Own} = esock:from_inet(C),
         ok = esock:send(Peer, "one"),
         ?assertEqual({ok, <<"one">>}, esock:recv(Own, 3, 5000)),
         ok = esock:send(Own, "two"),
         ok = gen_tcp:send(C, "2"),
         ?assertEqual({ok, <<"two2">>}, esock:recv(Peer, 4, 5000)),
         ok = gen_tcp:close(C),
         ok = esock:send(Own, "three"),
         ?assertEqual({ok, <<"three">>}, esock:recv(Peer, 5, 5000)),
         ok = esock:send(Peer, "four"),
         ?assertEqual({ok, <<"four">>}, esock:recv(Own, 4, 5000)),
         ok = esock:close(Own),
         ?assertEqual({error, closed}, esock:recv(Peer, 0, 5000)),
         {ok, U} = gen_udp:open(0, Inet ++ [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
         {ok, UdpPort} = inet:port(U),
         {ok, Udp} = esock:from_inet(U),
         ok = gen_udp:close(U),
         {From, _} = esock_pairs:udp(),
         ok = esock:sendto(From, "hello", #{family => inet, addr => loopback, port => UdpPort}),
         ?assertMatch({ok, {_, <<"hello">>}}, esock:recvfrom(Udp, 0, 5000)),
         esock_pairs:close([S, Peer, Udp, From])
     end || Inet <- inet_backends()],
    esock_leak_SUITE:back_to(Before).

%% An active socket would take the bytes. What it has taken in a packet mode stays with it, as the text says.
of_inet_active(_) ->
    [begin
         {ok, L} = gen_tcp:listen(0, Inet ++ [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
         {ok, Port} = inet:port(L),
         {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, Inet ++ [binary, {active, true}]),
         {ok, A} = gen_tcp:accept(L),
         Before = esock_leak_SUITE:state(),
         ?assertEqual({error, {invalid, {active, true}}}, esock:from_inet(C)),
         esock_leak_SUITE:back_to(Before),
         ok = inet:setopts(C, [{active, false}]),
         {ok, S} = esock:from_inet(C),
         ok = esock:close(S),
         {ok, P} = gen_tcp:connect({127, 0, 0, 1}, Port, Inet ++ [binary, {active, false}, {packet, line}]),
         {ok, B} = gen_tcp:accept(L),
         ok = gen_tcp:send(B, "first\nsecond\n"),
         ?assertEqual({ok, <<"first\n">>}, gen_tcp:recv(P, 0, 5000)),
         {ok, T} = esock:from_inet(P),
         ?assertEqual({error, timeout}, esock:recv(T, 0, 0)),
         ?assertEqual({ok, <<"second\n">>}, gen_tcp:recv(P, 0, 5000)),
         ok = esock:close(T),
         [ok = gen_tcp:close(X) || X <- [A, B, P, C, L]]
     end || Inet <- inet_backends()].

of_inet_closed(_) ->
    [begin
         {ok, L} = gen_tcp:listen(0, Inet),
         ok = gen_tcp:close(L),
         ?assertEqual({error, closed}, esock:from_inet(L))
     end || Inet <- inet_backends()].

%% gen_tcp and gen_udp use the number that they are given, and leave it open.
to_inet(_) ->
    Before = esock_leak_SUITE:state(),
    {L, Addr} = listener(),
    {ok, Fd} = esock:to_fd(L),
    ?assertEqual({true, true}, {cloexec(Fd), nonblock(Fd)}),
    {ok, Inet} = gen_tcp:listen(0, [binary, {active, false}, {fd, Fd}]),
    C = connected(Addr),
    {ok, A} = gen_tcp:accept(Inet, 5000),
    ok = esock:send(C, "hello"),
    ?assertEqual({ok, <<"hello">>}, gen_tcp:recv(A, 5, 5000)),
    [ok = gen_tcp:close(X) || X <- [A, Inet]],
    ok = esock:close_fd(Fd),
    ?assertEqual({error, timeout}, esock:accept(L, 0)),
    {U, UdpAddr} = esock_pairs:udp(),
    {ok, UdpFd} = esock:to_fd(U),
    {ok, Udp} = gen_udp:open(0, [binary, {active, false}, {fd, UdpFd}]),
    {From, _} = esock_pairs:udp(),
    ok = esock:sendto(From, "hello", UdpAddr),
    ?assertMatch({ok, {_, _, <<"hello">>}}, gen_udp:recv(Udp, 0, 5000)),
    ok = gen_udp:close(Udp),
    ok = esock:close_fd(UdpFd),
    ok = esock:sendto(From, "again", UdpAddr),
    ?assertMatch({ok, {_, <<"again">>}}, esock:recvfrom(U, 0, 5000)),
    esock_pairs:close([C, L, U, From]),
    ?assertEqual({error, closed}, esock:to_fd(L)),
    esock_leak_SUITE:back_to(Before).

to_inet_unread(_) ->
    with_ring(fun(_, S) ->
        Before = esock_leak_SUITE:state(),
        ?assertEqual({error, {read_ahead, 3}}, esock:to_fd(S)),
        esock_leak_SUITE:back_to(Before),
        {ok, <<"bcd">>} = esock:recv(S, 3),
        {ok, Fd} = esock:to_fd(S),
        ok = esock:close_fd(Fd)
    end).

named_functions(_) ->
    {ok, S} = esock:open(),
    ?assertMatch(#{domain := inet, type := stream, protocol := tcp}, esock:info(S)),
    ?assertEqual({ok, 0}, esock:port(S)),
    ok = esock:bind(S, loopback),
    {ok, #{port := Port}} = esock:sockname(S),
    ?assertEqual({ok, Port}, esock:port(S)),
    {ok, {A, B}} = esock:socketpair(),
    ?assertEqual({error, eafnosupport}, esock:port(A)),
    {Pid, MRef} = spawn_monitor(fun() -> receive stop -> ok end end),
    ok = esock:controlling_process(S, Pid),
    ?assertEqual({error, {invalid, not_owner}}, esock:controlling_process(S, self())),
    Pid ! stop,
    receive {'DOWN', MRef, process, Pid, normal} -> ok end,
    until(fun() -> esock:port(S) =:= {error, closed} end),
    ?assertEqual({error, closed}, esock:controlling_process(S, self())),
    esock_pairs:close([A, B]).

%%% ---- listen_fds

%% systemd-socket-activate listens, and starts the node at the first connection.
service_manager(_) ->
    case os:find_executable("systemd-socket-activate") of
        false -> {skip, no_systemd_socket_activate};
        Activate ->
            Name = "esock_activated_" ++ os:getpid(),
            Port = esock_docs_SUITE:free_port(),
            Code = "{ok, M} = esock:listen_fds(#{unset => true}), #{<<\"web\">> := [A], <<\"unix\">> := [B]} = M,"
                "{ok, #{}} = esock:listen_fds(),"
                "{ok, L} = esock:open(A, #{dup => false, own => true, domain => inet, type => stream}),"
                "{ok, U} = esock:open(B, #{dup => false, own => true, domain => local}),"
                "{ok, false} = esock:get_inheritable(L), {ok, false} = esock:get_inheritable(U),"
                "[begin {ok, S} = esock:accept(X, 20000), {ok, D} = esock:recv(S, 2, 20000), ok = esock:send(S, D), esock:close(S) end || X <- [L, U]],"
                "halt().",
            Args = ["-l", "127.0.0.1:" ++ integer_to_list(Port), "-l", "@" ++ Name, "--fdname=web:unix", "-E", "PATH", os:find_executable("erl"), "-noshell",
                    "-pa", filename:dirname(code:which(esock)), "-eval", Code],
            Node = open_port({spawn_executable, Activate}, [{args, Args}, binary, stderr_to_stdout, exit_status]),
            Addr = #{family => inet, addr => loopback, port => Port},
            ok = printed(Node, Name, <<>>),
            C = connected(Addr),
            ok = esock:send(C, "ab"),
            ?assertEqual({ok, <<"ab">>}, esock:recv(C, 2, 30_000)),
            D = connected(#{family => local, path => [0 | Name]}),
            ok = esock:send(D, "cd"),
            ?assertEqual({ok, <<"cd">>}, esock:recv(D, 2, 30_000)),
            esock_pairs:close([C, D]),
            ?assertEqual(0, exit_status(Node, <<>>))
    end.

printed(Node, Text, Before) ->
    receive
        {Node, {data, More}} ->
            Printed = <<Before/binary, More/binary>>,
            case binary:match(Printed, list_to_binary(Text)) of
                nomatch -> printed(Node, Text, Printed);
                _ -> ok
            end;
        {Node, Other} -> {Other, Before}
    end.

exit_status(Node, Printed) ->
    receive
        {Node, {exit_status, Status}} -> Status =:= 0 orelse ct:pal("~ts", [Printed]), Status;
        {Node, {data, Text}} -> exit_status(Node, <<Printed/binary, Text/binary>>)
    after 30_000 -> {runs, Printed}
    end.

%% What the variables may say; in this node, whose descriptors 3 and 4 are those of the VM and stay as they are.
service_manager_variables(_) ->
    Set = fun(Variables) ->
                  [os:unsetenv(Name) || Name <- ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]],
                  [os:putenv(Name, Value) || {Name, Value} <- Variables]
          end,
    Mine = {"LISTEN_PID", os:getpid()},
    Cloexec = {cloexec(3), cloexec(4)},
    try
        Set([]),
        ?assertEqual({ok, #{}}, esock:listen_fds()),
        Set([{"LISTEN_PID", "1"}, {"LISTEN_FDS", "1"}]),
        ?assertEqual({ok, #{}}, esock:listen_fds()),
        [begin
             Set([Mine, {"LISTEN_FDS", Count}]),
             ?assertEqual({error, {invalid, {env, "LISTEN_FDS"}}}, esock:listen_fds())
         end || Count <- ["x", "-1", "1x", ""]],
        Set([Mine, {"LISTEN_FDS", "0"}]),
        ?assertEqual({ok, #{}}, esock:listen_fds()),
        Set([Mine, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "a"}]),
        ?assertEqual({error, {invalid, {env, "LISTEN_FDNAMES"}}}, esock:listen_fds()),
        Set([Mine, {"LISTEN_FDS", "2"}]),
        ?assertEqual({ok, #{<<"unknown">> => [3, 4]}}, esock:listen_fds()),
        Set([Mine, {"LISTEN_FDS", "2"}, {"LISTEN_FDNAMES", "a:a"}]),
        ?assertEqual({ok, #{<<"a">> => [3, 4]}}, esock:listen_fds()),
        ?assertEqual({true, true}, {cloexec(3), cloexec(4)}),
        %% The first that is not open ends it, however many there are to be.
        Set([Mine, {"LISTEN_FDS", "1000000000000"}]),
        ?assertEqual({error, ebadf}, esock:listen_fds(#{unset => true})),
        ?assertEqual([false, false], [os:getenv(Name) || Name <- ["LISTEN_PID", "LISTEN_FDS"]]),
        ?assertEqual({error, {invalid, {unset, 1}}}, esock:listen_fds(#{unset => 1})),
        ?assertEqual({error, {invalid, {foo, true}}}, esock:listen_fds(#{foo => true}))
    after
        Set([]),
        [ok = esock:set_inheritable(Fd, not On) || {Fd, On} <- [{3, element(1, Cloexec)}, {4, element(2, Cloexec)}]]
    end.

%%% ---- no leaks

%% 10,000 rounds of each function that makes descriptors, and the counts are as before.
rounds(_) ->
    {L, Addr} = listener(),
    {ok, G} = gen_udp:open(0, [{active, false}]),
    {U, _} = esock_pairs:udp(),
    Ways = [{socketpair, fun() -> {ok, {A, B}} = esock:socketpair(), esock_pairs:close([A, B]) end},
            {dup, fun() -> {ok, D} = esock:dup(U), ok = esock:close(D) end},
            {detach, fun() -> {ok, S} = esock:open(inet, dgram), {ok, Fd} = esock:detach(S), ok = esock:close_fd(Fd) end},
            {own, fun() -> {ok, S} = esock:open(inet, dgram), {ok, Fd} = esock:detach(S),
                           {ok, T} = esock:open(Fd, #{dup => false, own => true}), ok = esock:close(T) end},
            {with_fd, fun() -> ok = esock:with_fd(U, fun(_) -> ok end) end},
            {from_inet, fun() -> {ok, S} = esock:from_inet(G), ok = esock:close(S) end},
            {to_fd, fun() -> {ok, Fd} = esock:to_fd(U), ok = esock:close_fd(Fd) end},
            {refused, fun() -> {error, {invalid, _}} = esock:open(fd(U), #{type => stream}) end},
            {accept_from, fun() ->
                                  C = connected(Addr), ok = esock:setopt(C, {socket, linger}, abort),
                                  {ok, {S, _}} = esock:accept_from(L), esock_pairs:close([C, S])
                          end}],
    [begin
         Before = esock_leak_SUITE:state(),
         {Pid, MRef} = spawn_monitor(fun() -> [Way() || _ <- lists:seq(1, 10_000)], exit(done) end),
         receive {'DOWN', MRef, process, Pid, Reason} -> ?assertEqual({Name, done}, {Name, Reason}) end,
         esock_leak_SUITE:back_to(Before)
     end || {Name, Way} <- Ways],
    ok = gen_udp:close(G),
    esock_pairs:close([U, L]).

%% The same with processes that are killed anywhere in between. Numbers that a process has taken are its own: sockets only.
rounds_killed(_) ->
    {L, Addr} = listener(),
    {U, _} = esock_pairs:udp(),
    Ways = [fun() -> {ok, {A, B}} = esock:socketpair(), esock_pairs:close([A, B]) end,
            fun() -> {ok, D} = esock:dup(U), ok = esock:close(D) end,
            fun() -> esock:with_fd(U, fun(_) -> ok end) end,
            fun() -> C = connected(Addr), ok = esock:setopt(C, {socket, linger}, abort), {ok, {S, _}} = esock:accept_from(L, 1000), esock_pairs:close([C, S]) end],
    Before = esock_leak_SUITE:state(),
    [begin
         {Pid, MRef} = spawn_monitor(fun Go() -> Way(), Go() end),
         [erlang:yield() || _ <- lists:seq(1, rand:uniform(200))],
         exit(Pid, kill),
         receive {'DOWN', MRef, process, Pid, killed} -> ok end
     end || _ <- lists:seq(1, 250), Way <- Ways],
    Drain = fun Drain() -> case esock:accept(L, 0) of {ok, S} -> ok = esock:close(S), Drain(); _ -> ok end end,
    Drain(),
    esock_leak_SUITE:back_to(Before),
    esock_pairs:close([L, U]).

bad_arguments(_) ->
    {ok, {A, _} = Pair} = esock:socketpair(),
    Bad = [{socketpair, [local, stream, default, foo]}, {dup, [foo]}, {dup, [{'$socket', foo}]}, {detach, [foo]}, {detach, [A, foo]},
           {detach, [1, #{}]}, {close_fd, [foo]}, {fileno, [foo]}, {with_fd, [A, foo]}, {with_fd, [A, fun() -> ok end]}, {with_fd, [foo, fun(_) -> ok end]},
           {get_inheritable, [foo]}, {set_inheritable, [A, 1]}, {set_inheritable, [foo, true]}, {accept_from, [foo]}, {accept_from, [foo, 0]},
           {from_inet, [foo]}, {from_inet, [A]}, {listen_fds, [foo]}, {to_fd, [foo]}, {port, [foo]}, {controlling_process, [A, foo]},
           {controlling_process, [foo, self()]}],
    [?assertError(badarg, apply(esock, F, Args), {F, Args}) || {F, Args} <- Bad],
    ?assertEqual({error, {invalid, {nonblock, 1}}}, esock:detach(A, #{nonblock => 1})),
    ?assertEqual({error, {invalid, {foo, 1}}}, esock:detach(A, #{foo => 1})),
    ?assertError({invalid, {protocol, "x"}}, esock:socketpair(local, stream, "x")),
    esock_pairs:close(tuple_to_list(Pair)).

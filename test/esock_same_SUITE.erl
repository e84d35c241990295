%% Each case runs once on OTP's socket and once on esock, and must answer the same.
%%
%% A case is a function of the module under test. It answers a term without references, pids and ephemeral ports.
-module(esock_same_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [udp/1, listener/1, trio/1]).

-compile([export_all, nowarn_export_all]).

all() ->
    [both].

cases() ->
    [{Name, fun(M) -> ?MODULE:Name(M) end} ||
        {Name, 1} <- esock_pairs:cases(?MODULE:module_info(exports), [{same_nowait, 1}]), lists:prefix("same_", atom_to_list(Name))].

both(_) ->
    Different = [{Name, {socket, Otp}, {esock, Ours}} || {Name, Case} <- lists:sort(cases()),
                                                         {Otp, Ours} <- [{run(Case, socket), run(Case, esock)}],
                                                         Otp =/= Ours],
    ct:pal("~w cases", [length(cases())]),
    [ct:pal("~p~n", [D]) || D <- Different],
    ?assertEqual([], Different).

%% Runs a case in a process of its own, whose end closes the sockets that the case has left open.
run(Case, Module) ->
    {Pid, MRef} = spawn_monitor(fun() -> exit({result, try Case(Module) catch C:R -> {C, R} end}) end),
    receive
        {'DOWN', MRef, process, Pid, {result, Result}} -> Result;
        {'DOWN', MRef, process, Pid, Reason} -> {died, Reason}
    after 30_000 ->
        ct:fail({hangs, process_info(Pid, [current_stacktrace, messages])})
    end.

%% The answer of a call, or the exception that it raises.
try_(Fun) ->
    try Fun() catch Class:Reason -> {Class, Reason} end.

%% Replaces terms that differ from run to run.
plain({'$socket', _}) -> socket;
plain(Ref) when is_reference(Ref) -> ref;
plain(Pid) when is_pid(Pid) -> pid;
plain(#{port := Port} = Addr) when Port > 1024 -> plain(Addr#{port := 1});
plain(#{path := <<0, _/binary>>}) -> abstract;
plain(Map) when is_map(Map) -> maps:map(fun(_, Value) -> plain(Value) end, Map);
plain(Tuple) when is_tuple(Tuple) -> list_to_tuple([plain(E) || E <- tuple_to_list(Tuple)]);
plain([H | T]) -> [plain(H) | plain(T)];
plain(Other) -> Other.

tcp(M) ->
    {ok, S} = M:open(inet, stream, tcp),
    S.

local(M, Type) ->
    {ok, S} = M:open(local, Type),
    Path = <<0, "same", (integer_to_binary(erlang:unique_integer([positive])))/binary, (atom_to_binary(M))/binary>>,
    ok = M:bind(S, #{family => local, path => Path}),
    {S, #{family => local, path => Path}}.

%%% Open.

same_open(M) ->
    [plain(try_(fun() -> apply(M, open, Args) end)) ||
        Args <- [[inet, stream], [inet, stream, tcp], [inet6, dgram, udp], [local, stream], [local, seqpacket],
                 [inet, stream, default], [inet, stream, 0], [inet, stream, 6], [2, 1, 6], [inet, stream, {raw, 6}],
                 [inet, stream, nosuch], [nosuch, stream], [inet, nosuch], [inet, stream, udp], [inet, stream, "tcp"],
                 [inet, stream, tcp, #{}], [inet, stream, tcp, []], [inet, stream, -1],
                 [a], [-1], [a, #{}], [9999]]].

same_open_fd(M) ->
    {S, _} = udp(M),
    {ok, Fd} = M:getopt(S, {otp, fd}),
    {ok, T} = M:open(Fd),
    #{ctype := {fromfd, Fd}} = M:info(T),
    {ok, Fd2} = M:getopt(T, {otp, fd}),
    {ok, U} = M:open(Fd, #{dup => false}),
    #{ctype := fromfd} = M:info(U),
    {Fd =/= Fd2, M:getopt(U, {otp, fd}) =:= {ok, Fd}, M:close(T), M:close(U), plain(M:sockname(S))}.

same_not_a_socket(M) ->
    Ref = make_ref(),
    Bad = [foo, {'$socket', foo}, {'$socket', Ref}],
    [[plain(try_(fun() -> apply(M, F, [B | Args]) end)) ||
         {F, Args} <- [{bind, [any]}, {connect, []}, {connect, [#{family => inet}]}, {listen, []}, {accept, []},
                       {send, [<<"x">>]}, {sendto, [<<"x">>, #{family => inet}]}, {recv, []}, {recvfrom, []},
                       {shutdown, [read]}, {close, []}, {sockname, []}, {peername, []}, {to_list, []},
                       {setopt, [{socket, reuseaddr}, true]}, {monitor, []}, {which_socket_kind, []}, {info, []},
                       {cancel, [{select_info, recv, make_ref()}]}]]
     || B <- Bad, B =/= {'$socket', Ref}] ++
        [try_(fun() -> M:recv({'$socket', Ref}) end), try_(fun() -> M:close({'$socket', Ref}) end)].

same_timeouts(M) ->
    {_, _, S} = trio(M),
    [try_(fun() -> M:recv(S, 0, T) end) || T <- [foo, -1, 1.0, {}]] ++
        [try_(fun() -> M:accept(S, T) end) || T <- [foo, -1]] ++
        [try_(fun() -> M:send(S, <<"x">>, [], T) end) || T <- [foo, -1]].

%%% Addresses.

same_bind(M) ->
    [begin {ok, S} = M:open(Domain, dgram), plain(try_(fun() -> M:bind(S, Addr) end)) end ||
        {Domain, Addr} <-
            [{inet, any}, {inet, loopback}, {inet6, any}, {inet6, loopback}, {local, any}, {inet, nosuch},
             {inet, #{family => inet}}, {inet, #{family => inet, addr => {127, 0, 0, 1}}},
             {inet, #{family => inet, addr => {1, 2, 3}}}, {inet, #{family => inet, addr => {1, 2, 3, 256}}},
             {inet, #{family => inet, addr => foo}}, {inet, #{family => inet, port => a}},
             {inet, #{family => inet, foo => 1}}, {inet, #{addr => any}}, {inet, #{}}, {inet, []}, {inet, "foo"},
             {inet, #{family => nosuch}}, {inet, #{family => local}}, {inet, #{family => local, path => a}},
             {local, #{family => local, path => binary:copy(<<"x">>, 109)}},
             {local, #{family => local, path => binary:copy(<<"x">>, 256)}},
             {local, #{family => local, path => "/nosuchdir/x"}}, {inet, #{family => inet6, addr => loopback}},
             {inet6, #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0, 1}, port => 0, flowinfo => 0, scope_id => 0}},
             {inet6, #{family => inet6, addr => {0, 0, 0, 0, 0, 0, 0}}}, {inet, #{family => inet, addr => {8, 8, 8, 8}}}]].

same_names(M) ->
    {L, _} = listener(M),
    {U, _} = local(M, stream),
    {ok, V} = M:open(local, stream),
    {ok, #{path := Path}} = M:sockname(U),
    [plain(M:sockname(L)), plain(M:peername(L)), binary:first(Path), M:sockname(V), M:peername(V)].

same_inet6(M) ->
    {ok, L} = M:open(inet6, stream, tcp),
    ok = M:bind(L, #{family => inet6, addr => loopback}),
    ok = M:listen(L),
    {ok, Addr} = M:sockname(L),
    {ok, C} = M:open(inet6, stream, tcp),
    ok = M:connect(C, Addr),
    {ok, S} = M:accept(L),
    ok = M:send(C, "six"),
    [plain(Addr), M:recv(S), plain(M:peername(C))].

%%% Streams.

same_stream(M) ->
    {_, C, S} = trio(M),
    [M:send(C, "hello"), M:recv(S, 5), M:send(C, [<<"a">>, [$b | "c"]]), M:recv(S, 2), M:recv(S, 0), M:recv(S, 0, 0),
     M:recv(S, 1, 10), M:shutdown(C, write), M:recv(S), M:recv(S, 5), M:send(S, "back"), M:recv(C),
     M:shutdown(C, read_write), try_(fun() -> M:shutdown(C, foo) end), M:close(S), M:recv(S), M:send(S, "x"), M:close(S),
     M:sockname(S), M:peername(S), M:shutdown(S, read), M:getopt(S, {socket, type}), M:bind(S, any), M:listen(S),
     M:setopt(S, {socket, keepalive}, true), M:accept(S, 0), M:connect(S, #{family => inet, addr => loopback, port => 1})].

same_rcvbuf(M) ->
    {_, C, S} = trio(M),
    ok = M:setopt(S, {otp, rcvbuf}, 4),
    ok = M:send(C, "0123456789"),
    {ok, <<"0123456789">>} = M:recv(S, 10, [peek]),
    A = M:recv(S),
    ok = M:setopt(S, {otp, rcvbuf}, {2, 2}),
    B = [M:recv(S), M:recv(S, 0, nowait)],
    [A, B, M:getopt(S, {otp, rcvbuf}) | [{V, M:setopt(S, {otp, rcvbuf}, V)} || V <- [default, 0, -1, {0, 1}, foo, {1, default}]]].

same_eof_unread(M) ->
    {_, C, S} = trio(M),
    ok = M:send(C, "left"),
    ok = M:close(C),
    {ok, <<"lef">>} = M:recv(S, 3),
    [M:recv(S, 3), M:recv(S, 3)].

same_reset(M) ->
    {_, C, S} = trio(M),
    ok = M:setopt(C, {socket, linger}, abort),
    ok = M:close(C),
    A = M:recv(S),
    [A, M:send(S, "x")].

same_peek(M) ->
    {_, C, S} = trio(M),
    ok = M:send(C, "peek"),
    [M:recv(S, 4, [peek]), M:recv(S, 2, [peek]), M:recv(S, 4)].

same_flags(M) ->
    {_, C, S} = trio(M),
    [plain(try_(fun() -> M:send(C, <<"x">>, F) end)) || F <- [[], [more], [nosuch], [1.0], [0], [-1], [oob | foo]]] ++
        [plain(try_(fun() -> M:recv(S, 0, F, 0) end)) || F <- [[nosuch], [peek], [foo, bar], [{}], [-1]]].

same_data(M) ->
    {_, C, _} = trio(M),
    [try_(fun() -> M:send(C, D) end) || D <- [[foo], [256], [<<1:3>>], ["a" | b], [], <<>>]] ++
        [element(1, try_(fun() -> M:send(C, D) end)) || D <- [foo, 1, {}, #{}]].

same_connect(M) ->
    {L, Addr} = listener(M),
    C = tcp(M),
    A = [M:connect(C, Addr), M:connect(C, Addr)],
    ok = M:close(L),
    D = tcp(M),
    A ++ [M:connect(D, Addr), try_(fun() -> M:connect(D) end), try_(fun() -> M:connect(D, foo) end),
          try_(fun() -> M:connect(D, #{}) end), M:send(tcp(M), "x"), M:recv(tcp(M))].

same_listen(M) ->
    S = tcp(M),
    {U, _} = udp(M),
    [try_(fun() -> M:listen(S, B) end) || B <- [0, 5, -1]] ++
        [element(1, try_(fun() -> M:listen(S, B) end)) || B <- [foo, 1.0]] ++ [M:listen(U), M:accept(U), M:accept(S, 0)].

%%% Messages.

same_udp(M) ->
    {A, AddrA} = udp(M),
    {B, AddrB} = udp(M),
    [M:sendto(A, "one", AddrB), plain(M:recvfrom(B)), M:sendto(A, <<>>, AddrB), M:recv(B), M:sendto(A, "long", AddrB),
     M:recv(B, 2), M:recvfrom(B, 0, 0), M:send(A, "x"), M:connect(A, AddrB), M:send(A, "two"), M:recv(B),
     plain(M:peername(A)), M:connect(B, AddrA),
     M:sendto(A, "too long", AddrB, [], 0), M:recvfrom(B, 3, [peek]) =:= M:recvfrom(B, 3),
     M:sendto(A, binary:copy(<<0>>, 70000), AddrB), plain(try_(fun() -> M:sendto(A, "x", foo) end)),
     plain(try_(fun() -> M:sendto(A, "x", #{family => inet, addr => foo}) end)),
     M:connect(A, #{family => unspec}), M:peername(A)].

same_udp_refused(M) ->
    {A, _} = udp(M),
    {B, Addr} = udp(M),
    ok = M:close(B),
    ok = M:connect(A, Addr),
    ok = M:send(A, "x"),
    M:recv(A, 0, 1000).

same_local_stream(M) ->
    {L, Addr} = local(M, stream),
    ok = M:listen(L),
    {ok, C} = M:open(local, stream),
    ok = M:connect(C, Addr),
    {ok, S} = M:accept(L),
    [M:send(C, "local"), M:recv(S), M:sockname(C), M:peername(S), M:peername(C) =:= {ok, Addr}, plain(M:recvfrom(S, 0, 0)),
     M:send(S, "x"), plain(M:recvfrom(C)), M:close(C), M:recv(S), M:send(S, "x")].

same_local_dgram(M) ->
    {A, AddrA} = local(M, dgram),
    {ok, B} = M:open(local, dgram),
    {ok, {From, Data}} = begin ok = M:sendto(B, "d", AddrA), M:recvfrom(A) end,
    [From, Data, M:connect(B, AddrA), M:send(B, <<>>), M:recv(A), M:close(A), M:send(B, "x")].

same_seqpacket(M) ->
    {L, Addr} = local(M, seqpacket),
    ok = M:listen(L),
    {ok, C} = M:open(local, seqpacket),
    ok = M:connect(C, Addr),
    {ok, S} = M:accept(L),
    [M:send(C, "one"), M:send(C, "two"), M:recv(S), M:recv(S, 2), M:close(C), M:recv(S)].

same_no_path(M) ->
    {ok, C} = M:open(local, stream),
    [M:connect(C, #{family => local, path => "/nosuch/socket"}), M:connect(C, #{family => local, path => "/tmp"})].

%%% Options.

same_options(M) ->
    Values = [{{socket, reuseaddr}, [true, false, 1, foo]}, {{socket, keepalive}, [true, false, 0]},
              {{socket, broadcast}, [true, foo]}, {{socket, reuseport}, [true, false]},
              {{socket, linger}, [abort, #{onoff => true, linger => 3}, #{onoff => false, linger => 0}, #{onoff => 1},
                                  #{onoff => true, linger => -1}, foo, true]},
              {{socket, rcvbuf}, [20000, foo, 1 bsl 40]}, {{socket, sndbuf}, [20000, -1]},
              {{socket, rcvlowat}, [2, 1]}, {{socket, timestamp}, [true, false]}, {{socket, type}, [stream]},
              {{socket, protocol}, [tcp]}, {{socket, domain}, [inet]}, {{socket, acceptconn}, [true]},
              {{tcp, nodelay}, [true, false, 2]}, {{tcp, cork}, [true, false]}, {{tcp, keepidle}, [10, 0, foo]},
              {{tcp, keepintvl}, [10]}, {{tcp, keepcnt}, [3]}, {{tcp, maxseg}, [1000]}, {{ip, tos}, [lowdelay, 16, foo]},
              {{tcp, congestion}, ["nosuch", foo, ""]}, {{tcp, user_timeout}, [1000]},
              {{ip, ttl}, [10, 0, 256, foo]}, {{ipv6, v6only}, [true]}, {{otp, debug}, [false, 1]},
              {{otp, iow}, [true, false, 1]}, {{otp, meta}, [{some, "term"}]}, {{otp, use_registry}, [true, false]}, {{otp, controlling_process}, [foo]},
              {{otp, nosuch}, [1]}, {{socket, nosuch}, [1]}, {{nosuch, nosuch}, [1]}],
    [{Kind, Option, Get, Sets} ||
        {Kind, S} <- [{tcp, tcp(M)}, {udp, element(1, udp(M))}, {local, element(1, local(M, stream))},
                      {inet6, element(2, M:open(inet6, stream, tcp))}],
        {Option, Vs} <- Values, supported(Option),
        Get <- [get(M, S, Option)],
        Sets <- [[{V, M:setopt(S, Option, V), get(M, S, Option)} || V <- Vs]]].

%% Options that the oracle of this release lacks are tested elsewhere, against written expectations.
supported({otp, _}) -> true;
supported({_, nosuch}) -> true;
supported(Option) -> socket:is_supported(options, Option).

%% `socket' keeps the NULs after a name (doc/differences.md).
get(M, S, {tcp, congestion} = Option) ->
    case M:getopt(S, Option) of
        {ok, Name} -> {ok, string:trim(Name, trailing, [0])};
        Error -> Error
    end;
get(M, S, {ip, tos} = Option) ->
    %% The value is a map since OTP 29, and in esock with every release.
    case M:getopt(S, Option) of
        {ok, #{native := Number}} -> {ok, Number};
        {ok, lowdelay} -> {ok, 16};
        Result -> Result
    end;
get(M, S, Option) ->
    plain(M:getopt(S, Option)).

same_which_kind(M) ->
    S = tcp(M),
    A = M:which_socket_kind(S),
    ok = M:setopt(S, {otp, meta}, x),
    [A, M:which_socket_kind(S), M:close(S), plain(try_(fun() -> M:which_socket_kind(S) end))].

same_supports(M) ->
    Ours = [{L, O} || {L, O} <- [Opt || {Opt, _} <- esock:supports(options)], L =/= otp],
    [[{O, M:is_supported(options, O)} || O <- lists:sort(Ours), supported(O)], M:is_supported(options, {nosuch, x}),
     M:is_supported(options, socket, keepalive), M:is_supported(msg_flags, peek), M:is_supported(msg_flags, nosuch),
     M:is_supported(protocols, tcp), M:is_supported(protocols, nosuch), M:is_supported(ipv6), M:is_supported(local),
     M:is_supported(nosuch), lists:member({keepalive, true}, M:supports(options, socket)), M:supports(options, nosuch),
     M:supports(nosuch, x), [F || {F, _} = Flag <- lists:sort(M:supports(msg_flags)), Flag =/= {notification, true}, not lists:member(F, flags_of_ours())]].

%% Flags that OTP's `socket' takes as numbers only.
flags_of_ours() -> [batch, dontwait, fastopen, probe, sock_devmem, waitall, waitforone].

%%% Waiting.

same_nowait(M) ->
    {L, Addr} = listener(M),
    {select, {select_info, accept, H}} = M:accept(L, nowait),
    C = tcp(M),
    ok = M:connect(C, Addr),
    Message = receive {'$socket', L, select, H} -> select after 5000 -> none end,
    {ok, S} = M:accept(L, nowait),
    {select, Info} = M:recv(S, 0, nowait),
    A = [M:cancel(S, Info), plain(M:cancel(S, Info)), plain(try_(fun() -> M:cancel(S, foo) end)), M:close(S),
         plain(M:cancel(S, Info))],
    [Message, plain(Info) | A].

same_close_aborts(M) ->
    {_, _, S} = trio(M),
    Self = self(),
    [spawn_link(fun() -> {_, {_, _, H}} = M:recv(S, 0, nowait), Self ! waiting,
                         receive {'$socket', S, Tag, {H, Why}} -> Self ! {got, Tag, Why} end end) || _ <- [1, 2]],
    receive waiting -> ok end,
    receive waiting -> ok end,
    [M:close(S) | [receive {got, Tag, Why} -> {Tag, Why} after 5000 -> none end || _ <- [1, 2]]].

same_monitor(M) ->
    {S, _} = udp(M),
    MRef = M:monitor(S),
    A = M:cancel_monitor(M:monitor(S)),
    ok = M:close(S),
    Down = receive {'DOWN', MRef, socket, S, Why} -> Why after 5000 -> none end,
    [A, Down, M:cancel_monitor(MRef), M:cancel_monitor(make_ref()), plain(try_(fun() -> M:cancel_monitor(foo) end))].

same_owner(M) ->
    {S, _} = udp(M),
    Other = spawn(fun() -> receive stop -> ok end end),
    [M:getopt(S, {otp, controlling_process}) =:= {ok, self()}, M:setopt(S, {otp, controlling_process}, Other),
     M:setopt(S, {otp, controlling_process}, self()), M:setopt(S, {otp, meta}, x),
     M:getopt(S, {otp, controlling_process}) =:= {ok, Other}].

same_info(M) ->
    {L, _, S} = trio(M),
    Keys = [domain, type, protocol, owner, ctype, num_readers, num_writers, num_acceptors],
    {U, _} = udp(M),
    [plain(maps:with(Keys, M:info(X))) || X <- [L, S, U]] ++
        [maps:keys(maps:get(counters, M:info(U))), maps:get(rstates, M:info(tcp(M))), maps:get(wstates, M:info(tcp(M)))].

same_which_sockets(M) ->
    {S, _} = udp(M),
    Us = M:which_sockets(self()),
    [Us =:= [S], lists:member(S, M:which_sockets(dgram)), lists:member(S, M:which_sockets(stream)),
     plain(try_(fun() -> M:which_sockets(nosuch) end)), lists:prefix("#Socket<", M:to_list(S)),
     try_(fun() -> M:use_registry(foo) end)].

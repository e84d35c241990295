%% A call examines, copies and sends a bounded part of its arguments at a time, and none of the data is lost.
-module(esock_bounds_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_pairs, [pair/0, udp/0, local_pair/2, close/1]).

-compile([export_all, nowarn_export_all]).

-define(MANY, 1_000_000).
-define(MB, (1024 * 1024)).

all() ->
    [schedulers, bad_parts, bad_rest, flags, control_messages, control_data, paths, addresses, native_values, texts, too_long,
     datagram_of_many_parts, longest_local_datagram, batch, batch_in_calls, batch_too_long, bad_message_behind, bad_address_behind,
     stream_batch, stream, stream_at_once, writers_keep_apart, rights_once, gso, gso_in_calls, long_data, not_completed, process_dies_with_the_turn, nothing_to_send, parts_not_joined].

%%% ---- Time on a scheduler ------------------------------------------------------------------------------------------

%% No call holds its scheduler for 2 ms. If other programs take the CPU away, a loop in Erlang is measured as long; then the call
%% is measured again.
schedulers(_) ->
    Found = [{Name, Held} || {Name, Fun} <- calls(), Held <- [held(Fun, 10)], Held > 0],
    ?assertEqual([], Found).

%% The least of `Tries' measurements, each of them 0 unless it exceeds that of a loop in Erlang.
held(Fun, Tries) ->
    Held = held(Fun),
    case Held > 0 andalso Held > held(fun() -> fun() -> loop(30_000_000) end end) of
        true when Tries > 1 -> min(Held, held(Fun, Tries - 1));
        true -> Held;
        false -> 0
    end.

loop(0) -> ok;
loop(N) -> loop(N - 1).

%% How many ms a call held its scheduler; 0 if less than 2.
held(Fun) ->
    Self = self(),
    Worker = fun() ->
                     Call = Fun(),
                     Self ! {made, self()},
                     receive go -> ok end,
                     _ = Call(),
                     Self ! {done, self()},
                     receive stop -> ok end
             end,
    %% The heap is large enough that no garbage collection runs during the call.
    {Pid, Monitor} = spawn_opt(Worker, [monitor, {priority, high}, {min_heap_size, 30_000_000}]),
    %% Only the call is measured: it begins at `go', and the process waits before and after it.
    wait_for(made, Pid, Monitor),
    _ = erlang:system_monitor(self(), [{long_schedule, 2}]),
    Pid ! go,
    wait_for(done, Pid, Monitor),
    %% The VM reports through a thread, in order: when the report of a later process has arrived, those of this one have too. That
    %% process makes a tuple in one step of some 15 ms.
    Marker = spawn_link(fun() -> _ = erlang:make_tuple(16_000_000, []), receive stop -> ok end end),
    receive {monitor, Marker, long_schedule, _} -> ok end,
    _ = erlang:system_monitor(undefined),
    [X ! stop || X <- [Pid, Marker]],
    receive {'DOWN', Monitor, process, Pid, normal} -> ok end,
    reported(Pid).

wait_for(What, Pid, Monitor) ->
    receive
        {What, Pid} -> waits(Pid);
        {'DOWN', Monitor, process, Pid, Reason} -> error(Reason)
    end.

waits(Pid) ->
    case process_info(Pid, status) of
        {status, waiting} -> ok;
        _ -> erlang:yield(), waits(Pid)
    end.

reported(Pid) ->
    receive
        {monitor, Pid, long_schedule, Info} -> max(proplists:get_value(timeout, Info), reported(Pid));
        {monitor, _, long_schedule, _} -> reported(Pid)
    after 0 -> 0
    end.

calls() ->
    [{sendmsg, on_udp(fun(S, A) -> {S, A, parts(100_000, 2)} end, fun({S, A, IOV}) -> esock:sendmsg(S, #{addr => A, iov => IOV}) end)},
     {sendv,
      fun() ->
              {C, S} = pair(),
              spawn_link(fun() -> read(S) end),
              IOV = parts(?MANY, 2),
              fun() -> ok = esock:sendv(C, IOV) end
      end},
     {send,
      fun() ->
              {C, S} = pair(),
              spawn_link(fun() -> read(S) end),
              Data = binary:copy(<<0>>, 50_000_000),
              fun() -> ok = esock:send(C, Data) end
      end},
     {sendmmsg, batch_of(1024, [<<"data">>])},
     {sendmmsg_of_parts, batch_of(1024, lists:duplicate(1024, <<"x">>))},
     {sendmmsg_of_many_bytes, batch_of(200, [binary:copy(<<0>>, 60_000)])},
     {ctrl, refused(fun(S, A) -> msg(S, A, #{ctrl => lists:duplicate(?MANY, #{level => ip, type => ttl, value => 64})}) end)},
     {ctrl_with_room,
      refused(fun(S, A) ->
                      ok = esock:setopt(S, {otp, sndctrlbuf}, 1 bsl 30),
                      msg(S, A, #{ctrl => lists:duplicate(?MANY, #{level => ip, type => ttl, value => 64})})
              end)},
     {ctrl_data, refused(fun(S, A) -> msg(S, A, #{ctrl => [#{level => ip, type => ttl, data => zeros()}]}) end)},
     {iov_last_is_bad, refused(fun(S, A) -> msg(S, A, #{iov => lists:duplicate(?MANY, <<"x">>) ++ [x]}) end)},
     {flags, refused(fun(S, A) -> Flags = lists:duplicate(?MANY, dontroute), fun() -> esock:sendto(S, <<"x">>, A, Flags) end end)},
     {path,
      refused(fun(_, _) ->
                      {ok, S} = esock:open(local, dgram),
                      Path = lists:duplicate(?MANY, $x),
                      fun() -> esock:bind(S, #{family => local, path => Path}) end
              end)},
     {keys, refused(fun(S, A) -> Map = maps:merge(maps:from_keys(lists:seq(1, ?MANY), x), A), fun() -> esock:bind(S, Map) end end)},
     {tuple, refused(fun(S, A) -> Addr = A#{addr := erlang:make_tuple(?MANY, 1)}, fun() -> esock:bind(S, Addr) end end)},
     {setopt_native, refused(fun(S, _) -> Data = zeros(), fun() -> esock:setopt_native(S, {1, 6}, Data) end end)},
     {getopt_native, refused(fun(S, _) -> Data = zeros(), fun() -> esock:getopt_native(S, {1, 6}, Data) end end)},
     {text, refused(fun(S, _) -> Name = zeros(), fun() -> esock:setopt(S, {socket, bindtodevice}, Name) end end)},
     {ioctl, refused(fun(S, _) -> Name = zeros(), fun() -> esock:ioctl(S, gifindex, Name) end end)},
     {msfilter,
      refused(fun(S, _) ->
                      Filter = #{multiaddr => {224, 0, 0, 7}, interface => any, mode => include,
                                 slist => lists:duplicate(?MANY, {1, 2, 3, 4})},
                      fun() -> esock:setopt(S, {ip, msfilter}, Filter) end
              end)},
     {gso, on_udp(fun(S, A) -> {S, A, parts(100_000, 40)} end,
                  fun({S, A, IOV}) -> ok = esock:sendmsg(S, #{addr => A, iov => IOV, gso => 1000}) end)}].

on_udp(Make, Call) ->
    fun() ->
            {S, A} = udp(),
            Made = Make(S, A),
            fun() -> Call(Made) end
    end.

batch_of(Count, IOV) ->
    on_udp(fun(S, A) -> {S, lists:duplicate(Count, #{addr => A, iov => IOV})} end,
           fun({S, Msgs}) -> ok = esock:sendmmsg(S, Msgs, [], infinity) end).

%% A call that fails.
refused(Make) ->
    on_udp(Make, fun(Call) -> {error, _} = try Call() catch error:Reason -> {error, Reason} end end).

msg(S, A, More) ->
    Msg = maps:merge(#{addr => A, iov => [<<"x">>]}, More),
    fun() -> esock:sendmsg(S, Msg) end.

zeros() -> lists:duplicate(?MANY, 0).

%% `Count' parts, each different from its neighbours.
parts(Count, Size) ->
    [binary:copy(<<N:32>>, (Size + 3) div 4) || N <- lists:seq(1, Count)].

read(S) ->
    case esock:recv(S, 0) of
        {ok, _} -> read(S);
        {error, _} -> ok
    end.

%%% ---- Invalid values -----------------------------------------------------------------------------------------------

%% An invalid part fails the call before anything is sent, wherever it is.
bad_parts(_) ->
    {C, S} = pair(),
    {U, Addr} = udp(),
    ok = esock:connect(U, Addr),
    Good = parts(5000, 4),
    lists:foreach(
      fun({X, Wait}) ->
              [begin
                   ?assertEqual({error, {invalid, {iov, Why}}}, esock:sendmsg(X, #{iov => IOV}, Wait)),
                   ?assertEqual({error, {invalid, {iov, Why}}}, esock:sendmmsg(X, [#{iov => [<<"x">>]}, #{iov => IOV}], [], Wait)),
                   ?assertEqual({error, {invalid, iov}}, esock:sendv(X, IOV, Wait))
               end || {IOV, Why} <- [{Good ++ [foo], {element_not_binary, 5001}}, {[foo | Good], {element_not_binary, 1}},
                                     {Good ++ [<<1:1>> | Good], {element_not_binary, 5001}},
                                     {Good ++ <<"x">>, {improper_list, 5000}}, {[<<"x">> | foo], {improper_list, 1}}]]
      end, [{X, Wait} || X <- [C, U], Wait <- [infinity, 0, nowait]]),
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    ?assertEqual({error, timeout}, esock:recv(U, 0, 0)),
    %% No process has the turn.
    ok = in_another(fun() -> esock:send(C, <<"x">>, 1000) end),
    close([C, S, U]).

%% The same when a call goes on with the rest of a stream's data, and an invalid part was added to it.
bad_rest(_) ->
    {C, S} = pair(),
    {select, {Info, Rest}} = esock:sendmsg(C, #{iov => parts(20_000, 1000)}, nowait),
    {select_info, _, Handle} = Info,
    drained(S, fun() -> receive {'$socket', C, select, Handle} -> true after 0 -> false end end),
    Count = length(Rest) + 1,
    ?assertEqual({error, {invalid, {iov, {element_not_binary, Count}}}}, esock:sendmsg(C, Rest ++ [foo], Info, nowait)),
    close([C, S]).

flags(_) ->
    {S, Addr} = udp(),
    Flags = fun(N) -> lists:duplicate(N, 0) end,
    ok = esock:sendto(S, <<"x">>, Addr, Flags(64)),
    ?assertError({invalid, {msg_flags, [0, 0]}}, esock:sendto(S, <<"x">>, Addr, Flags(66))),
    ?assertError({invalid, {msg_flags, [0]}}, esock:sendmmsg(S, [#{addr => Addr, iov => [<<"x">>]}], Flags(65), 0)),
    ?assertError({invalid, {msg_flags, [0]}}, esock:recv(S, 0, Flags(65), 0)),
    close([S]).

control_messages(_) ->
    {S, Addr} = udp(),
    ok = esock:setopt(S, {otp, sndctrlbuf}, 1_000_000),
    Send = fun(Ctrl) -> esock:sendmsg(S, #{addr => Addr, iov => [<<"x">>], ctrl => Ctrl}) end,
    Ctrl = fun(N) -> lists:duplicate(N, #{level => ip, type => ttl, value => 64}) end,
    ok = Send(Ctrl(1000)),
    [?assertEqual({error, {invalid, {msg, ctrl, #{ctrl => Bad}}}}, Send(Bad))
     || Bad <- [Ctrl(1025), lists:duplicate(40, #{level => socket, type => rights, value => lists:duplicate(1024, 1)}), Ctrl(1) ++ [foo], Ctrl(1) ++ foo, [#{level => 0, type => 2, data => binary:copy(<<0>>, 200_000)}]]],
    close([S]).

%% Control data may be an I/O list of 4,096 cells at the most; other data is bounded by the control buffer.
control_data(_) ->
    {S, Addr} = udp(),
    Send = fun(Data) -> esock:sendmsg(S, #{addr => Addr, iov => [<<"x">>], ctrl => [#{level => ip, type => ttl, data => Data}]}) end,
    [ok = Send(Data) || Data <- [64, <<64:32/native>>, [<<64:32/native>>], [[], [[64]], [], <<0, 0>> | <<0>>],
                                 lists:duplicate(4000, []) ++ [<<64:32/native>>]]],
    [{error, {invalid, {msg, ctrl, _}}} = Send(Data)
     || Data <- [foo, [foo], [256], [64 | foo], lists:duplicate(4096, []) ++ [<<64:32/native>>], binary:copy(<<0>>, 200_000)]],
    close([S]).

%% Paths that are too long fail as with `socket': up to 255 bytes as too long, longer ones as invalid.
paths(_) ->
    {ok, S} = esock:open(local, dgram),
    {ok, T} = socket:open(local, dgram),
    Bind = fun(M, X, Path) -> M:bind(X, #{family => local, path => Path}) end,
    [?assertEqual(Bind(socket, T, Path), Bind(esock, S, Path))
     || N <- [109, 255, 256, 1000], Path <- [lists:duplicate(N, $/), binary:copy(<<"/">>, N)]],
    close([S]),
    ok = socket:close(T).

addresses(_) ->
    {S, #{addr := IP} = Addr} = udp(),
    Keys = fun(N) -> maps:merge(Addr, maps:from_keys(lists:seq(1, N), x)) end,
    [?assertEqual({error, {invalid, {sockaddr, Bad}}}, esock:bind(S, Bad))
     || Bad <- [Keys(100), Addr#{addr := erlang:append_element(IP, 1)}, Addr#{addr := erlang:make_tuple(1000, 1)},
                #{family => 2, addr => binary:copy(<<0>>, 1000)}]],
    close([S]).

native_values(_) ->
    {S, _} = udp(),
    %% SO_BROADCAST
    [ok = esock:setopt_native(S, {1, 6}, Value)
     || Value <- [true, 1, <<1:32/native>>, [<<1:32/native>>], lists:duplicate(4096, 0)]],
    [?assertEqual({error, {invalid, value}}, esock:setopt_native(S, {1, 6}, Value)) || Value <- [lists:duplicate(4097, 0), [foo]]],
    close([S]).

texts(_) ->
    {C, S} = pair(),
    {error, Unknown} = esock:setopt(C, {tcp, congestion}, "nothing"),
    ?assert(is_atom(Unknown)),
    [?assertMatch({error, {invalid, _}}, esock:setopt(C, {tcp, congestion}, Text)) || Text <- [lists:duplicate(1000, $x), [256], [foo], foo]],
    ?assertError(badarg, esock:ioctl(C, gifindex, lists:duplicate(1000, $x))),
    close([C, S]).

%% Data that no message can carry (1,025 references to one binary) fails with emsgsize and is not copied first.
too_long(_) ->
    {S, Addr} = udp(),
    {U, Other} = udp(),
    ok = esock:connect(U, Other),
    {L, D} = local_pair(esock, dgram),
    lists:foreach(
      fun({Size, Wait}) ->
              IOV = lists:duplicate(1025, binary:copy(<<0>>, Size)),
              ?assertEqual({error, emsgsize}, esock:sendmsg(S, #{addr => Addr, iov => IOV}, Wait)),
              [begin
                   ?assertEqual({error, emsgsize}, esock:sendmsg(X, #{iov => IOV}, Wait)),
                   ?assertEqual({error, emsgsize}, esock:sendv(X, IOV, Wait)),
                   ?assertEqual({error, emsgsize}, esock:sendmmsg(X, [#{iov => IOV}], [], Wait))
               end || X <- [U, L]]
      end, [{Size, Wait} || Size <- [?MB, 8 * ?MB], Wait <- [infinity, 0, nowait]]),
    close([S, U, L, D]).

%%% ---- Messages -----------------------------------------------------------------------------------------------------

datagram_of_many_parts(_) ->
    IOV = parts(2000, 8),
    {U, Addr} = udp(),
    ok = esock:connect(U, Addr),
    {L, D} = local_pair(esock, dgram),
    {P, Q} = local_pair(esock, seqpacket),
    [begin
         ok = Send(),
         ?assertEqual({ok, iolist_to_binary(IOV)}, esock:recv(To, 20_000))
     end || {From, To} <- [{U, U}, {L, D}, {P, Q}], Wait <- [infinity, 0, nowait],
            Send <- [fun() -> esock:sendmsg(From, #{iov => IOV}, Wait) end, fun() -> esock:sendv(From, IOV, Wait) end,
                     fun() -> esock:sendmmsg(From, [#{iov => IOV}], [], Wait) end]],
    close([U, L, D, P, Q]).

%% The length of a datagram is limited by the system, its number of parts is not.
longest_local_datagram(_) ->
    {L, D} = local_pair(esock, dgram),
    ok = esock:setopt(L, {socket, sndbuf}, 200_000),
    {ok, Buffer} = esock:getopt(L, {socket, sndbuf}),
    Longest = Buffer - 32,
    IOV = fun(Size) -> [binary:copy(<<1>>, Size - 4 * 1499) | parts(1499, 4)] end,
    ok = esock:sendmsg(L, #{iov => IOV(Longest)}),
    {ok, Got} = esock:recv(D, Longest + 1),
    ?assert(Got =:= iolist_to_binary(IOV(Longest))),
    ?assertEqual({error, emsgsize}, esock:sendmsg(L, #{iov => IOV(Longest + 1)})),
    close([L, D]).

batch(_) ->
    {L, D} = local_pair(esock, dgram),
    Msgs = [[<<"a">>], parts(2000, 4), [<<"b">>], parts(1024, 4), parts(1025, 4), [<<"c">>]],
    [begin
         ok = esock:sendmmsg(L, [#{iov => IOV} || IOV <- Msgs], [], Wait),
         [?assertEqual({ok, iolist_to_binary(IOV)}, esock:recv(D, 10_000)) || IOV <- Msgs]
     end || Wait <- [infinity, 0, nowait]],
    close([L, D]).

%% A batch of more messages than one sendmmsg(2) takes.
batch_in_calls(_) ->
    {L, D} = local_pair(esock, dgram),
    Msgs = [[<<N:32>>, <<"data">>] || N <- lists:seq(1, 5000)],
    Self = self(),
    spawn_link(fun() -> Self ! esock:sendmmsg(L, [#{iov => IOV} || IOV <- Msgs], [], infinity) end),
    [{ok, <<N:32, "data">>} = esock:recv(D) || N <- lists:seq(1, 5000)],
    receive Answer -> ok = Answer end,
    close([L, D]).

%% The messages before one that is too long are sent, and are not answered as unsent.
batch_too_long(_) ->
    {U, Addr} = udp(),
    Msg = fun(IOV) -> #{addr => Addr, iov => IOV} end,
    Long = lists:duplicate(1025, <<0:(8 * 10_000)>>),
    [begin
         ?assertEqual({error, emsgsize}, esock:sendmmsg(U, [Msg(Long), Msg([<<"b">>])], [], Wait)),
         ?assertEqual({ok, [Long, [<<"b">>]]}, esock:sendmmsg(U, [Msg([<<"a">>]), Msg(Long), Msg([<<"b">>])], [], Wait)),
         ?assertEqual({ok, <<"a">>}, esock:recv(U, 0, 1000)),
         ?assertEqual({error, timeout}, esock:recv(U, 0, 0))
     end || Wait <- [infinity, nowait]],
    close([U]).

%% An invalid message behind more messages than one sendmmsg(2) takes fails when those before it have been sent. Then the call
%% gives up the turn.
bad_message_behind(_) ->
    {L, D} = local_pair(esock, dgram),
    Msgs = [#{iov => [<<N:32>>]} || N <- lists:seq(1, 1000)] ++ [#{iov => [foo]}],
    Self = self(),
    spawn_link(fun() -> Self ! esock:sendmmsg(L, Msgs, [], infinity) end),
    Read = fun Read(Got) ->
                   case esock:recv(D, 0, 0) of
                       {ok, <<N:32>>} -> Read([N | Got]);
                       {error, timeout} -> receive {ok, Rest} -> {lists:reverse(Got), Rest} after 0 -> Read(Got) end
                   end
           end,
    {Got, Rest} = Read([]),
    ?assertEqual(lists:seq(1, 1000) ++ [foo], Got ++ [case IOV of [<<N:32>>] -> N; [X] -> X end || IOV <- Rest]),
    ?assert(length(Got) >= 800),
    ok = in_another(fun() -> esock:send(L, <<"x">>, 1000) end),
    close([L, D]),
    %% On a stream the call keeps the turn between the attempts of one message.
    [begin
         {C, S} = pair(),
         {ok, [Left, [foo]]} = esock:sendmmsg(C, [#{iov => parts(5000, 4)}, #{iov => [foo]}], [], Wait),
         {ok, Sent} = esock:recv(S),
         ?assertEqual(iolist_to_binary(parts(5000, 4)), iolist_to_binary([Sent, Left])),
         ok = in_another(fun() -> esock:send(C, <<"x">>, 1000) end),
         close([C, S])
     end || Wait <- [infinity, 0, nowait]].

%% An address that raises an error does so before anything is sent.
bad_address_behind(_) ->
    {U, Addr} = udp(),
    Msgs = lists:duplicate(1000, #{addr => Addr, iov => [<<"x">>]}) ++ [#{addr => foo, iov => [<<"x">>]}],
    ?assertError({invalid, {sockaddr, foo}}, esock:sendmmsg(U, Msgs, [], infinity)),
    ?assertEqual({error, timeout}, esock:recv(U, 0, 0)),
    close([U]).

%%% ---- Streams ------------------------------------------------------------------------------------------------------

stream_batch(_) ->
    {C, S} = pair(),
    Msgs = [#{iov => IOV} || IOV <- [[<<"a">>], parts(5000, 100), [<<"b">>], parts(1025, 1000), [binary:copy(<<"c">>, 3_000_000)]]],
    Whole = iolist_to_binary([IOV || #{iov := IOV} <- Msgs]),
    Self = self(),
    spawn_link(fun() -> Self ! esock:sendmmsg(C, Msgs, [], infinity) end),
    {ok, Got} = esock:recv(S, byte_size(Whole)),
    ?assert(Got =:= Whole),
    receive Answer -> ok = Answer end,
    close([C, S]).

%% 100,000 parts arrive in order at a slow reader, with blocking calls and with nowait.
stream(_) ->
    IOV = parts(100_000, 100),
    Whole = iolist_to_binary(IOV),
    lists:foreach(
      fun({Make, Send}) ->
              {C, S} = Make(),
              Self = self(),
              spawn_link(fun() -> Self ! Send(C) end),
              ?assert(slowly(S, byte_size(Whole), []) =:= Whole),
              receive Answer -> ok = Answer end,
              close([C, S])
      end,
      [{Make, Send} || Make <- [fun() -> pair() end, fun() -> local_pair(esock, stream) end],
                       Send <- [fun(C) -> esock:sendv(C, IOV) end,
                                fun(C) -> esock:sendmsg(C, #{iov => IOV}) end,
                                fun(C) -> send_rest(C, esock:sendv(C, IOV, nowait), fun(Rest, Info) -> esock:sendv(C, Rest, Info, nowait) end) end,
                                fun(C) -> send_rest(C, esock:sendmsg(C, #{iov => IOV}, nowait),
                                                  fun(Rest, Info) -> esock:sendmsg(C, Rest, Info, nowait) end) end]]).

slowly(_S, 0, Got) ->
    iolist_to_binary(lists:reverse(Got));
slowly(S, Left, Got) ->
    {ok, Data} = esock:recv(S, min(Left, 100_000)),
    erlang:yield(),
    slowly(S, Left - byte_size(Data), [Data | Got]).

send_rest(C, {select, {{select_info, _, Handle} = Info, Rest}}, Send) ->
    receive {'$socket', C, select, Handle} -> send_rest(C, Send(Rest, Info), Send) end;
send_rest(_C, Answer, _Send) ->
    Answer.

%% A call with time-out 0 answers the data that was not sent.
stream_at_once(_) ->
    IOV = parts(20_000, 1000),
    [begin
         {C, S} = pair(),
         {error, {timeout, Rest}} = Send(C),
         Left = iolist_to_binary(Rest),
         {ok, Got} = esock:recv(S, 1000 * 20_000 - byte_size(Left)),
         ?assert(<<Got/binary, Left/binary>> =:= iolist_to_binary(IOV)),
         ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
         %% The call has given up the turn.
         ok = in_another(fun() -> esock:send(C, <<"x">>, 1000) end),
         close([C, S])
     end || Send <- [fun(C) -> esock:sendv(C, IOV, 0) end, fun(C) -> esock:sendmsg(C, #{iov => IOV}, 0) end,
                     fun(C) -> esock:send(C, iolist_to_binary(IOV), 0) end]].

%% Data of other senders does not come between the parts of one call.
writers_keep_apart(_) ->
    {C, S} = pair(),
    Size = 4 * 5000,
    Writer = fun(N) -> fun() -> [ok = esock:sendv(C, lists:duplicate(5000, <<N:32>>)) || _ <- lists:seq(1, 20)] end end,
    [spawn_link(Writer(N)) || N <- lists:seq(1, 4)],
    [begin
         {ok, <<N:32, _/binary>> = Data} = esock:recv(S, Size),
         ?assert(Data =:= binary:copy(<<N:32>>, 5000))
     end || _ <- lists:seq(1, 4 * 20)],
    close([C, S]).

%% Control messages are sent with the first byte, and once.
rights_once(_) ->
    {C, S} = local_pair(esock, stream),
    {ok, Fd} = esock:getopt(C, {otp, fd}),
    IOV = parts(3000, 200),
    Self = self(),
    spawn_link(fun() -> Self ! esock:sendmsg(C, #{iov => IOV, ctrl => [#{level => socket, type => rights, data => <<Fd:32/native>>}]}) end),
    {Got, Ctrl} = with_ctrl(S, 3000 * 200, [], []),
    receive Answer -> ok = Answer end,
    ?assert(Got =:= iolist_to_binary(IOV)),
    ?assertMatch([#{type := rights, data := <<_:32>>}], Ctrl),
    [begin {ok, X} = esock:open(N), ok = esock:close(X) end || #{data := <<N:32/native>>} <- Ctrl],
    close([C, S]).

with_ctrl(_S, 0, Got, Ctrl) ->
    {iolist_to_binary(lists:reverse(Got)), Ctrl};
with_ctrl(S, Left, Got, Ctrl) ->
    {ok, #{iov := IOV} = Msg} = esock:recvmsg(S),
    with_ctrl(S, Left - iolist_size(IOV), [IOV | Got], Ctrl ++ maps:get(ctrl, Msg, [])).

%% Long data is sent in several attempts, which the caller does not see: they count as one package.
long_data(_) ->
    Data = iolist_to_binary(parts(1000, 10_000)),
    [begin
         {C, S} = pair(),
         {ok, To} = esock:peername(C),
         Self = self(),
         spawn_link(fun() -> Self ! Send(C, To) end),
         {ok, Got} = esock:recv(S, byte_size(Data)),
         ?assert(Got =:= Data),
         receive Answer -> ok = Answer end,
         #{counters := #{write_byte := Bytes, write_pkg := Packages}} = esock:info(C),
         ?assertEqual({byte_size(Data), 1}, {Bytes, Packages}),
         close([C, S])
     end || Send <- [fun(C, _) -> esock:send(C, Data) end, fun(C, To) -> esock:sendto(C, Data, To) end,
                     fun(C, _) -> esock:sendv(C, [Data]) end, fun(C, _) -> esock:sendmsg(C, #{iov => [<<>>, Data, <<>>]}) end]].

%% If only some of many parts are sent, the call answers select with the rest, also on sockets that complete calls: a completion
%% would have to copy all of it.
not_completed(_) ->
    [begin
         {C, S} = pair(),
         {select, {{select_info, _, _}, Rest}} = Send(C),
         Sent = 20_000_000 - iolist_size(Rest),
         {ok, Got} = esock:recv(S, Sent),
         ?assert(iolist_to_binary([Got, Rest]) =:= iolist_to_binary(parts(20_000, 1000))),
         close([C, S])
     end || Send <- [fun(C) -> esock:sendv(C, parts(20_000, 1000), nowait) end,
                     fun(C) -> esock:sendmsg(C, #{iov => parts(20_000, 1000)}, nowait) end]].

%%% ---- Many datagrams -----------------------------------------------------------------------------------------------

gso(_) ->
    {U, _} = udp(),
    {R, To} = udp(),
    ok = esock:setopt(R, {socket, rcvbuf}, 4_000_000),
    IOV = parts(3000, 100),
    Whole = iolist_to_binary([IOV, <<"end">>]),
    [begin
         ok = Send(#{addr => To, iov => IOV ++ [<<"end">>], gso => 1000}),
         Got = [esock:recv(R, 0, 1000) || _ <- lists:seq(1, 301)],
         ?assertEqual(lists:duplicate(300, 1000) ++ [3], [byte_size(D) || {ok, D} <- Got]),
         ?assert(iolist_to_binary([D || {ok, D} <- Got]) =:= Whole)
     end || Wait <- [infinity, nowait],
            Send <- [fun(Msg) -> esock:sendmsg(U, Msg, Wait) end, fun(Msg) -> esock:sendmmsg(U, [Msg], [], Wait) end]],
    close([U, R]).

%% Data that takes several attempts: no attempt ends inside a datagram. (Datagrams may be lost for lack of room at the receiver.)
gso_in_calls(_) ->
    [begin
         {U, _} = udp(),
         {R, To} = udp(),
         ok = esock:setopt(R, {socket, rcvbuf}, 4_000_000),
         Collector = collector(R),
         IOV = parts(Count, Size),
         ok = esock:sendmsg(U, #{addr => To, iov => IOV, gso => 1000}, Wait),
         ok = esock:sendto(U, <<"end">>, To),
         Sizes = collected(Collector, U, To),
         ?assertEqual([1000], lists:usort(Sizes)),
         close([U, R])
     end || {Count, Size} <- [{30_000, 100}, {1030, 4000}, {3000, 1000}], Wait <- [infinity, nowait]].

collector(R) ->
    Self = self(),
    spawn_link(fun() -> Self ! {self(), sizes(R, [])} end).

sizes(R, Sizes) ->
    case esock:recv(R, 0) of
        {ok, <<"end">>} -> Sizes;
        {ok, Data} -> sizes(R, [byte_size(Data) | Sizes])
    end.

%% The datagram `end' may be lost too, and is sent again after 50 ms.
collected(Collector, U, To) ->
    receive
        {Collector, Sizes} -> Sizes
    after 50 ->
        ok = esock:sendto(U, <<"end">>, To),
        collected(Collector, U, To)
    end.

%%% -------------------------------------------------------------------------------------------------------------------

in_another(Fun) ->
    Self = self(),
    Pid = spawn_link(fun() -> Self ! {self(), Fun()} end),
    receive {Pid, Answer} -> Answer end.

%% Reads until `Until' answers true.
drained(S, Until) ->
    Until() orelse begin _ = esock:recv(S, 0, 10), drained(S, Until) end.

%%% ---- Calls of the NIF without the module esock --------------------------------------------------------------------

%% If a process dies between two attempts of one call, the turn is passed on.
process_dies_with_the_turn(_) ->
    {{'$socket', Ref} = C, S} = pair(),
    {Pid, Monitor} = spawn_monitor(fun() -> {more, [_ | _]} = esock_nif:sendv(Ref, lists:duplicate(2000, <<"a">>), nowait, select) end),
    receive {'DOWN', Monitor, process, Pid, Reason} -> ?assertEqual(normal, Reason) end,
    ok = esock:send(C, <<"next">>, 5000),
    ?assertEqual({ok, <<(binary:copy(<<"a">>, 1024))/binary, "next">>}, esock:recv(S, 1028)),
    close([C, S]).

nothing_to_send(_) ->
    {C, S} = pair(),
    Empty = lists:duplicate(5000, <<>>),
    [ok = esock:sendv(C, IOV, Wait) || IOV <- [Empty, Empty ++ [<<"x">> | Empty]], Wait <- [infinity, 0, nowait]],
    ?assertEqual({ok, <<"xxx">>}, esock:recv(S, 3)),
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    close([C, S]).

%% Unless esock_iov joins them, more than 1,024 parts fail with emsgsize: as a message, and as datagrams (gso), of which one in
%% the middle would be short.
parts_not_joined(_) ->
    {{'$socket', Ref} = S, Addr} = udp(),
    IOV = lists:duplicate(1025, <<"x">>),
    [?assertEqual({error, emsgsize}, Answer)
     || Msg <- [#{addr => Addr, iov => IOV}, #{addr => Addr, iov => IOV, gso => 100}],
        Answer <- [esock_nif:sendmsg(Ref, Msg, [], nowait, select), esock_nif:sendmmsg(Ref, [Msg], [], nowait, select)]],
    ?assertEqual({error, emsgsize}, esock_nif:sendv(Ref, IOV, nowait, select)),
    ?assertEqual({error, timeout}, esock:recv(S, 0, 0)),
    close([S]).

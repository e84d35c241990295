%% A `select' message is a promise: if a process is sent one, and no other uses that direction, its next call gets something. The
%% programs match on that, for every kind of socket, with some waits cancelled, and with busy polling off, on and at every event.
%% ESOCK_WAKEUPS is the number of messages in all (default 50,000).
-module(esock_promise_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() -> [kept, error_queue, error_queue_waited_for, error_queue_and_hang_up, read_and_peek].

suite() -> [{timetrap, {minutes, 60}}].

wakeups() -> list_to_integer(os:getenv("ESOCK_WAKEUPS", "50000")).

%% Kinds of waits, and how many of a hundred messages each kind gets.
-define(KINDS, [{tcp, 16}, {local, 16}, {udp, 16}, {local_dgram, 16}, {seqpacket, 16}, {write_tcp, 4}, {write_local, 4}, {write_dgram, 4},
                {accept, 4}, {connect, 4}]).

kept(_) ->
    Modes = [false, true, always],
    Hundredth = wakeups() div (length(Modes) * 100) + 1,
    Counts = [begin
                  ok = esock_nif:busy_polling(Mode),
                  {Mode, Kind, program(Kind, Part * Hundredth)}
              end || Mode <- Modes, {Kind, Part} <- ?KINDS],
    ok = esock_nif:busy_polling(mode(os:getenv("ESOCK_BUSY_POLL"))),
    ct:pal("~p", [Counts]),
    ?assert(lists:sum([N || {_, _, N} <- Counts]) >= wakeups()).

mode("false") -> false;
mode("always") -> always;
mode(_) -> true.

%% Runs two programs of a kind at a time, each in a process of its own.
program(Kind, Count) ->
    Runs = [spawn_monitor(fun() -> exit({woken, run(Kind, Count div 2 + 1)}) end) || _ <- [1, 2]],
    lists:sum([receive
                   {'DOWN', MRef, process, Pid, {woken, N}} -> N;
                   {'DOWN', MRef, process, Pid, Reason} -> ct:fail({Kind, Reason})
               end || {Pid, MRef} <- Runs]).

run(Kind, Count) when Kind =:= tcp; Kind =:= local; Kind =:= udp; Kind =:= local_dgram; Kind =:= seqpacket ->
    {C, S} = pair(Kind),
    Writer = spawn_link(fun() -> hand_over(C), write_on(C) end),
    handed_over(C, Writer),
    reads(S, Count, 0);
run(write_tcp, Count) -> writes_to(pair(tcp), Count);
run(write_local, Count) -> writes_to(pair(local), Count);
run(write_dgram, Count) ->
    {C, S} = pair(local_dgram),
    {ok, Addr} = esock:sockname(S),
    {ok, U} = esock:open(local, dgram),
    ok = esock:close(C),
    Reader = spawn_link(fun() -> hand_over(S), read_on(S, 1000) end),
    handed_over(S, Reader),
    sends_to(U, Addr, Count, 0);
run(accept, Count) ->
    {L, Addr} = esock_pairs:listener(),
    spawn_link(fun() -> connect_on(Addr) end),
    accepts(L, Count, 0);
run(connect, Count) ->
    {L, Addr} = esock_pairs:listener(),
    spawn_link(fun() -> hand_over(L), accept_on(L) end) ! yours,
    connects(Addr, Count, 0).

pair(tcp) -> esock_pairs:pair();
pair(local) -> esock_pairs:local_pair(esock, stream);
pair(local_dgram) -> esock_pairs:local_pair(esock, dgram);
pair(seqpacket) -> esock_pairs:local_pair(esock, seqpacket);
pair(udp) ->
    {S, Addr} = esock_pairs:udp(),
    {C, _} = esock_pairs:udp(),
    ok = esock:connect(C, Addr),
    {C, S}.

hand_over(_) -> receive yours -> ok end.
handed_over(S, Pid) -> ok = esock:setopt(S, {otp, controlling_process}, Pid), Pid ! yours.

%%% The other ends, which make blocking calls.

write_on(C) ->
    case esock:send(C, <<0:400>>) of
        ok ->
            rand:uniform(20) =:= 1 andalso erlang:yield(),
            write_on(C);
        {error, _} -> ok
    end.

read_on(S, Max) ->
    case esock:recv(S, 0) of
        {ok, _} -> read_on(S, Max);
        {error, _} -> ok
    end.

connect_on(Addr) ->
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:setopt(C, {socket, linger}, #{onoff => true, linger => 0}),
    %% At the end the listener is closed. (Each connection is accepted before it is reset. The kernel removes a connection that is
    %% reset in the backlog, which would break the promise.)
    case esock:connect(C, Addr) of
        ok -> _ = esock:recv(C, 0), ok = esock:close(C), connect_on(Addr);
        {error, _} -> ok
    end.

accept_on(L) ->
    case esock:accept(L) of
        {ok, S} -> ok = esock:close(S), accept_on(L);
        {error, _} -> ok
    end.

%%% The waiting processes. One of 30 waits is cancelled, and the next begun.

reads(_, Count, Woken) when Woken >= Count -> Woken;
reads(S, Count, Woken) ->
    case esock:recv(S, 0, nowait) of
        {ok, <<_, _/binary>>} -> reads(S, Count, Woken);
        {select, Info} -> reads(S, Count, waits(S, Info, Woken, fun() -> {ok, <<_, _/binary>>} = esock:recv(S, 0, nowait) end));
        {completion, Info} -> reads(S, Count, completed(S, Info, Woken, fun({ok, <<_, _/binary>>}) -> ok end))
    end.

writes_to({C, S}, Count) ->
    Reader = spawn_link(fun() -> hand_over(S), read_on(S, 100_000) end),
    handed_over(S, Reader),
    Data = <<0:(8 * 300_000)>>,
    writes(C, Data, Data, Count, 0).

writes(_, _, _, Count, Woken) when Woken >= Count -> Woken;
writes(C, Data, Left, Count, Woken) ->
    case esock:send(C, Left, nowait) of
        ok -> writes(C, Data, Data, Count, Woken);
        {completion, Info} -> writes(C, Data, Data, Count, completed(C, Info, Woken, fun(ok) -> ok end));
        {select, {{select_info, _, H}, Rest}} -> write_rest(C, Data, H, Rest, Count, Woken);
        {select, {select_info, _, H}} -> write_rest(C, Data, H, Left, Count, Woken)
    end.

%% After the message a send must send at least a part.
write_rest(C, Data, H, Rest, Count, Woken) ->
    receive {'$socket', C, select, H} -> ok end,
    case esock:send(C, Rest, nowait) of
        ok -> writes(C, Data, Data, Count, Woken + 1);
        {select, {{select_info, _, H2}, Less}} when byte_size(Less) < byte_size(Rest) -> write_rest(C, Data, H2, Less, Count, Woken + 1)
    end.

sends_to(_, _, Count, Woken) when Woken >= Count -> Woken;
sends_to(U, Addr, Count, Woken) ->
    case esock:sendto(U, <<0:400>>, Addr, nowait) of
        ok -> sends_to(U, Addr, Count, Woken);
        {select, Info} -> sends_to(U, Addr, Count, waits(U, Info, Woken, fun() -> ok = esock:sendto(U, <<0:400>>, Addr, nowait) end));
        {completion, Info} -> sends_to(U, Addr, Count, completed(U, Info, Woken, fun(ok) -> ok end))
    end.

accepts(_, Count, Woken) when Woken >= Count -> Woken;
accepts(L, Count, Woken) ->
    case esock:accept(L, nowait) of
        {ok, S} -> ok = esock:close(S), accepts(L, Count, Woken);
        {select, Info} -> accepts(L, Count, waits(L, Info, Woken, fun() -> {ok, S} = esock:accept(L, nowait), ok = esock:close(S) end));
        {completion, Info} -> accepts(L, Count, completed(L, Info, Woken, fun({ok, S}) -> esock:close(S) end))
    end.

connects(_, Count, Woken) when Woken >= Count -> Woken;
connects(Addr, Count, Woken) ->
    {ok, C} = esock:open(inet, stream, tcp),
    Now = case esock:connect(C, Addr, nowait) of
              %% On loopback most connects succeed at once; these count as messages.
              ok -> Woken + 1;
              {select, {select_info, _, H}} -> receive {'$socket', C, select, H} -> ok = esock:connect(C), Woken + 1 end;
              {completion, {completion_info, _, H}} -> receive {'$socket', C, completion, {H, ok}} -> Woken + 1 end
          end,
    ok = esock:close(C),
    connects(Addr, Count, Now).

waits(S, {select_info, _, H} = Info, Woken, Next) ->
    case rand:uniform(30) =:= 1 andalso esock:cancel(S, Info) of
        ok -> receive {'$socket', S, _, H} -> error({message, after_cancel}) after 0 -> Woken end;
        false -> receive {'$socket', S, select, H} -> _ = Next(), Woken + 1 end
    end.

completed(S, {completion_info, _, H} = Info, Woken, Is) ->
    case rand:uniform(30) =:= 1 andalso esock:cancel(S, Info) of
        ok -> receive {'$socket', S, _, {H, _}} -> error({message, after_cancel}) after 0 -> Woken end;
        _ -> receive {'$socket', S, completion, {H, Result}} -> _ = Is(Result), Woken + 1 end
    end.

%%% Events that must not cause a message.

%% An error in the error queue (MSG_ERRQUEUE) sends no message to a waiter for data.
error_queue(_) ->
    {ok, S} = esock:open(inet, dgram, udp),
    ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
    ok = esock:setopt(S, {ip, recverr}, true),
    {ok, Addr} = esock:sockname(S),
    case esock:recv(S, 0, nowait) of
        {completion, Info} ->
            ok = esock:cancel(S, Info),
            ok = esock:close(S);
        {select, {select_info, _, H}} ->
            %% No socket has port 1. The refusal is an error of the socket, which a receive answers, and is also in the error
            %% queue.
            ok = esock:sendto(S, "?", Addr#{port := 1}),
            receive {'$socket', S, select, H} -> ok end,
            ?assertEqual({error, econnrefused}, esock:recv(S, 0, nowait)),
            %% The entry in the error queue remains, and is nothing to receive.
            {select, {select_info, _, H2}} = esock:recv(S, 0, nowait),
            receive {'$socket', S, select, H2} -> ct:fail({in_vain, esock:recv(S, 0, nowait)}) after 50 -> ok end,
            ok = esock:sendto(S, "!", Addr),
            receive {'$socket', S, select, H2} -> ok end,
            ?assertEqual({ok, <<"!">>}, esock:recv(S, 0, nowait)),
            ?assertMatch({ok, #{flags := [errqueue]}}, esock:recvmsg(S, 0, 0, [errqueue], 0)),
            ok = esock:close(S)
    end.

%% A wait with the flag `errqueue' gets its message for an entry of the error queue, and not for data, with every receive
%% function.
error_queue_waited_for(_) ->
    [begin
         {ok, S} = esock:open(inet, dgram, udp),
         ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
         ok = esock:setopt(S, {ip, recverr}, true),
         {ok, Addr} = esock:sockname(S),
         Wait = Receive(S),
         %% Data sends no message.
         ok = esock:sendto(S, "!", Addr),
         receive {'$socket', S, _, _} = Early -> ct:fail({in_vain, Early}) after 20 -> ok end,
         ok = esock:sendto(S, "?", Addr#{port := 1}),
         Result = case Wait of
                      {select, {select_info, _, H}} -> receive {'$socket', S, select, H} -> Receive(S) after 5000 -> ct:fail(no_message) end;
                      {completion, {completion_info, _, H}} -> receive {'$socket', S, completion, {H, R}} -> R after 5000 -> ct:fail(no_message) end
                  end,
         ?assertMatch({ok, _}, Result),
         ok = esock:close(S)
     end || Receive <- [fun(S) -> esock:recv(S, 10, [errqueue], nowait) end, fun(S) -> esock:recvfrom(S, 10, [errqueue], nowait) end,
                        fun(S) -> esock:recvmsg(S, 10, 0, [errqueue], nowait) end, fun(S) -> esock:recvmmsg(S, 2, 10, 0, [errqueue], nowait) end]].

%% A hang-up adds nothing to the error queue: a wait for its entries goes on, and can be cancelled.
error_queue_and_hang_up(_) ->
    {C, S} = esock_pairs:pair(),
    {select, Info} = esock_nif:recv(element(2, S), 10, [errqueue], nowait, select),
    [ok = esock:shutdown(E, read_write) || E <- [C, S]],
    receive {'$socket', S, _, _} = Early -> ct:fail({in_vain, Early}) after 20 -> ok end,
    ?assertEqual(ok, esock:cancel(S, Info)),
    [ok = esock:close(E) || E <- [C, S]].

%% Waiters behind the head get their messages only when there is something for them.
read_and_peek(_) ->
    {C, S} = esock_pairs:pair(),
    Self = self(),
    Reader = fun() ->
                 spawn_link(fun() ->
                                {select, {select_info, _, H}} = esock_nif:recv(element(2, S), 0, [], nowait, select),
                                Self ! waits,
                                receive {'$socket', S, select, H} -> Self ! {self(), esock_nif:recv(element(2, S), 1, [], nowait, select)} end
                            end)
             end,
    [First, Second] = [begin Pid = Reader(), receive waits -> Pid end end || _ <- [1, 2]],
    ok = esock:send(C, "a"),
    receive {First, Got} -> ?assertEqual({ok, <<"a">>}, Got) end,
    receive {Second, Early} -> ct:fail({in_vain, Early}) after 20 -> ok end,
    ok = esock:send(C, "b"),
    receive {Second, Late} -> ?assertEqual({ok, <<"b">>}, Late) end,
    esock_pairs:close([C, S]).

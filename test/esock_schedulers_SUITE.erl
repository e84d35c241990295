%% No call holds a scheduler: the VM reports processes that run for 2 ms or longer without a break (erlang:system_monitor/2,
%% long_schedule), except the process that gets the reports.
-module(esock_schedulers_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

-define(MANY, 10_000).
%% The reported time in milliseconds.
-define(LONG, 2).

suite() ->
    [{timetrap, {seconds, 120}}].

all() ->
    [close_many_waiters, close_many_completions, close_many_monitors, owner_of_many_dies, close_full_backlog, owner_of_full_backlog_dies,
     waiter_with_many_completions_dies, cancel_while_closing, many_in_line, sends_in_a_loop, receives_in_a_loop, opens_in_a_loop, looks_while_a_ring_receives].

init_per_suite(Config) ->
    %% Otherwise a scheduler may be preempted by the system while it frees memory that earlier suites have left.
    _ = [erlang:garbage_collect(P) || P <- processes()],
    Config.

end_per_suite(_) ->
    ok.

%%% Processes that run for long.

%% A case has four functions: `make' makes the sockets and the processes that wait on them; `act' is called in a process of its
%% own; `await' waits for the end of its effects; `clean' cleans up. From `act' to `await' no process may run for long, in one of
%% 10 tries at least. A try in which the system preempted a scheduler does not count, up to 100 of them: on a busy machine it is
%% that which makes a process run for long. Processes that only receive a message in on_message/3 do not count.
quiet(Case) -> quiet(maps:merge(#{make => fun() -> none end, await => fun(_) -> ok end, clean => fun(_) -> ok end}, Case), 10, 100).

quiet(#{make := Make, act := Act, await := Await, clean := Clean} = Case, Tries, Preempted) ->
    Made = Make(),
    Before = preemptions(),
    Long = long(fun() -> Act(Made) end, fun() -> Await(Made) end),
    Busy = preemptions() > Before,
    Clean(Made),
    ct:pal("long schedules: ~p, preempted: ~p", [Long, Busy]),
    case Long of
        [] -> ok;
        _ when Busy, Preempted > 0 -> quiet(Case, Tries, Preempted - 1);
        _ when Tries > 1 -> quiet(Case, Tries - 1, Preempted);
        _ -> ct:fail({long_schedules, Long})
    end.

%% How often the system has taken the processor from a thread of this node.
preemptions() ->
    lists:sum([list_to_integer(Count)
               || Task <- filelib:wildcard("/proc/self/task/*/status"),
                  {ok, Status} <- [file:read_file(Task)],
                  {match, [Count]} <- [re:run(Status, "nonvoluntary_ctxt_switches:\\s+(\\d+)", [{capture, all_but_first, list}])]]).

long(Act, Await) ->
    Self = self(),
    Pid = spawn_link(fun() -> receive {Self, go} -> Act() end, Self ! {self(), done}, receive {Self, stop} -> ok end end),
    Before = erlang:system_monitor(self(), [{long_schedule, ?LONG}]),
    Pid ! {self(), go},
    receive {Pid, done} -> ok end,
    Await(),
    _ = erlang:system_monitor(Before),
    unlink(Pid),
    Pid ! {self(), stop},
    flush().

flush() ->
    receive
        {monitor, Who, long_schedule, Info} ->
            case [proplists:get_value(Where, Info) || Where <- [in, out]] of
                [{?MODULE, on_message, _}, {?MODULE, on_message, _}] -> flush();
                _ -> [{Who, Info} | flush()]
            end
    after 0 -> []
    end.

%% `Count' processes that call `Fun' and then wait for a message. The last of them reports that all have got one.
crowd(Count, Fun) ->
    Self = self(),
    Messages = atomics:new(1, []),
    Pids = [spawn(fun() -> Fun(), Self ! {self(), ready}, on_message(Self, Messages, Count) end) || _ <- lists:seq(1, Count)],
    _ = [receive {Pid, ready} -> ok end || Pid <- Pids],
    {Messages, Pids}.

on_message(To, Messages, Count) ->
    receive {'$socket', _, _, _} -> ok; {'DOWN', _, socket, _, _} -> ok end,
    case atomics:add_get(Messages, 1, 1) of
        Count -> To ! {all_notified, Messages};
        _ -> ok
    end.

all_notified({Messages, _}) -> receive {all_notified, Messages} -> ok end.

udp() ->
    {S, _} = esock_pairs:udp(),
    S.

%%% Closing.

closed_under(Fun) ->
    quiet(#{make => fun() -> S = udp(), {S, Fun(S)} end,
            act => fun({S, _}) -> ok = esock:close(S) end,
            await => fun({_, Crowd}) -> all_notified(Crowd) end}).

close_many_waiters(_) ->
    closed_under(fun(S) -> crowd(?MANY, fun() -> {_, _} = esock:recv(S, 0, nowait) end) end).

%% Many completions of one process. (Without completions each wait takes the place of the one before.)
close_many_completions(_) ->
    closed_under(fun(S) -> crowd(1, fun() -> pend(S) end) end).

pend(S) -> [{_, _} = esock:recv(S, 0, nowait) || _ <- lists:seq(1, ?MANY)].

close_many_monitors(_) ->
    closed_under(fun(S) -> crowd(?MANY, fun() -> esock:monitor(S) end) end).

owner_of_many_dies(_) ->
    Make = fun() ->
                   Self = self(),
                   Owner = spawn(fun() -> S = udp(), Self ! {self(), S}, receive stop -> ok end end),
                   S = receive {Owner, Socket} -> Socket end,
                   {Owner, crowd(?MANY, fun() -> {_, _} = esock:recv(S, 0, nowait), esock:monitor(S) end)}
           end,
    quiet(#{make => Make, act => fun({Owner, _}) -> exit(Owner, kill) end, await => fun({_, Crowd}) -> all_notified(Crowd) end}).

%% A listener with a full backlog: on close the kernel resets its connections one by one.
backlog() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L, 4096),
    {ok, Addr} = esock:sockname(L),
    Connect = fun() -> {ok, C} = esock:open(inet, stream, tcp), ok = esock:connect(C, Addr, 5000), C end,
    {L, [Connect() || _ <- lists:seq(1, min(4000, somaxconn()))]}.

somaxconn() ->
    {ok, Text} = file:read_file("/proc/sys/net/core/somaxconn"),
    binary_to_integer(string:trim(Text)).

close_full_backlog(_) ->
    quiet(#{make => fun backlog/0, act => fun({L, _}) -> ok = esock:close(L) end, clean => fun({_, Cs}) -> esock_pairs:close(Cs) end}).

owner_of_full_backlog_dies(_) ->
    Make = fun() ->
                   Self = self(),
                   Owner = spawn(fun() -> {L, Cs} = backlog(),
                                          _ = [ok = esock:setopt(C, {otp, controlling_process}, Self) || C <- Cs],
                                          Self ! {self(), L, Cs},
                                          receive stop -> ok end
                                 end),
                   receive {Owner, L, Cs} -> {Owner, esock:monitor(L), Cs} end
           end,
    quiet(#{make => Make,
            act => fun({Owner, _, _}) -> exit(Owner, kill) end,
            await => fun({_, MRef, [C | _]}) ->
                             receive {'DOWN', MRef, socket, _, _} -> ok end,
                             %% The last connection is reset with the others.
                             {error, _} = esock:recv(C, 0, infinity)
                     end,
            clean => fun({_, _, Cs}) -> esock_pairs:close(Cs) end}).

%%% The end of waits by death or cancel.

waiter_with_many_completions_dies(_) ->
    quiet(#{make => fun() -> S = udp(), {S, crowd(1, fun() -> pend(S) end)} end,
            act => fun({_, {_, [Pid]}}) -> exit(Pid, kill) end,
            await => fun({S, _}) -> until(fun() -> #{num_readers := N} = esock:info(S), N =:= 0 end) end,
            clean => fun({S, _}) -> ok = esock:close(S) end}).

until(Fun) -> Fun() orelse begin erlang:yield(), until(Fun) end.

%% 100 processes cancel their waits while another process closes the socket, on which 10,000 wait.
cancel_while_closing(_) ->
    Make = fun() ->
                   S = udp(),
                   Crowd = crowd(?MANY, fun() -> {_, _} = esock:recv(S, 0, nowait) end),
                   Self = self(),
                   Cancel = fun() ->
                                    {_, Info} = esock:recv(S, 0, nowait),
                                    Self ! {self(), ready},
                                    receive cancel -> ok end,
                                    _ = esock:cancel(S, Info),
                                    receive {'$socket', _, _, _} = Message -> exit(Message) after 0 -> Self ! {self(), cancelled} end
                            end,
                   Pids = [spawn_link(Cancel) || _ <- lists:seq(1, 100)],
                   _ = [receive {Pid, ready} -> ok end || Pid <- Pids],
                   {S, Crowd, Pids}
           end,
    quiet(#{make => Make,
            act => fun({S, _, Pids}) ->
                           _ = [Pid ! cancel || Pid <- Pids],
                           ok = esock:close(S)
                   end,
            await => fun({_, Crowd, Pids}) ->
                             all_notified(Crowd),
                             [receive {Pid, cancelled} -> ok end || Pid <- Pids]
                     end}).

%% A receive and its cancel take as long behind 10,000 waiters as behind 10. Less than 20 times as long is put down to the
%% machine.
many_in_line(_) ->
    Of = fun(Count) ->
                 S = udp(),
                 Crowd = crowd(Count, fun() -> {_, _} = esock:recv(S, 0, nowait) end),
                 Once = fun() -> {_, Info} = esock:recv(S, 0, nowait), ok = esock:cancel(S, Info) end,
                 Best = lists:min([element(1, timer:tc(fun() -> [Once() || _ <- lists:seq(1, 100)] end)) || _ <- lists:seq(1, 5)]),
                 ok = esock:close(S),
                 all_notified(Crowd),
                 Best
         end,
    {Few, Many} = {Of(10), Of(?MANY)},
    ct:pal("100 receives and cancels: ~p us behind 10, ~p us behind ~p", [Few, Many, ?MANY]),
    ?assert(Many < 20 * Few + 1000).

%%% Loops.

sends_in_a_loop(_) ->
    Msg = #{iov => [<<0:8000>>]},
    quiet(#{make => fun() -> {R, Addr} = esock_pairs:udp(), {ok, S} = esock:open(inet, dgram, udp), ok = esock:connect(S, Addr), {S, R} end,
            act => fun({S, _}) -> [_ = esock:sendmsg(S, Msg, nowait) || _ <- lists:seq(1, 4000)] end,
            clean => fun({S, R}) -> esock_pairs:close([S, R]) end}).

receives_in_a_loop(_) ->
    quiet(#{make => fun() ->
                            {R, Addr} = esock_pairs:udp(),
                            {ok, S} = esock:open(inet, dgram, udp),
                            [ok = esock:sendto(S, <<"x">>, Addr) || _ <- lists:seq(1, 200)],
                            {R, S}
                    end,
            act => fun({R, _}) -> [_ = esock:recv(R, 0, 0) || _ <- lists:seq(1, 4000)] end,
            clean => fun({R, S}) -> esock_pairs:close([R, S]) end}).

opens_in_a_loop(_) ->
    quiet(#{act => fun(_) -> [begin {ok, S} = esock:open(inet, stream, tcp), ok = esock:close(S) end || _ <- lists:seq(1, 2000)] end}).

%% A call with time-out 0 waits for the bytes that a ring is about to deliver, but does not hold a scheduler.
looks_while_a_ring_receives(_) ->
    case esock:open(inet, stream, tcp, #{io_backend => io_uring}) of
        {ok, Probe} ->
            ok = esock:close(Probe),
            quiet(#{make => fun ringed/0, act => fun receives_at_once/1, clean => fun({C, S}) -> esock_pairs:close([C, S]) end});
        {error, Reason} ->
            {skip, Reason}
    end.

ringed() ->
    {C, S} = esock_pairs:pair(esock, #{io_backend => io_uring}),
    ok = esock:setopt(S, {otp, read_ahead}, 65536),
    {C, S}.

%% Receives with time-out 0 right after the bytes were sent, on a stream for which the ring receives. Another process owns the
%% sockets.
receives_at_once({C, S}) ->
    {completion, {completion_info, recv, H}} = esock:recv(S, 0, nowait),
    ok = esock:send(C, <<0>>),
    receive {'$socket', S, completion, {H, {ok, <<0>>}}} -> ok end,
    [begin
         ok = esock:send(C, <<N:16>>),
         <<N:16>> = all(S, 2)
     end || N <- lists:seq(1, 2000)].

all(_, 0) -> <<>>;
all(S, Count) ->
    case esock:recv(S, 0, 0) of
        {ok, Data} -> <<Data/binary, (all(S, Count - byte_size(Data)))/binary>>;
        {error, timeout} -> all(S, Count)
    end.

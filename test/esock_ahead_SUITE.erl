%% What a ring reads ahead, and what is gathered for a length, is of the stream as the kernel knows it: each case is run with both back
%% ends, and with io_uring with a ring that reads ahead and without, and gives the same.
-module(esock_ahead_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [reconnected, reconnected_after_a_part, reconnected_at_once, error_of_before, urgent, urgent_looked_for, urgent_inline, mark, mark_beside_bytes,
          peek_off, timestamps, peek_waits, peek_ends, peek_with_offset, peek_nowait, peek_message, peek_datagram, peek_too_much, protocol_above, told_number, told_number_of_a_length, read_ahead_off, nothing_by_default, rights_of_the_dead].

init_per_suite(Config) ->
    case esock:open(inet, stream, tcp, #{io_backend => io_uring}) of
        {ok, S} -> ok = esock:close(S), Config;
        {error, {invalid, {io_backend, Reason}}} -> {skip, {no_io_uring, Reason}}
    end.

end_per_suite(_) -> ok.

%% `{Backend, ReadAhead}'
-define(KINDS, [{epoll, 0}, {io_uring, 0}, {io_uring, 65536}]).
-define(RINGS, [{io_uring, 65536}]).

each(Fun) -> each(?KINDS, Fun).
each(Kinds, Fun) -> lists:foreach(fun(Kind) -> ct:pal("~p", [Kind]), Fun(Kind) end, Kinds).

%% A connection whose accepted end is of that kind.
pair({Backend, Ahead}) ->
    {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
    ok = esock:setopt(S, {otp, read_ahead}, Ahead),
    ok = esock:setopt(C, {tcp, nodelay}, true),
    {C, S}.

%% The same, where a receive has waited: with completions the ring receives from then on.
received(Kind) ->
    {C, S} = pair(Kind),
    {ok, <<"a">>} = first(S, fun() -> ok = esock:send(C, "a") end),
    {C, S}.

%% One receive that begins before there is something.
first(S, Send) ->
    Wait = esock:recv(S, 0, nowait),
    Send(),
    later(S, Wait, fun() -> esock:recv(S, 0, nowait) end).

later(S, {select, {select_info, _, H}}, Again) ->
    receive {'$socket', S, select, H} -> later(S, Again(), Again) after 5000 -> ct:fail(no_message) end;
later(S, {completion, {completion_info, _, H}}, _) ->
    receive {'$socket', S, completion, {H, Result}} -> Result after 5000 -> ct:fail(no_message) end;
later(_, Result, _) ->
    Result.

until(Fun) -> until(Fun, 2000).
until(Fun, 0) -> ct:fail({never, Fun()});
until(Fun, N) -> Fun() orelse begin receive after 1 -> ok end, until(Fun, N - 1) end.

nothing_more(S) -> ?assertEqual({error, timeout}, esock:recv(S, 0, 0)).

%%% Another connection on the same descriptor.

%% A socket that is connected to the first of two listeners, and has waited there, so that a ring receives.
client({Backend, Ahead}) ->
    {ok, C} = esock:open(inet, stream, tcp, #{io_backend => Backend}),
    ok = esock:setopt(C, {otp, read_ahead}, Ahead),
    {L, Addr} = esock_pairs:listener(),
    ok = esock:connect(C, Addr),
    {ok, First} = esock:accept(L),
    ok = esock:close(L),
    {C, First}.

again(C) ->
    {L, Addr} = esock_pairs:listener(),
    ok = esock:connect(C, #{family => unspec}),
    ok = esock:connect(C, Addr),
    {ok, Second} = esock:accept(L),
    ok = esock:close(L),
    Second.

reconnected(_) ->
    each(fun(Kind) ->
             {C, First} = client(Kind),
             {ok, <<"a">>} = first(C, fun() -> ok = esock:send(First, "a") end),
             ok = esock:send(First, "secret"),
             until(fun() -> esock:ioctl(C, nread) =:= {ok, 6} end),
             Second = again(C),
             nothing_more(C),
             ok = esock:send(Second, "public"),
             {ok, <<"public">>} = esock:recv(C, 6, 5000),
             esock_pairs:close([C, First, Second])
         end).

%% A length that was not reached: what was gathered of it ends with the connection.
reconnected_after_a_part(_) ->
    each(fun(Kind) ->
             {C, First} = client(Kind),
             Wait = esock:recv(C, 100, nowait),
             ok = esock:send(First, "secret"),
             case Wait of
                 {completion, Info} ->
                     until(fun() -> maps:get(read_ahead, esock:info(C)) =:= 6 end),
                     ok = esock:cancel(C, Info);
                 {select, {_, _, H} = Info} ->
                     receive {'$socket', C, select, H} -> ok end,
                     ok = esock:cancel(C, Info)
             end,
             Second = again(C),
             nothing_more(C),
             ok = esock:send(Second, "public"),
             {ok, <<"public">>} = esock:recv(C, 6, 5000),
             esock_pairs:close([C, First, Second])
         end).

%% With bytes on their way all the time.
reconnected_at_once(_) ->
    each(fun(Kind) ->
             [begin
                  {C, First} = client(Kind),
                  Sender = spawn(fun() -> flood(First) end),
                  ok = esock:setopt(First, {otp, controlling_process}, Sender),
                  Sender ! go,
                  {ok, _} = first(C, fun() -> ok end),
                  Second = again(C),
                  ok = esock:send(Second, "public"),
                  {ok, <<"public">>} = esock:recv(C, 0, 5000),
                  nothing_more(C),
                  exit(Sender, kill),
                  esock_pairs:close([C, Second])
              end || _ <- lists:seq(1, 20)],
             ok
         end).

flood(S) ->
    receive go -> ok end,
    flood_on(S).

flood_on(S) ->
    case esock:send(S, binary:copy(<<"secret">>, 100)) of
        ok -> flood_on(S);
        {error, _} -> ok
    end.

%% A reset that the ring has met is of the connection that was reset.
error_of_before(_) ->
    each(fun(Kind) ->
             {C, First} = client(Kind),
             {ok, <<"a">>} = first(C, fun() -> ok = esock:send(First, "a") end),
             ok = esock:setopt(First, {socket, linger}, #{onoff => true, linger => 0}),
             ok = esock:close(First),
             until(fun() -> esock:peername(C) =:= {error, enotconn} end),
             Second = again(C),
             ok = esock:send(Second, "public"),
             {ok, <<"public">>} = esock:recv(C, 6, 5000),
             ok = esock:send(C, "x"),
             esock_pairs:close([C, Second])
         end).

%%% Urgent data.

urgent(_) ->
    each(?KINDS -- ?RINGS, fun urgent_of/1).

%% Between two waits, of which the first has come to its end.
urgent_of(Kind) ->
    {C, S} = pair(Kind),
    urgent_seen(C, S),
    %% And during one.
    Wait = esock:recv(S, 0, nowait),
    ok = esock:send(C, "?", [oob]),
    %% Another process looks: this one would give up its wait.
    Self = self(),
    spawn_link(fun() -> until(fun() -> esock:recv(S, 1, [oob], 0) =:= {ok, <<"?">>} end), Self ! had end),
    receive had -> ok end,
    ok = esock:send(C, "ghi"),
    {ok, <<"ghi">>} = later(S, Wait, fun() -> esock:recv(S, 0, nowait) end),
    esock_pairs:close([C, S]).

%% A stream on which somebody has asked for it is read ahead no more.
urgent_looked_for(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             {error, _} = esock:recv(S, 1, [oob], 0),
             urgent_seen(C, S),
             esock_pairs:close([C, S])
         end).

urgent_seen(C, S) ->
    {ok, <<"abc">>} = first(S, fun() -> ok = esock:send(C, "abc") end),
    ok = esock:send(C, "!", [oob]),
    ok = esock:send(C, "def"),
    %% A moment in which whoever reads too much would.
    until(fun() -> esock:ioctl(C, nwrite) =:= {ok, 0} end),
    {ok, true} = esock:ioctl(S, atmark),
    {ok, <<"!">>} = esock:recv(S, 1, [oob], 1000),
    {ok, true} = esock:ioctl(S, atmark),
    {ok, <<"def">>} = esock:recv(S, 0, 1000).

urgent_inline(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             ok = esock:setopt(S, {socket, oobinline}, true),
             ok = esock:send(C, "bc"),
             ok = esock:send(C, "!", [oob]),
             ok = esock:send(C, "d"),
             until(fun() -> esock:ioctl(C, nwrite) =:= {ok, 0} end),
             {ok, false} = esock:ioctl(S, atmark),
             %% A receive does not pass the mark.
             {ok, <<"bc">>} = esock:recv(S, 0, 1000),
             {ok, true} = esock:ioctl(S, atmark),
             {ok, <<"!d">>} = esock:recv(S, 0, 1000),
             esock_pairs:close([C, S])
         end).

mark(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             {ok, false} = esock:ioctl(S, atmark),
             urgent_seen(C, S),
             esock_pairs:close([C, S])
         end).

%% What was gathered for a length stands before the mark.
mark_beside_bytes(_) ->
    {C, S} = pair({io_uring, 0}),
    {completion, Info} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "abc"),
    until(fun() -> maps:get(read_ahead, esock:info(S)) =:= 3 end),
    ok = esock:cancel(S, Info),
    ok = esock:send(C, "!", [oob]),
    ok = esock:send(C, "def"),
    until(fun() -> esock:ioctl(C, nwrite) =:= {ok, 0} end),
    ?assertEqual({ok, false}, esock:ioctl(S, atmark)),
    ?assertEqual({ok, <<"abc">>}, esock:recv(S, 3, 1000)),
    ?assertEqual({ok, true}, esock:ioctl(S, atmark)),
    ?assertEqual({ok, <<"!">>}, esock:recv(S, 1, [oob], 1000)),
    ?assertEqual({ok, <<"def">>}, esock:recv(S, 0, 1000)),
    esock_pairs:close([C, S]).

%%% What a receive brings besides.

peek_off(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             ok = esock:setopt(S, {socket, peek_off}, 1),
             ok = esock:send(C, "bcdef"),
             until(fun() -> esock:ioctl(S, nread) =:= {ok, 5} end),
             {ok, <<"cd">>} = esock:recv(S, 2, [peek], 1000),
             {ok, <<"ef">>} = esock:recv(S, 2, [peek], 1000),
             {ok, <<"bcdef">>} = esock:recv(S, 5, 1000),
             esock_pairs:close([C, S])
         end).

timestamps(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             ok = esock:setopt(S, {socket, timestamp}, true),
             %% The system begins with it a little later.
             until(fun() ->
                       Wait = esock:recvmsg(S, nowait),
                       ok = esock:send(C, "b"),
                       {ok, #{iov := [<<"b">>], ctrl := Ctrl}} = later(S, Wait, fun() -> esock:recvmsg(S, nowait) end),
                       [timestamp] =:= [Type || #{type := Type} <- Ctrl]
                   end),
             esock_pairs:close([C, S])
         end).

%% Whoever asks for a protocol above TCP is answered by the system; the stream is not read ahead any more in any case.
protocol_above(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             {error, enoent} = esock:setopt_native(S, {tcp, 31}, <<"nosuch">>),
             ok = esock:send(C, "bcd"),
             until(fun() -> esock:ioctl(S, nread) =:= {ok, 3} end),
             #{read_ahead := 0} = esock:info(S),
             {ok, <<"bcd">>} = esock:recv(S, 3, 1000),
             esock_pairs:close([C, S])
         end).

%%% Looks at a length: they wait for it, and see each byte once.

peek_waits(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             ok = esock:send(C, "ab"),
             {error, {timeout, <<"ab">>}} = esock:recv(S, 4, [peek], 20),
             {error, {timeout, <<"ab">>}} = esock:recv(S, 4, [peek], 0),
             looks(S, 4),
             ok = esock:send(C, "c"),
             receive {seen, Early} -> ct:fail({early, Early}) after 10 -> ok end,
             ok = esock:send(C, "d"),
             receive {seen, Seen} -> {ok, <<"abcd">>} = Seen end,
             {error, {timeout, <<"abcd">>}} = esock:recv(S, 9, [peek], 0),
             {ok, <<"abcd">>} = esock:recv(S, 4, 0),
             %% As long as a look is, and with nothing there.
             {error, timeout} = esock:recv(S, 4, [peek], 10),
             Large = crypto:strong_rand_bytes(50_000),
             ok = esock:send(C, Large),
             {ok, Large} = esock:recv(S, 50_000, [peek], 5000),
             {ok, Large} = esock:recv(S, 50_000, 5000),
             esock_pairs:close([C, S])
         end).

%% Begins a look at a length in a process of its own, which is to wait: that is told when it has come to its end.
looks(S, Length) ->
    Self = self(),
    spawn_link(fun() -> Self ! {seen, esock:recv(S, Length, [peek], infinity)} end),
    until(fun() -> maps:get(num_readers, esock:info(S)) > 0 end).

peek_ends(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             ok = esock:send(C, "ab"),
             ok = esock:shutdown(C, write),
             {error, {closed, <<"ab">>}} = esock:recv(S, 4, [peek], 5000),
             {ok, <<"ab">>} = esock:recv(S, 2, [peek], 5000),
             {error, {closed, <<"ab">>}} = esock:recv(S, 4, 5000),
             {error, closed} = esock:recv(S, 4, [peek], 5000),
             esock_pairs:close([C, S]),
             %% By a reset: the bytes stay, and so does the error behind them.
             {D, T} = pair(Kind),
             ok = esock:send(D, "ab"),
             until(fun() -> esock:ioctl(T, nread) =:= {ok, 2} end),
             ok = esock:setopt(D, {socket, linger}, #{onoff => true, linger => 0}),
             ok = esock:close(D),
             until(fun() -> esock:peername(T) =:= {error, enotconn} end),
             {error, {econnreset, <<"ab">>}} = esock:recv(T, 4, [peek], 5000),
             {ok, <<"ab">>} = esock:recv(T, 2, 5000),
             {error, econnreset} = esock:recv(T, 2, 5000),
             {error, closed} = esock:recv(T, 2, 5000),
             ok = esock:close(T)
         end).

peek_with_offset(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             ok = esock:setopt(S, {socket, peek_off}, 0),
             ok = esock:send(C, "abc"),
             {ok, <<"ab">>} = esock:recv(S, 2, [peek], 1000),
             looks(S, 3),
             ok = esock:send(C, "de"),
             receive {seen, Seen} -> {ok, <<"cde">>} = Seen end,
             {ok, <<"abcde">>} = esock:recv(S, 5, 1000),
             esock_pairs:close([C, S])
         end).

%% With `select' the message comes when all of it is there.
peek_nowait(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             ok = esock:send(C, "ab"),
             Wait = esock:recv(S, 4, [peek], nowait),
             ok = esock:send(C, "c"),
             receive {'$socket', S, _, _} = M -> ct:fail({early, M}) after 10 -> ok end,
             ok = esock:send(C, "d"),
             {ok, <<"abcd">>} = case Wait of
                                    {select, {_, _, H}} -> receive {'$socket', S, select, H} -> esock:recv(S, 4, [peek], nowait) end;
                                    {completion, {_, _, H}} -> receive {'$socket', S, completion, {H, Result}} -> Result end
                                end,
             {ok, <<"abcd">>} = esock:recv(S, 4, 0),
             esock_pairs:close([C, S])
         end).

%% recvmsg looks at what there is, as it receives it.
peek_message(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             {error, timeout} = esock:recvmsg(S, 4, 0, [peek], 10),
             ok = esock:send(C, "ab"),
             [{ok, #{iov := [<<"ab">>]}} = esock:recvmsg(S, 4, 0, [peek], T) || T <- [1000, 0, 1000]],
             {ok, #{iov := [<<"a">>]}} = esock:recvmsg(S, 1, 0, [peek], 1000),
             ok = esock:shutdown(C, write),
             {ok, #{iov := [<<"ab">>]}} = esock:recvmsg(S, 4, 0, [peek], 1000),
             {ok, <<"ab">>} = esock:recv(S, 2, 1000),
             {error, closed} = esock:recvmsg(S, 4, 0, [peek], 1000),
             esock_pairs:close([C, S])
         end).

%% A datagram is as long as it is.
peek_datagram(_) ->
    [begin
         {ok, S} = esock:open(inet, dgram, udp, #{io_backend => Backend}),
         ok = esock:bind(S, #{family => inet, addr => loopback, port => 0}),
         {ok, Addr} = esock:sockname(S),
         Wait = esock:recv(S, 1500, [peek], nowait),
         ok = esock:sendto(S, "short", Addr),
         {ok, <<"short">>} = later(S, Wait, fun() -> esock:recv(S, 1500, [peek], nowait) end),
         {ok, <<"short">>} = esock:recv(S, 1500, [peek], 1000),
         {ok, <<"short">>} = esock:recv(S, 1500, 1000),
         ok = esock:close(S)
     end || Backend <- [epoll, io_uring]].

%% More than the buffer has room for is never there.
peek_too_much(_) ->
    {C, S} = pair({epoll, 0}),
    ok = esock:send(C, "a"),
    {error, enobufs} = esock:recv(S, 100_000_000, [peek], infinity),
    {error, {timeout, <<"a">>}} = esock:recv(S, 100_000_000, [peek], 0),
    {ok, <<"a">>} = esock:recv(S, 1, 1000),
    esock_pairs:close([C, S]).

%%% Others who have the descriptor.

told_number(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             {ok, Fd} = esock:getopt(S, {otp, fd}),
             ok = esock:send(C, "bcd"),
             until(fun() -> esock:ioctl(S, nread) =:= {ok, 3} end),
             ?assertMatch(#{read_ahead := 0}, esock:info(S)),
             {ok, D} = esock:open(Fd, #{dup => true}),
             {ok, <<"bcd">>} = esock:recv(D, 0, 1000),
             %% Nor from now on.
             Wait = esock:recv(S, 0, nowait),
             ok = esock:send(C, "e"),
             {ok, <<"e">>} = later(S, Wait, fun() -> esock:recv(S, 0, nowait) end),
             ok = esock:send(C, "f"),
             {ok, <<"f">>} = esock:recv(D, 0, 1000),
             esock_pairs:close([C, S, D])
         end).

%% A part of a length is told as it comes.
told_number_of_a_length(_) ->
    {C, S} = pair({io_uring, 0}),
    {ok, Fd} = esock:getopt(S, {otp, fd}),
    {select, {select_info, recv, H}} = esock:recv(S, 10, nowait),
    ok = esock:send(C, "abc"),
    receive {'$socket', S, select, H} -> ok end,
    {ok, D} = esock:open(Fd, #{dup => true}),
    ?assertEqual({ok, <<"abc">>}, esock:recv(D, 0, 1000)),
    esock_pairs:close([C, S, D]).

read_ahead_off(_) ->
    {C, S} = received({io_uring, 65536}),
    ok = esock:send(C, "bcd"),
    until(fun() -> maps:get(read_ahead, esock:info(S)) =:= 3 end),
    ok = esock:setopt(S, {otp, read_ahead}, 0),
    ok = esock:send(C, "ef"),
    until(fun() -> esock:ioctl(S, nread) =:= {ok, 5} end),
    ?assertMatch(#{read_ahead := 3}, esock:info(S)),
    ?assertEqual({ok, <<"bcdef">>}, esock:recv(S, 0, 1000)),
    %% And on again.
    ok = esock:setopt(S, {otp, read_ahead}, default),
    ok = esock:setopt(S, {otp, read_ahead}, 100),
    {ok, <<"g">>} = first(S, fun() -> ok = esock:send(C, "g") end),
    ok = esock:send(C, "h"),
    until(fun() -> maps:get(read_ahead, esock:info(S)) =:= 1 end),
    esock_pairs:close([C, S]).

nothing_by_default(_) ->
    Code = "{ok, S} = esock:open(inet, stream, tcp, #{io_backend => io_uring}), {ok, N} = esock:getopt(S, {otp, read_ahead}), io:write(N), halt().",
    Says = fun(Before) -> esock_completion_SUITE:node_says("unset ESOCK_READ_AHEAD; " ++ Before, [], Code) end,
    ?assertEqual("0", Says("")),
    ?assertEqual("123", Says("ESOCK_READ_AHEAD=123")),
    ?assertEqual("0", Says("ESOCK_READ_AHEAD=-1")).

%% Descriptors that come for a process that has ended by then.
rights_of_the_dead(_) ->
    [begin
         Before = descriptors(),
         [rights_for_the_dead(Backend) || _ <- lists:seq(1, 20)],
         until(fun() -> descriptors() =< Before end)
     end || Backend <- [epoll, io_uring]].

rights_for_the_dead(Backend) ->
    {ok, L} = esock:open(local, stream, default, #{io_backend => Backend}),
    ok = esock:bind(L, #{family => local, path => <<>>}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    {ok, C} = esock:open(local, stream),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() -> {select, _} = esock:recvmsg(S, nowait), Self ! ready, receive stop -> ok end end),
    receive ready -> ok end,
    {ok, Fd} = esock:getopt(L, {otp, fd}),
    ok = esock:sendmsg(C, #{iov => [<<"x">>], ctrl => [#{level => socket, type => rights, value => [Fd]}]}),
    exit(Pid, kill),
    receive {'DOWN', MRef, _, _, _} -> ok end,
    esock_pairs:close([L, C, S]).

descriptors() ->
    {ok, Names} = file:list_dir("/proc/self/fd"),
    length(Names).

%% The read-ahead buffer does not change what a stream answers: each case runs with epoll, with io_uring without read-ahead, and
%% with io_uring and a ring that reads ahead, and has the same outcome.
-module(esock_ahead_SUITE).

-include_lib("eunit/include/eunit.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

all() -> [reconnected, reconnected_after_a_part, reconnected_at_once, error_of_the_old_connection, urgent, urgent_received, urgent_inline, mark, mark_beside_bytes,
          peek_off, timestamps, peek_waits, peek_ends, peek_with_offset, peek_nowait, peek_message, peek_datagram, peek_too_much, protocol_above, told_number, fd_asked_for_with_a_length, read_ahead_off, nothing_by_default, rights_of_the_dead].

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

%% A connection whose accepted end has this back end and read-ahead limit.
pair({Backend, Ahead}) ->
    {C, S} = esock_pairs:pair(esock, #{io_backend => Backend}),
    ok = esock:setopt(S, {otp, read_ahead}, Ahead),
    ok = esock:setopt(C, {tcp, nodelay}, true),
    {C, S}.

%% The same after a receive that waited: with read-ahead the ring receives from then on.
received(Kind) ->
    {C, S} = pair(Kind),
    {ok, <<"a">>} = first(S, fun() -> ok = esock:send(C, "a") end),
    {C, S}.

%% One receive that begins before `Send' sends.
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

%% A socket connected to the first of two listeners, and the accepted end.
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

%% A receive of a length is cancelled before all bytes have come: the gathered bytes end with the connection.
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

%% The same while the peer sends all the time.
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

%% A reset that the ring received belongs to the old connection; the new one does not get the error.
error_of_the_old_connection(_) ->
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

%% Urgent data between two waits.
urgent_of(Kind) ->
    {C, S} = pair(Kind),
    urgent_seen(C, S),
    %% Urgent data during a wait.
    Wait = esock:recv(S, 0, nowait),
    ok = esock:send(C, "?", [oob]),
    %% Another process receives it: a call of this process would take the place of its own wait.
    Self = self(),
    spawn_link(fun() -> until(fun() -> esock:recv(S, 1, [oob], 0) =:= {ok, <<"?">>} end), Self ! had end),
    receive had -> ok end,
    ok = esock:send(C, "ghi"),
    {ok, <<"ghi">>} = later(S, Wait, fun() -> esock:recv(S, 0, nowait) end),
    esock_pairs:close([C, S]).

%% After a receive with `oob' the stream is no longer read ahead.
urgent_received(_) ->
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
    %% Waits until the peer has acknowledged all bytes: if a ring read past the mark, it would have done so.
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

%% Bytes gathered for a length come before the mark of urgent data.
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

%%% Options that change what a receive answers.

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
             %% The kernel turns timestamps on a little later.
             until(fun() ->
                       Wait = esock:recvmsg(S, nowait),
                       ok = esock:send(C, "b"),
                       {ok, #{iov := [<<"b">>], ctrl := Ctrl}} = later(S, Wait, fun() -> esock:recvmsg(S, nowait) end),
                       [timestamp] =:= [Type || #{type := Type} <- Ctrl]
                   end),
             esock_pairs:close([C, S])
         end).

%% TCP_ULP: the kernel answers the option, and the stream is no longer read ahead, even if the option fails.
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

%%% Peeks at a length: they wait for all of it, and answer each byte once.

peek_waits(_) ->
    each(fun(Kind) ->
             {C, S} = pair(Kind),
             ok = esock:send(C, "ab"),
             {error, {timeout, <<"ab">>}} = esock:recv(S, 4, [peek], 20),
             {error, {timeout, <<"ab">>}} = esock:recv(S, 4, [peek], 0),
             peek_in_process(S, 4),
             ok = esock:send(C, "c"),
             receive {seen, Early} -> ct:fail({early, Early}) after 10 -> ok end,
             ok = esock:send(C, "d"),
             receive {seen, Seen} -> {ok, <<"abcd">>} = Seen end,
             {error, {timeout, <<"abcd">>}} = esock:recv(S, 9, [peek], 0),
             {ok, <<"abcd">>} = esock:recv(S, 4, 0),
             %% The same length again, now without bytes.
             {error, timeout} = esock:recv(S, 4, [peek], 10),
             Large = crypto:strong_rand_bytes(50_000),
             ok = esock:send(C, Large),
             {ok, Large} = esock:recv(S, 50_000, [peek], 5000),
             {ok, Large} = esock:recv(S, 50_000, 5000),
             esock_pairs:close([C, S])
         end).

%% Begins a peek at a length in another process, and waits until it waits. `{seen, Result}' reports its end.
peek_in_process(S, Length) ->
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
             %% A reset: the bytes stay, and the error after them.
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
             peek_in_process(S, 3),
             ok = esock:send(C, "de"),
             receive {seen, Seen} -> {ok, <<"cde">>} = Seen end,
             {ok, <<"abcde">>} = esock:recv(S, 5, 1000),
             esock_pairs:close([C, S])
         end).

%% A select message is sent when all bytes of the length have come.
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

%% A peek by recvmsg does not wait for a length, as its receive does not.
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

%% A peek at a datagram does not wait for the length.
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

%% A peek at more than the receive buffer holds fails with enobufs, since all bytes can never be there.
peek_too_much(_) ->
    {C, S} = pair({epoll, 0}),
    ok = esock:send(C, "a"),
    {error, enobufs} = esock:recv(S, 100_000_000, [peek], infinity),
    {error, {timeout, <<"a">>}} = esock:recv(S, 100_000_000, [peek], 0),
    {ok, <<"a">>} = esock:recv(S, 1, 1000),
    esock_pairs:close([C, S]).

%%% The descriptor is used outside the socket.

told_number(_) ->
    each(fun(Kind) ->
             {C, S} = received(Kind),
             {ok, Fd} = esock:getopt(S, {otp, fd}),
             ok = esock:send(C, "bcd"),
             until(fun() -> esock:ioctl(S, nread) =:= {ok, 3} end),
             ?assertMatch(#{read_ahead := 0}, esock:info(S)),
             {ok, D} = esock:open(Fd, #{dup => true}),
             {ok, <<"bcd">>} = esock:recv(D, 0, 1000),
             %% Nothing is read ahead from now on.
             Wait = esock:recv(S, 0, nowait),
             ok = esock:send(C, "e"),
             {ok, <<"e">>} = later(S, Wait, fun() -> esock:recv(S, 0, nowait) end),
             ok = esock:send(C, "f"),
             {ok, <<"f">>} = esock:recv(D, 0, 1000),
             esock_pairs:close([C, S, D])
         end).

%% Nothing is gathered for a length: a select message is sent when a part arrives.
fd_asked_for_with_a_length(_) ->
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
    %% Read-ahead is turned on again.
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

%% Descriptors in a message (SCM_RIGHTS) to a waiting process that ends are closed.
rights_of_the_dead(_) ->
    [begin
         Before = descriptors(),
         [send_rights_to_an_ended_process(Backend) || _ <- lists:seq(1, 20)],
         until(fun() -> descriptors() =< Before end)
     end || Backend <- [epoll, io_uring]].

send_rights_to_an_ended_process(Backend) ->
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

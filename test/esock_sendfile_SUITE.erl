%% sendfile with nowait on a socket that completes calls: the message is sent at the end, and has the count of bytes sent.
-module(esock_sendfile_SUITE).

-include_lib("stdlib/include/assert.hrl").

-import(esock_completion_SUITE, [completion/2, spawned/1, then/2]).
-import(esock_async_SUITE, [no_message/0, until/1]).
-import(esock_pairs, [pair/0, local_pair/2]).

-compile([export_all, nowarn_export_all]).

suite() ->
    [{timetrap, {seconds, 60}}].

all() ->
    [at_once, whole, part, local, file_closed_meanwhile, closed_in_the_first_part, cancelled_at_the_end, in_line, beside_others, cancelled, aborted, broken, owner_death, waiter_death,
     bad, threads_of_its_own, leaves_nothing, disk_that_does_not_answer].

init_per_suite(Config) ->
    case esock_completion_SUITE:init_per_suite(Config) of
        {skip, _} = Skip -> Skip;
        _ ->
            Path = filename:join(proplists:get_value(priv_dir, Config), "data"),
            ok = file:write_file(Path, rand:bytes(20_000_000)),
            [{path, Path} | Config]
    end.

end_per_suite(Config) ->
    esock_completion_SUITE:end_per_suite(Config).

file(Config) ->
    {ok, File} = file:open(proplists:get_value(path, Config), [read, raw, binary]),
    File.

data(Config) ->
    {ok, Data} = file:read_file(proplists:get_value(path, Config)),
    Data.

at_once(Config) ->
    {C, S} = pair(),
    File = file(Config),
    ?assertEqual({ok, 1000}, esock:sendfile(C, File, 0, 1000, nowait)),
    ?assertEqual({ok, 10}, esock:sendfile(C, File, 19_999_990, 100, nowait)),
    ?assertEqual({ok, 0}, esock:sendfile(C, File, 20_000_000, 100, nowait)),
    ?assertEqual({ok, 0}, esock:sendfile(C, File, 30_000_000, 0, nowait)),
    {ok, Got} = esock:recv(S, 1010),
    ?assertEqual(<<(binary:part(data(Config), 0, 1000))/binary, (binary:part(data(Config), 19_999_990, 10))/binary>>, Got),
    no_message(),
    esock_pairs:close([C, S]).

whole(Config) ->
    {C, S} = pair(),
    File = file(Config),
    {completion, {completion_info, sendfile, H}} = esock:sendfile(C, File, 0, 0, nowait),
    ?assertEqual({ok, data(Config)}, esock:recv(S, 20_000_000)),
    ?assertEqual({ok, 20_000_000}, completion(C, H)),
    %% The same under a handle of the caller.
    Mine = make_ref(),
    {completion, {completion_info, sendfile, Mine}} = esock:sendfile(C, File, 0, 0, Mine),
    ?assertEqual({ok, data(Config)}, esock:recv(S, 20_000_000)),
    ?assertEqual({ok, 20_000_000}, completion(C, Mine)),
    #{counters := #{sendfile := 2, sendfile_byte := 40_000_000, write_byte := 0}} = counters(C),
    no_message(),
    esock_pairs:close([C, S]).

counters(C) ->
    #{counters := Counters} = esock:info(C),
    #{counters => Counters#{sendfile => maps:get(sendfile, Counters, 2)}}.

part(Config) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:sendfile(C, file(Config), 5_000_001, 14_000_000, nowait),
    ?assertEqual({ok, binary:part(data(Config), 5_000_001, 14_000_000)}, esock:recv(S, 14_000_000)),
    ?assertEqual({ok, 14_000_000}, completion(C, H)),
    esock_pairs:close([C, S]).

local(Config) ->
    {C, S} = local_pair(esock, stream),
    {completion, {_, _, H}} = esock:sendfile(C, file(Config), 0, 0, nowait),
    ?assertEqual({ok, data(Config)}, esock:recv(S, 20_000_000)),
    ?assertEqual({ok, 20_000_000}, completion(C, H)),
    esock_pairs:close([C, S]).

file_closed_meanwhile(Config) ->
    {C, S} = pair(),
    File = file(Config),
    {completion, {_, _, H}} = esock:sendfile(C, File, 0, 0, nowait),
    ok = file:close(File),
    ?assertEqual({ok, data(Config)}, esock:recv(S, 20_000_000)),
    ?assertEqual({ok, 20_000_000}, completion(C, H)),
    esock_pairs:close([C, S]).

%% Another process closes the socket while the caller sends the first part: the caller gets one answer, of the call or by a
%% message.
closed_in_the_first_part(Config) ->
    %% Both processes are bound to a scheduler each, so that they run at the same time.
    {Pid, MRef} = spawn_opt(fun() -> exit({answers, [closed_in_part(Config) || _ <- lists:seq(1, 200)]}) end, [monitor, {scheduler, 1}]),
    Answers = receive {'DOWN', MRef, process, Pid, {answers, List}} -> List; {'DOWN', MRef, process, Pid, Reason} -> ct:fail(Reason) end,
    ct:comment("~p", [[{Kind, length([A || A <- Answers, A =:= Kind])} || Kind <- lists:usort(Answers)]]).

closed_in_part(Config) ->
    {C, S} = pair(),
    File = file(Config),
    Self = self(),
    Flag = atomics:new(1, []),
    {_, MRef} = spawn_opt(fun() -> Self ! ready, flagged(Flag), spin(rand:uniform(60_000)), ok = esock:close(C) end,
                            [monitor, {scheduler, 2}]),
    receive ready -> ok end,
    {'$socket', Ref} = C,
    <<Fd:32/native>> = prim_file:get_handle(File),
    Whole = esock_nif:file(Ref, Fd, {0, 1_048_576}),
    erlang:yield(),
    atomics:put(Flag, 1, 1),
    Answer = case esock_nif:sendfile(Ref, Whole, {0, 1 bsl 40}, nowait) of
               {completion, {_, _, H}} ->
                   case completion(C, H) of
                       {abort, closed} -> aborted;
                       {error, {closed, _}} -> completed
                   end;
               {error, {closed, _}} -> answered;
               {error, closed} -> answered
           end,
    receive {'DOWN', MRef, _, _, normal} -> ok end,
    ok = file:close(File),
    esock_pairs:close([S]),
    Answer.

flagged(Flag) ->
    case atomics:get(Flag, 1) of
        1 -> ok;
        0 -> flagged(Flag)
    end.

spin(0) -> ok;
spin(N) -> spin(N - 1).

%% A cancel that is too late answers an error, and then the message is in the inbox.
cancelled_at_the_end(Config) ->
    Answers = [cancelled_late(Config) || _ <- lists:seq(1, 300)],
    ct:comment("~p", [[{Kind, length([A || A <- Answers, A =:= Kind])} || Kind <- lists:usort(Answers)]]),
    no_message().

cancelled_late(Config) ->
    {C, S} = pair(),
    File = file(Config),
    Reader = spawn(fun() -> drain(S) end),
    Answer = case esock:sendfile(C, File, 0, 3_000_000, nowait) of
               {completion, {_, _, H} = Info} ->
                   spin(rand:uniform(1_500_000)),
                   case esock:cancel(C, Info) of
                       ok -> cancelled;
                       {error, {invalid, _}} ->
                           receive {'$socket', C, completion, {H, {ok, 3_000_000}}} -> done
                           after 0 -> ct:fail({late, process_info(self(), messages)})
                           end
                   end;
               {ok, 3_000_000} -> at_once
           end,
    exit(Reader, kill),
    ok = file:close(File),
    esock_pairs:close([C, S]),
    Answer.

drain(S) ->
    case esock:recv(S, 0) of
        {ok, _} -> drain(S);
        {error, _} -> ok
    end.

%% Files and other sends are sent whole, in the order of their calls.
in_line(Config) ->
    {C, S} = pair(),
    File = file(Config),
    Data = data(Config),
    {completion, {_, _, H1}} = esock:sendfile(C, File, 0, 0, nowait),
    {completion, {_, send, H2}} = esock:send(C, <<"between">>, [], nowait),
    {completion, {_, _, H3}} = esock:sendfile(C, File, 0, 5_000_000, nowait),
    ?assertEqual({ok, Data}, esock:recv(S, 20_000_000)),
    ?assertEqual({ok, <<"between">>}, esock:recv(S, 7)),
    ?assertEqual({ok, binary:part(Data, 0, 5_000_000)}, esock:recv(S, 5_000_000)),
    ?assertEqual([{ok, 20_000_000}, ok, {ok, 5_000_000}], [completion(C, H) || H <- [H1, H2, H3]]),
    esock_pairs:close([C, S]).

%% More files at a time than there are threads for them (4).
beside_others(Config) ->
    Pairs = [pair() || _ <- lists:seq(1, 12)],
    File = file(Config),
    Handles = [begin {completion, {_, _, H}} = esock:sendfile(C, File, 0, 0, nowait), H end || {C, _} <- Pairs],
    Self = self(),
    Readers = [spawn_monitor(fun() -> receive go -> Self ! {self(), erlang:md5(element(2, {ok, _} = esock:recv(S, 20_000_000)))} end end) || {_, S} <- Pairs],
    Md5 = erlang:md5(data(Config)),
    [Pid ! go || {Pid, _} <- Readers],
    [receive {Pid, Got} -> ?assertEqual(Md5, Got) end || {Pid, _} <- Readers],
    [?assertEqual({ok, 20_000_000}, completion(C, H)) || {{C, _}, H} <- lists:zip(Pairs, Handles)],
    [esock_pairs:close([C, S]) || {C, S} <- Pairs].

%% After a cancel the bytes sent are a prefix of the file, there is no message, and the next waiter goes on.
cancelled(Config) ->
    {C, S} = pair(),
    {completion, Info} = esock:sendfile(C, file(Config), 0, 0, nowait),
    {completion, {_, _, H}} = esock:send(C, <<"behind">>, [], nowait),
    {ok, Begun} = esock:recv(S, 3_000_000),
    ok = esock:cancel(C, Info),
    ?assertMatch({error, {invalid, _}}, esock:cancel(C, Info)),
    Rest = rest(S, <<"behind">>, <<>>),
    ?assertEqual(ok, completion(C, H)),
    Got = <<Begun/binary, Rest/binary>>,
    Size = byte_size(Got) - 6,
    ?assertEqual(<<(binary:part(data(Config), 0, Size))/binary, "behind">>, Got),
    no_message(),
    esock_pairs:close([C, S]).

rest(S, End, Got) ->
    case binary:longest_common_suffix([Got, End]) =:= byte_size(End) of
        true -> Got;
        false -> {ok, More} = esock:recv(S, 0, 10_000), rest(S, End, <<Got/binary, More/binary>>)
    end.

aborted(Config) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:sendfile(C, file(Config), 0, 0, nowait),
    {completion, {_, _, H2}} = esock:sendfile(C, file(Config), 0, 0, nowait),
    ok = esock:close(C),
    ?assertEqual([{abort, closed}, {abort, closed}], [completion(C, X) || X <- [H, H2]]),
    no_message(),
    esock_pairs:close([S]).

%% If the peer resets the connection, the message has the error and the count of bytes sent.
broken(Config) ->
    {C, S} = pair(),
    {completion, {_, _, H}} = esock:sendfile(C, file(Config), 0, 0, nowait),
    {ok, _} = esock:recv(S, 1_000_000),
    ok = esock:setopt(S, {socket, linger}, #{onoff => true, linger => 0}),
    ok = esock:close(S),
    {error, {Reason, Sent}} = completion(C, H),
    ?assert(lists:member(Reason, [econnreset, epipe])),
    ?assert(Sent >= 1_000_000 andalso Sent < 20_000_000),
    esock_pairs:close([C]).

owner_death(Config) ->
    {Owner, _, {C, S}} = Spawned = spawned(fun() -> pair() end),
    {completion, {_, _, H}} = esock:sendfile(C, file(Config), 0, 0, nowait),
    then(Spawned, fun() -> ok end),
    until(fun() -> not is_process_alive(Owner) end),
    ?assertEqual({abort, closed}, completion(C, H)),
    ?assertEqual({error, closed}, esock:send(S, <<"x">>)).

%% When the sending process dies, the next waiter goes on.
waiter_death(Config) ->
    {C, S} = pair(),
    {Pid, MRef} = spawn_monitor(fun() -> {completion, _} = esock:sendfile(C, file(Config), 0, 0, nowait), receive stop -> ok end end),
    until(fun() -> #{num_writers := N} = esock:info(C), N =:= 1 end),
    {completion, {_, _, H}} = esock:send(C, <<"behind">>, [], nowait),
    exit(Pid, kill),
    receive {'DOWN', MRef, _, _, killed} -> ok end,
    Got = rest(S, <<"behind">>, <<>>),
    ?assertEqual(ok, completion(C, H)),
    Size = byte_size(Got) - 6,
    ?assertEqual(binary:part(data(Config), 0, Size), binary:part(Got, 0, Size)),
    esock_pairs:close([C, S]).

bad(Config) ->
    {C, S} = pair(),
    File = file(Config),
    ?assertEqual({error, einval}, esock:sendfile(C, File, -1, 10, nowait)),
    ?assertMatch({error, {invalid, {integer_range, _}}}, esock:sendfile(C, File, 1 bsl 70, 10, nowait)),
    ok = file:close(File),
    ?assertEqual({error, einval}, esock:sendfile(C, File, 0, 0, nowait)),
    {ok, Fresh} = esock:open(inet, stream, tcp),
    ?assertMatch({error, R} when R =:= epipe; R =:= enotconn, esock:sendfile(Fresh, file(Config), 0, 0, nowait)),
    ok = esock:close(Fresh),
    ?assertEqual({error, closed}, esock:sendfile(Fresh, file(Config), 0, 0, nowait)),
    no_message(),
    esock_pairs:close([C, S]).

%% Files are sent by 4 threads that may wait for a disk, not by poller threads. They exist once a file has been sent so.
threads_of_its_own(Config) ->
    whole(Config),
    Names = [Name || Task <- filelib:wildcard("/proc/self/task/*/comm"), {ok, Name} <- [file:read_file(Task)]],
    ?assertEqual(4, length([Name || <<"esock_file_", _/binary>> = Name <- Names])).

leaves_nothing(Config) ->
    whole(Config),
    Before = descriptors(),
    [begin
         {C, S} = pair(),
         File = file(Config),
         {completion, Info} = esock:sendfile(C, File, 0, 0, nowait),
         ok = file:close(File),
         case N rem 3 of
             0 -> ok = esock:cancel(C, Info);
             1 -> {ok, _} = esock:recv(S, 100_000);
             2 -> ok
         end,
         esock_pairs:close([C, S])
     end || N <- lists:seq(1, 100)],
    until(fun() -> descriptors() =< Before end).

descriptors() ->
    length(esock_leak_SUITE:descriptors()).

%% A thread that waits for a disk that does not answer does not keep the node from ending. strace(1) delays the reads of these
%% threads by an hour.
disk_that_does_not_answer(Config) ->
    case os:find_executable("strace") of
        false -> {skip, no_strace};
        Strace -> held_up(Strace, proplists:get_value(path, Config))
    end.

held_up(Strace, Path) ->
    Paths = lists:append([["-pa", filename:dirname(code:which(M))] || M <- [esock, dead_disk]]),
    Node = open_port({spawn_executable, os:find_executable("erl")},
                     [{args, Paths ++ ["-noshell", "-run", "dead_disk", "run", Path]}, {line, 1000}, exit_status, use_stdio]),
    "sent " ++ Pid = line(Node),
    Tracer = open_port({spawn_executable, Strace},
                       [{args, lists:append([["-p", Tid] || Tid <- files_threads(Pid)]) ++
                             ["-e", "trace=pread64", "-e", "inject=pread64:delay_enter=3600000000"]},
                        exit_status, stderr_to_stdout]),
    "" = until(Tracer, lists:duplicate(4, "attached")),
    port_command(Node, "again\n"),
    "sending" = line(Node),
    %% Waits until a thread reads.
    _ = until(Tracer, ["pread64("]),
    port_command(Node, "halt\n"),
    %% The node has ended, except for the thread that strace(1) delays.
    ended("/proc/" ++ Pid ++ "/stat", 3000),
    {os_pid, Held} = erlang:port_info(Tracer, os_pid),
    _ = os:cmd("kill -9 " ++ integer_to_list(Held)),
    receive {Node, {exit_status, Status}} -> ?assertEqual(0, Status) end,
    receive {Tracer, {exit_status, _}} -> ok end.

ended(Stat, Tries) ->
    case file:read_file(Stat) of
        {ok, Text} when Tries > 0 ->
            case binary:match(Text, <<") Z ">>) of
                nomatch -> receive after 10 -> ended(Stat, Tries - 1) end;
                _ -> ok
            end;
        {error, enoent} ->
            ok
    end.

files_threads(Pid) ->
    Tasks = "/proc/" ++ Pid ++ "/task/",
    {ok, Tids} = file:list_dir(Tasks),
    [Tid || Tid <- Tids, {ok, <<"esock_file", _/binary>>} <- [file:read_file(Tasks ++ Tid ++ "/comm")]].

%% Waits until a program has written `Parts', one after the other. Answers the text after them.
until(Port, Parts) -> until(Port, Parts, "").

until(_, [], Text) -> string:trim(Text);
until(Port, [Part | Parts], Text) ->
    case string:split(Text, Part) of
        [_, Rest] -> until(Port, Parts, Rest);
        [_] -> receive {Port, {data, Data}} -> until(Port, [Part | Parts], Text ++ Data) after 30_000 -> ct:fail({no, Part, Text}) end
    end.

line(Port) -> receive {Port, {data, {eol, Line}}} -> Line; {Port, Other} -> ct:fail(Other) after 30_000 -> ct:fail(no_line) end.

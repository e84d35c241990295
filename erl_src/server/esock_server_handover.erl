%% @private
%% @doc Listeners and idle connections go to another program over a Unix socket, as descriptors (SCM_RIGHTS of unix(7)).
%%
%% Each item is one record: a term in the external format and one descriptor. The receiver confirms each record, and only then the
%% giver closes its own descriptor. Connections go first: while connections are idle, this program still accepts. After the last
%% listener has been confirmed it stops. The backlog belongs to the open file, which both programs have, so that no connection in it
%% is lost.
-module(esock_server_handover).

-export([give/3, take/2, pass/3]).

%% Milliseconds to wait for the other program; and for connections that are asked to pass their sockets on.
-define(TIMEOUT, 60_000).
%% Milliseconds by which a connection waits longer than the giver: an answer that was sent arrives.
-define(MARGIN, 5_000).

-define(IDLE, 5_000).

-record(to, {socket :: esock:socket(), deadline :: integer(), idle :: timeout()}).

%% @doc Waits for the other program on a path, and gives it what belongs to a server or to the caller.
-spec give(file:name_all(), pid() | [esock:socket()] | map(), map()) -> {ok, map()} | {error, term()}.
give(Path, What, Opts) ->
    case {esock_server_opts:check(Opts, [handover]), what(What)} of
        {ok, {ok, All}} -> meet(Path, All, Opts);
        {ok, Error} -> Error;
        {Error, _} -> Error
    end.

what(Server) when is_pid(Server) -> what(#{server => Server});
what(Sockets) when is_list(Sockets) -> what(#{listeners => Sockets});
what(#{} = What) ->
    case maps:keys(maps:without([server, listeners, connections], What)) of
        [] -> server(maps:merge(#{listeners => [], connections => []}, What));
        [Key | _] -> {error, {invalid, {option, Key}}}
    end;
what(What) -> {error, {invalid, {handover, What}}}.

server(#{server := Server, listeners := Listeners} = What) ->
    case esock_server_sup:keeper(Server) of
        undefined -> {error, closed};
        Keeper -> {ok, What#{keeper => Keeper, listeners := Listeners ++ gen_server:call(Keeper, listeners, infinity)}}
    end;
server(What) -> {ok, What#{keeper => none}}.

meet(Path, All, Opts) ->
    Timeout = case maps:get(timeout, Opts, ?TIMEOUT) of infinity -> ?TIMEOUT * 60 * 24; Time -> Time end,
    Deadline = erlang:monotonic_time(millisecond) + Timeout,
    case esock_server:listen({unix, Path}, #{type => seqpacket, mode => 8#600, backlog => 1}) of
        {ok, L} ->
            Met = partner(L, filter(Opts), Deadline),
            _ = esock_server:close(L),
            case Met of
                {ok, S} -> try give_all(#to{socket = S, deadline = Deadline, idle = maps:get(idle, Opts, ?IDLE)}, All) after esock:close(S) end;
                Error -> Error
            end;
        Error -> Error
    end.

%% The same user, if nothing else is said.
filter(Opts) -> esock_server_unix:peercred(maps:get(peercred, Opts, #{uid => [esock_server_unix:user()]})).

partner(L, Filter, Deadline) ->
    case esock:accept(L, left(Deadline)) of
        {ok, S} ->
            case esock_server_unix:allowed(S, Filter) of
                true -> {ok, S};
                false -> _ = esock:close(S), partner(L, Filter, Deadline)
            end;
        Error -> Error
    end.

left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

%%% ---- The giver ------------------------------------------------------------------------------------------------------

give_all(To, #{connections := Connections, listeners := Listeners, keeper := Keeper}) ->
    case items(To, [{connection, S, Term} || {S, Term} <- Connections], 0) of
        {ok, Given} ->
            Asked = asked(To, Keeper),
            case items(To, [{listener, S, guarded(S)} || S <- Listeners], 0) of
                {ok, Count} -> ended(To, Keeper, Listeners, #{listeners => Count, connections => Given + Asked});
                Error -> Error
            end;
        Error -> Error
    end.

items(_, [], Count) -> {ok, Count};
items(To, [{Kind, S, Term} | Rest], Count) ->
    case item(To, Kind, S, Term) of
        ok when Kind =:= connection -> _ = esock:close(S), items(To, Rest, Count + 1);
        ok -> items(To, Rest, Count + 1);
        Error -> Error
    end.

item(#to{socket = To, deadline = Deadline}, Kind, S, Term) ->
    case esock:getopt(S, {otp, fd}) of
        {ok, Fd} ->
            Rights = #{level => socket, type => rights, value => [Fd]},
            Record = term_to_binary({Kind, Term}),
            confirmed(esock:sendmsg(To, #{iov => [Record], ctrl => [Rights]}, [], left(Deadline)), To, Deadline);
        Error -> Error
    end.

confirmed(ok, To, Deadline) ->
    case esock:recv(To, 0, max(1, left(Deadline))) of
        {ok, <<"ok">>} -> ok;
        {ok, _} -> {error, closed};
        Error -> Error
    end;
confirmed({ok, _}, _, _) -> {error, emsgsize};
confirmed(Error, _, _) -> Error.

%% From here on the files of Unix listeners are the other program's to remove.
ended(#to{socket = To, deadline = Deadline}, Keeper, Listeners, Result) ->
    case confirmed(esock:send(To, term_to_binary(done), left(Deadline)), To, Deadline) of
        ok ->
            lists:foreach(fun(S) -> lists:foreach(fun esock_server_guard:keep/1, esock_server_guard:of_socket(S)) end, Listeners),
            _ = Keeper =/= none andalso gen_server:call(Keeper, stop_accepting, infinity),
            lists:foreach(fun(S) -> _ = esock:close(S) end, Listeners),
            {ok, Result};
        Error -> Error
    end.

guarded(S) ->
    case esock_server_guard:of_socket(S) of
        [] -> none;
        [Guard | _] -> {unix, esock_server_guard:guards(Guard)}
    end.

%% The connections of a server whose handlers understand it are asked to pass their sockets on when they are idle.
asked(_, none) -> 0;
asked(#to{idle = Idle} = To, Keeper) ->
    case gen_server:call(Keeper, pools, infinity) of
        {_, false} -> 0;
        {Pools, true} ->
            Alias = erlang:alias(),
            Until = erlang:monotonic_time(millisecond) + Idle,
            Pids = lists:append([connections(Pool) || Pool <- Pools]),
            Waiting = maps:from_list([{monitor(process, Pid), Pid} || Pid <- Pids]),
            lists:foreach(fun(Pid) -> Pid ! {esock_server, handover, {self(), Alias, Until}} end, Pids),
            try passed(To#to{deadline = Until + ?MARGIN}, Alias, Waiting, 0)
            after
                _ = erlang:unalias(Alias),
                flush(Alias)
            end
    end.

connections(Pool) ->
    try gen_server:call(Pool, connections, infinity)
    catch exit:_ -> []
    end.

passed(_, _, Waiting, Count) when map_size(Waiting) =:= 0 -> Count;
passed(#to{deadline = Deadline} = To, Alias, Waiting, Count) ->
    case receive
             {Alias, Pid, From, S, Term} -> {pass, Pid, From, S, Term};
             {'DOWN', MRef, process, _, _} when is_map_key(MRef, Waiting) -> {down, MRef}
         after max(0, left(Deadline) - ?MARGIN) -> timeout
         end of
        timeout ->
            lists:foreach(fun(MRef) -> demonitor(MRef, [flush]) end, maps:keys(Waiting)),
            Count;
        {down, Ref} -> passed(To, Alias, maps:remove(Ref, Waiting), Count);
        {pass, Of, Reply, Socket, State} ->
            Result = case State of keep -> {error, kept}; {pass, Value} -> item(To, connection, Socket, Value) end,
            Reply ! {Reply, Result},
            Refs = [Ref || {Ref, P} <- maps:to_list(Waiting), P =:= Of],
            lists:foreach(fun(Ref) -> demonitor(Ref, [flush]) end, Refs),
            passed(To, Alias, maps:without(Refs, Waiting), case Result of ok -> Count + 1; _ -> Count end)
    end.

%% Late ones are refused: they go on as before.
flush(Alias) ->
    case receive {Alias, _, From, _, _} -> From after 0 -> none end of
        none -> ok;
        Reply -> Reply ! {Reply, {error, timeout}}, flush(Alias)
    end.

%% @doc A connection gives its socket to the program that takes over (`{pass, Term}'), or keeps it (`keep').
-spec pass({pid(), reference(), integer()}, esock:socket(), keep | {pass, term()}) -> ok | {error, term()}.
pass({Giver, Alias, Deadline}, S, What) ->
    case buffered(S) of
        true when What =/= keep -> {error, {invalid, read_ahead}};
        _ ->
            MRef = erlang:monitor(process, Giver, [{alias, reply_demonitor}]),
            Alias ! {Alias, self(), MRef, S, What},
            case receive {MRef, Result} -> Result; {'DOWN', MRef, _, _, _} -> {error, closed} after left(Deadline) + ?MARGIN -> late(MRef) end of
                ok -> _ = esock:close(S), ok;
                {error, kept} -> ok;
                Error -> Error
            end
    end.

late(MRef) -> _ = demonitor(MRef, [flush]), receive {MRef, Result} -> Result after 0 -> {error, timeout} end.

%% Bytes that a ring has read ahead do not travel with the descriptor. After the question for its number nothing is read ahead.
buffered(S) ->
    _ = esock:getopt(S, {otp, fd}),
    case esock:info(S) of
        #{read_ahead := Bytes} when Bytes > 0 -> true;
        _ -> false
    end.

%%% ---- The receiver ---------------------------------------------------------------------------------------------------

%% @doc Takes over what another program gives on a path.
-spec take(file:name_all(), map()) -> {ok, map()} | {error, term()}.
take(Path, Opts) ->
    case esock_server_opts:check(Opts, [takeover]) of
        ok ->
            {ok, S} = esock:open(local, seqpacket),
            Timeout = maps:get(timeout, Opts, ?TIMEOUT),
            try
                case esock:connect(S, #{family => local, path => Path}, Timeout) of
                    ok ->
                        %% Terms are decoded: the giver has to be trusted.
                        case esock_server_unix:allowed(S, filter(Opts)) of
                            true -> items_of(S, Timeout, maps:get(open, Opts, #{}), #{listeners => [], connections => []});
                            false -> {error, eperm}
                        end;
                    Error -> Error
                end
            after esock:close(S)
            end;
        Error -> Error
    end.

items_of(S, Timeout, Opts, Taken) ->
    case esock:recvmsg(S, 0, 0, [], Timeout) of
        {ok, #{iov := IOV, ctrl := Ctrl}} ->
            Fds = lists:append([Fds || #{type := rights, value := Fds} <- Ctrl]),
            taken(term(iolist_to_binary(IOV)), Fds, {S, Timeout, Opts}, Taken);
        {error, Reason} -> failed(Taken, Reason)
    end.

term(<<>>) -> closed;
term(Bytes) ->
    try binary_to_term(Bytes)
    catch error:badarg -> closed
    end.

taken(done, [], {S, Timeout, _}, #{listeners := Listeners, connections := Connections} = Taken) ->
    %% The giver stops accepting after this answer.
    case esock:send(S, <<"ok">>, Timeout) of
        ok ->
            lists:foreach(fun({L, {unix, What}}) -> esock_server_unix:adopt(L, What); (_) -> ok end, Listeners),
            {ok, #{listeners => lists:reverse([L || {L, _} <- Listeners]), connections => lists:reverse(Connections)}};
        {error, Reason} -> failed(Taken, Reason)
    end;
taken({Kind, Term}, [Fd], {S, Timeout, Opts}, Taken) when Kind =:= listener; Kind =:= connection ->
    case esock:open(Fd, Opts#{dup => false, own => true}) of
        {ok, Socket} ->
            Key = case Kind of listener -> listeners; connection -> connections end,
            More = Taken#{Key := [{Socket, Term} | maps:get(Key, Taken)]},
            case esock:send(S, <<"ok">>, Timeout) of
                ok -> items_of(S, Timeout, Opts, More);
                {error, Reason} -> failed(More, Reason)
            end;
        {error, Reason} -> close_fds([Fd]), failed(Taken, Reason)
    end;
taken(_, Fds, _, Taken) -> close_fds(Fds), failed(Taken, closed).

%% open/2 that fails leaves the descriptor open.
close_fds(Fds) -> lists:foreach(fun close_fd/1, Fds).

close_fd(Fd) ->
    case esock:open(Fd, #{dup => false, own => true}) of
        {ok, S} -> esock:close(S);
        {error, _} = Error -> Error
    end.

failed(#{listeners := Listeners, connections := Connections}, Reason) ->
    lists:foreach(fun({S, _}) -> _ = esock:close(S) end, Listeners ++ Connections),
    {error, Reason}.

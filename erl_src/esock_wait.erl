%% @private
%% @doc The loop of blocking calls: attempt, yield and attempt again if that pays on this socket, wait for the message, attempt
%% again, cancel at the deadline. It is the only wait loop of the API.
-module(esock_wait).

-export([run/3, call/4]).
-export([many/2, drop/1]).
-export([once/2]).
-export([select/2, register/3]).
-export([until_released/1]).
-export([cancel/3]).
-export([with_signals/1]).
-export([unsent/2]).
-export([rest/2]).

-export_type([op/0, message/0, step/2]).

%% An operation, with the arguments for what remains of it.
-type op() :: {connect, esock:sockaddr()}
            | accept
            | accept_from
            | {accept, Max :: pos_integer()}
            | {send, binary(), list()}
            | {sendto, binary(), esock:sockaddr(), list()}
            | {sendmsg, map(), list()}
            | {sendv, [binary()]}
            | {sendmmsg, [map()], list()}
            | {sendfile, Fd :: integer(), Offset :: integer(), Count :: non_neg_integer(), Sent :: non_neg_integer()}
            | {recvmsg, non_neg_integer(), non_neg_integer() | {fds, non_neg_integer(), fd | socket}, list()}
            | {recvmmsg, pos_integer(), {non_neg_integer(), non_neg_integer()}, list()}
            | {recv, non_neg_integer() | {some, pos_integer()}, list()}
            | {recvfrom, non_neg_integer(), list()}
            | {wait, Events :: 0..31}.

%% @doc Does `Op' for the calling process, which waits at most `Timeout' milliseconds.
-spec run(reference(), op(), timeout()) -> term().
run(Socket, Op, Timeout) ->
    %% The reference is made here, in sight of the compiler: a receive that matches it skips the messages that were in the queue
    %% before.
    attempt(Socket, Op, make_ref(), deadline(Timeout), 0, []).

attempt(Socket, Op, Handle, Deadline, Yields, Done) ->
    %% A remote call: of a local one the compiler sees where the handle ends, and drops the mark in the message queue.
    case ?MODULE:call(Socket, Op, Handle, Yields) of
        yield ->
            erlang:yield(),
            attempt(Socket, Op, Handle, Deadline, Yields + 1, Done);
        wait ->
            wait(Socket, Op, Handle, Deadline, Done);
        {wait, Part} ->
            {Rest, More} = part(Op, Part, Done),
            wait(Socket, Rest, Handle, Deadline, More);
        {error, {invalid, _} = Reason} when Done =/= [] ->
            %% A later message is wrong, after some were sent: the call still has the turn.
            _ = cancel(Socket, name(Op), Handle),
            failed(Op, Reason, Done);
        {error, Reason} ->
            failed(Op, Reason, Done);
        Result ->
            case done(Op, Result, Done) of
                {again, Rest, More} -> attempt(Socket, Rest, Handle, Deadline, Yields, More);
                Answer -> Answer
            end
    end.

%% Microseconds for which a receive with timeout 0 waits until a ring has delivered what it took from the kernel, and has
%% released the stream. That takes about 30.
-define(RELEASE_WITHIN, 5_000).

%% Bytes. If a stream has this many or more, one attempt of a receive takes at least this many.
-define(LEAST_ATTEMPT, 262_144).

%% @doc Attempts `Op' for the calling process, which does not wait (timeout 0).
-spec once(reference(), op()) -> term().
once(Socket, Op) ->
    case once(Socket, Op, undefined) of
        {error, {timeout, Part}} when element(1, Op) =:= recv, byte_size(Part) >= ?LEAST_ATTEMPT ->
            once_more(Socket, Op, Part, []);
        Result -> Result
    end.

%% There may be more for another attempt. A peek would return the same bytes again.
once_more(Socket, {recv, Length, Flags}, Part, Done) ->
    Peeks = lists:any(fun(Flag) -> Flag =:= peek orelse is_integer(Flag) end, Flags),
    Rest = {recv, Length - byte_size(Part), Flags},
    case Peeks orelse once(Socket, Rest, undefined) of
        {error, {timeout, Next}} when byte_size(Next) >= ?LEAST_ATTEMPT -> once_more(Socket, Rest, Next, [Done, Part]);
        {ok, Data} -> {ok, iolist_to_binary([Done, Part, Data])};
        {error, {Reason, Data}} -> {error, {Reason, iolist_to_binary([Done, Part, Data])}};
        {error, Reason} -> {error, {Reason, iolist_to_binary([Done, Part])}};
        true -> {error, {timeout, Part}}
    end.

once(Socket, Op, Deadline) ->
    case call(Socket, Op, nowait, zero) of
        yield when Deadline =:= undefined ->
            erlang:yield(),
            once(Socket, Op, erlang:monotonic_time(microsecond) + ?RELEASE_WITHIN);
        yield ->
            erlang:yield(),
            case erlang:monotonic_time(microsecond) < Deadline of
                true -> once(Socket, Op, Deadline);
                false -> {error, timeout}
            end;
        Result ->
            Result
    end.

%% @doc Makes a call, and repeats it until the ring has released the stream.
-spec until_released(fun(() -> yield | Result)) -> Result.
until_released(Call) ->
    case Call() of
        yield -> erlang:yield(), until_released(Call);
        Result -> Result
    end.

%% The result of the whole, from the result of the last attempt and the parts of those before.
done({recv, _, _}, {ok, Data}, [_ | _] = Done) ->
    {ok, iolist_to_binary([Done, Data])};
done({recvmmsg, _, _, _}, {more, _} = Result, _Done) ->
    Result;
done(Op, {more, Part}, Done) ->
    %% The attempt sent as much as one attempt may.
    case part(Op, Part, Done) of
        {{sendmmsg, [], _}, _} -> ok;
        {Rest, More} -> {again, Rest, More}
    end;
done({sendfile, _, _, _, Before}, {ok, Put}, _Done) ->
    {ok, Before + Put};
done(_Op, {signals, _} = Result, _Done) ->
    with_signals(Result);
done(_Op, Result, _Done) ->
    Result.

%% @doc The result of a call that began or ended a monitor of the VM on the calling process: each is a signal to the process.
%% For every 64th socket the NIF returns `signals' in place of `ok': then the process handles its queued signals. On OTP 25
%% asking for the length of the message queue does that.
-spec with_signals({signals, term()} | term()) -> term().
with_signals({signals, Sockets}) ->
    _ = process_info(self(), message_queue_len),
    {ok, Sockets};
with_signals(Result) ->
    Result.

wait(Socket, Op, Handle, Deadline, Done) ->
    receive
        {'$socket', {'$socket', Socket}, select, Handle} ->
            attempt(Socket, Op, Handle, Deadline, 0, Done);
        {'$socket', {'$socket', Socket}, abort, {Handle, Reason}} ->
            failed(Op, Reason, Done)
    after left(Deadline) ->
            _ = cancel(Socket, name(Op), Handle),
            timed_out(Socket, Op, Done)
    end.

%% A receive with flags that has timed out returns what is there, as one with timeout 0 does. `einval': there is no urgent data.
timed_out(Socket, {recv, Length, [_ | _]} = Op, []) when is_integer(Length), Length > 0 ->
    case once(Socket, Op) of
        {error, einval} -> {error, timeout};
        Result -> Result
    end;
timed_out(_Socket, Op, Done) -> failed(Op, timeout, Done).

%% @doc The sockets that have one of their events now, as {@link esock:select/2} returns them.
-spec select([esock_events:entry()], timeout()) ->
          {ok, [{esock:socket(), [esock:event()]}]} | {error, timeout | {term(), esock:socket()}}.
select(Entries, 0) -> ready(Entries, []);
select(Entries, Timeout) -> select_until(Entries, deadline(Timeout)).

select_until(Entries, Deadline) ->
    Handle = make_ref(),
    Next = case ?MODULE:register(Entries, Handle, []) of
               {wait, Refs} ->
                   Left = left(Deadline),
                   receive
                       {'$socket', _, select, Handle} -> cancel_all(Refs, Handle, check);
                       {'$socket', _, abort, {Handle, _}} -> cancel_all(Refs, Handle, check)
                   after Left ->
                       cancel_all(Refs, Handle, timeout)
                   end;
               {Outcome, Refs} ->
                   cancel_all(Refs, Handle, Outcome)
           end,
    case Next of
        {error, _} -> Next;
        _ ->
            case ready(Entries, []) of
                {error, timeout} when Next =:= check -> select_until(Entries, Deadline);
                Result -> Result
            end
    end.

%% @private
%% @doc Waits for the events of sockets, until one has an event or fails. Returns those that have to be cancelled.
-spec register([esock_events:entry()], reference(), [reference()]) ->
          {wait | check | {error, {term(), esock:socket()}}, [reference()]}.
register([], _Handle, Refs) -> {wait, Refs};
register([{Ref, Events} | Entries], Handle, Refs) ->
    case esock_nif:wait(Ref, Events, Handle, nowait) of
        {select, _} -> register(Entries, Handle, [Ref | Refs]);
        {ok, _} -> {check, Refs};
        {error, Reason} -> {{error, {Reason, {'$socket', Ref}}}, Refs}
    end.

cancel_all(Refs, Handle, Outcome) ->
    lists:foreach(fun(Ref) -> cancel(Ref, wait, Handle) end, Refs),
    Outcome.

ready([], []) -> {error, timeout};
ready([], Ready) -> {ok, lists:reverse(Ready)};
ready([{Ref, Events} | Entries], Ready) ->
    case once(Ref, {wait, Events}) of
        {ok, Now} -> ready(Entries, [{{'$socket', Ref}, esock_events:names(Now)} | Ready]);
        {error, timeout} -> ready(Entries, Ready);
        {error, Reason} -> {error, {Reason, {'$socket', Ref}}}
    end.

%% @doc One attempt for a process that waits under `Handle', or does not wait (`nowait', with `zero'); see {@link esock_nif}.
-spec call(reference(), op(), reference() | nowait, non_neg_integer() | zero) -> term().
call(Socket, {recv, Length, Flags}, Handle, Yields) ->
    esock_nif:recv(Socket, Length, Flags, Handle, Yields);
call(Socket, {send, Data, Flags}, Handle, Yields) ->
    esock_nif:send(Socket, Data, Flags, Handle, Yields);
call(Socket, {sendmsg, Msg, Flags}, Handle, Yields) ->
    esock_nif:sendmsg(Socket, Msg, Flags, Handle, Yields);
call(Socket, {sendv, IOV}, Handle, Yields) ->
    esock_nif:sendv(Socket, IOV, Handle, Yields);
call(Socket, {sendmmsg, Msgs, Flags}, Handle, Yields) ->
    esock_nif:sendmmsg(Socket, Msgs, Flags, Handle, Yields);
call(Socket, {sendfile, Fd, Offset, Count, _Sent}, Handle, Yields) ->
    esock_nif:sendfile(Socket, Fd, {Offset, Count}, sendfile, Handle, Yields);
call(Socket, {recvmsg, Size, CtrlSize, Flags}, Handle, Yields) ->
    esock_nif:recvmsg(Socket, Size, CtrlSize, Flags, Handle, Yields);
call(Socket, {recvmmsg, Count, Sizes, Flags}, Handle, Yields) ->
    esock_nif:recvmmsg(Socket, Count, Sizes, Flags, Handle, Yields);
call(Socket, {recvfrom, Size, Flags}, Handle, Yields) ->
    esock_nif:recvfrom(Socket, Size, Flags, Handle, Yields);
call(Socket, {sendto, Data, Dest, Flags}, Handle, Yields) ->
    esock_nif:sendto(Socket, Data, Dest, Flags, Handle, Yields);
call(Socket, accept, Handle, Yields) ->
    esock_nif:accept(Socket, Handle, Yields);
call(Socket, accept_from, Handle, Yields) ->
    esock_nif:accept_from(Socket, Handle, Yields);
call(Socket, {wait, Events}, Handle, Yields) ->
    esock_nif:wait(Socket, Events, Handle, Yields);
call(Socket, {accept, Max}, Handle, Yields) ->
    esock_nif:accept_many(Socket, Max, Handle, Yields);
call(Socket, {connect, Address}, Handle, Yields) ->
    esock_nif:connect(Socket, Address, Handle, Yields).

%% After a part of a stream: received parts are collected in `Done'. Of data to send the rest remains, and `Done' is `sent'.
part({recv, Length, Flags}, Data, Done) ->
    {{recv, Length - byte_size(Data), Flags}, [Done, Data]};
part({send, _Data, Flags}, Rest, _Done) ->
    {{send, Rest, Flags}, sent};
part({sendto, _Data, Dest, Flags}, Rest, _Done) ->
    {{sendto, Rest, Dest, Flags}, sent};
part({sendmsg, Msg, Flags}, Rest, _Done) ->
    {{sendmsg, rest(Msg, Rest), Flags}, sent};
part({sendv, _IOV}, Rest, _Done) ->
    {{sendv, Rest}, sent};
part({sendmmsg, Msgs, Flags}, Sent, _Done) ->
    {_Count, Rest} = unsent(Msgs, Sent),
    {{sendmmsg, Rest, Flags}, sent};
part({sendfile, Fd, Offset, Count, Sent}, Put, _Done) ->
    {{sendfile, Fd, Offset + Put, Count - Put, Sent + Put}, sent}.

%% @doc The rest of a message of which a part was sent. Control messages were sent with the first byte and are not sent again;
%% those of datagrams (`gso') go with each datagram.
-spec rest(map(), [binary()]) -> map().
rest(#{gso := _} = Msg, Rest) -> Msg#{iov := esock_iov:window(Rest)};
rest(Msg, Rest) -> maps:remove(ctrl, Msg#{iov := Rest}).

%% @doc The number of messages that were sent whole, and the messages that remain. `Sent' are the bytes that were sent of each
%% of the first messages; a message of which a part was sent remains with its rest.
-spec unsent([map()], [non_neg_integer()]) -> {non_neg_integer(), [map()]}.
unsent(Msgs, Sent) -> unsent(Msgs, Sent, 0).

unsent(Msgs, [], Count) ->
    {Count, Msgs};
unsent([#{iov := IOV} = Msg | Msgs], [Put | Sent], Count) ->
    case esock:rest_iov(Put, IOV) of
        [] -> unsent(Msgs, Sent, Count + 1);
        Rest ->
            {All, Left} = unsent(Msgs, Sent, Count),
            {All, [rest(Msg, Rest) | Left]}
    end.

failed(_Op, Reason, []) -> {error, Reason};
failed({send, Rest, _Flags}, Reason, sent) -> {error, {Reason, Rest}};
failed({sendto, Rest, _Dest, _Flags}, Reason, sent) -> {error, {Reason, Rest}};
failed({sendmsg, #{iov := Rest}, _Flags}, Reason, sent) -> {error, {Reason, Rest}};
failed({sendv, Rest}, Reason, sent) -> {error, {Reason, Rest}};
failed({sendmmsg, Rest, _Flags}, _Reason, sent) -> {ok, [IOV || #{iov := IOV} <- Rest]};
failed({sendfile, _, _, _, Sent}, Reason, sent) -> {error, {Reason, Sent}};
failed(_Op, Reason, Done) -> {error, {Reason, iolist_to_binary(Done)}}.

name(accept) -> accept;
name(accept_from) -> accept;
name(Op) -> element(1, Op).

%% @doc Ends a wait. `invalid': the calling process does not wait under that handle. A `select' or `abort' message that was sent
%% under it is taken out of the message queue.
-spec cancel(reference(), atom(), reference()) -> ok | invalid | {error, closed}.
cancel(Socket, Op, Handle) -> cancel(Socket, Op, Handle, 0).

cancel(Socket, Op, Handle, Pause) ->
    case esock_nif:cancel(Socket, Op, Handle) of
        ok ->
            ok;
        select_sent ->
            _ = flush(Socket, Handle),
            ok;
        sending ->
            %% Another thread is about to send the message, at once or after thousands of others.
            receive after Pause -> ok end,
            cancel(Socket, Op, Handle, 1);
        not_found ->
            %% A wait for events has ended when its message is sent.
            case flush(Socket, Handle) of
                taken when Op =:= wait -> ok;
                _ -> invalid
            end;
        {error, closed} = Closed ->
            _ = flush(Socket, Handle),
            Closed
    end.

flush(Socket, Handle) ->
    receive
        {'$socket', {'$socket', Socket}, select, Handle} -> taken;
        {'$socket', {'$socket', Socket}, abort, {Handle, _Reason}} -> taken
    after 0 ->
            none
    end.

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

%% A message of a task that waits for many: of a socket's wait, of a process, of the end of a process.
-type message() :: {select, esock:socket()} | {abort, esock:socket(), Reason :: term()} | {message, term()} |
                   {down, Monitor :: reference(), Reason :: term()} | timeout.

%% What a task does next: waits, for a time in milliseconds, or ends.
-type step(State, Result) :: {wait, timeout(), State} | {done, Result}.

%% @doc Runs a task that waits for many sockets and processes at a time. All its waits have the handle that `Start' takes. A process
%% sends it `{Handle, Message}'; a monitor for it has the tag `{down, Handle}'.
-spec many(fun((reference()) -> step(State, Result)), fun((message(), State) -> step(State, Result))) -> Result.
many(Start, Next) ->
    Handle = make_ref(),
    many(Handle, Start(Handle), Next).

many(_Handle, {done, Result}, _Next) ->
    Result;
many(Handle, {wait, Timeout, State}, Next) ->
    Step = receive
               {'$socket', Socket, select, Handle} -> Next({select, Socket}, State);
               {'$socket', Socket, abort, {Handle, Reason}} -> Next({abort, Socket, Reason}, State);
               {Handle, Message} -> Next({message, Message}, State);
               {{down, Handle}, Monitor, process, _, Reason} -> Next({down, Monitor, Reason}, State)
           after Timeout -> Next(timeout, State)
           end,
    many(Handle, Step, Next).

%% @doc Takes the messages of processes to a task out of the message queue.
-spec drop(reference()) -> ok.
drop(Handle) ->
    receive
        {Handle, _} -> drop(Handle)
    after 0 ->
            ok
    end.

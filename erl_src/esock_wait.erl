%% @private
%% @doc The one loop in which a call of {@link esock} waits: attempt, give up the turn and attempt again where that pays
%% on this socket, wait for the message, attempt again; cancel at the deadline.
-module(esock_wait).

-export([run/3, call/4]).
-export([look/2]).
-export([settled/1]).
-export([cancel/3]).
-export([taken/1]).
-export([unsent/2]).
-export([rest/2]).

-export_type([op/0]).

%% What is attempted, with what is left to do of it.
-type op() :: {connect, esock:sockaddr()}
            | accept
            | {accept, Max :: pos_integer()}
            | {send, binary(), list()}
            | {sendto, binary(), esock:sockaddr(), list()}
            | {sendmsg, map(), list()}
            | {sendv, [binary()]}
            | {sendmmsg, [map()], list()}
            | {sendfile, Fd :: integer(), Offset :: integer(), Count :: non_neg_integer(), Sent :: non_neg_integer()}
            | {recvmsg, non_neg_integer(), non_neg_integer(), list()}
            | {recvmmsg, pos_integer(), {non_neg_integer(), non_neg_integer()}, list()}
            | {recv, non_neg_integer() | {some, pos_integer()}, list()}
            | {recvfrom, non_neg_integer(), list()}.

%% @doc Does `Op' for the caller, who waits no longer than `Timeout' milliseconds.
-spec run(reference(), op(), timeout()) -> term().
run(Socket, Op, Timeout) ->
    %% The reference is made here, where the compiler sees it: a receive for it skips what was in the inbox before.
    attempt(Socket, Op, make_ref(), deadline(Timeout), 0, []).

attempt(Socket, Op, Handle, Deadline, Yields, Done) ->
    %% As of another module: in a function of this one the compiler sees an end of the handle, and gives up the mark in the inbox.
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
            %% A message behind those that have gone: the turn has not been given up.
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

%% Microseconds for which a look waits for a ring to bring what it has taken from the kernel, and to let go: it takes some 30.
-define(LANDS_WITHIN, 5_000).

%% One attempt of a receive takes no less than this of a stream, where there is so much.
-define(AT_ONCE, 262_144).

%% @doc Does `Op' for the caller, who does not wait.
-spec look(reference(), op()) -> term().
look(Socket, Op) ->
    case look(Socket, Op, undefined) of
        {error, {timeout, Part}} when element(1, Op) =:= recv, byte_size(Part) >= ?AT_ONCE ->
            look_on(Socket, Op, Part, []);
        Result -> Result
    end.

%% There may be more, which is the next attempt's; but who peeks would see the same again.
look_on(Socket, {recv, Length, Flags}, Part, Done) ->
    Peeks = lists:any(fun(Flag) -> Flag =:= peek orelse is_integer(Flag) end, Flags),
    Rest = {recv, Length - byte_size(Part), Flags},
    case Peeks orelse look(Socket, Rest, undefined) of
        {error, {timeout, Next}} when byte_size(Next) >= ?AT_ONCE -> look_on(Socket, Rest, Next, [Done, Part]);
        {ok, Data} -> {ok, iolist_to_binary([Done, Part, Data])};
        {error, {Reason, Data}} -> {error, {Reason, iolist_to_binary([Done, Part, Data])}};
        {error, Reason} -> {error, {Reason, iolist_to_binary([Done, Part])}};
        true -> {error, {timeout, Part}}
    end.

look(Socket, Op, Deadline) ->
    case call(Socket, Op, nowait, zero) of
        yield when Deadline =:= undefined ->
            erlang:yield(),
            look(Socket, Op, erlang:monotonic_time(microsecond) + ?LANDS_WITHIN);
        yield ->
            erlang:yield(),
            case erlang:monotonic_time(microsecond) < Deadline of
                true -> look(Socket, Op, Deadline);
                false -> {error, timeout}
            end;
        Result ->
            Result
    end.

%% @doc Makes a call, and again while a ring is still to let go of the stream.
-spec settled(fun(() -> yield | Result)) -> Result.
settled(Call) ->
    case Call() of
        yield -> erlang:yield(), settled(Call);
        Result -> Result
    end.

%% What is answered in the end, of what the last attempt has got and the ones before.
done({recv, _, _}, {ok, Data}, [_ | _] = Done) ->
    {ok, iolist_to_binary([Done, Data])};
done({recvmmsg, _, _, _}, {more, _} = Result, _Done) ->
    Result;
done(Op, {more, Part}, Done) ->
    %% One call sends so much and no more.
    case part(Op, Part, Done) of
        {{sendmmsg, [], _}, _} -> ok;
        {Rest, More} -> {again, Rest, More}
    end;
done({sendfile, _, _, _, Before}, {ok, Put}, _Done) ->
    {ok, Before + Put};
done(_Op, {signals, _} = Result, _Done) ->
    taken(Result);
done(_Op, Result, _Done) ->
    Result.

%% @doc What the caller gets of new sockets. Now and then they come with `signals', and the caller attends to those that
%% wait for it: to ask for the length of the queue is what does that on OTP 25.
-spec taken({signals, term()} | term()) -> term().
taken({signals, Sockets}) ->
    _ = process_info(self(), message_queue_len),
    {ok, Sockets};
taken(Result) ->
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

%% Who looks sees what there is.
timed_out(Socket, {recv, Length, [_ | _]} = Op, []) when is_integer(Length), Length > 0 -> look(Socket, Op);
timed_out(_Socket, Op, Done) -> failed(Op, timeout, Done).

%% @doc One attempt, of who waits under `Handle' or does not wait (`nowait'), see {@link esock_nif}.
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
call(Socket, {accept, Max}, Handle, Yields) ->
    esock_nif:accept_many(Socket, Max, Handle, Yields);
call(Socket, {connect, Address}, Handle, Yields) ->
    esock_nif:connect(Socket, Address, Handle, Yields).

%% Of a stream: received data is kept; of data to send the rest remains, and `Done' only says that some has gone.
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

%% @doc What is left to send of a message that went in part. Control messages go with the first byte, and once; those of
%% datagrams go with each.
-spec rest(map(), [binary()]) -> map().
rest(#{gso := _} = Msg, Rest) -> Msg#{iov := esock_iov:window(Rest)};
rest(Msg, Rest) -> maps:remove(ctrl, Msg#{iov := Rest}).

%% @doc How many messages were sent, and those that were not, given the bytes that went of each of the first; one that went
%% in part stays with its rest.
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
name(Op) -> element(1, Op).

%% @doc Ends a wait. `invalid': the caller does not wait under that handle. Whatever was sent under it is taken out of
%% the inbox.
-spec cancel(reference(), atom(), reference()) -> ok | invalid | {error, closed}.
cancel(Socket, Op, Handle) -> cancel(Socket, Op, Handle, 0).

cancel(Socket, Op, Handle, Patience) ->
    case esock_nif:cancel(Socket, Op, Handle) of
        ok ->
            ok;
        select_sent ->
            flush(Socket, Handle),
            ok;
        sending ->
            %% Another thread is about to send it, unless it has thousands to send before.
            receive after Patience -> ok end,
            cancel(Socket, Op, Handle, 1);
        not_found ->
            flush(Socket, Handle),
            invalid;
        {error, closed} = Closed ->
            flush(Socket, Handle),
            Closed
    end.

flush(Socket, Handle) ->
    receive
        {'$socket', {'$socket', Socket}, select, Handle} -> ok;
        {'$socket', {'$socket', Socket}, abort, {Handle, _Reason}} -> ok
    after 0 ->
            ok
    end.

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

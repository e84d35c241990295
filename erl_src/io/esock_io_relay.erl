%% @private
%% @doc Relays between two streams: the loop of {@link esock_io:relay/3}.
%%
%% Each direction is a way: it receives a chunk, sends it, and receives the next one. The calling process steps both ways with
%% `nowait' until both wait, and then waits for the messages of both. No other process takes part, so none is left behind when
%% one dies.
-module(esock_io_relay).

-export([relay/3]).

-record(way, {from :: esock:socket(),
              to :: esock:socket(),
              chunk :: pos_integer(),
              %% `run': the next step can be made. `done': the end has been passed on.
              state = run :: run | {wait, recv | send, reference(), esock:select_info() | esock:completion_info()} | done |
                             {failed, term()},
              %% Received, and not sent.
              data = <<>> :: binary(),
              sent = 0 :: non_neg_integer(),
              %% The counter of bytes written of the socket `to' when the relay began.
              written :: non_neg_integer(),
              %% Counts the receives and sends that moved bytes.
              moves = 0 :: non_neg_integer()}).

-record(relay, {deadline :: esock_io:wait() | {until, integer()},
                %% Milliseconds without a byte, when they are over, and how many moves there had been when they began.
                idle :: timeout(),
                idle_until :: esock_io:wait() | {until, integer()},
                moves = 0 :: non_neg_integer()}).

-spec relay(esock:socket() | esock_io:reader(), esock:socket() | esock_io:reader(), esock_io:relay_options()) ->
          {ok, {non_neg_integer(), non_neg_integer()}} | {error, esock:invalid() | esock_io:relay_error()}.
relay(A, B, Opts) when is_map(Opts) ->
    case esock_io_reader:options(Opts, [timeout, idle_timeout, chunk]) of
        ok -> start(side(A), side(B), Opts);
        Error -> Error
    end.

start({Socket, _}, {Socket, _}, _) -> erlang:error(badarg);
start({A, FromA}, {B, FromB}, Opts) ->
    Chunk = chunk(maps:get(chunk, Opts, 65_536)),
    Idle = timeout(idle_timeout, Opts),
    Relay = #relay{deadline = esock_io_reader:deadline(timeout(timeout, Opts)), idle = Idle,
                   idle_until = esock_io_reader:deadline(Idle)},
    loop({#way{from = A, to = B, chunk = Chunk, data = FromA, written = written(B)},
          #way{from = B, to = A, chunk = Chunk, data = FromB, written = written(A)}}, Relay).

written(Socket) ->
    #{counters := #{write_byte := Bytes}} = esock:info(Socket),
    Bytes.

side({'$socket', _} = Socket) -> {Socket, <<>>};
side(Reader) -> {esock_io_reader:socket(Reader), esock_io_reader:buffered(Reader)}.

chunk(Chunk) when is_integer(Chunk), Chunk > 0 -> Chunk;
chunk(Chunk) -> erlang:error({invalid, {option, {chunk, Chunk}}}).

timeout(Key, Opts) ->
    case maps:get(Key, Opts, infinity) of
        infinity -> infinity;
        Ms when is_integer(Ms), Ms >= 0 -> Ms;
        Bad -> erlang:error({invalid, {option, {Key, Bad}}})
    end.

%%% ---- Both ways -----------------------------------------------------------------------------------------------------------

loop({Way1, Way2}, Relay) ->
    case {step(Way1), step(Way2)} of
        {#way{state = done, sent = Sent1}, #way{state = done, sent = Sent2}} -> {ok, {Sent1, Sent2}};
        {#way{state = {failed, Reason}}, _} = Ways -> ended(Reason, Ways);
        {_, #way{state = {failed, Reason}}} = Ways -> ended(Reason, Ways);
        {#way{state = State1}, #way{state = State2}} = Ways ->
            message(Ways, idle(Ways, Relay), State1 =:= run orelse State2 =:= run)
    end.

idle(_, #relay{idle = infinity} = Relay) -> Relay;
idle({#way{moves = Moves1}, #way{moves = Moves2}}, #relay{moves = Moves} = Relay) when Moves1 + Moves2 =:= Moves -> Relay;
idle({#way{moves = Moves1}, #way{moves = Moves2}}, #relay{idle = Idle} = Relay) ->
    Relay#relay{moves = Moves1 + Moves2, idle_until = esock_io_reader:deadline(Idle)}.

%% Takes the message of a wait. If a way can go on (`Runs'), it takes only one that is there.
message({Way1, Way2} = Ways, Relay, Runs) ->
    {H1, H2} = {handle(Way1), handle(Way2)},
    {Left, Reason} = left(Relay),
    receive
        {'$socket', _, select, H} when H =:= H1; H =:= H2 -> loop(notified(H, select, Ways), Relay);
        {'$socket', _, completion, {H, Result}} when H =:= H1; H =:= H2 -> loop(notified(H, {completion, Result}, Ways), Relay);
        {'$socket', _, abort, {H, Why}} when H =:= H1; H =:= H2 -> loop(notified(H, {abort, Why}, Ways), Relay)
    after at_most(Runs, Left) ->
            case Runs andalso Left =/= 0 of
                true -> loop(Ways, Relay);
                false -> ended(Reason, Ways)
            end
    end.

at_most(true, _) -> 0;
at_most(false, Left) -> Left.

left(#relay{deadline = Deadline, idle_until = IdleUntil}) ->
    %% A number is less than an atom.
    min({esock_io_reader:left(Deadline), timeout}, {esock_io_reader:left(IdleUntil), idle_timeout}).

handle(#way{state = {wait, _, Handle, _}}) -> Handle;
handle(_) -> none.

notified(Handle, Message, {#way{state = {wait, Op, Handle, _}} = Way1, Way2}) -> {woken(Message, Op, Way1), Way2};
notified(_, Message, {Way1, #way{state = {wait, Op, _, _}} = Way2}) -> {Way1, woken(Message, Op, Way2)}.

%% After `closed' another attempt says whether the stream or the socket has ended.
woken(select, _, Way) -> Way#way{state = run};
woken({abort, closed}, recv, Way) -> Way#way{state = run};
woken({abort, Reason}, _, Way) -> Way#way{state = {failed, Reason}};
woken({completion, Result}, recv, Way) -> received(Result, Way);
woken({completion, Result}, send, Way) -> sent(Result, Way).

%% The waits of both ways end. A completion that cannot be cancelled any more has its result in the message queue.
ended(Reason, {Way1, Way2}) ->
    {#way{sent = Sent1, data = Data1}, #way{sent = Sent2, data = Data2}} = {settled(Way1), settled(Way2)},
    {error, {Reason, #{sent => {Sent1, Sent2}, unsent => {Data1, Data2}}}}.

settled(#way{state = {wait, Op, Handle, Info}, data = Data} = Way) ->
    _ = esock:cancel(waits_on(Op, Way), Info),
    receive
        {'$socket', _, completion, {Handle, Result}} when Op =:= send -> sent(Result, Way);
        {'$socket', _, completion, {Handle, {ok, More}}} -> Way#way{data = <<Data/binary, More/binary>>};
        %% An end or an error: the next receive finds it again.
        {'$socket', _, completion, {Handle, _}} -> Way
    after 0 -> cancelled(Op, Info, Way)
    end;
settled(Way) -> Way.

%% A completion of a send that was cancelled may have sent a part. The counter of the socket has it.
cancelled(send, {completion_info, _, _}, #way{to = To, data = Data, sent = Sent, written = Written} = Way) ->
    case written(To) - Written - Sent of
        Part when Part > 0, Part =< byte_size(Data) -> rest(binary:part(Data, Part, byte_size(Data) - Part), Way);
        _ -> Way
    end;
cancelled(_, _, Way) -> Way.

waits_on(recv, #way{from = From}) -> From;
waits_on(send, #way{to = To}) -> To.

%%% ---- One way -------------------------------------------------------------------------------------------------------------

%% One receive or one send, if the way does not wait.
step(#way{state = run, data = <<>>, from = From, chunk = Chunk} = Way) ->
    received(esock:recv_some(From, Chunk, [], nowait), Way);
step(#way{state = run, data = Data, to = To} = Way) ->
    sent(esock:send(To, Data, nowait), Way);
step(Way) -> Way.

received({ok, Data}, #way{data = Before, moves = Moves} = Way) ->
    Way#way{state = run, data = <<Before/binary, Data/binary>>, moves = Moves + 1};
received(eof, #way{to = To} = Way) ->
    case esock:shutdown(To, write) of
        ok -> Way#way{state = done};
        %% The peer has reset the connection; the other way says so if it still matters.
        {error, enotconn} -> Way#way{state = done};
        {error, Reason} -> Way#way{state = {failed, Reason}}
    end;
received({error, Reason}, Way) -> Way#way{state = {failed, Reason}};
received({_, {Info, Data}}, Way) when is_binary(Data) ->
    %% The option `{otp, select_read}' is set: another receive waits already.
    Settled = settled(waiting(recv, Info, received({ok, Data}, Way))),
    Settled#way{state = run};
received({_, Info}, Way) -> waiting(recv, Info, Way).

waiting(Op, {_, _, Handle} = Info, Way) -> Way#way{state = {wait, Op, Handle, Info}}.

sent(ok, Way) -> rest(<<>>, Way#way{state = run});
sent({ok, Rest}, Way) -> rest(Rest, Way#way{state = run});
sent({error, {Reason, Rest}}, Way) when is_binary(Rest) -> rest(Rest, Way#way{state = {failed, Reason}});
sent({error, Reason}, Way) -> Way#way{state = {failed, Reason}};
sent({_, {Info, Rest}}, Way) when is_binary(Rest) -> rest(Rest, waiting(send, Info, Way));
sent({_, Info}, Way) -> waiting(send, Info, Way).

rest(Rest, #way{data = Data, sent = Sent, moves = Moves} = Way) ->
    Way#way{data = Rest, sent = Sent + byte_size(Data) - byte_size(Rest), moves = Moves + 1}.

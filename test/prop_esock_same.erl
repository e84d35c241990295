%% Random programs of several processes: OTP's socket and esock answer alike, step by step, and send the same messages.
%%
%% A program is a list of steps, each by one of three processes on one of the sockets; steps run one after the other. At the
%% end each process reports the messages under the handles that it still holds. A program whose outcomes differ is run again
%% before it counts as a failure: the timing of the system (a segment in flight) differs from run to run.
-module(prop_esock_same).

-include_lib("proper/include/proper.hrl").

-export([prop_programs/1]).
-export([prop_generated/2]).
-export([run/4]).

-define(PROCESSES, [a, b, c]).
%% How long a step waits for its message, in milliseconds.
-define(EVENTUALLY, 20).

prop_programs(Kind) ->
    ?FORALL(Program, list(step(Kind)),
            begin
                {Otp, Ours} = outcomes(Kind, Program, [5, 100, 100, 200, 200, 400]),
                ?WHENFAIL(io:format("~p~n~p~n  socket ~p~n  esock  ~p~n", [Kind, Program, Otp, Ours]), Otp =:= Ours)
            end).

%% Runs nothing: sends the generated programs to a process.
prop_generated(Kind, Pid) ->
    ?FORALL(Program, list(step(Kind)), begin Pid ! {program, Program}, true end).

%% The outcomes of both modules. If they differ, the program runs again with a longer wait for messages in flight, in
%% milliseconds.
outcomes(Kind, Program, [Patience | More]) ->
    case {run(socket, Kind, Program, Patience), run(esock, Kind, Program, Patience)} of
        {Same, Same} = Outcomes -> Outcomes;
        Outcomes when More =:= [] -> Outcomes;
        _ -> outcomes(Kind, Program, More)
    end.

step(Kind) ->
    {oneof(?PROCESSES), frequency([{6, ?LET({Length, Flags}, {oneof(lengths()), flags()}, {recv, sock(Kind), Length, peek_flags(Length, Flags), when_()})},
                                   {6, {send, sock(Kind), oneof([<<>>, <<"x">>, <<"hello">>]), when_()}},
                                   {2, {recvfrom, sock(Kind), oneof([0, 3]), flags(), when_()}},
                                   {2, {recvmsg, sock(Kind), when_()}},
                                   {2, {sendmsg, sock(Kind), when_()}},
                                   {3, cancel},
                                   {1, {close, sock(Kind)}},
                                   {1, {setopt, sock(Kind), oneof([{{otp, rcvbuf}, 4}, {{socket, rcvlowat}, 1}, {{socket, keepalive}, true}])}},
                                   {1, {getopt, sock(Kind), oneof([{socket, type}, {socket, domain}, {otp, iow}, {socket, acceptconn}])}},
                                   {1, {name, sock(Kind), oneof([sockname, peername])}} | extra(Kind)])}.

%% Steps with urgent data. A ring that reads ahead reads past it (doc/io_uring.md), so they are left out with io_uring.
urgent() ->
    case esock_pairs:cases([there], [there]) of
        [there] -> [{1, {oob, oneof([left, right])}}, {1, {urgent, oneof([left, right]), 0}}];
        [] -> []
    end.

extra(tcp) -> [{1, {ioctl, oneof([left, right]), atmark}} || erlang:system_info(otp_release) =/= "25"] ++ urgent() ++
              [{1, {disconnect, oneof([left, right])}}, {1, {setopt, oneof([left, right]), {{socket, timestamp}, true}}}, {1, {shutdown, sock(tcp), oneof([read, write, read_write])}}, {3, {accept, listener, when_()}}, {2, {connect, fresh, when_connect()}}, {1, {listen, fresh}}, {1, {connect_end, fresh}},
               {1, {bind, fresh}}];
extra(local) -> [{1, {shutdown, sock(local), oneof([read, write, read_write])}}];
%% No shutdown of UDP sockets: such a socket stays ready for ever and never has data.
extra(udp) -> [].

sock(tcp) -> oneof([left, left, right, right, listener, fresh]);
sock(_) -> oneof([left, right]).

when_connect() -> oneof(esock_pairs:cases([nowait, eventually], [nowait])).

%% OTP 27 leaves a part of a length in the socket, so longer lengths are left out there.
lengths() ->
    case erlang:system_info(otp_release) of
        "27" -> [0, 1];
        _ -> [0, 1, 3, 10]
    end.

%% With io_uring each step waits for its message: a completion does at once what the oracle does only in the call after its select
%% message.
when_() ->
    case esock_pairs:cases([nowait], [nowait]) of
        [nowait] -> oneof([nowait, 0, eventually]);
        [] -> oneof([eventually, 0])
    end.
%% No peek at a length above 1: esock waits for all of it and answers it once (doc/differences.md).
peek_flags(Length, [peek]) when Length > 1 -> [];
peek_flags(_, Flags) -> Flags.

flags() -> frequency([{5, []}, {1, [peek]}]).

%% The sockets belong to the process that runs the program; a, b and c only use them.
run(M, Kind, Program, Patience) ->
    {Pid, MRef} = spawn_monitor(fun() -> exit({outcome, program(M, Kind, Program, Patience)}) end),
    receive {'DOWN', MRef, process, Pid, {outcome, Outcome}} -> Outcome; {'DOWN', MRef, process, Pid, R} -> {died, R} end.

program(M, Kind, Program, Patience) ->
    Sockets = sockets(M, Kind),
    Pids = maps:from_list([{P, spawn_link(fun() -> process(M, Sockets, #{}) end)} || P <- ?PROCESSES]),
    {Answers, Last} = lists:mapfoldl(fun({P, Step}, Waiting) -> turn(P, Step, maps:get(P, Pids), Waiting) end, [], Program),
    Messages = [ask(Pid, {messages, Patience}) || Last =/= over, {_, Pid} <- lists:sort(maps:to_list(Pids))],
    Notified = case refusals(Kind, Program) of
               true -> [];
               false -> Messages
           end,
    Counters = [counters(M, S) || {_, S} <- lists:sort(maps:to_list(Sockets))],
    {Answers, Notified, Counters}.

%% A datagram to a closed socket is refused later, and the next send takes the error. Whether the poller has reported the error to
%% a reader before that is a race on both modules.
refusals(udp, Program) -> [] =/= [Step || {_, {close, _} = Step} <- Program];
refusals(_, _) -> false.

%% Makes a step, unless it is a receive with time-out 0 while a process waits: out of turn (doc/differences.md), or by the
%% waiting process itself, whose handle some releases keep and others drop. `Waiting' has `{Key, Process}' of the handles given
%% out. When recvmsg or recvfrom gets the end of the stream, OTP does not abort the other waiters: the steps after it are not
%% compared.
turn(_, _, _, over) ->
    {over, over};
turn(P, Step, Pid, Waiting) ->
    Key = is_tuple(Step) andalso {element(2, Step), direction(Step)},
    Zero = is_tuple(Step) andalso element(tuple_size(Step), Step) =:= 0 andalso direction(Step) =:= read,
    %% OTP 25 forgets the handle of a second accept of a process, so that step is left out.
    Second = is_tuple(Step) andalso element(1, Step) =:= accept andalso lists:member({Key, P}, Waiting),
    case Zero andalso [Q || {K, Q} <- Waiting, K =:= Key] of
        [_ | _] -> {out_of_turn, Waiting};
        _ when Second -> {second_accept, Waiting};
        _ ->
            case ask(Pid, Step) of
                {select, _} = Answer -> {Answer, [{Key, P} | Waiting -- [{Key, P}]]};
                {cancel, Cancelled, _} = Answer -> {Answer, Waiting -- [{Cancelled, P}]};
                invalid -> {invalid, Waiting};
                {error, timeout} -> {{error, timeout}, Waiting};
                {error, closed} when element(1, Step) =:= recvmsg; element(1, Step) =:= recvfrom -> {{error, closed}, over};
                %% A read takes the error of a refused connect; the answers of the connect then differ (doc/differences.md).
                {error, econnrefused} when element(2, Step) =:= fresh, element(1, Step) =/= connect -> {{error, econnrefused}, over};
                Answer -> {Answer, Waiting -- [{Key, P}]}
            end
    end.

ask(Pid, What) ->
    Ref = make_ref(),
    Pid ! {self(), Ref, What},
    receive {Ref, Answer} -> Answer end.

sockets(M, tcp) ->
    {L, C, S} = esock_pairs:trio(M),
    {ok, F} = M:open(inet, stream, tcp),
    [ok = M:setopt(X, {tcp, nodelay}, true) || X <- [C, S]],
    {ok, Addr} = M:sockname(L),
    put(addr, Addr),
    #{left => C, right => S, listener => L, fresh => F};
sockets(M, udp) ->
    {{A, AddrA}, {B, AddrB}} = {esock_pairs:udp(M), esock_pairs:udp(M)},
    ok = M:connect(A, AddrB),
    ok = M:connect(B, AddrA),
    #{left => A, right => B};
sockets(M, local) ->
    {C, S} = esock_pairs:local_pair(M, stream),
    #{left => C, right => S}.

%% A process of a program. `Handles' has the last select information for each socket and direction.
process(M, Sockets, Handles) ->
    receive
        {From, Ref, {messages, Patience}} ->
            From ! {Ref, lists:sort([{Key, notified(Info, Patience)} || {Key, {_, Info}} <- maps:to_list(Handles)])},
            process(M, Sockets, Handles);
        {From, Ref, Step} ->
            {Answer, New} = do(M, Sockets, Step, Handles),
            From ! {Ref, Answer},
            process(M, Sockets, New)
    end.

%% The message under a handle; if there is none yet, after a wait of `Patience' ms for the poller.
notified({select_info, _, Handle}, Patience) ->
    receive
        %% Whether an event or a close is first depends on the poller.
        {'$socket', _, select, Handle} -> notified;
        {'$socket', _, abort, {Handle, closed}} -> notified;
        {'$socket', _, abort, {Handle, Reason}} -> {abort, Reason}
    after Patience -> nothing
    end.

do(M, Sockets, cancel, Handles) ->
    case maps:to_list(Handles) of
        [] -> {nothing, Handles};
        [{Key, {Name, Info}} | _] -> {{cancel, Key, plain(catch_(fun() -> M:cancel(maps:get(Name, Sockets), Info) end))}, maps:remove(Key, Handles)}
    end;
%% connect/1 after the message of a connect: before the message OTP answers `ok' (doc/differences.md).
do(M, Sockets, {connect_end, Name}, Handles) ->
    Ended = case Handles of
                #{{Name, write} := {_, {select_info, connect, Handle}}} ->
                    receive {'$socket', _, _, Handle} -> true; {'$socket', _, _, {Handle, _}} -> true after 2000 -> false end;
                #{} -> true
            end,
    Answer = Ended andalso plain(catch_(fun() -> M:connect(maps:get(Name, Sockets)) end)),
    {Answer, maps:remove({Name, write}, Handles)};
do(M, Sockets, Step, Handles) ->
    Name = element(2, Step),
    Answer = catch_(fun() -> step(M, maps:get(Name, Sockets), Step) end),
    Key = {Name, direction(Step)},
    Kept = case Answer of
               %% The call took the place of the wait from before, whose handle is void.
               _ when element(2, Key) =/= none -> maps:remove(Key, Handles);
               _ -> Handles
           end,
    New = case Answer of
              {select, {select_info, _, _} = Info} -> Kept#{Key => {Name, Info}};
              {select, {{select_info, _, _} = Info, _}} -> Kept#{Key => {Name, Info}};
              {error, {invalid, _}} -> Handles;
              {error, timeout} -> Handles;
              _ -> Kept
          end,
    {plain(Answer), New}.

direction(Step) when element(1, Step) =:= recv; element(1, Step) =:= urgent; element(1, Step) =:= recvfrom; element(1, Step) =:= recvmsg;
                     element(1, Step) =:= accept -> read;
direction(Step) when element(1, Step) =:= send; element(1, Step) =:= sendmsg; element(1, Step) =:= connect -> write;
direction(_) -> none.

step(M, S, Step) when element(tuple_size(Step), Step) =:= eventually ->
    Call = fun(When) -> step(M, S, setelement(tuple_size(Step), Step, When)) end,
    case esock_pairs:eventually({M, S}, {Call, ?EVENTUALLY}) of
        %% A peek at more bytes than the stream will have ends with a completion; with select it would be repeated.
        {error, {Reason, Seen}} when element(1, Step) =:= recv, element(4, Step) =:= [peek], Reason =/= timeout -> {part, Seen};
        Result -> Result
    end;
step(M, S, {recv, _, Length, Flags, When}) -> M:recv(S, Length, Flags, When);
step(M, S, {recvfrom, _, Size, Flags, When}) -> M:recvfrom(S, Size, Flags, When);
step(M, S, {recvmsg, _, When}) -> M:recvmsg(S, 0, 0, [], When);
step(M, S, {send, _, Data, When}) -> M:send(S, Data, [], When);
step(M, S, {sendmsg, _, When}) -> M:sendmsg(S, #{iov => [<<"ab">>, <<"c">>]}, [], When);
step(M, S, {accept, _, When}) -> M:accept(S, When);
step(M, S, {connect, _, When}) -> M:connect(S, #{family => inet, addr => loopback, port => 1}, When);
step(M, S, {oob, _}) -> M:send(S, <<"!">>, [oob], 0);
step(M, S, {urgent, _, 0}) -> M:recv(S, 1, [oob], 0);
step(M, S, {ioctl, _, Request}) -> M:ioctl(S, Request);
step(M, S, {disconnect, _}) -> M:connect(S, #{family => unspec, addr => <<0:112>>}, 1000);
step(M, S, {listen, _}) -> M:listen(S);
step(M, S, {bind, _}) -> M:bind(S, loopback);
step(M, S, {shutdown, _, How}) -> M:shutdown(S, How);
step(M, S, {close, _}) -> M:close(S);
step(M, S, {setopt, _, {Option, Value}}) -> M:setopt(S, Option, Value);
step(M, S, {getopt, _, Option}) -> M:getopt(S, Option);
step(M, S, {name, _, F}) -> M:F(S).

catch_(Fun) ->
    try Fun() catch Class:Reason -> {Class, Reason} end.

counters(M, S) ->
    case catch_(fun() -> M:info(S) end) of
        #{counters := C} -> maps:with([write_pkg], C);
        Other -> Other
    end.

plain({error, {invalid, _}}) -> invalid;
%% A Unix stream that is closed with gathered bytes ends for the peer without a reset (doc/differences.md).
plain({error, econnreset}) -> {error, hd(esock_pairs:cases([econnreset, closed], [econnreset]))};
plain({abort, econnreset}) -> {abort, hd(esock_pairs:cases([econnreset, closed], [econnreset]))};
%% A peek that gets fewer bytes than its length answers an error since OTP 27, and in esock.
plain({error, {timeout, Data}}) when is_binary(Data) -> {ok, Data};
%% The kernel turns timestamps on a little later.
plain({ok, #{ctrl := Ctrl} = Msg}) ->
    {ok, esock_same_SUITE:plain(maps:remove(addr, Msg#{ctrl := [C || #{type := Type} = C <- Ctrl, Type =/= timestamp]}))};
plain(Term) -> esock_same_SUITE:plain(Term).

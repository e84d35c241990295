%% Sockets for tests: of esock, or of the module `M' (`esock' or `socket').
-module(esock_pairs).

-export([udp/0, udp/1]).
-export([listener/0, listener/1, listener/2]).
-export([pair/0, pair/1, pair/2]).
-export([trio/0, trio/1, trio/2]).
-export([full/0]).
-export([local_pair/2, local_pair/3]).
-export([backends/0]).
-export([close/1]).
-export([cases/2]).
-export([eventually/2]).

%% A UDP socket on loopback, and its address.
udp() -> udp(esock).
udp(M) ->
    {ok, S} = M:open(inet, dgram, udp),
    bound(M, S).

bound(M, S) ->
    ok = M:bind(S, #{family => inet, addr => loopback, port => 0}),
    {ok, Addr} = M:sockname(S),
    {S, Addr}.

%% A TCP listener on loopback, and its address. Accepted sockets inherit its options.
listener() -> listener(esock).
listener(M) -> listener(M, #{}).
listener(M, Options) ->
    {ok, L} = M:open(inet, stream, tcp, Options),
    Bound = bound(M, L),
    ok = M:listen(L, 128),
    Bound.

%% Both ends of a TCP connection: the connecting end, and the accepted end.
pair() -> pair(esock).
pair(M) -> pair(M, #{}).
pair(M, Options) ->
    {L, C, S} = trio(M, Options),
    ok = M:close(L),
    {C, S}.

%% A listener, and both ends of a connection to it.
trio() -> trio(esock).
trio(M) -> trio(M, #{}).
trio(M, Options) ->
    {L, Addr} = listener(M, Options),
    {ok, C} = M:open(inet, stream, tcp),
    ok = M:connect(C, Addr),
    {ok, S} = M:accept(L),
    {L, C, S}.

%% A listener, its address, and a connection that fills its backlog: the next connect stays under way until that is accepted.
full() ->
    {ok, L} = esock:open(inet, stream, tcp),
    {_, Addr} = bound(esock, L),
    ok = esock:listen(L, 0),
    {ok, C} = esock:open(inet, stream, tcp),
    ok = esock:connect(C, Addr),
    {L, Addr, C}.

%% Both ends of a pair of Unix sockets of a type. `Options' are those of the second end (of its listener); it receives datagrams.
local_pair(M, Type) -> local_pair(M, Type, #{}).
local_pair(M, Type, Options) ->
    {ok, L} = M:open(local, Type, default, Options),
    ok = M:bind(L, #{family => local, path => <<>>}),
    {ok, Addr} = M:sockname(L),
    {ok, C} = M:open(local, Type),
    case Type of
        dgram ->
            ok = M:connect(C, Addr),
            {C, L};
        _ ->
            ok = M:listen(L),
            ok = M:connect(C, Addr),
            {ok, S} = M:accept(L),
            ok = M:close(L),
            {C, S}
    end.

%% The back ends that this system has.
backends() ->
    case esock:open(inet, dgram, udp, #{io_backend => io_uring}) of
        {ok, S} -> ok = esock:close(S), [epoll, io_uring];
        {error, _} -> [epoll]
    end.

close(Sockets) ->
    [ok = esock:close(S) || S <- Sockets].

%% The cases of a suite. With ESOCK_IO_BACKEND=io_uring the cases about `select' are left out; esock_completion_SUITE has such
%% cases for completions.
cases(All, AboutSelect) ->
    case os:getenv("ESOCK_IO_BACKEND") of
        "io_uring" -> All -- AboutSelect;
        _ -> All
    end.

%% A call that waits with `nowait', on systems with select and with completion: try, wait for the message, go on. If no message
%% comes in `Patience' milliseconds, it answers `nothing' and has received nothing.
eventually({M, S} = Where, {Call, Patience} = How) ->
    case Call(nowait) of
        {select, {select_info, _, H} = Info} ->
            receive
                {'$socket', S, select, H} -> eventually(Where, How);
                {'$socket', S, abort, {H, Reason}} -> {abort, Reason}
            after Patience -> cancelled(M, S, Info)
            end;
        {select, {{select_info, _, H} = Info, Part}} ->
            receive
                {'$socket', S, select, H} ->
                    case Call(nowait) of
                        {error, Reason} -> {error, {Reason, Part}};
                        %% A peek answers the same bytes again.
                        {select, {Again, Part}} -> nothing = cancelled(M, S, Again), {part, Part}
                    end;
                {'$socket', S, abort, {H, Reason}} ->
                    {abort, Reason}
            after Patience ->
                nothing = cancelled(M, S, Info),
                {part, Part}
            end;
        {completion, {completion_info, Tag, H} = Info} ->
            receive
                {'$socket', S, completion, {H, Result}} -> Result;
                {'$socket', S, abort, {H, Reason}} -> {abort, Reason}
            after Patience ->
                %% Bytes gathered for a length are still in the socket: a call with time-out 0 gets them.
                case {cancelled(M, S, Info), Tag} of
                    {nothing, recv} -> part(Call(0));
                    {Result, _} -> Result
                end
            end;
        Result ->
            Result
    end.

part({error, {timeout, Part}}) -> {part, Part};
part({error, timeout}) -> nothing;
part(Result) -> Result.

cancelled(M, S, {_, _, H} = Info) ->
    case M:cancel(S, Info) of
        ok -> nothing;
        %% The message was sent before the cancel.
        {error, {invalid, _}} -> receive {'$socket', S, completion, {H, Result}} -> Result after 0 -> nothing end
    end.

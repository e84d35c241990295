%% A program for OTP's socket, in the style of its user's guide: `nowait' calls and their messages, for systems with select and
%% with completion.
-module(exchange).

-export([recv/2, sendv/2, accept/1, connect/2]).

%% Receives `Size' bytes, as socket:recv/2 does.
-spec recv(socket:socket(), pos_integer()) -> {ok, binary()} | {error, term()}.
recv(S, Size) ->
    recv(S, Size, []).

-spec recv(socket:socket(), non_neg_integer(), [binary()]) -> {ok, binary()} | {error, term()}.
recv(_, 0, Got) ->
    {ok, iolist_to_binary(lists:reverse(Got))};
recv(S, Size, Got) ->
    case socket:recv(S, Size, nowait) of
        {ok, Data} ->
            recv(S, Size - byte_size(Data), [Data | Got]);
        {select, {{select_info, _, _} = Info, Data}} ->
            selected(S, Info, fun() -> recv(S, Size - byte_size(Data), [Data | Got]) end);
        {select, Info} ->
            selected(S, Info, fun() -> recv(S, Size, Got) end);
        {completion, Info} ->
            case completed(S, Info) of
                {ok, Data} -> recv(S, Size - byte_size(Data), [Data | Got]);
                {more, Data} -> recv(S, Size - byte_size(Data), [Data | Got]);
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

%% Sends everything, as socket:sendv/2 does.
-spec sendv(socket:socket(), erlang:iovec()) -> ok | {error, term()}.
sendv(S, IOV) ->
    case socket:sendv(S, IOV, nowait) of
        ok ->
            ok;
        {ok, Rest} ->
            sendv(S, Rest);
        {select, {{select_info, _, _} = Info, Rest}} ->
            selected(S, Info, fun() -> sendv(S, Rest) end);
        {select, Info} ->
            selected(S, Info, fun() -> sendv(S, IOV) end);
        {completion, Info} ->
            case completed(S, Info) of
                ok -> ok;
                {ok, Written} -> sendv(S, socket:rest_iov(Written, IOV));
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

-spec accept(socket:socket()) -> {ok, socket:socket()} | {error, term()}.
accept(L) ->
    case socket:accept(L, nowait) of
        {ok, S} -> {ok, S};
        {select, Info} -> selected(L, Info, fun() -> accept(L) end);
        {completion, Info} -> completed(L, Info);
        {error, _} = Error -> Error
    end.

-spec connect(socket:socket(), socket:sockaddr()) -> ok | {error, term()}.
connect(S, Addr) ->
    case socket:connect(S, Addr, nowait) of
        ok -> ok;
        {select, Info} -> selected(S, Info, fun() -> socket:connect(S) end);
        {completion, Info} -> completed(S, Info);
        {error, _} = Error -> Error
    end.

-spec selected(socket:socket(), socket:select_info(), fun(() -> Result)) -> Result | {error, term()}.
selected(S, {select_info, _, Handle} = Info, Then) ->
    receive
        {'$socket', S, select, Handle} -> Then();
        {'$socket', S, abort, {Handle, Reason}} -> {error, {abort, Reason}}
    after 10_000 ->
            ok = socket:cancel(S, Info),
            {error, timeout}
    end.

-spec completed(socket:socket(), socket:completion_info()) -> term().
completed(S, {completion_info, _, Handle} = Info) ->
    receive
        {'$socket', S, completion, {Handle, Result}} -> Result;
        {'$socket', S, abort, {Handle, Reason}} -> {error, {abort, Reason}}
    after 10_000 ->
            ok = socket:cancel(S, Info),
            {error, timeout}
    end.

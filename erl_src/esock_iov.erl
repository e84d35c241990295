%% @private
%% @doc I/O vectors with more parts than one call of the NIF takes (1,024): they are checked as a whole before anything is sent,
%% and their parts are joined if the socket sends a message with one call.
-module(esock_iov).

-export([long/1]).
-export([fit/2, fit_all/2]).
-export([window/1]).

%% The most parts that one call takes.
-define(PARTS, 1024).
%% Bytes. No datagram is longer: whatever the size of the send buffer, Linux makes none of more than 4 MB and 17 pages.
-define(DATAGRAM, 8 * 1024 * 1024).
%% Bytes. An attempt at many datagrams sends about 1 MB, and less than this (src/op/gso.rs).
-define(MOST_SENT, (1024 * 1024 + 65536)).

%% @doc Whether an I/O vector, or any other list, has more elements than one call takes.
-spec long(term()) -> boolean().
long(IOV) -> long(IOV, ?PARTS).

long([_, _, _, _, _, _, _, _ | Rest], Left) when Left > 0 -> long(Rest, Left - 8);
long([_ | _], Left) -> Left =:= 0;
long(_, _) -> false.

%% @doc Makes a long I/O vector, or a message with one, fit for the NIF, or returns what is wrong with it.
-spec fit(reference(), erlang:iovec() | map()) -> {ok, erlang:iovec() | map()} | {error, term()}.
fit(Ref, Data) ->
    Type = esock_nif:getopt(Ref, {socket, type}),
    case {sizes(iov(Data), 0, 0), Type} of
        {{error, _} = Error, _} -> Error;
        {_, {error, _} = Error} -> Error;
        {Size, _} -> {ok, fit(Type, Size, Data)}
    end.

%% @doc As {@link fit/2}, for several messages, few of which are long.
-spec fit_all(reference(), [map()]) -> {ok, [map()]} | {error, term()}.
fit_all(Ref, Msgs) ->
    case lists:any(fun(#{iov := IOV}) -> long(IOV) end, Msgs) of
        true -> fit_each(Ref, Msgs, []);
        false -> {ok, Msgs}
    end.

fit_each(_Ref, [], Fit) ->
    {ok, lists:reverse(Fit)};
fit_each(Ref, [#{iov := IOV} = Msg | Msgs], Fit) ->
    case long(IOV) andalso fit(Ref, Msg) of
        false -> fit_each(Ref, Msgs, [Msg | Fit]);
        {ok, New} -> fit_each(Ref, Msgs, [New | Fit]);
        {error, _} = Error -> Error
    end.

iov(#{iov := IOV}) -> IOV;
iov(IOV) -> IOV.

fit({ok, stream}, _Size, Data) -> Data;
fit(_Type, _Size, #{gso := _, iov := IOV} = Msg) -> Msg#{iov := window(IOV)};
%% The NIF returns that the message is too long.
fit(_Type, Size, Data) when Size > ?DATAGRAM -> Data;
fit(_Type, _Size, #{iov := IOV} = Msg) -> Msg#{iov := [iolist_to_binary(IOV)]};
fit(_Type, _Size, IOV) -> [iolist_to_binary(IOV)].

sizes([Part | IOV], Count, Size) when is_binary(Part) -> sizes(IOV, Count + 1, Size + byte_size(Part));
sizes([_ | _], Count, _Size) -> {error, {invalid, {iov, {element_not_binary, Count + 1}}}};
sizes([], _Count, Size) -> Size;
sizes(_, Count, _Size) -> {error, {invalid, {iov, {improper_list, Count}}}}.

%% @doc Joins parts of the data for many datagrams until one call sees all of it, or more than it sends. If it saw less, its
%% last datagram would be short in the middle of the data. Twice as much is joined as needed: if a call sends few bytes, the
%% next needs no join.
-spec window(erlang:iovec()) -> erlang:iovec().
window(IOV) ->
    case one_call_sees(IOV, ?PARTS, 0) of
        true -> IOV;
        false -> join(IOV, [], 0)
    end.

one_call_sees([], _Left, _Size) -> true;
one_call_sees(_IOV, _Left, Size) when Size >= ?MOST_SENT -> true;
one_call_sees(_IOV, 0, _Size) -> false;
one_call_sees([Part | IOV], Left, Size) -> one_call_sees(IOV, Left - 1, Size + byte_size(Part)).

join([Part | IOV], Joined, Size) when Size < 2 * ?MOST_SENT -> join(IOV, [Joined, Part], Size + byte_size(Part));
join(IOV, Joined, _Size) -> [iolist_to_binary(Joined) | IOV].

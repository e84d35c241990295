%% @private
%% @doc I/O vectors of more parts than one call of the NIF takes: checked as a whole before anything is sent, and made fit for
%% sockets on which a message goes with one call.
-module(esock_iov).

-export([long/1]).
-export([fit/2, fit_all/2]).
-export([window/1]).

%% As many parts as one call takes.
-define(PARTS, 1024).
%% No datagram is longer: Linux makes none of more than 4 MB and 17 pages, however large the send buffer is.
-define(DATAGRAM, 8 * 1024 * 1024).
%% An attempt at many datagrams sends about 1 MB, and at least the last of these bytes is behind that (src/op/gso.rs).
-define(ATTEMPT, (1024 * 1024 + 65536)).

%% @doc Whether there are more parts, or whatever it is, than one call takes.
-spec long(term()) -> boolean().
long(IOV) -> long(IOV, ?PARTS).

long([_, _, _, _, _, _, _, _ | Rest], Left) when Left > 0 -> long(Rest, Left - 8);
long([_ | _], Left) -> Left =:= 0;
long(_, _) -> false.

%% @doc A long I/O vector, or a message with one, as the NIF is to get it, or what is wrong with it.
-spec fit(reference(), erlang:iovec() | map()) -> {ok, erlang:iovec() | map()} | {error, term()}.
fit(Ref, Data) ->
    Type = esock_nif:getopt(Ref, {socket, type}),
    case {sizes(iov(Data), 0, 0), Type} of
        {{error, _} = Error, _} -> Error;
        {_, {error, _} = Error} -> Error;
        {Size, _} -> {ok, fit(Type, Size, Data)}
    end.

%% @doc The same of several messages, most of which are not long.
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
%% The NIF answers that it is too long.
fit(_Type, Size, Data) when Size > ?DATAGRAM -> Data;
fit(_Type, _Size, #{iov := IOV} = Msg) -> Msg#{iov := [iolist_to_binary(IOV)]};
fit(_Type, _Size, IOV) -> [iolist_to_binary(IOV)].

sizes([Part | IOV], Count, Size) when is_binary(Part) -> sizes(IOV, Count + 1, Size + byte_size(Part));
sizes([_ | _], Count, _Size) -> {error, {invalid, {iov, {element_not_binary, Count + 1}}}};
sizes([], _Count, Size) -> Size;
sizes(_, Count, _Size) -> {error, {invalid, {iov, {improper_list, Count}}}}.

%% @doc Data for many datagrams, of which one call sees all, or more than it sends: where it saw fewer, its last datagram would
%% be short in the middle of the data. What is joined is twice as much: with few bytes gone it need not be joined again.
-spec window(erlang:iovec()) -> erlang:iovec().
window(IOV) ->
    case sees(IOV, ?PARTS, 0) of
        true -> IOV;
        false -> join(IOV, [], 0)
    end.

sees([], _Left, _Size) -> true;
sees(_IOV, _Left, Size) when Size >= ?ATTEMPT -> true;
sees(_IOV, 0, _Size) -> false;
sees([Part | IOV], Left, Size) -> sees(IOV, Left - 1, Size + byte_size(Part)).

join([Part | IOV], Joined, Size) when Size < 2 * ?ATTEMPT -> join(IOV, [Joined, Part], Size + byte_size(Part));
join(IOV, Joined, _Size) -> [iolist_to_binary(Joined) | IOV].

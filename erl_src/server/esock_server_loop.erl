%% @private
%% @doc Loops of one process over several sockets: accept, and receive datagrams.
-module(esock_server_loop).

-export([accept_loop/3, tcp/3, unix/3, each/3]).

%% @doc Calls `Fun' for each connection, in the calling process.
-spec accept_loop([esock:socket()], map(), fun((esock:socket(), map()) -> term())) -> ok | {error, term()}.
accept_loop(Sockets, Opts, Fun) ->
    case esock_server_opts:check(Opts, [loop]) of
        ok when Sockets =:= [] -> {error, {invalid, no_sockets}};
        ok ->
            Filter = case Opts of #{peercred := P} -> esock_server_unix:peercred(P); _ -> none end,
            each(Sockets, accept, fun(_, S) -> connection(S, Filter, maps:get(close, Opts, false), Fun) end);
        Error -> Error
    end.

connection(S, Filter, Close, Fun) ->
    case esock_server_unix:allowed(S, Filter) andalso esock:peername(S) of
        {ok, Peer} ->
            try Fun(S, Peer)
            after Close andalso esock:close(S)
            end;
        %% Refused, or reset before it was accepted.
        _ -> esock:close(S)
    end.

%% @doc As `Socket.tcp_server_loop' of Ruby.
-spec tcp(term(), map(), fun((esock:socket(), map()) -> term())) -> ok | {error, term()}.
tcp(What, Opts, Fun) ->
    {Loop, Listen} = split(Opts),
    served(case What of
               Port when is_integer(Port) -> esock_server:listen_all(any, Port, Listen);
               {Host, Port} when Host =/= unix -> esock_server:listen_all(Host, Port, Listen);
               _ -> one(esock_server:listen(What, Listen))
           end, Loop, Fun).

%% @doc As `Socket.unix_server_loop' of Ruby.
-spec unix(file:name_all(), map(), fun((esock:socket(), map()) -> term())) -> ok | {error, term()}.
unix(Path, Opts, Fun) ->
    {Loop, Listen} = split(Opts),
    served(one(esock_server:listen({unix, Path}, Listen)), Loop, Fun).

split(Opts) when is_map(Opts) -> {maps:with([close, peercred], Opts), maps:without([close, peercred], Opts)};
split(Opts) -> {#{}, Opts}.

one({ok, S}) -> {ok, [S]};
one(Error) -> Error.

served({ok, Sockets}, Loop, Fun) ->
    try accept_loop(Sockets, Loop, Fun)
    after lists:foreach(fun esock_server:close/1, Sockets)
    end;
served(Error, _, _) -> Error.

%%% ---- Several sockets ------------------------------------------------------------------------------------------------

%% @doc Calls `Take' with each result of `Op' on one of the sockets, until it returns `stop', or all sockets are closed. Whatever
%% ends the loop, nothing waits any more and no message is left.
-spec each([esock:socket()], accept | recvmsg, fun((esock:socket(), term()) -> term())) -> ok | {error, term()}.
each([S], Op, Take) -> single(S, Op, Take);
each(Sockets, Op, Take) ->
    Handle = make_ref(),
    try turn(Sockets, Sockets, {Op, Take, Handle})
    after lists:foreach(fun(S) -> cancel(S, Op, Handle) end, Sockets)
    end.

cancel({'$socket', Ref}, Op, Handle) -> esock_wait:cancel(Ref, Op, Handle).

single(S, Op, Take) ->
    Result = case Op of accept -> esock:accept(S); recvmsg -> esock:recvmsg(S) end,
    case Result of
        {ok, Got} ->
            case Take(S, Got) of
                stop -> ok;
                _ -> single(S, Op, Take)
            end;
        {error, closed} -> ok;
        {error, Reason} ->
            case lasts(Reason) of
                true -> {error, Reason};
                false -> single(S, Op, Take)
            end
    end.

%% `Ready' are those to attempt; the others of `Open' wait.
turn(_, [], _) -> ok;
turn(Ready, Open, {Op, Take, Handle} = How) ->
    case woken(Ready, Handle) of
        [S | Rest] ->
            case attempt(S, Op, Handle) of
                wait -> turn(Rest, Open, How);
                {ok, Got} ->
                    case Take(S, Got) of
                        stop -> ok;
                        _ -> turn(Rest ++ [S], Open, How)
                    end;
                {error, closed} -> turn(Rest, lists:delete(S, Open), How);
                {error, Reason} ->
                    case lasts(Reason) of
                        true -> {error, Reason};
                        false -> turn(Rest ++ [S], Open, How)
                    end;
                yield -> turn(Rest ++ [S], Open, How)
            end
    end.

%% A socket whose message has come is ready. A busy socket does not keep the others from being looked at.
woken(Ready, Handle) ->
    Patience = case Ready of [] -> infinity; _ -> 0 end,
    Found = receive
                {'$socket', S, select, Handle} -> S;
                {'$socket', S, abort, {Handle, _}} -> S
            after Patience -> none
            end,
    case Found of
        none -> Ready;
        _ -> woken(Ready ++ [Found], Handle)
    end.

attempt({'$socket', Ref}, Op, Handle) ->
    Call = case Op of accept -> accept; recvmsg -> {recvmsg, 0, 0, []} end,
    case esock_wait:call(Ref, Call, Handle, 100) of
        {signals, _} = Result -> esock_wait:with_signals(Result);
        Result -> Result
    end.

%% Errors of the socket itself. All others are of one connection or datagram, or of a lack after which accept backs off.
lasts(Reason) -> lists:member(Reason, [einval, ebadf, enotsock, eopnotsupp, efault, enotconn]).

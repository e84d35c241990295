%% @private
%% @doc Descriptors in messages of Unix sockets, SCM_RIGHTS of unix(7).
-module(esock_rights).

-export([send/4]).
-export([recv/5]).

%% The most descriptors of one message, SCM_MAX_FD of the system.
-define(MAX, 253).

%% @doc Sends data with descriptors. Sockets go as duplicates, which keep the file open until the call returns, whoever closes
%% the sockets meanwhile.
-spec send(esock:socket(), iodata(), [term()], map()) -> ok | {ok, erlang:iovec()} | {error, term()}.
send(Socket, Data, FDs, Opts) ->
    IOV = erlang:iolist_to_iovec(Data),
    Known = #{addr => fun is_map/1, flags => fun is_list/1, timeout => fun timeout/1},
    case {esock_fd:check(Opts, Known), FDs} of
        {ok, [_ | _]} when length(FDs) =< ?MAX ->
            case IOV =:= [] andalso esock:getopt(Socket, {socket, type}) of
                %% The system drops the descriptors.
                {ok, stream} -> {error, {invalid, {iov, empty}}};
                {error, _} = Error -> Error;
                _ -> numbers(FDs, [], fun(Numbers) -> message(Socket, IOV, Numbers, Opts) end)
            end;
        {ok, _} -> {error, {invalid, {fds, FDs}}};
        {Error, _} -> Error
    end.

timeout(infinity) -> true;
timeout(Timeout) -> is_integer(Timeout) andalso Timeout >= 0.

message(Socket, IOV, Numbers, Opts) ->
    Msg = #{iov => IOV, ctrl => [#{level => socket, type => rights, value => Numbers}]},
    esock:sendmsg(Socket, maps:merge(Msg, maps:with([addr], Opts)), maps:get(flags, Opts, []), maps:get(timeout, Opts, infinity)).

numbers([], Numbers, Send) ->
    Send(lists:reverse(Numbers));
numbers([Number | FDs], Numbers, Send) when is_integer(Number) ->
    numbers(FDs, [Number | Numbers], Send);
numbers([{'$socket', Ref} = Socket | FDs], Numbers, Send) when is_reference(Ref) ->
    Next = fun(Number) ->
        case esock:info(Socket) of
            #{read_ahead := 0} -> numbers(FDs, [Number | Numbers], Send);
            #{read_ahead := Unread} -> {error, {read_ahead, Unread}}
        end
    end,
    esock_fd:with_fd(Socket, Next);
numbers([{file_descriptor, prim_file, _} = File | FDs], Numbers, Send) ->
    case prim_file:get_handle(File) of
        <<Number:32/native-signed>> when Number >= 0 -> numbers(FDs, [Number | Numbers], Send);
        _ -> {error, {invalid, {fd, File}}}
    end;
numbers([{file_descriptor, raw_file_io_list, File} | FDs], Numbers, Send) ->
    %% A file that was opened without `binary'.
    numbers([File | FDs], Numbers, Send);
numbers([Other | _], _Numbers, _Send) ->
    {error, {invalid, {fd, Other}}}.

%% @doc Receives data with descriptors. `How' is what `Timeout' means, as for the other receives.
-spec recv(reference(), non_neg_integer(), non_neg_integer(), map(), {block | zero | nowait, term()}) -> term().
recv(Ref, Size, Max, Opts, {How, Timeout}) ->
    Known = #{as => fun(As) -> As =:= fd orelse As =:= socket end, flags => fun is_list/1, timeout => fun(_) -> true end},
    case esock_fd:check(Opts, Known) of
        ok ->
            Args = {Size, {fds, Max, maps:get(as, Opts, socket)}, maps:get(flags, Opts, [])},
            received(esock_wait:with_signals(receives(Ref, Args, How, Timeout)));
        Error ->
            Error
    end.

receives(Ref, {Size, Rights, Flags}, block, Timeout) -> esock_wait:run(Ref, {recvmsg, Size, Rights, Flags}, Timeout);
receives(Ref, {Size, Rights, Flags}, zero, _Timeout) -> esock_wait:once(Ref, {recvmsg, Size, Rights, Flags});
receives(Ref, {Size, Rights, Flags}, How, Handle) -> esock_nif:recvmsg(Ref, Size, Rights, Flags, Handle, How).

%% The numbers in the control messages are those of `fds', or of descriptors that are closed.
received({ok, Msg}) -> {ok, without_rights(Msg)};
received({select_read, {Info, Msg}}) -> {select_read, {Info, without_rights(Msg)}};
received({completion, {Info, #{} = Msg}}) -> {completion, {Info, without_rights(Msg)}};
received(Result) -> Result.

without_rights(#{ctrl := Ctrl} = Msg) ->
    Msg#{ctrl := [Message || Message <- Ctrl, not is_rights(Message)]}.

is_rights(#{level := socket, type := rights}) -> true;
is_rights(_) -> false.

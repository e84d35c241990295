%% @private
%% @doc `sendfile' of the API: by sendfile(2) for a file with a usable descriptor, by reading and sending for any other.
-module(esock_sendfile).

-export([send/5]).

%% Bytes of a file that one call of the NIF sends at most.
-define(CHUNK, 1_048_576).
%% The largest off_t.
-define(MAX_OFFSET, 16#7FFFFFFFFFFFFFFF).

%% @doc Sends `Count' bytes from `Offset' on (0: up to the end of the file). `Wait' is `{block, Deadline}' (of the monotonic
%% time, in milliseconds), `{zero, _}', or `{nowait, Handle}'.
-spec send(esock:socket(), term(), integer(), non_neg_integer(), {block, infinity | integer()} | {zero | nowait, term()}) ->
          {ok, non_neg_integer()} | {select | completion, term()} | {error, term()}.
send(_, _, Offset, _, _) when Offset > ?MAX_OFFSET; Offset < -?MAX_OFFSET ->
    {error, {invalid, {integer_range, Offset}}};
send(_, _, _, Count, _) when Count > ?MAX_OFFSET ->
    {error, {invalid, {integer_range, Count}}};
send({'$socket', Ref} = Socket, File, Offset, Count, Wait) ->
    case descriptor(File) of
        {ok, Fd} when element(1, Wait) =:= nowait -> complete_whole(Ref, Fd, File, Offset, Count, Wait);
        {ok, Fd} -> direct(Ref, Fd, File, Offset, Count, Wait, 0);
        copy -> copy(Socket, File, Offset, Count, Wait, 0);
        {error, _} = Error -> Error
    end.

%% A file that was opened `raw' has a descriptor, which is duplicated. A file that a process serves, or that is read through a
%% buffer of decompressed or encoded data, has no descriptor with the same bytes.
descriptor({file_descriptor, prim_file, _} = File) ->
    case prim_file:get_handle(File) of
        <<Fd:32/native>> -> {ok, Fd};
        {error, _} = Error -> Error
    end;
descriptor(File) when is_pid(File); element(1, File) =:= file_descriptor ->
    copy.

%% On a socket with completions one completion sends the whole.
complete_whole(Ref, Fd, File, Offset, Count, {nowait, Handle} = Wait) ->
    case esock_nif:file(Ref, Fd, {Offset, size(Count, 0)}) of
        undefined -> direct(Ref, Fd, File, Offset, Count, Wait, 0);
        {error, _} = Error -> Error;
        Whole when Count =:= 0 -> esock_nif:sendfile(Ref, Whole, {Offset, ?MAX_OFFSET}, Handle);
        Whole -> esock_nif:sendfile(Ref, Whole, {Offset, Count}, Handle)
    end.

direct(Ref, Fd, File, Offset, Count, Wait, Sent) ->
    Size = size(Count, Sent),
    Part = {Offset + Sent, Size},
    Size > 0 andalso esock_nif:readahead(Fd, Part),
    case Size > 0 andalso part(Ref, Fd, File, Part, Wait) of
        false -> {ok, Sent};
        {ok, 0} -> {ok, Sent};
        {ok, Put} -> direct(Ref, Fd, File, Offset, Count, Wait, Sent + Put);
        {select, {Info, Put}} when is_integer(Put) -> {select, {Info, Sent + Put}};
        {select, Info} when Sent > 0 -> {select, {Info, Sent}};
        {select, _} = Select -> Select;
        {error, {Reason, Put}} when is_integer(Put) -> {error, {Reason, Sent + Put}};
        {error, _} = Error -> partial(Error, Sent)
    end.

part(Ref, Fd, _File, {Offset, Size}, {block, Deadline}) ->
    esock_wait:run(Ref, {sendfile, Fd, Offset, Size, 0}, left(Deadline));
part(Ref, Fd, File, Part, {How, Handle}) ->
    esock_nif:sendfile(Ref, Fd, Part, {sendfile, File}, Handle, How).

size(0, _Sent) -> ?CHUNK;
size(Count, Sent) -> min(?CHUNK, Count - Sent).

copy(Socket, File, Offset, Count, Wait, Sent) ->
    Size = size(Count, Sent),
    case Size > 0 andalso file:pread(File, Offset + Sent, Size) of
        false -> {ok, Sent};
        eof -> {ok, Sent};
        {error, _} = Error -> partial(Error, Sent);
        {ok, Data} -> copied(Socket, File, Offset, Count, Wait, Sent, iolist_to_binary(Data))
    end.

copied(Socket, File, Offset, Count, Wait, Sent, Data) ->
    case send(Socket, Data, Wait) of
        ok ->
            copy(Socket, File, Offset, Count, Wait, Sent + byte_size(Data));
        {more, Rest} ->
            copied(Socket, File, Offset, Count, Wait, Sent + byte_size(Data) - byte_size(Rest), Rest);
        {select, {{select_info, _, Handle1}, Rest}} ->
            Put = Sent + byte_size(Data) - byte_size(Rest),
            {select, {{select_info, {sendfile, File}, Handle1}, Put}};
        {select, {select_info, _, Handle1}} when Sent =:= 0 ->
            {select, {select_info, {sendfile, File}, Handle1}};
        {select, {select_info, _, Handle1}} ->
            {select, {{select_info, {sendfile, File}, Handle1}, Sent}};
        {error, {Reason, Rest}} when is_binary(Rest) ->
            partial({error, Reason}, Sent + byte_size(Data) - byte_size(Rest));
        {error, _} = Error ->
            partial(Error, Sent)
    end.

%% The caller learns of each part that was sent, so `nowait' returns `select' on any socket.
send({'$socket', Ref}, Data, {nowait, Handle}) -> esock_nif:send(Ref, Data, [], Handle, select);
send(Socket, Data, {zero, _}) -> esock:send(Socket, Data, 0);
send(Socket, Data, {block, Deadline}) -> esock:send(Socket, Data, left(Deadline)).

partial(Error, 0) -> Error;
partial({error, Reason}, Sent) -> {error, {Reason, Sent}}.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

%% @private
%% @doc Copies between streams and files, and sends files: the loops of {@link esock_io:copy/3} and {@link
%% esock_io:sendfile_all/3}.
%%
%% A copy from a socket to a socket receives and sends. splice(2) through a pipe is not used: measured on loopback it moved
%% no more bytes a second, and cost the program as much CPU time within the noise, because the receiving and the sending side
%% of TCP cost more than the copy (doc/figures.md).
-module(esock_io_copy).

-export([copy/3, sendfile_all/3]).

%% Bytes in memory at most, by default.
-define(CHUNK, 262_144).
%% Reasons for which sendfile(2) does not serve a file that can be read.
-define(REFUSED(Reason), (Reason =:= einval orelse Reason =:= enosys orelse Reason =:= enotsup orelse Reason =:= espipe)).

-record(copy, {put :: fun((binary()) -> ok | {error, term()}),
               left :: non_neg_integer() | infinity,
               chunk :: pos_integer(),
               wait :: esock_io:wait() | {until, integer()},
               done = 0 :: non_neg_integer()}).

-spec copy(esock_io:source(), esock_io:target(), esock_io:copy_options()) ->
          {ok, non_neg_integer()} | {ok, non_neg_integer(), esock_io:reader()} |
          {error, term()} | {error, term(), esock_io:reader()}.
copy(From, To, Opts) when is_map(Opts) ->
    case esock_io_reader:options(Opts, [count, timeout, chunk]) of
        ok -> copy_checked(From, To, checked(Opts));
        {error, Reason} when is_tuple(From), element(1, From) =/= '$socket', element(1, From) =/= file -> {error, Reason, From};
        Error -> Error
    end.

checked(Opts) -> maps:map(fun check/2, Opts).

check(Key, infinity) when Key =:= count; Key =:= timeout -> infinity;
check(Key, N) when is_integer(N), N >= 0, Key =/= chunk -> N;
check(chunk, N) when is_integer(N), N > 0 -> N;
check(Key, Value) -> erlang:error({invalid, {option, {Key, Value}}}).

copy_checked({file, File}, To, Opts) when element(1, To) =/= file -> sendfile_all(To, File, Opts);
copy_checked(From, {file, File}, Opts) when element(1, From) =/= file ->
    case writable(File) of
        {ok, Fd, Close} ->
            try stream(From, fun(Data) -> file:write(Fd, Data) end, Opts)
            after Close()
            end;
        {error, Reason} -> failed(Reason, 0, <<>>, From)
    end;
copy_checked({file, _} = From, To, _) -> erlang:error(badarg, [From, To]);
copy_checked(From, To, Opts) ->
    Socket = socket(To),
    Wait = esock_io_reader:deadline(maps:get(timeout, Opts, infinity)),
    stream(From, fun(Data) -> esock:send(Socket, Data, esock_io_reader:left(Wait)) end, Opts#{timeout => Wait}).

socket({'$socket', _} = Socket) -> Socket;
socket(Reader) -> esock_io_reader:socket(Reader).

%%% ---- From a stream ------------------------------------------------------------------------------------------------------

stream(From, Put, Opts) ->
    Wait = esock_io_reader:deadline(maps:get(timeout, Opts, infinity)),
    Copy = #copy{put = Put, left = maps:get(count, Opts, infinity), chunk = maps:get(chunk, Opts, ?CHUNK), wait = Wait},
    case From of
        {'$socket', _} -> socket_loop(From, From, Copy);
        Reader -> reader_loop(Reader, Copy)
    end.

%% What the buffer holds goes first.
reader_loop(Reader, #copy{left = Left, chunk = Chunk} = Copy) ->
    case esock_io_reader:take(Reader, min(Left, Chunk)) of
        {<<>>, Empty} -> socket_loop(esock_io_reader:socket(Empty), Empty, Copy);
        {Data, Rest} ->
            case put_chunk(Data, Copy) of
                {ok, Next} -> reader_loop(Rest, Next);
                {error, Reason, Done, Unsent} -> failed(Reason, Done, Unsent, Rest)
            end
    end.

socket_loop(_, From, #copy{left = 0, done = Done}) -> copied(Done, From);
socket_loop(Socket, From, #copy{left = Left, chunk = Chunk, wait = Wait, done = Done} = Copy) ->
    case esock:recv_some(Socket, min(Left, Chunk), [], esock_io_reader:left(Wait)) of
        {ok, Data} ->
            case put_chunk(Data, Copy) of
                {ok, Next} -> socket_loop(Socket, From, Next);
                {error, Reason, Sent, Unsent} -> failed(Reason, Sent, Unsent, From)
            end;
        eof -> copied(Done, From);
        {error, Reason} -> failed(Reason, Done, <<>>, From)
    end.

put_chunk(Data, #copy{put = Put, left = Left, done = Done} = Copy) ->
    Size = byte_size(Data),
    case Put(Data) of
        ok -> {ok, Copy#copy{left = less(Left, Size), done = Done + Size}};
        {error, {Reason, Rest}} when is_binary(Rest) -> {error, Reason, Done + Size - byte_size(Rest), Rest};
        {error, Reason} -> {error, Reason, Done, Data}
    end.

less(infinity, _) -> infinity;
less(Left, Size) -> Left - Size.

copied(Done, {'$socket', _}) -> {ok, Done};
copied(Done, Reader) -> {ok, Done, Reader}.

failed(Reason, Done, Unsent, {'$socket', _}) -> {error, {Reason, Done, Unsent}};
failed(Reason, Done, Unsent, Reader) -> {error, {Reason, Done}, esock_io_reader:unread(Reader, Unsent)}.

%%% ---- Files ------------------------------------------------------------------------------------------------------------------

writable(File) -> opened(File, [write, raw, binary]).

%% An open file, or a new one, and what closes it.
opened(File, _) when is_pid(File); element(1, File) =:= file_descriptor -> {ok, File, fun() -> ok end};
opened(Name, Modes) ->
    case file:open(Name, Modes) of
        {ok, Fd} -> {ok, Fd, fun() -> _ = file:close(Fd), ok end};
        {error, _} = Error -> Error
    end.

-spec sendfile_all(esock:socket() | esock_io:reader(), file:io_device() | file:name_all(), esock_io:file_options()) ->
          {ok, non_neg_integer()} | {error, esock:invalid() | {term(), non_neg_integer()}}.
sendfile_all(To, File, Opts) when is_map(Opts) ->
    case esock_io_reader:options(Opts, [offset, count, timeout, chunk]) of
        ok -> send_opened(socket(To), opened(File, [read, raw, binary]), checked(Opts));
        Error -> Error
    end.

send_opened(Socket, {ok, Fd, Close}, Opts) ->
    try send_file(Socket, Fd, Opts)
    after Close()
    end;
send_opened(_, {error, Reason}, _) -> {error, {Reason, 0}}.

send_file(_, _, #{count := 0}) -> {ok, 0};
send_file(Socket, Fd, Opts) ->
    Wait = esock_io_reader:deadline(maps:get(timeout, Opts, infinity)),
    Offset = maps:get(offset, Opts, 0),
    Count = maps:get(count, Opts, infinity),
    case esock:sendfile(Socket, Fd, Offset, whole(Count), esock_io_reader:left(Wait)) of
        {ok, Sent} -> {ok, Sent};
        {error, {Reason, Sent}} when is_integer(Sent), ?REFUSED(Reason) -> read_on(Socket, Fd, Opts, Wait, Sent);
        {error, Reason} when ?REFUSED(Reason) -> read_on(Socket, Fd, Opts, Wait, 0);
        {error, {invalid, _}} = Error -> Error;
        {error, {_, Sent}} = Error when is_integer(Sent) -> Error;
        {error, Reason} -> {error, {Reason, 0}}
    end.

whole(infinity) -> 0;
whole(Count) -> Count.

%% Reads and sends the rest.
read_on(Socket, Fd, Opts, Wait, Sent) ->
    Put = fun(Data) -> esock:send(Socket, Data, esock_io_reader:left(Wait)) end,
    Copy = #copy{put = Put, left = less(maps:get(count, Opts, infinity), Sent), chunk = maps:get(chunk, Opts, ?CHUNK), wait = Wait,
                 done = Sent},
    Offset = maps:get(offset, Opts, 0),
    file_loop(fun(Done, Size) -> part(Fd, Offset, Done, Size) end, Copy).

%% A pipe has no positions: it is read on.
part(Fd, Offset, Done, Size) ->
    case file:pread(Fd, Offset + Done, Size) of
        {error, espipe} when Offset =:= 0 -> file:read(Fd, Size);
        Result -> Result
    end.

file_loop(_, #copy{left = 0, done = Done}) -> {ok, Done};
file_loop(Read, #copy{left = Left, chunk = Chunk, done = Done} = Copy) ->
    case Read(Done, min(Left, Chunk)) of
        {ok, Data} ->
            case put_chunk(iolist_to_binary(Data), Copy) of
                {ok, Next} -> file_loop(Read, Next);
                {error, Reason, Sent, _} -> {error, {Reason, Sent}}
            end;
        eof -> {ok, Done};
        {error, Reason} -> {error, {Reason, Done}}
    end.

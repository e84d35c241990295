%% @doc Buffered reading from a stream, and moving bytes between sockets and files.
%%
%% A reader ({@link new/2}) holds the bytes of a stream that have been received and not been read. It reads lines
%% ({@link readline/3}), exact lengths, up to a pattern, and every packet type of {@link erlang:decode_packet/3}, in any order on
%% one connection. `gen_tcp' does the same with the option `packet', in the driver.
%% ```
%% {ok, R0} = esock_io:new(Socket),
%% ok = esock:send(Peer, "one\ntwo"),
%% {ok, <<"one">>, R1} = esock_io:readline(R0, 5000),
%% {error, timeout, R2} = esock_io:readline(R1, 100),
%% ok = esock:send(Peer, "\n"),
%% {ok, <<"two">>, _} = esock_io:readline(R2, 5000).
%% '''
%% == The reader is a value ==
%%
%% Each call returns the reader for the next call, also with an error. So the reader needs no process, table or descriptor,
%% nothing is left when its process ends, and a line that is in the buffer costs neither a message nor a copy. Use the newest
%% reader only: an older one reads bytes again that the newest has read, and lacks those that were received since. Give the
%% reader along when another process takes the socket over. While a reader is in use, do not receive from its socket directly.
%%
%% == Results ==
%% <ul>
%% <li>`{ok, Data, Reader}';</li>
%% <li>`{eof, Reader}': the peer has ended the stream, and the buffer is empty;</li>
%% <li>`{error, {eof, N}, Reader}': the stream has ended before the line, the length or the packet is complete. Its `N' bytes
%% are in the reader: {@link read/3} returns them;</li>
%% <li>`{error, {too_long, Limit}, Reader}': the line or packet has more than `Limit' bytes, its end included. All bytes are in
%% the reader. The buffer never grows beyond `Limit' and one receive (`read_size');</li>
%% <li>`{error, timeout, Reader}' and other reasons of {@link esock:recv/4}. No byte is lost, and the same or any other call
%% continues;</li>
%% <li>`{select, SelectInfo, Reader}', `{completion, CompletionInfo, Reader}' with `nowait'.</li>
%% </ul>
%%
%% == Waiting ==
%%
%% The last argument is the time for the whole call in milliseconds, by default `infinity'. With `0' the call takes what the
%% system has and does not wait. With `nowait' or a handle it answers as {@link esock:recv/4}: after the `select' message call
%% again; the `completion' message brings `{ok, Data}', which {@link feed/2} adds to the reader, or `eof' or an error. On a
%% socket with `{otp, select_read}' set, what was received is in the reader of `{select, _, Reader}', so call again before the
%% message too.
%%
%% Data is a part of the binary that was received, as with {@link binary:part/3}. A program that keeps a small part for long
%% copies it with {@link binary:copy/1}, so that the rest can be freed.
-module(esock_io).

-export([new/1, new/2, socket/1, buffered/1, unread/2, feed/2]).
-export([read/2, read/3, read_exactly/2, read_exactly/3, peek/2, peek/3]).
-export([readline/1, readline/2, readline/3, read_until/2, read_until/3, read_until/4]).
-export([read_packet/2, read_packet/3, read_packet/4]).
-export([write/2, write/3]).
-export([copy/2, copy/3, sendfile_all/2, sendfile_all/3, relay/2, relay/3]).

-export_type([reader/0, options/0, line_options/0, until_options/0, eol/0, wait/0, result/1, reason/0]).
-export_type([packet_type/0, packet_options/0, source/0, target/0, copy_options/0, file_options/0]).
-export_type([relay_options/0, relay_error/0]).

-type reader() :: esock_io_reader:reader().
%% A stream socket with the bytes that have been received and not been read.

-type eol() :: lf | crlf | any.
%% What ends a line: `lf', the byte 10; `crlf', the bytes 13 and 10, and no other; `any', the byte 10, with or without 13
%% before it.

-type options() :: #{eol => eol(), keep => boolean(), limit => pos_integer() | infinity, read_size => pos_integer()}.
%% `eol' (default `lf'); `keep': lines and the bytes up to a pattern include their end (default false); `limit': the most bytes
%% of a line or a packet, with its end or header (default 65536); `read_size': the most bytes that a receive asks for (default
%% 65536). A receive for a known length asks for up to 1 MB. Example: `#{eol => crlf, limit => 8192}'.

-type line_options() :: #{eol => eol(), keep => boolean(), limit => pos_integer() | infinity}.
%% Options of one call, in place of the reader's. Example: `#{eol => any, keep => true}'.

-type until_options() :: #{keep => boolean(), limit => pos_integer() | infinity}.
%% As {@link line_options()}. Example: `#{limit => 1_000_000}'.

-type wait() :: timeout() | nowait | esock:select_handle().
%% How long to wait: milliseconds for the whole call, or not. Example: `5000'.

-type reason() :: esock:posix() | closed | timeout | {eof, pos_integer()} | {too_long, pos_integer()} | esock:invalid() | invalid.
%% Why a call failed. `invalid': {@link erlang:decode_packet/3} finds the packet invalid. Example: `{too_long, 65536}'.

-type result(Data) ::
        {ok, Data, reader()} | {eof, reader()} | {error, reason(), reader()} |
        {select, esock:select_info(), reader()} | {completion, esock:completion_info(), reader()}.
%% What the reading calls return. Example: `{eof, Reader}'.

-type packet_type() ::
        raw | 0 | 1 | 2 | 4 | asn1 | cdr | sunrm | fcgi | ssl_tls | tpkt | line | http | http_bin | httph | httph_bin.
%% A type of {@link erlang:decode_packet/3}. Example: `4'.

-type packet_options() ::
        [{packet_size, non_neg_integer()} | {line_length, non_neg_integer()} | {line_delimiter, byte()}].
%% The options of {@link erlang:decode_packet/3}. With a `packet_size' or `line_length' above 0 the reader's `limit' does not
%% apply. Example: `[{packet_size, 1_000_000}]'.

-type source() :: esock:socket() | reader() | {file, file:io_device() | file:name_all()}.
%% Where {@link copy/3} takes bytes from. Example: `{file, "/etc/hosts"}'.

-type target() :: esock:socket() | reader() | {file, file:io_device() | file:name_all()}.
%% Where {@link copy/3} puts bytes: of a reader, its socket. Example: `{file, "/tmp/upload"}'.

-type copy_options() :: #{count => non_neg_integer() | infinity, timeout => timeout(), chunk => pos_integer()}.
%% `count': the most bytes (default `infinity', up to the end); `timeout': milliseconds for the whole call (default
%% `infinity'); `chunk': the most bytes in memory (default 262144). Example: `#{count => 1_000_000, timeout => 30_000}'.

-type file_options() ::
        #{offset => non_neg_integer(), count => non_neg_integer() | infinity, timeout => timeout(), chunk => pos_integer()}.
%% As {@link copy_options()}; `offset': the first byte of the file (default 0). Example: `#{offset => 100}'.

-type relay_options() :: #{timeout => timeout(), idle_timeout => timeout(), chunk => pos_integer()}.
%% `timeout': milliseconds for the whole relay (default `infinity'); `idle_timeout': milliseconds without a byte in either
%% direction (default `infinity'); `chunk': the most bytes in memory, in each direction (default 65536). Example:
%% `#{idle_timeout => 60_000}'.

-type relay_error() ::
        {Reason :: esock:posix() | closed | timeout | idle_timeout,
         #{sent := {non_neg_integer(), non_neg_integer()}, unsent := {binary(), binary()}}}.
%% Why a relay ended early, how many bytes it had sent to the second and to the first socket, and the bytes that it had
%% received for each and not sent. Example: `{idle_timeout, #{sent => {10, 20}, unsent => {<<>>, <<>>}}}'.

%%% ---- The reader -------------------------------------------------------------------------------------------------------

%% @equiv new(Socket, #{})
-spec new(esock:socket()) -> {ok, reader()}.
new(Socket) ->
    {ok, _} = new(Socket, #{}).

%% @doc Makes a reader of a connected stream socket, with an empty buffer. The socket keeps its owner and its options.
%%
%% Returns `{ok, Reader}', or `{error, {invalid, {option, Key}}}' for an unknown option. A bad value raises
%% `{invalid, {option, {Key, Value}}}'.
%% ```
%% {ok, Reader} = esock_io:new(Socket, #{eol => crlf, limit => 8192}).
%% '''
-spec new(esock:socket(), options()) -> {ok, reader()} | {error, esock:invalid()}.
new(Socket, Opts) -> esock_io_reader:new(Socket, Opts).

%% @doc Returns the socket of a reader.
%% ```
%% ok = esock:close(esock_io:socket(Reader)).
%% '''
-spec socket(reader()) -> esock:socket().
socket(Reader) -> esock_io_reader:socket(Reader).

%% @doc Returns the bytes that have been received and not been read, without a receive. What takes the socket over needs them
%% first, for example TLS after STARTTLS.
%% ```
%% {ok, Reader} = esock_io:new(Socket),
%% <<>> = esock_io:buffered(Reader).
%% '''
-spec buffered(reader()) -> binary().
buffered(Reader) -> esock_io_reader:buffered(Reader).

%% @doc Puts bytes in front of the buffer: the next call reads them first. Returns the reader.
%% ```
%% {ok, Line, R1} = esock_io:readline(Reader),
%% R2 = esock_io:unread(R1, [Line, $\n]).
%% '''
-spec unread(reader(), iodata()) -> reader().
unread(Reader, Data) -> esock_io_reader:unread(Reader, Data).

%% @doc Adds bytes to the end of the buffer that the program has received from the socket itself, for example with a
%% completion. Returns the reader.
%% ```
%% {completion, {completion_info, _, Handle}, R1} = esock_io:readline(Reader, nowait),
%% receive {'$socket', _, completion, {Handle, {ok, Data}}} -> esock_io:readline(esock_io:feed(R1, Data), nowait) end.
%% '''
-spec feed(reader(), iodata()) -> reader().
feed(Reader, Data) -> esock_io_reader:feed(Reader, Data).

%%% ---- Bytes --------------------------------------------------------------------------------------------------------------

%% @equiv read(Reader, Max, infinity)
-spec read(reader(), pos_integer()) -> result(binary()).
read(Reader, Max) -> read(Reader, Max, infinity).

%% @doc Reads what is there, at least one byte and at most `Max': from the buffer, or if that is empty with one receive.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, <<"he">>, R1} = esock_io:read(Reader, 2, 5000),
%% {ok, <<"llo">>, _} = esock_io:read(R1, 100, 5000).
%% '''
-spec read(reader(), Max :: pos_integer(), wait()) -> result(binary()).
read(Reader, Max, Wait) -> esock_io_reader:read(Reader, Max, Wait).

%% @equiv read_exactly(Reader, N, infinity)
-spec read_exactly(reader(), non_neg_integer()) -> result(binary()).
read_exactly(Reader, N) -> read_exactly(Reader, N, infinity).

%% @doc Reads `N' bytes. If fewer have come by the timeout or the end of the stream, they stay in the reader. The option `limit'
%% does not apply: check an `N' that comes from the peer.
%% ```
%% ok = esock:send(Peer, "hello"),
%% {error, timeout, R1} = esock_io:read_exactly(Reader, 6, 100),
%% {ok, <<"hello">>, _} = esock_io:read_exactly(R1, 5, 100).
%% '''
-spec read_exactly(reader(), non_neg_integer(), wait()) -> result(binary()).
read_exactly(Reader, N, Wait) -> esock_io_reader:exactly(Reader, N, Wait).

%% @equiv peek(Reader, N, infinity)
-spec peek(reader(), non_neg_integer()) -> result(binary()).
peek(Reader, N) -> peek(Reader, N, infinity).

%% @doc Returns the next `N' bytes as {@link read_exactly/3}, and leaves them in the reader.
%% ```
%% case esock_io:peek(Reader, 1, 5000) of
%%     {ok, <<22>>, R1} -> {tls, R1};
%%     {ok, _, R1} -> {plain, R1}
%% end.
%% '''
-spec peek(reader(), non_neg_integer(), wait()) -> result(binary()).
peek(Reader, N, Wait) -> esock_io_reader:peek(Reader, N, Wait).

%%% ---- Lines and packets --------------------------------------------------------------------------------------------------

%% @equiv readline(Reader, infinity)
-spec readline(reader()) -> result(binary()).
readline(Reader) -> esock_io_reader:line(Reader, infinity).

%% @doc As {@link readline/3} with the options of the reader.
%% ```
%% ok = esock:send(Peer, "one\n"),
%% {ok, <<"one">>, _} = esock_io:readline(Reader, 5000).
%% '''
-spec readline(reader(), wait()) -> result(binary()).
readline(Reader, Wait) -> esock_io_reader:line(Reader, Wait).

%% @doc Reads a line. A last line without an end is `{error, {eof, N}, Reader}': a peer that was cut off looks like this too.
%%
%% `{error, {too_long, Limit}, Reader}' leaves the line in the reader. Read on with a larger `limit', drop bytes with {@link
%% read/3}, or close. An unknown option returns `{error, {invalid, {option, Key}}, Reader}'.
%% ```
%% ok = esock:send(Peer, "GET / HTTP/1.1\r\n"),
%% {ok, <<"GET / HTTP/1.1\r\n">>, _} = esock_io:readline(Reader, #{eol => crlf, keep => true}, 5000).
%% '''
-spec readline(reader(), line_options(), wait()) -> result(binary()).
readline(Reader, Opts, Wait) -> esock_io_reader:line(Reader, Opts, Wait).

%% @equiv read_until(Reader, Pattern, infinity)
-spec read_until(reader(), binary()) -> result(binary()).
read_until(Reader, Pattern) -> read_until(Reader, Pattern, infinity).

%% @equiv read_until(Reader, Pattern, #{}, Wait)
-spec read_until(reader(), binary(), wait()) -> result(binary()).
read_until(Reader, Pattern, Wait) -> read_until(Reader, Pattern, #{}, Wait).

%% @doc Reads up to the next occurrence of a pattern, which is removed; with `keep' it is the end of the data. The errors are
%% those of {@link readline/3}. Bytes are searched once, however they arrive.
%% ```
%% ok = esock:send(Peer, "a: 1\r\nb: 2\r\n\r\n"),
%% {ok, <<"a: 1\r\nb: 2">>, _} = esock_io:read_until(Reader, <<"\r\n\r\n">>, #{limit => 8192}, 5000).
%% '''
-spec read_until(reader(), Pattern :: binary(), until_options(), wait()) -> result(binary()).
read_until(Reader, Pattern, Opts, Wait) -> esock_io_reader:until(Reader, Pattern, Opts, Wait).

%% @equiv read_packet(Reader, Type, infinity)
-spec read_packet(reader(), packet_type()) -> result(term()).
read_packet(Reader, Type) -> read_packet(Reader, Type, infinity).

%% @equiv read_packet(Reader, Type, [], Wait)
-spec read_packet(reader(), packet_type(), wait()) -> result(term()).
read_packet(Reader, Type, Wait) -> read_packet(Reader, Type, [], Wait).

%% @doc Reads a packet of a type of {@link erlang:decode_packet/3}, and returns what that function decodes: the data without
%% the header for 1, 2 and 4, tuples for the `http' types, else the bytes as they are.
%%
%% `{error, invalid, Reader}' as decode_packet/3 says, and `{error, {too_long, Limit}, Reader}' as soon as the header announces
%% more; the bytes stay in the reader. The type is an argument of each call: after the request line of HTTP read headers with
%% `httph' or `httph_bin'; `gen_tcp' changes the type by itself. A bad type or option raises `badarg'.
%% ```
%% ok = esock:send(Peer, <<5:32, "hello">>),
%% {ok, <<"hello">>, _} = esock_io:read_packet(Reader, 4, [], 5000).
%% '''
-spec read_packet(reader(), packet_type(), packet_options(), wait()) -> result(term()).
read_packet(Reader, Type, Opts, Wait) -> esock_io_reader:packet(Reader, Type, Opts, Wait).

%% @equiv write(Target, Data, infinity)
-spec write(reader() | esock:socket(), iodata()) -> ok | {error, term()}.
write(Target, Data) -> write(Target, Data, infinity).

%% @doc Sends data on the socket of a reader, at once. Returns `ok', or the errors of {@link esock:send/4}: `{error, {Reason,
%% Rest}}' after a part was sent.
%% ```
%% ok = esock_io:write(Reader, ["hello", $\n], 5000).
%% '''
-spec write(reader() | esock:socket(), iodata(), timeout()) -> ok | {error, term()}.
write({'$socket', _} = Socket, Data, Timeout) -> esock:send(Socket, Data, Timeout);
write(Reader, Data, Timeout) -> esock:send(socket(Reader), Data, Timeout).

%%% ---- Moving bytes ---------------------------------------------------------------------------------------------------------

%% @equiv copy(From, To, #{})
-spec copy(source(), target()) ->
          {ok, non_neg_integer()} | {ok, non_neg_integer(), reader()} | {error, term()} | {error, term(), reader()}.
copy(From, To) -> copy(From, To, #{}).

%% @doc Copies bytes from a stream to another one or to a file, or from a file to a stream, up to the end of the source or
%% `count'. One chunk is in memory: a slow target slows the source down.
%%
%% From a socket or a file it returns `{ok, Copied}'; if something fails, `{error, {Reason, Copied}}', or, after a socket as
%% the source, `{error, {Reason, Copied, Unsent}}' with the bytes that were received and not written. From a reader it returns
%% `{ok, Copied, Reader}' or `{error, {Reason, Copied}, Reader}', and the reader has the rest. A name of a file to write
%% is opened anew: what it had is gone. A file that is open is written at its position, and read from the offset 0 on. Both
%% ends stay open; an end of the stream is not passed on ({@link relay/3} does).
%% ```
%% ok = esock:send(Peer, "hello"),
%% {ok, 5} = esock_io:copy(Socket, {file, "/tmp/esock_io_copy"}, #{count => 5}).
%% '''
-spec copy(source(), target(), copy_options()) ->
          {ok, Copied :: non_neg_integer()} | {ok, Copied :: non_neg_integer(), reader()} |
          {error, term()} | {error, term(), reader()}.
copy(From, To, Opts) -> esock_io_copy:copy(From, To, Opts).

%% @equiv sendfile_all(Socket, File, #{})
-spec sendfile_all(esock:socket() | reader(), file:io_device() | file:name_all()) -> {ok, non_neg_integer()} | {error, term()}.
sendfile_all(Socket, File) -> sendfile_all(Socket, File, #{}).

%% @doc Sends a file, or a part of it, with sendfile(2); if the kernel refuses that for this file (`einval', as for most files in
%% /proc), by reading and sending. `File' is a name, or an open file, whose position is not used and not moved.
%%
%% Returns `{ok, Sent}': fewer than `count' if the file ends before. `{error, {Reason, Sent}}' if something fails, also if the
%% file cannot be opened. A file without positions (a pipe) is read from where it is; `offset' has to be 0.
%% ```
%% {ok, _} = esock_io:sendfile_all(Socket, "/proc/self/status", #{timeout => 5000}).
%% '''
-spec sendfile_all(esock:socket() | reader(), file:io_device() | file:name_all(), file_options()) ->
          {ok, Sent :: non_neg_integer()} | {error, esock:invalid() | {Reason :: term(), Sent :: non_neg_integer()}}.
sendfile_all(Socket, File, Opts) -> esock_io_copy:sendfile_all(Socket, File, Opts).

%% @equiv relay(A, B, #{})
-spec relay(esock:socket() | reader(), esock:socket() | reader()) ->
          {ok, {non_neg_integer(), non_neg_integer()}} | {error, esock:invalid() | relay_error()}.
relay(A, B) -> relay(A, B, #{}).

%% @doc Passes bytes between two streams in both directions, until both have ended. If one end ends its stream, the other end
%% sees that (shutdown(2) of its write direction), and the other direction goes on: half-closed connections stay so.
%%
%% The calling process does the work, with waits on both sockets; it needs no process of its own. Each direction has one chunk in
%% memory: if a target does not take it, its source is not read. Bytes in a reader are passed on first. Both sockets stay open and
%% keep their owners; close them afterwards.
%%
%% Returns `{ok, {AToB, BToA}}', the bytes sent in each direction. If anything fails, the relay ends, and returns
%% `{error, {Reason, Counts}}', see {@link relay_error()}, which has the bytes that were received and not sent. No wait is left
%% behind. The counts need the socket's counters: nothing else may send on the sockets meanwhile.
%% ```
%% %% A client on `Client' talks to the server on `Server'.
%% {ok, {_Requests, _Answers}} = esock_io:relay(Client, Server, #{idle_timeout => 60_000}).
%% '''
-spec relay(esock:socket() | reader(), esock:socket() | reader(), relay_options()) ->
          {ok, {AToB :: non_neg_integer(), BToA :: non_neg_integer()}} | {error, esock:invalid() | relay_error()}.
relay(A, B, Opts) -> esock_io_relay:relay(A, B, Opts).

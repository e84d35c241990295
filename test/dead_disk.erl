%% The program of a node that sends a file, which starts its threads for files. It sends the file again when it reads "again", and
%% ends when it reads "halt". It prints its progress. esock_sendfile_SUITE keeps the disk from answering the second time.
-module(dead_disk).

-export([run/1]).

run([Path]) ->
    {ok, L} = esock:open(inet, stream, tcp, #{io_backend => io_uring}),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L),
    {ok, Addr} = esock:sockname(L),
    {ok, C} = esock:open(inet, stream, tcp, #{io_backend => io_uring}),
    ok = esock:connect(C, Addr),
    {ok, S} = esock:accept(L),
    {ok, File} = file:open(Path, [read, raw, binary]),
    {completion, {_, _, H}} = esock:sendfile(C, File, 0, 0, nowait),
    {ok, _} = esock:recv(S, 20_000_000),
    receive {'$socket', C, completion, {H, {ok, 20_000_000}}} -> ok end,
    io:format("sent ~s~n", [os:getpid()]),
    "again\n" = io:get_line(""),
    {completion, _} = esock:sendfile(C, File, 0, 0, nowait),
    {ok, _} = esock:recv(S, 1_000_000),
    io:format("sending~n"),
    "halt\n" = io:get_line(""),
    halt().

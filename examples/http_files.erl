%% A file server over HTTP/1.0 and a UDP echo on esock, in `nowait' style: the main job of `make demo'.
%%
%% Each connection is a process that calls, receives a `select' message, and calls again. No socket blocks a scheduler, and each
%% process can do other things between the messages. For a program that also takes completions see doc/recipes.md.
-module(http_files).

-export([start/2]).
-export([echo/1]).

%% The part of a file that goes with one call, in bytes.
-define(CHUNK, 256 * 1024).

%% @doc Listens on an address and serves the files under `Dir'. Returns the listening socket.
start(Address = #{family := Family}, Dir) ->
    Self = self(),
    spawn_link(fun() ->
                       {ok, L} = esock:open(Family, stream),
                       ok = esock:bind(L, Address),
                       ok = esock:listen(L, 128),
                       Self ! {self(), L},
                       accept(L, Dir)
               end),
    receive {_, {'$socket', _} = L} -> L end.

accept(L, Dir) ->
    case esock:accept(L, nowait) of
        {ok, S} ->
            Pid = spawn(fun() -> receive go -> serve(S, Dir) end end),
            ok = esock:setopt(S, {otp, controlling_process}, Pid),
            Pid ! go,
            accept(L, Dir);
        {select, {select_info, _, Handle}} ->
            selected(L, Handle),
            accept(L, Dir);
        %% After emfile the next call backs off by itself: it returns `select', whose message comes at the end of the pause.
        {error, Reason} when Reason =:= econnaborted; Reason =:= emfile ->
            accept(L, Dir)
    end.

serve(S, Dir) ->
    [_, <<"/", Name/binary>>, _] = binary:split(first_line(S, <<>>), <<" ">>, [global]),
    {ok, File} = file:open(filename:join(Dir, filename:basename(Name)), [read, raw, binary]),
    {ok, Size} = file:position(File, eof),
    {ok, 0} = file:position(File, bof),
    send(S, ["HTTP/1.0 200 OK\r\nContent-Length: ", integer_to_list(Size), "\r\n\r\n"]),
    copy(S, File),
    ok = file:close(File),
    ok = esock:close(S).

first_line(S, Got) ->
    case binary:split(Got, <<"\r\n">>) of
        [Line, _] -> Line;
        [_] -> first_line(S, <<Got/binary, (recv(S))/binary>>)
    end.

copy(S, File) ->
    case file:read(File, ?CHUNK) of
        {ok, Data} -> send(S, Data), copy(S, File);
        eof -> ok
    end.

recv(S) ->
    case esock:recv(S, 0, nowait) of
        {ok, Data} -> Data;
        {select, {select_info, _, Handle}} -> selected(S, Handle), recv(S)
    end.

send(S, Data) ->
    sent(S, esock:send(S, Data, nowait), Data).

sent(_S, ok, _Data) ->
    ok;
sent(S, {select, {{select_info, _, Handle} = Info, Rest}}, _Data) ->
    selected(S, Handle),
    sent(S, esock:send(S, Rest, Info, nowait), Rest);
sent(S, {select, {select_info, _, Handle} = Info}, Data) ->
    selected(S, Handle),
    sent(S, esock:send(S, iolist_to_binary(Data), Info, nowait), Data).

selected(S, Handle) ->
    receive {'$socket', S, select, Handle} -> ok end.

%% @doc Sends every datagram back to its sender. Returns the socket.
echo(Address = #{family := Family}) ->
    Self = self(),
    spawn_link(fun() ->
                       {ok, S} = esock:open(Family, dgram, udp),
                       ok = esock:bind(S, Address),
                       Self ! {self(), S},
                       echo_loop(S)
               end),
    receive {_, {'$socket', _} = S} -> S end.

echo_loop(S) ->
    case esock:recvfrom(S, 0, nowait) of
        {ok, {From, Data}} -> ok = esock:sendto(S, Data, From), echo_loop(S);
        {select, {select_info, _, Handle}} -> selected(S, Handle), echo_loop(S)
    end.

#!/usr/bin/env escript
%%! +sbwt none
%% Serves files end to end, to independent clients: curl and python3. demo.sh calls it with the folder of the file to serve and
%% the file's checksum.
-mode(compile).

main([Dir, Sum]) ->
    {ok, http_files} = compile:file(filename:join(filename:dirname(escript:script_name()), "http_files"),
                                    [{outdir, Dir}]),
    code:add_patha(Dir),
    Start = erlang:monotonic_time(millisecond),
    io:format("esock on OTP ~s, back end ~p~n~n", [erlang:system_info(otp_release), maps:get(io_backend, esock:info())]),
    V4 = http_files:start(#{family => inet, addr => loopback}, Dir),
    V6 = http_files:start(#{family => inet6, addr => loopback}, Dir),
    Path = filename:join(Dir, "esock.sock"),
    _ = http_files:start(#{family => local, path => Path}, Dir),
    Udp = http_files:echo(#{family => inet, addr => loopback}),
    ok = transcript(),
    watch(4 + 8),
    Fetched = [fetch("IPv4", ["http://127.0.0.1:", port(V4)], "", Dir, Sum),
               fetch("IPv6", ["http://[::1]:", port(V6)], "", Dir, Sum),
               fetch("Unix", "http://localhost", ["--unix-socket ", Path], Dir, Sum)],
    Echoed = echo(port(Udp)),
    Took = erlang:monotonic_time(millisecond) - Start,
    Held = lists:all(fun(Ok) -> Ok end, [Echoed | Fetched]),
    io:format("~n~s in ~.1f s~n", [case Held of true -> "All checks passed"; false -> "A CHECK FAILED" end,
                                   Took / 1000]),
    halt(case Held of true -> 0; false -> 1 end).

port(Socket) ->
    {ok, #{port := Port}} = esock:sockname(Socket),
    integer_to_list(Port).

%% Prints what a waiting process sees: a `select' and its message, a cancel, an abort.
transcript() ->
    {ok, A} = esock:open(inet, dgram, udp),
    ok = esock:bind(A, #{family => inet, addr => loopback}),
    {ok, Addr} = esock:sockname(A),
    Select = {select, {select_info, _, Handle}} = esock:recvfrom(A, 0, nowait),
    io:format("esock:recvfrom(A, 0, nowait)~n    -> ~0p~n", [Select]),
    ok = esock:sendto(A, <<"to itself">>, Addr),
    receive {'$socket', A, select, Handle} = Message -> io:format("message~n    -> ~0p~n", [Message]) end,
    io:format("esock:recvfrom(A, 0, nowait)~n    -> ~0p~n", [esock:recvfrom(A, 0, nowait)]),
    {select, Info} = esock:recvfrom(A, 0, nowait),
    ok = esock:cancel(A, Info),
    io:format("esock:cancel(A, ~0p)~n    -> ok~n", [Info]),
    Self = self(),
    Waiter = spawn_link(fun() ->
                                {select, {_, _, H}} = esock:recvfrom(A, 0, nowait),
                                Self ! waiting,
                                receive {'$socket', A, abort, {H, closed}} = Abort -> Self ! {self(), Abort} end
                        end),
    receive waiting -> ok end,
    ok = esock:close(A),
    receive {Waiter, Abort} -> io:format("esock:close(A), while another process waits, which receives~n    -> ~0p~n~n", [Abort]) end,
    ok.

%% Prints the sockets once there are `Count' of them.
watch(Count) ->
    spawn_link(fun() -> watch_loop(Count) end).

watch_loop(Count) ->
    case esock:number_of() >= Count of
        true -> io:format("The sockets, while curl fetches: esock:i()~n"), ok = esock:i(), io:nl();
        false -> receive after 1 -> watch_loop(Count) end
    end.

%% Eight downloads at a time; sha256sum reads what curl receives.
fetch(Name, Url, Options, _Dir, Sum) ->
    Start = erlang:monotonic_time(millisecond),
    One = lists:flatten(["curl -s --max-time 60 ", Options, " ", Url, "/file | sha256sum"]),
    Out = os:cmd("for i in 1 2 3 4 5 6 7 8; do (" ++ One ++ ") & done; wait"),
    Took = max(1, erlang:monotonic_time(millisecond) - Start),
    Sums = [hd(string:split(Line, " ")) || Line <- string:split(string:trim(Out), "\n", all)],
    Held = Sums =:= lists:duplicate(8, Sum),
    io:format("~s: 8 x 200 MB by curl in ~.1f s (~w MB/s), sha256 ~s... ~s~n",
              [Name, Took / 1000, 8 * 200 * 1000 div Took, string:slice(Sum, 0, 12),
               case Held of true -> "equal, all 8"; false -> io_lib:format("WRONG: ~p", [Sums]) end]),
    Held.

echo(Port) ->
    Out = os:cmd("python3 -c 'import socket\n"
                 "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5)\n"
                 "got = 0\n"
                 "for i in range(1000):\n"
                 "    s.sendto(b\"datagram %d\" % i, (\"127.0.0.1\", " ++ Port ++ "))\n"
                 "    got += s.recv(100) == b\"datagram %d\" % i\n"
                 "print(got, end=\"\")'"),
    io:format("UDP: ~s of 1000 datagrams from python3 came back unchanged~n", [Out]),
    Out =:= "1000".

%% The recipes of doc/recipes.md: each program is extracted, compiled and run against clients that use OTP's own sockets.
-module(esock_recipes_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

suite() -> [{timetrap, {seconds, 60}}].

%% Each recipe by its heading, with the case that runs it.
recipes() ->
    [{echo_many, <<"Take bursts of connections">>},
     {udp_asked, <<"Answer UDP from the address that was asked">>},
     {hand_over, <<"Hand a connection to another program">>},
     {hub, <<"Serve many sockets in one process">>},
     {active, <<"Receive messages with backpressure">>},
     {worth, <<"Stop the work for a client that has gone">>},
     {drain, <<"Drain before shutdown">>},
     {restart, <<"Restart without losing a connection">>},
     {bulk_udp, <<"Send many datagrams with one call">>},
     {sniffer, <<"See the packets of an interface">>},
     {rings, <<"Use io_uring where it is there">>},
     {shout, <<"Move a program from socket">>}].

all() -> [every_recipe_has_a_case | [Case || {Case, _} <- recipes()]].

page() -> esock_docs_SUITE:page("doc/recipes.md").

program(Case) -> esock_docs_SUITE:block(page(), proplists:get_value(Case, recipes()), <<"erlang">>).

%% Compiles the program of a recipe as it stands, and loads it.
load(Case) -> load(Case, program(Case)).

load(Case, Program) ->
    {ok, Tokens, _} = erl_scan:string(unicode:characters_to_list(Program)),
    Forms = [begin {ok, Form} = erl_parse:parse_form(Ts), Form end || Ts <- forms(Tokens, [])],
    {ok, Case, Code, Warnings} = compile:forms(Forms, [return, debug_info]),
    ?assertEqual([], Warnings),
    {module, Case} = code:load_binary(Case, atom_to_list(Case) ++ ".erl", Code),
    Code.

forms([], []) -> [];
forms([{dot, _} = Dot | Tokens], Form) -> [lists:reverse(Form, [Dot]) | forms(Tokens, [])];
forms([Token | Tokens], Form) -> forms(Tokens, [Token | Form]).

end_per_testcase(Case, _) ->
    _ = code:purge(Case),
    _ = code:delete(Case),
    _ = code:purge(Case),
    ok.

%% Every section with a program has a case, and every case a section.
every_recipe_has_a_case(_) ->
    [_ | Sections] = binary:split(page(), <<"\n## ">>, [global]),
    Found = [hd(binary:split(Section, <<"\n">>)) || Section <- Sections, binary:match(Section, <<"```erlang">>) =/= nomatch],
    ?assertEqual(lists:sort(Found), lists:sort([Heading || {_, Heading} <- recipes()])),
    [?assert(erlang:function_exported(?MODULE, Case, 1)) || {Case, _} <- recipes()],
    %% One program in each, and the list at the top has them all.
    [?assertEqual({Case, 2}, {Case, length(binary:split(section(Heading), <<"```erlang\n">>, [global]))}) || {Case, Heading} <- recipes()],
    [?assertNotEqual({Heading, nomatch}, {Heading, binary:match(page(), <<"- [", Heading/binary, "](#">>)}) || {_, Heading} <- recipes()].

section(Heading) ->
    [_, Below] = binary:split(page(), <<"\n## ", Heading/binary, "\n">>),
    hd(binary:split(Below, <<"\n## ">>)).

%%% ---- Clients of OTP -------------------------------------------------------------------------------------------------

listener() ->
    {ok, L} = esock:open(inet, stream, tcp),
    ok = esock:bind(L, #{family => inet, addr => loopback, port => 0}),
    ok = esock:listen(L, 128),
    {ok, #{port := Port}} = esock:sockname(L),
    {L, Port}.

tcp(Port) -> tcp(Port, []).
tcp(Port, Options) ->
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, [binary, {active, false} | Options]),
    C.

asks(C, Question) ->
    ok = gen_tcp:send(C, Question),
    gen_tcp:recv(C, byte_size(Question), 10_000).

reset(C) ->
    ok = inet:setopts(C, [{linger, {true, 0}}]),
    ok = gen_tcp:close(C).

%% A process that runs a server, which has to return.
server(Fun) ->
    Self = self(),
    spawn_link(fun() -> Self ! {self(), returned, Fun()} end).

returned(Pid) -> receive {Pid, returned, Result} -> Result after 10_000 -> ct:fail(runs_still) end.

%%% ---- The recipes ----------------------------------------------------------------------------------------------------

echo_many(_) ->
    _ = load(echo_many),
    {L, Port} = listener(),
    %% These clients connect before the server runs.
    Early = [tcp(Port) || _ <- lists:seq(1, 100)],
    Server = server(fun() -> echo_many:serve(L) end),
    Clients = [tcp(Port) || _ <- lists:seq(1, 50)] ++ Early,
    [?assertEqual({ok, <<"hello">>}, asks(C, <<"hello">>)) || C <- Clients],
    {Reset, Others} = lists:split(75, Clients),
    [reset(C) || C <- Reset],
    [?assertEqual({ok, <<"again">>}, asks(C, <<"again">>)) || C <- Others],
    ok = esock:close(L),
    ?assertEqual(ok, returned(Server)),
    %% Connections outlive the listener.
    [?assertEqual({ok, <<"still">>}, asks(C, <<"still">>)) || C <- Others],
    [ok = gen_tcp:close(C) || C <- Others].

udp_asked(_) ->
    _ = load(udp_asked),
    S = udp_asked:open(inet, 0),
    {ok, #{port := Port}} = esock:sockname(S),
    Server = server(fun() -> udp_asked:serve(S) end),
    {ok, C} = gen_udp:open(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
    [begin
         ok = gen_udp:send(C, Asked, Port, <<"who?">>),
         ?assertEqual({ok, {Asked, Port, <<"who?">>}}, gen_udp:recv(C, 0, 5000))
     end || N <- [1, 2, 77, 254], Asked <- [{127, 0, 0, N}]],
    ok = gen_udp:close(C),
    ok = esock:close(S),
    ?assertEqual(ok, returned(Server)),
    case gen_udp:open(0, [binary, inet6, {active, false}, {ip, {0, 0, 0, 0, 0, 0, 0, 1}}]) of
        {ok, C6} ->
            S6 = udp_asked:open(inet6, 0),
            {ok, #{port := Port6}} = esock:sockname(S6),
            Server6 = server(fun() -> udp_asked:serve(S6) end),
            ok = gen_udp:send(C6, {0, 0, 0, 0, 0, 0, 0, 1}, Port6, <<"who?">>),
            ?assertMatch({ok, {{0, 0, 0, 0, 0, 0, 0, 1}, Port6, <<"who?">>}}, gen_udp:recv(C6, 0, 5000)),
            ok = gen_udp:close(C6),
            ok = esock:close(S6),
            ?assertEqual(ok, returned(Server6));
        {error, _} ->
            {comment, "no IPv6"}
    end.

worth(_) ->
    _ = load(worth),
    {L, Port} = listener(),
    Self = self(),
    Endless = fun(_) -> Self ! {working, self()}, receive never -> ok end end,
    Before = esock_leak_SUITE:state(),
    [begin
         C = tcp(Port),
         {ok, S} = esock:accept(L),
         ?assertEqual(ok, worth:answer(S, <<"abc">>, fun(Question) -> [Question, Question] end)),
         ?assertEqual({ok, <<"abcabc">>}, gen_tcp:recv(C, 6, 5000)),
         {error, {wrong, _}} = worth:answer(S, <<"abc">>, fun(_) -> exit({wrong, here}) end),
         Server = server(fun() -> worth:answer(S, <<"abc">>, Endless) end),
         Worker = receive {working, Pid} -> Pid end,
         MRef = monitor(process, Worker),
         %% What the client sends before it leaves does not hide its end.
         ok = gen_tcp:send(C, <<"more">>),
         ok = Leaves(C, S),
         ?assertEqual(gone, returned(Server)),
         receive {'DOWN', MRef, process, Worker, killed} -> ok end,
         _ = esock:close(S),
         _ = gen_tcp:close(C)
     end || Leaves <- [fun(C, _) -> gen_tcp:close(C) end, fun(C, _) -> gen_tcp:shutdown(C, write) end,
                       fun(C, _) -> reset(C) end, fun(_, S) -> esock:close(S) end]],
    receive {'$socket', _, _, _} = Left -> ct:fail({left, Left}) after 0 -> ok end,
    esock_leak_SUITE:back_to(Before),
    ok = esock:close(L).

%% The worker is a node of its own: another program of the operating system.
hand_over(_) ->
    Code = load(hand_over),
    Args = ["-pa" | [P || P <- code:get_path(), P =/= "."]],
    {ok, Peer, _} = peer:start_link(#{connection => standard_io, args => Args}),
    {module, hand_over} = peer:call(Peer, code, load_binary, [hand_over, "hand_over.erl", Code]),
    Path = <<0, "esock recipe ", (integer_to_binary(erlang:unique_integer([positive])))/binary, (list_to_binary(os:getpid()))/binary>>,
    ok = peer:cast(Peer, hand_over, worker, [Path]),
    Unix = connected(Path, 100),
    {L, Port} = listener(),
    Clients = [begin
                   C = tcp(Port),
                   {ok, S} = esock:accept(L),
                   %% The worker receives the bytes that arrive before it has the connection.
                   ok = gen_tcp:send(C, <<"early ">>),
                   ok = hand_over:give(Unix, S),
                   ?assertEqual({error, closed}, esock:send(S, <<"x">>)),
                   C
               end || _ <- lists:seq(1, 10)],
    ok = esock:close(L),
    [begin
         ok = gen_tcp:send(C, <<"late">>),
         ?assertEqual({ok, <<"early late">>}, gen_tcp:recv(C, 10, 10_000))
     end || C <- Clients],
    [ok = gen_tcp:close(C) || C <- Clients],
    ok = esock:close(Unix),
    %% The worker closes each, and leaves no descriptor behind.
    eventually(fun() -> peer:call(Peer, esock, number_of, []) =:= 0 end),
    ?assertEqual([], peer:call(Peer, ?MODULE, sockets_of_this_node, [])),
    ok = peer:stop(Peer).

connected(_, 0) -> ct:fail(no_worker);
connected(Path, Tries) ->
    try hand_over:connect(Path) catch error:{badmatch, {error, econnrefused}} -> receive after 50 -> connected(Path, Tries - 1) end end.

%% The TCP descriptors of this node, from /proc.
sockets_of_this_node() ->
    {ok, Fds} = file:list_dir("/proc/self/fd"),
    {ok, Tcp} = file:read_file("/proc/self/net/tcp"),
    [Link || Fd <- Fds, {ok, "socket:[" ++ Link} <- [file:read_link("/proc/self/fd/" ++ Fd)],
             binary:match(Tcp, list_to_binary([" ", lists:droplast(Link), " "])) =/= nomatch].

eventually(Fun) -> eventually(Fun, 500).
eventually(_, 0) -> ct:fail(never);
eventually(Fun, Tries) -> Fun() orelse receive after 10 -> eventually(Fun, Tries - 1) end.

hub(_) ->
    _ = load(hub),
    {L, Port} = listener(),
    Server = server(fun() -> hub:serve(L) end),
    ok = esock:setopt(L, {otp, controlling_process}, Server),
    Clients = [A, B | Others] = [tcp(Port) || _ <- lists:seq(1, 20)],
    [?assertEqual({ok, <<"hello">>}, asks(C, <<"hello">>)) || C <- Clients],
    %% A client that sends and does not read is held up, and the others continue.
    Deaf = tcp(Port, [{send_timeout, 200}]),
    ?assertEqual({error, timeout}, until_full(Deaf, binary:copy(<<"x">>, 1_000_000), 200)),
    [?assertEqual({ok, <<"hello">>}, asks(C, <<"hello">>)) || C <- Clients],
    %% A client that reads late gets everything: the server has sent parts, and waited for room.
    Listening = tcp(Port),
    Data = crypto:strong_rand_bytes(30_000_000),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, gen_tcp:send(Listening, Data)} end),
    [Full] = [S || S <- esock:which_sockets(Server), esock:peername(S) =:= {ok, name(Listening)}],
    stuck(fun() -> #{counters := #{write_byte := Written}} = esock:info(Full), Written end),
    ?assertEqual({ok, Data}, gen_tcp:recv(Listening, 30_000_000, 30_000)),
    receive {sent, Sent} -> ?assertEqual(ok, Sent) end,
    reset(A),
    reset(Deaf),
    %% Another process closes a waiting socket: the loop receives `abort'.
    [Theirs] = [S || S <- esock:which_sockets(Server), esock:peername(S) =:= {ok, name(B)}],
    ok = esock:close(Theirs),
    ?assertEqual({error, closed}, gen_tcp:recv(B, 0, 10_000)),
    [?assertEqual({ok, <<"again">>}, asks(C, <<"again">>)) || C <- Others],
    [ok = gen_tcp:close(C) || C <- [B, Listening | Others]],
    %% The loop has closed every connection.
    eventually(fun() -> esock:which_sockets(Server) =:= [L] end),
    ok = esock:close(L),
    ?assertEqual(ok, returned(Server)).

name(C) ->
    {ok, {Addr, Port}} = inet:sockname(C),
    #{family => inet, addr => Addr, port => Port}.

%% Waits until a number grows no more.
stuck(Number) -> stuck(Number, -1).
stuck(Number, Before) ->
    case Number() of
        Before when Before > 0 -> ok;
        Now -> receive after 200 -> stuck(Number, Now) end
    end.

until_full(_, _, 0) -> never;
until_full(C, Data, Times) ->
    case gen_tcp:send(C, Data) of
        ok -> until_full(C, Data, Times - 1);
        Error -> Error
    end.

active(_) ->
    _ = load(active),
    {L, Port} = listener(),
    C = tcp(Port, [{send_timeout, 200}]),
    {ok, S} = esock:accept(L),
    Reader = active:start(S),
    ok = gen_tcp:send(C, <<"one">>),
    nothing(50),
    ok = active:more(Reader, 1),
    ?assertEqual([{data, S, <<"one">>}, {passive, S}], [receive M -> M after 5000 -> none end || _ <- [1, 2]]),
    %% Without credit nothing comes, whatever is sent, and the sender is held up.
    Chunk = binary:copy(<<"0123456789">>, 100_000),
    {error, timeout} = until_full(C, Chunk, 200),
    ?assertEqual({message_queue_len, 0}, process_info(self(), message_queue_len)),
    %% As many messages as were asked for.
    ok = active:more(Reader, 3),
    Three = [receive {data, S, D} -> D after 5000 -> none end || _ <- [1, 2, 3]],
    receive {passive, S} -> ok after 5000 -> ct:fail(not_passive) end,
    nothing(50),
    [?assert(is_binary(D) andalso byte_size(D) =< 65536) || D <- Three],
    %% The rest, and the end.
    ok = gen_tcp:close(C),
    Rest = all(Reader, S, []),
    Got = iolist_to_binary([Three | Rest]),
    ?assert(byte_size(Got) > 1_000_000),
    ?assertEqual(Got, binary:part(binary:copy(Chunk, byte_size(Got) div byte_size(Chunk) + 1), 0, byte_size(Got))),
    ok = esock:close(S),
    %% A passive reader ends with the owner of the socket.
    C2 = tcp(Port),
    {ok, S2} = esock:accept(L),
    Self = self(),
    Owner = spawn(fun() -> receive go -> Self ! {reader, active:start(S2)}, receive stop -> ok end end end),
    ok = esock:setopt(S2, {otp, controlling_process}, Owner),
    Owner ! go,
    MRef = receive {reader, R2} -> monitor(process, R2) end,
    Owner ! stop,
    ?assertEqual({error, closed}, gen_tcp:recv(C2, 0, 10_000)),
    receive {'DOWN', MRef, process, _, Reason} -> ?assert(Reason =:= normal orelse Reason =:= noproc) after 5000 -> ct:fail(reader_lives) end,
    ok = gen_tcp:close(C2),
    ok = esock:close(L).

all(Reader, S, Got) ->
    ok = active:more(Reader, 1),
    receive
        {data, S, Data} -> receive {passive, S} -> all(Reader, S, [Got, Data]) after 5000 -> ct:fail(not_passive) end;
        {closed, S} -> Got;
        %% A sender that timed out has unsent bytes, so its close can be a reset.
        {error, S, _} -> Got
    after 5000 -> ct:fail(no_end)
    end.

nothing(Time) -> receive M -> ct:fail({unexpected, M}) after Time -> ok end.

drain(_) ->
    _ = load(drain),
    {Keeper, #{port := Port}} = drain:start(#{family => inet, addr => loopback, port => 0}),
    [Idle, InFlight, Stays, Gone] = Clients = [tcp(Port, [{exit_on_close, false}]) || _ <- [1, 2, 3, 4]],
    [begin ok = gen_tcp:send(C, <<"a line\n">>), ?assertEqual({ok, <<"A LINE\n">>}, gen_tcp:recv(C, 7, 5000)) end || C <- Clients],
    ok = gen_tcp:close(Gone),
    ok = gen_tcp:send(InFlight, <<"two\nha">>),
    ?assertEqual({ok, <<"TWO\n">>}, gen_tcp:recv(InFlight, 4, 5000)),
    %% Wait until the server has received the half request.
    eventually(fun() -> length(esock:which_sockets(fun(#{counters := Counters}) -> maps:get(read_byte, Counters) =:= 13 end)) =:= 1 end),
    Self = self(),
    spawn_link(fun() -> Self ! {stopped, drain:stop(Keeper, 4000)} end),
    %% Nothing more is accepted, and an idle client meets the end.
    ?assertEqual({error, closed}, gen_tcp:recv(Idle, 0, 5000)),
    ?assertEqual({error, econnrefused}, gen_tcp:connect({127, 0, 0, 1}, Port, [])),
    %% What is in flight is answered, and then comes the end, not a reset.
    ok = inet:setopts(InFlight, [{show_econnreset, true}]),
    ok = gen_tcp:send(InFlight, <<"lf\n">>),
    ?assertEqual({ok, <<"HALF\n">>}, gen_tcp:recv(InFlight, 5, 5000)),
    ?assertEqual({error, closed}, gen_tcp:recv(InFlight, 0, 5000)),
    %% A client that sends on is not reset either.
    [begin ok = gen_tcp:send(InFlight, <<"too late\n">>), receive after 20 -> ok end end || _ <- [1, 2, 3]],
    [ok = gen_tcp:close(C) || C <- [Idle, InFlight]],
    %% The one that never closes is cut off.
    receive {stopped, Result} -> ?assertEqual(#{ended => 2, cut_off => 1}, Result) after 10_000 -> ct:fail(not_stopped) end,
    eventually(fun() -> [S || S <- esock:which_sockets(tcp), {ok, #{port := P}} <- [esock:sockname(S)], P =:= Port] =:= [] end),
    ok = gen_tcp:close(Stays).

restart(_) ->
    _ = load(restart),
    {ok, Old} = restart:start(0),
    {ok, #{listeners := [#{port := Port}]}} = esock_server:info(Old),
    Path = "/tmp/esock_restart_" ++ os:getpid(),
    Before = tcp(Port),
    ?assertEqual({ok, <<"old">>}, asks(Before, <<"old">>)),
    Giver = server(fun() -> restart:give(Old, Path) end),
    %% This program stands for the new one, too.
    {ok, New} = taken(Path, 500),
    After = tcp(Port),
    ?assertEqual({ok, <<"new">>}, asks(After, <<"new">>)),
    ?assertMatch({ok, #{accepted := 1}}, esock_server:info(New)),
    ?assertEqual({ok, <<"old">>}, asks(Before, <<"old">>)),
    ok = gen_tcp:close(Before),
    ?assertEqual(0, returned(Giver)),
    ok = gen_tcp:close(After),
    ok = esock_server:stop(New).

%% The old program may not have begun to wait.
taken(Path, Tries) ->
    try restart:take(Path)
    catch error:{badmatch, {error, Reason}} when Tries > 0, Reason =:= enoent orelse Reason =:= econnrefused ->
        receive after 10 -> taken(Path, Tries - 1) end
    end.

bulk_udp(_) ->
    _ = load(bulk_udp),
    {ok, C} = gen_udp:open(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}, {recbuf, 1_000_000}]),
    {ok, Port} = inet:port(C),
    {ok, S} = esock:open(inet, dgram, udp),
    Data = crypto:strong_rand_bytes(50_500),
    ok = bulk_udp:send(S, #{family => inet, addr => loopback, port => Port}, Data, 1000),
    %% Another program gets datagrams of that size; the last is shorter.
    Got = [begin {ok, {_, _, D}} = gen_udp:recv(C, 0, 5000), D end || _ <- lists:seq(1, 51)],
    ?assertEqual(lists:duplicate(50, 1000) ++ [500], [byte_size(D) || D <- Got]),
    ?assertEqual(Data, iolist_to_binary(Got)),
    ?assertEqual({error, timeout}, gen_udp:recv(C, 0, 20)),
    ok = gen_udp:close(C),
    %% Received with few calls.
    R = bulk_udp:open(),
    {ok, To} = esock:sockname(R),
    ok = bulk_udp:send(S, To, Data, 1000),
    {Calls, Datagrams} = received(R, 51, 0, []),
    ?assertEqual(Got, Datagrams),
    ?assert(Calls < 51, Calls),
    %% One alone, from another program.
    {ok, C2} = gen_udp:open(0, [binary, {ip, {127, 0, 0, 1}}]),
    ok = gen_udp:send(C2, {127, 0, 0, 1}, maps:get(port, To), <<"alone">>),
    {ok, Port2} = inet:port(C2),
    ?assertMatch({ok, #{port := Port2}, [<<"alone">>]}, bulk_udp:receive_some(R, 5000)),
    ?assertEqual({error, timeout}, bulk_udp:receive_some(R, 20)),
    ok = gen_udp:close(C2),
    esock_pairs:close([S, R]).

received(_, 0, Calls, Got) -> {Calls, Got};
received(R, Left, Calls, Got) ->
    {ok, _, Datagrams} = bulk_udp:receive_some(R, 5000),
    received(R, Left - length(Datagrams), Calls + 1, Got ++ Datagrams).

sniffer(_) ->
    _ = load(sniffer),
    case esock:open(packet, raw) of
        {error, Reason} -> {skip, Reason};
        {ok, Can} ->
            ok = esock:close(Can),
            S = sniffer:open("lo"),
            Self = self(),
            Server = server(fun() -> sniffer:run(S, fun(Line) -> Self ! {line, lists:flatten(Line)} end) end),
            {ok, C} = gen_udp:open(0, [binary, {active, false}, {ip, {127, 0, 0, 1}}]),
            {ok, Port} = inet:port(C),
            ok = gen_udp:send(C, {127, 0, 0, 1}, Port, <<"hello">>),
            Udp = lists:flatten(io_lib:format("ip 17 127.0.0.1:~w 127.0.0.1:~w, 47 bytes, vlan none", [Port, Port])),
            [receive {line, Line} -> ok after 5000 -> ct:fail({Line, process_info(self(), messages)}) end
             || Line <- ["outgoing " ++ Udp, "host " ++ Udp]],
            %% A frame of a type that the recipe does not know, from another packet socket.
            {ok, P} = esock:open(packet, raw),
            To = #{family => packet, ifindex => "lo", protocol => 16#88B5},
            ok = esock:sendto(P, <<0:96, 16#88B5:16, 0:64>>, To),
            receive {line, "host type 88B5, 22 bytes, vlan none"} -> ok after 5000 -> ct:fail(no_frame) end,
            ok = esock:close(P),
            ok = gen_udp:close(C),
            ok = esock:close(S),
            ?assertEqual(closed, returned(Server))
    end.

rings(_) ->
    _ = load(rings),
    L = rings:listen(#{family => inet, addr => loopback, port => 0}),
    ?assertEqual(#{io_backend => lists:last(esock_pairs:backends())}, maps:with([io_backend], esock:info(L))),
    {ok, #{port := Port}} = esock:sockname(L),
    Server = server(fun() -> rings:serve(L) end),
    Clients = [tcp(Port) || _ <- lists:seq(1, 20)],
    [?assertEqual({ok, <<"hello">>}, asks(C, <<"hello">>)) || _ <- [1, 2, 3], C <- Clients],
    {ok, Own} = esock:open(inet, stream, tcp, #{io_backend => epoll}),
    ok = esock:connect(Own, #{family => inet, addr => loopback, port => Port}),
    ok = esock:send(Own, "hello"),
    ?assertEqual({ok, <<"hello">>}, esock:recv(Own, 5, 5000)),
    %% Each accepted socket reads ahead.
    {ok, Ours} = esock:sockname(Own),
    [Theirs] = [S || S <- esock:which_sockets(tcp), esock:peername(S) =:= {ok, Ours}, S =/= Own],
    ?assertEqual({ok, 65536}, esock:getopt(Theirs, {otp, read_ahead})),
    Data = crypto:strong_rand_bytes(500_000),
    Self = self(),
    spawn_link(fun() -> Self ! {sent, gen_tcp:send(hd(Clients), Data)} end),
    ?assertEqual({ok, Data}, gen_tcp:recv(hd(Clients), 500_000, 20_000)),
    receive {sent, Sent} -> ?assertEqual(ok, Sent) end,
    reset(lists:last(Clients)),
    [ok = gen_tcp:close(C) || C <- lists:droplast(Clients)],
    ok = esock:close(Own),
    ok = esock:close(L),
    ?assertEqual(ok, returned(Server)).

%% Runs the program before and after the change on the page.
shout(Config) ->
    Dir = filename:join(proplists:get_value(priv_dir, Config), "moved"),
    File = filename:join([Dir, "src", "shout.erl"]),
    ok = filelib:ensure_dir(File),
    ok = file:write_file(File, program(shout)),
    _ = load(shout),
    Otp = shouts(),
    ?assertMatch(#{}, socket:info(Otp)),
    ok = socket:close(Otp),
    Change = esock_docs_SUITE:block(page(), <<"Move a program from socket">>, <<"sh">>),
    ?assertEqual("", os:cmd("cd '" ++ Dir ++ "' && " ++ binary_to_list(Change))),
    {ok, Moved} = file:read_file(File),
    _ = code:purge(shout),
    _ = load(shout, Moved),
    Ours = shouts(),
    ?assertMatch(#{owner := _}, esock:info(Ours)),
    ok = esock:close(Ours).

shouts() ->
    {L, Addr} = shout:start(#{family => inet, addr => loopback, port => 0}),
    ?assertEqual({ok, <<"hello!">>}, shout:ask(Addr, "hello")),
    C = tcp(maps:get(port, Addr)),
    ok = gen_tcp:send(C, <<"hey">>),
    ?assertEqual({ok, <<"hey!">>}, gen_tcp:recv(C, 4, 5000)),
    ok = gen_tcp:close(C),
    L.

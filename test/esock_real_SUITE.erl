%% Real programs written for OTP's `socket', with only the module's name changed: gen_tcp and gen_udp on top of `socket' of this
%% release, and the programs of test/programs. The abstract code of the installed modules is taken, and each call of `socket'
%% becomes one of `esock'. (Before OTP 26 gen_tcp and gen_udp do not know completions.)
-module(esock_real_SUITE).

-include_lib("stdlib/include/assert.hrl").

-compile([export_all, nowarn_export_all]).

all() ->
    Gen = [tcp_passive, tcp_packets, tcp_active, tcp_many, tcp_close, tcp_timeouts, udp],
    esock_pairs:cases(Gen ++ [guide_echo, guide_exchange], [Case || Case <- Gen, erlang:system_info(otp_release) =:= "25"]).

init_per_suite(Config) ->
    case [M || M <- [gen_tcp_socket, gen_udp_socket], forms(M) =:= none] of
        [] ->
            load(gen_tcp_socket, gen_tcp_esock),
            load(gen_udp_socket, gen_udp_esock),
            Config;
        Missing ->
            {skip, {no_abstract_code, Missing}}
    end.

end_per_suite(_) ->
    ok.

forms(Module) ->
    case beam_lib:chunks(code:which(Module), [abstract_code]) of
        {ok, {_, [{abstract_code, {_, Forms}}]}} -> Forms;
        _ -> none
    end.

load(Module, New) ->
    Forms = [renamed(Form, Module, New) || Form <- forms(Module), not is_type(Form)],
    {ok, New, Binary} = compile:forms(Forms, [return_errors, nowarn_unused_record]),
    {module, New} = code:load_binary(New, "renamed", Binary),
    %% The new module calls esock, and never socket.
    {ok, {New, [{imports, Imports}]}} = beam_lib:chunks(Binary, [imports]),
    ?assertEqual([], [I || {socket, _, _} = I <- Imports]),
    ?assert(length([I || {esock, _, _} = I <- Imports]) > 10).

is_type({attribute, _, Name, _}) -> lists:member(Name, [spec, type, opaque, export_type, dialyzer]);
is_type(_) -> false.

renamed({remote, L, {atom, L1, socket}, F}, Old, New) -> {remote, L, {atom, L1, esock}, renamed(F, Old, New)};
renamed({'fun', L, {function, {atom, L1, socket}, F, A}}, _, _) -> {'fun', L, {function, {atom, L1, esock}, F, A}};
renamed({atom, L, Old}, Old, New) -> {atom, L, New};
renamed({attribute, L, module, Old}, Old, New) -> {attribute, L, module, New};
renamed(Tuple, Old, New) when is_tuple(Tuple) -> list_to_tuple([renamed(T, Old, New) || T <- tuple_to_list(Tuple)]);
renamed([H | T], Old, New) -> [renamed(H, Old, New) | renamed(T, Old, New)];
renamed(Term, _, _) -> Term.

listen(Options) ->
    {ok, L} = gen_tcp_esock:listen(0, [inet, binary, {active, false}, {ip, {127, 0, 0, 1}} | Options]),
    {ok, Port} = inet:port(L),
    {L, Port}.

pair(Options) ->
    {L, Port} = listen(Options),
    {ok, C} = gen_tcp_esock:connect({127, 0, 0, 1}, Port, [inet, binary, {active, false} | Options], 5000),
    {ok, S} = gen_tcp:accept(L, 5000),
    ok = gen_tcp:close(L),
    {C, S}.

tcp_passive(_) ->
    {C, S} = pair([]),
    ?assertMatch({'$inet', gen_tcp_esock, _}, C),
    ok = gen_tcp:send(C, ["hello ", <<"world">>]),
    ?assertEqual({ok, <<"hello">>}, gen_tcp:recv(S, 5)),
    ?assertEqual({ok, <<" world">>}, gen_tcp:recv(S, 0)),
    {ok, {{127, 0, 0, 1}, Port}} = inet:peername(C),
    ?assertMatch({ok, {{127, 0, 0, 1}, Port}}, inet:sockname(S)),
    ok = inet:setopts(C, [{nodelay, true}, {keepalive, true}]),
    ?assertEqual({ok, [{nodelay, true}, {keepalive, true}]}, inet:getopts(C, [nodelay, keepalive])),
    [ok = gen_tcp:close(X) || X <- [C, S]].

tcp_packets(_) ->
    {C, S} = pair([{packet, 4}]),
    Big = binary:copy(<<"0123456789">>, 100_000),
    spawn_link(fun() -> ok = gen_tcp:send(C, Big), ok = gen_tcp:send(C, <<>>), ok = gen_tcp:send(C, <<"end">>) end),
    ?assertEqual([{ok, Big}, {ok, <<>>}, {ok, <<"end">>}], [gen_tcp:recv(S, 0, 5000) || _ <- [1, 2, 3]]),
    ok = inet:setopts(S, [{packet, line}]),
    ok = inet:setopts(C, [{packet, raw}]),
    ok = gen_tcp:send(C, <<"one\ntwo\n">>),
    ?assertEqual([{ok, <<"one\n">>}, {ok, <<"two\n">>}], [gen_tcp:recv(S, 0, 5000) || _ <- [1, 2]]),
    [ok = gen_tcp:close(X) || X <- [C, S]].

tcp_active(_) ->
    {C, S} = pair([]),
    ok = inet:setopts(S, [{active, once}]),
    ok = gen_tcp:send(C, <<"once">>),
    receive {tcp, S, <<"once">>} -> ok end,
    ok = inet:setopts(S, [{active, true}]),
    ok = gen_tcp:send(C, <<"always">>),
    receive {tcp, S, <<"always">>} -> ok end,
    Self = self(),
    Pid = spawn_link(fun() -> receive {tcp, S, Data} -> Self ! {got, Data} end end),
    ok = gen_tcp:controlling_process(S, Pid),
    ok = gen_tcp:send(C, <<"handed over">>),
    receive {got, Data} -> ?assertEqual(<<"handed over">>, Data) end,
    ok = gen_tcp:close(C).

%% Fifty connections, a megabyte each way, all at once.
tcp_many(_) ->
    {L, Port} = listen([{backlog, 128}]),
    Self = self(),
    Server = spawn_link(fun Accept() ->
                                {ok, S} = gen_tcp:accept(L),
                                Pid = spawn_link(fun() -> receive go -> echo(S) end end),
                                ok = gen_tcp:controlling_process(S, Pid),
                                Pid ! go,
                                Accept()
                        end),
    Clients = [spawn_link(fun() ->
                                  {ok, C} = gen_tcp_esock:connect({127, 0, 0, 1}, Port, [inet, binary, {active, false}], 5000),
                                  Data = crypto:strong_rand_bytes(1_000_000),
                                  spawn_link(fun() -> ok = gen_tcp:send(C, Data) end),
                                  {ok, Data} = gen_tcp:recv(C, 1_000_000, 30_000),
                                  ok = gen_tcp:close(C),
                                  Self ! {self(), done}
                          end) || _ <- lists:seq(1, 50)],
    [receive {Pid, done} -> ok end || Pid <- Clients],
    unlink(Server),
    exit(Server, kill).

echo(S) ->
    case gen_tcp:recv(S, 0) of
        {ok, Data} -> ok = gen_tcp:send(S, Data), echo(S);
        {error, closed} -> gen_tcp:close(S)
    end.

%% The outcome of a half-close with this release is the same on `socket' and on esock.
tcp_close(_) ->
    ?assertEqual(half_close(otp_pair()), half_close(pair([]))).

otp_pair() ->
    Backend = [{inet_backend, socket}, inet, binary, {active, false}],
    {ok, L} = gen_tcp:listen(0, Backend ++ [{ip, {127, 0, 0, 1}}]),
    {ok, Port} = inet:port(L),
    {ok, C} = gen_tcp:connect({127, 0, 0, 1}, Port, Backend, 5000),
    {ok, S} = gen_tcp:accept(L, 5000),
    ok = gen_tcp:close(L),
    {C, S}.

half_close({C, S}) ->
    [gen_tcp:shutdown(C, write), gen_tcp:recv(S, 0, 5000), gen_tcp:send(S, <<"still">>), gen_tcp:close(S),
     gen_tcp:recv(C, 0, 5000), gen_tcp:close(C)].

tcp_timeouts(_) ->
    {C, S} = pair([]),
    ?assertEqual({error, timeout}, gen_tcp:recv(S, 5, 20)),
    ok = gen_tcp:send(C, <<"later">>),
    ?assertEqual({ok, <<"later">>}, gen_tcp:recv(S, 5, 5000)),
    {L, Port} = listen([]),
    ?assertEqual({error, timeout}, gen_tcp:accept(L, 20)),
    ok = gen_tcp:close(L),
    ?assertEqual({error, econnrefused}, gen_tcp_esock:connect({127, 0, 0, 1}, Port, [inet], 5000)),
    [ok = gen_tcp:close(X) || X <- [C, S]].

udp(_) ->
    Open = fun() -> {ok, S} = gen_udp_esock:open(0, [inet, binary, {active, false}, {ip, {127, 0, 0, 1}}]), S end,
    [A, B] = [Open(), Open()],
    {ok, PortA} = inet:port(A),
    {ok, PortB} = inet:port(B),
    ok = gen_udp:send(A, {127, 0, 0, 1}, PortB, <<"one">>),
    ?assertEqual({ok, {{127, 0, 0, 1}, PortA, <<"one">>}}, gen_udp:recv(B, 0, 5000)),
    ok = inet:setopts(A, [{active, true}]),
    ok = gen_udp:send(B, {127, 0, 0, 1}, PortA, <<"two">>),
    receive {udp, A, {127, 0, 0, 1}, PortB, <<"two">>} -> ok end,
    ?assertEqual({error, timeout}, gen_udp:recv(B, 0, 20)),
    [ok = gen_udp:close(X) || X <- [A, B]].

%% Loads a program of test/programs unchanged, and with `socket:' replaced by `esock:'.
programs(Name) ->
    {match, [Root]} = re:run(filename:absname(code:which(esock)), "^(.*)/_build/", [{capture, [1], list}]),
    {ok, Text} = file:read_file(filename:join([Root, "test", "programs", atom_to_list(Name) ++ ".erl"])),
    Renamed = re:replace(Text, "socket:", "esock:", [global, {return, binary}]),
    [{socket, load_text(Name, atom_to_list(Name) ++ "_socket", Text)},
     {esock, load_text(Name, atom_to_list(Name) ++ "_esock", Renamed)}].

load_text(Name, As, Text) ->
    New = list_to_atom(As),
    Forms = [case Form of {attribute, L, module, Name} -> {attribute, L, module, New}; _ -> Form end || Form <- forms_of(Text)],
    {ok, New, Binary} = compile:forms(Forms, [return_errors]),
    {module, New} = code:load_binary(New, As, Binary),
    New.

forms_of(Text) ->
    {ok, Tokens, _} = erl_scan:string(binary_to_list(Text), {1, 1}, [text]),
    forms_of(Tokens, []).

forms_of([], _) -> [];
forms_of([{dot, _} = Dot | Rest], Form) ->
    {ok, Parsed} = erl_parse:parse_form(lists:reverse(Form, [Dot])),
    [Parsed | forms_of(Rest, [])];
forms_of([Token | Rest], Form) -> forms_of(Rest, [Token | Form]).

guide_echo(_) ->
    Messages = [<<"hello">>, <<"again">>, binary:copy(<<"x">>, 5000)],
    Outcomes = [begin
                    {ok, Server, Addr} = P:start(#{family => Family, addr => loopback, port => 0}),
                    Answers = P:client(Addr, Messages),
                    ok = P:stop(Server),
                    {Answers, P:client(Addr, Messages), P:interfaces()}
                end || {_, P} <- programs(echo_server), Family <- [inet, inet6]],
    [{{ok, Messages}, {error, econnrefused}, [_ | _]} = Same] = lists:usort(Outcomes),
    ct:pal("~p", [Same]).

guide_exchange(_) ->
    [begin
         {L, Addr} = esock_pairs:listener(M),
         Self = self(),
         IOV = [binary:copy(<<N>>, 100_000) || N <- lists:seq(1, 100)],
         spawn_link(fun() ->
                            {ok, C} = M:open(inet, stream, tcp),
                            ok = P:connect(C, Addr),
                            Self ! {sent, P:sendv(C, IOV)},
                            {ok, <<"thanks">>} = P:recv(C, 6),
                            ok = M:close(C),
                            Self ! done
                    end),
         {ok, S} = P:accept(L),
         ?assertEqual({ok, iolist_to_binary(IOV)}, P:recv(S, 10_000_000)),
         receive {sent, Sent} -> ?assertEqual(ok, Sent) end,
         ok = P:sendv(S, [<<"tha">>, <<"nks">>]),
         receive done -> ok end,
         [ok = M:close(X) || X <- [S, L]]
     %% OTP 25 has no sendv.
     end || {M, P} <- programs(exchange), M =:= esock orelse erlang:function_exported(M, sendv, 3)].

%% Any function of the NIF with any terms answers, or raises badarg or {invalid, _}, as the API does.
-module(prop_esock_nif).

-include_lib("proper/include/proper.hrl").

-export([prop_any_terms/0]).
-export([prop_likely_terms/0]).

%% The functions of the NIF, without those that change settings of the node, or close any descriptor of it.
functions() ->
    [{F, A} || {F, A} <- esock_nif:module_info(exports), not lists:member(F, [module_info, use_registry, io_backend, read_ahead, debug, socket_debug, close_fd])].

prop_any_terms() ->
    ?FORALL({F, Args}, call(any()), answers(F, Args)).

%% Terms that get past the first checks: sockets, handles, addresses, options, flags.
prop_likely_terms() ->
    ?FORALL({F, Args}, call(likely()), answers(F, Args)).

call(Term) ->
    ?LET({F, A}, oneof(functions()), {F, vector(A, Term)}).

likely() ->
    frequency([{6, {socket, oneof([tcp, udp, local, listener, closed])}},
               {2, handle},
               {2, oneof([nowait, zero, infinity, 0, 1, -1, 1 bsl 31, 1 bsl 32, 1 bsl 64])},
               {2, binary()},
               {1, list(oneof([peek, oob, trunc, dontroute, nosuch, integer()]))},
               {2, address()},
               {2, {oneof([otp, socket, tcp, ip, ipv6, nosuch]), oneof([O || {_, O} <- esock_nif:options()])}},
               {1, oneof([true, false, default, abort, tcp, inet, stream, read, write, recv, send, accept, connect])},
               {1, #{}},
               {1, [any() | last]},
               {1, any()}]).

address() ->
    ?LET({Family, Addr, Port, Extra},
         {oneof([inet, inet6, local, unspec, 0, 1, 2, 10, 65536, -1, nosuch]),
          oneof([any, loopback, {127, 0, 0, 1}, {0, 0, 0, 256}, {0, 0, 0, 0, 0, 0, 0, 1}, binary(), any()]),
          oneof([0, 1, 65535, 65536, -1, any()]), list({oneof([path, flowinfo, scope_id, any()]), any()})},
         maps:merge(maps:from_list(Extra), #{family => Family, addr => Addr, port => Port})).

answers(F, Args) ->
    {Pid, MRef} = spawn_monitor(fun() -> exit({answer, answer(F, [real(A) || A <- Args])}) end),
    receive
        {'DOWN', MRef, process, Pid, {answer, Answer}} -> fine(Answer) orelse report(F, Args, Answer);
        {'DOWN', MRef, process, Pid, Reason} -> report(F, Args, Reason)
    after 20_000 ->
            exit(Pid, kill),
            report(F, Args, hangs)
    end.

report(F, Args, What) ->
    io:format("esock_nif:~p(~p)~n    ~p~n", [F, Args, What]),
    false.

answer(F, Args) ->
    try {ok, apply(esock_nif, F, Args)} catch Class:Reason -> {Class, Reason} end.

fine({ok, _}) -> true;
fine({error, badarg}) -> true;
fine({error, {invalid, _}}) -> true;
fine(_) -> false.

%% Replaces the symbols of `likely/0' by terms. The process that makes the call makes the sockets, which its end closes.
real({socket, closed}) -> Ref = real({socket, tcp}), ok = esock_nif:close(Ref), Ref;
real({socket, listener}) -> Ref = real({socket, tcp}), ok = esock_nif:listen(Ref, 1), Ref;
real({socket, tcp}) -> ref(esock:open(inet, stream, tcp));
real({socket, udp}) -> ref(esock:open(inet, dgram, udp));
real({socket, local}) -> ref(esock:open(local, dgram));
real(handle) -> make_ref();
real(Other) -> Other.

ref({ok, {'$socket', Ref}}) -> Ref.

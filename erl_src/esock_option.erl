%% @private
%% @doc Several options in one call, and what the running kernel has.
-module(esock_option).

-export([set/2]).
-export([probe/1]).

%% @doc Checks all options, then sets them in order.
-spec set(esock:socket(), [{term(), term()}]) -> ok | {error, {term(), term()}}.
set({'$socket', Ref} = Socket, Options) ->
    Check = fun(Option, Value) -> esock_nif:checkopt(Ref, Option, Value) end,
    case each(Check, Options, [Socket, Options]) of
        ok -> each(fun(Option, Value) -> esock:setopt(Socket, Option, Value) end, Options, [Socket, Options]);
        Error -> Error
    end.

each(_Do, [], _Args) ->
    ok;
each(Do, [{Option, Value} | Rest], Args) ->
    case Do(Option, Value) of
        ok -> each(Do, Rest, Args);
        {error, Reason} -> {error, {Option, Reason}}
    end;
each(_Do, _NoList, Args) ->
    erlang:error(badarg, Args).

%% @doc Whether the running kernel has an option, a domain or a protocol.
-spec probe(term()) -> boolean() | {error, term()}.
probe({domain, Domain}) -> domain(Domain);
probe({protocol, Protocol}) -> protocol(Protocol);
probe({otp, Opt}) -> esock:is_supported(options, otp, Opt);
probe({Level, Opt}) when is_atom(Level), is_atom(Opt) -> option({Level, Opt});
probe(Name) when is_atom(Name) ->
    case {esock_constant:number({domain, Name}), esock_constant:number({protocol, Name})} of
        {{ok, _}, _} -> domain(Name);
        {_, {ok, _}} -> protocol(Name);
        {Error, _} -> Error
    end;
probe(What) -> {error, {invalid, {constant, What}}}.

domain(Domain) ->
    case esock_constant:number({domain, Domain}) of
        {ok, _} -> any([{Domain, Type, 0} || Type <- [dgram, stream, raw, seqpacket, rdm]], fun opened/1);
        Error -> Error
    end.

protocol(Protocol) ->
    case esock_constant:number({protocol, Protocol}) of
        {ok, Number} ->
            Kinds = [{Domain, Type, Number} || Type <- [stream, dgram, seqpacket], Domain <- [inet, inet6]],
            %% A raw socket has each protocol, so it says nothing.
            any(Kinds, fun opened/1);
        Error -> Error
    end.

opened(_Socket) -> true.

%% The kernel has the options of TLS only in a connection with TLS, which it refuses for the state of this socket if it has TLS.
option({tls, Opt}) ->
    case esock:is_supported(options, tls, Opt) of
        true -> any(kinds(tls), fun(Socket) -> esock:setopt(Socket, {tcp, ulp}, "tls") =/= {error, enoent} end);
        false -> {error, {invalid, {socket_option, {tls, Opt}}}}
    end;
option({Level, _} = Option) ->
    case [On || {Known, On} <- esock_nif:options(), Known =:= Option] of
        [true] -> any(kinds(Level), fun(Socket) -> has(Socket, Option) end);
        [false] -> false;
        [] -> {error, {invalid, {socket_option, Option}}}
    end.

%% The kinds of sockets that may have an option of the level.
kinds(ip) -> [{inet, dgram, 0}, {inet, stream, 0}, {inet, raw, 1}];
kinds(ipv6) -> [{inet6, dgram, 0}, {inet6, stream, 0}, {inet6, raw, 58}];
kinds(tcp) -> [{inet, stream, 6}];
kinds(tls) -> [{inet, stream, 6}];
kinds(udp) -> [{inet, dgram, 17}];
kinds(udplite) -> [{inet, dgram, 136}];
kinds(mptcp) -> [{inet, stream, 262}];
kinds(sctp) -> [{inet, stream, 132}, {inet, seqpacket, 132}];
kinds(mcast) -> [{inet, dgram, 0}];
kinds(icmp) -> [{inet, raw, 1}];
kinds(Raw) when Raw =:= icmpv6; Raw =:= raw -> [{inet6, raw, 58}];
kinds(packet) -> [{17, dgram, 0}];
kinds(netlink) -> [{16, raw, 0}];
kinds(can_raw) -> [{29, raw, 1}];
kinds(can_isotp) -> [{29, dgram, 6}];
kinds(can_j1939) -> [{29, dgram, 7}];
kinds(tipc) -> [{30, rdm, 0}, {30, stream, 0}];
kinds(vsock) -> [{40, stream, 0}];
kinds(alg) -> [{38, seqpacket, 0}];
kinds(rds) -> [{21, seqpacket, 0}];
kinds(xdp) -> [{44, raw, 0}];
kinds(smc) -> [{43, stream, 0}];
kinds(kcm) -> [{41, dgram, 0}];
kinds(mctp) -> [{45, dgram, 0}];
kinds(llc) -> [{26, dgram, 0}];
kinds(bluetooth) -> [{31, seqpacket, 0}, {31, stream, 3}];
kinds(l2cap) -> [{31, seqpacket, 0}];
kinds(rfcomm) -> [{31, stream, 3}];
kinds(sco) -> [{31, seqpacket, 2}];
kinds(hci) -> [{31, raw, 1}];
kinds(socket) ->
    [{inet, dgram, 0}, {inet, stream, 0}, {local, stream, 0}, {local, dgram, 0}, {inet6, stream, 0}, {inet, stream, 262}].

%% Whether a socket of one of the kinds is as asked. If none can be opened for another reason than that the kernel has no such
%% kind, that reason.
any(Kinds, Ask) -> any(Kinds, Ask, false).

any([], _Ask, Answer) ->
    Answer;
any([{Domain, Type, Protocol} | Kinds], Ask, Answer) ->
    case esock:open(Domain, Type, Protocol, #{use_registry => false, io_backend => epoll}) of
        {ok, Socket} ->
            Has = Ask(Socket),
            _ = esock:close(Socket),
            Has orelse any(Kinds, Ask, Answer);
        {error, Reason} ->
            Absent = [eafnosupport, eprotonosupport, esocktnosupport, eprototype, einval, enoent],
            any(Kinds, Ask, case lists:member(Reason, Absent) of true -> Answer; false -> {error, Reason} end)
    end.

%% Reads the option, or sets it to zeros if it cannot be read. Any error but those of an unknown option shows that it is there.
has(Socket, {Level, _} = Option) ->
    Number = case Level of
                 mcast -> {ok, Opt} = esock_constant:number(Option), {0, Opt};
                 _ -> Option
             end,
    absent(esock:getopt_native(Socket, Number, 512)) =:= false
        orelse absent(esock:getopt_native(Socket, Number, 4)) =:= false
        orelse absent(esock:setopt_native(Socket, Number, <<0:256>>)) =:= false.

absent({error, Reason}) -> lists:member(Reason, [enoprotoopt, eopnotsupp, enotsup]);
absent(_) -> false.

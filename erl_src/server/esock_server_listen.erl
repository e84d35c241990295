%% @private
%% @doc Listeners on addresses: one, one for each address of a name, and several on one address (SO_REUSEPORT).
-module(esock_server_listen).

-export([listen/2, listen_all/3, listen_group/2]).
-export([addresses/3, same_port/2, some/2, open/4]).

%% As listen(2): the kernel limits it to net.core.somaxconn, whose default is 4096 since Linux 5.4.
-define(BACKLOG, 4096).
%% With port 0, how often all sockets are opened anew because the port is taken in another family.
-define(TRIES, 16).
%% SO_INCOMING_CPU of asm-generic/socket.h.
-define(INCOMING_CPU, 49).

-type failed() :: {error, {listen_failed, term(), term()} | {invalid, term()}}.

%% @doc One listener.
-spec listen(esock_server:address(), map()) -> {ok, esock:socket()} | failed() | {error, term()}.
listen({unix, Path}, Opts) ->
    checked(Opts, [listen, unix], fun() -> esock_server_unix:listen(Path, Opts) end);
listen(#{family := local, path := Path}, Opts) ->
    listen({unix, Path}, Opts);
listen(What, Opts) ->
    checked(Opts, [listen], fun() ->
        case addresses(What, stream, Opts) of
            {ok, Addresses} -> first(Addresses, Opts, none);
            Error -> Error
        end
    end).

checked(Opts, Sets, Fun) ->
    case esock_server_opts:check(Opts, Sets) of
        ok -> Fun();
        Error -> Error
    end.

%% The first address that works. Without IPv6 the next family is tried; any other error ends it.
first([Address | Rest], Opts, _) ->
    case open(Address, stream, Opts, fun bound/2) of
        {ok, _} = Ok -> Ok;
        {error, {listen_failed, _, Reason}} = Error
          when Reason =:= eafnosupport; Reason =:= eaddrnotavail; Reason =:= {dualstack, enoprotoopt} ->
            first(Rest, Opts, Error);
        Error -> Error
    end;
first([], _, Error) -> Error.

%% @doc A listener on every address; those that fail are left out.
-spec listen_all(any | inet:hostname() | inet:ip_address(), esock:port_number(), map()) ->
          {ok, [esock:socket(), ...]} | {error, term()}.
listen_all(Host, Port, Opts) ->
    checked(Opts, [listen], fun() ->
        case addresses({Host, Port}, all, Opts) of
            {ok, Addresses} -> all(lists:usort(Addresses), Port, Opts#{dualstack => false});
            Error -> Error
        end
    end).

all(Addresses, Port, Opts) ->
    Open = fun(Address) -> open(Address, stream, Opts, fun bound/2) end,
    case Port =:= 0 andalso maps:get(same_port, Opts, true) of
        true -> same_port(Addresses, Open);
        false -> some(Addresses, Open)
    end.

%% @doc Sockets on all addresses that can be opened.
-spec some([map()], fun((map()) -> {ok, esock:socket()} | {error, term()})) -> {ok, [esock:socket(), ...]} | {error, term()}.
some(Addresses, Open) ->
    Results = [Open(Address) || Address <- Addresses],
    case [S || {ok, S} <- Results] of
        [] ->
            case [E || {error, {invalid, _}} = E <- Results] of
                [Invalid | _] -> Invalid;
                [] -> {error, {listen_failed, [{A, R} || {error, {listen_failed, A, R}} <- Results]}}
            end;
        Sockets -> {ok, Sockets}
    end.

%% @doc Sockets on all addresses with one port, which the first of them chooses. Addresses that cannot be opened are left out.
-spec same_port([map()], fun((map()) -> {ok, esock:socket()} | {error, term()})) -> {ok, [esock:socket(), ...]} | {error, term()}.
same_port(Addresses, Open) -> same_port(Addresses, Open, ?TRIES).

same_port(_, _, 0) -> {error, {same_port, eaddrinuse}};
same_port(Addresses, Open, Tries) ->
    case same_port(Addresses, 0, Open, [], []) of
        taken -> same_port(Addresses, Open, Tries - 1);
        Result -> Result
    end.

same_port([], _, _, [], Failed) -> {error, {listen_failed, lists:reverse(Failed)}};
same_port([], _, _, Sockets, _) -> {ok, lists:reverse(Sockets)};
same_port([Address | Rest], Port, Open, Sockets, Failed) ->
    case Open(Address#{port => Port}) of
        {ok, S} when Port =:= 0 ->
            {ok, #{port := Chosen}} = esock:sockname(S),
            same_port(Rest, Chosen, Open, [S], Failed);
        {ok, S} -> same_port(Rest, Port, Open, [S | Sockets], Failed);
        {error, {listen_failed, _, eaddrinuse}} when Port =/= 0 -> close(Sockets), taken;
        {error, {listen_failed, A, Reason}} -> same_port(Rest, Port, Open, Sockets, [{A, Reason} | Failed]);
        {error, _} = Error -> close(Sockets), Error
    end.

close(Sockets) -> lists:foreach(fun(S) -> _ = esock:close(S) end, Sockets).

%% @doc Several listeners on one address and port.
-spec listen_group(esock_server:address(), map()) -> {ok, [esock:socket(), ...]} | {error, term()}.
listen_group(What, Opts) ->
    checked(Opts, [listen, group], fun() ->
        Count = maps:get(sockets, Opts, erlang:system_info(schedulers_online)),
        One = (maps:without([sockets, steer], Opts))#{reuseport => true},
        case listen(What, One) of
            {ok, First} -> steer(group(First, Count, One), maps:get(steer, Opts, none));
            Error -> Error
        end
    end).

group(First, Count, Opts) ->
    case esock:sockname(First) of
        {ok, #{port := _} = Address} -> group(Address, Count - 1, Opts, [First]);
        {ok, Address} -> close([First]), {error, {listen_failed, Address, eopnotsupp}};
        {error, _} = Error -> close([First]), Error
    end.

group(_, 0, _, Sockets) -> {ok, lists:reverse(Sockets)};
group(Address, Left, Opts, Sockets) ->
    case open(Address, stream, Opts, fun bound/2) of
        {ok, S} -> group(Address, Left - 1, Opts, [S | Sockets]);
        Error -> close(Sockets), Error
    end.

%% One program steers the whole group; it belongs to any of its sockets.
steer({ok, [First | _] = Sockets} = Ok, How) when How =:= cpu; How =:= hash ->
    Option = {socket, attach_reuseport_cbpf},
    case esock:is_supported(options, socket, attach_reuseport_cbpf) of
        true ->
            {ok, Filter} = case How of
                               cpu -> esock_bpf:steer_by_cpu(length(Sockets));
                               hash -> esock_bpf:steer_by_hash(length(Sockets))
                           end,
            steered(esock:setopt(First, Option, Filter), Ok, How);
        false -> steered({error, enotsup}, Ok, How)
    end;
steer({ok, Sockets} = Ok, incoming_cpu) ->
    Set = fun({Cpu, S}, ok) -> esock:setopt_native(S, {socket, ?INCOMING_CPU}, Cpu);
             (_, Error) -> Error
          end,
    steered(lists:foldl(Set, ok, lists:zip(lists:seq(0, length(Sockets) - 1), Sockets)), Ok, incoming_cpu);
steer(Result, _) -> Result.

steered(ok, Ok, _) -> Ok;
steered({error, Reason}, {ok, Sockets}, How) ->
    {ok, Address} = esock:sockname(hd(Sockets)),
    close(Sockets),
    {error, {listen_failed, Address, {steer, How, Reason}}}.

%%% ---- One socket -----------------------------------------------------------------------------------------------------

%% @doc A socket of a type on an address: opened, its options set, bound, and finished by `Finish'.
-spec open(map(), stream | dgram | seqpacket, map(), fun((esock:socket(), map()) -> ok | {error, term()})) ->
          {ok, esock:socket()} | {error, term()}.
open(#{family := Family} = Address, Type, Opts, Finish) ->
    case esock:open(Family, Type, default, maps:get(open, Opts, #{})) of
        {ok, S} -> finish(S, Address, [fun() -> set(S, settings(Address, Type, Opts)) end,
                                       fun() -> esock:bind(S, Address) end, fun() -> Finish(S, Opts) end]);
        {error, {invalid, _}} = Error -> Error;
        {error, Reason} -> {error, {listen_failed, Address, Reason}}
    end.

finish(S, _, []) -> {ok, S};
finish(S, Address, [Step | Steps]) ->
    case Step() of
        ok -> finish(S, Address, Steps);
        {error, Reason} -> _ = esock:close(S), {error, {listen_failed, Address, Reason}}
    end.

bound(S, Opts) -> esock:listen(S, backlog(maps:get(backlog, Opts, max))).

backlog(max) -> ?BACKLOG;
backlog(Number) -> Number.

settings(#{family := Family} = Address, Type, Opts) ->
    [{{socket, reuseaddr}, true} || maps:get(reuseaddr, Opts, Type =:= stream)] ++
    [{{socket, reuseport}, true} || maps:get(reuseport, Opts, false)] ++
    [{{ipv6, v6only}, not dual(Address, Type, maps:get(dualstack, Opts, auto))} || Family =:= inet6] ++
    %% Accepted sockets inherit TCP_NODELAY from the listener.
    [{{tcp, nodelay}, true} || Type =:= stream, Family =:= inet orelse Family =:= inet6, maps:get(nodelay, Opts, true)] ++
    maps:get(options, Opts, []).

%% A datagram socket of IPv6 leaves IPv4 to a socket of its own: that has the control messages of IPv4.
dual(_, dgram, _) -> false;
dual(#{addr := any}, _, auto) -> true;
dual(#{addr := {0, 0, 0, 0, 0, 0, 0, 0}}, _, auto) -> true;
dual(_, _, Dual) -> Dual =:= true.

set(_, []) -> ok;
set(S, [{Option, Value} | Rest]) ->
    case esock:setopt(S, Option, Value) of
        ok -> set(S, Rest);
        {error, enoprotoopt} when Option =:= {ipv6, v6only} -> {error, {dualstack, enoprotoopt}};
        {error, {invalid, _} = Reason} -> {error, Reason};
        {error, Reason} -> {error, {option, Option, Reason}}
    end.

%%% ---- Addresses ------------------------------------------------------------------------------------------------------

%% @doc The addresses that a term names, in the order in which they are tried. `Kind' is `stream' if one of them will do (a socket
%% for both families comes first), `all' or `dgram' if each gets a socket of its own.
-spec addresses(term(), stream | all | dgram, map()) -> {ok, [map(), ...]} | {error, term()}.
addresses(#{family := Family} = Address, _, _) when Family =:= inet; Family =:= inet6; Family =:= local; Family =:= vsock ->
    case Family =/= inet6 andalso Family =/= inet of
        true -> {ok, [Address]};
        false -> {ok, [maps:merge(#{addr => any, port => 0}, Address)]}
    end;
addresses(Port, Kind, Opts) when is_integer(Port), Port >= 0, Port =< 65535 -> addresses({any, Port}, Kind, Opts);
addresses({Host, Port}, Kind, Opts) when is_integer(Port), Port >= 0, Port =< 65535 -> hosts(Host, Port, Kind, Opts);
addresses(What, _, _) -> {error, {invalid, {address, What}}}.

hosts(Any, Port, stream, #{dualstack := true} = Opts) when Any =:= any ->
    case maps:get(family, Opts, any) of
        inet -> {error, {invalid, {option, dualstack, true}}};
        _ -> {ok, [#{family => inet6, addr => any, port => Port}]}
    end;
hosts(any, Port, Kind, Opts) ->
    {ok, [#{family => Family, addr => any, port => Port} || Family <- families(Kind, Opts)]};
hosts(Addr, Port, _, _) when tuple_size(Addr) =:= 4 -> {ok, [#{family => inet, addr => Addr, port => Port}]};
hosts(Addr, Port, _, _) when tuple_size(Addr) =:= 8 -> {ok, [#{family => inet6, addr => Addr, port => Port}]};
hosts(loopback, Port, Kind, Opts) ->
    {ok, [#{family => Family, addr => loopback, port => Port} || Family <- families(Kind, Opts)]};
hosts(Name, Port, Kind, Opts) when is_list(Name); is_atom(Name); is_binary(Name) ->
    Resolve = maps:get(resolver, Opts, fun resolve/2),
    Host = if is_binary(Name) -> unicode:characters_to_list(Name); true -> Name end,
    Results = [{Family, Resolve(Host, Family)} || Family <- families(Kind, Opts)],
    case [#{family => Family, addr => Addr, port => Port} || {Family, {ok, Addrs}} <- Results, Addr <- Addrs] of
        [] -> {error, {resolve_failed, Name, hd([Reason || {_, {error, Reason}} <- Results] ++ [nxdomain])}};
        Addresses -> {ok, Addresses}
    end;
hosts(Host, _, _, _) -> {error, {invalid, {host, Host}}}.

families(stream, #{dualstack := false} = Opts) -> order(maps:get(family, Opts, inet));
families(_, Opts) -> order(maps:get(family, Opts, inet6_first)).

order(inet) -> [inet];
order(inet6) -> [inet6];
order(inet_first) -> [inet, inet6];
order(_) -> [inet6, inet].

%% The resolver of OTP. It is asked here only.
resolve(Host, Family) -> inet:getaddrs(Host, Family).

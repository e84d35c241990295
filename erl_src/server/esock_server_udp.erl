%% @private
%% @doc UDP servers that answer from the address that was asked.
-module(esock_server_udp).

-export([sockets/2, loop/3, loop_on/2, recv/2, reply/2]).

%% @doc One socket for each family or address, on one port.
-spec sockets(term(), map()) -> {ok, [esock:socket(), ...]} | {error, term()}.
sockets(What, Opts) ->
    case esock_server_opts:check(Opts, [udp]) of
        ok ->
            case esock_server_listen:addresses(What, dgram, Opts) of
                {ok, Addresses} -> open(lists:usort(Addresses), Opts);
                Error -> Error
            end;
        Error -> Error
    end.

open([#{port := Port} | _] = Addresses, Opts) ->
    Open = fun(Address) -> esock_server_listen:open(Address, dgram, Opts, fun(S, _) -> tell_addresses(S, Address) end) end,
    case Port of
        0 -> esock_server_listen:same_port(Addresses, Open);
        _ -> esock_server_listen:some(Addresses, Open)
    end;
open([Address | _], _) -> {error, {invalid, {address, Address}}}.

tell_addresses(S, #{family := inet}) -> set(S, [{ip, pktinfo}, {ip, recvtos}]);
tell_addresses(S, #{family := inet6}) -> set(S, [{ipv6, recvpktinfo}, {ipv6, recvtclass}]).

set(_, []) -> ok;
set(S, [Option | Rest]) ->
    case esock:setopt(S, Option, true) of
        ok -> set(S, Rest);
        Error -> Error
    end.

%% @doc Opens the sockets, receives until `Fun' returns `stop', and closes them.
-spec loop(term(), map(), fun((binary(), esock_server:source()) -> term())) -> ok | {error, term()}.
loop(What, Opts, Fun) ->
    case sockets(What, Opts) of
        {ok, Sockets} ->
            try loop_on(Sockets, Fun)
            after lists:foreach(fun esock:close/1, Sockets)
            end;
        Error -> Error
    end.

%% @doc Receives on sockets until `Fun' returns `stop', or all are closed.
-spec loop_on([esock:socket()], fun((binary(), esock_server:source()) -> term())) -> ok | {error, term()}.
loop_on([], _) -> {error, {invalid, no_sockets}};
loop_on(Sockets, Fun) ->
    Ports = maps:from_list([{S, port(S)} || S <- Sockets]),
    esock_server_loop:each(Sockets, recvmsg, fun(S, Msg) -> Fun(data(Msg), source(S, maps:get(S, Ports), Msg)) end).

port(S) ->
    case esock:sockname(S) of
        {ok, #{port := Port}} -> Port;
        _ -> 0
    end.

data(#{iov := IOV}) -> iolist_to_binary(IOV).

%% @doc One datagram and where it came from.
-spec recv(esock:socket(), timeout()) -> {ok, {binary(), esock_server:source()}} | {error, term()}.
recv(S, Timeout) ->
    case esock:recvmsg(S, 0, 0, [], Timeout) of
        {ok, Msg} -> {ok, {data(Msg), source(S, port(S), Msg)}};
        Error -> Error
    end.

source(S, Port, #{addr := Remote, ctrl := Ctrl, flags := Flags}) ->
    lists:foldl(fun told/2, #{socket => S, remote => Remote, port => Port, ecn => 0, flags => Flags}, Ctrl).

told(#{level := ip, type := pktinfo, value := #{ifindex := Index, spec_dst := Addr}}, #{port := Port} = Source) ->
    Source#{ifindex => Index, local => #{family => inet, addr => Addr, port => Port}};
told(#{level := ipv6, type := pktinfo, value := #{ifindex := Index, addr := Addr}}, #{port := Port} = Source) ->
    Source#{ifindex => Index, local => #{family => inet6, addr => Addr, port => Port}};
told(#{level := ip, type := tos, data := <<Tos, _/binary>>}, Source) -> Source#{ecn := Tos band 3};
told(#{level := ipv6, type := tclass, data := <<Class:32/native, _/binary>>}, Source) -> Source#{ecn := Class band 3};
told(_, Source) -> Source.

%% @doc Answers a datagram.
-spec reply(esock_server:source(), iodata()) -> ok | {error, term()}.
reply(#{socket := S, remote := Remote} = Source, Data) ->
    IOV = [iolist_to_binary(Data)],
    case esock:sendmsg(S, #{addr => Remote, iov => IOV, ctrl => from(Source) ++ ecn(Source)}) of
        ok -> ok;
        {ok, _} -> {error, emsgsize};
        Error -> Error
    end.

%% A group cannot be a source: the kernel chooses the address, on the interface of the request.
from(#{local := #{family := inet, addr := Addr}, ifindex := Index}) ->
    [#{level => ip, type => pktinfo, value => #{ifindex => Index, spec_dst => Addr}}];
from(#{local := #{family := inet6, addr := Addr}, ifindex := Index}) ->
    From = case element(1, Addr) bsr 8 of 16#FF -> any; _ -> Addr end,
    [#{level => ipv6, type => pktinfo, value => #{ifindex => Index, addr => From}}];
from(_) -> [].

%% An answer to an ECN-capable datagram is ECN-capable. Only routers set `3' (congestion experienced), RFC 3168 section 5: it is
%% answered with ECT(0).
ecn(#{ecn := 0}) -> [];
ecn(#{ecn := Ecn, remote := #{family := Family}}) ->
    Value = case Ecn of 3 -> 2; _ -> Ecn end,
    case Family of
        inet -> [#{level => ip, type => tos, data => <<Value:32/native>>}];
        inet6 -> [#{level => ipv6, type => tclass, data => <<Value:32/native>>}]
    end.

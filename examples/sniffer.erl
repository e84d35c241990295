%% The sniffer of Python's documentation of `socket': there with a raw socket of Windows, here with a packet socket, packet(7).
%% It needs CAP_NET_RAW. As root: erl -noshell -pa . -pa PATH/esock/ebin -run sniffer main lo
-module(sniffer).
-export([main/1, open/1, next/2]).

-define(ETH_P_IP, 16#0800).

main([Interface]) ->
    {ok, S} = open(Interface),
    loop(S).

loop(S) ->
    {ok, Packet} = next(S, infinity),
    io:format("~p~n", [Packet]),
    loop(S).

open(Interface) ->
    {ok, S} = esock:open(packet, dgram, {ethertype, ?ETH_P_IP}),
    case esock:bind(S, #{family => packet, protocol => ?ETH_P_IP, ifindex => Interface}) of
        ok -> {ok, S};
        Error -> ok = esock:close(S), Error
    end.

%% The next IPv4 packet: the addresses, the protocol and the payload.
next(S, Timeout) ->
    case esock:recv(S, 65_565, Timeout) of
        {ok, <<4:4, Words:4, _:8, Length:16, _:32, _Ttl, Protocol, _:16, A, B, C, D, E, F, G, H, _/binary>> = Packet} ->
            {ok, #{from => {A, B, C, D}, to => {E, F, G, H}, protocol => Protocol,
                   payload => binary:part(Packet, 4 * Words, Length - 4 * Words)}};
        {ok, _} -> next(S, Timeout);
        Error -> Error
    end.

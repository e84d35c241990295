%% A UDP server that answers from the address that was asked, on all interfaces (Ruby: Socket.udp_server_loop), and a client.
-module(echo_udp).
-export([start/1, serve/1, ask/2]).

start(Port) ->
    {ok, S} = esock:open(inet, dgram, udp),
    ok = esock:setopt(S, {ip, pktinfo}, true),
    ok = esock:bind(S, #{family => inet, addr => any, port => Port}),
    {ok, #{port := Bound}} = esock:sockname(S),
    {ok, S, Bound}.

%% Returns when the socket is closed.
serve(S) ->
    case esock:recvmsg(S) of
        {ok, #{addr := From, iov := Data, ctrl := [#{value := #{addr := Asked}} | _]}} ->
            Info = #{level => ip, type => pktinfo, value => #{ifindex => 0, spec_dst => Asked, addr => Asked}},
            ok = esock:sendmsg(S, #{addr => From, iov => Data, ctrl => [Info]}),
            serve(S);
        {error, closed} -> ok
    end.

ask(Port, Data) ->
    {ok, S} = esock:open(inet, dgram, udp),
    ok = esock:sendto(S, Data, #{family => inet, addr => loopback, port => Port}),
    Answer = esock:recvfrom(S, 0, 5000),
    ok = esock:close(S),
    Answer.

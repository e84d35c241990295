%% A program for OTP's socket, in the style of its user's guide: an acceptor, a process for each connection, a client.
-module(echo_server).

-export([start/1, stop/1, client/2, interfaces/0]).

-export_type([server/0]).

-record(server, {acceptor :: pid(), addr :: socket:sockaddr_recv()}).
-opaque server() :: #server{}.

-spec start(socket:sockaddr_in() | socket:sockaddr_in6()) -> {ok, server(), socket:sockaddr_recv()} | {error, term()}.
start(#{family := Family} = At) ->
    Self = self(),
    {Pid, MRef} = spawn_monitor(fun() -> acceptor(Self, Family, At) end),
    receive
        {Pid, Addr} ->
            true = erlang:demonitor(MRef, [flush]),
            {ok, #server{acceptor = Pid, addr = Addr}, Addr};
        {'DOWN', MRef, process, Pid, Reason} ->
            {error, Reason}
    end.

-spec stop(server()) -> ok.
stop(#server{acceptor = Pid}) ->
    MRef = monitor(process, Pid),
    true = exit(Pid, shutdown),
    receive {'DOWN', MRef, process, Pid, _} -> ok end.

-spec acceptor(pid(), socket:domain(), socket:sockaddr()) -> no_return().
acceptor(Parent, Family, At) ->
    {ok, L} = socket:open(Family, stream, tcp),
    ok = socket:setopt(L, {socket, reuseaddr}, true),
    ok = socket:bind(L, At),
    ok = socket:listen(L, 10),
    {ok, Addr} = socket:sockname(L),
    Parent ! {self(), Addr},
    accept(L).

-spec accept(socket:socket()) -> no_return().
accept(L) ->
    {ok, S} = socket:accept(L, infinity),
    Handler = spawn(fun() -> receive go -> serve(S) end end),
    ok = socket:setopt(S, otp, controlling_process, Handler),
    Handler ! go,
    accept(L).

-spec serve(socket:socket()) -> ok | {error, term()}.
serve(S) ->
    case socket:recvmsg(S, [], infinity) of
        {ok, #{iov := IOV}} ->
            ok = socket:sendmsg(S, #{iov => IOV}),
            serve(S);
        {error, closed} ->
            socket:close(S);
        {error, _} = Error ->
            Error
    end.

%% Sends the messages one by one, and answers the echo of each.
-spec client(socket:sockaddr(), [binary()]) -> {ok, [binary()]} | {error, socket:invalid() | term()}.
client(#{family := Family} = Server, Messages) ->
    {ok, S} = socket:open(Family, stream, default),
    case socket:connect(S, Server, 5000) of
        ok ->
            ok = socket:setopt(S, {tcp, nodelay}, true),
            Answers = [begin
                           ok = socket:send(S, Message),
                           {ok, Answer} = socket:recv(S, byte_size(Message), 5000),
                           Answer
                       end || Message <- Messages],
            ok = socket:shutdown(S, write),
            {error, closed} = socket:recv(S, 0, 5000),
            ok = socket:close(S),
            {ok, Answers};
        {error, _} = Error ->
            ok = socket:close(S),
            Error
    end.

%% The interfaces of the machine and their addresses.
-spec interfaces() -> [{string(), socket:sockaddr_recv()}].
interfaces() ->
    {ok, S} = socket:open(inet, dgram, udp),
    {ok, All} = socket:ioctl(S, gifconf),
    ok = socket:close(S),
    lists:sort([{Name, Addr} || #{name := Name, addr := Addr} <- All]).

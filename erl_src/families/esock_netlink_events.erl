%% @private
%% @doc Events of rtnetlink(7): a process receives them and sends them to the subscriber. The subscriber owns the socket, so that the
%% process ends with it.
-module(esock_netlink_events).

-export([start/2]).

%% @doc A subscription of the caller.
-spec start([atom() | pos_integer()], esock_netlink:options()) -> {ok, esock:socket()} | {error, esock_netlink:reason()}.
start(Groups, Opts) when is_list(Groups), is_map(Opts) ->
    case esock_netlink:open(route, Opts#{groups => lists:append([group(Group) || Group <- Groups])}) of
        %% The socket queues changes from here on, so that the list below misses none.
        {ok, Socket} -> start(Socket, self(), esock_netlink:links(maps:with([netns, timeout], Opts)));
        Error -> Error
    end;
start(_, Opts) when is_map(Opts) -> {error, {invalid, [groups]}};
start(_, _) -> {error, {invalid, []}}.

group(address) -> [ipv4_ifaddr, ipv6_ifaddr];
group(route) -> [ipv4_route, ipv6_route];
group(neighbour) -> [neigh];
group(Group) -> [Group].

start(Socket, Subscriber, {ok, Links}) ->
    Up = maps:from_list([{Index, up(Flags)} || #{index := Index, flags := Flags} <- Links]),
    _ = spawn(fun() -> forward(Socket, Subscriber, Up) end),
    {ok, Socket};
start(Socket, _, Error) ->
    _ = esock:close(Socket),
    Error.

up(Flags) -> lists:member(up, Flags) andalso lists:member(running, Flags).

forward(Socket, Subscriber, Up) ->
    case esock_netlink_request:receive_messages(Socket, route, infinity) of
        {ok, Messages} -> forward(Socket, Subscriber, send_all(Messages, Socket, Subscriber, Up));
        {error, enobufs} -> send([overrun], Socket, Subscriber), forward(Socket, Subscriber, Up);
        {error, {invalid, _} = Invalid} -> send([{error, Invalid}], Socket, Subscriber);
        {error, closed} -> ok;
        {error, _} = Error -> send([Error], Socket, Subscriber)
    end.

send_all([], _, _, Up) -> Up;
send_all([Message | Messages], Socket, Subscriber, Up) ->
    {Events, New} = events(Message, Up),
    send(Events, Socket, Subscriber),
    send_all(Messages, Socket, Subscriber, New).

send(Events, Socket, Subscriber) -> lists:foreach(fun(Event) -> Subscriber ! {esock_netlink, Socket, Event} end, Events).

events(#{type := newlink, body := #{family := unspec, index := Index, flags := Flags} = Link}, Up) ->
    New = up(Flags),
    {[{link, Change, Link} || Change <- changes(maps:get(Index, Up, none), New)], Up#{Index => New}};
events(#{type := dellink, body := #{family := unspec, index := Index} = Link}, Up) ->
    {[{link, deleted, Link}], maps:remove(Index, Up)};
%% A bridge, or IPv6, about a link that stays.
events(#{type := Type, body := Link}, Up) when Type =:= newlink; Type =:= dellink -> {[{link, changed, Link}], Up};
events(#{type := newaddr, body := Body}, Up) -> {[{address, added, Body}], Up};
events(#{type := deladdr, body := Body}, Up) -> {[{address, deleted, Body}], Up};
events(#{type := newroute, body := Body}, Up) -> {[{route, added, Body}], Up};
events(#{type := delroute, body := Body}, Up) -> {[{route, deleted, Body}], Up};
events(#{type := newneigh, body := Body}, Up) -> {[{neighbour, added, Body}], Up};
events(#{type := delneigh, body := Body}, Up) -> {[{neighbour, deleted, Body}], Up};
events(Message, Up) -> {[{other, Message}], Up}.

changes(none, true) -> [added, up];
changes(none, false) -> [added];
changes(Up, Up) -> [changed];
changes(_, true) -> [up];
changes(_, false) -> [down].

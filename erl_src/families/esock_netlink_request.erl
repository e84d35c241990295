%% @private
%% @doc Sockets of netlink(7) and requests to the kernel: the answers up to the acknowledgement, or to the end of the list.
-module(esock_netlink_request).

-export([open/2, with_socket/3]).
-export([run/3, list_bodies/3, one/3, change/3, switched/1]).
-export([diag_bodies/1, diag/3]).
-export([receive_messages/3]).

%% The port number of the kernel.
-define(KERNEL, 0).
%% The attempts at a list that changes while the kernel sends it.
-define(TRIES, 5).
-define(SOL_NETLINK, 270).
-define(ADD_MEMBERSHIP, 1).
-define(EXT_ACK, 11).
-define(STRICT_CHECK, 12).

%% @doc A socket of a protocol.
-spec open(route | sock_diag | non_neg_integer(), esock_netlink:options()) -> {ok, esock:socket()} | {error, esock_netlink:reason()}.
open(Protocol, Opts) ->
    case esock_layout:result(fun() -> opening(Protocol, Opts) end) of
        {ok, {Number, Groups}} -> open_number(Number, Groups, maps:with([netns], Opts));
        Error -> Error
    end.

opening(Protocol, Opts) ->
    <<Number:32/native>> = esock_layout:to_bytes({enum, u32, [{route, 0}, {sock_diag, 4}]}, Protocol),
    ok = checked(Opts),
    {Number, groups(maps:get(groups, Opts, []))}.

checked(Opts) ->
    ok = esock_layout:only([netns, socket, timeout, family, groups], Opts),
    maps:foreach(fun(Key, Value) -> fine(Key, Value) orelse esock_layout:invalid([Key]) end, Opts).

fine(netns, Path) -> is_list(Path) orelse is_binary(Path);
fine(socket, Socket) -> is_tuple(Socket) andalso tuple_size(Socket) =:= 2 andalso element(1, Socket) =:= '$socket';
fine(timeout, Timeout) -> Timeout =:= infinity orelse is_integer(Timeout) andalso Timeout >= 0;
fine(family, Family) -> {enum, u8, Table} = esock_netlink_tables:family(u8), lists:keymember(Family, 1, Table);
fine(groups, Groups) -> is_list(Groups).

groups(Groups) ->
    Type = {enum, u32, esock_netlink_tables:groups()},
    [esock_layout:at(groups, fun() -> esock_layout:to_bytes(Type, Group) end) || Group <- Groups].

open_number(Number, Groups, Opts) ->
    case esock:open(netlink, raw, Number, Opts) of
        {ok, Socket} -> joined(Socket, esock:bind(Socket, esock_netlink:address(0, 0)), Groups);
        Error -> Error
    end.

joined(Socket, ok, []) ->
    %% An older kernel refuses these options, and works without them.
    _ = [esock:setopt_native(Socket, {?SOL_NETLINK, Option}, 1) || Option <- [?EXT_ACK, ?STRICT_CHECK]],
    {ok, Socket};
joined(Socket, ok, [Group | Groups]) ->
    joined(Socket, esock:setopt_native(Socket, {?SOL_NETLINK, ?ADD_MEMBERSHIP}, Group), Groups);
joined(Socket, Error, _) ->
    _ = esock:close(Socket),
    Error.

%% @doc The result of a function of the option `socket', or of a socket for it, and the timeout in milliseconds.
-spec with_socket(route | sock_diag, esock_netlink:options(), fun((esock:socket(), timeout()) -> Result)) ->
          Result | {error, esock_netlink:reason()}.
with_socket(Protocol, Opts, Fun) ->
    case esock_layout:result(fun() -> checked(Opts) end) of
        {ok, ok} -> with_socket(Protocol, Opts, maps:get(timeout, Opts, 5000), Fun);
        Error -> Error
    end.

with_socket(_, #{socket := Socket}, Timeout, Fun) -> Fun(Socket, Timeout);
with_socket(Protocol, Opts, Timeout, Fun) ->
    case open(Protocol, maps:with([netns], Opts)) of
        {ok, Socket} ->
            try Fun(Socket, Timeout)
            after _ = esock:close(Socket)
            end;
        Error -> Error
    end.

%% @doc Sends the request and collects its answers.
-spec run(esock:socket(), esock_netlink:message(), timeout()) -> {ok, [esock_netlink:message()]} | {error, esock_netlink:reason()}.
run(Socket, Message, Timeout) when is_map(Message), Timeout =:= infinity orelse is_integer(Timeout) andalso Timeout >= 0 ->
    case esock:getopt_native(Socket, {socket, protocol}, integer) of
        {ok, Protocol} -> run(Socket, family(Protocol), Message, Timeout);
        Error -> Error
    end;
run(_, Message, _) when is_map(Message) -> {error, {invalid, [timeout]}};
run(_, _, _) -> {error, {invalid, []}}.

family(0) -> route;
family(4) -> sock_diag;
family(_) -> raw.

run(Socket, Family, Message, Timeout) ->
    Seq = erlang:unique_integer([positive]) band 16#FFFFFFFF,
    case esock_netlink:encode(flagged(Message#{seq => Seq}), Family) of
        {ok, Bytes} -> sent(Socket, Family, Seq, deadline(Timeout), esock:sendto(Socket, Bytes, esock_netlink:address(?KERNEL, 0)));
        Error -> Error
    end.

flagged(Message) ->
    case maps:get(flags, Message, []) of
        Flags when is_list(Flags) -> Message#{flags => [request | answered(lists:member(dump, Flags), Flags)]};
        _ -> Message
    end.

answered(true, Flags) -> Flags;
answered(false, Flags) -> [ack | Flags].

deadline(infinity) -> infinity;
deadline(Timeout) -> erlang:monotonic_time(millisecond) + Timeout.

left(infinity) -> infinity;
left(Deadline) -> max(0, Deadline - erlang:monotonic_time(millisecond)).

sent(Socket, Family, Seq, Deadline, ok) -> collect(Socket, Family, Seq, Deadline, {[], false});
sent(_, _, _, _, Error) -> Error.

collect(Socket, Family, Seq, Deadline, Answers) ->
    case receive_messages(Socket, Family, left(Deadline)) of
        {ok, Messages} ->
            case answers([Message || #{seq := S} = Message <- Messages, S =:= Seq], Answers) of
                {more, More} -> collect(Socket, Family, Seq, Deadline, More);
                Result -> Result
            end;
        Error -> Error
    end.

%% The answers in reverse, and whether the list changed while the kernel sent it.
answers([], Answers) -> {more, Answers};
answers([#{type := error, body := #{error := ok}} | _], {Answers, _}) -> {ok, lists:reverse(Answers)};
answers([#{type := Type, body := #{error := Error} = Body} | _], _) when (Type =:= error orelse Type =:= done), Error =/= ok ->
    {error, {Error, maps:get(ack, Body, #{})}};
answers([#{type := done, flags := Flags} | _], {Answers, Changed}) ->
    case Changed orelse lists:member(dump_intr, Flags) of
        true -> {error, eintr};
        false -> {ok, lists:reverse(Answers)}
    end;
answers([#{flags := Flags} = Message | Messages], {Answers, Changed}) ->
    answers(Messages, {[Message | Answers], Changed orelse lists:member(dump_intr, Flags)}).

%% @doc The bodies of a list of rtnetlink.
-spec list_bodies(atom(), map(), esock_netlink:options()) -> {ok, [map()]} | {error, esock_netlink:reason()}.
list_bodies(Type, Body, Opts) ->
    Message = #{type => Type, flags => [dump], body => Body},
    with_socket(route, Opts, fun(Socket, Timeout) -> bare(list(Socket, Message, Timeout)) end).

%% The caller gave a body, not a message.
bare({error, {invalid, [body | Path]}}) -> {error, {invalid, Path}};
bare(Result) -> Result.

%% @doc The body of the one answer to a request of rtnetlink.
-spec one(atom(), map(), esock_netlink:options()) -> {ok, map()} | {error, esock_netlink:reason()}.
one(Type, Body, Opts) ->
    with_socket(route, Opts, fun(Socket, Timeout) -> first(run(Socket, #{type => Type, body => Body}, Timeout)) end).

first({ok, [#{body := Body} | _]}) -> {ok, Body};
first({ok, []}) -> {error, enoent};
first(Error) -> bare(Error).

%% @doc Sends a request of rtnetlink that changes something.
-spec change(atom() | {atom(), [esock_netlink:flag()]}, map(), esock_netlink:options()) -> ok | {error, esock_netlink:reason()}.
change({Type, Flags}, Body, Opts) ->
    Message = #{type => Type, flags => Flags, body => Body},
    with_socket(route, Opts, fun(Socket, Timeout) -> changed(run(Socket, Message, Timeout)) end);
change(Type, Body, Opts) when Type =:= newlink; Type =:= newaddr; Type =:= newroute; Type =:= newneigh ->
    change({Type, [create, excl]}, Body, Opts);
change(Type, Body, Opts) -> change({Type, []}, Body, Opts).

changed({ok, _}) -> ok;
changed(Error) -> bare(Error).

%% @doc Changes of a link with its switch as a flag. Throws `{invalid, Path}'.
-spec switched(map()) -> map().
switched(#{up := true} = Changes) -> switched(Changes, [up]);
switched(#{up := false} = Changes) -> switched(Changes, []);
switched(#{up := _}) -> esock_layout:invalid([up]);
switched(Changes) when is_map(Changes) -> Changes;
switched(_) -> esock_layout:invalid([]).

switched(Changes, Flags) -> (maps:remove(up, Changes))#{flags => Flags, change => [up]}.

%% If the list changes while the kernel sends it, the function asks again.
list(Socket, Message, Timeout) -> list(Socket, Message, Timeout, ?TRIES).

list(Socket, Message, Timeout, Tries) ->
    case run(Socket, Message, Timeout) of
        {ok, Messages} -> {ok, [Body || #{body := Body} <- Messages]};
        {error, eintr} when Tries > 1 -> list(Socket, Message, Timeout, Tries - 1);
        Error -> Error
    end.

%% @doc The messages of the next datagram from the kernel. One from another process has none.
-spec receive_messages(esock:socket(), esock_netlink:family(), timeout()) ->
          {ok, [esock_netlink:message()]} | {error, esock_netlink:reason()}.
receive_messages(Socket, Family, Timeout) ->
    case esock:recvfrom(Socket, 0, [], Timeout) of
        {ok, {From, Bytes}} -> from(esock_netlink:pid(From), Bytes, Family);
        {error, _} = Error -> Error
    end.

from({ok, ?KERNEL}, Bytes, Family) -> esock_netlink:decode(Bytes, Family);
from(_, _, _) -> {ok, []}.

%% @doc The bodies of the requests for a list of sockets: one for each family. Throws `{invalid, Path}'.
-spec diag_bodies(esock_netlink:diag_filter()) -> [map()].
diag_bodies(Filter) ->
    ok = esock_layout:only([family, protocol, states, local_port, peer_port, extensions, netns, socket, timeout], Filter),
    Extensions = [meminfo, tcp_info, vegas, congestion, tos, tclass, skmeminfo, shutdown],
    Body = #{protocol => maps:get(protocol, Filter, tcp), states => maps:get(states, Filter, [16#FFFFFFFF]),
             ext => maps:get(extensions, Filter, Extensions),
             local => any(local_port, Filter), peer => any(peer_port, Filter)},
    Families = case Filter of
                   #{family := Family} -> [Family];
                   _ -> [inet, inet6]
               end,
    Bodies = [Body#{family => Family} || Family <- Families],
    _ = [renamed(fun() -> esock_netlink_diag:encode(false, One) end) || One <- Bodies],
    Bodies.

%% A port with any address.
any(Key, Filter) ->
    Port = maps:get(Key, Filter, 0),
    _ = esock_layout:at(Key, fun() -> esock_layout:to_bytes(be16, Port) end),
    #{addr => any, port => Port}.

renamed(Fun) ->
    try Fun()
    catch throw:{invalid, [ext | Path]} -> esock_layout:invalid([extensions | Path])
    end.

%% @doc The sockets of one list for each body.
-spec diag(esock:socket(), [map()], timeout()) -> {ok, [map()]} | {error, esock_netlink:reason()}.
diag(Socket, Bodies, Timeout) -> diag(Socket, Bodies, Timeout, []).

diag(_, [], _, Found) -> {ok, lists:append(lists:reverse(Found))};
diag(Socket, [Body | Bodies], Timeout, Found) ->
    case list(Socket, #{type => sock_diag_by_family, flags => [dump], body => Body}, Timeout) of
        {ok, Sockets} -> diag(Socket, Bodies, Timeout, [Sockets | Found]);
        Error -> Error
    end.

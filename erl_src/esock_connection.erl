%% @private
%% @doc Functions of connections that set or read several options as one.
-module(esock_connection).

-export([set_keepalive/2]).
-export([original_dst/1]).
-export([address/1]).

%% SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST of the netfilter headers: levels, number, and size of the address.
-define(ORIGINAL_DST, 80).
-define(SIZE_IN, 16).
-define(SIZE_IN6, 28).

%% The parameters and their options, in the order in which they are set.
-define(PARAMETERS, [{idle, keepidle}, {interval, keepintvl}, {count, keepcnt}]).

%% @doc Sets all that is given, or nothing.
-spec set_keepalive(esock:socket(), boolean() | map()) -> ok | {error, esock:posix() | closed | esock:invalid()}.
set_keepalive(Socket, On) when is_boolean(On) ->
    esock:setopt(Socket, {socket, keepalive}, On);
set_keepalive(Socket, Parameters) ->
    case esock_fd:check(Parameters, maps:from_list([{Key, fun positive/1} || {Key, _} <- ?PARAMETERS])) of
        ok ->
            Set = [{{tcp, Option}, maps:get(Key, Parameters)} || {Key, Option} <- ?PARAMETERS, is_map_key(Key, Parameters)],
            set(Socket, Set ++ [{{socket, keepalive}, true}], []);
        Error ->
            Error
    end.

positive(Number) -> is_integer(Number) andalso Number > 0 andalso Number < 16#80000000.

set(_Socket, [], _Before) ->
    ok;
set(Socket, [{Option, Value} | Rest], Before) ->
    case esock:getopt(Socket, Option) of
        {ok, Old} ->
            case esock:setopt(Socket, Option, Value) of
                ok -> set(Socket, Rest, [{Option, Old} | Before]);
                Error -> restore(Socket, Before, Error)
            end;
        Error ->
            restore(Socket, Before, Error)
    end.

restore(Socket, Before, Error) ->
    _ = [esock:setopt(Socket, Option, Old) || {Option, Old} <- Before],
    Error.

%% @doc Where a connection was sent before netfilter redirected it here. A socket of IPv6 may carry a connection of IPv4.
-spec original_dst(esock:socket()) -> {ok, esock:sockaddr()} | {error, esock:posix() | closed}.
original_dst(Socket) ->
    case esock:getopt(Socket, {otp, domain}) of
        {ok, inet} -> original_dst(Socket, ip, ?SIZE_IN);
        {ok, inet6} ->
            case original_dst(Socket, ipv6, ?SIZE_IN6) of
                {ok, _} = Found -> Found;
                Error -> first_ok(original_dst(Socket, ip, ?SIZE_IN), Error)
            end;
        {ok, _} -> {error, eopnotsupp};
        {error, _} = Error -> Error
    end.

original_dst(Socket, Level, Size) ->
    case esock:getopt_native(Socket, {Level, ?ORIGINAL_DST}, Size) of
        {ok, Bytes} -> address(Bytes);
        {error, _} = Error -> Error
    end.

first_ok({ok, _} = Found, _Error) -> Found;
first_ok(_, Error) -> Error.

%% @doc The address in the bytes of a `struct sockaddr_in' or `sockaddr_in6', ip(7) and ipv6(7).
-spec address(binary()) -> {ok, esock:sockaddr()} | {error, einval}.
address(<<_Family:16, Port:16, A, B, C, D, _:8/binary>>) ->
    {ok, #{family => inet, addr => {A, B, C, D}, port => Port}};
address(<<_Family:16, Port:16, Flowinfo:32, Words:16/binary, Scope:32/native>>) ->
    {ok, #{family => inet6, addr => list_to_tuple([Word || <<Word:16>> <= Words]), port => Port, flowinfo => Flowinfo,
           scope_id => Scope}};
address(_) ->
    {error, einval}.

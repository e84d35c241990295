%% @private
%% @doc Descriptors: lending one to a function, taking one of `gen_tcp' and `gen_udp' or of the service manager, giving one up.
-module(esock_fd).

-export([detach/2]).
-export([with_fd/2]).
-export([with_view/2]).
-export([from_inet/1]).
-export([to_fd/1]).
-export([listen_fds/1]).
-export([check/2]).

%% The first descriptor that a service manager passes, SD_LISTEN_FDS_START of sd_listen_fds(3).
-define(FIRST, 3).

%% The names of one descriptor each, if LISTEN_FDNAMES is not set.
-define(UNNAMED, <<"unknown">>).

-type error() :: {error, esock:posix() | closed | esock:invalid()}.

%% @doc Checks options against the keys that a function has, each with what its value has to be.
-spec check(map(), #{term() => fun((term()) -> boolean())}) -> ok | {error, esock:invalid()}.
check(Opts, Known) ->
    Wrong = [{Key, Value} || {Key, Value} <- maps:to_list(Opts),
                             not (maps:get(Key, Known, fun(_) -> false end))(Value)],
    case lists:sort(Wrong) of
        [] -> ok;
        [First | _] -> {error, {invalid, First}}
    end.

%% @doc Ends a socket and returns the number of its descriptor, which stays open.
-spec detach(reference(), map()) ->
          {ok, non_neg_integer()} | error() | {error, {read_ahead, pos_integer()}}.
detach(Ref, Opts) ->
    case check(Opts, #{nonblock => fun is_boolean/1}) of
        ok -> esock_wait:until_released(fun() -> esock_nif:detach(Ref, maps:get(nonblock, Opts, true)) end);
        Error -> Error
    end.

%% @doc Calls `Fun' with the number of a duplicate, which belongs to the calling process: if the process is killed, it is closed.
-spec with_fd(esock:socket(), fun((non_neg_integer()) -> Result)) -> Result | error().
with_fd(Socket, Fun) ->
    case esock:dup(Socket) of
        {ok, Duplicate} ->
            try
                {ok, FD} = esock:fileno(Duplicate),
                Fun(FD)
            after
                _ = esock:close(Duplicate)
            end;
        {error, _} = Error ->
            Error
    end.

%% @doc Calls `Fun' with a socket on an open descriptor. Afterwards the descriptor is as it was.
-spec with_view(integer(), fun((esock:socket()) -> Result)) -> Result | error().
with_view(FD, Fun) ->
    %% The protocol is any, but `open' names what the descriptor is if it is no socket.
    case {esock_nif:nonblocking(FD), esock:open(FD, #{dup => false, use_registry => false, protocol => default})} of
        {{ok, Before}, {ok, View}} ->
            try Fun(View) after _ = esock:detach(View, #{nonblock => Before}) end;
        {_, {error, _} = Error} ->
            Error;
        {Error, {ok, View}} ->
            _ = esock:detach(View),
            Error
    end.

%% @doc A socket on a duplicate of the descriptor of a socket of `gen_tcp' or `gen_udp'.
-spec from_inet(term()) -> {ok, esock:socket()} | error().
from_inet(InetSocket) ->
    case number(InetSocket) of
        {ok, FD} ->
            case esock:open(FD, #{protocol => default}) of
                {ok, Socket} -> keep(Socket, shares(InetSocket, FD, Socket));
                {error, _} = Error -> Error
            end;
        {error, _} = Error ->
            Error
    end.

keep(Socket, ok) ->
    {ok, Socket};
keep(Socket, Error) ->
    _ = esock:close(Socket),
    Error.

%% Another process may have closed the original meanwhile, and the number may belong to another file.
shares(InetSocket, FD, Socket) ->
    case {number(InetSocket), inet:getopts(InetSocket, [active]), esock:getopt(Socket, {socket, acceptconn})} of
        {{ok, FD}, _, {ok, true}} -> ok;
        {{ok, FD}, {ok, [{active, false}]}, _} -> ok;
        {{ok, FD}, {ok, [{active, Active}]}, _} -> {error, {invalid, {active, Active}}};
        {{ok, _}, {error, _} = Error, _} -> Error;
        _ -> {error, closed}
    end.

number({'$inet', _Module, {_Server, {'$socket', _} = Socket}}) -> socket:getopt(Socket, {otp, fd});
number(Port) when is_port(Port) -> opened(inet:getfd(Port)).

%% `inet' says `einval' of a closed socket.
opened({error, einval}) -> {error, closed};
opened(Result) -> Result.

%% @doc The number of a duplicate of a socket's descriptor.
-spec to_fd(esock:socket()) ->
          {ok, non_neg_integer()} | error() | {error, {read_ahead, pos_integer()}}.
to_fd(Socket) ->
    case esock:dup(Socket) of
        {ok, Duplicate} ->
            case esock:info(Socket) of
                #{read_ahead := 0} ->
                    esock:detach(Duplicate);
                #{read_ahead := Unread} ->
                    _ = esock:close(Duplicate),
                    {error, {read_ahead, Unread}}
            end;
        {error, _} = Error ->
            Error
    end.

%% @doc The descriptors that a service manager has passed, by their names.
-spec listen_fds(map()) -> {ok, #{binary() => [non_neg_integer()]}} | error().
listen_fds(Opts) ->
    case check(Opts, #{unset => fun is_boolean/1}) of
        ok ->
            Passed = passed(os:getenv("LISTEN_PID") =:= os:getpid(), os:getenv("LISTEN_FDS", "0")),
            Unset = maps:get(unset, Opts, false),
            _ = [os:unsetenv(Name) || Unset, Name <- ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]],
            Passed;
        Error ->
            Error
    end.

passed(false, _Count) ->
    {ok, #{}};
passed(true, Count) ->
    case string:to_integer(Count) of
        {Number, []} when Number >= 0 -> named(Number, os:getenv("LISTEN_FDNAMES"));
        _ -> {error, {invalid, {env, "LISTEN_FDS"}}}
    end.

named(Count, false) ->
    taken(?FIRST, Count, fun(_) -> {?UNNAMED, []} end, [], #{});
named(Count, Text) ->
    Names = [unicode:characters_to_binary(Name) || Name <- string:split(Text, ":", all)],
    case length(Names) of
        Count -> taken(?FIRST, Count, fun([Name | Rest]) -> {Name, Rest} end, Names, #{});
        _ when Count =:= 0 -> {ok, #{}};
        _ -> {error, {invalid, {env, "LISTEN_FDNAMES"}}}
    end.

%% The first number that is not open ends this, so that the count need not be bounded.
taken(_FD, 0, _Next, _Names, Taken) ->
    {ok, maps:map(fun(_, FDs) -> lists:reverse(FDs) end, Taken)};
taken(FD, Count, Next, Names, Taken) ->
    case esock_nif:set_inheritable(FD, false) of
        ok ->
            {Name, Rest} = Next(Names),
            taken(FD + 1, Count - 1, Next, Rest, Taken#{Name => [FD | maps:get(Name, Taken, [])]});
        {error, _} = Error ->
            Error
    end.

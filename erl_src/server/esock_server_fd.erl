%% @private
%% @doc Listeners that this program has inherited as descriptors.
-module(esock_server_fd).

-export([listen_fd/2, from_systemd/1]).

%% SD_LISTEN_FDS_START of sd_listen_fds(3).
-define(FIRST, 3).

%% @doc A listener on a descriptor that is bound.
-spec listen_fd(integer(), map()) -> {ok, esock:socket()} | {error, term()}.
listen_fd(Fd, Opts) when is_integer(Fd), Fd >= 0 ->
    case esock_server_opts:check(Opts, [fd]) of
        ok -> looked_at(Fd, Opts);
        Error -> Error
    end;
listen_fd(Fd, _) -> {error, {invalid, {fd, Fd}}}.

%% The socket uses a duplicate, which is closed on exec; the descriptor that was given may not be. If a check fails, it is as it was.
looked_at(Fd, Opts) ->
    Open = maps:get(open, Opts, #{}),
    case esock:open(Fd, Open#{dup => true}) of
        {ok, S} ->
            case check(S, Opts) of
                ok -> own(maps:get(own, Opts, true), Fd, S);
                Error -> _ = esock:close(S), Error
            end;
        Error -> Error
    end.

own(false, _, S) -> {ok, S};
own(true, Fd, S) ->
    case esock:open(Fd, #{dup => false, own => true}) of
        {ok, Given} -> _ = esock:close(Given), {ok, S};
        Error -> _ = esock:close(S), Error
    end.

check(S, Opts) ->
    case {esock:sockname(S), esock:getopt(S, {socket, type})} of
        {{ok, Address}, {ok, Type}} when Type =:= stream; Type =:= seqpacket ->
            case expected(Address, Opts) of
                ok -> esock:listen(S, backlog(maps:get(backlog, Opts, max)));
                Error -> Error
            end;
        {{ok, _}, {ok, Type}} -> {error, {type_mismatch, Type, stream}};
        {{error, _} = Error, _} -> Error;
        {_, Error} -> Error
    end.

%% A listener that listens already gets the new backlog.
backlog(max) -> 4096;
backlog(Number) -> Number.

expected(#{family := Got}, #{family := Want}) when Got =/= Want -> {error, {family_mismatch, Got, Want}};
expected(Address, #{port := Want}) ->
    case maps:get(port, Address, none) of
        Want -> ok;
        Got -> {error, {port_mismatch, Got, Want}}
    end;
expected(_, _) -> ok.

%% @doc The listeners that systemd has passed to this process, sd_listen_fds(3), with their names.
-spec from_systemd(map()) -> {ok, [{binary(), esock:socket()}]} | {error, term()}.
from_systemd(Opts) ->
    case esock_server_opts:check(Opts, [fd]) of
        ok -> all(listen_fds(), Opts, []);
        Error -> Error
    end.

all([], _, Sockets) -> {ok, lists:reverse(Sockets)};
all([{Name, Fd} | Rest], Opts, Sockets) ->
    case listen_fd(Fd, Opts) of
        {ok, S} -> all(Rest, Opts, [{Name, S} | Sockets]);
        {error, Reason} ->
            lists:foreach(fun({_, S}) -> _ = esock:close(S) end, Sockets),
            {error, {listen_failed, {fd, Fd, Name}, Reason}}
    end.

%% The variables are meant for one process, and are removed so that none that it starts takes them for its own.
listen_fds() ->
    [Pid, Count, Names] = [os:getenv(Key, "") || Key <- ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]],
    case {Pid =:= os:getpid(), string:to_integer(Count)} of
        {true, {Number, []}} when Number > 0, Number =< 1024 ->
            lists:foreach(fun os:unsetenv/1, ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"]),
            Given = [list_to_binary(Name) || Names =/= "", Name <- string:split(Names, ":", all)],
            Unknown = lists:duplicate(max(0, Number - length(Given)), <<"unknown">>),
            lists:zip(lists:sublist(Given ++ Unknown, Number), lists:seq(?FIRST, ?FIRST + Number - 1));
        _ -> []
    end.

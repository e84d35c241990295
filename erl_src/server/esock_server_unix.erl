%% @private
%% @doc Unix listeners, unix(7): the file of the socket from its making to its end.
%%
%% Whoever makes or removes the file holds an abstract socket whose name is derived from the path. The kernel releases it if the
%% holder dies. So between the probe of a stale file and its removal nobody else puts a new one there.
-module(esock_server_unix).

-include_lib("kernel/include/file.hrl").

-export([listen/2, remove/3, adopt/2, allowed/2, user/0, peercred/1]).

%% Milliseconds to wait for another process that makes or removes the same file.
-define(PATIENCE, 5_000).
-define(S_IFMT, 8#170000).
-define(S_IFSOCK, 8#140000).

%% @doc A listener on a path, or on an abstract name.
-spec listen(file:name_all(), map()) -> {ok, esock:socket()} | {error, term()}.
listen(Name, Opts) ->
    case path(Name) of
        {ok, Path} when Path =:= <<>>; binary_part(Path, 0, 1) =:= <<0>> -> open(address(Path), Opts, fun(S) -> start(S, Opts) end);
        {ok, Path} -> exclusively(Path, fun() -> listen_file(Path, Opts) end);
        error -> {error, {invalid, {path, Name}}}
    end.

path(Name) when is_list(Name) ->
    case unicode:characters_to_binary(Name, unicode, file:native_name_encoding()) of
        Path when is_binary(Path) -> {ok, Path};
        _ -> error
    end;
path(Name) when is_binary(Name) -> {ok, Name};
path(_) -> error.

address(Path) -> #{family => local, path => Path}.

open(Address, Opts, Finish) ->
    Plain = (maps:with([options, open], Opts))#{reuseaddr => false},
    esock_server_listen:open(Address, maps:get(type, Opts, stream), Plain, fun(S, _) -> Finish(S) end).

start(S, Opts) ->
    Type = maps:get(type, Opts, stream),
    case maps:get(backlog, Opts, max) of
        _ when Type =:= dgram -> ok;
        max -> esock:listen(S, 4096);
        Backlog -> esock:listen(S, Backlog)
    end.

listen_file(Path, Opts) ->
    case lock(Path, maps:get(lock, Opts, false)) of
        {ok, Lock} ->
            case maps:get(stale, Opts, true) of true -> remove_stale(Path); false -> ok end,
            case open(address(Path), Opts, fun(S) -> made(S, Path, Lock, Opts) end) of
                {ok, _} = Ok -> Ok;
                Error -> unlock(Lock), Error
            end;
        {error, Reason} -> {error, {listen_failed, address(Path), Reason}}
    end.

%% The mode and the owner are set before the socket listens: until then the kernel refuses every connect.
made(S, Path, Lock, Opts) ->
    case attributes(Path, Opts) of
        ok ->
            case start(S, Opts) of
                ok -> guard(S, Path, Lock, maps:get(unlink, Opts, true));
                Error -> delete(Path, Error)
            end;
        Error -> delete(Path, Error)
    end.

delete(Path, Error) -> _ = file:delete(Path, [raw]), Error.

guard(_, _, none, false) -> ok;
guard(S, Path, Lock, Unlink) ->
    {ok, _} = esock_server_guard:start(S, Path, case Unlink of true -> id(Path); false -> none end, Lock),
    ok.

attributes(Path, Opts) ->
    case maps:find(mode, Opts) of
        {ok, Mode} -> and_then(file:change_mode(Path, Mode), fun() -> owner(Path, Opts) end);
        error -> owner(Path, Opts)
    end.

owner(Path, #{owner := {Uid, Gid}}) -> file:change_owner(Path, Uid, Gid);
owner(_, _) -> ok.

and_then(ok, Fun) -> Fun();
and_then(Error, _) -> Error.

%%% ---- The file -------------------------------------------------------------------------------------------------------

%% Removes a socket of this user that refuses connections: nothing listens. Anything else stays, and bind(2) fails.
remove_stale(Path) ->
    User = user(),
    case file:read_link_info(Path, [raw]) of
        {ok, #file_info{mode = Mode, uid = User}} when Mode band ?S_IFMT =:= ?S_IFSOCK ->
            case dead(Path) of
                true -> _ = file:delete(Path, [raw]), ok;
                false -> ok
            end;
        _ -> ok
    end.

dead(Path) ->
    {ok, S} = esock:open(local, stream),
    Result = esock:connect(S, address(Path), 1000),
    _ = esock:close(S),
    Result =:= {error, econnrefused}.

id(Path) ->
    case file:read_link_info(Path, [raw]) of
        {ok, #file_info{major_device = Device, inode = Inode}} -> {Device, Inode};
        {error, _} -> none
    end.

%% @doc Removes the file of a listener that has closed, if it is still the same file, and its lock. `listens': the file stays, because
%% something listens on it. Its number may have been used again.
-spec remove(binary(), none | {integer(), integer()}, none | {file:name_all(), binary()}) -> ok | listens | {error, term()}.
remove(Path, Id, Lock) ->
    exclusively(Path, fun() ->
        case Id =/= none andalso id(Path) =:= Id andalso dead(Path) of
            true -> _ = file:delete(Path, [raw]), unlock(Lock);
            false ->
                case Id =/= none andalso id(Path) =:= Id of
                    true -> listens;
                    false -> unlock(Lock)
                end
        end
    end).

%% @doc Guards a listener that another program made and has handed over.
-spec adopt(esock:socket(), {binary(), term(), none | {file:name_all(), binary()}}) -> ok.
adopt(S, {Path, Id, none}) -> {ok, _} = esock_server_guard:start(S, Path, Id, none), ok;
adopt(S, {Path, Id, {Lock, _}}) ->
    _ = file:write_file(Lock, me()),
    {ok, _} = esock_server_guard:start(S, Path, Id, {Lock, me()}),
    ok.

%% Runs a function while no other process (of this user's programs, in this network namespace) makes or removes this file.
exclusively(Path, Fun) ->
    Name = address(<<0, "esock ", (binary:encode_hex(erlang:md5(filename:absname(Path))))/binary>>),
    Deadline = erlang:monotonic_time(millisecond) + ?PATIENCE,
    case hold(Name, Deadline) of
        {ok, Held} -> try Fun() after esock:close(Held) end;
        {error, Reason} -> {error, {listen_failed, address(Path), Reason}}
    end.

hold(Name, Deadline) ->
    case esock:open(local, stream) of
        {ok, S} ->
            case esock:bind(S, Name) of
                ok -> ok = esock:listen(S, 128), {ok, S};
                {error, Reason} -> wait(S, Name, Deadline, Reason)
            end;
        Error -> Error
    end.

%% The holder never accepts: its close ends the connection. Its queue may be full, or it has not begun to listen, or has just ended.
wait(S, Name, Deadline, eaddrinuse) ->
    Left = Deadline - erlang:monotonic_time(millisecond),
    _ = case esock:connect(S, Name, max(0, Left)) of
            ok -> esock:recv(S, 0, max(1, Left));
            {error, _} -> receive after 1 -> ok end
        end,
    _ = esock:close(S),
    case Left > 0 of
        true -> hold(Name, Deadline);
        false -> {error, {locked, Name}}
    end;
wait(S, _, _, Reason) -> _ = esock:close(S), {error, Reason}.

%%% ---- The lock file --------------------------------------------------------------------------------------------------

lock(_, false) -> {ok, none};
lock(Path, true) ->
    Lock = <<Path/binary, ".lock">>,
    case file:open(Lock, [write, exclusive, raw, binary]) of
        {ok, File} ->
            Written = file:write(File, me()),
            _ = file:close(File),
            case Written of ok -> {ok, {Lock, me()}}; Error -> _ = file:delete(Lock, [raw]), Error end;
        {error, eexist} -> locked(Path, Lock);
        Error -> Error
    end.

locked(Path, Lock) ->
    case file:read_file(Lock) of
        {ok, Text} ->
            case Text =/= <<>> andalso holder(Text) of
                {Pid, Text} -> {error, {locked, Pid}};
                _ -> _ = file:delete(Lock, [raw]), lock(Path, true)
            end;
        {error, enoent} -> lock(Path, true);
        Error -> Error
    end.

unlock(none) -> ok;
unlock({Lock, Text}) ->
    case file:read_file(Lock) of
        {ok, Text} -> _ = file:delete(Lock, [raw]), ok;
        _ -> ok
    end.

%% A process of the system: its number, and when it started, since numbers are used again.
me() -> text(os:getpid()).

text(Pid) ->
    case file:read_file("/proc/" ++ Pid ++ "/stat") of
        {ok, Stat} ->
            [_, Fields] = string:split(Stat, ") ", trailing),
            iolist_to_binary([Pid, " ", lists:nth(20, string:lexemes(Fields, " ")), "\n"]);
        {error, _} -> <<>>
    end.

holder(Text) ->
    case string:to_integer(Text) of
        {Pid, _} when is_integer(Pid) -> {Pid, text(integer_to_list(Pid))};
        _ -> none
    end.

%%% ---- Users ----------------------------------------------------------------------------------------------------------

%% @doc The effective user of this process.
-spec user() -> non_neg_integer().
user() ->
    {ok, Status} = file:read_file("/proc/self/status"),
    {match, [Uid]} = re:run(Status, "\nUid:\t[0-9]+\t([0-9]+)", [{capture, all_but_first, list}]),
    list_to_integer(Uid).

%% @doc The filter that a user gave as a map, as a function. The user and group numbers are those of SO_PEERCRED.
-spec peercred(map() | fun((map()) -> boolean())) -> fun((map()) -> boolean()).
peercred(Fun) when is_function(Fun, 1) -> Fun;
peercred(Map) -> fun(Cred) -> maps:fold(fun(Key, Numbers, Any) -> Any orelse lists:member(maps:get(Key, Cred), Numbers) end, false, Map) end.

%% @doc Whether the peer of a Unix connection passes a filter; other connections pass.
-spec allowed(esock:socket(), none | fun((map()) -> boolean())) -> boolean().
allowed(_, none) -> true;
allowed(S, Filter) ->
    case esock:getopt(S, {otp, domain}) of
        {ok, local} ->
            case esock:getopt(S, {socket, peercred}) of
                {ok, Cred} -> Filter(Cred) =:= true;
                {error, _} -> false
            end;
        _ -> true
    end.

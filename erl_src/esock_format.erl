%% @private
%% @doc Sockets and addresses as texts. No name is resolved.
-module(esock_format).

-export([socket/1]).
-export([address/1]).

%% @doc A socket: its reference, descriptor, kind, addresses and states.
-spec socket(esock:socket()) -> string().
socket({'$socket', Ref} = Socket) ->
    #{domain := Domain, type := Type, protocol := Protocol} = Info = esock:info(Socket),
    Kind = lists:join($/, [text(Name) || Name <- [Domain, Type, Protocol]]),
    Parts = case esock_nif:fd(Ref) of
                {ok, FD} -> [["fd=", integer_to_list(FD)], Kind, ends(Socket) | states(Info)];
                {error, closed} -> [Kind, "closed"]
            end,
    lists:flatten(lists:join($\s, [esock:to_list(Socket) | Parts])).

ends(Socket) ->
    case {esock:sockname(Socket), esock:peername(Socket)} of
        {{ok, Here}, {ok, There}} -> [address(Here), " -> ", address(There)];
        {{ok, Here}, _} -> address(Here);
        {{error, Reason}, _} -> ["? ", text(Reason)]
    end.

%% A socket has the states of both directions.
states(#{rstates := Reading, wstates := Writing}) ->
    [text(State) || State <- lists:usort(Reading ++ Writing)].

text(Name) when is_atom(Name) -> atom_to_list(Name);
text(Number) -> integer_to_list(Number).

%% @doc An address. A map of another form is shown as a term.
-spec address(map() | binary()) -> string().
address(#{family := inet} = Addr) ->
    lists:flatten([host(maps:get(addr, Addr, any), "0.0.0.0"), $:, port(Addr)]);
address(#{family := inet6} = Addr) ->
    Scope = case Addr of
                #{scope_id := Index} when is_integer(Index), Index > 0 -> [$%, integer_to_list(Index)];
                _ -> []
            end,
    lists:flatten([$[, host(maps:get(addr, Addr, any), "::"), Scope, $], $:, port(Addr)]);
address(#{family := local, path := Path}) when is_binary(Path) ->
    path(Path);
address(#{family := local, path := Path} = Addr) when is_list(Path) ->
    case io_lib:char_list(Path) of
        true -> path(unicode:characters_to_binary(Path));
        false -> term(Addr)
    end;
address(#{family := packet} = Addr) ->
    Index = maps:get(ifindex, Addr, 0),
    lists:flatten(io_lib:format("packet(~tp,~tp)", [Index, maps:get(addr, Addr, <<>>)]));
address(#{family := unspec}) ->
    "unspec";
address(Other) ->
    term(Other).

term(Term) -> lists:flatten(io_lib:format("~tp", [Term])).

host(any, Any) -> Any;
host(Name, _Any) when is_atom(Name) -> atom_to_list(Name);
host(Addr, _Any) ->
    case inet:ntoa(Addr) of
        {error, einval} -> io_lib:format("~tp", [Addr]);
        Text -> Text
    end.

port(#{port := Port}) -> io_lib:format("~tp", [Port]);
port(_) -> "0".

%% An abstract name is written as ss(8) does, with `@' for each NUL.
path(<<>>) -> "unnamed";
path(Path) when is_binary(Path) ->
    Shown = binary:replace(Path, <<0>>, <<"@">>, [global]),
    shown(unicode:characters_to_list(Shown), Shown);
path({_, _, _} = Broken) ->
    term(Broken).

shown(Text, _Bytes) when is_list(Text) -> Text;
shown(_, Bytes) -> binary_to_list(Bytes).

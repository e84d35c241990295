%% @private
%% @doc Information about sockets and about the library: the filters of `which_sockets/1', the table of `i/0', the lists of
%% `supports/0'.
-module(esock_info).

-export([pages/1]).
-export([matches/2]).
-export([print/2]).
-export([supports/0, supports/1]).
-export([is_supported/1]).
-export([table/1]).

-define(DEFAULT, [domain, type, protocol, fd, owner, local_address, remote_address, recv, sent, state]).

%% Abbreviations of the states in the last column.
-define(STATES, #{accepting => "A", bound => "BD", connected => "CD", connecting => "CG", listening => "LG",
                  selected => "SD"}).

%% @doc All entries that a function of {@link esock_nif} returns page by page, so that no call holds a scheduler for long.
-spec pages(fun((non_neg_integer()) -> {[Entry], non_neg_integer() | done})) -> [Entry].
pages(Page) ->
    pages(Page, 0, []).

pages(_Page, done, All) ->
    All;
pages(Page, Cursor, All) ->
    {Entries, Next} = Page(Cursor),
    pages(Page, Next, Entries ++ All).

%% @doc Whether a filter of `which_sockets/1' selects a socket with this `info/1'.
-spec matches(term(), esock:socket_info()) -> boolean().
matches(Domain, Info) when Domain =:= inet; Domain =:= inet6; Domain =:= local -> maps:get(domain, Info) =:= Domain;
matches(Type, Info) when Type =:= stream; Type =:= dgram; Type =:= seqpacket -> maps:get(type, Info) =:= Type;
matches(Proto, Info) when Proto =:= sctp; Proto =:= tcp; Proto =:= udp -> maps:get(protocol, Info) =:= Proto;
matches(Owner, Info) when is_pid(Owner) -> maps:get(owner, Info) =:= Owner;
matches(Filter, Info) when is_function(Filter, 1) -> Filter(Info) =:= true;
matches(Filter, _Info) -> erlang:error(badarg, [Filter]).

%% @doc Prints a heading, and a line for each socket.
-spec print([esock:socket()], default | esock:info_keys()) -> ok.
print(Sockets, default) ->
    print(Sockets, ?DEFAULT);
print([], _Keys) ->
    ok;
print(Sockets, Keys) ->
    Head = [header(atom_to_list(Key)) || Key <- Keys],
    Lines = [Head | [line(Socket, Keys) || Socket <- Sockets]],
    Widths = lists:foldl(fun(Line, Max) -> lists:zipwith(fun(Cell, Width) -> max(length(Cell), Width) end, Line, Max) end,
                         [0 || _ <- Keys], Lines),
    Format = lists:append(["~-" ++ integer_to_list(Width) ++ "ts " || Width <- Widths]) ++ "~n",
    lists:foreach(fun(Line) -> io:format(Format, Line) end, Lines).

%% local_address: "Local Address"
header(Key) ->
    lists:flatten(lists:join($\s, [string:titlecase(Word) || Word <- string:split(Key, "_", all)])).

line(Socket, Keys) ->
    Info = esock:info(Socket),
    [lists:flatten(cell(Key, Socket, Info)) || Key <- Keys].

cell(domain, _, #{domain := Domain}) -> text(Domain);
cell(type, _, #{type := Type}) -> string:uppercase(text(Type));
cell(protocol, _, #{protocol := Protocol}) -> string:uppercase(text(Protocol));
cell(fd, Socket, _) -> value(esock:getopt(Socket, {otp, fd}), fun integer_to_list/1);
cell(owner, _, #{owner := Owner}) -> io_lib:format("~w", [Owner]);
cell(local_address, Socket, _) -> value(esock:sockname(Socket), fun address/1);
cell(remote_address, Socket, _) -> value(esock:peername(Socket), fun address/1);
cell(recv, _, #{counters := #{read_byte := Bytes}}) -> integer_to_list(Bytes);
cell(sent, _, #{counters := #{write_byte := Bytes}}) -> integer_to_list(Bytes);
cell(state, _, #{rstates := Read, wstates := Write}) -> [states(Read), ", ", states(Write)];
cell(_, _, _) -> " ".

text(Name) when is_atom(Name) -> atom_to_list(Name);
text(Number) -> integer_to_list(Number).

value({ok, Value}, Text) -> Text(Value);
value({error, _}, _Text) -> " ".

states([]) -> "-";
states(States) -> lists:join($:, [maps:get(State, ?STATES, string:uppercase(text(State))) || State <- States]).

address(#{family := local, path := <<0, Name/binary>>}) -> io_lib:format("local:@~ts", [Name]);
address(#{family := local, path := Path}) -> io_lib:format("local:~ts", [Path]);
address(#{addr := Addr, port := Port}) -> [host(Addr), $:, integer_to_list(Port)];
address(_) -> "?".

host({0, 0, 0, 0}) -> "*";
host({0, 0, 0, 0, 0, 0, 0, 0}) -> "*";
host({127, 0, 0, 1}) -> "localhost";
host({0, 0, 0, 0, 0, 0, 0, 1}) -> "localhost";
host(Addr) -> inet:ntoa(Addr).

%% @doc What `supports/0' returns.
-spec supports() -> [{term(), boolean() | [{term(), boolean()}]}].
supports() ->
    [{Key, supports(Key)} || Key <- [ioctl_requests, ioctl_flags, options, msg_flags, protocols]] ++ features().

%% @doc One list of `supports/0'.
-spec supports(term()) -> [{term(), boolean()}].
supports(options) -> esock_nif:options();
supports(msg_flags) -> [{Name, true} || {Name, _} <- esock_nif:msg_flags()];
supports(protocols) -> [{Name, true} || {Name, _} <- esock_nif:protocols()];
supports(ioctl_requests) -> esock_nif:ioctl_requests();
supports(ioctl_flags) -> esock_nif:ioctl_flags();
supports(_) -> [].

features() -> [{sctp, sctp()}, {ipv6, true}, {local, true}, {netns, true}, {sendfile, true}].

%% Whether the kernel has SCTP: it opens such a socket.
sctp() ->
    case esock:open(inet, seqpacket, sctp, #{use_registry => false}) of
        {ok, Socket} -> esock:close(Socket) =:= ok;
        {error, _} -> false
    end.

%% @doc What `table/1' returns.
-spec table(atom()) -> map().
table(protocols) ->
    All = esock_nif:protocols(),
    maps:merge(maps:from_list(All), maps:from_list([{Number, [N || {N, No} <- All, No =:= Number]} || {_, Number} <- All]));
table(msg_flags) ->
    maps:from_list(esock_nif:msg_flags());
table(Name) when Name =:= options; Name =:= ioctl_requests; Name =:= ioctl_flags ->
    maps:from_list(supports(Name));
table(Name) ->
    erlang:error(badarg, [Name]).

%% @doc Whether a feature of `supports/0' is supported.
-spec is_supported(term()) -> boolean().
is_supported(Key) -> lists:member({Key, true}, features()).

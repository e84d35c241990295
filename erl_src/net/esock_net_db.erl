%% @private
%% @doc What {@link esock_net} documents about hosts, services and protocols, netdb.h.
-module(esock_net_db).

-export([address/1, host_of/2, full_name/1, text/1]).
-export([service/2, service_of/2, port/2, protocol/1, protocol_name/1]).

-spec address(term()) -> {ok, inet:ip4_address()} | esock_net:error().
address(Host) ->
    case esock_net:gethostbyname_ex(Host) of
        {ok, #{addrs := [Addr | _]}} -> {ok, Addr};
        {ok, _} -> {error, {gai, enodata}};
        Error -> Error
    end.

-spec host_of(term(), esock_net:wait()) -> {ok, esock_net:hostent()} | esock_net:completion() | esock_net:error().
host_of(Addr, Timeout) ->
    case esock_addr:host(Addr) of
        {ok, IP} ->
            Family = if tuple_size(IP) =:= 4 -> 2; true -> 10 end,
            esock_net_lookup:query(gethostbyaddr, {addr, esock_addr:bytes(IP), Family}, Timeout);
        {error, einval} when is_list(Addr); is_binary(Addr) ->
            esock_net_lookup:task(gethostbyaddr, fun() -> host_of_first(Addr) end, Timeout);
        {error, einval} -> error(badarg)
    end.

host_of_first(Name) ->
    case esock_net:getaddrinfo(Name, undefined, #{type => stream}) of
        {ok, [#{addr := #{addr := IP}} | _]} -> host_of(IP, infinity);
        Error -> Error
    end.

-spec full_name(string()) -> {ok, string()} | {error, esock:posix()}.
full_name(This) when This =:= ""; This =:= "0.0.0.0"; This =:= "::" ->
    case esock_net:gethostname() of
        {ok, ""} -> {ok, ""};
        {ok, Name} -> full_name(Name);
        Error -> Error
    end;
full_name(Host) ->
    case esock_net:gethostbyaddr(Host) of
        {ok, #{name := Name, aliases := Aliases}} ->
            {ok, hd([Full || Full <- [Name | Aliases], lists:member($., Full)] ++ [Name])};
        {error, _} -> {ok, Host}
    end.

-spec text({ok, binary()} | {error, term()}) -> {ok, string()} | {error, term()}.
text({ok, Bytes}) -> {ok, binary_to_list(Bytes)};
text({error, _} = Error) -> Error.

-spec service(term(), term()) -> {ok, 0..65535} | {error, term()}.
service(Name, Protocol) ->
    case esock_net_lookup:query(getservbyname, {service, esock_net_args:text(Name), protocol_text(Protocol)}, infinity) of
        {ok, #{port := Port}} -> {ok, Port};
        Error -> Error
    end.

protocol_text(any) -> undefined;
protocol_text(Name) when is_atom(Name) -> atom_to_binary(Name);
protocol_text(Name) -> esock_net_args:text(Name).

-spec service_of(term(), term()) -> {ok, string()} | {error, term()}.
service_of(Port, Protocol) when is_integer(Port), Port >= 0, Port =< 65535 ->
    case esock_net_lookup:query(getservbyport, {port, Port, protocol_text(Protocol)}, infinity) of
        {ok, #{name := Name}} -> {ok, Name};
        Error -> Error
    end;
service_of(_, _) -> error(badarg).

-spec port(term(), term()) -> {ok, 0..65535} | {error, term()}.
port(Port, _) when is_integer(Port), Port >= 0, Port =< 65535 -> {ok, Port};
port(Text, Protocol) when is_list(Text) ->
    case re:run(Text, "^(0[xX][0-9a-fA-F]{1,4}|0[0-7]{0,6}|[1-9][0-9]{0,4})$", [{capture, none}]) =:= match andalso number(Text) of
        N when is_integer(N), N =< 65535 -> {ok, N};
        _ -> service(Text, Protocol)
    end;
port(_, _) -> error(badarg).

number([$0, X | Digits]) when X =:= $x; X =:= $X -> list_to_integer(Digits, 16);
number([$0 | _] = Digits) -> list_to_integer(Digits, 8);
number(Digits) -> list_to_integer(Digits).

%% @doc The number of a protocol by its name or alias in protocols(5), or in the table of esock.
-spec protocol(string() | atom()) -> {ok, 0..255} | {error, enoent}.
protocol(Name) when is_atom(Name) -> protocol(atom_to_list(Name));
protocol(Name) when is_list(Name) ->
    case [Number || {Number, Names} <- protocols(), lists:member(Name, Names)] of
        [Number | _] -> {ok, Number};
        [] -> own_protocol(Name)
    end.

own_protocol(Name) ->
    case [Number || {Atom, Number} <- esock_nif:protocols(), Number < 256, atom_to_list(Atom) =:= string:lowercase(Name)] of
        [Number | _] -> {ok, Number};
        [] -> {error, enoent}
    end.

%% @doc The name of a protocol by its number.
-spec protocol_name(0..255) -> {ok, string()} | {error, enoent}.
protocol_name(Number) ->
    Own = [[atom_to_list(Atom)] || {Atom, N} <- esock_nif:protocols(), N =:= Number],
    case [Names || {N, Names} <- protocols(), N =:= Number] ++ Own of
        [[Name | _] | _] -> {ok, Name};
        [] -> {error, enoent}
    end.

protocols() ->
    case file:read_file("/etc/protocols") of
        {ok, Text} -> lists:append([line(Line) || Line <- string:lexemes(binary_to_list(Text), "\n")]);
        {error, _} -> []
    end.

line(Line) ->
    case string:lexemes(hd(string:split(Line, "#")), " \t") of
        [Name, Number | Aliases] ->
            case string:to_integer(Number) of
                {N, []} -> [{N, [Name | Aliases]}];
                _ -> []
            end;
        _ -> []
    end.

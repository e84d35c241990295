%% @private
%% @doc Constants of the system by their names, and their names by their numbers.
-module(esock_constant).

-export([number/1, name/2, class/1]).

%% @doc What `const/1' returns.
-spec number(term()) -> {ok, integer()} | {error, {invalid, {constant, term()}}}.
number({_Class, Number}) when is_integer(Number) -> {ok, Number};
number({Class, Name}) when is_atom(Name) ->
    case {class(Class), class({option, Class})} of
        {#{Name := Number}, _} -> {ok, Number};
        {_, #{Name := Number}} -> {ok, Number};
        _ -> {error, {invalid, {constant, {Class, Name}}}}
    end;
number(Name) when is_atom(Name) -> of_c(atom_to_list(Name), Name);
number(Name) ->
    %% The longest name of C is shorter.
    case io_lib:latin1_char_list(Name) andalso length(Name) < 256 of
        true -> of_c(Name, Name);
        false -> {error, {invalid, {constant, Name}}}
    end.

of_c(Text, Name) ->
    Upper = string:uppercase(Text),
    Numbers = [Number || {_Class, Prefixes, Names} <- esock_nif:constants(), Prefix <- Prefixes,
                         lists:prefix(Prefix, Upper), Rest <- [lists:nthtail(length(Prefix), Upper)],
                         {Known, Number} <- Names, string:uppercase(atom_to_list(Known)) =:= Rest],
    case Numbers of
        [Number | _] -> {ok, Number};
        [] -> {error, {invalid, {constant, Name}}}
    end.

%% @doc What `const_name/2' returns: the first name in the table.
-spec name(term(), integer()) -> {ok, atom()} | error.
name(Class, Number) ->
    case [Name || {Known, _, Names} <- esock_nif:constants(), Known =:= Class, {Name, N} <- Names, N =:= Number] of
        [Name | _] -> {ok, Name};
        [] -> error
    end.

%% @doc What `constants/1' returns.
-spec class(term()) -> #{atom() => integer()}.
class(class) ->
    maps:from_list([{Class, length(Names)} || {Class, _, Names} <- esock_nif:constants(), is_atom(Class)]);
class(Class) ->
    maps:from_list(lists:append([Names || {Known, _, Names} <- esock_nif:constants(), Known =:= Class])).

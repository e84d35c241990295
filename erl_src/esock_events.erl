%% @private
%% @doc Events of poll(2) as lists of names, and as the numbers of {@link esock_nif}; lists of sockets with events.
-module(esock_events).

-export([number/1, names/1, entries/1]).

-export_type([entry/0]).

-type entry() :: {reference(), Events :: 0..31}.

%% The bits of the number, in the order of the names in results.
-define(TABLE, [{read, 1}, {write, 2}, {priority, 16}, {hup, 8}, {error, 4}]).

%% @doc The number of a list of events. `badarg': it is no list.
-spec number(term()) -> {ok, 0..31} | {error, {invalid, {event, term()}}} | badarg.
number(Events) -> number(Events, 0).

number([], Number) -> {ok, Number};
number([Event | Events], Number) ->
    case lists:keyfind(Event, 1, ?TABLE) of
        {_, Bit} -> number(Events, Number bor Bit);
        false -> {error, {invalid, {event, Event}}}
    end;
number(_, _) -> badarg.

%% @doc The names of a number's bits.
-spec names(0..31) -> [esock:event()].
names(Number) -> [Name || {Name, Bit} <- ?TABLE, Number band Bit =/= 0].

%% @doc The sockets of a list, each once, with the events of all its entries. `badarg': it is no list of sockets.
-spec entries(term()) -> {ok, [entry()]} | {error, {invalid, term()}} | badarg.
entries([]) -> {error, {invalid, {sockets, []}}};
entries(List) -> entries(List, [], #{}).

entries([], Refs, Events) -> {ok, [{Ref, map_get(Ref, Events)} || Ref <- lists:reverse(Refs)]};
entries([{'$socket', Ref} | List], Refs, Events) when is_reference(Ref) -> add(Ref, 1, List, Refs, Events);
entries([{{'$socket', Ref}, Names} | List], Refs, Events) when is_reference(Ref) ->
    case number(Names) of
        {ok, Number} -> add(Ref, Number, List, Refs, Events);
        Wrong -> Wrong
    end;
entries(_, _, _) -> badarg.

add(Ref, Number, List, Refs, Events) ->
    case Events of
        #{Ref := Before} -> entries(List, Refs, Events#{Ref := Before bor Number});
        #{} -> entries(List, [Ref | Refs], Events#{Ref => Number})
    end.

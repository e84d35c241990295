%% @private
%% @doc Dials as text: errors, and the report that a peer has no listener yet. There is one such report in 30 seconds for the whole node,
%% however many processes dial.
-module(esock_dial_log).

-include_lib("kernel/include/logger.hrl").

-export([no_listener/2, format/1, format_error/1]).

-on_load(make_counters/0).

-define(EVERY_MS, 30_000).
%% The counters: the time of the next report, and the dials that were not reported since the last one.
-define(NEXT, 1).
-define(LEFT_OUT, 2).

%% @doc Reports that a dial will try again, unless a report was made in the last 30 seconds.
-spec no_listener(esock_dial:peer(), esock:port_number() | undefined) -> ok.
no_listener(Host, Port) ->
    Counters = persistent_term:get(?MODULE),
    Now = erlang:monotonic_time(millisecond),
    Next = atomics:get(Counters, ?NEXT),
    case Next =< Now andalso atomics:compare_exchange(Counters, ?NEXT, Next, Now + ?EVERY_MS) of
        ok -> report(Host, Port, atomics:exchange(Counters, ?LEFT_OUT, 0));
        _ -> atomics:add(Counters, ?LEFT_OUT, 1)
    end.

report(Host, Port, LeftOut) ->
    ?LOG_WARNING(#{what => no_listener_yet, host => Host, port => Port, left_out => LeftOut},
                 #{report_cb => fun ?MODULE:format/1}).

%% @doc A report as text.
-spec format(map()) -> {io:format(), [term()]}.
format(#{host := Host, port := Port, left_out := LeftOut}) ->
    {"esock_dial: no listener at ~tp, port ~tp, yet; the dial tries again (~b dials more since the last report)", [Host, Port, LeftOut]}.

%% Once for the node, before any process can ask for them.
make_counters() ->
    case persistent_term:get(?MODULE, undefined) of
        undefined ->
            Counters = atomics:new(2, [{signed, true}]),
            ok = atomics:put(Counters, ?NEXT, erlang:monotonic_time(millisecond)),
            persistent_term:put(?MODULE, Counters);
        _ -> ok
    end.

%% @doc The reason of an error as text.
-spec format_error(term()) -> string().
format_error({error, Reason}) -> format_error(Reason);
format_error({dial_failed, #{host := Host, port := Port, reason := Reason, elapsed := Ms, attempts := Attempts, omitted := Omitted}}) ->
    lists:flatten([io_lib:format("no connection to ~tp, port ~tp, ~ts after ~b ms", [Host, Port, reason(Reason), Ms]),
                   [["; ", attempt(Attempt)] || Attempt <- Attempts],
                   [io_lib:format("; and ~b before these", [Omitted]) || Omitted > 0]]);
format_error(no_local_address) -> "no source address of this family";
format_error(no_address) -> "no address";
format_error({raised, Reason}) -> lists:flatten(io_lib:format("a function of the options raised ~tp", [Reason]));
format_error({exit, Reason}) -> lists:flatten(io_lib:format("the resolver raised ~tp", [Reason]));
format_error(Reason) -> esock:format_error(Reason).

reason(failed) -> "no address is left";
reason(timeout) -> "the time is over";
reason(stopped) -> "the backoff ended it".

attempt({resolve, Reason, Ms}) -> io_lib:format("resolver: ~ts (~b ms)", [format_error(Reason), Ms]);
attempt({Address, Reason, Ms}) -> io_lib:format("~ts: ~ts (~b ms)", [address(Address), format_error(Reason), Ms]).

address(#{addr := {_, _, _, _} = Address, port := Port}) -> io_lib:format("~s:~b", [inet:ntoa(Address), Port]);
address(#{addr := Address, port := Port}) when tuple_size(Address) =:= 8 -> io_lib:format("[~s]:~b", [inet:ntoa(Address), Port]);
address(Address) -> io_lib:format("~tp", [Address]).

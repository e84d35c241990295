%% @private
%% @doc Names and numbers of resolvers: flags and codes of errors.
-module(esock_net_names).

-export([flags/2, text/1, format/1]).

-define(AI, [{passive, 1}, {canonname, 2}, {numerichost, 4}, {v4mapped, 8}, {all, 16#10}, {addrconfig, 16#20}, {idn, 16#40},
             {canonidn, 16#80}, {numericserv, 16#400}]).
-define(NI, [{numerichost, 1}, {numericserv, 2}, {nofqdn, 4}, {namereqd, 8}, {dgram, 16}, {idn, 32}]).
-define(CODES,
        [{ebadflags, -1, "Bad value for ai_flags"}, {enoname, -2, "Name or service not known"},
         {eagain, -3, "Temporary failure in name resolution"}, {efail, -4, "Non-recoverable failure in name resolution"},
         {enodata, -5, "No address associated with hostname"}, {efamily, -6, "ai_family not supported"},
         {esocktype, -7, "ai_socktype not supported"}, {eservice, -8, "Servname not supported for ai_socktype"},
         {eaddrfamily, -9, "Address family for hostname not supported"}, {emem, -10, "Memory allocation failure"},
         {esystem, -11, "System error"}, {eoverflow, -12, "Result too large for supplied buffer"},
         {einprogress, -100, "Processing request in progress"}, {ecanceled, -101, "Request canceled"},
         {enotcanceled, -102, "Request not canceled"}, {ealldone, -103, "All requests done"},
         {eintr, -104, "Interrupted by a signal"}, {eidnencode, -105, "Parameter string not correctly encoded"},
         {busy, none, "Too many lookups wait for a thread"}]).

%% @doc The bits of a list of flags AI_* or NI_*.
-spec flags(ai | ni, term()) -> {ok, non_neg_integer()} | {error, term()}.
flags(Kind, Flags) when is_list(Flags) -> flags(Flags, if Kind =:= ai -> ?AI; true -> ?NI end, 0);
flags(_, Flags) -> {error, Flags}.

flags([], _, Bits) -> {ok, Bits};
flags([N | Rest], Names, Bits) when is_integer(N), N >= 0, N < 1 bsl 31 -> flags(Rest, Names, Bits bor N);
flags([Name | Rest], Names, Bits) ->
    case lists:keyfind(Name, 1, Names) of
        {_, Bit} -> flags(Rest, Names, Bits bor Bit);
        false -> {error, Name}
    end;
flags(Rest, _, _) -> {error, Rest}.

%% @doc The text of a code EAI_*, its name or its number.
-spec text(term()) -> string().
text({system, Posix}) -> esock:format_error(Posix);
text(Code) ->
    case lists:keyfind(Code, if is_integer(Code) -> 2; true -> 1 end, ?CODES) of
        {_, _, Text} -> Text;
        false -> "Unknown error"
    end.

%% @doc The text of a reason.
-spec format(term()) -> string().
format({gai, Code}) -> text(Code);
format({invalid, What}) -> lists:flatten(io_lib:format("invalid: ~0tp", [What]));
format(Reason) -> esock:format_error(Reason).

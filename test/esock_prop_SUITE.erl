%% The properties: those of the NIF with ESOCK_PROPER cases (default 2,000), that of answers with ESOCK_PROGRAMS (default 600).
-module(esock_prop_SUITE).

-compile([export_all, nowarn_export_all]).

all() ->
    [any_terms, likely_terms, one_answer_each].

any_terms(_) -> check(prop_esock_nif:prop_any_terms()).
likely_terms(_) -> check(prop_esock_nif:prop_likely_terms()).

%% Runs on the back end of this test run.
one_answer_each(_) ->
    Backend = hd(esock_pairs:cases([epoll, io_uring], [epoll])),
    ok = esock_check:property(prop_esock_answers:prop_one_answer_each(Backend), {"ESOCK_PROGRAMS", 600}, [quiet]).

check(Property) ->
    ok = esock_check:property(Property, {"ESOCK_PROPER", 2000}, [quiet]),
    restore().

%% The properties of the NIF change settings of the whole node.
restore() ->
    ok = esock:use_registry(true),
    ok = esock:debug(false),
    ok = esock:socket_debug(false).

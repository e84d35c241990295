%% Random programs on OTP's socket and on esock answer alike. ESOCK_PROGRAMS is their number for each kind of socket (default
%% 200).
-module(esock_state_SUITE).

-compile([export_all, nowarn_export_all]).

all() -> [tcp, udp, local, seeds].

tcp(_) -> check(tcp).
udp(_) -> check(udp).
local(_) -> check(local).

check(Kind) ->
    esock_check:property(prop_esock_same:prop_programs(Kind), {"ESOCK_PROGRAMS", 200}, [{max_size, 25}, {to_file, user}]).

%% The seed that a failure prints generates the same programs again.
seeds(_) ->
    [Same, Same] = [programs() || _ <- [1, 2]],
    20 = length(Same).

programs() ->
    Self = self(),
    _ = rand:seed(exsplus, {1, 2, 3}),
    true = proper:quickcheck(prop_esock_same:prop_generated(tcp, Self), [{numtests, 20}, quiet]),
    generated().

generated() ->
    receive {program, Program} -> [Program | generated()] after 0 -> [] end.

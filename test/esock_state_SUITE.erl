%% Random programs on OTP's socket and on esock: they answer alike. ESOCK_PROGRAMS says how many for each kind of socket.
-module(esock_state_SUITE).

-compile([export_all, nowarn_export_all]).

all() -> [tcp, udp, local].

tcp(_) -> check(tcp).
udp(_) -> check(udp).
local(_) -> check(local).

check(Kind) ->
    Count = list_to_integer(os:getenv("ESOCK_PROGRAMS", "200")),
    Options = [{numtests, Count}, {max_size, 25}, {to_file, user}, long_result],
    case proper:quickcheck(prop_esock_same:prop_programs(Kind), Options) of
        true -> ok;
        Program -> ct:fail({shrunk, Program})
    end.

#!/bin/sh
# Runs every test and ends with a line `N passed, N failed`: the cargo tests of the core, the Common Test suites, the
# properties, installing. Each step says how many seconds it takes. Arguments are the names of suites to run instead of all.
set -u
cd "$(dirname "$0")/.."
logs=_build/test/logs
mkdir -p "$logs"
passed=0
failed=0

count() { # passed failed
    passed=$((passed + ${1:-0}))
    failed=$((failed + ${2:-0}))
}

suites=${*:-}
begin() { # name, seconds on two cores
    began=$(date +%s)
    last=$(cat "$logs/$1.seconds" 2> /dev/null)
    echo "$1: started, ${suites:-takes ${last:-about $2} s}"
}

# A step that ends in failure without counting one is one failure.
step() { # name status passed failed
    if [ "$2" != 0 ] && [ "${4:-0}" = 0 ]; then count "${3:-0}" 1; else count "${3:-0}" "${4:-0}"; fi
    took=$(($(date +%s) - began))
    [ "$2" != 0 ] || [ -n "$suites" ] || echo $took > "$logs/$1.seconds"
    echo "$1: ${3:-0} passed, ${4:-0} failed (exit $2, $took s)"
}

if [ $# = 0 ]; then
    begin cargo 60
    cargo test --quiet -p esock > "$logs/cargo.txt" 2>&1
    status=$?
    [ $status = 0 ] || cat "$logs/cargo.txt"
    step cargo $status \
        "$(grep -oE '[0-9]+ passed' "$logs/cargo.txt" | awk '{n += $1} END {print n + 0}')" \
        "$(grep -oE '[0-9]+ failed' "$logs/cargo.txt" | awk '{n += $1} END {print n + 0}')"
fi

common_test() { # name, seconds
    begin "$1" "$2"
    rebar3 ct ${suites:+--suite "$(echo "$suites" | tr ' ' ,)"} --readable=true > "$logs/$1.txt" 2>&1
    status=$?
    plain=$(sed 's/\x1b\[[0-9;]*m//g' "$logs/$1.txt")
    [ $status = 0 ] || { echo "$plain" | grep -A 20 'FAILED\|Again: '; tail -20 "$logs/$1.txt"; } | cut -c 1-500
    step "$1" $status \
        "$(echo "$plain" | grep -oE 'All [0-9]+ tests passed|Passed [0-9]+ tests' | tail -1 | grep -oE '[0-9]+')" \
        "$(echo "$plain" | grep -oE 'Failed [0-9]+ tests' | tail -1 | grep -oE '[0-9]+')"
}

# On the default back end, and on io_uring if the system allows it.
common_test ct 200
refused=$(erl -noshell -pa _build/default/lib/esock/ebin -pa _build/test/lib/esock/ebin -eval \
    'case esock:open(inet, stream, tcp, #{io_backend => io_uring}) of {ok, _} -> ok; E -> io:format("~p", [E]) end, halt().')
if [ -z "$refused" ]; then
    ESOCK_IO_BACKEND=io_uring
    # With rings that receive: most of what can go wrong goes wrong there.
    ESOCK_READ_AHEAD=65536
    # And with a process that polls wherever one can (esock_busy_SUITE).
    ESOCK_BUSY_POLL=always
    export ESOCK_IO_BACKEND ESOCK_BUSY_POLL ESOCK_READ_AHEAD
    common_test ct_io_uring 220
    unset ESOCK_IO_BACKEND ESOCK_BUSY_POLL ESOCK_READ_AHEAD
else
    echo "ct_io_uring: left out, $refused"
fi

# As a new user installs it.
if [ $# = 0 ]; then
    begin install 120
    ./test/install.sh > "$logs/install.txt" 2>&1
    status=$?
    [ $status = 0 ] || tail -40 "$logs/install.txt"
    last=$(tail -1 "$logs/install.txt")
    step install $status "$(echo "$last" | grep -oE '[0-9]+ passed' | grep -oE '[0-9]+')" "$(echo "$last" | grep -oE '[0-9]+ failed' | grep -oE '[0-9]+')"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

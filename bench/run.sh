#!/bin/sh
# `make bench`: the table of bench.erl as text, JSON and plots; then the memory and CPU time of idle connections, and the system
# calls of an echo. ROWS, ROUNDS, MS and BACKENDS narrow the table (see bench.erl); with ROWS or BACKENDS only the table is made.
# `otp.sh` runs the same on other releases.
set -eu
cd "$(dirname "$0")/.."
out=_build/bench
mkdir -p "$out"
if command -v cargo > /dev/null; then
    cargo build --quiet --locked --release --manifest-path bench/Cargo.toml --target-dir "$out/target"
    cp "$out/target/release/floor" "$out/target/release/plot" "$out"
fi
erlc -o "$out" bench/*.erl
release=$(erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')
export FLOOR="$out/floor"
export JSON="${JSON:-$out/otp$release.json}"
export KERNEL="$(uname -r)"
export MACHINE="$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores"
export COMMIT="${COMMIT:-$(git rev-parse --short HEAD 2> /dev/null || echo unknown)}"
# The rows of esock_uring are measured with read-ahead, so that rings receive.
export ESOCK_READ_AHEAD="${ESOCK_READ_AHEAD:-65536}"
# No busy waiting of schedulers: it would hide the cost of a wake-up.
vm="erl -noshell +P 1000000 +Q 262144 +sbwt none +sbwtdcpu none +sbwtdio none -pa _build/default/lib/esock/ebin -pa $out"
$vm -s bench main
[ -x "$out/plot" ] && "$out/plot" "$JSON" "$out" > /dev/null
[ -z "${ROWS:-}${BACKENDS:-}" ] || exit 0
echo
# A Python program holds the other ends of the idle connections.
if command -v python3 > /dev/null; then
    for backend in esock esock_uring socket gen_tcp; do $vm -run bench idle_memory $backend "${IDLE:-18000}"; done
fi
$vm -run bench idle_cpu 9000 3000
! command -v strace > /dev/null || ./bench/syscalls.sh -pa _build/default/lib/esock/ebin -pa "$out"

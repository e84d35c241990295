#!/bin/sh
# `make bench`: the table of bench.erl; what an idle node uses; what an echo costs in system calls.
set -eu
cd "$(dirname "$0")/.."
out=_build/bench
mkdir -p "$out"
erlc -o "$out" bench/*.erl
paths="-pa _build/default/lib/esock/ebin -pa $out"
# shellcheck disable=SC2086
erl -noshell +sbwt none +sbwtdcpu none +sbwtdio none $paths -s bench main
[ -z "${ROWS:-}" ] || exit 0
# shellcheck disable=SC2086
erl -noshell $paths -eval 'bench:idle(3000), halt(0).'
# shellcheck disable=SC2086
./bench/syscalls.sh $paths

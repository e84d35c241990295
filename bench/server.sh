#!/bin/sh
# The table of bench_server.erl: esock_server against a gen_tcp server of ranch's shape.
set -eu
cd "$(dirname "$0")/.."
out=_build/bench
mkdir -p "$out"
cc -O2 -pthread -o "$out/connect" bench/connect.c
erlc -o "$out" bench/bench_server.erl bench/bench_stats.erl
CONNECT="$out/connect" exec erl -noshell +P 1000000 +Q 262144 +sbwt none +sbwtdcpu none +sbwtdio none \
    -pa _build/default/lib/esock/ebin -pa "$out" -s bench_server main

#!/bin/sh
# System calls per echo in the steady state, by strace on the whole VM: 12,000 echoes on 50 connections less 2,000, so
# that what a start, a connection and an end cost falls out. Arguments: where erl finds the code.
set -eu
trace() { # backend, echoes per connection
    strace -f -c -o "$out/$1.$2" erl -noshell +sbwt none +sbwtdcpu none +sbwtdio none $paths \
        -eval "bench:echoes($1, 50, $2), halt(0)."
}
paths=$*
out=_build/bench
for backend in esock socket; do
    trace $backend 40
    trace $backend 240
    echo
    echo "$backend: system calls per echo, of 10,000"
    awk 'FNR == 1 {file++}
         $NF ~ /^[a-z_0-9]+$/ && $4 ~ /^[0-9]+$/ && $NF != "total" {
             if (file == 1) before[$NF] = $4; else after[$NF] = $4
         }
         END {for (call in after) {
                  n = after[call] - before[call]
                  if (n >= 50 || call == "epoll_ctl") printf "  %-16s %8.3f\n", call, n / 10000
              }}' "$out/$backend.40" "$out/$backend.240" | sort -k2 -rn
done

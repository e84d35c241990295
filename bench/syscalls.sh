#!/bin/sh
# System calls per echo in the steady state, by strace on the whole VM: 12,000 echoes on 50 connections less 2,000, so
# that what a start, a connection and an end cost falls out. Arguments: where erl finds the code.
set -eu
trace() { # function, backend, echoes per connection
    strace -f -c -o "$out/$1.$2.$3" erl -noshell +sbwt none +sbwtdcpu none +sbwtdio none $paths \
        -eval "bench:$1($2, 50, $3), halt(0)."
}
paths=$*
out=_build/bench
for row in echoes.esock echoes.socket loop_echoes.esock loop_echoes.esock_uring loop_echoes.socket; do
    trace "${row%.*}" "${row#*.}" 40
    trace "${row%.*}" "${row#*.}" 240
    echo
    echo "$row: system calls per echo, of 10,000"
    awk 'FNR == 1 {file++}
         $NF ~ /^[a-z_0-9]+$/ && $4 ~ /^[0-9]+$/ && $NF != "total" {
             if (file == 1) before[$NF] = $4; else after[$NF] = $4
         }
         END {for (call in after) {
                  n = after[call] - before[call]
                  if (n >= 50 || call == "epoll_ctl") printf "  %-16s %8.3f\n", call, n / 10000
              }}' "$out/$row.40" "$out/$row.240" | sort -k2 -rn
done

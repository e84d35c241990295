#!/bin/sh
# System calls per echo in the steady state, by strace on the whole VM: those of a long run minus those of a short one, which
# removes those of start, connecting and end. `echoes' and `loop_echoes' have both ends in the VM. `serve' has the clients in
# another program, which is not traced. Arguments: code path options for erl.
set -eu
trace() { # strace's output, Erlang
    strace -f -c -o "$1" erl -noshell +sbwt none +sbwtdcpu none +sbwtdio none $paths -eval "$2, halt(0)." > /dev/null
}
serve() { # backend, milliseconds: prints how many echoes
    port="$out/serve.port"
    rm -f "$port"
    trace "$out/serve.$1.$2" "bench:serve($1, 50, \"$port\")" &
    for _ in $(seq 100); do [ -s "$port" ] || sleep 0.1; done
    echo go | "$FLOOR" echo_client "$(cat "$port")" 50 "$2" | awk '/^[0-9]/ {print $1}'
    wait
}
show() { # the short run's output, the long one's, echoes between
    awk -v count="$3" 'FNR == 1 {file++}
         $NF ~ /^[a-z_0-9]+$/ && $4 ~ /^[0-9]+$/ && $NF != "total" {
             if (file == 1) before[$NF] = $4; else after[$NF] = $4
         }
         END {for (call in after) {
                  n = after[call] - before[call]
                  sum += n
                  if (n >= count / 200 || call == "epoll_ctl") printf "  %-16s %8.3f\n", call, n / count
              }
              printf "  %-16s %8.3f\n", "all", sum / count}' "$1" "$2" | sort -k2 -rn
}
paths=$*
out=_build/bench
for row in echoes.esock echoes.socket loop_echoes.esock loop_echoes.esock_uring loop_echoes.socket; do
    for each in 40 240; do trace "$out/$row.$each" "bench:${row%.*}(${row#*.}, 50, $each)"; done
    echo
    echo "$row: system calls per echo, of 10,000"
    show "$out/$row.40" "$out/$row.240" 10000
done
[ -x "${FLOOR:-}" ] || exit 0
for backend in esock esock_uring socket; do
    short=$(serve $backend 1000)
    long=$(serve $backend 5000)
    echo
    echo "serve.$backend: system calls per echo, of $((long - short))"
    show "$out/serve.$backend.1000" "$out/serve.$backend.5000" $((long - short))
done

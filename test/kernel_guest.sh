#!/bin/sh
# The part of test/kernel.sh in the guest: loads the modules, and runs the suites in the file `suites` on both back ends.
set -u
export HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb ESOCK_PREBUILT=1
passed=0
failed=0
echo
echo "esock-kernel: Linux $(uname -r)"
ip link set lo up
for module in can can-raw can-bcm can-isotp can-j1939 vcan af_alg algif_hash algif_skcipher algif_aead algif_rng tipc vsock \
    vsock_loopback sctp; do
    modprobe "$module" || { echo "no module $module"; failed=$((failed + 1)); }
done

for backend in epoll io_uring; do
    export ESOCK_IO_BACKEND=$backend
    # As in test/run.sh.
    [ $backend = epoll ] || export ESOCK_READ_AHEAD=65536 ESOCK_BUSY_POLL=always
    rebar3 ct --suite "$(tr ' ' , < suites)" --readable=true > out.txt 2>&1
    status=$?
    plain=$(sed 's/\x1b\[[0-9;]*m//g' out.txt)
    count() { echo "$plain" | grep -oE "$1" | tail -1 | grep -oE '[0-9]+' | head -1; }
    good=$(count 'All [0-9]+ tests passed|Passed [0-9]+ tests')
    bad=$(count 'Failed [0-9]+ tests')
    skipped=$(count 'Skipped [0-9]+ ')
    bad=$((${bad:-0} + ${skipped:-0}))
    [ $status = 0 ] || [ $bad != 0 ] || bad=1
    [ $bad = 0 ] || { echo "$plain" | grep -A 25 'FAILED\|SKIPPED'; echo "$plain" | tail -30; } | cut -c 1-1000
    echo "$backend: ${good:-0} passed, $bad failed or skipped"
    passed=$((passed + ${good:-0}))
    failed=$((failed + bad))
done
dmesg --level=emerg,alert,crit,err 2> /dev/null | tail -5
echo "esock-kernel: $passed passed, $failed failed"
sync

#!/bin/sh
# The part of test/kernel.sh in the guest: loads the modules, and runs the suites in the file `suites` on both back ends.
set -u
export HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb
passed=0
failed=0
echo
echo "esock-kernel: Linux $(uname -r)"
ip link set lo up
# The name is a part of the paths of the logs.
echo guest > /proc/sys/kernel/hostname
for module in can can-raw can-bcm can-isotp can-j1939 vcan af_alg algif_hash algif_skcipher algif_aead algif_rng tipc vsock \
    vsock_loopback sctp; do
    modprobe "$module" || { echo "no module $module"; failed=$((failed + 1)); }
done

for backend in epoll io_uring; do
    export ESOCK_IO_BACKEND=$backend
    # As in test/run.sh.
    [ $backend = epoll ] || export ESOCK_READ_AHEAD=65536 ESOCK_BUSY_POLL=always
    mkdir -p logs
    ct_run -noinput -no_auto_compile -pa lib/esock/ebin -dir test -suite $(cat suites) -logdir logs > out.txt 2>&1
    # One line for each suite.
    count() { grep 'TEST COMPLETE' out.txt | grep -oE "[0-9]+ $1" | awk '{n += $1} END {print n + 0}'; }
    good=$(count ok)
    bad=$(($(count failed) + $(count skipped)))
    [ "$(grep -c 'TEST COMPLETE' out.txt)" = "$(wc -w < suites)" ] || { bad=$((bad + 1)); tail -30 out.txt; }
    # What failed, in full.
    find logs -name suite.log -newer suites -exec awk '/^=case/ {name = $2} /^=result/ {shown = /failed|skipped/; if (shown) print name}
        /^=[a-z]/ && !/^=re/ {shown = 0} shown' {} + | cut -c 1-1000
    touch suites
    echo "$backend: $good passed, $bad failed or skipped"
    passed=$((passed + $good))
    failed=$((failed + bad))
done
dmesg --level=emerg,alert,crit,err 2> /dev/null | tail -5
echo "esock-kernel: $passed passed, $failed failed"
sync

#!/bin/sh
# The benchmarks on OTP 27 and 29, in the chroot systems that test/otp.sh sets up, with the library and the programs built here.
# Arguments: names of the systems, `trixie' (OTP 27) or `testing' (OTP 29); the default is `testing'.
set -eu
cd "$(dirname "$0")/.."
cache=${ESOCK_OTP_CACHE:-/var/cache/esock-otp}
COMMIT=$(git rev-parse --short HEAD)
export COMMIT
for name in "${@:-testing}"; do
    root=$cache/$name
    [ -e "$root/.esock-ready-2" ] || { echo "$name: not set up; run make test-otp first"; exit 1; }
    rm -rf "$root/bench"
    mkdir -p "$root/bench/_build/default/lib/esock" "$root/bench/_build/bench"
    cp -r bench "$root/bench"
    cp -r _build/default/lib/esock/ebin priv "$root/bench/_build/default/lib/esock"
    cp _build/bench/floor _build/bench/plot "$root/bench/_build/bench"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || mount --bind /proc "$root/proc"
    chroot "$root" env HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin sh /bench/bench/run.sh
    cp "$root"/bench/_build/bench/otp*.json _build/bench
    umount "$root/proc" 2> /dev/null || true
done

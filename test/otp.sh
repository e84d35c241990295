#!/bin/sh
# `make test-otp`: all Common Test suites on OTP 27 (Debian 13) and OTP 29 (Debian testing), with the library built here, each in
# a directory of its own that debootstrap fills once. Needs root for chroot. A release that cannot be installed is a failure.
set -u
cd "$(dirname "$0")/.."
cache=${ESOCK_OTP_CACHE:-/var/cache/esock-otp}
passed=0
failed=0

# Installs the Debian release of that name, and Erlang, into its directory, unless that was done before.
system() { # name
    root=$cache/$1
    [ ! -e "$root/.esock-ready-3" ] || return 0
    command -v debootstrap > /dev/null || apt-get install -q -y --no-install-recommends debootstrap > /dev/null || return 1
    [ -e "$root/etc/debian_version" ] || debootstrap --variant=minbase "$1" "$root" > "$cache/$1.log" 2>&1 || return 1
    chroot "$root" sh -c 'export DEBIAN_FRONTEND=noninteractive; apt-get -o Acquire::Check-Valid-Until=false update -q && apt-get install -q -y \
        --no-install-recommends erlang-base erlang-dev erlang-common-test erlang-eunit erlang-ssl erlang-tools \
        erlang-xmerl erlang-edoc erlang-proper erlang-proper-dev rebar3 iproute2 netbase python3' >> "$cache/$1.log" 2>&1 || return 1
    # The names that tests look up; debootstrap makes no hosts(5).
    grep -q localhost "$root/etc/hosts" 2> /dev/null || printf '127.0.0.1 localhost\n::1 localhost ip6-localhost\n' >> "$root/etc/hosts"
    touch "$root/.esock-ready-3"
}

run() { # name, release
    mkdir -p "$cache"
    if ! system "$1"; then
        echo "OTP $2: cannot be installed, see $cache/$1.log"
        failed=$((failed + 1))
        return
    fi
    root=$cache/$1
    rm -rf "$root/esock"
    mkdir -p "$root/esock"
    git ls-files -z | xargs -0 cp --parents -t "$root/esock" 2> /dev/null
    cp -r priv "$root/esock"
    mountpoint -q "$root/proc" || mount -t proc proc "$root/proc" || mount --bind /proc "$root/proc"
    found=$(chroot "$root" erl -noshell -eval 'io:put_chars(erlang:system_info(otp_release)), halt().')
    [ "$found" = "$2" ] || { echo "OTP $2: $1 has $found"; failed=$((failed + 1)); return; }
    for backend in epoll io_uring; do
        # With epoll the helpers poll at every event, with io_uring only while events are dense, which is the default.
        [ $backend = epoll ] && busy=always || busy=true
        out=$cache/$1.$backend.ct.txt
        # If the kernel refuses io_uring, that back end is skipped.
        [ $backend = epoll ] || chroot "$root" erl -noshell -pa /esock/_build/test/lib/esock/ebin -eval \
            'case esock:open(inet, stream, tcp, #{io_backend => io_uring}) of {ok, _} -> halt(0); _ -> halt(1) end.' || continue
        chroot "$root" env HOME=/root LANG=C.UTF-8 ESOCK_PREBUILT=1 ESOCK_BUSY_POLL=$busy ESOCK_IO_BACKEND=$backend ESOCK_READ_AHEAD=65536 \
            sh -c 'cd /esock && rebar3 ct --readable=true' > "$out" 2>&1
        status=$?
        [ $status = 0 ] || tail -80 "$out"
        plain=$(sed 's/\x1b\[[0-9;]*m//g' "$out")
        good=$(echo "$plain" | grep -oE 'All [0-9]+ tests passed|Passed [0-9]+ tests' | tail -1 | grep -oE '[0-9]+')
        bad=$(echo "$plain" | grep -oE 'Failed [0-9]+ tests' | tail -1 | grep -oE '[0-9]+')
        [ $status = 0 ] || [ "${bad:-0}" != 0 ] || bad=1
        echo "OTP $2, $backend: ${good:-0} passed, ${bad:-0} failed"
        passed=$((passed + ${good:-0}))
        failed=$((failed + ${bad:-0}))
    done
    umount "$root/proc" 2> /dev/null
}

run trixie 27
run testing 29
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" != 0 ]

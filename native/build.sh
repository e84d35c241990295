#!/bin/sh
# Puts the NIF where Erlang looks for it, priv/esock_nif.so. The hook of rebar.config, so for rebar3 and Mix alike. The first
# of these that applies:
#   1. ESOCK_BUILD=1: cargo builds it.
#   2. ESOCK_PREBUILT=1: the library in priv/ as it is, for tests on another release.
#   3. cargo, if it is there, and this is a git checkout or has no checksum-esock.txt: cargo knows whether a source has changed.
#      Not if ESOCK_PREBUILT_URL or ESOCK_CHECKSUMS is set.
#   4. The library in priv/, unless a source is newer or CARGO_BUILD_TARGET asks for another machine's.
#   5. The library that checksum-esock.txt names for this VM (prebuilt.escript): from the cache, else from ESOCK_PREBUILT_URL.
#      `make release` writes that file. It is part of a package, not of a git checkout; ESOCK_CHECKSUMS is the path of another.
#   6. cargo.
set -eu
cd "$(dirname "$0")/.."
# The project's page of releases, once there is one. Below it is a folder for each version.
releases=""

vsn=$(sed -n 's/.*{vsn, "\(.*\)"}.*/\1/p' erl_src/esock.app.src)
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
sums=${ESOCK_CHECKSUMS:-checksum-esock.txt}
found=$(cargo --version 2> /dev/null | cut -d ' ' -f 2)

# A library for another machine never counts as current for this one: it is older than every source.
[ -z "${CARGO_BUILD_TARGET:-}" ] || trap '[ ! -e priv/esock_nif.so ] || touch -t 198001010000 priv/esock_nif.so' EXIT

usable() { # cargo
    [ -n "$found" ] && [ "$(printf '%s\n' "$oldest" "${found%%-*}" | sort -V | head -1)" = "$oldest" ]
}

package() {
    [ ! -e .git ] && [ -e "$sums" ]
}

current() { # the library in priv/
    [ -e priv/esock_nif.so ] && [ -z "${CARGO_BUILD_TARGET:-}" ] &&
        [ -z "$(find src native/src native/Cargo.toml Cargo.toml Cargo.lock -newer priv/esock_nif.so)" ]
}

prebuilt() {
    if [ -e "$sums" ]; then
        escript native/prebuilt.escript "$sums" "${ESOCK_PREBUILT_URL:-${releases:+$releases/v$vsn}}"
    else
        [ -z "${ESOCK_PREBUILT_URL:-}" ] || echo "esock: nothing is downloaded: there is no $sums to check it with" >&2
        return 1
    fi
}

if [ -z "${ESOCK_BUILD:-}" ]; then
    [ -z "${ESOCK_PREBUILT:-}" ] || { echo "esock: ESOCK_PREBUILT: uses priv/esock_nif.so as it is"; exit 0; }
    if package || [ -n "${ESOCK_PREBUILT_URL:-}${ESOCK_CHECKSUMS:-}" ] || ! usable; then
        ! current || { echo "esock: uses priv/esock_nif.so, no source is newer"; exit 0; }
        ! prebuilt || exit 0
    fi
fi

if ! usable; then
    echo "esock: the NIF is built with Rust, $oldest or newer: please install it (rustup, or the system's packages);" \
        "$([ -z "$found" ] && echo "there is no cargo in PATH" || echo "this is $found")" >&2
    exit 1
fi
[ -e priv/esock_nif.so ] || echo "esock: cargo builds the NIF, which takes half a minute the first time"
# Cargo says where it puts the library: variables and settings of its own can have it elsewhere.
messages=$(cargo build --quiet --locked --release -p esock_nif --message-format=json-render-diagnostics)
so=$(echo "$messages" | grep -o '"[^"]*libesock_nif\.so"' | tail -1 | tr -d '"')
if ! cmp -s "$so" priv/esock_nif.so; then
    # A library that a VM has loaded must not be written over: it would change under its feet.
    mkdir -p priv
    cp "$so" "priv/esock_nif.so.$$"
    mv "priv/esock_nif.so.$$" priv/esock_nif.so
    echo "esock: cargo $found has built priv/esock_nif.so"
fi

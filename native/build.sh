#!/bin/sh
# Builds the NIF and puts it where Erlang looks for it. The hook of rebar.config.
set -eu
cd "$(dirname "$0")/.."
# The library was built elsewhere, for tests on another release.
[ -z "${ESOCK_PREBUILT:-}" ] || exit 0

needs() { # what is there instead
    echo "esock: the NIF is built with Rust, $oldest or newer: please install it (rustup, or the system's packages); $1" >&2
    exit 1
}
oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
command -v cargo > /dev/null || needs "there is no cargo in PATH"
found=$(cargo --version | cut -d ' ' -f 2)
[ "$(printf '%s\n' "$oldest" "${found%%-*}" | sort -V | head -1)" = "$oldest" ] || needs "this is $found"

[ -e priv/esock_nif.so ] || echo "esock: cargo builds the NIF, which takes half a minute the first time"
# Cargo says where it puts the library: variables and settings of its own can have it elsewhere.
messages=$(cargo build --quiet --locked --release -p esock_nif --message-format=json-render-diagnostics)
so=$(echo "$messages" | grep -o '"[^"]*libesock_nif\.so"' | tail -1 | tr -d '"')
mkdir -p priv
# A library that a VM has loaded must not be written over: it would change under its feet.
cmp -s "$so" priv/esock_nif.so || { cp "$so" priv/esock_nif.so.new && mv priv/esock_nif.so.new priv/esock_nif.so; }

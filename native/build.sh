#!/bin/sh
# Builds the NIF and puts it where Erlang looks for it. The hook of rebar.config.
set -eu
cd "$(dirname "$0")/.."
# The library was built elsewhere, for tests on another release.
[ -z "${ESOCK_PREBUILT:-}" ] || exit 0
cargo build --quiet --release -p esock_nif
mkdir -p priv
so=${CARGO_TARGET_DIR:-target}/release/libesock_nif.so
# A library that a VM has loaded must not be written over: it would change under its feet.
cmp -s "$so" priv/esock_nif.so || { cp "$so" priv/esock_nif.so.new && mv priv/esock_nif.so.new priv/esock_nif.so; }

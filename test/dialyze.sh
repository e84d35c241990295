#!/bin/sh
# Runs dialyzer over programs written for OTP's socket, with the module's name changed: esock has the types that they use. Run
# `rebar3 dialyzer` first: this uses its PLT.
set -eu
cd "$(dirname "$0")/.."
out=_build/programs
mkdir -p "$out"
for program in test/programs/*.erl; do
    sed 's/socket:/esock:/g' "$program" > "$out/$(basename "$program")"
done
erlc +debug_info -o "$out" "$out"/*.erl
dialyzer --plt "$(ls _build/default/rebar3_*_plt)" -Wunknown -Wunmatched_returns -Werror_handling \
    "$out"/*.beam _build/default/lib/esock/ebin

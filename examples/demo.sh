#!/bin/sh
# Makes the file to serve, runs demo.escript, and removes the file.
set -eu
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
head -c 200000000 /dev/urandom > "$dir/file"
sum=$(sha256sum < "$dir/file" | cut -d' ' -f1)
ERL_LIBS=$PWD/_build/default/lib escript examples/demo.escript "$dir" "$sum"

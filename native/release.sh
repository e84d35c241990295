#!/bin/sh
# `make release`: builds the library for each target and packs it into _build/release, stripped and without paths of this
# machine. Writes their checksums to checksum-esock.txt, which is part of the package: native/build.sh downloads only files that
# it names. Arguments: targets to build instead of all. If a target cannot be built, the script says so and leaves it out.
#
# cargo-zigbuild links against an old glibc, and for other machines. It comes from PyPI, into _build. For tests
# `ESOCK_RELEASE=quick` builds with the installed tools instead; such a library needs this machine's glibc or a newer one.
set -u
cd "$(dirname "$0")/.."
targets=${*:-x86_64-unknown-linux-gnu x86_64-unknown-linux-musl aarch64-unknown-linux-gnu aarch64-unknown-linux-musl}
# Rust's own libraries need this one at least.
glibc=2.17
out=_build/release
build=$PWD/_build/release-target
vsn=$(sed -n 's/.*{vsn, "\(.*\)"}.*/\1/p' erl_src/esock.app.src)
nif=$(sed -n 's/.*"nif_version_\([0-9]*\)_\([0-9]*\)".*/\1.\2/p' native/Cargo.toml)
home=${CARGO_HOME:-$HOME/.cargo}

grep -q "^version = \"$vsn\"" Cargo.toml || { echo "release: Cargo.toml and esock.app.src name different versions" >&2; exit 1; }
zigbuild=zigbuild
if [ "${ESOCK_RELEASE:-}" = quick ]; then
    zigbuild=build
elif [ ! -x _build/zig/bin/cargo-zigbuild ]; then
    python3 -m venv _build/zig && _build/zig/bin/pip install --quiet ziglang==0.17.1 cargo-zigbuild==0.24.1 || exit 1
fi
[ $zigbuild = build ] || PATH=$PWD/_build/zig/bin:$PATH

export CARGO_PROFILE_RELEASE_DEBUG=false CARGO_PROFILE_RELEASE_STRIP=symbols
pack() { # target
    name=libesock_nif-v$vsn-nif-$nif-$1.so
    # Cargo's separator, since paths may have blanks.
    flags=--remap-path-prefix=$PWD=esock
    for crates in "$home"/registry/src/*; do flags=$(printf '%s\037--remap-path-prefix=%s=crates' "$flags" "$crates"); done
    with=$1
    case "$zigbuild $1" in
        *-musl) flags=$(printf '%s\037-Ctarget-feature=-crt-static' "$flags") ;;
        zigbuild*-gnu) with=$1.$glibc ;;
    esac
    [ -d "$(rustc --print sysroot)/lib/rustlib/$1" ] || rustup --quiet target add "$1" || return 1
    CARGO_ENCODED_RUSTFLAGS=$flags cargo $zigbuild --quiet --locked --release -p esock_nif --target "$with" --target-dir "$build" || return 1
    cp "$build/$1/release/libesock_nif.so" "$out/$name" || return 1
    ! grep -aqF -e "$PWD" -e "$home" -e "$HOME" "$out/$name" || { echo "release: $name has paths of this machine" >&2; return 1; }
    tar -C "$out" --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -cf - "$name" | gzip -n -9 > "$out/$name.tar.gz"
    echo "release: $out/$name.tar.gz, $(wc -c < "$out/$name") bytes unpacked"
    rm "$out/$name"
}

rm -rf "$out"
mkdir -p "$out"
left=""
for target in $targets; do pack "$target" || left="$left $target"; done
[ -z "$left" ] || echo "release: left out, since the build failed:$left" >&2
ls "$out" | grep -q . || exit 1
(cd "$out" && sha256sum ./*.tar.gz | sed 's# \./# #' > checksum-esock.txt) && cp "$out/checksum-esock.txt" checksum-esock.txt

#!/bin/sh
# Installing as a new user does: in new folders, from a copy without anything that was built here. Ends with `N passed, N failed`.
# Nothing is optimized: it is about where things are.
set -u
cd "$(dirname "$0")/.."
home=$PWD
work=$(mktemp -d)
server=""
trap 'kill $server 2> /dev/null; rm -rf "$work"' EXIT
passed=0
failed=0

check() { # name, command ...
    name=$1
    shift
    if "$@" > "$work/out.txt" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "$name: FAILED"
        tail -20 "$work/out.txt"
    fi
}

# What is in the repository, as a repository of its own.
fresh() { # folder
    mkdir -p "$1"
    git ls-files -z | xargs -0 cp --parents -t "$1" 2> /dev/null
    (cd "$1" && git init -q . && git add -A && git -c user.name=t -c user.email=t@localhost commit -q -m copy)
}

export CARGO_TARGET_DIR="$work/target" CARGO_PROFILE_RELEASE_OPT_LEVEL=0 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_DEBUG=false
MIX_REBAR3=$(command -v rebar3)
export MIX_REBAR3

project() { # folder, dependency: the echo server of mix_echo in a project of its own
    mkdir -p "$1"
    cp -r "$home/test/mix_echo/lib" "$home/test/mix_echo/test" "$1"
    sed "s#{:esock, path: \"../..\", manager: :rebar3}#$2#" "$home/test/mix_echo/mix.exs" > "$1/mix.exs"
}

# The text that h(esock) shows, in a project that Mix has built.
documented() { # folder
    (cd "$1" && MIX_ENV=test mix run --no-deps-check -e \
        '{:docs_v1, _, :erlang, _, %{"en" => _}, _, docs} = Code.fetch_docs(:esock); true = length(docs) > 150')
}

if command -v mix > /dev/null; then
    fresh "$work/path/esock"
    project "$work/path/app" '{:esock, path: "../esock", manager: :rebar3}'
    check "mix, by path" sh -c "cd '$work/path/app' && mix test --no-color"
    check "mix, h(esock)" documented "$work/path/app"
    fresh "$work/git/esock"
    project "$work/git/app" "{:esock, git: \"$work/git/esock\", manager: :rebar3}"
    check "mix, by git" sh -c "cd '$work/git/app' && mix deps.get && mix test --no-color"
    check "mix, by git, h(esock)" documented "$work/git/app"
fi

# rebar3: a dependency by git, and in _checkouts.
fresh "$work/rebar/esock"
runs='{ok, S} = esock:open(inet, dgram), ok = esock:close(S), io:put_chars("works"), halt().'
for way in git checkouts; do
    app=$work/rebar/$way
    mkdir -p "$app/src"
    echo '{application, app, [{vsn, "1"}, {applications, [kernel, stdlib]}]}.' > "$app/src/app.app.src"
    if [ $way = git ]; then
        echo "{deps, [{esock, {git, \"file://$work/rebar/esock\", {branch, \"$(git -C "$work/rebar/esock" branch --show-current)\"}}}]}." > "$app/rebar.config"
        ebin=_build/default/lib/esock/ebin
    else
        echo '{deps, [esock]}.' > "$app/rebar.config"
        mkdir -p "$app/_checkouts"
        cp -r "$work/rebar/esock" "$app/_checkouts/esock"
        ebin=_build/default/checkouts/esock/ebin
    fi
    check "rebar3, $way" sh -c "cd '$app' && rebar3 compile && erl -noshell -pa $ebin -eval '$runs' | grep works"
done
check "rebar3 edoc" sh -c "cd '$work/rebar/esock' && rebar3 edoc && grep -q 'recv_some' doc/esock.html"

# Without cargo, or with an old one: one line that says what to do.
says() { # PATH, text
    (cd "$work/unbuilt" && PATH=$1 sh native/build.sh > "$work/said.txt" 2>&1)
    [ $? = 1 ] && [ "$(wc -l < "$work/said.txt")" = 1 ] && grep -q "$2" "$work/said.txt" || { cat "$work/said.txt"; false; }
}
fresh "$work/unbuilt"
mkdir -p "$work/none" "$work/old"
for tool in sh dirname sed cut sort head tail tr grep find mkdir cmp cp mv; do ln -s "$(command -v $tool)" "$work/none/$tool"; done
printf '#!/bin/sh\necho "cargo 1.65.0 (4bc8f24d3 2022-10-20)"\n' > "$work/old/cargo"
chmod +x "$work/old/cargo"
check "no cargo" says "$work/none" "1.91 or newer: please install it.*no cargo in PATH"
check "an old cargo" says "$work/old:$work/none" "1.91 or newer: please install it.*1.65.0"

# Cargo may be told to put its files elsewhere.
elsewhere() { # variables ...
    fresh "$work/elsewhere"
    (cd "$work/elsewhere" && env -u CARGO_TARGET_DIR "$@" sh native/build.sh) &&
        [ -s "$work/elsewhere/priv/esock_nif.so" ] && rm -rf "$work/elsewhere/priv/esock_nif.so"
}
host=$(rustc -vV | sed -n 's/^host: //p')
check "CARGO_BUILD_TARGET" elsewhere CARGO_BUILD_TARGET="$host" CARGO_TARGET_DIR="$work/t"
check "CARGO_BUILD_TARGET_DIR" elsewhere CARGO_BUILD_TARGET_DIR="$work/t" CARGO_BUILD_TARGET="$host"
check "a folder with blanks" elsewhere CARGO_TARGET_DIR="$work/a folder" CARGO_BUILD_TARGET="$host"

# Without Rust: a release for this machine, served as a project's page would, and the package as Hex has it, in programs that find
# no cargo.
quick() { # folder, of a copy of the repository
    fresh "$1"
    (cd "$1" && ESOCK_RELEASE=quick native/release.sh "$host" && ls _build/release/*"$host".so.tar.gz && [ -s checksum-esock.txt ])
}
package() { # folder: the files that esock.app.src names, and one that rebar3_hex adds
    mkdir -p "$1"
    (cd "$work/made" && erl -noshell -eval '{ok, [{_, _, App}]} = file:consult("erl_src/esock.app.src"),
        [io:put_chars([File, $\n]) || Name <- proplists:get_value(files, App), File <- filelib:wildcard(Name)], halt().' |
        xargs cp -r --parents -t "$1" && cp erl_src/esock.app.src "$1/src")
}
without() { # folder, output to find, command ...: in the folder, without cargo
    (cd "$1" && expected=$2 && shift 2 && PATH="$work/bin" "$@" > "$work/said.txt" 2>&1
        status=$?
        cat "$work/said.txt"
        grep -q "$expected" "$work/said.txt" && exit $status)
}
refused() { # folder, output to find: the hook says so and fails, and leaves nothing behind
    ! without "$1" "$2" sh native/build.sh && grep -q "$2" "$work/said.txt" &&
        grep -q "no cargo in PATH" "$work/said.txt" && [ ! -e "$1/priv/esock_nif.so" ]
}
by_cargo() { # folder, output to find: though there is a release
    (cd "$1" && sh native/build.sh > "$work/said.txt" 2>&1; cat "$work/said.txt"
        grep -q "$2" "$work/said.txt" && grep -q "cargo .* has built" "$work/said.txt")
}
mkdir -p "$work/bin"
echo "$PATH" | tr : '\n' | while read -r dir; do ln -s "$dir"/* "$work/bin" 2> /dev/null; done
rm -f "$work/bin/cargo" "$work/bin/rustc" "$work/bin/rustup"
check "release" quick "$work/made"
python3 -u -m http.server 0 --bind 127.0.0.1 --directory "$work/made/_build/release" > "$work/served.txt" 2>&1 &
server=$!
until grep -qs port "$work/served.txt" || ! kill -0 $server; do sleep 0.1; done
ESOCK_PREBUILT_URL=http://127.0.0.1:$(grep -oE 'port [0-9]+' "$work/served.txt" | cut -d ' ' -f 2)
export ESOCK_PREBUILT_URL XDG_CACHE_HOME="$work/cache"

package "$work/wrong"
sed -i 's/^......../00000000/' "$work/wrong/checksum-esock.txt"
check "a wrong checksum" refused "$work/wrong" "refuses $ESOCK_PREBUILT_URL.*checksum"
check "a wrong checksum, with cargo" by_cargo "$work/wrong" "refuses $ESOCK_PREBUILT_URL.*checksum"
app=$work/rebar/package
mkdir -p "$app/_checkouts"
cp -r "$work/rebar/checkouts/src" "$work/rebar/checkouts/rebar.config" "$app"
package "$app/_checkouts/esock"
check "rebar3, downloaded" without "$app" "is from $ESOCK_PREBUILT_URL" rebar3 compile
check "rebar3, downloaded, runs" sh -c "erl -noshell -pa '$app/_build/default/checkouts/esock/ebin' -eval '$runs' | grep works"
check "the library in priv" without "$app/_checkouts/esock" "uses priv/esock_nif.so, no source is newer" sh native/build.sh
kill $server
wait $server 2> /dev/null
if command -v mix > /dev/null; then
    package "$work/hex/esock"
    project "$work/hex/app" '{:esock, path: "../esock", manager: :rebar3}'
    check "mix, from the cache" without "$work/hex/app" "is from $work/cache/esock" mix test --no-color
fi
package "$work/spoilt"
for file in "$work"/cache/esock/*; do echo spoilt > "$file"; done
check "a spoilt cache" refused "$work/spoilt" "cannot download $ESOCK_PREBUILT_URL"
unset ESOCK_PREBUILT_URL
check "a git checkout with checksums" by_cargo "$work/made" "cargo builds the NIF"

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]

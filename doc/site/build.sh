#!/bin/sh
# `make docs`: writes the pages of README.md, doc/ and the API into a folder (default _build/docs) as HTML, and checks their links.
# EDoc makes the API's page, Python-Markdown the others. The NIF is not needed.
set -eu
cd "$(dirname "$0")/../.."
out=${1:-_build/docs}

# The first Python that has both; Debian's packages are for /usr/bin/python3.
python() {
    for candidate in python3 /usr/bin/python3; do
        if "$candidate" -c 'import markdown, pygments' 2> /dev/null; then
            echo "$candidate"
            return
        fi
    done
    return 1
}
if ! python > /dev/null; then
    if ! command -v apt-get > /dev/null; then
        echo "docs: please install Python-Markdown and Pygments" >&2
        exit 1
    fi
    if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
    echo "docs: installing python3-markdown and python3-pygments"
    $sudo apt-get update -q > /dev/null
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -q -y --no-install-recommends python3-markdown python3-pygments > /dev/null
fi
python=$(python)

rm -rf "$out"
mkdir -p "$out"
# An absolute path: EDoc resolves a relative one against each source's folder.
out=$(cd "$out" && pwd)
# The modules that a user calls or configures.
erl -noshell -eval "
    Sources = lists:append([filelib:wildcard(\"{src,erl_src}/\" ++ Module) || Module <- [\"esock.erl\", \"esock_app.erl\"]]),
    ok = edoc:files(Sources, [{dir, \"$out\"}, {preprocess, true}, {includes, [\"include\"]}]),
    halt()."
"$python" doc/site/site.py "$out"

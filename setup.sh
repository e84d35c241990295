#!/bin/sh
# Installs missing tools for building and testing esock, with apt (Debian and its derivatives). If nothing is missing it changes
# nothing. It may be run any number of times.
set -eu

missing=""
for tool in erl rebar3 mix cargo gcc curl python3 strace ip; do
    command -v "$tool" > /dev/null || missing="$missing $tool"
done
# Applications of Erlang that Debian has in separate packages. Without common_test no tests run, without proper no properties.
if command -v erl > /dev/null; then
    lacks=$(erl -noshell -eval '
        [io:put_chars([" ", atom_to_list(A)]) || A <- [common_test, eunit, ssl, tools, dialyzer, edoc, proper],
                                                 code:lib_dir(A) =:= {error, bad_name}],
        filelib:is_file(code:lib_dir(proper) ++ "/include/proper.hrl") orelse io:put_chars(" proper.hrl"), halt().' \
        2> /dev/null || echo " proper")
    missing="$missing$lacks"
fi
# Debian's python3 with Markdown, for the documentation as HTML.
! command -v apt-get > /dev/null || /usr/bin/python3 -c "import markdown, pygments" 2> /dev/null || missing="$missing markdown"
[ -n "$missing" ] || exit 0

if ! command -v apt-get > /dev/null; then
    echo "setup: please install:$missing" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then sudo=""; else sudo="sudo"; fi
case " $missing " in *" cargo "*) echo "setup: please install Rust (cargo 1.91 or newer)" >&2; exit 1 ;; esac
echo "setup: installing for:$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q > /dev/null
$sudo apt-get install -q -y --no-install-recommends \
    erlang-base erlang-dev erlang-common-test erlang-eunit erlang-ssl erlang-tools erlang-dialyzer erlang-edoc \
    erlang-proper erlang-proper-dev elixir rebar3 curl gcc python3 python3-markdown python3-pygments strace iproute2 > /dev/null

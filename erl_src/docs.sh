#!/bin/sh
# Documentation for the shell's `h(esock)`: chunks beside the compiled code. Where edoc is not installed there is none.
set -u
cd "$(dirname "$0")/.."
for dir in "${REBAR_BUILD_DIR:-_build/default}"/*/esock; do
    [ -d "$dir/ebin" ] || continue
    chunk=$dir/doc/chunks/esock.chunk
    [ ! -e "$chunk" ] || [ -n "$(find erl_src -name '*.erl' -newer "$chunk")" ] || continue
    erl -noshell -eval "
        case code:lib_dir(edoc) of
            {error, _} -> ok;
            _ -> edoc:files([\"erl_src/esock.erl\"], [{doclet, edoc_doclet_chunks}, {layout, edoc_layout_chunks},
                                                     {preprocess, true}, {dir, \"$dir/doc\"}])
        end, halt()." > /dev/null 2>&1
done
exit 0

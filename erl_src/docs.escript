#!/usr/bin/env escript
%% Documentation for the shell's `h(esock)': a chunk beside the compiled code, of what is exported. Where edoc is not installed there
%% is none. The hook of rebar.config; Mix says where the code goes by a variable of its own.
main([]) ->
    Builds = case os:getenv("REBAR_BARE_COMPILER_OUTPUT_DIR") of
                 false -> filelib:wildcard(filename:join(os:getenv("REBAR_BUILD_DIR", "_build/default"), "*/esock"));
                 Dir -> [Dir]
             end,
    Edoc = code:lib_dir(edoc),
    [write(Dir) || is_list(Edoc), Dir <- Builds, filelib:is_dir(filename:join(Dir, "ebin")), old(chunk(Dir))].

chunk(Dir) -> filename:join(Dir, "doc/chunks/esock.chunk").

old(Chunk) ->
    lists:any(fun(Source) -> filelib:last_modified(Source) >= filelib:last_modified(Chunk) end, ["erl_src/esock.erl"]).

write(Dir) ->
    ok = edoc:files(["erl_src/esock.erl"], [{doclet, edoc_doclet_chunks}, {layout, edoc_layout_chunks}, {preprocess, true},
                                            {dir, filename:join(Dir, "doc")}]),
    {ok, Bytes} = file:read_file(chunk(Dir)),
    Chunk = binary_to_term(Bytes),
    {ok, Forms} = epp:parse_file("erl_src/esock.erl", []),
    Exported = [{Kind, Name, Arity} || {attribute, _, Attribute, Names} <- Forms,
                                       {Kind, A} <- [{function, export}, {type, export_type}], A =:= Attribute,
                                       {Name, Arity} <- Names],
    Docs = [Doc || Doc <- element(7, Chunk), lists:member(element(1, Doc), Exported)],
    ok = file:write_file(chunk(Dir), term_to_binary(setelement(7, Chunk, Docs), [compressed])).

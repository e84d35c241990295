#!/usr/bin/env escript
%% Writes the documentation for `h(esock)' of the shell: a chunk beside the compiled code, with the exported functions and
%% types. Without EDoc it writes nothing. rebar.config runs it after the compilation. Mix names the output directory by an
%% environment variable.
main([]) ->
    Builds = case os:getenv("REBAR_BARE_COMPILER_OUTPUT_DIR") of
                 false -> filelib:wildcard(filename:join(os:getenv("REBAR_BUILD_DIR", "_build/default"), "*/esock"));
                 Dir -> [Dir]
             end,
    Edoc = code:lib_dir(edoc),
    [write(Dir) || is_list(Edoc), Dir <- Builds, filelib:is_dir(filename:join(Dir, "ebin")), outdated(chunk(Dir))].

chunk(Dir) -> filename:join(Dir, "doc/chunks/esock.chunk").

outdated(Chunk) ->
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

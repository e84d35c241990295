#!/usr/bin/env escript
%% Puts the library of a release into priv/: `prebuilt.escript Checksums Url'. It comes from the cache, else from the folder
%% at Url. The file Checksums names the library for each target and its checksum; nothing else is accepted. Needs only Erlang,
%% which every machine that compiles esock has.

main([Checksums, Url]) ->
    try
        {Name, Sum} = find(Checksums),
        Cached = filename:join(filename:basedir(user_cache, "esock"), Name),
        {Bytes, From} = case file:read_file(Cached) of
                            {ok, Kept} -> case sum(Kept) of Sum -> {Kept, Cached}; _ -> download(Url, Name, Sum, Cached) end;
                            {error, _} -> download(Url, Name, Sum, Cached)
                        end,
        {ok, [{_, So}]} = erl_tar:extract({binary, Bytes}, [compressed, memory]),
        ok =:= replace("priv/esock_nif.so", So) orelse throw({"priv/esock_nif.so cannot be written", []}),
        io:format("esock: priv/esock_nif.so is from ~ts~n", [From])
    catch
        throw:{Format, Args} -> fail(Format, Args);
        _:Reason -> fail("no library of a release: ~0p", [Reason])
    end.

fail(Format, Args) ->
    io:format(standard_error, "esock: " ++ Format ++ "~n", Args),
    halt(1).

find(Checksums) ->
    {ok, [{application, esock, App}]} = file:consult("erl_src/esock.app.src"),
    Begin = "libesock_nif-v" ++ proplists:get_value(vsn, App) ++ "-nif-",
    End = "-" ++ target() ++ ".so.tar.gz",
    {ok, Text} = file:read_file(Checksums),
    case [{Name, Sum} || Line <- string:lexemes(binary_to_list(Text), "\n"), [Sum, Name] <- [string:lexemes(Line, " *")],
                         lists:prefix(Begin, Name), lists:suffix(End, Name)] of
        [Found | _] -> Found;
        [] -> throw({"~ts names no ~ts*~ts", [Checksums, Begin, End]})
    end.

%% As Rust names it.
target() ->
    Words = string:lexemes(erlang:system_info(system_architecture), "-"),
    Linux = case lists:member("linux", Words) of true -> "-unknown-linux-"; false -> "-" end,
    os:getenv("CARGO_BUILD_TARGET", hd(Words) ++ Linux ++ lists:last(Words)).

sum(Bytes) -> lists:flatten([io_lib:format("~2.16.0b", [Byte]) || <<Byte>> <= crypto:hash(sha256, Bytes)]).

download("", Name, _Sum, Cached) ->
    throw({"~ts is not in ~ts, and ESOCK_PREBUILT_URL is not set", [Name, filename:dirname(Cached)]});
download(Folder, Name, Sum, Cached) ->
    Url = Folder ++ "/" ++ Name,
    {ok, _} = application:ensure_all_started(inets),
    proxies(),
    Options = [{connect_timeout, 10_000}, {timeout, 120_000}, {autoredirect, true} | tls(Url)],
    case httpc:request(get, {Url, []}, Options, [{body_format, binary}]) of
        {ok, {{_, 200, _}, _, Bytes}} ->
            sum(Bytes) =:= Sum orelse throw({"refuses ~ts: its checksum is ~ts, not ~ts", [Url, sum(Bytes), Sum]}),
            %% Best effort: without a cache the next install downloads again.
            _ = replace(Cached, Bytes),
            {Bytes, Url};
        {ok, {{_, Status, Reason}, _, _}} ->
            throw({"cannot download ~ts: ~b ~ts", [Url, Status, Reason]});
        {error, Reason} ->
            throw({"cannot download ~ts: ~0p", [Url, Reason]})
    end.

tls("https:" ++ _) ->
    {ok, _} = application:ensure_all_started(ssl),
    Certificates = try public_key:cacerts_get()
                   catch _:_ -> throw({"cannot download: the system has no certificates (package ca-certificates)", []})
                   end,
    [{ssl, [{log_level, error}, {verify, verify_peer}, {cacerts, Certificates},
            {customize_hostname_check, [{match_fun, public_key:pkix_verify_hostname_match_fun(https)}]}]}];
tls(_) ->
    %% By default httpc reads the system's certificates for http too, and fails without any.
    [{ssl, []}].

proxies() ->
    Set = fun(Names) -> [Value || Name <- Names, Value <- [os:getenv(Name, "")], Value =/= ""] end,
    Not = string:lexemes(lists:append(lists:join(",", Set(["no_proxy", "NO_PROXY"]))), ", "),
    [ok = httpc:set_options([{Option, {{Host, Port}, Not}}])
     || {Option, Names} <- [{proxy, ["http_proxy", "HTTP_PROXY"]}, {https_proxy, ["https_proxy", "HTTPS_PROXY"]}],
        Proxy <- lists:sublist(Set(Names), 1), #{host := Host, port := Port} <- [uri_string:parse(Proxy)]].

%% A file that others read, or have loaded, is never half there.
replace(File, Bytes) ->
    New = File ++ "." ++ os:getpid(),
    case filelib:ensure_dir(File) =:= ok andalso file:write_file(New, Bytes) =:= ok andalso file:rename(New, File) =:= ok of
        true -> ok;
        false -> file:delete(New), error
    end.

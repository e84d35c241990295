%% What others say about bytes: Python's struct and socket, and a C compiler with the headers of Linux.
-module(esock_oracle).

-export([python/3, c/3]).

%% The output of a script, or a skip where there is no Python.
python(Config, Script, Fun) ->
    case os:find_executable("python3") of
        false -> {skip, no_python3};
        _ -> Fun(list_to_binary(os:cmd("python3 " ++ file(Config, ".py", Script))))
    end.

%% The output of a C program, or a skip where it does not compile: there are no headers.
c(Config, Program, Fun) ->
    File = file(Config, ".c", Program),
    case os:find_executable("cc") of
        false -> {skip, no_cc};
        _ ->
            case os:cmd("cc -w -o " ++ File ++ ".out " ++ File) of
                "" -> Fun(list_to_binary(os:cmd(File ++ ".out")));
                Why -> {skip, Why}
            end
    end.

file(Config, Ending, Text) ->
    Name = "oracle" ++ integer_to_list(erlang:unique_integer([positive])) ++ Ending,
    File = filename:join(proplists:get_value(priv_dir, Config), Name),
    ok = file:write_file(File, Text),
    File.

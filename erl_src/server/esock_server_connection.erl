%% @private
%% @doc The process of a connection.
%%
%% It is a module of its own so that an upgrade that changes the acceptors does not purge the code to which a handler returns.
-module(esock_server_connection).

-export([start/3, init/2]).

%% @doc Starts the process of a connection of the caller, linked to it, and gives it the socket. A socket that has closed meanwhile is
%% not served.
-spec start(esock_server:handler(), esock_server:connection(), [term()]) -> pid().
start(Handler, {esock_server, Socket, _} = Connection, Options) ->
    Pid = proc_lib:spawn_opt(?MODULE, init, [Handler, Connection], [link | Options]),
    What = case esock:setopt(Socket, {otp, controlling_process}, Pid) of
               ok -> go;
               {error, _} -> _ = esock:close(Socket), stop
           end,
    Pid ! {'$esock_server', Socket, What},
    Pid.

%% @doc Runs the handler when the socket belongs to the process. After it has returned the socket is closed, unless it belongs to
%% another process by then: that costs less than to leave it to the end of the process.
-spec init(esock_server:handler(), esock_server:connection()) -> term().
init(Handler, {esock_server, Socket, _} = Connection) ->
    case receive {'$esock_server', Socket, What} -> What end of
        go ->
            _ = case Handler of
                    {M, F, A} -> apply(M, F, [Connection | A]);
                    Fun -> Fun(Connection)
                end,
            _ = esock:getopt(Socket, {otp, controlling_process}) =:= {ok, self()} andalso esock:close(Socket);
        stop -> ok
    end.

%% send_fds and recv_fds of Python's documentation of `socket' (sendmsg, recvmsg): open files go to another process over a Unix socket.
-module(pass_fds).
-export([send_fds/3, recv_fds/3]).

send_fds(S, Data, Fds) ->
    Rights = << <<Fd:32/native>> || Fd <- Fds >>,
    esock:sendmsg(S, #{iov => [iolist_to_binary(Data)], ctrl => [#{level => socket, type => rights, data => Rights}]}).

%% At most `Size' bytes and `Max' descriptors, which belong to the caller: esock:open(Fd, #{dup => false, own => true}) of a socket.
recv_fds(S, Size, Max) ->
    %% A control message has a header of 16 bytes, cmsg(3).
    case esock:recvmsg(S, Size, 16 + 4 * Max, [], infinity) of
        {ok, #{iov := Data, ctrl := Ctrl}} ->
            Rights = [Bytes || #{level := socket, type := rights, data := Bytes} <- Ctrl],
            {ok, iolist_to_binary(Data), [Fd || <<Fd:32/native>> <= iolist_to_binary(Rights)]};
        Error -> Error
    end.

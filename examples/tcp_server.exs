# Ruby's Socket.tcp_server_loop in Elixir: answers lines in capitals, each connection in a process of its own.
# elixir -pa PATH/esock/ebin tcp_server.exs
defmodule TcpServer do
  def loop(listener) do
    {:ok, socket} = :esock.accept(listener)
    pid = spawn(fn -> receive do: (:yours -> serve(socket)) end)
    :ok = :esock.setopt(socket, {:otp, :controlling_process}, pid)
    send(pid, :yours)
    loop(listener)
  end

  defp serve(socket) do
    {:ok, reader} = :esock_io.new(socket, %{eol: :any})
    lines(reader)
  end

  defp lines(reader) do
    case :esock_io.readline(reader) do
      {:ok, line, reader} ->
        :ok = :esock_io.write(reader, [String.upcase(line), "\n"])
        lines(reader)
      _ -> :esock.close(:esock_io.socket(reader))
    end
  end
end

{:ok, listener} = :esock.open(:inet, :stream, :tcp)
:ok = :esock.bind(listener, %{family: :inet, addr: :loopback})
:ok = :esock.listen(listener, 128)
{:ok, %{port: port}} = :esock.sockname(listener)
IO.puts(port)
TcpServer.loop(listener)

# Ruby's Socket.udp_server_loop in Elixir: answers datagrams in capitals until it gets "stop".
# elixir -pa PATH/esock/ebin udp_server.exs
defmodule UdpServer do
  def loop(socket) do
    case :esock.recvfrom(socket) do
      {:ok, {from, "stop"}} -> :esock.sendto(socket, "stopped", from)
      {:ok, {from, data}} ->
        :ok = :esock.sendto(socket, String.upcase(data), from)
        loop(socket)
    end
  end
end

{:ok, socket} = :esock.open(:inet, :dgram, :udp)
:ok = :esock.bind(socket, %{family: :inet, addr: :loopback})
{:ok, %{port: port}} = :esock.sockname(socket)
IO.puts(port)
UdpServer.loop(socket)

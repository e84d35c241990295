defmodule EchoTest do
  use ExUnit.Case

  test "what is sent comes back, on many connections at once" do
    {:ok, server} = Echo.start_link()
    port = Echo.port(server)

    clients =
      for n <- 1..50 do
        Task.async(fn ->
          {:ok, socket} = :esock.open(:inet, :stream, :tcp)
          :ok = :esock.connect(socket, %{family: :inet, addr: :loopback, port: port})
          text = String.duplicate("hello #{n} ", 100)
          :ok = :esock.send(socket, text)
          {:ok, ^text} = :esock.recv(socket, byte_size(text), 5000)
          :esock.close(socket)
        end)
      end

    assert Enum.all?(Task.await_many(clients), &(&1 == :ok))
  end
end

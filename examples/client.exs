# The echo client of Python's documentation of `socket' in Elixir: sends lines, and prints the answers.
# elixir -pa PATH/esock/ebin client.exs PORT LINE...
[port | lines] = System.argv()
{:ok, socket} = :esock.open(:inet, :stream, :tcp)
:ok = :esock.connect(socket, %{family: :inet, addr: :loopback, port: String.to_integer(port)}, 5000)
{:ok, reader} = :esock_io.new(socket)
:ok = :esock_io.write(reader, Enum.map(lines, &[&1, "\n"]))
:ok = :esock.shutdown(socket, :write)

Enum.reduce(lines, reader, fn _, reader ->
  {:ok, line, reader} = :esock_io.readline(reader, 5000)
  IO.puts(line)
  reader
end)

:ok = :esock.close(socket)

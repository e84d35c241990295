defmodule Echo do
  @moduledoc "An echo server in one GenServer: each socket's messages come to `handle_info/2`."
  use GenServer

  def start_link(options \\ []), do: GenServer.start_link(__MODULE__, options)
  def port(server), do: GenServer.call(server, :port)

  @impl true
  def init(_options) do
    {:ok, listener} = :esock.open(:inet, :stream, :tcp)
    :ok = :esock.bind(listener, %{family: :inet, addr: :loopback, port: 0})
    :ok = :esock.listen(listener, 128)
    {:ok, listener, {:continue, :accept}}
  end

  @impl true
  def handle_continue(:accept, listener), do: {:noreply, accept(listener)}

  @impl true
  def handle_call(:port, _from, listener) do
    {:ok, %{port: port}} = :esock.sockname(listener)
    {:reply, port, listener}
  end

  @impl true
  def handle_info({:"$socket", listener, :select, _handle}, listener), do: {:noreply, accept(listener)}

  def handle_info({:"$socket", socket, :select, _handle}, listener) do
    echo(socket)
    {:noreply, listener}
  end

  def handle_info({:"$socket", _socket, :abort, _info}, listener), do: {:noreply, listener}

  defp accept(listener) do
    case :esock.accept(listener, :nowait) do
      {:ok, socket} ->
        echo(socket)
        accept(listener)

      {:select, _info} ->
        listener
    end
  end

  defp echo(socket) do
    case :esock.recv(socket, 0, :nowait) do
      {:ok, data} ->
        :ok = :esock.send(socket, data)
        echo(socket)

      {:select, _info} ->
        :ok

      {:error, _reason} ->
        :esock.close(socket)
    end
  end
end

defmodule MixEcho.MixProject do
  use Mix.Project

  def project do
    [app: :mix_echo, version: "0.1.0", elixir: "~> 1.14", deps: [{:esock, path: "../..", manager: :rebar3}]]
  end

  def application, do: [extra_applications: [:logger]]
end

%% @doc Socket addresses: pure functions, without a socket.
-module(esock_addr).

-export([pack/1, unpack/1, unpack/2]).

%% @doc The bytes of the `struct sockaddr' of an address, as bind(2) takes them.
%%
%% An error names the key whose value is wrong, `{invalid, {sockaddr, Key, Address}}', or keys that the family does not
%% have, `{invalid, {sockaddr, {keys, Keys}, Address}}'. A term that is no map raises `{invalid, {sockaddr, Term}}'.
%% ```
%% {ok, <<2:16/native, 80:16, 127, 0, 0, 1, 0:64>>} =
%%     esock_addr:pack(#{family => inet, addr => loopback, port => 80}).
%% '''
-spec pack(esock:sockaddr()) -> {ok, binary()} | {error, {invalid, term()}}.
pack(Address) -> esock_nif:pack(Address).

%% @doc As {@link unpack/2} for a family whose addresses have one form.
-spec unpack(binary()) -> esock:sockaddr().
unpack(Bytes) -> unpack(Bytes, 0).

%% @doc The address in the bytes of a `struct sockaddr'. Addresses of `can' and `bluetooth' have a form for each protocol:
%% `Protocol' is its number, 0 for the plain one. Bytes that are no address of their family are answered as
%% `#{family => Family, addr => Bytes}'. Raises `badarg' for more than 128 bytes.
%% ```
%% #{family := vsock, cid := host, port := 1024} =
%%     esock_addr:unpack(<<40:16/native, 0:16, 1024:32/native, 2:32/native, 0:32>>).
%% '''
-spec unpack(binary(), Protocol :: integer()) -> esock:sockaddr().
unpack(Bytes, Protocol) -> esock_nif:unpack(Bytes, Protocol).

%% @doc Outgoing connections: from a name or addresses to a connected socket, within one deadline.
%%
%% {@link connect/3} asks the resolver, attempts the addresses and, if nothing listens there yet, tries again. By default the
%% attempts of a round overlap as "Happy Eyeballs" of RFC 8305 describes:
%% <ul>
%% <li>the queries for IPv6 and IPv4 start together, and the first answer starts the first attempt. An answer about the family
%% that is not preferred waits 50 ms (`resolution_delay') for the other answer;</li>
%% <li>the attempts alternate between the families. The next attempt starts 250 ms (`attempt_delay') after the last one, or as
%% soon as an attempt fails;</li>
%% <li>the first connection wins. All other attempts are closed at once.</li>
%% </ul>
%% With `race => false' one attempt follows another, and all addresses of the preferred family go first.
%%
%% == Rounds ==
%%
%% A round ends when no address is left. If one of its failures is in `retry_on', the dial pauses for the time of `backoff' and
%% starts the next round, which asks the resolver again. Otherwise it fails. The defaults are those of c10d of PyTorch: a dial
%% tries again each second for 30 seconds after `econnrefused', `econnreset', `etimedout' or an error of the resolver. A client
%% that needs an answer at once has `retry_on => []'.
%%
%% The deadline (`timeout') covers the resolver, all attempts and all rounds. If a pause would reach it, the dial fails at once.
%%
%% == Processes ==
%%
%% The calling process owns the sockets of all attempts. Nothing is left behind by the end of a dial, whether it succeeds, fails or is
%% cancelled, or the calling process dies: no socket, process, monitor or message. While a name is resolved, one process for each query
%% calls the resolver, and one more ends these with the dial. Addresses need no process.
%%
%% == Examples ==
%%
%% In the examples `Port' is the port of a listening socket on loopback.
%% ```
%% {ok, S} = esock_dial:connect("localhost", Port),
%% ok = esock:send(S, "hello"),
%% ok = esock:close(S).
%% '''
%% One attempt for each address, one after the other, each for at most a second:
%% ```
%% {ok, S} = esock_dial:connect([{127, 0, 0, 1}, {0, 0, 0, 0, 0, 0, 0, 1}], Port,
%%                              #{race => false, family => inet_first, attempt_timeout => 1000, retry_on => []}),
%% ok = esock:close(S).
%% '''
-module(esock_dial).

-export([connect/2, connect/3, connect_unix/1, connect_unix/2]).
-export([with_connection/4, cancel/1]).
-export([backoff_new/1, backoff_next/2, backoff_reset/1]).
-export([format_error/1]).

-export_type([host/0, peer/0, host_name/0, address/0, options/0, family/0, query/0, resolver/0, backoff/0, own_backoff/0, backoff_state/0]).
-export_type([source/0, event/0, dial_error/0, completion_info/0]).

-type host() :: host_name() | atom() | binary() | address() | [address()].
%% Where to: a name, an address as text, an address, or several addresses. A list of addresses is not sorted within a family.
%% Examples: `"localhost"', `"fe80::1%eth0"', `{127, 0, 0, 1}'.

-type peer() :: host() | {unix, binary() | string()}.
%% The host of a dial, or the path of {@link connect_unix/2}, in results and events. Example: `{unix, "/tmp/echo"}'.

-type host_name() :: string().
%% A name, or an address as text. Example: `"www.example.org"'.

-type address() :: inet:ip_address() | esock:sockaddr().
%% An address. The port of a map has precedence over the argument. Example: `#{family => inet, addr => loopback, port => 80}'.

-type family() :: inet6_first | inet_first | inet6 | inet | any.
%% Which family is preferred, or the only one. `any': one query for both, and the order of its answer. Example: `inet_first'.

-type query() :: inet | inet6 | any.
%% What a resolver is asked for. It is `any' only with `family => any'. Example: `inet'.

-type resolver() :: fun((host_name(), query()) -> {ok, [address()]} | {error, term()}).
%% A resolver. It runs in a process of its own, and may block. Example: `fun(_, _) -> {ok, [{127, 0, 0, 1}]} end'.

-type backoff() ::
        {fixed, Ms :: non_neg_integer()} |
        {exponential, #{initial => pos_integer(), multiplier => number(), jitter => number(), max => pos_integer(), seed => integer()}} |
        own_backoff().
%% The pauses between rounds, in milliseconds. `exponential' begins with `initial' (default 500) and multiplies by `multiplier' (at least
%% 1, default 1.5) up to `max' (60000). A pause is a random number between (1 - `jitter') and (1 + `jitter') times that (0 to below 1,
%% default 0.5): it may exceed `max'. A `seed' makes the pauses reproducible. Example: `{exponential, #{initial => 100, max => 5000}}'.

-type own_backoff() :: fun((N :: pos_integer(), Reason :: term()) -> Ms :: non_neg_integer() | stop).
%% The pause after the round `N', which ended with the failure `Reason'. `stop' ends the dial. Example: `fun(N, _) -> 100 * N end'.

-type backoff_state() :: esock_dial_backoff:state().
%% A backoff and where it is: {@link backoff_new/1} makes it.

-type source() :: address() | string() | binary() | {address() | string() | binary(), esock:port_number()}.
%% A local address, with port 0 (the system chooses) if none is given. Examples: `{10, 0, 0, 1}', `{"10.0.0.1", 4000}'.

-type options() ::
        #{timeout => timeout(), attempt_timeout => timeout(), resolve_timeout => timeout(), family => family(), race => boolean(),
          attempt_delay => pos_integer(), resolution_delay => non_neg_integer(),
          retry_on => [atom()] | fun((term()) -> boolean()), backoff => backoff(), resolver => resolver(),
          source => undefined | source() | [source()], nodelay => boolean(),
          keepalive => boolean() | #{idle => pos_integer(), interval => pos_integer(), count => pos_integer()},
          options => [{esock:socket_option() | {otp, esock:otp_socket_option()}, term()}], open => map(),
          type => stream | seqpacket, on_event => undefined | fun((event()) -> term()), nowait => boolean() | reference()}.
%% How to dial; {@link connect/3} has the meanings. Example: `#{timeout => 5000, retry_on => []}'.

-type event() ::
        #{event := resolving | resolved | unresolved | connecting | connected | failed | retrying | gave_up, host := peer(),
          port := esock:port_number() | undefined, elapsed := non_neg_integer(), queries => [query()], query => query(),
          addresses => [esock:sockaddr()], address => esock:sockaddr(), reason => term(), ms => non_neg_integer(),
          round => pos_integer(), delay => non_neg_integer(), attempts => non_neg_integer()}.
%% What a dial does, for logs and metrics. `elapsed' and `ms' are milliseconds: since the dial began, and of the query or the attempt.
%% `delay' is the pause before the next round. Example: `#{event => retrying, host => "db", port => 5432, elapsed => 3,
%% round => 1, reason => econnrefused, delay => 1000}'.

-type dial_error() ::
        {dial_failed, #{host := peer(), port := esock:port_number() | undefined, reason := failed | timeout | stopped,
                        elapsed := non_neg_integer(), omitted := non_neg_integer(),
                        attempts := [{esock:sockaddr() | resolve, Reason :: term(), Ms :: non_neg_integer()}]}} |
        {raised, term()} | esock:posix() | closed.
%% Why a dial failed. `reason': `failed' (no address was left, and no failure is in `retry_on'), `timeout' (the deadline has come, or
%% the next round would begin after it), `stopped' (the own backoff says so). `elapsed': the milliseconds of the whole dial. `attempts':
%% the last 100 failures in their order, with the milliseconds of each; `resolve' is a query. `omitted': how many failures came before
%% these. With `nowait' also `{raised, Reason}' if a function of the options raised, or the error of giving the socket away. Example:
%% `{dial_failed, #{host => {127, 0, 0, 1}, port => 1, reason => failed, elapsed => 0, omitted => 0,
%% attempts => [{#{family => inet, addr => {127, 0, 0, 1}, port => 1}, econnrefused, 0}]}}'.

-type completion_info() :: {completion_info, {dial, pid()}, reference()}.
%% A dial under way, of the option `nowait': {@link cancel/1} takes it. The reference is in the message.

-define(RETRY, [econnrefused, econnreset, etimedout, gai]).
%% A full backlog of a Unix socket is no error that stays.
-define(RETRY_UNIX, [econnrefused, econnreset, etimedout, eagain]).

%% @equiv connect(Host, Port, #{})
-spec connect(host(), esock:port_number() | atom() | string() | binary()) ->
          {ok, esock:socket()} | {error, dial_error() | esock:invalid()}.
connect(Host, Port) ->
    case connect(Host, Port, #{}) of
        {completion, _} -> erlang:error(badarg, [Host, Port]);
        Result -> Result
    end.

%% @doc Connects to a host: a name, an address as text, an address, or a list of addresses. `Port' is a number, or the name of a
%% service of TCP such as `"http"', services(5).
%%
%% Options, with times in milliseconds:
%% <ul>
%% <li>`timeout' (30000): the deadline of the whole dial; `infinity' is none. With 0 only what connects at once succeeds;</li>
%% <li>`attempt_timeout', `resolve_timeout' (`infinity'): the time of one attempt and of one query. Then its reason is `timeout';</li>
%% <li>`family' (`inet6_first'), `race' (`true'), `attempt_delay' (250, at least 10), `resolution_delay' (50): the order of the attempts,
%% see above;</li>
%% <li>`retry_on': the reasons for another round, as a list or a function. In a list `gai' stands for all errors of the resolver, which
%% count if no address was found, and `etimedout' for `timeout' too. A function takes a reason, or `{gai, Reason}';</li>
%% <li>`backoff' (`{fixed, 1000}'): the pauses between rounds;</li>
%% <li>`resolver' (inet:getaddrs/2): a function that resolves names;</li>
%% <li>`source': the local address, or one for each family. An address without one of its family fails with `no_local_address'. If the
%% source has no port, connections to several peers can share one (IP_BIND_ADDRESS_NO_PORT, ip(7)). It is no name: resolve a name first;</li>
%% <li>`nodelay' (`true'): TCP_NODELAY, tcp(7). An error of it is ignored;</li>
%% <li>`keepalive' (`false'): SO_KEEPALIVE; a map has its times in seconds, and the number of probes;</li>
%% <li>`options' (`[]'): socket options, set in this order before the connect. Those of the levels `ip' and `ipv6' are set on sockets of
%% that family only. An error ends the attempt;</li>
%% <li>`open' (`#{}'): the options of {@link esock:open/4}, such as `netns' and `io_backend';</li>
%% <li>`on_event': a function that is called with each {@link event()}, in the process that dials;</li>
%% <li>`nowait' (`false'): with `true' or a reference the call returns at once.</li>
%% </ul>
%% Returns
%% <ul>
%% <li>`{ok, Socket}'. The calling process owns it;</li>
%% <li>`{completion, {completion_info, {dial, Pid}, Ref}}' with `nowait': a process dials, and then the calling process receives the
%% message ``{'$esock_dial', Ref, {ok, Socket} | {error, Reason}}'' and owns the socket. It gets exactly one message, or none after
%% {@link cancel/1}. `Ref' is the reference of the option. If another process kills `Pid', no message comes;</li>
%% <li>`{error, {dial_failed, Info}}': {@link dial_error()};</li>
%% <li>`{error, {invalid, {option, Key}}}': an unknown option; `{error, {invalid, {option, Key, Value}}}': a wrong value;
%% `{error, {invalid, {service | port, Port}}}': an unknown service, or a number that is no port.</li>
%% </ul>
%% A host or a port of a wrong type raises `badarg'. If a function of the options raises, the dial ends and the exception goes on; of a
%% resolver it is an error `{exit, Reason}' of the query. When a dial pauses, the node logs a warning that the peer has no listener
%% yet, at most once in 30 seconds for all dials.
%% ```
%% {completion, {completion_info, _, Ref} = Info} = esock_dial:connect("localhost", Port, #{nowait => true}),
%% receive {'$esock_dial', Ref, {ok, S}} -> esock:close(S) after 5000 -> esock_dial:cancel(Info) end.
%% '''
%% ```
%% {ok, L} = esock:open(inet, stream, tcp),
%% ok = esock:bind(L, loopback),
%% {ok, #{port := Closed}} = esock:sockname(L),
%% {error, {dial_failed, #{reason := failed, attempts := [{#{port := Closed}, econnrefused, _}]}}} =
%%     esock_dial:connect({127, 0, 0, 1}, Closed, #{retry_on => []}).
%% '''
-spec connect(host(), esock:port_number() | atom() | string() | binary(), options()) ->
          {ok, esock:socket()} | {completion, completion_info()} | {error, dial_error() | esock:invalid()}.
connect(Host, Service, Opts) when is_map(Opts) ->
    case esock_dial_target:port(Service) of
        {ok, Port} -> to_host(Host, Port, esock_dial_options:parse(Opts, ?RETRY), [Host, Service, Opts]);
        error -> erlang:error(badarg, [Host, Service, Opts]);
        Error -> Error
    end;
connect(Host, Service, Opts) ->
    erlang:error(badarg, [Host, Service, Opts]).

to_host(Host, Port, {ok, #{family := Family} = Config}, Args) ->
    case esock_dial_target:target(Host, Port, Family) of
        {ok, {Name, Target}} -> dial(#{host => Host, name => Name, port => Port, config => Config#{target => Target}});
        error -> erlang:error(badarg, Args)
    end;
to_host(_, _, Error, _) -> Error.

%% @equiv connect_unix(Path, #{})
-spec connect_unix(binary() | string()) -> {ok, esock:socket()} | {error, dial_error() | esock:invalid()}.
connect_unix(Path) ->
    case connect_unix(Path, #{}) of
        {completion, _} -> erlang:error(badarg, [Path]);
        Result -> Result
    end.

%% @doc Connects to a Unix socket, unix(7). A path that begins with a NUL byte is an abstract name.
%%
%% Options and returned values are those of {@link connect/3}; `port' is `undefined' in results and events, and the host
%% `{unix, Path}'. The option `type' (`stream') may be `seqpacket'. By default the dial tries again after `econnrefused', `econnreset',
%% `etimedout' and `eagain' (the backlog of the listener is full), but not after `enoent'.
%% ```
%% {error, {dial_failed, #{attempts := [{#{path := _}, enoent, _}]}}} = esock_dial:connect_unix("/nosuch/socket").
%% '''
-spec connect_unix(binary() | string(), options()) ->
          {ok, esock:socket()} | {completion, completion_info()} | {error, dial_error() | esock:invalid()}.
connect_unix(Path, Opts) when is_map(Opts), is_binary(Path) orelse is_list(Path) ->
    case esock_dial_options:parse(Opts, ?RETRY_UNIX) of
        {ok, Config} ->
            Target = {addresses, [#{family => local, path => Path}]},
            dial(#{host => {unix, Path}, name => [], port => undefined, config => Config#{target => Target}});
        Error -> Error
    end;
connect_unix(Path, Opts) ->
    erlang:error(badarg, [Path, Opts]).

dial(#{config := #{nowait := false} = Config} = Job) ->
    Observed = observed(Job, Config),
    esock_wait:many(fun(Handle) -> esock_dial_run:start(Observed, Handle) end, fun esock_dial_run:next/2);
dial(#{config := #{nowait := Nowait} = Config} = Job) ->
    Ref = case Nowait of true -> make_ref(); _ -> Nowait end,
    {ok, Pid} = esock_dial_server:start(observed(Job, Config), self(), Ref),
    {completion, {completion_info, {dial, Pid}, Ref}}.

observed(Job, #{on_event := undefined}) -> Job;
observed(Job, Config) -> Job#{config := Config#{observed := true}}.

%% @doc Connects, calls `Fun' with the socket, and closes it, also if `Fun' raises. Returns `{ok, Result}' with what `Fun' returns, or the
%% error of {@link connect/3}. `Opts' are those of {@link connect/3} without `nowait', which raises `badarg'.
%% ```
%% {ok, ok} = esock_dial:with_connection("localhost", Port, #{}, fun(S) -> esock:send(S, "hello") end).
%% '''
-spec with_connection(host(), esock:port_number() | atom() | string() | binary(), options(), fun((esock:socket()) -> Result)) ->
          {ok, Result} | {error, dial_error() | esock:invalid()}.
with_connection(Host, Port, Opts, Fun) when is_map(Opts), not is_map_key(nowait, Opts), is_function(Fun, 1) ->
    case connect(Host, Port, Opts) of
        {ok, Socket} -> try {ok, Fun(Socket)} after esock:close(Socket) end;
        {error, _} = Error -> Error
    end;
with_connection(Host, Port, Opts, Fun) ->
    erlang:error(badarg, [Host, Port, Opts, Fun]).

%% @doc Ends a dial of the option `nowait'. Only the process that began it may call this.
%%
%% After `ok' no message follows, and none is left: if the message has been sent, it is taken out of the inbox, and its socket closed.
%% `{error, {invalid, Info}}': this process has no such dial, or has received its message.
%% ```
%% {completion, Info} = esock_dial:connect("localhost", Port, #{nowait => true}),
%% ok = esock_dial:cancel(Info),
%% {error, {invalid, Info}} = esock_dial:cancel(Info).
%% '''
-spec cancel(completion_info()) -> ok | {error, esock:invalid()}.
cancel({completion_info, {dial, Pid}, Ref} = Info) when is_pid(Pid), is_reference(Ref) ->
    case esock_dial_server:cancel(Pid) of
        ok -> ok;
        not_owner -> {error, {invalid, Info}};
        gone -> discard(Ref, Info)
    end;
cancel(Info) ->
    erlang:error(badarg, [Info]).

discard(Ref, Info) ->
    receive
        {'$esock_dial', Ref, {ok, Socket}} -> _ = esock:close(Socket), ok;
        {'$esock_dial', Ref, {error, _}} -> ok
    after 0 -> {error, {invalid, Info}}
    end.

%% @doc Makes the state of a backoff, to use its pauses elsewhere. It is a pure function: `exponential' without a `seed' is seeded
%% with the first pause. A wrong value, such as `initial' 0, `initial' above `max', a `jitter' outside of 0 to below 1 or a `multiplier'
%% below 1, is `{error, {invalid, {backoff, Backoff}}}'.
%% ```
%% {ok, B0} = esock_dial:backoff_new({exponential, #{initial => 100, jitter => 0, max => 200}}),
%% {100, B1} = esock_dial:backoff_next(B0, econnrefused),
%% {150, B2} = esock_dial:backoff_next(B1, econnrefused),
%% {200, B3} = esock_dial:backoff_next(B2, econnrefused),
%% {100, _} = esock_dial:backoff_next(esock_dial:backoff_reset(B3), econnrefused).
%% '''
-spec backoff_new(backoff()) -> {ok, backoff_state()} | {error, esock:invalid()}.
backoff_new(Backoff) ->
    case esock_dial_backoff:new(Backoff) of
        error -> {error, {invalid, {backoff, Backoff}}};
        New -> New
    end.

%% @doc The next pause in milliseconds and the state after it, or `stop', which only an own backoff says. `Reason' is for that one.
%% ```
%% {ok, B} = esock_dial:backoff_new({fixed, 1000}),
%% {1000, B} = esock_dial:backoff_next(B, econnrefused).
%% '''
-spec backoff_next(backoff_state(), Reason :: term()) -> {Ms :: non_neg_integer(), backoff_state()} | stop.
backoff_next(State, Reason) -> esock_dial_backoff:next(State, Reason).

%% @doc The state before the first pause. The random numbers of `exponential' do not begin again.
%% ```
%% {ok, B} = esock_dial:backoff_new(fun(N, _) -> N end),
%% {1, Next} = esock_dial:backoff_next(B, econnrefused),
%% {1, _} = esock_dial:backoff_next(esock_dial:backoff_reset(Next), econnrefused).
%% '''
-spec backoff_reset(backoff_state()) -> backoff_state().
backoff_reset(State) -> esock_dial_backoff:reset(State).

%% @doc Returns the reason of an error of this module as text, with all failures of the dial. It takes `{error, Reason}' too.
%% ```
%% "invalid: {option,colour}" = esock_dial:format_error(esock_dial:connect("localhost", Port, #{colour => red})).
%% '''
-spec format_error(term()) -> string().
format_error(Reason) -> esock_dial_log:format_error(Reason).

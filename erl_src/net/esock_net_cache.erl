%% @doc A cache of lookups, for the option `cache' of {@link esock_net:getaddrinfo/4}. There is none unless a program starts one.
%%
%% An entry lives as long as the resolver says, which with `resolver => inet' is the least TTL of the DNS records. libc names no TTL:
%% such entries live for the `ttl' of the cache. Errors are not kept. If the cache is full, the oldest entries go.
%% ```
%% {ok, Cache} = esock_net_cache:start_link(#{size => 100, ttl => 30000}),
%% {ok, _} = esock_net:getaddrinfo("localhost", 80, #{cache => Cache}).
%% '''
-module(esock_net_cache).
-behaviour(gen_server).

-export([start_link/0, start_link/1, child_spec/1, clear/1, info/1]).
-export([lookup/2, store/4]).
-export([init/1, handle_call/3, handle_cast/2]).

-export_type([cache/0, options/0]).

-type cache() :: gen_server:server_ref().
%% A cache: its process, or a name that it is registered under.

-type options() :: #{size => pos_integer(), ttl => pos_integer(), name => atom()}.
%% `size': the most entries, default 1000. `ttl': milliseconds for an entry without a TTL of its own, default 10000. `name': a
%% name to register the process under, default none.

%% @equiv start_link(#{})
-spec start_link() -> {ok, pid()} | {error, term()}.
start_link() -> start_link(#{}).

%% @doc Starts a cache that is linked to the caller. Returns `{error, {invalid, {option, Key}}}' for a wrong option.
-spec start_link(options()) -> {ok, pid()} | {error, {invalid, {option, term()}} | {already_started, pid()}}.
start_link(Options) ->
    case [Key || {Key, Value} <- maps:to_list(Options), not valid(Key, Value)] of
        [] ->
            case maps:find(name, Options) of
                {ok, Name} -> gen_server:start_link({local, Name}, ?MODULE, Options, []);
                error -> gen_server:start_link(?MODULE, Options, [])
            end;
        [Key | _] -> {error, {invalid, {option, Key}}}
    end.

valid(Key, Value) when Key =:= size; Key =:= ttl -> is_integer(Value) andalso Value > 0;
valid(name, Name) -> is_atom(Name);
valid(_, _) -> false.

%% @doc The child specification for a supervisor.
%% ```
%% #{id := esock_net_cache} = esock_net_cache:child_spec(#{name => dns_cache}).
%% '''
-spec child_spec(options()) -> supervisor:child_spec().
child_spec(Options) -> #{id => ?MODULE, start => {?MODULE, start_link, [Options]}}.

%% @doc Drops all entries.
-spec clear(cache()) -> ok.
clear(Cache) -> gen_server:call(Cache, clear).

%% @doc The number of entries (`size'), of lookups that found one (`hits') and of others (`misses').
%% ```
%% {ok, Cache} = esock_net_cache:start_link(),
%% #{size := 0, hits := 0, misses := 0} = esock_net_cache:info(Cache).
%% '''
-spec info(cache()) -> #{size := non_neg_integer(), hits := non_neg_integer(), misses := non_neg_integer()}.
info(Cache) -> gen_server:call(Cache, info).

%% @private
%% @doc A cache that has ended has nothing.
-spec lookup(cache(), term()) -> {ok, term()} | miss.
lookup(Cache, Key) ->
    try gen_server:call(Cache, {lookup, Key, now_ms()})
    catch exit:_ -> miss
    end.

%% @private
%% @doc Seconds are those of DNS; `undefined' is the cache's own.
-spec store(cache(), term(), term(), non_neg_integer() | undefined) -> ok.
store(Cache, Key, Value, Seconds) -> gen_server:cast(Cache, {store, Key, Value, Seconds, now_ms()}).

now_ms() -> erlang:monotonic_time(millisecond).

%% @private
-spec init(options()) -> {ok, map()}.
init(Options) ->
    {ok, #{size => maps:get(size, Options, 1000), ttl => maps:get(ttl, Options, 10000), entries => #{}, order => gb_trees:empty(),
           next => 0, hits => 0, misses => 0}}.

%% @private
-spec handle_call(term(), gen_server:from(), map()) -> {reply, term(), map()}.
handle_call({lookup, Key, Now}, _From, #{entries := Entries, hits := Hits, misses := Misses} = State) ->
    case Entries of
        #{Key := {Value, End, _}} when Now < End -> {reply, {ok, Value}, State#{hits := Hits + 1}};
        _ -> {reply, miss, (drop(Key, State))#{misses := Misses + 1}}
    end;
handle_call(clear, _From, State) -> {reply, ok, State#{entries := #{}, order := gb_trees:empty()}};
handle_call(info, _From, #{entries := Entries} = State) ->
    {reply, (maps:with([hits, misses], State))#{size => map_size(Entries)}, State}.

%% @private
-spec handle_cast(term(), map()) -> {noreply, map()}.
handle_cast({store, Key, Value, Seconds, Now}, #{next := Next, ttl := Ttl} = Old) ->
    #{entries := Entries, order := Order} = State = drop(Key, Old),
    End = Now + if Seconds =:= undefined -> Ttl; true -> 1000 * Seconds end,
    {noreply, shrink(State#{entries := Entries#{Key => {Value, End, Next}}, order := gb_trees:insert(Next, Key, Order), next := Next + 1})}.

drop(Key, #{entries := Entries, order := Order} = State) ->
    case maps:take(Key, Entries) of
        {{_, _, Place}, Rest} -> State#{entries := Rest, order := gb_trees:delete(Place, Order)};
        error -> State
    end.

shrink(#{entries := Entries, order := Order, size := Size} = State) when map_size(Entries) > Size ->
    {_, Oldest} = gb_trees:smallest(Order),
    drop(Oldest, State);
shrink(State) -> State.

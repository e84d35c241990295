%% @private
%% @doc A dial with `nowait': a process dials for another. It gives the socket to that process and ends; it ends with that process too.
-module(esock_dial_server).
-behaviour(gen_server).

-export([start/3, cancel/1]).
-export([init/1, handle_continue/2, handle_call/3, handle_cast/2, handle_info/2]).

-record(state, {owner :: pid(), monitor :: reference(), ref :: reference(), handle :: reference(),
                run :: esock_dial_run:run() | undefined}).

-type returned() :: {noreply, #state{}, timeout()} | {stop, normal, #state{}}.

%% @doc Starts a dial for `Owner', whose message carries `Ref'.
-spec start(esock_dial_run:job(), pid(), reference()) -> {ok, pid()} | {error, term()}.
start(Job, Owner, Ref) -> gen_server:start(?MODULE, {Job, Owner, Ref}, []).

%% @doc Ends a dial of the calling process. `ok': no message follows. `gone': it has ended, and has sent its message.
-spec cancel(pid()) -> ok | not_owner | gone.
cancel(Pid) ->
    try gen_server:call(Pid, cancel, infinity)
    catch exit:_ -> gone
    end.

%% @private
-spec init({esock_dial_run:job(), pid(), reference()}) -> {ok, #state{}, {continue, esock_dial_run:job()}}.
init({Job, Owner, Ref}) ->
    State = #state{owner = Owner, monitor = monitor(process, Owner), ref = Ref, handle = make_ref()},
    {ok, State, {continue, Job}}.

%% @private
-spec handle_continue(esock_dial_run:job(), #state{}) -> returned().
handle_continue(Job, #state{handle = Handle} = State) ->
    step(fun() -> esock_dial_run:start(Job, Handle) end, State).

%% @private
-spec handle_call(cancel, gen_server:from(), #state{}) ->
          {stop, normal, ok, #state{}} | {reply, not_owner, #state{}, timeout()}.
handle_call(cancel, {Owner, _}, #state{owner = Owner, run = Run} = State) ->
    ok = esock_dial_run:release(Run),
    {stop, normal, ok, State#state{run = undefined}};
handle_call(cancel, _, State) ->
    {reply, not_owner, State, 0}.

%% @private
-spec handle_cast(term(), #state{}) -> {noreply, #state{}, timeout()}.
handle_cast(_, State) -> {noreply, State, 0}.

%% @private A wait of 0 after a message that is not of the dial does no harm: the plan finds the time of its next event again.
-spec handle_info(term(), #state{}) -> returned().
handle_info({'DOWN', Monitor, process, _, _}, #state{monitor = Monitor, run = Run} = State) ->
    ok = esock_dial_run:release(Run),
    {stop, normal, State#state{run = undefined}};
handle_info(Info, #state{handle = Handle, run = Run} = State) ->
    Message = case Info of
                  {'$socket', Socket, select, Handle} -> {select, Socket};
                  {'$socket', Socket, abort, {Handle, Reason}} -> {abort, Socket, Reason};
                  {Handle, Answer} -> {message, Answer};
                  {{down, Handle}, Down, process, _, Reason} -> {down, Down, Reason};
                  _ -> timeout
              end,
    step(fun() -> esock_dial_run:next(Message, Run) end, State).

%% The owner gets its message if a function of the options raises, too.
step(Step, State) ->
    try Step() of
        {wait, Timeout, Run} -> {noreply, State#state{run = Run}, Timeout};
        {done, Result} -> done(Result, State)
    catch Class:Reason:Stack ->
            send({error, {raised, Reason}}, State),
            erlang:raise(Class, Reason, Stack)
    end.

done({ok, Socket} = Result, #state{owner = Owner} = State) ->
    case esock:setopt(Socket, {otp, controlling_process}, Owner) of
        ok -> send(Result, State);
        {error, Reason} ->
            _ = esock:close(Socket),
            send({error, Reason}, State)
    end,
    {stop, normal, State#state{run = undefined}};
done(Error, State) ->
    send(Error, State),
    {stop, normal, State#state{run = undefined}}.

send(Result, #state{owner = Owner, ref = Ref}) ->
    _ = Owner ! {'$esock_dial', Ref, Result},
    ok.

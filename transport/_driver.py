"""The driver: runs one `Machine` on trio.

Owns the one queue through which everything reaches the machine, the timer, and the tasks that do
what takes time. Calls act in place: when `dispatch` returns, the machine has taken the event and
all its effects have begun. Nothing is awaited there: dialling, authenticating, saving and writing
have tasks of their own, whose ends come back as events with a generation.

Decides nothing: what to do is the machine's, how to do it is the dialer's, authenticator's and
store's.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar, assert_never

import trio

from statemodel import Code, Machine, Reason, Status, StatusChange, User, effects, events
from transport._alarms import Alarm
from transport._attempt import Attempt
from transport._authentication import authenticate
from transport._calls import Waiter
from transport._clock import Clock
from transport._credentials import Way
from transport._errors import TransportError
from transport._inbox import Inbox
from transport._keep_alive import KeepAlive
from transport._listeners import Listeners, SafeHook
from transport._message_listeners import MessageListeners
from transport._session import Authenticator, SessionStore
from transport._session_news import SessionNews
from transport._store_queue import StoreQueue

if TYPE_CHECKING:
    from transport._seam import Dialer, Request

_log = logging.getLogger("transport")

_T = TypeVar("_T")

_LOST = {Reason.DIAL_FAILED, Reason.CLOSED_BY_PEER, Reason.NO_ANSWER}
"""What went wrong, and may be mended by a retry."""


class Driver:
    """Runs one machine. All its methods must be called on the trio thread."""

    def __init__(
        self,
        machine: Machine,
        *,
        nursery: trio.Nursery,
        dialer: Dialer,
        request: Callable[..., Request],
        authenticator: Authenticator,
        store: SessionStore,
        inbox: Inbox,
        on_listener_error: SafeHook,
        clock: Clock,
        draw: Callable[[], float],
        way: Way,
    ) -> None:
        self.machine = machine
        self.inbox = inbox
        self.status_listeners: Listeners[StatusChange] = Listeners(on_listener_error)
        self.session_news = SessionNews(on_listener_error, clock)
        self.message_listeners = MessageListeners(
            inbox, nursery=nursery, on_error=on_listener_error
        )
        self.clock = clock
        self.last_error: TransportError | None = None
        self.attempt: Attempt | None = None
        self._nursery = nursery
        self._dialer = dialer
        self._request = request
        self._authenticator = authenticator
        self._store = StoreQueue(
            store,
            nursery=nursery,
            dispatch=self.dispatch,
            patience=machine.timings.auth_timeout,
        )
        self._draw = draw
        self.way = way
        self._queue: list[tuple[events.Event, float]] = []  # short; a deque takes 760 bytes
        self._dispatching = False
        self._token = trio.lowlevel.current_trio_token()
        self._waiters: dict[int, Waiter] = {}
        self._commands = 0
        self._turns: list[Attempt] = []  # K1: one descriptor at a time
        self._login_scope: trio.CancelScope | None = None
        self._why_not: Exception | None = None
        """What the authenticator has raised, while the machine is told of it."""
        self.keep_alive = KeepAlive(
            self._ping_quietly,
            interval=machine.timings.keep_alive_interval,
            clock=clock,
        )
        self.keep_alive.follow(background="background" in machine.configuration)
        self._alarm = Alarm(self._on_alarm, clock=clock, nursery=nursery)

    # -- events in, effects out ----------------------------------------------------------------

    def dispatch(self, event: events.Event) -> None:
        """Let the machine take an event, and begin what follows from it.

        Called from within a step (by a listener, say), it queues: the event is taken when the step
        has ended (T4), with the time of this call (H4).
        """
        self._queue.append((event, self.clock()))
        if not self._dispatching:
            self._dispatching = True
            self._drain()

    def catch_up(self) -> None:
        """Let deadlines that have passed fire before what comes now (H4), for what is no event."""
        deadline = self.machine.next_deadline
        if deadline is not None and deadline < self.clock():
            self.dispatch(events.TimePassed())

    def in_a_step(self, call: Callable[[], _T]) -> _T:
        """Do something as a step of its own: what it asks of the connection comes after it (T4)."""
        if self._dispatching:
            return call()
        self._dispatching = True
        try:
            return call()
        finally:
            self._drain()

    def _drain(self) -> None:
        """Take what is queued, all of it, also when a listener was interrupted; raise that in the end."""
        interrupted: BaseException | None = None
        while self._queue:
            event, now = self._queue.pop(0)
            try:
                self._take(event, now)
            except BaseException as error:  # noqa: BLE001 - raised below
                interrupted = interrupted or error
            self.keep_alive.follow(background="background" in self.machine.configuration)
        self._dispatching = False
        self._set_timer()
        if interrupted is not None:
            raise interrupted

    def _take(self, event: events.Event, now: float) -> None:
        self._take_frames()
        before = self.machine.user
        step = self.machine.handle(event, now, self._draw())
        try:
            user = self.machine.user
            if isinstance(event, events.SessionCleared) and event.error is not None:
                self.session_news.not_cleared(event.error)
            if user is not before and self.machine.dead_end is not Code.CLOSED:  # O4 is no logout
                self.session_news.user_changed(before, user)
        finally:
            self._perform_all(step)

    def _take_frames(self) -> None:
        """Tell the machine when the last frame came in, before it decides anything by it."""
        attempt = self.attempt
        if attempt is not None and attempt.heard_at is not None:
            now, attempt.heard_at = attempt.heard_at, None
            frame = events.FrameReceived(generation=attempt.generation)
            self._perform_all(self.machine.handle(frame, now, self._draw()))

    def _perform_all(self, step: tuple[effects.Effect, ...]) -> None:
        """Perform all effects of a step, also when a listener was interrupted in the midst of it."""
        interrupted: BaseException | None = None
        for effect in step:
            try:
                self._perform(effect)
            except BaseException as error:  # noqa: BLE001 - raised below
                interrupted = interrupted or error
        if interrupted is not None:
            raise interrupted

    @trio.lowlevel.disable_ki_protection  # listeners are called, whom Ctrl-C must reach
    def _on_alarm(self) -> None:
        if not self.keep_alive.ping_if_due():  # H4: at equality the input goes first
            self.dispatch(events.TimePassed())

    def _set_timer(self) -> None:
        deadline = self.machine.next_deadline
        self._alarm.set(
            self.keep_alive.due if deadline is None else min(deadline, self.keep_alive.due)
        )

    def stop_timer(self) -> None:
        """Let no deadline fire any more."""
        self._alarm.end()

    def _perform(self, effect: effects.Effect) -> None:
        match effect:
            case effects.ChangeStatus():
                self._change_status(effect)
            case effects.Succeed():
                self._end(effect.command, None, effect.value)
            case effects.Fail():
                self._fail(effect)
            case effects.SendPing():
                if self.attempt is not None and self.attempt.socket is not None:
                    self.attempt.socket.ping(effect.payload)
            case effects.Dial():
                self.attempt = Attempt(effect.generation, self)
                request = self._request(user=effect.user)
                self._turns.append(self.attempt)
                self._nursery.start_soon(self.attempt.dial, self._dialer, request, self._turns)
            case effects.Refresh():
                self.attempt = Attempt(effect.generation, self)
                refresh = partial(self.attempt.refresh, way=self.way)
                self._nursery.start_soon(refresh, self._authenticator, effect.user)
            case effects.Close():
                if self.attempt is not None:
                    self.attempt.close()
            case effects.Abort():
                if self.attempt is not None and self.attempt.generation == effect.generation:
                    self.attempt.abort()
            case effects.DiscardUnread():
                self.inbox.clear()
            case effects.Authenticate():
                self._login_scope = trio.CancelScope()
                self._nursery.start_soon(self._authenticate, effect, self._login_scope)
            case effects.CancelLogin():
                if self._login_scope is not None:
                    self._login_scope.cancel()
                self._store.cancel_login()
            case effects.Save():
                self._store.save(effect.user, effect.generation)
            case effects.KeepUser():
                self._store.keep(effect.user)
            case effects.Clear():
                self._store.clear(effect.generation)
            case effects.Custom():
                pass  # of a region that somebody added: theirs to perform
            case _:
                assert_never(effect)

    # -- commands ------------------------------------------------------------------------------

    def begin(self, make: Callable[[int], events.Event]) -> tuple[int, Waiter]:
        """Dispatch a command; return its number and what it ends in, which may have happened."""
        self._commands += 1
        command, waiter = self._commands, Waiter()
        self._waiters[command] = waiter
        try:
            event = make(command)
            waiter.is_login = isinstance(event, events.Login)
            self.dispatch(event)
        except BaseException:
            self._waiters.pop(command, None)
            raise
        return command, waiter

    async def finish(self, command: int, waiter: Waiter) -> User | float | None:
        """Wait for a command's end; cancelled, tell the machine that nobody waits (C4, C5)."""
        try:
            await waiter.event.wait()
        except trio.Cancelled:
            if self._waiters.pop(command, None) is not None:
                self.dispatch(events.Cancel(command=command))
                raise
            # It had ended: that counts, and the next checkpoint is cancelled instead (C4).
        if waiter.error is not None:
            raise waiter.error
        return waiter.value

    def check_thread(self) -> None:
        """Refuse calls from elsewhere before anything is touched.

        Raises:
            RuntimeError: this is not the trio thread of the connection.
        """
        try:
            if trio.lowlevel.current_trio_token() is self._token:
                return
        except RuntimeError:
            pass
        raise RuntimeError(
            "this connection belongs to another trio thread; call it with trio.from_thread.run or "
            "trio.from_thread.run_sync"
        )

    def _ping_quietly(self) -> None:
        """Ping as the application would (H3); nobody hears how it ends."""
        command, _ = self.begin(lambda c: events.Ping(command=c))
        self.forget(command)

    def abandon(self) -> None:
        """End what still waits: nothing else will (C4, O4)."""
        for command in list(self._waiters):
            self._end(command, TransportError(Code.CLOSED))

    def forget(self, command: int) -> None:
        """Nobody wants to know how this command ends."""
        self._waiters.pop(command, None)

    def report_network(self, up: bool) -> None:  # noqa: FBT001 - what a network monitor calls
        """Report the network up or down, unless the connection object has ended."""
        self.check_thread()
        self.dispatch(events.NetworkRestored() if up else events.NetworkLost())

    async def restore(self) -> None:
        """Begin with the saved user, if there is one (S4); without one if it cannot be had.

        Raises:
            TransportError: `ERR_INSECURE_URL`: the saved token would travel unencrypted.
        """
        user = await self._store.load()
        if user is None:
            return
        if user.auth_token and not self.way.guarded:
            raise TransportError(Code.INSECURE_URL)
        if not user.uid or not self.way.can_carry(user.auth_token):
            _log.warning("the saved session of %r is damaged and counts as none", user.uid)
            return
        self.dispatch(events.SessionRestored(user=user))

    async def shut_down(self) -> None:
        """End the connection object (O4); cancelled, abort at once. The store has close_timeout, too."""
        command, waiter = self.begin(lambda c: events.ShutDown(command=c))
        self.inbox.wake()
        try:
            await self.finish(command, waiter)
            await self.wait_gone(self.attempt)
        finally:
            self._store.hurry(self.machine.timings.close_timeout)
            self.status_listeners.end()
            self.session_news.listeners.end()
            self.message_listeners.end()

    async def wait_gone(self, attempt: Attempt | None) -> None:
        """Wait until an attempt's descriptor is closed; not for ever for a task that will not end."""
        if attempt is not None:
            with trio.move_on_after(self.machine.timings.close_timeout):
                await attempt.wait_gone()

    def _fail(self, effect: effects.Fail) -> None:
        error = TransportError(effect.code, effect.details)
        if effect.code is Code.AUTHENTICATION_FAILED:
            error.__cause__ = self._why_not
        waiter = self._waiters.get(effect.command)
        self._end(effect.command, error)
        self.session_news.call_failed(error, is_login=waiter is not None and waiter.is_login)

    def _end(
        self, command: int, error: TransportError | None, value: User | float | None = None
    ) -> None:
        waiter = self._waiters.pop(command, None)
        if waiter is not None:
            waiter.error = error
            waiter.value = value
            waiter.event.set()

    def _change_status(self, effect: effects.ChangeStatus) -> None:
        change = effect.change
        if change.reason is Reason.REFUSED:
            self.last_error = TransportError(Code.CONNECTION_REFUSED, self.machine.details)
            self.inbox.fail(self.last_error)
        elif change.reason in _LOST:
            self.last_error = TransportError(Code.CONNECTION_LOST, self.machine.details)
            _log.info("no connection (%s): %s", change.reason, self.machine.details)
        if change.current is Status.DISCONNECTED:
            self.inbox.wake()
        self.status_listeners.tell(change)

    def failure(self) -> TransportError | None:
        """Return why the connection will not come up by itself: refused for good, or ended (B5)."""
        code = self.machine.dead_end
        if code is None:
            return None
        return TransportError(code, self.machine.details if code is Code.CONNECTION_REFUSED else "")

    # -- tasks ---------------------------------------------------------------------------------

    async def _authenticate(self, effect: effects.Authenticate, scope: trio.CancelScope) -> None:
        event: events.Event | None = None
        with scope:
            event, self._why_not = await authenticate(
                self._authenticator, effect.credentials, effect.generation, way=self.way
            )
        if event is not None:
            self.dispatch(event)
        self._why_not = None
        if self._login_scope is scope:
            self._login_scope = None

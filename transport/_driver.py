"""The driver: runs one `Machine` on trio.

Owns the one queue through which everything reaches the machine, the timer, and the tasks that do
what takes time. Calls act in place: when `dispatch` returns, the machine has taken the event and
all its effects have begun. Nothing is awaited there: dialling, authenticating, saving and writing
have tasks of their own, whose ends come back as events with a generation.

Decides nothing: what to do is the machine's, how to do it is the dialer's, authenticator's and
store's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import TYPE_CHECKING, assert_never

import trio

from statemodel import Code, Credentials, Machine, Reason, Status, User, effects, events
from transport._errors import DialError, TransportError
from transport._inbox import Inbox
from transport._listeners import Listeners
from transport._seam import Ended
from transport._session import (
    AuthenticationError,
    Authenticator,
    CredentialsRevokedError,
    SessionStore,
    SessionStoreError,
)

if TYPE_CHECKING:
    from transport._seam import Dialer, Request, Socket

_LOST = {Reason.DIAL_FAILED, Reason.CLOSED_BY_PEER, Reason.NO_ANSWER}
"""Changes of status that say that something went wrong, and may be mended by a retry."""


class Waiter:
    """A command that has not ended."""

    __slots__ = ("error", "event", "value")

    def __init__(self) -> None:
        self.event = trio.Event()
        self.error: TransportError | None = None
        self.value: User | float | None = None


class Attempt:
    """One dial and the socket it leads to: the `Sink` of its generation."""

    def __init__(self, driver: Driver, generation: int) -> None:
        self._driver = driver
        self.generation = generation
        self.scope = trio.CancelScope()
        self.gone = trio.Event()
        self.socket: Socket | None = None
        self.heard_at: float | None = None
        self._delivers = True

    # -- Sink ----------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self._driver.dispatch(events.DialSucceeded(generation=self.generation))

    def frame(self) -> None:
        self.heard_at = self._driver.clock()  # told to the machine when it matters

    def message(self, message: str | bytes) -> None:
        if self._delivers:
            self._driver.inbox.put(message)

    def ping_written(self, payload: bytes) -> None:
        self._driver.dispatch(events.PingWritten(generation=self.generation, payload=payload))

    def pong(self, payload: bytes) -> None:
        self._driver.dispatch(events.PongReceived(generation=self.generation, payload=payload))

    def throttled(self, *, on: bool) -> None:
        event = events.ThrottlingStarted if on else events.ThrottlingEnded
        self._driver.dispatch(event(generation=self.generation))

    @property
    def has_room(self) -> bool:
        return self._driver.inbox.has_room

    async def wait_room(self) -> None:
        self._driver.dispatch(events.ReadingPaused(generation=self.generation))
        try:
            await self._driver.inbox.wait_room()
        finally:
            self._driver.dispatch(events.ReadingResumed(generation=self.generation))

    # -- for the driver ------------------------------------------------------------------------

    def close(self) -> None:
        """Begin the closing handshake."""
        self._delivers = False  # K3
        if self.socket is not None:
            self.socket.close()

    def abort(self) -> None:
        """Close the descriptor now; the task ends in its own time."""
        self._delivers = False
        if self.socket is not None:
            self.socket.abort()
        self.scope.cancel()


@dataclass(slots=True, eq=False)
class _Job:
    """A call of the session store."""

    run: Callable[[], Awaitable[None]]
    report: Callable[[str | None], events.Event | None]
    """What to tell the machine when it has ended, given what went wrong."""
    is_login: bool = False
    """Whether it is called off with the login."""
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)


class Driver:
    """Runs one machine. All its methods must be called on the trio thread."""

    def __init__(
        self,
        machine: Machine,
        *,
        nursery: trio.Nursery,
        dialer: Dialer,
        request: Callable[[User], Request],
        authenticator: Authenticator,
        store: SessionStore,
        inbox: Inbox,
        listeners: Listeners,
        clock: Callable[[], float],
        draw: Callable[[], float],
    ) -> None:
        self.machine = machine
        self.inbox = inbox
        self.listeners = listeners
        self.clock = clock
        self.last_error: TransportError | None = None
        self.attempt: Attempt | None = None
        self._nursery = nursery
        self._dialer = dialer
        self._request = request
        self._authenticator = authenticator
        self._store = store
        self._draw = draw
        self._queue: deque[tuple[events.Event, float]] = deque()
        self._dispatching = False
        self._waiters: dict[int, Waiter] = {}
        self._commands = 0
        self._descriptor = trio.StrictFIFOLock()  # K1: one at a time
        self._login_scope = trio.CancelScope()
        self._jobs: deque[_Job] = deque()
        self._working = False
        self._store_deadline = inf
        self._store_scope = trio.CancelScope()
        self._timer = trio.CancelScope()

    # -- events in, effects out ----------------------------------------------------------------

    def dispatch(self, event: events.Event) -> None:
        """Let the machine take an event, and begin what follows from it.

        Called from within a step (by a listener, say), it queues: the event is taken when the step
        has ended (T4), with the time of this call (H4).
        """
        self._queue.append((event, self.clock()))
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._queue:
                event, now = self._queue.popleft()
                self._take_frames()
                for effect in self.machine.handle(event, now, self._draw()):
                    self._perform(effect)
        finally:
            self._dispatching = False
        self._set_timer()

    def _take_frames(self) -> None:
        """Tell the machine when the last frame came in, before it decides anything by it."""
        attempt = self.attempt
        if attempt is not None and attempt.heard_at is not None:
            now, attempt.heard_at = attempt.heard_at, None
            frame = events.FrameReceived(generation=attempt.generation)
            for effect in self.machine.handle(frame, now, self._draw()):
                self._perform(effect)

    async def run_timer(self) -> None:
        """Wait for the machine's deadlines, for as long as the connection object lives."""
        while True:
            with trio.CancelScope() as self._timer:
                self._set_timer()
                await trio.sleep_forever()
            # At equality the input goes first (H4): let those run who woke at this same instant.
            await trio.lowlevel.checkpoint()
            self.dispatch(events.TimePassed())

    def _set_timer(self) -> None:
        deadline = self.machine.next_deadline
        if deadline is None:
            deadline = inf
        elif self.clock is not trio.current_time:
            deadline = trio.current_time() + (deadline - self.clock())
        if deadline != self._timer.deadline:  # setting it costs more than looking
            self._timer.deadline = deadline

    def _perform(self, effect: effects.Effect) -> None:
        match effect:
            case effects.ChangeStatus():
                self._change_status(effect)
            case effects.Succeed():
                self._end(effect.command, None, effect.value)
            case effects.Fail():
                self._end(effect.command, TransportError(effect.code, effect.details))
            case effects.SendPing():
                if self.attempt is not None and self.attempt.socket is not None:
                    self.attempt.socket.ping(effect.payload)
            case effects.Dial():
                self.attempt = Attempt(self, effect.generation)
                self._nursery.start_soon(self._dial, self.attempt, effect.user)
            case effects.Refresh():
                self.attempt = Attempt(self, effect.generation)
                self._nursery.start_soon(self._refresh, self.attempt, effect.user)
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
                self._login_scope.cancel()
                self._cancel_saves()
            case effects.Save():
                save = partial(self._store.save, effect.user)
                self._queue_job(_Job(save, partial(_saved, effect.generation), is_login=True))
            case effects.KeepUser():
                self._queue_job(_Job(partial(self._store.save, effect.user), _nothing))
            case effects.Clear():
                self._queue_job(_Job(self._store.clear, partial(_cleared, effect.generation)))
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
        self.dispatch(make(command))
        return command, waiter

    async def finish(self, command: int, waiter: Waiter) -> User | float | None:
        """Wait for a command's end; cancelled, tell the machine that nobody waits (C4, C5)."""
        try:
            await waiter.event.wait()
        except trio.Cancelled:
            if self._waiters.pop(command, None) is not None:
                self.dispatch(events.Cancel(command=command))
            raise
        if waiter.error is not None:
            raise waiter.error
        return waiter.value

    def forget(self, command: int) -> None:
        """Nobody wants to know how this command ends."""
        self._waiters.pop(command, None)

    def report_network(self, up: bool) -> None:  # noqa: FBT001 - what a network monitor calls
        """Report the network up or down, unless the connection object has ended."""
        self.dispatch(events.NetworkRestored() if up else events.NetworkLost())

    async def shut_down(self) -> None:
        """End the connection object (O4); cancelled, abort at once."""
        command, waiter = self.begin(lambda c: events.ShutDown(command=c))
        self.inbox.wake()
        try:
            await self.finish(command, waiter)
            if self.attempt is not None:
                await self.attempt.gone.wait()
        except trio.Cancelled:
            self.hurry()
            raise
        finally:
            self.listeners.end()

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
        elif change.reason in _LOST:
            self.last_error = TransportError(Code.CONNECTION_LOST, self.machine.details)
        if change.current is Status.DISCONNECTED:
            self.inbox.wake()
        self.listeners.tell(change)

    def failure(self) -> TransportError | None:
        """Return why the connection will not come up by itself: refused for good, or ended (B5)."""
        if "ended" in self.machine.configuration:
            return TransportError(Code.CLOSED)
        if "failed" in self.machine.configuration:
            return TransportError(Code.CONNECTION_REFUSED, self.machine.details)
        return None

    # -- tasks ---------------------------------------------------------------------------------

    async def _dial(self, attempt: Attempt, user: User) -> None:
        event: events.Event | None = None
        try:
            with attempt.scope:
                async with self._descriptor:
                    event = await self._run_socket(attempt, user)
        finally:
            attempt.socket = None
            attempt.gone.set()
        if event is not None:
            self.dispatch(event)

    async def _run_socket(self, attempt: Attempt, user: User) -> events.Event:
        """Run a socket to its end, and return what the machine is to be told of it."""
        generation, token = attempt.generation, user.auth_token
        try:
            ended = await self._dialer.run(self._request(user), attempt)
        except (DialError, OSError) as error:
            failed = error if isinstance(error, DialError) else DialError(_text(error))
            if attempt.socket is None:
                return events.DialFailed(
                    generation=generation,
                    http_status=failed.http_status,
                    close_code=failed.close_code,
                    retry_after=failed.retry_after,
                    details=_redact(failed.details, token),
                )
            ended = Ended(details=failed.details)
        details = _redact(ended.details, token)
        if attempt.socket is None:
            return events.DialFailed(generation=generation, close_code=ended.code, details=details)
        return events.SocketClosed(generation=generation, code=ended.code, details=details)

    async def _refresh(self, attempt: Attempt, user: User) -> None:
        event: events.Event | None = None
        try:
            with attempt.scope:
                try:
                    fresh = await self._authenticator.refresh(user)
                    event = events.RefreshSucceeded(generation=attempt.generation, user=fresh)
                except (AuthenticationError, OSError) as error:
                    event = events.RefreshFailed(
                        generation=attempt.generation,
                        refused=isinstance(error, CredentialsRevokedError),
                        details=_redact(_text(error), user.auth_token),
                    )
        finally:
            attempt.gone.set()
        if event is not None:
            self.dispatch(event)

    async def _authenticate(self, effect: effects.Authenticate, scope: trio.CancelScope) -> None:
        event: events.Event | None = None
        credentials: Credentials = effect.credentials
        with scope:
            try:
                user = await self._authenticator.authenticate(credentials)
                event = events.AuthenticationSucceeded(generation=effect.generation, user=user)
            except (AuthenticationError, OSError) as error:
                event = events.AuthenticationFailed(
                    generation=effect.generation,
                    details=_redact(_text(error), credentials.auth_token),
                )
        if event is not None:
            self.dispatch(event)

    # -- the session store: one call at a time, in order -----------------------------------------

    def _queue_job(self, job: _Job) -> None:
        self._jobs.append(job)
        if not self._working:
            self._working = True
            self._nursery.start_soon(self._work)

    def _cancel_saves(self) -> None:
        for job in self._jobs:
            if job.is_login:
                job.scope.cancel()

    def hurry(self) -> None:
        """The connection object was cancelled: give the store no longer than a socket's close."""
        self._store_deadline = trio.current_time() + self.machine.timings.close_timeout
        self._store_scope.deadline = self._store_deadline

    async def _work(self) -> None:
        """Do what is queued; shielded, since a cancelled application may have logged out just now."""
        limit = self.machine.timings.auth_timeout
        with trio.CancelScope(shield=True, deadline=self._store_deadline) as self._store_scope:
            while self._jobs:
                job = self._jobs[0]
                if job.scope.cancel_called:  # called off before it began
                    self._jobs.popleft()
                    continue
                error: str | None = f"the session store did not answer within {limit:g} s"
                # A login's save has the machine's own time limit, and is called off by it.
                with job.scope, trio.move_on_after(inf if job.is_login else limit):
                    try:
                        await job.run()
                        error = None
                    except (SessionStoreError, OSError) as failure:
                        error = _text(failure)
                self._jobs.popleft()
                event = job.report(error)
                if event is not None:
                    self.dispatch(event)
        self._working = False


def _saved(generation: int, error: str | None) -> events.Event:
    if error is None:
        return events.SaveSucceeded(generation=generation)
    return events.SaveFailed(generation=generation, details=error)


def _cleared(generation: int, error: str | None) -> events.Event:
    return events.SessionCleared(generation=generation, error=error)


def _nothing(error: str | None) -> None:
    """Report nothing: nobody waits for a refreshed user to be saved."""
    del error


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__


def _redact(text: str, token: str) -> str:
    """Black out a token that a server or authenticator may have echoed."""
    return text.replace(token, "[token]") if token else text

"""Writes down what can be seen of a connection from outside, as a trace."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Any, Literal, TypeAlias

import trio

from statemodel import Mode, Policy, StatusChange, Timings, User
from statemodel import traces as t
from transport._connection import Connection
from transport._errors import DialError, TransportError
from transport._open import open_connection
from transport._seam import Dialer, Ended
from transport._session import (
    Authenticator,
    MemorySessionStore,
    SessionStore,
    TrustingAuthenticator,
)
from transport.testing._recorded import Log, RecordedDialer, RecordedSession

_Command: TypeAlias = Literal[
    "login", "logout", "connect", "disconnect", "ping", "send", "shut_down"
]


class Recorder(Log):
    """A connection whose calls, and what follows from them, become entries of a trace.

    Call its methods in place of the connection's own; what is not here may be asked of
    `connection`. Every time is that of trio's clock. The trace rules take entries of one time as
    one step, so a trace for `statemodel.trace_rules.judge` needs a virtual clock, and
    `trio.testing.wait_all_tasks_blocked()` between one call or fault and the next.
    """

    connection: Connection
    """The connection itself."""

    def __init__(self, opened: t.Opened, policy: Policy) -> None:
        self.trace: t.Trace = [opened]
        """What was seen so far."""
        self._policy = policy
        self._commands = 0
        self._sockets = 0
        self._pings = 0
        # The command whose call is being started in this task, if it is a ping: its ping goes out
        # before the call waits for anything.
        self._pinging: ContextVar[int | None] = ContextVar("pinging", default=None)
        self._arrived: deque[tuple[str | bytes, int, int]] = deque()

    # -- calls -----------------------------------------------------------------------------------

    async def login(self, uid: str, *, auth_token: str = "") -> User:
        """See `Connection.login`."""
        call = self.connection.login
        user: User = await self._call("login", lambda: call(uid, auth_token=auth_token), uid)
        return user

    async def logout(self) -> None:
        """See `Connection.logout`."""
        await self._call("logout", self.connection.logout)

    async def connect(self) -> None:
        """See `Connection.connect`."""
        await self._call("connect", self.connection.connect)

    async def disconnect(self) -> None:
        """See `Connection.disconnect`."""
        await self._call("disconnect", self.connection.disconnect)

    async def ping(self) -> float:
        """See `Connection.ping`."""
        seconds: float = await self._call("ping", self.connection.ping)
        return seconds

    async def send(self, message: str | bytes) -> None:
        """See `Connection.send`."""
        await self._call("send", lambda: self.connection.send(message))

    async def receive(self) -> str | bytes:
        """Return the next message; see `Connection.__aiter__` for what it raises."""
        message = await anext(aiter(self.connection))
        while self._arrived:  # what is skipped was dropped unread (K3)
            arrived, socket, number = self._arrived.popleft()
            if arrived is message:
                self.see(t.Delivered(time=self.now, socket=socket, number=number))
                break
        return message

    def enter_background(self) -> None:
        """See `Connection.enter_background`."""
        self.see(t.Reported(time=self.now, what="background"))
        self.connection.enter_background()

    def enter_foreground(self) -> None:
        """See `Connection.enter_foreground`."""
        self.see(t.Reported(time=self.now, what="foreground"))
        self.connection.enter_foreground()

    def network_lost(self) -> None:
        """See `Connection.network_lost`."""
        self.see(t.Reported(time=self.now, what="network_down"))
        self.connection.network_lost()

    def network_restored(self) -> None:
        """See `Connection.network_restored`."""
        self.see(t.Reported(time=self.now, what="network_up"))
        self.connection.network_restored()

    # -- writing down ----------------------------------------------------------------------------

    @property
    def is_logged_in(self) -> bool:
        """Whether somebody is."""
        return self.connection.user is not None

    def see(self, entry: t.Entry) -> None:
        """Append an entry."""
        self.trace.append(entry)

    def saw_status(self, change: StatusChange) -> None:
        """Note what a status listener is told."""
        if change.sequence:  # 0 is the status before any change
            self.see(t.StatusSeen(time=change.time, change=change))

    async def _call(self, name: _Command, call: Callable[[], Awaitable[Any]], uid: str = "") -> Any:
        self._commands += 1
        command = self._commands
        self.see(t.Called(time=self.now, command=command, name=name, uid=uid))
        starting = self._pinging.set(command if name == "ping" else None)
        try:
            result = await call()
        except TransportError as error:
            self.see(t.Returned(time=self.now, command=command, code=error.code))
            raise
        except trio.Cancelled:
            self.see(t.Cancelled(time=self.now, command=command))
            raise
        finally:
            self._pinging.reset(starting)
        self.see(t.Returned(time=self.now, command=command, code=None))
        return result

    # -- for the wrappers ------------------------------------------------------------------------

    def saw_dial(self) -> int:
        """Note a dial, and number its socket."""
        self._sockets += 1
        self.see(t.Dialled(time=self.now, socket=self._sockets))
        return self._sockets

    def saw_ping_sent(self, socket: int) -> int:
        """Note a ping, and number it."""
        self._pings += 1
        command = self._pinging.get()
        self._pinging.set(None)
        self.see(t.PingSent(time=self.now, socket=socket, ping=self._pings, command=command))
        return self._pings

    def saw_message(self, message: str | bytes, socket: int, number: int) -> None:
        """Note which socket a message came from, for when it is delivered."""
        self._arrived.append((message, socket, number))

    def saw_end(self, socket: int, ended: Ended | DialError) -> None:
        """Note an end that is not of our making."""
        status, code, wait = None, None, None
        if isinstance(ended, Ended):
            code = ended.code
        else:
            status, code = ended.http_status, ended.close_code
            if status in self._policy.retry_after_statuses:
                wait = ended.retry_after
        self.see(
            t.SocketEnded(
                time=self.now,
                socket=socket,
                how=self._policy.end(status, code).value,
                retry_after=wait,
            )
        )


@asynccontextmanager
async def open_recorded(
    url: str,
    *,
    dialer: Dialer,
    mode: Mode = Mode.AUTO,
    timings: Timings | None = None,
    policy: Policy | None = None,
    foreground: bool = True,
    online: bool = True,
    authenticator: Authenticator | None = None,
    session_store: SessionStore | None = None,
    **options: Any,
) -> AsyncIterator[Recorder]:
    """Open a connection and record it; leaving the block is the trace's `shut_down`.

    Takes what `open_connection` takes, `clock` aside; the dialer must be given.
    """
    opened = t.Opened(
        time=trio.current_time(),
        mode=mode,
        foreground=foreground,
        online=online,
        timings=timings or Timings(),
    )
    recorder = Recorder(opened, policy or Policy())
    session = RecordedSession(
        recorder,
        TrustingAuthenticator() if authenticator is None else authenticator,
        MemorySessionStore() if session_store is None else session_store,
    )
    async with open_connection(
        url,
        dialer=RecordedDialer(recorder, dialer),
        mode=mode,
        timings=timings,
        policy=policy,
        foreground=foreground,
        online=online,
        authenticator=session,
        session_store=session,
        clock=trio.current_time,
        **options,
    ) as connection:
        recorder.connection = connection
        connection.add_status_listener("recorder", recorder.saw_status)
        try:
            yield recorder
        finally:
            recorder.see(t.Called(time=recorder.now, command=0, name="shut_down"))
    recorder.see(t.Returned(time=recorder.now, command=0, code=None))

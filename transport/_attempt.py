"""One dial and the socket it leads to, as the driver sees it."""

from __future__ import annotations

from typing import Protocol

import trio

from statemodel import User, events
from transport._authentication import refresh
from transport._clock import Clock
from transport._credentials import Way, redacted
from transport._errors import DialError
from transport._inbox import Inbox
from transport._seam import Dialer, Ended, Request, Socket
from transport._session import Authenticator
from transport._signal import Signal


class Host(Protocol):
    """Whose attempt it is: see `Driver`."""

    @property
    def inbox(self) -> Inbox: ...

    @property
    def clock(self) -> Clock: ...

    def dispatch(self, event: events.Event) -> None: ...

    def catch_up(self) -> None: ...


class Attempt:
    """The `Sink` of one generation: what its dialer tells becomes events, or goes to the inbox."""

    def __init__(self, generation: int, host: Host) -> None:
        self.generation = generation
        self.scope = trio.CancelScope()
        self._is_gone = False
        self._end = Signal()
        self.socket: Socket | None = None
        """The open socket, from its opening to its end."""
        self.heard_at: float | None = None
        """When something last came in, if the machine was not told yet."""
        self._host = host
        self._delivers = True

    # -- Sink ----------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self._host.dispatch(events.DialSucceeded(generation=self.generation))

    def frame(self) -> None:
        self.heard_at = self._host.clock()

    def message(self, message: str | bytes) -> None:
        self._host.catch_up()  # a window that has passed may have closed this socket (H5)
        if self._delivers:
            self._host.inbox.put(message)

    def ping_written(self, payload: bytes) -> None:
        self._host.dispatch(events.PingWritten(generation=self.generation, payload=payload))

    def pong(self, payload: bytes) -> None:
        self._host.dispatch(events.PongReceived(generation=self.generation, payload=payload))

    def throttled(self, *, on: bool) -> None:
        event = events.ThrottlingStarted if on else events.ThrottlingEnded
        self._host.dispatch(event(generation=self.generation))

    @property
    def has_room(self) -> bool:
        return self._host.inbox.has_room

    async def wait_room(self) -> None:
        self._host.dispatch(events.ReadingPaused(generation=self.generation))
        try:
            await self._host.inbox.wait_room()
        finally:
            self._host.dispatch(events.ReadingResumed(generation=self.generation))

    # -- for the driver ------------------------------------------------------------------------

    async def dial(self, dialer: Dialer, request: Request, turns: list[Attempt]) -> None:
        """Run a dial and the socket that it leads to, and report how it ended.

        Args:
            dialer: Who dials.
            request: What.
            turns: All attempts that may have a descriptor, this one last: there is one at a time (K1).
        """
        event: events.Event | None = None
        try:
            with self.scope:
                while turns[0] is not self:
                    await turns[0].wait_gone()
                await trio.lowlevel.checkpoint_if_cancelled()  # called off before it began (A1, N1)
                ended: Ended | DialError | OSError
                try:
                    ended = await dialer.run(request, self)
                except (DialError, OSError) as error:
                    ended = error
                event = self._event(ended, request.user.auth_token)
        finally:
            turns.remove(self)
            self._gone()
        if event is not None:
            self._host.dispatch(event)

    async def refresh(self, authenticator: Authenticator, user: User, *, way: Way) -> None:
        """Ask for new credentials, and report what came of it (B5)."""
        event: events.Event | None = None
        try:
            with self.scope:
                event = await refresh(authenticator, user, self.generation, way=way)
        finally:
            self._gone()
        if event is not None:
            self._host.dispatch(event)

    def close(self) -> None:
        """Begin the closing handshake; nothing is delivered any more (K3)."""
        self._delivers = False
        if self.socket is not None:
            self.socket.close()

    def abort(self) -> None:
        """Close the descriptor now; the task ends in its own time."""
        self._delivers = False
        if self.socket is not None:
            self.socket.abort()
        self.scope.cancel()

    def _gone(self) -> None:
        self.socket = None
        self._is_gone = True
        self._end.give()

    async def wait_gone(self) -> None:
        """Wait until its task has ended and its descriptor is closed."""
        while not self._is_gone:
            await self._end.wait()

    def _event(self, ended: Ended | DialError | OSError, token: str) -> events.Event:
        """Return what the machine is to be told of the end of a dial or socket."""
        if isinstance(ended, OSError):
            ended = DialError(str(ended) or repr(ended))
        details = redacted(ended.details, token)
        if self.socket is not None:
            code = ended.code if isinstance(ended, Ended) else Ended().code
            return events.SocketClosed(generation=self.generation, code=code, details=details)
        if isinstance(ended, Ended):
            return events.DialFailed(
                generation=self.generation, close_code=ended.code, details=details
            )
        return events.DialFailed(
            generation=self.generation,
            http_status=ended.http_status,
            close_code=ended.close_code,
            retry_after=ended.retry_after,
            details=details,
        )

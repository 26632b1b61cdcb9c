"""One dial and the socket it leads to, as the driver sees it."""

from __future__ import annotations

from collections.abc import Callable

import trio

from statemodel import User, events
from transport._authentication import refresh
from transport._credentials import Way, redacted
from transport._errors import DialError
from transport._inbox import Inbox
from transport._seam import Dialer, Ended, Request, Socket
from transport._session import Authenticator
from transport._signal import Signal


class Attempt:
    """The `Sink` of one generation: what its dialer tells becomes events, or goes to the inbox."""

    def __init__(
        self,
        generation: int,
        *,
        dispatch: Callable[[events.Event], None],
        catch_up: Callable[[], None],
        inbox: Inbox,
        clock: Callable[[], float],
    ) -> None:
        self.generation = generation
        self.scope = trio.CancelScope()
        self._is_gone = False
        self._end = Signal()
        self.socket: Socket | None = None
        """The open socket, from its opening to its end."""
        self.heard_at: float | None = None
        """When something last came in, if the machine was not told yet."""
        self._dispatch = dispatch
        self._catch_up = catch_up
        self._inbox = inbox
        self._clock = clock
        self._delivers = True

    # -- Sink ----------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self._dispatch(events.DialSucceeded(generation=self.generation))

    def frame(self) -> None:
        self.heard_at = self._clock()

    def message(self, message: str | bytes) -> None:
        self._catch_up()  # a window that has passed may have closed this socket (H5)
        if self._delivers:
            self._inbox.put(message)

    def ping_written(self, payload: bytes) -> None:
        self._dispatch(events.PingWritten(generation=self.generation, payload=payload))

    def pong(self, payload: bytes) -> None:
        self._dispatch(events.PongReceived(generation=self.generation, payload=payload))

    def throttled(self, *, on: bool) -> None:
        event = events.ThrottlingStarted if on else events.ThrottlingEnded
        self._dispatch(event(generation=self.generation))

    @property
    def has_room(self) -> bool:
        return self._inbox.has_room

    async def wait_room(self) -> None:
        self._dispatch(events.ReadingPaused(generation=self.generation))
        try:
            await self._inbox.wait_room()
        finally:
            self._dispatch(events.ReadingResumed(generation=self.generation))

    # -- for the driver ------------------------------------------------------------------------

    async def dial(self, dialer: Dialer, request: Request, descriptor: trio.StrictFIFOLock) -> None:
        """Run a dial and the socket that it leads to, and report how it ended.

        Args:
            dialer: Who dials.
            request: What.
            descriptor: Held as long as there may be a descriptor, so that there is one at a time (K1).
        """
        event: events.Event | None = None
        try:
            with self.scope:
                async with descriptor:
                    event = await self._run(dialer, request)
        finally:
            self._gone()
        if event is not None:
            self._dispatch(event)

    async def refresh(self, authenticator: Authenticator, user: User, *, way: Way) -> None:
        """Ask for new credentials, and report what came of it (B5)."""
        event: events.Event | None = None
        try:
            with self.scope:
                event = await refresh(authenticator, user, self.generation, way=way)
        finally:
            self._gone()
        if event is not None:
            self._dispatch(event)

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

    async def _run(self, dialer: Dialer, request: Request) -> events.Event:
        """Run a socket to its end, and return what the machine is to be told of it."""
        token = request.user.auth_token
        try:
            ended = await dialer.run(request, self)
        except (DialError, OSError) as error:
            failed = error if isinstance(error, DialError) else DialError(str(error) or repr(error))
            if self.socket is None:
                return events.DialFailed(
                    generation=self.generation,
                    http_status=failed.http_status,
                    close_code=failed.close_code,
                    retry_after=failed.retry_after,
                    details=redacted(failed.details, token),
                )
            ended = Ended(details=failed.details)
        details = redacted(ended.details, token)
        if self.socket is None:
            return events.DialFailed(
                generation=self.generation, close_code=ended.code, details=details
            )
        return events.SocketClosed(generation=self.generation, code=ended.code, details=details)

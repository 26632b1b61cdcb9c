"""One dial and the socket it leads to, as the driver sees it."""

from __future__ import annotations

from collections.abc import Callable

import trio

from statemodel import events
from transport._inbox import Inbox
from transport._seam import Socket


class Attempt:
    """The `Sink` of one generation: what its dialer tells becomes events, or goes to the inbox."""

    def __init__(
        self,
        generation: int,
        *,
        dispatch: Callable[[events.Event], None],
        inbox: Inbox,
        clock: Callable[[], float],
    ) -> None:
        self.generation = generation
        self.scope = trio.CancelScope()
        self.gone = trio.Event()
        """Set when its task has ended and its descriptor is closed."""
        self.socket: Socket | None = None
        """The open socket, from its opening to its end."""
        self.heard_at: float | None = None
        """When something last came in, if the machine was not told yet."""
        self._dispatch = dispatch
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

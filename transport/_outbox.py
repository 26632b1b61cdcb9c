"""Messages on their way out: queued by whoever sends, written by the one task that writes.

Cancelled before it is picked up, a message is withdrawn; afterwards it is written whole.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import trio

from statemodel import Code
from transport._errors import TransportError


@dataclass(slots=True, eq=False)
class Outgoing:
    """A message that has not been written to its end."""

    message: str | bytes
    written: int = 0
    """How much of it has been picked up, in characters or bytes."""
    started: bool = False
    sent: bool = False
    done: trio.Event = field(default_factory=trio.Event)


class Outbox:
    """The messages that one socket has yet to write.

    Args:
        wake: Has somebody write what there is.
    """

    __slots__ = ("_begun", "_over", "_queue", "_shut", "_wake")

    def __init__(self, wake: Callable[[], None]) -> None:
        self._wake = wake
        self._queue: list[Outgoing] = []  # short; a deque takes 760 bytes
        self._begun: Outgoing | None = None
        self._shut = self._over = False

    @property
    def is_empty(self) -> bool:
        """Whether a message that is sent now is the next one, and may be."""
        return not self._queue and self._begun is None and not self._shut

    @property
    def first(self) -> Outgoing | None:
        """The message to write next, or to go on with."""
        return self._queue[0] if self._queue else None

    async def send(self, message: str | bytes) -> None:
        """Queue a message and wait until it is written; see `Socket.send`."""
        if self._shut:
            # Whoever tries again at once must let the reader run, which knows more.
            await trio.lowlevel.checkpoint()
            raise TransportError(Code.CONNECTION_LOST, "the socket is closing")
        outgoing = Outgoing(message)
        self._queue.append(outgoing)
        await self._finish(outgoing)

    async def finish_begun(self, message: str | bytes) -> None:
        """Wait until a message is written whose sender has written the beginning; `begun_is_sent` says it."""
        if self._over:
            raise TransportError(Code.CONNECTION_LOST, "the socket ended within it")
        self._begun = Outgoing(message, started=True)
        await self._finish(self._begun)

    async def _finish(self, outgoing: Outgoing) -> None:
        self._wake()
        try:
            await outgoing.done.wait()
        except trio.Cancelled:
            if not outgoing.sent:
                if not outgoing.started and outgoing in self._queue:
                    self._queue.remove(outgoing)
                raise
        if not outgoing.sent:
            raise TransportError(Code.CONNECTION_LOST, "the socket ended before it was written")

    def first_is_sent(self) -> None:
        """Note that the first message is written to its end."""
        outgoing = self._queue.pop(0)
        outgoing.sent = True
        outgoing.done.set()

    def begun_is_sent(self) -> None:
        """Note that what its sender had begun is written to its end."""
        if self._begun is not None:
            self._begun.sent = True
            self._begun.done.set()
            self._begun = None

    def shut(self) -> None:
        """Take no more messages; the socket is closing."""
        self._shut = True

    def fail(self) -> None:
        """Fail all that is left; nothing is written any more."""
        self._shut = self._over = True
        if self._begun is not None:
            self._begun.done.set()
        while self._queue:
            self._queue.pop(0).done.set()

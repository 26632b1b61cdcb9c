"""The messages that have arrived and have not been read (rules K3, K6)."""

from __future__ import annotations

from collections.abc import Callable

import trio

from transport._errors import TransportError
from transport._signal import Signal


class Inbox:
    """A queue between the sockets of one connection and its one reader.

    It outlives the sockets: what had arrived before a loss is still read, and what the next socket
    brings comes after it.

    Args:
        max_messages: With so many unread messages no more is read from the socket.
        max_size: Likewise for their size, in characters and bytes; one read may go beyond either.
    """

    def __init__(self, max_messages: int, max_size: int) -> None:
        self._max_messages = max_messages
        self._max_size = max_size
        # Two lists, as a deque takes 760 bytes when it is empty: the newest come last in one, and first in the other.
        self._messages: list[str | bytes] = []
        self._oldest: list[str | bytes] = []
        self._size = 0
        self.clearings = 0
        """So often has what was unread been dropped."""
        self._busy = False
        self._news = Signal()
        self._room = Signal()
        self._failure: TransportError | None = None

    def __len__(self) -> int:
        return len(self._messages) + len(self._oldest)

    @property
    def is_being_read(self) -> bool:
        """Whether a task waits in `get`."""
        return self._busy

    @property
    def has_room(self) -> bool:
        """Whether more may be read from the socket."""
        return len(self) < self._max_messages and self._size < self._max_size

    def put(self, message: str | bytes) -> None:
        """Append a message."""
        self._messages.append(message)
        self._size += len(message)
        self._news.give()

    async def wait_room(self) -> None:
        """Wait until there is room."""
        while not self.has_room:
            await self._room.wait()

    def clear(self) -> None:
        """Drop what is unread (K3)."""
        self._messages.clear()
        self._oldest.clear()
        self._size = 0
        self.clearings += 1
        self._room.give()

    def wake(self) -> None:
        """Let the reader look again whether anything can still come."""
        self._news.give()

    def fail(self, error: TransportError) -> None:
        """End the wait of who is reading now, whatever comes after (B5)."""
        if self._busy:
            self._failure = error
            self._news.give()

    async def get(self, failure: Callable[[], TransportError | None]) -> str | bytes:
        """Return the oldest message, waiting for one.

        Cancelled, it has taken none.

        Raises:
            trio.BusyResourceError: somebody else is reading.
            TransportError: nothing is left, and `failure` says why nothing will come.
        """
        if self._busy:
            raise trio.BusyResourceError("another task is reading this connection's messages")
        self._busy = True
        try:
            await trio.lowlevel.checkpoint()
            while not (self._oldest or self._messages):
                error, self._failure = self._failure or failure(), None
                if error is not None:
                    raise error
                await self._news.wait()
        finally:
            self._busy = False
            self._failure = None
        return self.take()

    async def wait_message(self) -> None:
        """Wait until there is a message, and leave it there."""
        await trio.lowlevel.checkpoint()
        while not len(self):
            await self._news.wait()

    def take(self) -> str | bytes:
        """Take the oldest of the messages that are there."""
        if not self._oldest:
            self._messages, self._oldest = [], self._messages[::-1]
        message = self._oldest.pop()
        self._size -= len(message)
        if self.has_room:
            self._room.give()
        return message

"""The far end of sockets in memory, and other things that do nothing by themselves."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

import trio

from transport import (
    AuthenticationError,
    CredentialsRevokedError,
    Ended,
    SessionStoreError,
)
from transport.testing._memory_client import Client, Frame

_REFUSED = SessionStoreError("the disk is full")
QUESTIONS: dict[str, tuple[str, Exception | None]] = {
    "authenticated": ("authenticate", None),
    "not_authenticated": ("authenticate", AuthenticationError("no")),
    "saved": ("save", None),
    "not_saved": ("save", _REFUSED),
    "cleared": ("clear", None),
    "not_cleared": ("clear", _REFUSED),
    "refreshed": ("refresh", None),
    "not_refreshed": ("refresh", AuthenticationError("not now")),
    "revoked": ("refresh", CredentialsRevokedError("never")),
}
"""What an answer answers, and what it raises there."""


class StandingClock(trio.abc.Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def start_clock(self) -> None:
        """Nothing starts."""

    def current_time(self) -> float:
        """Return what it was set to."""
        return self.now

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return 0 for what is due; all else is for ever away."""
        return 0.0 if deadline <= self.now else inf


class Question:
    """Something that takes time, until an act answers it."""

    def __init__(self) -> None:
        self._answered = trio.Event()
        self._failure: Exception | None = None

    def answer(self, failure: Exception | None) -> None:
        self._failure = failure
        self._answered.set()

    async def wait(self) -> None:
        await self._answered.wait()
        if self._failure is not None:
            raise self._failure


class Peer:
    """The far end of a socket in memory: takes what comes, and is spoken for by the acts."""

    def __init__(self) -> None:
        self.ended = trio.Event()
        self.room = trio.lowlevel.ParkingLot()
        self.is_full = False
        self.is_silent = False
        self.pings: deque[bytes] = deque()

    def arrive(self, frame: Frame) -> None:
        if frame.kind == "ping":
            assert isinstance(frame.content, bytes)
            self.pings.append(frame.content)

    def end(self) -> None:
        self.ended.set()


class Dial:
    """A dial, and the socket that it leads to."""

    def __init__(self, request: Any, sink: Any) -> None:
        self.sink = sink
        self.peer: Peer | None = None
        self.end = Question()
        self.client = Client(lambda _: None, request, sink)

    async def run(self) -> Ended:
        try:
            await self.end.wait()
            assert self.peer is not None, "accepted"
            return await self.client.run(self.peer)
        finally:
            self.client.abort()

    def accept(self) -> None:
        self.peer = Peer()
        self.sink.opened(self.client)
        self.end.answer(None)


class ScriptedDialer:
    def __init__(self, begin: Callable[[Dial], None]) -> None:
        self._begin = begin

    async def run(self, request: Any, sink: Any) -> Ended:
        dial = Dial(request, sink)
        self._begin(dial)
        return await dial.run()

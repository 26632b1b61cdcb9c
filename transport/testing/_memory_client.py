"""The client's end of a WebSocket in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Literal, NamedTuple, Protocol

import trio

from transport._outbox import Outbox
from transport._seam import Ended, Request, Sink
from transport._websocket import ANSWER_TIMEOUT

BUFFER = 256 * 2**10
"""Bytes that fit between the two ends while nobody reads; about what two kernels hold."""


class Frame(NamedTuple):
    kind: Literal["message", "ping", "pong", "close", "throttle", "reset"]
    content: str | bytes = b""
    """The message, the payload, or the close reason."""
    code: int = 0
    """Of a close; for `throttle` whether it is on."""

    @property
    def size(self) -> int:
        if self.kind != "message" or isinstance(self.content, bytes) or self.content.isascii():
            return len(self.content)
        return len(self.content.encode())


class FarEnd(Protocol):
    """The server's end, as the client's end knows it."""

    ended: trio.Event
    room: trio.lowlevel.ParkingLot

    @property
    def is_full(self) -> bool: ...

    @property
    def is_silent(self) -> bool: ...

    def arrive(self, frame: Frame) -> None: ...

    def end(self) -> None: ...


class Client:
    """The client's end: a `Socket`, and the task that tells the sink."""

    def __init__(self, closed: Callable[[Client], None], request: Request, sink: Sink) -> None:
        self._closed_here = closed
        self._request = request
        self._sink = sink
        self._peer: FarEnd | None = None
        self._gone = False
        self._draining = False
        self._inbound: deque[Frame] = deque()
        self._answers: deque[tuple[float, Frame]] = deque()
        self._arrived = trio.Event()
        self.unread_size = 0
        self.room = trio.lowlevel.ParkingLot()
        """Where the server's `send` waits while the buffer to this end is full."""
        self._pings: deque[bytes] = deque()
        self._pong: bytes | None = None
        self._outbox = Outbox(self._wake)
        self._close_code: int | None = None
        self._work = trio.Event()
        self._closed = trio.Event()

    async def run(self, peer: FarEnd) -> Ended:
        """Run the open socket to its end."""
        self._peer = peer
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write, peer)
            ended = await self._read(peer)
            if self._close_code is not None and not self._gone:
                with trio.move_on_after(ANSWER_TIMEOUT):  # the answer to a close
                    await self._closed.wait()
            nursery.cancel_scope.cancel()
        return ended

    # -- Socket ----------------------------------------------------------------------------------

    @property
    def subprotocol(self) -> str | None:
        return next(iter(self._request.offered_subprotocols), None)

    def ping(self, payload: bytes) -> None:
        self._pings.append(payload)
        self._work.set()

    async def send(self, message: str | bytes) -> None:
        await self._outbox.send(message)

    def close(self) -> None:
        self._draining = True
        self._request_close(1000)

    def abort(self) -> None:
        if not self._gone:
            self._gone = True
            self._closed_here(self)
            self._arrived.set()
            if self._peer is not None and not self._peer.ended.is_set():
                self._peer.end()

    def _request_close(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
        self._outbox.shut()
        self._wake()

    def _wake(self) -> None:
        self._work.set()

    # -- for the server's end --------------------------------------------------------------------

    def arrive(self, frame: Frame) -> None:
        """Take a frame that the server has written."""
        self._inbound.append(frame)
        self.unread_size += frame.size
        self._arrived.set()

    def answer(self, frame: Frame, latency: float) -> None:
        """Take an answer that the server will have written so many seconds from now."""
        self._answers.append((trio.current_time() + latency, frame))
        self._arrived.set()

    # -- tasks -----------------------------------------------------------------------------------

    async def _read(self, peer: FarEnd) -> Ended:
        sink = self._sink
        while True:
            await trio.lowlevel.checkpoint()
            if not sink.has_room and not self._draining:
                await sink.wait_room()
            frame = await self._next(peer)
            if frame is None:
                return Ended(details="the descriptor was closed")
            if frame.kind == "reset":
                return Ended(details="the peer reset the connection")
            sink.frame()
            match frame.kind:
                case "message":
                    if frame.size > self._request.max_message_size:
                        self._request_close(1009)
                        return Ended(code=1009, details="a message over the limit came in")
                    if not self._draining:
                        sink.message(frame.content)
                case "ping":
                    assert isinstance(frame.content, bytes)
                    self._pong = frame.content
                    self._work.set()
                case "pong":
                    assert isinstance(frame.content, bytes)
                    sink.pong(frame.content)
                case "throttle":
                    sink.throttled(on=bool(frame.code))
                case "close":
                    self._request_close(frame.code)
                    reason = frame.content or f"close code {frame.code}"
                    return Ended(code=frame.code, details=str(reason))

    async def _next(self, peer: FarEnd) -> Frame | None:
        """Return what comes in next; `None` when this end is closed."""
        while not self._gone:
            now = trio.current_time()
            while self._answers and self._answers[0][0] <= now:
                _, answer = self._answers.popleft()
                if not peer.is_silent and not peer.ended.is_set():
                    self._inbound.append(answer)
            if self._inbound:
                frame = self._inbound.popleft()
                self.unread_size -= frame.size
                self.room.unpark_all()
                return frame
            self._arrived = trio.Event()
            with trio.CancelScope(deadline=self._answers[0][0] if self._answers else inf):
                await self._arrived.wait()
        return None

    async def _write(self, peer: FarEnd) -> None:
        """Own all writes: control frames first, then data, each frame whole."""
        try:
            while self._close_code is None:
                if self._pings:
                    payload = self._pings.popleft()
                    await self._put(peer, Frame("ping", payload))
                    self._sink.ping_written(payload)
                elif self._pong is not None:
                    pong, self._pong = self._pong, None
                    await self._put(peer, Frame("pong", pong))
                elif (outgoing := self._outbox.first) is not None:
                    outgoing.started = True
                    await self._put(peer, Frame("message", outgoing.message))
                    self._outbox.first_is_sent()
                else:
                    self._work = trio.Event()
                    await self._work.wait()
            await self._put(peer, Frame("close", code=self._close_code))
        except trio.BrokenResourceError:
            self.abort()
        finally:
            self._closed.set()
            self._outbox.fail()

    async def _put(self, peer: FarEnd, frame: Frame) -> None:
        await trio.lowlevel.checkpoint()
        while peer.is_full:
            await peer.room.park()
        if self._gone or peer.ended.is_set():
            raise trio.BrokenResourceError("the connection is gone")
        peer.arrive(frame)

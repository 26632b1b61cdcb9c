"""The server in memory: the same interface and behaviour without bytes, for virtual time.

What a real socket does with frames is done here with plain objects: two pipes with a bounded
buffer each, a reader and a writer on the client's side, an end that answers by itself on the
server's. `tests/transport/test_scenarios.py` runs the same scenarios on this and on real sockets.
"""

from __future__ import annotations

from collections import deque
from math import inf

import trio

from transport._errors import DialError
from transport._seam import Dialer, Ended, Request, Sink, TokenIn
from transport.testing._memory_client import BUFFER, Client, Frame
from transport.testing._plans import Accept, Garbage, Hang, Refuse, Reset, Vanish
from transport.testing._server import Server, ServerSocket


class MemorySocket(ServerSocket):
    """The server's end of one WebSocket in memory."""

    def __init__(self, server: MemoryServer, client: Client, token: str | None) -> None:
        super().__init__(token)
        self._server = server
        self._client = client
        self._unread: deque[Frame] = deque()
        self._unread_size = 0
        self._closing = False
        self.room = trio.lowlevel.ParkingLot()
        """Where the client's writer waits while the buffer to this end is full."""

    async def send(self, message: str | bytes) -> None:
        """Write a message; see `ServerSocket.send`."""
        await self._write(Frame("message", message))

    async def send_ping(self, payload: bytes = b"") -> None:
        """Write a ping; its pong comes to `pongs`."""
        await self._write(Frame("ping", payload))

    async def send_pong(self, payload: bytes) -> None:
        """Write a pong that nobody has asked for."""
        await self._write(Frame("pong", payload))

    async def throttle(self, *, on: bool = True) -> None:
        """Switch throttling on or off (T7); the library's own dialer knows no such frame."""
        await self._write(Frame("throttle", code=on))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Write a close frame, and go on until the client's; `ended` tells when it is over."""
        await self._write(Frame("close", reason, code))
        self._closing = True

    def drop(self) -> None:
        """Reset the connection at once."""
        if not self.ended.is_set():
            self.end()
            self._client.arrive(Frame("reset"))

    def resume(self) -> None:
        """Read again, beginning with what has stayed in the buffers."""
        super().resume()
        while self._unread and not self._paused and not self.ended.is_set():
            frame = self._unread.popleft()
            self._unread_size -= frame.size
            self._read(frame)
        self.room.unpark_all()

    async def _write(self, frame: Frame) -> None:
        await trio.lowlevel.checkpoint()
        while self._client.unread_size >= BUFFER and not self.ended.is_set():
            await self._client.room.park()
        if self.ended.is_set() or self._closing:
            raise trio.BrokenResourceError("the socket is closing, or has ended")
        self._client.arrive(frame)

    # -- for the client's end --------------------------------------------------------------------

    @property
    def is_full(self) -> bool:
        """Whether the client's writer has to wait."""
        return self._unread_size >= BUFFER and not self.ended.is_set()

    @property
    def is_silent(self) -> bool:
        """Whether nothing is answered any more."""
        return self._silent

    def arrive(self, frame: Frame) -> None:
        """Take a frame that the client has written."""
        if self._paused:
            self._unread.append(frame)
            self._unread_size += frame.size
        else:
            self._read(frame)

    def end(self) -> None:
        """The connection is gone; let go whoever waits for it."""
        self._end()
        self._server.closed(self._client)
        self._client.room.unpark_all()
        self.room.unpark_all()

    def _read(self, frame: Frame) -> None:
        match frame.kind:
            case "message":
                self._saw_message(frame.content)
            case "ping":
                assert isinstance(frame.content, bytes)
                if self._saw_ping(frame.content):
                    self._client.answer(Frame("pong", frame.content), self._server.latency)
            case "pong":
                assert isinstance(frame.content, bytes)
                self.pongs.append(frame.content)
                self._news.unpark_all()
            case "close":
                self.close_code = frame.code
                if self._closing:
                    self.end()
                else:
                    self._closing = True
                    self._client.answer(Frame("close", code=frame.code), self._server.latency)
            case "throttle" | "reset":
                raise AssertionError("a client sends no such thing")


class MemoryServer(Server[MemorySocket]):
    """A WebSocket server in memory; pass its `dialer` to `open_connection`.

    It needs no task and nothing to close. Under `trio.testing.MockClock` the only time that passes
    is what its plans and `latency` say.
    """

    url = "ws://localhost/"

    def __init__(self) -> None:
        super().__init__()
        self._connections: set[Client] = set()
        self._down: trio.Event | None = trio.Event()

    @property
    def dialer(self) -> Dialer:
        """The only one that reaches this server."""
        return _MemoryDialer(self)

    @property
    def open_sockets(self) -> int:
        """How many connections are open now, those in the handshake included."""
        return len(self._connections)

    async def start(self) -> None:
        """Listen again after `stop`."""
        await trio.lowlevel.checkpoint()
        if self._down is None:
            self._down = trio.Event()

    async def stop(self) -> None:
        """Reset all connections and listen no more."""
        await trio.lowlevel.checkpoint()
        if self._down is not None:
            self._down.set()
            self._down = None
            for socket in self._sockets:
                socket.drop()

    def closed(self, client: Client) -> None:
        """One end of a connection was closed."""
        self._connections.discard(client)

    async def serve(self, request: Request, sink: Sink) -> Ended:
        """Be dialled: what `Dialer.run` does."""
        down = self._down
        await trio.lowlevel.checkpoint()
        if down is None:
            raise DialError("ConnectionRefusedError: the server is down")
        client = Client(self.closed, request, sink)
        try:
            self._connections.add(client)
            plan = self._saw_dial()
            delay = inf if isinstance(plan, Hang) else getattr(plan, "delay", 0.0)
            with trio.move_on_after(delay):
                await down.wait()
            if down.is_set():
                raise DialError("the connection was reset")
            match plan:
                case Refuse():
                    raise DialError(
                        f"the server answered HTTP {plan.status}",
                        http_status=plan.status,
                        retry_after=plan.retry_after,
                    )
                case Hang() | Reset() | Vanish() | Garbage():
                    raise DialError("the server closed the connection, or speaks no WebSocket")
                case Accept():
                    hidden = request.token_in is TokenIn.HELLO
                    token = None if hidden else request.user.auth_token or None
                    socket = MemorySocket(self, client, token)
                    self._upgraded(socket)
                    sink.opened(client)
                    return await client.run(socket)
        finally:
            client.abort()


class _MemoryDialer:
    def __init__(self, server: MemoryServer) -> None:
        self._server = server

    async def run(self, request: Request, sink: Sink) -> Ended:
        return await self._server.serve(request, sink)

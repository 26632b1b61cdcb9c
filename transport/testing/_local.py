"""The server on real sockets: wsproto over TCP and TLS, on loopback only."""

from __future__ import annotations

import select
import socket as stdlib_socket
import ssl
import struct
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio
import wsproto.events as ws
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from transport._seam import BEARER_SUBPROTOCOL, Dialer
from transport._websocket import WebSocketDialer
from transport.testing._plans import Accept, Garbage, Hang, Plan, Refuse, Reset, Vanish
from transport.testing._server import Server, ServerSocket

_RECEIVE_BYTES = 64 * 2**10
_GLANCE = 0.01
"""Seconds between two looks at a connection that is not being read."""
_HOST = "127.0.0.1"
_GONE = (trio.BrokenResourceError, trio.ClosedResourceError)


class LocalSocket(ServerSocket):
    """The server's end of one WebSocket on a real socket."""

    def __init__(
        self, server: LocalServer, stream: trio.abc.Stream, wire: WSConnection, token: str | None
    ) -> None:
        super().__init__(token)
        self._server = server
        self._stream = stream
        self._wire = wire
        self._lock = trio.Lock()
        self._answers: deque[tuple[float, ws.Pong]] = deque()
        self._answers_due = trio.lowlevel.ParkingLot()
        self._text: list[str] = []  # of a message that is not finished
        self._bytes = bytearray()

    async def send(self, message: str | bytes) -> None:
        """Write a message; see `ServerSocket.send`."""
        if isinstance(message, str):
            await self._write(ws.TextMessage(message))
        else:
            await self._write(ws.BytesMessage(message))

    async def send_ping(self, payload: bytes = b"") -> None:
        """Write a ping; its pong comes to `pongs`."""
        await self._write(ws.Ping(payload))

    async def send_pong(self, payload: bytes) -> None:
        """Write a pong that nobody has asked for."""
        await self._write(ws.Pong(payload))

    async def send_raw(self, data: bytes) -> None:
        """Write bytes as they are, well-formed or not; `MemoryServer` has no bytes."""
        async with self._lock:
            try:
                await self._stream.send_all(data)
            except _GONE as error:
                raise trio.BrokenResourceError("the socket has ended") from error

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Write a close frame, and go on until the client's; `ended` tells when it is over."""
        await self._write(ws.CloseConnection(code, reason))

    def drop(self) -> None:
        """Reset the connection at once."""
        _reset(self._stream)
        self._end()

    async def _write(self, event: ws.Event) -> None:
        async with self._lock:
            try:
                await self._stream.send_all(self._wire.send(event))
            except (*_GONE, LocalProtocolError) as error:
                raise trio.BrokenResourceError("the socket is closing, or has ended") from error

    async def _live(self) -> None:
        """Read and answer until the connection is gone."""
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._answer)
                await self._read()
                nursery.cancel_scope.cancel()
        finally:
            self._end()

    async def _read(self) -> None:
        while True:
            try:
                data = await self._stream.receive_some(_RECEIVE_BYTES)
            except _GONE:
                return
            if not data or not await self._may_read():
                return
            try:
                self._wire.receive_data(bytes(data))
            except (LocalProtocolError, RemoteProtocolError):
                return
            for event in self._wire.events():
                if isinstance(event, ws.CloseConnection):
                    await self._read_close(event)
                    return
                self._read_frame(event)

    async def _may_read(self) -> bool:
        """Wait until reading goes on; return whether the connection is still there."""
        while self._paused:
            if _hung_up(self._stream):
                return False
            await trio.sleep(_GLANCE)
        return True

    def _read_frame(self, event: ws.Event) -> None:
        match event:
            case ws.TextMessage():
                self._text.append(event.data)
                if event.message_finished:
                    self._saw_message("".join(self._text))
                    self._text.clear()
            case ws.BytesMessage():
                self._bytes += event.data
                if event.message_finished:
                    self._saw_message(bytes(self._bytes))
                    self._bytes.clear()
            case ws.Ping():
                if self._saw_ping(bytes(event.payload)):
                    due = trio.current_time() + self._server.latency
                    self._answers.append((due, event.response()))
                    self._answers_due.unpark_all()
            case ws.Pong():
                self.pongs.append(bytes(event.payload))
                self._news.unpark_all()
            case _:
                pass

    async def _read_close(self, event: ws.CloseConnection) -> None:
        self.close_code = event.code
        if self._wire.state is not ConnectionState.REMOTE_CLOSING:
            return  # it answers ours
        await trio.sleep(self._server.latency)
        if not await self._may_read():
            return
        try:
            await self._write(event.response())
        except trio.BrokenResourceError:
            pass

    async def _answer(self) -> None:
        while True:
            while not self._answers:
                await self._answers_due.park()
            due, pong = self._answers.popleft()
            await trio.sleep_until(due)
            if not self._silent:
                try:
                    await self._write(pong)
                except trio.BrokenResourceError:
                    return


class LocalServer(Server[LocalSocket]):
    """A WebSocket server on 127.0.0.1; get one from `open_server`."""

    def __init__(self, nursery: trio.Nursery, ssl_context: ssl.SSLContext | None) -> None:
        super().__init__()
        self._nursery = nursery
        self._ssl_context = ssl_context
        self._connections: set[trio.SocketStream] = set()
        self._scope: trio.CancelScope | None = None
        self._stopped = trio.Event()
        self._socket = _bound(0)
        self.port: int = self._socket.getsockname()[1]
        """Where it listens."""
        self.url = f"{'ws' if ssl_context is None else 'wss'}://{_HOST}:{self.port}/"

    @property
    def dialer(self) -> Dialer:
        """The library's own."""
        return WebSocketDialer()

    @property
    def open_sockets(self) -> int:
        """How many connections are open now, and not yet closed by the client."""
        return sum(not _hung_up(stream) for stream in self._connections)

    async def start(self) -> None:
        """Listen again, on the same port, after `stop`."""
        if self._scope is None:
            self._stopped = trio.Event()
            await self._nursery.start(self._run)

    async def stop(self) -> None:
        """Reset all connections and listen no more; the port stays this server's."""
        if self._scope is not None:
            self._scope.cancel()
            with trio.CancelScope(shield=True):
                await self._stopped.wait()

    async def _run(self, task_status: trio.TaskStatus[None]) -> None:
        listening = trio.socket.from_stdlib_socket(self._socket)
        listening.listen(128)
        try:
            with trio.CancelScope() as self._scope:
                task_status.started()
                await trio.serve_listeners(self._handle, [trio.SocketListener(listening)])
        finally:
            listening.close()
            self._socket = _bound(self.port)  # bound and not listening: it refuses, and stays ours
            self._scope = None
            self._stopped.set()

    async def _handle(self, stream: trio.SocketStream) -> None:
        self._connections.add(stream)
        plan = self._saw_dial()
        try:
            await self._follow(plan, stream)
        except trio.Cancelled:
            _reset(stream)
            raise
        except _GONE:
            pass
        finally:
            stream.socket.close()
            self._connections.discard(stream)

    async def _follow(self, plan: Plan, raw: trio.SocketStream) -> None:
        if isinstance(plan, Hang):
            while not _hung_up(raw):  # noqa: ASYNC110 - of another machine, so to say
                await trio.sleep(_GLANCE)
            return
        if isinstance(plan, Reset):
            await raw.receive_some(1)
            _reset(raw)
            return
        stream: trio.abc.Stream = raw
        if self._ssl_context is not None:
            stream = trio.SSLStream(raw, self._ssl_context, server_side=True, https_compatible=True)
        wire = WSConnection(ConnectionType.SERVER)
        request = await _read_request(stream, wire)
        await trio.sleep(plan.delay)
        match plan:
            case Vanish():
                return
            case Garbage():
                await stream.send_all(plan.data)
            case Refuse():
                await stream.send_all(wire.send(_refusal(plan)))
            case Accept():
                chosen = next(iter(request.subprotocols), None)
                await stream.send_all(wire.send(ws.AcceptConnection(subprotocol=chosen)))
                socket = LocalSocket(self, stream, wire, _token(request))
                self._upgraded(socket)
                await socket._live()  # noqa: SLF001 - of this module


@asynccontextmanager
async def open_server(*, ssl_context: ssl.SSLContext | None = None) -> AsyncIterator[LocalServer]:
    """Run a WebSocket server on a free port of 127.0.0.1; leaving the block resets what is open.

    Args:
        ssl_context: For TLS, with a certificate for 127.0.0.1; the URL is `wss:` then.
    """
    escaped: BaseException | None = None
    try:
        async with trio.open_nursery() as nursery:
            server = LocalServer(nursery, ssl_context)
            try:
                await server.start()
                yield server
            except BaseException as error:
                escaped = error
                raise
            finally:
                await server.stop()
                server._socket.close()  # noqa: SLF001 - of this module
    except BaseExceptionGroup as group:
        if group.exceptions != (escaped,):
            raise
    if escaped is not None:  # what the block raised, as it is and not in a group
        raise escaped


async def _read_request(stream: trio.abc.Stream, wire: WSConnection) -> ws.Request:
    while True:
        data = await stream.receive_some(_RECEIVE_BYTES)
        if not data:
            raise trio.BrokenResourceError("the client hung up")
        try:
            wire.receive_data(bytes(data))
        except RemoteProtocolError as error:
            raise trio.BrokenResourceError("this is no upgrade request") from error
        for event in wire.events():
            if isinstance(event, ws.Request):
                return event


def _token(request: ws.Request) -> str | None:
    """Return the bearer token of an upgrade request, wherever it is."""
    value = dict(request.extra_headers).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = value.partition(" ")
    if scheme == "Bearer":
        return token
    offered = (name for name in request.subprotocols if name.startswith(BEARER_SUBPROTOCOL))
    return next((name.removeprefix(BEARER_SUBPROTOCOL) for name in offered), None)


def _refusal(plan: Refuse) -> ws.RejectConnection:
    headers = [(name.encode(), value.encode()) for name, value in plan.headers]
    if plan.retry_after is not None:
        headers.append((b"Retry-After", b"%d" % plan.retry_after))
    return ws.RejectConnection(status_code=plan.status, headers=headers)


def _bound(port: int) -> stdlib_socket.socket:
    bound = stdlib_socket.socket(stdlib_socket.AF_INET, stdlib_socket.SOCK_STREAM)
    bound.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_REUSEADDR, 1)
    bound.bind((_HOST, port))
    return bound


def _lowest(stream: trio.abc.Stream) -> trio.SocketStream:
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    assert isinstance(stream, trio.SocketStream)
    return stream


def _reset(stream: trio.abc.Stream) -> None:
    """Close so that the client sees a reset: lingering for no time at all."""
    socket = _lowest(stream).socket
    if socket.fileno() >= 0:
        linger = struct.pack("ii", 1, 0)
        socket.setsockopt(stdlib_socket.SOL_SOCKET, stdlib_socket.SO_LINGER, linger)
        socket.close()


def _hung_up(stream: trio.abc.Stream) -> bool:
    """Tell whether the client has closed its end, even if what it sent before is still unread."""
    descriptor = _lowest(stream).socket.fileno()
    if descriptor < 0:
        return True
    poll = select.poll()
    poll.register(descriptor, getattr(select, "POLLRDHUP", select.POLLHUP))
    return bool(poll.poll(0))

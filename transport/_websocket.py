"""The dialer that speaks trio-websocket; nothing else imports it or wsproto.

trio-websocket hides what a managed connection must know: pongs one by one, the peer's pings, when
reading stops, and how a write ended. So this module stands on its `WebSocketConnection` and on
these internals of 0.12: the constructor, `_reader_task`, `_send` with `_wsproto`, `_stream` and
`_stream_lock`, `_message_parts` and `_message_size`, the `_handle_*_event` methods, and what is let go to save
memory. The dependency is pinned to that minor, and a test names each of them.

What it mends, each with a test of that name in `tests/transport/test_websocket_traps.py`:

* a waiting `ping()` hangs when the peer vanishes: pings and pongs are told, nobody waits here;
* `aclose()` has no time limit: closing is a request, and `abort` closes the descriptor at once;
* unread messages stop its reader unseen: reading stops here, on purpose, and the sink is told;
* a cancelled `send_message` leaves half a frame: one task writes whatever the kernel does not take at once,
  and completes it. It lives as long as there is something to write: 10,000 idle connections have none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import trio
import wsproto.events as ws
from trio_websocket import ConnectionClosed, WebSocketConnection
from wsproto import ConnectionType, WSConnection
from wsproto.connection import ConnectionState
from wsproto.utilities import ProtocolError

from statemodel import Code
from transport._errors import DialError, TransportError
from transport._outbox import Outbox, Outgoing
from transport._seam import Ended, Request, Sink
from transport._streams import Observed, close_now, open_stream
from transport._upgrade import headers_of, retry_after

RECEIVE_BYTES = 64 * 2**10
"""Bytes per read: trio-websocket's own 4 KiB makes 64 KiB messages about five times slower."""

FRAGMENT = 64 * 2**10
"""Characters or bytes; larger messages are written in fragments, so that a ping need not wait for all of one (P1)."""


FRAMES_PER_TURN = 256
"""Data frames after which other tasks run: one read may bring thousands of tiny ones."""

ANSWER_TIMEOUT = 0.25
"""Seconds in which the answer to the peer's close is written, before the socket counts as ended."""

_UNKNOWN_CODE = "CLOSE with unknown reserved code"
"""What wsproto says of a close code below 3000 that it does not know, such as 1014. It does not say which."""


class _Over(Exception):
    """The socket has ended in this way."""

    def __init__(self, ended: Ended | DialError) -> None:
        self.ended = ended


class WebSocketDialer:
    """Dials with trio-websocket over TCP and TLS."""

    async def run(self, request: Request, sink: Sink) -> Ended:
        """Dial and run one socket; see `Dialer.run`."""
        stream = await open_stream(request)
        try:
            return await _Peer(stream, request, sink).run()
        finally:
            close_now(stream)


class _NoChannel(trio.abc.AsyncResource):
    """In place of the channel into which the library puts messages: here they go to the sink."""

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


_NO_CHANNEL = _NoChannel()
_UNHEARD = trio.Event()
"""In place of events for which nobody waits; an empty one takes 280 bytes."""


class _Peer(WebSocketConnection):
    """The client's end of one socket: a `Socket`."""

    __slots__ = (
        "_close_code", "_dropping", "_ended", "_frames", "_nursery", "_observed", "_opened",
        "_outbox", "_ping_queue", "_pong", "_raw", "_rest", "_sink", "_writing",
    )  # fmt: skip
    _nursery: trio.Nursery

    def __init__(self, stream: trio.abc.Stream, request: Request, sink: Sink) -> None:
        self._raw = stream
        self._observed = Observed(stream, sink)
        super().__init__(
            self._observed,
            WSConnection(ConnectionType.CLIENT),
            host=request.address.host_header,
            path=request.address.resource,
            client_subprotocols=request.offered_subprotocols,
            client_extra_headers=headers_of(request),
            message_queue_size=0,  # unused: messages go straight to the sink
            max_message_size=request.max_message_size,
            receive_buffer_size=RECEIVE_BYTES,
        )
        self._sink = sink
        self._opened = False
        self._dropping = False
        self._frames = 0
        self._ping_queue: list[bytes] = []  # short; a deque takes 760 bytes
        self._pong: bytes | None = None
        self._close_code: int | None = None
        self._outbox = Outbox(self._wake)
        self._rest = b""  # of a frame whose sender has written its beginning
        self._writing = self._ended = False
        # What the library has for its servers, its own pings and its own reading is not used.
        self._send_channel = self._recv_channel = _NO_CHANNEL  # type: ignore[assignment]
        self._open_handshake = self._close_handshake = _UNHEARD
        self._for_testing_peer_closed_connection = _UNHEARD
        self._connection_proposal = None

    # -- the life of the socket ----------------------------------------------------------------

    async def run(self) -> Ended:
        ended: Ended | DialError = Ended(details="the connection broke")
        try:
            async with trio.open_nursery() as self._nursery:
                try:
                    await self._reader_task()
                except _Over as over:
                    ended = over.ended
                except (ProtocolError, UnicodeError) as error:
                    ended = Ended(details=f"{type(error).__name__}: {error}")
                finally:  # cancelled, too: whoever closes it meanwhile must find no closed nursery
                    self._ended = True
                    self._outbox.shut()
                if self._opened and self._close_code is not None:
                    self._nursery.cancel_scope.deadline = trio.current_time() + ANSWER_TIMEOUT
                else:
                    self._nursery.cancel_scope.cancel()
        finally:
            self._outbox.fail()
        if isinstance(ended, DialError):
            raise ended
        if not self._opened:
            raise DialError("the server closed the connection, or speaks no WebSocket")
        return ended

    def _wake(self) -> None:
        """Have written what is there to be written: a task does that while there is something."""
        if not self._writing and not self._ended:
            self._writing = True
            self._nursery.start_soon(self._write)

    async def _write(self) -> None:
        """Write what must wait for the kernel: control frames first, then data, each frame whole."""
        try:
            while self._close_code is None:
                if self._rest:
                    await self._put(b"")
                elif self._ping_queue:
                    payload = self._ping_queue.pop(0)
                    await self._send(ws.Ping(payload=payload))
                    self._sink.ping_written(payload)
                elif self._pong is not None:
                    payload, self._pong = self._pong, None
                    await self._send(ws.Pong(payload=payload))
                elif (outgoing := self._outbox.first) is not None:
                    await self._write_part(outgoing)
                else:
                    self._writing = False
                    return
            await self._send(ws.CloseConnection(code=self._close_code))
        except (ConnectionClosed, ProtocolError):
            pass  # it broke; the reader takes what had arrived, and comes to the end
        self._outbox.fail()

    async def _write_part(self, outgoing: Outgoing) -> None:
        """Write one fragment of the first message in the queue."""
        start = outgoing.written
        part = outgoing.message[start : start + FRAGMENT]
        outgoing.written = start + len(part)
        last = outgoing.written == len(outgoing.message)
        outgoing.started = True
        await self._send(_frame(part, last=last))
        if last:
            self._outbox.first_is_sent()

    def _tell(self, tell: Callable[..., None], *arguments: Any) -> None:
        """Tell the sink; the reader takes a KeyError for an unknown event and would swallow it."""
        try:
            tell(*arguments)
        except KeyError as error:
            raise RuntimeError(f"a bug in {tell!r}") from error

    # -- Socket --------------------------------------------------------------------------------

    # The inherited ping(), close and send_message() are not used: see the module's docstring.
    def ping(self, payload: bytes) -> None:  # type: ignore[override]
        self._ping_queue.append(payload)
        self._wake()

    async def send(self, message: str | bytes) -> None:
        if not self._may_go_at_once(message):
            await self._outbox.send(message)
            return
        # What the kernel does not take of it is left to the task that writes. Cancelled, it has taken
        # nothing: trio's sockets promise that, its streams do not. So there is never half a frame.
        self._stream_lock.acquire_nowait()
        try:
            data = self._wsproto.send(_frame(message, last=True))
            taken = await self._raw.socket.send(data)  # type: ignore[attr-defined]  # it is TCP
        except (OSError, trio.ClosedResourceError, ProtocolError):
            self._observed.free()
            await trio.lowlevel.checkpoint()  # whoever tries again at once must let the reader run
            raise TransportError(Code.CONNECTION_LOST, "the socket broke") from None
        finally:
            self._stream_lock.release()
        if taken < len(data):
            self._rest = data[taken:]
            await self._outbox.finish_begun(message)

    def _may_go_at_once(self, message: str | bytes) -> bool:
        """Say whether a message may go straight to TCP: one frame, with nothing before it.

        That spares two turns of the scheduler, of four.
        """
        return (
            self._outbox.is_empty
            and len(message) <= FRAGMENT
            and isinstance(self._raw, trio.SocketStream)
            and not (self._ping_queue or self._pong is not None or self._stream_lock.locked())
        )

    def close(self) -> None:
        self._dropping = True
        self._observed.free()
        self._request_close(1000)

    def abort(self) -> None:
        close_now(self._raw)

    def _request_close(self, code: int) -> None:
        if self._close_code is None:
            self._close_code = code
        self._outbox.shut()
        self._wake()

    async def _send(self, event: ws.Event) -> None:
        """Write an event; the reader answers a broken handshake with one that no client may send."""
        if isinstance(event, ws.RejectConnection):
            raise _Over(DialError("the server's answer is no WebSocket handshake"))
        await self._put(self._wsproto.send(event))

    async def _put(self, data: bytes) -> None:
        """Write some bytes, after what is left of a frame that its sender has begun."""
        lock = self._stream_lock
        try:
            lock.acquire_nowait()  # with a turn of the scheduler less than `async with`
        except trio.WouldBlock:
            await lock.acquire()
        try:
            data, self._rest = self._rest + data, b""
            await self._stream.send_all(data)
            self._outbox.begun_is_sent()
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            self._observed.free()  # the library would stop the reader, and lose what it has
            raise ConnectionClosed(None) from None
        finally:
            lock.release()

    # -- what the reader sees ------------------------------------------------------------------

    async def _handle_accept_connection_event(self, event: ws.AcceptConnection) -> None:
        await super()._handle_accept_connection_event(event)
        self._handshake_headers, self._initial_request = (), None
        assert self._wsproto.connection is not None, "it is open"
        self._wsproto = self._wsproto.connection  # type: ignore[assignment]  # all but the handshake
        self._opened = True
        self._observed.hold()
        self._tell(self._sink.opened, self)

    async def _handle_reject_connection_event(self, event: ws.RejectConnection) -> None:
        headers = {bytes(name).lower(): bytes(value) for name, value in event.headers}
        raise _Over(
            DialError(
                f"the server answered HTTP {event.status_code}",
                http_status=event.status_code,
                retry_after=retry_after(headers),
            )
        )

    async def _handle_message_event(self, event: ws.BytesMessage | ws.TextMessage) -> None:
        self._frames += 1
        if self._frames % FRAMES_PER_TURN == 0:
            await trio.lowlevel.checkpoint()
        if self._dropping:
            return
        data: str | bytes = event.data if isinstance(event, ws.TextMessage) else bytes(event.data)
        if data:  # empty fragments without end must not grow a list
            self._message_parts.append(data)
            self._message_size += _size(data)
        if self._message_size > self._max_message_size:
            self._request_close(1009)
            text = f"a message of more than {self._max_message_size} bytes came in"
            raise _Over(Ended(code=1009, details=text))
        if event.message_finished:
            empty: str | bytes = "" if isinstance(event, ws.TextMessage) else b""
            parts: list[Any] = self._message_parts
            self._message_parts = []
            self._message_size = 0
            self._tell(self._sink.message, parts[0] if len(parts) == 1 else empty.join(parts))

    async def _handle_ping_event(self, event: ws.Ping) -> None:
        self._pong = bytes(event.payload)  # RFC 6455, 5.5.3: the newest may stand for all
        self._wake()

    async def _handle_pong_event(self, event: ws.Pong) -> None:
        self._tell(self._sink.pong, bytes(event.payload))

    async def _handle_close_connection_event(self, event: ws.CloseConnection) -> None:
        """Take the peer's close, its answer to ours, or a frame that could not be parsed."""
        state, code = self._wsproto.state, event.code
        if state is not ConnectionState.CLOSED:
            self._request_close(code)
        if state is ConnectionState.OPEN and event.reason == _UNKNOWN_CODE:
            code = Ended().code  # B5: what no policy lists is a loss, and no breach of protocol
        raise _Over(Ended(code=code, details=event.reason or ""))


def _frame(data: str | bytes, *, last: bool) -> ws.Event:
    if isinstance(data, str):
        return ws.TextMessage(data=data, message_finished=last)
    return ws.BytesMessage(data=data, message_finished=last)


def _size(data: str | bytes) -> int:
    """Return the size of a message on the wire, in bytes."""
    if isinstance(data, bytes) or data.isascii():
        return len(data)
    return len(data.encode())

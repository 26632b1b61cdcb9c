"""What a WebSocket is spoken over: a stream, opened over TCP and TLS, looked at, and closed at once."""

from __future__ import annotations

import ssl

import trio

from transport._errors import DialError
from transport._seam import Request, Sink


async def open_stream(request: Request) -> trio.abc.Stream:
    """Open a TCP connection, with TLS if that is asked for.

    Raises:
        DialError: it cannot be had.
    """
    try:
        return await _open(request)
    except OSError as error:
        raise DialError(_why(error)) from error
    except trio.BrokenResourceError as error:  # TLS; the cause says what was wrong
        raise DialError(f"TLS: {error.__cause__ or error}") from error


async def _open(request: Request) -> trio.abc.Stream:
    address = request.address
    stream: trio.SocketStream = await trio.open_tcp_stream(address.host, address.port)
    if not address.secure:
        return stream
    try:
        secured = trio.SSLStream(
            stream,
            request.ssl_context or ssl.create_default_context(),
            server_hostname=address.host,
            https_compatible=True,
        )
        await secured.do_handshake()
    except BaseException:
        stream.socket.close()
        raise
    return secured


def _why(error: OSError) -> str:
    """Say why TCP failed: trio keeps that in the cause, one for each address it tried."""
    cause = error.__cause__
    causes = cause.exceptions if isinstance(cause, BaseExceptionGroup) else (cause or error,)
    return "; ".join(dict.fromkeys(str(one) or type(one).__name__ for one in causes))


def close_now(stream: trio.abc.Stream) -> None:
    """Close a stream's descriptor without waiting for anything."""
    while isinstance(stream, trio.SSLStream):
        stream = stream.transport_stream
    if isinstance(stream, trio.SocketStream):
        stream.socket.close()
    else:
        stream.close()  # type: ignore[attr-defined]  # in-memory streams have a plain close


class Observed(trio.abc.Stream):
    """A stream that tells the sink what comes in, and reads only while there is room (K6)."""

    __slots__ = ("_free", "_gate", "_sink", "_stream")

    def __init__(self, stream: trio.abc.Stream, sink: Sink) -> None:
        self._stream = stream
        self._sink = sink
        self._gate: trio.CancelScope | None = None
        self._free = True  # the handshake waits for nobody

    def hold(self) -> None:
        """The socket is open: read only while there is room."""
        self._free = False

    def free(self) -> None:
        """Wait for room no more: what comes is dropped, or is the last that had arrived (K3)."""
        self._free = True
        if self._gate is not None:
            self._gate.cancel()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        if not self._sink.has_room and not self._free:
            with trio.CancelScope() as self._gate:
                await self._sink.wait_room()
        data = await self._stream.receive_some(max_bytes)
        if data:
            self._sink.frame()
        return data

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await self._stream.send_all(data)

    async def wait_send_all_might_not_block(self) -> None:
        await self._stream.wait_send_all_might_not_block()

    async def aclose(self) -> None:
        close_now(self._stream)
        await trio.lowlevel.checkpoint()

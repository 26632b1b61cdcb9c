"""The same errands for four clients: receive, send, echo, and sit idle.

Each is given the same buffers: messages of up to 1 MiB, 128 of them unread, 64 KiB a read, no compression, no
pings of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter
from typing import Any, Protocol

import trio
import trio_websocket
import websockets.asyncio.client
import websockets.trio.client

from transport import Timings, open_connection

LARGEST, UNREAD, READ = 2**20, 128, 2**16
_LONG = Timings(heartbeat_interval=3600.0)


class Client(Protocol):
    """An open WebSocket."""

    def receive(self) -> Awaitable[str | bytes]: ...

    def send(self, message: str) -> Awaitable[None]: ...


Open = Callable[[str], Any]
"""Returns an async context manager with a `Client`."""


class _Ours:
    def __init__(self, connection: Any) -> None:
        self.receive = connection.__anext__
        self.send = connection.send


@asynccontextmanager
async def ours(url: str) -> AsyncIterator[Client]:
    """Open a managed connection."""
    async with open_connection(
        url, timings=_LONG, max_message_size=LARGEST, max_unread=UNREAD
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        yield _Ours(connection)


class _Raw:
    def __init__(self, socket: Any) -> None:
        self.receive = socket.get_message
        self.send = socket.send_message


@asynccontextmanager
async def raw(url: str) -> AsyncIterator[Client]:
    """Open a socket of trio-websocket."""
    async with trio_websocket.open_websocket_url(
        url, message_queue_size=UNREAD, max_message_size=LARGEST, receive_buffer_size=READ
    ) as socket:
        yield _Raw(socket)


class _Websockets:
    def __init__(self, socket: Any) -> None:
        self.receive = socket.recv
        self.send = socket.send


_OPTIONS: dict[str, Any] = {
    "compression": None,
    "ping_interval": None,
    "max_size": LARGEST,
    "max_queue": UNREAD,
    "proxy": None,
}


@asynccontextmanager
async def on_asyncio(url: str) -> AsyncIterator[Client]:
    """Open a socket of websockets, on asyncio."""
    async with websockets.asyncio.client.connect(url, **_OPTIONS) as socket:
        yield _Websockets(socket)


@asynccontextmanager
async def on_trio(url: str) -> AsyncIterator[Client]:
    """Open a socket of websockets, on trio."""
    async with websockets.trio.client.connect(url, **_OPTIONS) as socket:
        yield _Websockets(socket)


def _on_asyncio(errand: Callable[[], Any]) -> Any:
    return asyncio.run(errand())


CLIENTS: dict[str, tuple[Open, Callable[[Callable[[], Any]], Any]]] = {
    "statemodel": (ours, trio.run),
    "trio-websocket": (raw, trio.run),
    "websockets, trio": (on_trio, trio.run),
    "websockets, asyncio": (on_asyncio, _on_asyncio),
}
"""Each client with what runs its event loop."""


def errand(client: str, what: str, port: int, size: int, count: int) -> float:
    """Run one errand and return messages a second."""
    open_, run = CLIENTS[client]
    work = {"received": _receive, "sent": _send, "echoed": _echo}[what]
    return float(run(lambda: work(open_, port, size, count)))


async def _receive(open_: Open, port: int, size: int, count: int) -> float:
    async with open_(f"ws://127.0.0.1:{port}/blast/{size}/{count}") as client:
        receive = client.receive
        await client.send("go")
        before = perf_counter()
        for _ in range(count):
            await receive()
        return count / (perf_counter() - before)


async def _send(open_: Open, port: int, size: int, count: int) -> float:
    message = "x" * size
    async with open_(f"ws://127.0.0.1:{port}/sink/{size}/{count}") as client:
        send = client.send
        before = perf_counter()
        for _ in range(count):
            await send(message)
        await client.receive()
        return count / (perf_counter() - before)


async def _echo(open_: Open, port: int, size: int, count: int) -> float:
    message = "x" * size
    async with open_(f"ws://127.0.0.1:{port}/echo/{size}") as client:
        receive, send = client.receive, client.send
        before = perf_counter()
        for _ in range(count):
            await send(message)
            await receive()
        return count / (perf_counter() - before)

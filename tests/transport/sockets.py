"""What the tests of the dialer have in common: a sink that listens, and short ways to a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio.testing

from statemodel import Code, Timings, User
from transport import (
    Connection,
    Ended,
    Request,
    Socket,
    TransportError,
    WebSocketDialer,
    open_connection,
)
from transport._url import parse_url
from transport.testing import LocalServer, LocalSocket, MemoryServer

SHORT = Timings(
    heartbeat_interval=5.0,
    pong_timeout=0.4,
    probe_timeout=0.4,
    dial_timeout=0.4,
    close_timeout=0.4,
    backoff_base=0.05,
    backoff_cap=0.1,
    keep_alive_interval=0.5,
)
WORDS = "Grüße, 世界! 🙂 " * 40_000


class Ear:
    """A sink that listens only."""

    has_room = True

    def __init__(self) -> None:
        self.messages: list[str | bytes] = []
        self.pongs: list[bytes] = []
        self.is_open = trio.Event()
        self.socket: Socket

    def opened(self, socket: Socket) -> None:
        self.socket = socket
        self.is_open.set()

    def frame(self) -> None: ...

    def message(self, message: str | bytes) -> None:
        self.messages.append(message)

    def ping_written(self, payload: bytes) -> None: ...

    def pong(self, payload: bytes) -> None:
        self.pongs.append(payload)

    def throttled(self, *, on: bool) -> None: ...

    async def wait_room(self) -> None: ...


async def dial(url: str, ear: Ear | None = None, **options: Any) -> Ended:
    request = Request(address=parse_url(url), user=User(uid="alice", auth_token="t"), **options)
    with trio.fail_after(10):
        return await WebSocketDialer().run(request, ear or Ear())


@asynccontextmanager
async def connected(
    server: LocalServer, timings: Timings = SHORT, **options: Any
) -> AsyncIterator[tuple[Connection, LocalSocket]]:
    with trio.fail_after(20):
        async with open_connection(server.url, timings=timings, **options) as connection:
            await connection.login("alice")
            await connection.wait_connected()
            yield connection, await server.accepted(1)


async def code_of(awaitable: Any) -> Code:
    with pytest.raises(TransportError) as caught:
        await awaitable
    return caught.value.code


async def read(connection: Connection) -> str | bytes:
    return await anext(aiter(connection))


@asynccontextmanager
async def up(**options):
    """A connection that is up, and the server's end of it."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, **options) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        yield connection, await server.accepted(1), server


async def settle() -> None:
    await trio.testing.wait_all_tasks_blocked()


class Renewing:
    """An authenticator that gives `old`, and then `new`."""

    def __init__(self):
        self.refreshes = 0

    async def authenticate(self, credentials):
        await trio.lowlevel.checkpoint()
        return User(uid=credentials.uid, auth_token="old")

    async def refresh(self, user):
        await trio.lowlevel.checkpoint()
        self.refreshes += 1
        return User(uid=user.uid, auth_token="new")

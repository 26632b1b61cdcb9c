"""An HTTP server on 127.0.0.1 that answers as it was told to, and ways to ask it for a user."""

from __future__ import annotations

import json
import ssl
import struct
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from socket import SO_LINGER, SOL_SOCKET

import h11
import pytest
import trio

from statemodel import Code, Credentials, Timings, User
from tests.transport.sockets import SHORT
from transport import AuthenticationError, TransportError, open_connection
from transport.http import HttpAuthenticator
from transport.testing import MemoryServer

OLD = "old-s3cr3t-t0ken-of-alice"
NEW = "new-s3cr3t-t0ken-of-alice"
ALICE = Credentials(uid="alice", auth_token=OLD)

Answer = Callable[[trio.abc.Stream], Awaitable[None]]
"""What is done with a stream when the request has been read; the stream is closed then."""


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


def raw(data: bytes) -> Answer:
    """Answer with bytes as they are."""

    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(data)

    return answer


def reply(status: int, body: bytes = b"", *headers: str) -> Answer:
    """Answer in good form."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return raw("\r\n".join(lines).encode("latin-1") + body)


async def hang(stream: trio.abc.Stream) -> None:
    """Answer nothing until the client hangs up."""
    while await stream.receive_some():
        pass


def drip(start: bytes, drop: bytes) -> Answer:
    """Begin an answer that never ends, a little every 10 ms."""

    async def answer(stream: trio.abc.Stream) -> None:
        await stream.send_all(start)
        while True:
            await trio.sleep(0.01)
            await stream.send_all(drop)

    return answer


async def reset(stream: trio.abc.Stream) -> None:
    """Answer with a reset."""
    assert isinstance(stream, trio.SocketStream)
    stream.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    stream.socket.close()


@dataclass
class HttpServer:
    """Get one with `await nursery.start(HttpServer.run)`."""

    origin: str
    otherwise: Answer
    """What is answered when nothing was planned."""
    requests: list[Asked] = field(default_factory=list)
    connections: int = 0
    """How many there were."""
    open: int = 0
    """How many there are."""
    deaf: bool = False
    """Whether connections are taken, and nothing is done with them until the client hangs up."""
    news: trio.lowlevel.ParkingLot = field(default_factory=trio.lowlevel.ParkingLot)
    _plan: deque[Answer] = field(default_factory=deque)
    _ssl_context: ssl.SSLContext | None = None

    @classmethod
    async def run(
        cls,
        ssl_context: ssl.SSLContext | None = None,
        task_status: trio.TaskStatus[HttpServer] = trio.TASK_STATUS_IGNORED,
    ) -> None:
        """Listen until cancelled."""
        [listener] = await trio.open_tcp_listeners(0, host="127.0.0.1")
        scheme = "http" if ssl_context is None else "https"
        origin = f"{scheme}://127.0.0.1:{listener.socket.getsockname()[1]}"
        server = cls(origin, otherwise=reply(404))
        server._ssl_context = ssl_context
        task_status.started(server)
        await trio.serve_listeners(server._serve, [listener])

    def plan(self, *answers: Answer) -> None:
        """Say what to answer the next requests."""
        self._plan.extend(answers)

    async def until(self, condition: Callable[[HttpServer], bool]) -> None:
        """Wait until a request or the end of a connection has made it true."""
        await trio.lowlevel.checkpoint()
        while not condition(self):
            await self.news.park()

    async def _serve(self, raw_stream: trio.SocketStream) -> None:
        self.connections += 1
        self.open += 1
        self.news.unpark_all()
        stream: trio.abc.Stream = raw_stream
        if self._ssl_context is not None:
            stream = trio.SSLStream(
                raw_stream, self._ssl_context, server_side=True, https_compatible=True
            )
        try:
            if self.deaf:
                await hang(raw_stream)
                return
            self.requests.append(await _read(stream))
            self.news.unpark_all()
            await (self._plan.popleft() if self._plan else self.otherwise)(stream)
        except (trio.BrokenResourceError, h11.RemoteProtocolError):
            pass  # the client has hung up, or speaks something else
        finally:
            raw_stream.socket.close()
            self.open -= 1
            self.news.unpark_all()


async def _read(stream: trio.abc.Stream) -> Asked:
    connection = h11.Connection(h11.SERVER)
    head: h11.Request | None = None
    body = b""
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await stream.receive_some())
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage):
            assert head is not None
            return Asked(
                method=head.method.decode(),
                target=head.target.decode(),
                headers={name.decode(): value.decode() for name, value in head.headers},
                body=bytes(body),
            )
        else:  # hung up before a request
            raise trio.BrokenResourceError


def given(**changes: object) -> bytes:
    """Return the body of a good answer, or of one with something wrong in it."""
    return json.dumps({"uid": "alice", "auth_token": NEW} | changes).encode()


GOOD = reply(200, given())


async def authenticate(authenticator: HttpAuthenticator, credentials: Credentials = ALICE) -> User:
    with trio.fail_after(10):
        return await authenticator.authenticate(credentials)


async def failure(authenticator: HttpAuthenticator) -> AuthenticationError:
    """Authenticate in vain; return why."""
    with pytest.raises(AuthenticationError) as caught:
        await authenticate(authenticator)
    return caught.value


async def login_failure(
    authenticator: HttpAuthenticator, timings: Timings = SHORT
) -> TransportError:
    """Log in in vain through a connection; return why."""
    memory = MemoryServer()
    with trio.fail_after(10):
        async with open_connection(
            memory.url, dialer=memory.dialer, authenticator=authenticator, timings=timings
        ) as connection:
            with pytest.raises(TransportError) as caught:
                await connection.login("alice", auth_token=OLD)

            assert caught.value.code is Code.AUTHENTICATION_FAILED
            assert (connection.user, memory.dials) == (None, 0)
    return caught.value

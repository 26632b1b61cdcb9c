"""The traps of the WebSocket library underneath, on real sockets: one test each."""

from __future__ import annotations

import email.utils
import inspect
import socket as stdlib_socket
import ssl
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import trio
import trio_websocket
import trustme
import wsproto
from wsproto.connection import ConnectionState

from statemodel import Code, Status, Timings, User
from transport import (
    Connection,
    DialError,
    Ended,
    Request,
    Socket,
    TransportError,
    WebSocketDialer,
    open_connection,
)
from transport._url import parse_url
from transport._websocket import _Peer
from transport.testing import (
    Garbage,
    Hang,
    LocalServer,
    LocalSocket,
    MemoryServer,
    Refuse,
    Reset,
    ServerSocket,
    Vanish,
    open_server,
)

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


# -- the four that the adapter mends ---------------------------------------------------------------


async def test_a_waiting_ping_fails_when_the_peer_vanishes() -> None:
    slow = Timings(pong_timeout=20)
    async with open_server() as server, connected(server, slow) as (connection, socket):
        socket.withhold_pongs()
        codes: list[Code] = []

        async def ping() -> None:
            codes.append(await code_of(connection.ping()))

        with trio.fail_after(2):  # at once, not after `pong_timeout`
            async with trio.open_nursery() as nursery:
                nursery.start_soon(ping)
                await socket.pinged()
                socket.drop()

        assert codes == [Code.CONNECTION_LOST]


async def test_closing_against_a_silent_peer_has_a_time_limit() -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.go_silent()
        start = time.perf_counter()
        await connection.disconnect()

        assert 0.39 < time.perf_counter() - start < 2
        assert connection.status is Status.DISCONNECTED
        assert server.open_sockets == 0


async def test_a_minute_without_reading_costs_no_connection(autojump_clock: object) -> None:
    """In memory, since a minute of real time is too long: 10,000 unread messages and a ping."""
    server = MemoryServer()
    with trio.fail_after(1000):
        async with open_connection(server.url, dialer=server.dialer) as connection:
            statuses: list[Status] = []
            connection.add_status_listener("t", lambda change: statuses.append(change.current))
            await connection.login("alice")
            await connection.wait_connected()
            socket = await server.accepted(1)
            await _ten_thousand(connection, socket, pause=60)

        assert statuses == [
            Status.DISCONNECTED, Status.CONNECTING, Status.CONNECTED, Status.DISCONNECTED,
        ]  # fmt: skip
        assert len(server.sockets) == 1


async def test_unread_messages_hold_the_sender_and_no_pong() -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        await _ten_thousand(connection, socket, pause=SHORT.pong_timeout * 2)

        assert connection.status is Status.CONNECTED
        assert len(server.sockets) == 1


async def _ten_thousand(connection: Connection, socket: ServerSocket, pause: float) -> None:
    expected = [str(number).ljust(1000) for number in range(10_000)]
    sent, round_trips = 0, []

    async def send() -> None:
        nonlocal sent
        for message in expected:
            await socket.send(message)
            sent += 1

    async def ping() -> None:
        await trio.sleep(pause / 10)
        round_trips.append(await connection.ping())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(send)
        messages = [await read(connection)]
        nursery.start_soon(ping)
        await trio.sleep(pause)

        assert sent < 10_000
        assert not round_trips
        messages += [await read(connection) for _ in range(9_999)]
    assert messages == expected
    assert round_trips[0] > pause / 2


async def test_a_send_cancelled_within_a_frame_leaves_the_next_one_intact() -> None:
    big = "ä" * 6_000_000
    async with open_server() as server, connected(server, max_message_size=2**24) as (c, socket):
        socket.stop_reading()
        with trio.move_on_after(0.2) as scope:
            await c.send(big)

        assert scope.cancelled_caught
        withdrawn = trio.move_on_after(0.05)
        with withdrawn:  # behind it in the queue, and not begun
            await c.send("withdrawn")
        socket.resume()
        await c.send("next")
        received = [await socket.receive(), await socket.receive()]

        assert received == [big, "next"]


# -- dials -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 429, 500, 503])
async def test_the_status_of_a_refusal_is_told(status: int) -> None:
    async with open_server() as server:
        server.plan(Refuse(status))
        with pytest.raises(DialError) as caught:
            await dial(server.url)

    assert (caught.value.http_status, caught.value.retry_after) == (status, None)


def _date(seconds: float) -> str:
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ((("Retry-After", "7"),), 7),
        ((("Retry-After", _date(1000)), ("Date", _date(995))), 5),
        ((("Retry-After", _date(-1000)),), 0),
        ((("Retry-After", "soon"),), None),
        ((("Retry-After", "-3"),), None),
    ],
)
async def test_retry_after_is_a_number_or_a_date(headers: Any, expected: float | None) -> None:
    async with open_server() as server:
        server.plan(Refuse(503, headers=headers))
        with pytest.raises(DialError) as caught:
            await dial(server.url)

    assert caught.value.retry_after == (
        None if expected is None else pytest.approx(expected, abs=2)
    )


@pytest.mark.parametrize(
    "plan",
    [
        Vanish(),
        Reset(),
        Garbage(),
        Garbage(b"\0" * 100_000),
        Garbage(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        Garbage(b"HTTP/1.1 101 Hm\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: wrong\r\n\r\n"),
        Garbage(b"HTTP/1.1 101 Hm\r\n\r\n"),
    ],
    ids=["close", "reset", "ssh", "nul", "200", "wrong-key", "bare-101"],
)  # fmt: skip
async def test_what_is_no_upgrade_is_a_failed_dial(plan: Any) -> None:
    async with open_server() as server:
        server.plan(plan)
        with pytest.raises(DialError):
            await dial(server.url)


async def test_endless_headers_are_a_failed_dial() -> None:
    async with open_server() as server:
        server.plan(Garbage(b"HTTP/1.1 101 Hm\r\n" + b"X-Filler: " + b"x" * 2**20))
        with pytest.raises(DialError):
            await dial(server.url)


async def test_a_name_that_does_not_resolve_is_a_failed_dial() -> None:
    class Resolver(trio.abc.HostnameResolver):  # so that nothing leaves this machine
        async def getaddrinfo(self, *arguments: Any, **options: Any) -> Any:
            raise stdlib_socket.gaierror(stdlib_socket.EAI_NONAME, "no such name")

        async def getnameinfo(self, *arguments: Any) -> Any:
            raise NotImplementedError

    trio.socket.set_custom_hostname_resolver(Resolver())
    with pytest.raises(DialError, match="no such name"):
        await dial("ws://nobody.invalid:1/")


async def test_a_dial_that_is_never_answered_leaves_nothing_when_cancelled() -> None:
    async with open_server() as server:
        server.plan(Hang())
        with trio.move_on_after(0.1):
            await dial(server.url)

        assert (server.dials, server.open_sockets) == (1, 0)


async def test_tls_trusts_the_right_certificate_only() -> None:
    authority, stranger = trustme.CA(), trustme.CA()
    ours, theirs = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(2))
    authority.issue_cert("127.0.0.1").configure_cert(ours)
    authority.issue_cert("elsewhere.example").configure_cert(theirs)
    trusting, distrusting = (ssl.create_default_context() for _ in range(2))
    authority.configure_trust(trusting)
    stranger.configure_trust(distrusting)

    async with open_server(ssl_context=ours) as server:
        with pytest.raises(DialError, match=r"(?i)certificate"):
            await dial(server.url, ssl_context=distrusting)
        with pytest.raises(DialError, match=r"(?i)certificate"):
            await dial(server.url)

        assert not server.sockets
        async with connected(server, ssl_context=trusting) as (connection, socket):
            await connection.send(WORDS)
            await socket.send(WORDS)

            assert await socket.receive() == WORDS == await read(connection)
            assert await connection.ping() < 5
        await socket.ended.wait()

        assert socket.close_code == 1000
    async with open_server(ssl_context=theirs) as server:
        with pytest.raises(DialError, match=r"(?i)mismatch"):
            await dial(server.url, ssl_context=trusting)


# -- what comes in -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"\x81\x02\xc3\x28", 1007),
        (b"\x01\x01\xc3\x80\x00", 1007),  # half a character at the end of the last fragment
        (b"\x83\x00", 1002),  # a reserved opcode
        (b"\x81\x81\0\0\0\0x", 1002),  # a mask, from a server
        (b"\xc1\x00", 1002),  # a reserved bit
        (b"\x80\x00", 1002),  # the continuation of nothing
        (b"\x89\x7e\x00\x7e" + b"x" * 126, 1002),  # too long for a ping
        (b"\x88\x01\x03", 1002),  # half a close code
        (b"\x88\x02\x03\xed", 1002),  # 1005, which is never on the wire
        (b"\x88\x04\x03\xe8\xc3\x28", 1007),  # a close reason that is not UTF-8
    ],
)
async def test_a_breach_of_protocol_is_closed_and_final(data: bytes, code: int) -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        await socket.send("before")
        await socket.send_raw(data)

        assert await read(connection) == "before"
        assert await code_of(read(connection)) is Code.CONNECTION_REFUSED
        assert connection.last_error is not None
        assert connection.last_error.code is Code.CONNECTION_REFUSED
        with trio.fail_after(3):
            await socket.ended.wait()

        assert socket.close_code == code
        assert server.dials == 1


async def test_a_message_over_the_limit_is_closed_with_1009_and_final() -> None:
    async with open_server() as server, connected(server, max_message_size=1000) as (c, socket):
        await c.send("x" * 1000)
        await socket.send("é" * 500)

        assert await read(c) == "é" * 500
        assert await code_of(c.send("é" * 501)) is Code.MESSAGE_TOO_BIG
        assert c.status is Status.CONNECTED
        await socket.send("é" * 501)

        assert await code_of(read(c)) is Code.CONNECTION_REFUSED
        assert "1000 bytes" in str(c.last_error)
        with trio.fail_after(3):
            await socket.ended.wait()

        assert socket.close_code == 1009
        assert [len(m) for m in socket.received] == [1000]


@pytest.mark.parametrize(
    ("start", "frame", "count", "end", "result"),
    [
        (b"", b"\x81\x01x", 50_000, b"", "x"),
        (b"", b"\x89\x7d" + b"p" * 125, 20_000, b"\x81\x01x", "x"),
        (b"", b"\x8a\x7d" + b"p" * 125, 20_000, b"\x81\x01x", "x"),
        (b"\x01\x00", b"\x00\x00", 200_000, b"\x80\x01x", "x"),
        (b"\x02\x00", b"\x00\x01b", 100_000, b"\x80\x00", b"b" * 100_000),
    ],
    ids=["tiny-messages", "pings", "pongs", "empty-fragments", "tiny-fragments"],
)
async def test_a_flood_of_frames_stays_bounded(
    start: bytes, frame: bytes, count: int, end: bytes, result: str | bytes
) -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.stop_reading()  # nor does it take the pongs
        tracemalloc.start()
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(socket.send_raw, start + frame * count + end)
                got = [await read(connection) for _ in range(1 if end else count)]
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

        assert set(got) == {result}
        assert peak < 16 * 2**20
        socket.resume()
        await connection.ping()
        await connection.send("still here")

        assert await socket.receive() == "still here"


async def test_unknown_and_repeated_pongs_are_ignored() -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.withhold_pongs()
        results: list[object] = []

        async def ping() -> None:
            try:
                results.append(await connection.ping())
            except TransportError as error:
                results.append(error.code)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged(1)
            await socket.send_pong(b"unknown")
            for _ in range(3):
                await socket.send_pong(socket.pings[0][1])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged(2)
            await socket.send_pong(socket.pings[0][1])

        assert isinstance(results[0], float)
        assert results[1] is Code.PING_TIMEOUT
        assert connection.status is Status.CONNECTED


@pytest.mark.parametrize(
    "message", [WORDS, WORDS.encode(), "", b""], ids=["str", "bytes", "no-str", "no-bytes"]
)
async def test_messages_of_any_size_go_both_ways_intact(message: str | bytes) -> None:
    async with open_server() as server, connected(server, max_message_size=2**22) as (c, socket):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(c.send, message)
            nursery.start_soon(socket.send, message)

            assert await socket.receive() == message == await read(c)


# -- what the adapter stands on ------------------------------------------------------------------


def test_the_internals_of_trio_websocket_exist() -> None:
    base = trio_websocket.WebSocketConnection
    parameters = inspect.signature(base.__init__).parameters

    assert list(parameters)[1:3] == ["stream", "ws_connection"]
    assert {
        "host", "path", "client_extra_headers", "message_queue_size", "max_message_size",
        "receive_buffer_size",
    } <= parameters.keys()  # fmt: skip
    for name in ("_reader_task", "_send", "_abort_web_socket"):
        assert inspect.iscoroutinefunction(getattr(base, name)), name
    handlers = [name for name in vars(_Peer) if name.startswith("_handle_")]

    assert len(handlers) == 6
    for name in handlers:  # each is one that its reader calls, with an event
        assert list(inspect.signature(getattr(base, name)).parameters) == ["self", "event"], name
        assert f"self.{name}" in inspect.getsource(base._reader_task)
    for name in ("_message_parts", "_message_size", "_max_message_size", "_wsproto"):
        assert f"self.{name}" in inspect.getsource(base.__init__), name
    assert issubclass(trio_websocket.ConnectionClosed, Exception)
    assert isinstance(wsproto.WSConnection.state, property)
    assert ConnectionState.CLOSED in ConnectionState

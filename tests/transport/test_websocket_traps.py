"""The traps of the WebSocket library underneath, on real sockets: one test each."""

from __future__ import annotations

import email.utils
import inspect
import socket as stdlib_socket
import ssl
import time
from typing import Any

import pytest
import trio
import trio_websocket
import trustme
import wsproto
from wsproto.connection import ConnectionState

from statemodel import Code, Status, Timings
from tests.transport.sockets import SHORT, WORDS, code_of, connected, dial, read
from transport import (
    Connection,
    DialError,
    TransportError,
    open_connection,
)
from transport._websocket import _Peer
from transport.testing import (
    Garbage,
    Hang,
    MemoryServer,
    Refuse,
    Reset,
    ServerSocket,
    Vanish,
    open_server,
)

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


async def test_an_idle_socket_has_no_task_that_writes_and_keeps_no_handshake() -> None:
    """10,000 of them lie about: what nobody needs any more is let go, the token first of all."""
    async with open_server() as server, connected(server) as (connection, socket):
        await connection.ping()
        await connection.send("as much as a socket takes at once")
        assert await socket.receive() == "as much as a socket takes at once"
        await trio.testing.wait_all_tasks_blocked()
        peer = connection._driver.attempt.socket

        assert not peer._nursery.child_tasks
        assert peer._initial_request is None
        assert not hasattr(peer._wsproto, "handshake")


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


async def test_a_small_message_that_the_kernel_takes_half_of_is_written_whole() -> None:
    async with open_server() as server, connected(server) as (c, socket):
        socket.stop_reading()
        sent: list[str] = []
        with trio.move_on_after(0.3) as scope:
            while True:
                await c.send(f"{len(sent)} " + "x" * 60_000)
                sent.append(f"{len(sent)} " + "x" * 60_000)
        assert scope.cancelled_caught
        last = f"{len(sent)} " + "x" * 60_000  # withdrawn, or completed behind our back
        socket.resume()
        await c.send("next")
        await c.ping()
        received = [await socket.receive() for _ in socket.received.copy()]

        assert received in ([*sent, "next"], [*sent, last, "next"])


async def test_messages_of_several_senders_and_pings_stay_whole_while_nobody_reads() -> None:
    texts = [f"{number} " + "x" * 60_000 for number in range(200)]
    patient = Timings(pong_timeout=20)
    async with open_server() as server, connected(server, patient) as (connection, socket):
        socket.stop_reading()
        async with trio.open_nursery() as nursery:
            for text in texts:
                nursery.start_soon(connection.send, text)
            await trio.sleep(0.1)
            nursery.start_soon(connection.ping)
            await trio.sleep(0.1)
            socket.resume()
            received = [await socket.receive() for _ in texts]

        assert sorted(received) == sorted(texts)


async def test_a_send_that_the_kernel_took_half_of_fails_when_the_peer_vanishes() -> None:
    async with open_server() as server, connected(server) as (connection, socket):
        socket.stop_reading()
        codes: list[Code] = []

        with trio.fail_after(5):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(_send_until_it_fails, connection, codes)
                await trio.sleep(0.2)
                socket.drop()

        assert codes == [Code.CONNECTION_LOST]


async def _send_until_it_fails(connection: Connection, codes: list[Code]) -> None:
    try:
        while True:
            await connection.send("x" * 60_000)
    except TransportError as error:
        codes.append(error.code)


async def test_a_ping_overtakes_what_is_left_of_a_large_message() -> None:
    big = "x" * 8_000_000
    patient = Timings(pong_timeout=20)
    async with (
        open_server() as server,
        connected(server, patient, max_message_size=2**24) as (connection, socket),
        trio.open_nursery() as nursery,
    ):
        socket.stop_reading()
        nursery.start_soon(connection.send, big)
        await trio.sleep(0.1)
        nursery.start_soon(connection.ping)
        await trio.sleep(0.1)
        socket.resume()
        await socket.pinged()

        assert socket.received == []  # P1
        assert await socket.receive() == big


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
    for name in (
        "_message_parts", "_message_size", "_max_message_size", "_wsproto", "_send_channel", "_recv_channel",
        "_open_handshake", "_close_handshake", "_for_testing_peer_closed_connection", "_connection_proposal",
        "_initial_request", "_handshake_headers",
    ):  # fmt: skip
        assert f"self.{name}" in inspect.getsource(base.__init__), name
    for name in ("state", "send", "receive_data", "events"):  # what stands in when it is open
        assert hasattr(wsproto.WSConnection, name), name
        assert hasattr(wsproto.connection.Connection, name), name
    assert issubclass(trio_websocket.ConnectionClosed, Exception)
    assert isinstance(wsproto.WSConnection.state, property)
    assert ConnectionState.CLOSED in ConnectionState

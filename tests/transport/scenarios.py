"""Scenarios for both servers of `transport.testing`: what holds on real sockets holds in memory.

Each plays on a `Stage`, whose times are short on real sockets and the defaults in virtual time.
What a scenario expects is exact in virtual time; on real sockets it may be late by `slack`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio

from statemodel import Code, Mode, Reason, Status, User
from tests.transport.stage import FAILED, LOST, RETRY, SILENT, UP, Stage
from transport import TransportError, TrustingAuthenticator
from transport.testing import Accept, Garbage, Hang, Refuse, Reset, Vanish


async def login_connects(stage: Stage) -> None:
    """S1, S2: the token arrives, messages go both ways, leaving closes with 1000."""
    async with stage.open() as app:
        socket = await stage.up(app)
        await app.send("to you")
        await socket.send("to me")
        await socket.send(b"\x00\xff")

        assert socket.token == "secret"
        assert await socket.receive() == "to you"
        assert [await app.receive(), await app.receive()] == ["to me", b"\x00\xff"]
    await socket.ended.wait()

    assert socket.close_code == 1000


async def background_and_foreground(stage: Stage) -> None:
    """A1, A2: background closes at once, foreground dials."""
    async with stage.open() as app:
        first = await stage.up(app)
        app.enter_background()
        await stage.expect((Status.DISCONNECTED, Reason.BACKGROUND))
        await first.ended.wait()

        assert first.close_code == 1000
        app.enter_foreground()
        await stage.expect((Status.CONNECTING, Reason.FOREGROUND), UP)


async def background_cancels_a_dial(stage: Stage) -> None:
    """A1: the server sees the dial go away."""
    stage.server.plan(Hang())
    async with stage.open() as app:
        await app.login("alice")
        await stage.server.dialled(1)

        assert stage.server.open_sockets == 1
        app.enter_background()
        await stage.expect(
            (Status.CONNECTING, Reason.LOGIN), (Status.DISCONNECTED, Reason.BACKGROUND)
        )

        assert stage.server.open_sockets == 0


async def lost_and_retried(stage: Stage) -> None:
    """A3, B1: a reset is a loss, and the retry comes after half of the first bound."""
    async with stage.open() as app:
        socket = await stage.up(app)
        start = trio.current_time()
        socket.drop()
        await stage.expect(LOST, RETRY, UP)

        stage.check_time(start, stage.timings.backoff_base / 2)


async def closed_by_the_server(stage: Stage) -> None:
    """B7, B5: 1001 is a loss, 1008 is for good."""
    async with stage.open() as app:
        socket = await stage.up(app)
        await socket.close(1001, "going away")
        await stage.expect(LOST, RETRY, UP)
        await socket.ended.wait()

        assert socket.close_code == 1001
        socket = await stage.server.accepted(2)
        await socket.close(1008)
        await stage.expect((Status.DISCONNECTED, Reason.REFUSED))
        with pytest.raises(TransportError) as caught:
            await app.receive()

        assert caught.value.code is Code.CONNECTION_REFUSED
        assert "1008" in caught.value.details


async def refused_with_401(stage: Stage) -> None:
    """B5: the credentials are refreshed once within the attempt; refused again, it has failed."""

    class Authenticator(TrustingAuthenticator):
        async def refresh(self, user: User) -> User:
            await trio.lowlevel.checkpoint()
            return User(uid=user.uid, auth_token="fresh")

    stage.server.plan(Refuse(401), Accept(), Refuse(403))
    async with stage.open(authenticator=Authenticator()) as app:
        socket = await stage.up(app)

        assert socket.token == "fresh"
        app.enter_background()
        await stage.expect((Status.DISCONNECTED, Reason.BACKGROUND))
        await socket.ended.wait()
        app.enter_foreground()
        await stage.expect(
            (Status.CONNECTING, Reason.FOREGROUND), (Status.DISCONNECTED, Reason.REFUSED)
        )
        error = app.connection.last_error

        assert error is not None
        assert error.code is Code.CONNECTION_REFUSED
        assert stage.server.dials == 3  # refused again before `stable_after`


async def refused_with_503(stage: Stage) -> None:
    """B4: Retry-After, and half of the bound on top."""
    stage.server.plan(Refuse(503, retry_after=1))
    async with stage.open() as app:
        await app.login("alice")
        start = trio.current_time()
        await stage.expect((Status.CONNECTING, Reason.LOGIN), FAILED, RETRY, UP)

        stage.check_time(start, 1 + stage.timings.backoff_base / 2)


async def every_failed_dial(stage: Stage) -> None:
    """B5: what is no WebSocket is a failed dial, and retried."""
    stage.server.plan(Refuse(404), Reset(), Vanish(), Garbage())
    async with stage.open() as app:
        await app.login("alice")
        await stage.expect((Status.CONNECTING, Reason.LOGIN), *(FAILED, RETRY) * 4, UP)


async def hang_until_dial_timeout(stage: Stage) -> None:
    """K5: a dial that is never answered is given up."""
    stage.server.plan(Hang())
    async with stage.open() as app:
        await app.login("alice")
        start = trio.current_time()
        await stage.expect((Status.CONNECTING, Reason.LOGIN), FAILED)

        stage.check_time(start, stage.timings.dial_timeout)
        await stage.expect(RETRY, UP)


async def silent_peer_is_closed(stage: Stage) -> None:
    """K4, C5: `disconnect` takes `close_timeout`, no longer."""
    async with stage.open() as app:
        socket = await stage.up(app)
        socket.go_silent()
        start = trio.current_time()
        await app.disconnect()

        stage.check_time(start, stage.timings.close_timeout)
        await stage.expect((Status.DISCONNECTED, Reason.DISCONNECT))
        await socket.ended.wait()

        assert socket.close_code is None


async def slow_answer_to_a_close(stage: Stage) -> None:
    """C5: `disconnect` returns when the socket is closed."""
    async with stage.open() as app:
        socket = await stage.up(app)
        stage.server.latency = stage.timings.close_timeout / 2
        start = trio.current_time()
        await app.disconnect()

        stage.check_time(start, stage.timings.close_timeout / 2)
        await stage.expect((Status.DISCONNECTED, Reason.DISCONNECT))
        await socket.ended.wait()

        assert socket.close_code == 1000


async def ping_round_trip(stage: Stage) -> None:
    """P1, P2: one ping, its own pong, the time between; the server's pings are answered."""
    async with stage.open() as app:
        socket = await stage.up(app)
        stage.server.latency = latency = stage.timings.pong_timeout / 4
        start = trio.current_time()
        seconds = await app.ping()

        stage.check_time(start, latency)
        assert latency - 1e-3 <= seconds <= latency + stage.slack + 1e-9
        assert len(socket.pings) == 1
        await socket.send_pong(b"unknown")
        await socket.send_ping(b"are you there?")
        await socket.send("x")
        await app.receive()
        await app.send("y")
        await socket.receive()

        assert socket.pongs == [b"are you there?"]


async def withheld_pong(stage: Stage) -> None:
    """P5: a missing pong alone fails only that ping."""
    async with stage.open() as app:
        socket = await stage.up(app)
        socket.withhold_pongs()
        start = trio.current_time()

        async def ping() -> None:
            with pytest.raises(TransportError) as caught:
                await app.ping()
            assert caught.value.code is Code.PING_TIMEOUT

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged()
            await socket.send("alive")
        stage.check_time(start, stage.timings.pong_timeout)
        socket.withhold_pongs(on=False)
        await app.ping()

        assert app.connection.status is Status.CONNECTED


async def peer_goes_silent(stage: Stage) -> None:
    """P5: no frame at all after a ping means that the connection is lost."""
    async with stage.open() as app:
        socket = await stage.up(app)
        stage.server.latency = stage.timings.pong_timeout / 4
        start = trio.current_time()

        async def ping() -> None:
            with pytest.raises(TransportError) as caught:
                await app.ping()
            assert caught.value.code in (Code.CONNECTION_LOST, Code.PING_TIMEOUT)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(ping)
            await socket.pinged()
            socket.go_silent()  # with the pong on its way to being written
        stage.check_time(start, stage.timings.pong_timeout)
        await stage.expect(SILENT, RETRY, UP)


async def grace_window_with_a_ping(stage: Stage) -> None:
    """M3-M5: the window runs from the background, then from the ping, and not from its pong."""
    grace = stage.timings.background_grace
    async with stage.open(Mode.MANUAL) as app:
        socket = await stage.up(app, Reason.CONNECT)
        app.enter_background()
        await trio.sleep(grace * 0.75)
        start = trio.current_time()
        await app.ping()
        await stage.expect((Status.DISCONNECTED, Reason.BACKGROUND_TIMEOUT))

        stage.check_time(start, grace)
        await socket.ended.wait()
        app.enter_foreground()
        await stage.settle()

        assert app.connection.status is Status.DISCONNECTED
        assert stage.server.dials == 1


async def server_restarts(stage: Stage) -> None:
    """A3: dials to a server that is down are refused; it comes back at the same address."""
    async with stage.open() as app:
        await stage.up(app)
        await stage.server.stop()
        await stage.expect(LOST, RETRY, FAILED)

        assert stage.server.dials == 1
        assert stage.server.open_sockets == 0
        await stage.server.start()
        await stage.expect(RETRY, UP)
        await stage.server.accepted(2)


async def messages_across_a_reconnect(stage: Stage) -> None:
    """K6: what had arrived before a loss comes first, then what the next socket brings."""
    async with stage.open() as app:
        for number in range(1, 4):
            socket = await stage.up(app) if number == 1 else await stage.server.accepted(number)
            for message in range(5):
                await socket.send(f"{number}.{message}")
            await socket.close(1012)
            await stage.expect(LOST, RETRY, UP)

        expected = [f"{number}.{message}" for number in range(1, 4) for message in range(5)]
        assert expected == [await app.receive() for _ in range(15)]


async def slow_server_holds_the_sender(stage: Stage) -> None:
    """K6, the other way: a server that does not read blocks `send`, and loses nothing."""
    async with stage.open() as app:
        socket = await stage.up(app)
        socket.stop_reading()
        messages = [f"{number}".ljust(250_000) for number in range(40)]
        sent = 0

        async def send() -> None:
            nonlocal sent
            for message in messages:
                await app.send(message)
                sent += 1

        async with trio.open_nursery() as nursery:
            nursery.start_soon(send)
            for _ in range(2):
                await stage.settle()

            assert sent < 40
            socket.resume()

            assert messages == [await socket.receive() for _ in range(40)]


async def logged_out(stage: Stage) -> None:
    """S5, K3: the socket closes, what is unread is dropped, the rest is refused."""
    async with stage.open() as app:
        socket = await stage.up(app)
        await socket.send("unread")
        await stage.settle()
        await app.logout()
        await stage.expect((Status.DISCONNECTED, Reason.LOGOUT))
        await socket.ended.wait()

        assert socket.close_code == 1000
        for call in (app.connect, app.disconnect, app.ping):
            with pytest.raises(TransportError) as caught:
                await call()
            assert caught.value.code is Code.NOT_LOGGED_IN
        with trio.move_on_after(0.05):
            pytest.fail(f"{await app.receive()!r} was delivered")


# fmt: off
SCENARIOS: list[Callable[[Stage], Awaitable[None]]] = [
    login_connects, background_and_foreground, background_cancels_a_dial,
    lost_and_retried, closed_by_the_server, refused_with_401,
    refused_with_503, every_failed_dial, hang_until_dial_timeout,
    silent_peer_is_closed, slow_answer_to_a_close, ping_round_trip,
    withheld_pong, peer_goes_silent, grace_window_with_a_ping,
    server_restarts, messages_across_a_reconnect, slow_server_holds_the_sender,
    logged_out,
]

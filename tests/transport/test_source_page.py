"""The source document, line by line: both modes, in the page's order, by the facade alone.

Only a server's address is added to what the page has, and what reaches it in virtual time.
"""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Status
from tests.transport.sdk_application import Told
from transport import MemorySessionStore, User
from transport.sdk import (
    AppSettingsBuilder,
    CometChat,
    ConnectionListener,
    MessageListener,
    Success,
)
from transport.testing import MemoryServer

UP, DOWN = Status.CONNECTED, Status.DISCONNECTED
HOUR = 3600
WINDOW = 30
"""Seconds that the page gives a connection in background without a ping."""


class Messages(MessageListener):
    """The real-time events that the application receives."""

    def __init__(self) -> None:
        self.received: list[str | bytes] = []

    def on_message_received(self, message: str | bytes) -> None:
        self.received.append(message)


class Ups(ConnectionListener):
    """When the WebSocket was up and down."""

    def __init__(self) -> None:
        self.times: list[tuple[str, float]] = []

    def on_connected(self) -> None:
        self.times.append(("up", trio.current_time()))

    def on_disconnected(self) -> None:
        self.times.append(("down", trio.current_time()))


class Page:
    """The application of the page, and its server."""

    def __init__(self) -> None:
        self.server = MemoryServer()
        self.store = MemorySessionStore()
        self.messages = Messages()
        self.ups = Ups()
        self.builder = (
            AppSettingsBuilder()
            .set_region("eu")
            .set_server(self.server.url)
            .set_connection_options(dialer=self.server.dialer, session_store=self.store)
        )

    async def init(self) -> None:
        """Initialise, as at application startup, and listen."""
        told = Told()
        await CometChat.init("page", self.builder.build(), **told.callbacks)
        assert (told.successes, told.errors) == ([Success.INIT], [])
        CometChat.add_message_listener("page", self.messages)
        CometChat.add_connection_listener("page", self.ups)

    async def check_comes_up(self, sockets: int) -> None:
        """It must come up by itself, soon, with so many sockets altogether."""
        with trio.fail_after(60):
            await self.server.accepted(sockets)
        await self.check(UP, sockets)

    async def check(self, status: Status, sockets: int) -> None:
        """The status must be this now, and stay; and the server must see as much of it."""
        assert CometChat.get_connection_status() is status
        await trio.testing.wait_all_tasks_blocked()
        assert CometChat.get_connection_status() is status
        assert len(self.server.sockets) == sockets
        assert self.server.open_sockets == (1 if status is UP else 0)

    async def check_received(self, *messages: str) -> None:
        """What the server sends now must be received."""
        self.messages.received.clear()
        for message in messages:
            await self.server.sockets[-1].send(message)
        await trio.testing.wait_all_tasks_blocked()
        assert self.messages.received == list(messages)

    async def check_lost(self) -> None:
        """What the server would send now reaches nobody."""
        self.messages.received.clear()
        with pytest.raises(trio.BrokenResourceError):
            await self.server.sockets[-1].send("lost")
        assert self.messages.received == []


@pytest.mark.parametrize("stated", [True, False])
async def test_the_page_in_auto_mode(stated, autojump_clock):
    """O1, S1, S2, A1, A2, A3, N1, N2: the page's auto mode, and what a login does by default."""
    page = Page()
    if stated:  # it is the default
        page.builder.auto_establish_socket_connection(True)
    await page.init()
    await page.check(DOWN, sockets=0)

    # A login: the user is logged in, is saved, and gets a connection.
    user = await CometChat.login("alice", "token")
    assert await CometChat.get_logged_in_user() == user == User(uid="alice", auth_token="token")
    assert await page.store.load() == user
    await page.check_comes_up(sockets=1)
    assert page.server.sockets[0].token == "token"

    # In foreground: connected, without any call, for as long as it likes.
    await page.check_received("one", "two")
    await trio.sleep(HOUR)
    await page.check(UP, sockets=1)

    # In background: disconnected at once, and for as long as it is there.
    CometChat.enter_background()
    await page.check(DOWN, sockets=1)
    await page.check_lost()
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=1)
    CometChat.enter_foreground()
    await page.check_comes_up(sockets=2)

    # In foreground a network that goes and comes back needs no call either.
    CometChat.network_lost()
    await page.check(DOWN, sockets=2)
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=2)
    CometChat.network_restored()
    await page.check_comes_up(sockets=3)
    page.server.sockets[2].drop()  # the network is lost, and nobody says so
    await page.check_comes_up(sockets=4)
    await page.check_received("three")


async def test_the_page_in_manual_mode(autojump_clock):
    """S3, S6, M1-M6: the page's manual mode, enabled, connected and left to itself in background."""
    page, told = Page(), Told()

    # Enable manual mode: the value goes to the builder, then to init; its error first.
    page.builder.auto_establish_socket_connection(False)
    await CometChat.init("", page.builder.build(), **told.callbacks)
    assert told.codes == ["ERR_CHAT_API_FAILURE"]
    assert told.errors[0].message and told.errors[0].details
    await page.init()

    # Each call's error: nobody is logged in.
    for call in (CometChat.connect, CometChat.disconnect, CometChat.ping):
        await call(**told.callbacks)
        assert told.errors[-1].code == "ERR_NOT_LOGGED_IN"
        assert told.errors[-1].message and told.errors[-1].details
    assert await CometChat.get_logged_in_user() is None

    # A login opens nothing, however long one waits: `connect` does.
    await CometChat.login("alice")
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=0)
    assert await CometChat.get_logged_in_user() == User(uid="alice")
    await CometChat.connect(**told.callbacks)
    assert told.successes == [Success.CONNECT]
    await page.check(UP, sockets=1)
    await page.check_received("one", "two")

    # In background without a ping: 30 seconds, and not one more.
    CometChat.enter_background()
    left = trio.current_time()
    await trio.sleep(WINDOW - 0.001)
    await page.check(UP, sockets=1)
    await page.check_received("still here")
    await trio.sleep(1)
    await page.check(DOWN, sockets=1)
    await page.check_lost()
    assert page.ups.times[-1] == ("down", left + WINDOW)

    # Coming back to the foreground does not connect: `connect` does.
    CometChat.enter_foreground()
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=1)
    await CometChat.connect()
    await page.check(UP, sockets=2)


async def test_the_page_pings_every_thirty_seconds(autojump_clock):
    """M4, M5, P1: the page's loop keeps the connection for an hour; without it, 30 seconds more."""
    page, told = Page(), Told()
    page.builder.auto_establish_socket_connection(False)
    await page.init()
    await CometChat.login("alice")
    await CometChat.connect()
    CometChat.enter_background()
    since = trio.current_time()
    for _ in range(HOUR // WINDOW):
        await trio.sleep(WINDOW)  # to the very deadline, where the ping wins
        CometChat.ping(**told.callbacks)
    await page.check(UP, sockets=1)
    await page.check_received("one")

    assert told.successes == [Success.PING] * (HOUR // WINDOW)
    assert told.errors == []
    pings = [time - since for time, _ in page.server.sockets[0].pings]
    assert pings == [WINDOW * (n + 1) for n in range(HOUR // WINDOW)]
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=1)
    assert page.ups.times[-1] == ("down", since + HOUR + WINDOW)


async def test_the_page_disconnects_and_reconnects(autojump_clock):
    """M1, M2, M7, M9: the page's `disconnect`, and what reconnects by itself and what does not."""
    page, told = Page(), Told()
    page.builder.auto_establish_socket_connection(False)
    await page.init()
    await CometChat.login("alice")
    await CometChat.connect()

    # Disconnected, and nothing is received any more.
    await CometChat.disconnect(**told.callbacks)
    assert (told.successes, told.errors) == ([Success.DISCONNECT], [])
    await page.check(DOWN, sockets=1)
    await page.check_lost()

    # After that nothing brings it back but `connect`.
    for report in (
        CometChat.enter_background,
        CometChat.enter_foreground,
        CometChat.network_lost,
        CometChat.network_restored,
    ):
        report()
        await trio.sleep(HOUR)
        await page.check(DOWN, sockets=1)
    with trio.fail_after(60):
        await CometChat.connect()
    await page.check(UP, sockets=2)

    # In foreground a connection that is lost comes back by itself.
    CometChat.network_lost()
    await page.check(DOWN, sockets=2)
    CometChat.network_restored()
    await page.check_comes_up(sockets=3)
    page.server.sockets[2].drop()
    await page.check_comes_up(sockets=4)

    # In background it does not, neither there nor on return: `connect` does.
    CometChat.enter_background()
    page.server.sockets[3].drop()
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=4)
    CometChat.enter_foreground()
    await trio.sleep(HOUR)
    await page.check(DOWN, sockets=4)
    await CometChat.connect()
    await page.check(UP, sockets=5)

"""`logout` in the midst of anything (S5, S8, K3), and logins that meet another user (S7)."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Status
from tests.transport.sockets import code_of
from transport import (
    CredentialsRevokedError,
    HelloDialer,
    MemorySessionStore,
    TokenIn,
    TrustingAuthenticator,
    open_connection,
)
from transport.testing import Hang, MemoryServer, Refuse

MOMENTS = (
    "authenticating",
    "saving",
    "dial",
    "hello",
    "refresh",
    "back-off",
    "held off",
    "offline",
    "closing",
    "iterating",
    "listening",
    "window",
    "failed",
)


class Slow(TrustingAuthenticator):
    """An authenticator that takes its time with one of its calls."""

    def __init__(self, call):
        self.call = call
        self.is_busy = False

    async def authenticate(self, credentials):
        if self.call == "authenticating":
            await self._work()
        return await super().authenticate(credentials)

    async def refresh(self, user):
        await self._work()
        raise CredentialsRevokedError("too late")

    async def _work(self):
        self.is_busy = True
        try:
            await trio.sleep(20)
        finally:
            self.is_busy = False


class SlowStore(MemorySessionStore):
    async def save(self, user):
        await trio.sleep(20)
        await super().save(user)


async def hello(greeting):
    await greeting.receive()


PLANS = {
    "dial": Hang(),
    "refresh": Refuse(401),
    "back-off": Refuse(500),
    "held off": Refuse(503, retry_after=60),
}


@pytest.mark.parametrize("moment", MOMENTS)
async def test_logout_leaves_nothing_of_whatever_it_meets(  # noqa: PLR0915 - a scene per moment
    moment, autojump_clock
):
    """S5, S8, K3, C5: no user, no socket, no timer, nothing saved, nothing delivered; then B logs in."""
    server = MemoryServer()
    if moment in PLANS:
        server.plan(PLANS[moment])
    authenticator = Slow(moment)
    store = SlowStore() if moment == "saving" else MemorySessionStore()
    dialer = HelloDialer(server.dialer, hello) if moment == "hello" else server.dialer
    got, codes = [], []
    async with (
        open_connection(
            server.url,
            dialer=dialer,
            mode=Mode.MANUAL if moment == "window" else Mode.AUTO,
            session_store=store,
            authenticator=authenticator,
            token_in=TokenIn.HELLO if moment == "hello" else TokenIn.HEADER,
            draw=lambda: 0.9,
        ) as connection,
        trio.open_nursery() as nursery,
    ):

        async def ask(call):
            codes.append(await code_of(call()))

        async def read():
            async for message in connection:
                got.append(message)
                await trio.sleep(1)

        async def slow(message):
            got.append(message)
            await trio.sleep(1)

        in_login = moment in ("authenticating", "saving")
        if in_login:
            nursery.start_soon(ask, lambda: connection.login("alice"))
        else:
            await connection.login("alice")
            if moment == "offline":
                connection.network_lost()
            if moment not in ("closing", "iterating", "listening", "window", "failed"):
                nursery.start_soon(ask, connection.connect)
        if moment in ("closing", "iterating", "listening", "window", "failed"):
            await connection.connect()
            socket = await server.accepted(1)
            match moment:
                case "closing":
                    socket.stop_reading()
                    nursery.start_soon(connection.disconnect)
                case "iterating":
                    nursery.start_soon(read)
                case "listening":
                    connection.add_message_listener("slow", slow)
                case "window":
                    connection.enter_background()
                case "failed":
                    await socket.close(1008)
            if moment in ("iterating", "listening"):
                await socket.send("first")
                await socket.send("second")
        await trio.sleep(0.5)
        assert authenticator.is_busy is (moment in ("authenticating", "refresh"))
        with trio.fail_after(30):
            await connection.logout()
        await trio.testing.wait_all_tasks_blocked()

        assert connection.user is None
        assert connection.status is Status.DISCONNECTED
        assert server.open_sockets == 0
        assert connection._driver.machine.next_deadline is None
        assert await store.load() is None
        assert codes == [] if moment in MOMENTS[8:] else codes == [Code.LOGGED_OUT]
        assert not authenticator.is_busy
        assert got == (["first"] if moment in ("iterating", "listening") else [])
        if moment in ("iterating", "listening", "window"):
            assert socket.close_code == 1000
        await trio.sleep(100)

        assert got == (["first"] if moment in ("iterating", "listening") else [])
        connection.remove_message_listener("slow")
        if moment == "window":
            connection.enter_foreground()
        if moment == "offline":
            connection.network_restored()
        await connection.login("bob")
        if moment != "hello":  # nobody would say it
            await connection.connect()

            assert server.open_sockets == 1
        assert (await store.load()).uid == "bob"
        nursery.cancel_scope.cancel()


async def test_login_of_another_user_is_refused_and_changes_nothing(autojump_clock):
    """S7: B has to wait until A has logged out."""
    server = MemoryServer()
    store = MemorySessionStore()
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as connection:
        await connection.login("alice")
        await connection.wait_connected()

        assert await code_of(connection.login("bob")) is Code.ALREADY_LOGGED_IN
        assert connection.user is not None
        assert connection.user.uid == "alice"
        assert (await store.load()).uid == "alice"
        assert server.open_sockets == 1


@pytest.mark.parametrize("leaving", ["clearing", "closing", "both"])
async def test_login_while_another_user_is_leaving_is_saved_after_the_clearing(
    leaving, autojump_clock
):
    """S5, S7, C6: the store's calls come one at a time and in order; B's session and socket stay."""
    calls = []

    class SlowToClear(MemorySessionStore):
        async def save(self, user):
            calls.append(("save", user.uid))
            await super().save(user)

        async def clear(self):
            if leaving != "closing":
                await trio.sleep(3)
            calls.append(("clear", ""))
            await super().clear()

    server = MemoryServer()
    store = SlowToClear()
    async with (
        open_connection(server.url, dialer=server.dialer, session_store=store) as connection,
        trio.open_nursery() as nursery,
    ):
        left = trio.Event()

        async def leave():
            await connection.logout()
            left.set()

        await connection.login("alice", auth_token="of-alice")
        await connection.wait_connected()
        if leaving != "clearing":
            (await server.accepted(1)).stop_reading()  # so that closing takes its time
        nursery.start_soon(leave)
        await trio.testing.wait_all_tasks_blocked()

        assert not left.is_set()
        assert connection.user is None
        await connection.login("bob", auth_token="of-bob")
        await connection.wait_connected()
        await left.wait()

        assert calls == [("save", "alice"), ("clear", ""), ("save", "bob")]
        assert (await store.load()).uid == "bob"
        assert [socket.token for socket in server.sockets] == ["of-alice", "of-bob"]
        assert server.open_sockets == server.most_open == 1

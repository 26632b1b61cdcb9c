"""An application's own authenticator, store, dialer, clock and hooks: what goes wrong is typed."""

from __future__ import annotations

import logging

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Status, Timings
from transport import (
    CredentialsRevokedError,
    MemorySessionStore,
    SessionStoreError,
    TransportError,
    User,
    open_connection,
)
from transport.testing import Accept, MemoryServer, Refuse, open_server

SECRET = "s3cr3t-t0ken-of-alice"


class Giving:
    """An authenticator that gives what it was made with."""

    def __init__(self, authenticated, refreshed=None):
        self.authenticated, self.refreshed, self.refreshes = authenticated, refreshed, 0

    async def authenticate(self, credentials):
        await trio.lowlevel.checkpoint()
        return self.authenticated

    async def refresh(self, user):
        await trio.lowlevel.checkpoint()
        self.refreshes += 1
        if isinstance(self.refreshed, Exception):
            raise self.refreshed
        return self.refreshed


class BadStore(MemorySessionStore):
    """A store in which one call goes wrong."""

    def __init__(self, call, error):
        super().__init__()
        self._call, self._error = call, error

    async def _go(self, call):
        await trio.lowlevel.checkpoint()
        if call == self._call and self._error is None:
            await trio.sleep_forever()
        if call == self._call:
            raise self._error

    async def load(self):
        await self._go("load")
        return await super().load()

    async def save(self, user):
        await self._go("save")
        await super().save(user)

    async def clear(self):
        await self._go("clear")
        await super().clear()


@pytest.mark.parametrize("token", ["a b", "a ", "a\r\nX: y", "€"])
async def test_token_that_cannot_travel_is_refused_wherever_it_comes_from(
    token, autojump_clock, caplog
):
    """From login, the authenticator or the store: a clear error, without the token in it."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        with pytest.raises(ValueError, match="visible ASCII"):
            await connection.login("alice", auth_token=token)
    giving = Giving(User(uid="alice", auth_token=token))
    async with open_connection(
        server.url, dialer=server.dialer, authenticator=giving
    ) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.login("alice")
        assert caught.value.code is Code.AUTHENTICATION_FAILED
    saved = MemorySessionStore(User(uid="alice", auth_token=token))
    async with open_connection(server.url, dialer=server.dialer, session_store=saved) as connection:
        assert connection.user is None  # S4: damaged, and says so
    assert "damaged" in caplog.text
    assert server.dials == 0


async def test_token_from_an_authenticator_does_not_travel_unencrypted(autojump_clock):
    """ERR_INSECURE_URL's reason holds for a token that nobody typed."""
    server = MemoryServer()
    giving = Giving(User(uid="alice", auth_token=SECRET))
    async with open_connection(
        "ws://example.org/", dialer=server.dialer, authenticator=giving
    ) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.login("alice")
    assert caught.value.code is Code.AUTHENTICATION_FAILED
    assert "unencrypted" in caught.value.details
    assert server.dials == 0


@pytest.mark.parametrize("nonsense", [None, "alice", {"uid": "alice"}])
async def test_authenticator_that_gives_no_user_is_a_bug(nonsense, autojump_clock):
    """A bug in it comes out of the block as TypeError and is not taken for a refusal."""
    server = MemoryServer()
    with pytest.raises(TypeError, match=r"authenticate\(\) must give a User"):
        async with open_connection(
            server.url, dialer=server.dialer, authenticator=Giving(nonsense)
        ) as connection:
            await connection.login("alice")


async def test_refused_credentials_are_refreshed_once(autojump_clock):
    """B5: a server that refuses for good sees one refresh and no third dial."""
    server = MemoryServer()
    server.otherwise = Refuse(401)
    giving = Giving(User(uid="alice"), User(uid="alice"))
    async with open_connection(
        server.url, dialer=server.dialer, authenticator=giving
    ) as connection:
        await connection.login("alice")
        with pytest.raises(TransportError) as caught:
            await connection.wait_connected()
        await trio.sleep(600)

    assert (caught.value.code, "HTTP 401" in caught.value.details) == (
        Code.CONNECTION_REFUSED,
        True,
    )
    assert (server.dials, giving.refreshes) == (2, 1)


async def test_revoked_credentials_say_what_the_server_said(autojump_clock):
    """B5: details keep the HTTP status when there is nothing to refresh with."""
    server = MemoryServer()
    server.otherwise = Refuse(403)
    giving = Giving(User(uid="alice"), CredentialsRevokedError("gone"))
    async with open_connection(
        server.url, dialer=server.dialer, authenticator=giving
    ) as connection:
        await connection.login("alice")
        with pytest.raises(TransportError) as caught:
            await connection.wait_connected()

    assert "HTTP 403" in caught.value.details
    assert "gone" in caught.value.details


@pytest.mark.parametrize("error", [SessionStoreError("disk"), OSError("disk"), None])
async def test_saved_session_that_cannot_be_had_counts_as_none(error, autojump_clock, caplog):
    """S4: a store that fails or hangs at opening does not keep the application out."""
    server = MemoryServer()
    store = BadStore("load", error)
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as c:
        assert c.user is None
        await c.login("alice")
        await c.wait_connected()
    assert "counts as none" in caplog.text


@pytest.mark.parametrize("error", [SessionStoreError(f"no room for {SECRET}"), None])
async def test_login_that_cannot_be_saved_fails_and_leaves_nothing(error, autojump_clock):
    """S1: also when the store hangs; and its words do not show the token."""
    server = MemoryServer()
    store = BadStore("save", error)
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as c:
        with pytest.raises(TransportError) as caught:
            await c.login("alice", auth_token=SECRET)
        assert c.user is None
    assert caught.value.code is Code.SESSION_NOT_SAVED
    assert SECRET[:10] not in str(caught.value)
    assert (await MemorySessionStore.load(store), server.dials) == (None, 0)


@pytest.mark.parametrize("error", [SessionStoreError("locked"), None])
async def test_logout_that_cannot_clear_logs_out_all_the_same(error, autojump_clock):
    """S5: ERR_SESSION_NOT_CLEARED, within auth_timeout, and nobody is logged in."""
    server = MemoryServer()
    store = BadStore("clear", error)
    async with open_connection(server.url, dialer=server.dialer, session_store=store) as c:
        await c.login("alice")
        await c.wait_connected()
        with pytest.raises(TransportError) as caught:
            await c.logout()
        assert c.user is None
        assert c.status is Status.DISCONNECTED
    assert caught.value.code is Code.SESSION_NOT_CLEARED


async def test_window_that_passed_in_a_sleep_is_noticed_within_a_second(autojump_clock):
    """H5: with a clock that goes on while trio's stands still."""
    server = MemoryServer()
    slept = 0.0
    async with open_connection(
        server.url,
        dialer=server.dialer,
        mode=Mode.MANUAL,
        timings=Timings(stable_after=3000),
        clock=lambda: trio.current_time() + slept,
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        connection.enter_background()
        await trio.sleep(5)
        slept = 3600.0
        await trio.sleep(1.125)

        assert connection.status is Status.DISCONNECTED


async def test_refusal_ends_the_waits_even_if_it_is_left_at_once(autojump_clock):
    """B5: a listener that leaves *failed* in the same turn takes it from nobody who waits."""
    server = MemoryServer()
    ended = []
    async with open_connection(server.url, dialer=server.dialer) as connection:

        def comes_back(change):
            if change.reason == "refused":
                connection.enter_background()
                connection.enter_foreground()

        async def wait(name, call):
            with pytest.raises(TransportError) as caught:
                await call()
            ended.append((name, str(caught.value.code)))

        connection.add_status_listener("comes back", comes_back)
        server.plan(Accept(delay=1.0))
        await connection.login("alice")
        async with trio.open_nursery() as nursery:
            server.plan(Accept())
            nursery.start_soon(wait, "iterate", lambda: anext(aiter(connection)))
            await connection.wait_connected()
            nursery.start_soon(
                wait, "wait", lambda: connection.wait_status(Status.FEATURE_THROTTLED)
            )
            await trio.testing.wait_all_tasks_blocked()
            await server.sockets[0].close(1008)

    refused = "ERR_CONNECTION_REFUSED"
    assert sorted(ended) == [("iterate", refused), ("wait", refused)]


async def test_one_change_is_told_once_to_whoever_comes_in_the_midst(autojump_clock):
    """T2, T5: a listener added by a listener is not told again what it was told as current."""
    server = MemoryServer()
    told = []
    async with open_connection(server.url, dialer=server.dialer) as connection:

        def adds(change):
            if change.current is Status.CONNECTING:
                connection.add_status_listener("late", lambda change: told.append(change.sequence))

        connection.add_status_listener("adds", adds)
        await connection.login("alice")
        await connection.wait_connected()

    assert told == sorted(set(told))


async def test_watcher_has_one_reader_and_ends_with_its_block(autojump_clock):
    """A second task gets trio.BusyResourceError; after the block the iteration ends."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        async with connection.watch() as changes, trio.open_nursery() as nursery:
            await anext(changes)
            nursery.start_soon(anext, changes)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await anext(changes)
            nursery.cancel_scope.cancel()
        with pytest.raises(StopAsyncIteration):
            await anext(changes)


async def test_interrupted_listener_leaves_the_step_whole(autojump_clock):
    """T4: what is no Exception comes out, but not before all effects of the step are performed."""

    class Interrupt(BaseException):
        pass

    def interrupts(change):
        if change.current is Status.CONNECTING:
            raise Interrupt

    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, foreground=False) as connection:
        await connection.login("alice")
        connection.add_status_listener("interrupts", interrupts)
        with pytest.raises(Interrupt):
            connection.enter_foreground()
        await connection.wait_connected()


async def test_hostile_headers_are_a_failed_dial():
    """B5: dates beyond all calendars and bytes beyond all text do not come out of the block."""
    answers = [
        b"HTTP/1.1 503 X\r\nRetry-After: Mon, 01 Jan 99999999999999 00:00:00 GMT\r\n\r\n",
        b"HTTP/1.1 503 X\r\nRetry-After: Mon, 01 Jan 2035 00:00:00 GMT\r\nDate: x\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgr\xe4de\r\n\r\n",
        b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Protocol: \xff\r\nSec-WebSocket-Accept: \xff\r\n\r\n",
    ]
    from transport.testing import Garbage

    with trio.fail_after(20):
        async with open_server() as server:
            for answer in answers:
                server.plan(Garbage(answer))
                async with open_connection(
                    server.url, mode=Mode.MANUAL, draw=lambda: 0.99
                ) as connection:
                    await connection.login("alice")
                    with trio.move_on_after(0.2):
                        await connection.connect()
                    assert connection.status is not Status.CONNECTED
                    assert connection.last_error is not None
                    assert connection.last_error.code is Code.CONNECTION_LOST


async def test_network_monitor_on_a_thread_is_told_the_way(autojump_clock):
    """What it was given belongs to the trio thread; nothing is touched from elsewhere."""
    server = MemoryServer()
    seen = []

    async def monitor(report):
        with pytest.raises(RuntimeError, match="from_thread"):
            await trio.to_thread.run_sync(report, False)
        report(False)
        seen.append("down")
        report(True)

    async with open_connection(
        server.url, dialer=server.dialer, network_monitor=monitor
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
    assert seen == ["down"]


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.WARNING)


async def test_dialer_is_not_asked_for_what_was_called_off_before_it_began():
    """N1: in the same step, before its task could begin: it would dial while the network is down."""
    asked = []

    class Asked:
        async def run(self, request, sink):
            asked.append(request)
            await trio.sleep_forever()

    async with open_connection("ws://localhost/", dialer=Asked(), online=False) as connection:
        await connection.login("alice")
        for _ in range(3):
            connection.network_restored()
            connection.network_lost()
        await trio.testing.wait_all_tasks_blocked()
        assert not asked

        connection.network_restored()
        await trio.testing.wait_all_tasks_blocked()
        assert len(asked) == 1

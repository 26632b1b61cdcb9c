"""Functions that are told of the session, and what holds for listeners of every kind."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from statemodel import Code, Reason, Status
from tests.transport.sockets import code_of, settle, up
from transport import (
    AuthenticationError,
    Connection,
    MemorySessionStore,
    SessionEvent,
    SessionStoreError,
    TransportError,
    TrustingAuthenticator,
    User,
    open_connection,
)
from transport.testing import MemoryServer

IN, FAILED = SessionEvent.LOGGED_IN, SessionEvent.LOGIN_FAILED
OUT, NOT_CLEARED = SessionEvent.LOGGED_OUT, SessionEvent.NOT_CLEARED
KINDS = ("status", "login", "message")


class ByName:
    """An authenticator that takes its time, refuses `bad`, and never answers for `slow`."""

    async def authenticate(self, credentials):
        await trio.sleep(1.0)
        if credentials.uid == "slow":
            await trio.sleep_forever()
        if credentials.uid == "bad":
            raise AuthenticationError("no such user")
        return User(uid=credentials.uid)

    async def refresh(self, user):
        await trio.lowlevel.checkpoint()
        return User(uid=user.uid, auth_token="new")


class StuckStore(MemorySessionStore):
    async def clear(self):
        await trio.lowlevel.checkpoint()
        raise SessionStoreError("locked")


@asynccontextmanager
async def opened(server, **options):
    """A connection with nobody logged in, and what its session is told from now on."""
    told = []

    def listen(change):
        code = change.error and change.error.code
        told.append((change.sequence, change.kind, change.user and change.user.uid, code))

    async with open_connection(server.url, dialer=server.dialer, **options) as connection:
        connection.add_login_listener("told", listen)
        yield connection, told


def adder(connection: Connection, kind: str):
    return getattr(connection, f"add_{kind}_listener")


def remover(connection: Connection, kind: str):
    return getattr(connection, f"remove_{kind}_listener")


async def stuck(message):
    await trio.sleep_forever()


# -- login listeners ---------------------------------------------------------------------------


async def test_session_is_told_once_as_it_goes(autojump_clock):
    """S1, S5, S7: logins, failures and logouts are; what is refused at once or cancelled is not."""
    async with opened(MemoryServer(), authenticator=ByName()) as (connection, told):
        assert await code_of(connection.login("bad")) is Code.AUTHENTICATION_FAILED
        await connection.login("alice")
        await connection.login("alice")
        assert await code_of(connection.login("bob")) is Code.ALREADY_LOGGED_IN
        await connection.logout()
        await connection.logout()
        with trio.move_on_after(2.0):
            await connection.login("slow")
        async with trio.open_nursery() as nursery:
            nursery.start_soon(code_of, connection.login("slow"))
            await settle()
            assert await code_of(connection.login("bob")) is Code.LOGIN_IN_PROGRESS
            await connection.logout()
        assert await code_of(connection.login("slow")) is Code.AUTHENTICATION_FAILED  # in time

    assert told == [
        (1, FAILED, None, Code.AUTHENTICATION_FAILED),
        (2, IN, "alice", None),
        (3, OUT, "alice", None),
        (4, FAILED, None, Code.LOGGED_OUT),
        (5, FAILED, None, Code.AUTHENTICATION_FAILED),
    ]


async def test_logout_that_cannot_clear_is_told_after_the_logout(autojump_clock):
    """S5: with the code and details that the caller gets."""
    errors = []
    async with opened(MemoryServer(), session_store=StuckStore()) as (connection, told):
        connection.add_login_listener("errors", lambda change: errors.append(change.error))
        await connection.login("alice")
        with pytest.raises(Exception, match="SESSION_NOT_CLEARED") as caught:
            await connection.logout()

    code = Code.SESSION_NOT_CLEARED
    assert told == [(1, IN, "alice", None), (2, OUT, "alice", None), (3, NOT_CLEARED, None, code)]
    assert str(errors[-1]) == str(caught.value)


async def test_neither_a_refresh_nor_the_end_is_told(autojump_clock):
    """B5, O4: new credentials are the same user's; ending the object logs nobody out."""
    server = MemoryServer()
    async with opened(server, authenticator=ByName()) as (connection, told):
        await connection.login("alice")
        await (await server.accepted(1)).close(4401)
        await server.accepted(2)
        assert connection.user.auth_token == "new"

    assert told == [(1, IN, "alice", None)]


async def test_login_listeners_are_told_before_status_listeners_in_the_same_step(autojump_clock):
    """T2: who is there is known before what becomes of the socket, at one time."""
    seen = []
    async with up() as (connection, *_):
        connection.add_status_listener("s", lambda c: seen.append((c.current, c.time)))
        connection.add_login_listener("l", lambda c: seen.append((c.kind, c.time)))
        connection.add_login_listener("u", lambda c: seen.append((connection.user, c.time)))
        seen.clear()
        await trio.sleep(3)
        logout = trio.current_time()
        await connection.logout()
        told_at_logout = seen[:]
        seen.clear()
        await trio.sleep(3)
        login = trio.current_time()
        user = await connection.login("bob")

        assert [what for what, _ in told_at_logout] == [OUT, None, Status.DISCONNECTED]
        assert [what for what, _ in seen[:3]] == [IN, user, Status.CONNECTING]
        assert {time for _, time in told_at_logout} == {told_at_logout[0][1]}
        assert seen[2][1] - told_at_logout[0][1] == pytest.approx(login - logout)


async def test_command_in_a_login_listener_runs_after_the_step(autojump_clock):
    """T4: and the status of the step is told before that of the command."""
    statuses = []
    async with opened(MemoryServer()) as (connection, _):

        def go_offline(change):
            connection.network_lost()
            statuses.append(connection.status)

        connection.add_login_listener("offline", go_offline)
        connection.add_status_listener("s", lambda c: statuses.append((c.current, c.reason)))
        statuses.clear()
        await connection.login("alice")

        assert statuses == [
            Status.CONNECTING,
            (Status.CONNECTING, Reason.LOGIN),
            (Status.DISCONNECTED, Reason.NETWORK_DOWN),
        ]


async def test_interrupted_login_listener_leaves_the_step_whole(autojump_clock):
    """T4: what is no Exception comes out of the call, after all that follows from it has begun."""
    statuses = []
    store = MemorySessionStore()

    def interrupt(change):
        raise KeyboardInterrupt

    async with up(session_store=store) as (connection, socket, _):
        connection.add_status_listener("s", lambda c: statuses.append(c.current))
        connection.add_login_listener("interrupts", interrupt)
        with pytest.raises(KeyboardInterrupt):
            await connection.logout()
        await socket.ended.wait()
        connection.remove_login_listener("interrupts")

        assert statuses == [Status.CONNECTED, Status.DISCONNECTED]
        assert (connection.user, await store.load()) == (None, None)
        await connection.login("bob")
        await connection.wait_connected()


async def test_session_is_watched_until_the_end(autojump_clock):
    """O4: from now on, nothing held back, and the iteration ends with the object."""
    server, kinds = MemoryServer(), []
    async with trio.open_nursery() as nursery:

        async def watch(connection, *, task_status):
            async with connection.watch_session() as changes:
                task_status.started()
                kinds.extend([change.kind async for change in changes])

        async with open_connection(server.url, dialer=server.dialer) as connection:
            await connection.login("alice")
            await nursery.start(watch, connection)
            await connection.logout()
            await connection.login("bob")

    assert kinds == [OUT, IN]


# -- listeners of all kinds --------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_listener_of_the_same_id_is_replaced_and_returned(kind, autojump_clock):
    """T2: ids are of one kind; what is not there is not removed."""
    calls = []

    def first(news):
        calls.append("first")

    def second(news):
        calls.append("second")

    async with up() as (connection, socket, _):
        add, remove = adder(connection, kind), remover(connection, kind)
        assert remove("a") is False
        assert add("a", first) is None
        assert add("a", second) is first
        calls.clear()
        await socket.send("news")
        await settle()
        await connection.logout()
        assert (remove("a"), remove("a")) == (True, False)

        assert set(calls) == {"second"}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_no_listener_is_refused_and_changes_nothing(kind, autojump_clock):
    """T4: TypeError in the call, not later in the midst of a step."""
    async with up() as (connection, *_):
        add, remove = adder(connection, kind), remover(connection, kind)
        for wrong in ((1, print), (None, print), (b"a", print), ("a", None), ("a", "print")):
            with pytest.raises(TypeError):
                add(*wrong)
        if kind != "message":
            with pytest.raises(TypeError):
                add("a", stuck)
        with pytest.raises(TypeError):
            remove(1)
        assert remove("a") is False


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("kind", KINDS)
async def test_listener_that_raises_harms_nobody(kind, asynchronous, autojump_clock):
    """T4: its error goes to the hook with its id; the others are told, the connection goes on."""
    error, hooked, told = ValueError("broken"), [], []

    def broken(news):
        raise error

    async def broken_later(news):
        await trio.lowlevel.checkpoint()
        raise error

    async with up(on_listener_error=lambda *args: hooked.append(args)) as (connection, socket, _):
        add = adder(connection, kind)
        add("broken", broken_later if asynchronous and kind == "message" else broken)
        add("good", told.append)
        hooked.clear()
        told.clear()
        await socket.send("news")
        await settle()
        if kind != "message":
            await connection.logout()

        assert (hooked, len(told)) == ([("broken", error)], 1)
        if kind == "message":
            assert await connection.ping() >= 0


@pytest.mark.parametrize("kind", KINDS)
async def test_hook_that_raises_is_logged(kind, caplog, autojump_clock):
    """T4: it harms nobody either; without a hook the listener's error is logged."""

    def broken(*args):
        raise ValueError("broken")

    for hook in ({}, {"on_listener_error": broken}):
        async with up(**hook) as (connection, socket, _):
            adder(connection, kind)("the broken one", broken)
            await socket.send("news")
            await settle()
            await connection.logout()
            assert connection.user is None

    assert "'the broken one' raised" in caplog.text
    assert "the hook for listeners' errors raised" in caplog.text


async def test_all_is_refused_after_the_end(autojump_clock):
    """O4: ERR_CLOSED."""
    async with up() as (connection, *_):
        pass
    for kind in KINDS:
        for call in (
            lambda kind=kind: adder(connection, kind)("a", print),
            lambda kind=kind: remover(connection, kind)("a"),
        ):
            with pytest.raises(Exception, match="ERR_CLOSED"):
                call()
    for watch in (connection.watch, connection.watch_session):
        with pytest.raises(Exception, match="ERR_CLOSED"):
            async with watch():
                pass


async def test_login_ends_although_a_login_listener_was_interrupted(autojump_clock):
    """T4, C4: Ctrl-C in a listener that hears of a failure leaves no call hanging."""

    class Slow(TrustingAuthenticator):
        async def authenticate(self, credentials):
            await trio.sleep_forever()

    def interrupt(change):
        raise KeyboardInterrupt

    codes = []
    server = MemoryServer()
    async with (
        open_connection(server.url, dialer=server.dialer, authenticator=Slow()) as connection,
        trio.open_nursery() as nursery,
    ):

        async def login():
            with pytest.raises(TransportError) as caught:
                await connection.login("alice")
            codes.append(caught.value.code)

        connection.add_login_listener("interrupted", interrupt)
        nursery.start_soon(login)
        await trio.testing.wait_all_tasks_blocked()
        with pytest.raises(KeyboardInterrupt):
            await connection.logout()
        await trio.testing.wait_all_tasks_blocked()

        assert codes == [Code.LOGGED_OUT]

"""Whatever an application passes that cannot work gets a clear typed error, and harms nothing."""

from __future__ import annotations

import logging
import ssl
import traceback

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Status, Timings
from transport import (
    MemorySessionStore,
    TokenIn,
    TransportError,
    User,
    WebSocketDialer,
    open_connection,
)
from transport.testing import MemoryServer

SECRET = "s3cr3t-t0ken"


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("", ValueError),
        ("http://example.org/", ValueError),
        ("example.org", ValueError),
        ("ws://", ValueError),
        ("ws://example.org:99999/", ValueError),
        ("ws://example.org:x/", ValueError),
        ("ws://user:secret@example.org/", ValueError),
        ("ws://example.org/#part", ValueError),
        ("ws://exa mple.org/", ValueError),
        ("ws://example.org/\r\nX: y", ValueError),
        ("ws://bücher.example/", ValueError),
        ("ws://example.org/" + "x" * 9_000, ValueError),
        (None, TypeError),
        (b"ws://example.org/", TypeError),
    ],
)
async def test_wrong_url_is_refused(url, error):
    """A URL that is none raises at once, and never shows a password."""
    with pytest.raises(error) as caught:
        async with open_connection(url):
            pass

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "arguments",
    [
        {"mode": "sometimes"},
        {"timings": 3},
        {"max_message_size": 0},
        {"max_message_size": True},
        {"max_unread": -1},
        {"max_unread": 1.5},
        {"headers": (("X-A", "b\r\nX-C: d"),)},
        {"headers": (("X A", "b"),)},
        {"headers": (("X-A", 3),)},
        {"ssl_context": ssl.create_default_context()},
    ],
    ids=lambda arguments: next(iter(arguments)),
)
async def test_wrong_option_is_refused(arguments):
    """An option out of range raises TypeError or ValueError before anything begins."""
    with pytest.raises((TypeError, ValueError)):
        async with open_connection("ws://localhost/", **arguments):
            pass


@pytest.mark.parametrize(
    ("uid", "token", "error"),
    [
        ("", "", ValueError),
        (3, "", TypeError),
        ("alice", b"x", TypeError),
        ("alice", "a\r\nb", ValueError),
        ("alice", "ü", ValueError),
    ],
)
async def test_wrong_credentials_are_refused(uid, token, error, autojump_clock):
    """Credentials that cannot travel raise, and a login afterwards works."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        with pytest.raises(error):
            await connection.login(uid, auth_token=token)
        await connection.login("alice")
        await connection.wait_connected()


async def test_wrong_messages_are_refused_before_sending(autojump_clock):
    """A message of a wrong type, or over the limit, raises, and the connection goes on."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, max_message_size=10) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        for wrong in (3, None, ["x"], bytearray(b"x")):
            with pytest.raises(TypeError):
                await connection.send(wrong)
        with pytest.raises(ValueError, match="surrogates"):
            await connection.send("\ud800")
        for large in ("x" * 11, b"x" * 11, "ü" * 6):
            with pytest.raises(TransportError) as caught:
                await connection.send(large)
            assert caught.value.code is Code.MESSAGE_TOO_BIG
        await connection.send("x" * 10)

        assert await server.sockets[0].receive() == "x" * 10


async def test_second_reader_is_refused_and_the_first_goes_on(autojump_clock):
    """Two tasks iterating: the second gets trio.BusyResourceError."""
    server = MemoryServer()
    got = []
    async with open_connection(server.url, dialer=server.dialer) as connection:
        await connection.login("alice")
        await connection.wait_connected()

        async def read():
            got.append(await anext(aiter(connection)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            with pytest.raises(trio.BusyResourceError):
                await anext(aiter(connection))
            await server.sockets[0].send("hello")

    assert got == ["hello"]


async def test_calls_from_another_thread_name_the_way(autojump_clock):
    """A call from another thread raises RuntimeError and names trio.from_thread."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        with pytest.raises(RuntimeError, match=r"trio\.from_thread"):
            await trio.to_thread.run_sync(connection.enter_background)
        await trio.to_thread.run_sync(
            lambda: trio.from_thread.run_sync(connection.enter_background)
        )

        assert connection.status is Status.DISCONNECTED


async def test_listener_that_raises_harms_nobody(autojump_clock):
    """T4: its exception goes to the hook, even if the hook raises; others are told all the same."""
    server = MemoryServer()
    told, errors = [], []

    def hook(listener_id, error):
        errors.append((listener_id, str(error)))
        raise RuntimeError("the hook, too")

    def bad(change):
        raise ValueError("bad listener")

    async with open_connection(
        server.url, dialer=server.dialer, on_listener_error=hook
    ) as connection:
        connection.add_status_listener("bad", bad)
        connection.add_status_listener("good", lambda change: told.append(change.current))
        await connection.login("alice")
        await connection.wait_connected()

    assert [("bad", "bad listener")] * len(errors) == errors
    assert told[:3] == [Status.DISCONNECTED, Status.CONNECTING, Status.CONNECTED]


async def test_command_in_a_listener_runs_after_the_step(autojump_clock):
    """T4: what a listener asks for happens when the step has ended, as if called just after."""
    server = MemoryServer()
    statuses = []
    async with open_connection(server.url, dialer=server.dialer) as connection:

        def listener(change):
            statuses.append(change.current)
            if change.current is Status.CONNECTED:
                connection.enter_background()
                assert connection.status is Status.CONNECTED  # not yet

        connection.add_status_listener("one", listener)
        connection.add_status_listener("two", lambda change: statuses.append(change.current))
        await connection.login("alice")
        await connection.wait_status(Status.CONNECTING)
        await connection.wait_status(Status.DISCONNECTED)

    d, c, up = Status.DISCONNECTED, Status.CONNECTING, Status.CONNECTED
    assert statuses[:8] == [d, d, c, c, up, up, d, d]


async def test_same_listener_id_replaces_and_returns_the_old_one(autojump_clock):
    """A listener's id is unique; removing an unknown one is no error."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        first, second = [].append, [].append
        assert connection.add_status_listener("x", first) is None
        assert connection.add_status_listener("x", second) is first
        assert connection.remove_status_listener("x")
        assert not connection.remove_status_listener("x")
        with pytest.raises(TypeError):
            connection.add_status_listener("x", 3)

        async def coroutine(change):
            pass

        with pytest.raises(TypeError, match="plain function"):
            connection.add_status_listener("x", coroutine)


async def test_new_watcher_is_told_the_current_status_first(autojump_clock):
    """T5: before any change that is disconnected; while waiting, with the retry_in that is left."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, draw=lambda: 0.5) as connection:
        async with connection.watch() as changes:
            first = await anext(changes)
        assert (first.sequence, first.current, first.reason) == (0, Status.DISCONNECTED, None)
        await connection.login("alice")
        await connection.wait_connected()
        server.sockets[0].drop()
        await connection.wait_status(Status.DISCONNECTED)
        await trio.sleep(0.125)
        async with connection.watch() as changes:
            waiting = await anext(changes)

    assert waiting.retry_in == pytest.approx(0.375)


@pytest.mark.parametrize("url", ["ws://192.0.2.1/", "ws://example.org/"])
async def test_token_over_plain_ws_off_loopback_is_refused(url, autojump_clock):
    """ERR_INSECURE_URL at login, and at opening with a saved token; a way out exists."""
    server = MemoryServer()
    async with open_connection(url, dialer=server.dialer) as connection:
        with pytest.raises(TransportError) as caught:
            await connection.login("alice", auth_token=SECRET)
        assert caught.value.code is Code.INSECURE_URL
        await connection.login("alice")  # without a token there is nothing to guard
    saved = MemorySessionStore(User(uid="alice", auth_token=SECRET))
    with pytest.raises(TransportError) as caught:
        async with open_connection(url, dialer=server.dialer, session_store=saved):
            pass
    assert caught.value.code is Code.INSECURE_URL
    async with open_connection(url, dialer=server.dialer, allow_insecure=True) as connection:
        await connection.login("alice", auth_token=SECRET)


async def test_token_never_shows(autojump_clock, caplog):
    """No repr, log, traceback or error of ours has the token, also if the peer echoes it."""
    caplog.set_level(logging.DEBUG)
    server = MemoryServer()
    texts = []
    async with open_connection(server.url, dialer=server.dialer) as connection:
        user = await connection.login("alice", auth_token=SECRET)
        await connection.wait_connected()
        texts += [repr(user), str(user), repr(connection), repr(connection._driver.machine)]
        assert server.sockets[0].token == SECRET
        await server.sockets[0].close(1008, f"bad token {SECRET}")
        try:
            await connection.wait_status(Status.CONNECTED)
            await connection.wait_status(Status.CONNECTING)
        except TransportError as error:
            texts += [str(error), repr(error), "".join(traceback.format_exception(error))]
            assert error.code is Code.CONNECTION_REFUSED
        texts += [str(connection.last_error), repr(connection.last_error)]

    assert all(SECRET not in text for text in [*texts, caplog.text]), texts


async def test_manual_ping_at_the_very_deadline_wins(autojump_clock):
    """M4, H4: a task that sleeps until exactly the deadline and pings, again and again."""
    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, mode=Mode.MANUAL, timings=Timings()
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        connection.enter_background()
        for _ in range(50):
            await trio.sleep(Timings().background_grace)
            await connection.ping()
        assert connection.status is Status.CONNECTED
        await trio.sleep(Timings().background_grace + 0.125)

        assert connection.status is Status.DISCONNECTED


@pytest.mark.parametrize(
    "wrong",
    [
        {"session_store": "file.json"},
        {"dialer": object()},
        {"dialer": WebSocketDialer},
        {"authenticator": lambda credentials: credentials},
        {"draw": 0.5},
        {"clock": 1},
        {"network_monitor": 1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
async def test_what_cannot_be_asked_later_is_refused_on_opening(wrong, autojump_clock):
    """A wrong plug-in is a TypeError that names the argument, and not a crash an hour later."""
    (name,) = wrong
    with pytest.raises(TypeError, match=f"{name} must be"):
        async with open_connection("ws://localhost/", **wrong):
            pass


async def test_token_that_nobody_would_send_is_refused(autojump_clock):
    """K5: the default dialer says no hello, so a token in one would go nowhere."""
    with pytest.raises(ValueError, match="HelloDialer"):
        async with open_connection("ws://localhost/", token_in=TokenIn.HELLO):
            pass

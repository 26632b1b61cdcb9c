"""The machine sleeps for an hour in each state: the clock goes on, trio's deadlines do not (H4, H5)."""

from __future__ import annotations

import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Reason, Status
from tests.transport.sockets import code_of
from transport import (
    MemorySessionStore,
    TrustingAuthenticator,
    open_connection,
    suspend_aware_time,
)
from transport._clock import default_clock
from transport.testing import Hang, MemoryServer, Refuse

HOUR = 3600.0


class Sleeper:
    """A machine that can sleep, and a server that does not notice."""

    def __init__(self, server=None):
        self.server = server or MemoryServer()
        self.slept = 0.0
        self.changes = []
        self.clock = lambda: trio.current_time() + self.slept

    @asynccontextmanager
    async def open(self, mode=Mode.AUTO, **options):
        async with open_connection(
            self.server.url,
            dialer=self.server.dialer,
            mode=mode,
            clock=self.clock,
            draw=lambda: 0.5,
            **options,
        ) as connection:
            connection.add_status_listener("note", self.changes.append)
            yield connection

    @asynccontextmanager
    async def connected(self, mode=Mode.AUTO, **options):
        async with self.open(mode, **options) as connection:
            await connection.login("alice")
            if mode is Mode.MANUAL:
                await connection.connect()
            await connection.wait_connected()
            socket = await self.server.accepted(1)
            await trio.testing.wait_all_tasks_blocked()
            self.changes.clear()
            yield connection, socket

    async def sleep(self, seconds=HOUR):
        """Sleep, wake, and give the connection the second that H5 allows."""
        self.slept += seconds
        await trio.sleep(1)

    @property
    def reasons(self):
        return [change.reason for change in self.changes]


async def note(codes, call):
    codes.append(await code_of(call()))


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("status", [Status.CONNECTED, Status.FEATURE_THROTTLED])
async def test_idle_socket_is_probed_once_and_kept(status, mode, autojump_clock):
    """H5, H1, T7: one probe, no cascade of late deadlines; its answer keeps the socket as it was."""
    machine = Sleeper()
    async with machine.connected(mode) as (connection, socket):
        if status is Status.FEATURE_THROTTLED:
            await socket.throttle()
            await connection.wait_status(status)
        machine.changes.clear()
        await machine.sleep()
        await trio.sleep(10)

        assert len(socket.pings) == 1
        assert machine.changes == []
        assert connection.status is status


@pytest.mark.parametrize("pinging", [False, True])
async def test_socket_that_stays_silent_is_lost_after_the_probe(pinging, autojump_clock):
    """H5, P5, P2: probe_timeout after waking and not at once, also with a ping in flight."""
    machine = Sleeper()
    codes = []
    async with machine.connected() as (connection, socket), trio.open_nursery() as nursery:
        socket.go_silent()
        if pinging:
            nursery.start_soon(note, codes, connection.ping)
        await trio.sleep(1)
        woken = trio.current_time()
        await machine.sleep()

        assert machine.changes == []
        assert codes == []
        await connection.wait_status(Status.DISCONNECTED)
        assert machine.reasons[0] is Reason.NO_ANSWER
        assert 5 <= trio.current_time() - woken <= 6
        await trio.testing.wait_all_tasks_blocked()
        assert len(codes) == pinging


@pytest.mark.parametrize("noticed", [False, True])
async def test_pong_that_waited_in_the_kernel_counts(noticed, autojump_clock):
    """H5, P2: it is read before or after the sleep is noticed; the ping gets it, the socket stays."""
    machine = Sleeper()
    seconds = []
    async with machine.connected() as (connection, socket), trio.open_nursery() as nursery:

        async def ping():
            seconds.append(await connection.ping())

        socket.withhold_pongs()
        nursery.start_soon(ping)
        await socket.pinged()
        socket.withhold_pongs(on=False)
        await trio.testing.wait_all_tasks_blocked()
        machine.slept += HOUR
        if noticed:
            await trio.sleep(1)
        await socket.send_pong(socket.pings[0][1])
        await trio.sleep(20)

        assert seconds == pytest.approx([HOUR + noticed])
        assert connection.status is Status.CONNECTED
        assert machine.changes == []


@pytest.mark.parametrize("besides", ["nothing", "keep_alive", "a ping in flight"])
async def test_window_that_has_passed_ends_before_anything_else(besides, autojump_clock):
    """H5, M5, P2: grace fires first; nothing is sent on the old socket, and nothing comes back."""
    machine = Sleeper()
    codes = []
    async with (
        machine.connected(Mode.MANUAL) as (connection, socket),
        trio.open_nursery() as nursery,
        AsyncExitStack() as stack,
    ):
        connection.enter_background()
        if besides == "keep_alive":
            await stack.enter_async_context(connection.keep_alive())
        if besides == "a ping in flight":
            socket.withhold_pongs()
            nursery.start_soon(note, codes, connection.ping)
        await trio.testing.wait_all_tasks_blocked()
        pings = len(socket.pings)
        await machine.sleep()

        assert machine.reasons == [Reason.BACKGROUND_TIMEOUT]
        await trio.sleep(100)
        connection.enter_foreground()
        await trio.sleep(100)

        assert machine.reasons == [Reason.BACKGROUND_TIMEOUT]
        assert len(socket.pings) == pings == (besides != "nothing")
        assert codes == ([Code.CONNECTION_LOST] if besides == "a ping in flight" else [])
        assert connection.status is Status.DISCONNECTED


async def test_window_comes_before_the_time_of_a_dial(autojump_clock):
    """H5, M10: of a dial in background and its window, both slept through, the window fires."""
    machine = Sleeper()
    machine.server.plan(Hang())
    codes = []
    async with machine.open(Mode.MANUAL) as connection, trio.open_nursery() as nursery:
        await connection.login("alice")
        connection.enter_background()
        nursery.start_soon(note, codes, connection.connect)
        await machine.server.dialled(1)
        machine.changes.clear()
        await machine.sleep()

        assert machine.reasons == [Reason.BACKGROUND_TIMEOUT]
        assert codes == [Code.CONNECTION_LOST]
        assert machine.server.open_sockets == 0


async def test_call_right_after_waking_finds_the_window_closed(autojump_clock):
    """H4, H5: earlier deadlines fire before an input, also before anybody has noticed the sleep."""
    machine = Sleeper()
    async with machine.connected(Mode.MANUAL) as (connection, _):
        connection.enter_background()
        machine.slept += HOUR

        assert await code_of(connection.ping()) is Code.NO_WEBSOCKET_CONNECTION
        assert machine.reasons == [Reason.BACKGROUND_TIMEOUT]


class SlowToAuthenticate(TrustingAuthenticator):
    async def authenticate(self, credentials):
        await trio.sleep_forever()


class SlowToSave(MemorySessionStore):
    async def save(self, user):
        await trio.sleep_forever()


@pytest.mark.parametrize(
    ("slow", "code"),
    [
        ({"authenticator": SlowToAuthenticate()}, Code.AUTHENTICATION_FAILED),
        ({"session_store": SlowToSave()}, Code.SESSION_NOT_SAVED),
    ],
)
async def test_login_slept_through_is_over(slow, code, autojump_clock):
    """S1, H5: auth_timeout counts the sleep, in both parts of a login."""
    machine = Sleeper()
    async with machine.open(**slow) as connection, trio.open_nursery() as nursery:
        codes = []
        nursery.start_soon(note, codes, partial(connection.login, "alice"))
        await trio.testing.wait_all_tasks_blocked()
        await machine.sleep()

        assert codes == [code]
        assert connection.user is None


async def test_dial_slept_through_is_one_failed_dial(autojump_clock):
    """K5, H4, H5: the retry that follows counts from the waking, so it comes after it."""
    machine = Sleeper()
    machine.server.plan(Hang())
    async with machine.open() as connection:
        await connection.login("alice")
        await machine.server.dialled(1)
        machine.changes.clear()
        await machine.sleep()

        assert machine.reasons[:1] == [Reason.DIAL_FAILED]
        await connection.wait_connected()
        assert machine.server.dials == 2


async def test_wait_slept_through_ends_in_one_dial(autojump_clock):
    """B1, H4: the retry is due, once."""
    machine = Sleeper()
    machine.server.plan(Refuse(500))
    async with machine.open() as connection:
        await connection.login("alice")
        await connection.wait_status(Status.DISCONNECTED)
        machine.changes.clear()
        await machine.sleep()

        assert machine.reasons == [Reason.RETRY, Reason.OPENED]
        assert machine.server.dials == 2


@pytest.mark.parametrize("state", ["logged out", "offline", "failed", "background"])
async def test_where_nothing_runs_a_sleep_changes_nothing(state, autojump_clock):
    """S8, N1, B5, A1, G3: no timer, so nothing is late."""
    machine = Sleeper()
    async with machine.open() as connection:
        if state != "logged out":
            await connection.login("alice")
            await connection.wait_connected()
        match state:
            case "offline":
                connection.network_lost()
            case "failed":
                await (await machine.server.accepted(1)).close(1008)
            case "background":
                connection.enter_background()
        await trio.sleep(6)
        machine.changes.clear()
        dials = machine.server.dials
        await machine.sleep()

        assert machine.changes == []
        assert machine.server.dials == dials


async def test_closing_slept_through_is_over(autojump_clock):
    """K4, H5: close_timeout counts the sleep."""
    machine = Sleeper()
    async with machine.connected() as (connection, socket):
        socket.stop_reading()
        connection.enter_background()
        await machine.sleep()

        assert machine.server.open_sockets == 0


async def test_each_clock_wakes_its_own_connections(autojump_clock):
    """H5: two connections on one clock, one on another; and nothing is left when they end."""
    before = trio.lowlevel.current_statistics().tasks_living
    one, other = Sleeper(), Sleeper()
    async with one.connected() as (_, first), other.connected() as (_, third):
        async with open_connection(
            one.server.url, dialer=one.server.dialer, clock=one.clock
        ) as second:
            await second.login("bob")
            await second.wait_connected()
            await one.sleep()

            assert len(first.pings) == 1
            assert len((await one.server.accepted(2)).pings) == 1
            assert third.pings == []
        await trio.testing.wait_all_tasks_blocked()
        await one.sleep()

        assert len(first.pings) == 2  # it outlives the second
    await trio.testing.wait_all_tasks_blocked()

    assert trio.lowlevel.current_statistics().tasks_living == before


async def test_clock_may_be_any_callable(autojump_clock):
    """H5: also an object that compares by its contents, and so has no hash."""

    @dataclass
    class Clock:
        slept: float = 0.0

        def __call__(self):
            return trio.current_time() + self.slept

    clock = Clock()
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, clock=clock) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        clock.slept = HOUR
        await trio.sleep(1)

        assert len((await server.accepted(1)).pings) == 1


async def test_clock_that_raises_comes_out_of_the_block(autojump_clock):
    """T4: a bug in the application's clock is no internal error of trio."""
    broken = False

    def clock():
        if broken:
            raise ZeroDivisionError("a bug in the clock")
        return trio.current_time()

    server = MemoryServer()
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - one or two of the same kind
        async with open_connection(server.url, dialer=server.dialer, clock=clock) as connection:
            await connection.login("alice")
            await connection.wait_connected()
            broken = True
            await trio.sleep(100)

    assert not isinstance(caught.value, trio.TrioInternalError)
    assert "bug in the clock" in repr(caught.value)


async def test_clock_that_runs_fast_has_its_deadlines_kept(autojump_clock):
    """H5: a drift is noticed as a jump is."""
    start = trio.current_time()

    def clock():
        return start + (trio.current_time() - start) * 1.1

    server = MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, mode=Mode.MANUAL, clock=clock
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        since = clock()
        connection.enter_background()
        await connection.wait_status(Status.DISCONNECTED)

        assert 30 <= clock() - since <= 31


async def test_virtual_time_is_kept_to(autojump_clock):
    """H5: under a virtual clock nothing real leaks into a test."""
    assert default_clock() is trio.current_time


async def test_real_time_goes_on_in_a_sleep():
    """H5: by default a connection goes by a clock that counts sleep."""
    assert default_clock() is suspend_aware_time
    read = [suspend_aware_time() for _ in range(1000)]
    assert read == sorted(read)
    if sys.platform == "linux":
        before = time.clock_gettime(time.CLOCK_BOOTTIME)
        assert before <= suspend_aware_time() <= time.clock_gettime(time.CLOCK_BOOTTIME)

"""`keep_alive` (H3): pings in background, for as long as somebody wants them."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from statemodel import Code, Mode, Reason, Status, Timings
from tests.transport.sockets import code_of
from transport import TransportError, open_connection
from transport.testing import MemoryServer, open_server


@asynccontextmanager
async def manual(server, **options):
    async with open_connection(
        server.url, dialer=server.dialer, mode=Mode.MANUAL, **options
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        yield connection, await server.accepted(1)


def times(socket, since):
    """When pings came, in seconds from then."""
    return [at - since for at, _ in socket.pings]


async def test_connection_outlives_an_hour_in_background(autojump_clock):
    """H3, M4: one ping on entering the background, and one every keep_alive_interval after."""
    async with manual(MemoryServer()) as (connection, socket):
        async with connection.keep_alive():
            start = trio.current_time()
            connection.enter_background()
            await trio.sleep(3601)

            assert connection.status is Status.CONNECTED
            assert times(socket, start) == pytest.approx([25.0 * n for n in range(145)])


async def test_without_it_the_connection_lives_exactly_background_grace(autojump_clock):
    """H3, M3, M5: and so it does from the last ping on when the block has been left."""
    async with manual(MemoryServer()) as (connection, _):
        start = trio.current_time()
        connection.enter_background()
        await connection.wait_status(Status.DISCONNECTED)

        assert trio.current_time() - start == pytest.approx(30)
    async with manual(MemoryServer()) as (connection, _):
        async with connection.keep_alive():
            connection.enter_background()
            await trio.sleep(60)
        start = trio.current_time()
        await connection.wait_status(Status.DISCONNECTED)

        assert trio.current_time() - start == pytest.approx(50 + 30 - 60)


async def test_entered_in_background_it_pings_at_once(autojump_clock):
    """H3: the window is moved from the entering of the block."""
    async with manual(MemoryServer()) as (connection, socket):
        start = trio.current_time()
        connection.enter_background()
        await trio.sleep(20)
        async with connection.keep_alive():
            await trio.sleep(29)

            assert connection.status is Status.CONNECTED
            assert times(socket, start) == pytest.approx([20, 45])


async def test_reports_that_change_nothing_ping_nothing(autojump_clock):
    """H3, O3: a second report of the background is no entering."""
    async with manual(MemoryServer()) as (connection, socket), connection.keep_alive():
        connection.enter_background()
        await trio.sleep(1)
        connection.enter_background()
        await trio.sleep(1)

        assert len(socket.pings) == 1


async def test_foreground_ends_the_pings(autojump_clock):
    """H3: what comes in foreground is the probe and heartbeats (H1, H2)."""
    async with manual(MemoryServer()) as (connection, socket), connection.keep_alive():
        connection.enter_background()
        await trio.sleep(10)
        start = trio.current_time()
        connection.enter_foreground()
        await trio.sleep(100)

        assert times(socket, start)[1:] == pytest.approx([0, 30, 60, 90])


async def test_auto_mode_has_nothing_to_keep_alive(autojump_clock):
    """H3, A1: in background there is no connection, and nothing that wakes."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        async with connection.keep_alive():
            connection.enter_background()
            await trio.sleep(100)

            assert connection.status is Status.DISCONNECTED
            assert (await server.accepted(1)).pings == []


async def test_blocks_share_their_pings(autojump_clock):
    """H3: with two blocks it is kept alive until both are left, by one ping at a time."""
    async with manual(MemoryServer()) as (connection, socket):
        async with connection.keep_alive():
            async with connection.keep_alive():
                start = trio.current_time()
                connection.enter_background()
                await trio.sleep(26)
            await trio.sleep(25)

            assert times(socket, start) == pytest.approx([0, 25, 50])


@pytest.mark.parametrize("fault", ["withheld pongs", "loss", "network", "logout", "disconnect"])
async def test_ping_that_fails_harms_nobody(fault, autojump_clock):
    """H3, M7: the block goes on, whatever becomes of the connection."""
    async with manual(MemoryServer()) as (connection, socket), connection.keep_alive():
        connection.enter_background()
        await trio.testing.wait_all_tasks_blocked()
        match fault:
            case "withheld pongs":
                socket.withhold_pongs()
            case "loss":
                socket.drop()
            case "network":
                connection.network_lost()
            case "logout":
                await connection.logout()
            case "disconnect":
                await connection.disconnect()
        await trio.sleep(200)

        assert connection.status is not Status.CONNECTING


async def test_exception_in_the_block_comes_out_as_it_is(autojump_clock):
    """H3: no group around it."""
    async with manual(MemoryServer()) as (connection, _):
        with pytest.raises(ZeroDivisionError):
            async with connection.keep_alive():
                connection.enter_background()
                raise ZeroDivisionError


async def test_there_is_nothing_to_keep_alive_after_the_end(autojump_clock):
    """H3, O4: ERR_CLOSED, as for every call."""
    async with manual(MemoryServer()) as (connection, _):
        pass
    with pytest.raises(TransportError) as caught:
        async with connection.keep_alive():
            pass

    assert caught.value.code is Code.CLOSED
    assert await code_of(connection.ping()) is Code.CLOSED


async def test_it_survives_several_windows_on_real_sockets():
    """H3: in real time, with short times."""
    timings = Timings(background_grace=0.6, keep_alive_interval=0.2)
    with trio.fail_after(20):
        async with open_server() as server, manual(server, timings=timings) as (connection, socket):
            async with connection.keep_alive():
                connection.enter_background()
                await socket.pinged(12)

                assert connection.status is Status.CONNECTED


async def test_sleep_shorter_than_the_window_is_survived(autojump_clock):
    """H3, H5: after a sleep the overdue ping goes out within a second, however rounds began."""
    for _ in range(20):  # the order in which tasks start is drawn
        slept = [0.0]
        server = MemoryServer()
        async with manual(
            server,
            clock=lambda slept=slept: trio.current_time() + slept[0],
        ) as (connection, _):
            async with connection.keep_alive():
                connection.enter_background()
                connection.enter_foreground()
                connection.enter_background()
                await trio.sleep(16)
                slept[0] = 10.0
                await trio.sleep(25)

                assert connection.status is Status.CONNECTED


async def test_sleep_longer_than_the_window_is_not(autojump_clock):
    """H5, M5: the window has passed, and no ping of ours brings it back."""
    slept = [0.0]
    async with manual(MemoryServer(), clock=lambda: trio.current_time() + slept[0]) as (
        connection,
        socket,
    ):
        async with connection.keep_alive(), connection.watch() as changes:
            connection.enter_background()
            await trio.sleep(1)
            slept[0] = 3600.0
            await trio.sleep(1)

            assert len(socket.pings) == 1
            assert [(await anext(changes)).reason for _ in range(2)][
                -1
            ] is Reason.BACKGROUND_TIMEOUT

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
            tasks = trio.lowlevel.current_statistics().tasks_living
        await trio.sleep(1)

        assert trio.lowlevel.current_statistics().tasks_living == tasks
        async with connection.keep_alive():
            await trio.sleep(100)

            assert trio.lowlevel.current_statistics().tasks_living == tasks
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


async def test_block_entered_in_another_in_background_begins_the_round_anew(autojump_clock):
    """H3: it pings at once, and from then on there is one round and not two."""
    async with manual(MemoryServer()) as (connection, socket), connection.keep_alive():
        start = trio.current_time()
        connection.enter_background()
        await trio.sleep(30)
        async with connection.keep_alive():
            await trio.sleep(51)

        assert times(socket, start) == pytest.approx([0, 25, 30, 55, 80])


@pytest.mark.parametrize(
    ("fault", "pings"),
    [("withheld pongs", 2), ("loss", 1), ("network", 1), ("logout", 1), ("disconnect", 1)],
)
async def test_ping_that_fails_harms_nobody(fault, pings, autojump_clock):
    """H3, M7: the block goes on, whatever becomes of the connection, and nothing comes back."""
    server = MemoryServer()
    async with manual(server) as (connection, socket), connection.keep_alive():
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

        assert connection.status is Status.DISCONNECTED
        assert server.dials == 1
        assert len(socket.pings) == pings


async def test_connection_made_in_background_is_kept_alive_by_a_block_that_was_there(
    autojump_clock,
):
    """H3, M10: a lost socket ends no block; the next one lives by it."""
    server = MemoryServer()
    async with manual(server) as (connection, socket), connection.keep_alive():
        connection.enter_background()
        await trio.sleep(10)
        socket.drop()
        await trio.sleep(30)
        await connection.connect()
        await trio.sleep(3600)

        assert connection.status is Status.CONNECTED
        assert server.dials == 2


async def test_background_entered_by_a_listener_is_pinged_in(autojump_clock):
    """H3, T4: the ping comes after the background has begun, so it is the first of a round."""
    server = MemoryServer()
    async with open_connection(server.url, dialer=server.dialer, mode=Mode.MANUAL) as connection:

        def leaves(change):
            if change.current is Status.CONNECTED:
                connection.enter_background()

        async with connection.keep_alive():
            connection.add_status_listener("leaves", leaves)
            await connection.login("alice")
            start = trio.current_time()
            await connection.connect()
            await trio.sleep(99)

            assert connection.status is Status.CONNECTED
            assert times(await server.accepted(1), start) == pytest.approx([0, 25, 50, 75])


async def test_rounds_leave_no_task(autojump_clock):
    """H3: neither the foreground nor the end of a block leaves a task that waits."""
    async with manual(MemoryServer()) as (connection, _):
        await trio.testing.wait_all_tasks_blocked()
        before = trio.lowlevel.current_statistics().tasks_living
        for _ in range(20):
            async with connection.keep_alive(), connection.keep_alive():
                connection.enter_background()
                await trio.sleep(30)
                connection.enter_foreground()
                connection.enter_background()
            connection.enter_foreground()
        await trio.testing.wait_all_tasks_blocked()

        assert trio.lowlevel.current_statistics().tasks_living == before


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
    """H3, H4, H5: after a sleep the overdue ping goes out within a second, however rounds began."""
    for _ in range(20):  # the order in which tasks start is drawn
        slept = [0.0]
        server = MemoryServer()
        async with manual(
            server,
            clock=lambda slept=slept: trio.current_time() + slept[0],
        ) as (connection, socket):
            async with connection.keep_alive():
                connection.enter_background()
                connection.enter_foreground()
                connection.enter_background()
                await trio.sleep(16)
                slept[0] = 10.0
                await trio.sleep(1)
                pings = len(socket.pings)
                await trio.sleep(23.5)

                assert connection.status is Status.CONNECTED
                assert len(socket.pings) == pings  # H4: the next is counted from the late one


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

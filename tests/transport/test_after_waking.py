"""What comes right after a sleep, before anybody has noticed it (H4, H5)."""

from __future__ import annotations

import math
from contextlib import asynccontextmanager

import trio
import trio.testing

from statemodel import Code, Mode
from tests.transport.sockets import code_of
from transport import open_connection
from transport._clock import trio_deadline
from transport.testing import MemoryServer


@asynccontextmanager
async def dozing():
    """A manual connection that is up, the server's end of it, and how long the machine has slept."""
    slept = [0.0]
    server = MemoryServer()
    async with open_connection(
        server.url,
        dialer=server.dialer,
        mode=Mode.MANUAL,
        clock=lambda: trio.current_time() + slept[0],
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        yield connection, await server.accepted(1), slept


async def test_send_after_the_window_has_passed_is_refused(autojump_clock):
    """M5, H4, H5: also before anybody has noticed the sleep."""
    async with dozing() as (connection, socket, slept):
        connection.enter_background()
        await trio.testing.wait_all_tasks_blocked()
        slept[0] = 3600.0

        assert await code_of(connection.send("late")) is Code.NO_WEBSOCKET_CONNECTION
        await trio.sleep(1)
        assert socket.received == []


async def test_rounding_lets_no_timer_run_at_one_instant_for_ever(autojump_clock):
    """H5, G1: a deadline that is not due is later than now, whatever the sum is rounded to."""
    await trio.sleep(1.83)
    ahead = 0.0

    def clock():
        return trio.current_time() + ahead

    for k in range(2000):
        ahead = 89.0 + k / 7
        deadline = math.nextafter(clock(), math.inf)

        assert trio_deadline(deadline - clock()) > trio.current_time()


async def test_message_after_the_window_has_passed_is_not_delivered(autojump_clock):
    """M5, K3, H5: the window has ended before anything else."""
    async with dozing() as (connection, socket, slept):
        got = []
        connection.add_message_listener("got", got.append)
        connection.enter_background()
        slept[0] = 3600.0
        await socket.send("late")
        await trio.sleep(2)

        assert got == []

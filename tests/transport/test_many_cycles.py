"""Ten thousand cycles through the driver leave nothing behind (K1, S8, G3)."""

from __future__ import annotations

import gc
import random
from collections import Counter
from contextlib import AsyncExitStack

import trio
import trio.testing

from statemodel import Mode, Status
from transport import TransportError, open_connection
from transport.testing import Accept, MemoryServer, Refuse

CYCLES = 10_000


class Watching:
    """A dialer that takes a moment to close its descriptor, and counts those that it has."""

    def __init__(self, server):
        self.server = server
        self.open = self.most = 0

    async def run(self, request, sink):
        self.open += 1
        self.most = max(self.most, self.open)
        try:
            return await self.server.dialer.run(request, sink)
        finally:
            with trio.CancelScope(shield=True):
                for _ in range(3):
                    await trio.lowlevel.checkpoint()
            self.open -= 1


async def pause(chance):
    """Let a moment pass, some time or none: what is called next falls anywhere."""
    match chance.randrange(4):
        case 0:
            pass
        case 1:
            await trio.lowlevel.checkpoint()
        case _:
            await trio.sleep(chance.choice((0.125, 0.25, 0.5, 2.0)))


def moment(connection, server):
    """Say what a call meets."""
    if connection.status is Status.DISCONNECTED and server.open_sockets:
        return "closing"
    return connection.status.value


async def cycle(connection, server, chance, mode, met):
    if not chance.randrange(4):
        server.plan(chance.choice((Refuse(500), Accept(delay=0.25))))
    server.latency = chance.choice((0, 0.25))  # of the answer to a close
    await connection.login("alice", auth_token="secret")
    with trio.move_on_after(chance.choice((0, 0.25, 5))):
        try:
            await (connection.connect if mode is Mode.MANUAL else connection.wait_connected)()
        except TransportError:
            pass
    async with AsyncExitStack() as stack:
        if not chance.randrange(4):
            await stack.enter_async_context(connection.keep_alive())
        await pause(chance)
        met["background", moment(connection, server)] += 1
        connection.enter_background()
        await pause(chance)
        if mode is Mode.MANUAL and not chance.randrange(4):
            with trio.move_on_after(0.125):
                await connection.disconnect()
        met["foreground", moment(connection, server)] += 1
        connection.enter_foreground()
        await pause(chance)
    if not chance.randrange(4):
        connection.enter_background()
        await trio.lowlevel.checkpoint()
    met["logout", moment(connection, server)] += 1
    await connection.logout()
    connection.enter_foreground()

    assert connection.user is None
    assert connection.status is Status.DISCONNECTED
    assert server.open_sockets == 0
    assert connection._driver.machine.next_deadline is None  # S8


async def test_cycles_leave_no_task_descriptor_timer_or_listener(autojump_clock):
    """K1, S5, S8, G3: login, background, foreground, logout, ten thousand times."""
    chance = random.Random(20)
    tasks = trio.lowlevel.current_statistics().tasks_living
    met = Counter()
    for mode in Mode:
        server = MemoryServer()
        dialer = Watching(server)
        async with open_connection(
            server.url, dialer=dialer, mode=mode, draw=chance.random
        ) as connection:
            await trio.testing.wait_all_tasks_blocked()
            running = trio.lowlevel.current_statistics().tasks_living
            for number in range(CYCLES // len(Mode)):
                await cycle(connection, server, chance, mode, met)
                if number % 500 == 0:
                    await trio.sleep(10)
                    driver = connection._driver

                    assert dialer.open == 0
                    assert driver._waiters == {}
                    assert not driver.status_listeners._watchers
                    assert len(driver.inbox) == 0
                    assert trio.lowlevel.current_statistics().tasks_living == running

        assert server.dials > CYCLES / 10
        assert dialer.most == server.most_open == 1  # K1
        assert server.open_sockets == 0
    await trio.testing.wait_all_tasks_blocked()
    gc.collect()

    for call in ("background", "foreground", "logout"):
        assert met[call, "connecting"] > 100
    for call in ("foreground", "logout"):
        assert met[call, "closing"] > 100
    assert trio.lowlevel.current_statistics().tasks_living == tasks

"""Ten thousand cycles through the driver leave nothing behind (K1, S8, G3)."""

from __future__ import annotations

import gc
import random

import trio
import trio.testing

from statemodel import Mode
from transport import TransportError, open_connection
from transport.testing import Accept, MemoryServer, Refuse

CYCLES = 10_000


class Watching:
    """A dialer that notes how many sockets the server has when it is dialled."""

    def __init__(self, server):
        self.server = server
        self.most = 0

    async def run(self, request, sink):
        self.most = max(self.most, self.server.open_sockets + 1)
        return await self.server.dialer.run(request, sink)


async def pause(chance):
    """Let a moment pass, some time or none: what is called next falls anywhere."""
    match chance.randrange(4):
        case 0:
            pass
        case 1:
            await trio.lowlevel.checkpoint()
        case _:
            await trio.sleep(chance.choice((0.125, 0.25, 0.5, 2.0)))


async def cycle(connection, server, chance, mode):
    if not chance.randrange(8):
        server.plan(chance.choice((Refuse(500), Accept(delay=0.25))))
    await connection.login("alice", auth_token="secret")
    if mode is Mode.MANUAL:
        with trio.move_on_after(chance.choice((0, 0.25, 5))):
            try:
                await connection.connect()
            except TransportError:
                pass
    await pause(chance)
    connection.enter_background()
    await pause(chance)
    connection.enter_foreground()
    await pause(chance)
    await connection.logout()


async def test_cycles_leave_no_task_descriptor_timer_or_listener(autojump_clock):
    """K1, S5, S8, G3: login, background, foreground, logout, ten thousand times."""
    chance = random.Random(20)
    tasks = trio.lowlevel.current_statistics().tasks_living
    for mode in Mode:
        server = MemoryServer()
        dialer = Watching(server)
        async with open_connection(
            server.url, dialer=dialer, mode=mode, draw=chance.random
        ) as connection:
            await trio.testing.wait_all_tasks_blocked()
            running = trio.lowlevel.current_statistics().tasks_living
            for number in range(CYCLES // len(Mode)):
                await cycle(connection, server, chance, mode)
                if number % 500 == 0:
                    await trio.sleep(10)
                    driver = connection._driver

                    assert server.open_sockets == 0
                    assert driver.machine.next_deadline is None
                    assert driver._waiters == {}
                    assert len(driver.inbox) == 0
                    assert trio.lowlevel.current_statistics().tasks_living == running

        assert server.dials > CYCLES / 10
        assert dialer.most == 1  # K1
        assert server.open_sockets == 0
    await trio.testing.wait_all_tasks_blocked()
    gc.collect()

    assert trio.lowlevel.current_statistics().tasks_living == tasks

"""Whatever happens to a connection, fifty times over: no descriptor and no task is left."""

from __future__ import annotations

import gc
import os
from collections.abc import Awaitable, Callable

import pytest
import trio

from statemodel import Code, Mode, Status
from tests.transport.sockets import SHORT, code_of
from transport import Connection, open_connection
from transport.testing import Garbage, Hang, LocalServer, Refuse, Reset, Vanish, open_server

TIMES = 50

Life = Callable[[LocalServer, Connection, int], Awaitable[None]]


async def connect_and_disconnect(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()
    await connection.disconnect()


async def connect_and_leave(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()


async def lose(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()
    (await server.accepted(len(server.sockets))).drop()
    await connection.wait_status(Status.DISCONNECTED)


async def cancel_the_dial(server: LocalServer, connection: Connection, turn: int) -> None:
    server.plan(Hang())
    with trio.move_on_after(0.001):
        await connection.connect()
    await connection.disconnect()


async def cancel_the_close(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()
    server.sockets[-1].go_silent()
    with trio.move_on_after(0.001):
        await connection.disconnect()


async def cancel_calls(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()
    socket = server.sockets[-1]
    socket.stop_reading()
    with trio.move_on_after(0.002):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(connection.ping)
            nursery.start_soon(connection.send, "x" * 2**20)
            nursery.start_soon(anext, aiter(connection))
    connection.network_lost()  # the socket is given up in the midst of a frame
    socket.resume()  # what is in the kernels' buffers comes before the end
    await socket.ended.wait()


async def fail_to_dial(server: LocalServer, connection: Connection, turn: int) -> None:
    server.plan((Refuse(503), Reset(), Vanish(), Garbage(), Refuse(404))[turn % 5])
    with trio.move_on_after(0.01):
        await connection.connect()


async def be_refused(server: LocalServer, connection: Connection, turn: int) -> None:
    server.plan(Refuse(401))

    assert await code_of(connection.connect()) is Code.CONNECTION_REFUSED


async def be_closed_for_good(server: LocalServer, connection: Connection, turn: int) -> None:
    await connection.connect()
    await server.sockets[-1].close(1008)

    assert await code_of(anext(aiter(connection))) is Code.CONNECTION_REFUSED


LIVES: list[Life] = [
    connect_and_disconnect,
    connect_and_leave,
    lose,
    cancel_the_dial,
    cancel_the_close,
    cancel_calls,
    fail_to_dial,
    be_refused,
    be_closed_for_good,
]


def descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def settled(expected: tuple[int, int], count: Callable[[], tuple[int, int]]) -> None:
    """Wait until the server has noticed, too; the client's own must be gone by then."""
    with trio.move_on_after(3):
        while count() != expected:  # noqa: ASYNC110 - there is no event for it
            await trio.sleep(0.01)

    assert count() == expected


def count() -> tuple[int, int]:
    return descriptors(), trio.lowlevel.current_statistics().tasks_living


async def _live(life: Life, server: LocalServer, turn: int) -> None:
    async with open_connection(
        server.url, mode=Mode.MANUAL, timings=SHORT, draw=lambda: 0.0
    ) as connection:
        await connection.login("alice", auth_token="t")
        await life(server, connection, turn)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux does")
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
async def test_nothing_is_left(life: Life) -> None:
    with trio.fail_after(30):
        async with open_server() as server:
            await _live(connect_and_leave, server, 0)  # what is made once is made now
            await server.sockets[-1].ended.wait()
            await trio.sleep(0.05)
            before = count()
            for turn in range(TIMES):
                await _live(life, server, turn)
            await settled(before, count)

            assert server.open_sockets == 0
            assert server.most_open == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux does")
@pytest.mark.parametrize("silent", [False, True])
async def test_nothing_is_left_by_one_connection_that_comes_and_goes(silent: bool) -> None:
    with trio.fail_after(30):
        async with open_server() as server:
            await _live(connect_and_leave, server, 0)
            await server.sockets[-1].ended.wait()
            await trio.sleep(0.05)
            before = count()
            async with open_connection(server.url, timings=SHORT) as connection:
                await connection.login("alice")
                for _ in range(TIMES):
                    await connection.wait_connected()
                    if silent:
                        server.sockets[-1].go_silent()
                    connection.enter_background()
                    connection.enter_foreground()  # aborts the old socket first (C6)
            await settled(before, count)

            assert server.most_open == 1


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="counts descriptors as Linux does")
async def test_nothing_is_left_when_the_block_is_cancelled() -> None:
    with trio.fail_after(30):
        async with open_server() as server:
            await _live(connect_and_leave, server, 0)
            await server.sockets[-1].ended.wait()
            await trio.sleep(0.05)
            before = count()
            for turn in range(TIMES):
                if turn % 2:
                    server.plan(Hang())
                with trio.move_on_after(0.001 * (turn % 10)):
                    await _live(connect_and_leave, server, turn)
            await settled(before, count)

            assert server.open_sockets == 0

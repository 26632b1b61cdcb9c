"""Every public coroutine, cancelled at every checkpoint, leaves no task and no descriptor."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from statemodel import Mode, Status, Timings
from transport import Connection, TransportError, open_connection
from transport.testing import LocalServer, open_server

TIMINGS = Timings(close_timeout=1.0, dial_timeout=2.0, backoff_base=0.01, backoff_cap=0.05)
MOST_STEPS = 60
"""More checkpoints than any of them has; reaching it means that something loops."""


class CancelAt(trio.abc.Instrument):
    """Cancels a scope when a task has come to its n-th checkpoint, and waits there."""

    def __init__(self, step: int) -> None:
        self.left = step
        self.task: trio.lowlevel.Task | None = None
        self.scope = trio.CancelScope()

    def after_task_step(self, task: trio.lowlevel.Task) -> None:
        if self.task is None or task is self.task:
            self.left -= 1
            if self.left == 0:
                self.scope.cancel()


async def cancelled_at(
    step: int, run: Callable[[], Awaitable[object]], *, any_task: bool = False
) -> bool:
    """Run a coroutine, cancelled at its n-th checkpoint; return whether it was cancelled.

    With 0, it is cancelled before it begins. With `any_task`, the checkpoints of all tasks count,
    so that it is cancelled in the midst of whatever they do.
    """
    instrument = CancelAt(step)
    if step == 0:
        instrument.scope.cancel()
    if not any_task:
        instrument.task = trio.lowlevel.current_task()
    trio.lowlevel.add_instrument(instrument)
    try:
        with instrument.scope:
            await run()
    finally:
        trio.lowlevel.remove_instrument(instrument)
    return instrument.scope.cancelled_caught


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def tasks() -> int:
    return trio.lowlevel.current_statistics().tasks_living


async def _logged_in(connection: Connection) -> None:
    await connection.login("alice", auth_token="secret")


async def _connected(connection: Connection) -> None:
    await _logged_in(connection)
    await connection.connect()


async def _unread(connection: Connection) -> None:
    await _connected(connection)
    await connection.send("x")


async def _next_message(connection: Connection) -> None:
    async for _ in connection:
        return


async def _first_status(connection: Connection) -> None:
    async with connection.watch() as changes:
        async for _ in changes:
            return


async def _nothing(connection: Connection) -> None:
    del connection


CALLS: dict[
    str, tuple[Callable[[Connection], Awaitable[None]], Callable[[Connection], Awaitable[object]]]
] = {
    "login": (_nothing, lambda c: c.login("alice")),
    "logout": (_connected, lambda c: c.logout()),
    "connect": (_logged_in, lambda c: c.connect()),
    "disconnect": (_connected, lambda c: c.disconnect()),
    "ping": (_connected, lambda c: c.ping()),
    "send": (_connected, lambda c: c.send("x" * 200_000)),
    "iterate": (_unread, _next_message),
    "watch": (_connected, _first_status),
    "wait_connected": (_connected, lambda c: c.wait_connected()),
    "wait_status": (_logged_in, lambda c: c.wait_status(Status.DISCONNECTED)),
}


async def _echo(server: LocalServer) -> None:
    """Send every message back."""
    count = 0
    while True:
        count += 1
        socket = await server.accepted(count)
        async with trio.open_nursery() as nursery:
            nursery.cancel_scope.deadline = trio.current_time() + 5
            try:
                while True:
                    await socket.send(await socket.receive())
            except (trio.EndOfChannel, trio.BrokenResourceError):
                pass


@pytest.mark.parametrize("name", CALLS)
async def test_cancelled_call_leaves_nothing_and_the_connection_usable(name):
    """Cancelled at each of its checkpoints, a call leaves the connection usable, then nothing."""
    prepare, call = CALLS[name]
    with trio.fail_after(60):
        async with open_server() as server, trio.open_nursery() as nursery:
            nursery.start_soon(_echo, server)
            for step in range(MOST_STEPS):
                await trio.testing.wait_all_tasks_blocked(0.001)
                before = tasks(), descriptors()
                async with open_connection(server.url, mode=Mode.MANUAL, timings=TIMINGS) as c:
                    await prepare(c)
                    cancelled = await cancelled_at(step, lambda c=c: call(c))
                    if c.user is None:
                        await c.login("alice")
                    await c.connect()
                    assert await c.ping() >= 0
                await _settled(server)
                after = tasks(), descriptors()
                assert after == before, (name, step)
                if not cancelled:
                    break
            else:
                pytest.fail(f"{name} was still running after {MOST_STEPS} steps")
            assert server.most_open == 1  # K1
            nursery.cancel_scope.cancel()


async def test_block_cancelled_at_any_checkpoint_leaves_nothing():
    """The whole block, from opening to leaving, cancelled at each checkpoint."""

    async def whole(url: str) -> None:
        async with open_connection(url, mode=Mode.MANUAL, timings=TIMINGS) as c:
            await _connected(c)
            await c.ping()

    with trio.fail_after(60):
        async with open_server() as server:
            for step in range(5 * MOST_STEPS):
                await trio.testing.wait_all_tasks_blocked(0.001)
                before = tasks(), descriptors()
                cancelled = await cancelled_at(step, lambda: whole(server.url), any_task=True)
                await _settled(server)
                after = tasks(), descriptors()
                assert after == before, step
                if not cancelled:
                    break
            else:
                pytest.fail("the block never ended by itself")
            assert server.most_open == 1  # K1


async def _settled(server: LocalServer) -> None:
    """Wait until the server's side has noticed, too."""
    while server.open_sockets or server._connections:
        await trio.lowlevel.checkpoint()
    await trio.testing.wait_all_tasks_blocked(0.001)


async def test_body_error_comes_out_as_it_is():
    """What the block raises is not wrapped in a group, and keeps its context."""

    class OwnError(Exception):
        pass

    with trio.fail_after(10):
        async with open_server() as server:
            with pytest.raises(OwnError) as caught:
                async with open_connection(server.url, timings=TIMINGS) as c:
                    await _logged_in(c)
                    await c.wait_connected()
                    raise OwnError("mine")

    assert caught.value.__context__ is None


async def test_calls_after_the_end_are_refused():
    """Every call after the block raises ERR_CLOSED (O4)."""
    with trio.fail_after(10):
        async with open_server() as server:
            async with open_connection(server.url, timings=TIMINGS) as c:
                await _logged_in(c)
            codes = []
            waits = [
                lambda: c.login("bob"), c.logout, c.connect, c.disconnect, c.ping,
                lambda: c.send("x"), c.wait_connected, lambda: anext(aiter(c)),
            ]  # fmt: skip
            for wait in waits:
                with pytest.raises(TransportError) as caught:
                    await wait()
                codes.append(caught.value.code)
            for report in (
                c.enter_background,
                c.enter_foreground,
                c.network_lost,
                c.network_restored,
            ):
                with pytest.raises(TransportError) as caught:
                    report()
                codes.append(caught.value.code)

    assert set(codes) == {"ERR_CLOSED"}


async def test_descriptor_is_closed_when_the_call_returns():
    """N1, K1: giving a socket up closes its descriptor there and then, not when a task gets to it."""
    with trio.fail_after(10):
        async with open_server() as server:
            async with open_connection(server.url, timings=TIMINGS) as c:
                await _logged_in(c)
                await c.wait_connected()
                raw = c._driver.attempt.socket._raw.socket
                before = raw.fileno()
                c.network_lost()
                after = raw.fileno()

    assert before >= 0
    assert after == -1

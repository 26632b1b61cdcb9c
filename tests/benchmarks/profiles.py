"""Where the time and the memory of each path go, by whose code it is.

    python -m tests.benchmarks.profiles [--seconds N]

The time is sampled by the processor's clock: a sample belongs to the innermost function that some library owns, so
that the kernel's time is in the socket's method that called it, and Python's own library in whoever uses it. The
memory is what tracemalloc saw asked for.
"""

from __future__ import annotations

import argparse
import gc
import math
import signal
import sys
import tracemalloc
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import PurePath
from time import process_time
from types import FrameType
from typing import Any

import trio
from trio.testing import MockClock

from tests.benchmarks import messages
from tests.benchmarks.clients import ours
from transport import Ended, Request, Sink, Timings, open_connection

_KERNEL = {"_socket.py", "_io_epoll.py", "_io_kqueue.py", "_highlevel_socket.py"}
"""Files of trio in which the kernel is called."""

_IDLE = 500
_SPENT = "spent"


def whose(filename: str) -> str | None:
    """Return whose code a file is; `None` for Python's library, and for what was generated."""
    path = PurePath(filename)
    for part in reversed(path.parts):
        if part in {"statemodel", "transport", "trio_websocket", "wsproto"}:
            return part
        if part == "trio":
            return "sockets and kernel" if path.name in _KERNEL else "trio"
        if part == "benchmarks":
            return "this benchmark"
    return None


@contextmanager
def sampled(found: Counter[str]) -> Iterator[None]:
    """Count whose code runs, again and again, and the microseconds of the processor altogether."""

    def sample(_: int, frame: FrameType | None) -> None:
        while frame is not None and whose(frame.f_code.co_filename) is None:
            frame = frame.f_back
        found["the rest" if frame is None else str(whose(frame.f_code.co_filename))] += 1

    previous = signal.signal(signal.SIGPROF, sample)
    before = process_time()
    signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        found[_SPENT] = round((process_time() - before) * 1e6)
        signal.signal(signal.SIGPROF, previous)


async def _receive(port: int, seconds: float, found: Counter[str]) -> int:
    async with ours(f"ws://127.0.0.1:{port}/blast/1024/100000000") as client:
        await client.send("go")
        return await _over(client.receive, seconds, found)


async def _send(port: int, seconds: float, found: Counter[str]) -> int:
    message = "x" * 1024
    async with ours(f"ws://127.0.0.1:{port}/sink/1024/100000000") as client:
        return await _over(lambda: client.send(message), seconds, found)


async def _ping(port: int, seconds: float, found: Counter[str]) -> int:
    async with open_connection(f"ws://127.0.0.1:{port}/pong") as connection:
        await connection.login("alice")
        await connection.wait_connected()
        return await _over(connection.ping, seconds, found)


async def _over(once: Callable[[], Awaitable[Any]], seconds: float, found: Counter[str]) -> int:
    """Do something over and over for a while; return how often."""
    count, until = 0, trio.current_time() + seconds
    with sampled(found):
        while trio.current_time() < until:
            for _ in range(50):
                await once()
            count += 50
    return count


class _Flapping:
    """A dialer whose sockets open, and are lost after a minute."""

    dials = 0
    subprotocol = None

    async def run(self, request: Request, sink: Sink) -> Ended:
        self.dials += 1
        sink.opened(self)
        await trio.sleep(60)
        return Ended()

    def ping(self, payload: bytes) -> None:
        """Say nothing."""

    async def send(self, message: str | bytes) -> None:
        """Say nothing."""

    def close(self) -> None:
        """Say nothing."""

    def abort(self) -> None:
        """Say nothing."""


async def _reconnect(count: int, found: Counter[str]) -> int:
    dialer = _Flapping()
    async with open_connection(
        "ws://127.0.0.1:9",
        dialer=dialer,
        timings=Timings(heartbeat_interval=1000.0),
        draw=lambda: 0.5,
        clock=trio.current_time,
    ) as connection:
        await connection.login("alice")
        with sampled(found):
            while dialer.dials < count:  # noqa: ASYNC110 - virtual time, in which this is no polling
                await trio.sleep(6000)
    return dialer.dials


async def _idle(port: int, found: Counter[str]) -> int:
    async def hold(*, task_status: trio.TaskStatus[None]) -> None:
        async with ours(f"ws://127.0.0.1:{port}/idle"):
            task_status.started()
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        await nursery.start(hold)
        gc.collect()
        tracemalloc.start(12)
        for _ in range(_IDLE):
            await nursery.start(hold)
        await trio.sleep(0.2)
        gc.collect()
        taken = tracemalloc.take_snapshot()
        tracemalloc.stop()
        nursery.cancel_scope.cancel()
    for one in taken.statistics("traceback"):
        owners = [whose(line.filename) for line in reversed(one.traceback)]
        found[next(filter(None, owners), "the rest")] += one.size
    found[_SPENT] = found.total()
    return _IDLE


def main() -> int:
    """Print a line for each path."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks.profiles", description=__doc__
    )
    parser.add_argument("--seconds", type=float, default=5.0, metavar="N", help="for each path")
    seconds = parser.parse_args().seconds
    if not 0 < seconds < math.inf:
        parser.error("--seconds must be positive")
    virtual = MockClock(autojump_threshold=0)
    with messages.server() as port:
        paths: dict[str, Callable[[Counter[str]], int]] = {
            "message in, 1 KiB": lambda found: trio.run(_receive, port, seconds, found),
            "message out, 1 KiB": lambda found: trio.run(_send, port, seconds, found),
            "ping": lambda found: trio.run(_ping, port, seconds, found),
            "reconnect": lambda found: trio.run(
                partial(_reconnect, int(seconds * 4000), found), clock=virtual
            ),
            "idle": lambda found: trio.run(_idle, port, found),
        }
        for name, run in paths.items():
            found: Counter[str] = Counter()
            times = run(found)
            each = f"{found.pop(_SPENT) / times:,.0f} {'bytes' if name == 'idle' else 'µs'}"
            whole = found.total()
            shares = (f"{who} {part / whole:.0%}" for who, part in found.most_common())
            print(f"{name} ({each} each): {', '.join(shares)}")
    return 0


if __name__ == "__main__":
    messages.end_with_ctrl_c()
    sys.exit(main())

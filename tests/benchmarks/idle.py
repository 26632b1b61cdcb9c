"""The memory of connections that are open and do nothing.

    python -m tests.benchmarks.idle CLIENT PORT COUNT    # prints bytes in all

Each figure is of a process of its own: the resident memory that so many connections add.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import trio

from tests.benchmarks.clients import CLIENTS, Open
from tests.benchmarks.rounds import Case

MANY = 10_000


def cases(port: int, *, quick: bool) -> Iterator[Case]:
    """Yield the cases of this kind."""
    count = 200 if quick else 1000
    for client in CLIENTS:
        yield Case(
            f"idle connection: {client}",
            "KB",
            lambda client=client: grown(client, port, count) / count / 1000,  # type: ignore[misc]
        )


def grown(client: str, port: int, count: int) -> float:
    """Return the bytes that so many connections add to a process."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.idle", client, str(port), str(count)],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


async def _on_trio(open_: Open, url: str, count: int) -> int:
    async def hold(*, task_status: trio.TaskStatus[None]) -> None:
        async with open_(url):
            task_status.started()
            await trio.sleep_forever()

    async with trio.open_nursery() as nursery:
        await nursery.start(hold)  # what only the first one costs is nobody's
        before = _resident()
        for _ in range(count):
            await nursery.start(hold)
        await trio.sleep(0.2)
        found = _resident() - before
        nursery.cancel_scope.cancel()
    return found


async def _on_asyncio(open_: Open, url: str, count: int) -> int:
    held: list[Any] = [open_(url)]
    await held[0].__aenter__()
    before = _resident()
    for _ in range(count):
        held.append(open_(url))
        await held[-1].__aenter__()
    await asyncio.sleep(0.2)
    found = _resident() - before
    for one in held:
        await one.__aexit__(None, None, None)
    return found


def main(client: str, port: int, count: int) -> None:
    """Open so many connections and print what they added."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    open_, run = CLIENTS[client]
    holding = _on_trio if run is trio.run else _on_asyncio
    print(run(lambda: holding(open_, f"ws://127.0.0.1:{port}/idle", count)))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))

"""The memory of connections that are open and do nothing.

    python -m tests.benchmarks.idle CLIENT PORT COUNT FIRST    # prints bytes in all

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
from tests.benchmarks.messages import end_with_ctrl_c
from tests.benchmarks.rounds import Case

MANY = 10_000

_LIMIT = 300.0
"""Seconds after which a process gives up: without its server, a managed connection would dial for ever."""


def cases(port: int, *, quick: bool) -> Iterator[Case]:
    """Yield the cases of this kind."""
    count = 200 if quick else 1000
    for client in CLIENTS:
        yield Case(
            f"idle connection: {client}",
            "KB",
            lambda client=client: grown(client, port, count, first=count) / count / 1000,  # type: ignore[misc]
        )


def grown(client: str, port: int, count: int, *, first: int = 1) -> float:
    """Return the bytes that so many connections add to a process.

    Args:
        client: Whose.
        port: Of the server.
        count: How many.
        first: So many are opened before, and not counted: what only the first one costs, and what fits into
            memory that imports have left over, is nobody's.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.idle", client, *map(str, (port, count, first))],
        check=True,
        capture_output=True,
        text=True,
    )
    return float(done.stdout)


def _resident() -> int:
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


async def _on_trio(open_: Open, url: str, count: int, first: int) -> int:
    async def hold(*, task_status: trio.TaskStatus[None]) -> None:
        async with open_(url):
            task_status.started()
            await trio.sleep_forever()

    with trio.fail_after(_LIMIT):
        async with trio.open_nursery() as nursery:
            for _ in range(first):
                await nursery.start(hold)
            before = _resident()
            for _ in range(count):
                await nursery.start(hold)
            await trio.sleep(0.2)
            found = _resident() - before
            nursery.cancel_scope.cancel()
    return found


async def _on_asyncio(open_: Open, url: str, count: int, first: int) -> int:
    held: list[Any] = []
    before = 0
    for number in range(first + count):
        if number == first:
            before = _resident()
        held.append(open_(url))
        await held[-1].__aenter__()
    await asyncio.sleep(0.2)
    found = _resident() - before
    for one in held:
        await one.__aexit__(None, None, None)
    return found


def main(client: str, port: int, count: int, first: int) -> None:
    """Open so many connections and print what they added to the first ones."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    open_, run = CLIENTS[client]
    holding = _on_trio if run is trio.run else _on_asyncio
    print(run(lambda: holding(open_, f"ws://127.0.0.1:{port}/idle", count, first)))


if __name__ == "__main__":
    end_with_ctrl_c()
    main(sys.argv[1], *map(int, sys.argv[2:]))

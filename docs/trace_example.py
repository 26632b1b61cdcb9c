"""Makes `docs/trace-example.jsonl`, which docs/traces.md shows: a night in virtual time.

Run it after a change of the format or of the behaviour: python docs/trace_example.py
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

import trio
from trio.testing import MockClock

from transport import Mode, Status, open_connection
from transport.testing import MemoryServer, Refuse

EXAMPLE = Path(__file__).parent / "trace-example.jsonl"


async def night(path: Path) -> None:
    """Let a phone lie on a table from three o'clock on."""
    server = MemoryServer()
    server.plan(Refuse(503))
    async with open_connection(
        server.url, mode=Mode.MANUAL, dialer=server.dialer, draw=lambda: 0.5, trace=path
    ) as connection:
        await connection.login("alice")
        await connection.connect()
        await trio.sleep(5)
        connection.enter_background()
        await trio.sleep(20)
        await connection.ping()
        await trio.sleep(20)
        await server.sockets[0].send("are you awake?")
        await anext(aiter(connection))
        await connection.wait_status(Status.DISCONNECTED)
        await trio.sleep(60)
        connection.enter_foreground()


def example() -> str:
    """Return the lines, with a time of day and versions that do not change from run to run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trace.jsonl"
        trio.run(night, path, clock=MockClock(autojump_threshold=0))
        header, *lines = path.read_text("ascii").splitlines(keepends=True)
    words = json.loads(header)
    words["wall"] = "2026-11-29T03:00:00.000+00:00"
    words["versions"] = {"statemodel": "0.1.0", "python": "3.11.7", "trio": "0.30.0"}
    return "".join([json.dumps(words, separators=(",", ":")) + "\n", *lines])


if __name__ == "__main__":
    EXAMPLE.write_text(example(), "ascii")

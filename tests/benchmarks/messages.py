"""Messages a second, side by side."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.clients import CLIENTS, errand
from tests.benchmarks.rounds import Case

SIZES = {64: "64 B", 1024: "1 KiB", 65536: "64 KiB"}
_COUNTS = {64: 12_000, 1024: 12_000, 65536: 1200}


def end_with_ctrl_c() -> None:
    """Let Ctrl-C end this process at once, and by that the server.

    Raised, it would be lost in some `__del__`, or a client would wait for the close of a server that parses none.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@contextmanager
def server() -> Iterator[int]:
    """Run the server in a process of its own; give its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.benchmarks.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield int(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def cases(port: int, *, quick: bool) -> Iterator[Case]:
    """Yield the cases of this kind."""
    for what in ("received", "sent", "echoed"):
        for size, words in SIZES.items():
            count = _COUNTS[size] // (10 if quick else 1) // (2 if what == "echoed" else 1)
            for client in CLIENTS:
                yield Case(
                    f"{what}, {words}: {client}",
                    "1/s",
                    lambda c=client, w=what, s=size, n=count: errand(c, w, port, s, n),  # type: ignore[misc]
                )

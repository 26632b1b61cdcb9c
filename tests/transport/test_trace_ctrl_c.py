"""Ctrl-C while a trace is opened, handed over or closed: its file is closed all the same."""

from __future__ import annotations

import os
import signal
import threading

import pytest
import trio

from statemodel import Timings
from transport import _trace_file, _tracing, open_connection

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")


async def open_and_leave(path):
    """Have a connection that is traced, and is left soon."""
    async with open_connection("wss://example.org", timings=Timings(close_timeout=5), trace=path):
        await trio.sleep(0.05)


@pytest.fixture
def files(monkeypatch):
    """Return the files that are opened from now on, each with an event `closed`."""
    opened = []

    class Watched(_trace_file.TraceFile):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.closed = threading.Event()
            opened.append(self)

        def close(self):
            super().close()
            self.closed.set()

    monkeypatch.setattr("transport._trace_file.TraceFile", Watched)
    return opened


def test_while_the_disk_hangs_at_the_opening(tmp_path, monkeypatch, files):
    """Nobody waits for it, and the late file is closed."""
    go_on, done, make = threading.Event(), threading.Event(), _trace_file.TraceFile

    def late(*arguments):
        os.kill(os.getpid(), signal.SIGINT)
        assert go_on.wait(20)
        try:
            return make(*arguments)
        finally:
            done.set()

    monkeypatch.setattr("transport._trace_file.TraceFile", late)
    with pytest.raises(KeyboardInterrupt):
        trio.run(open_and_leave, tmp_path / "trace.jsonl")
    go_on.set()

    assert done.wait(20)
    assert files[0].closed.wait(20)


@pytest.mark.parametrize("where", ["_version", "header_line", "other_line"])
def test_at_any_line(tmp_path, monkeypatch, files, where):
    """Before there is a file, between opening and handing it over, and while it is closed."""
    real, pressed = getattr(_tracing, where), []

    def interrupted(*arguments):
        if not pressed:
            pressed.append(where)
            signal.raise_signal(signal.SIGINT)
        return real(*arguments)

    monkeypatch.setattr(_tracing, where, interrupted)
    with pytest.raises(KeyboardInterrupt):
        trio.run(open_and_leave, tmp_path / "trace.jsonl")

    assert pressed
    assert all(file.closed.wait(20) for file in files)

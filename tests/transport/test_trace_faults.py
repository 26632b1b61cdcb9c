"""What goes wrong with the file of a trace does not go wrong with its connection."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
import trio

from statemodel import Code, Timings
from statemodel.recordings import judged
from statemodel.rules import RULES
from tests.transport.trace_files import recording_in, recordings_in
from transport import Status, Trace, TraceError, TransportError, open_connection
from transport._trace_file import TraceFile
from transport.testing import MemoryServer

QUICK = Timings(close_timeout=0.3)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "trace.jsonl"


class Troubles(list):
    """The application's hook."""

    def __call__(self, listener, error):
        self.append((listener, type(error)))


async def ping_a_little(server, path, troubles, meanwhile=lambda: None, pings=3):
    """Have a connection that is traced, and see that it lives to its end."""
    async with open_connection(
        server.url,
        dialer=server.dialer,
        timings=QUICK,
        trace=path,
        on_listener_error=troubles,
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        meanwhile()
        for _ in range(pings):
            await connection.ping()
            await trio.sleep(0.15)
        assert connection.status is Status.CONNECTED
    assert server.open_sockets == 0


# -- at the opening ------------------------------------------------------------------------------


def unusable(tmp_path):
    """Return paths where no trace can be written, each with what stands there afterwards as before."""
    (tmp_path / "mine.txt").write_text("a letter to my mother")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(tmp_path / "fifo")
    return [tmp_path / name for name in ("none/there", "mine.txt", "folder", "link", "fifo")]


@pytest.mark.skipif(os.name != "posix", reason="links and FIFOs as POSIX has them")
@pytest.mark.parametrize("which", range(5))
async def test_a_file_that_is_no_trace_is_refused_and_left_alone(tmp_path, which):
    """TraceError, a TransportError with its cause, before anything is dialled; nothing is touched."""
    path = unusable(tmp_path)[which]
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(TraceError) as caught:
        async with open_connection("wss://example.org", trace=path):
            raise AssertionError("it was opened")

    assert isinstance(caught.value, TransportError)
    assert caught.value.code is Code.CHAT_API_FAILURE
    assert isinstance(caught.value.__cause__, OSError)
    assert "could not be opened" in str(caught.value)
    assert path.name in str(caught.value)
    assert sorted(tmp_path.rglob("*")) == before
    assert (tmp_path / "mine.txt").read_text() == "a letter to my mother"


async def test_two_connections_do_not_share_a_file(path):
    """The second is refused while the first is there, and continues the file afterwards."""
    for _ in range(2):
        async with open_connection("wss://example.org", trace=path):
            with pytest.raises(TraceError, match="another connection"):
                async with open_connection("wss://example.org", trace=path):
                    raise AssertionError("it was opened")

    assert len(recordings_in(path)) == 2


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda path: 7, TypeError),
        (lambda path: b"bytes", TypeError),
        (lambda path: "", ValueError),
        (lambda path: "a\0b", ValueError),
        (lambda path: Trace(path, messages="all"), ValueError),
        (lambda path: Trace(path, messages=True), ValueError),
        (lambda path: Trace(path, uids="yes"), TypeError),
        (lambda path: Trace(path, max_bytes=100), ValueError),
        (lambda path: Trace(path, max_bytes=1e6), TypeError),
        (lambda path: Trace(path, max_bytes=True), TypeError),
        (lambda path: Trace(None), TypeError),
    ],
)
async def test_what_is_no_trace_is_refused(path, make, error):
    """Before anything is opened."""
    with pytest.raises(error):
        async with open_connection("wss://example.org", trace=make(path)):
            pass

    assert not path.exists()


async def test_other_wrong_arguments_leave_no_file(path):
    """They are looked at first."""
    with pytest.raises(ValueError, match="max_unread"):
        async with open_connection("wss://example.org", trace=path, max_unread=0):
            pass

    assert not path.exists()


# -- while it is written -------------------------------------------------------------------------


def fails_with(number):
    def write(descriptor, data):
        raise OSError(number, os.strerror(number))

    return write


@pytest.mark.parametrize("virtual", [True, False])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EBADF])
async def test_a_full_disk_harms_nothing(path, monkeypatch, number, virtual, request):
    """T4: the application hears of it once, the connection does not notice."""
    if virtual:
        request.getfixturevalue("autojump_clock")
    troubles = Troubles()
    await ping_a_little(
        MemoryServer(),
        path,
        troubles,
        lambda: monkeypatch.setattr("transport._trace_file.os.write", fails_with(number)),
    )

    assert troubles == [("trace", type(OSError(number, "")))]


async def test_what_had_been_written_can_be_replayed(path, monkeypatch):
    """A disk that fills up in the midst of a line: that line is cut off, the others are there."""
    write, left = os.write, [900]

    def scarce(descriptor, data):
        if not left[0]:
            raise OSError(errno.ENOSPC, "no space left")
        part = bytes(data)[: left[0]]
        left[0] -= len(part)
        return write(descriptor, part)

    monkeypatch.setattr("transport._trace_file.os.write", scarce)
    troubles = Troubles()
    await ping_a_little(MemoryServer(), path, troubles)
    recording = recording_in(path)

    assert path.stat().st_size == 900
    assert len(troubles) == 1
    assert "cut off" in recording.troubles[0]
    assert judged(recording, tuple(RULES)).difference is None


@pytest.mark.skipif(os.name != "posix", reason="elsewhere an open file cannot be removed")
async def test_a_file_that_is_removed_is_told(path):
    """It is not made again: the connection goes on without a trace."""
    troubles = Troubles()
    await ping_a_little(MemoryServer(), path, troubles, path.unlink)

    assert troubles == [("trace", FileNotFoundError)]
    assert not path.exists()


async def test_a_file_that_is_renamed_is_followed(path):
    """As whoever keeps logs does it."""
    troubles = Troubles()
    await ping_a_little(MemoryServer(), path, troubles, lambda: path.rename(f"{path}.old"))
    recording = recording_in(path.with_name("trace.jsonl.old"))

    assert troubles == []
    assert recording.troubles == []


class StuckDisk:
    """Hangs in every write from some moment on, until it is let go."""

    def __init__(self, monkeypatch):
        self.reached, self.go_on = threading.Event(), threading.Event()
        self._monkeypatch, self._write = monkeypatch, os.write

    def begin(self):
        self._monkeypatch.setattr("transport._trace_file.os.write", self._hang)

    def _hang(self, descriptor, data):
        self.reached.set()
        assert self.go_on.wait(20)
        return self._write(descriptor, data)


@pytest.fixture
def disk(monkeypatch):
    stuck = StuckDisk(monkeypatch)
    yield stuck
    stuck.go_on.set()


async def test_a_disk_that_hangs_stops_nobody(path, disk):
    """C4: pings are answered meanwhile, leaving takes `close_timeout` at most, and it is told."""
    troubles = Troubles()
    with trio.fail_after(10):
        await ping_a_little(MemoryServer(), path, troubles, disk.begin)

    assert disk.reached.is_set()
    assert troubles == [("trace", TimeoutError)]


async def test_leaving_by_cancellation_writes_the_rest(path, disk):
    """O4: what happened up to the cancellation is in the file, and leaving is bounded."""
    for hangs in (False, True):
        with trio.fail_after(10), trio.CancelScope() as scope:
            async with open_connection(
                "wss://example.org", timings=QUICK, trace=path, on_listener_error=Troubles()
            ):
                if hangs:
                    disk.begin()
                scope.cancel()
                await trio.sleep_forever()

        assert scope.cancelled_caught
    assert recordings_in(path)[0].troubles == []


async def test_a_slow_disk_loses_lines_and_says_so(path, disk, monkeypatch):
    """No memory without end: what does not fit is counted in the trace, once there is room again."""
    monkeypatch.setattr("transport._trace_file.MOST_QUEUED", 2000)
    server, troubles = MemoryServer(), Troubles()
    async with open_connection(
        server.url, dialer=server.dialer, trace=path, on_listener_error=troubles
    ) as connection:
        await connection.login("alice")
        await connection.wait_connected()
        await trio.sleep(0.3)
        disk.begin()
        for _ in range(50):
            await connection.ping()
        disk.go_on.set()
        await trio.sleep(0.5)
        await connection.ping()
    recording = recording_in(path)
    verdict = judged(recording, tuple(RULES))

    assert troubles == []
    assert "missing" in verdict.until[1]
    assert (verdict.difference, verdict.findings) == (None, ())
    assert any("too slow" in row.text for row in verdict.rows)


async def test_what_a_plugin_has_spoilt_ends_the_trace_alone(autojump_clock, path):
    """An end whose details no file can hold harms the trace, not the connection."""

    from statemodel import events

    troubles, server = Troubles(), MemoryServer()
    async with open_connection(
        server.url, dialer=server.dialer, trace=path, on_listener_error=troubles
    ) as connection:
        connection._driver.dispatch(events.SaveFailed(generation=9, details=7))
        await connection.login("alice")
        await connection.wait_connected()
        await trio.sleep(1)

    assert troubles == [("trace", TypeError)]


async def test_a_clock_that_breaks_down_comes_out_as_it_is(path):
    """What is wrong with the connection itself is not hidden by its trace, whose file is closed."""
    left = [200]

    def clock():
        left[0] -= 1
        if left[0] < 0:
            raise ZeroDivisionError("the clock")
        return trio.current_time()

    server = MemoryServer()
    with pytest.raises(
        (ZeroDivisionError, ExceptionGroup)
    ) as caught:  # of every task that looks at it
        async with open_connection(
            server.url, dialer=server.dialer, trace=path, clock=clock
        ) as connection:
            await connection.login("alice")
            await connection.wait_connected()
            for _ in range(200):
                await connection.ping()

    raised = ExceptionGroup("what came out", [caught.value])
    assert raised.split(ZeroDivisionError)[1] is None
    assert "it has no end" in recording_in(path).troubles[0]
    TraceFile(str(path), 2**26).close()  # nobody holds it any more


async def test_a_hook_that_raises_harms_nothing(autojump_clock, path, monkeypatch):
    """T4: not even the application's hook."""

    def hook(listener, error):
        raise RuntimeError("the hook")

    await ping_a_little(
        MemoryServer(),
        path,
        hook,
        lambda: monkeypatch.setattr("transport._trace_file.os.write", fails_with(errno.ENOSPC)),
    )


def descriptors():
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counted where Linux shows them")
async def test_no_descriptor_is_left(path):
    """Whatever became of the trace, its file is closed, and another connection may have it."""
    before = descriptors()
    for _ in range(3):
        await ping_a_little(MemoryServer(), path, Troubles(), pings=1)
        with pytest.raises(TraceError):
            async with open_connection("wss://example.org", trace=path.parent):
                pass
    TraceFile(str(path), 2**26).close()

    assert descriptors() == before


async def test_cancelled_while_it_opens_leaves_no_descriptor(path, monkeypatch):
    """A file system that hangs at the opening holds up nobody, and the late file is closed."""
    go_on, closed, opened = threading.Event(), threading.Event(), TraceFile

    class Late(opened):
        def __init__(self, *arguments):
            assert go_on.wait(20)
            super().__init__(*arguments)

        def close(self):
            super().close()
            closed.set()

    monkeypatch.setattr("transport._trace_file.TraceFile", Late)
    with trio.move_on_after(0.05) as scope:
        async with open_connection("wss://example.org", trace=path):
            raise AssertionError("it was opened")
    go_on.set()

    assert scope.cancelled_caught
    assert await trio.to_thread.run_sync(closed.wait, 20)

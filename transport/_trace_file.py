"""The file of a trace, and who writes to it: what happens on the disk must not happen to a connection.

Lines are queued in memory and written by a thread, in order, a few times per second: a disk that is
slow or hangs stops nobody. Under a virtual clock, which does not wait for threads, they are written
in place.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

import trio

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcome import Outcome

try:
    import fcntl
except ImportError:  # Windows: two connections that write to one file are not noticed there
    fcntl = None  # type: ignore[assignment]

_IS_POSIX = os.name == "posix"
_FLAGS = (
    os.O_RDWR
    | os.O_APPEND
    | os.O_CREAT
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)
"""Through no link, without waiting for the other end of a FIFO, and byte by byte."""

_BEGINNING = b'{"trace":'
"""Of every trace."""

PAUSE = 0.1
"""Seconds between two writes: so much may be missing after a crash."""

MOST_QUEUED = 2**22
"""Bytes that wait for the disk at most; what comes then is lost, and counted."""


class TraceFile:
    """An open file to which lines are appended; every method may block.

    Args:
        path: Where.
        max_bytes: A file that has so many is put aside.

    Raises:
        OSError: it cannot be opened, is something else than a trace, or somebody writes to it.
    """

    def __init__(self, path: str, max_bytes: int) -> None:
        self.path = path
        self._descriptor, self.size = _opened(path)
        if self.size >= max_bytes:
            _put_aside(path, self._descriptor)
            self._descriptor, self.size = _opened(path)

    def write(self, data: bytes) -> None:
        """Append lines.

        Raises:
            OSError: not all could be written, or nobody will ever find them.
        """
        left = memoryview(data)
        while left:
            left = left[os.write(self._descriptor, left) :]
        if _IS_POSIX and not os.fstat(self._descriptor).st_nlink:
            raise FileNotFoundError(errno.ENOENT, "the trace was deleted", self.path)

    def close(self) -> None:
        """Close the file, unless it is."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def _opened(path: str) -> tuple[int, int]:
    """Return a descriptor of a trace that nobody else writes to, and the size of the file."""
    descriptor = os.open(path, _FLAGS, 0o600)
    try:
        return descriptor, _checked(descriptor, path)
    except BaseException:
        os.close(descriptor)
        raise


def _put_aside(path: str, descriptor: int) -> None:
    """Rename an open file, and close it: in this order, so that nobody comes between, where one can."""
    if not _IS_POSIX:
        os.close(descriptor)
        os.replace(path, f"{path}.1")
        return
    try:
        os.replace(path, f"{path}.1")
    finally:
        os.close(descriptor)


def _checked(descriptor: int, path: str) -> int:
    found = os.fstat(descriptor)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "this is no regular file", path)
    beginning = os.read(descriptor, len(_BEGINNING))
    if beginning and beginning != _BEGINNING:
        raise OSError(errno.EINVAL, "this is a file, and no trace; it is left as it is", path)
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OSError(errno.EBUSY, "another connection writes its trace there", path) from None
    if _IS_POSIX:
        os.fchmod(descriptor, 0o600)
    if beginning:
        os.lseek(descriptor, -1, os.SEEK_END)
        if os.read(descriptor, 1) != b"\n":  # cut off by a crash: the next line must stand alone
            os.write(descriptor, b"\n")
    return os.fstat(descriptor).st_size


class TraceWriter:
    """Queues lines for a file, and has them written.

    Args:
        file: The file, which belongs to this from now on.
        in_place: Whether to write at once, where time is virtual.
        on_trouble: Told once of what has ended the trace.
    """

    def __init__(
        self, file: TraceFile, *, in_place: bool, on_trouble: Callable[[Exception], None]
    ) -> None:
        self.size = file.size
        """Bytes of the file, once all is written."""
        self.lost = 0
        """Lines that were not queued, since somebody has last asked."""
        self.ended = False
        """Whether no more lines are taken."""
        self._file = file
        self._in_place = in_place
        self._on_trouble = on_trouble
        self._trouble: Exception | None = None
        self._lines: deque[bytes] = deque()
        self._put = self._taken = 0  # bytes, each counted by one thread alone
        self._writing = threading.Lock()  # a thread that was left behind may still be at it
        self._wake = trio.Event()
        self._threads = trio.CapacityLimiter(2)  # of its own; two, since one may hang

    def put(self, line: bytes) -> None:
        """Queue a line; never raises and never waits."""
        if self.ended:
            return
        if self._put - self._taken + len(line) > MOST_QUEUED:
            self.lost += 1
            return
        self.size += len(line)
        self._put += len(line)
        self._lines.append(line)
        if not self._in_place:
            self._wake.set()
            return
        try:
            self._write()
        except OSError as error:
            self.fail(error)

    def end(self, why: Exception) -> None:
        """Take no more lines; who is to be told will be told why."""
        self.ended = True
        self._trouble = self._trouble or why
        self._wake.set()

    def fail(self, error: Exception) -> None:
        """The same, and do not even write what is queued."""
        self._lines.clear()
        self.end(error)

    async def run(self) -> None:
        """Write what is queued, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake = trio.Event()
            if not self._in_place:
                try:
                    await self._in_a_thread(self._write)
                except OSError as error:
                    self.fail(error)
            self._tell()
            await trio.sleep(PAUSE)

    async def close(self, last: bytes, seconds: float) -> None:
        """Write the rest and close the file, in the time that is given, cancelled or not.

        Args:
            last: The last lines, for which there is always room.
            seconds: What the disk is given for all of it.
        """
        if not self.ended:
            self._lines.append(last)
        self.ended = True
        try:
            if self._in_place:
                self._finish()
            else:
                with trio.move_on_after(seconds, shield=True) as scope:
                    await self._in_a_thread(self._finish)
                if scope.cancelled_caught:
                    self.end(TimeoutError(errno.ETIMEDOUT, "no answer in time", self._file.path))
        except OSError as error:
            self.end(error)
        except BaseException:  # Ctrl-C, perhaps before there was a thread
            trio.lowlevel.start_thread_soon(self._finish, _unheard)
            raise
        self._tell()

    def _tell(self) -> None:
        if self._trouble is not None:
            on_trouble, self._on_trouble = self._on_trouble, _told_already
            on_trouble(self._trouble)

    # -- in a thread, or in place ----------------------------------------------------------------

    def _write(self) -> None:
        with self._writing:
            data = b"".join(iter(self._take, None))
            if data:
                self._file.write(data)

    def _take(self) -> bytes | None:
        try:
            line = self._lines.popleft()
        except IndexError:
            return None
        self._taken += len(line)
        return line

    def _finish(self) -> None:
        try:
            self._write()
        finally:
            with self._writing:
                self._file.close()

    async def _in_a_thread(self, act: Callable[[], None]) -> None:
        await trio.to_thread.run_sync(
            act, abandon_on_cancel=True, limiter=self._threads, thread_name="trace"
        )


def _told_already(_: Exception) -> None:
    """The application hears of the first trouble only."""


def _unheard(_: Outcome[None]) -> None:
    """Nobody waits for the end of a thread."""


async def opened_file(path: str, max_bytes: int, *, in_place: bool) -> TraceFile:
    """Open a trace's file without blocking anybody.

    Raises:
        OSError: it cannot be opened, or not for this.
    """
    if in_place:
        return TraceFile(path, max_bytes)
    files: list[TraceFile] = []
    abandoned = threading.Event()

    def open_it() -> None:
        files.append(TraceFile(path, max_bytes))
        if abandoned.is_set():
            _close_all(files)

    try:
        await trio.to_thread.run_sync(open_it, abandon_on_cancel=True)
    except BaseException:  # cancelled, or Ctrl-C
        abandoned.set()
        _close_all(files)
        raise
    return files.pop()


def _close_all(files: list[TraceFile]) -> None:
    with suppress(IndexError):  # both threads may come here
        files.pop().close()

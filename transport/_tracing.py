"""Writing down what happens to a connection: what stands between it and its machine, dialer and inbox.

Each wraps one seam, and is there only if a trace was asked for: a connection without one has plain
parts, and pays nothing. Nothing here may raise into the connection, or wait.
"""

from __future__ import annotations

import errno
import os
import platform
import sys
from base64 import b64encode
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

import trio

from statemodel import Machine, Mode, Policy, Timings, effects
from statemodel.recordings import (
    DialerLine,
    Header,
    NoteLine,
    RecordedStep,
    RecordingMachine,
    Way,
    header_line,
    message_line,
    other_line,
    step_line,
)
from transport._attempt import Attempt
from transport._clock import Clock
from transport._inbox import Inbox
from transport._listeners import SafeHook
from transport._passing import PassingSink
from transport._seam import Dialer, Ended, Request, Sink, Socket
from transport._trace import Trace, TraceError
from transport._trace_file import TraceWriter, opened_file
from transport._url import Address
from transport._veil import TraceVeil

LISTENER = "trace"
"""The id by which the application's hook is told of a trace's trouble."""

_LONGEST = 2**16
"""Characters or bytes of a message that are written."""

_RESERVE = 2**12
"""Bytes that are kept for the last lines."""


class Tracer:
    """Writes the trace of one connection."""

    def __init__(
        self, trace: Trace, writer: TraceWriter, *, clock: Clock, veil: TraceVeil, seconds: float
    ) -> None:
        self._trace = trace
        self._writer = writer
        self._clock = clock
        self._veil = veil
        self._seconds = seconds
        self._sockets = 0
        self._numbers: dict[int, int] = {}  # of the newest dials, by generation
        self._messages = trace.messages != "none"
        self._run = writer.run

    def machine(self, **settings: Any) -> Machine:
        """Return a machine whose steps are written down."""
        return RecordingMachine(self._step, **settings)

    def dialer(self, dialer: Dialer) -> Dialer:
        """Return a dialer whose runs are written down."""
        return _TracedDialer(self, dialer)

    def inbox(self, max_messages: int, max_size: int) -> Inbox:
        """Return an inbox whose messages are written down."""
        if not self._messages:
            return Inbox(max_messages, max_size)
        return _TracedInbox(self, max_messages, max_size)

    def begin(self, header: Header) -> None:
        """Write the first line."""
        self._put(lambda: header_line(header))

    def start(self, nursery: trio.Nursery) -> None:
        """Write from here on, in a task of its own."""
        nursery.start_soon(self._run)

    @trio.lowlevel.enable_ki_protection
    async def close(self) -> None:
        """Write the last line, and wait until all is on its way, for `close_timeout` at most."""
        lost = self._writer.lost
        try:
            last = self._note_line("lost", lost) if lost else b""
            last += self._note_line("closed")
        except Exception:  # noqa: BLE001 - a clock that has broken down, which is told of elsewhere
            last = b""
        await self._writer.close(last, self._seconds)

    # -- for the parts ---------------------------------------------------------------------------

    def _step(self, step: RecordedStep) -> None:
        for effect in step.effects:
            if isinstance(effect, effects.Dial):
                self._sockets += 1
                self._numbers = {effect.generation: self._sockets}
        self._put(lambda: step_line(step, self._veil))

    def socket_of(self, sink: Sink) -> int:
        """Return the number of the socket that tells a sink."""
        assert isinstance(sink, Attempt), "what a driver gives its dialer"
        return self._numbers.get(sink.generation, self._sockets)

    def dialler(self, what: Literal["begun", "ended"], socket: int) -> None:
        """Write down that a dialer has begun or ended."""
        self._put(lambda: other_line(DialerLine(time=self._clock(), dialer=what, socket=socket)))

    @property
    def socket(self) -> int:
        """The number of the newest socket."""
        return self._sockets

    def message(
        self,
        what: Way,
        socket: int,
        number: int,
        message: str | bytes,
    ) -> None:
        """Write down what a message does."""
        if not self._messages:
            return
        content = None
        if self._trace.messages == "contents" and what in ("in", "out"):
            part = message[:_LONGEST]
            content = part if isinstance(part, str) else b64encode(part).decode()
        self._put(
            lambda: message_line(
                time=self._clock(),
                message=what,
                socket=socket,
                number=number,
                kind="text" if isinstance(message, str) else "binary",
                size=len(message),
                content=content,
            ),
            is_message=True,
        )

    def _note_line(
        self, note: Literal["closed", "full", "messages_off", "lost"], count: int = 0
    ) -> bytes:
        return other_line(NoteLine(time=self._clock(), note=note, count=count))

    def _put(self, make: Callable[[], bytes], *, is_message: bool = False) -> None:
        writer = self._writer
        if writer.ended:
            return
        try:
            line = make()
            if is_message and writer.size + len(line) > self._trace.max_bytes // 4 * 3:
                self._messages = False
                line = self._note_line("messages_off")
            lost = self._note_line("lost", writer.lost) if writer.lost else b""
            if writer.size + len(lost) + len(line) > self._trace.max_bytes - _RESERVE:
                writer.put(lost + self._note_line("full"))
                limit = f"the trace is full: max_bytes is {self._trace.max_bytes}"
                writer.end(OSError(errno.EFBIG, limit, os.fspath(self._trace.path)))
                return
        except Exception as error:  # noqa: BLE001 - whatever a plugin has given to the machine
            writer.end(error)  # what came before is written
            return
        if lost:
            known, writer.lost = writer.lost, 0
            writer.put(lost)
            if writer.lost:  # still no room
                writer.lost = known + 1
                return
        writer.put(line)


class Untraced:
    """In place of a tracer, where no trace is wanted: plain parts."""

    def machine(self, **settings: Any) -> Machine:
        """Return a machine."""
        return Machine(**settings)

    def dialer(self, dialer: Dialer) -> Dialer:
        """Return the dialer."""
        return dialer

    def inbox(self, max_messages: int, max_size: int) -> Inbox:
        """Return an inbox."""
        return Inbox(max_messages, max_size)

    def start(self, nursery: trio.Nursery) -> None:
        """There is nothing to run."""

    async def close(self) -> None:
        """There is nothing to close."""


class _TracedDialer:
    def __init__(self, tracer: Tracer, dialer: Dialer) -> None:
        self._tracer = tracer
        self._dialer = dialer

    async def run(self, request: Request, sink: Sink) -> Ended:
        number = self._tracer.socket_of(sink)
        self._tracer.dialler("begun", number)
        try:
            return await self._dialer.run(request, _TracedSink(self._tracer, number, sink))
        finally:
            self._tracer.dialler("ended", number)


class _TracedSink(PassingSink):
    def __init__(self, tracer: Tracer, number: int, sink: Sink) -> None:
        super().__init__(sink)
        self._tracer = tracer
        self._number = number

    def opened(self, socket: Socket) -> None:
        self._sink.opened(_TracedSocket(self._tracer, self._number, socket))


class _TracedSocket:
    """A socket whose messages are written down on their way out."""

    def __init__(self, tracer: Tracer, number: int, socket: Socket) -> None:
        self._tracer = tracer
        self._number = number
        self._socket = socket
        self._messages = 0
        self.ping = socket.ping
        self.close = socket.close
        self.abort = socket.abort

    @property
    def subprotocol(self) -> str | None:
        return self._socket.subprotocol

    async def send(self, message: str | bytes) -> None:
        self._messages += 1
        number, done = self._messages, False
        self._tracer.message("out", self._number, number, message)
        try:
            await self._socket.send(message)
            done = True
        finally:
            self._tracer.message(
                "written" if done else "not_written", self._number, number, message
            )


class _TracedInbox(Inbox):
    """An inbox that knows which message is which."""

    def __init__(self, tracer: Tracer, max_messages: int, max_size: int) -> None:
        super().__init__(max_messages, max_size)
        self._tracer = tracer
        self._numbers: deque[tuple[int, int]] = deque()
        self._newest = (0, 0)

    def put(self, message: str | bytes) -> None:
        socket, number = self._newest
        current = self._tracer.socket
        self._newest = (current, number + 1 if socket == current else 1)
        self._numbers.append(self._newest)
        self._tracer.message("in", *self._newest, message)
        super().put(message)

    def take(self) -> str | bytes:
        message = super().take()
        self._tracer.message("delivered", *self._numbers.popleft(), message)
        return message

    def clear(self) -> None:
        self._numbers.clear()
        super().clear()


@trio.lowlevel.enable_ki_protection  # between opening the file and handing it over
async def open_tracer(
    trace: Trace | None,
    *,
    mode: Mode,
    timings: Timings | None,
    policy: Policy | None,
    foreground: bool,
    online: bool,
    address: Address,
    headers: tuple[tuple[str, str], ...],
    clock: Clock,
    on_trouble: SafeHook,
) -> Tracer | Untraced:
    """Open a trace and write its first line, if one is wanted.

    Raises:
        TraceError: the file cannot be opened, or not for this.
    """
    if trace is None:
        return Untraced()
    # What may raise comes before there is a file.
    veil = TraceVeil(uids=trace.uids, address=address, headers=headers)
    timings = Timings() if timings is None else timings
    header = Header(
        time=clock(),
        wall=datetime.now(UTC).isoformat(timespec="milliseconds"),
        mode=mode,
        foreground=foreground,
        online=online,
        timings=timings,
        policy=policy,
        server=f"{'wss' if address.secure else 'ws'}://{address.host_header}",
        uids="given" if trace.uids else "hashed",
        messages=trace.messages,
        versions=_versions(),
    )
    virtual = type(trio.lowlevel.current_clock()).__qualname__ != "SystemClock"
    try:
        file = await opened_file(os.fspath(trace.path), trace.max_bytes, in_place=virtual)
    except OSError as error:
        raise TraceError(str(error)) from error
    writer = TraceWriter(
        file, in_place=virtual, on_trouble=lambda error: on_trouble(LISTENER, error)
    )
    tracer = Tracer(trace, writer, clock=clock, veil=veil, seconds=timings.close_timeout)
    tracer.begin(header)
    return tracer


def _versions() -> dict[str, str]:
    return {
        "statemodel": _version("statemodel"),
        "python": platform.python_version(),
        "trio": trio.__version__,
        "platform": sys.platform,
    }


@cache
def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # run from a checkout that is not installed
        return "unknown"

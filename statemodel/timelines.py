"""Traces for the eye: one line for everything that happened, with its time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemodel import traces as t

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["timeline"]


def timeline(trace: Iterable[t.Entry], *, notes: Iterable[tuple[float, str]] = ()) -> str:
    """Return a trace as lines of text: the time in seconds, then what happened.

    Args:
        trace: What happened, in order.
        notes: Times and remarks to put between, marked with an arrow; each comes after the last
            entry of its time.
    """
    pending = sorted(notes)
    lines: list[tuple[float, str]] = []
    for entry in trace:
        while pending and pending[0][0] < entry.time:
            time, note = pending.pop(0)
            lines.append((time, f"<-- {note}"))
        lines.append((entry.time, describe(entry)))
    lines += [(time, f"<-- {note}") for time, note in pending]
    return "\n".join(_columns(lines))


def _columns(lines: list[tuple[float, str]]) -> Iterator[str]:
    last: float | None = None
    for time, text in lines:
        shown = "" if time == last else f"{time:.10g}"
        last = time
        yield f"{shown:>9}  {text}"


def describe(entry: t.Entry) -> str:
    """Say in words what an entry of a trace tells."""
    match entry:
        case t.Opened():
            where = "foreground" if entry.foreground else "background"
            return f"opened: {entry.mode} mode, {where}, {'online' if entry.online else 'offline'}"
        case t.Called():
            return f"call {entry.command}: {entry.name}{f' {entry.uid}' if entry.uid else ''}"
        case t.Cancelled():
            return f"call {entry.command} is cancelled by its caller"
        case t.Returned(code=None):
            return f"call {entry.command} succeeds"
        case t.Returned():
            return f"call {entry.command} fails: {entry.code}"
        case t.Reported():
            return f"reported: {entry.what}{f' {entry.uid}' if entry.uid else ''}"
        case t.Stored():
            return f"{entry.what}: {entry.phase.replace('_', ' ')}"
        case t.Refreshed():
            return f"refresh of credentials: {entry.phase}"
        case t.SocketEnded():
            wait = "" if entry.retry_after is None else f", Retry-After {entry.retry_after:g} s"
            return f"socket {entry.socket}: ended by the other side ({entry.how}{wait})"
        case t.PingSent():
            whose = "the library's own" if entry.command is None else f"of call {entry.command}"
            return f"socket {entry.socket}: ping {entry.ping} sent, {whose}"
        case t.FrameSeen(pong=None):
            return f"socket {entry.socket}: frame received"
        case t.FrameSeen():
            return f"socket {entry.socket}: pong of ping {entry.pong} received"
        case t.Delivered():
            return f"socket {entry.socket}: message {entry.number} delivered"
        case t.StatusSeen():
            change = entry.change
            wait = "" if change.retry_in is None else f", next attempt in {change.retry_in:.6g} s"
            return f"status: {change.current} ({change.reason}{wait})"
        case t.Reading() | t.Throttled():
            what = "reading" if isinstance(entry, t.Reading) else "throttling"
            return f"socket {entry.socket}: {what} {'on' if entry.on else 'off'}"
        case t.Dialled() | t.SocketOpened() | t.CloseBegun() | t.SocketGone():
            return f"socket {entry.socket}: {_SOCKETS[type(entry)]}"


_SOCKETS: dict[type, str] = {
    t.Dialled: "dial",
    t.SocketOpened: "open",
    t.CloseBegun: "closing handshake begun",
    t.SocketGone: "descriptor closed on our side",
}

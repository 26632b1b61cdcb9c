"""Traces for the eye: one line for everything that happened, with its time."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from statemodel import traces as t

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = ["timeline"]

_HOW = {"loss": "a loss", "auth": "credentials refused", "terminal": "refused for good"}


def timeline(
    trace: Iterable[t.Entry],
    *,
    notes: Iterable[tuple[float, str]] = (),
    end: int | None = None,
    width: int = 100,
) -> str:
    """Return a trace as lines of text: the time in seconds, then what happened.

    Args:
        trace: What happened, in order.
        notes: Times and remarks to put between, marked with an arrow; each comes after the last
            entry of its time, and those of one time keep their order.
        end: The index of the first entry that no step of the script has brought: a report of what
            is known already, by which a tester lets overdue things show.
        width: Columns that a line may have; notes are wrapped.
    """
    pending = sorted(notes, key=lambda note: note[0])
    lines: list[tuple[float, str]] = []
    for time, words in told(trace, end=end):
        while pending and pending[0][0] < time:
            noted, note = pending.pop(0)
            lines.append((noted, f"<-- {note}"))
        lines.append((time, words))
    lines += [(noted, f"<-- {note}") for noted, note in pending]
    return "\n".join(_columns(lines, width))


def _columns(lines: list[tuple[float, str]], width: int) -> Iterator[str]:
    times = [f"{time:.10g}" for time, _ in lines]
    left = max(9, *map(len, times)) if times else 9
    last: float | None = None
    for (time, text), shown in zip(lines, times, strict=True):
        first = "" if time == last else shown
        last = time
        parts = [text]
        if text.startswith("<-- "):
            parts = wrap(
                text, max(20, width - left - 2), subsequent_indent="    ", break_on_hyphens=False
            )
        for part in parts:
            yield f"{first:>{left}}  {part}"
            first = ""


def told(trace: Iterable[t.Entry], *, end: int | None = None) -> Iterator[tuple[float, str]]:
    """Yield the time and the words of each entry, in the light of those before it.

    Args:
        trace: What happened, in order.
        end: As for `timeline`.
    """
    calls: dict[int, str] = {}
    phases: dict[int, str] = {}
    for at, entry in enumerate(trace):
        words = describe(entry)
        match entry:
            case t.Called():
                calls[entry.command] = entry.name
            case t.Returned() | t.Cancelled() if entry.command in calls:
                call = f"call {entry.command}"
                words = words.replace(call, f"{call} ({calls[entry.command]})", 1)
            case t.Dialled() | t.SocketOpened() | t.CloseBegun():
                phases[entry.socket] = _SOCKETS[type(entry)]
            case t.SocketEnded() if phases.get(entry.socket) == _SOCKETS[t.Dialled]:
                words = f"socket {entry.socket}: dial failed ({_why(entry)})"
            case t.SocketEnded() if phases.get(entry.socket) == _SOCKETS[t.CloseBegun]:
                words = f"socket {entry.socket}: closing handshake over"
            case t.Reported() if at == end:
                words = f"end of the script (the kit reports {_report(entry)} once more)"
            case _:
                pass
        yield entry.time, words


def describe(entry: t.Entry) -> str:
    """Say in words what an entry of a trace tells, whatever came before it."""
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
        case t.Reported(what="restored"):
            return f"a saved user is found: {entry.uid}"
        case t.Reported():
            return f"reported: {_report(entry)}"
        case t.Stored():
            return f"{entry.what}: {entry.phase.replace('_', ' ')}"
        case t.Refreshed():
            return f"refresh of credentials: {entry.phase}"
        case t.SocketEnded():
            return f"socket {entry.socket}: ended by the other side ({_why(entry)})"
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
            why = [] if change.reason is None else [str(change.reason)]
            if change.retry_in is not None:
                why.append(f"next attempt in {change.retry_in:.6g} s")
            return f"status: {change.current}" + (f" ({', '.join(why)})" if why else "")
        case t.Reading() | t.Throttled():
            what = "reading" if isinstance(entry, t.Reading) else "throttling"
            return f"socket {entry.socket}: {what} {'on' if entry.on else 'off'}"
        case t.Dialled() | t.SocketOpened() | t.CloseBegun() | t.SocketGone():
            return f"socket {entry.socket}: {_SOCKETS[type(entry)]}"


def _report(entry: t.Reported) -> str:
    """Return a report as the script's language has it, as `network up`."""
    return entry.what.replace("_", " ")


def _why(entry: t.SocketEnded) -> str:
    wait = "" if entry.retry_after is None else f", Retry-After {entry.retry_after:g} s"
    return f"{_HOW[entry.how]}{wait}"


_SOCKETS: dict[type, str] = {
    t.Dialled: "dial",
    t.SocketOpened: "open",
    t.CloseBegun: "closing handshake begun",
    t.SocketGone: "closed on our side",
}

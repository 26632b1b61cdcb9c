"""The picture of an attempt to connect: who asks whom, in which order, and how long that may take."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemodel import traces as t
from statemodel._script import Script
from statemodel.diagrams._measure import text_width
from statemodel.diagrams._playback import Moment, playback
from statemodel.diagrams._svg import Drawing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statemodel._table import Table
    from statemodel.traces import Entry

SCRIPT = """
open manual
login
authenticator authenticated
store saved
wait 2
connect
wait 0.5
peer fail
wait 0.75 draw 0.5
wait 0.25
peer accept
wait 10
disconnect
wait 0.5
peer closed
"""
"""A login, a first dial that fails, a wait, a second that succeeds, and an orderly end."""

_APP, _CONNECTION, _SERVER, _NOTES = 136.0, 396.0, 640.0, 668.0
_ROW = 34.0
_LIMITS = {
    "authenticate": "at most {} (S1)",
    "save": "at most {} (S1)",
    "dial": "at most {} (K5)",
    "retry": "next dial in {} (B1)",
    "embargo": "next dial in {} (B4)",
    "stable": "after {} failures are forgotten (B2)",
    "close": "at most {} (K4)",
    "grace": "closed in {} without a ping (M3)",
}
"""What the timers mean to those who wait; a timer that is not named here is left out."""


def draw_sequence(table: Table | None = None, *, script: Script | None = None) -> str:
    """Return the picture as SVG.

    Args:
        table: The compiled chart that is shown; by default that of `ConnectionChart`.
        script: What happens; by default an attempt to connect that succeeds at the second try.
    """
    script = script or Script.parse(SCRIPT)
    moments = playback(script, table)
    return _Sequence(moments).draw()


_ENDS: dict[type, tuple[str, str]] = {
    t.Dialled: ("no answer, or a refusal", "bad-line"),
    t.SocketOpened: ("lost", "bad-line"),
    t.CloseBegun: ("closed", "server"),
    type(None): ("ended", "bad-line"),
}
"""How the other side's end of a socket reads, by what was seen of it before."""


_STORED = {
    "authenticate": "check the credentials",
    "save": "save the user",
    "clear": "forget the user",
}


def _limits(moments: list[Moment]) -> dict[int, str]:
    """Return for entries, by identity, the timer that was started with them."""
    found: dict[int, str] = {}
    before: dict[str, float] = {}
    for moment in moments:
        new = [n for n, due in moment.deadlines.items() if before.get(n) != due and n in _LIMITS]
        for name, entry in zip(new, _waiting(moment, len(new)), strict=False):
            found[id(entry)] = _LIMITS[name].format(f"{moment.deadlines[name] - moment.time:g} s")
        before = moment.deadlines
    return found


def _waiting(moment: Moment, most: int) -> list[Entry]:
    """Return the entries of a moment that say what is waited for, the last ones first."""
    shown = (t.Dialled, t.SocketEnded, t.CloseBegun, t.StatusSeen, t.Stored, t.Called, t.Reported)
    starts: list[Entry] = [e for e in moment.entries if isinstance(e, (t.Dialled, t.CloseBegun))]
    others: list[Entry] = [
        e for e in reversed(moment.entries) if isinstance(e, shown) and e not in starts
    ]
    return [*starts, *others][:most]


class _Sequence:
    def __init__(self, moments: list[Moment]) -> None:
        self.entries = entries = [entry for moment in moments for entry in moment.entries]
        self.limits = _limits(moments)
        self.before: dict[int, Entry] = {}
        """What was seen last of each socket."""
        self.calls = {e.command: e.name for e in entries if isinstance(e, t.Called)}
        self.sockets: dict[int, float] = {}
        self.d = Drawing(
            880,
            title="An attempt to connect",
            description="; ".join(self._in_words()),
        )
        self.y = 0.0

    def _in_words(self) -> Iterator[str]:
        for entry in self.entries:
            found = self._arrow(entry)
            if isinstance(entry, t.Dialled | t.SocketOpened | t.CloseBegun):
                self.before[entry.socket] = entry
            if found is not None:
                yield f"{entry.time:g} s: {found[0]}"

    def draw(self) -> str:
        d = self.d
        d.text(24, 28, d.title, size=18, bold=True)
        d.text(
            24,
            50,
            "The first dial fails; the second, after a drawn wait, succeeds (B1). The call of connect "
            "lasts until then (C2).",
            fill="soft",
        )
        top = 92.0
        self.y = top + 44
        last: float | None = None
        lines = []
        for entry in self.entries:
            found = self._arrow(entry)
            if isinstance(entry, t.Dialled | t.SocketOpened | t.CloseBegun):
                self.before[entry.socket] = entry
            if found is None:
                continue
            if last is not None and entry.time > last:
                self._gap(entry.time - last)
            time = entry.time if entry.time != last else None
            lines.append((self.y, time, found, entry, self.limits.get(id(entry))))
            last = entry.time
            self.y += _ROW
        bottom = self.y
        d.text(24, top + 3, "time", size=12, fill="soft")
        d.text(_NOTES + 58, top + 3, "time limits", size=12, fill="soft")
        self._actors(top, bottom)
        for y, time, found, entry, limit in lines:
            if time is not None:
                if y > top + 44:
                    d.line([(24, y - 23), (d.width - 24, y - 23)], stroke="rule", weight=0.8)
                d.text(24, y + 4, f"{time:g} s", size=12, bold=True)
            if limit is not None:
                d.text(_NOTES, y + 4, limit, size=12, fill="time")
            self._draw(y, found, entry)
        return d.svg()

    def _actors(self, top: float, bottom: float) -> None:
        d = self.d
        for x, name in ((_APP, "application"), (_CONNECTION, "connection"), (_SERVER, "server")):
            d.line([(x, top + 12), (x, bottom)], stroke="rule", weight=2)
            d.rect(x - 70, top - 18, 140, 32, fill="card", stroke="line")
            d.text(x, top + 3, name, bold=True, anchor="m")

    def _gap(self, seconds: float) -> None:
        self.y += 8 if seconds < 5 else 22

    def _arrow(self, entry: Entry) -> tuple[str, float, float, str] | None:
        """Return words, from, to and style of what is seen; `None` if it is left out."""
        match entry:
            case t.Called():
                return f"{entry.name}()", _APP, _CONNECTION, "application"
            case t.Returned():
                how = "succeeds" if entry.code is None else f"fails: {entry.code}"
                return f"{self.calls[entry.command]} {how}", _CONNECTION, _APP, "application"
            case t.StatusSeen():
                change = entry.change
                wait = "" if change.retry_in is None else f", retry in {change.retry_in:g} s"
                return f"{change.current} ({change.reason}{wait})", _CONNECTION, _APP, "status"
            case t.Dialled():
                return "dial: name look-up, TCP, TLS, upgrade", _CONNECTION, _SERVER, "server"
            case t.SocketOpened():
                return "open", _SERVER, _CONNECTION, "server"
            case t.SocketEnded():
                words, style = _ENDS[type(self.before.get(entry.socket))]
                return words, _SERVER, _CONNECTION, style
            case t.CloseBegun():
                return "close", _CONNECTION, _SERVER, "server"
            case t.Stored(phase="begun"):
                return _STORED[entry.what], _CONNECTION, _CONNECTION, "session"
            case _:
                return None

    def _draw(self, y: float, found: tuple[str, float, float, str], entry: Entry) -> None:
        words, start, end, style = found
        d = self.d
        if start == end:
            d.pill(
                start - text_width(words, 12, bold=True) / 2 - 8,
                y,
                words,
                fill="card",
                stroke=style,
            )
            return
        if style == "status":
            assert isinstance(entry, t.StatusSeen)
            look = {"connected": "up", "connecting": "coming"}.get(entry.change.current, "idle")
            width = text_width(words, 12, bold=True) + 16
            d.line([(start, y), (end, y)], stroke=f"{look}-line", arrow=True, dashed="5 4")
            d.pill((start + end - width) / 2, y, words, fill=look, stroke=f"{look}-line")
            return
        d.line([(start, y), (end, y)], stroke=style, arrow=True, weight=1.8)
        d.text((start + end) / 2, y - 6, words, fill=style, anchor="m")

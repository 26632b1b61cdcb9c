"""The picture of the time that a manual connection lives on in background, and what pings buy."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from statemodel import traces as t
from statemodel._script import Script
from statemodel.diagrams._measure import text_width
from statemodel.diagrams._playback import Moment, playback
from statemodel.diagrams._svg import Drawing

if TYPE_CHECKING:
    from statemodel._table import Table

SCRIPT = """
open manual
restored alice
connect
peer accept
wait 10
background
wait 12
ping
peer pong
wait 28
ping
peer pong
wait 30
peer closed
wait 6
ping
wait 5
foreground
wait 5
"""
"""Two pings come in time, the third does not; the foreground does not reconnect by itself."""

_LEFT, _RIGHT, _TOP = 118.0, 20.0, 84.0
_ROW = 46.0
_LANES: dict[str, dict[str, tuple[str, str]]] = {
    "application": {"foreground": ("up", "up-line"), "background": ("idle", "idle-line")},
    "connection": {
        "connected": ("up", "up-line"),
        "connecting": ("coming", "coming-line"),
        "closing": ("coming", "coming-line"),
        "down": ("idle", "idle-line"),
    },
}


@dataclass(frozen=True, slots=True)
class _Span:
    name: str
    start: float
    end: float


def draw_window(table: Table | None = None) -> str:
    """Return the picture as SVG.

    Args:
        table: The compiled chart that is shown; by default that of `ConnectionChart`.
    """
    script = Script.parse(SCRIPT)
    moments = playback(script, table)
    zero = next(m.time for m in moments if "background" in m.active)
    end = moments[-1].time + 10 - zero
    grace = script.timings.background_grace
    return _Window(moments, zero, end, grace).draw()


class _Window:
    def __init__(self, moments: list[Moment], zero: float, end: float, grace: float) -> None:
        self.moments = moments
        self.zero = zero
        self.start = -zero
        self.end = end
        self.grace = grace
        self.d = Drawing(
            880,
            title="The window in background, manual mode",
            description=self._in_words(),
        )

    def x(self, time: float) -> float:
        """Return where a time in seconds after the background began stands."""
        whole = self.d.width - _LEFT - _RIGHT
        return _LEFT + (time - self.start) / (self.end - self.start) * whole

    def _in_words(self) -> str:
        armed = self._windows()
        moves = "; ".join(f"from {a:g} s to {d:g} s" for a, d in armed)
        return (
            f"A connection in manual mode goes to background at 0 s. A window of {self.grace:g} "
            f"seconds opens; each ping within it moves its end: {moves}. When it ends the connection "
            f"is closed. A later ping is refused, and the foreground does not reconnect."
        )

    def draw(self) -> str:
        d = self.d
        d.text(_LEFT, 28, d.title, size=18, bold=True)
        d.text(
            _LEFT,
            50,
            f"A manual connection outlives the foreground by {self.grace:g} s. "
            f"Each ping buys {self.grace:g} s from its own call.",
            fill="soft",
        )
        bottom = _TOP + 5 * _ROW + 60
        self._axis(bottom)
        y = _TOP
        self._lane(y, "application", _LANES["application"])
        y += _ROW
        self._calls(y)
        y += _ROW
        y = self._armed(y)
        self._lane(y, "connection", _LANES["connection"])
        y += _ROW
        self._told(y)
        return d.svg()

    # -- rows ------------------------------------------------------------------------------------

    def _axis(self, bottom: float) -> None:
        d = self.d
        for second in range(0, int(self.end) + 1, 10):
            x = self.x(second)
            d.line([(x, _TOP - 14), (x, bottom - 8)], stroke="rule", weight=1)
            d.text(x, bottom + 8, f"{second} s", size=12, fill="soft", anchor="m")
        d.text(
            _LEFT,
            bottom + 28,
            "seconds since the application went to background",
            size=12,
            fill="soft",
        )

    def _name(self, y: float, name: str) -> None:
        self.d.text(_LEFT - 12, y + 18, name, bold=True, anchor="e")

    def _spans(self, states: dict[str, tuple[str, str]]) -> list[_Span]:
        spans: list[_Span] = []
        for before, after in pairwise([*self.moments, None]):
            assert before is not None
            name = next((s for s in states if s in before.active), "")
            until = self.end if after is None else after.time - self.zero
            if spans and spans[-1].name == name:
                spans[-1] = _Span(name, spans[-1].start, until)
            else:
                spans.append(_Span(name, before.time - self.zero, until))
        return [span for span in spans if span.name and span.end > span.start]

    def _lane(self, y: float, name: str, states: dict[str, tuple[str, str]]) -> None:
        self._name(y, name)
        for span in self._spans(states):
            fill, stroke = states[span.name]
            left, right = self.x(span.start), self.x(span.end)
            self.d.rect(left, y, right - left, 27, fill=fill, stroke=stroke, radius=4)
            if right - left > text_width(span.name, 12):
                self.d.text((left + right) / 2, y + 18, span.name, size=12, anchor="m")

    def _calls(self, y: float) -> None:
        """Show the pings where they were called, and the one that is refused."""
        self._name(y, "calls")
        asked: dict[int, float] = {}
        for moment in self.moments:
            for entry in moment.entries:
                match entry:
                    case t.Called(name="ping"):
                        asked[entry.command] = entry.time - self.zero
                    case t.Returned(code=code) if entry.command in asked:
                        self._ping(y, asked.pop(entry.command), refused=code is not None)
                    case t.Reported(what="foreground"):
                        self._back(y, entry.time - self.zero)
                    case _:
                        pass
        assert not asked, "each ping of the script has ended"

    def _ping(self, y: float, time: float, *, refused: bool) -> None:
        x, d = self.x(time), self.d
        style = "bad-line" if refused else "accent"
        row = sum(start < time for start, _ in self._windows())
        if refused:
            d.line([(x - 5, y + 4), (x + 5, y + 14)], stroke=style, weight=2.2)
            d.line([(x - 5, y + 14), (x + 5, y + 4)], stroke=style, weight=2.2)
        else:
            d.circle(x, y + 9, 5, fill=style)
            d.line([(x, y + 15), (x, y + _ROW + 32 * row)], stroke=style, arrow=True)
        words = "ping: refused (P3)" if refused else "ping (M4)"
        self._beside(x, y + 14, words, style, before=refused)

    def _back(self, y: float, time: float) -> None:
        """Say that the foreground alone does not reconnect."""
        x = self.x(time)
        self.d.line([(x, y - 18), (x, y + 24)], stroke="line")
        self._beside(x, y + 34, "foreground: not reconnected (M5)", "ink", before=True)

    def _beside(self, x: float, y: float, words: str, style: str, *, before: bool) -> None:
        """Write left or right of a mark."""
        at, anchor = (x - 10, "e") if before else (x + 10, "")
        self.d.text(at, y, words, size=12, fill=style, anchor=anchor, halo=True)

    def _windows(self) -> list[tuple[float, float]]:
        """Return when the window was armed, and until when it would have lasted."""
        armed: list[tuple[float, float]] = []
        for moment in self.moments:
            due = moment.deadlines.get("grace")
            if due is not None and (not armed or armed[-1][1] != due - self.zero):
                armed.append((moment.time - self.zero, due - self.zero))
        return armed

    def _armed(self, y: float) -> float:
        """Show each window as a bar; what a later ping has overtaken is dashed."""
        self._name(y, "window")
        d, armed = self.d, self._windows()
        for number, (start, due) in enumerate(armed):
            last = number == len(armed) - 1
            stop = due if last else armed[number + 1][0]
            left, middle, right = self.x(start), self.x(stop), self.x(due)
            d.rect(left, y, middle - left, 24, fill="window", stroke="window-line", radius=3)
            if not last:
                d.rect(middle, y, right - middle, 24, stroke="window-line", radius=3, dashed="4 3")
            words = f"until {due:g} s"
            d.text(left + 8, y + 16.5, words, size=12)
            if last:
                d.line([(right, y - 4), (right, y + 44)], stroke="bad-line", weight=2)
                d.text(right + 8, y + 16.5, "over: closed (M5)", size=12, fill="bad-line")
            y += 32
        return y + 12

    def _told(self, y: float) -> None:
        """Show the statuses that a listener is told, with their reasons."""
        self._name(y, "status")
        for moment in self.moments:
            for entry in moment.entries:
                if isinstance(entry, t.StatusSeen) and entry.time >= self.zero:
                    x = self.x(entry.time - self.zero)
                    change = entry.change
                    self.d.line([(x, y - 18), (x, y + 4)], stroke="line")
                    self.d.text(
                        x - 8, y + 6, f"{change.current} (T1)", size=12, bold=True, anchor="e"
                    )
                    words = f"because of {change.reason}"
                    self.d.text(x - 8, y + 22, words, size=12, fill="soft", anchor="e")

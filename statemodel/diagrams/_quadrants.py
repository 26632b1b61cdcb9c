"""The picture of the four quadrants: what the link may do in each mode, in front and behind.

Every arrow is a set of rows of the compiled table. The same state stands at the same place in all
four, so that what a quadrant lacks is seen at a glance.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from statemodel._table import Disposition, table_of
from statemodel.diagrams._measure import wrap
from statemodel.diagrams._svg import Drawing, Point

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from statemodel._table import Table

_PLACES: Mapping[str, tuple[tuple[str, ...], float, float, str]] = {
    "closing": (("closing",), 222, 92, "coming"),
    "down": (("down",), 57, 182, "idle"),
    "dialling": (("connecting", "refreshing"), 222, 182, "coming"),
    "connected": (("connected",), 376, 182, "up"),
    "failed": (("failed",), 110, 322, "bad"),
    "waiting": (("backing_off", "held_off", "without_network"), 318, 322, "idle"),
}
"""What is drawn as one box: its states in the link region, its middle, and its style."""

_STOPS = frozenset({"disconnect", "logout", "shut_down"})
_QUIET = frozenset({"abort_close", "close_due", "socket_closed"})
_WORDS: Mapping[str, str] = {
    "abort_close": "closed",
    "close_due": "closed",
    "connect": "connect",
    "credentials_denied": "denied",
    "dial_due": "fails",
    "dial_failed": "fails",
    "dial_succeeded": "opens",
    "embargo_due": "time",
    "grace_due": "window over",
    "network_lost": "network lost",
    "network_restored": "network back",
    "peer_silent": "lost",
    "refresh_due": "fails",
    "refresh_failed": "fails",
    "retry_due": "time",
    "save_succeeded": "login",
    "server_refused": "refused",
    "session_restored": "login",
    "socket_closed": "lost",
}
"""Events in a reader's words; one that is not here stands under its own name."""

_WIDTH, _HEIGHT, _GAP = 436.0, 420.0, 16.0
_BOX = (86.0, 32.0)


def draw_quadrants(table: Table | None = None) -> str:
    """Return the picture as SVG.

    Args:
        table: The compiled chart that is shown; by default that of `ConnectionChart`.
    """
    table = table_of(table)
    d = Drawing(
        2 * _WIDTH + _GAP,
        title="What the link may do, by mode and place",
        description=" ".join(_in_words(table)),
    )
    d.text(14, 26, d.title, size=18, bold=True)
    d.text(
        14,
        47,
        "Equal places, equal states. A dotted box cannot be there. A dashed arrow: disconnect, logout or the end.",
        fill="soft",
    )
    for column, mode in enumerate(("auto", "manual")):
        for row, app in enumerate(("foreground", "background")):
            left, top = column * (_WIDTH + _GAP), 62 + row * (_HEIGHT + _GAP)
            _Quadrant(d, table, mode, app).draw(left, top)
    d.text(
        14,
        d.height + 20,
        "* without network, or while the server's Retry-After runs, it waits instead of dialling.",
        size=12,
        fill="soft",
    )
    return d.svg()


def _in_words(table: Table) -> Iterable[str]:
    for mode, app in product(("auto", "manual"), ("foreground", "background")):
        moves = _moves(table, mode, app)
        found = {box for pair in moves for box in pair} or {"down"}
        yield f"{mode} mode, {app}: {', '.join(b for b in _PLACES if b in found)}."


def _box(active: frozenset[str]) -> str:
    return next(box for box, (states, *_) in _PLACES.items() if active & set(states))


def _moves(table: Table, mode: str, app: str) -> dict[tuple[str, str], set[str]]:
    """Return which events lead from box to box within a quadrant."""
    moves: dict[tuple[str, str], set[str]] = defaultdict(set)
    for configuration, event, _, row in table.rows():
        before, after = table.active[configuration], table.active[row.target]
        if row.disposition is not Disposition.HANDLED or not before >= {mode, app}:
            continue
        if app in after and _box(before) != _box(after):
            moves[_box(before), _box(after)].add(event)
    return dict(moves)


def _entering(table: Table, mode: str, app: str) -> list[str]:
    """Say what happens to the link at the moment when the application comes to a place."""
    found: dict[str, set[str]] = defaultdict(set)
    for configuration, event, _, row in table.rows():
        before, after = table.active[configuration], table.active[row.target]
        if event == f"enter_{app}" and mode in before and app not in before:
            found[_box(before)].add(_box(after))
    order = list(_PLACES)
    return [
        f"{box} \N{RIGHTWARDS ARROW} {' or '.join(sorted(to - {box}, key=order.index))}"
        for box, to in sorted(found.items(), key=lambda item: order.index(item[0]))
        if to - {box}
    ]


class _Quadrant:
    def __init__(self, d: Drawing, table: Table, mode: str, app: str) -> None:
        self.d, self.mode, self.app = d, mode, app
        self.moves = _moves(table, mode, app)
        self.entering = _entering(table, mode, app)
        self.there = {
            _box(active)
            for active in table.active
            if active >= {mode, app} and "ended" not in active
        }
        self.left = self.top = 0.0

    def draw(self, left: float, top: float) -> None:
        d, self.left, self.top = self.d, left, top
        d.rect(left, top, _WIDTH, _HEIGHT, fill="card", stroke="rule", radius=10)
        d.text(left + 14, top + 25, f"{self.mode} mode, {self.app}", size=15, bold=True)
        moves = dict(self.moves)
        stars = self._stars(moves)
        for (start, end), events in sorted(moves.items()):
            self._move(start, end, events, star=(start, end) in stars)
        for box in _PLACES:
            self._state(box)
        entering = "; ".join(self.entering) or "nothing changes"
        lines = wrap(f"on coming here: {entering}", 12, _WIDTH - 28)
        d.lines(
            left + 14,
            top + _HEIGHT - 14 - 15 * (len(lines) - 1),
            lines,
            size=12,
            fill="soft",
            leading=15,
        )

    def _stars(self, moves: dict[tuple[str, str], set[str]]) -> set[tuple[str, str]]:
        """Fold "dials, or waits while it cannot" into one arrow with a star."""
        stars = set()
        for start in _PLACES:
            dials, waits = moves.get((start, "dialling")), moves.get((start, "waiting"))
            if dials and waits and waits <= dials and start != "connected":
                del moves[start, "waiting"]
                stars.add((start, "dialling"))
        return stars

    def _at(self, box: str) -> Point:
        _, x, y, _ = _PLACES[box]
        return self.left + x, self.top + y

    def _state(self, box: str) -> None:
        *_, style = _PLACES[box]
        x, y = self._at(box)
        width, height = _BOX
        there = box in self.there
        self.d.rect(
            x - width / 2,
            y - height / 2,
            width,
            height,
            fill=style if there else "",
            stroke=f"{style}-line" if there else "soft",
            dashed="" if there else "1.5 3.5",
        )
        self.d.text(x, y + 4.5, box, anchor="m", bold=there, fill="ink" if there else "soft")

    def _move(self, start: str, end: str, events: set[str], *, star: bool) -> None:
        stops = events <= _STOPS | _QUIET and bool(events & _STOPS)
        words = [] if stops else sorted({_WORDS.get(e, e) for e in events - _STOPS})
        if (start, end) == ("closing", "down"):
            words = ["closed"] if events - {"connect"} == events else ["closed, connect"]
        routes = _ROUTES if "waiting" in self.there else {**_ROUTES, **_WITHOUT_WAITING}
        route = routes[start, end]
        points = [(self.left + x, self.top + y) for x, y in route.way]
        self.d.line(points, arrow=True, smooth=len(points) > 2, dashed="4 3" if stops else "")
        text = ", ".join(words) + ("*" if star else "")
        lines = wrap(text, 11.5, route.room)
        x, y = self.left + route.words[0], self.top + route.words[1]
        y -= 13 * (len(lines) - 1) * route.up
        for n, line in enumerate(lines):
            self.d.text(x, y + 13 * n, line, size=11.5, anchor=route.anchor, halo=True)


@dataclass(frozen=True, slots=True)
class _Route:
    """Where an arrow runs within its quadrant, and where its words stand."""

    way: Sequence[Point]
    """Two points of a straight line, or a start and Bézier triples."""
    words: Point = (0, 0)
    """Where the first line of its words stands."""
    anchor: str = ""
    """Which end of the words that is, as `Drawing.text` has it."""
    room: float = 84
    """How wide the words may be."""
    up: bool = False
    """Whether that place is the last line's, and others stand above it."""


_ROUTES: Mapping[tuple[str, str], _Route] = {
    ("down", "dialling"): _Route([(100, 177), (179, 177)], (138, 170), "m", room=60, up=True),
    ("dialling", "down"): _Route([(179, 188), (100, 188)], (102, 206), room=66),
    ("dialling", "connected"): _Route([(265, 182), (333, 182)], (297, 176), "m"),
    ("connected", "dialling"): _Route(
        [(350, 166), (328, 134), (280, 134), (252, 166)], (300, 136), "m"
    ),
    ("connected", "closing"): _Route([(392, 166), (392, 92), (340, 92), (265, 92)], (274, 109)),
    ("connected", "failed"): _Route(
        [(410, 198), (438, 260), (438, 354), (340, 354), (280, 354), (220, 342), (153, 331)],
        (214, 324),
        "m",
    ),
    ("connected", "waiting"): _Route([(374, 198), (345, 306)], (372, 238), room=50),
    ("closing", "down"): _Route([(179, 92), (110, 92), (57, 100), (57, 166)], (76, 128)),
    ("closing", "dialling"): _Route([(222, 108), (222, 166)], (216, 133), "e"),
    ("dialling", "waiting"): _Route([(236, 198), (294, 306)], (274, 281), "e", room=66),
    ("dialling", "failed"): _Route([(210, 198), (134, 306)], (196, 238), room=50),
    ("waiting", "dialling"): _Route([(310, 306), (252, 198)], (282, 218)),
    ("waiting", "down"): _Route([(295, 338), (200, 388), (-30, 400), (30, 198)]),
    ("failed", "dialling"): _Route([(120, 306), (196, 198)], (146, 262), "e"),
    ("failed", "down"): _Route([(98, 306), (62, 198)], (78, 270), "e"),
}

_WITHOUT_WAITING: Mapping[tuple[str, str], _Route] = {
    ("connected", "down"): _Route(
        [(404, 166), (404, 10), (34, 10), (34, 166)], (219, 43), "m", room=120
    ),
    ("connected", "failed"): _Route([(346, 198), (153, 315)], (262, 266)),
}
"""Where there is no box in the way."""

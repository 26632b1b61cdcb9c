"""The picture of the whole: the regions, what moves each of them, and which looks at which."""

from __future__ import annotations

import ast
from itertools import pairwise
from typing import TYPE_CHECKING

from statemodel.diagrams._kinds import KINDS, kind_of, mark, style_of
from statemodel.diagrams._measure import text_width, wrap
from statemodel.diagrams._svg import Drawing, Point

if TYPE_CHECKING:
    from statemodel.diagrams._model import ChartModel, RegionModel, StateModel

_WIDTH, _COLUMN, _BETWEEN, _TOP, _LEFT = 896.0, 256.0, 56.0, 76.0, 8.0
_COLUMNS = (
    ("mode", "app", "network", "session"),
    ("intent", "link"),
    ("grace", "liveness", "credentials", "throttle"),
)
"""What is given, what follows from it, and what watches over that; added regions stand last."""


def draw_overview(model: ChartModel) -> str:
    """Return the picture as SVG."""
    return _Overview(model).draw()


def looks_at(region: RegionModel, model: ChartModel) -> tuple[str, ...]:
    """Return the other regions whose states the guards of a region name, in document order."""
    seen = set()
    for move in region.transitions:
        for node in ast.walk(ast.parse(move.guard or "True", mode="eval")):
            if isinstance(node, ast.Name) and node.id in model.states:
                seen.add(model.states[node.id].region)
            elif isinstance(node, ast.Name) and node.id in {r.name for r in model.regions}:
                seen.add(node.id)
    return tuple(r.name for r in model.regions if r.name in seen and r.name != region.name)


class _Card:
    """A region as a box, measured before it is drawn."""

    def __init__(self, region: RegionModel, model: ChartModel) -> None:
        self.region = region
        self.meaning = wrap(region.meaning.replace("`", ""), 12.6, _COLUMN - 28)
        self.states = [state for state in region.states if not state.children]
        self.state_rows = _flow([_pill(s) for s in self.states], 6)
        events = {event for move in region.transitions for event in move.events}
        order = list(KINDS)
        self.events = sorted((order.index(kind_of(e, model)), e) for e in events)
        self.event_rows = _flow([text_width(e, 12.4) + 22 for _, e in self.events], 4)
        self.looks = looks_at(region, model)
        self.look_lines = wrap(f"looks at {', '.join(self.looks)}", 12.4, _COLUMN - 28)
        self.x = self.y = 0.0

    @property
    def height(self) -> float:
        rows = 25 * _rows(self.state_rows) + 18 * _rows(self.event_rows)
        looks = 16 * len(self.look_lines) + 4 if self.looks else 0
        return 34 + 16 * len(self.meaning) + rows + looks + 14

    def draw(self, d: Drawing) -> None:
        x, y = self.x, self.y
        d.rect(x, y, _COLUMN, self.height, fill="card", stroke="line", radius=9)
        d.text(x + 14, y + 22, self.region.name, size=14, bold=True)
        y = d.lines(x + 14, y + 40, self.meaning, size=12.6, fill="soft", leading=16)
        y += 6
        for state, (left, row) in zip(self.states, self.state_rows, strict=True):
            width = _pill(state)
            top = y - 12 + 25 * row
            d.rect(x + 14 + left, top, width, 20, fill="state", stroke="line", radius=10)
            if _starts(state):
                d.circle(x + 14 + left + 10, top + 10, 2.6, fill="ink")
            shift = 4 if _starts(state) else 0
            d.text(x + 14 + left + width / 2 + shift, top + 14.3, state.name, size=12.6, anchor="m")
        y += 25 * _rows(self.state_rows) + 2
        for (kind, event), (left, row) in zip(self.events, self.event_rows, strict=True):
            mark(d, list(KINDS)[kind], x + 20 + left, y - 4 + 18 * row)
            d.text(x + 29 + left, y + 18 * row, event, size=12.4, fill=style_of(list(KINDS)[kind]))
        y += 18 * _rows(self.event_rows) + 2
        if self.looks:
            d.lines(x + 14, y, self.look_lines, size=12.4, fill="soft", italic=True, leading=16)


class _Overview:
    def __init__(self, model: ChartModel) -> None:
        self.model = model
        self.cards = {region.name: _Card(region, model) for region in model.regions}
        self.d = Drawing(_WIDTH, title=f"{model.name}: the regions", description=self._in_words())

    def _in_words(self) -> str:
        parts = [
            f"{region.name}: {', '.join(s.name for s in region.states if not s.children)}"
            for region in self.model.regions
        ]
        return f"{len(parts)} regions that run side by side. " + "; ".join(parts) + "."

    def draw(self) -> str:
        d = self.d
        d.text(8, 28, d.title, size=18, bold=True)
        d.text(
            8,
            50,
            "A connection is always in one state of each. Below the states: the events that move it. "
            "An arrow leads to who looks at it.",
            fill="soft",
        )
        bottom = self._place()
        self._arrows()
        for card in self.cards.values():
            card.draw(d)
        x = 8.0
        used = {kind for card in self.cards.values() for kind, _ in card.events}
        for number, (kind, words) in enumerate(KINDS.items()):
            if number in used:
                mark(d, kind, x + 6, bottom + 22)
                x += 18 + d.text(x + 16, bottom + 26, words, size=12, fill="soft") + 14
        return d.svg()

    def _place(self) -> float:
        """Give each card its place; return where the lowest ends."""
        known = {name for column in _COLUMNS for name in column}
        added = tuple(name for name in self.cards if name not in known)
        columns = [[self.cards[n] for n in column if n in self.cards] for column in _COLUMNS]
        for name in added:
            min(columns, key=lambda column: sum(c.height for c in column)).append(self.cards[name])
        heights = [sum(card.height for card in column) for column in columns]
        most = max(h + 18 * (len(c) - 1) for h, c in zip(heights, columns, strict=True))
        for number, column in enumerate(columns):
            gap = (most - heights[number]) / max(1, len(column) - 1)
            y = _TOP
            for card in column:
                card.x, card.y = _LEFT + number * (_COLUMN + _BETWEEN), y
                y += card.height + gap
        return _TOP + most

    def _arrows(self) -> None:
        """Draw who looks at whom, each arrow from a port of its own to one of its own."""
        pairs = [(self.cards[s], card) for card in self.cards.values() for s in card.looks]
        aside = [(seen, looker) for seen, looker in pairs if seen.x != looker.x]
        starts = _ports(aside, of=0)
        ends = _ports(aside, of=1)
        far = sorted(
            (n for n, (seen, looker) in enumerate(aside) if abs(seen.x - looker.x) > _COLUMN * 2),
            key=lambda n: aside[n][0].y + aside[n][1].y,
        )
        for number, (start, end) in enumerate(zip(starts, ends, strict=True)):
            points = [start]
            if number in far:
                y = self.channel + 9 * (far.index(number) - (len(far) - 1) / 2)
                left = _LEFT + _COLUMN + _BETWEEN
                through = [(left, y), (left + _COLUMN, y)]
                points += through if start[0] < end[0] else through[::-1]
            points.append(end)
            way = [points[0]]
            for one, other in pairwise(points):
                middle = (one[0] + other[0]) / 2
                way += [(middle, one[1]), (middle, other[1]), other]
            self.d.line(way, smooth=True, arrow=True, stroke="accent")
        for seen, looker in pairs:
            if seen.x == looker.x:
                down = seen.y < looker.y
                x = seen.x + _COLUMN * (0.35 if down else 0.65)
                top = seen.y + seen.height if down else seen.y
                bottom = looker.y if down else looker.y + looker.height
                self.d.line([(x, top), (x, bottom)], arrow=True, stroke="accent")

    @property
    def channel(self) -> float:
        """The height at which arrows pass the middle column: between its cards."""
        middle = sorted(
            (c for c in self.cards.values() if c.x == _LEFT + _COLUMN + _BETWEEN), key=lambda c: c.y
        )
        if len(middle) < 2:
            return _TOP - 10
        return (middle[0].y + middle[0].height + middle[1].y) / 2


def _ports(pairs: list[tuple[_Card, _Card]], *, of: int) -> list[Point]:
    """Return where each arrow starts (0) or ends (1): spread over the side that it uses."""
    sides: dict[tuple[int, bool], list[tuple[float, int, int]]] = {}
    for number, pair in enumerate(pairs):
        for end in (0, 1):
            card, other = pair[end], pair[1 - end]
            key = (id(card), other.x > card.x)
            sides.setdefault(key, []).append((other.y + other.height / 2, number, end))
    found: dict[int, Point] = {}
    for ports in sides.values():
        for place, (_, number, end) in enumerate(sorted(ports), 1):
            card, other = pairs[number][end], pairs[number][1 - end]
            x = card.x + (_COLUMN if other.x > card.x else 0)
            if end == of:
                found[number] = (x, card.y + card.height * place / (len(ports) + 1))
    return [found[number] for number in range(len(pairs))]


def _starts(state: StateModel) -> bool:
    return state.initial and state.parent is None


def _pill(state: StateModel) -> float:
    """Return the width of a state's box; the one that a region starts in has a dot before it."""
    return text_width(state.name, 12.6) + (26 if _starts(state) else 18)


def _flow(widths: list[float], gap: float) -> list[tuple[float, int]]:
    """Set boxes one after the other into rows; return the left end and row of each."""
    places: list[tuple[float, int]] = []
    x, row = 0.0, 0
    for width in widths:
        if x and x + width > _COLUMN - 28:
            x, row = 0.0, row + 1
        places.append((x, row))
        x += width + gap
    return places


def _rows(places: list[tuple[float, int]]) -> int:
    return places[-1][1] + 1 if places else 0

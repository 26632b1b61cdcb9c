"""The picture of one region: its states, and what leads from one to the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemodel.diagrams._highlight import NOTHING, Highlight
from statemodel.diagrams._kinds import KINDS, kind_of, mark, style_of
from statemodel.diagrams._labels import event_lines, move_label, plain
from statemodel.diagrams._layout import LEADING, MARGIN, TEXT, TITLE, Kind, lay_out
from statemodel.diagrams._measure import text_width, wrap
from statemodel.diagrams._svg import Drawing

if TYPE_CHECKING:
    from statemodel.diagrams._layout import Box, Edge, Layout, Node
    from statemodel.diagrams._model import ChartModel, RegionModel, StateModel, TransitionModel

_LEAST = 420.0
"""The least width: that of the heading and the legend."""
_PAGE = 744.0
"""A page's width: what would be wider has numbers at its lines, and a key below."""
_HEAD = 62.0
_WORDS, _RULES = 226.0, 120.0
"""In the key: where the words of a transition begin, and how wide its rules may be."""
_SPACES = 4
_SIGN = text_width(" " * _SPACES, TEXT)
"""The room for the sign of an event's kind, in spaces and in pixels."""
_DOTS = {
    Kind.START: "where it starts, unless told otherwise",
    Kind.ANY: "from whichever state of its box",
}
"""The marks that are no states, in words."""


def draw_region(model: ChartModel, region: RegionModel, highlight: Highlight = NOTHING) -> str:
    """Return the picture as SVG.

    Args:
        model: The chart.
        region: One of its regions.
        highlight: What is marked.

    Raises:
        StateModelError: the layout needs `graphviz-pure`, which is missing or fails.
    """
    return _Region(model, region, highlight).draw()


class _Region:
    def __init__(self, model: ChartModel, region: RegionModel, highlight: Highlight) -> None:
        self.model, self.region, self.highlight = model, region, highlight
        self.layout: Layout = lay_out(region, move_words=move_words, state_words=state_words)
        self.numbers: dict[str, int] = {}
        """The numbers at the lines, if the words stand in a key."""
        if self.layout.width + 16 > _PAGE:
            self.numbers = {move.key: n for n, move in enumerate(region.transitions, 1)}
            self.layout = lay_out(region, move_words=self._number, state_words=self._inside)
        width = max(self.layout.width + 16, _PAGE if self.numbers else _LEAST)
        self.d = Drawing(width, title=f"{region.name}", description=self._in_words())
        self.left = (width - self.layout.width) / 2
        self.top = _HEAD

    def _number(self, move: TransitionModel) -> tuple[str, ...]:
        return (f"({self.numbers[move.key]})",)

    def _inside(self, region: RegionModel, state: StateModel) -> tuple[str, ...]:
        stays = [
            str(self.numbers[move.key])
            for move in region.transitions
            if move.source == state.name and move.target is None
        ]
        return (*entry_words(region, state), *([f"stays: {', '.join(stays)}"] if stays else []))

    def _in_words(self) -> str:
        parts = []
        for move in self.region.transitions:
            events = " or ".join(move.events) or "by itself"
            guard = f", if {move.guard}" if move.guard else ""
            to = f"to {move.target}" if move.target else "stays"
            parts.append(f"{move.source} {to} on {events}{guard}")
        states = ", ".join(state.name for state in self.region.states)
        return f"States: {states}. Transitions: {'; '.join(parts) or 'none'}."

    def draw(self) -> str:
        d = self.d
        d.text(8, 26, self.region.name, size=18, bold=True)
        y = d.lines(
            8, 46, wrap(plain(self.region.meaning).replace("`", ""), 13, d.width - 16), fill="soft"
        )
        self.top = max(_HEAD, y + 4)
        nodes = self.layout.nodes
        for node in nodes:
            if node.kind is Kind.COMPOUND:
                self._compound(node)
        for edge in self.layout.edges:
            self._edge(edge)
        for node in nodes:
            if node.kind is not Kind.COMPOUND:
                self._node(node)
        d.reach(self.top + self.layout.height)
        if self.numbers:
            self._key()
        self._legend()
        return d.svg()

    def _corner(self, box: Box) -> tuple[float, float]:
        return self.left + box.x - box.width / 2, self.top + box.y - box.height / 2

    def _compound(self, node: Node) -> None:
        x, y = self._corner(node.box)
        active = node.name in self.highlight.active
        self.d.rect(
            x, y, node.box.width, node.box.height, fill="card", radius=10,
            stroke="accent" if active else "line", weight=2.4 if active else 1.2,
        )  # fmt: skip
        middle = self.left + node.box.x
        self.d.text(middle, y + TITLE + 4, node.title, size=TITLE, bold=True, anchor="m")
        self._lines(middle, y + TITLE + 4, node.lines)

    def _node(self, node: Node) -> None:
        x, y = self.left + node.box.x, self.top + node.box.y
        if node.kind in _DOTS:
            self._dot(node.kind, x, y)
            return
        left, top = self._corner(node.box)
        active = node.name in self.highlight.active
        passed = node.name in self.highlight.passed
        stroke = "accent" if active or passed else "line"
        self.d.rect(
            left, top, node.box.width, node.box.height, radius=8,
            fill="window" if active else "state", stroke=stroke,
            weight=2.6 if active else 1.8 if passed else 1.2,
            dashed="5 3" if passed and not active else "",
        )  # fmt: skip
        text = TITLE if not node.lines else TITLE + LEADING * TEXT * len(node.lines)
        base = y - text / 2 + TITLE - 2
        self.d.text(x, base, node.title, size=TITLE, bold=True, anchor="m")
        self._lines(x, base, node.lines)

    def _lines(self, x: float, base: float, lines: tuple[str, ...]) -> None:
        for number, line in enumerate(lines, 1):
            self.d.text(
                x, base + 2 + LEADING * TEXT * number, line, size=TEXT, fill="soft", anchor="m"
            )

    def _edge(self, edge: Edge) -> None:
        taken = bool(set(edge.keys) & self.highlight.taken)
        stroke = "accent" if taken else "line"
        for number, curve in enumerate(edge.curves):
            points = [(self.left + x, self.top + y) for x, y in curve]
            last = number == len(edge.curves) - 1
            self.d.line(
                points, smooth=True, arrow=last, stroke=stroke, weight=2.6 if taken else 1.4
            )
        if edge.label is None:
            return
        x, y = self.left + edge.label.x, self._corner(edge.label)[1] + 2 + TEXT
        for key, lines in zip(edge.keys, edge.lines, strict=True):
            if self.numbers:
                self._badge(x, y - 4, key)
            else:
                self._words(x, y, self.model.transitions[key])
            y += LEADING * TEXT * len(lines)

    def _words(self, x: float, y: float, move: TransitionModel) -> None:
        """Write at a line what moves it, each event with the sign of its kind, and what follows."""
        events = event_lines(move)
        bold = move.key in self.highlight.taken
        for number, line in enumerate(move_words(move)):
            rules = rule_line(move) if number == 0 else ""
            if number < len(events):
                left = x - text_width(line, TEXT) / 2
                if number:
                    left += self.d.text(left, y, "|", size=TEXT, fill="soft") + 3
                self._events(left, y, events[number], rules, bold=bold)
            else:
                words = line.removesuffix(f"  {rules}") if rules else line
                guard = words.startswith("[")
                fill = "soft" if guard else "ink"
                self.d.text(
                    x, y, words,
                    size=TEXT, anchor="m", tail=rules, fill=fill, bold=bold, italic=guard,
                )  # fmt: skip
            y += LEADING * TEXT

    def _events(self, x: float, y: float, events: list[str], rules: str, *, bold: bool) -> None:
        for number, event in enumerate(events):
            if number:
                x += self.d.text(x + 3, y, "|", size=TEXT, fill="soft") + 6
            kind = kind_of(event, self.model)
            mark(self.d, kind, x + 4.4, y - 4)
            x += _SIGN
            last = number == len(events) - 1
            x += self.d.text(
                x, y, event,
                size=TEXT, fill=style_of(kind), bold=bold, tail=rules if last else "",
            )  # fmt: skip

    def _badge(self, x: float, y: float, key: str) -> None:
        """Draw the number of a transition."""
        taken = key in self.highlight.taken
        self.d.circle(x, y, 6.8, fill="window" if taken else "paper", stroke="accent")
        self.d.text(
            x, y + 3.6, str(self.numbers[key]), size=10, bold=True, anchor="m", fill="accent"
        )

    def _key(self) -> None:
        """Write below what the numbers stand for."""
        d = self.d
        y = d.height + 16
        for key in self.numbers:
            move = self.model.transitions[key]
            to = f" \N{RIGHTWARDS ARROW} {plain(move.target)}" if move.target else ""
            d.line([(8, y - 13), (d.width - 8, y - 13)], stroke="rule", weight=0.8)
            self._badge(18, y, key)
            d.text(34, y + 4, f"{plain(move.source)}{to}", size=12, bold=True)
            rules = wrap(rule_line(move), 12, _RULES)
            room = d.width - _WORDS - _RULES - 24
            d.lines(d.width - _RULES - 8, y + 4, rules, size=12, leading=15, fill="accent")
            last = self._flow(_WORDS, y + 4, move, room)
            y = max(last - 4, y + 15 * (len(rules) - 1)) + 24
        d.reach(y - 10)

    def _flow(self, x: float, y: float, move: TransitionModel, room: float) -> float:
        """Write a transition's events, guard and effects into a column; return the last baseline."""
        bold = move.key in self.highlight.taken
        events = [plain(event) for event in move.events]
        others = " ".join(move_label(move)[len(event_lines(move)) :]).split()
        left = x
        for number, words in enumerate([*events, *others] or ["always"]):
            sign = 14.0 if number < len(events) else 0.0
            between = number and sign
            width = text_width(words, 12, bold=bold) + sign + (9 if between else 0)
            if x > left and x + width > left + room:
                x, y = left, y + 15
            if between:
                x += self.d.text(x, y, "|", size=12, fill="soft") + 5
            if sign:
                mark(self.d, kind_of(move.events[number], self.model), x + 5, y - 4)
            self.d.text(x + sign, y, words, size=12, bold=bold)
            x += sign + text_width(words, 12, bold=bold) + 4
        return y

    def _legend(self) -> None:
        d = self.d
        moves = self.region.transitions
        kinds = {kind_of(e, self.model) for move in moves for e in move.events}
        signs: list[tuple[str, str]] = [(k, words) for k, words in KINDS.items() if k in kinds]
        drawn = {node.kind for node in self.layout.nodes}
        signs += [(k, words) for k, words in _DOTS.items() if k in drawn]
        x, y = 8.0, d.height + 22
        for kind, words in signs:
            width = 18 + text_width(words, 12) + 14
            if x + width > d.width:
                x, y = 8.0, y + 18
            if kind in _DOTS:
                self._dot(Kind(kind), x + 6, y - 4)
            else:
                mark(d, kind, x + 6, y - 4)
            d.text(x + 16, y, words, size=12, fill="soft")
            x += width
        states = [words for s in self.region.states for words in entry_words(self.region, s)]
        rules = [rule for move in moves for rule in move.note.rules]
        notes = {
            "[guard]": any(move.guard for move in moves),
            "/ effects": any(move.actions for move in moves),
            f"{plain(rules[0])}: a rule" if rules else "": bool(rules),
            "entry, exit: effects of a state": any(w.startswith(("entry", "exit")) for w in states),
            "timer: runs while the state lasts": any(w.startswith("timer") for w in states),
            "stays: leads to the state itself": bool(self.numbers)
            and any(move.target is None for move in moves),
        }
        found = [words for words, there in notes.items() if there]
        lines: list[str] = []
        for words in found:
            longer = f"{lines[-1]} \N{MIDDLE DOT} {words}" if lines else words
            if lines and text_width(longer, 12) <= d.width - 16:
                lines[-1] = longer
            else:
                lines.append(words)
        d.lines(8, y + 18, lines, size=12, fill="soft", leading=18)
        d.reach(y + 18 * len(lines) - MARGIN + 8)

    def _dot(self, kind: Kind, x: float, y: float) -> None:
        if kind is Kind.START:
            self.d.circle(x, y, 5, fill="ink")
        else:
            self.d.circle(x, y, 5, fill="paper", stroke="line")


def rule_line(move: TransitionModel) -> str:
    """Return the rules of a transition as they are written at it."""
    return ", ".join(map(plain, move.note.rules))


def move_words(move: TransitionModel) -> tuple[str, ...]:
    """Return the lines at a transition: events, guard, effects; its rules after the first.

    Before each event is room for the sign of its kind.
    """
    sign = " " * _SPACES
    events = [
        ("| " if number else "") + " | ".join(sign + event for event in line)
        for number, line in enumerate(event_lines(move))
    ]
    first, *others = [*events, *move_label(move)[len(events) :]] or ["always"]
    rules = rule_line(move)
    return (f"{first}  {rules}" if rules else first, *others)


def entry_words(_region: RegionModel, state: StateModel) -> tuple[str, ...]:
    """Return what entering and leaving a state does, its timers by name."""
    words = []
    for when, actions in (("entry", state.enter), ("exit", state.exit)):
        own = [a for a in actions if a.partition("_")[2] not in state.timers]
        words += [f"{when} / {plain(', '.join(own))}"] if own else []
    return (*words, *(f"timer {plain(timer)}" for timer in state.timers))


def state_words(region: RegionModel, state: StateModel) -> tuple[str, ...]:
    """Return the lines under a state's name: entry, exit, timers, transitions that lead nowhere."""
    stays = [
        " ".join(move_label(move))
        for move in region.transitions
        if move.source == state.name and move.target is None
    ]
    return (*entry_words(region, state), *stays)

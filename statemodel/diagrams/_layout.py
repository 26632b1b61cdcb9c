"""Where the states and transitions of a region stand, as Graphviz lays them out.

The layout alone comes from there (`graphviz-pure`, of the extra `diagrams`): every box has the size
that `_measure` gives its text, and what is drawn in it is for whoever draws. Coordinates grow to
the right and downwards from the upper left corner, in points; two decimals.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from pathlib import Path
from typing import Any, TypeAlias

from statemodel._errors import StateModelError
from statemodel.diagrams._graph import Graph, Line
from statemodel.diagrams._labels import move_label, state_label, state_title
from statemodel.diagrams._measure import text_width
from statemodel.diagrams._model import RegionModel, StateModel, TransitionModel

PROGRAM = "graphviz-pure"
SECONDS = 60
"""How long it may take for one region."""

TITLE, TEXT = 14.0, 11.0
"""Font sizes of a state's name (bold), and of all else."""
LEADING = 1.3
"""The height of a line, in font sizes."""
GAP = 0.25
"""Between what stands beside and below each other, in inches."""
MARGIN = 10.0
"""Around the text of a state, and around all."""
DOT = 12.0
"""The diameter of the mark where a region starts, and of that which stands for a compound state."""

Point: TypeAlias = tuple[float, float]


@unique
class Kind(StrEnum):
    """What a box is."""

    STATE = "state"
    COMPOUND = "compound"
    START = "start"
    """The mark from which a region, or a compound state that is entered as such, starts."""
    ANY = "any"
    """The mark inside a compound state from which its own transitions into itself leave."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A rectangle by its centre and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A state or mark."""

    kind: Kind
    name: str
    """The state's name; of a mark, the region or compound state that it belongs to."""
    box: Box
    title: str
    """What to write as its name; empty for marks."""
    lines: tuple[str, ...]
    """What to write below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A line with an arrow, for all transitions from one state to another."""

    source: str
    """A state, or a region for the line from its start."""
    target: str
    keys: tuple[str, ...]
    """The transitions (`TransitionModel.key`); none for the line from a start."""
    curves: tuple[tuple[Point, ...], ...]
    """Bezier curves, each a start, then two control points and an end for each piece: one from the
    source to the label and one from there to the target, or a single one without a label."""
    tip: Point
    """The tip of the arrow at the target, at which the last curve ends."""
    label: Box | None
    """Room for `lines` on the line's way; nothing else is drawn there."""
    lines: tuple[tuple[str, ...], ...]
    """What to write: for each transition its lines."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A region laid out."""

    width: float
    height: float
    nodes: tuple[Node, ...]
    """Compound states first, outer before inner; then states, then marks."""
    edges: tuple[Edge, ...]


MoveWords: TypeAlias = Callable[[TransitionModel], tuple[str, ...]]
StateWords: TypeAlias = Callable[[RegionModel, StateModel], tuple[str, ...]]


def lay_out(
    region: RegionModel,
    *,
    move_words: MoveWords = move_label,
    state_words: StateWords = state_label,
) -> Layout:
    """Lay a region out.

    Args:
        region: What is drawn.
        move_words: The lines at a transition.
        state_words: The lines under a state's name.

    Raises:
        StateModelError: `graphviz-pure` is not installed or fails; the message says what to do.
    """
    drawing = _Drawing(region, move_words, state_words)
    return drawing.placed(_run(drawing.text()))


def _run(text: str) -> dict[str, Any]:
    beside = Path(sys.executable).parent / PROGRAM
    program = str(beside) if beside.exists() else shutil.which(PROGRAM)
    if program is None:
        raise StateModelError(
            f"laying a diagram out needs {PROGRAM}: pip install 'statemodel[diagrams]'"
        )
    try:
        done = subprocess.run(  # noqa: S603 - the program of the extra, without a shell
            [program, "-Kdot", "-Tjson0"],
            input=text.encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise StateModelError(f"{PROGRAM} took longer than {SECONDS} s") from None
    if done.returncode:
        said = " ".join(done.stderr.decode(errors="replace").split())
        raise StateModelError(f"{PROGRAM} failed: {said}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


class _Drawing(Graph):
    """A region as a graph with numbered nodes: names could be anything."""

    def __init__(self, region: RegionModel, move_words: MoveWords, state_words: StateWords) -> None:
        super().__init__(region)
        self.move_words, self.state_words = move_words, state_words
        self.numbers = {name: number for number, name in enumerate(self.states)}
        self.shift = 0.0, 0.0

    # -- to Graphviz -------------------------------------------------------------------------

    def text(self) -> str:
        """Return the graph in the DOT language."""
        lines = [
            "digraph {",
            f"graph [compound=true rankdir=TB nodesep={GAP} ranksep={GAP} pad=0];",
            'node [shape=box fixedsize=true label="" margin=0];',
            "edge [arrowhead=none];",
            *self._within(None),
        ]
        for number, line in enumerate(self.lines):
            lines += self._edges(number, line)
        lines.append("}")
        return "\n".join(lines) + "\n"

    def _within(self, parent: str | None) -> Iterable[str]:
        if parent in self.starts:
            yield f'"start {self._number(parent)}" [{_size(DOT, DOT)} shape=circle];'
        if parent is not None and parent in self.anys:
            yield f'"any {self._number(parent)}" [{_size(DOT, DOT)} shape=circle];'
        for state in self.children(parent):
            number = self._number(state.name)
            if not state.children:
                yield f'"state {number}" [{_size(*self._room(state))}];'
                continue
            yield f'subgraph "cluster {number}" {{'
            yield f"label={_table(*self._room(state))}; margin={MARGIN};"
            yield from self._within(state.name)
            yield "}"
        for n, line in enumerate(self.lines):
            if (words := self._words(line)) and self.within(line) == parent:
                yield f'"label {n}" [{_size(*_block(words, 4))}];'

    def _words(self, line: Line) -> list[str]:
        """Return what is written at a line."""
        return [words for move in line.moves for words in self.move_words(move)]

    def _number(self, name: str | None) -> str:
        return "region" if not name else str(self.numbers[name])

    def _room(self, state: StateModel) -> tuple[float, float]:
        wide, high = _block(self.state_words(self.region, state), 0)
        wide = max(wide, text_width(state_title(state), TITLE, bold=True))
        return wide + 2 * MARGIN, high + LEADING * TITLE + MARGIN

    def _edges(self, number: int, line: Line) -> Iterable[str]:
        """Yield the one or two edges of a line; a label is a node that it passes through."""
        source, target = self.ends(line)
        tail, head = (
            f'"{end.mark or "state"} {self._number(end.node)}"' for end in (source, target)
        )
        out, into = (
            f'{side}="cluster {self._number(end.cluster)}"' if end.cluster else ""
            for side, end in (("ltail", source), ("lhead", target))
        )
        if not self._words(line):
            yield f'{tail} -> {head} [id="{number} 0" {out} {into}];'
            return
        yield f'{tail} -> "label {number}" [id="{number} 0" {out}];'
        yield f'"label {number}" -> {head} [id="{number} 1" {into}];'

    # -- from Graphviz -----------------------------------------------------------------------

    def placed(self, graph: dict[str, Any]) -> Layout:
        """Return the layout from what Graphviz found."""
        left, low, right, high = _numbers(graph["bb"])
        self.shift = MARGIN - left, MARGIN + high
        objects = {one["name"]: one for one in graph.get("objects", ())}
        nodes = [*self._boxes(objects), *self._marks(objects)]
        edges = {edge["id"]: edge["pos"] for edge in graph.get("edges", ())}
        return Layout(
            width=_round(right - left + 2 * MARGIN),
            height=_round(high - low + 2 * MARGIN),
            nodes=tuple(nodes),
            edges=tuple(
                self._placed_edge(number, line, edges, objects)
                for number, line in enumerate(self.lines)
            ),
        )

    def _boxes(self, objects: dict[str, Any]) -> Iterable[Node]:
        compounds = [state for state in self.region.states if state.children]
        for state in (*compounds, *(s for s in self.region.states if not s.children)):
            number = self._number(state.name)
            kind = Kind.COMPOUND if state.children else Kind.STATE
            yield Node(
                kind=kind,
                name=state.name,
                box=self._box(
                    objects[f"cluster {number}" if state.children else f"state {number}"]
                ),
                title=state_title(state),
                lines=self.state_words(self.region, state),
            )

    def _marks(self, objects: dict[str, Any]) -> Iterable[Node]:
        for kind, owners in ((Kind.START, self.starts), (Kind.ANY, self.anys)):
            for owner in owners:
                name = owner or self.region.name
                box = self._box(objects[f"{kind} {self._number(owner)}"])
                yield Node(kind=kind, name=name, box=box, title="", lines=())

    def _box(self, found: dict[str, Any]) -> Box:
        if "bb" in found:
            left, low, right, high = _numbers(found["bb"])
            x, y, wide, high = (left + right) / 2, (low + high) / 2, right - left, high - low
        else:
            x, y = _numbers(found["pos"])
            wide, high = 72 * float(found["width"]), 72 * float(found["height"])
        x, y = self._point((x, y))
        return Box(x=x, y=y, width=_round(wide), height=_round(high))

    def _point(self, point: Sequence[float]) -> Point:
        return _round(point[0] + self.shift[0]), _round(self.shift[1] - point[1])

    def _placed_edge(
        self, number: int, line: Line, edges: dict[str, str], objects: dict[str, Any]
    ) -> Edge:
        parts = [edges[f"{number} {n}"] for n in (0, 1) if f"{number} {n}" in edges]
        curves = [tuple(self._point(_numbers(point)) for point in part.split()) for part in parts]
        return Edge(
            source=line.source or self.region.name,
            target=line.target,
            keys=tuple(move.key for move in line.moves),
            curves=tuple(curves),
            tip=curves[-1][-1],
            label=self._box(objects[f"label {number}"]) if self._words(line) else None,
            lines=tuple(self.move_words(move) for move in line.moves),
        )


def _block(lines: Sequence[str], margin: float) -> tuple[float, float]:
    """Return width and height of lines of text with some room around."""
    wide = max((text_width(line, TEXT) for line in lines), default=0.0)
    return wide + 2 * margin, LEADING * TEXT * len(lines) + margin


def _size(wide: float, high: float) -> str:
    return f"width={wide / 72:.4f} height={high / 72:.4f}"


def _table(wide: float, high: float) -> str:
    """Return a label that takes exactly this room and shows nothing."""
    return (
        f'<<table border="0" cellborder="0" cellpadding="0" cellspacing="0" fixedsize="true" '
        f'width="{wide:.0f}" height="{high:.0f}"><tr><td></td></tr></table>>'
    )


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def _round(value: float) -> float:
    return round(value, 2) + 0.0  # no negative zero

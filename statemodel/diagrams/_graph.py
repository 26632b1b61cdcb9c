"""A region as a graph: what a line ends at when a state is made of others, and where regions start."""

from __future__ import annotations

from dataclasses import dataclass

from statemodel.diagrams._labels import move_label
from statemodel.diagrams._model import RegionModel, StateModel, TransitionModel


@dataclass(frozen=True, slots=True)
class Line:
    """All transitions from one state to another, or the way from a start to what it starts in."""

    source: str | None
    """Without `moves` this is a start: that of the region (`None`), or of a compound state."""
    target: str
    moves: tuple[TransitionModel, ...]

    @property
    def words(self) -> list[str]:
        """What is written at it, line by line."""
        return [line for move in self.moves for line in move_label(move)]


@dataclass(frozen=True, slots=True)
class End:
    """Where a line ends."""

    node: str
    """A state; or the mark of a compound state, by the name of that state."""
    mark: str
    """Empty for a state; else `start` or `any`."""
    cluster: str
    """The compound state at whose border the line is cut; empty: it goes up to the node."""


class Graph:
    """A region's lines, and the marks that they need.

    A compound state has no place of its own to draw a line from. Lines that leave it start at a mark
    inside (`any`: whichever of its states is active), lines that enter it end at another (`start`);
    from outside they are cut at its border.
    """

    def __init__(self, region: RegionModel) -> None:
        self.region = region
        self.states = {state.name: state for state in region.states}
        moves: dict[tuple[str, str], list[TransitionModel]] = {}
        for move in region.transitions:
            if move.target is not None:
                moves.setdefault((move.source, move.target), []).append(move)
        compounds = [state.name for state in region.states if state.children]
        entered = {target for _, target in moves}
        left = {source for source, _ in moves}
        self.starts: list[str | None] = [None, *(name for name in compounds if name in entered)]
        """What has a mark from which it starts; `None` is the region."""
        self.anys: list[str] = [name for name in compounds if name in left]
        """What has a mark for whichever of its states is active."""
        self.lines = [
            Line(start, state.name, ())
            for start in self.starts
            for state in region.states
            if state.parent == start and state.initial
        ] + [Line(*ends, tuple(found)) for ends, found in moves.items()]

    def children(self, parent: str | None) -> list[StateModel]:
        """Return the states directly within a compound state, or the region (`None`)."""
        return [state for state in self.region.states if state.parent == parent]

    def ends(self, line: Line) -> tuple[End, End]:
        """Return both ends of a line."""
        if not line.moves:
            start = End(line.source or "", "start", "")
            return start, self._end(line.target, "start", away=line.source)
        source = str(line.source)
        return (
            self._end(source, "any", away=line.target),
            self._end(line.target, "start", away=source),
        )

    def _end(self, name: str, mark: str, *, away: str | None) -> End:
        if not self.states[name].children:
            return End(name, "", "")
        return End(name, mark, "" if name in self._around(away) else name)

    def _around(self, name: str | None) -> list[str]:
        """Return the compound states that a state is within, itself included, inner ones first."""
        found = []
        while name is not None:
            if self.states[name].children:
                found.append(name)
            name = self.states[name].parent
        return found

    def within(self, line: Line) -> str | None:
        """Return the innermost compound state in which a line stays; `None`: the region."""
        around = self._around(line.source)
        return next((name for name in self._around(line.target) if name in around), None)

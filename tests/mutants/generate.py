"""Every mutant of the chart: its source with one thing changed.

A mutant's id says what was changed in the chart's own words (region, transition, line), so that an
edit elsewhere leaves it alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from tests.mutants.lines import line_changes
from tests.mutants.source import ChartSource, read_chart
from tests.mutants.transitions import Change, state_changes, transition_changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """The chart with one change."""

    id: str
    """What was changed, in the chart's words; unique."""
    kind: str
    """Which operator changed it."""
    line: int
    """Where, in the chart's source."""
    before: str
    """What stood there."""
    after: str
    """What stands there now; for lines that went away or moved: nothing."""
    source: str
    """The whole source of the mutant."""


def mutants(text: str | None = None) -> Iterator[Mutant]:
    """Yield all mutants of a chart's source, in the order of the source.

    Args:
        text: The chart's source; by default that of `ConnectionChart`.

    Raises:
        ValueError: two mutants would have one id: the chart says a thing twice.
    """
    source = read_chart(text)
    seen: dict[str, str] = {}
    for label, node, change in _changes(source):
        kind, which, after, edits = change
        name = f"{label}: {kind}" + (f": {which}" if which else "")
        changed = source.edited(*edits)
        if name in seen:
            raise ValueError(f"two mutants are called {name!r}")
        seen[name] = kind
        yield Mutant(
            id=name,
            kind=kind,
            line=node.lineno,
            before=" ".join(source.segment(node).split()),
            after=after,
            source=changed,
        )


def _changes(source: ChartSource) -> Iterator[tuple[str, ast.stmt | ast.expr, Change]]:
    for state in source.states:
        for change in state_changes(source, state):
            assert state.call is not None
            yield f"{state.region}: state {state.name}", state.call, change
    for transition in source.transitions:
        for change in transition_changes(source, transition):
            yield transition.label, transition.call, change
    for name in source.lists:
        for line, label, change in line_changes(source, name):
            yield f"{name}: {label}", line, change
    for flag in source.flags:
        assert isinstance(flag.value, ast.Constant)
        text = repr(not flag.value.value)
        yield ast.unparse(flag.targets[0]), flag, ("flag", text, text, ((flag.value, text),))

"""What a picture of a chart marks: where a connection is, and how it came there."""

from __future__ import annotations

from dataclasses import dataclass

from statemodel._errors import InvalidInput
from statemodel.diagrams._model import ChartModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Highlight:
    """States and transitions to mark."""

    active: frozenset[str] = frozenset()
    """The states of now, those around them included."""
    passed: frozenset[str] = frozenset()
    """The states that were active before."""
    taken: frozenset[str] = frozenset()
    """The transitions that were taken, by their keys."""


NOTHING = Highlight()


def at(model: ChartModel, *names: str) -> Highlight:
    """Mark a configuration, or a part of one.

    Args:
        model: The chart.
        names: States; the compound states around them are marked as well.

    Raises:
        InvalidInput: there is no such state, or two of these are never active together.
    """
    active: set[str] = set()
    for name in names:
        if name not in model.states:
            known = ", ".join(sorted(model.states))
            raise InvalidInput(f"{model.name} has no state {name!r}; there are {known}")
        around: str | None = name
        while around is not None:
            active.add(around)
            around = model.states[around].parent
    for region in model.regions:
        leaves = [s.name for s in region.states if s.name in active and not s.children]
        if len(leaves) > 1:
            raise InvalidInput(f"{' and '.join(leaves)} are never active together")
        for state in region.states:
            inner = set(state.children) & active
            if leaves and state.name in active and state.children and not inner:
                raise InvalidInput(f"{state.name} and {leaves[0]} are never active together")
    return Highlight(active=frozenset(active))

"""A table made ready to be run: whatever can be looked up beforehand is.

Knows no action: whoever runs the table says what each name means.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from statemodel._table import Table
    from statemodel._vocabulary import Code, Reason

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Cell(Generic[_T]):
    """One cell of the table, unless the event is ignored there."""

    accepted: bool
    """Whether it is taken; all that follows but the last two is for that."""
    target: int = 0
    """The configuration that it leads to."""
    actions: tuple[Callable[[_T], object], ...] = ()
    """What is done, in order."""
    reason: Reason | None = None
    """Why the status changes, if listeners are told."""
    settled: tuple[tuple[str, Code | None], ...] = ()
    """Kinds of waiting command that end, with their failure or `None`."""
    stale: bool = False
    """Whether it is an answer or timer that nobody waits for."""
    refusal: Code | None = None
    """What the caller is told."""


Cells: TypeAlias = tuple[Mapping[str, Cell[_T]], ...]
"""For each configuration: event -> cell."""


def prepare(
    table: Table, meaning: Callable[[str], Callable[[_T], object]]
) -> tuple[Cells[_T], Cells[_T]]:
    """Return a table's rows as they are, and while `embargoed` holds.

    Args:
        table: Of which.
        meaning: Says what an action name stands for.
    """
    steps = [(tuple(map(meaning, step.actions)), step.reason, step.settled) for step in table.steps]
    made: dict[tuple[int, int], Cell[_T]] = {}  # many cells are alike
    refusals: dict[Code, Cell[_T]] = {}
    stale: Cell[_T] = Cell(accepted=False, stale=True)

    def cells(row: Mapping[str, tuple[int, int]]) -> dict[str, Cell[_T]]:
        for cell in row.values():
            if cell not in made:
                target, step = cell
                made[cell] = Cell(True, target, *steps[step])  # noqa: FBT003 - beside the other fields
        return {event: made[cell] for event, cell in row.items()}

    plain, embargoed = [], []
    for handled, other, refused, unheard in zip(
        table.handled, table.embargoed, table.refused, table.stale, strict=True
    ):
        for code in refused.values():
            refusals.setdefault(code, Cell(accepted=False, refusal=code))
        unmoved = {
            **dict.fromkeys(unheard, stale),
            **{event: refusals[code] for event, code in refused.items()},
        }
        plain.append({**cells(handled), **unmoved})
        embargoed.append({**cells(handled), **cells(other), **unmoved} if other else plain[-1])
    return tuple(plain), tuple(embargoed)

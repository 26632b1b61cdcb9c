"""What the explorer shows of a chart: the table, and which transitions each of its cells takes.

The table alone says where an event leads and what it causes; a reader also wants to see which lines of
the chart are behind that.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from statemachine.exceptions import InvalidDefinition

from statemodel._compile import _Cell as Cell
from statemodel._compile import _Compiler as Compiler
from statemodel._declaration import _ACTING as ACTING
from statemodel._declaration import _parse as parse
from statemodel._errors import InvalidChart
from statemodel._table import Disposition

if TYPE_CHECKING:
    from statemachine.transition import Transition

    from statemodel._table import Table

LIMIT = 20_000
"""The largest number of configurations that is explored, as with the other commands."""


class Reading(Compiler):
    """A chart that is being compiled, and remembers which transitions each cell takes.

    Raises:
        InvalidChart: it does not compile; see `compile_chart`.
    """

    def __init__(self, chart: Any) -> None:
        self.paths: dict[tuple[tuple[str, ...], str, bool], tuple[int, ...]] = {}
        """Configuration, event, embargoed: the transitions, by their number, in order."""
        try:
            super().__init__(chart, LIMIT)
            self.numbers = {id(t): number for number, t in enumerate(self.transitions)}
            self.compiled: Table = self.table()
        except InvalidDefinition as error:
            raise InvalidChart(f"{chart.__name__}: {error}") from error

    def _cell(self, source: tuple[str, ...], event: str, *, embargoed: bool) -> Cell:
        cell = super()._cell(source, event, embargoed=embargoed)
        if cell.disposition is Disposition.HANDLED:
            known = (self.numbers.get(id(transition)) for transition in self.taken)
            self.paths[source, event, embargoed] = tuple(n for n in known if n is not None)
        return cell

    def path(self, configuration: int, event: str, *, embargoed: bool) -> tuple[int, ...]:
        """Return the transitions that a cell takes, by their number."""
        return self.paths.get((self.compiled.configurations[configuration], event, embargoed), ())

    def actions_of(self, transition: Transition) -> list[str]:
        """Return the actions that stand on a transition itself."""
        return [
            str(spec.func)
            for spec in transition._specs
            if spec.group in ACTING and not spec.is_convention
        ]

    def guard_of(self, transition: Transition) -> str:
        """Return all guards of a transition as one expression; empty for none."""
        guards = self._conditions(transition)
        if len(guards) == 1 and guards[0][1]:
            return str(guards[0][0])
        return " and ".join(f"({text})" if wish else f"not ({text})" for text, wish in guards)

    def refusal_of(self, configuration: int, event: str) -> int:
        """Return which refusal turns a call down in a configuration: the first that applies."""
        active = self.compiled.active[configuration]
        self.embargoed = False
        return next(
            number
            for number, refusal in enumerate(self.chart.refusals)
            if event in refusal.events.split() and self.holds(refusal.guard, active)
        )


def guard_tree(guard: str) -> Any:
    """Return a guard as nested lists, for an interpreter of a few lines: `["and", "auto", ...]`."""
    return _tree(parse(guard, "the explorer"))


def _tree(node: ast.expr) -> Any:
    match node:
        case ast.BoolOp(op=operation, values=values):
            word = "and" if isinstance(operation, ast.And) else "or"
            return [word, *map(_tree, values)]
        case ast.UnaryOp(operand=operand):
            return ["not", _tree(operand)]
        case ast.Name(id=name):
            return name
        case _:
            return True

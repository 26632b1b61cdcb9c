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
from statemodel._declaration import _parse as parse
from statemodel._errors import InvalidChart
from statemodel._source import declared
from statemodel._table import Disposition
from statemodel.diagrams import read_chart
from statemodel.diagrams._read import transition_keys

if TYPE_CHECKING:
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
        """Configuration, event, embargoed: the transitions, by their number in the model, in order."""
        self.model = read_chart(chart)
        try:
            super().__init__(chart, LIMIT)
            self.numbers = self._numbers(chart)
            self.compiled: Table = self.table()
        except InvalidDefinition as error:
            raise InvalidChart(f"{chart.__name__}: {error}") from error

    def _numbers(self, chart: type) -> dict[int, int]:
        """Return which transition of the model each of the engine's is."""
        keys = transition_keys(chart)
        number = {key: at for at, key in enumerate(self.model.transitions)}
        return {
            id(move): number[keys[state.id, at]]
            for state in self.states.values()
            for at, move in enumerate(declared(state))
        }

    def _cell(self, source: tuple[str, ...], event: str, *, embargoed: bool) -> Cell:
        cell = super()._cell(source, event, embargoed=embargoed)
        if cell.disposition is Disposition.HANDLED:
            known = (self.numbers.get(id(transition)) for transition in self.taken)
            self.paths[source, event, embargoed] = tuple(n for n in known if n is not None)
        return cell

    def path(self, configuration: int, event: str, *, embargoed: bool) -> tuple[int, ...]:
        """Return the transitions that a cell takes, by their number."""
        return self.paths.get((self.compiled.configurations[configuration], event, embargoed), ())

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

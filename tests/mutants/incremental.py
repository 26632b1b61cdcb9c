"""Compile a mutant by reusing the runs of the original in which the change cannot be seen.

The compiler asks the engine once for every configuration and event: a *run*. The engine is
deterministic: what a run does follows from the transitions that it looks at, in order, from the
configurations it passes through, and from what the states that it enters and leaves do. So a run
of the original is also the mutant's if

- both charts have the same regions and states, the same initial ones, and the transitions that
  they have in common stand in the same order and the same chains;
- no transition that only one of them has is *enabled* at any point of the run: its source is
  active, it is for the run's event (or for none), and its guard holds. What is not enabled takes no
  part, neither in the engine's choice nor in the check for ambiguity;
- no state that does other things on entry or exit is active at any point of a run that moves.

By induction along the run both take the same transitions through the same configurations. All other
runs are made by the engine, on the mutant itself. A test compares with full compiles.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from statemachine.exceptions import InvalidDefinition

from statemodel import InvalidChart, Table
from statemodel._compile import _Cell, _Compiler
from statemodel._source import declared

Configuration = tuple[str, ...]
Key = tuple[Configuration, str, bool]

_LINES = ("refusals", "outcomes", "statuses", "noticed", "reasons")
LIMIT = 3_000
"""Configurations; the original has 125."""


def load(text: str, folder: Path, name: str) -> type:
    """Import a chart's source from a file of its own: the compiler cites its lines."""
    path = folder / f"{name}.py"
    path.write_text(text, "utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    sys.modules[name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ConnectionChart  # type: ignore[no-any-return]  # every mutant has one


def forget(name: str, folder: Path) -> None:
    """Undo `load`."""
    sys.modules.pop(name, None)
    (folder / f"{name}.py").unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Run:
    target: Configuration
    done: tuple[str, ...]
    taken: tuple[Any, ...]
    asked: bool
    looked: tuple[tuple[str | None, frozenset[str]], ...]
    """Where transitions were looked for: for which event, `None` for those without, and when what
    was active."""


class Original(_Compiler):
    """The chart as it is, compiled once, with all its runs and cells."""

    def __init__(self, chart: type) -> None:
        self.runs: dict[Key, _Run] = {}
        self.cells: dict[Key, tuple[_Cell, bool]] = {}
        self.looked: dict[tuple[str | None, frozenset[str]], None] = {}
        super().__init__(chart, LIMIT)
        self.compiled = self.table()

    def _run(self, configuration: Configuration, event: str) -> Configuration:
        active = frozenset(configuration)
        self.looked = {(None, active): None, (event, active): None}
        target = super()._run(configuration, event)
        self.looked[None, frozenset(target)] = None
        self.runs[configuration, event, self.embargoed] = _Run(
            target, tuple(self.done), tuple(self.taken), self.asked, tuple(self.looked)
        )
        return target

    def _reject_ambiguity(self, active: Collection[str], event: str | None, taken: Any) -> None:
        self.looked[event, frozenset(active)] = None
        super()._reject_ambiguity(active, event, taken)

    def _cell(self, source: Configuration, event: str, *, embargoed: bool) -> _Cell:
        self.asked = False
        cell = super()._cell(source, event, embargoed=embargoed)
        self.cells[source, event, embargoed] = cell, self.asked
        return cell


class Mutated(_Compiler):
    """A mutant of a chart that has been compiled."""

    def __init__(self, chart: type, original: Original, *, limit: int = LIMIT) -> None:
        super().__init__(chart, limit)
        self.original = original
        self.fresh = 0
        """How many runs the engine had to make."""
        self.comparable = _skeleton(self) == _skeleton(original)
        if not self.comparable:
            return
        mine, theirs = _transitions(self), _transitions(original)
        self.changed: dict[str | None, list[tuple[str, Any]]] = {}
        kept: list[tuple[Any, Any]] = []
        for name in self.states:
            same, different = _compared(mine[name], theirs[name])
            kept += same
            for transition in different:
                events: list[str | None] = [str(event) for event in transition.events]
                for event in events or [None]:
                    self.changed.setdefault(event, []).append((name, transition))
        self.comparable = self._stands_alike(kept)
        self.acting = {
            name for name in self.states
            if _signature(self.states[name]) != _signature(original.states[name])
        }  # fmt: skip
        questions = set(self.context)
        self.asks = any(
            questions & set(str(text).replace("(", " ").replace(")", " ").split())
            for pairs in self.changed.values()
            for _, transition in pairs
            for text, _ in self._conditions(transition)
        )
        self.same_lines = self.hears == original.hears and all(
            getattr(self.chart, name, ()) == getattr(original.chart, name, ()) for name in _LINES
        )

    def _stands_alike(self, kept: list[tuple[Any, Any]]) -> bool:
        """Say whether the common transitions have the same order and the same chains."""
        pairs = [(self.places.get(one), self.original.places.get(two)) for one, two in kept]
        if any(one is None or two is None for one, two in pairs):
            return False
        orders = sorted((one.order, two.order) for one, two in pairs if one and two)
        chains = {(one.chain, two.chain) for one, two in pairs if one and two}
        return [two for _, two in orders] == sorted(two for _, two in orders) and len(
            chains
        ) == len({one for one, _ in chains}) == len({two for _, two in chains})

    def _is_alike(self, run: _Run) -> bool:
        for event, active in run.looked:
            if run.taken and not self.acting.isdisjoint(active):
                return False
            for source, transition in self.changed.get(event, ()):
                if source in active and self.enabled(transition, active):
                    return False
        return True

    def _reusable(self, key: Key) -> _Run | None:
        run = self.original.runs.get(key) if self.comparable else None
        return run if run is not None and self._is_alike(run) else None

    def _run(self, configuration: Configuration, event: str) -> Configuration:
        run = self._reusable((configuration, event, self.embargoed))
        if run is None:
            self.fresh += 1
            return super()._run(configuration, event)
        self.done[:], self.taken[:] = run.done, run.taken
        self.asked = run.asked or self.asks
        return run.target

    def _cell(self, source: Configuration, event: str, *, embargoed: bool) -> _Cell:
        self.embargoed = embargoed
        key = (source, event, embargoed)
        if self.comparable and self.same_lines and key in self.original.cells:
            cell, asked = self.original.cells[key]
            if key not in self.original.runs or self._reusable(key) is not None:
                self.asked = asked or (self.asks and key in self.original.runs)
                return cell
        return super()._cell(source, event, embargoed=embargoed)


def compile_mutant(chart: type, original: Original) -> Table:
    """Return the table that `compile_chart` would.

    Raises:
        InvalidChart: as `compile_chart` does.
    """
    try:
        return Mutated(chart, original).table()
    except InvalidDefinition as error:
        raise InvalidChart(f"{chart.__name__}: {error}") from error


def _skeleton(chart: _Compiler) -> object:
    """Return what must be equal for runs to be comparable at all."""
    states = [
        (name, state.initial, state.parallel, state.parent.id if state.parent else None)
        for name, state in chart.states.items()
    ]
    return states, chart.context


def _specs(owner: Any) -> object:
    return sorted(
        (spec.group.name, number, str(spec.func), bool(spec.expected_value))
        for number, spec in enumerate(owner._specs)
        if not spec.is_convention
    )


def _signature(owner: Any) -> object:
    return _specs(owner)


def _transitions(chart: _Compiler) -> dict[str, list[Any]]:
    return {name: declared(state) for name, state in chart.states.items()}


def _compared(mine: list[Any], theirs: list[Any]) -> tuple[list[tuple[Any, Any]], list[Any]]:
    """Match two states' transitions from both ends; return the pairs and what is left of both."""

    def alike(one: Any, two: Any) -> bool:
        return (
            (one.target.id if one.target else None) == (two.target.id if two.target else None)
            and bool(one.internal) == bool(two.internal)
            and [str(e) for e in one.events] == [str(e) for e in two.events]
            and _specs(one) == _specs(two)
        )

    head = 0
    while head < min(len(mine), len(theirs)) and alike(mine[head], theirs[head]):
        head += 1
    tail = 0
    while tail < min(len(mine), len(theirs)) - head and alike(mine[-1 - tail], theirs[-1 - tail]):
        tail += 1
    pairs = list(zip(mine[:head], theirs[:head], strict=True))
    pairs += zip(mine[len(mine) - tail :], theirs[len(theirs) - tail :], strict=True)
    return pairs, mine[head : len(mine) - tail] + theirs[head : len(theirs) - tail]

"""Mutants of the times that belong to the chart's timers, and that the machine keeps: not the chart.

Each is put in force for a while by `applied`; nothing is written or imported anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import Any
from unittest.mock import patch

from statemodel import Table, Timings, _core, _machine, _rows
from statemodel._actions import TIMERS
from statemodel._connection_table import TABLE

SETTING, LENGTH, ORDER, BACKOFF = "timer's setting", "timer's length", "timers' order", "back-off"

_LENGTHS = {"a second more": "+ 1.0", "half": "/ 2"}


def _ceiling(failures: int, timings: Timings) -> float:
    return timings.backoff_base * 2.0 ** (failures - 1)


_BACKOFFS: dict[str, Callable[[int, float, Timings], float]] = {
    "no cap": lambda n, draw, t: draw * _ceiling(n, t),
    "the cap after the draw": lambda n, draw, t: min(t.backoff_cap, draw * _ceiling(n, t)),
    "no draw": lambda n, draw, t: min(t.backoff_cap, _ceiling(n, t)),
    "no wait": lambda n, draw, t: 0.0,
    "the base alone": lambda n, draw, t: draw * t.backoff_base,
    "the cap alone": lambda n, draw, t: draw * t.backoff_cap,
    "one failure more": lambda n, draw, t: draw * min(t.backoff_cap, _ceiling(n + 1, t)),
    "not drawn first": lambda n, draw, t: (
        t.backoff_base if n == 1 else draw * min(t.backoff_cap, _ceiling(n, t))
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantMutant:
    """The machine with one time of the chart's timers changed."""

    id: str
    """What was changed; unique among all mutants."""
    kind: str
    """What kind of thing."""
    timers: tuple[str, ...]
    """Which timers it is about."""
    other: str
    """What it is now."""

    @property
    def lengths(self) -> dict[str, str]:
        """The settings for the dense-time proof, which knows no other change."""
        return {self.timers[0]: self.other} if self.kind == SETTING else {}

    @contextmanager
    def applied(self, table: Table = TABLE) -> Iterator[None]:
        """Put the change in force, for machines that run on this table."""
        first = self.timers[0]
        match self.kind:
            case "timer's setting":
                start = _rows.start(first, self.other)
                change: Any = patch.dict(_rows.ACTIONS, {f"start_{first}": start})
            case "timer's length":
                start = _with_length(first, _LENGTHS[self.other])
                change = patch.dict(_rows.ACTIONS, {f"start_{first}": start})
            case "timers' order":
                one, two = self.timers
                order = _machine._ORDER
                change = patch.dict(order, {one: order[two], two: order[one]})
            case _:
                change = patch.object(_core, "backoff", _BACKOFFS[self.other])
        # What has been made ready of the table before knows nothing of the change.
        with change, patch.dict(table.prepared, clear=True):
            yield


def _with_length(timer: str, change: str) -> str:
    own = _rows.ACTIONS[f"start_{timer}"]
    return f"{own}\ndeadlines[{timer!r}] = now + (deadlines[{timer!r}] - now) {change}"


def constant_mutants() -> Iterator[ConstantMutant]:
    """Yield all mutants of the times."""

    def mutant(kind: str, other: str, *timers: str) -> ConstantMutant:
        name = f"machine: {kind}: {' and '.join(timers)}: {other}"
        return ConstantMutant(id=name, kind=kind, timers=timers, other=other)

    for timer, own in _rows.LENGTHS.items():
        for setting in fields(Timings):
            if setting.name != own:
                yield mutant(SETTING, setting.name, timer)
    for timer in TIMERS:
        for length in _LENGTHS:
            yield mutant(LENGTH, length, timer)
    for one, two in pairwise(TIMERS):
        yield mutant(ORDER, "exchanged", one, two)
    for backoff in _BACKOFFS:
        yield mutant(BACKOFF, backoff, "retry")

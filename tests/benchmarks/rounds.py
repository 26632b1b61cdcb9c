"""Measuring side by side: every case once in every round, in an order that changes.

What a shared machine does meanwhile hits all cases alike, and a ratio is taken within a round. So a
figure is a median over rounds with its quartiles, never a single run.
"""

from __future__ import annotations

import gc
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass(frozen=True)
class Case:
    """One thing that is measured."""

    name: str
    """Unique in a run: `work: who`."""
    unit: str
    """Of what `run` returns."""
    run: Callable[[], float]
    """Do it once and return what it cost, or how fast it was."""


@dataclass(frozen=True)
class Spread:
    """A figure over all rounds."""

    low: float
    """The lower quartile."""
    middle: float
    """The median."""
    high: float
    """The upper quartile."""
    rounds: int
    """Of how many figures."""

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of some figures."""
        if len(figures) < 2:
            return cls(figures[0], figures[0], figures[0], rounds=1)
        low, _, high = quantiles(figures, n=4, method="inclusive")
        return cls(low, median(figures), high, len(figures))


@dataclass(frozen=True)
class Measured:
    """All that a run found."""

    figures: dict[str, list[float]]
    """For each case its figure in each round."""
    units: dict[str, str]

    def spread(self, name: str) -> Spread:
        """Return a case's spread."""
        return Spread.of(self.figures[name])

    def ratio(self, name: str, to: str) -> Spread:
        """Return the spread of the ratio of two cases, taken round by round."""
        pairs = zip(self.figures[name], self.figures[to], strict=True)
        return Spread.of([one / other for one, other in pairs])


def measure(cases: Sequence[Case], rounds: int, *, seed: int = 0) -> Measured:
    """Run all cases in each round and return the figures; progress goes to the standard error.

    Those who do the same work follow one another: what disturbs one of them should meet the others, too.
    """
    order = random.Random(seed)
    figures: dict[str, list[float]] = {case.name: [] for case in cases}
    for number in range(1, rounds + 1):
        works: dict[str, list[Case]] = {}
        for case in order.sample(cases, len(cases)):
            works.setdefault(case.name.partition(":")[0], []).append(case)
        shuffled = [case for work in works.values() for case in work]
        for place, case in enumerate(shuffled, 1):
            print(
                f"\rround {number} of {rounds}, {place} of {len(cases)}: {case.name:<60.60}",
                end="",
                file=sys.stderr,
                flush=True,
            )
            gc.collect()
            figures[case.name].append(case.run())
    print(f"\r{'':<100}\r", end="", file=sys.stderr)
    return Measured(figures, {case.name: case.unit for case in cases})

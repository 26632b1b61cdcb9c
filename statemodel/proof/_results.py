"""What `prove` found, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Counterexample:
    """A step, from a state that the invariant allows, after which something is not so."""

    broken: str
    """The conjunct of the invariant that the step breaks, or the theorem's own name."""
    row: str
    """The step: states, event, states after it, actions."""
    source: int | None
    """The configuration before the step; `None` at a start."""
    event: str
    """The event of the step."""
    values: tuple[tuple[str, str], ...]
    """Clocks and settings, in seconds; `name'` is the value after the step."""
    undecided: str = ""
    """Why the solver gave no answer, if that is all that is known: it counts as a failure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theorem:
    """What became of one theorem."""

    name: str
    """By which controls name it."""
    rules: tuple[str, ...]
    """The rules that it states."""
    statement: str
    """The same in plain words."""
    holds: bool
    """Whether it is proved, for all settings and all times."""
    rows: int
    """How many rows of the table it ranges over, the rows of the conjuncts it needs included."""
    vacuous: bool = False
    """Whether its premise can never be met; then it does not hold, whatever follows."""
    counterexample: Counterexample | None = None
    """Where it fails; `None` if it holds, or is only vacuous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impossible:
    """A row of the table that no run can take, as far as time goes."""

    row: str
    """The step, as in a counterexample."""
    rows: int
    """How many rows of the table are the same step to the proof."""
    because: tuple[str, ...]
    """The conjuncts that exclude it; none: its own conditions do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vacuity:
    """Whether the proof speaks of anything: rows and premises that can be met."""

    rows: int
    """Rows of the table that the proof looked at."""
    impossible: tuple[Impossible, ...]
    """Those of them that no run can take, with the reason."""
    premises: tuple[str, ...]
    """The theorems whose premise can never be met; each of them counts as failed."""
    starts: int
    """Starts of the chart that meet the invariant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What `prove` found."""

    chart: str
    """The chart's name."""
    ok: bool
    """Whether every theorem holds, and none of them for want of a case."""
    theorems: tuple[Theorem, ...]
    """Each theorem, in a fixed order."""
    vacuity: Vacuity
    """Whether they speak of anything."""

"""What a verification has found: a verdict for each check, and for each failure its shortest run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum, unique
from functools import cached_property
from typing import TYPE_CHECKING

from statemodel._table import Table
from statemodel.rules import Rule

if TYPE_CHECKING:
    from collections.abc import Callable

    from statemodel.scripts import Script


@unique
class Kind(StrEnum):
    """What a check ranges over."""

    CONFIGURATION = "configurations"
    ROW = "rows"
    PROGRESS = "progress"
    TRACE = "runs"


@dataclass(frozen=True)
class Failure:
    """A check that does not hold."""

    rule: str
    """The number of its rule."""
    kind: Kind
    """What the check ranges over."""
    claim: str
    """What it claims."""
    message: str
    """Where it does not hold, in one sentence."""
    violations: int
    """In how many configurations, rows or runs; 0 if the check never applied."""
    find: Callable[[], Script | None] = field(repr=False, compare=False)
    """Search the shortest run; see `run`."""

    @cached_property
    def run(self) -> Script | None:
        """The shortest run that leads there; `None` if no machine can be led there in time.

        Searched for when it is first asked for, which can take some seconds.
        """
        return self.find()


def never_applied(rule: str, kind: Kind, claim: str) -> Failure:
    """Return the failure of a check that says nothing of the chart: there is no run to it."""
    return Failure(rule, kind, claim, "it never applied", 0, lambda: None)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What has become of one check."""

    rule: str
    """The number of its rule."""
    kind: Kind
    """What the check ranges over."""
    claim: str
    """What it claims."""
    over: int
    """How many configurations or rows it applied to, or how many runs were judged by it."""
    failure: Failure | None
    """Where it fails, if it does."""


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome of `verify`."""

    table: Table = field(repr=False, compare=False)
    """The table that was checked."""
    configurations: int
    """How many there are."""
    rows: int
    """How many there are: every event in every configuration."""
    runs: int
    """How many runs were judged."""
    rules: Mapping[str, Rule]
    """The rules that were checked, by number."""
    verdicts: tuple[Verdict, ...]
    """One for each check, by rule."""

    @property
    def chart(self) -> str:
        """The name of the chart's class."""
        return self.table.chart

    @property
    def ok(self) -> bool:
        """Whether there are checks, and every one holds, and applied somewhere."""
        return bool(self.verdicts) and not self.failures

    @property
    def failures(self) -> tuple[Failure, ...]:
        """The checks that do not hold, in the order of the rules."""
        return tuple(v.failure for v in self.verdicts if v.failure is not None)

    def of(self, rule: str) -> tuple[Verdict, ...]:
        """Return the verdicts on one rule; none if it has no check."""
        return tuple(verdict for verdict in self.verdicts if verdict.rule == rule)

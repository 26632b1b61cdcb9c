"""What a trace rule is: a number, a sentence, and a check over the replayed trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from statemodel.trace_rules._view import View
from statemodel.traces import Trace

Complaint: TypeAlias = tuple[float, str]
"""When, and what is wrong."""

Check: TypeAlias = Callable[[View], Iterable[Complaint]]


@dataclass(frozen=True, slots=True)
class Finding:
    """A place where a trace breaks a rule."""

    rule: str
    """The number of the rule."""
    time: float
    """When, on the clock of the trace."""
    message: str
    """What is wrong, in one sentence."""


@dataclass(frozen=True, slots=True)
class TraceRule:
    """A rule of the rulebook as a property of traces."""

    number: str
    """As in the rulebook."""
    statement: str
    """What the check holds traces to, in one sentence."""
    on_view: Check = field(repr=False)
    """The check, given a trace that has been replayed already."""

    def check(self, trace: Trace) -> Iterator[Finding]:
        """Yield where `trace` breaks this rule."""
        return self.findings(View(trace))

    def findings(self, view: View) -> Iterator[Finding]:
        """Yield where a replayed trace breaks this rule."""
        for time, message in self.on_view(view):
            yield Finding(self.number, time, message)


def rule(number: str, statement: str) -> Callable[[Check], TraceRule]:
    """Make a check the check of rule `number`."""

    def wrap(check: Check) -> TraceRule:
        return TraceRule(number, statement, check)

    return wrap

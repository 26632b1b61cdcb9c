"""The rules that judge traces, asked about runs through every row; and runs to a violation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, TypeAlias

from statemodel._errors import StateModelError
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.checking._moments import MOMENTS
from statemodel.checking._report import Failure, Kind, Verdict, never_applied
from statemodel.checking._rule_error import RuleError
from statemodel.rules import Move, Situation, TraceRule
from statemodel.trace_rules import Finding, View

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from statemodel._table import Table
    from statemodel.rules import Rule
    from statemodel.scripts import Script
    from statemodel.traces import Trace

_Asked: TypeAlias = tuple[str, TraceRule]
"""A rule's number, and a check of it."""

_TRIES = 40
"""How many violations are tried for one that a machine can be led to."""


class Finder:
    """The runs of a table, searched for when the first is asked for."""

    def __init__(self, table: Table) -> None:
        self.table = table

    @cached_property
    def runs(self) -> Runs:
        """All of them."""
        return Runs(self.table)

    def to(self, places: Iterable[Situation | Move]) -> Script | None:
        """Return the shortest run to one of these places, if a machine can be led to one in time."""
        found = []
        for place in list(places)[:_TRIES]:
            if isinstance(place, Move):
                script = self.runs.taking(place.before.index, place.event, place.embargoed)
            else:
                script = self.runs.to(place.index)
            if script is not None:
                found.append(script)
        return min(found, key=lambda script: (len(script.steps), script.text()), default=None)


class Judging:
    """Covering runs of a table, judged once by all rules that judge traces."""

    def __init__(self, finder: Finder, book: Mapping[str, Rule]) -> None:
        self._table = finder.table
        self._checks = [
            (number, check)
            for number, rule in book.items()
            for check in rule.checks
            if isinstance(check, TraceRule)
        ]
        scripts = finder.runs.covering() if self._checks else ()
        if scripts:
            scripts = (*scripts, *MOMENTS)
        self.runs = len(scripts)
        """How many runs were judged."""
        self._found: dict[_Asked, list[tuple[Script, Finding]]] = {}
        for script in scripts:
            for asked, finding in self._judge(script, self._checks):
                self._found.setdefault(asked, []).append((script, finding))

    def _judge(self, script: Script, checks: Sequence[_Asked]) -> Iterator[tuple[_Asked, Finding]]:
        trace, impossible = played(script, self._table)
        if impossible:  # nothing can be judged then, so that somebody has to say it
            asked = next((asked for asked in self._checks if asked[0] == "K1"), self._checks[0])
            if asked in checks:
                yield asked, Finding(asked[0], trace[-1].time, f"impossible: {impossible[0]}")
            return
        view = View(trace)
        for number, check in checks:
            try:
                findings = list(check.findings(view))
            except StateModelError:
                raise
            except (Exception, SystemExit) as error:  # a rule is the user's own code
                place = "; ".join(script.text().splitlines())
                raise RuleError.raised(number, check.statement, error, place) from error
            for finding in findings:
                yield (number, check), finding

    def verdict(self, number: str, check: TraceRule) -> Verdict:
        """Return the verdict of one check."""
        claim, found = check.statement, self._found.get((number, check), [])
        failure = None
        if not self.runs:
            failure = never_applied(number, Kind.TRACE, claim)
        elif found:
            script, finding = min(found, key=lambda pair: (len(pair[0].steps), pair[1].time))
            failure = Failure(
                rule=number,
                kind=Kind.TRACE,
                claim=claim,
                message=f"{finding.message} (first seen in a longer run, at {finding.time:g} s)",
                violations=len({id(script) for script, _ in found}),
                find=partial(self._shrunk, script, (number, check)),
            )
        return Verdict(number, Kind.TRACE, claim, self.runs, failure)

    def _shrunk(self, script: Script, asked: _Asked) -> Script:
        """Leave out steps as long as the same check fails."""

        def breaks(candidate: Script) -> bool:
            return any(True for _ in self._judge(candidate, [asked]))

        steps, size = list(script.steps), len(script.steps)
        while size:
            at = 0
            while at < len(steps):
                shorter = [*steps[:at], *steps[at + size :]]
                if len(shorter) < len(steps) and breaks(replace(script, steps=tuple(shorter))):
                    steps = shorter
                else:
                    at += size
            size //= 2
        return replace(script, steps=tuple(steps))


def played(script: Script, table: Table | None) -> tuple[Trace, list[str]]:
    """Play a script on a machine; return its trace, and what cannot be in any trace."""
    world = World.of(script, table=table)
    world.play_all(script)
    return world.trace or [], world.impossible

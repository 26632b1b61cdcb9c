"""What becomes of a mutant: who rejects it, asked from the quickest to the slowest."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from statemachine.exceptions import InvalidDefinition

from statemodel import RULES, ConnectionChart, InvalidChart, Table, verify
from statemodel._write_table import module_text
from statemodel.proof import prove
from statemodel.rules import ConfigurationCheck, ProgressCheck, RowCheck, Rule, TraceRule
from tests.mutants.constants import ConstantMutant
from tests.mutants.generate import Mutant
from tests.mutants.incremental import Original, compile_mutant, forget, load
from tests.mutants.projecting import seen_by_proof, seen_in_traces
from tests.mutants.tracing import changed_rows, judge_backoff, judge_by_traces, original_runs

SURVIVED, SAME_TABLE, TWIN = "survived", "same table", "twin"
COMPILER, RULE, PROGRESS, TRACE, PROOF, LIMIT = (
    "compiler", "rules", "progress", "traces", "proof", "limit",
)  # fmt: skip
"""Who rejects: the compiler; the checks on configurations and rows, on the graph, on traces; the
proof; or the time that one mutant may take."""

SECONDS = 60.0
"""Processor time that one mutant may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What became of a mutant."""

    id: str
    """Which mutant."""
    kind: str
    """Which operator made it."""
    by: str
    """Who rejected it; or that it survived, has the original's table, or another mutant's."""
    what: str = ""
    """The number of the broken rule, the theorem, or the compiler's words."""
    table: str = ""
    """The digest of its table, if it has one of its own."""


class OutOfTime(BaseException):
    """A mutant took longer than it may."""


class Court:
    """Judges mutants of a chart, each table once.

    Args:
        folder: For the mutants' sources, and to share which tables have been judged.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.original = Original(ConnectionChart)
        self.table = self.original.compiled
        self.runs = original_runs(self.table)
        self.in_traces, self.by_proof = seen_in_traces(self.table), seen_by_proof(self.table)
        self.unproved: dict[str, str] = {}

    def judge(self, mutant: Mutant | ConstantMutant) -> Verdict:
        """Return what becomes of a mutant."""
        digest = ""

        def verdict(by: str, what: str = "") -> Verdict:
            return Verdict(id=mutant.id, kind=mutant.kind, by=by, what=what, table=digest)

        if isinstance(mutant, ConstantMutant):
            return verdict(*self.judge_times(mutant))
        name = f"mutant_{hashlib.sha256(mutant.id.encode()).hexdigest()[:16]}"
        try:
            with _limited(SECONDS):
                table = compile_mutant(load(mutant.source, self.folder, name), self.original)
                if table == self.table:
                    return verdict(SAME_TABLE)
                digest = digest_of(table)
                if not self._claim(digest):
                    return verdict(TWIN)
                return verdict(*self.judge_table(table))
        except (InvalidChart, InvalidDefinition) as error:
            return verdict(COMPILER, " ".join(str(error).replace(name, "chart").split())[:120])
        except OutOfTime:
            return verdict(LIMIT)
        finally:
            forget(name, self.folder)

    def judge_table(self, table: Table) -> tuple[str, str]:
        """Return who rejects a table that is not the original's, and by what."""
        for by, rules in ((RULE, _quick()), (PROGRESS, _slow())):
            try:
                failures = verify(table, rules=rules, runs=False).failures
            except InvalidChart as error:  # a rule asks for what the chart has no more
                return by, str(error)
            if failures:
                return by, failures[0].rule
        if seen_in_traces(table) != self.in_traces:
            rows = changed_rows(table, self.table)
            if rule := judge_by_traces(table, self.runs, rows, seeds=12, limit=240):
                return TRACE, rule
            if failures := verify(table, rules=_on_traces()).failures:
                return TRACE, failures[0].rule
        clocks = seen_by_proof(table)
        broken = "" if clocks == self.by_proof else self._first_unproved(clocks)
        return (PROOF, broken) if broken else (SURVIVED, "")

    def _first_unproved(self, table: Table) -> str:
        digest = digest_of(table)
        if digest not in self.unproved:
            broken = [theorem.name for theorem in prove(table).theorems if not theorem.holds]
            self.unproved[digest] = broken[0] if broken else ""
        return self.unproved[digest]

    def judge_times(self, mutant: ConstantMutant) -> tuple[str, str]:
        """Return who rejects a machine whose times have changed, and by what."""
        starts = {f"start_{timer}" for timer in mutant.timers}
        rows = [
            (index, event, embargoed)
            for index, event, embargoed, row in self.table.rows()
            if starts.intersection(row.step.actions)
        ]
        with mutant.applied(self.table):
            rule = judge_by_traces(self.table, self.runs, rows, seeds=24, limit=2000)
            rule = rule or judge_backoff(self.table)
        if rule:
            return TRACE, rule
        if mutant.lengths:
            proof = prove(self.table, lengths=mutant.lengths)
            broken = [theorem.name for theorem in proof.theorems if not theorem.holds]
            if broken:
                return PROOF, broken[0]
        return SURVIVED, ""

    def _claim(self, digest: str) -> bool:
        """Say whether nobody has judged this table yet; from now on somebody has."""
        try:
            os.close(os.open(self.folder / f"{digest}.judged", os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return False
        return True


def digest_of(table: Table) -> str:
    """Return what two tables have in common exactly if they are equal."""
    return hashlib.sha256(module_text(table).encode()).hexdigest()[:20]


@cache
def _quick() -> tuple[Rule, ...]:
    return _only(ConfigurationCheck, RowCheck)


@cache
def _slow() -> tuple[Rule, ...]:
    return _only(ProgressCheck)


@cache
def _on_traces() -> tuple[Rule, ...]:
    return _only(TraceRule)


def _only(*kinds: type) -> tuple[Rule, ...]:
    return tuple(
        replace(rule, checks=checks)
        for rule in RULES.values()
        if (checks := tuple(check for check in rule.checks if isinstance(check, kinds)))
    )


@contextmanager
def _limited(seconds: float) -> Iterator[None]:
    """Raise `OutOfTime` when the block takes more processor time than that."""

    def ring(*_: object) -> None:
        raise OutOfTime

    before = signal.signal(signal.SIGVTALRM, ring)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        signal.signal(signal.SIGVTALRM, before)

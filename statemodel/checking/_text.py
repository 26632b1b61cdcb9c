"""A report for the terminal, and as data."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import indent, wrap
from typing import TYPE_CHECKING, Any

from statemodel.checking._judging import played
from statemodel.checking._report import Kind
from statemodel.timelines import timeline
from statemodel.trace_rules import judge

if TYPE_CHECKING:
    from statemodel._table import Table
    from statemodel.checking._report import Failure, Report, Verdict
    from statemodel.rules import Rule
    from statemodel.scripts import Script

_COLUMNS = {
    "configs": Kind.CONFIGURATION,
    "rows": Kind.ROW,
    "graph": Kind.PROGRESS,
    "judged": Kind.TRACE,
}

_SHOWN = 3
"""How many broken rules are shown with a run each."""


def report_text(report: Report, *, width: int = 100) -> str:
    """Return a report as a table of rules, and each failure with the shortest run that leads to it.

    Args:
        report: What was found.
        width: Of the terminal, in columns.
    """
    return "\n".join(_lines(report, max(60, width))) + "\n"


def _lines(report: Report, width: int) -> Iterator[str]:
    yield (
        f"{report.chart}: {report.configurations:,} configurations, {report.rows:,} rows, "
        f"{report.runs:,} runs judged"
    )
    yield ""
    rows = [_cells(number, rule, report) for number, rule in report.rules.items()]
    rows.insert(0, ("rule", "verdict", *_COLUMNS, "theorems", "statement"))
    sizes = [max(map(len, column)) for column in list(zip(*rows, strict=True))[:-1]]
    for *cells, statement in rows:
        start = "".join(
            f"{cell:{size}}  " if at < 2 else f"{cell:>{size}}  "
            for at, (cell, size) in enumerate(zip(cells, sizes, strict=True))
        )
        for at, line in enumerate(wrap(statement, max(30, width - len(start)))):
            yield start + line if at == 0 else " " * len(start) + line
    yield ""
    failures = report.failures
    yield from _summary(report)
    # A rule that a trace breaks comes first: its run shows what is wrong.
    by_trace = sorted(failures, key=lambda failure: failure.kind is not Kind.TRACE)
    broken = list(dict.fromkeys(failure.rule for failure in by_trace))
    for number in broken[:_SHOWN]:
        of_rule = [failure for failure in failures if failure.rule == number]
        yield from _broken(report.rules[number], of_rule, report.table)
    for number in broken[_SHOWN:]:
        yield f"{number} is BROKEN as well: {report.rules[number].statement}"


def _summary(report: Report) -> Iterator[str]:
    checked = [number for number in report.rules if report.of(number)]
    broken = {failure.rule for failure in report.failures}
    held = len(checked) - len(broken)
    yield f"{held} {'rule holds' if held == 1 else 'rules hold'}, {len(broken)} broken."
    rest = [number for number in report.rules if number not in checked]
    untried = [number for number in rest if report.rules[number].checks]
    if untried:
        yield f"Not asked, for want of runs: {', '.join(untried)}."
    adapters = [number for number in rest if number not in untried]
    if adapters:
        yield f"No check on a model, only tests of the adapter: {', '.join(adapters)}."
    if any(rule.theorems for rule in report.rules.values()):
        yield "Theorems are not proved here, but by `statemodel prove`."
    yield ""


def _word(verdicts: tuple[Verdict, ...]) -> str:
    if not verdicts:
        return "-"
    return "BROKEN" if any(verdict.failure for verdict in verdicts) else "holds"


def _cells(number: str, rule: Rule, report: Report) -> tuple[str, ...]:
    """Return a line of the table: each kind of check with how much it applied to at the most."""
    over = dict.fromkeys(_COLUMNS.values(), 0)
    for verdict in report.of(number):
        over[verdict.kind] = max(over[verdict.kind], verdict.over)
    counts = [f"{count:,}" if count else "" for count in over.values()]
    theorems = str(len(rule.theorems) or "")
    return number, _word(report.of(number)), *counts, theorems, rule.statement


def _broken(rule: Rule, failures: list[Failure], table: Table) -> Iterator[str]:
    """Show a rule's failures: one with its run, preferably one whose run shows what is wrong."""
    shown = min(failures, key=lambda failure: failure.kind is not Kind.TRACE)
    yield f"{rule.number} is BROKEN: {rule.statement}"
    for failure in failures:
        more = f", and in {failure.violations - 1:,} more" if failure.violations > 1 else ""
        yield f"  a check of {failure.kind}: {failure.claim}"
        yield f"    {failure.message}{more}"
    if shown.run is not None:
        kind = "that shows it" if shown.kind is Kind.TRACE else "that leads there"
        yield f"  the shortest run {kind}, for `statemodel play` with the same --chart:"
        yield indent(shown.run.text().rstrip(), "      ")
        yield "  what can be seen of it:"
        yield indent(seen(shown.run, table)[0], "  ")
    elif shown.violations:
        yield "  No run leads there: the times of the default settings do not allow it."
    yield ""


def seen(script: Script, table: Table | None) -> tuple[str, bool]:
    """Play a script on a table; return its timeline with what is wrong, and whether nothing is."""
    trace, impossible = played(script, table)
    notes = [(trace[-1].time, f"impossible: {sentence}") for sentence in impossible]
    notes = notes or [(found.time, f"{found.rule}: {found.message}") for found in judge(trace)]
    return timeline(trace, notes=notes), not notes


def report_data(report: Report) -> dict[str, Any]:
    """Return a report as data for JSON; it looks for the shortest run of each failure."""
    return {
        "chart": report.chart,
        "ok": report.ok,
        "configurations": report.configurations,
        "rows": report.rows,
        "runs": report.runs,
        "rules": [
            {
                "number": number,
                "statement": rule.statement,
                "source": rule.source,
                "verdict": {"-": "unchecked"}.get(word := _word(report.of(number)), word.lower()),
                "theorems": list(rule.theorems),
                "checks": [
                    {"kind": v.kind, "claim": v.claim, "over": v.over, "holds": v.failure is None}
                    for v in report.of(number)
                ],
            }
            for number, rule in report.rules.items()
        ],
        "failures": [
            {
                "rule": failure.rule,
                "kind": failure.kind,
                "claim": failure.claim,
                "message": failure.message,
                "violations": failure.violations,
                "script": None if failure.run is None else failure.run.text(),
            }
            for failure in report.failures
        ],
    }

"""A failure as text for people: the verdict, the script, and what happened."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from textwrap import wrap
from typing import TYPE_CHECKING

from statemodel.conformance._waits import judge_waits, waits
from statemodel.rules import RULES
from statemodel.timelines import timeline
from statemodel.trace_rules import View

if TYPE_CHECKING:
    from statemodel.conformance._cases import Failure

REPLAYED = "the script"
"""The name of the only part of a replay."""

WIDTH = 100
"""Columns that a line has at most, if its words allow it."""

_LONG = 60
"""Lines of a timeline that are shown, at most."""

_TAIL = 8
"""The same, where the waits are shown and the timeline says little."""

_SCRIPT = 40
"""Lines of a script that are shown, at most; of a longer one the beginning and the end are."""

_KEPT = "\N{NO-BREAK SPACE}"

_NOTED = 6
"""Findings that are marked in a timeline, at most."""


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 case`, `1,024 cases`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def wrapped(text: str, first: str = "", rest: str = "  ") -> Iterator[str]:
    """Yield lines of `WIDTH` columns at most; line ends of the text stay.

    Args:
        text: The words.
        first: What the first line begins with.
        rest: What the others begin with.
    """
    indent = first
    for line in text.splitlines():
        yield from wrap(
            line,
            WIDTH,
            initial_indent=indent,
            subsequent_indent=rest,
            break_long_words=False,
            break_on_hyphens=False,
        )
        indent = rest


def lines_of(failure: Failure) -> Iterator[str]:
    """Yield the lines that show a failure."""
    if failure.error is None:
        rule = failure.findings[0].rule
        yield from wrapped(f"{rule} is BROKEN: {RULES[rule].statement}", "", "    ")
        yield from wrapped(failure.message, "  ", "    ")
    else:
        yield from wrapped(failure.message, "", "    ")
    if not failure.trace and not failure.script.steps:
        return  # nothing was played
    yield from _script(failure)
    if failure.findings and failure.findings[0] in set(judge_waits(failure.trace)):
        yield "  the waits before the retries, each with the longest that is allowed, in seconds:"
        yield from _waits(failure)
        yield from _happened(failure, _TAIL)
    elif failure.trace:
        yield from _happened(failure, _LONG)


def _script(failure: Failure) -> Iterator[str]:
    found = "" if failure.part in ("", REPLAYED) else f" (found in: {failure.part})"
    yield f"  the script, {counted(len(failure.script.steps), 'step')}{found}:"
    lines = failure.script.text().splitlines()
    if len(lines) > _SCRIPT:
        left = len(lines) - 15
        middle = f"... {left} lines more; the report as JSON and `failure.script` have them all ..."
        lines = [*lines[:10], middle, *lines[-5:]]
    yield from (f"      {line}" for line in lines)


def _waits(failure: Failure) -> Iterator[str]:
    told = [f"{wait.seconds:.3g} of {wait.longest:g}" for wait in waits(View(failure.trace))]
    runs = [(words, sum(1 for _ in run)) for words, run in groupby(told)]
    items = [words if times == 1 else f"{words} ({times} times)" for words, times in runs]
    whole = ", ".join(item.replace(" ", _KEPT) for item in items)
    yield from (line.replace(_KEPT, " ") for line in wrapped(whole, " " * 6, " " * 6))


def _happened(failure: Failure, longest: int) -> Iterator[str]:
    notes = [(f.time, f"{f.rule}: {f.message}") for f in failure.findings[:_NOTED]]
    if failure.error is not None:
        notes = [(failure.trace[-1].time, f"the subject {failure.error.trouble}")]
    shown = timeline(failure.trace, notes=notes, end=failure.end, width=WIDTH - 2).splitlines()
    yield "  what happened (times in seconds):"
    if len(shown) > longest:
        yield f"  {'':>9}  ... {counted(len(shown) - longest, 'line')} before that ..."
    yield from (f"  {line}" for line in shown[-longest:])

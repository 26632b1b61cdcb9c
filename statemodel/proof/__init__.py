"""A proof over real time: the time limits of a chart hold for all settings and at all moments.

The checks of the table are finite; deadlines are not. Here the rows of a compiled table become
steps of a system whose clocks are real numbers and whose settings are any that `Timings` accepts,
and the rules about time are proved of it by induction with the z3 solver: every start meets an
invariant, every row and every passing of time keeps it, and each rule follows from it.

What is assumed: timers fire at their deadlines, settings do not change, numbers are exact. Inputs
come at any time and in any order, at a deadline before or after it; the verdicts on the peer's
silence count as such inputs. `INVARIANT` is the invariant in words, and `controls` are charts that
are wrong on purpose, of which the proof must fail.

Needs the extra `statemodel[proof]`; nothing else of the package imports it.
"""

from __future__ import annotations

from collections.abc import Mapping

from statemodel._table import Table, table_of
from statemodel.proof._controls import Control, controls
from statemodel.proof._invariant import CONJUNCTS
from statemodel.proof._prove import Prover
from statemodel.proof._report import report_text
from statemodel.proof._results import Counterexample, Impossible, Proof, Theorem, Vacuity
from statemodel.proof._steps import Meaning
from statemodel.proof._theorems import STATEMENTS

__all__ = [
    "INVARIANT",
    "THEOREMS",
    "Control",
    "Counterexample",
    "Impossible",
    "Proof",
    "Theorem",
    "Vacuity",
    "controls",
    "prove",
    "report_text",
]

INVARIANT = tuple((conjunct.name, conjunct.words) for conjunct in CONJUNCTS)
"""The invariant: the name of each part, and the part in plain words."""

THEOREMS = {statement.name: statement.rules for statement in STATEMENTS}
"""The theorems: the name of each, and the rules that it states."""


def prove(chart: type | Table | None = None, *, lengths: Mapping[str, str] | None = None) -> Proof:
    """Prove the rules about time of a compiled chart.

    The same table and lengths give the same result, counterexamples included. Takes seconds, and
    cannot be interrupted from within: run it in a process or thread of its own beside a loop.

    Args:
        chart: A chart's class, or a compiled table; by default the table of `ConnectionChart`.
        lengths: Timers that run for another setting than the machine has it: timer to setting.

    Returns:
        Each theorem with whether it holds; one that does not comes with a step that breaks it.

    Raises:
        MissingExtra: z3 is not installed.
        InvalidChart: the chart lacks states, events or timers that the theorems speak of.
        InvalidInput: `lengths` names no timer or no setting.
    """
    usual = Meaning()
    meaning = usual if lengths is None else Meaning(lengths={**usual.lengths, **lengths})
    return Prover(table_of(chart), meaning).run()

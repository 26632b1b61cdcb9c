"""A proof as text for a terminal."""

from __future__ import annotations

from textwrap import wrap

from statemodel.proof._results import Counterexample, Proof, Theorem, Vacuity

_WIDTH = 100


def report_text(proof: Proof) -> str:
    """Return what was proved and what was not, line by line."""
    held = sum(theorem.holds for theorem in proof.theorems)
    lines = [f"{proof.chart}: {held} of {len(proof.theorems)} theorems hold in real time"]
    for theorem in proof.theorems:
        lines += _theorem(theorem)
    lines += _vacuity(proof.vacuity)
    return "\n".join(lines) + "\n"


def _theorem(theorem: Theorem) -> list[str]:
    verdict = "holds" if theorem.holds else "FAILS"
    rules = ", ".join(theorem.rules)
    lines = [f"{verdict}  {theorem.name} ({rules}), {theorem.rows} rows"]
    lines += wrap(theorem.statement, _WIDTH, initial_indent="       ", subsequent_indent="       ")
    if theorem.vacuous:
        lines.append("       its premise can never be met")
    if theorem.counterexample is not None:
        lines += _counterexample(theorem.counterexample)
    return lines


def _counterexample(found: Counterexample) -> list[str]:
    after = " ".join(("       after", found.row))
    lines = [f"       not so: {found.broken}"]
    lines += wrap(after, _WIDTH, subsequent_indent="         ", drop_whitespace=True)
    if found.undecided:
        lines.append(f"       the solver gave no answer: {found.undecided}")
    values = ", ".join(f"{name} = {value}" for name, value in found.values)
    if values:
        lines += wrap(f"with {values}", _WIDTH, initial_indent=" " * 7, subsequent_indent=" " * 9)
    return lines


def _vacuity(vacuity: Vacuity) -> list[str]:
    count = sum(each.rows for each in vacuity.impossible)
    lines = [f"{vacuity.rows} rows looked at, {vacuity.starts} starts; {count} impossible in time"]
    for each in vacuity.impossible:
        why = ", ".join(each.because) or "its own conditions"
        lines += wrap(
            f"{each.row} (excluded by {why})", _WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    return lines

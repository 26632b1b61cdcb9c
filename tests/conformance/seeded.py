"""How soon the kit finds each bug of the JavaScript client: `python -m tests.conformance.seeded`.

Prints a table: the bug, the rules that were named first, and the medians of the steps of their scripts
and of the seconds that a default run took to find them and to make them smaller. What is found without
luck is found alike with every seed: only what walks find is looked for with all of them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import closing
from typing import NamedTuple

from statemodel.conformance import ProcessSubject, conform
from tests.conformance.subjects import CLIENT, bugs


class Found(NamedTuple):
    """What a default run finds first."""

    verdict: str
    steps: int
    seconds: float
    by_luck: bool


def found(bug: str, seed: int) -> Found:
    """Look for a bug."""
    began = time.perf_counter()
    with closing(ProcessSubject(["node", CLIENT, "--bug", bug])) as subject:
        report = conform(subject, seed=seed)
    seconds = time.perf_counter() - began
    if not report.failures:
        return Found("MISSED", 0, seconds, by_luck=True)
    first = report.failures[0]
    by_luck = first.part.startswith("walks")
    return Found(first.verdict, len(first.script.steps), seconds, by_luck)


def main() -> int:
    """Print the table; 1 if a bug is missed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--seeds", type=int, default=5, help="how many seeds (5)")
    parser.add_argument("bug", nargs="*", help="only these bugs")
    asked = parser.parse_args()
    sys.stdout.write(f"{'bug':40} {'rules':8} {'steps':>5} {'seconds':>8}\n")
    missed = False
    for bug in asked.bug or bugs():
        runs = [found(bug, 0)]
        if runs[0].by_luck:
            runs += [found(bug, seed) for seed in range(1, asked.seeds)]
        rules = ",".join(sorted({run.verdict for run in runs}))
        steps = int(statistics.median(run.steps for run in runs))
        seconds = statistics.median(run.seconds for run in runs)
        missed = missed or "MISSED" in rules
        sys.stdout.write(f"{bug:40} {rules:8} {steps:5} {seconds:8.1f}\n")
        sys.stdout.flush()
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())

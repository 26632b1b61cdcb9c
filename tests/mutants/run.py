"""Judge mutants on several processes, and write what became of them.

    python -m tests.mutants.run            # all of them: `tests/mutants/survivors.txt` must name the survivors
    python -m tests.mutants.run --sample 8 --since main  # every eighth, and what is new in the chart
    python -m tests.mutants.run --named "link: closing"

Exits 1 if a mutant survives that the list of survivors does not name, or if the list names one that
does not survive.
"""

from __future__ import annotations

import argparse
import hashlib
import multiprocessing
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from tests.mutants.constants import ConstantMutant, constant_mutants
from tests.mutants.generate import Mutant, mutants
from tests.mutants.judging import (
    COMPILER,
    LIMIT,
    PROGRESS,
    PROOF,
    RULE,
    SAME_TABLE,
    SURVIVED,
    TRACE,
    TWIN,
    Court,
    Verdict,
)
from tests.mutants.source import CHART

SURVIVORS = Path(__file__).parent / "survivors.txt"
_SEPARATOR = "  # "
_COLUMNS = (COMPILER, RULE, PROGRESS, TRACE, PROOF, LIMIT, SURVIVED, SAME_TABLE)

_court: Court | None = None


AnyMutant = Mutant | ConstantMutant


def run(chosen: Sequence[AnyMutant], *, workers: int = 2, loud: bool = False) -> list[Verdict]:
    """Judge mutants; equal tables once.

    Args:
        chosen: Which.
        workers: On how many processes.
        loud: Whether to say how far one is, on the standard error.

    Returns:
        The verdicts, by id.
    """
    found: list[Verdict] = []
    with tempfile.TemporaryDirectory() as folder:
        with ProcessPoolExecutor(
            workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=(Path(folder),),
        ) as pool:
            for verdict in pool.map(_judge, chosen, chunksize=8):
                found.append(verdict)
                if loud and verdict.by == SURVIVED:
                    _say(f"survives: {verdict.id}")
                if loud and len(found) % 50 == 0:
                    _say(f"{len(found)} of {len(chosen)} judged")
    judged = {one.table: one for one in found if one.by != TWIN}
    return sorted(
        (
            replace(one, by=judged[one.table].by, what=judged[one.table].what)
            if one.by == TWIN
            else one
            for one in found
        ),
        key=lambda one: one.id,
    )


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _begin(folder: Path) -> None:
    global _court  # noqa: PLW0603 - a worker process has one
    sys.dont_write_bytecode = True
    _court = Court(folder)


def _judge(mutant: AnyMutant) -> Verdict:
    assert _court is not None
    return _court.judge(mutant)


def all_mutants() -> list[AnyMutant]:
    """Return the mutants of the chart, and those of the machine's times."""
    return [*mutants(), *constant_mutants()]


def sample(every: int) -> list[AnyMutant]:
    """Return a fixed sample of all mutants: which is decided by each one's id alone."""
    return [
        mutant
        for mutant in all_mutants()
        if int(hashlib.sha256(mutant.id.encode()).hexdigest(), 16) % every == 0
    ]


def changed_since(revision: str) -> list[Mutant]:
    """Return the mutants that the chart of an earlier revision has not, or has otherwise."""
    place = f"{revision}:./{CHART.name}"
    shown = subprocess.run(
        ["git", "show", place], cwd=CHART.parent, check=True, capture_output=True, text=True
    )
    before = {(mutant.id, mutant.before, mutant.after) for mutant in mutants(shown.stdout)}
    return [m for m in mutants() if (m.id, m.before, m.after) not in before]


def listed_survivors() -> dict[str, str]:
    """Return the mutants that are known to survive, each with the reason why it may."""
    lines = SURVIVORS.read_text("utf-8").splitlines()
    pairs = [line.partition(_SEPARATOR) for line in lines if line and not line.startswith("#")]
    return {name: reason for name, _, reason in pairs}


def report(verdicts: Iterable[Verdict]) -> Iterator[str]:
    """Yield the lines of a report: what became of the mutants of each kind, and who rejected how many."""
    verdicts = list(verdicts)
    kinds: dict[str, Counter[str]] = {
        kind: Counter() for kind in sorted({one.kind for one in verdicts})
    }
    for one in verdicts:
        kinds[one.kind][one.by] += 1
    width = max(map(len, [*kinds, "all"]))
    yield f"{'':{width}}  mutants  " + "  ".join(_COLUMNS)
    for kind, counts in [*kinds.items(), ("all", Counter(one.by for one in verdicts))]:
        cells = (f"{counts[by] or '':>{len(by)}}" for by in _COLUMNS)
        yield f"{kind:{width}}  {counts.total():>7}  " + "  ".join(cells).rstrip()
    yield ""
    for by in (RULE, PROGRESS, TRACE, PROOF):
        whats = Counter(one.what for one in verdicts if one.by == by)
        yield f"{by}: " + ", ".join(f"{what} {count}" for what, count in sorted(whats.items()))
    yield ""
    for one in verdicts:
        yield f"{one.by:{max(map(len, _COLUMNS))}}  {one.id}" + (
            f"  ({one.what})" if one.what else ""
        )


def complaints(verdicts: Iterable[Verdict], known: Iterable[str]) -> list[str]:
    """Return where the verdicts and the list of survivors differ.

    Of the list only those count that were judged.
    """
    by = {one.id: one.by for one in verdicts}
    known = set(known)
    found = [f"survives: {name}" for name in by if by[name] == SURVIVED and name not in known]
    found += [
        f"is listed, but: {by[name]}: {name}"
        for name in sorted(known & by.keys())
        if by[name] != SURVIVED
    ]
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Run from the command line; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants.run")
    parser.add_argument("--sample", type=int, default=1, metavar="N", help="every N-th mutant")
    parser.add_argument("--since", metavar="REVISION", help="also all that the chart has new since")
    parser.add_argument("--named", default="", metavar="TEXT", help="only ids that contain this")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, help="write the report to this file")
    options = parser.parse_args(arguments)
    chosen = sample(options.sample)
    if options.since:
        known = {mutant.id for mutant in chosen}
        chosen += [mutant for mutant in changed_since(options.since) if mutant.id not in known]
    chosen = [mutant for mutant in chosen if options.named in mutant.id]
    if not chosen:
        parser.error("no mutant is called so")
    verdicts = run(chosen, workers=options.workers, loud=True)
    text = "\n".join(report(verdicts)) + "\n"
    if options.output:
        options.output.write_text(text, "utf-8")
    else:
        sys.stdout.write(text)
    wrong = complaints(verdicts, listed_survivors())
    gone = set(listed_survivors()) - {mutant.id for mutant in all_mutants()}
    wrong += [f"is listed, but there is no such mutant: {name}" for name in sorted(gone)]
    for line in wrong or ["The list of survivors is right."]:
        _say(line)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())

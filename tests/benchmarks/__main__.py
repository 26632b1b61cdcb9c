"""All costs, in one interleaved run.

    python -m tests.benchmarks [--rounds N] [--quick] [--only WORDS] [--json FILE] [-o DIR]

Nothing here is a test: it fails only if the peers do not give the same answers, which is looked at first.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.benchmarks import idle, machine, messages, peers, report, timers
from tests.benchmarks.rounds import Case, Measured, measure

_STEPS = (0, 2500, 10_000)


def main() -> int:
    """Measure, and write what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, metavar="N", help="how many (default 9)")
    parser.add_argument("--quick", action="store_true", help="little of each, to see that it runs")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only cases whose name has them"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there")
    parser.add_argument("-o", type=Path, dest="folder", metavar="DIR", help="write pictures there")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    try:  # before ten minutes of measuring, not after
        prepare(options.json, options.folder)
    except OSError as error:
        parser.error(str(error))
    peers.check()
    rounds = 2 if options.quick else options.rounds
    with messages.server() as port:
        cases = [
            *machine.cases(quick=options.quick),
            *messages.cases(port, quick=options.quick),
            *idle.cases(port, quick=options.quick),
            Case("timers, driver", "1/s", lambda: timers.expiries(500 if options.quick else 8000)),
        ]
        chosen = [case for case in cases if options.only in case.name]
        if not chosen:
            kinds = sorted({case.name.split(":")[0] for case in cases})
            parser.error(f"no case has {options.only!r} in its name; there are: {'; '.join(kinds)}")
        measured = measure(chosen, rounds)
        lines = {} if options.only or options.quick else grown(port, measured)
    print("\n".join(filter(None, (report.table(measured), report.peers_table(measured)))), end="")
    if options.json is not None:
        found = report.data(measured) | {"memory": lines}
        options.json.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.folder is not None:
        draw(measured, lines, options.folder)
    return 0


def prepare(json_file: Path | None, folder: Path | None) -> None:
    """Find out whether the results can be written, and write nothing yet.

    Raises:
        OSError: They cannot.
    """
    if json_file is not None:
        new = not json_file.exists()
        json_file.open("a").close()
        if new:
            json_file.unlink()
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)


def grown(port: int, measured: Measured) -> dict[str, list[tuple[int, float]]]:
    """Open up to 10,000 connections in one process; return the megabytes by their number."""
    found = {}
    for client in ("statemodel", "trio-websocket"):
        print(f"\rup to {idle.MANY:,} connections of {client}", end="", file=sys.stderr, flush=True)
        found[client] = [
            (count, idle.grown(client, port, count) / 1e6 if count else 0.0) for count in _STEPS
        ]
    print(f"\r{'':<60}\r", end="", file=sys.stderr)
    measured.figures["10,000 connections"] = [found["statemodel"][-1][1]]
    measured.units["10,000 connections"] = "MB"
    return found


def draw(measured: Measured, lines: dict[str, list[tuple[int, float]]], folder: Path) -> None:
    """Write the pictures."""
    pictures = {
        "events": ("One event, its effects and the next deadline", "one event: ", "µs"),
        "received": ("Messages of 1 KiB received", "received, 1 KiB: ", "1/s"),
        "sent": ("Messages of 1 KiB sent", "sent, 1 KiB: ", "1/s"),
        "echoed": ("Messages of 1 KiB echoed", "echoed, 1 KiB: ", "1/s"),
        "idle": ("Memory of an idle connection", "idle connection: ", "KB"),
    }
    for name, (title, start, unit) in pictures.items():
        names = {n: n.removeprefix(start) for n in measured.figures if n.startswith(start)}
        if names:
            text = report.bars(measured, title, names, unit)
            (folder / f"{name}.svg").write_text(text, "utf-8")
    if lines:
        text = report.growth(lines, "Memory of open, idle connections", "MB")
        (folder / "connections.svg").write_text(text, "utf-8")


if __name__ == "__main__":
    messages.end_with_ctrl_c()
    sys.exit(main())

"""`statemodel diagrams`: a chart drawn and written down."""

from __future__ import annotations

import sys
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel._connection_table import TABLE
from statemodel._errors import StateModelError
from statemodel.commands._loading import OURS, load_chart
from statemodel.diagrams import FORMATS, NOTHING, Highlight, at, read_chart, render
from statemodel.diagrams._files import files, stale, write
from statemodel.diagrams._path import Row, path, rows_of_recording, rows_of_script
from statemodel.recordings import read
from statemodel.scripts import Script

if TYPE_CHECKING:
    from argparse import Namespace

    from statemodel._table import Table
    from statemodel.diagrams import ChartModel

_DIRECTORY = Path("diagrams")


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    diagrams = commands.add_parser(
        "diagrams",
        help="draw a chart and write it down",
        description="Write a chart in every format into a directory; or, with --format and without "
        "-o, in one format to standard output. --at and --trace mark where a connection is and how "
        "it came there. Exit code 1 if --check finds files that are not what would be written.",
    )
    diagrams.add_argument(
        "chart", nargs="?", default=OURS, help="module:Class (default: %(default)s)"
    )
    diagrams.add_argument(
        "-o", "--output", type=Path, metavar="DIR", help=f"(default: {_DIRECTORY}/)"
    )
    diagrams.add_argument(
        "--check", action="store_true", help="write nothing; exit 1 unless the files are fresh"
    )
    diagrams.add_argument("--format", help=f"only this one: {', '.join(FORMATS)}")
    diagrams.add_argument("--region", help="only this one, to standard output")
    marks = diagrams.add_mutually_exclusive_group()
    marks.add_argument("--at", metavar="STATE,...", help="mark these states")
    marks.add_argument(
        "--trace",
        metavar="FILE",
        help="mark the way of a script or of the last recorded connection; - for standard input",
    )
    diagrams.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    _reject_what_does_not_go_together(options)
    chart = load_chart(options.chart)
    table = TABLE if options.chart == OURS else compile_chart(chart)
    model = read_chart(chart)
    highlight = _highlight(options, chart, table, model)
    if options.format is not None and options.output is None and not options.check:
        text = render(model, options.format, region=options.region, at=highlight)
        sys.stdout.buffer.write(text.encode())
        return 0
    texts = files(model, only=options.format, highlight=highlight, ours=options.chart == OURS)
    directory = options.output or _DIRECTORY
    if not texts:
        raise StateModelError(f"{options.format} cannot mark states")
    if options.check:
        wrong = stale(directory, texts, all_formats=options.format is None)
        for line in wrong:
            print(line)
        print(f"{len(texts)} diagrams of {model.name}: {_verdict(wrong)}")
        return 1 if wrong else 0
    write(directory, texts)
    print(f"{len(texts)} diagrams of {model.name} are in {directory}")
    return 0


def _verdict(wrong: list[str]) -> str:
    return f"{len(wrong)} not fresh; run `statemodel diagrams`" if wrong else "fresh"


def _reject_what_does_not_go_together(options: Namespace) -> None:
    if options.format is not None and options.format not in FORMATS:
        raise StateModelError(
            f"there is no format {options.format!r}; there are {', '.join(FORMATS)}"
        )
    marked = options.at is not None or options.trace is not None
    if marked and options.check:
        raise StateModelError("--check is about diagrams in which nothing is marked")
    if marked and options.output is None and options.format is None:
        raise StateModelError("--at and --trace need -o DIR or --format")
    if options.region is not None and (
        options.format is None or options.output is not None or options.check
    ):
        raise StateModelError("--region needs --format, and goes to standard output")


def _highlight(options: Namespace, chart: type, table: Table, model: ChartModel) -> Highlight:
    if options.at is not None:
        names = options.at.replace(",", " ").split()
        if not names:
            raise StateModelError("--at names no state")
        return at(model, *names)
    if options.trace is not None:
        return path(chart, table, *_way(options.trace, table))
    return NOTHING


def _way(name: str, table: Table) -> tuple[list[Row], int]:
    """Return the rows of a script, or of the last connection of a trace."""
    raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    if raw.lstrip().startswith(b"{"):
        return rows_of_recording(read(BytesIO(raw))[-1], table)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise StateModelError(f"{name} is no text in UTF-8: {error}") from error
    return rows_of_script(Script.parse(text), table)

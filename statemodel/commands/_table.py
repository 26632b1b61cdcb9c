"""`statemodel table`: compile a chart into its transition table."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel._errors import StateModelError
from statemodel._write_table import module_text
from statemodel.commands._loading import OURS, load_chart

if TYPE_CHECKING:
    from argparse import Namespace

_COMMITTED = Path(__file__).parent.parent / "_connection_table.py"


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    table = commands.add_parser("table", help="compile a chart into its transition table")
    table.add_argument("chart", nargs="?", default=OURS, help="module:Class (default: %(default)s)")
    table.add_argument("-o", "--output", type=Path, help="write the table's module to this file")
    table.add_argument(
        "--check", action="store_true", help="exit 1 unless the file is what would be written"
    )
    table.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    output: Path | None = options.output
    if output is None and options.chart == OURS:
        output = _COMMITTED
    if options.check and output is None:
        raise StateModelError("--check needs the file to check: -o FILE")
    compiled = compile_chart(load_chart(options.chart))
    text = module_text(compiled)
    print(
        f"{compiled.chart}: {len(compiled.configurations)} configurations, "
        f"{len(compiled.events)} events, {sum(map(len, compiled.handled))} cells act, "
        f"{len(text.encode()) / 1024:.0f} KiB"
    )
    if options.check:
        assert output is not None, "refused above"
        fresh = output.exists() and output.read_bytes() == text.encode()
        print(f"{output} is {'fresh' if fresh else 'stale: run `statemodel table`'}")
        return 0 if fresh else 1
    if output is not None:
        output.write_text(text, "utf-8")
    return 0

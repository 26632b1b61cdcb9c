"""`statemodel explore`: write a page on which a chart can be played with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemodel.commands._loading import OURS, load_chart
from statemodel.explorer import explorer_page

if TYPE_CHECKING:
    from argparse import Namespace


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    explore = commands.add_parser(
        "explore",
        help="write a page on which a chart can be played with",
        description="Write one HTML file that runs a chart's machine in the browser: its regions, "
        "what can happen next and what that would do, its timers, and the rules behind them. The "
        "file asks nothing of any server.",
    )
    explore.add_argument(
        "chart", nargs="?", default=OURS, help="module:Class (default: %(default)s)"
    )
    explore.add_argument("-o", "--output", type=Path, required=True, help="the file to write")
    explore.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    output: Path = options.output
    page = explorer_page(load_chart(options.chart), source=options.chart).encode()
    output.write_bytes(page)
    print(f"{output}: {len(page) / 1024:.0f} KiB")
    return 0

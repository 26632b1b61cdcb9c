"""`statemodel play`: play a script on the pure machine and judge what can be seen of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel.checking import seen
from statemodel.commands._loading import OURS, load_chart, load_script

if TYPE_CHECKING:
    from argparse import Namespace


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    play = commands.add_parser(
        "play",
        help="play a script on a chart",
        description="Play a script, as `statemodel check` prints them, on a chart's machine; print "
        "what can be seen of it, and exit 1 if that breaks a rule.",
    )
    play.add_argument("script", help="a file, or - for standard input")
    play.add_argument("--chart", default=OURS, help="module:Class (default: %(default)s)")
    play.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    script = load_script(options.script)
    table = None if options.chart == OURS else compile_chart(load_chart(options.chart))
    lines, keeps_the_rules = seen(script, table)
    print(lines)
    return 0 if keeps_the_rules else 1

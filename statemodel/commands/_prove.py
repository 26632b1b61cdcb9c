"""`statemodel prove`: the dense-time proof of a chart's time limits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel.commands._loading import OURS, load_chart

if TYPE_CHECKING:
    from argparse import Namespace


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    prove = commands.add_parser(
        "prove",
        help="prove a chart's time limits for all real times and all settings",
        description="Prove with z3 that a chart keeps its time limits, for all real times and all "
        "settings that are valid. Exit code 1 if a theorem fails, with a counterexample.",
    )
    prove.add_argument("--chart", default=OURS, help="module:Class (default: %(default)s)")
    prove.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    from statemodel.proof import prove, report_text  # noqa: PLC0415 - needs z3

    proof = prove(compile_chart(load_chart(options.chart)))
    print(report_text(proof), end="")
    return 0 if proof.ok else 1

"""`statemodel check`: every rule on every configuration, every row and covering runs of a chart."""

from __future__ import annotations

import json
import shutil
from argparse import ArgumentTypeError
from typing import TYPE_CHECKING, Any

from statemodel._compile import compile_chart
from statemodel._errors import StateModelError
from statemodel.checking import report_data, report_text, verify
from statemodel.commands._loading import OURS, load, load_chart, rule_numbers
from statemodel.rules import RULES

if TYPE_CHECKING:
    from argparse import Namespace


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    check = commands.add_parser(
        "check",
        help="hold a chart against every rule",
        description="Hold a chart against every rule: on every configuration and row, on its graph, "
        "and in runs through every row. Exit code 1 if one is broken, with the shortest run to it.",
    )
    check.add_argument("--chart", default=OURS, help="module:Class (default: %(default)s)")
    check.add_argument(
        "--rules",
        help="module:NAME of a collection of statemodel.rules.Rule, or numbers such as M3,M4 "
        "(default: all of statemodel.RULES)",
    )
    check.add_argument("--json", action="store_true", help="print the report as JSON")
    check.add_argument(
        "--limit",
        type=_positive,
        default=20_000,
        help="the largest number of configurations to explore (default: %(default)s)",
    )
    check.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    rules = _rules(options.rules)
    report = verify(compile_chart(load_chart(options.chart), limit=options.limit), rules=rules)
    if not report.verdicts:
        raise StateModelError("none of these rules has a check on a model")
    if options.json:
        print(json.dumps(report_data(report), indent=2))
    else:
        columns = shutil.get_terminal_size((100, 24)).columns
        print(report_text(report, width=columns), end="")
    return 0 if report.ok else 1


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def _rules(chosen: str | None) -> Any:
    if chosen is None:
        return None
    if ":" in chosen:
        rules = load(chosen)
        try:
            return rules if hasattr(rules, "values") else tuple(rules)
        except TypeError:
            raise StateModelError(f"{chosen!r} is no collection of rules") from None
    return [RULES[number] for number in rule_numbers(chosen)]

"""`statemodel conform`: hold a program in any language against the rules."""

from __future__ import annotations

import json
import sys
from argparse import REMAINDER, ArgumentTypeError
from dataclasses import replace
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from statemodel._errors import StateModelError
from statemodel._showing import printable
from statemodel._vocabulary import Mode
from statemodel.commands._loading import load_script, rule_numbers
from statemodel.conformance import (
    CAPABILITIES,
    Failure,
    ProcessSubject,
    Report,
    SubjectError,
    conform,
    replay,
)
from statemodel.rules import RULES
from statemodel.scripts import Script

if TYPE_CHECKING:
    from argparse import Namespace

_NO_SOCKET = (
    "statemodel: no socket opens in this script, so it tells nothing: let it go on to `connect` and "
    "`peer accept`, or test without --replay"
)

_WRITERS = {
    "text": Report.text,
    "json": lambda report: json.dumps(report.data(), indent=2) + "\n",
    "junit": Report.junit,
}


def add_to(commands: Any) -> None:
    """Add the command to a parser's subparsers."""
    conform_ = commands.add_parser(
        "conform",
        help="hold an implementation in any language against the rules",
        usage="statemodel conform [options] -- COMMAND...",
        description="Start COMMAND, play scripts on it over JSON lines on its standard input and "
        "output, and judge what it does by the rules. Exit code 1 if it breaks one, cannot be "
        "judged, or never connected; the others are in statemodel --help.",
    )
    conform_.add_argument("--seed", type=int, default=0, help="which walks (default: %(default)s)")
    conform_.add_argument(
        "--examples", type=_count, default=100, help="how many walks (default: %(default)s)"
    )
    conform_.add_argument("--only", metavar="RULES", help="judge by these only, such as M3,M4")
    conform_.add_argument(
        "--replay",
        metavar="FILE",
        help="play this script and nothing else; - is the standard input",
    )
    conform_.add_argument(
        "--format", choices=tuple(_WRITERS), default="text", help="(default: %(default)s)"
    )
    conform_.add_argument("-o", "--output", type=Path, help="write the report to this file")
    conform_.add_argument(
        "--time-limit",
        type=_seconds,
        default=10.0,
        help="seconds that COMMAND may take for an answer (default: %(default)g)",
    )
    conform_.add_argument("subject", nargs=REMAINDER, metavar="COMMAND", help="with its arguments")
    conform_.set_defaults(run=_run)


def _run(options: Namespace) -> int:
    command = options.subject[1:] if options.subject[:1] == ["--"] else options.subject
    if not command:
        raise StateModelError("conform needs a program to test: statemodel conform -- COMMAND...")
    only = None if options.only is None else rule_numbers(options.only)
    script = None if options.replay is None else load_script(options.replay)
    output = options.output
    if output is not None and (output.is_dir() or not output.parent.is_dir()):
        raise StateModelError(f"no report can be written to {str(output)!r}")  # before the work
    report = _tested(command, options, only, script)
    text = _WRITERS[options.format](report)
    if output is None:
        print(text, end="")
    else:
        output.write_text(text, "utf-8")
        print(f"{report.subject}: {'conforms' if report.ok else 'does not conform'}")
    if script is not None and not report.failures and not report.connected:
        print(_NO_SOCKET, file=sys.stderr)
    return 0 if report.ok else 1


def _tested(
    command: list[str], options: Namespace, only: list[str] | None, script: Script | None
) -> Report:
    try:
        subject = ProcessSubject(command, time_limit=options.time_limit)
    except SubjectError as error:  # it did not even say hello
        nothing = Failure(Script(mode=Mode.AUTO), [], error=error, part="its start")
        asked = tuple(number for number in RULES if only is None or number in only)
        return Report(
            subject=printable(command[0]),
            capabilities=tuple(CAPABILITIES),
            asked=asked,
            judged=(),
            parts=(),
            failures=(nothing,),
        )
    try:
        if script is not None:
            report = replay(subject, script, only=only)
        else:
            report = conform(
                subject, seed=options.seed, examples=options.examples, only=only, progress=_tell
            )
    finally:
        subject.close()
    bad_end = subject.bad_end
    if bad_end is None or any(failure.verdict == bad_end.trouble for failure in report.failures):
        return report
    nothing = Failure(Script(mode=Mode.AUTO), [], error=bad_end, part="its end")
    return replace(report, failures=(*report.failures, nothing))


def _tell(what: str) -> None:
    if sys.stderr.isatty():
        print(f"{what} ...", file=sys.stderr)


def _count(text: str) -> int:
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is no number from 0 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not isfinite(seconds) or seconds <= 0:
        raise ArgumentTypeError(f"{text!r} is no number of seconds above 0")
    return seconds

"""The command `statemodel`: what one may ask of a chart from a shell."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from statemodel._errors import StateModelError
from statemodel.commands import (
    _check,
    _conform,
    _diagrams,
    _explore,
    _paths,
    _play,
    _prove,
    _replay,
    _table,
)
from statemodel.commands._signals import EndedBySignal, ended_in_order
from statemodel.commands._streams import usable_streams

__all__ = ["main"]

_COMMANDS = (
    _check,
    _conform,
    _diagrams,
    _explore,
    _paths,
    _play,
    _prove,
    _replay,
    _table,
)

_EXIT_CODES = (
    "Exit codes: 0 all is well; 1 a check failed; 2 the question could not be asked, or nobody read "
    "the answer; 70 an error in statemodel itself; 129, 130, 143 ended by SIGHUP, Ctrl-C, SIGTERM."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code, as `statemodel --help` lists them."""
    parser = argparse.ArgumentParser(prog="statemodel", description=__doc__, epilog=_EXIT_CODES)
    parser.add_argument(
        "--traceback", action="store_true", help="show where in the code an error comes from"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in _COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        with ended_in_order(), usable_streams():
            return int(options.run(options))
    except BrokenPipeError:  # who reads has seen enough; the interpreter would complain on leaving
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2  # not 0: nobody has seen that all is well
    except EndedBySignal as ending:
        print(f"statemodel: {ending}", file=sys.stderr)
        return ending.exit_code
    except Exception as error:  # noqa: BLE001 - the last stop: what a chart, rule or file can raise
        if options.traceback:
            traceback.print_exc()
        expected = isinstance(error, (StateModelError, OSError))
        what = "" if expected else f"unexpected {type(error).__name__}: "
        print(f"statemodel: {what}{error}", file=sys.stderr)
        return 2 if expected else 70  # as sysexits.h has it: not the question is wrong, but we are

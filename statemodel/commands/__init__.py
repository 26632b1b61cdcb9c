"""The command `statemodel`: what one may ask of a chart from a shell."""

from __future__ import annotations

import argparse
import os
import sys
import traceback
from collections.abc import Sequence

from statemodel._errors import StateModelError
from statemodel.commands import _check, _conform, _paths, _play, _prove, _table

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code: 0 well, 1 a check failed, 2 it could not be done."""
    parser = argparse.ArgumentParser(prog="statemodel", description=__doc__)
    parser.add_argument(
        "--traceback", action="store_true", help="show where in the code an error comes from"
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for command in (_check, _conform, _paths, _play, _prove, _table):
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except BrokenPipeError:  # who reads has seen enough; the interpreter would complain on leaving
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 2  # not 0: nobody has seen that all is well
    except Exception as error:  # noqa: BLE001 - the last stop: what a chart, rule or file can raise
        if options.traceback:
            traceback.print_exc()
        expected = isinstance(error, (StateModelError, OSError))
        what = "" if expected else f"unexpected {type(error).__name__}: "
        print(f"statemodel: {what}{error}", file=sys.stderr)
        return 2

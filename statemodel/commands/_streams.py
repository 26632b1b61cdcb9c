"""The standard streams: as a command can use them, whatever it was started with."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import TextIOWrapper

from statemodel._errors import StateModelError


@contextmanager
def usable_streams() -> Iterator[None]:
    """While inside, let standard output hold any text: what its encoding has not is escaped.

    A standard input that is closed is an empty one.

    Raises:
        StateModelError: standard output is closed, so that nobody would see the answer.
    """
    if sys.stdin is None:
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115 - until the process ends
    output = sys.stdout
    if output is None:
        raise StateModelError("standard output is closed")
    if not isinstance(output, TextIOWrapper):  # somebody has put their own there
        yield
        return
    before = output.errors
    output.reconfigure(errors="backslashreplace")
    try:
        yield
    finally:
        output.reconfigure(errors=before)

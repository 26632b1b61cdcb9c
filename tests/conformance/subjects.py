"""Subjects for the tests of the kit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from statemodel.conformance import MachineSubject

HERE = Path(__file__).parent
CLIENT = str(HERE / "client" / "subject.mjs")
PYTHON = (sys.executable, str(HERE / "process.py"))
LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


@cache
def bugs():
    """Return the bugs that the JavaScript client can be given."""
    if shutil.which("node") is None:
        return ()
    done = subprocess.run(
        ["node", CLIENT, "--list-bugs"], capture_output=True, text=True, check=True, timeout=60
    )
    return tuple(done.stdout.split())


class Hasty(MachineSubject):
    """A machine whose window in background is two seconds too short."""

    name = "a hasty machine"

    def open(self, opening, draws):
        short = replace(opening.timings, background_grace=opening.timings.background_grace - 1.5)
        return super().open(replace(opening, timings=short), draws)


class Limited(MachineSubject):
    """A machine that can do less than it might."""

    def __init__(self, *capabilities):
        super().__init__()
        self.capabilities = frozenset(capabilities)

"""Finding what a user names on the command line: a chart or rules, in a module of theirs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from statemodel._errors import StateModelError

OURS = "statemodel:ConnectionChart"


def load(name: str) -> Any:
    """Return what `module:attribute` names.

    Raises:
        StateModelError: there is no such module or attribute, or the module raises; the cause says.
    """
    module, _, attribute = name.partition(":")
    sys.path.insert(0, "")  # a module in the directory one stands in, as `python -m` finds it
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        text = " ".join(str(error).split())
        raise StateModelError(f"cannot load {name!r}: {type(error).__name__}: {text}") from error


def load_chart(name: str) -> type:
    """Return the chart's class that `module:Class` names; see `load`."""
    chart = load(name)
    if not isinstance(chart, type):
        raise StateModelError(f"{name!r} is no chart class")
    return chart

"""Finding what a user names on the command line: a chart or rules, in a module of theirs."""

from __future__ import annotations

import importlib
import sys
from typing import Any

from statemodel._errors import StateModelError

OURS = "statemodel:ConnectionChart"


def load(name: str) -> Any:
    """Return what `module:attribute` names; the directory one stands in is searched last.

    Raises:
        StateModelError: there is no such module or attribute, or the module raises; the cause says.
    """
    module, _, attribute = name.partition(":")
    if not (module.isidentifier() or "." in module) or module.startswith(".") or not attribute:
        raise StateModelError(f"name it module:Name, not {name!r}")
    # An installed module must not be shadowed by a file that happens to lie here.
    sys.path.append("")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # whatever a user's module raises
        text = " ".join(str(error).split())
        raise StateModelError(f"cannot load {name!r}: {type(error).__name__}: {text}") from error
    finally:
        sys.path.remove("")


def load_chart(name: str) -> type:
    """Return the chart's class that `module:Class` names; see `load`."""
    chart = load(name)
    if not isinstance(chart, type):
        raise StateModelError(f"{name!r} is no chart class")
    return chart

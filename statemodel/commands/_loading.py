"""Finding what a user names on the command line: a chart, rules, a script."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from statemodel._errors import StateModelError
from statemodel.rules import RULES
from statemodel.scripts import Script

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
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever a user's module raises, such as pytest's `skip`
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


def load_script(name: str) -> Script:
    """Return the script in a file, or that of the standard input for `-`.

    Raises:
        OSError: the file cannot be read.
        StateModelError: it holds no script; the message says why.
    """
    try:
        text = (sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()).decode()
    except UnicodeDecodeError as error:
        raise StateModelError(f"{name} is no text in UTF-8: {error}") from error
    return Script.parse(text)


def rule_numbers(chosen: str) -> list[str]:
    """Return the numbers of rules in a text such as `M3,m4`, in upper case.

    Raises:
        StateModelError: it names a rule that there is not, or none at all.
    """
    numbers = chosen.upper().replace(",", " ").split()
    for number in numbers:
        if number not in RULES:
            raise StateModelError(f"there is no rule {number!r}; there are {', '.join(RULES)}")
    if not numbers:
        raise StateModelError(f"{chosen!r} chooses no rule")
    return numbers

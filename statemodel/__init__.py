"""A formally modelled WebSocket connection: the chart, the table, the machine.

Everything here is sans-I/O: nothing reads a clock, draws a number, opens or waits. The names that
need python-statemachine or are large (`ConnectionChart`, `RULES`, `traces`, `verify`, ...) are imported when
they are first used, so that running a machine does not load it.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from statemodel import effects, events
from statemodel._errors import InvalidChart, InvalidInput, StateModelError
from statemodel._machine import Machine
from statemodel._policy import Policy
from statemodel._table import Disposition, Row, Step, Table
from statemodel._timings import Timings
from statemodel._vocabulary import (
    Code,
    Credentials,
    Mode,
    Reason,
    Status,
    StatusChange,
    User,
)

if TYPE_CHECKING:
    from statemodel import traces
    from statemodel._chart import ConnectionChart
    from statemodel._clauses import Heard, Outcome, Refusal
    from statemodel._compile import compile_chart
    from statemodel._extend import extend
    from statemodel.checking import verify
    from statemodel.diagrams import render
    from statemodel.rules import RULES

_LAZY = {
    "RULES": "statemodel.rules",
    "ConnectionChart": "statemodel._chart",
    "Heard": "statemodel._clauses",
    "Outcome": "statemodel._clauses",
    "Refusal": "statemodel._clauses",
    "compile_chart": "statemodel._compile",
    "extend": "statemodel._extend",
    "render": "statemodel.diagrams",
    "verify": "statemodel.checking",
}

__all__ = [
    "RULES",
    "Code",
    "ConnectionChart",
    "Credentials",
    "Disposition",
    "Heard",
    "InvalidChart",
    "InvalidInput",
    "Machine",
    "Mode",
    "Outcome",
    "Policy",
    "Reason",
    "Refusal",
    "Row",
    "StateModelError",
    "Status",
    "StatusChange",
    "Step",
    "Table",
    "Timings",
    "User",
    "compile_chart",
    "effects",
    "events",
    "extend",
    "render",
    "traces",
    "verify",
]


def __getattr__(name: str) -> object:
    if name == "traces":
        return importlib.import_module("statemodel.traces")
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

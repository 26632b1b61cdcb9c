"""Recordings: what happened to a real connection, in a file, step by step.

`transport.open_connection(..., trace=PATH)` writes one. The first line says how the connection was
opened; then each line is one step of its machine, with its time, its random number and what the
machine asked for, or something that passes the machine by: a message, a dialer's run. Since a
machine is a function of what it is told, a recording can be given to a machine of today, which has
to say the same; and since its effects are what can be seen from outside, the trace rules judge it.

Nothing here opens a file for writing or reads a clock: who records owns both. What reads and judges
is imported when it is first used: who only writes has no need of the rules.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from statemodel.recordings._codec import Veil
from statemodel.recordings._lines import (
    VERSION,
    DialerLine,
    Header,
    MessageLine,
    NoteLine,
    RecordingError,
    Way,
    header_line,
    message_line,
    other_line,
    step_line,
)
from statemodel.recordings._machine import RecordedStep, RecordingMachine

if TYPE_CHECKING:
    from statemodel.recordings._judging import Difference, Verdict, compare, judged, machine_at
    from statemodel.recordings._reading import Recording, read
    from statemodel.recordings._text import Clock, data, escaped, text

_LAZY = {
    **dict.fromkeys(("Difference", "Verdict", "compare", "judged", "machine_at"), "_judging"),
    **dict.fromkeys(("Recording", "read"), "_reading"),
    **dict.fromkeys(("Clock", "data", "escaped", "text"), "_text"),
}

__all__ = [
    "VERSION",
    "Clock",
    "DialerLine",
    "Difference",
    "Header",
    "MessageLine",
    "NoteLine",
    "RecordedStep",
    "Recording",
    "RecordingError",
    "RecordingMachine",
    "Veil",
    "Verdict",
    "Way",
    "compare",
    "data",
    "escaped",
    "header_line",
    "judged",
    "machine_at",
    "message_line",
    "other_line",
    "read",
    "step_line",
    "text",
]


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(f"{__name__}.{_LAZY[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)

"""The conformance kit: holds any implementation of the connection against the rules.

A subject is an implementation behind a small protocol, in this process or, over JSON lines, in
one of its own. The kit plays scripts on it and judges the traces by the trace rules alone, so
that an implementation may be built as it likes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from statemodel.conformance._cases import Failure
from statemodel.conformance._codec import entry_from_json, entry_to_json
from statemodel.conformance._conform import conform, conformance_suite, replay
from statemodel.conformance._judging import ORDER
from statemodel.conformance._machine import MachineSubject
from statemodel.conformance._playing import Playing
from statemodel.conformance._process import ProcessSubject
from statemodel.conformance._report import Part, Report
from statemodel.conformance._subject import (
    CAPABILITIES,
    PROTOCOL,
    Act,
    Subject,
    SubjectError,
    Trouble,
)

if TYPE_CHECKING:
    from statemodel.conformance._stateful import ConnectionConformance

__all__ = [
    "CAPABILITIES",
    "ORDER",
    "PROTOCOL",
    "Act",
    "ConnectionConformance",
    "Failure",
    "MachineSubject",
    "Part",
    "Playing",
    "ProcessSubject",
    "Report",
    "Subject",
    "SubjectError",
    "Trouble",
    "conform",
    "conformance_suite",
    "entry_from_json",
    "entry_to_json",
    "replay",
]


def __getattr__(name: str) -> object:
    if name == "ConnectionConformance":  # needs hypothesis
        from statemodel.conformance._stateful import ConnectionConformance  # noqa: PLC0415

        return ConnectionConformance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What can go wrong in the model itself.

StateModelError
├─ InvalidChart     a declaration is wrong; raised by compiling it, never at run time
├─ InvalidInput     a machine was given what is no input; it is unchanged
├─ NotInTable       a start, event or configuration that the chart does not have
└─ MissingExtra     what was asked for needs a library that is not installed

What a *user* of a connection can do wrong is no exception here but an effect, `effects.Fail`, with
a `Code`: a refusal must not lose the effects of the deadlines that fired before it (H4).
"""

from __future__ import annotations


class StateModelError(Exception):
    """Base of all errors of this package."""


class InvalidChart(StateModelError):
    """A chart does not mean what a chart must mean; the message names state, event and line."""


class InvalidInput(StateModelError, ValueError):
    """A time, draw or setting out of range, or an object that is no event."""


class NotInTable(StateModelError, LookupError):
    """The chart has no such start, event or configuration; the message names it."""


class MissingExtra(StateModelError):
    """A library is not installed that only some of the package needs; the message says how to get it."""

    def __init__(self, library: str, what: str, extra: str) -> None:
        super().__init__(f"{what} needs {library}: pip install 'statemodel[{extra}]'")

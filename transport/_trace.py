"""What an application says about the trace that it wants of a connection."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from statemodel import Code
from transport._errors import TransportError

SMALLEST = 2**16
"""Bytes that a trace is given at least, for its header and what follows."""


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a connection writes down what happens to it, and how much of it.

    `statemodel replay` shows and judges the file. Never written, whatever is asked for: tokens,
    headers, the URL's path, query and user name.

    Raises:
        TypeError, ValueError: an argument is none that could work.
    """

    path: str | os.PathLike[str]
    """The file; a new one is readable for the current user alone. A trace that is there already is
    continued, behind a header of its own; any other file is refused and left as it is. One
    connection at a time writes to a file."""
    messages: Literal["none", "sizes", "contents"] = "sizes"
    """What is written of messages: nothing; their kind and size; or their content as well, of which
    the first 65,536 characters or bytes."""
    uids: bool = False
    """Whether users are written as they are; otherwise as a short hash, equal for equal users."""
    max_bytes: int = 2**26
    """The file grows no larger, at least 65,536. Messages are written down to three quarters of it;
    when it is full, the trace ends. Opened with a full file, the connection renames it to `PATH.1`,
    in place of one that had this name, and begins a new one."""

    def __post_init__(self) -> None:
        if not isinstance(self.path, (str, os.PathLike)) or not isinstance(
            os.fspath(self.path), str
        ):
            raise TypeError(f"the path of a trace must be a str or a path, not {self.path!r}")
        if not os.fspath(self.path) or "\0" in os.fspath(self.path):
            raise ValueError(f"{self.path!r} is no path of a trace")
        if self.messages not in ("none", "sizes", "contents"):
            raise ValueError(f"messages must be none, sizes or contents, not {self.messages!r}")
        if not isinstance(self.uids, bool):
            raise TypeError(f"uids must be a bool, not {self.uids!r}")
        if isinstance(self.max_bytes, bool) or not isinstance(self.max_bytes, int):
            raise TypeError(f"max_bytes must be a whole number, not {self.max_bytes!r}")
        if self.max_bytes < SMALLEST:
            raise ValueError(f"max_bytes must be at least {SMALLEST}, not {self.max_bytes}")


class TraceError(TransportError):
    """From `open_connection`: the file of its trace could not be opened; the cause says more."""

    def __init__(self, details: str) -> None:
        super().__init__(Code.CHAT_API_FAILURE, details)
        self.message = "The file of the trace could not be opened."


def checked_trace(trace: object) -> Trace | None:
    """Return what `open_connection` was given, a path by itself included.

    Raises:
        TypeError, ValueError: it was something else.
    """
    if trace is None or isinstance(trace, Trace):
        return trace
    if isinstance(trace, (str, os.PathLike)):
        return Trace(trace)
    raise TypeError(f"trace must be a path or a Trace, not {trace!r}")

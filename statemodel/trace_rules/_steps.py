"""What a replayed trace is made of: its moments, its steps and its calls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

from statemodel._vocabulary import Code
from statemodel.trace_rules._facts import Facts, timer_due
from statemodel.traces import (
    Called,
    Delivered,
    Entry,
    Reading,
    Reported,
    Returned,
    SocketGone,
    Stored,
    Trace,
)

E = TypeVar("E", bound=Entry)


@dataclass(slots=True, eq=False)
class Moment:
    """An entry with what is known right before it (deadlines passed included) and right after."""

    index: int
    time: float
    """When it happened."""
    entry: Entry
    before: Facts
    after: Facts
    step: Step


@dataclass(slots=True, eq=False)
class Step:
    """An input and what followed it before the next input, or what a timer did."""

    time: float
    """When it happened."""
    entries: Trace
    cause: Entry | None
    """The input; none if a timer began the step."""
    start: Facts
    """What is known before the step."""
    end: Facts
    """What is known after the step."""
    returns: bool
    """Whether the foreground is entered in this step."""
    moments: list[Moment] = field(default_factory=list)
    _timer: bool | None = None
    _effects: list[Entry] | None = None

    @classmethod
    def of(cls, entries: Trace, cause: Entry | None, start: Facts) -> Step:
        """Return a step before it is replayed."""
        entered = isinstance(cause, Reported) and cause.what == "foreground"
        return cls(entries[0].time, entries, cause, start, start, entered and not start.foreground)

    @property
    def to_come(self) -> Trace:
        """While the step is replayed: the entries after the one that is applied."""
        return self.entries[len(self.moments) + 1 :]

    @property
    def timer(self) -> bool:
        """Whether what is seen in the step may come from a timer as well."""
        if self._timer is None:
            # How long a clearing is waited for is the adapter's choice: that it is up tells it.
            patience = any(entry.phase == "given_up" for entry in self.all(Stored))
            self._timer = patience or self.cause is None or timer_due(self.start, self.time)
        return self._timer

    def all(self, kind: type[E]) -> list[E]:
        """Return its entries of one kind."""
        return [entry for entry in self.entries if isinstance(entry, kind)]

    def returned(self, command: int) -> Returned | None:
        """Return how a call ended in this step, if it did."""
        return next((e for e in self.all(Returned) if e.command == command), None)

    def effects(self) -> list[Entry]:
        """Return what the library did in it, the end of calls and repeated `SocketGone` left out."""
        if self._effects is None:
            first = 0 if self.cause is None else 1
            self._effects = [m.entry for m in self.moments[first:] if _is_effect(m)]
        return self._effects


def _is_effect(moment: Moment) -> bool:
    if isinstance(moment.entry, SocketGone):
        return moment.before.sockets != moment.after.sockets
    if isinstance(moment.entry, Stored) and moment.entry.phase == "given_up":
        return (
            False  # how long a clearing is waited for is the adapter's: no input asks for its end
        )
    return not isinstance(moment.entry, (Returned, Delivered, Reading))


@dataclass(slots=True, eq=False)
class Call:
    """A call of the application and its end."""

    called: Called
    start: Moment
    end: Moment | None
    """Where it returned or was cancelled, if it did."""
    returned: Returned | None
    """How it returned, if it did."""
    at_once: bool
    """Whether it returned in its own step."""
    refused: Code | None
    """The code with which it failed in its own step."""

    @classmethod
    def of(cls, called: Called, start: Moment, end: Moment | None) -> Call:
        """Return a call that began and ended at these moments."""
        entry = None if end is None else end.entry
        returned = entry if isinstance(entry, Returned) else None
        at_once = returned is not None and end is not None and end.step is start.step
        refused = returned.code if at_once and returned is not None else None
        return cls(called, start, end, returned, at_once, refused)

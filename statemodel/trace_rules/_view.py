"""A trace, replayed once: what is known before and after each entry, its steps and its calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from statemodel._vocabulary import Code
from statemodel.trace_rules._facts import Facts, same, timer_due
from statemodel.trace_rules._replay import apply, first_facts
from statemodel.trace_rules._wish import pass_time
from statemodel.traces import (
    Called,
    Cancelled,
    Delivered,
    Entry,
    FrameSeen,
    Opened,
    Reading,
    Refreshed,
    Reported,
    Returned,
    SocketEnded,
    SocketGone,
    SocketOpened,
    Stored,
    Throttled,
    Trace,
)

E = TypeVar("E", bound=Entry)

_INPUTS = (Opened, Called, Cancelled, Reported, SocketOpened, SocketEnded, FrameSeen, Throttled)


def is_input(entry: Entry) -> bool:
    """Tell whether an entry comes from outside, so that a step begins with it."""
    if isinstance(entry, (Stored, Refreshed)):
        return entry.phase != "begun"
    return isinstance(entry, _INPUTS)


@dataclass(frozen=True, slots=True)
class Moment:
    """An entry with what is known right before it (deadlines passed included) and right after."""

    index: int
    entry: Entry
    before: Facts
    after: Facts
    step: Step

    @property
    def time(self) -> float:
        """When it happened."""
        return self.entry.time


@dataclass(frozen=True, slots=True)
class Step:
    """An input and what followed it before the next input, or what a timer did."""

    entries: tuple[Entry, ...]
    moments: list[Moment]

    @property
    def time(self) -> float:
        """When it happened."""
        return self.entries[0].time

    @property
    def cause(self) -> Entry | None:
        """The input; none if a timer began the step."""
        return self.entries[0] if is_input(self.entries[0]) else None

    @property
    def start(self) -> Facts:
        """What is known before the step."""
        return self.moments[0].before

    @property
    def end(self) -> Facts:
        """What is known after the step."""
        return self.moments[-1].after

    @property
    def returns(self) -> bool:
        """Whether the foreground is entered in this step."""
        report = self.cause
        entered = isinstance(report, Reported) and report.what == "foreground"
        return entered and not self.start.foreground

    @property
    def timer(self) -> bool:
        """Whether what is seen in the step may come from a timer as well."""
        return self.cause is None or timer_due(self.start, self.time)

    def all(self, kind: type[E]) -> list[E]:
        """Return its entries of one kind."""
        return [e for e in self.entries if isinstance(e, kind)]

    def returned(self, command: int) -> Returned | None:
        """Return how a call ended in this step, if it did."""
        return next((e for e in self.all(Returned) if e.command == command), None)

    def effects(self) -> list[Entry]:
        """Return what the library did in it, the end of calls and repeated `SocketGone` left out."""
        passive = (Returned, Delivered, Reading)
        result: list[Entry] = []
        for moment in self.moments[0 if self.cause is None else 1 :]:
            entry = moment.entry
            if isinstance(entry, passive):
                continue
            if isinstance(entry, SocketGone) and moment.before.sockets == moment.after.sockets:
                continue
            result.append(entry)
        return result


@dataclass(frozen=True, slots=True)
class Call:
    """A call of the application and its end."""

    called: Called
    start: Moment
    end: Moment | None

    @property
    def ended(self) -> bool:
        """Whether it returned or was cancelled."""
        return self.end is not None

    @property
    def returned(self) -> Returned | None:
        """How it returned, if it did."""
        return (
            self.end.entry
            if self.end is not None and isinstance(self.end.entry, Returned)
            else None
        )

    @property
    def at_once(self) -> bool:
        """Whether it returned in its own step."""
        return (
            self.returned is not None and self.end is not None and self.end.step is self.start.step
        )

    @property
    def refused(self) -> Code | None:
        """The code with which it failed in its own step."""
        return self.returned.code if self.at_once and self.returned is not None else None


class View:
    """A trace with everything that can be said about it without knowing a machine."""

    def __init__(self, trace: Trace) -> None:
        """Replay `trace`.

        Raises:
            ValueError: it does not begin with its only `Opened`, or its times decrease.
        """
        _check_form(trace)
        self.trace = trace
        self.steps: list[Step] = []
        self.moments: list[Moment] = []
        facts: Facts | None = None
        for entries in _steps(trace):
            step = Step(tuple(entries), [])
            for position, entry in enumerate(entries):
                if facts is None:
                    assert isinstance(entry, Opened)
                    facts = first_facts(entry)
                before = pass_time(facts, entry.time)
                returns = bool(step.moments) and step.returns
                facts = apply(before, entry, entries[position + 1 :], returns=returns)
                moment = Moment(len(self.moments), entry, before, facts, step)
                step.moments.append(moment)
                self.moments.append(moment)
            self.steps.append(step)
        self.calls: list[Call] = list(self._calls())

    def of(self, kind: type[E]) -> Iterator[tuple[Moment, E]]:
        """Yield the moments of one kind of entry, with the entry."""
        for moment in self.moments:
            if isinstance(moment.entry, kind):
                yield moment, moment.entry

    def calls_of(self, *names: str) -> Iterator[Call]:
        """Yield the calls with these names."""
        return (call for call in self.calls if call.called.name in names)

    def between(self, first: Moment, last: Moment | None) -> list[Entry]:
        """Return the entries from one moment to another, both included, or to the end."""
        return self.trace[first.index : len(self.trace) if last is None else last.index + 1]

    def at(self, time: float) -> list[Entry]:
        """Return all entries at one time."""
        return [e for e in self.trace if same(e.time, time)]

    def _calls(self) -> Iterator[Call]:
        for moment, called in self.of(Called):
            end = next(
                (m for m in self.moments[moment.index + 1 :] if _ends(m.entry, called)), None
            )
            yield Call(called, moment, end)


def _ends(entry: Entry, called: Called) -> bool:
    return isinstance(entry, (Returned, Cancelled)) and entry.command == called.command


def _check_form(trace: Trace) -> None:
    for index, entry in enumerate(trace):
        if isinstance(entry, Opened) != (index == 0):
            raise ValueError("a trace begins with its only Opened")
        if index and not trace[index - 1].time <= entry.time:
            raise ValueError(
                f"the times of a trace never decrease, but entry {index} is before its predecessor"
            )


def _steps(trace: Trace) -> Iterator[list[Entry]]:
    step: list[Entry] = []
    for entry in trace:
        if step and (is_input(entry) or entry.time != step[0].time):
            yield step
            step = []
        step.append(entry)
    if step:
        yield step

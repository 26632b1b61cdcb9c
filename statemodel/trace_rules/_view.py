"""A trace, replayed once and sorted, so that each rule looks at what concerns it and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from statemodel.trace_rules._facts import Facts, same
from statemodel.trace_rules._replay import CHANGING, apply, first_facts
from statemodel.trace_rules._steps import Call, E, Moment, Step
from statemodel.trace_rules._wish import pass_time
from statemodel.traces import (
    Called,
    Cancelled,
    Entry,
    FrameSeen,
    Opened,
    Refreshed,
    Reported,
    Returned,
    SocketEnded,
    SocketOpened,
    Stored,
    Throttled,
    Trace,
)

T = TypeVar("T")

_INPUTS = frozenset(
    {Opened, Called, Cancelled, Reported, SocketOpened, SocketEnded, FrameSeen, Throttled}
)


def is_input(entry: Entry) -> bool:
    """Tell whether an entry comes from outside, so that a step begins with it."""
    if type(entry) in _INPUTS:
        return True
    return isinstance(entry, (Stored, Refreshed)) and entry.phase not in (
        "begun",
        "given_up",
    )


class View:
    """A trace with everything that can be said about it without knowing a machine."""

    def __init__(self, trace: Trace) -> None:
        """Replay `trace`.

        Raises:
            ValueError: it does not begin with its only `Opened`, or its times decrease.
        """
        self.trace = trace
        self.steps: list[Step] = []
        self.moments: list[Moment] = []
        self.passing: list[Moment] = []
        """The moments before which time has passed."""
        self._of: defaultdict[type[Any], list[Any]] = defaultdict(list)
        self._begun_by: defaultdict[type[Any], list[Any]] = defaultdict(list)
        self._known: dict[Callable[[View], Any], Any] = {}
        for step in self._replayed(_steps(trace)):
            self.steps.append(step)
            if step.cause is not None:
                self._begun_by[type(step.cause)].append((step, step.cause))
        self.calls: list[Call] = list(self._calls())
        self._calls_of: defaultdict[str, list[Call]] = defaultdict(list)
        for call in self.calls:
            self._calls_of[call.called.name].append(call)

    def of(self, kind: type[E]) -> Sequence[tuple[Moment, E]]:
        """Return the moments of one kind of entry, with the entry."""
        return self._of.get(kind, ())

    def begun_by(self, kind: type[E]) -> Sequence[tuple[Step, E]]:
        """Return the steps that one kind of input began, with the input."""
        return self._begun_by.get(kind, ())

    def calls_of(self, *names: str) -> Sequence[Call]:
        """Return the calls with these names."""
        if len(names) == 1:
            return self._calls_of.get(names[0], ())
        return [call for name in names for call in self._calls_of.get(name, ())]

    def between(self, first: Moment, last: Moment | None) -> Trace:
        """Return the entries from one moment to another, both included, or to the end."""
        return self.trace[first.index : len(self.trace) if last is None else last.index + 1]

    def at(self, time: float) -> Trace:
        """Return all entries at one time."""
        return [e for e in self.trace if same(e.time, time)]

    def once(self, look: Callable[[View], T]) -> T:
        """Return what `look` finds in this view: many rules ask, and it looks once."""
        found: T
        try:
            found = self._known[look]
        except KeyError:
            found = self._known[look] = look(self)
        return found

    def _replayed(self, steps: Iterator[tuple[Entry | None, Trace]]) -> Iterator[Step]:
        moments, index = self.moments, 0
        facts: Facts | None = None
        for cause, entries in steps:
            time = entries[0].time
            if facts is None:
                assert isinstance(cause, Opened)
                facts = first_facts(cause)
            passes = facts.time != time
            before = pass_time(facts, time)
            step = Step.of(entries, cause, before)
            for entry in entries:
                if step.moments:
                    before = pass_time(facts, time)
                kind = type(entry)
                facts = apply(before, entry, step) if kind in CHANGING else before
                moment = Moment(index, time, entry, before, facts, step)
                step.moments.append(moment)
                moments.append(moment)
                self._of[kind].append((moment, entry))
                index += 1
            step.end = facts
            if passes:
                self.passing.append(step.moments[0])
            yield step

    def _calls(self) -> Iterator[Call]:
        ends: defaultdict[int, list[Moment]] = defaultdict(list)
        ended: list[tuple[Moment, Returned | Cancelled]]
        ended = [*self.of(Returned), *self.of(Cancelled)]
        for moment, entry in ended:
            ends[entry.command].append(moment)
        for moment, called in self.of(Called):
            after = [m for m in ends.get(called.command, ()) if m.index > moment.index]
            yield Call.of(called, moment, min(after, key=lambda m: m.index, default=None))


def _steps(trace: Trace) -> Iterator[tuple[Entry | None, Trace]]:
    """Yield the entries of each step, with its input.

    Raises:
        ValueError: the trace does not begin with its only `Opened`, or its times decrease.
    """
    step: Trace = []
    cause: Entry | None = None
    before: float | None = None
    for index, entry in enumerate(trace):
        if isinstance(entry, Opened) != (index == 0):
            raise ValueError("a trace begins with its only Opened")
        if before is not None and not before <= entry.time:
            raise ValueError(
                f"the times of a trace never decrease, but entry {index} is before its predecessor"
            )
        begins = is_input(entry)
        if step and (begins or entry.time != before):
            yield cause, step
            step = []
        if not step:
            cause = entry if begins else None
        step.append(entry)
        before = entry.time
    if step:
        yield cause, step

"""A trace, replayed once and sorted, so that each rule looks at what concerns it and nothing else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from statemodel.trace_rules._facts import Facts, slack
from statemodel.trace_rules._replay import CHANGING, first_facts
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
_ENDS = (Returned, Cancelled)
_JOBS = (Stored, Refreshed)
_OURS = ("begun", "given_up")
"""What we do of a job; the rest comes from outside."""


def is_input(entry: Entry) -> bool:
    """Tell whether an entry comes from outside, so that a step begins with it."""
    if type(entry) in _INPUTS:
        return True
    return isinstance(entry, _JOBS) and entry.phase not in _OURS


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
        self._replay(_steps(trace))
        self.calls: list[Call] = self._calls()
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
        near = slack()
        return [e for e in self.trace if abs(e.time - time) <= near]

    def once(self, look: Callable[[View], T]) -> T:
        """Return what `look` finds in this view: many rules ask, and it looks once."""
        found: T
        try:
            found = self._known[look]
        except KeyError:
            found = self._known[look] = look(self)
        return found

    def forget(self) -> None:
        """Forget the moments of each step, when nobody will ask any more.

        They know their step, and it knows them: without this they are in memory until all that is
        there has been looked through, and to look takes a good part of the time that judging does.
        """
        for step in self.steps:
            step.moments.clear()

    def _replay(self, steps: Iterator[tuple[Entry | None, Trace]]) -> None:
        moments, index, of = self.moments, 0, self._of
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
                change = CHANGING.get(kind)
                if change is None:
                    facts = before
                else:
                    facts = before.copy()
                    change(facts, entry, step)
                moment = Moment(index, time, entry, before, facts, step)
                step.moments.append(moment)
                moments.append(moment)
                of[kind].append((moment, entry))
                index += 1
            step.end = facts
            self.steps.append(step)
            if cause is not None:
                self._begun_by[type(cause)].append((step, cause))
            if passes:
                self.passing.append(step.moments[0])

    def _calls(self) -> list[Call]:
        """Return the calls in order; each ends at the first end with its number that comes after it."""
        calls: list[Call] = []
        ends: dict[int, Moment] = {}
        for moment in reversed(self.moments):
            entry = moment.entry
            if isinstance(entry, Called):
                calls.append(Call.of(entry, moment, ends.get(entry.command)))
            elif isinstance(entry, _ENDS):
                ends[entry.command] = moment
        return calls[::-1]


def _steps(trace: Trace) -> Iterator[tuple[Entry | None, Trace]]:
    """Yield the entries of each step, with its input.

    Raises:
        ValueError: the trace does not begin with its only `Opened`, or its times decrease.
    """
    step: Trace = []
    cause: Entry | None = None
    before: float | None = None
    for index, entry in enumerate(trace):
        kind, time = type(entry), entry.time
        if (kind is Opened) != (index == 0):
            raise ValueError("a trace begins with its only Opened")
        begins = kind in _INPUTS or (isinstance(entry, _JOBS) and entry.phase not in _OURS)
        if time != before:
            if before is not None and not before <= time:
                raise ValueError(
                    f"the times of a trace never decrease, but entry {index} is before its predecessor"
                )
            before = time
            if step:
                yield cause, step
                step = []
        elif begins and step:
            yield cause, step
            step = []
        if not step:
            cause = entry if begins else None
        step.append(entry)
    if step:
        yield cause, step

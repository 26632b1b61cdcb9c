"""The order of what happened in one turn, as far as nobody outside can tell it.

In many languages the end of a call is told only once the turn is over, as a promise is, and a dial
that was asked for, or the end of a socket, comes only then. Each may belong to any act of the turn,
the end of a call from the call on: they are judged where they fit best. What is told of sockets
stays in its order, or a dial before the descriptor of the socket before it is closed (K1) would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import pairwise, product
from typing import TypeVar

from statemodel import traces as t
from statemodel.conformance._entries import is_report
from statemodel.conformance._playing import Burst
from statemodel.trace_rules import Finding

_TRIES = 400
"""How many orders of a turn are tried at most; so many more for each callback."""

_LONGEST = 300
"""Of how many entries a turn is put into another order at all: one of more is judged as it was told."""

_OF_SOCKETS = (t.Dialled, t.SocketGone)
_LATE = (t.Returned, t.Stored, t.Refreshed, *_OF_SOCKETS)
"""What may be told after the act that it belongs to."""

_BEGIN = {"authenticate": "login", "clear": "logout"}
"""What begins with which call, if that is in the same turn."""

_T = TypeVar("_T")


def placed(
    trace: t.Trace, bursts: Sequence[Burst], judge: Callable[[t.Trace], Sequence[Finding]]
) -> t.Trace:
    """Return the order of a trace's entries in which least is wrong, of those tried.

    Args:
        trace: What happened, in the order in which it was told.
        bursts: Where its turns are.
        judge: Finds what is wrong in an order.
    """
    best, found = trace, judge(trace) if bursts else ()
    bursts = [burst for burst in bursts if burst.cuts[-1] - burst.start <= _LONGEST]
    if found:  # often everything belongs to the act that asked for it
        early = trace
        for burst in bursts:
            turn = _Turn(trace, burst)
            early = turn.put_into(early, [places[0] for places in turn.ranges])
        if len(left := judge(early)) <= len(found):
            best, found = early, left
    for burst in bursts:
        if not found:
            break
        best, found = _improved(best, found, _Turn(trace, burst), judge)
    return best


def _improved(
    trace: t.Trace,
    found: Sequence[Finding],
    turn: _Turn,
    judge: Callable[[t.Trace], Sequence[Finding]],
) -> tuple[t.Trace, Sequence[Finding]]:
    """Return the best order of a turn, and what is wrong in it.

    It is looked for by going on from the best orders that are known. Two things may have to be moved
    before anything is better, so one that is no better is gone on from as well: of a small turn all
    are tried. What was wrong before the turn began is not for its order to put right.
    """
    best = trace
    most = _TRIES * (1 + len(turn.callbacks))
    tried: set[tuple[int, ...]] = set()
    known: list[tuple[int, int, tuple[int, ...]]] = []  # the best first; of equals, the latest
    near: Iterable[tuple[int, ...]] = turn.simple_orders()
    while True:
        for places in near:
            if len(tried) == most or not any(finding.time >= turn.time for finding in found):
                return best, found
            if places in tried:
                continue
            tried.add(places)
            left = judge(order := turn.put_into(trace, places))
            heappush(known, (len(left), -len(tried), places))
            if len(left) < len(found):
                best, found = order, left
        if not known:
            return best, found
        near = turn.near(heappop(known)[2])


class _Turn:
    """A turn, taken apart.

    An order of it is a number for each thing that may belong to several acts: to which it does. And
    then one for each callback. What was done in a callback begins after the step in which it was
    told (T4), and nobody outside sees the end of that: so many of the entries that stand in its act
    for certain are of the act before it.
    """

    def __init__(self, trace: t.Trace, burst: Burst) -> None:
        self.callbacks = burst.callbacks
        self.time = trace[burst.start].time
        self._start, self._end = burst.start, burst.cuts[-1]
        self._acts = [trace[a:b] for a, b in pairwise([burst.start, *burst.cuts])]
        self._late: list[t.Trace] = []
        self._told: list[tuple[int, int]] = []  # in which act, and after how much that is certain
        # What is late was told with the last act that no callback is.
        last = max(set(range(len(self._acts))).difference(burst.callbacks))
        for at in sorted({*burst.callbacks, last}):
            self._acts[at], units, after = _apart(self._acts[at])
            self._late += units
            self._told += [(at, number) for number in after]
        self._of_sockets = [
            at for at, unit in enumerate(self._late) if isinstance(unit[0], _OF_SOCKETS)
        ]
        first = [self._earliest(*pair) for pair in zip(self._late, self._told, strict=True)]
        for one, other in pairwise(self._of_sockets):
            first[other] = max(first[one], first[other])
        self.ranges: list[Sequence[int]] = [
            self._likely(unit[0], range(start, own + 1))
            for unit, start, (own, _) in zip(self._late, first, self._told, strict=True)
        ]
        """Which numbers there are for each place of an order."""
        self.ranges += self._ranges_of_callbacks()

    def near(self, places: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        """Yield the orders in which one thing is elsewhere; what is told of sockets goes with it."""
        for at, choices in enumerate(self.ranges):
            for place in choices:
                moved = list(places)
                moved[at] = place
                if at in self._of_sockets:
                    for other in self._of_sockets:
                        if other < at:
                            moved[other] = min(moved[other], place)
                        elif other > at:
                            moved[other] = max(moved[other], place)
                if all(new in self.ranges[n] for n, new in enumerate(moved)):
                    yield tuple(moved)

    def simple_orders(self) -> Iterator[tuple[int, ...]]:
        """Yield the orders in which all is as early as one act, or all as it was told."""
        known = len(self._late)
        for act in range(len(self._acts)):
            yield tuple(min(max(r[0], act), r[-1]) for r in self.ranges[:known]) + tuple(
                r[0] for r in self.ranges[known:]
            )
        if not self.callbacks:
            return
        numbered = [[(at, n) for n in range(len(acts))] for at, acts in enumerate(self._acts)]
        for shifts in product(*self.ranges[known:]):
            moved = self._shifted(numbered, shifts)
            where = {entry: at for at, entries in enumerate(moved) for entry in entries}
            # It was told between two things that are certain, or before or after all of them.
            span = [
                (where[own, after - 1] if after > 1 else 0, where.get((own, after), own))
                for own, after in self._told
            ]
            for choice in product((0, 1), repeat=2):
                places = [
                    ends[choice[isinstance(unit[0], _OF_SOCKETS)]]
                    for ends, unit in zip(span, self._late, strict=True)
                ]
                late = zip(self.ranges, places, strict=False)
                yield (*(min(max(r[0], place), r[-1]) for r, place in late), *shifts)

    def put_into(self, trace: t.Trace, places: Sequence[int]) -> t.Trace:
        """Return a trace with this turn in an order."""
        numbered = [[(at, n) for n in range(len(acts))] for at, acts in enumerate(self._acts)]
        new = self._shifted(numbered, places[len(self._late) :])
        follow: dict[tuple[int, int], t.Trace] = {}
        for unit, place, (own, after) in zip(self._late, places, self._told, strict=False):
            # In its own act it stays where it was told; in another it comes last.
            told = (own, after - 1)
            if not new[place]:
                new[place].append((place, -1))  # stands for no entry
            anchor = told if told in new[place] else new[place][-1]
            follow.setdefault(anchor, []).extend(unit)
        between: t.Trace = []
        for entries in new:
            for at, number in entries:
                between += self._acts[at][number : number + 1] if number >= 0 else ()
                between += follow.pop((at, number), ())
        return [*trace[: self._start], *between, *trace[self._end :]]

    def _shifted(self, acts: Sequence[list[_T]], shifts: Sequence[int]) -> list[list[_T]]:
        new = [list(entries) for entries in acts]
        for at, before in reversed([*zip(self.callbacks, shifts, strict=True)]):
            new[at - 1] += new[at][1 : before + 1]
            del new[at][1 : before + 1]
        return new

    def _earliest(self, unit: t.Trace, told: tuple[int, int]) -> int:
        """Return the first act that something can belong to: not before its call, nor its time."""
        entry, (own, _) = unit[0], told
        if isinstance(entry, t.SocketGone) and own not in self.callbacks:
            for other in self._acts[own]:
                if isinstance(other, t.CloseBegun) and other.socket == entry.socket:
                    return own
        if isinstance(entry, t.Returned):
            for at, entries in enumerate(self._acts[: own + 1]):
                for other in entries:
                    if isinstance(other, t.Called) and other.command == entry.command:
                        return at
        for at, entries in enumerate(self._acts[: own + 1]):
            if entries and entries[0].time == entry.time:
                return at
        return own

    def _likely(self, entry: t.Entry, acts: Sequence[int]) -> Sequence[int]:
        """Return of some acts those that something can come from, if there are such."""
        if not isinstance(entry, t.Stored) or entry.what not in _BEGIN:
            return acts
        name = _BEGIN[entry.what]
        likely = [
            at
            for at in acts
            if any(isinstance(other, t.Called) and other.name == name for other in self._acts[at])
        ]
        return likely or acts

    def _ranges_of_callbacks(self) -> list[range]:
        most = dict.fromkeys(self.callbacks, 0)
        least = dict.fromkeys(self.callbacks, 0)
        for at in reversed(self.callbacks):
            most[at] = len(self._acts[at]) - 1 + most.get(at + 1, 0)
            for number, entry in enumerate(self._acts[at]):
                if isinstance(entry, t.PingSent) and entry.command is not None:
                    self._pin(entry.command, at, number, least)  # it is its call's for certain
        return [range(least[at], most[at] + 1) for at in self.callbacks]

    def _pin(self, command: int, at: int, number: int, least: dict[int, int]) -> None:
        above: dict[int, int] = {}
        while at in least:
            if any(isinstance(e, t.Called) and e.command == command for e in self._acts[at]):
                for place, shift in above.items():
                    least[place] = max(least[place], shift)
                return
            above[at] = number
            number += len(self._acts[at - 1]) - 1
            at -= 1


def _apart(act: t.Trace) -> tuple[t.Trace, list[t.Trace], list[int]]:
    """Return what an act has for certain, what may belong to one before it, and after how much.

    A change of status belongs to the dial before it.
    """
    certain: t.Trace = []
    late: list[t.Trace] = []
    after: list[int] = []
    for at, entry in enumerate(act):
        if isinstance(entry, t.StatusSeen) and at and isinstance(act[at - 1], t.Dialled):
            late[-1].append(entry)
        elif isinstance(entry, _LATE) and is_report(entry):
            late.append([entry])
            after.append(len(certain))
        else:
            certain.append(entry)
    return certain, late, after

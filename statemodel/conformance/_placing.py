"""The order of what happened in one turn, as far as nobody outside can tell it.

In many languages the end of a call is told only once the turn is over, as a promise is, and a dial
that was asked for, or the end of a socket, comes only then. Each may belong to any act of the turn,
the end of a call from the call on: they are judged where they fit best. What is told of sockets
stays in its order, or a dial before the descriptor of the socket before it is closed (K1) would pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise, product
from math import prod

from statemodel import traces as t
from statemodel.conformance._entries import is_report
from statemodel.conformance._playing import Burst

_TRIES = 150
"""How many orders of a turn are tried at most."""


def placed(trace: t.Trace, bursts: Sequence[Burst], cost: Callable[[t.Trace], int]) -> t.Trace:
    """Return the order of a trace's entries that costs least, of those tried.

    Args:
        trace: What happened, in the order in which it was told.
        bursts: Where its turns are.
        cost: How much speaks against an order; 0: nothing.
    """
    best, least = trace, cost(trace) if bursts else 0
    if least:  # often everything belongs to the act that asked for it
        early = trace
        for burst in bursts:
            acts, late, first = _taken_apart(trace, burst)
            early = _joined(early, burst, acts, late, first)
        if (found := cost(early)) <= least:
            best, least = early, found
    for burst in bursts:
        if not least:
            break
        best, least = _improved(best, least, burst, cost, told=trace)
    return best


def _improved(
    trace: t.Trace, least: int, burst: Burst, cost: Callable[[t.Trace], int], *, told: t.Trace
) -> tuple[t.Trace, int]:
    acts, late, first = _taken_apart(told, burst)
    best = trace
    tried: dict[tuple[int, ...], int] = {}

    def order(places: Sequence[int]) -> t.Trace:
        return _joined(trace, burst, acts, late, places)

    sockets = _of_sockets(late)

    def price(places: tuple[int, ...]) -> int:
        if any(places[one] > places[other] for one, other in pairwise(sockets)):
            return least
        if places not in tried:
            tried[places] = cost(order(places)) if len(tried) < _TRIES else least
        return tried[places]

    last = len(acts) - 1
    ranges = [range(earliest, last + 1) for earliest in first]
    if prod(map(len, ranges)) <= _TRIES:
        candidates: Iterable[tuple[int, ...]] = product(*ranges)
    else:  # all of them as early as one act or as late as another, and then one at a time
        candidates = _in_turn(first, last, price)
    for places in candidates:
        if price(places) < least:
            best, least = order(places), price(places)
        if not least:
            break
    return best, least


def _in_turn(
    first: Sequence[int], last: int, price: Callable[[tuple[int, ...]], int]
) -> Iterator[tuple[int, ...]]:
    """Yield orders that get better and better: what is best of one thing, then of the next."""
    starts = [tuple(max(earliest, act) for earliest in first) for act in range(last + 1)]
    yield from starts
    best = min(starts, key=price)
    for _ in range(2):  # once more with the others where they fit best
        for at, earliest in enumerate(first):
            here = [(*best[:at], act, *best[at + 1 :]) for act in range(earliest, last + 1)]
            yield from here
            best = min(here, key=price)


def _taken_apart(trace: t.Trace, burst: Burst) -> tuple[list[t.Trace], list[t.Trace], list[int]]:
    """Return what each act has for certain, what may belong to several, and each one's first act."""
    acts = [trace[a:b] for a, b in pairwise([burst.start, *burst.cuts])]
    acts[-1], late = _apart(acts[-1])
    first = [_earliest(acts, unit) for unit in late]
    for one, other in pairwise(_of_sockets(late)):
        first[other] = max(first[one], first[other])
    return acts, late, first


def _of_sockets(late: list[t.Trace]) -> list[int]:
    """Return which of the things that may belong to several acts are about sockets."""
    return [at for at, unit in enumerate(late) if isinstance(unit[0], (t.Dialled, t.SocketGone))]


def _apart(last: t.Trace) -> tuple[t.Trace, list[t.Trace]]:
    """Return what the last act has for certain, and what may belong to another.

    A change of status belongs to the dial before it.
    """
    certain: t.Trace = []
    late: list[t.Trace] = []
    for at, entry in enumerate(last):
        if isinstance(entry, t.StatusSeen) and at and isinstance(last[at - 1], t.Dialled):
            late[-1].append(entry)
        elif isinstance(entry, (t.Returned, t.Stored, t.Dialled, t.SocketGone)) and is_report(
            entry
        ):
            late.append([entry])
        else:
            certain.append(entry)
    return certain, late


def _earliest(acts: list[t.Trace], unit: t.Trace) -> int:
    """Return the first act that something can belong to: not before its call, nor before its time."""
    entry = unit[0]
    if isinstance(entry, t.SocketGone) and any(
        isinstance(other, t.CloseBegun) and other.socket == entry.socket for other in acts[-1]
    ):
        return len(acts) - 1
    if isinstance(entry, t.Returned):
        for at, entries in enumerate(acts):
            for other in entries:
                if isinstance(other, t.Called) and other.command == entry.command:
                    return at
    for at, entries in enumerate(acts):
        if entries and entries[0].time == entry.time:
            return at
    return len(acts) - 1


def _joined(
    trace: t.Trace, burst: Burst, acts: list[t.Trace], late: list[t.Trace], places: Sequence[int]
) -> t.Trace:
    new = [list(entries) for entries in acts]
    for unit, place in zip(late, places, strict=True):
        new[place] += unit
    between = [entry for entries in new for entry in entries]
    return [*trace[: burst.start], *between, *trace[burst.cuts[-1] :]]

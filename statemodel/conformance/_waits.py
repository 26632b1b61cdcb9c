"""What only many waits together tell: whether they are drawn, and whether failures are counted.

A trace with few retries says nothing here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from statemodel._vocabulary import Mode
from statemodel.trace_rules import Finding, View
from statemodel.traces import Dialled, Opened, SocketEnded, Trace

OF_WAITS = frozenset({"B1", "B2", "B3"})
"""The rules that many waits together show something about."""

ENOUGH = 30
"""Waits of a kind from which on their spread is judged: by chance alone one half of the range
stays empty once in 2^29 runs."""

_DIFFERENT = 10
"""How many different random numbers a subject must have been given, at least."""


def telling(draws: Collection[float]) -> bool:
    """Say whether waits that were drawn from these numbers must differ."""
    return len(set(draws)) >= _DIFFERENT


def judge_waits(trace: Trace) -> Iterator[Finding]:
    """Yield where the waits of a trace break B1, B2 or B3 as a whole."""
    ends = sum(isinstance(entry, SocketEnded) for entry in trace)
    opened = trace[0]
    if ends < ENOUGH or not isinstance(opened, Opened):
        return
    base = opened.timings.backoff_base
    waits = list(_waits(trace))
    end = trace[-1].time
    later = [(wait, longest) for wait, longest in waits if longest >= 4 * base]
    if len(later) >= ENOUGH and all(wait <= base for wait, _ in later):
        longest = max(longest for _, longest in later)
        message = (
            f"none of {len(later)} waits after repeated failures was longer than {base:g}, "
            f"though up to {longest:g} was due: the failures are forgotten too early"
        )
        yield Finding("B2", end, message)
        return
    yield from _spread("B1", [wait / longest for wait, longest in later], "", end)
    first = [wait / longest for wait, longest in waits if longest == base]
    yield from _spread("B3", first, "first ", end)


def _spread(rule: str, shares: list[float], which: str, end: float) -> Iterator[Finding]:
    """Yield what is wrong with waits, given as shares of the longest that is allowed."""
    if len(shares) < ENOUGH:
        return
    low, high = min(shares), max(shares)
    if high - low < 1e-3:
        what = f"all {len(shares)} {which}waits were {high:.4g} of the longest: they are not drawn"
    elif low > 0.5 or high < 0.5:
        what = (
            f"{len(shares)} {which}waits were between {low:.2g} and {high:.2g} of the longest: "
            "they are not spread from 0 on"
        )
    else:
        return
    yield Finding(rule, end, what)


def _waits(trace: Trace) -> Iterator[tuple[float, float]]:
    """Yield each wait that a timer ended, with the longest that B1 allows."""
    since: float | None = None
    longest = 0.0
    counted = True  # not after an end at the very end of `stable_after`, which may count either way
    for moment in View(trace).moments:
        entry = moment.entry
        if isinstance(entry, SocketEnded):
            facts, socket = moment.after, moment.before.open
            if facts.failures <= 1:
                counted = True
            elif socket is not None and socket.opened is not None:
                stable = socket.opened + facts.timings.stable_after
                counted = counted and abs(stable - entry.time) > 1e-3
            waiting = facts.on_timer and (facts.mode is Mode.AUTO or facts.foreground)
            since = entry.time if waiting and counted and facts.not_before <= entry.time else None
            longest = facts.backoff(facts.failures)
        elif isinstance(entry, Dialled):
            if since is not None and moment.step.cause is None:
                yield entry.time - since, longest
            since = None

"""What only many waits together tell: whether they are drawn, and whether failures are counted.

A trace with few retries says nothing here. Each question is asked in such a way that waits which
are drawn as B1 says give the wrong answer with a probability below `CHANCE`, however many there are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import exp, prod

from statemodel._vocabulary import Mode
from statemodel.trace_rules import Finding, View
from statemodel.traces import Called, Dialled, Opened, Reported, SocketEnded, Trace

OF_WAITS = frozenset({"B1", "B2", "B3", "B4", "C3"})
"""The rules that many waits together show something about."""

CHANCE = 1e-12
"""How likely it is, at most, that waits which are drawn as they should be are found wrong by one of
these questions. A test asks some two hundred: below 1e-9 in all."""

_DIFFERENT = 10
"""How many different random numbers a subject must have been given, at least."""

_FINE = 1e-3
"""What is nearer may be the same for rounding: waits in milliseconds are as good."""

_MANY = 30
"""Waits from which on `_DIFFERENT` of them must differ; of numbers in milliseconds nearly all do."""


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that a timer ended."""

    seconds: float
    longest: float
    """What B1 allows."""
    embargoed: bool
    """Whether it began with the end of a server's Retry-After."""
    asked: bool
    """Whether the dial that failed before it was one that a `connect` had hurried."""

    @property
    def share(self) -> float:
        return self.seconds / self.longest


def telling(draws: Collection[float]) -> bool:
    """Say whether waits that were drawn from these numbers must differ."""
    return len(set(draws)) >= _DIFFERENT


def judge_waits(trace: Trace, view: View | None = None) -> Iterator[Finding]:
    """Yield where the waits of a trace break B1, B2, B3, B4 or C3 as a whole.

    Args:
        trace: A case.
        view: The same, replayed; if that was done before.
    """
    opened = trace[0]
    if not isinstance(opened, Opened) or sum(isinstance(e, SocketEnded) for e in trace) < 6:
        return
    base, end = opened.timings.backoff_base, trace[-1].time
    every = list(waits(view or View(trace)))
    free = [wait for wait in every if not wait.embargoed]
    later = [wait for wait in free if wait.longest >= 4 * base]
    embargoed = [wait for wait in every if wait.embargoed and wait.longest >= 4 * base]
    if forgotten := [*_forgotten(later, base, end), *_forgotten(embargoed, base, end)]:
        yield from forgotten
        return
    on_top = [wait for wait in every if wait.embargoed]
    not_at_all = all(wait.share < _FINE for wait in on_top)
    for rule, which, some in (
        ("B1", "", later),
        ("B1", "later ", later[len(later) // 2 :]),
        ("B3", "first ", [wait for wait in free if wait.longest == base]),
        ("B4" if not_at_all else "B1", "additional ", on_top),
    ):
        for what in _not_uniform([wait.share for wait in some]):
            yield Finding(rule, end, f"{len(some)} {which}waits {what}")


def _forgotten(later: Sequence[Wait], base: float, end: float) -> Iterator[Finding]:
    """Yield that waits after repeated failures are drawn as those after a first one."""
    for rule, some, why in (
        ("B2", later, "the failures are forgotten too early"),
        ("C3", [wait for wait in later if wait.asked], "a connect while waiting forgets them"),
    ):
        seconds = [wait.seconds for wait in some]
        drawn = bool(some) and max(seconds) - min(seconds) > _FINE * base
        if drawn and max(seconds) <= base and prod(base / wait.longest for wait in some) < CHANCE:
            longest = max(wait.longest for wait in some)
            message = (
                f"none of {len(some)} waits after repeated failures was longer than {base:g} s, "
                f"though up to {longest:g} s was allowed: {why}"
            )
            yield Finding(rule, end, message)
            return


def _not_uniform(shares: Sequence[float]) -> Iterator[str]:
    """Yield what shows that shares of what is allowed are not drawn evenly from 0 to 1."""
    count = len(shares)
    if not count:
        return
    low, high = min(shares), max(shares)
    if high - low < _FINE and count * _FINE ** (count - 1) < CHANCE:
        share = "as long as allowed" if high == 1 else f"{high:.4g} of the longest that is allowed"
        yield f"were all {share}: they are not drawn at random"
    elif min(1 - min(low, 1 - _FINE), max(high, _FINE)) ** count < CHANCE:
        share = f"between {low:.2g} and {high:.2g} of the longest that is allowed"
        yield f"were {share}: they are not spread from 0 on"
    elif (different := len({round(share, 6) for share in shares})) < _DIFFERENT and count >= _MANY:
        yield f"were of {different} different lengths only: they are not drawn at random"
    elif 2 * exp(-2 * count * _distance(shares) ** 2) < CHANCE:
        middle = sorted(shares)[count // 2]
        yield f"were {middle:.2g} of the longest in the middle: they are not spread evenly"


def _distance(shares: Sequence[float]) -> float:
    """Return how far shares are from evenly spread ones: the statistic of Kolmogorov and Smirnov.

    That it is above d has a probability of 2 exp(-2 n d^2) at most, for every n: Massart, "The tight
    constant in the Dvoretzky-Kiefer-Wolfowitz inequality", 1990.
    """
    count = len(shares)
    return max(
        max((at + 1) / count - share, share - at / count) for at, share in enumerate(sorted(shares))
    )


def waits(view: View) -> Iterator[Wait]:
    """Yield each wait that a timer ended, or that there was not, and that nothing hurried."""
    since: float | None = None
    longest = 0.0
    embargoed = asked = False
    counted = True  # not after an end at the very end of `stable_after`, which may count either way
    for moment in view.moments:
        entry = moment.entry
        if isinstance(entry, SocketEnded):
            facts, socket = moment.after, moment.before.open
            if facts.failures <= 1:
                counted = True
            elif socket is not None and socket.opened is not None:
                stable = socket.opened + facts.timings.stable_after
                counted = counted and abs(stable - entry.time) > 1e-3
            waiting = facts.on_timer and (facts.mode is Mode.AUTO or facts.foreground)
            embargoed = facts.not_before > entry.time
            since = max(entry.time, facts.not_before) if waiting and counted else None
            longest = facts.backoff(facts.failures)
        elif isinstance(entry, Dialled):
            cause = moment.step.cause
            if since is not None and (cause is None or isinstance(cause, SocketEnded)):
                yield Wait(entry.time - since, longest, embargoed, asked)
            called = isinstance(cause, Called) and cause.name == "connect"
            asked = called and moment.step.start.on_timer
            since = None
        elif isinstance(entry, (Called, Reported)):
            since = None  # it may be hurried

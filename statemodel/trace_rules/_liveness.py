"""The library's own pings, and time: H1, H2, H5."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel.trace_rules._dials import after_the_window
from statemodel.trace_rules._facts import Facts, later, slack
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Moment
from statemodel.trace_rules._view import View
from statemodel.traces import CloseBegun, PingSent, Reported, SocketGone


def _out(facts: Facts, time: float) -> bool:
    """Tell whether one of the library's own pings is out for certain."""
    return any(p.deadline is None or later(p.deadline, time) for p in facts.own_pings())


def _heartbeat_by(facts: Facts) -> float | None:
    """Return when the next heartbeat is due at the latest."""
    socket = facts.open
    if socket is None or not facts.foreground or not socket.reading:
        return None
    own = facts.own_pings()
    over = [p.deadline for p in own if p.deadline is not None]
    if len(over) < len(own):
        return None
    start = max(socket.heard, facts.entered, socket.resumed)
    return max([start + facts.timings.heartbeat_interval, *over])


@rule(
    "H1",
    "In foreground a heartbeat goes out after `heartbeat_interval` without a frame, and none sooner.",
)
def heartbeats(view: View) -> Iterator[Complaint]:
    """H1."""
    told: float | None = None
    for moment in view.passing:
        by = _heartbeat_by(moment.before)
        if by is not None and later(moment.time, by) and by != told:
            told = by
            yield by, "no heartbeat went out after the interval without a frame"
    for moment, ping in view.of(PingSent):
        facts, socket = moment.before, moment.before.open
        if ping.command is not None or socket is None or not facts.foreground:
            continue
        if _is_probe(moment, ping):
            continue
        since = max(socket.heard, facts.entered)
        if _out(facts, moment.time):
            yield moment.time, "a heartbeat went out while one of the library's own pings is out"
        elif moment.time < since + facts.timings.heartbeat_interval - slack():
            yield moment.time, "a heartbeat went out before the interval without a frame"


def _is_probe(moment: Moment, entry: PingSent) -> bool:
    step = moment.step
    first = next((p for p in step.all(PingSent) if p.command is None), None)
    return step.returns and first is entry


@rule("H2", "Returning to the foreground with an open socket probes it in the same step.")
def probes(view: View) -> Iterator[Complaint]:
    """H2."""
    for step, _ in view.begun_by(Reported):
        start = step.start
        if not step.returns or step.timer:
            continue
        probed = any(p.command is None and p.socket == start.current for p in step.all(PingSent))
        if start.open is not None and start.wanted and not probed:
            yield step.time, "the open socket was not probed on return to the foreground"


@rule(
    "H5", "Nothing happens between a grace deadline that has passed and the close that it brings."
)
def grace_is_strict(view: View) -> Iterator[Complaint]:
    """H5."""
    told: int | None = None
    for moment in after_the_window(view):
        facts, entry = moment.before, moment.entry
        if facts.current != told:
            told = facts.current
            if not (isinstance(entry, (CloseBegun, SocketGone)) and entry.socket == facts.current):
                yield (
                    moment.time,
                    "the grace deadline had passed, and something else came before the close",
                )


RULES = (heartbeats, probes, grace_is_strict)

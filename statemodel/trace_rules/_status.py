"""What status listeners are told: T1-T7."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Status
from statemodel.trace_rules._facts import Facts, later, slack
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Moment
from statemodel.trace_rules._view import View
from statemodel.traces import (
    Called,
    Dialled,
    Refreshed,
    Reported,
    SocketEnded,
    SocketGone,
    SocketOpened,
    StatusSeen,
    Throttled,
)

_CONNECTING, _CONNECTED, _DISCONNECTED, _THROTTLED = Status  # a member by its name costs a search
_UP = (_CONNECTED, _THROTTLED)


def _status_of(facts: Facts) -> Status:
    """Return the status that the sockets amount to."""
    if facts.open is not None:
        return _THROTTLED if facts.open.throttled else _CONNECTED
    return _CONNECTING if facts.busy else _DISCONNECTED


@rule("T1", "After each step the status told last is the one that the sockets amount to.")
def function_of_sockets(view: View) -> Iterator[Complaint]:
    """T1."""
    wrong = False
    for step in view.steps:
        shown, amounts_to = step.end.shown, _status_of(step.end)
        if shown is not amounts_to and not wrong:
            yield step.time, f"the status is {shown}, but the sockets amount to {amounts_to}"
        wrong = shown is not amounts_to


@rule(
    "T2",
    "Changes are told once each, numbered and timed, and `retry_in` says when the next dial comes.",
)
def changes(view: View) -> Iterator[Complaint]:
    """T2."""
    for moment, seen in view.of(StatusSeen):
        yield from _well_formed(moment, seen)
    yield from _retry_in_shown(view)
    yield from _retry_in_kept(view)


def _well_formed(moment: Moment, seen: StatusSeen) -> Iterator[Complaint]:
    change, last = seen.change, moment.before.status
    number = 1 if last is None else last.sequence + 1
    if change.sequence != number:
        yield moment.time, f"change {change.sequence} came where {number} is due"
    if abs(change.time - seen.time) > slack():
        yield moment.time, f"a change of {change.time:g} was told at {seen.time:g}"
    if change.previous is not moment.before.shown:
        yield (
            moment.time,
            f"a change from {change.previous} was told when the status was {moment.before.shown}",
        )
    if change.retry_in is not None and change.current is not _DISCONNECTED:
        yield moment.time, f"{change.current} was told with a retry_in"
    if change.reason is None:
        yield moment.time, "a change was told without a reason"
    if change.current is moment.before.shown:
        told = None if last is None else (last.reason, last.retry_in)
        if change.current is not _DISCONNECTED or told == (change.reason, change.retry_in):
            yield moment.time, f"{change.current} was told although nothing had changed"


def _retry_in_shown(view: View) -> Iterator[Complaint]:
    wrong = False
    for step in view.steps:
        facts = step.end
        retry_in = None if facts.status is None else facts.status.retry_in
        bad = (retry_in is not None) != facts.on_timer
        if bad and not wrong:
            what = (
                "no retry_in is told although a retry is waited for"
                if facts.on_timer
                else "a retry_in is told although no retry is waited for"
            )
            yield step.time, what
        wrong = bad


def _retry_in_kept(view: View) -> Iterator[Complaint]:
    told: int | None = None
    for moment in view.moments:
        facts, status = moment.before, moment.before.status
        if status is None or status.retry_in is None or status.sequence == told:
            continue
        due = status.time + status.retry_in
        if facts.on_timer and later(moment.time, due):
            told = status.sequence
            yield moment.time, f"the dial that was announced for {due:g} did not come"
        hurried = isinstance(moment.step.cause, (Called, Reported, Refreshed))
        if isinstance(moment.entry, Dialled) and not hurried and later(due, moment.time):
            told = status.sequence
            yield moment.time, f"the dial that was announced for {due:g} came sooner"


@rule("T3", "After an open socket is lost the next status told is disconnected, in the same step.")
def losses_show(view: View) -> Iterator[Complaint]:
    """T3."""
    ends = [moment for moment, ended in view.of(SocketEnded) if ended.how == "loss"]
    for moment in (*ends, *(moment for moment, _ in view.of(SocketGone))):
        facts = moment.before
        if facts.open is None or facts.current == moment.after.current or facts.shown not in _UP:
            continue
        told = [e.change.current for e in moment.step.all(StatusSeen)]
        down = [status for status in told if status not in _UP]
        if not down or down[0] is not _DISCONNECTED:
            yield (
                moment.time,
                "an open socket was lost and the next status told is not disconnected",
            )


@rule("T6", "Connecting is told only while a dial, or the refresh within it, runs.")
def connecting(view: View) -> Iterator[Complaint]:
    """T6."""
    for moment, seen in view.of(StatusSeen):
        if seen.change.current is not _CONNECTING:
            continue
        if not any(_status_of(m.after) is _CONNECTING for m in moment.step.moments):
            yield moment.time, "connecting was told without a dial or a refresh"
    for step in view.steps:
        ends = step.start.busy and not step.end.busy
        if ends and step.start.shown is _CONNECTING and step.end.shown is _CONNECTING:
            yield step.time, "the status stays at connecting after the attempt has ended"


@rule(
    "T7",
    "A connection opens unthrottled, and throttled is told when, and only when, the server says so.",
)
def throttling(view: View) -> Iterator[Complaint]:
    """T7."""
    for moment, opened in view.of(SocketOpened):
        opens = moment.after.open is not None and moment.after.current == opened.socket
        if opens and moment.step.end.shown is _THROTTLED:
            yield moment.time, "a connection opened throttled"
    for moment, seen in view.of(StatusSeen):
        if seen.change.current is not _THROTTLED:
            continue
        known = (m.after.open for m in moment.step.moments)
        if not any(socket is not None and socket.throttled for socket in known):
            yield moment.time, "throttled was told without the server's word"
    for moment, throttled in view.of(Throttled):
        facts = moment.step.end
        if (
            facts.open is not None
            and facts.current == throttled.socket
            and facts.shown is not _status_of(facts)
        ):
            yield moment.time, f"the server's throttling is shown as {facts.shown}"


RULES = (function_of_sockets, changes, losses_show, connecting, throttling)

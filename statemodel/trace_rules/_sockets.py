"""Sockets, what they deliver, and the network under them: K1-K6, N1-N3."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Status
from statemodel.trace_rules._dials import attempts, missing_dials
from statemodel.trace_rules._facts import later, slack, timer_due
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Step
from statemodel.trace_rules._view import View
from statemodel.traces import (
    CloseBegun,
    Delivered,
    Dialled,
    FrameSeen,
    Reported,
    SocketEnded,
    SocketGone,
    SocketOpened,
    StatusSeen,
    Throttled,
)


@rule("K1", "No dial begins before the descriptor of every earlier socket is closed on our side.")
def one_socket(view: View) -> Iterator[Complaint]:
    """K1; of each dial once, however many sockets are there."""
    for moment, dialled in view.of(Dialled):
        for socket in moment.before.sockets.values():
            handed_back = socket.phase == "ended" and socket.closing is not None
            if socket.phase != "gone" and not handed_back:
                yield (
                    moment.time,
                    f"socket {dialled.socket} was dialled with socket {socket.number} still there",
                )
                break


@rule("K2", "What a socket that is gone still says has no effect.")
def stale(view: View) -> Iterator[Complaint]:
    """K2."""
    said: list[tuple[Step, SocketOpened | SocketEnded | FrameSeen | Throttled]] = [
        *view.begun_by(SocketOpened),
        *view.begun_by(SocketEnded),
        *view.begun_by(FrameSeen),
        *view.begun_by(Throttled),
    ]
    for step, entry in said:
        socket = step.start.sockets.get(entry.socket)
        if socket is None or socket.phase != "gone":
            continue
        if step.effects() and not step.timer:
            yield (
                step.time,
                f"{type(entry).__name__} of socket {entry.socket}, which is gone, had an effect",
            )


@rule(
    "K3",
    "After we closed it nothing is delivered, and no status but disconnected, until the connection is wanted again.",
)
def silence_after_close(view: View) -> Iterator[Complaint]:
    """K3."""
    for moment, delivered in view.of(Delivered):
        socket = moment.before.sockets.get(delivered.socket)
        if socket is not None and socket.muted:
            yield (
                moment.time,
                f"message {delivered.number} was delivered after socket {socket.number} was closed",
            )
    for moment, seen in view.of(StatusSeen):
        facts = moment.before
        ended_by_us = facts.why in ("disconnect", "logout", "shut_down", "background")
        if not facts.wanted and ended_by_us and seen.change.current is not Status.DISCONNECTED:
            yield (
                moment.time,
                f"the status became {seen.change.current} although the connection is not wanted",
            )


@rule("K4", "Closing shows as disconnected in its first step and is over by `close_timeout`.")
def closing(view: View) -> Iterator[Complaint]:
    """K4."""
    told: set[int] = set()
    for moment in view.passing:
        for socket in moment.before.closing:
            limit = (socket.closing or 0.0) + moment.before.timings.close_timeout
            if later(moment.time, limit) and socket.number not in told:
                told.add(socket.number)
                yield (
                    moment.time,
                    f"socket {socket.number} was closing for longer than close_timeout",
                )
    for moment, _ in view.of(CloseBegun):
        facts = moment.step.end
        if not facts.busy and facts.shown is not Status.DISCONNECTED:
            yield moment.time, f"closing shows as {facts.shown}"


@rule("K5", "A dial is given up when `dial_timeout` has passed, hello included.")
def dial_time(view: View) -> Iterator[Complaint]:
    """K5."""
    told: set[int] = set()
    for moment in view.passing:
        socket = moment.before.socket
        if socket is None or socket.phase != "dialling":
            continue
        limit = socket.dialled + moment.before.timings.dial_timeout
        if later(moment.time, limit) and socket.number not in told:
            told.add(socket.number)
            yield moment.time, f"socket {socket.number} was dialled for longer than dial_timeout"
    for moment, gone in view.of(SocketGone):
        facts, socket = moment.before, moment.before.socket
        if socket is None or socket.number != gone.socket or socket.phase != "dialling":
            continue
        over = facts.grace is not None and facts.time >= facts.grace - slack()
        early = not later(moment.time, socket.dialled + facts.timings.dial_timeout - 2 * slack())
        if facts.wanted and facts.online and not over and early:
            yield (
                moment.time,
                f"the dial of socket {gone.socket} was given up before dial_timeout without a cause",
            )


@rule(
    "K6",
    "Messages come in order and once each, and silence while we do not read costs no connection.",
)
def messages(view: View) -> Iterator[Complaint]:
    """K6."""
    last: dict[int, int] = {}
    newest = 0
    for moment, delivered in view.of(Delivered):
        number, before = delivered.number, last.get(delivered.socket)
        if before is not None and number != before + 1:
            yield (
                moment.time,
                f"message {number} of socket {delivered.socket} was delivered after message {before}",
            )
        if delivered.socket < newest:
            yield (
                moment.time,
                f"a message of socket {delivered.socket} came after one of socket {newest}",
            )
        last[delivered.socket] = number
        newest = max(newest, delivered.socket)
    for moment, gone in view.of(SocketGone):
        facts, socket = moment.before, moment.before.open
        if socket is None or socket.number != gone.socket or socket.reading:
            continue
        if facts.wanted and facts.online and facts.pings and not timer_due(facts, moment.time):
            yield moment.time, f"socket {gone.socket} was given up while our side was not reading"


@rule(
    "N1",
    "A network reported down takes the socket with it at once, and nothing is dialled until it is up.",
)
def offline(view: View) -> Iterator[Complaint]:
    """N1."""
    for moment in attempts(view):
        if not moment.before.online:
            yield moment.time, "an attempt began without a network"
    for step, report in view.begun_by(Reported):
        current = step.start.current
        if report.what != "network_down" or not step.start.online:
            continue
        if current is not None and step.end.sockets[current].phase != "gone":
            yield step.time, f"socket {current} was not given up when the network went down"


@rule(
    "N2",
    "A network reported up dials a wanted connection in the same step, if the server allows it.",
)
def back_online(view: View) -> list[Complaint]:
    """N2."""
    return missing_dials(view, "network_up")


@rule("N3", "A network reported up does nothing while the connection is not wanted.")
def not_wanted(view: View) -> Iterator[Complaint]:
    """N3."""
    for step, report in view.begun_by(Reported):
        if report.what != "network_up" or step.start.wanted:
            continue
        if (effects := step.effects()) and not step.timer:
            yield (
                step.time,
                f"the network coming up had an effect, {type(effects[0]).__name__}, with nothing wanted",
            )


RULES = (
    one_socket,
    stale,
    silence_after_close,
    closing,
    dial_time,
    messages,
    offline,
    back_online,
    not_wanted,
)

"""Pings, and what silence after them means: P1-P5."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Code
from statemodel.trace_rules._facts import Facts, Ping, Socket, later, same, slack
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Call, Moment
from statemodel.trace_rules._view import View
from statemodel.traces import CloseBegun, FrameSeen, PingSent, Returned, SocketGone


@rule("P1", "Each accepted ping call puts exactly one ping on the open socket.")
def one_ping_each(view: View) -> Iterator[Complaint]:
    """P1."""
    yield from misjudged(view, "P1")
    calls = {c.called.command: c for c in view.calls_of("ping")}
    sent: dict[int, int] = {}
    for moment, ping in view.of(PingSent):
        facts = moment.before
        if facts.open is None or facts.open.number != ping.socket:
            yield moment.time, "a ping went out on a socket that is not open"
        if ping.command is None:
            continue
        sent[ping.command] = sent.get(ping.command, 0) + 1
        if sent[ping.command] > 1:
            yield moment.time, f"call {ping.command} put a second ping on the wire"
        if ping.command not in calls:
            yield moment.time, f"a ping went out for call {ping.command}, which is none of ping"
    for call in calls.values():
        own = [p for p in call.start.step.all(PingSent) if p.command == call.called.command]
        if not own and call.refused is None and _acceptable(call.start.before):
            yield call.start.time, "an accepted ping call put no ping on the wire"


def _acceptable(facts: Facts) -> bool:
    return facts.open is not None and facts.user is not None and not facts.closed


@rule(
    "P2",
    "A ping call ends with its own pong, at its own deadline, or with its socket, whichever is first.",
)
def pings_end(view: View) -> Iterator[Complaint]:
    """P2."""
    for call in view.calls_of("ping"):
        sent = [p for p in call.start.step.all(PingSent) if p.command == call.called.command]
        if sent:
            yield from _ends_well(call, sent[0])
    told: set[int] = set()
    for moment, ping in view.once(_outlived):
        if ping.command in moment.before.waiting and ping.number not in told:
            told.add(ping.number)
            yield moment.time, f"call {ping.command} outlived the deadline of its pong"
    for step in view.steps:
        if not step.start.pings:
            continue
        for called in step.end.waiting.values():
            answered = [p for p in step.start.pings.values() if p.command == called.command]
            if called.name != "ping" or not answered:
                continue
            if step.end.open is None or step.end.open.number != answered[0].socket:
                yield step.time, f"call {called.command} outlived its socket"
            elif any(f.pong == answered[0].number for f in step.all(FrameSeen)):
                yield step.time, f"call {called.command} did not end with its pong"


def _outlived(view: View) -> list[tuple[Moment, Ping]]:
    """Return where time has passed beyond the deadline of a ping that is not answered."""
    return [
        (moment, ping)
        for moment in view.passing
        for ping in moment.before.pings.values()
        if ping.deadline is not None and later(moment.time, ping.deadline)
    ]


def _ends_well(call: Call, sent: PingSent) -> Iterator[Complaint]:
    end, returned = call.end, call.returned
    if end is None or returned is None:
        return
    if returned.code is None:
        if not any(
            f.pong == sent.ping and f.socket == sent.socket for f in end.step.all(FrameSeen)
        ):
            yield end.time, f"call {sent.command} succeeded without its pong"
        return
    ping = end.step.start.pings.get(sent.ping) or call.start.step.end.pings.get(sent.ping)
    if returned.code is Code.PING_TIMEOUT:
        due = ping.deadline if ping is not None else None
        if due is None or not same(due, end.time):
            yield end.time, f"call {sent.command} timed out at another time than its deadline"
    elif end.step.end.open is not None and end.step.end.open.number == sent.socket:
        yield (
            end.time,
            f"call {sent.command} failed with {returned.code} although its socket is open",
        )
    elif returned.code not in _codes_of_loss(end.step.end):
        yield (
            end.time,
            f"call {sent.command} failed with {returned.code}, which did not end its socket",
        )


def _codes_of_loss(facts: Facts) -> tuple[Code, ...]:
    if facts.wanted:
        return (Code.CONNECTION_LOST,)
    match facts.why:
        case "disconnect":
            return (Code.DISCONNECTED,)
        case "logout":
            return (Code.LOGGED_OUT,)
        case "shut_down":
            return (Code.CLOSED,)
        case "background":
            return (Code.CONNECTION_LOST, Code.APP_IN_BACKGROUND)
        case "failed":
            return (Code.CONNECTION_LOST, Code.CONNECTION_REFUSED)
        case _:
            return (Code.CONNECTION_LOST,)


@rule("P3", "A ping call (or a send) without an open socket is refused and changes nothing.")
def no_socket(view: View) -> list[Complaint]:
    """P3."""
    return misjudged(view, "P3")


@rule("P4", "A pong that answers no ping ends no call, and any frame counts as a sign of life.")
def stray_pongs(view: View) -> Iterator[Complaint]:
    """P4."""
    for step, frame in view.begun_by(FrameSeen):
        for returned in step.all(Returned):
            called = step.start.waiting.get(returned.command)
            if called is None or called.name != "ping" or returned.code is not None:
                continue
            ping = step.start.pings.get(frame.pong) if frame.pong is not None else None
            if ping is None or ping.command != called.command:
                yield (
                    step.time,
                    f"call {called.command} succeeded with a frame that does not answer it",
                )
    for moment, socket in view.once(_unprompted):
        pings = [
            p
            for p in moment.before.pings.values()
            if p.deadline is not None and same(p.deadline, moment.time)
        ]
        if pings and all(p.heard_since for p in pings):
            yield moment.time, f"socket {socket.number} was given up although frames came in"


def _unprompted(view: View) -> list[tuple[Moment, Socket]]:
    """Return where we give up an open socket though neither command, report nor window asks for it."""
    found = []
    ends: list[tuple[Moment, SocketGone | CloseBegun]] = [
        *view.of(SocketGone),
        *view.of(CloseBegun),
    ]
    for moment, given_up in ends:
        facts, socket = moment.before, moment.before.open
        if socket is None or given_up.socket != socket.number:
            continue
        over = facts.grace is not None and facts.time >= facts.grace - slack()
        if facts.wanted and facts.online and not over:
            found.append((moment, socket))
    return found


def _silent(ping: Ping, time: float) -> bool:
    return ping.deadline is not None and same(ping.deadline, time) and not ping.heard_since


@rule(
    "P5",
    "An open socket is lost when no frame follows a ping until the ping's deadline, and only then.",
)
def silence(view: View) -> Iterator[Complaint]:
    """P5."""
    told: set[int] = set()
    for moment, ping in view.once(_outlived):
        if not ping.heard_since and not ping.heard_before and ping.number not in told:
            told.add(ping.number)
            yield moment.time, f"socket {ping.socket} outlived the silence after ping {ping.number}"
    for moment, socket in view.once(_unprompted):
        if isinstance(moment.entry, CloseBegun):
            yield moment.time, f"socket {socket.number} was closed without a cause"
        elif not any(_silent(p, moment.time) for p in moment.before.pings.values()):
            yield (
                moment.time,
                f"socket {socket.number} was given up, but no ping was followed by silence to its limit",
            )


RULES = (one_ping_each, pings_end, no_socket, stray_pongs, silence)

"""How connect, disconnect and all that waits come to an end: C1-C8."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from statemodel._vocabulary import Code
from statemodel.trace_rules._dials import missing_dials, sockets_left, unwanted_attempts
from statemodel.trace_rules._facts import Facts, later, still_closing
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Call, Step
from statemodel.trace_rules._view import View
from statemodel.traces import Called, Cancelled, Dialled, Returned


@rule("C1", "A connect with an open socket succeeds in its step and opens no second one.")
def connected_already(view: View) -> Iterator[Complaint]:
    """C1."""
    yield from misjudged(view, "C1")
    for call in view.calls_of("connect"):
        facts, step = call.start.before, call.start.step
        if facts.open is None or facts.user is None or facts.closed or facts.auto_background:
            continue
        if not call.at_once:
            yield call.start.time, "a connect with an open socket did not succeed at once"
        if step.all(Dialled) and not step.timer:
            yield call.start.time, "a connect with an open socket dialled"


@rule(
    "C2", "A connect during an attempt starts no other one, and outlives failures that are retried."
)
def connects_join(view: View) -> Iterator[Complaint]:
    """C2."""
    yield from misjudged(view, "C2")
    for call in view.calls_of("connect"):
        facts, step = call.start.before, call.start.step
        if (
            facts.busy
            and facts.open is None
            and facts.wanted
            and step.all(Dialled)
            and not step.timer
        ):
            yield call.start.time, "a connect during an attempt started another one"
        returned, end = call.returned, call.end
        if end is None or returned is None or returned.code is None or call.at_once:
            continue
        if end.step.end.wanted and end.step.start.wanted:
            yield (
                end.time,
                f"a connect failed with {returned.code} although the connection is still wanted",
            )


@rule("C3", "A connect while waiting dials at once if the network and the server allow it.")
def connect_hurries(view: View) -> list[Complaint]:
    """C3."""
    return [*misjudged(view, "C3"), *missing_dials(view, "connect")]


@rule(
    "C4",
    "Every accepted call ends exactly once, in the step that decides it, and with the code of what decided it.",
)
def calls_end_once(view: View) -> Iterator[Complaint]:
    """C4."""
    yield from misjudged(view, "C4")
    for moment, returned in view.of(Returned):
        if returned.command not in moment.before.waiting:
            yield moment.time, f"call {returned.command} returned without waiting"
    told: set[int] = set()
    for step in view.steps:
        for number, called in step.end.waiting.items():
            if number not in told and (over := _should_have_ended(step, called)):
                told.add(number)
                yield step.time, f"{called.name} still waits: {over}"
    for earlier, step in pairwise(view.steps if view.calls_of("send") else ()):
        for number, called in earlier.end.waiting.items():
            late = earlier.end.open is None and later(step.time, earlier.time)
            if called.name == "send" and late and number not in told:
                told.add(number)
                yield step.time, "send still waits: its socket is gone"
    for call in view.calls_of("connect"):
        yield from _connect_end(call)
        end = call.end
        if end is None or not isinstance(end.entry, Cancelled) or end.step.timer:
            continue
        if effects := end.step.effects():
            yield end.time, f"cancelling connect did more than that: {type(effects[0]).__name__}"


def _should_have_ended(step: Step, called: Called) -> str:
    facts = step.end
    match called.name:
        case "connect" if facts.open is not None:
            return "the socket is open"
        case "connect" if not facts.wanted:
            return "the connection is not wanted any more"
        case "ping" if facts.open is None:
            return "there is no open socket"
        case "login" if facts.login != called.command:
            return "it does not run any more"
        case _:
            return ""


def _connect_end(call: Call) -> Iterator[Complaint]:
    end, returned = call.end, call.returned
    if end is None or returned is None or call.refused is not None:
        return
    if returned.code is None:
        opened = any(
            m.after.open is not None or m.before.open is not None for m in end.step.moments
        )
        if not opened:
            yield end.time, "a connect succeeded without an open socket"
    elif not end.step.end.wanted and returned.code not in _codes_of_unwanting(end.step.end):
        yield (
            end.time,
            f"a connect failed with {returned.code}, which is not why the connection is unwanted",
        )


def _codes_of_unwanting(facts: Facts) -> tuple[Code, ...]:
    match facts.why:
        case "disconnect":
            return (Code.DISCONNECTED,)
        case "logout":
            return (Code.LOGGED_OUT,)
        case "shut_down":
            return (Code.CLOSED,)
        case "background":
            return (Code.APP_IN_BACKGROUND,)
        case "failed" if facts.manual_background:
            return (Code.CONNECTION_REFUSED, Code.CONNECTION_LOST)
        case "failed":
            return (Code.CONNECTION_REFUSED,)
        case _:
            return (Code.CONNECTION_LOST,)


@rule(
    "C5",
    "A disconnect succeeds once its socket is closed or aborted, neither sooner nor later, and aborts if cancelled.",
)
def disconnects_end(view: View) -> Iterator[Complaint]:
    """C5."""
    yield from misjudged(view, "C5")
    for call in view.calls_of("disconnect"):
        end, returned = call.end, call.returned
        if (
            end is None
            or returned is None
            or call.start.before.closed
            or call.start.before.user is None
        ):
            continue
        closed = returned.code is Code.CLOSED and end.before.closed
        if returned.code is not None and not closed:
            yield end.time, f"a disconnect failed with {returned.code}"
        elif returned.code is None and end.step.end.closing:
            yield end.time, "a disconnect returned before its socket was gone"
    told: set[int] = set()
    for step in view.steps if view.calls_of("disconnect") else ():
        for number, called in step.end.waiting.items():
            if called.name == "disconnect" and number not in told and not still_closing(step.end):
                told.add(number)
                yield step.time, "a disconnect still waits although its socket is gone"
    for call in view.calls_of("disconnect", "logout", "shut_down"):
        yield from _cancelled(call)
    for step, called in view.begun_by(Called):
        if called.name == "disconnect":
            yield from _dial_cancelled(step)


def _cancelled(call: Call) -> Iterator[Complaint]:
    if call.end is None or not isinstance(call.end.entry, Cancelled):
        return
    own = (*call.start.before.sockets, *call.start.step.end.sockets)
    if any(socket.number in own for socket in call.end.step.end.closing):
        yield call.end.time, f"cancelling {call.called.name} did not abort the socket"


def _dial_cancelled(step: Step) -> Iterator[Complaint]:
    if step.end.why != "disconnect" or step.end.wanted:
        return
    for called in step.start.waiting.values():
        if called.name == "connect":
            returned = step.returned(called.command)
            if returned is None or returned.code is not Code.DISCONNECTED:
                yield step.time, f"the waiting connect did not fail with {Code.DISCONNECTED}"


@rule("C6", "A dial while the old socket is closing aborts the old one first.")
def old_one_first(view: View) -> Iterator[Complaint]:
    """C6."""
    for moment, dialled in view.of(Dialled):
        for socket in moment.before.closing:
            yield (
                moment.time,
                f"socket {dialled.socket} was dialled while socket {socket.number} was closing",
            )


@rule("C7", "Of many connects and disconnects the last one decides.")
def last_one_counts(view: View) -> list[Complaint]:
    """C7."""
    return [
        *misjudged(view, "C7"),
        *unwanted_attempts(view, "disconnect"),
        *sockets_left(view, "disconnect"),
        *missing_dials(view, "connect"),
    ]


@rule(
    "C8",
    "A connect in foreground without a network is accepted, and dials when the network comes up.",
)
def connect_offline(view: View) -> Iterator[Complaint]:
    """C8."""
    yield from misjudged(view, "C8")
    for call in view.calls_of("connect"):
        facts, step = call.start.before, call.start.step
        if facts.online or not facts.foreground or facts.user is None or facts.closed:
            continue
        if step.all(Dialled):
            yield call.start.time, "a connect dialled without a network"
    waits = {c.called.command for c in view.calls_of("connect") if not c.start.before.online}
    yield from missing_dials(
        view, "network_up", applies=lambda facts: any(c in waits for c in facts.waiting)
    )


RULES = (
    connected_already,
    connects_join,
    connect_hurries,
    calls_end_once,
    disconnects_end,
    old_one_first,
    last_one_counts,
    connect_offline,
)

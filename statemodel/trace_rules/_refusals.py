"""Which calls are turned down, with which code, and that nothing else comes of them."""

from __future__ import annotations

from typing import NamedTuple

from statemodel._vocabulary import Code
from statemodel.trace_rules._facts import Facts, later, slack
from statemodel.trace_rules._rule import Complaint
from statemodel.trace_rules._steps import Call
from statemodel.trace_rules._view import View
from statemodel.traces import PingSent

ELSEWHERE = (Code.INSECURE_URL, Code.MESSAGE_TOO_BIG, Code.CHAT_API_FAILURE)
"""Refusals for reasons that no trace shows."""


class Verdict(NamedTuple):
    """How a call has to fare in its own step."""

    rule: str
    code: Code | None
    """The refusal; `None` if it is accepted."""


def verdict(facts: Facts, call: Call) -> Verdict | None:
    """Return how a call has to fare given what is known before it; `None` if that is left open."""
    if facts.closed:
        return None if call.called.name == "shut_down" else Verdict("O4", Code.CLOSED)
    match call.called.name:
        case "connect":
            return _connect(facts)
        case "disconnect":
            if facts.user is None and facts.waits("logout"):
                return None
            return Verdict("S6", Code.NOT_LOGGED_IN) if facts.user is None else Verdict("C5", None)
        case "ping" | "send":
            return _on_socket(facts, call.called.name)
        case "login":
            return _login(facts, call)
        case "logout":
            return Verdict("S5", None)
        case _:
            return Verdict("O4", None)


def _connect(facts: Facts) -> Verdict | None:
    if facts.user is None:
        return Verdict("S6", Code.NOT_LOGGED_IN)
    if facts.auto_background:
        return Verdict("A5", Code.APP_IN_BACKGROUND)
    if facts.open is not None:
        return Verdict("C1", None)
    if facts.manual_background and not facts.busy:
        if not facts.online:
            return Verdict("M10", Code.NO_INTERNET_CONNECTION)
        if later(facts.not_before, facts.time):
            return Verdict("B4", Code.CONNECTION_LOST)
        return None if facts.not_before >= facts.time - slack() else Verdict("M10", None)
    if not facts.online:
        return Verdict("C8", None)
    if facts.busy:
        return Verdict("C2", None)
    return Verdict("C3" if facts.wanted else "C7", None)


def _on_socket(facts: Facts, name: str) -> Verdict:
    if facts.user is None:
        return Verdict("S6", Code.NOT_LOGGED_IN)
    if facts.open is None:
        return Verdict("P3", Code.NO_WEBSOCKET_CONNECTION)
    return Verdict("P1" if name == "ping" else "C4", None)


def _login(facts: Facts, call: Call) -> Verdict:
    if facts.login is not None:
        return Verdict("S7", Code.LOGIN_IN_PROGRESS)
    if facts.user is not None and facts.user != call.called.uid:
        return Verdict("S7", Code.ALREADY_LOGGED_IN)
    return Verdict("S7" if facts.user is not None else "S1", None)


def misjudged(view: View, number: str) -> list[Complaint]:
    """Return the calls that rule `number` would have had fare otherwise in their own step."""
    return view.once(_misjudged).get(number, [])


def _misjudged(view: View) -> dict[str, list[Complaint]]:
    """Return what is wrong with how calls fared, by rule."""
    found: dict[str, list[Complaint]] = {}
    for call in view.calls:
        expected = verdict(call.start.before, call)
        wrong = None if expected is None else _wrong(call, expected.code)
        if expected is not None and wrong is not None:
            complaint = (call.start.time, f"{call.called.name} was {wrong}")
            found.setdefault(expected.rule, []).append(complaint)
    return found


def _wrong(call: Call, code: Code | None) -> str | None:
    """Return what is wrong with a call that has to be refused with `code`, or accepted."""
    step = call.start.step
    if code is not None:
        if call.refused is not code and call.refused not in ELSEWHERE:
            return f"not refused with {code}"
        if (effects := step.effects()) and not step.timer:
            return f"refused, and yet something was done: {type(effects[0]).__name__}"
        return None
    if call.refused is None or call.refused in ELSEWHERE or step.timer:
        return None
    pinged = call.called.command in [p.command for p in step.all(PingSent)]
    return None if pinged else f"refused with {call.refused} without a reason"

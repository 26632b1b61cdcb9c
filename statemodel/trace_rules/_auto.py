"""Auto mode: A1-A5."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Mode
from statemodel.trace_rules._dials import attempts, missing_dials, sockets_left, unwanted_attempts
from statemodel.trace_rules._facts import Facts
from statemodel.trace_rules._refusals import ELSEWHERE, misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._view import View


def _auto(facts: Facts) -> bool:
    return facts.mode is Mode.AUTO


@rule(
    "A1",
    "In auto mode the background has no socket, no attempt and no connect that waits, from its first step on.",
)
def nothing_in_background(view: View) -> Iterator[Complaint]:
    """A1."""
    yield from sockets_left(view, "background", mode=Mode.AUTO)
    for moment in attempts(view):
        if moment.before.auto_background:
            yield moment.time, "an attempt began in background"
    for step in view.steps:
        facts = step.end
        if facts.waiting and facts.auto_background and facts.waits("connect"):
            yield step.time, "a connect waits in background"


@rule(
    "A2",
    "In auto mode, entering the foreground dials at once if the network and the server allow it.",
)
def foreground_dials(view: View) -> list[Complaint]:
    """A2."""
    return missing_dials(view, "foreground", applies=_auto)


@rule(
    "A3", "In auto mode, a connection lost in foreground is dialled again without being asked for."
)
def comes_back(view: View) -> list[Complaint]:
    """A3."""
    return missing_dials(view, "loss", applies=_auto)


@rule(
    "A4",
    "In auto mode, nothing is dialled after a disconnect until a connect, a new login or the next foreground.",
)
def held_down(view: View) -> list[Complaint]:
    """A4."""
    return [
        *unwanted_attempts(view, "disconnect", mode=Mode.AUTO),
        *sockets_left(view, "disconnect", mode=Mode.AUTO),
    ]


@rule(
    "A5",
    "In auto mode, connect is refused in background, and in foreground ends a hold and does not wait for back-off.",
)
def connect_in_auto(view: View) -> Iterator[Complaint]:
    """A5."""
    yield from misjudged(view, "A5")
    yield from missing_dials(view, "connect", applies=_auto)
    for call in view.calls_of("connect"):
        facts = call.start.before
        if facts.auto_background or not _auto(facts) or facts.user is None or facts.closed:
            continue
        if call.refused is not None and call.refused not in ELSEWHERE and not call.start.step.timer:
            yield call.start.time, f"connect in foreground was refused with {call.refused}"


RULES = (nothing_in_background, foreground_dials, comes_back, held_down, connect_in_auto)

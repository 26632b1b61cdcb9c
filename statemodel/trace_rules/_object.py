"""The connection object and what is reported to it: O3, O4."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Code
from statemodel.trace_rules._dials import sockets_left, unwanted_attempts
from statemodel.trace_rules._facts import Facts
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Step
from statemodel.trace_rules._view import View
from statemodel.traces import Reported, Returned, Stored


@rule("O3", "Reporting a life cycle or network state that holds already has no effect.")
def repeated_reports(view: View) -> Iterator[Complaint]:
    """O3."""
    for step, report in view.begun_by(Reported):
        if not _holds(step.start, report):
            continue
        if (step.effects() or step.all(Returned)) and not step.timer:
            yield step.time, f"a repeated report of {report.what} had an effect"


def _holds(facts: Facts, report: Reported) -> bool:
    match report.what:
        case "foreground" | "background":
            return facts.foreground == (report.what == "foreground")
        case "network_up" | "network_down":
            return facts.online == (report.what == "network_up")
        case _:
            return False


@rule(
    "O4",
    "Once the connection object ends its socket goes, every waiting call fails as closed, and nobody is forgotten.",
)
def ending(view: View) -> Iterator[Complaint]:
    """O4."""
    yield from misjudged(view, "O4")
    yield from sockets_left(view, "shut_down")
    yield from unwanted_attempts(view, "shut_down")
    for step in view.steps:
        if step.end.closed:
            yield from _left_waiting(step)
    for moment, stored in view.of(Stored):
        user = moment.before.user
        if (
            moment.before.closed
            and stored.what == "clear"
            and stored.phase == "begun"
            and user is not None
        ):
            yield moment.time, "the saved user was cleared by the end of the connection object"
    for call in view.calls_of("shut_down"):
        if call.returned is not None and call.end is not None and call.end.step.end.closing:
            yield call.end.time, "shut_down returned before its socket was gone"


def _left_waiting(step: Step) -> Iterator[Complaint]:
    facts = step.end
    for called in facts.waiting.values():
        if called.name != "shut_down":
            if not step.start.closed:
                yield step.time, f"{called.name} still waits after the end of the connection object"
        elif not facts.closing and not any(
            s.phase == "ended" and s.closing for s in facts.sockets.values()
        ):
            yield step.time, "shut_down still waits although its socket is gone"
    if not step.start.closed:
        for returned in step.all(Returned):
            called_before = step.start.waiting.get(returned.command)
            settles = (
                called_before is not None
                and called_before.name in ("disconnect", "logout")
                and not facts.closing
            )
            if called_before is not None and returned.code is not Code.CLOSED and not settles:
                yield step.time, f"{called_before.name} did not fail with {Code.CLOSED}"


RULES = (repeated_reports, ending)

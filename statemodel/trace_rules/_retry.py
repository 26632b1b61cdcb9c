"""Back-off, Retry-After, refusals and who is retried: B1-B7."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Code, Reason
from statemodel.trace_rules._dials import attempts, missing_dials, unwanted_attempts
from statemodel.trace_rules._facts import Facts, later, slack
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Moment, Step
from statemodel.trace_rules._view import View
from statemodel.traces import (
    Called,
    Dialled,
    Refreshed,
    Returned,
    SocketEnded,
    StatusSeen,
)


def _promises(view: View) -> list[tuple[Step, Facts, float]]:
    """Return the steps that end waiting for a timer, with the time of the dial that the status promises."""
    found = []
    for step in view.steps:
        facts, status = step.end, step.end.status
        if status is not None and status.retry_in is not None and facts.on_timer:
            found.append((step, facts, status.time + status.retry_in))
    return found


def _too_long(view: View) -> list[tuple[float, Facts]]:
    """Return where a wait after a loss is promised, or was, that is longer than the back-off."""
    found = []
    told: float | None = None
    for step, facts, due in view.once(_promises):
        by = facts.retry_by if facts.prompt == "loss" else None
        if by is not None and later(due, by) and due != told:
            told = due
            found.append((step.time, facts))
    for moment in view.moments:
        facts, by = moment.before, moment.before.retry_by
        if by is None or not later(moment.time, by) or by == told:
            continue
        if facts.prompt == "loss" and facts.on_timer:
            told = by
            found.append((moment.time, facts))
    return found


@rule("B1", "The wait before a retry is at most the back-off for the failures in a row, cap first.")
def backoff(view: View) -> Iterator[Complaint]:
    """B1 (and B3: its lower bound, zero, is any wait)."""
    for time, facts in view.once(_too_long):
        longest = facts.backoff(facts.failures)
        yield time, f"the wait is longer than {longest:g} after {facts.failures} failures in a row"


@rule("B2", "Failures are forgotten once the connection has stood for `stable_after`.")
def stable(view: View) -> Iterator[Complaint]:
    """B2."""
    for time, facts in view.once(_too_long):
        if facts.failures < facts.failures_ever:
            yield (
                time,
                f"the wait counts more than the {facts.failures} failures since the connection was stable",
            )


@rule(
    "B4",
    "Nothing is dialled before the time that the server's Retry-After names, whatever happens.",
)
def retry_after(view: View) -> Iterator[Complaint]:
    """B4."""
    yield from misjudged(view, "B4")
    for moment, _ in view.of(Dialled):
        if later(moment.before.not_before, moment.time):
            yield (
                moment.time,
                f"a dial began before {moment.before.not_before:g}, which the server had asked for",
            )
    for step, facts, due in view.once(_promises):
        if later(facts.not_before, due):
            yield (
                step.time,
                f"the retry is announced for {due:g}, before the server's {facts.not_before:g}",
            )


@rule(
    "B5",
    "An auth refusal is met with one refresh per stable connection; refused for good means no dial and a refused connect.",
)
def policy(view: View) -> Iterator[Complaint]:
    """B5."""
    yield from unwanted_attempts(view, "failed")
    yield from missing_dials(view, "refresh")
    for moment, ended in view.of(SocketEnded):
        if moment.before.current == ended.socket and moment.before.wanted:
            yield from _after_end(moment, ended)
    for moment, refreshed in view.of(Refreshed):
        cause = moment.step.cause
        if refreshed.phase == "refused" and moment.before.wanted:
            yield from _connects_refused(moment)
        if refreshed.phase == "begun" and not (
            isinstance(cause, SocketEnded) and cause.how == "auth"
        ):
            yield moment.time, "a refresh began without an auth refusal"
    told: float | None = None
    for moment in view.passing:
        since = moment.after.refreshing
        if (
            since is not None
            and since != told
            and later(moment.time, since + moment.after.timings.auth_timeout)
        ):
            told = since
            yield moment.time, "a refresh lasted longer than auth_timeout"


def _after_end(moment: Moment, ended: SocketEnded) -> Iterator[Complaint]:
    facts, step = moment.before, moment.step
    refreshes = any(r.phase == "begun" for r in step.all(Refreshed))
    if ended.how == "auth" and refreshes and facts.refreshed == "yes" and not _stable_now(facts):
        yield moment.time, "the credentials were refreshed twice since the connection was stable"
    if ended.how == "loss" and _told_refused(step):
        yield moment.time, "a mere loss was taken for a refusal for good"
    may_be_lost = facts.manual_background and facts.open is not None
    if ended.how == "auth" and not refreshes and facts.refreshed == "no" and not may_be_lost:
        yield moment.time, "an auth refusal was not met with a refresh"
    yield from _connects_refused(moment)


def _connects_refused(moment: Moment) -> Iterator[Complaint]:
    """Yield the waiting connects that do not end as the connection does, when it is refused for good."""
    facts, step = moment.before, moment.step
    if step.end.why == "failed" and not step.end.wanted and not facts.manual_background:
        for called in facts.waiting.values():
            returned = step.returned(called.command)
            if called.name == "connect" and (
                returned is None or returned.code is not Code.CONNECTION_REFUSED
            ):
                yield (
                    moment.time,
                    f"the waiting connect did not fail with {Code.CONNECTION_REFUSED}",
                )


def _told_refused(step: Step) -> bool:
    told = any(seen.change.reason is Reason.REFUSED for seen in step.all(StatusSeen))
    return told or any(r.code is Code.CONNECTION_REFUSED for r in step.all(Returned))


def _stable_now(facts: Facts) -> bool:
    socket = facts.open
    if socket is None or socket.opened is None:
        return False
    return facts.time >= socket.opened + facts.timings.stable_after - slack()


@rule(
    "B6",
    "No attempt begins offline, logged out, unwanted, or in background unless a command began it there.",
)
def no_retries(view: View) -> Iterator[Complaint]:
    """B6."""
    for moment in attempts(view):
        facts, cause = moment.before, moment.step.cause
        if not facts.online or facts.user is None or not facts.wanted:
            yield moment.time, "an attempt began offline, logged out or unwanted"
        elif facts.auto_background:
            yield moment.time, "an attempt began in background"
        elif facts.manual_background:
            called = isinstance(cause, Called) and cause.name == "connect"
            refreshing = isinstance(moment.entry, Refreshed) or isinstance(cause, Refreshed)
            if not called and not refreshing:
                yield moment.time, "a retry began in background"


@rule(
    "B7",
    "In foreground an open socket that the server closes in the ordinary way is dialled again.",
)
def closed_by_server(view: View) -> list[Complaint]:
    """B7."""
    return missing_dials(view, "loss", applies=lambda facts: facts.lost_open)


RULES = (backoff, stable, retry_after, policy, no_retries, closed_by_server)

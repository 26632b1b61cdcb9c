"""Logging in and out: S1-S8."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Code, Mode
from statemodel.trace_rules._dials import attempts, missing_dials, sockets_left, unwanted_attempts
from statemodel.trace_rules._facts import later, slack, still_closing
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Call, Moment, Step
from statemodel.trace_rules._view import View
from statemodel.traces import Called, Dialled, Refreshed, Reported, Stored

_LOGIN = ["authenticate begun", "authenticate done", "save begun", "save done"]


@rule(
    "S1",
    "A login succeeds right after authenticating and saving, each in its time, and otherwise fails and keeps nothing.",
)
def login(view: View) -> Iterator[Complaint]:
    """S1."""
    yield from misjudged(view, "S1")
    for call in view.calls_of("login"):
        if call.start.after.login == call.called.command:
            yield from _login_end(view, call)
            yield from _nothing_kept(view, call)
    for step, stored in view.begun_by(Stored):
        yield from _login_goes_on(step, stored)
    logins = [c.start for c in view.calls_of("login") if c.start.after.login == c.called.command]
    yield from _begun_in_vain(view, "authenticate", logins)
    refreshes = [m for m, e in view.of(Refreshed) if e.phase == "done"]  # B5: kept, too
    yield from _begun_in_vain(view, "save", [*logins, *refreshes])
    told: set[int] = set()
    for moment in view.moments if view.calls_of("login") else ():
        facts = moment.before
        if facts.login is not None and facts.login not in told:
            since = [t for t in (facts.authenticating, facts.saving) if t is not None]
            if since and later(moment.time, max(since) + facts.timings.auth_timeout):
                told.add(facts.login)
                yield moment.time, "a login outlived the time for authenticating or saving"


def _begun_in_vain(view: View, what: str, reasons: list[Moment]) -> Iterator[Complaint]:
    """Complain of each authenticating, saving or clearing that has no reason of its own before it."""
    asked = [moment for moment, e in view.of(Stored) if e.what == what and e.phase == "begun"]
    left = sorted(moment.index for moment in reasons)
    for moment in asked:
        if left and left[0] <= moment.index:
            del left[0]
        else:
            yield moment.time, f"to {what} was begun once more than anybody had asked for"


def _login_end(view: View, call: Call) -> Iterator[Complaint]:
    returned = call.returned
    if returned is None or call.end is None:
        return
    entries = view.between(call.start, call.end)
    phases = iter([f"{e.what} {e.phase}" for e in entries if isinstance(e, Stored)])
    in_order = all(phase in phases for phase in _LOGIN)
    if returned.code is None and not in_order:
        yield returned.time, "a login succeeded before the user was authenticated and saved"
    for code, what in (
        (Code.AUTHENTICATION_FAILED, "authenticate"),
        (Code.SESSION_NOT_SAVED, "save"),
    ):
        if returned.code is code and not _phase_failed(view, call.end, what):
            yield (
                returned.time,
                f"a login failed with {code}, but to {what} had neither failed nor taken too long",
            )


def _phase_failed(view: View, end: Moment, what: str) -> bool:
    facts = end.before
    since = facts.authenticating if what == "authenticate" else facts.authenticated
    if since is not None and end.time >= since + end.before.timings.auth_timeout - slack():
        return True
    return any(
        isinstance(e, Stored) and e.what == what and e.phase == "failed" for e in view.at(end.time)
    )


def _login_goes_on(step: Step, stored: Stored) -> Iterator[Complaint]:
    running = step.start.login
    if running is None or stored.what == "clear":
        return
    returned = step.returned(running)
    if stored.phase == "failed":
        since = step.start.authenticating if stored.what == "authenticate" else step.start.saving
        code = (
            Code.AUTHENTICATION_FAILED if stored.what == "authenticate" else Code.SESSION_NOT_SAVED
        )
        if since is not None and (returned is None or returned.code is not code):
            yield step.time, f"the login did not fail with {code}"
    elif stored.what == "save" and step.start.saving is not None and not step.timer:
        well = returned is not None and returned.code is None
        if not well:
            yield step.time, "the login did not succeed once the user was saved"


def _nothing_kept(view: View, call: Call) -> Iterator[Complaint]:
    end = call.end
    if end is None or (call.returned is not None and call.returned.code in (None, Code.CLOSED)):
        return
    begun = next(
        (m for m, e in _saves(view, call.start.index, end.index) if e.phase == "begun"), None
    )
    later_call = (m.index for m, e in view.of(Called) if m.index > end.index and e.name == "login")
    saved = next(
        (
            m
            for m, e in _saves(view, end.index, next(later_call, len(view.moments)))
            if e.phase == "done"
        ),
        None,
    )
    if begun is None or saved is None:
        return
    entries = view.between(begun, saved.step.moments[-1])
    if not any(isinstance(e, Stored) and e.what == "clear" and e.phase == "begun" for e in entries):
        yield saved.time, "a user stays saved whose login did not succeed"


def _saves(view: View, first: int, last: int) -> Iterator[tuple[Moment, Stored]]:
    return ((m, e) for m, e in view.of(Stored) if e.what == "save" and first <= m.index < last)


@rule("S2", "In auto mode and in foreground a login that succeeds is followed by a dial at once.")
def login_dials(view: View) -> list[Complaint]:
    """S2."""
    return missing_dials(view, "login")


@rule("S3", "In manual mode logging in opens nothing.")
def login_opens_nothing(view: View) -> list[Complaint]:
    """S3."""
    return unwanted_attempts(view, "login", mode=Mode.MANUAL)


@rule(
    "S4",
    "A restored user counts as logged in without authenticating, and is connected in auto mode only.",
)
def restored(view: View) -> Iterator[Complaint]:
    """S4."""
    yield from missing_dials(view, "restored")
    for step, report in view.begun_by(Reported):
        if report.what == "restored":
            if any(s.what == "authenticate" for s in step.all(Stored)):
                yield step.time, "a restored user was authenticated again"
            if step.start.mode is Mode.MANUAL and step.all(Dialled):
                yield step.time, "a restored user was connected in manual mode"


@rule(
    "S5",
    "A logout takes the socket down, clears the saved user after any save, and says if it could not.",
)
def logout(view: View) -> Iterator[Complaint]:
    """S5."""
    yield from misjudged(view, "S5")
    yield from sockets_left(view, "logout")
    yield from unwanted_attempts(view, "logout")
    calls = view.calls_of("login", "logout")  # what a login that failed has saved is cleared, too
    yield from _begun_in_vain(view, "clear", [call.start for call in calls])
    for call in view.calls_of("logout"):
        if call.refused is None and not call.start.before.closed:
            yield from _logout_step(call.start)
            yield from _logout_end(view, call)


def _logout_step(start: Moment) -> Iterator[Complaint]:
    before, step = start.before, start.step
    if before.login is not None:
        returned = step.returned(before.login)
        if returned is None or returned.code is not Code.LOGGED_OUT:
            yield start.time, f"the running login did not fail with {Code.LOGGED_OUT}"
    begun = any(s.what == "clear" and s.phase == "begun" for s in step.all(Stored))
    to_clear = before.user is not None and before.saving is None and not before.clearing
    if to_clear and not begun:
        yield start.time, "the saved user was not cleared"


def _logout_end(view: View, call: Call) -> Iterator[Complaint]:
    clears = [
        e.phase
        for e in view.between(call.start, call.end)
        if isinstance(e, Stored) and e.what == "clear"
    ]
    required = call.start.before.user is not None
    yield from _logout_overdue(view, call, required=required)
    if call.end is None or call.returned is None:
        return
    own = call.start.before.sockets
    closing = any(socket.number in own for socket in call.end.step.end.closing)
    if closing and call.returned.code is not Code.CLOSED:
        yield call.end.time, "a logout returned before its socket was gone"
    if call.returned.code is None and required and "done" not in clears:
        yield call.end.time, "a logout succeeded before the saved user was cleared"
    not_cleared = call.returned.code is Code.SESSION_NOT_CLEARED
    if not_cleared and required and "failed" not in clears and not _gave_up(view, call):
        yield (
            call.end.time,
            f"a logout failed with {Code.SESSION_NOT_CLEARED}, but clearing had not failed",
        )
    if call.returned.code not in (None, Code.SESSION_NOT_CLEARED, Code.CLOSED):
        yield call.end.time, f"a logout failed with {call.returned.code}"


def _gave_up(view: View, call: Call) -> bool:
    """Tell whether a clearing was given up during a call, or at the very instant in which it ended."""
    assert call.end is not None, "asked of a call that has ended"
    return any(
        isinstance(e, Stored) and e.what == "clear" and e.phase == "given_up"
        for e in (*view.between(call.start, call.end), *view.at(call.end.time))
    )


def _logout_overdue(view: View, call: Call, *, required: bool) -> Iterator[Complaint]:
    cleared = False
    if call.start.before.saving is not None:
        return  # the clearing may come at any time after that save
    command = call.called.command
    for step in [step for step in view.steps if command in step.end.waiting]:
        cleared = cleared or any(s.what == "clear" and s.phase != "begun" for s in step.all(Stored))
        facts = step.end
        at_work = facts.clearing or facts.saving is not None
        if not at_work and (cleared or not required) and not still_closing(facts):
            yield step.time, "a logout still waits although its socket is gone and the user cleared"
            return


@rule(
    "S6",
    "With nobody logged in, connecting, disconnecting, pinging and sending are refused and do nothing.",
)
def nobody(view: View) -> Iterator[Complaint]:
    """S6."""
    yield from misjudged(view, "S6")
    for call in view.calls_of("connect", "disconnect", "ping", "send"):
        if call.refused is Code.NOT_LOGGED_IN and call.start.before.user is not None:
            yield (
                call.start.time,
                f"{call.called.name} was refused with {Code.NOT_LOGGED_IN} with somebody logged in",
            )


@rule(
    "S7",
    "A login is refused while another runs or somebody else is logged in, and is nothing new for the same user.",
)
def second_login(view: View) -> Iterator[Complaint]:
    """S7."""
    yield from misjudged(view, "S7")
    for call in view.calls_of("login"):
        facts = call.start.before
        if facts.closed or facts.login is not None or facts.user != call.called.uid:
            continue
        effects = call.start.step.effects() if not call.start.step.timer else []
        if not call.at_once or effects:
            yield (
                call.start.time,
                "logging in the user who is logged in was not an immediate success without effect",
            )


@rule("S8", "With nobody logged in there is no socket, no attempt and no connect that waits.")
def idle(view: View) -> Iterator[Complaint]:
    """S8."""
    for moment in attempts(view):
        if moment.before.user is None:
            yield moment.time, "an attempt began with nobody logged in"
    for step in view.steps:
        facts = step.end
        if facts.user is None and step.start.user is not None:
            if facts.current is not None:
                yield step.time, f"socket {facts.current} is left with nobody logged in"
            if facts.waits("connect"):
                yield step.time, "a connect waits with nobody logged in"


RULES = (
    login,
    login_dials,
    login_opens_nothing,
    restored,
    logout,
    nobody,
    second_login,
    idle,
)

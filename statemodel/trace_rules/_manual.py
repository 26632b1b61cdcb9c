"""Manual mode: M1-M12."""

from __future__ import annotations

from collections.abc import Iterator

from statemodel._vocabulary import Code, Mode, Reason
from statemodel.trace_rules._dials import (
    after_the_window,
    missing_dials,
    sockets_left,
    unwanted_attempts,
)
from statemodel.trace_rules._facts import Facts, same, slack, timer_due
from statemodel.trace_rules._refusals import misjudged
from statemodel.trace_rules._rule import Complaint, rule
from statemodel.trace_rules._steps import Moment
from statemodel.trace_rules._view import View
from statemodel.traces import (
    Called,
    CloseBegun,
    PingSent,
    Reported,
    SocketGone,
    StatusSeen,
)


def _manual(facts: Facts) -> bool:
    return facts.mode is Mode.MANUAL


@rule(
    "M1",
    "In manual mode nothing is dialled that no connect has asked for, and a connect is granted.",
)
def only_connect(view: View) -> Iterator[Complaint]:
    """M1."""
    yield from unwanted_attempts(view, mode=Mode.MANUAL)
    yield from missing_dials(view, "connect", applies=_manual)


@rule("M2", "In manual mode a disconnect leaves no socket and no attempt until the next connect.")
def disconnect_lasts(view: View) -> list[Complaint]:
    """M2."""
    return [
        *unwanted_attempts(view, "disconnect", mode=Mode.MANUAL),
        *sockets_left(view, "disconnect", mode=Mode.MANUAL),
    ]


def _early(view: View) -> list[Moment]:
    """Return where we end a socket in background without a cause before the window is over."""
    closes, aborts = view.of(CloseBegun), view.of(SocketGone)
    found = [moment for moment, close in closes if _is_early(moment, close.socket)]
    for moment, gone in aborts:
        if _is_early(moment, gone.socket) and not timer_due(moment.before, moment.time):
            found.append(moment)
    return found


def _is_early(moment: Moment, socket: int) -> bool:
    facts = moment.before
    if socket != facts.current or facts.grace is None:
        return False
    in_window = facts.wanted and facts.online and facts.manual_background
    return in_window and moment.time < facts.grace - slack()


def _overdue(view: View) -> list[Moment]:
    """Return the first moment after each grace deadline that still finds the socket."""
    found: list[Moment] = []
    told: int | None = None
    for moment in after_the_window(view):
        if moment.before.current != told and not _on_time(moment):
            told = moment.before.current
            found.append(moment)
    return found


def _on_time(moment: Moment) -> bool:
    """Tell whether a moment is of the instant in which a window ends, whatever is told first there."""
    step = moment.step
    return step.cause is None and step.start.wanted and same(moment.time, step.time)


def _window(view: View, *origins: str) -> Iterator[Complaint]:
    for moment in view.once(_early):
        if moment.before.grace_from in origins:
            yield (
                moment.time,
                f"the socket was ended before the grace window, which ends at {moment.before.grace:g}",
            )
    for moment in view.once(_overdue):
        if moment.before.grace_from in origins:
            known = [
                m.after.grace for m in view.moments[: moment.index] if m.after.grace is not None
            ]
            when = f", which ended at {known[-1]:g} s" if known else ""
            yield moment.time, f"the socket was still there after the grace window{when}"


@rule(
    "M3",
    "Entering the background with a socket opens a window of `background_grace`, no longer and no shorter.",
)
def window_opens(view: View) -> Iterator[Complaint]:
    """M3."""
    return _window(view, "background")


@rule(
    "M4",
    "A ping accepted in background by the deadline, and only that, moves it to `background_grace` after the call.",
)
def pings_extend(view: View) -> Iterator[Complaint]:
    """M4."""
    yield from _window(view, "ping")
    for moment in view.once(_overdue):
        if moment.before.grace_from != "ping" and _refused_ping(view, moment):
            yield moment.time, "a refused ping seems to have moved the grace deadline"


def _refused_ping(view: View, moment: Moment) -> bool:
    calls = (
        c for c in view.calls_of("ping") if c.start.index < moment.index and c.refused is not None
    )
    return any(c.start.before.manual_background for c in calls)


@rule(
    "M5",
    "When the window is over the socket is closed at once, with that reason, and stays down in foreground too.",
)
def window_ends(view: View) -> Iterator[Complaint]:
    """M5."""
    for moment in view.once(_overdue):
        yield moment.time, "the socket was not closed at the end of the grace window"
    yield from sockets_left(view, "grace")
    yield from unwanted_attempts(view, "grace")
    for moment, seen in view.of(StatusSeen):
        step = moment.step
        over = step.end.why == "grace" and not step.end.wanted
        if step.cause is not None or not over or seen.change.reason is Reason.BACKGROUND_TIMEOUT:
            continue
        if any(e.socket == step.start.current for e in step.all(CloseBegun)):
            yield moment.time, f"the end of the grace window was told as {seen.change.reason}"


@rule("M6", "Entering the foreground by the deadline keeps the same socket and closes the window.")
def window_closes(view: View) -> Iterator[Complaint]:
    """M6."""
    for step, report in view.begun_by(Reported):
        start = step.start
        if report.what != "foreground" or not start.manual_background:
            continue
        if (
            start.wanted
            and start.current is not None
            and step.end.current != start.current
            and not step.timer
        ):
            yield step.time, "the socket did not live through entering the foreground"
    for moment, close in view.of(CloseBegun):
        facts = moment.before
        if _manual(facts) and facts.foreground and facts.wanted and facts.current == close.socket:
            yield moment.time, "the socket was closed in foreground without a command"


@rule(
    "M7",
    "In manual mode what is lost or refused in background is not dialled again until a connect.",
)
def lost_in_background(view: View) -> list[Complaint]:
    """M7."""
    return unwanted_attempts(view, "lost", mode=Mode.MANUAL)


@rule("M8", "In manual mode entering the background while waiting gives the connection up.")
def waiting_in_background(view: View) -> Iterator[Complaint]:
    """M8."""
    yield from unwanted_attempts(view, "waiting")
    for step in view.steps:
        if step.end.why == "waiting" and step.start.wanted and not step.end.wanted:
            for called in step.start.waiting.values():
                returned = step.returned(called.command)
                if called.name == "connect" and (
                    returned is None or returned.code is not Code.CONNECTION_LOST
                ):
                    yield step.time, f"the waiting connect did not fail with {Code.CONNECTION_LOST}"


@rule(
    "M9",
    "In manual mode, a connection lost in foreground is dialled again without being asked for.",
)
def comes_back(view: View) -> list[Complaint]:
    """M9."""
    return missing_dials(view, "loss", applies=_manual)


@rule(
    "M10",
    "In manual mode connect works in background, with a window of its own if it dials, but not offline.",
)
def connect_in_background(view: View) -> Iterator[Complaint]:
    """M10."""
    yield from misjudged(view, "M10")
    yield from _window(view, "connect")
    yield from missing_dials(view, "connect", applies=lambda facts: facts.manual_background)
    for moment in view.once(_overdue):
        joins = (m for m, c in view.of(Called) if c.name == "connect" and m.index < moment.index)
        if moment.before.grace_from != "connect" and any(m.before.grace is not None for m in joins):
            yield (
                moment.time,
                "a connect that found a socket seems to have moved the grace deadline",
            )


@rule("M11", "A ping before the background does not lengthen the window.")
def early_pings(view: View) -> Iterator[Complaint]:
    """M11."""
    for moment in view.once(_overdue):
        if moment.before.grace_from == "background":
            pings = (
                m
                for m, p in view.of(PingSent)
                if p.socket == moment.before.current and m.index < moment.index
            )
            if any(m.before.foreground for m in pings):
                yield (
                    moment.time,
                    "a ping from before the background seems to have lengthened the window",
                )


@rule("M12", "The library sends no ping of its own in background.")
def no_own_pings(view: View) -> Iterator[Complaint]:
    """M12."""
    for moment, ping in view.of(PingSent):
        if ping.command is None and not moment.before.foreground:
            yield moment.time, "the library pinged in background"


RULES = (
    only_connect,
    disconnect_lasts,
    window_opens,
    pings_extend,
    window_ends,
    window_closes,
    lost_in_background,
    waiting_in_background,
    comes_back,
    connect_in_background,
    early_pings,
    no_own_pings,
)

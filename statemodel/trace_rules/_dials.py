"""When attempts begin that should not, and do not begin that should; for the rules about either."""

from __future__ import annotations

from collections.abc import Callable

from statemodel._vocabulary import Mode
from statemodel.trace_rules._facts import Facts, Prompt, Why, later, slack
from statemodel.trace_rules._rule import Complaint
from statemodel.trace_rules._steps import Moment, Step
from statemodel.trace_rules._view import View
from statemodel.traces import Dialled, Refreshed

_NAMES: dict[Why, str] = {
    "never": "nothing asked for a connection",
    "login": "only a login came before it",
    "disconnect": "a disconnect holds the connection down",
    "logout": "the user has logged out",
    "shut_down": "the connection object has ended",
    "background": "the application is in background",
    "grace": "the grace window has run out",
    "lost": "the connection was lost in background",
    "waiting": "the application went to background while waiting",
    "failed": "the server has refused for good",
}


def attempts(view: View) -> list[Moment]:
    """Return where a dial or a refresh of credentials begins."""
    return view.once(_attempts)


def _attempts(view: View) -> list[Moment]:
    dials = [moment for moment, _ in view.of(Dialled)]
    return dials + [m for m, refreshed in view.of(Refreshed) if refreshed.phase == "begun"]


def unwanted_attempts(view: View, *whys: Why, mode: Mode | None = None) -> list[Complaint]:
    """Return the attempts that begin while the connection is unwanted for one of these reasons."""
    return [
        (moment.time, f"an attempt began although {_NAMES[moment.before.why]}")
        for moment in view.once(_unwanted)
        if (not whys or moment.before.why in whys) and mode in (None, moment.before.mode)
    ]


def _unwanted(view: View) -> list[Moment]:
    return [moment for moment in attempts(view) if not moment.before.wanted]


def sockets_left(view: View, *whys: Why, mode: Mode | None = None) -> list[Complaint]:
    """Return the steps that make the connection unwanted and leave a socket dialling or open."""
    return [
        (step.time, f"socket {step.end.current} was kept although {_NAMES[step.end.why]}")
        for step in view.once(_kept)
        if step.end.why in whys and mode in (None, step.end.mode)
    ]


def _kept(view: View) -> list[Step]:
    """Return the steps that make the connection unwanted and leave a socket."""
    left = [step for step in view.steps if not step.end.wanted and step.end.current is not None]
    return [step for step in left if step.start.wanted or step.start.why != step.end.why]


def after_the_window(view: View) -> list[Moment]:
    """Return the moments after a grace deadline that still find its socket."""
    return view.once(_after_the_window)


def _after_the_window(view: View) -> list[Moment]:
    late = [m for m in view.moments if not m.before.wanted and m.before.why == "grace"]
    return [moment for moment in late if moment.before.current is not None]


def missing_dials(
    view: View, prompt: Prompt, *, applies: Callable[[Facts], bool] | None = None
) -> list[Complaint]:
    """Return where a dial that `prompt` calls for does not begin in time."""
    found: list[Complaint] = []
    told: float | None = None
    for by, facts, time in view.once(_missing):
        if facts.prompt != prompt or by == told or (applies is not None and not applies(facts)):
            continue
        if time is None:
            told = by
            found.append((by, f"no dial by the latest time for one ({prompt})"))
        elif prompt != "loss":
            told = by
            found.append((time, f"no dial in the step that calls for one ({prompt})"))
    return found


def _missing(view: View) -> list[tuple[float, Facts, float | None]]:
    """Return when a dial was due at the latest, and the end of its step if that calls for it."""
    found: list[tuple[float, Facts, float | None]] = []
    for step in view.steps:
        for moment in step.moments:
            facts, by = moment.before, moment.before.retry_by
            if by is not None and later(moment.time, by) and facts.on_timer:
                found.append((by, facts, None))
        facts, by = step.end, step.end.retry_by
        if by is not None and by <= step.time + slack() and facts.on_timer:
            found.append((by, facts, step.time))
    return found

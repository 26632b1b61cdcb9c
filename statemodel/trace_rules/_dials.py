"""When attempts begin that should not, and do not begin that should; for the rules about either."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from statemodel._vocabulary import Mode
from statemodel.trace_rules._facts import EPSILON, Facts, Prompt, Why, later
from statemodel.trace_rules._rule import Complaint
from statemodel.trace_rules._view import Moment, View
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


def attempts(view: View) -> Iterator[Moment]:
    """Yield where a dial or a refresh of credentials begins."""
    for moment in view.moments:
        entry = moment.entry
        if isinstance(entry, Dialled) or (isinstance(entry, Refreshed) and entry.phase == "begun"):
            yield moment


def unwanted_attempts(view: View, *whys: Why, mode: Mode | None = None) -> Iterator[Complaint]:
    """Yield the attempts that begin while the connection is unwanted for one of these reasons."""
    for moment in attempts(view):
        facts = moment.before
        if not facts.wanted and (not whys or facts.why in whys) and mode in (None, facts.mode):
            yield moment.time, f"an attempt began although {_NAMES[facts.why]}"


def sockets_left(view: View, *whys: Why, mode: Mode | None = None) -> Iterator[Complaint]:
    """Yield the steps that make the connection unwanted and leave a socket dialling or open."""
    for step in view.steps:
        before, after = step.start, step.end
        if (
            after.wanted
            or after.current is None
            or after.why not in whys
            or mode not in (None, after.mode)
        ):
            continue
        if before.wanted or before.why != after.why:
            yield step.time, f"socket {after.current} was kept although {_NAMES[after.why]}"


def missing_dials(
    view: View, prompt: Prompt, *, applies: Callable[[Facts], bool] | None = None
) -> Iterator[Complaint]:
    """Yield where a dial that `prompt` calls for does not begin in time."""
    told: float | None = None
    for moment in view.moments:
        facts = moment.before
        by = _due(facts, prompt, applies)
        if by is not None and later(moment.time, by) and by != told:
            told = by
            yield by, f"no dial by the latest time for it ({prompt})"
        last = moment is moment.step.moments[-1]
        by = _due(moment.after, prompt, applies) if last else None
        if by is not None and by <= moment.time + EPSILON and prompt != "loss" and by != told:
            told = by
            yield moment.time, f"no dial in the step that calls for it ({prompt})"


def _due(facts: Facts, prompt: Prompt, applies: Callable[[Facts], bool] | None) -> float | None:
    due = facts.on_timer and facts.prompt == prompt and (applies is None or applies(facts))
    return facts.retry_by if due else None

"""How the wish for a connection comes and goes: the rulebook's own words on it, and nothing else.

Every function writes to the facts that it is given.
"""

from __future__ import annotations

from collections.abc import Callable

from statemodel._vocabulary import Mode
from statemodel.trace_rules._facts import Facts, Prompt, Why, later, same, slack
from statemodel.traces import SocketEnded

_AUTO, _MANUAL = Mode  # a member by its name costs a search


def unwant(facts: Facts, why: Why) -> None:
    """The connection is not wanted any more."""
    facts.wanted = False
    facts.why = why
    facts.grace = facts.retry_by = facts.refreshing = None
    if facts.refreshed != "no":
        facts.refreshed = "maybe"


def want(facts: Facts, prompt: Prompt) -> None:
    """The connection is wanted; without a socket, and with a network, it is dialled now."""
    facts.wanted = True
    if not facts.busy and facts.online:
        dial_now(facts, prompt)


def dial_now(facts: Facts, prompt: Prompt) -> None:
    """A dial is due at once, or when the server allows it (B4)."""
    facts.retry_by = facts.time
    if facts.not_before >= facts.time - slack():
        facts.retry_by = facts.not_before + facts.backoff(facts.failures)
    facts.prompt = prompt


def logged_in(facts: Facts, uid: str, prompt: Prompt) -> None:
    """Somebody is logged in from now on (S2, S3, S4)."""
    facts.user, facts.login = uid, None
    if facts.mode is _MANUAL:
        unwant(facts, "login")
    elif facts.foreground:
        want(facts, prompt)
    else:
        unwant(facts, "background")


def background(facts: Facts) -> None:
    """The foreground was left (A1, M3, M8)."""
    facts.foreground = False
    if facts.mode is _AUTO:
        if not facts.closed and facts.user is not None:
            unwant(facts, "background")
    elif facts.wanted and facts.busy:
        facts.grace = facts.time + facts.timings.background_grace
        facts.grace_from = "background"
    elif facts.wanted:
        unwant(facts, "waiting")


def foreground(facts: Facts) -> None:
    """The foreground was entered (A2, M6)."""
    facts.foreground, facts.entered, facts.grace = True, facts.time, None
    if facts.mode is _AUTO and facts.user is not None and not facts.closed:
        want(facts, "foreground")


def network_down(facts: Facts) -> None:
    """The network was reported down (N1, M7)."""
    facts.online, facts.retry_by, facts.refreshing = False, None, None
    if facts.refreshed == "yes":
        facts.refreshed = "maybe"
    if facts.wanted and facts.manual_background:
        unwant(facts, "lost")


def network_up(facts: Facts) -> None:
    """The network was reported up (N2)."""
    facts.online = True
    if facts.on_timer:
        dial_now(facts, "network_up")


def connect(facts: Facts) -> None:
    """A `connect` was accepted (M1, M10, A5)."""
    if facts.closed or facts.user is None or facts.auto_background:
        return
    if facts.manual_background and not facts.busy:
        facts.grace = facts.time + facts.timings.background_grace
        facts.grace_from = "connect"
    want(facts, "connect")


def failed_attempt(
    facts: Facts, retry_after: float | None = None, *, was_open: bool = False
) -> None:
    """A dial failed or a socket was lost while it was wanted (B1, B4, M7)."""
    if retry_after is not None and retry_after > 0:
        wait = min(retry_after, facts.timings.retry_after_cap)
        facts.not_before = max(facts.not_before, facts.time + wait)
    facts.failures += 1
    facts.failures_ever += 1
    facts.refreshing, facts.lost_open = None, was_open
    if facts.manual_background:
        unwant(facts, "lost")
        return
    facts.retry_by = max(facts.time, facts.not_before) + facts.backoff(facts.failures)
    facts.prompt = "loss"


def refused_for_good(facts: Facts) -> None:
    """The connection has failed (B5)."""
    facts.failures += 1
    facts.failures_ever += 1
    unwant(facts, "failed")


def ended(facts: Facts, entry: SocketEnded, *, was_open: bool, refreshes: bool) -> None:
    """The current socket was ended by the other side, or its dial failed (B5)."""
    if not facts.wanted:
        return
    if entry.how == "loss":
        failed_attempt(facts, entry.retry_after, was_open=was_open)
    elif entry.how != "auth" or not refreshes:
        refused_for_good(facts)


def gone_by_us(facts: Facts) -> None:
    """We gave the current socket up: by a command or report, at the grace deadline, or as lost."""
    if not facts.wanted or not facts.online:
        return
    if grace_over(facts):
        unwant(facts, "grace")
    else:
        failed_attempt(facts)


def grace_over(facts: Facts) -> bool:
    """Tell whether the grace deadline may have fired by now."""
    return facts.grace is not None and facts.time >= facts.grace - slack()


def refresh_failed(facts: Facts) -> None:
    """A refresh could not be had: a failed dial (B5)."""
    failed_attempt(facts)
    facts.refreshed = "maybe"


def pass_time(facts: Facts, time: float) -> Facts:
    """Return facts at `time`, the deadlines before it passed in their order."""
    due = _passed(facts, time)
    if due is None and facts.time == time:
        return facts
    facts = facts.copy()
    while due is not None:
        when, act = due
        facts.time = max(when, facts.time)
        act(facts)
        due = _passed(facts, time)
    facts.time = time
    return facts


def _passed(facts: Facts, time: float) -> tuple[float, Callable[[Facts], None]] | None:
    """Return the first deadline before `time`, with what its passing means."""
    due: list[tuple[float, Callable[[Facts], None]]] = []
    if facts.grace is not None and facts.wanted and later(time, facts.grace):
        due.append((facts.grace, _grace_passed))
    if facts.refreshing is not None:
        limit = facts.refreshing + facts.timings.auth_timeout
        if later(time, limit):
            due.append((limit, refresh_failed))
    socket = facts.open
    if socket is not None and (facts.failures > 0 or facts.refreshed != "no"):
        assert socket.opened is not None, "it is open"
        stable = socket.opened + facts.timings.stable_after
        if later(time, stable):
            due.append((stable, _stable))
    return min(due, key=lambda deadline: deadline[0]) if due else None


def _grace_passed(facts: Facts) -> None:
    unwant(facts, "grace")


def _stable(facts: Facts) -> None:
    facts.failures, facts.refreshed = 0, "no"


def just_stable(facts: Facts) -> None:
    """At the very end of `stable_after`, leave open whether the refresh is forgotten."""
    socket = facts.open
    if socket is None or socket.opened is None or facts.refreshed == "no":
        return
    if same(socket.opened + facts.timings.stable_after, facts.time):
        facts.refreshed = "maybe"

"""How the wish for a connection comes and goes: the rulebook's own words on it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from statemodel._vocabulary import Mode
from statemodel.trace_rules._facts import EPSILON, Facts, Prompt, Why, later, same
from statemodel.traces import SocketEnded


def unwant(facts: Facts, why: Why) -> Facts:
    """The connection is not wanted any more."""
    return replace(
        facts,
        wanted=False,
        why=why,
        grace=None,
        retry_by=None,
        refreshing=None,
        refreshed="no" if facts.refreshed == "no" else "maybe",
    )


def want(facts: Facts, prompt: Prompt) -> Facts:
    """The connection is wanted; without a socket, and with a network, it is dialled now."""
    facts = replace(facts, wanted=True)
    return facts if facts.busy or not facts.online else dial_now(facts, prompt)


def dial_now(facts: Facts, prompt: Prompt) -> Facts:
    """A dial is due at once, or when the server allows it (B4)."""
    by = facts.time
    if facts.not_before >= facts.time - EPSILON:
        by = facts.not_before + facts.backoff(facts.failures)
    return replace(facts, retry_by=by, prompt=prompt)


def logged_in(facts: Facts, uid: str, prompt: Prompt) -> Facts:
    """Somebody is logged in from now on (S2, S3, S4)."""
    facts = replace(facts, user=uid, login=None)
    if facts.mode is Mode.MANUAL:
        return unwant(facts, "login")
    return want(facts, prompt) if facts.foreground else unwant(facts, "background")


def background(facts: Facts) -> Facts:
    """The foreground was left (A1, M3, M8)."""
    facts = replace(facts, foreground=False)
    if facts.mode is Mode.AUTO:
        return facts if facts.closed or facts.user is None else unwant(facts, "background")
    if facts.busy and facts.wanted:
        grace = facts.time + facts.timings.background_grace
        return replace(facts, grace=grace, grace_from="background")
    return unwant(facts, "waiting") if facts.wanted else facts


def foreground(facts: Facts) -> Facts:
    """The foreground was entered (A2, M6)."""
    facts = replace(facts, foreground=True, entered=facts.time, grace=None)
    if facts.mode is Mode.AUTO and facts.user is not None and not facts.closed:
        return want(facts, "foreground")
    return facts


def network_down(facts: Facts) -> Facts:
    """The network was reported down (N1, M7)."""
    facts = replace(facts, online=False, retry_by=None, refreshing=None)
    if facts.refreshed == "yes":
        facts = replace(facts, refreshed="maybe")
    return unwant(facts, "lost") if facts.wanted and facts.manual_background else facts


def network_up(facts: Facts) -> Facts:
    """The network was reported up (N2)."""
    facts = replace(facts, online=True)
    return dial_now(facts, "network_up") if facts.on_timer else facts


def connect(facts: Facts) -> Facts:
    """A `connect` was accepted (M1, M10, A5)."""
    if facts.closed or facts.user is None or facts.auto_background:
        return facts
    if facts.manual_background and not facts.busy:
        grace = facts.time + facts.timings.background_grace
        facts = replace(facts, grace=grace, grace_from="connect")
    return want(facts, "connect")


def failed_attempt(
    facts: Facts, retry_after: float | None = None, *, was_open: bool = False
) -> Facts:
    """A dial failed or a socket was lost while it was wanted (B1, B4, M7)."""
    not_before = facts.not_before
    if retry_after is not None and retry_after > 0:
        wait = min(retry_after, facts.timings.retry_after_cap)
        not_before = max(not_before, facts.time + wait)
    facts = replace(
        facts,
        failures=facts.failures + 1,
        failures_ever=facts.failures_ever + 1,
        not_before=not_before,
        refreshing=None,
        lost_open=was_open,
    )
    if facts.manual_background:
        return unwant(facts, "lost")
    by = max(facts.time, not_before) + facts.backoff(facts.failures)
    return replace(facts, retry_by=by, prompt="loss")


def refused_for_good(facts: Facts) -> Facts:
    """The connection has failed (B5)."""
    facts = replace(facts, failures=facts.failures + 1, failures_ever=facts.failures_ever + 1)
    return unwant(facts, "failed")


def ended(facts: Facts, entry: SocketEnded, *, was_open: bool, refreshes: bool) -> Facts:
    """The current socket was ended by the other side, or its dial failed (B5)."""
    if not facts.wanted:
        return facts
    if entry.how == "loss":
        return failed_attempt(facts, entry.retry_after, was_open=was_open)
    if entry.how == "auth" and refreshes:
        return facts
    return refused_for_good(facts)


def gone_by_us(facts: Facts) -> Facts:
    """We gave the current socket up: by a command or report, at the grace deadline, or as lost."""
    if not facts.wanted or not facts.online:
        return facts
    if grace_over(facts):
        return unwant(facts, "grace")
    return failed_attempt(facts)


def grace_over(facts: Facts) -> bool:
    """Tell whether the grace deadline may have fired by now."""
    return facts.grace is not None and facts.time >= facts.grace - EPSILON


def refresh_failed(facts: Facts) -> Facts:
    """A refresh could not be had: a failed dial (B5)."""
    return replace(failed_attempt(facts), refreshed="maybe")


def pass_time(facts: Facts, time: float) -> Facts:
    """Let the deadlines before `time` pass, in their order; then it is `time`."""
    while True:
        due = [
            (when, index, act)
            for index, (when, act) in enumerate(_passing(facts))
            if later(time, when)
        ]
        if not due:
            return replace(facts, time=time)
        when, _, act = min(due, key=lambda entry: entry[:2])
        facts = act(replace(facts, time=max(when, facts.time)))


def _passing(facts: Facts) -> list[tuple[float, Callable[[Facts], Facts]]]:
    result: list[tuple[float, Callable[[Facts], Facts]]] = []
    if facts.grace is not None and facts.wanted:
        result.append((facts.grace, lambda f: unwant(f, "grace")))
    if facts.refreshing is not None:
        result.append((facts.refreshing + facts.timings.auth_timeout, refresh_failed))
    unstable = facts.failures > 0 or facts.refreshed != "no"
    if unstable and facts.open is not None and facts.open.opened is not None:
        result.append((facts.open.opened + facts.timings.stable_after, _stable))
    return result


def _stable(facts: Facts) -> Facts:
    return replace(facts, failures=0, refreshed="no")


def just_stable(facts: Facts) -> Facts:
    """At the very end of `stable_after`, leave open whether the refresh is forgotten."""
    socket = facts.open
    if socket is None or socket.opened is None or facts.refreshed == "no":
        return facts
    if same(socket.opened + facts.timings.stable_after, facts.time):
        return replace(facts, refreshed="maybe")
    return facts

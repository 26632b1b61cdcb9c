"""The theorems: the rules about time, as formulas over a place and over a step.

A theorem that speaks of *always* follows from the invariant wherever one is; one that speaks of a
*step* follows from the invariant before it and from what the step does. Each names the conjuncts
that it is drawn from.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from statemodel._table import Disposition
from statemodel.proof._invariant import Place, owed_spread
from statemodel.proof._logic import (
    Formula,
    Number,
    choose,
    conjunction,
    greatest,
    implies,
    negation,
)
from statemodel.proof._steps import FRAME, TIME_PASSES, Clocks, Group

Claim: TypeAlias = tuple[Formula, Formula] | None
"""A premise and a conclusion; `None` where the theorem says nothing."""
Always: TypeAlias = Callable[[Place, Clocks, Clocks], Claim]
"""What is claimed of a place, its clocks and the settings."""
OfStep: TypeAlias = Callable[[Group, Clocks, Clocks, Clocks], Claim]
"""What is claimed of a step, the clocks before and after it, and the settings."""

PAUSED = frozenset({"manual", "background", "socket"})
"""A manual connection in background that has a socket."""

OTHER_CAUSES = frozenset(
    {
        *("disconnect", "logout", "shut_down"),  # commands
        "network_lost",  # a report
        *(
            "socket_closed",
            "dial_failed",
            "credentials_denied",
            "server_refused",
        ),  # the peer's ends
        *("refresh_failed", "peer_silent"),
        *("dial_due", "refresh_due"),  # time limits of other timers
    }
)
"""What may end a socket in background before its window is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A theorem before it is proved."""

    name: str
    """By which reports and controls name it."""
    rules: tuple[str, ...]
    """The rules that it states."""
    words: str
    """The same in plain words."""
    relies: tuple[str, ...] = ()
    """The conjuncts that it is drawn from."""
    always: Always | None = None
    """What is claimed of every moment."""
    step: OfStep | None = None
    """What is claimed of every step."""


def _grace_at_most(place: Place, clocks: Clocks, settings: Clocks) -> Claim:
    end = clocks["granted"] + settings["background_grace"]
    return (True, clocks["now"] <= end) if place >= PAUSED else None


def _grace_at_least(group: Group, before: Clocks, _: Clocks, settings: Clocks) -> Claim:
    paused = {"manual", "socket"} <= group.source and "background" in group.source | group.target
    ended = "socket" not in group.target or {"abort", "close"} & set(group.actions)
    if not paused or not ended:
        return None
    if group.event != "grace_due":
        return True, group.event in OTHER_CAUSES
    return True, before["now"] >= before["granted"] + settings["background_grace"]


def _ended_for_good(group: Group, _: Clocks, __: Clocks, ___: Clocks) -> Claim:
    over = group.event == "grace_due" and group.source >= PAUSED
    unwanted = "manual" in group.source and "wanted" not in group.source
    if not over and (not unwanted or group.event in ("connect", TIME_PASSES, FRAME)):
        return None
    gone = not group.target & {"wanted", "socket", "waiting"}
    return True, gone and not {"dial", "refresh"} & set(group.actions)


def _foreground_keeps(group: Group, _: Clocks, after: Clocks, __: Clocks) -> Claim:
    if group.event != "enter_foreground" or not group.source >= PAUSED:
        return None
    link = {"connecting", "refreshing", "connected", "wanted", "socket"}
    same = group.source & link == group.target & link and "window" not in group.target
    touched = {"abort", "close", "dial", "refresh"} & set(group.actions)
    return True, conjunction(same and not touched, negation(after["grace_armed"]))


def _tie(group: Group, before: Clocks, after: Clocks, settings: Clocks) -> Claim:
    if group.event not in ("ping", "enter_foreground") or "window" not in group.source:
        return None
    again = after["grace_due"] == before["now"] + settings["background_grace"]
    won = implies(after["grace_armed"], again)
    kept = "socket" in group.target and "wanted" in group.target
    return before["now"] == before["grace_due"], conjunction(kept, won)


def _at_most(state: str, witness: str, setting: str) -> Always:
    def always(place: Place, clocks: Clocks, settings: Clocks) -> Claim:
        end = clocks[witness] + settings[setting]
        return (True, clocks["now"] <= end) if state in place else None

    return always


def _at_least(event: str, state: str, witness: str, setting: str) -> OfStep:
    def step(group: Group, before: Clocks, _: Clocks, settings: Clocks) -> Claim:
        if group.event != event or state not in group.source:
            return None
        return True, conjunction(
            state not in group.target, before["now"] == before[witness] + settings[setting]
        )

    return step


def _attempt(place: Place, clocks: Clocks, settings: Clocks) -> Claim:
    longest = 2 * settings["dial_timeout"] + settings["auth_timeout"]
    inside = place & {"connecting", "refreshing"}
    return (True, clocks["now"] <= clocks["attempt_begun"] + longest) if inside else None


def _retry_drawn(place: Place, clocks: Clocks, settings: Clocks) -> Claim:
    if "backing_off" not in place:
        return None
    begin = greatest(clocks["failed_at"], clocks["not_before"])
    due, most = clocks["retry_due"], owed_spread(clocks, settings)
    drawn = conjunction(begin <= due, due < begin + most, clocks["spread"] == most)
    return True, conjunction(drawn, clocks["now"] <= due)


def _retry_dials(group: Group, _: Clocks, __: Clocks, ___: Clocks) -> Claim:
    if group.event != "retry_due" or "backing_off" not in group.source:
        return None
    return True, "dial" in group.actions


def _forgotten(group: Group, before: Clocks, _: Clocks, settings: Clocks) -> Claim:
    if "forget_failures" not in group.actions:
        return None
    stable = before["now"] == before["opened"] + settings["stable_after"]
    return True, conjunction({"connected"} <= group.source & group.target, stable)


def _counted(_: Place, clocks: Clocks, __: Clocks) -> Claim:
    return True, clocks["ceiling"] == clocks["owed_ceiling"]


def _told_to_wait(group: Group, _: Clocks, after: Clocks, __: Clocks) -> Claim:
    return (True, after["not_before"] <= after["now"]) if "dial" in group.actions else None


def _wait_ends(place: Place, clocks: Clocks, settings: Clocks) -> Claim:
    now, cap = clocks["now"], settings["retry_after_cap"]
    if "backing_off" in place:
        return True, now <= clocks["failed_at"] + cap + owed_spread(clocks, settings)
    return (True, now <= clocks["told_at"] + cap) if "held_off" in place else None


def _held_off_dials(group: Group, before: Clocks, _: Clocks, __: Clocks) -> Claim:
    if group.event != "embargo_due" or "held_off" not in group.source:
        return None
    return True, conjunction("dial" in group.actions, before["now"] == before["not_before"])


_TWO = frozenset({"dial", "refresh"})
"""Their firing may arm a retry that is due at once; every other firing only takes timers away."""


def _due_now(clocks: Clocks) -> Number:
    """Return how much is left to fire at this very moment."""
    total: Number = 0.0
    for name in clocks:
        timer = name.removesuffix("_armed")
        if timer != name:
            due = conjunction(clocks[name], clocks[f"{timer}_due"] <= clocks["now"])
            total += choose(due, 2.0 if timer in _TWO else 1.0, 0.0)
    return total


def _fires(group: Group, before: Clocks, after: Clocks, _: Clocks) -> Claim:
    if group.timer is None:
        return None
    if group.disposition is not Disposition.HANDLED:
        return True, False
    return True, _due_now(after) < _due_now(before)


_ALL_RUN = tuple(
    f"{timer}_runs"
    for timer in (
        *(
            "grace",
            "authenticate",
            "save",
            "dial",
            "refresh",
            "close",
            "stable",
            "embargo",
            "retry",
        ),
        "heartbeat",
    )
)

STATEMENTS = (
    Statement(
        name="grace_at_most",
        rules=("M3", "M4", "M5", "M10", "M11"),
        words=(
            "In manual mode and background a socket exists at most until `background_grace` after "
            "the latest of: entering the background, a ping accepted there, the connect that "
            "dialled there."
        ),
        relies=("background_has_its_window", "grace_runs", "window_not_longer"),
        always=_grace_at_most,
    ),
    Statement(
        name="grace_at_least",
        rules=("M3", "M4", "M10", "M11"),
        words=(
            "Before that moment it is neither closed nor aborted, but by a command, a lost network, "
            "an end by the peer, or the time limit of a dial or refresh."
        ),
        relies=("background_has_its_window", "window_not_shorter"),
        step=_grace_at_least,
    ),
    Statement(
        name="ended_for_good",
        rules=("M1", "M5"),
        words=(
            "Once the window is over the connection is unwanted, and no event but connect, the "
            "foreground included, makes an unwanted manual connection wanted or dials."
        ),
        step=_ended_for_good,
    ),
    Statement(
        name="foreground_ends_the_window",
        rules=("M6",),
        words="Entering the foreground stops the grace timer, and the same socket goes on.",
        step=_foreground_keeps,
    ),
    Statement(
        name="the_call_wins_a_tie",
        rules=("M4", "M6", "H4"),
        words=(
            "A ping or an entering of the foreground at exactly the deadline keeps the socket; after "
            "the ping the window is `background_grace` long again."
        ),
        step=_tie,
    ),
    Statement(
        name="dial_at_most",
        rules=("K5",),
        words="A dial lasts at most `dial_timeout`.",
        relies=("dial_runs", "dial_counts"),
        always=_at_most("connecting", "dial_begun", "dial_timeout"),
    ),
    Statement(
        name="dial_at_least",
        rules=("K5",),
        words="The dial timer gives a dial up only when it has lasted `dial_timeout`.",
        relies=("dial_counts",),
        step=_at_least("dial_due", "connecting", "dial_begun", "dial_timeout"),
    ),
    Statement(
        name="refresh_at_most",
        rules=("B5",),
        words="A refresh of the credentials lasts at most `auth_timeout`.",
        relies=("refresh_runs", "refresh_counts"),
        always=_at_most("refreshing", "refresh_begun", "auth_timeout"),
    ),
    Statement(
        name="refresh_at_least",
        rules=("B5",),
        words="The refresh timer gives a refresh up only when it has lasted `auth_timeout`.",
        relies=("refresh_counts",),
        step=_at_least("refresh_due", "refreshing", "refresh_begun", "auth_timeout"),
    ),
    Statement(
        name="attempt_at_most",
        rules=("K5", "B5"),
        words=(
            "An attempt, with the refresh and the second dial within it, lasts at most "
            "2 * `dial_timeout` + `auth_timeout`."
        ),
        relies=(
            "attempt_begins_with_its_dial", "attempt_refreshes_in_time",
            "attempt_dials_again_in_time", "dial_runs", "dial_counts", "refresh_runs",
            "refresh_counts",
        ),
        always=_attempt,
    ),
    Statement(
        name="close_at_most",
        rules=("K4",),
        words="A closing socket is gone at most `close_timeout` after its close began.",
        relies=("close_runs", "close_counts"),
        always=_at_most("closing", "close_begun", "close_timeout"),
    ),
    Statement(
        name="close_at_least",
        rules=("K4",),
        words="The close timer aborts only a close that has lasted `close_timeout`.",
        relies=("close_counts",),
        step=_at_least("close_due", "closing", "close_begun", "close_timeout"),
    ),
    Statement(
        name="retry_is_drawn",
        rules=("B1", "B3", "B4"),
        words=(
            "The wait before retry n, the first one too, is drawn from 0 to below min(`backoff_cap`, "
            "`backoff_base` * 2^(n-1)); it begins with the failure or, if later, where the server's "
            "Retry-After ends, and ends in a dial."
        ),
        relies=("retry_is_drawn", "retry_runs"),
        always=_retry_drawn,
        step=_retry_dials,
    ),
    Statement(
        name="failures_are_counted",
        rules=("B1", "B2"),
        words=(
            "Each loss counts once and nothing else does; the count goes back only `stable_after` "
            "after the connection opened."
        ),
        relies=("failures_are_counted", "stable_counts"),
        always=_counted,
        step=_forgotten,
    ),
    Statement(
        name="server_wait_is_kept",
        rules=("B4",),
        words="No dial begins before the server's Retry-After is over.",
        relies=("no_socket_while_told_to_wait", "embargo_counts", "retry_is_drawn"),
        step=_told_to_wait,
    ),
    Statement(
        name="server_wait_ends",
        rules=("B4",),
        words=(
            "The retry comes at most `retry_after_cap` + min(`backoff_cap`, ...) after the failure; "
            "who is held off dials at the end of the Retry-After, at most `retry_after_cap` after "
            "it was said."
        ),
        relies=(
            "retry_runs", "retry_is_drawn", "retry_after_came_with_the_failure", "embargo_runs",
            "embargo_counts", "retry_after_is_capped",
        ),
        always=_wait_ends,
        step=_held_off_dials,
    ),
    Statement(
        name="time_goes_on",
        rules=("G3", "H4"),
        words=(
            "Every timer that is due is heard where it fires, and leaves less to fire at the same "
            "moment: time is never stopped."
        ),
        relies=(*_ALL_RUN, "embargo_counts", "retry_is_drawn"),
        step=_fires,
    ),
)  # fmt: skip
"""The theorems, in the order of the report."""

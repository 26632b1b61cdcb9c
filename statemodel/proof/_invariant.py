"""The invariant: what is always so, strong enough to follow from itself over one step.

Each conjunct is a sentence and a formula over a place (the states that the proof sees) and the
clocks. It names the conjuncts that it needs beside itself to survive a step, so that a theorem
stands on those alone that it uses, and falls alone when they fall.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from statemodel.proof._logic import Formula, conjunction, greatest, iff, implies, least
from statemodel.proof._steps import Clocks

Place: TypeAlias = frozenset[str]
"""The states of a configuration that the proof sees."""
Sentence: TypeAlias = Callable[[Place, Clocks, Clocks], Formula]
"""What a conjunct says of a place, its clocks and the settings."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conjunct:
    """One part of the invariant."""

    name: str
    """By which reports name it."""
    words: str
    """The same in plain words."""
    relies: tuple[str, ...] = ()
    """The other conjuncts that its step needs."""
    holds: Sentence
    """The formula."""


def owed_spread(clocks: Clocks, settings: Clocks) -> Formula:
    """Return the upper end of the wait that the rules want after the failures so far (B1)."""
    return least(settings["backoff_cap"], clocks["owed_ceiling"])


def _runs(timer: str, state: str, *, whole: bool = True) -> Conjunct:
    """Say when a timer is armed: in one state, all the time or (`whole=False`) until it fires."""

    def holds(place: Place, clocks: Clocks, _: Clocks) -> Formula:
        armed, inside = clocks[f"{timer}_armed"], state in place
        if armed is False and not inside:
            return True
        return conjunction(
            iff(armed, inside) if whole else implies(armed, inside),
            implies(armed, clocks["now"] <= clocks[f"{timer}_due"]),
        )

    where = "exactly" if whole else "only"
    return Conjunct(
        name=f"{timer}_runs",
        words=f"The {timer} timer is armed {where} in `{state}`, and never overdue.",
        holds=holds,
    )


def _counts(timer: str, state: str, witness: str, setting: str, words: str) -> Conjunct:
    """Say from when an armed timer counts, and for how long."""

    def holds(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
        if state not in place:
            return True
        exact = clocks[f"{timer}_due"] == clocks[witness] + settings[setting]
        return implies(clocks[f"{timer}_armed"], exact)

    return Conjunct(name=f"{timer}_counts", words=words, holds=holds)


def _has_window(place: Place, _: Clocks, __: Clocks) -> Formula:
    return ("window" in place) == ({"manual", "background", "socket"} <= place)


def _grants_past(_: Place, clocks: Clocks, __: Clocks) -> Formula:
    return clocks["granted"] <= clocks["now"]


def _not_longer(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if "window" not in place:
        return True
    return clocks["grace_due"] <= clocks["granted"] + settings["background_grace"]


def _not_shorter(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if "window" not in place:
        return True
    return clocks["grace_due"] >= clocks["granted"] + settings["background_grace"]


def _first_dial(place: Place, clocks: Clocks, _: Clocks) -> Formula:
    if "connecting" not in place or "renewed" in place:
        return True
    return clocks["dial_begun"] == clocks["attempt_begun"]


def _one_refresh(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if "refreshing" not in place:
        return True
    latest = clocks["attempt_begun"] + settings["dial_timeout"]
    return conjunction("renewed" not in place, clocks["refresh_begun"] <= latest)


def _second_dial(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if not {"connecting", "renewed"} <= place:
        return True
    longest = settings["dial_timeout"] + settings["auth_timeout"]
    return clocks["dial_begun"] <= clocks["attempt_begun"] + longest


def _outside_embargo(place: Place, clocks: Clocks, _: Clocks) -> Formula:
    return "socket" not in place or clocks["not_before"] <= clocks["now"]


def _embargo_counts(place: Place, clocks: Clocks, _: Clocks) -> Formula:
    return "held_off" not in place or clocks["embargo_due"] == clocks["not_before"]


def _embargo_capped(_: Place, clocks: Clocks, settings: Clocks) -> Formula:
    return conjunction(
        clocks["told_at"] <= clocks["now"],
        clocks["not_before"] <= clocks["told_at"] + settings["retry_after_cap"],
    )


def _counted(_: Place, clocks: Clocks, __: Clocks) -> Formula:
    return conjunction(clocks["ceiling"] == clocks["owed_ceiling"], clocks["owed_ceiling"] > 0)


def _drawn(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if "backing_off" not in place:
        return True
    begin = greatest(clocks["failed_at"], clocks["not_before"])
    return conjunction(
        clocks["spread"] == owed_spread(clocks, settings),
        begin <= clocks["retry_due"],
        clocks["retry_due"] < begin + clocks["spread"],
    )


def _told_with_failure(place: Place, clocks: Clocks, settings: Clocks) -> Formula:
    if "backing_off" not in place:
        return True
    return clocks["not_before"] <= clocks["failed_at"] + settings["retry_after_cap"]


CONJUNCTS = (
    _runs("grace", "window"),
    _runs("authenticate", "authenticating"),
    _runs("save", "saving"),
    _runs("dial", "connecting"),
    _runs("refresh", "refreshing"),
    _runs("close", "closing"),
    _runs("stable", "connected", whole=False),
    _runs("embargo", "held_off"),
    _runs("retry", "backing_off"),
    _runs("heartbeat", "listening"),
    Conjunct(
        name="background_has_its_window",
        words="The window is open exactly while a manual connection has a socket in background.",
        holds=_has_window,
    ),
    Conjunct(
        name="grants_are_past",
        words="What pays for a window has happened: background entered, ping accepted, dial begun.",
        holds=_grants_past,
    ),
    Conjunct(
        name="window_not_longer",
        words="In the window the deadline is at most `background_grace` after what last paid for it.",
        relies=("grants_are_past",),
        holds=_not_longer,
    ),
    Conjunct(
        name="window_not_shorter",
        words="In the window the deadline is at least `background_grace` after what last paid for it.",
        holds=_not_shorter,
    ),
    _counts(
        "dial", "connecting", "dial_begun", "dial_timeout",
        "While connecting, the dial's deadline is `dial_timeout` after this very dial began.",
    ),
    _counts(
        "refresh", "refreshing", "refresh_begun", "auth_timeout",
        "While refreshing, the deadline is `auth_timeout` after this very refresh began.",
    ),
    _counts(
        "close", "closing", "close_begun", "close_timeout",
        "While closing, the deadline is `close_timeout` after the close began.",
    ),
    _counts(
        "stable", "connected", "opened", "stable_after",
        "While connected, a stable deadline is `stable_after` after the connection opened.",
    ),
    Conjunct(
        name="attempt_begins_with_its_dial",
        words="Before its credentials are renewed, an attempt that dials began with this dial.",
        holds=_first_dial,
    ),
    Conjunct(
        name="attempt_refreshes_in_time",
        words="Only credentials not yet renewed are refreshed, at most `dial_timeout` into the attempt.",
        relies=("attempt_begins_with_its_dial", "dial_runs", "dial_counts"),
        holds=_one_refresh,
    ),
    Conjunct(
        name="attempt_dials_again_in_time",
        words=(
            "With renewed credentials, a dial began at most `dial_timeout` + `auth_timeout` into "
            "the attempt."
        ),
        relies=("attempt_refreshes_in_time", "refresh_runs", "refresh_counts"),
        holds=_second_dial,
    ),
    Conjunct(
        name="no_socket_while_told_to_wait",
        words="Where there is a socket, no Retry-After still runs.",
        relies=("retry_is_drawn", "retry_runs"),
        holds=_outside_embargo,
    ),
    Conjunct(
        name="embargo_counts",
        words="While held off, the deadline is the end of the server's Retry-After.",
        holds=_embargo_counts,
    ),
    Conjunct(
        name="retry_after_is_capped",
        words="A Retry-After ends at most `retry_after_cap` after the server said it.",
        holds=_embargo_capped,
    ),
    Conjunct(
        name="failures_are_counted",
        words="The machine's doubling ceiling is the one that the losses since the last stable "
        "connection give.",
        holds=_counted,
    ),
    Conjunct(
        name="retry_is_drawn",
        words=(
            "While backing off, the deadline lies from 0 to below min(`backoff_cap`, ceiling) after "
            "the failure or the end of its Retry-After, whichever is later."
        ),
        relies=("failures_are_counted",),
        holds=_drawn,
    ),
    Conjunct(
        name="retry_after_came_with_the_failure",
        words="While backing off, a Retry-After ends at most `retry_after_cap` after the failure.",
        relies=("no_socket_while_told_to_wait",),
        holds=_told_with_failure,
    ),
)  # fmt: skip
"""The invariant, in the order in which reports name its parts."""

BY_NAME = {conjunct.name: conjunct for conjunct in CONJUNCTS}


def closure(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return conjuncts with all that they rely on, in the order of the invariant."""
    found: set[str] = set()
    todo = list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += BY_NAME[name].relies
    return tuple(name for name in BY_NAME if name in found)

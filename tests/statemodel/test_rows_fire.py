"""Every row of the table fires, or is impossible in time for a reason that is written down."""

from __future__ import annotations

from statemodel import Disposition, Timings
from statemodel._connection_table import TABLE
from statemodel._runs import Runs

IMPOSSIBLE = (
    # where, which events, the inequality that keeps them from firing there, and why
    (
        {"closing"},
        {"authenticate_due", "save_due"},
        lambda t: t.close_timeout < t.auth_timeout,
        "the login began after the closing, which is over first",
    ),
    (
        {"fresh", "connecting", "window"},
        {"grace_due"},
        lambda t: t.dial_timeout < t.background_grace,
        "the dial began no later than the window, and is over first",
    ),
    (
        {"renewed", "listening"},
        {"heartbeat_due", "overslept", "peer_silent"},
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "by the time that a ping or heartbeat is due, they are no longer renewed",
    ),
    (
        {"renewed", "resting", "connected"},
        {"overslept", "peer_silent"},
        lambda t: t.stable_after <= t.pong_timeout,
        "likewise for a ping of the application in background",
    ),
    (
        {"renewed", "probing", "window"},
        {"grace_due"},
        lambda t: t.probe_timeout < t.background_grace and t.stable_after <= t.pong_timeout,
        "the probe began before the window (no ping can be slept through), and is over first",
    ),
    (
        {"auto", "renewed", "probing"},
        None,
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "in auto mode only a heartbeat, or a ping slept through, leads to a probe",
    ),
    (
        {"auto", "fresh", "probing"},
        {"stable_due"},
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "likewise: the connection has been stable by then",
    ),
)


IMPOSSIBLE_UNDER_EMBARGO = (
    # where, which events, and why they cannot fire there while the server's Retry-After runs
    ({"closing"}, None, "no dial begins before it is over, so nothing is open that we could close"),
    ({"failed"}, None, "no dial begins before it is over, so none is refused for good"),
    (set(), {"embargo_due"}, "it is what is over then"),
    (set(), {"retry_due"}, "the retry is armed for a time after it"),
)


def _impossible(at: int, event: str, embargoed: bool, t: Timings) -> str | None:
    """Return why a cell cannot fire at these settings, if so."""
    states = TABLE.active[at]
    for where, which, inequality, why in IMPOSSIBLE:
        if where <= states and (which is None or event in which) and inequality(t):
            return why
    for where, which, why in IMPOSSIBLE_UNDER_EMBARGO:
        if embargoed and where <= states and (which is None or event in which):
            return why
    return None


def _named(at: int, event: str, embargoed: bool) -> str:
    return " ".join((*TABLE.configurations[at], "+", event, "under embargo" * embargoed))


def test_every_row_fires_or_is_impossible_in_time():
    """At the default settings, some run takes each handled cell, or an inequality forbids it (B4)."""
    timings = Timings()
    runs = Runs(TABLE, timings)
    fired = [
        cell
        for cell in runs.taken()
        if TABLE.row(cell[0], cell[1], embargoed=cell[2]).disposition is Disposition.HANDLED
    ]

    assert runs.complete
    # What is listed as impossible must not fire after all.
    assert [_named(*cell) for cell in fired if _impossible(*cell, timings)] == []
    missing = [cell for cell in runs.never() if _impossible(*cell, timings) is None]
    assert [_named(*cell) for cell in missing] == []


def test_no_reason_is_given_in_vain():
    """Each reason stands for some row that no run takes: none is left from another chart."""
    never = Runs(TABLE).never()

    for where, which, *_ in (*IMPOSSIBLE, *IMPOSSIBLE_UNDER_EMBARGO):
        assert any(
            where <= TABLE.active[at] and (which is None or event in which)
            for at, event, _ in never
        ), (where, which)

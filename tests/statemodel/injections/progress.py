"""Violations of progress (C4, G): what no longer has to happen, or happens for ever."""

from __future__ import annotations

from dataclasses import replace

from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at

PROGRESS = (
    Injection(
        "C4", "A waiting `login` ends by time alone",
        "Saving has no time limit.",
        at("authentication_succeeded", "authenticating").without("start_save"),
    ),
    Injection(
        "C4", "A waiting `login` ends by time alone",
        "The time limit of authenticating starts it again.",
        at("authenticate_due", "authenticating").ignored(),
    ),
    Injection(
        "C4", "A waiting `disconnect` ends by time alone",
        "The close that `disconnect` begins has no time limit.",
        at("disconnect", "connected").without("start_close"),
    ),
    Injection(
        "C4", "A waiting `logout` waits no longer",
        "The close that a logout begins has no time limit.",
        at("logout", "connected").without("start_close"),
    ),
    Injection(
        "C4", "A waiting `shut_down` ends by time alone",
        "The close that the object's end begins has no time limit.",
        at("shut_down", "connected").without("start_close"),
    ),
    Injection(
        "C4", "A waiting `connect` ends under",
        "The timer of a retry is not heard.",
        at("retry_due", "backing_off").stale(),
    ),
    Injection(
        "C4", "A waiting `connect` ends under",
        "The network's return is not heard by what waits for it.",
        at("network_restored", "without_network").ignored(),
    ),
    Injection(
        "G1", "Under these assumptions",
        "Who is held off is held off for ever.",
        at("embargo_due", "held_off").stale(),
    ),
    Injection(
        "G1", "Under these assumptions",
        "A willing server's answer is taken for a loss.",
        at("dial_succeeded", "foreground connecting").leading_to("backing_off resting"),
    ),
    Injection(
        "G1", "Each of these assumptions is needed",
        "A terminal refusal is not heard, so that nothing depends on there being none.",
        at("server_refused", "wanted").ignored(),
    ),
    Injection(
        "G2", "connected can be reached",
        "No dial ever succeeds.",
        at("dial_succeeded", "connecting").ignored(),
    ),
    Injection(
        "G3", "Time is never held up",
        "A retry, which may be due at once, leads to the next wait without a dial.",
        at("retry_due", "backing_off").leading_to("backing_off"),
    ),
    Injection(
        "O2", "can start in either mode",
        "A connection cannot be opened in background.",
        lambda table: replace(
            table, starts=tuple(start for start in table.starts if "background" not in start[0])
        ),
    ),
)  # fmt: skip
"""For each check of progress."""

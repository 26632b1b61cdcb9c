"""The names that a chart may use for actions, and for timers.

An action is a label in the chart; the machine gives it its meaning, most often an effect. The
timers' order is the fixed order in which equal deadlines fire (H4).
"""

from __future__ import annotations

TIMERS = (
    "grace",
    "authenticate",
    "save",
    "dial",
    "refresh",
    "close",
    "stable",
    "embargo",
    "retry",
    "heartbeat",
)

ACTIONS = frozenset(
    {
        "abort",
        "adopt_user",
        "authenticate",
        "cancel_login",
        "clear",
        "close",
        "count_failure",
        "dial",
        "discard_unread",
        "drop_user",
        "forget_failures",
        "note_foreground",
        "refresh",
        "save",
        "send_heartbeat",
        "send_ping",
        "send_probe",
    }
)

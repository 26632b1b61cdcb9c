"""Violations of failing, renewing and of the library's own pings (B5, H1), and of reasons (T2)."""

from __future__ import annotations

from statemodel import Reason
from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at

SIGNALS = (
    Injection(
        "B2", "Nothing stops it",
        "A ping puts the time to stability off for good.",
        at("ping", "connected").doing("stop_stable"),
    ),
    Injection(
        "T2", "names what has caused it",
        "A socket closed by the server is told as a silent peer.",
        at("socket_closed", "connected foreground").told(Reason.NO_ANSWER),
    ),
    Injection(
        "B5", "Becoming failed is told",
        "A refusal for good is told as a loss.",
        at("server_refused", "connected").told(Reason.CLOSED_BY_PEER),
    ),
    Injection(
        "B5", "may be renewed again",
        "After a failure a new `connect` has no refresh of its own.",
        at("connect", "failed foreground online").leading_to("renewed"),
    ),
    Injection(
        "H1", "while a ping of its own is out",
        "After its own ping is over the library takes it to be out still.",
        at("own_pings_over", "probing foreground").leading_to("probing"),
    ),
)  # fmt: skip

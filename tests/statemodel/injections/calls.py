"""Violations of pings and commands (P, C)."""

from __future__ import annotations

from statemodel import Code
from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at

CALLS = (
    Injection(
        "P1", "An accepted ping sends one",
        "A ping sends two.",
        at("ping", "connected").doing("send_ping"),
    ),
    Injection(
        "P1", "An accepted ping sends one",
        "The foreground sends a ping in the application's name.",
        at("enter_foreground", "connected").replacing("send_probe", "send_ping"),
    ),
    Injection(
        "P2", "pings that wait fail at once",
        "Pings of a lost socket go on waiting.",
        at("socket_closed", "connected").not_settling("ping"),
    ),
    Injection(
        "P2", "pings that wait fail at once",
        "Pings that `disconnect` ends hear of a lost connection.",
        at("disconnect", "connected").settling("ping", Code.CONNECTION_LOST),
    ),
    Injection(
        "P3", "With a user but no open socket",
        "A ping is accepted while a retry waits.",
        at("ping", "backing_off").ignored(),
    ),
    Injection(
        "P3", "With an open socket",
        "A throttled connection refuses messages.",
        at("send_message", "throttled").refused(Code.NO_WEBSOCKET_CONNECTION),
    ),
    Injection(
        "P3", "With an open socket",
        "A throttled connection refuses pings.",
        at("ping", "throttled").refused(Code.NO_WEBSOCKET_CONNECTION),
    ),
    Injection(
        "P5", "A peer that stays silent",
        "A silent peer counts as no failure.",
        at("peer_silent", "connected").without("count_failure"),
    ),
    Injection(
        "P5", "A peer that stays silent",
        "The socket of a silent peer is left to itself.",
        at("peer_silent", "connected").without("abort"),
    ),
    Injection(
        "P5", "A peer that stays silent",
        "A silent peer's connection counts as connected.",
        at("peer_silent", "foreground connected").leading_to("connected listening"),
    ),
    Injection(
        "P5", "The end of the library's own pings",
        "When the library's own pings are over, the socket is dropped.",
        at("own_pings_over", "connected").doing("abort"),
    ),
    Injection(
        "P5", "The end of the library's own pings",
        "The library's own pings are over, and the connection with them.",
        at("own_pings_over", "foreground connected").leading_to("backing_off unthrottled resting"),
    ),
    Injection(
        "C1", "succeeds at once and does nothing",
        "`connect` with an open socket waits for ever.",
        at("connect", "connected").not_settling("connect"),
    ),
    Injection(
        "C1", "succeeds at once and does nothing",
        "`connect` with an open socket fails.",
        at("connect", "connected").settling("connect", Code.DISCONNECTED),
    ),
    Injection(
        "C1", "succeeds at once and does nothing",
        "`connect` with an open socket probes it.",
        at("connect", "connected").doing("send_probe"),
    ),
    Injection(
        "C1", "succeeds at once and does nothing",
        "`connect` with an open socket gives it up.",
        at("connect", "foreground connected").leading_to("backing_off unthrottled resting"),
    ),
    Injection(
        "C2", "joins the attempt",
        "`connect` while connecting begins the attempt's time limit again.",
        at("connect", "connecting").doing("start_dial"),
    ),
    Injection(
        "C2", "joins the attempt",
        "`connect` while connecting is refused.",
        at("connect", "connecting").refused(Code.NO_WEBSOCKET_CONNECTION),
    ),
    Injection(
        "C2", "outlives an attempt that will be retried",
        "A waiting `connect` fails with its first attempt.",
        at("dial_failed", "foreground").settling("connect", Code.CONNECTION_LOST),
    ),
    Injection(
        "C2", "outlives an attempt that will be retried",
        "A `connect` does not hear that the socket is open.",
        at("dial_succeeded", "connecting").not_settling("connect"),
    ),
    Injection(
        "C3", "while backing off dials now",
        "`connect` forgets the failures.",
        at("connect", "backing_off").doing("forget_failures"),
    ),
    Injection(
        "C3", "while backing off dials now",
        "`connect` does not skip the wait.",
        at("connect", "backing_off").ignored(),
    ),
    Injection(
        "C4", "fails a waiting `connect` with `ERR_APP_IN_BACKGROUND`",
        "A `connect` that the background ends hears of a lost connection.",
        at("enter_background", "auto connecting").settling("connect", Code.CONNECTION_LOST),
    ),
    Injection(
        "C4", "stays wished for",
        "Who no longer waits for `disconnect` is connected again.",
        at("abort_close", "foreground online logged_in closing").leading_to("wanted connecting"),
    ),
    Injection(
        "C4", "waits only where something goes on",
        "A `connect` goes on waiting when nobody is logged in any more.",
        at("logout", "connecting").not_settling("connect"),
    ),
    Injection(
        "C4", "waits only where something goes on",
        "Pings of a lost socket go on waiting.",
        at("socket_closed", "connected").not_settling("ping"),
    ),
    Injection(
        "C4", "waits only where something goes on",
        "A `connect` goes on waiting when the socket is open.",
        at("dial_succeeded", "connecting").not_settling("connect"),
    ),
    Injection(
        "C5", "`disconnect` succeeds wherever",
        "`disconnect` with nothing to close waits for ever.",
        at("disconnect", "logged_in down").not_settling("disconnect"),
    ),
    Injection(
        "C5", "`disconnect` succeeds wherever",
        "`disconnect` returns before the socket is closed.",
        at("disconnect", "connected").settling("disconnect", None),
    ),
    Injection(
        "C5", "`disconnect` drops a dial",
        "`disconnect` leaves a dial to itself.",
        at("disconnect", "connecting").without("abort"),
    ),
    Injection(
        "C5", "`disconnect` drops a dial",
        "A `connect` that `disconnect` ends hears of a lost connection.",
        at("disconnect", "connecting").settling("connect", Code.CONNECTION_LOST),
    ),
    Injection(
        "C5", "Calls that wait for a closing socket",
        "A closing socket whose caller is cancelled is not taken away.",
        at("abort_close", "closing").ignored(),
    ),
    Injection(
        "C5", "Calls that wait for a closing socket",
        "A logout does not hear that the socket is closed.",
        at("socket_closed", "closing").not_settling("logout"),
    ),
    Injection(
        "C5", "Calls that wait for a closing socket",
        "A closing socket whose caller is cancelled is left to itself.",
        at("abort_close", "closing").without("abort"),
    ),
    Injection(
        "C5", "Calls that wait for a closing socket",
        "A closing socket whose caller is cancelled is aborted and goes on closing.",
        at("abort_close", "closing").leading_to("closing"),
    ),
    Injection(
        "C6", "aborts that before",
        "`connect` dials beside the socket that is closing.",
        at("connect", "closing").without("abort"),
    ),
    Injection(
        "C6", "aborts that before",
        "The old socket is aborted after the new one has been dialled.",
        at("connect", "closing").backwards(),
    ),
    Injection(
        "C7", "After an accepted `connect`",
        "`connect` while a socket is closing is forgotten.",
        at("connect", "closing").ignored(),
    ),
    Injection(
        "C7", "After an accepted `disconnect`",
        "`disconnect` while dialling is forgotten.",
        at("disconnect", "connecting").ignored(),
    ),
    Injection(
        "C8", "is accepted and waits for it",
        "`connect` without network fails at once.",
        at("connect", "foreground offline logged_in").settling("connect", Code.NO_INTERNET_CONNECTION),
    ),
    Injection(
        "C8", "is accepted and waits for it",
        "`connect` without network is refused.",
        at("connect", "foreground offline wanted").refused(Code.NO_INTERNET_CONNECTION),
    ),
    Injection(
        "C8", "is accepted and waits for it",
        "`connect` without network is forgotten.",
        at("connect", "foreground offline logged_in unwanted").ignored(),
    ),
    Injection(
        "C6", "still says changes nothing",
        "A refusal that comes while the socket is closing is shown as failed.",
        at("server_refused", "closing logged_in fresh").leading_to("failed"),
    ),
)  # fmt: skip
"""For each check of P and C that looks at configurations or rows."""

"""Violations of auto and manual mode (A, M)."""

from __future__ import annotations

from statemodel import Code, Reason
from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at, where

MODES = (
    Injection(
        "A1", "Auto mode in background: no wish",
        "Entering the background leaves the timer of the next retry running.",
        at("enter_background", "auto backing_off").without("stop_retry"),
    ),
    Injection(
        "A1", "Auto mode in background: no wish",
        "Entering the background leaves a dial to itself.",
        at("enter_background", "auto connecting").without("abort"),
    ),
    Injection(
        "A1", "Auto mode in background: no wish",
        "What is down in background says that it waits for the network.",
        where("auto background logged_in down").being("waiting without_network", instead_of="down"),
    ),
    Injection(
        "A1", "begins the close of an open socket",
        "Entering the background does not close an open socket.",
        at("enter_background", "auto connected").without("close"),
    ),
    Injection(
        "A1", "begins the close of an open socket",
        "Entering the background does not drop a dial.",
        at("enter_background", "auto connecting").without("abort"),
    ),
    Injection(
        "A2", "Entering the foreground with a user dials",
        "Entering the foreground does not dial at once.",
        at("enter_foreground", "auto background logged_in online").without("dial"),
    ),
    Injection(
        "A2", "Entering the foreground with a user dials",
        "Entering the foreground offline leaves the connection unwanted.",
        at("enter_foreground", "auto background logged_in offline").leading_to("unwanted down"),
    ),
    Injection(
        "A2", "Entering the foreground with a user dials",
        "Entering the foreground dials, and does not know it.",
        at(
            "enter_foreground", "auto background logged_in online", during_retry_after=False
        ).leading_to("unwanted down"),
    ),
    Injection(
        "A2", "Entering the foreground with a user dials",
        "Entering the foreground dials without network.",
        at("enter_foreground", "auto background logged_in offline").doing("dial"),
    ),
    Injection(
        "A3", "followed by a wait",
        "A socket lost in auto mode's foreground is given up.",
        at("socket_closed", "auto foreground connected").leading_to("unwanted down"),
    ),
    Injection(
        "A4", "only by `connect` or by entering the foreground",
        "The network's return ends a hold.",
        at("network_restored", "auto foreground logged_in unwanted down").leading_to("wanted connecting"),
    ),
    Injection(
        "A5", "`connect` is refused with `ERR_APP_IN_BACKGROUND`",
        "`connect` in background is refused for want of a socket.",
        at("connect", "auto background logged_in").refused(Code.NO_WEBSOCKET_CONNECTION),
    ),
    Injection(
        "A5", "ends a hold and dials",
        "`connect` does not skip the wait for a retry.",
        at("connect", "auto foreground backing_off").ignored(),
    ),
    Injection(
        "A5", "ends a hold and dials",
        "`connect` does not end a hold.",
        at("connect", "auto foreground unwanted down").ignored(),
    ),
    Injection(
        "A5", "ends a hold and dials",
        "`connect` dials, and does not know it.",
        at(
            "connect", "auto foreground logged_in down online", during_retry_after=False
        ).leading_to("unwanted down"),
    ),
    Injection(
        "A5", "ends a hold and dials",
        "`connect` is refused without network.",
        at("connect", "auto foreground offline wanted").refused(Code.NO_INTERNET_CONNECTION),
    ),
    Injection(
        "A5", "ends a hold and dials",
        "`connect` without network does not end a hold.",
        at("connect", "auto foreground offline unwanted").ignored(),
    ),
    Injection(
        "M1", "becomes wanted only by `connect`",
        "The foreground makes a manual connection wanted.",
        at("enter_foreground", "manual online logged_in unwanted down").leading_to("wanted connecting"),
    ),
    Injection(
        "M2", "`disconnect` leaves no wish",
        "`disconnect` does nothing to a connection that waits for a retry.",
        at("disconnect", "manual backing_off").ignored(),
    ),
    Injection(
        "M3", "The window is open exactly",
        "The window's timer goes on in foreground.",
        at("enter_foreground", "window").without("stop_grace"),
    ),
    Injection(
        "M3", "The window is open exactly",
        "A window opens, but its time does not run.",
        at("connect", "manual background down online").without("start_grace"),
    ),
    Injection(
        "M3", "The window is open exactly",
        "An open socket in background has a timer, but no window.",
        where("manual background connected").being("no_window", instead_of="window"),
    ),
    Injection(
        "M3", "Entering the background with a socket",
        "A window opens, but its time does not run.",
        at("enter_background", "manual foreground connected").without("start_grace"),
    ),
    Injection(
        "M3", "Entering the background with a socket",
        "The socket is closed with the report already, and its window with it.",
        at("enter_background", "manual foreground listening unthrottled").leading_to("unwanted closing no_window"),
    ),
    Injection(
        "M4", "starts the window's time again",
        "A ping in background buys nothing.",
        at("ping", "manual background connected").without("start_grace"),
    ),
    Injection(
        "M4", "starts the window's time again",
        "A ping in background closes the socket at once.",
        at("ping", "background connected resting unthrottled").leading_to("unwanted closing no_window"),
    ),
    Injection(
        "M5", "The deadline closes the socket",
        "After the deadline the reason names the background, not its time limit.",
        at("grace_due", "window").told(Reason.BACKGROUND),
    ),
    Injection(
        "M5", "The deadline closes the socket",
        "At the deadline the socket is left open.",
        at("grace_due", "connected").without("close"),
    ),
    Injection(
        "M5", "The deadline closes the socket",
        "The deadline dials again.",
        at("grace_due", "window connected").leading_to("wanted connecting window"),
    ),
    Injection(
        "M5", "neither makes a connection wanted nor dials",
        "The foreground dials what the deadline has ended.",
        at("enter_foreground", "manual online logged_in unwanted down").doing("dial"),
    ),
    Injection(
        "M5", "neither makes a connection wanted nor dials",
        "The foreground makes a connection wanted as soon as there is a network.",
        at("enter_foreground", "manual background offline logged_in unwanted down").leading_to("wanted without_network"),
    ),
    Injection(
        "M6", "keeps socket and wish",
        "Entering the foreground within the window drops the socket.",
        at("enter_foreground", "window connected").doing("abort"),
    ),
    Injection(
        "M6", "keeps socket and wish",
        "The window's timer goes on in foreground.",
        at("enter_foreground", "window").without("stop_grace"),
    ),
    Injection(
        "M6", "keeps socket and wish",
        "Entering the foreground within the window closes the socket.",
        at("enter_foreground", "window connected unthrottled").leading_to("unwanted closing resting"),
    ),
    Injection(
        "M7", "a socket that ends unwished",
        "A socket that ends in background is dialled again.",
        at("socket_closed", "manual background connected").leading_to("wanted connecting window"),
    ),
    Injection(
        "M7", "A refusal of credentials in background",
        "Credentials refused again in background are tried once more.",
        at("credentials_denied", "manual background socket renewed").leading_to(
            "wanted connecting window renewed"
        ),
    ),
    Injection(
        "M8", "Entering the background while waiting",
        "A `connect` that the background ends hears that somebody has disconnected.",
        at("enter_background", "manual backing_off").settling("connect", Code.DISCONNECTED),
    ),
    Injection(
        "M8", "Entering the background while waiting",
        "What waits goes on waiting in background.",
        at("enter_background", "manual without_network").ignored(),
    ),
    Injection(
        "M8", "Entering the background while waiting",
        "What waits is dialled with the background.",
        at("enter_background", "manual backing_off").leading_to("wanted connecting window"),
    ),
    Injection(
        "M9", "followed by a wait",
        "A silent peer ends a manual connection for good.",
        at("peer_silent", "manual foreground connected").leading_to("unwanted down"),
    ),
    Injection(
        "M10", "refused with `NO_INTERNET_CONNECTION`",
        "`connect` in background without network is refused for want of a socket.",
        at("connect", "manual background offline logged_in").refused(Code.NO_WEBSOCKET_CONNECTION),
    ),
    Injection(
        "M10", "dials and starts the window",
        "`connect` in background with an open socket moves the deadline.",
        at("connect", "manual background connected").doing("start_grace"),
    ),
    Injection(
        "M10", "dials and starts the window",
        "`connect` in background dials, but opens no window.",
        at("connect", "manual background down online").without("start_grace"),
    ),
    Injection(
        "M10", "dials and starts the window",
        "`connect` in background opens a window and does not dial.",
        at("connect", "manual background down online").without("dial"),
    ),
    Injection(
        "M10", "dials and starts the window",
        "`connect` in background with a socket is refused.",
        at("connect", "manual background socket").refused(Code.NO_INTERNET_CONNECTION),
    ),
    Injection(
        "M11", "by nothing else",
        "The window's time starts again with the open socket.",
        at("dial_succeeded", "manual background").doing("start_grace"),
    ),
    Injection(
        "M11", "by nothing else",
        "A ping before the background starts the window's time.",
        at("ping", "manual foreground connected").doing("start_grace"),
    ),
    Injection(
        "M12", "In background no heartbeat is due",
        "Entering the background leaves the heartbeat's timer running.",
        at("enter_background", "manual listening").without("stop_heartbeat"),
    ),
    Injection(
        "M12", "No heartbeat is sent in background",
        "After a sleep in background a heartbeat is sent instead of a probe.",
        at("overslept", "background connected").replacing("send_probe", "send_heartbeat"),
    ),
)  # fmt: skip
"""For each check of A and M."""

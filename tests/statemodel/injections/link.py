"""Violations of sockets, retry, network, heartbeat and status (K, B, N, H, T, G)."""

from __future__ import annotations

from statemodel import Code, Status
from tests.statemodel.injections.injection import Injection
from tests.statemodel.table_editing import at, where

LINK = (
    Injection(
        "K1", "nothing is left of the socket before",
        "Credentials are refreshed beside the socket that refused them.",
        at("credentials_denied", "connected fresh").without("abort"),
    ),
    Injection(
        "K1", "nothing is left of the socket before",
        "A socket that is not there is aborted.",
        at("disconnect", "backing_off").doing("abort"),
    ),
    Injection(
        "K1", "A descriptor is ours to close",
        "The socket is forgotten, not aborted, when the network goes.",
        at("network_lost", "connected").without("abort"),
    ),
    Injection(
        "K2", "nobody waits for does nothing",
        "A dial that was given up still connects.",
        at("dial_succeeded", "foreground backing_off fresh").leading_to("connected listening"),
    ),
    Injection(
        "K2", "nobody waits for does nothing",
        "A loss heard of a socket that is gone counts as a failure.",
        at("socket_closed", "backing_off").doing("count_failure"),
    ),
    Injection(
        "K3", "drop unread messages",
        "After `disconnect` unread messages are still delivered.",
        at("disconnect", "connected").without("discard_unread"),
    ),
    Injection(
        "K3", "drop unread messages",
        "A mere loss drops unread messages.",
        at("peer_silent", "connected").doing("discard_unread"),
    ),
    Injection(
        "K4", "shown as disconnected",
        "A closing socket is shown as connected.",
        where("closing").shown_as(Status.CONNECTED),
    ),
    Injection(
        "K4", "shown as disconnected",
        "The close that the window's end begins has no time limit.",
        at("grace_due", "connected").without("start_close"),
    ),
    Injection(
        "K4", "shown as disconnected",
        "A socket that is closing says that it has failed.",
        where("foreground closing").being("failed", instead_of="closing"),
    ),
    Injection(
        "K4", "At its time limit",
        "At the time limit of its close the socket is left to itself.",
        at("close_due", "closing").without("abort"),
    ),
    Injection(
        "K4", "At its time limit",
        "At the time limit of its close the socket is aborted and goes on closing.",
        at("close_due", "closing").leading_to("closing"),
    ),
    Injection(
        "K5", "A dial runs against a time limit",
        "A dial that `connect` brings forward has no time limit.",
        at("connect", "backing_off").without("start_dial"),
    ),
    Injection(
        "K5", "A dial runs against a time limit",
        "The time limit of a dial goes on when the socket is open.",
        at("dial_succeeded", "connecting").without("stop_dial"),
    ),
    Injection(
        "K5", "a dial or refresh is dropped",
        "A dial that takes too long is left to itself.",
        at("dial_due", "connecting").without("abort"),
    ),
    Injection(
        "K5", "a dial or refresh is dropped",
        "A dial that takes too long is dropped and goes on.",
        at("dial_due", "foreground connecting").leading_to("connecting"),
    ),
    Injection(
        "B1", "Losses count as failures",
        "A dial that the network's loss ends counts as a failure.",
        at("network_lost", "connecting").doing("count_failure"),
    ),
    Injection(
        "B1", "Losses count as failures",
        "A failed dial counts twice.",
        at("dial_failed", "connecting").doing("count_failure"),
    ),
    Injection(
        "B2", "Failures are forgotten",
        "Failures are forgotten as soon as the socket is open.",
        at("dial_succeeded", "connecting").doing("forget_failures"),
    ),
    Injection(
        "B2", "Failures are forgotten",
        "A stable connection remembers its failures.",
        at("stable_due", "connected").without("forget_failures"),
    ),
    Injection(
        "B2", "Failures are forgotten",
        "Failures are forgotten with every ping.",
        at("ping", "connected").doing("forget_failures"),
    ),
    Injection(
        "B2", "runs only while connected",
        "The time to stability goes on after a loss.",
        at("socket_closed", "connected").without("stop_stable"),
    ),
    Injection(
        "B2", "It starts with the connection",
        "The time to stability does not start with the connection.",
        at("dial_succeeded", "connecting").without("start_stable"),
    ),
    Injection(
        "B3", "the first retry waits",
        "The first retry is dialled at once.",
        at("dial_failed", "foreground connecting").replacing("start_retry", "dial"),
    ),
    Injection(
        "B3", "the first retry waits",
        "After a dial that failed no wait is timed.",
        at("dial_failed", "foreground connecting").without("start_retry"),
    ),
    Injection(
        "B3", "the first retry waits",
        "A dial that failed is repeated at once, beside the wait.",
        at("dial_failed", "foreground connecting").doing("dial"),
    ),
    Injection(
        "B4", "nothing that could dial does",
        "The foreground dials against the server's word.",
        at("enter_foreground", "auto background", during_retry_after=True).replacing("start_embargo", "dial"),
    ),
    Injection(
        "B4", "has a timer that ends it",
        "Who is held off has no timer.",
        at("network_restored", "without_network", during_retry_after=True).without("start_embargo"),
    ),
    Injection(
        "B4", "has a timer that ends it",
        "An unwanted connection is held off.",
        where("held_off").being("unwanted", instead_of="wanted"),
    ),
    Injection(
        "B5", "renewed once within the attempt",
        "Credentials refused a second time are retried like a loss.",
        at("credentials_denied", "foreground socket renewed").leading_to("wanted backing_off renewed"),
    ),
    Injection(
        "B5", "renewed once within the attempt",
        "Credentials are not renewed, the connection only shows it.",
        at("credentials_denied", "connecting fresh").without("refresh"),
    ),
    Injection(
        "B5", "count as renewed until",
        "Credentials count as fresh as soon as the socket is open.",
        at("dial_succeeded", "renewed").leading_to("fresh"),
    ),
    Injection(
        "B5", "dialled with at once",
        "The dial with new credentials has no time limit.",
        at("refresh_succeeded", "refreshing").without("start_dial"),
    ),
    Injection(
        "B5", "dialled with at once",
        "New credentials do not count as renewed.",
        at("refresh_succeeded", "refreshing").leading_to("fresh"),
    ),
    Injection(
        "B5", "A terminal refusal",
        "A terminal refusal is retried.",
        at("server_refused", "foreground connected").leading_to("wanted backing_off"),
    ),
    Injection(
        "B5", "Failed is not wanted",
        "Who waits for a connection that has failed waits on.",
        where("failed").in_vain(None),
    ),
    Injection(
        "B5", "Failed is not wanted",
        "A terminal refusal leaves the time limit of its dial running.",
        at("server_refused", "connecting").without("stop_dial"),
    ),
    Injection(
        "B5", "Failed is not wanted",
        "A failed connection is still wanted.",
        where("failed").being("wanted", instead_of="unwanted"),
    ),
    Injection(
        "B5", "Failed is not wanted",
        "A `connect` waits for a connection that has failed.",
        at("server_refused", "connecting").not_settling("connect"),
    ),
    Injection(
        "B5", "What waits when a connection fails for good",
        "A `connect` that the server refuses hears of a lost connection.",
        at("server_refused", "connecting").settling("connect", Code.CONNECTION_LOST),
    ),
    Injection(
        "B5", "Failed is left by",
        "The network's return makes failed good.",
        at("network_restored", "failed").leading_to("down"),
    ),
    Injection(
        "B5", "Failed is left by",
        "In auto mode the foreground leaves a failed connection as it is.",
        at("enter_foreground", "auto background failed").ignored(),
    ),
    Injection(
        "B6", "for a connection that is wanted",
        "The background leaves the timer of the next retry running.",
        at("enter_background", "manual backing_off").without("stop_retry"),
    ),
    Injection(
        "B6", "Without network no retry is timed",
        "The loss of the network leaves the timer of the next retry running.",
        at("network_lost", "backing_off").without("stop_retry"),
    ),
    Injection(
        "B6", "Without network no retry is timed",
        "`disconnect` leaves a dial to itself.",
        at("disconnect", "connecting").without("abort"),
    ),
    Injection(
        "B7", "like any loss",
        "A close by the server counts as no failure.",
        at("socket_closed", "foreground connected").without("count_failure"),
    ),
    Injection(
        "B7", "like any loss",
        "A close by the server ends the wish.",
        at("socket_closed", "foreground connected").leading_to("unwanted down"),
    ),
    Injection(
        "N1", "Losing the network drops the socket",
        "A closing socket is left to itself when the network goes.",
        at("network_lost", "closing").without("abort"),
    ),
    Injection(
        "N1", "Losing the network drops the socket",
        "The loss of the network counts as a failure.",
        at("network_lost", "connected").doing("count_failure"),
    ),
    Injection(
        "N1", "Without network there is no socket",
        "A dial goes on without network.",
        at("network_lost", "connecting").without("abort"),
    ),
    Injection(
        "N1", "Without network there is no socket",
        "A socket goes on closing without network.",
        where("offline logged_in down").being("closing", instead_of="down"),
    ),
    Injection(
        "N2", "dials what is wanted in that step",
        "The network's return does not dial.",
        at("network_restored", "without_network").without("dial"),
    ),
    Injection(
        "N3", "changes nothing for what is not wanted",
        "The network's return makes a connection wanted.",
        at("network_restored", "foreground logged_in unwanted down").leading_to("wanted connecting"),
    ),
    Injection(
        "N3", "changes nothing for what is not wanted",
        "The network's return aborts a socket that is not there.",
        at("network_restored", "logged_in unwanted").doing("abort"),
    ),
    Injection(
        "N3", "changes nothing for what is not wanted",
        "The network's return ends a `disconnect` that nobody waits for.",
        at("network_restored", "logged_in unwanted").settling("disconnect", None),
    ),
    Injection(
        "H1", "an open socket is listened to",
        "Nobody listens whether the new connection is alive.",
        at("dial_succeeded", "foreground connecting").without("start_heartbeat"),
    ),
    Injection(
        "H1", "The heartbeat's time sends one ping",
        "The heartbeat's time sends two pings.",
        at("heartbeat_due", "listening").doing("send_heartbeat"),
    ),
    Injection(
        "H1", "The heartbeat's time sends one ping",
        "The new connection begins with a heartbeat.",
        at("dial_succeeded", "foreground connecting").doing("send_heartbeat"),
    ),
    Injection(
        "H2", "sends one probe",
        "The foreground sends no probe.",
        at("enter_foreground", "connected").without("send_probe"),
    ),
    Injection(
        "H4", "noted when it is entered",
        "The foreground's time is not noted.",
        at("enter_foreground", "background").without("note_foreground"),
    ),
    Injection(
        "H4", "noted when it is entered",
        "A ping counts as the foreground.",
        at("ping", "connected").doing("note_foreground"),
    ),
    Injection(
        "H5", "answered with one probe",
        "A ping slept through is forgotten.",
        at("overslept", "probing").without("send_probe"),
    ),
    Injection(
        "H5", "answered with one probe",
        "A ping slept through is a verdict.",
        at("overslept", "foreground connected").leading_to("backing_off resting unthrottled"),
    ),
    Injection(
        "T1", "The status says",
        "Throttling is not shown.",
        where("throttled").shown_as(Status.CONNECTED),
    ),
    Injection(
        "T1", "The status says",
        "Waiting for a retry is shown as connecting.",
        where("backing_off").shown_as(Status.CONNECTING),
    ),
    Injection(
        "T2", "only for a reason",
        "An open socket is told without a reason.",
        at("dial_succeeded", "connecting").told(None),
    ),
    Injection(
        "T3", "shows as disconnected before",
        "A lost connection is dialled in the same step.",
        at("socket_closed", "foreground connected").leading_to("connecting"),
    ),
    Injection(
        "T6", "exactly while a dial or a refresh runs",
        "A refresh is not shown.",
        where("refreshing").shown_as(Status.DISCONNECTED),
    ),
    Injection(
        "T6", "exactly while a dial or a refresh runs",
        "The status says connecting, but nobody dials.",
        at("retry_due", "backing_off").without("dial"),
    ),
    Injection(
        "T7", "A connection opens unthrottled",
        "A connection opens throttled.",
        at("dial_succeeded", "foreground connecting").leading_to("throttled"),
    ),
    Injection(
        "T7", "A connection opens unthrottled",
        "The end of throttling is not heard.",
        at("throttling_ended", "throttled").ignored(),
    ),
    Injection(
        "T7", "A connection opens unthrottled",
        "The background ends throttling.",
        at("enter_background", "manual throttled").leading_to("unthrottled"),
    ),
    Injection(
        "T7", "A connection opens unthrottled",
        "The server's word on throttling sends a probe.",
        at("throttling_started", "connected").doing("send_probe"),
    ),
    Injection(
        "G3", "A running timer is heard",
        "The time limit of a close is not heard.",
        at("close_due", "closing").stale(),
    ),
    Injection(
        "G3", "in all of a configuration's lives",
        "A dial that `connect` begins has no time limit, while others have.",
        at("connect", "down").without("start_dial"),
    ),
    Injection(
        "G3", "A timer that is not running",
        "The timer of a retry is heard by an open socket.",
        at("retry_due", "connected").doing("abort"),
    ),
)  # fmt: skip
"""For each check of K, B, N, H, T and G that looks at configurations or rows."""

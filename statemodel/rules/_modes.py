"""Auto and manual mode (A, M), on configurations and rows."""

from __future__ import annotations

from statemodel._vocabulary import Code, Reason
from statemodel.rules._model import Move, Situation
from statemodel.rules._rule import on_configurations, on_rows

LOSSES = frozenset(
    {"dial_failed", "dial_due", "refresh_failed", "refresh_due", "socket_closed", "peer_silent"}
)
"""The ends of a dial or socket that nobody wished, refusals apart."""

ENDS = LOSSES | {"server_refused", "network_lost"}
"""All unwished ends after which nothing is left of the socket."""


def lost(move: Move) -> bool:
    """Say whether a loss is heard of a socket that was being opened or open."""
    return (
        move.event in LOSSES and move.before.has("socket") and move.disposition.value == "handled"
    )


@on_configurations("A1", "Auto mode in background: no wish, no socket, nothing waiting, no retry.")
def auto_background_is_quiet(here: Situation) -> bool | None:
    if not here.has("auto", "background"):
        return None
    quiet = here.timers <= {"authenticate", "save", "close"} and here.asked <= {
        "authenticate",
        "save",
        "close",
    }
    return quiet and not here.has_any("wanted", "socket", "waiting")


@on_rows(
    "A1",
    "Entering the background in auto mode begins the close of an open socket and drops a dial, in that step.",
)
def auto_background_closes(move: Move) -> bool | None:
    if move.event != "enter_background" or not move.before.has("auto", "socket"):
        return None
    return move.does("close") if move.before.has("connected") else move.does("abort")


@on_rows(
    "A2",
    "Entering the foreground with a user dials in that step, or waits for the network or the server.",
)
def auto_foreground_dials(move: Move) -> bool | None:
    if move.event != "enter_foreground" or not move.before.has("auto", "background", "logged_in"):
        return None
    if move.before.has("offline") or move.embargoed:
        return move.after.has("wanted", "waiting") and not move.does("dial")
    return move.does("dial") and move.after.has("wanted", "connecting")


@on_rows(
    "A3", "A loss in auto mode's foreground is followed by a wait, and the connection stays wanted."
)
def auto_loss_comes_back(move: Move) -> bool | None:
    if not lost(move) or not move.before.has("auto"):
        return None
    return move.after.has("wanted", "backing_off")


@on_rows(
    "A4",
    "In auto mode, with a user, an unwanted connection becomes wanted only by `connect` or by entering the foreground.",
)
def auto_hold(move: Move) -> bool | None:
    if not move.before.has("auto", "logged_in", "unwanted"):
        return None
    return not move.after.has("wanted") or move.event in ("connect", "enter_foreground")


@on_configurations(
    "A5", "In auto mode's background `connect` is refused with `ERR_APP_IN_BACKGROUND`."
)
def auto_background_refuses(here: Situation) -> bool | None:
    if not here.has("auto", "background", "logged_in"):
        return None
    return here.refusal("connect") is Code.APP_IN_BACKGROUND


@on_rows(
    "A5", "In auto mode's foreground `connect` ends a hold and dials, if network and server allow."
)
def auto_connect_dials(move: Move) -> bool | None:
    if move.event != "connect" or not move.before.has("auto", "foreground", "logged_in"):
        return None
    if move.before.has_any("socket", "offline") or move.embargoed or move.before.has("held_off"):
        return move.accepted and move.after.has("wanted")
    return move.does("dial") and move.after.has("wanted")


@on_rows("M1", "In manual mode an unwanted connection becomes wanted only by `connect`.")
def manual_wish(move: Move) -> bool | None:
    if not move.before.has("manual", "unwanted"):
        return None
    return not move.after.has("wanted") or move.event == "connect"


@on_rows("M2", "In manual mode `disconnect` leaves no wish, no socket and nothing waiting.")
def manual_disconnect(move: Move) -> bool | None:
    if move.event != "disconnect" or not move.accepted or not move.before.has("manual"):
        return None
    return not move.after.has_any("wanted", "socket", "waiting")


@on_configurations(
    "M3",
    "The window is open exactly in manual mode, in background, with a socket, and its timer runs.",
)
def window_where_it_belongs(here: Situation) -> bool:
    due = here.has("manual", "background", "socket")
    timed = all(("grace" in pending.timers) is due for pending in here.pending)
    return timed and here.has("window") is due


@on_rows(
    "M3",
    "Entering the background with a socket in manual mode keeps it and starts the window's timer once.",
)
def background_opens_the_window(move: Move) -> bool | None:
    if move.event != "enter_background" or not move.before.has("manual", "socket", "foreground"):
        return None
    kept = move.keeps("connecting", "refreshing", "connected", "wanted")
    return kept and move.actions.count("start_grace") == 1


@on_rows(
    "M4",
    "A ping accepted in background starts the window's time again, once; a refused one does nothing.",
)
def background_ping_pays(move: Move) -> bool | None:
    if move.event != "ping" or not move.before.has("manual", "background", "logged_in"):
        return None
    if not move.accepted:
        return move.idle
    return move.actions.count("start_grace") == 1 and move.keeps("connected", "window")


@on_rows("M5", "The deadline closes the socket, ends the wish, and says why.")
def deadline_closes(move: Move) -> bool | None:
    if move.event != "grace_due" or not move.accepted:
        return None
    closed = move.does("close") if move.before.has("connected") else move.does("abort")
    down = not move.after.has_any("wanted", "socket", "waiting")
    return closed and down and move.reason is Reason.BACKGROUND_TIMEOUT


@on_rows(
    "M5", "In manual mode entering the foreground neither makes a connection wanted nor dials."
)
def foreground_brings_nothing_back(move: Move) -> bool | None:
    if move.event != "enter_foreground" or not move.before.has("manual"):
        return None
    return move.keeps("wanted") and not move.does("dial")


@on_rows(
    "M6",
    "Entering the foreground in the window keeps socket and wish, and stops the window's timer.",
)
def foreground_keeps_the_socket(move: Move) -> bool | None:
    if move.event != "enter_foreground" or not move.before.has("window"):
        return None
    kept = move.keeps("connecting", "refreshing", "connected", "wanted")
    return kept and "grace" not in move.after.timers and not move.does_any("abort", "close")


@on_rows(
    "M7", "In manual mode's background a socket that ends unwished leaves the connection unwanted."
)
def background_loss_is_for_good(move: Move) -> bool | None:
    there = move.before.has("manual", "background", "socket")
    if move.event not in ENDS or not there or not move.accepted:
        return None
    return not move.after.has_any("wanted", "socket", "waiting")


@on_rows(
    "M7",
    "A refusal of credentials in background renews them once, within the attempt, or leaves the connection unwanted.",
)
def background_refusal(move: Move) -> bool | None:
    there = move.before.has("manual", "background", "socket")
    if move.event != "credentials_denied" or not there or not move.accepted:
        return None
    return move.after.has("refreshing") or not move.after.has_any("wanted", "socket", "waiting")


@on_rows("M8", "Entering the background while waiting in manual mode gives the connection up.")
def background_ends_waiting(move: Move) -> bool | None:
    if move.event != "enter_background" or not move.before.has("manual", "waiting"):
        return None
    return not move.after.has_any("wanted", "socket", "waiting") and move.fails(
        "connect", Code.CONNECTION_LOST
    )


@on_rows(
    "M9",
    "A loss in manual mode's foreground is followed by a wait, and the connection stays wanted.",
)
def manual_loss_comes_back(move: Move) -> bool | None:
    if not lost(move) or not move.before.has("manual", "foreground"):
        return None
    return move.after.has("wanted", "backing_off")


@on_configurations(
    "M10",
    "In manual mode's background `connect` without network is refused with `NO_INTERNET_CONNECTION`.",
)
def offline_connect_is_refused(here: Situation) -> bool | None:
    if not here.has("manual", "background", "offline", "logged_in"):
        return None
    return here.refusal("connect") is Code.NO_INTERNET_CONNECTION


@on_rows(
    "M10",
    "In manual mode's background `connect` dials and starts the window, or finds a socket and moves nothing.",
)
def connect_in_background(move: Move) -> bool | None:
    there = move.before.has("manual", "background", "online", "logged_in")
    if move.event != "connect" or not there or move.embargoed:
        return None
    if move.before.has("socket"):
        return move.accepted and not move.does_any("start_grace", "dial", "abort")
    return move.does("dial") and move.actions.count("start_grace") == 1


@on_rows(
    "M11",
    "The window's time begins with the background, a ping in background, or a connect that dials, and by nothing else.",
)
def nothing_else_starts_the_window(move: Move) -> bool | None:
    if not move.does("start_grace"):
        return None
    if move.event == "enter_background":
        return move.before.has("foreground")
    return move.event in ("ping", "connect") and move.before.has("background")


@on_configurations("M12", "In background no heartbeat is due.")
def no_heartbeat_in_background(here: Situation) -> bool | None:
    return "heartbeat" not in here.timers if here.has("background") else None


@on_rows("M12", "No heartbeat is sent in background.")
def no_heartbeat_is_sent_in_background(move: Move) -> bool | None:
    return move.before.has("foreground") if move.does("send_heartbeat") else None


CHECKS = (
    auto_background_is_quiet, auto_background_closes, auto_foreground_dials, auto_loss_comes_back,
    auto_hold, auto_background_refuses, auto_connect_dials, manual_wish, manual_disconnect,
    window_where_it_belongs, background_opens_the_window, background_ping_pays, deadline_closes,
    foreground_brings_nothing_back, foreground_keeps_the_socket, background_loss_is_for_good,
    background_refusal, background_ends_waiting, manual_loss_comes_back, offline_connect_is_refused,
    connect_in_background, nothing_else_starts_the_window, no_heartbeat_in_background,
    no_heartbeat_is_sent_in_background,
)  # fmt: skip

"""Pings and commands (P, C), on configurations and rows."""

from __future__ import annotations

from statemodel._vocabulary import Code, Reason
from statemodel.rules._model import Move, Situation
from statemodel.rules._modes import lost
from statemodel.rules._rule import on_configurations, on_rows

_LAST_WORDS = ("socket_closed", "credentials_denied", "server_refused", "close_due")

_CAUSES = {
    "save_succeeded": Reason.LOGIN,
    "session_restored": Reason.RESTORED,
    "connect": Reason.CONNECT,
    "disconnect": Reason.DISCONNECT,
    "logout": Reason.LOGOUT,
    "shut_down": Reason.SHUT_DOWN,
    "enter_background": Reason.BACKGROUND,
    "enter_foreground": Reason.FOREGROUND,
    "network_lost": Reason.NETWORK_DOWN,
    "network_restored": Reason.NETWORK_UP,
    "retry_due": Reason.RETRY,
    "embargo_due": Reason.RETRY,
    "grace_due": Reason.BACKGROUND_TIMEOUT,
    "dial_succeeded": Reason.OPENED,
    "dial_failed": Reason.DIAL_FAILED,
    "dial_due": Reason.DIAL_FAILED,
    "refresh_failed": Reason.DIAL_FAILED,
    "refresh_due": Reason.DIAL_FAILED,
    "socket_closed": Reason.CLOSED_BY_PEER,
    "credentials_denied": Reason.CLOSED_BY_PEER,
    "peer_silent": Reason.NO_ANSWER,
    "throttling_started": Reason.THROTTLED,
    "throttling_ended": Reason.UNTHROTTLED,
}
"""What a change that an event causes may be told as."""

_CLOSING_CALLS = frozenset({"disconnect", "logout", "shut_down"})


@on_rows("P1", "An accepted ping sends one, and nothing else sends one in the application's name.")
def one_ping_each(move: Move) -> bool | None:
    if move.event != "ping" and not move.does("send_ping"):
        return None
    sent = move.actions.count("send_ping")
    return sent == (1 if move.event == "ping" and move.accepted else 0)


@on_rows(
    "P2", "When the open socket goes, pings that wait fail at once, with the code of what ended it."
)
def pings_end_with_the_socket(move: Move) -> bool | None:
    if not move.before.has("connected") or move.after.has("connected"):
        return None
    codes = {"disconnect": Code.DISCONNECTED, "logout": Code.LOGGED_OUT, "shut_down": Code.CLOSED}
    code = Code.CONNECTION_REFUSED if move.after.has("failed") else Code.CONNECTION_LOST
    return move.fails("ping", codes.get(move.event, code))


@on_configurations(
    "P3",
    "With a user but no open socket, `ping` and `send` are refused with `NO_WEBSOCKET_CONNECTION`.",
)
def no_ping_without_a_socket(here: Situation) -> bool | None:
    if not here.has("logged_in") or here.has("connected"):
        return None
    return all(
        here.refusal(call) is Code.NO_WEBSOCKET_CONNECTION for call in ("ping", "send_message")
    )


@on_configurations("P3", "With an open socket, `ping` and `send` are accepted.")
def ping_with_a_socket(here: Situation) -> bool | None:
    if not here.has("connected"):
        return None
    return here.refusal("ping") is None and here.refusal("send_message") is None


@on_rows("P5", "A peer that stays silent has lost the socket: dropped, and counted as a failure.")
def silence_is_a_loss(move: Move) -> bool | None:
    if move.event != "peer_silent" or not move.before.has("connected"):
        return None
    return not move.after.has("connected") and move.does("abort", "count_failure")


@on_rows("P5", "The end of the library's own pings keeps the socket.")
def own_pings_over_is_no_loss(move: Move) -> bool | None:
    if move.event != "own_pings_over" or not move.before.has("connected"):
        return None
    return move.after.has("connected") and not move.does_any("abort", "close", "count_failure")


@on_rows("C1", "`connect` with an open socket succeeds at once and does nothing.")
def connect_with_a_socket(move: Move) -> bool | None:
    if move.event != "connect" or not move.before.has("connected"):
        return None
    succeeds = move.settled == {"connect": None}
    return succeeds and move.after is move.before and not move.actions


@on_rows("C2", "`connect` while connecting joins the attempt: accepted, waiting, nothing done.")
def connect_joins(move: Move) -> bool | None:
    if move.event != "connect" or not move.before.has_any("connecting", "refreshing"):
        return None
    return move.accepted and move.idle


@on_rows(
    "C2",
    "A waiting `connect` outlives an attempt that will be retried, and succeeds when the socket is open.",
)
def connect_outlives_attempts(move: Move) -> bool | None:
    if "connect" not in move.before.waits:
        return None
    if lost(move) and move.after.has("wanted"):
        return "connect" not in move.settled
    if move.event == "dial_succeeded" and move.enters("connected"):
        return move.settled.get("connect", "waits") is None
    return None


@on_rows("C3", "`connect` while backing off dials now, and neither counts nor forgets failures.")
def connect_skips_the_wait(move: Move) -> bool | None:
    if move.event != "connect" or not move.before.has("backing_off") or move.embargoed:
        return None
    return move.does("dial") and not move.does_any("count_failure", "forget_failures")


@on_rows(
    "C4",
    "Entering the background in auto mode fails a waiting `connect` with `ERR_APP_IN_BACKGROUND`.",
)
def background_fails_connect(move: Move) -> bool | None:
    if move.event != "enter_background" or not move.before.has("auto", "foreground", "logged_in"):
        return None
    return move.fails("connect", Code.APP_IN_BACKGROUND) if "connect" in move.before.waits else None


@on_rows("C4", "What is wished for when a call's wait is cancelled stays wished for.")
def cancelling_is_no_wish(move: Move) -> bool | None:
    if move.event not in ("abort_close", "abandon_login"):
        return None
    return move.keeps("wanted")


@on_configurations("C4", "A command waits only where something goes on that ends it.")
def waits_where_something_goes_on(here: Situation) -> bool | None:
    if not here.waits:
        return None
    ends = {
        "login": here.has_any("authenticating", "saving"),
        "connect": here.has("wanted") and not here.has_any("connected", "failed"),
        "ping": here.has("connected"),
    }
    return all(ends.get(kind, here.has("closing")) for kind in here.waits)


@on_rows(
    "C5",
    "`disconnect` succeeds wherever somebody is logged in: at once, or when the closing socket is gone.",
)
def disconnect_succeeds(move: Move) -> bool | None:
    if move.event != "disconnect" or not move.before.has("logged_in"):
        return None
    ended = move.settled.get("disconnect", "waits")
    return move.accepted and (ended == "waits" if move.after.has("closing") else ended is None)


@on_rows("C5", "`disconnect` drops a dial and fails the `connect` that waits.")
def disconnect_drops_a_dial(move: Move) -> bool | None:
    if move.event != "disconnect" or not move.accepted or not move.before.has("wanted"):
        return None
    left = move.after.asked & {"dial", "refresh", "open"}
    return not left and move.fails("connect", Code.DISCONNECTED)


@on_rows(
    "C5",
    "Calls that wait for a closing socket end well when it is gone, and `abort_close` takes it away at once.",
)
def closing_ends_the_calls(move: Move) -> bool | None:
    gone = move.before.has("closing") and not move.after.has("closing")
    if move.event == "abort_close" and move.before.has("closing"):
        return gone and move.does("abort")
    if not gone or move.event == "shut_down":
        return None
    waiting = _CLOSING_CALLS & move.before.waits
    return all(move.settled.get(kind, "waits") is None for kind in waiting) if waiting else None


@on_rows("C6", "What dials while a socket is closing aborts that before.")
def dial_aborts_what_closes(move: Move) -> bool | None:
    if not move.before.has("closing") or not move.does("dial"):
        return None
    return move.does("abort") and move.actions.index("abort") < move.actions.index("dial")


@on_rows(
    "C7", "After an accepted `connect` that the server does not hold off the connection is wanted."
)
def connect_wins(move: Move) -> bool | None:
    if move.event != "connect" or not move.accepted or move.embargoed:
        return None
    return move.after.has("wanted")


@on_rows("C7", "After an accepted `disconnect` it is not, and nothing is being dialled.")
def disconnect_wins(move: Move) -> bool | None:
    if move.event != "disconnect" or not move.accepted:
        return None
    return move.after.has("unwanted") and not move.after.has_any("socket", "waiting")


@on_rows("C8", "`connect` in foreground without network is accepted and waits for it.")
def connect_without_network(move: Move) -> bool | None:
    if move.event != "connect" or not move.before.has("foreground", "offline", "logged_in"):
        return None
    return move.accepted and move.after.has("wanted", "waiting") and "connect" not in move.settled


@on_rows(
    "K3",
    "`disconnect`, `logout`, the end and auto mode's background drop unread messages, and nothing else does.",
)
def unread_messages(move: Move) -> bool | None:
    called = move.event in _CLOSING_CALLS and move.accepted and move.before.has("logged_in")
    hidden = move.event == "enter_background" and move.before.has("auto", "wanted")
    if not (called or hidden or move.does("discard_unread")):
        return None
    return (called or hidden) and move.actions.count("discard_unread") == 1


@on_rows("C6", "What a closing socket still says changes nothing, save that it is gone.")
def old_sockets_say_nothing(move: Move) -> bool | None:
    if move.event not in _LAST_WORDS or not move.before.has("closing") or not move.accepted:
        return None
    return move.reason is None and move.keeps("wanted", "failed", "logged_in", "fresh")


@on_rows("T2", "A status changes only for a reason, and a step that changes nothing tells nothing.")
def changes_have_reasons(move: Move) -> bool | None:
    if move.before.status is not move.after.status:
        return isinstance(move.reason, Reason)
    return move.reason is None if move.before is move.after else None


@on_rows(
    "T2",
    "A change is told with the reason that names what has caused it, or what has become of it.",
)
def reasons_name_causes(move: Move) -> bool | None:
    if move.reason is None:
        return None
    if move.after.has("failed"):
        return move.reason is Reason.REFUSED
    return move.reason is _CAUSES.get(move.event)


CHECKS = (
    one_ping_each, pings_end_with_the_socket, no_ping_without_a_socket, ping_with_a_socket,
    silence_is_a_loss, own_pings_over_is_no_loss, connect_with_a_socket, connect_joins,
    connect_outlives_attempts, connect_skips_the_wait, background_fails_connect, cancelling_is_no_wish,
    waits_where_something_goes_on, disconnect_succeeds, disconnect_drops_a_dial, closing_ends_the_calls,
    dial_aborts_what_closes, connect_wins, disconnect_wins, connect_without_network, unread_messages, old_sockets_say_nothing, reasons_name_causes,
    changes_have_reasons,
)  # fmt: skip

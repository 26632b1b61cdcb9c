"""Opening and session (O, S), on configurations and rows."""

from __future__ import annotations

from statemodel._vocabulary import Code, Status
from statemodel.rules._model import Move, Situation
from statemodel.rules._rule import on_configurations, on_rows

_KNOWN = {
    "enter_background": "background",
    "enter_foreground": "foreground",
    "network_lost": "offline",
    "network_restored": "online",
}
"""What each report says."""

_ENDED_BY_THE_END = ("login", "connect", "ping", "disconnect", "logout")

_FOR_USERS = ("connect", "disconnect", "ping", "send_message")


@on_rows("O1", "No event changes the mode.")
def mode_is_fixed(move: Move) -> bool:
    return move.keeps("auto", "manual")


@on_configurations(
    "O2", "A connection starts logged out, disconnected, with no timer and nothing asked."
)
def starts_at_rest(here: Situation) -> bool | None:
    if not here.starts:
        return None
    resting = {(p.timers, p.asked) for p in here.pending} == {(frozenset(), frozenset())}
    return resting and here.status is Status.DISCONNECTED and here.has("logged_out", "unwanted")


@on_rows("O3", "A report of what is known already does nothing.")
def known_reports_do_nothing(move: Move) -> bool | None:
    if move.event not in _KNOWN or not move.before.has(_KNOWN[move.event]):
        return None
    return move.idle


@on_rows("O4", "Ending drops every wish and socket, fails what waits, and clears no saved user.")
def ending_disconnects(move: Move) -> bool | None:
    if move.event != "shut_down" or not move.accepted:
        return None
    down = not move.after.has_any("wanted", "socket", "waiting")
    failed = all(move.fails(kind, Code.CLOSED) for kind in _ENDED_BY_THE_END)
    return down and failed and not (move.before.has("logged_in") and move.does("clear"))


@on_configurations(
    "O4",
    "After the end every call and report is refused with `ERR_CLOSED`, and waiting is in vain.",
)
def ended_refuses(here: Situation) -> bool | None:
    if not here.has("ended"):
        return None
    calls = ("login", "login_again", "logout", *_FOR_USERS, *_KNOWN)
    refused = all(here.refusal(call) is Code.CLOSED for call in calls)
    return refused and here.dead_end is Code.CLOSED


@on_rows("S1", "A login asks the authenticator, then the store, and only then succeeds.")
def login_goes_step_by_step(move: Move) -> bool | None:
    asks = {"login": "authenticate", "authentication_succeeded": "save"}
    if not move.accepted or move.event not in (*asks, "save_succeeded"):
        return None
    if move.event == "save_succeeded":
        return move.settled.get("login", "waits") is None and move.enters("logged_in")
    nothing_else = not move.does_any("dial", "adopt_user", *({*asks.values()} - {asks[move.event]}))
    return move.does(asks[move.event]) and nothing_else and "login" not in move.settled


@on_rows(
    "S1",
    "A login that fails is over: nobody is logged in, nothing stays saved, and it says which part failed.",
)
def failed_login_leaves_nothing(move: Move) -> bool | None:
    codes = {
        "authentication_failed": Code.AUTHENTICATION_FAILED,
        "authenticate_due": Code.AUTHENTICATION_FAILED,
        "save_failed": Code.SESSION_NOT_SAVED,
        "save_due": Code.SESSION_NOT_SAVED,
    }
    if move.event not in codes or not move.accepted:
        return None
    saved = move.event.startswith("save")
    over = move.after.has("logged_out") and not move.after.asked & {"authenticate", "save"}
    return over and move.fails("login", codes[move.event]) and move.does("clear") is saved


@on_rows("S1", "A login that is given up while it is being saved leaves nothing saved.")
def interrupted_save_leaves_nothing(move: Move) -> bool | None:
    ended = move.before.has("saving") and not move.after.has_any("saving", "logged_in")
    return move.does("clear") if ended else None


@on_rows("S1", "A login that its caller gives up is over.")
def abandoned_login_is_over(move: Move) -> bool | None:
    if move.event != "abandon_login" or not move.before.has_any("authenticating", "saving"):
        return None
    return move.enters("logged_out") and move.does("cancel_login")


@on_rows("S1", "A login is called off before what it may have saved is cleared.")
def called_off_before_clearing(move: Move) -> bool | None:
    if not move.does("cancel_login", "clear"):
        return None
    return move.actions.index("cancel_login") < move.actions.index("clear")


@on_rows(
    "S5",
    "The saved user is cleared by logging out, or with a login that ends while it is being saved, and by nothing else.",
)
def nothing_else_clears(move: Move) -> bool | None:
    if not move.does("clear"):
        return None
    ended = move.before.has("saving") and not move.after.has("logged_in")
    return (move.event == "logout" or ended) and move.actions.count("clear") == 1


@on_configurations("S1", "Authenticating and saving each run against a time limit.")
def login_is_timed(here: Situation) -> bool | None:
    if not here.asked & {"authenticate", "save"}:
        return None
    return all(
        p.asked & {"authenticate", "save"} == p.timers & {"authenticate", "save"}
        for p in here.pending
    )


@on_rows(
    "S2", "In auto mode a login makes the connection wanted in foreground, and not in background."
)
def login_in_auto_mode(move: Move) -> bool | None:
    if move.event != "save_succeeded" or not move.accepted or not move.before.has("auto"):
        return None
    return move.after.has("wanted") is move.before.has("foreground")


@on_rows("S3", "In manual mode a login changes no wish and dials nothing.")
def login_in_manual_mode(move: Move) -> bool | None:
    if move.event != "save_succeeded" or not move.accepted or not move.before.has("manual"):
        return None
    return move.keeps("wanted", "socket") and not move.does("dial")


@on_rows(
    "S4", "A restored user is logged in at once, unasked; wanted exactly in auto mode's foreground."
)
def restored_user(move: Move) -> bool | None:
    if move.event != "session_restored" or not move.accepted:
        return None
    unasked = not move.does_any("authenticate", "save", "clear")
    wanted = move.before.has("auto", "foreground")
    return move.enters("logged_in") and unasked and move.after.has("wanted") is wanted


@on_rows(
    "S5",
    "Logout leaves nobody logged in, no wish, no socket and no timer but the close's, and clears the store.",
)
def logout_leaves_nothing(move: Move) -> bool | None:
    if move.event != "logout" or not move.accepted:
        return None
    over = not move.after.has_any("wanted", "socket", "waiting") and move.after.has("logged_out")
    return over and move.after.timers <= {"close"} and move.actions.count("clear") == 1


@on_rows("S5", "Logout calls a running login off and fails it with `ERR_LOGGED_OUT`.")
def logout_ends_a_login(move: Move) -> bool | None:
    if move.event != "logout" or not move.before.has_any("authenticating", "saving"):
        return None
    return move.does("cancel_login", "clear") and move.fails("login", Code.LOGGED_OUT)


@on_configurations(
    "S6", "With nobody logged in, the calls of users are refused with `ERR_NOT_LOGGED_IN`."
)
def nobody_is_refused(here: Situation) -> bool | None:
    if here.has_any("logged_in", "ended"):
        return None
    return all(here.refusal(call) is Code.NOT_LOGGED_IN for call in _FOR_USERS)


@on_configurations(
    "S7", "A second login is refused, with the code for a running one or for another user."
)
def second_login_is_refused(here: Situation) -> bool | None:
    if here.has_any("authenticating", "saving"):
        return here.refusal("login") is Code.LOGIN_IN_PROGRESS
    return here.refusal("login") is Code.ALREADY_LOGGED_IN if here.has("logged_in") else None


@on_rows("S7", "The same user's login is accepted and does nothing.")
def same_user_again(move: Move) -> bool | None:
    return (
        move.accepted and move.idle
        if move.event == "login_again" and move.before.has("logged_in")
        else None
    )


@on_configurations(
    "S8",
    "With nobody logged in there is no wish, no socket, nothing waiting and no timer but those of a login and of a closing socket.",
)
def nobody_has_no_connection(here: Situation) -> bool | None:
    if here.has("logged_in"):
        return None
    still = here.timers <= {"authenticate", "save", "close"}
    return (
        still
        and not here.has_any("wanted", "socket", "waiting")
        and here.asked <= {"authenticate", "save", "close"}
    )


CHECKS = (
    mode_is_fixed, starts_at_rest, known_reports_do_nothing, ending_disconnects, ended_refuses,
    login_goes_step_by_step, failed_login_leaves_nothing, interrupted_save_leaves_nothing, abandoned_login_is_over,
    called_off_before_clearing, nothing_else_clears, login_is_timed,
    login_in_auto_mode, login_in_manual_mode, restored_user, logout_leaves_nothing, logout_ends_a_login,
    nobody_is_refused, second_login_is_refused, same_user_again, nobody_has_no_connection,
)  # fmt: skip

"""Sockets, retry and network (K, B, N), on configurations and rows."""

from __future__ import annotations

from statemodel._vocabulary import Code, Reason, Status
from statemodel.rules._model import Move, Situation
from statemodel.rules._modes import lost
from statemodel.rules._rule import on_configurations, on_rows

_ANSWERS = {
    "authentication_succeeded": {"authenticate"},
    "authentication_failed": {"authenticate"},
    "save_succeeded": {"save"},
    "save_failed": {"save"},
    "dial_succeeded": {"dial"},
    "dial_failed": {"dial"},
    "refresh_succeeded": {"refresh"},
    "refresh_failed": {"refresh"},
    "socket_closed": {"open", "close"},
    "credentials_denied": {"dial", "open", "close"},
    "server_refused": {"dial", "refresh", "open", "close"},
    "peer_silent": {"open"},
    "overslept": {"open"},
    "own_pings_over": {"open"},
    "throttling_started": {"open"},
    "throttling_ended": {"open"},
}
"""What must have been asked, or be open, for an answer to be one."""

_OPEN = frozenset({"dial", "refresh", "open"})


@on_rows(
    "K1",
    "When a dial or a refresh begins nothing is left of the socket before, and what is closed or aborted is there.",
)
def one_socket_at_a_time(move: Move) -> bool | None:
    return not move.wrong if move.does_any("dial", "refresh", "close", "abort") else None


@on_configurations(
    "K1", "A descriptor is ours to close exactly where there is a socket or a closing one."
)
def no_descriptor_is_left(here: Situation) -> bool:
    there = here.has_any("socket", "closing")
    return all(bool(p.asked & {*_OPEN, "close"}) is there for p in here.pending)


@on_rows("K2", "An answer that nobody waits for does nothing.")
def stale_answers_do_nothing(move: Move) -> bool | None:
    questions = _ANSWERS.get(move.event)
    return None if questions is None or questions & move.before.asked else move.idle


@on_configurations("K4", "A closing socket is shown as disconnected, and its time limit runs.")
def closing_is_shown_and_timed(here: Situation) -> bool | None:
    if "close" not in here.asked:
        return None
    timed = all("close" in pending.timers for pending in here.pending)
    return timed and here.status is Status.DISCONNECTED and here.has("closing")


@on_rows("K4", "At its time limit a closing socket is aborted.")
def closing_ends(move: Move) -> bool | None:
    if move.event != "close_due" or not move.before.has("closing"):
        return None
    return move.does("abort") and not move.after.has("closing")


@on_configurations(
    "K5", "A dial runs against a time limit, a refresh against its own, and nothing else does."
)
def attempts_are_timed(here: Situation) -> bool:
    return all(
        p.asked & {"dial", "refresh"} == p.timers & {"dial", "refresh"} for p in here.pending
    )


@on_rows("K5", "At its time limit a dial or refresh is dropped.")
def attempts_end(move: Move) -> bool | None:
    if move.event not in ("dial_due", "refresh_due") or not move.accepted:
        return None
    return move.does("abort") and not move.after.has("socket")


@on_rows(
    "B1",
    "Losses count as failures, once each; dials that are cancelled or lose the network do not.",
)
def failures_are_counted(move: Move) -> bool | None:
    if not (lost(move) or move.does("count_failure")):
        return None
    return lost(move) and move.actions.count("count_failure") == 1


@on_rows("B2", "Failures are forgotten when the connection has been stable, and then only.")
def failures_are_forgotten(move: Move) -> bool | None:
    if not move.does("forget_failures") and move.event != "stable_due":
        return None
    return move.does("forget_failures") is (
        move.event == "stable_due" and move.before.has("connected")
    )


@on_configurations("B2", "The time to stability runs only while connected.")
def stability_is_timed(here: Situation) -> bool | None:
    return here.has("connected") if "stable" in here.timers else None


@on_rows("B2", "Nothing stops it while connected.")
def stability_is_not_put_off(move: Move) -> bool | None:
    if not move.does("stop_stable") or not move.before.has("connected"):
        return None
    return not move.after.has("connected")


@on_rows("B2", "It starts with the connection.")
def stability_starts_with_the_connection(move: Move) -> bool | None:
    return move.does("start_stable") if move.enters("connected") else None


@on_rows(
    "B3",
    "No loss is answered with a dial in the same step: the first retry waits for its draw too.",
)
def first_retry_waits(move: Move) -> bool | None:
    if not lost(move):
        return None
    return not move.does("dial") and (move.does("start_retry") or not move.after.has("wanted"))


@on_rows("B4", "While a Retry-After runs, nothing that could dial does.")
def retry_after_is_kept(move: Move) -> bool | None:
    return not move.does("dial") if move.embargoed else None


@on_configurations("B4", "Whoever is held off has a timer that ends it.")
def held_off_is_timed(here: Situation) -> bool | None:
    if not here.has("held_off"):
        return None
    return here.has("wanted") and all("embargo" in pending.timers for pending in here.pending)


@on_rows(
    "B5",
    "Refused credentials are renewed once within the attempt; refused again, the connection has failed.",
)
def credentials_are_renewed_once(move: Move) -> bool | None:
    if move.event != "credentials_denied" or not move.accepted or not move.before.has("socket"):
        return None
    return move.does("refresh") if move.before.has("fresh") else move.enters("failed")


@on_rows(
    "B5",
    "Renewed credentials count as renewed until the connection has been stable, has failed, or nobody is logged in.",
)
def renewed_lasts(move: Move) -> bool | None:
    if not move.before.has("renewed") or move.after.has("renewed"):
        return None
    return move.event == "stable_due" or not move.after.has("logged_in") or move.enters("failed")


@on_rows("B5", "New credentials are dialled with at once, with a time limit of their own.")
def renewed_credentials_dial(move: Move) -> bool | None:
    if move.event != "refresh_succeeded" or not move.before.has("refreshing"):
        return None
    return move.does("dial", "start_dial") and move.after.has("renewed", "connecting")


@on_rows("B5", "A terminal refusal of a dial, refresh or socket means failed.")
def terminal_refusals_fail(move: Move) -> bool | None:
    if move.event != "server_refused" or not move.before.has("socket"):
        return None
    return move.enters("failed")


@on_configurations(
    "B5", "Failed is not wanted, has nothing under way, and waiting there is in vain."
)
def failed_is_final(here: Situation) -> bool | None:
    if not here.has("failed"):
        return None
    vain = here.dead_end is Code.CONNECTION_REFUSED
    return (
        vain and not here.has("wanted") and not here.timers and not here.waits & {"connect", "ping"}
    )


@on_rows("B5", "Becoming failed is told, as refused; leaving that is told too.")
def failing_is_told(move: Move) -> bool | None:
    if move.before.has("failed") is move.after.has("failed"):
        return None
    return move.reason is Reason.REFUSED if move.after.has("failed") else move.reason is not None


@on_rows(
    "B5",
    "Where somebody asks for a connection that had failed, or logs in, the credentials may be renewed again.",
)
def attempts_begin_afresh(move: Move) -> bool | None:
    anew = move.before.has("failed") or not move.before.has("logged_in")
    return move.after.has("fresh") if move.does("dial") and anew else None


@on_rows("B5", "What waits when a connection fails for good ends with `ERR_CONNECTION_REFUSED`.")
def failing_ends_waits(move: Move) -> bool | None:
    if not move.enters("failed"):
        return None
    return all(move.fails(kind, Code.CONNECTION_REFUSED) for kind in ("connect", "ping"))


@on_rows(
    "B5",
    "Failed is left by `connect`, by logging out, by the end, and in auto mode by entering the foreground.",
)
def failed_is_left(move: Move) -> bool | None:
    if not move.before.has("failed"):
        return None
    leaves = move.event in ("connect", "logout", "shut_down") and move.accepted
    leaves |= move.event == "enter_foreground" and move.before.has("auto", "background")
    return move.after.has("failed") is not leaves or move.embargoed


@on_configurations(
    "B6",
    "Waiting, and every retry, is for a connection that is wanted, by a user, and not in background.",
)
def retries_are_wanted(here: Situation) -> bool | None:
    if not here.has("waiting") and not here.timers & {"retry", "embargo"}:
        return None
    return here.has("wanted", "logged_in", "foreground")


@on_configurations("B6", "Without network no retry is timed, and what is unwanted has no socket.")
def nothing_retries_in_vain(here: Situation) -> bool | None:
    if here.has("wanted", "online"):
        return None
    if here.has("offline") and here.timers & {"retry", "embargo"}:
        return False
    return not (here.has("unwanted") and (here.has_any("socket", "waiting") or here.asked & _OPEN))


@on_rows(
    "B7", "A socket closed by the server in foreground is waited for and wanted, like any loss."
)
def closed_by_the_server_is_a_loss(move: Move) -> bool | None:
    if move.event != "socket_closed" or not move.before.has("foreground", "connected"):
        return None
    return move.after.has("wanted", "backing_off") and move.does("count_failure")


@on_rows(
    "N1", "Losing the network drops the socket, also one that is closing, and counts no failure."
)
def network_loss_drops(move: Move) -> bool | None:
    if move.event != "network_lost" or not move.before.has("online") or not move.accepted:
        return None
    there = move.before.has_any("socket", "closing")
    return move.does("abort") is there and not move.does_any("dial", "close", "count_failure")


@on_configurations("N1", "Without network there is no socket, not even a closing one.")
def no_socket_offline(here: Situation) -> bool | None:
    if not here.has("offline"):
        return None
    return not here.has_any("socket", "closing") and not here.asked & {*_OPEN, "close"}


@on_rows(
    "N2", "The network's return dials what is wanted in that step, unless the server holds it off."
)
def network_dials(move: Move) -> bool | None:
    if move.event != "network_restored" or not move.before.has("offline", "wanted"):
        return None
    return move.after.has("held_off") if move.embargoed else move.does("dial")


@on_rows("N3", "The network's return changes nothing for what is not wanted.")
def network_wants_nothing(move: Move) -> bool | None:
    if move.event != "network_restored" or not move.before.has("offline", "unwanted"):
        return None
    return not move.actions and not move.settled and not move.after.has("wanted")


CHECKS = (
    one_socket_at_a_time, no_descriptor_is_left, stale_answers_do_nothing,
    closing_is_shown_and_timed, closing_ends, attempts_are_timed, attempts_end,
    failures_are_counted, failures_are_forgotten, stability_is_timed,
    stability_starts_with_the_connection, stability_is_not_put_off, first_retry_waits, retry_after_is_kept,
    held_off_is_timed, credentials_are_renewed_once, renewed_lasts, renewed_credentials_dial,
    terminal_refusals_fail, failed_is_final, failing_ends_waits, failed_is_left,
    retries_are_wanted, nothing_retries_in_vain, closed_by_the_server_is_a_loss,
    network_loss_drops, no_socket_offline, network_dials, network_wants_nothing,
    attempts_begin_afresh, failing_is_told,
)  # fmt: skip

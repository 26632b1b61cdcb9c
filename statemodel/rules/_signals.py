"""Heartbeat, status and timers (H, T, G), on configurations and rows."""

from __future__ import annotations

from statemodel._vocabulary import Status
from statemodel.rules._model import Move, Situation
from statemodel.rules._modes import LOSSES
from statemodel.rules._rule import on_configurations, on_rows


@on_configurations(
    "H1",
    "In foreground an open socket is listened to exactly while none of the library's own pings is out.",
)
def open_sockets_are_watched(here: Situation) -> bool | None:
    if not here.has("connected", "foreground"):
        return None
    return all(("heartbeat" in p.timers) is not ("own ping" in p.asked) for p in here.pending)


@on_configurations(
    "H1", "The library probes exactly while a ping of its own is out on an open socket."
)
def probing_is_a_ping(here: Situation) -> bool | None:
    if not here.has("connected"):
        return False if here.has("probing") else None
    return all(("own ping" in pending.asked) is here.has("probing") for pending in here.pending)


@on_rows(
    "H1",
    "The heartbeat's time sends one ping of the library's own, and nothing else sends a heartbeat.",
)
def heartbeats(move: Move) -> bool | None:
    if move.event != "heartbeat_due" and not move.does("send_heartbeat"):
        return None
    if not move.accepted:
        return move.idle
    return move.event == "heartbeat_due" and move.actions.count("send_heartbeat") == 1


@on_rows("H2", "Entering the foreground with an open socket sends one probe.")
def foreground_probes(move: Move) -> bool | None:
    if move.event != "enter_foreground" or not move.before.has("background", "connected"):
        return None
    return move.actions.count("send_probe") == 1


@on_rows("H4", "The foreground's time is noted when it is entered, and only then.")
def foreground_is_noted(move: Move) -> bool | None:
    entered = move.event == "enter_foreground" and move.enters("foreground")
    return (
        move.does("note_foreground") is entered if entered or move.does("note_foreground") else None
    )


@on_rows("H5", "A ping slept through is answered with one probe, and the socket stays.")
def oversleeping_probes(move: Move) -> bool | None:
    if move.event != "overslept" or not move.before.has("connected"):
        return None
    kept = move.after.has("connected", "probing")
    return kept and move.actions.count("send_probe") == 1


@on_configurations(
    "T1",
    "The status says whether a socket is open, being opened, or neither, and whether it is throttled.",
)
def status_is_what_there_is(here: Situation) -> bool:
    if here.has("connected"):
        shown = Status.FEATURE_THROTTLED if here.has("throttled") else Status.CONNECTED
        return here.status is shown
    return here.status is (Status.CONNECTING if here.has("socket") else Status.DISCONNECTED)


@on_rows("T3", "A lost connection shows as disconnected before it is dialled again.")
def losses_show(move: Move) -> bool | None:
    if move.event not in LOSSES or not move.before.has("connected") or move.after is move.before:
        return None
    return move.after.status is Status.DISCONNECTED


@on_configurations("T6", "Connecting is shown exactly while a dial or a refresh runs.")
def connecting_is_an_attempt(here: Situation) -> bool:
    shown = here.status is Status.CONNECTING
    return all(bool(p.asked & {"dial", "refresh"}) is shown for p in here.pending)


@on_rows(
    "T7", "A connection opens unthrottled, and the server's word changes that, and nothing else."
)
def throttling(move: Move) -> bool | None:
    if move.enters("connected"):
        return not move.after.has("throttled")
    if move.before.has("connected") and move.event.startswith("throttling"):
        return (
            move.after.has("throttled") is (move.event == "throttling_started") and not move.actions
        )
    if move.before.has("throttled") and move.after.has("connected"):
        return move.after.has("throttled")
    return None


@on_configurations("G3", "A running timer is heard when it is due.")
def timers_are_handled(here: Situation) -> bool | None:
    if not here.timers:
        return None
    return all(here.move(f"{timer}_due").disposition.value == "handled" for timer in here.timers)


@on_configurations(
    "G3",
    "A timer runs in all of a configuration's lives, unless it has fired there already and changed nothing.",
)
def timers_are_owned(here: Situation) -> bool:
    always = frozenset.intersection(*(pending.timers for pending in here.pending))
    return all(here.move(f"{timer}_due").after is here for timer in here.timers - always)


@on_rows("G3", "A timer that is not running is not heard.")
def timers_are_not_heard_otherwise(move: Move) -> bool | None:
    timer = move.event.removesuffix("_due")
    if timer == move.event or timer in move.before.timers:
        return None
    return move.idle


CHECKS = (
    open_sockets_are_watched, probing_is_a_ping, heartbeats, foreground_probes,
    foreground_is_noted, oversleeping_probes, status_is_what_there_is, losses_show,
    connecting_is_an_attempt, throttling, timers_are_handled, timers_are_owned,
    timers_are_not_heard_otherwise,
)  # fmt: skip

"""How each entry of a trace changes what is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from statemodel._vocabulary import Code, Reason, Status
from statemodel.trace_rules import _wish
from statemodel.trace_rules._facts import Facts, Ping, Socket, slack
from statemodel.trace_rules._steps import Step
from statemodel.traces import (
    Called,
    Cancelled,
    CloseBegun,
    Dialled,
    Entry,
    FrameSeen,
    Opened,
    PingSent,
    Reading,
    Refreshed,
    Reported,
    Returned,
    SocketEnded,
    SocketGone,
    SocketOpened,
    StatusSeen,
    Stored,
    Throttled,
    Trace,
)


def first_facts(entry: Opened) -> Facts:
    """Return what is known once the connection object is open."""
    return Facts(
        mode=entry.mode,
        timings=entry.timings,
        time=entry.time,
        foreground=entry.foreground,
        online=entry.online,
        entered=entry.time,
        not_before=entry.time - 1.0,
    )


def turned_down(called: Called, rest: Trace) -> Code | None:
    """Return the code with which a call failed in its own step, without a ping having gone out."""
    for entry in rest:
        if isinstance(entry, PingSent) and entry.command == called.command:
            return None
        if isinstance(entry, Returned) and entry.command == called.command:
            return entry.code
    return None


def _called(facts: Facts, entry: Called, step: Step) -> None:
    facts.waiting = {**facts.waiting, entry.command: entry}
    if turned_down(entry, step.to_come) is not None:
        return
    match entry.name:
        case "login" if facts.user is None and facts.login is None:
            facts.login = entry.command
            facts.authenticating = facts.authenticated = facts.saving = None
        case "logout":
            facts.user = facts.login = None
            _wish.unwant(facts, "logout")
        case "connect":
            _wish.connect(facts)
        case "disconnect" if facts.user is not None and not facts.closed:
            _wish.unwant(facts, "disconnect")
        case "shut_down":
            facts.closed, facts.login = True, None
            _wish.unwant(facts, "shut_down")
        case "ping" if (
            facts.manual_background and facts.open is not None and facts.grace is not None
        ):
            facts.grace = facts.time + facts.timings.background_grace
            facts.grace_from = "ping"
        case _:
            pass


def _ended_call(facts: Facts, entry: Cancelled | Returned, _: Step) -> None:
    called = facts.waiting.get(entry.command)
    if called is None:
        return
    facts.waiting = {n: c for n, c in facts.waiting.items() if n != entry.command}
    well = isinstance(entry, Returned) and entry.code is None
    if called.name == "login" and facts.login == entry.command:
        facts.login = facts.authenticating = None
        if well:
            _wish.logged_in(facts, called.uid, "login")
    elif well and called.name in ("disconnect", "logout", "shut_down"):
        facts.sockets = {
            n: s if n == facts.current else s._replace(muted=True) for n, s in facts.sockets.items()
        }


def _reported(facts: Facts, entry: Reported, _: Step) -> None:
    match entry.what:
        case "background" if facts.foreground:
            _wish.background(facts)
        case "foreground" if not facts.foreground:
            _wish.foreground(facts)
        case "network_down" if facts.online:
            _wish.network_down(facts)
        case "network_up" if not facts.online:
            _wish.network_up(facts)
        case "restored" if facts.user is None and not facts.closed:
            _wish.logged_in(facts, entry.uid, "restored")
        case _:
            pass


def _stored(facts: Facts, entry: Stored, step: Step) -> None:
    since = facts.time if entry.phase == "begun" else None
    match entry.what:
        case "authenticate":
            facts.authenticating = since
            facts.authenticated = facts.time if entry.phase == "done" else None
        case "clear":
            facts.clearing = max(0, facts.clearing + (1 if since is not None else -1))
        case "save":
            facts.saving = since
            if entry.phase == "done" and facts.login is not None:
                _saved(facts, facts.login, step.to_come)


def _saved(facts: Facts, login: int, rest: Trace) -> None:
    for entry in rest:
        if isinstance(entry, Returned) and entry.command == login and entry.code is not None:
            return
    _wish.logged_in(facts, facts.waiting[login].uid, "login")


def _refreshed(facts: Facts, entry: Refreshed, _: Step) -> None:
    if entry.phase == "begun":
        if facts.wanted:
            facts.refreshing, facts.refreshed, facts.retry_by = facts.time, "yes", None
        return
    if facts.refreshing is None:
        return
    facts.refreshing = None
    match entry.phase:
        case "failed":
            _wish.refresh_failed(facts)
        case "refused":
            _wish.refused_for_good(facts)
        case "done":
            facts.retry_by, facts.prompt = facts.time, "refresh"


def _ping_sent(facts: Facts, entry: PingSent, step: Step) -> None:
    socket = facts.open
    if socket is None or socket.number != entry.socket:
        return
    probe = step.returns and entry.command is None
    limit = facts.timings.probe_timeout if probe else facts.timings.pong_timeout
    ping = Ping(
        number=entry.ping,
        socket=entry.socket,
        command=entry.command,
        sent=facts.time,
        limit=limit,
        deadline=facts.time + limit if socket.reading else None,
    )
    facts.pings = {**facts.pings, entry.ping: ping}


def _frame(facts: Facts, entry: FrameSeen, _: Step) -> None:
    socket = facts.open
    if socket is None or socket.number != entry.socket:
        return
    facts.pings = {
        n: p._replace(heard_since=True) for n, p in facts.pings.items() if n != entry.pong
    }
    facts.note(socket._replace(heard=facts.time))


def _reading(facts: Facts, entry: Reading, _: Step) -> None:
    socket = facts.sockets.get(entry.socket)
    if socket is None or socket.reading == entry.on:
        return
    facts.pings = {
        n: _suspend(p, facts.time, on=entry.on) if p.socket == entry.socket else p
        for n, p in facts.pings.items()
    }
    resumed = facts.time if entry.on else socket.resumed
    facts.note(socket._replace(reading=entry.on, resumed=resumed))


def _suspend(ping: Ping, time: float, *, on: bool) -> Ping:
    if on and ping.deadline is None:
        heard = ping.heard_before or ping.heard_since
        return ping._replace(deadline=time + ping.limit, heard_before=heard, heard_since=False)
    if not on and ping.deadline is not None and ping.deadline >= time - slack():
        return ping._replace(deadline=None)
    return ping


def _status(facts: Facts, entry: StatusSeen, _: Step) -> None:
    change = facts.status = entry.change
    if change.reason is Reason.BACKGROUND_TIMEOUT and facts.wanted and _wish.grace_over(facts):
        _wish.unwant(facts, "grace")
        return
    if facts.refreshing is None or change.current is not Status.DISCONNECTED:
        return
    if facts.time >= facts.refreshing + facts.timings.auth_timeout - slack():
        _wish.refresh_failed(facts)


_REMEMBERED = 50
"""Sockets that are gone and may still be asked about, and as many that are not: a trace of weeks has
thousands, and one that never ends what it dials has as many."""


def _dialled(facts: Facts, entry: Dialled, _: Step) -> None:
    if len(facts.sockets) >= 2 * _REMEMBERED:  # or each moment would remember all before it
        recent = list(facts.sockets)[-_REMEMBERED:]
        there = [number for number, socket in facts.sockets.items() if socket.phase != "gone"]
        kept = {*recent, *there[-_REMEMBERED:]}
        facts.sockets = {n: s for n, s in facts.sockets.items() if n in kept}
    facts.current, facts.retry_by, facts.pings = entry.socket, None, {}
    facts.note(Socket(number=entry.socket, phase="dialling", dialled=facts.time))


def _opened(facts: Facts, entry: SocketOpened, _: Step) -> None:
    known = facts.sockets.get(entry.socket)
    if known is not None and known.phase == "dialling":
        facts.note(known._replace(phase="open", opened=facts.time, heard=facts.time))


def _throttled(facts: Facts, entry: Throttled, _: Step) -> None:
    known = facts.sockets.get(entry.socket)
    if known is not None and known.phase == "open":
        facts.note(known._replace(throttled=entry.on))


def _close_begun(facts: Facts, entry: CloseBegun, _: Step) -> None:
    known = facts.sockets.get(entry.socket)
    if known is None or known.phase not in ("open", "dialling"):
        return
    facts.note(known._replace(phase="closing", closing=facts.time, muted=True))
    _forget_current(facts, entry.socket)
    # A close that nothing but a deadline can have caused ends the grace window (M5).
    if facts.wanted and facts.manual_background:
        _wish.unwant(facts, "grace" if _wish.grace_over(facts) else "lost")


def _ended(facts: Facts, entry: SocketEnded, step: Step) -> None:
    known = facts.sockets.get(entry.socket)
    if known is None:
        return
    if known.phase in ("open", "dialling"):
        _wish.just_stable(facts)
        facts.note(known._replace(phase="ended"))
        _forget_current(facts, entry.socket)
        refreshes = any(isinstance(e, Refreshed) and e.phase == "begun" for e in step.to_come)
        _wish.ended(facts, entry, was_open=known.phase == "open", refreshes=refreshes)
    elif known.phase == "closing":
        facts.note(known._replace(phase="ended"))


def _gone(facts: Facts, entry: SocketGone, _: Step) -> None:
    known = facts.sockets.get(entry.socket)
    if known is None:
        return
    if known.phase in ("open", "dialling"):
        _wish.just_stable(facts)
        facts.note(known._replace(phase="gone"))
        _forget_current(facts, entry.socket)
        _wish.gone_by_us(facts)
    else:
        facts.note(known._replace(phase="gone"))


def _forget_current(facts: Facts, number: int) -> None:
    if facts.current == number:
        facts.current, facts.open, facts.pings = None, None, {}


CHANGING: Mapping[type[Entry], Callable[[Facts, Any, Step], None]] = {
    Called: _called,
    Cancelled: _ended_call,
    Returned: _ended_call,
    Reported: _reported,
    Stored: _stored,
    Refreshed: _refreshed,
    PingSent: _ping_sent,
    FrameSeen: _frame,
    Reading: _reading,
    StatusSeen: _status,
    Dialled: _dialled,
    SocketOpened: _opened,
    SocketEnded: _ended,
    CloseBegun: _close_begun,
    SocketGone: _gone,
    Throttled: _throttled,
}
"""The kinds of entries that change what is known, each with how; its step is in replay."""

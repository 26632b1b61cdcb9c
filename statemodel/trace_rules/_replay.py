"""How each entry of a trace changes what is known."""

from __future__ import annotations

from dataclasses import replace

from statemodel._vocabulary import Code, Reason, Status
from statemodel.trace_rules import _wish
from statemodel.trace_rules._facts import EPSILON, Facts, Ping, Socket
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


def apply(facts: Facts, entry: Entry, rest: list[Entry], *, returns: bool) -> Facts:
    """Return what is known after `entry`; `rest` is what follows in its step, which `returns` to the foreground or not."""
    match entry:
        case Called():
            return _called(
                replace(facts, waiting={**facts.waiting, entry.command: entry}), entry, rest
            )
        case Cancelled() | Returned():
            return _ended_call(facts, entry)
        case Reported():
            return _reported(facts, entry)
        case Stored():
            return _stored(facts, entry, rest)
        case Refreshed():
            return _refreshed(facts, entry)
        case PingSent():
            return _ping_sent(facts, entry, probe=returns and entry.command is None)
        case FrameSeen():
            return _frame(facts, entry)
        case Reading():
            return _reading(facts, entry)
        case StatusSeen():
            return _status(facts, entry)
        case Dialled() | SocketOpened() | SocketEnded() | CloseBegun() | SocketGone() | Throttled():
            return _socket(facts, entry, rest)
        case _:
            return facts


def turned_down(called: Called, rest: list[Entry]) -> Code | None:
    """Return the code with which a call failed in its own step, without a ping having gone out."""
    for entry in rest:
        if isinstance(entry, PingSent) and entry.command == called.command:
            return None
        if isinstance(entry, Returned) and entry.command == called.command:
            return entry.code
    return None


def _called(facts: Facts, entry: Called, rest: list[Entry]) -> Facts:
    if turned_down(entry, rest) is not None:
        return facts
    match entry.name:
        case "login" if facts.user is None and facts.login is None:
            return replace(
                facts, login=entry.command, authenticating=None, authenticated=None, saving=None
            )
        case "logout":
            return _wish.unwant(replace(facts, user=None, login=None), "logout")
        case "connect":
            return _wish.connect(facts)
        case "disconnect" if facts.user is not None and not facts.closed:
            return _wish.unwant(facts, "disconnect")
        case "shut_down":
            return _wish.unwant(replace(facts, closed=True, login=None), "shut_down")
        case "ping" if (
            facts.manual_background and facts.open is not None and facts.grace is not None
        ):
            grace = facts.time + facts.timings.background_grace
            return replace(facts, grace=grace, grace_from="ping")
        case _:
            return facts


def _ended_call(facts: Facts, entry: Cancelled | Returned) -> Facts:
    waiting = {
        command: called for command, called in facts.waiting.items() if command != entry.command
    }
    called = facts.waiting.get(entry.command)
    facts = replace(facts, waiting=waiting)
    if called is None:
        return facts
    if called.name == "login" and facts.login == entry.command:
        facts = replace(facts, login=None, authenticating=None)
        if isinstance(entry, Returned) and entry.code is None:
            return _wish.logged_in(facts, called.uid, "login")
    if (
        called.name in ("disconnect", "logout", "shut_down")
        and isinstance(entry, Returned)
        and not entry.code
    ):
        muted = {
            n: replace(s, muted=True) if n != facts.current else s for n, s in facts.sockets.items()
        }
        return replace(facts, sockets=muted)
    return facts


def _reported(facts: Facts, entry: Reported) -> Facts:
    match entry.what:
        case "background" if facts.foreground:
            return _wish.background(facts)
        case "foreground" if not facts.foreground:
            return _wish.foreground(facts)
        case "network_down" if facts.online:
            return _wish.network_down(facts)
        case "network_up" if not facts.online:
            return _wish.network_up(facts)
        case "restored" if facts.user is None and not facts.closed:
            return _wish.logged_in(facts, entry.uid, "restored")
        case _:
            return facts


def _stored(facts: Facts, entry: Stored, rest: list[Entry]) -> Facts:
    begun = entry.phase == "begun"
    since = facts.time if begun else None
    if entry.what == "authenticate":
        done = facts.time if entry.phase == "done" else None
        return replace(facts, authenticating=since, authenticated=done)
    if entry.what == "clear":
        return replace(facts, clearing=max(0, facts.clearing + (1 if begun else -1)))
    facts = replace(facts, saving=since)
    if entry.phase != "done" or facts.login is None:
        return facts
    if any(
        isinstance(e, Returned) and e.command == facts.login and e.code is not None for e in rest
    ):
        return facts
    return _wish.logged_in(facts, facts.waiting[facts.login].uid, "login")


def _refreshed(facts: Facts, entry: Refreshed) -> Facts:
    if entry.phase == "begun":
        return (
            replace(facts, refreshing=facts.time, refreshed="yes", retry_by=None)
            if facts.wanted
            else facts
        )
    if facts.refreshing is None:
        return facts
    facts = replace(facts, refreshing=None)
    if entry.phase == "failed":
        return _wish.refresh_failed(facts)
    if entry.phase == "refused":
        return _wish.refused_for_good(facts)
    return replace(facts, retry_by=facts.time, prompt="refresh")


def _ping_sent(facts: Facts, entry: PingSent, *, probe: bool) -> Facts:
    socket = facts.open
    if socket is None or socket.number != entry.socket:
        return facts
    limit = facts.timings.probe_timeout if probe else facts.timings.pong_timeout
    deadline = facts.time + limit if socket.reading else None
    ping = Ping(
        number=entry.ping,
        socket=entry.socket,
        command=entry.command,
        sent=facts.time,
        limit=limit,
        deadline=deadline,
    )
    return replace(facts, pings={**facts.pings, entry.ping: ping})


def _frame(facts: Facts, entry: FrameSeen) -> Facts:
    socket = facts.open
    if socket is None or socket.number != entry.socket:
        return facts
    pings = {n: replace(p, heard_since=True) for n, p in facts.pings.items() if n != entry.pong}
    return _with(replace(facts, pings=pings), replace(socket, heard=facts.time))


def _reading(facts: Facts, entry: Reading) -> Facts:
    socket = facts.sockets.get(entry.socket)
    if socket is None or socket.reading == entry.on:
        return facts
    pings = {
        n: _suspend(p, facts.time, on=entry.on) if p.socket == entry.socket else p
        for n, p in facts.pings.items()
    }
    socket = replace(socket, reading=entry.on, resumed=facts.time if entry.on else socket.resumed)
    return _with(replace(facts, pings=pings), socket)


def _suspend(ping: Ping, time: float, *, on: bool) -> Ping:
    if on and ping.deadline is None:
        heard = ping.heard_before or ping.heard_since
        return replace(ping, deadline=time + ping.limit, heard_before=heard, heard_since=False)
    if not on and ping.deadline is not None and ping.deadline >= time - EPSILON:
        return replace(ping, deadline=None)
    return ping


def _status(facts: Facts, entry: StatusSeen) -> Facts:
    change = entry.change
    facts = replace(facts, status=change)
    if change.reason is Reason.BACKGROUND_TIMEOUT and facts.wanted and _wish.grace_over(facts):
        return _wish.unwant(facts, "grace")
    if facts.refreshing is None or change.current is not Status.DISCONNECTED:
        return facts
    over = facts.time >= facts.refreshing + facts.timings.auth_timeout - EPSILON
    return _wish.refresh_failed(facts) if over else facts


def _socket(
    facts: Facts,
    entry: Dialled | SocketOpened | SocketEnded | CloseBegun | SocketGone | Throttled,
    rest: list[Entry],
) -> Facts:
    if isinstance(entry, Dialled):
        socket = Socket(number=entry.socket, phase="dialling", dialled=facts.time)
        return replace(_with(facts, socket), current=entry.socket, retry_by=None, pings={})
    known = facts.sockets.get(entry.socket)
    if known is None:
        return facts
    match entry:
        case SocketOpened() if known.phase == "dialling":
            return _with(facts, replace(known, phase="open", opened=facts.time, heard=facts.time))
        case Throttled() if known.phase == "open":
            return _with(facts, replace(known, throttled=entry.on))
        case CloseBegun() if known.phase in ("open", "dialling"):
            socket = replace(known, phase="closing", closing=facts.time, muted=True)
            return _close_begun(_without(_with(facts, socket), entry.socket))
        case SocketEnded() if known.phase == "closing":
            return _with(facts, replace(known, phase="ended"))
        case SocketEnded() if known.phase in ("open", "dialling"):
            facts = _wish.just_stable(facts)
            facts = _without(_with(facts, replace(known, phase="ended")), entry.socket)
            refreshes = any(isinstance(e, Refreshed) and e.phase == "begun" for e in rest)
            return _wish.ended(facts, entry, was_open=known.phase == "open", refreshes=refreshes)
        case SocketGone() if known.phase in ("open", "dialling"):
            facts = _wish.just_stable(facts)
            facts = _without(_with(facts, replace(known, phase="gone")), entry.socket)
            return _wish.gone_by_us(facts)
        case SocketGone():
            return _with(facts, replace(known, phase="gone"))
        case _:
            return facts


def _close_begun(facts: Facts) -> Facts:
    """A close that nothing but a deadline can have caused ends the grace window (M5)."""
    if facts.wanted and facts.manual_background:
        return _wish.unwant(facts, "grace" if _wish.grace_over(facts) else "lost")
    return facts


def _with(facts: Facts, socket: Socket) -> Facts:
    return replace(facts, sockets={**facts.sockets, socket.number: socket})


def _without(facts: Facts, number: int) -> Facts:
    return replace(facts, current=None, pings={}) if facts.current == number else facts

"""Traces in a few words, for the tests of the trace rules.

A line is a time and what happened then: `"3: call 1 ping; ping 1 5 1; ret 1 ERR_CLOSED"`.
"""

from statemodel._timings import Timings
from statemodel._vocabulary import Code, Mode, Reason, Status, StatusChange
from statemodel.trace_rules import judge
from statemodel.traces import (
    Called,
    Cancelled,
    CloseBegun,
    Delivered,
    Dialled,
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

SOCKETS = {"dial": Dialled, "open": SocketOpened, "close": CloseBegun, "gone": SocketGone}

MANUAL_UP = (
    "0: report restored u; call 1 connect; dial 1; is connecting connect",
    "1: open 1; ret 1; is connected opened",
)
AUTO_UP = (
    "0: report restored u; dial 1; is connecting restored",
    "1: open 1; is connected opened",
)


def _entry(time, words, last):
    match words:
        case ["call", command, name, *uid]:
            return Called(time=time, command=int(command), name=name, uid="".join(uid))
        case ["cancel", command]:
            return Cancelled(time=time, command=int(command))
        case ["ret", command, *code]:
            return Returned(time=time, command=int(command), code=Code(code[0]) if code else None)
        case ["report", what, *uid]:
            return Reported(time=time, what=what, uid="".join(uid))
        case ["store", what, phase]:
            return Stored(time=time, what=what, phase=phase)
        case ["refresh", phase]:
            return Refreshed(time=time, phase=phase)
        case ["ended", socket, how, *after]:
            retry_after = float(after[0]) if after else None
            return SocketEnded(time=time, socket=int(socket), how=how, retry_after=retry_after)
        case ["ping", socket, ping, *call]:
            command = int(call[0]) if call else None
            return PingSent(time=time, socket=int(socket), ping=int(ping), command=command)
        case ["frame", socket, *pong]:
            return FrameSeen(time=time, socket=int(socket), pong=int(pong[0]) if pong else None)
        case ["reading", socket, on]:
            return Reading(time=time, socket=int(socket), on=on == "on")
        case ["throttled", socket, on]:
            return Throttled(time=time, socket=int(socket), on=on == "on")
        case ["deliver", socket, number]:
            return Delivered(time=time, socket=int(socket), number=int(number))
        case ["is", status, reason, *retry_in]:
            change = StatusChange(
                sequence=last.sequence + 1,
                time=time,
                previous=last.current,
                current=Status(status),
                reason=Reason(reason),
                retry_in=float(retry_in[0]) if retry_in else None,
            )
            return StatusSeen(time=time, change=change)
        case [verb, socket]:
            return SOCKETS[verb](time=time, socket=int(socket))
    raise ValueError(words)


def trace(mode, *lines, foreground=True, online=True, **timings):
    """Return the trace that the lines tell."""
    opened = Opened(
        time=0.0, mode=Mode(mode), foreground=foreground, online=online, timings=Timings(**timings)
    )
    entries = [opened]
    last = StatusChange(
        sequence=0, time=0.0, previous=Status.DISCONNECTED, current=Status.DISCONNECTED, reason=None
    )
    for line in lines:
        time, events = line.split(":")
        for event in events.split(";"):
            entries.append(_entry(float(time), event.split(), last))
            if isinstance(entries[-1], StatusSeen):
                last = entries[-1].change
    return entries


def keeps(mode, *lines, **options):
    """Assert that no rule finds anything."""
    assert judge(trace(mode, *lines, **options)) == []


def breaks(number, mode, *lines, **options):
    """Assert that this rule is among those that find something."""
    found = judge(trace(mode, *lines, **options))
    assert number in {finding.rule for finding in found}, found

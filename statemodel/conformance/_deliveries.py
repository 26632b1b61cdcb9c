"""Whether every message that arrives is handed to the application.

Only of a subject can that be said: it reads all the time, and its turns have an end. In other traces
nobody may be there to take a message.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from statemodel.conformance._playing import Burst
from statemodel.trace_rules import Finding, View
from statemodel.trace_rules._view import is_input
from statemodel.traces import Delivered, FrameSeen, Throttled, Trace

_DISCARDING = ("disconnect", "logout", "shut_down", "background", "grace")
"""What drops messages that were not handed over yet (K3); at the end of the window they may be."""


def judge_deliveries(view: View, bursts: Sequence[Burst]) -> Iterator[Finding]:
    """Yield the messages that are not handed over by the end of the turn in which they arrive (K6).

    Args:
        view: A case.
        bursts: Where several things happened in one turn.
    """
    arrived: dict[int, int] = {}
    for moment, frame in view.of(FrameSeen):
        socket = moment.before.open
        if frame.pong is not None or socket is None or socket.number != frame.socket:
            continue
        if _throttles(view.trace, moment.index):
            continue
        number = arrived[frame.socket] = arrived.get(frame.socket, 0) + 1
        end = _end_of_turn(view.trace, moment.index, bursts)
        after = view.moments[end - 1].after
        if not after.wanted and after.why in _DISCARDING:
            continue
        turn = view.trace[moment.index : end]
        if not any(
            isinstance(e, Delivered) and (e.socket, e.number) == (frame.socket, number)
            for e in turn
        ):
            message = f"message {number} of socket {frame.socket} arrived and was not delivered"
            yield Finding("K6", moment.time, message)


def _throttles(trace: Trace, index: int) -> bool:
    """Say whether a frame is the server's word on throttling, which is delivered to nobody (T7)."""
    after = trace[index + 1] if index + 1 < len(trace) else None
    frame = trace[index]
    return (
        isinstance(after, Throttled)
        and isinstance(frame, FrameSeen)
        and after.socket == frame.socket
    )


def _end_of_turn(trace: Trace, index: int, bursts: Sequence[Burst]) -> int:
    """Return the index after the last entry of the turn that an entry is in."""
    for burst in bursts:
        if burst.start <= index < burst.cuts[-1]:
            return burst.cuts[-1]
    for at in range(index + 1, len(trace)):
        if is_input(trace[at]) or trace[at].time != trace[index].time:
            return at
    return len(trace)

"""What of the messages that arrive has to be handed over, and when."""

from __future__ import annotations

import pytest

from statemodel import Mode, Timings
from statemodel import traces as t
from statemodel.conformance._deliveries import judge_deliveries
from statemodel.conformance._playing import Burst
from statemodel.trace_rules import View

UP = [
    t.Opened(time=0.0, mode=Mode.MANUAL, foreground=True, online=True, timings=Timings()),
    t.Reported(time=0.0, what="restored", uid="alice"),
    t.Called(time=0.0, command=1, name="connect"),
    t.Dialled(time=0.0, socket=1),
    t.SocketOpened(time=0.0, socket=1),
    t.Returned(time=0.0, command=1, code=None),
]
FRAME = t.FrameSeen(time=1.0, socket=1)
NEXT = t.Reported(time=1.0, what="network_up")
LATER = t.Reported(time=2.0, what="network_up")
DISCONNECT = t.Called(time=1.0, command=2, name="disconnect")
CLOSE = t.CloseBegun(time=1.0, socket=1)
LOSS = t.SocketEnded(time=1.0, socket=1, how="loss")
BACKGROUND = t.Reported(time=0.0, what="background")


def delivered(number, time=1.0):
    return t.Delivered(time=time, socket=1, number=number)


def missing(*entries, together=0):
    """Return the messages that are not delivered, with the last so many entries in one turn."""
    trace = [*UP, *entries]
    bursts = [Burst(len(trace) - together, (len(trace),))] if together else []
    found = list(judge_deliveries(View(trace), bursts))
    assert all(finding.rule == "K6" for finding in found)
    return [finding.message.split()[1] for finding in found]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([FRAME], ["1"]),
        ([FRAME, delivered(1)], []),
        ([FRAME, delivered(1), FRAME], ["2"]),
        ([FRAME, delivered(2)], ["1"]),
        ([FRAME, NEXT, delivered(1)], ["1"]),
        ([FRAME, LATER, delivered(1, 2.0)], ["1"]),
        ([BACKGROUND, FRAME], ["1"]),
        ([t.FrameSeen(time=1.0, socket=1, pong=1)], []),
        ([CLOSE, FRAME], []),
    ],
    ids=[
        "lost", "in time", "second lost", "another", "next turn", "later", "in background", "pong",
        "while closing",
    ],
)  # fmt: skip
def test_a_message_is_delivered_in_its_turn(entries, expected):
    """K6: each message that an open socket brings, by its number, and before anything else happens."""
    assert missing(*entries) == expected


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([FRAME, DISCONNECT, CLOSE], []),
        ([FRAME, DISCONNECT, delivered(1), CLOSE], []),
        ([FRAME, NEXT, delivered(1)], []),
        ([FRAME, NEXT], ["1"]),
        ([FRAME, LOSS], ["1"]),
    ],
    ids=["disconnected", "just before", "end of turn", "lost", "socket lost"],
)
def test_what_comes_in_the_same_turn_counts(entries, expected):
    """K3, K6: a disconnect in the same turn may drop it, a mere loss may not."""
    assert missing(*entries, together=len(entries)) == expected

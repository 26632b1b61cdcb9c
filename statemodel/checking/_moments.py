"""Runs about numbers: ties, draws, caps and counts, which a run through every row need not meet.

A row is taken at any time and with any draw; that a deadline is the right one shows only where
something happens exactly at it, just after it, or many times over.
"""

from __future__ import annotations

from statemodel.scripts import Script

_MANUAL = "open manual/restored/connect/peer accept/"
_AUTO = "open auto/restored/"
_HIGH = " draw 0.999"
_FAILURES = f"peer fail{_HIGH}/wait 31{_HIGH}/" * 8
_FLAPS = f"peer accept/peer drop{_HIGH}/wait 31{_HIGH}/" * 8
_STABLE = f"peer accept/wait 10/peer drop{_HIGH}/wait 31{_HIGH}/" * 3

_TEXTS = (
    # M4, M6, H4: at exactly the deadline the call comes first; a ping pays from its own time.
    f"{_MANUAL}background/reach 30/ping/wait 30/network up/wait 1",
    f"{_MANUAL}background/reach 30/foreground/wait 1/peer pong/wait 5",
    f"{_MANUAL}background/wait 10/ping/peer pong/wait 25/ping/peer pong/wait 29.5/network up/wait 1/network up",
    # B1, B2: many failures, each drawn near its bound; flapping; stable in between.
    f"{_AUTO}{_FAILURES}peer accept/wait 1",
    f"{_AUTO}{_FLAPS}peer accept/wait 1",
    f"{_AUTO}{_STABLE}peer accept/wait 1",
    # B4: capped, with the draw on top; commands, foreground and network do not shorten it.
    f"{_AUTO}peer refuse_429_after_900{_HIGH}/connect/network down/network up/wait 299/background/foreground/"
    "wait 2/peer accept/wait 1",
    f"{_AUTO}peer refuse_503_after_8/wait 7.5/network up/wait 1/network up",
    # H1, P2, P4, P5: frames put the heartbeat off; a pong that is missing alone; silence.
    f"{_AUTO}peer accept/wait 20/peer frame/wait 29.5/network up/wait 0.5/peer pong/wait 30",
    f"{_AUTO}peer accept/ping/wait 5/peer frame/wait 5/ping/wait 10/wait 2",
    # K6: while our side does not read, silence proves nothing.
    f"{_AUTO}peer accept/ping/wait 5/reader pause/wait 30/reader resume/wait 9.5/network up/wait 1/network up",
    # K4, K5: the time limits of dialling and closing.
    f"open manual/restored/connect/wait 9.5/network up/wait 0.5{_HIGH}/wait 2/peer accept/disconnect/"
    "wait 4.5/network up/wait 0.5/network up",
)

MOMENTS = tuple(Script.parse(text.replace("/", "\n")) for text in _TEXTS)
"""Played and judged beside the runs through every row."""

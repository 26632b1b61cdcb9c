"""The deterministic part of the test: scripts written for it, and runs of the table.

Owns what is played, not how: exact time boundaries, pairs of commands in one turn, the ends that the
policy tells apart, waits by the hundred, and runs that together take every row of the connection's table.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import cache
from itertools import product

from statemodel._connection_table import TABLE
from statemodel._runs import Runs
from statemodel._timings import Timings
from statemodel._vocabulary import Mode
from statemodel.conformance._playing import missing_for
from statemodel.scripts import Script, Step

_BOUNDARIES = {
    Mode.MANUAL: (
        # The window of the background, from all sides (M3 to M6, M10 to M12).
        "UP / background / wait 29.875 / wait 0.125 / wait 5 / foreground / wait 60",
        "UP / background / wait 29.875 / foreground / peer pong / wait 29.875 / wait 11",
        "UP / background / reach 30 / foreground / peer pong / wait 20",
        "UP / background / wait 30 / foreground / wait 20",
        "UP / background / wait 20 / ping / peer pong / wait 10 / wait 19.875 / wait 0.125 / wait 9",
        "AWAY / ping / wait 5 / ping / peer pong / wait 29.875 / wait 0.125 / wait 9",
        "UP / background / reach 30 / ping / peer pong / wait 29.875 / wait 0.125 / wait 9",
        "UP / background / ping / wait 1 / peer pong / wait 28.875 / wait 0.125 / wait 9",
        "UP / background / wait 15 / background / wait 15 / wait 9",
        "UP / ping / peer pong / background / wait 29.875 / wait 0.125 / wait 9",
        "UP / background / wait 20 / foreground / peer pong / wait 5 / background / wait 29 / wait 1",
        "UP / background / wait 20 / connect / wait 10 / wait 9",
        "UP / background / disconnect / peer closed / wait 2 / connect / peer accept / wait 29 / wait 1",
        "UP / background / peer drop / wait 31 / foreground / wait 31 / connect / peer accept / wait 5",
        "UP / background / peer drop / foreground / connect / peer accept / wait 29 / peer frame / wait 2",
        "UP / background / ping / foreground / peer pong / peer pong / wait 10",
        "UP / background / ping / wait 2 / foreground / peer pong / peer frame / wait 8 / wait 20",
        "UP / background / ping / wait 10 / wait 31 / foreground / wait 31",
        "IN / background / connect / wait 5 / connect / peer accept / wait 24.875 / wait 0.125 / wait 9",
        "IN / background / connect / wait 5 / ping / peer accept / wait 24.875 / wait 0.125 / wait 9",
        "UP / background / network down / foreground / network up / wait 31",
        "UP / background / peer throttle / peer frame / ping / peer pong / wait 31",
        "UP / peer drop / background / wait 31 / foreground / wait 31",
    ),
    Mode.AUTO: (
        "UP / background / wait 5 / foreground / peer accept / wait 5",
        "UP / background / peer closed / foreground / wait 10 / wait 31",
        "UP / disconnect / peer closed / background / foreground / peer accept / wait 5",
        "UP / peer close_1008 / background / foreground / peer accept / wait 5",
        "FRESH / login / authenticator authenticated / store saved / background / foreground / "
        "peer accept / background / peer closed / foreground / wait 5",
        "FRESH / login / authenticator authenticated / store saved / peer accept / logout / "
        "peer closed / store cleared / login / authenticator authenticated / store saved / "
        "background / foreground / wait 5",
    ),
}

_EITHER = (
    # Pings and the heartbeat (P2, P5, H1, H2).
    "UP / ping / wait 9.875 / peer pong / wait 19",
    "UP / ping / reach 10 / peer pong / wait 19",
    "UP / ping / wait 10 / wait 31",
    "UP / ping / wait 5 / peer frame / wait 5 / wait 5 / ping / peer pong / wait 1",
    "UP / wait 29.875 / wait 0.125 / peer pong / wait 29.875 / wait 0.125 / wait 10 / wait 31",
    "UP / wait 29 / peer frame / wait 1 / wait 28.875 / wait 0.125 / wait 9 / peer frame / wait 9",
    "UP / background / foreground / wait 4.875 / wait 0.125 / wait 31",
    "UP / wait 20 / send / wait 10 / peer pong / wait 1",
    "UP / ping / peer drop / wait 1 / peer accept",
    # Attempts, closes, logins and refreshes (K4, K5, S1, B5).
    "DIAL / wait 9.875 / peer accept / wait 5",
    "DIAL / wait 10 / wait 31 / peer accept / wait 5",
    "UP / disconnect / wait 4.875 / wait 0.125 / connect / peer accept",
    "UP / disconnect / connect / peer closed / peer accept / wait 20",
    "UP / disconnect / wait 3 / connect / wait 2 / peer accept / wait 20",
    "FRESH / login / wait 29.875 / wait 0.125 / login / authenticator authenticated / wait 29.875 / "
    "wait 0.125 / wait 5",
    "DIAL / peer refuse_401 / authenticator refreshed / peer accept / wait 20 / peer close_4401 / "
    "authenticator refreshed / peer accept",
    "FRESH / login / cancel 1 / login / authenticator authenticated / store saved",
    "FRESH / login / authenticator authenticated / cancel 1 / store cleared / login",
    "UP / disconnect / shut_down / peer closed",
    "DIAL / shut_down / wait 1",
    "DIAL / background / peer refuse_401 / authenticator refreshed / peer accept / wait 31",
    "DIAL / peer refuse_401 / authenticator revoked / wait 2 / connect / peer accept",
    "DIAL / peer refuse_401 / authenticator not_refreshed / wait 2 / peer accept",
    "DIAL / peer refuse_401 / wait 29.875 / wait 0.125 / wait 31",
    "DIAL / peer refuse_401 / authenticator refreshed / peer accept / wait 9.875 / "
    "peer close_4401 / wait 5",
    "DIAL / peer refuse_401 / authenticator refreshed / peer accept / wait 10 / peer close_4401 / "
    "authenticator refreshed / peer accept",
    # Waiting (B1, B2, B4, C3, N2).
    "DIAL / peer fail / wait 1 / peer fail / wait 2 / peer fail / wait 4 / peer accept / wait 9.875 / "
    "peer drop / wait 8 / peer accept / wait 10 / peer drop / wait 1 / peer accept",
    "DIAL / peer refuse_503_after_8 / wait 7.875 / connect / network down / network up / wait 0.125 / "
    "wait 1 / peer accept / wait 1",
    "DIAL / peer refuse_429_after_900 / wait 299.875 / connect / wait 0.125 / wait 1 / peer accept",
    "DIAL / peer refuse_500_after_8 / wait 1 / peer accept / wait 1",
    "DIAL / peer refuse_503_after_8 / disconnect / connect / wait 7.875 / wait 2 / peer accept",
    "DIAL / peer refuse_503_after_8 / background / foreground / wait 7.875 / wait 2 / peer accept",
    "DIAL / connect / connect / peer accept / wait 7 / peer frame / wait 1",
    "DIAL / disconnect / peer accept / wait 31",
    "DIAL / background / peer accept / wait 31 / foreground / wait 31",
    "DIAL / logout / peer accept / store cleared / wait 31",
    "DIAL / cancel 1 / peer accept / wait 1",
    "DIAL / peer fail / cancel 1 / wait 1 / peer accept",
    "IN / network down / connect / wait 31 / network up / peer accept / wait 1",
    "DIAL / network down / peer accept / wait 31 / network up / peer accept / wait 1",
    "DIAL / peer fail / wait 0.5 / disconnect / wait 31",
    "UP / ping / reader pause / wait 11 / reader resume / wait 9.875 / peer pong / wait 31",
    "UP / ping / reader pause / wait 3 / reader resume / wait 10 / wait 31",
    # What is throttled is connected (T7, K6); a message comes while the socket closes (K3).
    "UP / peer throttle / peer frame / send / ping / peer pong / connect / wait 30 / wait 10",
    "UP / peer frame / disconnect / peer frame / peer closed / connect / peer accept / peer frame",
    "UP / reader pause / ping / wait 31 / reader resume / peer pong / wait 10 / wait 1",
    "UP / peer throttle / peer drop / wait 1 / peer accept / peer throttle / peer unthrottle / wait 1",
)

_PLACES = ("IN", "DIAL", "UP", "UP / disconnect", "DIAL / peer fail", "UP / background")
_TURNS = ("connect", "disconnect", "ping", "logout", "background", "foreground", "network down")

_STATUSES = (200, 302, 400, 401, 402, 403, 404, 407, 408, 426, 429, 500, 502, 503)
"""HTTP statuses on both sides of each border that the policy draws."""

_CODES = (
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3002, 3003,
    3004, 3499, 3500, 3750, 3999, 4000, 4400, 4401, 4402, 4403, 4404, 4499, 4500, 4750, 4999,
)  # fmt: skip
"""Close codes, likewise."""


def _often(times: int, steps: str) -> str:
    return " / ".join([steps] * times)


_LOSSES = (
    _often(60, "peer accept / peer drop / wait 30"),
    _often(60, "peer accept / wait 10.5 / peer drop / wait 1"),
    _often(100, "peer fail / wait 30"),  # nothing is drawn anew with a socket
    _often(40, "peer refuse_503_after_8 / wait 38"),
    _often(14, "peer accept / wait 9.5 / peer drop / wait 30"),  # not stable yet
    # What hurries a retry forgets no failure.
    f"{_often(8, 'peer fail / wait 30')} / {_often(14, 'peer fail / connect / peer fail / wait 30')}",
    _often(14, "peer fail / network down / network up / peer fail / wait 30"),
    _often(14, "peer fail / disconnect / connect / disconnect / connect / peer fail / wait 30"),
    # Nor does a refresh; there is another only after a connection that was stable.
    _often(
        14,
        f"{_often(4, 'peer fail / connect')} / peer refuse_401 / authenticator refreshed / peer fail / "
        "wait 30 / peer accept / wait 10.5 / peer drop / wait 1",
    ),
)
"""Losses of which the waits tell something together."""

_MORE_LOSSES = {
    Mode.AUTO: _often(14, "peer fail / background / foreground / peer fail / wait 30"),
    Mode.MANUAL: _often(14, "peer fail / background / foreground / connect / peer fail / wait 30"),
}
"""More of them, by the mode."""

_CALLBACKS = (
    *(
        f"{step} inside {status}"
        for status in ("connecting", "connected", "disconnected")
        for step in (*_TURNS, "login bob")
    ),
    "disconnect inside connected / connect inside disconnected",
    "background inside connected / foreground inside disconnected",
    "logout inside connecting / login inside disconnected",
    "disconnect inside connected / connect inside disconnected / ping inside connecting",
)
"""What a listener does when it is told a status, in the course of `_LIFE`."""

_LIFE = (
    "connect / peer accept / wait 0.5 / peer drop / wait 1 / peer accept / wait 0.5 / disconnect / "
    "peer closed / connect / peer accept / wait 11"
)

_GOLDEN = 0.6180339887498949
"""The multiples of it by squares, modulo 1, are spread evenly, even if only each n-th is used:
random numbers that are the same every time."""


def boundaries(capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield scripts on the exact time boundaries, of both modes as far as a subject has them."""
    for mode, special in _BOUNDARIES.items():
        for line in (*special, *_EITHER):
            yield from _written(mode, line, capabilities)


def turns(capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield scripts in which two things happen in one turn, from where a connection can be."""
    for mode in Mode:
        for place in _PLACES:
            for first in _TURNS:
                for second in _TURNS:
                    line = (
                        f"{place} / {first} together / {second} / wait 0.5 / peer accept / wait 11"
                    )
                    yield from _written(mode, line, capabilities)
    if {"callbacks", "status"} <= capabilities:
        for mode, inside in product(Mode, _CALLBACKS):
            yield from _written(mode, f"IN / {inside} / {_LIFE}", capabilities)


def policies(capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield scripts in which a dial or a socket ends in each way that the policy tells apart (B5).

    Whatever such an end is taken for, the script goes on.
    """
    ends = [f"DIAL / peer refuse_{number}" for number in (*_STATUSES, *_CODES)]
    ends += [f"UP / peer close_{code}" for code in _CODES]
    for mode in Mode:
        for end in ends:
            line = f"{end} / authenticator refreshed / wait 2 / peer accept / wait 1"
            yield from _written(mode, line, capabilities)


def many_waits(capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield scripts of many losses, of which the waits tell something only together."""
    patient = Timings(dial_timeout=1000)
    for mode in Mode:
        for losses in (*_LOSSES, _MORE_LOSSES[mode]):
            for script in _written(mode, f"DIAL / {losses}", capabilities):
                steps = tuple(
                    replace(step, draw=round(at * at * _GOLDEN % 1, 6))
                    for at, step in enumerate(script.steps, 1)
                )
                yield replace(script, timings=patient, steps=steps)


@cache
def covering() -> tuple[Script, ...]:
    """Return the runs of the connection's table that together take every row, time included."""
    return tuple(
        replace(script, steps=(*script.steps, Step(do="wait", number=11.0)))
        for script in Runs(TABLE).covering()
    )


def possible(scripts: Iterable[Script], capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield the scripts that a subject can be opened for."""
    return (script for script in scripts if not missing_for(script, capabilities))


def _written(mode: Mode, line: str, capabilities: frozenset[str]) -> Iterator[Script]:
    """Yield the script that a line means, if a subject can log in and has the mode."""
    if "restored" in capabilities:
        log_in = "restored"
    elif "login" in capabilities:
        log_in = "login / authenticator authenticated / store saved"
    else:
        log_in = ""
    dial = log_in if mode is Mode.AUTO else f"{log_in} / connect"
    up = f"{dial} / peer accept"
    words = {"FRESH": "", "IN": log_in, "DIAL": dial, "UP": up, "AWAY": up}
    if mode is Mode.AUTO:  # logging in dials already
        words["IN"] = f"{log_in} / disconnect"
    start, _, rest = line.partition(" / ")
    parts = f"{words[start]} / {rest}".split(" / ")
    steps = tuple(Step.parse(part) for part in parts if part)
    script = Script(mode=mode, foreground=start != "AWAY", steps=steps)
    if not missing_for(script, capabilities):
        yield script

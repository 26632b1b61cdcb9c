"""Which entries of a trace a subject reports, and which of its reports cannot be true.

No rule is judged here: a report is held against what the kit itself knows.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn, TypeGuard

from statemodel import traces as t
from statemodel.conformance._subject import SubjectError, Trouble
from statemodel.timelines import describe

REPORTS: frozenset[type[object]] = frozenset(
    {
        t.Returned,
        t.Dialled,
        t.CloseBegun,
        t.SocketGone,
        t.PingSent,
        t.StatusSeen,
        t.Reading,
        t.Delivered,
    }
)
"""What a subject reports, beside what it does itself of `Stored` and `Refreshed`."""

TOLERANCE = 1e-6
"""Seconds by which the same sum of times may differ between languages."""


def is_report(entry: object) -> TypeGuard[t.Entry]:
    """Say whether an entry is a subject's to report."""
    if type(entry) in REPORTS:
        return True
    return isinstance(entry, (t.Stored, t.Refreshed)) and entry.phase in (
        "begun",
        "given_up",
    )


class Truth:
    """What the kit knows for certain, to hold the reports of a subject against."""

    def __init__(self) -> None:
        self._sockets = 0
        self._pings = 0
        self._calls: dict[int, str] = {}
        self._clearing = 0

    def called(self, command: int, name: str) -> None:
        """Note a call."""
        self._calls[command] = name

    def cleared(self) -> None:
        """Note that the store has ended a clearing."""
        self._clearing -= 1

    def check(self, entry: object, *, since: float, until: float) -> t.Entry:
        """Return a report that can be true, its time brought between the bounds.

        Args:
            entry: The report.
            since: The time of the report before it, or of the act that it belongs to.
            until: When the act ended.

        Raises:
            SubjectError: it cannot be true; the message says why.
        """
        if not is_report(entry):
            _lied(f"it reported {entry!r}, which is not a subject's to report")
        time = entry.time
        if time < since - TOLERANCE:
            what = describe(entry)
            _lied(f"time went back: {what!r} at {time:.10g}, but it was {since:.10g} already")
        if time > until + TOLERANCE:
            _lied(f"{describe(entry)!r} is at {time:.10g}, but no time passed after {until:.10g}")
        self._check_numbers(entry)
        if since <= time <= until:
            return entry
        return replace(entry, time=min(max(time, since), until))

    def _check_numbers(self, entry: t.Entry) -> None:
        match entry:
            case t.StatusSeen():  # the most frequent one, and it has no number of the kit's
                pass
            case t.Dialled():
                self._sockets += 1
                if entry.socket != self._sockets:
                    _lied(f"it dialled socket {entry.socket}, but the next is {self._sockets}")
            case t.Returned():
                if entry.command not in self._calls:
                    _lied(f"call {entry.command} returned, but there was no such call")
            case t.CloseBegun() | t.SocketGone() | t.Reading() | t.Delivered() | t.PingSent():
                if not 1 <= entry.socket <= self._sockets:
                    _lied(f"it reported on socket {entry.socket}, which it never dialled")
            case t.Stored(what="clear"):
                if entry.phase == "given_up" and not self._clearing:
                    _lied("it gave a clearing up, but none was going on")
                self._clearing += 1 if entry.phase == "begun" else -1
            case t.Stored(phase="given_up"):
                _lied(f"it gave up {entry.what}; only a clearing can be given up")
            case _:
                pass
        if isinstance(entry, t.PingSent):
            self._pings += 1
            if entry.ping != self._pings:
                _lied(f"it sent ping {entry.ping}, but the next is {self._pings}")
            if entry.command is not None and self._calls.get(entry.command) != "ping":
                _lied(f"it sent a ping for call {entry.command}, which is no call of ping")


def _lied(sentence: str) -> NoReturn:
    raise SubjectError(Trouble.LIED, sentence)

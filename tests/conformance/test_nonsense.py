"""A subject that does anything at all is judged, without an error of the kit's own."""

from __future__ import annotations

import random

import pytest

from statemodel import Code, Reason, Status, StatusChange
from statemodel import traces as t
from statemodel.conformance import conformance_suite
from statemodel.conformance._drawing import drawn
from statemodel.conformance._subject import CAPABILITIES
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.subjects import LONG


class Mad:
    """Reports whatever it likes, of what can be true."""

    name = "a mad subject"
    capabilities = frozenset(CAPABILITIES)

    def __init__(self, seed):
        self._seed = seed
        self.open(None, ())

    def open(self, opening, draws):
        self._luck = random.Random(self._seed)
        self._now, self._sockets, self._pings, self._calls = 0.0, 0, 0, []
        return self._some()

    def perform(self, acts):
        seen = []
        for act in acts:
            if act.step.do == "wait":
                self._now += act.step.number
            if act.command is not None and not act.step.inside:  # or it is given later, if ever
                self._calls.append((act.command, act.step.do))
            seen.append(self._some())
        return seen

    def close(self):
        pass

    def _some(self):
        return [entry for _ in range(self._luck.randrange(4)) if (entry := self._one())]

    def _one(self):
        luck, now = self._luck, self._now
        socket = luck.randint(1, self._sockets) if self._sockets else None
        kind = luck.randrange(9)
        if kind == 0 and self._calls:
            command, _ = luck.choice(self._calls)
            return t.Returned(time=now, command=command, code=luck.choice([None, None, *Code]))
        if kind == 1 or (kind < 5 and socket is None):
            self._sockets += 1
            return t.Dialled(time=now, socket=self._sockets)
        if kind == 2:
            return luck.choice([t.CloseBegun, t.SocketGone])(time=now, socket=socket)
        if kind == 3:
            self._pings += 1
            pings = [None, *(command for command, name in self._calls if name == "ping")]
            command = luck.choice(pings)
            return t.PingSent(time=now, socket=socket, ping=self._pings, command=command)
        if kind == 4:
            on = luck.random() < 0.5
            number = luck.randint(1, 3)
            return luck.choice(
                [
                    t.Reading(time=now, socket=socket, on=on),
                    t.Delivered(time=now, socket=socket, number=number),
                ]
            )
        if kind < 7:
            change = StatusChange(
                sequence=luck.randint(1, 9),
                time=now,
                previous=luck.choice([*Status]),
                current=luck.choice([*Status]),
                reason=luck.choice([None, *Reason]),
                retry_in=luck.choice([None, 0.0, 3.0]),
            )
            return t.StatusSeen(time=now, change=change)
        if kind == 7:
            what = luck.choice(["authenticate", "save", "clear"])
            return t.Stored(time=now, what=what, phase="begun")
        return t.Refreshed(time=now, phase="begun")


@pytest.mark.parametrize("seed", range(100 if LONG else 6))
def test_nonsense_in_walks_is_judged(seed):
    """Whatever is reported, there are findings, and no error."""
    cases = drawn(Mad(seed), set(TRACE_RULES), seed, 20)

    assert cases[-1].failure is not None
    assert cases[-1].failure.error is None


@pytest.mark.parametrize("seed", range(20 if LONG else 1))
def test_nonsense_in_the_suite_is_judged(seed):
    """The suite breaks off after its first part, with a script for each rule that is broken."""
    report = conformance_suite(Mad(seed), only=["K1", "C4", "T2", "M3"])

    assert {failure.rule for failure in report.failures} <= {"K1", "C4", "T2", "M3"}
    assert report.failures
    assert report.text()
    assert report.junit()

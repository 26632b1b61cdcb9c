"""`transport` on real sockets, held against the rules: `socket_stage.py` says what is real in it."""

from __future__ import annotations

import os
import threading
from contextlib import closing
from dataclasses import replace
from math import inf
from pathlib import Path

import pytest

from statemodel import traces as t
from statemodel.conformance import Playing, conform, replay
from statemodel.conformance import _suite as suite
from statemodel.conformance._drawing import drawn
from statemodel.conformance._judging import exercised
from statemodel.scripts import CLOSE_CODES, DIAL_ENDS, Script
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.socket_stage import RunningClock, SocketStage, SocketSubject
from tests.conformance.subjects import LONG
from tests.conformance.test_transport import threads_since

BOUNDARIES = tuple(suite.boundaries(SocketSubject.capabilities))[:: 1 if LONG else 3]
WALKS = 200 if LONG else 12


def subject_with(stage):
    """Return a subject whose connections are played on another stage."""

    class Subject(SocketSubject):
        def stage(self, opening, draws):
            return stage(opening, draws)

    return Subject()


def failures(subject, scripts):
    """Return what is wrong in some scripts, in words."""
    with closing(subject):
        return [f.text() for script in scripts for f in replay(subject, script).failures]


def test_time_boundaries_hold_on_real_sockets():
    """M3 to M6, P2, H1, B1 to B5, K4, K5 and the rest, to the moment, ties included."""
    assert failures(SocketSubject(), BOUNDARIES) == []


@pytest.mark.parametrize("seed", range(3 if LONG else 1))
def test_walks_conform_on_real_sockets(seed):
    """All rules that can be seen, in whatever a walk comes to."""
    rules = exercised(SocketSubject.capabilities)
    with closing(SocketSubject()) as subject:
        cases = drawn(subject, rules, seed, WALKS)

    assert [case.failure.text() for case in cases if case.failure is not None] == []
    assert set(rules) == set(TRACE_RULES)
    assert sum(case.connected for case in cases) > WALKS / 2


@pytest.mark.skipif(not LONG, reason="some minutes: make test-long")
def test_the_whole_suite_conforms_on_real_sockets():
    """What is played in memory by default, over TCP."""
    with closing(SocketSubject()) as subject:
        report = conform(subject, examples=0)

    assert report.failures == ()
    assert report.ok


@pytest.mark.parametrize("mode", ["auto", "manual"])
def test_every_end_crosses_a_real_socket(mode):
    """B5, B4: each way in which a server ends a dial or a socket means over TCP what it means in memory."""
    steps = ["restored"] + ["connect"] * (mode == "manual")
    dial_ends = (*DIAL_ENDS, "refuse_502", "refuse_429_after_3", "refuse_4500")
    close_codes = (*CLOSE_CODES, "close_1012", "close_3003", "close_4500")
    scripts = [
        Script.parse(f"open {mode}\n" + "\n".join([*steps, *rest]) + "\n")
        for rest in (
            *([f"peer {word}", "wait 9", "connect", "peer accept"] for word in dial_ends),
            *(["peer accept", f"peer {word}", "wait 1", "peer accept"] for word in close_codes),
            *(["peer accept", "disconnect", f"peer {word}", "wait 6"] for word in close_codes),
            [
                "peer accept",
                "peer throttle",
                "peer frame",
                "peer unthrottle",
                "disconnect",
                "wait 6",
            ],
        )
    ]

    assert failures(SocketSubject(), scripts) == []


class LateStage(SocketStage):
    """A driver that closes after the window has passed."""

    def __init__(self, opening, draws):
        longer = replace(opening.timings, background_grace=opening.timings.background_grace + 1)
        super().__init__(replace(opening, timings=longer), draws)


class TwiceStage(SocketStage):
    """A driver that tells its listeners everything twice."""

    def began(self):
        tell = self.driver.status_listeners._call

        def twice(listener_id, listener, news):
            tell(listener_id, listener, news)
            tell(listener_id, listener, news)

        self.driver.status_listeners._call = twice


class MuteStage(SocketStage):
    """A driver that sends no pings."""

    def began(self):
        perform = self.driver._perform
        self.driver._perform = lambda effect: type(effect).__name__ == "SendPing" or perform(effect)


class ForgetfulStage(SocketStage):
    """A driver that sets no timer."""

    def began(self):
        self.driver._set_timer = lambda: None


WINDOW = "open manual\nrestored\nconnect\npeer accept\nbackground\nwait 30\nwait 10\n"


@pytest.mark.parametrize(
    ("stage", "text", "rule"),
    [
        (LateStage, WINDOW, "M3"),
        (ForgetfulStage, WINDOW, "M3"),
        (TwiceStage, "open auto\nrestored\npeer accept\n", "T2"),
        (MuteStage, "open auto\nrestored\npeer accept\nwait 30\nwait 11\n", "H1"),
    ],
)
def test_a_fault_shows_on_real_sockets(stage, text, rule):
    """A driver that closes late, tells twice, sends nothing or sets no timer is named by its rule."""
    with closing(subject_with(stage)) as subject:
        report = replay(subject, Script.parse(text))

    assert {finding.rule for failure in report.failures for finding in failure.findings} >= {rule}


def test_a_slow_machine_changes_nothing():
    """However long the loop is held up, what is seen is the same, times included."""

    class HeldUpStage(SocketStage):
        async def _go_on(self, until):
            held_up.wait(0.02)
            await super()._go_on(until)

        async def _settle(self):
            held_up.wait(0.005)
            await super()._settle()

    held_up = threading.Event()
    script = BOUNDARIES[0]
    traces = []
    for subject in (SocketSubject(), subject_with(HeldUpStage)):
        with closing(subject):
            playing = Playing(subject, script)
            playing.play_script(script)
            traces.append(playing.trace)

    assert traces[0] == traces[1]


class SlowLinkStage(SocketStage):
    """What crosses a socket takes its time, and everybody else runs meanwhile."""

    async def _cross(self, send, arrived):
        for _ in range(5):
            await super()._settle()
        await super()._cross(send, arrived)


@pytest.mark.parametrize("tie", ["ping / reach 10 / peer pong", "reach 30 / peer frame"])
def test_a_tie_is_one_however_long_it_takes_to_cross(tie):
    """H4, P2, H1: what comes at the time of a deadline comes before it, over TCP as well."""
    steps = f"restored / connect / peer accept / {tie} / wait 9"
    script = Script.parse(f"open manual\n{steps}\n".replace(" / ", "\n"))
    with closing(subject_with(SlowLinkStage)) as subject:
        playing = Playing(subject, script)
        playing.play_script(script)
        report = replay(subject, script)

    own_pings = [e for e in playing.trace if isinstance(e, t.PingSent) and e.command is None]
    assert report.failures == ()
    assert [e.code for e in playing.trace if isinstance(e, t.Returned)][1:] in ([], [None])
    assert own_pings == []


def test_a_running_clock_stops_at_its_end():
    """Nothing that is due after a wait can happen in it, however late the loop comes back."""
    clock = RunningClock(rate=1e12)
    clock.run(3.0)

    assert clock.current_time() == 3.0
    assert clock.deadline_to_sleep_time(3.0) == 0
    clock.stand(3.5)
    assert clock.current_time() == 3.5
    assert clock.deadline_to_sleep_time(4.0) == inf


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs a list of descriptors")
def test_no_socket_and_no_thread_is_left():
    """G3 in small: whatever was going on, a subject that is closed leaves nothing open."""
    before, threads = len(os.listdir("/proc/self/fd")), threading.enumerate()
    for text in ("connect", "connect / peer accept", "connect / peer accept / disconnect"):
        with closing(SocketSubject()) as subject:
            lines = f"restored / {text}".replace(" / ", "\n")
            playing = Playing(subject, Script.parse("open manual\n"))
            playing.play(*Script.parse(f"open manual\n{lines}\n").steps)

    assert len(os.listdir("/proc/self/fd")) == before
    assert threads_since(threads) == []

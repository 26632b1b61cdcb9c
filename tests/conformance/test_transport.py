"""The connection of `transport`, held against the rules like anybody else's.

In memory and in virtual time; on real sockets in `test_sockets.py`.
"""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import settings

from statemodel import Mode
from statemodel.conformance import (
    Act,
    ConnectionConformance,
    SubjectError,
    Trouble,
    conform,
    conformance_suite,
)
from statemodel.scripts import Script, Step
from statemodel.trace_rules import TRACE_RULES
from tests.conformance.subjects import LONG
from tests.conformance.trio_stage import Stage
from tests.conformance.trio_subject import TrioSubject

EXAMPLES = 1000 if LONG else 20


def subject_with(stage, **settings):
    """Return a subject whose connections are played on another stage."""

    class Subject(TrioSubject):
        def stage(self, opening, draws):
            return stage(opening, draws)

    return Subject(**settings)


def threads_since(before):
    """Return the threads that were not there before."""
    return [thread for thread in threading.enumerate() if thread not in before]


@pytest.mark.parametrize("seed", range(10 if LONG else 1))
def test_the_connection_conforms(seed):
    """All rules that can be seen in what a connection does, in whatever order trio runs its tasks."""
    subject = TrioSubject(seed)
    try:
        report = conform(subject, seed=seed, examples=EXAMPLES)
    finally:
        subject.close()

    assert report.failures == ()
    assert report.ok
    assert set(report.judged) == {*TRACE_RULES, "B3"}


class TransportConformance(ConnectionConformance):
    def subject(self):
        return TrioSubject()


TestTransportConformance = TransportConformance.TestCase
TestTransportConformance.settings = settings(
    TestTransportConformance.settings, max_examples=EXAMPLES, deadline=None
)


class HastyStage(Stage):
    """A window in background that is too short."""

    def __init__(self, opening, draws):
        short = replace(opening.timings, background_grace=opening.timings.background_grace - 1.5)
        super().__init__(replace(opening, timings=short), draws)


class DeafStage(Stage):
    """A driver that does not hear frames."""

    def began(self):
        self.driver._take_frames = lambda: None


class ForgetfulStage(Stage):
    """A driver that sets no timer."""

    def began(self):
        self.driver._set_timer = lambda: None


class ClingingStage(Stage):
    """A driver that keeps what it was told to give up."""

    def _is_asked_for(self, attempt):
        number = super()._is_asked_for(attempt)
        attempt.abort = lambda: None
        return number


@pytest.mark.parametrize(
    ("stage", "rules"),
    [
        (HastyStage, {"M3"}),
        (DeafStage, {"H1", "P4"}),
        (ForgetfulStage, {"K5", "M3"}),
        (ClingingStage, {"A1", "M2"}),
    ],
)
def test_a_driver_with_a_fault_is_found(stage, rules):
    """It is the real driver that is judged: what is wrong with it shows, and is named."""
    subject = subject_with(stage)
    try:
        report = conformance_suite(subject)
    finally:
        subject.close()

    assert rules <= {failure.rule for failure in report.failures}
    assert not report.ok


class StuckStage(Stage):
    """A driver that never comes back, until it is let go."""

    let_go = threading.Event()

    def began(self):
        dispatch = self.driver.dispatch
        self.driver.dispatch = lambda event: self.let_go.wait() and dispatch(event)


class BrokenStage(Stage):
    """A driver with a bug."""

    def began(self):
        self.driver.dispatch = self.fail

    def fail(self, event):
        raise ZeroDivisionError(f"cannot take {type(event).__name__}")


@pytest.mark.parametrize(
    ("stage", "trouble", "message"),
    [
        (StuckStage, Trouble.HUNG, "nothing came within 0.2 s"),
        (BrokenStage, Trouble.CRASHED, "ZeroDivisionError: cannot take Connect"),
    ],
)
def test_a_driver_in_trouble_is_no_trouble_for_the_test(stage, trouble, message):
    """A subject that hangs or breaks down is told so, and can be opened again."""
    before = threading.enumerate()
    subject = subject_with(stage, patience=0.2)
    try:
        for _ in range(2):
            assert subject.open(Script(mode=Mode.MANUAL), ()) == ()
            with pytest.raises(SubjectError) as caught:
                subject.perform([Act(Step.parse("connect"), 1)])

            assert caught.value.trouble is trouble
            assert message in caught.value.message
    finally:
        StuckStage.let_go.set()
        subject.close()
    for thread in threads_since(before):
        thread.join(10)

    assert threads_since(before) == []


def test_nothing_is_left_when_it_is_closed():
    """G3 in small: whatever was going on, closing ends it at once, also twice."""
    before = threading.enumerate()
    for words in ("connect", "restored / connect / peer accept", "restored / logout", "login"):
        subject = TrioSubject(patience=5)
        subject.open(Script(mode=Mode.MANUAL), ())
        for number, word in enumerate(words.split(" / "), 1):
            subject.perform([Act(Step.parse(word), number)])
        subject.close()
        subject.close()

    assert threads_since(before) == []

"""Whatever a subject process does, there is a verdict that says what."""

from __future__ import annotations

import os
import select
import sys
from contextlib import closing

import pytest

from statemodel import Mode
from statemodel.conformance import Act, ProcessSubject, SubjectError, Trouble, conform, replay
from statemodel.scripts import Script, Step
from statemodel.traces import Dialled
from tests.conformance.process import FAULTS
from tests.conformance.subjects import PYTHON

SCRIPT = Script.parse("open manual\nrestored\nconnect\npeer accept\nping\npeer pong\nwait 1\n")

VERDICTS = {
    "crash": (Trouble.CRASHED, "exit code 3; its last words: something went very wrong"),
    "be_killed": (Trouble.CRASHED, "killed by signal 9"),
    "hang": (Trouble.HUNG, "did not answer within 1 s"),
    "hang_with_a_child": (
        Trouble.HUNG,
        "did not answer within 1 s; its last words: I have a child",
    ),
    "dribble": (Trouble.HUNG, "did not answer within 1 s"),
    "babble": (Trouble.BABBLED, "no JSON object: b'DEBUG: connecting'"),
    "flood": (Trouble.BABBLED, "a line of more than 1048576 bytes"),
    "say_too_much": (Trouble.BABBLED, "spoke without being asked"),
    "answer_another": (Trouble.BABBLED, "it answered question"),
    "answer_nothing_seen": (Trouble.BABBLED, "`seen` is a list of lists, not None"),
    "lose_a_list": (Trouble.BABBLED, "1 steps were answered with 0 lists"),
    "refuse": (Trouble.REFUSED, "asked for steps, it said: 'not now'"),
    "lie_about_a_socket": (Trouble.LIED, "socket 99, which it never dialled"),
    "lie_about_a_dial": (Trouble.LIED, "dialled socket 7, but the next is 2"),
    "lie_about_a_call": (Trouble.LIED, "call 500 returned, but there was no such call"),
    "lie_about_a_ping": (Trouble.LIED, "sent ping 44, but the next is 1"),
    "lie_about_time": (Trouble.LIED, "is at 1000000000, but no time passed after 0"),
    "lie_about_a_code": (Trouble.LIED, "the 'code' of returned is one of ERR_CHAT_API_FAILURE"),
    "lie_about_a_type": (Trouble.LIED, "the 'socket' of dialled is a whole number from 1 on"),
    "lie_about_a_word": (Trouble.LIED, "there is no item 'exploded'"),
    "lie_with_a_name": (Trouble.LIED, "refreshing has no 'why'"),
}


def test_every_fault_has_its_verdict():
    """The table above knows every fault of the process."""
    assert set(VERDICTS) == set(FAULTS)


def test_without_a_fault_the_process_conforms():
    """The faults are what is found, not the process."""
    with closing(ProcessSubject(PYTHON)) as subject:
        report = replay(subject, SCRIPT)

    assert report.ok


@pytest.mark.parametrize("fault", VERDICTS)
def test_each_fault_has_a_clear_verdict(fault):
    """It is said what the process did, and nothing of it is left running."""
    trouble, words = VERDICTS[fault]
    with closing(ProcessSubject([*PYTHON, fault], time_limit=1.0)) as subject:
        failure = replay(subject, SCRIPT).failures[0]

    assert failure.error.trouble is trouble
    assert words in failure.message
    assert failure.rule is None
    assert [str(step) for step in failure.script.steps][:2] == ["restored", "connect"]


@pytest.mark.parametrize("fault", ["crash", "refuse", "lie_about_a_word"])
def test_trouble_is_shrunk_and_named_in_the_whole_test(fault):
    """The process is started again to find the shortest script that troubles it."""
    with closing(ProcessSubject([*PYTHON, fault])) as subject:
        report = conform(subject, examples=3)

    assert report.failures[0].verdict == VERDICTS[fault][0]
    assert len(report.failures[0].script.steps) <= 3
    assert not report.ok


def test_a_process_that_has_ended_is_started_again():
    """After a crash the next case has a process of its own."""
    with closing(ProcessSubject([*PYTHON, "crash"])) as subject:
        replay(subject, SCRIPT)
        subject.open(Script(mode=Mode.AUTO), ())
        seen = subject.perform([Act(Step.parse("restored"))])

    assert isinstance(seen[0][0], Dialled)


@pytest.mark.parametrize(
    ("command", "trouble", "words"),
    [
        (["/nonexistent/program"], Trouble.CRASHED, "cannot be started"),
        (
            [sys.executable, "-c", "import sys; sys.exit('no licence')"],
            Trouble.CRASHED,
            "no licence",
        ),
        (["cat"], Trouble.BABBLED, "without `name` and `capabilities`"),
        (["yes"], Trouble.BABBLED, "no JSON object: b'y'"),
        (["sleep", "60"], Trouble.HUNG, "asked for hello"),
        ([*PYTHON, "boast"], Trouble.LIED, "no capability 'flying'"),
        ([*PYTHON, "speak_another"], Trouble.REFUSED, "speaks protocol 2, and this is 1"),
    ],
)
def test_what_does_not_even_say_hello_is_refused(command, trouble, words):
    """A program that is no subject is told from one that breaks rules."""
    with pytest.raises(SubjectError, match=words.replace("`", ".")) as caught:
        ProcessSubject(command, time_limit=5.0 if trouble is not Trouble.HUNG else 0.5)

    assert caught.value.trouble is trouble


def test_a_process_is_always_ended():
    """A process that hangs is killed, with all that it started."""
    with closing(ProcessSubject([*PYTHON, "hang_with_a_child"], time_limit=1.0)) as subject:
        process = subject._process
        output = os.dup(process.stdout.fileno())
        replay(subject, SCRIPT)
    ended = select.select([output], [], [], 10.0)[0]  # once nobody is left who could write to it
    os.close(output)

    assert process.poll() is not None
    assert ended


def test_a_subject_that_lacks_the_mode_is_not_asked_for_it():
    """An opening that a subject is not capable of is refused before it is asked."""
    with closing(ProcessSubject([*PYTHON, "incapable"])) as subject:
        failure = replay(subject, Script(mode=Mode.AUTO, steps=(Step(do="connect"),))).failures[0]

    assert failure.error.trouble is Trouble.REFUSED
    assert "not capable of auto" in failure.message

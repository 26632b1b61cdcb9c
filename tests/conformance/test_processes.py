"""Whatever a subject process does, there is a verdict that says what."""

from __future__ import annotations

import os
import re
import select
import sys
from contextlib import closing, contextmanager

import pytest

from statemodel import Mode
from statemodel.conformance import Act, ProcessSubject, SubjectError, Trouble, conform, replay
from statemodel.scripts import Script, Step
from statemodel.traces import Dialled
from tests.conformance.process import FAULTS, HARMLESS
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
    "lie_with_half_a_character": (Trouble.LIED, r"there is no item '\ud800'"),
    "lie_with_colours": (Trouble.LIED, r"there is no item '\x1b[31mred'"),
    "lie_with_a_long_word": (Trouble.LIED, "there is no item 'xxx"),
    "lie_about_truth": (Trouble.LIED, "the 'socket' of gone is a whole number from 1 on, not True"),
    "lie_with_a_fraction": (Trouble.LIED, "is a whole number from 1 on, not 1.0"),
    "lie_with_many_digits": (Trouble.LIED, "it reported on socket 1000"),
    "lie_about_no_time": (Trouble.LIED, "is a number of seconds, not nan"),
    "lie_about_eternity": (Trouble.LIED, "is a number of seconds, not inf"),
    "lie_about_the_time_before": (Trouble.LIED, "is a number of seconds, not -1"),
    "lie_about_a_long_time": (Trouble.LIED, "this is none that a float can hold"),
    "be_stubborn": (Trouble.HUNG, "did not answer within 1 s"),
    "leave_a_child": (Trouble.CRASHED, "ended with exit code 4"),
    "stop_halfway": (Trouble.CRASHED, "ended with exit code 0"),
    "close_output": (Trouble.CRASHED, "closed its output"),
    "close_input": (Trouble.CRASHED, "closed its input"),
    "answer_too_long": (Trouble.BABBLED, "a line of more than 1048576 bytes"),
    "answer_a_hundred_megabytes": (Trouble.BABBLED, "a line of more than 1048576 bytes"),
    "flood_elsewhere": (Trouble.HUNG, "did not answer within 1 s; its last words: "),
    "paint": (Trouble.CRASHED, r"words: \x1b[2J\x1b[31mred\x1b]0;title\x07\u202eback"),
    "babble_bytes": (Trouble.BABBLED, r"no JSON object: b'\xff\xfe\x80'"),
    "babble_nothing": (Trouble.BABBLED, r"no JSON object: b'\x00\x00\x00'"),
    "babble_two_byte_characters": (Trouble.BABBLED, r"no JSON object: b'\xff\xfe{\x00"),
    "babble_an_empty_line": (Trouble.BABBLED, "no JSON object: b''"),
    "babble_a_list": (Trouble.BABBLED, "no JSON object: b'[{"),
    "babble_digits": (Trouble.BABBLED, """no JSON object: b'{"id": 999"""),
    "babble_nested": (Trouble.BABBLED, "no JSON object: b'[[["),
    "nest": (Trouble.LIED, "the 'socket' of dialled is a whole number from 1 on, not [[["),
    "answer_with_a_fraction": (Trouble.BABBLED, "it answered question 5.0 when asked 5"),
    "see_a_word": (Trouble.BABBLED, "`seen` is a list of lists, not 'nothing'"),
    "see_words": (Trouble.BABBLED, "`seen` is a list, not 'nothing'"),
    "add_a_list": (Trouble.BABBLED, "1 steps were answered with 2 lists"),
}
PATIENT = 60.0
"""Seconds for what does not hang: a busy machine may take long to start a program."""
LARGE = Script.parse(f"open manual\nlogin {'x' * 500_000}\n")
"""A question that is larger than a pipe."""


@contextmanager
def started(fault, trouble=None):
    """Start the process with a fault; if it will hang, be less patient from now on."""
    with closing(ProcessSubject([*PYTHON, fault], time_limit=PATIENT)) as subject:
        if trouble is Trouble.HUNG:
            subject._limit = 1.0
        yield subject


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
    with started(fault, trouble) as subject:
        failure = replay(subject, SCRIPT).failures[0]

    assert failure.error.trouble is trouble
    assert words in failure.message
    assert len(failure.message) < 3000
    assert all(c.isprintable() or c == "\n" for c in failure.text())
    assert failure.rule is None
    assert [str(step) for step in failure.script.steps][:2] == ["restored", "connect"]


@pytest.mark.parametrize("way", HARMLESS)
def test_an_answer_may_come_slowly_or_with_many_logs(way):
    """Bytes one by one are a line in the end; a log larger than a pipe is read while one waits."""
    with closing(ProcessSubject([*PYTHON, way])) as subject:
        assert replay(subject, SCRIPT).ok


def test_a_question_may_be_larger_than_a_pipe():
    """A long name arrives whole, in as many pieces as it takes."""
    with closing(ProcessSubject(PYTHON)) as subject:
        report = replay(subject, LARGE)

    assert report.failures == ()


@pytest.mark.parametrize(
    ("way", "trouble", "words"),
    [
        ("be_deaf", Trouble.HUNG, "asked for steps, it did not answer within 1 s"),
        ("be_deaf_and_flood", Trouble.BABBLED, "without being asked|a line of more than"),
        ("be_deaf_and_chat", Trouble.BABBLED, "without being asked|before it had read all"),
        ("be_deaf_and_flood_elsewhere", Trouble.HUNG, "within 1 s; its last words: "),
    ],
)
def test_a_question_that_is_not_read_has_an_end(way, trouble, words):
    """The time limit counts for writing as well, whatever the process writes meanwhile."""
    with started(way, trouble) as subject:
        failure = replay(subject, LARGE).failures[0]

    assert failure.error.trouble is trouble
    assert re.search(words, failure.message)


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
        ([*PYTHON, "say_true"], Trouble.BABBLED, "answered question True when asked 1"),
        ([*PYTHON, "boast"], Trouble.LIED, "no capability 'flying'"),
        ([*PYTHON, "speak_another"], Trouble.REFUSED, "speaks protocol 2, and this is 1"),
    ],
)
def test_what_does_not_even_say_hello_is_refused(command, trouble, words):
    """A program that is no subject is told from one that breaks rules."""
    with pytest.raises(SubjectError, match=words.replace("`", ".")) as caught:
        ProcessSubject(command, time_limit=PATIENT if trouble is not Trouble.HUNG else 0.5)

    assert caught.value.trouble is trouble


@pytest.mark.parametrize("fault", ["hang_with_a_child", "leave_a_child", "be_stubborn"])
def test_a_process_is_always_ended(fault):
    """A process that hangs is killed, with all that it started; so is what a dead one has left."""
    with started(fault, VERDICTS[fault][0]) as subject:
        process = subject._program._process
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

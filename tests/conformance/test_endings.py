"""However a test of a process ends, nothing of it is left running, and it is said how it ended."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys

import pytest

from statemodel import InvalidInput, Mode
from statemodel.commands import main
from statemodel.commands._signals import EndedBySignal, ended_in_order
from statemodel.conformance import Act, MachineSubject, ProcessSubject, Trouble, replay
from statemodel.conformance._drawing import drawn
from statemodel.scripts import Script, Step
from tests.conformance.subjects import PYTHON
from tests.conformance.test_processes import PATIENT, SCRIPT, started


def test_an_exit_code_after_bye_is_looked_at():
    """A process that ends with another exit code than 0 is said to have crashed, in the end."""
    with started("leave_badly") as subject:
        assert replay(subject, SCRIPT).ok
        assert subject.bad_end is None

    assert subject.bad_end.trouble is Trouble.CRASHED
    assert subject.bad_end.message == (
        "after bye, it ended with exit code 1; its last words: two sockets are still open"
    )


def test_a_bad_end_is_a_failure_of_the_whole_test(capfd, tmp_path):
    """The command reports it, exit code 1; what was judged before stays judged."""
    (tmp_path / "up.txt").write_text("open manual\nrestored\nconnect\npeer accept\n")
    options = ("--replay", str(tmp_path / "up.txt"), "--time-limit", str(PATIENT), "--", *PYTHON)
    good = main(["conform", *options])
    capfd.readouterr()
    code = main(["conform", *options, "leave_badly"])
    out = capfd.readouterr().out

    assert (code, good) == (1, 0)
    assert "the subject crashed: after bye" in out
    assert "1 case, " in out
    assert "It does not conform: crashed." in out


def test_one_that_stays_after_bye_is_ended():
    """It has a second; then it is killed, and nothing is said of it."""
    with started("linger") as subject:
        process = subject._program._process

    assert process.poll() == -signal.SIGKILL
    assert subject.bad_end is None


def test_one_that_owes_an_answer_is_ended_without_a_word(monkeypatch):
    """After an interruption in a question there is no `bye`; the next case has a new process."""
    with started("be_deaf") as subject:
        subject.open(Script(mode=Mode.MANUAL), ())
        program = subject._program
        monkeypatch.setattr(program, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            subject.perform([Act(Step.parse("restored"))])
        monkeypatch.setattr(program, "leave", unexpected)
        subject.open(Script(mode=Mode.MANUAL), ())
        assert program._process.poll() is not None
        monkeypatch.setattr(subject._program, "_exchange", interrupted)
        with pytest.raises(KeyboardInterrupt):
            subject.perform([Act(Step.parse("restored"))])
        monkeypatch.setattr(subject._program, "leave", unexpected)


def interrupted(*_):
    raise KeyboardInterrupt


def unexpected(*_):
    raise AssertionError("it is asked once more")


def test_one_that_is_interrupted_at_hello_is_ended(monkeypatch):
    """Nobody holds the subject yet: it ends its process itself."""
    ended = []
    from statemodel.conformance import _program

    real = _program.Program.end
    monkeypatch.setattr(_program.Program, "_exchange", interrupted)
    monkeypatch.setattr(_program.Program, "end", lambda self: real(self) or ended.append(self))
    with pytest.raises(KeyboardInterrupt):
        ProcessSubject(["sleep", "3600"])

    assert ended[0]._process.poll() == -signal.SIGKILL


@pytest.mark.parametrize(
    ("command", "limit"),
    [([], 1.0), ("node x", 1.0), (["x"], 0), (["x"], -1), (["x"], float("nan"))],
)
def test_what_is_no_command_or_no_limit_is_refused(command, limit):
    """A text is no list of arguments, and a limit is a number of seconds."""
    with pytest.raises(InvalidInput):
        ProcessSubject(command, time_limit=limit)


# -- signals -------------------------------------------------------------------------------------

HANGS = """\
import os, sys, time
with open(sys.argv[1], "w") as told:
    print("hanging", file=told, flush=True)
    time.sleep(3600)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_command_and_its_subject(number, tmp_path):
    """In the middle of a question with a limit of an hour: at once, one line, 128 and the signal."""
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    told = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    options = ("--time-limit", "3600", "--", sys.executable, "-c", HANGS, str(fifo))
    before = signal.signal(number, lambda *_: None)  # what is ignored here would be ignored there
    process = subprocess.Popen(
        [sys.executable, "-m", "statemodel", "conform", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(number, before)
    with process:
        assert select.select([told], [], [], PATIENT)[0]
        process.send_signal(number)
        out, err = process.communicate(timeout=PATIENT)
    assert select.select([told], [], [], PATIENT)[0]
    said = os.read(told, 100), os.read(told, 100)
    os.close(told)

    assert said == (b"hanging\n", b"")  # and nobody is left who could write
    assert process.returncode == 128 + number
    assert (out, err) == ("", f"statemodel: ended by {number.name}\n")


def test_a_signal_in_a_walk_ends_the_walks():
    """Hypothesis does not take the end for one more failure to draw again."""

    class Signalled(MachineSubject):
        def perform(self, acts):
            raise EndedBySignal(signal.SIGTERM)

    with pytest.raises(EndedBySignal):
        drawn(Signalled(), (), 0, 30)


def test_signals_are_heard_inside_only_and_one_alone(monkeypatch):
    """Who was there before hears them afterwards; a second one does not disturb the end."""
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append("before"))
    try:
        with pytest.raises(EndedBySignal) as caught, ended_in_order():
            try:
                signal.raise_signal(signal.SIGTERM)
            finally:
                signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        with ended_in_order():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)

    assert caught.value.exit_code == 143
    assert heard == ["before"]

"""The state machine for testers: under unittest and under pytest, right subjects and wrong ones."""

from __future__ import annotations

import subprocess
import sys
import unittest
from contextlib import closing

import pytest
from hypothesis import settings

from statemodel.conformance import ConnectionConformance, MachineSubject, ProcessSubject
from tests.conformance.subjects import LONG, PYTHON, Hasty


class MachineConformance(ConnectionConformance):
    """The pure machine."""

    def subject(self):
        return MachineSubject()


TestMachineConformance = MachineConformance.TestCase
TestMachineConformance.settings = settings(
    TestMachineConformance.settings, max_examples=1000 if LONG else 60
)


class HastyConformance(ConnectionConformance):
    """A machine that breaks M3."""

    def subject(self):
        return Hasty()


def outcome(machine, examples):
    """Run a machine's test case as unittest does; return the text of its failure, or nothing."""
    case = machine.TestCase
    case.settings = settings(case.settings, max_examples=examples, database=None, derandomize=True)
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(case).run(result)

    assert result.testsRun == 1
    return "\n".join(text for _, text in (*result.failures, *result.errors))


def test_a_wrong_subject_fails_with_a_short_script():
    """M3: the failure has the rule in its words, the script to replay, and the timeline."""
    text = outcome(HastyConformance, 300)

    assert "is BROKEN" in text
    assert "      open manual" in text
    assert "background" in text
    assert "<-- M" in text


def test_rules_can_be_chosen():
    """A subclass judges by the rules that it names, and by no others."""

    class Chosen(HastyConformance):
        only = ("K1", "S1")

    assert outcome(Chosen, 60) == ""


def test_a_troubled_process_fails_with_its_verdict():
    """A process that crashes in the middle of a walk is a failure that says so."""

    class Crashing(ConnectionConformance):
        def subject(self):
            return ProcessSubject([*PYTHON, "crash"])

    text = outcome(Crashing, 20)
    Crashing._made.close()

    assert "the subject crashed" in text
    assert "exit code 3" in text


def test_a_process_serves_all_cases_of_a_class():
    """One process is started for a class, and opened anew for each case."""
    made = []

    class Served(ConnectionConformance):
        def subject(self):
            made.append(ProcessSubject(PYTHON))
            return made[-1]

    assert outcome(Served, 10) == ""
    with closing(made[0]):
        assert len(made) == 1


def test_a_subclass_without_a_factory_says_so():
    """The class itself is no test."""
    with pytest.raises(NotImplementedError, match="a subclass makes the subject"):
        ConnectionConformance()


def test_the_kit_is_there_without_hypothesis():
    """Only walks need it: the suite, the command and the subjects do not import it."""
    code = (
        "import sys; import statemodel.conformance, statemodel.commands; "
        "print(*(name for name in ('hypothesis', 'trio', 'pytest') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == ""

"""A report says the same to people, to programs and to JUnit's readers; a script can be replayed."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree as Xml

import pytest

from statemodel import RULES
from statemodel.commands import main
from statemodel.conformance import MachineSubject, conformance_suite, replay
from statemodel.scripts import Script
from tests.conformance.subjects import CLIENT, PYTHON, Hasty, needs_node


@pytest.fixture(scope="module")
def broken():
    """A report with failures."""
    return conformance_suite(Hasty())


def test_the_text_has_the_rule_in_its_words_the_script_and_the_timeline(broken):
    """A failure is printed so that it can be understood and played again."""
    text = broken.text()
    failure = broken.failures[0]

    assert f"M3 is BROKEN: {RULES['M3'].statement}" in text
    assert failure.script.text().splitlines()[0] in text
    assert "<-- M3: " in text
    assert "closing handshake begun" in text
    assert "not exercised (needs messages): K6" in text


def test_a_script_from_the_text_can_be_replayed(broken):
    """The printed script, read again and played again, fails in the same way."""
    failure = broken.failures[0]
    again = replay(Hasty(), Script.parse(failure.script.text())).failures[0]

    assert again.findings == failure.findings
    assert again.script == failure.script
    assert again.trace == failure.trace


def test_a_replay_of_what_is_right_finds_nothing(broken):
    """The script is wrong for the subject that failed, not for one that keeps the rules."""
    assert replay(MachineSubject(), broken.failures[0].script).ok


def test_the_data_are_json_and_say_what_the_report_says(broken):
    """Nothing is lost on the way to a program."""
    data = json.loads(json.dumps(broken.data()))

    assert data["ok"] is False
    assert [failure["rule"] for failure in data["failures"]] == [f.rule for f in broken.failures]
    assert data["failures"][0]["statement"] == RULES["M3"].statement
    assert Script.parse(data["failures"][0]["script"]) == broken.failures[0].script
    assert set(data["judged"]) | set(data["not_exercised"]) == set(RULES)


def test_the_junit_report_is_well_formed_and_counts(broken):
    """Each rule is a test: passed, failed with the timeline, or skipped with the reason."""
    suite = Xml.fromstring(broken.junit()).find("testsuite")
    cases = {case.get("name").partition(":")[0]: case for case in suite}

    assert int(suite.get("tests")) == len(cases) == len(RULES) + 1
    assert int(suite.get("failures")) == len(broken.failures)
    assert "<-- M3" in cases["M3"].find("failure").text
    assert cases["K6"].find("skipped").get("message") == "needs messages"
    assert len(cases["S1"]) == 0
    assert len(cases["the subject"]) == 0


def test_junit_says_that_nothing_is_known():
    """A subject that never connected fails as such."""
    report = replay(MachineSubject(), Script.parse("open manual\nrestored\nconnect\nwait 31\n"))
    subject = Xml.fromstring(report.junit()).find("testsuite/testcase[@name='the subject']")

    assert subject.find("failure").get("message") == "no case ever had an open socket"


def run(capsys, *arguments):
    """Run the command; return its exit code, its output and its errors."""
    code = main([*arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_command_writes_junit_of_a_program_that_crashes(capsys, tmp_path):
    """A crash is an error of the subject, in a report that is well-formed, and exit code 1."""
    file = tmp_path / "report.xml"
    code, out, _ = run(
        capsys, "conform", "--format", "junit", "-o", str(file), "--", *PYTHON, "crash"
    )
    suite = Xml.parse(file).find("testsuite")

    assert code == 1
    assert out == "a machine: does not conform\n"
    assert suite.get("errors") == "1"
    assert "exit code 3" in suite.find("testcase/error").get("message")


def test_the_command_says_that_a_program_is_no_subject(capsys):
    """No traceback: a verdict, and exit code 1."""
    code, out, err = run(capsys, "conform", "--", sys.executable, "-c", "print('hello, world')")

    assert (code, err) == (1, "")
    assert "the subject babbled: it wrote what is no JSON object: b'hello, world'" in out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["conform"], "needs a program"),
        (["conform", "--only", "X1", "--", "x"], "no rule 'X1'"),
        (["conform", "--only", ",", "--", "x"], "chooses no rule"),
        (["conform", "--replay", "/nonexistent", "--", "x"], "No such file"),
    ],
)
def test_the_command_refuses_what_it_cannot_do(capsys, arguments, words):
    """A wrong command line is exit code 2 with what is allowed."""
    code, _, err = run(capsys, *arguments)

    assert code == 2
    assert words in err


@needs_node
def test_the_command_replays_a_file(capsys, tmp_path):
    """M11: a script from a file is played as it is, on a program that breaks the rule and one not."""
    file = tmp_path / "case.script"
    file.write_text(
        "open manual\nrestored\nconnect\npeer accept\nping\npeer pong\nbackground\nwait 31\n"
    )
    options = ("conform", "--replay", str(file), "--only", "M11,M3", "--format", "json", "--")
    wrong, out, _ = run(capsys, *options, "node", CLIENT, "--bug", "early_ping_pays")
    right, _, _ = run(capsys, *options, "node", CLIENT)

    assert (wrong, right) == (1, 0)
    assert json.loads(out)["failures"][0]["rule"] == "M11"


def test_the_default_command_passes_a_program_that_conforms(capsys):
    """The whole of it: suite and walks, exit code 0."""
    code, out, _ = run(capsys, "conform", "--examples", "5", "--seed", "3", "--", *PYTHON)

    assert code == 0
    assert "walks (seed 3): 5 cases" in out
    assert "It keeps the 63 rules that it was judged by." in out

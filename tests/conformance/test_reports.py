"""A report says the same to people, to programs and to JUnit's readers; a script can be replayed."""

from __future__ import annotations

import json
import sys
from xml.etree import ElementTree as Xml

import pytest

from statemodel import RULES
from statemodel.commands import main
from statemodel.conformance import (
    Failure,
    MachineSubject,
    Part,
    Report,
    SubjectError,
    Trouble,
    conformance_suite,
    replay,
)
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


def test_no_line_is_too_wide_for_a_terminal(broken):
    """A hundred columns hold every line of every failure."""
    text = "".join([broken.text(), many_waits().text()])

    assert max(map(len, text.splitlines())) <= 100


def test_what_the_kit_does_last_is_not_taken_for_a_step(broken):
    """The script has ended: its timeline says so, in the text and in the data."""
    failure = broken.failures[0]
    last = broken.data()["failures"][0]["timeline"][failure.end]
    words = "end of the script (the kit reports network up once more)"

    assert last["what"] == words
    assert failure.text().count(words) == 1
    assert "network" not in failure.script.text()


def test_the_named_rule_is_marked_first(broken):
    """Of the rules that one moment breaks, the arrow of the one in the heading is the first."""
    for failure in broken.failures:
        marks = [line.split()[1] for line in failure.text().splitlines() if "<-- " in line]

        assert marks[0] == f"{failure.rule}:"


def many_waits():
    """Return a failure of which only many waits together tell, with waits that are not drawn."""
    subject = MachineSubject()
    lines = ["open auto", "timing dial_timeout 1000", "restored"]
    for at in range(40):
        lines += ["peer accept", "peer drop", f"wait 30 draw {0.9 + at / 1000:g}"]
    return replay(subject, Script.parse("\n".join(lines))).failures[0]


def test_a_finding_about_many_waits_shows_the_waits():
    """B1: the waits say more than the end of a timeline of hundreds of lines."""
    failure = many_waits()
    text = failure.text()

    assert failure.rule == "B1"
    assert (
        "  the waits before the retries, each with the longest that is allowed, in seconds:" in text
    )
    assert "0.5 of 1, 1 of 2, 2 of 4, 4 of 8, 8 of 16, 15 of 30 (35 times)" in text
    assert len(text.splitlines()) < 60


def test_a_long_script_is_whole_where_programs_read_it():
    """The text shows how it begins and ends; the data have every line."""
    failure = many_waits()
    report = replay(MachineSubject(), failure.script)
    lines = failure.script.text().splitlines()

    assert Script.parse(report.data()["failures"][0]["script"]) == failure.script
    assert "      ... 108 lines more; " in failure.text()
    assert [line for line in lines[:10] if f"      {line}\n" not in failure.text()] == []
    assert f"      {lines[-1]}\n" in failure.text()


def a_report(*failures, cases=1, connected=1, judged=("M3",)):
    """Return a report as if something had been played."""
    part = Part(name="time boundaries", cases=cases, connected=connected, steps=1)
    return Report(
        subject="a subject",
        capabilities=("manual",),
        asked=("M3", "K6"),
        judged=judged,
        parts=(part,),
        failures=failures,
    )


def test_one_is_not_many():
    """A single case is not `1 cases`, nor a single rule `1 rules`."""
    one, many = a_report().text(), a_report(cases=1200, connected=1199).text()

    assert "  time boundaries: 1 case, 1 step\n" in one
    assert (
        "It keeps the 1 rule that it was judged by, in 1 case. That is a test and no proof." in one
    )
    assert "  time boundaries: 1,200 cases, 1 step; 1 case never connected\n" in many


def test_a_test_without_a_rule_claims_nothing():
    """All rules that were asked for need what the subject cannot do."""
    assert (
        "Nothing is known: none of the rules that were asked for can be judged."
        in a_report(judged=()).text()
    )


def test_more_failures_than_can_be_read_are_named(broken):
    """Three are shown at length; of the others the rule and what is wrong."""
    text = a_report(*([broken.failures[0]] * 4)).text()

    assert text.count("M3 is BROKEN: ") == 3
    assert text.count(f"M3 is BROKEN as well, {broken.failures[0].message}") == 1


def test_only_a_case_that_was_played_can_be_played_again(broken):
    """How to replay is said below a failure, but not of a replay, nor if nothing was played."""
    error = SubjectError(Trouble.CRASHED, "it ended; its last words: one\ntwo")
    nothing = Failure(Script.parse("open auto"), [], error=error, part="its start")
    again = replay(Hasty(), broken.failures[0].script)

    assert "--replay FILE" in broken.text()
    assert "--replay FILE" not in again.text()
    assert "--replay FILE" not in a_report(nothing).text()
    assert nothing.text() == "the subject crashed: it ended; its last words: one\n    two\n"


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
    assert "It keeps the 63 rules that it was judged by, in " in out
    assert out.endswith(" cases. That is a test and no proof.\n")

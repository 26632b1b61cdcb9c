"""What is no behaviour to judge has a verdict too, and costs no more time than it must."""

from __future__ import annotations

import sys
from contextlib import closing
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statemodel import Mode
from statemodel.conformance import (
    Failure,
    MachineSubject,
    ProcessSubject,
    Report,
    SubjectError,
    Trouble,
    conform,
    conformance_suite,
    replay,
)
from statemodel.conformance._cases import shrunk
from statemodel.conformance._drawing import drawn
from statemodel.scripts import Script
from tests.conformance.subjects import Hasty, Limited
from tests.conformance.test_processes import PATIENT, SCRIPT

UP = "open manual\nrestored\nconnect\npeer accept\n"


@pytest.mark.parametrize("ask", [conform, lambda subject: replay(subject, SCRIPT)])
def test_a_subject_that_knows_no_user_is_refused(ask):
    """With neither `login` nor `restored` nothing ever connects: that is said, and nothing played."""
    report = ask(Limited("auto", "manual", "status"))

    assert [failure.verdict for failure in report.failures] == ["refused"]
    assert "neither `login` nor `restored`" in report.text()
    assert report.parts == ()


FORGETS = """\
import json, os, sys
for line in sys.stdin:
    id, do = json.loads(line)["id"], json.loads(line)["do"]
    can = ["auto", "login"] + (["ping"] if os.path.exists(sys.argv[1]) else [])
    if do == "open":
        open(sys.argv[1], "w").close()
        sys.exit(5)
    print(json.dumps({"id": id, "protocol": 1, "name": "x", "capabilities": can}), flush=True)
"""


def test_one_that_is_capable_of_something_else_later_lies(tmp_path):
    """A process that is started anew has the capabilities that it had."""
    command = [sys.executable, "-c", FORGETS, str(tmp_path / "flag")]
    script = Script(mode=Mode.AUTO)
    with closing(ProcessSubject(command, time_limit=PATIENT)) as subject:
        first, second = (replay(subject, script).failures[0] for _ in range(2))

    assert first.verdict == "crashed"
    assert second.verdict == "lied"
    assert "other capabilities: ping" in second.message


class Closed(MachineSubject):
    """A machine that cannot be opened."""

    asked = 0

    def open(self, opening, draws):
        self.asked += 1
        raise SubjectError(Trouble.CRASHED, "no luck")


def test_one_that_cannot_be_opened_in_a_walk_has_a_verdict():
    """Trouble on opening is a failure with a script of no steps."""
    [case] = drawn(Closed(), (), 0, 30)

    assert case.failure.verdict == "crashed"
    assert case.script.steps == ()


def test_one_that_cannot_be_opened_is_not_opened_again_to_leave_out_steps():
    """No step was played, so the script has none."""
    subject = Closed()
    report = conform(subject)

    assert report.failures[0].script.steps == ()
    assert subject.asked == 1


class Slow(Hasty):
    """A hasty machine that hangs where there is no background."""

    def __init__(self):
        super().__init__()
        self.hung = 0

    def perform(self, acts):
        if acts[0].step.do == "wait" and not self.left:
            self.hung += 1
            raise SubjectError(Trouble.HUNG, "for ever")
        self.left = self.left or acts[0].step.do == "background"
        return super().perform(acts)

    def open(self, opening, draws):
        self.left = False
        return super().open(opening, draws)


def test_one_that_hangs_is_not_waited_for_again_and_again():
    """M3: making failures smaller stops at the first candidate that hangs."""
    script = Script.parse(UP + "peer frame\nbackground\nwait 28\nwait 0.75\nwait 3\n")
    subject = Slow()
    failure = replay(subject, script, only=["M3"]).failures[0]
    found = list(shrunk(subject, [failure, failure], {"M3"}))

    assert subject.hung == 1
    assert [each.verdict for each in found] == ["M3", "M3"]
    assert len(found[0].script.steps) <= len(script.steps)
    assert found[1] == failure


def test_no_rule_passes_if_nothing_ever_connected():
    """A subject that never connects: each rule is skipped with that reason, or for another."""

    class Deaf(Limited):
        def perform(self, acts):
            return [[] for _ in acts]

    report = conformance_suite(Deaf("auto", "login"), only=["K1", "M3"])
    suite = Xml.fromstring(report.junit()).find("testsuite")
    reasons = {
        case.get("name")[:2]: case.find("skipped") for case in suite if case[0].tag != "failure"
    }

    assert report.failures == ()
    assert {name: reason.get("message") for name, reason in reasons.items()} == {
        "K1": "no case ever had an open socket",
        "M3": "needs manual, background",
    }
    assert suite.get("skipped") == "2"


@given(st.text(st.characters(exclude_categories=())), st.sampled_from(Trouble))
def test_junit_is_well_formed_whatever_a_subject_writes(text, trouble):
    """Names and messages may hold whatever JSON can: it is escaped, and nothing is lost."""
    failure = Failure(Script(mode=Mode.AUTO), [], error=SubjectError(trouble, text), part=text)
    report = Report(
        subject=text, capabilities=(), asked=("M3",), judged=("M3",), parts=(), failures=(failure,)
    )
    written = report.junit()

    assert Xml.fromstring(written).find("testsuite/testcase/error").get("type") == trouble
    assert written.isascii()
    assert all(c.isprintable() or c in "\n\t" for c in report.text() + str(failure.error))

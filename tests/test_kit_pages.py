"""The protocol's page and that on scripts: the program runs, the words are all there."""

from __future__ import annotations

import re

from statemodel import Code, Reason, Status
from statemodel._script import _ALONE, _CHOICES, _NAMED, _SECONDS
from statemodel.conformance import MachineSubject, entry_from_json, entry_to_json
from statemodel.scripts import Script, Step, play
from tests.test_conformance_docs import (
    PROTOCOL,
    ROOT,
    TUTORIAL,
    VARIES,
    blocks,
    commands,
    run,
    save,
    table,
)

SCRIPTS = (ROOT / "docs/scripts.md").read_text("utf-8")


def test_the_program_of_the_protocols_page_is_a_subject(tmp_path):
    """The tutorial's client, repaired, served by the program: judged as the page shows."""
    save(tmp_path, TUTORIAL)
    save(tmp_path, PROTOCOL)
    for patch in ("pong.diff", "waiting.diff"):
        assert run(f"patch -p0 < {patch} || git apply -p0 {patch}", tmp_path)[1] == 0
    [console] = [body for kind, body in blocks(PROTOCOL) if kind == "console"]
    [(command, shown)] = commands(console)

    assert VARIES.sub("N", run(command, tmp_path)[0]) == VARIES.sub("N", shown)


def section(page, heading):
    """Return the text below a heading of the second level."""
    return re.search(rf"^## {heading}\n(.*?)(?=^## )", page, re.MULTILINE | re.DOTALL)[1]


def test_every_word_that_is_reported_is_on_the_page():
    """Codes, statuses and reasons stand there in their order, and no other."""
    found = re.findall(r"`(\w+)`", section(PROTOCOL, "Words"))

    assert [word for word in found if word.isupper()] == [code.value for code in Code]
    assert [word for word in found if word in {*Status}] == [status.value for status in Status]
    assert [word for word in found if word in {*Reason}] == [reason.value for reason in Reason]


def test_the_example_gives_every_setting_its_default():
    """The page says that the settings of the example are the defaults."""
    seen = re.search(r'"timings":\s+\{([^}]*)\}', PROTOCOL)[1]
    known = Script.parse("open auto").timings
    given = {name: float(value) for name, value in re.findall(r'"(\w+)":\s+([\d.]+)', seen)}

    assert given == {name: getattr(known, name) for name in known.__slots__}


def test_what_is_written_can_be_read():
    """Every report of a machine in a long case, as JSON and back, is the same."""
    subject = MachineSubject()
    trace = play(Script.parse("open manual\nrestored\nconnect\npeer accept\nping\npeer pong\n"))
    reports = [
        entry
        for entry in trace
        if type(entry).__name__
        in ("Dialled", "StatusSeen", "PingSent", "Returned", "SocketGone", "CloseBegun")
    ]
    subject.close()

    assert len(reports) >= 6
    assert [entry_from_json(entry_to_json(entry)) for entry in reports] == reports


def test_every_step_of_the_language_is_on_its_page():
    """The table has each step, each of its examples is one, and all answers are named somewhere."""
    rows = table(SCRIPTS, "step")
    examples = [example for row in rows for example in re.findall(r"`([^`]+)`", row[0])]

    assert {Step.parse(example).do for example in examples} == {
        *_ALONE,
        *_SECONDS,
        *_NAMED,
        *_CHOICES,
        "cancel",
    }
    for who in ("authenticator", "store", "reader", "network"):
        [row] = [row for row in rows if row[0].startswith(f"`{who} ")]
        named = {Step.parse(example).what for example in re.findall(r"`([^`]+)`", row[0])}

        assert named | set(re.findall(r"`(\w+)`", row[1])) == set(_CHOICES[who])


def test_the_script_of_the_page_is_one():
    """It can be read, comments and all; and its last turn has two things in it."""
    [(_, body)] = blocks(SCRIPTS)
    script = Script.parse(body)

    assert len(script.steps) == len(body.splitlines()) - 1
    assert [step.do for step in script.steps if step.together] == ["ping"]


def test_together_after_login_is_a_name():
    """The page says so, and how a report writes two things in one turn."""
    assert Step.parse("login together").what == "together"
    assert str(Step(do="login", what="alice", together=True)) == "login alice together"
    assert "`login alice together`" in SCRIPTS


def test_scripts_are_explained_where_they_are_first_shown():
    """Before the first script of the tutorial, and of the pages on checks, the link to the language."""
    for name in ("conformance.md", "checking.md"):
        text = (ROOT / "docs" / name).read_text("utf-8")
        first = re.search(r"^ *open (?:auto|manual)", text, re.MULTILINE)

        assert "(scripts.md)" in text[: first.start() if first else None], name

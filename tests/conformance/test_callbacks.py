"""What a listener calls in its callback: it is made there, judged after the step, and found if it is lost."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest

from statemodel import InvalidInput, Mode, Status
from statemodel import traces as t
from statemodel.conformance import (
    CAPABILITIES,
    Act,
    MachineSubject,
    Playing,
    ProcessSubject,
    conformance_suite,
    replay,
)
from statemodel.conformance._codec import act_to_json
from statemodel.scripts import Script, Step, play
from tests.conformance.subjects import CLIENT, PYTHON, Limited, needs_node
from tests.conformance.test_protocol import SCHEMA, wrong
from tests.conformance.test_transport import subject_with
from tests.conformance.trio_stage import Stage
from tests.conformance.trio_subject import TrioSubject

SUBJECTS = {
    "machine": MachineSubject,
    "process": lambda: ProcessSubject(PYTHON),
    "transport": TrioSubject,
    "JavaScript": lambda: ProcessSubject(["node", CLIENT]),
}

CONNECTS_AGAIN = Script.parse(
    "open manual\nrestored\nconnect\npeer accept\nping\nconnect inside disconnected\n"
    "disconnect\npeer accept\nwait 1\n"
)


def made(subject, script):
    """Return the trace of a script, with what is told in a turn as it was told."""
    playing = Playing(subject, script)
    playing.play_script(script)
    return playing.trace


@pytest.mark.parametrize(
    "name", [*list(SUBJECTS)[:3], pytest.param("JavaScript", marks=needs_node)]
)
def test_a_listener_can_call_a_command(name):
    """T4, C6: connect in the callback of a disconnect dials, once the old socket is let go."""
    with closing(SUBJECTS[name]()) as subject:
        trace = made(subject, CONNECTS_AGAIN)
        report = replay(subject, CONNECTS_AGAIN)

    called = [entry.name for entry in trace if isinstance(entry, t.Called)]
    codes = {e.command: e.code for e in trace if isinstance(e, t.Returned)}
    assert called == ["connect", "ping", "disconnect", "connect"]
    assert codes.keys() == {1, 2, 3, 4}
    assert codes[3] is None, "the call in the callback was given its number before the disconnect"
    assert sum(isinstance(entry, t.Dialled) for entry in trace) == 2
    assert report.failures == ()


def test_what_is_called_in_a_callback_comes_after_the_step():
    """T4: on the pure machine the whole step stands before the call."""
    trace = play(CONNECTS_AGAIN)
    [at] = [i for i, e in enumerate(trace) if isinstance(e, t.Called) and e.command == 3]
    before = [type(entry) for entry in trace[at - 3 : at]]

    assert t.StatusSeen in before
    assert t.Returned in before, "the ping that the disconnect has ended"
    assert isinstance(trace[at + 1], t.SocketGone)


@pytest.mark.parametrize("subject", [MachineSubject, TrioSubject])
def test_a_later_call_takes_the_place_of_an_earlier_one(subject):
    """One call waits for a status; each is made once."""
    script = Script.parse(
        "open manual\nrestored\nconnect\nping inside connected\ndisconnect inside connected\n"
        "peer accept\npeer closed\nconnect\npeer accept\n"
    )
    with closing(subject()) as made_of:
        trace = made(made_of, script)

    assert [(e.command, e.name) for e in trace if isinstance(e, t.Called)] == [
        (1, "connect"), (3, "disconnect"), (4, "connect"),
    ]  # fmt: skip


def test_a_subject_that_has_no_listeners_is_not_asked():
    """Without the capability, or without status, such a step is left out, and calls keep their numbers."""
    script = Script.parse("open manual\nrestored\nping inside connected\nconnect\ncancel 2\n")
    for missing in ("callbacks", "status"):
        playing = Playing(Limited(*set(CAPABILITIES) - {missing}), script)
        playing.play_script(script)

        assert [str(step) for step in playing.script.steps] == ["restored", "connect", "cancel 1"]


@pytest.mark.parametrize(
    "lines",
    [
        "restored / connect / peer accept / disconnect inside disconnected / wait 30 / reach 10 / "
        "connect together / background",
        "restored / connect / login inside disconnected / login together / logout together / logout",
        "logout / reach 30 / disconnect",
        "login / ping together / login together / background / authenticator authenticated / "
        "store saved / connect / reach 30 / network up together / ping",
    ],
)
def test_what_is_late_in_one_instant_is_put_where_it_belongs(lines):
    """C1, S7, S5: ties, several things in one turn, and commands in callbacks, all at once."""
    script = Script.parse("open manual\n" + lines.replace(" / ", "\n") + "\n")
    with closing(TrioSubject()) as subject:
        report = replay(subject, script)

    assert report.failures == ()


class Deaf(MachineSubject):
    """A machine that does not hear what is called in a callback."""

    def perform(self, acts):
        seen = super().perform(acts)
        self._world._armed = ()
        return seen


class TwiceStage(Stage):
    """A driver that tells its listeners everything twice."""

    def began(self):
        tell = self.driver.status_listeners._call

        def twice(listener_id, listener, news):
            tell(listener_id, listener, news)
            tell(listener_id, listener, news)

        self.driver.status_listeners._call = twice


@pytest.mark.parametrize(
    ("subject", "rules"),
    [
        (Deaf, {"A1", "A4", "C4", "N1"}),
        (lambda: subject_with(TwiceStage), {"T2"}),
    ],
)
def test_a_fault_in_callbacks_is_found(subject, rules):
    """T2, C4: calls that are lost, and a listener that is told twice."""
    with closing(subject()) as faulty:
        report = conformance_suite(faulty)

    assert rules <= {failure.rule for failure in report.failures}


@pytest.mark.parametrize(
    "line",
    ["disconnect inside connected", "login bob inside disconnected draw 0.25 together",
     "login inside connecting", "network down inside feature_throttled", "login inside"],
)  # fmt: skip
def test_a_line_with_a_callback_is_read_as_it_is_written(line):
    """The language: `inside` and a status, before `draw` and `together`."""
    step = Step.parse(line)

    assert str(step) == line
    assert Step.parse(str(step)) == step


@pytest.mark.parametrize(
    "line",
    ["connect inside", "connect inside up", "wait 3 inside connected", "send inside connected",
     "peer accept inside connected", "cancel 1 inside connected", "shut_down inside disconnected"],
)  # fmt: skip
def test_what_cannot_be_in_a_callback_is_refused(line):
    """Only what begins in place can be called there, and only a status has a callback."""
    with pytest.raises(InvalidInput):
        Step.parse(line)


def test_the_schema_knows_every_step_in_a_callback():
    """What the kit sends is in the schema, and what no script can say is not."""
    lines = ["connect", "disconnect", "ping", "logout", "login", "background", "foreground"]
    acts = [
        Act(replace(Step.parse(line), inside=status), 1 if number < 5 else None)
        for number, line in enumerate([*lines, "network up"])
        for status in Status
    ]
    steps = [act_to_json(act) for act in acts]

    assert wrong({"id": 1, "do": "steps", "steps": steps}, SCHEMA) == ""
    for do in ("send", "shut_down", "connect"):
        item = {"do": do, "command": 1, "inside": "connected" if do != "connect" else "up"}
        assert wrong({"id": 1, "do": "steps", "steps": [item]}, SCHEMA) != ""


def test_walks_call_commands_in_callbacks():
    """The walks of a subject that can do it have calls in callbacks, and those are made."""
    from statemodel.conformance._drawing import drawn

    scripts = [case.script for case in drawn(MachineSubject(), (), 0, 60)]
    inside = [step for script in scripts for step in script.steps if step.inside]

    assert len(inside) > 30
    assert {script.mode for script in scripts} == set(Mode)

"""Turns of several things: what is told late is judged where it fits, and what is wrong is found."""

from __future__ import annotations

import pytest

from statemodel import InvalidInput, Mode
from statemodel import traces as t
from statemodel.conformance import MachineSubject, Playing, SubjectError, replay
from statemodel.conformance import _suite as suite
from statemodel.conformance._subject import CAPABILITIES
from statemodel.scripts import Script, Step
from tests.conformance.subjects import Limited

TURNS = tuple(suite.turns(frozenset(CAPABILITIES)))


class Late(MachineSubject):
    """A machine that tells of the ends of calls, and of saves, when the turn is over, as promises are."""

    def perform(self, acts):
        seen = [list(entries) for entries in super().perform(acts)]
        last = seen[-1]
        for entries in seen[:-1]:
            for entry in list(entries):
                if isinstance(entry, (t.Returned, t.Stored)):
                    entries.remove(entry)
                    last.append(entry)
        return seen


class LateGone(MachineSubject):
    """A machine that tells of descriptors that are closed, and of dials, when the turn is over."""

    told = (t.SocketGone, t.Dialled)

    def perform(self, acts):
        *before, last = super().perform(acts)
        late = [entry for entries in before for entry in entries if isinstance(entry, self.told)]
        early = [[e for e in entries if not isinstance(e, self.told)] for entries in before]
        return [*early, [*late, *last]]


class Overlapping(LateGone):
    """One that dials before the descriptor of the socket before is closed."""

    def perform(self, acts):
        *before, last = super().perform(acts)
        late = [entry for entry in last if isinstance(entry, self.told)]
        rest = [entry for entry in last if not isinstance(entry, self.told)]
        late.sort(key=lambda entry: isinstance(entry, t.SocketGone))
        return [*before, [*late, *rest]]


class Forgetful(Late):
    """One that never tells the end of the first call of a turn of several."""

    def perform(self, acts):
        seen = super().perform(acts)
        return [
            [
                entry
                for entry in entries
                if not (
                    len(acts) > 1
                    and isinstance(entry, t.Returned)
                    and entry.command == acts[0].command
                )
            ]
            for entries in seen
        ]


def failures(subject, scripts=TURNS):
    """Return the failures of a subject in some scripts."""
    return [failure for script in scripts for failure in replay(subject, script).failures]


def test_what_is_told_late_is_no_failure():
    """C4: a call that ends within a turn may be told when the turn is over."""
    assert failures(Late(), TURNS[::2]) == []


def test_a_socket_that_is_gone_late_in_a_turn_is_no_failure():
    """K1, A1, S5: when in a turn a descriptor was closed may be told when the turn is over."""
    assert failures(LateGone(), TURNS[1::3]) == []


def test_a_dial_that_is_told_before_the_end_of_the_socket_before_is_a_failure():
    """K1: what is told of sockets in one turn is in the order in which it happened."""
    script = Script.parse(
        "open manual\nrestored\nconnect\ndisconnect together\nconnect\npeer accept\n"
    )

    assert failures(LateGone(), [script]) == []
    assert {failure.rule for failure in failures(Overlapping(), [script])} == {"K1"}


def test_several_turns_with_what_is_told_late_are_no_failure():
    """O4, C4: equal complaints about two turns go only if both are put right at once."""
    script = Script.parse(
        "open auto\nrestored\nshut_down\nlogout together\nlogin\nlogin alice together\nconnect\n"
    )

    assert failures(Late(), [script]) == []


def test_what_is_never_told_is_a_failure():
    """C4: a call whose end is lost is found, although ends may be told late."""
    found = failures(Forgetful(), TURNS[:60])

    assert found
    assert {failure.rule for failure in found} & {"C4", "C1", "C2", "C3", "C5", "S6", "P3", "C7"}


@pytest.mark.parametrize("line", ["sleep 3", "custom charger_plugged"])
def test_steps_that_no_subject_can_take_are_refused(line):
    """A subject's clock is on time, and it knows the rulebook's events only."""
    playing = Playing(MachineSubject(), Script(mode=Mode.AUTO))

    with pytest.raises(InvalidInput, match="on time"):
        playing.play(Step.parse(line))


def test_steps_at_the_wrong_moment_are_left_out():
    """A subject is asked for sensible steps only, and the script has those that were played."""
    playing = Playing(MachineSubject(), Script(mode=Mode.AUTO))
    playing.play(*map(Step.parse, ("peer accept", "store saved", "cancel 4")))
    playing.play(Step.parse("login"))
    playing.play(*map(Step.parse, ("restored", "store saved", "authenticator authenticated")))

    assert [str(step) for step in playing.script.steps] == [
        "login", "authenticator authenticated",
    ]  # fmt: skip


def test_what_can_be_answered_is_known_from_reports_alone():
    """After each step of the covering runs the kit knows what the machine's own world waits for."""
    different = []
    for script in suite.covering():
        subject = MachineSubject()
        playing = Playing(subject, script)
        for step in script.steps:
            playing.play(step)
            known = sorted(playing.pending.answers())
            if known != sorted(subject._world.possible_answers()):
                different.append((str(step), known))

    assert different == []


def test_a_tie_is_played_as_one_turn():
    """M4: at exactly the deadline the ping wins; the script says `reach`, the subject is told `wait`."""
    acts = []

    class Listening(MachineSubject):
        def perform(self, asked):
            acts.extend(asked)
            return super().perform(asked)

    script = Script.parse(
        "open manual\nrestored\nconnect\npeer accept\nbackground\nreach 30\nping\npeer pong\nwait 29\n"
    )
    playing = Playing(Listening(), script)
    playing.play_script(script)

    assert playing.script == script
    assert [act.step.do for act in acts if act.step.together] == ["wait"]
    assert not any(isinstance(entry, t.CloseBegun) for entry in playing.trace)


def test_a_subject_without_ties_waits_to_the_end():
    """M5: without the capability the deadline fires before the ping comes."""
    can = set(CAPABILITIES) - {"ties"}
    script = Script.parse(
        "open manual\nrestored\nconnect\npeer accept\nbackground\nreach 30\nping\n"
    )
    playing = Playing(Limited(*can), script)
    playing.play_script(script)

    assert any(isinstance(entry, t.CloseBegun) for entry in playing.trace)
    assert "wait 30" in playing.script.text()


def test_cancel_counts_the_calls_of_the_script():
    """C4: a call that is left out keeps its number in the script that is played."""
    can = set(CAPABILITIES) - {"send"}
    script = Script.parse("open manual\nrestored\nsend\nconnect\nsend\ncancel 2\n")
    playing = Playing(Limited(*can), script)
    playing.play_script(script)

    assert [str(step) for step in playing.script.steps] == ["restored", "connect", "cancel 1"]
    assert any(isinstance(entry, t.Cancelled) for entry in playing.trace)


def test_an_opening_that_a_subject_lacks_is_refused():
    """A subject that knows no network cannot be opened offline."""
    with pytest.raises(SubjectError, match="not capable of network"):
        Playing(Limited("auto"), Script(mode=Mode.AUTO, online=False))

"""What the walks draw: the same for the same seed, nearly always a connection, and the odd corners too."""

from __future__ import annotations

from collections import Counter

from statemodel import Mode
from statemodel.conformance import MachineSubject
from statemodel.conformance._drawing import drawn
from tests.conformance.subjects import Limited

EXAMPLES = 250


def test_a_seed_says_which_walks_are_drawn():
    """The walks of a seed can be drawn again, most of another seed's are others, and none comes twice."""
    first, again, other = (
        [case.script.text() for case in drawn(MachineSubject(), (), seed, 60)] for seed in (3, 3, 4)
    )

    assert first == again
    assert len(set(first)) == len(first) == 60
    assert len({*first} - {*other}) > 30


def test_few_walks_never_connect():
    """Where no socket was ever open little can be seen; but such walks there must be, of each kind."""
    cases = drawn(MachineSubject(), (), 0, EXAMPLES)
    never = [case.script for case in cases if not case.connected]
    begun = Counter((case.script.foreground, case.script.online) for case in cases)

    assert 0.01 < len(never) / len(cases) < 0.11
    assert len(begun) == 4
    assert any(step.what.startswith("not_") for script in never for step in script.steps)
    assert any(
        step.what.startswith(("refuse", "fail")) for script in never for step in script.steps
    )


def test_a_subject_of_one_mode_is_walked_on_as_well():
    """What a subject is not capable of is not drawn, and it connects all the same."""
    cases = drawn(Limited("manual", "login", "background", "ping"), (), 0, 60)

    assert {case.script.mode for case in cases} == {Mode.MANUAL}
    assert sum(case.connected for case in cases) > 50

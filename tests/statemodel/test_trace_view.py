"""A trace is replayed once and sorted: rules find what concerns them without going through all of it."""

from __future__ import annotations

import gc

import pytest

from statemodel.trace_rules import View, judge
from statemodel.traces import Called, FrameSeen, PingSent, Returned, StatusSeen, Stored
from tests.statemodel.trace_building import MANUAL_UP, trace

PINGS = (
    "2: call 2 ping; ping 1 1 2", "2: call 3 ping; ping 1 2 3", "3: frame 1 2; ret 3", "9: cancel 2",
)  # fmt: skip


@pytest.fixture
def view():
    """Return a trace with two pings that wait at the same time, replayed."""
    return View(trace("manual", *MANUAL_UP, *PINGS))


def test_a_kind_of_entry_is_found_at_its_moments(view):
    """P1: what `of` finds is all that there is of a kind, in order, each with its moment."""
    for kind in (Called, PingSent, Returned, StatusSeen):
        there = [(moment, moment.entry) for moment in view.moments if type(moment.entry) is kind]

        assert list(view.of(kind)) == there
        assert there
    assert list(view.of(Stored)) == []


def test_a_step_is_found_by_what_began_it(view):
    """P4: what `begun_by` finds are the steps with such an input, and no other."""
    assert [(step.time, frame.pong) for step, frame in view.begun_by(FrameSeen)] == [(3.0, 2)]
    assert [step for step, _ in view.begun_by(Called)] == [
        step for step in view.steps if isinstance(step.cause, Called)
    ]


def test_time_passes_before_the_first_moment_of_a_later_step_only(view):
    """P2: nothing is overdue that was not so before, save where time has passed."""
    times = [moment.time for moment in view.passing]

    assert times == sorted({moment.time for moment in view.moments} - {0.0})
    assert all(moment is moment.step.moments[0] for moment in view.passing)


def test_each_call_has_its_own_end(view):
    """C4: of calls that wait at once, each ends where its number says."""
    ends = {
        call.called.command: None if call.end is None else (call.end.time, call.returned)
        for call in view.calls_of("ping")
    }

    assert ends[2] == (9.0, None)
    assert ends[3][0] == 3.0
    assert ends[3][1].code is None
    assert not any(call.at_once for call in view.calls_of("ping"))


def test_what_comes_before_a_call_does_not_end_it():
    """C4: an end with its number that came before it is not its own."""
    (call,) = View(trace("manual", "0: ret 1", "1: call 1 ping", "2: ret 1")).calls

    assert call.end is not None
    assert call.end.time == 2.0


def test_what_many_rules_ask_is_looked_for_once(view):
    """Each view looks once for itself, and gives everybody the same."""
    looks = []

    def look(seen):
        looks.append(seen)
        return len(looks)

    other = View(view.trace)

    assert [view.once(look), view.once(look), other.once(look), other.once(look)] == [1, 1, 2, 2]
    assert looks == [view, other]


def test_what_is_known_before_a_moment_stays_as_it_was(view):
    """P2: an entry changes what is known after it, and nothing of what was known before."""
    sent = [moment for moment, _ in view.of(PingSent)]

    assert [sorted(moment.before.pings) for moment in sent] == [[], [1]]
    assert [sorted(moment.after.pings) for moment in sent] == [[1], [1, 2]]
    assert sent[0].before.time == 2.0
    assert not sent[0].before.pings


def test_what_was_judged_is_forgotten_at_once():
    """A long test judges a great many traces: none of them is left for the collector of garbage."""
    told = trace("manual", *MANUAL_UP, *PINGS)
    gc.collect()
    gc.disable()
    try:
        judge(told)

        assert gc.collect() == 0
    finally:
        gc.enable()

"""What many waits tell: a hundred losses, and where the spread of the waits is not B1's."""

from __future__ import annotations

import pytest

from statemodel._policy import backoff
from statemodel.conformance import MachineSubject, conformance_suite, replay
from statemodel.conformance import _suite as suite
from statemodel.conformance._subject import CAPABILITIES
from tests.conformance.subjects import Hasty

MANY = tuple(suite.many_waits(frozenset(CAPABILITIES)))


def with_backoff(monkeypatch, wait):
    """Let machines wait otherwise."""
    monkeypatch.setattr("statemodel._core.backoff", wait)


def verdicts(scripts=MANY):
    """Return the rules that a machine breaks in many waits."""
    found = [replay(MachineSubject(), script).failures for script in scripts]
    return {failure.rule for failures in found for failure in failures}


def test_a_hundred_losses_are_played_in_both_modes():
    """Two scripts for each mode, one of a hundred losses."""
    assert [script.mode.value for script in MANY] == ["auto", "auto", "manual", "manual"] or [
        script.mode.value for script in MANY
    ] == ["manual", "manual", "auto", "auto"]
    assert sum(step.what == "drop" for step in MANY[0].steps) == 100


def test_the_machine_waits_as_it_should():
    """B1, B2, B3: waits spread from 0 to the longest are right."""
    assert verdicts() == set()


@pytest.mark.parametrize(
    ("wait", "rules"),
    [
        (lambda n, draw, timings: backoff(n, 0.75, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, 0.5 + draw / 2, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, draw / 3, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, draw if n > 1 else 0.5, timings), {"B3"}),
        (lambda n, draw, timings: backoff(1, draw, timings), {"B2"}),
    ],
    ids=["never drawn", "upper half", "lower third", "first not drawn", "forgotten early"],
)
def test_waits_of_another_kind_are_found(monkeypatch, wait, rules):
    """B1, B2, B3: no jitter, a part of the range only, no jitter at first, a count that is reset."""
    with_backoff(monkeypatch, wait)

    assert verdicts() == rules


def test_another_distribution_is_as_good(monkeypatch):
    """B1 bounds the waits; drawn from the other end, or as a square, they are right as well."""
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(n, (1 - draw) ** 2, timings))

    assert verdicts() == set()


def test_waits_are_not_judged_where_nothing_was_drawn(monkeypatch):
    """A script without random numbers of its own says nothing of the spread."""
    from dataclasses import replace

    with_backoff(monkeypatch, lambda n, draw, timings: backoff(n, 0.75, timings))
    plain = [
        replace(script, steps=tuple(replace(step, draw=0.5) for step in script.steps))
        for script in MANY
    ]

    assert verdicts(plain) == set()


def test_the_suite_names_the_early_reset(monkeypatch):
    """B2: found by the suite, with a script that is cut where enough has been seen."""
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(1, draw, timings))
    failure = conformance_suite(MachineSubject()).failures[0]

    assert failure.rule == "B2"
    assert len(failure.script.steps) < 150
    assert "though up to 30 was due" in failure.message
    assert len(failure.text().splitlines()) < len(failure.script.steps) + 80


def test_a_short_window_is_no_matter_of_waits():
    """Another fault leaves the waits alone."""
    assert not any(replay(Hasty(), script).failures for script in MANY)

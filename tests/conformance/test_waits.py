"""What many waits tell: losses by the hundred, and where the spread of the waits is not B1's."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from statemodel import Mode, Timings
from statemodel._policy import backoff
from statemodel.conformance import MachineSubject, conformance_suite, replay
from statemodel.conformance import _suite as suite
from statemodel.conformance._subject import CAPABILITIES
from statemodel.conformance._waits import _not_uniform
from tests.conformance.subjects import LONG, Hasty

MANY = tuple(suite.many_waits(frozenset(CAPABILITIES)))
MANUAL = [script for script in MANY if script.mode is Mode.MANUAL]


def with_backoff(monkeypatch, wait):
    """Let machines wait otherwise."""
    monkeypatch.setattr("statemodel._core.backoff", wait)


def verdicts(scripts=MANUAL):
    """Return the rules that a machine breaks in many waits."""
    found = [replay(MachineSubject(), script).failures for script in scripts]
    return {failure.rule for failures in found for failure in failures}


def test_many_losses_are_played_in_both_modes():
    """As many scripts of each mode, one of them with a hundred losses."""
    modes = [script.mode.value for script in MANY]

    assert modes.count("auto") == modes.count("manual") > 0
    assert max(sum(step.what == "fail" for step in script.steps) for script in MANY) == 100


def test_the_machine_waits_as_it_should():
    """B1, B2, B3: waits spread from 0 to the longest are right."""
    assert verdicts() == set()


CAPPED = Timings().backoff_cap


@pytest.mark.parametrize(
    ("wait", "rules"),
    [
        (lambda n, draw, timings: backoff(n, 0.75, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, 0.5 + draw / 2, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, 0.25 + draw * 0.75, timings), {"B1"}),
        (lambda n, draw, timings: backoff(n, draw / 3, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, draw**4, timings), {"B1", "B3"}),
        (lambda n, draw, timings: backoff(n, int(draw * 4) / 4, timings), {"B1", "B3"}),
        (lambda n, draw, timings: 0.0, {"B1", "B3", "B4"}),
        (lambda n, draw, timings: backoff(n, draw if n > 1 else 0.5, timings), {"B3"}),
        (lambda n, draw, timings: min(CAPPED, draw * 2.0 ** (n - 1)), {"B1"}),
        (lambda n, draw, timings: min(CAPPED, draw * 2.0 ** (n - 1)) if n < 40 else 15, {"B1"}),
        (lambda n, draw, timings: backoff(1, draw, timings), {"B2"}),
    ],
    ids=[
        "never drawn", "upper half", "upper three quarters", "lower third", "skewed", "four values",
        "never waiting", "first not drawn", "capped after the draw", "not drawn in the end", "forgotten early",
    ],
)  # fmt: skip
def test_waits_of_another_kind_are_found(monkeypatch, wait, rules):
    """B1, B2, B3: waits that are not drawn, from a part of the range only, or from a count that is reset."""
    with_backoff(monkeypatch, wait)

    assert verdicts() == rules


def test_where_the_draw_comes_from_is_free(monkeypatch):
    """B1: drawn from the other end, waits are right as well."""
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(n, 1 - draw, timings))

    assert verdicts() == set()


@pytest.mark.parametrize("seed", range(3))
def test_any_even_draw_is_right(monkeypatch, seed):
    """B1, B2, B3, B4: of a subject that draws its own numbers nothing is said."""
    chance = random.Random(seed)
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(n, chance.random(), timings))

    assert verdicts(MANY if LONG else MANUAL) == set()


@pytest.mark.parametrize("every", [2, 3, 5, 8, 13, 17, 34, 89])
def test_numbers_that_are_used_for_something_else_do_no_harm(every):
    """B1: also every n-th of the numbers that a subject is given is spread evenly."""
    longest = max(MANUAL, key=lambda script: len(script.steps))
    given = [step.draw for step in longest.steps]
    draws = [given[at * every % len(given)] for at in range(100)]

    assert len(set(draws)) > 90
    assert [*_not_uniform(draws)] == [*_not_uniform(draws[:40])] == []


def test_the_questions_are_wrong_as_seldom_as_they_say(monkeypatch):
    """B1: asked less strictly, even draws are found wrong no more often than the chance allowed."""
    monkeypatch.setattr("statemodel.conformance._waits.CHANCE", 0.01)
    chance = random.Random(0)
    wrong = [
        any(_not_uniform([chance.random() for _ in range(count)]))
        for count in (14, 40, 100)
        for _ in range(1000)
    ]

    assert 0 < sum(wrong) < 3 * 0.01 * len(wrong)  # three questions, the ends being two


def test_waits_are_not_judged_where_nothing_was_drawn(monkeypatch):
    """A script without random numbers of its own says nothing of the spread."""
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(n, 0.75, timings))
    plain = [
        replace(script, steps=tuple(replace(step, draw=0.5) for step in script.steps))
        for script in MANUAL
    ]

    assert verdicts(plain) == set()


def test_the_suite_names_the_early_reset(monkeypatch):
    """B2: found by the suite, with a script that is cut where enough has been seen."""
    with_backoff(monkeypatch, lambda n, draw, timings: backoff(1, draw, timings))
    failure = conformance_suite(MachineSubject()).failures[0]

    assert failure.rule == "B2"
    assert len(failure.script.steps) < 150
    assert "though up to 30 s was allowed" in failure.message
    assert len(failure.text().splitlines()) < 60


def test_a_short_window_is_no_matter_of_waits():
    """Another fault leaves the waits alone."""
    assert not any(replay(Hasty(), script).failures for script in MANUAL)

"""Where the run of a failure leads: there, by the shortest way, and what no run reaches."""

from __future__ import annotations

from dataclasses import replace

import pytest

from statemodel import (
    RULES,
    verify,
)
from statemodel._connection_table import TABLE
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.checking import Kind
from statemodel.rules import (
    ConfigurationCheck,
    Model,
    Obstacle,
)
from statemodel.scripts import play
from statemodel.trace_rules import judge
from tests.statemodel.injections import INJECTIONS
from tests.statemodel.injections.injection import Injection
from tests.statemodel.own_rules import (
    on_configurations,
    on_progress,
    on_rows,
    only_failure,
    own_rule,
)
from tests.statemodel.table_editing import at


@pytest.mark.parametrize(
    ("states", "text"),
    [
        ("foreground", "open auto\n"),
        ("background", "open auto background\n"),
        ("refreshing", "open auto\nrestored\npeer refuse_401\n"),
        ("manual connecting", "open manual\nrestored\nconnect\n"),
        ("held_off", "open auto\nrestored\npeer refuse_503_after_8\nconnect\n"),
        (
            "window throttled",
            "open manual background\nrestored\nconnect\npeer accept\npeer throttle\n",
        ),
    ],
)
def test_the_run_to_a_configuration_is_the_shortest(states: str, text: str) -> None:
    """A failure shows how a user gets there, with no step too many, and playing it ends there."""
    wanted = set(states.split())
    failure = only_failure(on_configurations(lambda here: not here.has(*wanted)))

    assert failure.run is not None
    assert failure.run.text() == text
    world = World.of(failure.run)
    world.play_all(failure.run)
    assert world.machine.configuration >= wanted


@pytest.mark.parametrize(
    ("event", "states", "text"),
    [
        ("ping", "down", "open auto\nping\n"),
        ("dial_due", "connecting", "open auto\nrestored\nwait 10\n"),
        ("credentials_denied", "renewed", "open auto\nrestored\npeer refuse_401\nauthenticator refreshed\npeer refuse_401\n"),
    ],
)  # fmt: skip
def test_the_run_to_a_row_ends_with_it(event: str, states: str, text: str) -> None:
    """The last step of a row's run takes that row."""
    wanted = set(states.split())

    def holds(move):
        return not (move.event == event and move.before.has(*wanted))

    failure = only_failure(on_rows(holds))

    assert failure.run is not None
    assert failure.run.text() == text
    world = World.of(failure.run)
    world.play_all(failure.run)
    assert any(
        taken == event and TABLE.active[here] >= wanted for here, taken, _ in world.machine.rows
    )


def test_the_run_to_an_obstacle_ends_at_it() -> None:
    """Where progress is not made, the run leads."""
    failure = only_failure(
        on_progress(
            lambda model: [Obstacle(h, "stuck") for h in model.situations if h.has("failed")]
        )
    )

    assert failure.message.startswith("stuck: ")
    assert failure.run is not None
    assert failure.run.text() == "open auto\nrestored\npeer refuse_1008\n"


def test_a_broken_trace_replays_and_has_no_step_too_many() -> None:
    """M5: a failure of runs is replayed with the same finding, and each of its steps is needed."""
    broken = at("grace_due", "window connected").ignored()(TABLE)
    report = verify(broken, rules=[RULES["M5"]])
    (failure,) = [f for f in report.failures if f.kind is Kind.TRACE]

    assert failure.run is not None
    assert any(found.rule == "M5" for found in judge(play(failure.run, broken)))
    steps = failure.run.steps
    for left_out in range(len(steps)):
        shorter = replace(failure.run, steps=(*steps[:left_out], *steps[left_out + 1 :]))
        assert not any(found.rule == "M5" for found in judge(play(shorter, broken)))


def test_a_place_that_no_run_reaches_has_none() -> None:
    """H4: what the times of the default settings do not allow is a failure without a run."""
    never = set(Runs(TABLE).never())
    assert never

    def holds(move):
        return (move.before.index, move.event, move.embargoed) not in never

    failure = only_failure(on_rows(holds))

    assert failure.violations == len(never)
    assert failure.run is None


@pytest.mark.parametrize(
    "injection",
    [one for one in INJECTIONS if one.rule in {"M3", "M4", "C6", "K1", "B1", "H5"}],
    ids=str,
)
def test_the_run_on_a_broken_chart_ends_where_it_is_broken(injection: Injection) -> None:
    """M3, M4, C6, K1, B1, H5: the last step of the run comes to a violation."""
    table, check = injection.edit(TABLE), injection.check()
    (failure,) = verify(table, rules=[own_rule(check)], runs=False).failures
    model = Model(table)

    assert failure.run is not None
    world = World.of(failure.run, table=table)
    world.play_all(failure.run)
    if isinstance(check, ConfigurationCheck):
        assert check.holds(model.situations[world.machine.at]) is False
    else:
        broken = {(m.before.index, m.event) for m in model.moves if check.holds(m) is False}
        assert broken & {(here, event) for here, event, _ in world.machine.rows}

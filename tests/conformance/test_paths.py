"""Runs as data: valid scripts that do what they are written for."""

from __future__ import annotations

import json

import pytest

from statemodel._connection_table import TABLE
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.commands import main
from statemodel.scripts import Script


def paths(capsys, *arguments):
    """Run `statemodel paths`; return what it writes, and the scripts."""
    assert main(["paths", *arguments]) == 0
    data = json.loads(capsys.readouterr().out)
    return data, [Script.parse(text) for text in data["scripts"]]


def visited(scripts):
    """Return the configurations in which a machine is after some step of these scripts."""
    seen = set()
    for script in scripts:
        world = World.of(script, traced=False)
        seen.add(world.machine.at)
        for step in script.steps:
            world.play(step)
            seen.add(world.machine.at)
    return seen


def test_covering_transitions_is_what_the_kit_plays(capsys):
    """The covering runs of the table, as scripts that can be read again."""
    data, scripts = paths(capsys, "--cover", "transitions")

    assert tuple(scripts) == Runs(TABLE).covering()
    assert data["steps"] == sum(len(script.steps) for script in scripts)
    assert data["chart"] == "ConnectionChart"


def test_covering_states_comes_to_every_configuration(capsys):
    """Every configuration that can be reached in time is come to, with few steps."""
    data, scripts = paths(capsys, "--cover", "states")
    runs = Runs(TABLE)
    reachable = {i for i in range(len(TABLE.configurations)) if runs.to(i) is not None}

    assert visited(scripts) >= reachable
    assert data["steps"] < 3 * len(reachable)


@pytest.mark.parametrize(
    "words", [["connected"], ["manual", "background", "connected"], ["saving", "offline"]]
)
def test_the_shortest_run_ends_where_it_should(capsys, words):
    """The last step, and no step before it, comes to a configuration with these states."""
    _, [script] = paths(capsys, "--to", *words)
    world = World.of(script, traced=False)
    there = [set(words) <= set(world.machine.configuration)]
    for step in script.steps:
        world.play(step)
        there.append(set(words) <= set(world.machine.configuration))

    assert there[-1]
    assert not any(there[:-1])


@pytest.mark.parametrize(
    ("words", "message"),
    [(["flying"], "no state 'flying'"), (["auto", "manual"], "no run comes to a configuration")],
)
def test_nowhere_is_refused(capsys, words, message):
    """A state that does not exist, or a pair that never is, is exit code 2."""
    assert main(["paths", "--to", *words]) == 2
    assert message in capsys.readouterr().err

"""The machine in the page is the machine: both get the same histories, and everything is compared."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from statemachine import State

from statemodel import ConnectionChart, extend
from statemodel._connection_table import TABLE
from statemodel.explorer._data import explorer_data
from statemodel.explorer._reading import Reading
from tests.statemodel.explorer import walking

HERE = Path(__file__).parent
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed")


class Battery(State.Compound, name="battery"):
    """A region of a user's own, with an event, an effect and a guard."""

    charged = State(initial=True)
    low = State(enter="warn")

    drained = charged.to(low)
    charger_plugged = low.to(charged, cond="foreground")


WITH_BATTERY = extend(ConnectionChart, Battery, custom_effects=["warn"])


def _replay(file: Path, content: dict[str, Any]) -> dict[str, int]:
    file.write_text(json.dumps(content), "utf-8")
    done = subprocess.run(
        ["node", HERE / "replay.mjs", file],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    return json.loads(done.stdout)


def test_inputs_of_every_kind_have_the_same_effects(tmp_path):
    """Any input at any time: same effects, errors, deadlines, numbers and answers, to the last bit."""
    content = {
        "data": walking.our_data(),
        "machines": [
            walking.crowded_walk(),
            *(walking.machine_walk(seed, 40) for seed in range(300)),
        ],
        "worlds": [],
    }
    crowded = content["machines"][0]["steps"]

    assert _replay(tmp_path / "walks.json", content) == {"inputs": 12000 + len(crowded), "steps": 0}
    ended = [effect["command"] for effect in crowded[-1]["expected"]["effects"]]
    assert ended == [2, 11, 12, *range(3, 11)]
    outs = [step["expected"] for walk in content["machines"] for step in walk["steps"]]
    assert len({effect["type"] for out in outs for effect in out["effects"] or ()}) >= 13
    assert any(out["error"] for out in outs)


def test_scripts_play_the_same(tmp_path):
    """A script's steps lead to the same world: times, calls, possible answers, rows, effects."""
    content = {
        "data": walking.our_data(),
        "machines": [],
        "worlds": [walking.world_walk(seed, 50, TABLE) for seed in range(200)],
    }

    assert _replay(tmp_path / "walks.json", content) == {"inputs": 0, "steps": 10000}
    assert _events(content) == set(TABLE.events)


def test_scripts_play_the_same_on_a_chart_of_a_users_own(tmp_path):
    """The same with one more region, whose events and effects are custom ones."""
    reading = Reading(WITH_BATTERY)
    content = {
        "data": explorer_data(reading, "somewhere:WithBattery"),
        "machines": [],
        "worlds": [walking.world_walk(seed, 50, reading.compiled) for seed in range(40)],
    }

    assert _replay(tmp_path / "walks.json", content) == {"inputs": 0, "steps": 2000}
    assert {"drained", "charger_plugged"} <= _events(content)


def _events(content: dict[str, Any]) -> set[str]:
    """Return the events of the rows that the walks took."""
    outs = [step["expected"] for walk in content["worlds"] for step in walk["steps"]]
    return {event for out in outs for _, event, _ in out["rows"]}

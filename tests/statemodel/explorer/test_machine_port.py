"""The machine in the page is the machine: both get the same histories, and everything is compared."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from statemachine import State

from statemodel import ConnectionChart, compile_chart, extend
from statemodel.explorer._data import explorer_data
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
        "data": explorer_data(ConnectionChart, "statemodel:ConnectionChart"),
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


@pytest.mark.parametrize("chart", [ConnectionChart, WITH_BATTERY], ids=["ours", "extended"])
def test_scripts_play_the_same(tmp_path, chart):
    """A script's steps lead to the same world: times, calls, possible answers, rows, effects."""
    table = compile_chart(chart)
    seeds = range(200 if chart is ConnectionChart else 40)
    content = {
        "data": explorer_data(chart, f"somewhere:{chart.__name__}"),
        "machines": [],
        "worlds": [walking.world_walk(seed, 50, table) for seed in seeds],
    }

    assert _replay(tmp_path / "walks.json", content) == {"inputs": 0, "steps": 50 * len(seeds)}
    outs = [step["expected"] for walk in content["worlds"] for step in walk["steps"]]
    rows = {tuple(row) for out in outs for row in out["rows"]}
    wanted = table.events if chart is ConnectionChart else ("drained", "charger_plugged")
    assert set(wanted) <= {event for _, event, _ in rows}

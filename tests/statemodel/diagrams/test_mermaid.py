"""The real Mermaid reads our diagrams, and sees what the chart says."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from statemodel import ConnectionChart
from statemodel.diagrams import ChartModel, RegionModel, at, read_chart, render
from statemodel.diagrams._labels import identifiers, move_label, state_label, state_title
from statemodel.diagrams._mermaid import _RESERVED
from tests.statemodel.diagrams.charts import Lamp, Room, hostile

HERE = Path(__file__).parent / "mermaid"
MODELS = [read_chart(chart) for chart in (ConnectionChart, Lamp, Room, hostile())]


@pytest.fixture(scope="module")
def parsed() -> dict[str, Any]:
    """Return what Mermaid makes of each text: it starts slowly, so once for all."""
    if shutil.which("node") is None or not (HERE / "node_modules" / "mermaid").is_dir():
        reason = f"needs node, and npm install --no-package-lock in {HERE}"
        if os.environ.get("STATEMODEL_NODE"):
            pytest.fail(reason)
        pytest.skip(reason)
    texts = [render(model) for model in MODELS]
    texts += [render(model, region=r.name) for model in MODELS for r in model.regions]
    texts += [_marked(), "stateDiagram-v2\n  a --> : --> {"]
    done = subprocess.run(
        ["node", str(HERE / "parse.mjs")],
        input=json.dumps(texts),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(texts, json.loads(done.stdout), strict=True))


def _marked() -> str:
    return render(MODELS[0], at=at(MODELS[0], "connected", "manual"))


def _relations(model: ChartModel, region: RegionModel) -> list[list[str]]:
    words = identifiers(model, _RESERVED)
    return [
        [words[move.source], words[move.target], " ".join(move_label(move))]
        for move in region.transitions
        if move.target is not None
    ]


def _without_starts(found: dict[str, Any]) -> list[list[str]]:
    return [one for one in found["relations"] if not one[0].endswith("_start")]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_mermaid_sees_every_transition(parsed: dict[str, Any], model: ChartModel) -> None:
    """In each region's diagram and in the whole one are the chart's transitions, word for word."""
    for region in model.regions:
        found = parsed[render(model, region=region.name)]

        assert _without_starts(found) == _relations(model, region)
    whole = [line for region in model.regions for line in _relations(model, region)]
    assert _without_starts(parsed[render(model)]) == whole


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_mermaid_sees_every_state_where_it_is(parsed: dict[str, Any], model: ChartModel) -> None:
    """A state has its name and words, and a nested one its parent."""
    words = identifiers(model, _RESERVED)
    for region in model.regions:
        named = {
            name: (parent, lines[0])
            for name, parent, lines in reversed(parsed[render(model, region=region.name)]["states"])
            if lines
        }

        assert named == {
            words[s.name]: (None if s.parent is None else words[s.parent], state_title(s))
            for s in region.states
        }


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_what_a_compound_state_does_is_a_note(parsed: dict[str, Any], model: ChartModel) -> None:
    """Entry, exit and transitions that stay, of states with states in them, whole."""
    words = identifiers(model, _RESERVED)
    for region in model.regions:
        notes = parsed[render(model, region=region.name)]["notes"]

        assert [[name, [line.strip() for line in text.splitlines()]] for name, text in notes] == [
            [words[state.name], list(state_label(region, state))]
            for state in region.states
            if state.children and state_label(region, state)
        ]


def test_a_marked_diagram_is_read_as_well(parsed: dict[str, Any]) -> None:
    """Classes for the states of a configuration are the language's own."""
    found = parsed[_marked()]

    assert "error" not in found
    assert set(found["others"]) == {"classDef", "applyClass"}


def test_what_is_wrong_is_noticed(parsed: dict[str, Any]) -> None:
    """The checks above can fail: a text that is no diagram is an error."""
    assert "error" in parsed["stateDiagram-v2\n  a --> : --> {"]

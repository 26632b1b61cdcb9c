"""The model of a chart: what is declared, with the rule numbers beside it."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from statemodel import RULES, ConnectionChart, InvalidChart, Timings, extend
from statemodel._connection_table import TABLE
from statemodel._declaration import Declaration
from statemodel.diagrams import ChartModel, TransitionModel, read_chart
from tests.statemodel.diagrams.charts import HOSTILE, Fan, Lamp, hostile


@pytest.fixture(scope="module")
def ours() -> ChartModel:
    """Return the model of our own chart."""
    return read_chart(ConnectionChart)


def _moves(model: ChartModel, region: str) -> list[TransitionModel]:
    return list(model.region(region).transitions)


def test_the_model_has_all_that_the_chart_declares(ours: ChartModel) -> None:
    """Every region, state, transition, event, timer and line is in the model, and nothing else."""
    declared = Declaration(ConnectionChart)

    assert [region.name for region in ours.regions] == [name for name, _ in TABLE.regions]
    assert list(ours.states) == declared.order
    assert len(ours.transitions) == len(declared.transitions)
    assert [event.name for event in ours.events] == list(TABLE.events)
    assert [timer.name for timer in ours.timers] == list(TABLE.timers)
    for lines in ("refusals", "heard", "outcomes", "statuses", "reasons", "dead_ends"):
        assert len(getattr(ours, lines)) == len(getattr(ConnectionChart, lines))


def test_every_region_of_ours_has_a_meaning(ours: ChartModel) -> None:
    """The table at the top of the chart's module says what each region remembers."""
    assert [region.name for region in ours.regions if not region.meaning] == []
    assert ours.region("throttle").meaning == "has the server switched features off"


def test_rule_numbers_come_from_the_nearest_comment(ours: ChartModel) -> None:
    """M4, B5, K4, C3: the line's own comment, its part of it, the statement's, or the block above."""
    by_line = {(t.source, t.target, t.events): t.note.rules for t in ours.transitions.values()}

    assert by_line["window", "window", ("ping",)] == ("M4",)
    assert by_line["backing_off", "down", ("connect",)] == ("C3",)
    assert by_line["connected", None, ("connect",)] == ("C1",)
    assert by_line["closing", "down", ("credentials_denied",)] == ("K4",)
    assert by_line["socket", "failed", ("credentials_denied",)] == ("B5",)
    assert by_line["saving", "logged_in", ("save_succeeded",)] == ("S1",)
    assert by_line["logged_out", None, ("logout",)] == ("S5", "K3")
    assert ours.refusals[5].note.rules == ("M10",)
    assert ours.dead_ends[0].note.rules == ("O4", "B5")


def test_every_rule_number_of_ours_is_a_rule(ours: ChartModel) -> None:
    """What the comments name is in the rulebook."""
    assert [rule for rule in ours.rules if rule not in RULES] == []
    assert len(ours.rules) > 50


def test_places_are_lines_of_the_source(ours: ChartModel) -> None:
    """A place names the line on which its transition begins."""
    lines = (
        Path(importlib.util.find_spec("statemodel._chart").origin).read_text("utf-8").split("\n")
    )  # type: ignore[union-attr, arg-type]
    for move in ours.transitions.values():
        file, _, line = move.note.place.partition(":")

        assert file == "_chart.py"
        assert f"{move.source}.to(" in lines[int(line) - 1]


def test_timers_know_owner_and_settings(ours: ChartModel) -> None:
    """G3: each timer has the state that owns it, and settings that there are."""
    timers = {timer.name: timer for timer in ours.timers}

    assert timers["grace"].states == ("window",)
    assert timers["retry"].settings == ("backoff_base", "backoff_cap")
    assert all(hasattr(Timings(), name) for timer in ours.timers for name in timer.settings)
    assert ours.states["connected"].timers == ("stable",)


def test_a_users_chart_is_read_as_well() -> None:
    """Comments before, beside and within a statement; docstrings of a region and of the chart."""
    model = read_chart(Lamp)
    light = _moves(model, "light")

    assert model.summary == "A lamp, for reading."
    assert [region.meaning for region in model.regions] == ["shines or not", "Is there power?"]
    assert model.region("light").note.rules == ("L1",)
    assert [s.note.rules for s in model.region("light").states] == [(), ("L2",), ("L2", "L3")]
    assert [t.note.rules for t in light] == [
        ("L5",), ("L6",), ("L4",), ("L8",), ("L7",), ("L9",), (), (),
    ]  # fmt: skip
    assert [t.chain for t in light] == [1, 1, 2, 3, 3, 3, 4, 5]
    assert light[-2].guard == "not powered"
    assert light[-2].actions == ("clear", "save")
    assert light[-1].guard == "not powered"
    assert [line.note.rules for line in model.refusals] == [("L10",), ()]
    assert [line.note.rules for line in model.outcomes] == [("L11",), ("L11",)]


def test_an_extended_chart_keeps_what_was_known_and_has_the_region(ours: ChartModel) -> None:
    """The old regions and lines are as they were, and the new one has its own comments."""
    model = read_chart(extend(Lamp, Fan, custom_effects=["whirr"]))
    plain = read_chart(Lamp)

    assert model.regions[:2] == plain.regions
    assert (model.refusals, model.outcomes) == (plain.refusals, plain.outcomes)
    fan = model.region("fan")
    assert (fan.name, fan.meaning) == ("fan", "Turns the air.")
    assert [s.note.rules for s in fan.states] == [(), ("F1",)]
    assert [t.note.rules for t in fan.transitions] == [("F2",), ("F3",)]
    assert model.states["turning"].enter == ("whirr",)


def test_a_chart_without_source_is_read_without_comments() -> None:
    """A chart made in `exec` has no notes, and is read all the same."""
    space: dict[str, type] = {}
    exec(
        "from statemachine import State, StateChart\n"
        "class Bare(StateChart):\n"
        "    catch_errors_as_events = False\n"
        "    class root(State.Parallel):\n"
        "        class light(State.Compound):\n"
        "            dark = State(initial=True)\n"
        "            bright = State()\n"
        "            press = dark.to(bright) | bright.to(dark)  # L1\n",
        space,
    )
    model = read_chart(space["Bare"])

    assert [(t.source, t.note.rules) for t in _moves(model, "light")] == [
        ("dark", ()), ("bright", ()),
    ]  # fmt: skip
    assert model.rules == ()


def test_words_are_kept_as_they_are_written() -> None:
    """The model escapes nothing: that is for whoever writes a format."""
    model = read_chart(hostile())

    assert model.states["first"].title == HOSTILE
    assert {t.actions for t in model.transitions.values() if t.events == ("go",)} == {(HOSTILE,)}
    assert model.summary == HOSTILE


@pytest.mark.parametrize("wrong", [None, "Lamp", int, object()])
def test_what_is_no_chart_is_refused(wrong: object) -> None:
    """Anything but a chart's class raises `InvalidChart`."""
    with pytest.raises(InvalidChart):
        read_chart(wrong)  # type: ignore[arg-type]


def test_an_unknown_region_is_named() -> None:
    """Asking for a region that is not there says which there are."""
    with pytest.raises(LookupError, match="no region 'lihgt'; there are light, power"):
        read_chart(Lamp).region("lihgt")

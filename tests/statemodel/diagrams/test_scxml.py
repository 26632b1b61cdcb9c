"""The SCXML document does what the table says, when another loader and engine run it."""

from __future__ import annotations

import contextlib
import io
import os
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from statemachine import State, StateChart
from statemachine.io import load
from statemachine.orderedset import OrderedSet

from statemodel import ConnectionChart, Disposition, Table, compile_chart, extend
from statemodel._connection_table import TABLE
from statemodel.diagrams import ChartModel, read_chart
from statemodel.diagrams._labels import identifiers
from statemodel.diagrams._scxml import _RESERVED, scxml_text
from tests.statemodel.diagrams.charts import HOSTILE, Fan, Lamp, Room, hostile

LONG = os.environ.get("HYPOTHESIS_PROFILE") == "long"


class _Loaded:
    """A document run by python-statemachine's own loader."""

    def __init__(self, model: ChartModel) -> None:
        self.model = model
        self.words = identifiers(model, _RESERVED)
        self.names = {word: name for name, word in self.words.items()}
        self.chart = load(scxml_text(model), format="scxml")()
        self.always = [model.root, *(region.name for region in model.regions)]

    def step(self, states: tuple[str, ...], event: str, *, embargoed: bool) -> tuple[Any, ...]:
        """Return the states after an event, and what the document said on the way."""
        wanted = {self.words[name] for name in (*self.always, *states)}
        values = [state.value for state in self._all(self.chart.states) if state.id in wanted]
        self.chart.current_state_value = OrderedSet(values)
        if self.model.questions:
            self.chart.model.embargoed = embargoed
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            self.chart.send(event)
        active = {self.names[state.id] for state in self.chart.configuration}
        after = tuple(name for name in self.model.states if name in active)
        return after, said.getvalue().splitlines()

    def _all(self, states: Any) -> Any:
        for state in states:
            yield state
            yield from self._all(state.states)


def _assert_agrees(chart: type, table: Table, *, each: int = 1) -> None:
    loaded = _Loaded(read_chart(chart))
    for at, event, embargoed, row in list(table.rows())[::each]:
        states, said = loaded.step(table.configurations[at], event, embargoed=embargoed)

        assert states == table.configurations[row.target], (at, event, embargoed)
        if row.disposition is Disposition.REFUSED:
            assert row.code is not None
            assert said == [f"refused: {row.code.value!r}"]
        else:
            assert said == [f"effect: {action!r}" for action in row.step.actions], (at, event)


def test_the_document_agrees_with_the_table() -> None:
    """A configuration under an event: the same states, effects in order, and refusals.

    On every row in the long profile; else on every seventh, so that every event and every
    configuration comes several times.
    """
    _assert_agrees(ConnectionChart, TABLE, each=1 if LONG else 7)


def test_an_added_region_is_in_the_document() -> None:
    """An extended chart agrees with its table as well, custom effects included."""
    chart = extend(Lamp, Fan, custom_effects=["whirr"])

    _assert_agrees(chart, compile_chart(chart))


def test_a_transition_inside_its_state_neither_leaves_nor_enters_it() -> None:
    """An internal transition has its own effects only; another into the same state has all."""
    table = compile_chart(Room)
    standing = table.active.index(frozenset({"inside", "standing"}))

    assert table.row(standing, "sit").step.actions == ("knock",)
    assert table.row(standing, "stand").step.actions == ("part", "knock", "greet")
    _assert_agrees(Room, table)


def test_hostile_names_stay_words() -> None:
    """Titles, guards and actions with markup in them load, run and are said as they are."""
    chart = hostile()
    text = scxml_text(read_chart(chart))

    assert {element.tag.partition("}")[2] for element in ET.fromstring(text).iter()} == {
        "scxml", "parallel", "state", "transition", "onentry", "log",
    }  # fmt: skip
    states, said = _Loaded(read_chart(chart)).step(("second",), "end", embargoed=False)
    assert (states, said) == (("second",), ["refused: 'ERR_CLOSED'"])
    chart.refusals = ()  # type: ignore[attr-defined]
    chart.heard = ()  # type: ignore[attr-defined]
    states, said = _Loaded(read_chart(chart)).step(("first",), "go", embargoed=False)
    assert (states, said) == (("second",), [f"effect: {HOSTILE!r}"])


@pytest.mark.parametrize("name", ["true", "null", "End"])
def test_words_of_a_loader_are_no_states(name: str) -> None:
    """A state may be called as the loader calls a value."""

    body: dict[str, Any] = {"first": State(initial=True), name: State()}
    body["go"] = body["first"].to(body[name], cond=f"not {name}")
    body["back"] = body[name].to(body["first"], cond=name)
    region = type(State.Compound)("Region", (State.Compound,), body)
    root = type(State.Parallel)("root", (State.Parallel,), {"region": region})
    chart = type(StateChart)(
        "Odd", (StateChart,), {"catch_errors_as_events": False, "root": root, "__module__": "x"}
    )

    _assert_agrees(chart, compile_chart(chart))

"""Charts whose source or words are odd: they compile with the lines that can be found, or not."""

from __future__ import annotations

import importlib
import linecache
import sys
from pathlib import Path

import pytest
from statemachine import State, StateChart

from statemodel import InvalidChart, compile_chart

LAMP = """\
from statemachine import State, StateChart


class Lamp(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)
"""


def test_a_chart_within_a_function_may_say_something_in_the_first_column() -> None:
    """Its lines are found all the same, as those of every chart."""

    class Local(StateChart):
        words = """It says
something.
"""
        catch_errors_as_events = False

        class root(State.Parallel):
            class light(State.Compound):
                dark = State(initial=True)
                bright = State()
                press = dark.to(bright)
                dark.to(None, event="press")
                back = bright.to(dark)

    with pytest.raises(InvalidChart) as caught:
        compile_chart(Local)
    lines = Path(__file__).read_text("utf-8").splitlines()
    first = lines.index("                press = dark.to(bright)") + 1

    assert f"(test_chart_sources.py:{first})" in str(caught.value)
    assert f"(test_chart_sources.py:{first + 1})" in str(caught.value)


def test_a_chart_whose_file_was_changed_compiles_without_its_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What stands in the file now may be no program; the class that was imported still counts."""
    (tmp_path / "lamp_that_changes.py").write_text(LAMP, "utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    chart = importlib.import_module("lamp_that_changes").Lamp
    table = compile_chart(chart)
    for text in ("class Lamp(:\n", "x = 1\n", ""):
        child = type(chart)("Lamp", (chart,), {"__module__": chart.__module__})
        (tmp_path / "lamp_that_changes.py").write_text(text, "utf-8")
        linecache.checkcache()
        assert compile_chart(child) == table
    del sys.modules["lamp_that_changes"]


@pytest.mark.parametrize("name", ["a#1", "a\nb", "a\xa0b", "\x1b[31m", "\ud800", "\u202ea"])
def test_an_event_that_no_script_could_name_is_rejected(name: str) -> None:
    """A script and a declaration name events in a line of words, which `#` ends."""
    dark, bright = State(initial=True), State()
    light = {"dark": dark, "bright": bright, name: dark.to(bright) | bright.to(dark)}
    region = type(State.Compound)("light", (State.Compound,), light)
    root = type(State.Parallel)("root", (State.Parallel,), {"light": region})
    chart = type(StateChart)("Odd", (StateChart,), {"catch_errors_as_events": False, "root": root})
    with pytest.raises(InvalidChart) as caught:
        compile_chart(chart)

    assert str(caught.value) == f"Odd: the event {name!r} is no word without #"

"""Every format: whole, stable, and nothing that a chart says becomes markup in it."""

from __future__ import annotations

import dataclasses
import html
import itertools
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from statemodel import ConnectionChart, InvalidInput
from statemodel.diagrams import ChartModel, Highlight, at, read_chart, render
from statemodel.diagrams._dot import dot_text
from statemodel.diagrams._json import SCHEMA, json_text
from statemodel.diagrams._labels import plain
from statemodel.diagrams._markdown import markdown_text
from statemodel.diagrams._mermaid import mermaid_text
from tests.statemodel.diagrams.charts import HOSTILE, Lamp, hostile

EVIL = read_chart(hostile())


@pytest.fixture(scope="module")
def ours() -> ChartModel:
    """Return the model of our own chart."""
    return read_chart(ConnectionChart)


def _data(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {f.name: _data(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return [_data(one) for one in value] if isinstance(value, tuple) else value


def test_json_has_every_field_of_the_model(ours: ChartModel) -> None:
    """Read back, the text is the model, with the version of its schema."""
    found = json.loads(json_text(ours))

    assert found["schema"] == SCHEMA
    assert found["chart"] == _data(ours)
    assert json.loads(json_text(EVIL))["chart"]["summary"] == HOSTILE


def test_dot_has_every_transition_and_effect(ours: ChartModel) -> None:
    """For each pair of states there is a line, with the events, guards and effects of all of them."""
    text = dot_text(ours)
    pairs = {(m.source, m.target) for m in ours.transitions.values() if m.target is not None}
    starts = len(ours.regions)

    assert text.count(" -> ") == len(pairs) + starts
    for move in ours.transitions.values():
        for word in (*move.events, *move.actions):
            assert word in text
        assert not move.guard or f"[{move.guard}]" in text


def test_markdown_has_a_row_for_everything(ours: ChartModel) -> None:
    """Each transition, refusal, outcome and timer has its row, with its rules."""
    text = markdown_text(ours)

    for move in ours.transitions.values():
        rows = [line for line in text.splitlines() if f"`{move.note.place}`" in line]
        mine = [row for row in rows if row.startswith(f"| `{move.source}` | ")]

        assert len(mine) == 1
        assert f" | {' '.join(move.note.rules)} | " in mine[0]
    assert sum("`ERR_NOT_LOGGED_IN`" in line for line in text.splitlines()) == 1
    assert "| `grace` | `window` | `grace_due` | `background_grace` |" in text


def test_markdown_cells_are_never_split(ours: ChartModel) -> None:
    """Every row of a table has as many cells as its head, whatever stands in them."""
    for model in (ours, EVIL, read_chart(Lamp)):
        lines = markdown_text(model).splitlines()
        for above, line in itertools.pairwise(lines):
            if above.startswith("|") and line.startswith("|"):
                assert above.count("|") == line.count("|"), line


def test_markdown_shows_hostile_words_as_they_are() -> None:
    """No letter of them is markup: taken out of their escapes, they read as in the chart."""
    text = markdown_text(EVIL)

    assert "<script" not in text
    assert "`tick`" not in text
    title = text.split("\n# ")[1].split("\n")[2]
    assert html.unescape(re.sub(r"\\([^\w\s])", r"\1", title)) == HOSTILE


def test_dot_strings_end_where_they_should() -> None:
    """Outside of strings, the text of a hostile chart has only the language's own words."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', dot_text(EVIL))

    assert not re.search(r"script|alert|tick", bare)
    assert "&lt;" not in dot_text(EVIL)


def test_graphviz_reads_hostile_words_as_they_are() -> None:
    """A line of its drawing shows each of them, letter for letter."""
    program = Path(sys.executable).parent / "graphviz-pure"
    done = subprocess.run(
        [program, "-Tsvg"], input=dot_text(EVIL).encode(), capture_output=True, check=True
    )
    shown = [element.text or "" for element in ET.fromstring(done.stdout).iter()]

    assert f"{HOSTILE} (first)" in [text.replace("\xa0", " ") for text in shown]


@pytest.mark.parametrize("letter", ["\x00", "\x1b", "\u202e", "\u2066", "\ud800", "\u2028"])
def test_letters_that_do_not_print_are_left_out(letter: str) -> None:
    """Neither ends of lines nor turns of direction come into a text."""
    assert plain(f"one{letter}two").replace(" ", "") == "onetwo"


def test_mermaid_has_no_letter_that_could_mean_something() -> None:
    """Words of a hostile chart stand there as numbers of letters."""
    _, _, text = mermaid_text(EVIL).partition("stateDiagram-v2\n")
    bare = re.sub(r"#\d+;|[{}]$|^ *}$| --> ", "", text.replace("[*]", ""), flags=re.MULTILINE)

    assert not re.search(r"[<>`{};&#%\\]", bare)
    # Some versions of Mermaid end a note wherever these words stand.
    assert [line.strip() for line in bare.splitlines() if "end note" in line] == ["end note"]


@pytest.mark.parametrize("region", [None, "region"])
def test_svg_of_hostile_words_is_a_picture_and_nothing_else(region: str | None) -> None:
    """The text is well-formed XML of shapes and words, and has nothing that runs or loads."""
    root = ET.fromstring(render(EVIL, "svg", region=region))
    allowed = [
        "svg",
        "title",
        "desc",
        "style",
        "rect",
        "circle",
        "polygon",
        "path",
        "text",
        "tspan",
        "g",
        "line",
        "ellipse",
    ]

    for element in root.iter():
        assert element.tag.partition("}")[2] in allowed
        assert not [name for name in element.attrib if name.startswith("on") or "href" in name]
    assert "alert" not in "".join(e.text or "" for e in root.iter() if e.tag.endswith("style"))


@pytest.mark.parametrize("write", [dot_text, mermaid_text, markdown_text])
def test_a_region_can_be_written_alone(ours: ChartModel, write: Any) -> None:
    """Only that region's states are in its text."""
    text = write(ours, ours.region("grace"))

    assert "no_window" in text
    assert "logged_out" not in text


@pytest.mark.parametrize("write", [dot_text, mermaid_text, markdown_text])
def test_a_configuration_can_be_marked(ours: ChartModel, write: Any) -> None:
    """Marking states changes the text, in the same way each time."""
    marked = write(ours, None, at(ours, "connected", "manual"))

    assert marked != write(ours)
    assert marked == write(ours, None, at(ours, "manual", "connected"))


def test_marking_a_state_marks_those_around_it(ours: ChartModel) -> None:
    """`connected` is within `socket`."""
    assert at(ours, "connected") == Highlight(active=frozenset({"connected", "socket"}))


@pytest.mark.parametrize(
    ("states", "words"),
    [
        (["conected"], "no state 'conected'; there are authenticating, auto"),
        (["connected", "down"], "connected and down are never active together|down and connected"),
        (["waiting", "connected"], "waiting and connected are never active together"),
        (["link"], "no state 'link'"),
    ],
)
def test_what_cannot_be_is_not_marked(ours: ChartModel, states: list[str], words: str) -> None:
    """An unknown state, or two of one region, is one clear error."""
    with pytest.raises(InvalidInput, match=words):
        at(ours, *states)


def test_texts_do_not_depend_on_the_order_of_sets() -> None:
    """Two processes with other hash seeds write the same bytes."""
    code = (
        "from tests.statemodel.diagrams.test_formats import *\n"
        "m = read_chart(ConnectionChart)\n"
        "from statemodel.diagrams._scxml import scxml_text\n"
        "import hashlib\n"
        "texts = [w(m) for w in (json_text, dot_text, mermaid_text, markdown_text, scxml_text)]\n"
        "texts += [render(m, 'svg'), render(m, 'svg', region='link')]\n"
        "print(hashlib.sha256(''.join(texts).encode()).hexdigest())"
    )
    root = Path(__file__).parents[3]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(root)},
            cwd=root,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(found) == 1

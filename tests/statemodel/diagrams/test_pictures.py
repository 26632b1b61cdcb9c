"""What a reader of a picture must be able to rely on, whatever it shows."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

import pytest

from statemodel import ConnectionChart, render
from statemodel.diagrams._kinds import KINDS
from statemodel.diagrams._measure import text_width
from statemodel.diagrams._quadrants import draw_quadrants
from statemodel.diagrams._sequence import draw_sequence
from statemodel.diagrams._window import draw_window

if TYPE_CHECKING:
    from collections.abc import Callable

SVG = "{http://www.w3.org/2000/svg}"
REGIONS = [
    "mode",
    "app",
    "network",
    "session",
    "intent",
    "link",
    "grace",
    "liveness",
    "credentials",
    "throttle",
]
PICTURES: dict[str, Callable[[], str]] = {
    "attempt": draw_sequence,
    "chart": lambda: render(ConnectionChart, "svg"),
    "quadrants": draw_quadrants,
    "window": draw_window,
} | {name: (lambda region=name: render(ConnectionChart, "svg", region=region)) for name in REGIONS}


def frame(text: ET.Element) -> tuple[float, float, float, float]:
    """Return left, top, right and bottom of a text, but for a pixel all around."""
    marks, size = text.attrib["class"].split(), float(text.attrib["font-size"])
    width = text_width("".join(text.itertext()), size, bold="b" in marks)
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    left = x - width * (0.5 if "m" in marks else 1 if "e" in marks else 0)
    return left + 1, y - 0.7 * size + 1, left + width - 1, y + 0.1 * size


@pytest.mark.parametrize("name", PICTURES)
def test_words_neither_overlap_nor_leave_the_picture(name: str) -> None:
    """All words of a picture can be read: none is written over others or beyond the edge."""
    root = ET.fromstring(PICTURES[name]())
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    frames = [(frame(text), "".join(text.itertext())) for text in root.iter(f"{SVG}text")]
    for (left, top, right, bottom), words in frames:
        assert left >= 0 and top >= 0 and right <= wide and bottom <= high, words
    for (one, words), (other, others) in combinations(frames, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, f"{words!r} and {others!r}"


@pytest.mark.parametrize("name", ["chart", *REGIONS])
def test_colour_is_never_the_only_sign(name: str) -> None:
    """What is written in the colour of a kind of event has that kind's shape before it."""
    root = ET.fromstring(PICTURES[name]())
    coloured = {f"f-{kind}" for kind in KINDS}
    for before, one in pairwise(root):
        found = coloured & set(one.attrib.get("class", "").split())
        if one.tag == f"{SVG}text" and found:
            shape = before.attrib["class"].split()
            (kind,) = {mark.partition("-")[2] for mark in found}
            assert before.tag != f"{SVG}text", "".join(one.itertext())
            assert {f"f-{kind}", f"s-{kind}"} & set(shape), "".join(one.itertext())

"""Formats by their names: a chart to text."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from statemodel._errors import InvalidInput
from statemodel.diagrams._dot import dot_text
from statemodel.diagrams._highlight import NOTHING, Highlight, at
from statemodel.diagrams._json import json_text
from statemodel.diagrams._markdown import markdown_text
from statemodel.diagrams._mermaid import mermaid_text
from statemodel.diagrams._model import ChartModel, RegionModel
from statemodel.diagrams._overview import draw_overview
from statemodel.diagrams._read import read_chart
from statemodel.diagrams._region import draw_region
from statemodel.diagrams._scxml import scxml_text


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """What can be written in a format."""

    ending: str
    """Of a file's name."""
    whole: Callable[[ChartModel, Highlight], str]
    """Writes the whole chart."""
    part: Callable[[ChartModel, RegionModel, Highlight], str] | None
    """Writes one region."""
    marks: bool = True
    """Can states and transitions be marked?"""
    marks_whole: bool = True
    """Also when the whole chart is written?"""


FORMATS = {
    "dot": Format(ending="dot", whole=lambda m, h: dot_text(m, None, h), part=dot_text),
    "json": Format(ending="json", whole=lambda m, _: json_text(m), part=None, marks=False),
    "markdown": Format(
        ending="md", whole=lambda m, h: markdown_text(m, None, h), part=markdown_text
    ),
    "mermaid": Format(ending="mmd", whole=lambda m, h: mermaid_text(m, None, h), part=mermaid_text),
    "scxml": Format(ending="scxml", whole=lambda m, _: scxml_text(m), part=None, marks=False),
    "svg": Format(
        ending="svg", whole=lambda m, _: draw_overview(m), part=draw_region, marks_whole=False
    ),
}
"""Every format by its name, sorted."""


def render(
    chart: type | ChartModel,
    format: str = "mermaid",  # noqa: A002 - the word that one looks for
    *,
    region: str | None = None,
    at: Iterable[str] | Highlight = (),
) -> str:
    """Write a chart in a format.

    Args:
        chart: A chart's class, or the model that `statemodel.diagrams.read_chart` made of it.
        format: One of `statemodel.diagrams.FORMATS`.
        region: Write this region alone.
        at: States of a configuration to mark, or what a `Highlight` says.

    Returns:
        The text; equal for equal charts, with a newline at its end.

    Raises:
        InvalidChart: it is no well-formed chart.
        InvalidInput: there is no such format, region or state, or the format has no regions or
            marks nothing.
        StateModelError: the picture of a region needs `graphviz-pure`, which is missing.
    """
    found = FORMATS.get(format)
    if found is None:
        raise InvalidInput(f"there is no format {format!r}; there are {', '.join(FORMATS)}")
    model = chart if isinstance(chart, ChartModel) else read_chart(chart)
    highlight = _highlight(model, at)
    if highlight != NOTHING and not found.marks:
        raise InvalidInput(f"{format} cannot mark states")
    if region is None:
        if highlight != NOTHING and not found.marks_whole:
            raise InvalidInput(f"{format} marks states in the picture of one region: name it")
        return found.whole(model, highlight)
    try:
        one = model.region(region)
    except LookupError as error:
        raise InvalidInput(str(error)) from None
    if found.part is None:
        raise InvalidInput(f"{format} is written of the whole chart only")
    return found.part(model, one, highlight)


def _highlight(model: ChartModel, chosen: Iterable[str] | Highlight) -> Highlight:
    if isinstance(chosen, Highlight):
        return chosen
    if isinstance(chosen, str):
        raise InvalidInput(f"`at` is a collection of states, not {chosen!r}")
    return at(model, *chosen)

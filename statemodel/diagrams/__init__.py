"""A chart drawn and written down: one model, read from the declaration, and a renderer per format."""

from __future__ import annotations

from statemodel.diagrams._highlight import NOTHING, Highlight, at
from statemodel.diagrams._layout import Box, Edge, Kind, Layout, Node, lay_out
from statemodel.diagrams._model import (
    ChartModel,
    DeadEndModel,
    EventModel,
    HeardModel,
    Note,
    OutcomeModel,
    ReasonModel,
    RefusalModel,
    RegionModel,
    StateModel,
    StatusModel,
    TimerModel,
    TransitionModel,
)
from statemodel.diagrams._read import read_chart
from statemodel.diagrams._render import FORMATS, render

__all__ = [
    "FORMATS",
    "NOTHING",
    "Box",
    "ChartModel",
    "DeadEndModel",
    "Edge",
    "EventModel",
    "HeardModel",
    "Highlight",
    "Kind",
    "Layout",
    "Node",
    "Note",
    "OutcomeModel",
    "ReasonModel",
    "RefusalModel",
    "RegionModel",
    "StateModel",
    "StatusModel",
    "TimerModel",
    "TransitionModel",
    "at",
    "lay_out",
    "read_chart",
    "render",
]

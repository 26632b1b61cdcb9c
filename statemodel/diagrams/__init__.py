"""A chart drawn and written down: one model, read from the declaration, and a renderer per format."""

from __future__ import annotations

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

__all__ = [
    "ChartModel",
    "DeadEndModel",
    "EventModel",
    "HeardModel",
    "Note",
    "OutcomeModel",
    "ReasonModel",
    "RefusalModel",
    "RegionModel",
    "StateModel",
    "StatusModel",
    "TimerModel",
    "TransitionModel",
    "read_chart",
]

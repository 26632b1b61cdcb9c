"""What is written at a transition and in a state, in every kind of picture."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

from statemodel.diagrams._model import ChartModel, RegionModel, StateModel, TransitionModel

LONG = 36
"""Letters after which the events at a transition go on in another line."""


def plain(text: str) -> str:
    """Return a text on one line, without letters that do not print or turn its direction."""
    joined = " ".join(text.split())
    return "".join(
        c for c in joined if unicodedata.category(c) not in ("Cc", "Cf", "Cs", "Zl", "Zp")
    )


def event_lines(move: TransitionModel) -> list[list[str]]:
    """Return the events at a transition, line by line."""
    lines: list[list[str]] = []
    long = 0
    for event in map(plain, move.events):
        if lines and long + len(event) < LONG:
            lines[-1].append(event)
            long += len(f" | {event}")
        else:
            long = len(f"| {event}" if lines else event)
            lines.append([event])
    return lines


def move_label(move: TransitionModel) -> tuple[str, ...]:
    """Return the lines at a transition: its events, `[guard]`, `/ actions`."""
    lines = [
        ("| " if number else "") + " | ".join(events)
        for number, events in enumerate(event_lines(move))
    ]
    if move.guard:
        lines.append(f"[{plain(move.guard)}]")
    if move.actions:
        lines.append(f"/ {plain(', '.join(move.actions))}")
    return tuple(lines)


def state_title(state: StateModel) -> str:
    """Return a state's name, with what the chart calls it if that is something else."""
    name, title = plain(state.name), plain(state.title)
    return name if title == name else f"{title} ({name})" if title else name


def state_label(region: RegionModel, state: StateModel) -> tuple[str, ...]:
    """Return the lines under a state's name: entry, exit, and transitions that lead nowhere."""
    lines = []
    if state.enter:
        lines.append(f"entry / {plain(', '.join(state.enter))}")
    if state.exit:
        lines.append(f"exit / {plain(', '.join(state.exit))}")
    lines += [
        " ".join(move_label(move))
        for move in region.transitions
        if move.source == state.name and move.target is None
    ]
    return tuple(lines)


def identifiers(model: ChartModel, reserved: Collection[str]) -> dict[str, str]:
    """Return a plain word for each state, region and the root: its name wherever that is one.

    Args:
        model: The chart.
        reserved: Words in small letters that are none in the format.
    """
    names = [model.root]
    for region in model.regions:
        names += [region.name, *(state.name for state in region.states)]
    words = {
        name: name
        for name in names
        if re.fullmatch(r"[A-Za-z](?:_?[A-Za-z0-9])*_?", name) and name.lower() not in reserved
    }
    for name in names:
        stem, number = name if name.isascii() and name.isidentifier() else "state", 1
        while name not in words:
            if f"{stem}_{number}" not in words.values():
                words[name] = f"{stem}_{number}"
            number += 1
    return words

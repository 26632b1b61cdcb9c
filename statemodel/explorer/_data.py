"""Everything that the page knows, as data: the table, the chart behind it, the rules, the words.

What the machine in JavaScript has in common with the one in Python comes from here, so that a change
of a setting, a policy, a timer or a step of scripts reaches the page by itself.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from statemodel._actions import TIMERS
from statemodel._core import _EXPLAINED as EXPLAINED
from statemodel._ends import AFTER, CODE, STATUS
from statemodel._machine import _CALLED_OFF as CALLED_OFF
from statemodel._machine import _GIVEN_UP as GIVEN_UP
from statemodel._machine import _OWN as OWN
from statemodel._machine import WAKE_TOLERANCE
from statemodel._policy import Policy
from statemodel._rows import LENGTHS
from statemodel._script import _INSIDE as INSIDE
from statemodel._timings import Timings
from statemodel._vocabulary import Status
from statemodel._world import _MOST_ROWS as MOST_ROWS
from statemodel.diagrams import ChartModel, Note, RegionModel, TransitionModel
from statemodel.explorer._reading import Reading, guard_tree
from statemodel.rules import RULES
from statemodel.scripts import ANSWERS, CLOSE_CODES, DIAL_ENDS, USER

if TYPE_CHECKING:
    from collections.abc import Container, Mapping

SETTINGS = tuple(field.name for field in fields(Timings))

FORMAT = 1
"""Of the data; the page's scripts understand this one."""


def explorer_data(reading: Reading, source: str) -> dict[str, Any]:
    """Return what the page is to know of a chart, as JSON can hold it.

    Args:
        reading: The chart, compiled.
        source: Where it is imported from, as `module:Class`.
    """
    model = reading.model
    return {
        "format": FORMAT,
        "chart": model.name,
        "source": source,
        "states": list(model.states),
        "events": [event.name for event in model.events],
        "regions": [_region(region) for region in model.regions],
        "transitions": [_transition(move) for move in model.transitions.values()],
        "refusals": [
            {"code": line.code, "events": " ".join(line.events), **_guarded(line.guard, line.note)}
            for line in model.refusals
        ],
        "heard": _heard(model),
        "outcomes": [
            {
                "waiting": line.waiting,
                "code": line.code,
                "after": " ".join(line.after),
                **_guarded(line.guard, line.note),
            }
            for line in model.outcomes
        ],
        "table": _table(reading),
        "rules": {rule.number: [rule.statement, rule.source] for rule in RULES.values()},
        "machine": _machine(),
        "script": _script(),
    }


def _region(region: RegionModel) -> dict[str, Any]:
    states = [
        {
            "name": state.name,
            "parent": state.parent,
            "atomic": not state.children,
            "rules": _rules(state.note),
            "timers": state.timers,
        }
        for state in region.states
    ]
    return {"name": region.name, "rules": _rules(region.note), "states": states}


def _transition(move: TransitionModel) -> dict[str, Any]:
    """Return a transition; one to a compound state goes to where that begins."""
    return {
        "region": move.region,
        "source": move.source,
        "target": move.target,
        "events": move.events,
        "actions": move.actions,
        "line": move.note.place,
        **_guarded(move.guard, move.note),
    }


def _heard(model: ChartModel) -> dict[str, Any]:
    """Return, for each answer and timer, where it is heard, in words, and the rules of that."""
    notes = {event: line.note for line in model.heard for event in line.events}
    return {
        event.name: {"guard": event.heard, "rules": _rules(notes.get(event.name, Note()))}
        for event in model.events
        if event.heard
    }


def _guarded(guard: str, note: Note) -> dict[str, Any]:
    """Return a guard for people and for the page, and the rules beside it."""
    return {"guard": guard, "test": guard_tree(guard), "rules": _rules(note)}


def _rules(note: Note) -> list[str]:
    """Return what the page has a statement for: a chart of a user's own may have other numbers."""
    return [number for number in note.rules if number in RULES]


def _table(reading: Reading) -> dict[str, Any]:
    """Return the table, with numbers for names: most of the page's size is here."""
    table = reading.compiled
    state = {name: number for number, name in enumerate(reading.model.states)}
    event = {name: number for number, name in enumerate(table.events)}
    paths: dict[tuple[int, ...], int] = {}

    def cells(at: int, row: Mapping[str, tuple[int, int]], *, embargoed: bool) -> list[int]:
        flat: list[int] = []
        for name in sorted(row):
            path = reading.path(at, name, embargoed=embargoed)
            flat += [event[name], *row[name], paths.setdefault(path, len(paths))]
        return flat

    handled = [cells(at, row, embargoed=False) for at, row in enumerate(table.handled)]
    embargoed = [cells(at, row, embargoed=True) for at, row in enumerate(table.embargoed)]
    refused = [
        [n for name in sorted(row) for n in (event[name], reading.refusal_of(at, name))]
        for at, row in enumerate(table.refused)
    ]
    return {
        "configurations": [[state[name] for name in states] for states in table.configurations],
        "statuses": list(table.statuses),
        "dead_ends": list(table.dead_ends),
        "starts": [[list(chosen), at] for chosen, at in table.starts],
        "timers": list(table.timers),
        "kinds": list(table.kinds),
        "steps": [[step.actions, step.settled, step.reason] for step in table.steps],
        "handled": handled,
        "embargoed": embargoed,
        "refused": refused,
        "stale": [sorted(event[name] for name in row) for row in table.stale],
        "paths": list(paths),
    }


def _machine() -> dict[str, Any]:
    policy = Policy()
    return {
        "order": list(TIMERS),
        "lengths": LENGTHS,
        "given_up": GIVEN_UP,
        "called_off": CALLED_OFF,
        "own": sorted(OWN),
        "explained": sorted(EXPLAINED),
        "wake_tolerance": WAKE_TOLERANCE,
        "most_rows": MOST_ROWS,
        "policy": {
            "auth_statuses": _members(policy.auth_statuses),
            "auth_codes": _members(policy.auth_codes),
            "terminal_codes": [n for codes in policy.terminal_codes for n in _members(codes)],
            "retry_after_statuses": _members(policy.retry_after_statuses),
        },
    }


def _members(numbers: Container[int]) -> list[list[int]]:
    """Return what a part of the policy holds, as ranges from and up to."""
    if isinstance(numbers, range) and numbers.step == 1:
        return [[numbers.start, numbers.stop - 1]]
    assert isinstance(numbers, (frozenset, tuple, list)), "our own policy"
    return [[number, number] for number in sorted(numbers)]


def _script() -> dict[str, Any]:
    defaults = Timings()
    return {
        "answers": {who: list(words) for who, words in ANSWERS.items()},
        "dial_ends": {word: list(end) for word, end in DIAL_ENDS.items()},
        "close_codes": dict(CLOSE_CODES),
        "patterns": {"code": CODE, "status": STATUS, "after": AFTER},
        "inside": list(INSIDE),
        "statuses": list(Status),
        "user": USER,
        "settings": {name: getattr(defaults, name) for name in SETTINGS},
    }

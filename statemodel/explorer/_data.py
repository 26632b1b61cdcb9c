"""Everything that the page knows, as data: the table, the chart behind it, the rules, the words.

What the machine in JavaScript has in common with the one in Python comes from here, so that a change
of a setting, a policy, a timer or a step of scripts reaches the page by itself.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from statemodel._actions import TIMERS
from statemodel._core import _EXPLAINED as EXPLAINED
from statemodel._core import _LENGTHS as LENGTHS
from statemodel._ends import AFTER, CODE, STATUS
from statemodel._machine import _CALLED_OFF as CALLED_OFF
from statemodel._machine import _GIVEN_UP as GIVEN_UP
from statemodel._machine import _OWN as OWN
from statemodel._machine import WAKE_TOLERANCE
from statemodel._policy import Policy
from statemodel._script import _INSIDE as INSIDE
from statemodel._source import declared, walk
from statemodel._timings import Timings
from statemodel._vocabulary import Status
from statemodel._world import _MOST_ROWS as MOST_ROWS
from statemodel.explorer._reading import Reading, guard_tree
from statemodel.explorer._rule_numbers import RuleNumbers
from statemodel.rules import RULES
from statemodel.scripts import ANSWERS, CLOSE_CODES, DIAL_ENDS, USER

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping

    from statemachine import State

SETTINGS = tuple(field.name for field in fields(Timings))

FORMAT = 1
"""Of the data; the page's scripts understand this one."""


def explorer_data(reading: Reading, source: str) -> dict[str, Any]:
    """Return what the page is to know of a chart, as JSON can hold it.

    Args:
        reading: The chart, compiled.
        source: Where it is imported from, as `module:Class`.
    """
    chart = reading.chart
    numbers = RuleNumbers(reading, RULES)
    return {
        "format": FORMAT,
        "chart": reading.name,
        "source": source,
        "states": reading.order,
        "events": list(reading.compiled.events),
        "regions": [_region(reading, numbers, region) for region in reading.regions.values()],
        "transitions": _transitions(reading, numbers),
        "refusals": _lines(numbers, "Refusal", getattr(chart, "refusals", ()), "guard"),
        "hears": {event: guard_tree(guard) for event, guard in sorted(reading.hears.items())},
        "heard": _heard(reading, numbers),
        "outcomes": _lines(numbers, "Outcome", getattr(chart, "outcomes", ()), "waiting"),
        "table": _table(reading),
        "rules": {rule.number: [rule.statement, rule.source] for rule in RULES.values()},
        "machine": _machine(),
        "script": _script(),
    }


def _region(reading: Reading, numbers: RuleNumbers, region: State) -> dict[str, Any]:
    owned: dict[str, list[str]] = {}
    for timer, owners in reading.timers.items():
        for owner in owners:
            owned.setdefault(owner, []).append(timer)
    states = []
    for state in walk(region):
        if state is region:
            continue
        parent = next(s for s in walk(region) if state in s.states)
        states.append(
            {
                "name": state.id,
                "parent": None if parent is region else parent.id,
                "atomic": state.is_atomic,
                "rules": numbers.of_state(state.id),
                "timers": sorted(owned.get(state.id, ())),
            }
        )
    return {"name": region.id, "rules": numbers.of_state(region.id), "states": states}


def _transitions(reading: Reading, numbers: RuleNumbers) -> list[dict[str, Any]]:
    """Return every transition; one to a compound state goes to where that begins."""
    rows = []
    for transition in reading.transitions:
        guard = reading.guard_of(transition)
        place = reading.places.get(transition)
        rows.append(
            {
                "region": reading.region_of[transition.source.id],
                "source": transition.source.id,
                "target": transition.target.id if transition.target else None,
                "events": sorted(str(event) for event in transition.events),
                "guard": guard,
                "test": guard_tree(guard),
                "actions": reading.actions_of(transition),
                "rules": numbers.of_transition(transition),
                "line": str(place) if place else "",
            }
        )
    assert len(rows) == sum(len(declared(state)) for state in reading.states.values()), "all"
    return rows


def _heard(reading: Reading, numbers: RuleNumbers) -> dict[str, Any]:
    """Return, for each answer and timer, where it is heard, in words, and the rules of that."""
    found = {event: {"guard": guard, "rules": ()} for event, guard in sorted(reading.hears.items())}
    lines = getattr(reading.chart, "heard", ())
    rules = numbers.of_lines("Heard", (line.guard for line in lines))
    for line, numbers_of_line in zip(lines, rules, strict=True):
        for event in line.events.split():
            found[event] = {"guard": line.guard, "rules": numbers_of_line}
    return found


def _lines(numbers: RuleNumbers, kind: str, lines: Iterable[Any], key: str) -> list[dict[str, Any]]:
    lines = tuple(lines)
    rules = numbers.of_lines(kind, (getattr(line, key) for line in lines))
    found = []
    for line, numbers_of_line in zip(lines, rules, strict=True):
        row: dict[str, Any] = {field.name: getattr(line, field.name) for field in fields(line)}
        found.append(row | {"test": guard_tree(line.guard), "rules": numbers_of_line})
    return found


def _table(reading: Reading) -> dict[str, Any]:
    """Return the table, with numbers for names: most of the page's size is here."""
    table = reading.compiled
    state = {name: number for number, name in enumerate(reading.order)}
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

"""The rules, each once: its number, its sentence, its source, and the checks that hold to it.

Three kinds of check look at a compiled chart: on every configuration, on every row, and on the
graph that the rows make (`progress`). They may name states; they repeat no guard of the chart, but
say what must follow from all of them together. The fourth kind judges traces and knows no state:
those are `statemodel.trace_rules`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from statemodel.proof import THEOREMS
from statemodel.rules import _calls, _link, _modes, _progress, _session, _signals
from statemodel.rules._book import SOURCES, STATEMENTS
from statemodel.rules._model import Model, Move, Pending, Situation
from statemodel.rules._rule import (
    Check,
    ConfigurationCheck,
    Obstacle,
    ProgressCheck,
    RowCheck,
    Rule,
)
from statemodel.trace_rules import TRACE_RULES, TraceRule

__all__ = [
    "RULES",
    "SOURCES",
    "Check",
    "ConfigurationCheck",
    "Model",
    "Move",
    "Obstacle",
    "Pending",
    "ProgressCheck",
    "RowCheck",
    "Rule",
    "Situation",
    "TraceRule",
]


def _rules() -> Mapping[str, Rule]:
    checks: dict[str, list[Check]] = {number: [] for number, _, _ in STATEMENTS}
    for module in (_session, _modes, _calls, _link, _signals, _progress):
        for number, check in module.CHECKS:
            checks[number].append(check)
    for number, judged in TRACE_RULES.items():
        checks[number].append(judged)
    return MappingProxyType(
        {
            number: Rule(
                number,
                text,
                source,
                tuple(checks[number]),
                tuple(name for name, rules in THEOREMS.items() if number in rules),
            )
            for number, source, text in STATEMENTS
        }
    )


RULES: Mapping[str, Rule] = _rules()
"""Every rule by its number, in the rulebook's order."""

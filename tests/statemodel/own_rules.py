"""Rules of a user's own, all called X1, each made of one function."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from statemodel import Table, verify
from statemodel._connection_table import TABLE
from statemodel.checking import Failure
from statemodel.rules import (
    Check,
    ConfigurationCheck,
    Model,
    Move,
    Obstacle,
    ProgressCheck,
    RowCheck,
    Rule,
    Situation,
    TraceRule,
)
from statemodel.trace_rules import View


def own_rule(*checks: Check, number: str = "X1") -> Rule:
    """Return a rule with these checks."""
    return Rule(number, "A rule of a user's own.", "D", checks)


def on_configurations(holds: Callable[[Situation], Any]) -> Rule:
    """Return a rule about configurations."""
    return own_rule(ConfigurationCheck("so it is everywhere", holds))


def on_rows(holds: Callable[[Move], Any]) -> Rule:
    """Return a rule about rows."""
    return own_rule(RowCheck("so it is always", holds))


def on_progress(obstacles: Callable[[Model], Iterable[Obstacle]]) -> Rule:
    """Return a rule about progress."""
    return own_rule(ProgressCheck("so it becomes", obstacles))


def on_traces(complaints: Callable[[View], Iterable[tuple[float, str]]]) -> Rule:
    """Return a rule about what can be seen of runs."""
    return own_rule(TraceRule("X1", "so it looks", complaints))


def only_failure(rule: Rule, *, table: Table = TABLE, runs: bool = False) -> Failure:
    """Return the one failure of a rule."""
    (failure,) = verify(table, rules=[rule], runs=runs).failures
    return failure

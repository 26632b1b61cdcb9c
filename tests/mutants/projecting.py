"""What a judge can see of a table: two tables that look alike to it get one verdict.

Not every judge sees everything: no trace tells that unread messages were dropped, and the proof
over real time knows clocks only. So a table is shown to a judge without what that one cannot see,
and only if it then differs from the original.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace

from statemodel import Step, Table
from statemodel.proof._steps import _MEANT

UNSEEN_IN_TRACES = frozenset({"discard_unread"})


def seen_in_traces(table: Table) -> Table:
    """Return a table without what no trace shows."""
    actions = {a for step in table.steps for a in step.actions} - UNSEEN_IN_TRACES
    return _restricted(table, actions, told=True)


def seen_by_proof(table: Table) -> Table:
    """Return a table without the actions that move no clock, and without what callers are told."""
    return replace(
        _restricted(table, _MEANT, told=False),
        statuses=tuple(table.statuses[0] for _ in table.statuses),
        dead_ends=tuple(None for _ in table.dead_ends),
    )


def _restricted(table: Table, actions: Container[str], *, told: bool) -> Table:
    steps = [
        Step(
            tuple(action for action in step.actions if action in actions),
            step.settled if told else (),
            step.reason if told else None,
        )
        for step in table.steps
    ]
    distinct = sorted(set(steps), key=repr)
    number = [distinct.index(step) for step in steps]
    return replace(
        table,
        steps=tuple(distinct),
        handled=tuple({e: (t, number[s]) for e, (t, s) in row.items()} for row in table.handled),
        embargoed=tuple(
            {e: (t, number[s]) for e, (t, s) in row.items()} for row in table.embargoed
        ),
    )

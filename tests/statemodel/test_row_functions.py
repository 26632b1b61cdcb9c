"""Rows of a table as functions: how they read, what they share, and what a table may lack."""

from __future__ import annotations

import re
from dataclasses import fields, replace

from statemodel import Machine, StatusChange, Table, effects, events
from statemodel._connection_table import TABLE
from statemodel._rows import row_text

TEXTS = {row_text(row, TABLE.statuses[row.target]) for _, _, _, row in TABLE.rows()}

MAKING = re.compile(
    r"^ *(\w+) = Open(\w+)\(\)\n((?: *\1\.\w+ = .*\n)*?) *\1\.__class__ = \2$", re.MULTILINE
)

STABLE = """\
def to(target):
    def row(core, command, kind):
        if kind is not None and command is not None:
            waiting = core._waiting
            waiting[kind] = (*waiting[kind], command) if kind in waiting else (command,)
        now = core._now
        deadlines = core._deadlines
        out = core._out
        core._at = target
        core._failures = 0
        return True
    return row"""


def test_a_row_reads_like_what_it_does() -> None:
    """A row has the lines of its own actions and of nothing else."""
    rows = [row for _, event, _, row in TABLE.rows() if event == "stable_due"]
    forgets = next(row for row in rows if row.step.actions == ("forget_failures",))

    assert row_text(forgets, TABLE.statuses[forgets.target]) == STABLE


def test_what_a_row_makes_has_all_its_fields() -> None:
    """An effect that is made by the lines of a row lacks none of its fields, and has no other."""
    found = set()
    for text in TEXTS:
        made = [(kind, lines) for _, kind, lines in MAKING.findall(text)]
        assert len(made) == text.count(" = Open")
        for kind, lines in made:
            cls = StatusChange if kind == "StatusChange" else getattr(effects, kind)
            names = re.findall(r"^ *\w+\.(\w+) = ", lines, re.MULTILINE)
            assert names == [field.name for field in fields(cls)], text
            found.add(kind)
    assert found == {"Abort", "ChangeStatus", "Close", "Dial", "StatusChange", "Succeed"}


def test_rows_are_shared() -> None:
    """There are few different texts, and machines on one table share what has been compiled."""
    assert len(TEXTS) < 2 * len(TABLE.steps)
    table = replace(TABLE)
    one, other = Machine(table=table), Machine(table=table)
    one.handle(events.Connect(command=1), 0.0)
    assert table.prepared["rows"] == (one._rows, one._embargoed) == (other._rows, other._embargoed)
    assert ["connect"] == [event for row in other._rows for event in row]


def _without(event: str) -> Table:
    """Return our table as it would be if the chart did not know an event."""
    return replace(
        TABLE,
        events=tuple(name for name in TABLE.events if name != event),
        handled=tuple({e: c for e, c in row.items() if e != event} for row in TABLE.handled),
        embargoed=tuple({e: c for e, c in row.items() if e != event} for row in TABLE.embargoed),
        refused=tuple({e: c for e, c in row.items() if e != event} for row in TABLE.refused),
        stale=tuple(row - {event} for row in TABLE.stale),
    )


def test_an_event_that_a_table_does_not_know_is_ignored() -> None:
    """A chart of one's own need not have every event of ours."""
    assert Machine().handle(events.Connect(command=1), 0.0) != ()
    machine = Machine(table=_without("connect"))
    assert machine.handle(events.Connect(command=1), 0.0) == ()
    assert machine.waiting == {1}

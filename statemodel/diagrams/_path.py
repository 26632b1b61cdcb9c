"""The way of a connection through its chart: which transitions a run took, and where it ended."""

from __future__ import annotations

from collections.abc import Iterable

from statemodel._compile import _Compiler
from statemodel._script import Script
from statemodel._source import declared
from statemodel._table import Disposition, Table
from statemodel._world import WatchedMachine, World
from statemodel.diagrams._highlight import Highlight
from statemodel.diagrams._read import transition_keys
from statemodel.recordings import Recording

Row = tuple[int, str, bool]
"""A row that a machine was asked for: configuration, event, and whether an embargo ran (B4)."""


def rows_of_script(script: Script, table: Table) -> tuple[list[Row], int]:
    """Play a script on the pure machine; return the rows in order, and the last configuration.

    Raises:
        InvalidInput: it names a custom event that the table does not have.
    """
    world = World.of(script, table=table, traced=False)
    rows: list[Row] = []
    for step in script.steps:
        world.play(step)
        rows += world.machine.rows
    return rows, world.machine.at


def rows_of_recording(recording: Recording, table: Table) -> tuple[list[Row], int]:
    """Run the recorded steps on the machine; return the rows in order, and the last configuration.

    Raises:
        InvalidInput: a step is none that the table's machine takes.
        LookupError: the table has no such start.
    """
    header = recording.header
    machine = WatchedMachine(
        mode=header.mode,
        timings=header.timings,
        policy=header.policy,
        foreground=header.foreground,
        online=header.online,
        table=table,
    )
    for _, step in recording.steps:
        machine.handle(step.event, step.time, step.draw)
    return machine.rows, machine.at


def path(chart: type, table: Table, rows: Iterable[Row], end: int) -> Highlight:
    """Mark what a run passed, which transitions it took and where it stands.

    The table says where a row leads, not by which transitions: the chart's engine takes each row
    that is handled once more.

    Args:
        chart: The chart's class.
        table: What it compiles to.
        rows: The rows of the run, in order.
        end: The configuration after the last.
    """
    compiler = _Compiler(chart, limit=1)
    keys = transition_keys(chart)
    key_of = {
        transition: keys[name, number]
        for name, state in compiler.states.items()
        for number, transition in enumerate(declared(state))
    }
    passed: set[str] = set()
    taken: set[str] = set()
    for at, event, embargoed in dict.fromkeys(rows):
        passed |= table.active[at]
        if table.row(at, event, embargoed=embargoed).disposition is Disposition.HANDLED:
            compiler.embargoed = embargoed
            compiler._run(table.configurations[at], event)  # noqa: SLF001 - the compiler's own step
            taken |= {key_of[transition] for transition in compiler.taken}
            for transition in compiler.taken:
                passed.add(transition.source.id)
                passed |= {transition.target.id} if transition.target else set()
    active = table.active[end]
    return Highlight(active=active, passed=frozenset(passed) - active, taken=frozenset(taken))

"""The flat transition table that a chart compiles to, and the one step that runs on it.

Owns the row types and look-ups. Knows no state, event or effect by name: those are the table's
data. The committed table of `ConnectionChart` is in `_connection_table`, which is generated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, unique
from functools import cached_property
from typing import Any, NamedTuple

from statemodel._errors import InvalidChart, NotInTable
from statemodel._vocabulary import Code, Reason, Status


@unique
class Disposition(Enum):
    """What becomes of an event in a configuration."""

    HANDLED = "handled"
    """Some transition is taken, or some waiting command is settled."""
    REFUSED = "refused"
    """The caller is told why not; nothing changes."""
    STALE = "stale"
    """An answer or timer that nobody waits for here; nothing changes."""
    IGNORED = "ignored"
    """A report of what is known already; nothing changes."""


class Step(NamedTuple):
    """What a handled event does, apart from where it leads."""

    actions: tuple[str, ...]
    """Names of effects, in order."""
    settled: tuple[tuple[str, Code | None], ...]
    """Kinds of waiting command that end here, with their failure or `None` for success."""
    reason: Reason | None
    """The reason of the status change, if this is one that listeners are told (T2)."""


class Row(NamedTuple):
    """One cell of the table: a configuration and an event."""

    disposition: Disposition
    target: int
    """The configuration after the step."""
    step: Step
    code: Code | None
    """The refusal, if `disposition` says so."""


_NOTHING = Step((), (), None)


@dataclass(frozen=True)
class Table:
    """A compiled chart: every reachable configuration under every event."""

    chart: str
    """The name of the chart's class."""
    regions: tuple[tuple[str, tuple[str, ...]], ...]
    """Each region with its atomic states, in document order."""
    events: tuple[str, ...]
    """Every event, sorted."""
    timers: tuple[str, ...]
    """Every timer, in the order in which equal deadlines fire (H4)."""
    kinds: tuple[str, ...]
    """Every kind of command that can wait, in the order in which they are settled."""
    configurations: tuple[tuple[str, ...], ...]
    """The active states of each configuration, without regions, in document order."""
    statuses: tuple[Status, ...]
    """The status of each configuration (T1)."""
    dead_ends: tuple[Code | None, ...]
    """For each configuration: what waiting there fails with, if it is in vain (O4, B5)."""
    starts: tuple[tuple[tuple[str, ...], int], ...]
    """The chosen states of each start, with its configuration."""
    steps: tuple[Step, ...]
    """The distinct steps; the cells point into this."""
    handled: tuple[Mapping[str, tuple[int, int]], ...]
    """For each configuration: event -> (target, index of the step)."""
    embargoed: tuple[Mapping[str, tuple[int, int]], ...]
    """The cells that differ while the machine answers yes to `embargoed` (B4)."""
    refused: tuple[Mapping[str, Code], ...]
    """For each configuration: event -> the code of its refusal."""
    stale: tuple[frozenset[str], ...]
    """For each configuration: the events that nobody waits for."""

    def start(self, *chosen: str) -> int:
        """Return the configuration in which a connection with these choices starts.

        Raises:
            LookupError: these are not the choices that the chart offers.
        """
        try:
            return self._starts[frozenset(chosen)]
        except KeyError:
            raise NotInTable(
                f"{sorted(chosen)} is no start of {self.chart}; there are "
                f"{sorted(sorted(start) for start in self._starts)}"
            ) from None

    def row(self, configuration: int, event: str, *, embargoed: bool = False) -> Row:
        """Return the cell for an event in a configuration. Total: every event has one everywhere.

        Raises:
            LookupError: the chart has no such event or configuration.
        """
        if event not in self._events:
            raise NotInTable(f"{self.chart} has no event {event!r}")
        if not 0 <= configuration < len(self.configurations):
            raise NotInTable(f"{self.chart} has no configuration {configuration!r}")
        code = self.refused[configuration].get(event)
        if code is not None:
            return Row(Disposition.REFUSED, configuration, _NOTHING, code)
        if event in self.stale[configuration]:
            return Row(Disposition.STALE, configuration, _NOTHING, None)
        cell = self.handled[configuration].get(event)
        if embargoed:
            cell = self.embargoed[configuration].get(event, cell)
        if cell is None:
            return Row(Disposition.IGNORED, configuration, _NOTHING, None)
        target, step = cell
        return Row(Disposition.HANDLED, target, self.steps[step], None)

    def rows(self) -> Iterator[tuple[int, str, bool, Row]]:
        """Yield every cell: configuration, event, embargoed, row.

        A cell whose answer does not depend on `embargoed` comes once, with `False`.
        """
        for configuration in range(len(self.configurations)):
            for event in self.events:
                yield configuration, event, False, self.row(configuration, event)
                if event in self.embargoed[configuration]:
                    row = self.row(configuration, event, embargoed=True)
                    yield configuration, event, True, row

    @cached_property
    def active(self) -> tuple[frozenset[str], ...]:
        """The active states of each configuration, as sets."""
        return tuple(frozenset(states) for states in self.configurations)

    @cached_property
    def states(self) -> frozenset[str]:
        """Every state that some configuration has."""
        return frozenset().union(*self.active)

    @cached_property
    def actions(self) -> frozenset[str]:
        """Every action that some step has."""
        return frozenset(action for step in self.steps for action in step.actions)

    @cached_property
    def prepared(self) -> dict[str, Any]:
        """What those who run this table have worked out from it, each under a name of its own."""
        return {}

    @cached_property
    def _starts(self) -> dict[frozenset[str], int]:
        return {frozenset(chosen): configuration for chosen, configuration in self.starts}

    @cached_property
    def _events(self) -> frozenset[str]:
        return frozenset(self.events)


def table_of(chart: type | Table | None) -> Table:
    """Return the table of a chart: compiled if it is a class, the committed one of ours by default.

    Raises:
        InvalidChart: it does not compile.
    """
    if isinstance(chart, Table):
        return chart
    if chart is None:
        from statemodel._connection_table import TABLE  # noqa: PLC0415 - only where it is used

        return TABLE
    if not isinstance(chart, type):
        raise InvalidChart(f"{chart!r} is neither a chart's class nor a table")
    from statemodel._compile import compile_chart  # noqa: PLC0415 - running needs no compiler

    return compile_chart(chart)

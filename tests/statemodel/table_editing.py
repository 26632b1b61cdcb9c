"""Edits of a compiled table, one small and sayable change each: what a rule must not overlook.

    at("enter_background", "manual foreground connected").without("start_grace")

is an edit: called with a table, it returns another, in which those cells no longer start that timer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

from statemodel import Code, Disposition, Reason, Row, Status, Step, Table

Edit = Callable[[Table], Table]
Place = tuple[int, str, bool]
Said = TypeVar("Said")

NOTHING = Step((), (), None)


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of one event in some configurations, and what can be done to them.

    An edit that finds nothing to change raises `ValueError`: it would prove nothing.
    """

    event: str
    """Which event."""
    states: str
    """Which states are active there, apart by blanks; all of them."""
    during_retry_after: bool | None
    """Whether the cells for a running Retry-After are meant, those for none, or both (`None`)."""

    def without(self, action: str) -> Edit:
        """Return the edit that leaves out an action, where it is."""
        return self._actions(lambda actions: (a for a in actions if a != action))

    def doing(self, action: str) -> Edit:
        """Return the edit that does one more action, after all others."""
        return self._actions(lambda actions: (*actions, action))

    def replacing(self, action: str, other: str) -> Edit:
        """Return the edit that does another action in the place of one, where it is."""
        return self._actions(lambda actions: (other if a == action else a for a in actions))

    def backwards(self) -> Edit:
        """Return the edit that does the same actions in the opposite order."""
        return self._actions(reversed)

    def settling(self, kind: str, code: Code | None) -> Edit:
        """Return the edit that ends waiting commands of a kind, with a failure or well."""
        return self._step(lambda s: s._replace(settled=(*_settled_but(s, kind), (kind, code))))

    def not_settling(self, kind: str) -> Edit:
        """Return the edit that lets waiting commands of a kind go on waiting."""
        return self._step(lambda step: step._replace(settled=_settled_but(step, kind)))

    def told(self, reason: Reason | None) -> Edit:
        """Return the edit that gives listeners this reason, or tells them nothing."""
        return self._step(lambda step: step._replace(reason=reason))

    def leading_to(self, states: str) -> Edit:
        """Return the edit whose steps end in these states, and in other regions where they did."""
        return self._edit(
            lambda table, _, row: _acting(row)._replace(target=neighbour(table, row.target, states))
        )

    def ignored(self) -> Edit:
        """Return the edit that accepts the event and does nothing."""
        return self._edit(lambda _, here, __: Row(Disposition.IGNORED, here, NOTHING, None))

    def stale(self) -> Edit:
        """Return the edit that does not hear the event."""
        return self._edit(lambda _, here, __: Row(Disposition.STALE, here, NOTHING, None))

    def refused(self, code: Code) -> Edit:
        """Return the edit that refuses the event with a code."""
        return self._edit(lambda _, here, __: Row(Disposition.REFUSED, here, NOTHING, code))

    def _actions(self, change: Callable[[tuple[str, ...]], Iterable[str]]) -> Edit:
        return self._step(lambda step: step._replace(actions=tuple(change(step.actions))))

    def _step(self, change: Callable[[Step], Step]) -> Edit:
        def changed(_: Table, __: int, row: Row) -> Row:
            step = change(row.step)
            return row if step == row.step else _acting(row)._replace(step=step)

        return self._edit(changed)

    def _edit(self, change: Callable[[Table, int, Row], Row]) -> Edit:
        def edit(table: Table) -> Table:
            rows = {(here, event, server): row for here, event, server, row in table.rows()}
            changed = {
                place: change(table, place[0], row)
                for place, row in rows.items()
                if place[1] == self.event
                and self.during_retry_after in (None, place[2])
                and table.active[place[0]].issuperset(self.states.split())
            }
            if all(rows[place] == row for place, row in changed.items()):
                raise ValueError(f"nothing to change at {self}")
            return _with_rows(table, rows | changed)

        return edit


@dataclass(frozen=True, slots=True)
class Configurations:
    """The configurations with some states, and what can be said wrongly of them."""

    states: str
    """Which states are active, apart by blanks; all of them."""

    def shown_as(self, status: Status) -> Edit:
        """Return the edit that shows another status there."""
        return lambda table: replace(table, statuses=self._put(table, table.statuses, status))

    def in_vain(self, code: Code | None) -> Edit:
        """Return the edit that lets waiting there fail with a code, or go on."""
        return lambda table: replace(table, dead_ends=self._put(table, table.dead_ends, code))

    def being(self, states: str, *, instead_of: str) -> Edit:
        """Return the edit that says these states are active there instead of those."""
        gone, said = set(instead_of.split()), set(states.split())

        def edit(table: Table) -> Table:
            there = [self._chosen(active) for active in table.active]
            if not any(there):
                raise ValueError(f"nothing to change in {self}")
            return replace(
                table,
                configurations=tuple(
                    tuple(sorted((active - gone) | said)) if here else known
                    for here, active, known in zip(
                        there, table.active, table.configurations, strict=True
                    )
                ),
            )

        return edit

    def _chosen(self, active: frozenset[str]) -> bool:
        return active.issuperset(self.states.split())

    def _put(self, table: Table, said: tuple[Said, ...], other: Said) -> tuple[Said, ...]:
        put = tuple(
            other if self._chosen(active) else here
            for active, here in zip(table.active, said, strict=True)
        )
        if put == said:
            raise ValueError(f"nothing to change in {self}")
        return put


def at(event: str, states: str = "", *, during_retry_after: bool | None = None) -> Cells:
    """Choose the cells of an event where all of these states are active."""
    return Cells(event, states, during_retry_after)


def where(states: str) -> Configurations:
    """Choose the configurations with these states."""
    return Configurations(states)


def neighbour(table: Table, configuration: int, states: str) -> int:
    """Return the configuration that differs in these states, each in its own region.

    Raises:
        ValueError: there is no such state or configuration.
    """
    parts = dict.fromkeys(states.split())
    atoms = set()
    for _, choices in table.regions:
        chosen = [state for state in choices if state in parts]
        atoms.update(chosen or set(choices) & table.active[configuration])
    named = {state for _, choices in table.regions for state in choices}
    for index, active in enumerate(table.active):
        if active & named == atoms and atoms.issuperset(parts):
            return index
    raise ValueError(f"there is no configuration {sorted(atoms)}")


def _acting(row: Row) -> Row:
    """Return a row that is sure to be taken, also if it was refused, stale or ignored."""
    return row._replace(disposition=Disposition.HANDLED, code=None)


def _settled_but(step: Step, kind: str) -> tuple[tuple[str, Code | None], ...]:
    return tuple(pair for pair in step.settled if pair[0] != kind)


def _with_rows(table: Table, rows: Mapping[Place, Row]) -> Table:
    """Return a table with other cells."""
    steps = tuple(dict.fromkeys(row.step for row in rows.values()))
    number = {step: index for index, step in enumerate(steps)}
    size = range(len(table.configurations))
    handled: list[dict[str, tuple[int, int]]] = [{} for _ in size]
    embargoed: list[dict[str, tuple[int, int]]] = [{} for _ in size]
    refused: list[dict[str, Code]] = [{} for _ in size]
    stale: list[set[str]] = [set() for _ in size]
    for (here, event, server), row in rows.items():
        if row.code is not None:
            refused[here][event] = row.code
        elif row.disposition is Disposition.STALE:
            stale[here].add(event)
        elif row.disposition is Disposition.HANDLED:
            cells = embargoed if server else handled
            cells[here][event] = row.target, number[row.step]
    return replace(
        table,
        steps=steps,
        handled=tuple(handled),
        embargoed=tuple(embargoed),
        refused=tuple(refused),
        stale=tuple(map(frozenset, stale)),
    )

"""Shortest and covering runs: scripts that lead where somebody wants to look."""

from __future__ import annotations

import itertools
from dataclasses import replace
from heapq import heappop, heappush
from typing import TYPE_CHECKING

from statemodel._moves import IDLE, Move
from statemodel._search import Cell, Edge, Key, Search, key_of
from statemodel._table import Disposition, Table
from statemodel._timings import Timings
from statemodel._world import World

if TYPE_CHECKING:
    from statemodel._script import Script, Step

_LONG = 30
"""Steps after which a covering script ends as soon as it can."""

_WORLDS_EACH = 8


class Runs:
    """The runs of a table, all found when this is made.

    Args:
        table: The compiled chart; a broken one does as well.
        timings: The settings; by default all as the rulebook has them.
        limit: How many worlds are looked at, at most; by default several for each configuration,
            where a sound chart needs two or three.
    """

    def __init__(
        self, table: Table, timings: Timings | None = None, *, limit: int | None = None
    ) -> None:
        self.table = table
        if limit is None:
            limit = _WORLDS_EACH * len(table.configurations)
        self._search = Search(table, Timings() if timings is None else timings, limit)

    @property
    def complete(self) -> bool:
        """Whether the search ended by itself: what was not found does not occur in it."""
        return self._search.complete

    def to(self, configuration: int) -> Script | None:
        """Return the shortest script whose last step reaches a configuration, if there is one.

        Without sleeping if possible; of equally short ones, the first in the order of their lines.
        """
        place = self._search.reached.get(configuration)
        return None if place is None else place.script()

    def taking(
        self,
        configuration: int,
        event: str,
        embargoed: bool = False,  # noqa: FBT001, FBT002 - the three name one row, as in `Table.rows`
    ) -> Script | None:
        """Return the shortest script whose last step takes a row, if there is one.

        A row that refuses or ignores an event counts as taken when the event comes.

        Args:
            configuration: Where.
            event: The event of the chart.
            embargoed: Whether while the server's Retry-After runs (B4); means nothing where the
                row is the same either way.
        """
        embargoed = embargoed and self._depends(configuration, event)
        found = self._search.taken.get((configuration, event, embargoed))
        return None if found is None else found[0].script(found[1])

    def taken(self) -> frozenset[Cell]:
        """Return every row that some run takes: configuration, event, embargoed."""
        return frozenset(cell for cell in self._search.taken if cell[1] != IDLE)

    def never(self) -> tuple[Cell, ...]:
        """Return the rows that do something and that no run takes, in the table's order."""
        return tuple(
            (at, event, embargoed)
            for at, event, embargoed, row in self.table.rows()
            if row.disposition is Disposition.HANDLED
            and (at, event, embargoed) not in self._search.taken
        )

    def covering(self, *, judged: bool = True) -> tuple[Script, ...]:
        """Return a few short scripts that together take every row that any run takes.

        They also let much time pass where nothing is due: what a timer should have done there
        does not happen.

        Args:
            judged: Leave out what needs a sleep, after which the trace rules do not judge.
        """
        return tuple(_Cover(self._search, judged=judged).scripts())

    def _depends(self, configuration: int, event: str) -> bool:
        known = 0 <= configuration < len(self.table.embargoed)
        return known and event in self.table.embargoed[configuration]


class _Cover:
    """Greedy walks: always on to the nearest row that is left, and begun anew where they get long."""

    def __init__(self, search: Search, *, judged: bool) -> None:
        self._search = search
        ranked = sorted(
            (place.rank_after(steps), cell) for cell, (place, steps) in search.taken.items()
        )
        self._left = {cell: None for rank, cell in ranked if not (judged and rank[0])}
        self._vain: set[tuple[Key, Move]] = set()  # edges that did not do what they did before

    def scripts(self) -> list[Script]:
        """Return the scripts."""
        found: list[Script] = []
        while self._left:
            found.append(self._script(next(iter(self._left))))
        return found

    def _script(self, cell: Cell) -> Script:
        """Return a script that takes this row, and then what is near."""
        place, last = self._search.taken[cell]
        opening = replace(place.script(), steps=())
        world = World.of(opening, table=self._search.table, traced=False)
        steps = [*place.steps, *last]
        for step in steps:
            self._play(world, step)
        self._left.pop(cell, None)
        while not world.stopped:
            key = key_of(world)
            path = self._nearest(key)
            if not path or len(steps) + sum(edge.move.length for edge in path) > _LONG:
                break
            left = len(self._left)
            for edge in path:
                for step in edge.move.steps(world):
                    self._play(world, step)
                    steps.append(step)
                if edge.move.line == IDLE:
                    self._left.pop(edge.cells[-1], None)
                if key_of(world) != edge.target:  # the times are others than in the search
                    break
            if len(self._left) == left:
                self._vain.add((path[-1].source, path[-1].move))
        return replace(opening, steps=tuple(steps))

    def _play(self, world: World, step: Step) -> None:
        world.play(step)
        for cell in self._search.cells(world):
            self._left.pop(cell, None)

    def _nearest(self, key: Key) -> list[Edge]:
        """Return the way to the nearest edge that takes a row which is left, and over it."""
        count = itertools.count()  # of equally near edges, the first that was found
        into: dict[Key, Edge | None] = {key: None}
        reached: list[tuple[int, int, Edge]] = []
        length = 0
        while True:
            for edge in self._search.edges.get(key, ()):
                heappush(reached, (length + edge.move.length, next(count), edge))
            while reached:
                length, _, edge = heappop(reached)
                if (edge.source, edge.move) not in self._vain and any(
                    cell in self._left for cell in edge.cells
                ):
                    return [*_way(into, edge.source), edge]
                if edge.target not in into:
                    into[edge.target], key = edge, edge.target
                    break
            else:
                return []


def _way(into: dict[Key, Edge | None], key: Key) -> list[Edge]:
    """Return the edges by which a key was come to."""
    way: list[Edge] = []
    while (edge := into[key]) is not None:
        way.append(edge)
        key = edge.source
    return way[::-1]

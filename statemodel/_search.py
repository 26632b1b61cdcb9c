"""The search for runs: what a table's worlds get to, breadth first from its starts.

Owns the key that tells two worlds apart. It is short and holds no numbers, so that each
configuration is met a few times only: where times matter, a shorter run than the one found is
conceivable, a wrong one is not, for every run has been played.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

from statemodel._moves import HALF, IDLE, NEAR, Move, moment, moves, sleeps, time_moves, wait_until
from statemodel._script import Script, Step
from statemodel._table import Disposition, Table
from statemodel._timings import Timings
from statemodel._vocabulary import Mode
from statemodel._world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

Cell = tuple[int, str, bool]
"""A row's place: configuration, event, and whether an embargo runs, where that matters; or, with
the event `IDLE`, a configuration in which nothing is due and much time passes."""

Key = tuple[object, ...]


class Edge(NamedTuple):
    """What one move does to the worlds of a key."""

    source: Key
    move: Move
    target: Key
    cells: tuple[Cell, ...]
    """The rows that are taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A world, and how it was reached."""

    world: World
    key: Key
    start: Script
    steps: tuple[Step, ...]
    rank: tuple[bool, int, tuple[str, ...]]
    """What is better comes first: without sleeping, short, small in the order of its lines."""

    def script(self, steps: tuple[Step, ...] = ()) -> Script:
        """Return the script that leads here, and on."""
        start = self.start
        return Script(
            mode=start.mode,
            foreground=start.foreground,
            online=start.online,
            timings=start.timings,
            steps=self.steps + steps,
        )

    def rank_after(self, steps: tuple[Step, ...]) -> tuple[bool, int, tuple[str, ...]]:
        """Return the rank of what is a few steps on."""
        slept, length, lines = self.rank
        slept = slept or any(step.do == "sleep" for step in steps)
        return slept, length + len(steps), (*lines, *map(str, steps))


class Search:
    """Every place that a table's worlds get to, as far as their keys tell them apart.

    Args:
        table: The compiled chart.
        timings: The settings.
        limit: How many places are looked at, at most.
    """

    def __init__(self, table: Table, timings: Timings, limit: int) -> None:
        self.table = table
        self.complete = True
        """Whether the search came to its end before its limit."""
        self.reached: dict[int, Place] = {}
        """The best place of each configuration."""
        self.taken: dict[Cell, tuple[Place, tuple[Step, ...]]] = {}
        """For each row: the best place where it is taken, and by which steps."""
        self.edges: dict[Key, list[Edge]] = {}
        """What leads where, without sleeping."""
        self.starts: list[Place] = list(_starts(table, timings))
        self._customs = self.starts[0].world.machine.custom_events if self.starts else ()
        self._events = frozenset(table.events)
        self._limit = limit
        self._places: list[Place] = []
        self._waiting: dict[int, dict[Key, Place]] = {}
        for start in self.starts:
            self._offer(start)
        self._run(sleeping=False)
        for place in list(self._places):
            self._sleep(place)
        self._run(sleeping=True)

    def _run(self, *, sleeping: bool) -> None:
        while self._waiting:
            layer = self._waiting.pop(min(self._waiting))
            for place in layer.values():
                if place.key in self.edges:
                    continue
                if len(self.edges) >= self._limit:
                    self.complete = False
                    return
                self._places.append(place)
                self._expand(place)
                if sleeping:
                    self._sleep(place)

    def _offer(self, place: Place) -> None:
        at = place.world.machine.at
        best = self.reached.get(at)
        if best is None or place.rank < best.rank:
            self.reached[at] = place
        if place.key in self.edges or place.world.stopped:
            return
        layer = self._waiting.setdefault(len(place.steps), {})
        known = layer.get(place.key)
        if known is None or place.rank < known.rank:
            layer[place.key] = place

    def _expand(self, place: Place) -> None:
        world, edges = place.world, self.edges.setdefault(place.key, [])
        now = [move for move in moves(world, self._customs) if self._known(move)]
        for move in (*now, *time_moves(world)):
            cell = self._idle(world, move)
            if cell is not None:
                self._note(cell, place, (move.step(world),))
                edges.append(Edge(place.key, move, place.key, (cell,)))
            else:
                self._follow(place, move, world, ())
        for when in (HALF, NEAR):
            until = moment(world, when)
            if until is None:
                continue
            wait = wait_until(world, until)
            later = world.copy()
            later.play(wait)
            for move in now:
                if self._idle(later, move) is None:
                    self._follow(place, move._replace(when=when), later, (wait,))

    def _known(self, move: Move) -> bool:
        return not move.event or move.event in self._events

    def _idle(self, world: World, move: Move) -> Cell | None:
        """Return the row of a move that is sure to change nothing."""
        if not move.event:
            return None
        at, event = world.machine.at, move.event
        embargoed = event in self.table.embargoed[at] and world.machine.embargoed(world.now)
        row = self.table.row(at, event, embargoed=embargoed)
        return (at, event, embargoed) if row.disposition is not Disposition.HANDLED else None

    def _follow(self, place: Place, move: Move, world: World, first: tuple[Step, ...]) -> None:
        steps = (*first, move.step(world))
        world = world.copy()
        world.play(steps[-1])
        after = self._arrive(place, world, steps)
        cells = self.cells(world)
        if move.line == IDLE:
            cells += ((place.world.machine.at, IDLE, False),)
            self._note(cells[-1], place, steps)
        self.edges[place.key].append(Edge(place.key, move, after.key, cells))

    def _sleep(self, place: Place) -> None:
        for steps in sleeps(place.world):
            world = place.world.copy()
            for step in steps:
                world.play(step)
            self._arrive(place, world, steps)

    def _arrive(self, place: Place, world: World, steps: tuple[Step, ...]) -> Place:
        rank = place.rank_after(steps)
        for cell in self.cells(world):
            self._note(cell, place, steps)
        after = Place(world, key_of(world), place.start, place.steps + steps, rank)
        self._offer(after)
        return after

    def _note(self, cell: Cell, place: Place, steps: tuple[Step, ...]) -> None:
        known = self.taken.get(cell)
        if known is None or place.rank_after(steps) < known[0].rank_after(known[1]):
            self.taken[cell] = place, steps

    def cells(self, world: World) -> tuple[Cell, ...]:
        """Return the rows that the last step of a world took."""
        return tuple(
            (at, event, embargoed and event in self.table.embargoed[at])
            for at, event, embargoed in world.machine.rows
            if event in self._events
        )


def _starts(table: Table, timings: Timings) -> Iterator[Place]:
    for mode, foreground, online in product(Mode, (True, False), (True, False)):
        script = Script(mode=mode, foreground=foreground, online=online, timings=timings)
        try:
            world = World.of(script, table=table, traced=False)
        except LookupError:  # a chart with fewer choices
            continue
        opening = script.text().partition("\n")[0]
        yield Place(world, key_of(world), script, (), (False, 0, (opening,)))


def key_of(world: World) -> Key:
    """Return what tells two worlds apart, as far as the next rows go."""
    machine = world.machine
    return (
        machine.at,
        machine.embargoed(world.now),
        tuple(dict.fromkeys(name for _, name in machine.deadlines)),
        machine.unheard,
        world.outstanding,
        tuple(sorted(machine.interruptible)),
    )

"""What a machine went through while a script was played: the stuff of pictures over time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from statemodel._table import table_of
from statemodel._world import World

if TYPE_CHECKING:
    from statemodel import events
    from statemodel._script import Script
    from statemodel._table import Table
    from statemodel._vocabulary import Status
    from statemodel.traces import Entry


@dataclass(frozen=True, slots=True)
class Moment:
    """The machine after one input."""

    time: float
    """Seconds since the start of the script."""
    active: frozenset[str]
    """The active states."""
    status: Status
    """What a listener was told last."""
    deadlines: dict[str, float]
    """What is due, and when: timers by name; `own` and `ping` for pings that are out."""
    entries: tuple[Entry, ...]
    """What could be seen of it from outside."""


class _Watched(World):
    """A world that notes a moment after each input."""

    __slots__ = ("moments", "seen")
    moments: list[Moment]
    seen: int

    def _handle(self, event: events.Event) -> None:
        super()._handle(event)
        self.note()

    def note(self) -> None:
        trace = self.trace or []
        moment = Moment(
            time=self.now,
            active=self.machine.configuration,
            status=self.machine.status,
            deadlines={name: time for time, name in self.machine.deadlines},
            entries=tuple(trace[self.seen :]),
        )
        self.seen = len(trace)
        self.moments.append(moment)


def playback(script: Script, chart: type | Table | None = None) -> list[Moment]:
    """Play a script on the pure machine and return each moment, the start first.

    Raises:
        InvalidInput: the script names a custom event that the table does not have.
        LookupError: the table has no such start.
    """
    world = _Watched.of(script, table=table_of(chart))
    world.moments, world.seen = [], 0
    world.note()
    world.play_all(script)
    return world.moments

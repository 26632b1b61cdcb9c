"""The pure machine as a subject: the reference, and the example of a subject in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from statemodel._world import World
from statemodel.conformance._entries import is_report
from statemodel.conformance._subject import CAPABILITIES, Act
from statemodel.scripts import Script
from statemodel.traces import Entry

if TYPE_CHECKING:
    from statemodel._table import Table


class MachineSubject:
    """A pure machine in its world.

    Args:
        table: The compiled chart that it runs; by default that of `ConnectionChart`.
    """

    name = "the pure machine"
    capabilities = frozenset(CAPABILITIES) - {"messages"}

    def __init__(self, table: Table | None = None) -> None:
        self._table = table
        self._world: World | None = None

    def open(self, opening: Script, draws: Sequence[float]) -> Sequence[Entry]:  # noqa: ARG002 - steps bring their own
        """Begin anew."""
        self._world = World.of(opening, table=self._table)
        return ()

    def perform(self, acts: Sequence[Act]) -> Sequence[Sequence[Entry]]:
        """Play the acts one after the other, and fire what is due after the last."""
        world = self._world
        assert world is not None, "opened first"
        assert world.trace is not None, "traced by default"
        seen = []
        for act in acts:
            known = len(world.trace)
            step = act.step
            if step.do == "wait" and step.together:
                step = replace(step, do="reach")
            world.settles = not step.together
            world.play(step)
            seen.append([*filter(is_report, world.trace[known:])])
        return seen

    def close(self) -> None:
        """Forget the world."""
        self._world = None

"""The small machine of `peers` by itself: compiled by `compile_chart`, and run on the bare table.

No statuses, sessions, commands, generations, pings or checks of arguments, as the peers have none either.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from statemachine import State, StateChart

from statemodel import compile_chart

LIMITS = {"connecting": 10.0, "connected": 10.0, "backing_off": 0.5, "closing": 5.0}
"""The deadline of each state, in seconds after it is entered; `down` has none."""


class Link(StateChart[Any]):
    """What a connection's link does."""

    catch_errors_as_events = False

    class root(State.Parallel):
        class link(State.Compound):
            down = State(initial=True)
            connecting = State()
            connected = State()
            backing_off = State()
            closing = State()

            connect = down.to(connecting, on="dial")
            opened = connecting.to(connected)
            lost = connected.to(backing_off, on="abort")
            retry = backing_off.to(connecting, on="dial")
            disconnect = (
                connecting.to(down, on="abort")
                | connected.to(closing, on="close")
                | backing_off.to(down)
            )
            closed = closing.to(down)


class Bare:
    """The table, and a deadline."""

    def __init__(self) -> None:
        table = compile_chart(Link)
        acts = [tuple(map(_meaning, step.actions)) for step in table.steps]
        self.cells = [
            {event: (target, acts[step]) for event, (target, step) in row.items()}
            for row in table.handled
        ]
        self.limits = [LIMITS.get(link) for (link,) in table.configurations]
        self.at = table.start()
        self.asked: list[str] = []
        self.deadline: float | None = None

    def step(self, event: str, now: float) -> tuple[tuple[str, ...], float | None]:
        """Take one event."""
        self.asked = []
        cell = self.cells[self.at].get(event)
        if cell is not None:
            self.at, actions = cell
            for act in actions:
                act(self)
            limit = self.limits[self.at]
            self.deadline = None if limit is None else now + limit
        return tuple(self.asked), self.deadline


def _meaning(name: str) -> Callable[[Bare], object]:
    return lambda bare: bare.asked.append(name)

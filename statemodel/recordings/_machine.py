"""A machine that tells each of its steps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statemodel import effects, events
from statemodel._machine import Machine


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedStep:
    """What a machine was told, and what it said."""

    time: float
    """Seconds on the connection's clock."""
    event: events.Event
    """The input."""
    draw: float
    """The random number that came with it."""
    effects: tuple[effects.Effect, ...]
    """The output."""
    due: float | None = None
    """The earliest deadline, if it was not after `time`: its timer was late by the difference."""
    fired: int = 0
    """So many of the first effects are those of deadlines, which came before the input (H4)."""


class RecordingMachine(Machine):
    """A machine whose steps are told to somebody, and which is the same otherwise.

    Args:
        tell: Told each step once it is over; must not raise.
        settings: As for `Machine`.
    """

    __slots__ = ("_fired", "_tell")

    def __init__(self, tell: Callable[[RecordedStep], None], **settings: Any) -> None:
        super().__init__(**settings)
        self._tell = tell
        self._fired = 0

    def handle(
        self, event: events.Event, now: float, draw: float = 0.0
    ) -> tuple[effects.Effect, ...]:
        """Take one input, as every machine does, and tell of it."""
        self._fired = 0
        due = self.next_deadline
        asked = super().handle(event, now, draw)
        late = due if due is not None and due <= now else None
        self._tell(
            RecordedStep(
                time=now, event=event, draw=draw, effects=asked, due=late, fired=self._fired
            )
        )
        return asked

    def _fire(self, *, inclusive: bool) -> float | None:
        due = super()._fire(inclusive=inclusive)
        self._fired = len(self._out)
        return due

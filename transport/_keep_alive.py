"""Pings in background for as long as somebody wants them (rule H3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from transport._clock import Clock


class KeepAlive:
    """Says when to ping so that one manual connection stays alive in background.

    Args:
        ping: Sends a ping as the application would, and lets it fail quietly.
        interval: Seconds from one to the next.
        clock: By which they are counted.
    """

    def __init__(self, ping: Callable[[], None], *, interval: float, clock: Clock) -> None:
        self._ping = ping
        self._interval = interval
        self._clock = clock
        self._background = False
        self._holders = 0
        self.due = inf
        """When `ping_if_due` should be called at the latest."""

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the connection alive until the block is left; blocks may overlap."""
        self._holders += 1
        try:
            if self._background:
                self._begin()
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self.due = inf

    def follow(self, *, background: bool) -> None:
        """Take note of where the application is: from now on in background, ping; in foreground, do not."""
        if background is self._background:
            return
        self._background = background
        self.due = inf
        if background and self._holders:
            self._begin()

    def ping_if_due(self) -> bool:
        """Ping if it is time; return whether it was."""
        is_due = self._clock() >= self.due
        if is_due:
            self._begin()
        return is_due

    def _begin(self) -> None:
        self.due = self._clock() + self._interval  # H4: from the actual time
        self._ping()

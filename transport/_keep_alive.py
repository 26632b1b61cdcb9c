"""Pings in background for as long as somebody wants them (rule H3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

from transport._clock import Clock, trio_deadline


class KeepAlive:
    """Keeps one manual connection alive in background.

    Args:
        ping: Sends a ping as the application would, and lets it fail quietly.
        interval: Seconds from one to the next.
        clock: By which they are counted.
        nursery: Where they are counted.
    """

    def __init__(
        self,
        ping: Callable[[], None],
        *,
        interval: float,
        clock: Clock,
        nursery: trio.Nursery,
    ) -> None:
        self._ping = ping
        self._interval = interval
        self._clock = clock
        self._nursery = nursery
        self._background = False
        self._holders = 0
        self._round = trio.CancelScope()
        self._sleep = trio.CancelScope()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the connection alive until the block is left; blocks may overlap."""
        self._holders += 1
        if self._background:
            self._begin()
        try:
            yield
        finally:
            self._holders -= 1
            if not self._holders:
                self._round.cancel()

    def follow(self, *, background: bool) -> None:
        """Take note of where the application is: from now on in background, ping; in foreground, do not."""
        if background is self._background:
            return
        self._background = background
        self._round.cancel()
        if background and self._holders:
            self._begin()

    def wake(self) -> None:
        """Look at the clock again: the machine has slept (H5)."""
        self._sleep.cancel()

    def _begin(self) -> None:
        self._round.cancel()
        self._round = trio.CancelScope()
        self._ping()
        self._nursery.start_soon(self._repeat, self._round)

    async def _repeat(self, scope: trio.CancelScope) -> None:
        with scope:
            due = self._clock() + self._interval
            while not scope.cancel_called:
                if self._clock() >= due:
                    due = self._clock() + self._interval  # H4: from the actual time
                    self._ping()
                deadline = trio_deadline(self._clock, due)
                with trio.CancelScope(deadline=deadline) as sleep:
                    if scope is self._round:  # a round that was called off may run once more
                        self._sleep = sleep
                    await trio.sleep_forever()

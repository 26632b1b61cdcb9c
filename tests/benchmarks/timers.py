"""Timers through the real driver, on a virtual clock: dials that nobody answers, and the waits after them."""

from __future__ import annotations

from time import perf_counter

import trio
from trio.testing import MockClock

from transport import Ended, Request, Sink, open_connection

_CONNECTIONS = 50


class _Silent:
    """A dialer whose dials are never answered."""

    def __init__(self) -> None:
        self.dials = 0

    async def run(self, request: Request, sink: Sink) -> Ended:
        self.dials += 1
        await trio.sleep_forever()
        raise AssertionError


def expiries(count: int) -> float:
    """Return how many timers expire in a second of real time."""
    dialer = _Silent()

    async def main() -> float:
        async def hold() -> None:
            async with open_connection(
                "ws://127.0.0.1:9", dialer=dialer, draw=lambda: 0.5, clock=trio.current_time
            ) as connection:
                await connection.login("alice")
                await trio.sleep_forever()

        async with trio.open_nursery() as nursery:
            for _ in range(_CONNECTIONS):
                nursery.start_soon(hold)
            while dialer.dials < _CONNECTIONS:  # noqa: ASYNC110 - virtual time, in which this is no polling
                await trio.sleep(0.01)
            first, before = dialer.dials, perf_counter()
            # Each dial is given up, and waited for.
            while 2 * (dialer.dials - first) < count:  # noqa: ASYNC110
                await trio.sleep(30)
            passed = perf_counter() - before
            nursery.cancel_scope.cancel()
        return 2 * (dialer.dials - first) / passed

    return trio.run(main, clock=MockClock(autojump_threshold=0))

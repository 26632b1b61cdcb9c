"""The clock of a connection, which goes on while the machine sleeps (rule H5).

trio's own stands still then, and with it all its deadlines. So a connection reads another clock,
and a task for each such clock compares the two, and wakes the connections when one ran ahead.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import trio

Clock = Callable[[], float]
"""Gives seconds that never go back."""

LOOK_EVERY = 0.5
"""Seconds between two looks at the clocks; H5 wants a jump to be noticed within 1 s."""

_LEAST = 1e-6
"""Seconds; more than what rounding takes from a time of some years."""

JUMP = 0.1
"""Seconds by which a clock may be ahead unnoticed; both are read a moment apart."""


def suspend_aware_time() -> float:
    """Return seconds on a clock that never goes back, and goes on while the machine sleeps.

    Linux and Android: `CLOCK_BOOTTIME`. macOS: `CLOCK_MONOTONIC`, which Python's `time.monotonic`
    is not there. Windows: `GetTickCount64`, in steps of about 16 ms. Elsewhere, where no such clock
    is known: `time.monotonic`.
    """
    return _read()


def default_clock() -> Clock:
    """Return what a connection goes by: the clock above, or trio's own if that is a virtual one."""
    real = type(trio.lowlevel.current_clock()).__qualname__ == "SystemClock"
    return suspend_aware_time if real else trio.current_time


def trio_deadline(clock: Clock, deadline: float) -> float:
    """Translate a deadline on a clock into one on trio's, if the machine does not sleep."""
    if clock is trio.current_time:
        return deadline
    now = trio.current_time()
    left = deadline - clock()
    # While it is not due, never now itself: rounding must not let a timer run at one instant for ever.
    return now if left <= 0 else max(now + left, now + _LEAST)


@contextmanager
def woken_after_sleep(clock: Clock, wake: Callable[[], None]) -> Iterator[None]:
    """Have a function called within a second after a clock ran ahead of trio's.

    Args:
        clock: With trio's own there is nothing to notice.
        wake: Called from a task of its own; must not raise.
    """
    if clock is trio.current_time:
        yield
        return
    try:
        watches = _watches.get()
    except LookupError:  # the first of this run
        watches = {}
        _watches.set(watches)
    watch = watches.get(id(clock))  # by identity: a callable object need not be hashable
    if watch is None:
        watch = watches[id(clock)] = _Watch(clock)
        trio.lowlevel.spawn_system_task(watch.run)
    token = object()
    watch.wakes[token] = wake
    try:
        yield
    finally:
        del watch.wakes[token]
        if not watch.wakes:
            watch.scope.cancel()
            del watches[id(clock)]


class _Watch:
    """Compares one clock with trio's, for all connections of a run that go by it."""

    def __init__(self, clock: Clock) -> None:
        self.wakes: dict[object, Callable[[], None]] = {}
        self.scope = trio.CancelScope()
        self._clock = clock

    async def run(self) -> None:
        with self.scope:
            known = self._lead()
            while True:
                await trio.sleep(LOOK_EVERY)
                lead = self._lead()
                known = min(known, lead)
                if lead > known + JUMP:
                    known = lead
                    for wake in list(self.wakes.values()):
                        wake()

    def _lead(self) -> float:
        try:
            return self._clock() - trio.current_time()
        except Exception:  # noqa: BLE001 - a bug in it shall come out of the connections, not of here
            return float("inf")


_watches: trio.lowlevel.RunVar[dict[int, _Watch]] = trio.lowlevel.RunVar("clock watches")


def _best_clock() -> Clock:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - nobody else needs it

        ticks = ctypes.windll.kernel32.GetTickCount64
        ticks.restype = ctypes.c_uint64
        return lambda: float(ticks()) / 1000
    name = "CLOCK_MONOTONIC" if sys.platform == "darwin" else "CLOCK_BOOTTIME"
    number = getattr(time, name, None)
    if number is None:
        return time.monotonic
    return lambda: time.clock_gettime(number)


_read = _best_clock()

"""The clock of a connection, which goes on while the machine sleeps (rule H5).

trio's own stands still then, and with it all its deadlines. So a connection reads another clock.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import trio

Clock = Callable[[], float]
"""Gives seconds that never go back."""

_LEAST = 1e-6
"""Seconds; more than what rounding takes from a time of some years."""


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


def trio_deadline(left: float) -> float:
    """Return when so many seconds have passed on trio's clock, if the machine does not sleep."""
    now = trio.current_time()
    # While some are left, never now itself: rounding must not let a timer run at one instant for ever.
    return now if left <= 0 else max(now + left, now + _LEAST)


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

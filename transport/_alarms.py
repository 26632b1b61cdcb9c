"""The deadlines of connections: one task waits for all that go by one clock (rules H4, H5).

A task for each would be a tenth of what a connection takes. trio's deadlines stand still while the machine
sleeps, and a connection's clock may not: so the task looks twice a second at the clock itself.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import copy_context
from heapq import heapify, heappop, heappush
from itertools import count
from math import inf, isfinite
from typing import NoReturn

import trio

from transport._clock import Clock, trio_deadline

LOOK_EVERY = 0.5
"""Seconds between two looks at a clock that is not trio's; H5 wants a jump to be noticed within 1 s."""

_SPARE = 64
"""Entries of the queue that may be out of date before it is tidied."""


class Alarm:
    """The deadline of one connection. All its methods must be called on the trio thread.

    Args:
        ring: Called at the deadline, or as soon after it as the scheduler can, in the context of now. What it
            raises ends the alarm, and comes out of `nursery`.
        clock: By which the deadline is meant.
        nursery: The connection's; open until `end`.
    """

    __slots__ = ("_context", "_nursery", "_ring", "_watch", "due", "queued_for")

    @trio.lowlevel.enable_ki_protection  # a watch that Ctrl-C has left without a task would never look
    def __init__(self, ring: Callable[[], None], *, clock: Clock, nursery: trio.Nursery) -> None:
        self._ring = ring
        self._context = copy_context()
        self._nursery = nursery
        self.due = inf
        """When to ring; `inf` for never."""
        self.queued_for = inf
        """When the watch looks at it: not later than that."""
        self._watch = _watch_of(clock)

    @trio.lowlevel.enable_ki_protection  # the queue is everybody's: Ctrl-C must not find it half done
    def set(self, due: float) -> None:
        """Ring then, and not when it was due before; never, once it has ended."""
        if self.queued_for == -inf:
            return
        self.due = due
        if due < self.queued_for:  # put off, it is queued anew when its turn comes
            self._watch.queue(self)

    def ring(self) -> None:
        """Ring now."""
        self.due = inf
        nursery = self._nursery
        try:
            self._context.run(self._ring)
        except BaseException as error:  # noqa: BLE001 - raised in the nursery
            self.end()
            nursery.start_soon(_raise, error)

    @trio.lowlevel.enable_ki_protection
    def end(self) -> None:
        """Ring no more; may be called twice."""
        if self.queued_for != -inf:
            self.due, self.queued_for = inf, -inf
            # The queue may keep it until it would have been due: its connection shall not live as long.
            del self._ring, self._context, self._nursery
            self._watch.leave()


class _Watch:
    """Waits for the earliest deadline of all alarms of a run that go by one clock."""

    def __init__(self, clock: Clock) -> None:
        self.alarms = 0
        self._clock = clock
        self._queue: list[tuple[float, int, Alarm]] = []
        self._numbers = count()
        self._scope = trio.CancelScope()
        self._sleep = trio.CancelScope()

    def queue(self, alarm: Alarm) -> None:
        alarm.queued_for = alarm.due
        entry = (alarm.due, next(self._numbers), alarm)
        heappush(self._queue, entry)
        if len(self._queue) > 2 * self.alarms + _SPARE:
            self._queue = [one for one in self._queue if one[2].queued_for == one[0]]
            heapify(self._queue)
        if self._queue[0] is entry:
            self._sleep.deadline = self._next_look()

    def leave(self) -> None:
        self.alarms -= 1
        if not self.alarms:
            self._scope.cancel()
            del _watches.get()[id(self._clock)]

    async def run(self) -> None:
        with self._scope:
            while True:
                with trio.CancelScope(deadline=self._next_look()) as self._sleep:
                    await trio.sleep_forever()
                # At equality the input goes first (H4): let those run who woke at this same instant.
                await trio.lowlevel.checkpoint()
                for alarm in self._all_due():
                    if alarm.due < inf:  # nor has it ended since another rang
                        alarm.ring()

    def _next_look(self) -> float:
        """Return when to look at the clock, on trio's."""
        first = self._queue[0][0] if self._queue else inf
        if self._clock is trio.current_time or first == inf:
            return first
        return min(trio_deadline(first - self._now()), trio.current_time() + LOOK_EVERY)

    def _now(self) -> float:
        """Return the time; `inf` if the clock is broken: all is due then, and meets the bug itself."""
        try:
            now = float(self._clock())  # what is no float may not even be compared with one
            return now if isfinite(now) else inf
        except Exception:  # noqa: BLE001 - it shall come out of the connections, not of here
            return inf

    def _all_due(self) -> list[Alarm]:
        """Take those out of the queue that are due, the earliest first."""
        now = self._now()
        due = []
        while self._queue and self._queue[0][0] <= now:
            at, _, alarm = heappop(self._queue)
            if alarm.queued_for != at:
                continue  # it was queued for an earlier time afterwards, or has ended
            alarm.queued_for = inf
            if alarm.due <= now:
                due.append(alarm)
            elif alarm.due < inf:
                self.queue(alarm)
        return due


_watches: trio.lowlevel.RunVar[dict[int, _Watch]] = trio.lowlevel.RunVar("clock watches")


def _watch_of(clock: Clock) -> _Watch:
    """Return the watch of a clock, with one alarm more."""
    try:
        watches = _watches.get()
    except LookupError:  # the first of this run
        watches = {}
        _watches.set(watches)
    watch = watches.get(id(clock))  # by identity: a callable object need not be hashable
    if watch is None:
        watch = watches[id(clock)] = _Watch(clock)
        trio.lowlevel.spawn_system_task(watch.run)
    watch.alarms += 1
    return watch


async def _raise(error: BaseException) -> NoReturn:
    raise error

"""Telling status changes to those who listen (rules T2, T4, T5)."""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import trio

from statemodel import StatusChange

StatusListener = Callable[[StatusChange], None]
"""Called with every change, on the trio thread, while the step that caused it ends."""

ListenerErrorHook = Callable[[str, Exception], None]
"""Called with a listener's id and what it raised."""

_log = logging.getLogger("transport")


def log_listener_error(listener_id: str, error: Exception) -> None:
    """Log what a listener raised: the default hook."""
    _log.error("status listener %r raised", listener_id, exc_info=error)


class StatusWatcher:
    """An endless iterator over status changes; it ends when the connection object does.

    Status is never held back: what is not iterated over waits here. One task at a time iterates.
    """

    def __init__(self, first: StatusChange) -> None:
        self._changes = deque([first])
        self._told = first.sequence
        self._news = trio.Event()
        self._busy = False
        self._ended = False

    def put(self, change: StatusChange) -> None:
        """Append a change, unless it is known."""
        if change.sequence > self._told:
            self._told = change.sequence
            self._changes.append(change)
            self._news.set()

    def end(self) -> None:
        """Let the iteration end after what is still there."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> AsyncIterator[StatusChange]:
        return self

    async def __anext__(self) -> StatusChange:
        if self._busy:
            raise trio.BusyResourceError("another task is iterating over these changes")
        self._busy = True
        try:
            await trio.lowlevel.checkpoint()
            while not self._changes:
                if self._ended:
                    raise StopAsyncIteration
                self._news = trio.Event()
                await self._news.wait()
        finally:
            self._busy = False
        return self._changes.popleft()


@dataclass(slots=True)
class _Listening:
    call: StatusListener
    told: int
    """The sequence of the last change it was told."""


def refuse_coroutines(function: object, what: str) -> None:
    """Refuse what cannot be called there and then.

    Raises:
        TypeError: it is no plain function.
    """
    call = getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    if not callable(function) or any(map(inspect.iscoroutinefunction, (function, call))):
        raise TypeError(f"{what} must be a plain function, not {function!r}")


class Listeners:
    """All who listen to one connection's status."""

    def __init__(self, on_error: ListenerErrorHook) -> None:
        refuse_coroutines(on_error, "on_listener_error")
        self._on_error = on_error
        self._callbacks: dict[str, _Listening] = {}
        self._watchers: dict[StatusWatcher, None] = {}

    def add(
        self, listener_id: str, listener: StatusListener, current: StatusChange
    ) -> StatusListener | None:
        """Add a listener, or replace the one of the same id, which is returned."""
        if not isinstance(listener_id, str):
            raise TypeError(f"a listener's id must be a str, not {listener_id!r}")
        refuse_coroutines(listener, "a status listener")
        previous = self._callbacks.pop(listener_id, None)
        self._callbacks[listener_id] = _Listening(listener, current.sequence)
        self._call(listener_id, listener, current)
        return previous.call if previous else None

    def remove(self, listener_id: str) -> bool:
        """Remove a listener; return whether there was one."""
        return self._callbacks.pop(listener_id, None) is not None

    def watch(self, current: StatusChange) -> StatusWatcher:
        """Return a new watcher, which knows the current status already (T5)."""
        watcher = StatusWatcher(current)
        self._watchers[watcher] = None
        return watcher

    def unwatch(self, watcher: StatusWatcher) -> None:
        """Forget a watcher, whose iteration ends."""
        watcher.end()
        self._watchers.pop(watcher, None)

    def tell(self, change: StatusChange) -> None:
        """Tell everybody, in the order in which they came; one who was removed meanwhile hears nothing."""
        for watcher in self._watchers:
            watcher.put(change)
        for listener_id, listening in list(self._callbacks.items()):
            there = self._callbacks.get(listener_id) is listening
            if there and change.sequence > listening.told:
                listening.told = change.sequence
                self._call(listener_id, listening.call, change)

    def end(self) -> None:
        """End all iterations and forget the listeners."""
        for watcher in self._watchers:
            watcher.end()
        self._watchers.clear()
        self._callbacks.clear()

    def _call(self, listener_id: str, listener: StatusListener, change: StatusChange) -> None:
        try:
            listener(change)
        except Exception as error:  # noqa: BLE001 - T4: a listener harms neither others nor state
            try:
                self._on_error(listener_id, error)
            except Exception:  # noqa: BLE001 - T4: so must the application's hook not
                _log.exception("the hook for listeners' errors raised")

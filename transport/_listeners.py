"""Telling status changes to those who listen (rules T2, T4, T5)."""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable

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

    Status is never held back: what is not iterated over waits here.
    """

    def __init__(self, first: StatusChange) -> None:
        self._changes = deque([first])
        self._news = trio.Event()
        self._ended = False

    def put(self, change: StatusChange) -> None:
        """Append a change."""
        self._changes.append(change)
        self._news.set()

    def end(self) -> None:
        """Let the iteration end after what is still there."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> AsyncIterator[StatusChange]:
        return self

    async def __anext__(self) -> StatusChange:
        await trio.lowlevel.checkpoint()
        while not self._changes:
            if self._ended:
                raise StopAsyncIteration
            self._news = trio.Event()
            await self._news.wait()
        return self._changes.popleft()


class Listeners:
    """All who listen to one connection's status."""

    def __init__(self, on_error: ListenerErrorHook) -> None:
        self._on_error = on_error
        self._callbacks: dict[str, StatusListener] = {}
        self._watchers: dict[StatusWatcher, None] = {}

    def add(
        self, listener_id: str, listener: StatusListener, current: StatusChange
    ) -> StatusListener | None:
        """Add a listener, or replace the one of the same id, which is returned."""
        if not isinstance(listener_id, str):
            raise TypeError(f"a listener's id must be a str, not {listener_id!r}")
        if not callable(listener) or inspect.iscoroutinefunction(listener):
            raise TypeError(f"a status listener must be a plain function, not {listener!r}")
        previous = self._callbacks.pop(listener_id, None)
        self._callbacks[listener_id] = listener
        self._call(listener_id, listener, current)
        return previous

    def remove(self, listener_id: str) -> bool:
        """Remove a listener; return whether there was one."""
        return self._callbacks.pop(listener_id, None) is not None

    def watch(self, current: StatusChange) -> StatusWatcher:
        """Return a new watcher, which knows the current status already (T5)."""
        watcher = StatusWatcher(current)
        self._watchers[watcher] = None
        return watcher

    def unwatch(self, watcher: StatusWatcher) -> None:
        """Forget a watcher."""
        self._watchers.pop(watcher, None)

    def tell(self, change: StatusChange) -> None:
        """Tell everybody, in the order in which they came; one who was removed meanwhile hears nothing."""
        for watcher in self._watchers:
            watcher.put(change)
        for listener_id, listener in list(self._callbacks.items()):
            if self._callbacks.get(listener_id) is listener:
                self._call(listener_id, listener, change)

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

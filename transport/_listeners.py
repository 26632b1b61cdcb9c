"""Telling what happens to those who listen (rules T2, T4, T5): functions by id, and iterators."""

from __future__ import annotations

import inspect
import logging
from collections import deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import trio

ListenerErrorHook = Callable[[str, Exception], None]
"""Called with a listener's id and what it raised."""

_log = logging.getLogger("transport")


def log_listener_error(listener_id: str, error: Exception) -> None:
    """Log what a listener raised: the default hook."""
    _log.error("listener %r raised", listener_id, exc_info=error)


class _Numbered(Protocol):
    @property
    def sequence(self) -> int: ...


_News = TypeVar("_News", bound=_Numbered)


class Watcher(Generic[_News]):
    """An endless iterator over what happens; it ends when the connection object does.

    Nothing is held back: what is not iterated over waits here. One task at a time iterates.
    """

    def __init__(self, told: int, *first: _News) -> None:
        self._waiting = deque(first)
        self._told = told
        self._news = trio.Event()
        self._busy = False
        self._ended = False

    def put(self, news: _News) -> None:
        """Append news, unless it is known."""
        if news.sequence > self._told:
            self._told = news.sequence
            self._waiting.append(news)
            self._news.set()

    def end(self) -> None:
        """Let the iteration end after what is still there."""
        self._ended = True
        self._news.set()

    def __aiter__(self) -> AsyncIterator[_News]:
        return self

    async def __anext__(self) -> _News:
        if self._busy:
            raise trio.BusyResourceError("another task is iterating over these changes")
        self._busy = True
        try:
            await trio.lowlevel.checkpoint()
            while not self._waiting:
                if self._ended:
                    raise StopAsyncIteration
                self._news = trio.Event()
                await self._news.wait()
        finally:
            self._busy = False
        return self._waiting.popleft()


@dataclass(slots=True)
class _Listening(Generic[_News]):
    call: Callable[[_News], None]
    told: int
    """The sequence of the last news it was told."""


def refuse_coroutines(function: object, what: str) -> None:
    """Refuse what cannot be called there and then.

    Raises:
        TypeError: it is no plain function.
    """
    if not callable(function) or is_async(function):
        raise TypeError(f"{what} must be a plain function, not {function!r}")


def is_async(function: object) -> bool:
    """Say whether calling it gives a coroutine."""
    call = getattr(function, "__call__", None)  # noqa: B004 - an object with an async __call__
    return any(map(inspect.iscoroutinefunction, (function, call)))


def check_id(listener_id: object) -> None:
    """Refuse what is no listener's id.

    Raises:
        TypeError: it is no `str`.
    """
    if not isinstance(listener_id, str):
        raise TypeError(f"a listener's id must be a str, not {listener_id!r}")


class SafeHook:
    """The application's hook for listeners' errors, which itself can harm nobody (T4)."""

    def __init__(self, hook: ListenerErrorHook) -> None:
        refuse_coroutines(hook, "on_listener_error")
        self._hook = hook

    def __call__(self, listener_id: str, error: Exception) -> None:
        try:
            self._hook(listener_id, error)
        except Exception:  # noqa: BLE001 - T4: so must the application's hook not
            _log.exception("the hook for listeners' errors raised")


class Listeners(Generic[_News]):
    """All who listen to one kind of news of one connection."""

    def __init__(self, on_error: SafeHook) -> None:
        self._on_error = on_error
        self._callbacks: dict[str, _Listening[_News]] = {}
        self._watchers: dict[Watcher[_News], None] = {}
        self._last = 0

    def add(
        self, listener_id: str, listener: Callable[[_News], None], current: _News | None = None
    ) -> Callable[[_News], None] | None:
        """Add a listener, or replace the one of the same id, which is returned.

        Args:
            listener_id: Its name; unique among those who listen to this.
            listener: A plain function.
            current: What it is told at once (T5).
        """
        check_id(listener_id)
        refuse_coroutines(listener, "a listener")
        previous = self._callbacks.pop(listener_id, None)
        told = self._last if current is None else current.sequence
        self._callbacks[listener_id] = _Listening(listener, told)
        if current is not None:
            self._call(listener_id, listener, current)
        return previous.call if previous else None

    def remove(self, listener_id: str) -> bool:
        """Remove a listener; return whether there was one."""
        check_id(listener_id)
        return self._callbacks.pop(listener_id, None) is not None

    def watch(self, current: _News | None = None) -> Watcher[_News]:
        """Return a new watcher, which is told `current` first, if that is given (T5)."""
        if current is None:
            watcher = Watcher[_News](self._last)
        else:
            watcher = Watcher(current.sequence, current)
        self._watchers[watcher] = None
        return watcher

    def unwatch(self, watcher: Watcher[_News]) -> None:
        """Forget a watcher, whose iteration ends."""
        watcher.end()
        self._watchers.pop(watcher, None)

    def tell(self, news: _News) -> None:
        """Tell everybody, in the order in which they came; one who was removed meanwhile hears nothing."""
        self._last = news.sequence
        for watcher in self._watchers:
            watcher.put(news)
        for listener_id, listening in list(self._callbacks.items()):
            there = self._callbacks.get(listener_id) is listening
            if there and news.sequence > listening.told:
                listening.told = news.sequence
                self._call(listener_id, listening.call, news)

    def end(self) -> None:
        """End all iterations and forget the listeners."""
        for watcher in self._watchers:
            watcher.end()
        self._watchers.clear()
        self._callbacks.clear()

    def _call(self, listener_id: str, listener: Callable[[_News], None], news: _News) -> None:
        try:
            listener(news)
        except Exception as error:  # noqa: BLE001 - T4: a listener harms neither others nor state
            self._on_error(listener_id, error)

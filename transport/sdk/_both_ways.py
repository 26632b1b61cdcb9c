"""The two ways to make a call: awaited, and with callbacks.

Awaited, a call begins and ends in the caller's task. With callbacks it begins in place, too, but a
system task waits for its end, which outlives the caller's task and must not raise.
"""

from __future__ import annotations

import contextvars
import logging
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

import trio

from transport._calls import Call
from transport._listeners import refuse_coroutines
from transport.sdk._errors import CometChatException, api_failure, closed, translating
from transport.sdk._run import Run, current_run

_log = logging.getLogger("transport")

_T = TypeVar("_T")

OnError = Callable[[CometChatException], object]
"""Called when a call has failed."""


def both_ways(
    name: str,
    begin: Callable[[], Call[_T]],
    on_success: Callable[[_T], object] | None,
    on_error: OnError | None,
) -> Awaitable[_T | None]:
    """Make a call in the way that its callbacks, or their absence, say.

    Args:
        name: The call's name.
        begin: Begins it.
        on_success: Called with the result.
        on_error: Called with the error.

    Returns:
        A coroutine that makes the call, if there are no callbacks; else what waits for its end.

    Raises:
        RuntimeError: this is no trio run.
        TypeError: a callback is no plain function.
        CometChatException: `ERR_CLOSED`: the run has ended, and nobody can be called back.
    """
    run = current_run()

    async def awaited() -> _T:
        with translating(name):
            return await begin().wait()

    if on_success is None and on_error is None:
        awaited.__qualname__ = f"CometChat.{name}"  # what Python warns of when nobody awaits it
        return awaited()
    for what, callback in (("on_success", on_success), ("on_error", on_error)):
        if callback is not None:
            refuse_coroutines(callback, what)
    if run.ending:
        raise closed()
    return _CalledBack(run, name, begin, on_success, on_error)


class _CalledBack(Generic[_T]):
    """A call with callbacks; it has begun when this is made."""

    def __init__(
        self,
        run: Run,
        name: str,
        begin: Callable[[], Call[_T]],
        on_success: Callable[[_T], object] | None,
        on_error: OnError | None,
    ) -> None:
        self._run = run
        self._name = name
        self._on_success = on_success
        self._on_error = on_error
        self._result: _T | None = None
        self._error: CometChatException | None = None
        self._ended = trio.Event()
        try:
            with translating(name):
                begun: Call[_T] | CometChatException = begin()
        except CometChatException as error:
            begun = error
        trio.lowlevel.spawn_system_task(
            self._end, begun, name=f"CometChat.{name}", context=contextvars.copy_context()
        )

    def __repr__(self) -> str:
        return f"<CometChat.{self._name} {'ended' if self._ended.is_set() else 'running'}>"

    def __await__(self) -> Generator[Any, Any, _T | None]:
        return self._wait().__await__()

    async def _wait(self) -> _T | None:
        await self._ended.wait()
        if self._error is not None and self._on_error is None:
            raise self._error
        return self._result

    async def _end(self, begun: Call[_T] | CometChatException) -> None:
        """Wait for the end and tell it; a system task, which must not raise."""
        refused = begun if isinstance(begun, CometChatException) else None
        try:
            if isinstance(begun, CometChatException):
                await trio.lowlevel.checkpoint()  # to see the end of the run
                self._fail(begun)
            else:
                with translating(self._name):
                    self._result = result = await begun.wait()
                self._tell(self._on_success, result)
        except trio.Cancelled:
            self._run.ending = True
            self._fail(refused or closed())
            raise
        except CometChatException as error:
            self._fail(error)
        except BaseException as error:  # noqa: BLE001 - from the application's clock or store, say
            self._fail(api_failure(f"{self._name}() has broken down: {error!r}", error))
        finally:
            self._ended.set()

    def _fail(self, error: CometChatException) -> None:
        self._error = error
        if self._on_error is not None:
            self._tell(self._on_error, error)
        elif not self._ended.statistics().tasks_waiting:
            _log.error("nobody waits for CometChat.%s(), which failed", self._name, exc_info=error)

    def _tell(self, callback: Callable[[Any], object] | None, news: object) -> None:
        if callback is not None:
            try:
                callback(news)
            except BaseException:  # noqa: BLE001 - it harms nobody, and a system task must not raise
                _log.exception("a callback of CometChat.%s() raised", self._name)

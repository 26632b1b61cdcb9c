"""A dialer around another that finds the server's word on throttling among its messages (T7)."""

from __future__ import annotations

from collections.abc import Callable

from transport._listeners import refuse_coroutines
from transport._passing import PassingSink
from transport._seam import Dialer, Ended, Request, Sink

ThrottlingHook = Callable[[str | bytes], bool | None]
"""Given each message: `True` or `False` if it switches throttling on or off, `None` if it is none of that."""


class ThrottlingDialer:
    """Dials with another dialer, and tells throttling by the application's own reading of messages.

    A message that switches throttling is not delivered: it shows as a change of status.

    Args:
        dialer: Who dials.
        hook: A plain function that reads messages. What it raises is a bug, and comes out of the
            `async with` of the connection.

    Raises:
        TypeError: the hook is no plain function.
    """

    def __init__(self, dialer: Dialer, hook: ThrottlingHook) -> None:
        refuse_coroutines(hook, "a throttling hook")
        self._dialer = dialer
        self._hook = hook

    async def run(self, request: Request, sink: Sink) -> Ended:
        """Dial and run one socket; see `Dialer.run`."""
        return await self._dialer.run(request, _Reading(sink, self._hook))


class _Reading(PassingSink):
    def __init__(self, sink: Sink, hook: ThrottlingHook) -> None:
        super().__init__(sink)
        self._hook = hook

    def message(self, message: str | bytes) -> None:
        on = self._hook(message)
        if on is None:
            self._sink.message(message)
        elif isinstance(on, bool):
            self._sink.throttled(on=on)
        else:
            raise TypeError(f"a throttling hook must return True, False or None, not {on!r}")

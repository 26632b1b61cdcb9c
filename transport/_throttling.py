"""A dialer around another that finds the server's word on throttling among its messages (T7)."""

from __future__ import annotations

from collections.abc import Callable

from transport._errors import DialError
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
        reading = _Reading(sink, self._hook)
        try:
            ended = await self._dialer.run(request, reading)
        except BaseException:
            if reading.bug is None:
                raise
        else:
            if reading.bug is None:  # else the dialer took it for what the peer has sent
                return ended
        if isinstance(reading.bug, (DialError, OSError)):  # which would pass for a lost connection
            raise RuntimeError("a bug in the throttling hook") from reading.bug  # noqa: TRY004 - no wrong type
        raise reading.bug  # as it is, and not in a group


class _Reading(PassingSink):
    def __init__(self, sink: Sink, hook: ThrottlingHook) -> None:
        super().__init__(sink)
        self.bug: Exception | None = None
        """What the hook has raised, or is to blame for."""
        self._hook = hook

    def message(self, message: str | bytes) -> None:
        try:
            on = self._ask(message)
        except Exception as error:
            self.bug = error
            raise
        if on is None:
            self._sink.message(message)
        else:
            self._sink.throttled(on=on)

    def _ask(self, message: str | bytes) -> bool | None:
        on = self._hook(message)
        if on is None or isinstance(on, bool):
            return on
        raise TypeError(f"a throttling hook must return True, False or None, not {on!r}")

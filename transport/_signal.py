"""An event that takes next to nothing while nobody waits for it."""

from __future__ import annotations

import trio


class Signal:
    """Wakes all who wait at this moment: each looks then for itself at what it waits for."""

    __slots__ = ("_event",)

    def __init__(self) -> None:
        self._event: trio.Event | None = None

    async def wait(self) -> None:
        """Wait until it is given once more."""
        if self._event is None:
            self._event = trio.Event()
        await self._event.wait()

    def give(self) -> None:
        """Wake them."""
        if self._event is not None:
            self._event.set()
            self._event = None

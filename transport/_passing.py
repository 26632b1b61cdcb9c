"""A sink that passes on what it is told: what dialers around other dialers begin with."""

from __future__ import annotations

from transport._seam import Sink, Socket


class PassingSink:
    """Tells another sink all that it is told."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink

    def opened(self, socket: Socket) -> None:
        self._sink.opened(socket)

    def frame(self) -> None:
        self._sink.frame()

    def message(self, message: str | bytes) -> None:
        self._sink.message(message)

    def ping_written(self, payload: bytes) -> None:
        self._sink.ping_written(payload)

    def pong(self, payload: bytes) -> None:
        self._sink.pong(payload)

    def throttled(self, *, on: bool) -> None:
        self._sink.throttled(on=on)

    @property
    def has_room(self) -> bool:
        return self._sink.has_room

    async def wait_room(self) -> None:
        await self._sink.wait_room()

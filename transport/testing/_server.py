"""The interface that both servers have, and what they do alike."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from typing import Generic, TypeVar

import trio

from transport._seam import Dialer
from transport.testing._plans import Accept, Plan


class ServerSocket(ABC):
    """The server's end of one WebSocket, after the upgrade.

    It answers pings and closes by itself, unless it was told not to. What it sees is in its
    attributes; a test waits for it with the `async` methods or with `ended`.
    """

    def __init__(self, token: str | None) -> None:
        self.token = token
        """The bearer token of the upgrade request, if it had one."""
        self.received: list[str | bytes] = []
        """The messages that came in, in order."""
        self.pings: list[tuple[float, bytes]] = []
        """The pings that came in: the time on trio's clock, and the payload."""
        self.pongs: list[bytes] = []
        """The payloads of the pongs that came in."""
        self.close_code: int | None = None
        """The code of the client's close frame, once there was one; 1005 if it had none."""
        self.ended = trio.Event()
        """Set when the connection is gone, as this end sees it."""
        self._taken = 0
        self._pongs_withheld = False
        self._silent = False
        self._paused = False
        self._news = trio.lowlevel.ParkingLot()

    async def receive(self) -> str | bytes:
        """Return the next message that was not returned yet, waiting for it.

        Raises:
            trio.EndOfChannel: there is none, and the socket has ended.
        """
        await trio.lowlevel.checkpoint()
        while self._taken == len(self.received):
            if self.ended.is_set():
                raise trio.EndOfChannel
            await self._news.park()
        self._taken += 1
        return self.received[self._taken - 1]

    async def pinged(self, count: int = 1) -> None:
        """Wait until so many pings have come in altogether.

        Raises:
            trio.EndOfChannel: there are fewer, and the socket has ended.
        """
        await trio.lowlevel.checkpoint()
        while len(self.pings) < count:
            if self.ended.is_set():
                raise trio.EndOfChannel
            await self._news.park()

    def withhold_pongs(self, *, on: bool = True) -> None:
        """Answer no pings from now on, or answer them again; what was withheld stays so."""
        self._pongs_withheld = on

    def go_silent(self) -> None:
        """Neither read nor answer anything any more, as a host that has lost its power."""
        self._silent = True
        self.stop_reading()

    def stop_reading(self) -> None:
        """Read nothing until `resume`, so that the client's data stays in the buffers between."""
        self._paused = True

    def resume(self) -> None:
        """Read again, beginning with what has stayed in the buffers."""
        self._paused = self._silent

    @abstractmethod
    async def send(self, message: str | bytes) -> None:
        """Write a message, waiting while the buffers between are full (K6).

        Raises:
            trio.BrokenResourceError: the socket is closing, or has ended.
        """

    @abstractmethod
    async def send_ping(self, payload: bytes = b"") -> None:
        """Write a ping; its pong comes to `pongs`."""

    @abstractmethod
    async def send_pong(self, payload: bytes) -> None:
        """Write a pong that nobody has asked for."""

    @abstractmethod
    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Write a close frame, and go on until the client's; `ended` tells when it is over."""

    @abstractmethod
    def drop(self) -> None:
        """Reset the connection at once."""

    def _saw_message(self, message: str | bytes) -> None:
        self.received.append(message)
        self._news.unpark_all()

    def _saw_ping(self, payload: bytes) -> bool:
        """Note a ping; return whether to answer it."""
        self.pings.append((trio.current_time(), payload))
        self._news.unpark_all()
        return not self._pongs_withheld

    def _end(self) -> None:
        self.ended.set()
        self._news.unpark_all()


S_co = TypeVar("S_co", bound=ServerSocket, covariant=True)


class Server(ABC, Generic[S_co]):
    """A WebSocket server with faults on demand, real or in memory."""

    url: str
    """Where it is, for `open_connection`."""

    def __init__(self) -> None:
        self.latency = 0.0
        """Seconds before a pong or the answer to a close is written."""
        self.otherwise: Plan = Accept()
        """What it does with a dial for which nothing was planned."""
        self.dials = 0
        """How many dials have come in."""
        self.most_open = 0
        """The highest number of connections open at once, as this end sees it (K1)."""
        self._sockets: list[S_co] = []
        self._plans: deque[Plan] = deque()
        self._news = trio.lowlevel.ParkingLot()

    @property
    @abstractmethod
    def dialer(self) -> Dialer:
        """What reaches this server, for `open_connection`."""

    @property
    @abstractmethod
    def open_sockets(self) -> int:
        """How many connections are open now, those in the handshake included."""

    @abstractmethod
    async def start(self) -> None:
        """Listen again, at the same address, after `stop`."""

    @abstractmethod
    async def stop(self) -> None:
        """Reset all connections and listen no more: a dial is refused as by a dead process."""

    @property
    def sockets(self) -> list[S_co]:
        """Every socket that was upgraded, in order; those that have ended stay."""
        return self._sockets

    def plan(self, *plans: Plan) -> None:
        """Say what to do with the next dials, after those that were planned before."""
        self._plans.extend(plans)

    async def accepted(self, count: int) -> S_co:
        """Wait until so many sockets have been upgraded altogether; return the last of these."""
        await trio.lowlevel.checkpoint()
        while len(self._sockets) < count:
            await self._news.park()
        return self._sockets[count - 1]

    async def dialled(self, count: int) -> None:
        """Wait until so many dials have come in altogether."""
        await trio.lowlevel.checkpoint()
        while self.dials < count:
            await self._news.park()

    def _saw_dial(self) -> Plan:
        self.dials += 1
        self.most_open = max(self.most_open, self.open_sockets)
        self._news.unpark_all()
        return self._plans.popleft() if self._plans else self.otherwise

    def _upgraded(self, socket: S_co) -> None:  # type: ignore[misc]  # only the subclass calls it
        self._sockets.append(socket)
        self._news.unpark_all()

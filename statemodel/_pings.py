"""The pings in flight on one socket, and what was heard from its peer (rules P1-P5, K6).

Knows no chart. Times are seconds; while our side is not reading, no deadline runs.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from statemodel._record import maker, record

if TYPE_CHECKING:
    from collections.abc import Callable


@record
class Flight:
    """One ping in flight."""

    command: int | None
    """The call that waits for it, if any still does."""
    own: bool
    """Whether the library sent it of its own accord."""
    sent_at: float
    """When it was handed to the socket."""
    written_at: float
    """When it was written; `sent_at` until that is known."""
    limit: float
    """From its write to giving up on its pong."""
    deadline: float
    """When that is."""
    frames: int
    """How many frames had come in when it was written (P5)."""


_flight: Callable[[int | None, bool, float, float, float, float, int], Flight] = maker(Flight)

NEVER = float("-inf")
"""Before any time; one object for all machines."""


class Pings:
    """The pings of the newest socket."""

    __slots__ = ("_frames", "_next", "_out", "_reading", "heard_at", "next_deadline")

    def __init__(self) -> None:
        self._out: dict[bytes, Flight] = {}
        self._next = 0
        self._frames = 0
        self._reading = True
        self.heard_at = NEVER
        """When the last frame came in (P4)."""
        self.next_deadline: float | None = None
        """The earliest deadline that runs."""

    def copy(self) -> Pings:
        """Return equal pings with a life of their own."""
        other = Pings()
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other._out = self._out.copy()
        return other

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pings):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # it changes

    @property
    def running(self) -> dict[bytes, Flight]:
        """The pings whose deadlines run: none while our side is not reading (K6)."""
        return self._out if self._reading else {}

    @property
    def own_out(self) -> bool:
        """Whether one of the library's own is out (H1)."""
        return any(ping.own for ping in self._out.values())

    @property
    def commands(self) -> tuple[int, ...]:
        """The calls that wait."""
        return tuple(p.command for p in self._out.values() if p.command is not None)

    def open(self, now: float) -> None:
        """A new socket: nothing is out, and its upgrade was heard."""
        self._out = {}
        self._reading = True
        self.next_deadline = None
        self._frames += 1
        self.heard_at = now

    def send(self, now: float, limit: float, command: int | None, *, own: bool) -> bytes:
        """Note a ping that is being sent, and return the payload that tells it from all others."""
        self._next += 1
        payload = b"%d" % self._next
        self._out[payload] = _flight(command, own, now, now, limit, now + limit, self._frames)
        self._look()
        return payload

    def written(self, payload: bytes, now: float) -> None:
        """Note that a ping has been written: its time starts now (P2)."""
        ping = self._out.get(payload)
        if ping is not None:
            self._out[payload] = _flight(
                ping.command,
                ping.own,
                ping.sent_at,
                now,
                ping.limit,
                now + ping.limit,
                self._frames,
            )
            self._look()

    def frame(self, now: float) -> None:
        """Note an incoming frame."""
        self._frames += 1
        self.heard_at = now

    def answer(self, payload: bytes) -> Flight | None:
        """Take out the ping that a pong answers; `None` if there is none (P4)."""
        ping = self._out.pop(payload, None)
        if ping is not None:
            self._look()
        return ping

    def due(self, deadline: float) -> bytes:
        """Return the payload of a ping with this deadline."""
        return min(payload for payload, ping in self.running.items() if ping.deadline == deadline)

    def expire(self, payload: bytes) -> tuple[Flight, bool]:
        """Take out a ping whose time is over; say also whether no frame came in at all (P5)."""
        ping = self._out.pop(payload)
        self._look()
        return ping, self.is_silent(ping)

    def is_silent(self, ping: Flight) -> bool:
        """Say whether no frame has come in since a ping was written (P5)."""
        return ping.frames == self._frames

    def postpone(self, now: float, until: float) -> bool:
        """Give every ping at least until then (H5); return whether one of our own went out just now."""
        for payload, ping in self._out.items():
            if ping.deadline < until:
                self._out[payload] = replace(ping, deadline=until)
        self._look()
        return any(ping.own and ping.sent_at == now for ping in self._out.values())

    def forget(self, command: int) -> None:
        """Nobody waits for this ping any more; it stays in flight."""
        for payload, ping in self._out.items():
            if ping.command == command:
                self._out[payload] = replace(ping, command=None)

    def clear(self) -> tuple[int, ...]:
        """The socket is gone: forget all pings and return the calls that waited."""
        if not self._out:
            return ()
        commands, self._out = self.commands, {}
        self._look()
        return commands

    def read(self, now: float, *, on: bool) -> None:
        """Note that our side stopped or started reading; then all deadlines start again (K6)."""
        if on and not self._reading:
            for payload, ping in self._out.items():
                self._out[payload] = replace(ping, deadline=now + ping.limit)
        self._reading = on
        self._look()

    def _look(self) -> None:
        """Find the earliest deadline anew: something has changed."""
        first: float | None = None
        for ping in self.running.values():
            if first is None or ping.deadline < first:
                first = ping.deadline
        self.next_deadline = first

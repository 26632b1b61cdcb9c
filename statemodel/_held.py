"""What a machine holds: all that is not finite, and so not in the table.

Deadlines, generations, the failure count, pings in flight and commands that wait; what one may ask
of them, and how machines are compared and copied. Changes nothing of it: that is `_core`.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Self

from statemodel._pings import NEVER, Pings
from statemodel._policy import Policy
from statemodel._timings import Timings
from statemodel._vocabulary import Code, Credentials, Mode, Status, StatusChange, User

if TYPE_CHECKING:
    from collections.abc import Mapping

    from statemodel import effects
    from statemodel._rows import Taken
    from statemodel._table import Table

_POLICY, _TIMINGS = Policy(), Timings()


@cache
def _before_any(status: Status) -> StatusChange:
    """Return what is told before any change; all machines share it."""
    return StatusChange(sequence=0, time=0.0, previous=status, current=status, reason=None)


class Held:
    """The state of one connection's machine."""

    _STATE = (
        "_at", "_candidate", "_change", "_clear", "_clear_answer", "_clearing", "_credentials",
        "_deadlines", "_details", "_failures", "_foreground_at", "_generation", "_login",
        "_not_before", "_pings", "_user", "_waiting", "policy", "table", "timings",
    )  # fmt: skip
    # The rows are made ready by who takes them; the last three are about the step in progress, and
    # mean nothing between two calls.
    __slots__ = (
        *_STATE, "_embargoed", "_rows", "next_deadline",
        "_draw", "_now", "_out",
    )  # fmt: skip

    _rows: list[dict[str, Taken]]
    _embargoed: list[dict[str, Taken]]
    next_deadline: float | None
    """When to call `handle(TimePassed())` at the latest, in seconds; `None`: no need to."""

    def __init__(
        self,
        *,
        mode: Mode,
        timings: Timings | None,
        policy: Policy | None,
        foreground: bool,
        online: bool,
        table: Table,
    ) -> None:
        self.table = table
        self.timings = _TIMINGS if timings is None else timings
        self.policy = _POLICY if policy is None else policy
        self._at = table.start(
            Mode(mode).value,
            "foreground" if foreground else "background",
            "online" if online else "offline",
        )
        self._deadlines: dict[str, float] = {}
        self.next_deadline = None
        self._waiting: dict[str, tuple[int, ...]] = {}
        self._pings = Pings()
        self._generation = self._login = self._clear = self._failures = 0
        self._clear_answer: str | None = ""  # None while a Clear is out; then its error, or ""
        self._clearing: tuple[int, ...] = ()  # logouts that wait for nothing but that answer
        self._not_before = self._foreground_at = NEVER
        self._user: User | None = None
        self._candidate: User | None = None  # who will be the user once saved
        self._credentials: Credentials | None = None
        self._details = ""  # of the last unwished end
        self._change = _before_any(table.statuses[self._at])
        self._draw = self._now = 0.0
        self._out: list[effects.Effect] = []

    # -- what one may ask ----------------------------------------------------------------------

    @property
    def configuration(self) -> frozenset[str]:
        """The active states, without the regions."""
        return self.table.active[self._at]

    @property
    def status(self) -> Status:
        """The current status (T1)."""
        return self.table.statuses[self._at]

    @property
    def dead_end(self) -> Code | None:
        """What waiting for a status or message fails with, when it is in vain (O4, B5)."""
        return self.table.dead_ends[self._at]

    @property
    def user(self) -> User | None:
        """Who is logged in."""
        return self._user

    @property
    def generation(self) -> int:
        """The generation of the newest dial, refresh or socket; events of older ones are stale (K2)."""
        return self._generation

    @property
    def failures(self) -> int:
        """Failed dials and lost connections in a row (B1)."""
        return self._failures

    @property
    def details(self) -> str:
        """What is known of the last end that nobody wished: an HTTP status, a close code."""
        return self._details

    @property
    def waiting(self) -> frozenset[int]:
        """The commands that were accepted and have not ended (C4)."""
        return frozenset().union(*self._waiting.values(), self._clearing, self._pings.commands)

    @property
    def timers(self) -> Mapping[str, float]:
        """The armed timers and their deadlines, without those of pings."""
        return dict(self._deadlines)

    def last_change(self, now: float) -> StatusChange:
        """Return the last change with the `retry_in` that is left: what a new listener is told (T5)."""
        return replace(self._change, retry_in=self._retry_in(now))

    def copy(self) -> Self:
        """Return an equal machine with a life of its own."""
        other = object.__new__(type(self))
        for name in Held.__slots__:
            setattr(other, name, getattr(self, name))
        other._deadlines = self._deadlines.copy()
        other._waiting = self._waiting.copy()
        other._pings = self._pings.copy()
        return other

    def __copy__(self) -> Self:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Held):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Held._STATE)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        states = " ".join(self.table.configurations[self._at])
        return f"<{type(self).__name__} {states}; next deadline {self.next_deadline}>"

    def _earliest(self) -> float | None:
        """Return the earliest of all deadlines that run."""
        first = self._pings.next_deadline
        for deadline in self._deadlines.values():
            if first is None or deadline < first:
                first = deadline
        return first

    def _retry_in(self, now: float) -> float | None:
        deadlines = self._deadlines
        due = deadlines.get("retry")
        if due is None:
            due = deadlines.get("embargo")
            if due is None:
                return None
        return due - now if due > now else 0.0

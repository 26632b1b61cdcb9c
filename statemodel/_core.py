"""What a machine holds, and what one row of the table does to it.

Owns what is not finite: deadlines, generations, the failure count, pings in flight and commands
that wait; and gives each action name of the chart its meaning. Does not know when a row is taken:
that is `_machine`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from statemodel import effects
from statemodel._pings import Pings
from statemodel._policy import Policy, backoff
from statemodel._timings import Timings
from statemodel._vocabulary import Code, Credentials, Mode, Reason, Status, StatusChange, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statemodel._table import Table

_POLICY = Policy()

_LENGTHS = {
    "grace": "background_grace",
    "authenticate": "auth_timeout",
    "save": "auth_timeout",
    "dial": "dial_timeout",
    "refresh": "auth_timeout",
    "close": "close_timeout",
    "stable": "stable_after",
}
"""The timers that run for a setting's time; the others have a rule of their own below."""

_EXPLAINED = {
    Code.AUTHENTICATION_FAILED,
    Code.SESSION_NOT_SAVED,
    Code.CONNECTION_LOST,
    Code.CONNECTION_REFUSED,
}
"""Failures whose details are those of the end that caused them."""


class Core:
    """The state of one connection's machine, and the meaning of its actions."""

    # The last four are about the step in progress: they mean nothing between two calls.
    __slots__ = (
        "_at", "_candidate", "_change", "_clear", "_clear_answer", "_clearing", "_credentials",
        "_deadlines", "_details", "_failures", "_foreground_at", "_generation", "_login",
        "_not_before", "_pings", "_user", "_waiting", "policy", "table", "timings",
        "_command", "_draw", "_now", "_out",
    )  # fmt: skip

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
        self.timings = Timings() if timings is None else timings
        self.policy = _POLICY if policy is None else policy
        self._at = table.start(
            Mode(mode).value,
            "foreground" if foreground else "background",
            "online" if online else "offline",
        )
        self._deadlines: dict[str, float] = {}
        self._waiting: dict[str, tuple[int, ...]] = {}
        self._pings = Pings()
        self._generation = self._login = self._clear = self._failures = 0
        self._clear_answer: str | None = ""  # None while a Clear is out; then its error, or ""
        self._clearing: tuple[int, ...] = ()  # logouts that wait for nothing but that answer
        self._not_before = self._foreground_at = float("-inf")
        self._user: User | None = None
        self._candidate: User | None = None  # who will be the user once saved
        self._credentials: Credentials | None = None
        self._details = ""  # of the last unwished end
        status = table.statuses[self._at]
        self._change = StatusChange(
            sequence=0, time=0.0, previous=status, current=status, reason=None
        )
        self._command: int | None = None
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

    @property
    def next_deadline(self) -> float | None:
        """When to call `handle(TimePassed())` at the latest, in seconds; `None`: no need to."""
        first = self._pings.next_deadline
        for deadline in self._deadlines.values():
            if first is None or deadline < first:
                first = deadline
        return first

    def last_change(self, now: float) -> StatusChange:
        """Return the last change with the `retry_in` that is left: what a new listener is told (T5)."""
        return replace(self._change, retry_in=self._retry_in(now))

    def copy(self) -> Self:
        """Return an equal machine with a life of its own."""
        other = object.__new__(type(self))
        for name in Core.__slots__:
            setattr(other, name, getattr(self, name))
        other._deadlines = self._deadlines.copy()
        other._waiting = self._waiting.copy()
        other._pings = self._pings.copy()
        return other

    def __copy__(self) -> Self:
        return self.copy()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Core):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in Core.__slots__[:-4])

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __repr__(self) -> str:
        states = " ".join(self.table.configurations[self._at])
        return f"<{type(self).__name__} {states}; next deadline {self.next_deadline}>"

    # -- one row -------------------------------------------------------------------------------

    def _hears(self, name: str) -> bool:
        """Say whether an answer or timer matters in this configuration (K2)."""
        return name not in self.table.stale[self._at]

    def _step(self, name: str, command: int | None = None, kind: str | None = None) -> bool:
        """Take the row of an event; return whether it was accepted.

        An accepted `command` waits as `kind` before the row's outcomes are settled, so that a row
        may end the very command that took it.
        """
        table, at = self.table, self._at
        code = table.refused[at].get(name)
        if code is not None:
            if command is not None:
                self._out.append(effects.Fail(command=command, code=code))
            return False
        if name in table.stale[at]:
            return False
        if kind is not None and command is not None:
            self._waiting[kind] = (*self._waiting.get(kind, ()), command)
        cell = table.handled[at].get(name)
        if self._not_before > self._now:
            cell = table.embargoed[at].get(name, cell)
        if cell is not None:
            self._command = command
            self._at, index = cell
            actions, settled, reason = table.steps[index]
            for action in actions:
                _ACTIONS.get(action, Core._custom)(self, action)
            if reason is not None:
                self._announce(reason)
            for ended, failure in settled:
                self._settle(ended, failure)
        return True

    def _announce(self, reason: Reason) -> None:
        last, status, retry_in = self._change, self.status, self._retry_in(self._now)
        if (last.current, last.reason, last.retry_in) == (status, reason, retry_in):
            return  # T2: nothing changed
        self._change = StatusChange(
            sequence=last.sequence + 1,
            time=self._now,
            previous=last.current,
            current=status,
            reason=reason,
            retry_in=retry_in,
        )
        self._out.append(effects.ChangeStatus(change=self._change))

    def _retry_in(self, now: float) -> float | None:
        due = self._deadlines.get("retry", self._deadlines.get("embargo"))
        return None if due is None else max(0.0, due - now)

    def _settle(self, kind: str, code: Code | None) -> None:
        """End the commands of a kind; a logout that may end well waits for the store as well (S5)."""
        if kind == "ping":
            for command in self._pings.clear():
                self._end(command, code)
            return
        commands = self._waiting.pop(kind, ())
        if kind == "logout" and code is None:
            if self._clear_answer is None:
                self._clearing += commands
                return
            code = Code.SESSION_NOT_CLEARED if self._clear_answer else None
        for command in commands:
            self._end(command, code, self._user if kind == "login" else None)

    def _end(self, command: int, code: Code | None, value: User | float | None = None) -> None:
        if code is None:
            self._out.append(effects.Succeed(command=command, value=value))
            return
        details = self._details if code in _EXPLAINED else ""
        if code is Code.SESSION_NOT_CLEARED:
            details = self._clear_answer or ""
        self._out.append(effects.Fail(command=command, code=code, details=details))

    # -- actions -------------------------------------------------------------------------------

    def _start(self, action: str) -> None:
        timer, now = action.removeprefix("start_"), self._now
        match timer:
            case "retry":  # B1; B4 adds to it
                deadline = max(now, self._not_before)
                deadline += backoff(self._failures, self._draw, self.timings)
            case "embargo":  # B4
                deadline = self._not_before
            case "heartbeat":  # H1: from the last frame or the foreground, whichever is later
                deadline = max(self._pings.heard_at, self._foreground_at)
                # Put off by a probe that took longer, it is due now, and not slept through (H4, H5).
                deadline = max(now, deadline + self.timings.heartbeat_interval)
            case _:
                deadline = now + getattr(self.timings, _LENGTHS[timer])
        self._deadlines[timer] = deadline

    def _stop(self, action: str) -> None:
        self._deadlines.pop(action.removeprefix("stop_"), None)

    def _dial(self, _: str) -> None:
        self._generation += 1
        self._out.append(effects.Dial(generation=self._generation, user=self._known_user()))

    def _refresh(self, _: str) -> None:
        self._generation += 1
        self._out.append(effects.Refresh(generation=self._generation, user=self._known_user()))

    def _known_user(self) -> User:
        assert self._user is not None, "S8: nobody dials without a user"
        return self._user

    def _close(self, _: str) -> None:
        self._out.append(effects.Close(generation=self._generation))

    def _abort(self, _: str) -> None:
        self._out.append(effects.Abort(generation=self._generation))
        self._generation += 1  # K2: whatever is still said of it is stale

    def _authenticate(self, _: str) -> None:
        assert self._credentials is not None, "S1: a login brings credentials"
        self._login += 1
        self._out.append(
            effects.Authenticate(generation=self._login, credentials=self._credentials)
        )
        self._credentials = None

    def _save(self, _: str) -> None:
        assert self._candidate is not None, "S1: authentication brings a user"
        self._out.append(effects.Save(generation=self._login, user=self._candidate))

    def _cancel_login(self, _: str) -> None:
        self._out.append(effects.CancelLogin(generation=self._login))
        self._login += 1  # K2
        self._candidate = None

    def _adopt_user(self, _: str) -> None:
        self._user, self._candidate = self._candidate, None

    def _drop_user(self, _: str) -> None:
        self._user = None

    def _clear_store(self, _: str) -> None:
        self._clear += 1
        self._clear_answer = None
        self._out.append(effects.Clear(generation=self._clear))

    def _send(self, action: str) -> None:
        probe = action == "send_probe"
        limit = self.timings.probe_timeout if probe else self.timings.pong_timeout
        own = action != "send_ping"
        command = None if own else self._command
        payload = self._pings.send(self._now, limit, command, own=own)
        self._out.append(
            effects.SendPing(generation=self._generation, payload=payload, command=command)
        )

    def _count_failure(self, _: str) -> None:
        self._failures += 1

    def _forget_failures(self, _: str) -> None:
        self._failures = 0

    def _discard_unread(self, _: str) -> None:
        self._out.append(effects.DiscardUnread())

    def _note_foreground(self, _: str) -> None:
        self._foreground_at = self._now

    def _custom(self, name: str) -> None:
        self._out.append(effects.Custom(name=name))


_ACTIONS: Mapping[str, Callable[[Core, str], None]] = {
    "abort": Core._abort,
    "adopt_user": Core._adopt_user,
    "authenticate": Core._authenticate,
    "cancel_login": Core._cancel_login,
    "clear": Core._clear_store,
    "close": Core._close,
    "count_failure": Core._count_failure,
    "dial": Core._dial,
    "discard_unread": Core._discard_unread,
    "drop_user": Core._drop_user,
    "forget_failures": Core._forget_failures,
    "note_foreground": Core._note_foreground,
    "refresh": Core._refresh,
    "save": Core._save,
    "send_heartbeat": Core._send,
    "send_ping": Core._send,
    "send_probe": Core._send,
    **{f"start_{timer}": Core._start for timer in (*_LENGTHS, "retry", "embargo", "heartbeat")},
    **{f"stop_{timer}": Core._stop for timer in (*_LENGTHS, "retry", "embargo", "heartbeat")},
}
"""What each action name means; a test holds this against the names that a chart may use."""

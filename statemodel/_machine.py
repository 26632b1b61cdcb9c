"""The sans-I/O machine: one connection, run on a table.

Owns the order of things: deadlines before inputs, inputs into events of the chart. Decides nothing
that the chart decides: whether an event matters, where it leads and what it causes is looked up.
Reads no clock and no random source; waits for nothing.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from statemodel import effects, events
from statemodel._actions import TIMERS
from statemodel._core import Core
from statemodel._errors import InvalidInput
from statemodel._policy import End, Policy, explain
from statemodel._vocabulary import Code, Mode

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statemodel._table import Table
    from statemodel._timings import Timings

    _Intake = Callable[["Machine", Any], object]

WAKE_TOLERANCE = 1.0
"""Seconds after which a deadline counts as slept through (H5)."""

_ORDER = {timer: index for index, timer in enumerate(TIMERS)}
_DUE = {timer: f"{timer}_due" for timer in TIMERS}


class Machine(Core):
    """One connection's behaviour, without its sockets, tasks and clock.

    Feed it what happens with `handle` and do what it returns, in order; call it again at
    `next_deadline` at the latest. Machines with the same history are equal, and `copy` branches.

    Args:
        mode: Who decides when the connection is up; fixed (O1).
        timings: The settings; by default all as the rulebook has them.
        policy: What HTTP statuses and close codes mean (B5).
        foreground: Whether the application starts in foreground (O2).
        online: Whether the network starts up (O2, N4).
        table: A compiled chart of one's own; by default the table of `ConnectionChart`.
    """

    __slots__ = ()

    def __init__(
        self,
        *,
        mode: Mode = Mode.AUTO,
        timings: Timings | None = None,
        policy: Policy | None = None,
        foreground: bool = True,
        online: bool = True,
        table: Table | None = None,
    ) -> None:
        if table is None:
            from statemodel._connection_table import TABLE  # noqa: PLC0415 - only where it is used

            table = TABLE
        super().__init__(
            mode=mode,
            timings=timings,
            policy=policy,
            foreground=foreground,
            online=online,
            table=table,
        )

    def handle(
        self, event: events.Event, now: float, draw: float = 0.0
    ) -> tuple[effects.Effect, ...]:
        """Take one input and return what is to be done about it, in order.

        Deadlines before `now` fire first (H4); at equality the input goes first, save that
        `TimePassed` fires them. A refusal is an effect, `Fail`, and leaves the machine as it was.

        Args:
            event: What happened.
            now: When, in seconds on a clock that never goes back; finite.
            draw: A fresh random number in [0, 1), for the spread of retries (B1).

        Raises:
            InvalidInput: `event` is no event, or a number is out of range; nothing changed.
        """
        try:
            intake = _INTAKE[type(event)]
        except KeyError:
            intake = self._custom_intake(event)
        try:
            usable = isfinite(now) and 0.0 <= draw < 1.0
        except (TypeError, OverflowError):
            usable = False
        if not usable:
            raise InvalidInput(f"now must be finite and draw in [0, 1): {now!r}, {draw!r}")
        self._now, self._draw, self._out = now, draw, []
        first = self.next_deadline
        if first is not None and first <= now:
            first = self._fire(inclusive=intake is None)
        if intake is not None:
            intake(self, event)
            first = self._pings.next_deadline  # what follows is `_earliest`, without a call
            for deadline in self._deadlines.values():
                if first is None or deadline < first:
                    first = deadline
        self.next_deadline = first
        return tuple(self._out)

    def _custom_intake(self, event: object) -> _Intake:
        """Return how an event of an added region is taken in: the others have classes of their own."""
        if type(event) is events.Custom and self._is_custom(event.name):
            return Machine._on_custom
        raise InvalidInput(f"{event!r} is no event of {self.table.chart}")

    def _is_custom(self, name: str) -> bool:
        """Say whether an event is one of an added region's own."""
        return name in self.table.events and name not in _OWN

    # -- time ----------------------------------------------------------------------------------

    def _fire(self, *, inclusive: bool) -> float | None:
        """Fire what is due: the earliest first, then by the fixed order (H4); return what is next."""
        now, first = self._now, self._earliest()
        while first is not None and (first < now or (first == now and inclusive)):
            overslept = now - first > WAKE_TOLERANCE
            if overslept and now - self._deadlines.get("grace", now) > WAKE_TOLERANCE:
                name: str | None = "grace"  # H5: before anything else
            else:
                name = self._timer_of(first)
            if name is None:
                self._ping_due(self._pings.due(first), overslept=overslept)
            else:
                self._timer_due(name, overslept=overslept)
            first = self._earliest()
        return first

    def _timer_of(self, due: float) -> str | None:
        """Return the timer with this deadline, of several the first by the fixed order."""
        found = None
        for name, deadline in self._deadlines.items():
            if deadline == due and (found is None or _ORDER[name] < _ORDER[found]):
                found = name
        return found

    def _timer_due(self, name: str, *, overslept: bool) -> None:
        del self._deadlines[name]
        if name in _GIVEN_UP:
            self._details = _GIVEN_UP[name]
        if overslept and name == "heartbeat":
            self._probe_after_sleep()
        else:
            self._step(_DUE[name])

    def _ping_due(self, payload: bytes, *, overslept: bool) -> None:
        if overslept:
            self._probe_after_sleep()
            return
        ping, silent = self._pings.expire(payload)
        if ping.command is not None:
            self._end(ping.command, Code.PING_TIMEOUT)
        if silent:  # P5
            self._details = f"no frame within {ping.limit:g} s of a ping"
            self._step("peer_silent")
        elif ping.own and not self._pings.own_out:
            self._step("own_pings_over")

    def _probe_after_sleep(self) -> None:
        """Send one fresh probe, and give no verdict before its time is over (H5)."""
        if not self._pings.postpone(self._now, self._now + self.timings.probe_timeout):
            self._step("overslept")

    # -- commands and reports ------------------------------------------------------------------

    def _on_login(self, event: events.Login) -> None:
        user, before = self._user, self._credentials
        if user is not None and user.uid == event.credentials.uid:
            if self._step("login_again", event.command):  # S7: the same user again
                self._end(event.command, None, user)
            return
        self._credentials = event.credentials
        if not self._step("login", event.command, "login"):
            self._credentials = before

    def _on_ping(self, event: events.Ping) -> None:
        self._step("ping", event.command)  # it waits as a ping in flight

    def _on_send(self, event: events.Send) -> None:
        if self._step("send_message", event.command):
            self._end(event.command, None)

    def _on_shut_down(self, event: events.ShutDown) -> None:
        self._step("shut_down", event.command, "shut_down")
        clearing, self._clearing = self._clearing, ()
        for command in clearing:
            self._end(command, Code.CLOSED)  # O4: whatever still waits

    def _on_cancel(self, event: events.Cancel) -> None:
        for kind, commands in self._waiting.items():
            if event.command in commands:
                self._waiting[kind] = tuple(c for c in commands if c != event.command)
                if kind in _CALLED_OFF:
                    self._step(_CALLED_OFF[kind])
                return
        self._clearing = tuple(c for c in self._clearing if c != event.command)
        self._pings.forget(event.command)

    def _on_session_restored(self, event: events.SessionRestored) -> None:
        if self._hears("session_restored"):
            self._candidate = event.user
            self._step("session_restored")

    # -- outcomes ------------------------------------------------------------------------------

    def _on_authenticated(self, event: events.AuthenticationSucceeded) -> None:
        if event.generation == self._login and self._hears("authentication_succeeded"):
            self._candidate = event.user
            self._step("authentication_succeeded")

    def _on_login_outcome(self, event: Any) -> None:
        name = _LOGIN_OUTCOMES[type(event)]
        if event.generation == self._login and self._hears(name):
            self._details = getattr(event, "details", "")
            self._step(name)

    def _on_session_cleared(self, event: events.SessionCleared) -> None:
        if event.generation == self._clear and self._clear_answer is None:
            self._clear_answer = event.error or ""
            clearing, self._clearing = self._clearing, ()
            code = Code.SESSION_NOT_CLEARED if event.error else None
            for command in clearing:
                self._end(command, code)

    def _on_dial_succeeded(self, event: events.DialSucceeded) -> None:
        if event.generation == self._generation and self._hears("dial_succeeded"):
            self._pings.open(self._now)
            self._step("dial_succeeded")

    def _on_dial_failed(self, event: events.DialFailed) -> None:
        if event.generation != self._generation or not self._hears("dial_failed"):
            return
        status, wait = event.http_status, event.retry_after
        end = self.policy.end(status, event.close_code)
        if wait is not None and wait > 0 and status in self.policy.retry_after_statuses:
            self._not_before = self._now + min(wait, self.timings.retry_after_cap)  # B4
            end = End.LOSS  # "come back later" is no refusal, and no refresh may dial before then
        self._details = explain(event.details, status, event.close_code)
        self._step(_ENDS.get(end, "dial_failed"))

    def _on_socket_closed(self, event: events.SocketClosed) -> None:
        if event.generation == self._generation and self._hears("socket_closed"):
            code = event.code
            self._details = explain(event.details, None, code)
            end = self.policy.end(None, code)
            self._step("socket_closed" if end is _LOSS else _ENDS[end])

    def _on_refresh_succeeded(self, event: events.RefreshSucceeded) -> None:
        if event.generation == self._generation and self._hears("refresh_succeeded"):
            self._user = event.user
            self._out.append(effects.KeepUser(user=event.user))
            self._step("refresh_succeeded")

    def _on_refresh_failed(self, event: events.RefreshFailed) -> None:
        if event.generation == self._generation and self._hears("refresh_failed"):
            refused = f"{self._details}; " if self._details else ""  # why they were to be renewed
            self._details = refused + (event.details or "no new credentials")
            self._step("server_refused" if event.refused else "refresh_failed")

    # -- the socket ----------------------------------------------------------------------------

    def _on_frame(self, event: Any) -> None:
        if event.generation == self._generation:
            self._pings.frame(self._now)
            if "heartbeat" in self._deadlines:  # H1
                self._deadlines["heartbeat"] = self._now + self.timings.heartbeat_interval

    def _on_pong(self, event: events.PongReceived) -> None:
        if event.generation != self._generation:
            return
        self._on_frame(event)
        ping = self._pings.answer(event.payload)
        if ping is not None and ping.command is not None:
            self._end(ping.command, None, self._now - ping.written_at)
        if ping is not None and ping.own and not self._pings.own_out:
            self._step("own_pings_over")

    def _on_ping_written(self, event: events.PingWritten) -> None:
        if event.generation == self._generation:
            self._pings.written(event.payload, self._now)

    def _on_reading(self, event: Any) -> None:
        if event.generation == self._generation:
            self._pings.read(self._now, on=type(event) is events.ReadingResumed)

    def _on_throttling(self, event: Any) -> None:
        if event.generation == self._generation:
            started = type(event) is events.ThrottlingStarted
            self._step("throttling_started" if started else "throttling_ended")

    def _on_custom(self, event: events.Custom) -> None:
        self._step(event.name)


_LOSS = End.LOSS  # a member by its name costs a search
_ENDS = {End.AUTH: "credentials_denied", End.TERMINAL: "server_refused"}

_GIVEN_UP = {
    "authenticate": "authenticating took longer than auth_timeout",
    "save": "saving took longer than auth_timeout",
    "dial": "dialling took longer than dial_timeout",
    "refresh": "refreshing the credentials took longer than auth_timeout",
    "grace": "background_grace is over",
}
"""What a command's failure says when a timer caused it."""

_CALLED_OFF = {
    "login": "abandon_login",
    "disconnect": "abort_close",
    "logout": "abort_close",
    "shut_down": "abort_close",
}
"""What a caller's cancellation means beyond the end of its wait (C5)."""

_COMMANDS = {
    events.Logout: "logout",
    events.Connect: "connect",
    events.Disconnect: "disconnect",
}

_REPORTS = {
    events.EnterBackground: "enter_background",
    events.EnterForeground: "enter_foreground",
    events.NetworkLost: "network_lost",
    events.NetworkRestored: "network_restored",
}

_LOGIN_OUTCOMES = {
    events.AuthenticationFailed: "authentication_failed",
    events.SaveSucceeded: "save_succeeded",
    events.SaveFailed: "save_failed",
}

_OWN = frozenset(
    {
        *_COMMANDS.values(), *_REPORTS.values(), *_LOGIN_OUTCOMES.values(), *_CALLED_OFF.values(),
        *_ENDS.values(), *(f"{timer}_due" for timer in TIMERS),
        "authentication_succeeded", "dial_failed", "dial_succeeded", "login", "login_again",
        "overslept", "own_pings_over", "peer_silent", "ping", "refresh_failed", "refresh_succeeded",
        "send_message", "session_restored", "shut_down", "socket_closed", "throttling_ended",
        "throttling_started",
    }
)  # fmt: skip
"""The names by which the machine itself steps; a test holds them against the chart's events."""


def _command(name: str) -> _Intake:
    """Return how a command is taken in: it waits under its name."""
    return lambda machine, event: machine._step(name, event.command, name)


def _report(name: str) -> _Intake:
    """Return how a report is taken in: nobody waits."""
    return lambda machine, event: machine._step(name, event.command)


_INTAKE: Mapping[type, _Intake | None] = {
    events.Login: Machine._on_login,
    **{kind: _command(name) for kind, name in _COMMANDS.items()},
    events.Ping: Machine._on_ping,
    events.Send: Machine._on_send,
    events.ShutDown: Machine._on_shut_down,
    events.Cancel: Machine._on_cancel,
    **{kind: _report(name) for kind, name in _REPORTS.items()},
    events.SessionRestored: Machine._on_session_restored,
    events.AuthenticationSucceeded: Machine._on_authenticated,
    **dict.fromkeys(_LOGIN_OUTCOMES, Machine._on_login_outcome),
    events.SessionCleared: Machine._on_session_cleared,
    events.DialSucceeded: Machine._on_dial_succeeded,
    events.DialFailed: Machine._on_dial_failed,
    events.SocketClosed: Machine._on_socket_closed,
    events.RefreshSucceeded: Machine._on_refresh_succeeded,
    events.RefreshFailed: Machine._on_refresh_failed,
    events.FrameReceived: Machine._on_frame,
    events.PingWritten: Machine._on_ping_written,
    events.PongReceived: Machine._on_pong,
    events.ReadingPaused: Machine._on_reading,
    events.ReadingResumed: Machine._on_reading,
    events.ThrottlingStarted: Machine._on_throttling,
    events.ThrottlingEnded: Machine._on_throttling,
    events.TimePassed: None,
}
"""How each event is taken in; nothing but time only fires deadlines."""

"""What one row of the table does to a machine.

Gives each action name of the chart its meaning. Does not know when a row is taken: that is
`_machine`.
"""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from statemodel import effects
from statemodel._actions import TIMERS
from statemodel._held import Held
from statemodel._policy import backoff
from statemodel._prepared import prepare
from statemodel._record import maker
from statemodel._vocabulary import Code, Reason, StatusChange, User

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from statemodel._prepared import Cells
    from statemodel._table import Table

    Action = Callable[["Core"], object]

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

# What a machine makes all day long.
_change = maker(StatusChange)
_change_status = maker(effects.ChangeStatus)
_succeed = maker(effects.Succeed)
_fail = maker(effects.Fail)
_dial = maker(effects.Dial)
_close = maker(effects.Close)
_abort = maker(effects.Abort)
_send_ping = maker(effects.SendPing)


class Core(Held):
    """A connection's machine, a row at a time."""

    __slots__ = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._rows, self._embargoed = _rows(self.table)

    # -- one row -------------------------------------------------------------------------------

    def _hears(self, name: str) -> bool:
        """Say whether an answer or timer matters in this configuration (K2)."""
        row = self._rows[self._at].get(name)
        return row is None or not row.stale

    def _step(self, name: str, command: int | None = None, kind: str | None = None) -> bool:
        """Take the row of an event; return whether it was accepted.

        An accepted `command` waits as `kind` before the row's outcomes are settled, so that a row
        may end the very command that took it.
        """
        rows = self._rows if self._not_before <= self._now else self._embargoed
        row = rows[self._at].get(name)
        if row is not None and not row.accepted:
            if command is not None and row.refusal is not None:
                self._out.append(_fail(command=command, code=row.refusal))
            return False
        if kind is not None and command is not None:
            self._waiting[kind] = (*self._waiting.get(kind, ()), command)
        if row is not None:
            self._command = command
            self._at = row.target
            for act in row.actions:
                act(self)
            if row.reason is not None:
                self._announce(row.reason)
            for ended, failure in row.settled:
                if ended in self._waiting or ended == "ping":
                    self._settle(ended, failure)
        return True

    def _announce(self, reason: Reason) -> None:
        last, status = self._change, self.table.statuses[self._at]
        retry_in = self._retry_in(self._now)
        if last.reason is reason and last.current is status and last.retry_in == retry_in:
            return  # T2: nothing changed
        self._change = change = _change(
            sequence=last.sequence + 1,
            time=self._now,
            previous=last.current,
            current=status,
            reason=reason,
            retry_in=retry_in,
        )
        self._out.append(_change_status(change=change))

    def _settle(self, kind: str, code: Code | None) -> None:
        """End the commands of a kind; a logout that may end well waits for the store as well (S5)."""
        if kind == "ping":
            for command in self._pings.clear():
                self._end(command, code)
            return
        commands = self._waiting.pop(kind)
        if kind == "logout" and code is None:
            if self._clear_answer is None:
                self._clearing += commands
                return
            code = Code.SESSION_NOT_CLEARED if self._clear_answer else None
        for command in commands:
            self._end(command, code, self._user if kind == "login" else None)

    def _end(self, command: int, code: Code | None, value: User | float | None = None) -> None:
        if code is None:
            self._out.append(_succeed(command=command, value=value))
            return
        details = self._details if code in _EXPLAINED else ""
        if code is Code.SESSION_NOT_CLEARED:
            details = self._clear_answer or ""
        self._out.append(_fail(command=command, code=code, details=details))

    # -- actions -------------------------------------------------------------------------------

    def _start_retry(self) -> None:  # B1; B4 adds to it
        wait = backoff(self._failures, self._draw, self.timings)
        self._deadlines["retry"] = max(self._now, self._not_before) + wait

    def _start_embargo(self) -> None:  # B4
        self._deadlines["embargo"] = self._not_before

    def _start_heartbeat(self) -> None:  # H1: from the last frame or foreground, the later one
        since, now = self._pings.heard_at, self._now
        since = max(since, self._foreground_at)
        deadline = since + self.timings.heartbeat_interval
        # Put off by a probe that took longer, it is due now, and not slept through (H4, H5).
        self._deadlines["heartbeat"] = max(deadline, now)

    def _dial(self) -> None:
        self._generation += 1
        self._out.append(_dial(generation=self._generation, user=self._known_user()))

    def _refresh(self) -> None:
        self._generation += 1
        self._out.append(effects.Refresh(generation=self._generation, user=self._known_user()))

    def _known_user(self) -> User:
        assert self._user is not None, "S8: nobody dials without a user"
        return self._user

    def _close(self) -> None:
        self._out.append(_close(generation=self._generation))

    def _abort(self) -> None:
        self._out.append(_abort(generation=self._generation))
        self._generation += 1  # K2: whatever is still said of it is stale

    def _authenticate(self) -> None:
        assert self._credentials is not None, "S1: a login brings credentials"
        self._login += 1
        self._out.append(
            effects.Authenticate(generation=self._login, credentials=self._credentials)
        )
        self._credentials = None

    def _save(self) -> None:
        assert self._candidate is not None, "S1: authentication brings a user"
        self._out.append(effects.Save(generation=self._login, user=self._candidate))

    def _cancel_login(self) -> None:
        self._out.append(effects.CancelLogin(generation=self._login))
        self._login += 1  # K2
        self._candidate = None

    def _adopt_user(self) -> None:
        self._user, self._candidate = self._candidate, None

    def _drop_user(self) -> None:
        self._user = None

    def _clear_store(self) -> None:
        self._clear += 1
        self._clear_answer = None
        self._out.append(effects.Clear(generation=self._clear))

    def _ping(self) -> None:
        self._send(self.timings.pong_timeout, self._command, own=False)

    def _heartbeat(self) -> None:
        self._send(self.timings.pong_timeout, None, own=True)

    def _probe(self) -> None:
        self._send(self.timings.probe_timeout, None, own=True)

    def _send(self, limit: float, command: int | None, *, own: bool) -> None:
        payload = self._pings.send(self._now, limit, command, own=own)
        self._out.append(_send_ping(generation=self._generation, payload=payload, command=command))

    def _count_failure(self) -> None:
        self._failures += 1

    def _forget_failures(self) -> None:
        self._failures = 0

    def _discard_unread(self) -> None:
        self._out.append(effects.DiscardUnread())

    def _note_foreground(self) -> None:
        self._foreground_at = self._now


def _custom(name: str) -> Action:
    """Return the action of an added region."""
    return lambda core: core._out.append(effects.Custom(name=name))


def _start(timer: str, setting: str) -> Action:
    """Return the action that starts a timer for a setting's time."""
    length = attrgetter(setting)

    def start(core: Core) -> None:
        core._deadlines[timer] = core._now + length(core.timings)

    return start


def _stop(timer: str) -> Action:
    """Return the action that stops a timer, if it runs."""
    return lambda core: core._deadlines.pop(timer, None)


def _rows(table: Table) -> tuple[Cells[Core], Cells[Core]]:
    """Return a table's rows ready to be taken: as they are, and while an embargo is on (B4)."""
    if "rows" not in table.prepared:
        table.prepared["rows"] = prepare(table, lambda name: _ACTIONS.get(name) or _custom(name))
    rows: tuple[Cells[Core], Cells[Core]] = table.prepared["rows"]
    return rows


_ACTIONS: Mapping[str, Action] = {
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
    "send_heartbeat": Core._heartbeat,
    "send_ping": Core._ping,
    "send_probe": Core._probe,
    "start_embargo": Core._start_embargo,
    "start_heartbeat": Core._start_heartbeat,
    "start_retry": Core._start_retry,
    **{f"start_{timer}": _start(timer, setting) for timer, setting in _LENGTHS.items()},
    **{f"stop_{timer}": _stop(timer) for timer in TIMERS},
}
"""What each action name means; a test holds this against the names that a chart may use."""

"""Taking one row of the table, and what it asks a machine for that is more than a line of `_rows`.

Does not know when a row is taken: that is `_machine`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from statemodel import effects
from statemodel._held import Held
from statemodel._policy import backoff
from statemodel._record import maker
from statemodel._rows import row_function
from statemodel._vocabulary import Code, User

if TYPE_CHECKING:
    from collections.abc import Callable

    from statemodel._rows import Taken
    from statemodel._table import Table

    Rows = list[dict[str, Taken]]

_EXPLAINED = {
    Code.AUTHENTICATION_FAILED,
    Code.SESSION_NOT_SAVED,
    Code.CONNECTION_LOST,
    Code.CONNECTION_REFUSED,
}
"""Failures whose details are those of the end that caused them."""

# What a machine makes all day long, beside what its rows make.
_succeed: Callable[[int, User | float | None], effects.Succeed] = maker(effects.Succeed)
_fail: Callable[..., effects.Fail] = maker(effects.Fail)
_send_ping: Callable[[int, bytes, int | None], effects.SendPing] = maker(effects.SendPing)

_SESSION_NOT_CLEARED = Code.SESSION_NOT_CLEARED  # a member by its name costs a search


class Core(Held):
    """A connection's machine, a row at a time."""

    __slots__ = ()

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._rows, self._embargoed = _rows(self.table)

    # -- one row -------------------------------------------------------------------------------

    def _hears(self, name: str) -> bool:
        """Say whether an answer or timer matters in this configuration (K2)."""
        return name not in self.table.stale[self._at]

    def _step(self, name: str, command: int | None = None, kind: str | None = None) -> bool:
        """Take the row of an event; return whether it was accepted.

        An accepted `command` waits as `kind` before the row's outcomes are settled, so that a row
        may end the very command that took it.
        """
        rows = self._rows if self._not_before <= self._now else self._embargoed
        try:
            row = rows[self._at][name]
        except KeyError:
            embargoed = rows is self._embargoed
            row = row_function(self.table, self._at, name, embargoed=embargoed)
            rows[self._at][name] = row
        return row(self, command, kind)

    def _refuse(self, command: int | None, code: Code) -> bool:
        if command is not None:
            self._out.append(_fail(command, code))
        return False

    def _end_logout(self) -> None:
        """End the logouts well; each waits for the store's answer as well (S5)."""
        commands = self._waiting.pop("logout")
        if self._clear_answer is None:
            self._clearing += commands
            return
        for command in commands:
            self._end(command, _SESSION_NOT_CLEARED if self._clear_answer else None)

    def _end_pings(self, code: Code | None) -> None:
        for command in self._pings.clear():
            self._end(command, code)

    def _end(self, command: int, code: Code | None, value: User | float | None = None) -> None:
        if code is None:
            self._out.append(_succeed(command, value))
            return
        details = self._details if code in _EXPLAINED else ""
        if code is _SESSION_NOT_CLEARED:
            details = self._clear_answer or ""
        self._out.append(_fail(command, code, details))

    # -- actions -------------------------------------------------------------------------------

    def _start_retry(self) -> None:  # B1; B4 adds to it
        wait = backoff(self._failures, self._draw, self.timings)
        now, after = self._now, self._not_before
        since = after if after > now else now  # noqa: FURB136 - `max` takes several times as long
        self._deadlines["retry"] = since + wait

    def _start_heartbeat(self) -> None:  # H1: from the last frame or foreground, the later one
        heard, shown, now = self._pings.heard_at, self._foreground_at, self._now
        since = shown if shown > heard else heard  # noqa: FURB136 - as above
        due = since + self.timings.heartbeat_interval
        # Put off by a probe that took longer, it is due now, and not slept through (H4, H5).
        self._deadlines["heartbeat"] = now if now > due else due  # noqa: FURB136 - as above

    def _refresh(self) -> None:
        self._generation += 1
        assert self._user is not None, "S8: nobody dials without a user"
        self._out.append(effects.Refresh(generation=self._generation, user=self._user))

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

    def _clear_store(self) -> None:
        self._clear += 1
        self._clear_answer = None
        self._out.append(effects.Clear(generation=self._clear))

    def _ping(self, command: int | None) -> None:
        self._send(self.timings.pong_timeout, command, own=False)

    def _heartbeat(self) -> None:
        self._send(self.timings.pong_timeout, None, own=True)

    def _probe(self) -> None:
        self._send(self.timings.probe_timeout, None, own=True)

    def _send(self, limit: float, command: int | None, *, own: bool) -> None:
        payload = self._pings.send(self._now, limit, command, own=own)
        self._out.append(_send_ping(self._generation, payload, command))

    def _custom(self, name: str) -> None:  # of an added region
        self._out.append(effects.Custom(name=name))


def _rows(table: Table) -> tuple[Rows, Rows]:
    """Return where a table's rows are, and those while an embargo is on (B4); each comes when it is first taken."""
    if "rows" not in table.prepared:
        table.prepared["rows"] = tuple([{} for _ in table.configurations] for _ in range(2))
    rows: tuple[Rows, Rows] = table.prepared["rows"]
    return rows

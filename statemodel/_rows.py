"""The rows of a table as functions, each written and compiled when it is first taken.

A row is what the chart says of one event in one configuration: actions, a status, the ends of calls. To look up
each and to call a function for it takes longer than most of them do. So a row becomes Python, a few lines for
each of its parts and none for what it has not, as `dataclass` does with fields. What is longer, rare, or asks
anything is a method of the machine, `Core`, which is called.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias

from statemodel import effects
from statemodel._actions import TIMERS
from statemodel._record import making, open_class
from statemodel._table import Disposition
from statemodel._vocabulary import Code, Reason, Status, StatusChange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from statemodel._table import Row, Step, Table

Taken: TypeAlias = "Callable[[Any, int | None, str | None], bool]"
"""Takes a row for a machine: with the event's command, and as what that waits; returns whether it was accepted."""

_IN = "    "

LENGTHS = {
    "grace": "background_grace",
    "authenticate": "auth_timeout",
    "save": "auth_timeout",
    "dial": "dial_timeout",
    "refresh": "auth_timeout",
    "close": "close_timeout",
    "stable": "stable_after",
}
"""The timers that run for a setting's time; the others have a rule of their own in `Core`."""

_MADE = (
    effects.Abort,
    effects.ChangeStatus,
    effects.Close,
    effects.Dial,
    effects.Succeed,
    StatusChange,
)
_NAMES: dict[str, Any] = {
    **{f"{type(it).__name__}_{it.name}": it for it in (*Code, *Reason, *Status)},
    **{kind.__name__: kind for kind in _MADE},
    **{f"Open{kind.__name__}": open_class(kind) for kind in _MADE},
    "DISCARD_UNREAD": effects.DiscardUnread(),
}
"""What the lines name beside the machine. A member of an enumeration costs a search by its own name."""


def start(timer: str, setting: str) -> str:
    """Return the action that starts a timer for a setting's time."""
    return f"deadlines[{timer!r}] = now + core.timings.{setting}"


def _stop(timer: str) -> str:
    return f"if {timer!r} in deadlines: del deadlines[{timer!r}]"


def _put_out(kind: str, **values: str) -> str:
    """Return the lines that make an effect and put it out."""
    return f"{making('effect', kind, **values)}\nout.append(effect)"


_DIAL = f"""\
user = core._user
assert user is not None, "S8: nobody dials without a user"
core._generation += 1
{_put_out("Dial", generation="core._generation", user="user")}"""

_ABORT = f"""\
{_put_out("Abort", generation="core._generation")}
core._generation += 1  # K2: whatever is still said of it is stale"""

ACTIONS: Mapping[str, str] = {
    "abort": _ABORT,
    "adopt_user": "core._user, core._candidate = core._candidate, None",
    "authenticate": "core._authenticate()",
    "cancel_login": "core._cancel_login()",
    "clear": "core._clear_store()",
    "close": _put_out("Close", generation="core._generation"),
    "count_failure": "core._failures += 1",
    "dial": _DIAL,
    "discard_unread": "out.append(DISCARD_UNREAD)",
    "drop_user": "core._user = None",
    "forget_failures": "core._failures = 0",
    "note_foreground": "core._foreground_at = now",
    "refresh": "core._refresh()",
    "save": "core._save()",
    "send_heartbeat": "core._heartbeat()",
    "send_ping": "core._ping(command)",
    "send_probe": "core._probe()",
    "start_embargo": "deadlines['embargo'] = core._not_before",  # B4
    "start_heartbeat": "core._start_heartbeat()",
    "start_retry": "core._start_retry()",
    **{f"start_{timer}": start(timer, setting) for timer, setting in LENGTHS.items()},
    **{f"stop_{timer}": _stop(timer) for timer in TIMERS},
}
"""What each action name means, as lines; a test holds this against the names that a chart may use."""

_WAIT = """\
if kind is not None and command is not None:
    waiting = core._waiting
    waiting[kind] = (*waiting[kind], command) if kind in waiting else (command,)"""

_MOVE = """\
now = core._now
deadlines = core._deadlines
out = core._out
core._at = target"""

_TELL = """\
last = core._change
retry_in = core._retry_in(now) if "retry" in deadlines or "embargo" in deadlines else None
if last.reason is not {reason} or last.current is not {status} or last.retry_in != retry_in:  # T2
{told}"""

_END = """\
if {kind!r} in core._waiting:
    for call in core._waiting.pop({kind!r}):
{end}"""


def row_function(table: Table, at: int, event: str, *, embargoed: bool) -> Taken:
    """Return one row as a function.

    Args:
        table: Of which; an event that it does not know is ignored.
        at: The configuration.
        event: The event.
        embargoed: Whether the server's Retry-After is running (B4).
    """
    row = table.row(at, event, embargoed=embargoed) if event in table.events else None
    target = at if row is None else row.target
    return _compiled(row_text(row, table.statuses[target]))(target)


def row_text(row: Row | None, status: Status) -> str:
    """Return the text of a row, but for its target: most are alike.

    Args:
        row: Which; `None` for an event that the table does not know.
        status: That of its target.
    """
    if row is None or row.disposition is Disposition.IGNORED:
        parts = [_WAIT, "return True"]
    elif row.disposition is Disposition.STALE:
        parts = ["return False"]
    elif row.disposition is Disposition.REFUSED:
        parts = [f"return core._refuse(command, {_name(row.code)})"]
    else:
        parts = [_WAIT, *_done(row.step, status), "return True"]
    body = _indented("\n".join(parts), 2)
    return f"def to(target):\n    def row(core, command, kind):\n{body}\n    return row"


@cache
def _compiled(text: str) -> Callable[[int], Taken]:
    """Compile a row; what is returned takes its target."""
    scope: dict[str, Any] = {}
    exec(text, _NAMES, scope)  # noqa: S102 - of the table's names alone
    to: Callable[[int], Taken] = scope["to"]
    return to


def _done(step: Step, status: Status) -> Iterator[str]:
    """Yield what is done in a row that is handled."""
    yield _MOVE
    for action in step.actions:
        yield ACTIONS.get(action) or f"core._custom({action!r})"
    if step.reason is not None:
        yield _told(status, step.reason)
    for kind, code in step.settled:
        yield _end(kind, code)


def _told(status: Status, reason: Reason) -> str:
    """Return the lines that tell a status, unless nothing changed."""
    change = making(
        "change",
        "StatusChange",
        sequence="last.sequence + 1",
        time="now",
        previous="last.current",
        current=_name(status),
        reason=_name(reason),
        retry_in="retry_in",
    )
    put = _put_out("ChangeStatus", change="change")
    told = _indented(f"{change}\ncore._change = change\n{put}", 1)
    return _TELL.format(reason=_name(reason), status=_name(status), told=told)


def _end(kind: str, code: Code | None) -> str:
    """Return the lines that end the calls of a kind."""
    if kind == "ping":
        return f"if core._pings._out: core._end_pings({_name(code)})"
    if kind == "logout" and code is None:
        return "if 'logout' in core._waiting: core._end_logout()"
    value = "core._user" if kind == "login" else "None"
    well = _put_out("Succeed", command="call", value=value)
    end = well if code is None else f"core._end(call, {_name(code)})"
    return _END.format(kind=kind, end=_indented(end, 2))


def _indented(lines: str, depth: int) -> str:
    return "\n".join([f"{_IN * depth}{line}" for line in lines.split("\n")])


def _name(it: Code | Reason | Status | None) -> str:
    return "None" if it is None else f"{type(it).__name__}_{it.name}"

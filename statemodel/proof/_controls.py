"""The controls: charts and meanings that are wrong on purpose, and the theorem that must fall.

A proof that holds of everything proves nothing. Each control changes one thing, and says which
theorem `prove` then has to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias

from statemodel._table import Step, Table
from statemodel.proof._prove import Prover
from statemodel.proof._results import Theorem
from statemodel.proof._steps import Meaning
from statemodel.proof._theorems import STATEMENTS


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """One wrong chart or meaning."""

    name: str
    """A word for it."""
    change: str
    """What is changed, in plain words."""
    theorem: str
    """The theorem that must fall."""
    table: Table
    """The table with the change in it, or as it was if only a meaning changes."""
    meaning: Meaning
    """What the actions mean."""

    def run(self) -> Theorem:
        """Try to prove the theorem of the changed table; what comes back must not hold.

        Raises:
            MissingExtra: z3 is not installed.
            InvalidChart: the table lacks what the proof speaks of.
        """
        statement = next(each for each in STATEMENTS if each.name == self.theorem)
        return Prover(self.table, self.meaning).theorem(statement)


_Edit: TypeAlias = Callable[[frozenset[str], str, tuple[str, ...]], tuple[str, ...] | None]
"""From the states before a row, its event and its actions to other actions; `None`: no row."""


def controls(table: Table | None = None) -> tuple[Control, ...]:
    """Return the controls.

    Args:
        table: The table to change; by default that of `ConnectionChart`.
    """
    if table is None:
        from statemodel._connection_table import TABLE  # noqa: PLC0415 - only where it is used

        table = TABLE
    return (*_of_meaning(table), *_of_rows(table))


def _of_meaning(table: Table) -> Iterable[Control]:
    for name, change, theorem, meaning in (
        (
            "grace_a_second_late",
            "the grace deadline is one second later than `background_grace`",
            "grace_at_most",
            Meaning(late={"grace": 1.0}),
        ),
        (
            "grace_a_second_early",
            "the grace deadline is one second earlier than `background_grace`",
            "grace_at_least",
            Meaning(late={"grace": -1.0}),
        ),
        (
            "close_for_a_dial",
            "a close may take `dial_timeout`",
            "close_at_most",
            Meaning(lengths={**Meaning().lengths, "close": "dial_timeout"}),
        ),
        (
            "back_off_not_capped",
            "the wait before a retry doubles beyond `backoff_cap`",
            "retry_is_drawn",
            Meaning(capped=False),
        ),
        (
            "retry_before_the_server_says",
            "the wait before a retry begins at the failure, although a Retry-After still runs",
            "retry_is_drawn",
            Meaning(waits_for_server=False),
        ),
        (
            "denied_and_told_to_wait",
            "a refusal of the credentials may bring a Retry-After, and the dial after the refresh "
            "does not ask for it",
            "server_wait_is_kept",
            Meaning(told_when_denied=True),
        ),
    ):
        yield Control(name=name, change=change, theorem=theorem, table=table, meaning=meaning)


def _of_rows(table: Table) -> Iterable[Control]:
    for name, change, theorem, edit in _EDITS:
        edited = _edited(table, edit)
        yield Control(name=name, change=change, theorem=theorem, table=edited, meaning=Meaning())
    yield Control(
        name="embargo_not_asked_for",
        change="no row asks whether the server's Retry-After still runs",
        theorem="server_wait_is_kept",
        table=replace(table, embargoed=tuple({} for _ in table.embargoed)),
        meaning=Meaning(),
    )

    yield Control(
        name="restless_heartbeat",
        change="a heartbeat that is due only starts its timer again, from the last frame",
        theorem="time_goes_on",
        table=_restless(table),
        meaning=Meaning(),
    )


def _restless(table: Table) -> Table:
    """Return a table that, where it listens, stays there when the heartbeat is due."""
    again = len(table.steps)
    handled = tuple(
        {**rows, "heartbeat_due": (number, again)} if "listening" in states else rows
        for number, (rows, states) in enumerate(zip(table.handled, table.active, strict=True))
    )
    step = Step(("stop_heartbeat", "start_heartbeat"), (), None)
    return replace(table, steps=(*table.steps, step), handled=handled)


def _edited(table: Table, edit: _Edit) -> Table:
    """Return a table with other actions in some rows, and without some rows."""
    steps = list(table.steps)

    def cells(
        configuration: int, rows: Mapping[str, tuple[int, int]]
    ) -> dict[str, tuple[int, int]]:
        changed = {}
        for event, (target, index) in rows.items():
            step = steps[index]
            actions = edit(table.active[configuration], event, step.actions)
            if actions == step.actions:
                changed[event] = target, index
            elif actions is not None:
                changed[event] = target, len(steps)
                steps.append(Step(actions, step.settled, step.reason))
        return changed

    handled = tuple(cells(number, rows) for number, rows in enumerate(table.handled))
    embargoed = tuple(cells(number, rows) for number, rows in enumerate(table.embargoed))
    return replace(table, steps=tuple(steps), handled=handled, embargoed=embargoed)


def _without(actions: tuple[str, ...], *unwished: str) -> tuple[str, ...]:
    return tuple(action for action in actions if action not in unwished)


def _never(action: str) -> _Edit:
    """Return the edit after which nothing does an action any more."""
    return lambda _, __, actions: _without(actions, action)


def _unheard(event: str) -> _Edit:
    """Return the edit after which nothing happens at an event."""
    return lambda _, seen, actions: None if seen == event else actions


def _idle_ping(_: frozenset[str], event: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    return _without(actions, "stop_grace", "start_grace") if event == "ping" else actions


def _early_ping(states: frozenset[str], event: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    if event == "ping" and {"manual", "foreground", "connected"} <= states:
        return (*actions, "start_grace")
    return _without(actions, "start_grace") if event == "enter_background" else actions


def _unopened(_: frozenset[str], event: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    return actions if event == "ping" else _without(actions, "start_grace")


def _paying_connect(
    states: frozenset[str], event: str, actions: tuple[str, ...]
) -> tuple[str, ...]:
    if event == "connect" and {"window", "connected"} <= states:
        return (*actions, "stop_grace", "start_grace")
    return actions


def _lasting_window(_: frozenset[str], event: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    return _without(actions, "stop_grace") if event == "enter_foreground" else actions


def _forgetful(_: frozenset[str], event: str, actions: tuple[str, ...]) -> tuple[str, ...]:
    return (*actions, "forget_failures") if event == "dial_succeeded" else actions


_EDITS: tuple[tuple[str, str, str, _Edit], ...] = (
    ("idle_ping", "a ping in background moves no deadline", "grace_at_least", _idle_ping),
    (
        "early_ping",
        "a ping in foreground pays: it starts the window that the background then finds running",
        "grace_at_least",
        _early_ping,
    ),
    (
        "paying_connect",
        "a connect with an open socket in background pays like a ping",
        "grace_at_most",
        _paying_connect,
    ),
    (
        "window_not_ended",
        "nothing happens at the grace deadline",
        "grace_at_most",
        _unheard("grace_due"),
    ),
    ("window_not_opened", "the background starts no grace timer", "grace_at_most", _unopened),
    (
        "window_not_left",
        "entering the foreground leaves the grace timer running",
        "foreground_ends_the_window",
        _lasting_window,
    ),
    ("dial_without_limit", "no dial timer is started", "dial_at_most", _never("start_dial")),
    (
        "refresh_without_limit",
        "no refresh timer is started",
        "attempt_at_most",
        _never("start_refresh"),
    ),
    ("close_without_limit", "no close timer is started", "close_at_most", _never("start_close")),
    (
        "forgetful",
        "the failure count goes back at each opening",
        "failures_are_counted",
        _forgetful,
    ),
    ("deaf_retry", "nothing happens when a retry is due", "time_goes_on", _unheard("retry_due")),
)

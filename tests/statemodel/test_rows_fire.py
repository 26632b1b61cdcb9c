"""Every row of the table fires, or is impossible in time for a reason that is written down."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from statemodel import Credentials, Machine, Mode, Timings, User, events
from statemodel._connection_table import TABLE

ALICE = User(uid="alice")


class Recording(dict):
    """The cells of one configuration, which note themselves when they are looked up and taken."""

    def __init__(self, cells: Any, configuration: int, fired: set[tuple[int, str]]) -> None:
        super().__init__(cells)
        self.configuration, self.fired = configuration, fired

    def get(self, event: str, default: Any = None) -> Any:
        if event in self:
            self.fired.add((self.configuration, event))
        return super().get(event, default)


def inputs(machine: Machine) -> Iterator[events.Event]:
    """Everything that could happen to a machine now, with the generations that it listens to."""
    generation, login = machine.generation, machine._login
    yield events.Login(command=1, credentials=Credentials(uid="alice"))
    for command in (events.Logout, events.Connect, events.Disconnect, events.Ping, events.Send):
        yield command(command=2)
    yield events.ShutDown(command=3)
    for command_number in sorted(machine.waiting)[:2]:
        yield events.Cancel(command=command_number)
    yield events.EnterBackground()
    yield events.EnterForeground()
    yield events.NetworkLost()
    yield events.NetworkRestored()
    yield events.SessionRestored(user=ALICE)
    yield events.AuthenticationSucceeded(generation=login, user=ALICE)
    yield events.AuthenticationFailed(generation=login)
    yield events.SaveSucceeded(generation=login)
    yield events.SaveFailed(generation=login)
    yield events.DialSucceeded(generation=generation)
    yield events.DialFailed(generation=generation)
    yield events.DialFailed(generation=generation, http_status=401)
    yield events.DialFailed(generation=generation, http_status=503, retry_after=20)
    yield events.DialFailed(generation=generation, close_code=1008)
    for code in (1000, 4401, 1008):
        yield events.SocketClosed(generation=generation, code=code)
    yield events.RefreshSucceeded(generation=generation, user=ALICE)
    yield events.RefreshFailed(generation=generation)
    yield events.RefreshFailed(generation=generation, refused=True)
    yield events.FrameReceived(generation=generation)
    yield events.ThrottlingStarted(generation=generation)
    yield events.ThrottlingEnded(generation=generation)
    for payload in list(machine._pings._out)[:2]:
        yield events.PongReceived(generation=generation, payload=payload)


def explore(timings: Timings) -> set[tuple[int, str]]:
    """Return the cells (configuration, event) that fire in a search over inputs and times."""
    fired: set[tuple[int, str]] = set()
    table = replace(
        TABLE, handled=tuple(Recording(row, i, fired) for i, row in enumerate(TABLE.handled))
    )
    seen: dict[int, list[Any]] = {}
    pending: deque[tuple[Machine, float]] = deque(
        (Machine(mode=m, foreground=f, online=o, timings=timings, table=table), 0.0)
        for m in Mode
        for f in (True, False)
        for o in (True, False)
    )
    while pending:
        machine, now = pending.popleft()
        known = seen.setdefault(machine._at, [])
        kind = _kind(machine, now)
        if kind in known:
            continue
        known.append(kind)
        for step, at in _moves(machine, now):
            branch = machine.copy()
            branch.handle(step, at, 0.9)
            pending.append((branch, at))
    return fired


def _moves(machine: Machine, now: float) -> Iterator[tuple[events.Event, float]]:
    due = machine.next_deadline
    for event in inputs(machine):
        yield event, now
    if due is not None:
        yield events.TimePassed(), max(now, due)
        yield events.TimePassed(), max(now, due) + 5.0  # slept through
        for at in ((now + due) / 2, due - 0.5):
            for event in inputs(machine) if at > now else ():
                yield event, at


def _kind(machine: Machine, now: float) -> Any:
    """What tells two machines of one configuration apart, as far as the next rows go."""
    deadlines = [(deadline, name) for name, deadline in machine.timers.items()]
    deadlines += [(ping.deadline, "ping") for ping in machine._pings._out.values()][:2]
    return (
        tuple(name for _, name in sorted(deadlines)),
        machine._not_before > now,
        tuple(kind for kind in sorted(machine._waiting) if machine._waiting[kind]),
    )


IMPOSSIBLE = (
    # where, which events, the inequality that keeps them from firing there, and why
    (
        {"closing"},
        {"authenticate_due", "save_due"},
        lambda t: t.close_timeout < t.auth_timeout,
        "the login began after the closing, which is over first",
    ),
    (
        {"fresh", "connecting", "window"},
        {"grace_due"},
        lambda t: t.dial_timeout < t.background_grace,
        "the dial began no later than the window, and is over first",
    ),
    (
        {"renewed", "listening"},
        {"heartbeat_due", "overslept", "peer_silent"},
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "by the time that a ping or heartbeat is due, they are no longer renewed",
    ),
    (
        {"renewed", "resting", "connected"},
        {"overslept", "peer_silent"},
        lambda t: t.stable_after <= t.pong_timeout,
        "likewise for a ping of the application in background",
    ),
    (
        {"renewed", "probing", "window"},
        {"grace_due"},
        lambda t: t.probe_timeout < t.background_grace and t.stable_after <= t.pong_timeout,
        "the probe began before the window (no ping can be slept through), and is over first",
    ),
    (
        {"auto", "renewed", "probing"},
        None,
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "in auto mode only a heartbeat, or a ping slept through, leads to a probe",
    ),
    (
        {"auto", "fresh", "probing"},
        {"stable_due"},
        lambda t: t.stable_after <= min(t.pong_timeout, t.heartbeat_interval),
        "likewise: the connection has been stable by then",
    ),
)


def _impossible(states: frozenset[str], event: str, t: Timings) -> str | None:
    """Return why a cell cannot fire at these settings, if so."""
    for where, which, inequality, why in IMPOSSIBLE:
        if where <= states and (which is None or event in which) and inequality(t):
            return why
    return None


def test_every_row_fires_or_is_impossible_in_time():
    """At the default settings, each handled cell fires in the search or has an inequality."""
    timings = Timings()
    fired = explore(timings)

    # What is listed as impossible must not fire after all.
    wrong = [c for c in fired if _impossible(TABLE.active[c[0]], c[1], timings)]
    assert wrong == []

    missing = [
        (TABLE.configurations[at], event)
        for at, row in enumerate(TABLE.handled)
        for event in row
        if (at, event) not in fired and _impossible(TABLE.active[at], event, timings) is None
    ]
    assert missing == []

"""The machine in every reachable configuration, given every event: it never raises, and refuses well.

How each configuration is reached: `_walk` goes breadth first over machines, from the eight
starts, by `handle` alone. At each machine it tries every kind of event with the generations that
the machine's own effects carried, a few variants of each (which end, with or without Retry-After),
and, as time, every armed deadline on time and far too late. The first machine found represents its
configuration, one for each answer to "is an embargo running" and "does a command wait". In auto
mode a ping of the library's own meets renewed credentials only if `stable_after` is above
`heartbeat_interval`, so there are two walks, and one has that.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from itertools import product
from typing import Any, get_args

import pytest

from statemodel import (
    Credentials,
    Disposition,
    InvalidInput,
    Machine,
    Mode,
    Row,
    Timings,
    User,
    effects,
    events,
)
from statemodel._actions import ACTIONS, TIMERS
from statemodel._connection_table import TABLE
from statemodel._machine import WAKE_TOLERANCE
from statemodel._rows import ACTIONS as LINES

ANN = User(uid="ann", auth_token="a")
COMMAND = 1_000_000
"""A command number that no walk has used."""

CHART_EVENT = {
    events.Logout: "logout",
    events.Connect: "connect",
    events.Disconnect: "disconnect",
    events.Ping: "ping",
    events.Send: "send_message",
    events.ShutDown: "shut_down",
    events.EnterBackground: "enter_background",
    events.EnterForeground: "enter_foreground",
    events.NetworkLost: "network_lost",
    events.NetworkRestored: "network_restored",
}
REPORTS = list(CHART_EVENT)[-4:]
COMMANDS = [events.Login, *list(CHART_EVENT)[:-4]]


@dataclass(frozen=True)
class Seen:
    """A machine, the time, and what an adapter would remember of its effects."""

    machine: Machine
    now: float = 0.0
    login: int = 0
    clear: int = 0
    payload: bytes = b"none"
    embargo: float = -math.inf

    @property
    def at(self) -> int:
        """The index of the configuration."""
        return TABLE.active.index(self.machine.configuration)

    @property
    def embargoed(self) -> bool:
        """Whether the server's Retry-After is still running."""
        return self.embargo > self.now

    @property
    def key(self) -> tuple[int, bool, bool]:
        """What tells one representative from another."""
        return self.at, self.embargoed, bool(self.machine.waiting)

    def after(self, event: events.Event, now: float) -> Seen:
        """Return what there is after one event on a copy; the original stays as it is."""
        machine = self.machine.copy()
        known: dict[str, Any] = {}
        dialling = "connecting" in machine.configuration
        if dialling and isinstance(event, events.DialFailed) and event.retry_after is not None:
            known["embargo"] = now + event.retry_after
        for effect in machine.handle(event, now, 0.5):
            match effect:
                case effects.Authenticate(generation=generation):
                    known["login"] = generation
                case effects.Clear(generation=generation):
                    known["clear"] = generation
                case effects.SendPing(payload=payload):
                    known["payload"] = payload
        return replace(self, machine=machine, now=now, **known)


def _events(seen: Seen, command: int = COMMAND, shift: int = 0) -> Iterator[events.Event]:
    """Yield every event, in each variant; with a shift, only those with a generation, off by it."""
    link, login, clear = (
        number + shift for number in (seen.machine.generation, seen.login, seen.clear)
    )
    if not shift:
        for uid in ("ann", "bob"):
            yield events.Login(command=command, credentials=Credentials(uid=uid))
        for kind in (*CHART_EVENT, events.Cancel):
            yield kind(command=command)
        for report in REPORTS:
            yield report()
        for waiting in sorted(seen.machine.waiting):
            yield events.Cancel(command=waiting)
        yield events.SessionRestored(user=ANN)
        yield events.TimePassed()
    yield events.AuthenticationSucceeded(generation=login, user=ANN)
    yield events.AuthenticationFailed(generation=login, details="no")
    yield events.SaveSucceeded(generation=login)
    yield events.SaveFailed(generation=login)
    yield events.SessionCleared(generation=clear)
    yield events.SessionCleared(generation=clear, error="disk full")
    yield events.DialSucceeded(generation=link)
    yield events.DialFailed(generation=link)
    yield events.DialFailed(generation=link, http_status=401)
    yield events.DialFailed(generation=link, http_status=503, retry_after=50.0)
    yield events.DialFailed(generation=link, close_code=1002)
    for code in (1000, 1006, 1008, 4401):
        yield events.SocketClosed(generation=link, code=code)
    yield events.RefreshSucceeded(generation=link, user=replace(ANN, auth_token="new"))
    yield events.RefreshFailed(generation=link)
    yield events.RefreshFailed(generation=link, refused=True)
    yield events.FrameReceived(generation=link)
    yield events.PingWritten(generation=link, payload=seen.payload)
    yield events.PongReceived(generation=link, payload=seen.payload)
    yield events.PongReceived(generation=link, payload=b"of nobody")
    yield events.ReadingPaused(generation=link)
    yield events.ReadingResumed(generation=link)
    yield events.ThrottlingStarted(generation=link)
    yield events.ThrottlingEnded(generation=link)


def _moments(seen: Seen) -> list[float]:
    """Return when the deadlines are due, and a little and much too late for each."""
    dues = {*seen.machine.timers.values(), seen.machine.next_deadline} - {None}
    return sorted(due + late for due in dues for late in (0.0, WAKE_TOLERANCE / 2, 2.0))


def _walk(timings: Timings) -> dict[tuple[int, bool, bool], Seen]:
    found: dict[tuple[int, bool, bool], Seen] = {}
    pending = deque(
        Seen(Machine(mode=mode, timings=timings, foreground=foreground, online=online))
        for mode, foreground, online in product(Mode, (True, False), (True, False))
    )
    number = 0
    while pending:
        seen = pending.popleft()
        if seen.key in found:
            continue
        found[seen.key] = seen
        number += 1
        pending += [seen.after(event, seen.now) for event in _events(seen, number)]
        pending += [seen.after(events.TimePassed(), now) for now in _moments(seen)]
    return found


FOUND = _walk(Timings(stable_after=60.0)) | _walk(Timings())
EVERYWHERE = pytest.mark.parametrize(
    "seen",
    FOUND.values(),
    ids=[
        " ".join(TABLE.configurations[at]) + " EMBARGOED" * embargoed + " BUSY" * busy
        for at, embargoed, busy in FOUND
    ],
)


def _row(seen: Seen, event: events.Event) -> Row:
    name = CHART_EVENT.get(type(event))
    if name is None:
        assert isinstance(event, events.Login)
        user = seen.machine.user
        same = user is not None and user.uid == event.credentials.uid
        name = "login_again" if same else "login"
    return TABLE.row(seen.at, name, embargoed=seen.embargoed)


def _asked(seen: Seen) -> Iterator[events.Event]:
    """Yield the commands, and the reports with a command: what can be refused to somebody."""
    for event in _events(seen):
        if isinstance(event, (events.Login, *CHART_EVENT)) and event.command is not None:
            yield event


def test_every_configuration_of_the_table_is_reached_by_real_events() -> None:
    """The machine reaches exactly the configurations that the table lists."""
    assert {seen.at for seen in FOUND.values()} == set(range(len(TABLE.configurations)))


def test_every_kind_of_event_is_tried() -> None:
    """The events tried below are all the kinds there are, apart from `Custom`."""
    seen = next(iter(FOUND.values()))
    assert {*map(type, _events(seen)), events.Custom} == set(get_args(events.Event))


@EVERYWHERE
def test_no_event_raises_and_the_configuration_stays_a_known_one(seen: Seen) -> None:
    """Any event, at once, at the next deadlines and an hour later, gives known effects."""
    for now in (seen.now, *_moments(seen), seen.now + 3600.0):
        for event in _events(seen):
            machine = seen.machine.copy()
            for effect in machine.handle(event, now, 0.999):
                assert isinstance(effect, get_args(effects.Effect))
            assert machine.configuration in TABLE.active
            due = machine.next_deadline
            assert due is None or math.isfinite(due)


@EVERYWHERE
def test_time_passed_leaves_no_deadline_behind(seen: Seen) -> None:
    """After `TimePassed` every deadline lies in the future, so that nobody spins (H4)."""
    for now in (seen.now, *_moments(seen), seen.now + 3600.0):
        machine = seen.machine.copy()
        machine.handle(events.TimePassed(), now)
        assert machine.next_deadline is None or machine.next_deadline > now


@EVERYWHERE
def test_a_refusal_is_one_fail_with_the_code_of_the_table(seen: Seen) -> None:
    """A refused call gives exactly one `Fail` with the table's code and leaves an equal machine."""
    for event in _asked(seen):
        row = _row(seen, event)
        if row.disposition is Disposition.REFUSED:
            machine, before = seen.machine.copy(), seen.machine.copy()
            assert row.code is not None
            assert machine.handle(event, seen.now, 0.5) == (
                effects.Fail(command=COMMAND, code=row.code),
            )
            assert machine == before


@EVERYWHERE
def test_a_refused_report_without_a_command_is_silent(seen: Seen) -> None:
    """A report that nobody waits for is refused without a word and leaves an equal machine."""
    for kind in REPORTS:
        if _row(seen, kind()).disposition is Disposition.REFUSED:
            machine = seen.machine.copy()
            assert machine.handle(kind(), seen.now) == ()
            assert machine == seen.machine


@EVERYWHERE
def test_calls_and_reports_lead_where_the_table_says(seen: Seen) -> None:
    """The machine takes the row of a call or report, and no other."""
    for event in _asked(seen):
        machine = seen.machine.copy()
        machine.handle(event, seen.now, 0.5)
        assert machine.configuration == TABLE.active[_row(seen, event).target], event


@EVERYWHERE
def test_a_command_ends_once_or_waits(seen: Seen) -> None:
    """After any command it has failed, or succeeded, or waits: exactly one of them (C4)."""
    for event in _events(seen):
        if type(event) in COMMANDS:
            machine = seen.machine.copy()
            ends = Counter(
                effect.command
                for effect in machine.handle(event, seen.now, 0.5)
                if isinstance(effect, (effects.Succeed, effects.Fail))
            )
            assert max(ends.values(), default=0) <= 1
            assert ends[COMMAND] + (COMMAND in machine.waiting) == 1
            assert seen.machine.waiting - machine.waiting == set(ends) - {COMMAND}


@EVERYWHERE
@pytest.mark.parametrize("shift", [-1, 1, 1000])
def test_other_generations_change_nothing(seen: Seen, shift: int) -> None:
    """An answer to a question that was not asked, or not last, leaves an equal machine (K2)."""
    for event in _events(seen, shift=shift):
        machine = seen.machine.copy()
        assert machine.handle(event, seen.now, 0.5) == (), event
        assert machine == seen.machine, event


@EVERYWHERE
def test_equal_inputs_give_equal_outputs(seen: Seen) -> None:
    """Two copies given the same event say the same and become equal; the original stays."""
    before = seen.machine.copy()
    for now, draw in ((seen.now, 0.25), (seen.now + 7.5, 0.75)):
        for event in _events(seen):
            one, other = seen.machine.copy(), seen.machine.copy()
            assert one.handle(event, now, draw) == other.handle(event, now, draw)
            assert one == other
    assert seen.machine == before


NOT_EVENTS: list[Any] = [
    None,
    "connect",
    42,
    object(),
    events.Connect,
    effects.Close(generation=0),
    ("connect", 1),
    [],
    type("Connect", (events.Connect,), {})(command=1),
]


@EVERYWHERE
def test_wrong_inputs_are_rejected_and_change_nothing(seen: Seen) -> None:
    """What is no event, time or draw raises `InvalidInput`, before any deadline fires."""
    machine, late = seen.machine.copy(), seen.now + 3600.0
    wrong: list[tuple[Any, float, float]] = [(event, late, 0.5) for event in NOT_EVENTS]
    wrong += [(events.Custom(name="nonsense"), late, 0.5), (events.Custom(name=""), late, 0.5)]
    right = events.Connect(command=COMMAND)
    wrong += [(right, now, 0.5) for now in (math.nan, math.inf, -math.inf)]
    wrong += [(right, late, draw) for draw in (-0.1, 1.0, 2.0, -5e-324, math.nan, math.inf)]
    for event, now, draw in wrong:
        with pytest.raises(InvalidInput):
            machine.handle(event, now, draw)
        assert machine == seen.machine


def test_custom_is_no_way_to_the_events_of_the_chart() -> None:
    """`Custom` is for events of added regions: naming one of the chart's own is an invalid input."""
    for seen, name in product(FOUND.values(), TABLE.events):
        machine = seen.machine.copy()
        with pytest.raises(InvalidInput):
            machine.handle(events.Custom(name=name), seen.now, 0.5)
        assert machine == seen.machine


def test_custom_never_breaks_the_machine() -> None:
    """Whatever `Custom` names, it is handled or rejected, and no assertion of the machine fails."""
    broken = set()
    for seen, name in product(FOUND.values(), TABLE.events):
        try:
            seen.machine.copy().handle(events.Custom(name=name), seen.now, 0.5)
        except InvalidInput:
            pass
        except AssertionError as error:
            broken.add((name, str(error)))
    assert broken == set()


def test_every_action_has_a_meaning_and_every_meaning_an_action() -> None:
    """What a chart may name and what the machine can do are the same names."""
    timers = {f"{verb}_{timer}" for verb in ("start", "stop") for timer in TIMERS}
    assert set(LINES) == ACTIONS | timers
    assert not ACTIONS & timers


def test_every_action_of_the_chart_is_taken_somewhere() -> None:
    """No action name is left that the committed table never uses."""
    used = {action for step in TABLE.steps for action in step.actions}
    assert used == set(LINES)


def _numbered(kind: type) -> bool:
    return any(field.name == "generation" for field in fields(kind))


def test_answers_with_the_right_generation_are_heard_somewhere() -> None:
    """Each kind of event with a generation changes some machine when the generation is right."""
    changed = set()
    for seen in FOUND.values():
        paused = events.ReadingPaused(generation=seen.machine.generation)
        for start in (seen, seen.after(paused, seen.now)):
            later = start.now + 0.125
            idle = start.after(events.Cancel(command=0), later).machine
            for event in _events(start):
                if _numbered(type(event)) and start.after(event, later).machine != idle:
                    changed.add(type(event))
    assert changed == set(filter(_numbered, get_args(events.Event)))


def test_names_the_machine_steps_by_are_the_events_of_the_chart() -> None:
    """What the machine calls an event is one of the chart, and the other way round."""
    from statemodel._machine import _OWN

    assert set(TABLE.events) == _OWN

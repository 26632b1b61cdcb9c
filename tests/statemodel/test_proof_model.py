"""What the proof is about is the machine: its model, run on numbers, does what `Machine` does.

The model's steps are functions of clocks. Given numbers instead of the solver's variables, they
compute; here they do so beside a machine on walks, and every deadline must come out the same.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import pytest

from statemodel import Credentials, Machine, Mode, Timings, User
from statemodel import events as ev
from statemodel._actions import TIMERS
from statemodel._connection_table import TABLE
from statemodel.proof._invariant import CONJUNCTS
from statemodel.proof._steps import FRAME, STATES, Clocks, Group, Meaning, World, group_of, groups
from statemodel.proof._theorems import STATEMENTS

ANN = User(uid="ann")
GRID = Fraction(1, 8)
WALKS = 16
STEPS = 500
USUAL = Timings()
SHORT = Timings(
    background_grace=4.0,
    heartbeat_interval=3.0,
    pong_timeout=2.5,
    probe_timeout=4.5,
    dial_timeout=2.0,
    auth_timeout=3.0,
    close_timeout=1.5,
    backoff_base=0.5,
    backoff_cap=6.0,
    stable_after=5.0,
    retry_after_cap=7.0,
    keep_alive_interval=3.5,
)


class Numbers(World):
    """The model on numbers: what comes from outside is what the machine has been given."""

    def __init__(self, timings: Timings) -> None:
        super().__init__(Meaning())
        self.settings = {name: getattr(timings, name) for name in self.settings}
        self.given: dict[str, Any] = {}

    def _bring(self, name: str) -> Any:
        return self.given[name]

    _bring_answer = _bring


class Watched(Machine):
    """A machine that tells of each row that it takes."""

    __slots__ = ("follow",)
    follow: Callable[[int, str], None]

    def _step(self, name: str, command: int | None = None, kind: str | None = None) -> bool:
        source = self._at
        accepted = super()._step(name, command, kind)
        if accepted or name.endswith("_due"):
            self.follow(source, name)
        return accepted


class Pair:
    """A machine and its model, side by side."""

    def __init__(self, timings: Timings, mode: Mode, seed: int) -> None:
        self.chance = random.Random(seed)
        self.now = 0.0
        self.taken: set[tuple[int, str]] = set()
        self.machine = Watched(mode=mode, timings=timings, foreground=self.chance.random() < 0.8)
        self.machine.follow = self._follow
        self.model = Numbers(timings)
        begin, _ = self.model.begins()
        base = timings.backoff_base / 2
        self.clocks: dict[str, Any] = {
            **dict.fromkeys(begin, 0.0),
            **{f"{timer}_armed": False for timer in TIMERS},
            "ceiling": base,
            "owed_ceiling": base,
        }
        self.told: float | None = None
        self.command = 0

    def give(self, event: ev.Event) -> None:
        """Hand the machine an event; the model follows each row, and a frame."""
        self.told = getattr(event, "retry_after", None)
        self.machine.handle(event, self.now, draw=self.chance.randrange(8) / 8)
        due = self.machine.timers.get("heartbeat")
        if due is not None and due != self.clocks["heartbeat_due"]:
            place = TABLE.active[self.machine._at] & STATES
            self._move(next(g for g in groups(TABLE) if g.event == FRAME and g.source == place))
        self._compare()

    def _follow(self, source: int, event: str) -> None:
        machine, clocks = self.machine, self.clocks
        clocks["now"] = self.now
        running = machine._not_before > self.now
        row = TABLE.row(source, event, embargoed=running)
        group = group_of(TABLE, source, event, embargoed=running, row=row)
        if group is None:
            return
        self.taken.add((source, event))
        self._move(group)
        self._keeps(group)

    def _move(self, group: Group) -> None:
        machine = self.machine
        retry = machine.timers.get("retry", 0.0)
        begun = max(self.now, machine._not_before)
        cap = self.model.settings["retry_after_cap"]
        self.model.given = {
            "heartbeat from a frame": machine.timers.get("heartbeat", self.now),
            "wait": max(0.0, retry - begun),
            "told": self.told is not None and machine._not_before > self.now,
            "retry_after": min(self.told or cap, cap),
        }
        before = {**self.clocks, "now": self.now}
        after, happens = self.model.after(group, before)
        if "heartbeat_armed" in after and group.event == FRAME:
            happens = True
        if "start_heartbeat" in group.actions:  # overdue already: then it fires at once
            happens = True

        assert happens is True, (group, before)
        self.clocks = dict(after)
        self._check_claims(group, before)

    def _check_claims(self, group: Group, before: Clocks) -> None:
        for each in STATEMENTS:
            claim = each.step and each.step(group, before, self.clocks, self.model.settings)
            if claim and claim[0] is True and each.name != "time_goes_on":
                assert claim[1] is True, (each.name, group, before)

    def _keeps(self, group: Group) -> None:
        """Check the invariant after a row, and what follows from it."""
        settings = self.model.settings
        for conjunct in CONJUNCTS:
            if conjunct.name != "heartbeat_runs":  # it may be overdue: it then fires at once
                assert conjunct.holds(group.target, self.clocks, settings) is True, conjunct.name
        for each in STATEMENTS:
            claim = each.always and each.always(group.target, self.clocks, settings)
            assert not claim or claim[1] is True, (each.name, group)

    def _compare(self) -> None:
        machine, clocks = self.machine, self.clocks
        armed = {timer: clocks[f"{timer}_due"] for timer in TIMERS if clocks[f"{timer}_armed"]}

        assert armed == machine.timers
        assert clocks["ceiling"] == machine.timings.backoff_base * 2.0 ** (machine.failures - 1)
        if machine._not_before > float("-inf"):
            assert clocks["not_before"] == machine._not_before

    # -- what happens --------------------------------------------------------------------------

    def walk(self, steps: int) -> None:
        """Let things happen: mostly what leads somewhere, deadlines on the second, and ties."""
        for _ in range(steps):
            if self.chance.random() < 0.4:
                self._pass_time()
            else:
                self.give(self.chance.choice(list(self._possible())))

    def _pass_time(self) -> None:
        deadline = self.machine.next_deadline
        chosen = self.now + self.chance.randrange(1, 40) * float(GRID)
        if deadline is not None and (chosen >= deadline or self.chance.random() < 0.3):
            self.now = max(self.now, deadline)
            if self.chance.random() < 0.7:  # else an input comes at the very deadline
                self.give(ev.TimePassed())
            return
        self.now = chosen

    def _possible(self) -> Iterator[ev.Event]:
        self.command += 1
        command, machine = self.command, self.machine
        active, generation, login = machine.configuration, machine.generation, machine._login
        match next(iter(active & {"logged_out", "authenticating", "saving", "logged_in"})):
            case "logged_out":
                yield ev.SessionRestored(user=ANN)
                yield ev.Login(command=command, credentials=Credentials(uid="ann"))
                return
            case "authenticating":
                yield ev.AuthenticationSucceeded(generation=login, user=ANN)
            case "saving":
                yield ev.SaveSucceeded(generation=login)
            case _:
                for _ in range(3):
                    yield ev.Connect(command=command)
                    yield ev.EnterForeground(command=command)
                    yield ev.EnterBackground(command=command)
                yield ev.Disconnect(command=command)
                yield ev.NetworkLost(command=command)
                for _ in range(4):
                    yield ev.NetworkRestored(command=command)
                if self.chance.random() < 0.05:
                    yield ev.Logout(command=command)
        yield from self._answers(active, generation, command)

    def _answers(self, active: frozenset[str], generation: int, command: int) -> Iterator[ev.Event]:
        if "connecting" in active:
            for _ in range(6):
                yield ev.DialSucceeded(generation=generation)
            yield ev.DialFailed(generation=generation)
            yield ev.DialFailed(generation=generation, http_status=401)
            for wait in (0.5, 3.0, 9.0, 900.0):
                yield ev.DialFailed(generation=generation, http_status=503, retry_after=wait)
            yield ev.DialFailed(
                generation=generation, http_status=503, close_code=1002, retry_after=2.0
            )
        if "refreshing" in active:
            for _ in range(4):
                yield ev.RefreshSucceeded(generation=generation, user=ANN)
            yield ev.RefreshFailed(generation=generation)
            yield ev.RefreshFailed(generation=generation, refused=True)
        if "connected" in active:
            for _ in range(6):
                yield ev.Ping(command=command)
                yield ev.FrameReceived(generation=generation)
                for payload in list(self.machine._pings._out)[:1]:
                    yield ev.PongReceived(generation=generation, payload=payload)
        if active & {"connected", "closing"}:
            for code in (1006, 1006, 1002, 4401):
                yield ev.SocketClosed(generation=generation, code=code)


@pytest.mark.parametrize("mode", Mode)
def test_the_model_on_numbers_is_the_machine(mode: Mode) -> None:
    """M3, K4, K5, B1, B4: on walks, model and machine agree on every deadline and every count.

    The invariant and every theorem hold all along, for the very numbers of the machine.
    """
    taken: set[tuple[int, str]] = set()
    for seed in range(WALKS):
        pair = Pair(SHORT if seed % 2 else USUAL, mode, seed)
        pair.walk(STEPS)
        taken |= pair.taken
    events = {event for _, event in taken}

    assert {f"{timer}_due" for timer in TIMERS} - events <= {"authenticate_due", "save_due"} | (
        {"grace_due"} if mode is Mode.AUTO else set()
    )
    assert len(taken) > 120

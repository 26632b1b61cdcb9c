"""A world for the pure machine: plays scripts on it and writes down what could be seen.

Everything that takes time is answered by the script, so that every order of answers occurs. Any
table can be played, a broken chart's as well: what cannot be is noted in `World.impossible`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from statemodel import effects, events
from statemodel import traces as t
from statemodel._ends import stand_in
from statemodel._machine import _CALLED_OFF as CALLED_OFF
from statemodel._machine import Machine
from statemodel._surroundings import Surroundings
from statemodel._timings import Timings
from statemodel._vocabulary import Credentials, Mode, User

if TYPE_CHECKING:
    from statemodel._script import Script, Step
    from statemodel._table import Table

_MOST_ROWS = 1000
"""Rows that one input may take: more, and a timer of the chart starts itself without end."""


class WatchedMachine(Machine):
    """A machine that notes which rows of its table were asked for."""

    __slots__ = ("_limit", "rows")

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._limit = 0
        self.rows: list[tuple[int, str, bool]] = []
        """Configuration, event, and whether an embargo was running (B4); of the last step."""

    @property
    def at(self) -> int:
        """The index of the configuration in the table."""
        return self._at

    @property
    def custom_events(self) -> tuple[str, ...]:
        """The events of added regions, which scripts name themselves."""
        return tuple(event for event in self.table.events if self._is_custom(event))

    @property
    def deadlines(self) -> list[tuple[float, str]]:
        """What is due and when: timers, pings of the library's own and of the application."""
        due = [(deadline, name) for name, deadline in self._deadlines.items()]
        due += [(p.deadline, "own" if p.own else "ping") for p in self._pings.running.values()]
        return sorted(due)

    @property
    def unheard(self) -> bool:
        """Whether one of the library's own pings is out since which no frame has come in (P5)."""
        return any(p.own and self._pings.is_silent(p) for p in self._pings.running.values())

    @property
    def interruptible(self) -> dict[str, int]:
        """Events by which calls that wait can be called off (C5), each with the first such call."""
        found: dict[str, int] = {}
        for kind, commands in self._waiting.items():
            if commands and kind in CALLED_OFF:
                command = min(commands)
                found[CALLED_OFF[kind]] = min(command, found.get(CALLED_OFF[kind], command))
        return found

    def embargoed(self, now: float) -> bool:
        """Say whether the server's Retry-After is running (B4)."""
        return self._not_before > now

    def copy(self) -> Self:
        """Return an equal machine with a life of its own, which has taken no row."""
        other = super().copy()
        other.rows = []
        return other

    def handle(
        self, event: events.Event, now: float, draw: float = 0.0
    ) -> tuple[effects.Effect, ...]:
        """Take one input, as every machine does."""
        self._limit = len(self.rows) + _MOST_ROWS
        return super().handle(event, now, draw)

    def _hears(self, name: str) -> bool:
        heard = super()._hears(name)
        if not heard:  # otherwise it is asked for next
            self.rows.append((self._at, name, self._not_before > self._now))
        return heard

    def _step(self, name: str, command: int | None = None, kind: str | None = None) -> bool:
        self.rows.append((self._at, name, self._not_before > self._now))
        assert len(self.rows) <= self._limit, f"{name} fires again and again"
        return super()._step(name, command, kind)


class World(Surroundings):
    """One machine and everything around it.

    Args:
        mode: Who decides when the connection is up.
        timings: The settings.
        foreground: Whether the application starts in foreground.
        online: Whether the network starts up.
        table: A compiled chart; by default that of `ConnectionChart`.
        traced: Whether a trace is wanted.

    Raises:
        LookupError: the table has no such start.
    """

    __slots__ = ("_armed", "_calling", "draw", "machine", "settles", "stopped")

    def __init__(
        self,
        mode: Mode,
        timings: Timings,
        *,
        foreground: bool = True,
        online: bool = True,
        table: Table | None = None,
        traced: bool = True,
    ) -> None:
        opened = t.Opened(
            time=0.0, mode=mode, foreground=foreground, online=online, timings=timings
        )
        super().__init__(timings.auth_timeout, [opened] if traced else None)
        self.machine = WatchedMachine(
            mode=mode, timings=timings, foreground=foreground, online=online, table=table
        )
        # What a listener will do when it is told a status, and what it has just done (T4), each
        # with its command's number.
        self._armed: tuple[tuple[Step, int], ...] = ()
        self._calling: tuple[tuple[Step, int], ...] = ()
        self.draw = 0.5
        """The random number of the current step."""
        self.settles = False
        """Whether deadlines fire as soon as a step has been played."""
        self.stopped = False
        """Whether the machine broke down; then nothing more happens."""

    @classmethod
    def of(cls, script: Script, *, table: Table | None = None, traced: bool = True) -> Self:
        """Return the world in which a script begins.

        Raises:
            LookupError: the table has no such start.
        """
        return cls(
            script.mode,
            script.timings,
            foreground=script.foreground,
            online=script.online,
            table=table,
            traced=traced,
        )

    @property
    def user(self) -> User | None:
        """Who is logged in."""
        return self.machine.user

    def copy(self) -> Self:
        """Return a world that is the same and goes its own way."""
        other = object.__new__(type(self))
        for name in _SLOTS:
            setattr(other, name, getattr(self, name))
        other.machine = self.machine.copy()
        other.waiting = self.waiting.copy()
        other.impossible = self.impossible.copy()
        if self.trace is not None:
            other.trace = self.trace.copy()
        return other

    # -- playing ---------------------------------------------------------------------------------

    def play_all(self, script: Script) -> None:
        """Play the steps of a script, one after the other."""
        for step in script.steps:
            self.play(step)

    def play(self, step: Step) -> None:
        """Play one step; one for which the moment is not right does nothing.

        Raises:
            InvalidInput: the table has no such custom event.
        """
        self.draw, self.machine.rows = step.draw, []
        if self._job_until < self.now and step.do != "sleep":
            self._handle(self._give_up_job())  # it was due during a sleep
        match step.do:
            case _ if step.inside:
                others = [armed for armed in self._armed if armed[0].inside != step.inside]
                self._armed = (*others, (step, self._number(step)))
            case "cancel":
                self._cancel(int(step.number))
            case "restored":
                self._see(t.Reported, what="restored", uid=step.what)
                self._handle(events.SessionRestored(user=User(uid=step.what)))
            case "peer" | "authenticator" | "store" | "reader":
                words = ("frame", step.what) if step.what in _IN_A_FRAME else (step.what,)
                for word in words:
                    if not self.stopped and stand_in(word) in self.possible_answers():
                        self._handle(self._answer(word))
            case "wait" | "reach":
                self._pass_time(self.now + step.number, inclusive=step.do == "wait")
            case "sleep":
                self.now += step.number
            case "custom":
                self._handle(events.Custom(name=step.what))
            case _:
                self._handle(self._begun(step, self._number(step)))
        if self.settles and step.do not in ("reach", "sleep"):
            self._pass_time(self.now, inclusive=True)

    def _number(self, step: Step) -> int:
        """Return the number of a call, by which it is known from here on; a report has none: 0."""
        if (step.do, step.what) in _REPORTS:
            return 0
        self._commands += 1
        return self._commands

    def _begun(self, step: Step, command: int) -> events.Event:
        """Write a call or a report down; return the event that it is for the machine."""
        if not command:
            what, report = _REPORTS[step.do, step.what]
            self._see(t.Reported, what=what)
            return report
        self.waiting[command] = step.do
        self._see(t.Called, command=command, name=step.do, uid=step.what)
        if step.do == "login":
            return events.Login(command=command, credentials=Credentials(uid=step.what))
        event: events.Event = _COMMANDS[step.do](command=command)
        return event

    def _cancel(self, command: int) -> None:
        if command in self.waiting:
            del self.waiting[command]
            self._see(t.Cancelled, command=command)
            self._handle(events.Cancel(command=command))

    def _pass_time(self, until: float, *, inclusive: bool) -> None:
        while not self.stopped and (
            (due := self.next_deadline) < until or (inclusive and due == until)
        ):
            self.now = max(self.now, due)
            self._handle(events.TimePassed())
            if self._job_until <= self.now:
                self._handle(self._give_up_job())
        self.now = max(self.now, until)

    @property
    def next_deadline(self) -> float:
        """When the machine or the adapter has something to do; infinity for never."""
        due = self.machine.next_deadline
        return self._job_until if due is None else min(due, self._job_until)

    def _handle(self, event: events.Event) -> None:
        """Let the machine take an event, and then what listeners have called meanwhile (T4)."""
        self._take(event)
        while self._calling:
            (step, command), *rest = self._calling
            self._calling = tuple(rest)
            self.draw = step.draw
            self._take(self._begun(step, command))

    def _take(self, event: events.Event) -> None:
        if self.stopped:
            return
        try:
            asked = self.machine.handle(event, self.now, self.draw)
        except AssertionError as error:  # only a broken chart leads there
            self._wonder(f"the machine broke down: {error}")
            self.stopped = True
            return
        for effect in asked:
            self._perform(effect)
            if self._armed and isinstance(effect, effects.ChangeStatus):
                told = effect.change.current
                self._calling += tuple(armed for armed in self._armed if armed[0].inside == told)
                self._armed = tuple(armed for armed in self._armed if armed[0].inside != told)


_IN_A_FRAME = ("throttle", "unthrottle")
"""What the server says in a frame, which is a sign of life like any other (P4)."""

_SLOTS = (*Surroundings.__slots__, *World.__slots__)

_COMMANDS: dict[str, Any] = {
    "logout": events.Logout,
    "connect": events.Connect,
    "disconnect": events.Disconnect,
    "ping": events.Ping,
    "send": events.Send,
    "shut_down": events.ShutDown,
}

_REPORTS: dict[tuple[str, str], tuple[str, events.Event]] = {
    ("background", ""): ("background", events.EnterBackground()),
    ("foreground", ""): ("foreground", events.EnterForeground()),
    ("network", "down"): ("network_down", events.NetworkLost()),
    ("network", "up"): ("network_up", events.NetworkRestored()),
}
"""The steps that report something, each with what that is called in a trace, and what the machine is told."""

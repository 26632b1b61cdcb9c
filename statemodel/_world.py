"""A world for the pure machine: plays scripts on it and writes down what could be seen.

Everything that takes time is answered by the script, so that every order of answers occurs. Any
table can be played, a broken chart's as well: what cannot be is noted in `World.impossible`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from statemodel import events
from statemodel import traces as t
from statemodel._ends import stand_in
from statemodel._machine import _CALLED_OFF as CALLED_OFF
from statemodel._machine import Machine
from statemodel._surroundings import Surroundings
from statemodel._timings import Timings
from statemodel._vocabulary import Credentials, Mode, User

if TYPE_CHECKING:
    from statemodel import effects
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

    __slots__ = ("draw", "machine", "settles", "stopped")

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
            case "cancel":
                self._cancel(int(step.number))
            case "background" | "foreground":
                self._see(t.Reported, what=step.do)
                self._handle(_REPORTS[step.do])
            case "network":
                what = f"network_{step.what}"
                self._see(t.Reported, what=what)
                self._handle(_REPORTS[what])
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
                self._call(step.do, step.what)
        if self.settles and step.do not in ("reach", "sleep"):
            self._pass_time(self.now, inclusive=True)

    def _call(self, name: str, uid: str) -> None:
        self._commands += 1
        command = self._commands
        self.waiting[command] = name
        self._see(t.Called, command=command, name=name, uid=uid)
        if name == "login":
            self._handle(events.Login(command=command, credentials=Credentials(uid=uid)))
        else:
            self._handle(_COMMANDS[name](command=command))

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

_REPORTS: dict[str, events.Event] = {
    "background": events.EnterBackground(),
    "foreground": events.EnterForeground(),
    "network_down": events.NetworkLost(),
    "network_up": events.NetworkRestored(),
}

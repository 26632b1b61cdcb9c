"""A driver around `Machine` for tests: it numbers commands, moves the time, keeps the effects.

Nothing happens by itself: a dial is answered, a login goes on and a deadline fires only where a
test, or one of the situations at the end, says so.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from statemodel import Code, Credentials, Machine, Mode, Policy, Reason, Status, Timings, User
from statemodel import effects as fx
from statemodel import events as ev

WAITING = "waiting"
SUCCESS = "success"

AUTO, MANUAL = Mode.AUTO, Mode.MANUAL
MODES = (AUTO, MANUAL)
REPORTS = (ev.EnterBackground, ev.EnterForeground, ev.NetworkLost, ev.NetworkRestored)

_QUESTIONS: dict[type, tuple[type, ...]] = {
    ev.AuthenticationSucceeded: (fx.Authenticate,),
    ev.AuthenticationFailed: (fx.Authenticate,),
    ev.SaveSucceeded: (fx.Save,),
    ev.SaveFailed: (fx.Save,),
    ev.SessionCleared: (fx.Clear,),
}
"""Which effect an event answers; all others are about the newest dial or refresh."""


class Driver:
    """A machine, the time, and everything that the machine has asked for."""

    def __init__(
        self,
        mode: Mode = AUTO,
        *,
        timings: Timings | None = None,
        policy: Policy | None = None,
        foreground: bool = True,
        online: bool = True,
    ) -> None:
        self.machine = Machine(
            mode=mode, timings=timings, policy=policy, foreground=foreground, online=online
        )
        self.now = 0.0
        self.draw = 0.5
        self.effects: list[fx.Effect] = []
        self.last: tuple[fx.Effect, ...] = ()
        """The effects of the newest `do`, `call`, `answer` or `wait`."""
        self._commands = count(1)

    # -- inputs --------------------------------------------------------------------------------

    def do(self, event: ev.Event) -> tuple[fx.Effect, ...]:
        """Hand the machine one event, now."""
        self.last = self.machine.handle(event, self.now, self.draw)
        self.effects += self.last
        return self.last

    def call(self, kind: Callable[..., ev.Event], **details: Any) -> int:
        """Give a command, or a report whose refusal one wants to see; return its number."""
        command = next(self._commands)
        self.do(kind(command=command, **details))
        return command

    def answer(self, kind: Callable[..., ev.Event], **facts: Any) -> tuple[fx.Effect, ...]:
        """Report how the newest effect that asks for such an event has ended."""
        asked = _QUESTIONS.get(kind, (fx.Dial, fx.Refresh))  # type: ignore[call-overload]
        return self.do(kind(generation=self.asked(*asked)[-1].generation, **facts))

    def wait(self, seconds: float) -> tuple[fx.Effect, ...]:
        """Let time pass as a punctual caller does: each deadline fires at its time, the last too."""
        end, done = self.now + seconds, []
        while (deadline := self.machine.next_deadline) is not None and deadline <= end:
            self.now = deadline
            done += self.do(ev.TimePassed())
        self.now, self.last = end, tuple(done)
        return self.last

    def until(self, kind: type, limit: float = 1000.0) -> float | None:
        """Let deadlines fire until one causes such an effect; return when, `None` if none does."""
        end = self.now + limit
        while (deadline := self.machine.next_deadline) is not None and deadline <= end:
            self.now = deadline
            self.do(ev.TimePassed())
            if self.count(kind):
                return self.now
        self.now = end
        return None

    def jump(self, seconds: float) -> None:
        """Let time pass without telling the machine: the next input is the first it hears."""
        self.now += seconds

    # -- outputs -------------------------------------------------------------------------------

    def asked(self, *kinds: type) -> list[Any]:
        """Return the effects of these kinds so far."""
        return [effect for effect in self.effects if isinstance(effect, kinds)]

    def count(self, kind: type) -> int:
        """Return how many effects of a kind the newest input has caused."""
        return sum(isinstance(effect, kind) for effect in self.last)

    def kinds(self) -> list[type]:
        """Return the kinds of the newest effects, in order, without status changes."""
        return [type(effect) for effect in self.last if not isinstance(effect, fx.ChangeStatus)]

    def result(self, command: int) -> Code | str:
        """Return how a command ended: `SUCCESS`, a code, or `WAITING`; no command ends twice."""
        ends = [end for end in self.asked(fx.Succeed, fx.Fail) if end.command == command]
        assert len(ends) <= 1, f"C4: ended more than once: {ends}"
        if not ends:
            return WAITING
        return ends[0].code if isinstance(ends[0], fx.Fail) else SUCCESS

    def shown(self) -> list[tuple[Status, Reason | None]]:
        """Return the statuses that listeners were told, with their reasons."""
        return [(e.change.current, e.change.reason) for e in self.asked(fx.ChangeStatus)]

    def shown_retry_in(self) -> float | None:
        """Return the `retry_in` that listeners were told last."""
        return self.asked(fx.ChangeStatus)[-1].change.retry_in

    def is_in(self, *states: str) -> bool:
        """Say whether one of the rulebook's words holds: wanted, socket, waiting, failed, ..."""
        return bool(self.machine.configuration.intersection(states))

    def own_pings(self) -> list[fx.SendPing]:
        """Return the pings that no command asked for."""
        return [ping for ping in self.asked(fx.SendPing) if ping.command is None]

    # -- short cuts ----------------------------------------------------------------------------

    def start_login(self, uid: str = "alice") -> int:
        """Give the command, and leave the authenticator at work."""
        return self.call(ev.Login, credentials=Credentials(uid=uid, auth_token="secret"))

    def login(self, uid: str = "alice") -> int:
        """Log in, authenticated and saved at once."""
        command = self.start_login(uid)
        self.answer(ev.AuthenticationSucceeded, user=User(uid=uid, auth_token="token"))
        self.answer(ev.SaveSucceeded)
        return command

    def open(self) -> None:
        """Let the dial in progress succeed."""
        self.answer(ev.DialSucceeded)

    def play(self, *kinds: Callable[..., Any]) -> None:
        """Give these commands and reports, one after the other; `Driver.login` is one of them."""
        for kind in kinds:
            kind(self) if kind is Driver.login else self.call(kind)

    def ping(self) -> tuple[int, bytes]:
        """Give a ping that is accepted; return its number and payload."""
        command = self.call(ev.Ping)
        return command, self.asked(fx.SendPing)[-1].payload


# -- situations: how a connection can be, each in both modes -----------------------------------


def logged_out(mode: Mode = AUTO, **options: Any) -> Driver:
    """Nobody is logged in."""
    return Driver(mode, **options)


def authenticating(mode: Mode = AUTO, **options: Any) -> Driver:
    """A login waits for the authenticator."""
    driver = Driver(mode, **options)
    driver.start_login()
    return driver


def saving(mode: Mode = AUTO, **options: Any) -> Driver:
    """A login waits for the store."""
    driver = authenticating(mode, **options)
    driver.answer(ev.AuthenticationSucceeded, user=User(uid="alice"))
    return driver


def connecting(mode: Mode = AUTO, **options: Any) -> Driver:
    """Logged in, and a dial runs; offline it waits for the network instead."""
    driver = Driver(mode, **options)
    driver.login()
    if mode is MANUAL:
        driver.call(ev.Connect)
    return driver


def connected(mode: Mode = AUTO, **options: Any) -> Driver:
    """A socket is open, since now."""
    driver = connecting(mode, **options)
    driver.open()
    return driver


def idle(mode: Mode = AUTO, **options: Any) -> Driver:
    """Logged in and not wanted: never connected (manual), or held down (auto)."""
    driver = Driver(mode, **options)
    driver.login()
    if mode is AUTO:
        driver.call(ev.Disconnect)
    return driver


def throttled(mode: Mode = AUTO) -> Driver:
    """Connected, with features switched off by the server."""
    driver = connected(mode)
    driver.answer(ev.ThrottlingStarted)
    return driver


def pinging(mode: Mode = AUTO) -> Driver:
    """Connected, with a ping of the application's in flight."""
    driver = connected(mode)
    driver.ping()
    return driver


def probing(mode: Mode = AUTO) -> Driver:
    """Connected, with a heartbeat in flight."""
    driver = connected(mode)
    driver.wait(30)
    return driver


def backing_off(mode: Mode = AUTO) -> Driver:
    """Waiting for the retry after one failed dial, in half a second."""
    driver = connecting(mode)
    driver.answer(ev.DialFailed)
    return driver


def held_off(mode: Mode = AUTO) -> Driver:
    """Waiting because the server said so, for 60 s, and a command could not change that."""
    driver = connecting(mode)
    driver.answer(ev.DialFailed, http_status=503, retry_after=60.0)
    driver.call(ev.Connect)
    return driver


def offline(mode: Mode = AUTO) -> Driver:
    """Waiting for the network, after it took an open socket."""
    driver = connected(mode)
    driver.do(ev.NetworkLost())
    return driver


def refreshing(mode: Mode = AUTO) -> Driver:
    """The server refused the credentials; new ones are asked for."""
    driver = connecting(mode)
    driver.answer(ev.DialFailed, http_status=401)
    return driver


def closing(mode: Mode = AUTO) -> Driver:
    """Disconnected, while the closing handshake runs."""
    driver = connected(mode)
    driver.call(ev.Disconnect)
    return driver


def failed(mode: Mode = AUTO) -> Driver:
    """Refused for good."""
    driver = connecting(mode)
    driver.answer(ev.DialFailed, close_code=1008)
    return driver


def backgrounded(mode: Mode = AUTO) -> Driver:
    """Background entered with an open socket: closing it (auto), or in the window (manual)."""
    driver = connected(mode)
    driver.do(ev.EnterBackground())
    return driver


def backgrounded_dial(mode: Mode = AUTO) -> Driver:
    """Background entered during a dial: nothing left (auto), or in the window (manual)."""
    driver = connecting(mode)
    driver.do(ev.EnterBackground())
    return driver


BEFORE_LOGIN = (logged_out, authenticating, saving)
WITHOUT_SOCKET = (idle, backing_off, held_off, offline, closing, failed)
DIALLING = (connecting, refreshing)
OPEN = (connected, throttled, pinging, probing)
BACKGROUND = (backgrounded, backgrounded_dial)
LOGGED_IN = (*WITHOUT_SOCKET, *DIALLING, *OPEN, *BACKGROUND)
SITUATIONS = (*BEFORE_LOGIN, *LOGGED_IN)


# -- what may happen to all of them ------------------------------------------------------------


def stir(driver: Driver) -> None:
    """Report everything in both orders, with time between, and end in foreground and online."""
    for report in (*REPORTS, ev.EnterForeground, ev.NetworkLost, ev.NetworkRestored):
        driver.do(report())
        driver.wait(100)


def dials_of(driver: Driver, action: Callable[..., Any], *arguments: Any) -> int:
    """Return how many dials an action has caused."""
    before = len(driver.asked(fx.Dial))
    action(*arguments)
    return len(driver.asked(fx.Dial)) - before


def end_after_refresh(driver: Driver) -> None:
    """Let the server refuse the credentials, then the new ones."""
    driver.answer(ev.SocketClosed, code=4401)
    driver.answer(ev.RefreshSucceeded, user=User(uid="alice"))
    driver.answer(ev.DialFailed, http_status=401)


def refresh_too_slowly(driver: Driver) -> None:
    """Let the server refuse the credentials, and no new ones come in time."""
    driver.answer(ev.SocketClosed, code=4401)
    driver.wait(30)


LOSSES: dict[str, Callable[[Driver], Any]] = {
    "closed": lambda driver: driver.answer(ev.SocketClosed, code=1000),
    "broken": lambda driver: driver.answer(ev.SocketClosed, code=1006),
    "refused": lambda driver: driver.answer(ev.SocketClosed, code=1008),
    "refused again": end_after_refresh,
    "not refreshed": refresh_too_slowly,
    "silent": lambda driver: (driver.ping(), driver.wait(10)),
    "offline": lambda driver: driver.do(ev.NetworkLost()),
}
DIAL_LOSSES: dict[str, Callable[[Driver], Any]] = {
    "failed": lambda driver: driver.answer(ev.DialFailed),
    "refused": lambda driver: driver.answer(ev.DialFailed, close_code=1008),
    "too slow": lambda driver: driver.wait(10),
    "asked to wait": lambda driver: driver.answer(ev.DialFailed, http_status=503, retry_after=5.0),
    "offline": lambda driver: driver.do(ev.NetworkLost()),
}

NEW_USER = User(uid="alice", auth_token="new")
SOCKET_EVENTS: dict[type, dict[str, Any]] = {
    ev.DialSucceeded: {},
    ev.DialFailed: {"http_status": 401},
    ev.SocketClosed: {"code": 1008},
    ev.RefreshSucceeded: {"user": NEW_USER},
    ev.RefreshFailed: {"refused": True},
    ev.FrameReceived: {},
    ev.PongReceived: {"payload": b""},
    ev.ReadingPaused: {},
    ev.ThrottlingStarted: {},
}

WAYS_BACK = (
    (ev.Connect,),
    (ev.Disconnect, ev.Connect),
    (ev.NetworkLost, ev.NetworkRestored),
    (ev.EnterBackground, ev.EnterForeground, ev.Connect),
    (ev.Logout, Driver.login, ev.Connect),
)

# B5: what an end means.
DENIALS = [{"close_code": code} for code in (3000, 3003, 4401, 4403)]
DENIALS += [{"http_status": status} for status in (401, 403)]
TERMINAL = (1002, 1003, 1007, 1008, 1009, 1010, 3500, 3999, 4500, 4999)
LOSS = (1000, 1001, 1005, 1006, 1011, 1012, 1013, 3499, 4000, 4400, 4499, 5000)


def deny(driver: Driver, *, http_status: int | None = None, close_code: int | None = None) -> None:
    """Let the server end the dial or socket; an open socket has no HTTP status, but 4401."""
    if driver.is_in("connected"):
        driver.answer(ev.SocketClosed, code=close_code or 4401)
    else:
        driver.answer(ev.DialFailed, http_status=http_status, close_code=close_code)

"""`transport` as a subject on real sockets: TCP on loopback, trio-websocket, and time that really passes.

The connection is opened against the server of `transport.testing`, which is told by the acts what to
do; only authenticator and store are the kit's own, as in memory. The settings are those of the script,
but trio's clock runs fast: `RATE` seconds in one of real time. A Retry-After of 8 s stays one of 8 s
that way, which no shortened setting could say.

The clock runs while a script waits, and only then. It stops at every deadline until all that was due
has been done, and stands while an act is carried out: however long a dial really takes, or the thread
was kept from running, it is at one time of the script. So what is judged is judged exactly: order,
counts, results, times and one socket at a time (on the server's side as well), boundaries and ties
included; a busy machine makes it slow and changes nothing. What cannot be seen here is how late a
timer is.

Nothing is waited for by the clock. What has to cross a socket is waited for until the other end has
seen it, for many looks; whatever never comes is then for the judge.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf, nextafter
from time import perf_counter
from typing import Any

import trio
import trio.testing

from statemodel import traces as t
from statemodel.conformance import CAPABILITIES, Act, SubjectError, Trouble
from statemodel.scripts import Step, close_code, dial_end
from tests.conformance.trio_peer import StandingClock
from tests.conformance.trio_stage import Stage
from tests.conformance.trio_subject import TrioSubject
from transport import Dialer, DialError, Ended, HelloDialer, ThrottlingDialer
from transport.testing import Accept, Refuse, Reset, open_server
from transport.testing._local import LocalServer, LocalSocket, _hung_up

RATE = 500.0
"""Seconds of the script in one of real time: a window of 30 s takes 0.06 s."""

_LOOK = 0.0005
"""Seconds of real time between two looks at what is under way."""

_LOOKS = 4000
"""How often is looked before what is under way is given up."""

_THROTTLING: dict[str | bytes, bool] = {"throttle": True, "unthrottle": False}


class RunningClock(StandingClock):
    """A clock that stands, or runs fast up to an end that it does not pass."""

    def __init__(self, rate: float = RATE) -> None:
        super().__init__()
        self._rate = rate
        self._end = 0.0
        self._since: float | None = None

    def run(self, end: float) -> None:
        """Run from now on."""
        self._end, self._since = end, perf_counter()

    def stand(self, at: float) -> None:
        """Stand at a time."""
        self.now, self._since = at, None

    def current_time(self) -> float:
        """Return the time of the script."""
        if self._since is None:
            return self.now
        return min(self._end, self.now + (perf_counter() - self._since) * self._rate)

    def deadline_to_sleep_time(self, deadline: float) -> float:
        """Return how long trio may sleep, in real time."""
        left = deadline - self.current_time()
        if left <= 0:
            return 0.0
        return inf if self._since is None else left / self._rate


class _Call:
    """A dial as the server sees it, until it is told what to do with it."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self.stream = stream
        self.plan: Any = None
        self.decided = trio.Event()

    @property
    def is_waiting(self) -> bool:
        """Whether somebody is there and has got no answer."""
        return self.plan is None and not _hung_up(self.stream)

    def decide(self, plan: Any) -> None:
        self.plan = plan
        self.decided.set()


class SocketStage(Stage):
    """A connection on a real socket, and its server's end in the hands of the acts."""

    _server: LocalServer
    _socket: LocalSocket
    _incoming: _Call | None = None

    async def live(self, next_turn: Any, tell: Any) -> None:
        """Run a server, and against it what `Stage.live` plays."""
        self._frames = 0
        self._over_here: set[int] = set()  # sockets whose end the client has seen
        self._open_here: set[int] = set()
        self._throttled: list[bool] = []
        self._ponged = 0
        self._close_answered = trio.Event()
        self._in_a_tie = False
        async with open_server() as self._server:
            self._server._follow = self._follow(self._server._follow)  # type: ignore[method-assign]
            self.url = self._server.url
            await super().live(next_turn, tell)

    # -- time ------------------------------------------------------------------------------------

    async def _perform(self, turn: Sequence[Act]) -> list[list[t.Entry]]:
        self._in_a_tie = len(turn) > 1 and turn[-2].step.do == "wait"
        return await super()._perform(turn)

    async def _go_on(self, until: float) -> None:
        """Let time really pass, up to the last moment at which nothing is due yet."""
        clock, last = self._clock, nextafter(until, -inf)
        assert isinstance(clock, RunningClock), "the subject's"
        if last > clock.now:
            clock.run(last)
            await trio.sleep_until(last)
        clock.stand(until)

    async def _settle(self) -> None:
        await trio.testing.wait_all_tasks_blocked(_LOOK)
        assert self._server.most_open <= 1, "K1: the server never sees two open sockets"

    async def _until(self, is_so: Callable[[], bool]) -> bool:
        """Wait for what must cross a socket; return whether it did."""
        for _ in range(_LOOKS):
            if is_so():
                return True
            await trio.testing.wait_all_tasks_blocked(_LOOK)
        return False

    # -- the server's end ------------------------------------------------------------------------

    def _follow(self, follow: Any) -> Any:
        async def follow_when_told(_: Any, stream: trio.SocketStream) -> None:
            call = self._incoming = _Call(stream)
            await call.decided.wait()
            await follow(call.plan, stream)

        return follow_when_told

    async def _speak(self, step: Step) -> None:
        if step.together:
            raise SubjectError(Trouble.REFUSED, f"{step}: what crosses a socket takes a turn")
        clock, now = self._clock, self._clock.now
        assert isinstance(clock, RunningClock), "the subject's"
        if self._in_a_tie:  # until it has crossed, nothing is due yet
            clock.stand(nextafter(now, -inf))
        await self._let_happen(step.what)
        clock.stand(now)

    async def _let_happen(self, what: str) -> None:
        if what == "accept" or dial_end(what) is not None:
            await self._answer(what)
        elif what == "pong":
            socket, number = self._socket, self._ponged
            if await self._until(lambda: len(socket.pings) > number):
                self._ponged += 1
                await self._cross(socket.send_pong(socket.pings[number][1]), self._heard())
        elif what in ("throttle", "unthrottle"):
            told = len(self._throttled)
            await self._cross(self._socket.send(what), lambda: len(self._throttled) > told)
        elif what == "frame":
            self._messages += 1
            await self._cross(self._socket.send(f"message {self._messages}"), self._heard())
        else:
            await self._end_socket(what)

    async def _cross(self, send: Any, arrived: Callable[[], bool]) -> None:
        try:
            await send
        except trio.BrokenResourceError:
            return  # there is nobody any more
        await self._until(arrived)

    def _heard(self) -> Callable[[], bool]:
        frames = self._frames
        return lambda: self._frames > frames

    async def _answer(self, what: str) -> None:
        """Let the server answer the dial that has come in."""
        number = self._number
        if not await self._until(lambda: self._incoming is not None and self._incoming.is_waiting):
            return
        assert self._incoming is not None, "it has come in"
        status, code, wait = dial_end(what) or (None, None, None)
        if status is not None:
            self._incoming.decide(Refuse(status, retry_after=None if wait is None else int(wait)))
        elif what == "fail":
            self._incoming.decide(Reset())
        else:
            known = len(self._server.sockets)
            self._incoming.decide(Accept())
            if not await self._until(lambda: len(self._server.sockets) > known):
                return
            self._upgraded(self._server.sockets[-1])
            if code is None:
                sent = self._socket.send("hello")
                await self._cross(sent, lambda: number in self._open_here | self._over_here)
                return
            await self._socket.close(code)
        await self._until(lambda: number in self._over_here)

    def _upgraded(self, socket: LocalSocket) -> None:
        """Let the server do nothing by itself."""
        self._socket, self._ponged = socket, 0
        socket.withhold_pongs()
        answered = self._close_answered = trio.Event()
        read_close = socket._read_close

        async def read_close_when_told(event: Any) -> None:
            if (
                event.code == 1000 and not self._over
            ):  # ours to answer, or the answer to the server's
                await answered.wait()
            await read_close(event)

        socket._read_close = read_close_when_told  # type: ignore[method-assign]

    async def _end_socket(self, what: str) -> None:
        number = self._number
        gone = lambda: number in self._over_here | self._gone  # noqa: E731 - said twice
        if what == "drop":
            self._socket.drop()
            await self._until(gone)
        elif what == "closed":
            self._close_answered.set()
            await self._until(gone)
        elif (code := close_code(what)) is not None:
            await self._cross(self._socket.close(code), gone)

    # -- the client's end ------------------------------------------------------------------------

    def _dialer(self) -> Dialer:
        async def hello(greeting: Any) -> None:
            assert await greeting.receive() == "hello", "the server's"

        return ThrottlingDialer(HelloDialer(self._server.dialer, hello), _THROTTLING.get)

    def see(self, entry: t.Entry) -> None:
        """Note what has crossed a socket as well."""
        match entry:
            case t.FrameSeen():
                self._frames += 1
            case t.SocketOpened():
                self._open_here.add(entry.socket)
            case t.Throttled():
                self._throttled.append(entry.on)
            case _:
                pass
        super().see(entry)

    def saw_end(self, socket: int, ended: Ended | DialError) -> None:
        """Note that the end has come to the client."""
        self._over_here.add(socket)


class SocketSubject(TrioSubject):
    """Connections of `transport` on real sockets.

    Its side does not stop reading when it is told to, but when nobody takes its messages: that is
    not for a script to say.
    """

    name = "transport on real sockets"
    capabilities = frozenset(CAPABILITIES) - {"reading"}

    def stage(self, opening: Any, draws: Any) -> SocketStage:
        """Make what the connection is played on."""
        return SocketStage(opening, draws)

    def clock(self) -> RunningClock:
        """Make the clock of a run."""
        return RunningClock()

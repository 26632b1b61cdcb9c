"""A connection of `transport` on a clock that stands still, and hands on all that surrounds it.

The sockets are those of `transport.testing`'s server in memory, with a far end that does nothing
by itself: what it has not been told to do by an act, it does not do.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from itertools import cycle
from typing import Any

import trio
import trio.testing

from statemodel import Code, StatusChange, User, effects, events
from statemodel import traces as t
from statemodel.conformance import Act, SubjectError, Trouble
from statemodel.conformance._entries import is_report
from statemodel.scripts import Script, Step, close_code, dial_end
from tests.conformance.trio_peer import (
    QUESTIONS,
    Dial,
    Question,
    ScriptedDialer,
    StandingClock,
)
from transport import Dialer, DialError, Ended, TransportError, open_connection
from transport._attempt import Attempt
from transport._calls import Calls
from transport._seam import Request
from transport.testing._memory_client import Frame
from transport.testing._recorded import Log, RecordedDialer, RecordedSession


class Stage(Log):
    """One connection, from its opening on; it is its dialer, authenticator and store as well.

    Args:
        opening: How it is opened.
        draws: Its random numbers, over and over; none: some that are the same every time.
    """

    url = "ws://localhost/"

    def __init__(self, opening: Script, draws: Sequence[float]) -> None:
        self._opening = opening
        self._draw = cycle(draws).__next__ if draws else random.Random(0).random
        self._seen: list[t.Entry] = []
        self._saved: User | None = None
        self._numbers: dict[int, int] = {}  # the generation of an attempt -> its socket's
        self._number = self._pings = 0
        self._gone: set[int] = set()
        self._pings_of: dict[int, int] = {}  # the driver's number of a call of `ping` -> the kit's
        self._pinging: int | None = None
        self._armed: dict[str, Act] = {}  # what the listener does, by the status that it is told
        self._arrived: deque[tuple[str | bytes, int, int]] = deque()
        self._messages = 0
        self._dial: Dial | None = None
        self._questions: dict[str, Question] = {}
        self._scopes: dict[int, trio.CancelScope] = {}
        self._over = False

    async def live(
        self,
        next_turn: Callable[[], Sequence[Act] | None],
        tell: Callable[[list[list[t.Entry]] | Exception], None],
    ) -> None:
        """Open the connection with the first turn, and play one after the other.

        Args:
            next_turn: Waits for the next turn, and all of trio with it; `None` for the end.
            tell: Is told what each act of a turn led to, or what broke.
        """
        turn = next_turn()
        if turn is None:
            return
        clock = trio.lowlevel.current_clock()
        assert isinstance(clock, StandingClock), "the subject's"
        self._clock = clock
        if turn[0].step.do == "restored":
            self._saved = User(uid=turn[0].step.what)
        session = RecordedSession(self, self, self)
        opening = self._opening
        async with (
            trio.open_nursery() as nursery,
            open_connection(
                self.url,
                mode=opening.mode,
                timings=opening.timings,
                foreground=opening.foreground,
                online=opening.online,
                dialer=self,
                authenticator=session,
                session_store=session,
                draw=self._draw,
            ) as self.connection,
        ):
            self._nursery = nursery
            self.driver = self.connection._driver
            self._calls = Calls(self.driver)
            request = self.driver._request

            def asked_for(*, user: User) -> Request:
                assert self.driver.attempt is not None, "for this one"
                self._is_asked_for(self.driver.attempt)
                return request(user=user)

            self.driver._request = asked_for
            perform = self.driver._perform

            def performing(effect: effects.Effect) -> None:
                ping = isinstance(effect, effects.SendPing) and effect.command
                self._pinging = self._pings_of.get(ping) if ping else None
                perform(effect)

            self.driver._perform = performing  # type: ignore[method-assign]  # whose ping it is
            self.began()
            self.connection.add_status_listener("kit", self._saw_status)
            self.connection.add_message_listener("kit", self._saw_delivery)
            while turn is not None:
                try:
                    seen = await self._perform(turn)
                except Exception as error:
                    tell(error)  # now: leaving may well break down in another way
                    raise
                tell(seen)
                turn = next_turn()
            self._over = True
            for question in self._questions.values():
                question.answer(None)
            nursery.cancel_scope.cancel()

    def began(self) -> None:
        """Change the driver, if there is something wrong with it."""

    # -- turns and time --------------------------------------------------------------------------

    async def _perform(self, turn: Sequence[Act]) -> list[list[t.Entry]]:
        seen = []
        for act in turn:
            if act.step.do == "wait":
                await self._pass_time(self.now + act.step.number)
            elif act.step.do == "peer":
                await self._speak(act.step)
            elif act.step.do != "restored":  # that was the opening
                self._do(act)
            if act is turn[-1]:
                await self._settle()
            seen.append(self._seen)
            self._seen = []
        return seen

    async def _pass_time(self, end: float) -> None:
        """Stop at every deadline before the end; what is due then is noticed when others run again."""
        while True:
            await self._settle()
            left = trio.lowlevel.current_statistics().seconds_to_next_deadline
            if self.now + left >= end:
                break
            await self._go_on(self.now + left)
        await self._go_on(end)

    async def _settle(self) -> None:
        """Let run what runs without time passing."""
        await trio.testing.wait_all_tasks_blocked()

    async def _go_on(self, until: float) -> None:
        """Let time pass in which nothing is due; nobody runs any more once it has."""
        self._clock.now = until

    # -- acts ------------------------------------------------------------------------------------

    def _do(self, act: Act) -> None:
        step = act.step
        match step.do:
            case _ if step.inside:
                self._armed[step.inside] = act
            case "background":
                self._report(self.connection.enter_background)
            case "foreground":
                self._report(self.connection.enter_foreground)
            case "network" if step.what == "down":
                self._report(self.connection.network_lost)
            case "network":
                self._report(self.connection.network_restored)
            case "cancel":
                scope = self._scopes.get(int(step.number))
                if scope is not None:
                    scope.cancel()
            case "authenticator" | "store":
                name, failure = QUESTIONS[step.what]
                if name in self._questions:
                    self._questions[name].answer(failure)
            case "reader":
                self._read(on=step.what == "resume")
            case _:
                assert act.command is not None, "a call has its number"
                self._call(step, act.command)

    def _report(self, report: Callable[[], None]) -> None:
        try:
            report()
        except TransportError as error:
            if error.code is not Code.CLOSED:
                raise

    def _call(self, step: Step, command: int) -> None:
        """Begin a call in place; its end is waited for in a task."""
        wait: Callable[[], Awaitable[Any]]
        match step.do:
            case "send" | "shut_down":  # both begin in their task
                if step.together:
                    raise SubjectError(Trouble.REFUSED, f"{step}: it must come last in its turn")
                wait = self.driver.shut_down if step.do == "shut_down" else self._send
            case "login":
                wait = self._calls.login(step.what, "").wait
            case "ping":
                self._pings_of[self.driver._commands + 1] = command
                wait = self._calls.ping().wait
            case _:
                wait = getattr(self._calls, step.do)().wait
        scope = self._scopes[command] = trio.CancelScope()
        self._nursery.start_soon(self._finish, command, wait, scope)

    async def _send(self) -> None:
        await self.connection.send("x")

    async def _finish(
        self, command: int, wait: Callable[[], Awaitable[Any]], scope: trio.CancelScope
    ) -> None:
        code = None
        with scope:
            try:
                await wait()
            except TransportError as error:
                code = error.code
            self.see(t.Returned(time=self.now, command=command, code=code))
        del self._scopes[command]

    def _read(self, *, on: bool) -> None:
        assert self.driver.attempt is not None, "there is a socket"
        self.see(t.Reading(time=self.now, socket=self._number, on=on))
        kind = events.ReadingResumed if on else events.ReadingPaused
        self.driver.dispatch(kind(generation=self.driver.attempt.generation))

    async def _speak(self, step: Step) -> None:
        """Do what the peer does; as far as it is here, at once."""
        dial, what = self._dial, step.what
        if dial is None:
            return
        if dial.peer is None:
            if (end := dial_end(what)) is not None:
                status, code, wait = end
                error = DialError("no", http_status=status, close_code=code, retry_after=wait)
                dial.end.answer(error)
            elif what == "accept":
                dial.accept()
            return
        match what:
            case "drop":
                dial.client.arrive(Frame("reset"))
            case "closed":
                dial.client.arrive(Frame("close", code=1000))
            case "frame":
                self._messages += 1
                dial.client.arrive(Frame("message", f"message {self._messages}"))
            case "pong":
                if dial.peer.pings:
                    dial.client.arrive(Frame("pong", dial.peer.pings.popleft()))
            case "throttle" | "unthrottle":
                dial.client.arrive(Frame("throttle", code=what == "throttle"))
            case _:
                if (number := close_code(what)) is not None:  # anything else is for a dial
                    dial.client.arrive(Frame("close", code=number))

    # -- what the connection asks for ------------------------------------------------------------

    def _is_asked_for(self, attempt: Attempt) -> int:
        """Number the socket of an attempt when it is asked for, and hear when it is given up.

        The task that dials begins after the turn, and so does the end of one that is cancelled:
        both are told where they were decided.
        """
        number = self._numbers.get(attempt.generation)
        if number is None:
            number = self._numbers[attempt.generation] = len(self._numbers) + 1
            self.see(t.Dialled(time=self.now, socket=number))
            abort = attempt.abort

            def abort_and_tell() -> None:
                abort()
                self.see(t.SocketGone(time=self.now, socket=number))

            attempt.abort = abort_and_tell  # type: ignore[method-assign]  # nobody else hears of it
        return number

    async def run(self, request: Any, sink: Any) -> Ended:
        """Be the dialer."""
        assert isinstance(sink, Attempt), "the driver's"
        self._number = self._is_asked_for(sink)
        try:
            return await RecordedDialer(self, self._dialer()).run(request, sink)
        finally:
            self._dial = None

    def _dialer(self) -> Dialer:
        """Return who really dials."""
        return ScriptedDialer(self._begin)

    def _begin(self, dial: Dial) -> None:
        assert self._dial is None, "K1: one descriptor at a time, whatever is told"
        self._dial = dial

    async def _ask(self, name: str) -> None:
        if self._over:
            return
        # Called off before it ran, it must not stand before one that came in the same turn.
        await trio.lowlevel.checkpoint_if_cancelled()
        question = self._questions[name] = Question()
        try:
            await question.wait()
        finally:
            if self._questions.get(name) is question:
                del self._questions[name]

    async def authenticate(self, credentials: Any) -> User:
        """Be the authenticator."""
        await self._ask("authenticate")
        return User(uid=credentials.uid)

    async def refresh(self, user: User) -> User:
        """Be the authenticator."""
        await self._ask("refresh")
        return user

    async def load(self) -> User | None:
        """Be the store."""
        return self._saved

    async def save(self, user: User) -> None:
        """Be the store; a refreshed user is saved at once: nobody waits for it."""
        if not self.is_logged_in:
            await self._ask("save")

    async def clear(self) -> None:
        """Be the store."""
        await self._ask("clear")

    # -- what is seen ----------------------------------------------------------------------------

    @property
    def is_logged_in(self) -> bool:
        """Whether somebody is."""
        return self.connection.user is not None

    def see(self, entry: t.Entry) -> None:
        """Note what is for a subject to report."""
        if isinstance(entry, t.SocketGone):
            if entry.socket in self._gone:
                return
            self._gone.add(entry.socket)
        if is_report(entry):
            self._seen.append(entry)

    def saw_dial(self) -> int:
        """Say which socket it is; it was told already."""
        return self._number

    def saw_ping_sent(self, socket: int) -> int:
        """Note a ping, and whose it is."""
        self._pings += 1
        command = self._pinging
        self.see(t.PingSent(time=self.now, socket=socket, ping=self._pings, command=command))
        return self._pings

    def saw_message(self, message: str | bytes, socket: int, number: int) -> None:
        """Note where a message came from."""
        self._arrived.append((message, socket, number))

    def saw_end(self, socket: int, ended: Ended | DialError) -> None:
        """Say nothing: it was the kit's doing."""

    def _saw_delivery(self, message: str | bytes) -> None:
        while self._arrived:
            arrived, socket, number = self._arrived.popleft()
            if arrived is message:
                self.see(t.Delivered(time=self.now, socket=socket, number=number))
                break

    def _saw_status(self, change: StatusChange) -> None:
        if change.sequence:  # 0 is the status before any change
            self.see(t.StatusSeen(time=change.time, change=change))
            act = self._armed.pop(change.current, None)
            if act is not None:
                self._do(replace(act, step=replace(act.step, inside="")))

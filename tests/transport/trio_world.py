"""The same world as `statemodel._world`, with the real driver in it, under a virtual clock.

Plays a script through `open_connection` and its public calls; the dialer, authenticator and store
are answered by the script. Notes the same entries, so that the two can be compared step by step.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import trio
import trio.testing

from statemodel import Code, User, effects
from statemodel import traces as t
from statemodel._policy import Policy
from statemodel._world import World
from statemodel.scripts import Script, Step, close_code, dial_end
from transport import (
    AuthenticationError,
    CredentialsRevokedError,
    DialError,
    Ended,
    SessionStoreError,
    TransportError,
    open_connection,
)

_POLICY = Policy()


class _Question:
    """Something that takes time, until the script answers it."""

    def __init__(self) -> None:
        self._answered = trio.Event()
        self._answer: Any = None

    def answer(self, answer: Any) -> None:
        self._answer = answer
        self._answered.set()

    async def wait(self) -> Any:
        await self._answered.wait()
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class _Socket:
    def __init__(self, world: TrioWorld, number: int, sink: Any) -> None:
        self.world, self.number, self.sink = world, number, sink
        self.end = _Question()
        self.gone = False
        self.state = "dialling"

    def ping(self, payload: bytes) -> None:
        self.world.sent(self, payload)
        self.sink.ping_written(payload)

    async def send(self, message: str | bytes) -> None:
        await trio.lowlevel.checkpoint()

    def close(self) -> None:
        self.state = "closing"
        self.world.see(t.CloseBegun(time=self.world.now, socket=self.number))

    def abort(self) -> None:
        if not self.gone:
            self.gone = True
            self.world.see(t.SocketGone(time=self.world.now, socket=self.number))


class TrioWorld:
    """A connection, and the script's hands on its surroundings."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.draw = 0.5
        self.trace: list[t.Entry] = [
            t.Opened(
                time=0.0,
                mode=script.mode,
                foreground=script.foreground,
                online=script.online,
                timings=script.timings,
            )
        ]
        self.sockets: list[_Socket] = []
        self.waiting: dict[int, trio.CancelScope] = {}
        self.most_open = 0
        self._calls = self._pings = 0
        self._names: dict[int, int] = {}  # the driver's number of a command -> the script's
        self._starting = 0
        self._out: list[tuple[bytes, int]] = []
        self._pinging: int | None = None
        self._paused: _Socket | None = None
        self.questions: dict[str, _Question] = {}

    @property
    def now(self) -> float:
        return trio.current_time()

    def see(self, entry: t.Entry) -> None:
        self.trace.append(entry)

    # -- what the connection asks for ----------------------------------------------------------

    async def run(self, request: Any, sink: Any) -> Ended:
        socket = _Socket(self, len(self.sockets) + 1, sink)
        assert all(s.gone for s in self.sockets), "K1: one descriptor at a time"
        self.sockets.append(socket)
        self.see(t.Dialled(time=self.now, socket=socket.number))
        try:
            ended = await socket.end.wait()
            assert isinstance(ended, Ended)
            return ended
        finally:
            socket.abort()

    async def _ask(self, name: str, begun: t.Entry) -> Any:
        question = self.questions[name] = _Question()
        self.see(begun)
        try:
            return await question.wait()
        finally:
            if self.questions.get(name) is question:
                del self.questions[name]

    async def authenticate(self, credentials: Any) -> User:
        begun = t.Stored(time=self.now, what="authenticate", phase="begun")
        await self._ask("authenticate", begun)
        return User(uid=credentials.uid)

    async def refresh(self, user: User) -> User:
        await self._ask("refresh", t.Refreshed(time=self.now, phase="begun"))
        return user

    async def load(self) -> User | None:
        return None

    async def save(self, user: User) -> None:
        if self.connection.user is not None:
            return  # a refreshed user: nobody waits for it
        await self._ask("save", t.Stored(time=self.now, what="save", phase="begun"))

    async def clear(self) -> None:
        try:
            await self._ask("clear", t.Stored(time=self.now, what="clear", phase="begun"))
        except trio.Cancelled:  # the driver's patience is over
            self.see(t.Stored(time=self.now, what="clear", phase="given_up"))
            raise

    def sent(self, socket: _Socket, payload: bytes) -> None:
        self._pings += 1
        self._out.append((payload, self._pings))
        command = self._pinging
        self.see(
            t.PingSent(
                time=self.now,
                socket=socket.number,
                ping=self._pings,
                command=None if command is None else self._names[command],
            )
        )

    # -- playing -------------------------------------------------------------------------------

    async def play(self) -> None:
        """Play the script in lock step with a pure machine."""
        script = self.script
        model = World.of(script)
        model.settles = True
        async with (
            trio.open_nursery() as nursery,
            open_connection(
                "ws://localhost/",
                mode=script.mode,
                timings=script.timings,
                foreground=script.foreground,
                online=script.online,
                dialer=self,
                authenticator=self,
                session_store=self,
                draw=lambda: self.draw,
            ) as self.connection,
        ):
            self._nursery = nursery
            self.driver = self.connection._driver
            begin = self.driver.begin

            def named_begin(make: Any) -> Any:
                self._names[self.driver._commands + 1] = self._starting
                return begin(make)

            self.driver.begin = named_begin  # type: ignore[method-assign]  # to know which call it is
            perform = self.driver._perform

            def performing(effect: effects.Effect) -> None:
                if isinstance(effect, effects.SendPing):
                    self._pinging = effect.command
                perform(effect)

            self.driver._perform = performing  # type: ignore[method-assign]  # whose ping it is
            self.connection.add_status_listener(
                "trace",
                lambda change: (
                    self.see(t.StatusSeen(time=change.time, change=change))
                    if change.sequence
                    else None
                ),
            )
            mine, theirs = 0, 0
            for number, step in enumerate(script.steps):
                await self._step(step)
                model.play(step)
                if step.do == "reach":
                    continue  # at the instant of a deadline: compared when it has fired
                self._compare(number, step, model, mine, theirs)
                mine, theirs = len(self.trace), len(model.trace)
            self.driver.begin = begin  # type: ignore[method-assign]
            self.seen = list(self.trace)  # what comes now is the end of the test
            nursery.cancel_scope.cancel()
        for question in list(self.questions.values()):
            question.answer(None)

    def _compare(self, number: int, step: Step, model: World, mine: int, theirs: int) -> None:
        where = f"step {number}, {step}, of {self.script}"
        self.driver._take_frames()
        machine = self.driver.machine
        assert machine.configuration == model.machine.configuration, where
        assert machine.timers == model.machine.timers, where
        assert machine.next_deadline == model.machine.next_deadline, where
        assert machine.failures == model.machine.failures, where
        assert sorted(self.waiting) == sorted(model.waiting), where
        seen = Counter(map(_plain, self.trace[mine:]))
        expected = Counter(map(_plain, _without_repeats(model.trace, theirs)))
        assert seen == expected, where

    async def _step(self, step: Step) -> None:
        self.draw = step.draw
        match step.do:
            case "cancel":
                scope = self.waiting.pop(int(step.number), None)
                if scope is not None:
                    self.see(t.Cancelled(time=self.now, command=int(step.number)))
                    scope.cancel()
            case "background" | "foreground":
                self._report(step.do)
            case "network":
                self._report(f"network_{step.what}")
            case "peer" | "authenticator" | "store" | "reader":
                self._answer(step.what)
            case "reach":
                await trio.sleep(step.number)
                return  # the next step comes at this very instant, before any deadline at it
            case "wait":
                await trio.sleep(step.number)
            case "sleep" | "restored" | "custom":
                raise NotImplementedError(f"no walk has {step.do!r}")
            case _:
                self._calls += 1
                self._nursery.start_soon(self._call, self._calls, step.do, step.what)
        await trio.testing.wait_all_tasks_blocked()

    def _report(self, what: str) -> None:
        self.see(t.Reported(time=self.now, what=what))  # type: ignore[arg-type]
        try:
            getattr(self.connection, _REPORTS[what])()
        except TransportError as error:
            assert error.code is Code.CLOSED

    async def _call(self, number: int, name: str, uid: str) -> None:
        self.see(t.Called(time=self.now, command=number, name=name, uid=uid))  # type: ignore[arg-type]
        calls: dict[str, Any] = {
            "login": lambda: self.connection.login(uid),
            "send": lambda: self.connection.send("x"),
            "shut_down": self.driver.shut_down,
        }
        code = None
        with trio.CancelScope() as scope:
            self.waiting[number] = scope
            self._starting = number
            try:
                await calls.get(name, getattr(self.connection, name, None))()
            except TransportError as error:
                code = error.code
            del self.waiting[number]
            self.see(t.Returned(time=self.now, command=number, code=code))

    def _answer(self, what: str) -> None:
        socket = self.sockets[-1] if self.sockets and not self.sockets[-1].gone else None
        state = socket.state if socket else ""
        simple = {
            "authenticated": ("authenticate", None),
            "not_authenticated": ("authenticate", AuthenticationError("no")),
            "saved": ("save", None),
            "not_saved": ("save", SessionStoreError("the disk is full")),
            "cleared": ("clear", None),
            "not_cleared": ("clear", SessionStoreError("the disk is full")),
            "refreshed": ("refresh", None),
            "not_refreshed": ("refresh", AuthenticationError("not now")),
            "revoked": ("refresh", CredentialsRevokedError("never")),
        }
        if what in simple:
            name, answer = simple[what]
            if name in self.questions:
                failed = "refused" if what == "revoked" else "failed"
                phase: Any = failed if answer else "done"
                if name == "refresh":
                    self.see(t.Refreshed(time=self.now, phase=phase))
                else:
                    self.see(t.Stored(time=self.now, what=name, phase=phase))  # type: ignore[arg-type]
                self.questions[name].answer(answer)
        elif socket is not None:
            self._answer_socket(what, socket, state)

    def _answer_socket(self, what: str, socket: _Socket, state: str) -> None:
        end, closed = dial_end(what), close_code(what)
        if end is not None and state == "dialling":
            status, code, wait = end
            how = _POLICY.end(status, code).value
            self._ended(socket, how, _POLICY.retry_after(status, wait))
            socket.end.answer(
                DialError("no", http_status=status, close_code=code, retry_after=wait)
            )
        elif closed is not None and state in ("open", "closing"):
            self._ended(socket, _POLICY.end(None, closed).value)
            socket.end.answer(Ended(code=closed))
        elif what == "closed" and state == "closing":
            self._ended(socket, "loss")
            socket.end.answer(Ended(code=1000))
        elif what == "accept" and state == "dialling":
            self._out = []
            socket.state = "open"
            self.see(t.SocketOpened(time=self.now, socket=socket.number))
            socket.sink.opened(socket)
        elif state == "open":
            self._frame(what, socket)

    def _ended(self, socket: _Socket, how: str, wait: float | None = None) -> None:
        socket.state = "ended"
        self.see(
            t.SocketEnded(time=self.now, socket=socket.number, how=how, retry_after=wait)  # type: ignore[arg-type]
        )

    def _frame(self, what: str, socket: _Socket) -> None:
        generation = self.driver.attempt.generation  # type: ignore[union-attr]
        from statemodel import events

        if what in ("throttle", "unthrottle"):
            on = what == "throttle"
            self.see(t.FrameSeen(time=self.now, socket=socket.number))
            socket.sink.frame()
            self.see(t.Throttled(time=self.now, socket=socket.number, on=on))
            socket.sink.throttled(on=on)
        elif what in ("pause", "resume"):
            on = what == "resume"
            self.see(t.Reading(time=self.now, socket=socket.number, on=on))
            event = events.ReadingResumed if on else events.ReadingPaused
            self.driver.dispatch(event(generation=generation))
        elif what == "frame":
            self.see(t.FrameSeen(time=self.now, socket=socket.number))
            socket.sink.frame()
        elif what == "pong" and self._out:
            payload, number = self._out.pop(0)
            self.see(t.FrameSeen(time=self.now, socket=socket.number, pong=number))
            socket.sink.frame()
            socket.sink.pong(payload)


def _plain(entry: t.Entry) -> str:
    """An entry in words, without what the two worlds may differ in."""
    if isinstance(entry, t.StatusSeen):
        entry = replace(entry, change=replace(entry.change, sequence=0))
    return repr(entry)


def _without_repeats(trace: list[t.Entry], start: int) -> list[t.Entry]:
    """Leave out that a socket is gone for a second time."""
    gone = {e.socket for e in trace[:start] if isinstance(e, t.SocketGone)}
    found: list[t.Entry] = []
    for entry in trace[start:]:
        if isinstance(entry, t.SocketGone):
            if entry.socket in gone:
                continue
            gone.add(entry.socket)
        found.append(entry)
    return found


_REPORTS = {
    "background": "enter_background",
    "foreground": "enter_foreground",
    "network_down": "network_lost",
    "network_up": "network_restored",
}

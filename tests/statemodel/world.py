"""A world for the pure machine: plays a script and writes down what could be seen of it.

Everything that takes time is answered by the script, so that every order of answers occurs.
"""

from __future__ import annotations

from typing import Any

from statemodel import Credentials, Machine, Mode, Policy, Timings, User, effects, events
from statemodel import traces as t

ENDS = {
    "fail": (None, None, None),
    "refuse_404": (404, None, None),
    "refuse_401": (401, None, None),
    "retry_after_8": (503, None, 8.0),
    "retry_after_900": (429, None, 900.0),
}
"""How a dial can fail: HTTP status, close code, Retry-After."""

CODES = {
    "close_1000": 1000,
    "close_1001": 1001,
    "drop": 1006,
    "close_4401": 4401,
    "close_1008": 1008,
}
"""How the peer can end an open socket."""

_POLICY = Policy()


class World:
    """One machine and what is asked of its surroundings."""

    def __init__(
        self,
        mode: Mode,
        timings: Timings,
        *,
        foreground: bool = True,
        online: bool = True,
        table: Any = None,
    ) -> None:
        self.machine = Machine(
            mode=mode, timings=timings, foreground=foreground, online=online, table=table
        )
        self.now = 0.0
        self.draw = 0.5
        self.settles = False  # whether deadlines fire as soon as a step has been played
        self.trace: list[t.Entry] = [
            t.Opened(time=0.0, mode=mode, foreground=foreground, online=online, timings=timings)
        ]
        self.waiting: dict[int, str] = {}
        self._commands = self._sockets = self._pings = 0
        self._dialling: tuple[int, int] | None = None  # generation, socket
        self._open: tuple[int, int] | None = None
        self._closing: tuple[int, int] | None = None
        self._refreshing: int | None = None
        self._login: tuple[int, Credentials] | None = None  # being authenticated
        self._jobs: list[tuple[str, int]] = []  # calls of the store: one at a time, in order
        self._job_until = float("inf")  # the adapter's patience with it
        self._out: list[tuple[bytes, int]] = []  # pings on the open socket: payload, number
        self._reading = True
        self._throttled = False

    @property
    def user(self) -> User | None:
        return self.machine.user

    # -- playing -------------------------------------------------------------------------------

    def play(self, step: Any) -> None:
        """Play one step of a script."""
        self.draw = step.draw
        match step.do:
            case "call":
                self._call(step.what)
            case "cancel":
                if int(step.number) in self.waiting:
                    del self.waiting[int(step.number)]
                    self._see(t.Cancelled(time=self.now, command=int(step.number)))
                    self._handle(events.Cancel(command=int(step.number)))
            case "report":
                self._see(t.Reported(time=self.now, what=step.what))
                self._handle(_REPORTS[step.what])
            case "peer":
                if step.what in self.possible_answers():
                    self._answer(step.what)
            case "wait" | "reach":
                self._pass_time(self.now + step.number, inclusive=step.do == "wait")
        if self.settles and step.do != "reach":
            self._pass_time(self.now, inclusive=True)

    def _pass_time(self, until: float, *, inclusive: bool) -> None:
        while (due := self._next_deadline) < until or (inclusive and due == until):
            self.now = max(self.now, due)
            self._handle(events.TimePassed())
            if self._job_until <= self.now:
                self._job_done("did not answer")
        self.now = max(self.now, until)

    @property
    def _next_deadline(self) -> float:
        due = self.machine.next_deadline
        return self._job_until if due is None else min(due, self._job_until)

    def _call(self, what: str) -> None:
        self._commands += 1
        command = self._commands
        name = what.partition("_other")[0]
        uid = {"login": "alice", "login_other": "bob"}.get(what, "")
        self.waiting[command] = name
        self._see(t.Called(time=self.now, command=command, name=name, uid=uid))  # type: ignore[arg-type]
        if uid:
            self._handle(events.Login(command=command, credentials=Credentials(uid=uid)))
        else:
            self._handle(_COMMANDS[name](command=command))

    # -- what the surroundings may answer --------------------------------------------------------

    def possible_answers(self) -> list[str]:
        """Return the answers that something waits for now."""
        answers: list[str] = []
        if self._login is not None:
            answers += ["authenticated", "not_authenticated"]
        if self._jobs:
            answers += {
                "save": ["saved", "not_saved"],
                "clear": ["cleared", "not_cleared"],
            }[self._jobs[0][0]]
        if self._refreshing is not None:
            answers += ["refreshed", "not_refreshed", "revoked"]
        if self._dialling is not None:
            answers += ["accept", *ENDS]
        if self._closing is not None:
            answers += ["closed"]
        if self._open is not None:
            answers += ["frame", *CODES, "unthrottle" if self._throttled else "throttle"]
            if self._reading:
                answers += ["pause"]
            else:
                answers = [a for a in answers if a != "frame"] + ["resume"]
            if self._out and self._reading:
                answers += ["pong"]
        return answers

    def _answer(self, what: str) -> None:
        if what in ENDS:
            assert self._dialling is not None
            (generation, socket), self._dialling = self._dialling, None
            status, code, wait = ENDS[what]
            how = _POLICY.end(status, code).value
            self._see(t.SocketEnded(time=self.now, socket=socket, how=how, retry_after=wait))  # type: ignore[arg-type]
            self._handle(
                events.DialFailed(
                    generation=generation, http_status=status, close_code=code, retry_after=wait
                )
            )
        elif what in CODES:
            assert self._open is not None
            (generation, socket), self._open = self._open, None
            how = _POLICY.end(None, CODES[what]).value
            self._see(t.SocketEnded(time=self.now, socket=socket, how=how))  # type: ignore[arg-type]
            self._out = []
            self._handle(events.SocketClosed(generation=generation, code=CODES[what]))
        else:
            getattr(self, f"_on_{what}")()

    def _on_accept(self) -> None:
        assert self._dialling is not None
        self._open, self._dialling = self._dialling, None
        self._reading, self._throttled, self._out = True, False, []
        self._see(t.SocketOpened(time=self.now, socket=self._open[1]))
        self._handle(events.DialSucceeded(generation=self._open[0]))

    def _on_closed(self) -> None:
        assert self._closing is not None
        (generation, socket), self._closing = self._closing, None
        self._see(t.SocketEnded(time=self.now, socket=socket, how="loss"))
        self._see(t.SocketGone(time=self.now, socket=socket))
        self._handle(events.SocketClosed(generation=generation, code=1000))

    def _on_frame(self) -> None:
        assert self._open is not None
        self._see(t.FrameSeen(time=self.now, socket=self._open[1]))
        self._handle(events.FrameReceived(generation=self._open[0]))

    def _on_pong(self) -> None:
        assert self._open is not None
        payload, number = self._out.pop(0)
        self._see(t.FrameSeen(time=self.now, socket=self._open[1], pong=number))
        self._handle(events.PongReceived(generation=self._open[0], payload=payload))

    def _on_pause(self) -> None:
        assert self._open is not None
        self._reading = False
        self._see(t.Reading(time=self.now, socket=self._open[1], on=False))
        self._handle(events.ReadingPaused(generation=self._open[0]))

    def _on_resume(self) -> None:
        assert self._open is not None
        self._reading = True
        self._see(t.Reading(time=self.now, socket=self._open[1], on=True))
        self._handle(events.ReadingResumed(generation=self._open[0]))

    def _on_throttle(self) -> None:
        assert self._open is not None
        self._throttled = True
        self._see(t.Throttled(time=self.now, socket=self._open[1], on=True))
        self._handle(events.ThrottlingStarted(generation=self._open[0]))

    def _on_unthrottle(self) -> None:
        assert self._open is not None
        self._throttled = False
        self._see(t.Throttled(time=self.now, socket=self._open[1], on=False))
        self._handle(events.ThrottlingEnded(generation=self._open[0]))

    def _on_authenticated(self) -> None:
        assert self._login is not None
        (generation, who), self._login = self._login, None
        self._see(t.Stored(time=self.now, what="authenticate", phase="done"))
        self._handle(events.AuthenticationSucceeded(generation=generation, user=User(uid=who.uid)))

    def _on_not_authenticated(self) -> None:
        assert self._login is not None
        generation, self._login = self._login[0], None
        self._see(t.Stored(time=self.now, what="authenticate", phase="failed"))
        self._handle(events.AuthenticationFailed(generation=generation))

    def _on_saved(self) -> None:
        self._job_done(None)

    def _on_cleared(self) -> None:
        self._job_done(None)

    def _on_not_saved(self) -> None:
        self._job_done("the disk is full")

    def _on_not_cleared(self) -> None:
        self._job_done("the disk is full")

    def _queue_job(self, kind: str, generation: int) -> None:
        self._jobs.append((kind, generation))
        if len(self._jobs) == 1:
            self._begin_job()

    def _begin_job(self) -> None:
        self._job_until = float("inf")
        if self._jobs:
            if self._jobs[0][0] == "clear":  # a save's time limit is the machine's
                self._job_until = self.now + self.machine.timings.auth_timeout
            self._see(t.Stored(time=self.now, what=self._jobs[0][0], phase="begun"))  # type: ignore[arg-type]

    def _job_done(self, error: str | None) -> None:
        kind, generation = self._jobs.pop(0)
        phase: Any = "failed" if error else "done"
        self._see(t.Stored(time=self.now, what=kind, phase=phase))  # type: ignore[arg-type]
        self._begin_job()
        if kind == "clear":
            self._handle(events.SessionCleared(generation=generation, error=error))
        elif error:
            self._handle(events.SaveFailed(generation=generation, details=error))
        else:
            self._handle(events.SaveSucceeded(generation=generation))

    def _on_refreshed(self) -> None:
        generation, self._refreshing = self._refreshing, None
        assert generation is not None and self.user is not None
        self._see(t.Refreshed(time=self.now, phase="done"))
        self._handle(events.RefreshSucceeded(generation=generation, user=self.user))

    def _on_not_refreshed(self) -> None:
        generation, self._refreshing = self._refreshing, None
        assert generation is not None
        self._see(t.Refreshed(time=self.now, phase="failed"))
        self._handle(events.RefreshFailed(generation=generation))

    def _on_revoked(self) -> None:
        generation, self._refreshing = self._refreshing, None
        assert generation is not None
        self._see(t.Refreshed(time=self.now, phase="refused"))
        self._handle(events.RefreshFailed(generation=generation, refused=True))

    # -- effects into entries ----------------------------------------------------------------------

    def _handle(self, event: events.Event) -> None:
        for effect in self.machine.handle(event, self.now, self.draw):
            self._perform(effect)

    def _see(self, entry: t.Entry) -> None:
        self.trace.append(entry)

    def _perform(self, effect: effects.Effect) -> None:
        now = self.now
        match effect:
            case effects.Dial():
                self._sockets += 1
                self._dialling = (effect.generation, self._sockets)
                self._see(t.Dialled(time=now, socket=self._sockets))
            case effects.Abort():
                self._abort(effect.generation)
            case effects.Close():
                assert self._open is not None
                self._closing, self._open = self._open, None
                self._see(t.CloseBegun(time=now, socket=self._closing[1]))
            case effects.SendPing():
                assert self._open is not None
                self._pings += 1
                self._out.append((effect.payload, self._pings))
                self._see(
                    t.PingSent(
                        time=now, socket=self._open[1], ping=self._pings, command=effect.command
                    )
                )
            case effects.Succeed():
                self._returned(effect.command, None)
            case effects.Fail():
                self._returned(effect.command, effect.code)
            case effects.ChangeStatus():
                self._see(t.StatusSeen(time=now, change=effect.change))
            case effects.Authenticate():
                self._login = (effect.generation, effect.credentials)
                self._see(t.Stored(time=now, what="authenticate", phase="begun"))
            case effects.Save():
                self._queue_job("save", effect.generation)
            case effects.CancelLogin():
                self._login = None
                first = self._jobs[:1]
                self._jobs = [job for job in self._jobs if job[0] != "save"]
                if first != self._jobs[:1]:
                    self._begin_job()
            case effects.Clear():
                self._queue_job("clear", effect.generation)
            case effects.Refresh():
                self._refreshing = effect.generation
                self._see(t.Refreshed(time=now, phase="begun"))
            case effects.KeepUser() | effects.DiscardUnread() | effects.Custom():
                pass

    def _returned(self, command: int, code: Any) -> None:
        if command in self.waiting:
            del self.waiting[command]
            self._see(t.Returned(time=self.now, command=command, code=code))

    def _abort(self, generation: int) -> None:
        for name in ("_dialling", "_open", "_closing"):
            there = getattr(self, name)
            if there is not None and there[0] == generation:
                setattr(self, name, None)
                self._out = []
                self._see(t.SocketGone(time=self.now, socket=there[1]))
                return
        if self._refreshing == generation:
            self._refreshing = None
            return
        ended = [e for e in self.trace if isinstance(e, t.SocketEnded)]
        if ended:  # the peer ended it; our side of the descriptor goes now
            self._see(t.SocketGone(time=self.now, socket=ended[-1].socket))


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

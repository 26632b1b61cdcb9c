"""What surrounds a machine in a played script: authenticator, store, peer and socket, as data.

Owns what the effects have asked for and nobody has answered yet, and writes both sides down.
Believes nothing of the chart: what it asks for where it makes no sense is noted, never an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from statemodel import effects, events
from statemodel import traces as t
from statemodel._ends import CLOSE_CODES, DIAL_ENDS, close_code, dial_end
from statemodel._policy import Policy
from statemodel._record import maker
from statemodel._vocabulary import Code, Credentials, User

if TYPE_CHECKING:
    from collections.abc import Callable

_POLICY = Policy()
_NEVER = float("inf")


NO_ANSWER = "did not answer"
"""Words in the error of a clearing that the adapter has given up."""


class Surroundings:
    """Everything around one machine, with what waits to be answered."""

    # What a copy shares is immutable, the two lists and the dictionary apart.
    __slots__ = (
        "_answered", "_closing", "_commands", "_dialling", "_ended", "_job_until", "_jobs", "_login",
        "_open", "_out", "_patience", "_pings", "_reading", "_refreshing", "_sockets", "_throttled",
        "now", "impossible", "trace", "waiting",
    )  # fmt: skip

    def __init__(self, patience: float, trace: t.Trace | None) -> None:
        self.now = 0.0
        """Seconds since the connection was opened."""
        self.trace = trace
        """What could be seen so far; `None` where nobody wants to know."""
        self.impossible: list[str] = []
        """What was asked for and cannot be done or told in a trace: sentences with their times."""
        self.waiting: dict[int, str] = {}
        """The calls that have not ended, with their names."""
        self._patience = patience  # the adapter's, with a clearing of the store
        self._commands = self._sockets = self._pings = 0
        # Each with its generation and its number.
        self._dialling: tuple[int, int] | None = None
        self._open: tuple[int, int] | None = None
        self._closing: tuple[int, int] | None = None
        self._ended: int | None = None  # the last socket that the other side ended
        self._answered = -1  # the last generation of which an end was reported
        self._refreshing: tuple[int, User] | None = None
        self._login: tuple[int, Credentials] | None = None  # being authenticated
        self._jobs: tuple[tuple[str, int], ...] = ()  # calls of the store: one at a time
        self._job_until = _NEVER
        self._out: tuple[tuple[bytes, int], ...] = ()  # pings on the open socket: payload, number
        self._reading = True
        self._throttled = False

    @property
    def outstanding(self) -> tuple[bool, ...]:
        """What waits for an answer: a dial, a socket, a close, a refresh, a login, a save in a queue."""
        blocked = len(self._jobs) > 1 and self._jobs[0][0] == "clear"
        return (
            self._dialling is not None,
            self._open is not None,
            self._closing is not None,
            self._refreshing is not None,
            self._login is not None,
            blocked and any(kind == "save" for kind, _ in self._jobs),
        )

    @property
    def has_socket(self) -> bool:
        """Whether a socket is being dialled or open."""
        return self._open is not None or self._dialling is not None

    # -- what may be answered --------------------------------------------------------------------

    def possible_answers(self) -> list[str]:
        """Return the answers that something waits for now."""
        answers: list[str] = []
        if self._login is not None:
            answers += ["authenticated", "not_authenticated"]
        if self._jobs:
            answers += _STORE[self._jobs[0][0]]
        if self._refreshing is not None:
            answers += ["refreshed", "not_refreshed", "revoked"]
        if self._dialling is not None:
            answers += ["accept", *DIAL_ENDS]
        if self._closing is not None:
            answers += ["closed"]
        if self._open is not None or self._closing is not None:
            answers += CLOSE_CODES
        if self._open is not None:
            throttling = "unthrottle" if self._throttled else "throttle"
            answers += [throttling, "frame", "pause"] if self._reading else ["resume"]
            if self._out and self._reading:
                answers += ["pong"]
        return answers

    def _answer(self, word: str) -> events.Event:
        """Let a possible answer happen; return the event that it is for the machine."""
        if (end := dial_end(word)) is not None:
            return self._end_dial(*end)
        code = close_code(word)
        if code is not None and self._open is not None:
            return self._end_socket(code)
        if code is not None or word == "closed":
            return self._end_closing(1000 if code is None else code)
        return _ANSWERS[word](self, word)

    def _end_dial(self, status: int | None, code: int | None, wait: float | None) -> events.Event:
        assert self._dialling is not None, "possible"
        (generation, socket), self._dialling = self._dialling, None
        self._answered, self._ended = generation, socket
        how = _POLICY.end(status, code).value
        believed = _POLICY.retry_after(status, wait)
        self._see(t.SocketEnded, socket=socket, how=how, retry_after=believed)
        return events.DialFailed(
            generation=generation, http_status=status, close_code=code, retry_after=wait
        )

    def _end_socket(self, code: int) -> events.Event:
        assert self._open is not None, "possible"
        (generation, socket), self._open = self._open, None
        self._answered, self._ended, self._out = generation, socket, ()
        self._see(t.SocketEnded, socket=socket, how=_POLICY.end(None, code).value)
        return events.SocketClosed(generation=generation, code=code)

    def _accept(self, _: str) -> events.Event:
        assert self._dialling is not None, "possible"
        (generation, socket), self._dialling = self._dialling, None
        self._open = (generation, socket)
        self._reading, self._throttled, self._out = True, False, ()
        self._see(t.SocketOpened, socket=socket)
        return events.DialSucceeded(generation=generation)

    def _end_closing(self, code: int) -> events.Event:
        assert self._closing is not None, "possible"
        (generation, socket), self._closing = self._closing, None
        self._answered, self._ended = generation, socket
        self._see(t.SocketEnded, socket=socket, how=_POLICY.end(None, code).value)
        self._see(t.SocketGone, socket=socket)
        return events.SocketClosed(generation=generation, code=code)

    def _frame(self, word: str) -> events.Event:
        assert self._open is not None, "possible"
        generation, socket = self._open
        if word == "frame":
            self._see(t.FrameSeen, socket=socket)
            return events.FrameReceived(generation=generation)
        (payload, number), self._out = self._out[0], self._out[1:]
        self._see(t.FrameSeen, socket=socket, pong=number)
        return events.PongReceived(generation=generation, payload=payload)

    def _read(self, word: str) -> events.Event:
        assert self._open is not None, "possible"
        generation, socket = self._open
        self._reading = word == "resume"
        self._see(t.Reading, socket=socket, on=self._reading)
        kind = events.ReadingResumed if self._reading else events.ReadingPaused
        return kind(generation=generation)

    def _throttle(self, word: str) -> events.Event:
        assert self._open is not None, "possible"
        generation, socket = self._open
        self._throttled = word == "throttle"
        self._see(t.Throttled, socket=socket, on=self._throttled)
        kind = events.ThrottlingStarted if self._throttled else events.ThrottlingEnded
        return kind(generation=generation)

    def _authenticated(self, word: str) -> events.Event:
        assert self._login is not None, "possible"
        (generation, who), self._login = self._login, None
        well = word == "authenticated"
        self._see(t.Stored, what="authenticate", phase="done" if well else "failed")
        if well:
            user = User(uid=who.uid)
            return events.AuthenticationSucceeded(generation=generation, user=user)
        return events.AuthenticationFailed(generation=generation)

    def _refreshed(self, word: str) -> events.Event:
        assert self._refreshing is not None, "possible"
        (generation, user), self._refreshing = self._refreshing, None
        self._answered = generation
        if word == "refreshed":
            self._see(t.Refreshed, phase="done")
            return events.RefreshSucceeded(generation=generation, user=user)
        revoked = word == "revoked"
        self._see(t.Refreshed, phase="refused" if revoked else "failed")
        return events.RefreshFailed(generation=generation, refused=revoked)

    def _stored(self, word: str) -> events.Event:
        if word.startswith("not_"):
            return self._finish_job("the disk is full", "failed")
        return self._finish_job(None, "done")

    # -- the store: one call at a time, in order -------------------------------------------------

    def _queue_job(self, kind: str, generation: int) -> None:
        self._jobs = (*self._jobs, (kind, generation))
        if len(self._jobs) == 1:
            self._begin_job()

    def _begin_job(self) -> None:
        self._job_until = _NEVER
        if self._jobs:
            kind = self._jobs[0][0]
            if kind == "clear":  # a save's time limit is the machine's
                self._job_until = self.now + self._patience
            self._see(t.Stored, what=kind, phase="begun")

    def _give_up_job(self) -> events.Event:
        """The adapter waits no longer for a clearing."""
        return self._finish_job(NO_ANSWER, "given_up")

    def _finish_job(self, error: str | None, phase: str) -> events.Event:
        (kind, generation), self._jobs = self._jobs[0], self._jobs[1:]
        self._see(t.Stored, what=kind, phase=phase)
        self._begin_job()
        if kind == "clear":
            return events.SessionCleared(generation=generation, error=error)
        if error:
            return events.SaveFailed(generation=generation, details=error)
        return events.SaveSucceeded(generation=generation)

    # -- effects into entries --------------------------------------------------------------------

    def _see(self, kind: type[t.Entry], **what: Any) -> None:
        if self.trace is not None:
            self.trace.append(_MAKERS[kind](self.now, **what))

    def _wonder(self, sentence: str) -> None:
        self.impossible.append(f"{self.now:g}: {sentence}")

    def _perform(self, effect: effects.Effect) -> None:
        match effect:  # the frequent ones first
            case effects.ChangeStatus():
                self._see(t.StatusSeen, change=effect.change)
            case effects.Succeed():
                self._return(effect.command, None)
            case effects.Fail():
                self._return(effect.command, effect.code)
            case effects.Dial():
                self._dial(effect.generation)
            case effects.Abort():
                self._abort(effect.generation)
            case effects.Close():
                self._close(effect.generation)
            case effects.SendPing():
                self._send_ping(effect)
            case effects.Authenticate():
                self._login = (effect.generation, effect.credentials)
                self._see(t.Stored, what="authenticate", phase="begun")
            case effects.Save():
                self._queue_job("save", effect.generation)
            case effects.CancelLogin():
                self._login = None
                first = self._jobs[:1]
                self._jobs = tuple(job for job in self._jobs if job[0] != "save")
                if first != self._jobs[:1]:
                    self._begin_job()
            case effects.Clear():
                self._queue_job("clear", effect.generation)
            case effects.Refresh():
                if self._dialling or self._open or self._refreshing:
                    self._wonder("asked to refresh the credentials in the middle of an attempt")
                self._refreshing = (effect.generation, effect.user)
                self._see(t.Refreshed, phase="begun")
            case effects.KeepUser() | effects.DiscardUnread() | effects.Custom():
                pass

    def _return(self, command: int, code: Code | None) -> None:
        # Also for a call that has ended already, or was cancelled: it is for the rules to complain.
        self.waiting.pop(command, None)
        self._see(t.Returned, command=command, code=code)

    def _dial(self, generation: int) -> None:
        if self._refreshing:  # another socket can be seen in the trace
            self._wonder("asked to dial while the credentials are being refreshed")
        self._sockets += 1
        self._dialling = (generation, self._sockets)
        self._see(t.Dialled, socket=self._sockets)

    def _close(self, generation: int) -> None:
        if self._open is not None and self._open[0] == generation:
            self._closing, self._open = self._open, None
        elif self._dialling is not None and self._dialling[0] == generation:
            self._wonder(f"asked to close socket {self._dialling[1]}, which is still being dialled")
            self._closing, self._dialling = self._dialling, None
        else:
            self._wonder("asked to close a socket that is not open")
            return
        self._see(t.CloseBegun, socket=self._closing[1])

    def _send_ping(self, effect: effects.SendPing) -> None:
        if self._open is None or self._open[0] != effect.generation:
            self._wonder("asked to send a ping without an open socket")
            return
        self._pings += 1
        self._out = (*self._out, (effect.payload, self._pings))
        socket, command = self._open[1], effect.command
        self._see(t.PingSent, socket=socket, ping=self._pings, command=command)

    def _abort(self, generation: int) -> None:
        for name in ("_dialling", "_open", "_closing"):
            there = getattr(self, name)
            if there is not None and there[0] == generation:
                setattr(self, name, None)
                self._out = ()
                self._see(t.SocketGone, socket=there[1])
                return
        if self._refreshing is not None and self._refreshing[0] == generation:
            self._refreshing = None
        elif self._answered != generation:
            self._wonder("asked to abort what is not there")
        elif self._ended is not None:  # by the other side; our side of the descriptor goes now
            self._see(t.SocketGone, socket=self._ended)


_MAKERS: dict[type[t.Entry], Callable[..., t.Entry]]
_MAKERS = {kind: maker(kind) for kind in get_args(t.Entry)}

_STORE = {"save": ["saved", "not_saved"], "clear": ["cleared", "not_cleared"]}

_ANSWERS: dict[str, Callable[[Surroundings, str], events.Event]] = {
    "accept": Surroundings._accept,
    **dict.fromkeys(("frame", "pong"), Surroundings._frame),
    **dict.fromkeys(("pause", "resume"), Surroundings._read),
    **dict.fromkeys(("throttle", "unthrottle"), Surroundings._throttle),
    **dict.fromkeys(("authenticated", "not_authenticated"), Surroundings._authenticated),
    **dict.fromkeys(("refreshed", "not_refreshed", "revoked"), Surroundings._refreshed),
    **dict.fromkeys(("saved", "not_saved", "cleared", "not_cleared"), Surroundings._stored),
}

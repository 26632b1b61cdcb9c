"""What waits for an answer, known from what a subject has reported; and the answers, as entries."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from statemodel import traces as t
from statemodel._ends import stand_in
from statemodel._policy import End, Policy
from statemodel._timings import Timings
from statemodel._vocabulary import Mode, Status
from statemodel.scripts import CLOSE_CODES, DIAL_ENDS, Step, close_code, dial_end

_POLICY = Policy()
_CONNECTING = Status.CONNECTING  # a member by its name costs a search
_STORE = {"save": ("saved", "not_saved"), "clear": ("cleared", "not_cleared")}
_REFRESH_ENDS: dict[str, Any] = {
    "refreshed": "done",
    "not_refreshed": "failed",
    "revoked": "refused",
}
_NEEDS = {
    "throttle": "throttling",
    "unthrottle": "throttling",
    "pause": "reading",
    "resume": "reading",
    "pong": "ping",
}
"""The capability without which an answer means nothing to a subject; see `_needs` for the rest."""


@lru_cache(maxsize=1024)
def _needs(word: str) -> str | None:
    """Return the capability that an answer needs, if it needs one."""
    status, code, wait = dial_end(word) or (None, close_code(word), None)
    if wait is not None:
        return "retry_after"
    return "refresh" if _POLICY.end(status, code) is End.AUTH else _NEEDS.get(word)


class Pending:
    """The surroundings of a subject, as the kit sees them from outside.

    Args:
        mode: Of the connection.
        timings: Its settings.
        capabilities: What the subject can do.
        foreground: Whether it starts in foreground.
    """

    def __init__(
        self, mode: Mode, timings: Timings, capabilities: frozenset[str], *, foreground: bool
    ) -> None:
        self.calls: dict[int, str] = {}
        """The calls that have not ended, with their names."""
        self.foreground = foreground
        """What was reported last."""
        self.online = True
        """What was reported last."""
        self.phase = "none"
        """Of the newest socket: none, dialling, open, closing, ended, gone."""
        self.logged_in = False
        """Whether somebody is logged in, as far as can be told."""
        self.ever_open = False
        """Whether a socket was ever open."""
        self.moments: set[float] = set()
        """Times at which something may be due, the past ones included."""
        self._mode = mode
        self._timings = timings
        self._can = capabilities
        self._cannot = {
            word
            for word in (*_NEEDS, *DIAL_ENDS, *CLOSE_CODES)
            if (need := _needs(word)) is not None and need not in capabilities
        }
        self._socket = 0
        self._pings: list[int] = []
        self._reading = True
        self._throttled = False
        self._authenticating: int | None = None  # the call
        self._login: int | None = None  # the call that was authenticated last
        self._store: list[tuple[str, int | None]] = []  # with the call that a save belongs to
        self._refreshing = False

    @property
    def is_auto(self) -> bool:
        """Whether the mode is auto."""
        return self._mode is Mode.AUTO

    def answers(self) -> list[str]:
        """Return the answers for which the moment is right."""
        found: list[str] = []
        if self._authenticating is not None:
            found += ["authenticated", "not_authenticated"]
        if self._store:
            found += _STORE[self._store[0][0]]
        if self._refreshing:
            found += _REFRESH_ENDS
        if self.phase == "dialling":
            found += ["accept", *DIAL_ENDS]
        if self.phase == "closing":
            found += ["closed"]
        if self.phase in ("open", "closing"):
            found += CLOSE_CODES
        if self.phase == "closing" and self._reading and "messages" in self._can:
            found += ["frame"]  # the peer does not know yet
        if self.phase == "open":
            throttling = "unthrottle" if self._throttled else "throttle"
            found += [throttling, "frame", "pause"] if self._reading else ["resume"]
            found += ["pong"] if self._pings and self._reading else []
        return [word for word in found if word not in self._cannot]

    def allows(self, word: str) -> bool:
        """Say whether the moment is right for an answer, one of those that are not listed included."""
        need = _needs(word)
        return (need is None or need in self._can) and stand_in(word) in self.answers()

    # -- what the kit does -----------------------------------------------------------------------

    def do(self, step: Step, command: int | None, now: float) -> list[t.Entry]:
        """Let a step that is right happen; return what tells it."""
        entry = self._do(step, command, now)
        if isinstance(entry, t.Throttled):  # in a frame, which is a sign of life like any other
            return [self._frame("frame", now), entry]
        return [] if entry is None else [entry]

    def _do(self, step: Step, command: int | None, now: float) -> t.Entry | None:
        match step.do:
            case "wait":
                return None
            case "background" | "foreground":
                return self._report(step.do, now)
            case "network":
                return self._report(f"network_{step.what}", now)
            case "restored":
                self.logged_in = True
                return t.Reported(time=now, what="restored", uid=step.what)
            case "cancel":
                return self._cancel(int(step.number), now)
            case "peer" | "store" | "authenticator" | "reader":
                return self._answer(step.what, now) if self.allows(step.what) else None
            case _:
                assert command is not None, "a call has its number"
                return self._call(step, command, now)

    def _report(self, what: Any, now: float) -> t.Entry:
        if what in ("background", "foreground"):
            if what == "background" and self.foreground:
                self.moments.add(now + self._timings.background_grace)
            self.foreground = what == "foreground"
        else:
            self.online = what == "network_up"
        if what == "network_down" or (what == "background" and self._mode is Mode.AUTO):
            self._refreshing = False
        return t.Reported(time=now, what=what)

    def _call(self, step: Step, command: int, now: float) -> t.Entry:
        name: Any = step.do
        self.calls[command] = name
        if name in ("logout", "disconnect", "shut_down"):
            self._refreshing = False
            self.logged_in = self.logged_in and name == "disconnect"
        elif name == "ping" and not self.foreground:
            self.moments.add(now + self._timings.background_grace)
        return t.Called(time=now, command=command, name=name, uid=step.what)

    def _cancel(self, command: int, now: float) -> t.Entry | None:
        if self.calls.pop(command, None) is None:
            return None
        self._over(command)
        return t.Cancelled(time=now, command=command)

    def _answer(self, word: str, now: float) -> t.Entry | None:
        here = self._socket
        phase: Any
        how: Any
        if (end := dial_end(word)) is not None:
            self.phase = "ended"
            status, code, wait = end
            how = _POLICY.end(status, code).value
            wait = _POLICY.retry_after(status, wait)
            return t.SocketEnded(time=now, socket=here, how=how, retry_after=wait)
        code = 1000 if word == "closed" else close_code(word)
        if code is not None:
            self.phase, self._pings = "ended", []
            how = _POLICY.end(None, code).value
            return t.SocketEnded(time=now, socket=here, how=how)
        match word:
            case "accept":
                return self._accept(now)
            case "frame" | "pong":
                return self._frame(word, now)
            case "throttle" | "unthrottle":
                self._throttled = word == "throttle"
                return t.Throttled(time=now, socket=here, on=self._throttled)
            case "pause" | "resume":
                return None  # that it stops reading is the subject's to report
            case "authenticated" | "not_authenticated":
                self._authenticating = None
                phase = "done" if word == "authenticated" else "failed"
                return t.Stored(time=now, what="authenticate", phase=phase)
            case "saved" | "not_saved" | "cleared" | "not_cleared":
                kind: Any = self._store.pop(0)[0]
                phase = "failed" if word.startswith("not_") else "done"
                return t.Stored(time=now, what=kind, phase=phase)
            case _:
                self._refreshing = False
                return t.Refreshed(time=now, phase=_REFRESH_ENDS[word])

    def _accept(self, now: float) -> t.Entry:
        self.phase, self.ever_open, self._pings = "open", True, []
        self._reading, self._throttled = True, False
        self.moments |= {now + self._timings.heartbeat_interval, now + self._timings.stable_after}
        return t.SocketOpened(time=now, socket=self._socket)

    def _frame(self, word: str, now: float) -> t.Entry:
        self.moments.add(now + self._timings.heartbeat_interval)
        pong = self._pings.pop(0) if word == "pong" else None
        return t.FrameSeen(time=now, socket=self._socket, pong=pong)

    # -- what the subject does -------------------------------------------------------------------

    def note(self, entry: t.Entry) -> None:
        """Note a report of the subject."""
        times = self._timings
        match entry:  # the frequent ones first
            case t.StatusSeen():
                change = entry.change
                if change.current is not _CONNECTING:
                    self._refreshing = False
                if change.retry_in is not None:
                    self.moments.add(entry.time + change.retry_in)
            case t.Returned():
                name = self.calls.pop(entry.command, None)
                if entry.code is not None:
                    self._over(entry.command)
                elif name == "login":
                    self.logged_in = True
            case t.Dialled():
                self._socket, self.phase = entry.socket, "dialling"
                self._refreshing, self._pings = False, []
                self.moments.add(entry.time + times.dial_timeout)
            case t.CloseBegun(socket=self._socket):
                self.phase, self._pings = "closing", []
                self.moments.add(entry.time + times.close_timeout)
            case t.SocketGone(socket=self._socket):
                self.phase, self._pings = "gone", []
            case t.PingSent(socket=self._socket):
                self._pings.append(entry.ping)
                self.moments |= {entry.time + times.pong_timeout, entry.time + times.probe_timeout}
            case t.Stored(phase="given_up"):
                kinds = [kind for kind, _ in self._store]
                del self._store[kinds.index("clear")]  # there is one, or it has lied
            case t.Stored(what="authenticate"):
                logins = [command for command, name in self.calls.items() if name == "login"]
                self._authenticating = self._login = max(logins, default=0)
                self.moments.add(entry.time + times.auth_timeout)
            case t.Stored():
                self._store.append((entry.what, self._login if entry.what == "save" else None))
                self.moments.add(entry.time + times.auth_timeout)
            case t.Refreshed():
                self._refreshing = True
                self.moments.add(entry.time + times.auth_timeout)
            case t.Reading(socket=self._socket):
                self._reading = entry.on
            case _:
                pass

    def _over(self, command: int) -> None:
        """Forget what a login that has failed, or was given up, was waiting for."""
        if self._authenticating == command:
            self._authenticating = None
        self._store = [job for job in self._store if job != ("save", command)]

"""From what a machine was told and said to what could be seen: the entries of a trace.

Every entry has the time of the step that it belongs to, as the rules want it: what a step asks for
counts from the step, however long the computer took over it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from statemodel import effects, events
from statemodel import traces as t
from statemodel._policy import Policy
from statemodel._surroundings import NO_ANSWER, Surroundings
from statemodel._vocabulary import Code
from statemodel.recordings._lines import DialerLine, Header, MessageLine, NoteLine
from statemodel.recordings._machine import RecordedStep
from statemodel.timelines import describe


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a timeline."""

    time: float
    """Seconds on the connection's clock."""
    text: str
    """What happened."""
    entry: t.Entry | None = None
    """The same, for the rules; `None` for what only people read."""


class Observer(Surroundings):
    """Writes down what can be seen of a recording, line by line."""

    __slots__ = ("_called", "_policy", "_rows", "_seen_sockets")

    def __init__(self, header: Header) -> None:
        super().__init__(header.timings.auth_timeout, [])
        self._policy = Policy() if header.policy is None else header.policy
        self._called: set[int] = set()
        self._seen_sockets: dict[int, int] = {}  # by generation
        self._rows: list[Row] = []
        self.now = header.time
        self._see(
            t.Opened,
            mode=header.mode,
            foreground=header.foreground,
            online=header.online,
            timings=header.timings,
        )

    @property
    def rows(self) -> list[Row]:
        """What was seen so far, by time; at one time, in the order of the file."""
        return sorted(self._rows, key=lambda row: row.time)

    # -- lines -----------------------------------------------------------------------------------

    def take(self, line: RecordedStep | MessageLine | DialerLine | NoteLine) -> None:
        """Write down one line."""
        match line:
            case RecordedStep():
                self._take_step(line)
            case MessageLine(message="delivered"):
                entry = t.Delivered(time=line.time, socket=line.socket, number=line.number)
                self._rows.append(Row(line.time, describe(entry) + _content(line), entry))
            case MessageLine():
                what = f"message {line.number} {_WAYS[line.message]}"
                size = "" if line.message in ("written", "not_written") else _content(line)
                self._rows.append(Row(line.time, f"socket {line.socket}: {what}{size}"))
            case DialerLine():
                what = "asked to dial" if line.dialer == "begun" else "done, no descriptor is left"
                self._rows.append(Row(line.time, f"socket {line.socket}: (the dialer is {what})"))
            case NoteLine():
                lost = f": {line.count} lines" if line.count else ""
                self._rows.append(Row(line.time, f"({_NOTES[line.note]}{lost})"))

    def _take_step(self, step: RecordedStep) -> None:
        self.now = step.time
        own = 0 if isinstance(step.event, events.TimePassed) else step.fired
        if step.due is not None and step.time - step.due > _LATE:
            self._say(f"(a timer was late by {step.time - step.due:.3g} s)")
        for effect in step.effects[:own]:
            self._do(effect)
        hear = _HEARD.get(type(step.event))
        if hear is not None:
            hear(self, step.event)
        for effect in step.effects[own:]:
            self._do(effect)

    def _do(self, effect: effects.Effect) -> None:
        self._perform(effect)
        match effect:
            case effects.Fail(details=details) if details and effect.command in self._called:
                self._say(f"    {details}")
            case effects.Succeed(value=float() as seconds) if effect.command in self._called:
                self._say(f"    after {seconds:.6g} s")
            case effects.DiscardUnread():
                self._say("unread messages are dropped")
            case _:
                pass

    def _see(self, kind: Callable[..., t.Entry], **what: Any) -> None:
        entry = kind(time=self.now, **what)
        self._rows.append(Row(self.now, describe(entry), entry))

    def _say(self, text: str) -> None:
        self._rows.append(Row(self.now, text))

    # -- what the machine was told ---------------------------------------------------------------

    def _hear_call(self, event: Any) -> None:
        name, uid = _CALLS[type(event)], ""
        if isinstance(event, events.Login):
            uid = event.credentials.uid
        self._called.add(event.command)
        self.waiting[event.command] = name
        self._see(t.Called, command=event.command, name=name, uid=uid)

    def _hear_cancel(self, event: events.Cancel) -> None:
        if self.waiting.pop(event.command, None) is not None:
            self._see(t.Cancelled, command=event.command)

    def _hear_report(self, event: Any) -> None:
        self._see(t.Reported, what=_REPORTS[type(event)])

    def _hear_restored(self, event: events.SessionRestored) -> None:
        self._see(t.Reported, what="restored", uid=event.user.uid)

    def _hear_authenticated(self, event: Any) -> None:
        if self._login is not None and self._login[0] == event.generation:
            self._login = None
            failed = isinstance(event, events.AuthenticationFailed)
            self._see(t.Stored, what="authenticate", phase="failed" if failed else "done")

    def _hear_stored(self, event: Any) -> None:
        kind = "clear" if isinstance(event, events.SessionCleared) else "save"
        if (kind, event.generation) in self._jobs:
            while self._jobs[0] != (kind, event.generation):
                self._jobs = self._jobs[1:]
            error = event.error if kind == "clear" else getattr(event, "details", None)
            failed = isinstance(event, events.SaveFailed) or (kind == "clear" and error is not None)
            given_up = kind == "clear" and NO_ANSWER in (error or "")
            phase = "given_up" if given_up else "failed" if failed else "done"
            self._finish_job((error or "failed") if failed else None, phase)
            if failed and error:
                self._say(f"    {error}")

    def _hear_opened(self, event: events.DialSucceeded) -> None:
        if self._dialling is not None and self._dialling[0] == event.generation:
            self._accept("")
        else:
            self._see_stale(event.generation, t.SocketOpened)

    def _hear_end(self, event: Any) -> None:
        status, code, wait = None, None, None
        if isinstance(event, events.SocketClosed):
            code = event.code
        else:
            status, code = event.http_status, event.close_code
            if status in self._policy.retry_after_statuses:
                wait = event.retry_after
        how = self._policy.end(status, code).value
        what = {"how": how, "retry_after": wait}
        for name in ("_dialling", "_open", "_closing"):
            there = getattr(self, name)
            if there is not None and there[0] == event.generation:
                setattr(self, name, None)
                self._answered, self._ended, self._out = event.generation, there[1], ()
                self._see(t.SocketEnded, socket=there[1], **what)
                if name == "_closing":  # not news of the other side: we had asked for it
                    last = self._rows[-1]
                    over = f"socket {there[1]}: closing handshake over"
                    self._rows[-1] = Row(last.time, over, last.entry)
                self._explain(status, code, event.details)
                if name == "_closing":
                    self._see(t.SocketGone, socket=there[1])
                return
        self._see_stale(event.generation, t.SocketEnded, **what)

    def _hear_refreshed(self, event: Any) -> None:
        if self._refreshing is None or self._refreshing[0] != event.generation:
            return
        self._refreshing, self._answered = None, event.generation
        if isinstance(event, events.RefreshSucceeded):
            self._see(t.Refreshed, phase="done")
            return
        self._see(t.Refreshed, phase="refused" if event.refused else "failed")
        if event.details:
            self._say(f"    {event.details}")

    def _hear_frame(self, event: Any) -> None:
        pong = None
        if isinstance(event, events.PongReceived):
            pong = dict(self._out).get(event.payload)
            self._out = tuple(ping for ping in self._out if ping[0] != event.payload)
        self._on_open(event.generation, t.FrameSeen, pong=pong)

    def _hear_reading(self, event: Any) -> None:
        on = isinstance(event, events.ReadingResumed)
        self._on_open(event.generation, t.Reading, on=on)

    def _hear_throttling(self, event: Any) -> None:
        on = isinstance(event, events.ThrottlingStarted)
        self._on_open(event.generation, t.Throttled, on=on)

    def _on_open(self, generation: int, kind: Callable[..., t.Entry], **what: Any) -> None:
        if self._open is not None and self._open[0] == generation:
            self._see(kind, socket=self._open[1], **what)
        elif kind is t.FrameSeen:
            self._see_stale(generation, kind, **what)

    def _see_stale(self, generation: int, kind: Callable[..., t.Entry], **what: Any) -> None:
        """Write down what a socket says that is not there any more: it must have no effect (K2)."""
        socket = self._seen_sockets.get(generation)
        if socket is not None:
            self._see(kind, socket=socket, **what)

    def _explain(self, status: int | None, code: int | None, details: str) -> None:
        reply = f"HTTP {status}" if status else f"close code {code}" if code else ""
        text = (
            f"{reply}: {details}"
            if reply and details and reply not in details
            else details or reply
        )
        if text:
            self._say(f"    {text}")

    # -- what the machine said, where it is told otherwise than in a played world -----------------

    def _return(self, command: int, code: Code | None) -> None:
        if command in self._called:  # not a report's refusal
            super()._return(command, code)

    def _dial(self, generation: int) -> None:
        super()._dial(generation)
        self._seen_sockets[generation] = self._sockets


_LATE = 0.01
"""Seconds by which a timer may be late without a word."""

_WAYS = {
    "in": "received",
    "out": "to be sent",
    "written": "handed to the kernel",
    "not_written": "not sent, or not whole",
}

_NOTES = {
    "closed": "the connection object has ended",
    "full": "the trace is full",
    "messages_off": "the trace is nearly full: no more messages are written down",
    "lost": "the disk was too slow for what happened here",
}

_CALLS: dict[type, str] = {
    events.Login: "login",
    events.Logout: "logout",
    events.Connect: "connect",
    events.Disconnect: "disconnect",
    events.Ping: "ping",
    events.Send: "send",
    events.ShutDown: "shut_down",
}

_REPORTS: dict[type, str] = {
    events.EnterBackground: "background",
    events.EnterForeground: "foreground",
    events.NetworkLost: "network_down",
    events.NetworkRestored: "network_up",
}

_HEARD: dict[type, Callable[[Observer, Any], None]] = {
    **dict.fromkeys(_CALLS, Observer._hear_call),
    events.Cancel: Observer._hear_cancel,
    **dict.fromkeys(_REPORTS, Observer._hear_report),
    events.SessionRestored: Observer._hear_restored,
    events.AuthenticationSucceeded: Observer._hear_authenticated,
    events.AuthenticationFailed: Observer._hear_authenticated,
    events.SaveSucceeded: Observer._hear_stored,
    events.SaveFailed: Observer._hear_stored,
    events.SessionCleared: Observer._hear_stored,
    events.DialSucceeded: Observer._hear_opened,
    events.DialFailed: Observer._hear_end,
    events.SocketClosed: Observer._hear_end,
    events.RefreshSucceeded: Observer._hear_refreshed,
    events.RefreshFailed: Observer._hear_refreshed,
    events.FrameReceived: Observer._hear_frame,
    events.PongReceived: Observer._hear_frame,
    events.ReadingPaused: Observer._hear_reading,
    events.ReadingResumed: Observer._hear_reading,
    events.ThrottlingStarted: Observer._hear_throttling,
    events.ThrottlingEnded: Observer._hear_throttling,
}
"""What is made of each event; of the others nothing can be seen."""


def _content(line: MessageLine) -> str:
    unit = "characters" if line.kind == "text" else "bytes"
    shown = "" if line.content is None else f": {line.content}"
    return f" ({line.kind}, {line.size:,} {unit}){shown}"

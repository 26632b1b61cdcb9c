"""What somebody outside knows at one moment of a trace."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, TypeAlias

from statemodel._record import copier
from statemodel._timings import Timings
from statemodel._vocabulary import Mode, Status, StatusChange
from statemodel.traces import Called

EPSILON = 1e-6
"""Seconds; in a trace of an exact clock, times nearer than this are the same."""

# A member by its name costs a search.
_AUTO, _MANUAL = Mode
_DISCONNECTED = Status.DISCONNECTED

_slack = ContextVar("slack", default=EPSILON)

Phase: TypeAlias = Literal["dialling", "open", "closing", "ended", "gone"]

Why: TypeAlias = Literal[
    "never",
    "login",
    "disconnect",
    "logout",
    "shut_down",
    "background",
    "grace",
    "lost",
    "waiting",
    "failed",
]
"""What made the connection unwanted: "grace" is M5, "lost" M7, "waiting" M8, "failed" B5,
"background" A1; "login" is logged in with nothing asked for yet, in manual mode."""

Prompt: TypeAlias = Literal[
    "loss", "connect", "foreground", "network_up", "login", "restored", "refresh"
]
"""What calls for the next dial."""


def slack() -> float:
    """Return how near two times are one, in seconds, while a trace is judged."""
    return _slack.get()


@contextmanager
def judged_with(seconds: float) -> Iterator[None]:
    """Take times as one that are so near, because the timers of a trace were so late."""
    token = _slack.set(seconds)
    try:
        yield
    finally:
        _slack.reset(token)


def later(a: float, b: float) -> bool:
    """Tell whether `a` is after `b` for certain."""
    return a > b + _slack.get()


def same(a: float, b: float) -> bool:
    """Tell whether two times are one."""
    return abs(a - b) <= _slack.get()


# Sockets and pings are named tuples, as to replace a field of a dataclass takes far longer.
class Socket(NamedTuple):
    """A socket, from its dial on."""

    number: int
    phase: Phase
    """"ended" by the other side or a failed dial; "gone" once its descriptor was closed by us."""
    dialled: float
    opened: float | None = None
    closing: float | None = None
    """When we began to close it."""
    heard: float = 0.0
    """When the last frame came in, or the socket opened."""
    reading: bool = True
    resumed: float = 0.0
    """When reading was last started again."""
    throttled: bool = False
    muted: bool = False
    """Nothing may be delivered from it any more (K3)."""


class Ping(NamedTuple):
    """A ping on the current socket that has not been answered."""

    number: int
    socket: int
    command: int | None
    sent: float
    limit: float
    deadline: float | None
    """When its pong is given up; none while we are not reading."""
    heard_since: bool = False
    """A frame came in after its write, or after reading was last started again."""
    heard_before: bool = False
    """A frame came in after its write, before reading was last started again."""


@dataclass(kw_only=True, eq=False, slots=True)
class Facts:
    """Everything the rules ask about one moment; nothing here comes from a machine.

    A copy is written to while an entry is applied to it; from then on it is only read.
    """

    mode: Mode
    timings: Timings
    time: float
    foreground: bool
    online: bool
    entered: float
    """When the foreground was last entered."""
    closed: bool = False
    """The connection object has ended."""
    user: str | None = None
    login: int | None = None
    """The `login` that is running."""
    authenticating: float | None = None
    authenticated: float | None = None
    """When the running login was authenticated; its save may have to wait for a clearing."""
    saving: float | None = None
    clearing: int = 0
    """Clearings that have begun and not ended."""
    wanted: bool = False
    why: Why = "never"
    """Why the connection is not wanted; of no meaning while it is."""
    sockets: Mapping[int, Socket] = field(default_factory=dict)
    current: int | None = None
    """The socket being dialled or open."""
    open: Socket | None = None
    """That socket if it is open."""
    refreshing: float | None = None
    """Since when a refresh of credentials is going on."""
    refreshed: Literal["no", "yes", "maybe"] = "no"
    """Whether the credentials were refreshed since the connection was last stable (B5)."""
    grace: float | None = None
    """The deadline of the grace window."""
    grace_from: Literal["background", "ping", "connect"] = "background"
    """What set that deadline, or the last one."""
    failures: int = 0
    """Failures in a row (B1, B2)."""
    failures_ever: int = 0
    """Failures, not forgetting any."""
    not_before: float = 0.0
    """When the server allows the next dial (B4)."""
    retry_by: float | None = None
    """The latest moment for the next dial."""
    prompt: Prompt = "loss"
    """What that dial is for."""
    lost_open: bool = False
    """The last failure was an open socket ended by the other side."""
    waiting: Mapping[int, Called] = field(default_factory=dict)
    """The calls that have not ended."""
    pings: Mapping[int, Ping] = field(default_factory=dict)
    status: StatusChange | None = None

    def copy(self) -> Facts:
        """Return the same facts, to be written to."""
        return _copy(self)

    def note(self, socket: Socket) -> None:
        """Write down what became of a socket."""
        self.sockets = {**self.sockets, socket.number: socket}
        if socket.number == self.current:
            self.open = socket if socket.phase == "open" else None

    @property
    def socket(self) -> Socket | None:
        """The current socket."""
        return None if self.current is None else self.sockets[self.current]

    @property
    def busy(self) -> bool:
        """Whether there is a socket in the rulebook's sense: dialling, refreshing or open."""
        return self.current is not None or self.refreshing is not None

    @property
    def closing(self) -> list[Socket]:
        """The sockets that we are closing."""
        return [s for s in self.sockets.values() if s.phase == "closing"]

    @property
    def shown(self) -> Status:
        """The status that listeners were told last."""
        return _DISCONNECTED if self.status is None else self.status.current

    @property
    def on_timer(self) -> bool:
        """Whether the next dial waits for nothing but a timer."""
        return self.wanted and self.online and not self.busy and not self.closed

    @property
    def manual_background(self) -> bool:
        """Manual mode, in background."""
        return not self.foreground and self.mode is _MANUAL

    @property
    def auto_background(self) -> bool:
        """Auto mode, in background."""
        return not self.foreground and self.mode is _AUTO

    def backoff(self, failures: int) -> float:
        """Return the longest back-off after so many failures in a row (B1)."""
        exponent = min(max(failures, 1) - 1, 1000)
        return float(min(self.timings.backoff_cap, self.timings.backoff_base * 2.0**exponent))

    def waits(self, name: str) -> bool:
        """Say whether a call with this name has not ended."""
        return any(called.name == name for called in self.waiting.values())

    def own_pings(self) -> list[Ping]:
        """Return the library's own pings that have not been answered."""
        return [p for p in self.pings.values() if p.command is None]


_copy = copier(Facts)


def still_closing(facts: Facts) -> bool:
    """Tell whether a socket may still be on its way out, its peer having finished or not."""
    ended = [s for s in facts.sockets.values() if s.phase == "ended" and s.closing is not None]
    limit = facts.timings.close_timeout
    recent = any(not later(facts.time, (s.closing or 0.0) + limit) for s in ended)
    return bool(facts.closing) or recent


def deadlines(facts: Facts) -> Iterator[float]:
    """Yield the known deadlines whose passing can be seen in the trace."""
    t = facts.timings
    for socket in facts.sockets.values():
        if socket.phase == "dialling":
            yield socket.dialled + t.dial_timeout
        if socket.closing is not None and socket.phase == "closing":
            yield socket.closing + t.close_timeout
    for ping in facts.pings.values():
        if ping.deadline is not None:
            yield ping.deadline
    if facts.open is not None and facts.foreground:
        for start in (facts.open.heard, facts.entered, facts.open.resumed):
            yield start + t.heartbeat_interval
    for since in (facts.refreshing, facts.authenticating, facts.authenticated, facts.saving):
        if since is not None:
            yield since + t.auth_timeout
    if facts.grace is not None:
        yield facts.grace
    if facts.status is not None and facts.status.retry_in is not None:
        yield facts.status.time + facts.status.retry_in


def timer_due(facts: Facts, time: float) -> bool:
    """Tell whether entries at `time` may come from a timer rather than from the input before them."""
    if facts.on_timer and (facts.status is None or facts.status.retry_in is None):
        return True
    return any(same(deadline, time) for deadline in deadlines(facts))

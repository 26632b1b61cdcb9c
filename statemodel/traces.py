"""What was done to a connection and what could be seen of it, with times.

A trace is the common language of tests: the pure machine, the trio connection and any other
implementation can write one, and the trace rules judge it. It knows no states, only what somebody
outside can tell: calls and reports, sockets, pings, results and statuses. Entries stand in the
order in which they happened; times are seconds and never decrease.

A *socket* is numbered from its dial on. A refresh of credentials belongs to the attempt it is
part of and has no number.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from statemodel._timings import Timings
from statemodel._vocabulary import Code, Mode, StatusChange


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The connection object was opened; always the first entry, and only that."""

    time: float
    mode: Mode
    foreground: bool
    online: bool
    timings: Timings


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """The application called a command. `command` numbers the call; its `Returned` has the same."""

    time: float
    command: int
    name: Literal["login", "logout", "connect", "disconnect", "ping", "send", "shut_down"]
    uid: str = ""
    """For `login`: who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """The application cancelled a call that had not returned; no `Returned` follows for it."""

    time: float
    command: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Returned:
    """A call ended, with a failure or refusal `code`, or well (`None`)."""

    time: float
    command: int
    code: Code | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The application reported its life cycle or the network's, or a saved user was restored."""

    time: float
    what: Literal["background", "foreground", "network_down", "network_up", "restored"]
    uid: str = ""
    """For `restored`: who."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Authenticating, saving or clearing began or ended (S1, S5)."""

    time: float
    what: Literal["authenticate", "save", "clear"]
    phase: Literal["begun", "done", "failed", "given_up"]
    """"given_up": the store has not answered, and is waited for no longer; of a clearing only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """A refresh of credentials began, or ended: with new ones, without, or refused for good (B5)."""

    time: float
    phase: Literal["begun", "done", "failed", "refused"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialled:
    """A dial began."""

    time: float
    socket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketOpened:
    """A dial succeeded: the socket is open."""

    time: float
    socket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketEnded:
    """A dial failed, or an open or closing socket was ended by the peer or the network."""

    time: float
    socket: int
    how: Literal["loss", "auth", "terminal"]
    """By the policy of B5."""
    retry_after: float | None = None
    """The server's own Retry-After, if it gave one (B4)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseBegun:
    """We began the closing handshake of an open socket."""

    time: float
    socket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SocketGone:
    """The descriptor of a dialling, open or closing socket was closed, or told to be, by us."""

    time: float
    socket: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PingSent:
    """A ping went out: the application's (with its call) or the library's own."""

    time: float
    socket: int
    ping: int
    command: int | None
    """The `Called` of name `ping` that it belongs to; `None` for the library's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameSeen:
    """A frame came in; `pong` is the number of the ping that it answers, if it is a pong."""

    time: float
    socket: int
    pong: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Our side stopped or started reading the socket (K6)."""

    time: float
    socket: int
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttled:
    """The server switched throttling on or off (T7)."""

    time: float
    socket: int
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """A message was handed to the application; `number` counts the server's sends on its socket."""

    time: float
    socket: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusSeen:
    """A status listener was told a change."""

    time: float
    change: StatusChange


Entry: TypeAlias = (
    Opened
    | Called
    | Cancelled
    | Returned
    | Reported
    | Stored
    | Refreshed
    | Dialled
    | SocketOpened
    | SocketEnded
    | CloseBegun
    | SocketGone
    | PingSent
    | FrameSeen
    | Reading
    | Throttled
    | Delivered
    | StatusSeen
)

Trace: TypeAlias = list[Entry]

"""The seam between a connection and the library that speaks WebSocket.

A `Dialer` runs one socket from its dial to its end, and tells a `Sink` what it sees. Everything it
tells is a plain call on the trio thread, so that nothing waits between a frame and its meaning.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from enum import StrEnum, unique
from typing import Protocol, runtime_checkable

from statemodel import User
from transport._url import Address


@unique
class TokenIn(StrEnum):
    """Where a dialer puts the user's token."""

    HEADER = "header"
    """In the upgrade request's `Authorization`, as a bearer token (RFC 6750, 2.1)."""
    SUBPROTOCOL = "subprotocol"
    """Offered as the last subprotocol, `bearer.TOKEN`, as browsers have to do it."""
    HELLO = "hello"
    """Not in the upgrade request: a `HelloDialer` says it in a first message."""


BEARER_SUBPROTOCOL = "bearer."
"""What precedes the token that is offered as a subprotocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What to dial."""

    address: Address
    user: User = field(repr=False)
    """Whose token opens the socket."""
    ssl_context: ssl.SSLContext | None = None
    """For a `wss` URL; `None` for the platform's trust store."""
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """Further headers of the upgrade request."""
    token_in: TokenIn = TokenIn.HEADER
    """Where the token goes, if there is one."""
    subprotocols: tuple[str, ...] = ()
    """What the client speaks, the preferred first; the server chooses one or none (RFC 6455, 1.9)."""
    max_message_size: int = 2**20
    """Bytes; a larger message closes the socket with 1009."""

    @property
    def offered_subprotocols(self) -> tuple[str, ...]:
        """The value of Sec-WebSocket-Protocol, with the token if it goes there."""
        token = self.user.auth_token
        if token and self.token_in is TokenIn.SUBPROTOCOL:
            return (*self.subprotocols, BEARER_SUBPROTOCOL + token)
        return self.subprotocols


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How an open socket ended."""

    code: int = 1006
    """The close code (RFC 6455, 7.4); 1006 if there was none."""
    details: str = ""
    """The close reason, or what broke."""


@runtime_checkable
class Socket(Protocol):
    """An open socket. All calls return at once but `send`; none of them is made after `abort`.

    They may be made until the `run` that told of it has returned, also while it is being cancelled.
    """

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of what was offered."""

    def ping(self, payload: bytes) -> None:
        """Queue a ping ahead of all data not yet written (P1); tell the sink when it is written."""

    async def send(self, message: str | bytes) -> None:
        """Write a message; return when it is handed to the kernel.

        Cancelled before the message is picked up, it is withdrawn; afterwards it is completed.

        Raises:
            TransportError: `ERR_CONNECTION_LOST`: the socket ended first; the message may or may
                not have arrived.
        """

    def close(self) -> None:
        """Begin the closing handshake with 1000; nothing is delivered any more (K3)."""

    def abort(self) -> None:
        """Close the descriptor before returning (K1)."""


class Sink(Protocol):
    """What a dialer tells of one socket."""

    def opened(self, socket: Socket) -> None:
        """The dial succeeded, hello included."""

    def frame(self) -> None:
        """Something came in: the peer is alive (P4)."""

    def message(self, message: str | bytes) -> None:
        """A whole message came in."""

    def ping_written(self, payload: bytes) -> None:
        """A ping is on the wire."""

    def pong(self, payload: bytes) -> None:
        """A pong came in."""

    def throttled(self, *, on: bool) -> None:
        """The server switched throttling on or off (T7)."""

    @property
    def has_room(self) -> bool:
        """Whether the application has room for more messages; if not, read nothing (K6)."""

    async def wait_room(self) -> None:
        """Wait until it has, with an open socket; the connection notes that it is not being read."""


class Dialer(Protocol):
    """Opens sockets."""

    async def run(self, request: Request, sink: Sink) -> Ended:
        """Dial, tell the sink, and run the socket until it has ended.

        Its descriptor is closed when this returns, raises or is cancelled (K1). Time limits are
        the caller's: it cancels.

        Raises:
            DialError: there was no socket; not raised once the sink was told `opened`, and not
                in an exception group.
        """

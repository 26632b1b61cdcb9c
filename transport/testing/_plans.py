"""What a server does with a dial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Accept:
    """Upgrade the connection."""

    delay: float = 0.0
    """Seconds between the request and the answer."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Answer with an HTTP status, and close."""

    status: int
    """Any but 101."""
    retry_after: int | None = None
    """Seconds, in a Retry-After header."""
    headers: tuple[tuple[str, str], ...] = ()
    """Further headers of the answer; `MemoryServer` has no headers, and leaves them out."""
    delay: float = 0.0
    """Seconds between the request and the answer."""


@dataclass(frozen=True, slots=True)
class Hang:
    """Take the TCP connection, and never read from it or write to it."""


@dataclass(frozen=True, slots=True)
class Reset:
    """Reset the TCP connection in the midst of the handshake."""


@dataclass(frozen=True, slots=True)
class Vanish:
    """Read the request, and close without an answer."""

    delay: float = 0.0
    """Seconds between the request and the end."""


@dataclass(frozen=True, slots=True)
class Garbage:
    """Answer with something that is not HTTP, and close."""

    data: bytes = b"SSH-2.0-OpenSSH_9.9\r\n"
    """The answer."""
    delay: float = 0.0
    """Seconds between the request and the answer."""


Plan: TypeAlias = Accept | Refuse | Hang | Reset | Vanish | Garbage
"""What a server does with one dial."""

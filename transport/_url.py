"""WebSocket URLs: what is one, and where a token may travel."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

MAX_URL_LENGTH = 8_000
"""What RFC 9110, 4.1 asks every server to support at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A parsed `ws:` or `wss:` URL."""

    host: str
    port: int
    resource: str
    """Path and query."""
    secure: bool
    """Whether it is `wss:`."""

    @property
    def host_header(self) -> str:
        """The value of the Host header (RFC 9110, 7.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.secure else 80) else f"{host}:{self.port}"

    @property
    def guarded(self) -> bool:
        """Whether a token is safe on the way: encrypted, or never leaving this machine."""
        if self.secure or self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_url(url: str) -> Address:
    """Parse a WebSocket URL.

    Raises:
        TypeError: it is no string.
        ValueError: it is no `ws:` or `wss:` URL with a host, is too long, has a fragment
            (RFC 6455, 3), or a user name in it, which would end up in logs.
    """
    if not isinstance(url, str):
        raise TypeError(f"the URL must be a str, not {type(url).__name__}")
    if not url or len(url) > MAX_URL_LENGTH:
        raise ValueError(f"the URL must have 1 to {MAX_URL_LENGTH} characters, not {len(url)}")
    if not url.isascii() or any(c <= " " or c == "\x7f" for c in url):
        raise ValueError("the URL must be printable ASCII without spaces; percent-encode the rest")
    parts = urlsplit(url)
    if parts.scheme not in ("ws", "wss"):
        raise ValueError(f"the URL's scheme must be ws or wss, not {parts.scheme!r}")
    if not parts.hostname:
        raise ValueError("the URL has no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("the URL must not have a user name; pass credentials to login()")
    if parts.fragment or url.endswith("#"):
        raise ValueError("a WebSocket URL has no fragment")
    try:
        parts.hostname.encode("idna")
    except UnicodeError:
        raise ValueError(f"{parts.hostname!r} is no host name") from None
    secure = parts.scheme == "wss"
    port = parts.port  # raises ValueError when it is out of range
    if port is None:
        port = 443 if secure else 80
    query = f"?{parts.query}" if parts.query else ""
    return Address(
        host=parts.hostname, port=port, resource=(parts.path or "/") + query, secure=secure
    )

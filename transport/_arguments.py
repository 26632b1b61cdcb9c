"""What `open_connection` may be given."""

from __future__ import annotations

import ssl

from statemodel import Policy, Timings
from transport._credentials import is_token
from transport._seam import BEARER_SUBPROTOCOL, TokenIn
from transport._url import Address


def check_types(*, timings: object, policy: object, foreground: object, online: object) -> None:
    """Refuse settings of the wrong type."""
    if not isinstance(timings, Timings | None):
        raise TypeError(f"timings must be Timings, not {timings!r}")
    if not isinstance(policy, Policy | None):
        raise TypeError(f"policy must be a Policy, not {policy!r}")
    for name, flag in (("foreground", foreground), ("online", online)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} must be a bool, not {flag!r}")


def check_plugins(**plugins: tuple[object, tuple[str, ...]]) -> None:
    """Refuse what lacks a method that it will be asked for; `None` stands for the default."""
    for name, (plugin, methods) in plugins.items():
        lacking = [method for method in methods if not callable(getattr(plugin, method, None))]
        if plugin is not None and (
            lacking or (isinstance(plugin, type) and methods != ("__call__",))
        ):
            wanted = (
                "callable" if methods == ("__call__",) else f"an object with {', '.join(methods)}"
            )
            raise TypeError(f"{name} must be {wanted}, not {plugin!r}")


def check_limits(**limits: object) -> None:
    """Refuse limits that are no positive whole numbers."""
    for name, number in limits.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 1:
            raise ValueError(f"{name} must be a positive whole number, not {number!r}")


def checked_ssl_context(ssl_context: object, address: Address) -> ssl.SSLContext | None:
    """Return a TLS context for a URL that needs one; refuse one that would not be used."""
    if not isinstance(ssl_context, ssl.SSLContext | None):
        raise TypeError(f"ssl_context must be an SSLContext, not {ssl_context!r}")
    if ssl_context is not None and not address.secure:
        raise ValueError("an ssl_context is of no use with ws:")
    if address.secure and ssl_context is None:
        return ssl.create_default_context()  # once: it reads the trust store from disk
    return ssl_context


def checked_token_in(token_in: str, dialer: object) -> TokenIn:
    """Refuse a token in a hello that nobody says: the default dialer has none (K5)."""
    place = TokenIn(token_in)
    if place is TokenIn.HELLO and dialer is None:
        raise ValueError("the token is to be in a hello, which only a HelloDialer says")
    return place


def checked_subprotocols(subprotocols: object) -> tuple[str, ...]:
    """Refuse what cannot be offered (RFC 6455, 4.1): each a token, none twice, none that is a secret."""
    if not isinstance(subprotocols, (tuple, list)):
        raise TypeError("subprotocols must be a tuple or list of str")
    for name in subprotocols:
        if not isinstance(name, str):
            raise TypeError(f"a subprotocol must be a str, not {name!r}")
        if not is_token(name):
            raise ValueError(f"{name!r} is no subprotocol: it must be a token (RFC 9110, 5.6.2)")
        if name.startswith(BEARER_SUBPROTOCOL):
            raise ValueError("the token goes to login(), and token_in says that it is offered")
    if len(set(subprotocols)) < len(subprotocols):
        raise ValueError("a subprotocol may be offered only once")
    return tuple(subprotocols)


_RESERVED = {
    "authorization",
    "connection",
    "content-length",
    "host",
    "sec-websocket-extensions",
    "sec-websocket-key",
    "sec-websocket-protocol",
    "sec-websocket-version",
    "transfer-encoding",
    "upgrade",
}
"""Headers that the upgrade itself has."""


def checked_headers(headers: object) -> tuple[tuple[str, str], ...]:
    """Refuse what would be another request than it looks (RFC 9110, 5.1 and 5.5)."""
    if not isinstance(headers, (tuple, list)):
        raise TypeError("headers must be a tuple or list of pairs")
    for pair in headers:
        if not isinstance(pair, tuple) or list(map(type, pair)) != [str, str]:
            raise TypeError("headers are pairs of str")
        name, value = pair
        if not is_token(name):
            raise ValueError(f"{name!r} is no header name")
        if name.lower() in _RESERVED:
            raise ValueError(f"the header {name!r} is the connection's own")
        if value != value.strip() or not all(" " <= c <= "~" or c == "\t" for c in value):
            raise ValueError(f"the value of {name!r} must be printable ASCII without outer spaces")
    return tuple(headers)

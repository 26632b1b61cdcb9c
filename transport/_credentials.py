"""What may be a user's token, and how it is kept out of sight."""

from __future__ import annotations

from dataclasses import dataclass

from statemodel import User
from transport._seam import TokenIn

_SHOWN = 7
"""So many characters in a row of a token may be chance; more are a part of it."""


_SUBPROTOCOL = frozenset(
    "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)
"""The characters of a `token` (RFC 9110, 5.6.2), which is what a subprotocol must be."""


def is_token(text: str) -> bool:
    """Say whether a text can be a subprotocol or a header's name."""
    return bool(text) and _SUBPROTOCOL.issuperset(text)


def is_visible(text: str) -> bool:
    """Say whether a text is visible ASCII without spaces, and so can travel in a header; or empty."""
    return all("!" <= character <= "~" for character in text)


@dataclass(frozen=True, slots=True)
class Way:
    """How a user's token travels to the server."""

    token_in: TokenIn
    """In what."""
    guarded: bool
    """Whether it may at all: encrypted, on loopback, or allowed to be read on the way."""

    @property
    def needs(self) -> str:
        """What a token must be to travel there."""
        if self.token_in is TokenIn.SUBPROTOCOL:
            return "a token in the sense of RFC 9110, 5.6.2"
        return "visible ASCII without spaces"

    def can_carry(self, token: str) -> bool:
        """Say whether a token has only characters that can travel there; an empty one has."""
        if token and self.token_in is TokenIn.SUBPROTOCOL:
            return is_token(token)
        return is_visible(token)


def checked_user(user: object, source: str) -> User:
    """Return what an authenticator or store gave, if it is a user.

    Raises:
        TypeError: it is not: a bug in it, which must not pass for a refusal.
    """
    if isinstance(user, User) and isinstance(user.uid, str) and isinstance(user.auth_token, str):
        return user
    raise TypeError(
        f"{source} must give a User with uid and auth_token of str, not {type(user).__name__}"
    )


def redacted(text: str, token: str) -> str:
    """Return a text that others wrote without the token, or a part of it, that they may echo."""
    parts = range(max(1, len(token) - _SHOWN))
    if token and any(token[at : at + _SHOWN + 1] in text for at in parts):
        return "[withheld: it repeats the token]"
    return text

"""What may be a user's token, and how it is kept out of sight."""

from __future__ import annotations

from statemodel import User

_SHOWN = 7
"""So many characters in a row of a token may be chance; more are a part of it."""


def is_sendable(token: str) -> bool:
    """Say whether a token can travel in a header: visible ASCII, or empty."""
    return all("!" <= character <= "~" for character in token)


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

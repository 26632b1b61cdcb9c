"""Who a user is, and where a session is kept: two small protocols with the simplest of each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol

import trio

from statemodel import Credentials, User
from transport._errors import TransportError


@unique
class SessionEvent(StrEnum):
    """What a login listener is told of."""

    LOGGED_IN = "logged_in"
    """Somebody is logged in now (S1). A user restored at opening was there before any listener."""
    LOGIN_FAILED = "login_failed"
    """A login that had begun has failed; the cancelled and those refused at once are not told."""
    LOGGED_OUT = "logged_out"
    """Nobody is logged in any more (S5). Ending the connection object is no logout (O4)."""
    NOT_CLEARED = "not_cleared"
    """After `LOGGED_OUT` or `LOGIN_FAILED`: the saved session could not be cleared (S1, S5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange:
    """What has happened to the session, as login listeners are told it."""

    sequence: int
    """Counts the changes of one connection's session, from 1."""
    time: float
    """Seconds on the connection's clock."""
    kind: SessionEvent
    """What happened."""
    user: User | None = None
    """Who was logged in or out; `None` for failures."""
    error: TransportError | None = None
    """What a failed login, or a logout that could not clear, has raised to its caller."""


class AuthenticationError(Exception):
    """An authenticator's answer when credentials are refused, or cannot be checked.

    Its text ends up in the details of `ERR_AUTHENTICATION_FAILED`, with the token blacked out.
    """


class CredentialsRevokedError(AuthenticationError):
    """From `Authenticator.refresh`: there will never be new credentials for this user (B5)."""


class Authenticator(Protocol):
    """Checks and renews credentials (rules S1, B5)."""

    async def authenticate(self, credentials: Credentials) -> User:
        """Return the user, whose token opens the socket.

        Raises:
            AuthenticationError: refused, or it could not be asked.
        """

    async def refresh(self, user: User) -> User:
        """Return the same user with a new token.

        Raises:
            CredentialsRevokedError: there is none and never will be: the connection fails.
            AuthenticationError: there is none now: a failed dial, which is retried.
        """


class TrustingAuthenticator:
    """Believes the token it is given, and cannot renew it."""

    async def authenticate(self, credentials: Credentials) -> User:
        """Return the user as claimed."""
        await trio.lowlevel.checkpoint()
        return User(uid=credentials.uid, auth_token=credentials.auth_token)

    async def refresh(self, user: User) -> User:
        """Refuse: the token is all there is."""
        await trio.lowlevel.checkpoint()
        raise CredentialsRevokedError(f"no authenticator to renew the token of {user.uid!r}")


class SessionStoreError(Exception):
    """A store's answer when it could not save or clear; becomes the details of the failure."""


class SessionStore(Protocol):
    """Keeps the user who is logged in (rules S1, S4, S5). Calls come one at a time."""

    async def load(self) -> User | None:
        """Return the saved user, if there is one."""

    async def save(self, user: User) -> None:
        """Save the user in place of any other; cancelled, leave the old or the new one.

        Raises:
            SessionStoreError: nothing was saved.
        """

    async def clear(self) -> None:
        """Forget the saved user.

        Raises:
            SessionStoreError: somebody may still be saved.
        """


class MemorySessionStore:
    """Keeps the user as long as the object lives."""

    def __init__(self, user: User | None = None) -> None:
        self._user = user

    async def load(self) -> User | None:
        """Return the saved user, if there is one."""
        await trio.lowlevel.checkpoint()
        return self._user

    async def save(self, user: User) -> None:
        """Save the user."""
        await trio.lowlevel.checkpoint()
        self._user = user

    async def clear(self) -> None:
        """Forget the user."""
        await trio.lowlevel.checkpoint()
        self._user = None

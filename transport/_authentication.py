"""Asking an authenticator, and what the machine is told of its answer (rules S1, B5)."""

from __future__ import annotations

import traceback

import trio

from statemodel import Credentials, User, events
from transport._credentials import Way, checked_user, redacted
from transport._session import AuthenticationError, Authenticator, CredentialsRevokedError


async def authenticate(
    authenticator: Authenticator, credentials: Credentials, generation: int, *, way: Way
) -> tuple[events.Event, Exception | None]:
    """Ask for a user; return what to tell the machine, and what was raised, if it may be shown.

    Args:
        authenticator: Whom to ask.
        credentials: With what.
        generation: Of this login.
        way: How a token travels to the server.
    """
    token = credentials.auth_token
    try:
        given = await authenticator.authenticate(credentials)
        user = _usable(checked_user(given, "authenticate()"), way=way)
    except (AuthenticationError, OSError, trio.TooSlowError) as error:
        details = redacted(str(error) or type(error).__name__, token)
        failed = events.AuthenticationFailed(generation=generation, details=details)
        everything = "".join(traceback.format_exception(error))  # as it will be shown
        return failed, error if redacted(everything, token) == everything else None
    return events.AuthenticationSucceeded(generation=generation, user=user), None


async def refresh(
    authenticator: Authenticator, user: User, generation: int, *, way: Way
) -> events.Event:
    """Ask for new credentials of a user."""
    try:
        given = await authenticator.refresh(user)
        fresh = _usable(checked_user(given, "refresh()"), way=way, uid=user.uid)
    except (AuthenticationError, OSError, trio.TooSlowError) as error:
        return events.RefreshFailed(
            generation=generation,
            refused=isinstance(error, CredentialsRevokedError),
            details=redacted(str(error) or type(error).__name__, user.auth_token),
        )
    return events.RefreshSucceeded(generation=generation, user=fresh)


def _usable(user: User, *, way: Way, uid: str | None = None) -> User:
    if uid is not None and user.uid != uid:
        raise AuthenticationError("the authenticator gave another user")
    if user.auth_token and not way.guarded:
        raise AuthenticationError("the token would travel unencrypted")
    if not way.can_carry(user.auth_token):
        raise AuthenticationError(f"the token must be {way.needs}: it travels in a {way.token_in}")
    return user

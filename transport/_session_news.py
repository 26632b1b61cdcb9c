"""Telling login listeners what happens to the session (rules S1, S5, S7, T4)."""

from __future__ import annotations

from statemodel import Code, User
from transport._clock import Clock
from transport._errors import TransportError
from transport._listeners import Listeners, SafeHook
from transport._session import SessionChange, SessionEvent

_REFUSED_LOGINS = {Code.LOGIN_IN_PROGRESS, Code.ALREADY_LOGGED_IN, Code.CLOSED}
"""Why a login does not even begin (S7, O4)."""


class SessionNews:
    """Numbers and tells what happens to the session of one connection."""

    def __init__(self, on_error: SafeHook, clock: Clock) -> None:
        self.listeners: Listeners[SessionChange] = Listeners(on_error)
        self._clock = clock
        self._sequence = 0

    def user_changed(self, before: User | None, after: User | None) -> None:
        """Tell who has come or gone; a user with new credentials is the same user (B5)."""
        if after is None:
            self._tell(SessionEvent.LOGGED_OUT, user=before)
        elif before is None:
            self._tell(SessionEvent.LOGGED_IN, user=after)

    def not_cleared(self, details: str) -> None:
        """Tell that somebody may still be saved, whether or not a call waits for the clearing (S5)."""
        error = TransportError(Code.SESSION_NOT_CLEARED, details)
        self._tell(SessionEvent.NOT_CLEARED, error=error)

    def call_failed(self, error: TransportError, *, is_login: bool) -> None:
        """Tell that a login has failed."""
        if is_login and error.code not in _REFUSED_LOGINS:
            self._tell(SessionEvent.LOGIN_FAILED, error=error)

    def _tell(
        self, kind: SessionEvent, *, user: User | None = None, error: TransportError | None = None
    ) -> None:
        self._sequence += 1
        change = SessionChange(
            sequence=self._sequence, time=self._clock(), kind=kind, user=user, error=error
        )
        self.listeners.tell(change)

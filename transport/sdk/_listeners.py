"""Listeners as the sources have them: objects with one method for each piece of news."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Generic, TypeVar, assert_never

from statemodel import Status, StatusChange, User
from transport._errors import TransportError
from transport._listeners import refuse_coroutines
from transport._session import SessionChange, SessionEvent
from transport.sdk._errors import CometChatException, translated


class ConnectionListener:
    """Told of every new status; inherit from it, and override what is of interest.

    Its methods are plain functions, called in the midst of a step (T4): what they ask of `CometChat`
    happens when the step has ended.
    """

    def on_connecting(self) -> None:
        """A dial has begun."""

    def on_connected(self) -> None:
        """The WebSocket is open; or it was, and throttling has ended."""

    def on_disconnected(self) -> None:
        """There is no WebSocket any more."""

    def on_feature_throttled(self) -> None:
        """The server has switched some features off for the moment (T7)."""


class LoginListener:
    """Told what happens to the session; inherit from it, and override what is of interest.

    Its methods are plain functions, called in the midst of a step, as a `ConnectionListener`'s.
    """

    def on_login_success(self, user: User) -> None:
        """Somebody is logged in now."""

    def on_login_failure(self, error: CometChatException) -> None:
        """A login that had begun has failed."""

    def on_logout_success(self) -> None:
        """Nobody is logged in any more."""

    def on_logout_failure(self, error: CometChatException) -> None:
        """After `on_logout_success`: the saved session could not be cleared (S5)."""


class MessageListener:
    """Told every message; inherit from it, and override its one method."""

    def on_message_received(self, message: str | bytes) -> Awaitable[None] | None:
        """A message has come in; may be an async method: the next message waits for its end (K6)."""


_L = TypeVar("_L")


class _Told(Generic[_L]):
    """A listener as a function, which is what the connection takes.

    Raises:
        TypeError: it is of another kind, or has async methods that nobody would await.
    """

    def __init__(self, listener: _L, kind: type[_L], *plain: str) -> None:
        if not isinstance(listener, kind):
            raise TypeError(f"the listener must be a {kind.__name__}, not {listener!r}")
        for name in plain:
            refuse_coroutines(getattr(listener, name), name)
        self.listener = listener


class StatusTold(_Told[ConnectionListener]):
    """Tells a listener when the status is another one; its methods do not say the reason."""

    def __init__(self, listener: ConnectionListener) -> None:
        methods = "on_connecting", "on_connected", "on_disconnected", "on_feature_throttled"
        super().__init__(listener, ConnectionListener, *methods)
        self._status: Status | None = None

    def __call__(self, change: StatusChange) -> None:
        if change.current is self._status:
            return
        self._status = change.current
        match change.current:
            case Status.CONNECTING:
                self.listener.on_connecting()
            case Status.CONNECTED:
                self.listener.on_connected()
            case Status.DISCONNECTED:
                self.listener.on_disconnected()
            case Status.FEATURE_THROTTLED:
                self.listener.on_feature_throttled()
            case _:
                assert_never(change.current)


class SessionTold(_Told[LoginListener]):
    """Tells a listener what happens to the session."""

    def __init__(self, listener: LoginListener) -> None:
        logins = "on_login_success", "on_login_failure"
        super().__init__(listener, LoginListener, *logins, "on_logout_success", "on_logout_failure")

    def __call__(self, change: SessionChange) -> None:
        match change.kind:
            case SessionEvent.LOGGED_IN:
                assert change.user is not None, "somebody is logged in"
                self.listener.on_login_success(change.user)
            case SessionEvent.LOGIN_FAILED:
                self.listener.on_login_failure(_why(change.error))
            case SessionEvent.LOGGED_OUT:
                self.listener.on_logout_success()
            case SessionEvent.NOT_CLEARED:
                self.listener.on_logout_failure(_why(change.error))
            case _:
                assert_never(change.kind)


class MessageTold(_Told[MessageListener]):
    """Gives a listener the messages."""

    def __init__(self, listener: MessageListener) -> None:
        super().__init__(listener, MessageListener)

    def __call__(self, message: str | bytes) -> Awaitable[None] | None:
        return self.listener.on_message_received(message)


def _why(error: TransportError | None) -> CometChatException:
    assert error is not None, "a failure has a reason"
    return translated(error)

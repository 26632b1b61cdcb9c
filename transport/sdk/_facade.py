"""`CometChat`: the calls. Each goes to the connection of the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeAlias, overload

import trio

from statemodel import Status, User
from transport._calls import Call, Calls
from transport.sdk._both_ways import OnError, both_ways
from transport.sdk._errors import Success, translating
from transport.sdk._listeners import (
    ConnectionListener,
    LoginListener,
    MessageListener,
    MessageTold,
    SessionTold,
    StatusTold,
)
from transport.sdk._run import current_run
from transport.sdk._settings import AppSettings

_OnMessage: TypeAlias = Callable[[str], object]
_OnUser: TypeAlias = Callable[[User], object]
_OnAnyUser: TypeAlias = Callable[[User | None], object]
_Text: TypeAlias = Coroutine[Any, Any, str]


class CometChat:
    """The calls, for the application that this trio run is; see the module for the two ways to make them.

    Every call raises, or gives to `on_error`, a `CometChatException`: `ERR_CHAT_API_FAILURE` before
    `init` has succeeded, `ERR_CLOSED` when the run has ended, and what is said below. Outside of
    trio every call is a `RuntimeError`.
    """

    # -- the beginning and the session ---------------------------------------------------------

    @overload
    @staticmethod
    def init(app_id: str, settings: AppSettings) -> _Text: ...
    @overload
    @staticmethod
    def init(
        app_id: str,
        settings: AppSettings,
        *,
        on_success: _OnMessage | None = ...,
        on_error: OnError | None = ...,
    ) -> Awaitable[str | None]: ...
    @staticmethod
    def init(
        app_id: str,
        settings: AppSettings,
        *,
        on_success: _OnMessage | None = None,
        on_error: OnError | None = None,
    ) -> Awaitable[str | None]:
        """Open the application; a user who is saved is logged in then (S4).

        Failed or cancelled, it may be called again.

        Args:
            app_id: The application's name: with region and server the key of its saved user; 1 to
                64 letters, digits, '.', '_' and '-', a letter or digit first.
            settings: From `AppSettingsBuilder`; region and server are needed.
            on_success: Called with a message.
            on_error: Called with `ERR_CHAT_API_FAILURE`: app id, region, server or an option cannot
                work, or `init` was called before.
        """
        if not isinstance(app_id, str):
            raise TypeError(f"app_id must be a str, not {type(app_id).__name__}")
        if not isinstance(settings, AppSettings):
            raise TypeError("settings must be AppSettings; AppSettingsBuilder().build() makes them")

        def init() -> Call[str]:
            opening = Call(current_run().begin_init(app_id, settings).wait_open)
            return _saying(Success.INIT, opening)

        return both_ways("init", init, on_success, on_error)

    @overload
    @staticmethod
    def login(uid: str, auth_token: str = ...) -> Coroutine[Any, Any, User]: ...
    @overload
    @staticmethod
    def login(
        uid: str,
        auth_token: str = ...,
        *,
        on_success: _OnUser | None = ...,
        on_error: OnError | None = ...,
    ) -> Awaitable[User | None]: ...
    @staticmethod
    def login(
        uid: str,
        auth_token: str = "",
        *,
        on_success: _OnUser | None = None,
        on_error: OnError | None = None,
    ) -> Awaitable[User | None]:
        """Log in, save the user, and give it; in auto mode the WebSocket comes by itself (S1-S3).

        See `Connection.login` for arguments and errors.
        """
        return both_ways("login", lambda: _calls().login(uid, auth_token), on_success, on_error)

    @overload
    @staticmethod
    def logout() -> _Text: ...
    @overload
    @staticmethod
    def logout(
        *, on_success: _OnMessage | None = ..., on_error: OnError | None = ...
    ) -> Awaitable[str | None]: ...
    @staticmethod
    def logout(
        *, on_success: _OnMessage | None = None, on_error: OnError | None = None
    ) -> Awaitable[str | None]:
        """Close the WebSocket and clear the saved user, from every state (S5).

        `ERR_SESSION_NOT_CLEARED` says that the user is logged out, but still saved.
        """

        def logout() -> Call[str]:
            return _saying(Success.LOGOUT, _calls().logout())

        return both_ways("logout", logout, on_success, on_error)

    @overload
    @staticmethod
    def get_logged_in_user() -> Coroutine[Any, Any, User | None]: ...
    @overload
    @staticmethod
    def get_logged_in_user(
        *, on_success: _OnAnyUser | None = ..., on_error: OnError | None = ...
    ) -> Awaitable[User | None]: ...
    @staticmethod
    def get_logged_in_user(
        *, on_success: _OnAnyUser | None = None, on_error: OnError | None = None
    ) -> Awaitable[User | None]:
        """Give who is logged in at the time of the call, or `None`."""

        def get_logged_in_user() -> Call[User | None]:
            user = current_run().connection.user

            async def wait() -> User | None:
                await trio.lowlevel.checkpoint()
                return user

            return Call(wait)

        return both_ways("get_logged_in_user", get_logged_in_user, on_success, on_error)

    # -- the connection ------------------------------------------------------------------------

    @overload
    @staticmethod
    def connect() -> _Text: ...
    @overload
    @staticmethod
    def connect(
        *, on_success: _OnMessage | None = ..., on_error: OnError | None = ...
    ) -> Awaitable[str | None]: ...
    @staticmethod
    def connect(
        *, on_success: _OnMessage | None = None, on_error: OnError | None = None
    ) -> Awaitable[str | None]:
        """Make the connection wanted, and wait until it is up (M1, A5).

        See `Connection.connect` for errors; `ERR_NOT_LOGGED_IN` is the first of them (S6).
        """

        def connect() -> Call[str]:
            return _saying(Success.CONNECT, _calls().connect())

        return both_ways("connect", connect, on_success, on_error)

    @overload
    @staticmethod
    def disconnect() -> _Text: ...
    @overload
    @staticmethod
    def disconnect(
        *, on_success: _OnMessage | None = ..., on_error: OnError | None = ...
    ) -> Awaitable[str | None]: ...
    @staticmethod
    def disconnect(
        *, on_success: _OnMessage | None = None, on_error: OnError | None = None
    ) -> Awaitable[str | None]:
        """Make the connection unwanted, and wait until the WebSocket is closed (M2, A4).

        With nobody logged in it fails with `ERR_NOT_LOGGED_IN` (S6).
        """

        def disconnect() -> Call[str]:
            return _saying(Success.DISCONNECT, _calls().disconnect())

        return both_ways("disconnect", disconnect, on_success, on_error)

    @overload
    @staticmethod
    def ping() -> _Text: ...
    @overload
    @staticmethod
    def ping(
        *, on_success: _OnMessage | None = ..., on_error: OnError | None = ...
    ) -> Awaitable[str | None]: ...
    @staticmethod
    def ping(
        *, on_success: _OnMessage | None = None, on_error: OnError | None = None
    ) -> Awaitable[str | None]:
        """Ping the server, and wait for its answer; in manual mode in background this buys time (M4).

        The call counts, not the answer. See `Connection.ping` for errors; `ERR_NOT_LOGGED_IN` is
        the first of them (S6).
        """

        def ping() -> Call[str]:
            return _saying(Success.PING, _calls().ping())

        return both_ways("ping", ping, on_success, on_error)

    @staticmethod
    async def send_message(message: str | bytes) -> str:
        """Send a message; this call can only be awaited. See `Connection.send` for errors."""
        with translating():
            await current_run().connection.send(message)
        return Success.SEND_MESSAGE

    @staticmethod
    def get_connection_status() -> Status:
        """Return the current status (T1)."""
        return current_run().connection.status

    # -- life cycle ----------------------------------------------------------------------------

    @staticmethod
    def enter_background() -> None:
        """Report that the application went into background (A1, M3)."""
        with translating():
            current_run().connection.enter_background()

    @staticmethod
    def enter_foreground() -> None:
        """Report that the application came into foreground (A2, M6)."""
        with translating():
            current_run().connection.enter_foreground()

    @staticmethod
    def network_lost() -> None:
        """Report the network down (N1)."""
        with translating():
            current_run().connection.network_lost()

    @staticmethod
    def network_restored() -> None:
        """Report the network up (N2)."""
        with translating():
            current_run().connection.network_restored()

    # -- listening -----------------------------------------------------------------------------

    @staticmethod
    def add_connection_listener(
        listener_id: str, listener: ConnectionListener
    ) -> ConnectionListener | None:
        """Tell a listener every new status, now the current one (T5).

        Returns:
            The listener that had this id before and is replaced.
        """
        with translating():
            told = StatusTold(listener)
            previous = current_run().connection.add_status_listener(listener_id, told)
        return previous.listener if isinstance(previous, StatusTold) else None

    @staticmethod
    def remove_connection_listener(listener_id: str) -> bool:
        """Remove a listener; return whether there was one of this id."""
        with translating():
            return current_run().connection.remove_status_listener(listener_id)

    @staticmethod
    def add_login_listener(listener_id: str, listener: LoginListener) -> LoginListener | None:
        """Tell a listener what happens to the session from now on.

        Returns:
            The listener that had this id before and is replaced.
        """
        with translating():
            told = SessionTold(listener)
            previous = current_run().connection.add_login_listener(listener_id, told)
        return previous.listener if isinstance(previous, SessionTold) else None

    @staticmethod
    def remove_login_listener(listener_id: str) -> bool:
        """Remove a listener; return whether there was one of this id."""
        with translating():
            return current_run().connection.remove_login_listener(listener_id)

    @staticmethod
    def add_message_listener(listener_id: str, listener: MessageListener) -> MessageListener | None:
        """Give a listener every message, one after the other (K6).

        Returns:
            The listener that had this id before and is replaced.
        """
        with translating():
            told = MessageTold(listener)
            previous = current_run().connection.add_message_listener(listener_id, told)
        return previous.listener if isinstance(previous, MessageTold) else None

    @staticmethod
    def remove_message_listener(listener_id: str) -> bool:
        """Remove a listener; return whether there was one of this id."""
        with translating():
            return current_run().connection.remove_message_listener(listener_id)


def _calls() -> Calls:
    return current_run().connection._calls  # noqa: SLF001 - a call with callbacks begins in place


def _saying(message: Success, call: Call[Any]) -> Call[str]:
    """Return a call that gives a message in place of what it gave."""

    async def wait() -> str:
        await call.wait()
        return message

    return Call(wait)

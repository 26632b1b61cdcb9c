"""The connection object: what an application holds."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import trio

from statemodel import Code, Reason, Status, StatusChange, User, events
from transport._calls import Calls
from transport._errors import TransportError
from transport._listeners import Watcher
from transport._message_listeners import MessageListener
from transport._seam import BEARER_SUBPROTOCOL
from transport._session import SessionChange

StatusListener = Callable[[StatusChange], None]
"""Called with every change, on the trio thread, while the step that caused it ends."""

LoginListener = Callable[[SessionChange], None]
"""Called with what happens to the session, on the trio thread, in the midst of the step."""

if TYPE_CHECKING:
    from transport._driver import Driver
    from transport._url import Address


class Connection:
    """A managed WebSocket connection; get one from `open_connection`.

    All methods belong to the trio thread of their `open_connection`; from elsewhere use
    `trio.from_thread`. A method that waits may be cancelled: the wait ends, what was asked for is
    said below. Once the `async with` block has been left, calls raise `ERR_CLOSED` (rule O4).
    """

    def __init__(self, driver: Driver, *, address: Address, max_message_size: int) -> None:
        self._driver = driver
        self._calls = Calls(driver)
        self._address = address
        self._max_message_size = max_message_size

    def __repr__(self) -> str:
        scheme = "wss" if self._address.secure else "ws"
        uid = self.user.uid if self.user else None
        return f"<Connection {scheme}://{self._address.host_header} {self.status} user={uid!r}>"

    # -- what one may ask ----------------------------------------------------------------------

    @property
    def status(self) -> Status:
        """The current status (T1); right as soon as the call that changes it has returned."""
        return self._driver.machine.status

    @property
    def user(self) -> User | None:
        """Who is logged in."""
        return self._driver.machine.user

    @property
    def last_error(self) -> TransportError | None:
        """Why the connection was last lost or refused; kept until that happens again."""
        return self._driver.last_error

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of `subprotocols`; `None` without an open socket."""
        attempt = self._driver.attempt
        chosen = None if attempt is None or attempt.socket is None else attempt.socket.subprotocol
        return None if chosen is None or chosen.startswith(BEARER_SUBPROTOCOL) else chosen

    # -- the session ---------------------------------------------------------------------------

    async def login(self, uid: str, *, auth_token: str = "") -> User:
        """Log in: authenticate, save the user, and return it; the socket comes by itself (S1-S3).

        Cancelled, the login is called off and nothing stays saved.

        Args:
            uid: The user's identifier, not empty.
            auth_token: The secret; visible ASCII without spaces, and in a subprotocol only what
                RFC 9110 calls a token.

        Raises:
            TypeError, ValueError: these are no credentials.
            TransportError: `ERR_AUTHENTICATION_FAILED`, `ERR_SESSION_NOT_SAVED` (S1);
                `ERR_LOGIN_IN_PROGRESS`, `ERR_ALREADY_LOGGED_IN` (S7); `ERR_LOGGED_OUT`, when
                `logout` came first (S5); `ERR_INSECURE_URL`: the token would travel unencrypted.
        """
        return await self._calls.login(uid, auth_token).wait()

    async def logout(self) -> None:
        """Close the socket, stop everything, and clear the saved user (S5).

        Works from every state, also offline. Cancelled, the socket is aborted at once.

        Raises:
            TransportError: `ERR_SESSION_NOT_CLEARED`: logged out all the same.
        """
        await self._calls.logout().wait()

    # -- the connection ------------------------------------------------------------------------

    async def connect(self) -> None:
        """Make the connection wanted, and wait until it is up (M1, A5, C1-C4, C8).

        Cancelled, the wait ends and the wish stays: `disconnect` withdraws the wish.

        Raises:
            TransportError: `ERR_NOT_LOGGED_IN`; `ERR_APP_IN_BACKGROUND` (A5, C4);
                `NO_INTERNET_CONNECTION`, in background only (M10; in foreground it waits, C8); `ERR_DISCONNECTED`, `ERR_LOGGED_OUT`,
                `ERR_CONNECTION_LOST`: overtaken; `ERR_CONNECTION_REFUSED` (B5).
        """
        await self._calls.connect().wait()

    async def disconnect(self) -> None:
        """Make the connection unwanted, and wait until the socket is closed (M2, A4, C5).

        Takes at most `close_timeout`. Cancelled, the socket is aborted at once.

        Raises:
            TransportError: `ERR_NOT_LOGGED_IN`.
        """
        await self._calls.disconnect().wait()

    async def ping(self) -> float:
        """Ping the server; in manual mode in background this buys another `background_grace` (M4).

        The call counts, not the pong. Cancelled, the ping is on its way all the same.

        Returns:
            The round-trip time in seconds.

        Raises:
            TransportError: `ERR_NOT_LOGGED_IN`; `NO_WEBSOCKET_CONNECTION` (P3);
                `ERR_PING_TIMEOUT` after `pong_timeout`; `ERR_CONNECTION_LOST` or the code of what
                ended the socket (P2).
        """
        return await self._calls.ping().wait()

    async def send(self, message: str | bytes) -> None:
        """Send a message; return when it is handed to the kernel.

        Cancelled before it is picked up, it is withdrawn; afterwards it is sent whole.

        Raises:
            TypeError: the message is neither `str` nor `bytes`.
            TransportError: `ERR_MESSAGE_TOO_BIG`; `ERR_NOT_LOGGED_IN`; `NO_WEBSOCKET_CONNECTION`
                (P3); `ERR_CONNECTION_LOST`: the socket ended first, and the message may or may
                not have arrived.
        """
        self._driver.check_thread()
        if not isinstance(message, (str, bytes)):
            raise TypeError(f"a message must be str or bytes, not {type(message).__name__}")
        self._driver.catch_up()
        attempt = self._driver.attempt
        if self.status not in _UP or attempt is None or attempt.socket is None:
            try:
                self._report(lambda c: events.Send(command=c))  # raises what applies (S6, P3)
            finally:
                await trio.lowlevel.checkpoint()  # a loop that is refused lets others run
            raise TransportError(Code.NO_WEBSOCKET_CONNECTION)
        try:
            size = (
                len(message)
                if isinstance(message, bytes) or message.isascii()
                else len(message.encode())
            )
        except UnicodeEncodeError as error:
            raise ValueError("the message has lone surrogates and is no Unicode text") from error
        if size > self._max_message_size:
            limit = f"{size} bytes; the limit is {self._max_message_size}"
            raise TransportError(Code.MESSAGE_TOO_BIG, limit)
        await attempt.socket.send(message)

    def __aiter__(self) -> AsyncIterator[str | bytes]:
        """Iterate over the messages: in order, each once, on and on across reconnects (K6).

        One task at a time may iterate. Nothing is lost by leaving the loop and coming back.

        Raises:
            trio.BusyResourceError: another task is iterating, or there are message listeners.
            TransportError: `ERR_CONNECTION_REFUSED` when the server refuses for good (B5),
                `ERR_CLOSED` when the connection object has ended; both after what had arrived.
        """
        return self

    async def __anext__(self) -> str | bytes:
        self._driver.check_thread()
        if self._driver.message_listeners:
            raise trio.BusyResourceError("message listeners are given this connection's messages")
        return await self._driver.inbox.get(self._driver.failure)

    # -- life cycle ----------------------------------------------------------------------------

    def enter_background(self) -> None:
        """Report that the application went into background: auto mode closes (A1), manual mode starts its window (M3).

        When this returns, `status` is right and nothing more will be delivered of what must not be.
        """
        self._report(lambda c: events.EnterBackground(command=c))

    def enter_foreground(self) -> None:
        """Report that the application came into foreground (A2, M6, H2)."""
        self._report(lambda c: events.EnterForeground(command=c))

    def network_lost(self) -> None:
        """Report the network down: the socket is given up, and nothing dials until it is up (N1)."""
        self._report(lambda c: events.NetworkLost(command=c))

    def network_restored(self) -> None:
        """Report the network up: a wanted connection dials (N2)."""
        self._report(lambda c: events.NetworkRestored(command=c))

    @asynccontextmanager
    async def keep_alive(self) -> AsyncIterator[None]:
        """Keep a manual connection alive in background as long as the block lasts (H3).

        Pings on entering the background, or at once if it is there, and every
        `keep_alive_interval` after, until the foreground. What becomes of these pings is nobody's
        error; should the connection be lost in background all the same, it stays lost (M7). In auto
        mode this does nothing (A1). Blocks may overlap; their pings are shared.
        """
        self._driver.check_thread()
        self._refuse_if_ended()
        if "manual" in self._driver.machine.configuration:
            with self._driver.keep_alive.held():
                yield
        else:
            yield

    # -- listening -----------------------------------------------------------------------------

    @asynccontextmanager
    async def watch(self) -> AsyncIterator[Watcher[StatusChange]]:
        """Give an async iterator over status changes; the current one comes first (T2, T5).

        Status is never held back. The iteration ends when the connection object does.
        """
        listeners = self._listening().status_listeners
        watcher = listeners.watch(self._last_change())
        try:
            yield watcher
        finally:
            listeners.unwatch(watcher)

    def add_status_listener(
        self, listener_id: str, listener: StatusListener
    ) -> StatusListener | None:
        """Call a function with every status change, now with the current one (T2, T4, T5).

        It is called on the trio thread, in the midst of a step: what it asks of the connection
        happens when the step has ended. What it raises goes to `on_listener_error`.

        Returns:
            The listener that had this id before and is replaced.
        """
        driver = self._listening()
        add = driver.status_listeners.add
        return driver.in_a_step(lambda: add(listener_id, listener, self._last_change()))

    def remove_status_listener(self, listener_id: str) -> bool:
        """Stop calling a listener; return whether there was one of this id."""
        return self._listening().status_listeners.remove(listener_id)

    @asynccontextmanager
    async def watch_session(self) -> AsyncIterator[Watcher[SessionChange]]:
        """Give an async iterator over what happens to the session from now on; `user` says who is there.

        Nothing is held back. The iteration ends when the connection object does.
        """
        listeners = self._listening().session_news.listeners
        watcher = listeners.watch()
        try:
            yield watcher
        finally:
            listeners.unwatch(watcher)

    def add_login_listener(self, listener_id: str, listener: LoginListener) -> LoginListener | None:
        """Call a function with whatever happens to the session from now on: logins, logouts, failures.

        As with status listeners (T4), it is called in the midst of a step, before they are.

        Returns:
            The listener that had this id before and is replaced.
        """
        return self._listening().session_news.listeners.add(listener_id, listener)

    def remove_login_listener(self, listener_id: str) -> bool:
        """Stop calling a listener; return whether there was one of this id."""
        return self._listening().session_news.listeners.remove(listener_id)

    def add_message_listener(
        self, listener_id: str, listener: MessageListener
    ) -> MessageListener | None:
        """Call a function, async or not, with every message, in place of iterating (K6).

        The next message waits until all listeners are done with this one: a slow listener slows the
        sender down, and one that never returns stops messages, and nothing else, until it is
        removed. They run in a task, outside of any step, and may call and await everything. What
        they raise goes to `on_listener_error`.

        Returns:
            The listener that had this id before and is replaced; a call of it that goes on is
            cancelled.

        Raises:
            trio.BusyResourceError: a task is iterating over the messages; each is given once.
        """
        return self._listening().message_listeners.add(listener_id, listener)

    def remove_message_listener(self, listener_id: str) -> bool:
        """Stop calling a listener; return whether there was one of this id.

        A call of it that goes on is cancelled, unless it is this one.
        """
        return self._listening().message_listeners.remove(listener_id)

    async def wait_connected(self) -> None:
        """Wait until the socket is open (throttled or not).

        Until then `last_error` says why the last attempt has failed. Before `login` nothing comes by
        itself, and in manual mode nothing before `connect`.

        Raises:
            TransportError: `ERR_CONNECTION_REFUSED` (B5) or `ERR_CLOSED`.
        """
        await self.wait_status(*_UP)

    async def wait_status(self, *statuses: Status) -> Status:
        """Wait until the status is one of these, and return it.

        Raises:
            TransportError: `ERR_CONNECTION_REFUSED` (B5) or `ERR_CLOSED`, unless `disconnected`
                is what one waits for.
        """
        if not statuses or not all(isinstance(status, Status) for status in statuses):
            raise TypeError("wait_status takes one or more of Status")
        async with self.watch() as changes:
            async for change in changes:
                if change.current in statuses:
                    return change.current
                refused = change.reason is Reason.REFUSED and self._driver.last_error
                if failure := refused or self._driver.failure():
                    raise failure
        raise TransportError(Code.CLOSED)

    # -- inside --------------------------------------------------------------------------------

    def _report(self, make: Callable[[int], events.Event]) -> None:
        self._driver.check_thread()
        command, waiter = self._driver.begin(make)
        self._driver.forget(command)
        if waiter.error is not None:
            raise waiter.error

    def _listening(self) -> Driver:
        self._driver.check_thread()
        self._refuse_if_ended()
        return self._driver

    def _last_change(self) -> StatusChange:
        return self._driver.machine.last_change(self._driver.clock())

    def _refuse_if_ended(self) -> None:
        failure = self._driver.failure()
        if failure is not None and failure.code is Code.CLOSED:
            raise failure


_UP = (Status.CONNECTED, Status.FEATURE_THROTTLED)

"""The calls of a connection that take time: each begins in place, and can then be waited for.

What is asked for counts from the call (M4, H4), and of a burst of calls the last one decides (C7),
whoever waits first for what comes of it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

import trio

from statemodel import Code, Credentials, User, events
from transport._errors import TransportError

if TYPE_CHECKING:
    from transport._driver import Driver

_T = TypeVar("_T")


class Waiter:
    """A command that has not ended."""

    __slots__ = ("error", "event", "is_login", "value")

    def __init__(self) -> None:
        self.event = trio.Event()
        self.is_login = False
        self.error: TransportError | None = None
        self.value: User | float | None = None


class Call(Generic[_T]):
    """A call that has begun; wait for its end once, in whichever task."""

    def __init__(self, wait: Callable[[], Awaitable[_T]]) -> None:
        self._wait = wait

    async def wait(self) -> _T:
        """Wait for the end; cancelled, do what cancelling the call means (C4, C5)."""
        return await self._wait()


class Calls:
    """Makes the calls of one connection; `Connection` says what each of them means."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver

    def login(self, uid: str, auth_token: str) -> Call[User]:
        """See `Connection.login`."""
        if not isinstance(uid, str) or not isinstance(auth_token, str):
            raise TypeError("uid and auth_token must be str")
        if not uid:
            raise ValueError("uid must not be empty")
        way = self._driver.way
        if not way.can_carry(auth_token):
            raise ValueError(f"auth_token must be {way.needs}: it travels in a {way.token_in}")
        if auth_token and not way.guarded:
            raise TransportError(Code.INSECURE_URL)
        credentials = Credentials(uid=uid, auth_token=auth_token)
        end = self._begin(lambda c: events.Login(command=c, credentials=credentials))

        async def wait() -> User:
            user = await end()
            assert isinstance(user, User), "a login ends in a user"
            return user

        return Call(wait)

    def logout(self) -> Call[None]:
        """See `Connection.logout`."""
        return self._begin_closing(lambda c: events.Logout(command=c))

    def connect(self) -> Call[None]:
        """See `Connection.connect`."""
        end = self._begin(lambda c: events.Connect(command=c))

        async def wait() -> None:
            await end()

        return Call(wait)

    def disconnect(self) -> Call[None]:
        """See `Connection.disconnect`."""
        return self._begin_closing(lambda c: events.Disconnect(command=c))

    def ping(self) -> Call[float]:
        """See `Connection.ping`."""
        end = self._begin(lambda c: events.Ping(command=c))

        async def wait() -> float:
            seconds = await end()
            assert isinstance(seconds, (int, float)), "a ping ends in a time"
            return float(seconds)

        return Call(wait)

    def _begin(
        self, make: Callable[[int], events.Event]
    ) -> Callable[[], Awaitable[User | float | None]]:
        self._driver.check_thread()
        command, waiter = self._driver.begin(make)
        return lambda: self._driver.finish(command, waiter)

    def _begin_closing(self, make: Callable[[int], events.Event]) -> Call[None]:
        self._driver.check_thread()
        attempt = self._driver.attempt
        end = self._begin(make)

        async def wait() -> None:
            await end()
            await self._driver.wait_gone(attempt)

        return Call(wait)

"""What a recorder puts between a driver and its surroundings: each wraps one seam."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import trio

from statemodel import Credentials, User
from statemodel import traces as t
from transport._errors import DialError
from transport._seam import Dialer, Ended, Request, Sink, Socket
from transport._session import (
    AuthenticationError,
    Authenticator,
    CredentialsRevokedError,
    SessionStore,
    SessionStoreError,
)


class Log(ABC):
    """What the wrappers tell."""

    @property
    def now(self) -> float:
        """Seconds on trio's clock."""
        return trio.current_time()

    @property
    @abstractmethod
    def is_logged_in(self) -> bool:
        """Whether somebody is."""

    @abstractmethod
    def see(self, entry: t.Entry) -> None:
        """Append an entry."""

    @abstractmethod
    def saw_dial(self) -> int:
        """Note a dial, and number its socket."""

    @abstractmethod
    def saw_ping_sent(self, socket: int) -> int:
        """Note a ping, and number it."""

    @abstractmethod
    def saw_message(self, message: str | bytes, socket: int, number: int) -> None:
        """Note which socket a message came from, for when it is delivered."""

    @abstractmethod
    def saw_end(self, socket: int, ended: Ended | DialError) -> None:
        """Note an end that is not of our making."""


class RecordedDialer:
    def __init__(self, log: Log, dialer: Dialer) -> None:
        self._log = log
        self._dialer = dialer

    async def run(self, request: Request, sink: Sink) -> Ended:
        recorded = _RecordedSink(self._log, sink)
        try:
            ended = await self._dialer.run(request, recorded)
            if not recorded.gone:
                self._log.saw_end(recorded.number, ended)
        except DialError as error:
            self._log.saw_end(recorded.number, error)
            raise
        finally:
            recorded.saw_gone()
        return ended


class _RecordedSink:
    """One socket, seen from both sides of the seam: the dialer's sink, and the driver's socket."""

    def __init__(self, log: Log, sink: Sink) -> None:
        self._log = log
        self._sink = sink
        self._socket: Socket | None = None
        self._messages = 0
        self._pings: dict[bytes, int] = {}
        self.gone = False
        self.number = log.saw_dial()

    def saw_gone(self) -> None:
        if not self.gone:
            self.gone = True
            self._see(t.SocketGone(time=self._log.now, socket=self.number))

    def _see(self, entry: t.Entry) -> None:
        self._log.see(entry)

    # -- Sink ------------------------------------------------------------------------------------

    def opened(self, socket: Socket) -> None:
        self._socket = socket
        self._see(t.SocketOpened(time=self._log.now, socket=self.number))
        self._sink.opened(self)

    def frame(self) -> None:
        self._see(t.FrameSeen(time=self._log.now, socket=self.number))
        self._sink.frame()

    def message(self, message: str | bytes) -> None:
        self._messages += 1
        self._log.saw_message(message, self.number, self._messages)
        self._sink.message(message)

    def ping_written(self, payload: bytes) -> None:
        self._sink.ping_written(payload)

    def pong(self, payload: bytes) -> None:
        ping = self._pings.pop(payload, None)
        self._see(t.FrameSeen(time=self._log.now, socket=self.number, pong=ping))
        self._sink.pong(payload)

    def throttled(self, *, on: bool) -> None:
        self._see(t.Throttled(time=self._log.now, socket=self.number, on=on))
        self._sink.throttled(on=on)

    @property
    def has_room(self) -> bool:
        return self._sink.has_room

    async def wait_room(self) -> None:
        self._see(t.Reading(time=self._log.now, socket=self.number, on=False))
        try:
            await self._sink.wait_room()
        finally:
            self._see(t.Reading(time=self._log.now, socket=self.number, on=True))

    # -- Socket ----------------------------------------------------------------------------------

    @property
    def subprotocol(self) -> str | None:
        return None if self._socket is None else self._socket.subprotocol

    def ping(self, payload: bytes) -> None:
        assert self._socket is not None
        self._pings[payload] = self._log.saw_ping_sent(self.number)
        self._socket.ping(payload)

    async def send(self, message: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(message)

    def close(self) -> None:
        assert self._socket is not None
        self._see(t.CloseBegun(time=self._log.now, socket=self.number))
        self._socket.close()

    def abort(self) -> None:
        assert self._socket is not None
        self._socket.abort()
        self.saw_gone()


class RecordedSession:
    """The authenticator and the store."""

    def __init__(self, log: Log, authenticator: Authenticator, store: SessionStore) -> None:
        self._log = log
        self._authenticator = authenticator
        self._store = store

    def _see(
        self,
        what: Literal["authenticate", "save", "clear"],
        phase: Literal["begun", "done", "failed", "given_up"],
    ) -> None:
        self._log.see(t.Stored(time=self._log.now, what=what, phase=phase))

    def _refreshed(self, phase: Literal["begun", "done", "failed", "refused"]) -> None:
        self._log.see(t.Refreshed(time=self._log.now, phase=phase))

    async def authenticate(self, credentials: Credentials) -> User:
        self._see("authenticate", "begun")
        try:
            user = await self._authenticator.authenticate(credentials)
        except (AuthenticationError, OSError):
            self._see("authenticate", "failed")
            raise
        self._see("authenticate", "done")
        return user

    async def refresh(self, user: User) -> User:
        self._refreshed("begun")
        try:
            fresh = await self._authenticator.refresh(user)
        except (AuthenticationError, OSError) as error:
            self._refreshed("refused" if isinstance(error, CredentialsRevokedError) else "failed")
            raise
        self._refreshed("done")
        return fresh

    async def load(self) -> User | None:
        user = await self._store.load()
        if user is not None:
            self._log.see(t.Reported(time=self._log.now, what="restored", uid=user.uid))
        return user

    async def save(self, user: User) -> None:
        if self._log.is_logged_in:  # refreshed: nobody waits for it
            await self._store.save(user)
            return
        self._see("save", "begun")
        try:
            await self._store.save(user)
        except (SessionStoreError, OSError):
            self._see("save", "failed")
            raise
        self._see("save", "done")

    async def clear(self) -> None:
        self._see("clear", "begun")
        try:
            await self._store.clear()
        except trio.Cancelled:  # out of patience
            self._see("clear", "given_up")
            raise
        except (SessionStoreError, OSError):
            self._see("clear", "failed")
            raise
        self._see("clear", "done")

"""A dialer around another whose sockets are open only after a first talk with the server (K5).

Many servers want to see the token in a first message, and answer whether they take it. Until that
talk has ended well, the connection is still connecting: the talk counts into `dial_timeout`, and
what goes wrong in it is a failed dial, with the meaning that B5 gives to its status or close code.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import trio

from statemodel import User
from transport._errors import DialError, TransportError
from transport._inbox import Inbox
from transport._passing import PassingSink
from transport._seam import Dialer, Ended, Request, Sink, Socket

_LAST_WORD = 0.25
"""Seconds in which the close code arrives that explains why a write failed."""


class Greeting:
    """The socket during the first talk."""

    def __init__(self, socket: Socket, user: User, inbox: Inbox) -> None:
        self._socket = socket
        self._user = user
        self._inbox = inbox

    @property
    def user(self) -> User:
        """Who is connecting, with the token."""
        return self._user

    @property
    def subprotocol(self) -> str | None:
        """What the server chose of what was offered."""
        return self._socket.subprotocol

    async def send(self, message: str | bytes) -> None:
        """Send a message; see `Socket.send`."""
        await self._socket.send(message)

    async def receive(self) -> str | bytes:
        """Return the next message, waiting for it; those not received here go to the application.

        Should the socket end meanwhile, the whole hello is cancelled.
        """
        return await self._inbox.get(lambda: None)


Hello = Callable[[Greeting], Awaitable[None]]
"""Talks with the server until the connection may count as open.

It returns, or raises `DialError` (with `close_code=4401`, say, for a token that was not taken),
`OSError` or `trio.TooSlowError` for a failed dial. It is cancelled with the dial.
"""


class HelloDialer:
    """Dials with another dialer, and lets a socket count as open when a hello has ended well.

    Pass `token_in=TokenIn.HELLO` to `open_connection` as well, if the token goes into the hello.

    Args:
        dialer: Who dials.
        hello: What to say first, and what to hear.
    """

    def __init__(self, dialer: Dialer, hello: Hello) -> None:
        if not callable(hello):
            raise TypeError(f"a hello must be an async function, not {hello!r}")
        self._dialer = dialer
        self._hello = hello

    async def run(self, request: Request, sink: Sink) -> Ended:
        """Dial and run one socket; see `Dialer.run`."""
        ended: Ended | DialError | None = None
        bug: BaseException | None = None
        opening = _Opening(sink, request, self._hello)
        try:
            async with trio.open_nursery() as nursery:
                opening.nursery = nursery
                try:
                    ended = await self._dialer.run(request, opening)
                except DialError as error:
                    ended = error
                except OSError as error:
                    ended = DialError(str(error) or repr(error))
                opening.over.set()
                nursery.cancel_scope.cancel()
        except BaseExceptionGroup as group:
            # A bug in the clean-up of a cancelled hello comes together with the cancellation.
            bugs = group.split(trio.Cancelled)[1] or group
            bug = bugs.exceptions[0] if len(bugs.exceptions) == 1 else bugs
        if bug is not None:  # as it is, and not in a group: see `Dialer.run`
            raise bug
        ended = opening.failure or ended
        assert ended is not None, "nothing else ends the nursery"
        if isinstance(ended, DialError):
            raise ended
        return ended


class _Opening(PassingSink):
    """The sink of the inner dialer; the outer one hears of a socket when the hello has ended."""

    nursery: trio.Nursery
    """Where the hello runs."""

    def __init__(self, sink: Sink, request: Request, hello: Hello) -> None:
        super().__init__(sink)
        self.failure: DialError | None = None
        """How the hello failed."""
        self.over = trio.Event()
        """Set when the inner dialer has ended."""
        self._request = request
        self._hello = hello
        self._inbox: Inbox | None = Inbox(128, 4 * request.max_message_size)
        """The messages of the hello; `None` when it has ended."""
        self._throttled = False
        """Whether throttling was switched on during the hello (T7)."""

    def opened(self, socket: Socket) -> None:
        self.nursery.start_soon(self._talk, socket)

    def message(self, message: str | bytes) -> None:
        if self._inbox is None:
            self._sink.message(message)
        else:
            self._inbox.put(message)

    def throttled(self, *, on: bool) -> None:
        if self._inbox is None:
            self._sink.throttled(on=on)
        else:
            self._throttled = on

    @property
    def has_room(self) -> bool:
        return self._sink.has_room if self._inbox is None else self._inbox.has_room

    async def wait_room(self) -> None:
        if self._inbox is None:
            await self._sink.wait_room()
        else:
            await self._inbox.wait_room()

    async def _talk(self, socket: Socket) -> None:
        assert self._inbox is not None, "a socket opens once"
        try:
            await self._hello(Greeting(socket, self._request.user, self._inbox))
        except TransportError as error:
            if not isinstance(error, DialError):  # a write that failed: the socket is ending
                with trio.move_on_after(_LAST_WORD):
                    await self.over.wait()
                error = DialError(error.details or error.message)
            self.failure = error
        except (OSError, trio.TooSlowError) as error:
            self.failure = DialError(str(error) or type(error).__name__)
        if self.over.is_set():  # the inner dialer's word counts
            self.failure = None
            return
        if self.failure is not None:
            socket.abort()
            self.nursery.cancel_scope.cancel()
            return
        inbox, self._inbox = self._inbox, None
        self._sink.opened(socket)
        if self._throttled:
            self._sink.throttled(on=True)
        while len(inbox):
            self._sink.message(inbox.take())

"""What a scenario plays on: a server, times, and what was seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import trio

from statemodel import Mode, Reason, Status, StatusChange, Timings
from statemodel import traces as t
from transport import Watcher
from transport.testing import Recorder, Server, ServerSocket, open_recorded

UP = (Status.CONNECTED, Reason.OPENED)
LOST = (Status.DISCONNECTED, Reason.CLOSED_BY_PEER)
FAILED = (Status.DISCONNECTED, Reason.DIAL_FAILED)
RETRY = (Status.CONNECTING, Reason.RETRY)
SILENT = (Status.DISCONNECTED, Reason.NO_ANSWER)


@dataclass
class Stage:
    """A server, times, and what the connections on it were seen to do."""

    server: Server[ServerSocket]
    timings: Timings
    slack: float
    settle: Callable[[], Awaitable[None]]
    """Let everything that can happen now happen."""
    traces: list[t.Trace] = field(default_factory=list)
    seen: list[tuple[Status, Reason | None]] = field(default_factory=list)
    _changes: Watcher[StatusChange] | None = None

    @asynccontextmanager
    async def open(self, mode: Mode = Mode.AUTO, **options: object) -> AsyncIterator[Recorder]:
        async with open_recorded(
            self.server.url,
            dialer=self.server.dialer,
            mode=mode,
            timings=self.timings,
            draw=lambda: 0.5,
            **options,
        ) as app:
            self.traces.append(app.trace)
            async with app.connection.watch() as self._changes:
                assert (await anext(self._changes)).current is Status.DISCONNECTED
                yield app

    async def expect(self, *changes: tuple[Status, Reason]) -> None:
        """The next changes of status must be these."""
        assert self._changes is not None
        for expected in changes:
            change = await anext(self._changes)
            self.seen.append((change.current, change.reason))

            assert self.seen[-1] == expected, self.seen
        await self.settle()

    async def up(self, app: Recorder, reason: Reason = Reason.LOGIN) -> ServerSocket:
        """Get the first socket, by a login in auto mode or a connect in manual."""
        sockets = len(self.server.sockets)
        await app.login("alice", auth_token="secret")
        if reason is Reason.CONNECT:
            await app.connect()
        await self.expect((Status.CONNECTING, reason), UP)
        return await self.server.accepted(sockets + 1)

    def check_time(self, since: float, seconds: float) -> None:
        elapsed = trio.current_time() - since

        assert seconds - 1e-3 <= elapsed <= seconds + 1e-9 + self.slack

"""`python -m transport demo`: both modes on real sockets, every line checked.

The times are shortened so that it takes about 20 seconds; nothing else is different. Each printed
line is an expectation that was met: a status of the connection, or what the server saw, within a
time. The first that is not met ends the demonstration with exit code 1.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio

from statemodel import Code, Mode, Reason, Status, StatusChange, Timings
from transport._connection import Connection
from transport._errors import TransportError
from transport._listeners import Watcher
from transport._open import open_connection
from transport.testing import LocalServer, open_server

TIMINGS = Timings(
    background_grace=5.0,
    keep_alive_interval=4.0,
    heartbeat_interval=10.0,
    pong_timeout=2.0,
    probe_timeout=1.0,
    dial_timeout=2.0,
    close_timeout=1.0,
    backoff_base=0.5,
    backoff_cap=1.0,
    stable_after=1.0,
)

PATIENCE = 6.0
"""Seconds after which an expectation counts as not met."""

HEAD = f"""\
A WebSocket connection, its application and its server, in one process on loopback.
Times are shortened (Timings): the window in background, `background_grace`, is {TIMINGS.background_grace:g} s instead of 30,
the waits between attempts are at most {TIMINGS.backoff_cap:g} s instead of 30.
The last column names the rule that each line shows; docs/rules.md has them all.

 time  who     what                                     why                                                  rule
"""


class BrokenRuleError(Exception):
    """Something else happened than the rule says."""


class Stage:
    """Prints the timeline, and checks it."""

    def __init__(self) -> None:
        self._start = trio.current_time()
        self.lines = 0

    def title(self, text: str) -> None:
        """Begin a scene."""
        print(f"\n       {text}", flush=True)

    def line(self, who: str, what: str, why: str, rule: str) -> None:
        """Print what was seen to happen."""
        self.lines += 1
        now = trio.current_time() - self._start
        print(f"{now:5.1f}  {who:7} {what:40} {why:52} {rule}".rstrip(), flush=True)

    def check(self, fact: bool, who: str, what: str, why: str, rule: str) -> None:  # noqa: FBT001 - the fact is the point
        """Print a line if it is so; end the demonstration if not."""
        if not fact:
            raise BrokenRuleError(f"rule {rule}: expected: {who} {what} ({why})")
        self.line(who, what, why, rule)

    @asynccontextmanager
    async def patience(self, what: str, rule: str) -> AsyncIterator[None]:
        """Give what is expected in the block its time, and no more."""
        with trio.move_on_after(PATIENCE) as scope:
            yield
        if scope.cancelled_caught:
            raise BrokenRuleError(f"rule {rule}: nothing within {PATIENCE:g} s: {what}")


class Actor:
    """A connection on the stage: its calls are printed, its statuses expected one by one."""

    def __init__(
        self, stage: Stage, connection: Connection, changes: Watcher[StatusChange]
    ) -> None:
        self.stage = stage
        self.connection = connection
        self._changes = changes

    def do(self, what: str, why: str, rule: str) -> None:
        """Print what the application is about to do."""
        self.stage.line("app", what, why, rule)

    async def expect(self, status: Status, reason: Reason, why: str, rule: str) -> StatusChange:
        """The next change of status must be this one."""
        async with self.stage.patience(f"status {status} ({reason})", rule):
            change = await anext(self._changes)
        if (change.current, change.reason) != (status, reason):
            raise BrokenRuleError(
                f"rule {rule}: expected {status} ({reason}), got {change.current} ({change.reason})"
            )
        retry = f", next attempt in {change.retry_in:.2f} s" if change.retry_in is not None else ""
        self.stage.line("client", f"{status} ({reason})", why + retry, rule)
        return change

    async def expect_connected(self, *, opened: str, rule: str) -> None:
        """The next change must be that to connected."""
        await self.expect(Status.CONNECTED, Reason.OPENED, opened, rule)

    async def until_connected(self, why: str, rule: str) -> None:
        """Wait through retries, as many as it takes, up to connected."""
        async with self.stage.patience("connected again", rule):
            while (change := await anext(self._changes)).current is not Status.CONNECTED:
                text = f"{change.current} ({change.reason})"
                retry = f"next attempt in {change.retry_in:.2f} s" if change.retry_in else ""
                self.stage.line("client", text, retry, "B1")
        self.stage.line("client", "connected (opened)", why, rule)

    async def stays(self, seconds: float, status: Status, why: str, rule: str) -> None:
        """Nothing may change for some time."""
        with trio.move_on_after(seconds) as scope:
            change = await anext(self._changes)
            raise BrokenRuleError(f"rule {rule}: {change.current} ({change.reason}) out of turn")
        self.stage.check(
            scope.cancelled_caught and self.connection.status is status,
            "client",
            f"still {status}",
            why,
            rule,
        )


@asynccontextmanager
async def _actor(stage: Stage, server: LocalServer, mode: Mode) -> AsyncIterator[Actor]:
    async with (
        open_connection(server.url, mode=mode, timings=TIMINGS) as connection,
        connection.watch() as changes,
    ):
        first = await anext(changes)
        if first.current is not Status.DISCONNECTED:
            raise BrokenRuleError("rule T5: a new listener is told disconnected first")
        yield Actor(stage, connection, changes)


async def demo() -> int:
    """Play both acts; return the exit code."""
    print(HEAD, end="")
    stage = Stage()
    try:
        async with open_server() as server:
            stage.line("server", "listens", server.url, "")
            await _auto(stage, server)
            await _manual(stage, server)
            most = server.most_open
            stage.title("Looking back")
            stage.check(most <= 1, "server", "never saw two sockets at once", "", "K1")
    except BrokenRuleError as broken:
        print(f"\nBROKEN: {broken}", file=sys.stderr)
        return 1
    print(
        f"\n{stage.lines} lines; each status, and what the server saw, was checked against its rule."
    )
    return 0


async def _auto(stage: Stage, server: LocalServer) -> None:
    stage.title("Auto mode: connected in foreground, closed in background, back by itself")
    async with _actor(stage, server, Mode.AUTO) as actor:
        connection = actor.connection
        actor.do('login("alice")', "saves the user, does not wait for the socket", "S1")
        await connection.login("alice", auth_token="secret")  # noqa: S106 - of the demonstration
        await actor.expect(
            Status.CONNECTING, Reason.LOGIN, "in auto mode a login is all it needs", "S2"
        )
        await actor.expect_connected(opened="the server took the token", rule="S2")
        await _echo(stage, server, connection)

        actor.do("enter_background()", "", "A1")
        connection.enter_background()
        stage.check(
            connection.status is Status.DISCONNECTED,
            "client", "status is right when the call returns", "nothing slips out after it", "A1",
        )  # fmt: skip
        await actor.expect(
            Status.DISCONNECTED, Reason.BACKGROUND, "at once, no window in auto mode", "A1"
        )
        async with stage.patience("the server sees the close", "A1"):
            await server.sockets[-1].ended.wait()
        stage.check(
            server.sockets[-1].close_code == 1000,
            "server", "sees a clean close, code 1000", "", "A1",
        )  # fmt: skip
        await actor.stays(1.0, Status.DISCONNECTED, "nothing dials in background", "B6")

        actor.do("enter_foreground()", "", "A2")
        connection.enter_foreground()
        await actor.expect(Status.CONNECTING, Reason.FOREGROUND, "dials with the call", "A2")
        await actor.expect_connected(opened="", rule="A2")

        stage.line("server", "goes down", "and takes its sockets with it", "")
        await server.stop()
        change = await actor.expect(Status.DISCONNECTED, Reason.CLOSED_BY_PEER, "lost", "A3")
        stage.check(
            change.retry_in is not None and change.retry_in <= TIMINGS.backoff_base,
            "client", "waits before the first retry, too", f"a random time up to {TIMINGS.backoff_base:g} s", "B3",
        )  # fmt: skip
        await actor.expect(Status.CONNECTING, Reason.RETRY, "the first retry", "A3")
        change = await actor.expect(Status.DISCONNECTED, Reason.DIAL_FAILED, "nobody there", "B1")
        stage.check(
            change.retry_in is not None and change.retry_in <= TIMINGS.backoff_cap,
            "client", "will try again", f"a random time under a bound that doubled to {2 * TIMINGS.backoff_base:g} s", "B1",
        )  # fmt: skip
        await server.start()
        stage.line("server", "is up again", "", "")
        await actor.until_connected("came back by itself", "A3")


async def _echo(stage: Stage, server: LocalServer, connection: Connection) -> None:
    async with stage.patience("a message there and back", "K6"):
        await connection.send("hello")
        await server.sockets[-1].send(f"echo: {await server.sockets[-1].receive()!s}")
        message = await anext(aiter(connection))
    stage.check(message == "echo: hello", "app", f"sent and got {message!r}", "", "K6")


async def _manual(stage: Stage, server: LocalServer) -> None:
    stage.title(
        "Manual mode, a new connection: the application connects; in background a ping buys time"
    )
    async with _actor(stage, server, Mode.MANUAL) as actor:
        connection = actor.connection
        dials = server.dials
        actor.do('login("alice")', "", "S1")
        await connection.login("alice")
        await actor.stays(0.5, Status.DISCONNECTED, "a login opens nothing here", "S3")

        actor.do("connect()", "", "M1")
        await connection.connect()
        await actor.expect(Status.CONNECTING, Reason.CONNECT, "", "M1")
        await actor.expect_connected(opened="connect() returned with the socket open", rule="M1")

        actor.do("enter_background()", f"a window of {TIMINGS.background_grace:g} s opens", "M3")
        connection.enter_background()
        await actor.stays(4.0, Status.CONNECTED, "the connection outlives the foreground", "M3")
        async with stage.patience("a pong", "P2"):
            rtt = await connection.ping()
        more = f"another {TIMINGS.background_grace:g} s from the call; the pong took {rtt * 1000:.1f} ms"
        stage.line("app", "ping()", more, "M4")
        past = "8 s in background by now, past the first window"
        await actor.stays(4.0, Status.CONNECTED, past, "M4")
        await actor.expect(
            Status.DISCONNECTED, Reason.BACKGROUND_TIMEOUT, "no further ping came", "M5"
        )

        actor.do("enter_foreground()", "too late for this connection", "M5")
        connection.enter_foreground()
        await actor.stays(1.0, Status.DISCONNECTED, "the foreground does not reconnect", "M5")
        stage.check(
            server.dials == dials + 1,
            "server",
            "saw no dial since the first connect()",
            "only connect() connects",
            "M1",
        )

        actor.do("connect()", "", "M1")
        await connection.connect()
        await actor.expect(Status.CONNECTING, Reason.CONNECT, "", "M1")
        await actor.expect_connected(opened="", rule="M1")

        actor.do("disconnect()", "", "M2")
        await connection.disconnect()
        await actor.expect(Status.DISCONNECTED, Reason.DISCONNECT, "until the next connect()", "M2")
        actor.do("logout()", "clears the saved user", "S5")
        await connection.logout()
        try:
            await connection.connect()
        except TransportError as error:
            stage.check(
                error.code is Code.NOT_LOGGED_IN,
                "app",
                "connect() is refused",
                str(error.code),
                "S6",
            )
        else:
            raise BrokenRuleError("rule S6: connect() after logout() was not refused")

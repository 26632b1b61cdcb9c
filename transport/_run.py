"""`python -m transport run URL`: a connection to one's own server, driven from the keyboard."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from functools import partial

import trio

from statemodel import Code, Mode, Reason, Status, StatusChange
from transport._connection import Connection
from transport._errors import TransportError
from transport._open import open_connection

_EXPLAINED = {Reason.DIAL_FAILED, Reason.CLOSED_BY_PEER, Reason.NO_ANSWER, Reason.REFUSED}

HELP = """\
connect, disconnect        make the connection wanted, or not
ping                       ping the server
background, foreground     what a phone would report
network down, network up   likewise
send TEXT                  send a message
login UID [TOKEN], logout  the session
quit                       end"""


def show(text: str) -> None:
    """Print a line with the time since the start."""
    print(f"{trio.current_time() - _start:9.3f}  {text}", flush=True)


_start = 0.0

PATIENCE = 2.0
"""Seconds that a piped command has before the next one is read."""


async def run(
    url: str,
    *,
    mode: Mode,
    uid: str | None,
    token: str,
    allow_insecure: bool = False,
    trace: str | None = None,
) -> int:
    """Run until `quit` or the end of the input; return the exit code."""
    global _start  # noqa: PLW0603 - one run per process: where its clock begins
    _start = trio.current_time()
    async with (
        open_connection(url, mode=mode, allow_insecure=allow_insecure, trace=trace) as connection,
        trio.open_nursery() as nursery,
    ):
        connection.add_status_listener("terminal", _show_status)
        connection.add_status_listener("why", partial(_show_error, connection))
        nursery.start_soon(_show_messages, connection)
        if uid is not None:
            await _attempt("login", lambda: connection.login(uid, auth_token=token))
        else:
            show("nobody is logged in; type: login UID [TOKEN]")
        show("type help for the commands")
        while True:
            line = await trio.to_thread.run_sync(sys.stdin.readline, abandon_on_cancel=True)
            word, _, rest = line.strip().partition(" ")
            if not line or word in ("quit", "exit"):
                break
            if word:
                done = trio.Event()
                nursery.start_soon(_obey, connection, word, rest.strip(), done)
                # A script means one thing after the other; what still waits may be called off.
                with trio.move_on_after(0 if sys.stdin.isatty() else PATIENCE):
                    await done.wait()
        nursery.cancel_scope.cancel()
    return 0


def _show_status(change: StatusChange) -> None:
    why = f" ({change.reason})" if change.reason else ""
    retry = f", next attempt in {change.retry_in:.1f} s" if change.retry_in is not None else ""
    show(f"status    {change.current}{why}{retry}")


def _show_error(connection: Connection, change: StatusChange) -> None:
    error = connection.last_error
    if change.current is Status.DISCONNECTED and change.reason in _EXPLAINED and error:
        show(f"          {error.details}")


async def _show_messages(connection: Connection) -> None:
    while True:
        try:
            async for message in connection:
                show(f"message   {message!r}")
        except TransportError as error:
            show(f"error     {error}")
            if error.code is Code.CLOSED:
                return
            await connection.wait_status(Status.DISCONNECTED)
            async with connection.watch() as changes:
                async for change in changes:
                    if change.current is not Status.DISCONNECTED:
                        break


async def _obey(connection: Connection, word: str, rest: str, done: trio.Event) -> None:
    uid, _, token = rest.partition(" ")
    waits: dict[str, Callable[[], Awaitable[object]]] = {
        "connect": connection.connect,
        "disconnect": connection.disconnect,
        "ping": connection.ping,
        "logout": connection.logout,
        "send": lambda: connection.send(rest),
        "login": lambda: connection.login(uid, auth_token=token),
    }
    reports: dict[str, Callable[[], None]] = {
        "background": connection.enter_background,
        "foreground": connection.enter_foreground,
        "network down": connection.network_lost,
        "network up": connection.network_restored,
    }
    if word in waits:
        await _attempt(word, waits[word])
    elif (report := reports.get(f"{word} {rest}".strip())) is not None:
        report()
        show(f"{word:9} {connection.status}")
    elif word == "help":
        print(HELP, flush=True)
    else:
        show(f"unknown   {word!r}; type help for the commands")
    done.set()


async def _attempt(name: str, call: Callable[[], Awaitable[object]]) -> None:
    try:
        result = await call()
    except (TransportError, ValueError) as error:
        show(f"{name:9} {error}")
    else:
        text = f"{result * 1000:.1f} ms" if isinstance(result, float) else "done"
        show(f"{name:9} {text}")

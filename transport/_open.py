"""`open_connection`: put the pieces together, and take them apart again."""

from __future__ import annotations

import os
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, NoReturn

import trio

from statemodel import Mode, Policy, Timings
from transport._arguments import (
    check_limits,
    check_plugins,
    check_types,
    checked_headers,
    checked_ssl_context,
    checked_subprotocols,
    checked_token_in,
)
from transport._clock import Clock, default_clock
from transport._connection import Connection
from transport._credentials import Way
from transport._driver import Driver
from transport._listeners import ListenerErrorHook, SafeHook, log_listener_error
from transport._seam import Dialer, Request, TokenIn
from transport._session import (
    Authenticator,
    MemorySessionStore,
    SessionStore,
    TrustingAuthenticator,
)
from transport._trace import Trace, checked_trace
from transport._tracing import open_tracer
from transport._url import parse_url
from transport._websocket import WebSocketDialer

NetworkMonitor = Callable[[Callable[[bool], None]], Awaitable[None]]
"""An async function that calls what it is given with `True` or `False` when the network goes up or down."""


@asynccontextmanager
async def open_connection(
    url: str,
    *,
    mode: Mode = Mode.AUTO,
    timings: Timings | None = None,
    policy: Policy | None = None,
    foreground: bool = True,
    online: bool = True,
    session_store: SessionStore | None = None,
    authenticator: Authenticator | None = None,
    dialer: Dialer | None = None,
    ssl_context: ssl.SSLContext | None = None,
    headers: tuple[tuple[str, str], ...] = (),
    token_in: TokenIn = TokenIn.HEADER,
    subprotocols: tuple[str, ...] = (),
    network_monitor: NetworkMonitor | None = None,
    allow_insecure: bool = False,
    max_message_size: int = 2**20,
    max_unread: int = 128,
    on_listener_error: ListenerErrorHook = log_listener_error,
    clock: Clock | None = None,
    draw: Callable[[], float] = random.random,
    trace: Trace | str | os.PathLike[str] | None = None,
) -> AsyncIterator[Connection]:
    """Open a connection object; what it does from here on is in the rulebook.

    Leaving the block ends the connection as `disconnect` does, within `close_timeout`; leaving it
    by cancellation aborts at once. Neither logs out, neither leaves a task or a descriptor. What
    the block raises comes out as it is.

    Args:
        url: Where to; `ws:` or `wss:`.
        mode: Who decides when the connection is up (O1).
        timings: The settings.
        policy: What HTTP statuses and close codes mean (B5).
        foreground: Whether the application starts in foreground (O2).
        online: Whether the network starts up (O2).
        session_store: Where the user is kept; by default in memory, for this object alone.
        authenticator: Who checks and renews credentials; by default the token is believed.
        dialer: Who opens sockets; by default trio-websocket over TCP and TLS.
        ssl_context: For `wss:`; by default the platform's trust store.
        headers: Further headers of the upgrade request.
        token_in: Where the user's token travels; with `TokenIn.HELLO` it is a `HelloDialer` that
            sends it, or nobody.
        subprotocols: What to offer the server, the preferred first.
        network_monitor: Runs beside the block and reports the network; without one it counts as
            up, unless the application calls `network_lost` (N4).
        allow_insecure: Let a token travel unencrypted over `ws:` to a host that is not loopback.
        max_message_size: Bytes, both ways; a larger message that comes in ends the connection for
            good with 1009, one that is to go out is refused.
        max_unread: So many messages wait for their reader before the socket is read no more (K6).
        on_listener_error: Told what listeners raise (T4); by default it is logged.
        clock: Gives seconds that never go back; a deadline that it has passed is noticed within 1 s
            (H5). By default `suspend_aware_time`, or trio's own time if that is virtual.
        draw: Random numbers in [0, 1) for the spread of retries (B1).
        trace: A file for what happens, which `statemodel replay` shows; or a `Trace`. What goes
            wrong with it later harms nothing, and is told to `on_listener_error` once, as "trace".

    Raises:
        TypeError, ValueError: an argument is none that could work.
        TransportError: `ERR_INSECURE_URL`: a saved token would travel unencrypted.
        TraceError: the trace's file cannot be opened.
    """
    address = parse_url(url)
    check_types(timings=timings, policy=policy, foreground=foreground, online=online)
    check_plugins(
        session_store=(session_store, ("load", "save", "clear")),
        authenticator=(authenticator, ("authenticate", "refresh")),
        dialer=(dialer, ("run",)),
        clock=(clock, ("__call__",)),
        draw=(draw, ("__call__",)),
        network_monitor=(network_monitor, ("__call__",)),
    )
    check_limits(max_message_size=max_message_size, max_unread=max_unread)
    ssl_context = checked_ssl_context(ssl_context, address)
    headers = checked_headers(headers)
    subprotocols = checked_subprotocols(subprotocols)
    token_in = checked_token_in(token_in, dialer)
    trace = checked_trace(trace)
    settings: dict[str, Any] = {
        "mode": Mode(mode),
        "timings": timings,
        "policy": policy,
        "foreground": foreground,
        "online": online,
    }
    store = MemorySessionStore() if session_store is None else session_store
    request = partial(
        Request,
        address=address,
        ssl_context=ssl_context,
        headers=headers,
        token_in=token_in,
        subprotocols=subprotocols,
        max_message_size=max_message_size,
    )
    hook = SafeHook(on_listener_error)
    clock = default_clock() if clock is None else clock
    escaped: BaseException | None = None
    tracer = await open_tracer(
        trace, address=address, headers=headers, clock=clock, on_trouble=hook, **settings
    )
    try:
        async with trio.open_nursery() as nursery:
            driver = Driver(
                tracer.machine(**settings),
                nursery=nursery,
                dialer=tracer.dialer(WebSocketDialer() if dialer is None else dialer),
                request=request,
                authenticator=TrustingAuthenticator() if authenticator is None else authenticator,
                store=store,
                inbox=tracer.inbox(max_unread, 4 * max_message_size),
                on_listener_error=hook,
                clock=clock,
                draw=draw,
                way=Way(token_in, address.guarded or allow_insecure),
            )
            del settings  # it would live as long as the connection
            try:
                tracer.start(nursery)
                if network_monitor is not None:
                    nursery.start_soon(network_monitor, driver.report_network)
                try:
                    await driver.restore()
                    yield Connection(driver, address=address, max_message_size=max_message_size)
                except BaseException as error:  # noqa: BLE001 - raised below, where no group wraps it
                    escaped = error
                await _end(driver)
            finally:
                driver.stop_timer()
            nursery.cancel_scope.cancel()
    except BaseExceptionGroup as group:
        escaped = _the_one(group, escaped)
    except trio.Cancelled as cancelled:  # leaving was; what had escaped before says more
        if escaped is None:
            escaped = cancelled
    finally:
        await tracer.close()
    if escaped is not None:
        try:
            _raise(escaped)
        finally:
            del escaped


async def _end(driver: Driver) -> None:
    try:
        await driver.shut_down()
    finally:
        driver.abandon()


def _raise(escaped: BaseException) -> NoReturn:
    """Raise what had escaped as it was."""
    context = escaped.__context__
    try:
        raise escaped
    finally:
        escaped.__context__ = context  # not the group that it came in
        del escaped, context


def _the_one(group: BaseExceptionGroup, escaped: BaseException | None) -> BaseException:
    """Return what the caller of the block is to see: one exception as it is, several in a group.

    Args:
        group: What came out of the nursery; cancellation in it counts for nothing beside the rest.
        escaped: What came out of the block.
    """
    if isinstance(escaped, BaseExceptionGroup):  # the cancellation in it was the nursery's
        escaped = escaped.split(trio.Cancelled)[1] or escaped
    errors = [] if escaped is None or _is_cancellation(escaped) else [escaped]
    errors += [error for error in group.exceptions if not _is_cancellation(error)]
    if not errors:  # nothing but cancellation
        return escaped if escaped is not None else group
    return errors[0] if len(errors) == 1 else BaseExceptionGroup(group.message, errors)


def _is_cancellation(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return error.split(trio.Cancelled)[1] is None
    return isinstance(error, trio.Cancelled)

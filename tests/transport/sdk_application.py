"""An application that uses the facade, for its tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from transport import MemorySessionStore, User
from transport.sdk import AppSettings, AppSettingsBuilder, CometChat, CometChatException
from transport.testing import MemoryServer

APP_ID = "test-app"


def settings_for(server: MemoryServer, *, automatic: bool = True, **options: Any) -> AppSettings:
    """Settings that reach a server in memory, with a session of their own."""
    own: dict[str, Any] = {
        "dialer": server.dialer,
        "session_store": MemorySessionStore(),
        "draw": lambda: 0.5,
    }
    return (
        AppSettingsBuilder()
        .auto_establish_socket_connection(automatic)
        .set_region("eu")
        .set_server(server.url)
        .set_connection_options(**own | options)
        .build()
    )


async def opened(*, automatic: bool = True, uid: str = "", **options: Any) -> MemoryServer:
    """Open the application, log in if there is somebody, and return its server."""
    server = MemoryServer()
    await CometChat.init(APP_ID, settings_for(server, automatic=automatic, **options))
    if uid:
        await CometChat.login(uid)
    return server


class Told:
    """What the callbacks of a call were given."""

    def __init__(self) -> None:
        self.successes: list[str | User | None] = []
        self.errors: list[CometChatException] = []
        self.callbacks: dict[str, Callable[[Any], None]] = {
            "on_success": self.successes.append,
            "on_error": self.errors.append,
        }

    @property
    def codes(self) -> list[str]:
        return [error.code for error in self.errors]

    @property
    def count(self) -> int:
        return len(self.successes) + len(self.errors)


async def error_of(call: Awaitable[object]) -> CometChatException:
    """Return what a call raises."""
    try:
        await call
    except CometChatException as error:
        return error
    raise AssertionError("the call has succeeded")

"""A facade for applications written after CometChat's SDK: the same calls, in Python spelling.

This module is not affiliated with CometChat. It speaks no protocol of theirs and knows no server of
theirs: name yours with `AppSettingsBuilder.set_server`. It adds no behaviour either; every call goes
to one `transport.Connection`, whose rules hold here as well.

    settings = AppSettingsBuilder().set_region("eu").set_server("wss://example.org/socket").build()
    await CometChat.init("my-app", settings)
    await CometChat.login("alice", "a-token")

Calls that wait come in two ways. Without callbacks they are coroutines: they begin when awaited,
raise `CometChatException`, and may be cancelled as the methods of `Connection` may. With callbacks
they begin at once and need no `await`:

    CometChat.connect(on_success=print, on_error=lambda error: print(error.code))

Exactly one of the two is then called, once, and never from within the call itself; also when the
run ends first: with `ERR_CLOSED`. Callbacks are plain functions; what they raise is logged. What such
a call returns can be awaited for its end, too, and gives the result; it raises only an error for
which there is no `on_error`. If nobody waits for that either, the error is logged. Cancelling such a
wait cancels nothing else. Arguments that can never work are `TypeError` or `ValueError`, raised
where the mistake is; but values of `init` that cannot work fail it with `ERR_CHAT_API_FAILURE`.

A library cannot see when an application leaves the screen, so the application reports its life
cycle: `CometChat.enter_background`, `enter_foreground`, `network_lost`, `network_restored`.

**Where it lives.** Each `trio.run` is an application that was freshly opened: the state of the facade
is that of the run, so that two runs, in two threads say, do not meet. A system task holds the
connection. When the main task has ended, trio cancels it, and the socket is aborted; `disconnect()`
first closes it properly. The user stays saved in a file, by app id, region and server (rule S4), until
`logout()`. A bug in a dialer, store or authenticator of one's own cannot raise from a system task: it
is logged, and calls fail with `ERR_CHAT_API_FAILURE` from it until `init()` is called again.
"""

from __future__ import annotations

from transport.sdk._errors import CometChatException, Success
from transport.sdk._facade import CometChat
from transport.sdk._listeners import ConnectionListener, LoginListener, MessageListener
from transport.sdk._settings import AppSettings, AppSettingsBuilder

__all__ = [
    "AppSettings",
    "AppSettingsBuilder",
    "CometChat",
    "CometChatException",
    "ConnectionListener",
    "LoginListener",
    "MessageListener",
    "Success",
]

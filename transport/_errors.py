"""What a user of a connection can catch.

TransportError        every refusal and failure, told apart by `code`
├─ DialError          for dialers: this dial ended without a socket
└─ TraceError         from `open_connection`: the file of its trace could not be opened

Wrong arguments are `TypeError` and `ValueError`, as everywhere. A bug in a dialer, authenticator or
store of one's own is not caught: it comes out of the `async with`.
"""

from __future__ import annotations

from statemodel import Code

_MESSAGES = {
    Code.CHAT_API_FAILURE: "The SDK is not ready, or was not given what it needs.",
    Code.NOT_LOGGED_IN: "Nobody is logged in.",
    Code.NO_WEBSOCKET_CONNECTION: "There is no open socket.",
    Code.NO_INTERNET_CONNECTION: "The network is down.",
    Code.LOGIN_IN_PROGRESS: "A login is already running.",
    Code.ALREADY_LOGGED_IN: "Somebody else is logged in.",
    Code.AUTHENTICATION_FAILED: "The login failed.",
    Code.SESSION_NOT_SAVED: "The session could not be saved, so nobody is logged in.",
    Code.SESSION_NOT_CLEARED: "The user is logged out, but the saved session could not be cleared.",
    Code.APP_IN_BACKGROUND: "In auto mode there is no connection in background.",
    Code.DISCONNECTED: "The connection was disconnected meanwhile.",
    Code.LOGGED_OUT: "The user was logged out meanwhile.",
    Code.CONNECTION_LOST: "The connection was lost.",
    Code.CONNECTION_REFUSED: "The server refused the connection for good.",
    Code.PING_TIMEOUT: "The ping was not answered in time.",
    Code.MESSAGE_TOO_BIG: "The message is larger than the limit.",
    Code.INSECURE_URL: "A token would travel unencrypted.",
    Code.CLOSED: "The connection object has ended.",
}

_HINTS = {
    Code.NOT_LOGGED_IN: "Call login() first.",
    Code.NO_WEBSOCKET_CONNECTION: "Wait with wait_connected(), or call connect() in manual mode.",
    Code.NO_INTERNET_CONNECTION: "Call connect() again when the network is up.",
    Code.LOGIN_IN_PROGRESS: "Wait for it, or call logout().",
    Code.ALREADY_LOGGED_IN: "Call logout() before logging somebody else in.",
    Code.APP_IN_BACKGROUND: "It connects by itself on enter_foreground().",
    Code.INSECURE_URL: "Use wss://, or pass allow_insecure=True if you know the network.",
    Code.CLOSED: "Its `async with open_connection(...)` block has been left.",
}


class TransportError(Exception):
    """A refusal or failure of a connection.

    Attributes:
        code: Which one; the rulebook's table says when each is given.
        message: The same in a sentence, one wording for each code.
        details: What is known beyond that: the HTTP status, the close code, or what to do next.
    """

    def __init__(self, code: Code, details: str = "") -> None:
        self.code = code
        self.message = _MESSAGES[code]
        self.details = details or _HINTS.get(code, "")
        super().__init__(code, self.details)

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        return f"{text} {self.details}" if self.details else text


class DialError(TransportError):
    """A dial ended without a socket; a dialer raises it, the connection decides what follows (B5).

    Attributes:
        http_status: Of a server that answered but did not upgrade.
        close_code: Of a server that upgraded, and closed before the socket was ready.
        retry_after: Seconds that the server asked to stay away (B4).
    """

    def __init__(
        self,
        details: str,
        *,
        http_status: int | None = None,
        close_code: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(Code.CONNECTION_LOST, details)
        self.http_status = http_status
        self.close_code = close_code
        self.retry_after = retry_after

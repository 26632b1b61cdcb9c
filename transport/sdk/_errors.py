"""What the facade says: one success for each call, and one exception for all that fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum, unique

from statemodel import Code
from transport._errors import TransportError


@unique
class Success(StrEnum):
    """What a call gives that has nothing else to give."""

    INIT = "The SDK is ready."
    LOGOUT = "Nobody is logged in any more."
    CONNECT = "The WebSocket is open."
    DISCONNECT = "The WebSocket is closed."
    PING = "The server has answered the ping."
    SEND_MESSAGE = "The message is on its way."


_NOT_LOGGED_IN = {
    "connect": (
        "There is no user to connect.",
        "Call login() first: a WebSocket is opened for the user who is logged in.",
    ),
    "disconnect": (
        "There is no user to disconnect.",
        "Without login() nothing is open that could be closed.",
    ),
    "ping": (
        "There is no user to ping for.",
        "Call login() first: a ping keeps the WebSocket of the user who is logged in.",
    ),
}
"""Message and details of `ERR_NOT_LOGGED_IN`, for each call of its own (S6)."""


class CometChatException(Exception):
    """A refusal or failure of a call.

    Attributes:
        code: Which one, in the sources' spelling; the rulebook says when each is given.
        message: The same in a sentence.
        details: What is known beyond that, or what to do next.
    """

    def __init__(self, code: Code, message: str, details: str) -> None:
        self.code = code
        self.message = message
        self.details = details
        super().__init__(code, message, details)

    def __str__(self) -> str:
        text = f"{self.code}: {self.message}"
        return f"{text} {self.details}" if self.details else text


def translated(error: TransportError, call: str = "") -> CometChatException:
    """Return a connection's error in the facade's words, with the original as its cause."""
    words = error.message, error.details
    if error.code is Code.NO_WEBSOCKET_CONNECTION:
        words = error.message, "Await connect(), or wait for on_connected of a listener."
    if error.code is Code.NOT_LOGGED_IN:
        words = _NOT_LOGGED_IN.get(call, words)
    exception = CometChatException(error.code, *words)
    exception.__cause__ = error
    return exception


@contextmanager
def translating(call: str = "") -> Iterator[None]:
    """Let errors of the connection come out as `CometChatException`."""
    try:
        yield
    except TransportError as error:
        raise translated(error, call) from error


def api_failure(details: str, cause: BaseException | None = None) -> CometChatException:
    """Return an `ERR_CHAT_API_FAILURE`: the facade is not ready, or no more."""
    failure = translated(TransportError(Code.CHAT_API_FAILURE, details))
    failure.__cause__ = cause
    return failure


def closed() -> CometChatException:
    """Return the `ERR_CLOSED` of a run that ends."""
    failure = translated(TransportError(Code.CLOSED, "The main task of the trio run has ended."))
    failure.__cause__ = None
    return failure

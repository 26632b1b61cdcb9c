"""The words that the chart, the machine and its users share.

Modes, statuses, reasons and codes are the rulebook's own. Nothing here knows an event, an effect or a state.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum, unique

from statemodel._record import record


@unique
class Mode(StrEnum):
    """Who decides when the connection is up (rule O1)."""

    AUTO = "auto"
    """Connected while somebody is logged in and the application is in foreground."""
    MANUAL = "manual"
    """Connected when the application says so."""


@unique
class Status(StrEnum):
    """What a status listener is told (rule T1)."""

    CONNECTING = "connecting"
    """A dial, or the refresh of credentials within it, is running."""
    CONNECTED = "connected"
    """The socket is open."""
    DISCONNECTED = "disconnected"
    """Neither of the others: idle, waiting, closing or failed."""
    FEATURE_THROTTLED = "feature_throttled"
    """Connected, but the server has switched some features off for the moment (T7)."""


@unique
class Reason(StrEnum):
    """Why a status changed (rule T2)."""

    LOGIN = "login"
    RESTORED = "restored"
    CONNECT = "connect"
    FOREGROUND = "foreground"
    NETWORK_UP = "network_up"
    RETRY = "retry"
    OPENED = "opened"
    THROTTLED = "throttled"
    UNTHROTTLED = "unthrottled"
    DISCONNECT = "disconnect"
    LOGOUT = "logout"
    BACKGROUND = "background"
    BACKGROUND_TIMEOUT = "background_timeout"
    NETWORK_DOWN = "network_down"
    DIAL_FAILED = "dial_failed"
    CLOSED_BY_PEER = "closed_by_peer"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    SHUT_DOWN = "shut_down"


@unique
class Code(StrEnum):
    """The identifier of a refusal or failure; the rulebook says when each is given."""

    CHAT_API_FAILURE = "ERR_CHAT_API_FAILURE"
    NOT_LOGGED_IN = "ERR_NOT_LOGGED_IN"
    NO_WEBSOCKET_CONNECTION = "NO_WEBSOCKET_CONNECTION"
    NO_INTERNET_CONNECTION = "NO_INTERNET_CONNECTION"
    LOGIN_IN_PROGRESS = "ERR_LOGIN_IN_PROGRESS"
    ALREADY_LOGGED_IN = "ERR_ALREADY_LOGGED_IN"
    AUTHENTICATION_FAILED = "ERR_AUTHENTICATION_FAILED"
    SESSION_NOT_SAVED = "ERR_SESSION_NOT_SAVED"
    SESSION_NOT_CLEARED = "ERR_SESSION_NOT_CLEARED"
    APP_IN_BACKGROUND = "ERR_APP_IN_BACKGROUND"
    DISCONNECTED = "ERR_DISCONNECTED"
    LOGGED_OUT = "ERR_LOGGED_OUT"
    CONNECTION_LOST = "ERR_CONNECTION_LOST"
    CONNECTION_REFUSED = "ERR_CONNECTION_REFUSED"
    PING_TIMEOUT = "ERR_PING_TIMEOUT"
    MESSAGE_TOO_BIG = "ERR_MESSAGE_TOO_BIG"
    INSECURE_URL = "ERR_INSECURE_URL"
    CLOSED = "ERR_CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """What `login` was given."""

    uid: str
    """The user's identifier."""
    auth_token: str = field(default="", repr=False)
    """The secret; never shown by `repr`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Somebody who is logged in."""

    uid: str
    """The user's identifier."""
    auth_token: str = field(default="", repr=False)
    """The secret that opens the socket; never shown by `repr`."""


@record
class StatusChange:
    """One change of status, as listeners are told it (rules T2, T5)."""

    sequence: int
    """Counts the changes of one connection, from 1; 0 is the status before any change."""
    time: float
    """Seconds on the connection's clock."""
    previous: Status
    """The status before."""
    current: Status
    """The status after; equal to `previous` when only the reason or `retry_in` changed."""
    reason: Reason | None
    """Why; `None` only before any change."""
    retry_in: float | None = None
    """Seconds until the next attempt, from `time`; `None` unless a timer decides it."""

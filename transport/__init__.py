"""A managed WebSocket connection for trio.

Start with `open_connection`. What a connection does is declared in `statemodel`; this package
carries it out with sockets, tasks and clocks.
"""

from __future__ import annotations

from statemodel import (
    Code,
    Credentials,
    InvalidInput,
    Mode,
    Policy,
    Reason,
    Status,
    StatusChange,
    Timings,
    User,
)
from transport._clock import suspend_aware_time
from transport._connection import Connection
from transport._errors import DialError, TransportError
from transport._file_store import FileSessionStore
from transport._hello import Greeting, HelloDialer
from transport._listeners import Watcher
from transport._open import open_connection
from transport._seam import Dialer, Ended, Request, Sink, Socket, TokenIn
from transport._session import (
    AuthenticationError,
    Authenticator,
    CredentialsRevokedError,
    MemorySessionStore,
    SessionChange,
    SessionEvent,
    SessionStore,
    SessionStoreError,
    TrustingAuthenticator,
)
from transport._throttling import ThrottlingDialer
from transport._trace import Trace, TraceError
from transport._websocket import WebSocketDialer

__all__ = [
    "AuthenticationError",
    "Authenticator",
    "Code",
    "Connection",
    "Credentials",
    "CredentialsRevokedError",
    "DialError",
    "Dialer",
    "Ended",
    "FileSessionStore",
    "Greeting",
    "HelloDialer",
    "InvalidInput",
    "MemorySessionStore",
    "Mode",
    "Policy",
    "Reason",
    "Request",
    "SessionChange",
    "SessionEvent",
    "SessionStore",
    "SessionStoreError",
    "Sink",
    "Socket",
    "Status",
    "StatusChange",
    "ThrottlingDialer",
    "Timings",
    "TokenIn",
    "Trace",
    "TraceError",
    "TransportError",
    "TrustingAuthenticator",
    "User",
    "Watcher",
    "WebSocketDialer",
    "open_connection",
    "suspend_aware_time",
]

"""What can happen to a connection: the inputs of `Machine.handle`.

Commands and reports are named as the calls they are, outcomes in the past tense. A `command` is a
number that the caller chooses, different for every call; the effects `Succeed` and `Fail` carry it
back. A `generation` is the number that an effect carried when it asked for what happened now; an
event with an older one changes nothing (K2).
"""

from __future__ import annotations

from typing import TypeAlias

from statemodel._record import record
from statemodel._vocabulary import Credentials, User

# -- commands ----------------------------------------------------------------------------------


@record
class Login:
    """Log a user in (S1, S7)."""

    command: int
    credentials: Credentials


@record
class Logout:
    """Log out, from every state (S5)."""

    command: int


@record
class Connect:
    """Make the connection wanted (M1, A5, C1-C3, C8)."""

    command: int


@record
class Disconnect:
    """Make the connection unwanted (M2, A4, C5)."""

    command: int


@record
class Ping:
    """Ping the peer (P1-P3); in background, buy another `background_grace` (M4)."""

    command: int


@record
class Send:
    """Ask whether a message may be sent now: succeeds at once, or is refused (S6, P3)."""

    command: int


@record
class ShutDown:
    """End the connection object (O4)."""

    command: int


@record
class Cancel:
    """The caller of a command no longer waits (C4, C5)."""

    command: int


# -- reports -----------------------------------------------------------------------------------


@record
class EnterBackground:
    """The application went into background (A1, M3). With a `command`, refusals are reported."""

    command: int | None = None


@record
class EnterForeground:
    """The application came into foreground (A2, M6, H2)."""

    command: int | None = None


@record
class NetworkLost:
    """The network is reported down (N1)."""

    command: int | None = None


@record
class NetworkRestored:
    """The network is reported up (N2, N3)."""

    command: int | None = None


@record
class SessionRestored:
    """A saved user was found when the connection object was opened (S4)."""

    user: User


# -- outcomes of a login -----------------------------------------------------------------------


@record
class AuthenticationSucceeded:
    """The authenticator knows the user."""

    generation: int
    user: User


@record
class AuthenticationFailed:
    """The authenticator refused, or could not be asked (S1)."""

    generation: int
    details: str = ""


@record
class SaveSucceeded:
    """The user is saved."""

    generation: int


@record
class SaveFailed:
    """The user could not be saved (S1)."""

    generation: int
    details: str = ""


@record
class SessionCleared:
    """The store has answered a `Clear`; `error` says what went wrong, if anything (S5)."""

    generation: int
    error: str | None = None


# -- outcomes of an attempt, and the socket ----------------------------------------------------


@record
class DialSucceeded:
    """The socket is open, its hello included."""

    generation: int


@record
class DialFailed:
    """The dial ended without a socket."""

    generation: int
    http_status: int | None = None
    """The HTTP status of a server that answered but did not upgrade; the policy reads it (B5)."""
    close_code: int | None = None
    """The code of a server that upgraded and closed during the hello; likewise."""
    retry_after: float | None = None
    """Seconds, as the server asked for with 429 or 503 (B4)."""
    details: str = ""


@record
class SocketClosed:
    """The socket is gone: the peer closed it, it broke, or our own close is complete."""

    generation: int
    code: int = 1006
    """The close code, by which the policy decides (B5); 1006 if there was none."""
    details: str = ""


@record
class RefreshSucceeded:
    """There are new credentials (B5)."""

    generation: int
    user: User


@record
class RefreshFailed:
    """There are none: a failed dial, or, with `refused`, there never will be (B5)."""

    generation: int
    refused: bool = False
    details: str = ""


@record
class FrameReceived:
    """A frame came in (P4); only the time of the last one matters, so they may be reported late."""

    generation: int


@record
class PingWritten:
    """A ping has been written to the socket: its deadline counts from here (P2, P5)."""

    generation: int
    payload: bytes


@record
class PongReceived:
    """A pong came in (P2, P4)."""

    generation: int
    payload: bytes


@record
class ReadingPaused:
    """Our side has stopped reading the socket (K6)."""

    generation: int


@record
class ReadingResumed:
    """Our side reads the socket again (K6)."""

    generation: int


@record
class ThrottlingStarted:
    """The server has switched features off (T7)."""

    generation: int


@record
class ThrottlingEnded:
    """The server has switched them on again (T7)."""

    generation: int


# -- time and extensions -----------------------------------------------------------------------


@record
class TimePassed:
    """Nothing but time: fires every deadline up to and including now (H4)."""


@record
class Custom:
    """An event of a region that was added with `extend`."""

    name: str


Event: TypeAlias = (
    Login
    | Logout
    | Connect
    | Disconnect
    | Ping
    | Send
    | ShutDown
    | Cancel
    | EnterBackground
    | EnterForeground
    | NetworkLost
    | NetworkRestored
    | SessionRestored
    | AuthenticationSucceeded
    | AuthenticationFailed
    | SaveSucceeded
    | SaveFailed
    | SessionCleared
    | DialSucceeded
    | DialFailed
    | SocketClosed
    | RefreshSucceeded
    | RefreshFailed
    | FrameReceived
    | PingWritten
    | PongReceived
    | ReadingPaused
    | ReadingResumed
    | ThrottlingStarted
    | ThrottlingEnded
    | TimePassed
    | Custom
)
"""Any input of the machine."""

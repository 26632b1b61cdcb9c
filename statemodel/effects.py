"""What the adapter has to do: the outputs of `Machine.handle`, in order.

The machine never waits for an effect. What takes time is started, and its end is reported as an
event with the same `generation`; what a later effect calls off may end without a report.
"""

from __future__ import annotations

from typing import TypeAlias

from statemodel._record import record
from statemodel._vocabulary import Code, Credentials, StatusChange, User


@record
class Authenticate:
    """Ask the authenticator; report `AuthenticationSucceeded` or `AuthenticationFailed`."""

    generation: int
    credentials: Credentials


@record
class Save:
    """Save the user; report `SaveSucceeded` or `SaveFailed`. Store calls run one at a time."""

    generation: int
    user: User


@record
class CancelLogin:
    """Call off what `Authenticate` or `Save` of this generation started; report nothing."""

    generation: int


@record
class Clear:
    """Clear the saved user, after any store call in progress; report `SessionCleared` (S5)."""

    generation: int


@record
class KeepUser:
    """Save a user whose credentials were refreshed; nobody waits for it (B5)."""

    user: User


@record
class Dial:
    """Open a socket, once the one before it is closed (K1); report `DialSucceeded` or `DialFailed`."""

    generation: int
    user: User


@record
class Refresh:
    """Ask for new credentials; report `RefreshSucceeded` or `RefreshFailed` (B5)."""

    generation: int
    user: User


@record
class Close:
    """Begin the closing handshake; report `SocketClosed` when the socket is closed (K4)."""

    generation: int


@record
class Abort:
    """Drop the dial, refresh or socket of this generation at once; report nothing."""

    generation: int


@record
class SendPing:
    """Put a ping on the wire, ahead of data not yet written (P1); report `PingWritten`."""

    generation: int
    payload: bytes
    command: int | None
    """The call it belongs to; `None` for the library's own."""


@record
class DiscardUnread:
    """Drop the messages that the application has not read (K3)."""


@record
class ChangeStatus:
    """Tell the status listeners (T2)."""

    change: StatusChange


@record
class Succeed:
    """A command ends well."""

    command: int
    value: User | float | None = None
    """The user for a login, the round-trip time in seconds for a ping."""


@record
class Fail:
    """A command ends with a refusal or failure."""

    command: int
    code: Code
    details: str = ""


@record
class Custom:
    """An action of a region that was added with `extend`."""

    name: str


Effect: TypeAlias = (
    Authenticate
    | Save
    | CancelLogin
    | Clear
    | KeepUser
    | Dial
    | Refresh
    | Close
    | Abort
    | SendPing
    | DiscardUnread
    | ChangeStatus
    | Succeed
    | Fail
    | Custom
)
"""Any output of the machine."""

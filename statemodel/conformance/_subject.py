"""What is put to the test: an implementation behind a small protocol, and what it says it can do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from types import MappingProxyType
from typing import Protocol

from statemodel._errors import StateModelError
from statemodel._showing import abridged, printable
from statemodel.scripts import Script, Step
from statemodel.traces import Entry

PROTOCOL = 1
"""The version of the protocol between the kit and a subject process."""

CAPABILITIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "auto": ("A1", "A2", "A3", "A4", "A5", "S2"),
        "manual": (
            "S3", "M1", "M2", "M3", "M4", "M5", "M6", "M7", "M8", "M9", "M10", "M11", "M12",
        ),
        "background": (
            "A1", "A2", "A5", "M3", "M4", "M5", "M6", "M7", "M8", "M10", "M11", "M12", "H2", "H5",
        ),
        "network": ("N1", "N2", "N3", "C8"),
        "login": ("S1", "S2", "S3", "S7"),
        "logout": ("S5",),
        "restored": ("S4",),
        "ping": ("P1", "P2", "P3", "M4", "M11"),
        "send": (),
        "status": ("T1", "T2", "T3", "T6", "K4"),
        "reasons": ("M5", "T2"),
        "cancel": (),
        "shut_down": ("O4",),
        "throttling": ("T7",),
        "refresh": (),
        "retry_after": ("B4",),
        "reading": (),
        "messages": ("K6",),
        "ties": (),
        "callbacks": (),
    }
)  # fmt: skip
"""What a subject may be able to do, each with the rules that cannot be judged without it.

`auto`, `manual`: the modes. `background`, `network`, `restored`, `login`, `logout`, `ping`,
`send`, `shut_down`, `cancel`: it can be told of these. `status`: it reports status changes;
`reasons`: with their reason and `retry_in`. `throttling`, `refresh`, `retry_after`: it knows what
the server means. `reading`: its side can stop reading. `messages`: it reports deliveries. `ties`:
an input can come at the very time of a deadline, before it fires. `callbacks`: a listener can
call it when it is told a status.
"""


@unique
class Trouble(StrEnum):
    """What a subject can do that is no behaviour to judge."""

    CRASHED = "crashed"
    """It ended, or could not be started."""
    HUNG = "hung"
    """It did not answer in time."""
    BABBLED = "babbled"
    """It wrote what is no answer."""
    LIED = "lied"
    """It reported what cannot have happened."""
    REFUSED = "refused"
    """It said that it cannot do what it was asked to."""


class SubjectError(StateModelError):
    """A subject cannot be judged.

    Args:
        trouble: What it has done.
        message: That, in one sentence, with what was allowed. It is made printable, and loses its
            middle if it is very long, since it may hold what the subject wrote.
    """

    def __init__(self, trouble: Trouble, message: str) -> None:
        message = abridged(printable(message))
        super().__init__(f"the subject {trouble}: {message}")
        self.trouble = trouble
        """What it has done."""
        self.message = message
        """In one sentence."""


@dataclass(frozen=True, slots=True)
class Act:
    """A step as a subject is given it."""

    step: Step
    """What happens: any step but `reach`, `sleep` and `custom`. If it is `together`, the next act
    comes before anything else runs; a `wait` leaves what is due at its very end for after that. If it
    is `inside` a status, it happens in the callback that is told this status next."""
    command: int | None = None
    """For a call: its number, by which its end is reported; calls are counted from 1."""


class Subject(Protocol):
    """An implementation of a connection, as the kit plays with it.

    It lives in virtual time: none passes except by a `wait`. It reports its own doings only, as
    `Returned`, `Dialled`, `CloseBegun`, `SocketGone`, `PingSent`, `StatusSeen`, `Reading`,
    `Delivered`, and the beginnings of `Stored` and `Refreshed`; the kit writes down the rest.
    Sockets are counted from 1 in the order of their dials, pings from 1.
    """

    @property
    def name(self) -> str:
        """What reports call it."""
        ...

    @property
    def capabilities(self) -> frozenset[str]:
        """What it can do: words of `CAPABILITIES`."""
        ...

    def open(self, opening: Script, draws: Sequence[float]) -> Sequence[Entry]:
        """Open a fresh connection object at time 0, and throw away what was open before.

        Args:
            opening: Mode, start and settings; it has no steps.
            draws: Random numbers in [0, 1) to use in turn, over and over; none: its own choice.

        Returns:
            What it did on opening.

        Raises:
            SubjectError: it cannot.
        """
        ...

    def perform(self, acts: Sequence[Act]) -> Sequence[Sequence[Entry]]:
        """Let things happen in one turn; all acts but the last are `together` with the next.

        Returns:
            For each act, what was done because of it. After the last, everything has run that
            runs without time passing.

        Raises:
            SubjectError: it cannot.
        """
        ...

    def close(self) -> None:
        """End everything."""
        ...

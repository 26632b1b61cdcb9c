"""What an end means, how it is told, and how long to wait after it. Pure functions."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from enum import StrEnum, unique

from statemodel._timings import Timings


@unique
class End(StrEnum):
    """What an unwished end of a dial or socket is (B5)."""

    LOSS = "loss"
    """Worth another attempt."""
    AUTH = "auth"
    """The credentials are refused."""
    TERMINAL = "terminal"
    """Refused for good."""


_LOSS, _AUTH, _TERMINAL = End  # a member by its name costs a search


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Which HTTP statuses and close codes mean what (B5); what is not listed is a loss."""

    auth_statuses: Container[int] = frozenset({401, 403})
    """HTTP statuses that refuse the credentials."""
    auth_codes: Container[int] = frozenset({3000, 3003, 4401, 4403})
    """Close codes that refuse the credentials; they win over the terminal ones."""
    terminal_codes: tuple[Container[int], ...] = field(
        default=(
            frozenset({1002, 1003, 1007, 1008, 1009, 1010}),
            range(3500, 4000),
            range(4500, 5000),
        )
    )
    """Close codes after which no attempt is made."""

    retry_after_statuses: Container[int] = frozenset({429, 503})
    """HTTP statuses whose Retry-After is believed (B4)."""

    def end(self, http_status: int | None, close_code: int | None) -> End:
        """Say what an end with this HTTP status or close code is."""
        if http_status in self.auth_statuses or close_code in self.auth_codes:
            return _AUTH
        if close_code is not None:
            for codes in self.terminal_codes:
                if close_code in codes:
                    return _TERMINAL
        return _LOSS

    def retry_after(self, http_status: int | None, seconds: float | None) -> float | None:
        """Return the seconds of a Retry-After if it is believed with this HTTP status (B4)."""
        return seconds if http_status in self.retry_after_statuses else None


def explain(details: str, status: int | None, code: int | None) -> str:
    """Say how something ended: the HTTP status or close code, and what is known beside it."""
    reply = f"HTTP {status}" if status else f"close code {code}" if code else ""
    if not details:
        return reply
    return details if reply in details else f"{reply}: {details}"


def backoff(failures: int, draw: float, timings: Timings) -> float:
    """Return the wait before the retry after so many failures in a row (B1).

    Args:
        failures: Failed dials and lost connections in a row, from 1.
        draw: A random number in [0, 1).
        timings: For `backoff_base` and `backoff_cap`.

    Returns:
        Seconds: the cap is applied first, then the draw, so that the spread never vanishes.
    """
    # 2.0**1024 overflows; long before it every product is above the cap, or infinite.
    ceiling = timings.backoff_base * 2.0 ** (failures - 1 if failures < 1024 else 1023)
    cap = timings.backoff_cap
    return draw * (ceiling if ceiling < cap else cap)  # noqa: FURB136 - `min` takes several times as long

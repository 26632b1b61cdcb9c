"""The settings: every time a connection keeps to, in seconds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from math import isfinite

from statemodel._errors import InvalidInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Timings:
    """Times in seconds, finite and positive.

    Raises:
        InvalidInput: a time is not a finite positive number, or two contradict each other; the
            message names them.
    """

    background_grace: float = 30.0
    """Manual mode: how long a connection outlives the foreground without a ping (M3)."""
    heartbeat_interval: float = 30.0
    """Foreground: silence after which the library sends a ping of its own (H1)."""
    pong_timeout: float = 10.0
    """From a ping's write to giving up on its pong (P2, P5); at most `heartbeat_interval`."""
    probe_timeout: float = 5.0
    """The same, for a probe (H2, H5)."""
    dial_timeout: float = 10.0
    """Name look-up, TCP, TLS, upgrade and hello together (K5)."""
    auth_timeout: float = 30.0
    """Authenticating, refreshing or saving, each (S1, B5)."""
    close_timeout: float = 5.0
    """Closing handshake, after which the socket is aborted (K4)."""
    backoff_base: float = 1.0
    """Upper end of the wait before the first retry (B1); at most `backoff_cap`."""
    backoff_cap: float = 30.0
    """Upper end of the wait before any retry (B1)."""
    stable_after: float = 10.0
    """How long connected before failures are forgotten (B2)."""
    retry_after_cap: float = 300.0
    """The longest Retry-After that is believed (B4)."""
    keep_alive_interval: float = 25.0
    """Between the pings of `keep_alive` (H3); below `background_grace`."""

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                raise InvalidInput(f"{field.name} must be a number of seconds, not {value!r}")
            try:
                finite = isfinite(value)
            except OverflowError:  # a whole number beyond every float
                finite = False
            if not finite or value <= 0:
                raise InvalidInput(f"{field.name} must be finite and positive, not {value!r}")
        if self.backoff_base > self.backoff_cap:
            raise InvalidInput(self._pair("backoff_base", "must not be above", "backoff_cap"))
        if self.keep_alive_interval >= self.background_grace:
            raise InvalidInput(
                self._pair("keep_alive_interval", "must be below", "background_grace")
            )
        if self.pong_timeout > self.heartbeat_interval:
            raise InvalidInput(
                self._pair("pong_timeout", "must not be above", "heartbeat_interval")
            )

    def _pair(self, one: str, relation: str, other: str) -> str:
        return f"{one} {relation} {other}; they are {getattr(self, one)} and {getattr(self, other)}"

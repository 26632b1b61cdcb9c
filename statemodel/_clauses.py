"""What a chart declares beside its regions: refusals, what is heard, and what ends a call.

Guards are the statechart's own expressions over state ids; lists of events are written as one string,
separated by spaces.
"""

from __future__ import annotations

from dataclasses import dataclass

from statemodel._vocabulary import Code


@dataclass(frozen=True, slots=True)
class Refusal:
    """Calls that are turned down before the regions hear of them; the first that applies counts."""

    guard: str
    """When."""
    code: Code
    """With which code."""
    events: str
    """Which calls."""


@dataclass(frozen=True, slots=True)
class Heard:
    """Answers that count only in the states that asked for them; elsewhere they are stale."""

    guard: str
    """Where they count."""
    events: str
    """Which events."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What ends a waiting command: the first that holds after a step."""

    waiting: str
    """Which kind of command waits."""
    guard: str
    """What ends the wait."""
    code: Code | None = None
    """How it ends: with this failure, or with success."""
    after: str = ""
    """Only when the step was caused by one of these events."""

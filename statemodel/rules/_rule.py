"""What a rule is: a number, a sentence, a source, and the checks that hold a connection to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from statemodel.rules._model import Model, Move, Situation

if TYPE_CHECKING:
    from statemodel.trace_rules import TraceRule


@dataclass(frozen=True, slots=True)
class ConfigurationCheck:
    """Something that is so in every reachable configuration."""

    claim: str
    """What, in one sentence."""
    holds: Callable[[Situation], bool | None] = field(repr=False)
    """Say whether it is so; `None` where it claims nothing."""


@dataclass(frozen=True, slots=True)
class RowCheck:
    """Something that is so for every event in every reachable configuration."""

    claim: str
    """What, in one sentence."""
    holds: Callable[[Move], bool | None] = field(repr=False)
    """Say whether it is so; `None` where it claims nothing."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Where progress is not made."""

    at: Situation
    """The configuration from which it is not."""
    message: str
    """What is wrong, in one sentence."""


@dataclass(frozen=True, slots=True)
class ProgressCheck:
    """Something that is bound to happen, whatever else does."""

    claim: str
    """What, in one sentence, with its assumptions."""
    obstacles: Callable[[Model], Iterable[Obstacle]] = field(repr=False)
    """Yield where it is not."""


Check: TypeAlias = "ConfigurationCheck | RowCheck | ProgressCheck | TraceRule"
"""One piece of evidence for a rule; traces are judged by `statemodel.trace_rules.TraceRule`."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule of the rulebook, once."""

    number: str
    """By which code, tests and documents name it."""
    statement: str
    """What a connection does, in one sentence."""
    source: str
    """`S`: a vendor's page on its connection behaviour; `V`: its other pages; `D`: decided here."""
    checks: tuple[Check, ...] = ()
    """How a connection is held to it; none where only an adapter can keep it."""
    theorems: tuple[str, ...] = ()
    """The theorems of `statemodel.proof` that are about it."""

    def __post_init__(self) -> None:
        for name in ("number", "statement", "source"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"a rule's {name} is a string, not {getattr(self, name)!r}")
        for name in ("checks", "theorems"):
            if not isinstance(getattr(self, name), tuple):
                raise TypeError(f"a rule's {name} are a tuple, not {getattr(self, name)!r}")


def on_configurations(
    number: str, claim: str
) -> Callable[[Callable[[Situation], bool | None]], tuple[str, Check]]:
    """Make a function the check of a rule on every configuration."""
    return lambda holds: (number, ConfigurationCheck(claim, holds))


def on_rows(
    number: str, claim: str
) -> Callable[[Callable[[Move], bool | None]], tuple[str, Check]]:
    """Make a function the check of a rule on every row."""
    return lambda holds: (number, RowCheck(claim, holds))


def on_progress(
    number: str, claim: str
) -> Callable[[Callable[[Model], Iterable[Obstacle]]], tuple[str, Check]]:
    """Make a function the check of a rule on the whole graph."""
    return lambda obstacles: (number, ProgressCheck(claim, obstacles))

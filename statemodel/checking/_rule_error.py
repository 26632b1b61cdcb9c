"""What is wrong with a rule itself, not with the chart that is held against it."""

from __future__ import annotations

from typing import Self

from statemodel._errors import StateModelError


class RuleError(StateModelError):
    """A rule could not be asked: its check raised, or answered what is no answer."""

    @classmethod
    def of(cls, number: str, claim: str, what: str, place: object) -> Self:
        """Return the error of one check of a rule, asked about one place."""
        return cls(f"rule {number} ({claim}) {what}; asked about {place}")

    @classmethod
    def raised(cls, number: str, claim: str, error: BaseException, place: object) -> Self:
        """Return the error of a check that has raised another, which is to be its cause."""
        text = " ".join(str(error).split())
        return cls.of(number, claim, f"raised {type(error).__name__}: {text}", place)

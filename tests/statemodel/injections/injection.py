"""What an injection is: a rule's check, what is done to the table, and that in words."""

from __future__ import annotations

from typing import NamedTuple

from statemodel.rules import RULES, ConfigurationCheck, Model, ProgressCheck, RowCheck
from tests.statemodel.table_editing import Edit

ModelCheck = ConfigurationCheck | RowCheck | ProgressCheck


class Injection(NamedTuple):
    """A violation that one check at least must notice."""

    rule: str
    """The number of its rule."""
    claim: str
    """A part of the check's claim, which tells it from the rule's others."""
    broken: str
    """What no longer is as it should be, in one sentence."""
    edit: Edit
    """What makes it so."""

    def __str__(self) -> str:
        return f"{self.rule}: {self.broken}"

    def check(self) -> ModelCheck:
        """Return the check that must notice.

        Raises:
            LookupError: not exactly one check of the rule claims this.
        """
        found = [check for check in model_checks(self.rule) if self.claim in check.claim]
        if len(found) != 1:
            raise LookupError(f"{len(found)} checks of {self.rule} claim {self.claim!r}")
        return found[0]


def model_checks(rule: str) -> list[ModelCheck]:
    """Return the checks of a rule that look at a table, not at traces."""
    return [check for check in RULES[rule].checks if isinstance(check, ModelCheck)]


def answers(check: ModelCheck, model: Model) -> set[bool | None]:
    """Return what a check says of a table, all places together."""
    match check:
        case ConfigurationCheck():
            return {check.holds(here) for here in model.situations}
        case RowCheck():
            return {check.holds(move) for move in model.moves}
        case ProgressCheck():
            return {next(iter(check.obstacles(model)), None) is None}

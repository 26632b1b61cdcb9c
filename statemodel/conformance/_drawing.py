"""Letting Hypothesis draw walks; nothing else of the kit but the walks and their machine needs it."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import hypothesis
from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky

from statemodel.conformance._cases import Case, Failure
from statemodel.conformance._subject import Subject
from statemodel.conformance._walks import walks
from statemodel.scripts import Script


class _FoundError(Exception):
    """A case that fails was drawn."""


def drawn(subject: Subject, rules: Container[str], seed: int, examples: int) -> list[Case]:
    """Draw walks, play and judge them, up to the first that fails.

    Args:
        subject: Who is walked on.
        rules: Those to judge by.
        seed: Which walks.
        examples: How many at most.
    """
    cases: list[Case] = []

    @hypothesis.seed(seed)
    @settings(
        max_examples=examples,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
    )
    @given(walks(subject))
    def look(walk: Any) -> None:
        played, error = walk
        if isinstance(played, Script):
            case = Case(played, connected=False, failure=Failure(played, [], error=error))
        else:
            case = Case.of(played, rules, error)
        if not cases or cases[-1].failure is None:
            cases.append(case)
        if case.failure is not None:
            raise _FoundError

    try:
        look()
    except (_FoundError, Flaky):  # what is flaky was found once, and that is enough
        pass
    return cases

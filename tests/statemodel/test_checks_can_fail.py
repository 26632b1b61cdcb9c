"""Each check of a rule can fail: something small is broken in the table, and the check says so."""

from __future__ import annotations

import pytest

from statemodel._connection_table import TABLE
from statemodel.rules import RULES, Model
from tests.statemodel.injections import INJECTIONS
from tests.statemodel.injections.injection import Injection, ModelCheck, answers, model_checks
from tests.statemodel.table_editing import at, where

OURS = Model(TABLE)
CHECKS = [(rule, check) for rule in RULES for check in model_checks(rule)]


@pytest.mark.parametrize("injection", INJECTIONS, ids=str)
def test_a_check_notices_what_is_broken(injection: Injection) -> None:
    """Every rule: the table is broken in one small way, and its check answers no."""
    model = Model(injection.edit(TABLE))

    assert False in answers(injection.check(), model)


@pytest.mark.parametrize(("rule", "check"), CHECKS, ids=[f"{r}: {c.claim}" for r, c in CHECKS])
def test_a_check_holds_on_our_table_and_says_something_of_it(rule: str, check: ModelCheck) -> None:
    """Every rule: its checks hold on the table as it is, and apply somewhere."""
    said = answers(check, OURS)

    assert True in said
    assert False not in said


def test_every_check_has_an_injection() -> None:
    """Every rule: none of its checks has yet to be seen failing."""
    seen = [(injection.rule, injection.check()) for injection in INJECTIONS]

    assert [pair for pair in CHECKS if pair not in seen] == []


def test_no_injection_is_there_twice() -> None:
    """Each injection says something else about its check."""
    told = [injection[:3] for injection in INJECTIONS]

    assert len(set(told)) == len(told)


@pytest.mark.parametrize(
    "edit",
    [
        at("ping", "connected").without("dial"),
        at("ping", "no_such_state").doing("dial"),
        at("no_such_event").ignored(),
        at("connect", "connected").leading_to("no_such_state"),
        at("connect", "auto connected").leading_to("background"),
        where("no_such_state").in_vain(None),
    ],
)
def test_an_edit_that_changes_nothing_is_an_error(edit) -> None:
    """What is misspelt in an injection breaks nothing, and must not pass for a violation."""
    with pytest.raises(ValueError, match=r"nothing to change|no configuration"):
        edit(TABLE)

"""The house: what is exported, how large a file is, and where behaviour may be decided."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from docs import generate
from statemodel import RULES
from statemodel._connection_table import TABLE

ROOT = Path(__file__).parent.parent
SOURCES = sorted(
    path
    for folder in ("statemodel", "transport", "tests")
    for path in (ROOT / folder).rglob("*.py")
    if path.name != "_connection_table.py"
)


@pytest.mark.parametrize(
    "module",
    [
        "statemodel",
        "statemodel.checking",
        "statemodel.conformance",
        "statemodel.diagrams",
        "statemodel.explorer",
        "statemodel.proof",
        "statemodel.recordings",
        "statemodel.rules",
        "statemodel.scripts",
        "statemodel.timelines",
        "statemodel.trace_rules",
        "transport",
        "transport.testing",
    ],
)
def test_public_names_resolve_and_are_sorted(module):
    """Every name in `__all__` is there, once, in order."""
    loaded = importlib.import_module(module)

    assert list(loaded.__all__) == sorted(set(loaded.__all__), key=lambda n: (not n.isupper(), n))
    assert all(hasattr(loaded, name) for name in loaded.__all__)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_file_is_over_four_hundred_lines(path):
    """A file is split at its second reason to change, at 400 lines at the latest."""
    assert len(path.read_text("utf-8").splitlines()) <= 400


@pytest.mark.parametrize(
    "path",
    [path for path in SOURCES if path.parent == ROOT / "transport"],
    ids=lambda path: path.name,
)
def test_transport_asks_for_no_state(path):
    """No module of `transport` names a state of the chart: behaviour is decided there alone."""
    states = {name for configuration in TABLE.configurations for name in configuration}
    words = {"online", "manual", "auto", "foreground", "background", "closing"}  # English as well
    tree = ast.parse(path.read_text("utf-8"))
    compared = [
        node.value
        for compare in ast.walk(tree)
        if isinstance(compare, ast.Compare)
        for node in ast.walk(compare)
        if isinstance(node, ast.Constant)
    ]

    assert not [text for text in compared if text in states - words]


def test_every_rule_has_a_test_that_names_it():
    """Each rule stands in the docstring of a test."""
    tests = generate.tests_by_rule()

    assert len(RULES) > 70
    assert [rule for rule in RULES if rule not in tests] == []


def test_the_generated_pages_are_fresh():
    """`docs/rules.md` and `docs/evidence.md` are what `docs/generate.py` would write."""
    stale = [
        path.name for path, text in generate.pages().items() if path.read_text("utf-8") != text
    ]

    assert stale == [], "run python docs/generate.py"

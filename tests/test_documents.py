"""What the documents say is so: their examples run, and the map names only what exists."""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path

import pytest

import transport
import transport.sdk

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COLUMNS = 5
"""Of the map: number, what the page says, rules, call, tests."""


def _table(name):
    """Return the cells of each row of a document's table that begins with a number."""
    lines = (ROOT / "docs" / name).read_text("utf-8").splitlines()
    rows = [line for line in lines if line.startswith("|")][2:]  # without the head
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


ROWS = _table("source-map.md")


def _rules():
    text = (ROOT / "docs/rules.md").read_text("utf-8")
    return set(re.findall(r"^\| ([A-Z]\d+) \|", text, re.MULTILINE))


def _tests_in(path):
    """Return the names of the tests of a file, without importing it."""
    tree = ast.parse(path.read_text("utf-8"))
    functions = [n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef))]
    return {function.name for function in functions if function.name.startswith("test_")}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_give_what_they_show(document):
    """Every `>>>` in a document has the result that stands below it."""
    assert doctest.testfile(str(document), module_relative=False).failed == 0


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_to_files_lead_somewhere(document):
    """A link that is no URL names a file that is there, and a heading that is in it."""
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", document.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        linked = document.parent / name if name else document

        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), target


def _anchors(document):
    headings = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_map_is_numbered_without_gaps_and_has_no_empty_cell():
    """Each statement of the source page has a number, its rules, its call and its tests."""
    assert [row[0] for row in ROWS] == [str(n + 1) for n in range(len(ROWS))]
    assert len(ROWS) > 40
    assert [row for row in ROWS if len(row) != COLUMNS or not all(row)] == []


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_map_names_what_exists(row):
    """Its rules are in docs/rules.md, its calls in the library, its tests in their files."""
    _, said, rules, calls, tests = row
    named = re.findall(r"`([\w./]+)::(\w+)`", tests)
    unknown = [(p, t) for p, t in named if not (ROOT / p).exists() or t not in _tests_in(ROOT / p)]

    assert set(rules.split(", ")) <= _rules()
    assert named and len(named) == len(tests.split(", "))
    assert unknown == []
    assert "`" in calls
    for call in re.findall(r"`([^`]+)`", calls):
        _resolve(call)
    for number in re.findall(r"\brows? (\d+)(?: and (\d+))?", said):
        assert all(int(n) <= len(ROWS) for n in number if n)


def _resolve(call):
    """Find `Connection.ping`, `CometChat.ping`, `transport.open_connection` and the like."""
    first, name = call.rsplit(".", 1)
    owner = transport if first == "transport" else None
    for module in (transport, transport.sdk):
        owner = owner or getattr(module, first, None)
    assert hasattr(owner, name), call

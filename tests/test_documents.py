"""The examples in the documents run."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_examples_give_what_they_show(document):
    """Every `>>>` in a document has the result that stands below it."""
    assert doctest.testfile(str(document), module_relative=False).failed == 0

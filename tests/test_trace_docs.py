"""The page on traces: its example is a real trace, and what it shows of it is what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs import trace_example
from statemodel.commands import main
from statemodel.recordings._lines import _READERS
from transport import Trace
from transport._trace_file import MOST_QUEUED, PAUSE

PAGE = (Path(__file__).parent.parent / "docs/traces.md").read_text("utf-8")
SHOWN = re.findall(r"```text\n((?:(?!```).*\n)+)```", PAGE)


def test_the_example_is_what_a_connection_writes():
    """Made anew, line by line; stale, run python docs/trace_example.py."""
    made = trace_example.example().splitlines()
    kept = trace_example.EXAMPLE.read_text("ascii").splitlines()

    assert [json.loads(line) for line in kept] == [json.loads(line) for line in made]


@pytest.mark.parametrize(("arguments", "shown"), [((), 0), (("--at", "03:00:30"), 1)])
def test_the_page_shows_what_is_printed(capsys, arguments, shown):
    """M5, M7: the whole replay of the example, and how things stood at a time."""
    assert main(["replay", str(trace_example.EXAMPLE), *arguments]) == 0
    printed = capsys.readouterr().out

    if shown:  # the end of the timeline is left out
        printed = printed[printed.index("at 30.000") : printed.index("\nOf ")]
    assert printed == SHOWN[shown]


def test_the_page_knows_the_lines_and_the_numbers():
    """What kinds of line there are, and the limits that it names."""
    table = PAGE[PAGE.index("| has | is |") :]

    assert re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE) == [
        name for name in _READERS if name != "trace"
    ]
    assert f"{MOST_QUEUED // 2**20} MiB wait" in PAGE
    assert f"{Trace('x').max_bytes // 2**20} MiB by default" in PAGE
    assert PAUSE == 0.1

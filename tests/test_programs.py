"""The programs in the documents run as they stand, and print what is shown below them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEXT = "\n".join(
    (ROOT / "docs" / name).read_text("utf-8")
    for name in ("embedding.md", "checking.md", "extending.md")
)
PROGRAM = re.compile(
    r"^```python\n# program: (?P<name>\w+)\n(?P<source>(?:(?!```).*\n)+)```\n"
    r"\nprints\n\n"
    r"```text\n(?P<shown>(?:(?!```).*\n)+)```$",
    re.MULTILINE,
)
PROGRAMS = {match["name"]: match for match in PROGRAM.finditer(TEXT)}


def test_every_block_of_code_is_a_program_that_shows_what_it_prints():
    """None is left out for being written in another way, and no two have the same name."""
    assert len(PROGRAMS) == len(PROGRAM.findall(TEXT)) == TEXT.count("```python") >= 9
    shown_only = TEXT.count("```text") - len(PROGRAMS)
    assert TEXT.count("```") == 4 * len(PROGRAMS) + 2 * shown_only


@pytest.mark.parametrize("name", PROGRAMS)
def test_program_prints_what_is_shown(name, tmp_path):
    """H3 (`manual`: a ping on entering the background and every 25 s after) and all that is shown.

    In a fresh interpreter, from an empty directory, with warnings as errors.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-"],
        input=PROGRAMS[name]["source"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )

    assert ended.stderr == ""
    assert ended.stdout == PROGRAMS[name]["shown"]
    assert ended.returncode == 0
    assert list(tmp_path.iterdir()) == []

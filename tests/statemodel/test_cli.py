"""The command `python -m statemodel table`, as a shell sees it: exit code, output, files."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import IO

import pytest

from statemodel import Table
from statemodel import _connection_table as committed

CHART = """\
from statemachine import State, StateChart


class MyChart(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)


class Broken(StateChart):
    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State(enter="shout")
            press = dark.to(bright) | bright.to(dark)


class NoChart:
    pass


def function():
    pass
"""


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """Return a directory with a user's module in it."""
    (tmp_path / "my_module.py").write_text(CHART, "utf-8")
    return tmp_path


def _run(
    here: Path, *arguments: str, encoding: str = "", stdin: IO[str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "statemodel", *arguments],
        cwd=here,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        stdin=stdin,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )


def _assert_one_clear_line(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done
    assert "Traceback" not in done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("statemodel: ")
    for word in words:
        assert word in lines[0]


def test_check_of_our_own_table_succeeds(tmp_path: Path) -> None:
    """`table --check` finds the committed table fresh, and does not write it."""
    path = Path(committed.__file__)
    before = path.stat().st_mtime_ns
    done = _run(tmp_path, "table", "--check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "125 configurations" in done.stdout
    assert f"{path.name} is fresh" in done.stdout
    assert path.stat().st_mtime_ns == before


def test_our_own_table_can_be_written_elsewhere(tmp_path: Path) -> None:
    """`table -o` writes the bytes of the committed table."""
    done = _run(tmp_path, "table", "-o", "ours.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "ours.py").read_bytes() == Path(committed.__file__).read_bytes()


def test_a_users_chart_is_written_as_a_module(here: Path) -> None:
    """A chart in the current directory is compiled to a module that defines its table."""
    done = _run(here, "table", "my_module:MyChart", "-o", "my_table.py")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("MyChart: 2 configurations, 1 events, 2 cells act")
    spec = importlib.util.spec_from_file_location("my_table", here / "my_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert isinstance(module.TABLE, Table)
    assert module.TABLE.configurations == (("dark",), ("bright",))


def test_a_users_chart_without_output_is_only_counted(here: Path) -> None:
    """Without `-o` a user's chart is compiled, and nothing is written."""
    before = sorted(here.iterdir())
    done = _run(here, "table", "my_module:MyChart")
    assert done.returncode == 0
    assert [p for p in sorted(here.iterdir()) if p.name != "__pycache__"] == before


def test_check_of_a_users_table_tells_fresh_from_stale(here: Path) -> None:
    """`--check` is 0 after writing, 1 after a change of either side, and never writes."""
    path = here / "my_table.py"
    check = ("table", "my_module:MyChart", "-o", "my_table.py", "--check")
    done = _run(here, *check)
    assert done.returncode == 1
    assert not path.exists()
    assert _run(here, *check[:-1]).returncode == 0
    assert _run(here, *check).returncode == 0
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    stale = path.read_bytes()
    done = _run(here, *check)
    assert (done.returncode, done.stderr) == (1, "")
    assert "my_table.py is stale" in done.stdout
    assert path.read_bytes() == stale
    assert _run(here, *check[:-1]).returncode == 0
    (here / "my_module.py").write_text(CHART.replace("press", "push"), "utf-8")
    assert _run(here, *check).returncode == 1


def test_check_of_a_users_chart_without_a_file_fails_and_says_so(here: Path) -> None:
    """`--check` without `-o` has nothing to compare with: it fails, and names no file `None`."""
    done = _run(here, "table", "my_module:MyChart", "--check")
    assert done.returncode != 0
    assert "None" not in done.stdout + done.stderr


def test_check_against_a_file_that_is_no_text_is_stale(here: Path) -> None:
    """A file of other bytes is not what would be written."""
    (here / "my_table.py").write_bytes(b"\xff\xfe\x00")
    done = _run(here, "table", "my_module:MyChart", "-o", "my_table.py", "--check")
    assert (done.returncode, done.stderr) == (1, "")


@pytest.mark.parametrize(
    "name",
    [
        "no_such_module:MyChart",
        "no.such.module:MyChart",
        "my_module:NoSuchChart",
        "my_module:function",
        "my_module:NoChart",
        "my_module",
        "my_module:",
        ":MyChart",
        ".my_module:MyChart",
        "",
        "builtins:int",
    ],
)
def test_a_name_that_is_no_chart_is_one_clear_line(here: Path, name: str) -> None:
    """An unknown module or class, or one that is no chart, is exit 2 and a line that names it."""
    _assert_one_clear_line(_run(here, "table", name), name.rpartition(":")[2])


def test_a_broken_chart_is_one_clear_line(here: Path) -> None:
    """A chart that is rejected is exit 2 and the compiler's message."""
    _assert_one_clear_line(
        _run(here, "table", "my_module:Broken", "-o", "x.py"), "Broken", "bright", "shout"
    )
    assert not (here / "x.py").exists()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("class MyChart(:\n", "my_broken"),
        ("raise RuntimeError('no luck')\n", "no luck"),
        ("import no_such_module\n", "no_such_module"),
        ("import pytest\npytest.importorskip('no_such_library')\n", "no_such_library"),
        (CHART.replace("bright.to(dark)", "dark.to(other)"), "other"),
        (CHART.replace("bright = State()", "bright = State(final=True)"), "Bright"),
    ],
    ids=["syntax", "raises", "imports", "skips", "name", "final state left"],
)
def test_a_module_that_cannot_be_imported_is_one_clear_line(
    here: Path, text: str, word: str
) -> None:
    """Whatever goes wrong in a user's module is exit 2 and a line, not a traceback of ours."""
    (here / "my_broken.py").write_text(text, "utf-8")
    _assert_one_clear_line(_run(here, "table", "my_broken:MyChart"), word)


@pytest.mark.parametrize("output", ["no/such/directory/t.py", ".", "my_module.py/t.py"])
def test_output_that_cannot_be_written_is_one_clear_line(here: Path, output: str) -> None:
    """An output path that cannot be written is exit 2 and a line that names it."""
    _assert_one_clear_line(_run(here, "table", "my_module:MyChart", "-o", output), output)


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("table", "--nonsense")])
def test_wrong_usage_is_exit_two_with_a_hint(here: Path, arguments: tuple[str, ...]) -> None:
    """What is no command shows the usage and no traceback."""
    done = _run(here, *arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("usage: statemodel")
    assert "Traceback" not in done.stderr


def test_help_is_there(here: Path) -> None:
    """`--help` of the command and of `table` succeeds."""
    for arguments in (("--help",), ("table", "--help")):
        done = _run(here, *arguments)
        assert (done.returncode, done.stderr) == (0, "")
        assert "usage: statemodel" in done.stdout


WIDE = CHART.replace("MyChart", "Ampèl").replace("dark", "dünkel")
"""A chart whose names ASCII does not have."""


@pytest.mark.parametrize(
    "arguments",
    [
        ("table", "wide:Ampèl"),
        ("table", "wide:Ampèl", "-o", "tablè.py"),
        ("explore", "wide:Ampèl", "-o", "pagè.html"),
        ("diagrams", "wide:Ampèl", "-o", "diagramè"),
    ],
)
def test_a_terminal_that_lacks_letters_is_shown_their_escapes(
    here: Path, arguments: tuple[str, ...]
) -> None:
    """What is printed fits every encoding, and what is written is complete: exit 0."""
    (here / "wide.py").write_text(WIDE, "utf-8")
    done = _run(here, *arguments, encoding="ascii")

    assert (done.returncode, done.stderr) == (0, "")
    assert "\\xe8" in done.stdout


def test_a_script_is_read_as_utf_8_whatever_the_terminal_speaks(here: Path) -> None:
    """The same bytes mean the same from a file and from standard input."""
    script = "open manual\nrestored zoë\nconnect\n"
    (here / "script.txt").write_text(script, "utf-8")
    with (here / "script.txt").open() as file:
        piped = _run(here, "play", "-", encoding="ascii", stdin=file)

    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout == _run(here, "play", "script.txt", encoding="ascii").stdout


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that closes streams")
@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("diagrams my_module:MyChart --format json >&-", "standard output is closed"),
        ("table >&-", "standard output is closed"),
        ("replay - <&-", "there is nothing in it"),
        ("play - <&-", "a script begins with"),
    ],
)
def test_a_stream_that_is_closed_is_one_clear_line(here: Path, command: str, words: str) -> None:
    """Whoever started the command closed its input or output: exit 2 and a line."""
    done = subprocess.run(
        f'"$PYTHON" -m statemodel {command}',
        shell=True,
        cwd=here,
        stderr=subprocess.PIPE,
        text=True,
        timeout=120,
        check=False,
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHON": sys.executable},
    )
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert words in done.stderr


@pytest.mark.parametrize("command", ["play --chart", "diagrams --format dot --trace script.txt"])
def test_a_script_that_a_chart_cannot_begin_is_one_clear_line(here: Path, command: str) -> None:
    """A chart of a user's own need not have the starts that scripts name: exit 2 and a line."""
    (here / "script.txt").write_text("open manual\nconnect\n", "utf-8")
    last = ("script.txt",) if command.startswith("play") else ()
    done = _run(here, *command.split(), "my_module:MyChart", *last)
    _assert_one_clear_line(done, "is no start of MyChart")

"""What the pure package may not do: import engines or I/O, and know states outside the chart."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import statemodel
from statemodel._connection_table import TABLE

PACKAGE = Path(statemodel.__file__).parent
MAY_WAIT = {"_program.py"}
"""Talks to another process, with time limits."""
SOURCES = sorted(
    path
    for path in PACKAGE.rglob("*.py")
    if path.name != "_connection_table.py" and path.name not in MAY_WAIT
)
FORBIDDEN = {"trio", "time", "random", "logging", "asyncio", "threading", "socket"}
KNOWN_TO_THE_CHART_ALONE = ("mode", "app", "network", "session")
START_CHOICES = {"foreground", "background", "online", "offline"}
HEAVY = ("statemachine", "trio", "trio_websocket", "wsproto", "networkx", "z3", "hypothesis")


def _run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _loaded(code: str) -> set[str]:
    """Return which of the heavy modules are loaded after running some code in a new process."""
    return set(
        _run(f"import sys\n{code}\nprint(*(m for m in {HEAVY} if m in sys.modules))").split()
    )


@pytest.mark.parametrize(
    "code",
    [
        "import statemodel; statemodel.Machine()",
        "import statemodel; statemodel.RULES",
        "from statemodel import Machine, Timings, Policy, events, effects, traces; Machine()",
        "import statemodel; dir(statemodel); statemodel.Machine().copy()",
        "import statemodel as s\ns.Machine().handle(s.events.Connect(command=1), 0.0)",
    ],
)
def test_running_a_machine_loads_neither_engine_nor_io(code: str) -> None:
    """A process that only runs machines has no statechart engine and no socket library in it."""
    assert _loaded(code) == set()


def test_a_lazy_name_loads_the_engine_when_it_is_used() -> None:
    """The check above can fail: using the chart loads the engine, and still no I/O."""
    assert _loaded("import statemodel; statemodel.ConnectionChart") == {"statemachine"}


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module or ""
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in (
            "__import__",
            "importlib.import_module",
        ):
            yield from (a.value for a in node.args if isinstance(a, ast.Constant))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_module_imports_clocks_chance_or_io(path: Path) -> None:
    """Nothing of the package imports what could read a clock, draw, log, wait or connect."""
    top = {name.partition(".")[0] for name in _imported(ast.parse(path.read_text("utf-8")))}
    assert not top & FORBIDDEN


def _docstrings(tree: ast.AST) -> set[int]:
    """Return the ids of all constants that stand alone as a statement."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def _constants(tree: ast.AST, *, without: ast.AST | None = None) -> Iterator[tuple[int, str]]:
    hidden = set() if without is None else {id(node) for node in ast.walk(without)}
    hidden |= _docstrings(tree)
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in hidden
        ):
            yield node.lineno, node.value


def _start(tree: ast.AST) -> ast.FunctionDef | None:
    """Return `Held.__init__`, where the start is chosen."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name == "Held":
            return next(
                part
                for part in node.body
                if isinstance(part, ast.FunctionDef) and part.name == "__init__"
            )
    return None


def _hidden_states() -> set[str]:
    regions = dict(TABLE.regions)
    return {state for region in KNOWN_TO_THE_CHART_ALONE for state in regions[region]}


@pytest.mark.parametrize(
    "name", ["_machine.py", "_core.py", "_rows.py", "_held.py", "_pings.py", "_policy.py"]
)
def test_no_state_is_named_outside_the_chart(name: str) -> None:
    """Who decides, where the app is, the network and the session: only the chart says it."""
    tree = ast.parse((PACKAGE / name).read_text("utf-8"))
    found = [
        (line, text)
        for line, text in _constants(tree, without=_start(tree))
        if text in _hidden_states()
    ]
    assert found == []


def test_only_the_choices_of_the_start_are_named_in_core() -> None:
    """`Held.__init__` names the four states between which its arguments choose, and no other."""
    start = _start(ast.parse((PACKAGE / "_held.py").read_text("utf-8")))
    assert start is not None
    named = {text for _, text in _constants(start)} & _hidden_states()
    assert named == START_CHOICES


def test_the_hidden_states_are_those_of_the_four_regions() -> None:
    """The check above looks for the states that it means."""
    assert _hidden_states() == {
        *("auto", "manual", "foreground", "background", "online", "offline"),
        *("logged_out", "authenticating", "saving", "logged_in", "ended"),
    }


@pytest.mark.parametrize("name", statemodel.__all__)
def test_every_exported_name_resolves(name: str) -> None:
    """Each name in `__all__` is there, listed by `dir`, and can be imported from a new process."""
    assert getattr(statemodel, name) is not None
    assert name in dir(statemodel)


def test_star_import_gives_every_exported_name() -> None:
    """`from statemodel import *` works in a new process, lazy names included."""
    code = "from statemodel import *\nimport statemodel\n"
    missing = _run(f"{code}print(*(n for n in statemodel.__all__ if n not in globals()))")
    assert missing == ""


def test_unknown_names_raise_attribute_error() -> None:
    """A name that the package does not have is named in the error."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        statemodel.nonsense  # noqa: B018

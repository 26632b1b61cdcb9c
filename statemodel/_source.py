"""Where a chart's transitions and states stand in its source: the line, and the `|` chain.

python-statemachine keeps neither. Both are read from the syntax tree of the chart's class: the
n-th call of `.to(...)` on a state is that state's n-th transition, because a class body runs from
top to bottom and a chain from left to right.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import sys
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from statemodel._errors import InvalidChart

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

    from statemachine import State
    from statemachine.transition import Transition


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transition is declared."""

    file: str
    line: int
    chain: tuple[str, int]
    """Equal for transitions that stand in one statement: a `|` chain, or one alone."""
    order: int
    """Which transition of the source it is: a chain's first comes first."""
    path: str = ""
    """The whole name of the file, as far as it is known."""
    last: int = 0
    """The last line of the transition's own call."""
    statement: tuple[int, int] = (0, 0)
    """The first and last line of the statement that it is part of."""

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class StatePlace:
    """Where a state or region is declared."""

    path: str
    """The whole name of the file."""
    line: int
    last: int
    """The last line of its declaration; of a class only that of its head."""
    docstring: str
    """What a class says of itself."""


def walk(state: State) -> Iterator[State]:
    """Yield a state and all within it, in document order."""
    yield state
    for child in state.states:
        yield from walk(child)


def declared(state: State) -> list[Transition]:
    """Return the transitions that a chart declares; the library adds initial ones of its own."""
    return [transition for transition in state.transitions if not transition.initial]


def places(chart: type) -> dict[Transition, Place]:
    """Return the place of each transition of a chart's class, as far as there is source.

    A place already known (of a region that came in by `extend`) is kept.

    Raises:
        InvalidChart: a class body assigns one event twice, so that the first is lost.
    """
    states = {state.id: state for top in chart.states for state in walk(top)}  # type: ignore[attr-defined]  # set by the metaclass
    found: dict[Transition, Place] = {}
    for state in states.values():
        for transition in declared(state):
            place = getattr(transition, "declared_at", None)
            if place is not None:
                found[transition] = place
    for tree, file, first in class_sources(chart):
        found = _places(tree, file, first, states) | found
    return found


def class_sources(chart: type) -> Iterator[tuple[ast.Module, str, int]]:
    """Yield the syntax tree, file and first line of each class that declares a part of a chart.

    A subclass has the states of its chart, so the class that was first comes first.
    """
    for base in reversed(chart.__mro__):
        if isinstance(base, type(chart)) and bool(getattr(base, "states", None)):
            yield from _class_source(base)


@lru_cache(maxsize=4)
def _class_source(chart: type) -> list[tuple[ast.Module, str, int]]:
    """Return tree, file and first line of one class, if it has source."""
    try:
        lines, first = inspect.getsourcelines(chart)
        file = inspect.getsourcefile(chart) or "?"
        if not lines[0][:1].isspace():
            return [(ast.parse("".join(lines)), file, first)]
        # Within a function; a text in it may begin in the first column, so nothing is dedented.
        tree = ast.parse("if True:\n" + "".join(lines))
    except (OSError, TypeError, SyntaxError):  # no source, or one that was changed since
        return []
    (block,) = tree.body
    assert isinstance(block, ast.If), "as written above"
    return [(ast.Module(block.body, []), file, first - 1)]


def state_places(chart: type) -> dict[str, StatePlace]:
    """Return where each state and region of a chart's class is declared, as far as there is source."""
    states = [state for top in chart.states for state in walk(top)]  # type: ignore[attr-defined]  # set by the metaclass
    found = {s.id: s.declared_at for s in states if hasattr(s, "declared_at")}
    for tree, file, first in class_sources(chart):
        for node in tree.body:
            if isinstance(node, ast.ClassDef):
                found = dict(_declarations(node, file, first)) | found
    return found


def _declarations(
    body: ast.ClassDef | ast.Module, file: str, first: int
) -> Iterator[tuple[str, StatePlace]]:
    """Yield the names that a class body gives to states, and where."""
    for node in body.body:
        start = first + node.lineno - 1
        if isinstance(node, ast.ClassDef):
            head = (
                first + node.body[0].lineno - 2
            )  # what lies between is the docstring's or a state's
            doc = ast.get_docstring(node) or ""
            yield node.name, StatePlace(file, start, max(start, head), doc)
            yield from _declarations(node, file, first)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            last = first + (node.end_lineno or node.lineno) - 1
            yield node.targets[0].id, StatePlace(file, start, last, "")


def mark_region(region: State, frame: FrameType) -> None:
    """Note the places of a region's transitions and states, if its class statement can be found.

    Outside a chart a region is a plain class statement: in the code that a frame runs, or in a
    module, under a name that is bound to it there.
    """
    states = {state.id: state for state in walk(region)}
    for file, node in _statements_of(region, frame):
        for transition, place in _places(ast.Module([node], []), file, 1, states).items():
            transition.declared_at = place  # type: ignore[attr-defined]  # our own mark
        for name, site in _declarations(ast.Module([node], []), file, 1):
            state = region if name == node.name else states.get(name)
            if state is not None:
                state.declared_at = site  # type: ignore[attr-defined]  # our own mark
        return


def _statements_of(region: State, frame: FrameType) -> Iterator[tuple[str, ast.ClassDef]]:
    """Yield file and class statement of what can be taken for a region's, the likeliest first."""
    here = {n for n, v in (*frame.f_globals.items(), *frame.f_locals.items()) if v is region}
    code = frame.f_code
    # The last such class above the call, in the function that runs: another one may have its name.
    above = range(code.co_firstlineno, frame.f_lineno + 1)
    local = _classes(code.co_filename, frame.f_globals, here)
    yield from ((code.co_filename, node) for node in local if node.lineno in above)
    for module in list(sys.modules.values()):
        bound = dict(getattr(module, "__dict__", {}))
        names = {name for name, value in bound.items() if value is region}
        file = bound.get("__file__")
        if names and isinstance(file, str):
            top = _classes(file, bound, names)
            yield from ((file, node) for node in top if not node.col_offset)


def _classes(file: str, bound: dict[str, Any], names: set[str]) -> list[ast.ClassDef]:
    """Return the class statements of a file that have one of these names, the last first."""
    try:
        tree = ast.parse("".join(linecache.getlines(file, bound)))
    except SyntaxError:
        return []
    found = [n for n in ast.walk(tree) if isinstance(n, ast.ClassDef) and n.name in names]
    return sorted(found, key=lambda node: -node.lineno)


def _places(
    tree: ast.AST, file: str, first: int, states: Mapping[str, State]
) -> dict[Transition, Place]:
    short = file.rpartition("/")[2]
    found: dict[Transition, Place] = {}
    seen: dict[str, int] = {}
    order = 0
    for number, statement in enumerate(_statements(tree, short, first)):
        whole = first + statement.lineno - 1, first + (statement.end_lineno or 0) - 1
        for source, line, last in _calls(statement):
            index = seen[source] = seen.get(source, -1) + 1
            order += 1
            transitions = declared(states[source]) if source in states else []
            if index < len(transitions):
                start, end = first + line - 1, first + last - 1
                place = Place(short, start, (file, number), order, file, end, whole)
                found.setdefault(transitions[index], place)
    return found


def _statements(tree: ast.AST, file: str, first: int) -> Iterator[ast.stmt]:
    """Yield the simple statements of all class bodies, in the order in which they run."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            names: set[str] = set()
            for statement in node.body:
                for target in statement.targets if isinstance(statement, ast.Assign) else ():
                    if isinstance(target, ast.Name):
                        if target.id in names:
                            raise InvalidChart(
                                f"{file}:{first + statement.lineno - 1}: {target.id!r} is assigned "
                                f"twice in {node.name!r}; join the two with |"
                            )
                        names.add(target.id)
                if isinstance(statement, (ast.Assign, ast.AnnAssign, ast.Expr)):
                    yield statement
                else:
                    yield from _statements(ast.Module([statement], []), file, first)


def _calls(statement: ast.stmt) -> Iterator[tuple[str, int, int]]:
    """Yield source state, first and last line of each transition that a statement builds, in order."""
    found = []
    for node in ast.walk(statement):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if node.func.attr == "itself" and isinstance(owner, ast.Attribute):
            owner = owner.value  # x.to.itself()
        elif node.func.attr not in ("to", "from_"):
            continue
        sources = list(node.args) if node.func.attr == "from_" else [owner] * max(1, len(node.args))
        position = (owner.lineno, owner.col_offset)
        last = node.end_lineno or node.lineno
        found += [(*position, n, _name(source), last) for n, source in enumerate(sources)]
    for line, _, _, name, last in sorted(found):
        yield name, line, last


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")

"""Where a chart's transitions stand in its source: the line, and the `|` chain.

python-statemachine keeps neither. Both are read from the syntax tree of the chart's class: the
n-th call of `.to(...)` on a state is that state's n-th transition, because a class body runs from
top to bottom and a chain from left to right.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

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

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


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
    for base in reversed(chart.__mro__):  # a subclass has the states of its chart
        try:
            lines, first = inspect.getsourcelines(base)
            file = inspect.getsourcefile(base) or "?"
        except (OSError, TypeError):
            continue
        if isinstance(base, type(chart)) and bool(getattr(base, "states", None)):
            tree = ast.parse(textwrap.dedent("".join(lines)))
            found = _places(tree, file, first, states) | found
    return found


def mark_region(region: State, frame: FrameType) -> None:
    """Note the places of a region's transitions, if the code that a frame runs declares it.

    Outside a chart a region is a plain class statement; the caller's own file is where it is
    looked for, under the names that the caller has for it.
    """
    names = {n for n, v in (*frame.f_globals.items(), *frame.f_locals.items()) if v is region}
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    try:
        tree = ast.parse("".join(lines))
    except SyntaxError:
        return
    states = {state.id: state for state in walk(region)}
    # The last such class above the call, in the function that runs: another one may have its name.
    first = frame.f_code.co_firstlineno
    classes = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        and node.name in names
        and first <= node.lineno <= frame.f_lineno
    ]
    for node in sorted(classes, key=lambda node: node.lineno)[-1:]:
        found = _places(ast.Module([node], []), frame.f_code.co_filename, 1, states)
        for transition, place in found.items():
            transition.declared_at = place  # type: ignore[attr-defined]  # our own mark


def _places(
    tree: ast.AST, file: str, first: int, states: Mapping[str, State]
) -> dict[Transition, Place]:
    short = file.rpartition("/")[2]
    found: dict[Transition, Place] = {}
    seen: dict[str, int] = {}
    order = 0
    for number, statement in enumerate(_statements(tree, short, first)):
        for source, line in _calls(statement):
            index = seen[source] = seen.get(source, -1) + 1
            order += 1
            transitions = declared(states[source]) if source in states else []
            if index < len(transitions):
                place = Place(short, first + line - 1, (file, number), order)
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


def _calls(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """Yield the source state and line of each transition that a statement builds, in order."""
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
        found += [(*position, n, _name(source)) for n, source in enumerate(sources)]
    for line, _, _, name in sorted(found):
        yield name, line


def _name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")

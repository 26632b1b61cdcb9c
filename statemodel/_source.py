"""Where a chart's transitions stand in its source: the line, and the `|` chain.

python-statemachine keeps neither. Both are read from the syntax tree of the chart's class: the
n-th call of `.to(...)` on a state is that state's n-th transition, because a class body runs from
top to bottom and a chain from left to right.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from statemodel._errors import InvalidChart

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statemachine import State
    from statemachine.transition import Transition


@dataclass(frozen=True, slots=True)
class Place:
    """Where a transition is declared."""

    file: str
    line: int
    chain: int
    """Transitions with the same number stand in one statement: a `|` chain, or one alone."""

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
        InvalidChart: the class body assigns one event twice, so that the first is lost.
    """
    states = {state.id: state for top in chart.states for state in walk(top)}  # type: ignore[attr-defined]  # set by the metaclass
    found: dict[Transition, Place] = {}
    for state in states.values():
        for transition in declared(state):
            place = getattr(transition, "declared_at", None)
            if place is not None:
                found[transition] = place
    try:
        lines, first = inspect.getsourcelines(chart)
        file = inspect.getsourcefile(chart) or "?"
    except (OSError, TypeError):
        return found
    tree = ast.parse(textwrap.dedent("".join(lines)))
    short = file.rpartition("/")[2]
    seen: dict[str, int] = {}
    for number, statement in enumerate(_statements(tree, short, first)):
        for source, line in _calls(statement):
            index = seen[source] = seen.get(source, -1) + 1
            transitions = declared(states[source]) if source in states else []
            if index < len(transitions) and transitions[index] not in found:
                found[transitions[index]] = Place(short, first + line - 1, number)
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
                if isinstance(statement, (ast.Assign, ast.Expr)):
                    yield statement
                else:
                    yield from _statements(ast.Module([statement], []), file, first)


def _calls(statement: ast.stmt) -> Iterator[tuple[str, int]]:
    """Yield the source state and line of each transition that a statement builds, in order."""
    found = []
    for node in ast.walk(statement):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            if node.func.attr == "itself" and isinstance(owner, ast.Attribute):
                owner = owner.value
            elif node.func.attr != "to":
                continue
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            found += [(owner.lineno, owner.col_offset, name)] * max(1, len(node.args))
    for line, _, name in sorted(found):
        yield name, line

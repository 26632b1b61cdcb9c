"""Which rules the lines of a chart are there for, read from the comments beside them.

A comment names the rules of its own line; one on the first line of a statement, those of its other
lines; one that stands alone, those of the lines down to the next empty one. Of two transitions on one
line, `# C3 | C1` says which is for which.
"""

from __future__ import annotations

import ast
import io
import linecache
import re
import tokenize
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from statemachine.transition import Transition

    from statemodel._declaration import Declaration

_NUMBER = re.compile(r"\b[A-Z]\d{1,2}\b")


class RuleNumbers:
    """The rule numbers of a chart's lines; none where its source cannot be found.

    Args:
        declaration: The chart.
        known: The numbers that are rules.
    """

    def __init__(self, declaration: Declaration, known: Collection[str]) -> None:
        self._known = known
        self._places = declaration.places
        files = sorted({place.chain[0] for place in declaration.places.values()})
        self._files = {file: _File(file) for file in files}
        used: dict[str, set[int]] = {file: set() for file in files}
        for place in declaration.places.values():
            used[place.chain[0]].add(place.line)
        self._states: dict[str, tuple[str, ...]] = {}
        self._lines: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        for file in files:
            self._read(self._files[file], used[file])

    def of_transition(self, transition: Transition) -> tuple[str, ...]:
        """Return the rules that a transition is there for."""
        place = self._places.get(transition)
        if place is None:
            return ()
        file = self._files[place.chain[0]]
        mates = sorted(
            (p.line, p.order) for p in self._places.values() if p.chain[0] == place.chain[0]
        )
        beside = [order for line, order in mates if line == place.line]
        start, end = file.statement(place.line)
        later = [line for line, _ in mates if place.line < line <= end]
        own = file.beside(range(place.line, later[0] if later else end + 1))
        parts = own.split("|")
        if len(parts) == len(beside):
            own = parts[beside.index(place.order)]
        return (
            self._numbers(own)
            or self._numbers(file.beside([start]))
            or self._numbers(file.above(start))
        )

    def of_state(self, name: str) -> tuple[str, ...]:
        """Return the rules that stand beside the declaration of a state or region."""
        return self._states.get(name, ())

    def of_lines(self, kind: str, keys: Iterable[str]) -> Iterator[tuple[str, ...]]:
        """Yield the rules of the declared lines of a kind, such as `Refusal`, by first argument."""
        left = {key: list(found) for key, found in self._lines.items()}
        for key in keys:
            found = left.get((kind, key))
            yield found.pop(0) if found else ()

    def _numbers(self, text: str) -> tuple[str, ...]:
        found = (number for number in _NUMBER.findall(text) if number in self._known)
        return tuple(dict.fromkeys(found))

    def _read(self, file: _File, used: set[int]) -> None:
        """Read the states and lines of the top-level classes in which transitions stand."""
        for top in file.tree.body:
            if not any(top.lineno <= line <= (top.end_lineno or top.lineno) for line in used):
                continue
            for node in ast.walk(top):
                if isinstance(node, ast.ClassDef):
                    self._states.setdefault(node.name, self._numbers(file.beside([node.lineno])))
                elif isinstance(node, ast.Assign) and (name := _declared_state(node)):
                    rules = self._numbers(file.beside(file.lines_of(node)))
                    self._states.setdefault(name, rules)
            self._read_lines(file, top)

    def _read_lines(self, file: _File, top: ast.stmt) -> None:
        calls = [
            node
            for node in ast.walk(top)
            if isinstance(node, ast.Call)
            and _called(node) in ("Refusal", "Heard", "Outcome")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ]
        for call in sorted(calls, key=lambda call: call.lineno):
            first = call.args[0]
            assert isinstance(first, ast.Constant), "chosen so"
            rules = self._numbers(file.beside(file.lines_of(call))) or self._numbers(
                file.beside([file.statement(call.lineno)[0]])
            )
            self._lines.setdefault((_called(call), str(first.value)), []).append(rules)


class _File:
    """One source file, with its comments by line."""

    def __init__(self, path: str) -> None:
        self.lines = linecache.getlines(path)
        text = "".join(self.lines)
        self.tree = ast.parse(text)
        self.comments = {
            token.start[0]: token.string
            for token in tokenize.generate_tokens(io.StringIO(text).readline)
            if token.type == tokenize.COMMENT
        }
        self.statements = sorted(
            (node.lineno, node.end_lineno or node.lineno)
            for node in ast.walk(self.tree)
            if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Expr))
        )

    def statement(self, line: int) -> tuple[int, int]:
        """Return the first and last line of the smallest statement around a line."""
        around = [
            (last - first, first, last) for first, last in self.statements if first <= line <= last
        ]
        return min(around)[1:] if around else (line, line)

    def beside(self, lines: Iterable[int]) -> str:
        """Return the comments that stand on these lines, behind something."""
        return " ".join(
            self.comments[line] for line in lines if line in self.comments and not self._alone(line)
        )

    def above(self, line: int) -> str:
        """Return the nearest comment that stands alone above a line, in its paragraph."""
        found: list[str] = []
        for number in range(min(line - 1, len(self.lines)), 0, -1):
            text = self.lines[number - 1].strip()
            if self._alone(number):
                found.append(text)
            elif found or not text or text.startswith("class "):
                break
        return " ".join(reversed(found))

    def lines_of(self, node: ast.expr | ast.stmt) -> range:
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)

    def _alone(self, line: int) -> bool:
        return self.lines[line - 1].lstrip().startswith("#")


def _declared_state(node: ast.Assign) -> str | None:
    """Return the name of the state that a statement declares, if it does."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call):
            return name if _called(call) == "State" else None
        case _:
            return None


def _called(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ""

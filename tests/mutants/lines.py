"""What one small change makes of a line that the chart declares beside its regions."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from statemodel import Code, Reason, Status
from tests.mutants.guards import guard_mutations
from tests.mutants.source import ChartSource
from tests.mutants.transitions import Change

_EVENTS = {("refusals", 2), ("heard", 1), ("outcomes", 3), ("reasons", 0)}
_GUARDS = {("refusals", 0), ("heard", 0), ("outcomes", 1), ("reasons", 1)}
_ENUMS = {"Code": Code, "Reason": Reason, "Status": Status}


def line_changes(source: ChartSource, name: str) -> Iterator[tuple[ast.expr, str, Change]]:
    """Yield the line, its label and the change, for every mutation of one declared tuple."""
    lines = source.lines(name)
    written = [ast.unparse(line) for line in lines]
    for index, line in enumerate(lines):
        label = _label(source, line)

        def whole(kind: str, which: str, changed: list[str]) -> Change:
            return kind, which, "", ((source.lists[name], _tuple(changed)),)

        yield line, label, whole("line removed", "", written[:index] + written[index + 1 :])
        if index + 1 < len(lines):
            swapped = [*written[:index], written[index + 1], written[index], *written[index + 2 :]]
            which = f"with {_label(source, lines[index + 1])}"
            yield line, label, whole("lines swapped", which, swapped)
        for kind, which, text in _changed(source, name, line):
            yield line, label, (kind, which, text, ((line, text),))


def _tuple(items: list[str]) -> str:
    return f"({''.join(f'{item}, ' for item in items)})"


def _parts(line: ast.expr) -> list[ast.expr]:
    match line:
        case ast.Call(args=args, keywords=words):
            return [*args, *(word.value for word in words)]
        case ast.Tuple(elts=items):
            return items
        case _:
            return [line]


def _label(source: ChartSource, line: ast.expr) -> str:
    parts = [
        part.attr if isinstance(part, ast.Attribute) else source.string(part)
        for part in _parts(line)
        if not isinstance(part, ast.JoinedStr)
    ]
    return " | ".join(parts)


def _changed(source: ChartSource, name: str, line: ast.expr) -> Iterator[tuple[str, str, str]]:
    parts = _fields(name, line)
    for index, part in parts.items():
        if isinstance(part, ast.Attribute):
            following = _next(part)
            yield "next code, status or reason", following, _written(line, parts, index, following)
            if name == "outcomes":
                yield "success for failure", "", _written(line, parts, index, "None")
            continue
        text = source.string(part) if not isinstance(part, ast.Tuple) else ""
        if (name, index) in _GUARDS:
            for kind, guard in guard_mutations(text, source.neighbours()):
                yield kind, guard, _written(line, parts, index, repr(guard))
        if (name, index) in _EVENTS:
            events = text.split()
            for event in events if len(events) > 1 or name == "outcomes" else ():
                rest = " ".join(one for one in events if one != event)
                yield "event removed", event, _written(line, parts, index, repr(rest))
    if name == "outcomes" and 2 not in parts:
        failure = "Code.CONNECTION_LOST"
        yield (
            "failure for success",
            failure,
            _written(line, parts | {2: ast.Constant(0)}, 2, failure),
        )
    if name == "starts":
        for index, part in parts.items():
            yield "choice removed", source.string(part), _written(line, parts, index, None)


def _fields(name: str, line: ast.expr) -> dict[int, ast.expr]:
    """Return a line's parts by their position; `after` is the fourth of an outcome."""
    fields = dict(enumerate(_parts(line)))
    if isinstance(line, ast.Call) and line.keywords:
        fields[3] = fields.pop(len(fields) - 1)
    return fields


def _next(part: ast.Attribute) -> str:
    assert isinstance(part.value, ast.Name)
    members = list(_ENUMS[part.value.id].__members__)
    return f"{part.value.id}.{members[(members.index(part.attr) + 1) % len(members)]}"


def _written(line: ast.expr, parts: dict[int, ast.expr], changed: int, text: str | None) -> str:
    """Write a line with one of its parts changed, or left out."""
    fields = {index: ast.unparse(part) for index, part in sorted(parts.items())}
    if text is None:
        del fields[changed]
    else:
        fields[changed] = text
    if isinstance(line, ast.Call):
        if 3 in fields and 2 not in fields:
            fields[2] = "None"
        return f"{ast.unparse(line.func)}({', '.join(fields[index] for index in sorted(fields))})"
    return _tuple(list(fields.values())) if isinstance(line, ast.Tuple) else fields[changed]

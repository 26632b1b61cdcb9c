"""Mutations of one guard: an expression of state names, as the chart writes them."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Mapping


def guard_mutations(guard: str, neighbours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the kind and the text of each different guard that one small change makes of a guard.

    Args:
        guard: The guard; an empty one always holds.
        neighbours: For each state of a region with more than two, another state of that region.
            (In a region of two, the other state is the negation.)
    """
    if not guard:
        return
    tree = ast.parse(guard, mode="eval").body
    seen = {_text(tree)}
    yield "guard dropped", ""
    for kind, other in _mutated(tree, neighbours):
        text = _text(other)
        if text not in seen:
            seen.add(text)
            yield kind, text


def _mutated(tree: ast.expr, neighbours: Mapping[str, str]) -> Iterator[tuple[str, ast.expr]]:
    yield "guard negated", _negation(tree)
    for number, node in enumerate(ast.walk(tree)):
        match node:
            case ast.BoolOp(op=op, values=values):
                for index in range(len(values)):
                    rest = values[:index] + values[index + 1 :]
                    whole = rest[0] if len(rest) == 1 else ast.BoolOp(op, rest)
                    yield "operand dropped", _replaced(tree, number, whole)
                other = ast.Or() if isinstance(op, ast.And) else ast.And()
                yield "and <-> or", _replaced(tree, number, ast.BoolOp(other, values))
            case ast.UnaryOp(operand=operand):
                yield "literal negated", _replaced(tree, number, operand)
            case ast.Name(id=name):
                yield "literal negated", _replaced(tree, number, _negation(node))
                if name in neighbours:
                    neighbour = ast.Name(neighbours[name], ast.Load())
                    yield "other state in guard", _replaced(tree, number, neighbour)
            case _:
                pass


def _negation(node: ast.expr) -> ast.expr:
    return node.operand if isinstance(node, ast.UnaryOp) else ast.UnaryOp(ast.Not(), node)


def _replaced(tree: ast.expr, number: int, other: ast.expr) -> ast.expr:
    """Return a copy of a tree with its n-th node replaced."""
    copied = copy.deepcopy(tree)
    target = list(ast.walk(copied))[number]
    if target is copied:
        return other
    for parent in ast.walk(copied):
        for field, value in ast.iter_fields(parent):
            if value is target:
                setattr(parent, field, other)
            elif isinstance(value, list):
                value[:] = [other if item is target else item for item in value]
    return _flat(copied)


def _flat(node: ast.expr) -> ast.expr:
    """Undo `not not`, so that equal guards have equal texts."""
    match node:
        case ast.BoolOp(op=op, values=values):
            return ast.BoolOp(op, [_flat(value) for value in values])
        case ast.UnaryOp(operand=ast.UnaryOp(operand=inner)):
            return _flat(inner)
        case _:
            return node


def _text(node: ast.expr, *, inner: bool = False) -> str:
    """Write a guard as the chart does, and alike on every Python: mutants are called by it."""
    match node:
        case ast.BoolOp(op=op, values=values):
            word = " and " if isinstance(op, ast.And) else " or "
            text = word.join(_text(value, inner=True) for value in values)
            return f"({text})" if inner else text
        case ast.UnaryOp(operand=operand):
            return f"not {_text(operand, inner=True)}"
        case _:
            return ast.unparse(node)

"""Guards as text: one spelling for equal expressions, in Python's words or another format's."""

from __future__ import annotations

import ast
from collections.abc import Callable

from statemodel._declaration import _parse


def spell(guard: str, word: Callable[[str], str] = str) -> str:
    """Write a guard with `and`, `or`, `not` and no more parentheses than are needed.

    Args:
        guard: An expression as a chart has them; empty stays empty.
        word: How a state or question is written.
    """
    return _spell(_parse(guard, ""), word) if guard.strip() else ""


def _spell(node: ast.expr, word: Callable[[str], str], binding: int = 0) -> str:
    match node:
        case ast.BoolOp(op=operator, values=values):
            name, own = (" and ", 2) if isinstance(operator, ast.And) else (" or ", 1)
            text = name.join(_spell(value, word, own + 1) for value in values)
            return f"({text})" if own < binding else text
        case ast.UnaryOp(operand=operand):
            return f"not {_spell(operand, word, 3)}"
        case ast.Name(id=name):
            return word(name)
        case _:
            return ast.unparse(node)

"""Guards as text: one spelling for equal expressions, in Python's words or another format's."""

from __future__ import annotations

import ast
from collections.abc import Callable

from statemodel._declaration import _parse
from statemodel._errors import InvalidChart


def spell(
    guard: str,
    word: Callable[[str], str] = str,
    constant: Callable[[object], str] = repr,
) -> str:
    """Write a guard with `and`, `or`, `not` and no more parentheses than are needed.

    Args:
        guard: An expression as a chart has them; empty stays empty.
        word: How a state or question is written.
        constant: How anything else is; a chart may say `True`, or a text, which is as true.
    """
    return _Spelling(word, constant).text(_parse(guard, "")) if guard.strip() else ""


class _Spelling:
    def __init__(self, word: Callable[[str], str], constant: Callable[[object], str]) -> None:
        self.word = word
        self.constant = constant

    def text(self, node: ast.expr, binding: int = 0) -> str:
        match node:
            case ast.BoolOp(op=operator, values=values):
                name, own = (" and ", 2) if isinstance(operator, ast.And) else (" or ", 1)
                joined = name.join(self.text(value, own + 1) for value in values)
                return f"({joined})" if own < binding else joined
            case ast.UnaryOp(operand=operand):
                return f"not {self.text(operand, 3)}"
            case ast.Name(id=name):
                return self.word(name)
            case ast.Constant(value=value):
                return self.constant(value)
            case _:
                raise InvalidChart(f"{ast.unparse(node)!r} is no expression of states")

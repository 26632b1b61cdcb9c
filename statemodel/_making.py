"""Making frozen dataclasses at less cost than their own constructors.

A frozen dataclass sets each of its fields through `object.__setattr__`, and its class is called with
keywords; for the machine, whose outputs are such objects, that was most of its time. Here an equal object is
made of a class with the same slots that is not frozen, and only then given its class.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields
from typing import Any, ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


def maker(cls: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function that makes what a class makes.

    Args:
        cls: A frozen dataclass with slots, without `__post_init__` and default factories.

    Raises:
        TypeError: it is something else.
    """
    made: Any = cls
    factories = any(field.default_factory is not MISSING for field in fields(made))
    if factories or hasattr(made, "__post_init__") or "__slots__" not in vars(made):
        raise TypeError(f"{made.__name__} does more than to take its fields")
    names = [field.name for field in fields(made)]
    defaults = {f.name: f.default for f in fields(made) if f.default is not MISSING}
    parameters = [f"{name}=defaults[{name!r}]" if name in defaults else name for name in names]
    source = "\n  ".join(
        [
            f"def make({', '.join(['*', *parameters] if parameters else [])}):",
            "it = open_class()",
            *(f"it.{name} = {name}" for name in names),
            "it.__class__ = cls",
            "return it",
        ]
    )
    open_class = type(made.__name__, (), {"__slots__": tuple(names)})
    scope: dict[str, Any] = {
        "cls": cls,
        "defaults": defaults,
        "open_class": open_class,
    }
    exec(source, scope)  # noqa: S102 - of field names alone, as `dataclass` itself does
    made_by: Callable[_P, _T] = scope["make"]
    return made_by

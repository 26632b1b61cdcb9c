"""What events and effects are: frozen dataclasses with slots, at less cost than `dataclass` has for them.

There are some fifty of them, and `dataclass` writes and compiles six methods for each: that was most of what it
took to import a machine. Here it is one, and the others are common to all. A machine makes such objects all day
long, and setting each field of a frozen one was most of its time: see `maker`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, ParamSpec, TypeVar, dataclass_transform

_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """Make a class a frozen dataclass with slots, whose fields are given by name and all compared and shown."""
    made: Any = dataclass(slots=True, kw_only=True, init=False, eq=False, repr=False)(cls)
    names = made.__slots__
    setters = {f"set_{name}": getattr(made, name).__set__ for name in names}
    lines = [f"set_{name}(self, {name})" for name in names]
    made.__init__ = _function(made, "__init__", ["self"], lines, setters)
    made.__eq__, made.__hash__, made.__repr__ = _equal, _hash, _show
    made.__setattr__, made.__delattr__, made.__reduce__ = _set, _delete, _reduce
    return made  # type: ignore[no-any-return]  # as `cls` is


def maker(cls: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return a function that makes what a class makes, several times as fast.

    What it makes has at first a class with the same slots that is not frozen, and in the end its own.

    Args:
        cls: A frozen dataclass with slots, without `__post_init__` and default factories.

    Raises:
        TypeError: it is something else.
    """
    made: Any = cls
    factories = any(field.default_factory is not MISSING for field in fields(made))
    if factories or hasattr(made, "__post_init__") or "__slots__" not in vars(made):
        raise TypeError(f"{made.__name__} does more than to take its fields")
    names = made.__slots__
    scope = {"cls": cls, "open_class": type(made.__name__, (), {"__slots__": names})}
    lines = [
        "it = open_class()",
        *(f"it.{name} = {name}" for name in names),
        "it.__class__ = cls",
        "return it",
    ]
    return _function(made, "make", [], lines, scope)


def _function(
    cls: Any, name: str, first: list[str], lines: list[str], scope: dict[str, Any]
) -> Callable[..., Any]:
    """Compile a function that takes the fields of a class by name, as `dataclass` itself does."""
    parameters = [
        field.name if field.default is MISSING else f"{field.name}=defaults[{field.name!r}]"
        for field in fields(cls)
    ]
    taken = ", ".join([*first, "*", *parameters] if parameters else first)
    scope["defaults"] = {field.name: field.default for field in fields(cls)}
    exec("\n  ".join([f"def {name}({taken}):", *(lines or ["pass"])]), scope)  # noqa: S102 - of field names alone
    function: Callable[..., Any] = scope[name]
    return function


def _values(it: Any) -> tuple[object, ...]:
    return tuple([getattr(it, name) for name in it.__slots__])


def _equal(self: Any, other: object) -> bool:
    if type(other) is not type(self):
        return NotImplemented  # type: ignore[no-any-return]
    equal: bool = _values(self) == _values(other)
    return equal


def _hash(self: Any) -> int:
    return hash(_values(self))


def _show(self: Any) -> str:
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
    return f"{type(self).__qualname__}({values})"


def _set(_: Any, name: str, __: object) -> NoReturn:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_: Any, name: str) -> NoReturn:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _reduce(self: Any) -> tuple[Any, ...]:
    """Say how it is copied and pickled."""
    return _remade, (type(self), _values(self))


def _remade(cls: Any, values: tuple[object, ...]) -> object:
    return cls(**dict(zip(cls.__slots__, values, strict=True)))

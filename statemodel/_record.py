"""What events and effects are: frozen dataclasses with slots, at less cost than `dataclass` has for them.

There are some fifty of them, and `dataclass` writes and compiles six methods for each: that was most of what it
took to import a machine. Here it is one, and the others are common to all. A machine makes such objects all day
long, and setting each field of a frozen one was most of its time: see `maker`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, FrozenInstanceError, dataclass, field, fields
from typing import Any, NoReturn, TypeVar, dataclass_transform

_T = TypeVar("_T")


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(field,))
def record(cls: type[_T]) -> type[_T]:
    """Make a class a frozen dataclass with slots, whose fields are given by name and all compared and shown."""
    made: Any = dataclass(slots=True, kw_only=True, init=False, eq=False, repr=False)(cls)
    names = made.__slots__
    setters = {f"set_{name}": getattr(made, name).__set__ for name in names}
    first = ["self", "*"] if names else ["self"]
    lines = [f"set_{name}(self, {name})" for name in names]
    made.__init__ = _function("__init__", first, fields(made), lines, setters)
    made.__eq__, made.__hash__, made.__repr__ = _equal, _hash, _show
    made.__setattr__, made.__delattr__, made.__reduce__ = _set, _delete, _reduce
    return made  # type: ignore[no-any-return]  # as `cls` is


def maker(cls: Callable[..., _T]) -> Callable[..., _T]:
    """Return a function that makes what a class makes, several times as fast.

    It takes the fields' values by name or in their order.

    Args:
        cls: As for `open_class`.

    Raises:
        TypeError: it is something else.
    """
    made: Any = cls
    kind: str = made.__name__
    scope = {kind: cls, f"Open{kind}": open_class(made)}
    making_it = making("made", kind, **{name: name for name in made.__slots__})
    lines = [*making_it.split("\n"), "return made"]
    return _function("make", [], fields(made), lines, scope)


def making(name: str, kind: str, /, **values: str) -> str:
    """Return the lines that make what the class `kind` makes, several times as fast.

    It has at first a class with the same slots that is not frozen, and in the end its own.

    Args:
        name: What the lines call it.
        kind: The name of its class; `Open` and this is the name of what `open_class` returned for it.
        values: The values of all its fields, as Python.
    """
    lines = [f"{name}.{field} = {value}" for field, value in values.items()]
    return "\n".join([f"{name} = Open{kind}()", *lines, f"{name}.__class__ = {kind}"])


def open_class(cls: Any) -> type:
    """Return a class with the same slots as another that is not frozen.

    Args:
        cls: A frozen dataclass with slots, without `__post_init__` and default factories.

    Raises:
        TypeError: it is something else.
    """
    factories = any(field.default_factory is not MISSING for field in fields(cls))
    if factories or hasattr(cls, "__post_init__") or "__slots__" not in vars(cls):
        raise TypeError(f"{cls.__name__} does more than to take its fields")
    return type(f"Open{cls.__name__}", (), {"__slots__": cls.__slots__})


def copier(cls: type[_T]) -> Callable[[_T], _T]:
    """Return a function that copies what is of a class with slots, in a fraction of the time that `replace` takes.

    Args:
        cls: A dataclass with slots.
    """
    made: Any = cls
    lines = [f"other.{name} = it.{name}" for name in made.__slots__]
    scope: dict[str, Any] = {"new": made.__new__, "kind": cls}
    return _function("copy", ["it"], [], ["other = new(kind)", *lines, "return other"], scope)


def _function(
    name: str,
    first: list[str],
    taken: Iterable[Field[Any]],
    lines: list[str],
    scope: dict[str, Any],
) -> Callable[..., Any]:
    """Compile a function that takes the values of fields, as `dataclass` itself does."""
    parameters = [
        field.name if field.default is MISSING else f"{field.name}=defaults[{field.name!r}]"
        for field in taken
    ]
    signature = ", ".join([*first, *parameters])
    scope["defaults"] = {field.name: field.default for field in taken}
    exec("\n  ".join([f"def {name}({signature}):", *(lines or ["pass"])]), scope)  # noqa: S102 - of field names alone
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

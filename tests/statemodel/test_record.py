"""Events and effects are frozen dataclasses, and what the machine makes by a shorter way is what they make."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, dataclass, fields
from typing import Any, get_args

import pytest

from statemodel import StatusChange, effects, events
from statemodel._pings import Flight
from statemodel._record import copier, maker

KINDS: tuple[Any, ...] = (*get_args(effects.Effect), StatusChange, Flight)


RECORDS: tuple[Any, ...] = (*get_args(events.Event), *KINDS)


@pytest.mark.parametrize("kind", RECORDS)
def test_events_and_effects_are_what_frozen_dataclasses_are(kind: Any) -> None:
    """They are equal, hashed, shown, copied and refused as those that `dataclass` makes by itself."""
    values = {field.name: number for number, field in enumerate(fields(kind))}
    columns = [(f.name, f.type, f) for f in fields(kind)]
    plain = dataclasses.make_dataclass(kind.__qualname__, columns, frozen=True, kw_only=True)
    one, other = kind(**values), plain(**values)

    assert repr(one) == repr(other)
    assert hash(one) == hash(other)
    assert one == kind(**values) == copy.copy(one) == copy.deepcopy(one)
    assert pickle.loads(pickle.dumps(one)) == one
    assert one != other
    assert dataclasses.replace(one) == one
    assert dataclasses.asdict(one) == values
    assert inspect.signature(kind).parameters.keys() == values.keys()
    for name in values:
        assert one != dataclasses.replace(one, **{name: -1})
        with pytest.raises(FrozenInstanceError):
            setattr(one, name, 7)
        with pytest.raises(FrozenInstanceError):
            delattr(one, name)
    with pytest.raises((AttributeError, TypeError)):
        one.other = 7
    with pytest.raises(TypeError):
        kind(**values, other=7)
    needed = [f.name for f in fields(kind) if f.default is dataclasses.MISSING]
    for name in needed:
        with pytest.raises(TypeError, match=name):
            kind(**{key: value for key, value in values.items() if key != name})


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_maker_makes_is_what_the_class_makes(kind: Any) -> None:
    """It is equal, of the same class, as long, as frozen and as printable, and can be replaced."""
    values = {field.name: number for number, field in enumerate(fields(kind))}
    made, plain = maker(kind)(**values), kind(**values)

    assert made == plain
    assert type(made) is kind
    assert (repr(made), hash(made)) == (repr(plain), hash(plain))
    assert dataclasses.replace(made) == plain
    for name in values:
        with pytest.raises(FrozenInstanceError):
            setattr(made, name, 7)


def test_a_maker_knows_the_defaults_and_nothing_else() -> None:
    """Fields without a default must be given, by their names or in their order, and no others."""
    make = maker(effects.Fail)

    fail = effects.Fail(command=1, code="x")  # type: ignore[arg-type]
    assert make(1, "x") == make(command=1, code="x") == fail
    for wrong in ({}, {"command": 1}, {"command": 1, "code": "x", "other": 2}):
        with pytest.raises(TypeError):
            make(**wrong)


def test_a_maker_is_only_for_plain_frozen_dataclasses_with_slots() -> None:
    """A class that would do more when it is called is refused, as is one that is made otherwise."""

    @dataclass(frozen=True, slots=True)
    class Checked:
        value: int

        def __post_init__(self) -> None:
            raise AssertionError

    @dataclass(frozen=True)
    class Open:
        value: int

    @dataclass(frozen=True, slots=True)
    class Grown:
        value: list[int] = dataclasses.field(default_factory=list)

    for kind in (Checked, Open, Grown):
        with pytest.raises(TypeError, match=kind.__name__):
            maker(kind)


def test_a_copier_copies_all_fields_of_what_may_be_changed() -> None:
    """What is copied has the same values, and either can be written to without the other."""

    @dataclass(slots=True)
    class Open:
        value: list[int]
        other: int = 7

    one = Open([1], 2)
    copied = copier(Open)(one)

    assert copied == one
    assert copied is not one
    assert copied.value is one.value
    copied.other = 3
    assert one == Open([1], 2)

"""The machine's inputs and outputs as JSON objects, and back.

Every class of `events` and `effects` is written by its fields, so that a new one needs nothing
here unless it has a field of a new type. Tokens are never written: a user is an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import fields
from math import isfinite
from typing import Any, get_args

from statemodel import effects, events
from statemodel._items import Item, change_words, read_change
from statemodel._vocabulary import Code, Credentials, User


class Veil:
    """How users and texts by others are written: this one hides nothing but tokens."""

    def user(self, user: User | Credentials) -> str:
        """Return what stands for a user."""
        return user.uid

    def text(self, text: str) -> str:
        """Return what stands for a text that a server, store or authenticator has written."""
        return text


def event_words(event: events.Event, veil: Veil) -> dict[str, Any]:
    """Return an event as JSON."""
    return _words("event", event, veil)


def effect_words(effect: effects.Effect, veil: Veil) -> dict[str, Any]:
    """Return an effect as JSON."""
    return _words("effect", effect, veil)


def read_event(item: Item) -> events.Event:
    """Read an event; the item may have names beside it."""
    event: events.Event = _read("event", EVENTS, item)
    return event


def read_effect(item: Item) -> effects.Effect:
    """Read an effect, and nothing beside it."""
    effect: effects.Effect = _read("effect", EFFECTS, item)
    item.refuse_others()
    return effect


def _name(kind: type) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


EVENTS: Mapping[str, type] = {_name(kind): kind for kind in get_args(events.Event)}
"""The events by the names that they have in a file."""

EFFECTS: Mapping[str, type] = {_name(kind): kind for kind in get_args(effects.Effect)}
"""The effects, likewise."""


def _words(what: str, thing: Any, veil: Veil) -> dict[str, Any]:
    kind = type(thing)
    words = {what: _NAMES[kind]}
    for name, hint in _FIELDS[kind]:
        words[name] = _TYPES[hint][0](getattr(thing, name), veil)
    return words


def _read(what: str, kinds: Mapping[str, type], item: Item) -> Any:
    kind = kinds[item.word(what, kinds)]
    return kind(**{name: _TYPES[hint][1](item, name) for name, hint in _FIELDS[kind]})


_NAMES: Mapping[type, str] = {
    kind: name for kinds in (EVENTS, EFFECTS) for name, kind in kinds.items()
}

_FIELDS: Mapping[type, tuple[tuple[str, str], ...]] = {
    kind: tuple((field.name, str(field.type)) for field in fields(kind)) for kind in _NAMES
}
"""The fields of each class, with their hints."""


# -- the types of fields, by their hints ---------------------------------------------------------

_Write = Callable[[Any, Veil], Any]
_Read = Callable[[Item, str], Any]


def _as_it_is(value: Any, _: Veil) -> Any:
    return value


def _number(value: Any, _: Veil) -> Any:
    """Write what a server asked for, which may be no number that JSON has."""
    if value is None or isfinite(value):
        return value
    return _ENDLESS if value > 0 else None


_ENDLESS = 1e300
"""Seconds that stand for infinity: longer than every cap."""


def _payload(value: bytes, _: Veil) -> int | None:
    """Write a ping's number; what a peer has put into a pong of its own is nobody's business."""
    number = value.isdigit() and len(value) < _LONG and int(value)
    return number if number and b"%d" % number == value else None


_LONG = 16
"""Digits of a number that is no ping's: so many are never sent."""


def _read_payload(item: Item, name: str) -> bytes:
    number = item.number_or_none(name)
    return b"" if number is None else b"%d" % number


def _value(value: User | float | None, veil: Veil) -> Any:
    return veil.user(value) if isinstance(value, User) else value


def _read_value(item: Item, name: str) -> User | float | None:
    value = item.get(name)
    if isinstance(value, str):
        return User(uid=value)
    return None if value is None else item.moment(name)


def _read_status(item: Item, name: str) -> Any:
    part = item.part(name)
    change = read_change(part, part.moment("time"))
    part.refuse_others()
    return change


def _or_none(read: _Read) -> _Read:
    return lambda item, name: None if item.get(name) is None else read(item, name)


_TYPES: Mapping[str, tuple[_Write, _Read]] = {
    "int": (_as_it_is, lambda item, name: item.number(name, 0)),
    "int | None": (_as_it_is, lambda item, name: item.number_or_none(name, 0)),
    "bool": (_as_it_is, Item.truth),
    "float | None": (_number, _or_none(Item.moment)),
    "str": (lambda value, veil: veil.text(value), Item.text),
    "str | None": (
        lambda value, veil: None if value is None else veil.text(value),
        _or_none(Item.text),
    ),
    "bytes": (_payload, _read_payload),
    "Code": (lambda value, _: value.value, lambda item, name: item.word(name, Code)),
    "User": (lambda value, veil: veil.user(value), lambda i, n: User(uid=i.text(n))),
    "Credentials": (
        lambda value, veil: veil.user(value),
        lambda item, name: Credentials(uid=item.text(name)),
    ),
    "StatusChange": (lambda value, _: change_words(value), _read_status),
    "User | float | None": (_value, _read_value),
}

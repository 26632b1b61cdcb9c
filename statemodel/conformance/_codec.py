"""The protocol's items as JSON values, and back: strict, so that a wrong item is named.

What is written here is written down in `protocol-1.schema.json` as well.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from math import isfinite
from typing import Any, NoReturn

from statemodel import traces as t
from statemodel._timings import Timings
from statemodel._vocabulary import Code, Reason, Status, StatusChange
from statemodel.conformance._subject import Act, SubjectError, Trouble
from statemodel.scripts import Script

_SETTINGS = tuple(field.name for field in fields(Timings))
_BEGUN = ("authenticate", "save", "clear")


def opening_to_json(opening: Script, draws: Sequence[float]) -> dict[str, Any]:
    """Return what the request `open` says."""
    return {
        "mode": opening.mode.value,
        "foreground": opening.foreground,
        "online": opening.online,
        "timings": {name: float(getattr(opening.timings, name)) for name in _SETTINGS},
        **({"draws": list(draws)} if draws else {}),
    }


def act_to_json(act: Act) -> dict[str, Any]:
    """Return one step of the request `steps`."""
    step = act.step
    item: dict[str, Any] = {"do": step.do}
    if step.what:
        item["what"] = step.what
    if step.do == "wait":
        item["number"] = float(step.number)
    elif step.do == "cancel":
        item["number"] = int(step.number)
    if act.command is not None:
        item["command"] = act.command
    if step.together:
        item["together"] = True
    return item


def entry_to_json(entry: t.Entry) -> dict[str, Any]:
    """Return what a subject reports as an item of `seen`, to be written as JSON.

    For subject programs in Python: they speak the protocol with entries of `statemodel.traces`.

    Args:
        entry: One that a subject reports: `Returned`, `Dialled`, `CloseBegun`, `SocketGone`,
            `PingSent`, `StatusSeen`, `Reading`, `Delivered`, or the beginning of a `Stored` or
            `Refreshed`.

    Returns:
        An object with `time` (seconds since `open`), `saw`, and what belongs to that word.

    Raises:
        ValueError: this is not a subject's to report.
    """
    for saw, (kind, _, write) in _ITEMS.items():
        if isinstance(entry, kind):
            phase = getattr(entry, "phase", "begun")
            if phase == ("given_up" if saw == "gave_up" else "begun"):
                return {"time": entry.time, "saw": saw, **write(entry)}
    raise ValueError(f"{entry!r} is not a subject's to report")


def entry_from_json(item: object) -> t.Entry:
    """Read an item of `seen`, as JSON is read; the other way round from `entry_to_json`.

    For whoever reads what a subject has written, say from a log of both sides.

    Args:
        item: An object with `time`, `saw`, and what belongs to that word; nothing else.

    Raises:
        SubjectError: it is no such item, and the subject that wrote it `lied`; the message says
            what is wrong with it.
    """
    if not isinstance(item, dict):
        _lied(f"what it saw is an object, not {item!r}")
    saw = item.get("saw")
    if not isinstance(saw, str) or saw not in _ITEMS:
        _lied(f"there is no item {saw!r}; there are {', '.join(_ITEMS)}")
    reader = _Reader(item)
    entry = _ITEMS[saw][1](reader)
    unknown = sorted(set(item) - reader.known)
    if unknown:
        _lied(f"{saw} has no {unknown[0]!r}")
    return entry


class _Reader:
    """One item, and which of its names were asked for."""

    def __init__(self, item: Mapping[str, Any]) -> None:
        self._item = item
        self.known = {"saw"}

    def _get(self, name: str) -> Any:
        self.known.add(name)
        if name not in self._item:
            self._wrong(name, "is missing")
        return self._item[name]

    def _wrong(self, name: str, what: str) -> NoReturn:
        _lied(f"the {name!r} of {self._item.get('saw')} {what}")

    @property
    def time(self) -> float:
        return self.seconds("time")

    @property
    def socket(self) -> int:
        return self.number("socket")

    def seconds(self, name: str) -> float:
        value = self._get(name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        try:
            if not number or not isfinite(value) or value < 0:
                self._wrong(name, f"is a number of seconds, not {value!r}")
        except OverflowError:
            self._wrong(name, "is a number of seconds, and this is none that a float can hold")
        return float(value)

    def seconds_or_none(self, name: str) -> float | None:
        return None if self._get(name) is None else self.seconds(name)

    def number(self, name: str) -> int:
        value = self._get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self._wrong(name, f"is a whole number from 1 on, not {value!r}")
        return int(value)

    def number_or_none(self, name: str) -> int | None:
        return None if self._get(name) is None else self.number(name)

    def truth(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool):
            self._wrong(name, f"is true or false, not {value!r}")
        return value

    def word(self, name: str, allowed: Any) -> Any:
        value = self._get(name)
        words = [str(word) for word in allowed]
        if not isinstance(value, str) or value not in words:
            self._wrong(name, f"is one of {', '.join(words)}, not {value!r}")
        return next(word for word in allowed if str(word) == value)

    def word_or_none(self, name: str, allowed: Any) -> Any:
        return None if self._get(name) is None else self.word(name, allowed)


def _status(item: _Reader) -> t.Entry:
    change = StatusChange(
        sequence=item.number("sequence"),
        time=item.time,
        previous=item.word("previous", Status),
        current=item.word("current", Status),
        reason=item.word_or_none("reason", Reason),
        retry_in=item.seconds_or_none("retry_in"),
    )
    return t.StatusSeen(time=change.time, change=change)


def _status_words(entry: Any) -> dict[str, Any]:
    change = entry.change
    return {
        "sequence": change.sequence,
        "previous": change.previous.value,
        "current": change.current.value,
        "reason": None if change.reason is None else change.reason.value,
        "retry_in": change.retry_in,
    }


def _same(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda entry: {name: getattr(entry, name) for name in names}


_Item = tuple[type, Callable[[_Reader], t.Entry], Callable[[Any], dict[str, Any]]]

_ITEMS: dict[str, _Item] = {
    "returned": (
        t.Returned,
        lambda i: t.Returned(
            time=i.time, command=i.number("command"), code=i.word_or_none("code", Code)
        ),
        _same("command", "code"),
    ),
    "dialled": (t.Dialled, lambda i: t.Dialled(time=i.time, socket=i.socket), _same("socket")),
    "close_begun": (
        t.CloseBegun,
        lambda i: t.CloseBegun(time=i.time, socket=i.socket),
        _same("socket"),
    ),
    "gone": (t.SocketGone, lambda i: t.SocketGone(time=i.time, socket=i.socket), _same("socket")),
    "ping": (
        t.PingSent,
        lambda i: t.PingSent(
            time=i.time,
            socket=i.socket,
            ping=i.number("ping"),
            command=i.number_or_none("command"),
        ),
        _same("socket", "ping", "command"),
    ),
    "status": (t.StatusSeen, _status, _status_words),
    "stored": (
        t.Stored,
        lambda i: t.Stored(time=i.time, what=i.word("what", _BEGUN), phase="begun"),
        _same("what"),
    ),
    "gave_up": (
        t.Stored,
        lambda i: t.Stored(time=i.time, what=i.word("what", ("clear",)), phase="given_up"),
        _same("what"),
    ),
    "refreshing": (t.Refreshed, lambda i: t.Refreshed(time=i.time, phase="begun"), _same()),
    "reading": (
        t.Reading,
        lambda i: t.Reading(time=i.time, socket=i.socket, on=i.truth("on")),
        _same("socket", "on"),
    ),
    "delivered": (
        t.Delivered,
        lambda i: t.Delivered(time=i.time, socket=i.socket, number=i.number("number")),
        _same("socket", "number"),
    ),
}
"""The words of `saw`, each with its entry, how it is read and how it is written."""


def _lied(sentence: str) -> NoReturn:
    raise SubjectError(Trouble.LIED, sentence)

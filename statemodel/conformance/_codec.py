"""The protocol's items as JSON values, and back: strict, so that a wrong item is named.

What is written here is written down in `protocol-1.schema.json` as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from statemodel import traces as t
from statemodel._items import Item, change_words, read_change, timings_words
from statemodel._vocabulary import Code
from statemodel.conformance._subject import Act, SubjectError, Trouble
from statemodel.scripts import Script

_BEGUN = ("authenticate", "save", "clear")


def opening_to_json(opening: Script, draws: Sequence[float]) -> dict[str, Any]:
    """Return what the request `open` says."""
    return {
        "mode": opening.mode.value,
        "foreground": opening.foreground,
        "online": opening.online,
        "timings": timings_words(opening.timings),
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
    if step.inside:
        item["inside"] = step.inside
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
    reader = Item(item, called=saw, known="saw", fail=_lied)
    entry = _ITEMS[saw][1](reader)
    reader.refuse_others()
    return entry


def _status(item: Item) -> t.Entry:
    change = read_change(item, item.time)
    return t.StatusSeen(time=change.time, change=change)


def _status_words(entry: Any) -> dict[str, Any]:
    words = change_words(entry.change)
    del words["time"]  # every item has one
    return words


def _same(*names: str) -> Callable[[Any], dict[str, Any]]:
    return lambda entry: {name: getattr(entry, name) for name in names}


_Item = tuple[type, Callable[[Item], t.Entry], Callable[[Any], dict[str, Any]]]

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

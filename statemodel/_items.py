"""JSON objects, read strictly: what is missing, wrong or unknown is named in a sentence.

What is read and written in several places stands here as well: a change of status, the settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from math import isfinite
from typing import Any, NoReturn

from statemodel._timings import Timings
from statemodel._vocabulary import Reason, Status, StatusChange

_SETTINGS = tuple(field.name for field in fields(Timings))


class Item:
    """One JSON object, and which of its names were asked for.

    Args:
        values: The object.
        called: What messages call it.
        known: The name that says what it is, and is no field.
        fail: Raises an error with the sentence that it is given.
    """

    def __init__(
        self, values: Mapping[str, Any], *, called: str, known: str, fail: Callable[[str], NoReturn]
    ) -> None:
        self._values = values
        self._called = called
        self._known = {known}
        self._fail = fail

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def refuse_others(self) -> None:
        """Refuse names that nobody has asked for."""
        unknown = sorted(set(self._values) - self._known)
        if unknown:
            self._fail(f"{self._called} has no {unknown[0]!r}")

    def get(self, name: str) -> Any:
        """Return what has a name, whatever it is."""
        self._known.add(name)
        if name not in self._values:
            self.wrong(name, "is missing")
        return self._values[name]

    def wrong(self, name: str, what: str) -> NoReturn:
        """Refuse what has this name."""
        self._fail(f"the {name!r} of {self._called} {what}")

    @property
    def time(self) -> float:
        """Its time, from 0 on."""
        return self.seconds("time")

    @property
    def socket(self) -> int:
        """Its socket's number."""
        return self.number("socket")

    def moment(self, name: str) -> float:
        """Return a time on some clock: any number."""
        value = self.get(name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        try:
            if not number or not isfinite(value):
                self.wrong(name, f"is a number of seconds, not {value!r}")
        except OverflowError:
            self.wrong(name, "is a number of seconds, and this is none that a float can hold")
        return float(value)

    def seconds(self, name: str) -> float:
        """Return a length of time: a number from 0 on."""
        value = self.moment(name)
        if value < 0:
            self.wrong(name, f"is a number of seconds, not {value!r}")
        return value

    def seconds_or_none(self, name: str) -> float | None:
        """Return a length of time, or nothing."""
        return None if self.get(name) is None else self.seconds(name)

    def number(self, name: str, least: int = 1) -> int:
        """Return a whole number."""
        value = self.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            self.wrong(name, f"is a whole number from {least} on, not {value!r}")
        return int(value)

    def number_or_none(self, name: str, least: int = 1) -> int | None:
        """Return a whole number, or nothing."""
        return None if self.get(name) is None else self.number(name, least)

    def truth(self, name: str) -> bool:
        """Return a truth."""
        value = self.get(name)
        if not isinstance(value, bool):
            self.wrong(name, f"is true or false, not {value!r}")
        return value

    def text(self, name: str) -> str:
        """Return a text."""
        value = self.get(name)
        if not isinstance(value, str):
            self.wrong(name, f"is a text, not {value!r}")
        return value

    def word(self, name: str, allowed: Any) -> Any:
        """Return one of the words that are allowed."""
        value = self.get(name)
        words = [str(word) for word in allowed]
        if not isinstance(value, str) or value not in words:
            self.wrong(name, f"is one of {', '.join(words)}, not {value!r}")
        return next(word for word in allowed if str(word) == value)

    def word_or_none(self, name: str, allowed: Any) -> Any:
        """Return one of the words that are allowed, or nothing."""
        return None if self.get(name) is None else self.word(name, allowed)

    def part(self, name: str) -> Item:
        """Return an object within this one."""
        value = self.get(name)
        if not isinstance(value, dict):
            self.wrong(name, f"is an object, not {value!r}")
        return Item(value, called=name, known="", fail=self._fail)


def read_change(item: Item, time: float) -> StatusChange:
    """Read a change of status that has happened at this time."""
    return StatusChange(
        sequence=item.number("sequence"),
        time=time,
        previous=item.word("previous", Status),
        current=item.word("current", Status),
        reason=item.word_or_none("reason", Reason),
        retry_in=item.seconds_or_none("retry_in"),
    )


def change_words(change: StatusChange) -> dict[str, Any]:
    """Return a change of status as JSON."""
    return {
        "sequence": change.sequence,
        "time": change.time,
        "previous": change.previous.value,
        "current": change.current.value,
        "reason": None if change.reason is None else change.reason.value,
        "retry_in": change.retry_in,
    }


def read_timings(item: Item) -> Timings:
    """Read the settings.

    Raises:
        InvalidInput: they contradict each other.
    """
    return Timings(**{name: item.moment(name) for name in _SETTINGS})


def timings_words(timings: Timings) -> dict[str, float]:
    """Return the settings as JSON."""
    return {name: float(getattr(timings, name)) for name in _SETTINGS}

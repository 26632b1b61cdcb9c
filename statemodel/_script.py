"""Scripts: what happens to a connection, step by step, as data and as lines of text.

Owns the language. A script says what the application, the peer, the store and the clock do; it
knows no states and expects nothing, so that one script can be played on the pure machine, on a
driver, and on any other implementation.

    open manual background     # mode, then what differs from: foreground online
    timing background_grace 3  # a setting that differs from its default, in seconds
    login                      # or `login bob`; also `restored`: a saved user was found
    authenticator authenticated
    store saved
    connect                    # logout, disconnect, ping, send, shut_down
    peer refuse_401            # what the other side does; with any HTTP status or close code:
    peer refuse_503_after_8    # `refuse_N`, `refuse_N_after_SECONDS`, for a socket `close_N`
    reader pause               # our own side stops reading the socket
    cancel 2                   # the caller of the second command no longer waits
    foreground                 # or `background`, `network down`, `network up`
    wait 29.5 draw 0.25        # seconds pass; what becomes due draws 0.25 instead of 0.5
    reach 0.5                  # the same, but what is due at the very end has not fired yet
    sleep 40                   # the clock jumps: the next step finds everything late
    custom charger_plugged     # an event of a region of one's own
    disconnect together        # the next step comes in the same turn: nothing runs between them
    ping inside connected      # not now: in the callback that is told this status next

A step for which the moment is not right, as `peer accept` when nobody dials, does nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from types import MappingProxyType
from typing import Self

from statemodel._ends import CLOSE_CODES, DIAL_ENDS, stand_in
from statemodel._errors import InvalidInput
from statemodel._timings import Timings
from statemodel._vocabulary import Mode, Status

ANSWERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "authenticator": (
            "authenticated", "not_authenticated", "refreshed", "not_refreshed", "revoked",
        ),
        "peer": (
            "accept", *DIAL_ENDS, *CLOSE_CODES, "closed", "frame", "pong", "throttle", "unthrottle",
        ),
        "reader": ("pause", "resume"),
        "store": ("saved", "not_saved", "cleared", "not_cleared"),
    }
)  # fmt: skip
"""What each of a connection's surroundings can do; every word belongs to one of them. The peer can
end a dial or a socket in more ways: `refuse_N`, `refuse_N_after_S` and `close_N`."""

USER = "alice"
"""Who logs in when a script does not say who."""

_CALLS = ("connect", "disconnect", "logout", "ping", "send", "shut_down")
_ALONE = (*_CALLS, "background", "foreground")
_INSIDE = (
    "login", "logout", "connect", "disconnect", "ping", "background", "foreground", "network",
)  # fmt: skip
"""What a listener can do when it is told a status: all that begins in place."""
_SECONDS = ("wait", "reach", "sleep")
_NAMED = ("login", "restored", "custom")
_CHOICES = {**ANSWERS, "network": ("down", "up")}
_WHO = {word: who for who, words in ANSWERS.items() for word in words}
_MORE = {"peer": ("refuse_N", "refuse_N_after_S", "close_N")}
_ALLOWED = ", ".join(
    (
        *_ALONE, "login [USER]", "restored [USER]", "cancel COMMAND", "network down|up",
        *(f"{kind} SECONDS" for kind in _SECONDS), *(f"{who} ANSWER" for who in ANSWERS),
        "custom EVENT", f"{'|'.join(_INSIDE)} ... inside {'|'.join(Status)}",
    )
)  # fmt: skip
_DEFAULTS = Timings()
_SETTINGS = tuple(field.name for field in fields(Timings))
_START = ("foreground", "background", "online", "offline")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that happens.

    Raises:
        InvalidInput: there is no such step; the message says what is allowed.
    """

    do: str
    """The first word of its line."""
    what: str = ""
    """The second word, if it is no number: an answer, a user, an event, `up` or `down`."""
    number: float = 0.0
    """For `wait`, `reach`, `sleep`: seconds, finite and >= 0; for `cancel`: the command, from 1."""
    draw: float = 0.5
    """The random number in [0, 1) that the machine is given with this step."""
    together: bool = False
    """Whether the next step comes in the same turn; means nothing to the pure machine."""
    inside: str = ""
    """A status: it happens in the callback that is told this status next (T4), not now. A later
    step for the same status takes its place."""

    def __post_init__(self) -> None:
        if self.do in _NAMED:
            _check_name(self.do, self.what)
        elif self.do in _CHOICES:
            if self.do != _who(self.what) and self.what not in _CHOICES[self.do]:
                choices = ", ".join((*_CHOICES[self.do], *_MORE.get(self.do, ())))
                raise InvalidInput(f"{self.do} {self.what!r}: allowed are {choices}")
        elif self.do not in (*_ALONE, *_SECONDS, "cancel"):
            raise InvalidInput(f"{self.do!r} is no step: allowed are {_ALLOWED}")
        elif self.what:
            raise InvalidInput(f"{self.do!r} takes no word, but was given {self.what!r}")
        if self.do in _SECONDS:
            if not _finite(self.number) or self.number < 0:
                raise InvalidInput(f"{self.do} takes seconds >= 0, not {self.number!r}")
        elif self.do == "cancel":
            if not _finite(self.number) or self.number < 1 or self.number != int(self.number):
                raise InvalidInput(f"cancel takes a command's number, from 1, not {self.number!r}")
        elif self.number != 0:
            raise InvalidInput(f"{self.do!r} takes no number, but was given {self.number!r}")
        if self.inside and (self.inside not in tuple(Status) or self.do not in _INSIDE):
            raise InvalidInput(
                f"{self.do} inside {self.inside!r}: {', '.join(_INSIDE)} can be inside "
                f"{', '.join(Status)}"
            )
        if not _finite(self.draw) or not 0 <= self.draw < 1:
            raise InvalidInput(f"a draw is in [0, 1), not {self.draw!r}")

    @classmethod
    def answer(cls, word: str, *, draw: float = 0.5) -> Self:
        """Return the step in which one of the surroundings does something, as `accept`.

        Raises:
            InvalidInput: none of them has such an answer.
        """
        who = _who(word)
        if who is None:
            allowed = ", ".join(sorted((*_WHO, *_MORE["peer"])))
            raise InvalidInput(f"{word!r} is no answer: allowed are {allowed}")
        return cls(do=who, what=word, draw=draw)

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read one line, as `str` writes it.

        Raises:
            InvalidInput: this is no step; the message says what is allowed.
        """
        words, draw = line.split(), 0.5
        # Of `login together` the second word is the user.
        together = words[-1:] == ["together"] and len(words) > 1 + (words[0] in _NAMED)
        if together:
            words = words[:-1]
        if len(words) > 2 and words[-2] == "draw":
            draw = _number(words[-1])
            words = words[:-2]
        inside = words[-1] if len(words) > 2 and words[-2] == "inside" else ""
        words = words[:-2] if inside else words
        if not words or len(words) > 2:
            raise InvalidInput(f"{line.strip()!r} is no step: allowed are {_ALLOWED}")
        do, argument = words[0], words[1] if len(words) > 1 else ""
        if do in _SECONDS or do == "cancel":
            if not argument:
                raise InvalidInput(f"{do} takes a number")
            number = _number(argument)
            return cls(do=do, number=number, draw=draw, together=together, inside=inside)
        if do in ("login", "restored"):
            argument = argument or USER
        return cls(do=do, what=argument, draw=draw, together=together, inside=inside)

    def __str__(self) -> str:
        words = [self.do]
        if self.do in _SECONDS or self.do == "cancel":
            words.append(_text(self.number))
        elif self.what and (self.what != USER or self.do == "custom"):
            words.append(self.what)
        if self.inside:
            words += ["inside", self.inside]
        if self.draw != 0.5:
            words += ["draw", _text(self.draw)]
        if self.together:
            words += [self.what] if words == [self.do] and self.do in _NAMED else []
            words.append("together")
        return " ".join(words)


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """A whole case: how a connection is opened, and what happens then."""

    mode: Mode
    """Who decides when the connection is up (O1)."""
    foreground: bool = True
    """Whether the application starts in foreground (O2)."""
    online: bool = True
    """Whether the network starts up (O2)."""
    timings: Timings = field(default=_DEFAULTS)
    """The settings."""
    steps: tuple[Step, ...] = ()
    """What happens, in order."""

    def text(self) -> str:
        """Return the lines from which `parse` makes an equal script."""
        return "\n".join(self._lines()) + "\n"

    __str__ = text

    def _lines(self) -> Iterator[str]:
        start = ["open", self.mode.value]
        start += [] if self.foreground else ["background"]
        start += [] if self.online else ["offline"]
        yield " ".join(start)
        for name in _SETTINGS:
            value = getattr(self.timings, name)
            if value != getattr(_DEFAULTS, name):
                yield f"timing {name} {_text(value)}"
        yield from map(str, self.steps)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a script. Empty lines count for nothing, nor does what follows a `#`.

        Raises:
            InvalidInput: a line is wrong; the message has its number and says what is allowed.
        """
        start: tuple[Mode, bool, bool] | None = None
        given: dict[str, float] = {}
        settings_end, number = 0, 0
        steps: list[Step] = []
        for number, whole in enumerate(text.splitlines(), 1):
            line = whole.partition("#")[0].strip()
            if not line:
                continue
            try:
                if start is None:
                    start = _parse_start(line)
                elif line.split()[0] == "timing":
                    _parse_setting(line, given, late=bool(steps))
                    settings_end = number
                else:
                    steps.append(Step.parse(line))
            except InvalidInput as error:
                raise InvalidInput(f"line {number}: {error}") from None
        if start is None:
            raise InvalidInput(f"line {number + 1}: {_NO_START}")
        try:
            timings = Timings(**given)
        except InvalidInput as error:
            raise InvalidInput(f"line {settings_end}: {error}") from None
        mode, foreground, online = start
        return cls(
            mode=mode, foreground=foreground, online=online, timings=timings, steps=tuple(steps)
        )


_NO_START = (
    "a script begins with: open auto|manual [foreground|background] [online|offline], in this order"
)


def _parse_start(line: str) -> tuple[Mode, bool, bool]:
    words = line.split()
    modes = [mode for mode in Mode if words[1:2] == [mode.value]]
    places = [_START.index(word) // 2 for word in words[2:] if word in _START]
    if words[0] != "open" or not modes or len(places) != len(words) - 2:
        raise InvalidInput(f"{line!r}: {_NO_START}")
    if places != sorted(set(places)):
        raise InvalidInput(f"{line!r}: {_NO_START}")
    return modes[0], "background" not in words, "offline" not in words


def _parse_setting(line: str, given: dict[str, float], *, late: bool) -> None:
    words = line.split()
    if late:
        raise InvalidInput("settings come before the first step")
    if len(words) != 3 or words[1] not in _SETTINGS:
        raise InvalidInput(
            f"{line!r}: allowed is `timing SETTING SECONDS` with {', '.join(_SETTINGS)}"
        )
    if words[1] in given:
        raise InvalidInput(f"{words[1]} is set already: {_text(given[words[1]])}")
    value = _number(words[2])
    if not _finite(value) or value <= 0:
        raise InvalidInput(f"{words[1]} must be finite and positive, not {words[2]}")
    given[words[1]] = value


def _check_name(do: str, name: str) -> None:
    if not name or "#" in name or len(name.split()) != 1 or name != name.strip():
        raise InvalidInput(f"{do} takes one word without `#`, not {name!r}")


def _who(word: str) -> str | None:
    """Return who of the surroundings can do this."""
    return _WHO.get(stand_in(word))


def _finite(number: float) -> bool:
    try:
        return isfinite(number)
    except (TypeError, OverflowError):
        return False


def _number(word: str) -> float:
    try:
        return float(word)
    except ValueError:
        raise InvalidInput(f"{word!r} is no number") from None


def _text(number: float) -> str:
    """Return a number's shortest exact text: `30`, `29.5`."""
    return repr(float(number)).removesuffix(".0")

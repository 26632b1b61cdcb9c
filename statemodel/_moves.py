"""What can be tried next in a world: moves that mean the same in every world of a kind.

Owns which inputs the search for runs goes through, and when: now, and half way to the next deadline
and shortly before it; and that deadline itself.
"""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from math import inf, nextafter
from typing import TYPE_CHECKING, NamedTuple

from statemodel._script import ANSWERS, USER, Step

if TYPE_CHECKING:
    from collections.abc import Iterator

    from statemodel._world import World

HALF, NEAR = "half", "near"
"""Half way to the next deadline, and half a second before it."""

IDLE = "idle"
"""The line of a move, and the event of a cell: nothing is due, and much time passes."""

_CANCEL = "cancel"
_DUE = "due"
_OTHER = "bob"
_REPEATED = {"refuse_404", "refuse_429_after_900", "close_1000", "close_1001", "pause", "resume"}
"""Answers that take the rows which others take as well."""

_EVENTS = {
    "connect": "connect",
    "disconnect": "disconnect",
    "logout": "logout",
    "ping": "ping",
    "send": "send_message",
    "shut_down": "shut_down",
    "background": "enter_background",
    "foreground": "enter_foreground",
    "network down": "network_lost",
    "network up": "network_restored",
}


class Move(NamedTuple):
    """Something to try."""

    when: str
    """At once (empty), `HALF` or `NEAR`."""
    line: str
    """The step; what is cancelled goes by the event that this is, a time by what it is for."""
    event: str
    """The event of the chart that it is for certain, if that is known."""

    @property
    def length(self) -> int:
        """How many steps it is."""
        return 2 if self.when else 1

    def steps(self, world: World) -> tuple[Step, ...]:
        """Return the steps that it is in a world."""
        first = (wait_until(world, moment(world, self.when)),) if self.when else ()
        return (*first, self.step(world))

    def step(self, world: World) -> Step:
        """Return the last of its steps, in the world in which that is played."""
        if self.line == _DUE:
            return wait_until(world, world.next_deadline if world.next_deadline < inf else None)
        if self.line == IDLE:
            timings = world.machine.timings
            longest: float = max(getattr(timings, field.name) for field in fields(timings))
            return Step(do="wait", number=longest + 1.0)
        first, _, event = self.line.partition(" ")
        if first == _CANCEL:
            return Step(do=_CANCEL, number=world.machine.interruptible.get(event, 1))
        return _step(self.line)


@cache
def _step(line: str) -> Step:
    return Step.parse(line)


def moves(world: World, customs: tuple[str, ...] = ()) -> Iterator[Move]:
    """Yield what can be tried in a world at once; `customs` are the events of added regions."""
    user = world.user
    if user is None or user.uid != USER:
        yield Move("", "login", "login")
        if "login" not in world.waiting.values():  # a store is asked before anybody logs in
            yield Move("", "restored", "")
    else:
        yield Move("", "login", "login_again")
        yield Move("", f"login {_OTHER}", "login")
    due = [name for _, name in world.machine.deadlines]
    for line, event in _EVENTS.items():
        if event != "ping" or "ping" not in due:  # one of the application's at a time
            yield Move("", line, event)
    for event in world.machine.interruptible:
        yield Move("", f"{_CANCEL} {event}", "")
    for word in world.possible_answers():
        if word not in _REPEATED:
            yield Move("", f"{_WHO[word]} {word}", "")
    for event in customs:
        yield Move("", f"custom {event}", event)


def time_moves(world: World) -> Iterator[Move]:
    """Yield the move to the next deadline; where the machine has none, one past every setting."""
    if world.next_deadline < inf:
        yield Move("", _DUE, "")
    if world.machine.next_deadline is None:
        yield Move("", IDLE, "")


def moment(world: World, when: str) -> float | None:
    """Return the time of a moment before the next deadline; `None` if there is none of its own."""
    now, then = world.now, world.next_deadline
    if not now < then < inf:
        return None
    if when == HALF:
        return (now + then) / 2
    return then - 0.5 if then - now > 1.0 else None


def sleeps(world: World) -> Iterator[tuple[Step, ...]]:
    """Yield the steps that sleep through a deadline: well past it, or until shortly before others."""
    now, first = world.now, world.next_deadline
    if first == inf:
        return
    late = max(now, first) + 1.0  # a broken chart may arm what was due long ago
    moments = {late + 4.0, *(at - 0.5 for at, _ in world.machine.deadlines if at - 0.5 > late)}
    for until in sorted(moments):
        yield Step(do="sleep", number=until - now), _step("wait 0")


def wait_until(world: World, until: float | None) -> Step:
    """Return the step that waits until a time, and not a rounding error less; `None` is now."""
    seconds = 0.0 if until is None else max(0.0, until - world.now)
    while until is not None and world.now + seconds < until:
        seconds = nextafter(seconds, inf)
    return Step(do="wait", number=seconds)


_WHO = {word: who for who, words in ANSWERS.items() for word in words}

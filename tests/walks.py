"""Walks: scripts of what happens to a connection, drawn by Hypothesis and steered by the model.

A script is data, so that one script can be played on the pure machine (`tests/statemodel/world.py`)
and through the trio driver (`tests/transport/trio_world.py`) and the two be compared. While it is
drawn it is played on the pure machine, to know what is possible: mostly enabled steps, and times on
a grid of 1/8 s and exactly at deadlines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from statemodel import Mode, Timings
from tests.statemodel.world import World

GRID = 0.125
_REPORTS = ("background", "foreground", "network_down", "network_up")


@dataclass(frozen=True)
class Step:
    """One thing that happens."""

    do: str
    """call, cancel, report, wait, reach (wait, but fire nothing at the end), peer or store."""
    what: str = ""
    number: float = 0.0
    draw: float = 0.5

    def __repr__(self) -> str:
        return f"Step({self.do!r}, {self.what!r}, {self.number!r}, {self.draw!r})"


@dataclass(frozen=True)
class Script:
    """A whole case."""

    mode: Mode
    foreground: bool
    online: bool
    timings: Timings
    steps: tuple[Step, ...] = field(default=())


def _forward(world: World) -> list[Step]:
    """Steps that lead towards an open socket and an interesting life of it."""
    answers = world.possible_answers()
    for answer in ("authenticated", "saved", "refreshed", "accept", "resume"):
        if answer in answers:
            return [Step("peer", answer)]
    active = world.machine.configuration
    if world.user is None:
        return [Step("call", "login")]
    if "offline" in active:
        return [Step("report", "network_up")]
    if "unwanted" in active:
        return [Step("call", "connect"), Step("report", "foreground")]
    lively = [Step("call", "ping"), Step("report", "background"), Step("report", "foreground")]
    return lively + [
        Step("peer", answer) for answer in ("pong", "drop", "frame") if answer in answers
    ]


def _anything(world: World) -> list[Step]:
    """Everything that may happen next."""
    calls = ["connect", "disconnect", "ping", "send", "logout", "login", "login_other"]
    return [
        *(Step("call", name) for name in calls),
        *(Step("cancel", number=c) for c in sorted(world.waiting)[:2]),
        *(Step("report", what) for what in _REPORTS),
        *(Step("peer", answer) for answer in world.possible_answers()),
    ]


@st.composite
def scripts(
    draw: Any,
    *,
    max_steps: int = 40,
    settle: bool = False,
    timings: Timings | None = None,
) -> tuple[Script, World]:
    """Draw a script; return it with the world in which it was played.

    With `settle`, deadlines fire as soon as a step has been played, as they do in a program with
    tasks; what comes at the very instant of a deadline, and before it, is then one report.
    """
    timings = timings or Timings()
    script = Script(
        mode=draw(st.sampled_from(Mode)),
        foreground=draw(st.integers(0, 3)) > 0,
        online=draw(st.integers(0, 5)) > 0,
        timings=timings,
    )
    world = World(script.mode, timings, foreground=script.foreground, online=script.online)
    world.settles = settle
    steps: list[Step] = []
    for _ in range(draw(st.integers(3, max_steps))):
        luck = draw(st.sampled_from([0.5, 0.0, 0.999]))
        reached = settle and bool(steps) and steps[-1].do == "reach"
        turn = draw(st.integers(3 if reached else 0, 9))
        clearing = settle and "cleared" in world.possible_answers()
        if (
            turn < 3 and clearing
        ):  # its time limit is the driver's: a tie with the machine's is open
            step = Step("peer", draw(st.sampled_from(["cleared", "not_cleared"])), draw=luck)
        elif turn < 3:
            kind = draw(st.integers(0, 3))
            due = world.machine.next_deadline
            if kind == 0 or due is None:
                step = Step("wait", number=draw(st.integers(1, 320)) * GRID, draw=luck)
            elif kind == 1:
                step = Step("wait", number=max(0.0, due - world.now), draw=luck)
            elif kind == 2:
                step = Step("wait", number=max(0.0, due - world.now - GRID), draw=luck)
            else:
                step = Step("reach", number=max(0.0, due - world.now), draw=luck)
        else:
            options = _forward(world) if turn < 8 else _anything(world)
            if reached:
                options = [Step("report", what) for what in _REPORTS]
            elif len(steps) > 6 and draw(st.integers(0, 60)) == 0:
                options = [Step("call", "shut_down")]
            chosen = draw(st.sampled_from(options))
            step = Step(chosen.do, chosen.what, chosen.number, luck)
        steps.append(step)
        world.play(step)
    return Script(script.mode, script.foreground, script.online, timings, tuple(steps)), world

"""Walks: scripts of what happens to a connection, drawn by Hypothesis and steered by the model.

One script can be played on the pure machine and through the trio driver
(`tests/transport/trio_world.py`), and the two be compared. While it is drawn it is played on the
pure machine, to know what is possible: mostly enabled steps, and times on a grid of 1/8 s and
exactly at deadlines.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from statemodel import Mode, Timings
from statemodel._world import World
from statemodel.scripts import Script, Step

GRID = 0.125
_REPORTS = tuple(
    map(Step.parse, ("background", "foreground", "network down", "network up")),
)
_CALLS = tuple(
    map(Step.parse, ("connect", "disconnect", "ping", "send", "logout", "login", "login bob")),
)


def _forward(world: World) -> list[Step]:
    """Steps that lead towards an open socket and an interesting life of it."""
    answers = world.possible_answers()
    for answer in ("authenticated", "saved", "refreshed", "accept", "resume"):
        if answer in answers:
            return [Step.answer(answer)]
    active = world.machine.configuration
    if world.user is None:
        return [Step.parse("login")]
    if "offline" in active:
        return [Step.parse("network up")]
    if "unwanted" in active:
        return [Step.parse("connect"), Step.parse("foreground")]
    lively = [Step.parse("ping"), Step.parse("background"), Step.parse("foreground")]
    return lively + [
        Step.answer(answer) for answer in ("pong", "drop", "frame") if answer in answers
    ]


def _anything(world: World) -> list[Step]:
    """Everything that may happen next."""
    return [
        *_CALLS,
        *(Step(do="cancel", number=c) for c in sorted(world.waiting)[:2]),
        *_REPORTS,
        *map(Step.answer, world.possible_answers()),
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
    world = World.of(script)
    world.settles = settle
    steps: list[Step] = []
    for _ in range(draw(st.integers(3, max_steps))):
        luck = draw(st.sampled_from([0.5, 0.0, 1023 / 1024]))  # times stay exact in binary
        reached = settle and bool(steps) and steps[-1].do == "reach"
        turn = draw(st.integers(3 if reached else 0, 9))
        clearing = settle and "cleared" in world.possible_answers()
        if (
            turn < 3 and clearing
        ):  # its time limit is the driver's: a tie with the machine's is open
            step = Step.answer(draw(st.sampled_from(["cleared", "not_cleared"])), draw=luck)
        elif turn < 3:
            kind = draw(st.integers(0, 3))
            due = world.machine.next_deadline
            if kind == 0 or due is None:
                step = Step(do="wait", number=draw(st.integers(1, 320)) * GRID, draw=luck)
            elif kind == 1:
                step = Step(do="wait", number=max(0.0, due - world.now), draw=luck)
            elif kind == 2:
                step = Step(do="wait", number=max(0.0, due - world.now - GRID), draw=luck)
            else:
                step = Step(do="reach", number=max(0.0, due - world.now), draw=luck)
        else:
            options = _forward(world) if turn < 8 else _anything(world)
            if reached:
                options = list(_REPORTS)
            elif len(steps) > 6 and draw(st.integers(0, 60)) == 0:
                options = [Step.parse("shut_down")]
            step = replace(draw(st.sampled_from(options)), draw=luck)
        steps.append(step)
        world.play(step)
    return replace(script, steps=tuple(steps)), world

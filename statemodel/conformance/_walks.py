"""Steered walks: what happens next is drawn, mostly from what is possible and at telling times.

Hypothesis draws the seed of each. Nothing here knows a state of any machine: what is possible is
known from what the subject has reported.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from statemodel._timings import Timings
from statemodel._vocabulary import Mode
from statemodel.conformance._cases import draws_of
from statemodel.conformance._playing import Playing
from statemodel.conformance._subject import Subject, SubjectError
from statemodel.scripts import Script, Step

CHANCES = st.randoms(use_true_random=True)
"""Generators that Hypothesis seeds. It does not draw each choice itself: it likes to draw again what
it has drawn, and walks that have nothing in common come to more rows of the table."""

GRID = 0.125
"""Seconds between the times at which something happens for no reason."""

_TIMINGS = (
    Timings(),
    Timings(background_grace=4, keep_alive_interval=2),
    Timings(stable_after=2, dial_timeout=20, probe_timeout=12, close_timeout=40),
    Timings(heartbeat_interval=4, pong_timeout=4, probe_timeout=9, auth_timeout=7),
)
_DRAWS = (0.5, 0.0, 0.999, 0.25)
_FORWARD = ("authenticated", "saved", "refreshed", "accept", "resume", "cleared")
_CALLS = ("connect", "connect", "disconnect", "ping", "send", "logout", "login", "login bob")
_REPORTS = ("background", "foreground", "network down", "network up")
_TURN = (
    "connect",
    "disconnect",
    "ping",
    "logout",
    "background",
    "foreground",
    "network up",
    "login",
)
_TOLD = ("connecting", "connected", "connected", "disconnected", "disconnected")


def opening(chance: Any, capabilities: frozenset[str]) -> tuple[Script, float]:
    """Draw how a case is opened, and the random number that its subject is given."""
    modes = [mode for mode in Mode if mode.value in capabilities]
    script = Script(
        mode=chance.choice(modes),
        foreground="background" not in capabilities or chance.randint(0, 3) < 3,
        online="network" not in capabilities or chance.randint(0, 5) < 5,
        timings=chance.choice(_TIMINGS),
    )
    return script, chance.choice(_DRAWS)


def first_steps(chance: Any, capabilities: frozenset[str]) -> tuple[Step, ...]:
    """Draw whether a saved user is found; without a login, that is the only way in."""
    if "restored" not in capabilities:
        return ()
    if chance.randint(0, 9) > (4 if "login" in capabilities else 0):
        return (Step.parse("restored"),)
    return ()


def next_turn(chance: Any, playing: Playing, luck: float) -> tuple[Step, ...]:
    """Draw what happens next: one step, or several in one turn.

    Args:
        chance: A `random.Random`.
        playing: The case so far.
        luck: The random number of the case.
    """
    kind = chance.randint(0, 20)
    # Little can be seen before there was a socket, and nothing for long.
    if kind < (10 if playing.connected else 16):
        steps = [chance.choice(_forward(playing))]
    elif kind < 15:
        steps = [_time(chance, playing)]
    elif kind < 18:
        steps = [chance.choice(_anything(playing))]
    elif kind == 20:
        step = Step.parse(chance.choice(_TURN))
        steps = [replace(step, inside=chance.choice(_TOLD))]
    else:
        many = chance.randint(2, 3)
        steps = [Step.parse(chance.choice(_TURN)) for _ in range(many)]
        if chance.randint(0, 3) == 3:
            due = playing.due()
            steps[0] = Step(do="reach", number=due[0] - playing.now if due else 1.0)
    last = len(steps) - 1
    return tuple(
        replace(step, draw=luck, together=at < last and step.do != "reach")
        for at, step in enumerate(steps)
    )


def _forward(playing: Playing) -> list[Step]:
    """Return steps that lead to an open socket, and to an interesting life of it."""
    answers = playing.pending.answers()
    for answer in _FORWARD:
        if answer in answers:
            return [Step.answer(answer)]
    if not playing.pending.logged_in and "login" in playing.capabilities:
        return [Step.parse("login")]
    if playing.pending.phase != "open":
        return _towards_a_socket(playing)
    lively = [Step.parse("ping"), Step.parse("background"), Step.parse("foreground")]
    return lively + [
        Step.answer(answer) for answer in ("pong", "pong", "drop", "frame") if answer in answers
    ]


def _towards_a_socket(playing: Playing) -> list[Step]:
    """Return steps that lead to a dial: mostly the one that is needed first."""
    pending = playing.pending
    needed = "connect"
    if not pending.online:
        needed = "network up"
    elif not pending.foreground and (pending.is_auto or pending.phase == "none"):
        needed = "foreground"
    return [*map(Step.parse, (*[needed] * 5, "connect", "foreground", "network up"))]


def _time(chance: Any, playing: Playing) -> Step:
    """Draw how long nothing happens: mostly until something is due, or just before."""
    due = playing.due()
    kind = chance.randint(0, 3)
    if kind == 0 or not due:
        return Step(do="wait", number=chance.randint(1, 320) * GRID)
    number = chance.choice(due) - playing.now
    return Step(do="wait", number=max(0.0, number - GRID) if kind == 1 else number)


def _anything(playing: Playing) -> list[Step]:
    """Return everything that can happen next; an end for good only after there was something."""
    return [
        *map(Step.parse, (*_CALLS, *_REPORTS)),
        *(Step(do="cancel", number=command) for command in sorted(playing.pending.calls)[:2]),
        *map(Step.answer, playing.pending.answers()),
        *([Step.parse("shut_down")] if playing.connected or not playing.pending.logged_in else []),
    ]


@st.composite
def walks(
    draw: Any, subject: Subject, max_turns: int = 30
) -> tuple[Playing | Script, SubjectError | None]:
    """Draw a case and play it on a subject; return it, with the trouble that ended it, if any.

    Of a subject that could not even be opened, there is only the script.
    """
    chance = draw(CHANCES)
    opened, luck = opening(chance, subject.capabilities)
    turns = chance.randint(8, max_turns)
    try:
        playing = Playing(subject, opened, draws_of([Step(do="connect", draw=luck)]))
    except SubjectError as error:
        return opened, error
    try:
        playing.play(*(replace(s, draw=luck) for s in first_steps(chance, subject.capabilities)))
        for _ in range(turns):
            playing.play(*next_turn(chance, playing, luck))
        playing.play(Step(do="wait", number=31.0, draw=luck))
        playing.finish()
    except SubjectError as error:
        return playing, error
    return playing, None

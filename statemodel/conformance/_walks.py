"""Steered walks: what happens next is drawn, mostly from what is possible and at telling times.

Hypothesis draws. Nothing here knows a state of any machine: what is possible is known from what
the subject has reported.
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


def opening(draw: Any, capabilities: frozenset[str]) -> tuple[Script, float]:
    """Draw how a case is opened, and the random number that its subject is given."""
    modes = [mode for mode in Mode if mode.value in capabilities]
    script = Script(
        mode=draw(st.sampled_from(modes)),
        foreground="background" not in capabilities or draw(st.integers(0, 3)) < 3,
        online="network" not in capabilities or draw(st.integers(0, 5)) < 5,
        timings=draw(st.sampled_from(_TIMINGS)),
    )
    return script, draw(st.sampled_from(_DRAWS))


def first_steps(draw: Any, capabilities: frozenset[str]) -> tuple[Step, ...]:
    """Draw whether a saved user is found; without a login, that is the only way in."""
    if "restored" not in capabilities:
        return ()
    if draw(st.integers(0, 9)) > (4 if "login" in capabilities else 0):
        return (Step.parse("restored"),)
    return ()


def next_turn(draw: Any, playing: Playing, luck: float) -> tuple[Step, ...]:
    """Draw what happens next: one step, or several in one turn.

    Args:
        draw: Draws from a strategy.
        playing: The case so far.
        luck: The random number of the case.
    """
    kind = draw(st.integers(0, 20))
    if kind < 10:
        steps = [draw(st.sampled_from(_forward(playing)))]
    elif kind < 15:
        steps = [_time(draw, playing)]
    elif kind < 18:
        steps = [draw(st.sampled_from(_anything(playing)))]
    elif kind == 20:
        step = Step.parse(draw(st.sampled_from(_TURN)))
        steps = [replace(step, inside=draw(st.sampled_from(_TOLD)))]
    else:
        many = draw(st.integers(2, 3))
        steps = [Step.parse(draw(st.sampled_from(_TURN))) for _ in range(many)]
        if draw(st.integers(0, 3)) == 3:
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
        return [*map(Step.parse, ("connect", "connect", "foreground", "network up"))]
    lively = [Step.parse("ping"), Step.parse("background"), Step.parse("foreground")]
    return lively + [
        Step.answer(answer) for answer in ("pong", "pong", "drop", "frame") if answer in answers
    ]


def _time(draw: Any, playing: Playing) -> Step:
    """Draw how long nothing happens: mostly until something is due, or just before."""
    due = playing.due()
    kind = draw(st.integers(0, 3))
    if kind == 0 or not due:
        return Step(do="wait", number=draw(st.integers(1, 320)) * GRID)
    number = draw(st.sampled_from(due)) - playing.now
    return Step(do="wait", number=max(0.0, number - GRID) if kind == 1 else number)


def _anything(playing: Playing) -> list[Step]:
    """Return everything that can happen next."""
    return [
        *map(Step.parse, (*_CALLS, *_REPORTS)),
        *(Step(do="cancel", number=command) for command in sorted(playing.pending.calls)[:2]),
        *map(Step.answer, playing.pending.answers()),
        Step.parse("shut_down"),
    ]


@st.composite
def walks(
    draw: Any, subject: Subject, max_turns: int = 30
) -> tuple[Playing | Script, SubjectError | None]:
    """Draw a case and play it on a subject; return it, with the trouble that ended it, if any.

    Of a subject that could not even be opened, there is only the script.
    """
    opened, luck = opening(draw, subject.capabilities)
    turns = draw(st.integers(8, max_turns))
    try:
        playing = Playing(subject, opened, draws_of([Step(do="connect", draw=luck)]))
    except SubjectError as error:
        return opened, error
    try:
        playing.play(*(replace(s, draw=luck) for s in first_steps(draw, subject.capabilities)))
        for _ in range(turns):
            playing.play(*next_turn(draw, playing, luck))
        playing.play(Step(do="wait", number=31.0, draw=luck))
        playing.finish()
    except SubjectError as error:
        return playing, error
    return playing, None

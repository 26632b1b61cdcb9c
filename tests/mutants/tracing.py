"""Judge a changed table or machine by traces: play what leads through the rows that changed.

The original's shortest runs lead to each of those rows; from there on a walk goes on, drawn with a
fixed seed and steered by what the world around the machine can answer. The trace rules judge what
was seen; what cannot be seen of any connection is a verdict too.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from dataclasses import replace

from statemodel import Mode, Table, Timings
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.scripts import Script, Step
from statemodel.trace_rules import judge

TIMINGS = Timings(
    background_grace=40.0,
    heartbeat_interval=30.0,
    pong_timeout=12.0,
    probe_timeout=5.0,
    dial_timeout=10.0,
    auth_timeout=34.0,
    close_timeout=7.0,
    backoff_base=1.0,
    backoff_cap=20.0,
    stable_after=16.0,
    retry_after_cap=300.0,
    keep_alive_interval=25.0,
)
"""No two alike, so that none can pass for another."""

IMPOSSIBLE = "impossible"
"""The verdict on what no connection can do, such as to close a socket that is not there."""

Row = tuple[int, str, bool]

_STEPS = tuple(
    map(
        Step.parse,
        (
            "login", "login bob", "logout", "connect", "disconnect", "ping", "send", "background",
            "foreground", "network down", "network up", "shut_down", "restored",
        ),
    )
)  # fmt: skip
_LIVELY = tuple(step for step in _STEPS if step.do not in ("shut_down", "logout", "restored"))
_FORWARD = ("authenticated", "saved", "refreshed", "accept", "resume", "cleared")
_LENGTH = 14
"""Steps of a walk."""
_PATIENT, _FAILING, _KINDS = 2, 3, 4
"""Of four walks one waits and lets all go well, and one lets each dial fail."""


def original_runs(table: Table) -> Runs:
    """Return the original's runs, with the times in which traces are judged."""
    return Runs(table, TIMINGS)


def judge_by_traces(
    table: Table, runs: Runs, rows: Iterable[Row], *, seeds: int, limit: int
) -> str | None:
    """Lead a table through rows of the original; return the first rule that is broken.

    Args:
        table: The mutant's; or the original's, if it is the machine that has changed.
        runs: The original's.
        rows: The rows in which the two differ.
        seeds: How many walks follow after each row.
        limit: How many plays there are at most.
    """
    scripts = list(dict.fromkeys(script for row in rows if (script := _leading(runs, row))))
    plays = [(seed, script) for seed in range(seeds) for script in scripts]
    for seed, script in plays[:limit]:
        rule = first_finding(script, table, seed)
        if rule is not None:
            return rule
    return None


def _leading(runs: Runs, row: Row) -> Script | None:
    script = runs.taking(*row)
    slept = script is not None and any(step.do == "sleep" for step in script.steps)
    return None if slept else script  # the trace rules judge no clock that has slept


def first_finding(script: Script, table: Table, seed: int) -> str | None:
    """Play a script and a walk after it; return the first rule that is broken."""
    try:
        world = World.of(script, table=table)
    except LookupError:
        return "O2"  # there is no such start any more
    world.play_all(script)
    for step in _walk(world, seed, random.Random(f"{seed} {script.text()}")):
        world.play(step)
    if world.impossible:
        return IMPOSSIBLE
    findings = judge(world.trace or [])
    return findings[0].rule if findings else None


def _walk(world: World, seed: int, chance: random.Random) -> Iterator[Step]:
    """Yield steps of which most lead somewhere, each after the world has taken the one before."""
    if seed % _KINDS in (_PATIENT, _FAILING):
        wished = ("fail", "drop") if seed % _KINDS == _FAILING else (*_FORWARD, "pong")
        for _ in range(2 * _LENGTH):
            answer = next((one for one in wished if one in world.possible_answers()), "")
            step = Step.answer(answer) if answer else _times(world)[0]
            yield replace(step, draw=chance.choice((0.5, 0.999)))
        return
    for _ in range(_LENGTH):
        answers = world.possible_answers()
        forward = [answer for answer in _FORWARD if answer in answers]
        turn = chance.random()
        if turn < 0.35:
            step = chance.choice(_times(world))
        elif turn < 0.6 and forward:
            step = Step.answer(forward[0])
        elif turn < 0.75 and answers:
            step = Step.answer(chance.choice(answers))
        elif turn < 0.95:
            step = chance.choice(_LIVELY)
        elif world.waiting:
            step = Step(do="cancel", number=chance.choice(sorted(world.waiting)))
        else:
            step = chance.choice(_STEPS)
        yield replace(step, draw=chance.choice((0.5, 0.0, 0.999)))


def _times(world: World) -> list[Step]:
    due = world.machine.next_deadline
    left = 3.0 if due is None else max(0.0, due - world.now)
    return [
        Step(do="wait", number=left),
        Step(do="wait", number=left / 2),
        Step(do="wait", number=max(0.0, left - 0.5)),
        Step(do="reach", number=left),
    ]


def judge_backoff(table: Table) -> str | None:
    """Let dials fail and sockets be lost; return B1 or B2 if a wait is not the rulebook's.

    The rules on traces know the bounds of a wait only, because a trace does not tell what was drawn.
    """
    stable = TIMINGS.stable_after
    for draw in (0.0, 0.25, 0.999):
        world = _dialling(table)
        for failures in range(1, 9):
            world.play(Step.answer("fail", draw=draw))
            if not _waits(world, draw, failures):
                return "B1"
        for connected, failures in ((stable - 0.5, 9), (stable + 0.5, 1), (stable / 2, 2)):
            world.play(Step.answer("accept"))
            world.play(Step(do="wait", number=connected))
            world.play(Step.answer("drop", draw=draw))
            if not _waits(world, draw, failures):
                return "B2"
    return None


def _dialling(table: Table) -> World:
    world = World.of(Script(mode=Mode.AUTO, timings=TIMINGS), table=table)
    for line in ("login", "authenticator authenticated", "store saved"):
        world.play(Step.parse(line))
    return world


def _waits(world: World, draw: float, failures: int) -> bool:
    """Let the wait for a retry pass; say whether it is what B1 makes of the draw."""
    wait = (world.machine.next_deadline or 0.0) - world.now
    most = min(TIMINGS.backoff_cap, TIMINGS.backoff_base * 2 ** (failures - 1))
    world.play(Step(do="wait", number=wait))
    return abs(wait - draw * most) < 1e-9


def changed_rows(table: Table, original: Table) -> list[Row]:
    """Return the original's rows that another table has not, or has with another answer."""
    others = {states: index for index, states in enumerate(table.configurations)}
    common = set(table.events)
    found = []
    for index, event, embargoed, row in original.rows():
        other = others.get(original.configurations[index])
        if other is None or event not in common:
            found.append((index, event, embargoed))
            continue
        mine = table.row(other, event, embargoed=embargoed)
        if (
            mine._replace(target=0) != row._replace(target=0)
            or table.configurations[mine.target] != original.configurations[row.target]
            or table.statuses[mine.target] != original.statuses[row.target]
        ):
            found.append((index, event, embargoed))
    return found

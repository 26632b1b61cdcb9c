"""Shortest and covering runs: each does what it is for, and none could be shorter."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statemachine import State

from statemodel import ConnectionChart, Disposition, Mode, Table, Timings, compile_chart, extend
from statemodel._connection_table import TABLE
from statemodel._moves import wait_until
from statemodel._runs import Runs
from statemodel._world import World
from statemodel.scripts import Script, Step
from statemodel.trace_rules import judge

RUNS = Runs(TABLE)
COVERING = RUNS.covering()
ALL_COVERING = RUNS.covering(judged=False)


def _cells(world: World, table=TABLE) -> set[tuple[int, str, bool]]:
    """Return the rows of the world's last step."""
    return {(at, e, under and e in table.embargoed[at]) for at, e, under in world.machine.rows}


def _last(script: Script, table=TABLE) -> World:
    world = World.of(script, table=table)
    world.play_all(script)
    return world


def _sleeps(script: Script) -> bool:
    return any(step.do == "sleep" for step in script.steps)


def _covered(scripts: tuple[Script, ...], table=TABLE) -> set[tuple[int, str, bool]]:
    found: set[tuple[int, str, bool]] = set()
    for script in scripts:
        world = World.of(script, table=table, traced=False)
        for step in script.steps:
            world.play(step)
            found |= _cells(world, table)
    return found


def test_a_run_takes_its_row_in_its_last_step():
    """Whoever plays the script on a fresh machine sees the row taken, whatever it does."""
    assert len(RUNS.taken()) > 1800
    for at, event, embargoed in RUNS.taken():
        script = RUNS.taking(at, event, embargoed)

        assert script is not None
        assert (at, event, embargoed) in _cells(_last(script)), script


def test_a_run_reaches_its_configuration():
    """Every configuration of the shipped table is reached, without a sleep, or impossible in time."""
    for at, states in enumerate(TABLE.active):
        script = RUNS.to(at)
        # By the time that a heartbeat is due, credentials are not renewed any more (H1, B5).
        if {"auto", "renewed", "probing"} <= states:
            assert script is None
        else:
            assert script is not None
            assert _last(script).machine.at == at
            assert not _sleeps(script)


ALPHABET = [
    Step.parse(line)
    for line in (
        "authenticator authenticated", "authenticator not_authenticated", "background", "cancel 1",
        "connect", "disconnect", "foreground", "login", "login bob", "logout", "network down",
        "network up", "peer accept", "peer fail", "ping", "restored", "send", "shut_down",
        "store saved",
    )
]  # fmt: skip
"""Steps that take no time, in the order of their lines."""


def _everything(world: World, steps: tuple[Step, ...], depth: int) -> Iterator[tuple]:
    if depth == 0:
        return
    for step in ALPHABET:
        known = world.user is not None and world.user.uid == "alice"
        if step.do == "restored" and (known or "login" in world.waiting.values()):
            continue  # a store is asked before anybody logs in
        after = world.copy()
        after.play(step)
        yield (*steps, step), after
        yield from _everything(after, (*steps, step), depth - 1)


def test_no_run_could_be_shorter():
    """Against every sequence of three steps that take no time: the shortest, and of these the first."""
    rows: dict[tuple, tuple] = {}
    places: dict[int, tuple] = {}
    for mode, foreground, online in product(Mode, (True, False), (True, False)):
        start = Script(mode=mode, foreground=foreground, online=online)
        for steps, world in _everything(World.of(start, traced=False), (), 3):
            lines = replace(start, steps=steps).text().splitlines()
            rank = (len(steps), lines)
            places[world.machine.at] = min(rank, places.get(world.machine.at, rank))
            for cell in _cells(world):
                rows[cell] = min(rank, rows.get(cell, rank))

    assert len(rows) > 500
    assert len(places) > 25
    for cell, (length, lines) in rows.items():
        script = RUNS.taking(*cell)
        assert script is not None, (cell, lines)
        assert (len(script.steps), script.text().splitlines()) == (length, lines)
    for at, (length, lines) in places.items():
        script = RUNS.to(at)
        assert script is not None
        if script.steps:  # a start is reached without any
            assert (len(script.steps), script.text().splitlines()) == (length, lines)


def test_sleep_is_for_those_rows_that_need_it():
    """H5: a run sleeps only where no other takes the row."""
    sleeping = {cell for cell in RUNS.taken() if _sleeps(RUNS.taking(*cell))}

    assert {event for _, event, _ in sleeping} >= {"overslept"}
    assert _covered(COVERING) & sleeping == set()


def test_covering_runs_take_every_row_that_any_run_takes():
    """Together they take what the single runs take: all of it, or all of it that needs no sleep."""
    awake = {cell for cell in RUNS.taken() if not _sleeps(RUNS.taking(*cell))}

    assert _covered(COVERING) == awake
    assert _covered(ALL_COVERING) >= RUNS.taken()
    assert not any(map(_sleeps, COVERING))


def test_covering_runs_are_short_and_few():
    """No run is long, and all together are far shorter than one run for each row."""
    single = sum(len(RUNS.taking(*cell).steps) for cell in RUNS.taken())

    assert max(len(script.steps) for script in COVERING) <= 30
    assert sum(len(script.steps) for script in COVERING) < 4500 < single


def test_covering_runs_keep_the_rules():
    """The trace rules find nothing in what the shipped table does in them, nor anything impossible."""
    for script in COVERING:
        world = _last(script)

        assert judge(world.trace) == [], script.text()
        assert world.impossible == []


def test_where_nothing_is_due_much_time_is_let_pass():
    """Timers that are never started are noticed: K4, K5 and S1 wait for what they should have done."""
    steps = tuple(
        step._replace(actions=tuple(a for a in step.actions if not a.startswith("start_")))
        for step in TABLE.steps
    )
    broken = replace(TABLE, steps=steps)
    found = {
        finding.rule
        for script in Runs(broken).covering()
        for finding in judge(_last(script, broken).trace)
    }

    assert {"K4", "K5", "S1"} <= found


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6))
def test_a_wait_is_never_a_rounding_error_short(now, length):
    """H4: who waits until a deadline finds it due, whatever the sum of the floats is."""
    world = World(Mode.AUTO, Timings())
    world.now = now
    step = wait_until(world, now + length)

    assert step.number <= length + 1e-9
    assert now + step.number >= now + length


@pytest.mark.parametrize("actions", [(), ("start_grace",)], ids=["alike", "with another timer"])
def test_of_two_ways_of_one_length_the_first_in_order_is_taken(actions):
    """Where two steps lead to one configuration, the smaller line wins, whichever is tried first."""
    start = TABLE.start("auto", "foreground", "online")
    goal = TABLE.start("auto", "background", "online")
    timed = next(i for i, step in enumerate(TABLE.steps) if step.actions == actions)
    handled, refused = list(TABLE.handled), list(TABLE.refused)
    handled[start] = {**handled[start], "connect": (goal, timed)}
    refused[start] = {}
    runs = Runs(
        replace(TABLE, handled=tuple(handled), refused=tuple(refused), starts=TABLE.starts[:1])
    )
    script = runs.taking(goal, "login")

    assert script is not None
    assert [str(step) for step in script.steps] == ["background", "login"]
    assert runs.to(goal).steps == script.steps[:1]


HASHED = """
from hashlib import sha256
from statemodel._connection_table import TABLE
from statemodel._runs import Runs
runs = Runs(TABLE)
scripts = [*runs.covering(), *runs.covering(judged=False)]
scripts += [runs.taking(*cell) for cell in sorted(runs.taken())]
print(sha256("".join(script.text() for script in scripts).encode()).hexdigest())
"""


def test_runs_are_the_same_in_every_process():
    """Nothing hangs on the order of sets or on hashes."""
    printed = {
        subprocess.run(
            [sys.executable, "-c", HASHED],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }

    assert len(printed) == 1


def test_an_end_is_put_to_the_search():
    """With a limit it says that it did not come to its end; what it found is right all the same."""
    runs = Runs(TABLE, limit=20)

    assert not runs.complete
    assert RUNS.complete
    assert len(runs.taken()) < len(RUNS.taken())
    assert all((at, e, u) in _cells(_last(runs.taking(at, e, u))) for at, e, u in runs.taken())
    assert any(runs.to(at) is None and RUNS.to(at) for at in range(len(TABLE.active)))


def _changed(states: set[str], event: str, **cell: int) -> Table:
    """Return the table with another target or step in the cells of some configurations."""
    handled = []
    for active, row in zip(TABLE.active, TABLE.handled, strict=True):
        changed = dict(row)
        if states <= active and event in row:
            target, step = row[event]
            changed[event] = cell.get("target", target), cell.get("step", step)
        handled.append(changed)
    return replace(TABLE, handled=tuple(handled))


EMBARGO = next(i for i, step in enumerate(TABLE.steps) if step.actions == ("start_embargo",))
CLOSING = next(i for i, step in enumerate(TABLE.steps) if "close" in step.actions)
DIALLING = next(i for i, step in enumerate(TABLE.steps) if "start_retry" in step.actions)
BROKEN = [
    _changed({"connected"}, "enter_background", target=0),
    _changed({"logged_out"}, "login", step=CLOSING),
    _changed({"logged_out"}, "login", step=EMBARGO),
    _changed({"backing_off"}, "retry_due", step=DIALLING),
    _changed(set(), "dial_succeeded", target=0, step=DIALLING),
    _changed(
        set(), "stable_due", step=next(i for i, s in enumerate(TABLE.steps) if "dial" in s.actions)
    ),
    replace(TABLE, refused=tuple({} for _ in TABLE.refused)),
    replace(TABLE, stale=tuple(frozenset() for _ in TABLE.stale)),
    replace(TABLE, handled=tuple({} for _ in TABLE.handled)),
    replace(TABLE, starts=TABLE.starts[:1]),
    replace(TABLE, starts=()),
]


@pytest.mark.parametrize("table", BROKEN, ids=range(len(BROKEN)))
def test_the_search_ends_on_a_broken_chart(table):
    """Whatever a chart does, the search comes to an end, and its runs can be played."""
    runs = Runs(table)
    taken = runs.taken()

    assert _covered(runs.covering(judged=False), table) >= taken
    for at in range(len(table.configurations)):
        script = runs.to(at)
        assert script is None or _last(script, table).machine.at == at


def test_there_is_no_run_to_what_does_not_exist():
    """Rows and configurations that the table does not have, or that nobody reaches, give `None`."""
    assert RUNS.to(-1) is None
    assert RUNS.to(len(TABLE.configurations)) is None
    assert RUNS.taking(0, "nonsense") is None
    assert RUNS.taking(10_000, "connect", embargoed=True) is None
    never = RUNS.never()
    assert never
    assert all(RUNS.taking(*cell) is None for cell in never)
    assert all(
        TABLE.row(at, event, embargoed=under).disposition is Disposition.HANDLED
        for at, event, under in never
    )


def test_runs_keep_to_the_settings():
    """The times in a run are those at which something is due with these settings."""
    timings = Timings(dial_timeout=0.1, close_timeout=7.0)
    runs = Runs(TABLE, timings)
    at = next(i for i, states in enumerate(TABLE.active) if "connecting" in states)
    script = runs.taking(at, "dial_due")

    assert script is not None
    assert script.timings == timings
    assert script.steps[-1] == Step(do="wait", number=0.1)
    assert (at, "dial_due", False) in _cells(_last(script))


class Battery(State.Compound, name="battery"):
    """Is the battery full or low?"""

    full = State(initial=True)
    low = State()

    battery_low = full.to(low)
    battery_full = low.to(full)


def test_runs_go_through_an_added_region():
    """A chart made with `extend` has runs to each of its rows that the shipped one has, and its own."""
    table = compile_chart(extend(ConnectionChart, Battery))
    runs = Runs(table)
    low = [at for at, states in enumerate(table.active) if "low" in states]
    reached = [at for at in low if runs.to(at) is not None]

    assert runs.complete
    assert len(reached) == sum(RUNS.to(at) is not None for at in range(len(TABLE.active)))
    assert runs.taking(low[0], "battery_full").steps[-1] == Step.parse("custom battery_full")
    missing = {event for at, event, _ in runs.never() if runs.to(at) is not None}
    assert missing <= {event for _, event, _ in RUNS.never()}

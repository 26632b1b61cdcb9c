"""The world that plays scripts: any chart can be played, and what cannot be is said."""

from __future__ import annotations

from dataclasses import replace

import pytest
from statemachine import State

from statemodel import (
    ConnectionChart,
    InvalidInput,
    Mode,
    Table,
    Timings,
    compile_chart,
    effects,
    extend,
)
from statemodel import traces as t
from statemodel._connection_table import TABLE
from statemodel._world import World
from statemodel.scripts import Script, Step
from statemodel.trace_rules import judge

CONNECTED = """
    open manual
    login
    authenticator authenticated
    store saved
    connect
    peer accept
"""


def _played(text: str, table: Table | None = None) -> World:
    script = Script.parse(text)
    world = World.of(script, table=table)
    world.play_all(script)
    return world


def _with_actions(**instead: tuple[str, ...]) -> Table:
    """Return the table with other actions in the place of some."""
    steps = tuple(
        step._replace(
            actions=tuple(new for old in step.actions for new in instead.get(old, (old,)))
        )
        for step in TABLE.steps
    )
    return replace(TABLE, steps=steps)


def _with_cell(states: set[str], event: str, cell: tuple[int, int] | None) -> Table:
    """Return the table with another cell in every configuration with these states; `None`: none."""
    handled = [
        {**row, event: cell or (at, row[event][1])} if states <= active and event in row else row
        for at, (row, active) in enumerate(zip(TABLE.handled, TABLE.active, strict=True))
    ]
    return replace(TABLE, handled=tuple(handled))


@pytest.mark.parametrize(
    ("instead", "more", "said"),
    [
        ({"dial": ("close",)}, "", "asked to close a socket that is not open"),
        ({"dial": ("dial", "close")}, "", "asked to close socket 1, which is still being dialled"),
        ({"dial": ("send_probe", "dial")}, "", "asked to send a ping without an open socket"),
        ({"dial": ("dial", "refresh")}, "", "asked to refresh the credentials in the middle"),
        ({"dial": ("refresh", "dial")}, "", "asked to dial while the credentials are being"),
        ({"dial": ("abort", "dial")}, "", "asked to abort what is not there"),
        ({"close": ("close", "close")}, "disconnect", "asked to close a socket that is not open"),
        ({"adopt_user": ()}, "", "the machine broke down: S8"),
        ({"cancel_login": ("save",)}, "logout\nlogin\nlogout", "the machine broke down: S1"),
    ],
)
def test_what_a_broken_chart_asks_for_and_cannot_be_is_said(instead, more, said):
    """A world never raises for what a chart does: a sentence with its time says what cannot be."""
    world = _played(f"{CONNECTED}\n{more}", _with_actions(**instead))

    assert any(sentence.startswith(f"0: {said}") for sentence in world.impossible), world.impossible


def test_what_a_trace_can_tell_is_in_the_trace():
    """K1, C4: a second dial and a call that ends twice are for the rules to find."""
    dialled = _played(CONNECTED, _with_actions(dial=("dial", "dial")))
    returned = _played("open auto\nlogin")
    for _ in range(2):
        returned._perform(effects.Succeed(command=1))

    assert dialled.impossible == returned.impossible == []
    assert "K1" in {finding.rule for finding in judge(dialled.trace)}
    assert "C4" in {finding.rule for finding in judge(returned.trace)}


def test_a_chart_that_never_comes_to_rest_stops_the_play():
    """A timer that starts itself for a time that is past would fire for ever: it is cut off."""
    again = next(i for i, step in enumerate(TABLE.steps) if "start_retry" in step.actions)
    at = next(i for i, states in enumerate(TABLE.active) if "backing_off" in states)
    table = _with_cell({"backing_off"}, "retry_due", (at, again))
    world = _played(f"{CONNECTED}\npeer drop draw 0\nwait 1 draw 0\nlogout\nwait 5", table)

    assert [s.partition(": ")[2] for s in world.impossible] == [
        "the machine broke down: retry_due fires again and again"
    ]
    assert world.stopped
    assert world.now == 6.0


def test_a_copy_goes_its_own_way():
    """What is played on a copy changes nothing of the world that it was made from."""
    world = _played(f"{CONNECTED}\nping")
    before = (world.machine.copy(), list(world.trace), dict(world.waiting), world.outstanding)
    other = world.copy()
    for line in ("peer pong", "ping", "disconnect", "wait 3", "peer drop", "logout", "wait 60"):
        other.play(Step.parse(line))

    assert (world.machine, world.trace, world.waiting, world.outstanding) == before
    assert other.machine != world.machine
    assert other.trace[: len(world.trace)] == world.trace


def test_a_world_without_a_trace_does_the_same():
    """The trace is for looking on: without one the machine comes to the same."""
    script = Script.parse(f"{CONNECTED}\nping\nwait 40\nbackground\nwait 100")
    silent = World.of(script, traced=False)
    silent.play_all(script)

    assert silent.trace is None
    assert silent.machine == _played(script.text()).machine


def test_what_is_slept_through_is_found_late_by_the_next_step():
    """H5: nothing fires in a sleep; the first step after it finds the deadline passed."""
    world = _played(f"{CONNECTED}\nbackground\nsleep 100")
    asleep = world.machine.configuration
    world.play(Step.parse("foreground"))

    assert "window" in asleep
    assert [e.time for e in world.trace if isinstance(e, t.CloseBegun)] == [100.0]
    assert "closing" in world.machine.configuration


def test_a_store_that_was_due_in_a_sleep_has_not_answered():
    """S5: the adapter's patience with a clearing is over when the machine wakes."""
    world = _played("open auto\nlogout\nsleep 40\nlogout")
    clears = [(e.time, e.phase) for e in world.trace if isinstance(e, t.Stored)]

    assert clears == [(0.0, "begun"), (40.0, "given_up"), (40.0, "begun")]


def test_a_step_at_the_wrong_moment_does_nothing():
    """No answer is given to what nobody asked, and no call cancelled that does not wait."""
    world = World(Mode.AUTO, Timings())
    for line in ("peer accept", "store saved", "reader pause", "cancel 1", "authenticator revoked"):
        world.play(Step.parse(line))

    assert len(world.trace) == 1


class Battery(State.Compound, name="battery"):
    """Is the battery full or low?"""

    full = State(initial=True)
    low = State()

    battery_low = full.to(low)
    battery_full = low.to(full)


def test_events_of_an_added_region_can_be_played():
    """A chart made with `extend` is played like the shipped one, its own events by name."""
    table = compile_chart(extend(ConnectionChart, Battery))
    world = _played(f"{CONNECTED}\ncustom battery_low", table)

    assert "low" in world.machine.configuration
    assert world.trace == _played(CONNECTED).trace
    with pytest.raises(InvalidInput, match="nonsense"):
        world.play(Step.parse("custom nonsense"))
    with pytest.raises(InvalidInput, match="battery_low"):
        _played("open auto\ncustom battery_low")

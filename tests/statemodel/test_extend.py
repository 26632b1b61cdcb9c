"""A region of one's own: a battery saver beside the connection, which it must not change.

While the battery is low, the region asks for longer back-off; the host does that by giving the
machine other timings.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from statemachine import State, StateChart

from statemodel import (
    ConnectionChart,
    Credentials,
    InvalidChart,
    InvalidInput,
    Machine,
    Mode,
    Table,
    Timings,
    User,
    compile_chart,
    effects,
    events,
    extend,
)
from statemodel import _connection_table as committed
from statemodel._clauses import Heard
from statemodel._connection_table import TABLE
from statemodel._write_table import module_text

EFFECTS = ("lengthen_backoff", "restore_backoff")
USUAL = Timings()
SAVING = Timings(backoff_base=20.0, backoff_cap=600.0)


class Battery(State.Compound, name="battery"):
    """Is the battery full or low?"""

    full = State(initial=True)
    low = State(enter="lengthen_backoff", exit="restore_backoff")

    battery_low = full.to(low)
    battery_full = low.to(full)


@pytest.fixture(scope="module")
def chart() -> type:
    """Return the chart with the battery."""
    return extend(ConnectionChart, Battery, custom_effects=EFFECTS)


@pytest.fixture(scope="module")
def table(chart: type) -> Table:
    """Return its table."""
    return compile_chart(chart)


def _without(states: tuple[str, ...], region: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in states if name not in region)


def _project(table: Table, region: tuple[str, ...]) -> list[int]:
    """Return, for each configuration, the one of the connection alone."""
    index = {states: number for number, states in enumerate(TABLE.configurations)}
    return [index[_without(states, region)] for states in table.configurations]


def _assert_connection_unchanged(table: Table, region: tuple[str, ...]) -> None:
    """Assert that each row of an old event is what it was, seen without the new region."""
    old = _project(table, region)
    assert set(old) == set(range(len(TABLE.configurations)))
    for at, before in enumerate(old):
        assert table.statuses[at] == TABLE.statuses[before]
        for event in TABLE.events:
            for embargoed in (False, True):
                row = table.row(at, event, embargoed=embargoed)
                plain = row._replace(target=old[row.target])
                assert plain == TABLE.row(before, event, embargoed=embargoed), event


def test_the_connection_behaves_row_for_row_as_before(table: Table) -> None:
    """Projected to the old regions, every configuration and event has the row it had."""
    _assert_connection_unchanged(table, ("full", "low"))


def test_the_product_is_complete_and_nothing_else(table: Table) -> None:
    """Each old configuration occurs once with each state of the battery."""
    assert len(table.configurations) == 2 * len(TABLE.configurations)
    assert set(table.events) == {*TABLE.events, "battery_low", "battery_full"}
    assert table.regions == (*TABLE.regions, ("battery", ("full", "low")))
    assert (table.timers, table.kinds) == (TABLE.timers, TABLE.kinds)
    assert [chosen for chosen, _ in table.starts] == [chosen for chosen, _ in TABLE.starts]
    assert all("full" in table.active[at] for _, at in table.starts)


def test_the_chart_does_not_change_the_battery(table: Table) -> None:
    """An old event leaves the new region where it is, and a new one leaves the old regions."""
    old = _project(table, ("full", "low"))
    for at, event, _, row in table.rows():
        if event.startswith("battery"):
            assert old[row.target] == old[at]
        else:
            assert ("low" in table.active[at]) == ("low" in table.active[row.target])


def _machine(table: Table) -> Machine:
    """Return a machine whose first dial is out."""
    machine = Machine(table=table)
    ann = Credentials(uid="ann")
    (authenticate,) = machine.handle(events.Login(command=1, credentials=ann), 0.0)
    assert isinstance(authenticate, effects.Authenticate)
    user, generation = User(uid="ann"), authenticate.generation
    machine.handle(events.AuthenticationSucceeded(generation=generation, user=user), 0.0)
    machine.handle(events.SaveSucceeded(generation=generation), 0.0)
    assert "connecting" in machine.configuration
    return machine


def test_the_machine_emits_custom_effects(table: Table) -> None:
    """Events of the region go in with `Custom`, and its actions come out as `effects.Custom`."""
    machine = _machine(table)
    low, full = events.Custom(name="battery_low"), events.Custom(name="battery_full")
    assert machine.handle(full, 1.0) == ()
    assert machine.handle(low, 1.0) == (effects.Custom(name="lengthen_backoff"),)
    assert machine.handle(low, 1.0) == ()
    assert "low" in machine.configuration
    assert machine.handle(full, 1.0) == (effects.Custom(name="restore_backoff"),)
    assert machine == _machine(table)


def test_a_machine_without_the_region_does_not_know_its_events() -> None:
    """The same `Custom` is an invalid input to a machine of the plain chart."""
    with pytest.raises(InvalidInput, match="battery_low"):
        Machine().handle(events.Custom(name="battery_low"), 0.0)


def _host(machine: Machine, event: events.Event, now: float, draw: float = 0.0) -> None:
    """Give a machine an event, and answer its custom effects with other timings."""
    for effect in machine.handle(event, now, draw):
        if isinstance(effect, effects.Custom):
            machine.timings = {"lengthen_backoff": SAVING, "restore_backoff": USUAL}[effect.name]


@pytest.mark.parametrize("draw", [0.0, 0.3, math.nextafter(1.0, 0.0)])
def test_backoff_keeps_its_bound_with_the_timings_of_the_moment(table: Table, draw: float) -> None:
    """B1 holds with the longer times while the battery is low, and with the usual ones after."""
    machine, now = _machine(table), 1.0
    for failures in range(1, 31):
        if failures == 4:
            _host(machine, events.Custom(name="battery_low"), now)
            assert machine.timings is SAVING
        if failures == 25:
            _host(machine, events.Custom(name="battery_full"), now)
            assert machine.timings is USUAL
        timings = machine.timings
        _host(machine, events.DialFailed(generation=machine.generation), now, draw)
        assert machine.failures == failures
        end = min(timings.backoff_cap, timings.backoff_base * 2 ** (failures - 1))
        due = machine.timers["retry"]
        assert due == pytest.approx(now + draw * end)
        assert due <= now + timings.backoff_cap
        now = due
        _host(machine, events.TimePassed(), now)
        assert "connecting" in machine.configuration


def test_the_original_chart_is_untouched(chart: type) -> None:
    """After extending and compiling, the original still compiles to the committed table."""
    compile_chart(chart)
    assert module_text(compile_chart(ConnectionChart)) == Path(committed.__file__).read_text(
        "utf-8"
    )
    assert not hasattr(ConnectionChart, "custom_effects")


def test_extending_is_repeatable(chart: type, table: Table) -> None:
    """The same region can be added again to the same chart, with an equal result."""
    again = extend(ConnectionChart, Battery, custom_effects=EFFECTS)
    assert again is not chart
    assert compile_chart(again) == table


def test_the_new_chart_has_the_name_asked_for(chart: type) -> None:
    """By default the new class is named after the chart and the region."""
    assert chart.__name__ == "ConnectionChartWithBattery"
    named = extend(ConnectionChart, Battery, custom_effects=EFFECTS, name="Saver")
    assert compile_chart(named).chart == "Saver"


def test_an_extended_chart_can_be_extended(chart: type) -> None:
    """Two regions side by side leave the connection as it was, and keep their effects."""

    class Display(State.Compound, name="display"):
        lit = State(initial=True)
        unlit = State(enter="dim")

        display_toggled = lit.to(unlit) | unlit.to(lit)

    table = compile_chart(extend(chart, Display, custom_effects=["dim"]))
    assert len(table.configurations) == 4 * len(TABLE.configurations)
    _assert_connection_unchanged(table, ("full", "low", "lit", "unlit"))
    machine = Machine(table=table)
    for event, name in (("battery_low", "lengthen_backoff"), ("display_toggled", "dim")):
        assert machine.handle(events.Custom(name=event), 0.0) == (effects.Custom(name=name),)


class Meter(State.Compound, name="meter"):
    """Uses states and events of the chart, with and without event."""

    stopped = State(initial=True)
    running = State()
    idle = State()

    dial_succeeded = stopped.to(running)
    enter_background = running.to(idle, cond="manual and connected")
    meter_reset = running.to(stopped, cond="foreground and connected")
    running.to(stopped, cond="not connected")
    idle.to(stopped, cond="foreground or not connected")


def test_a_region_may_use_states_and_events_of_the_chart() -> None:
    """Guards such as `connected` are those of the chart, and its events move the region too."""
    table = compile_chart(extend(ConnectionChart, Meter, heard=[Heard("running", "meter_reset")]))
    old = _project(table, ("stopped", "running", "idle"))
    for at, event, embargoed, row in table.rows():
        if event in TABLE.events:  # one that the connection ignores may move the region
            before = TABLE.row(old[at], event, embargoed=embargoed)
            assert (old[row.target], row.step, row.code) == before[1:]
    for states in table.active:
        assert "connected" in states or "stopped" in states
        assert "idle" not in states or states >= {"manual", "background"}
    machine = _machine(table)
    machine.handle(events.DialSucceeded(generation=machine.generation), 1.0)
    assert "running" in machine.configuration
    machine.handle(events.Custom(name="meter_reset"), 1.0)
    assert "stopped" in machine.configuration


def test_events_of_a_region_may_be_heard_only_in_some_states() -> None:
    """A `Heard` line given to `extend` makes the region's event stale elsewhere."""
    chart = extend(
        ConnectionChart, Battery, custom_effects=EFFECTS, heard=[Heard("online", "battery_low")]
    )
    machine = Machine(table=compile_chart(chart), online=False, mode=Mode.MANUAL)
    assert machine.handle(events.Custom(name="battery_low"), 0.0) == ()
    machine.handle(events.NetworkRestored(), 0.0)
    assert machine.handle(events.Custom(name="battery_low"), 0.0) != ()


def test_a_chain_that_overlaps_is_accepted_in_a_region() -> None:
    """The first of a `|` chain wins in an added region as well."""

    class Lane(State.Compound, name="lane"):
        left = State(initial=True)
        middle = State()
        right = State()

        lane_changed = left.to(middle, cond="offline") | left.to(right)
        lane_reset = middle.to(left) | right.to(left)

    table = compile_chart(extend(ConnectionChart, Lane))
    changed = events.Custom(name="lane_changed")
    for online, lane in ((True, "right"), (False, "middle")):
        machine = Machine(table=table, online=online)
        machine.handle(changed, 0.0)
        assert lane in machine.configuration


def _region(key: str = "extra", one: str = "one", other: str = "other", **enter: str) -> State:
    """Return a region with these names."""

    body = {one: State(initial=True), other: State(**enter)}
    body["extra_toggled"] = body[one].to(body[other]) | body[other].to(body[one])
    region: State = type(State.Compound)("Region", (State.Compound,), body, name=key)
    return region


@pytest.mark.parametrize(
    "names",
    [
        ("session",),
        ("socket",),
        ("connection",),
        ("extra", "connected"),
        ("extra", "one", "waiting"),
    ],
)
def test_names_that_the_chart_has_are_rejected(names: tuple[str, ...]) -> None:
    """A region or state with the name of one that is there raises `InvalidChart` and names it."""
    with pytest.raises(InvalidChart, match="ConnectionChart already has") as caught:
        extend(ConnectionChart, _region(*names))
    assert repr(names[-1]) in str(caught.value)


@pytest.mark.parametrize("name", ["connect", "save_due", "embargoed"])
def test_names_of_events_and_questions_are_rejected_for_states(name: str) -> None:
    """A state with the name of an event or question of the chart raises `InvalidChart`."""
    with pytest.raises(InvalidChart, match=name):
        compile_chart(extend(ConnectionChart, _region("extra", "one", name)))


@pytest.mark.parametrize("name", ["logged_in", "dial_failed"])
def test_names_of_states_and_events_are_rejected_for_effects(name: str) -> None:
    """A custom effect with the name of a state or event raises `InvalidChart`."""
    region = _region("extra", "one", "other", enter=name)
    with pytest.raises(InvalidChart, match=name):
        compile_chart(extend(ConnectionChart, region, custom_effects=[name]))


class Small(StateChart[Any]):
    """A chart that compiles at once."""

    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)


@pytest.mark.parametrize("name", ["done", "taken", "asked", "send"])
def test_no_custom_effect_is_lost(name: str) -> None:
    """A custom effect is in the table, whatever its name."""
    region = _region("extra", "one", "other", enter=name)
    table = compile_chart(extend(Small, region, custom_effects=[name]))
    at = table.active.index(frozenset({"dark", "one"}))
    assert table.row(at, "extra_toggled").step.actions == (name,)


def test_effects_that_are_not_declared_are_rejected() -> None:
    """An action of the region that is not among its custom effects is named with its state."""
    with pytest.raises(InvalidChart, match="state 'low' names 'lengthen_backoff'"):
        compile_chart(extend(ConnectionChart, Battery))


@pytest.mark.parametrize("wrong", [State("x"), State, int, None, "battery", ConnectionChart, 3])
def test_what_is_no_region_is_rejected(wrong: Any) -> None:
    """Only a compound state with states in it is a region."""
    with pytest.raises(InvalidChart, match="is no region"):
        extend(ConnectionChart, wrong)


def test_entering_the_initial_state_is_not_silently_lost() -> None:
    """An action or timer on the entry of a start is an error, since no machine would run it."""

    class Eager(State.Compound, name="eager"):
        one = State(initial=True, enter="hello")
        other = State()

        eager_toggled = one.to(other) | other.to(one)

    with pytest.raises(InvalidChart, match="one"):
        compile_chart(extend(ConnectionChart, Eager, custom_effects=["hello"]))


def test_every_start_is_at_rest() -> None:
    """A transition without event that a start enables is taken there, or the chart is rejected."""

    class Eager(State.Compound, name="eager"):
        one = State(initial=True)
        other = State()

        one.to(other, cond="online")
        other.to(one, cond="offline")

    try:
        table = compile_chart(extend(ConnectionChart, Eager))
    except InvalidChart:
        return
    assert not any(table.active[at] >= {"one", "online"} for _, at in table.starts)

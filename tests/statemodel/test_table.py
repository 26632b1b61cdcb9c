"""The committed table: fresh, small, and total over the configurations and events of the chart."""

from __future__ import annotations

import os
import subprocess
import sys
from itertools import product
from pathlib import Path

import pytest

import statemodel
from statemodel import Code, ConnectionChart, Disposition, Step, Table, compile_chart
from statemodel import _connection_table as committed
from statemodel._connection_table import TABLE
from statemodel._write_table import module_text

CONFIGURATIONS = range(len(TABLE.configurations))
STARTS = list(product(("auto", "manual"), ("foreground", "background"), ("online", "offline")))


@pytest.fixture(scope="module")
def compiled() -> Table:
    """Return the chart as it compiles now."""
    return compile_chart(ConnectionChart)


def test_committed_file_is_what_the_chart_compiles_to(compiled: Table) -> None:
    """The file in the repository is byte for byte what compiling the chart would write."""
    assert Path(committed.__file__).read_bytes() == module_text(compiled).encode()


def test_committed_table_equals_the_compiled_one(compiled: Table) -> None:
    """Writing a table and importing it loses nothing."""
    assert compiled == TABLE


def test_compiling_twice_gives_equal_tables(compiled: Table) -> None:
    """Compiling changes nothing in the chart that a second compilation would see."""
    assert compile_chart(ConnectionChart) == compiled


def test_committed_file_is_under_400_kilobytes() -> None:
    """The generated module stays small enough to be imported by everybody."""
    assert Path(committed.__file__).stat().st_size < 400 * 1000


def test_head_of_the_committed_file_counts_rightly() -> None:
    """The numbers in the generated docstring are those of the table."""
    acting, refusing = sum(map(len, TABLE.handled)), sum(map(len, TABLE.refused))
    assert committed.__doc__ is not None
    assert (
        f"{len(TABLE.configurations)} configurations x {len(TABLE.events)} events; "
        f"{acting} cells act, {refusing} refuse." in committed.__doc__
    )


def test_each_configuration_has_one_state_of_each_region() -> None:
    """A configuration holds exactly one atomic state of every region."""
    for states in TABLE.configurations:
        for region, atomic in TABLE.regions:
            assert len(set(states) & set(atomic)) == 1, (region, states)


def test_compound_states_are_active_exactly_with_their_children() -> None:
    """`socket` and `waiting` stand in a configuration if and only if a state within them does."""
    within = {
        "socket": {"connecting", "refreshing", "connected"},
        "waiting": {"backing_off", "held_off", "without_network"},
    }
    atomic = {state for _, states in TABLE.regions for state in states}
    for states in TABLE.configurations:
        expected = {name for name, children in within.items() if children & set(states)}
        assert set(states) - atomic == expected


def test_configurations_and_events_are_distinct() -> None:
    """No configuration, event or step is listed twice, and the events are sorted."""
    assert len(set(TABLE.configurations)) == len(TABLE.configurations)
    assert len(set(TABLE.steps)) == len(TABLE.steps)
    assert list(TABLE.events) == sorted(set(TABLE.events))


def test_columns_have_one_entry_for_each_configuration() -> None:
    """Every per-configuration column of the table is as long as the list of configurations."""
    for column in (TABLE.statuses, TABLE.handled, TABLE.embargoed, TABLE.refused, TABLE.stale):
        assert len(column) == len(TABLE.configurations)


def test_cells_name_only_known_events_targets_and_steps() -> None:
    """Whatever a cell points at exists."""
    for at in CONFIGURATIONS:
        for cells in (TABLE.handled[at], TABLE.embargoed[at]):
            assert set(cells) <= set(TABLE.events)
            for target, step in cells.values():
                assert target in CONFIGURATIONS
                assert 0 <= step < len(TABLE.steps)
        assert TABLE.stale[at] | set(TABLE.refused[at]) <= set(TABLE.events)


def test_every_step_is_used() -> None:
    """The list of steps holds no step that no cell takes."""
    used = {
        step
        for column in (TABLE.handled, TABLE.embargoed)
        for cells in column
        for _, step in cells.values()
    }
    assert used == set(range(len(TABLE.steps)))


@pytest.mark.parametrize("embargoed", [False, True])
def test_every_event_has_a_row_in_every_configuration(embargoed: bool) -> None:
    """The table is total: a disposition for each pair, and only what is handled has a step."""
    for at in CONFIGURATIONS:
        for event in TABLE.events:
            row = TABLE.row(at, event, embargoed=embargoed)
            assert isinstance(row.disposition, Disposition)
            if row.disposition is not Disposition.HANDLED:
                assert row.target == at
                assert row.step == Step((), (), None)


def test_an_event_has_one_disposition() -> None:
    """No pair is refused and stale, or refused and handled, or stale and handled, at once."""
    for at in CONFIGURATIONS:
        refused, stale = set(TABLE.refused[at]), TABLE.stale[at]
        handled = set(TABLE.handled[at]) | set(TABLE.embargoed[at])
        assert not refused & stale
        assert not handled & (refused | stale)


def test_refusals_have_a_code_and_leave_the_target_unchanged() -> None:
    """A refused call changes nothing, with or without an embargo, and says why."""
    seen = 0
    for at, event, _, row in TABLE.rows():
        assert (row.code is not None) == (row.disposition is Disposition.REFUSED)
        if row.disposition is Disposition.REFUSED:
            seen += 1
            assert isinstance(row.code, Code)
            assert TABLE.row(at, event, embargoed=True) == row
            assert row.target == at
    assert seen == sum(map(len, TABLE.refused)) > 0


@pytest.mark.parametrize("embargoed", [False, True])
@pytest.mark.parametrize("event", ["", "nonsense", "Connect", "connect "])
def test_unknown_events_raise_lookup_error(event: str, embargoed: bool) -> None:
    """Asking for an event that the chart does not have names it and the chart."""
    with pytest.raises(LookupError, match="ConnectionChart has no event") as caught:
        TABLE.row(0, event, embargoed=embargoed)
    assert repr(event) in str(caught.value)


@pytest.mark.parametrize("at", [len(TABLE.configurations), 10**6, -1])
def test_unknown_configurations_raise_lookup_error(at: int) -> None:
    """Asking for a configuration that the chart does not have is no answer about another one."""
    with pytest.raises(LookupError):
        TABLE.row(at, "connect")


def test_rows_yields_every_pair_once_and_embargoed_ones_twice() -> None:
    """Iterating shows each cell once, and again only where an embargo makes a difference."""
    listed = [(at, event, embargoed) for at, event, embargoed, _ in TABLE.rows()]
    plain = {(at, event, False) for at in CONFIGURATIONS for event in TABLE.events}
    other = {(at, event, True) for at in CONFIGURATIONS for event in TABLE.embargoed[at]}
    assert len(listed) == len(set(listed))
    assert set(listed) == plain | other
    assert other


def test_rows_agrees_with_row() -> None:
    """What iterating shows is what asking gives."""
    for at, event, embargoed, row in TABLE.rows():
        assert row == TABLE.row(at, event, embargoed=embargoed)


def test_an_embargo_makes_a_difference_wherever_it_is_listed() -> None:
    """No cell of the embargo column repeats the usual one."""
    for at in CONFIGURATIONS:
        for event, cell in TABLE.embargoed[at].items():
            assert TABLE.handled[at].get(event) != cell


@pytest.mark.parametrize("chosen", STARTS)
def test_each_choice_at_the_start_has_its_configuration(chosen: tuple[str, str, str]) -> None:
    """All eight starts of O1 and O2 exist, and the rest is as declared."""
    active = TABLE.active[TABLE.start(*chosen)]
    rest = ["logged_out", "unwanted", "down", "no_window", "fresh", "resting", "unthrottled"]
    assert active == {*chosen, *rest}
    assert TABLE.start(*reversed(chosen)) == TABLE.start(*chosen)


def test_there_are_no_other_starts() -> None:
    """The table lists those eight starts and no more."""
    assert sorted(chosen for chosen, _ in TABLE.starts) == sorted(STARTS)


@pytest.mark.parametrize(
    "chosen", [(), ("auto",), ("auto", "manual", "online"), ("auto", "foreground", "nowhere")]
)
def test_a_choice_that_is_not_offered_raises_lookup_error(chosen: tuple[str, ...]) -> None:
    """A wrong start says what was asked for, and which chart does not have it."""
    with pytest.raises(LookupError, match="no start of ConnectionChart"):
        TABLE.start(*chosen)


def test_every_configuration_is_reachable_by_the_rows() -> None:
    """From the starts, the rows lead to every configuration that the table lists."""
    pending = [at for _, at in TABLE.starts]
    reached: set[int] = set()
    while pending:
        at = pending.pop()
        if at not in reached:
            reached.add(at)
            for embargoed in (False, True):
                pending += [
                    TABLE.row(at, event, embargoed=embargoed).target for event in TABLE.events
                ]
    assert reached == set(CONFIGURATIONS)


def test_every_event_is_handled_somewhere() -> None:
    """No event of the table is one that never does anything."""
    acting = {event for cells in TABLE.handled for event in cells}
    assert acting == set(TABLE.events)


def test_a_visible_change_has_a_reason() -> None:
    """Whenever a row changes the status, it says why (T2)."""
    for at, event, _, row in TABLE.rows():
        if TABLE.statuses[at] != TABLE.statuses[row.target]:
            assert row.step.reason is not None, (TABLE.configurations[at], event)


def test_table_is_exported() -> None:
    """The names by which a user reads a table are those of the package."""
    assert isinstance(TABLE, statemodel.Table)
    assert isinstance(TABLE.row(0, "connect"), statemodel.Row)


def test_compiling_does_not_depend_on_the_hash_seed() -> None:
    """Two processes with different hash seeds write the same bytes, those of the committed file."""
    code = (
        "from statemodel import ConnectionChart, compile_chart; import sys\n"
        "from statemodel._write_table import module_text\n"
        "sys.stdout.buffer.write(module_text(compile_chart(ConnectionChart)).encode())"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            timeout=120,
            check=True,
        ).stdout
        for seed in ("1", "4242")
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) > 100_000

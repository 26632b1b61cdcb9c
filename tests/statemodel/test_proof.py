"""The proof over real time: it holds of the shipped chart, and fails of every wrong one."""

from __future__ import annotations

import ast
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from statemachine import State

import statemodel
from statemodel import (
    ConnectionChart,
    InvalidChart,
    InvalidInput,
    Machine,
    Mode,
    StateModelError,
    User,
    compile_chart,
    extend,
)
from statemodel import events as ev
from statemodel import proof as public
from statemodel._connection_table import TABLE
from statemodel.proof import INVARIANT, Proof, Theorem, controls, prove, report_text
from statemodel.proof import _invariant as invariant
from statemodel.proof import _logic as logic
from statemodel.proof import _theorems as theorems

PACKAGE = Path(statemodel.__file__).parent / "proof"
CONTROLS = {control.name: control for control in controls()}
GRACE = statemodel.Timings().background_grace


@pytest.fixture(scope="module")
def proof() -> Proof:
    """Return the proof of the shipped chart."""
    return prove()


def _named(proof: Proof, name: str) -> Theorem:
    return next(theorem for theorem in proof.theorems if theorem.name == name)


# -- the shipped chart -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [statement.name for statement in theorems.STATEMENTS])
def test_each_theorem_holds_for_all_settings(proof: Proof, name: str) -> None:
    """M3-M6, M10, M11, K4, K5, B1-B5, H4, G3: every time limit holds, whatever the settings."""
    theorem = _named(proof, name)

    assert theorem.holds, report_text(proof)
    assert theorem.rows > 0
    assert theorem.counterexample is None


def test_no_theorem_holds_for_want_of_a_case(proof: Proof) -> None:
    """Every premise can be met where the invariant holds, and the invariant holds at every start."""
    assert proof.ok
    assert proof.vacuity.premises == ()
    assert proof.vacuity.starts == len(TABLE.starts)


def test_only_rows_of_a_timer_beside_its_own_embargo_are_impossible(proof: Proof) -> None:
    """B4: a retry or a hold that ends finds no Retry-After that still runs; all other rows occur."""
    found = {
        (row.split(" -- ")[1].split(" -->")[0], each.because)
        for each in proof.vacuity.impossible
        for row in [each.row]
    }

    assert found == {
        ("retry_due (Retry-After runs)", ("retry_is_drawn",)),
        ("embargo_due (Retry-After runs)", ("embargo_counts",)),
    }
    assert sum(each.rows for each in proof.vacuity.impossible) == 8


def test_the_invariant_is_said_in_words() -> None:
    """Each part has a name of its own, a sentence, and relies only on parts that there are."""
    names = [name for name, _ in INVARIANT]

    assert len(set(names)) == len(names)
    assert all(words.endswith(".") for _, words in INVARIANT)
    assert {relied for each in invariant.CONJUNCTS for relied in each.relies} <= set(names)


def test_every_part_of_the_invariant_carries_a_theorem() -> None:
    """No conjunct is there for nothing: leaving it out would leave a theorem without its reason."""
    used = {name for each in theorems.STATEMENTS for name in invariant.closure(each.relies)}

    assert used == {name for name, _ in INVARIANT}


def test_the_same_table_gives_the_same_text(proof: Proof) -> None:
    """Proving again, after other proofs in the same process, changes not a letter."""
    control = CONTROLS["idle_ping"]
    first, again = control.run(), control.run()

    assert report_text(prove()) == report_text(proof)
    assert first == again


def test_an_added_region_does_not_disturb_the_proof() -> None:
    """A chart with a region of the user's own is proved like the shipped one."""

    class battery(State.Compound, name="battery"):
        full = State(initial=True)
        low = State()

        battery_low = full.to(low)
        battery_full = low.to(full)

    found = prove(compile_chart(extend(ConnectionChart, battery, name="Saving")))

    assert found.ok, report_text(found)
    assert found.chart == "Saving"


# -- controls --------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CONTROLS)
def test_each_wrong_chart_fails_at_its_theorem(name: str) -> None:
    """A chart or meaning that is wrong in one thing is refused, with a step that shows it."""
    found = CONTROLS[name].run()

    assert found.name == CONTROLS[name].theorem
    assert not found.holds
    assert not found.vacuous
    assert found.counterexample is not None
    assert found.counterexample.values
    assert not found.counterexample.undecided


def test_a_control_names_a_change_of_its_own() -> None:
    """The controls have distinct names, and each says in words what is wrong."""
    assert len(CONTROLS) == len(controls())
    assert len({control.change for control in CONTROLS.values()}) == len(CONTROLS)


def test_a_late_deadline_is_shown_with_its_second() -> None:
    """M3: one second too many is seen in the values: background entered at 0, and due at 31."""
    found = CONTROLS["grace_a_second_late"].run().counterexample

    assert found is not None
    assert found.broken == "window_not_longer"
    assert found.event == "enter_background"
    assert dict(found.values)["grace timer'"] == f"due at {GRACE + 1:g}"


def test_a_whole_proof_of_a_wrong_chart_says_where_it_fails() -> None:
    """M3: `prove` reports the theorem by name, with row and values, and the unconcerned still hold."""
    found = prove(CONTROLS["window_not_opened"].table)
    text = report_text(found)

    assert not found.ok
    assert not _named(found, "grace_at_most").holds
    assert _named(found, "dial_at_most").holds
    assert "FAILS  grace_at_most (M3, M4, M5, M10, M11)" in text
    assert "-- enter_background -->" in text


def test_a_timer_that_runs_for_another_setting_is_found_out() -> None:
    """K4: `lengths` says what a timer runs for, and the theorem still says what it should."""
    found = prove(lengths={"close": "probe_timeout"})

    assert {each.name for each in found.theorems if not each.holds} == {
        "close_at_least",
        "close_at_most",
    }


# -- the machine does what the counterexamples say -------------------------------------------------


def _paused(table: Any) -> Machine:
    """Return a manual machine that connected, pinged and entered the background, all at 0."""
    machine = Machine(mode=Mode.MANUAL, table=table)
    user = User(uid="ann")
    machine.handle(ev.SessionRestored(user=user), 0.0)
    machine.handle(ev.Connect(command=1), 0.0)
    machine.handle(ev.DialSucceeded(generation=machine.generation), 0.0)
    machine.handle(ev.Ping(command=2), 0.0)
    pong = ev.PongReceived(generation=machine.generation, payload=b"1")
    machine.handle(pong, 0.0)
    machine.handle(ev.EnterBackground(command=3), 0.0)

    assert {"manual", "background", "connected"} <= machine.configuration
    return machine


@pytest.mark.parametrize("name", ["window_not_ended", "window_not_opened"])
def test_a_chart_that_the_proof_refuses_really_overstays(name: str) -> None:
    """M5: with the table of the control, the machine keeps its socket beyond the deadline."""
    right, wrong = _paused(TABLE), _paused(CONTROLS[name].table)
    for machine in (right, wrong):
        machine.handle(ev.TimePassed(), GRACE)
        machine.handle(ev.TimePassed(), GRACE + 0.5)

    assert "socket" not in right.configuration
    assert "socket" in wrong.configuration


def test_a_ping_in_foreground_that_pays_really_closes_too_early() -> None:
    """M11: with the table of the control, the window counts from the ping before the background."""
    wrong = Machine(mode=Mode.MANUAL, table=CONTROLS["early_ping"].table)
    wrong.handle(ev.SessionRestored(user=User(uid="ann")), 0.0)
    wrong.handle(ev.Connect(command=1), 0.0)
    wrong.handle(ev.DialSucceeded(generation=wrong.generation), 0.0)
    wrong.handle(ev.Ping(command=2), 1.0)
    wrong.handle(ev.PongReceived(generation=wrong.generation, payload=b"1"), 1.0)
    wrong.handle(ev.EnterBackground(command=3), 8.0)

    assert wrong.timers["grace"] == 1.0 + GRACE


def test_a_ping_without_effect_really_closes_too_early() -> None:
    """M4: the values of this counterexample, played: a ping at 0.5, and the socket goes at 30."""
    found = CONTROLS["idle_ping"].run().counterexample
    assert found is not None
    values = dict(found.values)
    ping, due = float(values["now"]), float(values["grace timer"].removeprefix("due at "))
    right, wrong = _paused(TABLE), _paused(CONTROLS["idle_ping"].table)
    for machine in (right, wrong):
        assert TABLE.active[found.source or 0] == machine.configuration
        machine.handle(ev.Ping(command=4), ping)
        machine.handle(ev.PongReceived(generation=machine.generation, payload=b"2"), ping)
        machine.handle(ev.TimePassed(), due)

    assert due < ping + GRACE
    assert "socket" in right.configuration
    assert "socket" not in wrong.configuration


# -- charts that cannot be proved ------------------------------------------------------------------


def _renamed(text: Any, old: str, new: str) -> Any:
    if isinstance(text, str):
        return new if text == old else text
    return type(text)(_renamed(part, old, new) for part in text)


def test_a_chart_without_a_window_is_refused_by_name() -> None:
    """A chart that has no state `window` cannot be proved, and is told so."""
    other = replace(TABLE, configurations=_renamed(TABLE.configurations, "window", "veranda"))

    with pytest.raises(InvalidChart, match=r"ConnectionChart.*lacks the states window$"):
        prove(other)


def test_a_chart_without_a_timer_is_refused_by_name() -> None:
    """A chart that has no timer `grace` cannot be proved, and is told so."""
    other = replace(TABLE, timers=tuple(timer for timer in TABLE.timers if timer != "grace"))

    with pytest.raises(InvalidChart, match="lacks the timers grace"):
        prove(other)


def test_a_chart_without_an_event_is_refused_by_name() -> None:
    """A chart that knows no `ping` cannot be proved, and is told so."""
    other = replace(TABLE, events=tuple(event for event in TABLE.events if event != "ping"))

    with pytest.raises(InvalidChart, match="lacks the events ping"):
        prove(other)


@pytest.mark.parametrize("lengths", [{"close": "no_setting"}, {"no_timer": "close_timeout"}])
def test_lengths_that_mean_nothing_are_refused(lengths: dict[str, str]) -> None:
    """A timer or setting that does not exist is named in the error."""
    with pytest.raises(InvalidInput, match="no_"):
        prove(lengths=lengths)


# -- the package -----------------------------------------------------------------------------------


def test_without_the_solver_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where z3 is not installed, the error says what to install; the words need no solver."""
    monkeypatch.setitem(sys.modules, "z3", None)
    logic._z3.cache_clear()

    with pytest.raises(StateModelError, match=r"statemodel\[proof\]"):
        prove()


def test_only_proving_loads_the_solver() -> None:
    """Importing the package, and its proof, leaves z3 and the chart's engine unloaded."""
    code = (
        "import sys, statemodel.proof as p; p.controls(); p.INVARIANT\n"
        "print(*(m for m in ('z3', 'statemachine', 'networkx') if m in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )

    assert done.stdout.strip() == ""


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.name)
def test_one_module_imports_the_solver(path: Path) -> None:
    """z3 has no types, so one module keeps it to itself; nothing imports a clock or chance."""
    imported = {
        name
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
        )
    }

    assert ("z3" in imported) == (path.name == "_logic.py")
    assert not imported & {"time", "random", "logging", "trio"}


def test_every_public_name_is_there() -> None:
    """`__all__` names nothing twice, and every name resolves."""
    assert len(set(public.__all__)) == len(public.__all__)
    assert all(getattr(public, name) is not None for name in public.__all__)

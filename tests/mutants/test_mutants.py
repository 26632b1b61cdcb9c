"""The generator leaves nothing of the chart out, and a sample of its mutants is rejected."""

from __future__ import annotations

import ast
import re
from hashlib import sha256

import pytest
from statemachine.callbacks import CallbackGroup
from statemachine.exceptions import InvalidDefinition

from statemodel import ConnectionChart, InvalidChart, compile_chart
from statemodel._connection_table import TABLE
from statemodel._declaration import Declaration
from tests.mutants.constants import constant_mutants
from tests.mutants.generate import mutants
from tests.mutants.guards import guard_mutations
from tests.mutants.incremental import LIMIT, Mutated, Original, forget, load
from tests.mutants.judging import SAME_TABLE, SURVIVED, Verdict
from tests.mutants.run import all_mutants, complaints, listed_survivors, run, sample
from tests.mutants.source import CHART, read_chart

EVERY = 40
"""How large a part of all mutants the sample of every test run is."""
_SPECS = (CallbackGroup.ENTER, CallbackGroup.EXIT, CallbackGroup.ON)


@pytest.fixture(scope="module")
def ours():
    """Return all mutants of the chart."""
    return list(mutants())


@pytest.fixture(scope="module")
def original():
    """Return the chart, compiled with all its runs."""
    return Original(ConnectionChart)


def _names(owner, *groups):
    return [str(s.func) for s in owner._specs if s.group in groups and not s.is_convention]


def test_the_same_source_gives_the_same_mutants(ours):
    """The generator is deterministic, and no two mutants share an id."""
    again = list(mutants())

    assert again == ours
    assert len({mutant.id for mutant in all_mutants()}) == len(all_mutants())


def test_every_mutant_differs_from_the_chart_and_is_python(ours):
    """Each mutant's source is another text than the chart's, and another program."""
    chart = CHART.read_text("utf-8")
    program = ast.dump(ast.parse(chart))

    assert not [m.id for m in ours if ast.dump(ast.parse(m.source)) == program]


def test_an_edit_elsewhere_leaves_an_id_alone(ours):
    """A new state in one region changes the ids of no other region's transitions, but targets there."""
    text = CHART.read_text("utf-8")
    marker = "            offline = State()\n"
    assert text.count(marker) == 1
    edited = text.replace(marker, marker + "            roaming = State()\n")
    moved = {mutant.id for mutant in mutants(edited)}

    assert {mutant.id for mutant in ours} <= moved
    assert all("network" in name or "line" in name or "roaming" in name
               for name in moved - {m.id for m in ours})  # fmt: skip


def test_the_source_is_read_as_the_compiler_reads_it():
    """States, transitions, their guards, events and actions are those of the compiled declaration."""
    source = read_chart()
    declaration = Declaration(ConnectionChart)

    read = sorted(
        (
            t.source.rpartition(".")[2],
            t.target.rpartition(".")[2],
            t.guard,
            sorted(t.events),
            t.actions,
        )
        for t in source.transitions
    )
    declared = sorted(
        (
            t.source.id,
            t.target.id if t.target else "None",
            "".join(_names(t, CallbackGroup.COND)),
            sorted(map(str, t.events)),
            _names(t, CallbackGroup.ON),
        )
        for t in declaration.transitions
    )
    assert read == declared
    assert sorted(state.id for state in source.states) == sorted(declaration.order)


def test_everything_that_the_chart_declares_has_mutants(ours):
    """Each transition, guard, event and action of the chart, and each declared line, is changed somewhere."""
    declaration = Declaration(ConnectionChart)
    kinds = _count(mutant.kind for mutant in ours)
    transitions = declaration.transitions
    actions = [n for owner in (*transitions, *declaration.states.values())
               for n in _names(owner, *_SPECS)]  # fmt: skip
    guards = [t for t in transitions if _names(t, CallbackGroup.COND)]
    lists = ("context", "starts", "refusals", "heard", "outcomes", "statuses", "dead_ends",
             "noticed", "reasons")  # fmt: skip
    guarded_lines = [
        line
        for name in ("refusals", "heard", "outcomes")
        for line in getattr(ConnectionChart, name)
        if line.guard
    ] + [line for line in ConnectionChart.reasons if line[1]]

    assert kinds["transition removed"] == len(transitions)
    assert kinds["action removed"] == len(actions)
    assert kinds["guard dropped"] == kinds["guard negated"] == len(guards) + len(guarded_lines)
    assert kinds["line removed"] == sum(len(getattr(ConnectionChart, name)) for name in lists)
    assert kinds["target"] >= len(transitions)
    assert kinds["source"] >= len(transitions)


def _count(items):
    counts = {}
    for item in items:
        counts[item] = counts.get(item, 0) + 1
    return counts


def test_a_guard_is_changed_in_every_way():
    """Each operand is dropped, each literal negated, each operator exchanged, each state by its neighbour."""
    found = list(guard_mutations("a and (b or not c)", {"c": "d"}))

    assert sorted(found) == [
        ("and <-> or", "a and (b and not c)"),
        ("and <-> or", "a or (b or not c)"),
        ("guard dropped", ""),
        ("guard negated", "not (a and (b or not c))"),
        ("literal negated", "a and (b or c)"),
        ("literal negated", "a and (not b or not c)"),
        ("literal negated", "not a and (b or not c)"),
        ("operand dropped", "a"),
        ("operand dropped", "a and b"),
        ("operand dropped", "a and not c"),
        ("operand dropped", "b or not c"),
        ("other state in guard", "a and (b or not d)"),
    ]


def _compiled(compile_):
    try:
        return compile_()
    except (InvalidChart, InvalidDefinition) as error:
        return re.sub(r"^\w+: ", "", str(error))


def _of_every_kind(ours):
    """Return a mutant of each kind, of states and of transitions apart.

    And all that only swap what a state does: they compile, and no transition of theirs is changed.
    """
    found = {}
    for mutant in sorted(ours, key=lambda one: sha256(one.id.encode()).digest()):
        found.setdefault((mutant.kind, ": state " in mutant.id), mutant)
    states = [m for m in ours if m.kind == "actions swapped" and ": state " in m.id]
    return list({mutant.id: mutant for mutant in (*found.values(), *states)}.values())


def test_runs_of_the_original_are_reused_only_where_nothing_changed(ours, original, tmp_path):
    """A mutant compiled with the original's runs has the table, or the error, of a full compile."""
    chosen = _of_every_kind(ours)
    fresh = []
    for number, mutant in enumerate(chosen):
        name = f"compared_{number}"
        try:
            chart = load(mutant.source, tmp_path, name)
        except InvalidDefinition:
            continue

        def quickly(chart=chart):
            mutated = Mutated(chart, original)
            table = mutated.table()
            fresh.append(mutated.fresh)
            return table

        quick = _compiled(quickly)
        full = _compiled(lambda chart=chart: compile_chart(chart, limit=LIMIT))
        forget(name, tmp_path)

        assert full == quick, mutant.id
    assert original.compiled == TABLE
    assert sorted(fresh)[len(fresh) // 2] < len(original.runs) / 10, "most runs are not reused"


def test_a_sample_of_the_mutants_is_rejected():
    """Of a fixed sample only those survive that `survivors.txt` names, with a reason."""
    verdicts = run(sample(EVERY))

    assert complaints(verdicts, listed_survivors()) == []
    assert all(listed_survivors().values()), "each survivor has a reason"


def test_the_list_names_only_what_there_is():
    """Each survivor that is listed is a mutant of the chart or of the machine's times."""
    assert listed_survivors().keys() <= {mutant.id for mutant in all_mutants()}


def test_a_wrong_list_is_complained_of():
    """A survivor that is not listed, and a listed mutant that is rejected, are both complaints."""
    verdicts = [
        Verdict(id="one", kind="target", by=SURVIVED),
        Verdict(id="two", kind="target", by="rules", what="S1"),
        Verdict(id="three", kind="target", by=SAME_TABLE),
        Verdict(id="four", kind="target", by=SURVIVED),
    ]

    assert complaints(verdicts, ["two", "four", "elsewhere"]) == [
        "survives: one",
        "is listed, but: rules: two",
    ]


def test_a_change_of_the_times_ends_with_its_block():
    """What a mutant of the times puts in force is as before afterwards."""
    from statemodel import _core, _machine, _rows

    before = (dict(_rows.ACTIONS), dict(_machine._ORDER), _core.backoff)
    for mutant in constant_mutants():
        with mutant.applied():
            now = (dict(_rows.ACTIONS), dict(_machine._ORDER), _core.backoff)
        after = (dict(_rows.ACTIONS), dict(_machine._ORDER), _core.backoff)

        assert now != before, mutant.id
        assert after == before, mutant.id

"""`verify`: which verdict a check gets, what a user's rules may do, and where runs lead."""

from __future__ import annotations

import sys
from types import MappingProxyType

import pytest
from statemachine import State, StateChart

from statemodel import (
    RULES,
    ConnectionChart,
    InvalidChart,
    StateModelError,
    compile_chart,
    extend,
    verify,
)
from statemodel._connection_table import TABLE
from statemodel.checking import Kind, RuleError
from statemodel.rules import (
    ConfigurationCheck,
    Obstacle,
    RowCheck,
    Rule,
    TraceRule,
)
from tests.statemodel.own_rules import (
    on_configurations,
    on_progress,
    on_rows,
    on_traces,
    only_failure,
    own_rule,
)
from tests.statemodel.table_editing import at

# -- verdicts --------------------------------------------------------------------------------------


def test_every_rule_holds_on_our_chart() -> None:
    """Every rule: our chart, compiled anew, keeps each, and each check applied somewhere."""
    report = verify()

    assert report.failures == ()
    assert report.ok
    assert (report.chart, report.configurations) == ("ConnectionChart", len(TABLE.configurations))
    assert report.rows == len(list(TABLE.rows()))
    assert report.runs > 0
    assert list(report.rules) == list(RULES)
    assert {v.kind for v in report.verdicts} == set(Kind)
    assert all(verdict.over > 0 for verdict in report.verdicts)


def test_the_compiled_table_does_as_well_as_the_chart() -> None:
    """A table is not compiled again, and has the same report."""
    assert verify(TABLE, runs=False) == verify(ConnectionChart, runs=False)


def test_the_same_chart_has_the_same_report() -> None:
    """A verification depends on nothing but what is verified: its failures and runs are equal."""
    broken = at("enter_background", "manual foreground connected").without("start_grace")(TABLE)
    one, other = verify(broken), verify(broken)

    assert not one.ok
    assert one == other
    assert [f.message for f in one.failures] == [f.message for f in other.failures]
    assert one.failures[0].run == other.failures[0].run


def test_without_runs_no_rule_of_traces_is_asked() -> None:
    """`runs=False` leaves out what judges traces: it is not even called."""

    def never(view):
        raise AssertionError("asked")

    report = verify(TABLE, rules=[on_traces(never)], runs=False)

    assert (report.runs, report.verdicts, report.ok) == (0, (), False)


def test_a_rule_without_checks_has_no_verdict() -> None:
    """Where only an adapter can keep a rule, a model says nothing of it."""
    report = verify(TABLE, rules=[own_rule()], runs=False)

    assert report.of("X1") == ()
    assert not report.ok


def test_verdicts_are_counted_and_sorted_by_rule() -> None:
    """What a check applied to is counted; what it breaks is counted; the others keep their order."""
    good = own_rule(
        RowCheck("good", lambda move: True if move.event == "ping" else None), number="X2"
    )
    bad = own_rule(ConfigurationCheck("bad", lambda here: not here.has("failed")), number="X1")
    report = verify(TABLE, rules=[good, bad], runs=False)
    failed = sum("failed" in states for states in TABLE.active)

    assert [(v.rule, v.over, v.failure is None) for v in report.verdicts] == [
        ("X2", 125, True),
        ("X1", 125, False),
    ]
    assert [(f.rule, f.kind, f.claim, f.violations) for f in report.failures] == [
        ("X1", Kind.CONFIGURATION, "bad", failed)
    ]
    assert not report.ok
    assert report.of("X1") == report.verdicts[1:]


def test_rules_come_as_a_mapping_or_one_after_the_other() -> None:
    """A selection of the rulebook is given in either way, also by a generator."""
    as_mapping = verify(TABLE, rules=MappingProxyType({"M3": RULES["M3"]}), runs=False)
    as_generator = verify(TABLE, rules=(RULES[number] for number in ("M3",)), runs=False)

    assert list(as_mapping.rules) == ["M3"]
    assert as_mapping == as_generator


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (on_configurations(lambda here: None), Kind.CONFIGURATION),
        (on_rows(lambda move: None), Kind.ROW),
    ],
)
def test_a_check_that_never_applies_fails(rule: Rule, kind: Kind) -> None:
    """What is said of nothing is no evidence; there is no run to nowhere."""
    failure = only_failure(rule)

    assert (failure.kind, failure.message) == (kind, "it never applied")
    assert (failure.violations, failure.run) == (0, None)


# -- rules of a user's own -------------------------------------------------------------------------


def _raising(*_):
    raise ZeroDivisionError("no luck")


def _raising_late(model):
    yield Obstacle(model.situations[0], "an obstacle")
    raise ZeroDivisionError("no luck")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (on_configurations(_raising), ("so it is everywhere", "foreground")),
        (on_rows(_raising), ("so it is always", "abandon_login in {")),
        (on_progress(_raising), ("so it becomes", "the chart")),
        (on_progress(_raising_late), ("so it becomes", "the chart")),
        (on_traces(_raising), ("so it looks", "open ")),
    ],
    ids=["configurations", "rows", "progress", "progress, late", "traces"],
)
def test_a_rule_that_raises_is_an_error_that_names_it(rule: Rule, words: tuple[str, ...]) -> None:
    """The error says which rule, claim and place, and what the rule has raised is its cause."""
    with pytest.raises(RuleError, match=r"ZeroDivisionError: no luck") as caught:
        verify(TABLE, rules=[rule])

    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    for word in ("X1", *words):
        assert word in str(caught.value)


@pytest.mark.parametrize("answer", [1, 0, "yes", "", [], 1.0])
@pytest.mark.parametrize("kind", [on_configurations, on_rows])
def test_an_answer_that_is_no_yes_or_no_is_an_error(kind, answer) -> None:
    """What looks true or false is not taken for it: that would hide a mistake in the rule."""
    with pytest.raises(RuleError) as caught:
        verify(TABLE, rules=[kind(lambda _: answer)], runs=False)

    for word in ("X1", "so it is", repr(answer), "True, False or None"):
        assert word in str(caught.value)


@pytest.mark.parametrize(
    "answer",
    [1, "yes", [1], ["an obstacle"], None],
)
def test_obstacles_that_are_none_are_an_error(answer) -> None:
    """A check of progress gives obstacles and nothing else."""
    with pytest.raises(RuleError, match=r"X1 \(so it becomes\)"):
        verify(TABLE, rules=[on_progress(lambda model: answer)], runs=False)


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([RULES["M3"], RULES["M3"]], ("two rules M3",)),
        (
            [own_rule(), own_rule(ConfigurationCheck("nothing in particular", lambda here: True))],
            ("two rules X1",),
        ),
        (["M3"], ("'M3'", "no statemodel.rules.Rule")),
        ("M3", ("'M3'", "no collection of rules")),
        ([RULES["M3"].checks[0]], ("ConfigurationCheck", "no statemodel.rules.Rule")),
        ({"M3": "M3"}, ("'M3'", "no statemodel.rules.Rule")),
        ([Rule("X1", "text", "D", ("no check",))], ("X1", "'no check'")),
    ],
)
def test_what_is_no_rule_is_an_error(rules, words: tuple[str, ...]) -> None:
    """What is given twice, or is no rule, is said; nothing is verified."""
    with pytest.raises(RuleError) as caught:
        verify(TABLE, rules=rules, runs=False)

    for word in words:
        assert word in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "name"),
    [
        (on_configurations(lambda here: here.has("conected")), "conected"),
        (on_configurations(lambda here: not here.has_any("down", "wating")), "wating"),
        (on_configurations(lambda here: here.refusal("pong") is None), "pong"),
        (on_rows(lambda move: move.keeps("wnated")), "wnated"),
        (on_rows(lambda move: not move.enters("conected")), "conected"),
    ],
)
def test_a_misspelt_rule_is_no_rule_that_holds(rule: Rule, name: str) -> None:
    """A rule that asks for a state or event the chart lacks does not pass: the name is said."""
    with pytest.raises(InvalidChart, match=rf"asks for the (state|event) '{name}'.*X1"):
        verify(TABLE, rules=[rule], runs=False)


def test_two_checks_of_traces_in_one_rule_are_both_asked() -> None:
    """Each check of a rule has a verdict of its own, whatever its kind."""
    bad = TraceRule("X1", "bad", lambda view: [(0.0, "bad luck")])
    good = TraceRule("X1", "good", lambda view: [])
    report = verify(TABLE, rules=[own_rule(bad, good)])

    assert [(v.claim, v.failure is None) for v in report.verdicts] == [
        ("bad", False),
        ("good", True),
    ]


def test_a_check_of_traces_counts_for_the_rule_that_it_stands_in() -> None:
    """A finding is the rule's, also if its check has been given another number."""
    odd = TraceRule("X9", "bad", lambda view: [(0.0, "bad luck")])

    assert only_failure(own_rule(odd), runs=True).rule == "X1"


class Battery(State.Compound, name="battery"):
    """Is the battery full or low?"""

    full = State(initial=True)
    low = State()

    battery_low = full.to(low)
    battery_full = low.to(full)


def test_a_users_chart_is_held_against_our_rules_and_theirs() -> None:
    """An added region keeps every rule of ours, and rules about it name its states and events."""
    known = on_rows(lambda move: move.after.has("low") if move.event == "battery_low" else None)
    wrong = own_rule(
        ConfigurationCheck("no socket on low battery", lambda here: not here.has("low", "socket")),
        number="X2",
    )
    table = compile_chart(extend(ConnectionChart, Battery))
    report = verify(table, rules=[*RULES.values(), known, wrong], runs=False)

    (failure,) = report.failures
    assert failure.rule == "X2"
    assert failure.run is not None
    assert failure.run.text() == "open auto\ncustom battery_low\nrestored\n"
    assert report.configurations == 2 * len(TABLE.configurations)


def test_without_networkx_it_is_said_what_to_install(monkeypatch) -> None:
    """Progress needs a library that is optional; the error names what brings it."""
    monkeypatch.setitem(sys.modules, "networkx", None)

    with pytest.raises(StateModelError, match=r"pip install 'statemodel\[check\]'"):
        verify(TABLE, rules=[RULES["G2"]], runs=False)
    assert verify(TABLE, rules=[RULES["M3"]], runs=False).ok


def test_a_machine_that_breaks_down_is_a_failure_of_whatever_is_asked() -> None:
    """K1: a run that cannot be judged is no evidence for any rule, also if K1 is not asked about."""
    broken = at("network_lost", "connected").without("abort")(TABLE)
    alone = verify(broken, rules=[RULES["M8"]])
    asked = verify(broken, rules=[RULES["M8"], RULES["K1"]])

    assert [(f.rule, f.kind) for f in alone.failures] == [("M8", Kind.TRACE)]
    assert "impossible" in alone.failures[0].message
    assert {f.rule for f in asked.failures} == {"K1"}


class Lamp(StateChart):
    """A chart that is no connection."""

    catch_errors_as_events = False

    class root(State.Parallel):
        class light(State.Compound):
            dark = State(initial=True)
            bright = State()
            press = dark.to(bright) | bright.to(dark)


def test_a_chart_that_no_machine_runs_has_rows_but_no_runs() -> None:
    """Rules about rows hold for any chart; a rule about runs is never asked, which is a failure."""
    pressed = on_rows(lambda move: move.enters("bright") or move.enters("dark"))
    report = verify(Lamp, rules=[pressed, Rule("X2", "text", "D", (TraceRule("X2", "c", list),))])

    assert report.runs == 0
    assert [(f.rule, f.message) for f in report.failures] == [("X2", "it never applied")]

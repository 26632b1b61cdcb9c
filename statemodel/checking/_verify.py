"""Every rule on every configuration, every row and covering runs of a chart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

from statemodel._errors import InvalidChart, StateModelError
from statemodel._table import Table, table_of
from statemodel.checking._judging import Finder, Judging
from statemodel.checking._report import Failure, Kind, Report, Verdict, never_applied
from statemodel.checking._rule_error import RuleError
from statemodel.proof import THEOREMS
from statemodel.rules import (
    RULES,
    Check,
    ConfigurationCheck,
    Model,
    Move,
    Obstacle,
    ProgressCheck,
    RowCheck,
    Rule,
    Situation,
    TraceRule,
)
from statemodel.rules._progress import networkx

_KINDS = (ConfigurationCheck, RowCheck, ProgressCheck, TraceRule)


def verify(
    chart: type | Table | None = None,
    *,
    rules: Mapping[str, Rule] | Iterable[Rule] | None = None,
    runs: bool = True,
) -> Report:
    """Hold a chart against the rules: on every configuration and row, on its graph, and in runs.

    A check that never applies counts as failed: what it says of nothing is no evidence.

    Args:
        chart: A chart's class, or a compiled table; by default the table of `ConnectionChart`.
        rules: The rules, by number or one after the other; by default `RULES`.
        runs: Whether to play runs through every row that can be taken, and to judge their traces.
            This takes most of the time, some seconds.

    Returns:
        A verdict on each check; `ok` says whether all hold. The report stays in its process: it
        searches the shortest run to a failure when that is asked for.

    Raises:
        InvalidChart: the chart does not compile, or lacks a state or event that a rule asks for.
        RuleError: a rule's check raised an exception, which is the cause, or gave no answer; or what
            was given is no rule.
        MissingExtra: there are checks of progress, and networkx is not installed.
    """
    table = table_of(chart)
    book = _book(RULES if rules is None else rules)
    if any(isinstance(check, ProgressCheck) for rule in book.values() for check in rule.checks):
        networkx()  # said before anything takes time
    model = Model(table)
    finder = Finder(table)
    judging = Judging(finder, book) if runs else None
    verdicts = [
        verdict
        for number, rule in book.items()
        for check in rule.checks
        for verdict in _verdict(model, finder, judging, number, check)
    ]
    return Report(
        table=table,
        configurations=len(model.situations),
        rows=len(model.moves),
        runs=0 if judging is None else judging.runs,
        rules=MappingProxyType(book),
        verdicts=tuple(verdicts),
    )


def _book(rules: Mapping[str, Rule] | Iterable[Rule]) -> dict[str, Rule]:
    if isinstance(rules, Mapping):
        rules = rules.values()
    if isinstance(rules, str) or not isinstance(rules, Iterable):
        raise RuleError(f"{rules!r} is no collection of rules")
    book: dict[str, Rule] = {}
    for rule in rules:
        if not isinstance(rule, Rule):
            raise RuleError(f"{rule!r} is no statemodel.rules.Rule")
        if rule.number in book:
            raise RuleError(f"there are two rules {rule.number}")
        for check in rule.checks:
            if not isinstance(check, _KINDS):
                raise RuleError(f"rule {rule.number} has {check!r}, which is no check")
        for theorem in rule.theorems:
            if theorem not in THEOREMS:
                raise RuleError(f"rule {rule.number} names {theorem!r}, which is no theorem")
        book[rule.number] = rule
    if not book:
        raise RuleError("there is no rule to check")
    return book


def _verdict(
    model: Model, finder: Finder, judging: Judging | None, number: str, check: Check
) -> Iterator[Verdict]:
    match check:
        case ConfigurationCheck():
            yield _ranged(model, finder, number, check, Kind.CONFIGURATION)
        case RowCheck():
            yield _ranged(model, finder, number, check, Kind.ROW)
        case ProgressCheck():
            yield _progress(model, finder, number, check)
        case TraceRule():
            if judging is not None:
                yield judging.verdict(number, check)


def _ranged(
    model: Model,
    finder: Finder,
    number: str,
    check: ConfigurationCheck | RowCheck,
    kind: Kind,
) -> Verdict:
    places: tuple[Any, ...] = model.situations if kind is Kind.CONFIGURATION else model.moves
    applied, broken = 0, []
    for place in places:
        holds = _ask(number, check.claim, check.holds, place)
        applied += holds is not None
        if holds is False:
            broken.append(place)
    failure = None
    if broken:
        nearest = sorted(broken, key=partial(_distance, model))
        failure = Failure(
            rule=number,
            kind=kind,
            claim=check.claim,
            message=f"not so in, for instance, {nearest[0]}"
            if kind is Kind.CONFIGURATION
            else f"not so, for instance: {nearest[0]}",
            violations=len(broken),
            find=partial(finder.to, nearest),
        )
    elif not applied:
        failure = never_applied(number, kind, check.claim)
    return Verdict(number, kind, check.claim, applied, failure)


def _ask(number: str, claim: str, holds: Callable[[Any], object], place: object) -> bool | None:
    try:
        answer = holds(place)
    except InvalidChart as error:
        raise InvalidChart(f"{error}: rule {number} ({claim})") from error
    except StateModelError:
        raise
    except (Exception, SystemExit) as error:  # a rule is the user's own code
        raise RuleError.raised(number, claim, error, place) from error
    if answer is None or isinstance(answer, bool):
        return answer
    raise RuleError.of(number, claim, f"answered {answer!r}, no True, False or None", place)


def _progress(model: Model, finder: Finder, number: str, check: ProgressCheck) -> Verdict:
    try:
        obstacles = list(check.obstacles(model))
    except StateModelError:
        raise
    except (Exception, SystemExit) as error:  # likewise
        raise RuleError.raised(number, check.claim, error, "the chart") from error
    for obstacle in obstacles:
        if not isinstance(obstacle, Obstacle):
            raise RuleError.of(number, check.claim, f"gave {obstacle!r}, no Obstacle", "the chart")
    failure = None
    if obstacles:
        nearest = sorted(obstacles, key=lambda obstacle: _distance(model, obstacle.at))
        failure = Failure(
            rule=number,
            kind=Kind.PROGRESS,
            claim=check.claim,
            message=f"{nearest[0].message}: {nearest[0].at}",
            violations=len(obstacles),
            find=partial(finder.to, [obstacle.at for obstacle in nearest]),
        )
    return Verdict(number, Kind.PROGRESS, check.claim, len(model.situations), failure)


def _distance(model: Model, place: Situation | Move) -> tuple[int, int]:
    """Say how far from a start a place is, in rows."""
    here = place.before if isinstance(place, Move) else place
    return model.depths[here.index], here.index

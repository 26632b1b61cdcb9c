"""Judging a case by the trace rules, and which of the broken rules is named first."""

from __future__ import annotations

from collections.abc import Container, Iterable

from statemodel.conformance._deliveries import judge_deliveries
from statemodel.conformance._placing import placed
from statemodel.conformance._playing import Playing
from statemodel.conformance._subject import CAPABILITIES
from statemodel.conformance._waits import judge_waits, telling
from statemodel.trace_rules import TRACE_RULES, Finding, View
from statemodel.traces import Trace

ORDER = (
    # Nothing of the rest means anything while the object, the user or the network says no.
    "O4", "S5", "S6", "S8", "S7", "S1", "S4", "S3", "S2", "N1",
    # What the application was promised about its background.
    "A1", "M11", "M4", "M3", "M6", "M10", "M5", "M7", "M8", "M12",
    # What a command does.
    "K1", "M2", "A4", "C6", "C1", "C2", "C7", "A5", "C3", "C5", "C8", "P3", "P1", "P2", "B5", "C4",
    # What is retried, and when.
    "B4", "B2", "B3", "B1", "K5", "K4", "P4", "P5", "H2", "H1", "H5", "K6",
    "A2", "N2", "A3", "M9", "M1", "B7", "N3", "O3",
    # What holds whatever happens.
    "K3", "K2", "B6", "T6", "T3", "T7", "T1", "T2",
)  # fmt: skip
"""Which rule is named first, of those that the first wrong moment breaks: the one whose words say
most about the situation. A rule of a mode or a command comes before what holds everywhere, so that
a retry in background is M7 and not B6. Rules that are not listed come last, by number."""

TOLD = frozenset({"T1", "T2", "T3", "T6", "T7"})
"""What is told of a connection is named only if nothing is wrong with the connection itself, be it
later: a status that announces a retry which must not be made is less than the retry."""

_RANK = {number: rank for rank, number in enumerate(ORDER)}


def exercised(capabilities: frozenset[str], rules: Iterable[str] = tuple(TRACE_RULES)) -> list[str]:
    """Return the rules that can be judged of a subject with these capabilities."""
    out = {
        number
        for capability, numbers in CAPABILITIES.items()
        if capability not in capabilities
        for number in numbers
    }
    return [number for number in rules if number not in out]


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings with the one first that describes what happened."""
    return sorted(findings, key=lambda f: (f.rule in TOLD, f.time, rank(f.rule), f.rule, f.message))


def rank(rule: str) -> int:
    """Return how early a rule is named, of those that one moment breaks."""
    return _RANK.get(rule, len(_RANK))


def judged(playing: Playing, rules: Container[str]) -> tuple[Trace, list[Finding]]:
    """Return a case's trace and where it breaks one of these rules, the first to name first."""
    asked = [rule for number, rule in TRACE_RULES.items() if number in rules]
    together = telling(playing.draws)

    def broken(trace: Trace) -> list[Finding]:
        view = View(trace)
        # `judge` gives equal findings once; here each counts, or a better order may seem no better.
        found = [
            Finding(rule.number, *complaint) for rule in asked for complaint in rule.on_view(view)
        ]
        if "messages" in playing.capabilities and "K6" in rules:
            found += judge_deliveries(view, playing.bursts)
        if together:
            found += [finding for finding in judge_waits(trace, view) if finding.rule in rules]
        view.forget()
        return found

    known: dict[tuple[int, ...], list[Finding]] = {}  # by which entries come one after the other

    def findings(trace: Trace) -> list[Finding]:
        order = tuple(map(id, trace))
        if order not in known:
            known[order] = broken(trace)
        return known[order]

    trace = placed(playing.trace, playing.bursts, findings)
    return trace, in_order(set(findings(trace)))

"""The rulebook's rules as properties of traces, written from the rulebook alone.

A trace is judged by replaying it once into what somebody outside knows at each entry, and asking
each rule about that. Nothing here knows a state of any chart, so a trace can come from any
implementation.

A trace must be of a clock that is on time (an H5 wake-up is not judged), or nearly so, with the
slack that `judge` is told of; and it ends between steps: what has to happen in the last entry's own
step must have happened.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from itertools import chain
from types import MappingProxyType

from statemodel.trace_rules import (
    _auto,
    _commands,
    _liveness,
    _manual,
    _object,
    _ping,
    _retry,
    _session,
    _sockets,
    _status,
)
from statemodel.trace_rules._facts import EPSILON, judged_with
from statemodel.trace_rules._rule import Finding, TraceRule
from statemodel.trace_rules._view import View
from statemodel.traces import Trace

__all__ = ["TRACE_RULES", "Finding", "TraceRule", "View", "judge"]

_MODULES = (
    _object,
    _session,
    _auto,
    _manual,
    _ping,
    _commands,
    _sockets,
    _retry,
    _liveness,
    _status,
)

TRACE_RULES: Mapping[str, TraceRule] = MappingProxyType(
    {rule.number: rule for rule in chain.from_iterable(module.RULES for module in _MODULES)}
)
"""Every rule that can be seen from outside, by its number."""


def judge(
    trace: Trace, *, slack: float = EPSILON, rules: Container[str] = TRACE_RULES
) -> list[Finding]:
    """Return where `trace` breaks a rule, ordered by time, then rule.

    Args:
        trace: What happened.
        slack: Seconds by which timers may have been late; two times that near are taken as one.
        rules: The numbers of the rules to judge by.

    Raises:
        ValueError: the trace does not begin with its only `Opened`, or its times decrease.
    """
    if not trace:
        return []
    with judged_with(slack):
        view = View(trace)
        findings = {
            finding
            for number, rule in TRACE_RULES.items()
            if number in rules
            for finding in rule.findings(view)
        }
        view.forget()
    return sorted(findings, key=lambda finding: (finding.time, finding.rule, finding.message))

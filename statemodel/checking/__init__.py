"""Checking a chart: every rule on every configuration and row, on its graph, and in runs."""

from __future__ import annotations

from statemodel.checking._report import Failure, Kind, Report, Verdict
from statemodel.checking._rule_error import RuleError
from statemodel.checking._text import report_data, report_text, seen
from statemodel.checking._verify import verify

__all__ = [
    "Failure",
    "Kind",
    "Report",
    "RuleError",
    "Verdict",
    "report_data",
    "report_text",
    "seen",
    "verify",
]

"""Walks over the pure machine, judged by the trace rules, which know nothing of it."""

from __future__ import annotations

from hypothesis import given

from statemodel.trace_rules import judge
from tests.walks import scripts


@given(scripts(max_steps=60))
def test_every_walk_keeps_the_rules(case):
    """Whatever happens, in whatever order: no trace rule finds a violation, and all can be done."""
    script, world = case
    findings = judge(world.trace)

    assert world.impossible == []
    assert findings == [], "\n".join(map(str, [script, *findings]))

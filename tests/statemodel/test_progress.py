"""Progress: wanted leads to connected, and connected can be reached from everywhere."""

from __future__ import annotations

from hypothesis import assume, given

from statemodel import Status
from statemodel._connection_table import TABLE
from statemodel.scripts import Step
from tests.walks import scripts


@given(scripts(max_steps=50))
def test_wanted_leads_to_connected(case):
    """G1: with network, a willing server and no further word, within the longest wait and attempt."""
    script, world = case
    assume({"wanted", "online"} <= world.machine.configuration)
    t = script.timings
    longest = t.retry_after_cap + t.backoff_cap + 2 * t.dial_timeout + t.auth_timeout
    began = world.now
    while world.machine.status not in (Status.CONNECTED, Status.FEATURE_THROTTLED):
        willing = [a for a in ("accept", "refreshed") if a in world.possible_answers()]
        due = world.machine.next_deadline
        if willing:
            world.play(Step.answer(willing[0]))
        else:
            assert due is not None, "nothing would ever happen"
            world.play(Step(do="wait", number=due - world.now))
        assert world.now - began <= longest


def test_connected_can_be_reached_from_everywhere():
    """G2: from every configuration of a connection object that has not ended."""
    into: dict[int, set[int]] = {}
    for source, _, _, row in TABLE.rows():
        into.setdefault(row.target, set()).add(source)
    reaching = {at for at, states in enumerate(TABLE.active) if "connected" in states}
    pending = list(reaching)
    while pending:
        for source in into.get(pending.pop(), set()) - reaching:
            reaching.add(source)
            pending.append(source)

    missing = [TABLE.active[at] for at in range(len(TABLE.active)) if at not in reaching]
    assert [states for states in missing if "ended" not in states] == []
    assert [states for states in TABLE.active if "ended" in states] == missing

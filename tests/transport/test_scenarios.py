"""One set of scenarios, on real sockets and in memory: the same happens, so the fake is a true one."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

import pytest
import trio
import trio.testing

from statemodel import Timings
from statemodel import traces as t
from statemodel.trace_rules import judge
from tests.transport.scenarios import SCENARIOS
from tests.transport.stage import Stage
from transport.testing import MemoryServer, open_server

SHORT = Timings(
    background_grace=0.8,
    heartbeat_interval=5.0,
    pong_timeout=0.5,
    probe_timeout=0.4,
    dial_timeout=0.5,
    close_timeout=0.4,
    backoff_base=0.1,
    backoff_cap=0.2,
    stable_after=5.0,
    keep_alive_interval=0.5,
)
SLACK = 1.5
"""Seconds that a busy machine may be late."""

Scenario = Callable[[Stage], Awaitable[None]]


async def _a_moment() -> None:
    """Let what is on its way over loopback arrive."""
    await trio.sleep(0.02)


def play_in_memory(scenario: Scenario) -> Stage:
    async def main() -> Stage:
        server = MemoryServer()
        stage = Stage(server, Timings(), 0.0, trio.testing.wait_all_tasks_blocked)
        with trio.fail_after(600):
            await scenario(stage)
        assert server.open_sockets == 0
        return stage

    return trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def play_on_sockets(scenario: Scenario) -> Stage:
    async def main() -> Stage:
        async with open_server() as server:
            stage = Stage(server, SHORT, SLACK, _a_moment)
            with trio.fail_after(20):
                await scenario(stage)
            assert server.open_sockets == 0
        return stage

    return trio.run(main)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_the_same_happens_on_both_servers(scenario: Scenario) -> None:
    memory, sockets = play_in_memory(scenario), play_on_sockets(scenario)

    assert sockets.seen == memory.seen
    assert _sights(sockets) == _sights(memory)
    assert _outline(sockets) == _outline(memory)
    assert memory.server.most_open == 1
    for trace in memory.traces:
        assert judge(trace) == []


def _sights(stage: Stage) -> object:
    """What the server saw."""
    server = stage.server
    return (
        server.dials,
        server.most_open,
        [(s.token, s.received, s.pongs, len(s.pings), s.close_code) for s in server.sockets],
    )


def _outline(stage: Stage) -> list[tuple[object, ...]]:
    """What happened to the sockets and in what order, without the times and single frames."""
    kinds = (t.Dialled, t.SocketOpened, t.SocketEnded, t.CloseBegun, t.Delivered)
    return [
        (type(e).__name__, e.socket, getattr(e, "how", ""), getattr(e, "number", 0))
        for trace in stage.traces
        for e in trace
        if isinstance(e, kinds)
    ]


def test_memory_scenarios_are_cheap() -> None:
    start = time.perf_counter()
    for _ in range(5):
        for scenario in SCENARIOS[:4]:
            play_in_memory(scenario)

    assert (time.perf_counter() - start) / 20 < 0.1

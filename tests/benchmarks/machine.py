"""The cost of the machine: a step, an event, a timer, its size, and how long it takes to have one."""

from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from time import perf_counter

from statemodel import ConnectionChart, Machine, Mode, Table, compile_chart, events
from statemodel._table import table_of
from tests.benchmarks.peers import CYCLE, PEERS, Ours
from tests.benchmarks.rounds import Case


def cases(*, quick: bool) -> Iterator[Case]:
    """Yield the cases of this kind."""
    cycles = 300 if quick else 2000
    yield Case("table step", "ns", lambda: table_step(cycles * 50))
    for name in PEERS:
        yield Case(f"one event: {name}", "µs", lambda name=name: one_event(name, cycles))  # type: ignore[misc]  # the name of now
    yield Case("timers, pure machine", "1/s", lambda: expiries(cycles * 10))
    count = 1000 if quick else 10_000
    yield Case("machine", "bytes", lambda: size(lambda: Machine(mode=Mode.MANUAL), count))
    yield Case("machine, connected", "bytes", lambda: size(connected, count))
    yield Case("compile", "s", compiling)
    for code in ("pass", "from statemodel import Machine"):
        yield Case(f"start: {code}", "ms", lambda code=code: starting(code))  # type: ignore[misc]


def table_step(count: int) -> float:
    """Return nanoseconds for one look-up of a row: where an event leads, and what it does."""
    table: Table = table_of(None)
    here = table.start("manual", "foreground", "online")
    handled, steps, names = table.handled, table.steps, list(table.handled[here])

    def whole() -> float:
        before = perf_counter()
        for number in range(count):
            _, step = handled[here][names[number % len(names)]]
            steps[step]
        return perf_counter() - before

    def loop_alone() -> float:
        before = perf_counter()
        for number in range(count):
            names[number % len(names)]
        return perf_counter() - before

    # The best of five: of two figures that are nearly the same, a hiccup in either would be all one sees.
    return (min(whole() for _ in range(5)) - min(loop_alone() for _ in range(5))) / count * 1e9


def one_event(name: str, cycles: int) -> float:
    """Return microseconds for one event, its effects and the next deadline."""
    peer = PEERS[name]()
    if isinstance(peer, Ours):
        return _ours(peer, cycles)
    step, now = peer.step, 0.0
    before = perf_counter()
    for _ in range(cycles):
        for event, seconds in CYCLE:
            now += seconds
            step(event, now)
    return (perf_counter() - before) / (cycles * len(CYCLE)) * 1e6


def _ours(peer: Ours, cycles: int) -> float:
    """Time `Machine.handle` itself: events are made beforehand, as their cost is the driver's."""
    inputs: list[tuple[events.Event, float]] = []
    machine, now = peer.machine.copy(), 0.0  # the copy is where the peer begins
    for _ in range(cycles):
        for event, seconds in CYCLE:
            now += seconds
            inputs.append((peer.events[event](), now))
            peer.step(event, now)
    handle = machine.handle
    before = perf_counter()
    for made, at in inputs:
        handle(made, at, 0.5)
        machine.next_deadline  # noqa: B018 - looking it up is part of the work
    spent = perf_counter() - before
    assert machine == peer.machine
    return spent / len(inputs) * 1e6


def expiries(count: int) -> float:
    """Return how many timers expire in a second: dials that nobody answers, and waits."""
    peer = Ours()
    machine, passed = peer.machine, events.TimePassed()
    machine.handle(events.Connect(command=1), 0.0, 0.5)
    before = perf_counter()
    for _ in range(count):
        due = machine.next_deadline
        assert due is not None
        machine.handle(passed, due, 0.5)
    return count / (perf_counter() - before)


def size(make: Callable[[], Machine], count: int) -> float:
    """Return the bytes of one machine, of so many."""
    make()
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        kept = [make() for _ in range(count)]
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    return (after - before) / len(kept)


def connected() -> Machine:
    """Return a machine with a user, whose connection is open."""
    peer = Ours()
    peer.step("connect", 1.0)
    peer.step("opened", 2.0)
    return peer.machine


def compiling() -> float:
    """Return the seconds that compiling the whole chart takes."""
    before = perf_counter()
    compile_chart(ConnectionChart)
    return perf_counter() - before


def starting(code: str) -> float:
    """Return the milliseconds of a fresh interpreter that runs some code, from bytecode as usual."""
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code]
    subprocess.run(command, env=env, check=True)  # the bytecode is there from now on
    before = perf_counter()
    subprocess.run(command, env=env, check=True)
    return (perf_counter() - before) * 1e3

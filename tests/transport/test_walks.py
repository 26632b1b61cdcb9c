"""The walks of the pure machine, through the real driver, in lock step with a machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from statemodel import Mode
from statemodel.scripts import Script, Step
from statemodel.trace_rules import judge
from tests.transport.trio_world import TrioWorld
from tests.walks import scripts

WATCHDOG = 20
"""Seconds of real time that one example may take: a driver that waits for ever must not hang."""


@contextmanager
def watchdog(seconds: int) -> Iterator[None]:
    """Raise TimeoutError when the block takes longer in real time."""

    def bark(*_: object) -> None:
        raise TimeoutError(f"nothing happened for {seconds} s of real time")

    before = signal.signal(signal.SIGALRM, bark)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@given(scripts(settle=True), st.integers(0, 2**32 - 1))
def test_driver_does_what_the_machine_says(case, seed):
    """The driver, in lock step with the machine, under any scheduling; and the trace keeps the rules."""
    play(case[0], seed)


def test_a_ping_may_be_given_up_in_the_step_that_sends_it():
    """H4: a heartbeat is due at the instant at which an earlier ping has been waited for long enough (P5)."""
    login = "login / authenticator authenticated / store saved"
    steps = f"{login} / peer accept / wait 20 / ping / wait 10".split(" / ")
    play(Script(mode=Mode.AUTO, steps=tuple(map(Step.parse, steps))), seed=0)


def play(script, seed):
    """Play a script, and judge what was seen."""
    world = TrioWorld(script)
    # trio shuffles what is runnable with a generator of its own: draw its seed as well.
    trio._core._run._r.seed(seed)
    with watchdog(WATCHDOG):
        trio.run(world.play, clock=trio.testing.MockClock(autojump_threshold=0))

    findings = judge(world.seen)
    assert findings == [], "\n".join(map(str, [script, *findings]))


assert os.name == "posix", "the watchdog needs SIGALRM"

"""`transport` as a subject: a real connection on trio, in virtual time, behind calls that wait.

A thread has a run of trio in it. Between two calls of the kit that run stands still, in the midst
of a task, so that nothing happens that was not asked for.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Sequence
from queue import Empty, SimpleQueue

import trio

from statemodel.conformance import CAPABILITIES, Act, SubjectError, Trouble
from statemodel.scripts import Script
from statemodel.traces import Entry
from tests.conformance.trio_peer import StandingClock
from tests.conformance.trio_stage import Stage

PATIENCE = 20.0
"""Seconds of real time for one call: whoever takes longer hangs."""

_Seen = list[list[Entry]]


class TrioSubject:
    """Connections of `transport`, with their dialer, authenticator and store in the kit's hands.

    Args:
        seed: Of the order in which trio runs what can run.
        patience: Seconds of real time that a call may take.
    """

    name = "transport"
    capabilities = frozenset(CAPABILITIES)

    def __init__(self, seed: int = 0, patience: float = PATIENCE) -> None:
        self._seed = seed
        self._patience = patience
        self._run: _Run | None = None

    def open(self, opening: Script, draws: Sequence[float]) -> Sequence[Entry]:
        """End what was open; the new connection is opened with the first act."""
        run = self._run
        if run is None or run.lost:
            run = self._run = _Run(self._seed, self._patience, self.clock())
        run.open(self.stage(opening, draws))
        return ()

    def stage(self, opening: Script, draws: Sequence[float]) -> Stage:
        """Make what the connection is played on."""
        return Stage(opening, draws)

    def clock(self) -> StandingClock:
        """Make the clock of a run."""
        return StandingClock()

    def perform(self, acts: Sequence[Act]) -> Sequence[Sequence[Entry]]:
        """Let a turn happen."""
        assert self._run is not None, "opened first"
        return self._run.perform(acts)

    def close(self) -> None:
        """End the run, if there is one."""
        run, self._run = self._run, None
        if run is not None:
            run.end()


class _Run:
    """A run of trio in a thread, which has one connection open after the other."""

    def __init__(self, seed: int, patience: float, clock: StandingClock) -> None:
        self.lost = False
        """Whether it broke down, or hangs."""
        self._seed = seed
        self._patience = patience
        self._clock = clock
        self._is_open = False
        # `None` ends what is open, or all of it if nothing is.
        self._openings: SimpleQueue[Stage | None] = SimpleQueue()
        self._turns: SimpleQueue[Sequence[Act] | None] = SimpleQueue()
        self._answers: SimpleQueue[_Seen | BaseException | None] = SimpleQueue()
        # A run that hangs cannot be ended from outside: Python shall not wait for it.
        self._thread = threading.Thread(target=self._live, name="trio", daemon=True)
        self._thread.start()

    def open(self, stage: Stage) -> None:
        self._close()
        self._openings.put(stage)
        self._is_open = True

    def perform(self, acts: Sequence[Act]) -> _Seen:
        self._turns.put(acts)
        answer = self._answer()
        assert answer is not None, "it ends only when it is asked to"
        return answer

    def end(self) -> None:
        if not self.lost:
            self._close()
            self._openings.put(None)
            self._answer()
            self._thread.join(self._patience)

    def _close(self) -> None:
        if self._is_open:
            self._is_open = False
            self._turns.put(None)
            self._answer()

    def _answer(self) -> _Seen | None:
        try:
            answer = self._answers.get(timeout=self._patience)
        except Empty:
            self.lost = True
            self._turns.put(None)  # should it ever come back
            self._openings.put(None)
            message = f"nothing came within {self._patience:g} s of real time"
            raise SubjectError(Trouble.HUNG, message) from None
        if isinstance(answer, BaseException):
            self.lost = True
            if isinstance(answer, SubjectError):
                raise answer
            raise SubjectError(Trouble.CRASHED, _ending(answer)) from answer
        return answer

    # -- in the thread ---------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            trio.run(self._open_all, clock=self._clock)
        except BaseException as error:  # noqa: BLE001 - raised in the thread that waits
            self._answers.put(error)
        else:
            self._answers.put(None)

    async def _open_all(self) -> None:
        while True:
            stage = self._openings.get()
            if stage is None:
                return
            self._clock.now = 0.0  # nobody is left who waits for a time
            # trio shuffles what is runnable with a generator of its own.
            trio._core._run._r.seed(self._seed)
            await stage.live(self._turns.get, self._answers.put)
            self._answers.put(None)


def _ending(error: BaseException) -> str:
    """Return where an error comes from, and what it is."""
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    return "".join(traceback.format_exception(error)[-3:]).strip()

"""The 30 seconds and the reconnection, as a state machine that knows only times (M3-M9, M11)."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from statemodel import Mode, Status, Timings
from statemodel._world import World
from statemodel.scripts import Step

GRACE = Timings().background_grace


class GraceWindow(RuleBasedStateMachine):
    """A manual connection; the expectation is computed from the times of what was done alone."""

    @initialize()
    def connect_in_foreground(self):
        self.world = World(Mode.MANUAL, Timings())
        for line in ("login", "authenticator authenticated", "store saved", "connect"):
            self._do(line)
        self._do("peer accept")
        self.background = False
        self.deadline = None  # of the window, while there is one
        self.wanted = True

    def _do(self, line: str) -> None:
        self.world.play(Step.parse(line))

    @property
    def has_socket(self) -> bool:
        return self.world.has_socket

    def _lost(self) -> None:
        if self.background:  # M7
            self.wanted, self.deadline = False, None

    @rule()
    def enter_background(self):
        if not self.background:
            self.background = True
            if self.has_socket:
                self.deadline = self.world.now + GRACE  # M3
            else:
                self.wanted = False  # M8
        self._do("background")

    @rule()
    def enter_foreground(self):
        self._do("foreground")
        self.background, self.deadline = False, None  # M6

    @rule()
    def ping(self):
        if self.world._open is not None and self.deadline is not None:
            self.deadline = self.world.now + GRACE  # M4
        self._do("ping")

    @rule()
    def connect(self):
        if self.background and not self.has_socket:
            self.deadline = self.world.now + GRACE  # M10
        self.wanted = True
        self._do("connect")

    @rule()
    def disconnect(self):
        self.wanted, self.deadline = False, None  # M2
        self._do("disconnect")

    @precondition(lambda self: self.world._open is not None)
    @rule()
    def drop(self):
        self._lost()
        self._do("peer drop")

    @precondition(lambda self: self.world._dialling is not None)
    @rule(answer=st.sampled_from(["accept", "accept", "fail"]))
    def dial_ends(self, answer):
        if answer == "fail":
            self._lost()
        self._do(f"peer {answer}")

    @precondition(lambda self: self.world._open is not None)
    @rule()
    def pongs_come(self):
        while self.world._out:
            self._do("peer pong")

    @rule(eighths=st.integers(1, 60))
    def time_passes(self, eighths):
        """Up to 7.5 s: shorter than any pong's time, so that only the window's end needs a word."""
        self._settle_dials()
        until = self.world.now + eighths / 8
        if self.deadline is not None and self.deadline <= until:
            self.wanted, self.deadline = False, None  # M5
        self._do(f"wait {eighths / 8}")

    @precondition(lambda self: self.deadline is not None and self.world._open is not None)
    @rule(ping=st.booleans())
    def the_very_deadline(self, ping):
        self.pongs_come()
        self._do(f"reach {self.deadline - self.world.now!r}")
        if ping:  # M4: at exactly the deadline the ping wins
            self.ping()
            self.pongs_come()
        else:
            self.wanted, self.deadline = False, None
            self._do("wait 0")

    def _settle_dials(self) -> None:
        """Answer what is out, so that no other time limit comes in between."""
        if self.world._dialling is not None:
            self._do("peer accept")
        if self.world._open is not None:
            self.pongs_come()

    @invariant()
    def socket_exists_only_as_the_times_say(self):
        """No socket when unwanted; in background none without a window that is still open."""
        if not hasattr(self, "world"):
            return
        if not self.wanted:
            assert not self.has_socket
            assert self.world.machine.status is Status.DISCONNECTED
        if self.background and self.has_socket:
            assert self.deadline is not None
            assert self.world.now <= self.deadline
        if self.background and self.wanted:
            assert self.has_socket
        if not self.background and self.wanted and not self.has_socket:  # M9: it comes back
            assert self.world.machine.last_change(self.world.now).retry_in is not None


TestGraceWindow = GraceWindow.TestCase
